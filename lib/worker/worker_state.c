/* worker_state.c - queue and backlogs of a worker.
 *
 * The queue is strict: nothing passes its head.  A head that is too wide stops
 * the feeding of backlogs too, so that cores drain for it.  Backlogs are fed
 * when no core is free, and taken from when one is and the queue has nothing
 * for it.
 *
 * A revoke is answered once, by REVOKED, by REVOKE_LATE or by the ENDED of the
 * attempt.  It can serve several masters at once (an idle core, a recall, a
 * cancel); what becomes of the attempt is decided when the answer is there:
 * cancelled, else returned, else queued again.
 */
#include "config.h"

#include "worker/worker_state.h"

#include "worker/held.h"
#include "worker/slots.h"

#include <assert.h>
#include <stdlib.h>

#define NONE HAYI_HELD_NONE

enum { GPUS = 64 };

struct hayi_wstate {
    struct hayi_wstate_config config;
    uint32_t gpu_numa[GPUS];
    struct hayi_held_table held;
    struct hayi_slots slots;
    uint32_t *cursors;    /* [cores], of a recall's walk */
    uint32_t steal_count; /* unanswered revokes for an idle core */
    uint32_t *recalls;    /* revokes that are outstanding; 0: not in use */
    uint32_t recall_room;
    bool stopping;
};

/* Room has been reserved. */
static struct hayi_waction *emit(struct hayi_wactions *actions,
                                 enum hayi_waction_kind kind)
{
    assert(actions->count < actions->room);
    struct hayi_waction *action = &actions->list[actions->count++];
    *action = (struct hayi_waction){.kind = kind};
    return action;
}

static struct hayi_waction *emit_for(const struct hayi_wstate *state,
                                     struct hayi_wactions *actions,
                                     enum hayi_waction_kind kind,
                                     uint32_t row)
{
    const struct hayi_held *held = &state->held.rows[row];
    struct hayi_waction *action = emit(actions, kind);
    action->task = held->task;
    action->attempt = held->attempt;
    action->cookie = held->cookie;
    return action;
}

/* ---- revokes ---- */

/* Room for the action has been reserved. */
static void
revoke(struct hayi_wstate *state, uint32_t row, struct hayi_wactions *actions)
{
    hayi_slots_revoke(&state->slots, row);
    (void)emit_for(state, actions, HAYI_WACTION_REVOKE, row);
}

/* The answer to a revoke is there. */
static void settle(struct hayi_wstate *state, uint32_t row)
{
    hayi_slots_settle(&state->slots, row);
    state->steal_count -= state->held.rows[row].stolen;
    state->held.rows[row].stolen = false;
}

/* One revoke of a recall has been answered.  NONE: it was of no recall. */
static void recall_answered(struct hayi_wstate *state,
                            uint32_t recall,
                            struct hayi_wactions *actions)
{
    if (recall != NONE) {
        assert(state->recalls[recall] > 0);
        state->recalls[recall]--;
        if (state->recalls[recall] == 0) {
            (void)emit(actions, HAYI_WACTION_RECALL_DONE);
        }
    }
}

/* A recall that is not in use, at *recall.  HAY_ENOMEM. */
static hay_status free_recall(struct hayi_wstate *state, uint32_t *recall)
{
    uint32_t at = 0;
    while (at < state->recall_room && state->recalls[at] != 0) {
        at++;
    }
    if (at == state->recall_room) {
        uint32_t *more =
            realloc(state->recalls, (at + 1u) * sizeof state->recalls[0]);
        if (more == NULL) {
            return HAY_ENOMEM;
        }
        state->recalls = more;
        state->recalls[at] = 0;
        state->recall_room = at + 1;
    }
    *recall = at;
    return HAY_OK;
}

