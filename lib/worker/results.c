/* results.c - see results.h; the public calls that set a result.
 *
 * A result that is set again takes the place of the old one once it is there:
 * it may be made of the old one's bytes.
 */
#include "config.h"

#include "worker/results.h"

#include "base/size_words.h"
#include "data/kept.h"
#include "worker/guest.h"
#include "worker/inputs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PART_BYTES_MAX = 8 << 20, /* of several results, in one report */
    KEEP_ABOVE = 16 << 10,    /* HAYI_JOURNAL_VALUE_MAX */
};

/* Where the next result goes. */
struct target {
    struct hayi_buffer *value;
    struct hayi_product *made;
};

static struct target target_of(struct hay_task *task)
{
    if (task->parts == NULL) {
        return (struct target){&task->result, &task->made};
    }
    struct hayi_part *part = &task->parts[task->part];
    return (struct target){&part->value, &part->made};
}

static void forget(struct hay_task *task, struct hayi_product *made)
{
    if (made->place != 0) {
        hayi_guest_abandon(task->farm, made->place);
    }
    *made = (struct hayi_product){0, NULL, 0};
}

/* May the next result have so many bytes?  *before: what it had up to now. */
static hay_status admit(struct hay_task *task, size_t size, uint64_t *before)
{
    uint64_t limit = task->record.output_limit_bytes;
    char text[HAYI_SIZE_WORDS_MAX];
    *before = target_of(task).made->bytes;
    uint64_t others = task->result_bytes - *before;
    if (limit == 0 || (others <= limit && size <= limit - others)) {
        return HAY_OK;
    }
    task->too_large = true;
    hayi_size_words(limit, text, sizeof(text));
    (void)hayi_fail(&task->error,
                    HAY_ETOOBIG,
                    "output limit of %s (a result of %zu bytes)",
                    text,
                    size);
    return hayi_task_fail_call(task, HAY_ETOOBIG);
}

/* It has been set, if 'status' says so. */
static hay_status
charge(struct hay_task *task, size_t size, uint64_t before, hay_status status)
{
    if (status == HAY_OK) {
        task->result_bytes += size - before;
        target_of(task).made->bytes = size;
        task->too_large = false;
    }
    return status;
}

/* May a value of so many bytes travel in the report? */
static bool fits_report(const struct hay_task *task, size_t size)
{
    if (!hayi_guest_has_store(task->farm) || size == 0) {
        return true;
    }
    return size <= HAYI_INLINE_MAX
           && (task->parts == NULL || task->part_bytes < PART_BYTES_MAX);
}

static hay_status refuse_item(struct hay_task *task)
{
    (void)hayi_fail(
        &task->error, HAY_EINVAL, "an item of a map returns by its 'out'");
    return hayi_task_fail_call(task, HAY_EINVAL);
}

static hay_status no_memory(struct hay_task *task)
{
    (void)hayi_fail(&task->error, HAY_ENOMEM, "out of memory for a result");
    return hayi_task_fail_call(task, HAY_ENOMEM);
}

static hay_status no_data(struct hay_task *task)
{
    (void)hayi_fail(&task->error, HAY_EINVAL, "the result is NULL");
    return hayi_task_fail_call(task, HAY_EINVAL);
}

/* ---- setting one ----------------------------------------------------------
 */

/* 'status' of an append to target.value, whose former contents are gone. */
static hay_status
set_value(struct hay_task *task, struct target target, hay_status status)
{
    forget(task, target.made);
    if (status != HAY_OK) {
        return hayi_task_fail_call(task, status);
    }
    task->store_failed = false;
    task->part_bytes += target.value->size;
    return HAY_OK;
}

/* Empty it; '*old' keeps the bytes if the new ones are among them. */
static void begin_value(struct hayi_buffer *value,
                        const void *data,
                        struct hayi_buffer *old)
{
    uintptr_t first = (uintptr_t)value->data;
    uintptr_t at = (uintptr_t)data;
    hayi_buffer_init(old);
    if (at >= first && at - first < value->size) {
        *old = *value;
        hayi_buffer_init(value);
    }
    value->size = 0;
}

