/* test_topology.c - cores found, shared and bound, on machines that hwloc makes
 * up and on this one. */
#include "config.h"

#include "worker/topology.h"

#include "support/unit.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RANKS_MAX = 16, TEXT = 400 };

static struct hayi_topology *topology;
static struct hayi_cpumask masks[RANKS_MAX];
static cpu_set_t before;

static void setup(void)
{
    topology = NULL;
    memset(masks, 0, sizeof(masks));
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(before), &before), 0);
}

static void teardown(void)
{
    static const char *const names[] = {"HWLOC_SYNTHETIC",
                                        "HWLOC_XMLFILE",
                                        "HWLOC_THISSYSTEM",
                                        "OMPI_MCA_orte_bound_at_launch",
                                        "OMPI_MCA_hwloc_base_binding_policy"};
    hayi_topology_free(topology);
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)unsetenv(names[i]);
    }
    CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof(before), &before), 0);
}

static void read_machine(const char *synthetic)
{
    struct hayi_error err = {HAY_OK, ""};
    if (synthetic != NULL) {
        CU_ASSERT_EQUAL_FATAL(setenv("HWLOC_SYNTHETIC", synthetic, 1), 0);
        CU_ASSERT_EQUAL_FATAL(setenv("HWLOC_THISSYSTEM", "0", 1), 0);
    }
    hayi_topology_free(topology);
    topology = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_topology_new(&topology, &err), HAY_OK);
    for (size_t i = 0; i < RANKS_MAX; i++) {
        hayi_topology_mask(topology, &masks[i]);
    }
}

static void set_mask(size_t rank, uint64_t bits)
{
    memset(&masks[rank], 0, sizeof(masks[rank]));
    masks[rank].bits[0] = bits;
}

/* "0 2 4": the cores of a rank; "-": the status is not HAY_OK. */
static const char *share(size_t count, size_t mine, uint32_t limit)
{
    static char text[TEXT];
    int *cores = NULL;
    size_t core_count = 0, used = 0;
    text[0] = '\0';
    if (hayi_topology_share(
            topology, masks, count, mine, limit, &cores, &core_count, NULL)
        != HAY_OK) {
        return "-";
    }
    for (size_t i = 0; i < core_count && used < TEXT - 16; i++) {
        used += (size_t)snprintf(
            text + used, TEXT - used, "%s%d", i == 0 ? "" : " ", cores[i]);
    }
    free(cores);
    return text;
}

/* ---- tests --------------------------------------------------------------- */

static void cores_with_threads_count_once(void)
{
    int cpus[8];
    const int cores[] = {4, 0};
    read_machine("pack:2 core:4 pu:2");
    CU_ASSERT_EQUAL(masks[0].bits[0], 0xffff);
    CU_ASSERT_STRING_EQUAL(share(1, 0, 0), "0 2 4 6 8 10 12 14");
    CU_ASSERT_EQUAL(hayi_topology_cpus(topology, cores, 2, cpus, 8), 4);
    CU_ASSERT(cpus[0] == 0 && cpus[1] == 1 && cpus[2] == 4 && cpus[3] == 5);
    CU_ASSERT_EQUAL(hayi_topology_cpus(topology, cores, 2, cpus, 3), 3);
    CU_ASSERT(hayi_topology_memory_bytes(topology) > 0);
}

/* Numbered so that neighbours in number are on different sockets. */
static void runs_are_compact(void)
{
    read_machine("pack:2(indexes=2*4:1*2) core:4 pu:1(indexes=4*2:1*4)");
    CU_ASSERT_STRING_EQUAL(share(2, 0, 0), "0 2 4 6");
    CU_ASSERT_STRING_EQUAL(share(2, 1, 0), "1 3 5 7");
}

static void equal_masks_share(void)
{
    read_machine("core:8 pu:1");
    CU_ASSERT_STRING_EQUAL(share(3, 0, 0), "0 1");
    CU_ASSERT_STRING_EQUAL(share(3, 1, 0), "2 3 4");
    CU_ASSERT_STRING_EQUAL(share(3, 2, 0), "5 6 7");
    CU_ASSERT_STRING_EQUAL(share(3, 2, 2), "5 6");
}

static void more_ranks_than_cores_share_cores(void)
{
    read_machine("core:2 pu:2");
    CU_ASSERT_STRING_EQUAL(share(5, 0, 0), "0");
    CU_ASSERT_STRING_EQUAL(share(5, 1, 0), "0");
    CU_ASSERT_STRING_EQUAL(share(5, 2, 0), "0");
    CU_ASSERT_STRING_EQUAL(share(5, 3, 0), "2");
    CU_ASSERT_STRING_EQUAL(share(5, 4, 0), "2");
}

static void unequal_masks_are_their_own(void)
{
    read_machine("core:8 pu:1");
    set_mask(0, 0x0f);
    set_mask(1, 0x30);
    set_mask(2, 0x0f);
    set_mask(3, 0xf00);
    CU_ASSERT_STRING_EQUAL(share(4, 0, 0), "0 1");
    CU_ASSERT_STRING_EQUAL(share(4, 1, 0), "4 5");
    CU_ASSERT_STRING_EQUAL(share(4, 2, 0), "2 3");
    CU_ASSERT_STRING_EQUAL(share(4, 3, 0), "-");
}

