/* test_taskfile.c - Hayfork's own task file: what it means and what is refused.
 */
#include "config.h"

#include "support/unit.h"

#include "taskfile.h"
#include "units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct workload w;
static struct fault fault;

static void setup(void)
{
    workload_init(&w, "t.hay");
    fault.text[0] = '\0';
}

static void teardown(void)
{
    workload_fini(&w);
}

/* Read 'text' as a whole file, or as a stream in pieces of 'piece' bytes. */
static hay_status read_text(const char *text, bool stream, size_t piece)
{
    static const struct request defaults = REQUEST_INIT;
    struct taskfile *tf = taskfile_new(&w, &defaults, stream);
    size_t size = strlen(text);
    hay_status status = HAY_OK;
    for (size_t at = 0; at < size && status == HAY_OK; at += piece) {
        size_t part = size - at < piece ? size - at : piece;
        status = taskfile_feed(tf, text + at, part, &fault);
    }
    if (status == HAY_OK) {
        status = taskfile_end(tf, &fault);
    }
    if (status == HAY_OK && !stream) {
        status = workload_order(&w, &fault);
    }
    taskfile_free(tf);
    return status;
}

static void reads(const char *text)
{
    CU_ASSERT_EQUAL(read_text(text, false, 1000), HAY_OK);
    CU_ASSERT_STRING_EQUAL(fault.text, "");
}

static void refuses(const char *text, const char *words)
{
    workload_fini(&w);
    workload_init(&w, "t.hay");
    CU_ASSERT_EQUAL(read_text(text, false, 1000), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, words);
    if (strcmp(fault.text, words) != 0) {
        printf("# said: %s\n", fault.text);
    }
}

static void plain_lines_are_tasks(void)
{
    reads("echo a\n\n  # a comment \\\n  echo b  \r\n\t\necho c");
    CU_ASSERT_EQUAL_FATAL(w.task_count, 3);
    CU_ASSERT_STRING_EQUAL(w.blocks[0].text, "echo a");
    CU_ASSERT_STRING_EQUAL(w.blocks[1].text, "echo b  ");
    CU_ASSERT_STRING_EQUAL(w.blocks[2].text, "echo c");
    CU_ASSERT_EQUAL(w.blocks[1].line, 4);
    CU_ASSERT_EQUAL(w.blocks[2].line, 6);
    CU_ASSERT_PTR_NULL(w.blocks[0].name);
}

static void backslash_continues_a_line(void)
{
    reads("#HAY name=a \\\n  cores=2\necho a \\\n  b\necho c\\\\\n");
    CU_ASSERT_EQUAL_FATAL(w.task_count, 2);
    CU_ASSERT_STRING_EQUAL(w.blocks[0].text, "echo a \\\n  b");
    CU_ASSERT_STRING_EQUAL(w.blocks[0].name, "a");
    CU_ASSERT_EQUAL(w.blocks[0].request->cores, 2);
    CU_ASSERT_EQUAL(w.blocks[0].line, 1);
    CU_ASSERT_STRING_EQUAL(w.blocks[1].text, "echo c\\\\");
}

static void keys_are_understood(void)
{
    const struct request *r;
    reads("#HAY cores=2 mem=1.5G gpus=1 time=1:30:00 retries=3 priority=-4\n"
          "#HAY cwd='/a b' env.X=\"1 2\" env.Y= stdin=in # and so on=1\n"
          "true\n");
    CU_ASSERT_EQUAL_FATAL(w.task_count, 1);
    r = w.blocks[0].request;
    CU_ASSERT_EQUAL(r->cores, 2);
    CU_ASSERT_EQUAL(r->memory_bytes, UINT64_C(3) << 29);
    CU_ASSERT_EQUAL(r->gpus, 1);
    CU_ASSERT_EQUAL(r->time_limit_ns, 5400 * NS_PER_S);
    CU_ASSERT_EQUAL(r->retries, 3);
    CU_ASSERT_EQUAL(r->priority, -4);
    CU_ASSERT_STRING_EQUAL(r->cwd, "/a b");
    CU_ASSERT_STRING_EQUAL(r->stdin_path, "in");
    CU_ASSERT_EQUAL_FATAL(r->env_count, 2);
    CU_ASSERT_STRING_EQUAL(r->env[0], "X=1 2");
    CU_ASSERT_STRING_EQUAL(r->env[1], "Y=");
    CU_ASSERT_PTR_NULL(r->env[2]);
}

