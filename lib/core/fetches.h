/* fetches.h - the moves of objects from node to node.
 *
 * Owns: a record for each fetch that is queued or flying, its number, the
 *     lines in which queued ones stand at nodes.
 * Never: chooses a sender.
 * Threads: one caller at a time.
 *
 * A fetch is one of an object's (by 'other') unless it is STRAY: its sender
 * was lost, another one will be asked, and the receiver has still to say how
 * this one ended.
 */
#ifndef HAYI_CORE_FETCHES_H
#define HAYI_CORE_FETCHES_H

#include "core/nodes.h"
#include "core/objects.h"

#define HAYI_FETCHES_BUCKETS 1024u

enum hayi_fetch_state {
    HAYI_FETCH_FREE = 0, /* the free list */
    HAYI_FETCH_QUEUED,   /* a line, or nobody's for a moment */
    HAYI_FETCH_FLYING,   /* the bucket of its number */
    HAYI_FETCH_STRAY,    /* the same */
};

struct hayi_fetch {
    hayi_object object;
    uint64_t bytes;
    uint64_t place; /* at the sender */
    uint32_t number;
    uint32_t thing; /* row of the object; 0 for a stray one */
    uint32_t from;  /* nodes, workers */
    uint32_t to;
    uint32_t from_worker;
    uint32_t to_worker;
    uint32_t next;  /* of the line, the bucket or the free list */
    uint32_t prev;  /* of the line */
    uint32_t other; /* next one of the object */
    uint32_t line;  /* 1 + node << 1 | is it the line of senders; 0: none */
    uint32_t tries; /* in vain, of workers of 'from' */
    uint8_t state;  /* enum hayi_fetch_state */
    bool keep;      /* the receiver shall not drop it to make room */
};

struct hayi_fetches {
    struct hayi_objects *objects;
    struct hayi_nodes *nodes;
    struct hayi_fetch *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t free;
    uint32_t live;
    uint32_t flying; /* stray ones too */
    uint32_t number; /* last one given */
    uint32_t *buckets;
};

/* HAY_ENOMEM.  objects, nodes: borrowed until fini. */
hay_status hayi_fetches_init(struct hayi_fetches *fetches,
                             struct hayi_objects *objects,
                             struct hayi_nodes *nodes);
void hayi_fetches_fini(struct hayi_fetches *fetches);
hay_status hayi_fetches_reserve(struct hayi_fetches *fetches, size_t more);

/* Queue a fetch, in no line yet; needs a reserve. */
uint32_t
hayi_fetches_add(struct hayi_fetches *fetches, uint32_t thing, uint32_t to);
/* The fetch of the object to the node; 0: none. */
uint32_t hayi_fetches_find(const struct hayi_fetches *fetches,
                           uint32_t thing,
                           uint32_t to);
/* The flying or stray fetch of this number; 0: none. */
uint32_t hayi_fetches_number(const struct hayi_fetches *fetches,
                             uint32_t number);
/* Queued to flying, under a new number. */
void hayi_fetches_fly(struct hayi_fetches *fetches,
                      uint32_t fetch,
                      uint32_t from,
                      uint64_t place);
/* Flying to queued, as if it had never flown. */
void hayi_fetches_ground(struct hayi_fetches *fetches, uint32_t fetch);
/* Flying to stray. */
void hayi_fetches_stray(struct hayi_fetches *fetches, uint32_t fetch);
/* Whatever it is, it is no more. */
void hayi_fetches_end(struct hayi_fetches *fetches, uint32_t fetch);

/* Put a queued one, which is in no line, into the line of a sender or of its
 * receiver; or take it out of its line. */
void hayi_fetches_line_up(struct hayi_fetches *fetches,
                          uint32_t fetch,
                          uint32_t node,
                          bool sender);
void hayi_fetches_step_out(struct hayi_fetches *fetches, uint32_t fetch);

size_t hayi_fetches_bytes(const struct hayi_fetches *fetches);
void hayi_fetches_check(const struct hayi_fetches *fetches);

static inline struct hayi_fetch *
hayi_fetch_at(const struct hayi_fetches *fetches, uint32_t index)
{
    return &fetches->list[index];
}

#endif
