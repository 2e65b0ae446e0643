/* chunk_write.c - see chunk_file.h: writing, and what is done.
 *
 * What the records promise: a chunk's bytes are written before its record, and
 * the record, and that the file is complete, are taken back before other bytes
 * are written over it.
 */
#include "config.h"

#include "data/chunk_file.h"

#include "data/h5store.h"
#include "data/open_files.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORDS_BYTES = 256 << 10, /* read at once */
    PIECE_BYTES = 128 << 10,   /* hashed and written, in the cache */
};

/* ---- writing ------------------------------------------------------------ */

/* Does the file say that all its chunks are done? */
static hay_status write_complete(const struct hayi_open_file *file,
                                 const struct hayi_dataset *dataset,
                                 bool complete,
                                 struct hayi_error *err)
{
    const uint64_t word = complete ? 1 : 0;
    return hayi_open_file_write(file,
                                &word,
                                sizeof(word),
                                dataset->meta_base
                                    + HAYI_META_COMPLETE * sizeof(word),
                                err);
}

static hay_status write_record(const struct hayi_open_file *file,
                               const struct hayi_dataset *dataset,
                               uint64_t index,
                               const uint64_t *record,
                               struct hayi_error *err)
{
    return hayi_open_file_write(file,
                                record,
                                HAYI_RECORD_BYTES,
                                dataset->record_base
                                    + index * HAYI_RECORD_BYTES,
                                err);
}

/* Writes the bytes, and finds their hash while they are in the cache. */
static hay_status write_hashed(const struct hayi_open_file *file,
                               const struct hayi_dataset *dataset,
                               const char *data,
                               size_t size_bytes,
                               uint64_t at,
                               uint64_t *hash,
                               struct hayi_error *err)
{
    struct hayi_hasher hasher;
    hay_status status = HAY_OK;
    hayi_hasher_init(&hasher, (enum hayi_hash_kind)dataset->hash_kind);
    for (size_t done = 0; status == HAY_OK && done < size_bytes;) {
        size_t many =
            size_bytes - done < PIECE_BYTES ? size_bytes - done : PIECE_BYTES;
        hayi_hasher_add(&hasher, data + done, many);
        status = hayi_open_file_write(file, data + done, many, at + done, err);
        done += many;
    }
    if (status == HAY_OK) {
        *hash = hayi_hasher_end(&hasher);
    }
    return status;
}

/* The chunk and its record, so that at no moment a record is wrong. */
static hay_status put_chunk(const struct hayi_open_file *file,
                            const struct hayi_dataset *dataset,
                            uint64_t index,
                            const void *data,
                            size_t size_bytes,
                            struct hayi_error *err)
{
    bool sync = dataset->sync == HAYI_SYNC_CHUNK;
    uint64_t old[HAYI_RECORD_BYTES / 8];
    const uint64_t none[HAYI_RECORD_BYTES / 8] = {0};
    uint64_t done[HAYI_RECORD_BYTES / 8] = {1, size_bytes};
    hay_status status =
        hayi_open_file_read(file,
                            old,
                            sizeof(old),
                            dataset->record_base + index * HAYI_RECORD_BYTES,
                            err);
    /* Equal bytes over equal bytes need no care. */
    if (status == HAY_OK && old[0] != 0
        && old[2]
               != hayi_hash(
                   (enum hayi_hash_kind)dataset->hash_kind, data, size_bytes)) {
        status = write_complete(file, dataset, false, err);
        if (status == HAY_OK) {
            status = write_record(file, dataset, index, none, err);
        }
        if (status == HAY_OK && sync) {
            status = hayi_open_file_flush(file, err);
        }
    }
    if (status == HAY_OK) {
        status = write_hashed(file,
                              dataset,
                              data,
                              size_bytes,
                              hayi_dataset_chunk_at(dataset, index),
                              &done[2],
                              err);
    }
    if (status == HAY_OK && sync) {
        status = hayi_open_file_flush(file, err);
    }
    if (status == HAY_OK) {
        status = write_record(file, dataset, index, done, err);
    }
    return status == HAY_OK && sync ? hayi_open_file_flush(file, err) : status;
}

