/* worker_state.c - the events of what a worker holds.
 *
 * A revoke is answered once, by REVOKED, by REVOKE_LATE or by the ENDED of the
 * attempt.  It can serve several masters at once (an idle core, a recall, a
 * cancel); what becomes of the attempt is decided when the answer is there:
 * cancelled, else returned, else queued again.
 */
#include "config.h"

#include "worker/worker_state_inside.h"

#include <assert.h>
#include <stdlib.h>

#define NONE HAYI_HELD_NONE

/* ---- revokes ---- */

/* The answer to a revoke is there. */
static void settle(struct hayi_wstate *state, uint32_t row)
{
    hayi_slots_settle(&state->slots, row);
    state->steal_count -= state->held.rows[row].stolen;
    state->held.rows[row].stolen = false;
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
        hayi_wstate_give_up(state, row, HAYI_WACTION_RETURNED, actions);
        return HAY_OK;
    }
    st = hayi_held_push(&state->held, &state->held.queue, row, false);
    if (st != HAY_OK) {
        hayi_held_drop(&state->held, row);
    }
    return st;
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
        hayi_wstate_give_up(state, row, HAYI_WACTION_CANCELLED, actions);
    } else if (has_begun(state, row)) {
        if (!event->u.cancel.unstarted_only) {
            hayi_wstate_emit_for(state, actions, HAYI_WACTION_STOP_IT, row)
                ->force = event->u.cancel.force;
        }
    } else {
        held->unstarted_only = event->u.cancel.unstarted_only
                               && (!held->cancelled || held->unstarted_only);
        held->force = held->force || event->u.cancel.force;
        held->cancelled = true;
        if (!held->revoking) {
            hayi_wstate_revoke(state, row, actions);
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
        hayi_wstate_recall_answered(state, held->recall, actions);
    }
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
        hayi_wstate_emit_for(state, actions, HAYI_WACTION_STOP_IT, row)->force =
            held->force;
    }
    hayi_wstate_recall_answered(state, held->recall, actions);
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
        hayi_wstate_give_up(state, row, HAYI_WACTION_CANCELLED, actions);
    } else if (recall != NONE || state->stopping) {
        hayi_wstate_give_up(state, row, HAYI_WACTION_RETURNED, actions);
    } else {
        st = hayi_held_push(&state->held, &state->held.queue, row, true);
        assert(st == HAY_OK);
    }
    hayi_wstate_recall_answered(state, recall, actions);
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
        hayi_wstate_give_up(state, row, HAYI_WACTION_RETURNED, actions);
    }
    for (uint32_t core = 0; core < state->config.cores; core++) {
        const struct hayi_slot *slot = &state->slots.list[core];
        for (uint32_t row = slot->list.last; row != NONE;
             row = state->held.rows[row].prev) {
            if (!hayi_slots_running(&state->slots, row)
                && !state->held.rows[row].revoking
                && !state->held.rows[row].resuming) {
                hayi_wstate_revoke(state, row, actions);
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
        return hayi_wstate_recall(state, event, actions);
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

/* ---- life, looks ---- */

struct hayi_wstate *hayi_wstate_new(const struct hayi_wstate_config *config)
{
    struct hayi_wstate *state = calloc(1, sizeof *state);

    assert(config->cores >= 1);
    if (state == NULL) {
        return NULL;
    }
    state->config = *config;
    for (uint32_t i = 0; i < HAYI_WSTATE_GPUS; i++) {
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
