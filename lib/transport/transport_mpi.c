/* transport_mpi.c - frames over MPI.  Only transport_mpi*.c call MPI.
 *
 * After start-up there are only Isend, re-posted Irecv from any source, Test
 * and Cancel.  Open MPI makes progress after it has looked, so "nothing" must
 * be heard twice to mean something.
 *
 * Order.  Several receives are posted, and those of messages above MPI's eager
 * limit end late, so completion is not in order.  A message begins with its
 * number; what comes too early waits.
 *
 * Deaths.  MPI tells of none.  The side connection does; the peer is told to be
 * down when nothing more comes from it.  Sends to it are forgotten: their
 * buffers stay with MPI.  A receive that was matched by a message of the dead
 * one would never end: at each death all receives are cancelled, those that
 * cannot be are left, and others are posted for them.
 *
 * Bells.  Each message is told, by the board or by a bell, so that a receiver
 * stays awake until it has come whole, however slow MPI or the net is; again
 * when a send has completed late.  A rank does not sleep while a send of its
 * own is incomplete.
 *
 * Credit (frame size, unacknowledged bytes and frames): above it btl tcp queues
 * inside the library, and aborts us when the peer dies; measured, see
 * tests/mpi.
 */
#include "config.h"

#include "transport/transport_mpi_inside.h"

#include "base/clock.h"

#include <assert.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAP_NS = 20000,
    TAG = 1,
    MESSAGE_MAX = HAYI_PARCEL_PREFIX + HAYI_PARCEL_FRAME_MAX,
    SENDS_MAX = HAYI_MPI_CREDIT_FRAMES + 16, /* to a peer; some need none */
    ROUNDS_MAX = 16,                         /* of receives in a poll */
};

uint32_t hayi_mpi_peer_of_rank(const struct hayi_mpi *m, int rank)
{
    int size = (int)m->base.peer_count;
    return (uint32_t)((rank - m->manager + size) % size);
}

int hayi_mpi_rank_of_peer(const struct hayi_mpi *m, uint32_t peer)
{
    return ((int)peer + m->manager) % (int)m->base.peer_count;
}

/* Valid until the thread's next call. */
const char *hayi_mpi_words(int rc)
{
    static _Thread_local char words[MPI_MAX_ERROR_STRING];
    int length = 0;
    int told = MPI_Error_string(rc, words, &length);
    return told == MPI_SUCCESS ? words : "unknown error of MPI";
}

/* ---- requests ----------------------------------------------------------- */

static bool requests_reserve(struct hayi_mpi_requests *r)
{
    if (r->count < r->room) {
        return true;
    }
    size_t room = r->room == 0 ? 16 : 2 * (size_t)r->room;
    void *list = realloc(r->list, room * sizeof *r->list);
    r->list = list != NULL ? list : r->list;
    void *parcels = realloc(r->parcels, room * sizeof *r->parcels);
    r->parcels = parcels != NULL ? parcels : r->parcels;
    void *done = realloc(r->done, room * sizeof *r->done);
    r->done = done != NULL ? done : r->done;
    void *statuses = realloc(r->statuses, room * sizeof *r->statuses);
    r->statuses = statuses != NULL ? statuses : r->statuses;
    if (list == NULL || parcels == NULL || done == NULL || statuses == NULL) {
        return false;
    }
    r->room = (int)room;
    return true;
}

static void requests_add(struct hayi_mpi_requests *r,
                         MPI_Request request,
                         struct hayi_parcel *p)
{
    assert(r->count < r->room);
    r->list[r->count] = request;
    r->parcels[r->count] = p;
    r->count++;
}

static void requests_remove(struct hayi_mpi_requests *r, int index)
{
    r->count--;
    r->list[index] = r->list[r->count];
    r->parcels[index] = r->parcels[r->count];
}

/* How many have completed: their indices in done[], statuses[] valid.  When MPI
 * reports errors they are in the statuses. */
static int requests_test(struct hayi_mpi_requests *r)
{
    int count = 0;
    if (r->count == 0) {
        return 0;
    }
    int rc = MPI_Testsome(r->count, r->list, &count, r->done, r->statuses);
    if (rc != MPI_SUCCESS && rc != MPI_ERR_IN_STATUS) {
        return 0;
    }
    for (int i = 0; rc == MPI_SUCCESS && i < count; i++) {
        r->statuses[i].MPI_ERROR = MPI_SUCCESS;
    }
    return count == MPI_UNDEFINED ? 0 : count;
}

