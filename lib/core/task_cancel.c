/* task_cancel.c - the client asks for the end of a task.
 *
 * What no worker has ends at once; an attempt is cancelled at its worker, and
 * ends with its news.
 */
#include "config.h"

#include "core/stragglers.h"

#include <assert.h>

/* Cancel an attempt at its worker, unless that was told so before. */
static void cancel_attempt(struct hayi_sched *s,
                           uint32_t index,
                           bool force,
                           struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    bool asked = (row->flags & HAYI_ROW_CANCEL) != 0;
    bool forced = (row->flags & HAYI_ROW_FORCE) != 0;
    row->flags |= HAYI_ROW_CANCEL;
    if (asked && (forced || !force)) {
        return;
    }
    if (force) {
        row->flags |= HAYI_ROW_FORCE;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_CANCEL);
    a->u.cancel.worker = row->worker;
    a->u.cancel.task = hayi_table_handle(&s->table, index);
    a->u.cancel.attempt = row->attempt;
    a->u.cancel.force = force;
    hayi_stragglers_cancel(s, index, force, actions);
}

void hayi_task_close(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->late != 0) {
        return;
    }
    switch ((enum hayi_row_state)row->state) {
    case HAYI_ROW_READY:
    case HAYI_ROW_ALONE:
    case HAYI_ROW_SHELVED:
        hayi_task_unqueue(s, index);
        hayi_task_end_cancelled(s, index, 0, actions);
        break;
    case HAYI_ROW_PENDING:
    case HAYI_ROW_GATHER:
    case HAYI_ROW_PAUSED:
        hayi_task_end_cancelled(s, index, 0, actions);
        break;
    case HAYI_ROW_HELD:
        if ((row->flags & (HAYI_ROW_CANCEL | HAYI_ROW_CLOSE | HAYI_ROW_TWIN))
            == 0) {
            row->flags |= HAYI_ROW_CLOSE;
            struct hayi_action *a =
                hayi_actions_add(actions, HAYI_ACTION_CANCEL);
            a->u.cancel.worker = row->worker;
            a->u.cancel.task = hayi_table_handle(&s->table, index);
            a->u.cancel.attempt = row->attempt;
            a->u.cancel.unstarted_only = true;
        }
        break;
    case HAYI_ROW_FREE:
    case HAYI_ROW_RUNNING:
    case HAYI_ROW_PARKED:
    case HAYI_ROW_BACK:
    case HAYI_ROW_ENDED:
        break;
    }
}

hay_status hayi_task_cancel_row(struct hayi_sched *s,
                                uint32_t index,
                                bool force,
                                hay_status *answer,
                                struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->flags & HAYI_ROW_MAP) != 0) {
        return hayi_range_cancel(s, index, force, answer, actions);
    }
    if (hayi_actions_reserve(actions, 3) != HAY_OK) {
        return HAY_ENOMEM;
    }
    switch ((enum hayi_row_state)row->state) {
    case HAYI_ROW_READY:
    case HAYI_ROW_ALONE:
    case HAYI_ROW_SHELVED:
        hayi_task_unqueue(s, index);
        hayi_task_end_cancelled(s, index, 0, actions);
        *answer = HAY_OK;
        break;
    case HAYI_ROW_PENDING:
    case HAYI_ROW_GATHER:
    case HAYI_ROW_PAUSED:
        hayi_task_end_cancelled(s, index, 0, actions);
        *answer = HAY_OK;
        break;
    case HAYI_ROW_HELD:
        cancel_attempt(s, index, force, actions);
        *answer = HAY_EPENDING;
        break;
    case HAYI_ROW_RUNNING:
        cancel_attempt(s, index, force, actions);
        force = (row->flags & HAYI_ROW_FORCE) != 0;
        *answer = force ? HAY_EPENDING : HAY_ERUNNING;
        break;
    case HAYI_ROW_FREE:
    case HAYI_ROW_PARKED:
    case HAYI_ROW_BACK:
    case HAYI_ROW_ENDED:
        assert(false);
    }
    return HAY_OK;
}

/* Has the client submitted it, so that it can ask for its end? */
static bool cancellable(const struct hayi_row *row)
{
    return (row->flags & HAYI_ROW_RANGE) == 0
           && (row->traits & HAYI_ROW_REMAKE) == 0;
}

hay_status hayi_task_cancel(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    hay_status told = HAY_EINVAL;
    bool force = event->u.cancel.force;
    uint32_t index = hayi_table_find(&s->table, event->u.cancel.task);
    if (index != 0 && cancellable(hayi_sched_row(s, index))) {
        if (event->u.cancel.nested
            && hayi_nested_cancel(s, index, force) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hay_status status =
            hayi_task_cancel_row(s, index, force, &told, actions);
        if (status != HAY_OK) {
            return status;
        }
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_ANSWER);
    a->u.answer.cookie = event->u.cancel.cookie;
    a->u.answer.status = told;
    return HAY_OK;
}
