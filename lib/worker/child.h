/* child.h - the life of a child: registered functions, one after the other, for
 * one process slot of the rank.
 *
 * Owns: the process.
 * Never: knows of MPI; outlives what stands in its area.
 * Threads: one, and those of the functions.
 */
#ifndef HAYI_WORKER_CHILD_H
#define HAYI_WORKER_CHILD_H

#include "worker/child_link.h"

/* Serve until the rank says LEAVE, or the child has had its time.  Of
 * hayi_child_fn. */
void hayi_child_run(struct hayi_child_area *area);

/* The connection of the process, if it is a child; or NULL.  Inside a task,
 * from its thread: for clients in children (HAYI_CHILD_RECORD). */
struct hayi_child_link *hayi_child_link_here(void);

#endif
