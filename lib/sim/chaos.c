/* chaos.c - what the dice choose: size and speed of the workers, shape and
 * needs of the tasks, and what goes wrong.
 *
 * A task that is wide asks only for what a worker has that is not doomed, so
 * that each can run; one that is pinned may be so to one that is.  The rules of
 * the ledger do the rest.
 */
#include "config.h"

#include "sim/chaos.h"

#include "sim/chaos_wealth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SILENCE_MIN_NS 200000000u
#define SILENCE_MAX_NS 2000000000u
#define WORK_NS        20000000000u
#define LATENCY_MAX    2000000u
#define LONGEST_NS     2000000000u /* on a slow worker still no standstill */
/* In which tasks may take long enough to get second attempts. */
#define STRAGGLER_MIN_NS 3000000u
#define STRAGGLER_MAX_NS 30000000u
#define DEPS_MAX         8u

enum shape {
    SHAPE_FREE = 0, /* no dependencies */
    SHAPE_CHAINS,
    SHAPE_LAYERS, /* out and in: one for many, many for one */
    SHAPE_DAG,
    SHAPE_COUNT,
};

static const char *const shape_names[SHAPE_COUNT] = {"free",
                                                     "chains",
                                                     "layers",
                                                     "dag"};

struct chaos {
    struct hayi_dice dice;
    struct hayi_chaos_limits limits;
    struct hayi_sim *sim;
    struct hayi_sim_node_config *nodes;
    uint64_t *join_ns;
    uint32_t workers;
    uint32_t widest; /* worker with the most cores that stays */
    bool *doomed;    /* [workers]: it may be lost, rightly or not */
    uint32_t doomed_count;
    uint32_t leave_permille; /* of these, leave in order */
    bool perishing;          /* many of them, while there is work */
    uint64_t silence_ns;     /* after which somebody counts as lost */
    uint64_t pause_max_ns;   /* that with a beat still stays below */
    uint64_t beat_ns;
    uint32_t tasks;
    uint32_t maps;
    enum shape shape;
    uint32_t width; /* of layers, or number of chains */
    uint32_t any_permille;
    uint32_t wide_permille;
    uint32_t pinned_permille;
    uint32_t memory_permille;
    uint32_t failing_permille;
    uint32_t cancel_permille;
    uint32_t command_permille;
    uint32_t once_permille;
    uint32_t pause_max_ms;
    uint32_t straggler_permille;
    uint32_t request_permille; /* of the tasks ask for resources */
    uint32_t requests;
    uint32_t priorities;
    uint32_t nodes_used;
    uint32_t nested_permille; /* of the tasks submit others */
    uint32_t makes_permille;  /* of the tasks make objects */
    uint32_t put_permille;    /* ... are objects that the client puts */
    uint32_t want_permille;   /* ... are wanted by it somewhere */
    uint64_t bytes;           /* around which these have */
    uint64_t duration_ns;     /* around which tasks take */
    uint64_t spread_ns;       /* submits come within so long */
};

/* Off in most runs, rare in some, common in few. */
static uint32_t rate(struct chaos *c)
{
    switch (hayi_dice_below(&c->dice, 6)) {
    case 0:
        return 10;
    case 1:
        return 60;
    case 2:
        return 300;
    default:
        return 0;
    }
}

/* Few workers, which are lost one by one with what tasks made there that are
 * still to come. */
static void choose_perishing(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    c->perishing = true;
    c->workers = (uint32_t)hayi_dice_log(
        d, 2, c->limits.workers_max < 24 ? c->limits.workers_max : 24);
    c->tasks = (uint32_t)hayi_dice_between(d, 40, 400);
    c->tasks = c->tasks < c->limits.tasks_max ? c->tasks : c->limits.tasks_max;
    c->shape = (enum shape)hayi_dice_between(d, SHAPE_CHAINS, SHAPE_DAG);
    c->width = (uint32_t)hayi_dice_log(d, 1, 20);
    c->makes_permille = 900;
    c->put_permille = hayi_dice_chance(d, 500) ? 50 : 0;
    c->want_permille = hayi_dice_chance(d, 500) ? 300 : 0;
    c->nodes_used = c->workers;
    c->duration_ns = hayi_dice_log(d, 1000000, 20000000);
    c->failing_permille = 0;
    c->cancel_permille = 0;
    c->spread_ns = 0;
}

