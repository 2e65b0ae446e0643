/* child_client.h - the client in a child of a process slot: what its tasks
 * submit goes through its rank to the manager.
 *
 * Owns: its remote executor.
 * Never: decides; gives cores.
 * Threads: the child's own reads, and waits; tasks may submit from any.
 */
#ifndef HAYI_WORKER_CHILD_CLIENT_H
#define HAYI_WORKER_CHILD_CLIENT_H

#include "base/error.h"
#include "worker/child_link.h"

/* Once in a process.  HAY_ENOMEM with words. */
hay_status hayi_child_client_open(struct hayi_child_link *link,
                                  uint64_t seed,
                                  struct hayi_error *err);
/* That tasks submit to. */
hay_executor *hayi_child_client_executor(void);
/* The body of a HAYI_CHILD_RECORD has come.  false: it is damaged. */
bool hayi_child_client_take(const void *body, uint64_t size);

#endif
