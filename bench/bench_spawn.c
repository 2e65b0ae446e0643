/* bench_spawn.c - what it costs to start commands.
 *
 * The raw limit: posix_spawn() of a program that does nothing in a plain loop
 * with so many at once, waitpid(-1).  Then the same through the spawner, with
 * outputs captured to append files: the ratio is what the farm adds in a slot,
 * before the worker's loop, the wire and the scheduler.  Rounds of all kinds of
 * work take turns, so that a busy machine harms all alike; medians are told.
 *
 *     bench_spawn [--tsv] [--commands N] [--runs R] [--slots P]
 */
#include "config.h"

#include "base/clock.h"
#include "worker/spawner.h"

#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RUNS_MAX = 101, SLOTS_MAX = 64, AHEAD = 32 };

extern char **environ;

struct bench {
    struct hayi_spawner *spawner;
    uint32_t commands;
    uint32_t slots; /* at once */
    uint64_t next_id;
    int cpus[SLOTS_MAX];
};

static const char *const true_argv[] = {"/bin/true", NULL};

static void stop(const char *what)
{
    (void)fprintf(stderr, "bench_spawn: %s\n", what);
    exit(1);
}

/* ---- the work ------------------------------------------------------------ */

static void plain(struct bench *bench, char *const *argv)
{
    uint32_t begun = 0, running = 0;
    while (begun < bench->commands || running > 0) {
        while (begun < bench->commands && running < bench->slots) {
            pid_t pid;
            if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0) {
                stop("posix_spawn failed");
            }
            begun++;
            running++;
        }
        int status = 0;
        if (waitpid(-1, &status, 0) <= 0 || status != 0) {
            stop("a command failed");
        }
        running--;
    }
}

static void plain_true(struct bench *bench)
{
    char program[] = "/bin/true";
    char *argv[] = {program, NULL};
    plain(bench, argv);
}

static void plain_line(struct bench *bench)
{
    char program[] = "/bin/sh", flag[] = "-c", line[] = "true";
    char *argv[] = {program, flag, line, NULL};
    plain(bench, argv);
}

/* As the worker's loop does it: so many ahead for each slot. */
static void farm(struct bench *bench,
                 const struct hayi_spawn_request *model,
                 uint32_t ahead)
{
    uint32_t begun = 0, ended = 0, held[SLOTS_MAX] = {0};
    struct hayi_error err = {HAY_OK, ""};
    while (ended < bench->commands) {
        for (uint32_t i = 0; i < bench->slots; i++) {
            while (begun < bench->commands && held[i] < ahead) {
                struct hayi_spawn_request request = *model;
                request.id = ++bench->next_id;
                request.slot = i;
                if (model->cpu_count > 0) {
                    request.cpus = &bench->cpus[i];
                }
                if (hayi_spawner_start(bench->spawner, &request, &err)
                    != HAY_OK) {
                    stop(err.text);
                }
                held[i]++;
                begun++;
            }
        }
        (void)hayi_spawner_flush(bench->spawner);
        struct pollfd fd = {hayi_spawner_fd(bench->spawner), POLLIN, 0};
        (void)poll(&fd, 1, -1);
        struct hayi_spawn_event event;
        while (hayi_spawner_poll(bench->spawner, &event)) {
            if (event.kind == HAYI_SPAWN_GONE
                || (event.kind == HAYI_SPAWN_ENDED && event.exit_code != 0)) {
                stop("a command failed");
            }
            if (event.kind == HAYI_SPAWN_ENDED) {
                held[event.slot]--;
                ended++;
            }
        }
    }
}

static void farm_true(struct bench *bench)
{
    const struct hayi_spawn_request model = {.argv = true_argv};
    farm(bench, &model, AHEAD);
}

static void farm_pinned(struct bench *bench)
{
    const struct hayi_spawn_request model = {.argv = true_argv, .cpu_count = 1};
    farm(bench, &model, AHEAD);
}

static void farm_alone(struct bench *bench)
{
    const struct hayi_spawn_request model = {.argv = true_argv};
    farm(bench, &model, 1);
}

static void farm_line(struct bench *bench)
{
    const struct hayi_spawn_request model = {.line = "true"};
    farm(bench, &model, AHEAD);
}

static void farm_echo(struct bench *bench)
{
    const struct hayi_spawn_request model = {.line = "echo a line"};
    farm(bench, &model, AHEAD);
}

static const struct work {
    const char *name;
    void (*run)(struct bench *bench);
    int limit; /* index of the work that is its raw limit; -1 */
} works[] = {
    {"posix_spawn /bin/true", plain_true, -1},
    {"posix_spawn sh -c true", plain_line, -1},
    {"spawner /bin/true", farm_true, 0},
    {"spawner /bin/true pinned", farm_pinned, 0},
    {"spawner /bin/true none ahead", farm_alone, 0},
    {"spawner sh -c true", farm_line, 1},
    {"spawner sh -c echo captured", farm_echo, 1},
};
enum { WORKS = sizeof(works) / sizeof(works[0]) };

