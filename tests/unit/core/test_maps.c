/* test_maps.c - maps: ranges, their length, failures, readers, the end. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

static void one_core(void)
{
    bed_setup();
    bed_open();
    bed_join(0, 1);
}

static void map(uint64_t id, uint64_t count)
{
    struct hayi_event e = bed_map_event(id, count);
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

/* Dispatch, and end all ranges that came out, until none comes; item_ns: what
 * an item takes.  How many ranges there were. */
static size_t run_all(uint64_t item_ns)
{
    size_t i = 0;
    bed_dispatch();
    while (i < bed.range_count) {
        bed_range_ended(
            i, bed.ranges[i].count, 0, bed.ranges[i].count * item_ns);
        i++;
        bed_forget();
        bed_dispatch();
        if (bed.range_count == BED_RANGES) {
            break;
        }
    }
    return i;
}

static void map_of_nothing_finishes_at_once(void)
{
    map(1, 0);
    BED_EXPECT("tell p1 finished HAY_OK culprit 0 attempt 0 w0 report 0");
}

static void first_ranges_are_one_item(void)
{
    map(1, 100);
    bed_dispatch();
    BED_EXPECT("hand_out w0 p1 attempt 1 priority 0 cores 1 items 0+1; "
               "hand_out w0 p1 attempt 1 priority 0 cores 1 items 1+2");
}

