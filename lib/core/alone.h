/* alone.h - tasks that run with nothing else in their worker.
 *
 * Owns: the list of rows in HAYI_ROW_ALONE; which workers are kept free for
 *     them.
 * Never: decides that a task is poison; that is its count of losses.
 * Threads: one caller at a time.
 *
 * When two workers were lost while an attempt of the same task ran on them, it
 * may be the killer, or may have stood beside it.  It runs alone from then on:
 * if that worker is lost as well, it was the killer, and nobody else comes to
 * harm by it, but for suspended attempts: these may wait for it.  One that
 * is suspended itself has its worker no more alone.
 */
#ifndef HAYI_CORE_ALONE_H
#define HAYI_CORE_ALONE_H

#include "core/state.h"

/* Must the next attempt of a task or range be alone? */
static inline bool hayi_alone_wants(const struct hayi_row *row)
{
    return row->losses + 1u >= HAYI_LOSSES_MAX && !row->apart;
}

/* It is in no list: it waits for a worker of its own.  Or does so no more. */
void hayi_alone_add(struct hayi_sched *s, uint32_t index);
void hayi_alone_remove(struct hayi_sched *s, uint32_t index);
/* The map is stopped: drop its ranges from the list.  How many items these
 * had. */
uint64_t hayi_alone_drop_ranges(struct hayi_sched *s, uint32_t map_row);

/* Hand out what finds an empty worker, and keep workers free for the others.
 * HAY_ENOMEM: the rest later. */
hay_status hayi_alone_dispatch(struct hayi_sched *s,
                               struct hayi_actions *actions);

#endif
