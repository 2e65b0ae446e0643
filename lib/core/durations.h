/* durations.h - what was learned of how long tasks of each category take.
 *
 * Owns: a histogram and a moving average for each category.
 * Never: forgets a category; numbers beyond the limit share the last one.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_DURATIONS_H
#define HAYI_CORE_DURATIONS_H

#include <hayfork/hayfork.h>

#define HAYI_DURATIONS_MAX     4096 /* categories */
#define HAYI_DURATIONS_BUCKETS 128  /* two an octave of nanoseconds */

struct hayi_duration {
    uint64_t count;
    uint64_t mean_ns; /* moving, the last 16 or so */
    uint32_t bucket[HAYI_DURATIONS_BUCKETS];
    uint64_t most_ns[HAYI_DURATIONS_BUCKETS]; /* the longest in each */
};

struct hayi_durations {
    struct hayi_duration **list; /* by category; NULL: nothing yet */
    size_t room;
    size_t count;        /* that are not NULL */
    uint64_t longest_ns; /* of all categories */
};

void hayi_durations_init(struct hayi_durations *durations);
void hayi_durations_fini(struct hayi_durations *durations);
/* Make room for what will be learned of a category.  HAY_ENOMEM. */
hay_status hayi_durations_reserve(struct hayi_durations *durations,
                                  uint32_t category);
/* Learn one; needs a reserve of the category at some time. */
void hayi_durations_learn(struct hayi_durations *durations,
                          uint32_t category,
                          uint64_t run_ns);
/* What one may take, at least 1; 0: nothing is known. */
uint64_t hayi_durations_expected_ns(const struct hayi_durations *durations,
                                    uint32_t category);
/* The time that 'permille' of all stay within, one that was measured: the
 * longest of its bucket; 0: nothing is known. */
uint64_t hayi_durations_quantile_ns(const struct hayi_durations *durations,
                                    uint32_t category,
                                    uint32_t permille);
/* What nearly all stay below (9 of 10, within a factor of 1.5); 0: too few are
 * known to tell. */
uint64_t hayi_durations_usual_ns(const struct hayi_durations *durations,
                                 uint32_t category);
/* The bucket that a time belongs to. */
uint32_t hayi_durations_bucket(uint64_t ns);
size_t hayi_durations_bytes(const struct hayi_durations *durations);

#endif