static void limits_are_understood(void)
{
    const struct request *r;
    reads("#HAY grace=5s mem=1G mem_limit=2G mem_retries=3 output_limit=10M\n"
          "true\n");
    CU_ASSERT_EQUAL_FATAL(w.task_count, 1);
    r = w.blocks[0].request;
    CU_ASSERT_EQUAL(r->grace_ns, 5 * NS_PER_S);
    CU_ASSERT_EQUAL(r->memory_limit_bytes, UINT64_C(2) << 30);
    CU_ASSERT_EQUAL(r->memory_bytes, UINT64_C(1) << 30);
    CU_ASSERT_EQUAL(r->memory_retries, 3);
    CU_ASSERT_EQUAL(r->output_limit_bytes, UINT64_C(10) << 20);
}

static void defaults_hold_from_there_on(void)
{
    reads("a\n#HAY defaults retries=2 env.A=1 time=5m\nb\n"
          "#HAY retries=0 env.A=2 env.B=3\nc\n#HAY defaults time=1\nd\n");
    CU_ASSERT_EQUAL_FATAL(w.task_count, 4);
    CU_ASSERT_EQUAL(w.blocks[0].request->retries, 0);
    CU_ASSERT_EQUAL(w.blocks[1].request->retries, 2);
    CU_ASSERT_EQUAL(w.blocks[2].request->retries, 0);
    CU_ASSERT_EQUAL(w.blocks[2].request->time_limit_ns, 300 * NS_PER_S);
    CU_ASSERT_EQUAL_FATAL(w.blocks[2].request->env_count, 2);
    CU_ASSERT_STRING_EQUAL(w.blocks[2].request->env[0], "A=2");
    CU_ASSERT_EQUAL(w.blocks[3].request->retries, 2);
    CU_ASSERT_EQUAL(w.blocks[3].request->time_limit_ns, NS_PER_S);
    CU_ASSERT_STRING_EQUAL(w.blocks[3].request->env[0], "A=1");
}

static void expands(uint64_t element, const char *expected)
{
    struct text text = TEXT_INIT;
    block_expand(&w.blocks[0], element, w.blocks[0].text, &text);
    CU_ASSERT_STRING_EQUAL(text.data, expected);
    text_fini(&text);
}

