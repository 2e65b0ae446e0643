/* farm.c - runs a workload on a farm; see farm.h.
 *
 * One loop in the main thread: submit while there is room, take what has ended,
 * look at signals, tell the progress, sleep in poll().  Not more than
 * pending_max tasks are submitted and not ended at any time, so neither a file
 * of many millions of tasks nor a stream of them fills the memory.
 */
#include "config.h"

#include "eachworker.h"
#include "farm.h"
#include "growing.h"
#include "load.h"
#include "order.h"
#include "past.h"
#include "report.h"
#include "runfolder.h"
#include "signals.h"
#include "taskfile.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SUBMIT_BATCH 256
#define TAKE_BATCH   4096
#define SLEEP_MS     1000
#define HEALTH_NS    (NS_PER_S / 4)
#define LOAD_NS      NS_PER_S
#define JOIN_NS      (60 * NS_PER_S)
#define STREAM_READ  ((size_t)65536)

/* A task that was submitted and has not ended. */
struct running {
    hay_future *future; /* NULL: a free place */
    uint64_t task;      /* or the next free place */
};

struct farm {
    hay_executor *ex;
    const struct farm_plan *plan;
    hay_queue *queue;
    struct submit submit;
    struct chunks *chunks;
    struct taskfile *reader; /* of a stream; NULL: at its end */
    struct running *running;
    size_t running_count, running_room, free_first, unfinished;
    struct report report;
    struct past past;
    struct order_writer *order;
    struct show show;
    struct progress progress;
    uint64_t submitted, never;
    uint64_t start_ns, end_ns, health_ns;
    uint64_t load_ns;     /* when what there is to do is told again */
    uint32_t own_workers; /* that were there at the beginning */
    uint32_t cores;       /* when last looked */
    double gone_core_s;   /* that lost workers offered while they were there */
    int level;            /* of signals, that was acted upon */
    bool stop;            /* nothing more is submitted */
    bool bad_input;       /* of a stream */
    bool broken;          /* the farm is */
    bool given_up;        /* too many have failed */
    uint32_t workers;     /* that joined */
    uint64_t failed_on_workers; /* commands that each of them runs once */
    bool closed;                /* the library knows that all was submitted */
    bool drained;               /* the walltime lets nothing start any more */
    bool hinted;                /* ... since a batch system has said so */
};

#define NO_PLACE SIZE_MAX

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* ---- what runs ---- */

static size_t take_place(struct farm *f)
{
    size_t place = f->free_first;
    if (place != NO_PLACE) {
        f->free_first = (size_t)f->running[place].task;
        return place;
    }
    f->running = mem_grow(
        f->running, f->running_count, &f->running_room, sizeof *f->running);
    f->running[f->running_count] = (struct running){.future = NULL};
    return f->running_count++;
}

static void give_place(struct farm *f, size_t place)
{
    f->running[place] = (struct running){.future = NULL, .task = f->free_first};
    f->free_first = place;
}

static bool nothing_left(const struct farm *f)
{
    return f->stop || (f->reader == NULL && submit_done(&f->submit));
}

static void stop_submitting(struct farm *f)
{
    f->stop = true;
    taskfile_free(f->reader);
    f->reader = NULL;
}

static void tell(struct farm *f, const struct fault *fault)
{
    progress_clear(&f->progress);
    fault_print(fault);
}

/* false: there was nothing to submit, or no room for it. */
static bool submit_some(struct farm *f)
{
    struct fault fault;
    int count = 0;
    while (count < SUBMIT_BATCH && !f->stop && !submit_done(&f->submit)
           && f->unfinished < f->plan->pending_max) {
        hay_future *future = NULL;
        uint64_t task = 0;
        size_t place = take_place(f);
        hay_status status = submit_next(
            &f->submit, (void *)(uintptr_t)(place + 1), &task, &future, &fault);
        if (status != HAY_OK) {
            give_place(f, place);
            stop_submitting(f);
            f->broken = status == HAY_EFARM || status == HAY_ECLOSED;
            f->bad_input = !f->broken;
            if (!f->broken) {
                tell(f, &fault);
            }
            return false;
        }
        f->running[place] = (struct running){future, task};
        order_note(f->order, task, hay_future_id(future));
        f->unfinished++;
        if (f->submitted++ == 0 && f->plan->run_folder != NULL) {
            runfolder_set_latest(f->plan->run_folder);
        }
        count++;
    }
    return count > 0;
}

