/* test_node_gpus.c - which gpus there are, what they are called, and who gets
 * them; on a recorded machine of two sockets with gpus and without any. */
#include "config.h"

#include "worker/node_gpus.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANKS_MAX = 8, TEXT = 200 };

static struct hayi_topology *topology;
static struct hayi_node_gpus gpus;
static struct hayi_gpu_rank ranks[RANKS_MAX];

/* What the environment is said to hold: name, value, ... NULL. */
static const char *const *variables;

static const char *get(const char *name)
{
    for (size_t i = 0; variables != NULL && variables[i] != NULL; i += 2) {
        if (strcmp(variables[i], name) == 0) {
            return variables[i + 1];
        }
    }
    return NULL;
}

/* Cores 0 and 1 with the gpus of lowest and third address, 2 and 3 with the
 * others; a network card and a matrox besides. */
static const char machine[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
    "<topology version=\"2.0\">\n"
    "<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\""
    " complete_cpuset=\"0xf\" allowed_cpuset=\"0xf\" nodeset=\"0x3\""
    " complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\" gp_index=\"1\">\n"
#define SOCKET(number, cpus, node, gp)                                         \
    "<object type=\"Package\" os_index=\"" #number "\" cpuset=\"" cpus         \
    "\" complete_cpuset=\"" cpus "\" nodeset=\"" node                          \
    "\" complete_nodeset=\"" node "\" gp_index=\"" gp "0\">\n"                 \
    "<object type=\"NUMANode\" os_index=\"" #number "\" cpuset=\"" cpus        \
    "\" complete_cpuset=\"" cpus "\" nodeset=\"" node                          \
    "\" complete_nodeset=\"" node "\" gp_index=\"" gp                          \
    "1\" local_memory=\"4096000\"/>\n"
#define CORE(number, cpu, node, gp)                                            \
    "<object type=\"Core\" os_index=\"" number "\" cpuset=\"" cpu              \
    "\" complete_cpuset=\"" cpu "\" nodeset=\"" node                           \
    "\" complete_nodeset=\"" node "\" gp_index=\"" gp "\">\n"                  \
    "<object type=\"PU\" os_index=\"" number "\" cpuset=\"" cpu                \
    "\" complete_cpuset=\"" cpu "\" nodeset=\"" node                           \
    "\" complete_nodeset=\"" node "\" gp_index=\"" gp "0\"/></object>\n"
#define BRIDGE(bus, gp)                                                        \
    "<object type=\"Bridge\" gp_index=\"" gp                                   \
    "\" bridge_type=\"0-1\" depth=\"0\" bridge_pci=\"0000:[" bus "-" bus       \
    "]\">\n"
#define DEVICE(bus, slot, class_vendor, gp)                                    \
    "<object type=\"PCIDev\" gp_index=\"" gp "\" pci_busid=\"0000:" bus        \
    ":" slot ".0\" pci_type=\"" class_vendor                                   \
    ":1db6] [10de:124a] a1\" pci_link_speed=\"0.0\"/>\n"
    SOCKET(0, "0x3", "0x1", "1") CORE("0", "0x1", "0x1", "111")
        CORE("1", "0x2", "0x1", "112") BRIDGE("05", "120")
            DEVICE("05", "02", "0302 [10de", "121")
                DEVICE("05", "00", "0300 [10de", "122") DEVICE(
                    "05",
                    "01",
                    "0200 [8086",
                    "123") "</object>\n</object>\n" SOCKET(1, "0xc", "0x2", "2")
                    CORE("2", "0x4", "0x2", "211")
                        CORE("3", "0x8", "0x2", "212") BRIDGE("85", "220")
                            DEVICE("85", "00", "0302 [10de", "221")
                                DEVICE("85", "01", "0302 [10de", "222")
                                    DEVICE("85",
                                           "02",
                                           "0300 [102b",
                                           "223") "</object>\n</object>\n"
                                                  "</object></topology>\n";

static void read_machine(bool with_gpus)
{
    struct hayi_error err = {HAY_OK, ""};
    char path[] = "/tmp/hayfork-test-gpus-XXXXXX";
    if (with_gpus) {
        int fd = mkstemp(path);
        CU_ASSERT_FATAL(fd >= 0);
        CU_ASSERT_EQUAL(write(fd, machine, sizeof(machine) - 1),
                        sizeof(machine) - 1);
        (void)close(fd);
        CU_ASSERT_EQUAL(setenv("HWLOC_XMLFILE", path, 1), 0);
    } else {
        CU_ASSERT_EQUAL(setenv("HWLOC_SYNTHETIC", "pack:2 core:2 pu:1", 1), 0);
    }
    CU_ASSERT_EQUAL(setenv("HWLOC_THISSYSTEM", "0", 1), 0);
    CU_ASSERT_EQUAL_FATAL(hayi_topology_new(&topology, &err), HAY_OK);
    if (with_gpus) {
        (void)unlink(path);
    }
    for (size_t i = 0; i < RANKS_MAX; i++) {
        hayi_topology_mask(topology, &ranks[i].mask);
    }
}

static void find(const char *const *given)
{
    variables = given;
    hayi_node_gpus_find(&gpus, topology, get);
    for (size_t i = 0; i < RANKS_MAX; i++) {
        ranks[i].identity = gpus.identity;
    }
}

static void setup(void)
{
    topology = NULL;
    variables = NULL;
    memset(ranks, 0, sizeof(ranks));
}

static void teardown(void)
{
    hayi_topology_free(topology);
    (void)unsetenv("HWLOC_XMLFILE");
    (void)unsetenv("HWLOC_SYNTHETIC");
    (void)unsetenv("HWLOC_THISSYSTEM");
}

/* "4@0 7@-": name and NUMA node of each. */
static const char *shown(void)
{
    static char text[TEXT];
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < gpus.count && used + 40 < TEXT; i++) {
        char numa[16] = "-";
        if (gpus.list[i].numa != HAYI_NUMA_NONE) {
            (void)snprintf(numa, sizeof(numa), "%u", gpus.list[i].numa);
        }
        used += (size_t)snprintf(text + used,
                                 TEXT - used,
                                 "%s%.20s@%s",
                                 i > 0 ? " " : "",
                                 gpus.list[i].name,
                                 numa);
    }
    return text;
}

