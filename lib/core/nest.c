/* nest.c - see nest.h. */
#include "config.h"

#include "core/nest.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_nest_init(struct hayi_nest *nest)
{
    *nest = (struct hayi_nest){.chunks = NULL};
}

void hayi_nest_fini(struct hayi_nest *nest)
{
    for (size_t i = 0; i < nest->chunk_room; i++) {
        free(nest->chunks[i]);
    }
    free(nest->chunks);
    hayi_nest_init(nest);
}

hay_status hayi_nest_reserve(struct hayi_nest *nest, uint32_t index)
{
    size_t chunk = index >> HAYI_TABLE_CHUNK_SHIFT;
    void *list = nest->chunks;
    if (!hayi_alloc_grow(
            &list, &nest->chunk_room, chunk + 1, sizeof(*nest->chunks))) {
        return HAY_ENOMEM;
    }
    nest->chunks = list;
    if (nest->chunks[chunk] == NULL) {
        nest->chunks[chunk] =
            hayi_alloc(HAYI_TABLE_CHUNK, sizeof(struct hayi_kin));
        if (nest->chunks[chunk] == NULL) {
            return HAY_ENOMEM;
        }
        nest->chunk_count++;
    }
    return HAY_OK;
}

struct hayi_kin *
hayi_nest_open(struct hayi_nest *nest, struct hayi_table *table, uint32_t index)
{
    struct hayi_row *row = hayi_table_row(table, index);
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    if (!row->nested) {
        row->nested = true;
        *kin = (struct hayi_kin){.parent = 0};
    }
    return kin;
}

void hayi_nest_adopt(struct hayi_nest *nest, uint32_t parent, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    struct hayi_kin *above = hayi_kin_at(nest, parent);
    kin->parent = parent;
    kin->next = 0;
    kin->prev = above->last;
    if (above->last == 0) {
        above->first = index;
    } else {
        hayi_kin_at(nest, above->last)->next = index;
    }
    above->last = index;
}

void hayi_nest_leave(struct hayi_nest *nest, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    uint32_t parent = kin->parent;
    if (parent != 0) {
        struct hayi_kin *above = hayi_kin_at(nest, parent);
        if (kin->prev == 0) {
            above->first = kin->next;
        } else {
            hayi_kin_at(nest, kin->prev)->next = kin->next;
        }
        if (kin->next == 0) {
            above->last = kin->prev;
        } else {
            hayi_kin_at(nest, kin->next)->prev = kin->prev;
        }
    }
    while (kin->first != 0) {
        uint32_t child = kin->first;
        struct hayi_kin *below = hayi_kin_at(nest, child);
        kin->first = below->next;
        below->next = 0;
        below->prev = 0;
        below->parent = 0;
        if (parent != 0) {
            hayi_nest_adopt(nest, parent, child);
        }
    }
    kin->last = 0;
    kin->parent = 0;
    kin->next = 0;
    kin->prev = 0;
}

void hayi_nest_wait(struct hayi_nest *nest, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    assert((kin->flags & HAYI_KIN_SUSPENDED) == 0);
    kin->flags |= HAYI_KIN_SUSPENDED;
    kin->wait_next = 0;
    kin->wait_prev = nest->wait_last;
    if (nest->wait_last == 0) {
        nest->wait_first = index;
    } else {
        hayi_kin_at(nest, nest->wait_last)->wait_next = index;
    }
    nest->wait_last = index;
    nest->waiting++;
}

void hayi_nest_go_on(struct hayi_nest *nest, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    assert((kin->flags & HAYI_KIN_SUSPENDED) != 0);
    kin->flags &= (uint8_t) ~(HAYI_KIN_SUSPENDED | HAYI_KIN_SEVERAL);
    if (kin->wait_prev == 0) {
        nest->wait_first = kin->wait_next;
    } else {
        hayi_kin_at(nest, kin->wait_prev)->wait_next = kin->wait_next;
    }
    if (kin->wait_next == 0) {
        nest->wait_last = kin->wait_prev;
    } else {
        hayi_kin_at(nest, kin->wait_next)->wait_prev = kin->wait_prev;
    }
    nest->waiting--;
}

void hayi_nest_kill(struct hayi_nest *nest, uint32_t index, bool force)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    uint32_t flags = HAYI_KIN_KILLED | (force ? HAYI_KIN_FORCED : 0u);
    if ((kin->flags & flags) == flags) {
        return;
    }
    kin->flags |= (uint8_t)flags;
    if (kin->kill_listed) {
        return;
    }
    kin->kill_listed = true;
    kin->kill_next = 0;
    kin->kill_prev = nest->kill_last;
    if (nest->kill_last == 0) {
        nest->kill_first = index;
    } else {
        hayi_kin_at(nest, nest->kill_last)->kill_next = index;
    }
    nest->kill_last = index;
}

void hayi_nest_spare(struct hayi_nest *nest, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    if (!kin->kill_listed) {
        return;
    }
    kin->kill_listed = false;
    if (kin->kill_prev == 0) {
        nest->kill_first = kin->kill_next;
    } else {
        hayi_kin_at(nest, kin->kill_prev)->kill_next = kin->kill_next;
    }
    if (kin->kill_next == 0) {
        nest->kill_last = kin->kill_prev;
    } else {
        hayi_kin_at(nest, kin->kill_next)->kill_prev = kin->kill_prev;
    }
}

void hayi_nest_claim(struct hayi_nest *nest, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    if (!kin->claim_listed) {
        kin->claim_listed = true;
        kin->claim_next = nest->claim_first;
        nest->claim_first = index;
    }
}

uint32_t hayi_nest_claim_pop(struct hayi_nest *nest)
{
    uint32_t index = nest->claim_first;
    struct hayi_kin *kin = hayi_kin_at(nest, index);
    nest->claim_first = kin->claim_next;
    kin->claim_listed = false;
    return index;
}

size_t hayi_nest_bytes(const struct hayi_nest *nest)
{
    return nest->chunk_room * sizeof(*nest->chunks)
           + nest->chunk_count * HAYI_TABLE_CHUNK * sizeof(struct hayi_kin);
}
