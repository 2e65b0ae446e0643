/* kept.h - results that are too large for the journal, as files of the run
 * folder: results/TASK.ATTEMPT.
 *
 * A file is a head, the value as it is in a result, with places of objects for
 * their bytes, and these bytes.  The journal has its size and hash: what is not
 * that is not used.
 *
 * Owns: the files of results/.
 * Never: syncs: after a power failure what is not whole is made again.
 * Threads: any; may block on the disk.
 */
#ifndef HAYI_DATA_KEPT_H
#define HAYI_DATA_KEPT_H

#include "base/buffer.h"
#include "base/error.h"
#include "data/store.h"
#include "wire/record.h"

struct hayi_kept_name {
    const char *folder; /* the run's; borrowed */
    uint64_t task;
    uint32_t attempt;
};

/* value[size]: its objects are sealed and lie in 'store' (NULL: it has none).
 * kept: what the journal is to have.  HAY_EIO, HAY_EEMPTY (an object is not
 * here) with words; nothing is left then. */
hay_status hayi_kept_write(const struct hayi_kept_name *name,
                           const void *value,
                           size_t size,
                           struct hayi_store *store,
                           struct hayi_kept *kept,
                           struct hayi_error *err);
/* Is there a file of this size? */
bool hayi_kept_is_there(const struct hayi_kept_name *name,
                        const struct hayi_kept *kept);
/* Reads it back.  value: appended to; its objects (*count) are made in 'store',
 * sealed, and have no numbers yet.  HAY_EIO: it is not there, or not what was
 * written, or there is no room; HAY_ENOMEM; with words, and nothing is made. */
hay_status hayi_kept_read(const struct hayi_kept_name *name,
                          const struct hayi_kept *kept,
                          struct hayi_store *store,
                          struct hayi_buffer *value,
                          uint32_t *count,
                          struct hayi_error *err);

#endif
