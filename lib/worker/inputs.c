/* inputs.c - see inputs.h. */
#include "config.h"

#include "worker/inputs.h"

#include "worker/guest.h"
#include "worker/task.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct hayi_input_view {
    size_t index; /* of the argument */
    hay_array_view array;
    struct hayi_mapping mapping;
    bool mapped;
};

static hay_status no_memory(struct hay_task *task)
{
    return hayi_fail(
        &task->error, HAY_ENOMEM, "out of memory for a task's inputs");
}

static hay_status damaged(struct hay_task *task, const char *what)
{
    return hayi_fail(
        &task->error, HAY_EMISMATCH, "damaged arguments: %s", what);
}

/* ---- objects ------------------------------------------------------------ */

struct pinning {
    struct hay_task *task;
    struct hayi_inputs *inputs;
    hay_status status;
};

static hay_status note_missing(struct hay_task *task, uint64_t object)
{
    uint64_t *list =
        realloc(task->missing, (task->missing_count + 1) * sizeof(*list));
    if (list == NULL) {
        return no_memory(task);
    }
    task->missing = list;
    list[task->missing_count++] = object;
    return HAY_OK;
}

static struct hayi_pin *new_pin(struct hayi_inputs *inputs)
{
    if (inputs->pin_count == inputs->pin_room) {
        size_t room = inputs->pin_room == 0 ? 8 : inputs->pin_room * 2;
        void *list = realloc(inputs->pins, room * sizeof(*inputs->pins));
        if (list == NULL) {
            return NULL;
        }
        inputs->pins = list;
        inputs->pin_room = room;
    }
    return &inputs->pins[inputs->pin_count++];
}

/* hayi_value_objects() calls it for each of them. */
static void pin(void *context, struct hayi_object_value *object)
{
    struct pinning *p = context;
    struct hay_task *task = p->task;
    bool full = task->missing_count == HAYI_MISSING_MAX;
    if (object->place == 0 || object->place == HAYI_PLACE_FILE || full
        || (p->status != HAY_OK && p->status != HAY_EEMPTY)) {
        return;
    }
    struct hayi_pin *pin = new_pin(p->inputs);
    if (pin == NULL) {
        p->status = no_memory(task);
        return;
    }
    uint64_t size = 0;
    *pin = (struct hayi_pin){.place = object->place};
    hay_status status = hayi_guest_pin(
        task->farm, object->place, &pin->data, &size, &task->error);
    object->place = p->inputs->pin_count;
    if (status == HAY_EEMPTY) {
        status = note_missing(task, object->object);
        p->status = status == HAY_OK ? HAY_EEMPTY : status;
    } else if (status != HAY_OK) {
        p->status = status;
    } else if (size != object->size) {
        p->status = damaged(task, "the size of an object");
    }
}

static void unpin(struct hay_task *task, struct hayi_pin *pin)
{
    if (pin->data != NULL) {
        hayi_guest_unpin(task->farm, pin->place);
        pin->data = NULL;
    }
}

/* The sizes of what stands in task->args have been checked. */
static hay_status
pin_all(struct hay_task *task, struct hayi_inputs *inputs, size_t count)
{
    struct pinning p = {task, inputs, HAY_OK};
    const unsigned char *at = task->args;
    const unsigned char *end = at + task->record.args_size;
    at += HAYI_ARGS_HEAD;
    for (size_t i = 0; i < count; i++) {
        struct hayi_value_head head;
        size_t used = 0;
        if (!hayi_value_head_read(at, (size_t)(end - at), &head, &used)) {
            return damaged(task, "their end");
        }
        hay_status status = hayi_value_objects(at, used, pin, &p, &task->error);
        if (status != HAY_OK) {
            return status;
        }
        at += used;
    }
    return p.status;
}

static void locate(const struct hayi_inputs *inputs, struct hayi_value *value)
{
    if (value->is_object && value->object.place != 0
        && value->object.place <= inputs->pin_count) {
        value->data = inputs->pins[value->object.place - 1].data;
        value->array.data = value->data;
    }
}

static void restore(void *context, struct hayi_object_value *object)
{
    const struct hayi_inputs *inputs = context;
    if (object->place != 0 && object->place <= inputs->pin_count) {
        object->place = inputs->pins[object->place - 1].place;
    }
}

