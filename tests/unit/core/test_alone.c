/* test_alone.c - whoever kills workers is found without taking others along. */
#include "config.h"

#include "bed.h"
#include "support/unit.h"

#include <string.h>

#define TASKS 20

static bool out[BED_IDS]; /* of tasks: a worker has it */

static void setup(void)
{
    bed_setup();
    memset(out, 0, sizeof(out));
    bed_open();
}

static void task(uint64_t id, bool apart)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.apart = apart;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

/* What was handed out since the last call runs. */
static void start_all(void)
{
    for (uint64_t id = 1; id < BED_IDS; id++) {
        if (bed.last[id].task != 0 && !out[id]) {
            out[id] = true;
            bed_started(id);
        }
    }
}

static void forget_of(uint32_t worker)
{
    for (uint64_t id = 1; id < BED_IDS; id++) {
        if (out[id] && bed.last[id].worker == worker) {
            out[id] = false;
            bed.last[id].task = 0;
        }
    }
}

static void kill_with(uint64_t id)
{
    uint32_t worker = bed.last[id].worker;
    CU_ASSERT_FATAL(out[id]);
    forget_of(worker);
    bed_lost(worker);
}

static void finish(uint64_t id)
{
    bed_ended(id, HAYI_OUTCOME_FINISHED, 1000);
    out[id] = false;
    bed.last[id].task = 0;
}

static uint32_t beside(uint64_t id)
{
    uint32_t count = 0;
    for (uint64_t i = 1; i < BED_IDS; i++) {
        count += i != id && out[i] && bed.last[i].worker == bed.last[id].worker
                     ? 1
                     : 0;
    }
    return count;
}

/* Five workers of four cores, twenty tasks, the first one kills. */
static void kill_twice(bool apart)
{
    for (uint32_t w = 0; w < 5; w++) {
        bed_join(w, 4);
    }
    for (uint64_t id = 1; id <= TASKS; id++) {
        task(id, apart && id > 1);
    }
    for (int i = 0; i < 2; i++) {
        bed_dispatch();
        start_all();
        while (!out[1]) {
            for (uint64_t id = 2; id <= TASKS; id++) {
                if (out[id]) {
                    finish(id);
                    break;
                }
            }
            bed_dispatch();
            start_all();
        }
        CU_ASSERT(i > 0 || beside(1) == 3);
        kill_with(1);
    }
}

static void run_out(void)
{
    for (int i = 0; i < 200 && bed_stats().unfinished > 0; i++) {
        bed_dispatch();
        start_all();
        if (out[1]) {
            CU_ASSERT_EQUAL(beside(1), 0);
            kill_with(1);
        }
        for (uint64_t id = 2; id <= TASKS; id++) {
            if (out[id]) {
                finish(id);
                break;
            }
        }
    }
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static void only_the_killer_fails(void)
{
    kill_twice(false);
    run_out();
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("failed HAY_EFARM"), 1);
    CU_ASSERT_EQUAL(bed_count("finished"), TASKS - 1);
    CU_ASSERT_EQUAL(bed_stats().workers, 2);
}

static void what_waits_to_be_alone_says_so(void)
{
    char text[300];
    bed_join(0, 1);
    bed_join(1, 1);
    bed_join(2, 1);
    task(1, false);
    for (int i = 0; i < 2; i++) {
        bed_dispatch();
        start_all();
        kill_with(1);
    }
    hayi_sched_story(bed.sched, bed.task[1], bed.now_ns, text, sizeof(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "2 workers were lost with it"));
    CU_ASSERT_EQUAL(bed_stats().ready, 1);
    bed_cancel(1, false);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_stats().ready, 0);
}

/* It is kept until it is empty, then until the suspect has ended. */
static void a_worker_is_kept_for_it(void)
{
    kill_twice(false);
    while (bed_stats().running > 4) {
        bed_dispatch();
        start_all();
        for (uint64_t id = 2; id <= TASKS; id++) {
            if (out[id]) {
                finish(id);
                break;
            }
        }
    }
    for (int i = 0; i < 50 && !out[1]; i++) {
        for (uint64_t id = 2; id <= TASKS; id++) {
            if (out[id]) {
                finish(id);
                break;
            }
        }
        task(30 + (uint64_t)i % 30, false); /* more of others */
        bed_dispatch();
        start_all();
    }
    CU_ASSERT_FATAL(out[1]);
    CU_ASSERT_EQUAL(beside(1), 0);
    for (uint64_t id = 21; id < 30; id++) {
        task(id, false);
    }
    bed_dispatch();
    start_all();
    CU_ASSERT_EQUAL(beside(1), 0);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000); /* it was innocent */
    CU_ASSERT_EQUAL(bed_count("tell p1 finished"), 1);
}

