/* future.c - see future.h.
 *
 * Counts: one for the manager from the submit to the end, one for the caller if
 * the future is wanted, one for each dependent that has not ended, one in each
 * queue and callback.  The end publishes in this order: result, state, closed
 * stack of watches; whoever sleeps looks at the last of them.
 *
 * A future that is managed goes to the manager with its last count, as an item
 * of the inbox; after the manager's end it is freed like any other.  One that
 * is freed has ended, and holds no inputs any more: nothing hangs on it.
 */
#include "config.h"

#include "client/future.h"

#include "client/executor.h"
#include "client/map.h"
#include "client/nested.h"
#include "client/objects.h"
#include "client/watch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct hay_future) == 80, "memory of a queued task");
static_assert(sizeof(struct hayi_spec) == 88, "memory of a queued task");

/* ---- the specification behind it -------------------------------------------
 */

uint8_t hayi_spec_pause(uint64_t pause_ms)
{
    uint64_t left = (pause_ms + 9) / 10;
    unsigned exponent = 0;
    assert(pause_ms <= HAYI_PAUSE_MS_MAX);
    while (left > 15) {
        left = (left + 1) / 2;
        exponent++;
    }
    return (uint8_t)(exponent << 4 | left);
}

uint32_t hayi_spec_pause_ms(const struct hayi_spec *spec)
{
    return (uint32_t)(spec->pause & 15) * 10 << (spec->pause >> 4);
}

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

struct hayi_limits *hayi_spec_limits_room(struct hayi_spec *spec)
{
    char *args = hayi_spec_args_room(spec);
    return spec->has_limits ? (void *)(args + padded(spec->args_size)) : NULL;
}

const struct hayi_limits *hayi_spec_limits(const struct hayi_spec *spec)
{
    static const struct hayi_limits none;
    const char *args = hayi_spec_args(spec);
    return spec->has_limits ? (const void *)(args + padded(spec->args_size))
                            : &none;
}

/* Bytes of what stands between the arguments and the names. */
static size_t extras_size(const struct hayi_spec *spec)
{
    return (spec->has_limits ? sizeof(struct hayi_limits) : 0)
           + (spec->has_key ? sizeof(struct hayi_spec_key) : 0);
}

struct hayi_spec_key *hayi_spec_key_room(struct hayi_spec *spec)
{
    char *args = hayi_spec_args_room(spec);
    return spec->has_key
               ? (void *)(args + padded(spec->args_size)
                          + (spec->has_limits ? sizeof(struct hayi_limits) : 0))
               : NULL;
}

const struct hayi_spec_key *hayi_spec_key(const struct hayi_spec *spec)
{
    const char *args = hayi_spec_args(spec);
    return spec->has_key
               ? (const void *)(args + padded(spec->args_size)
                                + (spec->has_limits ? sizeof(struct hayi_limits)
                                                    : 0))
               : NULL;
}

static const char *names_of(const struct hayi_spec *spec)
{
    return (const char *)hayi_spec_args(spec) + padded(spec->args_size)
           + extras_size(spec);
}

const char *hayi_spec_name(const struct hayi_spec *spec)
{
    return spec->name_size > 0 ? names_of(spec) : "";
}

const char *hayi_spec_category(const struct hayi_spec *spec)
{
    size_t before = spec->name_size > 0 ? (size_t)spec->name_size + 1 : 0;
    return spec->category_size > 0 ? names_of(spec) + before : "";
}

hay_future *hayi_future_new(hay_executor *ex,
                            const struct hayi_future_plan *plan)
{
    size_t name_size = plan->name != NULL ? strlen(plan->name) : 0;
    size_t category_size = plan->category != NULL ? strlen(plan->category) : 0;
    assert(name_size <= UINT16_MAX && category_size <= UINT8_MAX);
    assert(plan->args_size <= UINT32_MAX && plan->dep_count <= UINT32_MAX);
    size_t limits_size = plan->limits ? sizeof(struct hayi_limits) : 0;
    size_t key_size = plan->key ? sizeof(struct hayi_spec_key) : 0;
    hay_future *future = malloc(sizeof(*future) + sizeof(struct hayi_spec)
                                + plan->dep_count * sizeof(hay_future *)
                                + padded(plan->args_size) + limits_size
                                + key_size + (name_size > 0 ? name_size + 1 : 0)
                                + (category_size > 0 ? category_size + 1 : 0));
    if (future == NULL) {
        return NULL;
    }
    struct hayi_spec *spec = (struct hayi_spec *)(void *)(future + 1);
    memset(future, 0, sizeof(*future) + sizeof(*spec));
    future->item.kind = HAYI_ITEM_SUBMIT;
    atomic_init(&future->refs, 1);
    atomic_init(&future->state, HAY_PENDING);
    atomic_init(&future->watches, NULL);
    future->ex = ex;
    future->spec = spec;
    spec->dep_count = (uint32_t)plan->dep_count;
    spec->args_size = (uint32_t)plan->args_size;
    char *names = (char *)hayi_spec_args_room(spec) + padded(plan->args_size);
    if (plan->limits) {
        spec->has_limits = true;
        memset(names, 0, limits_size);
        names += limits_size;
    }
    if (plan->key) {
        spec->has_key = true;
        memset(names, 0, key_size);
        names += key_size;
    }
    if (name_size > 0) {
        spec->name_size = (uint16_t)name_size;
        memcpy(names, plan->name, name_size + 1);
        names += name_size + 1;
    }
    if (category_size > 0) {
        spec->category_size = (uint8_t)category_size;
        memcpy(names, plan->category, category_size + 1);
    }
    return future;
}

