/* manager_end.c - how a run ends: in order, or because something was lost. */
#include "config.h"

#include "manager/manager_nested.h"

#include <inttypes.h>
#include <stdalign.h>
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
    if (atomic_load(&manager->ex->broken) == 0) { /* the journal's failure */
        hayi_executor_break(manager->ex, err);
    }
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

/* ---- losses ----------------------------------------------------------------
 */

/* It may only have been slow: what it says is not heard any more, and it shall
 * end itself.  It hears of that whenever it says something. */
void hayi_manager_fence(struct hayi_manager *manager, uint32_t number)
{
    struct hayi_peer *peer = &manager->peers[number];
    struct hayi_transport *transport = manager->config.transport;
    alignas(8) unsigned char frame[HAYI_FRAME_HEAD];
    if (peer->dead || peer->bye
        || (peer->fence_ns != 0
            && manager->now_ns - peer->fence_ns < HAYI_MANAGER_FENCE_NS)) {
        return;
    }
    peer->fence_ns = manager->now_ns;
    hayi_channel_fence(peer->link.channel, frame);
    (void)transport->ops->send(transport, number, frame, sizeof(frame));
}

/* Of our own node. */
static void clear_away(struct hayi_manager *manager, uint32_t member)
{
    hayi_place *places = NULL;
    size_t count = 0;
    hayi_store_reap(manager->ex->store, member);
    if (hayi_store_left(manager->ex->store, member, &places, &count)
        == HAY_OK) {
        hayi_manager_left(manager, 0, HAYI_MANAGER_SELF, places, count);
    }
}

static void tell_lost(struct hayi_manager *manager,
                      struct hayi_peer *peer,
                      const struct hayi_lost_record *record)
{
    if (hayi_link_append(&peer->link, HAYI_RECORD_LOST, record, sizeof(*record))
        != HAY_OK) {
        hayi_manager_panic(manager, "out of memory for a message");
    }
}

/* Who has died there before: the one that was to clear away may be 'number'.
 * Twice does no harm. */
static void clear_again(struct hayi_manager *manager,
                        struct hayi_peer *reaper,
                        uint32_t number)
{
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        const struct hayi_peer *dead = &manager->peers[i];
        if (i != number && dead->dead && dead->gone && dead->joined
            && dead->node == reaper->node) {
            const struct hayi_lost_record record = {
                .peer = i, .member = dead->member, .reap = 1};
            tell_lost(manager, reaper, &record);
        }
    }
}

/* The others end what is under way with it.  reap: one of its node clears away
 * what it has left in the store. */
static void
tell_others(struct hayi_manager *manager, uint32_t number, bool reap)
{
    const struct hayi_peer *lost = &manager->peers[number];
    struct hayi_lost_record record = {.peer = number, .member = lost->member};
    bool wanted = reap && lost->joined;
    if (wanted && lost->node == 0) {
        clear_away(manager, lost->member);
        wanted = false;
    }
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        if (peer->gone || peer->bye) {
            continue;
        }
        record.reap = wanted && peer->joined && peer->node == lost->node;
        wanted = wanted && record.reap == 0;
        tell_lost(manager, peer, &record);
        if (record.reap != 0) {
            clear_again(manager, peer, number);
        }
    }
}

static uint32_t most(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

void hayi_manager_strike_off(struct hayi_manager *manager,
                             const struct hayi_peer *lost)
{
    hay_executor *ex = manager->ex;
    uint32_t cores = 0;
    uint32_t gpus = 0;
    uint64_t memory = 0;
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        const struct hayi_peer *peer = &manager->peers[i];
        if (peer->joined && !peer->gone && !peer->leaving) {
            cores = most(cores, peer->cores);
            gpus = most(gpus, peer->gpus);
            memory = memory > peer->memory_bytes ? memory : peer->memory_bytes;
        }
    }
    atomic_store(&ex->cores_max, cores);
    atomic_store(&ex->gpus_max, gpus);
    atomic_store(&ex->memory_max, memory);
    hayi_resources_left(ex->resources, lost->link.peer - 1);
    if (lost->joined) {
        (void)atomic_fetch_sub(&ex->cores, lost->cores);
        (void)atomic_fetch_sub(&ex->workers, 1);
        (void)atomic_fetch_sub(&ex->node_cores[lost->node], lost->cores);
    } else {
        manager->never_joined++;
    }
    manager->wake = true;
}

static bool anybody_left(const struct hayi_manager *manager)
{
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        if (!manager->peers[i].gone && !manager->peers[i].bye) {
            return true;
        }
    }
    return false;
}

/* "; its 5 tasks run again" */
static void
word_attempts(const struct hayi_action *action, char *text, size_t size)
{
    uint32_t attempts = action->u.worker_lost.attempts;
    uint32_t again = action->u.worker_lost.again;
    if (attempts == 0) {
        (void)snprintf(text, size, "it had no task");
    } else if (attempts == 1) {
        (void)snprintf(
            text, size, again == 1 ? "its task runs again" : "its task ends");
    } else if (again == attempts) {
        (void)snprintf(text, size, "its %" PRIu32 " tasks run again", again);
    } else {
        (void)snprintf(text,
                       size,
                       "%" PRIu32 " of its %" PRIu32 " tasks run again",
                       again,
                       attempts);
    }
}

