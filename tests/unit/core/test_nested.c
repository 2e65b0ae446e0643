/* test_nested.c - tasks in tasks: children, waiting, claims, following. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

static void one_core(void)
{
    bed_setup();
    bed_open();
    bed_join(0, 1);
}

/* Task 'id' runs. */
static void run(uint64_t id)
{
    bed_dispatch();
    bed_started(id);
    bed_forget();
}

static void child_takes_the_cores_of_its_waiting_parent(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    BED_EXPECT("");
    bed_suspended(1, 2);
    CU_ASSERT_EQUAL(bed_stats().suspended, 1);
    BED_STORY(1, "attempt 1 at worker 0, waits for task 2");
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt");
    bed_started(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("state p2 running w0; "
               "tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102");
    BED_STORY(1, "attempt 1 at worker 0, waited and will go on");
    bed_resumed(1);
    CU_ASSERT_EQUAL(bed_stats().suspended, 0);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
}

static void deeper_tasks_go_first_whatever_their_age(void)
{
    bed_task(1, NULL);
    run(1);
    for (uint64_t id = 2; id < 5; id++) {
        bed_task(id, NULL);
    }
    bed_child(9, 1, NULL);
    bed_suspended(1, 9);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[9].attempt, 1);
    bed_forget();
    bed_started(9);
    bed_child(10, 9, NULL);
    bed_suspended(9, 0);
    BED_STORY(9, "attempt 1 at worker 0, waits for several of its tasks");
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p10 attempt 1 priority 0 cores 1 depth 2 prompt");
}

static void deeper_task_calls_back_what_is_held_in_its_place(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1; "
               "hand_out w0 p2 attempt 1 priority 0 cores 1");
    bed_started(1);
    bed_child(3, 1, NULL);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("recall w0 count 1 below 0 depth 1");
    bed_returned(2);
    bed_recall_done(0);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static void resumed_attempt_may_book_more_cores_than_there_are(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_child(3, 1, NULL);
    bed_suspended(1, 2);
    run(2);
    bed_suspended(2, 0);
    bed_resumed(1);
    bed_resumed(2);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().suspended, 0);
    bed_started(3);
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void suspended_attempt_may_end(void)
{
    bed_task(1, NULL);
    run(1);
    bed_suspended(1, 0);
    bed_cancel(1, true);
    BED_EXPECT("cancel w0 row 1 attempt 1 force; answer 1001 HAY_EPENDING");
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 1000);
    BED_EXPECT("tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 "
               "report 101");
    CU_ASSERT_EQUAL(bed_stats().suspended, 0);
}

static void suspended_tells_of_the_start_too(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    bed_forget();
    bed_suspended(1, 0);
    BED_EXPECT("state p1 running w0");
}

static void news_of_an_attempt_that_does_not_wait_is_stale(void)
{
    bed_task(1, NULL);
    run(1);
    bed_resumed(1);
    CU_ASSERT_EQUAL(bed_stats().stale, 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_suspended(1, 0);
    bed_claim(1, 0);
    CU_ASSERT_EQUAL(bed_stats().stale, 3);
}

/* ---- claims ------------------------------------------------------------ */

static void claimed_child_runs_on_the_cores_of_its_parent(void)
{
    bed_task(1, NULL);
    run(1);
    bed_task(2, NULL); /* is held ahead */
    bed_dispatch();
    bed_forget();
    bed_child(3, 1, NULL);
    bed_claim(1, 3);
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1 inline of "
               "row 1 prompt");
    bed_started(3);
    BED_STORY(3, "attempt 1 at worker 0, within task 1");
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void held_child_is_called_back_for_its_parent(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt");
    bed_claim(1, 2);
    BED_EXPECT("cancel w0 row 2 attempt 1 unstarted_only");
    bed_ended(2, HAYI_OUTCOME_CANCELLED, 0);
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 inline of "
               "row 1 prompt");
}

