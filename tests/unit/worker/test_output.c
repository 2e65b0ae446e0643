/* test_output.c - blocks of arrays: computed by a task, written to a file or
 * cut into the chunks of an array in memory; and boxes of files as inputs. */
#include "config.h"

#include "data_bed.h"

#include "data/h5store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 50, COLUMNS = 70, CHUNK_ROWS = 16, CHUNK_COLUMNS = 32 };

static char path[200];
static struct hayi_dataset *dataset;

/* ---- functions ---- */

/* Element (r, c) of the array becomes 1000 r + c. */
HAY_TASK(numbers_block)
{
    hay_block block;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(hay_return_alloc_array(
        task, HAY_F64, block.region.ndim, block.region.count, &data));
    double *at = data;
    for (uint64_t r = 0; r < block.region.count[0]; r++) {
        for (uint64_t c = 0; c < block.region.count[1]; c++) {
            *at++ = 1000.0 * (double)(block.region.start[0] + r)
                    + (double)(block.region.start[1] + c);
        }
    }
    return HAY_OK;
}

HAY_TASK(adds_one)
{
    hay_array_view view;
    void *data = NULL;
    HAY_TRY(hay_arg_array(task, 0, &view));
    if (hay_arg_count(task) != 1 || hay_arg_type(task, 1) != HAY_NONE) {
        return HAY_EINVAL; /* its output is no argument */
    }
    HAY_TRY(
        hay_return_alloc_array(task, HAY_F64, view.ndim, view.shape, &data));
    for (size_t i = 0; i < view.size_bytes / sizeof(double); i++) {
        ((double *)data)[i] = ((const double *)view.data)[i] + 1;
    }
    return HAY_OK;
}

HAY_TASK(returns_other_shape)
{
    const uint64_t shape[2] = {3, 5};
    const float data[15] = {0};
    return hay_return_array(task, HAY_F32, 2, shape, data);
}

HAY_TASK(returns_nothing)
{
    return HAY_OK;
}

HAY_TASK(returns_two)
{
    return hay_return_count(task, 2);
}

HAY_TASK(fails_after_all)
{
    HAY_TRY(numbers_block(task));
    return hay_task_fail(task, 1, "after all");
}

HAY_TASK(asks_for_its_block)
{
    hay_block block;
    return hay_task_block(task, &block);
}

/* ---- arrays ---- */

static void make_file(const char *name, uint32_t deflate)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_h5_plan plan = {
        .path = path,
        .name = "field",
        .dtype = HAY_F64,
        .ndim = 2,
        .shape = {ROWS, COLUMNS},
        .chunk = {CHUNK_ROWS, CHUNK_COLUMNS},
        .filters = {0, (uint8_t)deflate},
    };
    (void)snprintf(path, sizeof(path), "hay-output-%s.%d.h5", name, getpid());
    (void)unlink(path);
    CU_ASSERT_EQUAL(hayi_h5_create(&plan, &dataset, &err), HAY_OK);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    CU_ASSERT_PTR_NOT_NULL_FATAL(dataset);
}

static void make_memory(void)
{
    const uint64_t shape[2] = {ROWS, COLUMNS};
    const uint64_t chunk[2] = {CHUNK_ROWS, CHUNK_COLUMNS};
    CU_ASSERT_EQUAL_FATAL(
        hayi_dataset_new_memory(HAY_F64, 2, shape, chunk, &dataset, NULL),
        HAY_OK);
}

static void teardown(void)
{
    hayi_dataset_free(dataset);
    dataset = NULL;
    if (path[0] != 0) {
        (void)unlink(path);
        path[0] = 0;
    }
    data_teardown();
}

static void put_region(const hay_region *region)
{
    struct hayi_region_head head = {.chunk_count = 0};
    memcpy(&head.region, region, sizeof(head.region));
    size_t group = data_begin(HAYI_KIND_REGION);
    data_bytes(&head, sizeof(head));
    data_bytes(dataset, dataset->size_bytes);
    data_end(group);
}

