/* test_members.c - workers that join, fall silent, are lost; what none of them
 * can ever run. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

#define SECOND UINT64_C(1000000000)

static void setup(void)
{
    bed_setup();
    bed_config.silence_ns = 10 * SECOND;
    bed_config.workers_expected = 2;
    bed_open();
}

static void tick(void)
{
    struct hayi_event e = {.kind = HAYI_EVENT_TICK};
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

/* Nobody counts as silent. */
static void trust(void)
{
    hayi_sched_free(bed.sched);
    bed_config.silence_ns = 0;
    bed_open();
}

static void heard(uint32_t worker)
{
    struct hayi_event e = {.kind = HAYI_EVENT_HEARD};
    e.u.heard.worker = worker;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void wide_task(uint64_t id, uint32_t cores)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.needs.cores = cores;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void nothing_is_judged_before_all_have_joined(void)
{
    wide_task(1, 4);
    bed_join(0, 2);
    bed_dispatch();
    BED_EXPECT("");
    bed_join(1, 4);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 4 prompt");
}

static void what_nobody_can_meet_fails_once_all_have_joined(void)
{
    wide_task(1, 64);
    bed_task(2, NULL);
    bed_join(0, 2);
    bed_forget();
    bed_join(1, 4);
    BED_EXPECT(
        "tell p1 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report 0");
    wide_task(3, 65);
    BED_EXPECT(
        "tell p3 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report 0");
    CU_ASSERT_EQUAL(bed_stats().ready, 1);
}

static void lost_workers_running_task_runs_elsewhere(void)
{
    bed_join(0, 1);
    bed_task(1, NULL);
    bed_dispatch();
    bed_started(1);
    bed_join(1, 1);
    bed_forget();
    bed_lost(0);
    bed_dispatch();
    BED_EXPECT("worker_lost w0, 1 of 1 again; "
               "attempt_ended p1 attempt 1 w0 farm report 0; "
               "state p1 ready w0; "
               "hand_out w1 p1 attempt 2 priority 0 cores 1");
}

/* Of three on one core only the first can have begun. */
static void lost_workers_held_tasks_count_no_attempt(void)
{
    bed_config.ahead_ns = 10 * SECOND;
    bed_teardown();
    setup();
    bed_join(0, 1);
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().handed_out, 2);
    bed_forget();
    bed_lost(0);
    CU_ASSERT_EQUAL(bed_count("worker_lost w0, 2 of 2 again"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p1"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p2"), 0);
}

static void a_task_that_loses_three_workers_is_poison(void)
{
    bed_task(1, NULL);
    bed_join(0, 1);
    bed_join(1, 1);
    bed_join(2, 1);
    bed_join(3, 1);
    for (int i = 0; i < 3; i++) {
        bed_dispatch();
        bed_forget();
        bed_lost(bed.last[1].worker);
    }
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("losses 3"), 1);
    CU_ASSERT_EQUAL(bed_count("0 of 1 again"), 1);
}

static void a_task_that_must_not_run_twice_fails_with_its_worker(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.once = true;
    bed_join(0, 1);
    bed_join(1, 1);
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    bed_forget();
    bed_lost(bed.last[1].worker);
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("losses 1"), 1);
}

static void a_worker_that_never_joins_is_not_waited_for(void)
{
    wide_task(1, 64);
    bed_join(0, 2);
    bed_forget();
    bed_lost(1);
    BED_EXPECT(
        "worker_lost w1; "
        "tell p1 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report 0");
    bed_join(1, 64); /* too late */
    CU_ASSERT_EQUAL(bed_stats().cores, 2);
}

static void lost_worker_leaves_ready_tasks_to_others(void)
{
    bed_join(0, 1);
    bed_join(1, 1);
    bed_lost(0);
    bed_task(1, NULL);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1");
}

static void lost_worker_ends_a_cancelled_task(void)
{
    bed_join(0, 1);
    bed_task(1, NULL);
    bed_dispatch();
    bed_cancel(1, false);
    bed_forget();
    bed_lost(0);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled HAY_ECANCELLED"), 1);
}

static void lost_worker_gives_back_the_items_of_its_range(void)
{
    struct hayi_event e = bed_map_event(1, 1);
    bed_join(0, 1);
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    bed_lost(0);
    BED_EXPECT("worker_lost w0, 1 of 1 again");
    bed_join(1, 1);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 2 priority 0 cores 1 items 0+1");
    bed_join(2, 1);
    bed_lost(1);
    bed_dispatch();
    bed_forget();
    bed_lost(2);
    BED_EXPECT(
        "worker_lost w2, 0 of 1 again; "
        "range_ended p1 items 0+1 failed 1 unreached 1 w2 farm report 0; "
        "tell p1 failed HAY_EFARM culprit 0 attempt 1 w0 report 0");
}

static void loss_of_the_last_worker_leaves_nothing_waiting(void)
{
    bed_config.worker_max = 2;
    trust();
    bed_join(0, 1);
    bed_join(1, 1);
    bed_task(1, NULL);
    bed_close(false);
    bed_lost(0);
    bed_forget();
    bed_lost(1);
    BED_EXPECT("worker_lost w1; "
               "tell p1 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report "
               "0; all_ended");
}

