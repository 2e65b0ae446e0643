/* pools.c - see pools.h.
 *
 * A worker's shelf is a short list, ascending by resource; the farm's pools
 * are an array.
 */
#include "config.h"

#include "core/pools.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t bit(uint32_t resource)
{
    return (uint64_t)1 << resource;
}

hay_status hayi_pools_init(struct hayi_pools *pools, uint32_t worker_max)
{
    *pools = (struct hayi_pools){.max = worker_max};
    pools->workers = hayi_alloc(worker_max, sizeof(*pools->workers));
    pools->farm_list = hayi_alloc(HAYI_RESOURCE_MAX, sizeof(*pools->farm_list));
    if (pools->workers == NULL || pools->farm_list == NULL) {
        hayi_pools_fini(pools);
        return HAY_ENOMEM;
    }
    return HAY_OK;
}

void hayi_pools_fini(struct hayi_pools *pools)
{
    for (uint32_t i = 0; pools->workers != NULL && i < pools->max; i++) {
        free(pools->workers[i].list);
    }
    free(pools->workers);
    free(pools->farm_list);
    *pools = (struct hayi_pools){.max = 0};
}

/* Are these amounts of known resources, each one once? */
static bool sane(const struct hayi_amount *amounts, size_t count)
{
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (amounts[i].resource >= HAYI_RESOURCE_MAX
            || (seen & bit(amounts[i].resource)) != 0) {
            return false;
        }
        seen |= bit(amounts[i].resource);
    }
    return true;
}

hay_status hayi_pools_join(struct hayi_pools *pools,
                           uint32_t worker,
                           const struct hayi_amount *amounts,
                           size_t count)
{
    struct hayi_shelf *shelf = &pools->workers[worker];
    if (!sane(amounts, count)) {
        return HAY_EINVAL;
    }
    if (count == 0) {
        return HAY_OK;
    }
    free(shelf->list); /* of a try that memory was short for */
    pools->stocks -= shelf->count;
    shelf->count = 0;
    shelf->list = hayi_alloc(count, sizeof(*shelf->list));
    if (shelf->list == NULL) {
        return HAY_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        struct hayi_stock stock = {
            .resource = amounts[i].resource,
            .units = amounts[i].units,
        };
        if ((pools->farm & bit(stock.resource)) != 0) {
            continue;
        }
        pools->named |= bit(stock.resource);
        uint32_t at = shelf->count++;
        for (; at > 0 && shelf->list[at - 1].resource > stock.resource; at--) {
            shelf->list[at] = shelf->list[at - 1];
        }
        shelf->list[at] = stock;
    }
    pools->stocks += shelf->count;
    return HAY_OK;
}

hay_status
hayi_pools_set(struct hayi_pools *pools, uint32_t resource, uint64_t units)
{
    if (resource >= HAYI_RESOURCE_MAX || (pools->named & bit(resource)) != 0) {
        return HAY_EINVAL;
    }
    struct hayi_stock *stock = &pools->farm_list[resource];
    stock->resource = resource;
    stock->units = units;
    stock->shrunk = stock->held > units;
    pools->farm |= bit(resource);
    return HAY_OK;
}

/* The account that counts for a task of that worker; NULL: there is none. */
static struct hayi_stock *
stock_of(const struct hayi_pools *pools, uint32_t worker, uint32_t resource)
{
    if ((pools->farm & bit(resource)) != 0) {
        return &pools->farm_list[resource];
    }
    const struct hayi_shelf *shelf = &pools->workers[worker];
    for (uint32_t i = 0; i < shelf->count; i++) {
        if (shelf->list[i].resource == resource) {
            return &shelf->list[i];
        }
    }
    return NULL;
}

static uint64_t free_of(const struct hayi_stock *stock)
{
    return stock->held < stock->units ? stock->units - stock->held : 0;
}

uint64_t hayi_pools_total(const struct hayi_pools *pools,
                          uint32_t worker,
                          uint32_t resource)
{
    const struct hayi_stock *stock = stock_of(pools, worker, resource);
    return stock == NULL ? 0 : stock->units;
}

uint64_t hayi_pools_free(const struct hayi_pools *pools,
                         uint32_t worker,
                         uint32_t resource)
{
    const struct hayi_stock *stock = stock_of(pools, worker, resource);
    return stock == NULL ? 0 : free_of(stock);
}

