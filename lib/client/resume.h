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
 * Owns: the table of what was recorded.
 * Never: runs or submits anything; writes.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_RESUME_H
#define HAYI_CLIENT_RESUME_H

#include "client/future.h"

/* The key of a task whose specification is whole, if it has room for one; its
 * inputs have theirs.  With resume_key (borrowed; NULL: none) that text stands
 * for all of it. */
void hayi_resume_fill(hay_future *future, const char *resume_key);
/* Of a put: the value, of 'size' bytes, that others refer to. */
void hayi_resume_fill_put(hay_future *future,
                          const hay_arg *value,
                          size_t size);
/* The four parts as one. */
uint64_t hayi_resume_hash(const struct hayi_journal_key *key);

#endif
