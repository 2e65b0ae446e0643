/* h5store_results.c - files of results: contiguous datasets, allocated early,
 * which others write at their addresses. */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ITEM_BYTES = 8 << 10,     /* of an item, with what aligns it */
    METADATA_BYTES = 1 << 10, /* of that what HDF5 writes */
};

/* ---- files of results --------------------------------------------------- */

static hay_status make_item(const struct hayi_h5_site *site,
                            struct hayi_h5_item *item,
                            struct hayi_error *err)
{
    hsize_t dims[HAY_NDIM_MAX];
    size_t element = hay_dtype_size(item->dtype);
    uint64_t count = 1;
    uint64_t bytes = item->ndim == 0 ? element : 0;
    if (!hayi_h5_name_fits(item->name) || element == 0
        || (item->ndim != 0
            && !hayi_shape_count(item->ndim, item->shape, element, &count))
        || (item->text && item->ndim != 1)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "no name, type or shape of a result in %s",
                         site->path);
    }
    if (hayi_h5_link_there(site->file, item->name)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "two results in %s have the name %s",
                         site->path,
                         item->name);
    }
    hay_status status = hayi_h5_site_groups(site, item->name, err);
    if (status != HAY_OK) {
        return status;
    }
    for (uint32_t d = 0; d < item->ndim; d++) {
        dims[d] = item->shape[d];
    }
    bytes = item->ndim == 0 ? bytes : count * element;
    hid_t own = item->text ? hayi_h5_text_type((size_t)count) : 0;
    hid_t space = item->text || item->ndim == 0
                      ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple((int)item->ndim, dims, NULL);
    status =
        hayi_h5_site_contiguous(site,
                                item->name,
                                item->text ? own : hayi_h5_native(item->dtype),
                                space,
                                &item->address,
                                err);
    if (bytes == 0) {
        item->address = 0;
    }
    hayi_h5_close(space);
    hayi_h5_close(own);
    return status;
}

hay_status hayi_h5_layout(const char *path,
                          struct hayi_h5_item *items,
                          size_t item_count,
                          struct hayi_error *err)
{
    char whole[HAYI_DATASET_PATH_MAX + 1];
    uint64_t need = HAYI_H5_METADATA_BYTES;
    hay_status status = hayi_h5_whole_path(path, whole, err);
    if (status != HAY_OK) {
        return status;
    }
    for (size_t i = 0; i < item_count; i++) {
        uint64_t count = 0;
        size_t element = hay_dtype_size(items[i].dtype);
        (void)hayi_shape_count(items[i].ndim, items[i].shape, element, &count);
        need += count * element + ITEM_BYTES;
    }
    status = hayi_h5_site_look_for_room(whole, need, err);
    if (status != HAY_OK) {
        return status;
    }
    char *part = hayi_h5_part_of(whole, ".part");
    struct hayi_h5_site site = {
        .path = whole,
        .part = part,
        .need_bytes = need,
        .metadata_bytes = HAYI_H5_METADATA_BYTES + item_count * METADATA_BYTES,
    };
    struct hayi_h5_guard guard;
    if (part == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    }
    status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        free(part);
        return status;
    }
    status = hayi_h5_site_start(&site, err);
    for (size_t i = 0; status == HAY_OK && i < item_count; i++) {
        status = make_item(&site, &items[i], err);
    }
    if (status == HAY_OK) {
        status = hayi_h5_site_end(&site, err);
    }
    hayi_h5_close(site.file);
    hayi_h5_leave(&guard);
    struct stat st;
    if (status == HAY_OK) {
        status = hayi_h5_site_allocate(&site, &st, err);
    }
    if (status != HAY_OK) {
        (void)unlink(part);
    }
    free(part);
    return status;
}

hay_status
hayi_h5_finish(const char *path, enum hayi_sync sync, struct hayi_error *err)
{
    char whole[HAYI_DATASET_PATH_MAX + 1];
    hay_status status = hayi_h5_whole_path(path, whole, err);
    if (status != HAY_OK) {
        return status;
    }
    char *part = hayi_h5_part_of(whole, ".part");
    if (part == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
    }
    status = hayi_h5_publish(part, whole, sync != HAYI_SYNC_NONE, err);
    free(part);
    return status;
}

void hayi_h5_abandon(const char *path)
{
    char whole[HAYI_DATASET_PATH_MAX + 1];
    if (hayi_h5_whole_path(path, whole, NULL) == HAY_OK) {
        char *part = hayi_h5_part_of(whole, ".part");
        if (part != NULL) {
            (void)unlink(part);
        }
        free(part);
    }
}
