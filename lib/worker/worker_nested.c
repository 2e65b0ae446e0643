/* worker_nested.c - tasks of this worker as clients: what they submit goes to
 * the manager before their end, and what it tells comes back.
 *
 * Where the manager is in this process they use its executor itself.
 */
#include "config.h"

#include "worker/worker_inside.h"

#include "client/remote_executor.h"

#include <stdlib.h>
#include <string.h>

enum {
    RELAY_UNSENT_MAX = 1 << 20, /* bytes that wait to be sent */
};

static void *append(void *context, uint16_t type, size_t size)
{
    struct hayi_worker *worker = context;
    return hayi_channel_append(worker->link.channel, type, size);
}

static size_t unsent(void *context)
{
    const struct hayi_worker *worker = context;
    return hayi_channel_unsent(worker->link.channel);
}

static void ring(void *context)
{
    struct hayi_worker *worker = context;
    hayi_bell_ring(worker->config.bell);
}

hay_status hayi_worker_open_client(struct hayi_worker *worker,
                                   struct hayi_error *err)
{
    const uint32_t peers = worker->config.transport->peer_count;
    const struct hayi_remote_config config = {
        .store = worker->config.store,
        .seed = worker->options.seed,
        .client = 0,
        .workers_expected = peers - 1 - worker->config.guests_max,
        .node_count = peers,
        .append = append,
        .unsent = unsent,
        .ring = ring,
        .context = worker,
    };
    if (worker->config.shared_memory) {
        worker->farm.executor = worker->config.executor;
        return HAY_OK;
    }
    hay_status status = hayi_remote_new(&config, &worker->remote, err);
    if (status == HAY_OK) {
        worker->farm.executor = hayi_remote_executor(worker->remote);
    }
    return status;
}

static void no_memory(struct hayi_worker *worker)
{
    (void)hayi_fail(&worker->error,
                    HAY_ENOMEM,
                    "worker %u is out of memory for a message",
                    worker->options.worker);
    hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
}

static bool pump(struct hayi_worker *worker, bool all)
{
    bool any = false;
    if (worker->remote != NULL && !worker->link.down
        && hayi_remote_pump(worker->remote, all, &any) != HAY_OK) {
        no_memory(worker);
    }
    return any;
}

/* ---- clients in children ---------------------------------------------------
 */

/* The number of the child's client; 0: it is not, or no longer, one. */
static uint32_t client_of(struct hayi_worker *worker,
                          const struct hayi_relay_message *message)
{
    struct hayi_slot_process *slot = message->slot;
    if (slot->client_life != message->life) {
        slot->client_life = message->life;
        slot->client = message->type != 0 ? ++worker->client_serial : 0;
    }
    return slot->client;
}

static void relay(struct hayi_worker *worker,
                  const struct hayi_relay_message *message)
{
    uint32_t client = client_of(worker, message);
    const struct hayi_nest_head closed = {client, 0};
    bool gone = message->type == 0;
    const void *bytes = gone ? (const void *)&closed : message->body;
    size_t size = gone ? sizeof(closed) : (size_t)message->size;
    if (client == 0 || worker->link.down) {
        return;
    }
    struct hayi_nest_head *body = append(
        worker, gone ? HAYI_RECORD_NEST_CLOSED : (uint16_t)message->type, size);
    if (body == NULL) {
        no_memory(worker);
        return;
    }
    memcpy(body, bytes, size);
    body->client = client;
    if (gone) {
        message->slot->client = 0;
    }
}

static void relay_one(struct hayi_worker *worker,
                      struct hayi_relay_message *message)
{
    relay(worker, message);
    hayi_process_relayed(message->slot, message->size);
    free(message);
}

/* What a child has said after an attempt's end stays behind that: it may let go
 * of the future that the attempt has returned. */
static void relay_or_hold(struct hayi_worker *worker,
                          struct hayi_relay_message *message)
{
    struct hayi_slot_process *slot = message->slot;
    if (slot->held != NULL) {
        slot->held_last->next = message;
    } else if (message->ends > slot->ends_reported) {
        slot->held = message;
    } else {
        relay_one(worker, message);
        return;
    }
    slot->held_last = message;
}

