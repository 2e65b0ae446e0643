/* extents.h - runs of units claimed from a bitmap without a lock.
 *
 * Used for the units of the memory file and for those of the spill file; the
 * bitmap may lie in memory that several processes share, each with its own
 * struct.  A process that dies within a call may leak units, and nothing else.
 *
 * Owns: nothing; bitmap and head are the caller's, all zero at first.
 * Never: touches what the units stand for.
 * Threads: any.
 */
#ifndef HAYI_DATA_EXTENTS_H
#define HAYI_DATA_EXTENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    HAYI_EXTENTS_CLASSES = 20, /* sizes by powers of two, a hint each */
    HAYI_EXTENTS_WORD = 64,    /* units in a word of the bitmap */
};

/* Shared, beside the bitmap. */
struct hayi_extents_head {
    _Atomic uint64_t used; /* units */
    _Atomic uint64_t top;  /* one past the highest unit that was ever claimed */
    /* No run of such a size begins before this word, as far as is known. */
    _Atomic uint64_t hints[HAYI_EXTENTS_CLASSES];
};

struct hayi_extents {
    struct hayi_extents_head *head;
    _Atomic uint64_t *words; /* [(unit_count + 63) / 64] */
    uint64_t unit_count;
};

/* The first run of 'count' (at least 1) free units that starts at a multiple of
 * 'align' (a power of two), from low numbers up: what was used before is used
 * again.  false: there is none. */
bool hayi_extents_claim(const struct hayi_extents *extents,
                        uint64_t count,
                        uint64_t align,
                        uint64_t *first);
/* All of them must be claimed.  Parts of a run may be given back. */
void hayi_extents_free(const struct hayi_extents *extents,
                       uint64_t first,
                       uint64_t count);
/* Are all of them claimed?  For checks. */
bool hayi_extents_all_claimed(const struct hayi_extents *extents,
                              uint64_t first,
                              uint64_t count);
/* How many are, by counting.  For checks. */
uint64_t hayi_extents_count(const struct hayi_extents *extents);

#endif
