/* fake_manager.c - see fake_manager.h. */
#include "config.h"

#include "fake_manager.h"

#include "data/store.h"
#include "wire/value.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

static void must(bool truth)
{
    if (!truth) {
        abort();
    }
}

/* ---- ends
 * -------------------------------------------------------------------- */

static void forget(struct fake *fake, const hay_future *future)
{
    for (size_t i = 0; i < fake->held_count; i++) {
        if (fake->held[i] == future) {
            memmove(fake->held + i,
                    fake->held + i + 1,
                    (fake->held_count - i - 1) * sizeof(*fake->held));
            fake->held_count--;
            return;
        }
    }
}

static void end_with(struct fake *fake,
                     hay_future *future,
                     hay_state state,
                     const struct hayi_result *like,
                     const char *reason,
                     const struct hayi_buffer *value)
{
    size_t size = value != NULL ? value->size : 0;
    if (fake->own_memory != NULL) {
        fake->own_memory(true);
    }
    struct hayi_result *result = malloc(sizeof(*result) + size);
    if (fake->own_memory != NULL) {
        fake->own_memory(false);
    }
    must(result != NULL);
    *result = *like;
    result->reason = reason != NULL ? strdup(reason) : NULL;
    result->value_size = size;
    if (size > 0) {
        memcpy(result->value, value->data, size);
    }
    hay_executor *ex = fake->ex;
    forget(fake, future);
    if (hayi_future_complete(future, state, result)) {
        hayi_executor_wake(ex);
    }
}

void fake_end(struct fake *fake,
              hay_future *future,
              hay_state state,
              const struct hayi_result *result,
              const char *reason)
{
    end_with(fake, future, state, result, reason, NULL);
}

void fake_finish(struct fake *fake, hay_future *future)
{
    const struct hayi_result ok = {.status = HAY_OK, .attempts = 1};
    end_with(fake, future, HAY_FINISHED, &ok, NULL, NULL);
}

void fake_finish_value(struct fake *fake,
                       hay_future *future,
                       hay_type type,
                       const void *data,
                       size_t size)
{
    const struct hayi_result ok = {.status = HAY_OK, .attempts = 1};
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    must(hayi_value_append(&value, type, data, size, NULL) == HAY_OK);
    end_with(fake, future, HAY_FINISHED, &ok, NULL, &value);
    hayi_buffer_fini(&value);
}

void fake_open_store(struct fake *fake, uint64_t limit_bytes)
{
    const struct hayi_store_config config = {.limit_bytes = limit_bytes,
                                             .spill_folder = ""};
    must(hayi_store_new(&fake->ex->store, NULL) == HAY_OK);
    must(hayi_store_configure(fake->ex->store, &config, NULL) == HAY_OK);
}

uint64_t fake_used(const struct fake *fake)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(fake->ex->store, &usage);
    return usage.used_bytes;
}

uint64_t fake_object(struct fake *fake, size_t size, char fill)
{
    hayi_place place = 0;
    void *data = NULL;
    must(hayi_store_create(fake->ex->store, size, &place, &data, NULL)
         == HAY_OK);
    memset(data, fill, size);
    ((char *)data)[size - 1] = 0;
    hayi_store_seal(fake->ex->store, place, 0);
    return place;
}

static void append_object(struct fake *fake,
                          struct hayi_buffer *value,
                          hay_type type,
                          size_t size,
                          uint64_t place)
{
    const struct hayi_object_value object = {
        .object = ++fake->objects, .place = place, .size = size};
    hay_array_view array = {.dtype = HAY_F64, .ndim = 2};
    array.shape[0] = size / 32;
    array.shape[1] = 4;
    must(hayi_value_append_object(value, type, &array, &object) == HAY_OK);
}

void fake_finish_object(struct fake *fake,
                        hay_future *future,
                        hay_type type,
                        size_t size,
                        uint64_t place)
{
    const struct hayi_result ok = {.status = HAY_OK, .object_count = 1};
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    append_object(fake, &value, type, size, place);
    atomic_store(&future->managed, 1);
    end_with(fake, future, HAY_FINISHED, &ok, NULL, &value);
    hayi_buffer_fini(&value);
}

