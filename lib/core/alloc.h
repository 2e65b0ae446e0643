/* alloc.h - the memory of the scheduler, and a way to make it short.
 *
 * Owns: a countdown of the calling thread, for tests only.
 * Never: ends the program; every caller copes with NULL.
 * Threads: any; the countdown is the thread's own.
 */
#ifndef HAYI_CORE_ALLOC_H
#define HAYI_CORE_ALLOC_H

#include <hayfork/hayfork.h>

/* Zeroed memory for 'count' items; given (free).  NULL when it is short. */
void *hayi_alloc(size_t count, size_t item_bytes);

/* Let *list hold 'needed' items at least, by doubling.  *room: items that it
 * can hold.  New room is zeroed.  False when memory is short: unchanged. */
bool hayi_alloc_grow(void **list,
                     size_t *room,
                     size_t needed,
                     size_t item_bytes);

/* For tests: of the thread's next allocations the n-th (from 1) fails, once.
 * 0: none does. */
void hayi_alloc_fail_at(uint64_t n);
/* For tests: how many the thread has made since the last fail_at. */
uint64_t hayi_alloc_count(void);

#endif
