/* test_formats.c - which format a file has; and files that were cut or changed
 * anywhere: each is read or refused with words, and nothing else happens.
 */
#include "config.h"

#include "reading.h"

#include "resume.h"
#include "tomlfile.h"

#define CHANGES 2000 /* changed copies of each file */

static const struct {
    enum format format;
    const char *text;
} files[] = {
    {FORMAT_HAYFORK,
     "#HAY defaults retries=1\n#HAY name=a[1..3] cores=2 env.X='y z'\n"
     "echo {n} {{\n#HAY after=a[n] name=b[1..3]\nls \\\n -l\n"},
    {FORMAT_PMC,
     "# c\n#@ 1 x y\nTASK A -m 10.5 -c 2 -t 3 -p -1 /bin/echo \"a b\" 'c' \\d\n"
     "TASK B -f V=f -F s=d p\nEDGE A B\n"},
    {FORMAT_DISBATCH,
     "#DISBATCH PREFIX ( \n#DISBATCH SUFFIX  )\necho a\n"
     "#DISBATCH BARRIER CHECK\n#DISBATCH REPEAT 3 start 5 step 2 echo {n}\n"
     "#DISBATCH BARRIER\nb\n"},
    {FORMAT_HQ,
     "name = 'j'\nmax_fails = 2\n[[task]]\nid = 1\ncommand = ['a', \"b c\"]\n"
     "env = {A = 'x'}\nstdout = {path = 'd/%{TASK_ID}', on_close = 'none'}\n"
     "time_limit = '1m 10s'\n[[task.request]]\n"
     "resources = {cpus = '4 compact', gpus = 0.5}\n[[task]]\n"
     "command = ['x']\ndeps = [1]\nstdin = 'y'\n"},
    {FORMAT_HQ, "[array]\nids = '1-9:2,20'\ncommand = ['x', '{n}']\n"},
};
#define FILE_COUNT (sizeof files / sizeof files[0])

static enum format guessed(const char *file, const char *text)
{
    static const struct request defaults = REQUEST_INIT;
    enum format taken = FORMAT_AUTO;
    char copy[600];
    snprintf(copy, sizeof copy, "%s", text);
    teardown();
    setup();
    w.file = file;
    (void)formats_parse(
        copy, strlen(copy), FORMAT_AUTO, &defaults, &w, &taken, &fault);
    return taken;
}

static void a_byte_order_mark_hides_nothing(void)
{
    CU_ASSERT_EQUAL(guessed("t.x", "\xef\xbb\xbfTASK A p\n"), FORMAT_PMC);
    CU_ASSERT_EQUAL(guessed("t.x", "\xef\xbb\xbf#DISBATCH PREFIX x\na\n"),
                    FORMAT_DISBATCH);
    CU_ASSERT_EQUAL(guessed("t.x", "\xef\xbb\xbfls\n"), FORMAT_HAYFORK);
}

static void numbers_tell_whose_list_it_is(void)
{
    CU_ASSERT_EQUAL(guessed("t.x", "a $PARALLEL_SEQ\n"), FORMAT_PARALLEL);
    CU_ASSERT_EQUAL(guessed("t.x", "a >o.$LAUNCHER_JID\n"), FORMAT_LAUNCHER);
    CU_ASSERT_EQUAL(guessed("t.x", "#HAY name=x\na $LAUNCHER_JID\n"),
                    FORMAT_HAYFORK);
}

static void the_content_tells_the_format(void)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        enum format format = files[i].format;
        /* Its first line is no sign. */
        bool named = strncmp(files[i].text, "name", 4) == 0;
        CU_ASSERT_EQUAL(guessed("t.x", files[i].text),
                        named ? FORMAT_HAYFORK : format);
        CU_ASSERT(format != FORMAT_HQ
                  || guessed("t.toml", files[i].text) == format);
    }
    CU_ASSERT_EQUAL(guessed("t", "echo a\nTASK a b\n"), FORMAT_HAYFORK);
    CU_ASSERT_EQUAL(guessed("t", "TASK x\n"), FORMAT_HAYFORK);
    CU_ASSERT_EQUAL(guessed("t", "[ a = a ]\n"), FORMAT_HAYFORK);
}