void fake_finish_objects(struct fake *fake,
                         hay_future *future,
                         size_t size,
                         const uint64_t *places,
                         size_t count)
{
    const struct hayi_result ok = {.object_count = (uint32_t)count};
    struct hayi_value_head head = {.type = HAY_LIST, .count = (uint32_t)count};
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    must(hayi_buffer_append(&value, &head, sizeof(head)) == HAY_OK);
    for (size_t i = 0; i < count; i++) {
        append_object(fake, &value, HAY_BYTES, size, places[i]);
    }
    head.size = value.size - sizeof(head);
    memcpy(value.data, &head, sizeof(head));
    atomic_store(&future->managed, 1);
    end_with(fake, future, HAY_FINISHED, &ok, NULL, &value);
    hayi_buffer_fini(&value);
}

void fake_answer(struct fake *fake, uint64_t place)
{
    struct hayi_want_item *item = fake->want;
    fake->want = NULL;
    item->places[0] = place;
    if (place == 0) {
        (void)hayi_fail(&item->error, HAY_EFARM, "lost with worker 3");
    }
    hayi_want_answered(item);
}

void fake_finish_double(struct fake *fake, hay_future *future, double value)
{
    fake_finish_value(fake, future, HAY_DOUBLE, &value, sizeof(value));
}

void fake_fail(struct fake *fake, hay_future *future, const char *reason)
{
    const struct hayi_result failed = {.status = HAY_ETASK, .attempts = 1};
    end_with(fake, future, HAY_FAILED, &failed, reason, NULL);
}

void fake_finish_with(struct fake *fake,
                      hay_future *future,
                      const struct hayi_buffer *value)
{
    const struct hayi_result ok = {.status = HAY_OK, .attempts = 1};
    end_with(fake, future, HAY_FINISHED, &ok, NULL, value);
}

static void cancel_one(struct fake *fake, hay_future *future)
{
    const struct hayi_result cancelled = {.status = HAY_ECANCELLED};
    end_with(fake, future, HAY_CANCELLED, &cancelled, NULL, NULL);
}

void fake_range(struct fake *fake,
                hay_future *map,
                uint64_t first,
                uint64_t count,
                const hay_map_failure *failures,
                size_t failure_count)
{
    if (hayi_map_range_done(
            map, first, count, failures, failure_count, failure_count)) {
        hayi_executor_wake(fake->ex);
    }
}

/* ---- items
 * ------------------------------------------------------------------------ */

static void on_cancel(struct fake *fake, struct hayi_cancel_item *item)
{
    hay_state state = hay_future_state(item->future);
    fake->cancels++;
    if (state >= HAY_FINISHED) {
        item->status = HAY_EINVAL;
    } else if (state == HAY_RUNNING && item->future->map != NULL) {
        item->status = HAY_EPENDING;
    } else if (state == HAY_RUNNING) {
        item->status = item->force ? HAY_EPENDING : HAY_ERUNNING;
    } else {
        cancel_one(fake, item->future);
        item->status = HAY_OK;
    }
    atomic_store(&item->done, 1);
    hayi_executor_wake(fake->ex);
}

static void on_read(struct fake *fake, struct hayi_map_read_item *item)
{
    fake->reads++;
    fake->map_read = item->count;
    hay_future_release(item->map);
    free(item);
}

