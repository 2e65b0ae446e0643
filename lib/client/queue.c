/* queue.c - see queue.h.
 *
 * 'ready' counts what can be taken, times two, and in its lowest bit whether a
 * descriptor was asked for.  The descriptor is an eventfd that counts as a
 * semaphore: who raises 'ready' from none writes one, who lowers it to none
 * reads one (and waits the moment until the writer has written), so that it is
 * readable exactly while there is something.  Nothing is written or read where
 * nobody asked.
 *
 * The queue itself is counted: once by its user, once by each entry that hangs
 * on a future that has not ended.
 */
#include "config.h"

#include "client/queue.h"

#include "client/executor.h"
#include "client/nested.h"
#include "client/watch.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct hayi_queue_entry {
    struct hayi_watch watch;
    struct hayi_mpsc_node node;
    hay_queue *queue;
    hay_future *future;
};

struct hay_queue {
    hay_executor *ex; /* counted */
    atomic_uint refs;
    atomic_uint dead;    /* freed by its user */
    atomic_size_t count; /* in it, done or not */
    atomic_size_t ready; /* 2 * done + (descriptor in use) */
    atomic_uint sleepers;
    atomic_int fd;
    struct hayi_mpsc done;
    pthread_mutex_t mutex; /* of the one who takes */
};

enum { HAS_FD = 1, ONE = 2 };

/* ---- descriptor
 * -------------------------------------------------------------- */

static void fd_up(hay_queue *queue)
{
    const uint64_t one = 1;
    ssize_t n = write(atomic_load(&queue->fd), &one, sizeof(one));
    (void)n; /* cannot fail: the count stays small */
}

static void fd_down(hay_queue *queue)
{
    uint64_t one;
    ssize_t n;
    do {
        n = read(atomic_load(&queue->fd), &one, sizeof(one));
    } while (n < 0 && errno == EINTR);
}

