/* porter.h - a thread that waits for the disk instead of a mover's loop.
 *
 * Jobs go to it and come back in the order in which they were given.
 *
 * Owns: the thread, started with the first job; jobs in its hands.
 * Never: knows of peers or transfers.
 * Threads: the loop's; the store is called from the porter's own.
 */
#ifndef HAYI_DATA_PORTER_H
#define HAYI_DATA_PORTER_H

#include "base/bell.h"
#include "base/mpsc.h"
#include "data/store.h"

struct hayi_porter;

struct hayi_job {
    struct hayi_mpsc_node node; /* first */
    bool create;                /* make room; else pin */
    hayi_place place;           /* to pin; of the room */
    uint64_t size;              /* of the room; of what was pinned */
    void *room;
    const void *pinned;
    bool done; /* the rest is valid */
    hay_status status;
    struct hayi_error err;
};

/* bell: rung when a job is done.  Both borrowed.  HAY_ENOMEM. */
hay_status hayi_porter_new(struct hayi_store *store,
                           struct hayi_bell *bell,
                           struct hayi_porter **porter,
                           struct hayi_error *err);
/* Waits for the job in its hands.  Those done and not taken, and those not
 * begun, stay as they are. */
void hayi_porter_free(struct hayi_porter *porter);
/* job: the porter's until it comes back.  HAY_EIO: no thread, with words. */
hay_status hayi_porter_give(struct hayi_porter *porter,
                            struct hayi_job *job,
                            struct hayi_error *err);
/* One that is done; NULL: none. */
struct hayi_job *hayi_porter_take(struct hayi_porter *porter);

#endif