void hayi_worker_end_reported(struct hayi_worker *worker,
                              struct hayi_slot_process *slot)
{
    slot->ends_reported++;
    while (slot->held != NULL && slot->held->ends <= slot->ends_reported) {
        struct hayi_relay_message *message = slot->held;
        slot->held = message->next;
        relay_one(worker, message);
    }
}

/* What children have said goes on; all: however much waits to be sent. */
static bool relay_all(struct hayi_worker *worker, bool all)
{
    struct hayi_relay_message *message;
    bool any = false;
    while ((all || unsent(worker) < RELAY_UNSENT_MAX)
           && (message = hayi_relay_pop(&worker->relayed)) != NULL) {
        relay_or_hold(worker, message);
        any = true;
    }
    return any;
}

bool hayi_worker_poll_client(struct hayi_worker *worker)
{
    bool any = relay_all(worker, false);
    return pump(worker, false) || any;
}

/* To the child whose client it is; one that is gone needs nothing any more. */
static void to_child(struct hayi_worker *worker,
                     uint32_t client,
                     uint16_t type,
                     const void *body,
                     size_t size)
{
    struct hayi_slot_process *slot = hayi_worker_client_slot(worker, client);
    if (slot == NULL) {
        return;
    }
    if (type == HAYI_RECORD_NEST_BROKEN) {
        hayi_process_nonsense(slot, slot->client_life);
        return;
    }
    struct hayi_relay_message *message =
        hayi_relay_new(slot, slot->client_life, type, body, size);
    if (message == NULL) {
        no_memory(worker);
        return;
    }
    hayi_process_relay(slot, message);
}

void hayi_worker_wake_client(struct hayi_worker *worker)
{
    if (worker->remote != NULL) {
        hayi_remote_wake(worker->remote);
    }
}

void hayi_worker_flush_client(struct hayi_worker *worker,
                              const struct hay_task *task)
{
    if (atomic_load_explicit(&task->client, memory_order_relaxed)) {
        (void)relay_all(worker, true);
        (void)pump(worker, true);
    }
}

struct hayi_follow hayi_worker_follow(const struct hayi_worker *worker,
                                      const struct hay_task *task)
{
    struct hayi_follow follow = {0, 0};
    if (task->outcome == HAYI_OUTCOME_FINISHED) {
        follow.id = task->follow_id;
    }
    if (task->follow != NULL && task->outcome == HAYI_OUTCOME_FINISHED) {
        follow.id = task->follow->id;
        if (worker->config.shared_memory) {
            follow.address =
                (uint64_t)(uintptr_t)hay_future_retain(task->follow);
        }
    }
    return follow;
}

hay_status hayi_worker_on_nested(struct hayi_worker *worker,
                                 uint16_t type,
                                 const void *body,
                                 size_t size)
{
    uint32_t client = 0;
    if (hayi_nest_client(body, size, &client) && client != 0) {
        to_child(worker, client, type, body, size);
        return HAY_OK;
    }
    if (size < sizeof(struct hayi_nest_head) || worker->remote == NULL) {
        return hayi_fail(
            &worker->error, HAY_EMISMATCH, "a record for no client of ours");
    }
    return hayi_remote_take(worker->remote, type, body, size, &worker->error);
}

void hayi_worker_break_client(struct hayi_worker *worker)
{
    struct hayi_error why = worker->error;
    if (worker->remote == NULL) {
        return;
    }
    if (why.text[0] == 0) {
        (void)hayi_fail(&why, HAY_EFARM, "the farm ends");
    }
    hayi_remote_break(worker->remote, &why);
}

void hayi_worker_close_client(struct hayi_worker *worker)
{
    hayi_relay_drop_all(&worker->relayed);
    hayi_remote_free(worker->remote);
    worker->remote = NULL;
    worker->farm.executor = NULL;
}