static void choose(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;

    c->workers = (uint32_t)hayi_dice_log(d, 2, c->limits.workers_max);
    c->tasks = (uint32_t)hayi_dice_log(d, 1, c->limits.tasks_max);
    if (c->tasks < c->workers && hayi_dice_chance(d, 700)) {
        c->tasks =
            c->workers < c->limits.tasks_max ? c->workers : c->limits.tasks_max;
    }
    /* Beats of many for a long time would be all that a run does. */
    c->silence_ns = hayi_dice_log(d, SILENCE_MIN_NS, SILENCE_MAX_NS);
    if (c->workers > 200) {
        c->silence_ns = SILENCE_MAX_NS;
    }
    c->beat_ns = c->silence_ns / 5;
    c->pause_max_ns = c->silence_ns * 3 / 5;
    c->maps = hayi_dice_chance(d, 400) ? (uint32_t)hayi_dice_below(d, 6) : 0;
    c->shape = (enum shape)hayi_dice_below(d, SHAPE_COUNT);
    c->width = (uint32_t)hayi_dice_log(d, 1, 300);
    c->any_permille = rate(c);
    c->wide_permille = rate(c);
    c->pinned_permille = rate(c);
    c->memory_permille = rate(c);
    c->failing_permille = rate(c);
    c->cancel_permille = rate(c);
    c->command_permille = rate(c);
    c->once_permille = rate(c);
    c->pause_max_ms = hayi_dice_chance(d, c->failing_permille != 0 ? 600 : 100)
                          ? (uint32_t)hayi_dice_log(d, 1, 100)
                          : 0;
    c->priorities =
        hayi_dice_chance(d, 400) ? (uint32_t)hayi_dice_log(d, 2, 100) : 1;
    c->duration_ns = hayi_dice_log(d, 1000, 50000000);
    c->spread_ns =
        hayi_dice_chance(d, 500) ? 0 : hayi_dice_log(d, 1000, 2000000000);
    c->nodes_used = hayi_dice_chance(d, 400)
                        ? 1
                        : (uint32_t)hayi_dice_log(d, 1, c->workers);
    c->makes_permille = hayi_dice_chance(d, 500) ? 0 : 700;
    c->put_permille = c->makes_permille != 0 ? rate(c) : 0;
    c->want_permille = c->makes_permille != 0 ? rate(c) : 0;
    c->bytes = hayi_dice_log(d, 1, 100000000);
    c->nested_permille =
        hayi_dice_chance(d, 400) ? (uint32_t)hayi_dice_log(d, 10, 500) : 0;
    if (hayi_dice_chance(d, 100)) {
        choose_perishing(c);
    }
    if (c->tasks > 300 && c->nested_permille > 30) {
        c->nested_permille = 30;
    }
}

/* Some tasks take far longer than others, and longer than it takes to see it.
 */
static void choose_stragglers(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    if (c->perishing || !hayi_dice_chance(d, 400)) {
        return;
    }
    c->straggler_permille = (uint32_t)hayi_dice_between(d, 1000, 4000);
    if (hayi_dice_chance(d, 600)) {
        uint64_t most_ns = WORK_NS / (c->tasks + c->workers) * c->workers;
        most_ns = most_ns < STRAGGLER_MAX_NS ? most_ns : STRAGGLER_MAX_NS;
        c->duration_ns = hayi_dice_log(
            d,
            STRAGGLER_MIN_NS,
            most_ns > STRAGGLER_MIN_NS ? most_ns : STRAGGLER_MIN_NS);
    }
}

/* None in most runs, one or few in others, all but one in some. */
static void choose_doomed(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    uint64_t count = 0;
    if (c->perishing) {
        count = hayi_dice_between(d, c->workers / 2, c->workers - 1);
    } else if (hayi_dice_chance(d, 350)) {
        count = hayi_dice_log(d, 1, c->workers - 1);
    } else if (hayi_dice_chance(d, 40)) {
        count = c->workers - 1;
    }
    if (count > 0 && !c->perishing && hayi_dice_chance(d, 600)) {
        /* There is still something to lose when somebody counts as lost. */
        uint64_t most_ns = WORK_NS / (c->tasks + c->workers) * c->workers;
        c->duration_ns = hayi_dice_log(
            d, 1000000, most_ns < c->silence_ns ? most_ns : c->silence_ns);
    }
    c->leave_permille = hayi_dice_chance(d, 400)
                            ? (uint32_t)hayi_dice_between(d, 100, 1000)
                            : 0;
    c->widest = c->workers;
    while (c->doomed_count < count) {
        uint32_t worker = (uint32_t)hayi_dice_below(d, c->workers);
        while (c->doomed[worker]) {
            worker = (worker + 1) % c->workers;
        }
        c->doomed[worker] = true;
        c->doomed_count++;
    }
}

