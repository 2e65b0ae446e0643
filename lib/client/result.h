/* result.h - how a task ended, in words.
 *
 * Owns: nothing.
 * Never: waits.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_RESULT_H
#define HAYI_CLIENT_RESULT_H

#include "client/future.h"

/* HAY_OK if it finished; else its status, with words. */
hay_status hayi_result_status(const hay_future *future, struct hayi_error *err);

#endif
