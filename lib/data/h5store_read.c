/* h5store_read.c - reading what needs the library, by files that stay open.
 *
 * An opened dataset is used by many threads: HDF5 is called under the mutex,
 * packed chunks are unpacked outside of it.  A dataset's chunk cache is that of
 * its first opening; it holds two chunks, since what is read in slices would
 * else be unpacked for each slice.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPEN_MAX = 64,
    CACHE_CHUNKS = 2,
    CACHE_SLOTS = 521,
};

/* Of all chunk caches; the last one opened may have more. */
static const uint64_t cache_bytes_max = (uint64_t)64 << 20;

struct opened {
    struct opened *next;
    char *path;
    char *name;
    uint64_t inode;
    uint64_t file_bytes;
    uint64_t mtime_ns;
    hid_t file;
    hid_t dataset;
    hid_t type; /* in memory */
    uint64_t cache_bytes;
    unsigned char fill[8]; /* an element that was never written */

    uint64_t stamp;
    unsigned users;
    bool gone; /* out of the list; the last user frees it */
};

/* under the mutex of h5store.c */
static struct opened *list;
static uint64_t stamps;

/* ---- the cache; all of it entered --------------------------------------- */

static void dispose(struct opened *opened)
{
    hayi_h5_close(opened->dataset);
    hayi_h5_close(opened->file);
    free(opened->path);
    free(opened->name);
    free(opened);
}

static void take_out(struct opened *opened)
{
    struct opened **at = &list;
    while (*at != opened) {
        at = &(*at)->next;
    }
    *at = opened->next;
    opened->gone = true;
    if (opened->users == 0) {
        dispose(opened);
    }
}

/* Makes room for one more with so large a cache. */
static void make_room(uint64_t cache_bytes)
{
    for (;;) {
        struct opened *oldest = NULL;
        uint64_t bytes = cache_bytes;
        unsigned count = 1;
        for (struct opened *at = list; at != NULL; at = at->next) {
            count++;
            bytes += at->cache_bytes;
            if (at->users == 0
                && (oldest == NULL || at->stamp < oldest->stamp)) {
                oldest = at;
            }
        }
        if (oldest == NULL || (count <= OPEN_MAX && bytes <= cache_bytes_max)) {
            return;
        }
        take_out(oldest);
    }
}

static void release(struct opened *opened)
{
    opened->users--;
    if (opened->gone && opened->users == 0) {
        dispose(opened);
    }
}

void hayi_h5_close_all(void)
{
    struct hayi_h5_guard guard;
    if (hayi_h5_enter(&guard, NULL) != HAY_OK) {
        return;
    }
    struct opened *next;
    for (struct opened *at = list; at != NULL; at = next) {
        next = at->next;
        if (at->users == 0) {
            take_out(at);
        }
    }
    hayi_h5_leave(&guard);
}

static hay_status says_no(const struct hayi_dataset *dataset,
                          struct hayi_error *err)
{
    char text[200];
    return hayi_fail(err,
                     HAY_EIO,
                     "cannot read %s in %s: %s",
                     hayi_dataset_name(dataset),
                     hayi_dataset_path(dataset),
                     hayi_h5_words(text, sizeof(text)));
}

static hay_status not_the_same(const struct hayi_dataset *dataset,
                               struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EIO,
                     "%s has been changed or replaced since it was opened",
                     hayi_dataset_path(dataset));
}

/* PACKED datasets are read from whatever file was made last. */
static bool differs(const struct hayi_dataset *dataset,
                    const struct opened *opened)
{
    return dataset->kind != HAYI_PACKED
           && (dataset->inode != opened->inode
               || dataset->file_bytes != opened->file_bytes
               || dataset->mtime_ns != opened->mtime_ns);
}

/* What an element is that was never written. */
static void find_fill(struct opened *opened)
{
    H5D_fill_value_t defined = H5D_FILL_VALUE_UNDEFINED;
    hid_t plist = H5Dget_create_plist(opened->dataset);
    if (H5Pfill_value_defined(plist, &defined) < 0
        || defined == H5D_FILL_VALUE_UNDEFINED
        || H5Pget_fill_value(plist, opened->type, opened->fill) < 0) {
        memset(opened->fill, 0, sizeof(opened->fill));
    }
    hayi_h5_close(plist);
}

