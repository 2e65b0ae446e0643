/* ledger_told.c - the rules for what the farm says: each end as it truly was,
 * each item once, each cancel answered, nothing to or from fenced workers.
 */
#include "config.h"

#include "sim/ledger_inside.h"

#include <inttypes.h>

#define PAUSE_DOUBLINGS 6u  /* of a pause, at most */
#define HAND_OUTS_MAX   50u /* of one task, and one for each end of any */

#define HAYI_SIM_LOSSES_MAX 3u /* with so many a task is given up */

/* The input that explains the end of a task: one that is not 'any', with this
 * state and, if it is not 0, this culprit. */
static bool explained_by_input(const struct hayi_ledger *ledger,
                               const struct hayi_ledger_task *task,
                               uint8_t state,
                               hay_task_id culprit)
{
    for (size_t i = 0; i < task->spec.dep_count; i++) {
        const struct hayi_sim_dep *dep = &task->spec.deps[i];
        const struct hayi_ledger_task *input = &ledger->tasks[dep->task];
        if (!dep->any && input->told && input->state == state
            && (culprit == 0 || input->culprit == culprit)) {
            return true;
        }
    }
    return false;
}

/* Did one of those that it submitted end so? */
static bool explained_by_kid(const struct hayi_ledger *ledger,
                             const struct hayi_ledger_task *task,
                             uint8_t state,
                             hay_task_id culprit)
{
    uint32_t kid = task->last_kid;
    while (
        kid != 0
        && (ledger->tasks[kid - 1].state != state
            || !ledger->tasks[kid - 1].told
            || (culprit != 0 && ledger->tasks[kid - 1].culprit != culprit))) {
        kid = ledger->tasks[kid - 1].kid_before;
    }
    return kid != 0 && task->spec.wait == HAYI_SIM_WAIT_FOLLOW;
}

bool hayi_ledger_met(const struct hayi_ledger *ledger,
                     const struct hayi_needs *needs)
{
    for (uint32_t w = 0; w < ledger->worker_max; w++) {
        const struct hayi_sim_purse *has = &ledger->wealth.workers[w].has;
        if (!ledger->fenced[w] && !ledger->leaving[w]
            && has->cores >= needs->cores
            && (has->memory_bytes == 0
                || has->memory_bytes >= needs->memory_bytes)
            && (needs->worker == 0 || needs->worker - 1 == w)) {
            return needs->request == 0
                   || (!hayi_ledger_any_lost(ledger)
                       && ledger->leave_count == 0);
        }
    }
    return false;
}

/* By an attempt of which a worker said so, by the loss of workers, for an
 * object that is lost for good, or that has no room anywhere. */
static bool farm_failed_rightly(const struct hayi_ledger *ledger,
                                const struct hayi_ledger_task *task)
{
    if (task->cause == HAY_CAUSE_DEADLOCK) {
        return task->parent != 0;
    }
    if (task->spec.map) {
        return task->outcome == HAYI_OUTCOME_FARM
               || hayi_ledger_any_lost(ledger);
    }
    if (task->told_losses) {
        return task->losses > 0
               && (task->doubled || task->spec.once
                   || task->losses >= HAYI_SIM_LOSSES_MAX);
    }
    return task->told_lost != 0 || task->outcome == HAYI_OUTCOME_FARM
           || ledger->stores.full > 0;
}

static bool failed_rightly(const struct hayi_ledger *ledger,
                           uint32_t index,
                           hay_task_id culprit)
{
    const struct hayi_ledger_task *task = &ledger->tasks[index];

    switch (task->status) {
    case HAY_ETASK:
        return culprit == hayi_ledger_payload(index)
               && (task->spec.map
                       ? task->spec.fail_every != 0
                       : task->failed_attempts >= task->spec.retries + 1);
    case HAY_EFARM:
        return culprit == hayi_ledger_payload(index)
               && farm_failed_rightly(ledger, task);
    case HAY_EDEPENDENCY:
        return (task->last.attempt == 0 && culprit != 0
                && explained_by_input(ledger, task, HAY_FAILED, culprit))
               || explained_by_kid(ledger, task, HAY_FAILED, culprit);
    case HAY_EINFEASIBLE:
        return task->grown > 0 || !hayi_ledger_met(ledger, &task->spec.needs);
    default:
        return false;
    }
}

