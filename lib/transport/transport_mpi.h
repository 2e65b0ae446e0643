/* transport_mpi.h - the transport over MPI; the header that needs no mpi.h.
 *
 * Owns: the duplicated communicator, MPI_Init and MPI_Finalize if it called
 *     them, one TCP connection from each other rank to rank 0 (its end tells of
 *     a death), the datagram bells and the sleep flags in shared memory.
 * Never: blocks after start-up, calls a collective after start-up.
 * Threads: one calls everything, the one that called hayi_mpi_start().
 */
#ifndef HAYI_TRANSPORT_TRANSPORT_MPI_H
#define HAYI_TRANSPORT_TRANSPORT_MPI_H

#include "transport/transport.h"

/* Was this process started by mpirun, srun with PMI, or the like?  Looks at the
 * environment only. */
bool hayi_mpi_launched(void);
/* srun started several processes without PMI: N singletons.  True, with words.
 */
bool hayi_mpi_misled(struct hayi_error *err);

/* Per rank, exchanged at start. */
struct hayi_mpi_peer {
    char host[64];
    int32_t pid;
    uint32_t node;      /* ranks with the same number share a host */
    uint32_t node_rank; /* 0, 1, ... among them */
    uint32_t node_size;
};

struct hayi_mpi_start {
    /* in: */
    const void *identity; /* what must be the same on all ranks: a text with a
                             line per item; differences are told */
    size_t identity_size;
    const void *blob; /* anything of this rank's for the others, of ... */
    size_t blob_size; /* ... the same size on all ranks */
    bool mpi_owned;   /* call MPI_Init_thread and MPI_Finalize */
    void *comm;       /* MPI_Comm * to duplicate if !mpi_owned */
    uint32_t manager; /* rank that becomes peer 0 (numbers rotate) */
    /* out: */
    struct hayi_transport *transport;
    struct hayi_mpi_peer *peers; /* peer_count; given, free() */
    void *blobs;                 /* peer_count * blob_size; given, free() */
    bool recovery; /* mpirun lets the others live when a rank dies: said by its
                      environment on the manager's rank */
};

/* Collective over *comm (an MPI_Comm) of a program that owns MPI: exactly one
 * rank says that it is the manager; which.  HAY_EMISMATCH: none, or several. */
hay_status hayi_mpi_find_manager(void *comm,
                                 bool is_manager,
                                 uint32_t *rank,
                                 struct hayi_error *err);

/* Collective.  HAY_EMISMATCH (on all ranks, same words), HAY_EMPI, HAY_EIO. */
hay_status hayi_mpi_start(struct hayi_mpi_start *start, struct hayi_error *err);

/* Collective, before the first poll(): what depends on what the others told at
 * start.  blob: of the same size on all ranks; *blobs: of all peers, given,
 * free().  HAY_EMPI. */
hay_status hayi_mpi_exchange(struct hayi_transport *transport,
                             const void *blob,
                             size_t size,
                             void **blobs,
                             struct hayi_error *err);

/* End this process now, without MPI_Finalize, with buffers flushed. */
void hayi_mpi_leave(int status) __attribute__((noreturn));

#endif