static hay_status
set_small(struct hay_task *task, hay_type type, const void *data, size_t size)
{
    struct target target = target_of(task);
    struct hayi_buffer old;
    begin_value(target.value, data, &old);
    hay_status status =
        hayi_value_append(target.value, type, data, size, &task->error);
    hayi_buffer_fini(&old);
    return set_value(task, target, status);
}

static hay_status set_small_array(struct hay_task *task,
                                  const hay_array_view *array,
                                  const void *data)
{
    struct target target = target_of(task);
    struct hayi_buffer old;
    begin_value(target.value, data, &old);
    hay_status status = hayi_value_append_array(target.value,
                                                array->dtype,
                                                array->ndim,
                                                array->shape,
                                                data,
                                                &task->error);
    hayi_buffer_fini(&old);
    return set_value(task, target, status);
}

/* Room in the store; or in scratch, if the result is not what is handed on. */
static hay_status make_room(struct hay_task *task,
                            size_t size,
                            struct hayi_product *made,
                            void **room)
{
    if (task->inputs != NULL && task->inputs->staged && task->parts == NULL) {
        *room = hayi_scratch_take(task->scratch, size);
        *made = (struct hayi_product){0, *room, 0};
        return *room != NULL ? HAY_OK : no_memory(task);
    }
    hay_status status =
        hayi_guest_create(task->farm, size, &made->place, room, &task->error);
    if (status != HAY_OK) {
        task->store_failed = true;
        return hayi_task_fail_call(task, status);
    }
    made->data = *room;
    return HAY_OK;
}

/* A large one.  array: NULL unless it is one.  data: copied; NULL: to be filled
 * by the caller, at *room. */
static hay_status set_large(struct hay_task *task,
                            hay_type type,
                            const hay_array_view *array,
                            const void *data,
                            size_t size,
                            void **room)
{
    struct target target = target_of(task);
    struct hayi_product made = {0, NULL, 0};
    void *at = NULL;
    hay_status status = make_room(task, size, &made, &at);
    if (status != HAY_OK) {
        return status;
    }
    if (data != NULL) {
        memcpy(at, data, size);
    }
    const struct hayi_object_value object = {0, made.place, size};
    target.value->size = 0;
    status = hayi_value_append_object(target.value, type, array, &object);
    forget(task, target.made);
    if (status != HAY_OK) {
        forget(task, &made);
        return no_memory(task);
    }
    task->store_failed = false;
    *target.made = made;
    if (room != NULL) {
        *room = at;
    }
    return HAY_OK;
}

static hay_status
set_plain(struct hay_task *task, hay_type type, const void *data, size_t size)
{
    uint64_t before = 0;
    if (task->is_range) {
        return refuse_item(task);
    }
    hay_status status = admit(task, size, &before);
    if (status != HAY_OK) {
        return status;
    }
    status = fits_report(task, size)
                 ? set_small(task, type, data, size)
                 : set_large(task, type, NULL, data, size, NULL);
    return charge(task, size, before, status);
}

