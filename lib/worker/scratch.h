/* scratch.h - private memory of a slot, used again by its next attempt.
 *
 * Fresh pages cost ten times what warm ones do, so what an attempt has used
 * stays for the next one, up to 'keep_bytes' while the slot has nothing to do.
 *
 * Owns: its pages.
 * Never: shares them with another slot.
 * Threads: one at a time, the slot's own.
 */
#ifndef HAYI_WORKER_SCRATCH_H
#define HAYI_WORKER_SCRATCH_H

#include <stddef.h>

struct hayi_scratch_block;

/* All zero but keep_bytes is one that holds nothing. */
struct hayi_scratch {
    size_t keep_bytes;
    struct hayi_scratch_block *blocks;
    size_t block_count;
    size_t block;     /* the one that gives; those before it are full */
    size_t all_bytes; /* of all blocks */
};

/* Room of so many bytes, aligned to 64 (4096 from a page on), until
 * hayi_scratch_reset(); its contents are undefined.  NULL: out of memory. */
void *hayi_scratch_take(struct hayi_scratch *scratch, size_t size_bytes);
/* Nothing of it is used any more. */
void hayi_scratch_reset(struct hayi_scratch *scratch);
/* It will not be used for a while: pages go back if there are more of them
 * than keep_bytes.  Only after hayi_scratch_reset(). */
void hayi_scratch_idle(struct hayi_scratch *scratch);
void hayi_scratch_fini(struct hayi_scratch *scratch);

#endif
