/* task_news.c - what workers tell of attempts: started, ended, came back.
 *
 * An attempt number counts tries: a hand-out raises it, a return of what was
 * not started lowers it again.  That is safe because news of one worker come
 * in order and what was handed to another worker since then is told apart by
 * the worker.
 */
#include "config.h"

#include "core/demand.h"
#include "core/stragglers.h"

#include <assert.h>

void hayi_task_begun(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    hayi_sched_mark(s, index, HAYI_ROW_RUNNING);
    s->workers.list[row->worker].running++;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        hayi_range_started(s, index, actions);
        return;
    }
    if ((row->flags & HAYI_ROW_TWIN) != 0
        || (row->traits & HAYI_ROW_REMAKE) != 0) {
        return;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
    a->u.state.payload = row->payload;
    a->u.state.state = HAY_RUNNING;
    a->u.state.worker = row->worker;
}

hay_status hayi_task_started(struct hayi_sched *s,
                             const struct hayi_event *event,
                             struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_sched_current(s,
                                        event->u.started.worker,
                                        event->u.started.task,
                                        event->u.started.attempt);
    if (index == 0) {
        return HAY_OK;
    }
    if (hayi_sched_row(s, index)->state == HAYI_ROW_RUNNING) {
        s->stale++;
        return HAY_OK;
    }
    hayi_task_begun(s, index, actions);
    return HAY_OK;
}

void hayi_task_unbook(struct hayi_sched *s, uint32_t index)
{
    s->nest.stirred = true;
    struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_worker *worker = &s->workers.list[row->worker];
    if (row->nested) {
        hayi_nested_unbook(s, index);
    }
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    if (hayi_demand_leased(needs)) {
        hayi_workers_unbook(&s->workers, index, hayi_demand_booked(s, index));
        hayi_demand_release(s, index);
    } else {
        hayi_workers_unbook(&s->workers, index, needs);
    }
    if (worker->alone == HAYI_ALONE_HAS) {
        worker->alone = HAYI_ALONE_NO;
        s->alone_out--;
    }
    s->workers.list[row->worker].moved_ns = s->now_ns;
    if (s->workers.held == 0) {
        s->low_rank = INT64_MAX;
    }
    hayi_dispatch_room(s, row->worker);
}

/* made: taken; room for as many objects, NULL if there are none. */
static void finished(struct hayi_sched *s,
                     uint32_t index,
                     const struct hayi_event *event,
                     uint32_t *made,
                     struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint64_t payload = row->payload;
    bool forget = false;
    hayi_durations_learn(&s->durations, row->category, event->u.ended.run_ns);
    struct hayi_end end = {
        .state = HAY_FINISHED,
        .status = HAY_OK,
        .attempt = row->attempt,
        .worker = row->worker,
        .report = event->u.ended.report,
    };
    if ((row->traits & HAYI_ROW_REMAKE) != 0) {
        hayi_lineage_remade(s, index, event);
        return;
    }
    if (made != NULL) {
        forget = !hayi_lineage_keep(s, index, event, made);
    }
    if (event->u.ended.objects) {
        row->traits |= HAYI_ROW_GIVES;
    }
    hayi_task_end(s, index, &end, actions);
    if (forget) {
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_FORGET);
        a->u.forget.payload = payload;
    }
}

/* The attempt has finished, with a result of its own or that of another task.
 */
