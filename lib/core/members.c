/* members.c - workers that come, are heard, fall silent, and go.
 *
 * Silence is judged at a TICK only, so that a manager that was itself held up
 * can take in the news that wait before it asks.  silence_at_ns is a lower
 * bound of the time at which the first worker can count as silent; workers
 * are only walked over when it has passed.
 */
#include "config.h"

#include "core/demand.h"

#include <assert.h>

bool hayi_members_meet(const struct hayi_sched *s,
                       const struct hayi_needs *needs)
{
    if (needs->worker != 0) {
        uint32_t w = needs->worker - 1;
        return w < s->workers.max && hayi_demand_meets(s, w, needs);
    }
    for (uint32_t w = 0; w < s->workers.max; w++) {
        if (hayi_demand_meets(s, w, needs)) {
            return true;
        }
    }
    return false;
}

hay_status hayi_members_level(struct hayi_sched *s,
                              const struct hayi_needs *needs,
                              int32_t priority,
                              uint16_t depth,
                              uint32_t *level)
{
    uint32_t count = s->ready.classes.count;
    struct hayi_needs any = *needs;
    if (needs->or_any != 0 && needs->worker != 0
        && s->workers.list[needs->worker - 1].state >= HAYI_WORKER_LEAVING) {
        any.worker = 0;
    }
    hay_status status =
        hayi_ready_level(&s->ready, &any, priority, depth, level);
    for (; count < s->ready.classes.count; count++) {
        struct hayi_class *class = &s->ready.classes.list[count];
        class->infeasible = s->judging && !hayi_members_meet(s, &class->needs);
    }
    return status;
}

static void watch(struct hayi_sched *s)
{
    if (s->config.silence_ns == 0) {
        return;
    }
    uint64_t at = s->now_ns + s->config.silence_ns;
    if (at < s->silence_at_ns) {
        s->silence_at_ns = at;
    }
}

hay_status hayi_members_joined(struct hayi_sched *s,
                               const struct hayi_event *event)
{
    uint32_t index = event->u.joined.worker;
    if (index >= s->workers.max || event->u.joined.cores == 0
        || event->u.joined.node >= s->nodes.max
        || event->u.joined.gpus > HAYI_GPU_MAX) {
        return HAY_EINVAL;
    }
    struct hayi_worker *worker = &s->workers.list[index];
    if (worker->state != HAYI_WORKER_ABSENT) {
        s->stale++;
        return HAY_OK;
    }
    hay_status status = hayi_pools_join(&s->pools,
                                        index,
                                        event->u.joined.amounts,
                                        event->u.joined.amount_count);
    if (status == HAY_OK) {
        status = hayi_gpus_join(&s->gpus, index, event->u.joined.gpus);
    }
    if (status != HAY_OK) {
        return status;
    }
    worker->node = event->u.joined.node;
    worker->cores = event->u.joined.cores;
    worker->gpus = event->u.joined.gpus;
    worker->memory_bytes = event->u.joined.memory_bytes;
    worker->heard_ns = s->now_ns;
    worker->moved_ns = s->now_ns;
    hayi_workers_join(&s->workers, index);
    hayi_data_joined(s, index);
    hayi_dispatch_room(s, index);
    watch(s);
    hayi_judge(s);
    return HAY_OK;
}

hay_status hayi_members_pool(struct hayi_sched *s,
                             const struct hayi_event *event)
{
    hay_status status =
        hayi_pools_set(&s->pools, event->u.pool.resource, event->u.pool.units);
    if (status == HAY_OK) {
        hayi_reserve_clear(s);
        hayi_ready_unblock(&s->ready, &s->blocked);
        hayi_judge(s);
    }
    return status;
}

void hayi_members_heard(struct hayi_sched *s, uint32_t worker)
{
    if (worker < s->workers.max
        && hayi_worker_there(&s->workers.list[worker])) {
        s->workers.list[worker].heard_ns = s->now_ns;
    } else {
        s->stale++;
    }
}

/* Which of its attempts count as begun: those known to run, and the oldest
 * others that its cores had room for.  All others may have begun as well, since
 * the news of those before them may be lost with it; they are suspected, too,
 * though nobody hears of an attempt.  Tells how many are run again. */
