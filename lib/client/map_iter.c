/* map_iter.c - walks over a map's results while it runs.
 *
 * Ordered: while the map runs, the items below 'prefix' come, without a mutex;
 * when it has ended, also what lies behind gaps (items that were never run).
 * Unordered: a list of finished ranges in order of arrival, which begins with
 * all that was done when the iterator was made.
 *
 * With a bound on unread items the manager is told how many were read when that
 * is a quarter of the bound more than it knows, and before each sleep.
 */
#include "config.h"

#include "client/executor.h"
#include "client/map.h"
#include "client/nested.h"
#include "client/result.h"

#include <stdlib.h>

struct hay_map_iter {
    hay_future *map; /* counted */
    struct hayi_map_state *state;
    bool ordered;
    struct hayi_range now; /* what can be given without a look */
    uint64_t next;         /* ordered: the next item not looked at */
    uint64_t read;
    uint64_t told;
    bool over;
};

hay_status hay_map_iter_new(hay_future *map, bool ordered, hay_map_iter **it)
{
    struct hayi_error *err = hayi_thread_error();
    if (map == NULL || map->map == NULL) {
        return hayi_fail(err, HAY_EINVAL, "this future is not a map");
    }
    struct hayi_map_state *state = map->map;
    hay_map_iter *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for an iterator");
    }
    if (atomic_exchange(&state->iterated, 1) != 0) {
        free(fresh);
        return hayi_fail(err, HAY_EINVAL, "this map has an iterator already");
    }
    if (!ordered) {
        (void)pthread_mutex_lock(&state->mutex);
        for (size_t i = 0; i < state->done.count; i++) {
            const struct hayi_range range = state->done.list[i];
            if (!hayi_ranges_append(&state->arrived, range, 0)) {
                atomic_store(&state->lossy, 1);
            }
            (void)atomic_fetch_add(&state->fresh, range.end - range.first);
        }
        state->keep_arrived = true;
        (void)pthread_mutex_unlock(&state->mutex);
    }
    fresh->map = hay_future_retain(map);
    fresh->state = state;
    fresh->ordered = ordered;
    *it = fresh;
    return HAY_OK;
}

/* ---- what comes next
 * ------------------------------------------------------------ */

/* The next range in order of arrival. */
static bool next_arrived(hay_map_iter *it)
{
    struct hayi_map_state *state = it->state;
    bool found = false;
    (void)pthread_mutex_lock(&state->mutex);
    if (state->arrived_head < state->arrived.count) {
        it->now = state->arrived.list[state->arrived_head++];
        found = true;
        (void)atomic_fetch_sub(&state->fresh, it->now.end - it->now.first);
        if (state->arrived_head > 64
            && state->arrived_head >= state->arrived.count / 2) {
            hayi_ranges_drop(&state->arrived, state->arrived_head);
            state->arrived_head = 0;
        }
    }
    (void)pthread_mutex_unlock(&state->mutex);
    return found;
}

/* The next range by index; behind gaps only when the map has ended. */
static bool next_ordered(hay_map_iter *it, bool ended)
{
    struct hayi_map_state *state = it->state;
    uint64_t prefix = atomic_load(&state->prefix);
    bool found = true;
    if (it->next < prefix) {
        it->now = (struct hayi_range){it->next, prefix};
    } else if (ended) {
        (void)pthread_mutex_lock(&state->mutex);
        found = hayi_ranges_from(&state->done, it->next, &it->now);
        (void)pthread_mutex_unlock(&state->mutex);
    } else {
        found = false;
    }
    if (found) {
        it->next = it->now.end;
    }
    return found;
}

static bool advance(hay_map_iter *it)
{
    /* First the end, then what is there: nothing comes after the end. */
    bool ended = hayi_future_ended(it->map);
    return it->ordered ? next_ordered(it, ended) : next_arrived(it);
}

/* ---- waiting for it
 * --------------------------------------------------------------- */

static void tell_read(hay_map_iter *it)
{
    uint64_t bound = it->state->view.unread_max;
    if (bound == 0 || it->told == it->read || hayi_future_ended(it->map)) {
        return;
    }
    struct hayi_map_read_item *item = calloc(1, sizeof(*item));
    if (item == NULL) {
        return; /* told the next time */
    }
    item->item.kind = HAYI_ITEM_MAP_READ;
    item->map = hay_future_retain(it->map);
    item->count = it->read;
    if (hayi_executor_post(it->map->ex, &item->item)) {
        it->told = it->read;
    } else {
        hay_future_release(item->map);
        free(item);
    }
}

static bool ready(void *argument)
{
    hay_map_iter *it = argument;
    atomic_store(&it->state->iterator_sleeps, 1);
    atomic_store(&it->map->waited, 1);
    return hayi_future_ended(it->map)
           || (it->ordered ? atomic_load(&it->state->prefix) > it->next
                           : atomic_load(&it->state->fresh) > 0);
}

static hay_status wait_for_more(hay_map_iter *it, uint64_t timeout_ns)
{
    tell_read(it);
    hayi_nested_waits_for(it->map->ex, it->map, false);
    hay_status st =
        hayi_executor_sleep(it->map->ex, ready, it, timeout_ns, true);
    hayi_nested_waits_for(it->map->ex, NULL, false);
    atomic_store(&it->state->iterator_sleeps, 0);
    if (st == HAY_ETIMEDOUT) {
        (void)hayi_fail(
            hayi_thread_error(), st, "no further item of the map is done");
    }
    return st;
}

/* All that was done has been given. */
static hay_status tell_end(hay_map_iter *it)
{
    struct hayi_error *err = hayi_thread_error();
    it->over = true;
    if (atomic_load(&it->state->lossy) != 0) {
        return hayi_fail(
            err, HAY_ENOMEM, "out of memory: some items were not told");
    }
    hay_status st = hayi_result_status(it->map, err);
    if (st == HAY_OK || st == HAY_ETASK) {
        return hayi_fail(err, HAY_EEMPTY, "the map has no further items");
    }
    return st;
}

hay_status
hay_map_iter_next(hay_map_iter *it, uint64_t timeout_ns, uint64_t *index)
{
    while (it->now.first == it->now.end) {
        bool ended = hayi_future_ended(it->map);
        if (advance(it)) {
            break;
        }
        if (ended) {
            return tell_end(it);
        }
        hay_status st = wait_for_more(it, timeout_ns);
        if (st != HAY_OK) {
            return st;
        }
    }
    *index = it->now.first++;
    it->read++;
    if (it->read - it->told > it->state->view.unread_max / 4
        && it->state->view.unread_max > 0) {
        tell_read(it);
    }
    return hayi_map_item_status(it->map, *index, hayi_thread_error());
}

void hay_map_iter_free(hay_map_iter *it)
{
    if (it == NULL) {
        return;
    }
    if (!it->over && it->read < it->state->view.count
        && !hay_future_done(it->map)) {
        struct hayi_error before = *hayi_thread_error();
        (void)hay_future_cancel(it->map, 0);
        *hayi_thread_error() = before;
    }
    (void)pthread_mutex_lock(&it->state->mutex);
    it->state->keep_arrived = false;
    (void)pthread_mutex_unlock(&it->state->mutex);
    hay_future_release(it->map);
    free(it);
}