/* of: NULL: the block is written nowhere. */
static void
put_output(const struct hayi_dataset *of, const hay_region *block, bool copy)
{
    struct hayi_output_head head = {.dtype = HAY_F64, .copy = copy};
    memcpy(&head.block.region, block, sizeof(head.block.region));
    head.block.inputs = head.block.region;
    size_t group = data_begin(HAYI_KIND_OUTPUT);
    data_bytes(&head, sizeof(head));
    if (of != NULL) {
        data_bytes(of, of->size_bytes);
    } else {
        data_none();
    }
    data_end(group);
}

static double expected(uint64_t row, uint64_t column)
{
    return 1000.0 * (double)row + (double)column;
}

/* How many elements of this box of the file are not what they should be. */
static int wrong_in_file(const hay_region *box, double more)
{
    static double values[ROWS * COLUMNS];
    struct hayi_error err = {HAY_OK, ""};
    int wrong = 0;
    size_t n = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_dataset_read(bed.files, dataset, box, values, &err), HAY_OK);
    for (uint64_t r = 0; r < box->count[0]; r++) {
        for (uint64_t c = 0; c < box->count[1]; c++) {
            wrong += values[n++]
                     != expected(box->start[0] + r, box->start[1] + c) + more;
        }
    }
    return wrong;
}

static uint64_t chunks_done(void)
{
    uint8_t done[8] = {0};
    uint64_t count = 0;
    CU_ASSERT_EQUAL(
        hayi_dataset_done(bed.files, dataset, true, done, &count, NULL),
        HAY_OK);
    return count;
}

static const hay_region whole = {2, {0, 0}, {ROWS, COLUMNS}};

/* Every block of so many chunks is written by a task of its own. */
static void write_all(uint64_t rows, uint64_t columns)
{
    struct hayi_grid grid;
    hay_region block;
    const uint64_t chunk[2] = {rows * dataset->chunk[0],
                               columns * dataset->chunk[1]};
    CU_ASSERT_EQUAL_FATAL(hayi_grid_init(&grid, 2, dataset->shape, chunk, NULL),
                          HAY_OK);
    for (uint64_t i = 0; i < grid.total; i++) {
        hayi_grid_region(&grid, i, &block);
        put_output(dataset, &block, false);
        data_count(1);
        data_run(numbers_block);
        data_expect(HAYI_OUTCOME_FINISHED, "");
        CU_ASSERT_EQUAL(data_result().type, HAY_NONE);
    }
}

/* ---- into files ---- */

