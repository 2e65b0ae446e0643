/* task.c - the transitions of tasks: submit, ready, started, ended, cancelled.
 *
 * One function for each event; state.h tells how they keep whole.  What waits
 * for a task hears of its end in hayi_drain().
 *
 * An attempt number counts tries: a hand-out raises it, a return of what was
 * not started lowers it again.  That is safe because news of one worker come
 * in order and what was handed to another worker since then is told apart by
 * the worker.
 */
#include "config.h"

#include "core/state.h"

#include <assert.h>

/* Attempts of one remake that may be lost with their workers. */
#define REMAKES_MAX 3
/* A pause is doubled so often at most. */
#define PAUSE_DOUBLINGS 6u

/* ---- ends -------------------------------------------------------------- */

static void
tell(uint64_t payload, const struct hayi_end *end, struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_TELL);
    a->u.tell.payload = payload;
    a->u.tell.state = (uint8_t)end->state;
    a->u.tell.status = end->status;
    a->u.tell.culprit = end->culprit;
    a->u.tell.attempt = end->attempt;
    a->u.tell.worker = end->attempt != 0 ? end->worker : 0;
    a->u.tell.report = end->report;
    a->u.tell.lost = end->lost;
    a->u.tell.lost_by = end->lost_by;
    a->u.tell.losses = end->losses;
}

void hayi_task_end(struct hayi_sched *s,
                   uint32_t index,
                   const struct hayi_end *end,
                   struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->traits & HAYI_ROW_REMAKE) != 0) {
        hayi_lineage_failed(s, index, true);
        return;
    }
    if (row->cargo != 0) {
        hayi_place_leave(s, row->cargo);
        hayi_cargos_give(&s->cargos, row->cargo);
        row->cargo = 0;
    }
    tell(row->payload, end, actions);
    hayi_ready_release(&s->ready, row->level);
    hayi_sched_mark(s, index, HAYI_ROW_ENDED);
    hayi_table_outdate(&s->table, index);
    assert(s->unfinished > 0);
    s->unfinished--;
    if (row->edges == 0) {
        if (row->waiting == 0) {
            hayi_sched_drop(s, index);
        }
        return;
    }
    row->culprit = end->culprit != 0 ? end->culprit : row->id;
    row->end = (uint8_t)end->state;
    row->flags |= HAYI_ROW_LISTED;
    row->next = 0;
    if (s->ended_last == 0) {
        s->ended_first = index;
    } else {
        hayi_sched_row(s, s->ended_last)->next = index;
    }
    s->ended_last = index;
}

static void end_cancelled(struct hayi_sched *s,
                          uint32_t index,
                          uint64_t report,
                          struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_end end = {
        .state = HAY_CANCELLED,
        .status = HAY_ECANCELLED,
        .attempt = row->attempt,
        .worker = row->worker,
        .report = report,
    };
    hayi_task_end(s, index, &end, actions);
}

void hayi_task_push(struct hayi_sched *s, uint32_t index)
{
    if (!hayi_ready_push(&s->ready, index)) {
        return;
    }
    hayi_ready_unblock(&s->ready, &s->blocked);
    const struct hayi_needs *needs =
        hayi_sched_needs(s, hayi_sched_row(s, index));
    if (needs->worker != 0) {
        hayi_dispatch_room(s, needs->worker - 1);
    }
    if (needs->node != 0) {
        hayi_ready_unblock(&s->ready, &s->nodes.list[needs->node - 1].blocked);
    }
}

void hayi_task_ready(struct hayi_sched *s,
                     uint32_t index,
                     bool announce,
                     struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t class = s->ready.levels[row->level].class;
    if (s->cancelling) {
        end_cancelled(s, index, 0, actions);
        return;
    }
    if ((row->traits & HAYI_ROW_OBJECTS) != 0) {
        hayi_place_gather(s, index, announce, actions);
        return;
    }
    if (s->ready.classes.list[class].infeasible) {
        struct hayi_end end = {
            .state = HAY_FAILED,
            .status = HAY_EINFEASIBLE,
            .attempt = row->attempt,
            .worker = row->worker,
        };
        hayi_task_end(s, index, &end, actions);
        return;
    }
    hayi_sched_mark(s, index, HAYI_ROW_READY);
    hayi_task_push(s, index);
    if (announce) {
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
        a->u.state.payload = row->payload;
        a->u.state.state = HAY_READY;
    }
}

/* ---- submit ------------------------------------------------------------ */

