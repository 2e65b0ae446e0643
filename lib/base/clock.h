/* clock.h - the monotonic clock of this process.
 *
 * Owns: nothing.
 * Never: used by the core, the wire or worker_state; time comes to them in
 *     events.
 * Threads: any.
 */
#ifndef HAYI_BASE_CLOCK_H
#define HAYI_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC; the same for all processes of a host. */
uint64_t hayi_clock_ns(void);

#endif
