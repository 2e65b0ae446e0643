/* dataset.h - what a process must know to read or write an array, without
 * asking anybody: one flat blob, which goes through messages as it is.
 *
 * Rank 0 makes it with hayi_h5_open() or hayi_h5_create(), everybody uses it
 * with the functions of chunk_file.h.  What comes from outside goes through
 * hayi_dataset_check() first.
 *
 * Owns: the memory of what hayi_dataset_new() makes.
 * Never: opens a file.
 * Threads: any; a dataset does not change once it is made.
 */
#ifndef HAYI_DATA_DATASET_H
#define HAYI_DATA_DATASET_H

#include "data/filter.h"
#include "data/shape.h"

#include <sys/stat.h>

enum {
    HAYI_DATASET_ADDRESSES_MAX = 5000, /* chunks whose addresses are listed */
    HAYI_DATASET_PATH_MAX = 4095,      /* bytes without the 0 */
    HAYI_DATASET_NAME_MAX = 1023,      /* bytes without the 0 */
    HAYI_RECORD_BYTES = 32, /* a chunk's record: uint64 state, bytes, hash, 0 */
};

/* Words of NAME.meta, see h5store.h. */
enum {
    HAYI_META_MAGIC = 0,
    HAYI_META_VERSION = 1,
    HAYI_META_COMPLETE = 2,
    HAYI_META_HASH = 3,
    HAYI_META_CHUNKS = 4,
    HAYI_META_CHUNK_BYTES = 5,
    HAYI_META_WORDS = 8,
};

/* How the elements are reached. */
enum hayi_dataset_kind {
    HAYI_CONTIGUOUS = 1, /* one run of the file, row-major, at data_base */
    HAYI_CHUNKED = 2,    /* chunk i at data_base + i * chunk bytes, or, if there
                            are any, at the address listed for it */
    HAYI_RAW = 3,        /* HDF5 finds the chunk, we unpack it */
    HAYI_LIBRARY = 4,    /* HDF5 does everything */
    HAYI_MEMORY = 5,     /* no file: the chunks are objects */
    HAYI_PACKED = 6,     /* output: chunks are packed into segment files beside
                            the file, which is made from them */
};

/* When what was written has reached the disk. */
enum hayi_sync {
    HAYI_SYNC_END = 0,   /* by hayi_dataset_complete() */
    HAYI_SYNC_NONE = 1,  /* when the system likes */
    HAYI_SYNC_CHUNK = 2, /* each chunk, before it is marked done */
};

/* All numbers in the byte order of the machine.  Read only. */
struct hayi_dataset {
    uint32_t magic;
    uint32_t size_bytes;         /* of the whole blob, a multiple of 8 */
    uint8_t kind;                /* enum hayi_dataset_kind */
    uint8_t dtype;               /* hay_dtype, as it is delivered */
    uint8_t ndim;                /* 1 .. HAY_NDIM_MAX */
    uint8_t sync;                /* enum hayi_sync */
    struct hayi_filters filters; /* RAW and PACKED */
    uint8_t ours;      /* 1: this run writes it (MEMORY, created, resumed) */
    uint8_t hash_kind; /* of the records; 0: there are none */
    uint32_t path_at;  /* from the start of the blob; text with a 0 */
    uint32_t name_at;
    uint32_t address_at;
    uint32_t address_count;       /* 0, or the number of chunks */
    uint64_t shape[HAY_NDIM_MAX]; /* 0 beyond ndim, as in chunk[] */
    /* CONTIGUOUS, and LIBRARY without chunks: good pieces to work on.  Never
     * 0. */
    uint64_t chunk[HAY_NDIM_MAX];
    uint64_t data_base;   /* bytes from the start of the file */
    uint64_t record_base; /* 0: no records */
    uint64_t meta_base;
    /* The file when it was looked at: what is read must be the same.  PACKED:
     * of FILE.parts/head.h5. */
    uint64_t inode;
    uint64_t file_bytes;
    uint64_t mtime_ns;
};

/* A blob from the fixed part 'head' (magic, sizes and ..._at are filled in)
 * and its texts; all copied.  path, name: may be NULL, which is "".
 * addresses[head->address_count].  dataset: given, hayi_dataset_free().
 * HAY_ENOMEM; HAY_EINVAL as hayi_dataset_check(). */
hay_status hayi_dataset_new(const struct hayi_dataset *head,
                            const char *path,
                            const char *name,
                            const uint64_t *addresses,
                            struct hayi_dataset **dataset,
                            struct hayi_error *err);
/* An array in memory: chunks are objects.  chunk: NULL: of our choice. */
hay_status hayi_dataset_new_memory(hay_dtype dtype,
                                   uint32_t ndim,
                                   const uint64_t *shape,
                                   const uint64_t *chunk,
                                   struct hayi_dataset **dataset,
                                   struct hayi_error *err);
/* NULL is fine. */
void hayi_dataset_free(struct hayi_dataset *dataset);

/* Bytes from outside: HAY_OK means that they may be used as a dataset, every
 * number and text in it holds.  data: aligned to 8 bytes.  HAY_EINVAL with
 * words. */
hay_status
hayi_dataset_check(const void *data, size_t size_bytes, struct hayi_error *err);

/* "" for arrays in memory. */
const char *hayi_dataset_path(const struct hayi_dataset *dataset);
const char *hayi_dataset_name(const struct hayi_dataset *dataset);
size_t hayi_dataset_element_bytes(const struct hayi_dataset *dataset);
void hayi_dataset_grid(const struct hayi_dataset *dataset,
                       struct hayi_grid *grid);
/* Of a whole chunk. */
uint64_t hayi_dataset_chunk_bytes(const struct hayi_dataset *dataset);
/* CHUNKED: where chunk 'index' lies in the file. */
uint64_t hayi_dataset_chunk_at(const struct hayi_dataset *dataset,
                               uint64_t index);
/* What mtime_ns says of a file that looks like this. */
uint64_t hayi_dataset_mtime_ns(const struct stat *st);
/* Can chunks be written with hayi_dataset_write_chunk()? */
bool hayi_dataset_writable(const struct hayi_dataset *dataset);

#endif