/* Tell that a row left for good, and forget it. */
static void give_up(struct hayi_wstate *state,
                    uint32_t row,
                    enum hayi_waction_kind kind,
                    struct hayi_wactions *actions)
{
    (void)emit_for(state, actions, kind, row);
    hayi_held_drop(&state->held, row);
}

/* ---- events ---- */

/* The NUMA nodes of these gpus. */
static uint64_t near_of(const struct hayi_wstate *state, uint64_t gpu_mask)
{
    uint64_t near = 0;
    for (; gpu_mask != 0; gpu_mask &= gpu_mask - 1) {
        uint32_t numa = state->gpu_numa[__builtin_ctzll(gpu_mask)];
        near |= numa != HAYI_LEASE_FAR ? hayi_lease_numa_bit(numa) : 0;
    }
    return near;
}

static hay_status arrived(struct hayi_wstate *state,
                          const struct hayi_wevent *event,
                          struct hayi_wactions *actions)
{
    uint8_t kind = event->u.arrived.kind;
    uint64_t memory = event->u.arrived.memory_bytes;
    uint32_t row;

    if (event->u.arrived.cores < 1
        || event->u.arrived.cores > state->config.cores || kind == 0
        || kind >= HAYI_SLOT_KINDS
        || (state->config.memory_bytes != 0
            && memory > state->config.memory_bytes)) {
        return HAY_EINVAL;
    }
    hay_status st = hayi_wactions_reserve(actions, 1);
    if (st == HAY_OK) {
        st = hayi_held_add(&state->held,
                           event->u.arrived.task,
                           event->u.arrived.attempt,
                           &row);
    }
    if (st != HAY_OK) {
        return st;
    }
    struct hayi_held *held = &state->held.rows[row];
    held->cookie = event->u.arrived.cookie;
    held->memory_bytes = memory;
    held->cores = event->u.arrived.cores;
    held->priority = event->u.arrived.priority;
    held->depth = event->u.arrived.depth;
    held->near = near_of(state, event->u.arrived.gpu_mask);
    held->kind = kind;
    if (state->stopping) {
        give_up(state, row, HAYI_WACTION_RETURNED, actions);
        return HAY_OK;
    }
    st = hayi_held_push(&state->held, &state->held.queue, row, false);
    if (st != HAY_OK) {
        hayi_held_drop(&state->held, row);
    }
    return st;
}

/* What a recall wants back. */
struct below {
    int32_t priority; /* INT32_MAX: all */
    uint16_t depth;
};

static bool is_below(const struct hayi_held *held, struct below below)
{
    return below.priority == INT32_MAX || held->priority < below.priority
           || (held->priority == below.priority && held->depth < below.depth);
}

/* Revoke one of a backlog for a recall, if it may be.  How many: 0 or 1. */
static uint32_t recall_one(struct hayi_wstate *state,
                           uint32_t row,
                           struct below below,
                           uint32_t recall,
                           struct hayi_wactions *actions)
{
    struct hayi_held *held = &state->held.rows[row];

    if (held->revoking || held->resuming || !is_below(held, below)) {
        return 0;
    }
    held->recall = recall;
    state->recalls[recall]++;
    revoke(state, row, actions);
    return 1;
}

/* Revoke for a recall up to 'count' of lower priority than 'below': the
 * farthest ones of the longest slots first. */
static void recall_backlogs(struct hayi_wstate *state,
                            uint32_t count,
                            struct below below,
                            uint32_t recall,
                            struct hayi_wactions *actions)
{
    uint32_t depth = 1;
    for (uint32_t core = 0; core < state->config.cores; core++) {
        struct hayi_held_list *list = &state->slots.list[core].list;
        depth = list->count > depth ? list->count : depth;
        state->cursors[core] = list->last;
    }
    for (; depth >= 2; depth--) {
        for (uint32_t core = 0; core < state->config.cores; core++) {
            uint32_t row = state->cursors[core];
            if (state->slots.list[core].list.count >= depth && count > 0) {
                state->cursors[core] = state->held.rows[row].prev;
                count -= recall_one(state, row, below, recall, actions);
            }
        }
    }
}

