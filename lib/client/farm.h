/* farm.h - all that makes up a farm in one process: its executor (on the rank
 * of the manager), manager, worker, transport and the thread that runs them.
 *
 * Owns: these.
 * Never: runs user code on its thread but the functions of tasks' slots.
 * Threads: start and join from the caller's; the rest on its own.
 */
#ifndef HAYI_CLIENT_FARM_H
#define HAYI_CLIENT_FARM_H

#include "client/executor.h"
#include "worker/spawner.h"

struct hayi_farm;

struct hayi_farm_start {
    const hay_options *options;   /* borrowed during the call */
    struct hayi_spawner *spawner; /* taken; NULL: exec'ed when needed */
    const char *join;             /* a run folder: be a guest of its farm;
                                     borrowed during the call */
    bool mpi;                     /* over MPI; else inside this process */
    bool mpi_owned;               /* MPI is ours to initialise */
    void *comm;                   /* MPI_Comm *, if not */
    bool manager;                 /* with a given comm: this rank's part */
};

/* Starts the farm's thread and waits until it is ready.  *ex: the executor on
 * the manager's rank, NULL on the others, where the farm is then joined by
 * hayi_farm_serve(). */
hay_status hayi_farm_start(const struct hayi_farm_start *start,
                           struct hayi_farm **farm,
                           hay_executor **ex,
                           struct hayi_error *err);
/* Other ranks: wait until the worker has left, free.  HAY_EFARM with words: the
 * manager was lost, or the worker broke. */
hay_status hayi_farm_serve(struct hayi_farm *farm, struct hayi_error *err);

/* The spawner that hay_prefork() made, once. */
struct hayi_spawner *hayi_farm_take_preforked(void);

#endif
