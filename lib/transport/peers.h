/* peers.h - the peers of an MPI transport: who lives, in which order their
 * messages are due, how they are woken.
 *
 * A peer whose death is seen is dying until nothing more comes from it, then it
 * is down: told once, after its last frame.
 *
 * Owns: the side connections, the ringer, the pool of parcels.
 * Never: calls MPI.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_PEERS_H
#define HAYI_TRANSPORT_PEERS_H

#include "transport/card.h"
#include "transport/parcel.h"
#include "transport/ringer.h"
#include "transport/side.h"
#include "transport/transport.h"

enum hayi_life { HAYI_ALIVE, HAYI_DYING, HAYI_DOWN };

struct hayi_peer {
    bool local; /* on this host */
    enum hayi_life life;
    uint32_t sequence_out; /* of the next message */
    uint32_t sequence_in;
    uint32_t sends; /* under way */
    struct hayi_parcel *early;
    /* of a dying one */
    uint32_t silent; /* looks without a frame */
    uint64_t since_ns;
    char how[80];
};

struct hayi_peers {
    uint32_t self;
    uint32_t count;
    struct hayi_peer *list;
    uint32_t dying; /* how many */
    struct hayi_parcel_pool pool;
    struct hayi_ringer *ringer;
    struct hayi_side *side; /* NULL: alone, or not possible */
    uint64_t side_ns;       /* last look */
    bool side_due;          /* look at the next poll */
    uint64_t expect_ns;     /* since when something is expected; 0: nothing */
};

/* Makes the sockets, and fills in what the card tells of them.  HAY_ENOMEM,
 * HAY_EIO. */
hay_status hayi_peers_init(struct hayi_peers *peers,
                           uint32_t self,
                           uint32_t count,
                           struct hayi_card *card,
                           struct hayi_error *err);
void hayi_peers_fini(struct hayi_peers *peers);
/* The board of this host: taken.  Not called if not all of its ranks have it;
 * else before hayi_peers_meet(). */
void hayi_peers_board(struct hayi_peers *peers,
                      const struct hayi_board *board,
                      const struct hayi_card *own);
/* The others: cards[count] by rank; peer 0 is rank 'manager'. */
void hayi_peers_meet(struct hayi_peers *peers,
                     const struct hayi_card *cards,
                     int manager);

/* Its death was seen.  how: copied. */
void hayi_peers_die(struct hayi_peers *peers, uint32_t peer, const char *how);
/* Look for deaths by the side connections, if it is time to. */
void hayi_peers_look(struct hayi_peers *peers);
/* After all that came was delivered: a dying peer that is down from now on, of
 * which the caller tells; UINT32_MAX if there is none. */
uint32_t hayi_peers_next_down(struct hayi_peers *peers);

/* A parcel came, taken: deliver it, and those that waited for it; how many. */
uint32_t hayi_peers_arrive(struct hayi_peers *peers,
                           struct hayi_parcel *parcel,
                           const struct hayi_transport_sink *sink);

/* Is a message known to be on its way to us?  false when it is so for too long:
 * its sender may be stopped, or cut off. */
bool hayi_peers_expect(struct hayi_peers *peers);
/* Wake a peer for all that was sent to it. */
void hayi_peers_ring(struct hayi_peers *peers, uint32_t peer);

#endif
