/* test_dispatch.c - who gets what: order, placement, work ahead, recalls. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

#include <string.h>

#define MS UINT64_C(1000000)

static void setup(void)
{
    bed_setup();
}

static void open_with(uint32_t workers, uint32_t cores)
{
    bed_open();
    for (uint32_t w = 0; w < workers; w++) {
        bed_join(w, cores);
    }
}

static void submit(uint64_t id, int32_t priority, uint32_t cores)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.priority = priority;
    e.u.task.needs.cores = cores;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

/* Let the scheduler learn that tasks take so long. */
static void teach(uint64_t run_ns)
{
    for (int i = 0; i < 20; i++) {
        bed_task(63, NULL);
        bed_dispatch();
        bed_ended(63, HAYI_OUTCOME_FINISHED, run_ns);
    }
    bed_forget();
}

static void higher_priority_goes_first_then_age(void)
{
    open_with(1, 1);
    submit(1, 0, 1);
    submit(2, 5, 1);
    submit(3, 5, 1);
    submit(4, -1, 1);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p2 attempt 1 priority 5 cores 1; "
               "hand_out w0 p3 attempt 1 priority 5 cores 1");
}

static void priority_counts_across_classes(void)
{
    open_with(1, 4);
    submit(1, 0, 1);
    submit(2, 1, 2);
    submit(3, 2, 1);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 2 cores 1 prompt; "
               "hand_out w0 p2 attempt 1 priority 1 cores 2 prompt; "
               "hand_out w0 p1 attempt 1 priority 0 cores 1");
}

static void many_priorities_come_in_order(void)
{
    open_with(1, 1);
    for (uint64_t id = 1; id <= 50; id++) {
        submit(id, (int32_t)(id * 37 % 53), 1);
    }
    int32_t lowest = INT32_MAX; /* of what was handed out before */
    for (uint64_t n = 0; n < 50; n++) {
        int32_t low = INT32_MAX;
        bed_forget();
        bed_dispatch();
        for (uint64_t id = 1; id <= 50; id++) {
            struct bed_attempt *a = &bed.last[id];
            int32_t priority = (int32_t)(id * 37 % 53);
            if (a->attempt == 0) {
                continue;
            }
            bed_ended(id, HAYI_OUTCOME_FINISHED, 2000 * MS);
            a->attempt = 0;
            CU_ASSERT(priority <= lowest);
            low = priority < low ? priority : low;
        }
        lowest = low;
    }
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void most_idle_worker_is_taken(void)
{
    open_with(1, 2);
    bed_join(1, 4);
    for (uint64_t id = 1; id <= 4; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].worker, 1);
    CU_ASSERT_EQUAL(bed.last[2].worker, 1);
    CU_ASSERT_EQUAL(bed.last[3].worker, 0); /* a tie: by index, seed 0 */
    CU_ASSERT_EQUAL(bed.last[4].worker, 1);
}

static void seed_orders_equal_workers(void)
{
    uint32_t seen = 0;
    for (uint64_t seed = 1; seed < 40; seed++) {
        bed_config.seed = seed;
        open_with(8, 1);
        bed_task(1, NULL);
        bed_dispatch();
        seen |= 1u << bed.last[1].worker;
        bed_teardown();
        bed_forget();
    }
    CU_ASSERT_EQUAL(seen, 255);
}

static void pinned_task_waits_for_its_worker(void)
{
    struct hayi_event e = bed_task_event(1);
    open_with(3, 1);
    e.u.task.needs.worker = 3;
    (void)bed_submit(&e);
    bed_dispatch();
    BED_EXPECT("hand_out w2 p1 attempt 1 priority 0 cores 1 prompt");
}

static void wide_task_gets_a_worker_that_is_wide_enough(void)
{
    open_with(3, 2);
    bed_join(3, 4);
    bed_task(1, NULL); /* on the widest */
    submit(2, 0, 4);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].worker, 3);
    CU_ASSERT_EQUAL(bed.last[2].worker, 3);
}

static void memory_is_never_overbooked(void)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    bed_open();
    e.u.joined.cores = 8;
    e.u.joined.memory_bytes = 100;
    (void)bed_step(&e);
    for (uint64_t id = 1; id <= 4; id++) {
        e = bed_task_event(id);
        e.u.task.needs.memory_bytes = 40;
        (void)bed_submit(&e);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 2);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 0 cores 1 prompt");
}

