/* fake_manager.h - a manager for tests of the client: it runs nothing.
 *
 * By hand: what was submitted is held in order until the test ends it; cancels
 * are answered at once.  As a thread: each task is ended as soon as it comes,
 * maps in ranges out of order.
 *
 * Owns: the executor that it opens, what it holds.
 * Never: decides; inputs are taken to have ended.
 * Threads: by hand: one; as a thread: its own.
 */
#ifndef HAYI_TESTS_FAKE_MANAGER_H
#define HAYI_TESTS_FAKE_MANAGER_H

#include "base/bell.h"
#include "client/executor.h"

struct fake {
    hay_executor *ex;
    bool threaded;
    struct hayi_mpsc inbox;
    struct hayi_bell bell;
    pthread_t thread;
    /* by hand: what is held */
    hay_future **held;
    size_t held_count;
    size_t held_room;
    /* what came */
    uint64_t submits, cancels, reads, closes;
    uint64_t map_read; /* newest count */
    bool cancel_pending;
    hay_status join_status; /* what join says */
    int joins;
    /* NULL, or told when the fake itself allocates, which must not fail */
    void (*own_memory)(bool begins);
};

/* One worker of 4 cores, 1 gpu, 1 GiB has joined. */
void fake_open(struct fake *fake, const hay_options *options, bool threaded);
/* Ends what is held as cancelled, then hay_executor_free(). */
void fake_close(struct fake *fake);

/* End one that is held. */
void fake_end(struct fake *fake,
              hay_future *future,
              hay_state state,
              const struct hayi_result *result,
              const char *reason);
void fake_finish(struct fake *fake, hay_future *future);
void fake_finish_double(struct fake *fake, hay_future *future, double value);
/* Any value but arrays and lists. */
void fake_finish_value(struct fake *fake,
                       hay_future *future,
                       hay_type type,
                       const void *data,
                       size_t size);
void fake_fail(struct fake *fake, hay_future *future, const char *reason);
/* By hand: the manager ends (everything that is held has been ended). */
void fake_stop(struct fake *fake);
/* A range of a map, with the failed items among it. */
void fake_range(struct fake *fake,
                hay_future *map,
                uint64_t first,
                uint64_t count,
                const hay_map_failure *failures,
                size_t failure_count);

#endif