static hay_status append_chunk(struct hayi_files *files,
                               const struct hayi_dataset *dataset,
                               uint64_t index,
                               const void *data,
                               size_t size_bytes,
                               struct hayi_error *err)
{
    struct hayi_packed_file *file;
    void *packed = NULL;
    size_t packed_bytes = 0;
    enum hayi_hash_kind kind = (enum hayi_hash_kind)dataset->hash_kind;
    hay_status status = hayi_files_acquire_packed(files, dataset, &file, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hayi_filters_pack(&dataset->filters,
                               hayi_dataset_element_bytes(dataset),
                               data,
                               size_bytes,
                               &packed,
                               &packed_bytes,
                               err);
    if (status == HAY_OK) {
        status = hayi_segments_append(file->segments,
                                      index,
                                      size_bytes,
                                      hayi_hash(kind, data, size_bytes),
                                      packed,
                                      packed_bytes,
                                      dataset->sync == HAYI_SYNC_CHUNK,
                                      err);
    }
    free(packed);
    hayi_files_release_packed(files, file);
    return status;
}

hay_status hayi_dataset_write_chunk(struct hayi_files *files,
                                    const struct hayi_dataset *dataset,
                                    uint64_t index,
                                    const void *data,
                                    size_t size_bytes,
                                    struct hayi_error *err)
{
    struct hayi_grid grid;
    hayi_dataset_grid(dataset, &grid);
    if (!hayi_dataset_writable(dataset) || index >= grid.total) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s has no chunk %" PRIu64 " to be written",
                         hayi_dataset_path(dataset),
                         index);
    }
    hay_region box;
    hay_region inside;
    hayi_grid_box(&grid, index, &box);
    hayi_grid_region(&grid, index, &inside);
    size_t element = hayi_dataset_element_bytes(dataset);
    size_t whole_bytes = (size_t)hayi_region_count(&box) * element;
    size_t inside_bytes = (size_t)hayi_region_count(&inside) * element;
    if (size_bytes != whole_bytes && size_bytes != inside_bytes) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "chunk %" PRIu64 " of %s has %zu bytes, not %zu",
                         index,
                         hayi_dataset_path(dataset),
                         inside_bytes,
                         size_bytes);
    }
    void *own = NULL;
    if (inside_bytes != whole_bytes) {
        own = calloc(1, whole_bytes);
        if (own == NULL) {
            return hayi_files_no_memory(err);
        }
        hayi_region_copy(own,
                         &box,
                         data,
                         size_bytes == whole_bytes ? &box : &inside,
                         &inside,
                         element);
        data = own;
    }
    hay_status status;
    if (dataset->kind == HAYI_PACKED) {
        status = append_chunk(files, dataset, index, data, whole_bytes, err);
    } else {
        struct hayi_open_file *file;
        status = hayi_files_acquire_dataset(files, dataset, &file, err);
        if (status == HAY_OK) {
            status = put_chunk(file, dataset, index, data, whole_bytes, err);
            hayi_files_release(files, file);
        }
    }
    free(own);
    return status;
}

/* ---- what is done ------------------------------------------------------- */

/* One chunk's bytes against its hash; 'whole' has room for them. */
static bool chunk_holds(const struct hayi_dataset *dataset,
                        const struct hayi_open_file *file,
                        uint64_t index,
                        uint64_t hash,
                        void *whole)
{
    size_t size = (size_t)hayi_dataset_chunk_bytes(dataset);
    return hayi_open_file_read(
               file, whole, size, hayi_dataset_chunk_at(dataset, index), NULL)
               == HAY_OK
           && hayi_hash((enum hayi_hash_kind)dataset->hash_kind, whole, size)
                  == hash;
}

static void mark(uint8_t *done, uint64_t index)
{
    done[index / 8] = (uint8_t)(done[index / 8] | 1u << index % 8);
}

/* By the records of the file.  whole: NULL: without looking at the chunks. */
static hay_status done_by_records(const struct hayi_dataset *dataset,
                                  const struct hayi_open_file *file,
                                  uint64_t total,
                                  void *whole,
                                  uint8_t *done,
                                  uint64_t *count,
                                  struct hayi_error *err)
{
    enum { WORDS = HAYI_RECORD_BYTES / 8 };
    const uint64_t step = RECORDS_BYTES / HAYI_RECORD_BYTES;
    uint64_t *records = malloc(RECORDS_BYTES);
    if (records == NULL) {
        return hayi_files_no_memory(err);
    }
    hay_status status = HAY_OK;
    for (uint64_t at = 0; status == HAY_OK && at < total; at += step) {
        uint64_t many = total - at < step ? total - at : step;
        status =
            hayi_open_file_read(file,
                                records,
                                (size_t)many * HAYI_RECORD_BYTES,
                                dataset->record_base + at * HAYI_RECORD_BYTES,
                                err);
        for (uint64_t i = 0; status == HAY_OK && i < many; i++) {
            const uint64_t *record = records + i * WORDS;
            if (record[0] == 1 && record[1] == hayi_dataset_chunk_bytes(dataset)
                && (whole == NULL
                    || chunk_holds(dataset, file, at + i, record[2], whole))) {
                mark(done, at + i);
                ++*count;
            }
        }
    }
    free(records);
    return status;
}

