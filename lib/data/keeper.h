/* keeper.h - looks after a node's store, ahead of need: makes pages before they
 * are wanted, and room before it is short.
 *
 * A thread of low priority, which sleeps until somebody tells of the store's
 * use.  Above HAYI_KEEPER_HIGH of the limit it drops and spills down to
 * HAYI_KEEPER_LOW; while use grows it makes as many pages again as were ever
 * used, but not more.
 *
 * Owns: its thread, which is started when the store is first used.
 * Never: decides what is dropped; does anything for a store that nobody uses.
 * Threads: hayi_keeper_look() from one at a time.  One keeper a node.
 */
#ifndef HAYI_DATA_KEEPER_H
#define HAYI_DATA_KEEPER_H

#include "data/store.h"

enum {
    HAYI_KEEPER_HIGH = 800, /* permille of the limit */
    HAYI_KEEPER_LOW = 600,
};

struct hayi_keeper;

/* store: borrowed, configured.  HAY_ENOMEM. */
hay_status hayi_keeper_new(struct hayi_store *store,
                           struct hayi_keeper **keeper,
                           struct hayi_error *err);
/* Ends the thread after the step that it is at.  NULL is fine. */
void hayi_keeper_free(struct hayi_keeper *keeper);

/* The store's use has changed; never blocks.  Without a thread (none could be
 * started) the store makes its room itself when it is short. */
void hayi_keeper_look(struct hayi_keeper *keeper,
                      const struct hayi_store_usage *usage);

#endif
