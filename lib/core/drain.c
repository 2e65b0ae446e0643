/* drain.c - works off what follows from an event, and closes.
 *
 * Kinds of backlog, in this order: workers that were lost and still hold
 * attempts; ended tasks whose dependents have not heard of it; classes that
 * are to be judged; the sweep of CLOSE over all rows; rows for which there is
 * time after all (walltime.c); what is cancelled with
 * what submitted it, and claims of tasks that wait (nested.c); objects, their
 * tasks and nodes to be looked at (data.c).  Each step makes room for its few
 * actions first, so that running out of memory leaves a whole state with a
 * shorter backlog.  Nothing recurses: dependents that end join the list of
 * ended tasks.
 */
#include "config.h"

#include "core/stragglers.h"

#include <assert.h>

/* A dependent of the ended row hears of it.  At most 2 actions. */
static void hear(struct hayi_sched *s,
                 const struct hayi_row *ended,
                 uint32_t index,
                 bool any,
                 struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    assert(row->waiting > 0);
    row->waiting--;
    if ((ended->traits & HAYI_ROW_GIVES) != 0
        && (row->traits & HAYI_ROW_ASKS) != 0) {
        row->traits |= HAYI_ROW_OBJECTS;
    }
    if (row->state == HAYI_ROW_ENDED) {
        if (row->waiting == 0 && (row->flags & HAYI_ROW_LISTED) == 0) {
            hayi_sched_drop(s, index);
        }
        return;
    }
    assert(row->state == HAYI_ROW_PENDING);
    if (row->nested && hayi_nested_heard(s, ended, index, actions)) {
        return;
    }
    bool walltime = ended->end == HAY_CANCELLED && ended->walltime != 0;
    if (walltime) {
        row->walltime = 1; /* the input will run some day */
    }
    if (walltime || (!any && ended->end != HAY_FINISHED)) {
        bool failed = ended->end == HAY_FAILED;
        struct hayi_end end = {
            .state = failed ? HAY_FAILED : HAY_CANCELLED,
            .status = failed ? HAY_EDEPENDENCY : HAY_ECANCELLED,
            .culprit = ended->culprit,
        };
        hayi_task_end(s, index, &end, actions);
    } else if (row->waiting == 0) {
        hayi_task_ready(s, index, true, actions);
    }
}

static hay_status drain_ended(struct hayi_sched *s,
                              struct hayi_actions *actions)
{
    while (s->ended_first != 0) {
        uint32_t index = s->ended_first;
        struct hayi_row *row = hayi_sched_row(s, index);
        while (row->edges != 0) {
            if (hayi_actions_reserve(actions, 2) != HAY_OK) {
                return HAY_ENOMEM;
            }
            bool any = false;
            uint32_t to = hayi_edges_pop(&s->edges, &row->edges, &any);
            hear(s, row, to, any, actions);
        }
        s->ended_first = row->next;
        if (s->ended_first == 0) {
            s->ended_last = 0;
        }
        row->flags &= (uint8_t) ~(uint32_t)HAYI_ROW_LISTED;
        if (row->waiting == 0) {
            hayi_sched_drop(s, index);
        }
    }
    return HAY_OK;
}

static hay_status drain_lost(struct hayi_sched *s, struct hayi_actions *actions)
{
    for (uint32_t w = 0; s->losing != 0 && w < s->workers.max; w++) {
        struct hayi_worker *worker = &s->workers.list[w];
        if (worker->state != HAYI_WORKER_LOST) {
            continue;
        }
        while (worker->head != 0) {
            if (hayi_actions_reserve(actions, 3) != HAY_OK) {
                return HAY_ENOMEM;
            }
            uint32_t index = worker->head;
            const struct hayi_row *row = hayi_sched_row(s, index);
            if (hayi_stragglers_concern(row)
                && hayi_stragglers_lost(s, index, actions)) {
                continue;
            }
            if ((row->flags & HAYI_ROW_RANGE) != 0) {
                hayi_range_lost(s, index, actions);
            } else {
                hayi_task_lost(s, index, actions);
            }
        }
    }
    s->losing = 0;
    return HAY_OK;
}

