/* farm_waits.c - tasks in process slots that wait for others, and how they end
 * meanwhile.
 *
 * farm_waits TEST [hayfork's options]; see main().
 */
#include "config.h"

#include "expect.h"

#include <hayfork/hayfork.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hay_future *start(hay_executor *ex,
                         hay_task_fn function,
                         int64_t argument,
                         const hay_task_options *options)
{
    hay_future *future = NULL;
    EXPECT(hay_submit(
               ex, function, HAY_ARGS(hay_int64(argument)), options, &future)
           == HAY_OK);
    return future;
}

static int64_t result_of(hay_future *future)
{
    int64_t x = -1;
    EXPECT(hay_result_int64(future, HAY_FOREVER, &x) == HAY_OK);
    hay_future_release(future);
    return x;
}

/* ---- waiting --------------------------------------------------------------
 */

HAY_TASK(fib)
{
    int64_t n = 0;
    int64_t value[2] = {0, 0};
    hay_future *part[2] = {NULL, NULL};
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    for (int i = 0; i < 2; i++) {
        NEEDS(
            hay_submit(ex, fib, HAY_ARGS(hay_int64(n - 1 - i)), NULL, &part[i])
            == HAY_OK);
    }
    for (int i = 0; i < 2; i++) {
        NEEDS(hay_result_int64(part[i], HAY_FOREVER, &value[i]) == HAY_OK);
        hay_future_release(part[i]);
    }
    return hay_return_int64(task, value[0] + value[1]);
}

static void test_fib(hay_executor *ex)
{
    EXPECT(result_of(start(ex, fib, 12, NULL)) == 144);
}

/* It has its core for a second, or until it is told to stop. */
HAY_TASK(slow)
{
    for (int i = 0; i < 1000; i++) {
        if (hay_task_cancelled(task)) {
            return HAY_ECANCELLED;
        }
        usleep(1000);
    }
    return hay_return_int64(task, 0);
}

/* Its second try is an hour away. */
HAY_TASK(fails)
{
    return hay_task_fail(task, 1, "as asked");
}

static hay_status cancel(hay_task *task, hay_future *future)
{
    (void)hay_future_cancel(future, 0); /* it may have ended by now */
    NEEDS(hay_future_wait(future, HAY_FOREVER) == HAY_OK);
    NEEDS(hay_future_done(future));
    hay_future_release(future);
    return HAY_OK;
}

static hay_status wait_for_a_time(hay_task *task, hay_executor *ex)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *lasts = NULL;
    options.retries = 1;
    options.retry_pause_ns = UINT64_C(3600000000000);
    NEEDS(hay_submit(ex, fails, HAY_NO_ARGS, &options, &lasts) == HAY_OK);
    for (int i = 0; i < 3; i++) {
        NEEDS(hay_future_wait(lasts, 20000000) == HAY_ETIMEDOUT);
    }
    HAY_TRY(cancel(task, lasts));
    /* In one slot the time ends for this one when that gives back the core, by
     * which it may be known to be done. */
    NEEDS(hay_submit(ex, slow, HAY_ARGS(hay_int64(0)), NULL, &lasts) == HAY_OK);
    hay_status st = hay_future_wait(lasts, 20000000);
    NEEDS(st == HAY_ETIMEDOUT || st == HAY_OK);
    return cancel(task, lasts);
}

/* A time that passes, callbacks, a queue. */
HAY_TASK(waits_in_all_ways)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *next = NULL;
    hay_queue *queue = NULL;
    int64_t sum = 0;
    HAY_TRY(wait_for_a_time(task, ex));
    NEEDS(hay_queue_new(ex, &queue) == HAY_OK);
    for (int64_t i = 0; i < 10; i++) {
        hay_future *one = NULL;
        NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(i)), NULL, &one)
              == HAY_OK);
        NEEDS(hay_queue_add(queue, one) == HAY_OK);
        hay_future_release(one);
    }
    while (hay_queue_count(queue) > 0) {
        int64_t x = 0;
        NEEDS(hay_queue_next(queue, HAY_FOREVER, &next) == HAY_OK);
        NEEDS(hay_result_int64(next, 0, &x) == HAY_OK);
        hay_future_release(next);
        sum += x;
    }
    hay_queue_free(queue);
    return hay_return_int64(task, sum);
}

