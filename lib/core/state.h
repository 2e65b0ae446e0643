/* state.h - the scheduler's whole state, and the transitions between its files.
 *
 * Owns: nothing beyond what sched.h says; this is its inside.
 * Never: included by anything but lib/core and its tests.
 * Threads: one caller at a time.
 *
 * How an event is taken without ever stopping half way: a transition first
 * reserves all memory that it needs for itself, then changes the state.  What
 * follows from it (dependents that become ready or fail, the rest of a sweep)
 * can be long; it is left as backlog in the state, and hayi_drain() works it
 * off, one step at a time, each with room for its actions.  When memory is
 * short the backlog stays for the next call.
 */
#ifndef HAYI_CORE_STATE_H
#define HAYI_CORE_STATE_H

#include "core/cargos.h"
#include "core/durations.h"
#include "core/edges.h"
#include "core/fetches.h"
#include "core/gpus.h"
#include "core/leases.h"
#include "core/maps.h"
#include "core/nest.h"
#include "core/nodes.h"
#include "core/objects.h"
#include "core/pauses.h"
#include "core/pools.h"
#include "core/ready.h"
#include "core/requests.h"
#include "core/reserve.h"
#include "core/sched.h"
#include "core/table.h"
#include "core/walltime.h"
#include "core/workers.h"

/* Workers lost with a task until it counts as their killer, and fails. */
#define HAYI_LOSSES_MAX 3u
/* An expected duration for tasks of which nothing is known, as load. */
#define HAYI_UNKNOWN_NS 1000000u

struct hayi_sched {
    struct hayi_sched_config config;
    struct hayi_table table;
    struct hayi_edges edges;
    struct hayi_ready ready;
    struct hayi_workers workers;
    struct hayi_durations durations;
    struct hayi_maps maps;
    struct hayi_pauses pauses;
    struct hayi_objects objects;
    struct hayi_cargos cargos;
    struct hayi_nodes nodes;
    struct hayi_fetches fetches;
    struct hayi_nest nest;
    uint64_t dispatches;
    uint64_t hands; /* hand-outs so far */
    uint64_t rate;  /* of fetches, in bytes per 1024 ns */
    uint64_t now_ns;
    uint64_t state_count[HAYI_ROW_ENDED + 1]; /* rows in each state */
    uint64_t unfinished;                      /* tasks and maps */
    uint64_t stale;
    uint32_t blocked; /* classes that no worker can take now, see ready.h */
    bool closed;
    bool cancelling; /* closed, and nothing new may start */
    bool all_told;
    bool judging; /* enough workers have joined to call needs infeasible */

    /* backlog */
    uint32_t ended_first; /* ended rows whose edges are still there */
    uint32_t ended_last;
    uint32_t sweep;  /* next row that CLOSE looks at; 0: none */
    uint32_t judge;  /* next class to be judged; 0: none */
    uint32_t losing; /* 1 + a lost worker that still holds rows; 0 */

    uint64_t silence_at_ns;   /* nobody can count as silent before this */
    uint64_t deadlock_at_ns;  /* look for deadlocks; UINT64_MAX: no need */
    uint64_t recall_at_ns;    /* look for recalls again; UINT64_MAX: no need */
    uint64_t recall_rest_ns;  /* none before this */
    uint64_t recalled;        /* attempts asked back by recalls that are out */
    int64_t low_rank;         /* none that is held is lower than this */
    uint64_t straggler_at_ns; /* look for stragglers again */
    uint64_t straggler_rest_ns; /* not before this */
    uint32_t twins;             /* rows of second attempts */
    uint32_t alone_first;       /* rows that wait for a worker of their own */
    uint32_t alone_last;
    uint32_t alone_out;     /* attempts that have one */
    uint32_t kept;          /* workers that are kept for them */
    uint64_t lacking_at_ns; /* what lacks a worker then lacks it for ever;
                               UINT64_MAX: nothing does */

    /* what few tasks need stands behind what all of them need */
    struct hayi_requests requests;
    struct hayi_pools pools;
    struct hayi_gpus gpus;
    struct hayi_leases leases;
    struct hayi_reserve reserve;
    struct hayi_walltime walltime;
};

static inline struct hayi_row *hayi_sched_row(const struct hayi_sched *s,
                                              uint32_t index)
{
    return hayi_table_row(&s->table, index);
}

static inline const struct hayi_needs *
hayi_sched_needs(const struct hayi_sched *s, const struct hayi_row *row)
{
    return hayi_ready_needs(&s->ready, row->level);
}

