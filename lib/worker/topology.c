/* topology.c - see topology.h.
 *
 * hwloc is asked once, at the start; what is kept is a table of cores in
 * hwloc's logical order, in which neighbours share caches and sockets, so that
 * a run of it is a compact set.
 *
 * usable = allowed (cgroups; hwloc leaves the rest out) and the process's
 * binding.  mpirun binds a job of one or two ranks to one core each unless told
 * otherwise, and says so in the environment; nobody asked for that, so then the
 * binding does not count.  It is only a mask: threads may widen it again.
 */
#include "config.h"

#include "worker/topology.h"

#include "worker/topology_gpus.h"

#include <assert.h>
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORD = 64 };

struct core {
    size_t first; /* of the table of cpus */
    size_t count;
    uint32_t numa;
};

struct hayi_topology {
    struct hayi_cpumask mask;
    uint64_t memory_bytes;
    struct core *cores;
    size_t core_count;
    int *cpus; /* ascending within a core */
    size_t cpu_count;
    uint32_t gpus[HAYI_TOPOLOGY_GPUS_MAX]; /* the NUMA node of each */
    size_t gpu_count;
};

static bool has_cpu(const struct hayi_cpumask *mask, unsigned cpu)
{
    return cpu < HAYI_CPUS_MAX
           && (mask->bits[cpu / WORD] >> (cpu % WORD) & 1) != 0;
}

static void add_cpu(struct hayi_cpumask *mask, unsigned cpu)
{
    if (cpu < HAYI_CPUS_MAX) {
        mask->bits[cpu / WORD] |= UINT64_C(1) << (cpu % WORD);
    }
}

/* ---- reading ------------------------------------------------------------- */

/* Was this process bound by mpirun of its own accord? */
static bool bound_by_default(void)
{
    const char *bound = getenv("OMPI_MCA_orte_bound_at_launch");
    return bound != NULL && strcmp(bound, "0") != 0
           && getenv("OMPI_MCA_hwloc_base_binding_policy") == NULL;
}

/* The cpus that may be used, of those that hwloc knows; NULL: no memory. */
static hwloc_bitmap_t usable_cpus(hwloc_topology_t topology)
{
    hwloc_bitmap_t usable =
        hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topology));
    hwloc_bitmap_t bound = hwloc_bitmap_alloc();
    if (usable != NULL && bound != NULL
        && hwloc_topology_is_thissystem(topology) && !bound_by_default()
        && hwloc_get_cpubind(topology, bound, HWLOC_CPUBIND_PROCESS) == 0
        && hwloc_bitmap_intersects(usable, bound)) {
        (void)hwloc_bitmap_and(usable, usable, bound);
    }
    hwloc_bitmap_free(bound);
    return usable;
}

/* The next row of the table: a core with these cpus, if any is usable. */
static void add_core(struct hayi_topology *t,
                     hwloc_topology_t topology,
                     hwloc_const_bitmap_t cpus,
                     hwloc_const_bitmap_t usable)
{
    struct core *core = &t->cores[t->core_count];
    *core = (struct core){t->cpu_count, 0, hayi_topology_near(topology, cpus)};
    for (int cpu = hwloc_bitmap_first(cpus); cpu >= 0;
         cpu = hwloc_bitmap_next(cpus, cpu)) {
        if (cpu < HAYI_CPUS_MAX && hwloc_bitmap_isset(usable, (unsigned)cpu)) {
            t->cpus[t->cpu_count++] = cpu;
            core->count++;
            add_cpu(&t->mask, (unsigned)cpu);
        }
    }
    t->core_count += core->count > 0;
}

