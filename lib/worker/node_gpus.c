/* node_gpus.c - see node_gpus.h. */
#include "config.h"

#include "worker/node_gpus.h"

#include "base/philox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMAS_MAX = 64 }; /* farther ones count as one */

/* ---- names --------------------------------------------------------------- */

static void
set_name(char room[HAYI_GPU_NAME_MAX], const char *text, size_t size)
{
    size = size < HAYI_GPU_NAME_MAX ? size : HAYI_GPU_NAME_MAX - 1;
    memcpy(room, text, size);
    room[size] = 0;
}

static bool is_number(const char *text, size_t size, int32_t *number)
{
    enum { DIGITS_MAX = 6 };
    int32_t value = 0;
    if (size == 0 || size > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        value = value * 10 + (text[i] - '0');
    }
    *number = value;
    return true;
}

static void add(struct hayi_node_gpus *gpus, const char *text, size_t size)
{
    if (gpus->count == HAYI_GPUS_MAX) {
        return;
    }
    struct hayi_gpu *gpu = &gpus->list[gpus->count];
    set_name(gpu->name, text, size);
    set_name(gpu->rocr, text, size);
    if (!is_number(text, size, &gpu->number)) {
        gpu->number = (int32_t)gpus->count;
    }
    gpu->numa = HAYI_NUMA_NONE;
    gpus->count++;
}

/* "2-5" of Slurm; false: it is no span. */
static bool add_span(struct hayi_node_gpus *gpus, const char *text, size_t size)
{
    const char *dash = memchr(text, '-', size);
    int32_t first;
    int32_t last;
    if (dash == NULL || !is_number(text, (size_t)(dash - text), &first)
        || !is_number(dash + 1, size - (size_t)(dash - text) - 1, &last)) {
        return false;
    }
    for (; first <= last && gpus->count < HAYI_GPUS_MAX; first++) {
        char name[16];
        int length = snprintf(name, sizeof(name), "%d", (int)first);
        add(gpus, name, (size_t)length);
    }
    return true;
}

/* Names with commas, up to the first that cannot be one ("-1", "NoDevFiles"),
 * as CUDA does. */
static void add_list(struct hayi_node_gpus *gpus, const char *text)
{
    while (*text != 0) {
        text += strspn(text, " \t");
        size_t size = strcspn(text, ", \t");
        if (size == 0 || text[0] == '-'
            || strncmp(text, "NoDevFiles", size) == 0) {
            return;
        }
        if (!add_span(gpus, text, size)) {
            add(gpus, text, size);
        }
        text += size;
        text += strspn(text, " \t");
        text += *text == ',';
    }
}

/* ---- finding ------------------------------------------------------------- */

static const char *named_by(const char *(*get)(const char *name))
{
    static const char *const variables[] = {
        "CUDA_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
        "SLURM_STEP_GPUS",
        "SLURM_JOB_GPUS",
        "GPU_DEVICE_ORDINAL",
    };
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        const char *value = get(variables[i]);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

/* Where the two runtimes were told different names. */
static void take_rocr_names(struct hayi_node_gpus *gpus, const char *text)
{
    struct hayi_node_gpus *rocr = calloc(1, sizeof(*rocr));
    if (rocr != NULL) {
        add_list(rocr, text);
        for (uint32_t i = 0; rocr->count == gpus->count && i < gpus->count;
             i++) {
            memcpy(gpus->list[i].rocr,
                   rocr->list[i].name,
                   sizeof(gpus->list[i].rocr));
        }
    }
    free(rocr);
}

static uint64_t identify(const struct hayi_node_gpus *gpus)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < gpus->count; i++) {
        const char *name = gpus->list[i].name;
        hash = hayi_mix64(hash + hayi_hash_bytes(name, strlen(name)));
    }
    return gpus->count > 0 && hash == 0 ? 1 : hash;
}

void hayi_node_gpus_find(struct hayi_node_gpus *gpus,
                         const struct hayi_topology *topology,
                         const char *(*get)(const char *name))
{
    uint32_t numa[HAYI_GPUS_MAX];
    size_t there = hayi_topology_gpus(topology, numa, HAYI_GPUS_MAX);
    there = there < HAYI_GPUS_MAX ? there : HAYI_GPUS_MAX;
    const char *names = named_by(get);
    const char *rocr = get("ROCR_VISIBLE_DEVICES");
    memset(gpus, 0, sizeof(*gpus));
    gpus->has_ordinal = get("GPU_DEVICE_ORDINAL") != NULL;
    if (names != NULL) {
        add_list(gpus, names);
        if (rocr != NULL && rocr != names) {
            take_rocr_names(gpus, rocr);
        }
    } else {
        gpus->by_index = true;
        for (size_t i = 0; i < there; i++) {
            char name[16];
            int length = snprintf(name, sizeof(name), "%zu", i);
            add(gpus, name, (size_t)length);
        }
    }
    for (uint32_t i = 0; i < gpus->count; i++) {
        struct hayi_gpu *gpu = &gpus->list[i];
        if (gpu->number >= 0 && (size_t)gpu->number < there) {
            gpu->numa = numa[gpu->number];
        }
    }
    gpus->identity = identify(gpus);
}