static void map_is_told_running_once_and_then_finished(void)
{
    map(1, 3);
    bed_dispatch();
    bed_forget();
    bed_range_started(0);
    BED_EXPECT("state p1 running w0");
    bed_range_ended(0, 1, 0, 1000);
    BED_EXPECT(
        "range_ended p1 items 0+1 failed 0 unreached 0 w0 finished report 101");
    bed_range_started(1);
    BED_EXPECT("");
    bed_range_ended(1, 2, 0, 1000);
    CU_ASSERT_EQUAL(
        bed_count("tell p1 finished HAY_OK culprit 0 attempt 1 w0 report 0"),
        1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void ranges_grow_to_the_aimed_time(void)
{
    map(1, 1000000);
    (void)run_all(10000); /* 100 items make a millisecond */
    uint64_t longest = 0;
    uint64_t next = 0;
    for (size_t i = 0; i < bed.range_count; i++) {
        longest = bed.ranges[i].count > longest ? bed.ranges[i].count : longest;
        CU_ASSERT_EQUAL(bed.ranges[i].first, next);
        next += bed.ranges[i].count;
    }
    CU_ASSERT(longest >= 90);
    CU_ASSERT(longest <= 110);
}

static void ranges_shrink_towards_the_end(void)
{
    map(1, 1000);
    size_t count = run_all(1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
    CU_ASSERT(count > 8);
    CU_ASSERT(bed.ranges[count - 1].count <= 2);
    for (size_t i = 0; i < count; i++) {
        uint64_t left = 1000 - bed.ranges[i].first;
        CU_ASSERT(bed.ranges[i].count <= left / 2 + 1);
    }
}

static void thousand_million_items_cost_no_memory(void)
{
    size_t before = bed_stats().memory_bytes;
    map(1, 1000000000);
    (void)run_all(1);
    /* One chunk of rows, whatever is in it. */
    CU_ASSERT(bed_stats().memory_bytes - before < 600000);
}

static void range_max_is_kept(void)
{
    struct hayi_event e = bed_map_event(1, 1000);
    e.u.map.range_max = 7;
    (void)bed_submit(&e);
    (void)run_all(1);
    for (size_t i = 0; i < bed.range_count; i++) {
        CU_ASSERT(bed.ranges[i].count <= 7);
    }
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void unread_items_are_bounded(void)
{
    struct hayi_event e = bed_map_event(1, 1000);
    e.u.map.unread_max = 5;
    (void)bed_submit(&e);
    (void)run_all(1);
    uint64_t given = 0;
    for (size_t i = 0; i < bed.range_count; i++) {
        given += bed.ranges[i].count;
    }
    CU_ASSERT_EQUAL(given, 5);
    struct hayi_event read = {.kind = HAYI_EVENT_MAP_READ};
    read.u.map_read.task = bed.task[1];
    read.u.map_read.count = 3;
    size_t before = bed.range_count;
    CU_ASSERT_EQUAL(bed_step(&read), HAY_OK);
    bed_dispatch();
    for (size_t i = before; i < bed.range_count; i++) {
        given += bed.ranges[i].count;
    }
    CU_ASSERT_EQUAL(given, 8);
}

static void failed_items_fail_the_map_at_its_end(void)
{
    map(1, 3);
    bed_dispatch();
    bed_forget();
    bed_range_ended(0, 1, 1, 1000);
    BED_EXPECT(
        "range_ended p1 items 0+1 failed 1 unreached 0 w0 finished report 101");
    for (size_t i = 1; i < bed.range_count; i++) {
        bed_range_ended(i, bed.ranges[i].count, 0, 1000);
        bed_dispatch();
    }
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_ETASK"), 1);
}

static void first_failure_stops_the_map_if_asked(void)
{
    struct hayi_event e = bed_map_event(1, 100);
    e.u.map.stop_on_failure = true;
    (void)bed_submit(&e);
    bed_dispatch();
    bed_forget();
    bed_range_ended(0, 1, 1, 1000);
    BED_EXPECT(
        "range_ended p1 items 0+1 failed 1 unreached 0 w0 finished report 101; "
        "cancel w0 row 3 attempt 1");
    bed_dispatch();
    BED_EXPECT("");
    bed_range_outcome(1, HAYI_OUTCOME_CANCELLED, 0);
    BED_EXPECT("range_ended p1 items 1+0 failed 0 unreached 0 w0 cancelled "
               "report 101; "
               "tell p1 failed HAY_ETASK culprit 0 attempt 1 w0 report 0");
}

static void range_that_fails_as_a_whole_tells_all_its_items(void)
{
    map(1, 20);
    bed_dispatch();
    bed_forget();
    bed_range_outcome(1, HAYI_OUTCOME_FAILED, 1);
    BED_EXPECT(
        "range_ended p1 items 1+2 failed 1 unreached 1 w0 failed report 101");
}

static void range_the_farm_failed_fails_the_map(void)
{
    map(1, 2);
    bed_dispatch();
    bed_forget();
    bed_range_outcome(0, HAYI_OUTCOME_FARM, 0);
    BED_EXPECT(
        "range_ended p1 items 0+1 failed 1 unreached 1 w0 farm report 101");
    bed_range_ended(1, 1, 0, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_EFARM"), 1);
}

static void rest_of_a_range_is_handed_out_again(void)
{
    map(1, 100);
    bed_dispatch();
    bed_forget();
    bed_range_ended(1, 1, 0, 1000);
    BED_EXPECT(
        "range_ended p1 items 1+1 failed 0 unreached 0 w0 finished report 101");
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.ranges[2].first, 2);
    CU_ASSERT_EQUAL(bed.ranges[2].count, 1);
}

static void returned_range_goes_out_before_new_ones(void)
{
    map(1, 100);
    bed_dispatch();
    bed_forget();
    bed_range_returned(1);
    BED_EXPECT("");
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.ranges[2].first, 1);
}

static void cancelled_map_keeps_what_is_done(void)
{
    map(1, 100);
    bed_dispatch();
    bed_range_ended(0, 1, 0, 1000);
    bed_forget();
    bed_cancel(1, false);
    BED_EXPECT("cancel w0 row 3 attempt 1; answer 1001 HAY_EPENDING");
    bed_dispatch();
    BED_EXPECT("");
    bed_range_outcome(1, HAYI_OUTCOME_CANCELLED, 1);
    BED_EXPECT("range_ended p1 items 1+1 failed 0 unreached 0 w0 cancelled "
               "report 101; "
               "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 "
               "report 0");
}

static void map_that_has_not_begun_is_cancelled_at_once(void)
{
    map(1, 100);
    bed_cancel(1, false);
    BED_EXPECT("tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 "
               "report 0; answer 1001 HAY_OK");
}

static void close_lets_running_ranges_finish(void)
{
    map(1, 100);
    bed_dispatch();
    bed_range_started(0);
    bed_forget();
    bed_close(true);
    BED_EXPECT("cancel w0 row 3 attempt 1 unstarted_only");
    bed_range_outcome(1, HAYI_OUTCOME_CANCELLED, 0);
    bed_forget();
    bed_range_ended(0, 1, 0, 1000);
    BED_EXPECT(
        "range_ended p1 items 0+1 failed 0 unreached 0 w0 finished report 101; "
        "tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 "
        "report 0; all_ended");
}

static void task_may_wait_for_a_map(void)
{
    const uint64_t after_1[] = {1, 0};
    map(1, 1);
    bed_task(2, after_1);
    bed_dispatch();
    bed_forget();
    bed_range_ended(0, 1, 0, 1000);
    CU_ASSERT_EQUAL(bed_count("state p2 ready"), 1);
}

static CU_TestInfo tests[] = {
    {"map_of_nothing_finishes_at_once", map_of_nothing_finishes_at_once},
    {"first_ranges_are_one_item", first_ranges_are_one_item},
    {"map_is_told_running_once_and_then_finished",
     map_is_told_running_once_and_then_finished},
    {"ranges_grow_to_the_aimed_time", ranges_grow_to_the_aimed_time},
    {"ranges_shrink_towards_the_end", ranges_shrink_towards_the_end},
    {"thousand_million_items_cost_no_memory",
     thousand_million_items_cost_no_memory},
    {"range_max_is_kept", range_max_is_kept},
    {"unread_items_are_bounded", unread_items_are_bounded},
    {"failed_items_fail_the_map_at_its_end",
     failed_items_fail_the_map_at_its_end},
    {"first_failure_stops_the_map_if_asked",
     first_failure_stops_the_map_if_asked},
    {"range_that_fails_as_a_whole_tells_all_its_items",
     range_that_fails_as_a_whole_tells_all_its_items},
    {"range_the_farm_failed_fails_the_map",
     range_the_farm_failed_fails_the_map},
    {"rest_of_a_range_is_handed_out_again",
     rest_of_a_range_is_handed_out_again},
    {"returned_range_goes_out_before_new_ones",
     returned_range_goes_out_before_new_ones},
    {"cancelled_map_keeps_what_is_done", cancelled_map_keeps_what_is_done},
    {"map_that_has_not_begun_is_cancelled_at_once",
     map_that_has_not_begun_is_cancelled_at_once},
    {"close_lets_running_ranges_finish", close_lets_running_ranges_finish},
    {"task_may_wait_for_a_map", task_may_wait_for_a_map},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/maps", NULL, NULL, one_core, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