static void chunks_are_written_and_marked_done(void)
{
    make_file("chunks", 0);
    write_all(1, 1);
    CU_ASSERT_EQUAL(chunks_done(), 12);
    CU_ASSERT_EQUAL(wrong_in_file(&whole, 0), 0);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void block_of_many_chunks_is_cut(void)
{
    make_file("blocks", 0);
    write_all(2, 2);
    CU_ASSERT_EQUAL(chunks_done(), 12);
    CU_ASSERT_EQUAL(wrong_in_file(&whole, 0), 0);
}

static void packed_array_is_written_chunk_by_chunk(void)
{
    make_file("packed", 3);
    write_all(1, 2);
    CU_ASSERT_EQUAL(chunks_done(), 12);
    CU_ASSERT_EQUAL(wrong_in_file(&whole, 0), 0);
    CU_ASSERT_EQUAL(hayi_dataset_complete(bed.files, dataset, NULL), HAY_OK);
}

static void boxes_of_a_file_are_inputs(void)
{
    const hay_region block = {2, {16, 32}, {32, 32}};
    make_file("inputs", 0);
    write_all(4, 4);
    /* Over what it was computed from: allowed where a task sees no more. */
    put_region(&block);
    put_output(dataset, &block, false);
    data_count(2);
    data_run(adds_one);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(wrong_in_file(&block, 1), 0);
    CU_ASSERT_EQUAL(chunks_done(), 12);
}

static void dataset_may_be_an_object(void)
{
    const hay_region block = {2, {0, 0}, {16, 32}};
    struct hayi_output_head head = {.dtype = HAY_F64};
    make_file("object", 0);
    hayi_place place = data_put(dataset, dataset->size_bytes);
    memcpy(&head.block.region, &block, sizeof(head.block.region));
    size_t group = data_begin(HAYI_KIND_OUTPUT);
    data_bytes(&head, sizeof(head));
    data_object(HAY_BYTES, 9, place, dataset->size_bytes);
    data_end(group);
    data_count(1);
    data_run(numbers_block);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(wrong_in_file(&block, 0), 0);
    CU_ASSERT_EQUAL(chunks_done(), 1);
}

static void copy_needs_no_function(void)
{
    const hay_region from = {2, {0, 0}, {CHUNK_ROWS, CHUNK_COLUMNS}};
    make_file("copy", 0);
    write_all(1, 1);
    hayi_place place = 0;
    void *data = NULL;
    const uint64_t shape[2] = {CHUNK_ROWS, CHUNK_COLUMNS};
    size_t bytes = (size_t)CHUNK_ROWS * CHUNK_COLUMNS * sizeof(double);
    CU_ASSERT_EQUAL(hayi_store_create(bed.store, bytes, &place, &data, NULL),
                    HAY_OK);
    for (size_t i = 0; i < bytes / sizeof(double); i++) {
        ((double *)data)[i] =
            expected(i / CHUNK_COLUMNS, i % CHUNK_COLUMNS) + 5;
    }
    hayi_store_seal(bed.store, place, 0);
    data_object_array(HAY_F64, 2, shape, 3, place);
    put_output(dataset, &from, true);
    data_count(2);
    data_run(NULL);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(wrong_in_file(&from, 5), 0);
    hayi_store_drop(bed.store, place);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void another_shape_fails_it_in_words(void)
{
    const hay_region block = {2, {0, 0}, {16, 32}};
    make_file("shape", 0);
    put_output(dataset, &block, false);
    data_count(1);
    data_run(returns_other_shape);
    data_expect(HAYI_OUTCOME_FAILED,
                "returned float32 [3, 5], its block is float64 [16, 32]");
    put_output(dataset, &block, false);
    data_count(1);
    data_run(returns_nothing);
    data_expect(HAYI_OUTCOME_FAILED,
                "returned nothing, its block is float64 [16, 32]");
    put_output(dataset, &block, false);
    data_count(1);
    data_run(returns_two);
    data_expect(HAYI_OUTCOME_FAILED, "one result");
    CU_ASSERT_EQUAL(chunks_done(), 0);
}

static void failed_task_writes_nothing(void)
{
    const hay_region block = {2, {0, 0}, {16, 32}};
    make_file("fails", 0);
    put_output(dataset, &block, false);
    data_count(1);
    data_run(fails_after_all);
    data_expect(HAYI_OUTCOME_FAILED, "after all");
    CU_ASSERT_EQUAL(chunks_done(), 0);
}

static void file_that_is_gone_is_the_farms_failure(void)
{
    const hay_region block = {2, {0, 0}, {16, 32}};
    make_file("gone", 0);
    CU_ASSERT_EQUAL(unlink(path), 0);
    put_output(dataset, &block, false);
    data_count(1);
    data_run(numbers_block);
    CU_ASSERT_EQUAL(bed.task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.task->error.text, path));
    put_region(&block);
    data_count(1);
    data_run(returns_nothing);
    CU_ASSERT_EQUAL(bed.task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.task->error.text, path));
}

