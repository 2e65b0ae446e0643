/* buffer.c - see buffer.h. */
#include "config.h"

#include "base/buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_MIN = 256 };

void hayi_buffer_init(struct hayi_buffer *buffer)
{
    *buffer = (struct hayi_buffer){NULL, 0, 0};
}

void hayi_buffer_fini(struct hayi_buffer *buffer)
{
    free(buffer->data);
    hayi_buffer_init(buffer);
}

void *hayi_buffer_extend(struct hayi_buffer *buffer, size_t size)
{
    if (buffer->data == NULL || size > buffer->room - buffer->size) {
        size_t room = buffer->room < ROOM_MIN ? ROOM_MIN : buffer->room;
        while (room - buffer->size < size) {
            if (room > SIZE_MAX / 2) {
                return NULL;
            }
            room *= 2;
        }
        unsigned char *data = realloc(buffer->data, room);
        if (data == NULL) {
            return NULL;
        }
        buffer->data = data;
        buffer->room = room;
    }
    void *place = buffer->data + buffer->size;
    buffer->size += size;
    return place;
}

hay_status
hayi_buffer_append(struct hayi_buffer *buffer, const void *data, size_t size)
{
    void *place = hayi_buffer_extend(buffer, size);
    if (place == NULL) {
        return HAY_ENOMEM;
    }
    if (size > 0) {
        memcpy(place, data, size);
    }
    return HAY_OK;
}

void hayi_buffer_consume(struct hayi_buffer *buffer, size_t size)
{
    assert(size <= buffer->size);
    buffer->size -= size;
    if (buffer->size > 0) {
        memmove(buffer->data, buffer->data + size, buffer->size);
    }
}
