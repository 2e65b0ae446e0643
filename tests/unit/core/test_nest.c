/* test_nest.c - the records of tasks in tasks. */
#include "config.h"

#include "core/alloc.h"
#include "core/nest.h"
#include "support/unit.h"

static struct hayi_table table;
static struct hayi_nest nest;

static void setup(void)
{
    hayi_table_init(&table);
    hayi_nest_init(&nest);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_nest_fini(&nest);
    hayi_table_fini(&table);
}

/* A row with a record, child of 'parent' (0: of nobody). */
static uint32_t add(uint32_t parent)
{
    CU_ASSERT_EQUAL(hayi_table_reserve(&table), HAY_OK);
    uint32_t next = hayi_table_next(&table);
    CU_ASSERT_EQUAL(hayi_nest_reserve(&nest, next), HAY_OK);
    uint32_t index = hayi_table_take(&table);
    CU_ASSERT_EQUAL(index, next);
    (void)hayi_nest_open(&nest, &table, index);
    if (parent != 0) {
        hayi_nest_adopt(&nest, parent, index);
    }
    return index;
}

static struct hayi_kin *kin(uint32_t index)
{
    return hayi_kin_at(&nest, index);
}

static void children_stand_in_the_order_in_which_they_came(void)
{
    uint32_t a = add(0);
    uint32_t b = add(a);
    uint32_t c = add(a);
    uint32_t d = add(a);
    CU_ASSERT_EQUAL(kin(a)->first, b);
    CU_ASSERT_EQUAL(kin(b)->next, c);
    CU_ASSERT_EQUAL(kin(c)->next, d);
    CU_ASSERT_EQUAL(kin(a)->last, d);
    hayi_nest_leave(&nest, c);
    CU_ASSERT_EQUAL(kin(b)->next, d);
    CU_ASSERT_EQUAL(kin(d)->prev, b);
    CU_ASSERT_EQUAL(kin(c)->parent, 0);
}

static void children_of_who_leaves_go_to_its_parent(void)
{
    uint32_t a = add(0);
    uint32_t b = add(a);
    uint32_t c = add(b);
    uint32_t d = add(b);
    hayi_nest_leave(&nest, b);
    CU_ASSERT_EQUAL(kin(a)->first, c);
    CU_ASSERT_EQUAL(kin(a)->last, d);
    CU_ASSERT_EQUAL(kin(d)->parent, a);
    hayi_nest_leave(&nest, a);
    CU_ASSERT_EQUAL(kin(c)->parent, 0);
    CU_ASSERT_EQUAL(kin(c)->next, 0);
}

static void suspended_ones_stand_in_their_order(void)
{
    uint32_t a = add(0);
    uint32_t b = add(0);
    uint32_t c = add(0);
    hayi_nest_wait(&nest, b);
    hayi_nest_wait(&nest, a);
    hayi_nest_wait(&nest, c);
    CU_ASSERT_EQUAL(nest.wait_first, b);
    hayi_nest_go_on(&nest, a);
    CU_ASSERT_EQUAL(kin(b)->wait_next, c);
    hayi_nest_go_on(&nest, b);
    CU_ASSERT_EQUAL(nest.wait_first, c);
    CU_ASSERT_EQUAL(nest.waiting, 1);
    hayi_nest_go_on(&nest, c);
    CU_ASSERT_EQUAL(nest.wait_first, 0);
    CU_ASSERT_EQUAL(nest.wait_last, 0);
}

static void who_is_killed_is_listed_once_for_each_force(void)
{
    uint32_t a = add(0);
    uint32_t b = add(0);
    hayi_nest_kill(&nest, a, false);
    hayi_nest_kill(&nest, b, false);
    hayi_nest_kill(&nest, a, false);
    CU_ASSERT_EQUAL(nest.kill_first, a);
    hayi_nest_spare(&nest, a);
    CU_ASSERT_EQUAL(nest.kill_first, b);
    hayi_nest_kill(&nest, a, false); /* it was looked at */
    CU_ASSERT_FALSE(kin(a)->kill_listed);
    hayi_nest_kill(&nest, a, true);
    CU_ASSERT_EQUAL(nest.kill_last, a);
    hayi_nest_spare(&nest, b);
    hayi_nest_spare(&nest, a);
    CU_ASSERT_EQUAL(nest.kill_first, 0);
}

static void claim_is_listed_once(void)
{
    uint32_t a = add(0);
    hayi_nest_claim(&nest, a);
    hayi_nest_claim(&nest, a);
    CU_ASSERT_EQUAL(hayi_nest_claim_pop(&nest), a);
    CU_ASSERT_EQUAL(nest.claim_first, 0);
}

static void records_cost_memory_only_where_they_are_needed(void)
{
    CU_ASSERT_EQUAL(hayi_nest_bytes(&nest), 0);
    CU_ASSERT_EQUAL(hayi_nest_reserve(&nest, 10 * HAYI_TABLE_CHUNK), HAY_OK);
    CU_ASSERT_EQUAL(nest.chunk_count, 1);
}

static void short_memory_is_told_and_harms_nothing(void)
{
    hayi_alloc_fail_at(1);
    CU_ASSERT_EQUAL(hayi_nest_reserve(&nest, 1), HAY_ENOMEM);
    hayi_alloc_fail_at(2);
    CU_ASSERT_EQUAL(hayi_nest_reserve(&nest, 1), HAY_ENOMEM);
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(hayi_nest_reserve(&nest, 1), HAY_OK);
    CU_ASSERT_EQUAL(nest.chunk_count, 1);
}

static CU_TestInfo tests[] = {
    {"children_stand_in_the_order_in_which_they_came",
     children_stand_in_the_order_in_which_they_came},
    {"children_of_who_leaves_go_to_its_parent",
     children_of_who_leaves_go_to_its_parent},
    {"suspended_ones_stand_in_their_order",
     suspended_ones_stand_in_their_order},
    {"who_is_killed_is_listed_once_for_each_force",
     who_is_killed_is_listed_once_for_each_force},
    {"claim_is_listed_once", claim_is_listed_once},
    {"records_cost_memory_only_where_they_are_needed",
     records_cost_memory_only_where_they_are_needed},
    {"short_memory_is_told_and_harms_nothing",
     short_memory_is_told_and_harms_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/nest", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