static void child_that_has_begun_cannot_be_claimed(void)
{
    bed_join(1, 1);
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_dispatch();
    bed_forget();
    bed_claim(1, 2);
    BED_EXPECT("cancel w1 row 2 attempt 1 unstarted_only");
    bed_started(2);
    BED_EXPECT("state p2 running w1; claim_denied 1001 w0");
    bed_claim(1, 2);
    BED_EXPECT("claim_denied 1001 w0");
    bed_suspended(1, 2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_claim(1, 2);
    BED_EXPECT("claim_denied 1001 w0");
}

static void child_of_a_lost_worker_is_claimed(void)
{
    bed_join(1, 1);
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_dispatch();
    bed_claim(1, 2);
    bed_forget();
    bed_lost(1);
    BED_EXPECT("worker_lost w1, 1 of 1 again; "
               "attempt_ended p2 attempt 1 w1 farm report 0; "
               "state p2 ready w0; "
               "hand_out w0 p2 attempt 2 priority 0 cores 1 depth 1 inline of "
               "row 1 prompt");
}

static void input_of_a_pending_child_is_handed_out_in_its_place(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_child(3, 1, (const uint64_t[]){2, 0});
    bed_claim(1, 3);
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 inline of "
               "row 1 prompt");
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_claim(1, 3);
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1 inline of "
               "row 1 prompt");
}

static void child_that_needs_more_than_its_parent_has_is_not_claimed(void)
{
    bed_join(1, 2);
    bed_task(1, NULL);
    run(1);
    struct hayi_event e = bed_task_event(2);
    e.u.task.needs.cores = 2;
    e.u.task.parent = bed.last[1].task;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_claim(1, 2);
    BED_EXPECT("claim_denied 1001 w1");
    bed_claim(1, 0);
    BED_EXPECT("claim_denied 1001 w1");
    bed_suspended(1, 2);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p2 attempt 1 priority 0 cores 2 depth 1 prompt");
}

static void attempt_within_another_one_waits_for_both(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_claim(1, 2);
    bed_started(2);
    bed_child(3, 2, NULL);
    bed_forget();
    bed_suspended(2, 3);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 2 prompt");
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    bed_resumed(2);
    bed_forget();
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102; "
               "tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
}

static void claimed_child_may_be_returned(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_claim(1, 2);
    bed_returned(2);
    bed_forget();
    bed_suspended(1, 2);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt");
}

/* ---- ends --------------------------------------------------------------- */

static void children_outlive_their_parent(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101");
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt");
    /* The parent of this one has ended already. */
    struct hayi_event e = bed_task_event(3);
    e.u.task.parent = bed.last[1].task;
    e.u.task.depth = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 depth 1");
}

static void tasks_submit_after_close(void)
{
    bed_task(1, NULL);
    run(1);
    bed_close(false);
    bed_child(2, 1, NULL);
    struct hayi_event e = bed_task_event(3);
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_ECLOSED);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt; "
               "tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102; "
               "all_ended");
    e.u.task.parent = bed.last[1].task;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_ECLOSED);
}

static void close_that_cancels_cancels_what_tasks_submit(void)
{
    bed_task(1, NULL);
    run(1);
    bed_close(true);
    bed_child(2, 1, NULL);
    BED_EXPECT("tell p2 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0");
}

static void nested_cancel_reaches_all_descendants(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_suspended(1, 2);
    run(2);
    bed_child(3, 2, NULL);
    bed_child(4, 2, (const uint64_t[]){3, 0});
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000); /* 3 and 4 go on */
    run(3);
    bed_child(5, 3, NULL);
    bed_forget();
    bed_cancel_nested(1, false);
    BED_EXPECT("cancel w0 row 1 attempt 1; answer 1001 HAY_ERUNNING; "
               "cancel w0 row 3 attempt 1; "
               "tell p4 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0; "
               "tell p5 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0");
    bed_child(6, 3, NULL);
    BED_EXPECT("tell p6 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0");
    bed_cancel_nested(1, true);
    BED_EXPECT("cancel w0 row 1 attempt 1 force; answer 1001 HAY_EPENDING; "
               "cancel w0 row 3 attempt 1 force");
    bed_ended(3, HAYI_OUTCOME_CANCELLED, 1000);
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 1000);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void plain_cancel_leaves_children_alone(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_cancel(1, true);
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static void children_that_nobody_wants_do_not_begin(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    run(1);
    bed_child(2, 1, NULL);
    bed_child(3, 1, (const uint64_t[]){2, 0});
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_forget();
    bed_unwanted(2); /* task 3 needs it */
    BED_EXPECT("");
    bed_unwanted(3);
    bed_unwanted(2);
    BED_EXPECT("tell p3 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0; "
               "tell p2 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0");
    run(1);
    bed_child(4, 1, NULL);
    bed_suspended(1, 4);
    run(4);
    bed_unwanted(4); /* it runs */
    BED_EXPECT("");
}

/* ---- following --------------------------------------------------------- */

static void follower_ends_with_what_it_follows(void)
{
    bed_task(1, NULL);
    bed_task(5, (const uint64_t[]){1, 0});
    run(1);
    bed_child(2, 1, NULL);
    CU_ASSERT_TRUE(bed_follow(1, 2));
    CU_ASSERT_FALSE(bed_follow(1, 2)); /* it has ended */
    BED_EXPECT("");
    BED_STORY(1, "its result is that of task 2, which has not ended");
    run(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102; "
               "tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101 "
               "followed; "
               "state p5 ready w0");
}

static void follower_fails_with_what_it_follows(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_follow(1, 2);
    run(2);
    bed_ended(2, HAYI_OUTCOME_FAILED, 1000);
    BED_EXPECT("tell p2 failed HAY_ETASK culprit 0 attempt 1 w0 report 102; "
               "tell p1 failed HAY_EDEPENDENCY culprit 2 attempt 1 w0 "
               "report 101 followed");
}

static void follower_of_an_ended_task_ends_at_once(void)
{
    struct hayi_dep dep = {.ended = HAY_FINISHED};
    bed_task(1, NULL);
    run(1);
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.task = bed.last[1].task;
    e.u.ended.attempt = 1;
    e.u.ended.report = 101;
    e.u.ended.follow = &dep;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101 "
               "followed");
}

