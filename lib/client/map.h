/* map.h - the inside of a map: what is done of it, and what failed.
 *
 * Owns: the finished intervals, the failures, their snapshots for the user.
 * Never: touches the items.
 * Threads: the manager reports, any thread looks; the mutex is held for short
 *     copies only.
 */
#ifndef HAYI_CLIENT_MAP_H
#define HAYI_CLIENT_MAP_H

#include "client/future.h"
#include "client/ranges.h"

#include <pthread.h>

struct hayi_map_failures; /* a snapshot for the user */

struct hayi_map_state {
    /* set before the submit, then read only */
    struct hayi_map_view view;

    /* manager writes, any thread reads */
    atomic_uint_fast64_t done_count;
    atomic_uint_fast64_t failed_count;
    atomic_uint_fast64_t prefix; /* items 0 .. prefix-1 are done */
    atomic_uint_fast64_t fresh;  /* items in 'arrived' */
    atomic_uint lossy;           /* memory was short: intervals are missing */

    /* the iterator's thread */
    atomic_uint iterated; /* there is one, or was */
    atomic_uint iterator_sleeps;

    /* under the mutex */
    pthread_mutex_t mutex;
    struct hayi_ranges done;    /* sorted, joined */
    bool keep_arrived;          /* an unordered iterator wants ... */
    struct hayi_ranges arrived; /* ... them in order of arrival */
    size_t arrived_head;        /* those before it were taken */
    hay_map_failure *failures;  /* sorted by index; texts malloc'ed or "" */
    size_t failure_count;
    size_t failure_room;
    size_t worded;
    struct hayi_map_failures *snapshots;
};

/* NULL is fine. */
void hayi_map_state_free(struct hayi_map_state *state);
/* "3 of 10 items failed, first item 4: no peak"; the manager, at the end. */
void hayi_map_word_failures(hay_future *map, char *text, size_t size);
/* Did item 'index' fail?  HAY_OK, or its status with words in 'err'. */
hay_status
hayi_map_item_status(hay_future *map, uint64_t index, struct hayi_error *err);

#endif
