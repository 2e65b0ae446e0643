/* test_inputs.c - objects and boxes of arrays as arguments, as the function
 * sees them. */
#include "config.h"

#include "data_bed.h"

#include "data/dataset.h"

#include <stdlib.h>
#include <string.h>

enum { BIG = 100000 }; /* bytes of an object */

/* ---- functions ---- */

HAY_TASK(sums)
{
    double sum = 0;
    hay_array_view view;
    HAY_TRY(hay_arg_array(task, 0, &view));
    const double *at = view.data;
    for (size_t i = 0; i < view.size_bytes / sizeof(double); i++) {
        sum += at[i];
    }
    return hay_return_double(task, sum);
}

HAY_TASK(measures)
{
    const char *text;
    const void *bytes;
    size_t size = 0;
    double number;
    HAY_TRY(hay_arg_string(task, 0, &text));
    HAY_TRY(hay_arg_bytes(task, 1, &bytes, &size));
    HAY_TRY(hay_arg_double(task, 2, &number));
    if (hay_arg_type(task, 0) != HAY_STRING || hay_arg_count(task) != 3
        || hay_arg_type(task, 3) != HAY_NONE
        || ((const unsigned char *)bytes)[size - 1] != 'z') {
        return HAY_EIO;
    }
    return hay_return_double(task,
                             (double)strlen(text) + (double)size + number);
}

HAY_TASK(walks_list)
{
    size_t count = 0;
    double sum = 0;
    HAY_TRY(hay_arg_list(task, 0, &count));
    for (size_t i = 0; i < count; i++) {
        hay_array_view view;
        HAY_TRY(hay_arg_list_array(task, 0, i, &view));
        sum += ((const double *)view.data)[0] * (double)(i + 1);
    }
    return hay_return_double(task, sum);
}

static hay_array_view seen; /* by looks; its data copied */
static double seen_data[512];
static const void *seen_at;

HAY_TASK(looks)
{
    HAY_TRY(hay_arg_array(task, 0, &seen));
    seen_at = seen.data;
    if (seen.data != NULL) {
        memcpy(seen_data, seen.data, seen.size_bytes);
    }
    return HAY_OK;
}

HAY_TASK(passes_on)
{
    return hay_return_arg(task, 0);
}

static bool has_run;
HAY_TASK(notes)
{
    has_run = true;
    return HAY_OK;
}

/* ---- objects ---- */

static double *numbers(size_t count)
{
    double *list = malloc(count * sizeof(*list));
    CU_ASSERT_PTR_NOT_NULL_FATAL(list);
    for (size_t i = 0; i < count; i++) {
        list[i] = (double)i;
    }
    return list;
}

static hayi_place put_numbers(size_t count)
{
    double *list = numbers(count);
    hayi_place place = data_put(list, count * sizeof(*list));
    free(list);
    return place;
}

static double result_number(void)
{
    double x = 0;
    struct hayi_value value = data_result();
    CU_ASSERT_EQUAL_FATAL(value.type, HAY_DOUBLE);
    memcpy(&x, value.data, sizeof(x));
    return x;
}

static void object_is_seen_as_the_array_that_it_is(void)
{
    const uint64_t shape[2] = {10, 1000};
    hayi_place place = put_numbers(10000);
    data_object_array(HAY_F64, 2, shape, 5, place);
    data_count(1);
    data_run(sums);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(result_number(), 9999.0 * 10000 / 2);
    hayi_store_drop(bed.store, place);
    CU_ASSERT_EQUAL(data_objects(), 0); /* nobody has pinned it any more */
}

static void text_and_bytes_may_be_objects_beside_values(void)
{
    char *text = malloc(BIG);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, 'z', BIG);
    hayi_place bytes = data_put(text, BIG);
    text[BIG - 1] = 0;
    hayi_place string = data_put(text, BIG);
    free(text);
    data_object(HAY_STRING, 1, string, BIG);
    data_object(HAY_BYTES, 2, bytes, BIG);
    data_double(0.5);
    data_count(3);
    data_run(measures);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(result_number(), BIG - 1 + BIG + 0.5);
}

static void elements_of_a_list_may_be_objects(void)
{
    const uint64_t shape[1] = {3000};
    size_t list = data_begin(HAY_LIST);
    for (int i = 0; i < 3; i++) {
        double *values = numbers(3000);
        values[0] = 10 + i;
        data_object_array(
            HAY_F64, 1, shape, 1, data_put(values, 3000 * sizeof(double)));
        free(values);
    }
    data_end(list);
    data_count(1);
    data_run(walks_list);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(result_number(), 10 + 11 * 2 + 12 * 3);
}

