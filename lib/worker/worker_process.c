/* worker_process.c - the worker's process slots: made when they are first used,
 * what they wish of the spawner, and what that tells of their children. */
#include "config.h"

#include "worker/worker_inside.h"

#include "base/philox.h"
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>

enum {
    CHILD_GRACE_NS = HAYI_GRACE_NS,
    SLOT_BITS = 16,        /* of a child's id: its slot */
    KEEP_BYTES = 48 << 20, /* private memory of all children with no task */
};
#define MEMORY_MAX_BYTES (UINT64_C(1) << 30)
#define IDLE_NS          UINT64_C(10000000000)

static hay_status make_config(struct hayi_worker *worker,
                              struct hayi_error *err)
{
    char *identity = hayi_registry_identity();
    if (identity == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    const struct hayi_welcome *options = &worker->options;
    worker->process = (struct hayi_process_config){
        .loop_bell = worker->config.bell,
        .news = &worker->news,
        .relayed = &worker->relayed,
        .farm = &worker->farm,
        .identity = hayi_hash_bytes(identity, strlen(identity)),
        .memory_max_bytes = options->child_memory_max_bytes != 0
                                ? options->child_memory_max_bytes
                                : MEMORY_MAX_BYTES,
        .idle_ns =
            options->child_idle_ns != 0 ? options->child_idle_ns : IDLE_NS,
        .grace_ns = CHILD_GRACE_NS,
        .tasks_max = options->child_tasks_max,
        .scratch_keep_bytes = (uint32_t)(KEEP_BYTES / worker->core_count),
        .wishes = &worker->process_wishes,
    };
    free(identity);
    return HAY_OK;
}

static hay_status ready(struct hayi_worker *worker, struct hayi_error *err)
{
    if (worker->processes != NULL) {
        return HAY_OK;
    }
    if (!hayi_worker_ready_spawner(worker, err)) {
        return HAY_EFARM;
    }
    if (!hayi_spawner_has_children(worker->spawner)) {
        return hayi_fail(err,
                         HAY_EFARM,
                         "process slots need hay_main(), or hay_prefork() "
                         "first in main()");
    }
    hay_status status = make_config(worker, err);
    if (status == HAY_OK) {
        worker->processes =
            calloc(worker->core_count, sizeof(*worker->processes));
        if (worker->processes == NULL) {
            status = hayi_fail(err, HAY_ENOMEM, "out of memory");
        }
    }
    return status;
}

void hayi_worker_start_process(struct hayi_worker *worker,
                               struct hay_task *task)
{
    hay_status status = ready(worker, &task->error);
    struct hayi_slot_process *slot = NULL;
    if (status == HAY_OK) {
        slot = &worker->processes[task->core];
        if (!slot->started) {
            status = hayi_process_start(slot, &worker->process, &task->error);
        }
    }
    if (status != HAY_OK) {
        hayi_worker_finish_unstarted(worker, task);
        return;
    }
    hayi_process_give(slot, task);
    slot->given = true;
}

void hayi_worker_wake_processes(struct hayi_worker *worker)
{
    for (size_t i = 0; worker->processes != NULL && i < worker->core_count;
         i++) {
        if (worker->processes[i].given) {
            worker->processes[i].given = false;
            hayi_process_wake(&worker->processes[i]);
        }
    }
}

static void
fulfil(struct hayi_worker *worker, struct hayi_slot_process *slot, size_t index)
{
    int fd = -1;
    uint64_t inode = 0;
    struct hayi_error err = {HAY_OK, ""};
    hay_status status = HAY_OK;
    switch (hayi_process_wish(slot, &fd, &inode)) {
    case HAYI_WISH_NONE:
        return;
    case HAYI_WISH_START:
        slot->child_id = ++worker->child_serial << SLOT_BITS | index;
        status = hayi_spawner_child_start(
            worker->spawner, slot->child_id, fd, inode);
        break;
    case HAYI_WISH_TERM:
        status =
            hayi_spawner_child_urge(worker->spawner, slot->child_id, false);
        break;
    case HAYI_WISH_KILL:
        status = hayi_spawner_child_urge(worker->spawner, slot->child_id, true);
        break;
    }
    if (status != HAY_OK) {
        (void)hayi_fail(
            &err, HAY_EFARM, "the spawner cannot be told: no memory, or gone");
        hayi_process_refuse(slot, &err);
    }
}

struct hayi_slot_process *hayi_worker_client_slot(struct hayi_worker *worker,
                                                  uint32_t client)
{
    for (size_t i = 0; worker->processes != NULL && i < worker->core_count;
         i++) {
        if (worker->processes[i].started
            && worker->processes[i].client == client) {
            return &worker->processes[i];
        }
    }
    return NULL;
}

bool hayi_worker_poll_processes(struct hayi_worker *worker)
{
    if (worker->processes == NULL || atomic_load(&worker->process_wishes) == 0
        || atomic_exchange(&worker->process_wishes, 0) == 0) {
        return false;
    }
    for (size_t i = 0; i < worker->core_count; i++) {
        if (worker->processes[i].started) {
            fulfil(worker, &worker->processes[i], i);
        }
    }
    return true;
}

void hayi_worker_child_ended(struct hayi_worker *worker,
                             const struct hayi_spawn_event *event)
{
    size_t index = event->id & ((1U << SLOT_BITS) - 1);
    if (worker->processes != NULL && index < worker->core_count
        && worker->processes[index].started
        && worker->processes[index].child_id == event->id) {
        hayi_process_over(&worker->processes[index], event);
    }
}

struct hayi_slot_process *
hayi_worker_process_of(const struct hayi_worker *worker,
                       const struct hay_task *task)
{
    bool ours = (task->record.flags & HAYI_TASK_PROCESS) != 0
                && worker->processes != NULL
                && worker->processes[task->core].started;
    return ours ? &worker->processes[task->core] : NULL;
}

void hayi_worker_stop_processes(struct hayi_worker *worker)
{
    for (size_t i = 0; worker->processes != NULL && i < worker->core_count;
         i++) {
        hayi_process_stop(&worker->processes[i]);
    }
    free(worker->processes);
    worker->processes = NULL;
}