/* Its chunks are not needed any more. */
static void drop_chunks(struct farm *f, uint64_t task)
{
    uint32_t block = workload_block_of(f->plan->w, task);
    chunks_ended(f->chunks, block, task - f->plan->w->blocks[block].first_task);
}

static void task_ended(struct farm *f, hay_future *future)
{
    size_t place = (size_t)(uintptr_t)hay_future_user(future) - 1;
    uint64_t task = f->running[place].task;
    struct workload *w = f->plan->w;
    bool recorded = past_note(&f->past, future);
    if (f->plan->why) {
        past_tell(w, task, future);
    } else if (!recorded) {
        report_task(&f->report, &w->blocks[workload_block_of(w, task)], future);
    }
    drop_chunks(f, task);
    if (f->show.mode != SHOW_NONE) {
        progress_clear(&f->progress);
        show_task(&f->show, task, future);
    }
    hay_future_release(f->running[place].future);
    hay_future_release(future);
    give_place(f, place);
    f->unfinished--;
}

static bool take_some(struct farm *f)
{
    int count = 0;
    hay_future *future = NULL;
    while (count < TAKE_BATCH && f->unfinished > 0
           && hay_queue_next(f->queue, 0, &future) == HAY_OK) {
        task_ended(f, future);
        count++;
    }
    return count > 0;
}

/* ---- a stream ---- */

static void bad_line(struct farm *f, const struct fault *fault)
{
    tell(f, fault);
    f->bad_input = true;
    taskfile_free(f->reader);
    f->reader = NULL;
}

/* Standard input is readable.  What stood above a bad line is still run. */
static void read_stream(struct farm *f)
{
    char data[STREAM_READ];
    struct fault fault;
    ssize_t got = read(STDIN_FILENO, data, sizeof data);
    hay_status status = HAY_OK;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) {
        return;
    }
    if (got < 0) {
        fault_set(&fault, HAY_EIO, "standard input: %s", strerror(errno));
        bad_line(f, &fault);
        return;
    }
    if (got > 0) {
        status = taskfile_feed(f->reader, data, (size_t)got, &fault);
    } else {
        status = taskfile_end(f->reader, &fault);
    }
    if (status != HAY_OK) {
        bad_line(f, &fault);
    } else if (got == 0) {
        taskfile_free(f->reader);
        f->reader = NULL;
    }
}

/* ---- signals, health, progress ---- */

/* flags: HAY_CANCEL_FORCE, or 0: those that have not begun. */
static void cancel_running(struct farm *f, unsigned flags)
{
    for (size_t i = 0; i < f->running_count; i++) {
        if (f->running[i].future != NULL) {
            (void)hay_future_cancel(f->running[i].future, flags);
        }
    }
}

/* Nothing more is to start.  An executor that is shut down would not take what
 * workers run at the end.  by_library: it has cancelled what has not begun. */
static void begin_drain(struct farm *f, bool by_library)
{
    stop_submitting(f);
    f->never = f->plan->w->task_count - f->plan->w->done_count - f->submitted;
    if (!eachworker_wanted(f->plan->w, true)) {
        (void)hay_shutdown(f->ex, false, true);
    } else if (!by_library) {
        cancel_running(f, 0);
    }
}

