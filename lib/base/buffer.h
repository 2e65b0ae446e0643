/* buffer.h - growable bytes, 8-byte aligned.
 *
 * Owns: its memory.
 * Never: shrinks on its own.
 * Threads: one at a time.
 */
#ifndef HAYI_BASE_BUFFER_H
#define HAYI_BASE_BUFFER_H

#include <hayfork/hayfork.h>

struct hayi_buffer {
    unsigned char *data;
    size_t size;
    size_t room;
};

void hayi_buffer_init(struct hayi_buffer *buffer);
void hayi_buffer_fini(struct hayi_buffer *buffer);
/* Room for 'size' further bytes at the end, which become part of it.  NULL when
 * memory is short; the buffer is then unchanged. */
void *hayi_buffer_extend(struct hayi_buffer *buffer, size_t size);
/* HAY_ENOMEM: unchanged. */
hay_status
hayi_buffer_append(struct hayi_buffer *buffer, const void *data, size_t size);
/* Drops the first 'size' bytes. */
void hayi_buffer_consume(struct hayi_buffer *buffer, size_t size);

#endif
