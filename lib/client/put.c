/* put.c - see put.h.
 *
 * A small value travels inside of the future's result as any small result does;
 * a large one is copied once, by the calling thread, into the store of this
 * node, and the result describes it.  The manager gives it its handle.  In a
 * child of a process slot its rank makes the room, which the child writes and
 * gives away with the record of the put.
 */
#include "config.h"

#include "client/put.h"

#include "client/executor.h"
#include "client/nested.h"
#include "client/objects.h"
#include "client/resume.h"
#include "client/submit.h"
#include "wire/args.h"
#include "worker/guest.h"

#include <stdlib.h>
#include <string.h>

static hay_status
check_value(const hay_arg *value, size_t *size, struct hayi_error *err)
{
    const char *wrong = NULL;
    switch (value->kind) {
    case HAYI_KIND_REF:
    case HAYI_KIND_REFS:
    case HAYI_KIND_SHAPE:
        wrong = "a future is no value to be put";
        break;
    case HAYI_KIND_REGION:
    case HAYI_KIND_OUTPUT:
    case HAYI_KIND_DATASET:
        wrong = "a part of a chunked array is no value to be put";
        break;
    default:
        wrong = hayi_arg_data(value, size);
    }
    return wrong == NULL ? HAY_OK : hayi_fail(err, HAY_EINVAL, "%s", wrong);
}

static hay_status append_inline(struct hayi_buffer *buffer,
                                const hay_arg *value,
                                size_t size,
                                struct hayi_error *err)
{
    switch (value->kind) {
    case HAY_DOUBLE:
    case HAY_INT64:
        return hayi_value_append(
            buffer, (hay_type)value->kind, &value->u, size, err);
    case HAY_ARRAY:
        return hayi_value_append_array(buffer,
                                       (hay_dtype)value->dtype,
                                       value->ndim,
                                       value->shape,
                                       value->u.data,
                                       err);
    default:
        return hayi_value_append(
            buffer, (hay_type)value->kind, value->u.data, size, err);
    }
}

/* ---- room ---------------------------------------------------------------- */

/* In a child only the thread that runs the task can ask its rank for room. */
static bool has_room(hay_executor *ex)
{
    return ex->guest != NULL ? hayi_nested_task(ex) != NULL : ex->store != NULL;
}

static hay_status make_room(hay_executor *ex,
                            size_t size,
                            hayi_place *place,
                            void **data,
                            struct hayi_error *err)
{
    return ex->guest != NULL
               ? ex->guest->create(ex->guest, size, place, data, err)
               : hayi_store_create(ex->store, size, place, data, err);
}

static void abandon_room(hay_executor *ex, hayi_place place)
{
    if (ex->guest != NULL) {
        ex->guest->abandon(ex->guest, place);
    } else {
        hayi_store_abandon(ex->store, place);
    }
}

/* It is written. */
static void seal_room(hay_executor *ex, hayi_place place)
{
    if (ex->guest != NULL) {
        ex->guest->give_away(ex->guest, place);
    } else {
        hayi_store_seal(ex->store, place, 0);
    }
}