static void look_at_signals(struct farm *f)
{
    int level = signals_level();
    if (f->show.closed && level == SIGNALS_NONE) {
        level = SIGNALS_DRAIN; /* nobody reads what we print */
    }
    if (level >= SIGNALS_DRAIN && f->level < SIGNALS_DRAIN) {
        begin_drain(f, false);
    }
    if (level >= SIGNALS_FORCE && f->level < SIGNALS_FORCE) {
        cancel_running(f, HAY_CANCEL_FORCE);
    }
    /* Told when it is so. */
    if (level > f->level) {
        progress_clear(&f->progress);
        say(level >= SIGNALS_FORCE
                ? "interrupted: the running tasks are ended"
                : "interrupted: no new task starts, the running ones are "
                  "waited for (once more: they are ended)");
    }
    f->level = level > f->level ? level : f->level;
}

static void show_left(const hay_stats *stats, char *text, size_t size)
{
    char time[64];
    if (stats->time_left_ns == HAY_FOREVER) {
        snprintf(text, size, "how much is left is not known");
        return;
    }
    units_show_time(stats->time_left_ns + stats->margin_ns, time, sizeof time);
    snprintf(text, size, "%s until the job ends", time);
}

/* A signal that says that the time is nearly up; the library's clock knows
 * better, if it knows an end. */
static void take_hint(struct farm *f, const hay_stats *stats)
{
    char left[100];
    show_left(stats, left, sizeof left);
    progress_clear(&f->progress);
    if (stats->time_left_ns != HAY_FOREVER
        && stats->time_left_ns > stats->margin_ns) {
        say("signal of the batch system: %s, the run goes on", left);
        return;
    }
    say("signal of the batch system (%s): no new task starts, the running ones "
        "are waited for",
        left);
    f->hinted = true;
    f->drained = true;
    begin_drain(f, false);
}

static void look_at_walltime(struct farm *f)
{
    hay_stats stats = {.size = sizeof stats};
    bool hint = signals_hint();
    if (f->drained || f->level > SIGNALS_NONE
        || hay_executor_stats(f->ex, &stats) != HAY_OK) {
        return;
    }
    if (stats.draining) {
        f->drained = true;
        begin_drain(f, true);
    } else if (hint) {
        take_hint(f, &stats);
    } else if (stats.time_left_ns != HAY_FOREVER && !f->closed
               && nothing_left(f) && !eachworker_wanted(f->plan->w, true)) {
        /* With nothing more to come it need not wait where nothing fits. */
        f->closed = true;
        (void)hay_shutdown(f->ex, false, false);
    }
}

/* The run is going wrong: too many tasks have failed by themselves. */
static void look_at_failures(struct farm *f)
{
    uint64_t max =
        f->plan->max_fails > 0 ? f->plan->max_fails : f->plan->w->max_fails;
    uint64_t failed = f->report.failed - f->report.by_input;
    if (max == 0 || failed < max || f->given_up) {
        return;
    }
    f->given_up = true;
    progress_clear(&f->progress);
    say("%" PRIu64 " task%s failed: the run stops (--max-fails), what runs is "
        "ended",
        failed,
        failed == 1 ? "" : "s");
    begin_drain(f, false);
    cancel_running(f, HAY_CANCEL_FORCE);
}

static void count_cores(struct farm *f, uint64_t now)
{
    hay_stats stats = {.size = sizeof stats};
    if (hay_executor_stats(f->ex, &stats) != HAY_OK) {
        return;
    }
    if (stats.cores < f->cores) {
        f->gone_core_s +=
            (double)(now - f->start_ns) / NS_PER_S * (f->cores - stats.cores);
    }
    f->cores = stats.cores;
}

static void look_at_health(struct farm *f, uint64_t now)
{
    if (now >= f->health_ns) {
        f->health_ns = now + HEALTH_NS;
        count_cores(f, now);
        f->broken = f->broken || hay_executor_health(f->ex) != HAY_OK;
    }
}

/* Tasks that need not run: another tool has done them, or the journal says so.
 */