static void what_a_loss_left_nobody_for_waits_and_then_fails(void)
{
    char text[300];
    struct hayi_event big = bed_task_event(1);
    big.u.task.needs.cores = 4;
    trust();
    bed_join(0, 4);
    bed_join(1, 1);
    bed_task(2, NULL);
    CU_ASSERT_EQUAL(bed_submit(&big), HAY_OK);
    bed_lost(0);
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched),
                    bed.now_ns + 60000000000);
    bed.now_ns += 20000000000;
    tick();
    hayi_sched_story(bed.sched, bed.task[1], bed.now_ns, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(
        text,
        "ready for 20.000000 s: no worker that is here has 4 cores, 0 gpus and "
        "0 bytes of memory; it fails in 40 s unless one comes");
    bed.now_ns += 40000000000;
    bed_forget();
    tick();
    BED_EXPECT("tell p1 failed HAY_EINFEASIBLE culprit 0 attempt 0 w0 report "
               "0");
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), UINT64_MAX);
}

static void what_a_loss_left_nobody_for_runs_if_one_comes(void)
{
    struct hayi_event big = bed_task_event(1);
    big.u.task.needs.cores = 4;
    trust();
    bed_join(0, 4);
    bed_join(1, 1);
    CU_ASSERT_EQUAL(bed_submit(&big), HAY_OK);
    bed_lost(0);
    bed_join(2, 4);
    bed.now_ns += 60000000000;
    tick();
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w2 p1 attempt 1 priority 0 cores 4 prompt");
}

/* What is bound to a worker, or may run elsewhere when that one is gone. */
static void bound_task(uint64_t id, uint32_t worker)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.needs.worker = worker + 1;
    e.u.task.needs.or_any = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void what_may_run_elsewhere_does_when_its_worker_is_lost(void)
{
    bed_join(0, 1);
    bed_join(1, 1);
    bound_task(1, 0);
    bound_task(2, 0);
    bed_dispatch();
    bed_started(1);
    CU_ASSERT_EQUAL(bed.last[1].worker, 0);
    bed_lost(0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].worker, 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bound_task(3, 0); /* it was lost before */
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[2].worker, 1);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[3].worker, 1);
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("finished"), 3);
}

static void news_of_a_lost_worker_is_dropped(void)
{
    bed_join(0, 1);
    bed_task(1, NULL);
    bed_dispatch();
    bed_lost(0);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    heard(0);
    bed_lost(0);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(bed_stats().stale, 3);
}

static void silent_worker_counts_as_lost(void)
{
    bed_join(0, 1);
    bed_join(1, 1);
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 10 * SECOND);
    bed.now_ns = 6 * SECOND;
    heard(0);
    bed.now_ns = 10 * SECOND;
    tick();
    BED_EXPECT("worker_lost w1 silent");
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 16 * SECOND);
    bed.now_ns = 16 * SECOND - 1;
    tick();
    BED_EXPECT("");
    bed.now_ns = 16 * SECOND;
    tick();
    BED_EXPECT("worker_lost w0 silent");
    CU_ASSERT_EQUAL(bed_stats().workers, 0);
}

static void news_that_wait_are_heard_before_a_tick_judges(void)
{
    bed_join(0, 1);
    bed.now_ns = 60 * SECOND; /* the manager was held up */
    heard(0);
    tick();
    BED_EXPECT("");
}

static void second_joining_is_dropped(void)
{
    bed_join(0, 1);
    bed_join(0, 4);
    CU_ASSERT_EQUAL(bed_stats().cores, 1);
    CU_ASSERT_EQUAL(bed_stats().stale, 1);
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.worker = 8;
    e.u.joined.cores = 1;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_EINVAL);
}

static CU_TestInfo tests[] = {
    {"nothing_is_judged_before_all_have_joined",
     nothing_is_judged_before_all_have_joined},
    {"what_nobody_can_meet_fails_once_all_have_joined",
     what_nobody_can_meet_fails_once_all_have_joined},
    {"lost_workers_running_task_runs_elsewhere",
     lost_workers_running_task_runs_elsewhere},
    {"lost_workers_held_tasks_count_no_attempt",
     lost_workers_held_tasks_count_no_attempt},
    {"a_task_that_loses_three_workers_is_poison",
     a_task_that_loses_three_workers_is_poison},
    {"a_task_that_must_not_run_twice_fails_with_its_worker",
     a_task_that_must_not_run_twice_fails_with_its_worker},
    {"a_worker_that_never_joins_is_not_waited_for",
     a_worker_that_never_joins_is_not_waited_for},
    {"lost_worker_leaves_ready_tasks_to_others",
     lost_worker_leaves_ready_tasks_to_others},
    {"lost_worker_ends_a_cancelled_task", lost_worker_ends_a_cancelled_task},
    {"lost_worker_gives_back_the_items_of_its_range",
     lost_worker_gives_back_the_items_of_its_range},
    {"loss_of_the_last_worker_leaves_nothing_waiting",
     loss_of_the_last_worker_leaves_nothing_waiting},
    {"what_a_loss_left_nobody_for_waits_and_then_fails",
     what_a_loss_left_nobody_for_waits_and_then_fails},
    {"what_a_loss_left_nobody_for_runs_if_one_comes",
     what_a_loss_left_nobody_for_runs_if_one_comes},
    {"what_may_run_elsewhere_does_when_its_worker_is_lost",
     what_may_run_elsewhere_does_when_its_worker_is_lost},
    {"news_of_a_lost_worker_is_dropped", news_of_a_lost_worker_is_dropped},
    {"silent_worker_counts_as_lost", silent_worker_counts_as_lost},
    {"news_that_wait_are_heard_before_a_tick_judges",
     news_that_wait_are_heard_before_a_tick_judges},
    {"second_joining_is_dropped", second_joining_is_dropped},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/members", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
