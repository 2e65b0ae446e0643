/* test_fetches.c - records of fetches, their numbers and lines. */
#include "config.h"

#include "core/alloc.h"
#include "core/fetches.h"
#include "support/unit.h"

static struct hayi_table table;
static struct hayi_workers workers;
static struct hayi_cargos cargos;
static struct hayi_nodes nodes;
static struct hayi_objects objects;
static struct hayi_fetches fetches;
static uint32_t thing;

static void setup(void)
{
    hayi_table_init(&table);
    hayi_cargos_init(&cargos);
    hayi_objects_init(&objects);
    CU_ASSERT_EQUAL(hayi_workers_init(&workers, &table, 1, 0), HAY_OK);
    CU_ASSERT_EQUAL(hayi_nodes_init(&nodes, &cargos, &workers, 8, 0, 0),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_fetches_init(&fetches, &objects, &nodes), HAY_OK);
    CU_ASSERT_EQUAL(hayi_objects_reserve(&objects, 1, 1, 0), HAY_OK);
    thing = hayi_objects_take(&objects);
    hayi_object_at(&objects, thing)->bytes = 100;
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_fetches_fini(&fetches);
    hayi_nodes_fini(&nodes);
    hayi_objects_fini(&objects);
    hayi_cargos_fini(&cargos);
    hayi_workers_fini(&workers);
    hayi_table_fini(&table);
}

static uint32_t add(uint32_t to)
{
    CU_ASSERT_EQUAL(hayi_fetches_reserve(&fetches, 1), HAY_OK);
    return hayi_fetches_add(&fetches, thing, to);
}

static void a_fetch_is_found_by_object_and_node(void)
{
    uint32_t a = add(1);
    uint32_t b = add(2);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 1), a);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 2), b);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 3), 0);
    CU_ASSERT_EQUAL(nodes.list[1].incoming_bytes, 100);
    hayi_fetches_check(&fetches);
    hayi_fetches_end(&fetches, a);
    hayi_fetches_check(&fetches);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 1), 0);
    CU_ASSERT_EQUAL(nodes.list[1].incoming_bytes, 0);
}

static void a_number_is_not_used_twice(void)
{
    uint32_t last = 0;
    for (int i = 0; i < 3000; i++) {
        uint32_t fetch = add(1);
        hayi_fetches_fly(&fetches, fetch, 0, 1);
        uint32_t number = hayi_fetch_at(&fetches, fetch)->number;
        CU_ASSERT_TRUE(number > last);
        CU_ASSERT_EQUAL(hayi_fetches_number(&fetches, number), fetch);
        last = number;
        hayi_fetches_end(&fetches, fetch);
        CU_ASSERT_EQUAL(hayi_fetches_number(&fetches, number), 0);
    }
    fetches.number = UINT32_MAX;
    uint32_t fetch = add(1);
    hayi_fetches_fly(&fetches, fetch, 0, 1);
    CU_ASSERT_NOT_EQUAL(hayi_fetch_at(&fetches, fetch)->number, 0);
    hayi_fetches_check(&fetches);
}

static void a_stray_fetch_is_nobodys(void)
{
    uint32_t fetch = add(1);
    hayi_fetches_fly(&fetches, fetch, 2, 7);
    CU_ASSERT_EQUAL(nodes.list[2].sends, 1);
    CU_ASSERT_EQUAL(nodes.list[1].receives, 1);
    hayi_fetches_stray(&fetches, fetch);
    hayi_fetches_check(&fetches);
    CU_ASSERT_EQUAL(nodes.list[2].sends, 0);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 1), 0);
    CU_ASSERT_EQUAL(hayi_object_at(&objects, thing)->flying, 0);
    CU_ASSERT_EQUAL(fetches.flying, 1);
    uint32_t again = add(1);
    hayi_fetches_check(&fetches);
    hayi_fetches_end(&fetches, fetch);
    hayi_fetches_end(&fetches, again);
    hayi_fetches_check(&fetches);
    CU_ASSERT_EQUAL(fetches.live, 0);
}

static void lines_are_first_come_first_served(void)
{
    uint32_t a = add(1);
    uint32_t b = add(2);
    uint32_t c = add(3);
    hayi_fetches_line_up(&fetches, a, 5, true);
    hayi_fetches_line_up(&fetches, b, 5, true);
    hayi_fetches_line_up(&fetches, c, 5, true);
    hayi_fetches_check(&fetches);
    hayi_fetches_step_out(&fetches, b);
    CU_ASSERT_EQUAL(nodes.list[5].send_line.first, a);
    hayi_fetches_end(&fetches, a);
    CU_ASSERT_EQUAL(nodes.list[5].send_line.first, c);
    CU_ASSERT_EQUAL(nodes.list[5].send_line.count, 1);
    hayi_fetches_line_up(&fetches, b, 2, false);
    hayi_fetches_check(&fetches);
    CU_ASSERT_EQUAL(nodes.list[2].receive_line.first, b);
}

static void a_grounded_fetch_may_fly_again(void)
{
    uint32_t fetch = add(1);
    hayi_fetches_fly(&fetches, fetch, 2, 7);
    hayi_fetches_ground(&fetches, fetch);
    hayi_fetches_check(&fetches);
    CU_ASSERT_EQUAL(hayi_fetches_find(&fetches, thing, 1), fetch);
    hayi_fetches_fly(&fetches, fetch, 3, 8);
    CU_ASSERT_EQUAL(nodes.list[3].sends, 1);
    hayi_fetches_check(&fetches);
}

static CU_TestInfo tests[] = {
    {"a_fetch_is_found_by_object_and_node",
     a_fetch_is_found_by_object_and_node},
    {"a_number_is_not_used_twice", a_number_is_not_used_twice},
    {"a_stray_fetch_is_nobodys", a_stray_fetch_is_nobodys},
    {"lines_are_first_come_first_served", lines_are_first_come_first_served},
    {"a_grounded_fetch_may_fly_again", a_grounded_fetch_may_fly_again},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/fetches", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