static void requests_free(struct hayi_mpi_requests *r)
{
    free(r->list);
    free(r->parcels);
    free(r->done);
    free(r->statuses);
}

void hayi_mpi_peer_fails(struct hayi_mpi *m, uint32_t peer, int rc)
{
    hayi_peers_die(&m->peers, peer, hayi_mpi_words(rc));
}

/* ---- sending ------------------------------------------------------------ */

static void send_ended(struct hayi_mpi *m, struct hayi_parcel *parcel)
{
    m->peers.list[parcel->peer].sends--;
    hayi_parcel_put(&m->peers.pool, parcel);
}

static void test_sends(struct hayi_mpi *m)
{
    struct hayi_mpi_requests *r = &m->sends;
    int count = requests_test(r);
    for (int i = 0; i < count; i++) {
        struct hayi_parcel *parcel = r->parcels[r->done[i]];
        if (r->statuses[i].MPI_ERROR != MPI_SUCCESS) {
            hayi_mpi_peer_fails(m, parcel->peer, r->statuses[i].MPI_ERROR);
        }
        hayi_peers_ring(&m->peers, parcel->peer);
        send_ended(m, parcel);
        r->parcels[r->done[i]] = NULL;
    }
    for (int i = r->count - 1; count > 0 && i >= 0; i--) {
        if (r->parcels[i] == NULL) {
            requests_remove(r, i);
        }
    }
}

static hay_status
mpi_send(struct hayi_transport *t, uint32_t peer, const void *data, size_t size)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    assert(peer < t->peer_count);
    assert(size <= HAYI_PARCEL_FRAME_MAX);
    struct hayi_peer *p = &m->peers.list[peer];
    if (p->life != HAYI_ALIVE) {
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u: %s", peer, p->how);
    }
    if (p->sends >= SENDS_MAX) {
        test_sends(m);
    }
    if (p->sends >= SENDS_MAX || !requests_reserve(&m->sends)) {
        return HAY_EAGAIN;
    }
    struct hayi_parcel *parcel = hayi_parcel_take(&m->peers.pool);
    if (parcel == NULL) {
        return HAY_EAGAIN;
    }
    parcel->peer = peer;
    parcel->message.sequence = p->sequence_out;
    parcel->message.reserved = 0;
    if (size > 0) {
        memcpy(parcel->message.frame, data, size);
    }
    MPI_Request request = MPI_REQUEST_NULL;
    int count = (int)size + HAYI_PARCEL_PREFIX;
    int to = hayi_mpi_rank_of_peer(m, peer);
    int rc = MPI_Isend(
        &parcel->message, count, MPI_BYTE, to, TAG, m->comm, &request);
    if (rc != MPI_SUCCESS) {
        hayi_parcel_put(&m->peers.pool, parcel);
        hayi_mpi_peer_fails(m, peer, rc);
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u: %s", peer, p->how);
    }
    p->sequence_out++;
    p->sends++;
    int done = 0;
    rc = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (rc != MPI_SUCCESS) {
        hayi_mpi_peer_fails(m, peer, rc);
        done = 1;
    }
    hayi_peers_ring(&m->peers, peer);
    if (done != 0) {
        send_ended(m, parcel);
    } else {
        requests_add(&m->sends, request, parcel);
    }
    return HAY_OK;
}

/* ---- receiving ---------------------------------------------------------- */

/* Post the receive at 'index' into its parcel; without one it stays a hole. */
static void post_at(struct hayi_mpi *m, int index)
{
    MPI_Request *to = &m->receives.list[index];
    struct hayi_parcel *p = m->receives.parcels[index];
    if (p == NULL) {
        p = hayi_parcel_take(&m->peers.pool);
        m->receives.parcels[index] = p;
    }
    int any = MPI_ANY_SOURCE;
    int rc = MPI_ERR_OTHER;
    if (p != NULL) {
        rc = MPI_Irecv(
            &p->message, MESSAGE_MAX, MPI_BYTE, any, TAG, m->comm, to);
    }
    if (rc != MPI_SUCCESS) {
        *to = MPI_REQUEST_NULL;
        m->holes = true;
    }
}

