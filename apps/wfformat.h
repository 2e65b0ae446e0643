/* wfformat.h - recorded workflows in WfFormat (wfcommons.org), as JSON.
 *
 * Read are the tasks with their parents (or children) and recorded times, from
 * version 1.5 (workflow.specification and workflow.execution) and from 1.0 to
 * 1.4 (workflow.tasks), and nothing else.
 */
#ifndef APPS_WFFORMAT_H
#define APPS_WFFORMAT_H

#include "workload.h"

/* Read 'path' into 'w' (to be set up by workload_init): a block for each task,
 * with the task's id as name, duration_ns, edges and order.
 * HAY_EINVAL: something is wrong with what it says; HAY_EIO: it cannot be
 * read. */
hay_status
wfformat_read(const char *path, struct workload *w, struct fault *fault);

/* Does it look like JSON (as against a task file)? */
bool wfformat_guess(const char *data, size_t size);

#endif
