/* worker_wait.c - attempts that wait for something: their threads leave the
 * slots, and have the turn of one when worker_state gives them cores again. */
#include "config.h"

#include "worker/worker_inside.h"

#include "client/future.h"

static void
step(struct hayi_worker *worker, enum hayi_wevent_kind kind, struct hay_task *t)
{
    const struct hayi_wevent event = {
        .kind = kind,
        .u.suspended = {.task = t->record.task, .attempt = t->record.attempt},
    };
    hayi_worker_step(worker, &event);
}

/* The task that it waits for; its thread holds the future as long as it waits,
 * which it does until it is told to go on. */
static hayi_handle waits_for(const struct hayi_worker *worker,
                             const struct hay_task *task)
{
    bool known = task->waits_for != NULL && worker->config.shared_memory;
    return known ? task->waits_for->task : 0;
}

static void on_suspended(struct hayi_worker *worker, struct hay_task *task)
{
    if (!task->started_told) {
        hayi_worker_report_attempt(worker, HAYI_RECORD_STARTED, task);
        task->started_told = true;
    }
    hayi_worker_flush_client(worker, task);
    const struct hayi_suspended_record record = {
        .task = task->record.task,
        .attempt = task->record.attempt,
        .waits_for = waits_for(worker, task),
        .waits_for_id = worker->remote != NULL && task->waits_for != NULL
                            ? task->waits_for->id
                            : 0,
        .several = task->waits_several || task->waits_for != NULL,
    };
    hayi_worker_tell(worker, HAYI_RECORD_SUSPENDED, &record, sizeof(record));
    worker->waiting++;
    step(worker, HAYI_WEVENT_SUSPENDED, task);
    /* Its slot has nobody now. */
    hayi_worker_wake_slot(worker, &worker->slots[task->core]);
}

/* It goes on, on cores of its own. */
static void goes_on(struct hayi_worker *worker, struct hay_task *task)
{
    hayi_worker_report_attempt(worker, HAYI_RECORD_RESUMED, task);
    worker->waiting--;
    task->hand = NULL;
}

void hayi_worker_on_wait(struct hayi_worker *worker,
                         const struct hayi_news *news)
{
    struct hay_task *task = news->task;
    switch ((enum hayi_news_kind)news->kind) {
    case HAYI_NEWS_SUSPENDED:
        task->hand = news->hand;
        on_suspended(worker, task);
        break;
    case HAYI_NEWS_WAKE:
        step(worker, HAYI_WEVENT_WAKE, task);
        break;
    case HAYI_NEWS_RESUMED:
        if (task->hand != NULL) { /* else it was told when it was decided */
            goes_on(worker, task);
            step(worker, HAYI_WEVENT_RESUMED, task);
        }
        break;
    case HAYI_NEWS_ENDED:
        break;
    }
}

void hayi_worker_resume(struct hayi_worker *worker,
                        const struct hayi_waction *action)
{
    struct hay_task *task = action->cookie;
    struct hayi_hand *hand = task->hand;
    hayi_worker_lease(worker, action);
    if (!action->backlog) {
        goes_on(worker, task);
    }
    hayi_slot_give_turn(&worker->slots[task->core], hand);
}

/* There is no thread for what the slot has been given, nor will there be: all
 * wait. */
static void give_up(struct hayi_worker *worker,
                    struct hayi_slot_thread *slot,
                    const struct hayi_error *why)
{
    struct hay_task *after = NULL;
    for (struct hay_task *t = worker->listed; t != NULL; t = after) {
        after = t->after;
        if (&worker->slots[t->core] == slot && hayi_slot_revoke(slot, t)) {
            t->error = *why;
            hayi_worker_finish_unstarted(worker, t);
        }
    }
}

void hayi_worker_wake_slot(struct hayi_worker *worker,
                           struct hayi_slot_thread *slot)
{
    struct hayi_error err;
    if (hayi_slot_wake(slot, &err) != HAY_OK
        && worker->hands.count <= worker->waiting) {
        give_up(worker, slot, &err);
    }
}