static hay_status open_handles(const struct hayi_dataset *dataset,
                               struct opened *opened,
                               struct stat *st,
                               struct hayi_error *err)
{
    hay_status status = hayi_h5_open_file(opened->path, &opened->file, st, err);
    if (status != HAY_OK) {
        return status;
    }
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    (void)H5Pset_chunk_cache(
        access, CACHE_SLOTS, (size_t)opened->cache_bytes, 1.0);
    opened->dataset = H5Dopen2(opened->file, opened->name, access);
    hayi_h5_close(access);
    opened->type = hayi_h5_native((hay_dtype)dataset->dtype);
    if (opened->dataset < 0) {
        return says_no(dataset, err);
    }
    find_fill(opened);
    return HAY_OK;
}

static hay_status open_new(const struct hayi_dataset *dataset,
                           struct opened **given,
                           struct hayi_error *err)
{
    struct stat st = {0};
    struct opened *opened = calloc(1, sizeof(*opened));
    if (opened == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a dataset");
    }
    opened->path = strdup(hayi_dataset_path(dataset));
    opened->name = strdup(hayi_dataset_name(dataset));
    opened->cache_bytes = 1 << 20;
    uint64_t want = hayi_dataset_chunk_bytes(dataset) * CACHE_CHUNKS;
    if (dataset->kind == HAYI_LIBRARY && want > opened->cache_bytes) {
        opened->cache_bytes = want;
    }
    hay_status status = HAY_OK;
    if (opened->path == NULL || opened->name == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a dataset");
    } else {
        make_room(opened->cache_bytes);
        status = open_handles(dataset, opened, &st, err);
    }
    opened->inode = (uint64_t)st.st_ino;
    opened->file_bytes = (uint64_t)st.st_size;
    opened->mtime_ns = hayi_dataset_mtime_ns(&st);
    if (status == HAY_OK && differs(dataset, opened)) {
        status = not_the_same(dataset, err);
    }
    if (status != HAY_OK) {
        dispose(opened);
        return status;
    }
    opened->next = list;
    list = opened;
    *given = opened;
    return HAY_OK;
}

/* The dataset, open; release() it.  What the cache has of another file of this
 * name is taken out. */
static hay_status acquire(const struct hayi_dataset *dataset,
                          struct opened **given,
                          struct hayi_error *err)
{
    struct stat st;
    const char *path = hayi_dataset_path(dataset);
    const char *name = hayi_dataset_name(dataset);
    bool there = stat(path, &st) == 0;
    struct opened *found = NULL;
    struct opened *next;
    for (struct opened *at = list; at != NULL; at = next) {
        next = at->next;
        if (strcmp(at->path, path) != 0) {
            continue;
        }
        if (!there || at->inode != (uint64_t)st.st_ino
            || at->file_bytes != (uint64_t)st.st_size
            || at->mtime_ns != hayi_dataset_mtime_ns(&st)) {
            take_out(at);
        } else if (strcmp(at->name, name) == 0) {
            found = at;
        }
    }
    if (found != NULL && differs(dataset, found)) {
        return not_the_same(dataset, err);
    }
    if (found == NULL) {
        hay_status status = open_new(dataset, &found, err);
        if (status != HAY_OK) {
            return status;
        }
    }
    found->users++;
    found->stamp = ++stamps;
    *given = found;
    return HAY_OK;
}

/* ---- reading by the library --------------------------------------------- */

static hay_status read_by_library(const struct hayi_dataset *dataset,
                                  struct opened *opened,
                                  const hay_region *region,
                                  void *out,
                                  struct hayi_error *err)
{
    hsize_t start[HAY_NDIM_MAX];
    hsize_t count[HAY_NDIM_MAX];
    for (uint32_t d = 0; d < region->ndim; d++) {
        start[d] = region->start[d];
        count[d] = region->count[d];
    }
    hid_t space = H5Dget_space(opened->dataset);
    hid_t memory = H5Screate_simple((int)region->ndim, count, NULL);
    bool scalar = H5Sget_simple_extent_type(space) == H5S_SCALAR;
    hay_status status = HAY_OK;
    if ((!scalar
         && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL)
                < 0)
        || H5Dread(
               opened->dataset, opened->type, memory, space, H5P_DEFAULT, out)
               < 0) {
        status = says_no(dataset, err);
    }
    hayi_h5_close(memory);
    hayi_h5_close(space);
    return status;
}

/* ---- reading packed chunks ---------------------------------------------- */

/* A chunk as it is stored; bytes NULL: it was never written. */
struct stored {
    void *bytes;
    size_t size_bytes;
    uint32_t mask;
};