static void object_that_was_spilled_comes_back(void)
{
    hayi_place places[8];
    const uint64_t shape[1] = {1u << 20};
    data_teardown();
    data_open(20u << 20, NULL); /* of 8 objects of 8 MiB two have room */
    for (int i = 0; i < 8; i++) {
        double *values = numbers(1u << 20);
        values[0] = i;
        places[i] = data_put(values, (size_t)8 << 20);
        free(values);
    }
    for (int i = 0; i < 8; i++) {
        data_object_array(HAY_F64, 1, shape, 1, places[i]);
        data_count(1);
        data_run(sums);
        data_expect(HAYI_OUTCOME_FINISHED, "");
        double n = 1u << 20;
        CU_ASSERT_EQUAL(result_number(), (n - 1) * n / 2 + i);
    }
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed.store, &usage);
    CU_ASSERT(usage.restores > 0);
}

static void inputs_may_be_more_than_memory_holds(void)
{
    enum { COUNT = 6 };
    hayi_place places[COUNT];
    const uint64_t shape[1] = {1u << 20};
    double expected = 0;
    data_teardown();
    data_open(20u << 20, NULL);
    for (int i = 0; i < COUNT; i++) {
        double *values = numbers(1u << 20);
        values[0] = i;
        places[i] = data_put(values, (size_t)8 << 20);
        expected += i * (double)(i + 1);
        free(values);
    }
    size_t list = data_begin(HAY_LIST);
    for (int i = 0; i < COUNT; i++) {
        data_object_array(HAY_F64, 1, shape, 1, places[i]);
    }
    data_end(list);
    data_count(1);
    data_run(walks_list);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(result_number(), expected);
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed.store, &usage);
    CU_ASSERT(usage.used_bytes <= usage.limit_bytes);
}

static void missing_inputs_are_named_and_the_function_is_not_run(void)
{
    const uint64_t shape[1] = {10000};
    hayi_place gone = put_numbers(10000);
    hayi_place there = put_numbers(10000);
    hayi_store_drop(bed.store, gone);
    has_run = false;
    data_object_array(HAY_F64, 1, shape, 70, gone);
    size_t list = data_begin(HAY_LIST);
    data_object_array(HAY_F64, 1, shape, 71, there);
    data_object_array(HAY_F64, 1, shape, 72, gone);
    data_end(list);
    data_count(2);
    data_run(notes);
    CU_ASSERT_FALSE(has_run);
    CU_ASSERT_EQUAL_FATAL(bed.task->missing_count, 2);
    CU_ASSERT_EQUAL(bed.task->missing[0], 70);
    CU_ASSERT_EQUAL(bed.task->missing[1], 72);
    hayi_store_drop(bed.store, there);
    CU_ASSERT_EQUAL(data_objects(), 0); /* it is not pinned any more */
}

static void description_has_a_shape_and_no_data(void)
{
    const uint64_t shape[2] = {3, 4000};
    data_object_array(HAY_F32, 2, shape, 9, 0);
    data_count(1);
    data_run(looks);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(seen.ndim, 2);
    CU_ASSERT_EQUAL(seen.shape[1], 4000);
    CU_ASSERT_PTR_NULL(seen.data);
    data_object_array(HAY_F32, 2, shape, 9, 0);
    data_count(1);
    data_run(passes_on);
    data_expect(HAYI_OUTCOME_FAILED, "without its data");
}

static void object_of_another_size_is_refused(void)
{
    hayi_place place = put_numbers(10000);
    data_object(HAY_BYTES, 1, place, 79999);
    data_count(1);
    data_run(notes);
    data_expect(HAYI_OUTCOME_FAILED, "size of an object");
}

static void object_that_is_passed_on_is_not_copied(void)
{
    hayi_place place = put_numbers(10000);
    data_object(HAY_BYTES, 33, place, 80000);
    data_count(1);
    data_run(passes_on);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    struct hayi_value value = data_result();
    CU_ASSERT_TRUE_FATAL(value.is_object);
    CU_ASSERT_EQUAL(value.object.object, 33);
    CU_ASSERT_EQUAL(value.object.place, place);
    CU_ASSERT_EQUAL(value.object.size, 80000);
    CU_ASSERT_EQUAL(data_objects(), 1);
}