static hay_status recalled(struct hayi_wstate *state,
                           const struct hayi_wevent *event,
                           struct hayi_wactions *actions)
{
    uint32_t count = event->u.recall.count;
    const struct below below = {event->u.recall.below,
                                event->u.recall.below_depth};
    uint32_t held_count = state->held.held_count;
    uint32_t recall = 0;
    size_t most = (size_t)(count < held_count ? count : held_count) + 1;

    hay_status st = hayi_wactions_reserve(actions, most);
    if (st == HAY_OK) {
        st = free_recall(state, &recall);
    }
    if (st != HAY_OK) {
        return st;
    }
    for (; count > 0; count--) {
        uint32_t row = hayi_held_tail(&state->held.queue);
        if (row == NONE || !is_below(&state->held.rows[row], below)) {
            break;
        }
        hayi_held_pull(&state->held, row);
        give_up(state, row, HAYI_WACTION_RETURNED, actions);
    }
    if (count > 0 && state->held.held_count > 0) {
        recall_backlogs(state, count, below, recall, actions);
    }
    if (state->recalls[recall] == 0) {
        (void)emit(actions, HAYI_WACTION_RECALL_DONE);
    }
    return HAY_OK;
}

/* It runs, as far as is known, or waits. */
static bool has_begun(const struct hayi_wstate *state, uint32_t row)
{
    const struct hayi_held *held = &state->held.rows[row];
    return held->state != HAYI_HELD_IN_SLOT || held->resuming
           || (hayi_slots_running(&state->slots, row) && !held->revoking);
}

static hay_status cancel(struct hayi_wstate *state,
                         const struct hayi_wevent *event,
                         struct hayi_wactions *actions)
{
    uint32_t row = hayi_held_find(
        &state->held, event->u.cancel.task, event->u.cancel.attempt);
    hay_status st = hayi_wactions_reserve(actions, 1);
    if (row == NONE || st != HAY_OK) {
        return st;
    }
    struct hayi_held *held = &state->held.rows[row];
    if (held->state == HAYI_HELD_QUEUED) {
        hayi_held_pull(&state->held, row);
        give_up(state, row, HAYI_WACTION_CANCELLED, actions);
    } else if (has_begun(state, row)) {
        if (!event->u.cancel.unstarted_only) {
            emit_for(state, actions, HAYI_WACTION_STOP_IT, row)->force =
                event->u.cancel.force;
        }
    } else {
        held->unstarted_only = event->u.cancel.unstarted_only
                               && (!held->cancelled || held->unstarted_only);
        held->force = held->force || event->u.cancel.force;
        held->cancelled = true;
        if (!held->revoking) {
            revoke(state, row, actions);
        }
    }
    return HAY_OK;
}

static hay_status ended(struct hayi_wstate *state,
                        const struct hayi_wevent *event,
                        struct hayi_wactions *actions)
{
    uint32_t row = hayi_held_find(
        &state->held, event->u.ended.task, event->u.ended.attempt);
    hay_status st = hayi_wactions_reserve(actions, 1);
    if (row == NONE || st != HAY_OK
        || state->held.rows[row].state == HAYI_HELD_QUEUED) {
        return st;
    }
    struct hayi_held *held = &state->held.rows[row];
    if (held->state != HAYI_HELD_IN_SLOT) {
        if (held->state == HAYI_HELD_WAKING) {
            hayi_held_pull(&state->held, row);
        }
        hayi_slots_forget(&state->slots, row);
        hayi_held_drop(&state->held, row);
        return HAY_OK;
    }
    if (held->cores == 1) {
        hayi_slots_learn(&state->slots, held->kind, event->u.ended.run_ns);
    }
    if (held->revoking) {
        settle(state, row);
        recall_answered(state, held->recall, actions);
    }
    hayi_slots_resumed(&state->slots, row);
    hayi_slots_leave(&state->slots, row);
    hayi_held_drop(&state->held, row);
    return HAY_OK;
}

