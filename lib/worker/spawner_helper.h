/* spawner_helper.h - the program hayfork-spawner: finding and starting it, and
 * its main.
 *
 * Owns: nothing.
 * Never: waits for it.
 * Threads: any.
 */
#ifndef HAYI_WORKER_SPAWNER_HELPER_H
#define HAYI_WORKER_SPAWNER_HELPER_H

#include "worker/spawner.h"

#include <sys/types.h>

/* Start it with 'socket' (borrowed) as its connection.  HAY_EIO. */
hay_status
hayi_spawner_helper_start(int socket, pid_t *pid, struct hayi_error *err);

#endif