static bool told_rightly(const struct hayi_ledger *ledger, uint32_t index)
{
    const struct hayi_ledger_task *task = &ledger->tasks[index];

    switch (task->state) {
    case HAY_FINISHED:
        return task->status == HAY_OK
               && (task->spec.map ? task->reported == task->spec.items
                                  : hayi_ledger_finished(task));
    case HAY_FAILED:
        /* The news that it finished may be lost with its worker. */
        return (!hayi_ledger_finished(task) || task->beaten.task != 0
                || task->status == HAY_EDEPENDENCY
                || (task->status == HAY_EFARM
                    && ledger->lost[task->last.worker]))
               && failed_rightly(ledger, index, task->culprit);
    case HAY_CANCELLED:
        return task->status == HAY_ECANCELLED
               && (!hayi_ledger_finished(task) || task->beaten.task != 0
                   || ledger->lost[task->last.worker]
                   || task->spec.wait == HAYI_SIM_WAIT_FOLLOW)
               && (task->cancels > 0 || ledger->cancel_pending || task->unwanted
                   || hayi_ledger_killed(ledger, index)
                   || explained_by_kid(ledger, task, HAY_CANCELLED, 0)
                   || explained_by_input(ledger, task, HAY_CANCELLED, 0));
    default:
        return false;
    }
}

/* It fails for an input that is lost. */
static void
check_lost(struct hayi_ledger *ledger, uint32_t index, hayi_object object)
{
    const struct hayi_sim_spec *spec = &ledger->tasks[index].spec;
    if (hayi_stores_anywhere(&ledger->stores, object)) {
        hayi_ledger_fail(
            ledger, "task %u fails for an object that is there", index);
    }
    for (size_t i = 0; i < spec->dep_count; i++) {
        uint32_t input = spec->deps[i].task;
        const struct hayi_ledger_task *maker = &ledger->tasks[input];
        bool made = false;
        for (uint32_t j = 0; j < maker->spec.makes; j++) {
            made = made || maker->made[j] == object;
        }
        if (made && hayi_ledger_remakable(ledger, input)) {
            hayi_ledger_fail(
                ledger,
                "task %u fails for an object that %u could make again",
                index,
                input);
        }
    }
}

static void told(struct hayi_ledger *ledger, const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.tell.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || !task->submitted) {
        hayi_ledger_fail(ledger, "an unknown task is told");
        return;
    }
    if (task->told) {
        hayi_ledger_fail(ledger, "task %u ends twice", index);
    }
    if (task->out_count > 0) {
        task->beaten = task->outs[0];
        if (!task->doubled) {
            hayi_ledger_fail(ledger, "task %u ends while it is out", index);
        } else if (!task->beaten.cancelled) {
            hayi_ledger_fail(
                ledger, "task %u ends, its other attempt goes on", index);
        }
    }
    if (action->u.tell.lost != 0) {
        check_lost(ledger, index, action->u.tell.lost);
    }
    if (task->beaten.task != 0) {
        struct hayi_ledger_try *beaten =
            hayi_ledger_try(task, task->beaten.attempt);
        if (beaten != NULL) {
            beaten->running = false; /* no more is heard of it */
        }
    } else if (hayi_ledger_running(task)) {
        hayi_ledger_fail(ledger, "task %u ends while it runs", index);
    }
    task->told = true;
    task->state = action->u.tell.state;
    task->status = action->u.tell.status;
    task->cause = action->u.tell.cause;
    task->told_losses = action->u.tell.losses != 0;
    task->told_lost = action->u.tell.lost;
    task->culprit = action->u.tell.culprit != 0 ? action->u.tell.culprit
                                                : action->u.tell.payload;
    ledger->told_count++;
    if (!told_rightly(ledger, index)) {
        hayi_ledger_fail(ledger,
                         "task %u is told %s, %s, culprit %" PRIu64
                         "; it had %u failed attempts of %u, last outcome %u",
                         index,
                         hay_state_name((hay_state)task->state),
                         hay_status_name(task->status),
                         task->culprit,
                         task->failed_attempts,
                         task->spec.retries + 1,
                         task->outcome);
    }
    if (task->state == HAY_FINISHED && !task->spec.map) {
        uint32_t attempt = (uint32_t)action->u.tell.report;
        const struct hayi_ledger_try *one = hayi_ledger_try(task, attempt);
        if (one == NULL || !one->finished
            || action->u.tell.report != hayi_ledger_report(index, attempt)) {
            hayi_ledger_fail(ledger, "task %u is told another's report", index);
        }
    }
}

