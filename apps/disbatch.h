/* disbatch.h - task files of disBatch: commands for bash, one a line, and
 * #DISBATCH lines (PREFIX, SUFFIX, REPEAT, BARRIER, PERENGINE).
 *
 * As in disBatch a barrier is a task, too: the number of a task in the workload
 * is disBatch's id of it.
 */
#ifndef APPS_DISBATCH_H
#define APPS_DISBATCH_H

#include "lines.h"
#include "workload.h"

/* Read all 'lines' into 'w' (set up by workload_init): tasks, edges, order.
 * defaults: borrowed by w.  HAY_EINVAL: "FILE:LINE: what". */
hay_status disbatch_parse(struct lines *lines,
                          const struct request *defaults,
                          struct workload *w,
                          struct fault *fault);

/* Is this line one of disBatch's directives? */
bool disbatch_guess(const char *line);

#endif
