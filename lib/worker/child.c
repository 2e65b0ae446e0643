/* child.c - see child.h.
 *
 * When does a child wake its rank?  As a slot's thread does (slot_thread.c): at
 * the end that others wait for, when half of what it was given is done, when
 * nothing is left, and at the latest RING_NS after the last time.
 *
 * After each attempt it looks whether the function has left processes behind
 * (it is their subreaper, so they are all below it) and ends them, and whether
 * its descriptors are still there.
 */
#include "config.h"

#include "worker/child.h"

#include "base/clock.h"
#include "base/philox.h"
#include "client/executor.h"
#include "data/chunk_file.h"
#include "worker/child_client.h"
#include "worker/child_env.h"
#include "worker/child_objects.h"
#include "worker/node_gpus.h"
#include "worker/openmp.h"
#include "worker/registry.h"
#include "worker/spawner_minder.h"
#include "worker/spawner_tree.h"
#include "worker/task.h"
#include "worker/task_env.h"
#include "worker/topology.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    RING_NS = 500000,
    GROWTH_LOOK_NS = 50000000,
    KEEP_IDLE_NS = 50000000, /* before much private memory is given back */
};
#define STRAYS_NS (UINT64_C(5) * 1000000000)

struct child {
    struct hayi_child_area *area;
    struct hayi_child_link link;
    struct hayi_child_objects objects;
    struct hayi_child_env env;
    struct hayi_task_farm farm;
    struct hayi_scratch scratch;
    int sentinel; /* a descriptor that no function knows */
    uint64_t sentinel_inode;
    uint64_t rung_ns;
    uint64_t growth_look_ns;
    uint64_t start_bytes; /* private memory at its start */
    uint64_t tasks;
    int bound[HAYI_CHILD_CPUS_MAX];
    uint32_t bound_count;
    int *moved; /* the cpus of the attempt, if it has waited; malloc'ed */
    bool leaves;
};

static struct child self;

/* ---- what it is bound to ------------------------------------------------- */

static void bind(struct child *c, const struct hay_task *task)
{
    size_t bytes = task->cpu_count * sizeof(int);
    hayi_openmp_limit(task->record.cores);
    if (task->cpu_count == 0
        || (task->cpu_count == c->bound_count
            && memcmp(c->bound, task->cpus, bytes) == 0)) {
        return;
    }
    (void)hayi_topology_bind_thread(task->cpus, task->cpu_count);
    c->bound_count = 0;
    if (task->cpu_count <= HAYI_CHILD_CPUS_MAX) {
        memcpy(c->bound, task->cpus, bytes);
        c->bound_count = (uint32_t)task->cpu_count;
    }
}

bool hayi_child_go_on(struct hay_task *task, const void *body, uint64_t size)
{
    struct hayi_child_resume head;
    struct child *c = &self;
    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    if (head.cpu_count > (size - sizeof(head)) / sizeof(int)) {
        return false;
    }
    int *cpus = malloc(head.cpu_count * sizeof(int) + 1);
    if (cpus == NULL) {
        return false;
    }
    memcpy(cpus,
           (const unsigned char *)body + sizeof(head),
           head.cpu_count * sizeof(int));
    free(c->moved);
    c->moved = cpus;
    task->cpus = cpus;
    task->cpu_count = head.cpu_count;
    task->core = head.core;
    task->core_count = head.core_count;
    bind(c, task);
    return true;
}

/* ---- what a function leaves behind --------------------------------------- */

static void end_strays(struct child *c)
{
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
        if (pid < 0 && errno != EINTR) {
            return; /* none: it costs one call */
        }
        if (pid == 0) {
            break;
        }
    }
    hayi_tree_kill_all(STRAYS_NS);
    c->leaves = true; /* who knows what else it has started */
}

/* Is the descriptor that it does not know still there? */
static bool is_whole(const struct child *c)
{
    struct stat info;
    return fstat(c->sentinel, &info) == 0 && info.st_ino == c->sentinel_inode;
}

