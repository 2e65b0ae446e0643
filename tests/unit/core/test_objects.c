/* test_objects.c - rows of objects, replicas and wants. */
#include "config.h"

#include "core/alloc.h"
#include "core/objects.h"
#include "support/unit.h"

static struct hayi_objects objects;

static void setup(void)
{
    hayi_objects_init(&objects);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_objects_fini(&objects);
}

static uint32_t take(void)
{
    CU_ASSERT_EQUAL(hayi_objects_reserve(&objects, 1, 4, 4), HAY_OK);
    return hayi_objects_take(&objects);
}

static void a_handle_goes_stale_with_its_row(void)
{
    uint32_t index = take();
    hayi_object handle = hayi_objects_handle(&objects, index);
    CU_ASSERT_EQUAL(hayi_objects_find(&objects, handle), index);
    hayi_objects_give(&objects, index);
    CU_ASSERT_EQUAL(hayi_objects_find(&objects, handle), 0);
    CU_ASSERT_EQUAL(take(), index);
    CU_ASSERT_EQUAL(hayi_objects_find(&objects, handle), 0);
    CU_ASSERT_EQUAL(hayi_objects_find(&objects, 0), 0);
    CU_ASSERT_EQUAL(hayi_objects_find(&objects, 1000), 0);
}

static void replicas_are_found_by_node(void)
{
    uint32_t index = take();
    hayi_objects_put(&objects, index, 3, 30);
    hayi_objects_put(&objects, index, 5, 50);
    CU_ASSERT_EQUAL(hayi_objects_on(&objects, index, 3)->place, 30);
    CU_ASSERT_EQUAL(hayi_objects_on(&objects, index, 5)->place, 50);
    CU_ASSERT_PTR_NULL(hayi_objects_on(&objects, index, 4));
    hayi_objects_strike(&objects, index, 3);
    hayi_objects_strike(&objects, index, 4);
    CU_ASSERT_PTR_NULL(hayi_objects_on(&objects, index, 3));
    CU_ASSERT_EQUAL(hayi_object_at(&objects, index)->copies, 1);
    CU_ASSERT_EQUAL(objects.replica_live, 1);
}

static void places_that_nobody_knows_are_found(void)
{
    uint32_t a = take();
    uint32_t b = take();
    uint64_t places[] = {40, 10, 30, 20};
    CU_ASSERT_EQUAL(hayi_objects_reserve(&objects, 0, 3, 0), HAY_OK);
    hayi_objects_put(&objects, a, 1, 10);
    hayi_objects_put(&objects, b, 1, 40);
    hayi_objects_put(&objects, b, 2, 30); /* of another node */
    CU_ASSERT_EQUAL(hayi_objects_unknown(&objects, 1, places, 4), 2);
    CU_ASSERT_EQUAL(places[0], 20);
    CU_ASSERT_EQUAL(places[1], 30);
    CU_ASSERT_EQUAL(hayi_objects_unknown(&objects, 1, places, 0), 0);
}

static void wants_keep_their_order(void)
{
    uint32_t index = take();
    for (uint64_t i = 1; i <= 3; i++) {
        struct hayi_want want = {.cookie = i};
        hayi_objects_want(&objects, index, &want);
    }
    uint32_t *link = &hayi_object_at(&objects, index)->wants;
    CU_ASSERT_EQUAL(objects.wants[*link].cookie, 1);
    hayi_objects_unwant(&objects, link);
    CU_ASSERT_EQUAL(objects.wants[*link].cookie, 2);
    hayi_objects_unwant(&objects, &objects.wants[*link].next);
    CU_ASSERT_EQUAL(objects.wants[*link].cookie, 2);
    CU_ASSERT_EQUAL(objects.wants[*link].next, 0);
    CU_ASSERT_EQUAL(objects.want_live, 1);
}

static void touched_ones_come_out_once_in_order(void)
{
    uint32_t a = take();
    uint32_t b = take();
    hayi_objects_touch(&objects, b);
    hayi_objects_touch(&objects, a);
    hayi_objects_touch(&objects, b);
    CU_ASSERT_EQUAL(hayi_objects_pop(&objects), b);
    CU_ASSERT_EQUAL(hayi_objects_pop(&objects), a);
    CU_ASSERT_EQUAL(hayi_objects_pop(&objects), 0);
}

static void short_memory_changes_nothing(void)
{
    for (uint64_t n = 1; n <= 3; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_objects_reserve(&objects, 1000, 1000, 1000),
                        HAY_ENOMEM);
        hayi_objects_fini(&objects);
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(hayi_objects_reserve(&objects, 1000, 1000, 1000), HAY_OK);
    CU_ASSERT_TRUE(hayi_objects_bytes(&objects) > 0);
}

static CU_TestInfo tests[] = {
    {"a_handle_goes_stale_with_its_row", a_handle_goes_stale_with_its_row},
    {"replicas_are_found_by_node", replicas_are_found_by_node},
    {"places_that_nobody_knows_are_found", places_that_nobody_knows_are_found},
    {"wants_keep_their_order", wants_keep_their_order},
    {"touched_ones_come_out_once_in_order",
     touched_ones_come_out_once_in_order},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/objects", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
