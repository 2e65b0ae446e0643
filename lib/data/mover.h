/* mover.h - moves objects between the stores of two nodes, both ends.
 *
 * The manager tells both ends of a transfer its number; they match by it.  An
 * object of up to 16 MiB is one bulk message, straight from store to store, a
 * larger one goes in pieces of so many.
 *
 * Owns: what is under way, a thread that brings objects back from the disk and
 *     makes room, so that the loop never waits for it.
 * Never: chooses what to move.
 * Threads: the loop's; what the porter's thread has done rings the bell.
 */
#ifndef HAYI_DATA_MOVER_H
#define HAYI_DATA_MOVER_H

#include "base/bell.h"
#include "data/store.h"
#include "transport/transport.h"

struct hayi_mover;

struct hayi_mover_config {
    struct hayi_transport *transport; /* borrowed */
    struct hayi_store *store;         /* borrowed */
    struct hayi_bell *bell;           /* borrowed */
    bool checksum;                    /* compare a hash of what has come; the
                                         same at all ends */
};

hay_status hayi_mover_new(const struct hayi_mover_config *config,
                          struct hayi_mover **mover,
                          struct hayi_error *err);
/* After the last poll() of the transport.  What is under way is given up; the
 * store goes after us.  NULL is fine. */
void hayi_mover_free(struct hayi_mover *mover);

/* Send the object at 'place' to 'peer', which is told to receive it.  It may be
 * dropped meanwhile.  Both calls never block; the end comes by
 * hayi_mover_next(), once for each. */
void hayi_mover_send(struct hayi_mover *mover,
                     uint32_t transfer,
                     hayi_place place,
                     uint64_t size_bytes,
                     uint32_t peer);
/* Make room for an object and receive it.  name: of the replica.  Without room
 * its bytes are taken off the wire all the same. */
void hayi_mover_receive(struct hayi_mover *mover,
                        uint32_t transfer,
                        uint64_t name,
                        uint64_t size_bytes,
                        uint32_t peer);

struct hayi_moved {
    uint32_t transfer;
    bool received;     /* else: sent */
    hayi_place place;  /* of what was received */
    uint64_t run_ns;   /* that its bytes were under way */
    hay_status status; /* HAY_OK; HAY_EIO: no room here; HAY_EMISMATCH: other
                          bytes have come; HAY_EFARM: the other end is gone, or
                          has not got it */
    char words[240];   /* if it failed */
};

/* Some work; true: there was something to do. */
bool hayi_mover_poll(struct hayi_mover *mover);
/* The next transfer that has ended; false: none. */
bool hayi_mover_next(struct hayi_mover *mover, struct hayi_moved *moved);
/* What the transport tells of a bulk message of ours. */
void hayi_mover_bulk(struct hayi_mover *mover,
                     uint64_t cookie,
                     hay_status status);

/* Is anything under way? */
bool hayi_mover_busy(const struct hayi_mover *mover);
/* The peer is known to be dead: what is under way with it fails soon, and no
 * bulk message with it begins any more (transport.h, bulk_drop). */
void hayi_mover_peer_down(struct hayi_mover *mover, uint32_t peer);

#endif
