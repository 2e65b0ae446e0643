/* test_stories.c - what a farm does, told with virtual times.
 *
 * Every frame takes 10 us, everybody looks up at once, all workers join at 0.
 * A trace has a line for each begin and end on a worker, with the core, and for
 * what the user is told; times in microseconds.  Tasks are numbered from 0.
 */
#include "config.h"

#include "sim/cluster.h"
#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define WORKERS_MAX 4u
#define TRACE_SIZE  8000u
#define US          UINT64_C(1000)

static struct hayi_sim *sim;
static char trace[TRACE_SIZE];
static size_t trace_used;

static void teardown(void)
{
    hayi_sim_free(sim);
    sim = NULL;
}

static void note(void *context, uint64_t now_ns, const char *line)
{
    (void)context;
    if (strncmp(line, "core:", 5) != 0 && trace_used < sizeof trace) {
        trace_used += (size_t)snprintf(trace + trace_used,
                                       sizeof trace - trace_used,
                                       "%" PRIu64 " %s\n",
                                       now_ns / US,
                                       line);
    }
}

static void farm(uint32_t workers, uint32_t cores)
{
    struct hayi_sim_node_config nodes[WORKERS_MAX];
    uint64_t join_ns[WORKERS_MAX] = {0};
    struct hayi_sim_config config = {.seed = 1,
                                     .worker_count = workers,
                                     .nodes = nodes,
                                     .join_ns = join_ns,
                                     .sched = {.silence_ns = 2000000000},
                                     .latency_ns = 10 * US,
                                     .check_all = true,
                                     .trace = note};

    for (uint32_t i = 0; i < workers; i++) {
        nodes[i] = (struct hayi_sim_node_config){.index = i,
                                                 .cores = cores,
                                                 .slow_permille = 1000,
                                                 .suspended_max = UINT32_MAX,
                                                 .beat_ns = 400000000};
    }
    teardown();
    trace_used = 0;
    trace[0] = '\0';
    sim = hayi_sim_new(&config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(sim);
}

/* Submit at 'at_us'; the task's number. */
static uint32_t submit(uint64_t at_us, const struct hayi_sim_spec *spec)
{
    struct hayi_sim_spec full = *spec;
    struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_SUBMIT};

    full.needs.cores = full.needs.cores == 0 ? 1 : full.needs.cores;
    full.duration_ns = full.duration_ns * US;
    CU_ASSERT_EQUAL_FATAL(hayi_sim_task(sim, &full, &wish.task), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_sim_wish(sim, at_us * US, &wish), HAY_OK);
    return wish.task;
}

/* A task of so many microseconds after one other. */
static uint32_t after(uint32_t task, bool any, uint64_t us)
{
    const struct hayi_sim_dep dep = {.task = task, .any = any};
    return submit(100,
                  &(struct hayi_sim_spec){
                      .deps = &dep, .dep_count = 1, .duration_ns = us});
}

static uint32_t task(uint64_t us)
{
    return submit(100, &(struct hayi_sim_spec){.duration_ns = us});
}

static void wish(uint64_t at_us, const struct hayi_sim_wish *what)
{
    CU_ASSERT_EQUAL_FATAL(hayi_sim_wish(sim, at_us * US, what), HAY_OK);
}

static void run(const char *expected)
{
    struct hayi_sim_result result;
    struct hayi_error err;

    hay_status st = hayi_sim_run(sim, &result, &err);
    CU_ASSERT_EQUAL(st, HAY_OK);
    if (st != HAY_OK) {
        printf("# %s\n", err.text);
    }
    CU_ASSERT_STRING_EQUAL(trace, expected);
    if (strcmp(trace, expected) != 0) {
        printf("# got:\n%s", trace);
    }
}

static void close_at(uint64_t at_us, bool at_once)
{
    wish(at_us,
         &(struct hayi_sim_wish){.kind = HAYI_SIM_WISH_CLOSE, .flag = at_once});
}

static void a_task_begins_when_its_input_has_ended(void)
{
    farm(2, 1);
    (void)after(task(50), false, 30);
    close_at(200, false);
    run("110 w0 begins 0 on 0\n"
        "160 w0 ends 0\n"
        "170 0 is finished\n"
        "180 w0 begins 1 on 0\n"
        "200 close\n"
        "210 w0 ends 1\n"
        "220 1 is finished\n");
}

static void a_gatherer_waits_for_the_last_of_its_inputs(void)
{
    farm(2, 2);
    const struct hayi_sim_dep deps[] = {
        {.task = task(100)}, {.task = task(300)}, {.task = task(200)}};
    (void)submit(100,
                 &(struct hayi_sim_spec){
                     .deps = deps, .dep_count = 3, .duration_ns = 10});
    close_at(200, false);
    run("110 w1 begins 1 on 0\n"
        "110 w0 begins 0 on 0\n"
        "110 w0 begins 2 on 1\n"
        "200 close\n"
        "210 w0 ends 0\n"
        "220 0 is finished\n"
        "310 w0 ends 2\n"
        "320 2 is finished\n"
        "410 w1 ends 1\n"
        "420 1 is finished\n"
        "430 w0 begins 3 on 0\n"
        "440 w0 ends 3\n"
        "450 3 is finished\n");
}