/* sched.c */
/* Count the row under its new state from now on. */
void hayi_sched_mark(struct hayi_sched *s,
                     uint32_t index,
                     enum hayi_row_state state);
/* The row is nobody's any more. */
void hayi_sched_drop(struct hayi_sched *s, uint32_t index);
/* The row of a current attempt of this worker; 0, counted as stale, if it is
 * none.  The worker counts as heard if it is a joined one. */
uint32_t hayi_sched_current(struct hayi_sched *s,
                            uint32_t worker,
                            hayi_handle task,
                            uint32_t attempt);
/* Room for 'more' further actions.  HAY_ENOMEM. */
hay_status hayi_actions_reserve(struct hayi_actions *actions, size_t more);
/* The next action, zeroed but for its kind; room was reserved. */
struct hayi_action *hayi_actions_add(struct hayi_actions *actions,
                                     enum hayi_action_kind kind);

/* How a task or map ends. */
struct hayi_end {
    hay_state state;
    hay_status status;
    hay_task_id culprit;
    uint32_t attempt;
    uint32_t worker;
    uint64_t report;
    hayi_object lost;
    uint32_t lost_by;
    uint32_t losses;
    uint8_t cause; /* enum hay_cause; 0: as the status says */
    bool followed;
    uint64_t since_ns; /* of an attempt that was lost with its worker */
};

/* How many fetches a node takes part in at once. */
#define HAYI_SENDS_MAX    2u
#define HAYI_RECEIVES_MAX 4u
/* No more bytes than this are on their way to a node for later tasks. */
#define HAYI_INCOMING_MAX (256u << 20)
/* Above: nothing is fetched ahead; above: only what frees memory starts. */
#define HAYI_MEMORY_FULL    800u
#define HAYI_MEMORY_PRESSED 950u

/* task.c: from the submit to the ready queue, and ends */
hay_status hayi_task_submit(struct hayi_sched *s,
                            struct hayi_event *event,
                            struct hayi_actions *actions);
/* All its inputs have ended: to the ready queue, to where its objects are
 * gathered, or to its end.  2 actions. */
void hayi_task_ready(struct hayi_sched *s,
                     uint32_t index,
                     bool tell,
                     struct hayi_actions *actions);
/* Into the ready queue, or among those that run alone; or out of there. */
void hayi_task_queue(struct hayi_sched *s, uint32_t index);
void hayi_task_unqueue(struct hayi_sched *s, uint32_t index);
/* The end of a task or map that is in no queue and booked nowhere; 1 action.
 * Its dependents follow by hayi_drain(). */
void hayi_task_end(struct hayi_sched *s,
                   uint32_t index,
                   const struct hayi_end *end,
                   struct hayi_actions *actions);
void hayi_task_end_cancelled(struct hayi_sched *s,
                             uint32_t index,
                             uint64_t report,
                             struct hayi_actions *actions);

/* task_cancel.c */
hay_status hayi_task_cancel(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions);
/* Cancel a task or map; *answer: as the client is told.  Reserves by itself,
 * and leaves room for 1 more action. */
hay_status hayi_task_cancel_row(struct hayi_sched *s,
                                uint32_t index,
                                bool force,
                                hay_status *answer,
                                struct hayi_actions *actions);
/* End a task that has not begun, or ask its worker not to begin it.  1
 * action. */
void hayi_task_close(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions);

/* task_news.c: what workers tell of attempts */
hay_status hayi_task_started(struct hayi_sched *s,
                             const struct hayi_event *event,
                             struct hayi_actions *actions);
hay_status hayi_task_ended(struct hayi_sched *s,
                           struct hayi_event *event,
                           struct hayi_actions *actions);
hay_status hayi_task_returned(struct hayi_sched *s,
                              const struct hayi_event *event,
                              struct hayi_actions *actions);
/* A held attempt runs.  1 action. */
void hayi_task_begun(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions);
/* Take a held row off its worker, whose room others may want. */
void hayi_task_unbook(struct hayi_sched *s, uint32_t index);

/* task_retry.c: attempts that failed or were lost */
/* The attempt failed by its own doing; it is booked nowhere any more, and if
 * it pauses room for that was reserved.  2 actions. */
void hayi_task_failed(struct hayi_sched *s,
                      uint32_t index,
                      uint64_t report,
                      struct hayi_actions *actions);
/* The farm failed a held or running attempt; the row is booked still.  Adds up
 * to 2 actions, needs no further memory. */
