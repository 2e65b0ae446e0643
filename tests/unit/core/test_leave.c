/* test_leave.c - workers that leave in order. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

#define SECOND UINT64_C(1000000000)

/* Node i has worker i with a core; the manager is on node 0. */
static void some_nodes(uint32_t count)
{
    bed_config.worker_max = 4;
    bed_open();
    for (uint32_t i = 0; i < count; i++) {
        bed_join_on(i, 1, i);
    }
}

static void leave_at(uint32_t worker, uint64_t end_ns)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_LEAVE,
        .u.leave = {.worker = worker, .end_ns = end_ns},
    };
    CU_ASSERT_EQUAL(bed_step(&event), HAY_OK);
    bed_dispatch();
}

static void one_that_has_nothing_goes_at_once(void)
{
    some_nodes(2);
    leave_at(1, 0);
    BED_EXPECT("let_go w1");
    CU_ASSERT_EQUAL(bed_stats().workers, 1);
    leave_at(1, 0);
    BED_EXPECT("");
    CU_ASSERT_EQUAL(bed_stats().stale, 1);
}

static void it_gets_nothing_more_and_ends_what_it_runs(void)
{
    some_nodes(2);
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    bed_started(1);
    bed_started(2);
    uint32_t leaves = bed.last[1].worker;
    bed_forget();
    leave_at(leaves, 0);
    bed_task(3, NULL);
    bed_task(4, NULL);
    bed_task(5, NULL);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count(leaves == 0 ? "hand_out w0" : "hand_out w1"), 0);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 5);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("tell p1 finished"), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 1);
    CU_ASSERT_EQUAL(bed_count("worker_lost"), 0);
    CU_ASSERT_EQUAL(bed_count(leaves == 0 ? "hand_out w0" : "hand_out w1"), 0);
}

static void what_it_gives_back_runs_elsewhere_as_the_same_attempt(void)
{
    some_nodes(1);
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    bed_started(1);
    CU_ASSERT_EQUAL(bed.last[2].worker, 0); /* ahead */
    bed_join_on(1, 1, 1);
    leave_at(0, 0);
    bed_forget();
    bed_returned(2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p2 attempt 1 "), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 0);
}

static void what_only_it_has_is_brought_elsewhere_first(void)
{
    some_nodes(3);
    hayi_object object = bed_put(2, MIB);
    bed_forget();
    leave_at(2, 0);
    CU_ASSERT_EQUAL(bed_count("fetch 1 o1 1048576 bytes at 1 w2 to w"), 1);
    CU_ASSERT_EQUAL(bed_count(" keep"), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 0);
    bed_forget();
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("let_go w2"), 1);
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, object, 2), 0);
    CU_ASSERT_TRUE((hayi_sched_place(bed.sched, object, 0) != 0)
                   != (hayi_sched_place(bed.sched, object, 1) != 0));
}

static void what_nobody_needs_goes_with_it(void)
{
    some_nodes(2);
    hayi_object object = bed_put(1, MIB);
    bed_release(object);
    bed_put_soft(1, MIB);
    bed_forget();
    leave_at(1, 0);
    BED_EXPECT("let_go w1");
}

static void a_copy_elsewhere_that_may_be_dropped_is_not_enough(void)
{
    some_nodes(3);
    hayi_object object = bed_put(2, MIB);
    bed_want(object, 1, false, 7);
    bed_moved(1, HAY_OK);
    bed_forget();
    leave_at(2, 0);
    CU_ASSERT_EQUAL(bed_count("fetch 2 "), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 0);
    bed_moved(2, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("let_go w2"), 1);
    bed_gone(object, 1);
    CU_ASSERT_TRUE(hayi_sched_place(bed.sched, object, 0) != 0);
}

static void a_result_with_a_copy_elsewhere_needs_no_other(void)
{
    hayi_object object = 0;
    some_nodes(2);
    struct hayi_event event = bed_task_event(1);
    event.u.task.needs.worker = 2;
    CU_ASSERT_EQUAL(bed_submit(&event), HAY_OK);
    bed_dispatch();
    bed_made(1, 1, MIB, &object);
    bed_want(object, 0, false, 7);
    bed_moved(1, HAY_OK);
    bed_forget();
    leave_at(1, 0);
    BED_EXPECT("let_go w1");
}

static void a_result_made_while_it_leaves_is_brought_elsewhere(void)
{
    hayi_object object = 0;
    some_nodes(2);
    struct hayi_event event = bed_task_event(1);
    event.u.task.needs.worker = 2;
    CU_ASSERT_EQUAL(bed_submit(&event), HAY_OK);
    bed_dispatch();
    bed_started(1);
    leave_at(1, 0);
    bed_forget();
    bed_made(1, 1, MIB, &object);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("fetch 1 o1 1048576 bytes at 1 w1 to w0"), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 0);
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("let_go w1"), 1);
}

static void where_there_is_no_room_it_goes_after_some_tries(void)
{
    some_nodes(2);
    bed_put(1, MIB);
    bed_forget();
    leave_at(1, 0);
    uint32_t number = 1;
    for (; number < 10 && bed_count("let_go") == 0; number++) {
        CU_ASSERT_EQUAL(bed_stats().fetches, 1);
        bed_moved(number, HAY_EIO);
        bed_dispatch();
    }
    CU_ASSERT_EQUAL(number, 5);
    CU_ASSERT_EQUAL(bed_count("let_go w1"), 1);
}

