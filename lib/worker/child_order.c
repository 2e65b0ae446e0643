/* child_order.c - see child_order.h. */
#include "config.h"

#include "worker/child_order.h"

#include "base/clock.h"
#include "data/store.h"
#include "wire/args.h"
#include "wire/channel.h"
#include "worker/node_gpus.h"
#include "worker/registry.h"
#include "worker/task_env.h"

#include <stdlib.h>
#include <string.h>

/* ---- inputs ---------------------------------------------------------------
 */

struct opening {
    struct hayi_child_order *order;
    struct hay_task *task;
    hay_status status;
};

static hay_status no_memory(struct hay_task *task)
{
    return hayi_fail(
        &task->error, HAY_ENOMEM, "out of memory for a task's inputs");
}

static hay_status note_missing(struct hay_task *task, uint64_t object)
{
    uint64_t *list =
        realloc(task->missing, (task->missing_count + 1) * sizeof(*list));
    if (list == NULL) {
        return no_memory(task);
    }
    task->missing = list;
    list[task->missing_count++] = object;
    return HAY_EEMPTY;
}

/* Room for one more; NULL: no memory. */
static struct hayi_child_object *new_input(struct hayi_child_order *order)
{
    if (order->input_count == order->input_room) {
        size_t room = order->input_room == 0 ? 8 : order->input_room * 2;
        void *list = realloc(order->inputs, room * sizeof(*order->inputs));
        if (list == NULL) {
            return NULL;
        }
        order->inputs = list;
        order->input_room = room;
    }
    return &order->inputs[order->input_count];
}

/* hayi_value_objects() calls it for each of them. */
static void open_input(void *context, struct hayi_object_value *object)
{
    struct opening *o = context;
    struct hay_task *task = o->task;
    const void *data = NULL;
    uint64_t size = 0;
    if (object->place == 0 || object->place == HAYI_PLACE_FILE
        || task->missing_count == HAYI_MISSING_MAX
        || (o->status != HAY_OK && o->status != HAY_EEMPTY)) {
        return;
    }
    struct hayi_child_object *input = new_input(o->order);
    if (input == NULL) {
        o->status = no_memory(task);
        return;
    }
    hay_status status = hayi_store_pin(
        task->farm->store, object->place, &data, &size, &task->error);
    if (status == HAY_EEMPTY) {
        o->status = note_missing(task, object->object);
        return;
    }
    if (status != HAY_OK) {
        o->status = status;
        return;
    }
    struct hayi_store_spot spot;
    hayi_store_locate(task->farm->store, object->place, &spot);
    *input = (struct hayi_child_object){
        .place = object->place,
        .size_bytes = size,
        .offset = spot.offset,
        .spilled = spot.spilled,
    };
    o->order->input_count++;
}

static hay_status open_inputs(struct hayi_child_order *order,
                              struct hay_task *task)
{
    struct opening o = {order, task, HAY_OK};
    hay_status status =
        hayi_args_check(task->args, task->record.args_size, &task->error);
    if (status != HAY_OK) {
        return status;
    }
    if (task->farm->store == NULL) {
        return hayi_fail(
            &task->error, HAY_EMISMATCH, "this worker has no store");
    }
    const unsigned char *at = task->args;
    const unsigned char *end = at + task->record.args_size;
    at += HAYI_ARGS_HEAD;
    for (size_t i = 0; i < hayi_args_count(task->args); i++) {
        struct hayi_value_head head;
        size_t used = 0;
        if (!hayi_value_head_read(at, (size_t)(end - at), &head, &used)) {
            return hayi_fail(
                &task->error, HAY_EMISMATCH, "damaged arguments: their end");
        }
        status = hayi_value_objects(
            (void *)(uintptr_t)at, used, open_input, &o, &task->error);
        if (status != HAY_OK) {
            return status;
        }
        at += used;
    }
    return o.status;
}

