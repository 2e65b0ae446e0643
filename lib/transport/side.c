/* side.c - see side.h.
 *
 * Both ends keep all descriptors in one epoll.  What the manager's listener
 * accepts is a stranger until it has said a number and the token; the oldest
 * stranger is put out when there are too many.  A caller tries its list of
 * addresses in order, each for CALL_NS at most, until one takes the call; if
 * that turns out not to be the manager, the next.
 */
#include "config.h"

#include "transport/side.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL_NS UINT64_C(3000000000)

enum {
    HELLO = HAYI_SIDE_TOKEN + 4, /* bytes: token, number */
    STRANGERS_MAX = 256,
    EVENTS_MAX = 64, /* at a time */
    ACCEPT_MAX = 256,
    FILES_SPARE = 256, /* descriptors that the process needs besides */
};

struct line {
    struct line *next; /* among strangers */
    int fd;
    uint32_t peer; /* 0 at the manager: a stranger */
    uint32_t got;  /* bytes of hello[] */
    unsigned char hello[HELLO];
};

struct hayi_side {
    int epoll;
    struct hayi_side_card card;

    /* the manager's */
    int listener; /* -1: all have come, or not the manager */
    uint32_t missing;
    uint32_t peer_count;
    struct line **lines; /* by peer */
    struct line *strangers;
    uint32_t stranger_count;

    /* the others' */
    uint32_t self;
    bool greeted; /* the manager may take its time to answer */
    bool proven;
    uint32_t tried; /* addresses of the list */
    uint32_t count;
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    uint64_t called_ns; /* 0: not known yet */
    struct line line;
};

static hay_status io_error(struct hayi_error *err, const char *what)
{
    return hayi_fail(err, HAY_EIO, "%s: %s", what, strerror(errno));
}

static bool watch(struct hayi_side *s, int fd, void *who, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = who};
    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void set_option(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* A host that is gone is noticed by heartbeats; this is for farms without. */
static void keep_alive(int fd)
{
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
    set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
    set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
    set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static struct hayi_side *side_new(struct hayi_error *err)
{
    struct hayi_side *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)hayi_fail(err, HAY_ENOMEM, "no memory for the connections");
        return NULL;
    }
    s->listener = -1;
    s->line.fd = -1;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0) {
        (void)io_error(err, "epoll_create1");
        free(s);
        return NULL;
    }
    return s;
}

static void line_free(struct line *line)
{
    if (line != NULL) {
        (void)close(line->fd);
        free(line);
    }
}

void hayi_side_free(struct hayi_side *side)
{
    if (side == NULL) {
        return;
    }
    for (uint32_t i = 0; side->lines != NULL && i < side->peer_count; i++) {
        line_free(side->lines[i]);
    }
    while (side->strangers != NULL) {
        struct line *next = side->strangers->next;
        line_free(side->strangers);
        side->strangers = next;
    }
    if (side->line.fd >= 0) {
        (void)close(side->line.fd);
    }
    if (side->listener >= 0) {
        (void)close(side->listener);
    }
    (void)close(side->epoll);
    free(side->lines);
    free(side);
}

int hayi_side_fd(const struct hayi_side *side)
{
    return side->epoll;
}

/* ---- the manager -------------------------------------------------------- */

/* Each peer needs a descriptor. */
static void raise_limit(uint32_t peer_count)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)peer_count + FILES_SPARE;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

hay_status hayi_side_listen(uint32_t peer_count,
                            struct hayi_side **side,
                            struct hayi_side_card *card,
                            struct hayi_error *err)
{
    struct hayi_side *s = side_new(err);
    if (s == NULL) {
        return err != NULL ? err->status : HAY_EIO;
    }
    raise_limit(peer_count);
    s->peer_count = peer_count;
    s->missing = peer_count - 1;
    s->lines = calloc(peer_count, sizeof *s->lines);
    hay_status st = HAY_OK;
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof name;
    s->listener =
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->lines == NULL) {
        st = hayi_fail(err, HAY_ENOMEM, "no memory for the connections");
    } else if (s->listener < 0
               || bind(s->listener, (struct sockaddr *)&name, size) != 0
               || listen(s->listener, SOMAXCONN) != 0
               || getsockname(s->listener, (struct sockaddr *)&name, &size) != 0
               || !watch(s, s->listener, s, EPOLLIN)) {
        st = io_error(err, "no socket to listen");
    } else if (getrandom(s->card.token, sizeof s->card.token, 0)
               != sizeof s->card.token) {
        st = io_error(err, "getrandom");
    }
    if (st != HAY_OK) {
        hayi_side_free(s);
        return st;
    }
    s->card.port = name.sin_port;
    *card = s->card;
    *side = s;
    return HAY_OK;
}

