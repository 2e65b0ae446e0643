/* transport_zmq.c - see transport_zmq.h: frames and bulk messages.
 *
 * Each message is a note (bulk_book.h) and what belongs to it.  The hub learns
 * that a connection is gone when it cannot send there (ROUTER_MANDATORY), so it
 * probes; a guest is told by the monitor of its socket.  In both cases what the
 * other one has sent before is read first.
 *
 * A descriptor of ZeroMQ's shows an edge, which a send may take away: so the
 * last thing that poll() does to a socket is to find nothing in it.
 *
 * At an entrance a guest is expected before it comes: what is for it waits.
 */
#include "config.h"

#include "base/clock.h"
#include "transport/zmq_end.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS = 16,
    MESSAGES = 64, /* in a round */
    PROBE_NS = 100000000,
};

enum passed { PASSED, FULL, GONE };

static struct hayi_zmq_end *end_of(struct hayi_transport *t)
{
    return (struct hayi_zmq_end *)t;
}

/* ---- sending ------------------------------------------------------------ */

static enum passed
pass(struct hayi_zmq_end *end, struct hayi_zmq_lane *lane, zmq_msg_t *message)
{
    bool full = false;
    if (!lane->here) {
        return FULL; /* an entrance, a way: nobody is there yet */
    }
    if (lane->id_size > 0
        && zmq_send(
               end->socket, lane->id, lane->id_size, ZMQ_DONTWAIT | ZMQ_SNDMORE)
               < 0) {
        full = errno == EAGAIN || errno == EINTR;
    } else if (zmq_msg_send(message, end->socket, ZMQ_DONTWAIT) >= 0) {
        return PASSED;
    } else {
        full = lane->id_size == 0 && (errno == EAGAIN || errno == EINTR);
    }
    lane->gone = lane->gone || !full;
    return full ? FULL : GONE;
}

static bool make(zmq_msg_t *message,
                 const struct hayi_note *note,
                 const void *data,
                 size_t size)
{
    if (zmq_msg_init_size(message, sizeof *note + size) != 0) {
        return false;
    }
    unsigned char *at = zmq_msg_data(message);
    memcpy(at, note, sizeof *note);
    if (size > 0) {
        memcpy(at + sizeof *note, data, size);
    }
    return true;
}

/* Takes the message. */
static bool pass_or_keep(struct hayi_zmq_end *end,
                         struct hayi_zmq_lane *lane,
                         zmq_msg_t *message)
{
    enum passed passed = lane->first != NULL ? FULL : pass(end, lane, message);
    struct hayi_zmq_waiting *waiting =
        passed == FULL ? malloc(sizeof *waiting) : NULL;
    if (waiting != NULL) {
        waiting->next = NULL;
        (void)zmq_msg_init(&waiting->message);
        (void)zmq_msg_move(&waiting->message, message);
        *lane->last = waiting;
        lane->last = &waiting->next;
    }
    (void)zmq_msg_close(message);
    return passed == PASSED || waiting != NULL;
}

bool hayi_zmq_put(struct hayi_zmq_end *end,
                  struct hayi_zmq_lane *lane,
                  const struct hayi_note *note,
                  const void *data,
                  size_t size)
{
    zmq_msg_t message;
    return !lane->gone && make(&message, note, data, size)
           && pass_or_keep(end, lane, &message);
}

/* Who is not there: NULL. */
static struct hayi_zmq_lane *lane_to(struct hayi_zmq_end *end, uint32_t peer)
{
    if (!end->hub) {
        return &end->lanes[0];
    }
    uint32_t index = peer - end->first;
    if (peer < end->first || index >= end->lane_count
        || (!end->aside && !end->lanes[index].here)) {
        return NULL;
    }
    if (index >= end->lanes_used) {
        end->lanes_used = index + 1;
    }
    return &end->lanes[index];
}

/* A peer that is gone is told of in its time. */
bool hayi_zmq_post(void *context,
                   const struct hayi_note *note,
                   const void *data,
                   size_t size)
{
    struct hayi_zmq_end *end = context;
    struct hayi_zmq_lane *lane = lane_to(end, note->to);
    return lane != NULL
           && (lane->gone || hayi_zmq_put(end, lane, note, data, size)
               || lane->gone);
}

