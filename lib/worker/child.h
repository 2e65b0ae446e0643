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

/* The task that runs goes on, on these cores: the body of a HAYI_CHILD_RESUME.
 * false: it is damaged. */
bool hayi_child_go_on(struct hay_task *task, const void *body, uint64_t size);

#endif