static void range_told(struct hayi_ledger *ledger,
                       const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.range_ended.payload - 1);
    uint64_t first = action->u.range_ended.first;
    uint64_t count = action->u.range_ended.count;
    uint8_t outcome = action->u.range_ended.outcome;
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || !task->spec.map || task->told) {
        hayi_ledger_fail(ledger, "a range of no running map is told");
        return;
    }
    if (ledger->fenced[action->u.range_ended.worker]
        && outcome != HAYI_OUTCOME_FARM) {
        hayi_ledger_fail(ledger, "map %u: news of a lost worker", index);
    }
    uint64_t not_run = 0;
    for (uint64_t i = first; i < first + count; i++) {
        if (i >= task->spec.items
            || (task->marks[i] & HAYI_LEDGER_REPORTED) != 0) {
            hayi_ledger_fail(ledger,
                             "map %u: item %" PRIu64 " is reported wrongly",
                             index,
                             i);
            return;
        }
        not_run += (task->marks[i] & HAYI_LEDGER_RUN) == 0;
        task->marks[i] |= HAYI_LEDGER_REPORTED;
    }
    /* What the farm lost counts as failed. */
    if (not_run
        > (outcome == HAYI_OUTCOME_FARM ? action->u.range_ended.failed : 0)) {
        hayi_ledger_fail(ledger,
                         "map %u: %" PRIu64 " items from %" PRIu64
                         " are reported and did not run",
                         index,
                         not_run,
                         first);
    }
    task->reported += count;
    task->reported_failed += action->u.range_ended.failed;
}

static void answered(struct hayi_ledger *ledger,
                     const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.answer.cookie - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || task->answers == task->cancels) {
        hayi_ledger_fail(ledger, "an answer to no cancel");
        return;
    }
    task->answers++;
    switch (action->u.answer.status) {
    case HAY_OK:
        task->never_run = true;
        if (hayi_ledger_running(task)) {
            hayi_ledger_fail(ledger, "task %u: cancel is OK, it runs", index);
        }
        break;
    case HAY_EPENDING:
    case HAY_ERUNNING:
        if (task->told) {
            hayi_ledger_fail(ledger, "task %u: cancel after its end", index);
        }
        break;
    case HAY_EINVAL:
        if (!task->told) {
            hayi_ledger_fail(ledger, "task %u: cancel is refused", index);
        }
        break;
    default:
        hayi_ledger_fail(ledger,
                         "task %u: cancel is answered %s",
                         index,
                         hay_status_name(action->u.answer.status));
    }
}

static void state_told(struct hayi_ledger *ledger,
                       const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.state.payload - 1);
    const struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || task->told) {
        hayi_ledger_fail(ledger, "task %u: a state after its end", index);
    } else if (action->u.state.state == HAY_RUNNING && !task->spec.map
               && task->last.attempt == 0) {
        hayi_ledger_fail(ledger, "task %u: runs, but did not begin", index);
    }
}

static void attempt_told(struct hayi_ledger *ledger,
                         const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.attempt_ended.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || task->told) {
        hayi_ledger_fail(ledger, "task %u: an attempt after its end", index);
    } else if (ledger->fenced[action->u.attempt_ended.worker]
               && action->u.attempt_ended.outcome != HAYI_OUTCOME_FARM) {
        hayi_ledger_fail(ledger, "task %u: news of a lost worker", index);
    } else if (action->u.attempt_ended.grown
               && ++task->grown > task->spec.memory_retries) {
        hayi_ledger_fail(ledger, "task %u: grows too often", index);
    } else if (action->u.attempt_ended.outcome == HAYI_OUTCOME_FINISHED) {
        hayi_ledger_fail(ledger, "task %u: a good attempt again", index);
    } else if (action->u.attempt_ended.outcome == HAYI_OUTCOME_FAILED
               && task->out_count == 0 && task->spec.pause_ms != 0) {
        uint32_t before = action->u.attempt_ended.attempt - 1;
        task->rest_until_ns =
            ledger->now_ns
            + ((uint64_t)task->spec.pause_ms * 1000000
               << (before < PAUSE_DOUBLINGS ? before : PAUSE_DOUBLINGS));
        ledger->pauses++;
    }
}

