/* test_future.c - one future: states, results, words, callbacks, cancel; as
 * Python's concurrent.futures where the interface is the same. */
#include "config.h"

#include "fake_manager.h"
#include "support/unit.h"
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

HAY_TASK(work)
{
    return HAY_OK;
}

static struct fake fake;

static void setup(void)
{
    fake_open(&fake, NULL, false);
}

static void teardown(void)
{
    fake_close(&fake);
}

static hay_future *submit(const char *name)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    options.name = name;
    options.user = &fake;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(fake.ex, work, HAY_NO_ARGS, &options, &future), HAY_OK);
    return future;
}

static void states_go_from_pending_to_the_end(void)
{
    hay_future *f = submit("fit");
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_PENDING);
    CU_ASSERT_EQUAL(hay_future_id(f), 1);
    CU_ASSERT_STRING_EQUAL(hay_future_name(f), "fit");
    CU_ASSERT_PTR_EQUAL(hay_future_user(f), &fake);
    hayi_future_set_state(f, HAY_READY);
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_READY);
    hayi_future_set_state(f, HAY_RUNNING);
    CU_ASSERT_FALSE(hay_future_done(f));
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_NONE);
    fake_finish_double(&fake, f, 1.5);
    CU_ASSERT_TRUE(hay_future_done(f));
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_FINISHED);
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_DOUBLE);
    hay_future_release(f);
}

static void results_come_by_type(void)
{
    hay_future *f[4];
    const int64_t seven = 7;
    double d = 0;
    int64_t i = 0;
    const char *text = NULL;
    const void *data = NULL;
    size_t size = 0;
    for (int k = 0; k < 4; k++) {
        f[k] = submit(NULL);
    }
    fake_finish_double(&fake, f[0], 2.5);
    fake_finish_value(&fake, f[1], HAY_INT64, &seven, 8);
    fake_finish_value(&fake, f[2], HAY_STRING, "peak", 5);
    fake_finish_value(&fake, f[3], HAY_BYTES, "abc", 3);
    CU_ASSERT_EQUAL(hay_result_double(f[0], 0, &d), HAY_OK);
    CU_ASSERT_EQUAL(d, 2.5);
    CU_ASSERT_EQUAL(hay_result_int64(f[1], 0, &i), HAY_OK);
    CU_ASSERT_EQUAL(i, 7);
    CU_ASSERT_EQUAL(hay_result_string(f[2], 0, &text), HAY_OK);
    CU_ASSERT_STRING_EQUAL(text, "peak");
    CU_ASSERT_EQUAL(hay_result_bytes(f[3], 0, &data, &size), HAY_OK);
    CU_ASSERT(size == 3 && memcmp(data, "abc", 3) == 0);
    CU_ASSERT_EQUAL(hay_result_int64(f[0], 0, &i), HAY_ETYPE);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "the result of task 1 is double, not int64");
    for (int k = 0; k < 4; k++) {
        hay_future_release(f[k]);
    }
}

static void arrays_come_as_views(void)
{
    const uint64_t shape[2] = {1, 2};
    const float data[2] = {1, 2};
    struct hayi_buffer buffer;
    hay_array_view view;
    hay_future *f = submit(NULL);
    hayi_buffer_init(&buffer);
    (void)hayi_value_append_array(&buffer, HAY_F32, 2, shape, data, NULL);
    struct hayi_result *result = calloc(1, sizeof(*result) + buffer.size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(result);
    result->value_size = buffer.size;
    memcpy(result->value, buffer.data, buffer.size);
    hayi_buffer_fini(&buffer);
    fake.held_count = 0;
    (void)hayi_future_complete(f, HAY_FINISHED, result);
    CU_ASSERT_EQUAL(hay_result_array(f, 0, &view), HAY_OK);
    CU_ASSERT_EQUAL(view.ndim, 2);
    CU_ASSERT_EQUAL(view.shape[1], 2);
    CU_ASSERT(memcmp(view.data, data, sizeof(data)) == 0);
    hay_future_release(f);
}

static void a_result_that_is_not_there_times_out(void)
{
    double d = 3;
    hay_future *f = submit("fit");
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &d), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(hay_result_double(f, 1000000, &d), HAY_ETIMEDOUT);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "task 1 (fit) is not done yet (pending)");
    CU_ASSERT_EQUAL(d, 3);
    hay_future_release(f);
}

