/* manager_end.c - how a run ends: in order, or because something was lost. */
#include "config.h"

#include "manager/manager_inside.h"

#include <inttypes.h>
#include <stdio.h>

void hayi_manager_stop_workers(struct hayi_manager *manager, bool at_once)
{
    if (manager->stopping && !at_once) {
        return;
    }
    manager->stopping = true;
    const struct hayi_stop stop = {.at_once = at_once};
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        if (!peer->gone && !peer->bye) {
            if (hayi_link_append(
                    &peer->link, HAYI_RECORD_STOP, &stop, sizeof(stop))
                != HAY_OK) {
                hayi_manager_panic(manager, "out of memory to stop");
            }
        }
    }
}

/* The run cannot go on: everything unfinished ends as the farm's failure, the
 * workers leave at once. */
void hayi_manager_break(struct hayi_manager *manager,
                        const struct hayi_error *err)
{
    if (manager->broken) {
        return;
    }
    manager->broken = true;
    manager->give_up_ns = manager->now_ns + HAYI_MANAGER_LEAVE_NS;
    (void)fprintf(stderr, "%s\n", err->text);
    hayi_executor_break(manager->ex, err);
    manager->wake = true;
    hayi_manager_stop_workers(manager, true);
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_event lost = {.kind = HAYI_EVENT_LOST,
                                  .u.lost = {.worker = i - 1}};
        hayi_manager_step(manager, &lost, NULL);
    }
    struct hayi_event close = {.kind = HAYI_EVENT_CLOSE,
                               .u.close = {.cancel_pending = true}};
    hayi_manager_step(manager, &close, NULL);
}

void hayi_manager_lose(struct hayi_manager *manager,
                       uint32_t worker,
                       const char *how)
{
    struct hayi_peer *peer = &manager->peers[worker + 1];
    if (peer->gone) {
        return;
    }
    peer->gone = true;
    peer->link.down = true;
    if (manager->mover != NULL) {
        hayi_mover_peer_down(manager->mover, worker + 1);
    }
    if (peer->bye || manager->broken) {
        return;
    }
    struct hayi_error err;
    (void)hayi_fail(&err,
                    HAY_EFARM,
                    "hayfork: lost worker %" PRIu32 " on %s (pid %d): %s; "
                    "the run ends",
                    peer->name.number,
                    peer->name.host,
                    (int)peer->name.pid,
                    how);
    hayi_manager_break(manager, &err); /* no worker is left for the core */
}

void hayi_manager_on_down(void *context, uint32_t peer, const char *how)
{
    struct hayi_manager *manager = context;
    if (peer == 0 || peer >= manager->peer_count) {
        return;
    }
    hayi_manager_lose(manager, peer - 1, how);
}

void hayi_manager_check_end(struct hayi_manager *manager)
{
    if (!manager->stopping) {
        return;
    }
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        const struct hayi_peer *peer = &manager->peers[i];
        if (!peer->gone && !peer->bye) {
            if (manager->broken
                && (manager->config.shared_memory
                    || manager->now_ns >= manager->give_up_ns)) {
                break;
            }
            return;
        }
    }
    manager->ended = true;
}
