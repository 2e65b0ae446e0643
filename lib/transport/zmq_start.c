/* zmq_start.c - see zmq_end.h: sockets and keys, who is let in.
 *
 * CURVE asks the hub for each key that knocks (ZAP, RFC 27): there is one that
 * may come in, the farm's own for all of its guests.
 */
#include "config.h"

#include "transport/identity.h"
#include "transport/netaddr.h"
#include "transport/zmq_end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    CREDIT_BYTES = 4 << 20,
    CREDIT_FRAMES = 64,
    MESSAGES_MAX = 256, /* in a socket's queue, of each connection */
    NAP_NS = 1000000,
    LINGER_MS = 1000,
    NEVER_MS = 1 << 30,
    CONNECT_MS = 2000,
    HELLO_MAX = 1 << 20,
    ZAP_PARTS = 7,
    EVENT_BYTES = 6,
    SOCKETS_MAX = 16384, /* of a guest, to all entrances */
};

#define ZAP_PLACE "inproc://zeromq.zap.01"

struct hello {
    uint64_t identity_size;
    int32_t pid;
    char host[64];
    uint32_t number; /* at an entrance: which the hub has given */
};

/* ---- both ends ---------------------------------------------------------- */

static bool set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

static bool set_text(void *socket, int option, const char *text)
{
    return zmq_setsockopt(socket, option, text, strlen(text)) == 0;
}

static hay_status zmq_error(const char *what, struct hayi_error *err)
{
    return hayi_fail(
        err, HAY_EIO, "ZeroMQ: %s: %s", what, zmq_strerror(zmq_errno()));
}

