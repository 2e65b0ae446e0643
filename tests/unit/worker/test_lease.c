/* test_lease.c - compact sets of free cores. */
#include "config.h"

#include "support/unit.h"
#include "worker/lease.h"

#define CORES 130u

static struct hayi_lease lease;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_lease_init(&lease, CORES), HAY_OK);
}

static void teardown(void)
{
    hayi_lease_fini(&lease);
}

static void single_cores_come_lowest_first(void)
{
    uint32_t core = 0;

    for (uint32_t i = 0; i < CORES; i++) {
        hayi_lease_take(&lease, 1, &core);
        CU_ASSERT_EQUAL(core, i);
    }
    CU_ASSERT_EQUAL(lease.free_count, 0);
    core = 77;
    hayi_lease_give(&lease, &core, 1);
    core = 3;
    hayi_lease_give(&lease, &core, 1);
    hayi_lease_take(&lease, 1, &core);
    CU_ASSERT_EQUAL(core, 3);
    hayi_lease_take(&lease, 1, &core);
    CU_ASSERT_EQUAL(core, 77);
}

static void several_cores_are_neighbours_where_they_can_be(void)
{
    uint32_t all[CORES];
    uint32_t got[4] = {0};
    const uint32_t apart[] = {1, 10, 11, 63, 64, 65, 66, 129};

    hayi_lease_take(&lease, CORES, all);
    hayi_lease_give(&lease, apart, 8);
    hayi_lease_take(&lease, 4, got);
    CU_ASSERT_EQUAL(got[0], 63);
    CU_ASSERT_EQUAL(got[3], 66);
    hayi_lease_take(&lease, 3, got);
    CU_ASSERT_EQUAL(got[0], 1);
    CU_ASSERT_EQUAL(got[1], 10);
    CU_ASSERT_EQUAL(got[2], 11);
    CU_ASSERT_TRUE(hayi_lease_is_free(&lease, 129));
    CU_ASSERT_FALSE(hayi_lease_is_free(&lease, 10));
}

static void all_cores_at_once_are_all_cores(void)
{
    uint32_t all[CORES];

    hayi_lease_take(&lease, CORES, all);
    for (uint32_t i = 0; i < CORES; i++) {
        CU_ASSERT_EQUAL(all[i], i);
    }
    hayi_lease_give(&lease, all, CORES);
    CU_ASSERT_EQUAL(lease.free_count, CORES);
}

static CU_TestInfo tests[] = {
    {"single_cores_come_lowest_first", single_cores_come_lowest_first},
    {"several_cores_are_neighbours_where_they_can_be",
     several_cores_are_neighbours_where_they_can_be},
    {"all_cores_at_once_are_all_cores", all_cores_at_once_are_all_cores},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/lease", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