/* The thread: what a task's end is, follows from what it is. */
static void run_task(struct fake *fake, hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    struct hayi_value value;
    double result = (double)future->id;
    for (uint32_t i = 0; i < spec->dep_count - spec->any_count; i++) {
        if (hay_future_state(hayi_spec_deps(spec)[i]) == HAY_FAILED) {
            const struct hayi_result dependency = {.status = HAY_EDEPENDENCY};
            fake_end(fake, future, HAY_FAILED, &dependency, NULL);
            return;
        }
    }
    if (spec->kind == HAYI_TASK_FAKE && spec->fake_exit != 0) {
        const struct hayi_result failed = {.status = HAY_ETASK,
                                           .exit_code = spec->fake_exit};
        fake_end(fake, future, HAY_FAILED, &failed, NULL);
        return;
    }
    if (spec->kind == HAYI_TASK_FUNCTION
        && hayi_args_count(hayi_spec_args(spec)) > 0
        && hayi_args_get(hayi_spec_args(spec), 0, &value)
        && value.type == HAY_DOUBLE) {
        memcpy(&result, value.data, sizeof(result));
    }
    fake_finish_double(fake, future, result);
}

/* Ranges of 7 items, each third one late. */
static void run_map(struct fake *fake, hay_future *map)
{
    struct hayi_map_view view;
    hayi_map_get_view(map, &view);
    for (int late = 0; late < 2; late++) {
        for (uint64_t at = 0; at < view.count; at += 7) {
            uint64_t left = view.count - at;
            if ((at / 7 % 3 == 0) == (late == 1)) {
                fake_range(fake, map, at, left < 7 ? left : 7, NULL, 0);
            }
        }
    }
    fake_finish(fake, map);
}

static void hold(struct fake *fake, hay_future *future)
{
    if (fake->held_count == fake->held_room) {
        fake->held_room = fake->held_room == 0 ? 64 : 2 * fake->held_room;
        fake->held = realloc(fake->held, fake->held_room * sizeof(*fake->held));
        must(fake->held != NULL);
    }
    fake->held[fake->held_count++] = future;
}

static void on_close(struct fake *fake, struct hayi_close_item *item)
{
    fake->closes++;
    fake->cancel_pending = fake->cancel_pending || item->cancel_pending;
    for (size_t i = 0; fake->cancel_pending && i < fake->held_count;) {
        if (hay_future_state(fake->held[i]) < HAY_RUNNING) {
            cancel_one(fake, fake->held[i]);
        } else {
            i++;
        }
    }
    free(item);
}

static void name_object(void *context, struct hayi_object_value *object)
{
    object->object = ++((struct fake *)context)->objects;
}

static void on_put(struct fake *fake, hay_future *put)
{
    fake->puts++;
    if (fake->refuse_puts) {
        hayi_executor_refuse(fake->ex, &put->item);
        return;
    }
    must(hayi_value_objects(put->result->value,
                            put->result->value_size,
                            name_object,
                            fake,
                            NULL)
         == HAY_OK);
    atomic_store(&put->managed, put->result->object_count > 0);
    if (hayi_future_complete(put, HAY_FINISHED, put->result)) {
        hayi_executor_wake(fake->ex);
    }
}

static void drop_object(void *context, struct hayi_object_value *object)
{
    hayi_store_drop(((struct fake *)context)->ex->store, object->place);
}

static void on_release(struct fake *fake, hay_future *future)
{
    fake->releases++;
    (void)hayi_value_objects(future->result->value,
                             future->result->value_size,
                             drop_object,
                             fake,
                             NULL);
    hayi_future_free_record(future);
}

static void on_want(struct fake *fake, struct hayi_want_item *item)
{
    fake->wants++;
    if (item->node < 8) {
        fake->wanted_on[item->node] += item->object_count;
    }
    if (fake->answer_wants) {
        hayi_want_answered(item);
    } else {
        fake->want = item;
    }
}

