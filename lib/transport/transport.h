/* transport.h - moves frames between the processes of a farm.
 *
 * A table of few functions; implementations: inproc (two ends in one process),
 * mpi (the only files that call MPI), sim (virtual time).
 *
 * The loop that owns a transport: poll() until nothing comes; when there is
 * nothing to do, announce(), poll() and look at its other sources once more,
 * ppoll() over fds(), then awake().  Whoever sends to a peer that may be asleep
 * rings it; send() does so itself.
 *
 * Besides frames there are bulk messages: large, without a copy, received where
 * a receive waits for them.  They are in no order with frames.
 *
 * Owns: connections, bells between processes, frames until they are sent.
 * Never: looks into a frame, judges liveness (it tells of deaths it sees).
 * Threads: one, the loop that owns it.
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_H
#define HAYI_TRANSPORT_TRANSPORT_H

#include "base/error.h"

enum { HAYI_BULK_MAX = 1 << 30 }; /* bytes of a bulk message, at most */

struct pollfd;

struct hayi_transport;

/* Who comes while the farm runs. */
struct hayi_guest {
    char host[64];
    int32_t pid;
};

/* Where poll() delivers.  Calls may send(), not poll(). */
struct hayi_transport_sink {
    /* data: borrowed during the call, 8-byte aligned.  Frames of a peer come in
     * the order in which they were sent. */
    void (*frame)(void *context, uint32_t peer, const void *data, size_t size);
    /* The peer is gone (death, closed connection); told once, after its last
     * frame.  'how': words, borrowed. */
    void (*down)(void *context, uint32_t peer, const char *how);
    void *context;
    /* A bulk message has ended, sent or received: told once for each that was
     * accepted, before the peer's down().  HAY_OK; receives: HAY_EEMPTY, a
     * message without a byte came instead, HAY_EMISMATCH, one of another size;
     * HAY_EFARM: the peer is down, or was dropped; HAY_EMPI: the same, and the
     * receive's memory may still be written to until the transport is closed.
     * NULL for owners that make none. */
    void (*bulk)(void *context, uint64_t cookie, hay_status status);
    /* A peer that was not there at the start: before its first frame.  'who':
     * borrowed.  NULL for owners that expect none. */
    void (*up)(void *context, uint32_t peer, const struct hayi_guest *who);
};

struct hayi_transport_ops {
    /* Copies the frame; never blocks.  HAY_EAGAIN: too many are under way,
     * after a poll() there may be room; HAY_EFARM: the peer is down. */
    hay_status (*send)(struct hayi_transport *t,
                       uint32_t peer,
                       const void *data,
                       size_t size);
    /* Makes progress, delivers what has come; the number of calls made to the
     * sink.  Never blocks. */
    uint32_t (*poll)(struct hayi_transport *t,
                     const struct hayi_transport_sink *sink);
    /* From now on senders ring.  false: do not sleep now, only nap for at most
     * nap_ns (something of our own is under way and needs poll()). */
    bool (*announce)(struct hayi_transport *t);
    /* Writes at most 'room' descriptors to wait for; how many. */
    size_t (*fds)(struct hayi_transport *t, struct pollfd *list, size_t room);
    /* Awake again: drains the bells. */
    void (*awake)(struct hayi_transport *t);
    /* A send matches a receive of the same tag at its peer, equal ones in the
     * order in which they were made; tags count modulo 2^15 at least.  data:
     * borrowed until sink->bulk() tells of 'cookie'.  size: 1 .. HAYI_BULK_MAX,
     * the same at both ends; or nothing is sent, which refuses what the receive
     * waits for.  Large ones to one peer one after the other: with more of them
     * under way btl tcp may abort us if the peer dies.  Never blocks.
     * HAY_EAGAIN: too many are under way, after a poll() there may be room;
     * HAY_EFARM: the peer is down; HAY_EUNSUPPORTED: all peers are on one node.
     */
    hay_status (*bulk_send)(struct hayi_transport *t,
                            uint32_t peer,
                            uint32_t tag,
                            const void *data,
                            size_t size,
                            uint64_t cookie);
    hay_status (*bulk_receive)(struct hayi_transport *t,
                               uint32_t peer,
                               uint32_t tag,
                               void *data,
                               size_t size,
                               uint64_t cookie);
    /* Somebody else knows that the peer is dead: its bulk messages end at the
     * next poll(), and no others begin.  Frames are not concerned. */
    void (*bulk_drop)(struct hayi_transport *t, uint32_t peer);
    /* orderly: all peers do the same, no death was seen (MPI: may finalize).
     * Frees t. */
    void (*close)(struct hayi_transport *t, bool orderly);
};

/* The head of every implementation's struct. */
struct hayi_transport {
    const struct hayi_transport_ops *ops;
    uint32_t self;       /* our number */
    uint32_t peer_count; /* ourselves included; the manager is peer 0 */
    size_t frame_max;    /* bytes */
    size_t credit_bytes; /* for channel.h: what is safe unacknowledged */
    uint32_t credit_frames;
    uint32_t nap_ns; /* by announce(); 0: only give the core away */
};

/* Two ends in one process, peers 0 and 1.  Both ends belong to the same thread:
 * nobody sleeps while the other end has something for him, so announce() and
 * fds() do nothing. */
hay_status hayi_transport_inproc_new(struct hayi_transport **manager,
                                     struct hayi_transport **worker);

#endif