static void choose_nodes(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    uint64_t cores_max = hayi_dice_log(d,
                                       1,
                                       c->perishing      ? 4
                                       : c->workers > 50 ? 8
                                                         : 64);
    bool equal = hayi_dice_chance(d, 500);
    bool slow_ones =
        hayi_dice_chance(d, c->straggler_permille != 0 ? 700 : 300);
    bool memory = hayi_dice_chance(d, 500);
    /* Those that need more after a try, and those that wait with what they
     * have, trust what a worker says; what all have of it suffices for any. */
    bool tight = c->nested_permille == 0 && c->failing_permille == 0
                 && hayi_dice_chance(d, 800);
    struct hayi_sim_node_config all = {
        .backlog_ns =
            hayi_dice_chance(d, 300) ? hayi_dice_log(d, 1, 100000000) : 0,
        .backlog_max =
            hayi_dice_chance(d, 300) ? (uint32_t)hayi_dice_log(d, 1, 1000) : 0,
        .turn_ns = hayi_dice_log(d, 1, 300000),
        .report_ns =
            hayi_dice_chance(d, 700) ? hayi_dice_log(d, 1, 2000000) : 0,
        .beat_ns = c->beat_ns,
        .silence_ns = c->silence_ns,
        .started_ns = hayi_dice_chance(d, 300)   ? 0
                      : hayi_dice_chance(d, 500) ? UINT64_MAX
                                                 : 1000000,
        .suspended_max = hayi_dice_chance(d, 400)
                             ? (uint32_t)hayi_dice_below(d, 4)
                             : UINT32_MAX,
        .late_revokes = hayi_dice_chance(d, 500),
    };

    choose_stragglers(c);
    choose_doomed(c);
    if (c->doomed_count > 0 && c->makes_permille > 0
        && hayi_dice_chance(d, 600)) {
        c->nodes_used = c->workers; /* what a worker made is lost with it */
    }
    for (uint32_t i = 0; i < c->workers; i++) {
        c->nodes[i] = all;
        c->nodes[i].index = i;
        c->nodes[i].cores =
            (uint32_t)(equal ? cores_max : hayi_dice_between(d, 1, cores_max));
        c->nodes[i].memory_bytes =
            memory ? hayi_dice_between(d, 1000, 10000) : 0;
        if (memory && tight) {
            c->nodes[i].memory_bytes = c->nodes[0].memory_bytes;
            c->nodes[i].missing_bytes = hayi_dice_between(d, 1, 5000);
        }
        c->nodes[i].slow_permille =
            slow_ones && hayi_dice_chance(d, 100)
                ? (uint32_t)hayi_dice_between(d, 1500, 20000)
                : 1000;
        c->join_ns[i] = hayi_dice_below(d, 5000000);
        if (!c->doomed[i]
            && (c->widest == c->workers
                || c->nodes[i].cores > c->nodes[c->widest].cores)) {
            c->widest = i;
        }
    }
}

/* ---- tasks ---- */

static size_t
choose_deps(struct chaos *c, uint32_t index, struct hayi_sim_dep *deps)
{
    struct hayi_dice *d = &c->dice;
    size_t count = 0;

    switch (c->shape) {
    case SHAPE_CHAINS:
        if (index >= c->width) {
            deps[count++].task = index - c->width;
        }
        break;
    case SHAPE_LAYERS:
        if (index == 0) {
            break;
        }
        if (index % (c->width + 1) == 0) {
            /* gathers some of the layer before it */
            for (uint32_t i = 0; i < DEPS_MAX && i < c->width; i++) {
                deps[count++].task = index - 1 - i;
            }
        } else {
            deps[count++].task = index - index % (c->width + 1);
        }
        break;
    case SHAPE_DAG:
        for (uint64_t n = hayi_dice_below(d, 5); n > 0 && index > 0; n--) {
            uint64_t back = hayi_dice_log(d, 1, index);
            deps[count++].task = index - (uint32_t)back;
        }
        break;
    case SHAPE_FREE:
    case SHAPE_COUNT:
        break;
    }
    for (size_t i = 0; i < count; i++) {
        deps[i].any = hayi_dice_chance(d, c->any_permille);
    }
    return count;
}

