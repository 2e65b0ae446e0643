/* margin.h - how long before a process is killed it stops to work.
 *
 * Owns: nothing.
 * Never: looks at a clock.
 * Threads: any.
 */
#ifndef HAYI_BASE_MARGIN_H
#define HAYI_BASE_MARGIN_H

#include <stdint.h>

/* limit_ns: from its start to its end.  A tenth of it, 5 s at least, 60 s at
 * most. */
static inline uint64_t hayi_margin_ns(uint64_t limit_ns)
{
    const uint64_t second = UINT64_C(1000000000);
    uint64_t margin_ns = limit_ns / 10;
    margin_ns = margin_ns > 5 * second ? margin_ns : 5 * second;
    return margin_ns < 60 * second ? margin_ns : 60 * second;
}

#endif
