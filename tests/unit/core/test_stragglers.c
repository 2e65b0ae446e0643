/* test_stragglers.c - second attempts of tasks that take far too long. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

#define MS UINT64_C(1000000)

static void setup(void)
{
    bed_data_setup();
    bed_config.straggler_permille = 2000;
    bed_config.silence_ns = 0;
    bed_open();
}

/* Two workers; ten tasks of 50 ms are over, task 20 has run for 'ms'. */
static void with_straggler(const struct hayi_event *event, uint64_t ms)
{
    struct hayi_event e = *event;
    bed_join_on(0, 1, 1);
    bed_join_on(1, 1, 2);
    for (uint64_t id = 1; id <= 10; id++) {
        bed_task(id, NULL);
        bed_dispatch();
        bed_started(id);
        bed.now_ns += 50 * MS;
        bed_ended(id, HAYI_OUTCOME_FINISHED, 50 * MS);
    }
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    bed_started(20);
    bed_forget();
    bed.now_ns += ms * MS;
    bed_dispatch();
}

static void plain_straggler(uint64_t ms)
{
    struct hayi_event e = bed_task_event(20);
    with_straggler(&e, ms);
}

static struct bed_attempt first_of(uint64_t ms)
{
    struct bed_attempt first;
    plain_straggler(1);
    first = bed.last[20];
    bed.now_ns += ms * MS;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
    CU_ASSERT_EQUAL(bed.last[20].attempt, 2);
    CU_ASSERT_NOT_EQUAL(bed.last[20].worker, first.worker);
    CU_ASSERT_EQUAL(bed.last[20].task, first.task);
    bed_forget();
    return first;
}

static void end_of(const struct bed_attempt *a, enum hayi_outcome outcome)
{
    struct bed_attempt kept = bed.last[20];
    bed.last[20] = *a;
    bed_ended(20, outcome, 200 * MS);
    bed.last[20] = kept;
}

static void what_takes_its_usual_time_is_left_alone(void)
{
    plain_straggler(60);
    BED_EXPECT("");
    CU_ASSERT(hayi_sched_deadline_ns(bed.sched) < bed.now_ns + 200 * MS);
}

static void what_takes_far_too_long_gets_a_second_attempt(void)
{
    (void)first_of(300);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 1);
    bed.now_ns += 1000 * MS;
    bed_dispatch();
    BED_EXPECT(""); /* one is enough */
}

/* It says nothing of its memory limit if the other one goes on. */
static void who_is_over_memory_beside_another_does_not_grow(void)
{
    struct hayi_event e = bed_task_event(20);
    e.u.task.memory_retries = 1;
    with_straggler(&e, 300);
    CU_ASSERT_EQUAL_FATAL(bed.last[20].attempt, 2);
    bed_started(20);
    for (int i = 0; i < 2; i++) {
        struct hayi_event over = {
            .kind = HAYI_EVENT_ENDED,
            .u.ended = {.worker = bed.last[20].worker,
                        .task = bed.last[20].task,
                        .attempt = bed.last[20].attempt,
                        .outcome = HAYI_OUTCOME_FARM,
                        .cause = HAY_CAUSE_MEMORY_LIMIT,
                        .run_ns = 1000,
                        .report = 120},
        };
        bed_forget();
        if (i == 1) { /* the first attempt, which is the only one now */
            over.u.ended.worker = 1 - bed.last[20].worker;
            over.u.ended.attempt = 1;
        }
        CU_ASSERT_EQUAL(bed_step(&over), HAY_OK);
        CU_ASSERT_EQUAL(bed_count("attempt_ended p20"), 1);
        CU_ASSERT_EQUAL(bed_count("grown"), (size_t)i);
        CU_ASSERT_EQUAL(bed_count("tell p20"), 0);
    }
}

static void a_beaten_one_follows_nothing(void)
{
    struct bed_attempt first = first_of(300);
    struct bed_attempt second = bed.last[20];
    bed_started(20);
    bed_task(21, NULL);
    bed.last[20] = first;
    CU_ASSERT_TRUE(bed_follow(20, 21));
    bed.last[20] = second;
    CU_ASSERT_FALSE(bed_follow(20, 21));
}

static void nobody_gets_one_unless_it_is_asked_for(void)
{
    bed_teardown();
    bed_data_setup();
    bed_open();
    plain_straggler(100000);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), UINT64_MAX);
}

