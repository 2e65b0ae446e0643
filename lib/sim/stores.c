/* stores.c - see stores.h.
 *
 * Places and flights are never used twice: what comes late meets what it was
 * meant for.  A node whose last worker has died has nothing any more, while
 * the core may not know of it yet; what it asks of the dead breaks no rule.
 */
#include "config.h"

#include "sim/stores.h"

#include <stdlib.h>
#include <string.h>

hay_status hayi_stores_init(struct hayi_stores *stores,
                            uint32_t worker_count,
                            uint32_t node_count)
{
    *stores = (struct hayi_stores){
        .worker_count = worker_count,
        .node_count = node_count == 0 ? 1 : node_count,
    };
    stores->node_of = calloc(worker_count, sizeof stores->node_of[0]);
    stores->lost = calloc(worker_count, sizeof stores->lost[0]);
    stores->known = calloc(worker_count, sizeof stores->known[0]);
    stores->memory = calloc(stores->node_count, sizeof stores->memory[0]);
    stores->told = calloc(stores->node_count, sizeof stores->told[0]);
    if (stores->node_of == NULL || stores->lost == NULL || stores->known == NULL
        || stores->memory == NULL || stores->told == NULL) {
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < worker_count; i++) {
        stores->node_of[i] = i % stores->node_count;
    }
    return HAY_OK;
}

void hayi_stores_fini(struct hayi_stores *stores)
{
    free(stores->node_of);
    free(stores->lost);
    free(stores->known);
    free(stores->memory);
    free(stores->told);
    free(stores->places);
    free(stores->first);
    free(stores->flights);
    *stores = (struct hayi_stores){.node_count = 1};
}

static uint32_t node_of(const struct hayi_stores *stores, uint32_t worker)
{
    return worker == HAYI_MANAGER_SELF ? 0 : stores->node_of[worker];
}

static bool lost(const struct hayi_stores *stores, uint32_t worker)
{
    return worker != HAYI_MANAGER_SELF && stores->lost[worker];
}

bool hayi_stores_there(const struct hayi_stores *stores, uint32_t node)
{
    for (uint32_t w = node; w < stores->worker_count; w++) {
        if (stores->node_of[w] == node && !stores->lost[w]) {
            return true;
        }
    }
    return node == 0;
}

static void gone(struct hayi_stores *stores, struct hayi_sim_place *place)
{
    uint64_t *memory = &stores->memory[place->node];
    place->there = false;
    *memory -= place->bytes < *memory ? place->bytes : *memory;
}

uint64_t hayi_stores_add(struct hayi_stores *stores,
                         uint32_t node,
                         uint64_t bytes,
                         hayi_object object)
{
    if (stores->place_count + 1 >= stores->place_room) {
        size_t room = stores->place_room * 2 + 64;
        struct hayi_sim_place *places =
            realloc(stores->places, room * sizeof places[0]);
        if (places == NULL) {
            return 0;
        }
        stores->places = places;
        stores->place_room = room;
    }
    stores->places[++stores->place_count] = (struct hayi_sim_place){
        .node = node,
        .there = hayi_stores_there(stores, node),
        .bytes = bytes,
    };
    stores->memory[node] += bytes;
    if (object != 0
        && hayi_stores_name(stores, stores->place_count, object) != HAY_OK) {
        return 0;
    }
    return stores->place_count;
}

hay_status
hayi_stores_name(struct hayi_stores *stores, uint64_t at, hayi_object object)
{
    size_t row = (uint32_t)object;
    struct hayi_sim_place *place = &stores->places[at];
    if (object == 0) {
        gone(stores, place);
        return HAY_OK;
    }
    if (row >= stores->first_room) {
        size_t room = row * 2 + 64;
        uint64_t *first = realloc(stores->first, room * sizeof first[0]);
        if (first == NULL) {
            return HAY_ENOMEM;
        }
        memset(first + stores->first_room,
               0,
               (room - stores->first_room) * sizeof first[0]);
        stores->first = first;
        stores->first_room = room;
    }
    place->object = object;
    place->next = stores->first[row];
    stores->first[row] = at;
    return HAY_OK;
}