size_t hayi_spec_text_size(const struct hayi_spec *spec)
{
    return padded(spec->args_size) + extras_size(spec)
           + (spec->name_size > 0 ? (size_t)spec->name_size + 1 : 0)
           + (spec->category_size > 0 ? (size_t)spec->category_size + 1 : 0);
}

static hay_future *
restore(hay_executor *ex, const struct hayi_spec *spec, size_t text_size)
{
    size_t deps = spec->dep_count * sizeof(hay_future *);
    hay_future *future =
        calloc(1, sizeof(*future) + sizeof(*spec) + deps + text_size);
    if (future != NULL) {
        future->item.kind = HAYI_ITEM_SUBMIT;
        atomic_init(&future->refs, 1);
        atomic_init(&future->state, HAY_PENDING);
        future->ex = ex;
        future->spec = (struct hayi_spec *)(void *)(future + 1);
        *future->spec = *spec;
    }
    return future;
}

hay_future *hayi_future_restore(hay_executor *ex,
                                const struct hayi_spec *spec,
                                const void *text,
                                size_t text_size)
{
    hay_future *future = restore(ex, spec, text_size);
    if (future == NULL) {
        return NULL;
    }
    char *place = hayi_spec_args_room(future->spec);
    memcpy(place, text, text_size);
    place += padded(spec->args_size) + extras_size(spec);
    if (spec->name_size > 0) { /* the ends are not taken on trust */
        place[spec->name_size] = 0;
        place += (size_t)spec->name_size + 1;
    }
    if (spec->category_size > 0) {
        place[spec->category_size] = 0;
    }
    return future;
}

void hayi_future_discard(hay_future *future)
{
    hayi_result_free(future->ex, future->result);
    hayi_map_state_free(future->map);
    free(future);
}

/* ---- counts and looks
 * ---------------------------------------------------------- */

hay_future *hay_future_retain(hay_future *future)
{
    if (future != NULL) {
        (void)atomic_fetch_add_explicit(&future->refs, 1, memory_order_relaxed);
    }
    return future;
}

void hayi_future_free_record(hay_future *future)
{
    hay_executor *ex = future->ex;
    assert(atomic_load_explicit(&future->refs, memory_order_relaxed) == 0);
    hayi_result_free(ex, future->result);
    hayi_map_state_free(future->map);
    free(future);
    hayi_executor_release(ex);
}

/* false: the manager does not want it back. */
static bool give_back(hay_future *future)
{
    if (atomic_load_explicit(&future->managed, memory_order_relaxed) == 0) {
        return false;
    }
    future->item.kind = HAYI_ITEM_RELEASE;
    return hayi_executor_post(future->ex, &future->item);
}

void hay_future_release(hay_future *future)
{
    if (future == NULL
        || atomic_fetch_sub_explicit(&future->refs, 1, memory_order_acq_rel)
               != 1) {
        return;
    }
    hayi_views_release(future);
    if (!give_back(future)) {
        hayi_future_free_record(future);
    }
}

hay_task_id hay_future_id(const hay_future *future)
{
    return future->id;
}

const char *hay_future_name(const hay_future *future)
{
    return hayi_spec_name(future->spec);
}

void *hay_future_user(const hay_future *future)
{
    return future->spec->user;
}

hay_state hay_future_state(const hay_future *future)
{
    unsigned state = atomic_load_explicit(&future->state, memory_order_acquire);
    if (state < HAY_FINISHED && hayi_nested_look()) {
        state = atomic_load_explicit(&future->state, memory_order_acquire);
    }
    return (hay_state)state;
}

bool hay_future_done(const hay_future *future)
{
    return hay_future_state(future) >= HAY_FINISHED;
}

