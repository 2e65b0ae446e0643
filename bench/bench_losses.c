/* bench_losses.c - how long a farm takes for tasks that nap, if it loses a
 * worker when half of them are done; losses.sh compares.
 *
 *     hayfork launch -n RANKS bench_losses [--tsv] [--strike SIGNAL]
 *         [--tasks N] [--ms N]
 *
 * With --strike 9 a task kills worker 2, with --strike 19 it stops it.  Each
 * task must be done exactly once, with the right result.
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include "bench_support.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { TASKS_MAX = 1000000, STRUCK = 2, WAIT_MS = 10000 };

static void nap(int64_t ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* (number, milliseconds, signal or 0): the number squared. */
HAY_TASK(doze)
{
    int64_t x = 0;
    int64_t ms = 0;
    int64_t strike = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    HAY_TRY(hay_arg_int64(task, 1, &ms));
    HAY_TRY(hay_arg_int64(task, 2, &strike));
    nap(ms / 2);
    if (strike != 0 && hay_task_worker(task) == STRUCK) {
        (void)kill(getpid(), (int)strike);
    }
    nap(ms - ms / 2);
    return hay_return_int64(task, x * x);
}

struct work {
    hay_queue *queue;
    unsigned char *done; /* how often, by task */
    int64_t tasks, ms, strike;
};

/* From the middle on whoever is worker 2 is struck by what it runs. */
static hay_status submit(hay_executor *ex, const struct work *work)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.queue = work->queue;
    for (int64_t i = 0; i < work->tasks; i++) {
        int64_t strike = i < work->tasks / 2 ? 0 : work->strike;
        options.user = &work->done[i];
        HAY_TRY(hay_submit(
            ex,
            doze,
            HAY_ARGS(hay_int64(i), hay_int64(work->ms), hay_int64(strike)),
            &options,
            NULL));
    }
    return HAY_OK;
}

static hay_status await(const struct work *work)
{
    hay_future *future = NULL;
    hay_status st;
    while ((st = hay_queue_next(work->queue, HAY_FOREVER, &future)) == HAY_OK) {
        unsigned char *done = hay_future_user(future);
        int64_t i = done - work->done;
        int64_t x = 0;
        if (hay_result_int64(future, 0, &x) != HAY_OK || x != i * i
            || ++*done != 1) {
            (void)fprintf(stderr,
                          "bench_losses: task %" PRId64 ", done %d times: %s\n",
                          i,
                          *done,
                          hay_error_text());
            return HAY_EFARM;
        }
        hay_future_release(future);
    }
    for (int64_t i = 0; i < work->tasks; i++) {
        if (work->done[i] != 1) {
            (void)fprintf(
                stderr, "bench_losses: task %" PRId64 " is not done\n", i);
            return HAY_EFARM;
        }
    }
    return st == HAY_EEMPTY ? HAY_OK : st;
}

/* The farm's own count; it may be told a moment after the last result. */
static hay_status
check(hay_executor *ex, const struct work *work, uint32_t left)
{
    hay_stats stats = {.size = sizeof(stats)};
    HAY_TRY(hay_executor_stats(ex, &stats));
    for (int i = 0; i < WAIT_MS && stats.finished < (uint64_t)work->tasks;
         i++) {
        nap(1);
        HAY_TRY(hay_executor_stats(ex, &stats));
    }
    if (stats.finished != (uint64_t)work->tasks || stats.failed != 0
        || stats.workers != left) {
        (void)fprintf(stderr,
                      "bench_losses: %" PRIu64 " finished, %" PRIu64
                      " failed, %" PRIu32 " workers are left\n",
                      stats.finished,
                      stats.failed,
                      stats.workers);
        return HAY_EFARM;
    }
    return HAY_OK;
}

static hay_status measure(hay_executor *ex, struct work *work, bool tsv)
{
    hay_stats stats = {.size = sizeof(stats)};
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    HAY_TRY(hay_executor_stats(ex, &stats));
    uint32_t left = stats.workers - (work->strike != 0 ? 1 : 0);
    double start_s = bench_now_s();
    HAY_TRY(submit(ex, work));
    HAY_TRY(await(work));
    double spent_s = bench_now_s() - start_s;
    HAY_TRY(check(ex, work, left));
    bench_title(tsv, "tasks that nap");
    bench_line(tsv, "losses.run", spent_s, "s");
    return HAY_OK;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    struct work work = {
        .tasks = (int64_t)bench_number(argc, argv, "--tasks", 2000),
        .ms = (int64_t)bench_number(argc, argv, "--ms", 50),
        .strike = (int64_t)bench_number(argc, argv, "--strike", 0),
    };
    if (work.tasks < 1 || work.tasks > TASKS_MAX || work.ms < 0
        || work.strike < 0 || work.strike >= SIGRTMIN) {
        (void)fprintf(stderr,
                      "usage: bench_losses [--tsv] [--strike SIGNAL] "
                      "[--tasks N] [--ms N]\n");
        return HAY_EINVAL;
    }
    work.done = calloc((size_t)work.tasks, 1);
    if (work.done == NULL) {
        return HAY_ENOMEM;
    }
    hay_status st = hay_queue_new(ex, &work.queue);
    if (st == HAY_OK) {
        st = measure(ex, &work, bench_has(argc, argv, "--tsv"));
    }
    hay_queue_free(work.queue);
    free(work.done);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
