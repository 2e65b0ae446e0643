/* formats.h - the formats of task files that `run` reads: which one a file has,
 * and who reads it.
 */
#ifndef APPS_FORMATS_H
#define APPS_FORMATS_H

#include "workload.h"

enum format {
    FORMAT_AUTO = 0,
    FORMAT_HAYFORK,
    FORMAT_PMC,      /* pegasus-mpi-cluster */
    FORMAT_HQ,       /* HyperQueue */
    FORMAT_DISBATCH, /* disBatch */
    FORMAT_PARALLEL, /* GNU parallel: the command line, or a list of commands
                        that look at their numbers */
    FORMAT_LAUNCHER  /* TACC Launcher: such a list */
};

/* The format of a name as in --format=NAME.  false: there is none. */
bool formats_named(const char *name, enum format *format);
/* "pegasus-mpi-cluster" and so on; its name for --format in *option. */
const char *formats_tool(enum format format, const char **option);

/* Read 'path', of a format that is FORMAT_AUTO or not the command line, into
 * 'w' (set up by workload_init).  taken: the format that was found.
 * HAY_EINVAL: something is wrong with what it says; HAY_EIO: it cannot be read;
 * HAY_EUNSUPPORTED: not in this build. */
hay_status formats_read(const char *path,
                        enum format format,
                        const struct request *defaults,
                        struct workload *w,
                        enum format *taken,
                        struct fault *fault);

/* The same for data[size], with a 0 behind it, which is changed. */
hay_status formats_parse(char *data,
                         size_t size,
                         enum format format,
                         const struct request *defaults,
                         struct workload *w,
                         enum format *taken,
                         struct fault *fault);

#endif
