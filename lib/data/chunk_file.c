/* chunk_file.c - see chunk_file.h: reading.
 *
 * What runs of a file a region has is read by pread where they are long, else
 * the range is mapped for the time of the copy.
 */
#include "config.h"

#include "data/chunk_file.h"

#include "data/h5store.h"
#include "data/open_files.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RUN_BYTES = 16 << 10 }; /* shorter ones are copied from a mapping */

hay_status hayi_dataset_load_packed(struct hayi_segments *segments,
                                    const struct hayi_dataset *dataset,
                                    uint64_t index,
                                    void *whole,
                                    struct hayi_error *err)
{
    struct hayi_packed packed;
    size_t size = (size_t)hayi_dataset_chunk_bytes(dataset);
    if (!hayi_segments_find(segments, index, &packed)) {
        hay_status status = hayi_segments_scan(segments, err);
        if (status != HAY_OK) {
            return status;
        }
        if (!hayi_segments_find(segments, index, &packed)) {
            return hayi_fail(err,
                             HAY_EEMPTY,
                             "chunk %" PRIu64 " of %s is not done yet",
                             index,
                             hayi_dataset_path(dataset));
        }
    }
    void *bytes = malloc(packed.packed_bytes);
    if (bytes == NULL) {
        return hayi_files_no_memory(err);
    }
    hay_status status = hayi_segments_load(segments, &packed, bytes, err);
    if (status == HAY_OK) {
        status = hayi_filters_unpack(&dataset->filters,
                                     hayi_dataset_element_bytes(dataset),
                                     0,
                                     bytes,
                                     packed.packed_bytes,
                                     whole,
                                     size,
                                     err);
    }
    free(bytes);
    return status;
}

static hay_status read_segments(struct hayi_files *files,
                                const struct hayi_dataset *dataset,
                                const hay_region *region,
                                void *out,
                                struct hayi_error *err)
{
    struct hayi_grid grid;
    struct hayi_chunks walk;
    struct hayi_packed_file *packed;
    uint64_t index;
    hay_status status = hayi_files_acquire_packed(files, dataset, &packed, err);
    if (status != HAY_OK) {
        return status;
    }
    void *whole = malloc((size_t)hayi_dataset_chunk_bytes(dataset));
    if (whole == NULL) {
        status = hayi_files_no_memory(err);
    }
    hayi_dataset_grid(dataset, &grid);
    hayi_chunks_begin(&walk, &grid, region);
    while (status == HAY_OK && hayi_chunks_next(&walk, &index)) {
        hay_region box;
        hay_region common;
        hayi_grid_box(&grid, index, &box);
        status = hayi_dataset_load_packed(
            packed->segments, dataset, index, whole, err);
        if (status == HAY_OK && hayi_region_intersect(&box, region, &common)) {
            hayi_region_copy(out,
                             region,
                             whole,
                             &box,
                             &common,
                             hayi_dataset_element_bytes(dataset));
        }
    }
    free(whole);
    hayi_files_release_packed(files, packed);
    return status;
}

/* The file is whole when the segments go, which may be at any moment. */
static hay_status read_packed(struct hayi_files *files,
                              const struct hayi_dataset *dataset,
                              const hay_region *region,
                              void *out,
                              struct hayi_error *err)
{
    const char *path = hayi_dataset_path(dataset);
    hay_status status = HAY_EIO;
    if (hayi_segments_there(path)) {
        status = read_segments(files, dataset, region, out, err);
    }
    return status == HAY_OK || hayi_segments_there(path)
               ? status
               : hayi_h5_read(dataset, region, out, err);
}

/* 'what' of a box that lies at 'address', into 'out', which holds 'region'. */
static hay_status read_box(const struct hayi_open_file *file,
                           uint64_t address,
                           const hay_region *box,
                           const hay_region *what,
                           const hay_region *region,
                           void *out,
                           size_t element,
                           struct hayi_error *err)
{
    struct hayi_runs runs;
    bool more = hayi_runs_begin(&runs, region, box, what, element);
    if (!more) {
        return HAY_OK;
    }
    uint64_t count = hayi_region_count(what) * element / runs.run_bytes;
    if (runs.run_bytes >= RUN_BYTES || count == 1) {
        hay_status status = HAY_OK;
        for (; more && status == HAY_OK; more = hayi_runs_next(&runs)) {
            status = hayi_open_file_read(file,
                                         (char *)out + runs.target_at,
                                         (size_t)runs.run_bytes,
                                         address + runs.source_at,
                                         err);
        }
        return status;
    }
    uint64_t first = runs.source_at;
    uint64_t end = first + runs.run_bytes;
    for (uint32_t d = 0; d < runs.outer; d++) {
        end += (runs.count[d] - 1) * runs.source_step[d];
    }
    struct hayi_mapping mapping;
    const char *data = NULL;
    hay_status status = hayi_open_file_map(
        file, address + first, address + end, &mapping, &data, err);
    if (status != HAY_OK) {
        return status;
    }
    for (; more; more = hayi_runs_next(&runs)) {
        memcpy((char *)out + runs.target_at,
               data + (runs.source_at - first),
               (size_t)runs.run_bytes);
    }
    hayi_mapping_fini(&mapping);
    return HAY_OK;
}

