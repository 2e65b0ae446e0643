/* result.h - how a task ended, in words, and results that are borrowed.
 *
 * Owns: nothing.
 * Never: keeps a pin.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_RESULT_H
#define HAYI_CLIENT_RESULT_H

#include "client/future.h"
#include "data/store.h"

/* HAY_OK if it finished; else its status, with words. */
hay_status hayi_result_status(const hay_future *future, struct hayi_error *err);

/* An array that it returned, until hayi_object_return(); index: of several
 * results, SIZE_MAX: its only one.  Statuses as hay_result_array(). */
hay_status hayi_result_borrow_array(hay_future *future,
                                    size_t index,
                                    uint64_t timeout_ns,
                                    hay_array_view *view,
                                    hayi_place *pinned);

#endif
