/* pmc.h - task files of pegasus-mpi-cluster: TASK and EDGE lines.
 *
 *     TASK id [-m MB] [-c CPUS] [-t TRIES] [-p PRIORITY]
 *             [-f VARIABLE=FILE] [-F SOURCE=FILE] program [argument ...]
 *     EDGE parent child
 *
 * Words are split as pegasus-mpi-cluster splits them: ' and " are the same and
 * end a word where they close, \ quotes one character, nothing is expanded.
 */
#ifndef APPS_PMC_H
#define APPS_PMC_H

#include "lines.h"
#include "workload.h"

/* Read all 'lines' into 'w' (set up by workload_init): tasks, edges, order.
 * defaults: borrowed by w.  HAY_EINVAL: "FILE:LINE: what". */
hay_status pmc_parse(struct lines *lines,
                     const struct request *defaults,
                     struct workload *w,
                     struct fault *fault);

/* Is this line a record of such a file? */
bool pmc_guess(const char *line);

#endif
