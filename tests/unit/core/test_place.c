/* test_place.c - where tasks with objects as inputs go. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

/* Two nodes with a worker of 2 cores each. */
static void two_nodes(void)
{
    bed_open();
    bed_join_on(0, 2, 0);
    bed_join_on(1, 2, 1);
}

/* So many tasks of 1 s each run or wait on the worker. */
static void occupy(uint64_t first, uint32_t count, uint32_t worker)
{
    for (uint32_t i = 0; i < count; i++) {
        struct hayi_event e = bed_task_event(first + i);
        e.u.task.needs.worker = worker + 1;
        e.u.task.category = 1;
        (void)bed_submit(&e);
    }
    bed_dispatch();
}

static void learn(uint32_t category, uint64_t run_ns)
{
    struct hayi_event e = bed_task_event(60);
    e.u.task.category = category;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_ended(60, HAYI_OUTCOME_FINISHED, run_ns);
    bed_forget();
}

static void a_task_is_asked_for_its_inputs(void)
{
    two_nodes();
    struct hayi_event e = bed_task_event(1);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    BED_EXPECT("state p1 ready w0; inputs p1");
    CU_ASSERT_TRUE(bed_tells(1, "asks which objects are its inputs"));
    hayi_object none = 0;
    bed_inputs(1, &none);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
}

static void a_task_of_plain_results_takes_the_short_way(void)
{
    two_nodes();
    bed_task(1, NULL);
    struct hayi_event e = bed_task_event(2);
    struct hayi_dep dep = {.task = bed.task[1], .objects = true};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101; "
               "state p2 ready w0");
}

static void a_dependent_of_made_objects_is_asked(void)
{
    hayi_object object = 0;
    two_nodes();
    bed_task(1, NULL);
    struct hayi_event e = bed_task_event(2);
    struct hayi_dep dep = {.task = bed.task[1], .objects = true};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    bed_made(1, 1, MIB, &object);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 101; "
               "state p2 ready w0; inputs p2");
    CU_ASSERT_NOT_EQUAL(object, 0);
    CU_ASSERT_NOT_EQUAL(hayi_sched_place(bed.sched, object, 0), 0);
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, object, 1), 0);
}

static void a_task_goes_where_most_of_its_bytes_are(void)
{
    two_nodes();
    hayi_object small = bed_put(0, MIB);
    hayi_object large = bed_put(1, 8 * MIB);
    bed_use2(1, small, large);
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "fetch 1 o1 1048576 bytes at 1 w0 to w1");
    CU_ASSERT_TRUE(bed_tells(1, "waits for 1.0 MiB from node 0"));
    CU_ASSERT_TRUE(bed_tells(1, "1 of 2 inputs are on node 1"));
    bed_moved(1, HAY_OK);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 prompt");
}

static void a_long_wait_beats_a_short_move(void)
{
    two_nodes();
    learn(1, 1000000000);
    occupy(10, 2, 1);
    bed_forget();
    hayi_object object = bed_put(1, 8 * MIB);
    bed_use2(1, object, 0);
    bed_dispatch();
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "fetch 1 o1 8388608 bytes at 1 w1 to w0");
}

static void a_long_move_beats_a_short_wait(void)
{
    two_nodes();
    learn(1, 1000000);
    occupy(10, 2, 1);
    bed_forget();
    hayi_object object = bed_put(1, 1024u * MIB);
    bed_use2(1, object, 0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("fetch"), 0);
}

static void the_only_worker_allowed_decides(void)
{
    two_nodes();
    hayi_object object = bed_put(0, 8 * MIB);
    struct hayi_event e = bed_task_event(1);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.needs.worker = 2;
    (void)bed_submit(&e);
    hayi_object list[2] = {object, 0};
    bed_inputs(1, list);
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "fetch 1 o1 8388608 bytes at 1 w0 to w1");
    bed_moved(1, HAY_OK);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 prompt");
}

static void soft_bytes_draw_but_are_not_fetched(void)
{
    two_nodes();
    hayi_object file = bed_put_soft(1, 64 * MIB);
    bed_use2(1, file, 0);
    bed_dispatch();
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "hand_out w1 p1 attempt 1 priority 0 cores 1 prompt");
    bed_release(file);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 1 w1 report 101");
    CU_ASSERT_EQUAL(bed_stats().objects, 0);
}

