/* nested.c - tasks in tasks: who waits, on whose cores, and for what.
 *
 * See sched.h for what the events mean, nest.h for the records.
 *
 * Cores are booked for each attempt that a worker holds, but for two kinds,
 * which are marked FREED: suspended ones, and guests, which run inline on the
 * cores of a host.  Guests may have guests; of such a tower, which is one
 * stack, the lowest one has the cores, and the uppermost one is suspended and
 * resumed.  What leaves its worker gets its cores back first, so that all are
 * unbooked alike.
 */
#include "config.h"

#include "core/demand.h"
#include "core/stragglers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static void unflag(struct hayi_kin *kin, uint32_t flags)
{
    kin->flags &= (uint8_t)~flags;
}

/* ---- cores ------------------------------------------------------------- */

uint32_t hayi_nested_cores(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    return kin != NULL && (kin->flags & HAYI_KIN_FREED) != 0
               ? 0
               : hayi_demand_booked(s, index)->cores;
}

uint32_t hayi_nested_base(const struct hayi_sched *s, uint32_t index)
{
    while (hayi_kin_at(&s->nest, index)->host != 0) {
        index = hayi_kin_at(&s->nest, index)->host;
    }
    return index;
}

void hayi_nested_free(struct hayi_sched *s, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    if ((kin->flags & HAYI_KIN_FREED) == 0) {
        kin->flags |= HAYI_KIN_FREED;
        hayi_workers_lend(
            &s->workers, index, hayi_demand_booked(s, index)->cores);
    }
}

static void regain_cores(struct hayi_sched *s, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    if ((kin->flags & HAYI_KIN_FREED) != 0) {
        unflag(kin, HAYI_KIN_FREED);
        hayi_workers_regain(
            &s->workers, index, hayi_demand_booked(s, index)->cores);
    }
}

/* ---- attempts that wait ------------------------------------------------ */

/* Does the attempt, or what it runs within, hold what is not given back while
 * it waits? */
static bool holds(const struct hayi_sched *s, uint32_t index)
{
    for (; index != 0; index = hayi_kin_at(&s->nest, index)->host) {
        const struct hayi_needs *needs =
            hayi_sched_needs(s, hayi_sched_row(s, index));
        if (needs->gpus != 0 || needs->memory_bytes != 0
            || needs->request != 0) {
            return true;
        }
    }
    return false;
}

static void go_on(struct hayi_sched *s, uint32_t index)
{
    s->workers.list[hayi_sched_row(s, index)->worker].waiting--;
    hayi_nest_go_on(&s->nest, index);
    s->nest.holders -= hayi_kin_at(&s->nest, index)->holds ? 1 : 0;
    s->nest.stirred = true;
}

/* The attempt waits from now on, or still waits, but for something else. */
static void wait_for(struct hayi_sched *s,
                     uint32_t index,
                     hayi_handle waits_for,
                     bool several)
{
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_worker *worker = &s->workers.list[row->worker];
    unflag(kin, HAYI_KIN_SEVERAL | HAYI_KIN_CLAIMS);
    if ((kin->flags & HAYI_KIN_SUSPENDED) == 0) {
        hayi_nest_wait(&s->nest, index);
        worker->waiting++;
        kin->holds = holds(s, index);
        s->nest.holders += kin->holds ? 1 : 0;
        hayi_nested_free(s, hayi_nested_base(s, index));
        if (worker->alone == HAYI_ALONE_HAS) {
            worker->alone = HAYI_ALONE_NO; /* what it waits for may run here */
            s->alone_out--;
        }
        worker->moved_ns = s->now_ns;
        hayi_dispatch_room(s, row->worker);
    }
    kin->waits_for = waits_for;
    kin->flags |= several ? HAYI_KIN_SEVERAL : 0;
    s->nest.stirred = true;
}

/* If the attempt waits for itself, one that waits with it fails, so that all
 * others hear of an end.  1 action. */
static void
break_circle(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    uint32_t weak = hayi_circle_weak(s, index);
    if (weak == 0) {
        return;
    }
    const struct hayi_row *row = hayi_sched_row(s, weak);
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EFARM,
        .cause = HAY_CAUSE_DEADLOCK,
        .attempt = row->attempt,
        .worker = row->worker,
    };
    hayi_task_end(s, weak, &end, actions);
}