static hay_status wrong_region(const struct hayi_dataset *dataset,
                               struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EINVAL,
                     "the region is not inside %s of %s",
                     hayi_dataset_name(dataset),
                     hayi_dataset_path(dataset));
}

static hay_status read_plain(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             const hay_region *region,
                             void *out,
                             struct hayi_error *err)
{
    struct hayi_open_file *file;
    hay_region box;
    size_t element = hayi_dataset_element_bytes(dataset);
    hay_status status = hayi_files_acquire_dataset(files, dataset, &file, err);
    if (status != HAY_OK) {
        return status;
    }
    if (dataset->kind == HAYI_CONTIGUOUS) {
        hayi_region_whole(dataset->ndim, dataset->shape, &box);
        status = read_box(
            file, dataset->data_base, &box, region, region, out, element, err);
    } else {
        struct hayi_grid grid;
        struct hayi_chunks walk;
        uint64_t index;
        hayi_dataset_grid(dataset, &grid);
        hayi_chunks_begin(&walk, &grid, region);
        while (status == HAY_OK && hayi_chunks_next(&walk, &index)) {
            hay_region common;
            hayi_grid_box(&grid, index, &box);
            if (hayi_region_intersect(&box, region, &common)) {
                status = read_box(file,
                                  hayi_dataset_chunk_at(dataset, index),
                                  &box,
                                  &common,
                                  region,
                                  out,
                                  element,
                                  err);
            }
        }
    }
    hayi_files_release(files, file);
    return status;
}

hay_status hayi_dataset_read(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             const hay_region *region,
                             void *out,
                             struct hayi_error *err)
{
    if (!hayi_region_inside(region, dataset->ndim, dataset->shape)) {
        return wrong_region(dataset, err);
    }
    if (hayi_region_count(region) == 0) {
        return HAY_OK;
    }
    switch (dataset->kind) {
    case HAYI_CONTIGUOUS:
    case HAYI_CHUNKED:
        return read_plain(files, dataset, region, out, err);
    case HAYI_PACKED:
        return read_packed(files, dataset, region, out, err);
    case HAYI_RAW:
    case HAYI_LIBRARY:
        return hayi_h5_read(dataset, region, out, err);
    default:
        return hayi_fail(
            err, HAY_EINVAL, "an array in memory is not read from a file");
    }
}

hay_status hayi_dataset_map(struct hayi_files *files,
                            const struct hayi_dataset *dataset,
                            const hay_region *region,
                            const void **data,
                            struct hayi_mapping *mapping,
                            struct hayi_error *err)
{
    hay_region box;
    uint64_t address = dataset->data_base;
    uint64_t first = 0;
    size_t element = hayi_dataset_element_bytes(dataset);
    if (!hayi_region_inside(region, dataset->ndim, dataset->shape)) {
        return wrong_region(dataset, err);
    }
    if (hayi_region_count(region) == 0) {
        return HAY_EUNSUPPORTED;
    }
    if (dataset->kind == HAYI_CONTIGUOUS) {
        hayi_region_whole(dataset->ndim, dataset->shape, &box);
    } else if (dataset->kind == HAYI_CHUNKED) {
        struct hayi_grid grid;
        hayi_dataset_grid(dataset, &grid);
        uint64_t index = hayi_grid_find(&grid, region->start);
        hayi_grid_box(&grid, index, &box);
        if (!hayi_region_holds(&box, region)) {
            return HAY_EUNSUPPORTED;
        }
        address = hayi_dataset_chunk_at(dataset, index);
    } else {
        return HAY_EUNSUPPORTED;
    }
    if (!hayi_region_run(&box, region, &first)) {
        return HAY_EUNSUPPORTED;
    }
    address += first * element;
    if (address % element != 0) {
        return HAY_EUNSUPPORTED;
    }
    struct hayi_open_file *file;
    const char *bytes = NULL;
    hay_status status = hayi_files_acquire_dataset(files, dataset, &file, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hayi_open_file_map(file,
                                address,
                                address + hayi_region_count(region) * element,
                                mapping,
                                &bytes,
                                err);
    hayi_files_release(files, file);
    if (status == HAY_OK) {
        *data = bytes;
    }
    return status;
}
