/* h5_files.h - for tests of arrays in files: places for files, numbers that can
 * be told from each other, datasets made by HDF5 itself.
 *
 * Owns: nothing.
 * Never: uses what it helps to test.
 * Threads: one.
 */
#ifndef HAYFORK_TESTS_UNIT_DATA_H5_FILES_H
#define HAYFORK_TESTS_UNIT_DATA_H5_FILES_H

#include "data/shape.h"

#include <hdf5.h>

/* A path for 'name' in the test's folder; the text lives until the 16th next
 * call. */
const char *h5_path(const char *name);

/* 'count' numbers of this type; given.  first: what they begin with. */
void *h5_numbers(hay_dtype dtype, uint64_t count, uint64_t first);

hid_t h5_native(hay_dtype dtype);

/* A dataset with all numbers of its shape (h5_numbers(dtype, .., 1)) in a new
 * file, or in one that is there.  type: as stored; plist, access of the file:
 * may be H5P_DEFAULT. */
struct h5_make {
    const char *path;
    const char *name;
    hay_dtype dtype;
    hid_t type;
    uint32_t ndim;
    uint64_t shape[HAY_NDIM_MAX];
    hid_t plist;
    hid_t creation;
    hid_t access;
    bool add;       /* to a file that is there */
    bool unlimited; /* along the first dimension */
    bool unwritten;
};
void h5_make(const struct h5_make *make);

/* Random numbers, the same in each run. */
void h5_seed(uint64_t seed);
uint64_t h5_dice(uint64_t sides);
void h5_random_region(uint32_t ndim, const uint64_t *shape, hay_region *region);

/* A whole small file; given, size in '*size'; NULL: none. */
void *h5_slurp(const char *path, size_t *size);

#endif
