/* nested.c - see nested.h.
 *
 * A task that waits hangs its condition into a list of the executor.  Whoever
 * changes something looks through that list and wakes the threads whose
 * condition holds, one by one: hundreds may wait, and each wake-up costs a turn
 * of a core.  The order of looks is as in executor.c: the waiter is in the list
 * and says that it waits, then looks once more; who changes something publishes
 * it, then looks whether anybody waits.
 */
#include "config.h"

#include "client/nested.h"

#include "base/clock.h"
#include "base/philox.h"
#include "client/callback.h"
#include "client/executor.h"
#include "worker/hand.h"

struct hayi_waiter {
    struct hayi_waiter *next, *before;
    struct hayi_hand *hand;
    bool (*ready)(void *);
    void *argument;
    bool callbacks; /* it runs them, too */
};

static const struct hayi_nested_child *in_child;

void hayi_nested_set_child(const struct hayi_nested_child *child)
{
    in_child = child;
}

bool hayi_nested_look(void)
{
    bool looks = in_child != NULL && hayi_task_current() != NULL;
    if (looks) {
        in_child->look();
    }
    return looks;
}

struct hay_task *hayi_nested_task(const hay_executor *ex)
{
    struct hay_task *task = hayi_task_current();
    return task != NULL && task->farm->executor == ex ? task : NULL;
}

bool hayi_nested_may_wait(void)
{
    return hayi_task_current() != NULL
           && (hayi_hand_current() != NULL || in_child != NULL);
}

bool hayi_nested_in_child(void)
{
    return in_child != NULL;
}

bool hayi_nested_cannot_wait_here(void)
{
    return in_child != NULL && !hayi_nested_may_wait();
}

hay_status hayi_nested_cannot_wait(void)
{
    return hayi_fail(hayi_thread_error(),
                     HAY_EUNSUPPORTED,
                     "in a process slot only the thread that runs the task may "
                     "wait for others");
}

/* ---- waiting ------------------------------------------------------------- */

static void hang(hay_executor *ex, struct hayi_waiter *waiter)
{
    struct hayi_waiters *waiters = &ex->waiters;
    (void)pthread_mutex_lock(&waiters->mutex);
    waiter->next = waiters->first;
    if (waiters->first != NULL) {
        waiters->first->before = waiter;
    }
    waiters->first = waiter;
    (void)atomic_fetch_add(&waiters->count, 1);
    (void)pthread_mutex_unlock(&waiters->mutex);
}

static void take_off(hay_executor *ex, struct hayi_waiter *waiter)
{
    struct hayi_waiters *waiters = &ex->waiters;
    (void)pthread_mutex_lock(&waiters->mutex);
    if (waiter->before != NULL) {
        waiter->before->next = waiter->next;
    } else {
        waiters->first = waiter->next;
    }
    if (waiter->next != NULL) {
        waiter->next->before = waiter->before;
    }
    (void)atomic_fetch_sub(&waiters->count, 1);
    (void)pthread_mutex_unlock(&waiters->mutex);
}

static bool due(hay_executor *ex, const struct hayi_waiter *waiter)
{
    return waiter->ready(waiter->argument)
           || (waiter->callbacks && hayi_callback_waiting(ex));
}

void hayi_nested_wake(hay_executor *ex)
{
    if (atomic_load(&ex->waiters.count) == 0) {
        return;
    }
    (void)pthread_mutex_lock(&ex->waiters.mutex);
    for (struct hayi_waiter *w = ex->waiters.first; w != NULL; w = w->next) {
        if (atomic_load(&w->hand->waits) == HAYI_HAND_WAITS && due(ex, w)) {
            hayi_hand_wake(w->hand);
        }
    }
    (void)pthread_mutex_unlock(&ex->waiters.mutex);
}

/* A child in its place takes as long as it likes. */
static bool may_claim(uint64_t deadline_ns)
{
    const struct hay_task *task = hayi_task_current();
    return deadline_ns == UINT64_MAX
           && (task->waits_several || task->waits_for != NULL);
}

static hay_status sleep_in_list(hay_executor *ex,
                                const struct hayi_waiter *waiter,
                                uint64_t deadline_ns)
{
    for (;;) {
        if (waiter->callbacks) {
            (void)hayi_callback_run(ex);
        }
        if (waiter->ready(waiter->argument)) {
            return HAY_OK;
        }
        if (hayi_clock_left(deadline_ns) == 0) {
            return HAY_ETIMEDOUT;
        }
        if (may_claim(deadline_ns) && hayi_hand_run_child(waiter->hand)) {
            continue;
        }
        bool waits = hayi_hand_wait_begin(waiter->hand);
        if (waits && due(ex, waiter)) {
            hayi_hand_wake(waiter->hand);
        }
        if (!waits || !hayi_hand_wait_end(waiter->hand, deadline_ns)) {
            return hayi_fail(hayi_thread_error(),
                             HAY_ECLOSED,
                             "the farm ends while the task waits");
        }
    }
}

hay_status hayi_nested_sleep(hay_executor *ex,
                             bool (*ready)(void *),
                             void *argument,
                             uint64_t deadline_ns,
                             bool callbacks)
{
    if (hayi_hand_current() == NULL) {
        return in_child->sleep(ex, ready, argument, deadline_ns, callbacks);
    }
    struct hayi_waiter waiter = {
        .hand = hayi_hand_current(),
        .ready = ready,
        .argument = argument,
        .callbacks = callbacks && !hayi_callback_inside(),
    };
    hang(ex, &waiter);
    hay_status st = sleep_in_list(ex, &waiter, deadline_ns);
    take_off(ex, &waiter);
    return st;
}

void hayi_nested_waits_for(const hay_executor *ex,
                           const hay_future *future,
                           bool several)
{
    struct hay_task *task = hayi_nested_task(ex);
    if (task != NULL) {
        task->waits_for = future;
        task->waits_several = several;
    }
}

/* ---- children ------------------------------------------------------------ */

/* Of the task, or of the item that it works on: the same however a map was cut
 * into ranges. */
static uint64_t own_key(struct hay_task *task)
{
    uint64_t key = task->record.stream_key;
    if (task->at != NULL) {
        uint64_t item = task->at->first + task->at->index;
        if (item != task->child_item) {
            task->child_item = item;
            task->children = 0;
        }
        key = hayi_mix64(key + item);
    }
    return key;
}

void hayi_nested_adopt(struct hay_task *task, struct hayi_spec *spec)
{
    spec->parent = task->record.task;
    uint64_t key = own_key(task);
    uint64_t ordinal = task->children++;
    if (spec->name_size == 0) {
        spec->stream_key =
            hayi_mix64(hayi_mix64(UINT64_C(0x6368696c64) + key) + ordinal);
    }
}
