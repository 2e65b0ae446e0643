/* registry.h - the registered functions of this program.
 *
 * Sorted by name when first asked for, so that equal programs number them
 * equally on all ranks.
 *
 * Owns: the list (malloc'ed in constructors, before main).
 * Never: calls a function.
 * Threads: registration before the first look-up; look-ups from any.
 */
#ifndef HAYI_WORKER_REGISTRY_H
#define HAYI_WORKER_REGISTRY_H

#include "base/error.h"

struct hayi_function {
    const char *name;
    hay_task_fn call; /* or NULL */
    hay_map_fn map;   /* or NULL */
    size_t in_size, out_size;
    uint32_t version;
};

/* HAY_EINVAL: a name was registered twice with different functions, a version
 * for an unknown name, out of memory at registration... */
hay_status hayi_registry_seal(struct hayi_error *err);
uint32_t hayi_registry_count(void);
/* NULL if there is none. */
const struct hayi_function *hayi_registry_get(uint32_t index);
/* UINT32_MAX if there is none. */
uint32_t hayi_registry_find(hay_task_fn call);
uint32_t hayi_registry_find_map(hay_map_fn map);
/* A line for each function (name, kind, sizes, version) after the library's
 * version and the machine's architecture: must be equal on all ranks.  given,
 * free(). */
char *hayi_registry_identity(void);
/* Runs the HAY_WORKER_INIT functions, once. */
hay_status hayi_registry_init_worker(struct hayi_error *err);

#endif
