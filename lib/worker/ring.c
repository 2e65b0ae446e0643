/* ring.c - see ring.h.
 *
 * A counter is published by an atomic exchange and the flag of a sleeper is
 * written by one, so that either the sleeper sees the bytes or the other sees
 * that it sleeps (as in bell.c), without a stand-alone fence.
 */
#include "config.h"

#include "worker/ring.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

size_t hayi_ring_filled(struct hayi_ring *ring)
{
    uint32_t filled = atomic_load(&ring->shared->tail) - ring->mine;
    if (filled > ring->size) {
        ring->damaged = true;
    }
    return ring->damaged ? 0 : filled;
}

size_t hayi_ring_room(struct hayi_ring *ring)
{
    uint32_t filled = ring->mine - atomic_load(&ring->shared->head);
    if (filled > ring->size) {
        ring->damaged = true;
    }
    return ring->damaged ? 0 : ring->size - filled;
}

size_t hayi_ring_put(struct hayi_ring *ring, const void *data, size_t size)
{
    size_t room = hayi_ring_room(ring);
    size = size < room ? size : room;
    if (size == 0) {
        return 0;
    }
    size_t at = ring->mine & (ring->size - 1);
    size_t first = size < ring->size - at ? size : ring->size - at;
    memcpy(ring->data + at, data, first);
    memcpy(ring->data, (const unsigned char *)data + first, size - first);
    ring->mine += (uint32_t)size;
    (void)atomic_exchange(&ring->shared->tail, ring->mine);
    return size;
}

size_t hayi_ring_take(struct hayi_ring *ring, void *data, size_t size)
{
    size_t filled = hayi_ring_filled(ring);
    size = size < filled ? size : filled;
    if (size == 0) {
        return 0;
    }
    size_t at = ring->mine & (ring->size - 1);
    size_t first = size < ring->size - at ? size : ring->size - at;
    memcpy(data, ring->data + at, first);
    memcpy((unsigned char *)data + first, ring->data, size - first);
    ring->mine += (uint32_t)size;
    (void)atomic_exchange(&ring->shared->head, ring->mine);
    return size;
}

void hayi_ring_want_room(struct hayi_ring *ring)
{
    (void)atomic_exchange(&ring->shared->wants_room, 1);
}

bool hayi_ring_room_wanted(struct hayi_ring *ring)
{
    return atomic_load(&ring->shared->wants_room) != 0
           && atomic_exchange(&ring->shared->wants_room, 0) != 0;
}

void hayi_doze_announce(atomic_uint *asleep)
{
    (void)atomic_exchange(asleep, 1);
}

void hayi_doze_cancel(atomic_uint *asleep)
{
    (void)atomic_exchange(asleep, 0);
}

void hayi_doze(atomic_uint *asleep, uint64_t wait_ns)
{
    const struct timespec limit = {
        .tv_sec = (time_t)(wait_ns / 1000000000U),
        .tv_nsec = (long)(wait_ns % 1000000000U),
    };
    (void)syscall(SYS_futex,
                  (void *)asleep,
                  FUTEX_WAIT,
                  1,
                  wait_ns == UINT64_MAX ? NULL : &limit,
                  NULL,
                  0);
    (void)atomic_exchange(asleep, 0);
}

void hayi_rouse(atomic_uint *asleep)
{
    if (atomic_load(asleep) != 0 && atomic_exchange(asleep, 0) != 0) {
        (void)syscall(SYS_futex, (void *)asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
    }
}