void hayi_mpi_post(struct hayi_mpi *m)
{
    if (requests_reserve(&m->receives)) {
        requests_add(&m->receives, MPI_REQUEST_NULL, NULL);
        post_at(m, m->receives.count - 1);
    }
}

static void fill_holes(struct hayi_mpi *m)
{
    m->holes = false;
    for (int i = 0; i < m->receives.count; i++) {
        if (m->receives.list[i] == MPI_REQUEST_NULL) {
            post_at(m, i);
        }
    }
}

/* Is it a message of ours?  Fills in from whom. */
static bool
received(struct hayi_mpi *m, struct hayi_parcel *parcel, MPI_Status *status)
{
    int cancelled = 0;
    int size = 0;
    if (MPI_Test_cancelled(status, &cancelled) != MPI_SUCCESS
        || cancelled != 0) {
        return false;
    }
    if (status->MPI_SOURCE < 0) {
        return false;
    }
    parcel->peer = hayi_mpi_peer_of_rank(m, status->MPI_SOURCE);
    if (status->MPI_ERROR != MPI_SUCCESS) {
        hayi_mpi_peer_fails(m, parcel->peer, status->MPI_ERROR);
        return false;
    }
    if (MPI_Get_count(status, MPI_BYTE, &size) != MPI_SUCCESS
        || size < HAYI_PARCEL_PREFIX) {
        return false;
    }
    parcel->size = (size_t)size - HAYI_PARCEL_PREFIX;
    return true;
}

/* ULFM: some rank has failed that this receive might be for.  It waits on, as
 * soon as that is acknowledged; who has died the side connections tell. */
static bool goes_on(const struct hayi_mpi *m, const MPI_Status *status)
{
#if HAVE_DECL_MPIX_COMM_FAILURE_ACK
    int class = MPI_SUCCESS;
    if (status->MPI_ERROR != MPI_SUCCESS
        && MPI_Error_class(status->MPI_ERROR, &class) == MPI_SUCCESS
        && class == MPIX_ERR_PROC_FAILED_PENDING) {
        (void)MPIX_Comm_failure_ack(m->comm);
        return true;
    }
#endif
    (void)m;
    (void)status;
    return false;
}

/* A receive has completed: post another one in its place first, so that few
 * messages ever come unexpected; then deliver. */
static uint32_t take_receive(struct hayi_mpi *m,
                             int index,
                             MPI_Status *status,
                             const struct hayi_transport_sink *sink)
{
    struct hayi_parcel *parcel = m->receives.parcels[index];
    if (goes_on(m, status)) {
        return 0;
    }
    bool good = received(m, parcel, status);
    if (good) {
        m->receives.parcels[index] = NULL;
    }
    post_at(m, index);
    return good ? hayi_peers_arrive(&m->peers, parcel, sink) : 0;
}

/* *came: receives that have completed. */
static uint32_t take_receives(struct hayi_mpi *m,
                              const struct hayi_transport_sink *sink,
                              int *came)
{
    struct hayi_mpi_requests *r = &m->receives;
    uint32_t calls = 0;
    *came = requests_test(r);
    for (int i = 0; i < *came; i++) {
        calls += take_receive(m, r->done[i], &r->statuses[i], sink);
    }
    return calls;
}

/* Receives that a dead peer's message has taken never end; which ones is not
 * known, but those cannot be cancelled. */
static uint32_t renew_receives(struct hayi_mpi *m,
                               const struct hayi_transport_sink *sink)
{
    struct hayi_mpi_requests *r = &m->receives;
    uint32_t calls = 0;
    int count = r->count;
    for (int i = 0; i < count; i++) {
        if (r->list[i] == MPI_REQUEST_NULL) {
            continue;
        }
        int done = 0;
        MPI_Status status;
        (void)MPI_Cancel(&r->list[i]);
        int rc = MPI_Test(&r->list[i], &done, &status);
        status.MPI_ERROR = rc;
        if (done != 0) {
            calls += take_receive(m, i, &status, sink);
        } else {
            hayi_mpi_post(m);
        }
    }
    return calls;
}

static void forget_sends(struct hayi_mpi *m, uint32_t peer)
{
    struct hayi_mpi_requests *r = &m->sends;
    for (int i = r->count - 1; i >= 0; i--) {
        if (r->parcels[i]->peer == peer) {
            requests_remove(r, i); /* MPI keeps the parcel */
        }
    }
}

