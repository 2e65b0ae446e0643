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
        hayi_lease_take(&lease, 1, 0, &core);
        CU_ASSERT_EQUAL(core, i);
    }
    CU_ASSERT_EQUAL(lease.free_count, 0);
    core = 77;
    hayi_lease_give(&lease, &core, 1);
    core = 3;
    hayi_lease_give(&lease, &core, 1);
    hayi_lease_take(&lease, 1, 0, &core);
    CU_ASSERT_EQUAL(core, 3);
    hayi_lease_take(&lease, 1, 0, &core);
    CU_ASSERT_EQUAL(core, 77);
}

static void several_cores_are_neighbours_where_they_can_be(void)
{
    uint32_t all[CORES];
    uint32_t got[4] = {0};
    const uint32_t apart[] = {1, 10, 11, 63, 64, 65, 66, 129};

    hayi_lease_take(&lease, CORES, 0, all);
    hayi_lease_give(&lease, apart, 8);
    hayi_lease_take(&lease, 4, 0, got);
    CU_ASSERT_EQUAL(got[0], 63);
    CU_ASSERT_EQUAL(got[3], 66);
    hayi_lease_take(&lease, 3, 0, got);
    CU_ASSERT_EQUAL(got[0], 1);
    CU_ASSERT_EQUAL(got[1], 10);
    CU_ASSERT_EQUAL(got[2], 11);
    CU_ASSERT_TRUE(hayi_lease_is_free(&lease, 129));
    CU_ASSERT_FALSE(hayi_lease_is_free(&lease, 10));
}

static void all_cores_at_once_are_all_cores(void)
{
    uint32_t all[CORES];

    hayi_lease_take(&lease, CORES, 0, all);
    for (uint32_t i = 0; i < CORES; i++) {
        CU_ASSERT_EQUAL(all[i], i);
    }
    hayi_lease_give(&lease, all, CORES);
    CU_ASSERT_EQUAL(lease.free_count, CORES);
}

/* Nodes 0 and 1 have 40 cores each, in turns of 10; node 2 has the rest. */
static void know_nodes(void)
{
    uint32_t numa[CORES];
    for (uint32_t i = 0; i < CORES; i++) {
        numa[i] = i < 80 ? i / 10 % 2 : 2;
    }
    CU_ASSERT_EQUAL_FATAL(hayi_lease_set_numa(&lease, numa), HAY_OK);
}

static void cores_of_one_node_come_before_neighbours(void)
{
    uint32_t got[50] = {0};
    know_nodes();
    hayi_lease_take(&lease, 15, 0, got);
    for (uint32_t i = 0; i < 15; i++) { /* 0 to 9, 20 to 24 */
        CU_ASSERT_EQUAL(got[i], i < 10 ? i : i + 10);
    }
    /* 25 are left of node 0, 40 of node 1, 50 of node 2: just enough. */
    hayi_lease_take(&lease, 40, 0, got);
    CU_ASSERT_EQUAL(got[0], 10);
    CU_ASSERT_EQUAL(got[39], 79);
    hayi_lease_take(&lease, 30, 0, got);
    CU_ASSERT_EQUAL(got[0], 80);
    CU_ASSERT_EQUAL(got[29], 109);
}

static void cores_of_two_nodes_only_where_they_must(void)
{
    uint32_t got[60] = {0};
    uint32_t of_node_2 = 0;
    know_nodes();
    hayi_lease_take(&lease, 60, 0, got);
    for (uint32_t i = 0; i < 60; i++) {
        of_node_2 += got[i] >= 80;
        CU_ASSERT(i == 0 || got[i - 1] < got[i]);
    }
    CU_ASSERT_EQUAL(of_node_2, 50);
    CU_ASSERT_EQUAL(got[9], 9); /* the rest are neighbours of node 0 */
    CU_ASSERT_EQUAL(lease.free_count, CORES - 60);
}

static void wished_nodes_come_first(void)
{
    uint32_t core = 0;
    uint32_t got[45] = {0};
    know_nodes();
    hayi_lease_take(&lease, 1, hayi_lease_numa_bit(2), &core);
    CU_ASSERT_EQUAL(core, 80);
    hayi_lease_take(&lease, 1, hayi_lease_numa_bit(1), &core);
    CU_ASSERT_EQUAL(core, 10);
    hayi_lease_take(&lease, 1, hayi_lease_numa_bit(7), &core);
    CU_ASSERT_EQUAL(core, 11); /* nobody is there: just enough elsewhere */
    hayi_lease_take(&lease, 45, hayi_lease_numa_bit(1), got);
    uint32_t of_node_1 = 0;
    for (uint32_t i = 0; i < 45; i++) {
        of_node_1 += got[i] < 80 && got[i] / 10 % 2 == 1;
    }
    CU_ASSERT_EQUAL(of_node_1, 38);
    hayi_lease_give(&lease, got, 45);
    CU_ASSERT_EQUAL(lease.free_count, CORES - 3);
}

static CU_TestInfo tests[] = {
    {"single_cores_come_lowest_first", single_cores_come_lowest_first},
    {"several_cores_are_neighbours_where_they_can_be",
     several_cores_are_neighbours_where_they_can_be},
    {"all_cores_at_once_are_all_cores", all_cores_at_once_are_all_cores},
    {"cores_of_one_node_come_before_neighbours",
     cores_of_one_node_come_before_neighbours},
    {"cores_of_two_nodes_only_where_they_must",
     cores_of_two_nodes_only_where_they_must},
    {"wished_nodes_come_first", wished_nodes_come_first},
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