bool hayi_future_ended(hay_future *future)
{
    return atomic_load(&future->watches) == HAYI_WATCH_CLOSED;
}

void hayi_future_label(const hay_future *future, char *text, size_t size)
{
    const char *kind = "task";
    if (future->spec->kind == HAYI_TASK_PUT) {
        kind = "put";
    } else if (future->map != NULL) {
        kind = "map";
    }
    const char *name = hay_future_name(future);
    if (name[0] != 0) {
        (void)snprintf(text,
                       size,
                       "%s %llu (%.100s)",
                       kind,
                       (unsigned long long)future->id,
                       name);
    } else {
        (void)snprintf(
            text, size, "%s %llu", kind, (unsigned long long)future->id);
    }
}

/* ---- the end
 * --------------------------------------------------------------------- */

void hayi_future_set_state(hay_future *future, hay_state state)
{
    assert(state < HAY_FINISHED);
    atomic_store_explicit(
        &future->state, (unsigned char)state, memory_order_release);
}

/* The input because of which this one ends: the one that leads to the culprit,
 * else the first that ended so. */
static const hay_future *guilty_input(const hay_future *future, hay_state state)
{
    const struct hayi_spec *spec = future->spec;
    hay_future *const *deps = hayi_spec_deps(spec);
    hay_task_id culprit = future->result->culprit;
    const hay_future *first = NULL;
    for (uint32_t i = 0; i < spec->dep_count - spec->any_count; i++) {
        if (hay_future_state(deps[i]) != state) {
            continue;
        }
        if (culprit == 0 || deps[i]->id == culprit
            || (deps[i]->result != NULL
                && deps[i]->result->culprit == culprit)) {
            return deps[i];
        }
        first = first == NULL ? deps[i] : first;
    }
    return first;
}

static void word_input(const hay_future *future, char *text, size_t size)
{
    bool failed = future->result->status == HAY_EDEPENDENCY;
    const hay_future *input =
        guilty_input(future, failed ? HAY_FAILED : HAY_CANCELLED);
    char label[160];
    if (input == NULL) {
        (void)snprintf(text, size, "%s", failed ? "an input failed" : "");
        return;
    }
    const struct hayi_result *result = input->result;
    const char *reason =
        result != NULL && result->reason != NULL ? result->reason : "";
    hayi_future_label(input, label, sizeof(label));
    if (failed && result != NULL && result->status == HAY_EDEPENDENCY) {
        (void)snprintf(text, size, "%s", reason);
    } else if (failed) {
        (void)snprintf(text, size, "%s: %s", label, reason);
    } else if (reason[0] != 0) {
        (void)snprintf(text, size, "%s", reason);
    } else {
        (void)snprintf(text, size, "its input %s was cancelled", label);
    }
}

/* Words for a result that has none. */
static void word_result(hay_future *future)
{
    struct hayi_result *result = future->result;
    char text[700] = "";
    if (result->status == HAY_EDEPENDENCY || result->status == HAY_ECANCELLED) {
        word_input(future, text, sizeof(text));
    } else if (result->signal != 0) {
        (void)snprintf(text, sizeof(text), "signal %d", (int)result->signal);
    } else if (future->map != NULL) {
        hayi_map_word_failures(future, text, sizeof(text));
    } else if (result->exit_code != 0) {
        (void)snprintf(
            text, sizeof(text), "exit status %d", (int)result->exit_code);
    }
    if (text[0] != 0) {
        result->reason = strdup(text);
    }
}

/* One task less; true: somebody may sleep until there are fewer. */
static bool count_down(hay_executor *ex)
{
    uint64_t left = atomic_fetch_sub(&ex->unfinished, 1) - 1;
    return atomic_load(&ex->submitters) > 0
           && left <= ex->pending_max - ex->pending_max / 8;
}

bool hayi_future_complete(hay_future *future,
                          hay_state state,
                          struct hayi_result *result)
{
    hay_executor *ex = future->ex;
    const struct hayi_spec *spec = future->spec;
    assert(state >= HAY_FINISHED);
    assert(!hay_future_done(future));
    if (future->result != result) {
        hayi_result_free(ex, future->result); /* a put that is refused */
    }
    future->result = result;
    future->task = 0;
    if (result != NULL && result->reason == NULL && state != HAY_FINISHED) {
        word_result(future);
    }
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        hay_future_release(hayi_spec_deps(spec)[i]);
    }
    atomic_store_explicit(
        &future->state, (unsigned char)state, memory_order_release);
    bool wake = hayi_watch_close(future);
    wake = atomic_load(&future->waited) != 0 || wake;
    wake = count_down(ex) || wake;
    hay_future_release(future);
    return wake;
}
