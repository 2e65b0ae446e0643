/* peers.c - see peers.h. */
#include "config.h"

#include "transport/peers.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { SILENT_LOOKS = 4 }; /* before a dying peer is down */

#define SIDE_NS         UINT64_C(5000000) /* between looks at the side */
#define EXPECT_NS       UINT64_C(1000000000)
#define GRACE_LOCAL_NS  UINT64_C(2000000)  /* for a dead peer's last frames */
#define GRACE_REMOTE_NS UINT64_C(20000000) /* ... of another host */

/* ---- the start ---------------------------------------------------------- */

hay_status hayi_peers_init(struct hayi_peers *peers,
                           uint32_t self,
                           uint32_t count,
                           struct hayi_card *card,
                           struct hayi_error *err)
{
    *peers = (struct hayi_peers){.self = self, .count = count};
    peers->list = calloc(count, sizeof *peers->list);
    if (peers->list == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the peers");
    }
    hay_status st =
        hayi_ringer_new(self, count, &peers->ringer, &card->dgram, err);
    if (st == HAY_OK && self == 0 && count > 1) {
        st = hayi_side_listen(count, &peers->side, &card->side, err);
    }
    return st;
}

void hayi_peers_fini(struct hayi_peers *peers)
{
    for (uint32_t i = 0; peers->list != NULL && i < peers->count; i++) {
        struct hayi_parcel *parcel = NULL;
        while ((parcel = peers->list[i].early) != NULL) {
            peers->list[i].early = parcel->next;
            hayi_parcel_put(&peers->pool, parcel);
        }
    }
    hayi_side_free(peers->side);
    hayi_ringer_free(peers->ringer);
    hayi_parcel_pool_fini(&peers->pool);
    free(peers->list);
    *peers = (struct hayi_peers){.count = 0};
}

void hayi_peers_board(struct hayi_peers *peers,
                      const struct hayi_board *board,
                      const struct hayi_card *own)
{
    hayi_ringer_board(peers->ringer, board, own->peer.node_rank);
}

static void meet(struct hayi_peers *peers,
                 uint32_t peer,
                 const struct hayi_card *own,
                 const struct hayi_card *card)
{
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    bool local = card->node == own->node;
    uint32_t count =
        hayi_netaddr_order(&own->addresses, &card->addresses, local, list);
    peers->list[peer].local = local;
    if (local) {
        hayi_ringer_local(
            peers->ringer, peer, &card->dgram, card->peer.node_rank);
    } else {
        hayi_ringer_remote(
            peers->ringer, peer, count > 0 ? list[0] : 0, &card->dgram);
    }
    if (peer == 0 && peers->self != 0) {
        /* Without it no death of the manager is seen; its silence is. */
        (void)hayi_side_connect(
            peers->self, &card->side, list, count, &peers->side, NULL);
    }
}

void hayi_peers_meet(struct hayi_peers *peers,
                     const struct hayi_card *cards,
                     int manager)
{
    int count = (int)peers->count;
    const struct hayi_card *own = &cards[((int)peers->self + manager) % count];
    for (int i = 0; i < count; i++) {
        meet(peers, (uint32_t)i, own, &cards[(i + manager) % count]);
    }
}

/* ---- deaths ------------------------------------------------------------- */

void hayi_peers_die(struct hayi_peers *peers, uint32_t peer, const char *how)
{
    struct hayi_peer *p = &peers->list[peer];
    if (p->life != HAYI_ALIVE || peer == peers->self) {
        return;
    }
    p->life = HAYI_DYING;
    p->silent = 0;
    p->since_ns = hayi_clock_ns();
    (void)snprintf(p->how, sizeof p->how, "%s", how);
    peers->dying++;
}

static void side_down(void *context, uint32_t peer, const char *how)
{
    hayi_peers_die(context, peer, how);
}

/* The addresses of a connection are known to work. */
static void side_joined(void *context, uint32_t peer, uint32_t address)
{
    struct hayi_peers *peers = context;
    hayi_ringer_address(peers->ringer, peer, address);
}

void hayi_peers_look(struct hayi_peers *peers)
{
    if (peers->side == NULL) {
        return;
    }
    uint64_t now = hayi_clock_ns();
    if (!peers->side_due && now - peers->side_ns < SIDE_NS) {
        return;
    }
    const struct hayi_side_sink sink = {side_joined, side_down, peers};
    hayi_side_poll(peers->side, now, &sink);
    peers->side_ns = now;
    peers->side_due = false;
}

uint32_t hayi_peers_next_down(struct hayi_peers *peers)
{
    uint64_t now = hayi_clock_ns();
    for (uint32_t i = 0; i < peers->count && peers->dying > 0; i++) {
        struct hayi_peer *p = &peers->list[i];
        uint64_t grace = p->local ? GRACE_LOCAL_NS : GRACE_REMOTE_NS;
        if (p->life != HAYI_DYING || ++p->silent <= SILENT_LOOKS
            || now - p->since_ns < grace) {
            continue;
        }
        p->life = HAYI_DOWN;
        peers->dying--;
        return i;
    }
    return UINT32_MAX;
}

/* ---- messages ----------------------------------------------------------- */

uint32_t hayi_peers_arrive(struct hayi_peers *peers,
                           struct hayi_parcel *parcel,
                           const struct hayi_transport_sink *sink)
{
    struct hayi_peer *p = &peers->list[parcel->peer];
    uint32_t calls = 0;
    if (p->life == HAYI_DOWN || hayi_parcel_late(parcel, p->sequence_in)) {
        hayi_parcel_put(&peers->pool, parcel);
        return 0;
    }
    hayi_parcel_keep(&p->early, parcel);
    p->silent = 0;
    peers->expect_ns = 0;
    while ((parcel = hayi_parcel_due(&p->early, p->sequence_in)) != NULL) {
        p->sequence_in++;
        sink->frame(
            sink->context, parcel->peer, parcel->message.frame, parcel->size);
        hayi_parcel_put(&peers->pool, parcel);
        calls++;
    }
    return calls;
}

/* ---- sleeping ----------------------------------------------------------- */

bool hayi_peers_expect(struct hayi_peers *peers)
{
    bool any = false;
    for (uint32_t i = 0; i < peers->count && !any; i++) {
        const struct hayi_peer *p = &peers->list[i];
        uint32_t missing = hayi_ringer_heard(peers->ringer, i) - p->sequence_in;
        any = missing - 1 < UINT32_MAX / 2 && p->life != HAYI_DOWN;
    }
    if (!any) {
        peers->expect_ns = 0;
        return false;
    }
    uint64_t now = hayi_clock_ns();
    if (peers->expect_ns == 0) {
        peers->expect_ns = now;
    }
    return now - peers->expect_ns < EXPECT_NS;
}

void hayi_peers_ring(struct hayi_peers *peers, uint32_t peer)
{
    hayi_ringer_ring(peers->ringer, peer, peers->list[peer].sequence_out);
}
