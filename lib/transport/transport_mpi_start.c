/* transport_mpi_start.c - how the MPI transport begins: all its collective
 * steps.
 *
 * A duplicate of the communicator; are all ranks of one version and one text?
 * Then cards are exchanged, the ranks of a host share a board, side connections
 * are made, and what the caller gave for the others is gathered.
 */
#include "config.h"

#include "transport/transport_mpi_inside.h"

#include "base/clock.h"
#include "transport/identity.h"
#include "transport/start_watch.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PROTOCOL = 1,    /* raised when the card or a message changes */
    RECEIVES = 8,    /* posted */
    WORDS_MAX = 320, /* about a difference */
};

/* One thread calls MPI, others do not.  Open MPI's locks, which it uses from
 * FUNNELED on, are what btl tcp deadlocks on when a peer dies while a large
 * message is on its way to it (seen in half of the deaths, without them in
 * none); it works without them as in any program that calls MPI_Init(). */
#ifdef OPEN_MPI
#define LEVEL MPI_THREAD_SINGLE
#else
#define LEVEL MPI_THREAD_FUNNELED
#endif

#define VADER_EAGER "33792" /* a message in one step; the user's word wins */

static hay_status fail_mpi(struct hayi_error *err, const char *what, int rc)
{
    return hayi_fail(err, HAY_EMPI, "%s: %s", what, hayi_mpi_words(rc));
}

static hay_status begin(struct hayi_mpi *m,
                        const struct hayi_mpi_start *start,
                        struct hayi_error *err)
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
        rc = MPI_Init_thread(NULL, NULL, LEVEL, &level);
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
    m->base.ops = &hayi_mpi_ops;
    m->base.peer_count = (uint32_t)m->size;
    m->base.self = hayi_mpi_peer_of_rank(m, m->rank);
    m->base.frame_max = HAYI_PARCEL_FRAME_MAX;
    m->base.credit_bytes = HAYI_MPI_CREDIT_BYTES;
    m->base.credit_frames = HAYI_MPI_CREDIT_FRAMES;
    return HAY_OK;
}

/* Do all ranks speak the same?  Cards of another layout could not be read. */
static hay_status check_protocol(struct hayi_mpi *m, struct hayi_error *err)
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

static bool level_suffices(const struct hayi_mpi *m)
{
    int level = MPI_THREAD_SINGLE;
    (void)MPI_Query_thread(&level);
    return level >= (m->owned ? LEVEL : MPI_THREAD_SERIALIZED);
}

/* Our card, and the sockets that it tells of.  A failure stands in the card. */
static void prepare(struct hayi_mpi *m,
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
static hay_status refuse_identity(struct hayi_mpi *m,
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
share_board(struct hayi_mpi *m, const struct hayi_card *own, MPI_Comm host)
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

/* Of all peers, by their numbers; *out: given, free(). */
static hay_status gather_blobs(const struct hayi_mpi *m,
                               const void *blob,
                               size_t size,
                               void **out,
                               struct hayi_error *err)
{
    size_t count = m->base.peer_count;
    size_t turn = (size_t)m->manager * size;
    unsigned char *blobs = malloc(count * size + turn + 1);
    int rc = MPI_ERR_OTHER;
    if (blobs != NULL) {
        int part = (int)size;
        rc =
            MPI_Allgather(blob, part, MPI_BYTE, blobs, part, MPI_BYTE, m->comm);
    }
    if (rc != MPI_SUCCESS) {
        free(blobs);
        return fail_mpi(err, "exchange of blobs", rc);
    }
    /* From the order of the ranks to that of the peers. */
    memcpy(blobs + count * size, blobs, turn);
    memmove(blobs, blobs + turn, count * size);
    *out = blobs;
    return HAY_OK;
}

/* What the caller asked for: the peers, and their blobs. */
static hay_status answer(struct hayi_mpi *m,
                         struct hayi_mpi_start *start,
                         const struct hayi_card *cards,
                         struct hayi_error *err)
{
    struct hayi_mpi_peer *peers = calloc(m->base.peer_count, sizeof *peers);
    if (peers == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the peers");
    }
    hay_status st =
        gather_blobs(m, start->blob, start->blob_size, &start->blobs, err);
    if (st != HAY_OK) {
        free(peers);
        return st;
    }
    hayi_cards_peers(cards, m->size, m->manager, peers);
    start->transport = &m->base;
    start->peers = peers;
    start->recovery = cards[m->manager].recovery != 0;
    return HAY_OK;
}

/* All collective steps after begin(). */
static hay_status gather(struct hayi_mpi *m,
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
            hayi_mpi_post(m);
        }
        st = answer(m, start, cards, err);
    }
    free(cards);
    return st;
}

static void free_comm(MPI_Comm *comm)
{
    if (*comm != MPI_COMM_NULL) {
        (void)MPI_Comm_free(comm);
    }
}

static hay_status start_all(struct hayi_mpi_start *start,
                            struct hayi_error *err)
{
    MPI_Comm host = MPI_COMM_NULL;
    (void)signal(SIGPIPE, SIG_IGN);
    struct hayi_mpi *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the transport");
    }
    m->comm = MPI_COMM_NULL;
    m->bulk.comm = MPI_COMM_NULL;
    hay_status st = begin(m, start, err);
    if (st == HAY_OK) {
        st = check_protocol(m, err);
    }
    if (st == HAY_OK) {
        st = hayi_mpi_bulk_init(m, err);
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
    hayi_mpi_cancel(m, hayi_clock_ns() + HAYI_MPI_CLOSE_NS);
    if (m->owned) {
        (void)MPI_Finalize();
    } else {
        free_comm(&m->bulk.comm);
        free_comm(&m->comm);
    }
    hayi_mpi_free(m);
    return st;
}

hay_status hayi_mpi_start(struct hayi_mpi_start *start, struct hayi_error *err)
{
    /* Who owns MPI has started already. */
    struct hayi_start_watch *watch =
        start->mpi_owned ? hayi_start_watch_begin() : NULL;
    hay_status st = start_all(start, err);
    hayi_start_watch_end(watch);
    return st;
}

hay_status hayi_mpi_exchange(struct hayi_transport *t,
                             const void *blob,
                             size_t size,
                             void **blobs,
                             struct hayi_error *err)
{
    const struct hayi_mpi *m = (const struct hayi_mpi *)t;
    struct hayi_start_watch *watch = m->owned ? hayi_start_watch_begin() : NULL;
    hay_status st = gather_blobs(m, blob, size, blobs, err);
    hayi_start_watch_end(watch);
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
