/* test_map.c - maps: what is refused, progress, failures, iterators. */
#include "config.h"

#include "client/map.h"
#include "fake_manager.h"
#include "support/unit.h"

#include <string.h>

HAY_MAP_TASK(twice, int32_t, double)
{
    *out = 2 * *in;
    return HAY_OK;
}

HAY_MAP_TASK(indexed, uint64_t, double)
{
    *out = (double)*in;
    return HAY_OK;
}

static hay_status silent(hay_task *task, hay_map_range *range)
{
    (void)task, (void)range;
    return HAY_OK;
}

static hay_status stranger(hay_task *task, hay_map_range *range)
{
    (void)task, (void)range;
    return HAY_OK;
}

static struct fake fake;
static int32_t in[100];
static double out[100];

static void setup(void)
{
    static bool registered;
    if (!registered) {
        hay_register_map("silent", silent, 0, 0);
        registered = true;
    }
    fake_open(&fake, NULL, false);
}

static void teardown(void)
{
    fake_close(&fake);
}

static hay_future *map_of(uint64_t n, uint64_t unread_max)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.name = "all";
    options.unread_max = unread_max;
    CU_ASSERT_EQUAL_FATAL(hay_map(fake.ex, twice, &options, in, n, out, &map),
                          HAY_OK);
    return map;
}

static void a_map_arrives_as_it_was_submitted(void)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    struct hayi_map_view view;
    hay_future *map = NULL;
    options.priority = 3;
    options.stop_on_failure = true;
    options.first = 1000;
    options.range_max = 5;
    options.user = out;
    CU_ASSERT_EQUAL(hay_map(fake.ex, indexed, &options, NULL, 100, out, &map),
                    HAY_OK);
    hayi_map_get_view(map, &view);
    CU_ASSERT_PTR_NULL(view.in);
    CU_ASSERT_PTR_EQUAL(view.out, out);
    CU_ASSERT(view.in_size == 8 && view.out_size == 8 && view.count == 100);
    CU_ASSERT(view.first_index == 1000 && view.range_max == 5);
    CU_ASSERT_TRUE(view.stop_on_failure);
    CU_ASSERT_EQUAL(map->spec->kind, HAYI_TASK_MAP);
    CU_ASSERT_EQUAL(map->spec->priority, 3);
    CU_ASSERT_PTR_EQUAL(hay_future_user(map), out);
    hay_future_release(map);
}

static hay_status
try_map(hay_map_fn function, const void *from, uint64_t n, void *to)
{
    hay_future *map = NULL;
    hay_status st = hay_map(fake.ex, function, NULL, from, n, to, &map);
    hay_future_release(map);
    return st;
}

static void wrong_maps_are_refused(void)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    CU_ASSERT_EQUAL(try_map(stranger, in, 1, out), HAY_EINVAL);
    CU_ASSERT_EQUAL(try_map(twice, NULL, 1, out), HAY_EINVAL);
    CU_ASSERT_EQUAL(try_map(twice, in, 1, NULL), HAY_EINVAL);
    CU_ASSERT_EQUAL(try_map(silent, in, 1, out), HAY_EINVAL);
    CU_ASSERT_EQUAL(try_map(twice, in, UINT64_MAX, out), HAY_EINVAL);
    CU_ASSERT_EQUAL(try_map(twice, in, UINT64_C(1) << 62, out), HAY_EINVAL);
    options.size = 3;
    CU_ASSERT_EQUAL(hay_map(fake.ex, twice, &options, in, 1, out, NULL),
                    HAY_EINVAL);
    hay_map_options_init(&options);
    options.first = UINT64_MAX;
    CU_ASSERT_EQUAL(hay_map(fake.ex, indexed, &options, NULL, 5, out, NULL),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_map(fake.ex, twice, &options, in, 5, out, NULL),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_map(NULL, twice, NULL, in, 5, out, NULL), HAY_EINVAL);
    CU_ASSERT_EQUAL(fake.submits, 0);
}

static void any_number_of_items_is_fine(void)
{
    CU_ASSERT_EQUAL(try_map(twice, NULL, 0, NULL), HAY_OK);
    CU_ASSERT_EQUAL(try_map(silent, NULL, UINT64_C(1) << 63, NULL), HAY_OK);
}

