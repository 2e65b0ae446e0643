/* test_lineage.c - what tasks made, and how it is made again. */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

/* Node 0 is the manager's, nodes 1 and 2 have a worker of 1 core each. */
static void open_farm(void)
{
    bed_open();
    bed_join_on(1, 1, 1);
    bed_join_on(2, 1, 2);
}

/* Task 'id' runs on the worker and makes an object. */
static hayi_object made_on(uint64_t id, uint32_t worker, hayi_object input)
{
    hayi_object object = 0;
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    hayi_object list[2] = {input, 0};
    e.u.task.deps = &dep;
    e.u.task.dep_count = input != 0 ? 1 : 0;
    (void)bed_submit(&e);
    if (input != 0) {
        bed_inputs(id, list);
    }
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[id].worker, worker);
    bed_made(id, 1, MIB, &object);
    return object;
}

/* The worker that the next task without inputs would go to. */
static uint32_t first_worker(void)
{
    struct hayi_event e = bed_task_event(63);
    (void)bed_submit(&e);
    bed_dispatch();
    bed_ended(63, HAYI_OUTCOME_FINISHED, 1000);
    return bed.last[63].worker;
}

static void a_released_object_is_dropped_and_its_task_forgotten(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object object = made_on(1, w, 0);
    CU_ASSERT_EQUAL(bed_stats().kept, 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
    bed_forget();
    bed_hold(object);
    bed_release(object);
    BED_EXPECT("");
    bed_release(object);
    CU_ASSERT_EQUAL(bed_count("drop 1 node"), 1);
    CU_ASSERT_EQUAL(bed_count("forget p1"), 1);
    CU_ASSERT_EQUAL(bed_stats().kept, 0);
    CU_ASSERT_EQUAL(bed_stats().objects, 0);
}

static void a_lost_object_is_made_again_unseen(void)
{
    open_farm();
    uint32_t w = first_worker();
    uint32_t other = 3 - w;
    hayi_object object = made_on(1, w, 0);
    bed_lost(w);
    bed_forget();
    bed_dispatch();
    BED_EXPECT(""); /* nobody needs it now */
    bed_use2(2, object, 0);
    CU_ASSERT_TRUE(bed_tells(2, "is made again first"));
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p1 attempt 2"), 1);
    CU_ASSERT_EQUAL(bed_count("state p1"), 0);
    CU_ASSERT_EQUAL(bed.last[1].worker, other);
    bed_forget();
    bed_started(1);
    BED_EXPECT("");
    hayi_object again = 0;
    bed_made(1, 1, MIB, &again);
    CU_ASSERT_EQUAL(again, object);
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p2 attempt 1"), 1);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed_forget();
    bed_release(object);
    CU_ASSERT_EQUAL(bed_count("drop 2"), 1);
    CU_ASSERT_EQUAL(bed_count("forget p1"), 1);
}

static void two_levels_are_made_again(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object first = made_on(1, w, 0);
    hayi_object second = made_on(2, w, first);
    bed_release(first); /* its task is remembered for the second one */
    CU_ASSERT_EQUAL(bed_stats().kept, 2);
    CU_ASSERT_EQUAL(hayi_sched_place(bed.sched, first, w), 0);
    bed_lost(w);
    bed_use2(3, second, 0);
    bed_dispatch();
    bed_forget();
    hayi_object again = 0;
    bed_made(1, 1, MIB, &again);
    CU_ASSERT_EQUAL(again, first);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p2 attempt 2"), 1);
    bed_forget();
    bed_made(2, 1, MIB, &again);
    CU_ASSERT_EQUAL(again, second);
    CU_ASSERT_EQUAL(bed_count("drop"), 1); /* the first one */
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p3 attempt 1"), 1);
    bed_ended(3, HAYI_OUTCOME_FINISHED, 1000);
    bed_release(second);
    CU_ASSERT_EQUAL(bed_count("forget"), 2);
    CU_ASSERT_EQUAL(bed_stats().objects, 0);
}

/* Both need the same: it is there until both have it. */
static void two_are_made_again_of_one(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object base = made_on(1, w, 0);
    hayi_object a = made_on(2, w, base);
    hayi_object b = made_on(3, w, base);
    bed_release(base);
    bed_lost(w);
    bed_use2(4, a, b);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p1 attempt 2"), 1);
    bed_made(1, 1, MIB, &base);
    bed_dispatch();
    uint64_t first = bed_count("p2 attempt 2") > 0 ? 2 : 3;
    bed_forget();
    bed_made(first, 1, MIB, &a);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("drop"), 0);
    CU_ASSERT_EQUAL(bed_count("p1 attempt"), 0);
    bed_made(5 - first, 1, MIB, &b);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("p4 attempt 1"), 1);
    CU_ASSERT_EQUAL(bed_count("drop"), 1);
}

static void a_lost_put_object_fails_its_dependents(void)
{
    open_farm();
    hayi_object object = bed_put(1, MIB);
    bed_use2(1, object, 0);
    bed_forget();
    bed_lost(1);
    BED_EXPECT("worker_lost w1; tell p1 failed HAY_EFARM culprit 0 attempt 0 "
               "w0 report 0 lost o1 with w1");
    bed_want(object, 2, false, 3);
    BED_EXPECT("wanted 3 HAY_EFARM report 0");
}