static hay_status star_send(struct hayi_transport *t,
                            uint32_t peer,
                            const void *data,
                            size_t size)
{
    struct hayi_zmq_end *end = end_of(t);
    struct hayi_zmq_lane *lane = lane_to(end, peer);
    assert(size <= HAYI_ZMQ_FRAME_MAX);
    const struct hayi_note note = {
        .kind = HAYI_NOTE_FRAME, .from = t->self, .to = peer};
    if (lane == NULL || lane->gone) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the peer is down");
    }
    zmq_msg_t message;
    if (lane->first != NULL || !make(&message, &note, data, size)) {
        return HAY_EAGAIN;
    }
    enum passed passed = pass(end, lane, &message);
    (void)zmq_msg_close(&message);
    if (passed == GONE) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the peer is down");
    }
    return passed == PASSED ? HAY_OK : HAY_EAGAIN;
}

static void free_waiting(struct hayi_zmq_lane *lane)
{
    while (lane->first != NULL) {
        struct hayi_zmq_waiting *waiting = lane->first;
        lane->first = waiting->next;
        (void)zmq_msg_close(&waiting->message);
        free(waiting);
    }
    lane->last = &lane->first;
}

static void flush(struct hayi_zmq_end *end, struct hayi_zmq_lane *lane)
{
    while (lane->first != NULL && !lane->gone) {
        struct hayi_zmq_waiting *waiting = lane->first;
        if (pass(end, lane, &waiting->message) != PASSED) {
            break;
        }
        lane->first = waiting->next;
        if (lane->first == NULL) {
            lane->last = &lane->first;
        }
        (void)zmq_msg_close(&waiting->message);
        free(waiting);
    }
    if (lane->gone) {
        free_waiting(lane);
    }
}

static void flush_all(struct hayi_zmq_end *end)
{
    if (end->book != NULL) {
        hayi_bulk_book_pump(end->book);
    }
    for (uint32_t i = 0; i < end->lanes_used; i++) {
        if (end->lanes[i].first != NULL) {
            flush(end, &end->lanes[i]);
        }
        end->lanes[i].due = end->lanes[i].gone;
    }
}

/* ---- receiving ---------------------------------------------------------- */

static struct hayi_zmq_lane *
lane_from(struct hayi_zmq_end *end, const void *id, size_t size)
{
    for (uint32_t i = 0; i < end->lanes_used; i++) {
        struct hayi_zmq_lane *lane = &end->lanes[i];
        if (lane->here && lane->id_size == size
            && memcmp(lane->id, id, size) == 0) {
            return lane;
        }
    }
    return NULL;
}

/* From one guest to another. */
static void hand_on(struct hayi_zmq_end *end,
                    const struct hayi_note *note,
                    zmq_msg_t *message)
{
    struct hayi_zmq_lane *to = lane_to(end, note->to);
    if (to != NULL && !to->gone && note->kind >= HAYI_NOTE_OFFER) {
        zmq_msg_t moved;
        (void)zmq_msg_init(&moved);
        (void)zmq_msg_move(&moved, message);
        memcpy(zmq_msg_data(&moved), note, sizeof *note);
        (void)pass_or_keep(end, to, &moved);
    }
}

/* How many calls of the sink. */
static uint32_t deliver(struct hayi_zmq_end *end,
                        const struct hayi_note *note,
                        const unsigned char *data,
                        size_t size,
                        const struct hayi_transport_sink *sink)
{
    if (note->kind == HAYI_NOTE_FRAME) {
        if (size > HAYI_ZMQ_FRAME_MAX || end->book == NULL || end->aside) {
            return 0;
        }
        memcpy(end->frame, data, size);
        sink->frame(sink->context, note->from, end->frame, size);
        return 1;
    }
    if (note->kind >= HAYI_NOTE_OFFER) {
        if (end->book != NULL) {
            hayi_bulk_book_take(end->book, note, data, size);
        }
    } else if (!end->hub) {
        hayi_zmq_answer(end, note, data, size);
    }
    return 0;
}

static uint32_t take(struct hayi_zmq_end *end,
                     const struct hayi_zmq_lane *lane,
                     zmq_msg_t *message,
                     const struct hayi_transport_sink *sink)
{
    struct hayi_note note;
    size_t size = zmq_msg_size(message);
    if (size < sizeof note) {
        return 0;
    }
    memcpy(&note, zmq_msg_data(message), sizeof note);
    if (end->hub) {
        note.from = end->first + (uint32_t)(lane - end->lanes);
        if (note.to != end->base.self) {
            if (!end->aside) {
                hand_on(end, &note, message);
            }
            return 0;
        }
    } else if (end->aside) {
        note.from = end->far;
    }
    const unsigned char *data = zmq_msg_data(message);
    return deliver(end, &note, data + sizeof note, size - sizeof note, sink);
}

