/* hayfork/data.h - large data: objects that are put, spread and persisted, and
 * chunked arrays in HDF5 files or in the nodes' memory.
 *
 * Included by hayfork/hayfork.h, whose words on errors, ownership and threads
 * hold here as well.
 */
#ifndef HAYFORK_DATA_H
#define HAYFORK_DATA_H

#include <hayfork/hayfork.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- data -------------------------------------------------------------- */

/* A value of the caller's as a future that finishes at once (when the farm has
 * heard of it), to be an argument of many tasks: sent at most once to each
 * node.  value: copied (hay_double() ... hay_array(), no references).  HAY_EIO,
 * HAY_ENOMEM: no room for it, with words; HAY_EINVAL. */
hay_status hay_put(hay_executor *ex, hay_arg value, hay_future **future);
/* The same for values[count], dealt out to the nodes in proportion to their
 * cores.  Returns when they are there.  futures[count]: given. */
hay_status hay_scatter(hay_executor *ex,
                       const hay_arg *values,
                       size_t count,
                       hay_future **futures);
/* Wait until the objects of these futures lie on so many nodes each (0: on
 * all), which then hold them until memory is short.  HAY_ETIMEDOUT; what the
 * first failing one ended with. */
hay_status hay_replicate(hay_future *const *futures,
                         size_t count,
                         uint32_t copies,
                         uint64_t timeout_ns);

/* Write results into an HDF5 file, each as a dataset, from where they lie; at
 * most 50,000.  names[count]: of the datasets ("group/name" makes the group),
 * copied; NULL: "0", "1", ...  Arrays keep their shape; bytes are uint8, text
 * is a string, numbers are scalars; none is left out; of several results of a
 * task each has NAME.0, NAME.1, ...  path: if relative, to the working folder
 * of the calling process; must mean the same file on every node.  The file has
 * this name, and has replaced one that had it, once it is whole; until then
 * nobody else may persist to it.  future: given; finished when the file is
 * there, failed with words; its result is for resumed runs: with a journal it
 * ends at once if the futures do, under the same names, and size and time of
 * the file are those of then. */
hay_status hay_persist(hay_executor *ex,
                       hay_future *const *futures,
                       const char *const *names,
                       size_t count,
                       const char *path,
                       hay_future **future);

/* ---- chunked arrays ----------------------------------------------------- */

typedef struct hay_array_options {
    size_t size;
    uint64_t chunk[HAY_NDIM_MAX]; /* elements; all 0: chosen, about 8 MiB;
                                     else 0 is the whole length */
    bool resume;      /* create: go on with a file of this type, shape, chunks
                         and filters (else HAY_EINVAL tells what differs), or
                         make it; the chunks marked done are kept: without
                         'sync' those whose hash is right */
    bool overwrite;   /* create: replace a file of this name */
    bool shuffle;     /* create: before deflate */
    uint32_t deflate; /* create: 1 .. 9; 0: not compressed */
    bool sync;        /* create: each chunk is on the disk before it is marked
                         done; else all are at the end */
} hay_array_options;
#define HAY_ARRAY_OPTIONS_INIT                                                 \
    {                                                                          \
        sizeof(hay_array_options), {0, 0, 0, 0, 0, 0, 0, 0}, false, false,     \
            false, 0, false                                                    \
    }
void hay_array_options_init(hay_array_options *options);

/* An existing dataset of an HDF5 file, of any layout; the file is only read.
 * options: NULL for defaults; 'chunk' is how it is cut into tasks where the
 * dataset has no chunks of its own.  The path must mean the same file on every
 * node.  dataset: given, hay_array_release().  HAY_EIO with file and cause. */
hay_status hay_array_open(hay_executor *ex,
                          const char *path,
                          const char *name,
                          const hay_array_options *options,
                          hay_dataset **dataset);
/* A new array.  path NULL: its chunks are objects in the nodes' memory.  Else
 * an HDF5 file that can be read at any time (compressed: when complete or
 * flushed), with the datasets NAME, NAME.chunks (state, bytes, hash) and
 * NAME.meta. */
hay_status hay_array_create(hay_executor *ex,
                            const char *path,
                            const char *name,
                            hay_dtype dtype,
                            uint32_t ndim,
                            const uint64_t *shape,
                            const hay_array_options *options,
                            hay_dataset **dataset);
hay_dataset *hay_array_retain(hay_dataset *dataset);
/* Gives back one count; tasks that use it go on.  NULL is fine. */
void hay_array_release(hay_dataset *dataset);

typedef struct hay_array_info {
    size_t size; /* sizeof(hay_array_info), set by the caller */
    hay_dtype dtype;
    uint32_t ndim;
    uint64_t shape[HAY_NDIM_MAX];
    uint64_t chunk[HAY_NDIM_MAX];
    uint64_t chunk_count;
    uint64_t chunks_done; /* written and marked so (of one opened: all) */
} hay_array_info;
hay_status hay_array_get_info(hay_dataset *dataset, hay_array_info *info);

