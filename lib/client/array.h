/* array.h - the inside of a chunked array's handle.
 *
 * A chunk is in one of these states: done in the file (a bit), written by a
 * task (its future), or neither: it was never computed.
 *
 * Owns: the dataset's description, as a blob that tasks refer to; the futures
 *     of the tasks that write chunks.
 * Never: keeps the mutex while it waits, submits, or touches a disk.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_ARRAY_H
#define HAYI_CLIENT_ARRAY_H

#include "client/future.h"
#include "data/chunk_file.h"

#include <pthread.h>

struct hay_dataset {
    /* set when it is made, then read only */
    hay_executor *ex;          /* counted */
    struct hayi_dataset *file; /* whatever its kind */
    struct hayi_grid grid;
    hay_future *blob; /* 'file' as bytes */

    /* any thread */
    atomic_uint refs;

    /* under the mutex */
    pthread_mutex_t mutex;
    bool making; /* the tasks of a map are being made */
    bool loose;  /* tasks of a map that was not made whole may be under way */
    hay_future *map;              /* the last one; counted; or NULL */
    hay_future **writers;         /* [grid.total], counted; NULL: no map yet */
    uint64_t block[HAY_NDIM_MAX]; /* chunks of one task of the last map */
    uint8_t *done;            /* bits; NULL: those of a file that is only read,
                                 or objects: their writers tell */
    struct hayi_files *files; /* made when first needed */
};

/* "FILE.h5:NAME" or "the array in memory". */
void hayi_array_label(const hay_dataset *dataset, char *text, size_t size);
bool hayi_array_in_memory(const hay_dataset *dataset);
/* A bit of dataset->done. */
bool hayi_array_is_done(const hay_dataset *dataset, uint64_t chunk);

/* With the mutex: finished writers of chunks in a file become bits. */
void hayi_array_settle(hay_dataset *dataset);
/* With the mutex: is one of its maps unfinished? */
bool hayi_array_busy(const hay_dataset *dataset);
/* Which of the results of its writer a chunk is: 0: all of it; or 1 + index.
 * Boxes of the last map are told by block[]. */
uint64_t hayi_array_part(const hay_dataset *dataset, uint64_t chunk);

/* The open files of this handle. */
hay_status hayi_array_files(hay_dataset *dataset,
                            struct hayi_files **files,
                            struct hayi_error *err);

#endif
