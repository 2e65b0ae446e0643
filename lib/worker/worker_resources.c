/* worker_resources.c - this rank's part of what its node has: gpus, named
 * amounts, memory. */
#include "config.h"

#include "worker/worker_inside.h"

#include "core/variant.h"
#include "wire/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AMOUNT_TEXT = HAYI_RESOURCE_NAME_MAX + 40 };

/* Each rank of the node takes its share, in disjoint parts; none is empty but
 * for want of whole ones. */
static hay_status share_amounts(struct hayi_worker *worker,
                                const char *resources,
                                struct hayi_error *err)
{
    struct hayi_named list[HAYI_RESOURCE_MAX];
    size_t count = 0;
    size_t used = 0;
    hay_status status = hayi_named_parse(
        resources, false, list, HAYI_RESOURCE_MAX, &count, err);
    if (status != HAY_OK) {
        return status;
    }
    size_t room = count * AMOUNT_TEXT + 1;
    char *text = calloc(room, 1);
    if (text == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < count; i++) {
        char amount[40];
        hayi_amount_print(hayi_share_units(list[i].units,
                                           HAYI_AMOUNT_ONE,
                                           worker->config.mask_count,
                                           worker->config.mask_mine),
                          amount,
                          sizeof(amount));
        used += (size_t)snprintf(text + used,
                                 room - used,
                                 "%s%.*s=%s",
                                 i > 0 ? " " : "",
                                 (int)list[i].size,
                                 list[i].name,
                                 amount);
    }
    worker->resources = text;
    return HAY_OK;
}

/* getenv(), as hayi_node_gpus_find() wants it. */
static const char *variable(const char *name)
{
    return getenv(name);
}

static hay_status share_gpus(struct hayi_worker *worker, struct hayi_error *err)
{
    const struct hayi_worker_config *config = &worker->config;
    uint32_t picked[HAYI_GPUS_MAX];
    struct hayi_node_gpus *node = malloc(sizeof(*node));
    struct hayi_gpu_rank *ranks = calloc(config->mask_count, sizeof(*ranks));
    if (node == NULL || ranks == NULL) {
        free(node);
        free(ranks);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    hayi_node_gpus_find(node, config->topology, variable);
    for (size_t i = 0; i < config->mask_count; i++) {
        ranks[i].mask = config->masks[i];
        ranks[i].identity =
            config->gpu_ids != NULL ? config->gpu_ids[i] : node->identity;
        worker->farm.deals_gpus =
            worker->farm.deals_gpus || ranks[i].identity != 0;
    }
    ranks[config->mask_mine].identity = node->identity;
    bool told = worker->options.gpus != HAY_GPUS_FOUND;
    if (told) {
        hayi_node_gpus_pretend(node, worker->options.gpus);
        worker->farm.deals_gpus = node->count > 0;
    }
    uint32_t count = hayi_node_gpus_share(node,
                                          config->topology,
                                          ranks,
                                          config->mask_count,
                                          config->mask_mine,
                                          told,
                                          picked);
    worker->gpus = *node;
    for (uint32_t i = 0; i < count; i++) {
        worker->gpus.list[i] = node->list[picked[i]];
    }
    worker->gpus.count = count;
    worker->farm.gpus = &worker->gpus;
    free(node);
    free(ranks);
    return HAY_OK;
}

hay_status hayi_worker_share(struct hayi_worker *worker,
                             const char *resources,
                             struct hayi_error *err)
{
    uint64_t memory = hayi_topology_memory_bytes(worker->config.topology);
    uint64_t allowed = hayi_store_node_bytes(); /* to the job's cgroup */
    memory = allowed < memory ? allowed : memory;
    worker->memory_bytes = memory / worker->config.mask_count;
    hay_status status = share_gpus(worker, err);
    if (status == HAY_OK) {
        status = share_amounts(worker, resources, err);
    }
    return status;
}

hay_status hayi_worker_localities(const struct hayi_worker *worker,
                                  uint32_t **core_numa,
                                  uint32_t **gpu_numa)
{
    uint32_t *cores = calloc(worker->core_count, sizeof(*cores));
    uint32_t *gpus = calloc(HAYI_GPUS_MAX, sizeof(*gpus));
    if (cores == NULL || gpus == NULL) {
        free(cores);
        free(gpus);
        return HAY_ENOMEM;
    }
    for (size_t i = 0; i < worker->core_count; i++) {
        cores[i] = worker->cpus == NULL
                       ? HAYI_NUMA_NONE
                       : hayi_topology_numa(worker->config.topology,
                                            worker->cpus[worker->cpu_at[i]]);
    }
    for (uint32_t i = 0; i < HAYI_GPUS_MAX; i++) {
        gpus[i] =
            i < worker->gpus.count ? worker->gpus.list[i].numa : HAYI_NUMA_NONE;
    }
    *core_numa = cores;
    *gpu_numa = gpus;
    return HAY_OK;
}
