/* test_manager.c - what is submitted becomes records, what is reported results.
 */
#include "config.h"

#include "manager_bed.h"

#include "base/clock.h"
#include "wire/value.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

/* ---- serving ---- */

static void submit_becomes_a_record_and_its_report_the_result(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_ARGS(hay_double(2.5)), NULL);
    double y = 0;
    bed_expect("task 1.1\n");
    CU_ASSERT_EQUAL(bed_argument, 2.5);
    CU_ASSERT_FALSE(hay_future_done(f));
    bed_finished_double(1, 5);
    bed_expect("");
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &y), HAY_OK);
    CU_ASSERT_EQUAL(y, 5);
    bed_check_end(f, HAY_OK, "");
}

static void nothing_is_sent_before_a_worker_joins(void)
{
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("welcome\n");
    bed_join(1);
    bed_expect("task 1.1\n");
    bed_finished(1);
    bed_expect("");
    bed_check_end(f, HAY_OK, "");
}

static void dependent_waits_and_gets_the_value(void)
{
    bed_ready(2);
    hay_future *a = bed_submit(HAY_ARGS(hay_double(1)), NULL);
    hay_future *b = bed_submit(HAY_ARGS(hay_ref(a)), NULL);
    bed_expect("task 1.1 prompt\n");
    bed_finished_double(1, 42);
    bed_expect("task 2.1 prompt\n");
    CU_ASSERT_EQUAL(bed_argument, 42);
    bed_finished(2);
    bed_expect("");
    bed_check_end(a, HAY_OK, "");
    bed_check_end(b, HAY_OK, "");
}

static void failure_ends_dependents_unsent(void)
{
    bed_ready(2);
    hay_future *a = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *b = bed_submit(HAY_ARGS(hay_ref(a)), NULL);
    hay_future *c = bed_submit(HAY_ARGS(hay_ref(b)), NULL);
    bed_expect("task 1.1 prompt\n");
    bed_failed(1, "no peak");
    bed_expect("");
    CU_ASSERT_EQUAL(bed_outcome_of(c).culprit, 1);
    CU_ASSERT_EQUAL(bed_outcome_of(c).cause, HAY_CAUSE_DEPENDENCY);
    CU_ASSERT_EQUAL(bed_outcome_of(a).cause, HAY_CAUSE_STATUS);
    CU_ASSERT_EQUAL(bed_outcome_of(a).exit_code, 3);
    CU_ASSERT_EQUAL(bed_outcome_of(a).worker, 7);
    bed_check_end(a, HAY_ETASK, "no peak");
    bed_check_end(b, HAY_EDEPENDENCY, "");
    bed_check_end(c, HAY_EDEPENDENCY, "");
}

static void retry_is_a_further_attempt(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.retries = 1;
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, &options);
    bed_expect("task 1.1\n");
    bed_failed(1, "first");
    bed_expect("task 1.2\n");
    CU_ASSERT_FALSE(hay_future_done(f));
    bed_failed(1, "second");
    bed_expect("");
    CU_ASSERT_EQUAL(bed_outcome_of(f).attempts, 2);
    bed_check_end(f, HAY_ETASK, "second");
}

/* A report of an attempt that is not current changes nothing. */
static void stale_and_strange_reports_are_dropped(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.retries = 1;
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, &options);
    bed_expect("task 1.1\n");
    bed_failed(1, "first");
    bed_expect("task 1.2\n");
    bed_known[1].attempt = 1;
    bed_finished(1);
    bed_known[2] = (struct bed_known){.task = UINT64_MAX, .attempt = 1};
    bed_finished(2);
    bed_known[2] = (struct bed_known){.task = 0, .attempt = 0};
    bed_finished(2);
    bed_expect("");
    CU_ASSERT_FALSE(hay_future_done(f));
    bed_known[1].attempt = 2;
    bed_finished(1);
    bed_finished(1);
    bed_expect("");
    bed_check_end(f, HAY_OK, "");
}

static void arguments_too_large_for_a_message_fail_the_task(void)
{
    static char much[700000];
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(
        hayi_value_append(&value, HAY_BYTES, much, sizeof(much), NULL), HAY_OK);
    bed_ready(2);
    hay_future *a[2] = {bed_submit(HAY_NO_ARGS, NULL),
                        bed_submit(HAY_NO_ARGS, NULL)};
    hay_future *sum = bed_submit(HAY_ARGS(hay_refs(a, 2)), NULL);
    bed_expect("task 1.1 prompt\ntask 2.1 prompt\n");
    for (hay_task_id id = 1; id <= 2; id++) {
        bed_ended(id,
                  (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                                   .value = value.data,
                                   .value_size = value.size});
    }
    for (int i = 0; i < 100; i++) {
        bed_turn(); /* more than one credit's worth */
    }
    bed_expect("");
    hayi_buffer_fini(&value);
    bed_check_end(sum, HAY_ETASK, "more than");
    bed_check_end(a[0], HAY_OK, "");
    bed_check_end(a[1], HAY_OK, "");
}

