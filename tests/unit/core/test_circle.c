/* test_circle.c - tasks that would wait for themselves are found, others are
 * let be. */
#include "config.h"

#include "bed.h"
#include "core/alloc.h"
#include "support/unit.h"

static const uint64_t after_1[] = {1, 0};
static const uint64_t after_2[] = {2, 0};
static const uint64_t after_1_2[] = {1, 2, 0};

static void setup(void)
{
    bed_setup();
    bed_open();
    bed_join(0, 4);
}

static bool circular(uint64_t task, uint64_t follow)
{
    return hayi_sched_circular(bed.sched, bed.task[task], bed.task[follow]);
}

static void run(uint64_t id)
{
    bed_dispatch();
    bed_started(id);
}

/* Task 'id' runs and would follow: as the event of its end. */
static hay_status end_as(uint64_t id, uint64_t follow)
{
    struct hayi_dep dep = {.task = bed.task[follow]};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = bed.last[id].worker;
    e.u.ended.task = bed.last[id].task;
    e.u.ended.attempt = bed.last[id].attempt;
    e.u.ended.follow = &dep;
    return bed_step(&e);
}

static void task_that_follows_its_own_dependent_waits_for_itself(void)
{
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_task(3, after_2);
    run(1);
    CU_ASSERT_TRUE(circular(1, 2));
    CU_ASSERT_TRUE(circular(1, 3)); /* by way of 2 */
    CU_ASSERT_EQUAL(end_as(1, 2), HAY_EINVAL);
    CU_ASSERT_EQUAL(end_as(1, 3), HAY_EINVAL);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000); /* it still can otherwise */
    CU_ASSERT_FALSE(circular(2, 3) && circular(3, 2));
}

static void task_that_waits_for_others_may_be_followed(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_2);
    bed_task(4, after_1_2);
    run(1);
    CU_ASSERT_FALSE(circular(1, 3));
    CU_ASSERT_TRUE(circular(1, 4));
    CU_ASSERT_FALSE(circular(1, 2));
    CU_ASSERT_TRUE(bed_follow(1, 3));
    run(2);
    /* 1 has the result of 3 now, and 4 waits for 1: so for 3. */
    CU_ASSERT_TRUE(circular(2, 4));
    CU_ASSERT_TRUE(circular(2, 1));
    CU_ASSERT_TRUE(circular(2, 3));
}

static void circle_through_a_follower_is_found(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1);
    run(1);
    run(2);
    CU_ASSERT_TRUE(bed_follow(1, 2)); /* 3 waits for 1, and 1 for 2 */
    CU_ASSERT_TRUE(circular(2, 3));
    CU_ASSERT_EQUAL(end_as(2, 3), HAY_EINVAL);
}

static void suspended_attempt_waits_too(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, NULL);
    run(1);
    run(2);
    run(3);
    bed_suspended(2, 1);
    CU_ASSERT_TRUE(circular(1, 2));
    CU_ASSERT_FALSE(circular(3, 2));
    CU_ASSERT_FALSE(circular(1, 3));
}

/* Many ways lead to the same task. */
static void diamonds_are_walked_once(void)
{
    enum { LAYERS = 30 };
    bed_task(1, NULL);
    bed_task(2, after_1);
    for (uint64_t id = 3; id < 2 * LAYERS; id += 2) {
        const uint64_t both[] = {id - 2, id - 1, 0};
        bed_task(id, both);
        bed_task(id + 1, both);
    }
    bed_task(61, NULL);
    run(1);
    CU_ASSERT_TRUE(circular(1, 60));
    const uint64_t other[] = {61, 0};
    bed_task(62, other);
    CU_ASSERT_FALSE(circular(1, 62));
}

static void short_memory_finds_nothing(void)
{
    bed_task(1, NULL);
    bed_task(2, after_1);
    run(1);
    for (uint64_t n = 1; n <= 2; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_FALSE(circular(1, 2));
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_TRUE(circular(1, 2));
}

static void wait_for_ones_follower_ends_it(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, NULL);
    bed_task(4, after_1);
    run(1);
    run(2);
    run(3);
    CU_ASSERT_TRUE(bed_follow(1, 2));
    bed_forget();
    bed_suspended(3, 1); /* so does this one, but nobody waits for it */
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    bed_suspended(2, 4); /* 4 waits for 1, and 1 for 2 */
    BED_EXPECT(
        "tell p4 failed HAY_EFARM culprit 0 attempt 0 w0 report 0 deadlock");
    bed_resumed(2);
    bed_suspended(2, 1);
    BED_EXPECT(
        "tell p1 failed HAY_EFARM culprit 0 attempt 1 w0 report 0 deadlock");
    bed_resumed(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p2 finished"), 1);
}

static void wait_for_ones_dependent_ends_it(void)
{
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_task(3, after_2);
    run(1);
    bed_forget();
    bed_suspended(1, 3);
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("tell p2"), 0);
    bed_resumed(1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    run(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p2 finished"), 1);
}

/* One waits for another, which waits for the dependent of the first. */
static void circle_of_two_waits_is_found(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1);
    run(1);
    run(2);
    bed_suspended(2, 3);
    bed_forget();
    bed_suspended(1, 2);
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EFARM"), 1);
}

static void child_in_the_place_of_its_parent_waits_with_it(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_task(3, after_1);
    bed_claim(1, 2);
    bed_started(2);
    bed_forget();
    bed_suspended(2, 3);
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EFARM"), 1);
}

static void waits_that_can_end_are_let_be(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, NULL);
    bed_task(4, after_1_2);
    run(1);
    run(2);
    run(3);
    bed_forget();
    bed_suspended(2, 1);
    bed_suspended(3, 4);
    bed_suspended(1, 0); /* several: one of them may be another */
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
}

static CU_TestInfo tests[] = {
    {"wait_for_ones_follower_ends_it", wait_for_ones_follower_ends_it},
    {"wait_for_ones_dependent_ends_it", wait_for_ones_dependent_ends_it},
    {"circle_of_two_waits_is_found", circle_of_two_waits_is_found},
    {"child_in_the_place_of_its_parent_waits_with_it",
     child_in_the_place_of_its_parent_waits_with_it},
    {"waits_that_can_end_are_let_be", waits_that_can_end_are_let_be},
    {"task_that_follows_its_own_dependent_waits_for_itself",
     task_that_follows_its_own_dependent_waits_for_itself},
    {"task_that_waits_for_others_may_be_followed",
     task_that_waits_for_others_may_be_followed},
    {"circle_through_a_follower_is_found", circle_through_a_follower_is_found},
    {"suspended_attempt_waits_too", suspended_attempt_waits_too},
    {"diamonds_are_walked_once", diamonds_are_walked_once},
    {"short_memory_finds_nothing", short_memory_finds_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/circle", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
