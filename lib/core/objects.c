/* objects.c - see objects.h.
 *
 * Three pools with free lists.  Replicas of an object are a chain: few nodes
 * hold one object, and most objects are on one node only.
 */
#include "config.h"

#include "core/objects.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_objects_init(struct hayi_objects *objects)
{
    *objects =
        (struct hayi_objects){.count = 1, .replica_count = 1, .want_count = 1};
}

void hayi_objects_fini(struct hayi_objects *objects)
{
    free(objects->list);
    free(objects->replicas);
    free(objects->wants);
    hayi_objects_init(objects);
}

hay_status hayi_objects_reserve(struct hayi_objects *objects,
                                size_t things,
                                size_t replicas,
                                size_t wants)
{
    if (objects->live + things >= UINT32_MAX / 2
        || objects->replica_live + replicas >= UINT32_MAX / 2
        || objects->want_live + wants >= UINT32_MAX / 2) {
        return HAY_ENOMEM;
    }
    void *list = objects->list;
    if (!hayi_alloc_grow(&list,
                         &objects->room,
                         (size_t)objects->live + 1 + things,
                         sizeof(*objects->list))) {
        return HAY_ENOMEM;
    }
    objects->list = list;
    list = objects->replicas;
    if (!hayi_alloc_grow(&list,
                         &objects->replica_room,
                         (size_t)objects->replica_live + 1 + replicas,
                         sizeof(*objects->replicas))) {
        return HAY_ENOMEM;
    }
    objects->replicas = list;
    list = objects->wants;
    if (wants > 0
        && !hayi_alloc_grow(&list,
                            &objects->want_room,
                            (size_t)objects->want_live + 1 + wants,
                            sizeof(*objects->wants))) {
        return HAY_ENOMEM;
    }
    objects->wants = list;
    return HAY_OK;
}

uint32_t hayi_objects_take(struct hayi_objects *objects)
{
    uint32_t index = objects->free;
    uint32_t generation = 1;
    if (index != 0) {
        objects->free = objects->list[index].next;
        generation = objects->list[index].generation;
    } else {
        assert(objects->count < objects->room);
        index = objects->count++;
    }
    objects->list[index] = (struct hayi_thing){
        .generation = generation,
        .used = true,
    };
    objects->live++;
    return index;
}

void hayi_objects_give(struct hayi_objects *objects, uint32_t index)
{
    struct hayi_thing *thing = &objects->list[index];
    assert(thing->used && !thing->listed);
    assert(thing->replicas == 0 && thing->wants == 0 && thing->fetches == 0);
    uint32_t generation = thing->generation + 1;
    *thing = (struct hayi_thing){
        .generation = generation == 0 ? 1 : generation,
        .next = objects->free,
    };
    objects->free = index;
    objects->live--;
}

uint32_t hayi_objects_find(const struct hayi_objects *objects,
                           hayi_object handle)
{
    uint32_t index = (uint32_t)handle;
    if (index == 0 || index >= objects->count || !objects->list[index].used
        || objects->list[index].generation != (uint32_t)(handle >> 32)) {
        return 0;
    }
    return index;
}

hayi_object hayi_objects_handle(const struct hayi_objects *objects,
                                uint32_t index)
{
    return (uint64_t)objects->list[index].generation << 32 | index;
}

struct hayi_replica *hayi_objects_on(const struct hayi_objects *objects,
                                     uint32_t index,
                                     uint32_t node)
{
    uint32_t i = objects->list[index].replicas;
    while (i != 0 && objects->replicas[i].node != node) {
        i = objects->replicas[i].next;
    }
    return i == 0 ? NULL : &objects->replicas[i];
}