static void follower_can_be_cancelled(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_follow(1, 2);
    bed_cancel(1, false);
    BED_EXPECT("tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 "
               "report 0; answer 1001 HAY_OK");
    run(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w0 report 102");
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void task_cannot_follow_itself(void)
{
    bed_task(1, NULL);
    run(1);
    struct hayi_dep dep = {.task = bed.task[1]};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.task = bed.last[1].task;
    e.u.ended.attempt = 1;
    e.u.ended.follow = &dep;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_EINVAL);
}

static void tasks_cannot_follow_each_other_in_a_circle(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, NULL);
    run(1);
    bed_follow(1, 2);
    run(2);
    bed_follow(2, 3);
    run(3);
    struct hayi_dep dep = {.task = bed.task[1]};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.task = bed.last[3].task;
    e.u.ended.attempt = 1;
    e.u.ended.follow = &dep;
    CU_ASSERT_TRUE(hayi_sched_circular(bed.sched, bed.task[3], bed.task[1]));
    CU_ASSERT_FALSE(hayi_sched_circular(bed.sched, bed.task[1], bed.task[3]));
    CU_ASSERT_EQUAL(bed_step(&e), HAY_EINVAL);
}

/* ---- lost workers ---------------------------------------------------------
 */

static void suspended_attempt_of_a_lost_worker_runs_again(void)
{
    bed_join(1, 1);
    bed_task(1, NULL);
    run(1);
    CU_ASSERT_EQUAL(bed.last[1].worker, 0);
    bed_child(2, 1, NULL);
    run(2);
    bed_suspended(1, 2);
    CU_ASSERT_EQUAL(bed.last[2].worker, 1);
    bed_lost(0);
    BED_EXPECT("worker_lost w0, 1 of 1 again; "
               "attempt_ended p1 attempt 1 w0 farm report 0; "
               "state p1 ready w0");
    CU_ASSERT_EQUAL(bed_stats().suspended, 0);
    /* The old child runs on, the new attempt submits its own. */
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p2 finished HAY_OK culprit 0 attempt 1 w1 report 102");
    run(1);
    bed_child(3, 1, NULL);
    bed_suspended(1, 3);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p3 attempt 1 priority 0 cores 1 depth 1 prompt");
}

static void resumed_attempt_of_a_lost_worker_runs_again(void)
{
    bed_task(1, NULL);
    run(1);
    bed_suspended(1, 0);
    bed_resumed(1);
    bed_lost(0);
    BED_EXPECT("worker_lost w0, 1 of 1 again; "
               "attempt_ended p1 attempt 1 w0 farm report 0; "
               "state p1 ready w0");
    bed_join(1, 1);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 2 priority 0 cores 1 prompt");
}