bool hayi_pools_meet(const struct hayi_pools *pools,
                     uint32_t worker,
                     const struct hayi_variant *variant)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        if (hayi_pools_total(pools, worker, amount->resource) < amount->units) {
            return false;
        }
    }
    return true;
}

static bool kept_from(const struct hayi_stock *stock, struct hayi_booker booker)
{
    return stock->guard != 0
           && stock->guard != booker.class && booker.rank <= stock->guard_rank;
}

bool hayi_pools_fit(const struct hayi_pools *pools,
                    uint32_t worker,
                    const struct hayi_variant *variant,
                    struct hayi_booker booker)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        const struct hayi_stock *stock =
            stock_of(pools, worker, amount->resource);
        if (stock == NULL || free_of(stock) < amount->units
            || kept_from(stock, booker)) {
            return false;
        }
    }
    return true;
}

bool hayi_pools_farm_fit(const struct hayi_pools *pools,
                         const struct hayi_variant *variant,
                         struct hayi_booker booker)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        const struct hayi_stock *stock = &pools->farm_list[amount->resource];
        if ((pools->farm & bit(amount->resource)) != 0
            && (free_of(stock) < amount->units || kept_from(stock, booker))) {
            return false;
        }
    }
    return true;
}

void hayi_pools_book(struct hayi_pools *pools,
                     uint32_t worker,
                     const struct hayi_variant *variant)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        struct hayi_stock *stock = stock_of(pools, worker, amount->resource);
        assert(stock != NULL && free_of(stock) >= amount->units);
        stock->held += amount->units;
    }
}

void hayi_pools_unbook(struct hayi_pools *pools,
                       uint32_t worker,
                       const struct hayi_variant *variant)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        struct hayi_stock *stock = stock_of(pools, worker, amount->resource);
        assert(stock != NULL && stock->held >= amount->units);
        stock->held -= amount->units;
        stock->shrunk = stock->shrunk && stock->held > stock->units;
    }
}

bool hayi_pools_keep(struct hayi_pools *pools,
                     const struct hayi_variant *variant,
                     struct hayi_booker booker)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        uint32_t resource = variant->amounts[i].resource;
        if ((pools->farm & bit(resource)) != 0
            && kept_from(&pools->farm_list[resource], booker)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        uint32_t resource = variant->amounts[i].resource;
        if ((pools->farm & bit(resource)) != 0) {
            pools->farm_list[resource].guard = booker.class;
            pools->farm_list[resource].guard_rank = booker.rank;
            pools->guards |= bit(resource);
        }
    }
    return true;
}

uint64_t hayi_pools_kept(const struct hayi_pools *pools, uint32_t class)
{
    uint64_t kept = 0;
    for (uint64_t left = pools->guards; left != 0; left &= left - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(left);
        kept |= pools->farm_list[r].guard == class ? bit(r) : 0;
    }
    return kept;
}

void hayi_pools_open(struct hayi_pools *pools, uint32_t class)
{
    for (uint32_t r = 0; r < HAYI_RESOURCE_MAX && pools->guards != 0; r++) {
        if (pools->farm_list[r].guard == class) {
            pools->farm_list[r].guard = 0;
            pools->guards &= ~bit(r);
        }
    }
}

size_t hayi_pools_bytes(const struct hayi_pools *pools)
{
    return pools->max * sizeof(*pools->workers)
           + (HAYI_RESOURCE_MAX + pools->stocks) * sizeof(struct hayi_stock);
}

void hayi_pools_check(const struct hayi_pools *pools)
{
    for (uint32_t w = 0; w < pools->max; w++) {
        const struct hayi_shelf *shelf = &pools->workers[w];
        for (uint32_t i = 0; i < shelf->count; i++) {
            assert(shelf->list[i].held <= shelf->list[i].units);
            assert((pools->farm & bit(shelf->list[i].resource)) == 0);
        }
    }
    for (uint32_t r = 0; r < HAYI_RESOURCE_MAX; r++) {
        const struct hayi_stock *stock = &pools->farm_list[r];
        assert(stock->held <= stock->units || stock->shrunk);
        assert(stock->held == 0 || (pools->farm & bit(r)) != 0);
        assert((stock->guard != 0) == ((pools->guards & bit(r)) != 0));
    }
}
