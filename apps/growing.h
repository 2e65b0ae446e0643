/* growing.h - `hayfork grow` beside a run of --grow: started and ended by it.
 */
#ifndef APPS_GROWING_H
#define APPS_GROWING_H

#include "options.h"

/* Start it for the run of this folder, in a process of its own: what a batch
 * system takes for its answers keeps no task waiting.  Failures are told, and
 * the run goes on without. */
void growing_start(const struct options *o, const char *folder);
/* Nothing is left to do: jobs that wait are to be cancelled. */
void growing_stop(void);
/* Wait for its end, not for ever. */
void growing_wait(void);

#endif
