/* result.c - waiting for one future, and what came out of it. */
#include "config.h"

#include "client/result.h"

#include "base/clock.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/nested.h"
#include "client/objects.h"
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

/* ---- words
 * ------------------------------------------------------------------- */

static const char *reason_of(const hay_future *future)
{
    const struct hayi_result *result = future->result;
    return result != NULL && result->reason != NULL ? result->reason : "";
}

static hay_status status_of(const hay_future *future)
{
    const struct hayi_result *result = future->result;
    hay_state state = hay_future_state(future);
    if (state == HAY_FINISHED) {
        return HAY_OK;
    }
    if (result != NULL && result->status != HAY_OK) {
        return result->status;
    }
    return state == HAY_CANCELLED ? HAY_ECANCELLED : HAY_EFARM;
}

hay_status hayi_result_status(const hay_future *future, struct hayi_error *err)
{
    char label[160];
    const char *reason = reason_of(future);
    hay_status st = status_of(future);
    if (st == HAY_OK) {
        return HAY_OK;
    }
    hayi_future_label(future, label, sizeof(label));
    const char *colon = reason[0] != 0 ? ": " : "";
    switch (st) {
    case HAY_EDEPENDENCY:
        return hayi_fail(
            err, st, "an input of %s failed%s%s", label, colon, reason);
    case HAY_ECANCELLED:
        return hayi_fail(err, st, "%s was cancelled%s%s", label, colon, reason);
    case HAY_EFARM:
        return hayi_fail(
            err, st, "the farm failed %s%s%s", label, colon, reason);
    case HAY_EINFEASIBLE:
        return hayi_fail(err, st, "%s can never run%s%s", label, colon, reason);
    default:
        return hayi_fail(err, st, "%s failed%s%s", label, colon, reason);
    }
}

/* ---- waiting
 * -------------------------------------------------------------------- */

static bool ended(void *argument)
{
    hay_future *future = argument;
    if (hayi_future_ended(future)) {
        return true;
    }
    if (atomic_load(&future->waited) == 0) {
        atomic_store(&future->waited, 1);
        return hayi_future_ended(future);
    }
    return false;
}

hay_status hay_future_wait(hay_future *future, uint64_t timeout_ns)
{
    char label[160];
    if (future == NULL) {
        return hayi_fail(hayi_thread_error(), HAY_EINVAL, "the future is NULL");
    }
    hayi_nested_waits_for(future->ex, future, false);
    hay_status st =
        hayi_executor_sleep(future->ex, ended, future, timeout_ns, true);
    hayi_nested_waits_for(future->ex, NULL, false);
    if (st == HAY_ETIMEDOUT) {
        hayi_future_label(future, label, sizeof(label));
        (void)hayi_fail(hayi_thread_error(),
                        st,
                        "%s is not done yet (%s)",
                        label,
                        hay_state_name(hay_future_state(future)));
    }
    return st;
}

/* ---- results
 * --------------------------------------------------------------------- */

/* What the result is; HAY_NONE where there is none. */
static hay_status read_result(const hay_future *future,
                              struct hayi_value *value,
                              struct hayi_error *err)
{
    const struct hayi_result *result = future->result;
    memset(value, 0, sizeof(*value));
    if (result == NULL || result->value_size == 0) {
        return HAY_OK;
    }
    return hayi_value_read(result->value, result->value_size, value, NULL, err);
}

/* When waiting is over; no look at the clock where that is not needed. */
static uint64_t end_of(uint64_t timeout_ns)
{
    return timeout_ns == 0 ? 0 : hayi_clock_deadline(timeout_ns);
}

static hay_status
wait_result(hay_future *future, uint64_t timeout_ns, struct hayi_value *value)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hay_future_wait(future, timeout_ns);
    if (st == HAY_OK) {
        st = hayi_result_status(future, err);
    }
    return st == HAY_OK ? read_result(future, value, err) : st;
}

