/* test_ready.c - the order of ready rows. */
#include "config.h"

#include "core/alloc.h"
#include "core/ready.h"
#include "support/unit.h"

#include <stdlib.h>

#define ROWS 2000

static struct hayi_table table;
static struct hayi_ready ready;
static uint64_t dice_state;

static void setup(void)
{
    hayi_table_init(&table);
    hayi_ready_init(&ready, &table);
    dice_state = 1;
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_ready_fini(&ready);
    hayi_table_fini(&table);
}

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 33) % sides;
}

static uint32_t new_row(uint32_t cores, int32_t priority, uint16_t depth)
{
    struct hayi_needs needs = {.cores = cores};
    uint32_t level = 0;
    CU_ASSERT_EQUAL(hayi_table_reserve(&table), HAY_OK);
    CU_ASSERT_EQUAL(hayi_ready_level(&ready, &needs, priority, depth, &level),
                    HAY_OK);
    uint32_t index = hayi_table_take(&table);
    hayi_table_row(&table, index)->level = level;
    hayi_table_row(&table, index)->state = HAYI_ROW_READY;
    return index;
}

static uint32_t push(uint32_t cores, int32_t priority)
{
    uint32_t index = new_row(cores, priority, 0);
    (void)hayi_ready_push(&ready, index);
    return index;
}

static uint32_t pop(void)
{
    uint32_t index = hayi_ready_first(&ready, hayi_ready_class(&ready));
    hayi_ready_remove(&ready, index);
    hayi_table_row(&table, index)->state = HAYI_ROW_PENDING;
    return index;
}

static void equal_rows_come_first_in_first_out(void)
{
    uint32_t a = push(1, 0);
    uint32_t b = push(1, 0);
    CU_ASSERT_EQUAL(pop(), a);
    CU_ASSERT_EQUAL(pop(), b);
    CU_ASSERT_EQUAL(hayi_ready_class(&ready), 0);
}

static void row_that_comes_back_keeps_its_age(void)
{
    uint32_t row[6];
    for (int i = 0; i < 6; i++) {
        row[i] = push(1, 0);
    }
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(pop(), row[i]);
    }
    const int back[] = {2, 0, 3, 1};
    for (int i = 0; i < 4; i++) {
        hayi_table_row(&table, row[back[i]])->state = HAYI_ROW_READY;
        (void)hayi_ready_push(&ready, row[back[i]]);
        hayi_ready_check(&ready);
    }
    for (int i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(pop(), row[i]);
    }
}

static uint32_t push_deep(uint32_t cores, int32_t priority, uint16_t depth)
{
    uint32_t index = new_row(cores, priority, depth);
    (void)hayi_ready_push(&ready, index);
    hayi_ready_check(&ready);
    return index;
}

static void deeper_rows_of_a_priority_go_first(void)
{
    uint32_t a = push_deep(1, -1, 65535);
    uint32_t b = push_deep(1, 0, 0);
    uint32_t c = push_deep(1, 0, 2);
    uint32_t d = push_deep(2, 0, 3);
    uint32_t e = push_deep(1, 0, 2);
    uint32_t f = push_deep(2, 1, 0);
    CU_ASSERT_EQUAL(pop(), f);
    CU_ASSERT_EQUAL(pop(), d);
    CU_ASSERT_EQUAL(pop(), c);
    CU_ASSERT_EQUAL(pop(), e);
    CU_ASSERT_EQUAL(pop(), b);
    CU_ASSERT_EQUAL(pop(), a);
}

static void blocked_class_lets_others_pass(void)
{
    uint32_t list = 0;
    uint32_t a = push(1, 5);
    uint32_t b = push(2, 0);
    hayi_ready_block(&ready, hayi_ready_class(&ready), &list);
    hayi_ready_check(&ready);
    CU_ASSERT_EQUAL(pop(), b);
    CU_ASSERT_EQUAL(hayi_ready_class(&ready), 0);
    CU_ASSERT_FALSE(hayi_ready_push(&ready, new_row(1, 5, 0)));
    CU_ASSERT_TRUE(hayi_ready_push(&ready, new_row(1, 6, 0)));
    hayi_ready_unblock(&ready, &list);
    CU_ASSERT_EQUAL(list, 0);
    (void)pop();
    CU_ASSERT_EQUAL(pop(), a);
    hayi_ready_check(&ready);
}

static void level_goes_with_its_last_task(void)
{
    uint32_t a = push(1, 3);
    uint32_t b = push(1, 4);
    CU_ASSERT_EQUAL(ready.level_live, 2);
    (void)pop();
    hayi_ready_release(&ready, hayi_table_row(&table, b)->level);
    CU_ASSERT_EQUAL(ready.level_live, 1);
    (void)pop();
    hayi_ready_release(&ready, hayi_table_row(&table, a)->level);
    CU_ASSERT_EQUAL(ready.level_live, 0);
    (void)push(1, -7);
    hayi_ready_check(&ready);
}

/* The order against a plain search over all rows. */
static void random_order_is_that_of_a_plain_search(void)
{
    uint32_t row[ROWS];
    size_t count = 0;
    for (int i = 0; i < 6000; i++) {
        if (count < ROWS && dice(2) == 0) {
            row[count++] = push(1 + dice(3), (int32_t)dice(40) - 20);
        } else if (count > 0 && dice(4) == 0) {
            size_t at = dice((uint32_t)count);
            hayi_ready_remove(&ready, row[at]);
            hayi_table_row(&table, row[at])->state = HAYI_ROW_PENDING;
            row[at] = row[--count];
        } else if (count > 0) {
            size_t best = 0;
            for (size_t j = 1; j < count; j++) {
                const struct hayi_row *x = hayi_table_row(&table, row[j]);
                const struct hayi_row *y = hayi_table_row(&table, row[best]);
                int32_t px = ready.levels[x->level].priority;
                int32_t py = ready.levels[y->level].priority;
                best = px > py || (px == py && x->age < y->age) ? j : best;
            }
            CU_ASSERT_EQUAL(pop(), row[best]);
            row[best] = row[--count];
        }
        if (i % 50 == 0) {
            hayi_ready_check(&ready);
        }
    }
}

static void short_memory_leaves_the_queue_whole(void)
{
    struct hayi_needs needs = {.cores = 9};
    uint32_t level = 0;
    uint64_t n = 1;
    for (;; n++) {
        hayi_alloc_fail_at(n);
        if (hayi_ready_level(&ready, &needs, 4, 0, &level) == HAY_OK) {
            break;
        }
        hayi_ready_check(&ready);
    }
    CU_ASSERT(n > 2); /* what was got by earlier tries is kept */
    CU_ASSERT_EQUAL(ready.level_live, 1);
    CU_ASSERT_EQUAL(ready.levels[level].refs, 1);
}

static CU_TestInfo tests[] = {
    {"equal_rows_come_first_in_first_out", equal_rows_come_first_in_first_out},
    {"row_that_comes_back_keeps_its_age", row_that_comes_back_keeps_its_age},
    {"deeper_rows_of_a_priority_go_first", deeper_rows_of_a_priority_go_first},
    {"blocked_class_lets_others_pass", blocked_class_lets_others_pass},
    {"level_goes_with_its_last_task", level_goes_with_its_last_task},
    {"random_order_is_that_of_a_plain_search",
     random_order_is_that_of_a_plain_search},
    {"short_memory_leaves_the_queue_whole",
     short_memory_leaves_the_queue_whole},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/ready", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