/* Has an input ended already so that the task cannot run?  Then fills 'end'. */
static bool doomed(const struct hayi_event *event, struct hayi_end *end)
{
    for (size_t i = 0; i < event->u.task.dep_count; i++) {
        const struct hayi_dep *dep = &event->u.task.deps[i];
        if (dep->task != 0 || dep->any) {
            continue;
        }
        if (dep->ended == HAY_FAILED) {
            *end = (struct hayi_end){
                .state = HAY_FAILED,
                .status = HAY_EDEPENDENCY,
                .culprit = dep->culprit,
            };
            return true;
        }
        if (dep->ended == HAY_CANCELLED) {
            *end = (struct hayi_end){
                .state = HAY_CANCELLED,
                .status = HAY_ECANCELLED,
                .culprit = dep->culprit,
            };
            return true;
        }
    }
    return false;
}

static hay_status check_submit(const struct hayi_sched *s,
                               const struct hayi_event *event)
{
    const struct hayi_needs *needs = &event->u.task.needs;
    if (s->closed) {
        return HAY_ECLOSED;
    }
    if (needs->cores == 0 || needs->worker > s->config.worker_max
        || needs->node != 0) {
        return HAY_EINVAL;
    }
    for (size_t i = 0; i < event->u.task.dep_count; i++) {
        const struct hayi_dep *dep = &event->u.task.deps[i];
        if (dep->task == 0) {
            continue;
        }
        uint32_t index = hayi_table_find(&s->table, dep->task);
        if (index == 0
            || (hayi_sched_row(s, index)->flags & HAYI_ROW_RANGE) != 0) {
            return HAY_EINVAL;
        }
    }
    return HAY_OK;
}

/* All memory for a submit; *level is counted on success. */
static hay_status reserve_submit(struct hayi_sched *s,
                                 const struct hayi_event *event,
                                 struct hayi_actions *actions,
                                 uint32_t *level)
{
    uint32_t category = event->u.task.category;
    if (hayi_actions_reserve(actions, 2) != HAY_OK
        || hayi_table_reserve(&s->table) != HAY_OK
        || hayi_durations_reserve(&s->durations, category) != HAY_OK
        || hayi_edges_reserve(&s->edges, event->u.task.dep_count) != HAY_OK) {
        return HAY_ENOMEM;
    }
    return hayi_members_level(
        s, &event->u.task.needs, event->u.task.priority, level);
}

static void
add_edges(struct hayi_sched *s, const struct hayi_event *event, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    for (size_t i = 0; i < event->u.task.dep_count; i++) {
        const struct hayi_dep *dep = &event->u.task.deps[i];
        if (dep->task == 0) {
            row->traits |= dep->objects ? HAYI_ROW_OBJECTS : 0;
            continue;
        }
        row->traits |= dep->objects ? HAYI_ROW_ASKS : 0;
        uint32_t input = hayi_table_find(&s->table, dep->task);
        hayi_edges_add(
            &s->edges, &hayi_sched_row(s, input)->edges, index, dep->any);
        row->waiting++;
    }
}

hay_status hayi_task_submit(struct hayi_sched *s,
                            struct hayi_event *event,
                            struct hayi_actions *actions)
{
    hay_status status = check_submit(s, event);
    if (status != HAY_OK) {
        return status;
    }
    uint32_t level = 0;
    status = reserve_submit(s, event, actions, &level);
    if (status != HAY_OK) {
        return status;
    }
    uint32_t class = s->ready.levels[level].class;
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EINFEASIBLE,
    };
    if (doomed(event, &end) || s->ready.classes.list[class].infeasible) {
        tell(event->u.task.payload, &end, actions);
        hayi_ready_release(&s->ready, level);
        event->u.task.task = 0;
        return HAY_OK;
    }
    uint32_t index = hayi_table_take(&s->table);
    struct hayi_row *row = hayi_sched_row(s, index);
    row->id = event->u.task.id;
    row->payload = event->u.task.payload;
    row->level = level;
    row->category = event->u.task.category;
    row->retries = event->u.task.retries;
    row->pause_ms = event->u.task.pause_ms;
    row->traits |= event->u.task.once ? HAYI_ROW_ONCE : 0;
    s->unfinished++;
    if (event->u.task.dep_count > 0) {
        add_edges(s, event, index);
    }
    hayi_sched_mark(s, index, HAYI_ROW_PENDING);
    event->u.task.task = hayi_table_handle(&s->table, index);
    if (row->waiting == 0) {
        hayi_task_ready(s, index, event->u.task.dep_count > 0, actions);
    }
    return HAY_OK;
}

/* ---- news of attempts -------------------------------------------------- */

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
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->state == HAYI_ROW_RUNNING) {
        s->stale++;
        return HAY_OK;
    }
    hayi_sched_mark(s, index, HAYI_ROW_RUNNING);
    s->workers.list[row->worker].running++;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        hayi_range_started(s, index, actions);
        return HAY_OK;
    }
    if ((row->traits & HAYI_ROW_REMAKE) != 0) {
        return HAY_OK;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
    a->u.state.payload = row->payload;
    a->u.state.state = HAY_RUNNING;
    a->u.state.worker = row->worker;
    return HAY_OK;
}

