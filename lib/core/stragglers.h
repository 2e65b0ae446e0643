/* stragglers.h - second attempts of tasks that run far beyond their usual time.
 *
 * Owns: the rows of second attempts (HAYI_ROW_TWIN); they are booked at their
 *     workers like others, under the handle of the task.
 * Never: gives a second attempt to a task that must not run twice, that was
 *     lost with a worker before, that is made again for its objects, or that
 *     has submitted tasks or was submitted by one.
 * Threads: one caller at a time.
 *
 * The first attempt that finishes is the task's; the other one is cancelled,
 * and its row stays until its worker has let go of it.  An attempt that ends
 * otherwise leaves the task to the other one.
 */
#ifndef HAYI_CORE_STRAGGLERS_H
#define HAYI_CORE_STRAGGLERS_H

#include "core/state.h"

/* Nothing is ready and cores are idle: who gets a second attempt?  Sets
 * s->straggler_at_ns.  HAY_ENOMEM: look again. */
hay_status hayi_stragglers_look(struct hayi_sched *s,
                                struct hayi_actions *actions);

/* The row of a second attempt, or of one that was beaten, by what its worker
 * says; 0: none. */
uint32_t hayi_stragglers_find(const struct hayi_sched *s,
                              uint32_t worker,
                              hayi_handle task,
                              uint32_t attempt);

/* An attempt of the row, one of two or a beaten one, has ended.  *index: the
 * row of the task whose attempt this is from now on, its only one; 0: the news
 * was dealt with.  HAY_ENOMEM: nothing has changed. */
hay_status hayi_stragglers_ended(struct hayi_sched *s,
                                 uint32_t *index,
                                 const struct hayi_event *event,
                                 struct hayi_actions *actions);
/* The same for one that came back unstarted: the other one goes on. */
void hayi_stragglers_returned(struct hayi_sched *s, uint32_t index);
/* The same for one whose worker was lost; 1 action.  False: it was the last
 * one. */
bool hayi_stragglers_lost(struct hayi_sched *s,
                          uint32_t index,
                          struct hayi_actions *actions);
/* The client wants the end of the task: its second attempt, if any, is
 * cancelled as well; 1 action. */
void hayi_stragglers_cancel(struct hayi_sched *s,
                            uint32_t index,
                            bool force,
                            struct hayi_actions *actions);

/* Of a row that is HELD or RUNNING. */
static inline bool hayi_stragglers_concern(const struct hayi_row *row)
{
    return (row->flags & HAYI_ROW_TWIN) != 0 || row->twin != 0;
}

#endif
