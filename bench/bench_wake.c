/* bench_wake.c - how long it takes to wake a sleeper and be woken by it: the
 * limit of every round trip between threads or processes that sleep.
 *
 *     bench_wake [--tsv] [--rounds 20000] [--gap US]
 *
 * Two threads, each pinned on a core of its own, wait for each other by futex.
 * With a gap both cores have been idle for that long before each round trip.
 */
#include "config.h"

#include "bench_support.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct side {
    _Alignas(64) atomic_uint word;
};

static struct side there;
static struct side back;
static unsigned rounds;
static int cores[2];

static void wait_for(struct side *side, unsigned value)
{
    while (atomic_load(&side->word) == value) {
        (void)syscall(
            SYS_futex, &side->word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
    }
}

static void post(struct side *side)
{
    (void)atomic_fetch_add(&side->word, 1);
    (void)syscall(SYS_futex, &side->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

/* The first two cores that we may use; how many there are of them. */
static int find_cores(void)
{
    cpu_set_t set;
    int count = 0;
    CPU_ZERO(&set);
    (void)sched_getaffinity(0, sizeof set, &set);
    for (int i = 0; i < CPU_SETSIZE && count < 2; i++) {
        if (CPU_ISSET((size_t)i, &set)) {
            cores[count++] = i;
        }
    }
    if (count == 1) {
        cores[1] = cores[0];
    }
    return count;
}

static void *answer(void *unused)
{
    (void)unused;
    pin(cores[1]);
    for (unsigned i = 0; i < rounds; i++) {
        wait_for(&there, i);
        post(&back);
    }
    return NULL;
}

static void measure(double *list, double gap_s)
{
    pthread_t thread;
    atomic_store(&there.word, 0);
    atomic_store(&back.word, 0);
    if (pthread_create(&thread, NULL, answer, NULL) != 0) {
        (void)fprintf(stderr, "bench_wake: no thread\n");
        exit(1);
    }
    for (unsigned i = 0; i < rounds; i++) {
        if (gap_s > 0) {
            struct timespec gap = {0, (long)(gap_s * 1e9)};
            (void)nanosleep(&gap, NULL);
        }
        double began = bench_now_s();
        post(&there);
        wait_for(&back, i);
        list[i] = (bench_now_s() - began) * 1e6;
    }
    (void)pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    bool tsv = bench_has(argc, argv, "--tsv");
    double gap_us = bench_number(argc, argv, "--gap", 0);
    double wanted = bench_number(argc, argv, "--rounds", 20000);
    rounds = wanted >= 1 && wanted < 1e8 ? (unsigned)wanted : 20000;
    if (gap_us < 0 || gap_us >= 1e6) {
        (void)fprintf(stderr, "bench_wake: --gap is below a second\n");
        return 2;
    }
    double *list = calloc(rounds, sizeof *list);
    if (list == NULL) {
        return 1;
    }
    bench_title(tsv,
                find_cores() == 2 ? "futex round trip, two pinned cores"
                                  : "futex round trip, one core only");
    pin(cores[0]);
    measure(list, gap_us / 1e6);
    bench_line(tsv, "wake.futex.median", bench_median(list, rounds), "us");
    bench_line(tsv, "wake.futex.p99", bench_part(list, rounds, 0.99), "us");
    free(list);
    return 0;
}
