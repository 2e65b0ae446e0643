/* fakes.c - see fakes.h: a binary heap. */
#include "config.h"

#include "worker/fakes.h"

#include <stdlib.h>

void hayi_fakes_init(struct hayi_fakes *fakes)
{
    *fakes = (struct hayi_fakes){NULL, 0, 0};
}

void hayi_fakes_fini(struct hayi_fakes *fakes)
{
    free(fakes->heap);
    hayi_fakes_init(fakes);
}

static void swap(struct hayi_fakes *fakes, size_t a, size_t b)
{
    struct hay_task *task = fakes->heap[a];
    fakes->heap[a] = fakes->heap[b];
    fakes->heap[b] = task;
}

static void rise(struct hayi_fakes *fakes, size_t i)
{
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (fakes->heap[parent]->end_ns <= fakes->heap[i]->end_ns) {
            return;
        }
        swap(fakes, i, parent);
        i = parent;
    }
}

static void sink(struct hayi_fakes *fakes, size_t i)
{
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1;
             child <= 2 * i + 2 && child < fakes->count;
             child++) {
            if (fakes->heap[child]->end_ns < fakes->heap[least]->end_ns) {
                least = child;
            }
        }
        if (least == i) {
            return;
        }
        swap(fakes, i, least);
        i = least;
    }
}

hay_status
hayi_fakes_start(struct hayi_fakes *fakes, struct hay_task *task, uint64_t now)
{
    if (fakes->count == fakes->room) {
        size_t room = fakes->room == 0 ? 16 : fakes->room * 2;
        void *heap = realloc(fakes->heap, room * sizeof(struct hay_task *));
        if (heap == NULL) {
            return HAY_ENOMEM;
        }
        fakes->heap = heap;
        fakes->room = room;
    }
    const struct hayi_task_record *record = &task->record;
    uint64_t run_ns = record->index;
    task->exit_code = record->fake_exit;
    task->outcome =
        record->fake_exit == 0 ? HAYI_OUTCOME_FINISHED : HAYI_OUTCOME_FAILED;
    if (record->fake_exit != 0) {
        (void)hayi_fail(
            &task->error, HAY_ETASK, "exit status %d", record->fake_exit);
    }
    if (record->time_limit_ns != 0 && run_ns > record->time_limit_ns) {
        run_ns = record->time_limit_ns;
        task->outcome = HAYI_OUTCOME_FARM;
        task->cause = HAY_CAUSE_TIME_LIMIT;
        (void)hayi_fail(&task->error,
                        HAY_EFARM,
                        "time limit of %g s",
                        (double)record->time_limit_ns * 1e-9);
    }
    task->start_ns = now;
    task->end_ns = run_ns > UINT64_MAX - now ? UINT64_MAX : now + run_ns;
    fakes->heap[fakes->count] = task;
    fakes->count++;
    rise(fakes, fakes->count - 1);
    return HAY_OK;
}

static struct hay_task *take(struct hayi_fakes *fakes, size_t i)
{
    struct hay_task *task = fakes->heap[i];
    fakes->count--;
    if (i < fakes->count) {
        fakes->heap[i] = fakes->heap[fakes->count];
        rise(fakes, i);
        sink(fakes, i);
    }
    return task;
}

struct hay_task *hayi_fakes_due(struct hayi_fakes *fakes, uint64_t now_ns)
{
    if (fakes->count == 0 || fakes->heap[0]->end_ns > now_ns) {
        return NULL;
    }
    return take(fakes, 0);
}

void hayi_fakes_cancel(struct hayi_fakes *fakes,
                       struct hay_task *task,
                       uint64_t now_ns)
{
    for (size_t i = 0; i < fakes->count; i++) {
        if (fakes->heap[i] == task) {
            (void)take(fakes, i);
            task->end_ns = now_ns;
            task->exit_code = 0;
            task->outcome = HAYI_OUTCOME_CANCELLED;
            (void)hayi_fail(&task->error, HAY_ECANCELLED, "cancelled");
            fakes->heap[fakes->count] = task;
            fakes->count++;
            rise(fakes, fakes->count - 1);
            return;
        }
    }
}

uint64_t hayi_fakes_next_ns(const struct hayi_fakes *fakes)
{
    return fakes->count == 0 ? UINT64_MAX : fakes->heap[0]->end_ns;
}
