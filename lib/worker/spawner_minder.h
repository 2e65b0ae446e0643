/* spawner_minder.h - the process between the spawner and a child that runs
 * functions: it starts the child and ends what the child leaves behind, in
 * whatever group or session that is (it is its subreaper).
 *
 * Owns: the child.
 * Never: touches the rings.
 * Threads: one.
 */
#ifndef HAYI_WORKER_SPAWNER_MINDER_H
#define HAYI_WORKER_SPAWNER_MINDER_H

#include "worker/spawner.h"

#include <sys/types.h>

struct hayi_child_area;

struct hayi_minder_start {
    struct hayi_child_area *area; /* mapped */
    hayi_child_fn run;
    int out, err; /* the child's standard output and error */
    char **env;   /* the child's environment, ends with NULL; NULL: ours */
};
/* Its process id; -1: errno tells.  start: borrowed.  When it ends, the area
 * tells how the child did. */
pid_t hayi_minder_fork(const struct hayi_minder_start *start);
/* Child: it is about to begin an attempt with a memory limit: area->running and
 * area->memory_limit_bytes say so.  What the attempt and all that it starts use
 * more than the child has now is watched until area->running changes; above the
 * limit all of them are killed, and area->over_memory tells.  Memory that is
 * shared with other processes does not count.  Some 10 us. */
void hayi_minder_watch(struct hayi_child_area *area);
/* Ask it to end the child: SIGTERM to the child's group and all that it
 * started, or SIGKILL. */
void hayi_minder_urge(pid_t minder, bool kill);

#endif
