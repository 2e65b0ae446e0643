/* gpus.c - see gpus.h. */
#include "config.h"

#include "core/gpus.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t bit(uint32_t gpu)
{
    return (uint64_t)1 << gpu;
}

/* The lowest 'count' bits. */
static uint64_t ones(uint32_t count)
{
    return count >= 64 ? UINT64_MAX : bit(count) - 1;
}

hay_status hayi_gpus_init(struct hayi_gpus *gpus, uint32_t worker_max)
{
    *gpus = (struct hayi_gpus){.max = worker_max};
    gpus->racks = hayi_alloc(worker_max, sizeof(*gpus->racks));
    return gpus->racks == NULL ? HAY_ENOMEM : HAY_OK;
}

void hayi_gpus_fini(struct hayi_gpus *gpus)
{
    for (uint32_t i = 0; gpus->racks != NULL && i < gpus->max; i++) {
        free(gpus->racks[i].dealt);
    }
    free(gpus->racks);
    *gpus = (struct hayi_gpus){.max = 0};
}

hay_status
hayi_gpus_join(struct hayi_gpus *gpus, uint32_t worker, uint32_t count)
{
    struct hayi_rack *rack = &gpus->racks[worker];
    assert(rack->dealt == NULL && count <= HAYI_GPU_MAX);
    if (count == 0) {
        return HAY_OK;
    }
    rack->dealt = hayi_alloc(count, sizeof(*rack->dealt));
    if (rack->dealt == NULL) {
        return HAY_ENOMEM;
    }
    rack->count = count;
    rack->unused = ones(count);
    gpus->count += count;
    return HAY_OK;
}

bool hayi_gpus_meet(const struct hayi_gpus *gpus,
                    uint32_t worker,
                    uint32_t units)
{
    return units <= gpus->racks[worker].count * HAYI_AMOUNT_ONE;
}

/* The gpu with the least left for a share; its count if there is none. */
static uint32_t shared(const struct hayi_rack *rack, uint32_t units)
{
    uint32_t best = rack->count;
    for (uint32_t i = 0; i < rack->count; i++) {
        if (rack->dealt[i] > 0 && rack->dealt[i] + units <= HAYI_AMOUNT_ONE
            && (best == rack->count || rack->dealt[i] > rack->dealt[best])) {
            best = i;
        }
    }
    return best;
}

bool hayi_gpus_fit(const struct hayi_gpus *gpus,
                   uint32_t worker,
                   uint32_t units)
{
    const struct hayi_rack *rack = &gpus->racks[worker];
    if (units < HAYI_AMOUNT_ONE) {
        return units == 0 || rack->unused != 0
               || shared(rack, units) < rack->count;
    }
    return units / HAYI_AMOUNT_ONE
           <= (uint32_t)__builtin_popcountll(rack->unused);
}

/* So many unused ones, in a row if it can be. */
static uint64_t whole(uint64_t unused, uint32_t count)
{
    for (uint32_t i = 0; i + count <= HAYI_GPU_MAX; i++) {
        if ((unused >> i & ones(count)) == ones(count)) {
            return ones(count) << i;
        }
    }
    uint64_t mask = 0;
    for (; count > 0; count--) {
        uint64_t lowest = unused & (~unused + 1);
        mask |= lowest;
        unused &= ~lowest;
    }
    return mask;
}

uint64_t hayi_gpus_deal(struct hayi_gpus *gpus, uint32_t worker, uint32_t units)
{
    struct hayi_rack *rack = &gpus->racks[worker];
    assert(hayi_gpus_fit(gpus, worker, units));
    if (units == 0) {
        return 0;
    }
    if (units < HAYI_AMOUNT_ONE) {
        uint32_t gpu = shared(rack, units);
        if (gpu == rack->count) {
            gpu = (uint32_t)__builtin_ctzll(rack->unused);
        }
        rack->dealt[gpu] = (uint16_t)(rack->dealt[gpu] + units);
        rack->unused &= ~bit(gpu);
        return bit(gpu);
    }
    uint64_t mask = whole(rack->unused, units / HAYI_AMOUNT_ONE);
    for (uint32_t i = 0; i < rack->count; i++) {
        if ((mask & bit(i)) != 0) {
            rack->dealt[i] = HAYI_AMOUNT_ONE;
        }
    }
    rack->unused &= ~mask;
    return mask;
}

void hayi_gpus_give(struct hayi_gpus *gpus,
                    uint32_t worker,
                    uint32_t units,
                    uint64_t mask)
{
    struct hayi_rack *rack = &gpus->racks[worker];
    uint32_t each = units < HAYI_AMOUNT_ONE ? units : HAYI_AMOUNT_ONE;
    for (uint32_t i = 0; i < rack->count; i++) {
        if ((mask & bit(i)) != 0) {
            assert(rack->dealt[i] >= each);
            rack->dealt[i] = (uint16_t)(rack->dealt[i] - each);
            rack->unused |= rack->dealt[i] == 0 ? bit(i) : 0;
        }
    }
}

size_t hayi_gpus_bytes(const struct hayi_gpus *gpus)
{
    return gpus->max * sizeof(*gpus->racks) + gpus->count * sizeof(uint16_t);
}

void hayi_gpus_check(const struct hayi_gpus *gpus)
{
    for (uint32_t w = 0; w < gpus->max; w++) {
        const struct hayi_rack *rack = &gpus->racks[w];
        assert((rack->unused & ~ones(rack->count)) == 0);
        for (uint32_t i = 0; i < rack->count; i++) {
            assert(rack->dealt[i] <= HAYI_AMOUNT_ONE);
            assert((rack->dealt[i] == 0) == ((rack->unused & bit(i)) != 0));
        }
    }
}