/* HAY_EINVAL: hwloc knows no cpu of use. */
static hay_status fill(struct hayi_topology *t, hwloc_topology_t topology)
{
    hwloc_bitmap_t usable = usable_cpus(topology);
    int count = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE);
    hwloc_obj_type_t type = HWLOC_OBJ_CORE;
    if (count <= 0) { /* some machines show no cores */
        type = HWLOC_OBJ_PU;
        count = hwloc_get_nbobjs_by_type(topology, type);
    }
    int cpus = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU);
    if (usable == NULL || count <= 0 || cpus <= 0) {
        hwloc_bitmap_free(usable);
        return usable == NULL ? HAY_ENOMEM : HAY_EINVAL;
    }
    t->cores = calloc((size_t)count, sizeof(*t->cores));
    t->cpus = calloc((size_t)cpus, sizeof(*t->cpus));
    if (t->cores == NULL || t->cpus == NULL) {
        hwloc_bitmap_free(usable);
        return HAY_ENOMEM;
    }
    for (int i = 0; i < count; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, type, (unsigned)i);
        add_core(t, topology, core->cpuset, usable);
    }
    t->gpu_count = hayi_topology_find_gpus(topology, t->gpus);
    t->memory_bytes = hwloc_get_root_obj(topology)->total_memory;
    hwloc_bitmap_free(usable);
    return t->core_count > 0 ? HAY_OK : HAY_EINVAL;
}

static hay_status read_hwloc(struct hayi_topology *t)
{
    hwloc_topology_t topology;
    if (hwloc_topology_init(&topology) != 0) {
        return HAY_EINVAL;
    }
    hay_status status = HAY_EINVAL;
    (void)hwloc_topology_set_io_types_filter(topology,
                                             HWLOC_TYPE_FILTER_KEEP_IMPORTANT);
    if (hwloc_topology_load(topology) == 0) {
        status = fill(t, topology);
    }
    hwloc_topology_destroy(topology);
    return status;
}

/* Without hwloc: each cpu is a core. */
static hay_status read_affinity(struct hayi_topology *t, struct hayi_error *err)
{
    union {
        cpu_set_t one;
        unsigned char room[HAYI_CPUS_MAX / 8];
    } set;
    free(t->cores);
    free(t->cpus);
    memset(t, 0, sizeof(*t));
    if (sched_getaffinity(0, sizeof(set), &set.one) != 0) {
        return hayi_fail(
            err, HAY_EIO, "sched_getaffinity: %s", strerror(errno));
    }
    size_t count = (size_t)CPU_COUNT_S(sizeof(set), &set.one);
    t->cores = calloc(count, sizeof(*t->cores));
    t->cpus = calloc(count, sizeof(*t->cpus));
    if (t->cores == NULL || t->cpus == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "topology: out of memory");
    }
    for (size_t cpu = 0; cpu < HAYI_CPUS_MAX; cpu++) {
        if (CPU_ISSET_S(cpu, sizeof(set), &set.one)) {
            t->cores[t->core_count++] = (struct core){t->cpu_count, 1, 0};
            t->cpus[t->cpu_count++] = (int)cpu;
            add_cpu(&t->mask, (unsigned)cpu);
        }
    }
    long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);
    t->memory_bytes =
        pages > 0 && page_size > 0 ? (uint64_t)pages * (uint64_t)page_size : 0;
    return HAY_OK;
}

hay_status hayi_topology_new(struct hayi_topology **topology,
                             struct hayi_error *err)
{
    struct hayi_topology *t = calloc(1, sizeof(*t));
    if (t == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "topology: out of memory");
    }
    hay_status status = read_hwloc(t);
    if (status == HAY_EINVAL) {
        status = read_affinity(t, err);
    } else if (status != HAY_OK) {
        (void)hayi_fail(err, status, "topology: out of memory");
    }
    if (status != HAY_OK) {
        hayi_topology_free(t);
        return status;
    }
    *topology = t;
    return HAY_OK;
}

void hayi_topology_free(struct hayi_topology *topology)
{
    if (topology != NULL) {
        free(topology->cores);
        free(topology->cpus);
        free(topology);
    }
}

void hayi_topology_mask(const struct hayi_topology *topology,
                        struct hayi_cpumask *mask)
{
    *mask = topology->mask;
}

