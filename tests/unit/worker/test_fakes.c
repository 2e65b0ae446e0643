/* test_fakes.c - attempts that only take time. */
#include "config.h"

#include "worker/fakes.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { COUNT = 500 };

static struct hayi_fakes fakes;
static struct hay_task *tasks; /* [COUNT] */

static void setup(void)
{
    hayi_fakes_init(&fakes);
    tasks = calloc(COUNT, sizeof(*tasks));
}

static void teardown(void)
{
    hayi_fakes_fini(&fakes);
    free(tasks);
}

static void start(int i, uint64_t duration_ns, uint64_t now_ns)
{
    tasks[i].record.index = duration_ns;
    CU_ASSERT_EQUAL(hayi_fakes_start(&fakes, &tasks[i], now_ns), HAY_OK);
}

static void fakes_end_in_the_order_of_their_ends(void)
{
    uint64_t last = 0;
    for (int i = 0; i < COUNT; i++) {
        start(i, (uint64_t)(i * 7919 % COUNT) + 1, 1000);
    }
    CU_ASSERT_EQUAL(hayi_fakes_next_ns(&fakes), 1001);
    CU_ASSERT_PTR_NULL(hayi_fakes_due(&fakes, 1000));
    for (int i = 0; i < COUNT; i++) {
        uint64_t next = hayi_fakes_next_ns(&fakes);
        struct hay_task *task = hayi_fakes_due(&fakes, next);
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        CU_ASSERT_EQUAL(task->end_ns, next);
        CU_ASSERT_TRUE(next > last);
        CU_ASSERT_EQUAL(task->start_ns, 1000);
        CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
        last = next;
    }
    CU_ASSERT_EQUAL(hayi_fakes_next_ns(&fakes), UINT64_MAX);
    CU_ASSERT_PTR_NULL(hayi_fakes_due(&fakes, UINT64_MAX));
}

static void exit_status_makes_it_fail(void)
{
    tasks[0].record.fake_exit = 3;
    start(0, 10, 0);
    CU_ASSERT_PTR_EQUAL(hayi_fakes_due(&fakes, 10), &tasks[0]);
    CU_ASSERT_EQUAL(tasks[0].outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(tasks[0].exit_code, 3);
    CU_ASSERT_STRING_EQUAL(tasks[0].error.text, "exit status 3");
}

static void time_limit_ends_it_early(void)
{
    tasks[0].record.time_limit_ns = 1500000000;
    start(0, UINT64_MAX, 5);
    CU_ASSERT_EQUAL(hayi_fakes_next_ns(&fakes), 1500000005);
    CU_ASSERT_PTR_EQUAL(hayi_fakes_due(&fakes, 1500000005), &tasks[0]);
    CU_ASSERT_EQUAL(tasks[0].outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_STRING_EQUAL(tasks[0].error.text, "time limit of 1.5 s");
}

static void endless_one_never_ends(void)
{
    start(0, UINT64_MAX, 5);
    CU_ASSERT_EQUAL(hayi_fakes_next_ns(&fakes), UINT64_MAX);
    CU_ASSERT_PTR_NULL(hayi_fakes_due(&fakes, UINT64_MAX - 1));
}

/* Whatever its end would have been: those words are not told any more. */
static void cancelled_one_ends_now_and_says_so(void)
{
    for (int i = 0; i < 20; i++) {
        tasks[i].record.fake_exit = 1;
        start(i, (uint64_t)(100 + i), 0);
    }
    hayi_fakes_cancel(&fakes, &tasks[13], 50);
    CU_ASSERT_EQUAL(hayi_fakes_next_ns(&fakes), 50);
    CU_ASSERT_PTR_EQUAL(hayi_fakes_due(&fakes, 50), &tasks[13]);
    CU_ASSERT_EQUAL(tasks[13].outcome, HAYI_OUTCOME_CANCELLED);
    CU_ASSERT_EQUAL(tasks[13].exit_code, 0);
    CU_ASSERT_STRING_EQUAL(tasks[13].error.text, "cancelled");
    for (int i = 0; i < 20; i++) {
        if (i != 13) {
            CU_ASSERT_PTR_EQUAL(hayi_fakes_due(&fakes, 1000), &tasks[i]);
        }
    }
    hayi_fakes_cancel(&fakes, &tasks[13], 60); /* it has ended: nothing */
    CU_ASSERT_EQUAL(fakes.count, 0);
}

static CU_TestInfo tests[] = {
    {"fakes_end_in_the_order_of_their_ends",
     fakes_end_in_the_order_of_their_ends},
    {"exit_status_makes_it_fail", exit_status_makes_it_fail},
    {"time_limit_ends_it_early", time_limit_ends_it_early},
    {"endless_one_never_ends", endless_one_never_ends},
    {"cancelled_one_ends_now_and_says_so", cancelled_one_ends_now_and_says_so},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/fakes", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
