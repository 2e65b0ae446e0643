/* parcel.h - message buffers that are used again, and the order of messages.
 *
 * A message is a number that counts the messages from one peer to another, and
 * a frame.  Messages that come too early wait in a list until they are due.
 *
 * Owns: the idle parcels of a pool.
 * Never: sends or receives.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_PARCEL_H
#define HAYI_TRANSPORT_PARCEL_H

#include <hayfork/hayfork.h>

enum {
    HAYI_PARCEL_FRAME_MAX = 32 << 10, /* bytes */
    HAYI_PARCEL_PREFIX = 8,           /* bytes of a message before its frame */
};

struct hayi_parcel {
    struct hayi_parcel *next;
    uint32_t peer; /* to or from whom */
    size_t size;   /* of the frame */
    struct {
        uint32_t sequence;
        uint32_t reserved;
        unsigned char frame[HAYI_PARCEL_FRAME_MAX]; /* 8-byte aligned */
    } message;
};

struct hayi_parcel_pool {
    struct hayi_parcel *idle; /* the one used last first */
};

/* NULL when memory is short.  given: hayi_parcel_put(). */
struct hayi_parcel *hayi_parcel_take(struct hayi_parcel_pool *pool);
/* parcel: taken. */
void hayi_parcel_put(struct hayi_parcel_pool *pool, struct hayi_parcel *parcel);
void hayi_parcel_pool_fini(struct hayi_parcel_pool *pool);

/* Add to a list of those that came, sorted by number (which wraps).  parcel:
 * taken. */
void hayi_parcel_keep(struct hayi_parcel **list, struct hayi_parcel *parcel);
/* The first of the list if it has this number, given; else NULL. */
struct hayi_parcel *hayi_parcel_due(struct hayi_parcel **list,
                                    uint32_t sequence);
/* Has the message with this number been due before? */
bool hayi_parcel_late(const struct hayi_parcel *parcel, uint32_t sequence);

#endif
