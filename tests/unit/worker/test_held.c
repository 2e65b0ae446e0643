/* test_held.c - rows of held attempts: found, queued, dropped. */
#include "config.h"

#include "support/unit.h"
#include "worker/held.h"

#define MANY 5000u

static struct hayi_held_table table;

static void setup(void)
{
    hayi_held_init(&table);
}

static void teardown(void)
{
    hayi_held_fini(&table);
}

static uint32_t add(uint64_t task, uint32_t attempt, int32_t priority)
{
    uint32_t row = HAYI_HELD_NONE;

    CU_ASSERT_EQUAL_FATAL(hayi_held_add(&table, task, attempt, &row), HAY_OK);
    table.rows[row].priority = priority;
    CU_ASSERT_EQUAL_FATAL(hayi_held_push(&table, &table.queue, row, false),
                          HAY_OK);
    return row;
}

static void drop(uint32_t row)
{
    hayi_held_pull(&table, row);
    hayi_held_drop(&table, row);
}

static void rows_are_found_until_they_are_dropped(void)
{
    uint64_t dice = 1;

    for (uint32_t i = 0; i < MANY; i++) {
        (void)add((uint64_t)(i % 7) << 32 | (i + 1), i % 3, (int32_t)(i % 5));
    }
    hayi_held_check(&table);
    for (uint32_t n = 0; n < MANY; n++) {
        dice = dice * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint32_t i = (uint32_t)(dice >> 33) % MANY;
        uint64_t task = (uint64_t)(i % 7) << 32 | (i + 1);
        uint32_t row = hayi_held_find(&table, task, i % 3);
        if (row != HAYI_HELD_NONE) {
            drop(row);
            CU_ASSERT_EQUAL(hayi_held_find(&table, task, i % 3),
                            HAYI_HELD_NONE);
        }
    }
    hayi_held_check(&table);
}

static void one_task_may_have_two_attempts_but_not_the_same_twice(void)
{
    uint32_t row = 0;
    uint32_t first = add(9, 1, 0);
    uint32_t second = add(9, 2, 0);

    CU_ASSERT_NOT_EQUAL(first, second);
    CU_ASSERT_EQUAL(hayi_held_add(&table, 9, 2, &row), HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_held_find(&table, 9, 3), HAYI_HELD_NONE);
}

static void queue_is_by_priority_then_arrival(void)
{
    uint32_t low = add(1, 1, -5);
    uint32_t a = add(2, 1, 0);
    uint32_t b = add(3, 1, 0);
    uint32_t high = add(4, 1, 7);

    CU_ASSERT_EQUAL(hayi_held_tail(&table.queue), low);
    CU_ASSERT_EQUAL(hayi_held_head(&table.queue), high);
    drop(high);
    CU_ASSERT_EQUAL(hayi_held_head(&table.queue), a);
    hayi_held_pull(&table, b);
    CU_ASSERT_EQUAL(hayi_held_push(&table, &table.queue, b, true), HAY_OK);
    CU_ASSERT_EQUAL(hayi_held_head(&table.queue), b);
    drop(b);
    drop(a);
    CU_ASSERT_EQUAL(hayi_held_head(&table.queue), low);
    drop(low);
    CU_ASSERT_EQUAL(hayi_held_head(&table.queue), HAYI_HELD_NONE);
    hayi_held_check(&table);
}

static CU_TestInfo tests[] = {
    {"rows_are_found_until_they_are_dropped",
     rows_are_found_until_they_are_dropped},
    {"one_task_may_have_two_attempts_but_not_the_same_twice",
     one_task_may_have_two_attempts_but_not_the_same_twice},
    {"queue_is_by_priority_then_arrival", queue_is_by_priority_then_arrival},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/held", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
