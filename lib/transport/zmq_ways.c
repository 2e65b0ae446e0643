/* zmq_ways.c - see zmq_end.h: a guest's ways to the entrances of others.
 *
 * A way begins with the first bulk message.  Its addresses are called in turn,
 * by plain connections, until somebody takes a call: ZeroMQ would try one for
 * ever.  What is to be sent waits meanwhile.
 *
 * Nobody is judged: who is dead the manager tells, and what was begun with it
 * ends.  Only who cannot be reached for longer than that takes, and is alive,
 * is told of as down.
 */
#include "config.h"

#include "base/clock.h"
#include "transport/zmq_end.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FILES_WAY = 8, /* descriptors, at most */
    FILES_SPARE = 256,
};

#define CALL_NS  UINT64_C(2000000000)  /* of one address */
#define PAUSE_NS UINT64_C(200000000)   /* between two calls */
#define GIVE_NS  UINT64_C(20000000000) /* silence of a dead one is shorter */

struct way {
    struct hayi_zmq_end *end; /* NULL: nothing was due yet */
    int fd;                   /* of a call; -1 */
    uint32_t tried;           /* addresses */
    uint64_t called_ns;
    uint64_t since_ns; /* something is under way and it does not work; 0 */
    bool dropped;
    bool told;
    char address[HAYI_DOOR_ADDRESS]; /* that is called */
};

struct hayi_zmq_ways {
    struct hayi_zmq_end *guest;
    struct hayi_netaddr own;
    int epoll;
    uint32_t count; /* entrances: of peers 1 .. count */
    struct hayi_zmq_member *members;
    struct way *list;
    uint32_t *begun; /* [begun_count]: which have an end */
    uint32_t begun_count;
};

/* ---- life --------------------------------------------------------------- */

static void raise_limit(uint32_t count)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)count * FILES_WAY + FILES_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

hay_status hayi_zmq_ways_new(struct hayi_zmq_end *guest,
                             const void *data,
                             size_t size,
                             struct hayi_zmq_ways **out)
{
    const uint32_t count = guest->first - 1;
    if (size == 0 || size != count * sizeof(struct hayi_zmq_member)) {
        return HAY_OK;
    }
    struct hayi_zmq_ways *ways = calloc(1, sizeof *ways);
    if (ways == NULL) {
        return HAY_ENOMEM;
    }
    ways->guest = guest;
    ways->count = count;
    ways->epoll = epoll_create1(EPOLL_CLOEXEC);
    ways->members = malloc(size);
    ways->list = calloc(count, sizeof *ways->list);
    ways->begun = calloc(count, sizeof *ways->begun);
    if (ways->epoll < 0 || ways->members == NULL || ways->list == NULL
        || ways->begun == NULL) {
        hayi_zmq_ways_free(ways);
        return HAY_ENOMEM;
    }
    memcpy(ways->members, data, size);
    for (uint32_t i = 0; i < count; i++) {
        ways->members[i].host[sizeof ways->members[i].host - 1] = 0;
        ways->members[i].server_public[HAYI_DOOR_KEY - 1] = 0;
        ways->list[i].fd = -1;
    }
    hayi_netaddr_own(&ways->own);
    raise_limit(count);
    *out = ways;
    return HAY_OK;
}

static void hang_up(struct way *way)
{
    if (way->fd >= 0) {
        (void)close(way->fd);
        way->fd = -1;
    }
}

void hayi_zmq_ways_free(struct hayi_zmq_ways *ways)
{
    if (ways == NULL) {
        return;
    }
    for (uint32_t i = 0; i < ways->begun_count; i++) {
        struct way *way = &ways->list[ways->begun[i]];
        hang_up(way);
        hayi_zmq_ops.close(&way->end->base, true);
    }
    if (ways->epoll >= 0) {
        (void)close(ways->epoll);
    }
    free(ways->members);
    free(ways->list);
    free(ways->begun);
    free(ways);
}

/* ---- a way -------------------------------------------------------------- */

static struct hayi_zmq_end *begin(struct hayi_zmq_ways *ways, uint32_t index)
{
    const struct hayi_zmq_end *guest = ways->guest;
    struct hayi_zmq_end *end =
        hayi_zmq_end_new(ZMQ_DEALER, 1, guest->zmq, NULL);
    if (end == NULL) {
        return NULL;
    }
    end->aside = true;
    end->far = index + 1;
    end->first = guest->first;
    end->lanes_used = 1;
    end->entered = HAY_OK;
    end->base.self = guest->base.self;
    end->base.peer_count = guest->base.peer_count;
    end->book = hayi_bulk_book_new(
        end->base.self, end->base.peer_count, hayi_zmq_post, end);
    if (end->book == NULL) {
        hayi_zmq_ops.close(&end->base, false);
        return NULL;
    }
    ways->list[index].end = end;
    ways->begun[ways->begun_count++] = index;
    return end;
}

struct hayi_zmq_end *hayi_zmq_way(struct hayi_zmq_ways *ways, uint32_t peer)
{
    const struct way *way = &ways->list[peer - 1];
    if (way->dropped || way->end != NULL) {
        return way->dropped ? NULL : way->end;
    }
    return begin(ways, peer - 1);
}

void hayi_zmq_ways_drop(struct hayi_zmq_ways *ways, uint32_t peer)
{
    struct way *way = &ways->list[peer - 1];
    way->dropped = true;
    hang_up(way);
    if (way->end != NULL) {
        hayi_bulk_book_drop(way->end->book, peer);
    }
}

/* ---- calling ------------------------------------------------------------ */

