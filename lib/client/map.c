/* map.c - see map.h.
 *
 * The manager reports finished ranges in any order.  They are kept as sorted
 * intervals, joined with their neighbours, so that there are about as many as
 * there are ranges on the workers.  What most look for is published besides,
 * without the mutex: how many are done, how many failed, and up to where all is
 * done, which is all that an ordered iterator needs to know while the map runs.
 * Failed items are kept sorted by index; almost always a new one goes to the
 * end.
 */
#include "config.h"

#include "client/map.h"

#include "client/check.h"
#include "client/executor.h"
#include "client/limits.h"
#include "client/nested.h"
#include "client/submit.h"
#include "client/task_options.h"
#include "wire/nest.h"
#include "worker/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDED_MAX = 10000, NAME_MAX_BYTES = 1023 };

struct hayi_map_failures {
    struct hayi_map_failures *next;
    size_t count;
    hay_map_failure list[];
};

static const char no_text[] = "";

/* ---- state
 * ---------------------------------------------------------------------- */

static struct hayi_map_state *state_new(const struct hayi_map_view *view)
{
    struct hayi_map_state *state = calloc(1, sizeof(*state));
    if (state != NULL) {
        state->view = *view;
        (void)pthread_mutex_init(&state->mutex, NULL);
    }
    return state;
}

void hayi_map_state_free(struct hayi_map_state *state)
{
    if (state == NULL) {
        return;
    }
    for (size_t i = 0; i < state->failure_count; i++) {
        if (state->failures[i].text != no_text) {
            free((void *)(uintptr_t)state->failures[i].text);
        }
    }
    for (struct hayi_map_failures *s = state->snapshots, *next; s != NULL;
         s = next) {
        next = s->next;
        free(s);
    }
    free(state->failures);
    hayi_ranges_fini(&state->done);
    hayi_ranges_fini(&state->arrived);
    (void)pthread_mutex_destroy(&state->mutex);
    free(state);
}

void hayi_map_get_view(const hay_future *map, struct hayi_map_view *view)
{
    *view = map->map->view;
}

bool hayi_map_attach(hay_future *future, const struct hayi_map_view *view)
{
    future->map = state_new(view);
    return future->map != NULL;
}

void hayi_map_set_view(hay_future *map, const struct hayi_map_view *view)
{
    map->map->view = *view;
}

/* ---- failures
 * ---------------------------------------------------------------------- */

