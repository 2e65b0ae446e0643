/* hqtoml.h - job files of HyperQueue (TOML): [[task]] or [array].
 *
 * Every key is either obeyed or refused by its line.  What a task prints stays
 * in the run folder unless the file says where it goes.
 */
#ifndef APPS_HQTOML_H
#define APPS_HQTOML_H

#include "workload.h"

/* Read data[size] into 'w' (set up by workload_init): tasks, edges, order.
 * defaults: borrowed by w.  HAY_EINVAL: "FILE:LINE: what"; HAY_EUNSUPPORTED:
 * TOML cannot be read, see tomlfile.h. */
hay_status hqtoml_parse(const char *data,
                        size_t size,
                        const struct request *defaults,
                        struct workload *w,
                        struct fault *fault);

/* Does a job file have such a line? */
bool hqtoml_guess(const char *line);

#endif