/* How the tasks of an array are made. */
typedef struct hay_array_map_options {
    size_t size;
    hay_dataset *const *inputs; /* arrays of the output's number of dimensions
                                   and shape, aligned by region; arguments 0 ..
                                   input_count-1 of each task; borrowed */
    size_t input_count;
    uint64_t halo[HAY_NDIM_MAX];  /* further elements of the inputs on each
                                     side, cut at the array's edges */
    uint64_t block[HAY_NDIM_MAX]; /* chunks of one task; 0: 1 */
    hay_args args;    /* further arguments of each task, after the inputs */
    bool again;       /* also the chunks that are done already */
    const char *name; /* copied; tasks are NAME[0], NAME[1], ... */
    int32_t priority;
    uint64_t memory_bytes; /* that a task needs besides its data */
    uint32_t retries;
    hay_queue *queue; /* gets the map's future; may be NULL */
} hay_array_map_options;
#define HAY_ARRAY_MAP_OPTIONS_INIT                                             \
    {                                                                          \
        sizeof(hay_array_map_options), NULL, 0, {0, 0, 0, 0, 0, 0, 0, 0},      \
            {0, 0, 0, 0, 0, 0, 0, 0}, {NULL, 0}, false, NULL, 0, 0, 0, NULL    \
    }
void hay_array_map_options_init(hay_array_map_options *options);

/* Compute 'output' by one task a block of chunks.  A task sees its inputs'
 * region (hay_task_block()) as arrays and returns an array of its output
 * region's shape and the output's type.  function NULL: copy input 0.
 * output NULL: nothing is written, the tasks follow the chunks of input 0 and
 * what they return is dropped.  In memory output may be an input: the tasks see
 * the chunks of before; in a file only without a halo.  Of a file the blocks
 * that are done are left out.  Each chunk has one writer: HAY_EINVAL if another
 * map of this dataset handle is unfinished; HAY_EINVAL too for an input with a
 * chunk that nobody has computed.  options: NULL for defaults.
 * map: given, or NULL; finished when all its tasks are and, of a file, all is
 * written; its result is the number of tasks (int64). */
hay_status hay_array_map(hay_executor *ex,
                         hay_task_fn function,
                         const hay_array_map_options *options,
                         hay_dataset *output,
                         hay_future **map);
/* Reduce by a tree whose shape depends on the array's chunks only, so that the
 * result is the same bits wherever it runs.  'each' is called for every chunk
 * (argument 0: its data; then options->args) and returns a partial result;
 * 'combine' gets 2 to 16 of them as arguments, in the order of the chunks, and
 * returns one.  axes: bit i: reduce over axis i; the chunks that differ only in
 * these axes give one result.  0: over all.
 * futures: given, [*count], row-major over the remaining axes' chunks; free()
 * the list, release each. */
hay_status hay_array_reduce(hay_executor *ex,
                            hay_dataset *input,
                            hay_task_fn each,
                            hay_task_fn combine,
                            uint32_t axes,
                            const hay_array_map_options *options,
                            hay_future ***futures,
                            size_t *count);
/* The same tree over any futures: one future, given. */
hay_status hay_tree(hay_executor *ex,
                    hay_task_fn combine,
                    hay_future *const *futures,
                    size_t count,
                    const hay_task_options *options,
                    hay_future **result);

/* The future of the task that writes a chunk (shared: release it); NULL
 * through 'future' if none does: it is in the file, or was never computed.  Of
 * a block of several chunks in memory each is one of the task's results,
 * row-major (hay_ref_at()). */
hay_status
hay_array_future(hay_dataset *dataset, uint64_t chunk, hay_future **future);
/* Copy a box into memory of the caller's, row-major; waits for the tasks that
 * write it.  region NULL: all of it.  size_bytes: of 'data'.  HAY_EINVAL: a
 * chunk was never computed, 'data' is too small; HAY_ETIMEDOUT; what a task
 * that writes it ended with; HAY_EIO. */
hay_status hay_array_read(hay_dataset *dataset,
                          const hay_region *region,
                          uint64_t timeout_ns,
                          void *data,
                          size_t size_bytes);
/* Wait until all that is being computed of it is done; a file is then marked
 * complete if every chunk is done.  What the first failing task ended with. */
hay_status hay_array_wait(hay_dataset *dataset, uint64_t timeout_ns);
/* Make the file of a compressed array from the chunks that are done by now;
 * other arrays: on the disk what is written. */
hay_status hay_array_flush(hay_dataset *dataset);

#ifdef __cplusplus
}
#endif
#endif