static hay_status suspend(struct hayi_sched *s,
                          const struct hayi_event *event,
                          struct hayi_actions *actions)
{
    uint32_t index = hayi_sched_current(s,
                                        event->u.suspended.worker,
                                        event->u.suspended.task,
                                        event->u.suspended.attempt);
    if (index == 0) {
        return HAY_OK;
    }
    if (hayi_actions_reserve(actions, 2) != HAY_OK
        || hayi_nest_reserve(&s->nest, index) != HAY_OK) {
        return HAY_ENOMEM;
    }
    (void)hayi_nest_open(&s->nest, &s->table, index);
    if (hayi_sched_row(s, index)->state == HAYI_ROW_HELD) {
        hayi_task_begun(s, index, actions);
    }
    wait_for(
        s, index, event->u.suspended.waits_for, event->u.suspended.several);
    break_circle(s, index, actions);
    return HAY_OK;
}

static void resume(struct hayi_sched *s, const struct hayi_event *event)
{
    uint32_t index = hayi_sched_current(s,
                                        event->u.resumed.worker,
                                        event->u.resumed.task,
                                        event->u.resumed.attempt);
    const struct hayi_kin *kin = index != 0 ? hayi_nested_kin(s, index) : NULL;
    if (kin == NULL || (kin->flags & HAYI_KIN_SUSPENDED) == 0) {
        s->stale += index != 0 ? 1 : 0;
        return;
    }
    go_on(s, index);
    regain_cores(s, hayi_nested_base(s, index));
}

void hayi_nested_unbook(struct hayi_sched *s, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    bool waited = (kin->flags & HAYI_KIN_SUSPENDED) != 0;
    if (waited) {
        go_on(s, index);
    }
    if (kin->guest != 0) {
        hayi_kin_at(&s->nest, kin->guest)->host = 0;
        kin->guest = 0;
    }
    if (kin->host != 0) {
        uint32_t base = hayi_nested_base(s, index);
        hayi_kin_at(&s->nest, kin->host)->guest = 0;
        kin->host = 0;
        if (waited) {
            regain_cores(s, base);
        }
    }
    regain_cores(s, index);
    unflag(kin, HAYI_KIN_CLAIMS);
    s->nest.stirred = true;
}

struct hayi_wait hayi_nested_lift(struct hayi_sched *s, uint32_t index)
{
    struct hayi_wait wait = {.suspended = false};
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    if (kin != NULL) {
        wait.suspended = (kin->flags & HAYI_KIN_SUSPENDED) != 0;
        wait.several = (kin->flags & HAYI_KIN_SEVERAL) != 0;
        wait.waits_for = kin->waits_for;
        hayi_nested_unbook(s, index);
    }
    return wait;
}

void hayi_nested_lay(struct hayi_sched *s,
                     uint32_t index,
                     const struct hayi_wait *wait)
{
    if (wait->suspended) {
        (void)hayi_nest_open(&s->nest, &s->table, index);
        wait_for(s, index, wait->waits_for, wait->several);
    }
}

/* ---- submit and end ---------------------------------------------------- */

uint32_t hayi_nested_parent(const struct hayi_sched *s, hayi_handle parent)
{
    uint32_t index = hayi_table_find(&s->table, parent);
    if (index != 0 && (hayi_sched_row(s, index)->flags & HAYI_ROW_RANGE) != 0) {
        return hayi_sched_row(s, index)->map;
    }
    return index;
}

uint16_t
hayi_nested_depth(const struct hayi_sched *s, uint32_t parent, uint16_t told)
{
    if (parent == 0) {
        return told;
    }
    uint16_t depth = s->ready.levels[hayi_sched_row(s, parent)->level].depth;
    return depth < UINT16_MAX ? (uint16_t)(depth + 1) : depth;
}

bool hayi_nested_refused(const struct hayi_sched *s, uint32_t parent)
{
    const struct hayi_kin *kin =
        parent != 0 ? hayi_nested_kin(s, parent) : NULL;
    return kin != NULL && (kin->flags & HAYI_KIN_KILLED) != 0;
}

hay_status hayi_nested_reserve(struct hayi_sched *s, uint32_t parent)
{
    if (hayi_nest_reserve(&s->nest, parent) != HAY_OK) {
        return HAY_ENOMEM;
    }
    return hayi_nest_reserve(&s->nest, hayi_table_next(&s->table));
}

void hayi_nested_born(struct hayi_sched *s, uint32_t parent, uint32_t index)
{
    (void)hayi_nest_open(&s->nest, &s->table, parent);
    (void)hayi_nest_open(&s->nest, &s->table, index);
    hayi_nest_adopt(&s->nest, parent, index);
}