/* data: NULL: to be filled by the caller, at *room. */
static hay_status set_array(struct hay_task *task,
                            hay_dtype dtype,
                            uint32_t ndim,
                            const uint64_t *shape,
                            const void *data,
                            void **room)
{
    hay_array_view array = {.dtype = dtype, .ndim = ndim};
    uint64_t before = 0;
    bool sound = ndim <= HAY_NDIM_MAX && (ndim == 0 || shape != NULL)
                 && hayi_array_bytes(dtype, ndim, shape, &array.size_bytes);
    if (task->is_range) {
        return refuse_item(task);
    }
    hay_status status = admit(task, sound ? array.size_bytes : 0, &before);
    if (status != HAY_OK) {
        return status;
    }
    if (sound && ndim > 0) {
        memcpy(array.shape, shape, ndim * sizeof(*shape));
    }
    if (sound && data == NULL && room == NULL && array.size_bytes > 0) {
        return no_data(task);
    }
    if (sound && !fits_report(task, array.size_bytes)) {
        status =
            set_large(task, HAY_ARRAY, &array, data, array.size_bytes, room);
        return charge(task, array.size_bytes, before, status);
    }
    array.ndim = sound ? ndim : HAY_NDIM_MAX + 1; /* it words it */
    status = set_small_array(task, &array, data);
    if (status == HAY_OK && room != NULL) {
        *room = target_of(task).value->data + sizeof(struct hayi_value_head)
                + ndim * sizeof(*shape);
    }
    return charge(task, array.size_bytes, before, status);
}

hay_status hay_return_double(hay_task *task, double value)
{
    return set_plain(task, HAY_DOUBLE, &value, sizeof(value));
}

hay_status hay_return_int64(hay_task *task, int64_t value)
{
    return set_plain(task, HAY_INT64, &value, sizeof(value));
}

hay_status hay_return_string(hay_task *task, const char *text)
{
    if (text == NULL) {
        return no_data(task);
    }
    return set_plain(task, HAY_STRING, text, strlen(text) + 1);
}

hay_status hay_return_bytes(hay_task *task, const void *data, size_t size)
{
    if (data == NULL && size > 0) {
        return no_data(task);
    }
    return set_plain(task, HAY_BYTES, data, size);
}

hay_status hay_return_array(hay_task *task,
                            hay_dtype dtype,
                            uint32_t ndim,
                            const uint64_t *shape,
                            const void *data)
{
    return set_array(task, dtype, ndim, shape, data, NULL);
}

hay_status hay_return_alloc(hay_task *task, size_t size, void **data)
{
    uint64_t before = 0;
    if (task->is_range) {
        return refuse_item(task);
    }
    hay_status status = admit(task, size, &before);
    if (status != HAY_OK) {
        return status;
    }
    if (!fits_report(task, size)) {
        status = set_large(task, HAY_BYTES, NULL, NULL, size, data);
        return charge(task, size, before, status);
    }
    status = set_small(task, HAY_BYTES, NULL, size);
    if (status == HAY_OK) {
        *data = target_of(task).value->data + sizeof(struct hayi_value_head);
    }
    return charge(task, size, before, status);
}

hay_status hay_return_alloc_array(hay_task *task,
                                  hay_dtype dtype,
                                  uint32_t ndim,
                                  const uint64_t *shape,
                                  void **data)
{
    return set_array(task, dtype, ndim, shape, NULL, data);
}

/* ---- an argument ----------------------------------------------------------
 */

/* A region that will be written from where it is. */
static hay_status set_borrowed(struct hay_task *task,
                               const struct hayi_value *value)
{
    struct target target = target_of(task);
    const struct hayi_object_value object = {0, 0, value->size};
    target.value->size = 0;
    hay_status status = hayi_value_append_object(
        target.value, HAY_ARRAY, &value->array, &object);
    if (status != HAY_OK) {
        return no_memory(task);
    }
    status = set_value(task, target, HAY_OK);
    target.made->data = value->data;
    return status;
}

/* The bytes of the argument as they are: the object that it is, not its data.
 */
static hay_status pass_on(struct hay_task *task, const struct hayi_value *value)
{
    struct target target = target_of(task);
    struct hayi_value_head head;
    memcpy(&head, value->bytes, sizeof(head));
    size_t whole = sizeof(head) + HAYI_PAD8(head.size);
    target.value->size = 0;
    hay_status status = hayi_buffer_append(target.value, value->bytes, whole);
    if (status == HAY_OK && task->inputs != NULL) {
        status = hayi_inputs_restore(
            task->inputs, target.value->data, whole, &task->error);
    }
    if (status == HAY_ENOMEM) {
        return no_memory(task);
    }
    status = set_value(task, target, status);
    if (status == HAY_OK && value->is_object) {
        target.made->data = value->data;
    }
    return status;
}