static uint64_t private_bytes(void)
{
    char text[128];
    unsigned long long all = 0;
    unsigned long long shared = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = 0;
    if (sscanf(text, "%*u %llu %llu", &all, &shared) != 2 || shared > all) {
        return 0;
    }
    return (all - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void look_at_growth(struct child *c, uint64_t now_ns)
{
    if (now_ns - c->growth_look_ns < GROWTH_LOOK_NS) {
        return;
    }
    c->growth_look_ns = now_ns;
    uint64_t bytes = private_bytes();
    if (c->area->memory_max_bytes != 0 && bytes > c->start_bytes
        && bytes - c->start_bytes > c->area->memory_max_bytes) {
        c->leaves = true;
    }
}

/* ---- one attempt --------------------------------------------------------- */

/* A TASK or RANGE record, checked. */
struct order {
    struct hayi_child_task head;
    const void *record;
    const int32_t *cpus;
    const int32_t *gpus;
    const char *given;
    const struct hayi_child_object *inputs;
    bool is_range;
};

static size_t pad8(uint64_t size)
{
    return ((size_t)size + 7) & ~(size_t)7;
}

static bool read_order(const struct hayi_pipe_record *record,
                       const void *body,
                       struct order *order)
{
    const unsigned char *at = body;
    uint64_t left = record->size;
    if (left < sizeof(order->head)) {
        return false;
    }
    memcpy(&order->head, at, sizeof(order->head));
    uint64_t need =
        sizeof(order->head) + pad8(order->head.record_size)
        + pad8(order->head.cpu_count * sizeof(int32_t))
        + pad8(order->head.gpu_count * sizeof(int32_t))
        + pad8(order->head.given_size)
        + order->head.object_count * sizeof(struct hayi_child_object);
    if (order->head.record_size > left || need > left
        || order->head.gpu_count > HAYI_GPUS_MAX) {
        return false;
    }
    at += sizeof(order->head);
    order->record = at;
    at += pad8(order->head.record_size);
    order->cpus = (const void *)at;
    at += pad8(order->head.cpu_count * sizeof(int32_t));
    order->gpus = (const void *)at;
    at += pad8(order->head.gpu_count * sizeof(int32_t));
    order->given = (const void *)at;
    at += pad8(order->head.given_size);
    order->inputs = (const void *)at;
    order->is_range = record->kind == HAYI_CHILD_RANGE;
    return true;
}

static void
wake_after(struct child *c, const struct hay_task *task, uint32_t number)
{
    bool prompt = (task->record.flags & HAYI_TASK_PROMPT) != 0;
    if (prompt || c->leaves || !hayi_child_link_maybe(&c->link)
        || number == atomic_load(&c->area->wake_at)
        || task->end_ns - c->rung_ns > RING_NS) {
        c->rung_ns = task->end_ns;
        hayi_rouse(&c->area->rank_asleep);
    }
}

static void
tell_ended(struct child *c, const struct hay_task *task, uint32_t number)
{
    const struct hayi_buffer *sealed = &c->objects.sealed;
    bool wordless = task->error.text[0] == 0;
    const struct hayi_child_ended head = {
        .start_ns = task->start_ns,
        .end_ns = task->end_ns,
        .words_size = wordless ? 0 : strlen(task->error.text) + 1,
        .result_size = task->result.size,
        .failures_size =
            task->failure_count * sizeof(struct hayi_range_failure),
        .text_size = task->failure_text.size,
        .sealed_size = sealed->size,
        .items_done = task->items_done,
        .items_failed = task->items_failed,
        .follow = task->follow != NULL && task->outcome == HAYI_OUTCOME_FINISHED
                      ? hay_future_id(task->follow)
                      : 0,
        .client = atomic_load(&task->client),
        .number = number,
        .status = task->error.status,
        .exit_code = task->exit_code,
        .outcome = task->outcome,
        .cause = task->cause,
        .leaves = c->leaves,
    };
    const struct hayi_pipe_part parts[] = {
        {&head, sizeof(head)},
        {task->error.text, head.words_size},
        {task->result.data, head.result_size},
        {task->failures, head.failures_size},
        {task->failure_text.data, head.text_size},
        {sealed->data, head.sealed_size},
    };
    hayi_child_link_send(&c->link,
                         HAYI_CHILD_ENDED,
                         parts,
                         sizeof(parts) / sizeof(*parts),
                         false);
    wake_after(c, task, number);
}

static void show_running(struct hayi_child_area *area,
                         const struct order *order,
                         uint64_t now_ns)
{
    atomic_store(&area->running_since_ns, now_ns);
    atomic_store(&area->memory_limit_bytes, order->head.memory_limit_bytes);
    atomic_store(&area->running, order->head.number);
    if (order->head.memory_limit_bytes != 0) {
        hayi_minder_watch(area);
    }
}

static void
run(struct child *c, struct hay_task *task, const struct order *order)
{
    struct hayi_child_cell *cell =
        &c->area->cells[order->head.number % HAYI_CHILD_CELLS];
    task->token = &cell->token;
    task->cpus = order->cpus;
    task->cpu_count = order->head.cpu_count;
    task->core = order->head.core;
    task->core_count = order->head.core_count;
    task->gpu_numbers = order->gpus;
    task->gpu_count = order->head.gpu_count;
    (void)hayi_child_env_set(&c->env, order->given, order->head.given_size);
    task->scratch = &c->scratch;
    task->at_room = &c->area->at;
    bind(c, task);
    hayi_child_objects_begin(
        &c->objects, order->inputs, (size_t)order->head.object_count);
    task->start_ns = hayi_clock_ns();
    show_running(c->area, order, task->start_ns);
    hayi_task_run(task);
    atomic_store(&c->area->running, 0);
    (void)fflush(stdout);
    end_strays(c);
    if (!is_whole(c)) {
        task->outcome = HAYI_OUTCOME_FAILED;
        (void)hayi_fail(&task->error,
                        HAY_ETASK,
                        "the function closed the descriptors of its process");
        task->result.size = 0;
        c->objects.sealed.size = 0;
        c->leaves = true;
    }
    task->end_ns = hayi_clock_ns();
    hayi_child_objects_end(&c->objects);
}

static void refuse_order(struct child *c,
                         const struct order *order,
                         const struct hayi_error *err)
{
    struct hay_task none = {.farm = &c->farm, .error = *err};
    none.outcome = HAYI_OUTCOME_FARM;
    none.start_ns = none.end_ns = hayi_clock_ns();
    c->objects.sealed.size = 0;
    tell_ended(c, &none, order->head.number);
}

static void serve_order(struct child *c, const struct order *order)
{
    uint32_t number = order->head.number;
    atomic_uint *word = &c->area->cells[number % HAYI_CHILD_CELLS].word;
    uint32_t given = hayi_cell_word(number, HAYI_CELL_GIVEN);
    if (!atomic_compare_exchange_strong(
            word, &given, hayi_cell_word(number, HAYI_CELL_TAKEN))) {
        return; /* revoked */
    }
    struct hay_task *task = NULL;
    struct hayi_error err = {HAY_OK, ""};
    size_t size = (size_t)order->head.record_size;
    hay_status status =
        order->is_range
            ? hayi_task_new_range(&c->farm, order->record, size, &task, &err)
            : hayi_task_new(&c->farm, order->record, size, &task, &err);
    if (status != HAY_OK) {
        refuse_order(c, order, &err);
        return;
    }
    run(c, task, order);
    c->tasks++;
    if (c->area->tasks_max != 0 && c->tasks >= c->area->tasks_max) {
        c->leaves = true;
    }
    look_at_growth(c, task->end_ns);
    tell_ended(c, task, number);
    task->cpus = NULL;
    free(c->moved);
    c->moved = NULL;
    hayi_task_free(task);
}

static void serve(struct child *c)
{
    struct hayi_pipe_record record;
    const void *body;
    struct order order;
    while (!c->leaves) {
        bool much = c->scratch.all_bytes > c->scratch.keep_bytes;
        if (!hayi_child_link_next(
                &c->link, much ? KEEP_IDLE_NS : UINT64_MAX, &record, &body)) {
            hayi_scratch_idle(&c->scratch);
            continue;
        }
        if (record.kind == HAYI_CHILD_LEAVE) {
            return;
        }
        if (record.kind == HAYI_CHILD_RECORD) {
            if (!hayi_child_client_take(body, record.size)) {
                _exit(HAYI_CHILD_EXIT_BROKEN);
            }
            continue;
        }
        if (record.kind != HAYI_CHILD_TASK && record.kind != HAYI_CHILD_RANGE) {
            continue; /* for a task that has ended */
        }
        if (!read_order(&record, body, &order)) {
            _exit(HAYI_CHILD_EXIT_BROKEN);
        }
        /* The record is borrowed until the next call, which the function may
         * cause: what is used later is copied. */
        void *copy = NULL;
        if (order.head.object_count + order.head.cpu_count
                + order.head.gpu_count
            > 0) {
            copy = malloc(record.size);
            if (copy == NULL) {
                _exit(HAYI_CHILD_EXIT_BROKEN);
            }
            memcpy(copy, body, record.size);
            (void)read_order(&record, copy, &order);
        }
        serve_order(c, &order);
        free(copy);
    }
}

/* ---- life ---------------------------------------------------------------- */

static void log_line(void *context, const char *text)
{
    struct child *c = context;
    const struct hayi_pipe_part part = {text, strlen(text) + 1};
    hayi_child_link_send(&c->link, HAYI_CHILD_LOG, &part, 1, true);
}

static noreturn void refuse(struct child *c, const char *words)
{
    const struct hayi_pipe_part part = {words, strlen(words) + 1};
    hayi_child_link_send(&c->link, HAYI_CHILD_REFUSE, &part, 1, true);
    (void)fflush(stdout);
    _exit(0);
}

/* Has it the same functions under the same numbers as its rank? */
static void compare_identity(struct child *c)
{
    char *text = hayi_registry_identity();
    uint64_t identity =
        text != NULL ? hayi_hash_bytes(text, strlen(text)) : ~c->area->identity;
    free(text);
    if (identity != c->area->identity) {
        refuse(c,
               "functions were registered after hay_prefork(): processes for "
               "them cannot be made");
    }
}

static void plant_sentinel(struct child *c)
{
    struct stat info;
    c->sentinel = memfd_create("hayfork-sentinel", MFD_CLOEXEC);
    if (c->sentinel < 0 || fstat(c->sentinel, &info) != 0) {
        refuse(c, "a child of a process slot has no descriptors");
    }
    c->sentinel_inode = info.st_ino;
}

/* Its attempts have these, and shall see no others. */
static void show_gpus(struct child *c)
{
    static const char *const names[] = {
        "CUDA_", "ROCR_VISIBLE_DEVICES=", "GPU_DEVICE_ORDINAL="};
    struct hay_task like = {.farm = &c->farm, .name = "", .got = ""};
    struct hayi_buffer lines;
    c->farm.gpus =
        (const void *)((const unsigned char *)c->area + HAYI_CHILD_AT_GPUS);
    c->farm.deals_gpus = c->area->deals_gpus != 0;
    like.record.gpu_mask = c->area->gpu_mask;
    hayi_buffer_init(&lines);
    if (!c->farm.deals_gpus || hayi_task_env(&like, &lines) != HAY_OK) {
        hayi_buffer_fini(&lines);
        return;
    }
    char *end = (char *)lines.data + lines.size;
    for (char *line = (char *)lines.data; line < end;) {
        char *next = line + strlen(line) + 1;
        char *value = strchr(line, '=');
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            if (value != NULL
                && strncmp(line, names[i], strlen(names[i])) == 0) {
                *value = 0;
                (void)setenv(line, value + 1, 1);
                break;
            }
        }
        line = next;
    }
    hayi_buffer_fini(&lines);
}

void hayi_child_run(struct hayi_child_area *area)
{
    struct child *c = &self;
    struct hayi_error err = {HAY_OK, ""};
    if (area->magic != HAYI_CHILD_MAGIC) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
    c->area = area;
    hayi_child_link_init(&c->link, area);
    hayi_child_link_set_here(&c->link);
    compare_identity(c);
    plant_sentinel(c);
    c->farm = (struct hayi_task_farm){
        .seed = area->seed,
        .worker = area->worker,
        .log = log_line,
        .context = c,
        .work_end_ns = &area->work_end_ns,
    };
    show_gpus(c);
    c->scratch.keep_bytes = area->scratch_keep_bytes;
    if (hayi_child_objects_init(&c->objects, &c->link, &err) != HAY_OK
        || hayi_files_new(&c->farm.files, &err) != HAY_OK
        || hayi_child_client_open(&c->link, area->seed, &err) != HAY_OK
        || hayi_registry_init_worker(&err) != HAY_OK) {
        refuse(c, err.text);
    }
    if (c->objects.units != NULL) {
        c->farm.guest = &c->objects.guest;
    }
    c->farm.executor = hayi_child_client_executor();
    c->farm.executor->guest = c->farm.guest;
    c->start_bytes = private_bytes();
    hayi_child_link_send(&c->link, HAYI_CHILD_READY, NULL, 0, true);
    serve(c);
    (void)fflush(stdout);
    _exit(0);
}
