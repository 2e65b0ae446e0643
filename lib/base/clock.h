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
/* Nanoseconds since 1970, as the system's clock shows them. */
uint64_t hayi_clock_unix_ns(void);
/* When a time that begins now is over; UINT64_MAX (also HAY_FOREVER): never. */
uint64_t hayi_clock_deadline(uint64_t timeout_ns);
/* What is left until then: 0 if it is over; UINT64_MAX for ever. */
uint64_t hayi_clock_left(uint64_t deadline_ns);

#endif
