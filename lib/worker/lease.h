/* lease.h - which cores of a worker are free, and which ones lie together.
 *
 * Owns: a bit for each core.
 * Never: knows what a core is used for, or where it is in the machine; that
 *     neighbouring indices lie close together is the caller's doing.
 * Threads: one at a time.
 */
#ifndef HAYI_WORKER_LEASE_H
#define HAYI_WORKER_LEASE_H

#include <hayfork/hayfork.h>

struct hayi_lease {
    uint64_t *free_bits;
    uint32_t cores;
    uint32_t free_count;
    uint32_t low_word; /* no core is free in the words before this one */
};

/* All 'cores' (at least 1) are free.  HAY_ENOMEM. */
hay_status hayi_lease_init(struct hayi_lease *lease, uint32_t cores);
void hayi_lease_fini(struct hayi_lease *lease);

/* Take 'count' cores, no more than are free: the ones that span the fewest
 * indices, of those the lowest.  out[count]: their indices, ascending. */
void hayi_lease_take(struct hayi_lease *lease, uint32_t count, uint32_t *out);

/* Give back cores that were taken. */
void hayi_lease_give(struct hayi_lease *lease,
                     const uint32_t *cores,
                     uint32_t count);

bool hayi_lease_is_free(const struct hayi_lease *lease, uint32_t core);

#endif