/* Where 'index' stands, or would stand. */
static size_t failure_at(const struct hayi_map_state *state, uint64_t index)
{
    size_t low = 0;
    size_t high = state->failure_count;
    if (high > 0 && state->failures[high - 1].index < index) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (state->failures[middle].index < index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* With the mutex.  false: memory is short, it is left out. */
static bool add_failure(struct hayi_map_state *state,
                        const hay_map_failure *failure)
{
    if (state->failure_count == state->failure_room) {
        size_t room = state->failure_room == 0 ? 16 : 2 * state->failure_room;
        hay_map_failure *more = realloc(state->failures, room * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        state->failures = more;
        state->failure_room = room;
    }
    hay_map_failure kept = *failure;
    const char *text = failure->text;
    kept.text = no_text;
    if (text != NULL && text[0] != 0 && state->worded < WORDED_MAX) {
        char *copy = strdup(text);
        if (copy != NULL) {
            kept.text = copy;
            state->worded++;
        }
    }
    size_t at = failure_at(state, failure->index);
    memmove(state->failures + at + 1,
            state->failures + at,
            (state->failure_count - at) * sizeof(kept));
    state->failures[at] = kept;
    state->failure_count++;
    return true;
}

hay_status
hayi_map_item_status(hay_future *map, uint64_t index, struct hayi_error *err)
{
    struct hayi_map_state *state = map->map;
    hay_status st = HAY_OK;
    if (atomic_load(&state->failed_count) == 0) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&state->mutex);
    size_t at = failure_at(state, index);
    if (at < state->failure_count && state->failures[at].index == index) {
        const char *text = state->failures[at].text;
        st = hayi_fail(err,
                       HAY_ETASK,
                       "item %" PRIu64 " failed%s%s",
                       index,
                       text[0] != 0 ? ": " : "",
                       text);
    }
    (void)pthread_mutex_unlock(&state->mutex);
    return st;
}

void hayi_map_word_failures(hay_future *map, char *text, size_t size)
{
    struct hayi_map_state *state = map->map;
    (void)pthread_mutex_lock(&state->mutex);
    uint64_t failed = atomic_load(&state->failed_count);
    if (failed > 0 && state->failure_count > 0) {
        const hay_map_failure *first = &state->failures[0];
        (void)snprintf(text,
                       size,
                       "%" PRIu64 " of %" PRIu64
                       " items failed, first item %" PRIu64 "%s%s",
                       failed,
                       state->view.count,
                       first->index,
                       first->text[0] != 0 ? ": " : "",
                       first->text);
    }
    (void)pthread_mutex_unlock(&state->mutex);
}

static bool is_map(const hay_future *map)
{
    if (map == NULL || map->map == NULL) {
        (void)hayi_fail(
            hayi_thread_error(), HAY_EINVAL, "this future is not a map");
        return false;
    }
    return true;
}

/* The newest snapshot, or a newer one; with the mutex.  NULL: no memory. */
static const struct hayi_map_failures *snapshot(struct hayi_map_state *state)
{
    struct hayi_map_failures *s = state->snapshots;
    if (s != NULL && s->count == state->failure_count) {
        return s;
    }
    s = malloc(sizeof(*s) + state->failure_count * sizeof(s->list[0]));
    if (s != NULL) {
        s->count = state->failure_count;
        if (s->count > 0) {
            memcpy(s->list, state->failures, s->count * sizeof(s->list[0]));
        }
        s->next = state->snapshots;
        state->snapshots = s;
    }
    return s;
}

hay_status
hay_map_failures(hay_future *map, const hay_map_failure **list, size_t *count)
{
    if (!is_map(map)) {
        return HAY_EINVAL;
    }
    (void)pthread_mutex_lock(&map->map->mutex);
    const struct hayi_map_failures *s = snapshot(map->map);
    (void)pthread_mutex_unlock(&map->map->mutex);
    if (s == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_ENOMEM,
                         "out of memory for the failures of a map");
    }
    *list = s->list;
    *count = s->count;
    return HAY_OK;
}

hay_status
hay_map_progress(hay_future *map, uint64_t *done_count, uint64_t *failed_count)
{
    if (!is_map(map)) {
        return HAY_EINVAL;
    }
    if (failed_count != NULL) {
        *failed_count = atomic_load(&map->map->failed_count);
    }
    if (done_count != NULL) {
        *done_count = atomic_load(&map->map->done_count);
    }
    return HAY_OK;
}

/* ---- the manager's reports
 * ----------------------------------------------------------- */

/* With the mutex. */
static void note_range(struct hayi_map_state *state, struct hayi_range range)
{
    bool kept = hayi_ranges_insert(&state->done, range);
    if (kept && state->done.list[0].first == 0) {
        atomic_store(&state->prefix, state->done.list[0].end);
    }
    if (state->keep_arrived) {
        kept = hayi_ranges_append(&state->arrived, range, state->arrived_head)
               && kept;
        (void)atomic_fetch_add(&state->fresh, range.end - range.first);
    }
    if (!kept) {
        atomic_store(&state->lossy, 1);
    }
}

bool hayi_map_range_done(hay_future *map,
                         uint64_t first,
                         uint64_t count,
                         const hay_map_failure *failures,
                         size_t failure_count,
                         uint64_t failed_total)
{
    struct hayi_map_state *state = map->map;
    if (count == 0) {
        return false;
    }
    (void)pthread_mutex_lock(&state->mutex);
    for (size_t i = 0; i < failure_count; i++) {
        if (!add_failure(state, &failures[i])) {
            atomic_store(&state->lossy, 1);
        }
    }
    (void)atomic_fetch_add(&state->failed_count, failed_total);
    (void)atomic_fetch_add(&state->done_count, count);
    note_range(state, (struct hayi_range){first, first + count});
    (void)pthread_mutex_unlock(&state->mutex);
    return atomic_load(&state->iterator_sleeps) != 0;
}

/* ---- submit
 * ------------------------------------------------------------------------- */

void hay_map_options_init(hay_map_options *options)
{
    *options = (hay_map_options)HAY_MAP_OPTIONS_INIT;
}

static hay_status wrong(const char *what)
{
    return hayi_fail(hayi_thread_error(), HAY_EINVAL, "hay_map: %s", what);
}

static bool too_large(uint64_t n, size_t size)
{
    return size > 0 && n > (uint64_t)(SIZE_MAX / 2) / size;
}

static struct hayi_limits limits_of(const hay_map_options *options)
{
    return (struct hayi_limits){
        .time_ns = options->time_limit_ns,
        .grace_ns = options->grace_ns,
        .memory_bytes = options->memory_limit_bytes,
        .memory_retries = options->memory_retries,
    };
}

static bool is_limited(const hay_map_options *options)
{
    return options->time_limit_ns != 0 || options->memory_limit_bytes != 0;
}

static hay_status check_limits(const hay_map_options *options)
{
    const struct hayi_limits limits = limits_of(options);
    if (options->runner == HAY_RUNNER_THREAD && is_limited(options)) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EUNSUPPORTED,
                         "hay_map: items with a time or memory limit need "
                         "process slots, not threads");
    }
    if (options->retries > UINT16_MAX) {
        return wrong("more than 65,535 retries");
    }
    if (options->retry_pause_ns > (uint64_t)HAYI_PAUSE_MS_MAX * 1000000) {
        return wrong("a retry pause of more than an hour");
    }
    return hayi_limits_sane(&limits, hayi_thread_error());
}

