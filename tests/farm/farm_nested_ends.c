/* farm_nested_ends.c - how tasks that others have submitted end: failures,
 * cancels, deadlock, the end of the farm; in one process.
 *
 * farm_nested_ends [TEST]
 */
#include "config.h"

#include "nested_support.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>

HAY_TASK(leaf)
{
    int64_t n = 0;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    return hay_return_int64(task, n + 1);
}

HAY_TASK(runs_until_told)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

/* ---- failures ------------------------------------------------------------ */

HAY_TASK(fails)
{
    return hay_task_fail(task, 9, "no peak");
}

HAY_TASK(sees_failure)
{
    hay_future *child = NULL;
    int64_t value = 0;
    NEEDS(hay_submit(hay_task_executor(task), fails, HAY_NO_ARGS, NULL, &child)
          == HAY_OK);
    NEEDS(hay_result_int64(child, HAY_FOREVER, &value) == HAY_ETASK);
    NEEDS(strstr(hay_error_text(), "no peak") != NULL);
    hay_future_release(child);
    return hay_return_int64(task, 1);
}

static void a_child_that_fails_is_seen(void)
{
    CHECK(call_on(1, sees_failure, 0) == 1);
}

static atomic_int late_ends;

HAY_TASK(ends_late)
{
    (void)poll(NULL, 0, 5);
    (void)atomic_fetch_add(&late_ends, 1);
    return HAY_OK;
}

/* Leaves its children without a look. */
HAY_TASK(fails_as_a_parent)
{
    for (int i = 0; i < 10; i++) {
        NEEDS(hay_submit(
                  hay_task_executor(task), ends_late, HAY_NO_ARGS, NULL, NULL)
              == HAY_OK);
    }
    return hay_task_fail(task, 2, "parent");
}

static void children_outlive_a_parent_that_fails(void)
{
    hay_executor *ex = open_farm(2, 0);
    hay_future *future = NULL;
    atomic_store(&late_ends, 0);
    CHECK(hay_submit(ex, fails_as_a_parent, HAY_NO_ARGS, NULL, &future)
          == HAY_OK);
    CHECK(hay_future_wait(future, 60 * second_ns) == HAY_OK);
    CHECK(hay_future_state(future) == HAY_FAILED);
    hay_future_release(future);
    close_farm(ex);
    CHECK(atomic_load(&late_ends) == 10);
}

HAY_TASK(shuts_down)
{
    hay_executor *ex = hay_task_executor(task);
    NEEDS(hay_shutdown(ex, true, true) == HAY_EINVAL);
    hay_executor_free(ex);
    NEEDS(hay_shutdown(ex, false, false) == HAY_EINVAL);
    return hay_return_int64(task, 1);
}

static void a_task_cannot_shut_down_its_farm(void)
{
    hay_executor *ex = open_farm(1, 0);
    CHECK(call(ex, shuts_down, 0, NULL) == 1);
    CHECK(call(ex, leaf, 0, NULL) == 1);
    close_farm(ex);
}

/* ---- cancelling what was submitted, deadlock ------------------------------
 */

static atomic_int told;

HAY_TASK(runs_until_told_once)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    (void)atomic_fetch_add(&told, 1);
    return HAY_ECANCELLED;
}

/* With more children than there are cores. */
HAY_TASK(has_many)
{
    enum { MANY = 6 };
    hay_future *futures[MANY];
    for (int i = 0; i < MANY; i++) {
        NEEDS(hay_submit(hay_task_executor(task),
                         runs_until_told_once,
                         HAY_NO_ARGS,
                         NULL,
                         &futures[i])
              == HAY_OK);
    }
    NEEDS(hay_wait(futures, MANY, HAY_ALL, HAY_FOREVER, NULL, NULL) == HAY_OK);
    for (int i = 0; i < MANY; i++) {
        NEEDS(hay_future_state(futures[i]) == HAY_CANCELLED);
        hay_future_release(futures[i]);
    }
    return hay_task_cancelled(task) ? HAY_ECANCELLED : HAY_OK;
}

static void cancel_reaches_what_was_submitted(void)
{
    hay_executor *ex = open_farm(2, 0);
    hay_future *future = NULL;
    hay_stats stats = {.size = sizeof(stats)};
    CHECK(hay_submit(ex, has_many, HAY_NO_ARGS, NULL, &future) == HAY_OK);
    do {
        (void)poll(NULL, 0, 1);
        CHECK(hay_executor_stats(ex, &stats) == HAY_OK);
    } while (stats.submitted < 7);
    CHECK(hay_future_cancel(future, HAY_CANCEL_NESTED) == HAY_ERUNNING);
    CHECK(hay_future_wait(future, 60 * second_ns) == HAY_OK);
    CHECK(hay_future_state(future) == HAY_CANCELLED);
    CHECK(atomic_load(&told) <= 2);
    hay_future_release(future);
    close_farm(ex);
}

