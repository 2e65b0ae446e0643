/* segments.h - packed chunks on their way into a file: FILE.parts/, in which
 * each writer appends to segment files of its own.
 *
 * A segment is a row of records, each a head {magic, chunk, packed bytes,
 * bytes, hash of the chunk, hash of the packed bytes, 0, hash of the head},
 * uint64 each, and the packed bytes.  A record that was cut by a crash ends
 * what counts of its segment; nobody ever appends behind it, since a new
 * process makes new segments.  Of two records of a chunk either will do.
 *
 * Owns: the segments that this process writes; what it knows of all.
 * Never: packs or unpacks; calls HDF5.
 * Threads: any; several may append at the same time, to different segments.
 */
#ifndef HAYI_DATA_SEGMENTS_H
#define HAYI_DATA_SEGMENTS_H

#include "base/error.h"

struct hayi_segments;

/* FILE.parts/ and all that is in it; none is fine.  HAY_EIO. */
hay_status hayi_segments_remove(const char *path, struct hayi_error *err);
hay_status hayi_segments_make_folder(const char *path, struct hayi_error *err);
bool hayi_segments_there(const char *path);

/* Of FILE 'path' (copied) with so many chunks.  hash_kind: one that this build
 * has.  HAY_ENOMEM. */
hay_status hayi_segments_new(const char *path,
                             uint64_t chunk_count,
                             uint8_t hash_kind,
                             struct hayi_segments **segments,
                             struct hayi_error *err);
void hayi_segments_free(struct hayi_segments *segments);

/* A packed chunk.  sync: on disk before it returns.  HAY_EIO with words: the
 * folder is gone, the disk is full; nothing has been added. */
hay_status hayi_segments_append(struct hayi_segments *segments,
                                uint64_t chunk,
                                uint64_t chunk_bytes,
                                uint64_t chunk_hash,
                                const void *packed,
                                size_t packed_bytes,
                                bool sync,
                                struct hayi_error *err);
/* What this process has appended is on disk. */
hay_status hayi_segments_sync(struct hayi_segments *segments,
                              struct hayi_error *err);

struct hayi_packed {
    uint32_t segment;
    uint32_t packed_bytes;
    uint64_t at; /* of the packed bytes */
    uint64_t chunk_hash;
    uint64_t packed_hash;
};

/* Look for what all processes have appended meanwhile.  HAY_EIO, HAY_ENOMEM. */
hay_status hayi_segments_scan(struct hayi_segments *segments,
                              struct hayi_error *err);
/* Where a chunk is, as of the last scan; false: nowhere. */
bool hayi_segments_find(struct hayi_segments *segments,
                        uint64_t chunk,
                        struct hayi_packed *packed);
/* Its bytes.  data[packed->packed_bytes].  HAY_EIO with words: cannot be read,
 * or is damaged. */
hay_status hayi_segments_load(struct hayi_segments *segments,
                              const struct hayi_packed *packed,
                              void *data,
                              struct hayi_error *err);

#endif
