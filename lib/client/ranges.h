/* ranges.h - a list of intervals of item numbers.
 *
 * Owns: its memory.
 * Never: allocates but when it grows.
 * Threads: one at a time.
 */
#ifndef HAYI_CLIENT_RANGES_H
#define HAYI_CLIENT_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hayi_range {
    uint64_t first;
    uint64_t end; /* one after the last */
};

struct hayi_ranges {
    struct hayi_range *list;
    size_t count;
    size_t room;
};

void hayi_ranges_init(struct hayi_ranges *ranges);
void hayi_ranges_fini(struct hayi_ranges *ranges);
/* Append one as it comes; joined with the last if it follows it and the last is
 * not before index 'fixed'.  false: memory is short. */
bool hayi_ranges_append(struct hayi_ranges *ranges,
                        struct hayi_range range,
                        size_t fixed);
/* Put one into a sorted list, joined with its neighbours; it must not overlap
 * them.  Costs a binary search and, in the middle, a move of what is behind. */
bool hayi_ranges_insert(struct hayi_ranges *ranges, struct hayi_range range);
/* In a sorted list: the rest of the first interval that ends after 'at'.
 * false: there is none. */
bool hayi_ranges_from(const struct hayi_ranges *ranges,
                      uint64_t at,
                      struct hayi_range *range);
/* Drop the first 'count'. */
void hayi_ranges_drop(struct hayi_ranges *ranges, size_t count);

#endif
