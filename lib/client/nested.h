/* nested.h - client calls inside a task: who its parent is, and how its thread
 * waits without its cores.
 *
 * Owns: the list of an executor's waiting tasks (struct hayi_waiters).
 * Never: gives cores; the worker does (worker/hand.h).
 * Threads: hayi_nested_wake() from any; the rest for the task's own.
 */
#ifndef HAYI_CLIENT_NESTED_H
#define HAYI_CLIENT_NESTED_H

#include "client/future.h"
#include "client/waiters.h"

/* The task that this thread runs, if 'ex' is what it has to submit to; NULL. */
struct hay_task *hayi_nested_task(const hay_executor *ex);
/* Is this thread one that may leave its slot to wait?  It runs a task. */
bool hayi_nested_may_wait(void);
/* Is this the child of a process slot? */
bool hayi_nested_in_child(void);

/* This thread may not wait: another one than the task's, in a process slot. */
bool hayi_nested_cannot_wait_here(void);
hay_status hayi_nested_cannot_wait(void);

/* As hayi_executor_sleep(), after its first looks: the task's cores are given
 * back until 'ready' says so, or the time has come.  HAY_ECLOSED with words:
 * the farm ends. */
hay_status hayi_nested_sleep(hay_executor *ex,
                             bool (*ready)(void *),
                             void *argument,
                             uint64_t deadline_ns,
                             bool callbacks);
/* What the next sleep of this thread is for, so that the scheduler can tell who
 * waits for whom: a future of 'ex', or several, or (NULL, false) neither. */
void hayi_nested_waits_for(const hay_executor *ex,
                           const hay_future *future,
                           bool several);

/* How the tasks of a child of a process slot hear of their futures. */
struct hayi_nested_child {
    /* As hayi_nested_sleep(). */
    hay_status (*sleep)(hay_executor *ex,
                        bool (*ready)(void *),
                        void *argument,
                        uint64_t deadline_ns,
                        bool callbacks);
    /* Take what has come, without waiting. */
    void (*look)(void);
};
/* This process is such a child. */
void hayi_nested_set_child(const struct hayi_nested_child *child);
/* A task looks at a future without waiting.  true: look again. */
bool hayi_nested_look(void);

/* Something changed: those whose 'ready' says so go on. */
void hayi_nested_wake(hay_executor *ex);

/* The task submits: parent and stream key of the new one.  A named one keeps
 * the key of its name. */
void hayi_nested_adopt(struct hay_task *task, struct hayi_spec *spec);

#endif
