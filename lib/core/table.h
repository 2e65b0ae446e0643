/* table.h - the rows of all unfinished tasks, maps and ranges.
 *
 * Owns: the rows, in chunks that never move; the list of free ones.
 * Never: decides anything; links between rows are the other modules'.
 * Threads: one caller at a time.
 *
 * A row is known inside by its index (0 is none), outside by a handle of index
 * and generation.
 */
#ifndef HAYI_CORE_TABLE_H
#define HAYI_CORE_TABLE_H

#include "core/sched.h"

/* Who links a row by next and prev in each state. */
enum hayi_row_state {
    HAYI_ROW_FREE = 0, /* the table's free list */
    HAYI_ROW_PENDING,  /* nobody: edges lead here */
    HAYI_ROW_READY,    /* its level's queue */
    HAYI_ROW_HELD,     /* its worker's list: handed out, not known to run */
    HAYI_ROW_RUNNING,  /* its worker's list: known to run */
    HAYI_ROW_PARKED,   /* nobody: a map with nothing to hand out now */
    HAYI_ROW_BACK,     /* its map's list: a range that came back */
    HAYI_ROW_GATHER,   /* its cargo's lists: objects are its inputs */
    HAYI_ROW_PAUSED, /* nobody: it failed, and rests before it is tried again */
    HAYI_ROW_ALONE,  /* the list of those that wait for a worker of their own */
    HAYI_ROW_SHELVED, /* nobody: it would not end in time, see walltime.h */
    HAYI_ROW_ENDED,   /* the list of ended rows, or only edges lead here */
};

enum hayi_row_flag {
    HAYI_ROW_MAP = 1,
    HAYI_ROW_RANGE = 2,
    HAYI_ROW_CANCEL = 4,  /* the client asked for its end */
    HAYI_ROW_FORCE = 8,   /* ... with force */
    HAYI_ROW_CLOSE = 16,  /* its worker was told: not if unstarted */
    HAYI_ROW_LISTED = 32, /* ENDED: in the list, its edges are still there */
    HAYI_ROW_CAME = 64,   /* it came back from a worker, unstarted */
    HAYI_ROW_TWIN = 128,  /* a second attempt of another row, see
                             stragglers.h; its payload is that one's handle */
};

enum hayi_row_trait {
    HAYI_ROW_ASKS = 1,     /* a result is an argument: it may hold objects */
    HAYI_ROW_OBJECTS = 2,  /* it did: gather them before each attempt */
    HAYI_ROW_GIVES = 4,    /* ENDED: its result holds objects */
    HAYI_ROW_REMAKE = 8,   /* nobody hears of it: it has ended before */
    HAYI_ROW_SUSPECT = 16, /* it may have run on a worker that was lost */
    HAYI_ROW_ONCE = 32,    /* it must not run twice */
    HAYI_ROW_AVOID = 64,   /* it failed on its worker: better try another */
    HAYI_ROW_TRIED = 128,  /* its last attempt had a second one */
};

