/* topology_gpus.c - see topology_gpus.h. */
#include "config.h"

#include "worker/topology_gpus.h"

#include "worker/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NVIDIA = 0x10de, AMD = 0x1002, DISPLAY = 0x03 };

struct device {
    uint64_t address; /* on PCI; or its number among its kind */
    uint32_t numa;
};

struct devices {
    struct device list[HAYI_TOPOLOGY_GPUS_MAX];
    size_t count;
};

uint32_t hayi_topology_near(hwloc_topology_t topology,
                            hwloc_const_bitmap_t cpus)
{
    uint32_t near = HAYI_NUMA_NONE;
    hwloc_const_bitmap_t first = NULL;
    hwloc_obj_t node = NULL;
    while (
        (node = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, node))
        != NULL) {
        if (node->cpuset == NULL
            || !hwloc_bitmap_intersects(node->cpuset, cpus)) {
            continue;
        }
        if (first != NULL) {
            if (!hwloc_bitmap_isequal(first, node->cpuset)) {
                return HAYI_NUMA_NONE;
            }
            continue;
        }
        first = node->cpuset;
        near = node->logical_index;
    }
    return near;
}

static void add(struct devices *devices, uint64_t address, uint32_t numa)
{
    if (devices->count < HAYI_TOPOLOGY_GPUS_MAX) {
        devices->list[devices->count++] = (struct device){address, numa};
    }
}

static uint32_t numa_of(hwloc_topology_t topology, hwloc_obj_t device)
{
    hwloc_obj_t parent = hwloc_get_non_io_ancestor_obj(topology, device);
    return parent != NULL ? hayi_topology_near(topology, parent->cpuset)
                          : HAYI_NUMA_NONE;
}

/* "cuda3", "rsmi0". */
static void find_os_devices(hwloc_topology_t topology,
                            const char *kind,
                            struct devices *devices)
{
    hwloc_obj_t device = NULL;
    size_t length = strlen(kind);
    while ((device = hwloc_get_next_osdev(topology, device)) != NULL) {
        const char *name = device->name != NULL ? device->name : "";
        const char *number = name + length;
        if (strncmp(name, kind, length) == 0 && number[0] != 0
            && number[strspn(number, "0123456789")] == 0) {
            add(devices, strtoull(number, NULL, 10), numa_of(topology, device));
        }
    }
}

static void find_pci_devices(hwloc_topology_t topology,
                             unsigned vendor,
                             struct devices *devices)
{
    hwloc_obj_t device = NULL;
    while ((device = hwloc_get_next_pcidev(topology, device)) != NULL) {
        const struct hwloc_pcidev_attr_s *pci = &device->attr->pcidev;
        if (pci->class_id >> 8 == DISPLAY && pci->vendor_id == vendor) {
            add(devices,
                (uint64_t)pci->domain << 16 | (uint64_t)pci->bus << 8
                    | (uint64_t)pci->dev << 3 | pci->func,
                numa_of(topology, device));
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = ((const struct device *)a)->address;
    uint64_t y = ((const struct device *)b)->address;
    return (x > y) - (x < y);
}

/* Files that the driver makes for gpus that this process may open; those that
 * a container hides are not there. */
static size_t driver_files(unsigned vendor)
{
    char path[64];
    size_t count = 0;
    if (vendor == AMD) {
        return access("/dev/kfd", F_OK) == 0 ? HAYI_TOPOLOGY_GPUS_MAX : 0;
    }
    for (int i = 0; i < HAYI_TOPOLOGY_GPUS_MAX; i++) {
        (void)snprintf(path, sizeof(path), "/dev/nvidia%d", i);
        count += access(path, F_OK) == 0;
    }
    return count;
}

/* Of one vendor: two runtimes would number them apart. */
static void find_by_vendor(hwloc_topology_t topology,
                           unsigned vendor,
                           struct devices *devices)
{
    find_pci_devices(topology, vendor, devices);
    if (!hwloc_topology_is_thissystem(topology)) {
        return;
    }
    size_t files = driver_files(vendor);
    if (files < devices->count) { /* which ones they are is not known */
        devices->count = files;
        for (size_t i = 0; i < files; i++) {
            devices->list[i].numa = HAYI_NUMA_NONE;
        }
    }
}

size_t hayi_topology_find_gpus(hwloc_topology_t topology,
                               uint32_t numa[HAYI_TOPOLOGY_GPUS_MAX])
{
    struct devices devices = {.count = 0};
    find_os_devices(topology, "cuda", &devices);
    if (devices.count == 0) {
        find_os_devices(topology, "rsmi", &devices);
    }
    if (devices.count == 0) {
        find_by_vendor(topology, NVIDIA, &devices);
    }
    if (devices.count == 0) {
        find_by_vendor(topology, AMD, &devices);
    }
    qsort(devices.list, devices.count, sizeof(devices.list[0]), compare);
    for (size_t i = 0; i < devices.count; i++) {
        numa[i] = devices.list[i].numa;
    }
    return devices.count;
}