static hay_status load(const struct hayi_dataset *dataset,
                       struct opened *opened,
                       const hay_region *box,
                       struct stored *stored,
                       struct hayi_error *err)
{
    hsize_t start[HAY_NDIM_MAX];
    hsize_t size = 0;
    struct hayi_h5_guard guard;
    *stored = (struct stored){.bytes = NULL};
    for (uint32_t d = 0; d < box->ndim; d++) {
        start[d] = box->start[d];
    }
    hay_status status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    /* A chunk that is not there is an error for some versions. */
    if (H5Dget_chunk_storage_size(opened->dataset, start, &size) < 0) {
        size = 0;
    }
    if (size > opened->file_bytes) {
        status = hayi_fail(err,
                           HAY_EIO,
                           "a chunk of %s in %s is damaged",
                           hayi_dataset_name(dataset),
                           hayi_dataset_path(dataset));
    } else if (size > 0) {
        stored->bytes = malloc((size_t)size);
        stored->size_bytes = (size_t)size;
        if (stored->bytes == NULL) {
            status = hayi_fail(err, HAY_ENOMEM, "out of memory for a chunk");
        } else if (H5Dread_chunk(opened->dataset,
                                 H5P_DEFAULT,
                                 start,
                                 &stored->mask,
                                 stored->bytes)
                   < 0) {
            status = says_no(dataset, err);
        }
    }
    hayi_h5_leave(&guard);
    if (status != HAY_OK) {
        free(stored->bytes);
    }
    return status;
}

static void fill_in(const struct opened *opened,
                    unsigned char *target,
                    uint64_t count,
                    size_t element_bytes)
{
    for (uint64_t i = 0; i < count; i++) {
        memcpy(target + i * element_bytes, opened->fill, element_bytes);
    }
}

/* The part of one chunk that the region wants. */
static hay_status read_chunk(const struct hayi_dataset *dataset,
                             struct opened *opened,
                             const struct hayi_grid *grid,
                             uint64_t index,
                             const hay_region *region,
                             void *out,
                             struct hayi_error *err)
{
    hay_region box;
    hay_region inside;
    hay_region common;
    struct stored stored;
    size_t element = hayi_dataset_element_bytes(dataset);
    hayi_grid_box(grid, index, &box);
    hayi_grid_region(grid, index, &inside);
    if (!hayi_region_intersect(&inside, region, &common)) {
        return HAY_OK;
    }
    hay_status status = load(dataset, opened, &box, &stored, err);
    if (status != HAY_OK) {
        return status;
    }
    uint64_t count = hayi_region_count(&box);
    size_t size = (size_t)count * element;
    bool direct = hayi_region_equal(&box, region);
    void *whole = direct ? out : malloc(size);
    if (whole == NULL) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a chunk");
    } else if (stored.bytes == NULL) {
        fill_in(opened, whole, count, element);
    } else {
        status = hayi_filters_unpack(&dataset->filters,
                                     element,
                                     stored.mask,
                                     stored.bytes,
                                     stored.size_bytes,
                                     whole,
                                     size,
                                     err);
        if (status == HAY_EIO) {
            status = hayi_fail(err,
                               HAY_EIO,
                               "chunk %" PRIu64 " of %s in %s is damaged",
                               index,
                               hayi_dataset_name(dataset),
                               hayi_dataset_path(dataset));
        }
    }
    if (status == HAY_OK && !direct) {
        hayi_region_copy(out, region, whole, &box, &common, element);
    }
    if (!direct) {
        free(whole);
    }
    free(stored.bytes);
    return status;
}

hay_status hayi_h5_read(const struct hayi_dataset *dataset,
                        const hay_region *region,
                        void *out,
                        struct hayi_error *err)
{
    struct hayi_h5_guard guard;
    struct opened *opened = NULL;
    if (!hayi_region_inside(region, dataset->ndim, dataset->shape)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "the region is not inside %s",
                         hayi_dataset_name(dataset));
    }
    if (hayi_region_count(region) == 0) {
        return HAY_OK;
    }
    hay_status status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    status = acquire(dataset, &opened, err);
    if (status == HAY_OK && dataset->kind == HAYI_LIBRARY) {
        status = read_by_library(dataset, opened, region, out, err);
        release(opened);
        opened = NULL;
    }
    hayi_h5_leave(&guard);
    if (status != HAY_OK || opened == NULL) {
        return status;
    }
    struct hayi_grid grid;
    struct hayi_chunks walk;
    uint64_t index;
    hayi_dataset_grid(dataset, &grid);
    hayi_chunks_begin(&walk, &grid, region);
    while (status == HAY_OK && hayi_chunks_next(&walk, &index)) {
        status = read_chunk(dataset, opened, &grid, index, region, out, err);
    }
    if (hayi_h5_enter(&guard, NULL) == HAY_OK) {
        release(opened);
        hayi_h5_leave(&guard);
    }
    return status;
}