static void on_item(struct fake *fake, struct hayi_item *item)
{
    switch (item->kind) {
    case HAYI_ITEM_PUT:
        on_put(fake, (hay_future *)(void *)item);
        break;
    case HAYI_ITEM_RELEASE:
        on_release(fake, (hay_future *)(void *)item);
        break;
    case HAYI_ITEM_WANT:
        on_want(fake, (struct hayi_want_item *)(void *)item);
        break;
    case HAYI_ITEM_SUBMIT: {
        hay_future *future = (hay_future *)(void *)item;
        fake->submits++;
        if (!fake->threaded) {
            hold(fake, future);
        } else if (future->map != NULL) {
            run_map(fake, future);
        } else {
            run_task(fake, future);
        }
        break;
    }
    case HAYI_ITEM_CANCEL:
        on_cancel(fake, (struct hayi_cancel_item *)(void *)item);
        break;
    case HAYI_ITEM_MAP_READ:
        on_read(fake, (struct hayi_map_read_item *)(void *)item);
        break;
    case HAYI_ITEM_CLOSE:
        on_close(fake, (struct hayi_close_item *)(void *)item);
        break;
    default:
        abort();
    }
}

/* ---- the thread
 * ------------------------------------------------------------------- */

static bool drain(struct fake *fake)
{
    struct hayi_mpsc_node *node;
    bool any = false;
    while ((node = hayi_mpsc_pop(&fake->inbox)) != NULL) {
        on_item(fake, (struct hayi_item *)(void *)node);
        any = true;
    }
    return any;
}

static void *thread_main(void *argument)
{
    struct fake *fake = argument;
    hayi_thread_set_no_wait(true);
    while (fake->closes == 0) {
        if (drain(fake)) {
            continue;
        }
        hayi_bell_announce(&fake->bell);
        if (!hayi_mpsc_maybe(&fake->inbox)) {
            struct pollfd on = {.fd = fake->bell.fd, .events = POLLIN};
            (void)poll(&on, 1, -1);
        }
        hayi_bell_awake(&fake->bell);
    }
    hayi_executor_set_ended(fake->ex);
    bool last;
    do {
        struct hayi_mpsc_node *node;
        last = hayi_executor_quiet(fake->ex);
        while ((node = hayi_mpsc_pop(&fake->inbox)) != NULL) {
            hayi_executor_refuse(fake->ex, (struct hayi_item *)(void *)node);
        }
    } while (!last);
    return NULL;
}

static void post(void *manager, struct hayi_item *item)
{
    struct fake *fake = manager;
    if (fake->threaded) {
        hayi_mpsc_push(&fake->inbox, &item->node);
        hayi_bell_ring(&fake->bell);
    } else {
        on_item(fake, item);
    }
}

static hay_status join(void *manager, struct hayi_error *err)
{
    struct fake *fake = manager;
    fake->joins++;
    if (fake->threaded) {
        (void)pthread_join(fake->thread, NULL);
    }
    if (fake->join_status != HAY_OK) {
        return hayi_fail(err, fake->join_status, "worker 3 was lost");
    }
    return HAY_OK;
}

/* ---- life
 * -------------------------------------------------------------------------- */

static const struct hayi_manager_ops ops = {post, join, NULL};

void fake_open(struct fake *fake, const hay_options *options, bool threaded)
{
    *fake = (struct fake){.threaded = threaded};
    hayi_mpsc_init(&fake->inbox);
    must(hayi_bell_init(&fake->bell) == HAY_OK);
    must(hayi_executor_new(options, &fake->ex) == HAY_OK);
    fake->ex->ops = &ops;
    fake->ex->manager = fake;
    atomic_store(&fake->ex->cores, 4);
    atomic_store(&fake->ex->cores_max, 4);
    atomic_store(&fake->ex->gpus_max, 1);
    atomic_store(&fake->ex->memory_max, UINT64_C(1) << 30);
    atomic_store(&fake->ex->workers, 1);
    if (threaded) {
        must(pthread_create(&fake->thread, NULL, thread_main, fake) == 0);
    }
}

void fake_stop(struct fake *fake)
{
    hayi_executor_set_ended(fake->ex);
}

void fake_close(struct fake *fake)
{
    while (fake->held_count > 0) {
        cancel_one(fake, fake->held[0]);
    }
    if (!fake->threaded) {
        fake_stop(fake);
    }
    hay_executor_free(fake->ex);
    hayi_bell_fini(&fake->bell);
    free(fake->held);
}
