/* callback.c - see callback.h.
 *
 * The manager pushes callbacks into a queue of the executor in the order in
 * which futures end.  Whoever waits or dispatches tries the mutex: who has it
 * is the one consumer of the queue and looks again after giving it back, so
 * that nothing is left behind when another one's try has failed.
 */
#include "config.h"

#include "client/callback.h"

#include "client/watch.h"

#include <stdlib.h>

struct callback {
    struct hayi_watch watch;
    struct hayi_mpsc_node node;
    hay_future *future; /* counted */
    void (*function)(hay_future *, void *);
    void *data;
};

static _Thread_local const hay_executor *inside; /* whose callback we are in */

bool hayi_callback_inside(void)
{
    return inside != NULL;
}

static bool fire(struct hayi_watch *watch, hay_future *future)
{
    struct callback *callback = (struct callback *)watch;
    hay_executor *ex = future->ex;
    hayi_mpsc_push(&ex->callbacks, &callback->node);
    (void)atomic_fetch_add(&ex->callbacks_ready, 1);
    return true;
}

static const struct hayi_watch_ops ops = {fire, NULL, NULL};

static struct callback *pop(hay_executor *ex)
{
    struct hayi_mpsc_node *node = hayi_mpsc_pop(&ex->callbacks);
    if (node == NULL) {
        return NULL;
    }
    return (struct callback *)(void *)((char *)node
                                       - offsetof(struct callback, node));
}

static void call(hay_executor *ex, const struct callback *callback)
{
    const hay_executor *before = inside;
    inside = ex;
    callback->function(callback->future, callback->data);
    inside = before;
}

/* With the mutex. */
static bool run_all(hay_executor *ex)
{
    struct callback *callback;
    bool ran = false;
    while ((callback = pop(ex)) != NULL) {
        (void)atomic_fetch_sub(&ex->callbacks_ready, 1);
        call(ex, callback);
        hay_future_release(callback->future);
        free(callback);
        ran = true;
    }
    return ran;
}

bool hayi_callback_run(hay_executor *ex)
{
    bool ran = false;
    bool more = true;
    if (atomic_load(&ex->callbacks_ready) == 0 || inside == ex
        || hayi_thread_no_wait()) {
        return false;
    }
    hayi_executor_retain(ex); /* a callback may free it */
    while (more && atomic_load(&ex->callbacks_ready) > 0
           && pthread_mutex_trylock(&ex->callback_mutex) == 0) {
        more = run_all(ex);
        ran = ran || more;
        (void)pthread_mutex_unlock(&ex->callback_mutex);
    }
    hayi_executor_release(ex);
    return ran;
}

bool hayi_callback_waiting(hay_executor *ex)
{
    if (atomic_load(&ex->callbacks_ready) == 0
        || pthread_mutex_trylock(&ex->callback_mutex) != 0) {
        return false;
    }
    (void)pthread_mutex_unlock(&ex->callback_mutex);
    return true;
}

void hayi_callback_drop(hay_executor *ex)
{
    struct callback *callback;
    while ((callback = pop(ex)) != NULL) {
        hay_future_release(callback->future);
        free(callback);
    }
}

/* It has ended already: those that are ready come first. */
static void run_now(hay_executor *ex, const struct callback *callback)
{
    if (inside == ex) {
        call(ex, callback);
        return;
    }
    (void)pthread_mutex_lock(&ex->callback_mutex);
    (void)run_all(ex);
    call(ex, callback);
    (void)pthread_mutex_unlock(&ex->callback_mutex);
    (void)hayi_callback_run(ex);
}

hay_status hay_future_on_done(hay_future *future,
                              void (*function)(hay_future *, void *),
                              void *data)
{
    if (future == NULL || function == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EINVAL,
                         "hay_future_on_done: the future or the function is "
                         "NULL");
    }
    hay_executor *ex = future->ex;
    struct callback *callback = malloc(sizeof(*callback));
    if (callback == NULL) {
        return hayi_fail(
            hayi_thread_error(), HAY_ENOMEM, "out of memory for a callback");
    }
    *callback = (struct callback){
        .watch = {.ops = &ops,
                  .order = 1 + atomic_fetch_add(&ex->callback_order, 1)},
        .future = hay_future_retain(future),
        .function = function,
        .data = data,
    };
    if (hayi_watch_add(future, &callback->watch)) {
        return HAY_OK;
    }
    hayi_executor_retain(ex);
    run_now(ex, callback);
    hay_future_release(future);
    hayi_executor_release(ex);
    free(callback);
    return HAY_OK;
}

void hay_dispatch(hay_executor *ex)
{
    if (ex != NULL) {
        (void)hayi_callback_run(ex);
    }
}