/* "0 2": the indices that a rank gets. */
static const char *share(size_t count, size_t mine, bool forced)
{
    static char text[TEXT];
    uint32_t picked[HAYI_GPUS_MAX];
    size_t used = 0;
    uint32_t n = hayi_node_gpus_share(
        &gpus, topology, ranks, count, mine, forced, picked);
    text[0] = 0;
    for (uint32_t i = 0; i < n && used + 12 < TEXT; i++) {
        used += (size_t)snprintf(
            text + used, TEXT - used, "%s%u", i > 0 ? " " : "", picked[i]);
    }
    return text;
}

/* ---- finding ------------------------------------------------------------- */

static void those_of_the_machine_are_numbered_by_address(void)
{
    read_machine(true);
    find(NULL);
    CU_ASSERT_STRING_EQUAL(shown(), "0@0 1@0 2@1 3@1");
    CU_ASSERT(gpus.by_index);
    CU_ASSERT_NOT_EQUAL(gpus.identity, 0);
}

static void a_machine_without_any_has_none(void)
{
    read_machine(false);
    find(NULL);
    CU_ASSERT_EQUAL(gpus.count, 0);
    CU_ASSERT_EQUAL(gpus.identity, 0);
}

static void names_of_the_environment_stay(void)
{
    static const char *const env[] = {
        "SLURM_JOB_GPUS", "0,1", "CUDA_VISIBLE_DEVICES", "3,1", NULL};
    read_machine(true);
    find(env);
    CU_ASSERT_STRING_EQUAL(shown(), "3@1 1@0");
    CU_ASSERT_EQUAL(gpus.list[0].number, 3);
    CU_ASSERT_FALSE(gpus.by_index);
}

static void uuids_are_names_too(void)
{
    static const char *const env[] = {
        "CUDA_VISIBLE_DEVICES", "GPU-8932f937, GPU-0a1b", NULL};
    read_machine(true);
    find(env);
    CU_ASSERT_EQUAL(gpus.count, 2);
    CU_ASSERT_STRING_EQUAL(gpus.list[1].name, "GPU-0a1b");
    CU_ASSERT_EQUAL(gpus.list[1].number, 1);
}

static void slurm_s_spans_are_read(void)
{
    static const char *const env[] = {"SLURM_STEP_GPUS", "0,2-4,9", NULL};
    read_machine(false);
    find(env);
    CU_ASSERT_STRING_EQUAL(shown(), "0@- 2@- 3@- 4@- 9@-");
}

static void an_empty_variable_hides_them(void)
{
    static const char *const env[] = {"CUDA_VISIBLE_DEVICES", "", NULL};
    static const char *const no_files[] = {
        "CUDA_VISIBLE_DEVICES", "NoDevFiles", NULL};
    static const char *const cut[] = {"CUDA_VISIBLE_DEVICES", "2,-1,3", NULL};
    read_machine(true);
    find(env);
    CU_ASSERT_EQUAL(gpus.count, 0);
    find(no_files);
    CU_ASSERT_EQUAL(gpus.count, 0);
    find(cut);
    CU_ASSERT_STRING_EQUAL(shown(), "2@1");
}

static void the_other_runtime_keeps_its_names(void)
{
    static const char *const env[] = {"CUDA_VISIBLE_DEVICES",
                                      "0,1",
                                      "ROCR_VISIBLE_DEVICES",
                                      "GPU-a,GPU-b",
                                      "GPU_DEVICE_ORDINAL",
                                      "0,1",
                                      NULL};
    read_machine(false);
    find(env);
    CU_ASSERT_STRING_EQUAL(gpus.list[1].name, "1");
    CU_ASSERT_STRING_EQUAL(gpus.list[1].rocr, "GPU-b");
    CU_ASSERT(gpus.has_ordinal);
}

