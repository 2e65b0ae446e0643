/* objects.h - what is known of each object: its bytes, who needs it, where.
 *
 * Owns: the rows of objects, their replicas, what the client wants of them.
 * Never: decides anything; the lists of fetches and of tasks that begin at an
 *     object are the other modules'.
 * Threads: one caller at a time.
 *
 * A row is known inside by its index (0 is none), outside by a handle of index
 * and generation.  It lives while somebody holds, uses or descends from it.
 */
#ifndef HAYI_CORE_OBJECTS_H
#define HAYI_CORE_OBJECTS_H

#include "core/sched.h"

struct hayi_replica {
    uint64_t place;
    uint32_t node;
    uint32_t next; /* of the same object, or next free one */
    bool loose;    /* the node may drop it to make room */
};

/* The client wants an object on a node. */
struct hayi_want {
    uint64_t cookie;
    uint32_t node;
    uint32_t next; /* of the same object, or next free one */
    bool move;
};

struct hayi_thing {
    uint64_t bytes;
    uint32_t generation;
    uint32_t holds;    /* futures */
    uint32_t users;    /* unfinished tasks that list it, remade ones too */
    uint32_t kin;      /* recipes that list it */
    uint32_t maker;    /* recipe that makes it again; 0: none */
    uint32_t replicas; /* the last one noted comes first */
    uint32_t copies;   /* how many */
    uint32_t fetches;  /* queued and flying ones, see fetches.h */
    uint32_t flying;   /* of them */
    uint32_t wants;
    uint32_t waiters; /* tasks that wait until it is made again */
    uint32_t next;    /* in the list of those to settle, or of free ones */
    uint32_t lost_by; /* 1 + worker whose loss took the last copy; or 0 */
    uint32_t move_to; /* 1 + node; 0 */
    bool used;
    bool soft;
    bool listed;   /* to be settled */
    bool lost;     /* no copy, and it cannot be made again */
    uint8_t tries; /* to bring it to a node that stays, see leave.c */
};

struct hayi_objects {
    struct hayi_thing *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t free;
    uint32_t live;
    struct hayi_replica *replicas;
    size_t replica_room;
    uint32_t replica_count;
    uint32_t replica_free;
    uint32_t replica_live;
    struct hayi_want *wants;
    size_t want_room;
    uint32_t want_count;
    uint32_t want_free;
    uint32_t want_live;
    uint32_t first; /* to be settled */
    uint32_t last;
};

void hayi_objects_init(struct hayi_objects *objects);
void hayi_objects_fini(struct hayi_objects *objects);

/* Room for so many further ones.  HAY_ENOMEM. */
hay_status hayi_objects_reserve(struct hayi_objects *objects,
                                size_t things,
                                size_t replicas,
                                size_t wants);
/* A new row; needs a reserve. */
uint32_t hayi_objects_take(struct hayi_objects *objects);
/* Its handle goes stale.  It has neither replicas nor wants any more. */
void hayi_objects_give(struct hayi_objects *objects, uint32_t index);
/* The index of a handle's row; 0 if it is stale. */
uint32_t hayi_objects_find(const struct hayi_objects *objects,
                           hayi_object handle);
hayi_object hayi_objects_handle(const struct hayi_objects *objects,
                                uint32_t index);

/* The replica on a node; NULL: none. */
struct hayi_replica *hayi_objects_on(const struct hayi_objects *objects,
                                     uint32_t index,
                                     uint32_t node);
/* Of places[count] on a node, none of them twice, those where there is no
 * replica: put to the front, sorted; how many.  0 as well if memory is short.
 */
size_t hayi_objects_unknown(const struct hayi_objects *objects,
                            uint32_t node,
                            uint64_t *places,
                            size_t count);
/* Note a replica on a node where there is none; needs a reserve. */
void hayi_objects_put(struct hayi_objects *objects,
                      uint32_t index,
                      uint32_t node,
                      uint64_t place);
/* Strike the replica on a node off, if there is one. */
void hayi_objects_strike(struct hayi_objects *objects,
                         uint32_t index,
                         uint32_t node);

/* Add a want; needs a reserve. */
void hayi_objects_want(struct hayi_objects *objects,
                       uint32_t index,
                       const struct hayi_want *want);
/* Take the want at *link out of its object's list. */
void hayi_objects_unwant(struct hayi_objects *objects, uint32_t *link);

/* Put the object at the end of those to settle, unless it is there. */
void hayi_objects_touch(struct hayi_objects *objects, uint32_t index);
/* Take the first one out of there; 0: none. */
uint32_t hayi_objects_pop(struct hayi_objects *objects);

size_t hayi_objects_bytes(const struct hayi_objects *objects);

static inline struct hayi_thing *
hayi_object_at(const struct hayi_objects *objects, uint32_t index)
{
    return &objects->list[index];
}

#endif