static hay_status
wrong_type(const hay_future *future, hay_type is, hay_type wanted)
{
    char label[160];
    hayi_future_label(future, label, sizeof(label));
    return hayi_fail(hayi_thread_error(),
                     HAY_ETYPE,
                     "the result of %s is %s, not %s",
                     label,
                     hayi_type_name(is),
                     hayi_type_name(wanted));
}

/* Wait for a result of this type, and for its bytes. */
static hay_status wait_value(hay_future *future,
                             uint64_t timeout_ns,
                             hay_type type,
                             struct hayi_value *value)
{
    struct hayi_error *err = hayi_thread_error();
    uint64_t deadline_ns = end_of(timeout_ns);
    hay_status st = wait_result(future, timeout_ns, value);
    if (st == HAY_OK && value->type != type) {
        st = wrong_type(future, value->type, type);
    }
    if (st == HAY_OK && value->is_object) {
        st = hayi_object_read(future, value, hayi_clock_left(deadline_ns), err);
    }
    return st;
}

hay_status
hay_result_double(hay_future *future, uint64_t timeout_ns, double *value)
{
    struct hayi_value v;
    hay_status st = wait_value(future, timeout_ns, HAY_DOUBLE, &v);
    if (st == HAY_OK) {
        memcpy(value, v.data, sizeof(*value));
    }
    return st;
}

hay_status
hay_result_int64(hay_future *future, uint64_t timeout_ns, int64_t *value)
{
    struct hayi_value v;
    hay_status st = wait_value(future, timeout_ns, HAY_INT64, &v);
    if (st == HAY_OK) {
        memcpy(value, v.data, sizeof(*value));
    }
    return st;
}

hay_status
hay_result_string(hay_future *future, uint64_t timeout_ns, const char **text)
{
    struct hayi_value v;
    hay_status st = wait_value(future, timeout_ns, HAY_STRING, &v);
    if (st == HAY_OK) {
        *text = v.data;
    }
    return st;
}

hay_status hay_result_bytes(hay_future *future,
                            uint64_t timeout_ns,
                            const void **data,
                            size_t *size_bytes)
{
    struct hayi_value v;
    hay_status st = wait_value(future, timeout_ns, HAY_BYTES, &v);
    if (st == HAY_OK) {
        *data = v.data;
        *size_bytes = v.size;
    }
    return st;
}

hay_status
hay_result_array(hay_future *future, uint64_t timeout_ns, hay_array_view *view)
{
    struct hayi_value v;
    hay_status st = wait_value(future, timeout_ns, HAY_ARRAY, &v);
    if (st == HAY_OK) {
        *view = v.array;
    }
    return st;
}

hay_type hay_result_type(hay_future *future)
{
    struct hayi_value value;
    if (hay_future_state(future) != HAY_FINISHED
        || read_result(future, &value, NULL) != HAY_OK) {
        return HAY_NONE;
    }
    return value.type;
}

/* As the user sees it, after its bytes have been brought. */
static hay_status show(hay_future *future,
                       struct hayi_value *from,
                       uint64_t timeout_ns,
                       hay_value *value)
{
    hay_value v = {.type = from->type};
    if (from->is_object) {
        hay_status st =
            hayi_object_read(future, from, timeout_ns, hayi_thread_error());
        if (st != HAY_OK) {
            return st;
        }
    }
    switch (from->type) {
    case HAY_DOUBLE:
        memcpy(&v.number, from->data, sizeof(v.number));
        break;
    case HAY_INT64:
        memcpy(&v.integer, from->data, sizeof(v.integer));
        break;
    case HAY_STRING:
        v.text = from->data;
        v.data = from->data;
        v.size_bytes = from->size - 1;
        break;
    case HAY_ARRAY:
        v.array = from->array;
        v.data = from->data;
        v.size_bytes = from->size;
        break;
    case HAY_BYTES:
        v.data = from->data;
        v.size_bytes = from->size;
        break;
    case HAY_LIST:
        v.count = from->count;
        break;
    default:
        break;
    }
    *value = v;
    return HAY_OK;
}

