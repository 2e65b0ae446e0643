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

/* "double", "string", ...  Never NULL. */
const char *hayi_type_name(hay_type type);

/* Kinds beyond hay_type. */
enum {
    /* places for the results of dependencies, in what is submitted: */
    HAYI_KIND_REF = 100,   /* data: uint64_t, index of the dependency in the low
                              32 bits; 0, or 1 + index of one of its results, in
                              the high ones */
    HAYI_KIND_REFS = 101,  /* data: uint64_t[2], first dependency and count */
    HAYI_KIND_SHAPE = 102, /* as REF: its description without its data, as an
                              object that has no place; numbers as they are */
    /* values: */
    HAYI_KIND_OBJECT =
        103,                /* struct hayi_object_value, then shape[ndim]; head:
                               count is its hay_type, dtype and ndim an array's */
    HAYI_KIND_REGION = 104, /* as a list; what a box of a chunked array is made
                               of, see data/region.h */
    HAYI_KIND_OUTPUT = 105, /* as a list; where the result is to be written */
    /* of hay_arg only, the client replaces it: */
    HAYI_KIND_DATASET = 120, /* data: hay_dataset; shape: hay_region or NULL */
};

/* The place of a file that a command wrote: its bytes count where tasks are
 * placed, nobody moves or frees it. */
#define HAYI_PLACE_FILE UINT64_MAX

struct hayi_object_value {
    uint64_t object; /* the scheduler's hayi_object; 0: it has none yet */
    uint64_t place;  /* in the store of the node where this is read; 0: only a
                        description */
    uint64_t size;   /* of its data; strings: with the 0 */
};

struct hayi_value_head {
    uint8_t type;  /* hay_type, or one of the kinds above */
    uint8_t dtype; /* of arrays; lists: HAYI_LIST_EVEN or 0 */
    uint16_t ndim;
    uint32_t count; /* elements of a list */
    uint64_t size;  /* of what follows, shape included, padding not */
};
static_assert(sizeof(struct hayi_value_head) == 16, "on the wire");

enum {
    HAYI_LIST_EVEN = 1, /* all elements have one size */
    HAYI_ARGS_HEAD = 8, /* bytes of {count, 0} before the arguments */
};

/* A value that was read: pointers into the bytes that were given. */
struct hayi_value {
    hay_type type;
    const void *bytes;    /* where its head stands */
    uint32_t count;       /* elements of a list */
    const void *data;     /* strings end with 0 inside 'size' */
    size_t size;          /* of data; strings: with the 0 */
    hay_array_view array; /* of arrays */
    bool is_object;       /* data are NULL; 'object' tells where they lie */
    struct hayi_object_value object;
};

/* Bytes of the whole value with padding. */
size_t hayi_value_size(hay_type type, uint32_t ndim, size_t data_size);
/* Append one.  data: NULL for zeros, to be filled later; strings with their 0.
 * HAY_ENOMEM, HAY_ETOOBIG above HAY_ARGS_MAX: the buffer is unchanged. */
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
/* Append an object's description.  array: dtype, ndim and shape, for arrays.
 * HAY_ENOMEM. */
hay_status hayi_value_append_object(struct hayi_buffer *buffer,
                                    hay_type type,
                                    const hay_array_view *array,
                                    const struct hayi_object_value *object);
/* Read the value at 'bytes'; *used: its size with padding.  Lists are checked
 * to their depth (at most 4).  HAY_ETYPE: damaged. */
hay_status hayi_value_read(const void *bytes,
                           size_t size,
                           struct hayi_value *value,
                           size_t *used,
                           struct hayi_error *err);

/* Call 'each' for every object in the value at 'bytes', which it may change in
 * place if they are the caller's to change.  HAY_ETYPE: damaged. */
hay_status hayi_value_objects(const void *bytes,
                              size_t size,
                              void (*each)(void *context,
                                           struct hayi_object_value *object),
                              void *context,
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

/* For those who write values themselves (args.c). */
/* Bytes of an array; false: more than can be counted, or a wrong type. */
bool hayi_array_bytes(uint32_t dtype,
                      uint32_t ndim,
                      const uint64_t *shape,
                      size_t *bytes);
/* Head, shape and data at 'place', which has room for the padded whole; its
 * size. */
size_t hayi_value_write(unsigned char *place,
                        const struct hayi_value_head *head,
                        const uint64_t *shape,
                        const void *data,
                        size_t data_size);
/* The head at 'bytes' and the size of its value with padding; false: what it
 * announces does not fit into 'size'. */
bool hayi_value_head_read(const void *bytes,
                          size_t size,
                          struct hayi_value_head *head,
                          size_t *used);

#endif
