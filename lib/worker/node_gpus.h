/* node_gpus.h - the gpus of this node that the farm deals out, what they are
 * called, and which of them are this rank's.
 *
 * Owns: nothing; a struct to be copied.
 * Never: opens a gpu, changes the environment.
 * Threads: any, with a struct of its own.
 */
#ifndef HAYI_WORKER_NODE_GPUS_H
#define HAYI_WORKER_NODE_GPUS_H

#include "worker/topology.h"

enum {
    HAYI_GPUS_MAX = 64,
    HAYI_GPU_NAME_MAX = 100, /* with the 0 */
};

struct hayi_gpu {
    char name[HAYI_GPU_NAME_MAX]; /* for CUDA_VISIBLE_DEVICES */
    char rocr[HAYI_GPU_NAME_MAX]; /* for ROCR_VISIBLE_DEVICES */
    int32_t number;               /* the name, or its place if that is none */
    uint32_t numa;                /* or HAYI_NUMA_NONE */
};

struct hayi_node_gpus {
    struct hayi_gpu list[HAYI_GPUS_MAX];
    uint32_t count;
    bool by_index;     /* named by us, in the order of PCI addresses */
    bool has_ordinal;  /* the environment had GPU_DEVICE_ORDINAL */
    uint64_t identity; /* equal for ranks with equal gpus; 0: none */
};

/* The first of these that is set, even if empty, names them:
 * CUDA_VISIBLE_DEVICES, ROCR_VISIBLE_DEVICES, SLURM_STEP_GPUS, SLURM_JOB_GPUS,
 * GPU_DEVICE_ORDINAL; else those of the topology, by number.  get: as
 * getenv(). */
void hayi_node_gpus_find(struct hayi_node_gpus *gpus,
                         const struct hayi_topology *topology,
                         const char *(*get)(const char *name));
/* There are exactly so many (at most HAYI_GPUS_MAX), whatever was found. */
void hayi_node_gpus_pretend(struct hayi_node_gpus *gpus, uint32_t count);

/* A rank of this node that runs tasks. */
struct hayi_gpu_rank {
    struct hayi_cpumask mask;
    uint64_t identity; /* of its gpus */
};

/* Which of them are this rank's: those that have equal gpus share them out, all
 * but one of them alike, each rather the ones near to its cores.  forced: all
 * ranks count as having equal ones.  picked: room for gpus->count indices,
 * ascending; returns how many.  HAY_ENOMEM: the same as none. */
uint32_t hayi_node_gpus_share(const struct hayi_node_gpus *gpus,
                              const struct hayi_topology *topology,
                              const struct hayi_gpu_rank *ranks,
                              size_t count,
                              size_t mine,
                              bool forced,
                              uint32_t *picked);

/* Of 'units' that a node has, the part of rank 'mine' of 'count': whole ones
 * are dealt out, what is no whole number is divided. */
uint64_t
hayi_share_units(uint64_t units, uint64_t one, size_t count, size_t mine);

#endif