hay_status
hay_result_value(hay_future *future, uint64_t timeout_ns, hay_value *value)
{
    struct hayi_value found;
    uint64_t deadline_ns = end_of(timeout_ns);
    hay_status st = wait_result(future, timeout_ns, &found);
    return st != HAY_OK
               ? st
               : show(future, &found, hayi_clock_left(deadline_ns), value);
}

/* Wait for one of several results. */
static hay_status wait_at(hay_future *future,
                          size_t index,
                          uint64_t timeout_ns,
                          struct hayi_value *found)
{
    hay_status st = wait_result(future, timeout_ns, found);
    if (st != HAY_OK) {
        return st;
    }
    bool several = found->type == HAY_LIST;
    size_t count = several ? found->count : 1;
    if (index >= count) {
        char label[160];
        hayi_future_label(future, label, sizeof(label));
        return hayi_fail(hayi_thread_error(),
                         HAY_EINVAL,
                         "%s has %zu result%s: no one has index %zu",
                         label,
                         count,
                         count == 1 ? "" : "s",
                         index);
    }
    if (several) {
        const struct hayi_value list = *found;
        (void)hayi_list_get(&list, index, found);
    }
    return HAY_OK;
}

hay_status hay_result_at(hay_future *future,
                         size_t index,
                         uint64_t timeout_ns,
                         hay_value *value)
{
    struct hayi_value found;
    uint64_t deadline_ns = end_of(timeout_ns);
    hay_status st = wait_at(future, index, timeout_ns, &found);
    return st != HAY_OK
               ? st
               : show(future, &found, hayi_clock_left(deadline_ns), value);
}

hay_status hayi_result_borrow_array(hay_future *future,
                                    size_t index,
                                    uint64_t timeout_ns,
                                    hay_array_view *view,
                                    hayi_place *pinned)
{
    struct hayi_error *err = hayi_thread_error();
    struct hayi_value found;
    hayi_place place = 0;
    uint64_t deadline_ns = end_of(timeout_ns);
    hay_status st = index == SIZE_MAX
                        ? wait_result(future, timeout_ns, &found)
                        : wait_at(future, index, timeout_ns, &found);
    if (st == HAY_OK && found.type != HAY_ARRAY) {
        st = wrong_type(future, found.type, HAY_ARRAY);
    }
    if (st == HAY_OK && found.is_object) {
        st = hayi_object_borrow(
            future, &found, hayi_clock_left(deadline_ns), &place, err);
    }
    if (st == HAY_OK) {
        *view = found.array;
        *pinned = place;
    }
    return st;
}

/* ---- how it ended
 * ------------------------------------------------------------------ */

static hay_status not_done(const hay_future *future)
{
    char label[160];
    hayi_future_label(future, label, sizeof(label));
    return hayi_fail(
        hayi_thread_error(), HAY_EPENDING, "%s is not done yet", label);
}

hay_status hay_future_outcome(const hay_future *future, hay_outcome *outcome)
{
    hay_status st = hayi_check_out(
        outcome, sizeof(*outcome), "hay_outcome", hayi_thread_error());
    if (st != HAY_OK) {
        return st;
    }
    if (!hay_future_done(future)) {
        return not_done(future);
    }
    outcome->state = hay_future_state(future);
    outcome->status = status_of(future);
    outcome->reason = reason_of(future);
    const struct hayi_result none = {.status = HAY_OK};
    const struct hayi_result *r =
        future->result != NULL ? future->result : &none;
    outcome->exit_code = r->exit_code;
    outcome->signal = r->signal;
    outcome->attempts = r->attempts;
    outcome->worker = r->worker;
    outcome->start_ns = r->start_ns;
    outcome->end_ns = r->end_ns;
    outcome->culprit = r->culprit;
    outcome->cause = (hay_cause)r->cause;
    outcome->memory_peak_bytes = r->memory_peak_bytes;
    return HAY_OK;
}

