/* bell.h - wakes one sleeping loop from other threads of its process.
 *
 * The loop: announce, look at everything once more, then poll() the
 * descriptor, then hayi_bell_awake().  Others: make their work visible, then
 * ring.  Ringing a loop that is awake costs one atomic operation.
 *
 * Owns: an eventfd.
 * Never: blocks.
 * Threads: ring from any; the rest from the loop's own.
 */
#ifndef HAYI_BASE_BELL_H
#define HAYI_BASE_BELL_H

#include <hayfork/hayfork.h>
#include <stdatomic.h>

struct hayi_bell {
    atomic_uint asleep;
    int fd;
};

hay_status hayi_bell_init(struct hayi_bell *bell);
void hayi_bell_fini(struct hayi_bell *bell);
void hayi_bell_announce(struct hayi_bell *bell);
void hayi_bell_awake(struct hayi_bell *bell);
void hayi_bell_ring(struct hayi_bell *bell);

#endif
