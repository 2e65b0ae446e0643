/* demand.c - see demand.h. */
#include "config.h"

#include "core/demand.h"

#include <assert.h>
#include <stdlib.h>

/* ---- ever -------------------------------------------------------------- */

bool hayi_demand_variant_meets(const struct hayi_sched *s,
                               uint32_t w,
                               const struct hayi_needs *needs,
                               const struct hayi_variant *variant)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    return worker->state == HAYI_WORKER_JOINED
           && hayi_demand_cores(variant, worker) <= worker->cores
           && (needs->worker == 0 || needs->worker - 1 == w)
           && (needs->node == 0 || needs->node - 1 == worker->node)
           && (worker->memory_bytes == 0
               || variant->memory_bytes <= worker->memory_bytes)
           && hayi_gpus_meet(&s->gpus, w, variant->gpu_units)
           && hayi_pools_meet(&s->pools, w, variant);
}

bool hayi_demand_any_meets(const struct hayi_sched *s,
                           uint32_t w,
                           const struct hayi_needs *needs)
{
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        if (hayi_demand_variant_meets(s, w, needs, &request->variants[v])) {
            return true;
        }
    }
    return false;
}

bool hayi_demand_node_meets(const struct hayi_sched *s,
                            uint32_t node,
                            const struct hayi_needs *needs)
{
    for (uint32_t w = s->nodes.list[node].workers; w != 0;) {
        if (hayi_demand_meets(s, w - 1, needs)) {
            return true;
        }
        w = s->nodes.follow[w - 1];
    }
    return false;
}

/* ---- now --------------------------------------------------------------- */

/* Are memory, gpus and amounts free? */
static bool is_free(const struct hayi_sched *s,
                    uint32_t w,
                    const struct hayi_variant *variant,
                    struct hayi_booker booker)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    return (worker->memory_bytes == 0
            || variant->memory_bytes
                   <= worker->memory_bytes - worker->held_memory)
           && hayi_gpus_fit(&s->gpus, w, variant->gpu_units)
           && hayi_pools_fit(&s->pools, w, variant, booker);
}

bool hayi_demand_variant_fits(const struct hayi_sched *s,
                              uint32_t w,
                              const struct hayi_needs *needs,
                              const struct hayi_variant *variant,
                              struct hayi_booker booker)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    return worker->alone == HAYI_ALONE_NO
           && !hayi_demand_kept(s, worker, booker)
           && hayi_demand_variant_meets(s, w, needs, variant)
           && is_free(s, w, variant, booker);
}

/* The first variant that could start; alone: whomever the worker is for. */
static bool starts(const struct hayi_sched *s,
                   uint32_t w,
                   const struct hayi_needs *needs,
                   struct hayi_booker booker,
                   bool alone,
                   uint32_t *variant)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        const struct hayi_variant *each = &request->variants[v];
        bool fits = alone ? hayi_demand_variant_meets(s, w, needs, each)
                                && is_free(s, w, each, booker)
                          : hayi_demand_variant_fits(s, w, needs, each, booker);
        if (fits
            && hayi_demand_cores(each, worker) <= hayi_worker_idle(worker)) {
            *variant = v;
            return true;
        }
    }
    return false;
}

bool hayi_demand_starts(const struct hayi_sched *s,
                        uint32_t w,
                        const struct hayi_needs *needs,
                        struct hayi_booker booker,
                        uint32_t *variant)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    if (needs->request != 0) {
        return starts(s, w, needs, booker, false, variant);
    }
    return needs->cores <= hayi_worker_idle(worker)
           && !hayi_demand_kept(s, worker, booker)
           && hayi_worker_fits(worker, w, needs);
}

bool hayi_demand_starts_alone(const struct hayi_sched *s,
                              uint32_t w,
                              const struct hayi_needs *needs,
                              struct hayi_booker booker,
                              uint32_t *variant)
{
    return needs->request == 0
               ? hayi_worker_meets(&s->workers.list[w], w, needs)
               : starts(s, w, needs, booker, true, variant);
}

bool hayi_demand_pools_fit(const struct hayi_sched *s,
                           const struct hayi_needs *needs,
                           struct hayi_booker booker)
{
    const struct hayi_request *request = hayi_demand_request(s, needs);
    for (uint32_t v = 0; v < request->count; v++) {
        if (hayi_pools_farm_fit(&s->pools, &request->variants[v], booker)) {
            return true;
        }
    }
    return false;
}

uint32_t hayi_demand_guess_cores(const struct hayi_sched *s,
                                 const struct hayi_needs *needs)
{
    if (needs->request == 0) {
        return needs->cores;
    }
    uint32_t cores = hayi_demand_request(s, needs)->variants[0].cores;
    return cores == HAYI_CORES_ALL ? 1 : cores;
}

