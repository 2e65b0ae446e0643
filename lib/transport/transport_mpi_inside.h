/* transport_mpi_inside.h - what the files of the MPI transport share:
 * transport_mpi_start.c begins, transport_mpi.c moves frames and ends.
 *
 * Owns: the requests under way, the duplicated communicator.
 * Never: included by any file but transport_mpi*.c.
 * Threads: one, that of the transport.
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_MPI_INSIDE_H
#define HAYI_TRANSPORT_TRANSPORT_MPI_INSIDE_H

#include "transport/peers.h"
#include "transport/transport_mpi.h"

#include <mpi.h>

enum {
    HAYI_MPI_CREDIT_BYTES = 64 << 10,
    HAYI_MPI_CREDIT_FRAMES = 16,
};

#define HAYI_MPI_CLOSE_NS UINT64_C(2000000000)

/* Requests and their parcels, index by index. */
struct hayi_mpi_requests {
    MPI_Request *list;
    struct hayi_parcel **parcels;
    int *done;
    MPI_Status *statuses;
    int count;
    int room;
};

struct hayi_mpi {
    struct hayi_transport base;
    MPI_Comm comm;
    bool owned;
    int rank;
    int size;
    int manager;
    struct hayi_peers peers;
    struct hayi_mpi_requests sends;
    struct hayi_mpi_requests receives;
    bool holes; /* receives that could not be posted */
};

extern const struct hayi_transport_ops hayi_mpi_ops;

/* Numbers of peers are ranks turned so that the manager is 0. */
uint32_t hayi_mpi_peer_of_rank(const struct hayi_mpi *m, int rank);
/* Of a return code.  Valid until the thread's next call. */
const char *hayi_mpi_words(int rc);
/* One more receive. */
void hayi_mpi_post(struct hayi_mpi *m);
/* All receives, as far as that succeeds in time. */
void hayi_mpi_cancel(struct hayi_mpi *m, uint64_t until_ns);
/* All that needs no MPI. */
void hayi_mpi_free(struct hayi_mpi *m);

#endif
