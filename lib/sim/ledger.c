/* ledger.c - the rules.
 *
 * Each task is told exactly once, and as it truly went: finished if an attempt
 * was, failed if its attempts were, by a dependency if an input was, cancelled
 * if somebody wanted it.  No attempt begins before all inputs of its task have
 * been told, after its task was told, or while another one runs.  No item of a
 * map is reported twice, or run twice unless a worker was lost.  Every cancel
 * is answered once, and the answer is kept to.  Nothing comes from a fenced
 * worker, and nothing is handed out to it.
 */
#include "config.h"

#include "sim/ledger.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_MIN      64u
#define MARK_REPORTED 0x80u
#define HAND_OUTS_MAX 50u /* of one task, and one for each end of any */

hay_status hayi_ledger_init(struct hayi_ledger *ledger,
                            uint32_t worker_max,
                            uint32_t node_count)
{
    *ledger = (struct hayi_ledger){.worker_max = worker_max};
    ledger->lost = calloc(worker_max, sizeof ledger->lost[0]);
    ledger->fenced = calloc(worker_max, sizeof ledger->fenced[0]);
    hay_status status =
        hayi_stores_init(&ledger->stores, worker_max, node_count);
    if (status == HAY_OK) {
        status = hayi_wealth_init(&ledger->wealth, worker_max);
    }
    return ledger->lost != NULL && ledger->fenced != NULL ? status : HAY_ENOMEM;
}

void hayi_ledger_fini(struct hayi_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        free((void *)(uintptr_t)ledger->tasks[i].spec.deps);
        free(ledger->tasks[i].marks);
    }
    free(ledger->tasks);
    free(ledger->lost);
    free(ledger->fenced);
    hayi_stores_fini(&ledger->stores);
    hayi_wealth_fini(&ledger->wealth);
    *ledger = (struct hayi_ledger){.tasks = NULL};
}

void hayi_ledger_fail(struct hayi_ledger *ledger, const char *format, ...)
{
    va_list list;
    if (ledger->err.status == HAY_OK) {
        va_start(list, format);
        (void)hayi_vfail(&ledger->err, HAY_EFARM, format, list);
        va_end(list);
    }
}

hay_status hayi_ledger_add(struct hayi_ledger *ledger,
                           const struct hayi_sim_spec *spec,
                           uint32_t *index)
{
    if (ledger->count == ledger->room) {
        uint32_t room = ledger->room == 0 ? ROOM_MIN : ledger->room * 2;
        struct hayi_ledger_task *tasks =
            realloc(ledger->tasks, room * sizeof tasks[0]);
        if (tasks == NULL) {
            return HAY_ENOMEM;
        }
        ledger->tasks = tasks;
        ledger->room = room;
    }
    struct hayi_ledger_task *task = &ledger->tasks[ledger->count];
    *task = (struct hayi_ledger_task){.spec = *spec};
    struct hayi_sim_dep *deps = calloc(spec->dep_count + 1, sizeof deps[0]);
    task->marks = spec->map ? calloc(spec->items + 1, 1) : NULL;
    if (deps == NULL || (spec->map && task->marks == NULL)) {
        free(deps);
        free(task->marks);
        return HAY_ENOMEM;
    }
    for (size_t i = 0; i < spec->dep_count; i++) {
        deps[i] = spec->deps[i];
        assert(deps[i].task < ledger->count);
        ledger->tasks[deps[i].task].dependents++;
    }
    task->spec.deps = deps;
    *index = ledger->count++;
    return HAY_OK;
}

/* The core's number of what it asks for. */
static uint32_t request_of(const struct hayi_ledger *ledger,
                           const struct hayi_sim_spec *spec)
{
    uint32_t number = spec->needs.request;
    return number == 0 ? 0 : ledger->wealth.requests[number - 1].number;
}

void hayi_ledger_event(const struct hayi_ledger *ledger,
                       uint32_t index,
                       struct hayi_dep *deps,
                       struct hayi_event *event)
{
    const struct hayi_sim_spec *spec = &ledger->tasks[index].spec;