hay_status hay_queue_fd(hay_queue *queue, int *fd)
{
    hay_status st = HAY_OK;
    (void)pthread_mutex_lock(&queue->mutex);
    if ((atomic_load(&queue->ready) & HAS_FD) == 0) {
        int fresh = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
        if (fresh < 0) {
            st = hayi_fail(
                hayi_thread_error(), HAY_EIO, "eventfd: %s", strerror(errno));
        } else {
            atomic_store(&queue->fd, fresh);
            if (atomic_fetch_or(&queue->ready, HAS_FD) >= ONE) {
                fd_up(queue);
            }
        }
    }
    if (st == HAY_OK) {
        *fd = atomic_load(&queue->fd);
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    return st;
}

/* ---- entries
 * ------------------------------------------------------------------ */

static void drain(hay_queue *queue)
{
    struct hayi_mpsc_node *node;
    while ((node = hayi_mpsc_pop(&queue->done)) != NULL) {
        struct hayi_queue_entry *entry =
            (struct hayi_queue_entry *)(void *)((char *)node
                                                - offsetof(
                                                    struct hayi_queue_entry,
                                                    node));
        hay_future_release(entry->future);
        free(entry);
    }
}

static void release(hay_queue *queue)
{
    if (atomic_fetch_sub_explicit(&queue->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    drain(queue);
    if (atomic_load(&queue->fd) >= 0) {
        (void)close(atomic_load(&queue->fd));
    }
    (void)pthread_mutex_destroy(&queue->mutex);
    hayi_executor_release(queue->ex);
    free(queue);
}

static bool fire(struct hayi_watch *watch, hay_future *future)
{
    struct hayi_queue_entry *entry = (struct hayi_queue_entry *)watch;
    hay_queue *queue = entry->queue;
    bool wake = false;
    if (atomic_load(&queue->dead) != 0) {
        hay_future_release(entry->future);
        free(entry);
    } else {
        hayi_mpsc_push(&queue->done, &entry->node);
        if (atomic_fetch_add(&queue->ready, ONE) == HAS_FD) {
            fd_up(queue);
        }
        wake = atomic_load(&queue->sleepers) > 0;
        if (wake && queue->ex != future->ex) {
            hayi_executor_wake(queue->ex);
            wake = false;
        }
    }
    release(queue);
    return wake;
}

static bool dead(const struct hayi_watch *watch)
{
    const struct hayi_queue_entry *entry =
        (const struct hayi_queue_entry *)watch;
    return atomic_load(&entry->queue->dead) != 0;
}

static void drop(struct hayi_watch *watch)
{
    struct hayi_queue_entry *entry = (struct hayi_queue_entry *)watch;
    hay_future_release(entry->future);
    release(entry->queue);
    free(entry);
}

static const struct hayi_watch_ops ops = {fire, dead, drop};

struct hayi_queue_entry *hayi_queue_entry_new(hay_queue *queue)
{
    struct hayi_queue_entry *entry = malloc(sizeof(*entry));
    if (entry != NULL) {
        *entry = (struct hayi_queue_entry){
            .watch = {.ops = &ops},
            .queue = queue,
        };
    }
    return entry;
}

void hayi_queue_entry_free(struct hayi_queue_entry *entry)
{
    free(entry);
}

void hayi_queue_entry_add(struct hayi_queue_entry *entry, hay_future *future)
{
    hay_queue *queue = entry->queue;
    entry->future = hay_future_retain(future);
    (void)atomic_fetch_add_explicit(&queue->refs, 1, memory_order_relaxed);
    (void)atomic_fetch_add(&queue->count, 1);
    hayi_watch_add_or_fire(future, &entry->watch);
}

/* ---- the public calls
 * ------------------------------------------------------------ */

hay_status hay_queue_new(hay_executor *ex, hay_queue **queue)
{
    hay_queue *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        return hayi_fail(
            hayi_thread_error(), HAY_ENOMEM, "out of memory for a queue");
    }
    hayi_executor_retain(ex);
    fresh->ex = ex;
    atomic_init(&fresh->refs, 1);
    atomic_init(&fresh->fd, -1);
    hayi_mpsc_init(&fresh->done);
    (void)pthread_mutex_init(&fresh->mutex, NULL);
    *queue = fresh;
    return HAY_OK;
}

void hay_queue_free(hay_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    atomic_store(&queue->dead, 1);
    (void)pthread_mutex_lock(&queue->mutex);
    drain(queue);
    (void)pthread_mutex_unlock(&queue->mutex);
    release(queue);
}

hay_status hay_queue_add(hay_queue *queue, hay_future *future)
{
    if (queue == NULL || future == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EINVAL,
                         "hay_queue_add: the queue or the future is NULL");
    }
    struct hayi_queue_entry *entry = hayi_queue_entry_new(queue);
    if (entry == NULL) {
        return hayi_fail(
            hayi_thread_error(), HAY_ENOMEM, "out of memory for a queue");
    }
    hayi_queue_entry_add(entry, future);
    return HAY_OK;
}

size_t hay_queue_count(const hay_queue *queue)
{
    return atomic_load(&queue->count);
}

/* The oldest one; NULL if another thread was quicker. */
static hay_future *take(hay_queue *queue)
{
    struct hayi_mpsc_node *node = NULL;
    (void)pthread_mutex_lock(&queue->mutex);
    if (atomic_load(&queue->ready) >= ONE) {
        /* One that is just being pushed may stand before the ready one. */
        while ((node = hayi_mpsc_pop(&queue->done)) == NULL) {
            (void)sched_yield();
        }
        if (atomic_fetch_sub(&queue->ready, ONE) == (ONE | HAS_FD)) {
            fd_down(queue);
        }
    }
    (void)pthread_mutex_unlock(&queue->mutex);
    if (node == NULL) {
        return NULL;
    }
    struct hayi_queue_entry *entry =
        (struct hayi_queue_entry *)(void *)((char *)node
                                            - offsetof(struct hayi_queue_entry,
                                                       node));
    hay_future *future = entry->future;
    free(entry);
    return future;
}

static bool ready(void *argument)
{
    hay_queue *queue = argument;
    return atomic_load(&queue->ready) >= ONE || atomic_load(&queue->count) == 0;
}

static hay_status sleep_on(hay_queue *queue, uint64_t timeout_ns)
{
    (void)atomic_fetch_add(&queue->sleepers, 1);
    hayi_nested_waits_for(queue->ex, NULL, true);
    hay_status st =
        hayi_executor_sleep(queue->ex, ready, queue, timeout_ns, true);
    hayi_nested_waits_for(queue->ex, NULL, false);
    (void)atomic_fetch_sub(&queue->sleepers, 1);
    return st;
}

hay_status
hay_queue_next(hay_queue *queue, uint64_t timeout_ns, hay_future **future)
{
    for (;;) {
        hay_status st = sleep_on(queue, timeout_ns);
        if (st == HAY_ETIMEDOUT) {
            return hayi_fail(hayi_thread_error(),
                             st,
                             "none of the %zu futures of the queue is done",
                             hay_queue_count(queue));
        }
        if (st != HAY_OK) {
            return st;
        }
        hay_future *taken = take(queue);
        if (taken != NULL) {
            if (atomic_fetch_sub(&queue->count, 1) == 1
                && atomic_load(&queue->sleepers) > 0) {
                hayi_executor_wake(queue->ex);
            }
            *future = taken;
            return HAY_OK;
        }
        if (atomic_load(&queue->count) == 0) {
            return hayi_fail(hayi_thread_error(),
                             HAY_EEMPTY,
                             "all futures of the queue are out");
        }
    }
}
