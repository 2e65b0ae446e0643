/* task_calls.c - the public calls inside a task: arguments, failure, random
 * numbers; results are in results.c. */
#include "config.h"

#include "base/clock.h"
#include "wire/request.h"
#include "worker/inputs.h"
#include "worker/node_gpus.h"
#include "worker/task.h"
#include "worker/task_env.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FAILURES_TOLD_MAX = 64, /* of a range, with words; the others are counted */
    LOG_LINE_MAX = 1000,
};

static const char *type_name(hay_type type)
{
    static const char *const names[] = {
        "nothing",
        "a double",
        "an int64",
        "a string",
        "bytes",
        "an array",
        "a list",
    };
    if ((int)type < 0 || (size_t)type >= sizeof(names) / sizeof(names[0])) {
        return "an unknown type";
    }
    return names[type];
}

/* A failing call inside a task: the words go to the task, and to the thread. */
hay_status hayi_task_fail_call(struct hay_task *task, hay_status status)
{
    *hayi_thread_error() = task->error;
    hayi_thread_error()->status = status;
    return status;
}

size_t hay_arg_count(const hay_task *task)
{
    if (task->inputs != NULL) {
        return task->inputs->count;
    }
    return task->is_range ? 0 : hayi_args_count(task->args);
}

bool hayi_task_arg(const struct hay_task *task,
                   size_t index,
                   struct hayi_value *value)
{
    if (index >= hay_arg_count(task)
        || !hayi_args_get(task->args, index, value)) {
        return false;
    }
    if (task->inputs != NULL) {
        hayi_inputs_show(task->inputs, index, value);
    }
    return true;
}

hay_type hay_arg_type(const hay_task *task, size_t index)
{
    struct hayi_value value;
    return hayi_task_arg(task, index, &value) ? value.type : HAY_NONE;
}

static hay_status get_arg(struct hay_task *task,
                          size_t index,
                          hay_type wanted,
                          struct hayi_value *value)
{
    if (!hayi_task_arg(task, index, value)) {
        (void)hayi_fail(&task->error,
                        HAY_ETYPE,
                        "there is no argument %zu (it has %zu)",
                        index,
                        hay_arg_count(task));
        return hayi_task_fail_call(task, HAY_ETYPE);
    }
    if (value->type != wanted) {
        (void)hayi_fail(&task->error,
                        HAY_ETYPE,
                        "argument %zu is %s, not %s",
                        index,
                        type_name(value->type),
                        type_name(wanted));
        return hayi_task_fail_call(task, HAY_ETYPE);
    }
    return HAY_OK;
}

static hay_status get_element(struct hay_task *task,
                              size_t index,
                              size_t i,
                              hay_type wanted,
                              struct hayi_value *value)
{
    struct hayi_value list;
    hay_status status = get_arg(task, index, HAY_LIST, &list);
    if (status != HAY_OK) {
        return status;
    }
    if (!hayi_list_get(&list, i, value)) {
        (void)hayi_fail(&task->error,
                        HAY_ETYPE,
                        "argument %zu has no element %zu (it has %" PRIu32 ")",
                        index,
                        i,
                        list.count);
        return hayi_task_fail_call(task, HAY_ETYPE);
    }
    if (task->inputs != NULL) {
        hayi_inputs_show(task->inputs, index, value);
    }
    if (value->type != wanted) {
        (void)hayi_fail(&task->error,
                        HAY_ETYPE,
                        "element %zu of argument %zu is %s, not %s",
                        i,
                        index,
                        type_name(value->type),
                        type_name(wanted));
        return hayi_task_fail_call(task, HAY_ETYPE);
    }
    return HAY_OK;
}

hay_status hay_arg_double(hay_task *task, size_t index, double *out)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_DOUBLE, &value);
    if (status == HAY_OK) {
        memcpy(out, value.data, sizeof(*out));
    }
    return status;
}

hay_status hay_arg_int64(hay_task *task, size_t index, int64_t *out)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_INT64, &value);
    if (status == HAY_OK) {
        memcpy(out, value.data, sizeof(*out));
    }
    return status;
}

hay_status hay_arg_string(hay_task *task, size_t index, const char **text)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_STRING, &value);
    if (status == HAY_OK) {
        *text = value.data;
    }
    return status;
}

hay_status hay_arg_bytes(hay_task *task,
                         size_t index,
                         const void **data,
                         size_t *size_bytes)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_BYTES, &value);
    if (status == HAY_OK) {
        *data = value.data;
        *size_bytes = value.size;
    }
    return status;
}