hay_status hayi_child_order_open(struct hayi_child_order *order,
                                 struct hay_task *task)
{
    *order = (struct hayi_child_order){.task = task};
    if (task->is_range || (task->record.flags & HAYI_TASK_DATA) == 0) {
        return HAY_OK;
    }
    hay_status status = open_inputs(order, task);
    if (status != HAY_OK) {
        hayi_child_order_close(order, task->farm->store);
    }
    return status;
}

void hayi_child_order_close(struct hayi_child_order *order,
                            struct hayi_store *store)
{
    for (size_t i = 0; i < order->input_count; i++) {
        hayi_store_unpin(store, order->inputs[i].place);
    }
    for (size_t i = 0; i < order->made_count; i++) {
        hayi_store_abandon(store, order->made[i].place);
    }
    free(order->inputs);
    free(order->made);
    *order = (struct hayi_child_order){.task = NULL};
}

/* ---- there ----------------------------------------------------------------
 */

/* The bytes of a wire record; their addresses do not count elsewhere. */
static hay_status send_range(const struct hayi_child_order *order,
                             struct hayi_child_task *head,
                             const int32_t *gpus,
                             const struct hayi_buffer *given,
                             struct hayi_pipe *pipe)
{
    const struct hay_task *task = order->task;
    const struct hayi_function *f = hayi_registry_get(task->record.function);
    struct hayi_range_record range = task->range;
    uint64_t in_size = f != NULL ? f->in_size : 0;
    if (range.in_address != 0) {
        range.in_bytes = range.count * in_size;
    }
    range.in_address = range.out_address = 0;
    const struct hayi_pipe_part parts[] = {
        {head, sizeof(*head)},
        {&range, sizeof(range)},
        {task->items, range.in_bytes},
        {task->got, range.got_size},
        {task->cpus, head->cpu_count * sizeof(int32_t)},
        {gpus, head->gpu_count * sizeof(int32_t)},
        {given->data, given->size},
    };
    head->record_size =
        sizeof(range) + HAYI_PAD8(range.in_bytes) + HAYI_PAD8(range.got_size);
    return hayi_pipe_send(
        pipe, HAYI_CHILD_RANGE, parts, sizeof(parts) / sizeof(*parts));
}

static hay_status send_given(const struct hayi_child_order *order,
                             uint32_t number,
                             const struct hayi_buffer *given,
                             struct hayi_pipe *pipe)
{
    const struct hay_task *task = order->task;
    int32_t gpus[HAYI_GPUS_MAX];
    struct hayi_child_task head = {
        .object_count = order->input_count,
        .memory_limit_bytes = task->record.memory_limit_bytes,
        .number = number,
        .cpu_count = (uint32_t)task->cpu_count,
        .core = task->core,
        .core_count = task->core_count,
        .gpu_count = hayi_task_gpu_numbers(task, gpus),
        .given_size = (uint32_t)given->size,
    };
    static_assert(sizeof(int) == sizeof(int32_t), "cpus travel as they are");
    if (task->is_range) {
        return send_range(order, &head, gpus, given, pipe);
    }
    const struct hayi_task_record *record = &task->record;
    head.record_size = sizeof(*record) + HAYI_PAD8(record->args_size)
                       + HAYI_PAD8(record->name_size)
                       + HAYI_PAD8(record->got_size);
    const struct hayi_pipe_part parts[] = {
        {&head, sizeof(head)},
        {record, sizeof(*record)},
        {task->args, record->args_size},
        {task->name, record->name_size},
        {task->got, record->got_size},
        {task->cpus, head.cpu_count * sizeof(int32_t)},
        {gpus, head.gpu_count * sizeof(int32_t)},
        {given->data, given->size},
        {order->inputs, order->input_count * sizeof(*order->inputs)},
    };
    return hayi_pipe_send(
        pipe, HAYI_CHILD_TASK, parts, sizeof(parts) / sizeof(*parts));
}

