/* clock.c - see clock.h. */
#include "config.h"

#include "base/clock.h"

#include <time.h>

uint64_t hayi_clock_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}
