/* bench_process.c - what a process slot adds to a task over a thread slot.
 *
 * Functions that do nothing, in a farm of one process, thread and process by
 * turns in one run: a stream of tasks (rate), one task at a time
 * (round trip), a result of 1 MiB made in place, and a stream in which each
 * task has a time limit.  Prints medians of rounds, in microseconds a task, and
 * the difference.
 *
 *     bench_process [--tsv] [--rounds N] [--hay-slots=N]
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    ROUNDS_MAX = 99,
    STREAM = 50000,
    TRIPS = 2000,
    RESULTS = 300,
    RESULT_BYTES = 1 << 20,
    KINDS = 2,
};

static bool tsv;
static int rounds = 5;
static const char usage[] =
    "usage: bench_process [--tsv] [--rounds N] [--hay-slots=N]\n";

HAY_TASK(nothing)
{
    (void)task;
    return HAY_OK;
}

HAY_TASK(makes)
{
    void *data;
    HAY_TRY(hay_return_alloc(task, RESULT_BYTES, &data));
    memset(data, 1, RESULT_BYTES);
    return HAY_OK;
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, int count)
{
    qsort(list, (size_t)count, sizeof(*list), compare);
    return list[count / 2];
}

/* ---- what is measured: seconds a task; negative: it failed ----------------
 */

static double stream(hay_executor *ex, const hay_task_options *options)
{
    static hay_future *all[STREAM];
    bool failed = false;
    double start_s = now_s();
    for (int i = 0; i < STREAM; i++) {
        failed =
            hay_submit(ex, nothing, HAY_NO_ARGS, options, &all[i]) != HAY_OK
            || failed;
    }
    for (int i = 0; i < STREAM; i++) {
        failed = hay_future_wait(all[i], HAY_FOREVER) != HAY_OK
                 || hay_future_state(all[i]) != HAY_FINISHED || failed;
        hay_future_release(all[i]);
    }
    return failed ? -1 : (now_s() - start_s) / STREAM;
}

static double trips(hay_executor *ex, const hay_task_options *options)
{
    double start_s = now_s();
    for (int i = 0; i < TRIPS; i++) {
        hay_future *f = NULL;
        if (hay_submit(ex, nothing, HAY_NO_ARGS, options, &f) != HAY_OK
            || hay_future_wait(f, HAY_FOREVER) != HAY_OK) {
            return -1;
        }
        hay_future_release(f);
    }
    return (now_s() - start_s) / TRIPS;
}

static double results(hay_executor *ex, const hay_task_options *options)
{
    double start_s = now_s();
    for (int i = 0; i < RESULTS; i++) {
        hay_future *f = NULL;
        if (hay_submit(ex, makes, HAY_NO_ARGS, options, &f) != HAY_OK
            || hay_future_wait(f, HAY_FOREVER) != HAY_OK
            || hay_future_state(f) != HAY_FINISHED) {
            return -1;
        }
        hay_future_release(f);
    }
    return (now_s() - start_s) / RESULTS;
}

/* The same tasks with a limit, which only a process slot can keep. */
static double limited(hay_executor *ex, const hay_task_options *options)
{
    hay_task_options o = *options;
    if (o.runner == HAY_RUNNER_PROCESS) {
        o.time_limit_ns = UINT64_C(60000000000);
    }
    return stream(ex, &o);
}

static const struct {
    const char *name;
    double (*measure)(hay_executor *ex, const hay_task_options *options);
} works[] = {
    {"stream", stream},
    {"stream_limited", limited},
    {"round_trip", trips},
    {"result_1MiB", results},
};

static const hay_runner kinds[KINDS] = {HAY_RUNNER_THREAD, HAY_RUNNER_PROCESS};

/* ---- the table ------------------------------------------------------------
 */

static void print(const char *work, int slots, double *took[KINDS])
{
    double thread = median(took[0], rounds) * 1e6;
    double process = median(took[1], rounds) * 1e6;
    if (tsv) {
        (void)printf("%s.%d.thread\t%.3f\tus\n", work, slots, thread);
        (void)printf("%s.%d.process\t%.3f\tus\n", work, slots, process);
        return;
    }
    (void)printf("%-16s %5d %10.2f %10.2f %+10.2f\n",
                 work,
                 slots,
                 thread,
                 process,
                 process - thread);
}

static int measure(hay_executor *ex, size_t work, int slots)
{
    double list[KINDS][ROUNDS_MAX];
    double *took[KINDS] = {list[0], list[1]};
    for (int round = -1; round < rounds; round++) { /* the first warms up */
        for (int k = 0; k < KINDS; k++) {
            hay_task_options options = HAY_TASK_OPTIONS_INIT;
            options.runner = kinds[k];
            double s = works[work].measure(ex, &options);
            if (s < 0) {
                (void)fprintf(stderr,
                              "bench_process: %s failed: %s\n",
                              works[work].name,
                              hay_error_text());
                return 1;
            }
            if (round >= 0) {
                list[k][round] = s;
            }
        }
    }
    print(works[work].name, slots, took);
    return 0;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_stats stats = {.size = sizeof(stats)};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tsv") == 0) {
            tsv = true;
        } else if (strcmp(argv[i], "--rounds") == 0 && i + 1 < argc) {
            rounds = (int)strtol(argv[++i], NULL, 10);
        } else {
            rounds = 0;
        }
    }
    if (rounds < 1 || rounds > ROUNDS_MAX) {
        (void)fputs(usage, stderr);
        return HAY_EINVAL;
    }
    HAY_TRY(hay_executor_stats(ex, &stats));
    if (!tsv) {
        (void)printf("%-16s %5s %10s %10s %10s\n",
                     "us a task",
                     "slots",
                     "thread",
                     "process",
                     "more");
    }
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++) {
        if (measure(ex, i, (int)stats.cores) != 0) {
            return HAY_ETASK;
        }
    }
    return HAY_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    return hay_main(argc, argv, farm);
}