hay_status hayi_child_order_send(const struct hayi_child_order *order,
                                 uint32_t number,
                                 struct hayi_pipe *pipe)
{
    struct hayi_buffer given;
    hayi_buffer_init(&given);
    hay_status status = hayi_task_env_given(order->task, &given);
    if (status == HAY_OK) {
        status = send_given(order, number, &given, pipe);
    }
    hayi_buffer_fini(&given);
    return status;
}

/* ---- results ---------------------------------------------------------------
 */

static hay_status make(struct hayi_child_order *order,
                       struct hayi_store *store,
                       uint64_t size_bytes,
                       struct hayi_child_object *object,
                       struct hayi_error *err)
{
    void *data = NULL;
    struct hayi_store_spot spot;
    if (order->made_count == order->made_room) {
        size_t room = order->made_room == 0 ? 4 : order->made_room * 2;
        void *list = realloc(order->made, room * sizeof(*order->made));
        if (list == NULL) {
            return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
        }
        order->made = list;
        order->made_room = room;
    }
    if (size_bytes == 0 || store == NULL) {
        return hayi_fail(err, HAY_EMISMATCH, "a child asks for nothing");
    }
    hay_status status =
        hayi_store_create(store, size_bytes, &object->place, &data, err);
    if (status != HAY_OK) {
        return status;
    }
    hayi_store_locate(store, object->place, &spot);
    object->size_bytes = size_bytes;
    object->offset = spot.offset;
    object->spilled = spot.spilled;
    order->made[order->made_count++] = (struct hayi_child_made){
        .place = object->place,
        .size_bytes = size_bytes,
    };
    return HAY_OK;
}

void hayi_child_order_create(struct hayi_child_order *order,
                             struct hayi_store *store,
                             const struct hayi_child_create *ask,
                             struct hayi_pipe *pipe)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_child_answer answer = {.status = HAY_OK};
    answer.status = make(order, store, ask->size_bytes, &answer.object, &err);
    answer.words_size = strlen(err.text) + 1;
    const struct hayi_pipe_part parts[] = {
        {&answer, sizeof(answer)},
        {err.text, answer.words_size},
    };
    (void)hayi_pipe_send(pipe, HAYI_CHILD_ANSWER, parts, 2);
}

/* Pin it for the child, until the attempt's end or UNPIN. */
static hay_status keep_pinned(struct hayi_child_order *order,
                              struct hayi_store *store,
                              uint64_t place,
                              struct hayi_child_object *object,
                              struct hayi_error *err)
{
    const void *data = NULL;
    uint64_t size = 0;
    struct hayi_store_spot spot;
    struct hayi_child_object *input = new_input(order);
    if (input == NULL || store == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    hay_status status = hayi_store_pin(store, place, &data, &size, err);
    if (status == HAY_OK) {
        hayi_store_locate(store, place, &spot);
        *object = (struct hayi_child_object){
            .place = place,
            .size_bytes = size,
            .offset = spot.offset,
            .spilled = spot.spilled,
        };
        *input = *object;
        order->input_count++;
    }
    return status;
}

void hayi_child_order_pin(struct hayi_child_order *order,
                          struct hayi_store *store,
                          hayi_place place,
                          struct hayi_pipe *pipe)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_child_answer answer = {.status = HAY_OK};
    answer.status = keep_pinned(order, store, place, &answer.object, &err);
    answer.words_size = strlen(err.text) + 1;
    const struct hayi_pipe_part parts[] = {
        {&answer, sizeof(answer)},
        {err.text, answer.words_size},
    };
    (void)hayi_pipe_send(pipe, HAYI_CHILD_ANSWER, parts, 2);
}

void hayi_child_order_unpin(struct hayi_child_order *order,
                            struct hayi_store *store,
                            hayi_place place)
{
    for (size_t i = order->input_count; i-- > 0;) {
        if (order->inputs[i].place == place) {
            order->inputs[i] = order->inputs[--order->input_count];
            hayi_store_unpin(store, place);
            return;
        }
    }
}

