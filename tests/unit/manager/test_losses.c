/* test_losses.c - a manager whose worker dies, is silent, or talks nonsense. */
#include "config.h"

#include "manager_bed.h"

#include "base/clock.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* ---- losses ---- */

/* A task that runs, one that waits at the worker, one that waits for a worker,
 * one that waits for an input, and a map. */
static void submit_some(hay_future *list[5])
{
    static double in[1000];
    static double out[1000];
    hay_task_options wide = HAY_TASK_OPTIONS_INIT;
    wide.cores = 2;
    list[0] = bed_submit(HAY_NO_ARGS, NULL);
    list[1] = bed_submit(HAY_NO_ARGS, &wide);
    list[2] = bed_submit(HAY_NO_ARGS, NULL);
    list[3] = bed_submit(HAY_ARGS(hay_ref(list[2])), NULL);
    CU_ASSERT_EQUAL_FATAL(
        hay_map(bed_ex, bed_items, NULL, in, 1000, out, &list[4]), HAY_OK);
    bed_turn();
    bed_turn();
    const struct hayi_attempt_record started = {bed_known[1].task, 1, 0};
    bed_say(HAYI_RECORD_STARTED, &started, sizeof(started));
    bed_turn();
    bed_told[0] = 0;
}

/* All end as the farm's failure (a dependent may name its input), waiters are
 * woken, the manager ends. */
static void check_broken(hay_future *list[5], const char *words)
{
    for (int i = 0; i < 5; i++) {
        bed_turn();
    }
    CU_ASSERT_EQUAL(hay_executor_health(bed_ex), HAY_EFARM);
    if (strstr(hay_error_text(), words) == NULL) {
        CU_FAIL(words);
        (void)printf("# %s\n", hay_error_text());
    }
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE_FATAL(hay_future_done(list[i]));
        hay_outcome outcome = bed_outcome_of(list[i]);
        CU_ASSERT_EQUAL(outcome.state, HAY_FAILED);
        CU_ASSERT_TRUE(outcome.status == HAY_EFARM
                       || (i == 3 && outcome.status == HAY_EDEPENDENCY));
        CU_ASSERT_PTR_NOT_NULL(strstr(outcome.reason, " worker "));
        hay_future_release(list[i]);
    }
    bed_ahead_ns += 3 * SECOND_NS;
    bed_turn();
    CU_ASSERT_TRUE(hayi_manager_ended(bed_manager));
    CU_ASSERT_FALSE(hayi_manager_orderly(bed_manager));
    hay_future *none = NULL;
    CU_ASSERT_EQUAL(hay_submit(bed_ex, bed_one, HAY_NO_ARGS, NULL, &none),
                    HAY_EFARM);
}

static void lost_worker_fails_everything(void)
{
    hay_future *list[5];
    bed_ready(2);
    submit_some(list);
    bed_close_end(1);
    check_broken(list, "lost worker 7 on node (pid 4711)");
}

static void loss_of_a_worker_that_never_joined_fails_everything(void)
{
    hay_future *list[5];
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    bed_close_end(1);
    check_broken(list, "lost worker 7");
}

static void silent_worker_is_lost(void)
{
    hay_future *list[5];
    bed_open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
    bed_join(2);
    bed_turn();
    submit_some(list);
    for (int i = 1; i <= 17; i++) {
        bed_ahead_ns = (uint64_t)i * SECOND_NS;
        (void)hayi_manager_poll(bed_manager, hayi_clock_ns() + bed_ahead_ns);
    }
    check_broken(list, "silent");
}

static void worker_that_never_joins_is_lost(void)
{
    hay_future *list[5];
    bed_open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    for (int i = 1; i <= 46; i++) {
        bed_ahead_ns = (uint64_t)i * SECOND_NS;
        (void)hayi_manager_poll(bed_manager, hayi_clock_ns() + bed_ahead_ns);
    }
    check_broken(list, "never joined");
}

static void worker_that_refuses_ends_the_run(void)
{
    hay_future *list[5];
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    CU_ASSERT_EQUAL(
        hayi_link_append_words(&bed_worker, HAYI_RECORD_REFUSE, "no licence"),
        HAY_OK);
    check_broken(list, "worker 7 on node cannot serve: no licence");
}

static void unasked_bye_loses_the_worker(void)
{
    hay_future *list[5];
    const struct hayi_stop bye = {0, 0};
    bed_fenced = false;
    bed_ready(2);
    submit_some(list);
    bed_say(HAYI_RECORD_BYE, &bye, sizeof(bye));
    check_broken(list, "without being told");
    CU_ASSERT_TRUE(bed_fenced); /* it lives still, and hears of it */
}

static void damaged_record_loses_the_worker_not_the_process(void)
{
    static const uint16_t types[] = {
        HAYI_RECORD_JOIN,
        HAYI_RECORD_STARTED,
        HAYI_RECORD_RETURNED,
        HAYI_RECORD_ENDED,
        HAYI_RECORD_RANGE_ENDED,
        HAYI_RECORD_PONG,
        HAYI_RECORD_LOG,
        HAYI_RECORD_REFUSE,
        HAYI_RECORD_TASK,
        77,
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        hay_future *list[5];
        bed_ready(2);
        submit_some(list);
        bed_say(types[i], "1234", 4);
        check_broken(list, "lost worker 7");
        bed_teardown();
        bed_setup();
    }
}

static void lengths_that_lie_lose_the_worker(void)
{
    hay_future *list[5];
    struct hayi_ended head = {.value_size = UINT64_MAX - 7};
    struct hayi_range_ended range = {.failures = UINT32_MAX};
    bed_ready(2);
    submit_some(list);
    head.task = bed_known[1].task;
    head.attempt = 1;
    bed_say(HAYI_RECORD_ENDED, &head, sizeof(head));
    check_broken(list, "too long");
    bed_teardown();
    bed_setup();
    bed_ready(2);
    submit_some(list);
    bed_say(HAYI_RECORD_RANGE_ENDED, &range, sizeof(range));
    check_broken(list, "too long");
}

static void bytes_that_are_no_frame_lose_the_worker(void)
{
    hay_future *list[5];
    const uint64_t noise[5] = {1, 2, 3, 4, 5};
    bed_ready(2);
    submit_some(list);
    CU_ASSERT_EQUAL(
        bed_ends[1]->ops->send(bed_ends[1], 0, noise, sizeof(noise)), HAY_OK);
    check_broken(list, "not a frame");
}

static CU_TestInfo tests[] = {
    {"lost_worker_fails_everything", lost_worker_fails_everything},
    {"loss_of_a_worker_that_never_joined_fails_everything",
     loss_of_a_worker_that_never_joined_fails_everything},
    {"silent_worker_is_lost", silent_worker_is_lost},
    {"worker_that_never_joins_is_lost", worker_that_never_joins_is_lost},
    {"worker_that_refuses_ends_the_run", worker_that_refuses_ends_the_run},
    {"unasked_bye_loses_the_worker", unasked_bye_loses_the_worker},
    {"damaged_record_loses_the_worker_not_the_process",
     damaged_record_loses_the_worker_not_the_process},
    {"lengths_that_lie_lose_the_worker", lengths_that_lie_lose_the_worker},
    {"bytes_that_are_no_frame_lose_the_worker",
     bytes_that_are_no_frame_lose_the_worker},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/losses",
     bed_setup_suite,
     bed_clean_suite,
     bed_setup,
     bed_teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
