/* walltime.h - the end of work: what still starts before it, and what ends.
 *
 * Owns: when work ends; which rows are held back because they would not end in
 *     time (HAYI_ROW_SHELVED, and maps that are shelved).
 * Never: reads a clock; knows why there is an end, or what comes behind it.
 * Threads: one caller at a time.
 *
 * Far from the end nothing is different.  Near it (three times the longest
 * that any category took) the ready tasks of a priority go longest first, none
 * waits at a worker behind a long one, and a task that is expected to end too
 * late is shelved: it stays out of the ready queue until there is more time.
 * A task of which nothing is known may start.  When nothing runs and all that
 * is left is shelved, there is no use in waiting for the end.
 */
#ifndef HAYI_CORE_WALLTIME_H
#define HAYI_CORE_WALLTIME_H

#include "core/durations.h"
#include "core/sched.h"

#define HAYI_WALLTIME_LENGTHS HAYI_DURATIONS_BUCKETS
#define HAYI_WALLTIME_HINTS   1024u

struct hayi_walltime {
    uint64_t end_ns;   /* nothing starts from here on; UINT64_MAX: no end */
    uint64_t force_ns; /* what runs then is ended */
    uint64_t idle_ns;  /* there is nothing to do but what is shelved, and here
                          it ends for that; UINT64_MAX */
    uint32_t maps;     /* that are shelved */
    uint32_t back;     /* backlog: next row to be put back, see set(); 0 */
    bool near;
    bool over;      /* nothing starts any more, for good */
    bool forced;    /* ... and what ran was ended */
    uint64_t order; /* of rows that were put into a queue by their length */
    uint32_t last[HAYI_WALLTIME_HINTS]; /* by level and length: such a row that
                                           was put there; a hint */
};

struct hayi_row;
struct hayi_sched;

void hayi_walltime_init(struct hayi_walltime *walltime);

/* Take HAYI_EVENT_DEADLINE. */
hay_status hayi_walltime_set(struct hayi_sched *s,
                             const struct hayi_event *event);
/* Time has passed.  Leaves backlog. */
void hayi_walltime_tick(struct hayi_sched *s);
/* When to tick at the latest; UINT64_MAX. */
uint64_t hayi_walltime_next_ns(const struct hayi_sched *s);
/* Backlog: rows that may start after all.  HAY_ENOMEM: some are left. */
hay_status hayi_walltime_drain(struct hayi_sched *s,
                               struct hayi_actions *actions);
/* A row goes into its queue: where, by its length, if the end is near. */
void hayi_walltime_order(struct hayi_sched *s, uint32_t index);
/* All that could be was handed out: is there anything left to wait for? */
void hayi_walltime_look(struct hayi_sched *s);
/* Is the first row of a class, a map's range if expected_ns tells of one, to be
 * shelved?  Then it is. */
bool hayi_walltime_shelve(struct hayi_sched *s,
                          uint32_t index,
                          uint64_t expected_ns,
                          struct hayi_actions *actions);
/* How long nearly all tasks of a category take; 0: not known. */
uint64_t hayi_walltime_fit_ns(const struct hayi_sched *s, uint32_t category);
/* At force_ns: end what runs in a row.  HAY_ENOMEM. */
hay_status hayi_walltime_force(struct hayi_sched *s,
                               uint32_t index,
                               struct hayi_actions *actions);
/* Does the row end because of the walltime, if it is cancelled now? */
bool hayi_walltime_ends(const struct hayi_sched *s, const struct hayi_row *row);

#endif
