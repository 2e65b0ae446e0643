/* h5store_pack.c - the file of an array whose chunks were packed elsewhere.
 *
 * FILE.parts/head.h5 is the file without its chunks.  A copy of it gets them,
 * in their order, as they are, so that equal arrays are equal files.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"
#include "data/segments.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pack {
    const struct hayi_dataset *dataset;
    const char *path;
    char *head;
    char *part;
    struct hayi_grid grid;
    struct hayi_segments *segments;
    uint64_t *records; /* [grid.total][HAYI_RECORD_WORDS] */
    uint64_t done_count;
    uint64_t packed_bytes; /* of all */
    size_t largest;
    hid_t file;
    hid_t array;
};

/* What there is, by chunk. */
static hay_status survey(struct pack *pack, struct hayi_error *err)
{
    hay_status status = hayi_segments_scan(pack->segments, err);
    struct hayi_packed packed;
    for (uint64_t i = 0; status == HAY_OK && i < pack->grid.total; i++) {
        if (hayi_segments_find(pack->segments, i, &packed)) {
            pack->done_count++;
            pack->packed_bytes += packed.packed_bytes;
            if (packed.packed_bytes > pack->largest) {
                pack->largest = packed.packed_bytes;
            }
        }
    }
    return status;
}

static hay_status copy_head(const struct pack *pack, struct hayi_error *err)
{
    static const size_t step = 1 << 16;
    char *bytes = malloc(step);
    int from = open(pack->head, O_RDONLY | O_CLOEXEC);
    int to = open(pack->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    ssize_t many = -1;
    if (bytes != NULL && from >= 0 && to >= 0) {
        while ((many = read(from, bytes, step)) > 0) {
            if (write(to, bytes, (size_t)many) != many) {
                many = -1;
                break;
            }
        }
    }
    hay_status status = HAY_OK;
    if (many != 0) {
        status = hayi_fail(
            err, HAY_EIO, "cannot copy %s: %s", pack->head, strerror(errno));
    }
    if (from >= 0) {
        (void)close(from);
    }
    if (to >= 0) {
        (void)close(to);
    }
    free(bytes);
    return status;
}

static hay_status says_no(const struct pack *pack, struct hayi_error *err)
{
    char text[200];
    return hayi_fail(err,
                     HAY_EIO,
                     "cannot make %s: %s",
                     pack->path,
                     hayi_h5_words(text, sizeof(text)));
}

static hay_status open_part(struct pack *pack, struct hayi_error *err)
{
    struct hayi_h5_guard guard;
    hay_status status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    hid_t access = hayi_h5_access(true);
    pack->file = H5Fopen(pack->part, H5F_ACC_RDWR, access);
    if (pack->file >= 0) {
        pack->array =
            H5Dopen2(pack->file, hayi_dataset_name(pack->dataset), H5P_DEFAULT);
    }
    if (pack->file < 0 || pack->array < 0) {
        status = says_no(pack, err);
    }
    hayi_h5_close(access);
    hayi_h5_leave(&guard);
    return status;
}

/* keep: an error that is known already. */
static hay_status
close_part(struct pack *pack, hay_status keep, struct hayi_error *err)
{
    struct hayi_h5_guard guard;
    if (hayi_h5_enter(&guard, NULL) != HAY_OK) {
        return keep;
    }
    hayi_h5_close(pack->array);
    if (pack->file > 0 && H5Fclose(pack->file) < 0 && keep == HAY_OK) {
        keep = says_no(pack, err);
    }
    hayi_h5_leave(&guard);
    return keep;
}

static hay_status write_chunk(struct pack *pack,
                              uint64_t index,
                              size_t size_bytes,
                              const void *bytes,
                              struct hayi_error *err)
{
    hay_region box;
    hsize_t start[HAY_NDIM_MAX];
    struct hayi_h5_guard guard;
    hay_status status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    hayi_grid_box(&pack->grid, index, &box);
    for (uint32_t d = 0; d < box.ndim; d++) {
        start[d] = box.start[d];
    }
    if (H5Dwrite_chunk(pack->array, H5P_DEFAULT, 0, start, size_bytes, bytes)
        < 0) {
        status = says_no(pack, err);
    }
    hayi_h5_leave(&guard);
    return status;
}

static hay_status write_chunks(struct pack *pack, struct hayi_error *err)
{
    struct hayi_packed packed;
    hay_status status = HAY_OK;
    void *bytes = malloc(pack->largest + 1);
    if (bytes == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a packed chunk");
    }
    for (uint64_t i = 0; status == HAY_OK && i < pack->grid.total; i++) {
        if (!hayi_segments_find(pack->segments, i, &packed)) {
            continue;
        }
        status = hayi_segments_load(pack->segments, &packed, bytes, err);
        if (status == HAY_OK) {
            status = write_chunk(pack, i, packed.packed_bytes, bytes, err);
        }
        uint64_t *record = pack->records + i * HAYI_RECORD_WORDS;
        record[0] = 1;
        record[1] = hayi_dataset_chunk_bytes(pack->dataset);
        record[2] = packed.chunk_hash;
    }
    free(bytes);
    return status;
}

/* After the file was closed: which chunks are done. */
static hay_status write_records(const struct pack *pack, struct hayi_error *err)
{
    const struct hayi_dataset *dataset = pack->dataset;
    uint64_t complete = pack->done_count == pack->grid.total;
    size_t size = pack->grid.total * HAYI_RECORD_BYTES;
    uint64_t complete_at =
        dataset->meta_base + HAYI_META_COMPLETE * sizeof(complete);
    int fd = open(pack->part, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0
                && pwrite(fd, pack->records, size, (off_t)dataset->record_base)
                       == (ssize_t)size
                && pwrite(fd, &complete, sizeof(complete), (off_t)complete_at)
                       == (ssize_t)sizeof(complete);
    hay_status status = HAY_OK;
    if (!done) {
        status = hayi_fail(
            err, HAY_EIO, "cannot write %s: %s", pack->path, strerror(errno));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return status;
}

/* Has it been made already, with all chunks? */
static bool is_complete(const struct hayi_dataset *dataset)
{
    uint64_t meta[HAYI_META_WORDS] = {0};
    int fd = open(hayi_dataset_path(dataset), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    bool complete = pread(fd, meta, sizeof(meta), (off_t)dataset->meta_base)
                        == (ssize_t)sizeof(meta)
                    && meta[HAYI_META_MAGIC] == HAYI_H5_META_MAGIC
                    && meta[HAYI_META_COMPLETE] == 1;
    (void)close(fd);
    return complete;
}

static hay_status make(struct pack *pack, bool last, struct hayi_error *err)
{
    uint64_t missing = pack->grid.total - pack->done_count;
    if (last && missing != 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s is not complete: %" PRIu64 " of %" PRIu64
                         " chunks are missing",
                         pack->path,
                         missing,
                         pack->grid.total);
    }
    const struct hayi_h5_site site = {
        .path = pack->path,
        .part = pack->part,
    };
    uint64_t need = pack->packed_bytes
                    + pack->grid.total * 2 * HAYI_RECORD_BYTES
                    + HAYI_H5_METADATA_BYTES;
    struct stat st;
    hay_status status = hayi_h5_site_look_for_room(pack->path, need, err);
    if (status == HAY_OK) {
        status = copy_head(pack, err);
    }
    if (status == HAY_OK) {
        need += stat(pack->part, &st) == 0 ? (uint64_t)st.st_size : 0;
        status = hayi_h5_site_grow(&site, need, need, err);
    }
    if (status == HAY_OK) {
        status = open_part(pack, err);
        if (status == HAY_OK) {
            status = write_chunks(pack, err);
        }
        status = close_part(pack, status, err);
    }
    if (status == HAY_OK) {
        status = write_records(pack, err);
    }
    if (status == HAY_OK) {
        status = hayi_h5_publish(
            pack->part, pack->path, pack->dataset->sync != HAYI_SYNC_NONE, err);
    }
    if (status != HAY_OK) {
        (void)unlink(pack->part);
    }
    return status;
}

hay_status hayi_h5_pack(const struct hayi_dataset *dataset,
                        bool last,
                        struct hayi_error *err)
{
    struct pack pack = {
        .dataset = dataset,
        .path = hayi_dataset_path(dataset),
    };
    if (dataset->kind != HAYI_PACKED || dataset->record_base == 0) {
        return hayi_fail(
            err, HAY_EINVAL, "%s is not made of packed chunks", pack.path);
    }
    if (!hayi_segments_there(pack.path) && is_complete(dataset)) {
        return HAY_OK;
    }
    hayi_dataset_grid(dataset, &pack.grid);
    pack.head = hayi_h5_part_of(pack.path, ".parts/head.h5");
    pack.part = hayi_h5_part_of(pack.path, ".part");
    pack.records = calloc(pack.grid.total, HAYI_RECORD_BYTES);
    hay_status status;
    if (pack.head == NULL || pack.part == NULL || pack.records == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for records");
    } else {
        status = hayi_segments_new(pack.path,
                                   pack.grid.total,
                                   dataset->hash_kind,
                                   &pack.segments,
                                   err);
    }
    if (status == HAY_OK) {
        status = survey(&pack, err);
    }
    if (status == HAY_OK) {
        status = make(&pack, last, err);
    }
    if (status == HAY_OK && last) {
        status = hayi_segments_remove(pack.path, err);
    }
    hayi_segments_free(pack.segments);
    free(pack.records);
    free(pack.part);
    free(pack.head);
    return status;
}
