/* test_files.c - which task writes which file: edges, what is refused. */
#include "config.h"

#include "support/unit.h"

#include "files.h"
#include "taskfile.h"

#include <stdio.h>
#include <string.h>

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

static hay_status read_text(const char *text, bool stream)
{
    static const struct request defaults = REQUEST_INIT;
    workload_fini(&w);
    workload_init(&w, "t.hay");
    struct taskfile *tf = taskfile_new(&w, &defaults, stream);
    hay_status status = taskfile_feed(tf, text, strlen(text), &fault);
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
    CU_ASSERT_EQUAL_FATAL(read_text(text, false), HAY_OK);
}

static void refuses(const char *text, const char *words)
{
    CU_ASSERT_EQUAL(read_text(text, false), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, words);
    if (strcmp(fault.text, words) != 0) {
        printf("# said: %s\n", fault.text);
    }
}

/* Element 'element' of block 'user' reads what element 'maker' of block
 * 'block' writes. */
static void reads_of(uint32_t user,
                     uint64_t element,
                     size_t in,
                     uint32_t block,
                     uint64_t maker)
{
    uint32_t found_block = NO_BLOCK;
    uint64_t found = UINT64_MAX;
    CU_ASSERT(files_maker(&w, user, element, in, false, &found_block, &found));
    CU_ASSERT_EQUAL(found_block, block);
    CU_ASSERT_EQUAL(found, maker);
}

static void readers_come_after_writers(void)
{
    reads("#HAY in=c\na\n#HAY in=b out=c\nb\n#HAY out=b\nc\nd\n");
    CU_ASSERT_EQUAL(w.order[0], 2);
    CU_ASSERT_EQUAL(w.order[1], 1);
    CU_ASSERT_EQUAL(w.order[2], 0);
    reads_of(0, 0, 0, 1, 0);
    reads_of(1, 0, 0, 2, 0);
    CU_ASSERT_EQUAL(w.blocks[2].users, 1);
    CU_ASSERT_PTR_NULL(w.blocks[3].files);
}

static void elements_read_of_elements(void)
{
    reads("#HAY name=a[3..9:2] out=x{n},y{n}\na\n"
          "#HAY name=b[1..3] in=y{n}9,x7\nb\n"
          "#HAY name=c[1..3] out=y{n}9\nc\n");
    reads_of(1, 0, 0, 2, 0);
    reads_of(1, 2, 0, 2, 2);
    reads_of(1, 2, 1, 0, 2);
    CU_ASSERT_EQUAL(w.blocks[1].files->maker_count, 2);
    CU_ASSERT_EQUAL(w.blocks[0].users, 1);
}

static void names_are_compared_as_whole_ones(void)
{
    reads("#HAY out=./a//b/../x cwd=d\na\n#HAY in=d/a/./x\nb\n"
          "#HAY out=/../tmp/y cwd=d\nc\n#HAY in=/tmp//y\nd\n");
    reads_of(1, 0, 0, 0, 0);
    reads_of(3, 0, 0, 2, 0);
    CU_ASSERT_EQUAL(w.blocks[1].files->maker_count, 1);
}

static void quoted_commas_are_of_the_name(void)
{
    reads("#HAY out='a,b',c\\,d,\"e,f\",g env.X=\\, name=n\na\n");
    const struct block_files *files = w.blocks[0].files;
    CU_ASSERT_EQUAL_FATAL(files->out_count, 4);
    CU_ASSERT_STRING_EQUAL(files->out[0], "a,b");
    CU_ASSERT_STRING_EQUAL(files->out[1], "c,d");
    CU_ASSERT_STRING_EQUAL(files->out[2], "e,f");
    CU_ASSERT_STRING_EQUAL(files->out[3], "g");
    CU_ASSERT_STRING_EQUAL(w.blocks[0].request->env[0], "X=,");
}

static void what_cannot_be_is_refused(void)
{
    refuses("#HAY in=/nowhere/x\na\n",
            "t.hay:1: in=/nowhere/x: No such file or directory, and no task "
            "writes it");
    refuses("#HAY name=a in=b out=a\na\n\n#HAY in=a out=b\nb\n",
            "t.hay:1: a cycle of tasks: 'a' after line 4 after 'a'");
    refuses("#HAY in=a out=a\na\n",
            "t.hay:1: a cycle of tasks: line 1 after line 1");
    refuses("#HAY out=b,a\na\n#HAY out=c,./a\na\n",
            "t.hay:3: out=./a is written by the task of line 1 as well");
    refuses("#HAY out=a,./a\na\n", "t.hay:1: out= names ./a twice");
    refuses("#HAY name=a[1..2] out=a{n},b\na\n",
            "t.hay:1: out=b is written by several elements of the array");
    refuses("#HAY in=a,\na\n", "t.hay:1: in= has an empty name");
    refuses("#HAY in=\na\n", "t.hay:1: in= has an empty name");
    refuses("#HAY in=a in=b\na\n", "t.hay:1: in= is given twice");
    refuses("#HAY defaults out=b\na\n", "t.hay:1: out= cannot be a default");
}

static void streams_know_files_from_above_only(void)
{
    CU_ASSERT_EQUAL(
        read_text("#HAY out=a\na\n#HAY in=a out=b\nb\n#HAY in=b,a\nc\n", true),
        HAY_OK);
    CU_ASSERT_EQUAL(w.blocks[2].files->maker_count, 2);
    CU_ASSERT_EQUAL(
        read_text("a\n#HAY in=/nowhere/a\na\n#HAY out=/nowhere/a\nb\n", true),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(w.block_count, 1);
    CU_ASSERT_EQUAL(read_text("#HAY out=a\na\n#HAY out=a\nb\n", true),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(w.block_count, 1);
    /* A file that is there and is written further down is no edge. */
    uint32_t block;
    uint64_t maker;
    CU_ASSERT_EQUAL(
        read_text("#HAY in=/dev/null\na\n#HAY out=/dev/null\nb\n", true),
        HAY_OK);
    CU_ASSERT_FALSE(files_maker(&w, 0, 0, 0, true, &block, &maker));
    CU_ASSERT(files_maker(&w, 0, 0, 0, false, &block, &maker));
}

static void many_files_are_found_again(void)
{
    reads("#HAY name=a[1..5000] out=f{n}\na\n"
          "#HAY name=b[1..5000] in=f{n} out=g{n}\nb\n");
    for (uint64_t i = 0; i < 5000; i++) {
        reads_of(1, i, 0, 0, i);
    }
}

static CU_TestInfo tests[] = {
    {"readers_come_after_writers", readers_come_after_writers},
    {"elements_read_of_elements", elements_read_of_elements},
    {"names_are_compared_as_whole_ones", names_are_compared_as_whole_ones},
    {"quoted_commas_are_of_the_name", quoted_commas_are_of_the_name},
    {"what_cannot_be_is_refused", what_cannot_be_is_refused},
    {"streams_know_files_from_above_only", streams_know_files_from_above_only},
    {"many_files_are_found_again", many_files_are_found_again},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/files", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
