/* ledger_truth.c - the rules for what truly happens on workers: which attempt
 * may begin, and where; how often items are run; who is lost.
 */
#include "config.h"

#include "sim/ledger_inside.h"

#include <inttypes.h>

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

/* A second attempt may begin beside the first one, elsewhere. */
static bool may_double(const struct hayi_ledger *ledger,
                       const struct hayi_ledger_task *task,
                       uint32_t worker)
{
    return ledger->stragglers && task->doubled && !task->spec.once
           && !task->told && !task->other.running
           && task->last.worker != worker;
}

static void begin_try(struct hayi_ledger *ledger,
                      uint32_t index,
                      uint32_t attempt,
                      uint32_t worker,
                      bool again)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    struct hayi_ledger_try *last = &task->last;

    if (hayi_ledger_running(task) || (hayi_ledger_finished(task) && !again)) {
        if (!may_double(ledger, task, worker)) {
            hayi_ledger_fail(ledger, "task %u runs twice", index);
        }
        task->other = *last;
    } else if (task->spec.once && last->attempt != 0 && !last->heard) {
        hayi_ledger_fail(ledger, "task %u runs again, once", index);
    } else {
        task->other = (struct hayi_ledger_try){.attempt = 0};
    }
    *last = (struct hayi_ledger_try){
        .attempt = attempt, .worker = worker, .running = true};
}

/* It has been told, and was another attempt's: what this one does is nobody's.
 */
static bool is_beaten(const struct hayi_ledger_task *task,
                      hayi_handle handle,
                      uint32_t attempt,
                      uint32_t worker)
{
    return task->told && task->beaten.task != 0 && task->beaten.task == handle
           && task->beaten.attempt == attempt && task->beaten.worker == worker;
}

void hayi_ledger_began(struct hayi_ledger *ledger,
                       uint32_t index,
                       hayi_handle handle,
                       uint32_t attempt,
                       uint32_t worker)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    const struct hayi_needs *needs = &task->spec.needs;

    bool again = hayi_ledger_remakes(task);

    if (ledger->fenced[worker] || is_beaten(task, handle, attempt, worker)) {
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
    if (task->never_run) {
        hayi_ledger_fail(ledger, "task %u runs, cancelled", index);
    }
    if (attempt <= task->last.attempt && task->last.attempt != 0) {
        hayi_ledger_fail(ledger, "task %u: old attempt %u", index, attempt);
    }
    begin_try(ledger, index, attempt, worker, again);
}

void hayi_ledger_ended(struct hayi_ledger *ledger,
                       uint32_t index,
                       hayi_handle handle,
                       uint32_t attempt,
                       uint32_t worker,
                       uint8_t outcome)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];

    if (ledger->fenced[worker]) {
        ledger->ghosts++;
        return;
    }
    if (is_beaten(task, handle, attempt, worker)) {
        ledger->beaten++;
        return;
    }
    task->outcome = outcome;
    ledger->ended_count++;
    if (task->spec.map) {
        return;
    }
    struct hayi_ledger_try *one = hayi_ledger_try(task, attempt);
    if (one == NULL || !one->running) {
        hayi_ledger_fail(ledger, "task %u ends, not running", index);
        return;
    }
    one->running = false;
    one->finished = outcome == HAYI_OUTCOME_FINISHED;
    task->failed_attempts += outcome == HAYI_OUTCOME_FAILED;
    if (outcome == HAYI_OUTCOME_CANCELLED && task->cancels == 0
        && !task->doubled && !hayi_ledger_killed(ledger, index)) {
        hayi_ledger_fail(ledger, "task %u is stopped, unasked", index);
    }
    if (task->failed_attempts
        > task->spec.retries + 1 + ledger->loss_count
              + (task->doubled ? task->spec.retries + 1 : 0)) {
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
        uint8_t mark = i < task->spec.items ? task->marks[i] : 0;
        if (i >= task->spec.items
            || ((mark & HAYI_LEDGER_DOUBLED) == 0
                && ((mark & HAYI_LEDGER_REPORTED) != 0
                    || (mark != 0 && !hayi_ledger_any_lost(ledger))))) {
            hayi_ledger_fail(
                ledger, "map %u: item %" PRIu64 " is run twice", index, i);
            return;
        }
        task->marks[i] |= HAYI_LEDGER_RUN;
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
        struct hayi_ledger_try *both[2] = {&task->last, &task->other};
        for (uint32_t j = 0; j < 2; j++) {
            if (both[j]->running && both[j]->worker == worker) {
                both[j]->running = false;
                task->lost = true;
            }
        }
    }
}

void hayi_ledger_heard(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt)
{
    struct hayi_ledger_try *one =
        hayi_ledger_try(&ledger->tasks[index], attempt);
    if (one != NULL) {
        one->heard = true;
    }
}

void hayi_ledger_back(struct hayi_ledger *ledger,
                      uint32_t index,
                      const struct hayi_ledger_out *out)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    for (uint32_t i = 0; i < task->out_count; i++) {
        if (task->outs[i].task == out->task
            && task->outs[i].attempt == out->attempt
            && task->outs[i].worker == out->worker) {
            task->outs[i] = task->outs[--task->out_count];
            return;
        }
    }
}

/* Of one that leaves it counts where no further attempt is made. */
static void
outs_lost(struct hayi_ledger_task *task, uint32_t worker, bool leaves)
{
    bool counts = !leaves || task->told || task->spec.once;
    for (uint32_t i = task->out_count; i > 0; i--) {
        if (task->outs[i - 1].worker == worker) {
            task->losses += counts ? 1 : 0;
            task->outs[i - 1] = task->outs[--task->out_count];
        }
    }
}

void hayi_ledger_fence(struct hayi_ledger *ledger, uint32_t worker)
{
    hayi_ledger_lost(ledger, worker);
    if (ledger->fenced[worker]) {
        hayi_ledger_fail(ledger, "w%u is lost twice", worker);
    }
    ledger->fenced[worker] = true;
    hayi_stores_fence(&ledger->stores, worker);
    for (uint32_t i = 0; i < ledger->count; i++) {
        struct hayi_ledger_task *task = &ledger->tasks[i];
        struct hayi_ledger_try *both[2] = {&task->last, &task->other};
        outs_lost(task, worker, ledger->leaving[worker]);
        for (uint32_t j = 0; j < 2; j++) {
            if (!task->told && both[j]->worker == worker && !both[j]->heard) {
                both[j]->finished = false;
            }
        }
    }
}
