/* worker_state.h - what a worker does with the attempts that it holds: which
 * one starts on which cores, what goes back, what is told.
 *
 * Owns: the queue of held attempts, the lease of every core, the backlog of
 *     every core's slot.
 * Never: reads a clock, starts or stops anything itself, sends a message.
 *     Events come in through hayi_wstate_step(), actions go out in order.
 * Threads: one caller at a time (the worker's loop); no locks inside.
 *
 * Attempts run in the order: priority, nesting depth (deeper first), arrival.
 * A slot may be given further one-core attempts of the same kind ahead (a
 * backlog), so that it need not wait for the loop; what a slot has not begun
 * can be revoked, and the slot decides who was first.
 *
 * An attempt that waits for something (SUSPENDED) has no cores; its memory
 * stays booked.  When it may go on (WAKE) it is given cores before all that has
 * not begun: free ones, or, if a thread needs one, the next turn of a slot that
 * is in use.  It can end while it waits, if it is a process.
 */
#ifndef HAYI_WORKER_WORKER_STATE_H
#define HAYI_WORKER_WORKER_STATE_H

#include "base/error.h"
#include "core/sched.h"

/* Which runner serves an attempt; only like ones share a core's backlog. */
enum hayi_wkind {
    HAYI_WKIND_THREAD = 1,
    HAYI_WKIND_COMMAND = 2,
    HAYI_WKIND_FAKE = 3, /* takes cores, runs nowhere: never a backlog */
    HAYI_WKIND_PROCESS = 4,
};

enum hayi_wevent_kind {
    HAYI_WEVENT_ARRIVED = 1, /* an attempt was handed out to this worker */
    HAYI_WEVENT_RECALL,      /* the manager wants unstarted ones back */
    HAYI_WEVENT_CANCEL,      /* the manager cancels an attempt */
    HAYI_WEVENT_ENDED,       /* an attempt ended in its slot */
    HAYI_WEVENT_REVOKED,     /* a revoke succeeded: it never ran */
    HAYI_WEVENT_REVOKE_LATE, /* a revoke came too late: it runs or ended */
    HAYI_WEVENT_STOP,        /* start nothing more; give all unstarted back */
    HAYI_WEVENT_SUSPENDED,   /* an attempt waits */
    HAYI_WEVENT_WAKE,        /* ... and need not wait any more */
    HAYI_WEVENT_RESUMED,     /* ... and goes on, after a RESUME */
};

struct hayi_wevent {
    enum hayi_wevent_kind kind;
    union {
        struct {
            hayi_handle task;
            uint32_t attempt;
            uint8_t kind; /* enum hayi_wkind */
            bool prompt;
            uint32_t cores;
            uint64_t memory_bytes;
            int32_t priority;
            uint16_t depth;    /* of nesting */
            uint64_t gpu_mask; /* gpus near to which its cores shall be */
            void *cookie;      /* the caller's; comes back in actions */
        } arrived;
        struct {
            uint32_t count;
            int32_t below; /* as in the action of sched.h */
            uint16_t below_depth;
        } recall;
        struct {
            hayi_handle task;
            uint32_t attempt;
            bool force;
            bool unstarted_only; /* if it has begun, it may run on */
        } cancel;
        struct {
            hayi_handle task;
            uint32_t attempt;
            uint64_t run_ns;
        } ended;
        struct {
            hayi_handle task;
            uint32_t attempt;
        } revoked, revoke_late, suspended, wake, resumed;
    } u;
};

enum hayi_waction_kind {
    HAYI_WACTION_START = 1,   /* give it to the slot of cores[0] (it starts at
                                 once, or after what that slot has before it) */
    HAYI_WACTION_REVOKE,      /* try to take it back from its slot; answer by
                                 REVOKED or REVOKE_LATE */
    HAYI_WACTION_STOP_IT,     /* it runs: set its token; force: end it */
    HAYI_WACTION_RETURNED,    /* tell the manager: came back unstarted */
    HAYI_WACTION_CANCELLED,   /* tell the manager: cancelled, never started */
    HAYI_WACTION_RECALL_DONE, /* tell the manager */
    HAYI_WACTION_RESUME,      /* it goes on, on these cores: at once, or, with
                                 'backlog', when that slot's running one has
                                 ended or waits; tell by RESUMED.  Until then a
                                 REVOKE takes it back, for other cores */
};

struct hayi_waction {
    enum hayi_waction_kind kind;
    hayi_handle task;
    uint32_t attempt;
    void *cookie;
    bool force;            /* STOP_IT */
    bool backlog;          /* START, RESUME: others are before it in the slot */
    const uint32_t *cores; /* START, RESUME: indices of the leased cores,
                              ascending; borrowed until the attempt is given up
                              or waits */
    uint32_t core_count;
};

struct hayi_wactions {
    struct hayi_waction *list;
    size_t count;
    size_t room;
};
void hayi_wactions_init(struct hayi_wactions *actions);
void hayi_wactions_fini(struct hayi_wactions *actions);
/* Room for so many further actions.  HAY_ENOMEM: unchanged. */
hay_status hayi_wactions_reserve(struct hayi_wactions *actions, size_t more);
void hayi_waction_print(const struct hayi_waction *action,
                        char *text,
                        size_t size);

struct hayi_wstate_config {
    uint32_t cores; /* indices 0 .. cores-1, neighbours close together */
    const uint32_t
        *core_numa;           /* [cores]: NUMA node of each; borrowed during the
                                 call; UINT32_MAX: not known; NULL: of none */
    const uint32_t *gpu_numa; /* [64]: the same of the gpus; copied */
    uint64_t memory_bytes;    /* 0: not accounted */
    uint64_t backlog_ns;      /* work to give a slot ahead; 0: 500 us */
    uint32_t backlog_max;     /* attempts given to a slot, running one included;
                                 0: 128 */
};

struct hayi_wstate;

struct hayi_wstate *hayi_wstate_new(const struct hayi_wstate_config *config);
void hayi_wstate_free(struct hayi_wstate *state);

/* Take one event, append actions.  What an action names by its cookie is held
 * until an ENDED of it is taken or an action gives it up (RETURNED, CANCELLED):
 * carry actions out before the next ENDED, or keep what ended until then.
 * News of attempts that are not held is dropped (a CANCEL of one that has just
 * ended; a REVOKE_LATE after ENDED, which answers the revoke as well).
 * HAY_ENOMEM: not taken.  HAY_EINVAL: an ARRIVED that this worker can never
 * run (cores, memory, kind), or that it holds already; not taken. */
hay_status hayi_wstate_step(struct hayi_wstate *state,
                            const struct hayi_wevent *event,
                            struct hayi_wactions *actions);
/* Start what can be started; revoke what an idle core could run sooner.  Call
 * once after a batch of events.  HAY_ENOMEM: what was not started stays queued;
 * call again later. */
hay_status hayi_wstate_dispatch(struct hayi_wstate *state,
                                struct hayi_wactions *actions);

/* Attempts held: queued, in slots (running and backlog) or waiting. */
void hayi_wstate_counts(const struct hayi_wstate *state,
                        uint32_t *queued,
                        uint32_t *in_slots);
/* Does a slot stand idle, or will one as soon as it ends what it runs? */
bool hayi_wstate_hungry(const struct hayi_wstate *state);
void hayi_wstate_check(const struct hayi_wstate *state);

#endif
