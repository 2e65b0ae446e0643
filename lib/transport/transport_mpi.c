/* transport_mpi.c - frames over MPI; the only file that calls MPI.
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

#include "transport/transport_mpi.h"

#include "base/clock.h"
#include "transport/identity.h"
#include "transport/peers.h"

#include <assert.h>
#include <mpi.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROTOCOL = 1, /* raised when the card or a message changes */
    TAG = 1,
    MESSAGE_MAX = HAYI_PARCEL_PREFIX + HAYI_PARCEL_FRAME_MAX,
    CREDIT_BYTES = 64 << 10,
    CREDIT_FRAMES = 16,
    SENDS_MAX = CREDIT_FRAMES + 16, /* to a peer; some need no credit */
    RECEIVES = 8,                   /* posted */
    ROUNDS_MAX = 16,                /* of receives in a poll */
    WORDS_MAX = 320,                /* about a difference */
};

#define CLOSE_NS    UINT64_C(2000000000)
#define VADER_EAGER "33792" /* a message in one step; the user's word wins */

/* Requests and their parcels, index by index. */
struct requests {
    MPI_Request *list;
    struct hayi_parcel **parcels;
    int *done;
    MPI_Status *statuses;
    int count;
    int room;
};

struct mpi {
    struct hayi_transport base;
    MPI_Comm comm;
    bool owned;
    int rank;
    int size;
    int manager;
    struct hayi_peers peers;
    struct requests sends;
    struct requests receives;
    bool holes; /* receives that could not be posted */
};

static uint32_t peer_of_rank(const struct mpi *m, int rank)
{
    int size = (int)m->base.peer_count;
    return (uint32_t)((rank - m->manager + size) % size);
}

static int rank_of_peer(const struct mpi *m, uint32_t peer)
{
    return ((int)peer + m->manager) % (int)m->base.peer_count;
}

/* Valid until the thread's next call. */
static const char *mpi_words(int rc)
{
    static _Thread_local char words[MPI_MAX_ERROR_STRING];
    int length = 0;
    int told = MPI_Error_string(rc, words, &length);
    return told == MPI_SUCCESS ? words : "unknown error of MPI";
}

/* ---- requests ----------------------------------------------------------- */

static bool requests_reserve(struct requests *r)
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

static void
requests_add(struct requests *r, MPI_Request request, struct hayi_parcel *p)
{
    assert(r->count < r->room);
    r->list[r->count] = request;
    r->parcels[r->count] = p;
    r->count++;
}

static void requests_remove(struct requests *r, int index)
{
    r->count--;
    r->list[index] = r->list[r->count];
    r->parcels[index] = r->parcels[r->count];
}

/* How many have completed: their indices in done[], statuses[] valid.  When MPI
 * reports errors they are in the statuses. */
static int requests_test(struct requests *r)
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

static void requests_free(struct requests *r)
{
    free(r->list);
    free(r->parcels);
    free(r->done);
    free(r->statuses);
}

static void peer_fails(struct mpi *m, uint32_t peer, int rc)
{
    hayi_peers_die(&m->peers, peer, mpi_words(rc));
}

/* ---- sending ------------------------------------------------------------ */

static void send_ended(struct mpi *m, struct hayi_parcel *parcel)
{
    m->peers.list[parcel->peer].sends--;
    hayi_parcel_put(&m->peers.pool, parcel);
}

