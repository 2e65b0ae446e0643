/* story_ready.c - why a ready task is not handed out: what is missing.
 *
 * A part of hayi_sched_story().
 */
#include "config.h"

#include "core/demand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* How many workers could meet the needs. */
static uint32_t able(const struct hayi_sched *s, const struct hayi_needs *needs)
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        count += hayi_demand_meets(s, w, needs) ? 1 : 0;
    }
    return count;
}

void hayi_unable_story(const struct hayi_sched *s,
                       uint32_t index,
                       char *text,
                       size_t size)
{
    const struct hayi_class *class = &s->ready.classes.list[index];
    const struct hayi_needs *needs = &class->needs;
    char more[100];
    if (needs->request != 0) {
        (void)snprintf(text, size, "no worker that is here can meet it: ");
        size_t used = strlen(text);
        if (used < size) {
            hayi_judge_lacks(s, needs, text + used, size - used);
        }
    } else {
        (void)snprintf(text,
                       size,
                       "no worker that is here has %" PRIu32
                       " cores, %u gpus and %" PRIu64 " bytes of memory",
                       needs->cores,
                       (unsigned)needs->gpus,
                       needs->memory_bytes);
    }
    if (needs->worker != 0) {
        hayi_judge_text_add(text, size, " and is the one it asks for");
    }
    if (class->lacks) {
        uint64_t until_ns =
            s->ready.turns[index].lacking_ns + s->config.infeasible_ns;
        uint64_t left_ns = until_ns > s->now_ns ? until_ns - s->now_ns : 0;
        (void)snprintf(more,
                       sizeof(more),
                       "; it fails in %" PRIu64 " s unless one comes",
                       (left_ns + 999999999) / 1000000000);
        hayi_judge_text_add(text, size, more);
    }
}

/* ---- what is not free -------------------------------------------------- */

/* The most that is free on any worker that could run the variant. */
struct unused {
    uint32_t workers;
    uint32_t cores;
    uint32_t gpus;
    bool gpu_fits;
    uint64_t memory_bytes;
    uint64_t units[HAYI_VARIANT_AMOUNTS];
};

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static struct unused unused_of(const struct hayi_sched *s,
                               const struct hayi_needs *needs,
                               const struct hayi_variant *variant)
{
    struct unused unused = {.workers = 0};
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        uint32_t w = s->workers.heap[i].worker;
        const struct hayi_worker *worker = &s->workers.list[w];
        if (!hayi_demand_variant_meets(s, w, needs, variant)) {
            continue;
        }
        unused.workers++;
        unused.cores = (uint32_t)larger(unused.cores, hayi_worker_idle(worker));
        unused.gpus =
            (uint32_t)larger(unused.gpus, worker->gpus - worker->held_gpus);
        unused.gpu_fits =
            unused.gpu_fits || hayi_gpus_fit(&s->gpus, w, variant->gpu_units);
        unused.memory_bytes =
            larger(unused.memory_bytes,
                   worker->memory_bytes == 0
                       ? UINT64_MAX
                       : worker->memory_bytes - worker->held_memory);
        for (uint32_t a = 0; a < variant->amount_count; a++) {
            unused.units[a] = larger(
                unused.units[a],
                hayi_pools_free(&s->pools, w, variant->amounts[a].resource));
        }
    }
    return unused;
}

/* The first amount that is free nowhere; false: each one is, somewhere. */
static bool tell_amount(const struct hayi_sched *s,
                        const struct hayi_variant *variant,
                        const struct unused *unused,
                        char *text,
                        size_t size)
{
    char wanted[32];
    char left[32];
    char name[96];
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        if (unused->units[i] >= amount->units) {
            continue;
        }
        bool farm = (s->pools.farm >> amount->resource & 1) != 0;
        hayi_amount_print(amount->units, wanted, sizeof(wanted));
        hayi_amount_print(unused->units[i], left, sizeof(left));
        hayi_judge_name(s, amount->resource, name, sizeof(name));
        (void)snprintf(text,
                       size,
                       "it needs %s %s, %s %s free",
                       wanted,
                       name,
                       farm ? "the farm has" : "no worker has more than",
                       left);
        return true;
    }
    return false;
}