static void stop_listening(struct hayi_side *s)
{
    (void)close(s->listener);
    s->listener = -1;
}

static void forget_stranger(struct hayi_side *s, const struct line *line)
{
    struct line **at = &s->strangers;
    while (*at != line) {
        at = &(*at)->next;
    }
    *at = line->next;
    s->stranger_count--;
}

static void put_out(struct hayi_side *s, struct line *line)
{
    forget_stranger(s, line);
    line_free(line);
}

static void put_out_oldest(struct hayi_side *s)
{
    struct line *line = s->strangers;
    while (line->next != NULL) {
        line = line->next;
    }
    put_out(s, line);
}

static void accept_lines(struct hayi_side *s)
{
    for (int i = 0; i < ACCEPT_MAX; i++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE) {
                stop_listening(s); /* no news of those who come later */
            }
            return;
        }
        struct line *line = calloc(1, sizeof *line);
        if (line == NULL || !watch(s, fd, line, EPOLLIN)) {
            (void)close(fd);
            free(line);
            return;
        }
        line->fd = fd;
        line->next = s->strangers;
        s->strangers = line;
        s->stranger_count++;
    }
}

/* The token, each byte inverted: the manager's answer. */
static void answer_of(const struct hayi_side_card *card,
                      unsigned char answer[HAYI_SIDE_TOKEN])
{
    for (int i = 0; i < HAYI_SIDE_TOKEN; i++) {
        answer[i] = (unsigned char)~card->token[i];
    }
}

static void welcome(struct hayi_side *s,
                    struct line *line,
                    const struct hayi_side_sink *sink)
{
    uint32_t peer = 0;
    memcpy(&peer, line->hello + HAYI_SIDE_TOKEN, sizeof peer);
    if (memcmp(line->hello, s->card.token, HAYI_SIDE_TOKEN) != 0 || peer == 0
        || peer >= s->peer_count || s->lines[peer] != NULL) {
        put_out(s, line);
        return;
    }
    forget_stranger(s, line);
    line->peer = peer;
    s->lines[peer] = line;
    keep_alive(line->fd);
    unsigned char answer[HAYI_SIDE_TOKEN];
    answer_of(&s->card, answer);
    (void)send(line->fd, answer, sizeof answer, MSG_NOSIGNAL | MSG_DONTWAIT);
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof name;
    if (getpeername(line->fd, (struct sockaddr *)&name, &size) == 0) {
        sink->joined(sink->context, peer, name.sin_addr.s_addr);
    }
    s->missing--;
    if (s->missing == 0 && s->listener >= 0) {
        stop_listening(s);
    }
}

/* Words for what recv() said: 'n', errno. */
static const char *end_words(ssize_t n)
{
    return n == 0 || errno == ECONNRESET ? "its process has ended"
                                         : strerror(errno);
}

static bool again(ssize_t n)
{
    return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void hear_stranger(struct hayi_side *s,
                          struct line *line,
                          const struct hayi_side_sink *sink)
{
    ssize_t n = recv(
        line->fd, line->hello + line->got, HELLO - line->got, MSG_DONTWAIT);
    if (again(n)) {
        return;
    }
    if (n <= 0) {
        put_out(s, line);
        return;
    }
    line->got += (uint32_t)n;
    if (line->got == HELLO) {
        welcome(s, line, sink);
    }
}

static void hear_peer(struct hayi_side *s,
                      struct line *line,
                      const struct hayi_side_sink *sink)
{
    char bytes[64]; /* nothing is expected */
    ssize_t n = recv(line->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0 || again(n)) {
        return;
    }
    const char *how = end_words(n);
    (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, line->fd, NULL);
    (void)shutdown(line->fd, SHUT_RDWR);
    sink->down(sink->context, line->peer, how);
}

/* ---- the others --------------------------------------------------------- */

static void hang_up(struct hayi_side *s)
{
    if (s->line.fd >= 0) {
        (void)close(s->line.fd);
        s->line.fd = -1;
    }
}

/* Begin to call the next address; nothing if there is none. */
static void call_next(struct hayi_side *s)
{
    hang_up(s);
    while (s->line.fd < 0 && s->tried < s->count) {
        struct sockaddr_in name = {
            .sin_family = AF_INET,
            .sin_port = s->card.port,
            .sin_addr.s_addr = s->list[s->tried++],
        };
        s->called_ns = 0;
        s->greeted = false;
        s->line.got = 0;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) {
            continue;
        }
        keep_alive(fd);
        if ((connect(fd, (struct sockaddr *)&name, sizeof name) == 0
             || errno == EINPROGRESS)
            && watch(s, fd, &s->line, EPOLLOUT)) {
            s->line.fd = fd;
        } else {
            (void)close(fd);
        }
    }
}

