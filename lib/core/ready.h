/* ready.h - the ready tasks, in the order in which they should run.
 *
 * Owns: a level for each class, priority and depth that an unfinished task
 *     has, with its queue; for each class the order of its levels; the order
 *     of the classes.
 * Never: knows workers; who cannot be placed now is told by
 *     hayi_ready_block().
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_READY_H
#define HAYI_CORE_READY_H

#include "core/needs.h"
#include "core/table.h"

/* Order by priority, then by depth: tasks of higher rank go first. */
static inline int64_t hayi_rank(int32_t priority, uint16_t depth)
{
    return (int64_t)priority * 65536 + depth;
}

struct hayi_level {
    uint32_t class;
    int32_t priority;
    int64_t rank; /* of its priority and depth */
    uint16_t depth;
    uint32_t head; /* oldest row */
    uint32_t tail;
    uint32_t finger; /* where a row was put between others last; or 0 */
    uint32_t count;
    uint32_t refs;     /* unfinished tasks of this class and rank */
    uint32_t position; /* 1 + index in its class's heap; 0: empty */
    uint32_t chain;    /* next of the same bucket, or next free one */
};

/* The ready side of a class. */
struct hayi_turn {
    uint32_t *heap; /* its levels that are not empty, highest first */
    size_t room;
    uint32_t count;
    uint32_t levels;   /* that exist: room for so many is reserved */
    uint32_t last;     /* level found last */
    uint32_t position; /* 1 + index in the heap of classes; 0: not there */
    uint32_t next;     /* in a list of blocked ones */
    bool blocked;
    uint64_t lacking_ns;  /* since when no worker can meet its class */
    uint64_t stuck_age;   /* of the row that found no worker last, ... */
    uint64_t stuck_hands; /* ... hand-outs before that, see reserve.h */
    uint64_t stuck_ns;    /* ... and when that was first */
    int64_t rank;         /* of its first row, while in the heap of classes */
    uint64_t age;
};

struct hayi_ready {
    struct hayi_table *table;
    struct hayi_classes classes;
    struct hayi_turn *turns; /* by class */
    size_t turn_room;
    size_t turn_entries;       /* the room of all turns together */
    struct hayi_level *levels; /* 1 .. level_count-1 */
    size_t level_room;
    uint32_t level_count;
    uint32_t level_free;
    uint32_t *buckets;
    uint32_t bucket_count;
    uint32_t level_live;
    uint32_t *heap; /* classes that have ready rows and are not blocked */
    size_t heap_room;
    uint32_t heap_count;
    uint64_t rows; /* in all queues */
    uint64_t age;  /* last one given */
};

/* table: borrowed until fini. */
void hayi_ready_init(struct hayi_ready *ready, struct hayi_table *table);
void hayi_ready_fini(struct hayi_ready *ready);

/* The level for a new task, counted once more; hayi_ready_release() gives it
 * back.  Pushing needs no memory after that.  HAY_ENOMEM: unchanged. */
hay_status hayi_ready_level(struct hayi_ready *ready,
                            const struct hayi_needs *needs,
                            int32_t priority,
                            uint16_t depth,
                            uint32_t *level);
void hayi_ready_release(struct hayi_ready *ready, uint32_t level);

/* Put a row into the queue of its level, in the order of age; the first time
 * it gets its age.  True: its class is no longer blocked because of it. */
bool hayi_ready_push(struct hayi_ready *ready, uint32_t index);
void hayi_ready_remove(struct hayi_ready *ready, uint32_t index);

/* The class whose turn it is; 0: none. */
static inline uint32_t hayi_ready_class(const struct hayi_ready *ready)
{
    return ready->heap_count == 0 ? 0 : ready->heap[0];
}

/* The first row of a class; 0: none. */
uint32_t hayi_ready_first(const struct hayi_ready *ready, uint32_t class);

/* Leave a class out, in the list *list, until hayi_ready_unblock(list). */
void hayi_ready_block(struct hayi_ready *ready, uint32_t class, uint32_t *list);
void hayi_ready_unblock(struct hayi_ready *ready, uint32_t *list);

static inline const struct hayi_needs *
hayi_ready_needs(const struct hayi_ready *ready, uint32_t level)
{
    return &ready->classes.list[ready->levels[level].class].needs;
}

size_t hayi_ready_bytes(const struct hayi_ready *ready);
/* Asserts that queues, heaps and counts are whole. */
void hayi_ready_check(const struct hayi_ready *ready);

#endif
