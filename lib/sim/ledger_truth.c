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

void hayi_ledger_began(struct hayi_ledger *ledger,
                       uint32_t index,
                       uint32_t attempt,
                       uint32_t worker)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    const struct hayi_needs *needs = &task->spec.needs;

    bool again = hayi_ledger_remakes(task);

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
        if (i >= task->spec.items
            || ((task->marks[i] & HAYI_LEDGER_REPORTED) != 0)
            || (task->marks[i] != 0 && !hayi_ledger_any_lost(ledger))) {
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
        if (!task->told && task->worker == worker
            && task->heard != task->attempt) {
            task->finished = false;
        }
    }
}
