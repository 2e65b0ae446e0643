/* topology.h - the cores that this process may use, and pinning to them.
 *
 * Owns: a table of what hwloc told at the start.
 * Never: changes the binding of a thread other than the caller's.
 * Threads: hayi_topology_new() before others; the rest from any.
 */
#ifndef HAYI_WORKER_TOPOLOGY_H
#define HAYI_WORKER_TOPOLOGY_H

#include "base/error.h"

enum { HAYI_CPUS_MAX = 4096 };

/* The mask of operating system cpus this process inherited; read it before
 * MPI_Init.  A bit a cpu. */
struct hayi_cpumask {
    uint64_t bits[HAYI_CPUS_MAX / 64];
};

struct hayi_topology;

/* Reads the machine, restricted to the process's cpuset and binding now; when
 * mpirun bound it by default only (facts: OMPI_MCA_orte_bound_at_launch without
 * a policy) the whole cpuset counts.  hwloc's variables (HWLOC_SYNTHETIC,
 * HWLOC_XMLFILE) give another machine, of which all is usable.  Never fails for
 * want of hwloc data: falls back to sched_getaffinity().
 * topology: given, hayi_topology_free().  HAY_ENOMEM; HAY_EIO: not even that.
 */
hay_status hayi_topology_new(struct hayi_topology **topology,
                             struct hayi_error *err);
void hayi_topology_free(struct hayi_topology *topology);

/* The cpus that may be used: what masks[] of hayi_topology_share() holds. */
void hayi_topology_mask(const struct hayi_topology *topology,
                        struct hayi_cpumask *mask);
/* The NUMA node, by number from 0, of the core that this cpu belongs to. */
uint32_t hayi_topology_numa(const struct hayi_topology *topology, int cpu);
#define HAYI_NUMA_NONE UINT32_MAX

/* The gpus of the machine that its driver gives to us, in the order of their
 * PCI addresses: writes the NUMA node that each is near to (or HAYI_NUMA_NONE),
 * at most 'room', returns how many there are. */
size_t hayi_topology_gpus(const struct hayi_topology *topology,
                          uint32_t *numa,
                          size_t room);
/* Of the machine; 0: not known. */
uint64_t hayi_topology_memory_bytes(const struct hayi_topology *topology);

/* Choose this rank's cores.  masks[count]: of the ranks of this host that run
 * tasks; mine: ours.  Ranks with equal masks share its cores (dealt out in
 * compact runs; with more ranks than cores, cores are shared); others have
 * their own.  limit: at most so many cores; 0: no limit.
 * HAY_EINVAL: our mask holds no cpu of this topology.  HAY_ENOMEM.
 * cores: given, free(): for each core the first operating system cpu of it. */
hay_status hayi_topology_share(const struct hayi_topology *topology,
                               const struct hayi_cpumask *masks,
                               size_t count,
                               size_t mine,
                               uint32_t limit,
                               int **cores,
                               size_t *core_count,
                               struct hayi_error *err);

/* All operating system cpus (hyperthreads) of the cores that begin with
 * cores[count]; writes at most room, returns how many. */
size_t hayi_topology_cpus(const struct hayi_topology *topology,
                          const int *cores,
                          size_t count,
                          int *cpus,
                          size_t room);

/* Bind the calling thread to these cpus; HAY_EIO if the system refuses. */
hay_status hayi_topology_bind_thread(const int *cpus, size_t count);

#endif