static void what_must_not_run_twice_gets_none(void)
{
    struct hayi_event e = bed_task_event(20);
    e.u.task.once = true;
    with_straggler(&e, 1000);
    BED_EXPECT("");
}

static void what_is_bound_to_its_worker_gets_none(void)
{
    struct hayi_event e = bed_task_event(20);
    e.u.task.needs.worker = 1;
    with_straggler(&e, 1000);
    BED_EXPECT("");
}

static void what_is_ready_goes_first(void)
{
    struct hayi_event e = bed_task_event(20);
    with_straggler(&e, 1);
    bed_task(21, NULL);
    bed.now_ns += 1000 * MS;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
    CU_ASSERT_EQUAL(bed_count("p21"), 1);
}

static void the_second_attempt_may_win(void)
{
    struct bed_attempt first = first_of(300);
    bed_started(20);
    BED_EXPECT(""); /* it runs already */
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    CU_ASSERT_EQUAL(bed_count("cancel w"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p20 attempt 1"), 1);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt 2 w"), 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
    CU_ASSERT_EQUAL(bed_stats().running, 1); /* the beaten one */
    bed_forget();
    end_of(&first, HAYI_OUTCOME_FINISHED);
    BED_EXPECT(""); /* too late: its result is nobody's */
    CU_ASSERT_EQUAL(bed_stats().running, 0);
    CU_ASSERT_EQUAL(bed_stats().stale, 0);
}

static void the_first_attempt_may_win(void)
{
    struct bed_attempt first = first_of(300);
    end_of(&first, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(bed_count("cancel w"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended"), 0); /* it had not begun */
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
    bed_forget();
    bed_ended(20, HAYI_OUTCOME_CANCELLED, 0);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(bed_stats().handed_out + bed_stats().running, 0);
}

static void the_winner_wakes_what_waits_for_the_task(void)
{
    const uint64_t after[] = {20, 0};
    (void)first_of(300);
    bed_task(30, after);
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("state p30 ready"), 1);
    CU_ASSERT_EQUAL(bed.last[30].worker, bed.last[20].worker);
}

static void a_first_attempt_that_fails_leaves_the_task_to_the_second(void)
{
    struct bed_attempt first = first_of(300);
    end_of(&first, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p20 attempt 1"), 1);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    bed_forget();
    bed_started(20);
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void a_second_attempt_that_fails_leaves_the_task_to_the_first(void)
{
    struct bed_attempt first = first_of(300);
    bed_started(20);
    bed_ended(20, HAYI_OUTCOME_FAILED, MS);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p20 attempt 2"), 1);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    bed_forget();
    end_of(&first, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(bed_count("tell p20 failed HAY_ETASK"), 1);
}

static void numbers_of_attempts_are_not_used_twice(void)
{
    struct hayi_event e = bed_task_event(20);
    e.u.task.retries = 1;
    with_straggler(&e, 1000);
    CU_ASSERT_EQUAL(bed.last[20].attempt, 2);
    bed_ended(20, HAYI_OUTCOME_FAILED, MS);
    bed.last[20].attempt = 1;
    bed.last[20].worker = 1 - bed.last[20].worker;
    bed_ended(20, HAYI_OUTCOME_FAILED, MS);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[20].attempt, 3);
}

static void made_again_it_has_a_further_number(void)
{
    hayi_object object = 0;
    struct bed_attempt first = first_of(300);
    struct bed_attempt second = bed.last[20];
    bed.last[20] = first;
    bed_made(20, 1, MIB, &object);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
    bed.last[20] = second;
    bed_ended(20, HAYI_OUTCOME_CANCELLED, 0);
    bed_lost(first.worker);
    bed_forget();
    bed_use2(30, object, 0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p20 attempt 3"), 1);
}

static void one_that_failed_is_the_last_that_had_a_second(void)
{
    struct bed_attempt first = first_of(300);
    end_of(&first, HAYI_OUTCOME_FAILED);
    bed_started(20);
    bed_forget();
    bed.now_ns += 1000 * MS;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 0);
    bed_ended(20, HAYI_OUTCOME_FAILED, MS);
    CU_ASSERT_EQUAL(bed_count("tell p20 failed HAY_ETASK"), 1);
}

static void a_lost_worker_leaves_the_task_to_the_other_one(void)
{
    struct bed_attempt first = first_of(300);
    bed_started(20);
    bed_lost(first.worker);
    CU_ASSERT_EQUAL(bed_count("1 of 1 again"), 1);
    CU_ASSERT_EQUAL(bed_count("attempt_ended p20 attempt 1"), 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 0);
    bed_forget();
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
    CU_ASSERT_EQUAL(bed_stats().running, 0);
}

static void the_loss_of_the_second_attempt_changes_nothing(void)
{
    struct bed_attempt first = first_of(300);
    bed_lost(bed.last[20].worker);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    end_of(&first, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
}

static void a_beaten_attempt_may_be_lost(void)
{
    struct bed_attempt first = first_of(300);
    bed_started(20);
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    bed_forget();
    bed_lost(first.worker);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    CU_ASSERT_EQUAL(bed_stats().running, 0);
}

static void a_cancel_reaches_both_attempts(void)
{
    struct bed_attempt first = first_of(300);
    bed_started(20);
    bed_cancel(20, true);
    CU_ASSERT_EQUAL(bed_count("cancel w"), 2);
    bed_ended(20, HAYI_OUTCOME_CANCELLED, MS);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    end_of(&first, HAYI_OUTCOME_CANCELLED);
    CU_ASSERT_EQUAL(bed_count("tell p20 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_stats().running, 0);
}

static void a_second_attempt_may_come_back(void)
{
    struct bed_attempt first = first_of(300);
    bed_returned(20);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    CU_ASSERT_EQUAL(bed_stats().handed_out, 0);
    end_of(&first, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(bed_count("tell p20 finished"), 1);
}

/* Its row is not that of its task, whose name the worker knows. */
static void a_second_attempt_that_claims_is_answered_by_its_name(void)
{
    struct hayi_actions actions;
    (void)first_of(300);
    bed_started(20);
    struct hayi_event e = {.kind = HAYI_EVENT_CLAIM};
    e.u.claim.worker = bed.last[20].worker;
    e.u.claim.task = bed.last[20].task;
    e.u.claim.attempt = bed.last[20].attempt;
    e.u.claim.cookie = 7;
    hayi_actions_init(&actions);
    CU_ASSERT_EQUAL(hayi_sched_step(bed.sched, bed.now_ns, &e, &actions),
                    HAY_OK);
    CU_ASSERT_EQUAL_FATAL(actions.count, 1);
    const struct hayi_action *a = &actions.list[0];
    CU_ASSERT_EQUAL(a->kind, HAYI_ACTION_CLAIM_DENIED);
    CU_ASSERT_EQUAL(a->u.claim_denied.worker, bed.last[20].worker);
    CU_ASSERT_EQUAL(a->u.claim_denied.task, bed.last[20].task);
    CU_ASSERT_EQUAL(a->u.claim_denied.attempt, bed.last[20].attempt);
    CU_ASSERT_EQUAL(a->u.claim_denied.cookie, 7);
    hayi_actions_fini(&actions);
}

static void nothing_waits_for_a_beaten_attempt(void)
{
    (void)first_of(300);
    bed_close(false);
    bed_ended(20, HAYI_OUTCOME_FINISHED, 50 * MS);
    CU_ASSERT_EQUAL(bed_count("all_ended"), 1);
}

static void end_range(size_t i)
{
    bed_range_started(i);
    bed.now_ns += bed.ranges[i].count * MS;
    bed_range_ended(i, bed.ranges[i].count, 0, bed.ranges[i].count * MS);
    bed_dispatch();
}

static void ranges_of_maps_get_second_attempts(void)
{
    struct hayi_event e = bed_map_event(1, 100);
    size_t i = 0;
    bed_join(0, 1);
    bed_join(1, 1);
    (void)bed_submit(&e);
    bed_dispatch();
    while (bed_stats().ready > 0 || i + 1 < bed.range_count) {
        end_range(i++);
    }
    bed_range_started(i); /* the last one */
    bed_forget();
    bed.now_ns += 20000 * MS;
    bed_dispatch();
    CU_ASSERT_EQUAL_FATAL(bed.range_count, i + 2);
    CU_ASSERT_EQUAL(bed.ranges[i + 1].first, bed.ranges[i].first);
    CU_ASSERT_EQUAL(bed.ranges[i + 1].count, bed.ranges[i].count);
    bed_forget();
    end_range(i + 1);
    CU_ASSERT_EQUAL(bed_count("cancel w"), 1);
    CU_ASSERT_EQUAL(bed_count("range_ended p1"), 1);
    CU_ASSERT_EQUAL(bed_count("tell p1 finished"), 1);
    bed_forget();
    bed_range_ended(i, bed.ranges[i].count, 0, MS);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(bed_stats().running, 0);
}

/* The client stops the map while one of its ranges runs twice. */
static void a_cancelled_map_ends_with_both_attempts_of_a_range(void)
{
    struct hayi_event e = bed_map_event(1, 100);
    size_t i = 0;
    bed_join(0, 1);
    bed_join(1, 1);
    (void)bed_submit(&e);
    bed_dispatch();
    while (bed_stats().ready > 0 || i + 1 < bed.range_count) {
        end_range(i++);
    }
    bed_range_started(i);
    bed.now_ns += 20000 * MS;
    bed_dispatch();
    bed_forget();
    bed_cancel(1, false);
    CU_ASSERT_EQUAL(bed_count("cancel w"), 2);
    bed_range_outcome(i + 1, HAYI_OUTCOME_CANCELLED, 0);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    bed_range_outcome(i, HAYI_OUTCOME_CANCELLED, 0);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_stats().running + bed_stats().handed_out, 0);
}

static CU_TestInfo tests[] = {
    {"what_takes_its_usual_time_is_left_alone",
     what_takes_its_usual_time_is_left_alone},
    {"what_takes_far_too_long_gets_a_second_attempt",
     what_takes_far_too_long_gets_a_second_attempt},
    {"who_is_over_memory_beside_another_does_not_grow",
     who_is_over_memory_beside_another_does_not_grow},
    {"a_beaten_one_follows_nothing", a_beaten_one_follows_nothing},
    {"nobody_gets_one_unless_it_is_asked_for",
     nobody_gets_one_unless_it_is_asked_for},
    {"what_must_not_run_twice_gets_none", what_must_not_run_twice_gets_none},
    {"what_is_bound_to_its_worker_gets_none",
     what_is_bound_to_its_worker_gets_none},
    {"what_is_ready_goes_first", what_is_ready_goes_first},
    {"the_second_attempt_may_win", the_second_attempt_may_win},
    {"the_first_attempt_may_win", the_first_attempt_may_win},
    {"the_winner_wakes_what_waits_for_the_task",
     the_winner_wakes_what_waits_for_the_task},
    {"a_first_attempt_that_fails_leaves_the_task_to_the_second",
     a_first_attempt_that_fails_leaves_the_task_to_the_second},
    {"a_second_attempt_that_fails_leaves_the_task_to_the_first",
     a_second_attempt_that_fails_leaves_the_task_to_the_first},
    {"numbers_of_attempts_are_not_used_twice",
     numbers_of_attempts_are_not_used_twice},
    {"made_again_it_has_a_further_number", made_again_it_has_a_further_number},
    {"one_that_failed_is_the_last_that_had_a_second",
     one_that_failed_is_the_last_that_had_a_second},
    {"a_lost_worker_leaves_the_task_to_the_other_one",
     a_lost_worker_leaves_the_task_to_the_other_one},
    {"the_loss_of_the_second_attempt_changes_nothing",
     the_loss_of_the_second_attempt_changes_nothing},
    {"a_beaten_attempt_may_be_lost", a_beaten_attempt_may_be_lost},
    {"a_cancel_reaches_both_attempts", a_cancel_reaches_both_attempts},
    {"a_second_attempt_may_come_back", a_second_attempt_may_come_back},
    {"a_second_attempt_that_claims_is_answered_by_its_name",
     a_second_attempt_that_claims_is_answered_by_its_name},
    {"nothing_waits_for_a_beaten_attempt", nothing_waits_for_a_beaten_attempt},
    {"ranges_of_maps_get_second_attempts", ranges_of_maps_get_second_attempts},
    {"a_cancelled_map_ends_with_both_attempts_of_a_range",
     a_cancelled_map_ends_with_both_attempts_of_a_range},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/stragglers", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
