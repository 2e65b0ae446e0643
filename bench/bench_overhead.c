/* bench_overhead.c - what the farm adds to a task, through the public calls.
 *
 * Without a launcher it measures the farm inside this process, then starts
 * mpirun with 2 and 3 ranks of itself for the farm over MPI, and prints one
 * table.  Rates are medians of rounds, results delivered.
 *
 * Efficiency: rate of a compute-bound kernel in tasks of a given length over
 * the rate of the same kernel in tasks so long that nothing else counts, on the
 * same slots, measured before and after.  METG(50 %): the smallest granularity
 * (wall time x cores / tasks) at which half of that rate is reached; E.
 * Slaughter et al., Task Bench, SC20.
 *
 *     bench_overhead [--tsv] [--metg] [--rounds N] [--only inproc|mpi]
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    ROUNDS_MAX = 99,
    NOOPS = 200000,
    ITEMS = 20000000,
    TRIPS = 2000,
    TRIPS_ASLEEP = 100,
    QUEUED = 200000,
    METG_STEPS = 24,
};
static const double asleep_s = 0.02;

struct options {
    bool tsv;
    bool metg;
    int rounds;
    const char *only;
};
static struct options options = {.rounds = 5};

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

static double quantile(double *list, size_t count, double q)
{
    qsort(list, count, sizeof(*list), compare);
    size_t i = (size_t)(q * (double)(count - 1) + 0.5);
    return list[i];
}

static void
row(const char *place, const char *work, double value, const char *u)
{
    if (options.tsv) {
        (void)printf("%s.%s\t%.6g\t%s\n", place, work, value, u);
    } else {
        (void)printf("%-12s %-28s %14.6g  %s\n", place, work, value, u);
    }
    (void)fflush(stdout);
}

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_overhead: %s: %s\n", what, hay_error_text());
    exit(1);
}

/* ---- tasks --------------------------------------------------------------- */

HAY_TASK(bench_noop)
{
    return HAY_OK;
}

HAY_MAP_TASK(bench_item, double, double)
{
    *out = *in + 1;
    return HAY_OK;
}

/* About a nanosecond an iteration, nothing in memory. */
static uint64_t kernel(uint64_t iterations)
{
    uint64_t x = 88172645463325252u;
    for (uint64_t i = 0; i < iterations; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
    }
    return x;
}

HAY_TASK(bench_burn)
{
    int64_t iterations;
    HAY_TRY(hay_arg_int64(task, 0, &iterations));
    volatile uint64_t sink = kernel((uint64_t)iterations);
    (void)sink;
    return HAY_OK;
}

/* Burns for so many seconds; returns iterations a second. */
HAY_TASK(bench_burn_for)
{
    double seconds;
    HAY_TRY(hay_arg_double(task, 0, &seconds));
    double begin = now_s();
    double end = begin;
    uint64_t done = 0;
    volatile uint64_t sink = 0;
    while (end - begin < seconds) {
        sink ^= kernel(20000);
        done += 20000;
        end = now_s();
    }
    (void)sink;
    return hay_return_double(task, (double)done / (end - begin));
}

/* This process's CPU seconds so far. */
static double cpu_s(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec
           + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
}

HAY_TASK(bench_cpu)
{
    return hay_return_double(task, cpu_s());
}

/* ---- measurements -------------------------------------------------------- */

static double submit_rate(hay_executor *ex, size_t count)
{
    static hay_future *list[NOOPS];
    double begin = now_s();
    for (size_t i = 0; i < count; i++) {
        if (hay_submit(ex, bench_noop, HAY_NO_ARGS, NULL, &list[i]) != HAY_OK) {
            die("submit");
        }
    }
    size_t done = 0;
    if (hay_wait(list, count, HAY_ALL, HAY_FOREVER, NULL, &done) != HAY_OK
        || done != count) {
        die("wait");
    }
    double rate = (double)count / (now_s() - begin);
    for (size_t i = 0; i < count; i++) {
        if (hay_future_state(list[i]) != HAY_FINISHED) {
            die("a task failed");
        }
        hay_future_release(list[i]);
    }
    return rate;
}

