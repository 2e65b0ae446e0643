/* bench_nested.c - tasks that submit tasks and wait for them: the recursive
 * Fibonacci number in both styles, in this process, against a plain call.
 *
 * The parts take turns within a round, since others use the machine; values
 * are medians of rounds.
 *
 *     bench_nested [--tsv] [--rounds N] [--slots N] [--n N]
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include "bench_support.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_MAX = 99, CALLS = 100 };

__attribute__((noinline)) static int64_t plain(int64_t n)
{
    __asm__ volatile("" : "+r"(n)); /* not to be worked out by the compiler */
    return n < 2 ? n : plain(n - 1) + plain(n - 2);
}

static double calls_of(int64_t n)
{
    return n < 2 ? 1 : 1 + calls_of(n - 1) + calls_of(n - 2);
}

HAY_TASK(waits)
{
    int64_t n = 0;
    int64_t value[2] = {0, 0};
    hay_future *part[2] = {NULL, NULL};
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    hay_executor *ex = hay_task_executor(task);
    for (int i = 0; i < 2; i++) {
        HAY_TRY(hay_submit(
            ex, waits, HAY_ARGS(hay_int64(n - 1 - i)), NULL, &part[i]));
    }
    for (int i = 0; i < 2; i++) {
        HAY_TRY(hay_result_int64(part[i], HAY_FOREVER, &value[i]));
        hay_future_release(part[i]);
    }
    return hay_return_int64(task, value[0] + value[1]);
}

HAY_TASK(add)
{
    int64_t a = 0;
    int64_t b = 0;
    HAY_TRY(hay_arg_int64(task, 0, &a));
    HAY_TRY(hay_arg_int64(task, 1, &b));
    return hay_return_int64(task, a + b);
}

HAY_TASK(returns_future)
{
    int64_t n = 0;
    hay_future *part[2] = {NULL, NULL};
    hay_future *sum = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    hay_executor *ex = hay_task_executor(task);
    for (int i = 0; i < 2; i++) {
        HAY_TRY(hay_submit(ex,
                           returns_future,
                           HAY_ARGS(hay_int64(n - 1 - i)),
                           NULL,
                           &part[i]));
    }
    HAY_TRY(hay_submit(
        ex, add, HAY_ARGS(hay_ref(part[0]), hay_ref(part[1])), NULL, &sum));
    hay_status st = hay_return_future(task, sum);
    hay_future_release(part[0]);
    hay_future_release(part[1]);
    hay_future_release(sum);
    return st;
}

static uint64_t submitted(hay_executor *ex)
{
    hay_stats stats = {.size = sizeof(stats)};
    (void)hay_executor_stats(ex, &stats);
    return stats.submitted;
}

/* Tasks a second. */
static double rate_of(hay_executor *ex, hay_task_fn fn, int64_t n)
{
    hay_future *future = NULL;
    int64_t value = 0;
    uint64_t before = submitted(ex);
    double start_s = bench_now_s();
    if (hay_submit(ex, fn, HAY_ARGS(hay_int64(n)), NULL, &future) != HAY_OK
        || hay_result_int64(future, HAY_FOREVER, &value) != HAY_OK
        || value != plain(n)) {
        (void)fprintf(stderr, "bench_nested: %s\n", hay_error_text());
        exit(1);
    }
    double spent_s = bench_now_s() - start_s;
    hay_future_release(future);
    return (double)(submitted(ex) - before) / spent_s;
}

static double plain_rate(int64_t n)
{
    static volatile int64_t sink;
    double calls = CALLS * calls_of(n);
    double start_s = bench_now_s();
    for (int i = 0; i < CALLS; i++) {
        sink = plain(n);
    }
    (void)sink;
    return calls / (bench_now_s() - start_s);
}

int main(int argc, char **argv)
{
    double list[3][ROUNDS_MAX];
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    bool tsv = bench_has(argc, argv, "--tsv");
    int64_t n = (int64_t)bench_number(argc, argv, "--n", 20);
    size_t rounds = (size_t)bench_number(argc, argv, "--rounds", 7);
    options.slots = (uint32_t)bench_number(argc, argv, "--slots", 2);
    rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    if (hay_open_local(&options, &ex) != HAY_OK) {
        (void)fprintf(stderr, "bench_nested: %s\n", hay_error_text());
        return 1;
    }
    for (size_t i = 0; i < rounds; i++) {
        list[0][i] = rate_of(ex, waits, n);
        list[1][i] = rate_of(ex, returns_future, n);
        list[2][i] = plain_rate(n);
    }
    bench_title(tsv, "recursive Fibonacci number, a task each call");
    bench_line(tsv, "waits", bench_median(list[0], rounds), "tasks/s");
    bench_line(tsv, "waits.best", bench_part(list[0], rounds, 1), "tasks/s");
    bench_line(tsv, "returns_future", bench_median(list[1], rounds), "tasks/s");
    bench_line(tsv, "plain_call", bench_median(list[2], rounds), "calls/s");
    (void)hay_shutdown(ex, true, false);
    hay_executor_free(ex);
    return 0;
}