struct hayi_row {
    union {
        hay_task_id id;
        uint64_t count; /* of a range */
    };
    union {
        uint64_t payload;
        uint64_t first; /* of a range */
    };
    uint64_t since_ns;
    union {
        uint64_t age;        /* order of becoming ready; 0: not yet */
        hay_task_id culprit; /* ENDED: what its dependents are told */
    };
    uint32_t generation;
    uint32_t next;
    uint32_t prev;
    uint32_t level; /* class of needs and priority, see ready.h */
    uint32_t category : 28;
    uint32_t late : 1;      /* it may start after the end of work */
    uint32_t saves : 1;     /* it may start although it will not end in time */
    uint32_t walltime : 1;  /* if it is cancelled it is for the walltime */
    uint32_t apart : 1;     /* its runner is a process of its own */
    uint16_t retries;       /* left */
    uint8_t memory_retries; /* left */
    bool nested : 1;        /* it has a record in the nest, see nest.h */
    bool single : 1;        /* it goes on with the second attempt: no third */
    uint32_t attempt;       /* of the last hand-out; 0: none yet */
    union {
        uint32_t waiting; /* edges that lead here; none to HELD, RUNNING */
        uint32_t twin;    /* HELD, RUNNING: the row of its second attempt; of a
                             TWIN: that of its task, 0 once it was beaten */
    };
    uint32_t edges; /* that start here, see edges.h */
    uint32_t worker;
    uint32_t cost; /* booked as load of its worker, see workers.h */
    union {
        uint32_t map;      /* of a map: its record; of a range: its map's row */
        uint32_t pause_ms; /* of a task: between its first two attempts */
    };
    uint8_t state; /* enum hayi_row_state */
    uint8_t flags; /* enum hayi_row_flag */
    union {
        uint8_t end;    /* ENDED: a hay_state */
        uint8_t losses; /* workers lost while it may have run on them */
    };
    uint8_t traits; /* enum hayi_row_trait */
    uint32_t cargo; /* see cargos.h; 0: none */
};

/* How many of its attempts were handed out; the number of the last one. */
static inline uint32_t hayi_row_attempts(const struct hayi_row *row)
{
    return row->attempt + ((row->traits & HAYI_ROW_TRIED) != 0 ? 1 : 0);
}

#define HAYI_CATEGORY_MASK (UINT32_MAX >> 4)

#define HAYI_TABLE_CHUNK_SHIFT 12
#define HAYI_TABLE_CHUNK       (1u << HAYI_TABLE_CHUNK_SHIFT)
/* An edge keeps one bit for itself. */
#define HAYI_TABLE_MAX (UINT32_MAX / 2)

struct hayi_table {
    struct hayi_row **chunks;
    size_t chunk_room;
    size_t chunk_count;
    uint32_t count; /* indices 1 .. count-1 have been used */
    uint32_t free;  /* first of the free ones below count */
    uint32_t live;  /* rows in use */
};

void hayi_table_init(struct hayi_table *table);
void hayi_table_fini(struct hayi_table *table);

/* Make sure that the next hayi_table_take() succeeds.  HAY_ENOMEM. */
hay_status hayi_table_reserve(struct hayi_table *table);
/* The index that the next hayi_table_take() gives; it was reserved. */
static inline uint32_t hayi_table_next(const struct hayi_table *table)
{
    return table->free != 0 ? table->free : table->count;
}
/* A zeroed row but for its generation; its index.  Needs a reserve. */
uint32_t hayi_table_take(struct hayi_table *table);
/* Its handle goes stale, if it is not yet. */
void hayi_table_give(struct hayi_table *table, uint32_t index);
/* From now on its handle is stale; the row stays. */
void hayi_table_outdate(struct hayi_table *table, uint32_t index);

static inline struct hayi_row *hayi_table_row(const struct hayi_table *table,
                                              uint32_t index)
{
    return &table->chunks[index >> HAYI_TABLE_CHUNK_SHIFT]
                         [index & (HAYI_TABLE_CHUNK - 1)];
}

static inline hayi_handle hayi_table_handle(const struct hayi_table *table,
                                            uint32_t index)
{
    uint64_t generation = hayi_table_row(table, index)->generation;
    return generation << 32 | index;
}

/* The index of a handle's row; 0 if it is stale. */
static inline uint32_t hayi_table_find(const struct hayi_table *table,
                                       hayi_handle handle)
{
    uint32_t index = (uint32_t)handle;
    if (index == 0 || index >= table->count) {
        return 0;
    }
    const struct hayi_row *row = hayi_table_row(table, index);
    if (row->generation != (uint32_t)(handle >> 32)
        || row->state == HAYI_ROW_FREE || row->state == HAYI_ROW_ENDED) {
        return 0;
    }
    return index;
}

size_t hayi_table_bytes(const struct hayi_table *table);

#endif
