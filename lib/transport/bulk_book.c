/* bulk_book.c - see bulk_book.h. */
#include "config.h"

#include "transport/bulk_book.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE_BYTES = 256 << 10,
    WINDOW_BYTES = 2 << 20, /* under way to a peer */
    BULK_MAX = 256,         /* with a peer */
};

enum state { WAITING, ACTIVE, ENDED };

struct bulk {
    struct bulk *next;
    uint64_t id;
    uint64_t other; /* what its other end calls itself */
    uint64_t cookie;
    uint32_t peer;
    uint32_t tag;
    bool receive;
    enum state state;
    hay_status status;
    union {
        const unsigned char *from;
        unsigned char *to;
    } data;
    size_t size;
    size_t done;  /* bytes that were posted, or have come */
    size_t acked; /* of a send */
};

/* A send of a peer that no receive waits for yet. */
struct offer {
    struct offer *next;
    uint64_t id;
    uint64_t size;
    uint32_t peer;
    uint32_t tag;
};

struct lane {
    size_t flying; /* bytes posted and not acknowledged */
    uint32_t count;
    bool dropped;
};

struct hayi_bulk_book {
    hayi_post_fn post;
    void *context;
    struct bulk *first; /* in the order in which they began */
    struct bulk **last;
    struct offer *offers;
    struct offer **last_offer;
    uint64_t id;
    uint32_t ended; /* to be told */
    uint32_t self;
    uint32_t peer_count;
    struct lane lanes[];
};

struct hayi_bulk_book *hayi_bulk_book_new(uint32_t self,
                                          uint32_t peer_count,
                                          hayi_post_fn post,
                                          void *context)
{
    struct hayi_bulk_book *book =
        calloc(1, sizeof *book + peer_count * sizeof book->lanes[0]);
    if (book == NULL) {
        return NULL;
    }
    book->post = post;
    book->context = context;
    book->last = &book->first;
    book->last_offer = &book->offers;
    book->self = self;
    book->peer_count = peer_count;
    return book;
}

void hayi_bulk_book_free(struct hayi_bulk_book *book)
{
    if (book == NULL) {
        return;
    }
    while (book->first != NULL) {
        struct bulk *bulk = book->first;
        book->first = bulk->next;
        free(bulk);
    }
    while (book->offers != NULL) {
        struct offer *offer = book->offers;
        book->offers = offer->next;
        free(offer);
    }
    free(book);
}

static void
end_bulk(struct hayi_bulk_book *book, struct bulk *bulk, hay_status status)
{
    if (bulk->state != ENDED) {
        bulk->state = ENDED;
        bulk->status = status;
        book->ended++;
    }
}

static void post(struct hayi_bulk_book *book,
                 uint32_t peer,
                 struct hayi_note note,
                 const void *data,
                 size_t size)
{
    note.from = book->self;
    note.to = peer;
    if (!book->post(book->context, &note, data, size)) {
        hayi_bulk_book_drop(book, peer); /* it would wait for ever */
    }
}

static void meet(struct hayi_bulk_book *book,
                 struct bulk *receive,
                 uint64_t id,
                 uint64_t size)
{
    struct hayi_note note = {.other = id, .id = receive->id};
    receive->other = id;
    if (size == receive->size) {
        receive->state = ACTIVE;
        note.kind = HAYI_NOTE_ACCEPT;
    } else {
        end_bulk(book, receive, size == 0 ? HAY_EEMPTY : HAY_EMISMATCH);
        note.kind = HAYI_NOTE_DECLINE;
    }
    post(book, receive->peer, note, NULL, 0);
}

/* ---- begin -------------------------------------------------------------- */

static hay_status
begin(struct hayi_bulk_book *book, const struct bulk *bulk, struct bulk **out)
{
    assert(bulk->peer < book->peer_count);
    assert(bulk->size >= (bulk->receive ? 1 : 0));
    assert(bulk->size <= HAYI_BULK_MAX);
    struct lane *lane = &book->lanes[bulk->peer];
    if (lane->dropped) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the peer is down");
    }
    struct bulk *own = lane->count < BULK_MAX ? malloc(sizeof *own) : NULL;
    if (own == NULL) {
        return HAY_EAGAIN;
    }
    *own = *bulk;
    own->id = ++book->id;
    *book->last = own;
    book->last = &own->next;
    lane->count++;
    *out = own;
    return HAY_OK;
}

hay_status hayi_bulk_book_send(struct hayi_bulk_book *book,
                               uint32_t peer,
                               uint32_t tag,
                               const void *data,
                               size_t size,
                               uint64_t cookie)
{
    struct bulk *own = NULL;
    const struct bulk bulk = {.cookie = cookie,
                              .peer = peer,
                              .tag = tag,
                              .data.from = data,
                              .size = size};
    hay_status status = begin(book, &bulk, &own);
    if (status == HAY_OK) {
        const struct hayi_note note = {
            .kind = HAYI_NOTE_OFFER, .tag = tag, .id = own->id, .size = size};
        post(book, peer, note, NULL, 0);
    }
    return status;
}

hay_status hayi_bulk_book_receive(struct hayi_bulk_book *book,
                                  uint32_t peer,
                                  uint32_t tag,
                                  void *data,
                                  size_t size,
                                  uint64_t cookie)
{
    struct bulk *own = NULL;
    const struct bulk bulk = {.cookie = cookie,
                              .peer = peer,
                              .tag = tag,
                              .receive = true,
                              .data.to = data,
                              .size = size};
    hay_status status = begin(book, &bulk, &own);
    struct offer **link = &book->offers;
    while (status == HAY_OK && *link != NULL
           && ((*link)->peer != peer || (*link)->tag != tag)) {
        link = &(*link)->next;
    }
    if (status == HAY_OK && *link != NULL) {
        struct offer *offer = *link;
        *link = offer->next;
        if (book->last_offer == &offer->next) {
            book->last_offer = link;
        }
        meet(book, own, offer->id, offer->size);
        free(offer);
    }
    return status;
}

