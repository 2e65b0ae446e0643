/* transport_sim.c - frames in virtual time.
 *
 * A frame lies in the heap of its receiver until poll() finds it due; a second
 * heap, of the net, holds the news of it for the caller, who decides when the
 * receiver looks.  A frame never comes before an earlier one of its pair.
 * A death is a frame without data.
 */
#include "config.h"

#include "transport/transport_sim.h"

#include "transport/due.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FRAME_MAX_DEFAULT  (64u << 10)
#define FRAMES_MAX_DEFAULT 128u

struct frame {
    uint32_t from;
    bool down; /* the sender is gone */
    size_t size;
    uint64_t data[];
};

/* One direction of a pair. */
struct link {
    uint64_t last_ns; /* when the last frame comes */
    uint32_t count;   /* under way */
    bool down;        /* the receiver knows that the sender is gone */
    bool twice;       /* the next frame is put under way twice */
    bool lose;        /* ... or is not */
};

struct sim_end {
    struct hayi_transport base;
    struct hayi_simnet *net;
};

struct peer {
    struct hayi_due inbox; /* of frames */
    struct sim_end *end;
    bool dead;
};

struct hayi_simnet {
    struct hayi_simnet_config config;
    uint64_t now_ns;
    struct hayi_due news; /* of receivers */
    struct peer *peers;
    struct link *links; /* [from * peer_count + to] */
};

static struct link *link_of(struct hayi_simnet *net, uint32_t from, uint32_t to)
{
    return &net->links[(size_t)from * net->config.peer_count + to];
}

/* Put a frame under way.  HAY_ENOMEM: it is freed. */
static hay_status
dispatch(struct hayi_simnet *net, uint32_t to, struct frame *frame)
{
    struct link *link = link_of(net, frame->from, to);
    uint64_t delay_ns = 0;

    if (net->config.delay_ns != NULL) {
        delay_ns = net->config.delay_ns(
            net->config.context, frame->from, to, frame->size);
    }
    uint64_t at_ns = net->now_ns + delay_ns;
    at_ns = at_ns < link->last_ns ? link->last_ns : at_ns;
    hay_status st =
        hayi_due_add(&net->peers[to].inbox, at_ns, (uintptr_t)frame);
    if (st != HAY_OK) {
        free(frame);
        return st;
    }
    link->last_ns = at_ns;
    link->count++;
    return hayi_due_add(&net->news, at_ns, to);
}

/* A copy of the frame. */
static hay_status put(struct hayi_simnet *net,
                      uint32_t from,
                      uint32_t to,
                      const void *data,
                      size_t size)
{
    struct frame *frame = malloc(sizeof *frame + size);
    if (frame == NULL) {
        return HAY_ENOMEM;
    }
    frame->from = from;
    frame->down = false;
    frame->size = size;
    if (size > 0) {
        memcpy(frame->data, data, size);
    }
    return dispatch(net, to, frame);
}

static hay_status
sim_send(struct hayi_transport *t, uint32_t peer, const void *data, size_t size)
{
    struct hayi_simnet *net = ((struct sim_end *)t)->net;

    assert(peer < t->peer_count);
    assert(size <= t->frame_max);
    if (link_of(net, peer, t->self)->down) {
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u is gone", (unsigned)peer);
    }
    if (net->peers[peer].dead || net->peers[t->self].dead
        || net->peers[peer].end == NULL) {
        return HAY_OK; /* lost on the way */
    }
    if (link_of(net, t->self, peer)->count >= net->config.frames_max) {
        return HAY_EAGAIN;
    }
    struct link *link = link_of(net, t->self, peer);
    if (link->lose) {
        link->lose = false;
        return HAY_OK;
    }
    hay_status st = put(net, t->self, peer, data, size);
    if (st == HAY_OK && link->twice) {
        link->twice = false;
        st = put(net, t->self, peer, data, size);
    }
    return st == HAY_OK ? HAY_OK : HAY_EAGAIN;
}

/* What is sent while the sink works waits for the next poll. */
static uint32_t sim_poll(struct hayi_transport *t,
                         const struct hayi_transport_sink *sink)
{
    struct hayi_simnet *net = ((struct sim_end *)t)->net;
    struct peer *self = &net->peers[t->self];
    uint64_t end = self->inbox.order;
    uint32_t calls = 0;

    if (self->dead) {
        return 0;
    }
    for (;;) {
        const struct hayi_due_entry *first = hayi_due_first(&self->inbox);
        if (first == NULL || first->at_ns > net->now_ns
            || first->order >= end) {
            return calls;
        }
        struct frame *frame =
            (struct frame *)(uintptr_t)hayi_due_pop(&self->inbox);
        struct link *link = link_of(net, frame->from, t->self);
        link->count--;
        if (frame->down) {
            link->down = true;
            sink->down(sink->context, frame->from, "its end is gone");
        } else {
            sink->frame(sink->context, frame->from, frame->data, frame->size);
        }
        free(frame);
        calls++;
    }
}

static bool sim_announce(struct hayi_transport *t)
{
    const struct hayi_simnet *net = ((struct sim_end *)t)->net;
    const struct hayi_due_entry *first =
        hayi_due_first(&net->peers[t->self].inbox);
    return first == NULL || first->at_ns > net->now_ns;
}

static size_t
sim_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    (void)t;
    (void)list;
    (void)room;
    return 0;
}

static void sim_awake(struct hayi_transport *t)
{
    (void)t;
}