void hayi_task_unbook(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    hayi_workers_unbook(&s->workers, index, hayi_sched_needs(s, row));
    s->workers.list[row->worker].moved_ns = s->now_ns;
    if (s->workers.held == 0) {
        s->low_priority = INT32_MAX;
    }
    hayi_dispatch_room(s, row->worker);
}

static void tell_attempt(const struct hayi_row *row,
                         enum hayi_outcome outcome,
                         uint64_t report,
                         struct hayi_actions *actions)
{
    struct hayi_action *a =
        hayi_actions_add(actions, HAYI_ACTION_ATTEMPT_ENDED);
    a->u.attempt_ended.payload = row->payload;
    a->u.attempt_ended.attempt = row->attempt;
    a->u.attempt_ended.worker = row->worker;
    a->u.attempt_ended.outcome = (uint8_t)outcome;
    a->u.attempt_ended.report = report;
}

/* Before its next attempt; room was reserved.  1 action. */
static void
pause(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t failed = row->attempt - 1;
    failed = failed < PAUSE_DOUBLINGS ? failed : PAUSE_DOUBLINGS;
    uint64_t pause_ns = (uint64_t)row->pause_ms * 1000000 << failed;
    hayi_sched_mark(s, index, HAYI_ROW_PAUSED);
    hayi_pauses_add(
        &s->pauses, s->now_ns + pause_ns, hayi_table_handle(&s->table, index));
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
    a->u.state.payload = row->payload;
    a->u.state.state = HAY_READY;
}

hay_status hayi_task_resume(struct hayi_sched *s, struct hayi_actions *actions)
{
    while (hayi_pauses_first_ns(&s->pauses) <= s->now_ns) {
        if (hayi_actions_reserve(actions, 2) != HAY_OK) {
            return HAY_ENOMEM;
        }
        /* It may have been cancelled since. */
        uint32_t index =
            hayi_table_find(&s->table, hayi_pauses_pop(&s->pauses));
        if (index != 0 && hayi_sched_row(s, index)->state == HAYI_ROW_PAUSED) {
            hayi_task_ready(s, index, false, actions);
        }
    }
    return HAY_OK;
}

/* The attempt failed by its own doing; it is booked nowhere any more. */
static void failed(struct hayi_sched *s,
                   uint32_t index,
                   uint64_t report,
                   struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->retries == 0) {
        struct hayi_end end = {
            .state = HAY_FAILED,
            .status = HAY_ETASK,
            .attempt = row->attempt,
            .worker = row->worker,
            .report = report,
        };
        hayi_task_end(s, index, &end, actions);
        return;
    }
    if ((row->flags & HAYI_ROW_CANCEL) != 0 || s->cancelling) {
        end_cancelled(s, index, report, actions);
        return;
    }
    row->retries--;
    row->traits |= HAYI_ROW_AVOID;
    if ((row->traits & HAYI_ROW_REMAKE) != 0) {
        hayi_task_ready(s, index, false, actions);
        return;
    }
    tell_attempt(row, HAYI_OUTCOME_FAILED, report, actions);
    if (row->pause_ms != 0) {
        pause(s, index, actions);
    } else {
        hayi_task_ready(s, index, true, actions);
    }
}

bool hayi_task_again(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t losses =
        row->losses + ((row->traits & HAYI_ROW_SUSPECT) != 0 ? 1u : 0u);
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        const struct hayi_row *map = hayi_sched_row(s, row->map);
        return !s->maps.list[map->map].stopped && losses < HAYI_LOSSES_MAX;
    }
    return losses < HAYI_LOSSES_MAX && (row->traits & HAYI_ROW_ONCE) == 0
           && (row->flags & HAYI_ROW_CANCEL) == 0 && !s->cancelling;
}

void hayi_task_lost(struct hayi_sched *s,
                    uint32_t index,
                    struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    bool suspect = (row->traits & HAYI_ROW_SUSPECT) != 0;
    if ((row->traits & HAYI_ROW_REMAKE) != 0) {
        row->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_SUSPECT;
        hayi_task_farm_failed(s, index, 0, actions);
        return;
    }
    bool again = hayi_task_again(s, index);
    row->losses = (uint8_t)(row->losses + (suspect ? 1 : 0));
    row->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_SUSPECT;
    hayi_task_unbook(s, index);
    if ((row->flags & HAYI_ROW_CANCEL) != 0 || s->cancelling) {
        end_cancelled(s, index, 0, actions);
        return;
    }
    if (!again) {
        struct hayi_end end = {
            .state = HAY_FAILED,
            .status = HAY_EFARM,
            .attempt = row->attempt,
            .worker = row->worker,
            .losses = row->losses,
        };
        hayi_task_end(s, index, &end, actions);
        return;
    }
    /* What hardly began is no attempt that anybody wants to hear of; its
     * number is not used again all the same. */
    if (suspect) {
        tell_attempt(row, HAYI_OUTCOME_FARM, 0, actions);
    }
    row->flags = 0;
    hayi_task_ready(s, index, true, actions);
}