void hayi_task_farm_failed(struct hayi_sched *s,
                           uint32_t index,
                           uint64_t report,
                           struct hayi_actions *actions);
/* The worker of a held or running attempt was lost; the row is booked still.
 * Adds up to 3 actions, needs no further memory. */
void hayi_task_lost(struct hayi_sched *s,
                    uint32_t index,
                    struct hayi_actions *actions);
/* Will an attempt of a worker that is being lost be tried again? */
bool hayi_task_again(const struct hayi_sched *s, uint32_t index);
/* A held or running attempt needed more memory than it was allowed: the next
 * one gets twice of it, if there is one and a worker could meet that.  Adds up
 * to 3 actions.  HAY_ENOMEM: nothing has happened. */
hay_status hayi_task_grown(struct hayi_sched *s,
                           uint32_t index,
                           uint64_t report,
                           struct hayi_actions *actions);
/* Pauses that are over. */
hay_status hayi_task_resume(struct hayi_sched *s, struct hayi_actions *actions);

/* nested.c: tasks in tasks */
hay_status hayi_nested_take(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions);
/* Backlog: what is cancelled with what submitted it, claims. */
hay_status hayi_nested_drain(struct hayi_sched *s,
                             struct hayi_actions *actions);
/* The record of a row; NULL: it has none. */
static inline struct hayi_kin *hayi_nested_kin(const struct hayi_sched *s,
                                               uint32_t index)
{
    return hayi_sched_row(s, index)->nested ? hayi_kin_at(&s->nest, index)
                                            : NULL;
}
/* The attempt whose cores an attempt with a record runs on. */
uint32_t hayi_nested_base(const struct hayi_sched *s, uint32_t index);
/* They are booked for it no more. */
void hayi_nested_free(struct hayi_sched *s, uint32_t index);
/* Cores that are booked for a row at its worker. */
uint32_t hayi_nested_cores(const struct hayi_sched *s, uint32_t index);
/* A row with a record leaves its worker: first it gets its cores back. */
void hayi_nested_unbook(struct hayi_sched *s, uint32_t index);
/* How an attempt waits. */
struct hayi_wait {
    hayi_handle waits_for;
    bool suspended;
    bool several;
};
/* Take that off a row, booked like others then; and lay it on a row again. */
struct hayi_wait hayi_nested_lift(struct hayi_sched *s, uint32_t index);
void hayi_nested_lay(struct hayi_sched *s,
                     uint32_t index,
                     const struct hayi_wait *wait);
/* The row that counts as the parent of a new one; 0: the client. */
uint32_t hayi_nested_parent(const struct hayi_sched *s, hayi_handle parent);
/* The depth of a child; told: if the parent is 0. */
uint16_t
hayi_nested_depth(const struct hayi_sched *s, uint32_t parent, uint16_t told);
/* Was the parent cancelled with all that it submits? */
bool hayi_nested_refused(const struct hayi_sched *s, uint32_t parent);
/* All memory for a child of that parent; the table was reserved. */
hay_status hayi_nested_reserve(struct hayi_sched *s, uint32_t parent);
void hayi_nested_born(struct hayi_sched *s, uint32_t parent, uint32_t index);
/* The row ends for the walltime: if its parent fails, it is for that. */
void hayi_nested_walltime(struct hayi_sched *s, uint32_t index);
/* A row with a record goes, or ends. */
void hayi_nested_end(struct hayi_sched *s, uint32_t index);
/* Cancel all that the task submitted and will submit.  HAY_ENOMEM. */
hay_status hayi_nested_cancel(struct hayi_sched *s, uint32_t index, bool force);
/* The row that this one will end as; itself if it follows none; 0: one that has
 * ended. */
uint32_t hayi_nested_followed(const struct hayi_sched *s, uint32_t index);
/* The attempt has finished with the result of another task: memory for that;
 * then, booked nowhere any more, it waits for that one.  1 action. */
hay_status hayi_nested_reserve_follow(struct hayi_sched *s,
                                      uint32_t index,
                                      const struct hayi_dep *follow);
void hayi_nested_follow(struct hayi_sched *s,
                        uint32_t index,
                        const struct hayi_dep *follow,
                        uint64_t report,
                        struct hayi_actions *actions);
/* What it waits for, if it is suspended or follows: ", waits for task 17";
 * else "". */
void hayi_nested_story(const struct hayi_sched *s,
                       uint32_t index,
                       char *text,
                       size_t size);
/* A pending row with a record hears of the end of what it waits for; false: it
 * follows nothing.  1 action. */