static void tower_of_a_lost_worker_runs_again(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_claim(1, 2);
    bed_started(2);
    bed_child(3, 2, NULL);
    bed_claim(2, 3);
    bed_started(3);
    bed_suspended(3, 0);
    bed_join(1, 1);
    bed_forget();
    bed_lost(0);
    BED_EXPECT("worker_lost w0, 3 of 3 again; "
               "attempt_ended p1 attempt 1 w0 farm report 0; "
               "state p1 ready w0; "
               "attempt_ended p2 attempt 1 w0 farm report 0; "
               "state p2 ready w0; "
               "attempt_ended p3 attempt 1 w0 farm report 0; "
               "state p3 ready w0");
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[3].worker, 1);
    CU_ASSERT_EQUAL(bed.last[3].attempt, 2);
}

static void follower_does_not_mind_that_its_worker_is_lost(void)
{
    bed_join(1, 1);
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_follow(1, 2);
    bed_dispatch();
    uint32_t worker = bed.last[2].worker;
    bed_forget();
    bed_lost(worker);
    bed_forget();
    run(2);
    CU_ASSERT_EQUAL(bed.last[2].attempt, 2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p1 finished HAY_OK"), 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static CU_TestInfo tests[] = {
    {"child_takes_the_cores_of_its_waiting_parent",
     child_takes_the_cores_of_its_waiting_parent},
    {"deeper_tasks_go_first_whatever_their_age",
     deeper_tasks_go_first_whatever_their_age},
    {"deeper_task_calls_back_what_is_held_in_its_place",
     deeper_task_calls_back_what_is_held_in_its_place},
    {"resumed_attempt_may_book_more_cores_than_there_are",
     resumed_attempt_may_book_more_cores_than_there_are},
    {"suspended_attempt_may_end", suspended_attempt_may_end},
    {"suspended_tells_of_the_start_too", suspended_tells_of_the_start_too},
    {"news_of_an_attempt_that_does_not_wait_is_stale",
     news_of_an_attempt_that_does_not_wait_is_stale},
    {"claimed_child_runs_on_the_cores_of_its_parent",
     claimed_child_runs_on_the_cores_of_its_parent},
    {"held_child_is_called_back_for_its_parent",
     held_child_is_called_back_for_its_parent},
    {"child_that_has_begun_cannot_be_claimed",
     child_that_has_begun_cannot_be_claimed},
    {"child_of_a_lost_worker_is_claimed", child_of_a_lost_worker_is_claimed},
    {"input_of_a_pending_child_is_handed_out_in_its_place",
     input_of_a_pending_child_is_handed_out_in_its_place},
    {"child_that_needs_more_than_its_parent_has_is_not_claimed",
     child_that_needs_more_than_its_parent_has_is_not_claimed},
    {"attempt_within_another_one_waits_for_both",
     attempt_within_another_one_waits_for_both},
    {"claimed_child_may_be_returned", claimed_child_may_be_returned},
    {"children_outlive_their_parent", children_outlive_their_parent},
    {"tasks_submit_after_close", tasks_submit_after_close},
    {"close_that_cancels_cancels_what_tasks_submit",
     close_that_cancels_cancels_what_tasks_submit},
    {"nested_cancel_reaches_all_descendants",
     nested_cancel_reaches_all_descendants},
    {"plain_cancel_leaves_children_alone", plain_cancel_leaves_children_alone},
    {"children_that_nobody_wants_do_not_begin",
     children_that_nobody_wants_do_not_begin},
    {"follower_ends_with_what_it_follows", follower_ends_with_what_it_follows},
    {"follower_fails_with_what_it_follows",
     follower_fails_with_what_it_follows},
    {"follower_of_an_ended_task_ends_at_once",
     follower_of_an_ended_task_ends_at_once},
    {"follower_can_be_cancelled", follower_can_be_cancelled},
    {"task_cannot_follow_itself", task_cannot_follow_itself},
    {"tasks_cannot_follow_each_other_in_a_circle",
     tasks_cannot_follow_each_other_in_a_circle},
    {"suspended_attempt_of_a_lost_worker_runs_again",
     suspended_attempt_of_a_lost_worker_runs_again},
    {"resumed_attempt_of_a_lost_worker_runs_again",
     resumed_attempt_of_a_lost_worker_runs_again},
    {"tower_of_a_lost_worker_runs_again", tower_of_a_lost_worker_runs_again},
    {"follower_does_not_mind_that_its_worker_is_lost",
     follower_does_not_mind_that_its_worker_is_lost},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/nested", NULL, NULL, one_core, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
