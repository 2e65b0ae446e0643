/* objects.c - see objects.h.
 *
 * A result's objects are numbered in the order in which they stand in its
 * value.  The views of a result, made when the client looks at an object for
 * the first time, hold for each its offset in the value, its pin, and the items
 * by which it was asked for.  An item is posted once and answered once; a wait
 * that runs out of time leaves it there, so that the next one goes on with it.
 * An object can be dropped between the answer and the pin, when memory is
 * short: then it is asked for again.
 */
#include "config.h"

#include "client/objects.h"

#include "base/clock.h"
#include "client/executor.h"
#include "worker/guest.h"

#include <assert.h>
#include <stdlib.h>

enum {
    ASK_MAX = 100, /* times that an object may vanish before it is read */
};

struct view {
    uint64_t offset; /* of its value in the result's */
    hayi_place place;
    const void *data;            /* pinned; or NULL */
    struct hayi_want_item *want; /* the newest; older ones hang on it */
};

struct hayi_views {
    size_t count;
    struct view list[];
};

/* ---- asking the manager -------------------------------------------------- */

struct hayi_want_item *
hayi_want_new(hay_future *future, uint32_t first, uint32_t count)
{
    struct hayi_want_item *item =
        calloc(1, sizeof(*item) + count * sizeof(item->places[0]));
    if (item != NULL) {
        item->item.kind = HAYI_ITEM_WANT;
        item->future = hay_future_retain(future);
        item->node = HAYI_NODE_CLIENT;
        item->object_first = first;
        item->object_count = count;
    }
    return item;
}

hay_status hayi_want_post(struct hayi_want_item *item, struct hayi_error *err)
{
    hay_future *future = item->future;
    hay_executor *ex = future->ex;
    char label[160];
    if (hayi_executor_post(ex, &item->item)) {
        return HAY_OK;
    }
    free(item);
    hay_status st = hayi_executor_check(ex, err);
    if (st == HAY_OK) {
        hayi_future_label(future, label, sizeof(label));
        st = hayi_fail(err,
                       HAY_ECLOSED,
                       "the result of %s is on another node, and the executor "
                       "is shut down",
                       label);
    }
    hay_future_release(future);
    return st;
}

void hayi_want_answered(struct hayi_want_item *item)
{
    hay_future *future = item->future;
    hay_executor *ex = future->ex;
    if (atomic_exchange(&item->state, HAYI_WANT_ANSWERED)
        == HAYI_WANT_GIVEN_UP) {
        free(item);
    } else {
        hayi_executor_wake(ex);
    }
    hay_future_release(future);
}

static bool answered(void *argument)
{
    struct hayi_want_item *item = argument;
    return atomic_load(&item->state) == HAYI_WANT_ANSWERED;
}

hay_status hayi_want_wait(struct hayi_want_item *item,
                          hay_executor *ex,
                          uint64_t timeout_ns,
                          struct hayi_error *err)
{
    hay_status st = hayi_executor_sleep(ex, answered, item, timeout_ns, true);
    if (st == HAY_OK && item->error.status != HAY_OK) {
        st = hayi_fail(err, item->error.status, "%s", item->error.text);
    }
    return st;
}

void hayi_want_drop(struct hayi_want_item *item)
{
    unsigned open = HAYI_WANT_OPEN;
    if (!atomic_compare_exchange_strong(
            &item->state, &open, HAYI_WANT_GIVEN_UP)) {
        free(item);
    }
}

/* ---- views --------------------------------------------------------------- */

struct collect {
    const struct hayi_result *result;
    struct hayi_views *views; /* NULL: count only */
    size_t count;
};

static void collect(void *context, struct hayi_object_value *object)
{
    struct collect *c = context;
    if (c->views != NULL) {
        c->views->list[c->count].offset =
            (uint64_t)((const unsigned char *)object
                       - (const unsigned char *)c->result->value)
            - sizeof(struct hayi_value_head);
    }
    c->count++;
}

static struct hayi_views *views_new(const struct hayi_result *result)
{
    struct collect c = {.result = result};
    (void)hayi_value_objects(
        result->value, result->value_size, collect, &c, NULL);
    c.views = calloc(1, sizeof(*c.views) + c.count * sizeof(struct view));
    if (c.views != NULL) {
        c.views->count = c.count;
        c.count = 0;
        (void)hayi_value_objects(
            result->value, result->value_size, collect, &c, NULL);
    }
    return c.views;
}