static void commands_beside_a_killer_are_not_suspected(void)
{
    kill_twice(true);
    CU_ASSERT_EQUAL(bed_count("tell"), bed_count("finished"));
    run_out();
    CU_ASSERT_EQUAL(bed_count("failed HAY_EFARM"), 1);
}

static void commands_alone_with_each_other_are_lost_three_times_at_most(void)
{
    bed_join(0, 2);
    bed_join(1, 2);
    bed_join(2, 2);
    bed_join(3, 2);
    task(1, true);
    task(2, true);
    for (int i = 0; i < 3; i++) {
        bed_dispatch();
        start_all();
        kill_with(1);
    }
    CU_ASSERT_EQUAL(bed_count("tell p1 failed HAY_EFARM"), 1);
}

/* Item 7 of 32 kills whoever runs it. */
static void only_the_item_that_kills_fails(void)
{
    struct hayi_event e = bed_map_event(1, 32);
    bool over[BED_RANGES] = {false};
    for (uint32_t w = 0; w < 6; w++) {
        bed_join(w, 2);
    }
    (void)bed_submit(&e);
    for (int round = 0; round < 400 && bed_stats().unfinished > 0; round++) {
        bed_dispatch();
        for (size_t i = 0; i < bed.range_count; i++) {
            const struct bed_attempt *a = &bed.ranges[i];
            if (over[i]) {
                continue;
            }
            bed_range_started(i);
            if (a->first <= 7 && 7 < a->first + a->count) {
                uint32_t worker = a->worker;
                for (size_t j = 0; j < bed.range_count; j++) {
                    over[j] = over[j] || bed.ranges[j].worker == worker;
                }
                bed_lost(worker);
                break;
            }
        }
        for (size_t i = 0; i < bed.range_count; i++) {
            if (!over[i]) {
                over[i] = true;
                bed_range_ended(i, bed.ranges[i].count, 0, 1000000);
                break;
            }
        }
    }
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
    CU_ASSERT_EQUAL(bed_count("items 7+1 failed 1"), 1);
    CU_ASSERT_EQUAL(bed_count("farm"), 1);
    CU_ASSERT_EQUAL(bed_stats().workers, 3);
}

static void a_stopped_map_leaves_nothing_that_waits_to_be_alone(void)
{
    struct hayi_event e = bed_map_event(1, 1);
    bed_join(0, 1);
    bed_join(1, 1);
    bed_join(2, 1);
    (void)bed_submit(&e);
    for (int i = 0; i < 2; i++) {
        bed_dispatch();
        bed_lost(bed.last[1].worker);
    }
    CU_ASSERT_EQUAL(bed_stats().ready, 1);
    bed_forget();
    bed_cancel(1, false);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_stats().ready, 0);
}

static void the_last_worker_leaves_nothing_that_waits_to_be_alone(void)
{
    struct hayi_event e = bed_map_event(2, 1);
    hayi_sched_free(bed.sched);
    bed_config.worker_max = 3; /* nobody else can come */
    bed_open();
    bed_join(0, 2);
    bed_join(1, 2);
    bed_join(2, 2);
    task(1, false);
    (void)bed_submit(&e);
    for (int i = 0; i < 2; i++) {
        bed_dispatch();
        start_all();
        kill_with(1);
    }
    bed_lost(0);
    bed_lost(1);
    bed_lost(2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

static CU_TestInfo tests[] = {
    {"only_the_killer_fails", only_the_killer_fails},
    {"what_waits_to_be_alone_says_so", what_waits_to_be_alone_says_so},
    {"a_worker_is_kept_for_it", a_worker_is_kept_for_it},
    {"commands_beside_a_killer_are_not_suspected",
     commands_beside_a_killer_are_not_suspected},
    {"commands_alone_with_each_other_are_lost_three_times_at_most",
     commands_alone_with_each_other_are_lost_three_times_at_most},
    {"only_the_item_that_kills_fails", only_the_item_that_kills_fails},
    {"a_stopped_map_leaves_nothing_that_waits_to_be_alone",
     a_stopped_map_leaves_nothing_that_waits_to_be_alone},
    {"the_last_worker_leaves_nothing_that_waits_to_be_alone",
     the_last_worker_leaves_nothing_that_waits_to_be_alone},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/alone", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