/* The simulated farm is one node. */
static hay_status sim_bulk_send(struct hayi_transport *t,
                                uint32_t peer,
                                uint32_t tag,
                                const void *data,
                                size_t size,
                                uint64_t cookie)
{
    (void)t;
    (void)peer;
    (void)tag;
    (void)data;
    (void)size;
    (void)cookie;
    return hayi_fail(
        hayi_thread_error(), HAY_EUNSUPPORTED, "no bulk messages here");
}

static hay_status sim_bulk_receive(struct hayi_transport *t,
                                   uint32_t peer,
                                   uint32_t tag,
                                   void *data,
                                   size_t size,
                                   uint64_t cookie)
{
    return sim_bulk_send(t, peer, tag, data, size, cookie);
}

static void sim_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    (void)t;
    (void)peer;
}

/* Tell all others that a peer is gone. */
static void tell_death(struct hayi_simnet *net, uint32_t peer)
{
    for (uint32_t to = 0; to < net->config.peer_count; to++) {
        if (to == peer || net->peers[to].end == NULL) {
            continue;
        }
        struct frame *frame = malloc(sizeof *frame);
        if (frame != NULL) {
            *frame = (struct frame){.from = peer, .down = true};
            (void)dispatch(net, to, frame);
        }
    }
}

static void sim_close(struct hayi_transport *t, bool orderly)
{
    struct sim_end *end = (struct sim_end *)t;
    struct peer *self = &end->net->peers[t->self];

    if (!orderly && !self->dead) {
        tell_death(end->net, t->self);
    }
    while (hayi_due_first(&self->inbox) != NULL) {
        free((struct frame *)(uintptr_t)hayi_due_pop(&self->inbox));
    }
    self->end = NULL;
    free(end);
}

static const struct hayi_transport_ops sim_ops = {
    .send = sim_send,
    .poll = sim_poll,
    .announce = sim_announce,
    .fds = sim_fds,
    .awake = sim_awake,
    .bulk_send = sim_bulk_send,
    .bulk_receive = sim_bulk_receive,
    .bulk_drop = sim_bulk_drop,
    .close = sim_close,
};

hay_status hayi_simnet_new(const struct hayi_simnet_config *config,
                           struct hayi_simnet **net)
{
    size_t count = config->peer_count;
    struct hayi_simnet *made = calloc(1, sizeof *made);

    assert(count >= 1);
    if (made == NULL) {
        return HAY_ENOMEM;
    }
    made->config = *config;
    if (made->config.frame_max == 0) {
        made->config.frame_max = FRAME_MAX_DEFAULT;
    }
    if (made->config.frames_max == 0) {
        made->config.frames_max = FRAMES_MAX_DEFAULT;
    }
    hayi_due_init(&made->news);
    made->peers = calloc(count, sizeof made->peers[0]);
    made->links = calloc(count * count, sizeof made->links[0]);
    if (made->peers == NULL || made->links == NULL) {
        hayi_simnet_free(made);
        return HAY_ENOMEM;
    }
    *net = made;
    return HAY_OK;
}

void hayi_simnet_free(struct hayi_simnet *net)
{
    if (net == NULL) {
        return;
    }
    for (uint32_t i = 0; net->peers != NULL && i < net->config.peer_count;
         i++) {
        assert(net->peers[i].end == NULL);
        assert(net->peers[i].inbox.count == 0);
        hayi_due_fini(&net->peers[i].inbox);
    }
    hayi_due_fini(&net->news);
    free(net->peers);
    free(net->links);
    free(net);
}

hay_status hayi_simnet_end(struct hayi_simnet *net,
                           uint32_t self,
                           struct hayi_transport **end)
{
    struct sim_end *made = calloc(1, sizeof *made);

    assert(self < net->config.peer_count);
    assert(net->peers[self].end == NULL);
    if (made == NULL) {
        return HAY_ENOMEM;
    }
    made->base = (struct hayi_transport){
        .ops = &sim_ops,
        .self = self,
        .peer_count = net->config.peer_count,
        .frame_max = net->config.frame_max,
        .credit_bytes = net->config.frame_max * net->config.frames_max / 2,
        .credit_frames = (net->config.frames_max + 1) / 2,
    };
    made->net = net;
    net->peers[self].end = made;
    *end = &made->base;
    return HAY_OK;
}

void hayi_simnet_advance(struct hayi_simnet *net, uint64_t now_ns)
{
    assert(now_ns >= net->now_ns);
    net->now_ns = now_ns;
}

bool hayi_simnet_next(const struct hayi_simnet *net, uint64_t *at_ns)
{
    const struct hayi_due_entry *first = hayi_due_first(&net->news);
    if (first == NULL) {
        return false;
    }
    *at_ns = first->at_ns;
    return true;
}

uint32_t hayi_simnet_tell(struct hayi_simnet *net)
{
    return (uint32_t)hayi_due_pop(&net->news);
}

void hayi_simnet_kill(struct hayi_simnet *net, uint32_t peer, bool silent)
{
    assert(!net->peers[peer].dead);
    if (!silent) {
        tell_death(net, peer);
    }
    net->peers[peer].dead = true;
}

void hayi_simnet_spoil(struct hayi_simnet *net,
                       uint32_t from,
                       uint32_t to,
                       bool lose)
{
    struct link *link = link_of(net, from, to);
    link->lose = lose;
    link->twice = !lose;
}
