/* transport_mpi_inside.h - what the files of the MPI transport share:
 * transport_mpi_start.c begins, transport_mpi.c moves frames and ends,
 * transport_mpi_bulk.c moves bulk messages.
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
#if HAVE_DECL_MPIX_COMM_FAILURE_ACK
#include <mpi-ext.h>
#endif

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

/* Bulk messages. */
struct hayi_mpi_bulk {
    MPI_Comm comm; /* a duplicate of its own: tags are the caller's */
    uint32_t tags; /* how many there are */
    /* in the hands of MPI: list[count], ops[count] */
    int count;
    MPI_Request *list;
    struct hayi_mpi_op *ops;
    int *done;
    MPI_Status *statuses;
    /* receives that no message has met, in the order in which they began */
    int wait_count;
    struct hayi_mpi_op *waits;
    /* messages that no receive waits for, in the order in which they came */
    int early_count;
    int early_room;
    struct hayi_mpi_early *early;
    /* not told yet */
    int end_count;
    struct hayi_mpi_end *ends;
    bool *dropped;     /* peers */
    uint64_t moved_ns; /* when something began or ended */
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
    struct hayi_mpi_bulk bulk;
};

extern const struct hayi_transport_ops hayi_mpi_ops;

/* Numbers of peers are ranks turned so that the manager is 0. */
uint32_t hayi_mpi_peer_of_rank(const struct hayi_mpi *m, int rank);
int hayi_mpi_rank_of_peer(const struct hayi_mpi *m, uint32_t peer);
/* MPI said that a request of this peer has failed. */
void hayi_mpi_peer_fails(struct hayi_mpi *m, uint32_t peer, int rc);
/* Of a return code.  Valid until the thread's next call. */
const char *hayi_mpi_words(int rc);
/* One more receive. */
void hayi_mpi_post(struct hayi_mpi *m);
/* All receives, as far as that succeeds in time. */
void hayi_mpi_cancel(struct hayi_mpi *m, uint64_t until_ns);
/* All that needs no MPI. */
void hayi_mpi_free(struct hayi_mpi *m);

/* ---- bulk --------------------------------------------------------------- */

/* Collective over m->comm.  HAY_ENOMEM, HAY_EMPI. */
hay_status hayi_mpi_bulk_init(struct hayi_mpi *m, struct hayi_error *err);
hay_status hayi_mpi_bulk_send(struct hayi_transport *t,
                              uint32_t peer,
                              uint32_t tag,
                              const void *data,
                              size_t size,
                              uint64_t cookie);
hay_status hayi_mpi_bulk_receive(struct hayi_transport *t,
                                 uint32_t peer,
                                 uint32_t tag,
                                 void *data,
                                 size_t size,
                                 uint64_t cookie);
void hayi_mpi_bulk_drop(struct hayi_transport *t, uint32_t peer);
/* The same for a peer that is down. */
void hayi_mpi_bulk_down(struct hayi_mpi *m, uint32_t peer);
/* Looks, and tells of those that have ended; how many. */
uint32_t hayi_mpi_bulk_poll(struct hayi_mpi *m,
                            const struct hayi_transport_sink *sink);
/* Is none under way?  Otherwise *nap_ns, for how long to nap. */
bool hayi_mpi_bulk_rest(const struct hayi_mpi *m, uint32_t *nap_ns);
/* An orderly end: what is still under way is given up. */
void hayi_mpi_bulk_close(struct hayi_mpi *m, uint64_t until_ns);
/* All that needs no MPI. */
void hayi_mpi_bulk_fini(struct hayi_mpi *m);

#endif