static void unknown_tasks_are_held_one_ahead(void)
{
    open_with(1, 2);
    for (uint64_t id = 1; id <= 20; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 4);
}

static size_t held_of_20(uint64_t run_ns)
{
    teach(run_ns);
    for (uint64_t id = 1; id <= 20; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    return bed_count("hand_out");
}

static void short_tasks_are_held_ahead_by_their_duration(void)
{
    open_with(1, 1);
    CU_ASSERT_EQUAL(held_of_20(MS / 2), 1 + 4); /* 2 ms ahead */
}

static void tiny_tasks_are_held_ahead_up_to_the_limit(void)
{
    bed_config.ahead_max = 10;
    open_with(1, 1);
    CU_ASSERT_EQUAL(held_of_20(50), 1 + 10);
}

static void long_tasks_are_not_held_ahead(void)
{
    open_with(2, 1);
    CU_ASSERT_EQUAL(held_of_20(3000 * MS), 2);
}

static void long_task_is_held_ahead_by_an_only_worker(void)
{
    open_with(1, 1);
    CU_ASSERT_EQUAL(held_of_20(3000 * MS), 2);
}

static void work_ahead_is_spread_evenly(void)
{
    open_with(4, 1);
    teach(MS);
    for (uint64_t id = 1; id <= 12; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    size_t of[4] = {0};
    for (uint64_t id = 1; id <= 12; id++) {
        of[bed.last[id].worker]++;
    }
    for (int w = 0; w < 4; w++) {
        CU_ASSERT_EQUAL(of[w], 3);
    }
}

static void prompt_when_others_wait_or_starve(void)
{
    const uint64_t after_2[] = {2, 0};
    open_with(1, 1);
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_2);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1; "
               "hand_out w0 p2 attempt 1 priority 0 cores 1 prompt");
}

/* ---- recalls ----------------------------------------------------------- */

/* One worker of one core holds five tasks of 'run_ns', then another joins. */
static void one_holds_all(uint64_t run_ns)
{
    bed_config.ahead_ns = 5 * run_ns;
    open_with(1, 1);
    teach(run_ns);
    for (uint64_t id = 1; id <= 5; id++) {
        bed_task(id, NULL);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 5);
    bed_started(1);
    bed_join(1, 1);
    bed_forget();
}

static void idle_worker_gets_half_of_what_another_holds(void)
{
    one_holds_all(MS);
    bed_dispatch();
    BED_EXPECT("recall w0 count 2 below 2147483647");
    bed_dispatch();
    BED_EXPECT(""); /* one at a time */
    bed_returned(5);
    bed_returned(4);
    bed_recall_done(0);
    BED_EXPECT("");
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[4].worker, 1);
    CU_ASSERT_EQUAL(bed.last[5].worker, 1);
}

static void recall_in_vain_is_not_repeated_before_a_change(void)
{
    one_holds_all(MS);
    bed_dispatch();
    bed_recall_done(0);
    bed_forget();
    bed_dispatch();
    bed.now_ns += 50 * MS;
    bed_dispatch();
    BED_EXPECT("");
    bed_ended(1, HAYI_OUTCOME_FINISHED, MS);
    bed_forget();
    bed.now_ns += MS;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("recall w0"), 1);
}

/* An idle worker joins, has all unstarted tasks recalled, and is lost before
 * they are back. */
static void bounce(uint32_t w, uint64_t first)
{
    bed_dispatch();
    bed_lost(w);
    for (uint64_t id = 5; id >= first; id--) {
        bed_returned(id);
    }
    bed_recall_done(0);
    bed_dispatch();
    for (uint64_t id = first; id <= 5; id++) {
        CU_ASSERT_EQUAL(bed.last[id].worker, 0);
    }
    bed_join(w + 1, 1);
    bed_forget();
}

static void what_bounced_is_recalled_again_though_nothing_ends(void)
{
    one_holds_all(MS);
    bounce(1, 4);
    bounce(2, 2); /* all of them, this time */
    bed_dispatch();
    BED_EXPECT("");
    uint64_t at = hayi_sched_deadline_ns(bed.sched);
    CU_ASSERT_EQUAL(at, bed.now_ns + 10 * MS);
    bed.now_ns = at;
    bed_dispatch();
    BED_EXPECT("recall w0 count 4 below 2147483647");
    bounce(3, 2);
    bed_dispatch();
    BED_EXPECT("");
    /* Now it takes longer. */
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), bed.now_ns + 20 * MS);
}

