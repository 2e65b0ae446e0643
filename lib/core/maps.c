/* maps.c - see maps.h.
 *
 * The length of a range.  Nothing measured: 1 item for the first ranges, one a
 * core, then twice as many for the next ones, and so on (only as many are
 * handed out as the workers may hold).  Measured: as many as take range_ns,
 * but no more than 8 times what was measured at once, since a first item may
 * be cheap.  Near the end: no more than half of each core's share (guided self
 * scheduling, Polychronopoulos and Kuck 1987), so that all end together.
 *
 * A range that came back keeps its row and is handed out first.  If it is
 * longer than what is wanted, a new row gets its front.
 */
#include "config.h"

#include "core/maps.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

#define GROWTH_MAX 8

void hayi_maps_init(struct hayi_maps *maps)
{
    *maps = (struct hayi_maps){.count = 1};
}

void hayi_maps_fini(struct hayi_maps *maps)
{
    free(maps->list);
    hayi_maps_init(maps);
}

hay_status hayi_maps_reserve(struct hayi_maps *maps)
{
    if (maps->free != 0) {
        return HAY_OK;
    }
    void *list = maps->list;
    if (!hayi_alloc_grow(
            &list, &maps->room, (size_t)maps->count + 1, sizeof(*maps->list))) {
        return HAY_ENOMEM;
    }
    maps->list = list;
    return HAY_OK;
}

uint32_t hayi_maps_take(struct hayi_maps *maps)
{
    uint32_t index = maps->free;
    if (index != 0) {
        maps->free = maps->list[index].back;
    } else {
        index = maps->count++;
    }
    maps->list[index] = (struct hayi_map){.used = true};
    maps->live++;
    return index;
}

void hayi_maps_give(struct hayi_maps *maps, uint32_t index)
{
    assert(maps->list[index].used);
    maps->list[index] = (struct hayi_map){.back = maps->free};
    maps->free = index;
    maps->live--;
}

uint64_t hayi_map_remaining(const struct hayi_map *map)
{
    return map->stopped ? 0 : map->count - map->cursor + map->back_items;
}

uint64_t hayi_map_open(const struct hayi_map *map)
{
    uint64_t open = map->shelved ? 0 : hayi_map_remaining(map);
    if (map->unread_max == 0 || open == 0) {
        return open;
    }
    uint64_t given = map->cursor - map->back_items;
    uint64_t unread = given > map->read ? given - map->read : 0;
    uint64_t room = map->unread_max > unread ? map->unread_max - unread : 0;
    return open < room ? open : room;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t
hayi_map_length(const struct hayi_map *map, uint64_t cores, uint64_t range_ns)
{
    uint64_t length;
    if (cores == 0) {
        cores = 1;
    }
    if (map->item_ns != 0) {
        length =
            least(range_ns * 256 / map->item_ns, map->largest * GROWTH_MAX);
    } else {
        uint64_t doublings = least(map->probes / cores, 10);
        length = (uint64_t)1 << doublings;
    }
    length = least(length, hayi_map_remaining(map) / (2 * cores) + 1);
    length = least(length, map->range_max);
    length = least(length, hayi_map_open(map));
    return length == 0 ? 1 : length;
}

void hayi_map_learn(struct hayi_map *map, uint64_t items, uint64_t run_ns)
{
    if (items == 0) {
        return;
    }
    uint64_t item_ns = least(run_ns, UINT64_MAX >> 12) * 256 / items;
    if (item_ns == 0) {
        item_ns = 1;
    }
    if (map->item_ns == 0 || items >= 2 * map->largest) {
        map->item_ns = item_ns; /* longer ranges tell better */
    } else {
        map->item_ns = (map->item_ns * 3 + item_ns + 3) / 4;
    }
    if (items > map->largest) {
        map->largest = items;
    }
}

void hayi_map_put_back(struct hayi_map *map,
                       struct hayi_table *table,
                       uint32_t index)
{
    struct hayi_row *row = hayi_table_row(table, index);
    uint32_t *link = &map->back;
    while (*link != 0 && hayi_table_row(table, *link)->first < row->first) {
        link = &hayi_table_row(table, *link)->next;
    }
    row->next = *link;
    *link = index;
    map->back_items += row->count;
}

void hayi_map_take(struct hayi_map *map,
                   struct hayi_table *table,
                   uint64_t length,
                   uint32_t *whole,
                   uint64_t *first,
                   uint64_t *count)
{
    *whole = 0;
    assert(length > 0);
    if (map->back == 0) {
        assert(length <= map->count - map->cursor);
        *first = map->cursor;
        *count = length;
        map->cursor += length;
        return;
    }
    struct hayi_row *row = hayi_table_row(table, map->back);
    *first = row->first;
    if (row->count <= length) {
        *whole = map->back;
        *count = row->count;
        map->back = row->next;
        row->next = 0;
    } else {
        *count = length;
        row->first += length;
        row->count -= length;
    }
    map->back_items -= *count;
}
