/* watch.h - what a future tells at its end: a stack of watches, closed then.
 *
 * Owns: the stack; the watches are members of their owners' structs.
 * Never: allocates, waits, calls user code.
 * Threads: any; hayi_watch_close() once, by the manager.
 */
#ifndef HAYI_CLIENT_WATCH_H
#define HAYI_CLIENT_WATCH_H

#include "client/future.h"

struct hayi_watch_ops {
    /* The future has ended; the watch is its owner's again.  true: somebody
     * may sleep on the future's executor and must be woken. */
    bool (*fire)(struct hayi_watch *watch, hay_future *future);
    /* Nobody waits for it any more (NULL: never so). */
    bool (*dead)(const struct hayi_watch *watch);
    /* A dead one was taken out. */
    void (*drop)(struct hayi_watch *watch);
};

struct hayi_watch {
    struct hayi_watch *next;
    const struct hayi_watch_ops *ops;
    uint64_t order; /* not 0: fired in this order, after those of order 0 */
};

/* false: the future has ended; the watch is still the caller's. */
bool hayi_watch_add(hay_future *future, struct hayi_watch *watch);
/* The same, but fires at once if it has ended, and wakes. */
void hayi_watch_add_or_fire(hay_future *future, struct hayi_watch *watch);
/* Fire all; true: somebody may sleep. */
bool hayi_watch_close(hay_future *future);
/* Take out the dead ones. */
void hayi_watch_prune(hay_future *future);

#endif