/* Has the licence and waits for one that needs it. */
HAY_TASK(holds_and_waits)
{
    hay_future *child = NULL;
    hay_outcome outcome = {.size = sizeof(outcome)};
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.request = "licence=1";
    NEEDS(hay_submit(hay_task_executor(task),
                     leaf,
                     HAY_ARGS(hay_int64(1)),
                     &options,
                     &child)
          == HAY_OK);
    NEEDS(hay_future_wait(child, HAY_FOREVER) == HAY_OK);
    NEEDS(hay_future_outcome(child, &outcome) == HAY_OK);
    hay_future_release(child);
    return hay_return_int64(task, outcome.cause);
}

static void a_deadlock_of_a_resource_fails_the_child(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_task_options task = HAY_TASK_OPTIONS_INIT;
    hay_executor *ex = NULL;
    options.slots = 2;
    options.resources = "licence=1";
    options.quiet = true;
    task.request = "licence=1";
    CHECK(hay_open_local(&options, &ex) == HAY_OK);
    CHECK(call(ex, holds_and_waits, 0, &task) == HAY_CAUSE_DEADLOCK);
    close_farm(ex);
}

/* ---- the end ------------------------------------------------------------- */

HAY_TASK(waits_for_ever)
{
    hay_future *child = NULL;
    (void)hay_submit(
        hay_task_executor(task), runs_until_told, HAY_NO_ARGS, NULL, &child);
    hay_status st = hay_future_wait(child, HAY_FOREVER);
    hay_future_release(child);
    return st;
}

static void a_farm_that_is_freed_waits_for_nobody(void)
{
    hay_executor *ex = open_farm(1, 0);
    hay_future *future = NULL;
    CHECK(hay_submit(ex, waits_for_ever, HAY_NO_ARGS, NULL, &future) == HAY_OK);
    CHECK(hay_future_cancel(future, HAY_CANCEL_NESTED) != HAY_EINVAL);
    CHECK(hay_future_wait(future, 60 * second_ns) == HAY_OK);
    hay_future_release(future);
    hay_executor_free(ex);
}

static atomic_int begun, may_go_on;

HAY_TASK(submits_late)
{
    hay_future *child = NULL;
    int64_t n = 0;
    atomic_store(&begun, 1);
    while (atomic_load(&may_go_on) == 0) {
        (void)poll(NULL, 0, 1);
    }
    HAY_TRY(hay_submit(
        hay_task_executor(task), leaf, HAY_ARGS(hay_int64(41)), NULL, &child));
    hay_status st = hay_result_int64(child, HAY_FOREVER, &n);
    hay_future_release(child);
    return st == HAY_OK ? hay_return_int64(task, n) : st;
}

static void what_runs_may_submit_after_a_shutdown(void)
{
    hay_executor *ex = open_farm(1, 0);
    hay_future *future = NULL;
    int64_t n = 0;
    CHECK(hay_submit(ex, submits_late, HAY_NO_ARGS, NULL, &future) == HAY_OK);
    while (atomic_load(&begun) == 0) {
        (void)poll(NULL, 0, 1);
    }
    CHECK(hay_shutdown(ex, false, false) == HAY_OK);
    CHECK(hay_submit(ex, leaf, HAY_ARGS(hay_int64(1)), NULL, NULL)
          == HAY_ECLOSED);
    atomic_store(&may_go_on, 1);
    CHECK(hay_result_int64(future, 60 * second_ns, &n) == HAY_OK);
    CHECK(n == 42);
    hay_future_release(future);
    close_farm(ex);
}

/* ---- children that run in place of who waits ------------------------------
 */

/* What runs in 'upper' and 'lower' has the cores of those who wait. */
static atomic_int held, ready_to_wait, lower_may, upper_runs;

static bool stands(const atomic_int *flag)
{
    for (int i = 0; i < 60000 && atomic_load(flag) == 0; i++) {
        (void)poll(NULL, 0, 1);
    }
    return atomic_load(flag) != 0;
}