/* The first copy of the object after *link; what is no more is taken out. */
static struct hayi_sim_place *
next_copy(struct hayi_stores *stores, uint64_t **link, hayi_object object)
{
    while (**link != 0) {
        struct hayi_sim_place *place = &stores->places[**link];
        if (!place->there) {
            **link = place->next;
            continue;
        }
        *link = &place->next;
        if (place->object == object) {
            return place;
        }
    }
    return NULL;
}

bool hayi_stores_on(struct hayi_stores *stores,
                    uint32_t node,
                    hayi_object object)
{
    uint64_t *link = &stores->first[(uint32_t)object];
    const struct hayi_sim_place *place = next_copy(stores, &link, object);
    while (place != NULL && place->node != node) {
        place = next_copy(stores, &link, object);
    }
    return place != NULL;
}

bool hayi_stores_has(struct hayi_stores *stores,
                     uint32_t worker,
                     hayi_object object)
{
    return hayi_stores_on(stores, stores->node_of[worker], object);
}

bool hayi_stores_anywhere(struct hayi_stores *stores, hayi_object object)
{
    uint64_t *link = &stores->first[(uint32_t)object];
    const struct hayi_sim_place *place = next_copy(stores, &link, object);
    while (place != NULL && place->struck) {
        place = next_copy(stores, &link, object);
    }
    return place != NULL;
}

const char *hayi_stores_fetch(struct hayi_stores *stores,
                              uint64_t now_ns,
                              const struct hayi_action *action)
{
    uint64_t at = action->u.fetch.place;
    uint32_t from = action->u.fetch.from;
    uint32_t to = action->u.fetch.to;
    if (at == 0 || at > stores->place_count) {
        return "a fetch from a place that never was";
    }
    struct hayi_sim_place *place = &stores->places[at];
    if (node_of(stores, from) != place->node
        || node_of(stores, to) == place->node) {
        return "a fetch between the wrong nodes";
    }
    if (!place->there && hayi_stores_there(stores, place->node)) {
        return "a fetch from a place that is no more";
    }
    if (stores->flight_count == stores->flight_room) {
        size_t room = stores->flight_room * 2 + 64;
        struct hayi_sim_flight *flights =
            realloc(stores->flights, room * sizeof flights[0]);
        if (flights == NULL) {
            return "the simulator has no memory";
        }
        stores->flights = flights;
        stores->flight_room = room;
    }
    place->readers++;
    stores->flights[stores->flight_count++] = (struct hayi_sim_flight){
        .transfer = action->u.fetch.transfer,
        .from = from,
        .to = to,
        .place = at,
        .begin_ns = now_ns,
        .object = action->u.fetch.object,
    };
    return NULL;
}

const char *hayi_stores_drop(struct hayi_stores *stores,
                             const struct hayi_action *action)
{
    uint64_t at = action->u.drop.place;
    if (at == 0 || at > stores->place_count) {
        return "a drop of a place that never was";
    }
    struct hayi_sim_place *place = &stores->places[at];
    if (place->node != action->u.drop.node
        || node_of(stores, action->u.drop.worker) != place->node) {
        return "a drop on the wrong node";
    }
    if (!hayi_stores_there(stores, place->node)) {
        return NULL;
    }
    if (!place->there) {
        return "a drop of a place that is no more";
    }
    if (place->readers > 0) {
        return "a drop of a place that is read";
    }
    gone(stores, place);
    stores->dropped++;
    return NULL;
}

/* Is another worker there that the core knows and that lives? */
static bool
others(const struct hayi_stores *stores, uint32_t node, uint32_t worker)
{
    for (uint32_t w = node; w < stores->worker_count; w++) {
        if (stores->node_of[w] == node && w != worker && stores->known[w]
            && !stores->lost[w]) {
            return true;
        }
    }
    return false;
}

bool hayi_stores_land(struct hayi_stores *stores,
                      uint32_t flight_index,
                      uint64_t now_ns,
                      struct hayi_dice *dice,
                      struct hayi_event *event)
{
    const struct hayi_sim_flight flight = stores->flights[flight_index];
    struct hayi_sim_place *place = &stores->places[flight.place];
    bool sent = place->there && !lost(stores, flight.from);

