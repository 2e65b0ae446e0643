/* ledger.h - what a simulated run must do: each task as its user sees it, and
 * the rules that the farm may not break.
 *
 * Owns: the tasks' specifications, what truly happened to each, what the user
 *     was told.
 * Never: tells the farm anything; looks into the core or a worker's state.
 * Threads: one at a time.
 *
 * A worker is dead when it has truly died, and fenced from when the core counts
 * it as lost, dead or not.  What a fenced one does is nobody's: its attempts
 * have not been, and no end of a task may come from them.
 *
 * The first rule that is broken is kept in 'err'; what comes later is not
 * looked at.
 */
#ifndef HAYI_SIM_LEDGER_H
#define HAYI_SIM_LEDGER_H

#include "core/sched.h"
#include "sim/stores.h"
#include "sim/wealth.h"

#define HAYI_SIM_MAKES_MAX 4u

struct hayi_sim_dep {
    uint32_t task; /* index; a smaller one than the task's own */
    bool any;
};

/* What a task does with the tasks that it submits. */
enum hayi_sim_wait {
    HAYI_SIM_WAIT_ALL = 0, /* waits for all of them at once */
    HAYI_SIM_WAIT_EACH,    /* for one after another */
    HAYI_SIM_WAIT_NONE,    /* for none */
    HAYI_SIM_WAIT_FOLLOW,  /* its result is that of the last one */
    HAYI_SIM_WAIT_COUNT,
};

#define HAYI_SIM_KIDS_MAX 8u

/* A task or a map, and how it will behave. */
struct hayi_sim_spec {
    const struct hayi_sim_dep *deps; /* copied */
    size_t dep_count;
    struct hayi_needs needs; /* request: its number in the wealth */
    int32_t priority;
    uint32_t retries;
    uint32_t category;
    uint64_t duration_ns; /* of an attempt; of an item */
    uint32_t failures;    /* so many attempts fail before one does not */
    bool by_farm;         /* ... by the farm, not by the task */
    bool over_memory;     /* ... by their memory limit */
    bool once;            /* not run again after a lost worker */
    uint32_t pause_ms;    /* before the second attempt; then twice that, ... */
    uint8_t memory_retries;
    bool agrees;         /* ends when it is asked to */
    bool command;        /* runs as a command, not in a thread */
    uint32_t makes;      /* objects, at most HAYI_SIM_MAKES_MAX */
    uint64_t make_bytes; /* each of them */
    uint32_t kids;       /* each attempt submits so many, at most KIDS_MAX, half
                            way */
    uint32_t levels;     /* ... and these do so too, so many levels down */
    enum hayi_sim_wait wait;

    bool put; /* no task, but objects that the client has */

    bool map;
    uint64_t items;
    uint64_t range_max; /* 0: any */
    uint64_t unread_max;
    uint64_t fail_every; /* item i fails if i + 1 is a multiple; 0: none */
    bool stop_on_failure;
};

/* An attempt that began, on a worker. */
struct hayi_ledger_try {
    uint32_t attempt;
    uint32_t worker;
    bool running;
    bool finished;
    bool heard; /* the manager knows its end, from no ghost */
};

/* An attempt that is with a worker, as the manager knows it. */
struct hayi_ledger_out {
    hayi_handle task;
    uint32_t attempt;
    uint32_t worker;
    bool cancelled; /* its worker was told to end it */
};

struct hayi_ledger_task {
    struct hayi_sim_spec spec; /* deps: the ledger's */
    hayi_handle handle;
    bool submitted;
    bool told;
    uint8_t state;       /* told: hay_state */
    hay_status status;   /* told */
    hay_task_id culprit; /* of its end; its own, if it failed by itself */
    /* the truth */
    struct hayi_ledger_try last;    /* the last that began */
    struct hayi_ledger_try other;   /* the one before it, if it ran still */
    struct hayi_ledger_out outs[2]; /* not of maps */
    uint32_t out_count;
    bool doubled;                  /* it ever had two at once */
    struct hayi_ledger_out beaten; /* was out when it was told; task 0: none */
    uint32_t failed_attempts;
    uint64_t rest_until_ns; /* it pauses */
    uint32_t grown;         /* so often told that it may use twice the memory */
    uint8_t outcome;        /* of the last that ended */
    bool lost;              /* held by a worker that was lost */
    uint32_t losses; /* workers that were lost while they held it; once it was
                        told: while they made its objects again */
    /* wishes */
    uint32_t hand_outs; /* of a task: it may come back and go out again */
    uint32_t cancels;   /* asked for */
    uint32_t answers;   /* of them answered */
    bool never_run;     /* answered: it will never run */
    /* tasks in tasks */
    uint32_t parent; /* 1 + index; 0: the client */
    uint32_t parent_attempt;
    uint32_t parent_worker;
    uint32_t ordinal;  /* among those of one attempt */
    uint32_t last_kid; /* 1 + index of the last one, of any attempt */
    uint32_t kid_before;
    bool killed;   /* cancelled with all that it submits */
    bool unwanted; /* the core was told that nobody waits for it */
    uint8_t cause; /* told */
    bool told_losses;
    hayi_object told_lost;
    /* objects */
    hayi_object made[HAYI_SIM_MAKES_MAX];
    bool has;            /* its future holds them */
    bool forgotten;      /* it is not run again */
    uint64_t asked;      /* see remake_query */
    bool can;            /* the answer */
    uint32_t dependents; /* that have not ended, not yet submitted ones too */
    /* maps */
    uint8_t *marks; /* [items]: HAYI_LEDGER_RUN and others */
    uint64_t reported;
    uint64_t reported_failed;
    uint64_t read;
};

