/* command_end.h - what the end of a command means for its attempt: outcome,
 * cause and words; some of it of children, too (process_end.h).
 *
 * Owns: nothing.
 * Never: looks at its files.
 * Threads: the loop's; the first two also those of process slots.
 */
#ifndef HAYI_WORKER_COMMAND_END_H
#define HAYI_WORKER_COMMAND_END_H

#include "worker/spawner.h"
#include "worker/task.h"

/* A signal ended its process: outcome, cause and words. */
void hayi_word_signal(struct hay_task *task,
                      const struct hayi_spawn_event *event);
/* One of the task's limits was passed: outcome, cause and words.
 * task->memory_peak_bytes is what it used. */
void hayi_word_limit(struct hay_task *task, hay_cause cause);
/* Fill in the task what its event (HAYI_SPAWN_ENDED) tells. */
void hayi_command_ended(struct hay_task *task,
                        const struct hayi_spawn_event *event);

#endif
