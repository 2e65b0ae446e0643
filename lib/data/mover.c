/* mover.c - see mover.h.
 *
 * What goes over the wire, all with the transfer's number as its tag, in this
 * order: the object's pieces, and the trailer with the hash if checksums are
 * on.  Both ends know the object's size, so both know these messages.  At most
 * WINDOW of them are in flight, so a sender that has not got the object answers
 * the first WINDOW of them, which the receiver may have posted, with messages
 * of no bytes.
 *
 * A receiver that has no room takes the pieces off the wire into one buffer for
 * all such transfers.  One whose peer was lost keeps the room if MPI may still
 * write there (transport.h, HAY_EMPI).
 *
 * Receives are never held back, so nobody waits in a circle.  Sends are: to
 * each peer one large message or some small ones at a time, in turn.  A second
 * large one would be no quicker, but btl tcp would keep its first bytes in a
 * queue behind those of the first, and abort us should the peer die then (6
 * deaths of 10; none of 12 with one at a time).
 */
#include "config.h"

#include "data/mover.h"

#include "base/clock.h"
#include "base/hash.h"
#include "data/porter.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW = 3,
    PIECE = 16 << 20, /* in one message; between two of them the line idles */
    HASH_BYTES = 4 << 20,    /* in one step of the loop */
    SENDS_BYTES = 256 << 10, /* in flight to a peer, or one message */
    FULL_PERMILLE = 900,     /* from here on making room may need the disk */
    DRAINED = 64,
};

/* Both have one of these in the end. */
struct trailer {
    uint64_t kind; /* enum hayi_hash_kind */
    uint64_t hash;
};

struct transfer {
    struct hayi_job job; /* first; of the porter's while at_porter */
    struct transfer *next;
    bool send;
    bool at_porter;
    bool lost;    /* the peer; nothing more is posted */
    bool refused; /* the sender has not got it */
    bool tainted; /* the room may still be written to */
    uint32_t peer;
    uint64_t name;
    uint64_t size;
    const unsigned char *bytes; /* sender: pinned */
    unsigned char *room;        /* receiver: to be sealed or abandoned */
    uint32_t posted;            /* messages */
    uint32_t flying;
    uint64_t flying_bytes; /* sender: since none was in flight */
    struct trailer trailer;
    uint64_t hashed; /* bytes */
    uint64_t hash;
    uint64_t began_ns;
    struct hayi_moved moved;
};

/* Sends to a peer. */
struct lane {
    uint64_t bytes; /* in flight */
    bool wanted;    /* for a message that has to wait until none is */
};

struct list {
    struct transfer *first;
    struct transfer **last;
};

struct hayi_mover {
    struct hayi_mover_config config;
    struct hayi_porter *porter;
    struct list under_way;
    struct list ended;
    struct lane *lanes;             /* by peer */
    unsigned char *drain;           /* PIECE bytes, or NULL */
    struct hayi_moved odd[DRAINED]; /* those without memory for a transfer */
    uint32_t odd_count;
};

static void append(struct list *list, struct transfer *t)
{
    t->next = NULL;
    *list->last = t;
    list->last = &t->next;
}

/* ---- messages of a transfer --------------------------------------------- */

static uint32_t piece_count(const struct transfer *t)
{
    return (uint32_t)((t->size + PIECE - 1) / PIECE);
}

static uint32_t message_count(const struct hayi_mover *m,
                              const struct transfer *t)
{
    uint32_t count = piece_count(t) + (m->config.checksum ? 1 : 0);
    return t->refused && count > WINDOW ? WINDOW : count;
}

static size_t piece_size(const struct transfer *t, uint32_t index)
{
    uint64_t left = t->size - (uint64_t)index * PIECE;
    return left < PIECE ? (size_t)left : PIECE;
}