static void ranges_bring_their_items_and_take_back_their_results(void)
{
    enum { MANY = 5000 };
    static double in[MANY];
    static double out[MANY];
    hay_future *map = NULL;
    uint64_t done = 0;
    bed_open_manager(false, HAY_OUTPUT_DEFAULT, NULL); /* as over MPI */
    bed_join(1);
    bed_expect("welcome\n");
    for (int i = 0; i < MANY; i++) {
        in[i] = i;
    }
    bed_answer_ranges = true;
    CU_ASSERT_EQUAL_FATAL(hay_map(bed_ex, bed_items, NULL, in, MANY, out, &map),
                          HAY_OK);
    for (int i = 0; i < MANY && !hay_future_done(map); i++) {
        bed_turn();
        bed_told[0] = 0;
    }
    CU_ASSERT_EQUAL(hay_map_progress(map, &done, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done, MANY);
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        wrong += out[i] != 2.0 * i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    bed_check_end(map, HAY_OK, "");
}

/* ---- cancelling ---- */

static void waiting_one_is_cancelled_at_once(void)
{
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    CU_ASSERT_EQUAL(bed_cancel(f, false), HAY_OK);
    bed_check_end(f, HAY_ECANCELLED, "cancelled");
    bed_join(1);
    bed_expect("welcome\n");
}

static void one_that_was_sent_is_cancelled_by_its_worker(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    CU_ASSERT_EQUAL(bed_cancel(f, false), HAY_EPENDING);
    bed_expect("cancel\n");
    bed_ended(
        1,
        (struct bed_end){.outcome = HAYI_OUTCOME_CANCELLED, .unstarted = true});
    bed_expect("");
    CU_ASSERT_EQUAL(bed_outcome_of(f).start_ns, 0);
    CU_ASSERT_EQUAL(bed_cancel(f, false), HAY_EINVAL); /* it has ended */
    bed_check_end(f, HAY_ECANCELLED, "");
}

static void cancel_that_comes_too_late_lets_it_finish(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    bed_finished(1);
    CU_ASSERT_EQUAL(hayi_link_flush(&bed_worker, bed_ends[1], 1), true);
    (void)bed_cancel(f, true);
    bed_check_end(f, HAY_OK, "");
}

static void running_one_is_told(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    const struct hayi_attempt_record started = {bed_known[1].task, 1, 0};
    bed_say(HAYI_RECORD_STARTED, &started, sizeof(started));
    bed_turn();
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_RUNNING);
    CU_ASSERT_EQUAL(bed_cancel(f, false), HAY_ERUNNING);
    bed_expect("cancel\n");
    bed_finished(1); /* it does not listen */
    bed_expect("");
    bed_check_end(f, HAY_OK, "");
}

/* ---- the end ---- */

static void stop_follows_the_last_end_and_bye_is_the_end(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    bed_close_executor(false);
    bed_expect("");
    bed_finished(1);
    bed_expect("stop\n");
    CU_ASSERT_FALSE(hayi_manager_ended(bed_manager));
    const struct hayi_stop bye = {0, 0};
    bed_say(HAYI_RECORD_BYE, &bye, sizeof(bye));
    bed_expect("");
    CU_ASSERT_TRUE(hayi_manager_ended(bed_manager));
    CU_ASSERT_TRUE(hayi_manager_orderly(bed_manager));
    bed_check_end(f, HAY_OK, "");
    bed_close_end(1); /* after its bye this is no loss */
    bed_turn();
    CU_ASSERT_TRUE(hayi_manager_orderly(bed_manager));
}

static void closing_with_cancel_spares_what_runs(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 1.1 prompt\n");
    const struct hayi_attempt_record started = {bed_known[1].task, 1, 0};
    bed_say(HAYI_RECORD_STARTED, &started, sizeof(started));
    bed_turn();
    bed_close_executor(true);
    bed_expect("");
    bed_check_end(g, HAY_ECANCELLED, "");
    bed_finished(1);
    bed_expect("stop\n");
    bed_check_end(f, HAY_OK, "");
}

/* ---- clocks ---- */

/* Whatever the worker's clock says, a chain's times do not go back, and lie
 * within the farm's life. */