hay_status hay_arg_array(hay_task *task, size_t index, hay_array_view *view)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_ARRAY, &value);
    if (status == HAY_OK) {
        *view = value.array;
    }
    return status;
}

hay_status hay_arg_list(hay_task *task, size_t index, size_t *count)
{
    struct hayi_value value;
    hay_status status = get_arg(task, index, HAY_LIST, &value);
    if (status == HAY_OK) {
        *count = value.count;
    }
    return status;
}

hay_status
hay_arg_list_double(hay_task *task, size_t index, size_t i, double *out)
{
    struct hayi_value value;
    hay_status status = get_element(task, index, i, HAY_DOUBLE, &value);
    if (status == HAY_OK) {
        memcpy(out, value.data, sizeof(*out));
    }
    return status;
}

hay_status
hay_arg_list_int64(hay_task *task, size_t index, size_t i, int64_t *out)
{
    struct hayi_value value;
    hay_status status = get_element(task, index, i, HAY_INT64, &value);
    if (status == HAY_OK) {
        memcpy(out, value.data, sizeof(*out));
    }
    return status;
}

hay_status
hay_arg_list_string(hay_task *task, size_t index, size_t i, const char **text)
{
    struct hayi_value value;
    hay_status status = get_element(task, index, i, HAY_STRING, &value);
    if (status == HAY_OK) {
        *text = value.data;
    }
    return status;
}

hay_status hay_arg_list_bytes(hay_task *task,
                              size_t index,
                              size_t i,
                              const void **data,
                              size_t *size_bytes)
{
    struct hayi_value value;
    hay_status status = get_element(task, index, i, HAY_BYTES, &value);
    if (status == HAY_OK) {
        *data = value.data;
        *size_bytes = value.size;
    }
    return status;
}

hay_status
hay_arg_list_array(hay_task *task, size_t index, size_t i, hay_array_view *view)
{
    struct hayi_value value;
    hay_status status = get_element(task, index, i, HAY_ARRAY, &value);
    if (status == HAY_OK) {
        *view = value.array;
    }
    return status;
}

/* ---- failure ------------------------------------------------------------ */

hay_status
hay_task_vfail(hay_task *task, int code, const char *format, va_list list)
{
    task->exit_code = code;
    (void)hayi_vfail(&task->error, HAY_ETASK, format, list);
    return hayi_task_fail_call(task, HAY_ETASK);
}

hay_status hay_task_fail(hay_task *task, int code, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    hay_status status = hay_task_vfail(task, code, format, list);
    va_end(list);
    return status;
}

/* Room for one more failure; false: only counted. */
static bool failure_room(struct hay_task *task)
{
    if (task->failure_count == FAILURES_TOLD_MAX) {
        return false;
    }
    if (task->failure_count == task->failure_room) {
        size_t room = task->failure_room == 0 ? 4 : task->failure_room * 2;
        void *list = realloc(task->failures, room * sizeof(*task->failures));
        if (list == NULL) {
            return false;
        }
        task->failures = list;
        task->failure_room = room;
    }
    return true;
}

bool hay_map_item_failed(hay_task *task, hay_status status)
{
    if (!task->is_range) {
        return false;
    }
    if (status == HAY_ECANCELLED && atomic_load(task->token) != 0) {
        return false;
    }
    if (task->tries_left > 0
        && atomic_load_explicit(task->token, memory_order_relaxed) == 0) {
        task->tries_left--;
        task->once_more = true;
        task->error.text[0] = 0;
        task->exit_code = 0;
        return true;
    }
    if (task->error.text[0] == 0) {
        (void)hayi_fail(&task->error,
                        status,
                        "the function returned %s",
                        hay_status_name(status));
    }
    task->items_failed++;
    if (failure_room(task)
        && hayi_buffer_append(&task->failure_text,
                              task->error.text,
                              strlen(task->error.text) + 1)
               == HAY_OK) {
        uint64_t index = task->at != NULL ? task->at->index : 0;
        task->failures[task->failure_count++] = (struct hayi_range_failure){
            .item = task->at_first + index,
            .status = (int32_t)(status == HAY_OK ? HAY_ETASK : status),
            .code = task->exit_code,
        };
    }
    task->error.text[0] = 0;
    task->exit_code = 0;
    return !task->range.stop_on_failure
           && atomic_load_explicit(task->token, memory_order_relaxed) == 0;
}

/* ---- what it is ---------------------------------------------------------- */