static void word_loss(const struct hayi_peer *peer,
                      const char *what,
                      struct hayi_error *err)
{
    (void)hayi_fail(err,
                    HAY_EFARM,
                    "hayfork: lost worker %" PRIu32 " on %s (pid %d): %s; %s",
                    peer->name.number,
                    peer->name.host,
                    (int)peer->name.pid,
                    peer->how,
                    what);
}

/* true: the run goes on without it. */
static bool
give_up(struct hayi_manager *manager, uint32_t worker, const char *how)
{
    struct hayi_peer *peer = &manager->peers[worker + 1];
    if (peer->gone) {
        return false;
    }
    peer->gone = true;
    peer->link.down = true;
    if (manager->mover != NULL) {
        hayi_mover_peer_down(manager->mover, worker + 1);
    }
    if (peer->bye || peer->let_go_ns != 0 || manager->broken) {
        return false;
    }
    manager->deaths =
        manager->deaths || worker + 1 < hayi_manager_first_guest(manager);
    (void)snprintf(peer->how, sizeof(peer->how), "%s", how);
    if (!peer->leaving) {
        hayi_manager_strike_off(manager, peer);
    }
    (void)atomic_fetch_add(&manager->ex->workers_lost, 1);
    hayi_manager_nested_lost(manager, worker + 1);
    tell_others(manager, worker + 1, peer->dead);
    hayi_manager_fence(manager, worker + 1);
    if (manager->stopping) {
        return false; /* it had nothing to do any more */
    }
    if (!anybody_left(manager)) {
        struct hayi_error err;
        word_loss(peer, "the run ends", &err);
        hayi_manager_break(manager, &err);
        return false;
    }
    return true;
}

void hayi_manager_worker_lost(struct hayi_manager *manager,
                              const struct hayi_action *action)
{
    struct hayi_error err;
    char what[80];
    uint32_t worker = action->u.worker_lost.worker;
    if (action->u.worker_lost.silent) {
        (void)give_up(manager, worker, "it has been silent for too long");
    }
    if (manager->broken || manager->stopping) {
        return;
    }
    word_attempts(action, what, sizeof(what));
    word_loss(&manager->peers[worker + 1], what, &err);
    (void)fprintf(stderr, "%s\n", err.text);
}

void hayi_manager_lose(struct hayi_manager *manager,
                       uint32_t worker,
                       const char *how)
{
    struct hayi_event lost = {.kind = HAYI_EVENT_LOST,
                              .u.lost = {.worker = worker}};
    if (give_up(manager, worker, how)) {
        hayi_manager_step(manager, &lost, NULL);
    }
}

void hayi_manager_on_down(void *context, uint32_t peer, const char *how)
{
    struct hayi_manager *manager = context;
    if (peer == 0 || peer >= manager->peer_count || manager->peers[peer].dead) {
        return;
    }
    manager->peers[peer].dead = true;
    if (manager->peers[peer].gone && !manager->broken) {
        tell_others(manager, peer, true);
    }
    hayi_manager_lose(manager, peer - 1, how);
}

static uint32_t beaten(const struct hayi_manager *manager)
{
    uint32_t count = 0;
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        if (!manager->peers[i].gone) {
            count += hayi_sched_beaten(manager->sched, i - 1);
        }
    }
    return count;
}

/* An attempt that was beaten may be deaf to its cancellation.  Its worker is
 * given up before the others are stopped: these could not finalize MPI. */
void hayi_manager_finish(struct hayi_manager *manager)
{
    if (manager->beaten_ns == 0) {
        manager->beaten_ns = manager->now_ns + HAYI_MANAGER_BEATEN_NS;
    }
    bool give_up = manager->now_ns >= manager->beaten_ns;
    for (uint32_t i = 1; give_up && i < manager->peer_count; i++) {
        if (hayi_sched_beaten(manager->sched, i - 1) > 0) {
            hayi_manager_lose(
                manager, i - 1, "what another worker did faster does not end");
        }
    }
    if (give_up || beaten(manager) == 0) {
        hayi_manager_stop_workers(manager, false);
    }
}

/* Nobody waits for the last word of a worker that may have died since. */
static bool long_let_go(const struct hayi_manager *manager,
                        const struct hayi_peer *peer)
{
    return peer->let_go_ns != 0
           && manager->now_ns - peer->let_go_ns > manager->silence_ns;
}

void hayi_manager_check_end(struct hayi_manager *manager)
{
    if (manager->beaten_ns != 0 && !manager->stopping) {
        hayi_manager_finish(manager);
    }
    if (!manager->stopping) {
        return;
    }
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        const struct hayi_peer *peer = &manager->peers[i];
        if (!peer->gone && !peer->bye && !long_let_go(manager, peer)) {
            if (manager->broken
                && (manager->config.shared_memory
                    || manager->now_ns >= manager->give_up_ns)) {
                break;
            }
            return;
        }
    }
    manager->ended = manager->held.count == 0;
}