static void causes_come_before_effects(void)
{
    enum { LENGTH = 30 };
    static const uint64_t aheads[] = {
        0, 1000 * SECOND_NS, UINT64_C(0) - 1000 * SECOND_NS, 1000000};
    for (size_t n = 0; n < sizeof(aheads) / sizeof(aheads[0]); n++) {
        hay_future *chain[LENGTH];
        bed_worker_ahead_ns = aheads[n];
        bed_open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
        uint64_t opened_ns = hayi_clock_ns();
        bed_join(1);
        for (size_t i = 0; i < LENGTH; i++) {
            chain[i] = i == 0
                           ? bed_submit(HAY_NO_ARGS, NULL)
                           : bed_submit(HAY_ARGS(hay_ref(chain[i - 1])), NULL);
        }
        for (hay_task_id id = 1; id <= LENGTH; id++) {
            for (int i = 0; i < 10 && bed_known[id].task == 0; i++) {
                bed_turn();
            }
            /* It claims an end that has not come yet. */
            bed_ended(id,
                      (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                                       .run_ns = SECOND_NS});
            bed_turn();
        }
        bed_turn();
        uint64_t last_ns = 0;
        uint64_t life_ns = hayi_clock_ns() - opened_ns + SECOND_NS / 2;
        for (size_t i = 0; i < LENGTH; i++) {
            hay_outcome outcome = bed_outcome_of(chain[i]);
            CU_ASSERT_TRUE(outcome.start_ns >= last_ns);
            CU_ASSERT_TRUE(outcome.end_ns >= outcome.start_ns);
            last_ns = outcome.end_ns;
            hay_future_release(chain[i]);
        }
        CU_ASSERT_TRUE(last_ns <= life_ns);
        bed_teardown();
        bed_setup();
    }
}

/* ---- the run folder ---- */

static void check_file(const char *name, const char *part, bool there)
{
    char path[sizeof(bed_run_folder) + 20];
    char text[4000] = "";
    (void)snprintf(path, sizeof(path), "%s/%s", bed_run_folder, name);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = 0;
    (void)fclose(file);
    CU_ASSERT_EQUAL(strstr(text, part) != NULL, there);
    if ((strstr(text, part) != NULL) != there) {
        (void)printf("# %s in:\n# %s\n", part, text);
    }
}

static void attempts_are_written_and_captures_outlive_the_manager(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_command command = HAY_COMMAND_INIT;
    hay_future *f = NULL;
    hay_future *g = NULL;
    const struct hayi_capture_record capture = {
        .offset = {0, 5}, .length = {4, 0}, .slot = 2, .file = 1};
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, bed_run_folder);
    bed_join(1);
    bed_expect("welcome\n");
    options.name = "prep";
    options.retries = 1;
    command.line = "date";
    CU_ASSERT_EQUAL(hay_submit_command(bed_ex, &command, &options, &f), HAY_OK);
    bed_expect("task 1.1\n");
    bed_failed(1, "exit status 3");
    bed_expect("task 1.2\n");
    bed_ended(1,
              (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                               .capture = &capture});
    g = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 2.1\n");
    CU_ASSERT_EQUAL(bed_cancel(g, false), HAY_EPENDING);
    bed_ended(
        2,
        (struct bed_end){.outcome = HAYI_OUTCOME_CANCELLED, .unstarted = true});
    bed_expect("cancel\n");
    bed_end_manager();
    check_file("tasks.tsv", "1\tprep\t1\tfailed\t7\t0\t1\t", true);
    check_file("tasks.tsv", "\t3\t0\texit status 3\tstatus\t0\t\t\t\t\n", true);
    check_file("tasks.tsv", "1\tprep\t2\tfinished\t7\t", true);
    check_file("tasks.tsv", "2\t\t0\tcancelled\t0\t", true);
    check_file("output.tsv", "1\tprep\t2\toutput/w7.s2.1.out\t0\t4\t", true);
    check_file("output.tsv", "\n2\t", false);
    hay_capture where = {.size = sizeof(where)};
    CU_ASSERT_EQUAL(hay_future_capture(f, &where), HAY_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(where.path[0]);
    CU_ASSERT_PTR_NOT_NULL(strstr(where.path[0], "/run/output/w7.s2.1.out"));
    CU_ASSERT_EQUAL(where.length[0], 4);
    CU_ASSERT_EQUAL(where.length[1], 0);
    bed_check_end(f, HAY_OK, "");
    bed_check_end(g, HAY_ECANCELLED, "");
}

/* On the folder of the test before. */
static hay_status
open_second(hay_journal journal, struct hayi_manager **manager, char *words)
{
    hay_options options = HAY_OPTIONS_INIT;
    struct hayi_error err = {HAY_OK, ""};
    hay_executor *ex;
    options.run_folder = bed_run_folder;
    options.journal = journal;
    const struct hayi_worker_name name = {7, "node", 4711};
    CU_ASSERT_EQUAL_FATAL(hayi_executor_new(&options, &ex), HAY_OK);
    const struct hayi_manager_config config = {
        .transport = bed_ends[0],
        .bell = &bed_bell,
        .ex = ex,
        .options = &options,
        .names = &name,
        .epoch = BED_EPOCH,
    };
    hay_status status = hayi_manager_new(&config, manager, &err);
    hayi_executor_release(ex);
    (void)snprintf(words, sizeof(err.text), "%s", err.text);
    return status;
}

