/* filter.c - see filter.h.
 *
 * Shuffling goes block by block, so that what is read with a stride stays in
 * the cache.  Deflate is zlib's format with its checksum, as HDF5 has it.
 */
#include "config.h"

#include "data/filter.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 2048 }; /* elements */

void hayi_shuffle(const void *in,
                  size_t size_bytes,
                  size_t element_bytes,
                  void *out)
{
    const unsigned char *from = in;
    unsigned char *to = out;
    size_t count = size_bytes / element_bytes;
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t many = count - first < BLOCK ? count - first : BLOCK;
        for (size_t k = 0; k < element_bytes; k++) {
            const unsigned char *source = from + first * element_bytes + k;
            unsigned char *target = to + k * count + first;
            for (size_t i = 0; i < many; i++) {
                target[i] = source[i * element_bytes];
            }
        }
    }
    size_t whole = count * element_bytes;
    memcpy(to + whole, from + whole, size_bytes - whole);
}

void hayi_unshuffle(const void *in,
                    size_t size_bytes,
                    size_t element_bytes,
                    void *out)
{
    const unsigned char *from = in;
    unsigned char *to = out;
    size_t count = size_bytes / element_bytes;
    for (size_t first = 0; first < count; first += BLOCK) {
        size_t many = count - first < BLOCK ? count - first : BLOCK;
        for (size_t k = 0; k < element_bytes; k++) {
            const unsigned char *source = from + k * count + first;
            unsigned char *target = to + first * element_bytes + k;
            for (size_t i = 0; i < many; i++) {
                target[i * element_bytes] = source[i];
            }
        }
    }
    size_t whole = count * element_bytes;
    memcpy(to + whole, from + whole, size_bytes - whole);
}

static hay_status no_memory(struct hayi_error *err)
{
    return hayi_fail(err, HAY_ENOMEM, "out of memory to pack a chunk");
}

hay_status hayi_filters_pack(const struct hayi_filters *filters,
                             size_t element_bytes,
                             const void *in,
                             size_t size_bytes,
                             void **out,
                             size_t *out_bytes,
                             struct hayi_error *err)
{
    const void *from = in;
    size_t size = size_bytes;
    void *shuffled = NULL;
    if (size_bytes > UINT32_MAX) {
        return hayi_fail(
            err, HAY_ETOOBIG, "a chunk of HDF5's has less than 4 GiB");
    }
    if (filters->shuffle != 0 || filters->deflate == 0) {
        shuffled = malloc(size_bytes == 0 ? 1 : size_bytes);
        if (shuffled == NULL) {
            return no_memory(err);
        }
        hayi_shuffle(in,
                     size_bytes,
                     filters->shuffle != 0 ? element_bytes : 1,
                     shuffled);
        from = shuffled;
    }
    if (filters->deflate != 0) {
        uLongf room = compressBound((uLong)size_bytes);
        void *packed = malloc(room);
        int result =
            packed == NULL
                ? Z_MEM_ERROR
                : compress2(
                    packed, &room, from, (uLong)size_bytes, filters->deflate);
        free(shuffled);
        if (result != Z_OK) {
            free(packed);
            return no_memory(err);
        }
        void *less = realloc(packed, room);
        *out = less == NULL ? packed : less;
        *out_bytes = room;
        return HAY_OK;
    }
    *out = shuffled;
    *out_bytes = size;
    return HAY_OK;
}

static hay_status unpack_deflated(const void *in,
                                  size_t size_bytes,
                                  void *out,
                                  size_t out_bytes,
                                  struct hayi_error *err)
{
    uLongf room = (uLongf)out_bytes;
    uLong used = (uLong)size_bytes;
    int result = uncompress2(out, &room, in, &used);
    if (result == Z_MEM_ERROR) {
        return no_memory(err);
    }
    if (result != Z_OK || room != out_bytes) {
        return hayi_fail(err,
                         HAY_EIO,
                         "a chunk is damaged: %zu packed bytes do not give %zu "
                         "bytes",
                         size_bytes,
                         out_bytes);
    }
    return HAY_OK;
}

hay_status hayi_filters_unpack(const struct hayi_filters *filters,
                               size_t element_bytes,
                               uint32_t mask,
                               const void *in,
                               size_t size_bytes,
                               void *out,
                               size_t out_bytes,
                               struct hayi_error *err)
{
    /* The number of a filter is its place in what was used. */
    uint32_t next = 0;
    bool shuffle = filters->shuffle != 0 && (mask >> next++ & 1) == 0;
    bool deflate = filters->deflate != 0 && (mask >> next++ & 1) == 0;
    if (!deflate && size_bytes != out_bytes) {
        return hayi_fail(err,
                         HAY_EIO,
                         "a chunk is damaged: it has %zu bytes, not %zu",
                         size_bytes,
                         out_bytes);
    }
    if (!shuffle && !deflate) {
        memcpy(out, in, out_bytes);
        return HAY_OK;
    }
    if (!shuffle) {
        return unpack_deflated(in, size_bytes, out, out_bytes, err);
    }
    if (!deflate) {
        hayi_unshuffle(in, size_bytes, element_bytes, out);
        return HAY_OK;
    }
    void *shuffled = malloc(out_bytes == 0 ? 1 : out_bytes);
    if (shuffled == NULL) {
        return no_memory(err);
    }
    hay_status status =
        unpack_deflated(in, size_bytes, shuffled, out_bytes, err);
    if (status == HAY_OK) {
        hayi_unshuffle(shuffled, out_bytes, element_bytes, out);
    }
    free(shuffled);
    return status;
}
