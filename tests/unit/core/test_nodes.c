/* test_nodes.c - who lives on a node, and the tasks assigned to it. */
#include "config.h"

#include "core/alloc.h"
#include "core/nodes.h"
#include "support/unit.h"

static struct hayi_table table;
static struct hayi_workers workers;
static struct hayi_cargos cargos;
static struct hayi_nodes nodes;

static void setup(void)
{
    hayi_table_init(&table);
    hayi_cargos_init(&cargos);
    CU_ASSERT_EQUAL(hayi_workers_init(&workers, &table, 4, 0), HAY_OK);
    CU_ASSERT_EQUAL(hayi_nodes_init(&nodes, &cargos, &workers, 3, 0, 0),
                    HAY_OK);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_nodes_fini(&nodes);
    hayi_cargos_fini(&cargos);
    hayi_workers_fini(&workers);
    hayi_table_fini(&table);
}

static void join(uint32_t worker, uint32_t node, uint32_t cores)
{
    workers.list[worker].cores = cores;
    workers.list[worker].node = node;
    hayi_workers_join(&workers, worker);
    hayi_nodes_join(&nodes, worker);
    hayi_nodes_check(&nodes);
}

static uint32_t cargo(int32_t priority, uint64_t age)
{
    CU_ASSERT_EQUAL(hayi_cargos_reserve(&cargos), HAY_OK);
    uint32_t index = hayi_cargos_take(&cargos);
    struct hayi_cargo *c = hayi_cargo_at(&cargos, index);
    c->priority = priority;
    c->age = age;
    c->cores = 1;
    c->expected_ns = 1000;
    return index;
}

static void workers_take_turns(void)
{
    join(0, 1, 2);
    join(1, 1, 4);
    CU_ASSERT_EQUAL(hayi_nodes_mover(&nodes, 1), 0);
    CU_ASSERT_EQUAL(hayi_nodes_mover(&nodes, 1), 1);
    CU_ASSERT_EQUAL(hayi_nodes_mover(&nodes, 1), 0);
    CU_ASSERT_EQUAL(hayi_nodes_dropper(&nodes, 1), 0);
    CU_ASSERT_EQUAL(hayi_nodes_idle(&nodes, 1), 6);
    CU_ASSERT_EQUAL(hayi_nodes_mover(&nodes, 0), HAYI_MANAGER_SELF);
    CU_ASSERT_EQUAL(hayi_nodes_dropper(&nodes, 0), HAYI_MANAGER_SELF);
}

static void a_node_is_there_while_somebody_lives_on_it(void)
{
    CU_ASSERT_TRUE(hayi_nodes_there(&nodes, 0));
    CU_ASSERT_FALSE(hayi_nodes_there(&nodes, 1));
    CU_ASSERT_FALSE(hayi_nodes_there(&nodes, 3));
    join(0, 1, 2);
    join(1, 1, 2);
    hayi_workers_lose(&workers, 0);
    hayi_nodes_leave(&nodes, 0);
    hayi_nodes_check(&nodes);
    CU_ASSERT_TRUE(hayi_nodes_there(&nodes, 1));
    hayi_workers_lose(&workers, 1);
    hayi_nodes_leave(&nodes, 1);
    CU_ASSERT_FALSE(hayi_nodes_there(&nodes, 1));
    CU_ASSERT_EQUAL(nodes.live, 0);
}

static void assigned_ones_are_staged_by_priority_then_age(void)
{
    static const int32_t priority[] = {0, 5, 0, 5, 1};
    static const uint32_t order[] = {2, 4, 5, 1, 3};
    join(0, 1, 2);
    for (uint32_t i = 0; i < 5; i++) {
        uint32_t c = cargo(priority[i], i + 1);
        CU_ASSERT_EQUAL(hayi_nodes_reserve(&nodes, 1), HAY_OK);
        hayi_nodes_assign(&nodes, 1, c);
        hayi_nodes_check(&nodes);
    }
    CU_ASSERT_EQUAL(hayi_nodes_wait_ns(&nodes, 1, 1), 2500);
    for (uint32_t i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(nodes.list[1].heap[0], order[i]);
        hayi_nodes_stage(&nodes, nodes.list[1].heap[0]);
        hayi_nodes_check(&nodes);
    }
    CU_ASSERT_EQUAL(nodes.list[1].staged_count, 5);
}

static void any_of_them_can_be_detached(void)
{
    join(0, 1, 1);
    for (uint64_t i = 1; i <= 40; i++) {
        uint32_t c = cargo((int32_t)(i * 7 % 5), i);
        CU_ASSERT_EQUAL(hayi_nodes_reserve(&nodes, 1), HAY_OK);
        hayi_nodes_assign(&nodes, 1, c);
    }
    for (uint32_t i = 1; i <= 40; i++) {
        uint32_t c = i * 17 % 41;
        if (c % 3 == 0) {
            hayi_nodes_stage(&nodes, c);
        }
        hayi_nodes_detach(&nodes, c);
        hayi_nodes_check(&nodes);
    }
    CU_ASSERT_EQUAL(nodes.list[1].backlog_ns, 0);
    CU_ASSERT_EQUAL(cargos.assigned, 0);
}

static void a_node_without_idle_cores_makes_wait(void)
{
    join(0, 1, 2);
    CU_ASSERT_EQUAL(hayi_nodes_wait_ns(&nodes, 1, 2), 0);
    CU_ASSERT_EQUAL(hayi_nodes_wait_ns(&nodes, 2, 1), UINT64_MAX);
    uint32_t c = cargo(0, 1);
    CU_ASSERT_EQUAL(hayi_nodes_reserve(&nodes, 1), HAY_OK);
    hayi_nodes_assign(&nodes, 1, c);
    CU_ASSERT_EQUAL(hayi_nodes_wait_ns(&nodes, 1, 1), 0);
    CU_ASSERT_EQUAL(hayi_nodes_wait_ns(&nodes, 1, 2), 500);
}

static CU_TestInfo tests[] = {
    {"workers_take_turns", workers_take_turns},
    {"a_node_is_there_while_somebody_lives_on_it",
     a_node_is_there_while_somebody_lives_on_it},
    {"assigned_ones_are_staged_by_priority_then_age",
     assigned_ones_are_staged_by_priority_then_age},
    {"any_of_them_can_be_detached", any_of_them_can_be_detached},
    {"a_node_without_idle_cores_makes_wait",
     a_node_without_idle_cores_makes_wait},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/nodes", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
