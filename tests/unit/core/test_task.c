/* test_task.c - the life of a task: inputs, retries, cancel, close. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

#include <string.h>

static const uint64_t after_1[] = {1, 0};
static const uint64_t after_1_2[] = {1, 2, 0};

static void two_cores(void)
{
    bed_setup();
    bed_open();
    bed_join(0, 2);
}

static void task_is_handed_out_and_told(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1 prompt");
    bed_started(1);
    BED_EXPECT("state p1 running w0");
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void end_without_news_of_start_is_fine(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
}

static void dependent_waits_for_all_its_inputs(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1_2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().pending, 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("");
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102; "
               "state p3 ready w0");
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 prompt");
}

static void same_input_twice_counts_as_one_end(void)
{
    const uint64_t twice[] = {1, 1, 0};
    bed_task(1, NULL);
    bed_task(2, twice);
    bed_dispatch();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("state p2 ready"), 1);
}

static void failure_names_the_first_culprit_down_the_line(void)
{
    const uint64_t after_2[] = {2, 0};
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_task(3, after_2);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT(
        "tell p1 failed HAY_ETASK culprit 0 attempt 1 w0 report 101; "
        "tell p2 failed HAY_EDEPENDENCY culprit 1 attempt 0 w0 report 0; "
        "tell p3 failed HAY_EDEPENDENCY culprit 1 attempt 0 w0 report 0");
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void dependent_of_a_failure_may_ask_for_its_end_only(void)
{
    struct hayi_event e = bed_task_event(2);
    bed_task(1, NULL);
    struct hayi_dep dep = {.task = bed.task[1], .any = true};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT("tell p1 failed HAY_ETASK culprit 0 attempt 1 w0 report 101; "
               "state p2 ready w0");
}

static void failed_one_of_two_inputs_ends_the_dependent_at_once(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1_2);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EDEPENDENCY culprit 1"), 1);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("p3"), 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void input_that_ended_before_the_submit_counts(void)
{
    struct hayi_event e = bed_task_event(5);
    struct hayi_dep dep = {.ended = HAY_FAILED, .culprit = 3};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    CU_ASSERT_EQUAL(bed.task[5], 0);
    BED_EXPECT(
        "tell p5 failed HAY_EDEPENDENCY culprit 3 attempt 0 w0 report 0");
    dep.ended = HAY_CANCELLED;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    BED_EXPECT(
        "tell p5 cancelled HAY_ECANCELLED culprit 3 attempt 0 w0 report 0");
    dep.ended = HAY_FINISHED;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    BED_EXPECT("state p5 ready w0");
}

static void unknown_input_is_refused(void)
{
    struct hayi_event e = bed_task_event(2);
    struct hayi_dep dep = {.task = 0x100000007};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_EINVAL);
    e = bed_task_event(2);
    e.u.task.needs.cores = 0;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_EINVAL);
}

static void failed_task_is_tried_again(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT("attempt_ended p1 attempt 1 w0 failed report 101; "
               "state p1 ready w0");
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 2 priority 0 cores 1 prompt");
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT("tell p1 failed HAY_ETASK culprit 0 attempt 2 w0 report 101");
}

static void tick(uint64_t now_ns)
{
    struct hayi_event e = {.kind = HAYI_EVENT_TICK};
    bed.now_ns = now_ns;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    bed_dispatch();
}

static void retried_task_rests_longer_each_time(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 2;
    e.u.task.pause_ms = 100;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 100000000);
    bed_forget();
    tick(99999999);
    BED_EXPECT("");
    tick(100000000);
    BED_EXPECT("hand_out w0 p1 attempt 2 priority 0 cores 1 prompt");
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 300000000);
    bed_cancel(1, false);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    bed_forget();
    tick(300000000);
    BED_EXPECT("");
}

static void retried_task_goes_to_another_worker(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_join(1, 1);
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 2 priority 0 cores 1 prompt");
}

static void retried_task_stands_before_younger_ones(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    for (uint64_t id = 2; id < 10; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_forget();
    bed_dispatch();
    CU_ASSERT_PTR_EQUAL(strstr(bed.text, "hand_out w0 p1 attempt 2"), bed.text);
}

static void farm_failure_is_told_apart(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 3;
    (void)bed_submit(&e);
    bed_task(2, after_1);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FARM, 1000);
    BED_EXPECT(
        "tell p1 failed HAY_EFARM culprit 0 attempt 1 w0 report 101; "
        "tell p2 failed HAY_EDEPENDENCY culprit 1 attempt 0 w0 report 0");
}

/* A worker with so many bytes instead of the usual one. */
static void join_with_memory(uint32_t worker, uint64_t bytes)
{
    struct hayi_event e = {
        .kind = HAYI_EVENT_JOINED,
        .u.joined = {.worker = worker, .cores = 2, .memory_bytes = bytes},
    };
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void ended_over_memory(uint64_t id)
{
    struct hayi_event e = {
        .kind = HAYI_EVENT_ENDED,
        .u.ended = {.worker = bed.last[id].worker,
                    .task = bed.last[id].task,
                    .attempt = bed.last[id].attempt,
                    .outcome = HAYI_OUTCOME_FARM,
                    .cause = HAY_CAUSE_MEMORY_LIMIT,
                    .run_ns = 1000,
                    .report = 100 + id},
    };
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void more_memory_is_tried_while_a_worker_has_it(void)
{
    struct hayi_event e = bed_task_event(1);
    join_with_memory(1, 1000);
    e.u.task.memory_retries = 9;
    e.u.task.needs.memory_bytes = 300;
    e.u.task.needs.worker = 2;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    ended_over_memory(1);
    BED_EXPECT("attempt_ended p1 attempt 1 w1 farm report 101 grown; "
               "state p1 ready w0");
    bed_forget();
    e = bed_task_event(2); /* only 400 are left beside the second attempt */
    e.u.task.needs.memory_bytes = 500;
    e.u.task.needs.worker = 2;
    bed_dispatch();
    (void)bed_submit(&e);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 2 priority 0 cores 1 prompt");
    bed_forget();
    ended_over_memory(1);
    CU_ASSERT_EQUAL(
        bed_count("tell p1 failed HAY_EFARM culprit 0 attempt 2 w1 report 101"),
        1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p2"), 1);
}

static void more_memory_is_tried_so_often_as_allowed(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.memory_retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    ended_over_memory(1);
    bed_dispatch();
    bed_forget();
    ended_over_memory(1);
    BED_EXPECT("tell p1 failed HAY_EFARM culprit 0 attempt 2 w0 report 101");
}

static void request_with_memory_is_doubled_in_all_its_variants(void)
{
    const struct hayi_variant variants[2] = {
        {.cores = 1, .memory_bytes = 600},
        {.cores = 2, .memory_bytes = 250},
    };
    struct hayi_event request = {
        .kind = HAYI_EVENT_REQUEST,
        .u.request = {.variants = variants, .count = 2},
    };
    struct hayi_event e = bed_task_event(1);
    join_with_memory(1, 1000);
    CU_ASSERT_EQUAL(bed_step(&request), HAY_OK);
    e.u.task.memory_retries = 2;
    e.u.task.needs.request = request.u.request.request & (HAYI_REQUEST_MAX - 1);
    e.u.task.needs.worker = 2;
    (void)bed_submit(&e);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 variant 0 prompt");
    ended_over_memory(1);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 2 priority 0 cores 2 variant 1 prompt");
    ended_over_memory(1);
    bed_dispatch(); /* twice 500 is just there */
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p1 attempt 3"), 1);
}

static void cancelled_task_gets_no_more_memory(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.memory_retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_started(1);
    bed_cancel(1, false);
    bed_forget();
    ended_over_memory(1);
    CU_ASSERT_EQUAL(bed_count("tell p1 "), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended"), 0);
}

static void news_of_older_attempts_is_dropped(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    struct bed_attempt first = bed.last[1];
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_dispatch();
    struct bed_attempt second = bed.last[1];
    bed_forget();
    bed.last[1] = first;
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_started(1);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(bed_stats().stale, 2);
    bed.last[1] = second;
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 2 w0 report 101");
    CU_ASSERT_EQUAL(bed_stats().stale, 3);
}

/* ---- cancel ------------------------------------------------------------ */

static void waiting_task_is_cancelled_at_once(void)
{
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_cancel(1, false);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0; "
        "answer 1001 HAY_OK; "
        "tell p2 cancelled HAY_ECANCELLED culprit 1 attempt 0 w0 report 0");
    bed_cancel(1, false);
    BED_EXPECT("answer 1001 HAY_EINVAL");
}

static void held_task_is_asked_back(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_forget();
    bed_cancel(1, false);
    BED_EXPECT("cancel w0 row 1 attempt 1; answer 1001 HAY_EPENDING");
    bed_cancel(1, false);
    BED_EXPECT("answer 1001 HAY_EPENDING");
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 0);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 101");
}

static void cancel_that_comes_too_late_changes_nothing(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_cancel(1, false);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
}

static void running_task_is_told_and_may_agree(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_started(1);
    bed_forget();
    bed_cancel(1, false);
    BED_EXPECT("cancel w0 row 1 attempt 1; answer 1001 HAY_ERUNNING");
    bed_cancel(1, true);
    BED_EXPECT("cancel w0 row 1 attempt 1 force; answer 1001 HAY_EPENDING");
    bed_cancel(1, false);
    BED_EXPECT("answer 1001 HAY_EPENDING");
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 500);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 report 101");
}

static void cancelled_task_is_not_tried_again(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_started(1);
    bed_cancel(1, false);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 report 101");
}

static void cancelled_task_that_comes_back_has_ended(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_cancel(1, false);
    bed_forget();
    bed_returned(1);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0");
}

static void returned_task_keeps_its_attempt_number(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_forget();
    bed_returned(1);
    BED_EXPECT("");
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1 prompt");
}

/* ---- close ------------------------------------------------------------- */

static void close_waits_for_what_is_there(void)
{
    struct hayi_event e = bed_task_event(3);
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_close(false);
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_ECLOSED);
    bed_dispatch();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("all_ended"), 0);
    bed_forget();
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102; "
               "all_ended");
    bed_close(true);
    bed_dispatch();
    BED_EXPECT("");
}

