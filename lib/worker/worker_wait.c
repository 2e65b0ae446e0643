/* worker_wait.c - attempts that wait for something: their threads leave the
 * slots, and have the turn of one when worker_state gives them cores again.
 *
 * One that waits may run a child in its place ('outer' of the child).  Then it
 * is the outermost one that worker_state knows, and that has the cores; the
 * manager is told of the innermost one, which is the one that waits.
 */
#include "config.h"

#include "worker/worker_inside.h"

#include "client/future.h"

/* Whose cores it has. */
static struct hay_task *outermost(struct hay_task *task)
{
    while (task->outer != NULL) {
        task = task->outer;
    }
    return task;
}

static void
step(struct hayi_worker *worker, enum hayi_wevent_kind kind, struct hay_task *t)
{
    t = outermost(t);
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

static void tell_wait(struct hayi_worker *worker,
                      uint16_t type,
                      const struct hay_task *task)
{
    hayi_worker_flush_client(worker, task);
    uint64_t id = task->waits_for_id;
    if (worker->remote != NULL && task->waits_for != NULL) {
        id = task->waits_for->id;
    }
    const struct hayi_suspended_record record = {
        .task = task->record.task,
        .attempt = task->record.attempt,
        .waits_for = waits_for(worker, task),
        .waits_for_id = id,
        .several = task->waits_several || id != 0 || task->waits_for != NULL,
    };
    hayi_worker_tell(worker, type, &record, sizeof(record));
}

static void tell_started(struct hayi_worker *worker, struct hay_task *task)
{
    if (!task->started_told) {
        hayi_worker_report_attempt(worker, HAYI_RECORD_STARTED, task);
        task->started_told = true;
    }
}

static void on_suspended(struct hayi_worker *worker,
                         struct hayi_hand *hand,
                         struct hay_task *task)
{
    struct hay_task *holder = outermost(task);
    tell_started(worker, task);
    tell_wait(worker, HAYI_RECORD_SUSPENDED, task);
    holder->hand = hand;
    worker->waiting++;
    step(worker, HAYI_WEVENT_SUSPENDED, task);
    /* Its slot has nobody now, and what it waits for, which goes before all
     * else there, may still be on its way through the inbox. */
    if (worker->slots[holder->core].left == 0) {
        worker->left_count++;
    }
    worker->slots[holder->core].left = 2;
}

void hayi_worker_fill_seats(struct hayi_worker *worker)
{
    for (size_t i = 0; worker->left_count > 0 && i < worker->core_count; i++) {
        struct hayi_slot_thread *slot = &worker->slots[i];
        if (slot->left > 0 && --slot->left == 0) {
            worker->left_count--;
            hayi_worker_wake_slot(worker, slot);
        }
    }
}

/* It goes on, on cores of its own. */
static void goes_on(struct hayi_worker *worker, struct hay_task *task)
{
    hayi_worker_report_attempt(worker, HAYI_RECORD_RESUMED, task);
    worker->waiting--;
    outermost(task)->hand = NULL;
}

/* The same of one in a process slot. */
static void on_process(struct hayi_worker *worker,
                       enum hayi_news_kind kind,
                       struct hay_task *task)
{
    switch (kind) {
    case HAYI_NEWS_SUSPENDED:
        tell_started(worker, task);
        tell_wait(worker, HAYI_RECORD_SUSPENDED, task);
        step(worker, HAYI_WEVENT_SUSPENDED, task);
        hayi_worker_park_process(worker, task);
        break;
    case HAYI_NEWS_WAKE:
        step(worker, HAYI_WEVENT_WAKE, task);
        break;
    case HAYI_NEWS_RESUMED:
        hayi_worker_report_attempt(worker, HAYI_RECORD_RESUMED, task);
        step(worker, HAYI_WEVENT_RESUMED, task);
        break;
    case HAYI_NEWS_CLAIM:
    case HAYI_NEWS_ENDED:
        break;
    }
}

void hayi_worker_on_wait(struct hayi_worker *worker,
                         const struct hayi_news *news)
{
    struct hay_task *task = news->task;
    if (news->hand == NULL) {
        on_process(worker, (enum hayi_news_kind)news->kind, task);
        return;
    }
    switch ((enum hayi_news_kind)news->kind) {
    case HAYI_NEWS_SUSPENDED:
        on_suspended(worker, news->hand, task);
        break;
    case HAYI_NEWS_WAKE:
        step(worker, HAYI_WEVENT_WAKE, task);
        break;
    case HAYI_NEWS_RESUMED:
        goes_on(worker, task);
        step(worker, HAYI_WEVENT_RESUMED, task);
        break;
    case HAYI_NEWS_CLAIM:
        tell_started(worker, task);
        tell_wait(worker, HAYI_RECORD_CLAIM, task);
        task->claimer = news->hand;
        task->next_claim = worker->claiming;
        worker->claiming = task;
        break;
    case HAYI_NEWS_ENDED:
        break;
    }
}

/* It has the cores of the one that it runs in place of. */
static void lease_as(struct hay_task *task, const struct hay_task *outer)
{
    task->core = outer->core;
    task->core_count = task->record.cores;
    task->cpus = outer->cpus;
    task->cpu_count = outer->cpu_count;
}

void hayi_worker_resume(struct hayi_worker *worker,
                        const struct hayi_waction *action)
{
    struct hay_task *holder = action->cookie;
    struct hayi_hand *hand = holder->hand;
    hayi_worker_lease(worker, action);
    if (holder->process != NULL) {
        hayi_worker_seat_process(worker, holder);
        return;
    }
    for (struct hay_task *t = hand->task; t != holder; t = t->outer) {
        lease_as(t, holder);
    }
    hayi_slot_give_turn(&worker->slots[holder->core], hand);
}

/* ---- children in place of waiting ---------------------------------------- */

static bool
is(const struct hay_task *task, hayi_handle handle, uint32_t attempt)
{
    return task->record.task == handle
           && (attempt == 0 || task->record.attempt == attempt);
}

/* The one that claims, which claims no more; NULL: it does not.  attempt 0:
 * any. */
static struct hay_task *
take_claim(struct hayi_worker *worker, hayi_handle task, uint32_t attempt)
{
    struct hay_task **at = &worker->claiming;
    while (*at != NULL && !is(*at, task, attempt)) {
        at = &(*at)->next_claim;
    }
    struct hay_task *found = *at;
    if (found != NULL) {
        *at = found->next_claim;
    }
    return found;
}

static void answer(struct hay_task *parent, struct hay_task *child)
{
    struct hayi_hand *hand = parent->claimer;
    parent->claimer = NULL;
    hayi_hand_claimed(hand, child);
}

void hayi_worker_on_inline(struct hayi_worker *worker, struct hay_task *child)
{
    struct hay_task *parent = take_claim(worker, child->record.inline_of, 0);
    bool can = child->is_range
               || (child->record.kind == HAYI_TASK_FUNCTION
                   && (child->record.flags & HAYI_TASK_PROCESS) == 0);
    if (parent == NULL || !can || worker->stopping) {
        hayi_worker_report_attempt(worker, HAYI_RECORD_RETURNED, child);
        hayi_worker_drop(worker, child);
        if (parent != NULL) {
            answer(parent, NULL);
        }
        return;
    }
    child->outer = parent;
    lease_as(child, outermost(parent));
    child->next_inline = worker->inlined;
    worker->inlined = child;
    tell_started(worker, child);
    answer(parent, child);
}

bool hayi_worker_cancel_inline(struct hayi_worker *worker,
                               const struct hayi_cancel_record *cancel)
{
    struct hay_task *t = worker->inlined;
    while (t != NULL && !is(t, cancel->task, cancel->attempt)) {
        t = t->next_inline;
    }
    if (t != NULL && cancel->unstarted_only == 0) {
        atomic_store(&t->cancelled, 1);
    }
    return t != NULL;
}

void hayi_worker_inline_ended(struct hayi_worker *worker,
                              struct hay_task *child)
{
    struct hay_task **at = &worker->inlined;
    while (*at != child) {
        at = &(*at)->next_inline;
    }
    *at = child->next_inline;
}

void hayi_worker_on_claim_denied(struct hayi_worker *worker,
                                 const struct hayi_attempt_record *record)
{
    struct hay_task *parent = take_claim(worker, record->task, record->attempt);
    if (parent != NULL) {
        answer(parent, NULL);
    }
}

/* ---- slots without a thread ---------------------------------------------- */

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
