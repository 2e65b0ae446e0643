/* chaos.h - a cluster, its work and its disasters, all from one seed.
 *
 * Owns: nothing; the cluster is the caller's.
 * Never: reads a clock.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_CHAOS_H
#define HAYI_SIM_CHAOS_H

#include "sim/cluster.h"

struct hayi_chaos_limits {
    uint32_t workers_max; /* at least 2 */
    uint32_t tasks_max;   /* at least 1 */
    uint64_t items_max;   /* of one map; at least 1 */
};

/* The cluster of this seed, with all its wishes; NULL when memory is short.
 * about[size]: a line that tells what it is.  trace: may be NULL. */
struct hayi_sim *
hayi_chaos_new(uint64_t seed,
               const struct hayi_chaos_limits *limits,
               void (*trace)(void *context, uint64_t now_ns, const char *line),
               void *context,
               char *about,
               size_t size);

#endif
