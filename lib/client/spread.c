/* spread.c - objects on several nodes: hay_scatter() and hay_replicate().
 *
 * Both ask the manager for objects on nodes (struct hayi_want_item), so many at
 * a time, and wait for the answers in order.  Nodes are taken in turn: by the
 * smooth weighted round robin for what is dealt out in proportion to cores
 * (each round all gain their weight, the richest one is taken and pays for all;
 * as in nginx), one after the other for copies.
 */
#include "config.h"

#include "base/clock.h"
#include "client/executor.h"
#include "client/objects.h"
#include "client/put.h"
#include "client/result.h"

#include <stdlib.h>

enum {
    WINDOW = 64, /* objects on their way */
};

/* ---- what is on its way -------------------------------------------------- */

struct window {
    hay_executor *ex;
    struct hayi_want_item *items[WINDOW];
    size_t first, count;
};

/* Wait for the oldest one; on HAY_ETIMEDOUT it stays. */
static hay_status
window_wait(struct window *w, uint64_t deadline_ns, struct hayi_error *err)
{
    struct hayi_want_item *item = w->items[w->first];
    hay_status st =
        hayi_want_wait(item, w->ex, hayi_clock_left(deadline_ns), err);
    if (st != HAY_ETIMEDOUT && st != HAY_EAGAIN) {
        hayi_want_drop(item);
        w->first = (w->first + 1) % WINDOW;
        w->count--;
    }
    return st;
}

/* Ask for all objects of a finished future on a node. */
static hay_status window_add(struct window *w,
                             hay_future *future,
                             uint32_t node,
                             bool move,
                             uint64_t deadline_ns,
                             struct hayi_error *err)
{
    hay_status st = HAY_OK;
    if (w->count == WINDOW) {
        st = window_wait(w, deadline_ns, err);
    }
    if (st != HAY_OK) {
        return st;
    }
    struct hayi_want_item *item =
        hayi_want_new(future, 0, future->result->object_count);
    if (item == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory to move an object");
    }
    item->node = node;
    item->move = move;
    st = hayi_want_post(item, err);
    if (st == HAY_OK) {
        w->items[(w->first + w->count) % WINDOW] = item;
        w->count++;
    }
    return st;
}

static hay_status
window_drain(struct window *w, uint64_t deadline_ns, struct hayi_error *err)
{
    hay_status st = HAY_OK;
    while (st == HAY_OK && w->count > 0) {
        st = window_wait(w, deadline_ns, err);
    }
    return st;
}

static void window_give_up(struct window *w)
{
    for (; w->count > 0; w->count--) {
        hayi_want_drop(w->items[w->first]);
        w->first = (w->first + 1) % WINDOW;
    }
}

/* Numbers of nodes without workers are not in use. */
static uint32_t nodes_in_use(const hay_executor *ex)
{
    uint32_t count = 0;
    for (uint32_t i = 0; ex->node_cores != NULL && i < ex->node_count; i++) {
        count += atomic_load(&ex->node_cores[i]) > 0;
    }
    return count;
}

static bool has_objects(const hay_future *future)
{
    return future->result != NULL && future->result->object_count > 0;
}

/* ---- scatter ------------------------------------------------------------- */

/* The node whose turn it is; gains[node_count]. */
static uint32_t next_node(const hay_executor *ex, int64_t *gains)
{
    int64_t total = 0;
    uint32_t richest = 0;
    for (uint32_t i = 0; i < ex->node_count; i++) {
        uint32_t cores = atomic_load(&ex->node_cores[i]);
        gains[i] += cores;
        total += cores;
        richest = gains[i] > gains[richest] ? i : richest;
    }
    gains[richest] -= total;
    return richest;
}

/* Put one and send it on its way. */
static hay_status deal(struct window *w,
                       const hay_arg *value,
                       int64_t *gains,
                       hay_future **future,
                       struct hayi_error *err)
{
    hay_executor *ex = w->ex;
    hay_status st = hayi_put(ex, value, future, err);
    if (st != HAY_OK || gains == NULL) {
        return st;
    }
    uint32_t node = next_node(ex, gains);
    st = hay_future_wait(*future, HAY_FOREVER);
    if (st == HAY_OK) {
        st = hayi_result_status(*future, err);
    }
    if (st == HAY_OK && has_objects(*future)) {
        st = window_add(w, *future, node, true, UINT64_MAX, err);
    }
    return st;
}