/* One that is out may get a second attempt on another worker. */
static void note_out(struct hayi_ledger *ledger,
                     uint32_t index,
                     const struct hayi_action *action)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    if (task->out_count > 0) {
        if (task->out_count == 2 || !ledger->stragglers || task->spec.once
            || task->outs[0].worker == action->u.hand_out.worker
            || task->outs[0].attempt == action->u.hand_out.attempt) {
            hayi_ledger_fail(ledger, "task %u is handed out twice", index);
            return;
        }
        ledger->doubles += task->doubled ? 0 : 1;
        task->doubled = true;
    }
    if (ledger->now_ns < task->rest_until_ns) {
        hayi_ledger_fail(ledger, "task %u: handed out in its pause", index);
    }
    task->outs[task->out_count++] = (struct hayi_ledger_out){
        .task = action->u.hand_out.task,
        .attempt = action->u.hand_out.attempt,
        .worker = action->u.hand_out.worker,
    };
}

/* Items whose first attempt may still be out, or have ended unheard. */
static void note_second(struct hayi_ledger_task *task,
                        const struct hayi_action *action)
{
    for (uint64_t i = 0; i < action->u.hand_out.count; i++) {
        uint64_t item = action->u.hand_out.first + i;
        if (item < task->spec.items) {
            task->marks[item] |= HAYI_LEDGER_DOUBLED;
        }
    }
}

/* Does the handle mean the task, or one of its attempts that makes its objects
 * again? */
static bool is_called(const struct hayi_ledger_task *task, hayi_handle handle)
{
    bool called = task->handle == handle;
    for (uint32_t i = 0; i < task->out_count; i++) {
        called = called || task->outs[i].task == handle;
    }
    return called;
}

/* It is to run in the place of one that it was submitted by, or by what that
 * one submitted. */
static bool
is_within(const struct hayi_ledger *ledger, uint32_t index, hayi_handle of)
{
    uint32_t above = ledger->tasks[index].parent;
    while (above != 0 && !is_called(&ledger->tasks[above - 1], of)) {
        above = ledger->tasks[above - 1].parent;
    }
    return above != 0;
}

/* It has nothing to do any more; what it has made may go with it. */
static void let_go(struct hayi_ledger *ledger, uint32_t worker)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        const struct hayi_ledger_task *task = &ledger->tasks[i];
        for (uint32_t j = 0; j < task->out_count; j++) {
            if (task->outs[j].worker == worker) {
                hayi_ledger_fail(
                    ledger, "w%u is let go with task %u", worker, i);
            }
        }
    }
    if (!ledger->leaving[worker]) {
        hayi_ledger_fail(ledger, "w%u is let go, and did not ask", worker);
    }
    ledger->let_go++;
    hayi_ledger_fence(ledger, worker);
    hayi_wealth_lost(&ledger->wealth, worker);
}

