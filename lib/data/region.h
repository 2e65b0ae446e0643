/* region.h - how a box of a chunked array, and the place of a task's output,
 * travel as arguments.
 *
 * An argument of kind HAYI_KIND_REGION is a list of
 *     bytes: struct hayi_region_head;
 *     bytes: the dataset (struct hayi_dataset and what follows it, dataset.h);
 *     of an array in memory: the values of the chunks that overlap the box, in
 *     row-major order of the chunks, arrays or objects: as one list (of refs),
 *     or, where some are among several results of a task, chunk_count values.
 * An argument of kind HAYI_KIND_OUTPUT, always the last one, is a list of
 *     bytes: struct hayi_output_head;
 *     bytes: the dataset; none (HAY_NONE) if nothing is written.
 * The function sees the first as an array, and does not see the second.
 *
 * Owns: nothing.
 * Never: touches a file.
 * Threads: any.
 */
#ifndef HAYI_DATA_REGION_H
#define HAYI_DATA_REGION_H

#include <hayfork/hayfork.h>

struct hayi_region_head {
    hay_region region;    /* of the array */
    uint64_t chunk_count; /* values that follow, of an array in memory */
};

/* A task of hay_array_map().  Into a file it writes its chunks, and its result
 * is HAY_NONE; in memory its result is its block; of several chunks it has as
 * many results, in row-major order. */
struct hayi_output_head {
    hay_block block;
    hay_dtype dtype;
    uint32_t copy; /* there is no function: the result is input 0 */
};

#endif
