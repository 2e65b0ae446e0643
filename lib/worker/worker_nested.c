/* worker_nested.c - tasks of this worker as clients: what they submit goes to
 * the manager before their end, and what it tells comes back.
 *
 * Where the manager is in this process they use its executor itself.
 */
#include "config.h"

#include "worker/worker_inside.h"

#include "client/remote_executor.h"

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
        .workers_expected = peers - 1,
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

static bool pump(struct hayi_worker *worker, bool all)
{
    bool any = false;
    if (worker->remote != NULL && !worker->link.down
        && hayi_remote_pump(worker->remote, all, &any) != HAY_OK) {
        (void)hayi_fail(&worker->error,
                        HAY_ENOMEM,
                        "worker %u is out of memory for a message",
                        worker->options.worker);
        hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
    }
    return any;
}

bool hayi_worker_poll_client(struct hayi_worker *worker)
{
    return pump(worker, false);
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
        (void)pump(worker, true);
    }
}

struct hayi_follow hayi_worker_follow(const struct hayi_worker *worker,
                                      const struct hay_task *task)
{
    struct hayi_follow follow = {0, 0};
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
    if (!hayi_nest_client(body, size, &client) || client != 0
        || worker->remote == NULL) {
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
    hayi_remote_free(worker->remote);
    worker->remote = NULL;
    worker->farm.executor = NULL;
}
