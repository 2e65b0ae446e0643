/* leases.h - what attempts hold that their needs do not tell.
 *
 * Owns: for each attempt that is out and has gpus or a request: the variant
 *     that was chosen, the gpus that were dealt.
 * Never: books anything.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_LEASES_H
#define HAYI_CORE_LEASES_H

#include "core/sched.h"

struct hayi_lease {
    struct hayi_needs needs; /* as booked: with the cores and the memory of the
                                variant, and how many gpus the mask has */
    uint64_t gpu_mask;
    uint32_t gpu_units;
    uint32_t variant; /* of needs.request, if that is not 0 */
    uint32_t chain;   /* the next free one */
};

struct hayi_leases {
    struct hayi_lease *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t free;
    uint32_t live;
    uint32_t *rows; /* by row of the table: its lease, or 0 */
    size_t row_room;
};

void hayi_leases_init(struct hayi_leases *leases);
void hayi_leases_fini(struct hayi_leases *leases);
/* Make sure that a lease of a row can be added whose index is not above this.
 * HAY_ENOMEM. */
hay_status hayi_leases_reserve(struct hayi_leases *leases, uint32_t row);
/* The zeroed lease of a row that has none; needs a reserve. */
struct hayi_lease *hayi_leases_add(struct hayi_leases *leases, uint32_t row);
/* Each of the two rows gets the lease of the other one; both have one, or none
 * of them. */
void hayi_leases_swap(struct hayi_leases *leases, uint32_t a, uint32_t b);
void hayi_leases_drop(struct hayi_leases *leases, uint32_t row);

/* The lease of a row that has one. */
static inline struct hayi_lease *hayi_lease_of(const struct hayi_leases *leases,
                                               uint32_t row)
{
    return &leases->list[leases->rows[row]];
}
static inline bool hayi_lease_is(const struct hayi_leases *leases, uint32_t row)
{
    return row < leases->row_room && leases->rows[row] != 0;
}

size_t hayi_leases_bytes(const struct hayi_leases *leases);

#endif