hay_status hayi_inputs_restore(const struct hayi_inputs *inputs,
                               void *bytes,
                               size_t size,
                               struct hayi_error *err)
{
    return hayi_value_objects(
        bytes, size, restore, (void *)(uintptr_t)inputs, err);
}

/* ---- regions ------------------------------------------------------------ */

/* A region as it was sent, checked. */
struct box {
    hay_region region;
    const struct hayi_dataset *dataset;
    struct hayi_value chunks; /* of arrays in memory: what holds them */
    size_t first;             /* of them in there */
};

/* A dataset among the arguments; NULL: damaged, the task's words tell. */
static const struct hayi_dataset *get_dataset(struct hay_task *task,
                                              const struct hayi_inputs *inputs,
                                              struct hayi_value *value)
{
    locate(inputs, value); /* one with many addresses is an object */
    if (value->type != HAY_BYTES || value->data == NULL) {
        (void)damaged(task, "no dataset");
        return NULL;
    }
    if (hayi_dataset_check(value->data, value->size, &task->error) != HAY_OK) {
        return NULL;
    }
    return value->data;
}

/* The chunks are one list, or stand behind head and dataset one by one. */
static bool
find_chunks(const struct hayi_value *value, uint64_t count, struct box *box)
{
    if (value->count > 2 && hayi_list_get(value, 2, &box->chunks)
        && box->chunks.type == HAY_LIST) {
        box->first = 0;
        return box->chunks.count == count;
    }
    box->chunks = *value;
    box->first = 2;
    return value->count == 2 + count;
}

static hay_status read_box(struct hay_task *task,
                           const struct hayi_inputs *inputs,
                           const struct hayi_value *value,
                           struct box *box)
{
    struct hayi_value part;
    struct hayi_region_head head;
    if (!hayi_list_get(value, 0, &part) || part.type != HAY_BYTES
        || part.is_object || part.size != sizeof(head)) {
        return damaged(task, "the head of a region");
    }
    memcpy(&head, part.data, sizeof(head));
    box->region = head.region;
    if (!hayi_list_get(value, 1, &part)) {
        return damaged(task, "a region of nothing");
    }
    box->dataset = get_dataset(task, inputs, &part);
    if (box->dataset == NULL) {
        return HAY_EMISMATCH;
    }
    if (!hayi_region_inside(
            &box->region, box->dataset->ndim, box->dataset->shape)) {
        return damaged(task, "a region outside of its array");
    }
    return box->dataset->kind != HAYI_MEMORY
                   || find_chunks(value, head.chunk_count, box)
               ? HAY_OK
               : damaged(task, "the chunks of a region");
}

/* Type and shape of what the function will see; its data are NULL. */
static hay_status
make_array(struct hay_task *task, const struct box *box, hay_array_view *view)
{
    *view = (hay_array_view){
        .dtype = (hay_dtype)box->dataset->dtype,
        .ndim = box->region.ndim,
    };
    memcpy(view->shape, box->region.count, sizeof(view->shape));
    if (!hayi_array_bytes(
            view->dtype, view->ndim, view->shape, &view->size_bytes)) {
        return damaged(task, "the size of a region");
    }
    int64_t stride = (int64_t)hay_dtype_size(view->dtype);
    for (uint32_t d = view->ndim; d-- > 0;) {
        view->stride[d] = stride;
        stride *= (int64_t)view->shape[d];
    }
    return HAY_OK;
}

static void *take_room(struct hay_task *task, size_t size)
{
    void *room = hayi_scratch_take(task->scratch, size);
    if (room == NULL) {
        (void)no_memory(task);
    }
    return room;
}

static hay_status read_file(struct hay_task *task,
                            const struct box *box,
                            struct hayi_input_view *view)
{
    struct hayi_files *files = task->farm->files;
    hay_status status = hayi_dataset_map(files,
                                         box->dataset,
                                         &box->region,
                                         &view->array.data,
                                         &view->mapping,
                                         &task->error);
    if (status != HAY_EUNSUPPORTED) {
        view->mapped = status == HAY_OK;
        return status;
    }
    void *room = take_room(task, view->array.size_bytes);
    if (room == NULL) {
        return HAY_ENOMEM;
    }
    view->array.data = room;
    status = hayi_dataset_read(
        files, box->dataset, &box->region, room, &task->error);
    /* Of a packed array: not written yet, though this task waited for it. */
    return status == HAY_EEMPTY ? HAY_EIO : status;
}

