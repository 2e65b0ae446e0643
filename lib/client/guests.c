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

hay_status hayi_guests_listen(struct hayi_guests *guests,
                              struct hayi_transport *base,
                              uint32_t epoch,
                              struct hayi_error *err)
{
    char *identity = hayi_registry_identity();
    if (identity == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    const struct hayi_zmq_listen listen = {
        .first = base->peer_count,
        .guests_max = HAYI_GUESTS_MAX,
        .identity = identity,
        .identity_size = strlen(identity) + 1,
        .epoch = epoch,
    };
    hay_status status =
        hayi_zmq_listen(&listen, &guests->hub, &guests->door, err);
    free(identity);
    if (status == HAY_OK) {
        status = hayi_transport_wide_new(base, guests->hub, &guests->wide);
        if (status != HAY_OK) {
            (void)hayi_fail(err, status, "out of memory");
        }
    }
    return status;
}

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