static hay_status done_by_segments(struct hayi_files *files,
                                   const struct hayi_dataset *dataset,
                                   uint64_t total,
                                   void *whole,
                                   uint8_t *done,
                                   uint64_t *count,
                                   struct hayi_error *err)
{
    struct hayi_packed_file *file;
    struct hayi_packed packed;
    hay_status status = hayi_files_acquire_packed(files, dataset, &file, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hayi_segments_scan(file->segments, err);
    for (uint64_t i = 0; status == HAY_OK && i < total; i++) {
        if (hayi_segments_find(file->segments, i, &packed)
            && (whole == NULL
                || hayi_dataset_load_packed(
                       file->segments, dataset, i, whole, NULL)
                       == HAY_OK)) {
            mark(done, i);
            ++*count;
        }
    }
    hayi_files_release_packed(files, file);
    return status;
}

hay_status hayi_dataset_done(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             bool verify,
                             uint8_t *done,
                             uint64_t *done_count,
                             struct hayi_error *err)
{
    struct hayi_grid grid;
    uint64_t count = 0;
    hayi_dataset_grid(dataset, &grid);
    memset(done, 0, (size_t)((grid.total + 7) / 8));
    const char *path = hayi_dataset_path(dataset);
    bool segments = dataset->kind == HAYI_PACKED && hayi_segments_there(path);
    if (dataset->record_base == 0) {
        *done_count = 0;
        return HAY_OK;
    }
    void *whole = NULL;
    /* Packed chunks have a checksum of their own, which HDF5 looks at. */
    verify = verify && (segments || dataset->kind == HAYI_CHUNKED);
    if (verify) {
        whole = malloc((size_t)hayi_dataset_chunk_bytes(dataset));
        if (whole == NULL) {
            return hayi_files_no_memory(err);
        }
    }
    hay_status status;
    if (segments) {
        status = done_by_segments(
            files, dataset, grid.total, whole, done, &count, err);
    } else {
        struct hayi_open_file *file;
        uint64_t inode = dataset->kind == HAYI_PACKED ? 0 : dataset->inode;
        status = hayi_files_acquire(files, path, inode, false, &file, err);
        if (status == HAY_OK) {
            status = done_by_records(
                dataset, file, grid.total, whole, done, &count, err);
            hayi_files_release(files, file);
        }
    }
    free(whole);
    if (status == HAY_OK) {
        *done_count = count;
    }
    return status;
}

hay_status hayi_dataset_sync(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             struct hayi_error *err)
{
    if (dataset->sync == HAYI_SYNC_NONE || !hayi_dataset_writable(dataset)) {
        return HAY_OK;
    }
    if (dataset->kind == HAYI_PACKED) {
        struct hayi_packed_file *packed;
        hay_status status =
            hayi_files_acquire_packed(files, dataset, &packed, err);
        if (status == HAY_OK) {
            status = hayi_segments_sync(packed->segments, err);
            hayi_files_release_packed(files, packed);
        }
        return status;
    }
    struct hayi_open_file *file;
    hay_status status = hayi_files_acquire_dataset(files, dataset, &file, err);
    if (status == HAY_OK) {
        status = hayi_open_file_flush(file, err);
        hayi_files_release(files, file);
    }
    return status;
}

/* All chunks have their records: the file says so. */
static hay_status set_complete(struct hayi_files *files,
                               const struct hayi_dataset *dataset,
                               struct hayi_error *err)
{
    struct hayi_open_file *file;
    bool sync = dataset->sync != HAYI_SYNC_NONE;
    hay_status status = hayi_files_acquire_dataset(files, dataset, &file, err);
    if (status != HAY_OK) {
        return status;
    }
    if (sync) {
        status = hayi_open_file_flush(file, err);
    }
    if (status == HAY_OK) {
        status = write_complete(file, dataset, true, err);
    }
    if (status == HAY_OK && sync) {
        status = hayi_open_file_flush(file, err);
    }
    hayi_files_release(files, file);
    return status;
}

hay_status hayi_dataset_complete(struct hayi_files *files,
                                 const struct hayi_dataset *dataset,
                                 struct hayi_error *err)
{
    struct hayi_grid grid;
    uint64_t count = 0;
    hayi_dataset_grid(dataset, &grid);
    if (!hayi_dataset_writable(dataset)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s is not written by this run",
                         hayi_dataset_path(dataset));
    }
    if (dataset->kind == HAYI_PACKED) {
        hay_status status = HAY_OK;
        if (hayi_segments_there(hayi_dataset_path(dataset))) {
            status = hayi_dataset_sync(files, dataset, err);
        }
        return status == HAY_OK ? hayi_h5_pack(dataset, true, err) : status;
    }
    uint8_t *done = malloc((size_t)(grid.total / 8 + 1));
    if (done == NULL) {
        return hayi_files_no_memory(err);
    }
    hay_status status =
        hayi_dataset_done(files, dataset, false, done, &count, err);
    free(done);
    if (status == HAY_OK && count != grid.total) {
        status = hayi_fail(err,
                           HAY_EINVAL,
                           "%s is not complete: %" PRIu64 " of %" PRIu64
                           " chunks are missing",
                           hayi_dataset_path(dataset),
                           grid.total - count,
                           grid.total);
    }
    return status == HAY_OK ? set_complete(files, dataset, err) : status;
}
