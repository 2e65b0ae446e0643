/* record.c - see record.h. */
#include "config.h"

#include "wire/record.h"

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
        at[i] = bytes + offset;
        if (parts[i] == 0) {
            continue;
        }
        if (parts[i] > size - offset || HAYI_PAD8(parts[i]) > size - offset) {
            return hayi_fail(
                err, HAY_EMISMATCH, "part %zu of a record is too long", i);
        }
        if ((strings >> i & 1u) != 0 && bytes[offset + parts[i] - 1] != 0) {
            return hayi_fail(
                err, HAY_EMISMATCH, "part %zu of a record has no end", i);
        }
        offset += HAYI_PAD8(parts[i]);
    }
    return HAY_OK;
}
