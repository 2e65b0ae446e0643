/* pipe.c - see pipe.h. */
#include "config.h"

#include "worker/pipe.h"

#include <assert.h>
#include <string.h>

enum { PAD = 8 };

static size_t padded(uint64_t size)
{
    return ((size_t)size + PAD - 1) & ~(size_t)(PAD - 1);
}

void hayi_pipe_init(struct hayi_pipe *pipe,
                    const struct hayi_ring *out,
                    const struct hayi_ring *in)
{
    *pipe = (struct hayi_pipe){.out = *out, .in = *in};
    hayi_buffer_init(&pipe->pending);
    hayi_buffer_init(&pipe->arrived);
}

void hayi_pipe_fini(struct hayi_pipe *pipe)
{
    hayi_buffer_fini(&pipe->pending);
    hayi_buffer_fini(&pipe->arrived);
}

bool hayi_pipe_is_sent(const struct hayi_pipe *pipe)
{
    return pipe->pending_sent == pipe->pending.size;
}

bool hayi_pipe_flush(struct hayi_pipe *pipe)
{
    while (!hayi_pipe_is_sent(pipe)) {
        size_t n = hayi_ring_put(&pipe->out,
                                 pipe->pending.data + pipe->pending_sent,
                                 pipe->pending.size - pipe->pending_sent);
        if (n == 0) {
            return false;
        }
        pipe->pending_sent += n;
    }
    pipe->pending.size = 0;
    pipe->pending_sent = 0;
    return true;
}

static void put_parts(unsigned char *at,
                      const struct hayi_pipe_record *record,
                      const struct hayi_pipe_part *parts,
                      size_t count)
{
    memcpy(at, record, sizeof(*record));
    at += sizeof(*record);
    for (size_t i = 0; i < count; i++) {
        if (parts[i].size > 0) {
            size_t size = (size_t)parts[i].size;
            memcpy(at, parts[i].data, size);
            memset(at + size, 0, padded(size) - size);
            at += padded(size);
        }
    }
}

hay_status hayi_pipe_send(struct hayi_pipe *pipe,
                          uint32_t kind,
                          const struct hayi_pipe_part *parts,
                          size_t count)
{
    enum { SMALL = 2048 };
    struct hayi_pipe_record record = {.kind = kind};
    for (size_t i = 0; i < count; i++) {
        record.size += padded(parts[i].size);
    }
    size_t whole = sizeof(record) + (size_t)record.size;
    if (whole <= SMALL && hayi_pipe_flush(pipe)
        && hayi_ring_room(&pipe->out) >= whole) {
        alignas(PAD) unsigned char room[SMALL];
        put_parts(room, &record, parts, count);
        size_t sent = hayi_ring_put(&pipe->out, room, whole);
        assert(sent == whole);
        return HAY_OK;
    }
    unsigned char *at = hayi_buffer_extend(&pipe->pending, whole);
    if (at == NULL) {
        return HAY_ENOMEM;
    }
    put_parts(at, &record, parts, count);
    (void)hayi_pipe_flush(pipe);
    return HAY_OK;
}

/* All that the ring holds, behind what has arrived. */
static void receive(struct hayi_pipe *pipe)
{
    if (pipe->arrived_taken > 0) {
        hayi_buffer_consume(&pipe->arrived, pipe->arrived_taken);
        pipe->arrived_taken = 0;
    }
    size_t size = hayi_ring_filled(&pipe->in);
    if (size > 0) {
        unsigned char *at = hayi_buffer_extend(&pipe->arrived, size);
        if (at == NULL) {
            pipe->damaged = true; /* as if the other end had gone */
            return;
        }
        size_t taken = hayi_ring_take(&pipe->in, at, size);
        pipe->arrived.size -= size - taken;
    }
    pipe->damaged = pipe->damaged || pipe->in.damaged;
}

/* One that has arrived as a whole. */
static bool whole(struct hayi_pipe *pipe,
                  struct hayi_pipe_record *record,
                  const void **body)
{
    size_t left = pipe->arrived.size - pipe->arrived_taken;
    if (left < sizeof(*record)) {
        return false;
    }
    const unsigned char *at = pipe->arrived.data + pipe->arrived_taken;
    memcpy(record, at, sizeof(*record));
    if (record->size > HAYI_PIPE_RECORD_MAX || record->size % PAD != 0) {
        pipe->damaged = true;
        return false;
    }
    if (record->size > left - sizeof(*record)) {
        return false;
    }
    *body = at + sizeof(*record);
    pipe->arrived_taken += sizeof(*record) + (size_t)record->size;
    return true;
}

bool hayi_pipe_next(struct hayi_pipe *pipe,
                    struct hayi_pipe_record *record,
                    const void **body)
{
    if (pipe->damaged) {
        return false;
    }
    if (whole(pipe, record, body)) {
        return true;
    }
    receive(pipe);
    return !pipe->damaged && whole(pipe, record, body);
}

bool hayi_pipe_maybe(struct hayi_pipe *pipe)
{
    return hayi_ring_filled(&pipe->in) > 0;
}
