/* test_deadlock.c - suspended attempts that hold what they wait for. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

/* One worker of 4 cores and 100 bytes. */
static void one_worker(void)
{
    bed_setup();
    bed_open();
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.cores = 4;
    e.u.joined.memory_bytes = 100;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

/* A task that holds so many bytes; parent 0: the client's. */
static void task(uint64_t id, uint64_t parent, uint64_t bytes)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.needs.memory_bytes = bytes;
    e.u.task.parent = parent != 0 ? bed.last[parent].task : 0;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void run(uint64_t id)
{
    bed_dispatch();
    bed_started(id);
}

/* Long enough for anybody to look. */
static void later(void)
{
    bed_dispatch();
    bed.now_ns += 1000000000;
    bed_dispatch();
}

/* Of what came before, nothing is expected. */
static void look_later(void)
{
    bed_forget();
    later();
}

#define STUCK(id)                                                              \
    "tell p" #id " failed HAY_EFARM culprit 0 attempt 0 w0 report 0 deadlock"

static void child_that_needs_what_its_parent_holds_fails(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 60);
    bed_suspended(1, 2);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("");
    CU_ASSERT_NOT_EQUAL(hayi_sched_deadline_ns(bed.sched), UINT64_MAX);
    later();
    BED_EXPECT(STUCK(2));
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), UINT64_MAX);
    bed_resumed(1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void child_that_will_have_room_waits(void)
{
    task(1, 0, 40);
    task(2, 0, 60);
    run(1);
    bed_started(2);
    task(3, 1, 60);
    bed_suspended(1, 3);
    look_later();
    BED_EXPECT("");
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static void one_of_two_that_block_each_other_goes_on(void)
{
    task(1, 0, 50);
    task(2, 0, 50);
    run(1);
    bed_started(2);
    task(3, 1, 50);
    task(4, 2, 50);
    task(5, 0, 50); /* waits for nobody, and does not fail */
    bed_suspended(1, 3);
    bed_suspended(2, 4);
    look_later();
    BED_EXPECT(STUCK(4));
    bed_resumed(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static void all_fail_of_several_that_cannot_run(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 60);
    task(3, 1, 60);
    task(4, 1, 10);
    bed_suspended(1, 0);
    run(4);
    look_later();
    BED_EXPECT("");
    bed_ended(4, HAYI_OUTCOME_FINISHED, 1000);
    look_later();
    BED_EXPECT(STUCK(2) "; " STUCK(3));
}

static void input_of_a_pending_child_fails_and_the_child_with_it(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 60);
    bed_child(3, 1, (const uint64_t[]){2, 0});
    bed_suspended(1, 3);
    look_later();
    BED_EXPECT(STUCK(2) "; "
                        "tell p3 failed HAY_EDEPENDENCY culprit 2 attempt 0 w0 "
                        "report 0");
}

static void waiting_goes_through_those_that_hold_nothing(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 0);
    bed_suspended(1, 2);
    run(2);
    task(3, 2, 60);
    bed_suspended(2, 3);
    look_later();
    BED_EXPECT(STUCK(3));
}

static void followers_are_waited_for_too(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 0);
    bed_suspended(1, 2);
    run(2);
    task(3, 2, 60);
    bed_follow(2, 3);
    look_later();
    BED_EXPECT(STUCK(3) "; "
                        "tell p2 failed HAY_EDEPENDENCY culprit 3 attempt 1 w0 "
                        "report 102 followed");
}

static void inputs_of_what_is_followed_fail(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 0);
    bed_suspended(1, 2);
    run(2);
    task(3, 2, 60);
    bed_child(4, 2, (const uint64_t[]){3, 0});
    bed_follow(2, 4);
    look_later();
    BED_EXPECT(STUCK(3) "; "
                        "tell p4 failed HAY_EDEPENDENCY culprit 3 attempt 0 w0 "
                        "report 0; "
                        "tell p2 failed HAY_EDEPENDENCY culprit 3 attempt 1 w0 "
                        "report 102 followed");
}

static void nobody_fails_while_inputs_of_what_is_followed_run(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 0);
    task(5, 1, 60);
    bed_suspended(1, 0);
    run(2);
    task(3, 2, 10);
    bed_child(4, 2, (const uint64_t[]){3, 0});
    bed_follow(2, 4);
    run(3);
    look_later();
    BED_EXPECT("");
}

static void host_of_a_stuck_attempt_holds_as_well(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 0);
    bed_claim(1, 2);
    bed_started(2);
    task(3, 2, 60);
    bed_suspended(2, 3);
    look_later();
    BED_EXPECT(STUCK(3));
}

static void who_waits_for_no_task_is_not_stuck(void)
{
    task(1, 0, 60);
    run(1);
    task(2, 1, 60);
    struct hayi_event e = {.kind = HAYI_EVENT_SUSPENDED};
    e.u.suspended.task = bed.last[1].task;
    e.u.suspended.attempt = 1;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    look_later();
    BED_EXPECT("");
    bed_resumed(1);
    bed_suspended(1, 2);
    bed_cancel(1, true); /* it is woken by that */
    look_later();
    BED_EXPECT("");
}

static void another_worker_may_have_room(void)
{
    task(1, 0, 60);
    run(1);
    bed_join(1, 1);
    task(2, 1, 60);
    task(3, 1, 120);
    bed_suspended(1, 0);
    look_later();
    BED_EXPECT("hand_out w1 p2 attempt 1 priority 0 cores 1 depth 1 prompt; "
               "hand_out w1 p3 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static CU_TestInfo tests[] = {
    {"child_that_needs_what_its_parent_holds_fails",
     child_that_needs_what_its_parent_holds_fails},
    {"child_that_will_have_room_waits", child_that_will_have_room_waits},
    {"one_of_two_that_block_each_other_goes_on",
     one_of_two_that_block_each_other_goes_on},
    {"all_fail_of_several_that_cannot_run",
     all_fail_of_several_that_cannot_run},
    {"input_of_a_pending_child_fails_and_the_child_with_it",
     input_of_a_pending_child_fails_and_the_child_with_it},
    {"waiting_goes_through_those_that_hold_nothing",
     waiting_goes_through_those_that_hold_nothing},
    {"followers_are_waited_for_too", followers_are_waited_for_too},
    {"inputs_of_what_is_followed_fail", inputs_of_what_is_followed_fail},
    {"nobody_fails_while_inputs_of_what_is_followed_run",
     nobody_fails_while_inputs_of_what_is_followed_run},
    {"host_of_a_stuck_attempt_holds_as_well",
     host_of_a_stuck_attempt_holds_as_well},
    {"who_waits_for_no_task_is_not_stuck", who_waits_for_no_task_is_not_stuck},
    {"another_worker_may_have_room", another_worker_may_have_room},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/deadlock", NULL, NULL, one_worker, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