static void arrays_replace_the_index(void)
{
    struct text name = TEXT_INIT;
    reads("#HAY name=s[1..10:2]\n{n} x{n}.{n}y ${n} {{n} {n {{{n}} {} {m}\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 1);
    CU_ASSERT_EQUAL(w.task_count, 5);
    expands(0, "1 x1.1y ${n} {n} {n {1} {} {m}");
    expands(4, "9 x9.9y ${n} {n} {n {9} {} {m}");
    block_element_name(&w.blocks[0], 4, &name);
    CU_ASSERT_STRING_EQUAL(name.data, "s[9]");
    text_fini(&name);
}

static void single_tasks_keep_their_braces(void)
{
    reads("#HAY name=a\n{n} {{x}}\n");
    expands(0, "{n} {{x}}");
}

static void names_may_be_used_before_they_are_defined(void)
{
    reads("#HAY name=c after=a,b afterany=x\nc\n#HAY name=a after=b\na\n"
          "#HAY name=b\nb\n#HAY name=x\nx\n");
    CU_ASSERT_EQUAL_FATAL(w.block_count, 4);
    CU_ASSERT_EQUAL_FATAL(w.blocks[0].dep_count, 3);
    CU_ASSERT_EQUAL(w.deps[0].block, 1);
    CU_ASSERT_EQUAL(w.deps[1].block, 2);
    CU_ASSERT_EQUAL(w.deps[2].block, 3);
    CU_ASSERT_FALSE(w.deps[1].any);
    CU_ASSERT_TRUE(w.deps[2].any);
    CU_ASSERT_EQUAL(w.blocks[2].users, 2);
    CU_ASSERT_EQUAL(w.order[0], 2);
    CU_ASSERT_EQUAL(w.order[1], 1);
    CU_ASSERT_EQUAL(w.order[2], 3);
    CU_ASSERT_EQUAL(w.order[3], 0);
}

static void references_to_elements(void)
{
    reads("#HAY name=s[0..9]\ns\n#HAY name=t[2..8:2] after=s[n],s\nt\n"
          "#HAY after=s[3],t[4..8]\nu\n");
    CU_ASSERT_EQUAL_FATAL(w.dep_count, 4);
    CU_ASSERT_TRUE(w.deps[0].same);
    CU_ASSERT_FALSE(w.deps[1].same);
    CU_ASSERT_EQUAL(w.deps[1].count, 10);
    CU_ASSERT_EQUAL(w.deps[2].first, 3);
    CU_ASSERT_EQUAL(w.deps[2].count, 1);
    CU_ASSERT_EQUAL(w.deps[3].first, 1);
    CU_ASSERT_EQUAL(w.deps[3].count, 3);
}

static void bad_lines_are_refused(void)
{
    refuses("", "t.hay:1: the file is empty");
    refuses("\n# nothing\n", "t.hay:2: no task in the file");
    refuses("a\n#HAY frob=1\nb\n", "t.hay:2: unknown key 'frob'");
    refuses("#HAY after\nb\n", "t.hay:1: 'after' is not KEY=VALUE");
    refuses("#HAY cores=0\nb\n", "t.hay:1: bad value cores=0");
    refuses("#HAY cores=1x\nb\n", "t.hay:1: bad value cores=1x");
    refuses("#HAY mem=1Q\nb\n", "t.hay:1: bad value mem=1Q");
    refuses("#HAY time=1:2\nb\n", "t.hay:1: bad value time=1:2");
    refuses("#HAY retries=-1\nb\n", "t.hay:1: bad value retries=-1");
    refuses("#HAY env.1=x\nb\n", "t.hay:1: bad value env.1=x");
    refuses("#HAY name=a,b\nb\n", "t.hay:1: bad value name=a,b");
    refuses("#HAY cores=1 cores=2\nb\n", "t.hay:1: cores= is given twice");
    refuses("#HAY cwd='x\nb\n", "t.hay:1: a quote ' is not closed");
    refuses("#HAY defaults name=x\nb\n", "t.hay:1: name= cannot be a default");
    refuses("a\n#HAY cores=1\n# so\n",
            "t.hay:2: no command follows this #HAY line");
    refuses("#HAY cores=1\n#HAY defaults cores=2\nb\n",
            "t.hay:2: defaults between the #HAY line of a task (line 1) and "
            "its command");
    refuses("a \\\n",
            "t.hay:1: the last line ends with \\, and nothing follows");
    refuses("a\nb\001\n",
            "t.hay:2: not a text: a byte 0x01; is the file binary?");
    refuses("#HAY name=s[2..1]\nb\n",
            "t.hay:1: the array name=s[2..1] has no elements");
    refuses("#HAY name=s[x]\nb\n",
            "t.hay:1: bad array name=s[x] (NAME[FIRST..LAST] or "
            "NAME[FIRST..LAST:STEP])");
}

static void bad_names_are_refused(void)
{
    refuses("#HAY name=a\na\n#HAY name=a\nb\n",
            "t.hay:3: the name 'a' is taken by line 1");
    refuses("a\n#HAY after=b\nb\n", "t.hay:2: unknown task 'b'");
    refuses("#HAY name=a\na\n#HAY after=a[1]\nb\n", "t.hay:3: 'a' is no array");
    refuses("#HAY name=a[1..2]\na\n#HAY after=a[n]\nb\n",
            "t.hay:3: after 'a[n]', but this task is no array");
    refuses("#HAY name=a[1..2]\na\n#HAY after=a[3]\nb\n",
            "t.hay:3: 'a' has no element 3");
    refuses("#HAY name=a[1..9:2]\na\n#HAY after=a[2]\nb\n",
            "t.hay:3: 'a' has no element 2");
    refuses("#HAY name=a[1..9:2]\na\n#HAY name=b[1..9] after=a[n]\nb\n",
            "t.hay:3: 'a' has no element for each index of 'b'");
}

static void cycles_are_named(void)
{
    refuses("#HAY name=a after=a\na\n",
            "t.hay:1: a cycle of tasks: 'a' after 'a'");
    refuses("x\n#HAY name=a after=b\na\n#HAY name=b afterany=c\nb\n"
            "#HAY name=c after=b\nc\n",
            "t.hay:4: a cycle of tasks: 'b' after 'c' after 'b'");
}

static void long_chains_need_no_stack(void)
{
    enum { LENGTH = 200000 };
    struct text text = TEXT_INIT;
    for (int i = 0; i < LENGTH; i++) {
        text_format(&text, "#HAY name=t%d after=t%d\n:\n", i, i + 1);
    }
    text_format(&text, "#HAY name=t%d\n:\n", LENGTH);
    reads(text.data);
    CU_ASSERT_EQUAL(w.order[0], LENGTH);
    workload_fini(&w);
    workload_init(&w, "t.hay");
    text_format(&text, "#HAY name=t%d after=t0\n:\n", LENGTH + 1);
    reads(text.data);
    text_fini(&text);
}

static void long_lines_are_refused(void)
{
    struct text text = TEXT_INIT;
    text_add_string(&text, "echo ");
    while (text.length <= WORKLOAD_COMMAND_MAX) {
        text_add_string(&text, "0123456789");
    }
    CU_ASSERT_EQUAL(read_text(text.data, false, 4096), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, "t.hay:1: a command of "));
    while (text.length <= TASKFILE_LINE_MAX) {
        text_add_string(&text, "0123456789");
    }
    CU_ASSERT_EQUAL(read_text(text.data, false, 4096), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text,
                           "t.hay:1: a line longer than 1048576 bytes");
    text_fini(&text);
}