static void fail(struct transfer *t, hay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The first failure counts. */
static void fail(struct transfer *t, hay_status status, const char *format, ...)
{
    va_list list;
    if (t->moved.status != HAY_OK) {
        return;
    }
    t->moved.status = status;
    va_start(list, format);
    (void)vsnprintf(t->moved.words, sizeof(t->moved.words), format, list);
    va_end(list);
}

static void lose(struct transfer *t)
{
    t->lost = true;
    fail(t, HAY_EFARM, "the node at the other end is lost");
}

/* One step of the hash of all bytes; false: it is complete. */
static bool hash_step(struct transfer *t, const unsigned char *bytes)
{
    uint64_t kind = t->trailer.kind;
    uint64_t left = t->size - t->hashed;
    size_t size = left < HASH_BYTES ? (size_t)left : HASH_BYTES;
    if (left == 0) {
        return false;
    }
    uint64_t both[2] = {
        t->hash, hayi_hash((enum hayi_hash_kind)kind, bytes + t->hashed, size)};
    t->hash = hayi_hash((enum hayi_hash_kind)kind, both, sizeof(both));
    t->hashed += size;
    return true;
}

static hay_status post_send(struct hayi_mover *m, struct transfer *t)
{
    struct hayi_transport *transport = m->config.transport;
    const void *data = NULL;
    size_t size = 0;
    if (t->refused) {
        data = NULL;
    } else if (t->posted < piece_count(t)) {
        data = t->bytes + (uint64_t)t->posted * PIECE;
        size = piece_size(t, t->posted);
    } else if (t->hashed == t->size) {
        t->trailer.hash = t->hash;
        data = &t->trailer;
        size = sizeof(t->trailer);
    } else {
        return HAY_EAGAIN;
    }
    struct lane *lane = &m->lanes[t->peer];
    if (lane->bytes > 0 && (lane->wanted || lane->bytes + size > SENDS_BYTES)) {
        lane->wanted = true;
        return HAY_EAGAIN;
    }
    hay_status st = transport->ops->bulk_send(
        transport, t->peer, t->moved.transfer, data, size, (uintptr_t)t);
    if (st == HAY_OK) {
        lane->wanted = false;
        lane->bytes += size;
        t->flying_bytes += size;
    }
    return st;
}

static hay_status post_receive(struct hayi_mover *m, struct transfer *t)
{
    struct hayi_transport *transport = m->config.transport;
    void *data = &t->trailer;
    size_t size = sizeof(t->trailer);
    if (t->posted < piece_count(t)) {
        size = piece_size(t, t->posted);
        if (t->room != NULL) {
            data = t->room + (uint64_t)t->posted * PIECE;
        } else {
            if (m->drain == NULL) {
                m->drain = malloc(PIECE);
            }
            data = m->drain;
        }
        if (data == NULL) {
            return HAY_EAGAIN;
        }
    }
    return transport->ops->bulk_receive(
        transport, t->peer, t->moved.transfer, data, size, (uintptr_t)t);
}

/* As much as may be in flight; true: something was posted. */
static bool post(struct hayi_mover *m, struct transfer *t)
{
    uint32_t before = t->posted;
    while (!t->lost && t->flying < WINDOW && t->posted < message_count(m, t)) {
        hay_status st = t->send ? post_send(m, t) : post_receive(m, t);
        if (st == HAY_EAGAIN) {
            break;
        }
        if (st != HAY_OK) {
            lose(t);
            break;
        }
        if (t->posted++ == 0) {
            t->began_ns = hayi_clock_ns();
        }
        t->flying++;
    }
    return t->posted > before;
}

/* ---- ends --------------------------------------------------------------- */

static void give_up_room(struct hayi_mover *m, struct transfer *t)
{
    if (!t->tainted) {
        hayi_store_abandon(m->config.store, t->job.place);
        return;
    }
    uint64_t reached = (uint64_t)t->posted * PIECE;
    if (reached < t->size) {
        hayi_store_shrink(m->config.store, t->job.place, reached);
    }
}

/* All of it has come; is it what was sent? */
static void compare(struct transfer *t)
{
    if (!hayi_hash_has((uint32_t)t->trailer.kind)) {
        fail(t,
             HAY_EMISMATCH,
             "the other node has a hash that this build has not");
    } else if (t->hash != t->trailer.hash) {
        fail(t,
             HAY_EMISMATCH,
             "the checksum differs: other bytes have come than were sent");
    }
}

/* No message is in flight, none will be. */
static void conclude(struct hayi_mover *m, struct transfer *t)
{
    struct hayi_store *store = m->config.store;
    if (t->bytes != NULL) {
        hayi_store_unpin(store, t->job.place);
    }
    if (t->room != NULL && t->moved.status == HAY_OK) {
        hayi_store_seal(store, t->job.place, t->name);
        t->moved.place = t->job.place;
    } else if (t->room != NULL) {
        give_up_room(m, t);
    }
    t->bytes = NULL;
    t->room = NULL;
}

/* One step; *ended: it was the last, and it is concluded. */
static bool advance(struct hayi_mover *m, struct transfer *t, bool *ended)
{
    bool good = t->moved.status == HAY_OK;
    bool any = false;
    if (t->at_porter) {
        return false;
    }
    if (m->config.checksum && t->send && good && !t->refused) {
        any = hash_step(t, t->bytes);
    }
    any = post(m, t) || any;
    if (t->flying > 0 || (!t->lost && t->posted < message_count(m, t))) {
        return any;
    }
    good = t->moved.status == HAY_OK;
    if (m->config.checksum && !t->send && good) {
        if (hayi_hash_has((uint32_t)t->trailer.kind) && hash_step(t, t->room)) {
            return true;
        }
        compare(t);
    }
    conclude(m, t);
    *ended = true;
    return true;
}

/* ---- beginnings --------------------------------------------------------- */

static struct transfer *begin(struct hayi_mover *m,
                              uint32_t number,
                              uint64_t size,
                              uint32_t peer,
                              bool send)
{
    assert(peer < m->config.transport->peer_count);
    assert(size >= 1);
    struct transfer *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        assert(m->odd_count < DRAINED);
        struct hayi_moved *moved = &m->odd[m->odd_count++];
        *moved = (struct hayi_moved){
            .transfer = number, .received = !send, .status = HAY_ENOMEM};
        (void)snprintf(moved->words, sizeof(moved->words), "out of memory");
        return NULL;
    }
    t->send = send;
    t->peer = peer;
    t->size = size;
    t->moved.transfer = number;
    t->moved.received = !send;
    t->trailer.kind = (uint64_t)hayi_hash_best();
    append(&m->under_way, t);
    return t;
}