static int by_place(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

size_t hayi_objects_unknown(const struct hayi_objects *objects,
                            uint32_t node,
                            uint64_t *places,
                            size_t count)
{
    size_t left = 0;
    bool *known = count == 0 ? NULL : hayi_alloc(count, sizeof(*known));
    if (known == NULL) {
        return 0;
    }
    qsort(places, count, sizeof(*places), by_place);
    for (uint32_t i = 1; i < objects->count; i++) {
        const struct hayi_replica *replica =
            objects->list[i].used ? hayi_objects_on(objects, i, node) : NULL;
        const uint64_t *at =
            replica == NULL
                ? NULL
                : bsearch(
                    &replica->place, places, count, sizeof(*places), by_place);
        if (at != NULL) {
            known[at - places] = true;
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!known[i]) {
            places[left++] = places[i];
        }
    }
    free(known);
    return left;
}

void hayi_objects_put(struct hayi_objects *objects,
                      uint32_t index,
                      uint32_t node,
                      uint64_t place)
{
    assert(hayi_objects_on(objects, index, node) == NULL);
    struct hayi_thing *thing = &objects->list[index];
    uint32_t i = objects->replica_free;
    if (i != 0) {
        objects->replica_free = objects->replicas[i].next;
    } else {
        assert(objects->replica_count < objects->replica_room);
        i = objects->replica_count++;
    }
    objects->replicas[i] = (struct hayi_replica){
        .place = place,
        .node = node,
        .next = thing->replicas,
    };
    thing->replicas = i;
    thing->copies++;
    thing->lost = false;
    thing->lost_by = 0;
    thing->tries = 0;
    objects->replica_live++;
}

void hayi_objects_strike(struct hayi_objects *objects,
                         uint32_t index,
                         uint32_t node)
{
    uint32_t *link = &objects->list[index].replicas;
    while (*link != 0 && objects->replicas[*link].node != node) {
        link = &objects->replicas[*link].next;
    }
    uint32_t i = *link;
    if (i == 0) {
        return;
    }
    *link = objects->replicas[i].next;
    objects->replicas[i] = (struct hayi_replica){.next = objects->replica_free};
    objects->replica_free = i;
    objects->replica_live--;
    objects->list[index].copies--;
}

void hayi_objects_want(struct hayi_objects *objects,
                       uint32_t index,
                       const struct hayi_want *want)
{
    uint32_t i = objects->want_free;
    if (i != 0) {
        objects->want_free = objects->wants[i].next;
    } else {
        assert(objects->want_count < objects->want_room);
        i = objects->want_count++;
    }
    uint32_t *link = &objects->list[index].wants;
    while (*link != 0) {
        link = &objects->wants[*link].next;
    }
    *link = i;
    objects->wants[i] = *want;
    objects->wants[i].next = 0;
    objects->want_live++;
}

void hayi_objects_unwant(struct hayi_objects *objects, uint32_t *link)
{
    uint32_t i = *link;
    *link = objects->wants[i].next;
    objects->wants[i] = (struct hayi_want){.next = objects->want_free};
    objects->want_free = i;
    objects->want_live--;
}

void hayi_objects_touch(struct hayi_objects *objects, uint32_t index)
{
    struct hayi_thing *thing = &objects->list[index];
    assert(thing->used);
    if (thing->listed) {
        return;
    }
    thing->listed = true;
    thing->next = 0;
    if (objects->last == 0) {
        objects->first = index;
    } else {
        objects->list[objects->last].next = index;
    }
    objects->last = index;
}

uint32_t hayi_objects_pop(struct hayi_objects *objects)
{
    uint32_t index = objects->first;
    if (index == 0) {
        return 0;
    }
    struct hayi_thing *thing = &objects->list[index];
    objects->first = thing->next;
    if (objects->first == 0) {
        objects->last = 0;
    }
    thing->next = 0;
    thing->listed = false;
    return index;
}

size_t hayi_objects_bytes(const struct hayi_objects *objects)
{
    return objects->room * sizeof(*objects->list)
           + objects->replica_room * sizeof(*objects->replicas)
           + objects->want_room * sizeof(*objects->wants);
}
