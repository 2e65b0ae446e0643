/* resume_words.h - why a task runs again, in words; and what that takes to
 * know: its inputs, its output files.
 *
 * Owns: nothing.
 * Never: opens a file.
 * Threads: any; may block on the file system.
 */
#ifndef HAYI_CLIENT_RESUME_WORDS_H
#define HAYI_CLIENT_RESUME_WORDS_H

#include "client/future.h"
#include "journal/journal_read.h"
#include "wire/command.h"

#include <sys/stat.h>

/* The first input that does not come from the journal; NULL: all do. */
const hay_future *hayi_resume_running_input(const hay_future *future);
/* What there is of a file as the command names it; false: nothing. */
bool hayi_resume_stat(const struct hayi_command_view *view,
                      const char *file,
                      struct stat *st);
/* Is a file gone that the command wrote?  Its name into text[size]; NULL: not
 * wanted. */
bool hayi_resume_gone(const hay_future *future, char *text, size_t size);
/* The file that it has written if it is the end of a hay_persist(); or NULL. */
const char *hayi_resume_persisted(const hay_future *future);
/* task: what the journal has of it, or NULL. */
void hayi_resume_word(const struct hayi_journal_table *table,
                      const hay_future *future,
                      const struct hayi_recorded *task,
                      hay_why why,
                      char *text,
                      size_t size);

#endif
