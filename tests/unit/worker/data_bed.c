/* data_bed.c - see data_bed.h. */
#include "config.h"

#include "data_bed.h"

#include <string.h>

struct data_bed bed;

static void no_log(void *context, const char *text)
{
    (void)context;
    (void)text;
}

int data_setup_suite(void)
{
    return hayi_registry_seal(NULL) != HAY_OK;
}

void data_open(uint64_t limit_bytes, const char *spill_folder)
{
    const struct hayi_store_config config = {limit_bytes, spill_folder};
    struct hayi_error err = {HAY_OK, ""};
    memset(&bed, 0, sizeof(bed));
    hayi_buffer_init(&bed.args);
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&bed.store, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(bed.store, &config, &err),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&bed.files, &err), HAY_OK);
    bed.farm = (struct hayi_task_farm){
        .seed = 7,
        .worker = 3,
        .log = no_log,
        .store = bed.store,
        .files = bed.files,
    };
    bed.scratch.keep_bytes = (size_t)64 << 20;
    data_count(0);
}

void data_setup(void)
{
    data_open(DATA_LIMIT, NULL);
}

void data_teardown(void)
{
    hayi_task_free(bed.task);
    bed.task = NULL;
    hayi_scratch_fini(&bed.scratch);
    hayi_buffer_fini(&bed.args);
    hayi_files_free(bed.files);
    if (bed.store != NULL) {
        hayi_store_check(bed.store);
    }
    hayi_store_free(bed.store);
    bed.store = NULL;
}

hayi_place data_put(const void *bytes, size_t size)
{
    hayi_place place = 0;
    void *room = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(bed.store, size, &place, &room, NULL), HAY_OK);
    memcpy(room, bytes, size);
    hayi_store_seal(bed.store, place, 0);
    return place;
}

uint64_t data_objects(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed.store, &usage);
    return usage.object_count;
}

void data_get(hayi_place place, void *bytes, size_t size)
{
    const void *data = NULL;
    uint64_t there = 0;
    CU_ASSERT_EQUAL_FATAL(hayi_store_pin(bed.store, place, &data, &there, NULL),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(there, size);
    memcpy(bytes, data, size);
    hayi_store_unpin(bed.store, place);
}

/* ---- arguments ---- */

static void append(hay_type type, const void *data, size_t size)
{
    CU_ASSERT_EQUAL_FATAL(hayi_value_append(&bed.args, type, data, size, NULL),
                          HAY_OK);
}

void data_double(double number)
{
    append(HAY_DOUBLE, &number, sizeof(number));
}

void data_bytes(const void *bytes, size_t size)
{
    append(HAY_BYTES, bytes, size);
}

void data_string(const char *text)
{
    append(HAY_STRING, text, strlen(text) + 1);
}

void data_none(void)
{
    append(HAY_NONE, NULL, 0);
}

void data_object(hay_type type, uint64_t handle, hayi_place place, size_t size)
{
    const struct hayi_object_value object = {handle, place, size};
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_append_object(&bed.args, type, NULL, &object), HAY_OK);
}

void data_object_array(hay_dtype dtype,
                       uint32_t ndim,
                       const uint64_t *shape,
                       uint64_t handle,
                       hayi_place place)
{
    hay_array_view view = {.dtype = dtype, .ndim = ndim};
    struct hayi_object_value object = {handle, place, hay_dtype_size(dtype)};
    for (uint32_t d = 0; d < ndim; d++) {
        view.shape[d] = shape[d];
        object.size *= shape[d];
    }
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_append_object(&bed.args, HAY_ARRAY, &view, &object), HAY_OK);
}

size_t data_begin(int kind)
{
    const struct hayi_value_head head = {.type = (uint8_t)kind};
    size_t at = bed.args.size;
    CU_ASSERT_EQUAL_FATAL(hayi_buffer_append(&bed.args, &head, sizeof(head)),
                          HAY_OK);
    return at;
}

void data_end(size_t list)
{
    struct hayi_value_head head;
    struct hayi_value_head element;
    uint32_t count = 0;
    memcpy(&head, bed.args.data + list, sizeof(head));
    for (size_t at = list + sizeof(head); at < bed.args.size; count++) {
        memcpy(&element, bed.args.data + at, sizeof(element));
        at += sizeof(element) + HAYI_PAD8(element.size);
    }
    head.count = count;
    head.size = bed.args.size - list - sizeof(head);
    memcpy(bed.args.data + list, &head, sizeof(head));
}

void data_count(uint32_t arguments)
{
    const uint32_t head[2] = {arguments, 0};
    if (bed.args.size == 0) {
        CU_ASSERT_EQUAL_FATAL(hayi_buffer_append(&bed.args, head, sizeof(head)),
                              HAY_OK);
    }
    memcpy(bed.args.data, head, sizeof(head));
}

/* ---- the attempt ---- */

void data_run(hay_task_fn function)
{
    const struct hayi_task_record head = {
        .id = 17,
        .function = function == NULL ? 9999 : hayi_registry_find(function),
        .attempt = 2,
        .cores = 1,
        .args_size = bed.args.size,
        .kind = HAYI_TASK_FUNCTION,
        .flags = HAYI_TASK_DATA,
    };
    struct hayi_buffer body;
    hayi_buffer_init(&body);
    CU_ASSERT_EQUAL_FATAL(hayi_buffer_append(&body, &head, sizeof(head)),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(
        hayi_buffer_append(&body, bed.args.data, bed.args.size), HAY_OK);
    hayi_task_free(bed.task);
    bed.task = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_task_new(&bed.farm, body.data, body.size, &bed.task, NULL),
        HAY_OK);
    hayi_buffer_fini(&body);
    bed.task->scratch = &bed.scratch;
    hayi_task_run(bed.task);
    CU_ASSERT_PTR_NULL(bed.task->inputs);
    CU_ASSERT_PTR_NULL(bed.task->parts);
    CU_ASSERT_EQUAL(bed.task->made.place, 0);
    bed.args.size = 0;
    data_count(0);
}

void data_expect(uint8_t outcome, const char *words)
{
    CU_ASSERT_EQUAL(bed.task->outcome, outcome);
    CU_ASSERT_EQUAL(bed.task->missing_count, 0);
    if (words[0] == 0) {
        CU_ASSERT_STRING_EQUAL(bed.task->error.text, "");
    } else {
        CU_ASSERT_PTR_NOT_NULL(strstr(bed.task->error.text, words));
    }
}

struct hayi_value data_result(void)
{
    struct hayi_value value = {.type = HAY_NONE};
    size_t used = 0;
    if (bed.task->result.size > 0) {
        CU_ASSERT_EQUAL_FATAL(hayi_value_read(bed.task->result.data,
                                              bed.task->result.size,
                                              &value,
                                              &used,
                                              NULL),
                              HAY_OK);
        CU_ASSERT_EQUAL(used, bed.task->result.size);
    }
    return value;
}
