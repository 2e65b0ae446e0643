/* task_retry.c - attempts that failed or were lost: is there another one, and
 * when.
 *
 * An attempt that the task itself spoilt uses up one of its retries, and may
 * rest before the next.  One that was lost with its worker does not, but only
 * HAYI_LOSSES_MAX workers may be lost with a task.  One that needed more memory
 * than it was allowed uses up one of its tries with more; its needs change.
 */
#include "config.h"

#include "core/stragglers.h"

#include <assert.h>

/* Attempts of one remake that may be lost with their workers. */
#define REMAKES_MAX 3
/* A pause is doubled so often at most. */
#define PAUSE_DOUBLINGS 6u

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
    a->u.attempt_ended.since_ns = row->since_ns;
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

/* It is not to run again, whatever has ended it. */
static bool gives_up(const struct hayi_sched *s, const struct hayi_row *row)
{
    return (row->flags & HAYI_ROW_CANCEL) != 0
           || (s->cancelling && row->late == 0);
}

void hayi_task_failed(struct hayi_sched *s,
                      uint32_t index,
                      uint64_t report,
                      struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->walltime != 0) {
        hayi_task_end_cancelled(s, index, report, actions);
        return;
    }
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
    if (gives_up(s, row)) {
        hayi_task_end_cancelled(s, index, report, actions);
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
    if (hayi_stragglers_concern(row)) {
        return true; /* the other attempt goes on */
    }
    uint32_t losses = row->losses;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        const struct hayi_row *map = hayi_sched_row(s, row->map);
        return !s->maps.list[map->map].stopped && losses < HAYI_LOSSES_MAX;
    }
    return losses < HAYI_LOSSES_MAX && (row->traits & HAYI_ROW_ONCE) == 0
           && !gives_up(s, row);
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
    row->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_SUSPECT;
    hayi_task_unbook(s, index);
    if (gives_up(s, row)) {
        hayi_task_end_cancelled(s, index, 0, actions);
        return;
    }
    if (!again) {
        struct hayi_end end = {
            .state = HAY_FAILED,
            .status = HAY_EFARM,
            .attempt = row->attempt,
            .worker = row->worker,
            .losses = row->losses,
            .since_ns = row->since_ns,
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

/* The same with twice the memory; HAY_EINFEASIBLE: nobody has so much. */
static hay_status twice(struct hayi_sched *s, struct hayi_needs *needs)
{
    struct hayi_variant variants[HAYI_VARIANT_MAX];
    if (needs->memory_bytes > UINT64_MAX / 2) {
        return HAY_EINFEASIBLE;
    }
    needs->memory_bytes *= 2;
    if (needs->request == 0) {
        return HAY_OK;
    }
    const struct hayi_request *request =
        hayi_request_at(&s->requests, needs->request);
    uint32_t count = request->count;
    uint32_t number = 0;
    for (uint32_t i = 0; i < count; i++) {
        variants[i] = request->variants[i];
        if (variants[i].memory_bytes > UINT64_MAX / 2) {
            return HAY_EINFEASIBLE;
        }
        variants[i].memory_bytes *= 2;
    }
    hay_status status =
        hayi_requests_intern(&s->requests, variants, count, &number);
    if (status == HAY_OK) {
        needs->request = number & (HAYI_REQUEST_MAX - 1);
    }
    return status;
}

/* The level with twice the memory, counted; HAY_EINFEASIBLE: no worker could
 * meet it. */
static hay_status level_of_twice(struct hayi_sched *s,
                                 const struct hayi_row *row,
                                 uint32_t *level)
{
    const struct hayi_level *now = &s->ready.levels[row->level];
    struct hayi_needs needs =
        row->cargo != 0
            ? *hayi_place_needs(s, hayi_cargo_at(&s->cargos, row->cargo))
            : *hayi_sched_needs(s, row);
    hay_status status = twice(s, &needs);
    if (status == HAY_OK) {
        status =
            hayi_members_level(s, &needs, now->priority, now->depth, level);
    }
    if (status == HAY_OK
        && s->ready.classes.list[s->ready.levels[*level].class].infeasible) {
        hayi_ready_release(&s->ready, *level);
        status = HAY_EINFEASIBLE;
    }
    return status;
}

hay_status hayi_task_grown(struct hayi_sched *s,
                           uint32_t index,
                           uint64_t report,
                           struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t level = 0;
    bool over = gives_up(s, row) || (row->traits & HAYI_ROW_REMAKE) != 0
                || row->memory_retries == 0;
    hay_status status = over ? HAY_EINFEASIBLE : level_of_twice(s, row, &level);
    if (status == HAY_ENOMEM) {
        return status;
    }
    if (status != HAY_OK) {
        hayi_task_farm_failed(s, index, report, actions);
        return HAY_OK;
    }
    hayi_task_unbook(s, index);
    hayi_ready_release(&s->ready, row->level);
    row->level = level;
    if (row->cargo != 0) {
        hayi_cargo_at(&s->cargos, row->cargo)->class =
            s->ready.levels[level].class;
    }
    row->memory_retries--;
    row->flags = 0;
    tell_attempt(row, HAYI_OUTCOME_FARM, report, actions);
    actions->list[actions->count - 1].u.attempt_ended.grown = true;
    hayi_task_ready(s, index, true, actions);
    return HAY_OK;
}
