/* test_sched.c - the door as a whole: large graphs, short memory, stories,
 * what it says about itself. */
#include "config.h"

#include "bed.h"
#include "core/alloc.h"
#include "support/unit.h"

#include <string.h>

static const uint64_t after_1[] = {1, 0};

static void two_cores(void)
{
    bed_setup();
    bed_open();
    bed_join(0, 2);
}

#define LINE 1000000u

static void chain_of_a_million_fails_in_a_loop(void)
{
    hayi_handle before = 0;
    struct hayi_actions actions;
    struct hayi_event e;
    hayi_actions_init(&actions);
    hayi_handle first = 0;
    for (uint64_t id = 1; id <= LINE; id++) {
        struct hayi_dep dep = {.task = before};
        e = bed_task_event(id);
        e.u.task.deps = &dep;
        e.u.task.dep_count = id > 1 ? 1 : 0;
        (void)hayi_sched_step(bed.sched, 0, &e, &actions);
        before = e.u.task.task;
        first = first == 0 ? before : first;
    }
    actions.count = 0;
    e = (struct hayi_event){.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = first;
    CU_ASSERT_EQUAL(hayi_sched_step(bed.sched, 0, &e, &actions), HAY_OK);
    CU_ASSERT_EQUAL(actions.count, LINE + 1);
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
    hayi_actions_fini(&actions);
    hayi_sched_check(bed.sched);
}

/* A fixed story, told with allocation n failing; the number of tells. */
static uint64_t story_with_failure_at(uint64_t n, bool *failed)
{
    struct hayi_actions actions;
    uint64_t tells = 0;
    uint32_t dispatches = 0;
    hayi_alloc_fail_at(n);
    struct hayi_sched *s = hayi_sched_new(&bed_config);
    if (s == NULL) {
        *failed = true;
        s = hayi_sched_new(&bed_config);
    }
    hayi_actions_init(&actions);
    struct hayi_event events[40];
    size_t count = 0;
    events[count] = (struct hayi_event){.kind = HAYI_EVENT_JOINED};
    events[count++].u.joined.cores = 4;
    for (uint64_t id = 1; id <= 30; id++) {
        events[count] = bed_task_event(id);
        events[count].u.task.priority = (int32_t)id % 9;
        events[count].u.task.needs.memory_bytes = id % 10;
        events[count++].u.task.category = (uint32_t)id;
    }
    events[count++] = bed_map_event(31, 50);
    events[count] = (struct hayi_event){.kind = HAYI_EVENT_CLOSE};
    events[count++].u.close.cancel_pending = true;
    for (size_t i = 0; i < count; i++) {
        hay_status status = HAY_ENOMEM;
        while (status == HAY_ENOMEM) {
            status = hayi_sched_step(s, 0, &events[i], &actions);
            *failed = *failed || status == HAY_ENOMEM;
            hayi_sched_check(s);
            if (i % 8 == 0 && hayi_sched_dispatch(s, 0, &actions) != HAY_OK) {
                *failed = true;
                dispatches++;
            }
            hayi_sched_check(s);
        }
        CU_ASSERT_EQUAL(status, HAY_OK);
    }
    for (size_t i = 0; i < actions.count; i++) {
        const struct hayi_action *a = &actions.list[i];
        tells += a->kind == HAYI_ACTION_TELL ? 1 : 0;
        if (a->kind != HAYI_ACTION_HAND_OUT) {
            continue;
        }
        struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
        e.u.ended.task = a->u.hand_out.task;
        e.u.ended.attempt = a->u.hand_out.attempt;
        e.u.ended.items = a->u.hand_out.count;
        while (hayi_sched_step(s, 0, &e, &actions) == HAY_ENOMEM) {
            *failed = true;
        }
        hayi_sched_check(s);
    }
    while (hayi_sched_dispatch(s, 0, &actions) != HAY_OK) {
        dispatches++;
    }
    CU_ASSERT_EQUAL(actions.list[actions.count - 1].kind,
                    HAYI_ACTION_ALL_ENDED);
    CU_ASSERT(dispatches <= 1);
    hayi_alloc_fail_at(0);
    hayi_actions_fini(&actions);
    hayi_sched_free(s);
    return tells;
}

static void allocation_n_fails_for_every_n(void)
{
    bool failed = true;
    uint64_t n = 1;
    for (; failed && n < 10000; n++) {
        failed = false;
        CU_ASSERT_EQUAL(story_with_failure_at(n, &failed), 31);
    }
    CU_ASSERT(n > 20);
    CU_ASSERT(n < 10000);
}

static void story_tells_what_holds_a_task(void)
{
    char text[300];
    bed_task(1, NULL);
    bed_task(2, after_1);
    bed_dispatch();
    bed_started(1);
    bed.now_ns = 1500000000;
    hayi_sched_story(bed.sched, bed.task[1], bed.now_ns, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text,
                           "running for 1.500000 s: attempt 1 at worker 0");
    hayi_sched_story(bed.sched, bed.task[2], bed.now_ns, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(
        text, "pending for 1.500000 s: 1 of its inputs have not ended");
    hayi_sched_story(bed.sched, 12345, bed.now_ns, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "it has ended, or there is no such task");
}

static void the_end_waits_for_what_has_run_longest(void)
{
    struct hayi_awaited awaited;
    CU_ASSERT_FALSE(hayi_sched_awaited(bed.sched, &awaited));
    bed_task(1, NULL);
    bed_task(2, NULL);
    bed_task(3, after_1);
    CU_ASSERT_TRUE_FATAL(hayi_sched_awaited(bed.sched, &awaited));
    CU_ASSERT_EQUAL(awaited.id, 1);
    CU_ASSERT_EQUAL(awaited.how, HAYI_AWAITED_STORY);
    bed_dispatch();
    bed.now_ns = 1000000000;
    bed_started(2);
    bed.now_ns = 2000000000;
    bed_started(1);
    CU_ASSERT_TRUE_FATAL(hayi_sched_awaited(bed.sched, &awaited));
    CU_ASSERT_EQUAL(awaited.id, 2);
    CU_ASSERT_EQUAL(awaited.payload, 2);
    CU_ASSERT_EQUAL(awaited.task, bed.task[2]);
    CU_ASSERT_EQUAL(awaited.worker, 0);
    CU_ASSERT_EQUAL(awaited.since_ns, 1000000000);
    CU_ASSERT_EQUAL(awaited.how, HAYI_AWAITED_RUNS);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1);
    CU_ASSERT_TRUE_FATAL(hayi_sched_awaited(bed.sched, &awaited));
    CU_ASSERT_EQUAL(awaited.id, 3);
}

static void the_end_waits_for_a_map_whose_range_runs(void)
{
    struct hayi_awaited awaited;
    struct hayi_event e = bed_map_event(4, 100);
    (void)bed_submit(&e);
    bed_dispatch();
    bed_range_started(0);
    CU_ASSERT_TRUE_FATAL(hayi_sched_awaited(bed.sched, &awaited));
    CU_ASSERT_EQUAL(awaited.id, 4);
    CU_ASSERT_EQUAL(awaited.payload, 4);
    CU_ASSERT_EQUAL(awaited.how, HAYI_AWAITED_RUNS);
}

static void stats_count_each_state(void)
{
    for (uint64_t id = 1; id <= 6; id++) {
        bed_task(id, NULL);
    }
    bed_task(7, after_1);
    bed_dispatch(); /* two run, two are held ahead */
    bed_started(1);
    struct hayi_sched_stats stats = bed_stats();
    CU_ASSERT_EQUAL(stats.pending, 1);
    CU_ASSERT_EQUAL(stats.ready, 2);
    CU_ASSERT_EQUAL(stats.handed_out, 3);
    CU_ASSERT_EQUAL(stats.running, 1);
    CU_ASSERT_EQUAL(stats.unfinished, 7);
    CU_ASSERT_EQUAL(stats.workers, 1);
    CU_ASSERT_EQUAL(stats.cores, 2);
    CU_ASSERT(stats.memory_bytes > 0);
}

static void time_never_goes_back(void)
{
    bed.now_ns = 5000000000;
    bed_task(1, NULL);
    bed.now_ns = 1;
    bed_dispatch();
    char text[300];
    hayi_sched_story(bed.sched, bed.task[1], 5000000000, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text,
                           "handed out for 0.000000 s: attempt 1 at worker 0");
}

static void unknown_event_is_refused(void)
{
    struct hayi_event e = {.kind = (enum hayi_event_kind)99};
    CU_ASSERT_EQUAL(bed_step(&e), HAY_EINVAL);
}

static void farm_without_room_for_workers_is_refused(void)
{
    struct hayi_sched_config config = {.worker_max = 0};
    CU_ASSERT_PTR_NULL(hayi_sched_new(&config));
    hayi_sched_free(NULL);
}

static CU_TestInfo tests[] = {
    {"chain_of_a_million_fails_in_a_loop", chain_of_a_million_fails_in_a_loop},
    {"allocation_n_fails_for_every_n", allocation_n_fails_for_every_n},
    {"story_tells_what_holds_a_task", story_tells_what_holds_a_task},
    {"the_end_waits_for_what_has_run_longest",
     the_end_waits_for_what_has_run_longest},
    {"the_end_waits_for_a_map_whose_range_runs",
     the_end_waits_for_a_map_whose_range_runs},
    {"stats_count_each_state", stats_count_each_state},
    {"time_never_goes_back", time_never_goes_back},
    {"unknown_event_is_refused", unknown_event_is_refused},
    {"farm_without_room_for_workers_is_refused",
     farm_without_room_for_workers_is_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/sched", NULL, NULL, two_cores, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
