/* remote_executor.h - the executor of tasks whose manager is in another
 * process: what they submit, want, cancel and release goes there as records
 * (wire/nest.h), and the answers complete the futures here.
 *
 * Owns: its executor, the numbers that it was granted, the futures of this
 *     process that have not ended.
 * Never: sends or receives (who serves the connection does); decides.
 * Threads: the executor's calls: any; the functions below: whoever serves the
 *     connection, one at a time.
 */
#ifndef HAYI_CLIENT_REMOTE_EXECUTOR_H
#define HAYI_CLIENT_REMOTE_EXECUTOR_H

#include "client/executor.h"
#include "wire/nest.h"

struct hayi_remote;

struct hayi_remote_config {
    struct hayi_store *store; /* of this node, borrowed; NULL: no objects */
    uint64_t seed;
    uint32_t client;           /* see wire/nest.h */
    uint32_t workers_expected; /* of the farm */
    uint32_t node_count;
    /* Room for the body of a record, 8-byte aligned, to be filled before the
     * next call.  NULL: out of memory. */
    void *(*append)(void *context, uint16_t type, size_t size);
    /* Bytes that were appended and are not sent yet. */
    size_t (*unsent)(void *context);
    /* From any thread: hayi_remote_pump() has something to do. */
    void (*ring)(void *context);
    /* NULL: another thread serves the connection.  Else: wait for a record and
     * take it; false: this thread cannot. */
    bool (*serve)(void *context);
    void *context;
};

/* HAY_ENOMEM with words. */
hay_status hayi_remote_new(const struct hayi_remote_config *config,
                           struct hayi_remote **remote,
                           struct hayi_error *err);
/* After hayi_remote_break(), and after the last task.  NULL is fine. */
void hayi_remote_free(struct hayi_remote *remote);
/* Borrowed. */
hay_executor *hayi_remote_executor(struct hayi_remote *remote);

/* Append what was posted, as long as little is unsent; all: to the last item
 * that was posted before this call, so that a task's end is not told before
 * what it has submitted.  *any: there was something.  HAY_ENOMEM. */
hay_status hayi_remote_pump(struct hayi_remote *remote, bool all, bool *any);
/* A record has come from the manager (hayi_nest_is(type, false)).
 * HAY_EMISMATCH, HAY_ENOMEM with words. */
hay_status hayi_remote_take(struct hayi_remote *remote,
                            uint16_t type,
                            const void *body,
                            size_t size,
                            struct hayi_error *err);
/* After a batch of those: who waits for what they told goes on. */
void hayi_remote_wake(struct hayi_remote *remote);
/* The manager is gone: all that has not ended fails with these words, nothing
 * is submitted any more, nobody waits. */
void hayi_remote_break(struct hayi_remote *remote,
                       const struct hayi_error *err);

#endif
