/* spill.h - a file on local disk without a name, for objects that have no room
 * in memory.
 *
 * Owns: the descriptors.
 * Never: knows which parts of the file are in use; puts a name into a folder
 *     for longer than a moment.
 * Threads: any, once it is made or opened.
 */
#ifndef HAYI_DATA_SPILL_H
#define HAYI_DATA_SPILL_H

#include "base/error.h"

enum { HAYI_SPILL_FOLDER_MAX = 4096 };

struct hayi_spill {
    int fd;
    int direct_fd; /* the same past the page cache; -1: cannot be had */
    uint64_t inode;
    uint64_t size_max; /* of a file of this process */
    char folder[HAYI_SPILL_FOLDER_MAX];
};

/* folder: copied.  HAY_EIO with words. */
hay_status hayi_spill_make(struct hayi_spill *spill,
                           const char *folder,
                           struct hayi_error *err);
/* The first of TMPDIR, /var/tmp, /tmp that takes a file, those on disk first.
 * HAY_EIO: none does. */
hay_status hayi_spill_make_usual(struct hayi_spill *spill,
                                 struct hayi_error *err);
/* That of another process.  folder: for words only. */
hay_status hayi_spill_open(struct hayi_spill *spill,
                           int32_t pid,
                           int32_t fd,
                           uint64_t inode,
                           const char *folder,
                           struct hayi_error *err);
void hayi_spill_close(struct hayi_spill *spill);

/* Room on the disk for these bytes, so that writing them through a mapping
 * cannot fail.  must_hold: even where the file system can only be asked by
 * writing.  HAY_EIO: the disk is full, with words. */
hay_status hayi_spill_reserve(struct hayi_spill *spill,
                              uint64_t offset,
                              uint64_t size_bytes,
                              bool must_hold,
                              struct hayi_error *err);
/* They are not needed any more: give the room back.  Best effort. */
void hayi_spill_release(struct hayi_spill *spill,
                        uint64_t offset,
                        uint64_t size_bytes);
/* data, offset: at multiples of a page; size_bytes: any, but all bytes up to
 * the next multiple of a page may be read, or written to.  HAY_EIO with words.
 */
hay_status hayi_spill_write(struct hayi_spill *spill,
                            uint64_t offset,
                            const void *data,
                            uint64_t size_bytes,
                            struct hayi_error *err);
hay_status hayi_spill_read(struct hayi_spill *spill,
                           uint64_t offset,
                           void *data,
                           uint64_t size_bytes,
                           struct hayi_error *err);

#endif
