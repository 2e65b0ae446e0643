/* idmap.c - see idmap.h.
 *
 * Open addressing, at most half full while it grows; what is taken out leaves
 * no mark, since the ones behind it move up (Knuth, TAOCP 3, 6.4, algorithm R).
 */
#include "config.h"

#include "base/idmap.h"

#include "base/philox.h"

#include <assert.h>
#include <stdlib.h>

enum { ROOM_LEAST = 64 };

void hayi_idmap_fini(struct hayi_idmap *map)
{
    free(map->slots);
    *map = (struct hayi_idmap){0};
}

static size_t home(const struct hayi_idmap *map, uint64_t id)
{
    return (size_t)hayi_mix64(id) & (map->room - 1);
}

/* Where it is, or where it would go. */
static size_t find(const struct hayi_idmap *map, uint64_t id)
{
    size_t at = home(map, id);
    while (map->slots[at].id != 0 && map->slots[at].id != id) {
        at = (at + 1) & (map->room - 1);
    }
    return at;
}

static bool grow(struct hayi_idmap *map)
{
    struct hayi_idmap wide = {.room =
                                  map->room == 0 ? ROOM_LEAST : 2 * map->room};
    wide.slots = calloc(wide.room, sizeof(*wide.slots));
    if (wide.slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < map->room; i++) {
        if (map->slots[i].id != 0) {
            wide.slots[find(&wide, map->slots[i].id)] = map->slots[i];
        }
    }
    wide.count = map->count;
    free(map->slots);
    *map = wide;
    return true;
}

bool hayi_idmap_put(struct hayi_idmap *map, uint64_t id, void *value)
{
    assert(id != 0);
    if (2 * map->count >= map->room && !grow(map)
        && map->count + 1 >= map->room) {
        return false;
    }
    size_t at = find(map, id);
    assert(map->slots[at].id == 0);
    map->slots[at] = (struct hayi_idmap_slot){id, value};
    map->count++;
    return true;
}

void *hayi_idmap_get(const struct hayi_idmap *map, uint64_t id)
{
    if (map->room == 0 || id == 0) {
        return NULL;
    }
    size_t at = find(map, id);
    return map->slots[at].id == id ? map->slots[at].value : NULL;
}

void *hayi_idmap_take(struct hayi_idmap *map, uint64_t id)
{
    if (map->room == 0 || id == 0) {
        return NULL;
    }
    size_t hole = find(map, id);
    if (map->slots[hole].id != id) {
        return NULL;
    }
    void *value = map->slots[hole].value;
    size_t mask = map->room - 1;
    for (size_t at = (hole + 1) & mask; map->slots[at].id != 0;
         at = (at + 1) & mask) {
        /* May it stand in the hole: is its home not behind it? */
        if (((at - home(map, map->slots[at].id)) & mask)
            >= ((at - hole) & mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = (struct hayi_idmap_slot){0, NULL};
    map->count--;
    return value;
}

void *hayi_idmap_any(const struct hayi_idmap *map)
{
    for (size_t i = 0; map->count > 0 && i < map->room; i++) {
        if (map->slots[i].id != 0) {
            return map->slots[i].value;
        }
    }
    return NULL;
}
