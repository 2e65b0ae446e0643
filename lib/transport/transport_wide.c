/* transport_wide.c - see transport_wide.h. */
#include "config.h"

#include "transport/transport_wide.h"

#include <poll.h>
#include <stdlib.h>

struct wide {
    struct hayi_transport base;
    struct hayi_transport *parts[2];
};

static struct hayi_transport *part_of(struct hayi_transport *t, uint32_t peer)
{
    struct wide *wide = (struct wide *)t;
    return wide->parts[peer < wide->parts[0]->peer_count ? 0 : 1];
}

static hay_status wide_send(struct hayi_transport *t,
                            uint32_t peer,
                            const void *data,
                            size_t size)
{
    struct hayi_transport *part = part_of(t, peer);
    return part->ops->send(part, peer, data, size);
}

static uint32_t wide_poll(struct hayi_transport *t,
                          const struct hayi_transport_sink *sink)
{
    struct wide *wide = (struct wide *)t;
    uint32_t calls = wide->parts[0]->ops->poll(wide->parts[0], sink);
    return calls + wide->parts[1]->ops->poll(wide->parts[1], sink);
}

/* Each says anew how long it may nap. */
static bool wide_announce(struct hayi_transport *t)
{
    const struct wide *wide = (const struct wide *)t;
    bool idle = true;
    t->nap_ns = UINT32_MAX;
    for (int i = 0; i < 2; i++) {
        struct hayi_transport *part = wide->parts[i];
        if (!part->ops->announce(part)) {
            idle = false;
            t->nap_ns = part->nap_ns < t->nap_ns ? part->nap_ns : t->nap_ns;
        }
    }
    return idle;
}

static size_t
wide_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    struct wide *wide = (struct wide *)t;
    size_t count = wide->parts[0]->ops->fds(wide->parts[0], list, room);
    return count
           + wide->parts[1]->ops->fds(
               wide->parts[1], list + count, room - count);
}

static void wide_awake(struct hayi_transport *t)
{
    struct wide *wide = (struct wide *)t;
    wide->parts[0]->ops->awake(wide->parts[0]);
    wide->parts[1]->ops->awake(wide->parts[1]);
}

static hay_status wide_bulk_send(struct hayi_transport *t,
                                 uint32_t peer,
                                 uint32_t tag,
                                 const void *data,
                                 size_t size,
                                 uint64_t cookie)
{
    struct hayi_transport *part = part_of(t, peer);
    return part->ops->bulk_send(part, peer, tag, data, size, cookie);
}

static hay_status wide_bulk_receive(struct hayi_transport *t,
                                    uint32_t peer,
                                    uint32_t tag,
                                    void *data,
                                    size_t size,
                                    uint64_t cookie)
{
    struct hayi_transport *part = part_of(t, peer);
    return part->ops->bulk_receive(part, peer, tag, data, size, cookie);
}

static void wide_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    struct hayi_transport *part = part_of(t, peer);
    part->ops->bulk_drop(part, peer);
}

static void wide_close(struct hayi_transport *t, bool orderly)
{
    (void)orderly;
    free(t);
}

static const struct hayi_transport_ops wide_ops = {
    .send = wide_send,
    .poll = wide_poll,
    .announce = wide_announce,
    .fds = wide_fds,
    .awake = wide_awake,
    .bulk_send = wide_bulk_send,
    .bulk_receive = wide_bulk_receive,
    .bulk_drop = wide_bulk_drop,
    .close = wide_close,
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

hay_status hayi_transport_wide_new(struct hayi_transport *base,
                                   struct hayi_transport *hub,
                                   struct hayi_transport **out)
{
    struct wide *wide = calloc(1, sizeof *wide);
    if (wide == NULL) {
        return hayi_fail(hayi_thread_error(), HAY_ENOMEM, "no memory");
    }
    wide->base = (struct hayi_transport){
        .ops = &wide_ops,
        .self = base->self,
        .peer_count = hub->peer_count,
        .frame_max = least(base->frame_max, hub->frame_max),
        .credit_bytes = least(base->credit_bytes, hub->credit_bytes),
        .credit_frames =
            (uint32_t)least(base->credit_frames, hub->credit_frames),
    };
    wide->parts[0] = base;
    wide->parts[1] = hub;
    *out = &wide->base;
    return HAY_OK;
}