static void a_core_begins_with_the_cpu_that_is_ours(void)
{
    read_machine("core:4 pu:2");
    set_mask(0, 0x2a); /* the second threads of three cores */
    CU_ASSERT_STRING_EQUAL(share(1, 0, 0), "1 3 5");
}

static void a_recorded_machine_is_taken(void)
{
    static const char xml[] =
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
        "<topology version=\"2.0\">\n"
        "<object type=\"Machine\" os_index=\"0\" cpuset=\"0x6\""
        " complete_cpuset=\"0x7\" allowed_cpuset=\"0x6\" nodeset=\"0x1\""
        " complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">\n"
        "<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x6\""
        " complete_cpuset=\"0x7\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        " gp_index=\"2\" local_memory=\"4096000\"/>\n"
        "<object type=\"Core\" os_index=\"1\" cpuset=\"0x2\""
        " complete_cpuset=\"0x2\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        " gp_index=\"3\">\n"
        "<object type=\"PU\" os_index=\"1\" cpuset=\"0x2\""
        " complete_cpuset=\"0x2\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        " gp_index=\"4\"/></object>\n"
        "<object type=\"Core\" os_index=\"2\" cpuset=\"0x4\""
        " complete_cpuset=\"0x4\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        " gp_index=\"5\">\n"
        "<object type=\"PU\" os_index=\"2\" cpuset=\"0x4\""
        " complete_cpuset=\"0x4\" nodeset=\"0x1\" complete_nodeset=\"0x1\""
        " gp_index=\"6\"/></object>\n"
        "</object></topology>\n";
    char path[] = "/tmp/hayfork-test-topology-XXXXXX";
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, xml, sizeof(xml) - 1), sizeof(xml) - 1);
    (void)close(fd);
    CU_ASSERT_EQUAL(setenv("HWLOC_XMLFILE", path, 1), 0);
    CU_ASSERT_EQUAL(setenv("HWLOC_THISSYSTEM", "0", 1), 0);
    read_machine(NULL);
    (void)unlink(path);
    CU_ASSERT_STRING_EQUAL(share(1, 0, 0), "1 2");
    CU_ASSERT_EQUAL(hayi_topology_memory_bytes(topology), 4096000);
}

/* The rest is about this machine. */

static int last_cpu(void)
{
    int cpu = CPU_SETSIZE - 1;
    while (cpu > 0 && !CPU_ISSET((size_t)cpu, &before)) {
        cpu--;
    }
    return cpu;
}

static void the_binding_of_the_process_counts(void)
{
    char expected[16];
    int last = last_cpu();
    CU_ASSERT_EQUAL(hayi_topology_bind_thread(&last, 1), HAY_OK);
    read_machine(NULL);
    (void)snprintf(expected, sizeof(expected), "%d", last);
    CU_ASSERT_STRING_EQUAL(share(1, 0, 0), expected);
}

static void a_binding_that_nobody_wished_does_not_count(void)
{
    if (CPU_COUNT(&before) < 2) {
        hayi_unit_skip("needs two cpus");
        return;
    }
    int last = last_cpu();
    CU_ASSERT_EQUAL(hayi_topology_bind_thread(&last, 1), HAY_OK);
    (void)setenv("OMPI_MCA_orte_bound_at_launch", "1", 1);
    read_machine(NULL);
    struct hayi_cpumask mask = masks[0];
    (void)setenv("OMPI_MCA_hwloc_base_binding_policy", "core", 1);
    read_machine(NULL);
    CU_ASSERT_NOT_EQUAL(memcmp(&mask, &masks[0], sizeof(mask)), 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        bool usable = (mask.bits[cpu / 64] >> (cpu % 64) & 1) != 0;
        CU_ASSERT(usable || !CPU_ISSET(cpu, &before));
    }
}

static void an_impossible_binding_is_refused(void)
{
    const int none = HAYI_CPUS_MAX - 1;
    CU_ASSERT_EQUAL(hayi_topology_bind_thread(&none, 1), HAY_EIO);
    CU_ASSERT_EQUAL(hayi_topology_bind_thread(&none, 0), HAY_EIO);
}

static CU_TestInfo tests[] = {
    {"cores_with_threads_count_once", cores_with_threads_count_once},
    {"runs_are_compact", runs_are_compact},
    {"equal_masks_share", equal_masks_share},
    {"more_ranks_than_cores_share_cores", more_ranks_than_cores_share_cores},
    {"unequal_masks_are_their_own", unequal_masks_are_their_own},
    {"a_core_begins_with_the_cpu_that_is_ours",
     a_core_begins_with_the_cpu_that_is_ours},
    {"a_recorded_machine_is_taken", a_recorded_machine_is_taken},
    {"the_binding_of_the_process_counts", the_binding_of_the_process_counts},
    {"a_binding_that_nobody_wished_does_not_count",
     a_binding_that_nobody_wished_does_not_count},
    {"an_impossible_binding_is_refused", an_impossible_binding_is_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/topology", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
