/* open_files.h - the open files behind chunk_file.h, and plain reading and
 * writing of them.
 *
 * Owns: file descriptors; the least recently used are closed.
 * Never: used by others than chunk_file.c and chunk_write.c.
 * Threads: any; the lock is not kept while something is read or written.
 */
#ifndef HAYI_DATA_OPEN_FILES_H
#define HAYI_DATA_OPEN_FILES_H

#include "data/chunk_file.h"
#include "data/segments.h"

/* An open file. */
struct hayi_open_file {
    struct hayi_open_file *next;
    char *path;
    int fd;
    bool writable;
    uint64_t inode;
    uint64_t stamp; /* of its last use */
    unsigned users;
};

/* Packed chunks of one file. */
struct hayi_packed_file {
    struct hayi_packed_file *next;
    char *path;
    uint64_t inode; /* of FILE.parts/head.h5, with the time */
    uint64_t mtime_ns;
    bool sync;
    struct hayi_segments *segments;
    uint64_t stamp;
    unsigned users;
};

hay_status hayi_files_no_memory(struct hayi_error *err);

/* The file, open; hayi_files_release() it.  inode 0: whichever has this name
 * now. */
hay_status hayi_files_acquire(struct hayi_files *files,
                              const char *path,
                              uint64_t inode,
                              bool writable,
                              struct hayi_open_file **file,
                              struct hayi_error *err);
/* The dataset's file, if it is still the same. */
hay_status hayi_files_acquire_dataset(struct hayi_files *files,
                                      const struct hayi_dataset *dataset,
                                      struct hayi_open_file **file,
                                      struct hayi_error *err);
void hayi_files_release(struct hayi_files *files, struct hayi_open_file *file);

/* PACKED: what this process knows of its segments, if FILE.parts/ is still the
 * same; release it.  HAY_EIO with words. */
hay_status hayi_files_acquire_packed(struct hayi_files *files,
                                     const struct hayi_dataset *dataset,
                                     struct hayi_packed_file **packed,
                                     struct hayi_error *err);
void hayi_files_release_packed(struct hayi_files *files,
                               struct hayi_packed_file *packed);
/* A chunk that was packed, into 'whole'.  HAY_EEMPTY: not yet done. */
hay_status hayi_dataset_load_packed(struct hayi_segments *segments,
                                    const struct hayi_dataset *dataset,
                                    uint64_t index,
                                    void *whole,
                                    struct hayi_error *err);

/* All of it, or HAY_EIO with words. */
hay_status hayi_open_file_read(const struct hayi_open_file *file,
                               void *out,
                               size_t size_bytes,
                               uint64_t at,
                               struct hayi_error *err);
hay_status hayi_open_file_write(const struct hayi_open_file *file,
                                const void *data,
                                size_t size_bytes,
                                uint64_t at,
                                struct hayi_error *err);
/* To disk. */
hay_status hayi_open_file_flush(const struct hayi_open_file *file,
                                struct hayi_error *err);
/* Bytes begin .. end, read only; hayi_mapping_fini(). */
hay_status hayi_open_file_map(const struct hayi_open_file *file,
                              uint64_t begin,
                              uint64_t end,
                              struct hayi_mapping *mapping,
                              const char **data,
                              struct hayi_error *err);

#endif