static uint32_t take_first(struct hayi_zmq_end *end,
                           const unsigned char *id,
                           size_t id_size,
                           zmq_msg_t *message,
                           const struct hayi_transport_sink *sink)
{
    struct hayi_note note;
    size_t size = zmq_msg_size(message);
    if (size < sizeof note || id_size > HAYI_ZMQ_ID_MAX) {
        return 0;
    }
    const unsigned char *data = zmq_msg_data(message);
    memcpy(&note, data, sizeof note);
    return note.kind == HAYI_NOTE_HELLO
           && hayi_zmq_hello(
               end, id, id_size, data + sizeof note, size - sizeof note, sink);
}

/* false: nothing was there. */
static bool receive(struct hayi_zmq_end *end,
                    const struct hayi_transport_sink *sink,
                    uint32_t *calls)
{
    unsigned char id[256];
    int id_size = 0;
    if (end->hub) {
        id_size = zmq_recv(end->socket, id, sizeof id, ZMQ_DONTWAIT);
        if (id_size < 0) {
            return false;
        }
    }
    zmq_msg_t message;
    (void)zmq_msg_init(&message);
    if (zmq_msg_recv(&message, end->socket, ZMQ_DONTWAIT) < 0) {
        (void)zmq_msg_close(&message);
        return false;
    }
    bool more = zmq_msg_more(&message) != 0;
    const struct hayi_zmq_lane *lane =
        end->hub ? lane_from(end, id, (size_t)id_size) : &end->lanes[0];
    *calls += lane != NULL
                  ? take(end, lane, &message, sink)
                  : take_first(end, id, (size_t)id_size, &message, sink);
    while (more && zmq_msg_recv(&message, end->socket, ZMQ_DONTWAIT) >= 0) {
        more = zmq_msg_more(&message) != 0; /* not of ours */
    }
    (void)zmq_msg_close(&message);
    return true;
}

/* ---- polling ------------------------------------------------------------ */

static void probe(struct hayi_zmq_end *end)
{
    uint64_t now = hayi_clock_ns();
    if (!end->hub || end->aside || now - end->probe_ns < PROBE_NS) {
        return;
    }
    end->probe_ns = now;
    for (uint32_t i = 0; i < end->lanes_used; i++) {
        struct hayi_zmq_lane *lane = &end->lanes[i];
        const struct hayi_note note = {.kind = HAYI_NOTE_PROBE,
                                       .to = end->first + i};
        if (lane->here && lane->first == NULL) {
            (void)hayi_zmq_put(end, lane, &note, NULL, 0);
        }
    }
}

static uint32_t tell_downs(struct hayi_zmq_end *end,
                           const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < end->lanes_used && end->book != NULL; i++) {
        struct hayi_zmq_lane *lane = &end->lanes[i];
        if (!lane->due || lane->told) {
            continue;
        }
        uint32_t peer = end->hub ? end->first + i : 0;
        lane->told = true;
        lane->here = false;
        free_waiting(lane);
        if (end->hub) {
            hayi_bulk_book_drop(end->book, peer);
        } else { /* all of them went through the hub */
            for (uint32_t k = 0; k < end->base.peer_count; k++) {
                hayi_bulk_book_drop(end->book, k);
            }
        }
        if (sink->bulk != NULL) {
            calls += hayi_bulk_book_tell(end->book, sink);
        }
        sink->down(sink->context, peer, "its connection broke");
        calls++;
    }
    return calls;
}

/* The answer has just come. */
static bool settled(const struct hayi_zmq_end *end)
{
    return end->entering && end->entered != HAY_EAGAIN;
}

static uint32_t star_poll(struct hayi_transport *t,
                          const struct hayi_transport_sink *sink)
{
    struct hayi_zmq_end *end = end_of(t);
    uint32_t calls = 0;
    end->more = true;
    hayi_zmq_look(end);
    probe(end);
    for (int round = 0; round < ROUNDS && end->more; round++) {
        int count = 0;
        flush_all(end);
        while (count < MESSAGES && !settled(end)
               && receive(end, sink, &calls)) {
            count++;
        }
        end->more = count > 0 || settled(end);
    }
    if (end->book != NULL && hayi_bulk_book_due(end->book)) {
        calls += hayi_bulk_book_tell(end->book, sink);
    }
    if (!end->more && !end->aside) {
        calls += tell_downs(end, sink);
    }
    if (end->ways != NULL) {
        calls += hayi_zmq_ways_poll(end->ways, sink);
    }
    return calls;
}

