/* task.c - see task.h; making, running and freeing.  What a running function
 * may ask and answer is in task_calls.c. */
#include "config.h"

#include "worker/task.h"

#include "base/clock.h"
#include "worker/results.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BLOCK_ITEMS = 4096, /* of a map between two looks at the token */
    SPARES_MAX = 512,
    SPARE_TAIL = 256, /* bytes of arguments and name that a spare one has */
};

/* What was freed must not be used: let the sanitizer see it. */
#ifdef __SANITIZE_ADDRESS__
#define KEEPS_SPARES false
#else
#define KEEPS_SPARES true
#endif

static const char no_text[] = "";

static _Thread_local struct hay_task *current;

static struct hay_task *new_task(const struct hayi_task_farm *farm,
                                 size_t tail_bytes)
{
    struct hayi_task_spares *spares = farm->spares;
    bool kept = KEEPS_SPARES && spares != NULL && tail_bytes <= SPARE_TAIL;
    struct hay_task *task = NULL;
    if (kept && spares->first != NULL) {
        task = spares->first;
        spares->first = task->held_after;
        spares->count--;
    } else {
        task = malloc(sizeof(*task) + (kept ? SPARE_TAIL : tail_bytes));
    }
    if (task != NULL) {
        memset(task, 0, offsetof(struct hay_task, error));
        task->kept = kept;
        task->error.status = HAY_OK;
        task->error.text[0] = 0;
        task->farm = farm;
        atomic_init(&task->cancelled, 0);
        task->token = &task->cancelled;
        task->ended.task = task;
    }
    return task;
}

static hay_status no_memory(struct hayi_error *err)
{
    return hayi_fail(err, HAY_ENOMEM, "out of memory for a task");
}

hay_status hayi_task_new(const struct hayi_task_farm *farm,
                         const void *body,
                         size_t size,
                         struct hay_task **out,
                         struct hayi_error *err)
{
    const struct hayi_task_record *record = body;
    if (size < sizeof(*record)) {
        return hayi_fail(err, HAY_EMISMATCH, "a task record is too short");
    }
    const uint64_t parts[3] = {
        record->args_size, record->name_size, record->got_size};
    const void *at[3];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*record), parts, 3, 6u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    size_t args_room = HAYI_PAD8(record->args_size);
    struct hay_task *task =
        new_task(farm, args_room + record->name_size + 1 + record->got_size);
    if (task == NULL) {
        return no_memory(err);
    }
    task->record = *record;
    char *tail = (char *)(task + 1);
    if (record->args_size > 0) {
        memcpy(tail, at[0], record->args_size);
    }
    task->args = tail;
    tail += args_room;
    if (record->name_size > 0) {
        memcpy(tail, at[1], record->name_size);
    }
    tail[record->name_size] = 0;
    task->name = tail;
    task->got = no_text;
    if (record->got_size > 0) {
        tail += record->name_size + 1;
        memcpy(tail, at[2], record->got_size);
        task->got = tail;
    }
    *out = task;
    return HAY_OK;
}

hay_status hayi_task_new_range(const struct hayi_task_farm *farm,
                               const void *body,
                               size_t size,
                               struct hay_task **out,
                               struct hayi_error *err)
{
    const struct hayi_range_record *range = body;
    if (size < sizeof(*range)) {
        return hayi_fail(err, HAY_EMISMATCH, "a range record is too short");
    }
    const uint64_t parts[2] = {range->in_bytes, range->got_size};
    const void *at[2];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*range), parts, 2, 2u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    size_t items_room = HAYI_PAD8(range->in_bytes);
    struct hay_task *task = new_task(farm, items_room + range->got_size);
    if (task == NULL) {
        return no_memory(err);
    }
    task->range = *range;
    task->is_range = true;
    task->name = "";
    task->record = (struct hayi_task_record){
        .task = range->task,
        .id = range->id,
        .stream_key = range->stream_key,
        .handed_ns = range->handed_ns,
        .attempt = range->attempt,
        .function = range->function,
        .priority = range->priority,
        .depth = range->depth,
        .inline_of = range->inline_of,
        .cores = range->cores > 0 ? range->cores : 1,
        .memory_bytes = range->memory_bytes,
        .time_limit_ns = range->time_limit_ns,
        .grace_ns = range->grace_ns,
        .memory_limit_bytes = range->memory_limit_bytes,
        .gpu_mask = range->gpu_mask,
        .variant = range->variant,
        .flags = (uint8_t)((range->prompt ? HAYI_TASK_PROMPT : 0)
                           | (range->process ? HAYI_TASK_PROCESS : 0)),
    };
    if (range->in_address != 0) {
        task->items = (const void *)(uintptr_t)range->in_address;
    } else if (range->in_bytes > 0) {
        memcpy(task + 1, at[0], range->in_bytes);
        task->items = task + 1;
    }
    task->got = no_text;
    if (range->got_size > 0) {
        char *got = (char *)(task + 1) + items_room;
        memcpy(got, at[1], range->got_size);
        task->got = got;
    }
    *out = task;
    return HAY_OK;
}