static void failures_are_worded(void)
{
    double d = 0;
    hay_future *f = submit("fit");
    hay_future *g = submit(NULL);
    hay_future *h = submit(NULL);
    fake_fail(&fake, f, "no peak");
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &d), HAY_ETASK);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "task 1 (fit) failed: no peak");
    const struct hayi_result killed = {.status = HAY_ETASK, .signal = 9};
    fake_end(&fake, g, HAY_FAILED, &killed, NULL);
    CU_ASSERT_EQUAL(hay_result_double(g, 0, &d), HAY_ETASK);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "task 2 failed: signal 9");
    const struct hayi_result lost = {.status = HAY_EFARM};
    fake_end(&fake, h, HAY_FAILED, &lost, "worker 3 was lost");
    CU_ASSERT_EQUAL(hay_result_double(h, 0, &d), HAY_EFARM);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "the farm failed task 3: worker 3 was lost");
    hay_future_release(f);
    hay_future_release(g);
    hay_future_release(h);
}

/* prep (exit status 1) -> middle -> last: both name prep. */
static void dependents_name_the_first_culprit(void)
{
    hay_future *f[3];
    double d = 0;
    f[0] = submit("prep");
    for (int i = 1; i < 3; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hay_submit(fake.ex, work, HAY_ARGS(hay_ref(f[i - 1])), NULL, &f[i]),
            HAY_OK);
    }
    const struct hayi_result exit_1 = {.status = HAY_ETASK, .exit_code = 1};
    const struct hayi_result dependency = {.status = HAY_EDEPENDENCY,
                                           .culprit = 1};
    fake_end(&fake, f[0], HAY_FAILED, &exit_1, NULL);
    fake_end(&fake, f[1], HAY_FAILED, &dependency, NULL);
    fake_end(&fake, f[2], HAY_FAILED, &dependency, NULL);
    CU_ASSERT_EQUAL(hay_result_double(f[2], 0, &d), HAY_EDEPENDENCY);
    CU_ASSERT_STRING_EQUAL(
        hay_error_text(),
        "an input of task 3 failed: task 1 (prep): exit status 1");
    hay_outcome outcome = {.size = sizeof(outcome)};
    CU_ASSERT_EQUAL(hay_future_outcome(f[1], &outcome), HAY_OK);
    CU_ASSERT_STRING_EQUAL(outcome.reason, "task 1 (prep): exit status 1");
    CU_ASSERT_EQUAL(outcome.culprit, 1);
    CU_ASSERT_EQUAL(outcome.state, HAY_FAILED);
    CU_ASSERT_EQUAL(outcome.status, HAY_EDEPENDENCY);
    for (int i = 0; i < 3; i++) {
        hay_future_release(f[i]);
    }
}

static void dependents_of_cancelled_ones_say_so(void)
{
    hay_future *a = submit("prep");
    hay_future *b = NULL;
    double d = 0;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(fake.ex, work, HAY_ARGS(hay_ref(a)), NULL, &b), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_cancel(a, 0), HAY_OK);
    const struct hayi_result cancelled = {.status = HAY_ECANCELLED};
    fake_end(&fake, b, HAY_CANCELLED, &cancelled, NULL);
    CU_ASSERT_EQUAL(hay_result_double(b, 0, &d), HAY_ECANCELLED);
    CU_ASSERT_STRING_EQUAL(
        hay_error_text(),
        "task 2 was cancelled: its input task 1 (prep) was cancelled");
    hay_future_release(a);
    hay_future_release(b);
}

static void outcomes_tell_everything(void)
{
    hay_future *f = submit("fit");
    hay_outcome outcome = {.size = sizeof(outcome)};
    hay_capture capture = {.size = sizeof(capture)};
    CU_ASSERT_EQUAL(hay_future_outcome(f, &outcome), HAY_EPENDING);
    CU_ASSERT_EQUAL(hay_future_capture(f, &capture), HAY_EPENDING);
    const struct hayi_result ok = {
        .attempts = 2,
        .worker = 3,
        .start_ns = 10,
        .end_ns = 20,
        .capture_path = {"out-1", NULL},
        .capture_offset = {5, 0},
        .capture_length = {6, 0},
    };
    fake_end(&fake, f, HAY_FINISHED, &ok, NULL);
    CU_ASSERT_EQUAL(hay_future_outcome(f, &outcome), HAY_OK);
    CU_ASSERT_EQUAL(outcome.attempts, 2);
    CU_ASSERT_EQUAL(outcome.worker, 3);
    CU_ASSERT(outcome.start_ns == 10 && outcome.end_ns == 20);
    CU_ASSERT_STRING_EQUAL(outcome.reason, "");
    CU_ASSERT_EQUAL(hay_future_capture(f, &capture), HAY_OK);
    CU_ASSERT_STRING_EQUAL(capture.path[0], "out-1");
    CU_ASSERT(capture.offset[0] == 5 && capture.length[0] == 6);
    CU_ASSERT_PTR_NULL(capture.path[1]);
    outcome.size = 8;
    CU_ASSERT_EQUAL(hay_future_outcome(f, &outcome), HAY_EINVAL);
    capture.size = 0;
    CU_ASSERT_EQUAL(hay_future_capture(f, &capture), HAY_EINVAL);
    hay_future_release(f);
}