void hayi_task_farm_failed(struct hayi_sched *s,
                           uint32_t index,
                           uint64_t report,
                           struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->traits & HAYI_ROW_REMAKE) != 0
        && hayi_cargo_at(&s->cargos, row->cargo)->remakes < REMAKES_MAX) {
        hayi_cargo_at(&s->cargos, row->cargo)->remakes++;
        hayi_task_unbook(s, index);
        hayi_task_ready(s, index, false, actions);
        return;
    }
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EFARM,
        .attempt = row->attempt,
        .worker = row->worker,
        .report = report,
    };
    hayi_task_unbook(s, index);
    hayi_task_end(s, index, &end, actions);
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

hay_status hayi_task_ended(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions)
{
    uint32_t *made = NULL;
    if (hayi_actions_reserve(actions, 3) != HAY_OK) {
        return HAY_ENOMEM;
    }
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
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        return hayi_range_ended(s, index, event, actions);
    }
    switch ((enum hayi_outcome)event->u.ended.outcome) {
    case HAYI_OUTCOME_FINISHED:
        if (event->u.ended.made_count > 0
            && hayi_lineage_reserve(s, index, event, &made) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hayi_task_unbook(s, index);
        finished(s, index, event, made, actions);
        break;
    case HAYI_OUTCOME_FAILED:
        if (row->pause_ms != 0 && hayi_pauses_reserve(&s->pauses) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hayi_task_unbook(s, index);
        failed(s, index, event->u.ended.report, actions);
        break;
    case HAYI_OUTCOME_CANCELLED:
        if (row->state == HAYI_ROW_HELD && event->u.ended.run_ns == 0) {
            row->attempt--; /* never started */
        }
        hayi_task_unbook(s, index);
        end_cancelled(s, index, event->u.ended.report, actions);
        break;
    case HAYI_OUTCOME_FARM:
    default:
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
    row->attempt--;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        hayi_range_returned(s, index, actions);
        return HAY_OK;
    }
    hayi_task_unbook(s, index);
    hayi_data_missing(s, event);
    row->flags &= (uint8_t) ~(uint32_t)HAYI_ROW_CLOSE;
    row->flags |= HAYI_ROW_CAME;
    if ((row->flags & HAYI_ROW_CANCEL) != 0) {
        end_cancelled(s, index, 0, actions);
    } else {
        hayi_task_ready(s, index, running, actions);
    }
    return HAY_OK;
}

/* ---- cancel ------------------------------------------------------------ */

static void answer(const struct hayi_event *event,
                   hay_status status,
                   struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_ANSWER);
    a->u.answer.cookie = event->u.cancel.cookie;
    a->u.answer.status = status;
}

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
}

hay_status hayi_task_cancel(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 2) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_table_find(&s->table, event->u.cancel.task);
    if (index == 0) {
        answer(event, HAY_EINVAL, actions);
        return HAY_OK;
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->flags & HAYI_ROW_RANGE) != 0
        || (row->traits & HAYI_ROW_REMAKE) != 0) {
        answer(event, HAY_EINVAL, actions);
        return HAY_OK;
    }
    if ((row->flags & HAYI_ROW_MAP) != 0) {
        return hayi_range_cancel(s, index, event, actions);
    }
    bool force = event->u.cancel.force;
    switch ((enum hayi_row_state)row->state) {
    case HAYI_ROW_READY:
        hayi_ready_remove(&s->ready, index);
        end_cancelled(s, index, 0, actions);
        answer(event, HAY_OK, actions);
        break;
    case HAYI_ROW_PENDING:
    case HAYI_ROW_GATHER:
    case HAYI_ROW_PAUSED:
        end_cancelled(s, index, 0, actions);
        answer(event, HAY_OK, actions);
        break;
    case HAYI_ROW_HELD:
        cancel_attempt(s, index, force, actions);
        answer(event, HAY_EPENDING, actions);
        break;
    case HAYI_ROW_RUNNING:
        cancel_attempt(s, index, force, actions);
        force = (row->flags & HAYI_ROW_FORCE) != 0;
        answer(event, force ? HAY_EPENDING : HAY_ERUNNING, actions);
        break;
    case HAYI_ROW_FREE:
    case HAYI_ROW_PARKED:
    case HAYI_ROW_BACK:
    case HAYI_ROW_ENDED:
        assert(false);
    }
    return HAY_OK;
}