static void earlier_runs_folder_is_gone_on_with(void)
{
    char words[sizeof(((struct hayi_error *)0)->text)];
    struct hayi_manager *second = NULL;
    CU_ASSERT_EQUAL(open_second(HAY_JOURNAL_NONE, &second, words), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "tasks.tsv: File exists"));
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, bed_run_folder);
    check_file("tasks.tsv", "1\tprep\t1\tfailed\t7\t0\t1\t", true);
    check_file("tasks.tsv", "1\tprep\t2\tfinished\t7\t", true);
    check_file("output.tsv", "1\tprep\t2\toutput/w7.s2.1.out\t0\t4\t", true);
    CU_ASSERT_EQUAL(open_second(HAY_JOURNAL_SYNC, &second, words), HAY_EAGAIN);
    CU_ASSERT_PTR_NOT_NULL(strstr(words, "is in use by hayfork (pid "));
    bed_end_manager();
}

HAY_TASK(bed_other)
{
    (void)task;
    return HAY_OK;
}

static hay_future *submit_other(const char *category)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    options.category = category;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(bed_ex, bed_other, HAY_NO_ARGS, &options, &future), HAY_OK);
    return future;
}

static void learn(const char *kind, uint64_t run_ns)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_DURATION,
        .u.duration = {.category = hayi_manager_category(kind, strlen(kind)),
                       .run_ns = run_ns},
    };
    hayi_manager_step(bed_manager, &event, NULL);
}

/* By turns, since the manager remembers the last one. */
static void functions_and_categories_have_durations_of_their_own(void)
{
    bed_ready(8);
    for (int i = 0; i < 20; i++) {
        learn("bed_one", 100 * SECOND_NS);
        learn("brief", SECOND_NS);
    }
    struct hayi_event event = {
        .kind = HAYI_EVENT_DEADLINE,
        .u.deadline = {.end_ns = bed_manager->now_ns + 50 * SECOND_NS,
                       .force_ns = bed_manager->now_ns + 60 * SECOND_NS},
    };
    hayi_manager_step(bed_manager, &event, NULL);
    hay_future *list[] = {
        submit_other(NULL),
        bed_submit(HAY_NO_ARGS, NULL),
        submit_other("brief"),
        bed_submit(HAY_NO_ARGS, NULL),
        submit_other("bed_one"),
        submit_other(NULL),
    };
    bed_expect("task 3.1 prompt\ntask 1.1 prompt\ntask 6.1 prompt\n");
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        hay_future_release(list[i]);
    }
}

static CU_TestInfo tests[] = {
    {"submit_becomes_a_record_and_its_report_the_result",
     submit_becomes_a_record_and_its_report_the_result},
    {"nothing_is_sent_before_a_worker_joins",
     nothing_is_sent_before_a_worker_joins},
    {"dependent_waits_and_gets_the_value", dependent_waits_and_gets_the_value},
    {"failure_ends_dependents_unsent", failure_ends_dependents_unsent},
    {"retry_is_a_further_attempt", retry_is_a_further_attempt},
    {"stale_and_strange_reports_are_dropped",
     stale_and_strange_reports_are_dropped},
    {"arguments_too_large_for_a_message_fail_the_task",
     arguments_too_large_for_a_message_fail_the_task},
    {"ranges_bring_their_items_and_take_back_their_results",
     ranges_bring_their_items_and_take_back_their_results},
    {"waiting_one_is_cancelled_at_once", waiting_one_is_cancelled_at_once},
    {"one_that_was_sent_is_cancelled_by_its_worker",
     one_that_was_sent_is_cancelled_by_its_worker},
    {"cancel_that_comes_too_late_lets_it_finish",
     cancel_that_comes_too_late_lets_it_finish},
    {"running_one_is_told", running_one_is_told},
    {"stop_follows_the_last_end_and_bye_is_the_end",
     stop_follows_the_last_end_and_bye_is_the_end},
    {"closing_with_cancel_spares_what_runs",
     closing_with_cancel_spares_what_runs},
    {"causes_come_before_effects", causes_come_before_effects},
    {"attempts_are_written_and_captures_outlive_the_manager",
     attempts_are_written_and_captures_outlive_the_manager},
    {"earlier_runs_folder_is_gone_on_with",
     earlier_runs_folder_is_gone_on_with},
    {"functions_and_categories_have_durations_of_their_own",
     functions_and_categories_have_durations_of_their_own},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/manager",
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