static void a_failing_task_is_retried_and_takes_its_dependents_along(void)
{
    farm(1, 1);
    uint32_t bad = submit(100,
                          &(struct hayi_sim_spec){
                              .duration_ns = 20, .retries = 1, .failures = 9});
    (void)after(after(bad, false, 5), false, 5);
    (void)after(bad, true, 5);
    close_at(200, false);
    run("110 w0 begins 0 on 0\n"
        "130 w0 ends 0, failed\n"
        "150 w0 begins 0 on 0\n"
        "170 w0 ends 0, failed\n"
        "180 0 is failed\n"
        "180 1 is failed\n"
        "180 2 is failed\n"
        "190 w0 begins 3 on 0\n"
        "195 w0 ends 3\n"
        "200 close\n"
        "205 3 is finished\n");
}

static void an_idle_worker_gets_what_another_holds_ahead(void)
{
    farm(2, 1);
    (void)task(3000);
    (void)task(100);
    (void)task(3000);
    (void)task(100);
    close_at(200, false);
    run("110 w1 begins 1 on 0\n"
        "110 w0 begins 0 on 0\n"
        "200 close\n"
        "210 w1 ends 1\n"
        "210 w1 begins 3 on 0\n"
        "220 1 is finished\n"
        "310 w1 ends 3\n"
        "320 3 is finished\n"
        "350 w1 begins 2 on 0\n"
        "3110 w0 ends 0\n"
        "3120 0 is finished\n"
        "3350 w1 ends 2\n"
        "3360 2 is finished\n");
}

static void higher_priority_passes_what_was_handed_out(void)
{
    farm(1, 1);
    for (int i = 0; i < 3; i++) {
        (void)task(500);
    }
    (void)submit(200,
                 &(struct hayi_sim_spec){.duration_ns = 100, .priority = 9});
    close_at(200, false);
    run("110 w0 begins 0 on 0\n"
        "200 close\n"
        "610 w0 ends 0\n"
        "610 w0 begins 3 on 0\n"
        "620 0 is finished\n"
        "710 w0 ends 3\n"
        "710 w0 begins 1 on 0\n"
        "720 3 is finished\n"
        "1210 w0 ends 1\n"
        "1210 w0 begins 2 on 0\n"
        "1220 1 is finished\n"
        "1710 w0 ends 2\n"
        "1720 2 is finished\n");
}

static void cancel_takes_what_waits_and_stops_what_runs_if_forced(void)
{
    farm(1, 1);
    uint32_t running = task(5000);
    uint32_t waiting = task(5000);
    (void)after(waiting, false, 10);
    (void)after(waiting, true, 10);
    wish(
        300,
        &(struct hayi_sim_wish){.kind = HAYI_SIM_WISH_CANCEL, .task = waiting});
    wish(
        400,
        &(struct hayi_sim_wish){.kind = HAYI_SIM_WISH_CANCEL, .task = running});
    wish(1000,
         &(struct hayi_sim_wish){
             .kind = HAYI_SIM_WISH_CANCEL, .task = running, .flag = true});
    close_at(2000, false);
    run("110 w0 begins 0 on 0\n"
        "300 cancel of 1\n"
        "320 1 is cancelled\n"
        "320 2 is cancelled\n"
        "400 cancel of 0\n"
        "1000 cancel of 0, forced\n"
        "1011 w0 ends 0, stopped\n"
        "1011 w0 begins 3 on 0\n"
        "1021 w0 ends 3\n"
        "1021 0 is cancelled\n"
        "1031 3 is finished\n"
        "2000 close\n");
}

static void a_wide_task_gets_its_cores_in_the_end(void)
{
    farm(1, 4);
    for (uint64_t i = 1; i <= 4; i++) {
        (void)task(100 * i);
    }
    (void)submit(
        100, &(struct hayi_sim_spec){.duration_ns = 50, .needs = {.cores = 4}});
    for (uint64_t i = 1; i <= 2; i++) {
        (void)task(100 * i);
    }
    close_at(200, false);
    run("110 w0 begins 0 on 0\n"
        "110 w0 begins 1 on 1\n"
        "110 w0 begins 2 on 2\n"
        "110 w0 begins 3 on 3\n"
        "200 close\n"
        "210 w0 ends 0\n"
        "220 0 is finished\n"
        "310 w0 ends 1\n"
        "320 1 is finished\n"
        "410 w0 ends 2\n"
        "420 2 is finished\n"
        "510 w0 ends 3\n"
        "510 w0 begins 4 on 0...\n"
        "520 3 is finished\n"
        "560 w0 ends 4\n"
        "560 w0 begins 5 on 0\n"
        "560 w0 begins 6 on 1\n"
        "570 4 is finished\n"
        "660 w0 ends 5\n"
        "670 5 is finished\n"
        "760 w0 ends 6\n"
        "770 6 is finished\n");
}