static void list_that_is_passed_on_names_its_objects(void)
{
    hayi_place place = put_numbers(10000);
    struct hayi_value element;
    size_t list = data_begin(HAY_LIST);
    data_double(4);
    data_object(HAY_BYTES, 44, place, 80000);
    data_end(list);
    data_count(1);
    data_run(passes_on);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    struct hayi_value value = data_result();
    CU_ASSERT_TRUE_FATAL(hayi_list_get(&value, 1, &element));
    CU_ASSERT_EQUAL(element.object.object, 44);
    CU_ASSERT_EQUAL(element.object.place, place);
}

/* ---- boxes of arrays in memory ---- */

enum { ROWS = 7, COLUMNS = 10, CHUNK_ROWS = 3, CHUNK_COLUMNS = 4 };

/* Element (r, c) of the array is 100 r + c; its chunks 3 x 4, some of them
 * objects.  The box as argument 0. */
static void put_region(uint64_t row,
                       uint64_t column,
                       uint64_t rows,
                       uint64_t columns,
                       hayi_place *places)
{
    const uint64_t shape[2] = {ROWS, COLUMNS};
    const uint64_t chunk[2] = {CHUNK_ROWS, CHUNK_COLUMNS};
    struct hayi_dataset *dataset = NULL;
    struct hayi_region_head head = {
        .region = {2, {row, column}, {rows, columns}}};
    struct hayi_grid grid;
    struct hayi_chunks walk;
    hay_region region;
    uint64_t index = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_dataset_new_memory(HAY_F64, 2, shape, chunk, &dataset, NULL),
        HAY_OK);
    hayi_dataset_grid(dataset, &grid);
    memcpy(&region, &head.region, sizeof(region));
    hayi_chunks_begin(&walk, &grid, &region);
    while (hayi_chunks_next(&walk, &index)) {
        head.chunk_count++;
    }
    size_t group = data_begin(HAYI_KIND_REGION);
    data_bytes(&head, sizeof(head));
    data_bytes(dataset, dataset->size_bytes);
    size_t list = data_begin(HAY_LIST);
    hayi_chunks_begin(&walk, &grid, &region);
    for (size_t k = 0; hayi_chunks_next(&walk, &index); k++) {
        hay_region box;
        double values[CHUNK_ROWS * CHUNK_COLUMNS];
        size_t n = 0;
        hayi_grid_region(&grid, index, &box);
        for (uint64_t r = 0; r < box.count[0]; r++) {
            for (uint64_t c = 0; c < box.count[1]; c++) {
                values[n++] = 100.0 * (double)(box.start[0] + r)
                              + (double)(box.start[1] + c);
            }
        }
        if (places != NULL && k % 3 == 2) {
            (void)hayi_value_append_array(
                &bed.args, HAY_F64, 2, box.count, values, NULL);
        } else {
            hayi_place place = data_put(values, n * sizeof(double));
            data_object_array(HAY_F64, 2, box.count, 800 + k, place);
            if (places != NULL) {
                places[k] = place;
            }
        }
    }
    data_end(list);
    data_end(group);
    data_count(1);
    hayi_dataset_free(dataset);
}

static void check_seen(uint64_t row, uint64_t column)
{
    CU_ASSERT_EQUAL_FATAL(seen.ndim, 2);
    CU_ASSERT_EQUAL(seen.dtype, HAY_F64);
    CU_ASSERT_EQUAL(seen.stride[1], 8);
    CU_ASSERT_EQUAL(seen.stride[0], 8 * (int64_t)seen.shape[1]);
    size_t n = 0;
    for (uint64_t r = 0; r < seen.shape[0]; r++) {
        for (uint64_t c = 0; c < seen.shape[1]; c++) {
            CU_ASSERT_EQUAL(seen_data[n++],
                            100.0 * (double)(row + r) + (double)(column + c));
        }
    }
}

static void region_is_one_array_wherever_its_chunks_are_cut(void)
{
    for (uint64_t row = 0; row < ROWS; row++) {
        for (uint64_t column = 0; column < COLUMNS; column += 3) {
            for (uint64_t rows = 1; rows <= ROWS - row; rows += 2) {
                hayi_place places[32] = {0};
                uint64_t columns = (COLUMNS - column + 1) / 2;
                put_region(row, column, rows, columns, places);
                data_run(looks);
                data_expect(HAYI_OUTCOME_FINISHED, "");
                CU_ASSERT_EQUAL(seen.shape[0], rows);
                CU_ASSERT_EQUAL(seen.shape[1], columns);
                check_seen(row, column);
                for (size_t k = 0; k < 32; k++) {
                    hayi_store_drop(bed.store, places[k]);
                }
                CU_ASSERT_EQUAL(data_objects(), 0);
            }
        }
    }
}

