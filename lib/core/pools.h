/* pools.h - the accounts of named amounts: of each worker, and of the farm.
 *
 * Owns: how much of each resource there is, and how much of it is booked.
 * Never: books more than there is; knows a task.
 * Threads: one caller at a time.
 *
 * A resource is the farm's once hayi_pools_set() has named it; what workers
 * say of such a one is not counted.
 */
#ifndef HAYI_CORE_POOLS_H
#define HAYI_CORE_POOLS_H

#include "core/sched.h"

struct hayi_stock {
    uint64_t units;
    uint64_t held;
    uint32_t resource;
    uint32_t guard;     /* of the farm: class that it is kept for, with
                           all of lower or equal priority; 0: none */
    int64_t guard_rank; /* of its first row */
    bool shrunk;        /* more was booked when it became less */
};

struct hayi_shelf {
    struct hayi_stock *list;
    uint32_t count;
};

struct hayi_pools {
    struct hayi_shelf *workers; /* by index */
    uint32_t max;
    size_t stocks;                /* of all workers */
    uint64_t farm;                /* a bit for each resource of the farm */
    uint64_t named;               /* ... that some worker has */
    uint64_t guards;              /* ... of the farm that is kept for a class */
    struct hayi_stock *farm_list; /* by resource */
};

/* Who books. */
struct hayi_booker {
    uint32_t class;
    int64_t
        rank; /* of priority and depth; INT64_MAX: nothing is kept from it */
};

/* HAY_ENOMEM. */
hay_status hayi_pools_init(struct hayi_pools *pools, uint32_t worker_max);
void hayi_pools_fini(struct hayi_pools *pools);
/* A worker has so much; it had nothing before.  HAY_EINVAL, HAY_ENOMEM. */
hay_status hayi_pools_join(struct hayi_pools *pools,
                           uint32_t worker,
                           const struct hayi_amount *amounts,
                           size_t count);
/* The farm has so much.  HAY_EINVAL: there is no such resource, or a worker
 * has it. */
hay_status
hayi_pools_set(struct hayi_pools *pools, uint32_t resource, uint64_t units);

/* How much there is, in all and free, for a task of that worker. */
uint64_t hayi_pools_total(const struct hayi_pools *pools,
                          uint32_t worker,
                          uint32_t resource);
uint64_t hayi_pools_free(const struct hayi_pools *pools,
                         uint32_t worker,
                         uint32_t resource);
/* Could the worker meet the amounts if nothing were booked? */
bool hayi_pools_meet(const struct hayi_pools *pools,
                     uint32_t worker,
                     const struct hayi_variant *variant);
/* Are they free, and not kept for others? */
bool hayi_pools_fit(const struct hayi_pools *pools,
                    uint32_t worker,
                    const struct hayi_variant *variant,
                    struct hayi_booker booker);
/* The same of what the farm has alone, whatever the worker. */
bool hayi_pools_farm_fit(const struct hayi_pools *pools,
                         const struct hayi_variant *variant,
                         struct hayi_booker booker);
void hayi_pools_book(struct hayi_pools *pools,
                     uint32_t worker,
                     const struct hayi_variant *variant);
void hayi_pools_unbook(struct hayi_pools *pools,
                       uint32_t worker,
                       const struct hayi_variant *variant);

/* Keep the farm's resources of the variant for a class; false: one of them is
 * kept for another one of the same or a higher priority, nothing changed. */
bool hayi_pools_keep(struct hayi_pools *pools,
                     const struct hayi_variant *variant,
                     struct hayi_booker booker);
/* Which of the farm's resources are kept for it, a bit for each. */
uint64_t hayi_pools_kept(const struct hayi_pools *pools, uint32_t class);
/* Nothing is kept for the class any more. */
void hayi_pools_open(struct hayi_pools *pools, uint32_t class);

size_t hayi_pools_bytes(const struct hayi_pools *pools);
/* Asserts that nothing is over-booked. */
void hayi_pools_check(const struct hayi_pools *pools);

#endif
