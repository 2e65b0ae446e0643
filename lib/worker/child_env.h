/* child_env.h - the variables by which a child shows each task what it was
 * given.
 *
 * Owns: the names that the last task brought.
 * Never: called where other threads may read the environment.
 * Threads: the child's one that serves.
 */
#ifndef HAYI_WORKER_CHILD_ENV_H
#define HAYI_WORKER_CHILD_ENV_H

#include "base/buffer.h"

struct hayi_child_env {
    struct hayi_buffer set; /* "NAME=VALUE" strings of the last task */
};

/* Sets those of the next task, unsets those of the last one that it has not.
 * strings: "NAME=VALUE", each with its 0; borrowed.  HAY_ENOMEM: what could not
 * be set is not there. */
hay_status hayi_child_env_set(struct hayi_child_env *env,
                              const char *strings,
                              size_t size);

#endif
