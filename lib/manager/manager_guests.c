/* manager_guests.c - workers that come while the farm runs, and workers that
 * leave.  The transport numbers those that come in their order, behind those of
 * the start. */
#include "config.h"

#include "manager/manager_nested.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

uint32_t hayi_manager_first_guest(const struct hayi_manager *manager)
{
    return manager->config.transport->peer_count - manager->config.guests_max;
}

void hayi_manager_on_up(void *context,
                        uint32_t number,
                        const struct hayi_guest *who)
{
    struct hayi_manager *manager = context;
    const struct hayi_manager_config *config = &manager->config;
    struct hayi_error err;
    if (manager->stopping || manager->broken || number != manager->peer_count
        || number >= config->transport->peer_count) {
        return; /* it hears of the end when its connection breaks */
    }
    struct hayi_peer *peer = &manager->peers[number];
    peer->name = (struct hayi_worker_name){.number = number, .pid = who->pid};
    memcpy(peer->name.host, who->host, sizeof(peer->name.host) - 1);
    peer->offset_low = INT64_MIN;
    peer->offset_high = INT64_MAX;
    if (hayi_link_init(&peer->link, config->transport, number, config->epoch)
        != HAY_OK) {
        hayi_manager_panic(manager, "out of memory for a guest");
        return;
    }
    manager->peer_count++;
    peer->link.heard_ns = manager->now_ns;
    if (hayi_manager_welcome(manager, peer, config->options, &err) != HAY_OK) {
        hayi_manager_lose(manager, number - 1, err.text);
        return;
    }
    if (!manager->quiet) {
        (void)fprintf(stderr,
                      "hayfork: worker %u on %s (pid %d) joins\n",
                      (unsigned)number,
                      peer->name.host,
                      (int)peer->name.pid);
    }
}

/* ---- leaving ------------------------------------------------------------ */

void hayi_manager_on_leave(struct hayi_manager *manager,
                           struct hayi_peer *peer,
                           const struct hayi_leave_record *record)
{
    bool now = record->left_ns == 0;
    if (!peer->joined || peer->leaving) {
        return;
    }
    if (now) {
        peer->leaving = true;
        hayi_manager_strike_off(manager, peer);
        if (!manager->quiet && !manager->stopping) {
            (void)fprintf(stderr,
                          "hayfork: worker %u on %s (pid %d) leaves\n",
                          (unsigned)peer->name.number,
                          peer->name.host,
                          (int)peer->name.pid);
        }
    }
    struct hayi_event event = {
        .kind = HAYI_EVENT_LEAVE,
        .u.leave = {.worker = peer->link.peer - 1,
                    .end_ns = now ? 0 : hayi_clock_deadline(record->left_ns)},
    };
    hayi_manager_step(manager, &event, NULL);
}

void hayi_manager_let_go(struct hayi_manager *manager, uint32_t worker)
{
    const struct hayi_stop stop = {0, 0};
    struct hayi_peer *peer = &manager->peers[worker + 1];
    if (peer->gone || peer->bye) {
        return;
    }
    peer->let_go_ns = manager->now_ns;
    hayi_manager_nested_lost(manager, worker + 1);
    hayi_manager_say(manager, worker, HAYI_RECORD_STOP, &stop, sizeof(stop));
}
