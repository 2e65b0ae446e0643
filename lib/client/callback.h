/* callback.h - functions of the user that run when a future is done.
 *
 * Owns: what hay_future_on_done() keeps until the function has run.
 * Never: runs two of one executor at a time, or one on the manager's thread.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_CALLBACK_H
#define HAYI_CLIENT_CALLBACK_H

#include "client/executor.h"

/* Run those that are ready, if no other thread does and we are in none.  true:
 * at least one ran. */
bool hayi_callback_run(hay_executor *ex);
/* Are some ready, and nobody runs them? */
bool hayi_callback_waiting(hay_executor *ex);
/* Is the calling thread in one? */
bool hayi_callback_inside(void);
/* Drop what never ran, at the end of the executor. */
void hayi_callback_drop(hay_executor *ex);

#endif
