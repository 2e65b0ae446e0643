/* journal_face.h - run.db: a journal as tables of SQLite, for readers.
 *
 * It is made from journal.log, in a file of its own that nobody else opens
 * (run.db.work), and shown by a copy that is renamed to run.db: at first after
 * a second, then the more seldom the longer a copy takes.  So readers need no
 * locks, and see a whole state that may be some seconds old; at the end of the
 * run it is complete.  man/hayfork-journal.5 describes the tables.
 *
 * Owns: run.db, run.db.work, run.db.new, a thread of the lowest priority.
 * Never: changes the journal, or holds a run up but at its end.
 * Threads: open and close from one; it reads as far as it is told from any.
 */
#ifndef HAYI_JOURNAL_JOURNAL_FACE_H
#define HAYI_JOURNAL_JOURNAL_FACE_H

#include "base/error.h"

#include <stdatomic.h>

struct hayi_journal_face;

/* folder: copied, with its journal.log.  durable: borrowed; how far to read.
 * HAY_ENOMEM; HAY_EIO with words. */
hay_status hayi_journal_face_open(const char *folder,
                                  const atomic_uint_fast64_t *durable,
                                  struct hayi_journal_face **face,
                                  struct hayi_error *err);
/* Completes run.db.  HAY_EIO with words: it could not be written, and is as old
 * as its last copy.  NULL is fine. */
hay_status hayi_journal_face_close(struct hayi_journal_face *face,
                                   struct hayi_error *err);

#endif