static uint32_t tell_deaths(struct hayi_mpi *m,
                            const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    uint32_t peer = 0;
    while ((peer = hayi_peers_next_down(&m->peers)) != UINT32_MAX) {
        forget_sends(m, peer);
        hayi_mpi_bulk_down(m, peer);
        calls += renew_receives(m, sink) + 1;
        calls += hayi_mpi_bulk_poll(m, sink);
        sink->down(sink->context, peer, m->peers.list[peer].how);
    }
    return calls;
}

static uint32_t mpi_poll(struct hayi_transport *t,
                         const struct hayi_transport_sink *sink)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    uint32_t calls = 0;
    int silent = 0;
    for (int round = 0; round < ROUNDS_MAX && silent < 2; round++) {
        int came = 0;
        calls += take_receives(m, sink, &came);
        silent = came > 0 ? 0 : silent + 1;
    }
    if (m->sends.count > 0) {
        test_sends(m);
    }
    calls += hayi_mpi_bulk_poll(m, sink);
    if (m->holes) {
        fill_holes(m);
    }
    hayi_peers_look(&m->peers);
    if (m->peers.dying > 0) {
        calls += tell_deaths(m, sink);
    }
    return calls;
}

/* ---- sleeping ----------------------------------------------------------- */

static bool mpi_announce(struct hayi_transport *t)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    hayi_ringer_announce(m->peers.ringer);
    t->nap_ns = NAP_NS;
    return hayi_mpi_bulk_rest(m, &t->nap_ns) && m->sends.count == 0
           && m->peers.dying == 0 && !m->holes && !hayi_peers_expect(&m->peers);
}

static size_t
mpi_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    size_t count = hayi_ringer_fds(m->peers.ringer, list, room);
    if (m->peers.side != NULL && room > count) {
        int fd = hayi_side_fd(m->peers.side);
        list[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return count;
}

static void mpi_awake(struct hayi_transport *t)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    hayi_ringer_awake(m->peers.ringer);
    m->peers.side_due = true;
}

/* ---- the end ------------------------------------------------------------ */

/* All that needs no MPI. */
void hayi_mpi_free(struct hayi_mpi *m)
{
    hayi_peers_fini(&m->peers);
    hayi_mpi_bulk_fini(m);
    requests_free(&m->sends);
    requests_free(&m->receives);
    free(m);
}

void hayi_mpi_cancel(struct hayi_mpi *m, uint64_t until_ns)
{
    struct hayi_mpi_requests *r = &m->receives;
    for (int i = 0; i < r->count; i++) {
        if (r->list[i] == MPI_REQUEST_NULL) {
            continue;
        }
        int done = 0;
        (void)MPI_Cancel(&r->list[i]);
        do {
            (void)MPI_Test(&r->list[i], &done, MPI_STATUS_IGNORE);
        } while (done == 0 && hayi_clock_ns() < until_ns);
        if (done != 0) {
            hayi_parcel_put(&m->peers.pool, r->parcels[i]);
        }
    }
}

static void mpi_close(struct hayi_transport *t, bool orderly)
{
    struct hayi_mpi *m = (struct hayi_mpi *)t;
    uint64_t until_ns = hayi_clock_ns() + HAYI_MPI_CLOSE_NS;
    /* A death: whatever MPI holds stays with it; the caller leaves. */
    if (orderly) {
        while (m->sends.count > 0 && hayi_clock_ns() < until_ns) {
            test_sends(m);
        }
        hayi_mpi_bulk_close(m, until_ns);
        if (!m->owned) {
            /* Nobody's side connection may end before all are here. */
            (void)MPI_Barrier(m->comm);
        }
        hayi_mpi_cancel(m, until_ns);
        if (m->owned) {
            (void)MPI_Finalize();
        } else {
            (void)MPI_Comm_free(&m->bulk.comm);
            (void)MPI_Comm_free(&m->comm);
        }
    }
    hayi_mpi_free(m);
}

const struct hayi_transport_ops hayi_mpi_ops = {
    .send = mpi_send,
    .poll = mpi_poll,
    .announce = mpi_announce,
    .fds = mpi_fds,
    .awake = mpi_awake,
    .bulk_send = hayi_mpi_bulk_send,
    .bulk_receive = hayi_mpi_bulk_receive,
    .bulk_drop = hayi_mpi_bulk_drop,
    .close = mpi_close,
};
