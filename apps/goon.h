/* goon.h - which run a command line goes on with, or begins. */
#ifndef APPS_GOON_H
#define APPS_GOON_H

#include "options.h"

#include <stdbool.h>

/* The run folder of `run` and `replay`, given as it should be shown.
 * wanted: the user's own, or NULL.  A run that is there, has a journal and is
 * nobody's is gone on with: the user's own; else the last one of this file in
 * hayfork-runs, if it has not come to its end.  Otherwise a folder is made,
 * or, if nothing is to run (options->why), named.
 * made: it is new.  HAY_EINVAL: it is somebody's, or no run of ours; HAY_EIO,
 * HAY_EMISMATCH. */
hay_status goon_choose(const struct options *options,
                       const char *wanted,
                       struct text *folder,
                       bool *made,
                       struct fault *fault);

/* HAY_EINVAL: "FOLDER is in use by hayfork (pid P on HOST) since ...".  An
 * owner on another host may have been killed a moment ago: who takes the lock
 * finds out. */
hay_status
goon_check(const char *folder, const hay_run_info *info, struct fault *fault);

/* Set by `resume`: the run folder to go on with. */
#define ENV_RESUME "HAYFORK_RESUME"

#endif
