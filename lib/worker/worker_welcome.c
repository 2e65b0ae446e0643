/* worker_welcome.c - WELCOME: what this worker is to be, and its answer. */
#include "config.h"

#include "worker/worker_inside.h"

#include "base/clock.h"
#include "base/variable.h"

#include <stdlib.h>
#include <string.h>

extern char **environ;

enum {
    /* Work given ahead to each of several slots: the loop cannot be on the core
     * of all of them.  With one slot it runs there as soon as that has nothing
     * left, and the state's own, smaller value serves.  Measured. */
    BACKLOG_NS = 3500000,
    /* Private memory of all slots together while they have nothing to do. */
    KEEP_BYTES = 48 << 20,
    SUSPENDED_MAX = 256,
    SPARE_MAX = 64, /* threads that wait for a slot, beyond one a core */
};

/* Variables of rank 0, then those that are this node's own.  All are copied:
 * the program may change its environment while the farm lives. */
static hay_status
split_env(struct hayi_worker *worker, const void *bytes, size_t size)
{
    struct hayi_buffer all;
    hayi_buffer_init(&all);
    hay_status status = hayi_buffer_append(&all, bytes, size);
    for (char **v = environ; *v != NULL && status == HAY_OK; v++) {
        if (hayi_variable_origin(*v) == HAYI_VARIABLE_NODE) {
            status = hayi_buffer_append(&all, *v, strlen(*v) + 1);
        }
    }
    worker->env_bytes = (char *)all.data;
    if (status != HAY_OK) {
        return status;
    }
    size_t count = 0;
    for (size_t i = 0; i < all.size; i++) {
        count += worker->env_bytes[i] == 0;
    }
    worker->env = calloc(count + 1, sizeof(*worker->env));
    if (worker->env == NULL) {
        return HAY_ENOMEM;
    }
    const char *at = worker->env_bytes;
    for (size_t i = 0; i < count; i++) {
        worker->env[i] = at;
        at += strlen(at) + 1;
    }
    return HAY_OK;
}

char *hayi_worker_copy_part(const void *bytes, uint64_t size)
{
    char *copy = malloc(size + 1);
    if (copy != NULL) {
        memcpy(copy, bytes, size);
        copy[size] = 0;
    }
    return copy;
}

/* The operating system cpus of every core, one after the other. */
static hay_status gather_cpus(struct hayi_worker *worker)
{
    size_t room = worker->core_count * 16 + 16;
    worker->cpus = malloc(room * sizeof(int));
    if (worker->cpus == NULL) {
        return HAY_ENOMEM;
    }
    size_t used = 0;
    for (size_t i = 0; i < worker->core_count; i++) {
        worker->cpu_at[i] = used;
        size_t count = hayi_topology_cpus(worker->config.topology,
                                          worker->cores + i,
                                          1,
                                          worker->cpus + used,
                                          room - used);
        used += count < room - used ? count : room - used;
    }
    worker->cpu_at[worker->core_count] = used;
    return HAY_OK;
}

static hay_status make_state(struct hayi_worker *worker)
{
    uint32_t *core_numa = NULL;
    uint32_t *gpu_numa = NULL;
    hay_status status = hayi_worker_localities(worker, &core_numa, &gpu_numa);
    if (status == HAY_OK) {
        const struct hayi_wstate_config config = {
            .cores = (uint32_t)worker->core_count,
            .core_numa = core_numa,
            .gpu_numa = gpu_numa,
            .backlog_ns = worker->core_count > 1 ? BACKLOG_NS : 0,
            .memory_bytes = worker->memory_bytes,
        };
        worker->state = hayi_wstate_new(&config);
        status = worker->state != NULL ? HAY_OK : HAY_ENOMEM;
    }
    free(core_numa);
    free(gpu_numa);
    return status;
}

