/* test_results.c - what a task gives back: in its report, or in the store. */
#include "config.h"

#include "data_bed.h"

#include "wire/channel.h"
#include "worker/results.h"

#include <stdlib.h>
#include <string.h>

enum { BIG = 100000 };

static char *letters(char letter)
{
    char *text = malloc(BIG);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, letter, BIG);
    return text;
}

/* ---- functions ---- */

HAY_TASK(returns_bytes)
{
    char *text = letters('b');
    hay_status status = hay_return_bytes(task, text, BIG);
    free(text);
    return status;
}

HAY_TASK(returns_string)
{
    char *text = letters('s');
    text[BIG - 1] = 0;
    hay_status status = hay_return_string(task, text);
    free(text);
    return status;
}

HAY_TASK(returns_inline_max)
{
    char *text = letters('m');
    hay_status status = hay_return_bytes(task, text, HAY_INLINE_MAX);
    free(text);
    return status;
}

HAY_TASK(allocates)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    memset(data, 'a', BIG);
    return HAY_OK;
}

HAY_TASK(allocates_small)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, 5, &data));
    memcpy(data, "small", 5);
    return HAY_OK;
}

/* Its own bytes, as something else. */
HAY_TASK(allocates_then_shapes)
{
    const uint64_t shape[1] = {64};
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, 64, &data));
    for (int i = 0; i < 64; i++) {
        ((char *)data)[i] = (char)i;
    }
    return hay_return_array(task, HAY_U8, 1, shape, data);
}

HAY_TASK(allocates_then_cuts)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, 12, &data));
    memcpy(data, "0123 the end", 12);
    return hay_return_bytes(task, (const char *)data + 5, 7);
}

HAY_TASK(allocates_array)
{
    const uint64_t shape[2] = {100, 50};
    void *data = NULL;
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, shape, &data));
    for (int i = 0; i < 5000; i++) {
        ((double *)data)[i] = i;
    }
    return HAY_OK;
}

HAY_TASK(allocates_small_array)
{
    const uint64_t shape[1] = {3};
    void *data = NULL;
    HAY_TRY(hay_return_alloc_array(task, HAY_I32, 1, shape, &data));
    memcpy(data, (const int32_t[3]){7, 8, 9}, 12);
    return HAY_OK;
}

HAY_TASK(returns_twice)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    memset(data, 'x', BIG);
    /* The second is made of the first. */
    return hay_return_bytes(task, data, BIG / 2);
}

HAY_TASK(returns_big_then_small)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    return hay_return_double(task, 2);
}

HAY_TASK(fails_with_a_result)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    return hay_task_fail(task, 1, "not today");
}

HAY_TASK(returns_no_array)
{
    const uint64_t shape[1] = {5000};
    if (hay_return_array(task, HAY_F64, 1, shape, NULL) != HAY_EINVAL) {
        return HAY_EIO;
    }
    return hay_return_array(task, HAY_F64, 9, shape, shape);
}

HAY_TASK(returns_too_much)
{
    void *data = NULL;
    return hay_return_alloc(task, (size_t)100 << 20, &data);
}

HAY_TASK(returns_too_much_and_goes_on)
{
    void *data = NULL;
    if (hay_return_alloc(task, (size_t)100 << 20, &data) == HAY_OK) {
        return HAY_EINVAL;
    }
    return HAY_OK; /* it does not look */
}

HAY_TASK(returns_less_then)
{
    void *data = NULL;
    if (hay_return_alloc(task, (size_t)100 << 20, &data) == HAY_OK) {
        return HAY_EINVAL;
    }
    return hay_return_double(task, 1);
}

HAY_TASK(returns_several)
{
    char *text = letters('p');
    HAY_TRY(hay_return_count(task, 4));
    hay_status status = hay_return_double(task, 1.5); /* the first */
    if (status == HAY_OK) {
        status = hay_return_select(task, 2);
    }
    if (status == HAY_OK) {
        status = hay_return_bytes(task, text, BIG);
    }
    if (status == HAY_OK) {
        status = hay_return_select(task, 3);
    }
    if (status == HAY_OK) {
        status = hay_return_string(task, "end");
    }
    free(text);
    return status;
}

HAY_TASK(returns_several_and_fails)
{
    HAY_TRY(returns_several(task));
    return HAY_EIO;
}

HAY_TASK(counts_wrongly)
{
    if (hay_return_select(task, 0) != HAY_EINVAL
        || hay_return_count(task, 0) != HAY_EINVAL
        || hay_return_count(task, 65537) != HAY_EINVAL) {
        return HAY_OK;
    }
    HAY_TRY(hay_return_count(task, 2));
    return hay_return_select(task, 2);
}

