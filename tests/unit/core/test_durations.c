/* test_durations.c - what is learned of durations. */
#include "config.h"

#include "core/alloc.h"
#include "core/durations.h"
#include "support/unit.h"

static struct hayi_durations durations;

static void setup(void)
{
    hayi_durations_init(&durations);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_durations_fini(&durations);
}

static void learn(uint32_t category, uint64_t run_ns, int times)
{
    CU_ASSERT_EQUAL(hayi_durations_reserve(&durations, category), HAY_OK);
    for (int i = 0; i < times; i++) {
        hayi_durations_learn(&durations, category, run_ns);
    }
}

static void nothing_is_known_at_first(void)
{
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 7), 0);
    CU_ASSERT_EQUAL(hayi_durations_quantile_ns(&durations, 7, 500), 0);
    CU_ASSERT_EQUAL(hayi_durations_reserve(&durations, 7), HAY_OK);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 7), 0);
}

static void mean_of_equal_ones_is_exact(void)
{
    learn(0, 12345, 100);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 0), 12345);
    learn(1, 0, 3);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 1), 1);
}

static void mean_follows_a_change(void)
{
    learn(0, 1000, 1000);
    learn(0, 100000, 100);
    CU_ASSERT(hayi_durations_expected_ns(&durations, 0) > 95000);
}

static void categories_are_apart(void)
{
    learn(3, 100, 5);
    learn(4, 900, 5);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 3), 100);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 4), 900);
}

static void categories_beyond_the_limit_share_one(void)
{
    learn(HAYI_DURATIONS_MAX + 5, 100, 5);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, UINT32_MAX), 100);
}

static void quantiles_are_within_half_an_octave(void)
{
    for (uint64_t ns = 1; ns <= 100000; ns++) {
        learn(0, ns, 1);
    }
    for (uint32_t permille = 10; permille < 1000; permille += 10) {
        uint64_t got = hayi_durations_quantile_ns(&durations, 0, permille);
        CU_ASSERT(got >= 100 * permille);
        CU_ASSERT(got <= 150 * permille + 2);
    }
}

static void extremes_do_no_harm(void)
{
    learn(0, UINT64_MAX, 100);
    learn(0, 0, 1);
    CU_ASSERT(hayi_durations_expected_ns(&durations, 0) > 0);
    CU_ASSERT(hayi_durations_quantile_ns(&durations, 0, 1000) > 0);
}

static void short_memory_leaves_them_whole(void)
{
    for (uint64_t n = 1; n <= 2; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_durations_reserve(&durations, 9), HAY_ENOMEM);
    }
    hayi_alloc_fail_at(0);
    learn(9, 5, 1);
    CU_ASSERT_EQUAL(hayi_durations_expected_ns(&durations, 9), 5);
}

static CU_TestInfo tests[] = {
    {"nothing_is_known_at_first", nothing_is_known_at_first},
    {"mean_of_equal_ones_is_exact", mean_of_equal_ones_is_exact},
    {"mean_follows_a_change", mean_follows_a_change},
    {"categories_are_apart", categories_are_apart},
    {"categories_beyond_the_limit_share_one",
     categories_beyond_the_limit_share_one},
    {"quantiles_are_within_half_an_octave",
     quantiles_are_within_half_an_octave},
    {"extremes_do_no_harm", extremes_do_no_harm},
    {"short_memory_leaves_them_whole", short_memory_leaves_them_whole},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/durations", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