/* The row of a revoke that is being answered; NONE: it was by ENDED. */
static uint32_t
revoked_row(const struct hayi_wstate *state, hayi_handle task, uint32_t attempt)
{
    uint32_t row = hayi_held_find(&state->held, task, attempt);
    return row != NONE && state->held.rows[row].revoking ? row : NONE;
}

/* A revoke came too late.  There is room for two actions. */
static void answer_late(struct hayi_wstate *state,
                        uint32_t row,
                        struct hayi_wactions *actions)
{
    struct hayi_held *held = &state->held.rows[row];

    settle(state, row);
    hayi_slots_resumed(&state->slots, row);
    if (held->cancelled && !held->unstarted_only) {
        emit_for(state, actions, HAYI_WACTION_STOP_IT, row)->force =
            held->force;
    }
    recall_answered(state, held->recall, actions);
    held->recall = NONE;
    held->cancelled = false;
    held->force = false;
}

static hay_status suspended(struct hayi_wstate *state,
                            const struct hayi_wevent *event,
                            struct hayi_wactions *actions)
{
    uint32_t row = hayi_held_find(
        &state->held, event->u.suspended.task, event->u.suspended.attempt);
    hay_status st = hayi_wactions_reserve(actions, 2);
    if (row == NONE || st != HAY_OK
        || state->held.rows[row].state != HAYI_HELD_IN_SLOT) {
        return st;
    }
    struct hayi_held *held = &state->held.rows[row];
    if (held->revoking) { /* it had begun: the answer is REVOKE_LATE */
        answer_late(state, row, actions);
    }
    hayi_slots_suspend(&state->slots, row);
    return HAY_OK;
}

/* A row that was suspended wants its cores. */
static hay_status wake_row(struct hayi_wstate *state, uint32_t row, bool front)
{
    return hayi_held_push(&state->held, &state->held.waking, row, front);
}

static hay_status wake(struct hayi_wstate *state,
                       const struct hayi_wevent *event)
{
    uint32_t row =
        hayi_held_find(&state->held, event->u.wake.task, event->u.wake.attempt);
    if (row == NONE || state->held.rows[row].state != HAYI_HELD_SUSPENDED) {
        return HAY_OK;
    }
    return wake_row(state, row, false);
}

static hay_status resumed(struct hayi_wstate *state,
                          const struct hayi_wevent *event)
{
    uint32_t row = hayi_held_find(
        &state->held, event->u.resumed.task, event->u.resumed.attempt);
    if (row != NONE && !state->held.rows[row].revoking) {
        hayi_slots_resumed(&state->slots, row);
    }
    return HAY_OK;
}

static hay_status revoked(struct hayi_wstate *state,
                          const struct hayi_wevent *event,
                          struct hayi_wactions *actions)
{
    uint32_t row =
        revoked_row(state, event->u.revoked.task, event->u.revoked.attempt);
    hay_status st = hayi_wactions_reserve(actions, 2);
    if (st == HAY_OK) {
        st = hayi_held_reserve_level(&state->held.queue);
    }
    if (st == HAY_OK) {
        st = hayi_held_reserve_level(&state->held.waking);
    }
    if (row == NONE || st != HAY_OK) {
        return st;
    }
    struct hayi_held *held = &state->held.rows[row];
    uint32_t recall = held->recall;
    settle(state, row);
    if (held->resuming) {
        hayi_slots_suspend(&state->slots, row);
        return wake_row(state, row, true);
    }
    hayi_slots_leave(&state->slots, row);
    if (held->cancelled) {
        give_up(state, row, HAYI_WACTION_CANCELLED, actions);
    } else if (recall != NONE || state->stopping) {
        give_up(state, row, HAYI_WACTION_RETURNED, actions);
    } else {
        st = hayi_held_push(&state->held, &state->held.queue, row, true);
        assert(st == HAY_OK);
    }
    recall_answered(state, recall, actions);
    return HAY_OK;
}

