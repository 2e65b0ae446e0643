/* resume.h - what the journal of a run knows of a task that is submitted again.
 *
 * With a run folder each task outside of tasks has a key (struct hayi_spec_key
 * of future.h): what it is, what is around it, what it comes after, and the
 * files that it reads.  A named task, or an unnamed command, whose key the
 * journal has, which finished then, whose inputs all come from the journal too
 * and whose output files are there, ends at its submit as the journal says.
 * Without a key are maps, tasks over chunked arrays (the arrays know themselves
 * what is done), and what tasks submit.
 *
 * Owns: the table of what was recorded; the numbers of equal commands.
 * Never: runs or submits anything; writes.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_RESUME_H
#define HAYI_CLIENT_RESUME_H

#include "client/future.h"
#include "journal/journal_read.h"

struct hayi_resume;

/* options: borrowed; with a run folder.  HAY_ENOMEM. */
hay_status hayi_resume_new(const hay_options *options,
                           struct hayi_resume **resume,
                           struct hayi_error *err);
/* Before anything is submitted: what is in this table is known.  table: taken,
 * also on failure; NULL: nothing is recorded.  HAY_ENOMEM. */
hay_status hayi_resume_set_table(struct hayi_resume *resume,
                                 struct hayi_journal_table *table,
                                 struct hayi_error *err);
void hayi_resume_free(struct hayi_resume *resume);

/* The key of a task whose specification is whole, if it has room for one; its
 * inputs have theirs.  With resume_key (borrowed; NULL: none) that text stands
 * for all of it, with resume_rest (borrowed; NULL: none).  check_files: with
 * the files that it reads. */
void hayi_resume_fill(hay_future *future,
                      const char *resume_key,
                      const char *resume_rest,
                      bool check_files);
/* It is not submitted after all: it is not counted among equal ones. */
void hayi_resume_forget(struct hayi_resume *resume, const hay_future *future);
/* Of a put: the value, of 'size' bytes, that others refer to. */
void hayi_resume_fill_put(hay_future *future,
                          const hay_arg *value,
                          size_t size);
/* The parts as one, without that of the files. */
uint64_t hayi_resume_hash(const struct hayi_journal_key *key);

/* What the journal says of it: its key's 'why' and ordinal are set.  true: it
 * ends now, in *state with *result (given; NULL: out of memory), and has the
 * number and the key of then if it is recorded; a dry run ends all. */
bool hayi_resume_look(struct hayi_resume *resume,
                      hay_future *future,
                      hay_state *state,
                      struct hayi_result **result);

#endif
