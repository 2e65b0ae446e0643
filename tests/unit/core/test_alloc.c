/* test_alloc.c - growing lists, and failing on demand. */
#include "config.h"

#include "core/alloc.h"
#include "support/unit.h"

#include <stdlib.h>

static void teardown(void)
{
    hayi_alloc_fail_at(0);
}

static void grown_room_is_zeroed_and_keeps_what_was_there(void)
{
    void *list = NULL;
    size_t room = 0;
    CU_ASSERT_TRUE(hayi_alloc_grow(&list, &room, 3, sizeof(int)));
    CU_ASSERT(room >= 3);
    ((int *)list)[2] = 7;
    size_t before = room;
    CU_ASSERT_TRUE(hayi_alloc_grow(&list, &room, room + 1, sizeof(int)));
    CU_ASSERT_EQUAL(room, 2 * before);
    CU_ASSERT_EQUAL(((int *)list)[2], 7);
    for (size_t i = before; i < room; i++) {
        CU_ASSERT_EQUAL(((int *)list)[i], 0);
    }
    free(list);
}

static void failed_growth_changes_nothing(void)
{
    void *list = NULL;
    size_t room = 0;
    CU_ASSERT_TRUE(hayi_alloc_grow(&list, &room, 3, sizeof(int)));
    void *before = list;
    hayi_alloc_fail_at(1);
    CU_ASSERT_FALSE(hayi_alloc_grow(&list, &room, 1000, sizeof(int)));
    CU_ASSERT_PTR_EQUAL(list, before);
    CU_ASSERT(room < 1000);
    CU_ASSERT_FALSE(hayi_alloc_grow(&list, &room, SIZE_MAX, sizeof(int)));
    free(list);
}

static void only_the_nth_allocation_fails(void)
{
    hayi_alloc_fail_at(2);
    void *a = hayi_alloc(1, 8);
    CU_ASSERT_PTR_NOT_NULL(a);
    CU_ASSERT_PTR_NULL(hayi_alloc(1, 8));
    void *b = hayi_alloc(1, 8);
    CU_ASSERT_PTR_NOT_NULL(b);
    CU_ASSERT_EQUAL(hayi_alloc_count(), 3);
    free(a);
    free(b);
}

static CU_TestInfo tests[] = {
    {"grown_room_is_zeroed_and_keeps_what_was_there",
     grown_room_is_zeroed_and_keeps_what_was_there},
    {"failed_growth_changes_nothing", failed_growth_changes_nothing},
    {"only_the_nth_allocation_fails", only_the_nth_allocation_fails},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/alloc", NULL, NULL, NULL, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
