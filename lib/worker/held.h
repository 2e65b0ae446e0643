/* held.h - the attempts that a worker holds: rows, found by handle, the queue
 * of those that have no slot yet, and that of those that want one again.
 *
 * Owns: the rows, the hash that finds them, the queues' levels.
 * Never: decides anything.
 * Threads: one at a time.
 *
 * Rows are named by index, since the table moves when it grows.  A row is in
 * one list at a time: of a level of a queue, or of a slot; one that is
 * suspended is in none.
 */
#ifndef HAYI_WORKER_HELD_H
#define HAYI_WORKER_HELD_H

#include "core/sched.h"

#define HAYI_HELD_NONE UINT32_MAX

enum hayi_held_state {
    HAYI_HELD_FREE = 0, /* the row is not in use */
    HAYI_HELD_QUEUED,
    HAYI_HELD_IN_SLOT,   /* the first of its slot runs, the others wait */
    HAYI_HELD_SUSPENDED, /* it waits for something, without cores */
    HAYI_HELD_WAKING,    /* that is there: it wants cores again */
};

struct hayi_held {
    hayi_handle task;
    void *cookie;
    uint64_t memory_bytes;
    uint32_t *wide; /* leased cores if more than one; the row's own */
    uint32_t attempt;
    uint32_t cores;
    uint32_t next; /* in its list, or in the list of free rows */
    uint32_t prev;
    uint32_t slot; /* core whose slot it is in */
    uint32_t home; /* ... or was in before it waited */
    int32_t priority;
    uint32_t recall;     /* index of the recall that wants it, or NONE */
    uint64_t near;       /* NUMA nodes whose cores it wishes; 0: any */
    uint16_t depth;      /* of nesting */
    uint8_t state;       /* enum hayi_held_state */
    uint8_t kind;        /* enum hayi_wkind */
    bool resuming;       /* in a slot: is to go on there, began long ago */
    bool turn;           /* ... behind others */
    bool revoking;       /* a REVOKE has not been answered */
    bool stolen;         /* ... since a core is idle */
    bool cancelled;      /* ... since it was cancelled */
    bool unstarted_only; /* ... but it may run on if it has begun */
    bool force;
};

struct hayi_held_list {
    uint32_t first;
    uint32_t last;
    uint32_t count;
};

/* All queued ones of one priority and depth, in order of arrival. */
struct hayi_held_level {
    int64_t rank;               /* what counts: priority, then depth */
    struct hayi_held_list list; /* never empty */
};

struct hayi_held_queue {
    struct hayi_held_level *levels; /* ascending rank */
    uint32_t level_count;
    uint32_t level_room;
    uint32_t count;
};

struct hayi_held_table {
    struct hayi_held *rows;
    uint32_t row_count;
    uint32_t row_room;
    uint32_t free_row;
    uint32_t held_count;
    uint32_t *hash; /* 1 + row; 0: empty */
    uint32_t hash_mask;
    struct hayi_held_queue queue;  /* HAYI_HELD_QUEUED */
    struct hayi_held_queue waking; /* HAYI_HELD_WAKING */
};

void hayi_held_init(struct hayi_held_table *table);
void hayi_held_fini(struct hayi_held_table *table);

/* A new row, zeroed but for its key, found from now on; in no list.
 * *row: its index.  HAY_ENOMEM; HAY_EINVAL: it is there already. */
hay_status hayi_held_add(struct hayi_held_table *table,
                         hayi_handle task,
                         uint32_t attempt,
                         uint32_t *row);
/* The row must be in no list. */
void hayi_held_drop(struct hayi_held_table *table, uint32_t row);
/* HAYI_HELD_NONE if it is not held. */
uint32_t hayi_held_find(const struct hayi_held_table *table,
                        hayi_handle task,
                        uint32_t attempt);

/* Lists of rows. */
void hayi_held_append(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row);
/* Before all others. */
void hayi_held_first(struct hayi_held_table *table,
                     struct hayi_held_list *list,
                     uint32_t row);
/* Behind the first one, or as the first of an empty list. */
void hayi_held_second(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row);
void hayi_held_unlink(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row);

/* Put a row into a queue of its table (queue or waking), behind (front: before)
 * those of its priority and depth.  HAY_ENOMEM: it is not queued.  A push
 * cannot fail when room was made by hayi_held_reserve_level(). */
hay_status hayi_held_push(struct hayi_held_table *table,
                          struct hayi_held_queue *queue,
                          uint32_t row,
                          bool front);
hay_status hayi_held_reserve_level(struct hayi_held_queue *queue);
/* Take a row out of the queue that it is in, wherever it stands. */
void hayi_held_pull(struct hayi_held_table *table, uint32_t row);
/* The first to start, the last to start; NONE if none is queued. */
uint32_t hayi_held_head(const struct hayi_held_queue *queue);
uint32_t hayi_held_tail(const struct hayi_held_queue *queue);

/* Walks over everything and asserts what must hold; slow. */
void hayi_held_check(const struct hayi_held_table *table);

#endif