void hayi_task_free(struct hay_task *task)
{
    if (task != NULL) {
        hayi_results_drop(task);
        hayi_task_drop_follow(task);
        free(task->missing);
        hayi_buffer_fini(&task->result);
        hayi_buffer_fini(&task->failure_text);
        free(task->failures);
        free(task->own_cpus);
        free(task->crash);
        struct hayi_task_spares *spares = task->farm->spares;
        if (task->kept && spares->count < SPARES_MAX) {
            task->held_after = spares->first;
            spares->first = task;
            spares->count++;
        } else {
            free(task);
        }
    }
}

void hayi_task_spares_fini(struct hayi_task_spares *spares)
{
    while (spares->first != NULL) {
        struct hay_task *task = spares->first;
        spares->first = task->held_after;
        free(task);
    }
    spares->count = 0;
}

static void settle(struct hay_task *task, hay_status status)
{
    if (task->too_large && (status == HAY_OK || status == HAY_ETOOBIG)) {
        task->outcome = HAYI_OUTCOME_FARM; /* it has no other result */
        task->cause = HAY_CAUSE_OUTPUT_LIMIT;
        return;
    }
    if (task->store_failed
        && (status == HAY_OK || status == HAY_EIO || status == HAY_ENOMEM)) {
        task->outcome = HAYI_OUTCOME_FARM; /* it could not give its result */
        return;
    }
    switch (status) {
    case HAY_OK:
        task->outcome = HAYI_OUTCOME_FINISHED;
        return;
    case HAY_ECANCELLED:
        if (atomic_load(task->token) != 0) {
            task->outcome = HAYI_OUTCOME_CANCELLED;
            return;
        }
        break;
    default:
        break;
    }
    task->outcome = HAYI_OUTCOME_FAILED;
    if (task->error.text[0] == 0) {
        (void)hayi_fail(&task->error,
                        status,
                        "the function returned %s",
                        hay_status_name(status));
    }
}

/* The input of items [done, done+count) of the attempt's range. */
static const void *
block_input(struct hay_task *task, uint64_t done, size_t count, uint64_t *room)
{
    const struct hayi_range_record *range = &task->range;
    if (range->indices) {
        for (size_t i = 0; i < count; i++) {
            room[i] = range->first_index + range->first + done + i;
        }
        return task->function->in_size == 0 ? NULL : room;
    }
    return (const char *)task->items + done * task->function->in_size;
}

/* Where each item counts, the function gets one at a time: so others see where
 * it is, and it can be tried again. */
static size_t block_max(const struct hay_task *task)
{
    return task->range.retries != 0 || task->record.time_limit_ns != 0
                   || task->record.memory_limit_bytes != 0
               ? 1
               : BLOCK_ITEMS;
}

/* Before another try; cut short when the task is told to end. */
static void rest(struct hay_task *task, uint64_t pause_ms)
{
    enum { LOOK_NS = 20000000 };
    uint64_t deadline_ns = hayi_clock_deadline(pause_ms * 1000000);
    uint64_t left_ns = 0;
    while ((left_ns = hayi_clock_left(deadline_ns)) > 0
           && atomic_load_explicit(task->token, memory_order_relaxed) == 0) {
        const struct timespec nap = {
            0, left_ns < LOOK_NS ? (long)left_ns : LOOK_NS};
        (void)nanosleep(&nap, NULL);
    }
}

/* The same, at an item: nobody runs meanwhile, and its time limit stands still.
 */
static void rest_at(struct hay_task *task, hay_map_range *at)
{
    enum { DOUBLINGS = 6 };
    uint32_t failed = task->range.retries - task->tries_left - 1;
    size_t count = at->count;
    if (task->range.pause_ms == 0) {
        return;
    }
    __atomic_store_n(&at->count, 0, __ATOMIC_RELAXED);
    rest(task,
         (uint64_t)task->range.pause_ms
             << (failed < DOUBLINGS ? failed : DOUBLINGS));
    __atomic_store_n(&at->count, count, __ATOMIC_RELAXED);
}

/* The items of one block; those that failed, as often as they may. */
static hay_status run_block(struct hay_task *task, hay_map_range *at)
{
    hay_status status;
    task->tries_left = task->range.retries;
    do {
        task->once_more = false;
        task->random_ready = false;
        at->index = 0;
        status = task->function->map(task, at);
        if (status != HAY_OK && !task->once_more && task->tries_left > 0
            && atomic_load_explicit(task->token, memory_order_relaxed) == 0) {
            /* It failed without a word about the item. */
            (void)hay_map_item_failed(task, status);
        }
        if (task->once_more) {
            rest_at(task, at);
        }
    } while (task->once_more);
    return status;
}

