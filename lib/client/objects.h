/* objects.h - results that are objects, read in place by the client.
 *
 * Owns: the pins of a result's objects, from the first look at each until the
 *     future's last count is given back; what was asked of the manager for it.
 * Never: waits on the manager's thread or in a task.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_OBJECTS_H
#define HAYI_CLIENT_OBJECTS_H

#include "client/future.h"
#include "data/store.h"
#include "wire/value.h"

/* The bytes of an object of this future's result, borrowed until the future's
 * last count is given back; brings them to this node if need be.
 * value: read from future->result, is_object; its data and the data of its
 *     array are filled in.
 * HAY_ETIMEDOUT (asking again goes on with the same transfer), HAY_EAGAIN (it
 * would have to wait here), HAY_EFARM (lost), HAY_EIO (no room), HAY_ECLOSED,
 * HAY_ENOMEM; all with words. */
hay_status hayi_object_read(hay_future *future,
                            struct hayi_value *value,
                            uint64_t timeout_ns,
                            struct hayi_error *err);

/* The same for a short while: *pinned has to be given back; 0: nothing has. */
hay_status hayi_object_borrow(hay_future *future,
                              struct hayi_value *value,
                              uint64_t timeout_ns,
                              hayi_place *pinned,
                              struct hayi_error *err);
void hayi_object_return(hay_future *future, hayi_place pinned);

/* The scheduler never heard of it. */
void hayi_object_drop(hay_executor *ex, hayi_place place);
/* Nobody holds the future any more: its pins go. */
void hayi_views_release(hay_future *future);
/* Free a result; objects that the scheduler never heard of are dropped from the
 * store.  NULL is fine. */
void hayi_result_free(hay_executor *ex, struct hayi_result *result);

/* An item that asks for objects [first, first+count) of a finished future; the
 * future is counted until it is answered.  NULL: out of memory. */
struct hayi_want_item *
hayi_want_new(hay_future *future, uint32_t first, uint32_t count);
/* Post it.  HAY_ECLOSED, HAY_EFARM with words: the manager has ended, the item
 * is freed. */
hay_status hayi_want_post(struct hayi_want_item *item, struct hayi_error *err);
/* Wait for the answer; its status, with words.  HAY_ETIMEDOUT and HAY_EAGAIN
 * (without words): not answered yet, the item is still the caller's. */
hay_status hayi_want_wait(struct hayi_want_item *item,
                          hay_executor *ex,
                          uint64_t timeout_ns,
                          struct hayi_error *err);
/* Done with it, answered or not. */
void hayi_want_drop(struct hayi_want_item *item);

#endif