bool hayi_child_order_made(const struct hayi_child_order *order,
                           hayi_place place,
                           uint64_t size_bytes)
{
    for (size_t i = 0; i < order->made_count; i++) {
        if (order->made[i].place == place) {
            return order->made[i].size_bytes == size_bytes;
        }
    }
    return false;
}

void hayi_child_order_give_away(struct hayi_child_order *order,
                                struct hayi_store *store,
                                hayi_place place)
{
    for (size_t i = 0; i < order->made_count; i++) {
        if (order->made[i].place == place) {
            order->made[i] = order->made[--order->made_count];
            hayi_store_seal(store, place, 0);
            return;
        }
    }
}

void hayi_child_order_abandon(struct hayi_child_order *order,
                              struct hayi_store *store,
                              hayi_place place)
{
    for (size_t i = 0; i < order->made_count; i++) {
        if (order->made[i].place == place) {
            order->made[i] = order->made[--order->made_count];
            hayi_store_abandon(store, place);
            return;
        }
    }
}

/* ---- back -----------------------------------------------------------------
 */

/* The items of a range: into the caller's memory if it is here. */
static bool keep_items(struct hay_task *task,
                       const struct hayi_child_report *report)
{
    size_t size = (size_t)report->head.result_size;
    if (task->range.out_address == 0) {
        if (hayi_buffer_append(&task->result, report->result, size) != HAY_OK) {
            return false;
        }
    } else if (size > 0) {
        memcpy(
            (void *)(uintptr_t)task->range.out_address, report->result, size);
    }
    task->items_done = report->head.items_done;
    task->items_failed = report->head.items_failed;
    return true;
}

static bool keep_failures(struct hay_task *task,
                          const struct hayi_child_report *report)
{
    size_t size = (size_t)report->head.failures_size;
    size_t count = size / sizeof(struct hayi_range_failure);
    if (count == 0) {
        return true;
    }
    struct hayi_range_failure *failures = malloc(size);
    if (failures == NULL
        || hayi_buffer_append(&task->failure_text,
                              report->text,
                              (size_t)report->head.text_size)
               != HAY_OK) {
        free(failures);
        return false;
    }
    memcpy(failures, report->failures, size);
    task->failures = failures;
    task->failure_count = task->failure_room = count;
    return true;
}

/* What is in the value; the rest is abandoned with the order. */
static void seal_reported(struct hayi_child_order *order,
                          struct hayi_store *store)
{
    size_t left = 0;
    for (size_t i = 0; i < order->made_count; i++) {
        if (order->made[i].reported != 0) {
            hayi_store_seal(store, order->made[i].place, 0);
        } else {
            order->made[left++] = order->made[i];
        }
    }
    order->made_count = left;
}

bool hayi_child_order_ended(struct hayi_child_order *order,
                            struct hayi_store *store,
                            const void *body,
                            uint64_t size)
{
    struct hay_task *task = order->task;
    struct hayi_child_report report;
    if (!hayi_child_report_read(task,
                                order->made,
                                order->made_count,
                                body,
                                size,
                                hayi_clock_ns(),
                                &report)) {
        return false;
    }
    const struct hayi_child_ended *head = &report.head;
    bool kept = task->is_range
                    ? keep_failures(task, &report) && keep_items(task, &report)
                    : hayi_buffer_append(&task->result,
                                         report.result,
                                         (size_t)head->result_size)
                          == HAY_OK;
    if (!kept) {
        return false;
    }
    task->start_ns = head->start_ns;
    task->end_ns = head->end_ns;
    task->outcome = head->outcome;
    task->cause = head->cause;
    task->exit_code = head->exit_code;
    task->follow_id = head->follow;
    atomic_store(&task->client, head->client != 0);
    if (head->words_size > 0) {
        (void)hayi_fail(
            &task->error, (hay_status)head->status, "%s", report.words);
    }
    seal_reported(order, store);
    return true;
}
