/* spawner_kids.h - the children of a spawner that run functions, each under its
 * minder.
 *
 * Owns: their areas, as mapped here.
 * Never: reads or writes the socket: events are appended to a buffer.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_KIDS_H
#define HAYI_WORKER_SPAWNER_KIDS_H

#include "base/buffer.h"
#include "worker/spawner_memory.h"
#include "worker/spawner_wire.h"

#include <sys/types.h>

struct hayi_child_area;
struct hayi_environ;

struct hayi_kid {
    uint64_t id;
    pid_t minder;
    struct hayi_child_area *area;
};

struct hayi_kids {
    struct hayi_buffer *events; /* records of the wire; borrowed */
    struct hayi_environ *env;   /* of the children; borrowed */
    int out, err;
    pid_t rank;
    struct hayi_kid *list;
    size_t count, room;
    struct hayi_oom_watch oom;
};

/* What serves functions in the processes that are forked from now on; before
 * hayi_spawner_fork(), in whose process it is kept. */
hayi_child_fn hayi_kids_run(void);

/* Start one; the minder's id, or 0 (an event tells why not). */
pid_t hayi_kids_start(struct hayi_kids *kids,
                      const struct hayi_spawn_fork_record *record);
void hayi_kids_urge(struct hayi_kids *kids, uint64_t id, bool kill);
/* A process of ours has ended; true: it was a minder, its end is told. */
bool hayi_kids_ended(struct hayi_kids *kids, pid_t pid);

#endif
