/* channel.c - see channel.h.
 *
 * Numbers on the wire are in the machine's byte order; the magic number of a
 * machine of the other order does not match.  Every piece of the stream is a
 * multiple of 8 bytes, so a record's head is never cut and bodies are aligned
 * in place: a record that lies whole in its frame is not copied.
 *
 * The bytes to send are one block, read from 'start'.  What stands before
 * 'start' has been sent, so that a frame's head can be written right before
 * its piece, and the frame leaves without a copy.  When the block is full it is
 * moved down if at least as much was sent as must be moved, else doubled: both
 * are constant per byte.  The frame taken last is not written over before the
 * next one is taken.
 *
 * Credit: frames with a piece of the stream count, with their heads; empty
 * ones (acknowledgements, heartbeats) do not and are not acknowledged, so that
 * two idle ends fall silent.  An acknowledgement rides on every frame, and is
 * due by itself when half of the credit is used.  A sender may use the credit
 * to the last FRAME_MIN bytes, thus it never waits for an acknowledgement that
 * is not due.
 */
#include "config.h"

#include "wire/channel.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAGIC = 0x48594652,     /* "HYFR" */
    FENCE = 0x48594645,     /* "HYFE" */
    ALIGN = 8,              /* of everything in the stream */
    FRAME_MIN = 32 + ALIGN, /* a head and the smallest piece */
    BLOCK_MIN = 1024,       /* bytes, the first allocation */
    BLOCK_KEEP = 256 << 10, /* larger ones are given back when empty */
};

struct frame_head {
    uint32_t magic;
    uint32_t epoch;
    uint32_t sequence; /* counts the frames that are not empty */
    uint32_t size;     /* of the piece that follows */
    uint64_t acked_bytes;
    uint32_t acked_frames;
    uint32_t reserved; /* 0 */
};

struct record_head {
    uint16_t type;
    uint16_t reserved; /* 0 */
    uint32_t size;     /* of the body, without padding */
};

static_assert(sizeof(struct frame_head) == HAYI_FRAME_HEAD, "frame head");
static_assert(sizeof(struct record_head) == ALIGN, "record head");

struct hayi_channel {
    struct hayi_channel_config config;

    /* sending */
    unsigned char *block;
    size_t start; /* first byte not sent; at least HAYI_FRAME_HEAD */
    size_t end;
    size_t room;
    size_t taken;      /* of the frame before 'start'; 0: an empty one */
    uint32_t sequence; /* of the next frame */
    bool asked;
    uint64_t sent_bytes; /* of frames that count */
    uint32_t sent_frames;
    uint64_t sent_acked_bytes;
    uint32_t sent_acked_frames;
    alignas(8) unsigned char empty[HAYI_FRAME_HEAD];

    /* receiving */
    uint32_t sequence_due;
    uint64_t came_bytes;
    uint32_t came_frames;
    uint64_t came_acked_bytes; /* what the peer was told */
    uint32_t came_acked_frames;
    unsigned char *part; /* a record that has not come whole, with its head */
    size_t part_size;
    size_t part_room;
    size_t part_total; /* what its head says; 0: there is none */
};

static size_t padded(size_t size)
{
    return (size + (ALIGN - 1)) & ~(size_t)(ALIGN - 1);
}

struct hayi_channel *hayi_channel_new(const struct hayi_channel_config *config)
{
    assert(config->frame_max >= FRAME_MIN && config->frame_max <= UINT32_MAX);
    assert(config->credit_bytes >= config->frame_max);
    assert(config->credit_bytes >= 2 * (size_t)FRAME_MIN);
    assert(config->credit_frames >= 1);
    struct hayi_channel *channel = calloc(1, sizeof *channel);
    if (channel == NULL) {
        return NULL;
    }
    channel->config = *config;
    channel->start = HAYI_FRAME_HEAD;
    channel->end = HAYI_FRAME_HEAD;
    return channel;
}

