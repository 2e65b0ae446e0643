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

uint64_t hayi_clock_unix_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

uint64_t hayi_clock_deadline(uint64_t timeout_ns)
{
    if (timeout_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = hayi_clock_ns();
    return timeout_ns < UINT64_MAX - now_ns ? now_ns + timeout_ns : UINT64_MAX;
}

uint64_t hayi_clock_left(uint64_t deadline_ns)
{
    if (deadline_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = hayi_clock_ns();
    return now_ns < deadline_ns ? deadline_ns - now_ns : 0;
}