hay_status hay_future_capture(const hay_future *future, hay_capture *capture)
{
    hay_status st = hayi_check_out(
        capture, sizeof(*capture), "hay_capture", hayi_thread_error());
    if (st != HAY_OK) {
        return st;
    }
    if (!hay_future_done(future)) {
        return not_done(future);
    }
    const struct hayi_result none = {.status = HAY_OK};
    const struct hayi_result *r =
        future->result != NULL ? future->result : &none;
    for (int i = 0; i < 2; i++) {
        capture->path[i] = r->capture_path[i];
        capture->offset[i] = r->capture_offset[i];
        capture->length[i] = r->capture_length[i];
    }
    return HAY_OK;
}

/* ---- cancel
 * ------------------------------------------------------------------------- */

static bool answered(void *argument)
{
    struct hayi_cancel_item *item = argument;
    return atomic_load(&item->done) == 1;
}

/* For one that has ended: as Python's cancel(), which says yes again. */
static hay_status cancel_ended(const hay_future *future)
{
    if (hay_future_state(future) == HAY_CANCELLED) {
        return HAY_OK;
    }
    return hayi_fail(hayi_thread_error(),
                     HAY_EINVAL,
                     "it has %s already",
                     hay_state_name(hay_future_state(future)));
}

static void free_cancel(struct hayi_cancel_item *item)
{
    hay_future_release(item->future);
    free(item);
}

void hayi_cancel_answered(struct hayi_cancel_item *item, hay_status status)
{
    item->status = status;
    if (atomic_exchange(&item->done, 1) == 2) {
        free_cancel(item);
    }
}

bool hayi_cancel_take(struct hayi_cancel_item *item, hay_status *status)
{
    if (atomic_exchange(&item->done, 2) != 1) {
        return false;
    }
    *status = item->status;
    free_cancel(item);
    return true;
}

static hay_status post_cancel(hay_future *future, unsigned flags)
{
    hay_executor *ex = future->ex;
    struct hayi_error *err = hayi_thread_error();
    struct hayi_cancel_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory to cancel");
    }
    item->item.kind = HAYI_ITEM_CANCEL;
    item->future = hay_future_retain(future);
    item->force = (flags & HAY_CANCEL_FORCE) != 0;
    item->nested = (flags & HAY_CANCEL_NESTED) != 0;
    if (!hayi_executor_post(ex, &item->item)) {
        hayi_cancel_answered(item, HAY_EINVAL);
    }
    hay_status st = hayi_executor_sleep(ex, answered, item, HAY_FOREVER, false);
    (void)hayi_cancel_take(item, &st);
    return st;
}

hay_status hay_future_cancel(hay_future *future, unsigned flags)
{
    struct hayi_error *err = hayi_thread_error();
    const unsigned known = HAY_CANCEL_FORCE | HAY_CANCEL_NESTED;
    char label[160];
    if (future == NULL || (flags & ~known) != 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_future_cancel: the future is NULL or a flag is "
                         "unknown");
    }
    bool force = (flags & HAY_CANCEL_FORCE) != 0;
    if (hay_future_done(future)) {
        return cancel_ended(future);
    }
    if (force && !future->spec->process
        && (future->spec->kind == HAYI_TASK_FUNCTION
            || future->spec->kind == HAYI_TASK_MAP)) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "a function in a thread slot cannot be forced to "
                         "stop: that needs a process slot");
    }
    if (hayi_thread_no_wait()) {
        return hayi_fail(err, HAY_EAGAIN, "the farm's own thread may not wait");
    }
    hay_status st = post_cancel(future, flags);
    hayi_future_label(future, label, sizeof(label));
    if (st == HAY_EINVAL && hay_future_done(future)) {
        return cancel_ended(future);
    }
    if (st == HAY_OK) {
        /* The end was told before the answer, or is about to be. */
        (void)hayi_executor_sleep(
            future->ex, ended, future, HAY_FOREVER, false);
    } else if (st == HAY_EPENDING) {
        (void)hayi_fail(err, st, "%s was asked to stop", label);
    } else if (st == HAY_ERUNNING) {
        (void)hayi_fail(err, st, "%s runs; it was asked to stop", label);
    } else if (st == HAY_EINVAL) {
        (void)hayi_fail(
            err, st, "%s cannot be cancelled: the farm has ended", label);
    }
    return st;
}
