/* test_stage.c - what a node prepares, and what it does without memory. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

/* Node 1 has a worker of 1 core, node 0 none; workers_expected keeps the
 * short way of a lone node shut. */
static void one_core(void)
{
    bed_config.workers_expected = 2;
    bed_open();
    bed_join_on(1, 1, 1);
}

/* Submit 'count' tasks, each with an object of its own on the manager's node.
 */
static void use_own(uint64_t first, uint32_t count, uint64_t bytes)
{
    for (uint64_t id = first; id < first + count; id++) {
        bed_use2(id, bed_put(0, bytes), 0);
    }
}

static void few_tasks_are_staged_at_once(void)
{
    one_core();
    use_own(1, 10, MIB);
    /* Two a core and two more; two of them fly. */
    CU_ASSERT_EQUAL(bed_count("fetch"), 2);
    CU_ASSERT_TRUE(bed_tells(4, "waits for 1.0 MiB from node 0"));
    CU_ASSERT_TRUE(bed_tells(5, "assigned to node 1, which has 0 bytes"));
    CU_ASSERT_TRUE(bed_tells(5, "4 tasks are prepared there, 6 wait"));
}

static void few_bytes_are_under_way_for_later_tasks(void)
{
    one_core();
    use_own(1, 4, 200 * MIB);
    CU_ASSERT_EQUAL(bed_count("fetch"), 1);
    bed_moved(1, HAY_OK);
    CU_ASSERT_EQUAL(bed_count("fetch"), 2);
}

static void a_higher_priority_is_staged_first(void)
{
    one_core();
    use_own(1, 5, 200 * MIB);
    struct hayi_event e = bed_task_event(9);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    hayi_object list[2] = {bed_put(0, 100 * MIB), 0};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.priority = 5;
    (void)bed_submit(&e);
    bed_inputs(9, list);
    bed_forget();
    bed_moved(1, HAY_OK);
    CU_ASSERT_EQUAL(bed_count("o6 104857600 bytes"), 1);
}

static void full_memory_fetches_for_idle_cores_only(void)
{
    one_core();
    bed_memory(1, 850);
    use_own(1, 3, MIB);
    CU_ASSERT_EQUAL(bed_count("fetch"), 1);
    CU_ASSERT_TRUE(bed_tells(2, "its memory is full"));
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
    CU_ASSERT_EQUAL(bed_count("fetch"), 1);
    /* What is there may be prepared. */
    bed_use2(5, bed_put(1, MIB), 0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 2);
    bed_forget();
    bed_memory(1, 500);
    CU_ASSERT_EQUAL(bed_count("fetch"), 2);
}

static void pressed_memory_lets_only_go_on_what_frees_some(void)
{
    one_core();
    struct hayi_event e = bed_task_event(20);
    (void)bed_submit(&e);
    bed_dispatch(); /* the core is busy */
    bed_memory(1, 960);
    hayi_object shared = bed_put(1, MIB);
    bed_hold(shared);
    hayi_object own = bed_put(1, MIB);
    bed_use2(1, shared, 0);
    bed_use2(2, own, 0);
    bed_use2(3, shared, 0);
    bed_dispatch();
    CU_ASSERT_TRUE(bed_tells(1, "assigned to node 1"));
    CU_ASSERT_FALSE(bed_tells(2, "assigned to node 1"));
    CU_ASSERT_TRUE(bed_tells(3, "assigned to node 1"));
}

static void pressed_memory_starves_no_node(void)
{
    one_core();
    bed_memory(1, 999);
    use_own(1, 3, MIB);
    CU_ASSERT_EQUAL(bed_count("fetch"), 1);
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("fetch"), 2);
}

static void a_copy_that_is_gone_is_fetched_again_and_stays(void)
{
    bed_config.workers_expected = 2;
    bed_open();
    bed_join_on(1, 1, 1);
    bed_join_on(0, 1, 0);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 1);
    bed_moved(1, HAY_OK);
    struct hayi_event e = bed_task_event(1);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    hayi_object list[2] = {object, 0};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.needs.worker = 2;
    (void)bed_submit(&e);
    bed_inputs(1, list);
    bed_forget();
    bed_gone(object, 1);
    BED_EXPECT("fetch 2 o1 1048576 bytes at 1 w0 to w1 keep");
    bed_moved(2, HAY_OK);
    bed_dispatch();
    BED_EXPECT("hand_out w1 p1 attempt 1 priority 0 cores 1 prompt");
}

static void what_a_worker_misses_is_fetched_again(void)
{
    bed_open();
    bed_join_on(0, 1, 0);
    bed_join_on(1, 1, 1);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 1);
    bed_moved(1, HAY_OK);
    bed_use2(1, object, 0);
    bed_dispatch();
    uint32_t node = bed.last[1].worker;
    bed_forget();
    bed_missing(1, object);
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, object, node), 0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out") + bed_count("fetch"), 1);
}

/* It was slow to look for its inputs, so its start had been told. */
static void a_started_task_may_miss_an_input(void)
{
    bed_open();
    bed_join_on(0, 1, 0);
    bed_join_on(1, 1, 1);
    hayi_object object = bed_put(0, MIB);
    bed_want(object, 1, false, 1);
    bed_moved(1, HAY_OK);
    bed_use2(1, object, 0);
    bed_dispatch();
    bed_started(1);
    bed_forget();
    bed_missing(1, object);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("state"), 1);
    CU_ASSERT_EQUAL(bed_count("hand_out") + bed_count("fetch"), 1);
}

static CU_TestInfo tests[] = {
    {"a_started_task_may_miss_an_input", a_started_task_may_miss_an_input},
    {"few_tasks_are_staged_at_once", few_tasks_are_staged_at_once},
    {"few_bytes_are_under_way_for_later_tasks",
     few_bytes_are_under_way_for_later_tasks},
    {"a_higher_priority_is_staged_first", a_higher_priority_is_staged_first},
    {"full_memory_fetches_for_idle_cores_only",
     full_memory_fetches_for_idle_cores_only},
    {"pressed_memory_lets_only_go_on_what_frees_some",
     pressed_memory_lets_only_go_on_what_frees_some},
    {"pressed_memory_starves_no_node", pressed_memory_starves_no_node},
    {"a_copy_that_is_gone_is_fetched_again_and_stays",
     a_copy_that_is_gone_is_fetched_again_and_stays},
    {"what_a_worker_misses_is_fetched_again",
     what_a_worker_misses_is_fetched_again},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/stage", NULL, NULL, bed_data_setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