bool hayi_nested_heard(struct hayi_sched *s,
                       const struct hayi_row *ended,
                       uint32_t index,
                       struct hayi_actions *actions);

/* circle.c: does the row 'target' wait for the end of the row 'index', or is it
 * the same?  Bounded: false where that is not found out. */
bool hayi_circle_closes(const struct hayi_sched *s,
                        uint32_t index,
                        uint32_t target);
/* The attempt 'index' is suspended: if it waits for itself now, a PENDING row
 * that does so with it; 0: none.  Bounded, too. */
uint32_t hayi_circle_weak(const struct hayi_sched *s, uint32_t index);

/* deadlock.c: do suspended attempts hold what they wait for?  After all that
 * could be was handed out.  HAY_ENOMEM: look again. */
hay_status hayi_deadlock_look(struct hayi_sched *s,
                              struct hayi_actions *actions);

/* claims.c: tasks that wait with their cores */
hay_status hayi_claims_take(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions);
hay_status hayi_claims_drain(struct hayi_sched *s,
                             struct hayi_actions *actions);
/* A row with a record has a new state. */
void hayi_claims_moved(struct hayi_sched *s, uint32_t index);
/* Is the row, which is held, called back for a claim? */
bool hayi_claims_called(const struct hayi_sched *s, uint32_t index);

/* range.c: transitions of maps and of their ranges */
hay_status hayi_range_submit(struct hayi_sched *s,
                             struct hayi_event *event,
                             struct hayi_actions *actions);
hay_status hayi_range_read(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions);
/* Cancel the map of row 'index'.  Reserves by itself, as the former. */
hay_status hayi_range_cancel(struct hayi_sched *s,
                             uint32_t index,
                             bool force,
                             hay_status *answer,
                             struct hayi_actions *actions);
/* Hand out nothing more of a map; 1 action, if that was its end. */
void hayi_range_close(struct hayi_sched *s,
                      uint32_t index,
                      struct hayi_actions *actions);
/* The class of the map was judged infeasible: its end.  1 action. */
void hayi_range_judge(struct hayi_sched *s,
                      uint32_t index,
                      struct hayi_actions *actions);
/* Hand out nothing of the map, or go on with it. */
void hayi_range_shelve(struct hayi_sched *s,
                       uint32_t index,
                       bool shelve,
                       struct hayi_actions *actions);
void hayi_range_started(struct hayi_sched *s,
                        uint32_t index,
                        struct hayi_actions *actions);
hay_status hayi_range_ended(struct hayi_sched *s,
                            uint32_t index,
                            const struct hayi_event *event,
                            struct hayi_actions *actions);
/* 1 action. */
void hayi_range_returned(struct hayi_sched *s,
                         uint32_t index,
                         struct hayi_actions *actions);
/* Its worker was lost.  2 actions. */
void hayi_range_lost(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions);
/* Hand out the next range of the map to a worker; the table was reserved.
 * 1 action. */
void hayi_range_hand_out(struct hayi_sched *s,
                         uint32_t map_row,
                         uint64_t length,
                         uint32_t worker,
                         uint32_t variant,
                         struct hayi_actions *actions);

/* members.c: workers that come, are heard, and go */
hay_status hayi_members_joined(struct hayi_sched *s,
                               const struct hayi_event *event);
hay_status hayi_members_pool(struct hayi_sched *s,
                             const struct hayi_event *event);
void hayi_members_heard(struct hayi_sched *s, uint32_t worker);
hay_status hayi_members_lost(struct hayi_sched *s,
                             uint32_t worker,
                             bool silent,
                             struct hayi_actions *actions);
hay_status hayi_members_tick(struct hayi_sched *s,
                             struct hayi_actions *actions);
/* Could any worker that joined and was not lost meet the needs? */
bool hayi_members_meet(const struct hayi_sched *s,
                       const struct hayi_needs *needs);
/* hayi_ready_level(), and a new class is judged at once. */
hay_status hayi_members_level(struct hayi_sched *s,
                              const struct hayi_needs *needs,
                              int32_t priority,
                              uint16_t depth,
                              uint32_t *level);

/* What would rather have run there may run anywhere from now on. */
void hayi_members_free_classes(struct hayi_sched *s, uint32_t worker);

/* leave.c: workers that leave in order */
hay_status hayi_leave_take(struct hayi_sched *s,
                           const struct hayi_event *event);
/* The object is settled: bring it to a node that stays, if that is needed.  1
 * action, 1 fetch. */