HAY_TASK(returns_very_many)
{
    HAY_TRY(hay_return_count(task, 65536));
    char text[100];
    memset(text, 'v', sizeof(text));
    for (size_t i = 0; i < 65536; i++) {
        HAY_TRY(hay_return_select(task, i));
        HAY_TRY(hay_return_bytes(task, text, sizeof(text)));
    }
    return HAY_OK;
}

HAY_TASK(returns_too_many_for_a_report)
{
    char text[4000];
    memset(text, 'v', sizeof(text));
    HAY_TRY(hay_return_count(task, 3000));
    for (size_t i = 0; i < 3000; i++) {
        HAY_TRY(hay_return_select(task, i));
        HAY_TRY(hay_return_bytes(task, text, sizeof(text)));
    }
    return HAY_OK;
}

/* ---- one ---- */

static void run(hay_task_fn function)
{
    data_count(0);
    data_run(function);
}

/* It is an object of this type, whose bytes are all this letter. */
static void expect_letters(hay_type type, size_t size, char letter)
{
    struct hayi_value value = data_result();
    CU_ASSERT_EQUAL(value.type, type);
    CU_ASSERT_TRUE_FATAL(value.is_object);
    CU_ASSERT_EQUAL(value.object.object, 0);
    CU_ASSERT_EQUAL_FATAL(value.object.size, size);
    char *bytes = malloc(size);
    data_get(value.object.place, bytes, size);
    for (size_t i = 0; i + 1 < size; i++) {
        if (bytes[i] != letter) {
            CU_FAIL("another letter");
            break;
        }
    }
    CU_ASSERT_EQUAL(bytes[size - 1], type == HAY_STRING ? 0 : letter);
    free(bytes);
    hayi_store_drop(bed.store, value.object.place);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void large_result_is_an_object(void)
{
    run(returns_bytes);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    expect_letters(HAY_BYTES, BIG, 'b');
    run(returns_string);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    expect_letters(HAY_STRING, BIG, 's');
    run(allocates);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    expect_letters(HAY_BYTES, BIG, 'a');
}

static void small_result_travels_in_the_report(void)
{
    run(returns_inline_max);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_FALSE(data_result().is_object);
    CU_ASSERT_EQUAL(data_result().size, HAY_INLINE_MAX);
    run(allocates_small);
    CU_ASSERT_NSTRING_EQUAL(data_result().data, "small", 5);
    run(allocates_small_array);
    CU_ASSERT_EQUAL(data_result().type, HAY_ARRAY);
    CU_ASSERT_EQUAL(((const int32_t *)data_result().data)[2], 9);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void array_is_made_in_place(void)
{
    double values[5000];
    run(allocates_array);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    struct hayi_value value = data_result();
    CU_ASSERT_TRUE_FATAL(value.is_object);
    CU_ASSERT_EQUAL(value.type, HAY_ARRAY);
    CU_ASSERT_EQUAL(value.array.dtype, HAY_F64);
    CU_ASSERT_EQUAL(value.array.ndim, 2);
    CU_ASSERT_EQUAL(value.array.shape[0], 100);
    CU_ASSERT_EQUAL(value.array.shape[1], 50);
    data_get(value.object.place, values, sizeof(values));
    CU_ASSERT_EQUAL(values[4999], 4999);
}

static void last_result_counts_and_the_first_is_gone(void)
{
    run(returns_twice);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    expect_letters(HAY_BYTES, BIG / 2, 'x');
    run(returns_big_then_small);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_result().type, HAY_DOUBLE);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void result_is_made_of_the_one_that_it_replaces(void)
{
    run(allocates_then_shapes);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL_FATAL(data_result().type, HAY_ARRAY);
    for (int i = 0; i < 64; i++) {
        CU_ASSERT_EQUAL(((const char *)data_result().data)[i], i);
    }
    run(allocates_then_cuts);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL_FATAL(data_result().size, 7);
    CU_ASSERT_NSTRING_EQUAL(data_result().data, "the end", 7);
}

static void failed_task_leaves_nothing_in_the_store(void)
{
    run(fails_with_a_result);
    data_expect(HAYI_OUTCOME_FAILED, "not today");
    CU_ASSERT_EQUAL(bed.task->result.size, 0);
    CU_ASSERT_EQUAL(data_objects(), 0);
    run(returns_several_and_fails);
    data_expect(HAYI_OUTCOME_FAILED, "HAY_EIO");
    CU_ASSERT_EQUAL(bed.task->result.size, 0);
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void array_that_cannot_be_is_refused(void)
{
    run(returns_no_array);
    data_expect(HAYI_OUTCOME_FAILED, "dimensions");
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void no_room_for_a_result_is_the_farms_failure(void)
{
    data_teardown();
    data_open(DATA_LIMIT, ""); /* nowhere to spill to */
    run(returns_too_much);
    CU_ASSERT_EQUAL(bed.task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT(strlen(bed.task->error.text) > 0);
    run(returns_too_much_and_goes_on);
    CU_ASSERT_EQUAL(bed.task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT(strlen(bed.task->error.text) > 0);
    CU_ASSERT_EQUAL(bed.task->result.size, 0);
    run(returns_less_then);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_objects(), 0);
}

static void result_of_a_task_that_is_thrown_away_is_abandoned(void)
{
    run(returns_bytes);
    hayi_place sealed = data_result().object.place;
    /* As if it had been in the middle of it. */
    hay_task_fn unused = returns_bytes;
    CU_ASSERT_EQUAL(unused(bed.task), HAY_OK);
    CU_ASSERT_EQUAL(data_objects(), 2);
    hayi_task_free(bed.task);
    bed.task = NULL;
    CU_ASSERT_EQUAL(data_objects(), 1);
    hayi_store_drop(bed.store, sealed);
}

/* ---- several ---- */

static void several_results_are_a_list(void)
{
    struct hayi_value list;
    struct hayi_value one;
    run(returns_several);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    list = data_result();
    CU_ASSERT_EQUAL_FATAL(list.type, HAY_LIST);
    CU_ASSERT_EQUAL_FATAL(list.count, 4);
    CU_ASSERT_TRUE(hayi_list_get(&list, 0, &one));
    CU_ASSERT_EQUAL(one.type, HAY_DOUBLE);
    CU_ASSERT_TRUE(hayi_list_get(&list, 1, &one));
    CU_ASSERT_EQUAL(one.type, HAY_NONE);
    CU_ASSERT_TRUE(hayi_list_get(&list, 2, &one));
    CU_ASSERT_EQUAL(one.type, HAY_BYTES);
    CU_ASSERT_TRUE_FATAL(one.is_object);
    char *bytes = malloc(BIG);
    data_get(one.object.place, bytes, BIG);
    CU_ASSERT_EQUAL(bytes[BIG - 1], 'p');
    free(bytes);
    CU_ASSERT_TRUE(hayi_list_get(&list, 3, &one));
    CU_ASSERT_STRING_EQUAL(one.data, "end");
    CU_ASSERT_EQUAL(data_objects(), 1);
}

static void wrong_numbers_of_results_are_refused(void)
{
    run(counts_wrongly);
    data_expect(HAYI_OUTCOME_FAILED, "no result 2 (it has 2)");
}

static void very_many_results_fit_into_one_report(void)
{
    run(returns_very_many);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_result().count, 65536);
    CU_ASSERT(bed.task->result.size < HAYI_RECORD_MAX);
    run(returns_too_many_for_a_report);
    data_expect(HAYI_OUTCOME_FINISHED, "");
    CU_ASSERT_EQUAL(data_result().count, 3000);
    CU_ASSERT(bed.task->result.size < ((size_t)9 << 20));
    CU_ASSERT(data_objects() > 0);
}

static CU_TestInfo tests[] = {
    {"large_result_is_an_object", large_result_is_an_object},
    {"small_result_travels_in_the_report", small_result_travels_in_the_report},
    {"array_is_made_in_place", array_is_made_in_place},
    {"last_result_counts_and_the_first_is_gone",
     last_result_counts_and_the_first_is_gone},
    {"result_is_made_of_the_one_that_it_replaces",
     result_is_made_of_the_one_that_it_replaces},
    {"failed_task_leaves_nothing_in_the_store",
     failed_task_leaves_nothing_in_the_store},
    {"array_that_cannot_be_is_refused", array_that_cannot_be_is_refused},
    {"no_room_for_a_result_is_the_farms_failure",
     no_room_for_a_result_is_the_farms_failure},
    {"result_of_a_task_that_is_thrown_away_is_abandoned",
     result_of_a_task_that_is_thrown_away_is_abandoned},
    {"several_results_are_a_list", several_results_are_a_list},
    {"wrong_numbers_of_results_are_refused",
     wrong_numbers_of_results_are_refused},
    {"very_many_results_fit_into_one_report",
     very_many_results_fit_into_one_report},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/results",
     data_setup_suite,
     NULL,
     data_setup,
     data_teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
