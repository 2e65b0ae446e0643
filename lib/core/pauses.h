/* pauses.h - tasks that rest before their next attempt, by the time when they
 * are due.
 *
 * Owns: a heap of handles.
 * Never: knows a row; a handle may have gone stale when it comes out.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_PAUSES_H
#define HAYI_CORE_PAUSES_H

#include "core/sched.h"

struct hayi_pause {
    uint64_t at_ns;
    uint64_t order; /* equal times: first come, first out */
    hayi_handle task;
};

struct hayi_pauses {
    struct hayi_pause *heap;
    size_t room;
    size_t count;
    uint64_t order; /* last one given */
};

void hayi_pauses_init(struct hayi_pauses *pauses);
void hayi_pauses_fini(struct hayi_pauses *pauses);
/* Make sure that the next add succeeds.  HAY_ENOMEM. */
hay_status hayi_pauses_reserve(struct hayi_pauses *pauses);
void hayi_pauses_add(struct hayi_pauses *pauses,
                     uint64_t at_ns,
                     hayi_handle task);
/* When the first one is due; UINT64_MAX: there is none. */
uint64_t hayi_pauses_first_ns(const struct hayi_pauses *pauses);
/* Take the first one out; there is one. */
hayi_handle hayi_pauses_pop(struct hayi_pauses *pauses);
size_t hayi_pauses_bytes(const struct hayi_pauses *pauses);

#endif
