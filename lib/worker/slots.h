/* slots.h - which attempts stand in the slot of which core, and which slot to
 * feed or to take from.
 *
 * Owns: the leases of cores, the list of each slot, what was learned of the
 *     durations of each kind of runner.
 * Never: looks at the queue, decides what starts.
 * Threads: one at a time.
 *
 * The slot of an attempt is that of the first core of its lease; the first
 * attempt of a slot is presumed to run.
 */
#ifndef HAYI_WORKER_SLOTS_H
#define HAYI_WORKER_SLOTS_H

#include "worker/held.h"
#include "worker/lease.h"
#include "worker/worker_state.h"

#define HAYI_SLOT_KINDS 5u /* kinds of runners, from 0 */

struct hayi_slot {
    struct hayi_held_list list;
    uint32_t revokes; /* unanswered */
    uint32_t next;    /* in its bucket */
    uint32_t prev;
    uint32_t depth; /* whose bucket it is in; 0: none */
    uint8_t kind;   /* of all its attempts */
    bool wide;      /* its one attempt has several cores */
    bool resuming;  /* one of its attempts is */
};

struct hayi_slot_bucket {
    uint32_t first;
    uint32_t last;
};

/* One-core slots of one kind, by the number of attempts in them. */
struct hayi_slot_ladder {
    struct hayi_slot_bucket *buckets; /* [depth_max + 1] */
    uint32_t low;                     /* all below are empty */
    uint32_t high;                    /* all above are empty */
    uint64_t run_sum_ns;              /* eight times the learned mean */
    bool known;
};

struct hayi_slots {
    struct hayi_held_table *held; /* the owner's */
    struct hayi_lease lease;
    struct hayi_slot *list; /* [core_count] */
    uint32_t *core_index;   /* [core_count]: 0, 1, 2 ...; leases of one core */
    uint32_t core_count;
    uint32_t depth_max;
    uint64_t backlog_ns;
    struct hayi_slot_ladder ladders[HAYI_SLOT_KINDS];
    uint64_t memory_used;  /* by what is in slots, and by what waits */
    uint32_t single_count; /* slots with one attempt */
    uint32_t turn_count;   /* of those that resume behind others */
    uint32_t next_hint;    /* where to look for a turn first */
};

/* HAY_ENOMEM: nothing is left behind. */
hay_status hayi_slots_init(struct hayi_slots *slots,
                           struct hayi_held_table *held,
                           const struct hayi_wstate_config *config);
void hayi_slots_fini(struct hayi_slots *slots);

/* Put a row, in no list, on free cores: there must be enough.  *cores: its
 * lease.  HAY_ENOMEM: nothing has changed. */
hay_status hayi_slots_start(struct hayi_slots *slots,
                            uint32_t row,
                            const uint32_t **cores);
/* Append a one-core row to a slot that hayi_slots_short() named. */
void hayi_slots_feed(struct hayi_slots *slots, uint32_t row, uint32_t core);
/* Take a row out of its slot; the last one's cores are free again. */
void hayi_slots_leave(struct hayi_slots *slots, uint32_t row);

/* Take a row that waits out of its slot: its cores are free again, or the next
 * one's; its memory stays booked. */
void hayi_slots_suspend(struct hayi_slots *slots, uint32_t row);
/* A row that waits has ended: its memory is free. */
void hayi_slots_forget(struct hayi_slots *slots, uint32_t row);
/* Put it on free cores again: there must be enough.  As hayi_slots_start().  It
 * is resuming until hayi_slots_resumed(). */
hay_status hayi_slots_resume(struct hayi_slots *slots,
                             uint32_t row,
                             const uint32_t **cores);
/* For a row that waited: a one-core slot of threads, in use, where none is
 * resuming, its own one if it is such; HAYI_HELD_NONE.
 * hayi_slots_resume_next(): the row has the next turn there. */
uint32_t hayi_slots_turn(struct hayi_slots *slots, uint32_t row);
void hayi_slots_resume_next(struct hayi_slots *slots,
                            uint32_t row,
                            uint32_t core);
/* It goes on there. */
void hayi_slots_resumed(struct hayi_slots *slots, uint32_t row);
/* One that waits for its turn and may be revoked; HAYI_HELD_NONE. */
uint32_t hayi_slots_resuming(const struct hayi_slots *slots);

/* A revoke of one of a slot's attempts goes out, or is answered.  A slot with
 * unanswered ones is neither fed nor taken from. */
void hayi_slots_revoke(struct hayi_slots *slots, uint32_t row);
void hayi_slots_settle(struct hayi_slots *slots, uint32_t row);

/* A one-core attempt of this kind took so long. */
void hayi_slots_learn(struct hayi_slots *slots, uint8_t kind, uint64_t run_ns);

/* The shortest slot that wants one more of this kind; HAYI_HELD_NONE. */
uint32_t hayi_slots_short(struct hayi_slots *slots, uint8_t kind);
/* The slot with the longest backlog; HAYI_HELD_NONE if there is none. */
uint32_t hayi_slots_long(struct hayi_slots *slots);

bool hayi_slots_running(const struct hayi_slots *slots, uint32_t row);

/* Walks over everything and asserts what must hold; slow. */
void hayi_slots_check(const struct hayi_slots *slots);

#endif
