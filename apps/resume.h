/* resume.h - what another tool has done already: its resume files.
 *
 * GNU parallel's --joblog, a rescue file of pegasus-mpi-cluster, a status file
 * of disBatch.  Tasks that ended well there count as done in the workload.
 */
#ifndef APPS_RESUME_H
#define APPS_RESUME_H

#include "formats.h"
#include "lines.h"

/* Read 'path', which fits to a workload of this format, and mark what is done.
 * A last line without an end does not count: it was cut while it was written.
 * HAY_EINVAL: it is no such file, or of another workload; HAY_EIO. */
hay_status resume_read(const char *path,
                       enum format format,
                       struct workload *w,
                       struct fault *fault);

/* The same for data[size], which is changed; 'path' is for messages. */
hay_status resume_parse(const char *path,
                        char *data,
                        size_t size,
                        enum format format,
                        struct workload *w,
                        struct fault *fault);

#endif
