/* hayfork/mpi.h - farms in programs that own MPI.
 *
 * One rank of a communicator calls hay_open(), all others hay_serve().  MPI
 * must have been initialised with MPI_THREAD_SERIALIZED if the program calls no
 * MPI while the farm lives, with MPI_THREAD_MULTIPLE otherwise.
 */
#ifndef HAYFORK_MPI_H
#define HAYFORK_MPI_H

#include <hayfork/hayfork.h>
#include <mpi.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Collective over 'comm' together with hay_serve() on all other ranks: opens a
 * farm whose manager is the calling rank.  comm: borrowed, duplicated.
 * options: copied; they count for all ranks.  ex: given.
 * HAY_EMISMATCH: thread level too low, or ranks that differ in version or
 * registered functions; the text tells which. */
hay_status
hay_open(MPI_Comm comm, const hay_options *options, hay_executor **ex);

/* Serves tasks until the executor is shut down.  options: may be NULL; only
 * 'slots' and 'no_pin' are this rank's own.  Returns HAY_OK after an orderly
 * end, HAY_EFARM when the manager or another rank was lost.
 * After HAY_EFARM, and after hay_open() where hay_stats.workers has become less
 * than it was, some rank is dead: MPI_Finalize() and collective calls on a
 * communicator with it may wait for ever.  Save what is to be saved, and leave
 * by _exit(). */
hay_status hay_serve(MPI_Comm comm, const hay_options *options);

#ifdef __cplusplus
}
#endif
#endif