/* Chunk number k of those of the region: its elements and where they lie. */
static hay_status get_chunk(struct hay_task *task,
                            const struct hayi_inputs *inputs,
                            const struct box *box,
                            size_t k,
                            const hay_region *region,
                            struct hayi_value *value)
{
    size_t element = hayi_dataset_element_bytes(box->dataset);
    if (!hayi_list_get(&box->chunks, box->first + k, value)) {
        return damaged(task, "a region has too few chunks");
    }
    if (value->type != HAY_ARRAY
        || value->array.dtype != (hay_dtype)box->dataset->dtype
        || value->size != hayi_region_count(region) * element) {
        return hayi_fail(&task->error,
                         HAY_EMISMATCH,
                         "chunk %zu of a region is not an array of its size",
                         k);
    }
    locate(inputs, value);
    return value->data != NULL ? HAY_OK : damaged(task, "a chunk's place");
}

/* The pin of a chunk that has been copied. */
static void release_chunk(struct hay_task *task,
                          const struct hayi_inputs *inputs,
                          const struct hayi_value *value)
{
    if (value->is_object) {
        unpin(task, &inputs->pins[value->object.place - 1]);
    }
}

/* A region in one chunk is where it lies if it is one run there; else it is
 * copied together. */
static hay_status gather(struct hay_task *task,
                         const struct hayi_inputs *inputs,
                         const struct box *box,
                         hay_array_view *view)
{
    struct hayi_grid grid;
    struct hayi_chunks walk;
    hay_region chunk;
    hay_region common;
    struct hayi_value value;
    uint64_t index = 0;
    uint64_t first = 0;
    size_t element = hayi_dataset_element_bytes(box->dataset);
    void *room = NULL;
    hayi_dataset_grid(box->dataset, &grid);
    hayi_chunks_begin(&walk, &grid, &box->region);
    for (size_t k = 0; hayi_chunks_next(&walk, &index); k++) {
        hayi_grid_region(&grid, index, &chunk);
        hay_status status = get_chunk(task, inputs, box, k, &chunk, &value);
        if (status != HAY_OK) {
            return status;
        }
        if (hayi_region_holds(&chunk, &box->region)
            && hayi_region_run(&chunk, &box->region, &first)) {
            view->data = (const char *)value.data + first * element;
            return HAY_OK;
        }
        if (room == NULL
            && (room = take_room(task, view->size_bytes)) == NULL) {
            return HAY_ENOMEM;
        }
        if (hayi_region_intersect(&chunk, &box->region, &common)) {
            hayi_region_copy(
                room, &box->region, value.data, &chunk, &common, element);
        }
        release_chunk(task, inputs, &value);
    }
    view->data = room;
    return HAY_OK;
}

static hay_status open_region(struct hay_task *task,
                              struct hayi_inputs *inputs,
                              const struct hayi_value *value,
                              struct hayi_input_view *view)
{
    static const uint64_t nothing; /* what an empty array points to */
    struct box box;
    hay_status status = read_box(task, inputs, value, &box);
    if (status == HAY_OK) {
        status = make_array(task, &box, &view->array);
    }
    if (status != HAY_OK) {
        return status;
    }
    if (view->array.size_bytes == 0) {
        view->array.data = &nothing;
        return HAY_OK;
    }
    return box.dataset->kind == HAYI_MEMORY
               ? gather(task, inputs, &box, &view->array)
               : read_file(task, &box, view);
}

static hay_status open_regions(struct hay_task *task,
                               struct hayi_inputs *inputs)
{
    size_t regions = 0;
    struct hayi_value value;
    for (size_t i = 0; i < inputs->count; i++) {
        (void)hayi_args_get(task->args, i, &value);
        regions += (int)value.type == HAYI_KIND_REGION;
    }
    if (regions == 0) {
        return HAY_OK;
    }
    inputs->views = calloc(regions, sizeof(*inputs->views));
    if (inputs->views == NULL) {
        return no_memory(task);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        (void)hayi_args_get(task->args, i, &value);
        if ((int)value.type != HAYI_KIND_REGION) {
            continue;
        }
        struct hayi_input_view *view = &inputs->views[inputs->view_count++];
        view->index = i;
        hay_status status = open_region(task, inputs, &value, view);
        if (status != HAY_OK) {
            return status;
        }
    }
    return HAY_OK;
}

