/* link.c - see link.h. */
#include "config.h"

#include "transport/link.h"

#include "wire/record.h"

#include <string.h>

hay_status hayi_link_init(struct hayi_link *link,
                          const struct hayi_transport *transport,
                          uint32_t peer,
                          uint32_t epoch)
{
    const struct hayi_channel_config config = {
        .epoch = epoch,
        .frame_max = transport->frame_max,
        .credit_bytes = transport->credit_bytes,
        .credit_frames = transport->credit_frames,
    };
    *link = (struct hayi_link){.peer = peer};
    link->channel = hayi_channel_new(&config);
    return link->channel == NULL ? HAY_ENOMEM : HAY_OK;
}

void hayi_link_fini(struct hayi_link *link)
{
    hayi_channel_free(link->channel);
    link->channel = NULL;
}

bool hayi_link_flush(struct hayi_link *link,
                     struct hayi_transport *transport,
                     uint64_t now_ns)
{
    bool sent = false;
    while (!link->down) {
        /* What was appended meanwhile may have moved the frame. */
        const void *frame = NULL;
        size_t size = link->pending
                          ? hayi_channel_again(link->channel, &frame)
                          : hayi_channel_take_frame(link->channel, &frame);
        if (size == 0) {
            break;
        }
        hay_status status =
            transport->ops->send(transport, link->peer, frame, size);
        link->pending = status == HAY_EAGAIN;
        if (link->pending) {
            break;
        }
        if (status != HAY_OK) {
            link->down = true; /* the transport tells of it in its poll */
            break;
        }
        link->sent_ns = now_ns;
        sent = true;
    }
    return sent;
}

void hayi_link_heartbeat(struct hayi_link *link,
                         uint64_t now_ns,
                         uint64_t period_ns)
{
    if (!link->down && now_ns - link->sent_ns >= period_ns) {
        hayi_channel_ask_frame(link->channel);
    }
}

hay_status hayi_link_append(struct hayi_link *link,
                            uint16_t type,
                            const void *head,
                            size_t size)
{
    if (link->down) {
        return HAY_OK; /* to a dead peer */
    }
    void *body = hayi_channel_append(link->channel, type, size);
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    memcpy(body, head, size);
    return HAY_OK;
}

hay_status
hayi_link_append_words(struct hayi_link *link, uint16_t type, const char *text)
{
    const struct hayi_words words = {.size = strlen(text) + 1};
    if (link->down) {
        return HAY_OK;
    }
    unsigned char *body = hayi_channel_append(
        link->channel, type, hayi_record_size(sizeof(words), &words.size, 1));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    memcpy(body, &words, sizeof(words));
    memcpy(body + sizeof(words), text, words.size);
    return HAY_OK;
}
