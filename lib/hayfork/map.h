/* hayfork/map.h - maps: a function on many items; included by hayfork.h.
 */
#ifndef HAYFORK_MAP_H
#define HAYFORK_MAP_H

#ifndef HAYFORK_HAYFORK_H
#error "include <hayfork/hayfork.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hay_map_options {
    size_t size;
    const char *name; /* copied */
    int32_t priority;
    bool stop_on_failure; /* default: go on with the other items */
    uint64_t first;       /* index of the first item, for ranges (in == NULL) */
    uint64_t range_max;   /* items in one hand-out; 0: adapts */
    uint64_t unread_max;  /* items handed out and not yet read by an iterator,
                             without which the map then stands still;
                             0: no bound */
    void *user;
    hay_queue *queue;
    hay_runner runner;   /* thread or process; DEFAULT: the executor's, process
                            with a limit */
    const char *request; /* for each range, as in hay_task_options */
    /* Each is one item's.  One that is above a limit fails alone, in a process
     * slot; the others go on.  With one of these a map function of your own
     * gets one item at a time. */
    uint64_t time_limit_ns; /* 0: none */
    uint64_t grace_ns;      /* as of a function; 0: 2 s */
    uint64_t
        memory_limit_bytes; /* what its process has taken for it; 0: none */
    uint32_t retries; /* further tries where it failed; at most 65,535; 0 */
    uint64_t retry_pause_ns; /* before try 2, double before 3, ..., at most 64
                                times; <= 1 h; its slot waits; 0 */
    uint32_t memory_retries; /* further tries after its memory limit, at once
                                and where it failed, each with twice the limit;
                                at most 16; 0.  The request is its range's and
                                stays as it is: one of memory has to be enough
                                for the last try */
} hay_map_options;
#define HAY_MAP_OPTIONS_INIT                                                   \
    {                                                                          \
        sizeof(hay_map_options), NULL, 0, false, 0, 0, 0, NULL, NULL,          \
            HAY_RUNNER_DEFAULT, NULL, 0, 0, 0, 0, 0, 0                         \
    }
void hay_map_options_init(hay_map_options *options);

/* Run 'function' on n items.  in[n]: borrowed until the map is done; NULL: the
 * items are the indices first .. first+n-1 (registered in_size 0 or 8 bytes,
 * uint64_t).  out[n]: borrowed until the map is done.  map: a future that is
 * finished when all items are, failed if one failed; its result is HAY_NONE. */
hay_status hay_map(hay_executor *ex,
                   hay_map_fn function,
                   const hay_map_options *options,
                   const void *in,
                   uint64_t n,
                   void *out,
                   hay_future **map);

typedef struct hay_map_failure {
    uint64_t index;
    hay_status status;
    int code;
    const char *text;
} hay_map_failure;
/* The items that failed so far (after the end: all that ran and failed, at
 * most 10,000 with words, in index order), borrowed until release. */
hay_status
hay_map_failures(hay_future *map, const hay_map_failure **list, size_t *count);
/* How many items are done by now, and how many of them failed. */
hay_status
hay_map_progress(hay_future *map, uint64_t *done_count, uint64_t *failed_count);

/* Walk over results as they come: ordered (item 0, 1, ...) or as they are
 * done.  One iterator a map, one thread an iterator at a time.  it: given
 * (hay_map_iter_free); freeing it before its end cancels the rest of the map.
 */
hay_status hay_map_iter_new(hay_future *map, bool ordered, hay_map_iter **it);
/* The next item's index: its result is in out[index].  HAY_EEMPTY at the end;
 * HAY_ETASK: this item failed ('index' is written, go on if you like);
 * HAY_ETIMEDOUT; HAY_ECANCELLED. */
hay_status
hay_map_iter_next(hay_map_iter *it, uint64_t timeout_ns, uint64_t *index);
void hay_map_iter_free(hay_map_iter *it);

#ifdef __cplusplus
}
#endif
#endif
