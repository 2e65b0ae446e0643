/* farm_children.c - tasks in process slots that submit tasks with large data,
 * and wait for them: the same program in one process and under mpirun.  Prints
 * 'ok NAME' or 'not ok NAME: line' for each behaviour. */
#include "config.h"

#include "run_tests.h"

#include <hayfork/hayfork.h>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    LARGE = 8 << 20, /* more than HAY_ARGS_MAX */
    STORE = 64 << 20,
    LOOKS = 3000, /* of 10 ms */
};

static hay_executor *ex;
static const uint64_t second_ns = 1000000000;

/* ---- tasks -----------------------------------------------------------------
 */

static char *large(void)
{
    char *data = malloc(LARGE);
    if (data != NULL) {
        memset(data, 'x', LARGE);
    }
    return data;
}

HAY_TASK(counts_x)
{
    const void *data;
    size_t size;
    int64_t count = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    for (size_t i = 0; i < size; i++) {
        count += ((const char *)data)[i] == 'x';
    }
    return hay_return_int64(task, count);
}

static hay_status
count_with(hay_task *task, hay_arg arg, hay_runner runner, int64_t *count)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *f = NULL;
    options.runner = runner;
    HAY_TRY(hay_submit(
        hay_task_executor(task), counts_x, HAY_ARGS(arg), &options, &f));
    hay_status status = hay_result_int64(f, HAY_FOREVER, count);
    hay_future_release(f);
    return status;
}

/* Puts, reads what it has put, and has it read in both kinds of slot; the
 * result is how many right bytes were seen. */
HAY_TASK(puts_large)
{
    hay_future *f = NULL;
    const void *seen = NULL;
    size_t size = 0;
    int64_t count[2] = {0, 0};
    char *data = large();
    HAY_TRY(hay_put(hay_task_executor(task), hay_bytes(data, LARGE), &f));
    memset(data, 'y', LARGE); /* it was copied */
    free(data);
    HAY_TRY(hay_result_bytes(f, HAY_FOREVER, &seen, &size));
    const char *text = seen;
    if (size != LARGE || text[0] != 'x' || text[LARGE - 1] != 'x') {
        return hay_task_fail(task, 1, "other bytes than were put");
    }
    HAY_TRY(count_with(task, hay_ref(f), HAY_RUNNER_PROCESS, &count[0]));
    HAY_TRY(count_with(task, hay_ref(f), HAY_RUNNER_THREAD, &count[1]));
    hay_future_release(f);
    return hay_return_int64(task, count[0] + count[1]);
}

HAY_TASK(passes_arguments)
{
    int64_t count[2] = {0, 0};
    char *data = large();
    const hay_arg arg = hay_bytes(data, LARGE);
    HAY_TRY(count_with(task, arg, HAY_RUNNER_PROCESS, &count[0]));
    HAY_TRY(count_with(task, arg, HAY_RUNNER_THREAD, &count[1]));
    free(data);
    return hay_return_int64(task, count[0] + count[1]);
}

/* Keeps what it has put for others. */
HAY_TASK(returns_put)
{
    hay_future *f = NULL;
    char *data = large();
    HAY_TRY(hay_put(hay_task_executor(task), hay_bytes(data, LARGE), &f));
    free(data);
    hay_status status = hay_return_future(task, f);
    hay_future_release(f);
    return status;
}

struct other {
    hay_executor *ex;
    char *data;
    hay_status status;
};

static void *put_there(void *argument)
{
    struct other *other = argument;
    hay_future *f = NULL;
    other->status = hay_put(other->ex, hay_bytes(other->data, LARGE), &f);
    hay_future_release(f);
    return NULL;
}

/* Its result is what another thread is told that puts. */
HAY_TASK(puts_elsewhere)
{
    struct other other = {hay_task_executor(task), large(), HAY_OK};
    pthread_t thread;
    if (pthread_create(&thread, NULL, put_there, &other) != 0) {
        return hay_task_fail(task, 1, "no thread");
    }
    (void)pthread_join(thread, NULL);
    free(other.data);
    return hay_return_int64(task, other.status);
}

/* Dies with what it has put; there is room for it once what those before it
 * have put is gone. */
