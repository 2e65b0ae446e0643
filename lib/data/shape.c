/* shape.c - see shape.h.
 *
 * A copy joins dimensions from the fastest one upwards as long as both boxes
 * are filled by what is copied; what is left is walked like an odometer, one
 * memcpy for each run.
 */
#include "config.h"

#include "data/shape.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum { PAGE_BYTES = 4096 };

static uint64_t min64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

bool hayi_shape_count(uint32_t ndim,
                      const uint64_t *shape,
                      size_t element_bytes,
                      uint64_t *count)
{
    if (ndim == 0 || ndim > HAY_NDIM_MAX || element_bytes == 0) {
        return false;
    }
    uint64_t product = 1;
    uint64_t limit = (uint64_t)INT64_MAX / element_bytes;
    bool empty = false;
    for (uint32_t d = 0; d < ndim; d++) {
        if (shape[d] == 0) {
            empty = true;
        } else if (product > limit / shape[d]) {
            return false;
        } else {
            product *= shape[d];
        }
    }
    *count = empty ? 0 : product;
    return true;
}

/* ---- regions ------------------------------------------------------------ */

void hayi_region_whole(uint32_t ndim, const uint64_t *shape, hay_region *region)
{
    assert(ndim > 0 && ndim <= HAY_NDIM_MAX);
    *region = (hay_region){.ndim = ndim};
    memcpy(region->count, shape, ndim * sizeof(*shape));
}

uint64_t hayi_region_count(const hay_region *region)
{
    uint64_t count = 1;
    for (uint32_t d = 0; d < region->ndim; d++) {
        count *= region->count[d];
    }
    return count;
}

bool hayi_region_equal(const hay_region *a, const hay_region *b)
{
    size_t size = a->ndim * sizeof(a->start[0]);
    return a->ndim == b->ndim && memcmp(a->start, b->start, size) == 0
           && memcmp(a->count, b->count, size) == 0;
}

bool hayi_region_inside(const hay_region *region,
                        uint32_t ndim,
                        const uint64_t *shape)
{
    if (region->ndim != ndim || ndim == 0 || ndim > HAY_NDIM_MAX) {
        return false;
    }
    for (uint32_t d = 0; d < ndim; d++) {
        if (region->start[d] > shape[d]
            || region->count[d] > shape[d] - region->start[d]) {
            return false;
        }
    }
    return true;
}

bool hayi_region_holds(const hay_region *box, const hay_region *region)
{
    if (box->ndim != region->ndim) {
        return false;
    }
    for (uint32_t d = 0; d < box->ndim; d++) {
        if (region->start[d] < box->start[d]
            || region->start[d] + region->count[d]
                   > box->start[d] + box->count[d]) {
            return false;
        }
    }
    return true;
}

bool hayi_region_intersect(const hay_region *a,
                           const hay_region *b,
                           hay_region *common)
{
    hay_region both = {.ndim = a->ndim};
    if (a->ndim != b->ndim) {
        return false;
    }
    for (uint32_t d = 0; d < a->ndim; d++) {
        uint64_t start = max64(a->start[d], b->start[d]);
        uint64_t end =
            min64(a->start[d] + a->count[d], b->start[d] + b->count[d]);
        if (start >= end) {
            return false;
        }
        both.start[d] = start;
        both.count[d] = end - start;
    }
    *common = both;
    return true;
}

void hayi_region_grow(const hay_region *region,
                      const uint64_t *before,
                      const uint64_t *after,
                      const uint64_t *shape,
                      hay_region *grown)
{
    hay_region wide = {.ndim = region->ndim};
    for (uint32_t d = 0; d < region->ndim; d++) {
        uint64_t end = region->start[d] + region->count[d];
        assert(end <= shape[d]);
        wide.start[d] = region->start[d] - min64(before[d], region->start[d]);
        end += min64(after[d], shape[d] - end);
        wide.count[d] = end - wide.start[d];
    }
    *grown = wide;
}

bool hayi_region_run(const hay_region *box,
                     const hay_region *region,
                     uint64_t *first)
{
    assert(hayi_region_holds(box, region));
    uint64_t before = 0;
    bool wide = false; /* a slower dimension has more than one element */
    for (uint32_t d = 0; d < box->ndim; d++) {
        if (region->count[d] == 0
            || (wide && region->count[d] != box->count[d])) {
            return false;
        }
        wide = wide || region->count[d] > 1;
        before = before * box->count[d] + (region->start[d] - box->start[d]);
    }
    *first = before;
    return true;
}

/* ---- grids of chunks ---------------------------------------------------- */