static void to_porter(struct hayi_mover *m, struct transfer *t)
{
    struct hayi_error err = {HAY_OK, ""};
    t->at_porter = true;
    hay_status st = hayi_porter_give(m->porter, &t->job, &err);
    if (st != HAY_OK) {
        t->at_porter = false;
        t->refused = t->send;
        fail(t, st, "%s", err.text);
    }
}

/* The object at hand, or why not. */
static void pinned(struct transfer *t, hay_status status, const char *words)
{
    if (status == HAY_OK) {
        t->bytes = t->job.pinned;
        if (t->job.size != t->size) {
            t->refused = true;
            fail(t, HAY_EMISMATCH, "the object has another size here");
        }
    } else {
        t->refused = true;
        fail(t, status == HAY_EEMPTY ? HAY_EFARM : status, "%s", words);
    }
}

static void made_room(struct transfer *t, hay_status status, const char *words)
{
    if (status == HAY_OK) {
        t->room = t->job.room;
    } else {
        fail(t, status, "%s", words);
    }
}

static bool take_jobs(struct hayi_mover *m)
{
    struct hayi_job *job = NULL;
    bool any = false;
    while ((job = hayi_porter_take(m->porter)) != NULL) {
        struct transfer *t = (struct transfer *)job;
        t->at_porter = false;
        if (t->send) {
            pinned(t, job->status, job->err.text);
        } else {
            made_room(t, job->status, job->err.text);
        }
        any = true;
    }
    return any;
}

void hayi_mover_send(struct hayi_mover *m,
                     uint32_t transfer,
                     hayi_place place,
                     uint64_t size_bytes,
                     uint32_t peer)
{
    struct transfer *t = begin(m, transfer, size_bytes, peer, true);
    if (t == NULL) {
        return;
    }
    t->job.place = place;
    hay_status st = hayi_store_try_pin(
        m->config.store, place, &t->job.pinned, &t->job.size);
    if (st == HAY_EAGAIN) {
        to_porter(m, t);
        return;
    }
    pinned(t, st, "the object is not there any more");
    (void)post(m, t);
}

/* Would a loop wait for the disk? */
static bool is_full(const struct hayi_store *store, uint64_t size)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(store, &usage);
    uint64_t most = usage.limit_bytes / 1000 * FULL_PERMILLE;
    return size > most || usage.used_bytes > most - size;
}

void hayi_mover_receive(struct hayi_mover *m,
                        uint32_t transfer,
                        uint64_t name,
                        uint64_t size_bytes,
                        uint32_t peer)
{
    struct hayi_error err = {HAY_OK, ""};
    struct transfer *t = begin(m, transfer, size_bytes, peer, false);
    if (t == NULL) {
        return;
    }
    t->name = name;
    t->job.create = true;
    t->job.size = size_bytes;
    if (is_full(m->config.store, size_bytes)) {
        to_porter(m, t);
        return;
    }
    hay_status st = hayi_store_create(
        m->config.store, size_bytes, &t->job.place, &t->job.room, &err);
    made_room(t, st, err.text);
    (void)post(m, t);
}

/* ---- the loop ----------------------------------------------------------- */

static void unlink_at(struct list *list, struct transfer **at)
{
    struct transfer *t = *at;
    *at = t->next;
    if (t->next == NULL) {
        list->last = at;
    }
}