void hayi_leave_save(struct hayi_sched *s,
                     uint32_t object,
                     struct hayi_actions *actions);
/* Who may go now?  HAY_ENOMEM: look again. */
hay_status hayi_leave_look(struct hayi_sched *s, struct hayi_actions *actions);
/* When a task that starts now is over, or a range that is to take map_ns, if
 * that is not 0; 0: it does not matter, since no worker has an end. */
uint64_t hayi_leave_until_ns(const struct hayi_sched *s,
                             uint32_t category,
                             uint64_t map_ns);
/* Would it end in time on the node? */
bool hayi_leave_node_in_time(const struct hayi_sched *s,
                             uint32_t node,
                             uint32_t category);

/* judge.c: needs that no worker can meet */
/* Who waits for what has changed: judge all classes again. */
void hayi_judge(struct hayi_sched *s);
/* Whose time is over? */
void hayi_judge_tick(struct hayi_sched *s);
/* The worker is about to be lost. */
void hayi_judge_loss(struct hayi_sched *s, uint32_t worker);
/* Is the class infeasible now? */
void hayi_judge_class(struct hayi_sched *s, uint32_t class);
/* Words, cut at size: what needs with a request lack, in each variant; a
 * variant; a number of units; a resource's name. */
void hayi_judge_lacks(const struct hayi_sched *s,
                      const struct hayi_needs *needs,
                      char *text,
                      size_t size);
void hayi_judge_variant(const struct hayi_sched *s,
                        const struct hayi_variant *variant,
                        char *text,
                        size_t size);
void hayi_judge_name(const struct hayi_sched *s,
                     uint32_t resource,
                     char *text,
                     size_t size);
/* Add to a text that ends with 0. */
void hayi_judge_text_add(char *text, size_t size, const char *more);

/* drain.c: HAY_ENOMEM: some backlog is left */
hay_status hayi_drain(struct hayi_sched *s, struct hayi_actions *actions);
hay_status hayi_drain_close(struct hayi_sched *s,
                            const struct hayi_event *event);

/* dispatch.c */
/* Book the row on the worker and fill in its action, which tells the variant
 * already. */
void hayi_dispatch_book(struct hayi_sched *s,
                        uint32_t index,
                        uint32_t worker,
                        uint64_t expected_ns,
                        struct hayi_action *action);
/* Room came up at a worker: classes that waited for it may try again. */
void hayi_dispatch_room(struct hayi_sched *s, uint32_t worker);

/* place.c: where tasks with objects as inputs go */
/* The row goes to GATHER; 2 actions. */
void hayi_place_gather(struct hayi_sched *s,
                       uint32_t index,
                       bool announce,
                       struct hayi_actions *actions);
/* Look at a cargo: what is its next step?  HAY_ENOMEM: look again. */
hay_status hayi_place_look(struct hayi_sched *s,
                           uint32_t cargo,
                           struct hayi_actions *actions);
/* Wherever it stands on its way to a worker: OPEN, to be looked at. */
void hayi_place_withdraw(struct hayi_sched *s, uint32_t cargo);
/* The task is no more on its way, its row was in no queue: what it used it
 * uses no longer.  The cargo stays, OPEN. */
void hayi_place_leave(struct hayi_sched *s, uint32_t cargo);
/* Its worker gets it. */
void hayi_place_out(struct hayi_sched *s, uint32_t cargo);
/* Move one task to a node that would be idle; false: none. */
bool hayi_place_steal(struct hayi_sched *s);
/* The needs of its task, on any node. */
const struct hayi_needs *hayi_place_needs(const struct hayi_sched *s,
                                          const struct hayi_cargo *cargo);
uint64_t hayi_place_move_ns(const struct hayi_sched *s, uint64_t bytes);

/* stage.c: what a node prepares for its next tasks */
hay_status hayi_stage_node(struct hayi_sched *s,
                           uint32_t node,
                           struct hayi_actions *actions);
/* The object is on the node now, or is not and will not be soon. */
void hayi_stage_arrived(struct hayi_sched *s, uint32_t object, uint32_t node);
void hayi_stage_gone(struct hayi_sched *s, uint32_t object, uint32_t node);

/* move.c: fetches */
/* Start a queued fetch that is in no line, or put it into one; 1 action. */
void hayi_move_start(struct hayi_sched *s,
                     uint32_t fetch,
                     struct hayi_actions *actions);
/* Start what stands in the lines of the node. */
hay_status hayi_move_node(struct hayi_sched *s,
                          uint32_t node,
                          struct hayi_actions *actions);