/* gains: NULL if there is but one node. */
static hay_status scatter(hay_executor *ex,
                          const hay_arg *values,
                          size_t count,
                          int64_t *gains,
                          hay_future **list,
                          struct hayi_error *err)
{
    struct window w = {.ex = ex};
    hay_status st = HAY_OK;
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        st = deal(&w, &values[i], gains, &list[i], err);
        if (st != HAY_OK) {
            const struct hayi_error cause = *err;
            (void)hayi_fail(err, st, "value %zu: %s", i, cause.text);
        }
    }
    if (st == HAY_OK) {
        st = window_drain(&w, UINT64_MAX, err);
    }
    window_give_up(&w);
    for (size_t i = 0; st != HAY_OK && i < count; i++) {
        hay_future_release(list[i]);
    }
    return st;
}

hay_status hay_scatter(hay_executor *ex,
                       const hay_arg *values,
                       size_t count,
                       hay_future **futures)
{
    struct hayi_error *err = hayi_thread_error();
    if (ex == NULL || (count > 0 && (values == NULL || futures == NULL))) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_scatter: the executor, the values or the place "
                         "for the futures is NULL");
    }
    hay_status st = hay_executor_wait_workers(ex, HAY_FOREVER);
    if (st != HAY_OK || count == 0) {
        return st;
    }
    bool several = nodes_in_use(ex) > 1;
    hay_future **list = calloc(count, sizeof(hay_future *));
    int64_t *gains = several ? calloc(ex->node_count, sizeof(*gains)) : NULL;
    if (list == NULL || (several && gains == NULL)) {
        st = hayi_fail(err, HAY_ENOMEM, "out of memory for %zu values", count);
    } else {
        st = scatter(ex, values, count, gains, list, err);
    }
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        futures[i] = list[i];
    }
    free(gains);
    free(list);
    return st;
}

/* ---- replicate ----------------------------------------------------------- */

static hay_status check(hay_future *const *futures, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (futures == NULL || futures[i] == NULL
            || futures[i]->ex != futures[0]->ex) {
            return hayi_fail(hayi_thread_error(),
                             HAY_EINVAL,
                             "hay_replicate: future %zu is NULL, or of "
                             "another executor",
                             i);
        }
    }
    return HAY_OK;
}

/* All have finished. */
static hay_status copy_all(struct window *w,
                           hay_future *const *futures,
                           size_t count,
                           uint32_t copies,
                           uint64_t deadline_ns,
                           struct hayi_error *err)
{
    const hay_executor *ex = w->ex;
    uint32_t nodes = nodes_in_use(ex);
    uint32_t node = 0;
    hay_status st = HAY_OK;
    copies = copies == 0 || copies > nodes ? nodes : copies;
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        for (uint32_t c = 0; c < copies && has_objects(futures[i]); c++) {
            /* All are 0 when the last worker has just been lost. */
            for (uint32_t k = 0;
                 k < ex->node_count && atomic_load(&ex->node_cores[node]) == 0;
                 k++) {
                node = (node + 1) % ex->node_count;
            }
            st = window_add(w, futures[i], node, false, deadline_ns, err);
            if (st != HAY_OK) {
                break;
            }
            node = (node + 1) % ex->node_count;
        }
    }
    return st == HAY_OK ? window_drain(w, deadline_ns, err) : st;
}

hay_status hay_replicate(hay_future *const *futures,
                         size_t count,
                         uint32_t copies,
                         uint64_t timeout_ns)
{
    struct hayi_error *err = hayi_thread_error();
    uint64_t deadline_ns = hayi_clock_deadline(timeout_ns);
    hay_status st = check(futures, count);
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        st = hay_future_wait(futures[i], hayi_clock_left(deadline_ns));
        if (st == HAY_OK) {
            st = hayi_result_status(futures[i], err);
        }
    }
    if (st != HAY_OK || count == 0 || nodes_in_use(futures[0]->ex) < 2) {
        return st;
    }
    struct window w = {.ex = futures[0]->ex};
    st = copy_all(&w, futures, count, copies, deadline_ns, err);
    window_give_up(&w);
    if (st == HAY_ETIMEDOUT) {
        st = hayi_fail(
            err, st, "not all objects of %zu futures have arrived yet", count);
    }
    return st;
}
