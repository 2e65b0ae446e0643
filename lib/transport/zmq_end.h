/* zmq_end.h - the ends of transport_zmq.h, for the files that make them up:
 * transport_zmq.c (frames and bulk messages), zmq_start.c (doors, keys, who is
 * let in), zmq_ways.c (a guest's ways to the entrances of others).
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

struct hayi_zmq_ways;

struct hayi_zmq_end {
    struct hayi_transport base;
    void *zmq;     /* its context */
    bool zmq_lent; /* that is another end's */
    bool aside;    /* an entrance, or a way to one: bulk messages alone */
    uint32_t far;  /* a way: whose entrance it leads to */
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
    struct hayi_zmq_member *members; /* [first - 1], or NULL */
    unsigned char guest_key[HAYI_ZMQ_RAW_KEY];
    void *identity;
    size_t identity_size;
    /* guest */
    struct hayi_door keys;      /* of the hub's door */
    struct hayi_zmq_ways *ways; /* NULL: there are no entrances */
    char host[64];              /* ours, in words */
    hay_status entered;         /* HAY_EAGAIN: not yet */
    bool entering;              /* what comes behind the answer waits */
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
/* zmq: lent, or NULL: a context of its own.  NULL: err tells. */
struct hayi_zmq_end *hayi_zmq_end_new(int type,
                                      uint32_t lane_count,
                                      void *zmq,
                                      struct hayi_error *err);
/* A guest's end, or a way; by the keys of the door, and the public one of who
 * listens there.  HAY_EIO. */
hay_status hayi_zmq_connect(struct hayi_zmq_end *end,
                            const struct hayi_door *keys,
                            const char *server_public,
                            const char *address,
                            struct hayi_error *err);
/* way: says who we are, before all else. */
bool hayi_zmq_introduce(struct hayi_zmq_end *way);
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

/* zmq_ways.c: the members' part of the hub's answer.  HAY_ENOMEM; *ways may be
 * NULL: there are none. */
hay_status hayi_zmq_ways_new(struct hayi_zmq_end *guest,
                             const void *data,
                             size_t size,
                             struct hayi_zmq_ways **ways);
void hayi_zmq_ways_free(struct hayi_zmq_ways *ways);
/* The way to a peer, begun if need be; NULL: it was dropped, or no memory. */
struct hayi_zmq_end *hayi_zmq_way(struct hayi_zmq_ways *ways, uint32_t peer);
void hayi_zmq_ways_drop(struct hayi_zmq_ways *ways, uint32_t peer);
uint32_t hayi_zmq_ways_poll(struct hayi_zmq_ways *ways,
                            const struct hayi_transport_sink *sink);
bool hayi_zmq_ways_idle(const struct hayi_zmq_ways *ways);
/* Readable when there is something to poll for. */
int hayi_zmq_ways_fd(const struct hayi_zmq_ways *ways);

#endif
