/* guests.c - see guests.h. */
#include "config.h"

#include "client/guests.h"

#include "base/clock.h"
#include "transport/transport_wide.h"
#include "transport/transport_zmq.h"
#include "worker/registry.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FDS_MAX = 4, NAP_MS = 100 };

#define ENTER_NS UINT64_C(15000000000)

/* The hub, or an entrance. */
static hay_status listen_for(struct hayi_guests *guests,
                             const struct hayi_transport *base,
                             uint32_t epoch,
                             struct hayi_error *err)
{
    char *identity = hayi_registry_identity();
    if (identity == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    const struct hayi_zmq_listen listen = {
        .self = base->self,
        .first = base->peer_count,
        .guests_max = HAYI_GUESTS_MAX,
        .identity = identity,
        .identity_size = strlen(identity) + 1,
        .epoch = epoch,
    };
    hay_status status =
        hayi_zmq_listen(&listen, &guests->hub, &guests->door, err);
    free(identity);
    return status;
}

static hay_status make_wide(struct hayi_guests *guests,
                            struct hayi_transport *base,
                            struct hayi_error *err)
{
    hay_status status =
        hayi_transport_wide_new(base, guests->hub, &guests->wide);
    return status == HAY_OK ? HAY_OK : hayi_fail(err, status, "out of memory");
}

hay_status hayi_guests_listen(struct hayi_guests *guests,
                              struct hayi_transport *base,
                              uint32_t epoch,
                              struct hayi_error *err)
{
    hay_status status = listen_for(guests, base, epoch, err);
    return status == HAY_OK ? make_wide(guests, base, err) : status;
}

/* ---- over MPI --------------------------------------------------------------
 */

/* What each rank tells the others of its door. */
struct told {
    int32_t status; /* and why: */
    char words[240];
    char guest_public[HAYI_DOOR_KEY]; /* rank 0's: of all guests */
    struct hayi_zmq_member member;
};

static hay_status any_failure(const struct told *all,
                              const struct hayi_mpi_peer *peers,
                              uint32_t count,
                              struct hayi_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].status != HAY_OK) {
            return hayi_fail(err,
                             (hay_status)all[i].status,
                             "rank %u on %.64s: %.240s",
                             (unsigned)i,
                             peers[i].host,
                             all[i].words);
        }
    }
    return HAY_OK;
}

/* The hub tells guests of all entrances, an entrance knows guests by the hub's
 * key. */
static hay_status introduce(struct hayi_guests *guests,
                            const struct told *all,
                            uint32_t self,
                            uint32_t count,
                            struct hayi_error *err)
{
    if (self != 0) {
        hayi_zmq_let_in(guests->hub, all[0].guest_public);
        return HAY_OK;
    }
    struct hayi_zmq_member *members = calloc(count, sizeof(*members));
    if (members == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    for (uint32_t i = 1; i < count; i++) {
        members[i - 1] = all[i].member;
    }
    hay_status status = hayi_zmq_members(guests->hub, members, err);
    free(members);
    return status;
}

hay_status hayi_guests_listen_mpi(struct hayi_guests *guests,
                                  const struct hayi_mpi_start *start,
                                  const char *run_folder,
                                  uint32_t epoch,
                                  struct hayi_error *err)
{
    struct hayi_transport *base = start->transport;
    struct told own = {.status = HAY_OK};
    struct hayi_error why = {HAY_OK, ""};
    void *all = NULL;
    if (base->self == 0 && run_folder == NULL) {
        own.status = hayi_fail(&why, HAY_EINVAL, HAYI_GUESTS_NO_FOLDER);
    } else {
        own.status = listen_for(guests, base, epoch, &why);
    }
    (void)snprintf(own.words, sizeof(own.words), "%s", why.text);
    memcpy(own.guest_public, guests->door.guest_public, HAYI_DOOR_KEY);
    if (own.status == HAY_OK) {
        hayi_zmq_member(
            &guests->door, start->peers[base->self].host, &own.member);
    }
    hay_status status = hayi_mpi_exchange(base, &own, sizeof(own), &all, err);
    if (status == HAY_OK) {
        status = any_failure(all, start->peers, base->peer_count, err);
    }
    if (status == HAY_OK) {
        status = introduce(guests, all, base->self, base->peer_count, err);
    }
    free(all);
    return status == HAY_OK ? make_wide(guests, base, err) : status;
}

/* ---- the door --------------------------------------------------------------
 */

static hay_status
name_file(const char *run_folder, char path[4200], struct hayi_error *err)
{
    int n = snprintf(path, 4200, "%s/%s", run_folder, HAYI_DOOR_FILE);
    return n < 4200 ? HAY_OK : hayi_fail(err, HAY_EINVAL, "a path is too long");
}

hay_status hayi_guests_open(struct hayi_guests *guests,
                            const char *run_folder,
                            struct hayi_error *err)
{
    char path[4200];
    hay_status status = name_file(run_folder, path, err);
    if (status == HAY_OK) {
        status = hayi_door_write(path, &guests->door, err);
    }
    if (status == HAY_OK) {
        memcpy(guests->path, path, sizeof(path));
    }
    explicit_bzero(&guests->door, sizeof(guests->door));
    return status;
}

void hayi_guests_close(struct hayi_guests *guests)
{
    if (guests->path[0] != 0) {
        (void)unlink(guests->path);
        guests->path[0] = 0;
    }
    if (guests->wide != NULL) {
        guests->wide->ops->close(guests->wide, true);
        guests->wide = NULL;
    }
    if (guests->hub != NULL) {
        guests->hub->ops->close(guests->hub, true);
        guests->hub = NULL;
    }
}

/* ---- going in --------------------------------------------------------------
 */

static hay_status wait_entered(struct hayi_transport *guest,
                               struct hayi_zmq_entered *entered,
                               struct hayi_error *err)
{
    uint64_t until = hayi_clock_ns() + ENTER_NS;
    hay_status status = hayi_zmq_enter(guest, entered, err);
    while (status == HAY_EAGAIN && hayi_clock_ns() < until) {
        struct pollfd list[FDS_MAX];
        size_t count = guest->ops->fds(guest, list, FDS_MAX);
        (void)poll(list, count, NAP_MS);
        status = hayi_zmq_enter(guest, entered, err);
    }
    return status != HAY_EAGAIN
               ? status
               : hayi_fail(err,
                           HAY_EFARM,
                           "the farm has not answered for %d s",
                           (int)(ENTER_NS / 1000000000));
}

hay_status hayi_guests_enter(const char *run_folder,
                             const char *host,
                             struct hayi_transport **transport,
                             uint32_t *epoch,
                             struct hayi_error *err)
{
    char path[4200];
    struct hayi_door door;
    hay_status status = name_file(run_folder, path, err);
    if (status == HAY_OK) {
        status = hayi_door_read(path, &door, err);
    }
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_transport *guest = NULL;
    struct hayi_zmq_entered entered = {0, 0};
    char *identity = hayi_registry_identity();
    if (identity == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    const struct hayi_zmq_knock knock = {
        .door = &door,
        .identity = identity,
        .identity_size = strlen(identity) + 1,
        .host = host,
        .pid = (int32_t)getpid(),
    };
    status = hayi_zmq_knock(&knock, &guest, err);
    explicit_bzero(&door, sizeof(door));
    free(identity);
    if (status == HAY_OK) {
        status = wait_entered(guest, &entered, err);
    }
    if (status == HAY_OK) {
        *transport = guest;
        *epoch = entered.epoch;
    } else if (guest != NULL) {
        guest->ops->close(guest, false);
    }
    return status;
}
