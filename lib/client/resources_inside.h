/* resources_inside.h - the struct of resources.h, for the files that make it
 * up: resources.c and resources_requests.c.
 *
 * Owns: see resources.h.
 * Never: included elsewhere.
 * Threads: see the groups of fields.
 */
#ifndef HAYI_CLIENT_RESOURCES_INSIDE_H
#define HAYI_CLIENT_RESOURCES_INSIDE_H

#include "client/resources.h"
#include "wire/request.h"

#include <pthread.h>
#include <stdatomic.h>

#define HAYI_RESOURCE_NONE UINT32_MAX

/* What a worker has. */
struct hayi_has {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory_bytes;
    size_t amount_count;
    struct hayi_amount amounts[];
};

struct hayi_known;
struct hayi_known_table;

struct hayi_resources {
    /* set before it is handed out, then read only */
    struct hayi_amount limits[HAYI_RESOURCE_MAX];
    size_t limit_count;
    /* any thread; names below the count do not change */
    atomic_uint count;
    char names[HAYI_RESOURCE_MAX][HAYI_RESOURCE_NAME_MAX + 1];
    _Atomic(struct hayi_known_table *) known; /* the newest */
    pthread_mutex_t mutex; /* of additions, and of the workers */
    atomic_uint epoch;     /* of what there is: from 1, +1 by each change */
    /* with the mutex */
    struct hayi_has **workers; /* [worker_count]; NULL: not joined, or lost */
    uint32_t worker_count;
    uint32_t known_count;
};

/* The number of the limit that is called like this category;
 * HAYI_RESOURCE_NONE: there is none. */
uint32_t hayi_resources_limited(const struct hayi_resources *resources,
                                const char *category);
/* The epoch for which a request was found to be feasible; 0: none. */
atomic_uint *hayi_resources_good(const struct hayi_resources *resources,
                                 uint32_t request);
void hayi_resources_free_requests(struct hayi_resources *resources);

#endif
