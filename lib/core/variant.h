/* variant.h - what a task asks for beyond one core: amounts and variants.
 *
 * Owns: nothing; structs of the scheduler's events.
 * Never: knows a name: resources are small numbers here, the caller keeps
 *     what they are called.
 * Threads: any.
 */
#ifndef HAYI_CORE_VARIANT_H
#define HAYI_CORE_VARIANT_H

#include <hayfork/hayfork.h>

#include "base/amount.h"

/* Named resources of a farm: their numbers stay below. */
#define HAYI_RESOURCE_MAX 64u
/* Named amounts of one variant. */
#define HAYI_VARIANT_AMOUNTS 8u
/* Variants of one request. */
#define HAYI_VARIANT_MAX 8u
/* Numbers of requests stay below. */
#define HAYI_REQUEST_MAX (1u << 23)
/* Gpus of one worker; they have the indices 0 .. gpus-1. */
#define HAYI_GPU_MAX 64u
/* Instead of a count of cores: all that the worker has, whatever it is. */
#define HAYI_CORES_ALL UINT32_MAX

/* So much of a named resource. */
struct hayi_amount {
    uint32_t resource;
    uint32_t reserved; /* 0 */
    uint64_t units;    /* of a variant: at least 1 */
};

/* One way to meet a request.  All of it is on one worker, but for amounts of
 * resources that are the farm's (HAYI_EVENT_POOL). */
struct hayi_variant {
    uint32_t cores;     /* at least 1; or HAYI_CORES_ALL */
    uint32_t gpu_units; /* below HAYI_AMOUNT_ONE: a share of one gpu; else
                           whole ones, a multiple of it */
    uint64_t memory_bytes;
    uint32_t amount_count;
    struct hayi_amount amounts[HAYI_VARIANT_AMOUNTS]; /* each resource once */
};

#endif
