/* mover.c - see mover.h.  Not there yet: every transfer fails. */
#include "config.h"

#include "data/mover.h"

#include <stdio.h>
#include <stdlib.h>

enum { FAILED_MAX = 256 };

struct hayi_mover {
    struct hayi_moved failed[FAILED_MAX];
    size_t count;
};

hay_status hayi_mover_new(const struct hayi_mover_config *config,
                          struct hayi_mover **mover,
                          struct hayi_error *err)
{
    (void)config;
    *mover = calloc(1, sizeof(**mover));
    return *mover != NULL ? HAY_OK
                          : hayi_fail(err, HAY_ENOMEM, "out of memory");
}

void hayi_mover_free(struct hayi_mover *mover)
{
    free(mover);
}

static void fail(struct hayi_mover *mover, uint32_t transfer, bool received)
{
    if (mover->count < FAILED_MAX) {
        struct hayi_moved *moved = &mover->failed[mover->count++];
        *moved = (struct hayi_moved){.transfer = transfer,
                                     .received = received,
                                     .status = HAY_EUNSUPPORTED};
        (void)snprintf(moved->words,
                       sizeof(moved->words),
                       "objects cannot be moved between nodes yet");
    }
}

void hayi_mover_send(struct hayi_mover *mover,
                     uint32_t transfer,
                     hayi_place place,
                     uint64_t size_bytes,
                     uint32_t peer)
{
    (void)place;
    (void)size_bytes;
    (void)peer;
    fail(mover, transfer, false);
}

void hayi_mover_receive(struct hayi_mover *mover,
                        uint32_t transfer,
                        uint64_t name,
                        uint64_t size_bytes,
                        uint32_t peer)
{
    (void)name;
    (void)size_bytes;
    (void)peer;
    fail(mover, transfer, true);
}

bool hayi_mover_poll(struct hayi_mover *mover, uint64_t now_ns)
{
    (void)mover;
    (void)now_ns;
    return false;
}

bool hayi_mover_next(struct hayi_mover *mover, struct hayi_moved *moved)
{
    if (mover->count == 0) {
        return false;
    }
    *moved = mover->failed[--mover->count];
    return true;
}

void hayi_mover_bulk(struct hayi_mover *mover,
                     uint64_t cookie,
                     hay_status status)
{
    (void)mover;
    (void)cookie;
    (void)status;
}
