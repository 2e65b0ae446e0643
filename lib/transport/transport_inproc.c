/* transport_inproc.c - two ends in one process.
 *
 * Each direction is a queue of frames and a stack of frame buffers that are
 * used again, the one used last first, since it is still in the cache.  A
 * buffer is as large as the largest frame; of a small frame only the first
 * page is ever touched.
 *
 * A bulk message is one copy, made when the second of its two ends has come.
 *
 * What one end closes the other learns after the last frame; the second close
 * frees the pair.
 */
#include "config.h"

#include "transport/transport.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    FRAME_MAX = 64 << 10,   /* bytes */
    CREDIT_BYTES = 4 << 20, /* of frames of any size ... */
    CREDIT_FRAMES = 64,     /* ... as many as of the largest */
    QUEUE_MAX = 128,        /* frames under way; those without credit too */
    BULK_MAX = 256,         /* bulk messages of an end */
};

/* One end of a bulk message. */
struct bulk {
    uint64_t cookie;
    uint32_t tag;
    bool receive;
    bool ended;
    hay_status status;
    union {
        const void *from;
        void *to;
    } data;
    size_t size;
};

struct parcel {
    struct parcel *next;
    size_t size;
    uint64_t data[FRAME_MAX / 8];
};

struct end {
    struct hayi_transport base;
    struct end *other;
    struct pair *pair;
    /* frames that came for this end */
    struct parcel *first;
    struct parcel **last;
    struct parcel *idle;
    uint32_t count;     /* in the queue */
    bool closed;        /* by its owner */
    bool told;          /* that the other end is closed */
    bool dropped;       /* the other one, for bulk messages */
    struct bulk *bulks; /* in the order in which they began */
    uint32_t bulk_count;
};

struct pair {
    struct end ends[2];
};

static hay_status inproc_send(struct hayi_transport *t,
                              uint32_t peer,
                              const void *data,
                              size_t size)
{
    struct end *self = (struct end *)t;
    assert(peer == 1 - t->self);
    assert(size <= FRAME_MAX);
    struct end *to = self->other;
    if (to->closed) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the end is closed");
    }
    if (to->count == QUEUE_MAX) {
        return HAY_EAGAIN;
    }
    struct parcel *parcel = to->idle;
    if (parcel != NULL) {
        to->idle = parcel->next;
    } else {
        parcel = malloc(sizeof *parcel);
        if (parcel == NULL) {
            return HAY_EAGAIN;
        }
    }
    parcel->next = NULL;
    parcel->size = size;
    if (size > 0) {
        memcpy(parcel->data, data, size);
    }
    *to->last = parcel;
    to->last = &parcel->next;
    to->count++;
    return HAY_OK;
}

/* ---- bulk --------------------------------------------------------------- */

/* The first that it matches. */
static struct bulk *counterpart(struct end *other, const struct bulk *bulk)
{
    for (uint32_t i = 0; i < other->bulk_count; i++) {
        struct bulk *b = &other->bulks[i];
        if (!b->ended && b->tag == bulk->tag && b->receive != bulk->receive) {
            return b;
        }
    }
    return NULL;
}

static void end_bulk(struct bulk *bulk, hay_status status)
{
    bulk->ended = true;
    bulk->status = status;
}

static void meet(struct bulk *send, struct bulk *receive)
{
    hay_status st = send->size == 0 ? HAY_EEMPTY : HAY_EMISMATCH;
    if (send->size == receive->size) {
        memcpy(receive->data.to, send->data.from, send->size);
        st = HAY_OK;
    }
    end_bulk(send, HAY_OK);
    end_bulk(receive, st);
}

static hay_status begin_bulk(struct end *self, const struct bulk *bulk)
{
    assert(bulk->size >= (bulk->receive ? 1 : 0));
    assert(bulk->size <= HAYI_BULK_MAX);
    if (self->other->closed || self->dropped) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the end is closed");
    }
    if (self->bulks == NULL) {
        self->bulks = calloc(BULK_MAX, sizeof *self->bulks);
    }
    if (self->bulks == NULL || self->bulk_count == BULK_MAX) {
        return HAY_EAGAIN;
    }
    struct bulk *own = &self->bulks[self->bulk_count++];
    *own = *bulk;
    struct bulk *other = counterpart(self->other, own);
    if (other != NULL) {
        meet(own->receive ? other : own, own->receive ? own : other);
    }
    return HAY_OK;
}

static hay_status inproc_bulk_send(struct hayi_transport *t,
                                   uint32_t peer,
                                   uint32_t tag,
                                   const void *data,
                                   size_t size,
                                   uint64_t cookie)
{
    assert(peer == 1 - t->self);
    const struct bulk bulk = {
        .cookie = cookie, .tag = tag, .data.from = data, .size = size};
    return begin_bulk((struct end *)t, &bulk);
}