    *event = (struct hayi_event){.kind = HAYI_EVENT_TASK};
    if (spec->map) {
        event->kind = HAYI_EVENT_MAP;
        event->u.map.id = hayi_ledger_payload(index);
        event->u.map.payload = hayi_ledger_payload(index);
        event->u.map.priority = spec->priority;
        event->u.map.category = spec->category;
        event->u.map.count = spec->items;
        event->u.map.range_max =
            spec->range_max == 0 ? UINT64_MAX : spec->range_max;
        event->u.map.unread_max = spec->unread_max;
        event->u.map.stop_on_failure = spec->stop_on_failure;
        event->u.map.request = request_of(ledger, spec);
        return;
    }
    for (size_t i = 0; i < spec->dep_count; i++) {
        const struct hayi_ledger_task *input =
            &ledger->tasks[spec->deps[i].task];
        deps[i] = (struct hayi_dep){.any = spec->deps[i].any};
        deps[i].objects = input->told ? input->has : input->spec.makes > 0;
        if (input->told) {
            deps[i].ended = input->state;
            deps[i].culprit = input->culprit;
        } else {
            deps[i].task = input->handle;
        }
    }
    event->u.task.id = hayi_ledger_payload(index);
    event->u.task.payload = hayi_ledger_payload(index);
    event->u.task.needs = spec->needs;
    event->u.task.needs.request =
        request_of(ledger, spec) & (HAYI_REQUEST_MAX - 1);
    event->u.task.priority = spec->priority;
    event->u.task.retries = spec->retries;
    event->u.task.memory_retries = spec->memory_retries;
    event->u.task.category = spec->category;
    event->u.task.deps = deps;
    event->u.task.dep_count = spec->dep_count;
}

uint32_t hayi_ledger_kid(const struct hayi_ledger *ledger,
                         uint32_t parent,
                         uint32_t attempt,
                         uint32_t ordinal)
{
    uint32_t kid = ledger->tasks[parent].last_kid;
    while (kid != 0
           && (ledger->tasks[kid - 1].parent_attempt != attempt
               || ledger->tasks[kid - 1].ordinal != ordinal)) {
        kid = ledger->tasks[kid - 1].kid_before;
    }
    return kid;
}

bool hayi_ledger_killed(const struct hayi_ledger *ledger, uint32_t index)
{
    while (!ledger->tasks[index].killed && ledger->tasks[index].parent != 0) {
        index = ledger->tasks[index].parent - 1;
    }
    return ledger->tasks[index].killed;
}

static bool any_lost(const struct hayi_ledger *ledger)
{
    return ledger->loss_count > 0;
}

/* ---- the truth ---- */

/* It has ended, and may run again to make its objects again. */
static bool remakes(const struct hayi_ledger_task *task)
{
    return task->told && task->state == HAY_FINISHED && task->spec.makes > 0
           && !task->forgotten;
}

/* The objects of its inputs must be on its node. */
static void
check_objects(struct hayi_ledger *ledger, uint32_t index, uint32_t worker)
{
    const struct hayi_sim_spec *spec = &ledger->tasks[index].spec;
    for (size_t i = 0; i < spec->dep_count; i++) {
        const struct hayi_ledger_task *input =
            &ledger->tasks[spec->deps[i].task];
        for (uint32_t j = 0; input->has && j < input->spec.makes; j++) {
            if (!hayi_stores_has(&ledger->stores, worker, input->made[j])) {
                hayi_ledger_fail(ledger,
                                 "task %u begins on w%u, its input %u is not"
                                 " there",
                                 index,
                                 worker,
                                 spec->deps[i].task);
            }
        }
    }
}

void hayi_ledger_began(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt,
                       uint32_t worker)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    const struct hayi_needs *needs = &task->spec.needs;

    bool again = remakes(task);

    if (ledger->fenced[worker]) {
        return;
    }
    if (task->told && !again) {
        hayi_ledger_fail(ledger, "task %u begins after its end", index);
    }
    ledger->remakes += again ? 1 : 0;
    check_objects(ledger, index, worker);
    for (size_t i = 0; i < task->spec.dep_count; i++) {
        const struct hayi_sim_dep *dep = &task->spec.deps[i];
        const struct hayi_ledger_task *input = &ledger->tasks[dep->task];
        if (!input->told || (!dep->any && input->state != HAY_FINISHED)) {
            hayi_ledger_fail(
                ledger, "task %u begins before its input %u", index, dep->task);
        }
    }
    if (task->spec.map) {
        return;
    }
    if (needs->worker != 0 && needs->worker - 1 != worker) {
        hayi_ledger_fail(ledger, "task %u begins on worker %u", index, worker);
    }
    if (task->running || (task->finished && !again)) {
        hayi_ledger_fail(ledger, "task %u runs twice", index);
    }
    if (task->never_run) {
        hayi_ledger_fail(ledger, "task %u runs, cancelled", index);
    }
    if (attempt <= task->attempt && task->attempt != 0) {
        hayi_ledger_fail(ledger, "task %u: old attempt %u", index, attempt);
    }
    task->finished = task->finished && again;
    task->attempt = attempt;
    task->worker = worker;
    task->running = true;
}

