/* worker_state_recall.c - what a worker gives back because the manager wants
 * it: from the end of the queue, then from the backlogs, the farthest first.
 */
#include "config.h"

#include "worker/worker_state_inside.h"

#include <assert.h>
#include <stdlib.h>

#define NONE HAYI_HELD_NONE

void hayi_wstate_recall_answered(struct hayi_wstate *state,
                                 uint32_t recall,
                                 struct hayi_wactions *actions)
{
    if (recall != NONE) {
        assert(state->recalls[recall] > 0);
        state->recalls[recall]--;
        if (state->recalls[recall] == 0) {
            (void)hayi_wstate_emit(actions, HAYI_WACTION_RECALL_DONE);
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
    hayi_wstate_revoke(state, row, actions);
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

hay_status hayi_wstate_recall(struct hayi_wstate *state,
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
        hayi_wstate_give_up(state, row, HAYI_WACTION_RETURNED, actions);
    }
    if (count > 0 && state->held.held_count > 0) {
        recall_backlogs(state, count, below, recall, actions);
    }
    if (state->recalls[recall] == 0) {
        (void)hayi_wstate_emit(actions, HAYI_WACTION_RECALL_DONE);
    }
    return HAY_OK;
}