static void handed_out(struct hayi_ledger *ledger,
                       const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.hand_out.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || (task->told && !hayi_ledger_remakes(task))) {
        hayi_ledger_fail(ledger, "task %u: handed out after its end", index);
    } else if (ledger->fenced[action->u.hand_out.worker]) {
        hayi_ledger_fail(ledger, "task %u: handed out to a lost worker", index);
    } else if (ledger->leaving[action->u.hand_out.worker]) {
        hayi_ledger_fail(
            ledger, "task %u: handed out to a worker that leaves", index);
    } else if (!task->told && !task->spec.map
               && (task->cancels > 0
                   || (task->losses >= HAYI_SIM_LOSSES_MAX
                       && !task->doubled))) {
        hayi_ledger_fail(ledger,
                         "task %u: handed out after %s",
                         index,
                         task->cancels > 0 ? "its cancel"
                                           : "the loss of three workers");
    } else if (!task->spec.map && task->spec.needs.request == 0
               && action->u.hand_out.needs.memory_bytes
                      != task->spec.needs.memory_bytes << task->grown) {
        hayi_ledger_fail(ledger, "task %u: not the memory it needs", index);
    } else if (action->u.hand_out.inline_of != 0
               && !is_within(ledger, index, action->u.hand_out.inline_of)) {
        hayi_ledger_fail(
            ledger, "task %u runs in the place of a stranger", index);
    } else if (!task->spec.map
               && ++task->hand_outs > HAND_OUTS_MAX + ledger->ended_count) {
        hayi_ledger_fail(ledger, "task %u goes to and fro", index);
    } else {
        const char *rule = hayi_wealth_hand_out(
            &ledger->wealth, task->spec.needs.request, task->grown, action);
        if (rule != NULL) {
            hayi_ledger_fail(ledger, "task %u: %s", index, rule);
        }
        if (!task->spec.map) {
            note_out(ledger, index, action);
        } else if (ledger->stragglers && action->u.hand_out.attempt > 1) {
            note_second(task, action);
        }
    }
}

/* The worker is told to end an attempt. */
static void cancelled(struct hayi_ledger *ledger,
                      const struct hayi_action *action)
{
    uint32_t index = 0;
    if (!ledger->stragglers) {
        return;
    }
    for (; index < ledger->count; index++) {
        struct hayi_ledger_task *task = &ledger->tasks[index];
        for (uint32_t i = 0; task->doubled && i < task->out_count; i++) {
            struct hayi_ledger_out *out = &task->outs[i];
            if (out->task == action->u.cancel.task
                && out->attempt == action->u.cancel.attempt
                && out->worker == action->u.cancel.worker) {
                out->cancelled = true;
            }
        }
    }
}

static void forgotten(struct hayi_ledger *ledger,
                      const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.forget.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || !hayi_ledger_remakes(task)) {
        hayi_ledger_fail(ledger, "task %u is forgotten wrongly", index);
        return;
    }
    task->forgotten = true;
}

void hayi_ledger_action(struct hayi_ledger *ledger,
                        const struct hayi_action *action)
{
    switch (action->kind) {
    case HAYI_ACTION_TELL:
        told(ledger, action);
        break;
    case HAYI_ACTION_RANGE_ENDED:
        range_told(ledger, action);
        break;
    case HAYI_ACTION_ANSWER:
        answered(ledger, action);
        break;
    case HAYI_ACTION_STATE:
        state_told(ledger, action);
        break;
    case HAYI_ACTION_ATTEMPT_ENDED:
        attempt_told(ledger, action);
        break;
    case HAYI_ACTION_ALL_ENDED:
        if (ledger->all_ended || !ledger->closed
            || ledger->told_count != ledger->count) {
            hayi_ledger_fail(ledger,
                             "all have ended, says the farm: %u of %u",
                             ledger->told_count,
                             ledger->count);
        }
        ledger->all_ended = true;
        break;
    case HAYI_ACTION_HAND_OUT:
        handed_out(ledger, action);
        break;
    case HAYI_ACTION_LET_GO:
        let_go(ledger, action->u.let_go.worker);
        break;
    case HAYI_ACTION_WORKER_LOST:
        hayi_ledger_fence(ledger, action->u.worker_lost.worker);
        hayi_wealth_lost(&ledger->wealth, action->u.worker_lost.worker);
        break;
    case HAYI_ACTION_FORGET:
        forgotten(ledger, action);
        break;
    case HAYI_ACTION_CANCEL:
        cancelled(ledger, action);
        break;
    case HAYI_ACTION_CLAIM_DENIED:
    case HAYI_ACTION_RECALL:
    case HAYI_ACTION_INPUTS:
    case HAYI_ACTION_FETCH:
    case HAYI_ACTION_DROP:
    case HAYI_ACTION_WANTED:
        break;
    }
}