static void test_ways(hay_executor *ex)
{
    EXPECT(result_of(start(ex, waits_in_all_ways, 0, NULL)) == 88);
}

/* ---- its end while it waits ------------------------------------------------
 */

HAY_TASK(waits_then_aborts)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *part = NULL;
    hay_future *left = NULL;
    int64_t x = 0;
    NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(4)), NULL, &part) == HAY_OK);
    NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(5)), NULL, &left) == HAY_OK);
    NEEDS(hay_result_int64(part, HAY_FOREVER, &x) == HAY_OK);
    abort();
}

static void expect_signal(hay_future *future, int signal_number)
{
    hay_outcome outcome = {.size = sizeof(outcome)};
    EXPECT(hay_future_wait(future, HAY_FOREVER) == HAY_OK);
    EXPECT(hay_future_outcome(future, &outcome) == HAY_OK);
    EXPECT(outcome.cause == HAY_CAUSE_SIGNAL
           && outcome.signal == signal_number);
    hay_future_release(future);
}

static void test_crash(hay_executor *ex)
{
    for (int i = 0; i < 3; i++) {
        expect_signal(start(ex, waits_then_aborts, 0, NULL), SIGABRT);
        test_fib(ex);
    }
}

/* (process) */
HAY_TASK(kills)
{
    int64_t pid = 0;
    HAY_TRY(hay_arg_int64(task, 0, &pid));
    NEEDS(kill((pid_t)pid, SIGKILL) == 0);
    return hay_return_int64(task, 0);
}

HAY_TASK(waits_for_its_killer)
{
    hay_future *killer = NULL;
    NEEDS(hay_submit(hay_task_executor(task),
                     kills,
                     HAY_ARGS(hay_int64(getpid())),
                     NULL,
                     &killer)
          == HAY_OK);
    (void)hay_future_wait(killer, HAY_FOREVER);
    for (;;) { /* it was told its end before it was hit */
        (void)pause();
    }
}

static void test_killed(hay_executor *ex)
{
    for (int i = 0; i < 3; i++) {
        expect_signal(start(ex, waits_for_its_killer, 0, NULL), SIGKILL);
        test_fib(ex);
    }
}

HAY_TASK(waits_long)
{
    hay_future *child = NULL;
    NEEDS(
        hay_submit(
            hay_task_executor(task), slow, HAY_ARGS(hay_int64(0)), NULL, &child)
        == HAY_OK);
    return hay_future_wait(child, HAY_FOREVER);
}

static void test_limit(hay_executor *ex)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_outcome outcome = {.size = sizeof(outcome)};
    options.time_limit_ns = 300000000;
    options.grace_ns = 50000000;
    hay_future *future = start(ex, waits_long, 0, &options);
    EXPECT(hay_future_wait(future, HAY_FOREVER) == HAY_OK);
    EXPECT(hay_future_outcome(future, &outcome) == HAY_OK);
    EXPECT(outcome.cause == HAY_CAUSE_TIME_LIMIT);
    hay_future_release(future);
    test_fib(ex);
}

static void test_forced(hay_executor *ex)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.grace_ns = 50000000;
    hay_future *future = start(ex, waits_long, 0, &options);
    while (hay_future_state(future) != HAY_RUNNING) {
        usleep(1000);
    }
    EXPECT(hay_future_cancel(future, HAY_CANCEL_FORCE) == HAY_EPENDING);
    EXPECT(hay_future_wait(future, HAY_FOREVER) == HAY_OK);
    EXPECT(hay_future_state(future) == HAY_CANCELLED);
    hay_future_release(future);
    test_fib(ex);
}

/* ---- large results ---------------------------------------------------------
 */

enum { CHUNK_BYTES = 3 << 20, CHUNKS = 5 };

HAY_TASK(makes_chunk)
{
    int64_t i = 0;
    HAY_TRY(hay_arg_int64(task, 0, &i));
    unsigned char *bytes = malloc(CHUNK_BYTES);
    memset(bytes, (int)i + 1, CHUNK_BYTES);
    hay_status st = hay_return_bytes(task, bytes, CHUNK_BYTES);
    free(bytes);
    return st;
}

