/* transport_inproc.c - two ends in one process.
 *
 * Each direction is a queue of frames and a stack of frame buffers that are
 * used again, the one used last first, since it is still in the cache.  A
 * buffer is as large as the largest frame; of a small frame only the first
 * page is ever touched.
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
    uint32_t count; /* in the queue */
    bool closed;    /* by its owner */
    bool told;      /* that the other end is closed */
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
    if (self->other->closed && !self->told && self->count == 0) {
        self->told = true;
        sink->down(sink->context, 1 - t->self, "closed its end");
        calls++;
    }
    return calls;
}

/* Both ends belong to one thread: neither sleeps while the other has work. */
static bool inproc_announce(struct hayi_transport *t)
{
    struct end *self = (struct end *)t;
    return self->count == 0 && self->other->count == 0;
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
