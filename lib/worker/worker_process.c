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
        .suspended = &worker->hands.suspended,
    };
    free(identity);
    return HAY_OK;
}

static hay_status ready(struct hayi_worker *worker, struct hayi_error *err)
{
    if (worker->process_seats != NULL) {
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
        worker->process_seats =
            calloc(worker->core_count, sizeof(*worker->process_seats));
        if (worker->process_seats == NULL) {
            status = hayi_fail(err, HAY_ENOMEM, "out of memory");
        }
    }
    return status;
}

/* ---- who serves which core -------------------------------------------------
 */

static bool has_room(struct hayi_worker *worker)
{
    if (worker->process_count == worker->process_room) {
        uint32_t room =
            worker->process_room == 0 ? 16 : worker->process_room * 2;
        void *list =
            realloc(worker->processes, room * sizeof(*worker->processes));
        if (list == NULL) {
            return false;
        }
        worker->processes = list;
        worker->process_room = room;
    }
    return worker->process_count < 1U << SLOT_BITS;
}

static hay_status make_slot(struct hayi_worker *worker,
                            struct hayi_slot_process **out,
                            struct hayi_error *err)
{
    struct hayi_slot_process *slot =
        has_room(worker) ? calloc(1, sizeof(*slot)) : NULL;
    if (slot == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a process slot");
    }
    hay_status status = hayi_process_start(slot, &worker->process, err);
    if (status != HAY_OK) {
        free(slot);
        return status;
    }
    slot->index = worker->process_count;
    worker->processes[worker->process_count++] = slot;
    *out = slot;
    return HAY_OK;
}

static void
seat(struct hayi_worker *worker, struct hayi_slot_process *slot, uint32_t core)
{
    worker->process_seats[core] = slot;
    slot->core = core;
}

static hay_status find_slot(struct hayi_worker *worker,
                            uint32_t core,
                            struct hayi_slot_process **out,
                            struct hayi_error *err)
{
    hay_status status = HAY_OK;
    struct hayi_slot_process *slot = worker->process_seats[core];
    if (slot == NULL) {
        slot = worker->process_spare;
        if (slot != NULL) {
            worker->process_spare = slot->spare;
            hayi_process_set_spare(slot, false);
        } else {
            status = make_slot(worker, &slot, err);
        }
        if (status != HAY_OK) {
            return status;
        }
        seat(worker, slot, core);
    }
    *out = slot;
    return HAY_OK;
}

static void add_spare(struct hayi_worker *worker,
                      struct hayi_slot_process *slot)
{
    slot->core = HAYI_PROCESS_NO_CORE;
    slot->holder = NULL;
    slot->spare = worker->process_spare;
    worker->process_spare = slot;
    hayi_process_set_spare(slot, true);
}

void hayi_worker_start_process(struct hayi_worker *worker,
                               struct hay_task *task)
{
    hay_status status = ready(worker, &task->error);
    struct hayi_slot_process *slot = NULL;
    if (status == HAY_OK) {
        status = find_slot(worker, task->core, &slot, &task->error);
    }
    if (status != HAY_OK) {
        hayi_worker_finish_unstarted(worker, task);
        return;
    }
    task->process = slot;
    hayi_process_give(slot, task);
    slot->given = true;
}

void hayi_worker_wake_processes(struct hayi_worker *worker)
{
    for (size_t i = 0; worker->process_seats != NULL && i < worker->core_count;
         i++) {
        struct hayi_slot_process *slot = worker->process_seats[i];
        if (slot != NULL && slot->given) {
            slot->given = false;
            hayi_process_wake(slot);
        }
    }
}

void hayi_worker_park_process(struct hayi_worker *worker, struct hay_task *task)
{
    struct hayi_slot_process *slot = task->process;
    worker->process_seats[slot->core] = NULL;
    slot->core = HAYI_PROCESS_NO_CORE;
    slot->holder = task;
    slot->given = false;
    struct hay_task *next = hayi_process_take_given(slot);
    while (next != NULL) {
        struct hay_task *given = next;
        next = given->overflow_next;
        hayi_worker_start_process(worker, given);
    }
    hayi_worker_wake_processes(worker);
}

void hayi_worker_seat_process(struct hayi_worker *worker, struct hay_task *task)
{
    struct hayi_slot_process *before = worker->process_seats[task->core];
    if (before != NULL) {
        add_spare(worker, before); /* it has nothing: the core was free */
    }
    task->process->holder = NULL;
    seat(worker, task->process, task->core);
    hayi_process_resume(task->process);
}

void hayi_worker_process_ended(struct hayi_worker *worker,
                               const struct hay_task *task)
{
    struct hayi_slot_process *slot = task->process;
    if (slot != NULL && slot->holder == task) {
        add_spare(worker, slot);
    }
}

/* ---- what they wish --------------------------------------------------------
 */

static void fulfil(struct hayi_worker *worker, struct hayi_slot_process *slot)
{
    int fd = -1;
    uint64_t inode = 0;
    struct hayi_error err = {HAY_OK, ""};
    hay_status status = HAY_OK;
    switch (hayi_process_wish(slot, &fd, &inode)) {
    case HAYI_WISH_NONE:
        return;
    case HAYI_WISH_START:
        slot->child_id = ++worker->child_serial << SLOT_BITS | slot->index;
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
    for (uint32_t i = 0; i < worker->process_count; i++) {
        if (worker->processes[i]->client == client) {
            return worker->processes[i];
        }
    }
    return NULL;
}

bool hayi_worker_poll_processes(struct hayi_worker *worker)
{
    if (worker->process_count == 0 || atomic_load(&worker->process_wishes) == 0
        || atomic_exchange(&worker->process_wishes, 0) == 0) {
        return false;
    }
    for (uint32_t i = 0; i < worker->process_count; i++) {
        fulfil(worker, worker->processes[i]);
    }
    return true;
}

void hayi_worker_child_ended(struct hayi_worker *worker,
                             const struct hayi_spawn_event *event)
{
    size_t index = event->id & ((1U << SLOT_BITS) - 1);
    if (index < worker->process_count
        && worker->processes[index]->child_id == event->id) {
        hayi_process_over(worker->processes[index], event);
    }
}

void hayi_worker_stop_processes(struct hayi_worker *worker)
{
    for (uint32_t i = 0; i < worker->process_count; i++) {
        hayi_process_stop(worker->processes[i]);
        free(worker->processes[i]);
    }
    free(worker->processes);
    free(worker->process_seats);
    worker->processes = NULL;
    worker->process_seats = NULL;
    worker->process_spare = NULL;
    worker->process_count = worker->process_room = 0;
}