static hay_status make_slots(struct hayi_worker *worker, struct hayi_error *err)
{
    hay_status status = hayi_topology_share(worker->config.topology,
                                            worker->config.masks,
                                            worker->config.mask_count,
                                            worker->config.mask_mine,
                                            worker->options.slots,
                                            &worker->cores,
                                            &worker->core_count,
                                            err);
    if (status != HAY_OK) {
        return status;
    }
    /* More slots asked for than there are cores: they share them, unpinned. */
    bool pin = worker->options.no_pin == 0;
    if (worker->options.slots > worker->core_count) {
        worker->core_count = worker->options.slots;
        pin = false;
    }
    worker->cpu_at = calloc(worker->core_count + 1, sizeof(size_t));
    worker->slots = calloc(worker->core_count, sizeof(*worker->slots));
    if (worker->cpu_at == NULL || worker->slots == NULL
        || (pin && gather_cpus(worker) != HAY_OK)
        || make_state(worker) != HAY_OK) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    worker->hands.keep_bytes = KEEP_BYTES / worker->core_count;
    worker->hands.suspended_max = worker->options.suspended_max != 0
                                      ? worker->options.suspended_max
                                      : SUSPENDED_MAX;
    worker->hands.spare_max = (uint32_t)worker->core_count + SPARE_MAX;
    for (size_t i = 0; i < worker->core_count; i++) {
        struct hayi_slot_thread *slot = &worker->slots[i];
        slot->hands = &worker->hands;
        if (pin) {
            slot->cpus = worker->cpus + worker->cpu_at[i];
            slot->cpu_count = worker->cpu_at[i + 1] - worker->cpu_at[i];
        }
    }
    return HAY_OK;
}

static hay_status join(struct hayi_worker *worker)
{
    const struct hayi_join head = {
        .memory_bytes = worker->memory_bytes,
        .worker_ns = hayi_clock_ns(),
        .cores = (uint32_t)worker->core_count,
        .gpus = worker->gpus.count,
        .host_size = (uint32_t)strlen(worker->host) + 1,
        .store_of = worker->config.store_of,
        .member = worker->config.store_member,
        .resources_size = (uint32_t)strlen(worker->resources) + 1,
    };
    const uint64_t parts[2] = {head.host_size, head.resources_size};
    unsigned char *body =
        hayi_channel_append(worker->link.channel,
                            HAYI_RECORD_JOIN,
                            hayi_record_size(sizeof(head), parts, 2));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, worker->host, parts[0]);
    (void)hayi_record_put(body, worker->resources, parts[1]);
    return HAY_OK;
}

hay_status hayi_worker_on_welcome(struct hayi_worker *worker,
                                  const void *body,
                                  size_t size)
{
    struct hayi_error *err = &worker->error;
    const struct hayi_welcome *head = body;
    if (worker->welcome || size < sizeof(*head)
        || head->output > HAY_OUTPUT_NULL) {
        return hayi_fail(err, HAY_EMISMATCH, "an unexpected welcome");
    }
    const uint64_t parts[5] = {head->run_folder_size,
                               head->cwd_size,
                               head->env_size,
                               head->spill_folder_size,
                               head->resources_size};
    const void *at[5];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 5, 31u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    worker->options = *head;
    if (worker->config.slots != 0) {
        worker->options.slots = worker->config.slots;
    }
    if (worker->config.no_pin) {
        worker->options.no_pin = 1;
    }
    if (worker->config.own_gpus) {
        worker->options.gpus = worker->config.gpus;
    }
    worker->farm.seed = head->seed;
    worker->farm.worker = head->worker;
    worker->run_folder = head->run_folder_size > 0
                             ? hayi_worker_copy_part(at[0], parts[0])
                             : NULL;
    worker->farm.run_folder = worker->run_folder;
    worker->cwd = hayi_worker_copy_part(at[1], parts[1]);
    if (worker->cwd == NULL || (parts[0] > 0 && worker->run_folder == NULL)
        || split_env(worker, at[2], head->env_size) != HAY_OK) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    worker->welcome = true;
    struct hayi_error why;
    const char *resources = parts[4] > 0 ? at[4] : "";
    if (worker->own_resources != NULL) {
        resources = worker->own_resources;
    }
    status = hayi_worker_share(worker, resources, &why);
    if (status == HAY_OK) {
        status = make_slots(worker, &why);
    }
    if (status == HAY_OK) {
        status =
            hayi_worker_open_data(worker, parts[3] > 0 ? at[3] : NULL, &why);
    }
    if (status == HAY_OK) {
        status = hayi_worker_open_client(worker, &why);
    }
    if (status == HAY_OK) {
        status = hayi_registry_init_worker(&why);
    }
    if (status != HAY_OK) {
        /* The manager ends the run. */
        return hayi_link_append_words(
            &worker->link, HAYI_RECORD_REFUSE, why.text);
    }
    return join(worker);
}
