/* test_variable.c - which variables a command gets from where. */
#include "config.h"

#include "base/variable.h"

#include "support/unit.h"

#include <stddef.h>

static void check(enum hayi_variable_origin origin, const char *variable)
{
    if (hayi_variable_origin(variable) != origin) {
        CU_FAIL(variable);
    }
}

static void users_variables_come_from_the_submitter(void)
{
    check(HAYI_VARIABLE_SUBMITTER, "PATH=/bin");
    check(HAYI_VARIABLE_SUBMITTER, "EMPTY=");
    check(HAYI_VARIABLE_SUBMITTER, "OMP_NUM_THREADS=4");
    check(HAYI_VARIABLE_SUBMITTER, "MY_OMPI_THING=1");
    check(HAYI_VARIABLE_SUBMITTER, "TMPDIR2=/x");
    check(HAYI_VARIABLE_SUBMITTER, "HAYFORK_SLOTS=2");
    check(HAYI_VARIABLE_SUBMITTER, "HAY_INDEXES=2");
    check(HAYI_VARIABLE_SUBMITTER, "SLURM_JOB_ID=17");
}

/* A command that is an MPI program itself must not take itself for our rank. */
static void variables_of_mpi_are_not_passed_on(void)
{
    check(HAYI_VARIABLE_NONE, "OMPI_COMM_WORLD_RANK=1");
    check(HAYI_VARIABLE_NONE, "OMPI_MCA_btl=tcp");
    check(HAYI_VARIABLE_NONE, "PMIX_RANK=1");
    check(HAYI_VARIABLE_NONE, "PMI_FD=3");
    check(HAYI_VARIABLE_NONE, "PMI2_X=3");
    check(HAYI_VARIABLE_NONE, "ORTE_X=3");
}

static void users_word_for_mpirun_as_root_is_passed_on(void)
{
    check(HAYI_VARIABLE_SUBMITTER, "OMPI_ALLOW_RUN_AS_ROOT=1");
    check(HAYI_VARIABLE_SUBMITTER, "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1");
}

static void our_own_are_not_passed_on_to_inner_farms(void)
{
    check(HAYI_VARIABLE_NONE, "HAY_TASK_ID=3");
    check(HAYI_VARIABLE_NONE, "HAY_INDEX=3");
    check(HAYI_VARIABLE_NONE, "HAYFORK_STATUS_FILE=/tmp/x");
}

static void node_local_ones_come_from_the_node(void)
{
    check(HAYI_VARIABLE_NODE, "TMPDIR=/local");
    check(HAYI_VARIABLE_NODE, "HOSTNAME=n7");
    check(HAYI_VARIABLE_NODE, "CUDA_VISIBLE_DEVICES=0");
    check(HAYI_VARIABLE_NODE, "SLURM_NODEID=2");
}

static void what_is_no_variable_is_dropped(void)
{
    check(HAYI_VARIABLE_NONE, "NOVALUE");
    check(HAYI_VARIABLE_NONE, "");
}

static CU_TestInfo tests[] = {
    {"users_variables_come_from_the_submitter",
     users_variables_come_from_the_submitter},
    {"variables_of_mpi_are_not_passed_on", variables_of_mpi_are_not_passed_on},
    {"users_word_for_mpirun_as_root_is_passed_on",
     users_word_for_mpirun_as_root_is_passed_on},
    {"our_own_are_not_passed_on_to_inner_farms",
     our_own_are_not_passed_on_to_inner_farms},
    {"node_local_ones_come_from_the_node", node_local_ones_come_from_the_node},
    {"what_is_no_variable_is_dropped", what_is_no_variable_is_dropped},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/variable", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