static bool watch(const struct hayi_zmq_ways *ways, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};
    return epoll_ctl(ways->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void watch_socket(const struct hayi_zmq_ways *ways, void *socket)
{
    int fd = -1;
    size_t size = sizeof fd;
    if (zmq_getsockopt(socket, ZMQ_FD, &fd, &size) == 0) {
        (void)watch(ways, fd, EPOLLIN);
    }
}

/* Hosts of one kind of network share no address, one host's processes all. */
static bool same_host(const struct hayi_netaddr *a,
                      const struct hayi_netaddr *b)
{
    return a->count == b->count && a->count <= HAYI_NETADDR_MAX
           && memcmp(a->address, b->address, a->count * sizeof a->address[0])
                  == 0;
}

/* Begins to call the next address. */
static void call(struct hayi_zmq_ways *ways, uint32_t index)
{
    struct way *way = &ways->list[index];
    const struct hayi_zmq_member *member = &ways->members[index];
    const struct hayi_netaddr *other = &member->addresses;
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    uint32_t count = hayi_netaddr_order(
        &ways->own, other, same_host(&ways->own, other), list);
    char text[INET_ADDRSTRLEN] = "";
    way->called_ns = hayi_clock_ns();
    if (count == 0) {
        return;
    }
    struct sockaddr_in in = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)member->port),
        .sin_addr.s_addr = list[way->tried++ % count],
    };
    (void)inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    (void)snprintf(way->address,
                   sizeof way->address,
                   "tcp://%s:%u",
                   text,
                   (unsigned)member->port);
    way->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (way->fd < 0) {
        return;
    }
    bool calls = connect(way->fd, (const struct sockaddr *)&in, sizeof in) == 0
                 || errno == EINPROGRESS;
    if (!calls || !watch(ways, way->fd, EPOLLOUT)) {
        hang_up(way);
    }
}

/* Somebody answers there: ZeroMQ's turn. */
static void go(struct hayi_zmq_ways *ways, uint32_t index)
{
    struct way *way = &ways->list[index];
    struct hayi_zmq_end *end = way->end;
    struct hayi_zmq_lane *lane = &end->lanes[0];
    bool good = hayi_zmq_connect(end,
                                 &ways->guest->keys,
                                 ways->members[index].server_public,
                                 way->address,
                                 NULL)
                    == HAY_OK
                && hayi_zmq_introduce(end);
    lane->here = true;
    lane->gone = !good;
    if (good) {
        watch_socket(ways, end->socket);
        watch_socket(ways, end->watch);
        end->more = true;
    }
}

static void hear(struct hayi_zmq_ways *ways, uint32_t index, uint64_t now)
{
    struct way *way = &ways->list[index];
    struct pollfd wait = {.fd = way->fd, .events = POLLOUT};
    int error = -1;
    socklen_t size = sizeof error;
    if (poll(&wait, 1, 0) != 1) {
        if (now - way->called_ns >= CALL_NS) {
            hang_up(way);
        }
        return;
    }
    bool good = getsockopt(way->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0
                && error == 0;
    hang_up(way);
    if (good) {
        go(ways, index);
    }
}

/* ---- polling ------------------------------------------------------------ */

static void
word(const struct hayi_zmq_ways *ways, uint32_t index, char words[300])
{
    const struct way *way = &ways->list[index];
    const bool broke = way->end->lanes[0].gone;
    (void)snprintf(words,
                   300,
                   "worker %u on %.60s cannot be reached from worker %u on "
                   "%.60s, which needs data of it or has data for it: %s%s",
                   (unsigned)index + 1,
                   ways->members[index].host,
                   (unsigned)ways->guest->base.self,
                   ways->guest->host,
                   broke ? "the connection broke, " : "nobody answers at ",
                   way->address[0] != 0 ? way->address : "any address");
}

static uint32_t advance(struct hayi_zmq_ways *ways,
                        uint32_t index,
                        const struct hayi_transport_sink *sink)
{
    struct way *way = &ways->list[index];
    const struct hayi_zmq_lane *lane = &way->end->lanes[0];
    const bool stuck = (!lane->here || lane->gone) && !way->dropped
                       && hayi_bulk_book_busy(way->end->book);
    const uint64_t now = hayi_clock_ns();
    if (!stuck) {
        way->since_ns = 0;
        return 0;
    }
    if (way->since_ns == 0) {
        way->since_ns = now;
    }
    if (!lane->here && way->fd >= 0) {
        hear(ways, index, now);
    } else if (!lane->here && now - way->called_ns >= PAUSE_NS) {
        call(ways, index);
    }
    if (now - way->since_ns < GIVE_NS || way->told) {
        return 0;
    }
    char words[300];
    word(ways, index, words);
    way->told = true;
    sink->down(sink->context, index + 1, words);
    return 1;
}

uint32_t hayi_zmq_ways_poll(struct hayi_zmq_ways *ways,
                            const struct hayi_transport_sink *sink)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < ways->begun_count; i++) {
        const uint32_t index = ways->begun[i];
        struct hayi_transport *end = &ways->list[index].end->base;
        const struct hayi_zmq_lane *lane = &ways->list[index].end->lanes[0];
        if (!lane->here || lane->gone) {
            calls += advance(ways, index, sink);
        }
        calls += end->ops->poll(end, sink);
    }
    return calls;
}

bool hayi_zmq_ways_idle(const struct hayi_zmq_ways *ways)
{
    bool idle = true;
    for (uint32_t i = 0; i < ways->begun_count && idle; i++) {
        struct hayi_transport *end = &ways->list[ways->begun[i]].end->base;
        idle = end->ops->announce(end);
    }
    return idle;
}

int hayi_zmq_ways_fd(const struct hayi_zmq_ways *ways)
{
    return ways->epoll;
}