static uint64_t choose_duration(struct chaos *c)
{
    uint64_t mean_ns = c->duration_ns;
    uint64_t ns = 0;
    if (hayi_dice_chance(&c->dice, 20)) {
        return 0;
    }
    if (hayi_dice_chance(&c->dice, 20)) {
        ns = mean_ns * hayi_dice_between(&c->dice, 2, 20);
    } else {
        ns = hayi_dice_between(&c->dice, mean_ns / 2, mean_ns * 2);
    }
    return ns < LONGEST_NS ? ns : LONGEST_NS;
}

static void choose_needs(struct chaos *c, struct hayi_needs *needs)
{
    struct hayi_dice *d = &c->dice;
    const struct hayi_sim_node_config *on = &c->nodes[c->widest];

    needs->cores = 1;
    if (hayi_dice_chance(d, c->request_permille)) {
        needs->request = (uint32_t)hayi_dice_between(d, 1, c->requests)
                         & (HAYI_REQUEST_MAX - 1);
        return;
    }
    if (hayi_dice_chance(d, c->pinned_permille)) {
        uint32_t worker = (uint32_t)hayi_dice_below(d, c->workers);
        if (!c->doomed[worker] || hayi_dice_chance(d, 100)) {
            needs->worker = worker + 1;
            on = &c->nodes[worker];
        }
    }
    if (hayi_dice_chance(d, c->wide_permille)) {
        needs->cores = (uint32_t)hayi_dice_between(d, 1, on->cores);
    }
    if (hayi_dice_chance(d, c->memory_permille)) {
        needs->memory_bytes = hayi_dice_below(
            d, (on->memory_bytes == 0 ? 1000 : on->memory_bytes) + 1);
    }
}

static void choose_task(struct chaos *c,
                        uint32_t index,
                        struct hayi_sim_dep *deps,
                        struct hayi_sim_spec *spec)
{
    struct hayi_dice *d = &c->dice;

    *spec = (struct hayi_sim_spec){
        .deps = deps,
        .dep_count = choose_deps(c, index, deps),
        .priority = (int32_t)hayi_dice_below(d, c->priorities),
        .retries = (uint32_t)hayi_dice_below(d, 3),
        .category = (uint32_t)hayi_dice_below(d, 3),
        .duration_ns = choose_duration(c),
        .agrees = hayi_dice_chance(d, 500),
        .once = hayi_dice_chance(d, c->once_permille),
        .pause_ms = (uint32_t)hayi_dice_below(d, c->pause_max_ms + 1),
        .command = hayi_dice_chance(d, c->command_permille),
    };
    choose_needs(c, &spec->needs);
    if (!spec->command && hayi_dice_chance(d, c->nested_permille)) {
        spec->kids = (uint32_t)hayi_dice_between(d, 1, 4);
        spec->levels = (uint32_t)hayi_dice_between(d, 1, 3);
        spec->wait =
            (enum hayi_sim_wait)hayi_dice_below(d, HAYI_SIM_WAIT_COUNT);
    }
    if (hayi_dice_chance(d, c->makes_permille)
        && (spec->kids == 0 || spec->wait != HAYI_SIM_WAIT_FOLLOW)) {
        spec->makes = (uint32_t)hayi_dice_between(d, 1, HAYI_SIM_MAKES_MAX);
        spec->make_bytes = hayi_dice_between(d, c->bytes / 2, c->bytes * 2);
    }
    if (hayi_dice_chance(d, c->failing_permille)) {
        spec->failures = (uint32_t)hayi_dice_between(d, 1, 3);
        spec->by_farm = hayi_dice_chance(d, 100);
        spec->over_memory = hayi_dice_chance(d, 250);
        spec->memory_retries = (uint8_t)hayi_dice_below(d, 4);
    }
}