struct hayi_zmq_end *hayi_zmq_end_new(int type,
                                      uint32_t lane_count,
                                      void *zmq,
                                      struct hayi_error *err)
{
    struct hayi_zmq_end *end = calloc(1, sizeof *end);
    if (end != NULL) {
        end->lanes = calloc(lane_count, sizeof *end->lanes);
    }
    if (end == NULL || end->lanes == NULL) {
        free(end);
        (void)hayi_fail(err, HAY_ENOMEM, "out of memory");
        return NULL;
    }
    end->base = (struct hayi_transport){
        .ops = &hayi_zmq_ops,
        .frame_max = HAYI_ZMQ_FRAME_MAX,
        .credit_bytes = CREDIT_BYTES,
        .credit_frames = CREDIT_FRAMES,
        .nap_ns = NAP_NS,
    };
    end->lane_count = lane_count;
    for (uint32_t i = 0; i < lane_count; i++) {
        end->lanes[i].last = &end->lanes[i].first;
    }
    end->entered = HAY_EAGAIN;
    end->zmq_lent = zmq != NULL;
    end->zmq = zmq != NULL ? zmq : zmq_ctx_new();
    if (end->zmq != NULL && zmq == NULL) {
        (void)zmq_ctx_set(end->zmq, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    }
    end->socket = end->zmq != NULL ? zmq_socket(end->zmq, type) : NULL;
    if (end->socket == NULL || !set_int(end->socket, ZMQ_LINGER, LINGER_MS)
        || !set_int(end->socket, ZMQ_SNDHWM, MESSAGES_MAX)
        || !set_int(end->socket, ZMQ_RCVHWM, MESSAGES_MAX)) {
        (void)zmq_error("no socket", err);
        hayi_zmq_ops.close(&end->base, false);
        return NULL;
    }
    return end;
}

/* ---- the hub ------------------------------------------------------------ */

static hay_status make_keys(struct hayi_zmq_end *hub,
                            struct hayi_door *door,
                            char secret[HAYI_DOOR_KEY],
                            struct hayi_error *err)
{
    if (zmq_curve_keypair(door->server_public, secret) != 0
        || zmq_curve_keypair(door->guest_public, door->guest_secret) != 0
        || zmq_z85_decode(hub->guest_key, door->guest_public) == NULL) {
        return zmq_error("no keys (built without CURVE?)", err);
    }
    return HAY_OK;
}

static void add_address(struct hayi_door *door, const char *host, unsigned port)
{
    if (door->address_count < HAYI_DOOR_ADDRESSES) {
        (void)snprintf(door->addresses[door->address_count++],
                       HAYI_DOOR_ADDRESS,
                       "tcp://%s:%u",
                       host,
                       port);
    }
}

static hay_status bind_hub(const struct hayi_zmq_end *hub,
                           const struct hayi_zmq_listen *listen,
                           struct hayi_door *door,
                           struct hayi_error *err)
{
    char place[128];
    char port[16] = "*";
    size_t size = sizeof place;
    const char *host = listen->address != NULL ? listen->address : "0.0.0.0";
    if (listen->port != 0) {
        (void)snprintf(port, sizeof port, "%u", (unsigned)listen->port);
    }
    (void)snprintf(place, sizeof place, "tcp://%.60s:%s", host, port);
    if (zmq_bind(hub->socket, place) != 0) {
        return zmq_error(place, err);
    }
    unsigned bound = 0;
    if (zmq_getsockopt(hub->socket, ZMQ_LAST_ENDPOINT, place, &size) != 0
        || sscanf(place, "tcp://%*[^:]:%u", &bound) != 1) {
        return hayi_fail(err, HAY_EIO, "ZeroMQ: no port");
    }
    if (listen->address != NULL) {
        add_address(door, listen->address, bound);
        return HAY_OK;
    }
    struct hayi_netaddr own;
    hayi_netaddr_own(&own);
    for (uint32_t i = 0; i < own.count; i++) {
        char text[INET_ADDRSTRLEN];
        const struct in_addr address = {.s_addr = own.address[i]};
        if (inet_ntop(AF_INET, &address, text, sizeof text) != NULL) {
            add_address(door, text, bound);
        }
    }
    if (door->address_count == 0) {
        add_address(door, "127.0.0.1", bound);
    }
    return HAY_OK;
}

static hay_status open_hub(struct hayi_zmq_end *hub,
                           const struct hayi_zmq_listen *listen,
                           struct hayi_door *door,
                           struct hayi_error *err)
{
    char secret[HAYI_DOOR_KEY];
    hay_status status = make_keys(hub, door, secret, err);
    if (status != HAY_OK) {
        return status;
    }
    hub->watch = zmq_socket(hub->zmq, ZMQ_ROUTER);
    bool good = hub->watch != NULL && set_int(hub->watch, ZMQ_LINGER, 0)
                && zmq_bind(hub->watch, ZAP_PLACE) == 0
                && set_int(hub->socket, ZMQ_CURVE_SERVER, 1)
                && set_text(hub->socket, ZMQ_CURVE_SECRETKEY, secret)
                && set_text(hub->socket, ZMQ_ZAP_DOMAIN, "hayfork")
                && set_int(hub->socket, ZMQ_ROUTER_MANDATORY, 1);
    explicit_bzero(secret, sizeof secret);
    return good ? bind_hub(hub, listen, door, err) : zmq_error("no hub", err);
}

hay_status hayi_zmq_listen(const struct hayi_zmq_listen *listen,
                           struct hayi_transport **out,
                           struct hayi_door *door,
                           struct hayi_error *err)
{
    struct hayi_door own = {.address_count = 0};
    struct hayi_zmq_end *hub =
        hayi_zmq_end_new(ZMQ_ROUTER, listen->guests_max, NULL, err);
    if (hub == NULL) {
        return HAY_EIO;
    }
    hub->hub = true;
    hub->aside = listen->self != 0;
    hub->base.self = listen->self;
    hub->first = listen->first;
    hub->epoch = listen->epoch;
    hub->base.peer_count = listen->first + listen->guests_max;
    hub->identity = malloc(listen->identity_size + 1);
    hub->identity_size = listen->identity_size;
    hub->book = hayi_bulk_book_new(
        listen->self, hub->base.peer_count, hayi_zmq_post, hub);
    hay_status status = HAY_ENOMEM;
    if (hub->identity != NULL && hub->book != NULL) {
        if (listen->identity_size > 0) {
            memcpy(hub->identity, listen->identity, listen->identity_size);
        }
        status = open_hub(hub, listen, &own, err);
    } else {
        (void)hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    if (status != HAY_OK) {
        hayi_zmq_ops.close(&hub->base, false);
        return status;
    }
    *door = own;
    *out = &hub->base;
    return HAY_OK;
}

/* ---- entrances ---------------------------------------------------------- */

void hayi_zmq_member(const struct hayi_door *door,
                     const char *host,
                     struct hayi_zmq_member *member)
{
    *member = (struct hayi_zmq_member){.port = 0};
    memcpy(member->server_public, door->server_public, HAYI_DOOR_KEY);
    (void)snprintf(member->host, sizeof member->host, "%s", host);
    (void)sscanf(door->addresses[0], "tcp://%*[^:]:%u", &member->port);
    hayi_netaddr_own(&member->addresses);
}

hay_status hayi_zmq_members(struct hayi_transport *t,
                            const struct hayi_zmq_member *members,
                            struct hayi_error *err)
{
    struct hayi_zmq_end *hub = (struct hayi_zmq_end *)t;
    const size_t size = (hub->first - 1) * sizeof *members;
    hub->members = malloc(size + 1);
    if (hub->members == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    memcpy(hub->members, members, size);
    return HAY_OK;
}

void hayi_zmq_let_in(struct hayi_transport *t,
                     const char guest_public[HAYI_DOOR_KEY])
{
    struct hayi_zmq_end *entrance = (struct hayi_zmq_end *)t;
    (void)zmq_z85_decode(entrance->guest_key, guest_public);
}

/* A guest says which one it is. */
static void come_in(struct hayi_zmq_end *entrance,
                    const unsigned char *id,
                    size_t id_size,
                    uint32_t number)
{
    uint32_t index = number - entrance->first;
    if (number < entrance->first || index >= entrance->lane_count
        || entrance->lanes[index].here) {
        return;
    }
    struct hayi_zmq_lane *lane = &entrance->lanes[index];
    memcpy(lane->id, id, id_size);
    lane->id_size = id_size;
    lane->here = true;
    if (index >= entrance->lanes_used) {
        entrance->lanes_used = index + 1;
    }
}

/* ---- who is let in ------------------------------------------------------ */

/* The parts of a request behind the envelope: version, number, domain, address,
 * identity, mechanism, key. */
static void answer_zap(struct hayi_zmq_end *hub,
                       const zmq_msg_t *envelope,
                       zmq_msg_t *parts,
                       int count)
{
    bool good =
        count == ZAP_PARTS && zmq_msg_size(&parts[5]) == 5
        && memcmp(zmq_msg_data(&parts[5]), "CURVE", 5) == 0
        && zmq_msg_size(&parts[6]) == HAYI_ZMQ_RAW_KEY
        && memcmp(zmq_msg_data(&parts[6]), hub->guest_key, HAYI_ZMQ_RAW_KEY)
               == 0;
    const char *const code = good ? "200" : "400";
    const char *const words = good ? "OK" : "wrong key";
    const int more = ZMQ_SNDMORE | ZMQ_DONTWAIT;
    if (count < 2) {
        return;
    }
    (void)zmq_send(hub->watch,
                   zmq_msg_data((zmq_msg_t *)(uintptr_t)envelope),
                   zmq_msg_size(envelope),
                   more);
    (void)zmq_send(hub->watch, "", 0, more);
    (void)zmq_send(hub->watch, "1.0", 3, more);
    (void)zmq_send(
        hub->watch, zmq_msg_data(&parts[1]), zmq_msg_size(&parts[1]), more);
    (void)zmq_send(hub->watch, code, 3, more);
    (void)zmq_send(hub->watch, words, strlen(words), more);
    (void)zmq_send(hub->watch, "", 0, more);
    (void)zmq_send(hub->watch, "", 0, ZMQ_DONTWAIT);
}

/* Envelope, an empty part, then the request.  false: nothing was there. */
static bool take_zap(struct hayi_zmq_end *hub)
{
    zmq_msg_t all[ZAP_PARTS + 2];
    int count = 0;
    bool more = true;
    while (more && count < ZAP_PARTS + 2) {
        (void)zmq_msg_init(&all[count]);
        if (zmq_msg_recv(&all[count], hub->watch, ZMQ_DONTWAIT) < 0) {
            (void)zmq_msg_close(&all[count]);
            break;
        }
        more = zmq_msg_more(&all[count]) != 0;
        count++;
    }
    while (count > 0 && more) { /* too many */
        zmq_msg_t rest;
        (void)zmq_msg_init(&rest);
        more = zmq_msg_recv(&rest, hub->watch, ZMQ_DONTWAIT) >= 0
               && zmq_msg_more(&rest) != 0;
        (void)zmq_msg_close(&rest);
    }
    if (count > 2) {
        answer_zap(hub, &all[0], &all[2], count - 2);
    }
    for (int i = 0; i < count; i++) {
        (void)zmq_msg_close(&all[i]);
    }
    return count > 0;
}

static void
refuse(struct hayi_zmq_end *hub, struct hayi_zmq_lane *lane, const char *words)
{
    const struct hayi_note note = {.kind = HAYI_NOTE_REFUSED};
    (void)hayi_zmq_put(hub, lane, &note, words, strlen(words) + 1);
    while (lane->first != NULL) { /* full already: it has never listened */
        struct hayi_zmq_waiting *waiting = lane->first;
        lane->first = waiting->next;
        (void)zmq_msg_close(&waiting->message);
        free(waiting);
    }
}

/* true: it is not one of ours; 'words' tell. */
static bool differs(const struct hayi_zmq_end *hub,
                    const struct hello *hello,
                    const char *identity,
                    char words[400])
{
    size_t size = (size_t)hello->identity_size;
    if (size == hub->identity_size
        && memcmp(identity, hub->identity, size) == 0) {
        return false;
    }
    char difference[300];
    hayi_identity_tell(hub->identity,
                       hub->identity_size,
                       0,
                       identity,
                       size,
                       difference,
                       sizeof difference);
    (void)snprintf(
        words, 400, "it is another program than the farm's: %s", difference);
    return true;
}

bool hayi_zmq_hello(struct hayi_zmq_end *hub,
                    const unsigned char *id,
                    size_t id_size,
                    const void *data,
                    size_t size,
                    const struct hayi_transport_sink *sink)
{
    struct hello hello;
    char words[400];
    struct hayi_zmq_lane lane = {
        .here = true, .id_size = id_size, .last = &lane.first};
    memcpy(lane.id, id, id_size);
    if (size < sizeof hello) {
        return false;
    }
    memcpy(&hello, data, sizeof hello);
    if (hello.identity_size != size - sizeof hello) {
        return false;
    }
    if (hub->aside) {
        come_in(hub, id, id_size, hello.number);
        return false;
    }
    if (differs(hub, &hello, (const char *)data + sizeof hello, words)) {
        refuse(hub, &lane, words);
        return false;
    }
    if (hub->lanes_used == hub->lane_count) {
        refuse(hub, &lane, "as many have joined as may in one run");
        return false;
    }
    uint32_t number = hub->first + hub->lanes_used;
    struct hayi_zmq_lane *own = &hub->lanes[hub->lanes_used++];
    memcpy(own->id, id, id_size);
    own->id_size = id_size;
    own->here = true;
    const struct hayi_note note = {.kind = HAYI_NOTE_WELCOME,
                                   .to = number,
                                   .tag = hub->epoch,
                                   .id = hub->base.peer_count,
                                   .other = hub->first};
    const size_t told =
        hub->members != NULL ? (hub->first - 1) * sizeof *hub->members : 0;
    (void)hayi_zmq_put(hub, own, &note, hub->members, told);
    if (sink->up == NULL) {
        return false;
    }
    struct hayi_guest who = {.pid = hello.pid};
    memcpy(who.host, hello.host, sizeof who.host - 1);
    sink->up(sink->context, number, &who);
    return true;
}

/* ---- a guest ------------------------------------------------------------ */

/* Can one connect there at all?  ZeroMQ would try for ever. */
static bool somebody_listens(const char *address)
{
    char host[HAYI_DOOR_ADDRESS];
    unsigned port = 0;
    struct sockaddr_in in = {.sin_family = AF_INET};
    if (sscanf(address, "tcp://%46[0-9.]:%u", host, &port) != 2
        || port > UINT16_MAX || inet_pton(AF_INET, host, &in.sin_addr) != 1) {
        return false;
    }
    in.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return false;
    }
    int error = 0;
    socklen_t size = sizeof error;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    bool good = connect(fd, (const struct sockaddr *)&in, sizeof in) == 0
                || (errno == EINPROGRESS && poll(&wait, 1, CONNECT_MS) == 1
                    && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0
                    && error == 0);
    (void)close(fd);
    return good;
}

hay_status hayi_zmq_connect(struct hayi_zmq_end *end,
                            const struct hayi_door *keys,
                            const char *server_public,
                            const char *address,
                            struct hayi_error *err)
{
    char place[64];
    (void)snprintf(place, sizeof place, "inproc://hayfork.%p", (void *)end);
    bool good =
        set_text(end->socket, ZMQ_CURVE_SERVERKEY, server_public)
        && set_text(end->socket, ZMQ_CURVE_PUBLICKEY, keys->guest_public)
        && set_text(end->socket, ZMQ_CURVE_SECRETKEY, keys->guest_secret)
        && set_int(end->socket, ZMQ_RECONNECT_IVL, NEVER_MS)
        && zmq_socket_monitor(end->socket, place, ZMQ_EVENT_ALL) == 0;
    if (good) {
        end->watch = zmq_socket(end->zmq, ZMQ_PAIR);
        good = end->watch != NULL && set_int(end->watch, ZMQ_LINGER, 0)
               && zmq_connect(end->watch, place) == 0
               && zmq_connect(end->socket, address) == 0;
    }
    return good ? HAY_OK : zmq_error(address, err);
}

bool hayi_zmq_introduce(struct hayi_zmq_end *way)
{
    struct {
        struct hayi_note note;
        struct hello hello;
    } message = {.note = {.kind = HAYI_NOTE_HELLO, .to = way->far},
                 .hello = {.number = way->base.self}};
    return zmq_send(way->socket, &message, sizeof message, ZMQ_DONTWAIT) >= 0;
}

static bool say_hello(struct hayi_zmq_end *guest,
                      const struct hayi_zmq_knock *knock)
{
    struct hello hello = {.identity_size = knock->identity_size,
                          .pid = knock->pid};
    const struct hayi_note note = {.kind = HAYI_NOTE_HELLO};
    size_t size = sizeof hello + knock->identity_size;
    unsigned char *text = size <= HELLO_MAX ? malloc(size) : NULL;
    if (text == NULL) {
        return false;
    }
    (void)snprintf(hello.host, sizeof hello.host, "%s", knock->host);
    memcpy(text, &hello, sizeof hello);
    memcpy(text + sizeof hello, knock->identity, knock->identity_size);
    bool good = hayi_zmq_put(guest, &guest->lanes[0], &note, text, size);
    free(text);
    return good;
}

hay_status hayi_zmq_knock(const struct hayi_zmq_knock *knock,
                          struct hayi_transport **out,
                          struct hayi_error *err)
{
    const struct hayi_door *door = knock->door;
    uint32_t i = 0;
    while (i < door->address_count && !somebody_listens(door->addresses[i])) {
        i++;
    }
    if (i == door->address_count) {
        return hayi_fail(err,
                         HAY_EFARM,
                         "nobody answers at %s%s: has the run ended?",
                         door->addresses[0],
                         i > 1 ? " and its other addresses" : "");
    }
    struct hayi_zmq_end *guest = hayi_zmq_end_new(ZMQ_DEALER, 1, NULL, err);
    if (guest == NULL) {
        return HAY_EIO;
    }
    guest->lanes[0].here = true;
    guest->lanes_used = 1;
    guest->keys = *door;
    (void)snprintf(guest->host, sizeof guest->host, "%s", knock->host);
    hay_status status = hayi_zmq_connect(
        guest, door, door->server_public, door->addresses[i], err);
    if (status == HAY_OK && !say_hello(guest, knock)) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    if (status != HAY_OK) {
        hayi_zmq_ops.close(&guest->base, false);
        return status;
    }
    *out = &guest->base;
    return HAY_OK;
}

void hayi_zmq_answer(struct hayi_zmq_end *guest,
                     const struct hayi_note *note,
                     const void *data,
                     size_t size)
{
    const char *words = data;
    if (guest->entered != HAY_EAGAIN) {
        return;
    }
    if (note->kind == HAYI_NOTE_REFUSED) {
        bool whole = size > 0 && words[size - 1] == 0;
        guest->entered = hayi_fail(&guest->refused,
                                   HAY_EMISMATCH,
                                   "%s",
                                   whole ? words : "it was refused");
    } else if (note->kind == HAYI_NOTE_WELCOME && note->id > note->to
               && note->id <= UINT32_MAX && note->other <= note->to) {
        guest->book = hayi_bulk_book_new(
            note->to, (uint32_t)note->id, hayi_zmq_post, guest);
        guest->base.self = note->to;
        guest->base.peer_count = (uint32_t)note->id;
        guest->first = (uint32_t)note->other;
        guest->epoch = note->tag;
        guest->entered =
            guest->book != NULL
                    && hayi_zmq_ways_new(guest, data, size, &guest->ways)
                           == HAY_OK
                ? HAY_OK
                : hayi_fail(&guest->refused, HAY_ENOMEM, "out of memory");
    }
}

static void no_frame(void *context, uint32_t peer, const void *data, size_t n)
{
    (void)context;
    (void)peer;
    (void)data;
    (void)n;
}

static void no_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

hay_status hayi_zmq_enter(struct hayi_transport *t,
                          struct hayi_zmq_entered *entered,
                          struct hayi_error *err)
{
    struct hayi_zmq_end *guest = (struct hayi_zmq_end *)t;
    const struct hayi_transport_sink sink = {.frame = no_frame,
                                             .down = no_down};
    if (guest->entered == HAY_EAGAIN) {
        guest->entering = true;
        (void)hayi_zmq_ops.poll(t, &sink);
        guest->entering = false;
    }
    if (guest->entered == HAY_EAGAIN && guest->lanes[0].gone) {
        return hayi_fail(err,
                         HAY_EFARM,
                         "the farm does not let us in: the secret is not its "
                         "own, or it ends");
    }
    if (guest->entered == HAY_OK) {
        *entered = (struct hayi_zmq_entered){.epoch = guest->epoch,
                                             .number = guest->base.self};
    } else if (guest->entered != HAY_EAGAIN) {
        *err = guest->refused;
    }
    return guest->entered;
}

/* One event of the connection; false: nothing was there. */
static bool take_event(struct hayi_zmq_end *guest)
{
    unsigned char head[EVENT_BYTES];
    char place[256];
    uint16_t event = 0;
    if (zmq_recv(guest->watch, head, sizeof head, ZMQ_DONTWAIT)
        != EVENT_BYTES) {
        return false;
    }
    (void)zmq_recv(guest->watch, place, sizeof place, ZMQ_DONTWAIT);
    memcpy(&event, head, sizeof event);
    const int ends = ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_CLOSED
                     | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
                     | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL
                     | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    if ((event & ends) != 0) {
        guest->lanes[0].gone = true;
    }
    return true;
}

void hayi_zmq_look(struct hayi_zmq_end *end)
{
    while (end->hub ? take_zap(end) : take_event(end)) {
    }
}
