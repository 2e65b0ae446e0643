/* queue.h - completion queues: futures in the order in which they were done.
 *
 * Owns: what is done and not yet taken; a count of each future in it.
 * Never: calls user code.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_QUEUE_H
#define HAYI_CLIENT_QUEUE_H

#include "client/future.h"

struct hayi_queue_entry;

/* In two steps, so that the second cannot fail.  NULL when memory is short. */
struct hayi_queue_entry *hayi_queue_entry_new(hay_queue *queue);
void hayi_queue_entry_free(struct hayi_queue_entry *entry);
/* future: counted by the entry. */
void hayi_queue_entry_add(struct hayi_queue_entry *entry, hay_future *future);

#endif