hay_task_id hay_task_get_id(const hay_task *task)
{
    return task->record.id;
}

const char *hay_task_name(const hay_task *task)
{
    return task->name;
}

uint32_t hay_task_attempt(const hay_task *task)
{
    return task->record.attempt;
}

uint32_t hay_task_worker(const hay_task *task)
{
    return task->farm->worker;
}

bool hay_task_cancelled(const hay_task *task)
{
    return atomic_load_explicit(task->token, memory_order_relaxed) != 0;
}

uint64_t hay_task_time_left(const hay_task *task)
{
    const atomic_uint_fast64_t *end_ns = task->farm->work_end_ns;
    return end_ns == NULL ? HAY_FOREVER
                          : hayi_clock_left(atomic_load_explicit(
                              end_ns, memory_order_relaxed));
}

uint64_t hay_task_deadline(const hay_task *task)
{
    uint64_t left_ns = hay_task_time_left(task);
    return left_ns == HAY_FOREVER ? 0 : hayi_clock_unix_ns() + left_ns;
}

size_t hay_task_cpus(const hay_task *task, int *cpus, size_t room)
{
    for (size_t i = 0; i < task->cpu_count && i < room; i++) {
        cpus[i] = task->cpus[i];
    }
    return task->cpu_count;
}

uint32_t hay_task_cores(const hay_task *task)
{
    return task->record.cores;
}

size_t hay_task_gpus(const hay_task *task, int *gpus, size_t room)
{
    int32_t list[HAYI_GPUS_MAX];
    uint32_t count = hayi_task_gpu_numbers(task, list);
    for (uint32_t i = 0; i < count && i < room; i++) {
        gpus[i] = list[i];
    }
    return count;
}

double hay_task_amount(const hay_task *task, const char *resource)
{
    struct hayi_named list[HAYI_WISH_AMOUNTS_MAX + 1];
    int32_t gpus[HAYI_GPUS_MAX];
    size_t count = 0;
    if (resource == NULL) {
        return 0;
    }
    if (strcmp(resource, "mem") == 0) {
        return (double)task->record.memory_bytes;
    }
    if (strcmp(resource, "cores") == 0) {
        return task->record.cores;
    }
    (void)hayi_named_parse(
        task->got, true, list, HAYI_WISH_AMOUNTS_MAX + 1, &count, NULL);
    for (size_t i = 0; i < count; i++) {
        if (strlen(resource) == list[i].size
            && memcmp(resource, list[i].name, list[i].size) == 0) {
            return (double)list[i].units / HAYI_AMOUNT_ONE;
        }
    }
    return strcmp(resource, "gpus") == 0 ? hayi_task_gpu_numbers(task, gpus)
                                         : 0;
}

uint32_t hay_task_variant(const hay_task *task)
{
    return task->record.variant;
}

hay_status hay_task_block(hay_task *task, hay_block *block)
{
    if (task->inputs == NULL || task->inputs->output == NULL) {
        (void)hayi_fail(&task->error,
                        HAY_EINVAL,
                        "this task is not one of hay_array_map()");
        return hayi_task_fail_call(task, HAY_EINVAL);
    }
    *block = task->inputs->output->block;
    return HAY_OK;
}

void hay_task_log(hay_task *task, const char *format, ...)
{
    char text[LOG_LINE_MAX];
    int n = snprintf(text,
                     sizeof(text),
                     "task %" PRIu64 "%s%s%s: ",
                     task->record.id,
                     task->name[0] != 0 ? " (" : "",
                     task->name,
                     task->name[0] != 0 ? ")" : "");
    if (n < 0 || (size_t)n >= sizeof(text)) {
        return;
    }
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text + n, sizeof(text) - (size_t)n, format, list);
    va_end(list);
    task->farm->log(task->farm->context, text);
}

/* ---- random numbers ------------------------------------------------------ */

static struct hayi_stream *stream_of(struct hay_task *task)
{
    uint64_t item = 0;
    if (task->at != NULL) {
        item = task->at->first + task->at->index;
    }
    if (!task->random_ready || task->random_item != item) {
        hayi_stream_init(
            &task->random, task->farm->seed, task->record.stream_key, item);
        task->random_item = item;
        task->random_ready = true;
    }
    return &task->random;
}

uint64_t hay_task_random(hay_task *task)
{
    return hayi_stream_next(stream_of(task));
}

double hay_task_random_double(hay_task *task)
{
    return (double)(hay_task_random(task) >> 11) * 0x1.0p-53;
}