static void tiny_work_stays_where_it_is(void)
{
    one_holds_all(MS / 100);
    bed_dispatch();
    BED_EXPECT("");
    uint64_t at = hayi_sched_deadline_ns(bed.sched);
    CU_ASSERT(at > bed.now_ns);
    CU_ASSERT(at <= bed.now_ns + 2 * MS);
    /* But not if the worker is stuck with it. */
    bed.now_ns = at;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("recall w0"), 1);
}

static void what_may_not_move_is_not_recalled(void)
{
    open_with(1, 1);
    for (uint64_t id = 1; id <= 2; id++) {
        struct hayi_event e = bed_task_event(id);
        e.u.task.needs.worker = 1;
        (void)bed_submit(&e);
    }
    bed_dispatch();
    bed_join(1, 1);
    bed_forget();
    bed.now_ns += 50 * MS;
    bed_dispatch();
    BED_EXPECT("");
}

static void higher_priority_calls_lower_ones_back(void)
{
    open_with(1, 1);
    submit(1, 0, 1);
    submit(2, 0, 1);
    bed_dispatch();
    bed_started(1);
    submit(3, 7, 1);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("recall w0 count 1 below 7");
    bed_returned(2);
    bed_recall_done(0);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p3 attempt 1 priority 7 cores 1");
}

static void equal_priority_calls_nothing_back(void)
{
    open_with(1, 1);
    for (uint64_t id = 1; id <= 5; id++) {
        submit(id, 3, 1);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("recall"), 0);
}

static void idle_worker_of_a_range_gets_it(void)
{
    struct hayi_event e = bed_map_event(1, 2);
    open_with(1, 1);
    (void)bed_submit(&e);
    bed_dispatch();
    bed_range_started(0);
    bed_join(1, 1);
    bed_forget();
    bed_dispatch();
    BED_EXPECT("recall w0 count 1 below 2147483647");
    bed_range_returned(1);
    bed_recall_done(0);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 items 1+1");
}

static CU_TestInfo tests[] = {
    {"higher_priority_goes_first_then_age",
     higher_priority_goes_first_then_age},
    {"priority_counts_across_classes", priority_counts_across_classes},
    {"many_priorities_come_in_order", many_priorities_come_in_order},
    {"most_idle_worker_is_taken", most_idle_worker_is_taken},
    {"seed_orders_equal_workers", seed_orders_equal_workers},
    {"pinned_task_waits_for_its_worker", pinned_task_waits_for_its_worker},
    {"wide_task_gets_a_worker_that_is_wide_enough",
     wide_task_gets_a_worker_that_is_wide_enough},
    {"memory_is_never_overbooked", memory_is_never_overbooked},
    {"unknown_tasks_are_held_one_ahead", unknown_tasks_are_held_one_ahead},
    {"short_tasks_are_held_ahead_by_their_duration",
     short_tasks_are_held_ahead_by_their_duration},
    {"tiny_tasks_are_held_ahead_up_to_the_limit",
     tiny_tasks_are_held_ahead_up_to_the_limit},
    {"long_tasks_are_not_held_ahead", long_tasks_are_not_held_ahead},
    {"long_task_is_held_ahead_by_an_only_worker",
     long_task_is_held_ahead_by_an_only_worker},
    {"work_ahead_is_spread_evenly", work_ahead_is_spread_evenly},
    {"prompt_when_others_wait_or_starve", prompt_when_others_wait_or_starve},
    {"idle_worker_gets_half_of_what_another_holds",
     idle_worker_gets_half_of_what_another_holds},
    {"recall_in_vain_is_not_repeated_before_a_change",
     recall_in_vain_is_not_repeated_before_a_change},
    {"tiny_work_stays_where_it_is", tiny_work_stays_where_it_is},
    {"what_bounced_is_recalled_again_though_nothing_ends",
     what_bounced_is_recalled_again_though_nothing_ends},
    {"what_may_not_move_is_not_recalled", what_may_not_move_is_not_recalled},
    {"higher_priority_calls_lower_ones_back",
     higher_priority_calls_lower_ones_back},
    {"equal_priority_calls_nothing_back", equal_priority_calls_nothing_back},
    {"idle_worker_of_a_range_gets_it", idle_worker_of_a_range_gets_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/dispatch", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
