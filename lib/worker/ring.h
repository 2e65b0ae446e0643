/* ring.h - bytes from one process to another through memory that both have
 * mapped, and how a process sleeps until the other has something for it.
 *
 * One end writes, the other reads; what does not fit waits until the reader has
 * made room.  What the other end has written into the shared part is looked at,
 * never trusted: a ring whose counters cannot be right is damaged for ever.
 *
 * Owns: nothing; the memory is the caller's.
 * Never: allocates; waits, but for hayi_doze().
 * Threads: one at each end.
 */
#ifndef HAYI_WORKER_RING_H
#define HAYI_WORKER_RING_H

#include <hayfork/hayfork.h>
#include <stdalign.h>
#include <stdatomic.h>

/* In shared memory; all zero is an empty ring. */
struct hayi_ring_head {
    alignas(64) atomic_uint head; /* the reader's: bytes taken, modulo 2^32 */
    atomic_uint wants_room;       /* the writer waits for room */
    alignas(64) atomic_uint tail; /* the writer's: bytes put */
};

/* One end of it. */
struct hayi_ring {
    struct hayi_ring_head *shared;
    unsigned char *data;
    uint32_t size; /* a power of two */
    uint32_t mine; /* our counter: what the other end cannot change */
    bool damaged;
};

/* Put as much as there is room for; how much that was.  The reader sees it at
 * once; wake it with hayi_rouse(). */
size_t hayi_ring_put(struct hayi_ring *ring, const void *data, size_t size);
/* Take up to 'size' bytes; how many there were. */
size_t hayi_ring_take(struct hayi_ring *ring, void *data, size_t size);
/* Reader: how many bytes there are. */
size_t hayi_ring_filled(struct hayi_ring *ring);
/* Writer: how much room there is. */
size_t hayi_ring_room(struct hayi_ring *ring);
/* Writer: tell the reader to wake us when it has taken something; then look at
 * the room once more before sleeping. */
void hayi_ring_want_room(struct hayi_ring *ring);
/* Reader: did the writer ask for that?  Then rouse it. */
bool hayi_ring_room_wanted(struct hayi_ring *ring);

/* ---- sleeping ------------------------------------------------------------
 * The sleeper: hayi_doze_announce(), a last look at everything, then
 * hayi_doze() or hayi_doze_cancel().  The others: make the work visible, then
 * hayi_rouse().  'asleep' lies in shared memory and is 0 at first. */

void hayi_doze_announce(atomic_uint *asleep);
void hayi_doze_cancel(atomic_uint *asleep);
/* wait_ns: at most so long; UINT64_MAX: without a limit. */
void hayi_doze(atomic_uint *asleep, uint64_t wait_ns);
/* Costs an atomic load where nobody sleeps. */
void hayi_rouse(atomic_uint *asleep);

#endif