static void block_that_cuts_a_chunk_is_refused(void)
{
    const hay_region block = {2, {0, 0}, {15, 32}};
    make_file("cuts", 0);
    put_output(dataset, &block, false);
    data_count(1);
    data_run(numbers_block);
    CU_ASSERT_EQUAL(bed.task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.task->error.text, "cuts a chunk"));
    CU_ASSERT_EQUAL(chunks_done(), 0);
}

/* ---- in memory ---- */

static void expect_chunk(const struct hayi_value *value, const hay_region *box)
{
    double values[CHUNK_ROWS * CHUNK_COLUMNS];
    size_t n = 0;
    CU_ASSERT_EQUAL_FATAL(value->type, HAY_ARRAY);
    CU_ASSERT_EQUAL_FATAL(value->size, hayi_region_count(box) * sizeof(double));
    if (value->is_object) {
        data_get(value->object.place, values, value->size);
    } else {
        memcpy(values, value->data, value->size);
    }
    int wrong = 0;
    for (uint64_t r = 0; r < box->count[0]; r++) {
        for (uint64_t c = 0; c < box->count[1]; c++) {
            wrong +=
                values[n++] != expected(box->start[0] + r, box->start[1] + c);
        }
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static void block_in_memory_is_its_result(void)
{
    const hay_region block = {2, {16, 32}, {16, 32}};
    make_memory();
    put_output(dataset, &block, false);
    data_count(1);
    data_run(numbers_block);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    const struct hayi_value value = data_result();
    expect_chunk(&value, &block);
}

static void chunks_of_a_block_in_memory_are_results(void)
{
    const hay_region block = {2, {32, 0}, {18, COLUMNS}};
    struct hayi_grid grid;
    struct hayi_chunks walk;
    hay_region box;
    struct hayi_value element;
    uint64_t index = 0;
    make_memory();
    hayi_dataset_grid(dataset, &grid);
    put_output(dataset, &block, false);
    data_count(1);
    data_run(numbers_block);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    const struct hayi_value list = data_result();
    CU_ASSERT_EQUAL_FATAL(list.type, HAY_LIST);
    CU_ASSERT_EQUAL_FATAL(list.count, 6); /* 2 rows of 3, cut at the edges */
    hayi_chunks_begin(&walk, &grid, &block);
    for (size_t i = 0; hayi_chunks_next(&walk, &index); i++) {
        hayi_grid_region(&grid, index, &box);
        CU_ASSERT_TRUE_FATAL(hayi_list_get(&list, i, &element));
        expect_chunk(&element, &box);
    }
}

static void block_that_is_written_nowhere_is_a_result_of_any_kind(void)
{
    const hay_region block = {2, {0, 0}, {16, 32}};
    put_output(NULL, &block, false);
    data_count(1);
    data_run(returns_other_shape);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_result().array.dtype, HAY_F32);
    data_double(3);
    put_output(NULL, &block, true);
    data_count(2);
    data_run(NULL);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_result().type, HAY_DOUBLE);
}

static void task_of_no_map_has_no_block(void)
{
    data_double(3);
    data_count(1);
    data_run(asks_for_its_block);
    data_expect(HAYI_OUTCOME_FAILED, "hay_array_map");
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
static CU_TestInfo tests[] = {
    TEST(chunks_are_written_and_marked_done),
    TEST(block_of_many_chunks_is_cut),
    TEST(packed_array_is_written_chunk_by_chunk),
    TEST(boxes_of_a_file_are_inputs),
    TEST(dataset_may_be_an_object),
    TEST(copy_needs_no_function),
    TEST(another_shape_fails_it_in_words),
    TEST(failed_task_writes_nothing),
    TEST(file_that_is_gone_is_the_farms_failure),
    TEST(block_that_cuts_a_chunk_is_refused),
    TEST(block_in_memory_is_its_result),
    TEST(chunks_of_a_block_in_memory_are_results),
    TEST(block_that_is_written_nowhere_is_a_result_of_any_kind),
    TEST(task_of_no_map_has_no_block),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/output", data_setup_suite, NULL, data_setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