bool hayi_mover_poll(struct hayi_mover *m)
{
    bool any = take_jobs(m);
    struct list rest; /* those that had their turn */
    rest.first = NULL;
    rest.last = &rest.first;
    struct transfer **at = &m->under_way.first;
    while (*at != NULL) {
        struct transfer *t = *at;
        uint32_t posted = t->posted;
        bool ended = false;
        any = advance(m, t, &ended) || any;
        if (ended) {
            unlink_at(&m->under_way, at);
            append(&m->ended, t);
        } else if (t->send && t->posted > posted) {
            unlink_at(&m->under_way, at);
            append(&rest, t);
        } else {
            at = &t->next;
        }
    }
    if (rest.first != NULL) {
        *m->under_way.last = rest.first;
        m->under_way.last = rest.last;
    }
    return any;
}

void hayi_mover_bulk(struct hayi_mover *m, uint64_t cookie, hay_status status)
{
    struct transfer *t = (struct transfer *)(uintptr_t)cookie;
    assert(t->flying > 0);
    t->flying--;
    if (t->send && t->flying == 0) {
        m->lanes[t->peer].bytes -= t->flying_bytes;
        t->flying_bytes = 0;
    }
    switch ((int)status) {
    case HAY_OK:
        break;
    case HAY_EEMPTY:
        t->refused = true;
        fail(t, HAY_EFARM, "the node that held the object has not got it");
        break;
    case HAY_EMPI:
        t->tainted = true;
        lose(t);
        break;
    case HAY_EFARM:
        lose(t);
        break;
    default:
        fail(t, status, "a message of another size has come");
        break;
    }
    t->moved.run_ns = hayi_clock_ns() - t->began_ns;
    if (!t->send) { /* sends take turns */
        (void)post(m, t);
    }
}

/* MPI may still write to its trailer. */
static void free_transfer(struct transfer *t)
{
    if (!t->tainted) {
        free(t);
    }
}

bool hayi_mover_next(struct hayi_mover *m, struct hayi_moved *moved)
{
    struct transfer *t = m->ended.first;
    if (m->odd_count > 0) {
        *moved = m->odd[--m->odd_count];
        return true;
    }
    if (t == NULL) {
        return false;
    }
    m->ended.first = t->next;
    if (t->next == NULL) {
        m->ended.last = &m->ended.first;
    }
    *moved = t->moved;
    free_transfer(t);
    return true;
}

bool hayi_mover_busy(const struct hayi_mover *m)
{
    return m->under_way.first != NULL || m->ended.first != NULL
           || m->odd_count > 0;
}

void hayi_mover_peer_down(struct hayi_mover *m, uint32_t peer)
{
    m->config.transport->ops->bulk_drop(m->config.transport, peer);
    for (struct transfer *t = m->under_way.first; t != NULL; t = t->next) {
        if (t->peer == peer) {
            lose(t);
        }
    }
}

/* ---- life --------------------------------------------------------------- */

hay_status hayi_mover_new(const struct hayi_mover_config *config,
                          struct hayi_mover **mover,
                          struct hayi_error *err)
{
    struct hayi_mover *m = calloc(1, sizeof(*m));
    if (m == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    m->config = *config;
    m->under_way.last = &m->under_way.first;
    m->ended.last = &m->ended.first;
    m->lanes = calloc(config->transport->peer_count, sizeof(*m->lanes));
    hay_status st = HAY_ENOMEM;
    if (m->lanes == NULL) {
        (void)hayi_fail(err, st, "out of memory");
    } else {
        st = hayi_porter_new(config->store, config->bell, &m->porter, err);
    }
    if (st != HAY_OK) {
        hayi_mover_free(m);
        return st;
    }
    *mover = m;
    return HAY_OK;
}

/* What is in flight may still be written to: such a room stays. */
static void give_up(struct hayi_mover *m, struct transfer *t)
{
    if (t->at_porter && t->job.done && t->job.status == HAY_OK) {
        t->bytes = t->send ? t->job.pinned : NULL;
        t->room = t->send ? NULL : t->job.room;
    }
    fail(t, HAY_EFARM, "given up");
    t->tainted = t->tainted || t->flying > 0;
    conclude(m, t);
}

void hayi_mover_free(struct hayi_mover *m)
{
    struct transfer *t = NULL;
    if (m == NULL) {
        return;
    }
    hayi_porter_free(m->porter);
    while ((t = m->under_way.first) != NULL) {
        m->under_way.first = t->next;
        give_up(m, t);
        free_transfer(t);
    }
    while ((t = m->ended.first) != NULL) {
        m->ended.first = t->next;
        free_transfer(t);
    }
    free(m->drain);
    free(m->lanes);
    free(m);
}