/* ---- booking ----------------------------------------------------------- */

static const struct hayi_variant *chosen(const struct hayi_sched *s,
                                         const struct hayi_lease *lease)
{
    return &hayi_demand_request(s, &lease->needs)->variants[lease->variant];
}

const struct hayi_needs *hayi_demand_lease(struct hayi_sched *s,
                                           uint32_t index,
                                           uint32_t w,
                                           uint32_t variant)
{
    struct hayi_worker *worker = &s->workers.list[w];
    const struct hayi_needs *needs =
        hayi_sched_needs(s, hayi_sched_row(s, index));
    struct hayi_lease *lease = hayi_leases_add(&s->leases, index);
    lease->needs = *needs;
    lease->variant = variant;
    lease->gpu_units = needs->gpus * HAYI_AMOUNT_ONE;
    if (needs->request != 0) {
        const struct hayi_variant *v = chosen(s, lease);
        lease->needs.cores = hayi_demand_cores(v, worker);
        lease->needs.memory_bytes = v->memory_bytes;
        lease->gpu_units = v->gpu_units;
        hayi_pools_book(&s->pools, w, v);
    }
    lease->gpu_mask = hayi_gpus_deal(&s->gpus, w, lease->gpu_units);
    lease->needs.gpus = (uint8_t)__builtin_popcountll(lease->gpu_mask);
    worker->held_gpus = hayi_gpus_busy(&s->gpus, w);
    return &lease->needs;
}

void hayi_demand_release(struct hayi_sched *s, uint32_t index)
{
    uint32_t w = hayi_sched_row(s, index)->worker;
    const struct hayi_lease *lease = hayi_lease_of(&s->leases, index);
    if (lease->needs.request != 0) {
        hayi_pools_unbook(&s->pools, w, chosen(s, lease));
    }
    hayi_gpus_give(&s->gpus, w, lease->gpu_units, lease->gpu_mask);
    s->workers.list[w].held_gpus = hayi_gpus_busy(&s->gpus, w);
    hayi_leases_drop(&s->leases, index);
}

/* ---- check ------------------------------------------------------------- */

/* Book all that is out once more, in accounts of its own: must be the same. */
static void recount(const struct hayi_sched *s,
                    uint32_t w,
                    uint64_t *farm,
                    uint32_t *leases)
{
    uint64_t own[HAYI_RESOURCE_MAX] = {0};
    uint32_t dealt[HAYI_GPU_MAX] = {0};
    const struct hayi_rack *rack = &s->gpus.racks[w];
    const struct hayi_shelf *shelf = &s->pools.workers[w];
    uint32_t i = s->workers.list[w].head;
    for (; i != 0; i = hayi_sched_row(s, i)->next) {
        if (!hayi_lease_is(&s->leases, i)) {
            continue;
        }
        const struct hayi_lease *lease = hayi_lease_of(&s->leases, i);
        (*leases)++;
        for (uint32_t g = 0; g < HAYI_GPU_MAX; g++) {
            dealt[g] += (lease->gpu_mask >> g & 1) == 0      ? 0
                        : lease->gpu_units < HAYI_AMOUNT_ONE ? lease->gpu_units
                                                             : HAYI_AMOUNT_ONE;
        }
        if (lease->needs.request == 0) {
            continue;
        }
        const struct hayi_variant *v = chosen(s, lease);
        for (uint32_t a = 0; a < v->amount_count; a++) {
            uint32_t r = v->amounts[a].resource;
            bool shared = (s->pools.farm >> r & 1) != 0;
            (shared ? farm : own)[r] += v->amounts[a].units;
        }
    }
    for (uint32_t g = 0; g < HAYI_GPU_MAX; g++) {
        assert(dealt[g] == (g < rack->count ? rack->dealt[g] : 0));
    }
    for (uint32_t k = 0; k < shelf->count; k++) {
        assert(shelf->list[k].held == own[shelf->list[k].resource]);
    }
}

void hayi_demand_check(const struct hayi_sched *s)
{
    uint64_t farm[HAYI_RESOURCE_MAX] = {0};
    uint32_t leases = 0;
    hayi_pools_check(&s->pools);
    hayi_gpus_check(&s->gpus);
    for (uint32_t w = 0; w < s->workers.max; w++) {
        recount(s, w, farm, &leases);
        assert(s->workers.list[w].held_gpus == hayi_gpus_busy(&s->gpus, w));
    }
    for (uint32_t r = 0; r < HAYI_RESOURCE_MAX; r++) {
        assert(s->pools.farm_list[r].held == farm[r]);
    }
    assert(s->leases.live == leases);
}
