/* bench_journal.c - what the journal of a run folder costs.
 *
 * By turns, in one process: empty tasks handed in at a given rate (20,000 a
 * second) with no run folder and with one, whose journal is synced to the real
 * disk; how long until the last one's end is told.  Then as fast as they go,
 * how long a lone task takes, and tasks that burn 90 microseconds of CPU each:
 * two cores do about 20,000 a second and have nothing left for a journal.  Each
 * task is named, as a resume needs it.
 *
 *     bench_journal [--tsv] [--rounds N] [--rate N] [--tasks N] [--folder DIR]
 */
#include "config.h"

#include "bench_support.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS_MAX = 99, TASKS_MAX = 2000000, TRIPS = 200, BURST = 20 };

enum way { NO_FOLDER, NO_JOURNAL, WRITTEN, SYNC, WAYS };
static const char *const names[WAYS] = {"no_folder",
                                        "no_journal",
                                        "written",
                                        "sync"};

static hay_future *list[TASKS_MAX];

HAY_TASK(journal_noop)
{
    return HAY_OK;
}

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

HAY_TASK(journal_burn)
{
    double end = cpu_s() + 90e-6;
    while (cpu_s() < end) {
    }
    return HAY_OK;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_journal: %s: %s\n", what, hay_error_text());
    exit(1);
}

static hay_future *submit(hay_executor *ex, hay_task_fn fn, size_t i)
{
    char name[32];
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    (void)snprintf(name, sizeof(name), "task-%zu", i);
    options.name = name;
    if (hay_submit(ex, fn, HAY_NO_ARGS, &options, &future) != HAY_OK) {
        die("submit");
    }
    return future;
}

static void wait_all(size_t count)
{
    size_t done = 0;
    if (hay_wait(list, count, HAY_ALL, HAY_FOREVER, NULL, &done) != HAY_OK
        || done != count) {
        die("wait");
    }
    for (size_t i = 0; i < count; i++) {
        if (hay_future_state(list[i]) != HAY_FINISHED) {
            die("a task failed");
        }
        hay_future_release(list[i]);
    }
}

/* Tasks a second that were told; rate 0: as fast as they go. */
static double
measure(hay_executor *ex, hay_task_fn fn, size_t count, double rate)
{
    double begin = bench_now_s();
    for (size_t i = 0; i < count; i++) {
        if (rate > 0 && i % BURST == 0) {
            double ahead = begin + (double)i / rate - bench_now_s();
            if (ahead > 0) {
                const struct timespec t = {.tv_nsec = (long)(ahead * 1e9)};
                (void)nanosleep(&t, NULL);
            }
        }
        list[i] = submit(ex, fn, i);
    }
    wait_all(count);
    return (double)count / (bench_now_s() - begin);
}

static double lone_us(hay_executor *ex, size_t first)
{
    double trips[TRIPS];
    for (size_t i = 0; i < TRIPS; i++) {
        double begin = bench_now_s();
        list[0] = submit(ex, journal_noop, first + i);
        wait_all(1);
        trips[i] = (bench_now_s() - begin) * 1e6;
    }
    return bench_median(trips, TRIPS);
}

static void remove_folder(const char *folder)
{
    char line[4200];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", folder);
    if (system(line) != 0) {
        (void)fprintf(stderr, "bench_journal: %s stays\n", folder);
    }
}

struct figures {
    double paced, fast, lone, work;
};

static struct figures
round_of(enum way way, const char *folder, size_t count, double rate)
{
    struct figures figures;
    hay_executor *ex = NULL;
    hay_options options = HAY_OPTIONS_INIT;
    char run[4096];
    (void)snprintf(run, sizeof(run), "%s/bench-journal-run", folder);
    if (way != NO_FOLDER) {
        options.run_folder = run;
        options.journal = way == SYNC      ? HAY_JOURNAL_SYNC
                          : way == WRITTEN ? HAY_JOURNAL_WRITTEN
                                           : HAY_JOURNAL_NONE;
    }
    if (hay_open_local(&options, &ex) != HAY_OK) {
        die("open");
    }
    figures.paced = measure(ex, journal_noop, count, rate);
    figures.lone = lone_us(ex, TASKS_MAX);
    figures.fast = measure(ex, journal_noop, count, 0);
    figures.work = measure(ex, journal_burn, count, 0);
    if (hay_shutdown(ex, true, false) != HAY_OK) {
        die("shutdown");
    }
    hay_executor_free(ex);
    if (way != NO_FOLDER) {
        remove_folder(run);
    }
    return figures;
}

int main(int argc, char **argv)
{
    bool tsv = bench_has(argc, argv, "--tsv");
    size_t rounds = (size_t)bench_number(argc, argv, "--rounds", 5);
    size_t count = (size_t)bench_number(argc, argv, "--tasks", 100000);
    double rate = bench_number(argc, argv, "--rate", 20000);
    const char *folder = ".";
    static double paced[WAYS][ROUNDS_MAX];
    static double fast[WAYS][ROUNDS_MAX];
    static double lone[WAYS][ROUNDS_MAX];
    static double work[WAYS][ROUNDS_MAX];
    for (int i = 1; i + 1 < argc; i++) {
        folder = strcmp(argv[i], "--folder") == 0 ? argv[i + 1] : folder;
    }
    rounds = rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    count = count > TASKS_MAX ? TASKS_MAX : count;
    for (size_t i = 0; i < rounds; i++) {
        for (int way = 0; way < WAYS; way++) {
            struct figures f = round_of((enum way)way, folder, count, rate);
            paced[way][i] = f.paced;
            fast[way][i] = f.fast;
            lone[way][i] = f.lone;
            work[way][i] = f.work;
        }
    }
    bench_title(tsv, "a journal");
    for (int way = 0; way < WAYS; way++) {
        char what[64];
        (void)snprintf(what, sizeof(what), "paced.%s", names[way]);
        bench_line(tsv, what, bench_median(paced[way], rounds), "tasks/s");
        (void)snprintf(what, sizeof(what), "fast.%s", names[way]);
        bench_line(tsv, what, bench_median(fast[way], rounds), "tasks/s");
        (void)snprintf(what, sizeof(what), "work.%s", names[way]);
        bench_line(tsv, what, bench_median(work[way], rounds), "tasks/s");
        (void)snprintf(what, sizeof(what), "lone.%s", names[way]);
        bench_line(tsv, what, bench_median(lone[way], rounds), "us");
    }
    return 0;
}
