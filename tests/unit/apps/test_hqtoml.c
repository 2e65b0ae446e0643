/* test_hqtoml.c - job files of HyperQueue. */
#include "config.h"

#include "reading.h"

#include "hqconfig.h"
#include "units.h"

#define TASK "[[task]]\ncommand=['p']\n"

static void tasks_get_the_next_ids(void)
{
    reads(FORMAT_HQ,
          "name='j'\nmax_fails=2\n" TASK TASK "id=7\n[[task]]\ndeps=[7]\n"
          "command=['a b','']\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 3);
    CU_ASSERT_STRING_EQUAL(w.blocks[0].name, "j[8]");
    CU_ASSERT_STRING_EQUAL(w.blocks[1].name, "j[7]");
    CU_ASSERT_STRING_EQUAL(w.blocks[2].name, "j[9]");
    CU_ASSERT(is_after(2, 1, false));
    CU_ASSERT_PTR_NOT_NULL(strstr(w.blocks[2].text, "\n'a b' ''"));
    CU_ASSERT_PTR_NOT_NULL(strstr(w.blocks[2].text, " HQ_TASK_ID=9 "));
    CU_ASSERT_EQUAL(w.max_fails, 3);
}

static void requests_are_obeyed(void)
{
    reads(FORMAT_HQ,
          TASK "priority=-3\ntime_limit='1m 10s'\ncrash_limit='never-restart'\n"
               "[[task.request]]\nresources={cpus='2 compact', foo=0.5}\n"
               "[[task.request]]\nresources={cpus='all','gpus/nvidia'=1}\n");
    const struct request *r = w.blocks[0].request;
    CU_ASSERT_EQUAL(r->priority, -3);
    CU_ASSERT_EQUAL(r->time_limit_ns, 70 * NS_PER_S);
    CU_ASSERT(r->once);
    CU_ASSERT_STRING_EQUAL(r->amounts_text,
                           "cores=2 foo=0.5000 | cores=all gpus=1 ");
}

static void an_array_is_a_block_for_each_range(void)
{
    reads(FORMAT_HQ,
          "[array]\nids='3, 10-1_4:2'\ncommand=['x{n}']\nenv={A='{n}'}\n"
          "stdout='o.%{TASK_ID}'\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
    CU_ASSERT_EQUAL(w.blocks[1].count, 3);
    CU_ASSERT_EQUAL(w.blocks[1].first, 10);
    struct text text = TEXT_INIT;
    block_expand(&w.blocks[1], 2, w.blocks[1].text, &text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text.data, "\n'x{n}' >o.14"));
    block_expand(&w.blocks[1], 2, w.blocks[1].request->env[1], &text);
    CU_ASSERT_STRING_EQUAL(text.data, "A={n}");
    text_fini(&text);
}

static void entries_are_tasks_of_their_own(void)
{
    reads(FORMAT_HQ,
          "[array]\nentries=['One','T w']\nids='5,7'\ncommand=['x']\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
    CU_ASSERT_STRING_EQUAL(w.blocks[1].name, "task[7]");
    CU_ASSERT_PTR_NOT_NULL(strstr(w.blocks[1].text, " HQ_ENTRY='T w'"));
}

static void durations_are_read(void)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"1m 10s", 70000},
                {"2h", 7200000},
                {"500ms", 500},
                {"1day", 86400000},
                {"2 hours 1min", 7260000}};
    static const char *const bad[] = {"",
                                      " ",
                                      "5",
                                      "s",
                                      "1.5s",
                                      "5 parsecs",
                                      "-1s",
                                      "99999999999999999999s",
                                      "99999999999999h"};
    uint64_t ns;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CU_ASSERT_FATAL(hq_time(good[i].text, &ns));
        CU_ASSERT_EQUAL(ns, good[i].ms * 1000000);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT(!hq_time(bad[i], &ns));
    }
}