void hayi_channel_free(struct hayi_channel *channel)
{
    if (channel == NULL) {
        return;
    }
    free(channel->block);
    free(channel->part);
    free(channel);
}

/* ---- sending ------------------------------------------------------------ */

/* Room for 'size' bytes at the end.  The frame taken last is kept, in case the
 * caller wants it again. */
static bool reserve(struct hayi_channel *c, size_t size)
{
    if (c->block != NULL && size <= c->room - c->end) {
        return true;
    }
    size_t base = c->taken > HAYI_FRAME_HEAD ? c->taken : HAYI_FRAME_HEAD;
    size_t moved = c->end - c->start + c->taken;
    size_t needed = base + c->end - c->start + size;
    bool large = c->room > BLOCK_KEEP && needed < BLOCK_KEEP / 2;
    if (c->block != NULL && needed <= c->room && !large
        && c->start - c->taken >= moved) {
        memmove(
            c->block + base - c->taken, c->block + c->start - c->taken, moved);
    } else {
        size_t room = c->room < BLOCK_MIN || large ? BLOCK_MIN : 2 * c->room;
        while (room < needed) {
            room *= 2; /* no overflow: what is needed fits in memory */
        }
        unsigned char *block = malloc(room);
        if (block == NULL) {
            return false;
        }
        if (moved > 0) {
            memcpy(
                block + base - c->taken, c->block + c->start - c->taken, moved);
        }
        free(c->block);
        c->block = block;
        c->room = room;
    }
    c->end = base + c->end - c->start;
    c->start = base;
    return true;
}

void *
hayi_channel_append(struct hayi_channel *channel, uint16_t type, size_t size)
{
    assert(size <= HAYI_RECORD_MAX);
    size_t total = sizeof(struct record_head) + padded(size);
    if (!reserve(channel, total)) {
        return NULL;
    }
    unsigned char *place = channel->block + channel->end;
    struct record_head head = {.type = type, .size = (uint32_t)size};
    /* No old bytes may leave in the padding. */
    memset(place + total - ALIGN, 0, ALIGN);
    memcpy(place, &head, sizeof head);
    channel->end += total;
    return place + sizeof head;
}

size_t hayi_channel_unsent(const struct hayi_channel *channel)
{
    return channel->end - channel->start;
}

/* Bytes of a data frame that may be sent now, 0 if none. */
static size_t data_size(const struct hayi_channel *c)
{
    size_t unsent = c->end - c->start;
    uint32_t frames = c->sent_frames - c->sent_acked_frames;
    uint64_t bytes = c->sent_bytes - c->sent_acked_bytes;
    if (unsent == 0 || frames >= c->config.credit_frames) {
        return 0;
    }
    size_t size = c->config.credit_bytes - (size_t)bytes;
    if (size > c->config.frame_max) {
        size = c->config.frame_max;
    }
    if (size < FRAME_MIN) {
        return 0;
    }
    size &= ~(size_t)(ALIGN - 1);
    return unsent < size - HAYI_FRAME_HEAD ? unsent + HAYI_FRAME_HEAD : size;
}

static bool ack_due(const struct hayi_channel *c)
{
    uint64_t bytes = c->came_bytes - c->came_acked_bytes;
    uint32_t frames = c->came_frames - c->came_acked_frames;
    return frames > 0
           && (bytes >= c->config.credit_bytes / 2
               || frames >= (c->config.credit_frames + 1) / 2);
}

bool hayi_channel_sendable(const struct hayi_channel *channel)
{
    return channel->asked || ack_due(channel) || data_size(channel) > 0;
}

static void write_head(struct hayi_channel *c, void *place, size_t piece)
{
    struct frame_head head = {
        .magic = MAGIC,
        .epoch = c->config.epoch,
        .sequence = c->sequence,
        .size = (uint32_t)piece,
        .acked_bytes = c->came_bytes,
        .acked_frames = c->came_frames,
    };
    memcpy(place, &head, sizeof head);
    c->came_acked_bytes = c->came_bytes;
    c->came_acked_frames = c->came_frames;
    c->asked = false;
}

