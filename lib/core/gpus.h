/* gpus.h - which gpus of which worker are dealt to whom.
 *
 * Owns: for each gpu of a worker how much of it is dealt.
 * Never: deals more than one whole of a gpu; knows a task.
 * Threads: one caller at a time.
 *
 * Units are those of hayi_variant: less than one whole is a share of one gpu,
 * beside other shares; whole ones belong to one task alone.
 */
#ifndef HAYI_CORE_GPUS_H
#define HAYI_CORE_GPUS_H

#include "core/sched.h"

struct hayi_rack {
    uint16_t *dealt; /* units of each gpu, at most one whole; NULL: no gpus */
    uint64_t unused; /* a bit for each gpu of which nothing is dealt */
    uint32_t count;
};

struct hayi_gpus {
    struct hayi_rack *racks; /* by worker */
    uint32_t max;
    size_t count; /* of all workers */
};

/* HAY_ENOMEM. */
hay_status hayi_gpus_init(struct hayi_gpus *gpus, uint32_t worker_max);
void hayi_gpus_fini(struct hayi_gpus *gpus);
/* A worker has 'count' gpus, at most HAYI_GPU_MAX; it had none before.
 * HAY_ENOMEM. */
hay_status
hayi_gpus_join(struct hayi_gpus *gpus, uint32_t worker, uint32_t count);

/* Could the worker deal so much if nothing were dealt? */
bool hayi_gpus_meet(const struct hayi_gpus *gpus,
                    uint32_t worker,
                    uint32_t units);
/* Can it deal so much now? */
bool hayi_gpus_fit(const struct hayi_gpus *gpus,
                   uint32_t worker,
                   uint32_t units);
/* Deal what fits: the mask of the gpus, 0 for no units.  A share goes where
 * the least remains; whole ones are the lowest unused ones in a row, if there
 * are so many. */
uint64_t
hayi_gpus_deal(struct hayi_gpus *gpus, uint32_t worker, uint32_t units);
/* Take back what was dealt. */
void hayi_gpus_give(struct hayi_gpus *gpus,
                    uint32_t worker,
                    uint32_t units,
                    uint64_t mask);

/* How many gpus something is dealt of. */
static inline uint32_t hayi_gpus_busy(const struct hayi_gpus *gpus,
                                      uint32_t worker)
{
    const struct hayi_rack *rack = &gpus->racks[worker];
    return rack->count - (uint32_t)__builtin_popcountll(rack->unused);
}

size_t hayi_gpus_bytes(const struct hayi_gpus *gpus);
void hayi_gpus_check(const struct hayi_gpus *gpus);

#endif
