/* test_gpus.c - gpus dealt and shared. */
#include "config.h"

#include "core/alloc.h"
#include "core/gpus.h"
#include "support/unit.h"

#define ONE HAYI_AMOUNT_ONE

static struct hayi_gpus gpus;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_gpus_init(&gpus, 3), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_gpus_join(&gpus, 0, 4), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_gpus_join(&gpus, 1, HAYI_GPU_MAX), HAY_OK);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_gpus_check(&gpus);
    hayi_gpus_fini(&gpus);
}

static void whole_ones_are_for_one_task(void)
{
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, 2 * ONE), 3);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE), 4);
    CU_ASSERT_FALSE(hayi_gpus_fit(&gpus, 0, 2 * ONE));
    CU_ASSERT_TRUE(hayi_gpus_meet(&gpus, 0, 4 * ONE));
    CU_ASSERT_FALSE(hayi_gpus_meet(&gpus, 0, 5 * ONE));
    CU_ASSERT_EQUAL(hayi_gpus_busy(&gpus, 0), 3);
    hayi_gpus_give(&gpus, 0, 2 * ONE, 3);
    CU_ASSERT_EQUAL(hayi_gpus_busy(&gpus, 0), 1);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, 2 * ONE), 3);
}

static void neighbours_are_preferred(void)
{
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE), 1);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE), 2);
    hayi_gpus_give(&gpus, 0, ONE, 1);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, 2 * ONE), 12);
    hayi_gpus_give(&gpus, 0, 2 * ONE, 12);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, 3 * ONE), 13);
}

static void shares_fill_one_gpu_first(void)
{
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE / 2), 1);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE * 7 / 10), 2);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE / 4), 2);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE / 2), 1);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, ONE / 10), 4);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 0, 1), 2);
    CU_ASSERT_EQUAL(hayi_gpus_busy(&gpus, 0), 3);
    CU_ASSERT_FALSE(hayi_gpus_fit(&gpus, 0, 2 * ONE));
    CU_ASSERT_TRUE(hayi_gpus_fit(&gpus, 0, ONE));
    hayi_gpus_give(&gpus, 0, ONE / 10, 4);
    CU_ASSERT_TRUE(hayi_gpus_fit(&gpus, 0, 2 * ONE));
}

static void sixty_four_can_be_dealt_at_once(void)
{
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 1, 64 * ONE), UINT64_MAX);
    CU_ASSERT_FALSE(hayi_gpus_fit(&gpus, 1, 1));
    hayi_gpus_give(&gpus, 1, 64 * ONE, UINT64_MAX);
    CU_ASSERT_EQUAL(hayi_gpus_busy(&gpus, 1), 0);
}

static void who_has_none_deals_none(void)
{
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 2, 0), 0);
    CU_ASSERT_FALSE(hayi_gpus_fit(&gpus, 2, 1));
    CU_ASSERT_FALSE(hayi_gpus_meet(&gpus, 2, 1));
}

static void short_memory_changes_nothing(void)
{
    hayi_alloc_fail_at(1);
    CU_ASSERT_EQUAL(hayi_gpus_join(&gpus, 2, 1), HAY_ENOMEM);
    CU_ASSERT_FALSE(hayi_gpus_meet(&gpus, 2, 1));
    CU_ASSERT_EQUAL(hayi_gpus_join(&gpus, 2, 1), HAY_OK);
    CU_ASSERT_EQUAL(hayi_gpus_deal(&gpus, 2, ONE), 1);
}

static CU_TestInfo tests[] = {
    {"whole_ones_are_for_one_task", whole_ones_are_for_one_task},
    {"neighbours_are_preferred", neighbours_are_preferred},
    {"shares_fill_one_gpu_first", shares_fill_one_gpu_first},
    {"sixty_four_can_be_dealt_at_once", sixty_four_can_be_dealt_at_once},
    {"who_has_none_deals_none", who_has_none_deals_none},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/gpus", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
