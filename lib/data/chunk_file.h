/* chunk_file.h - reading and writing arrays that lie in files, by any process
 * and any number of threads, mostly without HDF5.
 *
 * A chunk is written whole, then its record says that it is done, with a hash:
 * after a crash a chunk marked done is right.  Two processes must not write one
 * chunk at the same time.
 *
 * Owns: open files, the least recently used are closed.
 * Never: calls HDF5 itself, keeps a lock while it reads or writes elements.
 * Threads: any; may block on the disk.
 */
#ifndef HAYI_DATA_CHUNK_FILE_H
#define HAYI_DATA_CHUNK_FILE_H

#include "data/dataset.h"

enum { HAYI_FILES_MAX = 64 }; /* open at the same time, unless in use */

struct hayi_files;

/* The open files of a process.  HAY_ENOMEM. */
hay_status hayi_files_new(struct hayi_files **files, struct hayi_error *err);
/* NULL is fine.  Nobody uses it any more. */
void hayi_files_free(struct hayi_files *files);

/* The elements of 'region', row-major, to 'out' (borrowed).  Any kind but
 * MEMORY; of PACKED arrays chunks that are not yet done are HAY_EEMPTY.
 * HAY_EINVAL (region); HAY_EIO with words: cannot be read, or is not the file
 * any more that was opened. */
hay_status hayi_dataset_read(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             const hay_region *region,
                             void *out,
                             struct hayi_error *err);

/* ---- zero copy ---------------------------------------------------------- */

struct hayi_mapping {
    void *base;
    size_t size_bytes;
};

/* A pointer to the elements of 'region' in the file, read only, valid until
 * hayi_mapping_fini(); the pages are brought in as they are touched.
 * HAY_EUNSUPPORTED without words: not one run of a file (or not aligned to an
 * element), use hayi_dataset_read(); other errors as there. */
hay_status hayi_dataset_map(struct hayi_files *files,
                            const struct hayi_dataset *dataset,
                            const hay_region *region,
                            const void **data,
                            struct hayi_mapping *mapping,
                            struct hayi_error *err);
void hayi_mapping_fini(struct hayi_mapping *mapping);

/* ---- writing ------------------------------------------------------------ */

/* Chunk 'index' is done: its bytes, then its record.  data (borrowed): the
 * elements of hayi_grid_region(), or the whole box of hayi_grid_box(), as
 * size_bytes says; what lies outside the array is written as 0.  A chunk may be
 * written again, with the same bytes or others.  HAY_EINVAL: no such chunk,
 * other size, not a dataset of ours; HAY_EIO with words (disk full). */
hay_status hayi_dataset_write_chunk(struct hayi_files *files,
                                    const struct hayi_dataset *dataset,
                                    uint64_t index,
                                    const void *data,
                                    size_t size_bytes,
                                    struct hayi_error *err);
/* Which chunks are done: bit index % 8 of done[index / 8]; done has room for
 * all chunks.  verify: read them and compare the hashes; those that differ are
 * not done.  MEMORY: none. */
hay_status hayi_dataset_done(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             bool verify,
                             uint8_t *done,
                             uint64_t *done_count,
                             struct hayi_error *err);
/* What this process has written is on disk (unless HAYI_SYNC_NONE); each node
 * does it before hayi_dataset_complete(). */
hay_status hayi_dataset_sync(struct hayi_files *files,
                             const struct hayi_dataset *dataset,
                             struct hayi_error *err);
/* All chunks are done, and the file says so; PACKED: the file is made, as by
 * hayi_h5_pack(last).  HAY_EINVAL with words: chunks are missing. */
hay_status hayi_dataset_complete(struct hayi_files *files,
                                 const struct hayi_dataset *dataset,
                                 struct hayi_error *err);

/* Bytes to any place of a file that is there, such as FILE.part of
 * hayi_h5_layout(). */
hay_status hayi_files_write(struct hayi_files *files,
                            const char *path,
                            uint64_t offset,
                            const void *data,
                            size_t size_bytes,
                            struct hayi_error *err);

#endif
