/* command_end.h - what the end of a command means for its attempt: outcome,
 * cause and words.
 *
 * Owns: nothing.
 * Never: looks at its files.
 * Threads: the loop's.
 */
#ifndef HAYI_WORKER_COMMAND_END_H
#define HAYI_WORKER_COMMAND_END_H

#include "worker/spawner.h"
#include "worker/task.h"

/* The kernel sends this to a program for what it does itself (SIGSEGV), or it
 * sends it itself (SIGABRT); others come from outside. */
bool hayi_signal_is_crash(int number);
/* One of the task's limits was passed: outcome, cause and words.
 * task->memory_peak_bytes is what it used. */
void hayi_word_limit(struct hay_task *task, hay_cause cause);
/* Fill in the task what its event (HAYI_SPAWN_ENDED) tells. */
void hayi_command_ended(struct hay_task *task,
                        const struct hayi_spawn_event *event);

#endif
