/* zmq_end.h - the ends of transport_zmq.h, for the files that make them up:
 * transport_zmq.c (frames and bulk messages), zmq_start.c (doors, keys, who is
 * let in).
 *
 * Owns: see transport_zmq.h.
 * Never: included elsewhere.
 * Threads: the loop's.
 */
#ifndef HAYI_TRANSPORT_ZMQ_END_H
#define HAYI_TRANSPORT_ZMQ_END_H

#include "transport/bulk_book.h"
#include "transport/transport_zmq.h"

#include <zmq.h>

enum {
    HAYI_ZMQ_FRAME_MAX = 64 << 10,
    HAYI_ZMQ_ID_MAX = 16,
    HAYI_ZMQ_RAW_KEY = 32,
};

/* A message that waits for room in the socket. */
struct hayi_zmq_waiting {
    struct hayi_zmq_waiting *next;
    zmq_msg_t message;
};

/* What an end sends through to a peer; of a guest: to the hub. */
struct hayi_zmq_lane {
    unsigned char id[HAYI_ZMQ_ID_MAX]; /* of the connection */
    size_t id_size;                    /* 0: a guest's own */
    bool here;
    bool gone; /* nothing can be sent any more */
    bool due;  /* that is to be told once nothing of it is left to read */
    bool told; /* that */
    struct hayi_zmq_waiting *first;
    struct hayi_zmq_waiting **last;
};

struct hayi_zmq_end {
    struct hayi_transport base;
    void *zmq; /* its context */
    void *socket;
    void *watch; /* hub: asks who is let in; guest: tells of the connection */
    struct hayi_bulk_book *book; /* a guest: once it has entered */
    struct hayi_zmq_lane *lanes; /* [lane_count] */
    uint32_t lane_count;         /* a guest: 1 */
    uint32_t lanes_used;
    uint32_t first; /* of the guests' numbers */
    bool hub;
    bool more; /* poll() has not seen all */
    uint64_t probe_ns;
    uint32_t epoch;
    /* hub */
    unsigned char guest_key[HAYI_ZMQ_RAW_KEY];
    void *identity;
    size_t identity_size;
    /* guest */
    hay_status entered; /* HAY_EAGAIN: not yet */
    bool entering;      /* what comes behind the answer waits */
    struct hayi_error refused;
    _Alignas(8) unsigned char frame[HAYI_ZMQ_FRAME_MAX];
};

extern const struct hayi_transport_ops hayi_zmq_ops;

/* transport_zmq.c: sends some time.  false: no memory, or nobody is there. */
bool hayi_zmq_put(struct hayi_zmq_end *end,
                  struct hayi_zmq_lane *lane,
                  const struct hayi_note *note,
                  const void *data,
                  size_t size);
bool hayi_zmq_post(void *end,
                   const struct hayi_note *note,
                   const void *data,
                   size_t size);

/* zmq_start.c */
/* What the connection's own socket has to say. */
void hayi_zmq_look(struct hayi_zmq_end *end);
/* hub: an unknown connection says this.  true: the sink was called. */
bool hayi_zmq_hello(struct hayi_zmq_end *hub,
                    const unsigned char *id,
                    size_t id_size,
                    const void *data,
                    size_t size,
                    const struct hayi_transport_sink *sink);
/* guest: the hub's answer. */
void hayi_zmq_answer(struct hayi_zmq_end *guest,
                     const struct hayi_note *note,
                     const void *data,
                     size_t size);

#endif
