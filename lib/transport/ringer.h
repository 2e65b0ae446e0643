/* ringer.h - puts this process to sleep and wakes others: flags and bells.
 *
 * A peer whose flag we see (in shared memory) is rung when it sleeps; any other
 * always.
 *
 * Owns: the datagram sockets, the flags.
 * Never: blocks, waits.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_RINGER_H
#define HAYI_TRANSPORT_RINGER_H

#include "base/error.h"
#include "transport/dgram.h"
#include "transport/sleepflag.h"

struct pollfd;
struct hayi_ringer;

/* *card: for the others.  HAY_ENOMEM, HAY_EIO. */
hay_status hayi_ringer_new(uint32_t peer_count,
                           struct hayi_ringer **ringer,
                           struct hayi_dgram_card *card,
                           struct hayi_error *err);
void hayi_ringer_free(struct hayi_ringer *ringer);

/* A peer of this host (ourselves included), whose flag has number 'flag'; or of
 * another at 'address' (IPv4, network byte order).  card: copied. */
void hayi_ringer_local(struct hayi_ringer *ringer,
                       uint32_t peer,
                       const struct hayi_dgram_card *card,
                       uint32_t flag);
void hayi_ringer_remote(struct hayi_ringer *ringer,
                        uint32_t peer,
                        uint32_t address,
                        const struct hayi_dgram_card *card);
/* A better address for a remote peer; nothing for a local one. */
void hayi_ringer_address(struct hayi_ringer *ringer,
                         uint32_t peer,
                         uint32_t address);

/* flags[count]: taken; flag 'own' is ours.  All ringers of this host must see
 * them, or none.  Called first, if at all. */
void hayi_ringer_flags(struct hayi_ringer *ringer,
                       struct hayi_sleepflag *flags,
                       uint32_t count,
                       uint32_t own);
/* What 'peer' shall look at has been made visible to it. */
void hayi_ringer_ring(struct hayi_ringer *ringer, uint32_t peer);
/* The same from every poll: only if its flag says that it sleeps. */
void hayi_ringer_ring_sleeper(struct hayi_ringer *ringer, uint32_t peer);

/* See transport.h. */
void hayi_ringer_announce(struct hayi_ringer *ringer);
void hayi_ringer_awake(struct hayi_ringer *ringer);
size_t
hayi_ringer_fds(struct hayi_ringer *ringer, struct pollfd *list, size_t room);

#endif