/* All that it submitted is to be cancelled. */
static void kill_children(struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    bool force = (kin->flags & HAYI_KIN_FORCED) != 0;
    uint32_t child = kin->first;
    while (child != 0) {
        hayi_nest_kill(&s->nest, child, force);
        child = hayi_kin_at(&s->nest, child)->next;
    }
}

void hayi_nested_walltime(struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    if (kin == NULL || kin->parent == 0) {
        return;
    }
    struct hayi_row *parent = hayi_sched_row(s, kin->parent);
    if ((parent->flags & HAYI_ROW_CANCEL) == 0) {
        parent->walltime = 1;
    }
}

void hayi_nested_end(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    assert((kin->flags & (HAYI_KIN_SUSPENDED | HAYI_KIN_FREED)) == 0);
    if (kin->kill_listed) {
        kill_children(s, index);
        hayi_nest_spare(&s->nest, index);
    }
    hayi_nest_leave(&s->nest, index);
    row->nested = false;
    s->nest.stirred = true;
}

/* ---- cancelling all that a task submitted -------------------------------- */

hay_status hayi_nested_cancel(struct hayi_sched *s, uint32_t index, bool force)
{
    if (hayi_nest_reserve(&s->nest, index) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_kin *kin = hayi_nest_open(&s->nest, &s->table, index);
    kin->flags |= (uint8_t)(HAYI_KIN_KILLED | (force ? HAYI_KIN_FORCED : 0u));
    kill_children(s, index);
    return HAY_OK;
}

static hay_status drain_killed(struct hayi_sched *s,
                               struct hayi_actions *actions)
{
    while (s->nest.kill_first != 0) {
        uint32_t index = s->nest.kill_first;
        bool force =
            (hayi_kin_at(&s->nest, index)->flags & HAYI_KIN_FORCED) != 0;
        hay_status answer;
        hay_status status =
            hayi_task_cancel_row(s, index, force, &answer, actions);
        if (status != HAY_OK) {
            return status;
        }
        if (hayi_kin_at(&s->nest, index)->kill_listed) { /* it runs on */
            kill_children(s, index);
            hayi_nest_spare(&s->nest, index);
        }
    }
    return HAY_OK;
}

hay_status hayi_nested_drain(struct hayi_sched *s, struct hayi_actions *actions)
{
    hay_status status = drain_killed(s, actions);
    return status == HAY_OK ? hayi_claims_drain(s, actions) : status;
}

/* Does an unfinished task wait for the row? */
static bool needed(const struct hayi_sched *s, const struct hayi_row *row)
{
    uint32_t i = row->edges;
    if (i == 0) {
        return false;
    }
    do {
        const struct hayi_edge *edge = hayi_edges_at(&s->edges, i);
        if (hayi_sched_row(s, edge->to >> 1)->state != HAYI_ROW_ENDED) {
            return true;
        }
        i = edge->next;
    } while (i != row->edges);
    return false;
}

static hay_status unwanted(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_table_find(&s->table, event->u.unwanted.task);
    if (index == 0) {
        s->stale++;
        return HAY_OK;
    }
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    if ((row->flags & HAYI_ROW_RANGE) != 0
        || (row->traits & HAYI_ROW_REMAKE) != 0
        || (kin != NULL && (kin->flags & HAYI_KIN_FOLLOWS) != 0)
        || needed(s, row)) {
        return HAY_OK;
    }
    if ((row->flags & HAYI_ROW_MAP) != 0) {
        if (!s->maps.list[row->map].began) {
            hayi_range_close(s, index, actions);
        }
    } else {
        hayi_task_close(s, index, actions);
    }
    return HAY_OK;
}

/* ---- following --------------------------------------------------------- */

uint32_t hayi_nested_followed(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    while (kin != NULL && (kin->flags & HAYI_KIN_FOLLOWS) != 0) {
        index = hayi_table_find(&s->table, kin->waits_for);
        kin = index != 0 ? hayi_nested_kin(s, index) : NULL;
    }
    return index;
}

bool hayi_sched_circular(const struct hayi_sched *s,
                         hayi_handle task,
                         hayi_handle follow)
{
    uint32_t index = hayi_table_find(&s->table, task);
    uint32_t target = hayi_table_find(&s->table, follow);
    return index != 0 && target != 0 && hayi_circle_closes(s, index, target);
}

hay_status hayi_nested_reserve_follow(struct hayi_sched *s,
                                      uint32_t index,
                                      const struct hayi_dep *follow)
{
    if (follow->task == 0) {
        return HAY_OK;
    }
    uint32_t target = hayi_table_find(&s->table, follow->task);
    if (target == 0 || hayi_circle_closes(s, index, target)
        || (hayi_sched_row(s, target)->flags & HAYI_ROW_RANGE) != 0) {
        return HAY_EINVAL;
    }
    return hayi_edges_reserve(&s->edges, 1) == HAY_OK
                   && hayi_nest_reserve(&s->nest, index) == HAY_OK
               ? HAY_OK
               : HAY_ENOMEM;
}

/* The end of a task that followed another one, which has ended so. */
static void end_as(struct hayi_sched *s,
                   uint32_t index,
                   uint8_t state,
                   hay_task_id culprit,
                   uint64_t report,
                   struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_end end = {
        .state = (hay_state)state,
        .status = HAY_OK,
        .attempt = row->attempt,
        .worker = row->worker,
        .report = report,
        .followed = true,
    };
    if (state == HAY_FAILED) {
        end.status = HAY_EDEPENDENCY;
        end.culprit = culprit;
    } else if (state == HAY_CANCELLED) {
        end.status = HAY_ECANCELLED;
        end.culprit = culprit;
    }
    hayi_task_end(s, index, &end, actions);
}

void hayi_nested_follow(struct hayi_sched *s,
                        uint32_t index,
                        const struct hayi_dep *follow,
                        uint64_t report,
                        struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (follow->task == 0) {
        row->traits |= follow->objects ? HAYI_ROW_GIVES : 0;
        end_as(s, index, follow->ended, follow->culprit, report, actions);
        return;
    }
    if (row->cargo != 0) {
        hayi_place_leave(s, row->cargo);
        hayi_cargos_give(&s->cargos, row->cargo);
        row->cargo = 0;
    }
    struct hayi_kin *kin = hayi_nest_open(&s->nest, &s->table, index);
    kin->flags |= HAYI_KIN_FOLLOWS;
    kin->waits_for = follow->task;
    kin->word = report;
    uint32_t target = hayi_table_find(&s->table, follow->task);
    hayi_edges_add(&s->edges, &hayi_sched_row(s, target)->edges, index, false);
    row->waiting++;
    hayi_sched_mark(s, index, HAYI_ROW_PENDING);
}

bool hayi_nested_heard(struct hayi_sched *s,
                       const struct hayi_row *ended,
                       uint32_t index,
                       struct hayi_actions *actions)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    if ((kin->flags & HAYI_KIN_FOLLOWS) == 0) {
        return false;
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    row->traits |= ended->traits & HAYI_ROW_GIVES;
    end_as(s, index, ended->end, ended->culprit, kin->word, actions);
    return true;
}

void hayi_nested_story(const struct hayi_sched *s,
                       uint32_t index,
                       char *text,
                       size_t size)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    uint32_t other = 0;
    text[0] = '\0';
    if (kin == NULL) {
        return;
    }
    if ((kin->flags & (HAYI_KIN_SUSPENDED | HAYI_KIN_FOLLOWS)) != 0) {
        other = hayi_table_find(&s->table, kin->waits_for);
    }
    if ((kin->flags & HAYI_KIN_FOLLOWS) != 0) {
        (void)snprintf(text,
                       size,
                       "its result is that of task %" PRIu64
                       ", which has not ended",
                       other != 0 ? hayi_sched_row(s, other)->id : 0);
    } else if ((kin->flags & HAYI_KIN_SUSPENDED) != 0) {
        if (other != 0) {
            (void)snprintf(text,
                           size,
                           ", waits for task %" PRIu64,
                           hayi_sched_row(s, other)->id);
        } else {
            (void)snprintf(text,
                           size,
                           "%s",
                           (kin->flags & HAYI_KIN_SEVERAL) != 0
                               ? ", waits for several of its tasks"
                           : kin->waits_for != 0 ? ", waited and will go on"
                                                 : ", waits");
        }
    } else if (kin->host != 0) {
        (void)snprintf(text,
                       size,
                       ", within task %" PRIu64,
                       hayi_sched_row(s, kin->host)->id);
    }
}

/* ---- the door ---------------------------------------------------------- */

hay_status hayi_nested_take(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    switch (event->kind) {
    case HAYI_EVENT_SUSPENDED:
        return suspend(s, event, actions);
    case HAYI_EVENT_RESUMED:
        resume(s, event);
        return HAY_OK;
    case HAYI_EVENT_CLAIM:
        return hayi_claims_take(s, event, actions);
    case HAYI_EVENT_UNWANTED:
        return unwanted(s, event, actions);
    default:
        return HAY_EINVAL;
    }
}