HAY_TASK(reads_chunks)
{
    hay_future *chunks[CHUNKS];
    int64_t sum = 0;
    for (int i = 0; i < CHUNKS; i++) {
        NEEDS(hay_submit(hay_task_executor(task),
                         makes_chunk,
                         HAY_ARGS(hay_int64(i)),
                         NULL,
                         &chunks[i])
              == HAY_OK);
    }
    for (int i = 0; i < CHUNKS; i++) {
        const void *data = NULL;
        size_t size = 0;
        NEEDS(hay_result_bytes(chunks[i], HAY_FOREVER, &data, &size) == HAY_OK);
        NEEDS(size == CHUNK_BYTES);
        const unsigned char *bytes = data;
        NEEDS(bytes[0] == i + 1 && bytes[size - 1] == i + 1);
        sum += bytes[size / 2];
        hay_future_release(chunks[i]);
    }
    return hay_return_int64(task, sum);
}

static void test_chunks(hay_executor *ex)
{
    hay_future *several[3];
    for (int i = 0; i < 3; i++) {
        several[i] = start(ex, reads_chunks, 0, NULL);
    }
    for (int i = 0; i < 3; i++) {
        EXPECT(result_of(several[i]) == 15);
    }
}

/* ---- ranges ----------------------------------------------------------------
 */

/* Each item waits; every tenth dies then. */
HAY_MAP_TASK(waits_or_dies, int64_t, int64_t)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *part = NULL;
    NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(3)), NULL, &part) == HAY_OK);
    hay_status st = hay_result_int64(part, HAY_FOREVER, out);
    hay_future_release(part);
    NEEDS(st == HAY_OK);
    if (*in % 10 == 3) {
        abort();
    }
    *out += *in;
    return HAY_OK;
}

static void test_ranges(hay_executor *ex)
{
    enum { ITEMS = 40 };
    int64_t in[ITEMS];
    int64_t out[ITEMS];
    hay_future *map = NULL;
    const hay_map_failure *failures = NULL;
    size_t count = 0;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
        out[i] = -1;
    }
    EXPECT(hay_map(ex, waits_or_dies, NULL, in, ITEMS, out, &map) == HAY_OK);
    EXPECT(hay_future_wait(map, HAY_FOREVER) == HAY_OK);
    EXPECT(hay_map_failures(map, &failures, &count) == HAY_OK);
    EXPECT(count == ITEMS / 10);
    for (int i = 0; i < ITEMS; i++) {
        EXPECT(i % 10 == 3 || out[i] == 2 + i);
    }
    hay_future_release(map);
}

/* ---- a resource ------------------------------------------------------------
 */

/* Has the licence, and waits for one that needs it. */
HAY_TASK(holds_and_waits)
{
    hay_future *child = NULL;
    hay_outcome outcome = {.size = sizeof(outcome)};
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.request = "licence=1";
    NEEDS(hay_submit(hay_task_executor(task),
                     fib,
                     HAY_ARGS(hay_int64(1)),
                     &options,
                     &child)
          == HAY_OK);
    NEEDS(hay_future_wait(child, HAY_FOREVER) == HAY_OK);
    NEEDS(hay_future_outcome(child, &outcome) == HAY_OK);
    hay_future_release(child);
    return hay_return_int64(task, outcome.cause);
}

static void test_deadlock(hay_executor *ex)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.request = "licence=1";
    EXPECT(result_of(start(ex, holds_and_waits, 0, &options))
           == HAY_CAUSE_DEADLOCK);
    test_fib(ex);
}

/* ---- all -------------------------------------------------------------------
 */

static const struct test {
    const char *name;
    void (*run)(hay_executor *ex);
} tests[] = {
    {"fib", test_fib},
    {"ways", test_ways},
    {"crash", test_crash},
    {"killed", test_killed},
    {"limit", test_limit},
    {"forced", test_forced},
    {"chunks", test_chunks},
    {"ranges", test_ranges},
    {"deadlock", test_deadlock},
};

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    const char *chosen = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (strcmp(tests[i].name, chosen) == 0) {
            tests[i].run(ex);
            printf("%s %s\n", wrong == 0 ? "ok" : "not ok", chosen);
            return wrong == 0 ? HAY_OK : HAY_ETASK;
        }
    }
    printf("not ok farm_waits: there is no test '%s'\n", chosen);
    return HAY_EINVAL;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