static void two_tools_in_one_file_are_refused(void)
{
    refuses(FORMAT_AUTO,
            "#HAY name=a\nx\n#DISBATCH BARRIER\n",
            "t.x:3: lines of disBatch and of Hayfork in one file; say which it "
            "is by --format=disbatch or --format=hayfork");
    refuses(FORMAT_AUTO,
            "{\"a\":1}",
            "t.x:1: this is JSON; recorded workflows are run by hayfork "
            "replay");
}

static void names_are_known(void)
{
    enum format format;
    const char *option;
    CU_ASSERT(formats_named("pmc", &format) && format == FORMAT_PMC);
    CU_ASSERT(formats_named("auto", &format) && format == FORMAT_AUTO);
    CU_ASSERT(!formats_named("slurm", &format));
    CU_ASSERT_STRING_EQUAL(formats_tool(FORMAT_HQ, &option), "HyperQueue");
    CU_ASSERT_STRING_EQUAL(option, "hq");
}

/* ---- damaged files ---- */

/* xorshift: the same changes in each run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* Exactly 'size' bytes and the 0 behind them, so that a sanitizer sees whoever
 * reads on. */
static void
survives(enum format format, const char *data, size_t size, bool resume)
{
    static const struct request defaults = REQUEST_INIT;
    enum format taken;
    char *copy = mem_alloc(size + 1, 1);
    memcpy(copy, data, size);
    copy[size] = '\0';
    if (!resume) {
        teardown();
        setup();
    }
    hay_status status =
        resume
            ? resume_parse("r.x", copy, size, format, &w, &fault)
            : formats_parse(copy, size, format, &defaults, &w, &taken, &fault);
    if (status != HAY_OK) {
        CU_ASSERT_EQUAL(status, HAY_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(fault.text, ".x:"));
    }
    free(copy);
}

static void damage(enum format format, const char *text, bool resume)
{
    static const char signs[] = "\n\t '\"\\{}[]=,:#%$-0129AZ\x01\xff";
    uint32_t state = 2463534242;
    char copy[600];
    size_t size = strlen(text);
    for (size_t length = 0; length <= size; length++) {
        survives(format, text, length, resume);
    }
    for (int i = 0; i < CHANGES; i++) {
        memcpy(copy, text, size);
        for (uint32_t k = next_random(&state) % 4; k < 4; k++) {
            char sign = signs[next_random(&state) % sizeof signs];
            copy[next_random(&state) % size] = sign;
        }
        survives(format, copy, size, resume);
    }
}

static void damaged_files_are_read_or_refused(void)
{
    for (size_t i = 0; i < FILE_COUNT; i++) {
        if (files[i].format != FORMAT_HQ || tomlfile_available()) {
            damage(files[i].format, files[i].text, false);
        }
    }
}

static void damaged_resume_files_are_read_or_refused(void)
{
    reads(FORMAT_HAYFORK, "echo 'a b'\n#HAY name=x[1..9]\nls\n");
    damage(FORMAT_HAYFORK,
           "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\t"
           "Command\n1\t:\t1.062\t 0.0\t0\t4\t0\t0\techo a\\ b\n"
           "2\t:\t1.062\t 0.0\t0\t4\t0\t0\tls\n",
           true);
    reads(FORMAT_PMC, "TASK A p\nTASK B p\n");
    damage(FORMAT_PMC, "# x\nDONE A\n\nDONE B\n", true);
    reads(FORMAT_DISBATCH, "a\n#DISBATCH REPEAT 4 b\n");
    damage(FORMAT_DISBATCH,
           "    \t0\t1\t-1\tn1\t77\t0\t0.1\t1.0\t1.1\t0\t''\t0\t''\ta\n"
           "    \t3\t1\t-1\tn1\t77\t0\t0.1\t1.0\t1.1\t0\t''\t0\t''\tb\n",
           true);
}

static CU_TestInfo tests[] = {
    {"a_byte_order_mark_hides_nothing", a_byte_order_mark_hides_nothing},
    {"numbers_tell_whose_list_it_is", numbers_tell_whose_list_it_is},
    {"the_content_tells_the_format", the_content_tells_the_format},
    {"two_tools_in_one_file_are_refused", two_tools_in_one_file_are_refused},
    {"names_are_known", names_are_known},
    {"damaged_files_are_read_or_refused", damaged_files_are_read_or_refused},
    {"damaged_resume_files_are_read_or_refused",
     damaged_resume_files_are_read_or_refused},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/formats", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
