/* journal_scan.h - reads journal.log record by record, a window at a time.
 *
 * Owns: the descriptor, the window.
 * Never: writes; waits for a writer.
 * Threads: one at a time.
 */
#ifndef HAYI_JOURNAL_JOURNAL_SCAN_H
#define HAYI_JOURNAL_JOURNAL_SCAN_H

#include "journal/journal_log.h"

struct hayi_journal_scan {
    struct hayi_journal_cursor cursor;
    int fd;
    const char *path; /* borrowed */
    unsigned char *window;
    uint64_t file_size; /* where reading ends */
};

/* Statuses as hayi_journal_load(). */
hay_status hayi_journal_scan_open(struct hayi_journal_scan *scan,
                                  const char *path,
                                  struct hayi_error *err);
/* Read up to there from now on, where a record ends: it has been written
 * since. */
void hayi_journal_scan_extend(struct hayi_journal_scan *scan,
                              uint64_t file_size);
/* What tells this journal from all others; 0: it has no record. */
uint64_t hayi_journal_scan_mark(const struct hayi_journal_scan *scan);
/* Go on at this place, where a record ends. */
void hayi_journal_scan_seek(struct hayi_journal_scan *scan, uint64_t place);
/* The next whole record, until the next call.  HAY_OK; HAY_EEMPTY: there is no
 * more, without words; HAY_EIO with words. */
hay_status hayi_journal_scan_next(struct hayi_journal_scan *scan,
                                  struct hayi_journal_record *record,
                                  struct hayi_error *err);
void hayi_journal_scan_close(struct hayi_journal_scan *scan);

#endif
