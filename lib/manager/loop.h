/* loop.h - the one thread of a process that moves everything: runs a manager,
 * a worker, or both, and sleeps when there is nothing to do.
 *
 * Owns: nothing; manager and worker are the caller's.
 * Never: sleeps while a send of its own needs it.
 * Threads: the caller's becomes the loop.
 */
#ifndef HAYI_MANAGER_LOOP_H
#define HAYI_MANAGER_LOOP_H

#include "manager/manager.h"
#include "worker/worker.h"

struct hayi_loop {
    struct hayi_manager *manager;     /* or NULL */
    struct hayi_worker *worker;       /* or NULL */
    struct hayi_transport *transport; /* that may have to be woken; or NULL */
    struct hayi_bell *bell;
};

/* Returns when the manager has ended and the worker has left. */
void hayi_loop_run(struct hayi_loop *loop);

#endif
