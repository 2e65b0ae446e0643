/* process_end.h - what the end of a child means for the attempt that it ran:
 * outcome, cause and words.
 *
 * Owns: nothing.
 * Never: ends anything.
 * Threads: the slot's own.
 */
#ifndef HAYI_WORKER_PROCESS_END_H
#define HAYI_WORKER_PROCESS_END_H

#include "worker/slot_process.h"

uint64_t hayi_process_grace_ns(const struct hayi_process_config *config,
                               const struct hay_task *task);
/* It ran, and its child has ended as 'end' says; because we made it: timed_out,
 * forced.  Of a range: the item that it was at is a failure. */
void hayi_process_word_end(struct hay_task *task,
                           const struct hayi_spawn_event *end,
                           bool timed_out,
                           bool forced,
                           const struct hayi_child_area *area);
/* It gave up when it was told that its time was over.  Of a range: the last
 * item that it was at is a failure, those behind it are still to be done. */
void hayi_process_word_given_up(struct hay_task *task);
/* Its child has reported what cannot be. */
void hayi_process_word_nonsense(struct hay_task *task, uint64_t now_ns);
/* Children end before they begin. */
void hayi_process_word_stillborn(struct hayi_error *err,
                                 const struct hayi_spawn_event *end);
/* A range whose child died at an item: the items before it, whose output died
 * too, are to be run again, now.  true: give it again; else it has ended. */
bool hayi_process_more_to_do(struct hay_task *task);

#endif
