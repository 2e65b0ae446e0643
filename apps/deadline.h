/* deadline.h - when the batch system ends this job, and whoever asks it again.
 *
 * The library knows HAYFORK_DEADLINE (Unix seconds) and looks now and then at
 * the file that HAYFORK_DEADLINE_FILE names.  In a job of Slurm, whose end may
 * be moved, a small process of ours asks for it every minute and writes there.
 */
#ifndef APPS_DEADLINE_H
#define APPS_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#define ENV_DEADLINE      "HAYFORK_DEADLINE"
#define ENV_DEADLINE_FILE "HAYFORK_DEADLINE_FILE"

/* --time-left: from now on; not in a rank whose launcher has told it already.
 */
void deadline_set_left(uint64_t left_ns);

/* In a job of Slurm: ask once for the end, if it is not known yet, then start
 * the process that asks again; it ends with this one.  path: of the file, made
 * by it; NULL: one in memory.  Before any thread. */
void deadline_watch(const char *path);

#endif
