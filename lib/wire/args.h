/* args.h - the arguments of a submit as bytes, and the results that fill them.
 *
 * What is submitted has places for the results of dependencies (the kinds
 * HAYI_KIND_REF, _REFS, _SHAPE of value.h), also inside of groups: arguments
 * that are lists of values and places (a hay_arg of kind HAYI_KIND_REGION or
 * _OUTPUT, whose u.data are 'count' further hay_arg).  A task gets them filled.
 *
 * Owns: nothing.
 * Never: trusts a length.
 * Threads: any.
 */
#ifndef HAYI_WIRE_ARGS_H
#define HAYI_WIRE_ARGS_H

#include "wire/value.h"

/* The largest blob of arguments: HAY_ARGS_MAX of data, and their heads. */
#define HAYI_ARGS_MAX (HAY_ARGS_MAX + ((size_t)1 << 15))

/* Refs become places, their futures are collected in order (a list's and a
 * group's ones too).  All together at most HAYI_ARGS_MAX.  HAY_EINVAL,
 * HAY_ETOOBIG with words. */
struct hayi_args_size {
    size_t bytes;
    size_t refs;
};
hay_status hayi_args_measure(hay_args args,
                             struct hayi_args_size *size,
                             struct hayi_error *err);
/* bytes[size.bytes], refs[size.refs]: filled. */
void hayi_args_write(hay_args args, void *bytes, hay_future **refs);

/* The bytes of data of a value (of a text: with its 0).  NULL, or words for
 * what is wrong with it: no value, or one that cannot be. */
const char *hayi_arg_data(const hay_arg *arg, size_t *size);

/* Does this blob of arguments hold places to be filled? */
bool hayi_args_has_refs(const void *bytes, size_t size);

/* Are there groups among the arguments (filled or not)? */
bool hayi_args_has_groups(const void *bytes, size_t size);

/* The results of the dependencies, by index. */
struct hayi_results {
    const void *const *values; /* each a value */
    const size_t *sizes;       /* 0: HAY_NONE */
    /* Where an object is for whoever gets the arguments.  NULL: places stay as
     * they are. */
    uint64_t (*place)(void *context, uint64_t object);
    void *context;
};
/* Append to 'out' the arguments with each place filled.  bytes: written by
 * hayi_args_write(), places are not checked against the number of results.
 * HAY_ENOMEM, HAY_ETOOBIG (over HAYI_ARGS_MAX in all), HAY_ETYPE (damaged):
 * 'out' is then unchanged. */
hay_status hayi_args_fill(const void *bytes,
                          size_t size,
                          const struct hayi_results *results,
                          struct hayi_buffer *out,
                          struct hayi_error *err);

#endif
