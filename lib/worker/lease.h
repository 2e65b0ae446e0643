/* lease.h - which cores of a worker are free, and which ones lie together.
 *
 * Owns: a bit for each core, and the NUMA node of each.
 * Never: knows what a core is used for, or asks the machine; that neighbouring
 *     indices lie close together is the caller's doing.
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
    /* NUMA nodes under small numbers; NULL: all cores count as of one */
    uint8_t *numa;     /* [cores] */
    uint32_t *scratch; /* [cores] */
};

/* Bits of NUMA nodes; farther ones, and HAYI_LEASE_FAR, share the last bit. */
#define HAYI_LEASE_FAR UINT32_MAX
uint64_t hayi_lease_numa_bit(uint32_t numa);

/* All 'cores' (at least 1) are free.  HAY_ENOMEM. */
hay_status hayi_lease_init(struct hayi_lease *lease, uint32_t cores);
void hayi_lease_fini(struct hayi_lease *lease);
/* The NUMA node of each core, or HAYI_LEASE_FAR; copied.  HAY_ENOMEM. */
hay_status hayi_lease_set_numa(struct hayi_lease *lease, const uint32_t *numa);

/* Take 'count' cores, no more than are free: those of as few NUMA nodes as can
 * be, of the one that has just enough rather than of one with more; there the
 * ones that span the fewest indices, of those the lowest.  near: bits of NUMA
 * nodes whose cores come before all others; 0: none.  out[count]: their
 * indices, ascending. */
void hayi_lease_take(struct hayi_lease *lease,
                     uint32_t count,
                     uint64_t near,
                     uint32_t *out);

/* Give back cores that were taken. */
void hayi_lease_give(struct hayi_lease *lease,
                     const uint32_t *cores,
                     uint32_t count);

bool hayi_lease_is_free(const struct hayi_lease *lease, uint32_t core);

#endif
