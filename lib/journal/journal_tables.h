/* journal_tables.h - records of a journal as rows of SQLite tables.
 *
 * Owns: the database file; it is made anew.
 * Never: locks it, or waits for another who has it open: nobody has.
 * Threads: one at a time.
 */
#ifndef HAYI_JOURNAL_JOURNAL_TABLES_H
#define HAYI_JOURNAL_JOURNAL_TABLES_H

#include "journal/journal_log.h"

/* Of the tables; raised when a reader of an older one would be wrong.  Columns
 * and tables may be added. */
enum { HAYI_JOURNAL_SCHEMA = 1 };

struct hayi_journal_tables;

/* What is at 'path' is gone on with if it was made from the journal with this
 * mark and not read further than 'whole'; else removed.
 * mark: of the journal, see hayi_journal_scan_mark().
 * from: where in the journal to go on.  HAY_EIO, HAY_ENOMEM, with words. */
hay_status hayi_journal_tables_open(const char *path,
                                    uint64_t mark,
                                    uint64_t whole,
                                    uint64_t *from,
                                    struct hayi_journal_tables **tables,
                                    struct hayi_error *err);
/* Rows are added between begin and commit.  whole: how far the journal has been
 * read.  HAY_EIO with words: nothing more can be done but close. */
hay_status hayi_journal_tables_begin(struct hayi_journal_tables *tables,
                                     struct hayi_error *err);
hay_status hayi_journal_tables_add(struct hayi_journal_tables *tables,
                                   const struct hayi_journal_record *record,
                                   struct hayi_error *err);
hay_status hayi_journal_tables_commit(struct hayi_journal_tables *tables,
                                      uint64_t whole,
                                      struct hayi_error *err);
/* NULL is fine.  HAY_EIO with words. */
hay_status hayi_journal_tables_close(struct hayi_journal_tables *tables,
                                     struct hayi_error *err);

#endif
