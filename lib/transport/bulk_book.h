/* bulk_book.h - bulk messages over a connection that has none of its own.
 *
 * A send offers itself; the receive that it matches accepts it, or declines
 * one of another size.  Then its bytes follow in pieces, a few of them under
 * way, each acknowledged; both ends are over when all bytes have come.
 *
 * Owns: what is under way; the data are the caller's.
 * Never: touches a socket: what is to be sent is posted to the owner.
 * Threads: the loop's.
 */
#ifndef HAYI_TRANSPORT_BULK_BOOK_H
#define HAYI_TRANSPORT_BULK_BOOK_H

#include "transport/transport.h"

enum hayi_note_kind {
    HAYI_NOTE_NONE = 0,
    /* of the connection, see transport_zmq.c */
    HAYI_NOTE_FRAME,
    HAYI_NOTE_PROBE,
    HAYI_NOTE_HELLO,
    HAYI_NOTE_WELCOME,
    HAYI_NOTE_REFUSED,
    /* of bulk messages */
    HAYI_NOTE_OFFER,   /* id: the send; size */
    HAYI_NOTE_ACCEPT,  /* other: the send; id: the receive */
    HAYI_NOTE_DECLINE, /* other: the send */
    HAYI_NOTE_PIECE,   /* other: the receive; size: the place of the bytes */
    HAYI_NOTE_ACK,     /* other: the send; size: bytes that have come */
};

/* Before each message between two ends; as it lies in memory (both are of one
 * architecture). */
struct hayi_note {
    uint32_t kind;
    uint32_t from, to; /* peers */
    uint32_t tag;
    uint64_t id, other;
    uint64_t size;
};

struct hayi_bulk_book;

/* Sends a note with its bytes (copied) some time.  false: no memory. */
typedef bool (*hayi_post_fn)(void *context,
                             const struct hayi_note *note,
                             const void *data,
                             size_t size);

/* NULL: no memory. */
struct hayi_bulk_book *hayi_bulk_book_new(uint32_t self,
                                          uint32_t peer_count,
                                          hayi_post_fn post,
                                          void *context);
void hayi_bulk_book_free(struct hayi_bulk_book *book);

/* As transport.h's bulk_send() and bulk_receive(). */
hay_status hayi_bulk_book_send(struct hayi_bulk_book *book,
                               uint32_t peer,
                               uint32_t tag,
                               const void *data,
                               size_t size,
                               uint64_t cookie);
hay_status hayi_bulk_book_receive(struct hayi_bulk_book *book,
                                  uint32_t peer,
                                  uint32_t tag,
                                  void *data,
                                  size_t size,
                                  uint64_t cookie);
/* A note of a bulk message has come; one that fits nothing is ignored. */
void hayi_bulk_book_take(struct hayi_bulk_book *book,
                         const struct hayi_note *note,
                         const void *data,
                         size_t size);
/* Posts what may go. */
void hayi_bulk_book_pump(struct hayi_bulk_book *book);
/* Tells of what has ended; how many calls. */
uint32_t hayi_bulk_book_tell(struct hayi_bulk_book *book,
                             const struct hayi_transport_sink *sink);
bool hayi_bulk_book_due(const struct hayi_bulk_book *book);
/* Is any under way? */
bool hayi_bulk_book_busy(const struct hayi_bulk_book *book);
void hayi_bulk_book_drop(struct hayi_bulk_book *book, uint32_t peer);

#endif
