/* pipe.h - records of any size, both ways, between a rank and its child.
 *
 * A record is a head and a body; what does not fit into the ring at once goes
 * in pieces, and lies in a buffer of the sender's until then.
 *
 * Owns: its buffers.
 * Never: waits; looks into a body.
 * Threads: one.
 */
#ifndef HAYI_WORKER_PIPE_H
#define HAYI_WORKER_PIPE_H

#include "base/buffer.h"
#include "worker/ring.h"

#define HAYI_PIPE_RECORD_MAX ((uint64_t)1 << 30)

struct hayi_pipe_record {
    uint64_t size; /* of the body */
    uint32_t kind;
    uint32_t reserved;
};

struct hayi_pipe_part {
    const void *data; /* NULL if size is 0 */
    uint64_t size;
};

struct hayi_pipe {
    struct hayi_ring out, in;
    struct hayi_buffer pending; /* what had no room */
    size_t pending_sent;
    struct hayi_buffer arrived;
    size_t arrived_taken;
    bool damaged; /* the other end has sent what cannot be */
};

void hayi_pipe_init(struct hayi_pipe *pipe,
                    const struct hayi_ring *out,
                    const struct hayi_ring *in);
void hayi_pipe_fini(struct hayi_pipe *pipe);

/* A record of these parts, each padded to 8 bytes.  parts: copied.  HAY_ENOMEM:
 * nothing of it was sent.  The reader is not woken. */
hay_status hayi_pipe_send(struct hayi_pipe *pipe,
                          uint32_t kind,
                          const struct hayi_pipe_part *parts,
                          size_t count);
/* Send on; true: nothing is left to be sent. */
bool hayi_pipe_flush(struct hayi_pipe *pipe);
bool hayi_pipe_is_sent(const struct hayi_pipe *pipe);
/* The next whole record; its body (8-byte aligned) is borrowed until the next
 * call.  false: there is none now, or pipe->damaged. */
bool hayi_pipe_next(struct hayi_pipe *pipe,
                    struct hayi_pipe_record *record,
                    const void **body);
/* Is there something to read? */
bool hayi_pipe_maybe(struct hayi_pipe *pipe);

#endif
