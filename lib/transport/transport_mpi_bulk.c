/* transport_mpi_bulk.c - bulk messages over MPI.
 *
 * Isend and Imrecv straight from and to the caller's memory, on a communicator
 * of their own.  While receives wait, every message that comes is taken by a
 * matched probe and meets its receive here, not inside MPI: then its size is
 * known before a byte is written (Open MPI 4.1 writes beyond the end of a
 * receive that is too short, if the message is above the eager limit), and a
 * receive that no message has met can be given up at any time.  A message of
 * another size is received aside, so that its sender ends.
 *
 * Deaths.  A receive that has met its message cannot be taken back: MPI keeps
 * it, and the memory with it, since a peer that was only cut off may go on to
 * write there.  Of a send MPI only reads.
 *
 * Rest.  What moves inside MPI is not seen, only that a message has begun or
 * ended.  The naps grow with the time since something was seen, to a sixteenth
 * of it: short beside the messages that come, however fast the net is, and long
 * when the other side lets us wait.  Both ends ring when they begin.
 */
#include "config.h"

#include "transport/transport_mpi_inside.h"

#include "base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPS_MAX = 256, /* under way, or ended and not told */
    SPIN_NS = 2000000,
    NAP_SHARE = 16,
    NAP_MAX_NS = 4000000,
};

struct hayi_mpi_op {
    uint64_t cookie;
    uint32_t peer;
    int tag;
    bool receive;
    int size;
    void *data;      /* of a receive */
    void *aside;     /* of one that met a message of another size; ours */
    hay_status fate; /* its status if MPI has no objection */
};

struct hayi_mpi_early {
    MPI_Message message;
    uint32_t peer;
    int tag;
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
    b->waits = calloc(OPS_MAX, sizeof *b->waits);
    b->ends = calloc(OPS_MAX, sizeof *b->ends);
    b->dropped = calloc(m->base.peer_count, sizeof *b->dropped);
    if (b->list == NULL || b->ops == NULL || b->done == NULL
        || b->statuses == NULL || b->waits == NULL || b->ends == NULL
        || b->dropped == NULL) {
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
    free(b->waits);
    free(b->early);
    free(b->ends);
    free(b->dropped);
}

/* ---- one message -------------------------------------------------------- */

static void ended(struct hayi_mpi_bulk *b, uint64_t cookie, hay_status status)
{
    assert(b->end_count < OPS_MAX);
    b->ends[b->end_count++] =
        (struct hayi_mpi_end){.cookie = cookie, .status = status};
}

static hay_status
may_begin(const struct hayi_mpi *m, uint32_t peer, size_t size)
{
    assert(peer < m->base.peer_count);
    assert(size <= HAYI_BULK_MAX);
    const struct hayi_mpi_bulk *b = &m->bulk;
    const struct hayi_peer *p = &m->peers.list[peer];
    if (b->dropped[peer] || p->life != HAYI_ALIVE) {
        const char *how = p->life != HAYI_ALIVE ? p->how : "was lost";
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u: %s", peer, how);
    }
    bool room = b->count + b->wait_count + b->end_count < OPS_MAX;
    return room ? HAY_OK : HAY_EAGAIN;
}

/* It is in the hands of MPI. */
static void
begun(struct hayi_mpi *m, MPI_Request request, const struct hayi_mpi_op *op)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    assert(b->count < OPS_MAX);
    b->list[b->count] = request;
    b->ops[b->count] = *op;
    b->count++;
    b->moved_ns = hayi_clock_ns();
}

hay_status hayi_mpi_bulk_send(struct hayi_transport *t,
                              uint32_t peer,
                              uint32_t tag,
                              const void *data,
                              size_t size,
                              uint64_t cookie)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    assert(data != NULL || size == 0);
    hay_status st = may_begin(m, peer, size);
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_mpi_op op = {
        .cookie = cookie,
        .peer = peer,
        .tag = (int)(tag % m->bulk.tags),
        .size = (int)size,
    };
    MPI_Request request = MPI_REQUEST_NULL;
    int to = hayi_mpi_rank_of_peer(m, peer);
    int rc =
        MPI_Isend(data, op.size, MPI_BYTE, to, op.tag, m->bulk.comm, &request);
    if (rc != MPI_SUCCESS) {
        hayi_mpi_peer_fails(m, peer, rc);
        return hayi_fail(hayi_thread_error(),
                         HAY_EFARM,
                         "peer %u: %s",
                         peer,
                         hayi_mpi_words(rc));
    }
    begun(m, request, &op);
    hayi_peers_ring(&m->peers, peer);
    return HAY_OK;
}

/* A receive has met its message. */
static void accept(struct hayi_mpi *m,
                   struct hayi_mpi_op op,
                   const struct hayi_mpi_early *early)
{
    MPI_Message message = early->message;
    MPI_Request request = MPI_REQUEST_NULL;
    void *data = op.data;
    if (early->size != op.size) {
        op.fate = early->size == 0 ? HAY_EEMPTY : HAY_EMISMATCH;
        op.aside = malloc((size_t)early->size + 1);
        data = op.aside;
    }
    int rc = MPI_ERR_NO_MEM;
    if (data != NULL) {
        rc = MPI_Imrecv(data, early->size, MPI_BYTE, &message, &request);
    }
    if (rc != MPI_SUCCESS) {
        free(op.aside);
        ended(&m->bulk, op.cookie, HAY_EMISMATCH); /* its sender waits */
        return;
    }
    begun(m, request, &op);
}

static bool same(const struct hayi_mpi_op *op,
                 const struct hayi_mpi_early *early)
{
    return op->peer == early->peer && op->tag == early->tag;
}

