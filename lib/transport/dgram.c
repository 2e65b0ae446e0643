/* dgram.c - see dgram.h.
 *
 * The kernel chooses the name of the Unix socket ("autobind"): it is unique in
 * the network namespace, and gone with the process.  A full queue at the
 * receiver is as good as a bell.
 */
#include "config.h"

#include "transport/dgram.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    NAME_SIZE = 5,   /* what the kernel chooses */
    DRAIN_MAX = 512, /* datagrams at a time */
};

enum how { NOT, LOCAL, REMOTE };

struct bell {
    uint32_t from;
    uint32_t number;
};

/* Kept small: a farm may have thousands of peers. */
struct place {
    uint8_t how;
    char name[NAME_SIZE];
    uint16_t port;
    uint32_t address;
};

struct hayi_dgram {
    int local;
    int remote;
    bool any_remote;
    uint32_t peer_count;
    struct place places[];
};

static hay_status bind_local(int fd, struct hayi_dgram_card *card)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    socklen_t size = sizeof name.sun_family;
    if (bind(fd, (struct sockaddr *)&name, size) != 0) {
        return HAY_EIO;
    }
    size = sizeof name;
    if (getsockname(fd, (struct sockaddr *)&name, &size) != 0
        || size != offsetof(struct sockaddr_un, sun_path) + 1 + NAME_SIZE) {
        return HAY_EIO;
    }
    memcpy(card->name, name.sun_path + 1, NAME_SIZE);
    return HAY_OK;
}

static hay_status bind_remote(int fd, struct hayi_dgram_card *card)
{
    struct sockaddr_in name = {.sin_family = AF_INET};
    socklen_t size = sizeof name;
    if (bind(fd, (struct sockaddr *)&name, size) != 0
        || getsockname(fd, (struct sockaddr *)&name, &size) != 0) {
        return HAY_EIO;
    }
    card->port = name.sin_port;
    return HAY_OK;
}

hay_status hayi_dgram_new(uint32_t peer_count,
                          struct hayi_dgram **dgram,
                          struct hayi_dgram_card *card,
                          struct hayi_error *err)
{
    struct hayi_dgram *d =
        calloc(1, sizeof *d + peer_count * sizeof d->places[0]);
    if (d == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "no memory for the bells");
    }
    int type = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    d->peer_count = peer_count;
    d->local = socket(AF_UNIX, type, 0);
    d->remote = socket(AF_INET, type, 0);
    memset(card, 0, sizeof *card);
    if (d->local < 0 || d->remote < 0 || bind_local(d->local, card) != HAY_OK
        || bind_remote(d->remote, card) != HAY_OK) {
        hay_status st = hayi_fail(
            err, HAY_EIO, "no socket for the bells: %s", strerror(errno));
        hayi_dgram_free(d);
        return st;
    }
    *dgram = d;
    return HAY_OK;
}

void hayi_dgram_free(struct hayi_dgram *dgram)
{
    if (dgram == NULL) {
        return;
    }
    if (dgram->local >= 0) {
        (void)close(dgram->local);
    }
    if (dgram->remote >= 0) {
        (void)close(dgram->remote);
    }
    free(dgram);
}

void hayi_dgram_local(struct hayi_dgram *dgram,
                      uint32_t peer,
                      const struct hayi_dgram_card *card)
{
    assert(peer < dgram->peer_count);
    struct place *place = &dgram->places[peer];
    place->how = LOCAL;
    memcpy(place->name, card->name, NAME_SIZE);
}

void hayi_dgram_remote(struct hayi_dgram *dgram,
                       uint32_t peer,
                       uint32_t address,
                       const struct hayi_dgram_card *card)
{
    assert(peer < dgram->peer_count);
    struct place *place = &dgram->places[peer];
    place->how = REMOTE;
    place->address = address;
    place->port = card->port;
    dgram->any_remote = true;
}

static void ring_local(int fd, const struct place *place, const void *bell)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path + 1, place->name, NAME_SIZE);
    socklen_t size = offsetof(struct sockaddr_un, sun_path) + 1 + NAME_SIZE;
    (void)sendto(fd,
                 bell,
                 sizeof(struct bell),
                 MSG_DONTWAIT | MSG_NOSIGNAL,
                 (struct sockaddr *)&name,
                 size);
}

static void ring_remote(int fd, const struct place *place, const void *bell)
{
    struct sockaddr_in name = {
        .sin_family = AF_INET,
        .sin_port = place->port,
        .sin_addr.s_addr = place->address,
    };
    (void)sendto(fd,
                 bell,
                 sizeof(struct bell),
                 MSG_DONTWAIT | MSG_NOSIGNAL,
                 (struct sockaddr *)&name,
                 sizeof name);
}

void hayi_dgram_ring(struct hayi_dgram *dgram,
                     uint32_t peer,
                     uint32_t self,
                     uint32_t number)
{
    assert(peer < dgram->peer_count);
    const struct place *place = &dgram->places[peer];
    const struct bell bell = {self, number};
    switch ((enum how)place->how) {
    case NOT:
        break;
    case LOCAL:
        ring_local(dgram->local, place, &bell);
        break;
    case REMOTE:
        ring_remote(dgram->remote, place, &bell);
        break;
    }
}

size_t
hayi_dgram_fds(struct hayi_dgram *dgram, struct pollfd *list, size_t room)
{
    size_t count = 0;
    if (room > count) {
        list[count++] = (struct pollfd){.fd = dgram->local, .events = POLLIN};
    }
    if (dgram->any_remote && room > count) {
        list[count++] = (struct pollfd){.fd = dgram->remote, .events = POLLIN};
    }
    return count;
}

typedef void (*heard_fn)(void *context, uint32_t from, uint32_t number);

static void drain(int fd, heard_fn heard, void *context)
{
    for (int i = 0; i < DRAIN_MAX; i++) {
        struct bell bell;
        ssize_t n = recv(fd, &bell, sizeof bell, MSG_DONTWAIT);
        if (n == (ssize_t)sizeof bell) {
            heard(context, bell.from, bell.number);
        } else if (n < 0 && errno != ECONNREFUSED && errno != EINTR) {
            return; /* (refused: a bell of ours found nobody) */
        }
    }
}

void hayi_dgram_drain(struct hayi_dgram *dgram,
                      void (*heard)(void *context,
                                    uint32_t from,
                                    uint32_t number),
                      void *context)
{
    drain(dgram->local, heard, context);
    if (dgram->any_remote) {
        drain(dgram->remote, heard, context);
    }
}