    place->readers -= flight.over ? 0 : 1;
    stores->flights[flight_index].over = true;
    if (lost(stores, flight.to)) {
        return false;
    }
    *event = (struct hayi_event){.kind = HAYI_EVENT_MOVED};
    event->u.moved.transfer = flight.transfer;
    event->u.moved.run_ns = now_ns - flight.begin_ns;
    if (!sent) {
        event->u.moved.status = HAY_EFARM;
        place->struck =
            place->struck || !others(stores, place->node, flight.from);
        stores->broken++;
    } else if (hayi_dice_chance(dice, stores->full_permille)) {
        event->u.moved.status = HAY_EIO;
        stores->full++;
    } else {
        event->u.moved.place = hayi_stores_add(
            stores, node_of(stores, flight.to), place->bytes, flight.object);
        stores->fetched++;
    }
    return true;
}

bool hayi_stores_make_room(struct hayi_stores *stores,
                           hayi_object object,
                           struct hayi_event *event)
{
    struct hayi_sim_place *found = NULL;
    uint32_t copies = 0;
    uint64_t *link = &stores->first[(uint32_t)object];
    struct hayi_sim_place *place = next_copy(stores, &link, object);
    for (; place != NULL; place = next_copy(stores, &link, object)) {
        copies++;
        if (place->readers == 0) {
            found = place;
        }
    }
    if (copies < 2 || found == NULL) {
        return false;
    }
    gone(stores, found);
    *event = (struct hayi_event){.kind = HAYI_EVENT_GONE};
    event->u.gone.node = found->node;
    event->u.gone.object = object;
    return true;
}

void hayi_stores_lose(struct hayi_stores *stores, uint32_t worker)
{
    uint32_t node = stores->node_of[worker];
    stores->lost[worker] = true;
    if (hayi_stores_there(stores, node)) {
        return;
    }
    stores->memory[node] = 0;
    stores->told[node] = 0;
    for (size_t i = 1; i <= stores->place_count; i++) {
        if (stores->places[i].node == node) {
            stores->places[i].there = false;
        }
    }
}

/* Does the core know of anybody on the node? */
static bool known(const struct hayi_stores *stores, uint32_t node)
{
    for (uint32_t w = node; w < stores->worker_count; w++) {
        if (stores->node_of[w] == node && stores->known[w]) {
            return true;
        }
    }
    return node == 0;
}

void hayi_stores_fence(struct hayi_stores *stores, uint32_t worker)
{
    uint32_t node = stores->node_of[worker];
    bool left = false;
    stores->known[worker] = false;
    left = known(stores, node);
    for (size_t i = 1; i <= stores->place_count && !left; i++) {
        if (stores->places[i].node == node) {
            stores->places[i].struck = true;
        }
    }
    for (size_t i = 0; i < stores->flight_count; i++) {
        struct hayi_sim_flight *flight = &stores->flights[i];
        if ((flight->to == worker || flight->from == worker) && !flight->over) {
            flight->over = true;
            stores->places[flight->place].readers--;
        }
    }
}

bool hayi_stores_pressure(struct hayi_stores *stores,
                          uint32_t node,
                          struct hayi_event *event)
{
    if (stores->memory_limit == 0 || !hayi_stores_there(stores, node)) {
        return false;
    }
    uint64_t tenths = stores->memory[node] * 20 / stores->memory_limit;
    uint32_t permille = (uint32_t)(tenths > 40 ? 40 : tenths) * 50;
    if (permille == stores->told[node]) {
        return false;
    }
    stores->told[node] = permille;
    stores->pressed += permille >= 800 ? 1 : 0;
    *event = (struct hayi_event){.kind = HAYI_EVENT_MEMORY};
    event->u.memory.node = node;
    event->u.memory.used_permille = permille;
    return true;
}

void hayi_stores_spill(struct hayi_stores *stores, uint32_t node)
{
    stores->memory[node] /= 2;
}
