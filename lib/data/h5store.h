/* h5store.h - HDF5: what a file holds, new files for arrays and results, and
 * the reading that needs the library.
 *
 * A new file is made under the name FILE.part, closed, and renamed: it can be
 * opened by anybody at any moment from then on, also after kill -9, since no
 * HDF5 writer exists any more; chunks are written with pwrite (chunk_file.h).
 * Beside an array NAME of ours lie NAME.chunks, uint64[chunks][4] {state (1:
 * done), bytes, hash, 0}, and NAME.meta, uint64[8] {magic, version, complete,
 * kind of hash (base/hash.h), chunks, bytes of a chunk, 0, 0}.  Readers are
 * those with HDF5 1.10 or later.  Equal contents are equal files.
 *
 * Owns: a mutex around every call of HDF5; a cache of open datasets.
 * Never: keeps a file open for writing; lets HDF5 print or abort; changes the
 *     error handling of a program that uses HDF5 itself.
 * Threads: any; may block on the disk and on the mutex.
 */
#ifndef HAYI_DATA_H5STORE_H
#define HAYI_DATA_H5STORE_H

#include "data/dataset.h"

/* Is the HDF5 that is loaded the one that this was built with?  HAY_EMISMATCH
 * with both versions.  Every other function here asks this first. */
hay_status hayi_h5_check_version(struct hayi_error *err);

/* A dataset that is there, to be read.  path, name: copied.  dataset: given.
 * Errors, with words that name file, dataset and cause: HAY_EIO (no such file,
 * no permission, not HDF5, truncated, open for writing), HAY_EINVAL (no such
 * dataset: those that are there are named), HAY_ETYPE (not numbers),
 * HAY_EUNSUPPORTED (more than HAY_NDIM_MAX dimensions, no dataspace). */
hay_status hayi_h5_open(const char *path,
                        const char *name,
                        struct hayi_dataset **dataset,
                        struct hayi_error *err);

/* ---- new arrays --------------------------------------------------------- */

struct hayi_h5_attribute {
    const char *name;
    const char *text; /* UTF-8; NULL: numbers */
    hay_dtype dtype;
    uint64_t count; /* 1: a scalar */
    const void *data;
};

enum hayi_h5_if_there {
    HAYI_H5_FAIL = 0,    /* HAY_EINVAL if there is such a file */
    HAYI_H5_REPLACE = 1, /* it is replaced, at once and as a whole */
    HAYI_H5_RESUME = 2,  /* it must be the same array of ours, and goes on; if
                            there is none a new one is made */
};

struct hayi_h5_plan {
    const char *path;
    const char *name; /* "a" or "/group/a" */
    hay_dtype dtype;
    uint32_t ndim;
    uint64_t shape[HAY_NDIM_MAX];
    uint64_t chunk[HAY_NDIM_MAX]; /* chunk[d] == 0: of our choice */
    const struct hayi_h5_attribute *attributes; /* may be NULL */
    size_t attribute_count;
    struct hayi_filters filters; /* any: kind PACKED, else CHUNKED */
    enum hayi_sync sync;
    enum hayi_h5_if_there if_there;
};

/* A file with one array, every byte of it allocated on disk (not PACKED: that
 * has FILE.parts/ until hayi_h5_pack(), and no FILE).  plan: borrowed.
 * dataset: given.  HAY_EINVAL (shape, chunk, name), HAY_EMISMATCH (resume: what
 * is there is another array), HAY_EIO (no folder, no permission, disk full).
 * On failure nothing new is left. */
hay_status hayi_h5_create(const struct hayi_h5_plan *plan,
                          struct hayi_dataset **dataset,
                          struct hayi_error *err);

/* PACKED: make FILE from the segments that are there by now; chunks that are
 * not yet done read as 0.  May be called again, also while others write.
 * last: all chunks must be done (HAY_EINVAL); FILE.parts/ is removed. */
hay_status hayi_h5_pack(const struct hayi_dataset *dataset,
                        bool last,
                        struct hayi_error *err);

/* ---- files of results --------------------------------------------------- */

struct hayi_h5_item {
    const char *name; /* "/group/name" or "name" */
    hay_dtype dtype;  /* HAY_U8 and text: a string of shape[0] bytes */
    bool text;
    uint32_t ndim; /* 0: a scalar */
    uint64_t shape[HAY_NDIM_MAX];
    uint64_t address; /* out: where its bytes go in FILE.part; 0: none */
};

/* FILE.part with room for all items, to be written at their addresses (any
 * process, hayi_files_write()), then hayi_h5_finish().  items[item_count]:
 * borrowed.  Errors as hayi_h5_create(); two items of one name: HAY_EINVAL. */
hay_status hayi_h5_layout(const char *path,
                          struct hayi_h5_item *items,
                          size_t item_count,
                          struct hayi_error *err);
/* FILE.part becomes FILE, after a sync unless HAYI_SYNC_NONE. */
hay_status
hayi_h5_finish(const char *path, enum hayi_sync sync, struct hayi_error *err);
/* FILE.part is removed, if there is one. */
void hayi_h5_abandon(const char *path);

/* ---- reading ------------------------------------------------------------ */

/* RAW and LIBRARY datasets: the elements of 'region', row-major, to 'out'.
 * What has to be unpacked is unpacked outside the mutex.  HAY_EIO (the file is
 * gone, damaged, or another one by now), HAY_EINVAL (region). */
hay_status hayi_h5_read(const struct hayi_dataset *dataset,
                        const hay_region *region,
                        void *out,
                        struct hayi_error *err);
/* Close all files of the cache that nobody reads at the moment. */
void hayi_h5_close_all(void);

#endif