/* One variant of what the first row of a class asks for. */
static void tell_missing(const struct hayi_sched *s,
                         const struct hayi_needs *needs,
                         const struct hayi_variant *variant,
                         char *text,
                         size_t size)
{
    struct unused unused = unused_of(s, needs, variant);
    bool whole = variant->cores == HAYI_CORES_ALL;
    char gpus[32];
    if (unused.workers == 0) {
        (void)snprintf(text, size, "no worker that is here can meet it");
    } else if (tell_amount(s, variant, &unused, text, size)) {
        return;
    } else if (!unused.gpu_fits) {
        hayi_amount_print(variant->gpu_units, gpus, sizeof(gpus));
        (void)snprintf(text,
                       size,
                       "it needs %s gpus, no worker has more than %" PRIu32
                       " free",
                       gpus,
                       unused.gpus);
    } else if (unused.memory_bytes < variant->memory_bytes) {
        (void)snprintf(text,
                       size,
                       "it needs %" PRIu64 " bytes of memory, no worker has"
                       " more than %" PRIu64 " free",
                       variant->memory_bytes,
                       unused.memory_bytes);
    } else if (whole || unused.cores < variant->cores) {
        (void)snprintf(text,
                       size,
                       whole ? "it needs a whole worker, none of the %" PRIu32
                               " that could run it is empty"
                             : "the %" PRIu32
                               " workers that could run it are full",
                       unused.workers);
    } else {
        (void)snprintf(text,
                       size,
                       "no worker has all that it needs free at once, or it"
                       " is kept for an older task");
    }
}

static void tell_blocked(const struct hayi_sched *s,
                         uint32_t class,
                         const struct hayi_needs *needs,
                         char *text,
                         size_t size)
{
    char part[200];
    const struct hayi_keep *keep = hayi_reserve_find(s, class);
    struct hayi_variant plain = {
        .cores = needs->cores,
        .gpu_units = needs->gpus * HAYI_AMOUNT_ONE,
        .memory_bytes = needs->memory_bytes,
    };
    const struct hayi_variant *variants = &plain;
    uint32_t count = 1;
    if (needs->request != 0) {
        variants = hayi_demand_request(s, needs)->variants;
        count = hayi_demand_request(s, needs)->count;
    }
    (void)snprintf(text, size, "it is the next of its kind; ");
    for (uint32_t v = 0; v < count; v++) {
        tell_missing(s, needs, &variants[v], part, sizeof(part));
        hayi_judge_text_add(text, size, v > 0 ? "; or else " : "");
        hayi_judge_text_add(text, size, part);
    }
    if (keep != NULL && keep->worker != 0) {
        (void)snprintf(part,
                       sizeof(part),
                       "; worker %" PRIu32 " is kept free for it",
                       keep->worker - 1);
        hayi_judge_text_add(text, size, part);
    } else if (keep != NULL) {
        hayi_judge_text_add(text, size, "; what gets free is kept for it");
    }
}

void hayi_ready_story(const struct hayi_sched *s,
                      const struct hayi_row *row,
                      char *text,
                      size_t size)
{
    const struct hayi_level *level = &s->ready.levels[row->level];
    const struct hayi_class *class = &s->ready.classes.list[level->class];
    const struct hayi_turn *turn = &s->ready.turns[level->class];
    if (s->workers.joined == 0) {
        (void)snprintf(text, size, "no worker has joined yet");
    } else if (able(s, &class->needs) == 0) {
        hayi_unable_story(s, level->class, text, size);
    } else if (turn->heap[0] != row->level) {
        (void)snprintf(text, size, "tasks of higher priority go first");
    } else if (row->prev != 0) {
        (void)snprintf(text,
                       size,
                       "older tasks go first (%" PRIu32
                       " of its kind are ready)",
                       level->count);
    } else if (turn->blocked) {
        tell_blocked(s, level->class, &class->needs, text, size);
    } else {
        (void)snprintf(text, size, "it is about to be handed out");
    }
}
