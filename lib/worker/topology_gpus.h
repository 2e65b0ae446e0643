/* topology_gpus.h - what hwloc knows of gpus and NUMA nodes, for topology.c.
 *
 * Owns: nothing.
 * Never: opens a gpu.
 * Threads: the topology's one, at its start.
 */
#ifndef HAYI_WORKER_TOPOLOGY_GPUS_H
#define HAYI_WORKER_TOPOLOGY_GPUS_H

#include <hwloc.h>
#include <stdint.h>

enum { HAYI_TOPOLOGY_GPUS_MAX = 64 };

/* The number of the only NUMA node that is near to these cpus (of memories
 * behind the same cpus the first one), or HAYI_NUMA_NONE. */
uint32_t hayi_topology_near(hwloc_topology_t topology,
                            hwloc_const_bitmap_t cpus);

/* The NUMA node of each gpu, in the order of their PCI addresses; how many.
 * hwloc's own cuda or rsmi devices where it was built with those; else display
 * controllers of NVIDIA and AMD for which the driver has made a device file
 * (of another machine's topology: all of them). */
size_t hayi_topology_find_gpus(hwloc_topology_t topology,
                               uint32_t numa[HAYI_TOPOLOGY_GPUS_MAX]);

#endif
