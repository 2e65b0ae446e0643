/* journal_file.h - journal.log as a file that grows by whole records.
 *
 * Owns: the descriptor.
 * Never: writes over a whole record; leaves part of one behind.
 * Threads: one at a time.
 */
#ifndef HAYI_JOURNAL_JOURNAL_FILE_H
#define HAYI_JOURNAL_JOURNAL_FILE_H

#include "journal/journal_log.h"

struct hayi_journal_file {
    char path[4096];
    int fd; /* -1: not open */
    uint64_t size;
    uint64_t reserved; /* blocks of the disk are ours up to there */
};

/* Its path in the folder.  HAY_EINVAL: too long. */
hay_status hayi_journal_file_name(struct hayi_journal_file *file,
                                  const char *folder,
                                  struct hayi_error *err);
/* Opens it and appends the start of an epoch, which is on the disk afterwards.
 * whole: where its last whole record ends, what is behind that is cut off; 0:
 * it is not there, or empty, and is made.
 * HAY_EIO, HAY_ENOMEM with words; then no whole record was touched. */
hay_status hayi_journal_file_begin(struct hayi_journal_file *file,
                                   uint64_t whole,
                                   uint32_t epoch,
                                   uint64_t wall_ns,
                                   struct hayi_error *err);
/* Records data[size], made for place 'at'.  done: bytes of whole records that
 * are durable now: all of them with HAY_OK.  HAY_EIO with words. */
hay_status hayi_journal_file_write(struct hayi_journal_file *file,
                                   uint64_t at,
                                   const void *data,
                                   size_t size,
                                   bool sync,
                                   size_t *done,
                                   struct hayi_error *err);
/* Gives back what was reserved.  Only while the folder is ours, and after a
 * write that succeeded. */
void hayi_journal_file_trim(struct hayi_journal_file *file);
void hayi_journal_file_close(struct hayi_journal_file *file);

#endif
