/* mpi_env.c - the part of transport_mpi.h that calls no MPI: what the
 * environment tells about the launcher, and the end without MPI_Finalize.
 */
#include "config.h"

#include "transport/transport_mpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool hayi_mpi_launched(void)
{
    /* Open MPI's mpirun; PMIx (srun --mpi=pmix); PMI 1 and 2 (srun, MPICH). */
    static const char *const names[] = {
        "OMPI_COMM_WORLD_SIZE",
        "PMIX_RANK",
        "PMI_RANK",
        "PMI_FD",
        "PMI_PORT",
        "PMI2_FD",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (getenv(names[i]) != NULL) {
            return true;
        }
    }
    return false;
}

bool hayi_mpi_misled(struct hayi_error *err)
{
    /* Set by srun alone; SLURM_NTASKS and SLURM_PROCID are in the batch
     * script's environment too. */
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (tasks == NULL || hayi_mpi_launched() || strtol(tasks, NULL, 10) <= 1) {
        return false;
    }
    (void)hayi_fail(err,
                    HAY_EMPI,
                    "srun started %s processes that do not know of each other; "
                    "use srun --mpi=pmix, or mpirun",
                    tasks);
    return true;
}

void hayi_mpi_leave(int status)
{
    (void)fflush(NULL);
    _exit(status);
}