static hay_status revoke_late(struct hayi_wstate *state,
                              const struct hayi_wevent *event,
                              struct hayi_wactions *actions)
{
    uint32_t row = revoked_row(
        state, event->u.revoke_late.task, event->u.revoke_late.attempt);
    hay_status st = hayi_wactions_reserve(actions, 2);
    if (row == NONE || st != HAY_OK) {
        return st;
    }
    answer_late(state, row, actions);
    return HAY_OK;
}

static hay_status stop(struct hayi_wstate *state, struct hayi_wactions *actions)
{
    hay_status st = hayi_wactions_reserve(actions, state->held.held_count);
    if (st != HAY_OK) {
        return st;
    }
    state->stopping = true;
    for (uint32_t row = hayi_held_head(&state->held.queue); row != NONE;
         row = hayi_held_head(&state->held.queue)) {
        hayi_held_pull(&state->held, row);
        give_up(state, row, HAYI_WACTION_RETURNED, actions);
    }
    for (uint32_t core = 0; core < state->config.cores; core++) {
        const struct hayi_slot *slot = &state->slots.list[core];
        for (uint32_t row = slot->list.last; row != NONE;
             row = state->held.rows[row].prev) {
            if (!hayi_slots_running(&state->slots, row)
                && !state->held.rows[row].revoking
                && !state->held.rows[row].resuming) {
                revoke(state, row, actions);
            }
        }
    }
    return HAY_OK;
}

hay_status hayi_wstate_step(struct hayi_wstate *state,
                            const struct hayi_wevent *event,
                            struct hayi_wactions *actions)
{
    switch (event->kind) {
    case HAYI_WEVENT_ARRIVED:
        return arrived(state, event, actions);
    case HAYI_WEVENT_RECALL:
        return recalled(state, event, actions);
    case HAYI_WEVENT_CANCEL:
        return cancel(state, event, actions);
    case HAYI_WEVENT_ENDED:
        return ended(state, event, actions);
    case HAYI_WEVENT_REVOKED:
        return revoked(state, event, actions);
    case HAYI_WEVENT_REVOKE_LATE:
        return revoke_late(state, event, actions);
    case HAYI_WEVENT_STOP:
        return stop(state, actions);
    case HAYI_WEVENT_SUSPENDED:
        return suspended(state, event, actions);
    case HAYI_WEVENT_WAKE:
        return wake(state, event);
    case HAYI_WEVENT_RESUMED:
        return resumed(state, event);
    }
    return HAY_EINVAL;
}

/* ---- dispatch ---- */

/* Start the queue's head on free cores. */
static hay_status
start(struct hayi_wstate *state, uint32_t row, struct hayi_wactions *actions)
{
    const uint32_t *cores = NULL;

    hayi_held_pull(&state->held, row);
    hay_status st = hayi_slots_start(&state->slots, row, &cores);
    if (st != HAY_OK) {
        /* Its level has just had room. */
        hay_status again =
            hayi_held_push(&state->held, &state->held.queue, row, true);
        assert(again == HAY_OK);
        return st;
    }
    struct hayi_waction *action =
        emit_for(state, actions, HAYI_WACTION_START, row);
    action->cores = cores;
    action->core_count = state->held.rows[row].cores;
    return HAY_OK;
}

static void feed(struct hayi_wstate *state,
                 uint32_t row,
                 uint32_t core,
                 struct hayi_wactions *actions)
{
    hayi_held_pull(&state->held, row);
    hayi_slots_feed(&state->slots, row, core);
    struct hayi_waction *action =
        emit_for(state, actions, HAYI_WACTION_START, row);
    action->backlog = true;
    action->cores = &state->slots.core_index[core];
    action->core_count = 1;
}

