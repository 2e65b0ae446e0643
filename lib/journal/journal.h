/* journal.h - writes journal.log: what a run has done, so that it can go on
 * from there after whatever ends it.
 *
 * Records are copied into a buffer; a thread of its own writes them in groups,
 * and then tells how far the journal is durable.  A record's number is the
 * place of its end in the file: it is durable once 'durable' has reached it.
 * What fails (a full disk) is told once; what is durable then is all that ever
 * will be.
 *
 * Owns: journal.log, the thread, the run lock, the SQLite face.
 * Never: blocks whoever appends; overwrites or drops a whole record.
 * Threads: open, append, commit, close from one (the manager's); the rest from
 *     any.
 */
#ifndef HAYI_JOURNAL_JOURNAL_H
#define HAYI_JOURNAL_JOURNAL_H

#include "base/bell.h"
#include "journal/journal_read.h"

struct hayi_journal;

struct hayi_journal_options {
    struct hayi_bell *bell; /* borrowed; rung when more is durable, or nothing
                               will be any more, or the lock is lost; or NULL */
    bool no_sync;      /* durable: with the operating system, not on the disk */
    bool no_face;      /* no run.db */
    uint64_t start_ns; /* hayi_clock_ns() when times of attempts are 0 */
    hayi_journal_visit_fn
        visit; /* told of each record that is there; or NULL */
    void *visit_context;
};

/* Takes the run lock of 'folder' (there already), reads the journal if there is
 * one, cuts off a torn tail, appends the start of a further epoch, starts the
 * thread.  Blocks: see run_lock.h, and until the beginning is on the disk.
 * table: what was there, given; NULL: nothing was.
 * HAY_OK; HAY_EAGAIN: somebody else runs on it; HAY_EMISMATCH: its journal is
 * of a newer version, or is none; HAY_EIO, HAY_ENOMEM; with words; nothing that
 * was whole has been touched. */
hay_status hayi_journal_open(const char *folder,
                             const struct hayi_journal_options *options,
                             struct hayi_journal **journal,
                             struct hayi_journal_table **table,
                             struct hayi_error *err);

/* Copied.  The number of the record; UINT64_MAX: the journal has failed, or
 * fails now for want of memory. */
uint64_t hayi_journal_append_task(struct hayi_journal *journal,
                                  const struct hayi_journal_task *task);
uint64_t hayi_journal_append_attempt(struct hayi_journal *journal,
                                     const struct hayi_attempt_line *line);
uint64_t hayi_journal_append_result(struct hayi_journal *journal,
                                    const struct hayi_journal_result *result);
uint64_t hayi_journal_append_kept(struct hayi_journal *journal,
                                  const struct hayi_journal_kept *kept);
uint64_t hayi_journal_append_file(struct hayi_journal *journal,
                                  const struct hayi_file_line *line);
uint64_t hayi_journal_append_state(struct hayi_journal *journal,
                                   const struct hayi_journal_state *state);
/* Lets the thread begin with what was appended; after each round. */
void hayi_journal_commit(struct hayi_journal *journal);

/* All records up to this number are durable. */
uint64_t hayi_journal_durable(const struct hayi_journal *journal);
/* Nothing more becomes durable: HAY_EIO, HAY_ENOMEM, or HAY_EFARM if the lock
 * was lost; HAY_OK: it has not failed. */
hay_status hayi_journal_failed(struct hayi_journal *journal,
                               struct hayi_error *err);
/* In which this run is, and when its times are 0, since those of the first
 * epoch were. */
uint32_t hayi_journal_epoch(const struct hayi_journal *journal);
uint64_t hayi_journal_first_ns(const struct hayi_journal *journal);

/* Waits until all is durable or has failed, completes the face, gives back the
 * lock.  HAY_EIO with words if not all is durable.  NULL is fine. */
hay_status hayi_journal_close(struct hayi_journal *journal,
                              struct hayi_error *err);

#endif
