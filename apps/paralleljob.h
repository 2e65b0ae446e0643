/* paralleljob.h - a command line in the style of GNU parallel: a template and
 * lists of values that it is filled with.
 *
 *     hayfork run [OPTION ...] COMMAND ... ::: VALUE ... ::: VALUE ...
 *
 * ::: values, :::: files of values (a line each), with + behind: joined to the
 * list before it, value by value, instead of each with each.
 */
#ifndef APPS_PARALLELJOB_H
#define APPS_PARALLELJOB_H

#include "workload.h"

#define PARALLELJOB_NAME "parallel" /* instead of a file's */

/* Is this word one that a list begins with? */
bool paralleljob_begins(const char *word);

/* Let the tasks see their numbers, as those of GNU parallel do. */
void paralleljob_number(struct workload *w);

/* words[count]: the command and its lists.  Adds a task for each combination to
 * 'w' (set up by workload_init), the last list changing first; line N in
 * messages is the task with number N.  defaults: borrowed by w.
 * HAY_EINVAL: what is wrong; HAY_EIO: a file cannot be read. */
hay_status paralleljob_parse(char *const *words,
                             size_t count,
                             const struct request *defaults,
                             struct workload *w,
                             struct fault *fault);

#endif
