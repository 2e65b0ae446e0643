/* sim_random.c - simulated clusters by seed.
 *
 *     sim_random [--from N] [--seeds N] [--seed N] [-v]
 *                [--workers N] [--tasks N] [--items N]
 *
 * Runs the seeds from, from + 1, ...; stops at the first that breaks a rule and
 * prints how to run it again.  -v: tells all that happens.
 */
#include "config.h"

#include "sim/chaos.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USAGE                                                                  \
    "usage: sim_random [--from N] [--seeds N] [--seed N] [-v]\n"               \
    "                  [--workers N] [--tasks N] [--items N]\n"

struct options {
    uint64_t from;
    uint64_t seeds;
    bool verbose;
    struct hayi_chaos_limits limits;
};

/* For the handler of SIGABRT: which seed an assertion stopped. */
static char crash_text[100];

static void crashed(int number)
{
    (void)number;
    ssize_t sent = write(STDOUT_FILENO, crash_text, strlen(crash_text));
    (void)sent;
}

static void trace(void *context, uint64_t now_ns, const char *line)
{
    (void)context;
    printf("%12.3f us  %s\n", (double)now_ns / 1000.0, line);
}

static bool number_of(const char *text, uint64_t *number)
{
    char *end = NULL;
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

static bool read_options(int argc, char **argv, struct options *o)
{
    for (int i = 1; i < argc; i++) {
        uint64_t number = 0;
        if (strcmp(argv[i], "-v") == 0) {
            o->verbose = true;
            continue;
        }
        if (i + 1 >= argc || !number_of(argv[i + 1], &number)) {
            return false;
        }
        if (strcmp(argv[i], "--seed") == 0) {
            o->from = number;
            o->seeds = 1;
        } else if (strcmp(argv[i], "--from") == 0) {
            o->from = number;
        } else if (strcmp(argv[i], "--seeds") == 0) {
            o->seeds = number;
        } else if (strcmp(argv[i], "--workers") == 0 && number >= 2
                   && number < HAYI_SIM_NODES_MAX) {
            o->limits.workers_max = (uint32_t)number;
        } else if (strcmp(argv[i], "--tasks") == 0 && number >= 1
                   && number <= UINT32_MAX / 2) {
            o->limits.tasks_max = (uint32_t)number;
        } else if (strcmp(argv[i], "--items") == 0 && number >= 1) {
            o->limits.items_max = number;
        } else {
            return false;
        }
        i++;
    }
    return true;
}

static void add(struct hayi_sim_result *sum, const struct hayi_sim_result *one)
{
    const struct hayi_sim_counts *c = &one->counts;
    sum->counts.begun += c->begun;
    sum->counts.backlog += c->backlog;
    sum->counts.revokes += c->revokes;
    sum->counts.late += c->late;
    sum->counts.returned += c->returned;
    sum->counts.recalls += c->recalls;
    sum->counts.stops += c->stops;
    sum->counts.cancelled += c->cancelled;
    sum->counts.granted += c->granted;
    sum->counts.kids += c->kids;
    sum->counts.suspended += c->suspended;
    sum->counts.followed += c->followed;
    sum->counts.claims += c->claims;
    sum->counts.inlined += c->inlined;
    sum->counts.denied += c->denied;
    sum->counts.puts += c->puts;
    sum->counts.wants += c->wants;
    sum->counts.wants_in_vain += c->wants_in_vain;
    sum->stale += one->stale;
    sum->fetched += one->fetched;
    sum->dropped += one->dropped;
    sum->full += one->full;
    sum->pressed += one->pressed;
    sum->broken += one->broken;
    sum->remakes += one->remakes;
    sum->losses += one->losses;
    sum->let_go += one->let_go;
    sum->doubles += one->doubles;
    sum->beaten += one->beaten;
    sum->pauses += one->pauses;
    sum->ghosts += one->ghosts;
    sum->late += one->late;
}

static void print_counts(const struct hayi_sim_result *sum)
{
    const struct hayi_sim_counts *c = &sum->counts;
    const struct {
        const char *name;
        uint64_t count;
    } list[] = {
        {"attempts begun", c->begun},
        {"given ahead to slots", c->backlog},
        {"revoked", c->revokes},
        {"too late", c->late},
        {"recalls", c->recalls},
        {"returned", c->returned},
        {"stopped", c->stops},
        {"cancelled unstarted", c->cancelled},
        {"with resources", c->granted},
        {"submitted by tasks", c->kids},
        {"suspended", c->suspended},
        {"following", c->followed},
        {"claims", c->claims},
        {"run in the place of others", c->inlined},
        {"denied", c->denied},
        {"put", c->puts},
        {"wanted", c->wants},
        {"in vain", c->wants_in_vain},
        {"objects fetched", sum->fetched},
        {"dropped", sum->dropped},
        {"without room", sum->full},
        {"memory nearly full", sum->pressed},
        {"fetches broken", sum->broken},
        {"tasks run again for their objects", sum->remakes},
        {"with two attempts at once", sum->doubles},
        {"too late ones", sum->beaten},
        {"pauses", sum->pauses},
        {"workers lost", sum->losses - sum->let_go},
        {"that left", sum->let_go},
        {"attempts ended on fenced ones", sum->ghosts},
        {"frames of theirs", sum->late},
        {"stale news", sum->stale},
    };
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        printf("%s%s %" PRIu64,
               i == 0       ? "# "
               : i % 5 == 0 ? ",\n# "
                            : ", ",
               list[i].name,
               list[i].count);
    }
    printf("\n");
}