static hay_status run_blocks(struct hay_task *task, char *out)
{
    size_t most = block_max(task);
    const struct hayi_range_record *range = &task->range;
    uint64_t indices[BLOCK_ITEMS];
    hay_map_range own;
    hay_map_range *at = task->at_room != NULL ? task->at_room : &own;
    hay_status status = HAY_OK;
    while (task->items_done < range->count && status == HAY_OK) {
        if (atomic_load_explicit(task->token, memory_order_relaxed) != 0) {
            return HAY_ECANCELLED;
        }
        uint64_t left = range->count - task->items_done;
        size_t count = left < most ? (size_t)left : most;
        *at = (hay_map_range){
            .in = block_input(task, task->items_done, count, indices),
            .out = out + task->items_done * task->function->out_size,
            .first = range->first_index + range->first + task->items_done,
            .count = count,
        };
        task->at = at;
        task->at_first = task->items_done;
        status = run_block(task, at);
        /* A failing item that stops the map has been worked on. */
        size_t done = status == HAY_OK ? count : at->index + 1;
        task->items_done += done < count ? done : count;
        task->at = NULL;
    }
    return status;
}

/* Do its lengths fit together, and with the function?  They came from outside.
 */
static bool range_fits(const struct hay_task *task, size_t *out_bytes)
{
    const struct hayi_range_record *range = &task->range;
    size_t in_bytes = 0;
    if (__builtin_mul_overflow(
            range->count, task->function->out_size, out_bytes)
        || __builtin_mul_overflow(
            range->count, task->function->in_size, &in_bytes)) {
        return false;
    }
    if (range->indices) {
        return task->function->in_size == 0
               || task->function->in_size == sizeof(uint64_t);
    }
    return range->in_address != 0 || in_bytes <= range->in_bytes;
}

static void run_range(struct hay_task *task)
{
    const struct hayi_range_record *range = &task->range;
    size_t out_bytes = 0;
    if (!range_fits(task, &out_bytes)) {
        settle(task,
               hayi_fail(&task->error,
                         HAY_EMISMATCH,
                         "a range's input is too short for its items"));
        return;
    }
    char *out = (char *)(uintptr_t)range->out_address;
    if (out == NULL && out_bytes > 0) {
        out = hayi_buffer_extend(&task->result, out_bytes);
        if (out == NULL) {
            settle(task, no_memory(&task->error));
            return;
        }
        memset(out, 0, out_bytes);
    }
    rest(task, range->begin_ms);
    hay_status status = run_blocks(task, out);
    if (status != HAY_OK && status != HAY_ECANCELLED
        && task->items_failed == 0) {
        /* A map function of the user's own that told of no item. */
        task->at_first = task->items_done > 0 ? task->items_done - 1 : 0;
        (void)hay_map_item_failed(task, status);
    }
    bool told = atomic_load_explicit(task->token, memory_order_relaxed);
    if (status != HAY_OK && told && !range->stop_on_failure) {
        status = HAY_ECANCELLED; /* it ended here because it was told to */
    }
    if (range->out_address == 0) {
        task->result.size = (size_t)task->items_done * task->function->out_size;
    }
    settle(task, status);
}

void hayi_task_conclude(struct hay_task *task, hay_status status)
{
    if (status == HAY_OK && !task->store_failed && !task->too_large) {
        task->error.text[0] = 0;
        task->exit_code = 0;
    }
    settle(task, status);
    if (task->outcome == HAYI_OUTCOME_FAILED
        && task->exit_code == HAYI_EXIT_UNFINISHED
        && hay_task_time_left(task) != HAY_FOREVER) {
        task->outcome = HAYI_OUTCOME_CANCELLED;
        task->cause = HAY_CAUSE_WALLTIME;
    }
    if (task->follow != NULL && task->outcome == HAYI_OUTCOME_FINISHED) {
        hayi_results_drop(task);
        task->result.size = 0;
        return;
    }
    if (task->outcome == HAYI_OUTCOME_FINISHED && hayi_results_any(task)
        && hayi_results_seal(task) != HAY_OK) {
        task->outcome = HAYI_OUTCOME_FARM;
    }
    if ((task->record.flags & HAYI_TASK_KEEP) != 0) {
        hayi_results_keep(task);
    }
    if (task->outcome != HAYI_OUTCOME_FINISHED) {
        hayi_results_drop(task);
        hayi_task_drop_follow(task);
        task->result.size = 0;
    }
}

static void run(struct hay_task *task)
{
    task->function = hayi_registry_get(task->record.function);
    if (task->is_range) {
        if (task->function == NULL || task->function->map == NULL) {
            settle(task,
                   hayi_fail(&task->error,
                             HAY_EMISMATCH,
                             "no such map function here"));
            return;
        }
        run_range(task);
        return;
    }
    if ((task->record.flags & HAYI_TASK_DATA) != 0) {
        hayi_task_run_data(task);
        return;
    }
    if (task->function == NULL || task->function->call == NULL) {
        settle(task,
               hayi_fail(&task->error, HAY_EMISMATCH, "no such function here"));
        return;
    }
    if (hayi_args_check(task->args, task->record.args_size, &task->error)
        != HAY_OK) {
        settle(task, HAY_EMISMATCH);
        return;
    }
    hayi_task_conclude(task, task->function->call(task));
}

void hayi_task_run(struct hay_task *task)
{
    struct hay_task *outer = current;
    current = task;
    run(task);
    current = outer;
}

struct hay_task *hayi_task_current(void)
{
    return current;
}
