/* child_order.h - an attempt as its child gets it, and as it comes back; the
 * rank's side.
 *
 * Owns: pins of the attempt's inputs, from hayi_child_order_open() to
 *     hayi_child_order_close(); objects that were made for it and are not
 *     sealed.
 * Never: believes a size that comes from a child.
 * Threads: one at a time.
 */
#ifndef HAYI_WORKER_CHILD_ORDER_H
#define HAYI_WORKER_CHILD_ORDER_H

#include "worker/child_area.h"
#include "worker/child_report.h"
#include "worker/pipe.h"
#include "worker/task.h"

struct hayi_child_order {
    struct hay_task *task; /* NULL: none */
    struct hayi_child_object
        *inputs; /* pinned, in the order of its arguments */
    size_t input_count, input_room;
    struct hayi_child_made *made; /* for its result */
    size_t made_count, made_room;
};

/* Pins the objects among the arguments; may block on the disk.  HAY_EEMPTY:
 * some are not here, task->missing has their handles; other errors have words
 * in task->error; nothing is pinned then. */
hay_status hayi_child_order_open(struct hayi_child_order *order,
                                 struct hay_task *task);
/* Unpins, abandons; the task is not touched. */
void hayi_child_order_close(struct hayi_child_order *order,
                            struct hayi_store *store);
/* As a record under this number.  HAY_ENOMEM: nothing was sent. */
hay_status hayi_child_order_send(const struct hayi_child_order *order,
                                 uint32_t number,
                                 struct hayi_pipe *pipe);
/* Make room for a result, as the child asks. */
void hayi_child_order_create(struct hayi_child_order *order,
                             struct hayi_store *store,
                             const struct hayi_child_create *ask,
                             struct hayi_pipe *pipe);
/* PIN: an object that the attempt reads; answered.  UNPIN: it reads it no more.
 */
void hayi_child_order_pin(struct hayi_child_order *order,
                          struct hayi_store *store,
                          hayi_place place,
                          struct hayi_pipe *pipe);
void hayi_child_order_unpin(struct hayi_child_order *order,
                            struct hayi_store *store,
                            hayi_place place);
void hayi_child_order_abandon(struct hayi_child_order *order,
                              struct hayi_store *store,
                              hayi_place place);
/* Is it what the child was given room for? */
bool hayi_child_order_made(const struct hayi_child_order *order,
                           hayi_place place,
                           uint64_t size_bytes);
/* What it was given room for is put: sealed, and no longer the attempt's. */
void hayi_child_order_give_away(struct hayi_child_order *order,
                                struct hayi_store *store,
                                hayi_place place);
/* It has ended, says the child: fills the task, seals what it made.  false: the
 * record is damaged or a lie, see child_report.h; the task has not ended. */
bool hayi_child_order_ended(struct hayi_child_order *order,
                            struct hayi_store *store,
                            const void *body,
                            uint64_t size);

#endif