static void streams_come_in_any_pieces(void)
{
    static const char text[] = "#HAY name=a[1..3] \\\n mem=1K\r\necho {n}\n"
                               "#HAY after=a\necho \\\n end";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        workload_fini(&w);
        workload_init(&w, "-");
        CU_ASSERT_EQUAL(read_text(text, true, piece), HAY_OK);
        CU_ASSERT_EQUAL_FATAL(w.block_count, 2);
        CU_ASSERT_STRING_EQUAL(w.blocks[0].text, "echo {n}");
        CU_ASSERT_STRING_EQUAL(w.blocks[1].text, "echo \\\n end");
        CU_ASSERT_EQUAL(w.deps[w.blocks[1].dep_first].count, 3);
    }
}

static void streams_know_names_from_above_only(void)
{
    CU_ASSERT_EQUAL(read_text("a\n#HAY after=b\nb\n#HAY name=b\nc\n", true, 99),
                    HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, "t.hay:2: unknown task 'b'");
    CU_ASSERT_EQUAL(w.block_count, 1);
    CU_ASSERT_EQUAL(w.task_count, 1);
}

static void times_and_sizes(void)
{
    static const struct {
        const char *text;
        uint64_t ns;
    } times[] = {
        {"10", 10 * NS_PER_S},
        {"10s", 10 * NS_PER_S},
        {"0.5", NS_PER_S / 2},
        {"500ms", NS_PER_S / 2},
        {"5m", 300 * NS_PER_S},
        {"2h", 7200 * NS_PER_S},
        {"1d", 86400 * NS_PER_S},
        {"1:30", 90 * NS_PER_S},
        {"1:30:00", 5400 * NS_PER_S},
        {"100:00:00", 360000 * NS_PER_S},
        {"1-02:00:00", 93600 * NS_PER_S},
    };
    static const char *const bad[] = {"",
                                      "x",
                                      "-1",
                                      "1y",
                                      "0x10",
                                      "inf",
                                      "1:60",
                                      "1:5:00",
                                      "1:2:3:4",
                                      "1e30"};
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        CU_ASSERT_TRUE(units_time(times[i].text, &value));
        CU_ASSERT_EQUAL(value, times[i].ns);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_FALSE(units_time(bad[i], &value));
    }
    CU_ASSERT_TRUE(units_size("3", &value) && value == 3);
    CU_ASSERT_TRUE(units_size("2k", &value) && value == 2048);
    CU_ASSERT_TRUE(units_size("1MiB", &value) && value == 1 << 20);
    CU_ASSERT_TRUE(units_size("2T", &value) && value == UINT64_C(2) << 40);
    CU_ASSERT_FALSE(units_size("2GB", &value));
    CU_ASSERT_FALSE(units_size("G", &value));
    CU_ASSERT_FALSE(units_size("2 G", &value));
}

static CU_TestInfo tests[] = {
    {"plain_lines_are_tasks", plain_lines_are_tasks},
    {"backslash_continues_a_line", backslash_continues_a_line},
    {"keys_are_understood", keys_are_understood},
    {"limits_are_understood", limits_are_understood},
    {"defaults_hold_from_there_on", defaults_hold_from_there_on},
    {"arrays_replace_the_index", arrays_replace_the_index},
    {"single_tasks_keep_their_braces", single_tasks_keep_their_braces},
    {"names_may_be_used_before_they_are_defined",
     names_may_be_used_before_they_are_defined},
    {"references_to_elements", references_to_elements},
    {"bad_lines_are_refused", bad_lines_are_refused},
    {"bad_names_are_refused", bad_names_are_refused},
    {"cycles_are_named", cycles_are_named},
    {"long_chains_need_no_stack", long_chains_need_no_stack},
    {"long_lines_are_refused", long_lines_are_refused},
    {"streams_come_in_any_pieces", streams_come_in_any_pieces},
    {"streams_know_names_from_above_only", streams_know_names_from_above_only},
    {"times_and_sizes", times_and_sizes},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/taskfile", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
