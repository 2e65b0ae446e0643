/* worker_state_inside.h - the struct of worker_state.h, for the files that make
 * it up: worker_state.c (events), worker_state_recall.c (what the manager wants
 * back) and worker_state_start.c (what starts, and goes on).
 *
 * Owns: see worker_state.h.
 * Never: included elsewhere.
 * Threads: see worker_state.h.
 */
#ifndef HAYI_WORKER_WORKER_STATE_INSIDE_H
#define HAYI_WORKER_WORKER_STATE_INSIDE_H

#include "worker/held.h"
#include "worker/slots.h"
#include "worker/worker_state.h"

#include <assert.h>

enum { HAYI_WSTATE_GPUS = 64 };

struct hayi_wstate {
    struct hayi_wstate_config config;
    uint32_t gpu_numa[HAYI_WSTATE_GPUS];
    struct hayi_held_table held;
    struct hayi_slots slots;
    uint32_t *cursors;    /* [cores], of a recall's walk */
    uint32_t steal_count; /* unanswered revokes for an idle core */
    uint32_t *recalls;    /* revokes that are outstanding; 0: not in use */
    uint32_t recall_room;
    bool stopping;
};

/* Room has been reserved. */
static inline struct hayi_waction *
hayi_wstate_emit(struct hayi_wactions *actions, enum hayi_waction_kind kind)
{
    assert(actions->count < actions->room);
    struct hayi_waction *action = &actions->list[actions->count++];
    *action = (struct hayi_waction){.kind = kind};
    return action;
}

static inline struct hayi_waction *
hayi_wstate_emit_for(const struct hayi_wstate *state,
                     struct hayi_wactions *actions,
                     enum hayi_waction_kind kind,
                     uint32_t row)
{
    const struct hayi_held *held = &state->held.rows[row];
    struct hayi_waction *action = hayi_wstate_emit(actions, kind);
    action->task = held->task;
    action->attempt = held->attempt;
    action->cookie = held->cookie;
    return action;
}

/* Room for the action has been reserved. */
static inline void hayi_wstate_revoke(struct hayi_wstate *state,
                                      uint32_t row,
                                      struct hayi_wactions *actions)
{
    hayi_slots_revoke(&state->slots, row);
    (void)hayi_wstate_emit_for(state, actions, HAYI_WACTION_REVOKE, row);
}

/* Tell that a row left for good, and forget it. */
static inline void hayi_wstate_give_up(struct hayi_wstate *state,
                                       uint32_t row,
                                       enum hayi_waction_kind kind,
                                       struct hayi_wactions *actions)
{
    (void)hayi_wstate_emit_for(state, actions, kind, row);
    hayi_held_drop(&state->held, row);
}

/* worker_state_recall.c */
hay_status hayi_wstate_recall(struct hayi_wstate *state,
                              const struct hayi_wevent *event,
                              struct hayi_wactions *actions);
/* One revoke of a recall has been answered.  HAYI_HELD_NONE: it was of no
 * recall. */
void hayi_wstate_recall_answered(struct hayi_wstate *state,
                                 uint32_t recall,
                                 struct hayi_wactions *actions);

#endif