static void choose_put(struct chaos *c, struct hayi_sim_spec *spec)
{
    *spec = (struct hayi_sim_spec){
        .needs = {.cores = 1},
        .put = true,
        .makes = 1,
        .make_bytes = hayi_dice_between(&c->dice, c->bytes / 2, c->bytes * 2),
    };
}

static void choose_map(struct chaos *c, struct hayi_sim_spec *spec)
{
    struct hayi_dice *d = &c->dice;

    *spec = (struct hayi_sim_spec){
        .map = true,
        .needs = {.cores = 1},
        .items = hayi_dice_chance(d, 50)
                     ? 0
                     : hayi_dice_log(d, 1, c->limits.items_max),
        .range_max = hayi_dice_chance(d, 300) ? hayi_dice_log(d, 1, 1000) : 0,
        .unread_max = hayi_dice_chance(d, 300) ? hayi_dice_log(d, 1, 500) : 0,
        .priority = (int32_t)hayi_dice_below(d, c->priorities),
        .category = 3,
        .duration_ns = hayi_dice_log(d, 1, 200000),
    };
    if (hayi_dice_chance(d, c->request_permille)) {
        spec->needs.request = (uint32_t)hayi_dice_between(d, 1, c->requests)
                              & (HAYI_REQUEST_MAX - 1);
    }
    if (hayi_dice_chance(d, 200)) {
        spec->fail_every = hayi_dice_log(d, 1, 2000);
        spec->stop_on_failure = hayi_dice_chance(d, 500);
    }
}

/* What the client does about a task some time after it comes. */
static hay_status add_cares(struct chaos *c,
                            uint32_t index,
                            const struct hayi_sim_spec *spec,
                            uint64_t at_ns)
{
    struct hayi_dice *d = &c->dice;
    hay_status st = HAY_OK;

    if (hayi_dice_chance(d, c->cancel_permille)
        || (spec->map && hayi_dice_chance(d, 150))) {
        st = hayi_sim_wish(
            c->sim,
            at_ns + hayi_dice_log(d, 1, 300000000),
            &(struct hayi_sim_wish){.kind = HAYI_SIM_WISH_CANCEL,
                                    .task = index,
                                    .flag = hayi_dice_chance(d, 400),
                                    .nested = hayi_dice_chance(d, 500)});
    }
    if (st == HAY_OK && spec->makes > 0
        && hayi_dice_chance(d, c->want_permille)) {
        struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_WANT,
                                     .task = index,
                                     .worker = UINT32_MAX,
                                     .flag = hayi_dice_chance(d, 300)};
        if (hayi_dice_chance(d, 500)) {
            wish.worker = (uint32_t)hayi_dice_below(d, c->workers);
        }
        st = hayi_sim_wish(
            c->sim, at_ns + hayi_dice_log(d, 1, 1000000000), &wish);
    }
    return st;
}

/* A task after another comes no earlier than it. */
static hay_status add_tasks(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    uint64_t step_ns = c->spread_ns / (c->tasks + c->maps);
    uint32_t maps = c->maps;
    hay_status st = HAY_OK;

    for (uint32_t i = 0; i < c->tasks + c->maps && st == HAY_OK; i++) {
        struct hayi_sim_dep deps[DEPS_MAX];
        struct hayi_sim_spec spec;
        struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_SUBMIT};
        uint64_t at_ns = i * step_ns;
        if (maps > 0 && hayi_dice_below(d, c->tasks + c->maps - i) < maps) {
            maps--;
            choose_map(c, &spec);
        } else if (hayi_dice_chance(d, c->put_permille)) {
            choose_put(c, &spec);
            wish.kind = HAYI_SIM_WISH_PUT;
            wish.worker = (uint32_t)hayi_dice_below(d, c->workers);
            wish.flag = hayi_dice_chance(d, 300);
        } else {
            choose_task(c, i, deps, &spec);
        }
        st = hayi_sim_task(c->sim, &spec, &wish.task);
        if (st == HAY_OK) {
            st = hayi_sim_wish(c->sim, at_ns, &wish);
        }
        if (st == HAY_OK) {
            st = add_cares(c, wish.task, &spec, at_ns);
        }
    }
    return st;
}

/* ---- disasters ---- */

