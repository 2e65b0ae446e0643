/* test_table.c - rows, handles and generations. */
#include "config.h"

#include "core/alloc.h"
#include "core/table.h"
#include "support/unit.h"

static struct hayi_table table;

static void setup(void)
{
    hayi_table_init(&table);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_table_fini(&table);
}

static uint32_t take(void)
{
    CU_ASSERT_EQUAL(hayi_table_reserve(&table), HAY_OK);
    uint32_t index = hayi_table_take(&table);
    hayi_table_row(&table, index)->state = HAYI_ROW_PENDING;
    return index;
}

static void handle_is_never_zero_and_finds_its_row(void)
{
    uint32_t index = take();
    hayi_handle handle = hayi_table_handle(&table, index);
    CU_ASSERT_NOT_EQUAL(handle, 0);
    CU_ASSERT_EQUAL(hayi_table_find(&table, handle), index);
    CU_ASSERT_EQUAL(hayi_table_find(&table, 0), 0);
    CU_ASSERT_EQUAL(hayi_table_find(&table, UINT64_MAX), 0);
}

static void handle_of_an_earlier_task_is_stale(void)
{
    uint32_t index = take();
    hayi_handle handle = hayi_table_handle(&table, index);
    hayi_table_give(&table, index);
    CU_ASSERT_EQUAL(hayi_table_find(&table, handle), 0);
    CU_ASSERT_EQUAL(take(), index);
    CU_ASSERT_EQUAL(hayi_table_find(&table, handle), 0);
    CU_ASSERT_NOT_EQUAL(hayi_table_handle(&table, index), handle);
}

static void generations_leave_out_zero(void)
{
    uint32_t index = take();
    hayi_table_row(&table, index)->generation = UINT32_MAX;
    hayi_table_outdate(&table, index);
    CU_ASSERT_EQUAL(hayi_table_row(&table, index)->generation, 1);
}

static void rows_never_move(void)
{
    uint32_t first = take();
    const struct hayi_row *row = hayi_table_row(&table, first);
    for (uint32_t i = 0; i < 3 * HAYI_TABLE_CHUNK; i++) {
        (void)take();
    }
    CU_ASSERT_PTR_EQUAL(row, hayi_table_row(&table, first));
    CU_ASSERT_EQUAL(table.live, 3 * HAYI_TABLE_CHUNK + 1);
}

static void short_memory_leaves_the_table_whole(void)
{
    for (uint64_t n = 1; n <= 2; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_table_reserve(&table), HAY_ENOMEM);
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(take(), 1);
}

static CU_TestInfo tests[] = {
    {"handle_is_never_zero_and_finds_its_row",
     handle_is_never_zero_and_finds_its_row},
    {"handle_of_an_earlier_task_is_stale", handle_of_an_earlier_task_is_stale},
    {"generations_leave_out_zero", generations_leave_out_zero},
    {"rows_never_move", rows_never_move},
    {"short_memory_leaves_the_table_whole",
     short_memory_leaves_the_table_whole},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/table", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