static void a_worker_that_dies_takes_only_its_own_along(void)
{
    farm(2, 1);
    uint32_t first = task(5000);
    (void)task(5000);
    (void)after(first, false, 100);
    (void)after(first, true, 100);
    wish(1000,
         &(struct hayi_sim_wish){.kind = HAYI_SIM_WISH_KILL, .worker = 0});
    close_at(2000, false);
    run("110 w1 begins 1 on 0\n"
        "110 w0 begins 0 on 0\n"
        "1000 w0 dies\n"
        "1010 w0 is lost\n"
        "2000 close\n"
        "5110 w1 ends 1\n"
        "5110 w1 begins 0 on 0\n"
        "5120 1 is finished\n"
        "10110 w1 ends 0\n"
        "10120 0 is finished\n"
        "10130 w1 begins 2 on 0\n"
        "10230 w1 ends 2\n"
        "10230 w1 begins 3 on 0\n"
        "10240 2 is finished\n"
        "10330 w1 ends 3\n"
        "10340 3 is finished\n");
}

static void a_silent_worker_is_lost_after_two_seconds(void)
{
    farm(2, 1);
    (void)task(5000);
    (void)task(5000);
    wish(1000,
         &(struct hayi_sim_wish){
             .kind = HAYI_SIM_WISH_KILL, .worker = 1, .flag = true});
    close_at(2000, false);
    run("110 w1 begins 1 on 0\n"
        "110 w0 begins 0 on 0\n"
        "1000 w1 dies\n"
        "2000 close\n"
        "5110 w0 ends 0\n"
        "5120 0 is finished\n"
        "2000120 w1 is lost, silent\n"
        "2000130 w0 begins 1 on 0\n"
        "2005130 w0 ends 1\n"
        "2005140 1 is finished\n");
}

static void a_map_may_stop_at_its_first_failure(void)
{
    farm(2, 1);
    (void)submit(100,
                 &(struct hayi_sim_spec){.map = true,
                                         .items = 1000,
                                         .range_max = 10,
                                         .duration_ns = 10,
                                         .fail_every = 13,
                                         .stop_on_failure = true});
    close_at(200, false);
    run("110 w1 begins 0 items 1+1 on 0\n"
        "110 w0 begins 0 items 0+1 on 0\n"
        "120 w1 ends 0\n"
        "120 w0 ends 0\n"
        "120 w1 begins 0 items 4+2 on 0\n"
        "120 w0 begins 0 items 2+2 on 0\n"
        "140 w1 ends 0\n"
        "140 w0 ends 0\n"
        "140 w1 begins 0 items 14+8 on 0\n"
        "140 w0 begins 0 items 6+8 on 0\n"
        "200 close\n"
        "210 w0 ends 0, failed\n"
        "210 w0 begins 0 items 22+8 on 0\n"
        "220 w1 ends 0\n"
        "220 w1 begins 0 items 30+8 on 0\n"
        "231 w1 ends 0, stopped\n"
        "231 w0 ends 0, stopped\n"
        "241 0 is failed\n");
}

static void a_close_at_once_ends_what_has_not_begun(void)
{
    farm(2, 1);
    uint32_t first = task(500);
    (void)after(first, false, 100);
    for (int i = 0; i < 4; i++) {
        (void)task(500);
    }
    close_at(300, true);
    run("110 w1 begins 2 on 0\n"
        "110 w0 begins 0 on 0\n"
        "300 close at once\n"
        "300 1 is cancelled\n"
        "300 5 is cancelled\n"
        "320 4 is cancelled\n"
        "320 3 is cancelled\n"
        "610 w1 ends 2\n"
        "610 w0 ends 0\n"
        "620 2 is finished\n"
        "620 0 is finished\n");
}

static CU_TestInfo tests[] = {
    {"a_task_begins_when_its_input_has_ended",
     a_task_begins_when_its_input_has_ended},
    {"a_gatherer_waits_for_the_last_of_its_inputs",
     a_gatherer_waits_for_the_last_of_its_inputs},
    {"a_failing_task_is_retried_and_takes_its_dependents_along",
     a_failing_task_is_retried_and_takes_its_dependents_along},
    {"an_idle_worker_gets_what_another_holds_ahead",
     an_idle_worker_gets_what_another_holds_ahead},
    {"higher_priority_passes_what_was_handed_out",
     higher_priority_passes_what_was_handed_out},
    {"cancel_takes_what_waits_and_stops_what_runs_if_forced",
     cancel_takes_what_waits_and_stops_what_runs_if_forced},
    {"a_wide_task_gets_its_cores_in_the_end",
     a_wide_task_gets_its_cores_in_the_end},
    {"a_worker_that_dies_takes_only_its_own_along",
     a_worker_that_dies_takes_only_its_own_along},
    {"a_silent_worker_is_lost_after_two_seconds",
     a_silent_worker_is_lost_after_two_seconds},
    {"a_map_may_stop_at_its_first_failure",
     a_map_may_stop_at_its_first_failure},
    {"a_close_at_once_ends_what_has_not_begun",
     a_close_at_once_ends_what_has_not_begun},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"sim/stories", NULL, NULL, NULL, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
