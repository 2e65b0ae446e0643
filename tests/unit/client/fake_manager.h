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
#include "base/buffer.h"
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
    uint64_t submits, cancels, reads, closes, puts, releases, wants;
    uint64_t map_read; /* newest count */
    bool cancel_pending;
    hay_status join_status; /* what join says */
    int joins;
    bool refuse_puts;            /* as if it had ended */
    uint64_t objects;            /* handles given */
    struct hayi_want_item *want; /* the newest, until it is answered */
    bool answer_wants;           /* at once: they lie where they were */
    uint64_t wanted_on[8];       /* node: objects wanted there */
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
/* A store with this limit, which does not spill; puts are completed at once,
 * released futures freed with their objects, wants kept until the test answers.
 */
void fake_open_store(struct fake *fake, uint64_t limit_bytes);
/* Bytes in the store. */
uint64_t fake_used(const struct fake *fake);
/* An object in the store, filled with 'fill' and a 0 at its end. */
uint64_t fake_object(struct fake *fake, size_t size, char fill);
/* The result is an object, which lies at 'place' (0: on another node). */
void fake_finish_object(struct fake *fake,
                        hay_future *future,
                        hay_type type,
                        size_t size,
                        uint64_t place);
/* The result is several of 'size' bytes, at places[count]. */
void fake_finish_objects(struct fake *fake,
                         hay_future *future,
                         size_t size,
                         const uint64_t *places,
                         size_t count);
/* Answer the newest want; place 0: with HAY_EFARM. */
void fake_answer(struct fake *fake, uint64_t place);
/* The result is the value in this buffer. */
void fake_finish_with(struct fake *fake,
                      hay_future *future,
                      const struct hayi_buffer *value);
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
