/* bench_core.c - how fast the scheduler alone decides: tasks and items a
 * second through lib/core, with workers that end what they are given at once.
 *
 * Each line is one shape of work.  'queued' ones submit everything before the
 * first worker may take anything; the others keep a window of unfinished tasks.
 * A round takes all hand-outs of a dispatch, ends them in order (STARTED is
 * left out, as it is for short tasks), then dispatches again; 'news' is how
 * many ends are told between two dispatches.
 * Time is the CPU time of the thread, since a scheduler that waits for nothing
 * costs that and no more; what else the machine does is left out.
 */
#include "config.h"

#include "core/sched.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NEWS_MAX 64 /* ends between two dispatches */

struct bench {
    struct hayi_sched *sched;
    struct hayi_actions actions;
    struct hayi_actions held; /* hand-outs that are not ended yet */
    size_t first;             /* of them */
    uint64_t now_ns;
    uint64_t told;
    uint64_t items;
    uint64_t run_ns;
};

struct result {
    double seconds;
    uint64_t done;
    double bytes; /* a queued task; 0: not told */
};

static void die(const char *what)
{
    fprintf(stderr, "bench_core: %s\n", what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void take_actions(struct bench *b)
{
    for (size_t i = 0; i < b->actions.count; i++) {
        const struct hayi_action *a = &b->actions.list[i];
        if (a->kind == HAYI_ACTION_TELL) {
            b->told++;
        } else if (a->kind == HAYI_ACTION_RECALL) {
            struct hayi_event e = {.kind = HAYI_EVENT_RECALL_DONE};
            e.u.recall_done.worker = a->u.recall.worker;
            struct hayi_actions none;
            hayi_actions_init(&none);
            (void)hayi_sched_step(b->sched, b->now_ns, &e, &none);
            hayi_actions_fini(&none);
        } else if (a->kind == HAYI_ACTION_HAND_OUT) {
            if (b->held.count == b->held.room) {
                size_t room = b->held.room == 0 ? 1024 : b->held.room * 2;
                void *list =
                    realloc(b->held.list, room * sizeof(*b->held.list));
                if (list == NULL) {
                    die("out of memory");
                }
                b->held.list = list;
                b->held.room = room;
            }
            b->held.list[b->held.count++] = *a;
        }
    }
    b->actions.count = 0;
}

static void step(struct bench *b, struct hayi_event *event)
{
    b->now_ns += 50;
    if (hayi_sched_step(b->sched, b->now_ns, event, &b->actions) != HAY_OK) {
        die("an event was refused");
    }
}

static void dispatch(struct bench *b)
{
    if (hayi_sched_dispatch(b->sched, b->now_ns, &b->actions) != HAY_OK) {
        die("no dispatch");
    }
    take_actions(b);
}

/* End up to 'max' held attempts, the oldest first. */
static void end_some(struct bench *b, size_t max)
{
    for (size_t i = 0; i < max && b->first < b->held.count; i++) {
        const struct hayi_action *a = &b->held.list[b->first++];
        struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
        e.u.ended.worker = a->u.hand_out.worker;
        e.u.ended.task = a->u.hand_out.task;
        e.u.ended.attempt = a->u.hand_out.attempt;
        e.u.ended.run_ns = b->run_ns;
        if (a->u.hand_out.range) {
            e.u.ended.items = a->u.hand_out.count;
            e.u.ended.run_ns = b->run_ns * a->u.hand_out.count;
            b->items += a->u.hand_out.count;
        }
        step(b, &e);
    }
    if (b->first == b->held.count) {
        b->first = 0;
        b->held.count = 0;
    }
    dispatch(b);
}

static void open_bench(struct bench *b, uint32_t workers, uint32_t cores)
{
    struct hayi_sched_config config = {
        .worker_max = workers,
        .seed = 1,
        .silence_ns = UINT64_C(10000000000),
    };
    *b = (struct bench){.run_ns = 200};
    b->sched = hayi_sched_new(&config);
    if (b->sched == NULL) {
        die("out of memory");
    }
    hayi_actions_init(&b->actions);
    for (uint32_t i = 0; i < workers; i++) {
        struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
        e.u.joined.worker = i;
        e.u.joined.cores = cores;
        e.u.joined.memory_bytes = 8000;
        step(b, &e);
    }
}

static void close_bench(struct bench *b)
{
    hayi_sched_free(b->sched);
    hayi_actions_fini(&b->actions);
    free(b->held.list);
}

/* What the tasks of a line ask for. */
enum shape {
    ALIKE,    /* one core each */
    PRIORITY, /* ... each with a priority of its own, in no order */
    PINNED,   /* ... each on a worker that it names */
    MEMORY,   /* ... with memory, of which a worker has enough for 8 */
};

static enum shape shape;
static uint32_t shape_workers;

static hayi_handle submit(struct bench *b,
                          uint64_t id,
                          const struct hayi_dep *deps,
                          size_t dep_count)
{
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    e.u.task.id = id;
    e.u.task.payload = id;
    e.u.task.needs.cores = 1;
    if (shape == PRIORITY) {
        e.u.task.priority = (int32_t)(id * 7919 % 1000003);
    } else if (shape == PINNED) {
        e.u.task.needs.worker = 1 + (uint32_t)(id * 7919 % shape_workers);
    } else if (shape == MEMORY) {
        e.u.task.needs.memory_bytes = 1000;
    }
    e.u.task.deps = deps;
    e.u.task.dep_count = dep_count;
    step(b, &e);
    return e.u.task.task;
}

static size_t memory_of(const struct bench *b)
{
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(b->sched, &stats);
    return stats.memory_bytes;
}

static void finish(struct bench *b, uint64_t tasks)
{
    while (b->told < tasks) {
        if (b->held.count == 0) {
            die("tasks are left, and nothing is handed out");
        }
        end_some(b, NEWS_MAX);
    }
}

static struct result
independent(uint32_t workers, uint64_t tasks, uint64_t window)
{
    struct bench b;
    struct result r = {.done = tasks};
    open_bench(&b, workers, workers > 100 ? 16 : 4);
    shape_workers = workers;
    size_t before = memory_of(&b);
    uint64_t start = cpu_ns();
    for (uint64_t i = 0; i < tasks; i++) {
        (void)submit(&b, i + 1, NULL, 0);
        if (i + 1 >= window + b.told) {
            if (b.held.count == 0) {
                dispatch(&b);
            }
            end_some(&b, NEWS_MAX);
        }
    }
    if (window >= tasks) {
        r.bytes = (double)(memory_of(&b) - before) / (double)tasks;
    }
    dispatch(&b);
    finish(&b, tasks);
    r.seconds = (double)(cpu_ns() - start) / 1e9;
    close_bench(&b);
    return r;
}

/* A grid of 'width' columns; each task waits for its three neighbours of the
 * row before (width 1: for the one).  Everything is submitted first. */
static struct result grid(uint32_t workers, uint64_t tasks, uint64_t width)
{
    struct bench b;
    struct result r = {.done = tasks};
    hayi_handle *row = calloc(2 * width, sizeof(*row));
    if (row == NULL) {
        die("out of memory");
    }
    open_bench(&b, workers, 4);
    size_t before = memory_of(&b);
    uint64_t start = cpu_ns();
    for (uint64_t i = 0; i < tasks; i++) {
        uint64_t x = i % width;
        hayi_handle *from = row + (i / width + 1) % 2 * width;
        struct hayi_dep deps[3] = {{.any = false}};
        size_t count = 0;
        for (uint64_t n = x > 0 ? x - 1 : 0; n <= x + 1 && n < width; n++) {
            deps[count++].task = from[n];
        }
        row[i / width % 2 * width + x] =
            submit(&b, i + 1, deps, i < width ? 0 : count);
    }
    r.bytes = (double)(memory_of(&b) - before) / (double)tasks;
    dispatch(&b);
    finish(&b, tasks);
    r.seconds = (double)(cpu_ns() - start) / 1e9;
    close_bench(&b);
    free(row);
    return r;
}

static struct result map(uint32_t workers, uint64_t items, uint64_t item_ns)
{
    struct bench b;
    struct result r = {.done = items};
    open_bench(&b, workers, 4);
    b.run_ns = item_ns;
    uint64_t start = cpu_ns();
    struct hayi_event e = {.kind = HAYI_EVENT_MAP};
    e.u.map.id = 1;
    e.u.map.count = items;
    e.u.map.range_max = UINT64_MAX;
    step(&b, &e);
    dispatch(&b);
    finish(&b, 1);
    if (b.items != items) {
        die("items are missing");
    }
    r.seconds = (double)(cpu_ns() - start) / 1e9;
    close_bench(&b);
    return r;
}

static bool tsv;

static void print(const char *work, struct result r, const char *unit)
{
    double rate = (double)r.done / r.seconds;
    if (tsv) {
        printf("%s\t%.0f\t%s/s\n", work, rate, unit);
        if (r.bytes > 0) {
            printf("%s, memory\t%.1f\tbytes/task\n", work, r.bytes);
        }
        return;
    }
    printf("%-40s %12.3f %10.1f", work, rate / 1e6, 1e9 / rate);
    if (r.bytes > 0) {
        printf(" %12.1f", r.bytes);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tsv") != 0) {
            fprintf(stderr, "usage: bench_core [--tsv]\n");
            return 2;
        }
        tsv = true;
    }
    if (!tsv) {
        printf("%-40s %12s %10s %12s\n",
               "work",
               "millions/s",
               "ns each",
               "bytes each");
    }
    print("independent, 10 k queued", independent(2, 10000, 10000), "tasks");
    print("independent, 1 M queued", independent(2, 1000000, 1000000), "tasks");
    print("independent, window 10 k", independent(2, 1000000, 10000), "tasks");
    print("1,000 workers, 1 M queued",
          independent(1000, 1000000, 1000000),
          "tasks");
    print("1,000 workers, window 10 k",
          independent(1000, 1000000, 10000),
          "tasks");
    shape = PRIORITY;
    print("100 k queued, each of another priority",
          independent(2, 100000, 100000),
          "tasks");
    shape = PINNED;
    print("1,000 workers, each task on one of them",
          independent(1000, 300000, 300000),
          "tasks");
    shape = MEMORY;
    print("1,000 workers, short of memory",
          independent(1000, 300000, 300000),
          "tasks");
    shape = ALIKE;
    print("chain", grid(2, 300000, 1), "tasks");
    print("stencil, width 32, 3 inputs", grid(8, 300000, 32), "tasks");
    print("stencil, 1,000 workers", grid(1000, 300000, 32), "tasks");
    print("map, items of 10 ns", map(2, 1000000000, 10), "items");
    print("map, items of 10 us", map(2, 100000000, 10000), "items");
    return 0;
}
