/* transport_sim.h - the transport in virtual time: a net of any number of ends
 * in one thread, where the caller is the clock.
 *
 * Owns: the frames under way.
 * Never: reads a clock, throws dice: how long a frame takes is the caller's
 *     word.  Frames of one pair keep their order whatever he says, those of
 *     different pairs pass each other.
 * Threads: one, for the net and all its ends.
 *
 * hayi_simnet_spoil() makes it break the contract of transport.h, to see that
 * its users notice.
 *
 * new, end x n, { send | advance | poll }, close x n, free.
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_SIM_H
#define HAYI_TRANSPORT_TRANSPORT_SIM_H

#include "transport/transport.h"

struct hayi_simnet;

struct hayi_simnet_config {
    uint32_t peer_count; /* at least 1 */
    size_t frame_max;    /* bytes; 0: 64 KiB */
    uint32_t frames_max; /* under way in one direction of a pair; 0: 128 */
    /* How long a frame takes.  NULL: no time. */
    uint64_t (*delay_ns)(void *context,
                         uint32_t from,
                         uint32_t to,
                         size_t size);
    void *context;
};

hay_status hayi_simnet_new(const struct hayi_simnet_config *config,
                           struct hayi_simnet **net);
/* All ends must be closed. */
void hayi_simnet_free(struct hayi_simnet *net);

/* The end of peer 'self', which must have none; its close() frees it. */
hay_status hayi_simnet_end(struct hayi_simnet *net,
                           uint32_t self,
                           struct hayi_transport **end);

/* It is 'now_ns' from now on; never goes back. */
void hayi_simnet_advance(struct hayi_simnet *net, uint64_t now_ns);

/* When does the next frame come to somebody, and to whom?  Each frame is told
 * once, when it is taken from here by hayi_simnet_tell(), not when it is
 * polled.  false: none is under way. */
bool hayi_simnet_next(const struct hayi_simnet *net, uint64_t *at_ns);
/* Take the news that hayi_simnet_next() told: the receiver. */
uint32_t hayi_simnet_tell(struct hayi_simnet *net);

/* A peer dies: what it has sent still comes, it hears nothing more.  The
 * others learn of it after its last frame, unless 'silent'. */
void hayi_simnet_kill(struct hayi_simnet *net, uint32_t peer, bool silent);

/* The next frame of the pair comes twice, or not at all ('lose'). */
void hayi_simnet_spoil(struct hayi_simnet *net,
                       uint32_t from,
                       uint32_t to,
                       bool lose);

#endif
