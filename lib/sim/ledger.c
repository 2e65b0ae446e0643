/* ledger.c - the tasks of the ledger, and the events that submit them.
 *
 * The rules stand in ledger_truth.c (what may happen on workers) and
 * ledger_told.c (what the farm may say of it).
 *
 * Each task is told exactly once, and as it truly went: finished if an attempt
 * was, failed if its attempts were, by a dependency if an input was, cancelled
 * if somebody wanted it.  No attempt begins before all inputs of its task have
 * been told, in its pause, or after its task was told; nor while another one
 * runs, unless it is a straggler's second one, on another worker.  A task that
 * is 'once' does not begin again after an end that was not heard.  No item of a
 * map is reported twice, or run twice unless a worker was lost or it has
 * straggled.  Every cancel is answered once, and the answer is kept to. Nothing
 * comes from a fenced worker, and nothing is handed out to it.  No task fails
 * for an object that is on some node.
 */
#include "config.h"

#include "sim/ledger_inside.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM_MIN 64u

hay_status hayi_ledger_init(struct hayi_ledger *ledger,
                            uint32_t worker_max,
                            uint32_t node_count)
{
    *ledger = (struct hayi_ledger){.worker_max = worker_max};
    ledger->lost = calloc(worker_max, sizeof ledger->lost[0]);
    ledger->fenced = calloc(worker_max, sizeof ledger->fenced[0]);
    ledger->leaving = calloc(worker_max, sizeof ledger->leaving[0]);
    hay_status status =
        hayi_stores_init(&ledger->stores, worker_max, node_count);
    if (status == HAY_OK) {
        status = hayi_wealth_init(&ledger->wealth, worker_max);
    }
    return ledger->lost != NULL && ledger->fenced != NULL
                   && ledger->leaving != NULL
               ? status
               : HAY_ENOMEM;
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
    free(ledger->leaving);
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
    event->u.task.once = spec->once;
    event->u.task.pause_ms = spec->pause_ms;
    event->u.task.deps = deps;
    event->u.task.dep_count = spec->dep_count;
}

void hayi_ledger_put(struct hayi_ledger *ledger,
                     uint32_t index,
                     hayi_object object)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    task->submitted = true;
    task->told = true;
    task->state = HAY_FINISHED;
    task->made[0] = object;
    task->has = true;
    ledger->told_count++;
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

bool hayi_ledger_idle(const struct hayi_ledger *ledger, uint32_t index)
{
    if (!ledger->tasks[index].has) {
        return false;
    }
    for (uint32_t i = index + 1; i < ledger->count; i++) {
        const struct hayi_ledger_task *task = &ledger->tasks[i];
        for (size_t d = 0; d < task->spec.dep_count; d++) {
            if (task->spec.deps[d].task == index && task->out_count > 0) {
                return false;
            }
        }
    }
    return true;
}