void hayi_ledger_ended(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt,
                       uint32_t worker,
                       uint8_t outcome)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (ledger->fenced[worker]) {
        ledger->ghosts++;
        return;
    }
    task->outcome = outcome;
    ledger->ended_count++;
    if (task->spec.map) {
        return;
    }
    if (!task->running || task->attempt != attempt) {
        hayi_ledger_fail(ledger, "task %u ends, not running", index);
    }
    task->running = false;
    task->finished = task->finished || outcome == HAYI_OUTCOME_FINISHED;
    task->failed_attempts += outcome == HAYI_OUTCOME_FAILED;
    if (outcome == HAYI_OUTCOME_CANCELLED && task->cancels == 0
        && !hayi_ledger_killed(ledger, index)) {
        hayi_ledger_fail(ledger, "task %u is stopped, unasked", index);
    }
    if (task->failed_attempts > task->spec.retries + 1 + ledger->loss_count) {
        hayi_ledger_fail(ledger, "task %u is tried too often", index);
    }
}

void hayi_ledger_items(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t worker,
                       uint64_t first,
                       uint64_t count)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (ledger->fenced[worker]) {
        return;
    }
    for (uint64_t i = first; i < first + count; i++) {
        if (i >= task->spec.items || ((task->marks[i] & MARK_REPORTED) != 0)
            || (task->marks[i] != 0 && !any_lost(ledger))) {
            hayi_ledger_fail(
                ledger, "map %u: item %" PRIu64 " is run twice", index, i);
            return;
        }
        task->marks[i] = 1;
    }
}

void hayi_ledger_lost(struct hayi_ledger *ledger, uint32_t worker)
{
    if (ledger->lost[worker]) {
        return;
    }
    ledger->lost[worker] = true;
    ledger->loss_count++;
    hayi_stores_lose(&ledger->stores, worker);
    for (uint32_t i = 0; i < ledger->count; i++) {
        struct hayi_ledger_task *task = &ledger->tasks[i];
        if (task->running && task->worker == worker) {
            task->running = false;
            task->lost = true;
        }
    }
}

void hayi_ledger_heard(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt)
{
    ledger->tasks[index].heard = attempt;
}

/* From now on nothing comes from it; what has not come yet has not been. */
static void fence(struct hayi_ledger *ledger, uint32_t worker)
{
    hayi_ledger_lost(ledger, worker);
    if (ledger->fenced[worker]) {
        hayi_ledger_fail(ledger, "w%u is lost twice", worker);
    }
    ledger->fenced[worker] = true;
    hayi_stores_fence(&ledger->stores, worker);
    for (uint32_t i = 0; i < ledger->count; i++) {
        struct hayi_ledger_task *task = &ledger->tasks[i];
        if (!task->told && task->worker == worker
            && task->heard != task->attempt) {
            task->finished = false;
        }
    }
}

bool hayi_ledger_idle(const struct hayi_ledger *ledger, uint32_t index)
{
    if (!ledger->tasks[index].has || any_lost(ledger)) {
        return false;
    }
    for (uint32_t i = index + 1; i < ledger->count; i++) {
        const struct hayi_ledger_task *task = &ledger->tasks[i];
        for (size_t d = 0; d < task->spec.dep_count; d++) {
            if (task->spec.deps[d].task == index && task->submitted
                && !task->told) {
                return false;
            }
        }
    }
    return true;
}

/* ---- what is told ---- */

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

/* Is there a worker left that has what the task needs?  Of what is asked for by
 * a request that is not looked at while any was lost. */