hay_status hayi_move_moved(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions);
/* The worker has left its node. */
void hayi_move_lost(struct hayi_sched *s, uint32_t worker);
/* A copy is gone from a node. */
void hayi_move_strike(struct hayi_sched *s, uint32_t object, uint32_t node);
/* 1 action. */
void hayi_move_drop(struct hayi_sched *s,
                    uint32_t node,
                    uint64_t place,
                    struct hayi_actions *actions);

/* lineage.c: what tasks made, and how it is made again */
/* All memory for the objects, at least one, of a finished task; *made: to be
 * taken. */
hay_status hayi_lineage_reserve(struct hayi_sched *s,
                                uint32_t index,
                                const struct hayi_event *event,
                                uint32_t **made);
/* Its objects are there; true: it is remembered, and its cargo is its no
 * more. */
bool hayi_lineage_keep(struct hayi_sched *s,
                       uint32_t index,
                       const struct hayi_event *event,
                       uint32_t *made);
/* Make an object again that is nowhere; HAY_EFARM: that cannot be done. */
hay_status hayi_lineage_remake(struct hayi_sched *s, uint32_t object);
/* A remake has finished, in no queue any more. */
void hayi_lineage_remade(struct hayi_sched *s,
                         uint32_t index,
                         const struct hayi_event *event);
/* A remake has come to nothing.  lost: what it should have made is lost. */
void hayi_lineage_failed(struct hayi_sched *s, uint32_t index, bool lost);
/* Nobody needs what the remake would make. */
bool hayi_lineage_idle(const struct hayi_sched *s,
                       const struct hayi_cargo *cargo);
/* The row of an object goes: its recipe has one less. */
void hayi_lineage_gone(struct hayi_sched *s, uint32_t object);
/* A recipe of which no object is left; 1 action. */
void hayi_lineage_forget(struct hayi_sched *s,
                         uint32_t cargo,
                         struct hayi_actions *actions);

/* data.c: events of objects, and what follows from them */
hay_status hayi_data_take(struct hayi_sched *s,
                          struct hayi_event *event,
                          struct hayi_actions *actions);
/* Does anybody hold it, or use it? */
bool hayi_data_needed(const struct hayi_thing *thing);
hay_status hayi_data_drain(struct hayi_sched *s, struct hayi_actions *actions);
static inline bool hayi_data_drain_wanted(const struct hayi_sched *s)
{
    return (s->objects.first | s->cargos.first | s->nodes.first) != 0;
}
/* Is there any backlog?  Asked at each step: no branch but the last. */
static inline bool hayi_drain_wanted(const struct hayi_sched *s)
{
    uint32_t lists = s->losing | s->ended_first | s->judge | s->sweep
                     | s->walltime.back | s->nest.kill_first
                     | s->nest.claim_first | s->objects.first | s->cargos.first
                     | s->nodes.first;
    return lists != 0 || (s->closed && s->unfinished == 0 && !s->all_told);
}
/* Is any task assigned to a node, or prepared there? */
static inline bool hayi_data_backlog(const struct hayi_sched *s)
{
    return (s->cargos.assigned | s->cargos.staged) != 0;
}
/* A worker has joined. */
void hayi_data_joined(struct hayi_sched *s, uint32_t worker);
/* Strike off what a worker misses on its node. */
void hayi_data_missing(struct hayi_sched *s, const struct hayi_event *event);

/* check_nested.c */
void hayi_nested_check(const struct hayi_sched *s);
/* check_data.c */
void hayi_data_check(const struct hayi_sched *s);
/* story_data.c: why a row in GATHER is not ready. */
void hayi_data_story(const struct hayi_sched *s,
                     const struct hayi_row *row,
                     char *text,
                     size_t size);

/* story_ready.c: what a class asks for that no worker has. */
void hayi_unable_story(const struct hayi_sched *s,
                       uint32_t class,
                       char *text,
                       size_t size);
/* Why a row in READY is not handed out. */
void hayi_ready_story(const struct hayi_sched *s,
                      const struct hayi_row *row,
                      char *text,
                      size_t size);

/* recall.c */
hay_status hayi_recall(struct hayi_sched *s, struct hayi_actions *actions);
/* A class is blocked whose first row has this priority: ask lower ones back. */
hay_status hayi_recall_for(struct hayi_sched *s,
                           uint32_t class,
                           struct hayi_actions *actions);
void hayi_recall_returned(struct hayi_sched *s, uint32_t worker);
void hayi_recall_done(struct hayi_sched *s, uint32_t worker);

#endif
