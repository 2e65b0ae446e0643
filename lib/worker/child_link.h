/* child_link.h - a child's end of what it shares with its rank.
 *
 * Owns: the pipe, what has come and was not wanted yet.
 * Never: runs anything.
 * Threads: hayi_child_link_send() from any, the rest from the child's own.
 */
#ifndef HAYI_WORKER_CHILD_LINK_H
#define HAYI_WORKER_CHILD_LINK_H

#include "worker/child_area.h"
#include "worker/pipe.h"

#include <pthread.h>

struct hayi_child_stash;

struct hayi_child_link {
    struct hayi_child_area *area;
    struct hayi_pipe pipe; /* its 'out' part under the mutex */
    pthread_mutex_t mutex;
    struct hayi_child_stash *first; /* came while something else was awaited */
    struct hayi_child_stash **last;
    struct hayi_child_stash *current;
};

void hayi_child_link_init(struct hayi_child_link *link,
                          struct hayi_child_area *area);
/* Waits for room in the ring, which the rank always makes.  wake: at once;
 * else the rank sees it when something else wakes it. */
void hayi_child_link_send(struct hayi_child_link *link,
                          uint32_t kind,
                          const struct hayi_pipe_part *parts,
                          size_t count,
                          bool wake);
/* The next record, borrowed until the next call; waits at most so long
 * (UINT64_MAX: for ever).  false: none came.  A damaged ring ends the process.
 */
bool hayi_child_link_next(struct hayi_child_link *link,
                          uint64_t wait_ns,
                          struct hayi_pipe_record *record,
                          const void **body);
/* The next one of this kind; others are kept for hayi_child_link_next().
 * Waits for ever. */
void hayi_child_link_await(struct hayi_child_link *link,
                           uint32_t kind,
                           struct hayi_pipe_record *record,
                           const void **body);
/* The next one of the kinds whose bits are set, as above; waits at most so long
 * (UINT64_MAX: for ever).  false: none came. */
bool hayi_child_link_await_any(struct hayi_child_link *link,
                               uint32_t kinds,
                               uint64_t wait_ns,
                               struct hayi_pipe_record *record,
                               const void **body);
/* Is there something to read? */
bool hayi_child_link_maybe(struct hayi_child_link *link);

/* That of the process, if it is a child; or NULL.  Inside a task: for clients
 * in children (HAYI_CHILD_RECORD). */
struct hayi_child_link *hayi_child_link_here(void);
void hayi_child_link_set_here(struct hayi_child_link *link);

#endif