static uint64_t done_before(const struct farm *f)
{
    return f->plan->w->done_count + f->past.count[HAY_WHY_RECORDED];
}

static void tell_progress(struct farm *f, uint64_t now)
{
    hay_stats stats = {.size = sizeof stats};
    if (now < progress_next_ns(&f->progress)
        || hay_executor_stats(f->ex, &stats) != HAY_OK) {
        return;
    }
    struct progress_counts counts = {
        .done = done_before(f) + f->report.ended,
        .total = f->plan->w->task_count,
        .before = done_before(f),
        .cores = stats.cores,
        /* What was handed out ahead counts as running in the library. */
        .running = stats.running < stats.cores ? stats.running : stats.cores,
        .failed = f->report.failed,
        .cancelled = f->report.cancelled,
        .growing = f->reader != NULL,
        .ending = f->level > SIGNALS_NONE || f->drained,
    };
    progress_tell(&f->progress, &counts, now);
}

/* For those who decide on more workers. */
static void tell_load(struct farm *f, uint64_t now)
{
    hay_stats stats = {.size = sizeof stats};
    struct timespec ts;
    if (!f->plan->listen || now < f->load_ns
        || hay_executor_stats(f->ex, &stats) != HAY_OK) {
        return;
    }
    f->load_ns = now + LOAD_NS;
    if (f->own_workers == 0) {
        f->own_workers = stats.workers;
    }
    clock_gettime(CLOCK_REALTIME, &ts);
    struct load load = {
        .time_s = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9,
        .ready = stats.ready,
        .running = stats.running,
        .ended = f->report.ended,
        .cores = stats.cores,
        .workers = stats.workers,
        .own = f->own_workers,
        .left_s = stats.time_left_ns == HAY_FOREVER
                      ? GROW_FOREVER
                      : stats.time_left_ns / NS_PER_S,
        .ending = f->stop || f->drained || f->level > SIGNALS_NONE,
    };
    load_write(f->plan->run_folder, &load);
}

static void sleep_until_something(struct farm *f)
{
    struct pollfd fds[3] = {
        {.fd = -1, .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = -1, .events = POLLIN},
    };
    uint64_t now = now_ns();
    uint64_t next = progress_next_ns(&f->progress);
    int wait_ms = SLEEP_MS;
    (void)hay_queue_fd(f->queue, &fds[0].fd);
    if (f->reader != NULL && f->unfinished < f->plan->pending_max) {
        fds[2].fd = STDIN_FILENO;
    }
    if (next < now + SLEEP_MS * UINT64_C(1000000)) {
        wait_ms = next > now ? (int)((next - now) / 1000000) + 1 : 0;
    }
    if (poll(fds, 3, wait_ms) > 0 && fds[2].revents != 0) {
        read_stream(f);
    }
}

static void loop(struct farm *f)
{
    while (!f->broken && !(nothing_left(f) && f->unfinished == 0)) {
        bool busy = submit_some(f);
        busy = take_some(f) || busy;
        look_at_signals(f);
        look_at_walltime(f);
        look_at_failures(f);
        uint64_t now = now_ns();
        look_at_health(f, now);
        tell_progress(f, now);
        tell_load(f, now);
        if (!busy && !(nothing_left(f) && f->unfinished == 0)) {
            sleep_until_something(f);
        }
    }
}

/* ---- before and after ---- */