static void suspect(struct hayi_sched *s,
                    struct hayi_worker *worker,
                    struct hayi_action *action)
{
    uint32_t cores = worker->cores;
    action->u.worker_lost.attempts = worker->held;
    for (int held = 0; held <= 1; held++) {
        for (uint32_t i = worker->head; i != 0;) {
            struct hayi_row *row = hayi_sched_row(s, i);
            uint32_t needed = hayi_nested_cores(s, i);
            if (needed == 0) { /* it waits, or runs within another one */
                row->traits |= HAYI_ROW_SUSPECT;
            } else if ((row->state == HAYI_ROW_HELD) == (held != 0)
                       && cores > 0) {
                cores -= needed < cores ? needed : cores;
                row->traits |= HAYI_ROW_SUSPECT;
            } else if (row->state == HAYI_ROW_RUNNING) {
                row->traits |= HAYI_ROW_SUSPECT;
            }
            i = row->next;
        }
    }
    for (uint32_t i = worker->head; i != 0; i = hayi_sched_row(s, i)->next) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        worker->blame |= !row->apart;
    }
    for (uint32_t i = worker->head; i != 0; i = hayi_sched_row(s, i)->next) {
        struct hayi_row *row = hayi_sched_row(s, i);
        bool begun = (row->traits & HAYI_ROW_SUSPECT) != 0;
        bool counts = row->apart ? begun && !worker->blame : true;
        counts = counts
                 && (worker->state != HAYI_WORKER_LEAVING
                     || (row->traits & HAYI_ROW_ONCE) != 0);
        row->losses = (uint8_t)(row->losses + (counts ? 1 : 0));
    }
    for (uint32_t i = worker->head; i != 0; i = hayi_sched_row(s, i)->next) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        if ((row->flags & HAYI_ROW_TWIN) != 0 && row->twin == 0) {
            action->u.worker_lost.attempts--; /* its task has ended */
        } else if (hayi_task_again(s, i)) {
            action->u.worker_lost.again++;
        }
    }
}

void hayi_members_free_classes(struct hayi_sched *s, uint32_t worker)
{
    for (uint32_t i = 1; i < s->ready.classes.count; i++) {
        struct hayi_needs *needs = &s->ready.classes.list[i].needs;
        if (needs->or_any != 0 && needs->worker == worker + 1) {
            needs->worker = 0;
        }
    }
}

hay_status hayi_members_lost(struct hayi_sched *s,
                             uint32_t worker,
                             bool silent,
                             struct hayi_actions *actions)
{
    if (worker >= s->workers.max
        || s->workers.list[worker].state == HAYI_WORKER_LOST) {
        s->stale++;
        return HAY_OK;
    }
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_WORKER_LOST);
    a->u.worker_lost.worker = worker;
    a->u.worker_lost.silent = silent;
    if (s->workers.list[worker].state == HAYI_WORKER_ABSENT) {
        hayi_ready_unblock(&s->ready, &s->workers.list[worker].blocked);
        hayi_members_free_classes(s, worker);
        hayi_workers_give_up(&s->workers, worker);
        hayi_judge(s);
        return HAY_OK;
    }
    hayi_judge_loss(s, worker);
    hayi_reserve_clear(s);
    suspect(s, &s->workers.list[worker], a);
    s->recalled -= s->workers.list[worker].recalled;
    s->workers.list[worker].recalled = 0;
    hayi_workers_lose(&s->workers, worker);
    hayi_nodes_leave(&s->nodes, worker);
    hayi_move_lost(s, worker);
    hayi_ready_unblock(&s->ready, &s->workers.list[worker].blocked);
    uint32_t node = s->workers.list[worker].node;
    hayi_ready_unblock(&s->ready, &s->nodes.list[node].blocked);
    hayi_members_free_classes(s, worker);
    s->losing = worker + 1;
    hayi_judge(s);
    return HAY_OK;
}

hay_status hayi_members_tick(struct hayi_sched *s, struct hayi_actions *actions)
{
    hayi_judge_tick(s);
    if (s->config.silence_ns == 0 || s->now_ns < s->silence_at_ns) {
        return HAY_OK;
    }
    uint64_t at = UINT64_MAX;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        const struct hayi_worker *worker = &s->workers.list[w];
        if (!hayi_worker_there(worker)) {
            continue;
        }
        uint64_t until = worker->heard_ns + s->config.silence_ns;
        if (until <= s->now_ns) {
            hay_status status = hayi_members_lost(s, w, true, actions);
            if (status != HAY_OK) {
                return status; /* the rest at the next tick */
            }
        } else if (until < at) {
            at = until;
        }
    }
    s->silence_at_ns = at;
    return HAY_OK;
}
