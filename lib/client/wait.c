/* wait.c - waiting for some of many futures.
 *
 * hay_wait() hangs one watch on each future that is not done, all in one
 * counted allocation.  They count down without waking anybody; the one that
 * fulfils the condition wakes.  What is left over is taken out again, so that
 * waiting in a loop with a timeout does not pile up.
 */
#include "config.h"

#include "base/clock.h"
#include "client/executor.h"
#include "client/nested.h"
#include "client/watch.h"

#include <stdlib.h>
#include <string.h>

struct group;

struct entry {
    struct hayi_watch watch;
    struct group *group;
};

struct group {
    hay_executor *ex; /* counted; where the waiter sleeps */
    atomic_uint refs; /* the waiter, and each entry that hangs */
    hay_when when;
    atomic_size_t left; /* entries that have not fired */
    atomic_uint hit;    /* one of them was enough */
    atomic_uint over;   /* nobody waits any more */
    struct entry entries[];
};

static void group_release(struct group *group)
{
    if (atomic_fetch_sub_explicit(&group->refs, 1, memory_order_acq_rel) == 1) {
        hayi_executor_release(group->ex);
        free(group);
    }
}

static bool enough(hay_when when, hay_state state)
{
    return when == HAY_FIRST_COMPLETED
           || (when == HAY_FIRST_FAILURE && state == HAY_FAILED);
}

static bool fire(struct hayi_watch *watch, hay_future *future)
{
    struct group *group = ((struct entry *)watch)->group;
    bool wake = false;
    if (enough(group->when, hay_future_state(future))) {
        wake = atomic_exchange(&group->hit, 1) == 0;
    }
    wake = atomic_fetch_sub(&group->left, 1) == 1 || wake;
    wake = wake && atomic_load(&group->over) == 0;
    if (wake && group->ex != future->ex) {
        hayi_executor_wake(group->ex);
        wake = false;
    }
    group_release(group);
    return wake;
}

static bool dead(const struct hayi_watch *watch)
{
    return atomic_load(&((const struct entry *)watch)->group->over) != 0;
}

static void drop(struct hayi_watch *watch)
{
    group_release(((struct entry *)watch)->group);
}

static const struct hayi_watch_ops ops = {fire, dead, drop};

static bool ready(void *argument)
{
    struct group *group = argument;
    return atomic_load(&group->hit) != 0 || atomic_load(&group->left) == 0;
}

/* Fill done[]; is the condition met? */
static bool look(hay_future *const *futures,
                 size_t count,
                 hay_when when,
                 bool *done,
                 size_t *done_count)
{
    size_t n = 0;
    bool met = false;
    for (size_t i = 0; i < count; i++) {
        hay_state state = hay_future_state(futures[i]);
        bool ended = state >= HAY_FINISHED;
        n += ended;
        met = met || (ended && enough(when, state));
        if (done != NULL) {
            done[i] = ended;
        }
    }
    *done_count = n;
    return met || n == count;
}

static struct group *group_new(hay_executor *ex, size_t count, hay_when when)
{
    if (count > (SIZE_MAX - sizeof(struct group)) / sizeof(struct entry)) {
        return NULL;
    }
    struct group *group = malloc(sizeof(*group) + count * sizeof(struct entry));
    if (group != NULL) {
        hayi_executor_retain(ex);
        group->ex = ex;
        group->when = when;
        atomic_init(&group->refs, (unsigned)count + 1);
        atomic_init(&group->left, count);
        atomic_init(&group->hit, 0);
        atomic_init(&group->over, 0);
    }
    return group;
}

static hay_status wait_group(hay_future *const *futures,
                             size_t count,
                             hay_when when,
                             uint64_t timeout_ns)
{
    struct group *group = group_new(futures[0]->ex, count, when);
    if (group == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_ENOMEM,
                         "out of memory to wait for %zu futures",
                         count);
    }
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &group->entries[i];
        *entry = (struct entry){.watch = {.ops = &ops}, .group = group};
        hayi_watch_add_or_fire(futures[i], &entry->watch);
    }
    hayi_nested_waits_for(group->ex, NULL, true);
    hay_status st =
        hayi_executor_sleep(group->ex, ready, group, timeout_ns, true);
    hayi_nested_waits_for(group->ex, NULL, false);
    atomic_store(&group->over, 1);
    for (size_t i = 0; atomic_load(&group->left) > 0 && i < count; i++) {
        hayi_watch_prune(futures[i]);
    }
    group_release(group);
    return st;
}

static hay_status check(hay_future *const *futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (futures == NULL || futures[i] == NULL) {
            return hayi_fail(
                hayi_thread_error(), HAY_EINVAL, "future %zu is NULL", i);
        }
    }
    if (count >= UINT32_MAX / 2) {
        return hayi_fail(hayi_thread_error(), HAY_EINVAL, "too many futures");
    }
    return HAY_OK;
}

