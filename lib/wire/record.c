/* record.c - see record.h. */
#include "config.h"

#include "wire/record.h"

#include <string.h>

size_t hayi_record_size(size_t head, const uint64_t *parts, size_t count)
{
    size_t size = HAYI_PAD8(head);
    for (size_t i = 0; i < count; i++) {
        size += HAYI_PAD8(parts[i]);
    }
    return size;
}

unsigned char *hayi_record_put(void *at, const void *data, uint64_t size)
{
    unsigned char *bytes = at;
    if (size > 0) {
        memcpy(bytes, data, size);
        memset(bytes + size, 0, HAYI_PAD8(size) - size);
    }
    return bytes + HAYI_PAD8(size);
}

hay_status hayi_record_parts(const void *body,
                             size_t size,
                             size_t head,
                             const uint64_t *parts,
                             size_t count,
                             uint32_t strings,
                             const void **at,
                             struct hayi_error *err)
{
    const unsigned char *bytes = body;
    size_t offset = HAYI_PAD8(head);
    if (size < offset) {
        return hayi_fail(
            err, HAY_EMISMATCH, "a record of %zu bytes is too short", size);
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i] > size - offset || HAYI_PAD8(parts[i]) > size - offset) {
            return hayi_fail(
                err, HAY_EMISMATCH, "part %zu of a record is too long", i);
        }
        at[i] = bytes + offset;
        if ((strings >> i & 1u) != 0 && parts[i] > 0
            && bytes[offset + parts[i] - 1] != 0) {
            return hayi_fail(
                err, HAY_EMISMATCH, "part %zu of a record has no end", i);
        }
        offset += HAYI_PAD8(parts[i]);
    }
    return HAY_OK;
}
