/* limits.h - the limits that a submit sets on its task.
 *
 * Owns: nothing.
 * Never: keeps a limit; the worker does.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_LIMITS_H
#define HAYI_CLIENT_LIMITS_H

#include "client/future.h"

/* Tries with more memory, each with twice that of the one before. */
#define HAYI_MEMORY_RETRIES_MAX 16u

/* HAY_EINVAL, HAY_EUNSUPPORTED with words.  kind 0: any. */
hay_status hayi_limits_check(const hay_executor *ex,
                             const hay_task_options *options,
                             enum hayi_task_kind kind,
                             struct hayi_error *err);
/* Its numbers, whatever it is for.  HAY_EINVAL. */
hay_status hayi_limits_sane(const struct hayi_limits *limits,
                            struct hayi_error *err);
/* Is there any? */
bool hayi_limits_given(const hay_task_options *options);
struct hayi_limits hayi_limits_of(const hay_task_options *options);

#endif
