/* requests.h - the requests: lists of variants, each known by a number.
 *
 * Owns: each distinct list of variants that was ever told.
 * Never: forgets one, knows a worker.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_REQUESTS_H
#define HAYI_CORE_REQUESTS_H

#include "core/sched.h"

struct hayi_request {
    struct hayi_variant *variants; /* amounts ascending by resource */
    uint32_t count;
    uint32_t chain;     /* next request of the same bucket */
    uint64_t resources; /* a bit for each that a variant names */
};

struct hayi_requests {
    struct hayi_request *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t *buckets;
    uint32_t bucket_count; /* a power of 2 */
    size_t variants;       /* of all of them */
};

void hayi_requests_init(struct hayi_requests *requests);
void hayi_requests_fini(struct hayi_requests *requests);
/* The number of these variants, a new one if there is none yet.  HAY_EINVAL:
 * sched.h and variant.h tell what is allowed.  HAY_ENOMEM. */
hay_status hayi_requests_intern(struct hayi_requests *requests,
                                const struct hayi_variant *variants,
                                size_t count,
                                uint32_t *request);
size_t hayi_requests_bytes(const struct hayi_requests *requests);

static inline const struct hayi_request *
hayi_request_at(const struct hayi_requests *requests, uint32_t request)
{
    return &requests->list[request];
}

#endif