static void region_that_is_one_chunk_is_not_copied(void)
{
    put_region(3, 4, 3, 4, NULL);
    data_run(looks);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    check_seen(3, 4);
    CU_ASSERT_EQUAL(bed.scratch.all_bytes, 0);
    put_region(4, 4, 2, 4, NULL); /* the last two rows of it */
    data_run(looks);
    check_seen(4, 4);
    CU_ASSERT_EQUAL(bed.scratch.all_bytes, 0);
    put_region(3, 4, 3, 5, NULL);
    data_run(looks);
    check_seen(3, 4);
    CU_ASSERT(bed.scratch.all_bytes > 0);
}

static void empty_region_is_an_array_without_elements(void)
{
    put_region(3, 4, 0, 4, NULL);
    data_run(looks);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(seen.size_bytes, 0);
    CU_ASSERT_PTR_NOT_NULL(seen_at);
}

static void region_that_is_passed_on_is_an_array_of_its_own(void)
{
    put_region(0, 0, 4, 2, NULL);
    data_run(passes_on);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    struct hayi_value value = data_result();
    CU_ASSERT_EQUAL_FATAL(value.type, HAY_ARRAY);
    CU_ASSERT_FALSE_FATAL(value.is_object);
    CU_ASSERT_EQUAL(value.array.shape[0], 4);
    CU_ASSERT_EQUAL(((const double *)value.data)[7], 301);
}

static void damaged_regions_are_refused(void)
{
    struct hayi_region_head head = {.region = {2, {0, 0}, {3, 4}}};
    size_t group = data_begin(HAYI_KIND_REGION);
    data_end(group);
    data_count(1);
    data_run(notes);
    data_expect(HAYI_OUTCOME_FAILED, "head of a region");

    group = data_begin(HAYI_KIND_REGION);
    data_bytes(&head, sizeof(head));
    data_bytes("not a dataset at all", 20);
    data_end(group);
    data_count(1);
    data_run(notes);
    data_expect(HAYI_OUTCOME_FAILED, "data");

    put_region(0, 0, 3, 4, NULL);
    struct hayi_region_head *at = (void *)(bed.args.data + HAYI_ARGS_HEAD + 32);
    at->region.count[0] = 8; /* there are 7 rows */
    data_run(notes);
    data_expect(HAYI_OUTCOME_FAILED, "outside");

    put_region(0, 0, 3, 4, NULL);
    at = (void *)(bed.args.data + HAYI_ARGS_HEAD + 32);
    at->region.count[1] = 6; /* which is in two chunks */
    data_run(notes);
    data_expect(HAYI_OUTCOME_FAILED, "too few chunks");
}

static CU_TestInfo tests[] = {
    {"object_is_seen_as_the_array_that_it_is",
     object_is_seen_as_the_array_that_it_is},
    {"text_and_bytes_may_be_objects_beside_values",
     text_and_bytes_may_be_objects_beside_values},
    {"elements_of_a_list_may_be_objects", elements_of_a_list_may_be_objects},
    {"object_that_was_spilled_comes_back", object_that_was_spilled_comes_back},
    {"inputs_may_be_more_than_memory_holds",
     inputs_may_be_more_than_memory_holds},
    {"missing_inputs_are_named_and_the_function_is_not_run",
     missing_inputs_are_named_and_the_function_is_not_run},
    {"description_has_a_shape_and_no_data",
     description_has_a_shape_and_no_data},
    {"object_of_another_size_is_refused", object_of_another_size_is_refused},
    {"object_that_is_passed_on_is_not_copied",
     object_that_is_passed_on_is_not_copied},
    {"list_that_is_passed_on_names_its_objects",
     list_that_is_passed_on_names_its_objects},
    {"region_is_one_array_wherever_its_chunks_are_cut",
     region_is_one_array_wherever_its_chunks_are_cut},
    {"region_that_is_one_chunk_is_not_copied",
     region_that_is_one_chunk_is_not_copied},
    {"empty_region_is_an_array_without_elements",
     empty_region_is_an_array_without_elements},
    {"region_that_is_passed_on_is_an_array_of_its_own",
     region_that_is_passed_on_is_an_array_of_its_own},
    {"damaged_regions_are_refused", damaged_regions_are_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/inputs", data_setup_suite, NULL, data_setup, data_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