/* ---- measuring ----------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, size_t count)
{
    qsort(list, count, sizeof(*list), by_value);
    return count % 2 != 0 ? list[count / 2]
                          : (list[count / 2 - 1] + list[count / 2]) / 2;
}

static void measure(struct bench *bench, uint32_t runs, bool tsv)
{
    static double rates[WORKS][RUNS_MAX];
    static double ratios[WORKS][RUNS_MAX];
    for (uint32_t run = 0; run <= runs; run++) { /* the first one warms up */
        for (size_t i = 0; i < WORKS; i++) {
            uint64_t begin_ns = hayi_clock_ns();
            works[i].run(bench);
            double ns = (double)(hayi_clock_ns() - begin_ns);
            if (run > 0) {
                rates[i][run - 1] = bench->commands * 1e9 / ns;
                ratios[i][run - 1] =
                    works[i].limit < 0
                        ? 1
                        : rates[i][run - 1] / rates[works[i].limit][run - 1];
            }
        }
    }
    for (size_t i = 0; i < WORKS; i++) {
        char name[100];
        double ratio = median(ratios[i], runs);
        (void)snprintf(
            name, sizeof(name), "%s, %u at once", works[i].name, bench->slots);
        if (tsv) {
            (void)printf(
                "%s\t%.0f\tcommands/s\n", name, median(rates[i], runs));
            if (works[i].limit >= 0) {
                (void)printf("%s\t%.3f\tof posix_spawn\n", name, ratio);
            }
        } else {
            (void)printf("%-42s %8.0f", name, median(rates[i], runs));
            (void)(works[i].limit >= 0 ? printf("  %8.2f\n", ratio)
                                       : printf("\n"));
        }
    }
    (void)fflush(stdout);
}

static void start_spawner(struct bench *bench, const char *folder)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct hayi_spawner_setup setup = {
        .capture = HAYI_CAPTURE_APPEND,
        .folder = folder,
        .prefix = "w1",
        .env = (const char *const *)environ,
        .umask_bits = 022,
        .grace_ns = 1000000000,
        .slots = SLOTS_MAX,
    };
    if (hayi_spawner_setup(bench->spawner, &setup, &err) != HAY_OK) {
        stop(err.text);
    }
}

static void find_cpus(struct bench *bench)
{
    cpu_set_t set;
    uint32_t found = 0;
    if (sched_getaffinity(0, sizeof(set), &set) != 0) {
        stop("no affinity");
    }
    for (size_t cpu = 0; cpu < CPU_SETSIZE && found < SLOTS_MAX; cpu++) {
        if (CPU_ISSET(cpu, &set)) {
            bench->cpus[found++] = (int)cpu;
        }
    }
    for (uint32_t i = found; i < SLOTS_MAX; i++) {
        bench->cpus[i] = bench->cpus[i % found];
    }
}

static uint32_t number(const char *text, uint32_t highest)
{
    unsigned long value = text != NULL ? strtoul(text, NULL, 10) : 0;
    if (value == 0 || value > highest) {
        stop("usage: [--tsv] [--commands N] [--runs R] [--slots P]");
    }
    return (uint32_t)value;
}

int main(int argc, char **argv)
{
    struct bench bench = {.commands = 500};
    struct hayi_error err = {HAY_OK, ""};
    char folder[] = "/tmp/hayfork-bench-spawn-XXXXXX";
    char command[64];
    uint32_t runs = 7, slots = 0;
    bool tsv = false;
    if (hayi_spawner_fork(&bench.spawner, &err) != HAY_OK) {
        stop(err.text);
    }
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--tsv") == 0) {
            tsv = true;
        } else if (strcmp(argv[i], "--commands") == 0) {
            bench.commands = number(argv[++i], 1000000);
        } else if (strcmp(argv[i], "--runs") == 0) {
            runs = number(argv[++i], RUNS_MAX);
        } else if (strcmp(argv[i], "--slots") == 0) {
            slots = number(argv[++i], SLOTS_MAX);
        } else {
            (void)number(NULL, 0);
        }
    }
    if (mkdtemp(folder) == NULL) {
        stop("no folder in /tmp");
    }
    find_cpus(&bench);
    start_spawner(&bench, folder);
    if (!tsv) {
        (void)printf("%-42s %8s  %8s\n%-42s %8s  %8s\n",
                     "work",
                     "commands",
                     "of plain",
                     "",
                     "a second",
                     "spawn");
    }
    for (bench.slots = slots == 0 ? 1 : slots;
         bench.slots <= (slots == 0 ? 2 : slots);
         bench.slots++) {
        measure(&bench, runs, tsv);
    }
    hayi_spawner_free(bench.spawner);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : 1;
}
