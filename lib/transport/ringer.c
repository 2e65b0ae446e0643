/* ringer.c - see ringer.h.
 *
 * Sleeper: flag = 1 (exchange), look once more, sleep.  Sender: make the work
 * visible, exchange the flag for 0, ring if it was 1.  Both are sequentially
 * consistent read-modify-writes, so that one of the two sees the other.
 */
#include "config.h"

#include "transport/ringer.h"

#include <stdlib.h>

struct place {
    atomic_uint *asleep; /* NULL: cannot be seen */
    bool remote;
    struct hayi_dgram_card card;
};

struct hayi_ringer {
    struct hayi_dgram *dgram;
    struct hayi_sleepflag *flags; /* NULL: there are none */
    uint32_t flag_count;
    atomic_uint *asleep; /* ours */
    atomic_uint lonely;  /* ours if there are no flags */
    bool always_drain;   /* somebody rings without seeing our flag */
    struct place places[];
};

hay_status hayi_ringer_new(uint32_t peer_count,
                           struct hayi_ringer **ringer,
                           struct hayi_dgram_card *card,
                           struct hayi_error *err)
{
    struct hayi_ringer *r =
        calloc(1, sizeof *r + peer_count * sizeof r->places[0]);
    if (r == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the bells");
    }
    hay_status st = hayi_dgram_new(peer_count, &r->dgram, card, err);
    if (st != HAY_OK) {
        free(r);
        return st;
    }
    atomic_init(&r->lonely, 0);
    r->asleep = &r->lonely;
    r->always_drain = true;
    *ringer = r;
    return HAY_OK;
}

void hayi_ringer_free(struct hayi_ringer *ringer)
{
    if (ringer == NULL) {
        return;
    }
    hayi_dgram_free(ringer->dgram);
    hayi_sleepflag_free(ringer->flags, ringer->flag_count);
    free(ringer);
}

void hayi_ringer_local(struct hayi_ringer *ringer,
                       uint32_t peer,
                       const struct hayi_dgram_card *card,
                       uint32_t flag)
{
    if (ringer->flags != NULL) {
        ringer->places[peer].asleep = &ringer->flags[flag].asleep;
    }
    hayi_dgram_local(ringer->dgram, peer, card);
}

void hayi_ringer_remote(struct hayi_ringer *ringer,
                        uint32_t peer,
                        uint32_t address,
                        const struct hayi_dgram_card *card)
{
    ringer->places[peer].remote = true;
    ringer->places[peer].card = *card;
    ringer->always_drain = true;
    hayi_dgram_remote(ringer->dgram, peer, address, card);
}

void hayi_ringer_address(struct hayi_ringer *ringer,
                         uint32_t peer,
                         uint32_t address)
{
    struct place *place = &ringer->places[peer];
    if (place->remote) {
        hayi_dgram_remote(ringer->dgram, peer, address, &place->card);
    }
}

void hayi_ringer_flags(struct hayi_ringer *ringer,
                       struct hayi_sleepflag *flags,
                       uint32_t count,
                       uint32_t own)
{
    ringer->flags = flags;
    ringer->flag_count = count;
    ringer->asleep = &flags[own].asleep;
    ringer->always_drain = false;
}

void hayi_ringer_ring(struct hayi_ringer *ringer, uint32_t peer)
{
    atomic_uint *asleep = ringer->places[peer].asleep;
    if (asleep == NULL || atomic_exchange(asleep, 0) != 0) {
        hayi_dgram_ring(ringer->dgram, peer);
    }
}

void hayi_ringer_ring_sleeper(struct hayi_ringer *ringer, uint32_t peer)
{
    atomic_uint *asleep = ringer->places[peer].asleep;
    if (asleep != NULL && atomic_load(asleep) != 0) {
        hayi_ringer_ring(ringer, peer);
    }
}

void hayi_ringer_announce(struct hayi_ringer *ringer)
{
    (void)atomic_exchange(ringer->asleep, 1);
}

void hayi_ringer_awake(struct hayi_ringer *ringer)
{
    /* Who rang has cleared the flag first.  One that is late leaves its bell
     * for the next sleep, which is short then. */
    if (atomic_exchange(ringer->asleep, 0) == 0 || ringer->always_drain) {
        hayi_dgram_drain(ringer->dgram);
    }
}

size_t
hayi_ringer_fds(struct hayi_ringer *ringer, struct pollfd *list, size_t room)
{
    return hayi_dgram_fds(ringer->dgram, list, room);
}
