/* judge.c - which needs no worker can ever meet.
 *
 * Judged once so many workers have joined as are expected, and again whenever
 * one comes or goes.  What no worker could ever meet is infeasible at once.
 * What a lost worker could meet, and no other one can, waits for infeasible_ns:
 * somebody may come; it does not if nobody is left and nobody can come.
 */
#include "config.h"

#include "core/demand.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void hayi_judge(struct hayi_sched *s)
{
    s->judging = s->judging || s->workers.joined >= s->config.workers_expected;
    if (!s->judging) {
        return;
    }
    s->judge = 1;
    s->lacking_at_ns = UINT64_MAX;
    /* No node could run these: for ever now, perhaps. */
    uint32_t index = s->cargos.unplaced;
    while (index != 0) {
        uint32_t next = hayi_cargo_at(&s->cargos, index)->next;
        hayi_place_withdraw(s, index);
        index = next;
    }
}

void hayi_judge_tick(struct hayi_sched *s)
{
    if (s->lacking_at_ns <= s->now_ns) {
        hayi_judge(s);
    }
}

void hayi_judge_loss(struct hayi_sched *s, uint32_t worker)
{
    for (uint32_t i = 1; i < s->ready.classes.count; i++) {
        struct hayi_class *class = &s->ready.classes.list[i];
        class->met = class->met || hayi_demand_meets(s, worker, &class->needs);
    }
}

void hayi_judge_class(struct hayi_sched *s, uint32_t index)
{
    struct hayi_class *class = &s->ready.classes.list[index];
    class->infeasible = !hayi_members_meet(s, &class->needs);
    if (!class->infeasible) {
        class->lacks = false;
        return;
    }
    /* What is bound to a node can go to another one; a worker that was lost
     * does not come back. */
    uint32_t bound = class->needs.worker;
    if (!class->met || class->needs.node != 0
        || (bound != 0
            && s->workers.list[bound - 1].state >= HAYI_WORKER_LEAVING)
        || (s->workers.heap_count == 0
            && s->workers.joined >= s->workers.max)) {
        return;
    }
    if (!class->lacks) {
        class->lacks = true;
        s->ready.turns[index].lacking_ns = s->now_ns;
    }
    uint64_t until_ns =
        s->ready.turns[index].lacking_ns + s->config.infeasible_ns;
    if (until_ns > s->now_ns) {
        class->infeasible = false;
        s->lacking_at_ns =
            until_ns < s->lacking_at_ns ? until_ns : s->lacking_at_ns;
    }
}

/* ---- words ------------------------------------------------------------- */

struct most {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory_bytes;
};

static struct most most_of(const struct hayi_sched *s)
{
    struct most most = {.cores = 0};
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        uint32_t w = s->workers.heap[i].worker;
        const struct hayi_worker *worker = &s->workers.list[w];
        most.cores = worker->cores > most.cores ? worker->cores : most.cores;
        most.gpus = worker->gpus > most.gpus ? worker->gpus : most.gpus;
        if (worker->memory_bytes > most.memory_bytes) {
            most.memory_bytes = worker->memory_bytes;
        }
    }
    return most;
}

void hayi_judge_text_add(char *text, size_t size, const char *more)
{
    size_t used = strlen(text);
    if (used < size) {
        (void)snprintf(text + used, size - used, "%s", more);
    }
}

void hayi_judge_name(const struct hayi_sched *s,
                     uint32_t resource,
                     char *text,
                     size_t size)
{
    const char *name = NULL;
    if (s->config.resource_name != NULL) {
        name = s->config.resource_name(s->config.resource_context, resource);
    }
    if (name != NULL) {
        (void)snprintf(text, size, "%s", name);
    } else {
        (void)snprintf(text, size, "resource %" PRIu32, resource);
    }
}

void hayi_judge_variant(const struct hayi_sched *s,
                        const struct hayi_variant *variant,
                        char *text,
                        size_t size)
{
    char more[160];
    char units[32];
    char name[96];
    if (variant->cores == HAYI_CORES_ALL) {
        (void)snprintf(text, size, "a whole worker");
    } else {
        (void)snprintf(text,
                       size,
                       "%" PRIu32 " core%s",
                       variant->cores,
                       variant->cores == 1 ? "" : "s");
    }
    if (variant->gpu_units != 0) {
        hayi_amount_print(variant->gpu_units, units, sizeof(units));
        (void)snprintf(more,
                       sizeof(more),
                       ", %s gpu%s",
                       units,
                       variant->gpu_units == HAYI_AMOUNT_ONE ? "" : "s");
        hayi_judge_text_add(text, size, more);
    }
    if (variant->memory_bytes != 0) {
        (void)snprintf(more,
                       sizeof(more),
                       ", %" PRIu64 " bytes of memory",
                       variant->memory_bytes);
        hayi_judge_text_add(text, size, more);
    }
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        hayi_amount_print(variant->amounts[i].units, units, sizeof(units));
        hayi_judge_name(s, variant->amounts[i].resource, name, sizeof(name));
        (void)snprintf(more, sizeof(more), ", %s %s", units, name);
        hayi_judge_text_add(text, size, more);
    }
}

/* The first thing of a variant that no worker has enough of by itself. */
static void too_much(const struct hayi_sched *s,
                     const struct hayi_variant *variant,
                     char *text,
                     size_t size)
{
    struct most most = most_of(s);
    char units[32];
    char name[96];
    if (variant->cores != HAYI_CORES_ALL && variant->cores > most.cores) {
        (void)snprintf(text,
                       size,
                       "no worker has more than %" PRIu32 " cores",
                       most.cores);
        return;
    }
    if (variant->gpu_units > most.gpus * HAYI_AMOUNT_ONE) {
        (void)snprintf(
            text, size, "no worker has more than %" PRIu32 " gpus", most.gpus);
        return;
    }
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        uint32_t resource = variant->amounts[i].resource;
        uint64_t units_most = 0;
        for (uint32_t j = 0; j < s->workers.heap_count; j++) {
            uint64_t total = hayi_pools_total(
                &s->pools, s->workers.heap[j].worker, resource);
            units_most = total > units_most ? total : units_most;
        }
        if (units_most < variant->amounts[i].units) {
            bool farm = (s->pools.farm >> resource & 1) != 0;
            hayi_amount_print(units_most, units, sizeof(units));
            hayi_judge_name(s, resource, name, sizeof(name));
            (void)snprintf(text,
                           size,
                           "%s has %s%s %s",
                           farm ? "the farm" : "no worker",
                           farm ? "" : "more than ",
                           units,
                           name);
            return;
        }
    }
    (void)snprintf(text,
                   size,
                   "no worker has all of that at once (at most %" PRIu32
                   " cores, %" PRIu32 " gpus, %" PRIu64 " bytes of memory)",
                   most.cores,
                   most.gpus,
                   most.memory_bytes);
}

void hayi_judge_lacks(const struct hayi_sched *s,
                      const struct hayi_needs *needs,
                      char *text,
                      size_t size)
{
    const struct hayi_request *request = hayi_demand_request(s, needs);
    char part[300];
    text[0] = '\0';
    for (uint32_t v = 0; v < request->count; v++) {
        hayi_judge_text_add(text, size, v == 0 ? "" : "; or else ");
        hayi_judge_variant(s, &request->variants[v], part, sizeof(part));
        hayi_judge_text_add(text, size, part);
        hayi_judge_text_add(text, size, ": ");
        too_much(s, &request->variants[v], part, sizeof(part));
        hayi_judge_text_add(text, size, part);
    }
}
