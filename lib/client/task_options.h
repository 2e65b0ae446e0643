/* task_options.h - what a submit may ask for.
 *
 * Owns: nothing.
 * Never: submits.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_TASK_OPTIONS_H
#define HAYI_CLIENT_TASK_OPTIONS_H

#include "client/future.h"

/* Beside hay_task_options.worker, of our own tasks: once that worker is lost,
 * any other one will do. */
#define HAYI_WORKER_OR_ANY (UINT32_C(1) << 31)

/* options: NULL for the defaults, which are returned.  kind 0: any. */
const hay_task_options *
hayi_task_options_or_default(const hay_task_options *options);
/* HAY_EINVAL, HAY_EUNSUPPORTED, HAY_EINFEASIBLE with words. */
hay_status hayi_task_options_check(hay_executor *ex,
                                   const hay_task_options *options,
                                   enum hayi_task_kind kind,
                                   struct hayi_error *err);
/* Will it run in a process slot, if it is a function? */
bool hayi_task_options_process(const hay_executor *ex,
                               const hay_task_options *options);
/* HAY_EUNSUPPORTED with words: there are no process slots. */
hay_status hayi_task_options_can_process(const hay_executor *ex,
                                         struct hayi_error *err);
/* Can a worker meet it?  HAY_OK too while not all have joined. */
hay_status hayi_task_options_feasible(hay_executor *ex,
                                      const struct hayi_needs *needs,
                                      struct hayi_error *err);
/* HAY_EINVAL: the request is wrong; HAY_ETOOBIG, HAY_ENOMEM; with words. */
hay_status hayi_task_options_needs(hay_executor *ex,
                                   const hay_task_options *options,
                                   struct hayi_needs *needs,
                                   struct hayi_error *err);

#endif