/* NULL: out of memory. */
static struct hayi_views *views_of(struct hayi_result *result)
{
    struct hayi_views *views = atomic_load(&result->views);
    if (views != NULL) {
        return views;
    }
    struct hayi_views *fresh = views_new(result);
    if (fresh != NULL
        && !atomic_compare_exchange_strong(&result->views, &views, fresh)) {
        free(fresh);
        return views;
    }
    return fresh;
}

static struct view *find(struct hayi_views *views, uint64_t offset)
{
    size_t low = 0;
    size_t high = views->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (views->list[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    assert(low < views->count && views->list[low].offset == offset);
    return &views->list[low];
}

/* Its views have been made. */
static struct view *view_of(struct hayi_result *result,
                            const struct hayi_value *value)
{
    return find(atomic_load(&result->views),
                (uint64_t)((const unsigned char *)value->bytes
                           - (const unsigned char *)result->value));
}

static void unpin(hay_executor *ex, hayi_place place)
{
    if (ex->guest != NULL) {
        ex->guest->give_back(ex->guest, place);
    } else {
        hayi_store_unpin(ex->store, place);
    }
}

void hayi_views_release(hay_future *future)
{
    struct hayi_result *result = future->result;
    struct hayi_views *views =
        result != NULL ? atomic_exchange(&result->views, NULL) : NULL;
    if (views == NULL) {
        return;
    }
    for (size_t i = 0; i < views->count; i++) {
        struct view *view = &views->list[i];
        if (view->data != NULL) {
            unpin(future->ex, view->place);
        }
        while (view->want != NULL) {
            struct hayi_want_item *older = view->want->older;
            free(view->want);
            view->want = older;
        }
    }
    free(views);
}

void hayi_object_drop(hay_executor *ex, hayi_place place)
{
    if (ex->guest != NULL) {
        ex->guest->abandon(ex->guest, place);
    } else {
        hayi_store_drop(ex->store, place);
    }
}

static void drop_unknown(void *context, struct hayi_object_value *object)
{
    hay_executor *ex = context;
    if (object->object == 0 && object->place != 0) {
        hayi_object_drop(ex, object->place);
    }
}

void hayi_result_free(hay_executor *ex, struct hayi_result *result)
{
    if (result == NULL) {
        return;
    }
    if (result->object_count > 0) {
        (void)hayi_value_objects(
            result->value, result->value_size, drop_unknown, ex, NULL);
    }
    free(result->files);
    free(result->reason);
    free(result);
}

/* ---- reading ------------------------------------------------------------- */

static const void *known(hay_executor *ex, const struct view *view)
{
    (void)pthread_mutex_lock(&ex->views_mutex);
    const void *data = view->data;
    (void)pthread_mutex_unlock(&ex->views_mutex);
    return data;
}

/* Our pin, or that of another thread which was faster. */
static const void *
keep(hay_executor *ex, struct view *view, hayi_place place, const void *data)
{
    (void)pthread_mutex_lock(&ex->views_mutex);
    bool ours = view->data == NULL;
    if (ours) {
        view->place = place;
        view->data = data;
    }
    data = view->data;
    (void)pthread_mutex_unlock(&ex->views_mutex);
    if (!ours) {
        unpin(ex, place);
    }
    return data;
}

static hay_status pin(hay_executor *ex,
                      hayi_place place,
                      uint64_t size,
                      const void **data,
                      struct hayi_error *err)
{
    uint64_t found = 0;
    hay_status st = HAY_OK;
    if (ex->guest != NULL) {
        st = ex->guest->fetch(ex->guest, place, data, &found, err);
    } else if (hayi_thread_no_wait()) {
        st = hayi_store_try_pin(ex->store, place, data, &found);
        if (st == HAY_EAGAIN) {
            return hayi_fail(err,
                             st,
                             "the result has to be brought back from the "
                             "disk, and it is not possible to wait here");
        }
    } else {
        st = hayi_store_pin(ex->store, place, data, &found, err);
    }
    if (st == HAY_OK && found != size) {
        unpin(ex, place);
        st = hayi_fail(err,
                       HAY_EFARM,
                       "an object of %llu bytes lies where one of %llu was "
                       "announced",
                       (unsigned long long)found,
                       (unsigned long long)size);
    }
    return st;
}

/* The item whose answer to wait for: that of an earlier wait, unless its answer
 * was used up ('spent') or an error, which may have passed. */
static hay_status ask(hay_future *future,
                      struct hayi_views *views,
                      struct view *view,
                      const struct hayi_want_item *spent,
                      struct hayi_want_item **item,
                      struct hayi_error *err)
{
    hay_executor *ex = future->ex;
    hay_status st = HAY_OK;
    (void)pthread_mutex_lock(&ex->views_mutex);
    if (view->want == spent
        || (answered(view->want) && view->want->error.status != HAY_OK)) {
        struct hayi_want_item *fresh =
            hayi_want_new(future, (uint32_t)(view - views->list), 1);
        struct hayi_want_item *older = view->want;
        if (fresh == NULL) {
            st = hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
        } else {
            fresh->older = older;
            st = hayi_want_post(fresh, err);
        }
        if (st == HAY_OK) {
            view->want = fresh;
        }
    }
    *item = view->want;
    (void)pthread_mutex_unlock(&ex->views_mutex);
    return st;
}

static hay_status not_here(const hay_future *future,
                           const char *why,
                           hay_status st,
                           struct hayi_error *err)
{
    char label[160];
    hayi_future_label(future, label, sizeof(label));
    return hayi_fail(err, st, "the result of %s %s", label, why);
}

/* Wait until it lies here; 'spent' is the answer that was of no use. */
static hay_status bring(hay_future *future,
                        struct hayi_views *views,
                        struct view *view,
                        uint64_t deadline_ns,
                        struct hayi_want_item **spent,
                        struct hayi_error *err)
{
    struct hayi_want_item *item = NULL;
    hay_status st = ask(future, views, view, *spent, &item, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_want_wait(item, future->ex, hayi_clock_left(deadline_ns), err);
    if (st == HAY_ETIMEDOUT) {
        return not_here(future, "is not here yet", st, err);
    }
    if (st == HAY_EAGAIN && !answered(item)) {
        return not_here(future,
                        "is on another node, and it is not possible to wait "
                        "here",
                        st,
                        err);
    }
    *spent = item;
    return st;
}

/* Bring it here and pin it, wherever it lies. */
static hay_status pin_view(hay_future *future,
                           struct view *view,
                           const struct hayi_object_value *object,
                           uint64_t deadline_ns,
                           hayi_place *pinned,
                           const void **data,
                           struct hayi_error *err)
{
    struct hayi_views *views = atomic_load(&future->result->views);
    struct hayi_want_item *spent = NULL;
    hayi_place place = object->place;
    for (int i = 0; i < ASK_MAX; i++) {
        hay_status st = HAY_EEMPTY;
        if (place != 0) {
            st = pin(future->ex, place, object->size, data, err);
        }
        if (st == HAY_OK) {
            *pinned = place;
            return HAY_OK;
        }
        if (st == HAY_EEMPTY) {
            st = bring(future, views, view, deadline_ns, &spent, err);
        }
        if (st != HAY_OK) {
            return st;
        }
        place = spent->places[0];
    }
    return not_here(future,
                    "was dropped again and again before it could be read: "
                    "memory is too short",
                    HAY_EFARM,
                    err);
}

hay_status hayi_object_borrow(hay_future *future,
                              struct hayi_value *value,
                              uint64_t timeout_ns,
                              hayi_place *pinned,
                              struct hayi_error *err)
{
    hay_executor *ex = future->ex;
    struct hayi_result *result = future->result;
    struct hayi_views *views = views_of(result);
    const void *data = NULL;
    hayi_place place = 0;
    hay_status st = HAY_OK;
    assert(value->is_object);
    if (ex->store == NULL && ex->guest == NULL) {
        return not_here(future,
                        "is an object, and there is no store here",
                        HAY_EUNSUPPORTED,
                        err);
    }
    if (views == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    struct view *view = view_of(result, value);
    data = known(ex, view);
    if (data == NULL) {
        uint64_t deadline_ns = hayi_clock_deadline(timeout_ns);
        st = pin_view(
            future, view, &value->object, deadline_ns, &place, &data, err);
    }
    if (st == HAY_OK && value->type == HAY_STRING
        && ((const char *)data)[value->size - 1] != 0) {
        hayi_object_return(future, place);
        st = not_here(future, "is a text without an end", HAY_EFARM, err);
    }
    if (st == HAY_OK) {
        value->data = data;
        value->array.data = data;
        *pinned = place;
    }
    return st;
}

void hayi_object_return(hay_future *future, hayi_place pinned)
{
    if (pinned != 0) {
        unpin(future->ex, pinned);
    }
}

hay_status hayi_object_read(hay_future *future,
                            struct hayi_value *value,
                            uint64_t timeout_ns,
                            struct hayi_error *err)
{
    hayi_place place = 0;
    hay_status st = hayi_object_borrow(future, value, timeout_ns, &place, err);
    if (st == HAY_OK && place != 0) {
        struct view *view = view_of(future->result, value);
        value->data = keep(future->ex, view, place, value->data);
        value->array.data = value->data;
    }
    return st;
}
