/* child_order.c - see child_order.h. */
#include "config.h"

#include "worker/child_order.h"

#include "data/store.h"
#include "wire/args.h"
#include "wire/channel.h"
#include "worker/gpus.h"
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
        hayi_store_abandon(store, order->made[i]);
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
    order->made[order->made_count++] = object->place;
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

/* Take it off the list of what was made; false: it is not there. */
static bool take_made(struct hayi_child_order *order, hayi_place place)
{
    for (size_t i = 0; i < order->made_count; i++) {
        if (order->made[i] == place) {
            order->made[i] = order->made[--order->made_count];
            return true;
        }
    }
    return false;
}

void hayi_child_order_abandon(struct hayi_child_order *order,
                              struct hayi_store *store,
                              hayi_place place)
{
    if (take_made(order, place)) {
        hayi_store_abandon(store, place);
    }
}

/* ---- back -----------------------------------------------------------------
 */

enum { WORDS, RESULT, FAILURES, TEXT, SEALED, PART_COUNT };
enum { REPORT_MORE = 64 << 10 }; /* of it that the child does not tell */

static bool find_parts(const struct hayi_child_ended *head,
                       const void *body,
                       uint64_t size,
                       const unsigned char *at[PART_COUNT])
{
    const uint64_t sizes[PART_COUNT] = {head->words_size,
                                        head->result_size,
                                        head->failures_size,
                                        head->text_size,
                                        head->sealed_size};
    const unsigned char *next = (const unsigned char *)body + sizeof(*head);
    uint64_t left = size - sizeof(*head);
    for (int i = 0; i < PART_COUNT; i++) {
        if (sizes[i] > left || HAYI_PAD8(sizes[i]) > left) {
            return false;
        }
        at[i] = next;
        next += HAYI_PAD8(sizes[i]);
        left -= HAYI_PAD8(sizes[i]);
    }
    return (sizes[WORDS] == 0 || at[WORDS][sizes[WORDS] - 1] == 0)
           && (sizes[TEXT] == 0 || at[TEXT][sizes[TEXT] - 1] == 0)
           && sizes[FAILURES] % sizeof(struct hayi_range_failure) == 0;
}

/* size: of the whole.  What the report to the manager will hold fits there. */
static bool is_sound(const struct hay_task *task,
                     const struct hayi_child_ended *head,
                     uint64_t size)
{
    bool here = task->is_range && task->range.out_address != 0;
    uint64_t told = here ? size - head->result_size : size;
    return head->outcome <= HAYI_OUTCOME_CANCELLED
           && head->cause <= HAY_CAUSE_FARM && head->end_ns >= head->start_ns
           && told <= HAYI_RECORD_MAX - REPORT_MORE;
}

/* The items of a range: into the caller's memory if it is here. */
static bool keep_items(struct hay_task *task,
                       const struct hayi_child_ended *head,
                       const unsigned char *result)
{
    const struct hayi_function *f = hayi_registry_get(task->record.function);
    uint64_t out_size = f != NULL ? f->out_size : 0;
    if (head->items_done > task->range.count
        || head->items_failed > head->items_done
        || head->result_size != head->items_done * out_size) {
        return false;
    }
    task->items_done = head->items_done;
    task->items_failed = head->items_failed;
    if (task->range.out_address == 0) {
        return hayi_buffer_append(
                   &task->result, result, (size_t)head->result_size)
               == HAY_OK;
    }
    if (head->result_size > 0) {
        memcpy((void *)(uintptr_t)task->range.out_address,
               result,
               (size_t)head->result_size);
    }
    return true;
}

static bool keep_failures(struct hay_task *task,
                          const struct hayi_child_ended *head,
                          const unsigned char *failures,
                          const unsigned char *text)
{
    size_t count =
        (size_t)head->failures_size / sizeof(struct hayi_range_failure);
    if (count == 0) {
        return true;
    }
    task->failures = malloc((size_t)head->failures_size);
    if (task->failures == NULL
        || hayi_buffer_append(
               &task->failure_text, text, (size_t)head->text_size)
               != HAY_OK) {
        return false;
    }
    memcpy(task->failures, failures, (size_t)head->failures_size);
    task->failure_count = task->failure_room = count;
    return true;
}

bool hayi_child_order_ended(struct hayi_child_order *order,
                            struct hayi_store *store,
                            const void *body,
                            uint64_t size)
{
    struct hay_task *task = order->task;
    struct hayi_child_ended head;
    const unsigned char *at[PART_COUNT];
    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    if (!find_parts(&head, body, size, at) || !is_sound(task, &head, size)) {
        return false;
    }
    bool kept = task->is_range
                    ? keep_items(task, &head, at[RESULT])
                          && keep_failures(task, &head, at[FAILURES], at[TEXT])
                    : hayi_buffer_append(
                          &task->result, at[RESULT], (size_t)head.result_size)
                          == HAY_OK;
    if (!kept) {
        return false;
    }
    task->start_ns = head.start_ns;
    task->end_ns = head.end_ns;
    task->outcome = head.outcome;
    task->cause = head.cause;
    task->exit_code = head.exit_code;
    task->follow_id = head.follow;
    atomic_store(&task->client, head.client != 0);
    if (head.words_size > 0) {
        (void)hayi_fail(&task->error,
                        (hay_status)head.status,
                        "%s",
                        (const char *)at[WORDS]);
    }
    for (uint64_t i = 0; i < head.sealed_size / sizeof(uint64_t); i++) {
        uint64_t place;
        memcpy(&place, at[SEALED] + i * sizeof(place), sizeof(place));
        if (take_made(order, place)) {
            hayi_store_seal(store, place, 0);
        }
    }
    return true;
}