static double map_rate(hay_executor *ex, double *in, double *out)
{
    hay_future *map = NULL;
    double begin = now_s();
    if (hay_map(ex, bench_item, NULL, in, ITEMS, out, &map) != HAY_OK
        || hay_future_wait(map, HAY_FOREVER) != HAY_OK
        || hay_future_state(map) != HAY_FINISHED) {
        die("map");
    }
    double rate = ITEMS / (now_s() - begin);
    if (out[ITEMS - 1] != in[ITEMS - 1] + 1) {
        die("the map's result is wrong");
    }
    hay_future_release(map);
    return rate;
}

static double trip_us(hay_executor *ex)
{
    hay_future *f = NULL;
    double begin = now_s();
    if (hay_submit(ex, bench_noop, HAY_NO_ARGS, NULL, &f) != HAY_OK
        || hay_future_wait(f, HAY_FOREVER) != HAY_OK) {
        die("round trip");
    }
    double us = (now_s() - begin) * 1e6;
    hay_future_release(f);
    return us;
}

static void nap(double seconds)
{
    const struct timespec t = {
        .tv_sec = (time_t)seconds,
        .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    (void)nanosleep(&t, NULL);
}

static void measure_trips(hay_executor *ex, const char *place)
{
    static double list[TRIPS];
    for (int i = 0; i < TRIPS; i++) {
        list[i] = trip_us(ex);
    }
    row(place, "round_trip.active.median", quantile(list, TRIPS, 0.5), "us");
    row(place, "round_trip.active.p99", quantile(list, TRIPS, 0.99), "us");
    for (int i = 0; i < TRIPS_ASLEEP; i++) {
        nap(asleep_s);
        list[i] = trip_us(ex);
    }
    row(place,
        "round_trip.asleep.median",
        quantile(list, TRIPS_ASLEEP, 0.5),
        "us");
    row(place,
        "round_trip.asleep.p99",
        quantile(list, TRIPS_ASLEEP, 0.99),
        "us");
}

/* Iterations a second of all cores together. */
static double best_rate(hay_executor *ex, uint32_t cores)
{
    hay_future *list[256];
    double sum = 0;
    for (uint32_t i = 0; i < cores && i < 256; i++) {
        if (hay_submit(
                ex, bench_burn_for, HAY_ARGS(hay_double(0.2)), NULL, &list[i])
            != HAY_OK) {
            die("submit");
        }
    }
    for (uint32_t i = 0; i < cores && i < 256; i++) {
        double rate;
        if (hay_result_double(list[i], HAY_FOREVER, &rate) != HAY_OK) {
            die("result");
        }
        sum += rate;
        hay_future_release(list[i]);
    }
    return sum;
}

/* One round: the kernel in tasks of 'seconds' each; efficiency, and the
 * granularity reached. */
static double
efficiency(hay_executor *ex, uint32_t cores, double seconds, double *granule_us)
{
    enum { MOST = 100000 };
    static hay_future *list[MOST];
    double before = best_rate(ex, cores);
    int64_t iterations = (int64_t)(before / cores * seconds);
    iterations = iterations > 0 ? iterations : 1;
    double wanted = 0.6 * cores / seconds; /* tasks of about 0.6 s in all */
    size_t count = wanted > MOST ? MOST : (size_t)wanted;
    double begin = now_s();
    for (size_t i = 0; i < count; i++) {
        if (hay_submit(
                ex, bench_burn, HAY_ARGS(hay_int64(iterations)), NULL, &list[i])
            != HAY_OK) {
            die("submit");
        }
    }
    (void)hay_wait(list, count, HAY_ALL, HAY_FOREVER, NULL, NULL);
    double wall = now_s() - begin;
    for (size_t i = 0; i < count; i++) {
        hay_future_release(list[i]);
    }
    double after = best_rate(ex, cores);
    *granule_us = wall * cores / (double)count * 1e6;
    return (double)count * (double)iterations / wall / ((before + after) / 2);
}

static double
median_efficiency(hay_executor *ex, uint32_t cores, double seconds)
{
    double list[ROUNDS_MAX];
    double granule;
    for (int i = 0; i < options.rounds; i++) {
        list[i] = efficiency(ex, cores, seconds, &granule);
    }
    return quantile(list, (size_t)options.rounds, 0.5);
}

/* From coarse to fine until half of the rate is lost; the crossing between the
 * last two, on a logarithmic scale. */
static double metg_us(hay_executor *ex, uint32_t cores)
{
    double length = 1e-3;
    double above_us = 0;
    double above = 1;
    for (int step = 0; step < METG_STEPS; step++) {
        double granule;
        double e = efficiency(ex, cores, length, &granule);
        if (e < 0.5) {
            double part = above > e ? (above - 0.5) / (above - e) : 1;
            return above_us == 0 ? granule
                                 : above_us + part * (granule - above_us);
        }
        above = e;
        above_us = granule;
        length /= 1.6;
    }
    return above_us;
}

static void measure_work(hay_executor *ex, const char *place, uint32_t cores)
{
    row(place, "efficiency.1ms", median_efficiency(ex, cores, 1e-3) * 100, "%");
    row(place,
        "efficiency.100us",
        median_efficiency(ex, cores, 1e-4) * 100,
        "%");
    if (options.metg) {
        double list[ROUNDS_MAX];
        for (int i = 0; i < options.rounds; i++) {
            list[i] = metg_us(ex, cores);
        }
        row(place, "metg50", quantile(list, (size_t)options.rounds, 0.5), "us");
    }
}

/* Memory of tasks that wait behind one that holds every core. */
static void measure_memory(hay_executor *ex, const char *place, uint32_t cores)
{
    static hay_future *list[QUEUED];
    hay_future *plugs[256];
    for (uint32_t i = 0; i < cores && i < 256; i++) {
        if (hay_submit(
                ex, bench_burn_for, HAY_ARGS(hay_double(1.5)), NULL, &plugs[i])
            != HAY_OK) {
            die("submit");
        }
    }
    nap(0.2);
    struct mallinfo2 before = mallinfo2();
    for (size_t i = 0; i < QUEUED; i++) {
        if (hay_submit(ex, bench_noop, HAY_NO_ARGS, NULL, &list[i]) != HAY_OK) {
            die("submit");
        }
    }
    hay_stats stats = {.size = sizeof(stats)};
    do {
        nap(0.01);
        (void)hay_executor_stats(ex, &stats);
    } while (stats.ready + stats.running < QUEUED);
    struct mallinfo2 after = mallinfo2();
    double bytes = (double)(after.uordblks + after.hblkhd)
                   - (double)(before.uordblks + before.hblkhd);
    row(place, "memory.queued_task", bytes / QUEUED, "bytes");
    (void)hay_wait(list, QUEUED, HAY_ALL, HAY_FOREVER, NULL, NULL);
    for (size_t i = 0; i < QUEUED; i++) {
        hay_future_release(list[i]);
    }
    for (uint32_t i = 0; i < cores && i < 256; i++) {
        hay_future_release(plugs[i]);
    }
}

/* CPU of each rank while nothing happens: a task asks each worker before and
 * after. */
static double worker_cpu(hay_executor *ex, uint32_t worker)
{
    hay_task_options one = HAY_TASK_OPTIONS_INIT;
    hay_future *f = NULL;
    double seconds;
    one.worker = worker;
    if (hay_submit(ex, bench_cpu, HAY_NO_ARGS, &one, &f) != HAY_OK
        || hay_result_double(f, HAY_FOREVER, &seconds) != HAY_OK) {
        die("cpu");
    }
    hay_future_release(f);
    return seconds;
}

static void measure_idle(hay_executor *ex, const char *place, uint32_t workers)
{
    static const double idle_s = 3;
    double before[64];
    double most = 0;
    workers = workers < 63 ? workers : 63;
    for (uint32_t i = 1; i <= workers; i++) {
        before[i] = worker_cpu(ex, i);
    }
    before[0] = cpu_s();
    nap(idle_s);
    double manager = (cpu_s() - before[0]) / idle_s;
    for (uint32_t i = 1; i <= workers; i++) {
        double share = (worker_cpu(ex, i) - before[i]) / idle_s;
        most = share > most ? share : most;
    }
    row(place, "idle.cpu.manager", manager * 100, "% of a core");
    row(place, "idle.cpu.worker", most * 100, "% of a core");
}

static hay_status measure(hay_executor *ex, const char *place)
{
    hay_stats stats = {.size = sizeof(stats)};
    double list[ROUNDS_MAX];
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    HAY_TRY(hay_executor_stats(ex, &stats));
    (void)submit_rate(ex, 1000);
    for (int i = 0; i < options.rounds; i++) {
        list[i] = submit_rate(ex, NOOPS);
    }
    row(place,
        "noop.submit",
        quantile(list, (size_t)options.rounds, 0.5),
        "tasks/s");
    double *in = malloc(sizeof(*in) * ITEMS);
    double *out = malloc(sizeof(*out) * ITEMS);
    if (in == NULL || out == NULL) {
        die("memory");
    }
    for (size_t i = 0; i < ITEMS; i++) {
        in[i] = (double)i;
        out[i] = 0;
    }
    for (int i = 0; i < options.rounds; i++) {
        list[i] = map_rate(ex, in, out);
    }
    row(place, "map", quantile(list, (size_t)options.rounds, 0.5), "items/s");
    free(in);
    free(out);
    measure_trips(ex, place);
    measure_work(ex, place, stats.cores);
    measure_memory(ex, place, stats.cores);
    measure_idle(ex, place, stats.workers);
    return HAY_OK;
}

/* ---- places -------------------------------------------------------------- */

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_stats stats = {.size = sizeof(stats)};
    char place[32];
    (void)argc;
    (void)argv;
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    HAY_TRY(hay_executor_stats(ex, &stats));
    (void)snprintf(place, sizeof(place), "mpi.w%" PRIu32, stats.workers);
    return measure(ex, place);
}

