/* mpirun.h - the command line and the environment that mpirun is given. */
#ifndef APPS_MPIRUN_H
#define APPS_MPIRUN_H

#include "launcher.h"

#define GUARD_WORD "rank-guard"
#define RSH_WORD   "rsh-agent"

/* Variables between the launcher and what it starts. */
#define ENV_STATUS_FILE "HAYFORK_STATUS_FILE"
#define ENV_DRAINS      "HAYFORK_LAUNCH_DRAINS"
#define ENV_RUN_FOLDER  "HAYFORK_LAUNCH_FOLDER"
#define ENV_PROGRESS    "HAYFORK_LAUNCH_PROGRESS"
#define ENV_RSH         "HAYFORK_RSH"
/* How a resume starts the program, for its journal; empty: by its own line. */
#define ENV_LAUNCH_LINE "HAYFORK_LAUNCH_LINE"

/* Open MPI's own: the folder that its files go to. */
#define ENV_MPI_TMP_BASE "OMPI_MCA_orte_tmpdir_base"

/* The command line for 'launch', NULL-terminated, in the arena; 'self' is our
 * own program.  HAY_EINVAL: hosts that cannot be read. */
hay_status mpirun_argv(const struct launch *launch,
                       const char *self,
                       struct arena *arena,
                       char ***argv,
                       struct fault *fault);

/* Set what mpirun and the ranks take from the environment; what the user has
 * set stays.  tmp_dir: for Open MPI's own files, of this run alone; a folder
 * that the user has named stays only if no folder of ours fits into it. */
void mpirun_environment(const struct launch *launch, const char *tmp_dir);

/* mpirun's path: $HAYFORK_MPIRUN or in PATH.  HAY_EIO: there is none. */
hay_status
mpirun_find(struct arena *arena, const char **path, struct fault *fault);

#endif
