/* eachworker.h - commands that run once on each worker: before the first task,
 * or after the last one (PERENGINE of disBatch).
 *
 * They are commands of the farm like others, bound to their worker, but no
 * tasks of the workload.
 */
#ifndef APPS_EACHWORKER_H
#define APPS_EACHWORKER_H

#include "workload.h"

/* Are there some that come last ('stop'), or first? */
bool eachworker_wanted(const struct workload *w, bool stop);

/* Run those of the workload that come last ('stop') or first, on workers 1 to
 * 'workers', one after the other on each; blocks until they have ended, or a
 * signal says that the run is to end: then those of 'stop' are still waited
 * for, once more a signal ends all.  Those of 'stop' run after the end of work,
 * too, for a part of what is left until the job ends.  What fails is told.
 * failed: how many have.  HAY_EFARM, HAY_ECLOSED: the farm is broken. */
hay_status eachworker_run(hay_executor *ex,
                          const struct workload *w,
                          bool stop,
                          uint32_t workers,
                          uint64_t *failed);

#endif