static void test_sends(struct mpi *m)
{
    struct requests *r = &m->sends;
    int count = requests_test(r);
    for (int i = 0; i < count; i++) {
        struct hayi_parcel *parcel = r->parcels[r->done[i]];
        if (r->statuses[i].MPI_ERROR != MPI_SUCCESS) {
            peer_fails(m, parcel->peer, r->statuses[i].MPI_ERROR);
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
    struct mpi *m = (struct mpi *)t;
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
    int to = rank_of_peer(m, peer);
    int rc = MPI_Isend(
        &parcel->message, count, MPI_BYTE, to, TAG, m->comm, &request);
    if (rc != MPI_SUCCESS) {
        hayi_parcel_put(&m->peers.pool, parcel);
        peer_fails(m, peer, rc);
        return hayi_fail(
            hayi_thread_error(), HAY_EFARM, "peer %u: %s", peer, p->how);
    }
    p->sequence_out++;
    p->sends++;
    int done = 0;
    rc = MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (rc != MPI_SUCCESS) {
        peer_fails(m, peer, rc);
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
static void post_at(struct mpi *m, int index)
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

static void post_new(struct mpi *m)
{
    if (requests_reserve(&m->receives)) {
        requests_add(&m->receives, MPI_REQUEST_NULL, NULL);
        post_at(m, m->receives.count - 1);
    }
}

static void fill_holes(struct mpi *m)
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
received(struct mpi *m, struct hayi_parcel *parcel, MPI_Status *status)
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
    parcel->peer = peer_of_rank(m, status->MPI_SOURCE);
    if (status->MPI_ERROR != MPI_SUCCESS) {
        peer_fails(m, parcel->peer, status->MPI_ERROR);
        return false;
    }
    if (MPI_Get_count(status, MPI_BYTE, &size) != MPI_SUCCESS
        || size < HAYI_PARCEL_PREFIX) {
        return false;
    }
    parcel->size = (size_t)size - HAYI_PARCEL_PREFIX;
    return true;
}

/* A receive has completed: post another one in its place first, so that few
 * messages ever come unexpected; then deliver. */
static uint32_t take_receive(struct mpi *m,
                             int index,
                             MPI_Status *status,
                             const struct hayi_transport_sink *sink)
{
    struct hayi_parcel *parcel = m->receives.parcels[index];
    bool good = received(m, parcel, status);
    if (good) {
        m->receives.parcels[index] = NULL;
    }
    post_at(m, index);
    return good ? hayi_peers_arrive(&m->peers, parcel, sink) : 0;
}

/* *came: receives that have completed. */
static uint32_t
take_receives(struct mpi *m, const struct hayi_transport_sink *sink, int *came)
{
    struct requests *r = &m->receives;
    uint32_t calls = 0;
    *came = requests_test(r);
    for (int i = 0; i < *came; i++) {
        calls += take_receive(m, r->done[i], &r->statuses[i], sink);
    }
    return calls;
}

/* Receives that a dead peer's message has taken never end; which ones is not
 * known, but those cannot be cancelled. */
static uint32_t renew_receives(struct mpi *m,
                               const struct hayi_transport_sink *sink)
{
    struct requests *r = &m->receives;
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
            post_new(m);
        }
    }
    return calls;
}

static void forget_sends(struct mpi *m, uint32_t peer)
{
    struct requests *r = &m->sends;
    for (int i = r->count - 1; i >= 0; i--) {
        if (r->parcels[i]->peer == peer) {
            requests_remove(r, i); /* MPI keeps the parcel */
        }
    }
}

static uint32_t tell_deaths(struct mpi *m,
                            const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    uint32_t peer = 0;
    while ((peer = hayi_peers_next_down(&m->peers)) != UINT32_MAX) {
        forget_sends(m, peer);
        calls += renew_receives(m, sink) + 1;
        sink->down(sink->context, peer, m->peers.list[peer].how);
    }
    return calls;
}

static uint32_t mpi_poll(struct hayi_transport *t,
                         const struct hayi_transport_sink *sink)
{
    struct mpi *m = (struct mpi *)t;
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
    struct mpi *m = (struct mpi *)t;
    hayi_ringer_announce(m->peers.ringer);
    return m->sends.count == 0 && m->peers.dying == 0 && !m->holes
           && !hayi_peers_expect(&m->peers);
}

static size_t
mpi_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    struct mpi *m = (struct mpi *)t;
    size_t count = hayi_ringer_fds(m->peers.ringer, list, room);
    if (m->peers.side != NULL && room > count) {
        int fd = hayi_side_fd(m->peers.side);
        list[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return count;
}

static void mpi_awake(struct hayi_transport *t)
{
    struct mpi *m = (struct mpi *)t;
    hayi_ringer_awake(m->peers.ringer);
    m->peers.side_due = true;
}

/* ---- the end ------------------------------------------------------------ */

/* All that needs no MPI. */
static void mpi_free(struct mpi *m)
{
    hayi_peers_fini(&m->peers);
    requests_free(&m->sends);
    requests_free(&m->receives);
    free(m);
}

static void cancel_receives(struct mpi *m, uint64_t until_ns)
{
    struct requests *r = &m->receives;
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
    struct mpi *m = (struct mpi *)t;
    uint64_t until_ns = hayi_clock_ns() + CLOSE_NS;
    /* A death: whatever MPI holds stays with it; the caller leaves. */
    if (orderly) {
        while (m->sends.count > 0 && hayi_clock_ns() < until_ns) {
            test_sends(m);
        }
        if (!m->owned) {
            /* Nobody's side connection may end before all are here. */
            (void)MPI_Barrier(m->comm);
        }
        cancel_receives(m, until_ns);
        if (m->owned) {
            (void)MPI_Finalize();
        } else {
            (void)MPI_Comm_free(&m->comm);
        }
    }
    mpi_free(m);
}

static const struct hayi_transport_ops mpi_ops = {
    .send = mpi_send,
    .poll = mpi_poll,
    .announce = mpi_announce,
    .fds = mpi_fds,
    .awake = mpi_awake,
    .close = mpi_close,
};

/* ---- the start ---------------------------------------------------------- */

static hay_status fail_mpi(struct hayi_error *err, const char *what, int rc)
{
    return hayi_fail(err, HAY_EMPI, "%s: %s", what, mpi_words(rc));
}

static hay_status
begin(struct mpi *m, const struct hayi_mpi_start *start, struct hayi_error *err)
{
    MPI_Comm comm = MPI_COMM_WORLD;
    int rc = MPI_SUCCESS;
    int done = 0;
    (void)MPI_Initialized(&done);
    if (start->mpi_owned == (done != 0)) {
        return hayi_fail(err,
                         HAY_EMPI,
                         "MPI is %s initialised",
                         start->mpi_owned ? "already" : "not");
    }
    if (start->mpi_owned) {
        int level = 0;
        (void)setenv("OMPI_MCA_btl_vader_eager_limit", VADER_EAGER, 0);
        rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
        if (rc != MPI_SUCCESS) {
            return fail_mpi(err, "MPI_Init_thread", rc);
        }
        m->owned = true;
        (void)MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    } else {
        comm = *(const MPI_Comm *)start->comm;
    }
    rc = MPI_Comm_dup(comm, &m->comm);
    if (rc != MPI_SUCCESS) {
        return fail_mpi(err, "MPI_Comm_dup", rc);
    }
    (void)MPI_Comm_set_errhandler(m->comm, MPI_ERRORS_RETURN);
    (void)MPI_Comm_rank(m->comm, &m->rank);
    (void)MPI_Comm_size(m->comm, &m->size);
    m->manager = (int)(start->manager % (uint32_t)m->size);
    m->base.ops = &mpi_ops;
    m->base.peer_count = (uint32_t)m->size;
    m->base.self = peer_of_rank(m, m->rank);
    m->base.frame_max = HAYI_PARCEL_FRAME_MAX;
    m->base.credit_bytes = CREDIT_BYTES;
    m->base.credit_frames = CREDIT_FRAMES;
    return HAY_OK;
}

/* Do all ranks speak the same?  Cards of another layout could not be read. */
static hay_status check_protocol(struct mpi *m, struct hayi_error *err)
{
    uint64_t both[2] = {((uint64_t)PROTOCOL << 32) + sizeof(struct hayi_card),
                        0};
    uint64_t least[2];
    both[1] = ~both[0];
    int rc = MPI_Allreduce(both, least, 2, MPI_UINT64_T, MPI_MIN, m->comm);
    if (rc != MPI_SUCCESS) {
        return fail_mpi(err, "MPI_Allreduce", rc);
    }
    if (least[0] != ~least[1]) {
        return hayi_fail(
            err, HAY_EMISMATCH, "the ranks run different versions of Hayfork");
    }
    return HAY_OK;
}

static bool level_suffices(const struct mpi *m)
{
    int level = MPI_THREAD_SINGLE;
    (void)MPI_Query_thread(&level);
    return level >= (m->owned ? MPI_THREAD_FUNNELED : MPI_THREAD_SERIALIZED);
}

/* Our card, and the sockets that it tells of.  A failure stands in the card. */
static void prepare(struct mpi *m,
                    const struct hayi_mpi_start *start,
                    MPI_Comm host,
                    struct hayi_card *card)
{
    struct hayi_error err = {HAY_OK, ""};
    int rank = 0;
    int size = 0;
    hayi_card_fill(card, start);
    (void)MPI_Comm_rank(host, &rank);
    (void)MPI_Comm_size(host, &size);
    card->peer.node_rank = (uint32_t)rank;
    card->peer.node_size = (uint32_t)size;
    card->node = (uint32_t)m->rank;
    (void)MPI_Bcast(&card->node, 1, MPI_UINT32_T, 0, host);
    card->threads = level_suffices(m);
    hay_status st = hayi_peers_init(
        &m->peers, m->base.self, m->base.peer_count, card, &err);
    card->status = st;
    (void)snprintf(card->words, sizeof card->words, "%s", err.text);
}

/* Rank 0's text goes to all, the lowest that differs finds the difference and
 * tells it to all. */
static hay_status refuse_identity(struct mpi *m,
                                  const struct hayi_mpi_start *start,
                                  const struct hayi_card *cards,
                                  struct hayi_error *err)
{
    int lowest = hayi_cards_differ(cards, m->size);
    char words[WORDS_MAX] = "";
    size_t size = cards[0].identity_size;
    char *text = calloc(1, size + 1);
    if (text == NULL || size > INT32_MAX) {
        free(text);
        return hayi_fail(err, HAY_ENOMEM, "no memory for a text");
    }
    if (m->rank == 0 && size > 0) {
        memcpy(text, start->identity, size);
    }
    (void)MPI_Bcast(text, (int)size, MPI_BYTE, 0, m->comm);
    if (m->rank == lowest) {
        const char *own = start->identity;
        size_t own_size = start->identity_size;
        hayi_identity_tell(text, size, 0, own, own_size, words, WORDS_MAX);
    }
    (void)MPI_Bcast(words, WORDS_MAX, MPI_BYTE, lowest, m->comm);
    free(text);
    return hayi_cards_refuse(cards, m->size, words, err);
}

/* A board that all ranks of this host see, or none. */
static void
share_board(struct mpi *m, const struct hayi_card *own, MPI_Comm host)
{
    bool maker = own->peer.node_rank == 0;
    uint32_t size = own->peer.node_size;
    struct hayi_board board = {0, 0, NULL};
    char name[HAYI_BOARD_NAME] = "";
    hay_status st = HAY_OK;
    if (maker) {
        st = hayi_board_make(&board, size, name, NULL);
    }
    (void)MPI_Bcast(name, HAYI_BOARD_NAME, MPI_BYTE, 0, host);
    if (!maker) {
        st = hayi_board_join(&board, size, name, NULL);
    }
    int good = st == HAY_OK;
    int all = 0;
    (void)MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, host);
    if (maker) {
        hayi_board_forget(name);
    }
    if (all != 0) {
        hayi_peers_board(&m->peers, &board, own);
    } else {
        hayi_board_fini(&board);
    }
}

/* What the caller asked for: the peers, and their blobs. */
static hay_status answer(struct mpi *m,
                         struct hayi_mpi_start *start,
                         const struct hayi_card *cards,
                         struct hayi_error *err)
{
    size_t count = m->base.peer_count;
    size_t size = start->blob_size;
    size_t turn = (size_t)m->manager * size;
    struct hayi_mpi_peer *peers = calloc(count, sizeof *peers);
    unsigned char *blobs = malloc(count * size + turn + 1);
    int rc = MPI_ERR_OTHER;
    if (peers != NULL && blobs != NULL) {
        int part = (int)size;
        rc = MPI_Allgather(
            start->blob, part, MPI_BYTE, blobs, part, MPI_BYTE, m->comm);
    }
    if (rc != MPI_SUCCESS) {
        free(peers);
        free(blobs);
        return fail_mpi(err, "exchange of blobs", rc);
    }
    /* From the order of the ranks to that of the peers. */
    memcpy(blobs + count * size, blobs, turn);
    memmove(blobs, blobs + turn, count * size);
    hayi_cards_peers(cards, m->size, m->manager, peers);
    start->transport = &m->base;
    start->peers = peers;
    start->blobs = blobs;
    start->recovery = cards[m->manager].recovery != 0;
    return HAY_OK;
}

/* All collective steps after begin(). */
static hay_status gather(struct mpi *m,
                         struct hayi_mpi_start *start,
                         MPI_Comm host,
                         struct hayi_error *err)
{
    struct hayi_card card;
    size_t size = sizeof card;
    struct hayi_card *cards = calloc(m->base.peer_count, size);
    if (cards == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the peers");
    }
    prepare(m, start, host, &card);
    hay_status st = HAY_OK;
    int rc = MPI_Allgather(
        &card, (int)size, MPI_BYTE, cards, (int)size, MPI_BYTE, m->comm);
    if (rc != MPI_SUCCESS) {
        st = fail_mpi(err, "MPI_Allgather", rc);
    } else {
        st = hayi_cards_check(cards, m->size, err);
    }
    if (st == HAY_OK && hayi_cards_differ(cards, m->size) >= 0) {
        st = refuse_identity(m, start, cards, err);
    }
    if (st == HAY_OK) {
        share_board(m, &card, host);
        hayi_peers_meet(&m->peers, cards, m->manager);
        for (int i = 0; i < RECEIVES; i++) {
            post_new(m);
        }
        st = answer(m, start, cards, err);
    }
    free(cards);
    return st;
}

hay_status hayi_mpi_start(struct hayi_mpi_start *start, struct hayi_error *err)
{
    MPI_Comm host = MPI_COMM_NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    struct mpi *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the transport");
    }
    m->comm = MPI_COMM_NULL;
    hay_status st = begin(m, start, err);
    if (st == HAY_OK) {
        st = check_protocol(m, err);
    }
    if (st == HAY_OK) {
        int key = (int)m->base.self; /* the manager first on its host */
        int type = MPI_COMM_TYPE_SHARED;
        int rc = MPI_Comm_split_type(m->comm, type, key, MPI_INFO_NULL, &host);
        if (rc != MPI_SUCCESS) {
            st = fail_mpi(err, "MPI_Comm_split_type", rc);
        }
    }
    if (st == HAY_OK) {
        st = gather(m, start, host, err);
        (void)MPI_Comm_free(&host);
    }
    if (st == HAY_OK) {
        return HAY_OK;
    }
    cancel_receives(m, hayi_clock_ns() + CLOSE_NS);
    if (m->owned) {
        (void)MPI_Finalize();
    } else if (m->comm != MPI_COMM_NULL) {
        (void)MPI_Comm_free(&m->comm);
    }
    mpi_free(m);
    return st;
}

hay_status hayi_mpi_find_manager(void *comm,
                                 bool is_manager,
                                 uint32_t *rank,
                                 struct hayi_error *err)
{
    MPI_Comm c = *(MPI_Comm *)comm;
    int own = 0;
    int rc = MPI_Comm_rank(c, &own);
    /* The sum of the managers' ranks, and how many there are. */
    int mine[2] = {is_manager ? own : 0, is_manager ? 1 : 0};
    int sum[2] = {0, 0};
    if (rc == MPI_SUCCESS) {
        rc = MPI_Allreduce(mine, sum, 2, MPI_INT, MPI_SUM, c);
    }
    if (rc != MPI_SUCCESS) {
        return fail_mpi(err, "MPI_Allreduce", rc);
    }
    if (sum[1] != 1) {
        return hayi_fail(err,
                         HAY_EMISMATCH,
                         "hay_open() must be called on one rank and "
                         "hay_serve() on all others; %d called hay_open()",
                         sum[1]);
    }
    *rank = (uint32_t)sum[0];
    return HAY_OK;
}
