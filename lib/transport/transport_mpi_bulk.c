/* transport_mpi_bulk.c - bulk messages over MPI.
 *
 * Isend and Irecv straight from and to the caller's memory, on a communicator
 * of their own, whose tags and order of matching are those of the contract.
 *
 * Deaths.  A receive that no message has matched can be cancelled.  One that
 * was matched cannot: MPI keeps it, and the memory with it, since a peer that
 * was only cut off may go on to write there.  Of a send MPI only reads.
 *
 * Rest.  What moves inside MPI is not seen, only that a message has ended.  The
 * naps grow with the time since something was seen, to a sixteenth of it: short
 * beside the messages that come, however fast the net is, and long when the
 * other side lets us wait.  Both ends ring when they begin.
 */
#include "config.h"

#include "transport/transport_mpi_inside.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>

enum {
    OPS_MAX = 256, /* under way, or ended and not told */
    SPIN_NS = 1000000,
    NAP_SHARE = 16,
    NAP_MAX_NS = 1000000,
};

struct hayi_mpi_op {
    uint64_t cookie;
    uint32_t peer;
    bool receive;
    int size;
};

struct hayi_mpi_end {
    uint64_t cookie;
    hay_status status;
};

hay_status hayi_mpi_bulk_init(struct hayi_mpi *m, struct hayi_error *err)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    int *most = NULL;
    int found = 0;
    int rc = MPI_Comm_dup(m->comm, &b->comm);
    if (rc != MPI_SUCCESS) {
        return hayi_fail(err, HAY_EMPI, "MPI_Comm_dup: %s", hayi_mpi_words(rc));
    }
    (void)MPI_Comm_set_errhandler(b->comm, MPI_ERRORS_RETURN);
    rc = MPI_Comm_get_attr(b->comm, MPI_TAG_UB, (void *)&most, &found);
    b->tags = rc == MPI_SUCCESS && found != 0 ? (uint32_t)*most + 1 : 1U << 15;
    b->list = calloc(OPS_MAX, sizeof *b->list);
    b->ops = calloc(OPS_MAX, sizeof *b->ops);
    b->done = calloc(OPS_MAX, sizeof *b->done);
    b->statuses = calloc(OPS_MAX, sizeof *b->statuses);
    b->ends = calloc(OPS_MAX, sizeof *b->ends);
    b->dropped = calloc(m->base.peer_count, sizeof *b->dropped);
    if (b->list == NULL || b->ops == NULL || b->done == NULL
        || b->statuses == NULL || b->ends == NULL || b->dropped == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the transport");
    }
    return HAY_OK;
}

void hayi_mpi_bulk_fini(struct hayi_mpi *m)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    free(b->list);
    free(b->ops);
    free(b->done);
    free(b->statuses);
    free(b->ends);
    free(b->dropped);
}

/* ---- one message -------------------------------------------------------- */

static hay_status may_begin(const struct hayi_mpi *m,
                            uint32_t peer,
                            const void *data,
                            size_t size)
{
    assert(peer < m->base.peer_count);
    assert(data != NULL);
    assert(size >= 1 && size <= HAYI_BULK_MAX);
    const struct hayi_peer *p = &m->peers.list[peer];
    if (m->bulk.dropped[peer] || p->life != HAYI_ALIVE) {
        const char *how = p->life != HAYI_ALIVE ? p->how : "was lost";
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u: %s", peer, how);
    }
    return m->bulk.count + m->bulk.end_count < OPS_MAX ? HAY_OK : HAY_EAGAIN;
}

/* MPI has taken it, or not. */
static hay_status begun(struct hayi_mpi *m,
                        int rc,
                        MPI_Request request,
                        const struct hayi_mpi_op *op)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    if (rc != MPI_SUCCESS) {
        hayi_mpi_peer_fails(m, op->peer, rc);
        return hayi_fail(hayi_thread_error(),
                         HAY_EFARM,
                         "peer %u: %s",
                         op->peer,
                         hayi_mpi_words(rc));
    }
    b->list[b->count] = request;
    b->ops[b->count] = *op;
    b->count++;
    b->moved_ns = hayi_clock_ns();
    hayi_peers_ring(&m->peers, op->peer);
    return HAY_OK;
}

hay_status hayi_mpi_bulk_send(struct hayi_transport *t,
                              uint32_t peer,
                              uint32_t tag,
                              const void *data,
                              size_t size,
                              uint64_t cookie)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    hay_status st = may_begin(m, peer, data, size);
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_mpi_op op = {cookie, peer, false, (int)size};
    MPI_Request request = MPI_REQUEST_NULL;
    int number = (int)(tag % m->bulk.tags);
    int to = hayi_mpi_rank_of_peer(m, peer);
    int rc =
        MPI_Isend(data, op.size, MPI_BYTE, to, number, m->bulk.comm, &request);
    return begun(m, rc, request, &op);
}

hay_status hayi_mpi_bulk_receive(struct hayi_transport *t,
                                 uint32_t peer,
                                 uint32_t tag,
                                 void *data,
                                 size_t size,
                                 uint64_t cookie)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    hay_status st = may_begin(m, peer, data, size);
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_mpi_op op = {cookie, peer, true, (int)size};
    MPI_Request request = MPI_REQUEST_NULL;
    int number = (int)(tag % m->bulk.tags);
    int from = hayi_mpi_rank_of_peer(m, peer);
    int rc = MPI_Irecv(
        data, op.size, MPI_BYTE, from, number, m->bulk.comm, &request);
    return begun(m, rc, request, &op);
}

