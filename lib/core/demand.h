/* demand.h - can a worker take what a task asks for, now or ever; the booking.
 *
 * Owns: nothing: it reads and writes the accounts of workers, gpus and pools.
 * Never: chooses a worker.
 * Threads: one caller at a time.
 *
 * Needs without a request ask for cores, whole gpus and memory: one step.
 * Those with a request are looked at variant by variant.
 */
#ifndef HAYI_CORE_DEMAND_H
#define HAYI_CORE_DEMAND_H

#include "core/state.h"

/* Who books a row of a level.  A task in a task is not held up: others wait for
 * it that hold what is waited for. */
static inline struct hayi_booker hayi_demand_booker(const struct hayi_sched *s,
                                                    uint32_t level)
{
    const struct hayi_level *of = &s->ready.levels[level];
    return (struct hayi_booker){
        .class = of->class,
        .rank = of->depth > 0 ? INT64_MAX : of->rank,
    };
}

/* Has an attempt with such needs a lease? */
static inline bool hayi_demand_leased(const struct hayi_needs *needs)
{
    return needs->request != 0 || needs->gpus != 0;
}

/* Is the worker kept free for another class? */
static inline bool hayi_demand_kept(const struct hayi_sched *s,
                                    const struct hayi_worker *worker,
                                    struct hayi_booker booker)
{
    return worker->guard != 0 && worker->guard != booker.class
           && booker.rank <= hayi_reserve_rank(s, worker->guard);
}

/* The variants of needs that have a request. */
static inline const struct hayi_request *
hayi_demand_request(const struct hayi_sched *s, const struct hayi_needs *needs)
{
    return hayi_request_at(&s->requests, needs->request);
}

/* The cores that a variant takes of a worker. */
static inline uint32_t hayi_demand_cores(const struct hayi_variant *variant,
                                         const struct hayi_worker *worker)
{
    return variant->cores == HAYI_CORES_ALL ? worker->cores : variant->cores;
}

/* Could the worker meet the variant, or the needs, if it held nothing? */
bool hayi_demand_variant_meets(const struct hayi_sched *s,
                               uint32_t worker,
                               const struct hayi_needs *needs,
                               const struct hayi_variant *variant);
bool hayi_demand_any_meets(const struct hayi_sched *s,
                           uint32_t worker,
                           const struct hayi_needs *needs);
static inline bool hayi_demand_meets(const struct hayi_sched *s,
                                     uint32_t worker,
                                     const struct hayi_needs *needs)
{
    return needs->request == 0
               ? hayi_worker_meets(&s->workers.list[worker], worker, needs)
               : hayi_demand_any_meets(s, worker, needs);
}
/* Could a worker of the node? */
bool hayi_demand_node_meets(const struct hayi_sched *s,
                            uint32_t node,
                            const struct hayi_needs *needs);

/* Does it meet the variant, and are memory, gpus and amounts free for it?
 * (Cores may be busy.) */
bool hayi_demand_variant_fits(const struct hayi_sched *s,
                              uint32_t worker,
                              const struct hayi_needs *needs,
                              const struct hayi_variant *variant,
                              struct hayi_booker booker);
/* Could the worker start such a task at once?  *variant: the first one that it
 * could; not written for needs without a request. */
bool hayi_demand_starts(const struct hayi_sched *s,
                        uint32_t worker,
                        const struct hayi_needs *needs,
                        struct hayi_booker booker,
                        uint32_t *variant);
/* The same of an empty worker that may be there for one attempt alone. */
bool hayi_demand_starts_alone(const struct hayi_sched *s,
                              uint32_t worker,
                              const struct hayi_needs *needs,
                              struct hayi_booker booker,
                              uint32_t *variant);
/* Has the farm what one of the variants asks of it, wherever it runs? */
bool hayi_demand_pools_fit(const struct hayi_sched *s,
                           const struct hayi_needs *needs,
                           struct hayi_booker booker);
/* A number of cores to count with, of a task that is not placed yet. */
uint32_t hayi_demand_guess_cores(const struct hayi_sched *s,
                                 const struct hayi_needs *needs);

/* What is booked for a row that is out. */
static inline const struct hayi_needs *
hayi_demand_booked(const struct hayi_sched *s, uint32_t row)
{
    const struct hayi_needs *needs =
        hayi_sched_needs(s, hayi_sched_row(s, row));
    return hayi_demand_leased(needs) ? &hayi_lease_of(&s->leases, row)->needs
                                     : needs;
}
/* Book gpus and amounts for a row with a lease, which was reserved and fits:
 * what is to be booked besides. */
const struct hayi_needs *hayi_demand_lease(struct hayi_sched *s,
                                           uint32_t row,
                                           uint32_t worker,
                                           uint32_t variant);
/* Give them back. */
void hayi_demand_release(struct hayi_sched *s, uint32_t row);

/* Asserts that the accounts are those of the attempts that are out. */
void hayi_demand_check(const struct hayi_sched *s);

#endif