/* Submit 'count' tasks of category 1, each with the object as input. */
static void use_many(uint64_t first, uint32_t count, hayi_object object)
{
    hayi_object list[2] = {object, 0};
    for (uint64_t id = first; id < first + count; id++) {
        struct hayi_event e = bed_task_event(id);
        struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
        e.u.task.deps = &dep;
        e.u.task.dep_count = 1;
        e.u.task.category = 1;
        (void)bed_submit(&e);
        bed_inputs(id, list);
    }
}

/* One node of 2 cores has 12 tasks of so many ns and an object of 100 MiB,
 * whose move takes 105 ms; then a second node comes. */
static void late_node(uint64_t run_ns)
{
    bed_config.workers_expected = 2;
    bed_open();
    bed_join_on(1, 2, 1);
    learn(1, run_ns);
    hayi_object object = bed_put(1, 100 * MIB);
    use_many(1, 12, object);
    bed_dispatch();
    CU_ASSERT_TRUE(bed_tells(12, "assigned to node 1, which has 100.0 MiB"));
    bed_forget();
    bed_join_on(0, 2, 0);
    bed_dispatch();
}

static void an_idle_node_steals_what_would_wait_longer(void)
{
    late_node(1000000000);
    /* One for each of its cores, and one fetch for both. */
    BED_EXPECT("fetch 1 o1 104857600 bytes at 1 w1 to w0");
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0"), 2);
}

static void the_only_node_with_room_steals_however_many_are_idle(void)
{
    enum { NODES = 200, ROOM = 150 };
    bed_config.worker_max = NODES;
    bed_config.node_max = NODES;
    bed_config.workers_expected = NODES;
    bed_open();
    bed_join_on(0, 2, 0);
    learn(1, 1000000000);
    use_many(1, 12, bed_put(0, 100 * MIB));
    bed_dispatch();
    for (uint32_t n = 1; n < NODES; n++) {
        bed_join_on(n, 2, n);
        bed_memory(n, n == ROOM ? 0 : 990);
    }
    bed_forget();
    for (uint32_t i = 0; i < NODES && bed_count("fetch") == 0; i++) {
        bed_dispatch();
    }
    BED_EXPECT("fetch 1 o1 104857600 bytes at 1 w0 to w150");
}

static void what_moves_longer_than_it_waits_is_not_stolen(void)
{
    late_node(10000000);
    CU_ASSERT_EQUAL(bed_count("fetch"), 0);
    CU_ASSERT_EQUAL(bed_count("hand_out w0"), 0);
}

static void where_there_is_one_node_nothing_is_weighed(void)
{
    bed_config.node_max = 1;
    bed_open();
    bed_join(0, 1);
    hayi_object object = bed_put(0, MIB);
    bed_use2(1, object, 0);
    bed_dispatch();
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "hand_out w0 p1 attempt 1 priority 0 cores 1");
}

static void a_cancelled_task_leaves_its_node(void)
{
    two_nodes();
    hayi_object object = bed_put(0, MIB);
    bed_use2(1, object, 0);
    bed_forget();
    bed_cancel(1, false);
    BED_EXPECT(
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report 0; "
        "answer 1001 HAY_OK");
    bed_dispatch();
    BED_EXPECT("");
    bed_release(object);
    BED_EXPECT("drop 1 node 0 manager");
}

static void an_unknown_input_fails_the_task(void)
{
    two_nodes();
    bed_use2(1, (hayi_object)7 << 32 | 9, 0);
    BED_EXPECT("state p1 ready w0; inputs p1; "
               "tell p1 failed HAY_EFARM culprit 0 attempt 0 w0 report 0");
}