size_t hayi_channel_take_frame(struct hayi_channel *channel, const void **data)
{
    size_t size = data_size(channel);
    if (size == 0) {
        if (!channel->asked && !ack_due(channel)) {
            return 0;
        }
        write_head(channel, channel->empty, 0);
        channel->taken = 0;
        *data = channel->empty;
        return HAYI_FRAME_HEAD;
    }
    unsigned char *place = channel->block + channel->start - HAYI_FRAME_HEAD;
    write_head(channel, place, size - HAYI_FRAME_HEAD);
    channel->start += size - HAYI_FRAME_HEAD;
    channel->taken = size;
    channel->sequence++;
    channel->sent_bytes += size;
    channel->sent_frames++;
    *data = place;
    return size;
}

size_t hayi_channel_again(const struct hayi_channel *channel, const void **data)
{
    if (channel->taken == 0) {
        *data = channel->empty;
        return HAYI_FRAME_HEAD;
    }
    *data = channel->block + channel->start - channel->taken;
    return channel->taken;
}

size_t hayi_channel_next_frame(struct hayi_channel *channel, void *frame)
{
    const void *data = NULL;
    size_t size = hayi_channel_take_frame(channel, &data);
    if (size > 0) {
        memcpy(frame, data, size);
    }
    return size;
}

void hayi_channel_ask_frame(struct hayi_channel *channel)
{
    channel->asked = true;
}

void hayi_channel_fence(const struct hayi_channel *channel, void *frame)
{
    const struct frame_head head = {
        .magic = FENCE,
        .epoch = channel->config.epoch,
    };
    memcpy(frame, &head, sizeof head);
}

/* ---- receiving ---------------------------------------------------------- */

static hay_status check_head(const struct hayi_channel *c,
                             const struct frame_head *head,
                             size_t size,
                             struct hayi_error *err)
{
    if (head->magic == FENCE && head->epoch == c->config.epoch) {
        return hayi_fail(err, HAY_EFARM, "it has given us up");
    }
    if (head->magic != MAGIC || head->reserved != 0) {
        return hayi_fail(err, HAY_EMISMATCH, "not a frame of Hayfork's");
    }
    if (head->epoch != c->config.epoch) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "a frame of epoch %u, ours is %u",
                         head->epoch,
                         c->config.epoch);
    }
    if (head->sequence != c->sequence_due) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "frame %u came where frame %u is due",
                         head->sequence,
                         c->sequence_due);
    }
    if (head->size != size - HAYI_FRAME_HEAD || head->size % ALIGN != 0) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "a frame of %zu bytes says that %u follow its head",
                         size,
                         head->size);
    }
    uint64_t bytes = head->acked_bytes - c->sent_acked_bytes;
    uint32_t frames = head->acked_frames - c->sent_acked_frames;
    if (bytes > c->sent_bytes - c->sent_acked_bytes
        || frames > c->sent_frames - c->sent_acked_frames) {
        return hayi_fail(
            err, HAY_EMISMATCH, "a frame acknowledges what was not sent");
    }
    return HAY_OK;
}

static hay_status
check_record(const unsigned char *place, size_t *total, struct hayi_error *err)
{
    struct record_head head;
    memcpy(&head, place, sizeof head);
    if (head.size > HAYI_RECORD_MAX || head.reserved != 0) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "a record of type %u says it has %u bytes",
                         head.type,
                         head.size);
    }
    *total = sizeof head + padded(head.size);
    return HAY_OK;
}

/* Walk over the piece without delivering: are all lengths possible, and is
 * there room for what will stay?  *tail: the offset of a last record that is
 * not whole, 'size' if there is none; *total: its size. */