/* ---- ends --------------------------------------------------------------- */

static void ended(struct hayi_mpi_bulk *b, uint64_t cookie, hay_status status)
{
    assert(b->end_count < OPS_MAX);
    b->ends[b->end_count++] =
        (struct hayi_mpi_end){.cookie = cookie, .status = status};
}

/* How a completed request has ended. */
static hay_status
outcome(struct hayi_mpi *m, const struct hayi_mpi_op *op, MPI_Status *status)
{
    int class = MPI_SUCCESS;
    int size = op->size;
    if (status->MPI_ERROR != MPI_SUCCESS) {
        (void)MPI_Error_class(status->MPI_ERROR, &class);
        if (class != MPI_ERR_TRUNCATE) {
            hayi_mpi_peer_fails(m, op->peer, status->MPI_ERROR);
            return HAY_EFARM;
        }
        return HAY_EMISMATCH;
    }
    if (op->receive) {
        (void)MPI_Get_count(status, MPI_BYTE, &size);
    }
    return size == op->size ? HAY_OK : HAY_EMISMATCH;
}

static void test_all(struct hayi_mpi *m)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    int count = 0;
    int rc = MPI_Testsome(b->count, b->list, &count, b->done, b->statuses);
    if ((rc != MPI_SUCCESS && rc != MPI_ERR_IN_STATUS) || count == MPI_UNDEFINED
        || count == 0) {
        return;
    }
    for (int i = 0; i < count; i++) {
        struct hayi_mpi_op *op = &b->ops[b->done[i]];
        if (rc == MPI_SUCCESS) {
            b->statuses[i].MPI_ERROR = MPI_SUCCESS;
        }
        ended(b, op->cookie, outcome(m, op, &b->statuses[i]));
        hayi_peers_ring(&m->peers, op->peer);
        b->list[b->done[i]] = MPI_REQUEST_NULL; /* also after an error */
    }
    /* The others keep their order. */
    int kept = 0;
    for (int i = 0; i < b->count; i++) {
        if (b->list[i] != MPI_REQUEST_NULL) {
            b->list[kept] = b->list[i];
            b->ops[kept] = b->ops[i];
            kept++;
        }
    }
    b->count = kept;
    b->moved_ns = hayi_clock_ns();
}

uint32_t hayi_mpi_bulk_poll(struct hayi_mpi *m,
                            const struct hayi_transport_sink *sink)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    if (b->count > 0) {
        test_all(m);
    }
    if (b->end_count == 0) {
        return 0;
    }
    assert(sink->bulk != NULL);
    int told = 0;
    while (told < b->end_count) { /* the sink may drop a peer: more of them */
        struct hayi_mpi_end end = b->ends[told++];
        sink->bulk(sink->context, end.cookie, end.status);
    }
    b->end_count = 0;
    return (uint32_t)told;
}

/* Take it back from MPI, which may have it in its hands. */
static hay_status revoke(struct hayi_mpi *m, int index)
{
    MPI_Request *request = &m->bulk.list[index];
    MPI_Status status;
    int done = 0;
    if (!m->bulk.ops[index].receive) {
        return HAY_EFARM; /* MPI only reads */
    }
    (void)MPI_Cancel(request);
    int rc = MPI_Test(request, &done, &status);
    return rc == MPI_SUCCESS && done != 0 ? HAY_EFARM : HAY_EMPI;
}

void hayi_mpi_bulk_down(struct hayi_mpi *m, uint32_t peer)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    int kept = 0;
    b->dropped[peer] = true;
    for (int i = 0; i < b->count; i++) {
        if (b->ops[i].peer == peer) {
            ended(b, b->ops[i].cookie, revoke(m, i));
            continue;
        }
        b->list[kept] = b->list[i];
        b->ops[kept] = b->ops[i];
        kept++;
    }
    b->count = kept;
}

void hayi_mpi_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    assert(peer < t->peer_count);
    hayi_mpi_bulk_down((struct hayi_mpi *)t, peer);
}

/* ---- rest --------------------------------------------------------------- */

bool hayi_mpi_bulk_rest(const struct hayi_mpi *m, uint32_t *nap_ns)
{
    const struct hayi_mpi_bulk *b = &m->bulk;
    if (b->count == 0 && b->end_count == 0) {
        return true;
    }
    uint64_t idle = hayi_clock_ns() - b->moved_ns;
    uint64_t nap = idle < SPIN_NS || b->end_count > 0 ? 0 : idle / NAP_SHARE;
    *nap_ns = (uint32_t)(nap < NAP_MAX_NS ? nap : NAP_MAX_NS);
    return false;
}

void hayi_mpi_bulk_close(struct hayi_mpi *m, uint64_t until_ns)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    for (int i = 0; i < b->count; i++) {
        if (b->ops[i].receive) {
            (void)MPI_Cancel(&b->list[i]);
        }
    }
    while (b->count > 0 && hayi_clock_ns() < until_ns) {
        b->end_count = 0;
        test_all(m);
    }
}
