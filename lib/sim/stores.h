/* stores.h - the stores of the simulated nodes: what truly lies where, and what
 * is under way.
 *
 * Owns: places, fetches under way, which worker lives where.
 * Never: decides anything.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_STORES_H
#define HAYI_SIM_STORES_H

#include "core/sched.h"
#include "sim/dice.h"

struct hayi_sim_place {
    hayi_object object;
    uint32_t node;
    uint32_t readers; /* fetches under way from here */
    uint64_t next;    /* place of an object with the same row */
    uint64_t bytes;
    bool there;
    bool struck; /* for the core it is no more: a fetch from the last one that
                    lived here broke, or nobody was left here that it knew */
};

struct hayi_sim_flight {
    uint32_t transfer;
    uint32_t from, to; /* workers, or HAYI_MANAGER_SELF */
    uint64_t place;
    uint64_t begin_ns;
    hayi_object object;
    bool over; /* or one of the two is fenced: nothing is read any more */
};

struct hayi_stores {
    uint32_t *node_of; /* [worker_count] */
    bool *lost;        /* [worker_count] */
    bool *known;       /* [worker_count]: the core counts it as there */
    uint32_t worker_count;
    uint32_t node_count;
    struct hayi_sim_place *places; /* 1 .. place_count */
    size_t place_count;
    size_t place_room;
    struct hayi_sim_flight *flights; /* 0 .. flight_count-1, never reused */
    size_t flight_count;
    size_t flight_room;
    uint64_t *first; /* place, by the row of the object */
    size_t first_room;
    uint64_t *memory;       /* [node_count]: bytes that no disk has taken */
    uint32_t *told;         /* [node_count]: permille that the core knows */
    uint64_t memory_limit;  /* of each node; 0: none */
    uint64_t pressed;       /* times that a node was nearly full, or fuller */
    uint32_t full_permille; /* so often a receiver has no room */
    uint64_t fetched, dropped, full, broken;
};

/* Workers live on nodes 0 .. node_count-1 in turn; the manager on 0.
 * HAY_ENOMEM. */
hay_status hayi_stores_init(struct hayi_stores *stores,
                            uint32_t worker_count,
                            uint32_t node_count);
void hayi_stores_fini(struct hayi_stores *stores);

/* A new place; 0: memory is short.  object: may be filled in later. */
uint64_t hayi_stores_add(struct hayi_stores *stores,
                         uint32_t node,
                         uint64_t bytes,
                         hayi_object object);
/* The object in a place that was added without; 0: it is nobody's.
 * HAY_ENOMEM. */
hay_status hayi_stores_name(struct hayi_stores *stores,
                            uint64_t place,
                            hayi_object object);
/* Is the object on the worker's node? */
bool hayi_stores_has(struct hayi_stores *stores,
                     uint32_t worker,
                     hayi_object object);
/* Is it there, or on any node at all, as far as the core knows? */
bool hayi_stores_on(struct hayi_stores *stores,
                    uint32_t node,
                    hayi_object object);
bool hayi_stores_anywhere(struct hayi_stores *stores, hayi_object object);
/* Is anybody on the node who could have or get one? */
bool hayi_stores_there(const struct hayi_stores *stores, uint32_t node);
/* What the core asks for.  NULL: that is right; else the rule it breaks. */
const char *hayi_stores_fetch(struct hayi_stores *stores,
                              uint64_t now_ns,
                              const struct hayi_action *action);
const char *hayi_stores_drop(struct hayi_stores *stores,
                             const struct hayi_action *action);
/* A fetch is over: the event that tells it.  false: nobody is left to. */
bool hayi_stores_land(struct hayi_stores *stores,
                      uint32_t flight,
                      uint64_t now_ns,
                      struct hayi_dice *dice,
                      struct hayi_event *event);
/* A node drops one of several copies of the object; false: none may go. */
bool hayi_stores_make_room(struct hayi_stores *stores,
                           hayi_object object,
                           struct hayi_event *event);
/* A node's memory has filled or emptied so far that the core is told: the
 * event; false: it need not be. */
bool hayi_stores_pressure(struct hayi_stores *stores,
                          uint32_t node,
                          struct hayi_event *event);
/* Half of what is in its memory goes to the disk. */
void hayi_stores_spill(struct hayi_stores *stores, uint32_t node);
void hayi_stores_lose(struct hayi_stores *stores, uint32_t worker);
/* The core counts it as lost: what it sends, or is to get, is not read any
 * more. */
void hayi_stores_fence(struct hayi_stores *stores, uint32_t worker);

#endif