hay_status hay_return_arg(hay_task *task, size_t index)
{
    struct hayi_value value;
    if (task->is_range) {
        return refuse_item(task);
    }
    if (!hayi_task_arg(task, index, &value)) {
        (void)hayi_fail(&task->error,
                        HAY_ETYPE,
                        "there is no argument %zu (it has %zu)",
                        index,
                        hay_arg_count(task));
        return hayi_task_fail_call(task, HAY_ETYPE);
    }
    bool described = value.is_object && value.data == NULL;
    if (described || (value.type == HAY_LIST && task->parts != NULL)) {
        (void)hayi_fail(&task->error,
                        HAY_EINVAL,
                        "argument %zu is %s, which cannot be a result",
                        index,
                        described ? "an array without its data"
                                  : "a list among several results");
        return hayi_task_fail_call(task, HAY_EINVAL);
    }
    struct hayi_value_head head;
    uint64_t before = 0;
    memcpy(&head, value.bytes, sizeof(head));
    hay_status status = admit(task, value.size, &before);
    if (status != HAY_OK) {
        return status;
    }
    if (head.type == HAYI_KIND_REGION && task->inputs->staged) {
        return charge(task, value.size, before, set_borrowed(task, &value));
    }
    if (head.type == HAYI_KIND_REGION
        || (value.type == HAY_ARRAY && !value.is_object)) {
        return hay_return_array(task,
                                value.array.dtype,
                                value.array.ndim,
                                value.array.shape,
                                value.data);
    }
    if (!value.is_object
        && (value.type == HAY_BYTES || value.type == HAY_STRING)) {
        return set_plain(task, value.type, value.data, value.size);
    }
    return charge(task, value.size, before, pass_on(task, &value));
}

/* ---- several --------------------------------------------------------------
 */

static void drop_parts(struct hay_task *task)
{
    for (size_t i = 0; task->parts != NULL && i < task->part_count; i++) {
        forget(task, &task->parts[i].made);
        hayi_buffer_fini(&task->parts[i].value);
    }
    free(task->parts);
    task->parts = NULL;
    task->part_count = task->part = task->part_bytes = 0;
}

void hayi_results_drop(struct hay_task *task)
{
    if (task->parts != NULL) {
        drop_parts(task);
    }
    forget(task, &task->made);
    task->result_bytes = 0;
}

hay_status hayi_results_split(struct hay_task *task, size_t count)
{
    struct hayi_part *parts = calloc(count, sizeof(*parts));
    if (parts == NULL) {
        return no_memory(task);
    }
    hayi_results_drop(task);
    task->result.size = 0;
    task->parts = parts;
    task->part_count = count;
    task->part_bytes = 0;
    return HAY_OK;
}

hay_status hay_return_count(hay_task *task, size_t count)
{
    if (task->is_range) {
        return refuse_item(task);
    }
    if (task->inputs != NULL && task->inputs->output != NULL) {
        (void)hayi_fail(&task->error,
                        HAY_EINVAL,
                        "a task of hay_array_map() has one result, its block");
        return hayi_task_fail_call(task, HAY_EINVAL);
    }
    if (count < 1 || count > HAYI_PARTS_MAX) {
        (void)hayi_fail(&task->error,
                        HAY_EINVAL,
                        "%zu results: a task has 1 to %d",
                        count,
                        HAYI_PARTS_MAX);
        return hayi_task_fail_call(task, HAY_EINVAL);
    }
    return hayi_results_split(task, count);
}