static void progress_counts_items(void)
{
    uint64_t done = 7;
    uint64_t failed = 7;
    const hay_map_failure no = {12, HAY_ETASK, 0, "no"};
    hay_future *task = NULL;
    hay_future *map = map_of(100, 0);
    CU_ASSERT_EQUAL(hay_map_progress(map, &done, &failed), HAY_OK);
    CU_ASSERT(done == 0 && failed == 0);
    fake_range(&fake, map, 10, 20, &no, 1);
    CU_ASSERT_EQUAL(hay_map_progress(map, &done, &failed), HAY_OK);
    CU_ASSERT(done == 20 && failed == 1);
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 0, 0, NULL, &task), HAY_OK);
    CU_ASSERT_EQUAL(hay_map_progress(task, &done, NULL), HAY_EINVAL);
    hay_future_release(task);
    hay_future_release(map);
}

static void failures_are_sorted_and_stay_borrowed(void)
{
    const hay_map_failure first[2] = {{50, HAY_ETASK, 3, "fifty"},
                                      {51, HAY_ETASK, 4, ""}};
    const hay_map_failure second[1] = {{5, HAY_ETASK, 9, "five"}};
    const hay_map_failure *list = NULL;
    const hay_map_failure *later = NULL;
    size_t count = 9;
    double d = 0;
    hay_future *map = map_of(100, 0);
    CU_ASSERT_EQUAL(hay_map_failures(map, &list, &count), HAY_OK);
    CU_ASSERT_EQUAL(count, 0);
    fake_range(&fake, map, 50, 10, first, 2);
    CU_ASSERT_EQUAL(hay_map_failures(map, &list, &count), HAY_OK);
    CU_ASSERT_EQUAL(count, 2);
    fake_range(&fake, map, 0, 10, second, 1);
    CU_ASSERT_EQUAL(hay_map_failures(map, &later, &count), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(count, 3);
    CU_ASSERT(later[0].index == 5 && later[1].index == 50
              && later[2].index == 51);
    CU_ASSERT_STRING_EQUAL(later[0].text, "five");
    CU_ASSERT_STRING_EQUAL(later[2].text, "");
    CU_ASSERT_EQUAL(later[0].code, 9);
    CU_ASSERT_STRING_EQUAL(list[0].text, "fifty");
    const struct hayi_result failed = {.status = HAY_ETASK};
    fake_end(&fake, map, HAY_FAILED, &failed, NULL);
    CU_ASSERT_EQUAL(hay_result_double(map, 0, &d), HAY_ETASK);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "map 1 (all) failed: 3 of 100 items failed, first "
                           "item 5: five");
    hay_future_release(map);
}

static void only_so_many_failures_have_words(void)
{
    const hay_map_failure *list = NULL;
    size_t count = 0;
    hay_future *map = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hay_map(fake.ex, silent, NULL, NULL, 20000, NULL, &map), HAY_OK);
    for (uint64_t i = 0; i < 20000; i++) {
        const hay_map_failure one = {i, HAY_ETASK, 0, "x"};
        fake_range(&fake, map, i, 1, &one, 1);
    }
    CU_ASSERT_EQUAL(hay_map_failures(map, &list, &count), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(count, 20000);
    CU_ASSERT_STRING_EQUAL(list[9999].text, "x");
    CU_ASSERT_STRING_EQUAL(list[10000].text, "");
    hay_future_release(map);
}

/* ---- iterators
 * ---------------------------------------------------------------------- */

static void expect(hay_map_iter *it, uint64_t first, uint64_t count)
{
    for (uint64_t i = first; i < first + count; i++) {
        uint64_t index = UINT64_MAX;
        CU_ASSERT_EQUAL(hay_map_iter_next(it, 0, &index), HAY_OK);
        CU_ASSERT_EQUAL(index, i);
    }
}

static void expect_status(hay_map_iter *it, hay_status status)
{
    uint64_t index = 0;
    CU_ASSERT_EQUAL(hay_map_iter_next(it, 0, &index), status);
}

static void ordered_items_come_in_order(void)
{
    hay_map_iter *it = NULL;
    hay_map_iter *second = NULL;
    hay_future *map = map_of(30, 0);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    CU_ASSERT_EQUAL(hay_map_iter_new(map, true, &second), HAY_EINVAL);
    expect_status(it, HAY_ETIMEDOUT);
    fake_range(&fake, map, 10, 10, NULL, 0);
    expect_status(it, HAY_ETIMEDOUT);
    fake_range(&fake, map, 0, 5, NULL, 0);
    expect(it, 0, 5);
    expect_status(it, HAY_ETIMEDOUT);
    fake_range(&fake, map, 5, 5, NULL, 0);
    expect(it, 5, 15);
    fake_range(&fake, map, 20, 10, NULL, 0);
    fake_finish(&fake, map);
    expect(it, 20, 10);
    expect_status(it, HAY_EEMPTY);
    expect_status(it, HAY_EEMPTY);
    hay_map_iter_free(it);
    CU_ASSERT_EQUAL(fake.cancels, 0);
    hay_future_release(map);
}