static hay_status take_finished(struct hayi_sched *s,
                                uint32_t index,
                                struct hayi_event *event,
                                struct hayi_actions *actions)
{
    uint32_t *made = NULL;
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_dep *follow = event->u.ended.follow;
    if (follow == NULL || (row->traits & HAYI_ROW_REMAKE) != 0) {
        if (event->u.ended.made_count > 0
            && hayi_lineage_reserve(s, index, event, &made) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hayi_task_unbook(s, index);
        finished(s, index, event, made, actions);
        return HAY_OK;
    }
    hay_status status = hayi_nested_reserve_follow(s, index, follow);
    if (status != HAY_OK) {
        return status;
    }
    hayi_durations_learn(&s->durations, row->category, event->u.ended.run_ns);
    hayi_task_unbook(s, index);
    event->u.ended.followed = true;
    hayi_nested_follow(s, index, follow, event->u.ended.report, actions);
    return HAY_OK;
}

/* The attempt has not begun, or in vain, and is its worker's no more.  2
 * actions. */
static void give_back(struct hayi_sched *s,
                      uint32_t index,
                      bool announce,
                      struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    row->attempt--;
    hayi_task_unbook(s, index);
    row->flags &= (uint8_t) ~(uint32_t)HAYI_ROW_CLOSE;
    row->flags |= HAYI_ROW_CAME;
    if ((row->flags & HAYI_ROW_CANCEL) != 0) {
        hayi_task_end_cancelled(s, index, 0, actions);
    } else {
        hayi_task_ready(s, index, announce, actions);
    }
}

/* It was called back for a claim, and had not begun. */
static bool came_back(const struct hayi_sched *s,
                      uint32_t index,
                      const struct hayi_event *event)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    return row->state == HAYI_ROW_HELD && event->u.ended.run_ns == 0
           && hayi_claims_called(s, index)
           && (row->flags & HAYI_ROW_CANCEL) == 0
           && (!s->cancelling || row->late != 0);
}

hay_status hayi_task_ended(struct hayi_sched *s,
                           struct hayi_event *event,
                           struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 3) != HAY_OK) {
        return HAY_ENOMEM;
    }
    event->u.ended.followed = false;
    for (size_t i = 0; i < event->u.ended.made_count; i++) {
        event->u.ended.made[i].object = 0;
    }
    uint32_t index = hayi_sched_current(
        s, event->u.ended.worker, event->u.ended.task, event->u.ended.attempt);
    if (index == 0) {
        return HAY_OK;
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    s->workers.list[row->worker].recall_vain = false;
    s->workers.list[row->worker].bounced = 0;
    s->workers.list[row->worker].patience = 0;
    if (hayi_stragglers_concern(row)) {
        hay_status status = hayi_stragglers_ended(s, &index, event, actions);
        if (status != HAY_OK || index == 0) {
            return status;
        }
        row = hayi_sched_row(s, index);
    }
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        return hayi_range_ended(s, index, event, actions);
    }
    switch ((enum hayi_outcome)event->u.ended.outcome) {
    case HAYI_OUTCOME_FINISHED:
        return take_finished(s, index, event, actions);
    case HAYI_OUTCOME_FAILED:
        if (row->pause_ms != 0 && hayi_pauses_reserve(&s->pauses) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hayi_task_unbook(s, index);
        hayi_task_failed(s, index, event->u.ended.report, actions);
        break;
    case HAYI_OUTCOME_CANCELLED:
        if (came_back(s, index, event)) {
            give_back(s, index, false, actions);
            break;
        }
        if (row->state == HAYI_ROW_HELD && event->u.ended.run_ns == 0) {
            row->attempt--; /* never started */
        }
        if (event->u.ended.cause == HAY_CAUSE_WALLTIME) {
            row->walltime = 1;
        }
        hayi_task_unbook(s, index);
        hayi_task_end_cancelled(s, index, event->u.ended.report, actions);
        break;
    case HAYI_OUTCOME_FARM:
    default:
        if (event->u.ended.cause == HAY_CAUSE_MEMORY_LIMIT
            && row->memory_retries > 0) {
            return hayi_task_grown(s, index, event->u.ended.report, actions);
        }
        hayi_task_farm_failed(s, index, event->u.ended.report, actions);
        break;
    }
    return HAY_OK;
}

hay_status hayi_task_returned(struct hayi_sched *s,
                              const struct hayi_event *event,
                              struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 2) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_sched_current(s,
                                        event->u.returned.worker,
                                        event->u.returned.task,
                                        event->u.returned.attempt);
    if (index == 0) {
        return HAY_OK;
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    bool running = row->state == HAYI_ROW_RUNNING;
    if (running && event->u.returned.missing_count == 0) {
        s->stale++; /* it cannot come back unstarted */
        return HAY_OK;
    }
    if (!running) { /* else it was looking for its inputs */
        hayi_recall_returned(s, row->worker);
    }
    if (hayi_stragglers_concern(row)) {
        hayi_stragglers_returned(s, index);
        hayi_data_missing(s, event);
        return HAY_OK;
    }
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        row->attempt--;
        hayi_range_returned(s, index, actions);
        return HAY_OK;
    }
    hayi_data_missing(s, event);
    give_back(s, index, running, actions);
    return HAY_OK;
}
