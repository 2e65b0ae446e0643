/* runfolder.h - the run folder: choosing, making and giving it up. */
#ifndef APPS_RUNFOLDER_H
#define APPS_RUNFOLDER_H

#include "arena.h"
#include "fault.h"

#include <stdbool.h>

#define RUNFOLDER_BASE    "hayfork-runs"
#define RUNFOLDER_LATEST  RUNFOLDER_BASE "/latest"
#define RUNFOLDER_JOB     "job" /* in it: the jobs that were submitted for it */
#define RUNFOLDER_WORKERS "job.workers" /* ... and those of its workers */

/* Make a run's folder.  wanted: the user's own (must not be there yet,
 * unless it waits for the job that was submitted for it); NULL:
 * hayfork-runs/STEM of 'file' ("-": stdin), or STEM.2, STEM.3 and so on.
 * path: given as it should be shown (relative, if the user's was).
 * HAY_EINVAL: it is there already; HAY_EIO. */
hay_status runfolder_make(const char *wanted,
                          const char *file,
                          struct text *path,
                          struct fault *fault);

/* The folder that runfolder_make() would try first; nothing is made. */
void runfolder_guess(const char *wanted, const char *file, struct text *path);

/* The folder of a run that is there: 'given' is its path, or its name in
 * hayfork-runs; NULL: hayfork-runs/latest.  HAY_EINVAL: no run has that. */
hay_status
runfolder_find(const char *given, struct text *path, struct fault *fault);

/* Is this the folder of a run: submitted (a job is recorded), or begun? */
bool runfolder_is_run(const char *path);

/* Point hayfork-runs/latest to 'path', if it lies there. */
void runfolder_set_latest(const char *path);

/* Remove it again if nothing was run in it (tasks.tsv has no line) and no job
 * is recorded there. */
void runfolder_discard(const char *path);

void runfolder_remove_tree(const char *path);

#endif
