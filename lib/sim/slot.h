/* slot.h - the slots of a simulated worker: what truly runs on its cores.
 *
 * Owns: which attempt is on which core, what waits in each slot.
 * Never: knows why an attempt was given to it; frees one (they are the node's).
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_SLOT_H
#define HAYI_SIM_SLOT_H

#include "sim/world.h"

/* What the loop hears of a run, in this order. */
enum hayi_sim_news {
    HAYI_SIM_NEWS_RESUMED = 1, /* it had its turn */
    HAYI_SIM_NEWS_KIDS = 2,    /* it has submitted */
    HAYI_SIM_NEWS_PARKED = 4,
    HAYI_SIM_NEWS_CLAIMS = 8,
    HAYI_SIM_NEWS_ENDED = 16,
};

/* One attempt that a node was given. */
struct hayi_sim_run {
    hayi_handle task;
    uint32_t attempt;
    uint32_t index; /* of the task in the ledger */
    uint16_t depth;
    bool range;
    bool prompt;
    uint64_t first; /* of a range */
    uint64_t count;
    uint64_t memory_bytes;
    const uint32_t *cores; /* once started: worker_state's */
    uint32_t core_count;
    uint32_t part; /* parts that are over: before it submits, and after */
    bool parked;   /* it waits, without cores */
    bool claims;   /* it waits on its cores until it gets a child to run */
    bool inlined;  /* it runs on the cores of another one */
    struct hayi_sim_run *outer; /* of that one */
    struct hayi_sim_run *guest; /* that runs on its cores; NULL: itself */
    bool backlog;               /* it goes on when others have had their turn */
    uint32_t left;  /* bits of what it submitted and has not ended */
    uint32_t waits; /* of them: for these it waits */
    uint8_t news;   /* enum hayi_sim_news */
    bool listed;    /* the loop has not heard of them */
    struct hayi_sim_run *news_next;
    bool begun;
    bool announced; /* its start was told */
    uint64_t begin_ns;
    uint64_t end_ns; /* planned, then true */
    uint8_t outcome;
    uint64_t items; /* of a range: done in order */
    uint64_t failed;
    struct hayi_sim_run *next;     /* in the slot */
    struct hayi_sim_run *all_next; /* the node's */
    struct hayi_sim_run *all_prev;
};

struct hayi_sim_slot {
    struct hayi_sim_run *first; /* runs, or waits for another one's core */
    struct hayi_sim_run *last;
    struct hayi_sim_run *user; /* who has this core */
    uint32_t stamp;            /* of the timer that counts */
};

struct hayi_sim_slots {
    struct hayi_sim_world *world;
    struct hayi_sim_slot *list;
    uint32_t core_count;
    uint32_t node;
    uint32_t slow_permille;
    uint64_t started_ns; /* what runs for longer is announced */
    uint64_t memory_bytes;
    uint64_t memory_used;
    uint32_t suspended_max; /* that are parked; then they claim */
    uint32_t parked_count;
    struct hayi_sim_run *news; /* that the loop has not heard of */
    struct hayi_sim_run **news_last;
};

/* HAY_ENOMEM. */
hay_status hayi_sim_slots_init(struct hayi_sim_slots *slots,
                               struct hayi_sim_world *world,
                               uint32_t core_count);
void hayi_sim_slots_fini(struct hayi_sim_slots *slots);

/* Give a run to the slot of its first core: it begins now, or goes on, or does
 * so with backlog after those before it.  A core that is taken breaks a rule.
 */
void hayi_sim_slots_give(struct hayi_sim_slots *slots,
                         struct hayi_sim_run *run,
                         bool backlog);
/* Take it back if it has not begun. */
bool hayi_sim_slots_revoke(struct hayi_sim_slots *slots,
                           struct hayi_sim_run *run);
/* The answer to its claim: a child that it runs on its cores; NULL: it may not,
 * and must be parked. */
void hayi_sim_slots_answer(struct hayi_sim_slots *slots,
                           struct hayi_sim_run *run,
                           struct hayi_sim_run *child);
/* Of runs within runs, the one that has the cores. */
struct hayi_sim_run *hayi_sim_slots_base(struct hayi_sim_run *run);
/* Ask it to end, if it runs still. */
void hayi_sim_slots_stop(struct hayi_sim_slots *slots,
                         struct hayi_sim_run *run,
                         bool force);
/* The timer of a core, if the stamp is current: its run is announced, and
 * given; or it ends, and the next one begins.  NULL: nothing, or it ended. */
struct hayi_sim_run *
hayi_sim_slots_due(struct hayi_sim_slots *slots, uint32_t core, uint32_t stamp);

#endif