hay_status hay_wait(hay_future *const *futures,
                    size_t count,
                    hay_when when,
                    uint64_t timeout_ns,
                    bool *done,
                    size_t *done_count)
{
    size_t n = 0;
    hay_status st = check(futures, count);
    if (st != HAY_OK) {
        return st;
    }
    if (when != HAY_FIRST_COMPLETED && when != HAY_FIRST_FAILURE
        && when != HAY_ALL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EINVAL,
                         "hay_wait: condition %d is unknown",
                         (int)when);
    }
    if (!look(futures, count, when, done, &n) && timeout_ns > 0) {
        st = wait_group(futures, count, when, timeout_ns);
        if (st != HAY_OK && st != HAY_ETIMEDOUT) {
            return st;
        }
        (void)look(futures, count, when, done, &n);
    } else if (count > 0) {
        hay_dispatch(futures[0]->ex);
    }
    if (done_count != NULL) {
        *done_count = n;
    }
    return HAY_OK;
}

/* ---- as completed
 * ---------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (hay_future *const *)a;
    uintptr_t y = (uintptr_t) * (hay_future *const *)b;
    return (x > y) - (x < y);
}

/* Add each future once, in the order given; the sorted ones without doubles
 * give each its number. */
static hay_status add_once(hay_queue *queue,
                           hay_future *const *futures,
                           size_t count,
                           hay_future **sorted,
                           size_t unique)
{
    bool *added = calloc(unique, sizeof(*added));
    hay_status st = HAY_OK;
    if (added == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_ENOMEM,
                         "out of memory for %zu futures",
                         count);
    }
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        hay_future **at =
            bsearch(&futures[i], sorted, unique, sizeof(*sorted), compare);
        size_t index = (size_t)(at - sorted);
        if (!added[index]) {
            added[index] = true;
            st = hay_queue_add(queue, futures[i]);
        }
    }
    free(added);
    return st;
}

static uint64_t time_left(uint64_t start_ns, uint64_t timeout_ns)
{
    if (timeout_ns == HAY_FOREVER) {
        return HAY_FOREVER;
    }
    uint64_t spent_ns = hayi_clock_ns() - start_ns;
    return spent_ns < timeout_ns ? timeout_ns - spent_ns : 0;
}

/* All that come out of the queue, until 'each' or the time says stop. */
static hay_status walk(hay_queue *queue,
                       size_t unique,
                       uint64_t timeout_ns,
                       hay_status (*each)(hay_future *, void *),
                       void *data)
{
    uint64_t start_ns = hayi_clock_ns();
    hay_status st = HAY_OK;
    while (st == HAY_OK && hay_queue_count(queue) > 0) {
        hay_future *future = NULL;
        st = hay_queue_next(queue, time_left(start_ns, timeout_ns), &future);
        if (st == HAY_ETIMEDOUT) {
            return hayi_fail(hayi_thread_error(),
                             st,
                             "%zu (of %zu) futures are unfinished",
                             hay_queue_count(queue),
                             unique);
        }
        if (st == HAY_OK) {
            st = each(future, data);
            hay_future_release(future);
        }
    }
    return st;
}

hay_status hay_as_completed(hay_future *const *futures,
                            size_t count,
                            uint64_t timeout_ns,
                            hay_status (*each)(hay_future *, void *),
                            void *data)
{
    hay_queue *queue = NULL;
    hay_status st = check(futures, count);
    if (st != HAY_OK || count == 0) {
        return st;
    }
    hay_future **sorted = malloc(count * sizeof(hay_future *));
    if (sorted == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_ENOMEM,
                         "out of memory for %zu futures",
                         count);
    }
    memcpy(sorted, futures, count * sizeof(hay_future *));
    qsort(sorted, count, sizeof(hay_future *), compare);
    size_t unique = 1;
    for (size_t i = 1; i < count; i++) {
        if (sorted[i] != sorted[unique - 1]) {
            sorted[unique++] = sorted[i];
        }
    }
    for (size_t i = 0; i < unique; i++) {
        (void)hay_future_retain(sorted[i]); /* 'each' may release the user's */
    }
    st = hay_queue_new(futures[0]->ex, &queue);
    if (st == HAY_OK) {
        st = add_once(queue, futures, count, sorted, unique);
    }
    if (st == HAY_OK) {
        st = walk(queue, unique, timeout_ns, each, data);
    }
    hay_queue_free(queue);
    for (size_t i = 0; i < unique; i++) {
        hayi_watch_prune(sorted[i]);
        hay_future_release(sorted[i]);
    }
    free(sorted);
    return st;
}