hay_status hayi_grid_init(struct hayi_grid *grid,
                          uint32_t ndim,
                          const uint64_t *shape,
                          const uint64_t *chunk,
                          struct hayi_error *err)
{
    uint64_t count;
    if (!hayi_shape_count(ndim, shape, 1, &count)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "an array has 1 to %d dimensions and less than 2^63 "
                         "elements",
                         HAY_NDIM_MAX);
    }
    struct hayi_grid made = {.ndim = ndim, .total = 1};
    for (uint32_t d = 0; d < ndim; d++) {
        if (chunk[d] == 0) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "a chunk has no elements: length 0 in dimension "
                             "%" PRIu32,
                             d);
        }
        made.shape[d] = shape[d];
        made.chunk[d] = chunk[d];
        made.count[d] = shape[d] / chunk[d] + (shape[d] % chunk[d] != 0);
        made.total *= made.count[d];
    }
    uint64_t inside;
    if (!hayi_shape_count(ndim, chunk, 1, &inside)
        || (made.total != 0 && inside > (uint64_t)INT64_MAX / made.total)) {
        return hayi_fail(
            err, HAY_EINVAL, "all chunks together have 2^63 elements or more");
    }
    *grid = made;
    return HAY_OK;
}

void hayi_grid_coordinates(const struct hayi_grid *grid,
                           uint64_t index,
                           uint64_t *at)
{
    assert(index < grid->total);
    for (uint32_t d = grid->ndim; d-- > 0;) {
        at[d] = index % grid->count[d];
        index /= grid->count[d];
    }
}

uint64_t hayi_grid_index(const struct hayi_grid *grid, const uint64_t *at)
{
    uint64_t index = 0;
    for (uint32_t d = 0; d < grid->ndim; d++) {
        assert(at[d] < grid->count[d]);
        index = index * grid->count[d] + at[d];
    }
    return index;
}

void hayi_grid_box(const struct hayi_grid *grid,
                   uint64_t index,
                   hay_region *box)
{
    uint64_t at[HAY_NDIM_MAX];
    hayi_grid_coordinates(grid, index, at);
    *box = (hay_region){.ndim = grid->ndim};
    for (uint32_t d = 0; d < grid->ndim; d++) {
        box->start[d] = at[d] * grid->chunk[d];
        box->count[d] = grid->chunk[d];
    }
}

void hayi_grid_region(const struct hayi_grid *grid,
                      uint64_t index,
                      hay_region *region)
{
    hayi_grid_box(grid, index, region);
    for (uint32_t d = 0; d < grid->ndim; d++) {
        region->count[d] =
            min64(region->count[d], grid->shape[d] - region->start[d]);
    }
}

uint64_t hayi_grid_find(const struct hayi_grid *grid, const uint64_t *element)
{
    uint64_t at[HAY_NDIM_MAX];
    for (uint32_t d = 0; d < grid->ndim; d++) {
        at[d] = element[d] / grid->chunk[d];
    }
    return hayi_grid_index(grid, at);
}

uint64_t hayi_grid_chunk_count(const struct hayi_grid *grid)
{
    uint64_t count = 1;
    for (uint32_t d = 0; d < grid->ndim; d++) {
        count *= grid->chunk[d];
    }
    return count;
}

void hayi_chunks_begin(struct hayi_chunks *walk,
                       const struct hayi_grid *grid,
                       const hay_region *region)
{
    assert(hayi_region_inside(region, grid->ndim, grid->shape));
    *walk = (struct hayi_chunks){.grid = grid, .more = true};
    for (uint32_t d = 0; d < grid->ndim; d++) {
        if (region->count[d] == 0) {
            walk->more = false;
            return;
        }
        uint64_t end = region->start[d] + region->count[d];
        walk->first[d] = region->start[d] / grid->chunk[d];
        walk->last[d] = (end - 1) / grid->chunk[d];
        walk->at[d] = walk->first[d];
    }
}

bool hayi_chunks_next(struct hayi_chunks *walk, uint64_t *index)
{
    if (!walk->more) {
        return false;
    }
    *index = hayi_grid_index(walk->grid, walk->at);
    walk->more = false;
    for (uint32_t d = walk->grid->ndim; d-- > 0;) {
        if (walk->at[d] < walk->last[d]) {
            walk->at[d]++;
            walk->more = true;
            break;
        }
        walk->at[d] = walk->first[d];
    }
    return true;
}

/* ---- chunks of our choice ----------------------------------------------- */

static uint64_t power_below(uint64_t number)
{
    uint64_t power = 1;
    while (power < number - power) {
        power *= 2;
    }
    return power;
}

static uint64_t common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* Makes the length of one dimension that is cut such that the bytes of the
 * whole are a multiple of a page, if the length nearly stays. */
