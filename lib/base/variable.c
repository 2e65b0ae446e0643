/* variable.c - see variable.h.
 *
 * With MPI's variables a command that is itself an MPI program would take
 * itself for a rank of ours, and fail. */
#include "config.h"

#include "base/variable.h"

#include <stddef.h>
#include <string.h>

static const char *const none[] = {
    "OMPI_",
    "PMIX_",
    "PMI_",
    "PMI2_",
    "ORTE_",
    "HAYFORK_LAUNCH_LINE=",
    "HAYFORK_STATUS_FILE=",
    "HAY_TASK_",
    "HAY_INDEX=",
    "HAY_RES_",
    "IPATH_NO_BACKTRACE=",
    "HFI_NO_BACKTRACE=",
};

static const char *const nodes[] = {
    "TMPDIR=",
    "HOSTNAME=",
    "CUDA_VISIBLE_DEVICES=",
    "ROCR_VISIBLE_DEVICES=",
    "GPU_DEVICE_ORDINAL=",
    "SLURM_NODEID=",
    "SLURMD_NODENAME=",
    "SLURM_LOCALID=",
    "SLURM_TOPOLOGY_ADDR=",
};

static int
begins_with_one(const char *text, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, list[i], strlen(list[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

enum hayi_variable_origin hayi_variable_origin(const char *variable)
{
    /* The user's word for mpirun as root, not one of mpirun's own. */
    if (strncmp(variable, "OMPI_ALLOW_", 11) == 0) {
        return HAYI_VARIABLE_SUBMITTER;
    }
    if (strchr(variable, '=') == NULL
        || begins_with_one(variable, none, sizeof(none) / sizeof(none[0]))) {
        return HAYI_VARIABLE_NONE;
    }
    if (begins_with_one(variable, nodes, sizeof(nodes) / sizeof(nodes[0]))) {
        return HAYI_VARIABLE_NODE;
    }
    return HAYI_VARIABLE_SUBMITTER;
}
