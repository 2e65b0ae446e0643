/* requests.c - see requests.h.
 *
 * A hash table with chains by index.  Variants are kept in one form (amounts
 * ascending, what is not used is zero), so that equal ones are equal bytes.
 */
#include "config.h"

#include "core/requests.h"

#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

void hayi_requests_init(struct hayi_requests *requests)
{
    *requests = (struct hayi_requests){.count = 1};
}

void hayi_requests_fini(struct hayi_requests *requests)
{
    for (uint32_t i = 1; i < requests->count; i++) {
        free(requests->list[i].variants);
    }
    free(requests->list);
    free(requests->buckets);
    hayi_requests_init(requests);
}

/* The one form of a variant; false: it is not allowed. */
static bool normalise(const struct hayi_variant *from, struct hayi_variant *to)
{
    bool share = from->gpu_units < HAYI_AMOUNT_ONE;
    if (from->cores == 0 || from->amount_count > HAYI_VARIANT_AMOUNTS
        || from->gpu_units > HAYI_GPU_MAX * HAYI_AMOUNT_ONE
        || (!share && from->gpu_units % HAYI_AMOUNT_ONE != 0)) {
        return false;
    }
    memset(to, 0, sizeof(*to));
    to->cores = from->cores;
    to->gpu_units = from->gpu_units;
    to->memory_bytes = from->memory_bytes;
    for (uint32_t i = 0; i < from->amount_count; i++) {
        struct hayi_amount amount = {
            .resource = from->amounts[i].resource,
            .units = from->amounts[i].units,
        };
        if (amount.resource >= HAYI_RESOURCE_MAX || amount.units == 0) {
            return false;
        }
        uint32_t at = i;
        while (at > 0 && to->amounts[at - 1].resource > amount.resource) {
            to->amounts[at] = to->amounts[at - 1];
            at--;
        }
        if (at > 0 && to->amounts[at - 1].resource == amount.resource) {
            return false;
        }
        to->amounts[at] = amount;
        to->amount_count++;
    }
    return true;
}

static uint32_t hash_of(const struct hayi_variant *variants, uint32_t count)
{
    uint64_t h = count;
    for (uint32_t i = 0; i < count; i++) {
        const struct hayi_variant *v = &variants[i];
        h = h * 0x9e3779b97f4a7c15u + v->cores;
        h = h * 0x9e3779b97f4a7c15u + v->gpu_units;
        h = h * 0x9e3779b97f4a7c15u + v->memory_bytes;
        for (uint32_t j = 0; j < v->amount_count; j++) {
            h = h * 0x9e3779b97f4a7c15u + v->amounts[j].resource;
            h = h * 0x9e3779b97f4a7c15u + v->amounts[j].units;
        }
    }
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

static bool same(const struct hayi_request *request,
                 const struct hayi_variant *variants,
                 uint32_t count)
{
    return request->count == count
           && memcmp(request->variants, variants, count * sizeof(*variants))
                  == 0;
}

static void chain(struct hayi_requests *requests, uint32_t i)
{
    struct hayi_request *request = &requests->list[i];
    uint32_t bucket = hash_of(request->variants, request->count)
                      & (requests->bucket_count - 1);
    request->chain = requests->buckets[bucket];
    requests->buckets[bucket] = i;
}

static hay_status reserve(struct hayi_requests *requests)
{
    void *list = requests->list;
    if (!hayi_alloc_grow(&list,
                         &requests->room,
                         (size_t)requests->count + 1,
                         sizeof(*requests->list))) {
        return HAY_ENOMEM;
    }
    requests->list = list;
    if (requests->count < requests->bucket_count) {
        return HAY_OK;
    }
    uint32_t count =
        requests->bucket_count == 0 ? 16 : requests->bucket_count * 2;
    uint32_t *buckets = hayi_alloc(count, sizeof(*buckets));
    if (buckets == NULL) {
        return HAY_ENOMEM;
    }
    free(requests->buckets);
    requests->buckets = buckets;
    requests->bucket_count = count;
    for (uint32_t i = 1; i < requests->count; i++) {
        chain(requests, i);
    }
    return HAY_OK;
}

static hay_status add(struct hayi_requests *requests,
                      const struct hayi_variant *variants,
                      uint32_t count)
{
    if (reserve(requests) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_request request = {.count = count};
    request.variants = hayi_alloc(count, sizeof(*variants));
    if (request.variants == NULL) {
        return HAY_ENOMEM;
    }
    memcpy(request.variants, variants, count * sizeof(*variants));
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < variants[i].amount_count; j++) {
            request.resources |= (uint64_t)1 << variants[i].amounts[j].resource;
        }
    }
    requests->variants += count;
    requests->list[requests->count] = request;
    chain(requests, requests->count);
    requests->count++;
    return HAY_OK;
}

hay_status hayi_requests_intern(struct hayi_requests *requests,
                                const struct hayi_variant *variants,
                                size_t count,
                                uint32_t *number)
{
    struct hayi_variant normal[HAYI_VARIANT_MAX];
    if (count == 0 || count > HAYI_VARIANT_MAX) {
        return HAY_EINVAL;
    }
    for (size_t i = 0; i < count; i++) {
        if (!normalise(&variants[i], &normal[i])) {
            return HAY_EINVAL;
        }
    }
    uint32_t i = 0;
    if (requests->bucket_count != 0) {
        i = requests->buckets[hash_of(normal, (uint32_t)count)
                              & (requests->bucket_count - 1)];
    }
    while (i != 0 && !same(&requests->list[i], normal, (uint32_t)count)) {
        i = requests->list[i].chain;
    }
    if (i == 0) {
        i = requests->count;
        if (i >= HAYI_REQUEST_MAX) {
            return HAY_ENOMEM;
        }
        if (add(requests, normal, (uint32_t)count) != HAY_OK) {
            return HAY_ENOMEM;
        }
    }
    *number = i;
    return HAY_OK;
}

size_t hayi_requests_bytes(const struct hayi_requests *requests)
{
    return requests->room * sizeof(*requests->list)
           + requests->bucket_count * sizeof(*requests->buckets)
           + requests->variants * sizeof(struct hayi_variant);
}