static bool met(const struct hayi_ledger *ledger,
                const struct hayi_needs *needs)
{
    for (uint32_t w = 0; w < ledger->worker_max; w++) {
        const struct hayi_sim_purse *has = &ledger->wealth.workers[w].has;
        if (!ledger->fenced[w] && has->cores >= needs->cores
            && (has->memory_bytes == 0
                || has->memory_bytes >= needs->memory_bytes)
            && (needs->worker == 0 || needs->worker - 1 == w)) {
            return needs->request == 0 || !any_lost(ledger);
        }
    }
    return false;
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
               && (task->outcome == HAYI_OUTCOME_FARM || any_lost(ledger)
                   || (task->parent != 0 && task->cause == HAY_CAUSE_DEADLOCK)
                   || ledger->stores.full > 0);
    case HAY_EDEPENDENCY:
        return (task->attempt == 0 && culprit != 0
                && explained_by_input(ledger, task, HAY_FAILED, culprit))
               || explained_by_kid(ledger, task, HAY_FAILED, culprit);
    case HAY_EINFEASIBLE:
        return task->grown > 0 || !met(ledger, &task->spec.needs);
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
                                  : task->finished);
    case HAY_FAILED:
        /* The news that it finished may be lost with its worker. */
        return (!task->finished || task->status == HAY_EDEPENDENCY
                || (task->status == HAY_EFARM && ledger->lost[task->worker]))
               && failed_rightly(ledger, index, task->culprit);
    case HAY_CANCELLED:
        return task->status == HAY_ECANCELLED
               && (!task->finished || ledger->lost[task->worker]
                   || task->spec.wait == HAYI_SIM_WAIT_FOLLOW)
               && (task->cancels > 0 || ledger->cancel_pending || task->unwanted
                   || hayi_ledger_killed(ledger, index)
                   || explained_by_kid(ledger, task, HAY_CANCELLED, 0)
                   || explained_by_input(ledger, task, HAY_CANCELLED, 0));
    default:
        return false;
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
    if (task->running) {
        hayi_ledger_fail(ledger, "task %u ends while it runs", index);
    }
    task->told = true;
    task->state = action->u.tell.state;
    task->status = action->u.tell.status;
    task->cause = action->u.tell.cause;
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
    if (task->state == HAY_FINISHED && !task->spec.map
        && action->u.tell.report != hayi_ledger_report(index, task->attempt)) {
        hayi_ledger_fail(ledger, "task %u is told another's report", index);
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
        if (i >= task->spec.items || (task->marks[i] & MARK_REPORTED) != 0) {
            hayi_ledger_fail(ledger,
                             "map %u: item %" PRIu64 " is reported wrongly",
                             index,
                             i);
            return;
        }
        not_run += task->marks[i] == 0;
        task->marks[i] |= MARK_REPORTED;
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
        if (task->running) {
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
               && task->attempt == 0) {
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
    }
}

static void handed_out(struct hayi_ledger *ledger,
                       const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.hand_out.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || (task->told && !remakes(task))) {
        hayi_ledger_fail(ledger, "task %u: handed out after its end", index);
    } else if (ledger->fenced[action->u.hand_out.worker]) {
        hayi_ledger_fail(ledger, "task %u: handed out to a lost worker", index);
    } else if (!task->spec.map && task->spec.needs.request == 0
               && action->u.hand_out.needs.memory_bytes
                      != task->spec.needs.memory_bytes << task->grown) {
        hayi_ledger_fail(ledger, "task %u: not the memory it needs", index);
    } else if (!task->spec.map
               && ++task->hand_outs > HAND_OUTS_MAX + ledger->ended_count) {
        hayi_ledger_fail(ledger, "task %u goes to and fro", index);
    } else {
        const char *rule = hayi_wealth_hand_out(
            &ledger->wealth, task->spec.needs.request, task->grown, action);
        if (rule != NULL) {
            hayi_ledger_fail(ledger, "task %u: %s", index, rule);
        }
    }
}

static void forgotten(struct hayi_ledger *ledger,
                      const struct hayi_action *action)
{
    uint32_t index = (uint32_t)(action->u.forget.payload - 1);
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (index >= ledger->count || !remakes(task)) {
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
    case HAYI_ACTION_WORKER_LOST:
        fence(ledger, action->u.worker_lost.worker);
        hayi_wealth_lost(&ledger->wealth, action->u.worker_lost.worker);
        break;
    case HAYI_ACTION_FORGET:
        forgotten(ledger, action);
        break;
    case HAYI_ACTION_CLAIM_DENIED:
    case HAYI_ACTION_RECALL:
    case HAYI_ACTION_CANCEL:
    case HAYI_ACTION_INPUTS:
    case HAYI_ACTION_FETCH:
    case HAYI_ACTION_DROP:
    case HAYI_ACTION_WANTED:
        break;
    }
}