static bool memory_fits(const struct hayi_wstate *state, uint32_t row)
{
    return state->config.memory_bytes == 0
           || state->held.rows[row].memory_bytes
                  <= state->config.memory_bytes - state->slots.memory_used;
}

/* Start or feed until the queue's head has to wait. */
static hay_status start_heads(struct hayi_wstate *state,
                              struct hayi_wactions *actions)
{
    uint32_t row;

    while ((row = hayi_held_head(&state->held.queue)) != NONE
           && memory_fits(state, row)) {
        const struct hayi_held *held = &state->held.rows[row];
        uint32_t core = NONE;

        hay_status st = hayi_wactions_reserve(actions, 1);
        if (st == HAY_OK && held->cores <= state->slots.lease.free_count) {
            st = start(state, row, actions);
        } else if (st == HAY_OK) {
            core = held->cores == 1
                       ? hayi_slots_short(&state->slots, held->kind)
                       : NONE;
            if (core == NONE) {
                return HAY_OK;
            }
            feed(state, row, core, actions);
        }
        if (st != HAY_OK) {
            return st;
        }
    }
    return HAY_OK;
}

/* What can go on waits for cores: take back all that has not begun. */
static hay_status drain(struct hayi_wstate *state,
                        struct hayi_wactions *actions)
{
    hay_status st = HAY_OK;

    for (uint32_t core = 0; core < state->config.cores; core++) {
        const struct hayi_slot *slot = &state->slots.list[core];
        if (slot->list.count < 2 || slot->resuming) {
            continue;
        }
        for (uint32_t row = slot->list.last;
             st == HAY_OK && row != slot->list.first;
             row = state->held.rows[row].prev) {
            st = hayi_wactions_reserve(actions, 1);
            if (st == HAY_OK && !state->held.rows[row].revoking) {
                revoke(state, row, actions);
            }
        }
    }
    return st;
}

/* Cores for what can go on.  *all: there is no more of it. */
static hay_status resume_heads(struct hayi_wstate *state,
                               struct hayi_wactions *actions,
                               bool *all)
{
    uint32_t row;

    while ((row = hayi_held_head(&state->held.waking)) != NONE) {
        struct hayi_held *held = &state->held.rows[row];
        bool now = held->cores <= state->slots.lease.free_count;
        bool turn = held->cores == 1 && held->kind == HAYI_WKIND_THREAD;
        uint32_t core =
            now || !turn ? NONE : hayi_slots_turn(&state->slots, row);
        const uint32_t *cores =
            core != NONE ? &state->slots.core_index[core] : NULL;

        *all = now || core != NONE;
        hay_status st =
            *all ? hayi_wactions_reserve(actions, 1) : drain(state, actions);
        if (!*all || st != HAY_OK) {
            return st;
        }
        hayi_held_pull(&state->held, row);
        if (now) {
            st = hayi_slots_resume(&state->slots, row, &cores);
            assert(st == HAY_OK); /* it has room for them */
        } else {
            hayi_slots_resume_next(&state->slots, row, core);
        }
        struct hayi_waction *action =
            emit_for(state, actions, HAYI_WACTION_RESUME, row);
        action->backlog = !now;
        action->cores = cores;
        action->core_count = held->cores;
    }
    *all = true;
    return HAY_OK;
}

/* A core is free: what waits for its turn elsewhere can go on there.  *any: its
 * core must be left alone until the answer. */
static hay_status take_turns_back(struct hayi_wstate *state,
                                  struct hayi_wactions *actions,
                                  bool *any)
{
    hay_status st = HAY_OK;

    while (state->slots.turn_count > 0
           && state->steal_count < state->slots.lease.free_count) {
        uint32_t row = hayi_slots_resuming(&state->slots);
        st = row != NONE ? hayi_wactions_reserve(actions, 1) : HAY_EEMPTY;
        if (st != HAY_OK) {
            break;
        }
        state->held.rows[row].stolen = true;
        state->steal_count++;
        revoke(state, row, actions);
        *any = true;
    }
    return st == HAY_ENOMEM ? st : HAY_OK;
}