void hayi_node_gpus_pretend(struct hayi_node_gpus *gpus, uint32_t count)
{
    int32_t next = 0;
    if (count > HAYI_GPUS_MAX) {
        count = HAYI_GPUS_MAX;
    }
    for (uint32_t i = 0; i < gpus->count; i++) {
        int32_t number = gpus->list[i].number;
        next = number >= next ? number + 1 : next;
    }
    while (gpus->count < count) {
        char name[16];
        int length = snprintf(name, sizeof(name), "%d", (int)next++);
        add(gpus, name, (size_t)length);
    }
    gpus->count = count;
    gpus->identity = identify(gpus);
}

/* ---- sharing ------------------------------------------------------------- */

uint64_t
hayi_share_units(uint64_t units, uint64_t one, size_t count, size_t mine)
{
    uint64_t parts = units % one == 0 ? units / one : units;
    uint64_t of = units % one == 0 ? one : 1;
    /* (mine + 1) * parts / count - mine * parts / count, without a product that
     * does not fit. */
    uint64_t each = parts / count;
    uint64_t rest = parts % count;
    uint64_t more = (mine + 1) * rest / count - mine * rest / count;
    return (each + more) * of;
}

struct sharer {
    uint64_t numas; /* bit i: it has cores of this NUMA node */
    uint32_t left;  /* gpus that it still gets */
};

static uint64_t numa_bit(uint32_t numa)
{
    return UINT64_C(1) << (numa < NUMAS_MAX ? numa : NUMAS_MAX - 1);
}

static uint64_t numas_of(const struct hayi_topology *topology,
                         const struct hayi_cpumask *masks,
                         size_t count,
                         size_t rank)
{
    int *cores = NULL;
    size_t core_count = 0;
    uint64_t numas = 0;
    if (hayi_topology_share(
            topology, masks, count, rank, 0, &cores, &core_count, NULL)
        != HAY_OK) {
        return 0;
    }
    for (size_t i = 0; i < core_count; i++) {
        uint32_t numa = hayi_topology_numa(topology, cores[i]);
        numas |= numa != HAYI_NUMA_NONE ? numa_bit(numa) : 0;
    }
    free(cores);
    return numas;
}

/* Who gets a gpu: with 'numa' not NONE only somebody who is near; the one to
 * whom most is left, of those the first.  count: nobody. */
static size_t taker(const struct sharer *sharers, size_t count, uint32_t numa)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++) {
        bool may = sharers[i].left > 0
                   && (numa == HAYI_NUMA_NONE
                       || (sharers[i].numas & numa_bit(numa)) != 0);
        if (may && (best == count || sharers[i].left > sharers[best].left)) {
            best = i;
        }
    }
    return best;
}

static uint32_t deal(const struct hayi_node_gpus *gpus,
                     struct sharer *sharers,
                     size_t count,
                     size_t mine,
                     uint32_t *picked)
{
    size_t owner[HAYI_GPUS_MAX];
    uint32_t n = 0;
    for (uint32_t i = 0; i < gpus->count; i++) {
        uint32_t numa = gpus->list[i].numa;
        owner[i] = numa == HAYI_NUMA_NONE ? count : taker(sharers, count, numa);
        if (owner[i] < count) {
            sharers[owner[i]].left--;
        }
    }
    for (uint32_t i = 0; i < gpus->count; i++) {
        if (owner[i] == count) {
            owner[i] = taker(sharers, count, HAYI_NUMA_NONE);
            sharers[owner[i]].left--;
        }
        if (owner[i] == mine) {
            picked[n++] = i;
        }
    }
    return n;
}

uint32_t hayi_node_gpus_share(const struct hayi_node_gpus *gpus,
                              const struct hayi_topology *topology,
                              const struct hayi_gpu_rank *ranks,
                              size_t count,
                              size_t mine,
                              bool forced,
                              uint32_t *picked)
{
    struct sharer *sharers = calloc(count, sizeof(*sharers));
    struct hayi_cpumask *masks = calloc(count, sizeof(*masks));
    size_t place = 0;
    size_t n = 0;
    uint32_t got = 0;
    if (sharers == NULL || masks == NULL) {
        free(sharers);
        free(masks);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        masks[i] = ranks[i].mask;
    }
    for (size_t i = 0; i < count; i++) {
        if (forced || ranks[i].identity == ranks[mine].identity) {
            place = i == mine ? n : place;
            sharers[n++].numas = numas_of(topology, masks, count, i);
        }
    }
    for (size_t i = 0; i < n; i++) {
        sharers[i].left = (uint32_t)hayi_share_units(gpus->count, 1, n, i);
    }
    got = deal(gpus, sharers, n, place, picked);
    free(sharers);
    free(masks);
    return got;
}