/* ---- the block to compute ------------------------------------------------ */

/* The head of an output, if that is the last argument. */
static hay_status
open_output(struct hay_task *task, struct hayi_inputs *inputs, size_t count)
{
    struct hayi_value last;
    struct hayi_value part;
    inputs->count = count;
    if (count == 0 || !hayi_args_get(task->args, count - 1, &last)
        || (int)last.type != HAYI_KIND_OUTPUT) {
        return HAY_OK;
    }
    inputs->count = count - 1;
    if (!hayi_list_get(&last, 0, &part) || part.type != HAY_BYTES
        || part.is_object || part.size != sizeof(struct hayi_output_head)) {
        return damaged(task, "the head of an output");
    }
    const void *head = part.data;
    inputs->output = head;
    if (!hayi_list_get(&last, 1, &part)) {
        return damaged(task, "an output to nothing");
    }
    if (part.type == HAY_NONE) {
        return HAY_OK;
    }
    inputs->dataset = get_dataset(task, inputs, &part);
    if (inputs->dataset == NULL) {
        return HAY_EMISMATCH;
    }
    const hay_region *region = &inputs->output->block.region;
    if (!hayi_region_inside(
            region, inputs->dataset->ndim, inputs->dataset->shape)
        || inputs->output->dtype != (hay_dtype)inputs->dataset->dtype) {
        return damaged(task, "a block that is not of its array");
    }
    struct hayi_grid grid;
    struct hayi_chunks walk;
    uint64_t index = 0;
    hayi_dataset_grid(inputs->dataset, &grid);
    hayi_chunks_begin(&walk, &grid, region);
    inputs->staged =
        inputs->dataset->kind != HAYI_MEMORY
        || (hayi_chunks_next(&walk, &index) && hayi_chunks_next(&walk, &index));
    return HAY_OK;
}

/* ---- together ------------------------------------------------------------ */

static void close_all(struct hay_task *task, struct hayi_inputs *inputs)
{
    for (size_t i = 0; i < inputs->view_count; i++) {
        if (inputs->views[i].mapped) {
            hayi_mapping_fini(&inputs->views[i].mapping);
        }
    }
    for (size_t i = 0; i < inputs->pin_count; i++) {
        unpin(task, &inputs->pins[i]);
    }
    hayi_scratch_reset(task->scratch);
    free(inputs->views);
    free(inputs->pins);
    free(inputs);
}

hay_status hayi_inputs_open(struct hay_task *task)
{
    assert(task->inputs == NULL);
    hay_status status =
        hayi_args_check(task->args, task->record.args_size, &task->error);
    if (status != HAY_OK) {
        return status;
    }
    if (!hayi_guest_has_store(task->farm) || task->farm->files == NULL
        || task->scratch == NULL) {
        return hayi_fail(
            &task->error, HAY_EMISMATCH, "this worker has no store");
    }
    struct hayi_inputs *inputs = calloc(1, sizeof(*inputs));
    if (inputs == NULL) {
        return no_memory(task);
    }
    size_t count = hayi_args_count(task->args);
    status = pin_all(task, inputs, count);
    if (status == HAY_OK) {
        status = open_output(task, inputs, count);
    }
    if (status == HAY_OK) {
        status = open_regions(task, inputs);
    }
    if (status != HAY_OK) {
        close_all(task, inputs);
        return status;
    }
    task->inputs = inputs;
    return HAY_OK;
}

void hayi_inputs_close(struct hay_task *task)
{
    if (task->inputs != NULL) {
        close_all(task, task->inputs);
        task->inputs = NULL;
    }
}

void hayi_inputs_show(const struct hayi_inputs *inputs,
                      size_t index,
                      struct hayi_value *value)
{
    if ((int)value->type != HAYI_KIND_REGION) {
        locate(inputs, value);
        return;
    }
    for (size_t i = 0; i < inputs->view_count; i++) {
        if (inputs->views[i].index == index) {
            value->type = HAY_ARRAY;
            value->array = inputs->views[i].array;
            value->data = value->array.data;
            value->size = value->array.size_bytes;
            return;
        }
    }
}