hay_status hayi_wstate_dispatch(struct hayi_wstate *state,
                                struct hayi_wactions *actions)
{
    bool all = true;
    bool any = false;
    hay_status st = resume_heads(state, actions, &all);

    if (st == HAY_OK && all) {
        st = take_turns_back(state, actions, &any);
    }
    if (st != HAY_OK || !all || any) {
        return st; /* what has not begun waits */
    }
    st = start_heads(state, actions);

    /* What is free now has no use for the queue's head. */
    while (st == HAY_OK && !state->stopping
           && state->steal_count < state->slots.lease.free_count) {
        uint32_t core = hayi_slots_long(&state->slots);
        if (core == NONE) {
            break;
        }
        st = hayi_wactions_reserve(actions, 1);
        if (st == HAY_OK) {
            uint32_t row = state->slots.list[core].list.last;
            state->held.rows[row].stolen = true;
            state->steal_count++;
            revoke(state, row, actions);
        }
    }
    return st;
}

/* ---- life, looks ---- */

struct hayi_wstate *hayi_wstate_new(const struct hayi_wstate_config *config)
{
    struct hayi_wstate *state = calloc(1, sizeof *state);

    assert(config->cores >= 1);
    if (state == NULL) {
        return NULL;
    }
    state->config = *config;
    for (uint32_t i = 0; i < GPUS; i++) {
        state->gpu_numa[i] =
            config->gpu_numa != NULL ? config->gpu_numa[i] : HAYI_LEASE_FAR;
    }
    state->config.core_numa = state->config.gpu_numa = NULL;
    hayi_held_init(&state->held);
    state->cursors = calloc(config->cores, sizeof state->cursors[0]);
    if (hayi_slots_init(&state->slots, &state->held, config) != HAY_OK
        || state->cursors == NULL) {
        hayi_wstate_free(state);
        return NULL;
    }
    return state;
}

void hayi_wstate_free(struct hayi_wstate *state)
{
    if (state == NULL) {
        return;
    }
    hayi_slots_fini(&state->slots);
    hayi_held_fini(&state->held);
    free(state->cursors);
    free(state->recalls);
    free(state);
}

void hayi_wstate_counts(const struct hayi_wstate *state,
                        uint32_t *queued,
                        uint32_t *in_slots)
{
    *queued = state->held.queue.count;
    *in_slots = state->held.held_count - state->held.queue.count;
}

bool hayi_wstate_hungry(const struct hayi_wstate *state)
{
    return state->slots.lease.free_count > 0
           || (state->held.queue.count == 0 && state->slots.single_count > 0);
}

void hayi_wstate_check(const struct hayi_wstate *state)
{
    uint32_t steals = 0;
    uint64_t recalls = 0;

    hayi_held_check(&state->held);
    hayi_slots_check(&state->slots);
    for (uint32_t row = 0; row < state->held.row_count; row++) {
        const struct hayi_held *held = &state->held.rows[row];
        if (held->state == HAYI_HELD_FREE) {
            continue;
        }
        steals += held->stolen;
        recalls += held->recall != NONE;
        assert(!held->revoking || held->state == HAYI_HELD_IN_SLOT);
        assert(held->revoking
               || (!held->stolen && !held->cancelled && held->recall == NONE));
    }
    for (uint32_t i = 0; i < state->recall_room; i++) {
        recalls -= state->recalls[i];
    }
    assert(steals == state->steal_count);
    assert(recalls == 0);
    assert(!state->stopping || state->held.queue.count == 0);
    assert(state->config.memory_bytes == 0
           || state->slots.memory_used <= state->config.memory_bytes);
}
