/* shape.h - boxes of elements: regions of arrays, grids of chunks, and copies
 * between row-major boxes.
 *
 * Everything is row-major, slowest dimension first, in elements.  An array has
 * 1 to HAY_NDIM_MAX dimensions; a dimension may have length 0.
 *
 * Owns: nothing; the structs are the caller's.
 * Never: allocates, makes a system call.
 * Threads: any.
 */
#ifndef HAYI_DATA_SHAPE_H
#define HAYI_DATA_SHAPE_H

#include "base/error.h"

/* What a chunk has where nobody says otherwise. */
#define HAYI_CHUNK_BYTES ((uint64_t)8 << 20)

/* Elements of shape[ndim].  false: ndim is not 1 .. HAY_NDIM_MAX, or elements
 * times 'element_bytes' are more than INT64_MAX; '*count' is then unchanged. */
bool hayi_shape_count(uint32_t ndim,
                      const uint64_t *shape,
                      size_t element_bytes,
                      uint64_t *count);

/* ---- regions ------------------------------------------------------------ */

/* A hay_region is a box of elements.  count[d] may be 0: it is then empty.
 * Those made here have 0 beyond their dimensions. */

/* The whole of an array of this shape. */
void hayi_region_whole(uint32_t ndim,
                       const uint64_t *shape,
                       hay_region *region);
uint64_t hayi_region_count(const hay_region *region);
bool hayi_region_equal(const hay_region *a, const hay_region *b);
/* Does it lie in an array of this shape, and have as many dimensions?  Holds
 * for any numbers, so that it can judge what comes from outside. */
bool hayi_region_inside(const hay_region *region,
                        uint32_t ndim,
                        const uint64_t *shape);
/* Does 'box' hold all of 'region'?  Both lie inside some array. */
bool hayi_region_holds(const hay_region *box, const hay_region *region);
/* What both have in common; false: nothing, '*common' is then unchanged. */
bool hayi_region_intersect(const hay_region *a,
                           const hay_region *b,
                           hay_region *common);
/* Wider by before[d] and after[d] elements, cut at the borders of an array of
 * this shape.  'grown' may be 'region'. */
void hayi_region_grow(const hay_region *region,
                      const uint64_t *before,
                      const uint64_t *after,
                      const uint64_t *shape,
                      hay_region *grown);
/* Do the elements of 'region' follow each other in memory that holds 'box',
 * row-major?  '*first': how many elements of the box come before.  An empty
 * region is no run.  'box' must hold 'region'. */
bool hayi_region_run(const hay_region *box,
                     const hay_region *region,
                     uint64_t *first);

/* ---- grids of chunks ---------------------------------------------------- */

struct hayi_grid {
    uint32_t ndim;
    uint64_t shape[HAY_NDIM_MAX]; /* of the array */
    uint64_t chunk[HAY_NDIM_MAX]; /* of a chunk, at least 1 */
    uint64_t count[HAY_NDIM_MAX]; /* chunks along a dimension */
    uint64_t total;               /* chunks in all; 0: the array is empty */
};

/* chunk[d] may be larger than shape[d].  HAY_EINVAL with words: a number of
 * dimensions or a chunk of length 0, or an array too large to count. */
hay_status hayi_grid_init(struct hayi_grid *grid,
                          uint32_t ndim,
                          const uint64_t *shape,
                          const uint64_t *chunk,
                          struct hayi_error *err);
/* Chunks are numbered row-major.  index < total; at[ndim] < count[ndim]. */
void hayi_grid_coordinates(const struct hayi_grid *grid,
                           uint64_t index,
                           uint64_t *at);
uint64_t hayi_grid_index(const struct hayi_grid *grid, const uint64_t *at);
/* The elements of a chunk that the array has: cut at its edge. */
void hayi_grid_region(const struct hayi_grid *grid,
                      uint64_t index,
                      hay_region *region);
/* The same not cut: the box that is stored. */
void hayi_grid_box(const struct hayi_grid *grid,
                   uint64_t index,
                   hay_region *box);
/* The chunk that an element is in; element[ndim] inside the array. */
uint64_t hayi_grid_find(const struct hayi_grid *grid, const uint64_t *element);
/* Elements of a whole chunk. */
uint64_t hayi_grid_chunk_count(const struct hayi_grid *grid);

/* Walks over the chunks that have an element of a region, in their order:
 *
 *     struct hayi_chunks walk;
 *     uint64_t index;
 *     hayi_chunks_begin(&walk, &grid, &region);
 *     while (hayi_chunks_next(&walk, &index)) {
 *
 * The region must lie in the array.  The grid is borrowed until the end. */
struct hayi_chunks {
    const struct hayi_grid *grid;
    uint64_t first[HAY_NDIM_MAX];
    uint64_t last[HAY_NDIM_MAX];
    uint64_t at[HAY_NDIM_MAX];
    bool more;
};
void hayi_chunks_begin(struct hayi_chunks *walk,
                       const struct hayi_grid *grid,
                       const hay_region *region);
bool hayi_chunks_next(struct hayi_chunks *walk, uint64_t *index);

/* A chunk of at most about 'bytes' for an array that is new: near to a cube of
 * powers of two, a multiple of 4096 bytes wherever the array is larger than
 * that.  bytes: 0: HAYI_CHUNK_BYTES.  chunk[d] is at least 1 and at most
 * shape[d] (or 1). */
void hayi_shape_chunk(uint32_t ndim,
                      const uint64_t *shape,
                      size_t element_bytes,
                      uint64_t bytes,
                      uint64_t *chunk);
/* The same for an array that lies row-major: each piece is one run, cut along
 * the slowest dimensions. */
void hayi_shape_slab(uint32_t ndim,
                     const uint64_t *shape,
                     size_t element_bytes,
                     uint64_t bytes,
                     uint64_t *chunk);

/* ---- copies ------------------------------------------------------------- */

/* Walks over the longest runs that two boxes share: 'what', which both hold,
 * element by element in its order; run_bytes of them at target_at and
 * source_at, bytes from where the boxes begin.
 *
 *     for (more = hayi_runs_begin(&runs, ...); more;
 *          more = hayi_runs_next(&runs)) {
 */
struct hayi_runs {
    uint64_t target_at;
    uint64_t source_at;
    uint64_t run_bytes; /* the same for all */
    uint32_t outer;     /* dimensions that are walked */
    uint64_t at[HAY_NDIM_MAX];
    uint64_t count[HAY_NDIM_MAX];
    uint64_t target_step[HAY_NDIM_MAX]; /* bytes */
    uint64_t source_step[HAY_NDIM_MAX];
};
/* false: 'what' is empty. */
bool hayi_runs_begin(struct hayi_runs *runs,
                     const hay_region *target_box,
                     const hay_region *source_box,
                     const hay_region *what,
                     size_t element_bytes);
bool hayi_runs_next(struct hayi_runs *runs);

/* Copy the elements of 'what' from 'source', which holds source_box row-major,
 * to 'target', which holds target_box; both boxes hold 'what'.  In the longest
 * runs that both have.  The memory must not overlap. */
void hayi_region_copy(void *target,
                      const hay_region *target_box,
                      const void *source,
                      const hay_region *source_box,
                      const hay_region *what,
                      size_t element_bytes);

#endif