uint64_t hayi_topology_memory_bytes(const struct hayi_topology *topology)
{
    return topology->memory_bytes;
}

uint32_t hayi_topology_numa(const struct hayi_topology *topology, int cpu)
{
    for (size_t i = 0; i < topology->core_count; i++) {
        const struct core *core = &topology->cores[i];
        for (size_t k = 0; k < core->count; k++) {
            if (topology->cpus[core->first + k] == cpu) {
                return core->numa;
            }
        }
    }
    return HAYI_NUMA_NONE;
}

size_t hayi_topology_gpus(const struct hayi_topology *topology,
                          uint32_t *numa,
                          size_t room)
{
    for (size_t i = 0; i < room && i < topology->gpu_count; i++) {
        numa[i] = topology->gpus[i];
    }
    return topology->gpu_count;
}

/* ---- sharing ------------------------------------------------------------- */

/* The first cpu of this core in the mask; -1: none. */
static int first_cpu(const struct hayi_topology *topology,
                     const struct core *core,
                     const struct hayi_cpumask *mask)
{
    for (size_t i = 0; i < core->count; i++) {
        int cpu = topology->cpus[core->first + i];
        if (has_cpu(mask, (unsigned)cpu)) {
            return cpu;
        }
    }
    return -1;
}

hay_status hayi_topology_share(const struct hayi_topology *topology,
                               const struct hayi_cpumask *masks,
                               size_t count,
                               size_t mine,
                               uint32_t limit,
                               int **cores,
                               size_t *core_count,
                               struct hayi_error *err)
{
    assert(mine < count);
    size_t sharers = 0, place = 0, found = 0;
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&masks[i], &masks[mine], sizeof(masks[i])) == 0) {
            place += i < mine;
            sharers++;
        }
    }
    int *list = calloc(topology->core_count, sizeof(*list));
    if (list == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "topology: out of memory");
    }
    for (size_t i = 0; i < topology->core_count; i++) {
        int cpu = first_cpu(topology, &topology->cores[i], &masks[mine]);
        if (cpu >= 0) {
            list[found++] = cpu;
        }
    }
    if (found == 0) {
        free(list);
        return hayi_fail(
            err, HAY_EINVAL, "the binding of this rank holds no usable cpu");
    }
    size_t begin = place * found / sharers;
    size_t end = (place + 1) * found / sharers;
    if (end == begin) { /* more ranks than cores */
        end = begin + 1;
    }
    size_t share = end - begin;
    if (limit != 0 && share > limit) {
        share = limit;
    }
    memmove(list, list + begin, share * sizeof(*list));
    *cores = list;
    *core_count = share;
    return HAY_OK;
}

size_t hayi_topology_cpus(const struct hayi_topology *topology,
                          const int *cores,
                          size_t count,
                          int *cpus,
                          size_t room)
{
    size_t written = 0;
    for (size_t i = 0; i < topology->core_count; i++) {
        const struct core *core = &topology->cores[i];
        const int *own = topology->cpus + core->first;
        bool wanted = false;
        for (size_t a = 0; a < count && !wanted; a++) {
            for (size_t b = 0; b < core->count && !wanted; b++) {
                wanted = own[b] == cores[a];
            }
        }
        for (size_t b = 0; wanted && b < core->count && written < room; b++) {
            cpus[written++] = own[b];
        }
    }
    return written;
}

hay_status hayi_topology_bind_thread(const int *cpus, size_t count)
{
    union {
        cpu_set_t one;
        unsigned char room[HAYI_CPUS_MAX / 8];
    } set;
    memset(&set, 0, sizeof(set));
    for (size_t i = 0; i < count; i++) {
        if (cpus[i] >= 0 && cpus[i] < HAYI_CPUS_MAX) {
            CPU_SET_S((size_t)cpus[i], sizeof(set), &set.one);
        }
    }
    return sched_setaffinity(0, sizeof(set), &set.one) == 0 ? HAY_OK : HAY_EIO;
}
