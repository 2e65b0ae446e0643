/* transport_zmq.h - a star over ZeroMQ: one end listens, guests come and go.
 *
 * All that goes over the wire is encrypted (CURVE), and only who knows the
 * secret in the door's file is let in.  The listening end is peer 0.  Bulk
 * messages between two guests go through it.
 *
 * Where peers 1 .. first-1 are there from the start and have another transport,
 * each of them has an entrance: guests go there for bulk messages with it, when
 * the first is due.  An entrance, and a guest's way to one, judge nobody: what
 * is begun there lasts until its peer is dropped.  Who cannot be reached for
 * long and is not dropped either is told of by the guest as down.
 *
 * A build without libzmq has these functions, too: HAY_EUNSUPPORTED.
 *
 * Owns: sockets, an input/output thread of ZeroMQ's for each end.
 * Never: gives a number to a second guest; connects again: a broken connection
 *     is a death.
 * Threads: the loop's.
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_ZMQ_H
#define HAYI_TRANSPORT_TRANSPORT_ZMQ_H

#include "transport/door.h"
#include "transport/netaddr.h"
#include "transport/transport.h"

/* Where the entrance of a peer is.  Plain bytes. */
struct hayi_zmq_member {
    char server_public[HAYI_DOOR_KEY];
    char host[63]; /* in words */
    uint32_t port;
    struct hayi_netaddr addresses;
};

struct hayi_zmq_listen {
    const char *address;  /* "A.B.C.D", or NULL: any of this host */
    uint16_t port;        /* 0: any */
    uint32_t first;       /* the number of the first guest */
    uint32_t self;        /* 0; or of whom this is the entrance */
    uint32_t guests_max;  /* over the whole life; peer_count is first + that */
    const void *identity; /* guests must have the same; copied; not asked for
                             at an entrance */
    size_t identity_size;
    uint32_t epoch;
};

/* *door: what guests have to know. */
hay_status hayi_zmq_listen(const struct hayi_zmq_listen *listen,
                           struct hayi_transport **hub,
                           struct hayi_door *door,
                           struct hayi_error *err);
/* What is to be told to guests of an entrance with this door. */
void hayi_zmq_member(const struct hayi_door *door,
                     const char *host,
                     struct hayi_zmq_member *member);
/* hub: members[first - 1], of peers 1 ..; copied; before the first poll().
 * HAY_ENOMEM. */
hay_status hayi_zmq_members(struct hayi_transport *hub,
                            const struct hayi_zmq_member *members,
                            struct hayi_error *err);
/* entrance: guests have this key, of the hub's door. */
void hayi_zmq_let_in(struct hayi_transport *entrance,
                     const char guest_public[HAYI_DOOR_KEY]);

struct hayi_zmq_knock {
    const struct hayi_door *door;
    const void *identity;
    size_t identity_size;
    const char *host; /* ours, in words */
    int32_t pid;
};

struct hayi_zmq_entered {
    uint32_t epoch;
    uint32_t number;
};

/* Connects; blocks for some seconds where nobody answers.  HAY_EFARM: nobody
 * listens there. */
hay_status hayi_zmq_knock(const struct hayi_zmq_knock *knock,
                          struct hayi_transport **guest,
                          struct hayi_error *err);
/* HAY_EAGAIN: no answer yet; HAY_OK: now the transport may be used; else it was
 * refused, and can only be closed. */
hay_status hayi_zmq_enter(struct hayi_transport *guest,
                          struct hayi_zmq_entered *entered,
                          struct hayi_error *err);

#endif
