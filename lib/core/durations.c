/* durations.c - see durations.h.
 *
 * The average follows the last 16 or so, so that a category that changes is
 * followed; the histogram keeps everything, two buckets an octave.  All in
 * integers, so that every machine learns the same.
 */
#include "config.h"

#include "core/durations.h"

#include "core/alloc.h"

#include <stdlib.h>

#define MEAN_OF  16
#define USUAL_OF 5 /* fewer do not tell what is usual */

static size_t slot_of(uint32_t category)
{
    return category < HAYI_DURATIONS_MAX ? category : HAYI_DURATIONS_MAX - 1;
}

static struct hayi_duration *find(const struct hayi_durations *durations,
                                  uint32_t category)
{
    size_t slot = slot_of(category);
    return slot < durations->room ? durations->list[slot] : NULL;
}

/* 2 * floor(log2) + the bit below the highest. */
uint32_t hayi_durations_bucket(uint64_t ns)
{
    if (ns < 2) {
        return 0;
    }
    uint32_t top = 63u - (uint32_t)__builtin_clzll(ns);
    return 2 * top + (uint32_t)(ns >> (top - 1) & 1u);
}

void hayi_durations_init(struct hayi_durations *durations)
{
    *durations = (struct hayi_durations){.list = NULL};
}

void hayi_durations_fini(struct hayi_durations *durations)
{
    for (size_t i = 0; i < durations->room; i++) {
        free(durations->list[i]);
    }
    free(durations->list);
    hayi_durations_init(durations);
}

hay_status hayi_durations_reserve(struct hayi_durations *durations,
                                  uint32_t category)
{
    if (find(durations, category) != NULL) {
        return HAY_OK;
    }
    size_t slot = slot_of(category);
    void *list = durations->list;
    if (!hayi_alloc_grow(
            &list, &durations->room, slot + 1, sizeof(*durations->list))) {
        return HAY_ENOMEM;
    }
    durations->list = list;
    durations->list[slot] = hayi_alloc(1, sizeof(**durations->list));
    if (durations->list[slot] == NULL) {
        return HAY_ENOMEM;
    }
    durations->count++;
    return HAY_OK;
}

void hayi_durations_learn(struct hayi_durations *durations,
                          uint32_t category,
                          uint64_t run_ns)
{
    struct hayi_duration *d = find(durations, category);
    if (d == NULL) {
        return;
    }
    if (run_ns > UINT64_MAX / (2 * MEAN_OF)) {
        run_ns = UINT64_MAX / (2 * MEAN_OF);
    }
    d->count++;
    uint64_t of = d->count < MEAN_OF ? d->count : MEAN_OF;
    d->mean_ns = (d->mean_ns * (of - 1) + run_ns + of / 2) / of;
    uint32_t bucket = hayi_durations_bucket(run_ns);
    if (d->bucket[bucket] < UINT32_MAX) {
        d->bucket[bucket]++;
    }
    if (run_ns > d->most_ns[bucket]) {
        d->most_ns[bucket] = run_ns;
    }
    if (run_ns > durations->longest_ns) {
        durations->longest_ns = run_ns;
    }
}

uint64_t hayi_durations_expected_ns(const struct hayi_durations *durations,
                                    uint32_t category)
{
    const struct hayi_duration *d = find(durations, category);
    if (d == NULL || d->count == 0) {
        return 0;
    }
    return d->mean_ns == 0 ? 1 : d->mean_ns;
}

uint64_t hayi_durations_quantile_ns(const struct hayi_durations *durations,
                                    uint32_t category,
                                    uint32_t permille)
{
    const struct hayi_duration *d = find(durations, category);
    if (d == NULL || d->count == 0) {
        return 0;
    }
    uint64_t all = 0;
    for (uint32_t i = 0; i < HAYI_DURATIONS_BUCKETS; i++) {
        all += d->bucket[i];
    }
    uint64_t below = 0;
    for (uint32_t i = 0; i < HAYI_DURATIONS_BUCKETS; i++) {
        below += d->bucket[i];
        if (below * 1000 >= all * permille && below > 0) {
            return d->most_ns[i] > 0 ? d->most_ns[i] : 1;
        }
    }
    return durations->longest_ns;
}

uint64_t hayi_durations_usual_ns(const struct hayi_durations *durations,
                                 uint32_t category)
{
    const struct hayi_duration *d = find(durations, category);
    if (d == NULL || d->count < USUAL_OF) {
        return 0;
    }
    return hayi_durations_quantile_ns(durations, category, 900);
}

size_t hayi_durations_bytes(const struct hayi_durations *durations)
{
    return durations->room * sizeof(*durations->list)
           + durations->count * sizeof(struct hayi_duration);
}