static bool star_announce(struct hayi_transport *t)
{
    const struct hayi_zmq_end *end = end_of(t);
    bool idle =
        !end->more && (end->book == NULL || !hayi_bulk_book_due(end->book));
    for (uint32_t i = 0; i < end->lanes_used && idle; i++) {
        idle = end->lanes[i].first == NULL || !end->lanes[i].here;
    }
    return idle && (end->ways == NULL || hayi_zmq_ways_idle(end->ways));
}

static size_t
star_fds(struct hayi_transport *t, struct pollfd *list, size_t room)
{
    const struct hayi_zmq_end *end = end_of(t);
    void *const sockets[] = {end->socket, end->watch};
    size_t count = 0;
    for (size_t i = 0; i < 2 && count < room; i++) {
        int fd = -1;
        size_t size = sizeof fd;
        if (zmq_getsockopt(sockets[i], ZMQ_FD, &fd, &size) == 0) {
            list[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
        }
    }
    if (end->ways != NULL && count < room) {
        const int fd = hayi_zmq_ways_fd(end->ways);
        list[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    }
    return count;
}

static void star_awake(struct hayi_transport *t)
{
    (void)t;
}

/* ---- bulk messages ------------------------------------------------------ */

static bool has_entrance(const struct hayi_zmq_end *end, uint32_t peer)
{
    return !end->hub && peer != 0 && peer < end->first;
}

/* Through which end it goes; NULL: it cannot be reached. */
static struct hayi_zmq_end *through(struct hayi_zmq_end *end, uint32_t peer)
{
    if (has_entrance(end, peer)) {
        return end->ways != NULL ? hayi_zmq_way(end->ways, peer) : NULL;
    }
    const struct hayi_zmq_lane *lane = lane_to(end, peer);
    return lane != NULL && (end->aside || !lane->gone) ? end : NULL;
}

static hay_status star_bulk_send(struct hayi_transport *t,
                                 uint32_t peer,
                                 uint32_t tag,
                                 const void *data,
                                 size_t size,
                                 uint64_t cookie)
{
    struct hayi_zmq_end *end = through(end_of(t), peer);
    if (end == NULL) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the peer is down");
    }
    return hayi_bulk_book_send(end->book, peer, tag, data, size, cookie);
}

static hay_status star_bulk_receive(struct hayi_transport *t,
                                    uint32_t peer,
                                    uint32_t tag,
                                    void *data,
                                    size_t size,
                                    uint64_t cookie)
{
    struct hayi_zmq_end *end = through(end_of(t), peer);
    if (end == NULL) {
        return hayi_fail(hayi_thread_error(), HAY_EFARM, "the peer is down");
    }
    return hayi_bulk_book_receive(end->book, peer, tag, data, size, cookie);
}

static void star_bulk_drop(struct hayi_transport *t, uint32_t peer)
{
    struct hayi_zmq_end *end = end_of(t);
    if (end->ways != NULL && has_entrance(end, peer)) {
        hayi_zmq_ways_drop(end->ways, peer);
    } else {
        hayi_bulk_book_drop(end->book, peer);
    }
}

static void star_close(struct hayi_transport *t, bool orderly)
{
    struct hayi_zmq_end *end = end_of(t);
    (void)orderly;
    hayi_zmq_ways_free(end->ways);
    if (end->socket != NULL) {
        flush_all(end);
        (void)zmq_close(end->socket);
    }
    if (end->watch != NULL) {
        (void)zmq_close(end->watch);
    }
    while (end->zmq != NULL && !end->zmq_lent && zmq_ctx_term(end->zmq) != 0
           && errno == EINTR) {
    }
    for (uint32_t i = 0; end->lanes != NULL && i < end->lanes_used; i++) {
        free_waiting(&end->lanes[i]);
    }
    hayi_bulk_book_free(end->book);
    free(end->lanes);
    free(end->identity);
    free(end->members);
    explicit_bzero(&end->keys, sizeof end->keys);
    free(end);
}

const struct hayi_transport_ops hayi_zmq_ops = {
    .send = star_send,
    .poll = star_poll,
    .announce = star_announce,
    .fds = star_fds,
    .awake = star_awake,
    .bulk_send = star_bulk_send,
    .bulk_receive = star_bulk_receive,
    .bulk_drop = star_bulk_drop,
    .close = star_close,
};