/* ---- callbacks
 * ------------------------------------------------------------------ */

static char calls[64];

static void note(hay_future *future, void *data)
{
    (void)future;
    (void)strncat(calls, data, sizeof(calls) - strlen(calls) - 1);
}

static char a_[] = "a", b_[] = "b", c_[] = "c";

static void callbacks_run_in_order_when_dispatched(void)
{
    hay_future *f = submit(NULL);
    hay_future *g = submit(NULL);
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, a_), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, b_), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(g, note, c_), HAY_OK);
    fake_finish(&fake, g);
    fake_finish(&fake, f);
    CU_ASSERT_STRING_EQUAL(calls, "");
    hay_dispatch(fake.ex);
    CU_ASSERT_STRING_EQUAL(calls, "cab");
    hay_dispatch(fake.ex);
    CU_ASSERT_STRING_EQUAL(calls, "cab");
    hay_future_release(f);
    hay_future_release(g);
}

static void a_late_callback_runs_at_once_after_the_earlier_ones(void)
{
    hay_future *f = submit(NULL);
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, a_), HAY_OK);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, b_), HAY_OK);
    CU_ASSERT_STRING_EQUAL(calls, "ab");
    CU_ASSERT_EQUAL(hay_future_on_done(f, NULL, NULL), HAY_EINVAL);
    hay_future_release(f);
}

static void waits_run_callbacks(void)
{
    hay_future *f = submit(NULL);
    hay_future *g = submit(NULL);
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, a_), HAY_OK);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(hay_future_wait(g, 0), HAY_ETIMEDOUT);
    CU_ASSERT_STRING_EQUAL(calls, "a");
    hay_future_release(f);
    hay_future_release(g);
}

static int depth;

static void nested(hay_future *future, void *data)
{
    (void)data;
    CU_ASSERT_EQUAL(depth, 0);
    depth++;
    hay_dispatch(fake.ex); /* must not run the next one inside this one */
    CU_ASSERT_EQUAL(hay_future_wait(future, HAY_FOREVER), HAY_OK);
    (void)hay_future_on_done(future, note, b_); /* done: at once, inside */
    depth--;
}

static void callbacks_do_not_nest(void)
{
    hay_future *f = submit(NULL);
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_future_on_done(f, nested, NULL), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(f, nested, NULL), HAY_OK);
    fake_finish(&fake, f);
    hay_dispatch(fake.ex);
    CU_ASSERT_STRING_EQUAL(calls, "bb");
    hay_future_release(f);
}

static void callbacks_that_never_ran_are_run_by_the_end(void)
{
    struct fake other;
    hay_future *f = NULL;
    fake_open(&other, NULL, false);
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_submit(other.ex, work, HAY_NO_ARGS, NULL, &f), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, a_), HAY_OK);
    fake_finish(&other, f);
    fake_close(&other);
    CU_ASSERT_STRING_EQUAL(calls, "a");
    /* The executor is gone; its futures are not. */
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_FINISHED);
    CU_ASSERT_EQUAL(hay_future_wait(f, HAY_FOREVER), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, b_), HAY_OK);
    CU_ASSERT_STRING_EQUAL(calls, "ab");
    hay_future_release(f);
}

/* ---- cancel
 * --------------------------------------------------------------------- */

static void cancel_before_the_start_says_ok_again_and_again(void)
{
    double d = 0;
    hay_future *f = submit("fit");
    calls[0] = 0;
    CU_ASSERT_EQUAL(hay_future_on_done(f, note, a_), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_OK);
    CU_ASSERT_TRUE(hay_future_done(f));
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_OK);
    CU_ASSERT_EQUAL(fake.cancels, 1);
    hay_dispatch(fake.ex);
    CU_ASSERT_STRING_EQUAL(calls, "a");
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &d), HAY_ECANCELLED);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "task 1 (fit) was cancelled");
    hay_future_release(f);
}

static void cancel_of_a_running_one_says_so(void)
{
    hay_future *f = submit(NULL);
    hayi_future_set_state(f, HAY_RUNNING);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_ERUNNING);
    CU_ASSERT_EQUAL(hay_future_cancel(f, HAY_CANCEL_FORCE), HAY_EUNSUPPORTED);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 4), HAY_EINVAL);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_future_cancel(NULL, 0), HAY_EINVAL);
    hay_future_release(f);
}

