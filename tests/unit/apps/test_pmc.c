/* test_pmc.c - task files of pegasus-mpi-cluster. */
#include "config.h"

#include "reading.h"

static void has_command(uint32_t block, const char *command)
{
    char expected[200];
    snprintf(expected,
             sizeof expected,
             "PMC_TASK=%s PMC_MEMORY=0 PMC_CPUS=1 %s",
             w.blocks[block].name,
             command);
    CU_ASSERT_STRING_EQUAL(w.blocks[block].text, expected);
}

static void tasks_and_edges_are_read(void)
{
    reads(FORMAT_PMC,
          "# a comment\n\n#@ 1 x y\nTASK A /bin/a\nTASK B /bin/b 1 2\r\n"
          "  TASK C /bin/c\nEDGE A B\nEDGE B C\nEDGE A B\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 3);
    has_command(1, "/bin/b 1 2");
    CU_ASSERT_EQUAL(w.blocks[1].line, 5);
    CU_ASSERT_EQUAL(w.dep_count, 2);
    CU_ASSERT(is_after(1, 0, false));
    CU_ASSERT(is_after(2, 1, false));
    CU_ASSERT_EQUAL(w.blocks[0].users, 1);
}

static void words_are_split_as_there(void)
{
    reads(FORMAT_PMC, "TASK A p \"a b\" 'c\"d e' x'y z \\\"q\\\\ $H ''\n");
    has_command(0, "p 'a b' c d 'e x' y z '\"q\\' '$H' ''");
}

static void options_become_a_request(void)
{
    reads(FORMAT_PMC,
          "TASK A -m 10.5 -c 1.5 -t 3 -p -7 p -m 1\n"
          "TASK B --request-memory 1 --request-cpus 2 --tries 1 --priority 2 "
          "p\nTASK C -c 2 p\nTASK D -c 2 p\n");
    const struct request *a = w.blocks[0].request;
    const struct request *b = w.blocks[1].request;
    CU_ASSERT_EQUAL(a->memory_bytes, UINT64_C(11) << 20);
    CU_ASSERT_EQUAL(a->cores, 2);
    CU_ASSERT_EQUAL(a->retries, 2);
    CU_ASSERT_EQUAL(a->priority, -7);
    CU_ASSERT_EQUAL(b->memory_bytes, UINT64_C(1) << 20);
    CU_ASSERT_EQUAL(b->retries, 0);
    CU_ASSERT_EQUAL(b->priority, 2);
    CU_ASSERT_STRING_EQUAL(w.blocks[0].text,
                           "PMC_TASK=A PMC_MEMORY=11 PMC_CPUS=2 p -m 1");
    CU_ASSERT_PTR_EQUAL(w.blocks[2].request, w.blocks[3].request);
}

static void what_is_wrong_is_told_with_its_line(void)
{
    static const char *const cases[][2] = {
        {"", "t.x:1: no task in the file"},
        {"# x\n", "t.x:1: no task in the file"},
        {"TASK A p\nJOB B q\n", "t.x:2: unknown record 'JOB' (TASK or EDGE)"},
        {"TASK A\n", "t.x:1: TASK wants an id and a command"},
        {"TASK A -c 2\n", "t.x:1: task 'A' has no command"},
        {"TASK A -c\n", "t.x:1: task 'A': -c wants a number above 0"},
        {"TASK A -c 0 p\n",
         "t.x:1: task 'A': bad value -c 0 (a number above 0)"},
        {"TASK A -m -1 p\n",
         "t.x:1: task 'A': bad value -m -1 (a number of MB)"},
        {"TASK A -t 0 p\n",
         "t.x:1: task 'A': bad value -t 0 (a number, at least 1)"},
        {"TASK A -x 1 p\n", "t.x:1: task 'A': unknown option -x"},
        {"TASK A -f V p\n",
         "t.x:1: task 'A': bad value -f V (VARIABLE=FILE, 7 times at most)"},
        {"TASK A -f 1V=f p\n",
         "t.x:1: task 'A': bad value -f 1V (VARIABLE=FILE, 7 times at most)"},
        {"TASK A p 'x\n", "t.x:1: task 'A': a quote does not close"},
        {"TASK A p\nTASK B p\nTASK A q\n",
         "t.x:3: the task 'A' is there already, in line 1"},
        {"TASK A p\nEDGE A\n", "t.x:2: EDGE wants the ids of two tasks"},
        {"TASK A p\nEDGE A A A\n", "t.x:2: EDGE wants the ids of two tasks"},
        {"TASK A p\nEDGE A B\nTASK B p\n",
         "t.x:2: no task 'B' is above this EDGE"},
        {"TASK A p\nTASK B p\nEDGE A B\nEDGE B A\n",
         "t.x:1: a cycle of tasks: 'A' after 'B' after 'A'"},
        {"TASK A p \x01\n",
         "t.x:1: not a text: a byte 0x01; is the file binary?"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(FORMAT_PMC, cases[i][0], cases[i][1]);
    }
}

static CU_TestInfo tests[] = {
    {"tasks_and_edges_are_read", tasks_and_edges_are_read},
    {"words_are_split_as_there", words_are_split_as_there},
    {"options_become_a_request", options_become_a_request},
    {"what_is_wrong_is_told_with_its_line",
     what_is_wrong_is_told_with_its_line},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/pmc", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
