/* test_disbatch.c - task files of disBatch. */
#include "config.h"

#include "reading.h"

static bool runs(uint32_t block, uint64_t element, const char *command)
{
    struct text text = TEXT_INIT;
    block_expand(&w.blocks[block], element, w.blocks[block].text, &text);
    const char *bash = strstr(text.data, "\nexec /bin/bash -c ");
    bool same = bash != NULL && strcmp(bash + 19, command) == 0;
    if (!same) {
        printf("# runs: %s\n", text.data);
    }
    text_fini(&text);
    return same;
}

static void commands_are_for_bash(void)
{
    reads(FORMAT_DISBATCH, "# c\n\n  \t\necho {n} it's\n ls\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
    CU_ASSERT(runs(0, 0, "'echo {n} it'\"'\"'s'"));
    CU_ASSERT(runs(1, 0, "' ls'"));
    CU_ASSERT_STRING_EQUAL(w.blocks[1].source, " ls");
    CU_ASSERT_EQUAL(w.blocks[1].line, 5);
    CU_ASSERT_PTR_NOT_NULL(strstr(w.blocks[1].text, " DISBATCH_TASKID=1 "));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(w.blocks[1].text, " DISBATCH_STREAM_INDEX_ZP=000005 "));
}

static void prefix_and_suffix_replace_earlier_ones(void)
{
    reads(
        FORMAT_DISBATCH,
        "#DISBATCH PREFIX a \n#DISBATCH suffix  z\nm\n#DISBATCH PREFIX \nn\n");
    CU_ASSERT_STRING_EQUAL(w.blocks[0].source, "a m z");
    CU_ASSERT_STRING_EQUAL(w.blocks[1].source, "n z");
}

static void repeat_is_an_array(void)
{
    reads(FORMAT_DISBATCH,
          "x\n#DISBATCH REPEAT 3 start 5 step 2 echo {n} ${A} {{b}}\n"
          "#DISBATCH PREFIX p\n#DISBATCH REPEAT 2\ny\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 4);
    CU_ASSERT_EQUAL(w.blocks[1].count, 3);
    CU_ASSERT(runs(1, 2, "'echo {n} ${A} {{b}}'"));
    struct text text = TEXT_INIT;
    block_expand(&w.blocks[1], 2, w.blocks[1].text, &text);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text.data, " DISBATCH_REPEAT_INDEX=$((5+2*2)) "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text.data, " DISBATCH_TASKID=$((1+1*2)) "));
    text_fini(&text);
    CU_ASSERT_STRING_EQUAL(w.blocks[2].source, "p");
    CU_ASSERT_PTR_NOT_NULL(strstr(w.blocks[3].text, " DISBATCH_TASKID=6 "));
}

static void barriers_divide_the_file(void)
{
    reads(FORMAT_DISBATCH,
          "a\nb\n#DISBATCH BARRIER\nc\n#DISBATCH BARRIER CHECK\nd\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 6);
    CU_ASSERT_PTR_NULL(w.blocks[2].text);
    CU_ASSERT(is_after(2, 0, true));
    CU_ASSERT(is_after(2, 1, true));
    CU_ASSERT(is_after(3, 2, false));
    CU_ASSERT(is_after(4, 3, false));
    CU_ASSERT(is_after(4, 2, false));
    CU_ASSERT(is_after(5, 4, false));
    CU_ASSERT_EQUAL(w.blocks[0].dep_count, 0);
}

static void commands_of_engines_are_no_tasks(void)
{
    reads(FORMAT_DISBATCH,
          "#DISBATCH PREFIX p \n#DISBATCH PERENGINE START a\n"
          "#DISBATCH PERENGINE stop b\nc\n");
    CU_ASSERT_EQUAL(w.task_count, 1);
    CU_ASSERT_EQUAL_FATAL(w.worker_command_count, 2);
    CU_ASSERT_STRING_EQUAL(w.worker_commands[0].text,
                           "exec /bin/bash -c 'p a'");
    CU_ASSERT(!w.worker_commands[0].stop);
    CU_ASSERT(w.worker_commands[1].stop);
}

static void what_is_wrong_is_told_with_its_line(void)
{
    static const char *const cases[][2] = {
        {"#DISBATCH PREFIX x\n", "t.x:1: no task in the file"},
        {"a\n#DISBATCH BARRIER key\n",
         "t.x:2: BARRIER with a key (key): there is no key-value store here to "
         "put it into"},
        {"#DISBATCH REPEAT x\n",
         "t.x:1: REPEAT wants a number (at most 1099511627776)"},
        {"#DISBATCH REPEAT 99999999999999999999 x\n",
         "t.x:1: REPEAT wants a number (at most 1099511627776)"},
        {"#DISBATCH REPEAT 5x\n",
         "t.x:1: REPEAT N [start S] [step K] [COMMAND]: not 'x'"},
        {"a\n\n#DISBATCH barrier\n",
         "t.x:3: unknown directive '#DISBATCH barrier' (PREFIX TEXT, SUFFIX "
         "TEXT, REPEAT, BARRIER, PERENGINE)"},
        {"#DISBATCH PREFIX\n",
         "t.x:1: unknown directive '#DISBATCH PREFIX' (PREFIX TEXT, SUFFIX "
         "TEXT, REPEAT, BARRIER, PERENGINE)"},
        {"a\n#DISBATCH PERENGINE START x\n",
         "t.x:2: PERENGINE stands below a task"},
        {"#DISBATCH PERENGINE x\n",
         "t.x:1: PERENGINE wants START or STOP, and a command"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(FORMAT_DISBATCH, cases[i][0], cases[i][1]);
    }
}

static CU_TestInfo tests[] = {
    {"commands_are_for_bash", commands_are_for_bash},
    {"prefix_and_suffix_replace_earlier_ones",
     prefix_and_suffix_replace_earlier_ones},
    {"repeat_is_an_array", repeat_is_an_array},
    {"barriers_divide_the_file", barriers_divide_the_file},
    {"commands_of_engines_are_no_tasks", commands_of_engines_are_no_tasks},
    {"what_is_wrong_is_told_with_its_line",
     what_is_wrong_is_told_with_its_line},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/disbatch", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