static hay_status check_map(const hay_map_options *options,
                            const struct hayi_function *function,
                            const void *in,
                            uint64_t n,
                            const void *out)
{
    hay_status st = hayi_check_in(
        options, sizeof(*options), "hay_map_options", hayi_thread_error());
    if (st == HAY_OK) {
        st = hayi_check_text(
            options->name, NAME_MAX_BYTES, "the name", hayi_thread_error());
    }
    if (st != HAY_OK) {
        return st;
    }
    if ((int)options->runner < HAY_RUNNER_DEFAULT
        || options->runner > HAY_RUNNER_PROCESS) {
        return wrong("its runner is a thread or a process");
    }
    st = check_limits(options);
    if (st != HAY_OK) {
        return st;
    }
    if (n > UINT64_C(1) << 63) {
        return wrong("more than 2^63 items");
    }
    if (in == NULL && n > 0 && function->in_size != 0
        && function->in_size != sizeof(uint64_t)) {
        return wrong("'in' is NULL, but the function does not take indices "
                     "(items of 0 or 8 bytes)");
    }
    if (in != NULL && function->in_size == 0) {
        return wrong("'in' is given, but the function takes indices only");
    }
    if (in != NULL && options->first != 0) {
        return wrong("'first' is for ranges, without 'in'");
    }
    if (options->first > UINT64_MAX - n) {
        return wrong("the indices do not fit into 64 bits");
    }
    if (out == NULL && n > 0 && function->out_size > 0) {
        return wrong("'out' is NULL");
    }
    if ((in != NULL && too_large(n, function->in_size))
        || too_large(n, function->out_size)) {
        return wrong("the arrays cannot be that large");
    }
    if (function->in_size + function->out_size > HAY_ARGS_MAX) {
        return hayi_fail(hayi_thread_error(),
                         HAY_ETOOBIG,
                         "an item has %zu bytes: at most %zu travel by value",
                         function->in_size + function->out_size,
                         HAY_ARGS_MAX);
    }
    return HAY_OK;
}

/* The items travel to the farm's first rank in one record. */
static hay_status check_sent(const struct hayi_function *function, uint64_t n)
{
    const uint64_t most = HAYI_NEST_WHOLE_MAX - 2 * HAYI_NEST_PIECE;
    if (function->in_size == 0 || n <= most / function->in_size) {
        return HAY_OK;
    }
    return hayi_fail(hayi_thread_error(),
                     HAY_ETOOBIG,
                     "%" PRIu64 " items of %zu bytes: a map of a task on "
                     "another rank, or in a child process, takes at most "
                     "%" PRIu64 " bytes",
                     n,
                     function->in_size,
                     most);
}

static bool runs_in_process(const hay_executor *ex,
                            const hay_map_options *options)
{
    return options->runner == HAY_RUNNER_PROCESS
           || (options->runner == HAY_RUNNER_DEFAULT
               && (ex->process || is_limited(options)));
}