static void tasks_that_were_to_run_there_go_to_other_nodes(void)
{
    some_nodes(2);
    hayi_object small = bed_put(0, 1024);
    hayi_object large = bed_put(1, 64 * MIB);
    bed_use2(1, small, large);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("to w1"), 1);
    bed_forget();
    leave_at(1, 0);
    CU_ASSERT_EQUAL(bed_count("w1 to w0"), 1);
    bed_moved(1, HAY_OK);
    bed_moved(2, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
    CU_ASSERT_EQUAL(bed_count("let_go w1"), 1);
}

static void of_two_on_a_node_the_last_one_sees_to_the_objects(void)
{
    bed_config.worker_max = 4;
    bed_open();
    bed_join_on(0, 1, 0);
    bed_join_on(1, 1, 1);
    bed_join_on(2, 1, 1);
    bed_put(1, MIB);
    bed_forget();
    leave_at(1, 0);
    BED_EXPECT("let_go w1");
    leave_at(2, 0);
    CU_ASSERT_EQUAL(bed_count("fetch 1 "), 1);
    CU_ASSERT_EQUAL(bed_count("let_go"), 0);
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("let_go w2"), 1);
}

static void one_that_dies_while_it_leaves_puts_no_task_under_suspicion(void)
{
    bed_config.worker_max = 5;
    bed_open();
    bed_join(0, 1);
    bed_task(1, NULL);
    bed_dispatch();
    for (uint32_t w = 1; w <= 4; w++) {
        bed_started(1);
        bed_join(w, 1);
        leave_at(w - 1, 0);
        bed_lost(w - 1);
        bed_dispatch();
        CU_ASSERT_EQUAL(bed.last[1].worker, w);
    }
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
}

static void a_task_bound_to_it_fails_or_goes_elsewhere(void)
{
    some_nodes(2);
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    bed_started(1);
    bed_started(2);
    uint32_t leaves = bed.last[1].worker;
    struct hayi_event bound = bed_task_event(3);
    bound.u.task.needs.worker = leaves + 1;
    CU_ASSERT_EQUAL(bed_submit(&bound), HAY_OK);
    struct hayi_event rather = bed_task_event(4);
    rather.u.task.needs.worker = leaves + 1;
    rather.u.task.needs.or_any = 1;
    CU_ASSERT_EQUAL(bed_submit(&rather), HAY_OK);
    bed_dispatch();
    bed_forget();
    leave_at(leaves, 0);
    bed_returned(3); /* it was held ahead */
    bed_ended(2, HAYI_OUTCOME_FINISHED, 5);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EINFEASIBLE"), 1);
    CU_ASSERT_EQUAL(
        bed_count(leaves == 0 ? "hand_out w1 p4 " : "hand_out w0 p4 "), 1);
}

static void with_an_end_only_what_is_known_to_end_before_starts_there(void)
{
    some_nodes(1);
    bed_task(1, NULL);
    bed_dispatch();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 10 * SECOND);
    bed_task(2, NULL); /* keeps worker 0 busy */
    bed_dispatch();
    bed_started(2);
    bed_join_on(1, 1, 1);
    leave_at(1, bed.now_ns + 5 * SECOND);
    bed_task(3, NULL);
    struct hayi_event other = bed_task_event(4);
    other.u.task.category = 9; /* of which nothing is known */
    other.u.task.priority = 1;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w1"), 0);
    CU_ASSERT_EQUAL(bed_submit(&other), HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p4 "), 1);
    bed_ended(4, HAYI_OUTCOME_FINISHED, 5);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p3 "), 0);
    leave_at(1, bed.now_ns + 60 * SECOND);
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p3 "), 1);
}

static CU_TestInfo tests[] = {
    {"one_that_has_nothing_goes_at_once", one_that_has_nothing_goes_at_once},
    {"it_gets_nothing_more_and_ends_what_it_runs",
     it_gets_nothing_more_and_ends_what_it_runs},
    {"what_it_gives_back_runs_elsewhere_as_the_same_attempt",
     what_it_gives_back_runs_elsewhere_as_the_same_attempt},
    {"what_only_it_has_is_brought_elsewhere_first",
     what_only_it_has_is_brought_elsewhere_first},
    {"what_nobody_needs_goes_with_it", what_nobody_needs_goes_with_it},
    {"a_copy_elsewhere_that_may_be_dropped_is_not_enough",
     a_copy_elsewhere_that_may_be_dropped_is_not_enough},
    {"a_result_with_a_copy_elsewhere_needs_no_other",
     a_result_with_a_copy_elsewhere_needs_no_other},
    {"a_result_made_while_it_leaves_is_brought_elsewhere",
     a_result_made_while_it_leaves_is_brought_elsewhere},
    {"where_there_is_no_room_it_goes_after_some_tries",
     where_there_is_no_room_it_goes_after_some_tries},
    {"tasks_that_were_to_run_there_go_to_other_nodes",
     tasks_that_were_to_run_there_go_to_other_nodes},
    {"of_two_on_a_node_the_last_one_sees_to_the_objects",
     of_two_on_a_node_the_last_one_sees_to_the_objects},
    {"one_that_dies_while_it_leaves_puts_no_task_under_suspicion",
     one_that_dies_while_it_leaves_puts_no_task_under_suspicion},
    {"a_task_bound_to_it_fails_or_goes_elsewhere",
     a_task_bound_to_it_fails_or_goes_elsewhere},
    {"with_an_end_only_what_is_known_to_end_before_starts_there",
     with_an_end_only_what_is_known_to_end_before_starts_there},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/leave", NULL, NULL, bed_data_setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
