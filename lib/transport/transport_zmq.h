/* transport_zmq.h - a star over ZeroMQ: one end listens, guests come and go.
 *
 * All that goes over the wire is encrypted (CURVE), and only who knows the
 * secret in the door's file is let in.  The listening end is peer 0.  Bulk
 * messages between two guests go through it.
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
#include "transport/transport.h"

struct hayi_zmq_listen {
    const char *address;  /* "A.B.C.D", or NULL: any of this host */
    uint16_t port;        /* 0: any */
    uint32_t first;       /* the number of the first guest */
    uint32_t guests_max;  /* over the whole life; peer_count is first + that */
    const void *identity; /* guests must have the same; copied */
    size_t identity_size;
    uint32_t epoch;
};

/* *door: what guests have to know. */
hay_status hayi_zmq_listen(const struct hayi_zmq_listen *listen,
                           struct hayi_transport **hub,
                           struct hayi_door *door,
                           struct hayi_error *err);

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
