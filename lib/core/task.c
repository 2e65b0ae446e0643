/* task.c - tasks from their submit to the ready queue, and their ends.
 *
 * What happens to their attempts stands in task_news.c and task_retry.c.
 * state.h tells how transitions keep whole.  What waits for a task hears of
 * its end in hayi_drain().
 */
#include "config.h"

#include "core/alone.h"

#include <assert.h>

/* ---- ends -------------------------------------------------------------- */

static uint8_t cause_of(const struct hayi_end *end)
{
    if (end->cause != 0) {
        return end->cause;
    }
    if (end->losses != 0) {
        return HAY_CAUSE_LOST_WORKER;
    }
    if (end->status == HAY_EDEPENDENCY) {
        return HAY_CAUSE_DEPENDENCY;
    }
    return end->status == HAY_EINFEASIBLE ? HAY_CAUSE_INFEASIBLE : 0;
}

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
    a->u.tell.cause = cause_of(end);
    a->u.tell.followed = end->followed;
    a->u.tell.since_ns = end->since_ns;
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
    struct hayi_end told = *end;
    row->walltime = end->state == HAY_CANCELLED && hayi_walltime_ends(s, row);
    if (row->walltime != 0) {
        told.cause = HAY_CAUSE_WALLTIME;
        hayi_nested_walltime(s, index);
    }
    tell(row->payload, &told, actions);
    hayi_ready_release(&s->ready, row->level);
    hayi_sched_mark(s, index, HAYI_ROW_ENDED);
    if (row->nested) {
        hayi_nested_end(s, index);
    }
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

void hayi_task_end_cancelled(struct hayi_sched *s,
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

void hayi_task_queue(struct hayi_sched *s, uint32_t index)
{
    s->nest.stirred = true;
    if (hayi_alone_wants(hayi_sched_row(s, index))) {
        hayi_alone_add(s, index);
        return;
    }
    hayi_sched_mark(s, index, HAYI_ROW_READY);
    hayi_walltime_order(s, index);
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

void hayi_task_unqueue(struct hayi_sched *s, uint32_t index)
{
    uint8_t state = hayi_sched_row(s, index)->state;
    if (state == HAYI_ROW_ALONE) {
        hayi_alone_remove(s, index);
    } else if (state != HAYI_ROW_SHELVED) {
        hayi_ready_remove(&s->ready, index);
    }
}

void hayi_task_ready(struct hayi_sched *s,
                     uint32_t index,
                     bool announce,
                     struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t class = s->ready.levels[row->level].class;
    if (s->cancelling && !row->late) {
        hayi_task_end_cancelled(s, index, 0, actions);
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
    hayi_task_queue(s, index);
    if (announce) {
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
        a->u.state.payload = row->payload;
        a->u.state.state = HAY_READY;
    }
}

/* ---- submit ------------------------------------------------------------ */

/* Was its parent cancelled with all that it submits, or has an input ended
 * already so that the task cannot run?  Then fills 'end'. */
static bool doomed(const struct hayi_sched *s,
                   const struct hayi_event *event,
                   uint32_t parent,
                   struct hayi_end *end)
{
    if ((s->cancelling && !event->u.task.late)
        || hayi_nested_refused(s, parent)) {
        *end = (struct hayi_end){
            .state = HAY_CANCELLED,
            .status = HAY_ECANCELLED,
            .cause = s->walltime.over ? HAY_CAUSE_WALLTIME : 0,
        };
        return true;
    }
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
    if (s->closed && (event->u.task.parent == 0 || s->all_told)) {
        return HAY_ECLOSED;
    }
    if (event->u.task.retries > UINT16_MAX
        || (needs->cores == 0 && needs->request == 0)
        || needs->worker > s->config.worker_max || needs->node != 0
        || needs->request >= s->requests.count) {
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
                                 uint32_t parent,
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
    if (parent != 0 && hayi_nested_reserve(s, parent) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_needs needs = event->u.task.needs;
    if (needs.request != 0) { /* equal ones are to share a class */
        needs.cores = 1;
        needs.gpus = 0;
        needs.memory_bytes = 0;
    }
    return hayi_members_level(s,
                              &needs,
                              event->u.task.priority,
                              hayi_nested_depth(s, parent, event->u.task.depth),
                              level);
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
    uint32_t parent = hayi_nested_parent(s, event->u.task.parent);
    status = reserve_submit(s, event, parent, actions, &level);
    if (status != HAY_OK) {
        return status;
    }
    uint32_t class = s->ready.levels[level].class;
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EINFEASIBLE,
    };
    if (doomed(s, event, parent, &end)
        || s->ready.classes.list[class].infeasible) {
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
    row->category = event->u.task.category & HAYI_CATEGORY_MASK;
    row->apart = event->u.task.apart;
    row->saves = event->u.task.saves;
    row->late = event->u.task.late;
    row->retries = (uint16_t)event->u.task.retries;
    row->memory_retries = event->u.task.memory_retries;
    row->pause_ms = event->u.task.pause_ms;
    row->traits |= event->u.task.once ? HAYI_ROW_ONCE : 0;
    s->unfinished++;
    if (event->u.task.dep_count > 0) {
        add_edges(s, event, index);
    }
    if (parent != 0) {
        hayi_nested_born(s, parent, index);
    }
    hayi_sched_mark(s, index, HAYI_ROW_PENDING);
    event->u.task.task = hayi_table_handle(&s->table, index);
    if (row->waiting == 0) {
        hayi_task_ready(s, index, event->u.task.dep_count > 0, actions);
    }
    return HAY_OK;
}