static void unordered_items_come_as_they_are_done(void)
{
    hay_map_iter *it = NULL;
    hay_future *map = map_of(30, 0);
    fake_range(&fake, map, 20, 5, NULL, 0); /* before the iterator */
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, false, &it), HAY_OK);
    expect(it, 20, 5);
    expect_status(it, HAY_ETIMEDOUT);
    fake_range(&fake, map, 25, 5, NULL, 0);
    fake_range(&fake, map, 10, 10, NULL, 0);
    fake_range(&fake, map, 0, 10, NULL, 0);
    fake_finish(&fake, map);
    expect(it, 25, 5);
    expect(it, 10, 10);
    expect(it, 0, 10);
    expect_status(it, HAY_EEMPTY);
    hay_map_iter_free(it);
    hay_future_release(map);
}

static void failed_items_are_told_and_passed(void)
{
    const hay_map_failure no = {1, HAY_ETASK, 0, "no peak"};
    uint64_t index = 9;
    hay_map_iter *it = NULL;
    hay_future *map = map_of(3, 0);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    fake_range(&fake, map, 0, 3, &no, 1);
    expect(it, 0, 1);
    CU_ASSERT_EQUAL(hay_map_iter_next(it, 0, &index), HAY_ETASK);
    CU_ASSERT_EQUAL(index, 1);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "item 1 failed: no peak");
    expect(it, 2, 1);
    const struct hayi_result failed = {.status = HAY_ETASK};
    fake_end(&fake, map, HAY_FAILED, &failed, NULL);
    expect_status(it, HAY_EEMPTY);
    hay_map_iter_free(it);
    hay_future_release(map);
}

static void items_that_never_ran_are_left_out(void)
{
    hay_map_iter *it = NULL;
    hay_future *map = map_of(30, 0);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    fake_range(&fake, map, 0, 2, NULL, 0);
    fake_range(&fake, map, 10, 2, NULL, 0);
    CU_ASSERT_EQUAL(hay_future_cancel(map, 0), HAY_OK);
    expect(it, 0, 2);
    expect(it, 10, 2);
    expect_status(it, HAY_ECANCELLED);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "map 1 (all) was cancelled");
    hay_map_iter_free(it);
    hay_future_release(map);
}

static void stopping_early_cancels_the_rest(void)
{
    hay_map_iter *it = NULL;
    hay_future *map = map_of(30, 0);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    fake_range(&fake, map, 0, 10, NULL, 0);
    expect(it, 0, 3);
    hay_map_iter_free(it);
    CU_ASSERT_EQUAL(hay_future_state(map), HAY_CANCELLED);
    CU_ASSERT_EQUAL(fake.cancels, 1);
    hay_map_iter_free(NULL);
    hay_future_release(map);
}

static void reading_is_told_by_quarters_of_the_bound(void)
{
    hay_map_iter *it = NULL;
    hay_future *map = map_of(100, 20);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    fake_range(&fake, map, 0, 20, NULL, 0);
    expect(it, 0, 5);
    CU_ASSERT_EQUAL(fake.reads, 0);
    expect(it, 5, 1);
    CU_ASSERT(fake.reads == 1 && fake.map_read == 6);
    expect(it, 6, 14);
    CU_ASSERT(fake.reads == 3 && fake.map_read == 18);
    expect_status(it, HAY_ETIMEDOUT); /* told before it would sleep */
    CU_ASSERT(fake.reads == 4 && fake.map_read == 20);
    expect_status(it, HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(fake.reads, 4);
    hay_map_iter_free(it);
    hay_future_release(map);
}

static void an_empty_map_has_no_items(void)
{
    hay_map_iter *it = NULL;
    hay_future *map = map_of(0, 0);
    fake_finish(&fake, map);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, true, &it), HAY_OK);
    expect_status(it, HAY_EEMPTY);
    hay_map_iter_free(it);
    CU_ASSERT_EQUAL(hay_result_type(map), HAY_NONE);
    hay_future_release(map);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(a_map_arrives_as_it_was_submitted),
    TEST(wrong_maps_are_refused),
    TEST(any_number_of_items_is_fine),
    TEST(progress_counts_items),
    TEST(failures_are_sorted_and_stay_borrowed),
    TEST(only_so_many_failures_have_words),
    TEST(ordered_items_come_in_order),
    TEST(unordered_items_come_as_they_are_done),
    TEST(failed_items_are_told_and_passed),
    TEST(items_that_never_ran_are_left_out),
    TEST(stopping_early_cancels_the_rest),
    TEST(reading_is_told_by_quarters_of_the_bound),
    TEST(an_empty_map_has_no_items),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/map", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