/* ---- notes -------------------------------------------------------------- */

static struct bulk *find(struct hayi_bulk_book *book,
                         const struct hayi_note *note,
                         bool receive,
                         enum state state)
{
    for (struct bulk *b = book->first; b != NULL; b = b->next) {
        if (b->id == note->other && b->peer == note->from
            && b->receive == receive && b->state == state) {
            return b;
        }
    }
    return NULL;
}

static void take_offer(struct hayi_bulk_book *book,
                       const struct hayi_note *note)
{
    for (struct bulk *b = book->first; b != NULL; b = b->next) {
        if (b->receive && b->state == WAITING && b->peer == note->from
            && b->tag == note->tag) {
            meet(book, b, note->id, note->size);
            return;
        }
    }
    struct offer *offer = malloc(sizeof *offer);
    if (offer == NULL) {
        hayi_bulk_book_drop(book, note->from);
        return;
    }
    *offer = (struct offer){.id = note->id,
                            .size = note->size,
                            .peer = note->from,
                            .tag = note->tag};
    *book->last_offer = offer;
    book->last_offer = &offer->next;
}

static void take_piece(struct hayi_bulk_book *book,
                       const struct hayi_note *note,
                       const void *data,
                       size_t size)
{
    struct bulk *b = find(book, note, true, ACTIVE);
    if (b == NULL) {
        return;
    }
    if (size == 0 || note->size != b->done || size > b->size - b->done) {
        end_bulk(book, b, HAY_EMISMATCH);
        return;
    }
    memcpy(b->data.to + b->done, data, size);
    b->done += size;
    const struct hayi_note ack = {
        .kind = HAYI_NOTE_ACK, .other = b->other, .size = b->done};
    if (b->done == b->size) {
        end_bulk(book, b, HAY_OK);
    }
    post(book, b->peer, ack, NULL, 0);
}

static void take_ack(struct hayi_bulk_book *book, const struct hayi_note *note)
{
    struct bulk *b = find(book, note, false, ACTIVE);
    if (b == NULL || note->size <= b->acked || note->size > b->done) {
        return;
    }
    book->lanes[b->peer].flying -= (size_t)note->size - b->acked;
    b->acked = (size_t)note->size;
    if (b->acked == b->size) {
        end_bulk(book, b, HAY_OK);
    }
}

void hayi_bulk_book_take(struct hayi_bulk_book *book,
                         const struct hayi_note *note,
                         const void *data,
                         size_t size)
{
    struct bulk *b = NULL;
    if (note->from >= book->peer_count || book->lanes[note->from].dropped) {
        return;
    }
    switch (note->kind) {
    case HAYI_NOTE_OFFER:
        take_offer(book, note);
        break;
    case HAYI_NOTE_ACCEPT:
        b = find(book, note, false, WAITING);
        if (b != NULL) {
            b->state = ACTIVE;
            b->other = note->id;
        }
        break;
    case HAYI_NOTE_DECLINE:
        b = find(book, note, false, WAITING);
        if (b != NULL) {
            end_bulk(book, b, HAY_OK);
        }
        break;
    case HAYI_NOTE_PIECE:
        take_piece(book, note, data, size);
        break;
    case HAYI_NOTE_ACK:
        take_ack(book, note);
        break;
    default:
        break;
    }
}

void hayi_bulk_book_pump(struct hayi_bulk_book *book)
{
    for (struct bulk *b = book->first; b != NULL; b = b->next) {
        struct lane *lane = &book->lanes[b->peer];
        while (!b->receive && b->state == ACTIVE && b->done < b->size
               && lane->flying < WINDOW_BYTES) {
            size_t left = b->size - b->done;
            size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
            const struct hayi_note note = {
                .kind = HAYI_NOTE_PIECE, .other = b->other, .size = b->done};
            const unsigned char *from = b->data.from + b->done;
            b->done += piece;
            lane->flying += piece;
            post(book, b->peer, note, from, piece);
        }
    }
}

/* ---- ends --------------------------------------------------------------- */

bool hayi_bulk_book_due(const struct hayi_bulk_book *book)
{
    return book->ended > 0;
}

bool hayi_bulk_book_busy(const struct hayi_bulk_book *book)
{
    return book->first != NULL;
}

/* The sink may begin others, or drop them. */
uint32_t hayi_bulk_book_tell(struct hayi_bulk_book *book,
                             const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    struct bulk **link = &book->first;
    while (book->ended > 0 && *link != NULL) {
        struct bulk *bulk = *link;
        if (bulk->state != ENDED) {
            link = &bulk->next;
            continue;
        }
        *link = bulk->next;
        if (book->last == &bulk->next) {
            book->last = link;
        }
        book->ended--;
        book->lanes[bulk->peer].count--;
        const uint64_t cookie = bulk->cookie;
        const hay_status status = bulk->status;
        free(bulk);
        sink->bulk(sink->context, cookie, status);
        calls++;
    }
    return calls;
}

void hayi_bulk_book_drop(struct hayi_bulk_book *book, uint32_t peer)
{
    assert(peer < book->peer_count);
    book->lanes[peer].dropped = true;
    for (struct bulk *b = book->first; b != NULL; b = b->next) {
        if (b->peer == peer) {
            end_bulk(book, b, HAY_EFARM);
        }
    }
    struct offer **link = &book->offers;
    while (*link != NULL) {
        struct offer *offer = *link;
        if (offer->peer != peer) {
            link = &offer->next;
            continue;
        }
        *link = offer->next;
        free(offer);
    }
    book->last_offer = link;
}
