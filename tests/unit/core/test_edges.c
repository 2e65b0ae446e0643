/* test_edges.c - rings of edges in one pool. */
#include "config.h"

#include "core/alloc.h"
#include "core/edges.h"
#include "support/unit.h"

static struct hayi_edges edges;

static void setup(void)
{
    hayi_edges_init(&edges);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_edges_fini(&edges);
}

static void edges_come_out_in_order(void)
{
    uint32_t ring = 0;
    CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 100), HAY_OK);
    for (uint32_t i = 1; i <= 100; i++) {
        hayi_edges_add(&edges, &ring, i, i % 3 == 0);
    }
    CU_ASSERT_EQUAL(edges.live, 100);
    for (uint32_t i = 1; i <= 100; i++) {
        bool any = false;
        CU_ASSERT_EQUAL(hayi_edges_pop(&edges, &ring, &any), i);
        CU_ASSERT_EQUAL(any, i % 3 == 0);
    }
    CU_ASSERT_EQUAL(ring, 0);
    CU_ASSERT_EQUAL(edges.live, 0);
}

static void freed_edges_are_used_again(void)
{
    bool any = false;
    CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 1), HAY_OK);
    size_t bytes = hayi_edges_bytes(&edges);
    for (uint32_t i = 1; i < 3 * HAYI_EDGES_CHUNK; i++) {
        uint32_t ring = 0;
        CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 2), HAY_OK);
        hayi_edges_add(&edges, &ring, i, true);
        hayi_edges_add(&edges, &ring, i + 1, false);
        (void)hayi_edges_pop(&edges, &ring, &any);
        (void)hayi_edges_pop(&edges, &ring, &any);
    }
    CU_ASSERT_EQUAL(hayi_edges_bytes(&edges), bytes);
}

static void more_than_a_chunk_is_reserved_at_once(void)
{
    uint32_t ring = 0;
    CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 3 * HAYI_EDGES_CHUNK), HAY_OK);
    for (uint32_t i = 1; i <= 3 * HAYI_EDGES_CHUNK; i++) {
        hayi_edges_add(&edges, &ring, i, false);
    }
    CU_ASSERT_EQUAL(edges.live, 3 * HAYI_EDGES_CHUNK);
}

static void short_memory_leaves_the_pool_whole(void)
{
    for (uint64_t n = 1; n <= 2; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 1), HAY_ENOMEM);
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(hayi_edges_reserve(&edges, 1), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"edges_come_out_in_order", edges_come_out_in_order},
    {"freed_edges_are_used_again", freed_edges_are_used_again},
    {"more_than_a_chunk_is_reserved_at_once",
     more_than_a_chunk_is_reserved_at_once},
    {"short_memory_leaves_the_pool_whole", short_memory_leaves_the_pool_whole},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/edges", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