static void a_want_brings_a_lost_object_back(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object object = made_on(1, w, 0);
    hayi_object again = 0;
    bed_lost(w);
    bed_want(object, 0, false, 8);
    bed_dispatch();
    bed_forget();
    bed_made(1, 1, MIB, &again);
    CU_ASSERT_EQUAL(bed_count("to manager"), 1);
    bed_forget();
    bed_moved(1, HAY_OK);
    BED_EXPECT("wanted 8 HAY_OK report 0");
}

static void what_cannot_be_made_again_fails_its_dependents(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object object = made_on(1, w, 0);
    bed_lost(w);
    bed_use2(2, object, 0);
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p1"), 0);
    CU_ASSERT_EQUAL(bed_count("tell p2 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("lost o1 with w"), 1);
}

static void a_remake_that_makes_less_loses_the_rest(void)
{
    hayi_object objects[2] = {0, 0};
    hayi_object again = 0;
    open_farm();
    uint32_t w = first_worker();
    bed_task(1, NULL);
    bed_dispatch();
    bed_made(1, 2, MIB, objects);
    CU_ASSERT_EQUAL(bed.last[1].worker, w);
    bed_lost(w);
    bed_use2(2, objects[0], objects[1]);
    bed_dispatch();
    bed_forget();
    bed_made(1, 1, MIB, &again);
    CU_ASSERT_EQUAL(again, objects[0]);
    CU_ASSERT_EQUAL(bed_count("tell p2 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("lost o2 with w"), 1);
}

static void a_remake_outlives_a_further_loss(void)
{
    open_farm();
    bed_join_on(3, 1, 3);
    uint32_t w = first_worker();
    hayi_object object = made_on(1, w, 0);
    hayi_object again = 0;
    bed_lost(w);
    bed_use2(2, object, 0);
    bed_dispatch();
    bed_forget();
    bed_lost(bed.last[1].worker);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("tell"), 0);
    CU_ASSERT_EQUAL(bed_count("p1 attempt 3"), 1);
    bed_made(1, 1, MIB, &again);
    CU_ASSERT_EQUAL(again, object);
}

static void beyond_the_bound_the_oldest_is_forgotten(void)
{
    bed_config.lineage_max = 1;
    open_farm();
    hayi_object object = 0;
    hayi_object newer = 0;
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_dispatch();
    bed_made(1, 1, MIB, &object);
    CU_ASSERT_EQUAL(bed_count("forget"), 0);
    bed_made(2, 1, MIB, &newer);
    CU_ASSERT_EQUAL(bed_count("forget p1"), 1);
    CU_ASSERT_EQUAL(bed_stats().kept, 1);
    bed_lost(bed.last[1].worker);
    bed_forget();
    bed_use2(3, object, 0);
    CU_ASSERT_EQUAL(bed_count("tell p3 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("lost o1 with w"), 1);
}

static void a_remake_that_nobody_needs_any_more_is_given_up(void)
{
    open_farm();
    uint32_t w = first_worker();
    hayi_object first = made_on(1, w, 0);
    hayi_object second = made_on(2, w, first);
    bed_lost(w);
    bed_use2(3, second, 0);
    bed_dispatch();
    bed_cancel(3, false);
    bed_forget();
    hayi_object again = 0;
    bed_made(1, 1, MIB, &again);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out"), 0);
    bed_release(second);
    bed_release(first);
    CU_ASSERT_EQUAL(bed_count("forget"), 2);
    CU_ASSERT_EQUAL(bed_stats().objects, 0);
}

static void recipes_do_not_keep_the_farm_open(void)
{
    open_farm();
    (void)made_on(1, first_worker(), 0);
    bed_forget();
    bed_close(false);
    BED_EXPECT("all_ended");
}

static CU_TestInfo tests[] = {
    {"a_released_object_is_dropped_and_its_task_forgotten",
     a_released_object_is_dropped_and_its_task_forgotten},
    {"a_lost_object_is_made_again_unseen", a_lost_object_is_made_again_unseen},
    {"two_levels_are_made_again", two_levels_are_made_again},
    {"two_are_made_again_of_one", two_are_made_again_of_one},
    {"a_lost_put_object_fails_its_dependents",
     a_lost_put_object_fails_its_dependents},
    {"a_want_brings_a_lost_object_back", a_want_brings_a_lost_object_back},
    {"what_cannot_be_made_again_fails_its_dependents",
     what_cannot_be_made_again_fails_its_dependents},
    {"a_remake_that_makes_less_loses_the_rest",
     a_remake_that_makes_less_loses_the_rest},
    {"a_remake_outlives_a_further_loss", a_remake_outlives_a_further_loss},
    {"beyond_the_bound_the_oldest_is_forgotten",
     beyond_the_bound_the_oldest_is_forgotten},
    {"a_remake_that_nobody_needs_any_more_is_given_up",
     a_remake_that_nobody_needs_any_more_is_given_up},
    {"recipes_do_not_keep_the_farm_open", recipes_do_not_keep_the_farm_open},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/lineage", NULL, NULL, bed_data_setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
