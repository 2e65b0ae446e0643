/* journal_again.h - tasks.tsv, output.tsv and files.tsv made again from a
 * journal: what they had and the journal has not never happened.
 *
 * Owns: the new files until they are in their places.
 * Never: changes the journal.
 * Threads: one at a time.
 */
#ifndef HAYI_JOURNAL_JOURNAL_AGAIN_H
#define HAYI_JOURNAL_JOURNAL_AGAIN_H

#include "journal/journal_read.h"
#include "observe/run_folder.h"

struct hayi_journal_again {
    const char *path; /* of the run folder; borrowed */
    struct hayi_run_folder *folder;
    struct hayi_error error; /* why it cannot be written */
};

void hayi_journal_again_init(struct hayi_journal_again *again,
                             const char *path);
/* A hayi_journal_visit_fn: context is the struct. */
void hayi_journal_again_visit(void *context,
                              const struct hayi_journal_table *table,
                              const struct hayi_journal_record *record,
                              uint64_t first_ns);
/* All was visited: the files take their places, and can be appended to.  Where
 * no record was visited they are made as for a new run.  folder: given.
 * HAY_EIO, HAY_ENOMEM with words. */
hay_status hayi_journal_again_end(struct hayi_journal_again *again,
                                  struct hayi_run_folder **folder,
                                  struct hayi_error *err);
/* Instead of the end. */
void hayi_journal_again_drop(struct hayi_journal_again *again);

#endif
