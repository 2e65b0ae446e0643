/* worker_state_start.c - which attempt starts, or goes on, on which cores.
 *
 * The queue is strict: nothing passes its head.  A head that is too wide stops
 * the feeding of backlogs too, so that cores drain for it.  Backlogs are fed
 * when no core is free, and taken from when one is and the queue has nothing
 * for it.
 */
#include "config.h"

#include "worker/worker_state_inside.h"

#include <assert.h>

#define NONE HAYI_HELD_NONE

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
        hayi_wstate_emit_for(state, actions, HAYI_WACTION_START, row);
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
        hayi_wstate_emit_for(state, actions, HAYI_WACTION_START, row);
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
                hayi_wstate_revoke(state, row, actions);
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
            hayi_wstate_emit_for(state, actions, HAYI_WACTION_RESUME, row);
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
        hayi_wstate_revoke(state, row, actions);
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
            hayi_wstate_revoke(state, row, actions);
        }
    }
    return st;
}
