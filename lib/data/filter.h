/* filter.h - HDF5's shuffle and deflate as functions on bytes, so that chunks
 * are packed and unpacked by many threads at once, outside HDF5's lock.
 *
 * The bytes are those that HDF5 with the same zlib writes and reads.
 *
 * Owns: nothing.
 * Never: calls HDF5.
 * Threads: any.
 */
#ifndef HAYI_DATA_FILTER_H
#define HAYI_DATA_FILTER_H

#include "base/error.h"

/* Shuffle first, then deflate, as everybody has them. */
struct hayi_filters {
    uint8_t shuffle; /* 0 or 1 */
    uint8_t deflate; /* level 1 .. 9; 0: not at all */
};

/* The k-th bytes of all elements together.  Bytes behind the last whole element
 * stay where they are.  The memory must not overlap. */
void hayi_shuffle(const void *in,
                  size_t size_bytes,
                  size_t element_bytes,
                  void *out);
void hayi_unshuffle(const void *in,
                    size_t size_bytes,
                    size_t element_bytes,
                    void *out);

/* A chunk as it is stored.  out: given, free() it.  HAY_ENOMEM;
 * HAY_ETOOBIG: larger than 4 GiB, which no chunk of HDF5's can be. */
hay_status hayi_filters_pack(const struct hayi_filters *filters,
                             size_t element_bytes,
                             const void *in,
                             size_t size_bytes,
                             void **out,
                             size_t *out_bytes,
                             struct hayi_error *err);
/* The other way.  mask: bit k set: the k-th filter was left out when it was
 * stored.  HAY_EIO with words: 'in' is damaged, it does not give exactly
 * 'out_bytes'; HAY_ENOMEM. */
hay_status hayi_filters_unpack(const struct hayi_filters *filters,
                               size_t element_bytes,
                               uint32_t mask,
                               const void *in,
                               size_t size_bytes,
                               void *out,
                               size_t out_bytes,
                               struct hayi_error *err);

#endif
