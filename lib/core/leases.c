/* leases.c - see leases.h. */
#include "config.h"

#include "core/leases.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_leases_init(struct hayi_leases *leases)
{
    *leases = (struct hayi_leases){.count = 1};
}

void hayi_leases_fini(struct hayi_leases *leases)
{
    free(leases->list);
    free(leases->rows);
    hayi_leases_init(leases);
}

hay_status hayi_leases_reserve(struct hayi_leases *leases, uint32_t row)
{
    void *rows = leases->rows;
    if (!hayi_alloc_grow(
            &rows, &leases->row_room, (size_t)row + 1, sizeof(*leases->rows))) {
        return HAY_ENOMEM;
    }
    leases->rows = rows;
    if (leases->free != 0) {
        return HAY_OK;
    }
    void *list = leases->list;
    if (!hayi_alloc_grow(&list,
                         &leases->room,
                         (size_t)leases->count + 1,
                         sizeof(*leases->list))) {
        return HAY_ENOMEM;
    }
    leases->list = list;
    return HAY_OK;
}

struct hayi_lease *hayi_leases_add(struct hayi_leases *leases, uint32_t row)
{
    uint32_t i = leases->free;
    assert(row < leases->row_room && leases->rows[row] == 0);
    if (i != 0) {
        leases->free = leases->list[i].chain;
    } else {
        i = leases->count++;
    }
    leases->list[i] = (struct hayi_lease){.chain = 0};
    leases->rows[row] = i;
    leases->live++;
    return &leases->list[i];
}

void hayi_leases_swap(struct hayi_leases *leases, uint32_t a, uint32_t b)
{
    if (hayi_lease_is(leases, a) && hayi_lease_is(leases, b)) {
        uint32_t i = leases->rows[a];
        leases->rows[a] = leases->rows[b];
        leases->rows[b] = i;
    }
}

void hayi_leases_drop(struct hayi_leases *leases, uint32_t row)
{
    uint32_t i = leases->rows[row];
    assert(i != 0);
    leases->rows[row] = 0;
    leases->list[i].chain = leases->free;
    leases->free = i;
    leases->live--;
}

size_t hayi_leases_bytes(const struct hayi_leases *leases)
{
    return leases->room * sizeof(*leases->list)
           + leases->row_room * sizeof(*leases->rows);
}