hay_status hayi_side_connect(uint32_t self,
                             const struct hayi_side_card *card,
                             const uint32_t *list,
                             uint32_t count,
                             struct hayi_side **side,
                             struct hayi_error *err)
{
    assert(count <= HAYI_NETADDR_TRY_MAX);
    struct hayi_side *s = side_new(err);
    if (s == NULL) {
        return err != NULL ? err->status : HAY_EIO;
    }
    s->self = self;
    s->card = *card;
    s->count = count;
    if (count > 0) {
        memcpy(s->list, list, count * sizeof *list);
    }
    call_next(s);
    *side = s;
    return HAY_OK;
}

static void say_hello(struct hayi_side *s)
{
    unsigned char hello[HELLO];
    memcpy(hello, s->card.token, HAYI_SIDE_TOKEN);
    memcpy(hello + HAYI_SIDE_TOKEN, &s->self, sizeof s->self);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &s->line};
    s->greeted = true;
    if (send(s->line.fd, hello, sizeof hello, MSG_NOSIGNAL | MSG_DONTWAIT)
            != (ssize_t)sizeof hello
        || epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->line.fd, &event) != 0) {
        call_next(s);
    }
}

static void hear_manager(struct hayi_side *s, const struct hayi_side_sink *sink)
{
    unsigned char answer[HAYI_SIDE_TOKEN];
    struct line *line = &s->line;
    size_t wanted = sizeof answer - line->got;
    char bytes[64];
    ssize_t n =
        s->proven
            ? recv(line->fd, bytes, sizeof bytes, MSG_DONTWAIT)
            : recv(line->fd, line->hello + line->got, wanted, MSG_DONTWAIT);
    if (again(n) || (n > 0 && s->proven)) {
        return;
    }
    if (n <= 0 && !s->proven) {
        call_next(s);
        return;
    }
    if (n <= 0) {
        const char *how = end_words(n);
        hang_up(s);
        sink->down(sink->context, 0, how);
        return;
    }
    line->got += (uint32_t)n;
    if (line->got < HAYI_SIDE_TOKEN) {
        return;
    }
    answer_of(&s->card, answer);
    if (memcmp(answer, line->hello, sizeof answer) != 0) {
        call_next(s);
        return;
    }
    s->proven = true;
    sink->joined(sink->context, 0, s->list[s->tried - 1]);
}

static void hear_own(struct hayi_side *s,
                     uint32_t events,
                     const struct hayi_side_sink *sink)
{
    if ((events & EPOLLOUT) != 0) {
        say_hello(s);
    } else {
        hear_manager(s, sink);
    }
}

/* ---- both --------------------------------------------------------------- */

void hayi_side_poll(struct hayi_side *side,
                    uint64_t now_ns,
                    const struct hayi_side_sink *sink)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(side->epoll, events, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++) {
        struct line *line = events[i].data.ptr;
        if (events[i].data.ptr == side) {
            accept_lines(side);
        } else if (line == &side->line) {
            hear_own(side, events[i].events, sink);
        } else if (line->peer == 0) {
            hear_stranger(side, line, sink);
        } else {
            hear_peer(side, line, sink);
        }
    }
    while (side->stranger_count > STRANGERS_MAX) {
        put_out_oldest(side);
    }
    if (side->line.fd >= 0 && !side->greeted) {
        if (side->called_ns == 0) {
            side->called_ns = now_ns;
        } else if (now_ns - side->called_ns > CALL_NS) {
            call_next(side);
        }
    }
}