/* One seed; false: a rule was broken. */
static bool
run_seed(const struct options *o, uint64_t seed, struct hayi_sim_result *sum)
{
    char about[200];
    struct hayi_sim_result result = {0};
    struct hayi_error err = {.status = HAY_OK};
    struct hayi_sim *sim = hayi_chaos_new(
        seed, &o->limits, o->verbose ? trace : NULL, NULL, about, sizeof about);

    (void)snprintf(crash_text,
                   sizeof crash_text,
                   "not ok sim/random: an assertion at --seed %" PRIu64 "\n",
                   seed);
    if (sim == NULL) {
        printf("not ok sim/random: no memory at --seed %" PRIu64 "\n", seed);
        return false;
    }
    hay_status st = hayi_sim_run(sim, &result, &err);
    hayi_sim_free(sim);
    add(sum, &result);
    if (st != HAY_OK || o->verbose || o->seeds <= 10) {
        printf("# seed %" PRIu64 ": %s: %u finished, %u failed, %u cancelled, "
               "%.3f s, %" PRIu64 " events, %" PRIu64 " stale\n",
               seed,
               about,
               result.finished,
               result.failed,
               result.cancelled,
               (double)result.end_ns / 1e9,
               result.events,
               result.stale);
    }
    if (st != HAY_OK) {
        printf("not ok sim/random: --seed %" PRIu64 ": %s\n", seed, err.text);
    }
    return st == HAY_OK;
}

int main(int argc, char **argv)
{
    struct options options = {.from = 1,
                              .seeds = 300,
                              .limits = {.workers_max = 2000,
                                         .tasks_max = 10000,
                                         .items_max = 20000}};

    struct hayi_sim_result sum = {0};

    if (!read_options(argc, argv, &options)) {
        fputs(USAGE, stderr);
        return 2;
    }
    (void)setvbuf(stdout, NULL, options.verbose ? _IOFBF : _IOLBF, 0);
    (void)signal(SIGABRT, crashed);
    for (uint64_t i = 0; i < options.seeds; i++) {
        if (!run_seed(&options, options.from + i, &sum)) {
            return 1;
        }
        if ((i + 1) % 1000 == 0) {
            printf("# %" PRIu64 " seeds\n", i + 1);
        }
    }
    print_counts(&sum);
    printf("ok sim/random: %" PRIu64 " seeds\n", options.seeds);
    return 0;
}
