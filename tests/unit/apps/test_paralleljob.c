/* test_paralleljob.c - commands in the style of GNU parallel.  What is expected
 * is what parallel 20221122 prints with --dry-run.
 */
#include "config.h"

#include "reading.h"

#include "paralleljob.h"

#include <stdlib.h>
#include <unistd.h>

#define WORDS_MAX 24

/* 'line' in words, cut at |. */
static hay_status fill(const char *line)
{
    static const struct request defaults = REQUEST_INIT;
    char copy[400];
    char *words[WORDS_MAX];
    char *rest = copy;
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    teardown();
    setup();
    w.file = PARALLELJOB_NAME;
    while (rest != NULL && count < WORDS_MAX) {
        words[count++] = strsep(&rest, "|");
    }
    return paralleljob_parse(words, count, &defaults, &w, &fault);
}

/* commands: one a line. */
static void makes(const char *line, const char *commands)
{
    struct text text = TEXT_INIT;
    CU_ASSERT_EQUAL(fill(line), HAY_OK);
    text_clear(&text);
    for (size_t i = 0; i < w.block_count; i++) {
        text_add_string(&text, w.blocks[i].text);
        text_add_string(&text, "\n");
    }
    CU_ASSERT_STRING_EQUAL(text.data, commands);
    if (strcmp(text.data, commands) != 0) {
        printf("# made:\n%s# %s\n", text.data, fault.text);
    }
    text_fini(&text);
}

static void lists_are_combined(void)
{
    makes("echo|:::|a b|c", "echo 'a b'\necho c\n");
    makes("echo {2} {1}|:::|a|b|:::|1|2",
          "echo 1 a\necho 2 a\necho 1 b\necho 2 b\n");
    makes("echo|:::|a|:::|b", "echo a b\n");
    makes("echo {1} {2} {3}|:::|a|b|c|:::+|d|e|:::|1|2",
          "echo a d 1\necho a d 2\necho b e 1\necho b e 2\n");
}

static void replacement_strings_are_known(void)
{
    makes("echo {} {.} {/} {//} {/.} {#}|:::|d/f.tar.gz|x.y/z|noext|.|a/|/",
          "echo d/f.tar.gz d/f.tar f.tar.gz d f.tar 1\n"
          "echo x.y/z x.y/z z x.y z 2\n"
          "echo noext noext noext . noext 3\n"
          "echo . '' . . '' 4\n"
          "echo a/ a/ '' . '' 5\n"
          "echo / / '' / '' 6\n");
    makes("echo {2} {-1} {1.} {2/} {1//}|:::|a.x|:::|b/c",
          "echo b/c b/c a c .\n");
    makes("echo {} {.}|:::|a.x|:::|q.z", "echo a.x q.z a q\n");
    makes("echo {#}|:::|a|b", "echo 1\necho 2\n");
    makes("echo {..} {foo} { }|:::|a", "echo {..} {foo} { } a\n");
    makes("echo {%} '{%}'|:::|a",
          "echo $((HAY_TASK_SLOT+1)) ''$((HAY_TASK_SLOT+1))''\n");
}

static void values_are_quoted(void)
{
    makes("echo|:::|it's|$x||a=b|a.b-c/d:e,f@g%h+i",
          "echo 'it'\"'\"'s'\necho '$x'\necho ''\necho 'a=b'\n"
          "echo a.b-c/d:e,f@g%h+i\n");
    makes(":::|echo a  b|echo c", "echo a  b\necho c\n");
}

static void files_are_lists(void)
{
    char path[] = "/tmp/hay-parallel.XXXXXX";
    char line[200];
    int fd = mkstemp(path);
    CU_ASSERT_FATAL(fd >= 0);
    CU_ASSERT_EQUAL(write(fd, "a\n\nb", 4), 4);
    close(fd);
    snprintf(line, sizeof line, "echo|::::|%s", path);
    makes(line, "echo a\necho ''\necho b\n");
    snprintf(line, sizeof line, "echo|::::|%s|:::+|1|2|3", path);
    makes(line, "echo a 1\necho '' 2\necho b 3\n");
    unlink(path);
}

static void what_is_wrong_is_told(void)
{
    static const char *const cases[][2] = {
        {"echo|:::", "run: nothing stands behind :::"},
        {"echo|:::|a|:::|:::|b", "run: nothing stands behind :::"},
        {"echo|:::+|a", "run: :::+ stands before any other list"},
        {"echo {3}|:::|a|:::|b", "run: {3} is none of the 2 lists of values"},
        {"echo {-2}|:::|a", "run: {-2} is none of the 1 list of values"},
        {"echo {0}|:::|a", "run: {0} is none of the 1 list of values"},
        {"echo {= $_ =}|:::|a", "run: {= =}: Perl expressions are not known"},
        {"echo|::::|-",
         "run: :::: - is not known: write the values to a file (hayfork run - "
         "reads commands)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(fill(cases[i][0]), HAY_EINVAL);
        CU_ASSERT_STRING_EQUAL(fault.text, cases[i][1]);
    }
    CU_ASSERT_EQUAL(fill("echo|::::|/nowhere/x"), HAY_EIO);
}

static CU_TestInfo tests[] = {
    {"lists_are_combined", lists_are_combined},
    {"replacement_strings_are_known", replacement_strings_are_known},
    {"values_are_quoted", values_are_quoted},
    {"files_are_lists", files_are_lists},
    {"what_is_wrong_is_told", what_is_wrong_is_told},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/paralleljob", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
