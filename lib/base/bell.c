/* bell.c - see bell.h.
 *
 * 'asleep' and the ringers' queues are accessed in a store-then-load pattern on
 * both sides (Dekker); the read-modify-write operations, all sequentially
 * consistent, give the order without a stand-alone fence.
 */
#include "config.h"

#include "base/bell.h"

#include "base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

hay_status hayi_bell_init(struct hayi_bell *bell)
{
    atomic_init(&bell->asleep, 0);
    bell->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell->fd < 0) {
        return hayi_fail(
            hayi_thread_error(), HAY_EIO, "eventfd: %s", strerror(errno));
    }
    return HAY_OK;
}

void hayi_bell_fini(struct hayi_bell *bell)
{
    if (bell->fd >= 0) {
        (void)close(bell->fd);
        bell->fd = -1;
    }
}

void hayi_bell_announce(struct hayi_bell *bell)
{
    (void)atomic_exchange(&bell->asleep, 1);
}

void hayi_bell_awake(struct hayi_bell *bell)
{
    /* A ringer clears 'asleep' first and writes later: read in any case, or a
     * late count would keep the descriptor readable. */
    (void)atomic_exchange(&bell->asleep, 0);
    uint64_t count;
    ssize_t n = read(bell->fd, &count, sizeof(count));
    (void)n;
}

void hayi_bell_ring(struct hayi_bell *bell)
{
    if (atomic_exchange(&bell->asleep, 0) != 0) {
        uint64_t one = 1;
        ssize_t n = write(bell->fd, &one, sizeof(one));
        (void)n;
    }
}
