/* h5store_inside.h - what the files of h5store.c share.
 *
 * Owns: the mutex around HDF5 (in h5store.c).
 * Never: used by others.
 * Threads: what needs hayi_h5_enter() first says so.
 */
#ifndef HAYI_DATA_H5STORE_INSIDE_H
#define HAYI_DATA_H5STORE_INSIDE_H

#include "data/h5store.h"

#include <hdf5.h>
#include <sys/stat.h>

/* Object handles of HDF5's; 0 is none. */
struct hayi_h5_guard {
    H5E_auto2_t print;
    void *print_data;
    bool quiet; /* must be given back */
};

/* "HAYFORK1": the first word of NAME.meta. */
#define HAYI_H5_META_MAGIC UINT64_C(0x484159464f524b31)

enum {
    HAYI_H5_VERSION = 1, /* of records and meta */
    HAYI_RECORD_WORDS = HAYI_RECORD_BYTES / 8,
    HAYI_H5_LINK_MAX = HAYI_DATASET_NAME_MAX + 16,
};

/* The version is right, the mutex is ours, HDF5 is quiet; hayi_h5_leave().
 * HAY_EMISMATCH: nothing is to be left. */
hay_status hayi_h5_enter(struct hayi_h5_guard *guard, struct hayi_error *err);
void hayi_h5_leave(struct hayi_h5_guard *guard);

/* What HDF5 itself said last, in this thread, about what went wrong deepest
 * inside.  Entered. */
const char *hayi_h5_words(char *text, size_t size);

/* Close what is greater than 0; any kind of handle.  Entered. */
void hayi_h5_close(hid_t handle);

/* A file to be read; 'st' as it is now.  Entered.  HAY_EIO with words. */
hay_status hayi_h5_open_file(const char *path,
                             hid_t *file,
                             struct stat *st,
                             struct hayi_error *err);
/* Access for a file of which we are the only user.  Entered. */
hid_t hayi_h5_access(bool newest);

hid_t hayi_h5_native(hay_dtype dtype);
/* Does the link exist, with all groups on the way?  Entered. */
bool hayi_h5_link_there(hid_t file, const char *name);

/* The whole path of a file that may not be there yet, and its folder, by
 * realpath.  path[HAYI_DATASET_PATH_MAX + 1].  HAY_EIO with words: no such
 * folder. */
hay_status
hayi_h5_whole_path(const char *given, char *path, struct hayi_error *err);
/* FILE.part, for FILE of hayi_h5_whole_path(); given, free(). */
char *hayi_h5_part_of(const char *path, const char *ending);
/* FILE.part is on disk ('sync') and becomes FILE; removed on failure. */
hay_status hayi_h5_publish(const char *part,
                           const char *path,
                           bool sync,
                           struct hayi_error *err);

/* ---- h5store_site.c: entered, where not said otherwise ------------------- */

enum { HAYI_H5_METADATA_BYTES = 64 << 10 }; /* of a small file, enough */

/* A file under construction; handles are greater than 0. */
struct hayi_h5_site {
    const char *path; /* as users know it, for errors */
    const char *part;
    uint64_t need_bytes; /* of the whole, an estimate that is large enough */
    uint64_t metadata_bytes; /* of what HDF5 will write of it itself */
    hid_t file;
};

/* What HDF5 could not make, in words. */
hay_status hayi_h5_site_failed(const struct hayi_h5_site *site,
                               const char *what,
                               struct hayi_error *err);
/* Not entered.  Is there room for 'bytes' beside 'path'?  HDF5 does not like a
 * disk that becomes full. */
hay_status hayi_h5_site_look_for_room(const char *path,
                                      uint64_t bytes,
                                      struct hayi_error *err);
/* Not entered.  Can FILE.part, which is there, grow so far?  It has 'allocated'
 * bytes on disk then. */
hay_status hayi_h5_site_grow(const struct hayi_h5_site *site,
                             uint64_t size_bytes,
                             uint64_t allocated,
                             struct hayi_error *err);
/* Not entered.  After the end: every byte of the file on disk, so that no later
 * write can fail. */
hay_status hayi_h5_site_allocate(const struct hayi_h5_site *site,
                                 struct stat *st,
                                 struct hayi_error *err);
/* HDF5 cannot give up a file that it cannot write, and crashes at the exit of
 * the program: whether it can is tried before. */
hay_status hayi_h5_site_start(struct hayi_h5_site *site,
                              struct hayi_error *err);
hay_status hayi_h5_site_end(struct hayi_h5_site *site, struct hayi_error *err);
/* The groups that 'name' goes through. */
hay_status hayi_h5_site_groups(const struct hayi_h5_site *site,
                               const char *name,
                               struct hayi_error *err);
/* A contiguous dataset that is allocated and not filled; its address, 0 if it
 * has no bytes. */
hay_status hayi_h5_site_contiguous(const struct hayi_h5_site *site,
                                   const char *name,
                                   hid_t type,
                                   hid_t space,
                                   uint64_t *address,
                                   struct hayi_error *err);
/* Texts of so many bytes; close it. */
hid_t hayi_h5_text_type(size_t size);
/* Properties that keep no times. */
hid_t hayi_h5_without_times(hid_t class);
bool hayi_h5_name_fits(const char *name);

#endif