static void what_is_wrong_is_told_with_its_line(void)
{
    static const char *const cases[][2] = {
        {"", "t.x:1: no task in the file"},
        {"name=7\n" TASK, "t.x:1: name must be a text, not a whole number"},
        {TASK "colour=1\n", "t.x:3: unknown key 'colour'"},
        {"[[task]]\nid=1\n", "t.x:1: the task has no command"},
        {"[[task]]\ncommand=[]\n", "t.x:2: command is empty"},
        {"[[task]]\ncommand=[1]\n",
         "t.x:2: an item must be a text, not a whole number"},
        {TASK "id=1\n" TASK "id=1\n", "t.x:4: the id 1 is taken by line 1"},
        {TASK "deps=[5]\n", "t.x:3: deps: no task has the id 5"},
        {TASK "id=1\ndeps=[2]\n" TASK "id=2\ndeps=[1]\n",
         "t.x:1: a cycle of tasks: 'task[1]' after 'task[2]' after 'task[1]'"},
        {TASK "[array]\ncommand=['x']\nids='1'\n",
         "t.x:3: [array] and [[task]] in one file"},
        {"[array]\ncommand=['x']\n",
         "t.x:1: [array] wants ids, entries or both"},
        {"[array]\ncommand=['x']\nids='2-1'\n",
         "t.x:3: bad value of ids (such as \"1-9,20,30-40:2\")"},
        {"[array]\ncommand=['x']\nids='1-5,3'\n",
         "t.x:3: ids: one is there twice"},
        {"[array]\ncommand=['x']\nids='1-5'\nentries=['a']\n",
         "t.x:3: 5 ids for 1 entries"},
        {TASK "crash_limit=3\n",
         "t.x:3: crash_limit: only \"never-restart\" is known (what may have "
         "killed two workers runs once more, alone)"},
        {"stream='d'\n" TASK,
         "t.x:1: stream is not supported: what tasks print is in the run "
         "folder, few files in all (hayfork output)"},
        {TASK "[[task.request]]\nn_nodes=2\n",
         "t.x:4: n_nodes: a task has cores of one worker"},
        {TASK "[[task.request]]\ntime_request='1s'\n",
         "t.x:4: time_request is not supported"},
        {TASK "[[task.request]]\nresources={cpus='4 scatter'}\n",
         "t.x:4: cpus: the policy 'scatter' is not known (cores are given as "
         "near to each other as they are free)"},
        {TASK "[[task.request]]\nresources={cpus=0.5}\n",
         "t.x:4: cpus: whole cores only, at least 1"},
        {TASK "stdout='%{SERVER_UID}'\n",
         "t.x:3: stdout: the placeholder %{SERVER_UID} is not known here"},
        {TASK "stdout={on_close='none'}\n",
         "t.x:3: bad value of stdout (it lacks a path)"},
        {TASK "time_limit='soon'\n",
         "t.x:3: bad value of time_limit (such as \"1m 10s\")"},
        {TASK "env={'A B'='x'}\n", "t.x:3: 'A B' is no name of a variable"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(FORMAT_HQ, cases[i][0], cases[i][1]);
    }
    CU_ASSERT_EQUAL(read_text(FORMAT_HQ, TASK "x\n"), HAY_EINVAL);
    CU_ASSERT_EQUAL(strncmp(fault.text, "t.x:3: not TOML: ", 17), 0);
}

static void is_refused_without_toml(void)
{
    CU_ASSERT_EQUAL(read_text(FORMAT_HQ, TASK), HAY_EUNSUPPORTED);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "without toml++"));
}

static CU_TestInfo tests[] = {
    {"tasks_get_the_next_ids", tasks_get_the_next_ids},
    {"requests_are_obeyed", requests_are_obeyed},
    {"an_array_is_a_block_for_each_range", an_array_is_a_block_for_each_range},
    {"entries_are_tasks_of_their_own", entries_are_tasks_of_their_own},
    {"durations_are_read", durations_are_read},
    {"what_is_wrong_is_told_with_its_line",
     what_is_wrong_is_told_with_its_line},
    CU_TEST_INFO_NULL};

static CU_TestInfo tests_without[] = {
    {"durations_are_read", durations_are_read},
    {"is_refused_without_toml", is_refused_without_toml},
    CU_TEST_INFO_NULL};

int main(int argc, char **argv)
{
    const CU_SuiteInfo suites[] = {
        {"apps/hqtoml",
         NULL,
         NULL,
         setup,
         teardown,
         tomlfile_available() ? tests : tests_without},
        CU_SUITE_INFO_NULL};
    return hayi_unit_main(suites, argc, argv);
}
