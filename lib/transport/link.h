/* link.h - a channel to one peer and the frame that waits for the transport.
 *
 * Owns: the channel.
 * Never: blocks.
 * Threads: the loop's.
 */
#ifndef HAYI_TRANSPORT_LINK_H
#define HAYI_TRANSPORT_LINK_H

#include "transport/transport.h"
#include "wire/channel.h"

struct hayi_link {
    struct hayi_channel *channel;
    uint32_t peer;
    bool down;         /* nothing is sent any more */
    bool pending;      /* the transport had no room for the frame taken last */
    uint64_t sent_ns;  /* of the last frame */
    uint64_t heard_ns; /* of the last frame that came */
};

hay_status hayi_link_init(struct hayi_link *link,
                          const struct hayi_transport *transport,
                          uint32_t peer,
                          uint32_t epoch);
void hayi_link_fini(struct hayi_link *link);
/* Sends what credit and transport allow.  true: a frame went out. */
bool hayi_link_flush(struct hayi_link *link,
                     struct hayi_transport *transport,
                     uint64_t now_ns);
/* A frame every so often, even if there is nothing to tell. */
void hayi_link_heartbeat(struct hayi_link *link,
                         uint64_t now_ns,
                         uint64_t period_ns);
/* Append a record that is a head alone.  HAY_ENOMEM. */
hay_status hayi_link_append(struct hayi_link *link,
                            uint16_t type,
                            const void *head,
                            size_t size);
/* Append a record that is a string. */
hay_status
hayi_link_append_words(struct hayi_link *link, uint16_t type, const char *text);

#endif