static void fit_pages(uint32_t ndim,
                      const uint64_t *shape,
                      size_t element_bytes,
                      uint64_t *chunk)
{
    uint64_t best = UINT64_MAX;
    uint64_t best_length = 0;
    uint32_t best_d = 0;
    for (uint32_t d = 0; d < ndim; d++) {
        uint64_t rest = element_bytes;
        for (uint32_t e = 0; e < ndim; e++) {
            rest *= e == d ? 1 : chunk[e];
        }
        uint64_t step = PAGE_BYTES / common_divisor(PAGE_BYTES, rest);
        uint64_t length = chunk[d] / step * step;
        length = length == 0 ? step : length;
        if (chunk[d] < shape[d] && length <= shape[d] && step < best) {
            best = step;
            best_length = length;
            best_d = d;
        }
    }
    if (best != UINT64_MAX) {
        chunk[best_d] = best_length;
    }
}

void hayi_shape_chunk(uint32_t ndim,
                      const uint64_t *shape,
                      size_t element_bytes,
                      uint64_t bytes,
                      uint64_t *chunk)
{
    uint64_t limit = (bytes == 0 ? HAYI_CHUNK_BYTES : bytes) / element_bytes;
    for (uint32_t d = 0; d < ndim; d++) {
        chunk[d] = max64(shape[d], 1);
    }
    for (;;) {
        uint64_t count = 0;
        bool counted = hayi_shape_count(ndim, chunk, element_bytes, &count);
        uint32_t longest = 0;
        for (uint32_t d = 1; d < ndim; d++) {
            longest = chunk[d] > chunk[longest] ? d : longest;
        }
        if ((counted && count <= limit) || chunk[longest] == 1) {
            break;
        }
        chunk[longest] = power_below(chunk[longest]);
    }
    fit_pages(ndim, shape, element_bytes, chunk);
}

void hayi_shape_slab(uint32_t ndim,
                     const uint64_t *shape,
                     size_t element_bytes,
                     uint64_t bytes,
                     uint64_t *chunk)
{
    uint64_t left = (bytes == 0 ? HAYI_CHUNK_BYTES : bytes) / element_bytes;
    for (uint32_t d = ndim; d-- > 0;) {
        uint64_t length = max64(shape[d], 1);
        chunk[d] = max64(min64(length, left), 1);
        left = chunk[d] < length ? 0 : left / length;
    }
}

/* ---- copies ------------------------------------------------------------- */

bool hayi_runs_begin(struct hayi_runs *runs,
                     const hay_region *target_box,
                     const hay_region *source_box,
                     const hay_region *what,
                     size_t element_bytes)
{
    assert(hayi_region_holds(target_box, what));
    assert(hayi_region_holds(source_box, what));
    uint64_t target_bytes = element_bytes;
    uint64_t source_bytes = element_bytes;
    *runs = (struct hayi_runs){.run_bytes = element_bytes};
    for (uint32_t d = what->ndim; d-- > 0;) {
        if (what->count[d] == 0) {
            return false;
        }
        runs->count[d] = what->count[d];
        runs->target_step[d] = target_bytes;
        runs->source_step[d] = source_bytes;
        runs->target_at +=
            (what->start[d] - target_box->start[d]) * target_bytes;
        runs->source_at +=
            (what->start[d] - source_box->start[d]) * source_bytes;
        target_bytes *= target_box->count[d];
        source_bytes *= source_box->count[d];
    }
    runs->outer = what->ndim;
    while (runs->outer > 0) {
        uint32_t d = --runs->outer;
        runs->run_bytes *= what->count[d];
        if (what->count[d] != target_box->count[d]
            || what->count[d] != source_box->count[d]) {
            break;
        }
    }
    return true;
}

bool hayi_runs_next(struct hayi_runs *runs)
{
    for (uint32_t d = runs->outer; d-- > 0;) {
        runs->target_at += runs->target_step[d];
        runs->source_at += runs->source_step[d];
        if (++runs->at[d] < runs->count[d]) {
            return true;
        }
        runs->target_at -= runs->target_step[d] * runs->count[d];
        runs->source_at -= runs->source_step[d] * runs->count[d];
        runs->at[d] = 0;
    }
    return false;
}

void hayi_region_copy(void *target,
                      const hay_region *target_box,
                      const void *source,
                      const hay_region *source_box,
                      const hay_region *what,
                      size_t element_bytes)
{
    struct hayi_runs runs;
    bool more =
        hayi_runs_begin(&runs, target_box, source_box, what, element_bytes);
    for (; more; more = hayi_runs_next(&runs)) {
        memcpy((char *)target + runs.target_at,
               (const char *)source + runs.source_at,
               (size_t)runs.run_bytes);
    }
}
