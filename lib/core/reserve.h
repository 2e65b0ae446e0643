/* reserve.h - workers and pools that are kept free, so that nothing starves.
 *
 * Owns: the list of what is kept for whom.
 * Never: books anything; keeps anything from a task of higher priority.
 * Threads: one caller at a time.
 *
 * A task is starved if it stands at the head of its class, is ready for
 * reserve_ns, and others were handed out while it found no worker.  For such a
 * one the pools that it asks for are kept, and a worker, the one that is
 * expected to be free for it first: of what gets free there nothing goes to
 * others of equal or lower priority until it is handed out, there or elsewhere.
 *
 * Suspended attempts may wait for what is held up, and so hold what is kept:
 * no worker that has such is kept, and no pool while any holds more than cores.
 */
#ifndef HAYI_CORE_RESERVE_H
#define HAYI_CORE_RESERVE_H

#include "core/sched.h"

/* Classes for which something is kept at the same time. */
#define HAYI_KEEP_MAX 64u

struct hayi_sched;

struct hayi_keep {
    uint64_t age;   /* of the row that it is for */
    int64_t rank;   /* of it */
    uint64_t pools; /* that it was given; a higher one may take them */
    uint32_t class;
    uint32_t worker; /* 1 + index; 0: pools only, so far */
};

struct hayi_reserve {
    struct hayi_keep list[HAYI_KEEP_MAX];
    uint32_t count;
};

/* The first row of a class found no worker: keep something for it if it is
 * starved. */
void hayi_reserve_for(struct hayi_sched *s, uint32_t class);
/* Open what is kept for rows that do not stand there any more. */
void hayi_reserve_review(struct hayi_sched *s);
/* Open all that is kept: what there is has changed. */
void hayi_reserve_clear(struct hayi_sched *s);
/* What is kept for the class; NULL: nothing. */
const struct hayi_keep *hayi_reserve_find(const struct hayi_sched *s,
                                          uint32_t class);
/* The rank of the row that something is kept for. */
int64_t hayi_reserve_rank(const struct hayi_sched *s, uint32_t class);
void hayi_reserve_check(const struct hayi_sched *s);

#endif