/* Until it is told: so long its slot is taken. */
HAY_TASK(holds_slot)
{
    atomic_store(&held, 1);
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

static hay_status await_one(hay_task *task, hay_task_fn function)
{
    hay_future *child = NULL;
    NEEDS(
        hay_submit(hay_task_executor(task), function, HAY_NO_ARGS, NULL, &child)
        == HAY_OK);
    hay_status st = hay_future_wait(child, HAY_FOREVER);
    hay_future_release(child);
    return st;
}

HAY_TASK(waits_for_holder)
{
    return await_one(task, holds_slot);
}

HAY_TASK(upper_child)
{
    atomic_store(&upper_runs, 1);
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(upper)
{
    (void)atomic_fetch_add(&ready_to_wait, 1);
    NEEDS(stands(&lower_may)); /* both have their slots */
    return await_one(task, upper_child);
}

HAY_TASK(no_child)
{
    return HAY_OK;
}

HAY_TASK(lower_child)
{
    return await_one(task, no_child);
}

HAY_TASK(lower)
{
    (void)atomic_fetch_add(&ready_to_wait, 1);
    NEEDS(stands(&upper_runs));
    return await_one(task, lower_child);
}

static void children_in_place_of_others_can_be_told(void)
{
    hay_executor *ex = open_farm(3, 1);
    hay_task_fn functions[] = {waits_for_holder, upper, lower};
    hay_future *futures[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        CHECK(hay_submit(ex, functions[i], HAY_NO_ARGS, NULL, &futures[i])
              == HAY_OK);
        CHECK(i > 0 || stands(&held));
    }
    while (atomic_load(&ready_to_wait) < 2) {
        (void)poll(NULL, 0, 1);
    }
    atomic_store(&lower_may, 1);
    CHECK(hay_future_wait(futures[2], 60 * second_ns) == HAY_OK);
    CHECK(hay_future_state(futures[2]) == HAY_FINISHED);
    for (int i = 0; i < 2; i++) {
        (void)hay_future_cancel(futures[i], HAY_CANCEL_NESTED);
        CHECK(hay_future_wait(futures[i], 60 * second_ns) == HAY_OK);
    }
    for (int i = 0; i < 3; i++) {
        hay_future_release(futures[i]);
    }
    close_farm(ex);
}

/* ---- futures in a circle ------------------------------------------------- */

static _Atomic(hay_future *) circle[2];

/* Item n returns the future of item 1 - n. */
HAY_TASK(returns_the_other)
{
    int64_t n = 0;
    hay_future *other = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    (void)hay_task_executor(task);
    while ((other = atomic_load(&circle[1 - n])) == NULL) {
        (void)poll(NULL, 0, 1);
    }
    return hay_return_future(task, other);
}

static void futures_returned_in_a_circle_fail(void)
{
    hay_executor *ex = open_farm(2, 0);
    hay_future *futures[2] = {NULL, NULL};
    hay_status st[2];
    int64_t value = 0;
    int wordy = 0;
    for (int i = 0; i < 2; i++) {
        CHECK(hay_submit(ex,
                         returns_the_other,
                         HAY_ARGS(hay_int64(i)),
                         NULL,
                         &futures[i])
              == HAY_OK);
        atomic_store(&circle[i], futures[i]);
    }
    for (int i = 0; i < 2; i++) {
        st[i] = hay_result_int64(futures[i], 60 * second_ns, &value);
        wordy += strstr(hay_error_text(), "returned its own future") != NULL;
    }
    CHECK(st[0] == HAY_EFARM || st[1] == HAY_EFARM);
    CHECK(st[0] == HAY_EDEPENDENCY || st[1] == HAY_EDEPENDENCY);
    CHECK(wordy > 0);
    hay_future_release(futures[0]);
    hay_future_release(futures[1]);
    CHECK(call(ex, leaf, 1, NULL) == 2); /* the farm goes on */
    close_farm(ex);
}

static _Atomic(hay_future *) own;

/* Returns the future of a task that has this one's result as its input. */
HAY_TASK(returns_its_dependent)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *mine = NULL;
    hay_future *dependent = NULL;
    while ((mine = atomic_load(&own)) == NULL) {
        (void)poll(NULL, 0, 1);
    }
    HAY_TRY(hay_submit(ex, leaf, HAY_ARGS(hay_ref(mine)), NULL, &dependent));
    hay_status status = hay_return_future(task, dependent);
    hay_future_release(dependent);
    return status;
}

static void circle_by_way_of_an_input_fails(void)
{
    hay_executor *ex = open_farm(2, 0);
    hay_future *future = NULL;
    int64_t value = 0;
    CHECK(hay_submit(ex, returns_its_dependent, HAY_NO_ARGS, NULL, &future)
          == HAY_OK);
    atomic_store(&own, future);
    CHECK(hay_result_int64(future, 60 * second_ns, &value) == HAY_EFARM);
    CHECK(strstr(hay_error_text(), "one that waits for its result") != NULL);
    hay_future_release(future);
    CHECK(call(ex, leaf, 1, NULL) == 2); /* the farm goes on */
    close_farm(ex);
}

/* ---- all ----------------------------------------------------------------- */

static const struct farm_test tests[] = {
    TEST(a_child_that_fails_is_seen),
    TEST(children_outlive_a_parent_that_fails),
    TEST(a_task_cannot_shut_down_its_farm),
    TEST(cancel_reaches_what_was_submitted),
    TEST(a_deadlock_of_a_resource_fails_the_child),
    TEST(a_farm_that_is_freed_waits_for_nobody),
    TEST(what_runs_may_submit_after_a_shutdown),
    TEST(children_in_place_of_others_can_be_told),
    TEST(futures_returned_in_a_circle_fail),
    TEST(circle_by_way_of_an_input_fails),
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_tests(tests, argc, argv);
}