/* 'count' wishes of one kind, each for some worker, within half a second. */
static hay_status
add_wishes(struct chaos *c, enum hayi_sim_wish_kind kind, uint64_t for_max_ns)
{
    struct hayi_dice *d = &c->dice;
    uint64_t count =
        hayi_dice_chance(d, 300) ? hayi_dice_log(d, 1, c->workers) : 0;
    struct hayi_sim_wish wish = {.kind = kind};
    hay_status st = HAY_OK;

    for (; count > 0 && st == HAY_OK; count--) {
        wish.worker = (uint32_t)hayi_dice_below(d, c->workers);
        wish.for_ns = hayi_dice_log(d, 1000, for_max_ns);
        st = hayi_sim_wish(c->sim, hayi_dice_log(d, 1, 500000000), &wish);
    }
    return st;
}

/* How a worker is lost, or very nearly so. */
static hay_status doom(struct chaos *c, uint32_t worker, uint64_t until_ns)
{
    struct hayi_dice *d = &c->dice;
    struct hayi_sim_wish wish = {.worker = worker};

    switch (hayi_dice_below(d, c->perishing ? 3 : 6)) {
    case 0:
    case 1:
        wish.kind = HAYI_SIM_WISH_KILL;
        wish.flag = hayi_dice_chance(d, 300);
        break;
    case 2:
    case 3:
        wish.kind = HAYI_SIM_WISH_CUT;
        wish.nested = hayi_dice_chance(d, 500);
        wish.for_ns =
            hayi_dice_between(d, c->silence_ns / 2, c->silence_ns * 4);
        break;
    case 4:
        wish.kind = HAYI_SIM_WISH_PAUSE;
        wish.for_ns =
            hayi_dice_between(d, c->silence_ns / 2, c->silence_ns * 4);
        break;
    default:
        wish.kind = HAYI_SIM_WISH_SPOIL;
        wish.flag = hayi_dice_chance(d, 500);
        wish.nested = hayi_dice_chance(d, 500);
        break;
    }
    return hayi_sim_wish(c->sim,
                         hayi_dice_chance(d, 500)
                             ? hayi_dice_log(d, 100000, until_ns)
                             : hayi_dice_between(d, 100000, until_ns),
                         &wish);
}

/* It leaves in order, unless it is lost before. */
static hay_status add_leave(struct chaos *c, uint32_t worker, uint64_t until_ns)
{
    const struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_LEAVE,
                                       .worker = worker};
    return hayi_sim_wish(
        c->sim, hayi_dice_between(&c->dice, 100000, until_ns), &wish);
}

/* Until when workers are lost: early, or at any time while there is work. */
static uint64_t choose_until(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    uint64_t work_ns =
        c->spread_ns + c->tasks * c->duration_ns / c->workers * 2;
    if ((c->perishing || hayi_dice_chance(d, 500)) && work_ns > 1000000) {
        return work_ns < WORK_NS ? work_ns : WORK_NS;
    }
    return hayi_dice_log(d, 10000000, 1000000000);
}

static hay_status add_disasters(struct chaos *c)
{
    struct hayi_dice *d = &c->dice;
    uint64_t until_ns = choose_until(c);
    struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_HOLD_UP};
    hay_status st = add_wishes(c, HAYI_SIM_WISH_PAUSE, c->pause_max_ns);

    if (st == HAY_OK) {
        st = add_wishes(c, HAYI_SIM_WISH_SLOW_LINK, 20000000);
    }
    if (st == HAY_OK) {
        st = add_wishes(c, HAYI_SIM_WISH_CUT, c->silence_ns / 6);
    }
    if (st == HAY_OK && hayi_dice_chance(d, 100)) {
        wish.for_ns = hayi_dice_log(d, 1000, c->pause_max_ns / 2);
        st = hayi_sim_wish(c->sim, hayi_dice_log(d, 1, until_ns), &wish);
    }
    for (uint32_t i = 0; i < c->workers && st == HAY_OK; i++) {
        bool leaves = c->doomed[i] && hayi_dice_chance(d, c->leave_permille);
        st = leaves ? add_leave(c, i, until_ns) : HAY_OK;
        if (st == HAY_OK && c->doomed[i]
            && (!leaves || hayi_dice_chance(d, 300))) {
            st = doom(c, i, until_ns);
        }
    }
    if (st == HAY_OK) {
        wish = (struct hayi_sim_wish){.kind = HAYI_SIM_WISH_CLOSE,
                                      .flag = !c->perishing
                                              && hayi_dice_chance(d, 150)};
        st = hayi_sim_wish(
            c->sim, c->spread_ns + hayi_dice_log(d, 1, 200000000), &wish);
    }
    return st;
}

