/* bench_mpi_loop.c - the master-worker loop that one writes by hand in plain
 * MPI: what a farm has to be compared with.
 *
 *     mpirun -n 3 bench_mpi_loop [--tsv] [--runs 5] [--seconds 0.3]
 *
 * Rank 0 is the master, blocking Send and Recv; a task is 64 bytes there and 64
 * back, and does nothing.  Window: tasks that a worker holds at most; batch:
 * tasks in a message at most.  The number of tasks a second is the median of
 * the runs.
 */
#include "config.h"

#include "bench_support.h"

#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 16, RUNS_MAX = 101, TAG_WORK = 1, TAG_DONE = 2 };

struct task {
    uint64_t id;
    uint64_t value;
    uint64_t rest[6];
};

/* A batch without tasks ends the worker. */
static void work(void)
{
    struct task batch[BATCH_MAX];
    for (;;) {
        MPI_Status status;
        int bytes = 0;
        (void)MPI_Recv(batch,
                       sizeof batch,
                       MPI_BYTE,
                       0,
                       TAG_WORK,
                       MPI_COMM_WORLD,
                       &status);
        (void)MPI_Get_count(&status, MPI_BYTE, &bytes);
        int count = bytes / (int)sizeof batch[0];
        if (count == 0) {
            return;
        }
        for (int i = 0; i < count; i++) {
            batch[i].value = batch[i].id + 1;
        }
        (void)MPI_Send(batch, bytes, MPI_BYTE, 0, TAG_DONE, MPI_COMM_WORLD);
    }
}

static uint64_t next_id;

static void feed(struct task *batch, int count, int worker)
{
    for (int i = 0; i < count; i++) {
        batch[i].id = next_id++;
    }
    (void)MPI_Send(batch,
                   count * (int)sizeof batch[0],
                   MPI_BYTE,
                   worker,
                   TAG_WORK,
                   MPI_COMM_WORLD);
}

/* One result message; *worker: whose.  How many tasks. */
static int collect(struct task *batch, int *worker)
{
    MPI_Status status;
    int bytes = 0;
    (void)MPI_Recv(batch,
                   BATCH_MAX * (int)sizeof batch[0],
                   MPI_BYTE,
                   MPI_ANY_SOURCE,
                   TAG_DONE,
                   MPI_COMM_WORLD,
                   &status);
    (void)MPI_Get_count(&status, MPI_BYTE, &bytes);
    *worker = status.MPI_SOURCE;
    int count = bytes / (int)sizeof batch[0];
    for (int i = 0; i < count; i++) {
        if (batch[i].value != batch[i].id + 1) {
            (void)fprintf(stderr, "a task came back wrong\n");
            MPI_Abort(MPI_COMM_WORLD, 1);
        }
    }
    return count;
}

/* Tasks a second. */
static double master(int workers, int window, int batch_max, double seconds)
{
    struct task batch[BATCH_MAX];
    uint64_t done = 0;
    uint64_t out = 0;
    memset(batch, 0, sizeof batch);
    double began = bench_now_s();
    for (int given = 0; given < window; given += batch_max) {
        for (int w = 1; w <= workers; w++) {
            feed(batch, batch_max, w);
            out += (uint64_t)batch_max;
        }
    }
    bool more = true;
    while (out > 0) {
        int worker = 0;
        int count = collect(batch, &worker);
        done += (uint64_t)count;
        out -= (uint64_t)count;
        if (done % 256 < (uint64_t)count) {
            more = bench_now_s() - began < seconds;
        }
        if (more) {
            feed(batch, count, worker);
            out += (uint64_t)count;
        }
    }
    return (double)done / (bench_now_s() - began);
}

static void measure(int workers, int argc, char **argv)
{
    static const struct {
        int window;
        int batch;
    } list[] = {{1, 1}, {16, 1}, {64, 16}};
    bool tsv = bench_has(argc, argv, "--tsv");
    double seconds = bench_number(argc, argv, "--seconds", 0.3);
    int runs = (int)bench_number(argc, argv, "--runs", 5);
    runs = runs < 1 ? 1 : runs > RUNS_MAX ? RUNS_MAX : runs;
    char words[80];
    (void)snprintf(words,
                   sizeof words,
                   "plain MPI master and %d worker%s, 64-byte tasks",
                   workers,
                   workers == 1 ? "" : "s");
    bench_title(tsv, words);
    (void)master(workers, 16, 1, seconds / 3); /* connections, caches */
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        double rates[RUNS_MAX];
        for (int k = 0; k < runs; k++) {
            rates[k] = master(workers, list[i].window, list[i].batch, seconds);
        }
        (void)snprintf(words,
                       sizeof words,
                       "mpi_loop.w%d.window%d.batch%d",
                       workers,
                       list[i].window,
                       list[i].batch);
        bench_line(tsv, words, bench_median(rates, (size_t)runs), "tasks/s");
    }
}

static int say_how(void)
{
    (void)fprintf(stderr,
                  "bench_mpi_loop: start it with mpirun, a rank for the master "
                  "and one for each worker:\n"
                  "    mpirun --oversubscribe -n 3 build/bench/bench_mpi_loop "
                  "[--tsv] [--runs N] [--seconds S]\n");
    return 2;
}

int main(int argc, char **argv)
{
    if ((getenv("OMPI_COMM_WORLD_SIZE") == NULL && getenv("PMIX_RANK") == NULL
         && getenv("PMI_RANK") == NULL)
        || bench_has(argc, argv, "--help")) {
        return say_how();
    }
    int rank = 0;
    int size = 0;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &size);
    int rc = 0;
    if (size < 2) {
        rc = say_how();
    } else if (rank != 0) {
        work();
    } else {
        measure(size - 1, argc, argv);
        struct task none = {.id = 0};
        for (int w = 1; w < size; w++) {
            feed(&none, 0, w);
        }
    }
    (void)MPI_Finalize();
    return rc;
}
