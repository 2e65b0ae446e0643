/* dgram.h - bells between processes: a datagram with two numbers.
 *
 * On the host by a Unix socket, to other hosts by UDP.  A bell may be lost or
 * come without reason: the sleeper looks again after a while in any case, and
 * whoever wakes looks whether there is something to do.
 *
 * Owns: two sockets, the addresses of the peers.
 * Never: blocks; tells whether a bell was heard.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_DGRAM_H
#define HAYI_TRANSPORT_DGRAM_H

#include "base/error.h"

struct pollfd;
struct hayi_dgram;

/* Where one process can be rung.  Plain bytes, to be given to the others. */
struct hayi_dgram_card {
    char name[8];  /* of the Unix socket, abstract, without the leading 0 */
    uint16_t port; /* UDP, network byte order */
};

/* HAY_ENOMEM, HAY_EIO. */
hay_status hayi_dgram_new(uint32_t peer_count,
                          struct hayi_dgram **dgram,
                          struct hayi_dgram_card *card,
                          struct hayi_error *err);
void hayi_dgram_free(struct hayi_dgram *dgram);

/* From now on 'peer' is rung on this host, or at 'address' (IPv4, network byte
 * order) of another.  Before, ringing it does nothing. */
void hayi_dgram_local(struct hayi_dgram *dgram,
                      uint32_t peer,
                      const struct hayi_dgram_card *card);
void hayi_dgram_remote(struct hayi_dgram *dgram,
                       uint32_t peer,
                       uint32_t address,
                       const struct hayi_dgram_card *card);

/* Ring 'peer' and tell it who we are, and a number. */
void hayi_dgram_ring(struct hayi_dgram *dgram,
                     uint32_t peer,
                     uint32_t self,
                     uint32_t number);
/* At most 2 descriptors to wait for; how many were written. */
size_t
hayi_dgram_fds(struct hayi_dgram *dgram, struct pollfd *list, size_t room);
/* Give 'heard' the bells that have come.  They may be anybody's: from is not
 * checked. */
void hayi_dgram_drain(struct hayi_dgram *dgram,
                      void (*heard)(void *context,
                                    uint32_t from,
                                    uint32_t number),
                      void *context);

#endif
