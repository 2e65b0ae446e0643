/* h5store_create.c - new arrays of chunks.
 *
 * The recipe: newest format that 1.10 reads, everything aligned to pages, fixed
 * size, no filter, allocated early, never filled: HDF5 then computes where a
 * chunk lies, and so do we, with pwrite, after the file is closed.  Late
 * allocation must be avoided: HDF5 1.10.8 loses the data of a dataset of one
 * chunk that is never filled, without a word.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"
#include "data/segments.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROBES = 8 }; /* chunks whose addresses are compared */

#define CHUNK_BYTES_MAX ((uint64_t)UINT32_MAX)

static hay_status make_words(const struct hayi_h5_site *site,
                             const char *name,
                             const char *ending,
                             int ndim,
                             const hsize_t *dims,
                             uint64_t *address,
                             struct hayi_error *err)
{
    char whole[HAYI_H5_LINK_MAX];
    (void)snprintf(whole, sizeof(whole), "%s%s", name, ending);
    hid_t space = H5Screate_simple(ndim, dims, NULL);
    hay_status status = hayi_h5_site_contiguous(
        site, whole, H5T_NATIVE_UINT64, space, address, err);
    hayi_h5_close(space);
    return status;
}

static hay_status make_attribute(const struct hayi_h5_site *site,
                                 hid_t dataset,
                                 const struct hayi_h5_attribute *attribute,
                                 struct hayi_error *err)
{
    hay_status status = HAY_OK;
    hsize_t count = attribute->count;
    bool text = attribute->text != NULL;
    hid_t own = text ? hayi_h5_text_type(strlen(attribute->text)) : 0;
    hid_t type = text ? own : hayi_h5_native(attribute->dtype);
    hid_t space = text || count == 1 ? H5Screate(H5S_SCALAR)
                                     : H5Screate_simple(1, &count, NULL);
    hid_t made = H5Acreate2(
        dataset, attribute->name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (made < 0
        || H5Awrite(made, type, text ? attribute->text : attribute->data) < 0) {
        status = hayi_h5_site_failed(site, attribute->name, err);
    }
    hayi_h5_close(made);
    hayi_h5_close(space);
    hayi_h5_close(own);
    return status;
}

/* ---- an array ----------------------------------------------------------- */

/* What is to be made, with everything chosen. */
struct array {
    const struct hayi_h5_plan *plan;
    struct hayi_dataset head;
    struct hayi_grid grid;
    uint64_t chunk_bytes;
    uint64_t *addresses; /* ours; NULL: in order */
    char path[HAYI_DATASET_PATH_MAX + 1];
};

static hay_status not_fit(const char *what, struct hayi_error *err)
{
    return hayi_fail(err, HAY_EINVAL, "an array cannot be made: %s", what);
}

/* What the plan leaves open: near to a cube in the dimensions that are free. */
static void
choose_chunk(const struct hayi_h5_plan *plan, size_t element, uint64_t *chunk)
{
    uint64_t shape[HAY_NDIM_MAX];
    uint64_t free_chunk[HAY_NDIM_MAX];
    uint32_t free_count = 0;
    for (uint32_t d = 0; d < plan->ndim; d++) {
        chunk[d] =
            plan->chunk[d] < plan->shape[d] ? plan->chunk[d] : plan->shape[d];
        if (chunk[d] == 0) {
            shape[free_count++] = plan->shape[d];
        } else if (element <= HAYI_CHUNK_BYTES) {
            element *= chunk[d] < HAYI_CHUNK_BYTES ? (size_t)chunk[d]
                                                   : (size_t)HAYI_CHUNK_BYTES;
        }
    }
    if (free_count != 0) {
        hayi_shape_chunk(free_count, shape, element, 0, free_chunk);
    }
    for (uint32_t d = plan->ndim; d-- > 0;) {
        if (chunk[d] == 0) {
            chunk[d] = free_chunk[--free_count];
        }
    }
}

static hay_status choose(struct array *array, struct hayi_error *err)
{
    const struct hayi_h5_plan *plan = array->plan;
    struct hayi_dataset *head = &array->head;
    size_t element = hay_dtype_size(plan->dtype);
    uint64_t count = 0;
    if (!hayi_h5_name_fits(plan->name)) {
        return not_fit("the name of the dataset is missing", err);
    }
    if (element == 0) {
        return not_fit("unknown type of elements", err);
    }
    if (!hayi_shape_count(plan->ndim, plan->shape, element, &count)
        || count == 0) {
        return not_fit("its shape has no elements, too many of them, or too "
                       "many dimensions",
                       err);
    }
    if (plan->filters.shuffle > 1 || plan->filters.deflate > 9) {
        return not_fit("deflate has levels 1 to 9", err);
    }
    memcpy(head->shape, plan->shape, plan->ndim * sizeof(plan->shape[0]));
    choose_chunk(plan, element, head->chunk);
    hay_status status =
        hayi_grid_init(&array->grid, plan->ndim, head->shape, head->chunk, err);
    if (status != HAY_OK) {
        return status;
    }
    uint64_t inside = hayi_grid_chunk_count(&array->grid);
    if (inside > CHUNK_BYTES_MAX / element) {
        return not_fit("a chunk of HDF5's has less than 4 GiB", err);
    }
    array->chunk_bytes = inside * element;
    head->dtype = (uint8_t)plan->dtype;
    head->ndim = (uint8_t)plan->ndim;
    head->sync = (uint8_t)plan->sync;
    head->filters = plan->filters;
    head->ours = 1;
    head->hash_kind = (uint8_t)hayi_hash_best();
    bool packed = plan->filters.shuffle != 0 || plan->filters.deflate != 0;
    head->kind = packed ? HAYI_PACKED : HAYI_CHUNKED;
    return hayi_h5_whole_path(plan->path, array->path, err);
}

static hid_t array_properties(const struct array *array)
{
    const struct hayi_dataset *head = &array->head;
    hsize_t chunk[HAY_NDIM_MAX];
    hid_t plist = hayi_h5_without_times(H5P_DATASET_CREATE);
    for (uint32_t d = 0; d < head->ndim; d++) {
        chunk[d] = head->chunk[d];
    }
    (void)H5Pset_chunk(plist, head->ndim, chunk);
    if (head->kind == HAYI_CHUNKED) {
        (void)H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
        (void)H5Pset_fill_time(plist, H5D_FILL_TIME_NEVER);
    }
    if (head->filters.shuffle != 0) {
        (void)H5Pset_shuffle(plist);
    }
    if (head->filters.deflate != 0) {
        (void)H5Pset_deflate(plist, head->filters.deflate);
    }
    return plist;
}

static bool chunk_address(hid_t dataset,
                          const struct array *array,
                          uint64_t index,
                          uint64_t *address)
{
    hay_region box;
    hsize_t start_at[HAY_NDIM_MAX];
    unsigned mask = 0;
    haddr_t at = HADDR_UNDEF;
    hsize_t size = 0;
    hayi_grid_box(&array->grid, index, &box);
    for (uint32_t d = 0; d < box.ndim; d++) {
        start_at[d] = box.start[d];
    }
    if (H5Dget_chunk_info_by_coord(dataset, start_at, &mask, &at, &size) < 0
        || at == HADDR_UNDEF || size != array->chunk_bytes) {
        return false;
    }
    *address = at;
    return true;
}

/* The addresses of the chunks, from the first one if they lie in order. */
static bool find_addresses(hid_t dataset, struct array *array)
{
    uint64_t total = array->grid.total;
    uint64_t base = 0;
    bool ordered = chunk_address(dataset, array, 0, &base);
    array->head.data_base = base;
    for (uint64_t i = 1; ordered && i <= PROBES; i++) {
        uint64_t index = i == PROBES ? total - 1 : (total - 1) / PROBES * i;
        uint64_t at = 0;
        ordered = chunk_address(dataset, array, index, &at)
                  && at == base + index * array->chunk_bytes;
    }
    if (ordered) {
        return true;
    }
    if (total > HAYI_DATASET_ADDRESSES_MAX) {
        return false;
    }
    array->addresses = malloc(total * sizeof(*array->addresses));
    for (uint64_t i = 0; array->addresses != NULL && i < total; i++) {
        if (!chunk_address(dataset, array, i, &array->addresses[i])) {
            return false;
        }
    }
    array->head.address_count = (uint32_t)total;
    return array->addresses != NULL;
}

static hay_status make_array(const struct hayi_h5_site *site,
                             struct array *array,
                             struct hayi_error *err)
{
    const struct hayi_h5_plan *plan = array->plan;
    struct hayi_dataset *head = &array->head;
    hsize_t dims[HAY_NDIM_MAX];
    hay_status status = hayi_h5_site_groups(site, plan->name, err);
    if (status != HAY_OK) {
        return status;
    }
    for (uint32_t d = 0; d < head->ndim; d++) {
        dims[d] = head->shape[d];
    }
    hid_t plist = array_properties(array);
    hid_t space = H5Screate_simple(head->ndim, dims, NULL);
    hid_t dataset = H5Dcreate2(site->file,
                               plan->name,
                               hayi_h5_native(plan->dtype),
                               space,
                               H5P_DEFAULT,
                               plist,
                               H5P_DEFAULT);
    if (dataset < 0) {
        status = hayi_h5_site_failed(site, plan->name, err);
    } else if (head->kind == HAYI_CHUNKED && !find_addresses(dataset, array)) {
        status = hayi_fail(err,
                           HAY_EUNSUPPORTED,
                           "this HDF5 does not put the chunks of %s in order",
                           array->path);
    }
    for (size_t i = 0; status == HAY_OK && i < plan->attribute_count; i++) {
        status = make_attribute(site, dataset, &plan->attributes[i], err);
    }
    hayi_h5_close(dataset);
    hayi_h5_close(space);
    hayi_h5_close(plist);
    hsize_t records[2] = {array->grid.total, HAYI_RECORD_WORDS};
    hsize_t meta[1] = {HAYI_META_WORDS};
    if (status == HAY_OK) {
        status = make_words(
            site, plan->name, ".chunks", 2, records, &head->record_base, err);
    }
    if (status == HAY_OK) {
        status = make_words(
            site, plan->name, ".meta", 1, meta, &head->meta_base, err);
    }
    return status;
}

/* The first words of NAME.meta; everything else of the file is 0 by now. */
static hay_status
write_meta(const char *file, const struct array *array, struct hayi_error *err)
{
    uint64_t meta[HAYI_META_WORDS] = {
        [HAYI_META_MAGIC] = HAYI_H5_META_MAGIC,
        [HAYI_META_VERSION] = HAYI_H5_VERSION,
        [HAYI_META_HASH] = array->head.hash_kind,
        [HAYI_META_CHUNKS] = array->grid.total,
        [HAYI_META_CHUNK_BYTES] = array->chunk_bytes,
    };
    int fd = open(file, O_WRONLY | O_CLOEXEC);
    ssize_t many = -1;
    int why = errno;
    if (fd >= 0) {
        many = pwrite(fd, meta, sizeof(meta), (off_t)array->head.meta_base);
        why = many < 0 ? errno : ENOSPC;
        (void)close(fd);
    }
    if (many != (ssize_t)sizeof(meta)) {
        return hayi_fail(
            err, HAY_EIO, "cannot write %s: %s", array->path, strerror(why));
    }
    return HAY_OK;
}

/* The file 'part', whole. */
static hay_status build(const char *part,
                        struct array *array,
                        struct stat *st,
                        struct hayi_error *err)
{
    uint64_t need =
        array->grid.total * HAYI_RECORD_BYTES + HAYI_H5_METADATA_BYTES;
    if (array->head.kind == HAYI_CHUNKED) {
        need += array->grid.total * array->chunk_bytes;
    }
    hay_status status = hayi_h5_site_look_for_room(array->path, need, err);
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_h5_site site = {
        .path = array->path,
        .part = part,
        .need_bytes = need,
        .metadata_bytes = HAYI_H5_METADATA_BYTES,
    };
    struct hayi_h5_guard guard;
    status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hayi_h5_site_start(&site, err);
    if (status == HAY_OK) {
        status = make_array(&site, array, err);
    }
    if (status == HAY_OK) {
        status = hayi_h5_site_end(&site, err);
    }
    hayi_h5_close(site.file);
    hayi_h5_leave(&guard);
    if (status == HAY_OK) {
        status = hayi_h5_site_allocate(&site, st, err);
    }
    if (status == HAY_OK) {
        status = write_meta(part, array, err);
    }
    return status;
}

static hay_status create_chunked(struct array *array,
                                 struct hayi_dataset **dataset,
                                 struct hayi_error *err)
{
    struct stat st = {0};
    char *part = hayi_h5_part_of(array->path, ".part");
    if (part == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    }
    struct hayi_dataset *made = NULL;
    hay_status status = build(part, array, &st, err);
    if (status == HAY_OK) {
        array->head.inode = (uint64_t)st.st_ino;
        array->head.file_bytes = (uint64_t)st.st_size;
        status = hayi_dataset_new(&array->head,
                                  array->path,
                                  array->plan->name,
                                  array->addresses,
                                  &made,
                                  err);
    }
    if (status == HAY_OK) {
        status = hayi_h5_publish(
            part, array->path, array->plan->sync != HAYI_SYNC_NONE, err);
    }
    if (status == HAY_OK) {
        *dataset = made;
    } else {
        hayi_dataset_free(made);
        (void)unlink(part);
    }
    free(part);
    return status;
}

/* Packed chunks: only the folder, with a file that has everything but them. */
static hay_status create_packed(struct array *array,
                                struct hayi_dataset **dataset,
                                struct hayi_error *err)
{
    struct stat st;
    struct hayi_dataset *made = NULL;
    bool sync = array->plan->sync != HAYI_SYNC_NONE;
    hay_status status = hayi_segments_remove(array->path, err);
    if (status == HAY_OK) {
        status = hayi_segments_make_folder(array->path, err);
    }
    if (status != HAY_OK) {
        return status;
    }
    char *file = hayi_h5_part_of(array->path, ".parts/head.h5");
    char *part = hayi_h5_part_of(array->path, ".parts/head.part");
    if (file == NULL || part == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    } else {
        status = build(part, array, &st, err);
    }
    if (status == HAY_OK && stat(part, &st) == 0) {
        /* By which others know the folder. */
        array->head.inode = (uint64_t)st.st_ino;
        array->head.file_bytes = (uint64_t)st.st_size;
        array->head.mtime_ns = hayi_dataset_mtime_ns(&st);
    }
    if (status == HAY_OK) {
        status = hayi_dataset_new(
            &array->head, array->path, array->plan->name, NULL, &made, err);
    }
    if (status == HAY_OK) {
        status = hayi_h5_publish(part, file, sync, err);
    }
    if (status == HAY_OK) {
        *dataset = made;
    } else {
        hayi_dataset_free(made);
        (void)hayi_segments_remove(array->path, NULL);
    }
    free(file);
    free(part);
    return status;
}

/* ---- going on with one that is there ------------------------------------ */

/* Is what was found in 'file' the array of the plan? */
static hay_status resume(struct array *array,
                         const char *file,
                         struct hayi_dataset **dataset,
                         struct hayi_error *err)
{
    struct hayi_dataset *found = NULL;
    hay_status status = hayi_h5_open(file, array->plan->name, &found, err);
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_dataset head = *found;
    const struct hayi_dataset *want = &array->head;
    const char *other = NULL;
    uint8_t kind = want->kind == HAYI_PACKED ? HAYI_RAW : HAYI_CHUNKED;
    if (head.record_base == 0) {
        other = "it was not made by Hayfork, or with other hashes";
    } else if (head.dtype != want->dtype || head.ndim != want->ndim
               || memcmp(head.shape, want->shape, sizeof(head.shape)) != 0) {
        other = "another type or shape";
    } else if (head.kind != kind
               || memcmp(head.chunk, want->chunk, sizeof(head.chunk)) != 0
               || head.filters.shuffle != want->filters.shuffle
               || head.filters.deflate != want->filters.deflate) {
        other = "other chunks or filters";
    }
    if (other != NULL) {
        status = hayi_fail(err,
                           HAY_EMISMATCH,
                           "%s in %s cannot be continued: %s",
                           array->plan->name,
                           array->path,
                           other);
    } else {
        head.kind = want->kind;
        head.ours = 1;
        head.sync = want->sync;
        if (head.kind == HAYI_PACKED) {
            head.data_base = 0;
        } else {
            head.mtime_ns = 0;
        }
        status = hayi_dataset_new(
            &head,
            array->path,
            array->plan->name,
            (const uint64_t *)(const void *)((const char *)found
                                             + found->address_at),
            dataset,
            err);
    }
    hayi_dataset_free(found);
    return status;
}

hay_status hayi_h5_create(const struct hayi_h5_plan *plan,
                          struct hayi_dataset **dataset,
                          struct hayi_error *err)
{
    struct array array = {.plan = plan};
    struct stat st;
    hay_status status = choose(&array, err);
    if (status != HAY_OK) {
        return status;
    }
    bool packed = array.head.kind == HAYI_PACKED;
    bool there = stat(array.path, &st) == 0;
    char *head = hayi_h5_part_of(array.path, ".parts/head.h5");
    if (head == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    }
    bool under_way = packed && stat(head, &st) == 0;
    if (plan->if_there == HAYI_H5_FAIL && (there || under_way)) {
        status = hayi_fail(err, HAY_EINVAL, "%s is there already", array.path);
    } else if (plan->if_there == HAYI_H5_RESUME && (there || under_way)) {
        status = resume(&array, under_way ? head : array.path, dataset, err);
    } else if (packed) {
        status = create_packed(&array, dataset, err);
    } else {
        status = create_chunked(&array, dataset, err);
    }
    free(head);
    free(array.addresses);
    return status;
}