static void a_task_waits_until_a_worker_comes(void)
{
    bed_open();
    hayi_object object = bed_put(0, MIB);
    bed_use2(1, object, 0);
    bed_dispatch();
    BED_EXPECT("state p1 ready w0; inputs p1");
    CU_ASSERT_TRUE(bed_tells(1, "no worker that is here can run it"));
    bed_join_on(3, 1, 2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w3 p1") + bed_count("fetch 1"), 1);
}

/* The last worker that could have come dies before it has joined. */
static void a_task_fails_when_no_worker_can_come_any_more(void)
{
    bed_config.workers_expected = 2;
    bed_open();
    bed_join_on(0, 1, 0);
    hayi_object object = bed_put(0, MIB);
    struct hayi_event e = bed_task_event(1);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.needs.worker = 2;
    (void)bed_submit(&e);
    const hayi_object list[2] = {object, 0};
    bed_inputs(1, list);
    CU_ASSERT_TRUE(bed_tells(1, "no worker that is here can run it"));
    bed_forget();
    bed_lost(1);
    BED_EXPECT("worker_lost w1; tell p1 failed HAY_EINFEASIBLE culprit 0"
               " attempt 0 w0 report 0");
}

/* A task with this input that may fail once. */
static void use_with_retry(uint64_t id, hayi_object object)
{
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.retries = 1;
    (void)bed_submit(&e);
    const hayi_object list[2] = {object, 0};
    bed_inputs(id, list);
    bed_dispatch();
}

static void a_retry_avoids_the_node_where_it_failed(void)
{
    two_nodes();
    use_with_retry(1, bed_put(1, 8 * MIB));
    CU_ASSERT_EQUAL(bed.last[1].worker, 1);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("fetch 1 o1 8388608 bytes at 1 w1 to w0"), 1);
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 attempt 2"), 1);
}

static void a_retry_avoids_the_worker_where_it_failed(void)
{
    bed_open();
    bed_join_on(0, 1, 0);
    bed_join_on(1, 2, 1);
    bed_join_on(2, 2, 1);
    use_with_retry(1, bed_put(1, 8 * MIB));
    uint32_t failed = bed.last[1].worker;
    CU_ASSERT_NOT_EQUAL(failed, 0);
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].attempt, 2);
    CU_ASSERT_EQUAL(bed.last[1].worker, 3 - failed);
}

static void a_retry_goes_back_where_nobody_else_can_run_it(void)
{
    bed_open();
    bed_join_on(0, 1, 0);
    bed_join_on(1, 2, 1);
    use_with_retry(1, bed_put(1, 8 * MIB));
    bed_lost(0);
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].attempt, 2);
    CU_ASSERT_EQUAL(bed.last[1].worker, 1);
}

static CU_TestInfo tests[] = {
    {"a_task_is_asked_for_its_inputs", a_task_is_asked_for_its_inputs},
    {"a_task_of_plain_results_takes_the_short_way",
     a_task_of_plain_results_takes_the_short_way},
    {"a_dependent_of_made_objects_is_asked",
     a_dependent_of_made_objects_is_asked},
    {"a_task_goes_where_most_of_its_bytes_are",
     a_task_goes_where_most_of_its_bytes_are},
    {"a_long_wait_beats_a_short_move", a_long_wait_beats_a_short_move},
    {"a_long_move_beats_a_short_wait", a_long_move_beats_a_short_wait},
    {"the_only_worker_allowed_decides", the_only_worker_allowed_decides},
    {"soft_bytes_draw_but_are_not_fetched",
     soft_bytes_draw_but_are_not_fetched},
    {"an_idle_node_steals_what_would_wait_longer",
     an_idle_node_steals_what_would_wait_longer},
    {"the_only_node_with_room_steals_however_many_are_idle",
     the_only_node_with_room_steals_however_many_are_idle},
    {"what_moves_longer_than_it_waits_is_not_stolen",
     what_moves_longer_than_it_waits_is_not_stolen},
    {"where_there_is_one_node_nothing_is_weighed",
     where_there_is_one_node_nothing_is_weighed},
    {"a_cancelled_task_leaves_its_node", a_cancelled_task_leaves_its_node},
    {"an_unknown_input_fails_the_task", an_unknown_input_fails_the_task},
    {"a_task_waits_until_a_worker_comes", a_task_waits_until_a_worker_comes},
    {"a_task_fails_when_no_worker_can_come_any_more",
     a_task_fails_when_no_worker_can_come_any_more},
    {"a_retry_avoids_the_node_where_it_failed",
     a_retry_avoids_the_node_where_it_failed},
    {"a_retry_avoids_the_worker_where_it_failed",
     a_retry_avoids_the_worker_where_it_failed},
    {"a_retry_goes_back_where_nobody_else_can_run_it",
     a_retry_goes_back_where_nobody_else_can_run_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/place", NULL, NULL, bed_data_setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