static void forced_cancel_of_a_fake_is_asked_for(void)
{
    hay_future *f = NULL;
    CU_ASSERT_EQUAL(hay_submit_fake(fake.ex, 5, 0, NULL, &f), HAY_OK);
    hayi_future_set_state(f, HAY_RUNNING);
    CU_ASSERT_EQUAL(hay_future_cancel(f, HAY_CANCEL_FORCE), HAY_EPENDING);
    fake_finish(&fake, f);
    hay_future_release(f);
}

static void cancelling(hay_future *future, void *data)
{
    (void)future;
    CU_ASSERT_EQUAL(hay_future_cancel(data, 0), HAY_OK);
}

static void cancel_works_in_callbacks(void)
{
    hay_future *f = submit(NULL);
    hay_future *g = submit(NULL);
    CU_ASSERT_EQUAL(hay_future_on_done(f, cancelling, g), HAY_OK);
    fake_finish(&fake, f);
    hay_dispatch(fake.ex);
    CU_ASSERT_EQUAL(hay_future_state(g), HAY_CANCELLED);
    hay_future_release(f);
    hay_future_release(g);
}

static void threads_that_may_not_wait_are_told(void)
{
    hay_future *f = submit(NULL);
    hayi_thread_set_no_wait(true);
    CU_ASSERT_EQUAL(hay_future_wait(f, HAY_FOREVER), HAY_EAGAIN);
    CU_ASSERT_EQUAL(hay_future_wait(f, 0), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_EAGAIN);
    hayi_thread_set_no_wait(false);
    hay_future_release(f);
}

/* ---- counts
 * ------------------------------------------------------------------------ */

static void releasing_never_cancels(void)
{
    hay_future *f = submit(NULL);
    hay_future_release(f);
    CU_ASSERT_EQUAL(fake.held_count, 1);
    CU_ASSERT_EQUAL(hay_future_state(fake.held[0]), HAY_PENDING);
    fake_finish(&fake, fake.held[0]);
    hay_future_release(NULL);
    CU_ASSERT_PTR_NULL(hay_future_retain(NULL));
}

static void inputs_may_be_released_at_once(void)
{
    hay_future *a = submit("a");
    hay_future *b = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(fake.ex, work, HAY_ARGS(hay_ref(a)), NULL, &b), HAY_OK);
    hay_future *kept = a;
    hay_future_release(a);
    fake_finish(&fake, kept); /* b's count keeps it */
    CU_ASSERT_STRING_EQUAL(hay_future_name(hayi_spec_deps(b->spec)[0]), "a");
    fake_finish(&fake, b);
    hay_future_release(b);
}

static void an_end_without_a_result_is_told(void)
{
    hay_future *f = submit(NULL);
    hay_future *g = submit(NULL);
    double d = 0;
    hay_outcome outcome = {.size = sizeof(outcome)};
    fake.held_count = 0;
    (void)hayi_future_complete(f, HAY_FAILED, NULL);
    (void)hayi_future_complete(g, HAY_FINISHED, NULL);
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &d), HAY_EFARM);
    CU_ASSERT_EQUAL(hay_future_outcome(f, &outcome), HAY_OK);
    CU_ASSERT_EQUAL(hay_result_double(g, 0, &d), HAY_ETYPE);
    hay_future_release(f);
    hay_future_release(g);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(states_go_from_pending_to_the_end),
    TEST(results_come_by_type),
    TEST(arrays_come_as_views),
    TEST(a_result_that_is_not_there_times_out),
    TEST(failures_are_worded),
    TEST(dependents_name_the_first_culprit),
    TEST(dependents_of_cancelled_ones_say_so),
    TEST(outcomes_tell_everything),
    TEST(callbacks_run_in_order_when_dispatched),
    TEST(a_late_callback_runs_at_once_after_the_earlier_ones),
    TEST(waits_run_callbacks),
    TEST(callbacks_do_not_nest),
    TEST(callbacks_that_never_ran_are_run_by_the_end),
    TEST(cancel_before_the_start_says_ok_again_and_again),
    TEST(cancel_of_a_running_one_says_so),
    TEST(forced_cancel_of_a_fake_is_asked_for),
    TEST(cancel_works_in_callbacks),
    TEST(threads_that_may_not_wait_are_told),
    TEST(releasing_never_cancels),
    TEST(inputs_may_be_released_at_once),
    TEST(an_end_without_a_result_is_told),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/future", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
