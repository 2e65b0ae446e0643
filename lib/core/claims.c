/* claims.c - tasks that wait with their cores, and would run a child on them.
 *
 * The child that is claimed is ready, or held by a worker and called back; if
 * it still waits for inputs, any other child of the parent may stand before it.
 * What cannot be had is denied at once, or when the child that was called back
 * has moved.
 */
#include "config.h"

#include "core/demand.h"
#include "core/stragglers.h"

/* Children looked at for one claim. */
#define CLAIM_LOOK 256

static void unflag(struct hayi_kin *kin, uint32_t flags)
{
    kin->flags &= (uint8_t)~flags;
}

static void
deny(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    unflag(kin, HAYI_KIN_CLAIMS);
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_CLAIM_DENIED);
    a->u.claim_denied.worker = row->worker;
    a->u.claim_denied.task = (row->flags & HAYI_ROW_TWIN) != 0
                                 ? row->payload
                                 : hayi_table_handle(&s->table, index);
    a->u.claim_denied.attempt = row->attempt;
    a->u.claim_denied.cookie = kin->word;
}

/* Could the child run on the cores of the parent? */
static bool suits(const struct hayi_sched *s, uint32_t parent, uint32_t child)
{
    const struct hayi_row *row = hayi_sched_row(s, child);
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    uint32_t base = hayi_nested_base(s, parent);
    const struct hayi_row *host = hayi_sched_row(s, base);
    const struct hayi_needs *has = hayi_demand_booked(s, base);
    return (row->flags & HAYI_ROW_MAP) == 0 && needs->cores <= has->cores
           && needs->gpus == 0 && needs->request == 0
           && hayi_worker_fits(
               &s->workers.list[host->worker], host->worker, needs);
}

/* Can the child be called back from the worker that holds it? */
static bool callable(const struct hayi_sched *s, uint32_t child)
{
    const struct hayi_row *row = hayi_sched_row(s, child);
    return row->state == HAYI_ROW_HELD
           && (row->flags & (HAYI_ROW_CANCEL | HAYI_ROW_CLOSE)) == 0
           && hayi_kin_at(&s->nest, child)->host == 0;
}

/* The child that the parent can run in place of 'wanted', ready or, if such
 * are allowed, to be called back; 0: none. */
static uint32_t
pick(const struct hayi_sched *s, uint32_t parent, hayi_handle wanted, bool call)
{
    if (wanted != 0) {
        uint32_t child = hayi_table_find(&s->table, wanted);
        const struct hayi_kin *kin =
            child != 0 ? hayi_nested_kin(s, child) : NULL;
        if (kin == NULL || kin->parent != parent) {
            return 0;
        }
        const struct hayi_row *row = hayi_sched_row(s, child);
        if (row->state != HAYI_ROW_PENDING
            || (kin->flags & HAYI_KIN_FOLLOWS) != 0) {
            bool open =
                row->state == HAYI_ROW_READY || (call && callable(s, child));
            return open && suits(s, parent, child) ? child : 0;
        }
    }
    /* What its inputs wait for is among the children too. */
    uint32_t found = 0;
    uint32_t child = hayi_kin_at(&s->nest, parent)->first;
    for (uint32_t i = 0; i < CLAIM_LOOK && child != 0; i++) {
        bool ready = hayi_sched_row(s, child)->state == HAYI_ROW_READY;
        bool open = ready || (call && found == 0 && callable(s, child));
        if (open && suits(s, parent, child)) {
            found = child;
            if (ready) {
                break;
            }
        }
        child = hayi_kin_at(&s->nest, child)->next;
    }
    return found;
}

/* The child, which is ready, runs on the cores of the parent. */
static void grant(struct hayi_sched *s,
                  uint32_t parent,
                  uint32_t child,
                  struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, child);
    struct hayi_kin *kin = hayi_kin_at(&s->nest, child);
    struct hayi_kin *above = hayi_kin_at(&s->nest, parent);
    hayi_ready_remove(&s->ready, child);
    if (row->cargo != 0) {
        hayi_place_out(s, row->cargo);
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.payload = row->payload;
    hayi_dispatch_book(s,
                       child,
                       hayi_sched_row(s, parent)->worker,
                       hayi_durations_expected_ns(&s->durations, row->category),
                       a);
    kin->host = parent;
    above->guest = child;
    unflag(above, HAYI_KIN_CLAIMS);
    hayi_nested_free(s, child);
    a->u.hand_out.inline_of = hayi_table_handle(&s->table, parent);
    a->u.hand_out.prompt = true;
}

/* Ask for it back, if it has not begun.  sched.c tells when it moved. */
static void
call_back(struct hayi_sched *s, uint32_t child, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, child);
    row->flags |= HAYI_ROW_CLOSE;
    hayi_kin_at(&s->nest, child)->flags |= HAYI_KIN_CALLED;
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_CANCEL);
    a->u.cancel.worker = row->worker;
    a->u.cancel.task = hayi_table_handle(&s->table, child);
    a->u.cancel.attempt = row->attempt;
    a->u.cancel.unstarted_only = true;
}

hay_status hayi_claims_take(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 2) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_sched_current(
        s, event->u.claim.worker, event->u.claim.task, event->u.claim.attempt);
    if (index == 0) {
        return HAY_OK;
    }
    if (hayi_nest_reserve(&s->nest, index) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_kin *kin = hayi_nest_open(&s->nest, &s->table, index);
    const struct hayi_row *row = hayi_sched_row(s, index);
    kin->word = event->u.claim.cookie;
    if ((kin->flags & (HAYI_KIN_SUSPENDED | HAYI_KIN_CLAIMS)) != 0
        || kin->guest != 0 || hayi_stragglers_concern(row)
        || (row->flags & HAYI_ROW_RANGE) != 0) {
        deny(s, index, actions);
        return HAY_OK;
    }
    if (row->state == HAYI_ROW_HELD) {
        hayi_task_begun(s, index, actions);
    }
    uint32_t child = pick(s, index, event->u.claim.child, true);
    if (child == 0) {
        deny(s, index, actions);
    } else if (hayi_sched_row(s, child)->state == HAYI_ROW_READY) {
        grant(s, index, child, actions);
    } else {
        kin->flags |= HAYI_KIN_CLAIMS;
        kin->waits_for = event->u.claim.child;
        call_back(s, child, actions);
    }
    return HAY_OK;
}

void hayi_claims_moved(struct hayi_sched *s, uint32_t index)
{
    struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    if ((kin->flags & HAYI_KIN_CALLED) == 0) {
        return;
    }
    unflag(kin, HAYI_KIN_CALLED);
    if (kin->parent != 0) {
        hayi_nest_claim(&s->nest, kin->parent);
    }
}

bool hayi_claims_called(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    return kin != NULL && (kin->flags & HAYI_KIN_CALLED) != 0;
}

hay_status hayi_claims_drain(struct hayi_sched *s, struct hayi_actions *actions)
{
    while (s->nest.claim_first != 0) {
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        uint32_t index = hayi_nest_claim_pop(&s->nest);
        const struct hayi_kin *kin = hayi_nested_kin(s, index);
        if (kin == NULL || (kin->flags & HAYI_KIN_CLAIMS) == 0) {
            continue;
        }
        uint32_t child = pick(s, index, kin->waits_for, false);
        if (child != 0) {
            grant(s, index, child, actions);
        } else {
            deny(s, index, actions);
        }
    }
    return HAY_OK;
}