static hay_status inproc_bulk_receive(struct hayi_transport *t,
                                      uint32_t peer,
                                      uint32_t tag,
                                      void *data,
                                      size_t size,
                                      uint64_t cookie)
{
    assert(peer == 1 - t->self);
    const struct bulk bulk = {.cookie = cookie,
                              .tag = tag,
                              .receive = true,
                              .data.to = data,
                              .size = size};
    return begin_bulk((struct end *)t, &bulk);
}

static void drop_bulks(struct end *self)
{
    self->dropped = true;
    for (uint32_t i = 0; i < self->bulk_count; i++) {
        if (!self->bulks[i].ended) {
            end_bulk(&self->bulks[i], HAY_EFARM);
        }
    }
}

static void inproc_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    assert(peer == 1 - t->self);
    drop_bulks((struct end *)t);
}

/* The sink may begin others, or drop them. */
static uint32_t tell_bulks(struct end *self,
                           const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    uint32_t i = 0;
    while (i < self->bulk_count) {
        struct bulk bulk = self->bulks[i];
        if (!bulk.ended) {
            i++;
            continue;
        }
        self->bulk_count--;
        memmove(&self->bulks[i],
                &self->bulks[i + 1],
                (self->bulk_count - i) * sizeof bulk);
        sink->bulk(sink->context, bulk.cookie, bulk.status);
        calls++;
    }
    return calls;
}

/* ---- polling ------------------------------------------------------------ */

/* What comes while the sink works waits for the next poll. */
static uint32_t inproc_poll(struct hayi_transport *t,
                            const struct hayi_transport_sink *sink)
{
    struct end *self = (struct end *)t;
    uint32_t calls = 0;
    for (uint32_t left = self->count; left > 0; left--) {
        struct parcel *parcel = self->first;
        self->first = parcel->next;
        if (self->first == NULL) {
            self->last = &self->first;
        }
        self->count--;
        sink->frame(sink->context, 1 - t->self, parcel->data, parcel->size);
        parcel->next = self->idle;
        self->idle = parcel;
        calls++;
    }
    if (self->other->closed && !self->dropped) {
        drop_bulks(self);
    }
    if (self->bulk_count > 0) {
        calls += tell_bulks(self, sink);
    }
    if (self->other->closed && !self->told && self->count == 0) {
        self->told = true;
        sink->down(sink->context, 1 - t->self, "closed its end");
        calls++;
    }
    return calls;
}

static bool bulk_due(const struct end *self)
{
    for (uint32_t i = 0; i < self->bulk_count; i++) {
        if (self->bulks[i].ended) {
            return true;
        }
    }
    return false;
}

/* Both ends belong to one thread: neither sleeps while the other has work. */
static bool inproc_announce(struct hayi_transport *t)
{
    struct end *self = (struct end *)t;
    return self->count == 0 && self->other->count == 0 && !bulk_due(self)
           && !bulk_due(self->other);
}

static size_t
inproc_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    (void)t;
    (void)list;
    (void)room;
    return 0;
}

static void inproc_awake(struct hayi_transport *t)
{
    (void)t;
}

static void free_parcels(struct parcel *parcel)
{
    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        free(parcel);
        parcel = next;
    }
}

static void inproc_close(struct hayi_transport *t, bool orderly)
{
    struct end *self = (struct end *)t;
    (void)orderly;
    assert(!self->closed);
    self->closed = true;
    free_parcels(self->first);
    free_parcels(self->idle);
    free(self->bulks);
    self->bulks = NULL;
    self->bulk_count = 0;
    self->first = NULL;
    self->idle = NULL;
    self->count = 0;
    if (self->other->closed) {
        free(self->pair);
    }
}

static const struct hayi_transport_ops inproc_ops = {
    .send = inproc_send,
    .poll = inproc_poll,
    .announce = inproc_announce,
    .fds = inproc_fds,
    .awake = inproc_awake,
    .bulk_send = inproc_bulk_send,
    .bulk_receive = inproc_bulk_receive,
    .bulk_drop = inproc_bulk_drop,
    .close = inproc_close,
};

hay_status hayi_transport_inproc_new(struct hayi_transport **manager,
                                     struct hayi_transport **worker)
{
    struct pair *pair = calloc(1, sizeof *pair);
    if (pair == NULL) {
        return hayi_fail(hayi_thread_error(), HAY_ENOMEM, "no memory");
    }
    for (uint32_t i = 0; i < 2; i++) {
        struct end *end = &pair->ends[i];
        end->base = (struct hayi_transport){
            .ops = &inproc_ops,
            .self = i,
            .peer_count = 2,
            .frame_max = FRAME_MAX,
            .credit_bytes = CREDIT_BYTES,
            .credit_frames = CREDIT_FRAMES,
        };
        end->other = &pair->ends[1 - i];
        end->pair = pair;
        end->last = &end->first;
    }
    *manager = &pair->ends[0].base;
    *worker = &pair->ends[1].base;
    return HAY_OK;
}