static hay_status check_piece(struct hayi_channel *c,
                              const unsigned char *piece,
                              size_t size,
                              size_t *tail,
                              size_t *total,
                              struct hayi_error *err)
{
    size_t at = 0;
    size_t next = 0;
    if (c->part_total > 0) {
        next = c->part_total - c->part_size;
    }
    while (next < size) {
        size_t length = 0;
        hay_status st = check_record(piece + next, &length, err);
        if (st != HAY_OK) {
            return st;
        }
        at = next;
        next += length;
        *total = length;
    }
    /* A piece that does not even end the waiting record has no tail. */
    bool cut = next > size && !(c->part_total > 0 && at == 0);
    *tail = cut ? at : size;
    return HAY_OK;
}

static hay_status
reserve_part(struct hayi_channel *c, size_t total, struct hayi_error *err)
{
    if (total <= c->part_room) {
        return HAY_OK;
    }
    unsigned char *part = realloc(c->part, total);
    if (part == NULL) {
        return hayi_fail(
            err, HAY_ENOMEM, "no memory for a record of %zu bytes", total);
    }
    c->part = part;
    c->part_room = total;
    return HAY_OK;
}

static hay_status deliver(const unsigned char *place,
                          size_t *total,
                          hayi_record_fn each,
                          void *context)
{
    struct record_head head;
    memcpy(&head, place, sizeof head);
    *total = sizeof head + padded(head.size);
    return each(context, head.type, place + sizeof head, head.size);
}

/* Add to the waiting record; *used: bytes taken from the piece. */
static hay_status fill_part(struct hayi_channel *c,
                            const unsigned char *piece,
                            size_t size,
                            size_t *used,
                            hayi_record_fn each,
                            void *context)
{
    size_t missing = c->part_total - c->part_size;
    *used = missing < size ? missing : size;
    memcpy(c->part + c->part_size, piece, *used);
    c->part_size += *used;
    if (c->part_size < c->part_total) {
        return HAY_OK;
    }
    c->part_total = 0;
    size_t total = 0;
    return deliver(c->part, &total, each, context);
}

hay_status hayi_channel_receive(struct hayi_channel *channel,
                                const void *frame,
                                size_t size,
                                hayi_record_fn each,
                                void *context,
                                struct hayi_error *err)
{
    struct frame_head head;
    if (size < sizeof head || size > channel->config.frame_max) {
        return hayi_fail(err, HAY_EMISMATCH, "a frame of %zu bytes", size);
    }
    assert((uintptr_t)frame % ALIGN == 0);
    memcpy(&head, frame, sizeof head);
    hay_status st = check_head(channel, &head, size, err);
    const unsigned char *piece = (const unsigned char *)frame + sizeof head;
    size_t piece_size = size - sizeof head;
    size_t tail = 0;
    size_t tail_total = 0;
    if (st == HAY_OK) {
        st = check_piece(channel, piece, piece_size, &tail, &tail_total, err);
    }
    if (st == HAY_OK && tail < piece_size) {
        st = reserve_part(channel, tail_total, err);
    }
    if (st != HAY_OK) {
        return st;
    }
    /* Nothing has changed so far; from here on only 'each' can fail. */
    channel->sent_acked_bytes = head.acked_bytes;
    channel->sent_acked_frames = head.acked_frames;
    if (piece_size == 0) {
        return HAY_OK;
    }
    channel->sequence_due++;
    channel->came_bytes += size;
    channel->came_frames++;
    size_t at = 0;
    if (channel->part_total > 0) {
        st = fill_part(channel, piece, tail, &at, each, context);
    }
    while (st == HAY_OK && at < tail) {
        size_t total = 0;
        st = deliver(piece + at, &total, each, context);
        at += total;
    }
    if (st == HAY_OK && tail < piece_size) {
        channel->part_size = piece_size - tail;
        channel->part_total = tail_total;
        memcpy(channel->part, piece + tail, channel->part_size);
    }
    return st;
}