static void more_and_fewer_can_be_pretended(void)
{
    read_machine(true);
    find(NULL);
    hayi_node_gpus_pretend(&gpus, 6);
    CU_ASSERT_STRING_EQUAL(shown(), "0@0 1@0 2@1 3@1 4@- 5@-");
    hayi_node_gpus_pretend(&gpus, 1);
    CU_ASSERT_STRING_EQUAL(shown(), "0@0");
    hayi_node_gpus_pretend(&gpus, 0);
    CU_ASSERT_EQUAL(gpus.identity, 0);
    hayi_node_gpus_pretend(&gpus, 1000);
    CU_ASSERT_EQUAL(gpus.count, HAYI_GPUS_MAX);
}

/* ---- sharing ------------------------------------------------------------- */

static void ranks_share_in_disjoint_parts(void)
{
    read_machine(false);
    find(NULL);
    hayi_node_gpus_pretend(&gpus, 5);
    for (size_t count = 1; count <= RANKS_MAX; count++) {
        uint64_t seen = 0;
        uint32_t least = 5;
        uint32_t most = 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t picked[HAYI_GPUS_MAX];
            uint32_t n = hayi_node_gpus_share(
                &gpus, topology, ranks, count, i, true, picked);
            least = n < least ? n : least;
            most = n > most ? n : most;
            for (uint32_t k = 0; k < n; k++) {
                CU_ASSERT_EQUAL(seen >> picked[k] & 1, 0);
                seen |= UINT64_C(1) << picked[k];
            }
        }
        CU_ASSERT_EQUAL(seen, 31);
        CU_ASSERT(most - least <= 1);
    }
}

/* Ranks 0 and 1 have the cores of the first socket, 2 and 3 of the other. */
static void each_gets_those_near_to_its_cores(void)
{
    read_machine(true);
    find(NULL);
    CU_ASSERT_STRING_EQUAL(share(2, 0, false), "0 1");
    CU_ASSERT_STRING_EQUAL(share(2, 1, false), "2 3");
    CU_ASSERT_STRING_EQUAL(share(4, 1, false), "1");
    CU_ASSERT_STRING_EQUAL(share(4, 2, false), "2");
    for (size_t i = 0; i < 2; i++) { /* bound the other way round */
        memset(&ranks[i].mask, 0, sizeof(ranks[i].mask));
        ranks[i].mask.bits[0] = i == 0 ? 0xc : 0x3;
    }
    CU_ASSERT_STRING_EQUAL(share(2, 0, false), "2 3");
    CU_ASSERT_STRING_EQUAL(share(2, 1, false), "0 1");
}

static void a_rank_with_gpus_of_its_own_shares_them_with_nobody(void)
{
    static const char *const env[] = {"CUDA_VISIBLE_DEVICES", "2", NULL};
    read_machine(true);
    find(env);
    ranks[1].identity++;
    CU_ASSERT_STRING_EQUAL(share(2, 0, false), "0");
    ranks[1].identity--;
    CU_ASSERT_STRING_EQUAL(share(2, 0, false), "");
    CU_ASSERT_STRING_EQUAL(share(2, 1, false), "0");
}

static void amounts_are_dealt_whole_if_they_are(void)
{
    enum { ONE = 10000 };
    CU_ASSERT_EQUAL(hayi_share_units(5 * ONE, ONE, 3, 0), ONE);
    CU_ASSERT_EQUAL(hayi_share_units(5 * ONE, ONE, 3, 1), 2 * ONE);
    CU_ASSERT_EQUAL(hayi_share_units(5 * ONE, ONE, 3, 2), 2 * ONE);
    CU_ASSERT_EQUAL(hayi_share_units(5000, ONE, 2, 0), 2500);
    uint64_t sum = 0;
    for (size_t i = 0; i < 7; i++) {
        sum += hayi_share_units(UINT64_MAX - 1, 1, 7, i);
    }
    CU_ASSERT_EQUAL(sum, UINT64_MAX - 1);
}

static CU_TestInfo tests[] = {
    {"those_of_the_machine_are_numbered_by_address",
     those_of_the_machine_are_numbered_by_address},
    {"a_machine_without_any_has_none", a_machine_without_any_has_none},
    {"names_of_the_environment_stay", names_of_the_environment_stay},
    {"uuids_are_names_too", uuids_are_names_too},
    {"slurm_s_spans_are_read", slurm_s_spans_are_read},
    {"an_empty_variable_hides_them", an_empty_variable_hides_them},
    {"the_other_runtime_keeps_its_names", the_other_runtime_keeps_its_names},
    {"more_and_fewer_can_be_pretended", more_and_fewer_can_be_pretended},
    {"ranks_share_in_disjoint_parts", ranks_share_in_disjoint_parts},
    {"each_gets_those_near_to_its_cores", each_gets_those_near_to_its_cores},
    {"a_rank_with_gpus_of_its_own_shares_them_with_nobody",
     a_rank_with_gpus_of_its_own_shares_them_with_nobody},
    {"amounts_are_dealt_whole_if_they_are",
     amounts_are_dealt_whole_if_they_are},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/node_gpus", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