/* End all ready rows of classes that no worker can meet. */
static hay_status drain_judge(struct hayi_sched *s,
                              struct hayi_actions *actions)
{
    for (; s->judge != 0 && s->judge < s->ready.classes.count; s->judge++) {
        struct hayi_class *class = &s->ready.classes.list[s->judge];
        hayi_judge_class(s, s->judge);
        uint32_t index = hayi_ready_first(&s->ready, s->judge);
        while (class->infeasible && index != 0) {
            if (hayi_actions_reserve(actions, 1) != HAY_OK) {
                return HAY_ENOMEM;
            }
            const struct hayi_row *row = hayi_sched_row(s, index);
            struct hayi_end end = {
                .state = HAY_FAILED,
                .status = HAY_EINFEASIBLE,
                .attempt = row->attempt,
                .worker = row->worker,
            };
            if ((row->flags & HAYI_ROW_MAP) != 0) {
                hayi_range_judge(s, index, actions);
            } else {
                hayi_ready_remove(&s->ready, index);
                hayi_task_end(s, index, &end, actions);
            }
            index = hayi_ready_first(&s->ready, s->judge);
        }
    }
    s->judge = 0;
    return HAY_OK;
}

/* CLOSE looks at one row.  At most 1 action. */
static void
sweep_row(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->flags & HAYI_ROW_MAP) != 0) {
        if (row->state == HAYI_ROW_READY || row->state == HAYI_ROW_PARKED) {
            hayi_range_close(s, index, actions);
        }
        return;
    }
    bool range = (row->flags & HAYI_ROW_RANGE) != 0;
    if (row->state != HAYI_ROW_FREE && row->state != HAYI_ROW_ENDED
        && (!range || row->state == HAYI_ROW_HELD)) {
        hayi_task_close(s, index, actions);
    }
}

static hay_status drain_sweep(struct hayi_sched *s,
                              struct hayi_actions *actions)
{
    while (s->sweep != 0 && s->sweep < s->table.count) {
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        sweep_row(s, s->sweep, actions);
        if (s->walltime.forced
            && hayi_walltime_force(s, s->sweep, actions) != HAY_OK) {
            return HAY_ENOMEM;
        }
        s->sweep++;
    }
    s->sweep = 0;
    return HAY_OK;
}

hay_status hayi_drain(struct hayi_sched *s, struct hayi_actions *actions)
{
    while (hayi_drain_wanted(s)) {
        hay_status status = drain_lost(s, actions);
        if (status == HAY_OK) {
            status = drain_ended(s, actions);
        }
        if (status == HAY_OK) {
            status = drain_judge(s, actions);
        }
        if (status == HAY_OK) {
            status = drain_sweep(s, actions);
        }
        if (status == HAY_OK) {
            status = hayi_walltime_drain(s, actions);
        }
        if (status == HAY_OK) {
            status = hayi_nested_drain(s, actions);
        }
        if (status == HAY_OK && hayi_data_drain_wanted(s)) {
            status = hayi_data_drain(s, actions);
        }
        if (status != HAY_OK) {
            return status;
        }
        if (s->closed && s->unfinished == 0 && !s->all_told) {
            if (hayi_actions_reserve(actions, 1) != HAY_OK) {
                return HAY_ENOMEM;
            }
            (void)hayi_actions_add(actions, HAYI_ACTION_ALL_ENDED);
            s->all_told = true;
        }
    }
    return HAY_OK;
}

hay_status hayi_drain_close(struct hayi_sched *s,
                            const struct hayi_event *event)
{
    s->closed = true;
    if (event->u.close.cancel_pending && !s->cancelling) {
        s->cancelling = true;
        s->sweep = 1;
    }
    return HAY_OK;
}