hay_status hay_return_select(hay_task *task, size_t index)
{
    if (index >= task->part_count) {
        (void)hayi_fail(&task->error,
                        HAY_EINVAL,
                        "there is no result %zu (it has %zu)",
                        index,
                        task->parts == NULL ? (size_t)1 : task->part_count);
        return hayi_task_fail_call(task, HAY_EINVAL);
    }
    task->part = index;
    return HAY_OK;
}

/* ---- the end --------------------------------------------------------------
 */

/* Several results as one list in task->result. */
static hay_status join_parts(struct hay_task *task)
{
    const struct hayi_value_head none = {.type = HAY_NONE};
    struct hayi_value_head head = {
        .type = HAY_LIST,
        .dtype = HAYI_LIST_EVEN,
        .count = (uint32_t)task->part_count,
    };
    size_t first = 0;
    task->result.size = 0;
    hay_status status = hayi_buffer_append(&task->result, &head, sizeof(head));
    for (size_t i = 0; status == HAY_OK && i < task->part_count; i++) {
        const struct hayi_buffer *value = &task->parts[i].value;
        bool set = value->size > 0;
        size_t size = set ? value->size : sizeof(none);
        first = i == 0 ? size : first;
        head.dtype = size == first ? head.dtype : 0;
        status = hayi_buffer_append(
            &task->result, set ? (const void *)value->data : &none, size);
    }
    if (status != HAY_OK) {
        task->result.size = 0;
        return no_memory(task);
    }
    head.size = task->result.size - sizeof(head);
    memcpy(task->result.data, &head, sizeof(head));
    return HAY_OK;
}

static void seal(struct hay_task *task, struct hayi_product *made)
{
    if (made->place != 0) {
        hayi_guest_seal(task->farm, made->place);
        made->place = 0;
    }
}

hay_status hayi_results_seal(struct hay_task *task)
{
    if (task->parts != NULL) {
        hay_status status = join_parts(task);
        if (status != HAY_OK) {
            return status;
        }
        for (size_t i = 0; i < task->part_count; i++) {
            seal(task, &task->parts[i].made);
        }
        drop_parts(task);
    }
    seal(task, &task->made);
    return HAY_OK;
}

static void found_object(void *context, struct hayi_object_value *object)
{
    (void)object;
    *(bool *)context = true;
}

static void tell_not_kept(const struct hay_task *task,
                          const struct hayi_error *err)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    char text[sizeof(err->text) + 80];
    if (task->farm->log != NULL && !atomic_flag_test_and_set(&told)) {
        (void)snprintf(text,
                       sizeof(text),
                       "results cannot be kept, a resume will make them again: "
                       "%s",
                       err->text);
        task->farm->log(task->farm->context, text);
    }
}

void hayi_results_keep(struct hay_task *task)
{
    struct hayi_error err;
    const struct hayi_kept_name name = {
        .folder = task->farm->run_folder,
        .task = task->record.id,
        .attempt = task->record.attempt,
    };
    bool objects = false;
    if (name.folder == NULL || task->is_range
        || (task->record.flags & HAYI_TASK_KEEP) == 0
        || task->outcome != HAYI_OUTCOME_FINISHED || task->result.size == 0) {
        return;
    }
    (void)hayi_value_objects(
        task->result.data, task->result.size, found_object, &objects, NULL);
    if ((objects || task->result.size > KEEP_ABOVE)
        && hayi_kept_write(&name,
                           task->result.data,
                           task->result.size,
                           task->farm->store,
                           &task->in_folder,
                           &err)
               != HAY_OK) {
        tell_not_kept(task, &err);
    }
}

bool hayi_results_look(const struct hay_task *task, struct hayi_value *value)
{
    *value = (struct hayi_value){.type = HAY_NONE};
    if (task->parts != NULL) {
        return false;
    }
    if (task->result.size > 0
        && hayi_value_read(
               task->result.data, task->result.size, value, NULL, NULL)
               == HAY_OK
        && value->is_object) {
        value->data = task->made.data;
        value->array.data = value->data;
    }
    return true;
}
