/* submit.h - the way of a task into the manager's inbox.
 *
 * Owns: nothing; the numbers of submitting threads.
 * Never: looks at what the task does.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_SUBMIT_H
#define HAYI_CLIENT_SUBMIT_H

#include "client/future.h"

/* Give the future its number and its stream key and post it.  Waits while
 * pending_max tasks are unfinished.
 * future: made by hayi_future_new(), its deps filled in and not counted yet;
 *     taken.
 * queue: to be added to, or NULL.
 * wanted: where to write a count of the caller's, or NULL.
 * HAY_EAGAIN, HAY_ECLOSED, HAY_EFARM, HAY_ENOMEM with words. */
hay_status hayi_submit_post(hay_future *future,
                            hay_queue *queue,
                            hay_future **wanted,
                            struct hayi_error *err);

#endif