static int run_inproc(uint32_t slots)
{
    hay_options o = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    char place[32];
    o.slots = slots;
    if (hay_open_local(&o, &ex) != HAY_OK) {
        die("open");
    }
    (void)snprintf(place, sizeof(place), "inproc.w%" PRIu32, slots);
    hay_status status = measure(ex, place);
    hay_executor_free(ex);
    return status == HAY_OK ? 0 : 1;
}

static int run_mpirun(const char *ranks, const char *program)
{
    char rounds[16];
    (void)snprintf(rounds, sizeof(rounds), "%d", options.rounds);
    const char *argv[] = {
        "mpirun",
        "--oversubscribe",
        "-n",
        ranks,
        program,
        "--rounds",
        rounds,
        "--hay-quiet",
        options.tsv ? "--tsv" : "--table",
        options.metg ? "--metg" : NULL,
        NULL,
    };
    pid_t pid;
    int error = posix_spawnp(
        &pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (error != 0) {
        (void)fprintf(stderr, "bench_overhead: mpirun: %s\n", strerror(error));
        return 1;
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

static int usage(void)
{
    (void)fputs("usage: bench_overhead [--tsv] [--metg] [--rounds N] "
                "[--only inproc|mpi]\n",
                stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static const struct option list[] = {
        {"tsv", no_argument, NULL, 't'},
        {"table", no_argument, NULL, 'T'},
        {"metg", no_argument, NULL, 'm'},
        {"rounds", required_argument, NULL, 'r'},
        {"only", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    int c;
    opterr = 0;
    char *copy[32];
    int count = argc < 31 ? argc : 31;
    memcpy(copy, argv, (size_t)count * sizeof(*copy));
    copy[count] = NULL;
    while ((c = getopt_long(argc, argv, "", list, NULL)) != -1) {
        if (c == 't') {
            options.tsv = true;
        } else if (c == 'm') {
            options.metg = true;
        } else if (c == 'r') {
            options.rounds = (int)strtol(optarg, NULL, 10);
        } else if (c == 'o') {
            options.only = optarg;
        } else if (c != 'T' && strncmp(argv[optind - 1], "--hay-", 6) != 0) {
            return usage();
        }
    }
    if (options.rounds < 1 || options.rounds > ROUNDS_MAX) {
        return usage();
    }
    if (getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL) {
        return hay_main(count, copy, farm);
    }
    int status = 0;
    if (options.only == NULL || strcmp(options.only, "inproc") == 0) {
        status |= run_inproc(1);
        status |= run_inproc(2);
    }
    if (options.only == NULL || strcmp(options.only, "mpi") == 0) {
        status |= run_mpirun("2", argv[0]);
        status |= run_mpirun("3", argv[0]);
    }
    return status;
}
