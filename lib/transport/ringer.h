/* ringer.h - puts this process to sleep and wakes others: flags and bells.
 *
 * A peer of this host writes on the board how many messages it has sent, and
 * rings if the receiver sleeps.  Others cannot be seen: each message is
 * followed by a bell that says how many were sent.  Either way the receiver
 * knows what is on its way, also when the bell was faster.
 *
 * Owns: the datagram sockets, its view of the board.
 * Never: blocks, waits.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_RINGER_H
#define HAYI_TRANSPORT_RINGER_H

#include "base/error.h"
#include "transport/board.h"
#include "transport/dgram.h"

struct pollfd;
struct hayi_ringer;

/* *card: for the others.  HAY_ENOMEM, HAY_EIO. */
hay_status hayi_ringer_new(uint32_t self,
                           uint32_t peer_count,
                           struct hayi_ringer **ringer,
                           struct hayi_dgram_card *card,
                           struct hayi_error *err);
void hayi_ringer_free(struct hayi_ringer *ringer);

/* board: taken; we are its member 'own'.  All ringers of this host must have
 * it, or none.  Called first, if at all. */
void hayi_ringer_board(struct hayi_ringer *ringer,
                       const struct hayi_board *board,
                       uint32_t own);
/* A peer of this host (ourselves included), which is 'member' of the board; or
 * of another at 'address' (IPv4, network byte order).  card: copied. */
void hayi_ringer_local(struct hayi_ringer *ringer,
                       uint32_t peer,
                       const struct hayi_dgram_card *card,
                       uint32_t member);
void hayi_ringer_remote(struct hayi_ringer *ringer,
                        uint32_t peer,
                        uint32_t address,
                        const struct hayi_dgram_card *card);
/* A better address for a remote peer; nothing for a local one. */
void hayi_ringer_address(struct hayi_ringer *ringer,
                         uint32_t peer,
                         uint32_t address);

/* 'sent' messages in all have been sent to 'peer'. */
void hayi_ringer_ring(struct hayi_ringer *ringer, uint32_t peer, uint32_t sent);
/* How many messages 'peer' has sent to us, as far as it is known. */
uint32_t hayi_ringer_heard(const struct hayi_ringer *ringer, uint32_t peer);
/* See transport.h. */
void hayi_ringer_announce(struct hayi_ringer *ringer);
void hayi_ringer_awake(struct hayi_ringer *ringer);
size_t
hayi_ringer_fds(struct hayi_ringer *ringer, struct pollfd *list, size_t room);

#endif
