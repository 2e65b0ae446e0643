/* test_wfformat.c - recorded workflows: what is read, what is refused. */
#include "config.h"

#include "support/unit.h"

#include "units.h"
#include "wfformat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct workload w;
static struct fault fault;

static void setup(void)
{
    workload_init(&w, "w.json");
    fault.text[0] = '\0';
}

static void teardown(void)
{
    workload_fini(&w);
}

/* ' stands for " in 'json'. */
static hay_status read_json(const char *json)
{
    char path[] = "/tmp/hay-wfformat.XXXXXX";
    int fd = mkstemp(path);
    hay_status status = HAY_EIO;
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file != NULL) {
        for (; *json != '\0'; json++) {
            putc(*json == '\'' ? '"' : *json, file);
        }
        fclose(file);
        status = wfformat_read(path, &w, &fault);
        unlink(path);
    }
    return status;
}

static void refuses(const char *json, const char *words)
{
    workload_fini(&w);
    workload_init(&w, "w.json");
    CU_ASSERT_EQUAL(read_json(json), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, words);
    if (strcmp(fault.text, words) != 0) {
        printf("# said: %s\n", fault.text);
    }
}

#define V15(tasks, times)                                                      \
    "{'workflow':{'specification':{'tasks':[\n" tasks "]},\n"                  \
    "'execution':{'tasks':[" times "]}}}\n"
#define TIME(id) "{'id':'" id "','runtimeInSeconds':1}"
#define CHAIN                                                                  \
    "{'id':'a','parents':[],'children':['b']},\n"                              \
    "{'id':'b','parents':['a'],'children':[]}"

static void version_1_5_is_read(void)
{
    CU_ASSERT_EQUAL_FATAL(
        read_json(V15(CHAIN, "{'id':'b','runtimeInSeconds':2.5}," TIME("a"))),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
    CU_ASSERT_STRING_EQUAL(w.blocks[0].name, "a");
    CU_ASSERT_EQUAL(w.blocks[0].duration_ns, NS_PER_S);
    CU_ASSERT_EQUAL(w.blocks[1].duration_ns, 2500000000);
    CU_ASSERT_EQUAL_FATAL(w.dep_count, 1);
    CU_ASSERT_EQUAL(w.blocks[1].dep_count, 1);
    CU_ASSERT_EQUAL(w.deps[0].block, 0);
    CU_ASSERT_EQUAL(w.blocks[0].users, 1);
    CU_ASSERT_EQUAL(w.order[0], 0);
}

static void version_1_4_is_read(void)
{
    CU_ASSERT_EQUAL_FATAL(
        read_json("{'workflow':{'tasks':["
                  "{'name':'x','parents':['y'],'runtimeInSeconds':0},"
                  "{'name':'y','runtime':3}]}}"),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
    CU_ASSERT_EQUAL(w.blocks[1].duration_ns, 3 * NS_PER_S);
    CU_ASSERT_EQUAL(w.order[0], 1);
}

static void one_side_of_an_edge_is_enough(void)
{
    CU_ASSERT_EQUAL(read_json(V15("{'id':'a'},{'id':'b','parents':['a']}",
                                  TIME("a") "," TIME("b"))),
                    HAY_OK);
    CU_ASSERT_EQUAL(w.dep_count, 1);
    workload_fini(&w);
    workload_init(&w, "w.json");
    CU_ASSERT_EQUAL(read_json(V15("{'id':'a','children':['b']},{'id':'b'}",
                                  TIME("a") "," TIME("b"))),
                    HAY_OK);
    CU_ASSERT_EQUAL_FATAL(w.dep_count, 1);
    CU_ASSERT_EQUAL(w.deps[0].block, 0);
}

static void damaged_files_are_refused(void)
{
    refuses("", "w.json:1: the file is empty");
    refuses("{\n'a':1\n", "w.json:3: not JSON: '}' expected near end of file");
    refuses("[]", "w.json:1: no \"workflow\" in it: not WfFormat");
    refuses("{'workflow':{}}", "w.json:1: no list \"tasks\" in \"workflow\"");
    refuses(
        "{'workflow':\n{'specification':{'tasks':[]}}}",
        "w.json:1: no list \"tasks\" in \"execution\": nothing is recorded");
    refuses(V15("", ""), "w.json:1: no task in the file");
    refuses(V15("{'name':7}", ""), "w.json:1: task 1 has no id");
    refuses(V15("{'id':'a'},\n{'id':'a'}", TIME("a")),
            "w.json:2: the task id 'a' stands there twice");
    refuses(V15("{'id':'a'},\n{'id':'b'}", TIME("a")),
            "w.json:3: task 'b' has no runtimeInSeconds");
    refuses(V15("{'id':'a'}", TIME("a") ",\n" TIME("c")),
            "w.json:4: executed task 'c' is not specified");
    refuses(V15("{'id':'a'}", TIME("a") "," TIME("a")),
            "w.json:2: task 'a' is executed twice");
    refuses(V15("{'id':'a'}", "{'id':'a','runtimeInSeconds':-2}"),
            "w.json:3: task 'a' has runtimeInSeconds -2");
    refuses(V15("{'id':'a'}", "{'id':'a','runtimeInSeconds':'x'}"),
            "w.json:3: task 'a' has no runtimeInSeconds");
}

static void bad_edges_are_refused(void)
{
    refuses(V15("{'id':'a','parents':['q']}", TIME("a")),
            "w.json:2: unknown task 'q' in parents of 'a'");
    refuses(V15("{'id':'a','parents':'q'}", TIME("a")),
            "w.json:2: parents of task 'a' are no list");
    refuses(V15("{'id':'a','children':[]},\n{'id':'b','parents':['a']}",
                TIME("a") "," TIME("b")),
            "w.json:3: 'b' has the parent 'a', which lacks it among its "
            "children");
    refuses(
        V15("{'id':'a','children':['b']},\n{'id':'b','parents':[]}",
            TIME("a") "," TIME("b")),
        "w.json:2: 'a' has the child 'b', which lacks it among its parents");
    refuses(V15("{'id':'a','parents':['b']},\n{'id':'b','parents':['a']}",
                TIME("a") "," TIME("b")),
            "w.json:2: a cycle of tasks: 'a' after 'b' after 'a'");
}

static CU_TestInfo tests[] = {
    {"version_1_5_is_read", version_1_5_is_read},
    {"version_1_4_is_read", version_1_4_is_read},
    {"one_side_of_an_edge_is_enough", one_side_of_an_edge_is_enough},
    {"damaged_files_are_refused", damaged_files_are_refused},
    {"bad_edges_are_refused", bad_edges_are_refused},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/wfformat", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