/* Copy it into the store, and describe it. */
static hay_status append_stored(hay_executor *ex,
                                struct hayi_buffer *buffer,
                                const hay_arg *value,
                                size_t size,
                                struct hayi_error *err)
{
    struct hayi_object_value object = {.size = size};
    hay_array_view array = {.dtype = (hay_dtype)value->dtype,
                            .ndim = value->ndim};
    void *data = NULL;
    if (value->kind == HAY_ARRAY) {
        memcpy(array.shape, value->shape, 8 * (size_t)value->ndim);
    }
    hay_status st = make_room(ex, size, &object.place, &data, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_value_append_object(
        buffer, (hay_type)value->kind, &array, &object);
    if (st != HAY_OK) {
        abandon_room(ex, object.place);
        return hayi_fail(err, st, "out of memory for a value");
    }
    memcpy(data, value->u.data, size);
    seal_room(ex, object.place);
    return HAY_OK;
}

static struct hayi_result *result_new(const struct hayi_buffer *value,
                                      bool stored)
{
    struct hayi_result *result = calloc(1, sizeof(*result) + value->size);
    if (result != NULL) {
        result->value_size = value->size;
        result->object_count = stored ? 1 : 0;
        memcpy(result->value, value->data, value->size);
    }
    return result;
}

/* A future that comes with its result. */
static hay_status make(hay_executor *ex,
                       const struct hayi_buffer *value,
                       bool stored,
                       hay_future **future,
                       struct hayi_error *err)
{
    const struct hayi_future_plan plan = {.key = ex->resume != NULL};
    hay_future *fresh = hayi_future_new(ex, &plan);
    struct hayi_result *result = result_new(value, stored);
    if (fresh == NULL || result == NULL) {
        free(fresh);
        free(result);
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a value");
    }
    fresh->item.kind = HAYI_ITEM_PUT;
    fresh->spec->kind = HAYI_TASK_PUT;
    fresh->result = result;
    *future = fresh;
    return HAY_OK;
}

static void drop_stored(hay_executor *ex, const struct hayi_buffer *buffer)
{
    struct hayi_value value;
    if (hayi_value_read(buffer->data, buffer->size, &value, NULL, NULL)
            == HAY_OK
        && value.is_object) {
        hayi_object_drop(ex, value.object.place);
    }
}

hay_status hayi_put(hay_executor *ex,
                    const hay_arg *value,
                    hay_future **future,
                    struct hayi_error *err)
{
    struct hayi_buffer buffer;
    hay_future *fresh = NULL;
    size_t size = 0;
    hay_status st = check_value(value, &size, err);
    if (st != HAY_OK) {
        return st;
    }
    bool stored = size > HAYI_INLINE_MAX;
    if (stored && !has_room(ex)) {
        return hayi_fail(err,
                         ex->guest != NULL ? HAY_EUNSUPPORTED : HAY_ETOOBIG,
                         "a value of %zu bytes, and %s",
                         size,
                         ex->guest != NULL
                             ? "in a process slot only the thread that runs "
                               "the task may put large ones"
                             : "there is no store here");
    }
    hayi_buffer_init(&buffer);
    st = stored ? append_stored(ex, &buffer, value, size, err)
                : append_inline(&buffer, value, size, err);
    if (st == HAY_OK) {
        st = make(ex, &buffer, stored, &fresh, err);
        if (st != HAY_OK && stored) {
            drop_stored(ex, &buffer);
        }
    }
    hayi_buffer_fini(&buffer);
    if (st != HAY_OK) {
        return st;
    }
    hayi_resume_fill_put(fresh, value, size);
    return hayi_submit_post(fresh, NULL, future, err);
}

hay_status hay_put(hay_executor *ex, hay_arg value, hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    if (ex == NULL || future == NULL) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_put: the %s is NULL",
                         ex == NULL ? "executor" : "place for the future");
    }
    return hayi_put(ex, &value, future, err);
}

/* ---- large arguments ----------------------------------------------------- */

static bool is_large(const hay_arg *arg)
{
    size_t size = 0;
    switch (arg->kind) {
    case HAY_STRING:
    case HAY_BYTES:
    case HAY_ARRAY:
        return hayi_arg_data(arg, &size) == NULL && size > HAYI_INLINE_MAX;
    default:
        return false;
    }
}

static hay_status put_one(hay_executor *ex,
                          struct hayi_put_args *put,
                          size_t index,
                          struct hayi_error *err)
{
    struct hayi_error cause = {.status = HAY_OK};
    hay_future *future = NULL;
    hay_status st = hayi_put(ex, &put->list[index], &future, &cause);
    if (st != HAY_OK) {
        return hayi_fail(err, st, "argument %zu: %s", index, cause.text);
    }
    put->list[index] = hay_ref(future);
    put->futures[put->count++] = future;
    return HAY_OK;
}

hay_status hayi_put_args_init(hay_executor *ex,
                              hay_args args,
                              struct hayi_put_args *put,
                              struct hayi_error *err)
{
    size_t large = 0;
    *put = (struct hayi_put_args){.args = args};
    for (size_t i = 0; args.list != NULL && i < args.count; i++) {
        large += is_large(&args.list[i]);
    }
    if (large == 0 || !has_room(ex)) {
        return HAY_OK;
    }
    put->list = malloc(args.count * sizeof(hay_arg));
    put->futures = malloc(large * sizeof(hay_future *));
    if (put->list == NULL || put->futures == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for arguments");
    }
    memcpy(put->list, args.list, args.count * sizeof(hay_arg));
    put->args.list = put->list;
    hay_status st = HAY_OK;
    for (size_t i = 0; st == HAY_OK && i < args.count; i++) {
        if (is_large(&put->list[i])) {
            st = put_one(ex, put, i, err);
        }
    }
    return st;
}

void hayi_put_args_fini(struct hayi_put_args *put)
{
    for (size_t i = 0; i < put->count; i++) {
        hay_future_release(put->futures[i]);
    }
    free(put->futures);
    free(put->list);
}