struct hayi_sim *
hayi_chaos_new(uint64_t seed,
               const struct hayi_chaos_limits *limits,
               void (*trace)(void *context, uint64_t now_ns, const char *line),
               void *context,
               char *about,
               size_t size)
{
    struct chaos c = {.limits = *limits};
    struct hayi_sim_config config = {
        .seed = seed, .trace = trace, .trace_context = context};

    hayi_dice_init(&c.dice, seed * UINT64_C(0xd1342543de82ef95) + 1);
    choose(&c);
    c.nodes = calloc(c.workers, sizeof c.nodes[0]);
    c.join_ns = calloc(c.workers, sizeof c.join_ns[0]);
    c.doomed = calloc(c.workers, sizeof c.doomed[0]);
    if (c.nodes != NULL && c.join_ns != NULL && c.doomed != NULL) {
        choose_nodes(&c);
        config.worker_count = c.workers;
        config.nodes = c.nodes;
        config.join_ns = c.join_ns;
        config.sched.silence_ns = c.silence_ns;
        config.sched.reserve_ns = hayi_dice_log(&c.dice, 10000, 1000000000);
        if (hayi_dice_chance(&c.dice, 300)) {
            config.sched.ahead_ns = hayi_dice_log(&c.dice, 1, 50000000);
            config.sched.ahead_max = (uint32_t)hayi_dice_log(&c.dice, 1, 500);
            config.sched.range_ns = hayi_dice_log(&c.dice, 1, 20000000);
        }
        config.sched.straggler_permille = c.straggler_permille;
        config.latency_ns = hayi_dice_log(&c.dice, 1, LATENCY_MAX);
        config.jitter_ns = hayi_dice_chance(&c.dice, 500)
                               ? hayi_dice_log(&c.dice, 1, LATENCY_MAX)
                               : 0;
        config.turn_ns = hayi_dice_log(&c.dice, 1, 300000);
        config.beat_ns = c.beat_ns;
        config.late_news = hayi_dice_chance(&c.dice, 500);
        config.node_count = c.nodes_used;
        config.memory_limit =
            hayi_dice_chance(&c.dice, 400)
                ? hayi_dice_log(&c.dice, c.bytes, c.bytes * 200)
                : 0;
        config.full_permille = hayi_dice_chance(&c.dice, 200) ? 30 : 0;
        config.bytes_per_us = hayi_dice_log(&c.dice, 100, 10000);
        config.sched.lineage_max =
            hayi_dice_chance(&c.dice, 100) ? hayi_dice_log(&c.dice, 1, 100) : 0;
        config.frame_max = (size_t)hayi_dice_log(&c.dice, 8, 2048) * 8;
        c.sim = hayi_sim_new(&config);
    }
    if (c.sim != NULL && hayi_dice_chance(&c.dice, 500)) {
        if (hayi_chaos_wealth(&c.dice, hayi_sim_wealth(c.sim), c.widest)
            != HAY_OK) {
            hayi_sim_free(c.sim);
            c.sim = NULL;
        } else {
            c.request_permille = hayi_dice_chance(&c.dice, 300) ? 900 : 200;
            c.requests = hayi_sim_wealth(c.sim)->request_count;
        }
    }
    if (c.sim != NULL
        && (add_tasks(&c) != HAY_OK || add_disasters(&c) != HAY_OK)) {
        hayi_sim_free(c.sim);
        c.sim = NULL;
    }
    (void)snprintf(about,
                   size,
                   "%u workers (%u doomed) on %u nodes, %u tasks (%s),"
                   " %u maps%s%s%s%s",
                   c.workers,
                   c.doomed_count,
                   c.nodes_used,
                   c.tasks,
                   shape_names[c.shape],
                   c.maps,
                   c.makes_permille != 0 ? ", objects" : "",
                   c.requests != 0 ? ", requests" : "",
                   c.nested_permille != 0 ? ", nested" : "",
                   c.perishing ? ", perishing" : "");
    free(c.nodes);
    free(c.join_ns);
    free(c.doomed);
    return c.sim;
}
