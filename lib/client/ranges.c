/* ranges.c - see ranges.h. */
#include "config.h"

#include "client/ranges.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void hayi_ranges_init(struct hayi_ranges *ranges)
{
    *ranges = (struct hayi_ranges){NULL, 0, 0};
}

void hayi_ranges_fini(struct hayi_ranges *ranges)
{
    free(ranges->list);
    hayi_ranges_init(ranges);
}

static bool grow(struct hayi_ranges *ranges)
{
    if (ranges->count < ranges->room) {
        return true;
    }
    size_t room = ranges->room == 0 ? 16 : 2 * ranges->room;
    struct hayi_range *list =
        realloc(ranges->list, room * sizeof(*ranges->list));
    if (list == NULL) {
        return false;
    }
    ranges->list = list;
    ranges->room = room;
    return true;
}

bool hayi_ranges_append(struct hayi_ranges *ranges,
                        struct hayi_range range,
                        size_t fixed)
{
    if (ranges->count > fixed
        && ranges->list[ranges->count - 1].end == range.first) {
        ranges->list[ranges->count - 1].end = range.end;
        return true;
    }
    if (!grow(ranges)) {
        return false;
    }
    ranges->list[ranges->count++] = range;
    return true;
}

/* The index of the first interval that ends after 'at'. */
static size_t search(const struct hayi_ranges *ranges, uint64_t at)
{
    size_t low = 0;
    size_t high = ranges->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ranges->list[middle].end > at) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

static void cut(struct hayi_ranges *ranges, size_t index)
{
    memmove(ranges->list + index,
            ranges->list + index + 1,
            (ranges->count - index - 1) * sizeof(*ranges->list));
    ranges->count--;
}

bool hayi_ranges_insert(struct hayi_ranges *ranges, struct hayi_range range)
{
    size_t at = search(ranges, range.first);
    struct hayi_range *list = ranges->list;
    assert(at == ranges->count || list[at].first >= range.end);
    bool joins_before = at > 0 && list[at - 1].end == range.first;
    bool joins_after = at < ranges->count && list[at].first == range.end;
    if (joins_before && joins_after) {
        list[at - 1].end = list[at].end;
        cut(ranges, at);
    } else if (joins_before) {
        list[at - 1].end = range.end;
    } else if (joins_after) {
        list[at].first = range.first;
    } else {
        if (!grow(ranges)) {
            return false;
        }
        memmove(ranges->list + at + 1,
                ranges->list + at,
                (ranges->count - at) * sizeof(*ranges->list));
        ranges->list[at] = range;
        ranges->count++;
    }
    return true;
}

bool hayi_ranges_from(const struct hayi_ranges *ranges,
                      uint64_t at,
                      struct hayi_range *range)
{
    size_t index = search(ranges, at);
    if (index == ranges->count) {
        return false;
    }
    *range = ranges->list[index];
    if (range->first < at) {
        range->first = at;
    }
    return true;
}

void hayi_ranges_drop(struct hayi_ranges *ranges, size_t count)
{
    assert(count <= ranges->count);
    if (count > 0) {
        memmove(ranges->list,
                ranges->list + count,
                (ranges->count - count) * sizeof(*ranges->list));
        ranges->count -= count;
    }
}