static void close_of_an_empty_farm_ends_it(void)
{
    bed_close(false);
    BED_EXPECT("all_ended");
}

static void close_cancels_what_has_not_begun(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1);
    bed_dispatch();
    bed_task(4, NULL);
    bed_started(1);
    bed_forget();
    bed_close(true);
    BED_EXPECT(
        "cancel w0 row 2 attempt 1 unstarted_only; "
        "tell p3 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0; "
        "tell p4 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0");
    bed_dispatch();
    bed_returned(2);
    BED_EXPECT(
        "tell p2 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0");
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101; "
               "all_ended");
}

static CU_TestInfo tests[] = {
    {"task_is_handed_out_and_told", task_is_handed_out_and_told},
    {"end_without_news_of_start_is_fine", end_without_news_of_start_is_fine},
    {"dependent_waits_for_all_its_inputs", dependent_waits_for_all_its_inputs},
    {"same_input_twice_counts_as_one_end", same_input_twice_counts_as_one_end},
    {"failure_names_the_first_culprit_down_the_line",
     failure_names_the_first_culprit_down_the_line},
    {"dependent_of_a_failure_may_ask_for_its_end_only",
     dependent_of_a_failure_may_ask_for_its_end_only},
    {"failed_one_of_two_inputs_ends_the_dependent_at_once",
     failed_one_of_two_inputs_ends_the_dependent_at_once},
    {"input_that_ended_before_the_submit_counts",
     input_that_ended_before_the_submit_counts},
    {"unknown_input_is_refused", unknown_input_is_refused},
    {"failed_task_is_tried_again", failed_task_is_tried_again},
    {"retried_task_rests_longer_each_time",
     retried_task_rests_longer_each_time},
    {"retried_task_goes_to_another_worker",
     retried_task_goes_to_another_worker},
    {"retried_task_stands_before_younger_ones",
     retried_task_stands_before_younger_ones},
    {"farm_failure_is_told_apart", farm_failure_is_told_apart},
    {"more_memory_is_tried_while_a_worker_has_it",
     more_memory_is_tried_while_a_worker_has_it},
    {"more_memory_is_tried_so_often_as_allowed",
     more_memory_is_tried_so_often_as_allowed},
    {"request_with_memory_is_doubled_in_all_its_variants",
     request_with_memory_is_doubled_in_all_its_variants},
    {"cancelled_task_gets_no_more_memory", cancelled_task_gets_no_more_memory},
    {"news_of_older_attempts_is_dropped", news_of_older_attempts_is_dropped},
    {"waiting_task_is_cancelled_at_once", waiting_task_is_cancelled_at_once},
    {"held_task_is_asked_back", held_task_is_asked_back},
    {"cancel_that_comes_too_late_changes_nothing",
     cancel_that_comes_too_late_changes_nothing},
    {"running_task_is_told_and_may_agree", running_task_is_told_and_may_agree},
    {"cancelled_task_is_not_tried_again", cancelled_task_is_not_tried_again},
    {"cancelled_task_that_comes_back_has_ended",
     cancelled_task_that_comes_back_has_ended},
    {"returned_task_keeps_its_attempt_number",
     returned_task_keeps_its_attempt_number},
    {"close_waits_for_what_is_there", close_waits_for_what_is_there},
    {"close_of_an_empty_farm_ends_it", close_of_an_empty_farm_ends_it},
    {"close_cancels_what_has_not_begun", close_cancels_what_has_not_begun},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/task", NULL, NULL, two_cores, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