struct hayi_ledger {
    struct hayi_ledger_task *tasks;
    uint32_t count;
    uint32_t room;
    uint32_t told_count;
    uint32_t ended_count; /* attempts */
    bool closed;
    bool cancel_pending;
    bool all_ended;
    bool *lost;    /* [worker_max]: dead, or fenced */
    bool *fenced;  /* [worker_max] */
    bool *leaving; /* [worker_max]: the core was told so */
    uint32_t leave_count;
    uint32_t let_go;
    uint32_t loss_count;
    uint64_t ghosts; /* attempts that ended on fenced workers */
    uint32_t worker_max;
    struct hayi_stores stores;
    struct hayi_wealth wealth;
    uint32_t remakes;
    uint64_t remake_query;
    bool stragglers;  /* tasks may have a second attempt besides the first */
    uint32_t doubles; /* that had one */
    uint32_t beaten;  /* attempts that ended after their task */
    uint64_t pauses;
    uint64_t now_ns;
    struct hayi_error err;
};

hay_status hayi_ledger_init(struct hayi_ledger *ledger,
                            uint32_t worker_max,
                            uint32_t node_count);
void hayi_ledger_fini(struct hayi_ledger *ledger);

/* Note a task; *index: its number, from 0.  HAY_ENOMEM. */
hay_status hayi_ledger_add(struct hayi_ledger *ledger,
                           const struct hayi_sim_spec *spec,
                           uint32_t *index);
/* The event that submits it.  deps[spec.dep_count]: room, used by the event.
 * The caller puts the handle into the task after the step. */
void hayi_ledger_event(const struct hayi_ledger *ledger,
                       uint32_t index,
                       struct hayi_dep *deps,
                       struct hayi_event *event);

/* The client has put the object, as if a task had made it. */
void hayi_ledger_put(struct hayi_ledger *ledger,
                     uint32_t index,
                     hayi_object object);

/* The truth, from the workers.  Items: of maps only. */
void hayi_ledger_began(struct hayi_ledger *ledger,
                       uint32_t index,
                       hayi_handle handle,
                       uint32_t attempt,
                       uint32_t worker);
void hayi_ledger_ended(struct hayi_ledger *ledger,
                       uint32_t index,
                       hayi_handle handle,
                       uint32_t attempt,
                       uint32_t worker,
                       uint8_t outcome);
void hayi_ledger_items(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t worker,
                       uint64_t first,
                       uint64_t count);
/* It has died. */
void hayi_ledger_lost(struct hayi_ledger *ledger, uint32_t worker);
/* The manager hears that an attempt has ended, and knows its worker still. */
void hayi_ledger_heard(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt);
/* ... or, too, that it came back. */
void hayi_ledger_back(struct hayi_ledger *ledger,
                      uint32_t index,
                      const struct hayi_ledger_out *out);

/* 1 + index of what an attempt submitted; 0: there is no such task. */
uint32_t hayi_ledger_kid(const struct hayi_ledger *ledger,
                         uint32_t parent,
                         uint32_t attempt,
                         uint32_t ordinal);
/* Was the task, or one above it, cancelled with all that it submits? */
bool hayi_ledger_killed(const struct hayi_ledger *ledger, uint32_t index);

/* Does no attempt that a worker has need the objects of this one? */
bool hayi_ledger_idle(const struct hayi_ledger *ledger, uint32_t index);

/* Could the objects of this one, which are on no node, be made again?  Where
 * that is not known, no. */
bool hayi_ledger_remakable(struct hayi_ledger *ledger, uint32_t index);

/* All have ended, and nothing is under way any more: has every object gone? */
void hayi_ledger_emptied(struct hayi_ledger *ledger);

/* What the core tells its client. */
void hayi_ledger_action(struct hayi_ledger *ledger,
                        const struct hayi_action *action);

/* Break a rule: keep the words, if they are the first. */
void hayi_ledger_fail(struct hayi_ledger *ledger, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The caller's words and numbers for a task, and back. */
static inline uint64_t hayi_ledger_payload(uint32_t index)
{
    return (uint64_t)index + 1;
}

static inline uint64_t hayi_ledger_report(uint32_t index, uint32_t attempt)
{
    return ((uint64_t)index + 1) << 32 | attempt;
}

#endif
