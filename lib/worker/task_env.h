/* task_env.h - the variables by which the process of a task sees what it is and
 * what it was given: of commands, and of children that run functions.
 *
 * Owns: nothing.
 * Never: changes this process's own environment.
 * Threads: the loop's, before the task is given to its slot; or the slot's.
 */
#ifndef HAYI_WORKER_TASK_ENV_H
#define HAYI_WORKER_TASK_ENV_H

#include "worker/task.h"

/* Appends "NAME=VALUE" strings, each with its 0: HAY_TASK_..., HAY_RES_...,
 * OMP_NUM_THREADS, and where the farm deals gpus the variables that tell the
 * runtimes which to use (of a task without any: none).  HAY_ENOMEM. */
hay_status hayi_task_env(const struct hay_task *task, struct hayi_buffer *out);

/* Of these only what it was given, for a child that runs one task after the
 * other: nothing if it was given nothing and the farm deals no gpus. */
hay_status hayi_task_env_given(const struct hay_task *task,
                               struct hayi_buffer *out);

/* What the task had, for tasks.tsv: cpus, gpus, memory, amounts, with tabs
 * between.  Ends with 0, cut at 'size'; returns its length. */
size_t hayi_task_had(const struct hay_task *task, char *text, size_t size);

/* The gpus dealt to it: their indices among the worker's, at most
 * HAYI_GPUS_MAX; how many. */
uint32_t hayi_task_gpu_list(const struct hay_task *task, uint32_t *list);
/* The same as hay_task_gpus() tells them; in a child those that it was told. */
uint32_t hayi_task_gpu_numbers(const struct hay_task *task, int32_t *numbers);

#endif
