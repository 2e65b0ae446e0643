/* ringer.c - see ringer.h.
 *
 * On the board: sender: count, exchange the flag for 0; receiver: exchange the
 * flag for 1, look at the counts.  All sequentially consistent, so that one of
 * the two sees the other.
 */
#include "config.h"

#include "transport/ringer.h"

#include <assert.h>
#include <stdlib.h>

struct place {
    /* On the board; NULL: not there. */
    atomic_uint *asleep;
    atomic_uint *to_it;
    atomic_uint *from_it;
    /* Told by bells. */
    uint32_t heard;
    bool remote;
    struct hayi_dgram_card card;
};

struct hayi_ringer {
    struct hayi_dgram *dgram;
    struct hayi_board board; /* no members: there is none */
    uint32_t own;            /* on the board */
    uint32_t self;
    uint32_t peer_count;
    atomic_uint *asleep; /* ours */
    atomic_uint lonely;  /* ours if there is no board */
    struct place places[];
};

hay_status hayi_ringer_new(uint32_t self,
                           uint32_t peer_count,
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
    r->self = self;
    r->peer_count = peer_count;
    atomic_init(&r->lonely, 0);
    r->asleep = &r->lonely;
    *ringer = r;
    return HAY_OK;
}

void hayi_ringer_free(struct hayi_ringer *ringer)
{
    if (ringer == NULL) {
        return;
    }
    hayi_dgram_free(ringer->dgram);
    hayi_board_fini(&ringer->board);
    free(ringer);
}

void hayi_ringer_board(struct hayi_ringer *ringer,
                       const struct hayi_board *board,
                       uint32_t own)
{
    ringer->board = *board;
    ringer->own = own;
    ringer->asleep = hayi_board_asleep(board, own);
}

void hayi_ringer_local(struct hayi_ringer *ringer,
                       uint32_t peer,
                       const struct hayi_dgram_card *card,
                       uint32_t member)
{
    struct place *place = &ringer->places[peer];
    const struct hayi_board *board = &ringer->board;
    if (board->members > 0) {
        place->asleep = hayi_board_asleep(board, member);
        place->to_it = hayi_board_sent(board, ringer->own, member);
        place->from_it = hayi_board_sent(board, member, ringer->own);
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

void hayi_ringer_ring(struct hayi_ringer *ringer, uint32_t peer, uint32_t sent)
{
    struct place *place = &ringer->places[peer];
    if (place->asleep == NULL) {
        hayi_dgram_ring(ringer->dgram, peer, ringer->self, sent);
        return;
    }
    atomic_store(place->to_it, sent);
    if (atomic_exchange(place->asleep, 0) != 0) {
        hayi_dgram_ring(ringer->dgram, peer, ringer->self, sent);
    }
}

uint32_t hayi_ringer_heard(const struct hayi_ringer *ringer, uint32_t peer)
{
    const struct place *place = &ringer->places[peer];
    return place->from_it != NULL ? atomic_load(place->from_it) : place->heard;
}

static void hear(void *context, uint32_t from, uint32_t sent)
{
    struct hayi_ringer *ringer = context;
    /* Bells pass each other; numbers wrap. */
    if (from < ringer->peer_count
        && sent - ringer->places[from].heard <= UINT32_MAX / 2) {
        ringer->places[from].heard = sent;
    }
}

void hayi_ringer_announce(struct hayi_ringer *ringer)
{
    (void)atomic_exchange(ringer->asleep, 1);
}

void hayi_ringer_awake(struct hayi_ringer *ringer)
{
    /* Also when nobody has cleared the flag: the bell of one who had cleared
     * it for the sleep before may have come now. */
    (void)atomic_exchange(ringer->asleep, 0);
    hayi_dgram_drain(ringer->dgram, hear, ringer);
}

size_t
hayi_ringer_fds(struct hayi_ringer *ringer, struct pollfd *list, size_t room)
{
    return hayi_dgram_fds(ringer->dgram, list, room);
}