/* No try of an item may take more than was requested for it. */
static hay_status check_request(const hay_executor *ex,
                                const hay_map_options *options,
                                const struct hayi_needs *needs)
{
    const struct hayi_variant plain = {.memory_bytes = needs->memory_bytes};
    const struct hayi_variant *variants = &plain;
    uint64_t last = options->memory_limit_bytes << options->memory_retries;
    size_t count = 1;
    if (options->memory_retries == 0) {
        return HAY_OK;
    }
    if (needs->request != 0) {
        variants =
            hayi_resources_variants(ex->resources, needs->request, &count);
    }
    for (size_t v = 0; v < count; v++) {
        if (variants[v].memory_bytes != 0 && variants[v].memory_bytes < last) {
            return hayi_fail(hayi_thread_error(),
                             HAY_EINVAL,
                             "hay_map: the last try of an item may take "
                             "%" PRIu64 " bytes of memory, but the request is "
                             "of %" PRIu64,
                             last,
                             variants[v].memory_bytes);
        }
    }
    return HAY_OK;
}

/* Of each of its ranges. */
static hay_status needs_of(hay_executor *ex,
                           const hay_map_options *options,
                           struct hayi_needs *needs)
{
    struct hayi_error *err = hayi_thread_error();
    uint32_t request = 0;
    *needs = (struct hayi_needs){.cores = 1};
    hay_status st = hayi_resources_request(
        ex->resources, needs, options->request, NULL, &request, err);
    needs->request = request & (HAYI_REQUEST_MAX - 1);
    if (st == HAY_OK) {
        st = check_request(ex, options, needs);
    }
    return st == HAY_OK && request != 0
               ? hayi_task_options_feasible(ex, needs, err)
               : st;
}

static hay_status make_map(hay_executor *ex,
                           const hay_map_options *options,
                           const struct hayi_needs *needs,
                           const struct hayi_map_view *view,
                           hay_future **map)
{
    const struct hayi_future_plan plan = {
        .name = options->name,
        .limits = is_limited(options),
    };
    hay_future *fresh = hayi_future_new(ex, &plan);
    struct hayi_map_state *state = state_new(view);
    if (fresh == NULL || state == NULL) {
        free(fresh);
        hayi_map_state_free(state);
        return hayi_fail(
            hayi_thread_error(), HAY_ENOMEM, "out of memory for a map");
    }
    fresh->map = state;
    fresh->spec->kind = HAYI_TASK_MAP;
    fresh->spec->needs = *needs;
    fresh->spec->priority = options->priority;
    fresh->spec->process = runs_in_process(ex, options);
    fresh->spec->retries = (uint16_t)options->retries;
    fresh->spec->pause =
        hayi_spec_pause((options->retry_pause_ns + 999999) / 1000000);
    if (plan.limits) {
        *hayi_spec_limits_room(fresh->spec) = limits_of(options);
    }
    fresh->spec->user = options->user;
    *map = fresh;
    return HAY_OK;
}

hay_status hay_map(hay_executor *ex,
                   hay_map_fn function,
                   const hay_map_options *options,
                   const void *in,
                   uint64_t n,
                   void *out,
                   hay_future **map)
{
    static const hay_map_options defaults = HAY_MAP_OPTIONS_INIT;
    const hay_map_options *o = options != NULL ? options : &defaults;
    hay_future *fresh = NULL;
    uint32_t index = hayi_registry_find_map(function);
    if (ex == NULL || index == UINT32_MAX) {
        return wrong(ex == NULL ? "the executor is NULL"
                                : "this function is not registered: define it "
                                  "with HAY_MAP_TASK or call "
                                  "hay_register_map() first");
    }
    const struct hayi_function *f = hayi_registry_get(index);
    hay_status st = check_map(o, f, in, n, out);
    if (st == HAY_OK && runs_in_process(ex, o)) {
        st = hayi_task_options_can_process(ex, hayi_thread_error());
    }
    if (st == HAY_OK && ex->ops->admit != NULL && in != NULL) {
        st = check_sent(f, n);
    }
    struct hayi_needs needs;
    if (st == HAY_OK) {
        st = needs_of(ex, o, &needs);
    }
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_map_view view = {
        .in = in,
        .out = out,
        .in_size = f->in_size,
        .out_size = f->out_size,
        .first_index = o->first,
        .count = n,
        .range_max = o->range_max,
        .unread_max = o->unread_max,
        .stop_on_failure = o->stop_on_failure,
    };
    st = make_map(ex, o, &needs, &view, &fresh);
    if (st != HAY_OK) {
        return st;
    }
    fresh->spec->function = index;
    return hayi_submit_post(fresh, o->queue, map, hayi_thread_error());
}
