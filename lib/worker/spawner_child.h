/* spawner_child.h - the life of the spawner process.
 *
 * Owns: the process.
 * Never: returns.
 * Threads: one.
 */
#ifndef HAYI_WORKER_SPAWNER_CHILD_H
#define HAYI_WORKER_SPAWNER_CHILD_H

#include <stdnoreturn.h>
#include <sys/types.h>

/* Serve the requests that come over 'socket' until it ends or 'parent', which
 * must be the process that started this one, has gone. */
noreturn void hayi_spawner_child_run(int socket, pid_t parent);

#endif
