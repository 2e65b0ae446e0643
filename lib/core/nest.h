/* nest.h - tasks in tasks: which one submitted which, and which of them wait.
 *
 * Owns: a record for each row that needs one, at the row's index, in chunks
 *     that never move and are made when they are needed first; the list of
 *     suspended attempts, that of tasks to be cancelled with what submitted
 *     them, that of claims to be answered.
 * Never: books anything, tells anybody; nested.c does.
 * Threads: one caller at a time.
 *
 * The children of a task that ends become those of its own parent: a record
 * knows the nearest ancestor that has not ended.
 */
#ifndef HAYI_CORE_NEST_H
#define HAYI_CORE_NEST_H

#include "core/table.h"

enum hayi_kin_flag {
    HAYI_KIN_SUSPENDED = 1, /* its attempt waits, without cores */
    HAYI_KIN_SEVERAL = 2,   /* ... for several of its children */
    HAYI_KIN_FREED = 4,     /* no cores are booked for its attempt */
    HAYI_KIN_CLAIMS = 8,    /* its attempt has a claim without an answer */
    HAYI_KIN_CALLED = 16,   /* HELD: it is called back for a claim */
    HAYI_KIN_FOLLOWS = 32,  /* PENDING: its attempt has finished, its result is
                               that of 'waits_for' */
    HAYI_KIN_KILLED = 64,   /* cancelled with all that it submits */
    HAYI_KIN_FORCED = 128,  /* ... with force */
};

struct hayi_kin {
    hayi_handle waits_for; /* SUSPENDED, CLAIMS: a child, or 0; FOLLOWS */
    uint64_t word;         /* CLAIMS: the cookie; FOLLOWS: the report */
    uint32_t parent;       /* row; 0: the client */
    uint32_t first;        /* child, and the last one */
    uint32_t last;
    uint32_t next; /* child of the same parent */
    uint32_t prev;
    uint32_t host;      /* row on whose cores its attempt runs; 0: on its own */
    uint32_t guest;     /* row whose attempt runs on its cores; 0: none */
    uint32_t wait_next; /* SUSPENDED: list of those */
    uint32_t wait_prev;
    uint32_t kill_next; /* to be cancelled: list of those */
    uint32_t kill_prev;
    uint32_t claim_next; /* its claim is to be looked at: list of those */
    uint8_t flags;       /* enum hayi_kin_flag */
    bool kill_listed;
    bool claim_listed;
    bool holds; /* SUSPENDED: more than cores, or what it runs within does */
    bool stuck; /* while deadlocks are looked for */
};

struct hayi_nest {
    struct hayi_kin **chunks; /* NULL where no row needs a record */
    size_t chunk_room;
    size_t chunk_count;  /* of those that are not NULL */
    uint32_t wait_first; /* suspended attempts, in the order in which they came
                            to wait */
    uint32_t wait_last;
    uint32_t kill_first;
    uint32_t kill_last;
    uint32_t claim_first;
    uint64_t waiting; /* suspended attempts */
    uint64_t holders; /* of them: that hold more than cores */
    bool stirred;     /* a deadlock may have come up since one was looked for */
};

void hayi_nest_init(struct hayi_nest *nest);
void hayi_nest_fini(struct hayi_nest *nest);
/* Make sure that hayi_nest_open() succeeds for this index.  HAY_ENOMEM. */
hay_status hayi_nest_reserve(struct hayi_nest *nest, uint32_t index);

/* Of a row that has one ("nested"). */
static inline struct hayi_kin *hayi_kin_at(const struct hayi_nest *nest,
                                           uint32_t index)
{
    return &nest->chunks[index >> HAYI_TABLE_CHUNK_SHIFT]
                        [index & (HAYI_TABLE_CHUNK - 1)];
}

/* A record for a row, unless it has one; needs a reserve. */
struct hayi_kin *hayi_nest_open(struct hayi_nest *nest,
                                struct hayi_table *table,
                                uint32_t index);
/* The row becomes the last child of its parent; both have records. */
void hayi_nest_adopt(struct hayi_nest *nest, uint32_t parent, uint32_t index);
/* The row is no child of anybody any more; what it submitted goes to its
 * parent. */
void hayi_nest_leave(struct hayi_nest *nest, uint32_t index);
/* To the end of the list of suspended ones, or out of it. */
void hayi_nest_wait(struct hayi_nest *nest, uint32_t index);
void hayi_nest_go_on(struct hayi_nest *nest, uint32_t index);
/* To the list of those to be cancelled, unless it is marked so. */
void hayi_nest_kill(struct hayi_nest *nest, uint32_t index, bool force);
/* Out of that list, if it is there. */
void hayi_nest_spare(struct hayi_nest *nest, uint32_t index);
/* To the list of claims that are to be looked at. */
void hayi_nest_claim(struct hayi_nest *nest, uint32_t index);
/* Take one out of there; there is one. */
uint32_t hayi_nest_claim_pop(struct hayi_nest *nest);

size_t hayi_nest_bytes(const struct hayi_nest *nest);

#endif
