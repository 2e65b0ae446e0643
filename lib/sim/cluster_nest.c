/* cluster_nest.c - tasks in tasks in the simulated cluster: what workers submit
 * and wait for, and what the manager tells them of it.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include "sim/mail.h"

#include <inttypes.h>

/* The task that an attempt submits as its 'ordinal'-th one. */
static struct hayi_sim_spec
kid_of(const struct hayi_sim_spec *parent, uint32_t index, uint32_t ordinal)
{
    struct hayi_sim_spec spec = {
        .needs = {.cores = 1},
        .priority = parent->priority,
        .retries = 1,
        .category = parent->category,
        .duration_ns = parent->duration_ns / (ordinal + 1),
        .agrees = parent->agrees,
        .failures = (index + ordinal) % 13 == 0 ? 1 : 0,
    };
    if ((index + ordinal) % 5 == 0) {
        spec.needs.memory_bytes = parent->needs.memory_bytes;
    }
    if (parent->levels > 1) {
        spec.levels = parent->levels - 1;
        spec.kids = 1 + (index + ordinal) % parent->kids;
        spec.wait =
            (enum hayi_sim_wait)((index + ordinal) % HAYI_SIM_WAIT_COUNT);
    }
    return spec;
}

static void submitted(struct hayi_sim *sim,
                      uint32_t worker,
                      const struct hayi_sim_nest *record)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    struct hayi_event event;
    uint32_t index = 0;
    const struct hayi_sim_spec spec = kid_of(
        &ledger->tasks[record->index].spec, record->index, record->ordinal);

    if (hayi_sim_task(sim, &spec, &index) != HAY_OK) {
        hayi_ledger_fail(ledger, "the simulator has no memory");
        return;
    }
    struct hayi_ledger_task *kid = &ledger->tasks[index];
    struct hayi_ledger_task *parent = &ledger->tasks[record->index];
    kid->parent = record->index + 1;
    kid->parent_attempt = record->attempt;
    kid->parent_worker = worker;
    kid->ordinal = record->ordinal;
    kid->kid_before = parent->last_kid;
    kid->submitted = true;
    parent->last_kid = index + 1;
    sim->world.counts.kids++;
    hayi_ledger_event(ledger, index, sim->deps, &event);
    event.u.task.parent = record->task;
    if (hayi_sim_step(sim, &event) != HAY_OK) {
        hayi_ledger_fail(ledger, "the submit of %u in a task fails", index);
    }
    ledger->tasks[index].handle = event.u.task.task;
}

/* What an attempt waits for; 0: for several. */
static hayi_handle target_of(struct hayi_sim *sim,
                             const struct hayi_sim_nest *record)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    if (record->ordinal == HAYI_SIM_SEVERAL) {
        return 0;
    }
    uint32_t kid = hayi_ledger_kid(
        ledger, record->index, record->attempt, record->ordinal);
    if (kid == 0) {
        hayi_ledger_fail(ledger, "task %u waits for nothing", record->index);
        return 0;
    }
    return ledger->tasks[kid - 1].handle;
}

static void
waits(struct hayi_sim *sim, uint32_t worker, const struct hayi_sim_nest *record)
{
    struct hayi_event event = {.kind = HAYI_EVENT_SUSPENDED};
    event.u.suspended.worker = worker;
    event.u.suspended.task = record->task;
    event.u.suspended.attempt = record->attempt;
    event.u.suspended.several = record->ordinal == HAYI_SIM_SEVERAL;
    event.u.suspended.waits_for = target_of(sim, record);
    sim->world.counts.suspended++;
    (void)hayi_sim_step(sim, &event);
}

static void claims(struct hayi_sim *sim,
                   uint32_t worker,
                   const struct hayi_sim_nest *record)
{
    struct hayi_event event = {.kind = HAYI_EVENT_CLAIM};
    event.u.claim.worker = worker;
    event.u.claim.task = record->task;
    event.u.claim.attempt = record->attempt;
    event.u.claim.child = target_of(sim, record);
    event.u.claim.cookie = record->index;
    (void)hayi_sim_step(sim, &event);
}

bool hayi_sim_nest_came(struct hayi_sim *sim,
                        uint32_t worker,
                        uint16_t type,
                        const void *body)
{
    if (type < HAYI_SIM_RECORD_FIRST) {
        return false;
    }
    if (sim->links[worker].lost) {
        return true; /* it does not know yet */
    }
    switch (type) {
    case HAYI_SIM_RECORD_KID:
        submitted(sim, worker, body);
        break;
    case HAYI_SIM_RECORD_WAITS:
        waits(sim, worker, body);
        break;
    case HAYI_SIM_RECORD_CLAIM:
        claims(sim, worker, body);
        break;
    case HAYI_SIM_RECORD_FOLLOWS:
        sim->links[worker].follows = *(const struct hayi_sim_nest *)body;
        break;
    default:
        return false;
    }
    return true;
}

bool hayi_sim_follow(struct hayi_sim *sim,
                     struct hayi_event *event,
                     struct hayi_dep *dep)
{
    const struct hayi_ledger *ledger = &sim->world.ledger;
    struct hayi_sim_nest *note = &sim->links[event->u.ended.worker].follows;
    if (note->task == 0 || note->task != event->u.ended.task
        || note->attempt != event->u.ended.attempt) {
        return false;
    }
    uint32_t kid =
        hayi_ledger_kid(ledger, note->index, note->attempt, note->ordinal);
    note->task = 0;
    if (kid == 0) {
        return false;
    }
    const struct hayi_ledger_task *task = &ledger->tasks[kid - 1];
    *dep = (struct hayi_dep){.task = task->told ? 0 : task->handle};
    dep->ended = task->state;
    dep->culprit = task->culprit;
    event->u.ended.follow = dep;
    sim->world.counts.followed++;
    return true;
}

void hayi_sim_kid_told(struct hayi_sim *sim, uint32_t index)
{
    const struct hayi_ledger_task *kid = &sim->world.ledger.tasks[index];
    if (kid->parent == 0 || sim->links[kid->parent_worker].lost) {
        return;
    }
    struct hayi_sim_nest *record =
        hayi_channel_append(sim->links[kid->parent_worker].channel,
                            HAYI_SIM_RECORD_KID_ENDED,
                            sizeof *record);
    if (record == NULL) {
        hayi_ledger_fail(&sim->world.ledger, "the simulator has no memory");
        return;
    }
    *record = (struct hayi_sim_nest){.index = kid->parent - 1,
                                     .attempt = kid->parent_attempt,
                                     .ordinal = kid->ordinal};
    hayi_sim_mark_dirty(sim, kid->parent_worker);
}

void hayi_sim_tell_unwanted(struct hayi_sim *sim,
                            uint32_t index,
                            uint32_t attempt)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    uint32_t kid = ledger->tasks[index].last_kid;
    if (kid == 0 || hayi_dice_chance(&sim->world.dice, 500)) {
        return;
    }
    while (kid != 0) {
        struct hayi_ledger_task *task = &ledger->tasks[kid - 1];
        uint32_t before = task->kid_before;
        if (!task->told && task->parent_attempt == attempt) {
            struct hayi_event event = {.kind = HAYI_EVENT_UNWANTED};
            event.u.unwanted.task = task->handle;
            task->unwanted = true;
            (void)hayi_sim_step(sim, &event);
        }
        kid = before;
    }
}
