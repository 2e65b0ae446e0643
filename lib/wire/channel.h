/* channel.h - a stream of records to one peer, cut into frames, with credit.
 *
 * A frame is a head (magic, epoch, sequence, acknowledged bytes and frames,
 * size) and a piece of the stream of records; a record may span frames.  A
 * record is a head (type, size) and its body, padded to 8 bytes, so that bodies
 * are aligned.  What is sent and not acknowledged stays below the credit;
 * acknowledgements need none.
 *
 * Owns: the bytes not yet sent, a record that has not come whole.
 * Never: sends or receives; the caller moves the frames.
 * Threads: one caller at a time.
 */
#ifndef HAYI_WIRE_CHANNEL_H
#define HAYI_WIRE_CHANNEL_H

#include "base/error.h"

enum {
    HAYI_RECORD_MAX = 16 << 20, /* body of a record, bytes: 65,536 results */
    HAYI_FRAME_HEAD = 32,       /* bytes */
};

struct hayi_channel_config {
    uint32_t epoch;      /* of this run; frames of another are refused */
    size_t frame_max;    /* bytes of a frame, head included */
    size_t credit_bytes; /* sent and unacknowledged at most; >= frame_max */
    uint32_t credit_frames;
};

struct hayi_channel;

struct hayi_channel *hayi_channel_new(const struct hayi_channel_config *config);
void hayi_channel_free(struct hayi_channel *channel);

/* Append a record of body size 'size' (at most HAYI_RECORD_MAX): room for the
 * body, to be filled before the next call; 8-byte aligned.  NULL when memory is
 * short, the channel is then unchanged. */
void *
hayi_channel_append(struct hayi_channel *channel, uint16_t type, size_t size);

/* Bytes of records appended and not yet put into a frame. */
size_t hayi_channel_unsent(const struct hayi_channel *channel);
/* Is there something that credit allows to be sent now (data, or an
 * acknowledgement that is due)? */
bool hayi_channel_sendable(const struct hayi_channel *channel);
/* Put the next frame into frame[frame_max]; its size, 0 if none may be sent.
 * The caller must send it, in order.  Only an empty one (HAYI_FRAME_HEAD) may
 * be dropped, together with hayi_channel_ask_frame(). */
size_t hayi_channel_next_frame(struct hayi_channel *channel, void *frame);
/* The same without copying where it can be: *data is borrowed until the next
 * call on this channel. */
size_t hayi_channel_take_frame(struct hayi_channel *channel, const void **data);
/* The frame that was taken last once more: the transport had no room for it.
 * *data: borrowed as above. */
size_t hayi_channel_again(const struct hayi_channel *channel,
                          const void **data);
/* Make the next frame due even if it is empty (a heartbeat). */
void hayi_channel_ask_frame(struct hayi_channel *channel);

/* A frame by which a peer knows that it was given up: hayi_channel_receive()
 * fails there.  It counts for nothing, and may be sent at any time.
 * frame[HAYI_FRAME_HEAD]. */
void hayi_channel_fence(const struct hayi_channel *channel, void *frame);

/* Called for each whole record; body is 8-byte aligned and borrowed.  Not
 * HAY_OK: receiving stops and returns that. */
typedef hay_status (*hayi_record_fn)(void *context,
                                     uint16_t type,
                                     const void *body,
                                     size_t size);

/* Take a frame that came from the peer: its acknowledgement counts, its records
 * are given to 'each' as they are whole ('each' may append to this channel).
 * frame: borrowed, 8-byte aligned.
 * HAY_EMISMATCH: not a frame of ours, of another epoch, out of sequence, a
 *     length that cannot be; 'err' tells.  Nothing was delivered or changed.
 * HAY_ENOMEM: the same; the frame may be given again.
 * HAY_EFARM: the peer has given us up (hayi_channel_fence()).
 * What 'each' returned: the rest of the frame is lost, do not receive more. */
hay_status hayi_channel_receive(struct hayi_channel *channel,
                                const void *frame,
                                size_t size,
                                hayi_record_fn each,
                                void *context,
                                struct hayi_error *err);

#endif