/* Waits for the workers; false: interrupted, or the farm is broken. */
static bool workers_join(struct farm *f)
{
    uint64_t limit = now_ns() + JOIN_NS;
    hay_status status;
    do {
        status = hay_executor_wait_workers(f->ex, NS_PER_S / 10);
        if (signals_level() > SIGNALS_NONE) {
            f->level = signals_level();
            return false;
        }
    } while (status == HAY_ETIMEDOUT && now_ns() < limit);
    if (status != HAY_OK) {
        struct fault fault;
        fault_library(&fault, status);
        fault_print(&fault);
        f->broken = true;
    }
    return status == HAY_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Would the answer be the same?  Arrays have categories of their own. */
static bool same_request(const struct block *a, const struct block *b)
{
    const struct request *x = a->request;
    const struct request *y = b->request;
    if (a->array || b->array) {
        return false;
    }
    return x == y
           || (x->cores == y->cores && x->gpus == y->gpus
               && x->memory_bytes == y->memory_bytes
               && x->memory_limit_bytes == y->memory_limit_bytes
               && x->memory_retries == y->memory_retries
               && x->output_limit_bytes == y->output_limit_bytes
               && x->grace_ns == y->grace_ns
               && x->time_limit_ns == y->time_limit_ns
               && same_text(x->amounts_text, y->amounts_text));
}

/* Can each task ever run here?  Blocks that ask for the same are judged once.
 */
static bool feasible(struct farm *f)
{
    const struct workload *w = f->plan->w;
    const struct block *last = NULL;
    hay_task_options options;
    for (size_t i = 0; i < w->block_count; i++) {
        if (last != NULL && same_request(last, &w->blocks[i])) {
            continue;
        }
        last = &w->blocks[i];
        submit_options(&f->submit, &w->blocks[i], &options);
        hay_status status = hay_task_options_check(f->ex, &options, JOIN_NS);
        if (status == HAY_EFARM || status == HAY_ECLOSED) {
            f->broken = true;
            return false;
        }
        if (status != HAY_OK) {
            struct fault fault;
            fault_at(
                &fault, w->file, w->blocks[i].line, "%s", hay_error_text());
            fault_print(&fault);
            f->bad_input = true;
            return false;
        }
    }
    return true;
}

/* Are the datasets there that tasks read? */
static bool datasets_there(struct farm *f)
{
    struct fault fault;
    for (uint32_t i = 0; i < f->plan->w->block_count; i++) {
        if (chunks_check(f->chunks, i, &fault) != HAY_OK) {
            fault_print(&fault);
            f->bad_input = true;
            return false;
        }
    }
    return true;
}

/* Tasks that another job will have to do. */
static uint64_t left_over(const struct farm *f)
{
    return f->report.walltime
           + (f->hinted ? f->report.cancelled - f->report.walltime : 0)
           + (f->drained ? f->never : 0);
}

static int exit_status(const struct farm *f)
{
    if (f->broken) {
        return EXIT_FARM;
    }
    if (f->level > SIGNALS_NONE) {
        return EXIT_INTERRUPTED;
    }
    if (f->bad_input) {
        return EXIT_USE;
    }
    if (left_over(f) > 0 && !f->given_up) {
        return f->report.finished + f->report.saved > 0 ? EXIT_MORE : EXIT_FARM;
    }
    return f->report.failed + f->report.cancelled > 0 || f->given_up
                   || f->failed_on_workers > 0
               ? EXIT_TASKS
               : EXIT_DONE;
}

static void sum_up(struct farm *f)
{
    hay_stats stats = {.size = sizeof stats};
    (void)hay_executor_stats(f->ex, &stats);
    struct report_facts facts = {
        .file = f->plan->w->file,
        .run_folder = f->submitted > 0 ? f->plan->run_folder : NULL,
        .wall_ns = f->end_ns - f->start_ns,
        .workers = stats.workers,
        .cores = stats.cores,
        .gone_core_s = f->gone_core_s,
        .never = f->never,
        .before = done_before(f),
        .unfinished = f->unfinished,
        .left = left_over(f),
        .growing = f->plan->stream
                   && (f->level > SIGNALS_NONE || f->given_up || f->drained),
        .quiet = f->plan->quiet,
        .broken = f->broken,
    };
    progress_clear(&f->progress);
    if (f->report.ended > 0 || f->unfinished > 0) {
        report_print(&f->report, &facts);
        if (!f->plan->quiet) {
            past_sum_up(&f->past);
        }
    } else if (f->level > SIGNALS_NONE) {
        say("interrupted before any task was started");
    } else if (done_before(f) > 0 && !f->broken && !f->bad_input
               && !f->plan->quiet) {
        say("nothing is left to do: all %" PRIu64 " tasks were done before",
            done_before(f));
    }
}

/* What was done before prints nothing: in order, nothing waits for it. */
static void pass_done(struct farm *f)
{
    const struct workload *w = f->plan->w;
    for (size_t i = 0; i < w->block_count && w->done_count > 0; i++) {
        const struct block *block = &w->blocks[i];
        for (uint64_t k = 0; block->done != NULL && k < block->count; k++) {
            if (block_is_done(block, k)) {
                show_task(&f->show, block->first_task + k, NULL);
            }
        }
    }
}

static void begin(struct farm *f)
{
    f->start_ns = now_ns();
    progress_init(&f->progress,
                  f->plan->quiet ? PROGRESS_NONE : f->plan->progress,
                  f->plan->columns,
                  f->start_ns);
    show_init(&f->show, f->plan->show);
    pass_done(f);
    submit_init(&f->submit,
                f->ex,
                f->queue,
                f->plan->w,
                f->plan->work,
                f->plan->stream);
    f->submit.time_scale = f->plan->time_scale;
    f->chunks = chunks_new(f->ex, f->plan->w, f->plan->run_folder);
    f->submit.chunks = f->chunks;
    f->order =
        f->plan->run_folder != NULL ? order_begin(f->plan->run_folder) : NULL;
    if (f->plan->stream) {
        f->reader = taskfile_new(f->plan->w, f->plan->defaults, true);
    }
}

/* What each worker runs once, before the tasks or ('stop') after them. */
static void each_worker(struct farm *f, bool stop)
{
    hay_stats stats = {.size = sizeof stats};
    uint64_t failed = 0;
    if (!eachworker_wanted(f->plan->w, stop) || f->broken) {
        return;
    }
    if (f->workers == 0 && hay_executor_stats(f->ex, &stats) == HAY_OK) {
        f->workers = stats.workers;
    }
    progress_clear(&f->progress);
    hay_status status =
        eachworker_run(f->ex, f->plan->w, stop, f->workers, &failed);
    f->broken = f->broken || status != HAY_OK;
    f->failed_on_workers += failed;
    if (stop && f->stop && !f->broken) {
        (void)hay_shutdown(f->ex, false, true); /* the journal: more to do */
    }
}

int farm_run(hay_executor *ex, const struct farm_plan *plan)
{
    struct farm f = {.ex = ex, .plan = plan, .free_first = NO_PLACE};
    hay_status status = hay_queue_new(ex, &f.queue);
    if (status != HAY_OK) {
        struct fault fault;
        fault_library(&fault, status);
        fault_print(&fault);
        return EXIT_FARM;
    }
    bool ready = plan->why || workers_join(&f);
    begin(&f);
    if (ready && plan->why) {
        loop(&f);
    } else if (ready && feasible(&f) && datasets_there(&f)) {
        each_worker(&f, false);
        loop(&f);
        each_worker(&f, true);
    }
    if (plan->listen) {
        load_remove(plan->run_folder);
        growing_stop();
    }
    f.end_ns = now_ns();
    f.broken = f.broken || hay_executor_health(ex) != HAY_OK;
    order_end(f.order);
    if (!plan->why) {
        sum_up(&f);
    } else if (!f.bad_input && !f.broken && !past_tell_rest(&f.past, ex)) {
        f.broken = true;
    }
    taskfile_free(f.reader);
    submit_fini(&f.submit);
    chunks_free(f.chunks);
    show_fini(&f.show);
    for (size_t i = 0; i < f.running_count; i++) {
        hay_future_release(f.running[i].future);
    }
    free(f.running);
    hay_queue_free(f.queue);
    return exit_status(&f);
}