HAY_TASK(dies_with_put)
{
    hay_future *f = NULL;
    char *data = large();
    hay_status status = HAY_EIO;
    for (int look = 0; status == HAY_EIO && look < LOOKS; look++) {
        status = hay_put(hay_task_executor(task), hay_bytes(data, LARGE), &f);
        if (status == HAY_EIO) {
            (void)poll(NULL, 0, 10);
        }
    }
    HAY_TRY(status);
    (void)kill(getpid(), SIGKILL);
    return HAY_OK;
}

HAY_TASK(fib)
{
    int64_t n = 0;
    int64_t value[2] = {0, 0};
    hay_future *part[2] = {NULL, NULL};
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    for (int i = 0; i < 2; i++) {
        HAY_TRY(hay_submit(hay_task_executor(task),
                           fib,
                           HAY_ARGS(hay_int64(n - 1 - i)),
                           NULL,
                           &part[i]));
    }
    for (int i = 0; i < 2; i++) {
        HAY_TRY(hay_result_int64(part[i], HAY_FOREVER, &value[i]));
        hay_future_release(part[i]);
    }
    return hay_return_int64(task, value[0] + value[1]);
}

/* ---- helpers ---------------------------------------------------------------
 */

static hay_future *start(hay_task_fn function, hay_args args)
{
    hay_future *f = NULL;
    return hay_submit(ex, function, args, NULL, &f) == HAY_OK ? f : NULL;
}

/* -1: it failed. */
static int64_t call(hay_task_fn function, hay_args args)
{
    int64_t value = -1;
    hay_future *f = start(function, args);
    if (hay_result_int64(f, 60 * second_ns, &value) != HAY_OK) {
        value = -1;
    }
    hay_future_release(f);
    return value;
}

/* ---- tests -----------------------------------------------------------------
 */

static void large_values_are_put(void)
{
    CHECK(call(puts_large, HAY_NO_ARGS) == 2 * (int64_t)LARGE);
}

static void large_arguments_pass(void)
{
    CHECK(call(passes_arguments, HAY_NO_ARGS) == 2 * (int64_t)LARGE);
}

static void what_was_put_outlives_its_task(void)
{
    const void *data = NULL;
    size_t size = 0;
    hay_future *f = start(returns_put, HAY_NO_ARGS);
    CHECK(hay_result_bytes(f, 60 * second_ns, &data, &size) == HAY_OK);
    CHECK(size == LARGE && ((const char *)data)[LARGE - 1] == 'x');
    CHECK(call(counts_x, HAY_ARGS(hay_ref(f))) == LARGE);
    hay_future_release(f);
}

static void other_threads_are_told_that_they_may_not(void)
{
    CHECK(call(puts_elsewhere, HAY_NO_ARGS) == HAY_EUNSUPPORTED);
    CHECK(call(puts_large, HAY_NO_ARGS) == 2 * (int64_t)LARGE);
}

/* More than there is room for, one after the other. */
static void what_the_dead_have_put_is_given_back(void)
{
    for (int i = 0; i < 2 * STORE / LARGE; i++) {
        hay_outcome o = {.size = sizeof(o)};
        hay_future *f = start(dies_with_put, HAY_NO_ARGS);
        CHECK(hay_future_wait(f, 60 * second_ns) == HAY_OK);
        CHECK(hay_future_outcome(f, &o) == HAY_OK);
        CHECK(o.signal == SIGKILL);
        hay_future_release(f);
    }
}

static void fibonacci_ends_with_few_that_may_wait(void)
{
    CHECK(call(fib, HAY_ARGS(hay_int64(9))) == 34);
}

/* ---- main ------------------------------------------------------------------
 */

static const struct farm_test tests[] = {
    TEST(large_values_are_put),
    TEST(large_arguments_pass),
    TEST(what_was_put_outlives_its_task),
    TEST(other_threads_are_told_that_they_may_not),
    TEST(what_the_dead_have_put_is_given_back),
    TEST(fibonacci_ends_with_few_that_may_wait),
    {NULL, NULL},
};

static int failed;

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    ex = executor;
    HAY_TRY(hay_executor_wait_workers(ex, 60 * second_ns));
    failed = run_tests(tests, argc, argv);
    return HAY_OK;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    hay_options defaults = HAY_OPTIONS_INIT;
    (void)setrlimit(RLIMIT_CORE, &no_core);
    defaults.runner = HAY_RUNNER_PROCESS;
    defaults.memory_limit_bytes = STORE;
    defaults.spill_folder = "";
    defaults.suspended_max = 2;
    int status = hay_main_with(argc, argv, &defaults, farm);
    return status != 0 ? status : failed;
}
