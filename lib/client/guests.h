/* guests.h - both sides of joining a farm that runs: its door, and going in.
 *
 * Owns: the hub, the transport that makes one of it and the base, the door's
 *     file.
 * Never: judges what a guest may do; once it is in, it is a worker.
 * Threads: the farm's.
 */
#ifndef HAYI_CLIENT_GUESTS_H
#define HAYI_CLIENT_GUESTS_H

#include "transport/door.h"
#include "transport/transport_mpi.h"

enum { HAYI_GUESTS_MAX = 256 }; /* in the life of a farm */

#define HAYI_GUESTS_NO_FOLDER "who would join needs a run folder to look in"

struct hayi_guests {
    struct hayi_transport *hub;  /* of another rank than 0: its entrance */
    struct hayi_transport *wide; /* base and hub; for the manager, over MPI for
                                    the worker, too */
    struct hayi_door door;
    char path[4200]; /* of the file, once it is there */
};

/* base: borrowed, and lives longer. */
hay_status hayi_guests_listen(struct hayi_guests *guests,
                              struct hayi_transport *base,
                              uint32_t epoch,
                              struct hayi_error *err);
/* The same over MPI, on all ranks; collective.  run_folder: rank 0's, must be
 * there.  A failure is the same on all of them. */
hay_status hayi_guests_listen_mpi(struct hayi_guests *guests,
                                  const struct hayi_mpi_start *start,
                                  const char *run_folder,
                                  uint32_t epoch,
                                  struct hayi_error *err);
/* From now on guests find us. */
hay_status hayi_guests_open(struct hayi_guests *guests,
                            const char *run_folder,
                            struct hayi_error *err);
/* Removes the file, closes.  Nothing is there: fine. */
void hayi_guests_close(struct hayi_guests *guests);

/* The other side: waits until it is let in, or refused with words. */
hay_status hayi_guests_enter(const char *run_folder,
                             const char *host,
                             struct hayi_transport **transport,
                             uint32_t *epoch,
                             struct hayi_error *err);

#endif