static void remove_early(struct hayi_mpi_bulk *b, int index)
{
    size_t behind = (size_t)(b->early_count - index - 1);
    b->early_count--;
    memmove(&b->early[index], &b->early[index + 1], behind * sizeof *b->early);
}

static void remove_wait(struct hayi_mpi_bulk *b, int index)
{
    size_t behind = (size_t)(b->wait_count - index - 1);
    b->wait_count--;
    memmove(&b->waits[index], &b->waits[index + 1], behind * sizeof *b->waits);
}

hay_status hayi_mpi_bulk_receive(struct hayi_transport *t,
                                 uint32_t peer,
                                 uint32_t tag,
                                 void *data,
                                 size_t size,
                                 uint64_t cookie)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    struct hayi_mpi_bulk *b = &m->bulk;
    assert(data != NULL);
    assert(size >= 1);
    hay_status st = may_begin(m, peer, size);
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_mpi_op op = {
        .cookie = cookie,
        .peer = peer,
        .tag = (int)(tag % b->tags),
        .receive = true,
        .size = (int)size,
        .data = data,
    };
    for (int i = 0; i < b->early_count; i++) {
        if (same(&op, &b->early[i])) {
            struct hayi_mpi_early early = b->early[i];
            remove_early(b, i);
            accept(m, op, &early);
            hayi_peers_ring(&m->peers, peer);
            return HAY_OK;
        }
    }
    b->waits[b->wait_count++] = op;
    b->moved_ns = hayi_clock_ns();
    return HAY_OK;
}

/* ---- progress ----------------------------------------------------------- */

static void meet(struct hayi_mpi *m, const struct hayi_mpi_early *early)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    for (int i = 0; i < b->wait_count; i++) {
        if (same(&b->waits[i], early)) {
            struct hayi_mpi_op op = b->waits[i];
            remove_wait(b, i);
            accept(m, op, early);
            return;
        }
    }
    assert(b->early_count < b->early_room);
    b->early[b->early_count++] = *early;
}

/* Before a message is taken: is there room for one that nobody waits for? */
static bool reserve_early(struct hayi_mpi_bulk *b)
{
    if (b->early_count < b->early_room) {
        return true;
    }
    size_t room = b->early_room == 0 ? 16 : 2 * (size_t)b->early_room;
    void *early = realloc(b->early, room * sizeof *b->early);
    if (early == NULL) {
        return false;
    }
    b->early = early;
    b->early_room = (int)room;
    return true;
}

/* Take what has come, as long as receives wait. */
static void probe(struct hayi_mpi *m)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    while (b->wait_count > 0 && reserve_early(b)) {
        struct hayi_mpi_early early = {.size = 0};
        MPI_Status status;
        int found = 0;
        int rc = MPI_Improbe(MPI_ANY_SOURCE,
                             MPI_ANY_TAG,
                             b->comm,
                             &found,
                             &early.message,
                             &status);
        if (rc != MPI_SUCCESS || found == 0) {
            return;
        }
        (void)MPI_Get_count(&status, MPI_BYTE, &early.size);
        early.peer = hayi_mpi_peer_of_rank(m, status.MPI_SOURCE);
        early.tag = status.MPI_TAG;
        if (!b->dropped[early.peer]) {
            meet(m, &early);
        }
    }
}

/* How a completed request has ended. */
static hay_status
outcome(struct hayi_mpi *m, const struct hayi_mpi_op *op, int error)
{
    if (error != MPI_SUCCESS) {
        hayi_mpi_peer_fails(m, op->peer, error);
        return HAY_EFARM;
    }
    return op->fate;
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
        int error = rc == MPI_SUCCESS ? rc : b->statuses[i].MPI_ERROR;
        ended(b, op->cookie, outcome(m, op, error));
        free(op->aside);
        hayi_peers_ring(&m->peers, op->peer);
        b->list[b->done[i]] = MPI_REQUEST_NULL; /* also after an error */
    }
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
    probe(m);
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

/* ---- ends --------------------------------------------------------------- */

void hayi_mpi_bulk_down(struct hayi_mpi *m, uint32_t peer)
{
    struct hayi_mpi_bulk *b = &m->bulk;
    int kept = 0;
    b->dropped[peer] = true;
    for (int i = 0; i < b->count; i++) {
        const struct hayi_mpi_op *op = &b->ops[i];
        if (op->peer == peer) {
            bool writes = op->receive && op->aside == NULL;
            ended(b, op->cookie, writes ? HAY_EMPI : HAY_EFARM);
            continue;
        }
        b->list[kept] = b->list[i];
        b->ops[kept] = *op;
        kept++;
    }
    b->count = kept;
    for (int i = b->wait_count - 1; i >= 0; i--) {
        if (b->waits[i].peer == peer) {
            ended(b, b->waits[i].cookie, HAY_EFARM);
            remove_wait(b, i);
        }
    }
    for (int i = b->early_count - 1; i >= 0; i--) {
        if (b->early[i].peer == peer) {
            remove_early(b, i);
        }
    }
}

void hayi_mpi_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    assert(peer < t->peer_count);
    hayi_mpi_bulk_down((struct hayi_mpi *)t, peer);
}

bool hayi_mpi_bulk_rest(const struct hayi_mpi *m, uint32_t *nap_ns)
{
    const struct hayi_mpi_bulk *b = &m->bulk;
    if (b->count == 0 && b->wait_count == 0 && b->end_count == 0) {
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
    b->wait_count = 0;
    while (b->count > 0 && hayi_clock_ns() < until_ns) {
        b->end_count = 0;
        test_all(m);
    }
}
