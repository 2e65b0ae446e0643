/* value.h - arguments and results as bytes.
 *
 * A value is a head of 16 bytes, then for arrays shape[ndim] (uint64_t), then
 * its data, padded to 8 bytes; all 8-byte aligned, in host order (all ranks of
 * a farm are of one architecture; checked at start).  A list's data are its
 * elements, one value after the other.  The arguments of a task are a head
 * {count, 0} of 8 bytes and that many values.
 *
 * Owns: nothing.
 * Never: trusts a length; what comes from outside is checked.
 * Threads: any.
 */
#ifndef HAYI_WIRE_VALUE_H
#define HAYI_WIRE_VALUE_H

#include "base/buffer.h"
#include "base/error.h"

#include <assert.h>

/* The largest blob of arguments: HAY_VALUE_MAX of data, and their heads. */
#define HAYI_ARGS_MAX (HAY_VALUE_MAX + ((size_t)1 << 15))

/* "double", "string", ...  Never NULL. */
const char *hayi_type_name(hay_type type);

/* Kinds of hay_arg beyond hay_type: places for the results of dependencies. */
enum {
    HAYI_KIND_REF = 100,  /* data: uint64_t, index of the dependency */
    HAYI_KIND_REFS = 101, /* data: uint64_t[2], first dependency and count */
};

struct hayi_value_head {
    uint8_t type;  /* hay_type, or one of the kinds above */
    uint8_t dtype; /* of arrays; lists: 1 if all elements have one size */
    uint16_t ndim;
    uint32_t count; /* elements of a list */
    uint64_t size;  /* of what follows, shape included, padding not */
};
static_assert(sizeof(struct hayi_value_head) == 16, "on the wire");

/* A value that was read: pointers into the bytes that were given. */
struct hayi_value {
    hay_type type;
    uint32_t count;       /* elements of a list */
    const void *data;     /* strings end with 0 inside 'size' */
    size_t size;          /* of data; strings: with the 0 */
    hay_array_view array; /* of arrays */
};

/* Bytes of the whole value with padding. */
size_t hayi_value_size(hay_type type, uint32_t ndim, size_t data_size);
/* Append one.  data: NULL for zeros, to be filled later; strings with their 0.
 * HAY_ENOMEM, HAY_ETOOBIG above HAY_VALUE_MAX: the buffer is unchanged. */
hay_status hayi_value_append(struct hayi_buffer *buffer,
                             hay_type type,
                             const void *data,
                             size_t size,
                             struct hayi_error *err);
hay_status hayi_value_append_array(struct hayi_buffer *buffer,
                                   hay_dtype dtype,
                                   uint32_t ndim,
                                   const uint64_t *shape,
                                   const void *data,
                                   struct hayi_error *err);
/* Read the value at 'bytes'; *used: its size with padding.  Lists are checked
 * to their depth (at most 4).  HAY_ETYPE: damaged. */
hay_status hayi_value_read(const void *bytes,
                           size_t size,
                           struct hayi_value *value,
                           size_t *used,
                           struct hayi_error *err);

/* The arguments of a submit as bytes: refs become places, their futures are
 * collected in order (a list's ones too).  Each argument at most HAY_VALUE_MAX,
 * all together HAYI_ARGS_MAX.  HAY_EINVAL, HAY_ETOOBIG with words. */
struct hayi_args_size {
    size_t bytes;
    size_t refs;
};
hay_status hayi_args_measure(hay_args args,
                             struct hayi_args_size *size,
                             struct hayi_error *err);
/* bytes[size.bytes], refs[size.refs]: filled. */
void hayi_args_write(hay_args args, void *bytes, hay_future **refs);

/* Does this blob of arguments hold places to be filled? */
bool hayi_args_has_refs(const void *bytes, size_t size);
/* Append to 'out' the arguments with each place filled by results[index]
 * (a value; size in sizes[index], 0: HAY_NONE).  bytes: written by
 * hayi_args_write(), places are not checked against the number of results.
 * HAY_ENOMEM, HAY_ETOOBIG (over HAYI_ARGS_MAX in all), HAY_ETYPE (damaged):
 * 'out' is then unchanged. */
hay_status hayi_args_fill(const void *bytes,
                          size_t size,
                          const void *const *results,
                          const size_t *sizes,
                          struct hayi_buffer *out,
                          struct hayi_error *err);

/* Check the whole blob (places are refused) once and find argument 'index' (a
 * list's element i). These assume a blob that hayi_args_check() found sound. */
hay_status
hayi_args_check(const void *bytes, size_t size, struct hayi_error *err);
size_t hayi_args_count(const void *bytes);
bool hayi_args_get(const void *bytes, size_t index, struct hayi_value *value);
bool hayi_list_get(const struct hayi_value *list,
                   size_t i,
                   struct hayi_value *value);

#endif
