/* test_run_folder.c - tasks.tsv and output.tsv, byte for byte. */
#include "config.h"

#include "observe/run_folder.h"

#include "support/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/hay-run-folder-XXXXXX";
static char path[sizeof(place) + 8];
static struct hayi_run_folder *folder;
static unsigned number; /* of the test's folder */

#define TASKS_HEAD                                                             \
    "task\tname\tattempt\tstate\tworker\tslot\tcores\tstart_s\tend_s\texit\t"  \
    "signal\treason\tcause\tpeak_bytes\tcpus\tgpus\tmem\tresources\n"
#define OUTPUT_HEAD                                                            \
    "task\tname\tattempt\tout_path\tout_offset\tout_length\terr_path\t"        \
    "err_offset\terr_length\n"

static int setup_suite(void)
{
    return mkdtemp(place) == NULL;
}

static int clean_suite(void)
{
    char line[sizeof(place) + 20];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", place);
    return system(line) != 0;
}

static void setup(void)
{
    (void)snprintf(path, sizeof(path), "%s/%u", place, number++);
    CU_ASSERT_EQUAL_FATAL(hayi_run_folder_open(path, &folder, NULL), HAY_OK);
}

static void teardown(void)
{
    hayi_run_folder_close(folder);
    folder = NULL;
}

static void check(const char *name, const char *wanted)
{
    char file_path[sizeof(path) + 20];
    char text[4000];
    CU_ASSERT_EQUAL(hayi_run_folder_flush(folder, NULL), HAY_OK);
    (void)snprintf(file_path, sizeof(file_path), "%s/%s", path, name);
    FILE *file = fopen(file_path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = 0;
    (void)fclose(file);
    CU_ASSERT_STRING_EQUAL(text, wanted);
}

static struct hayi_attempt_line line_of(hay_task_id task, const char *name)
{
    return (struct hayi_attempt_line){
        .task = task,
        .name = name,
        .attempt = 1,
        .state = "finished",
        .worker = 2,
        .slot = 3,
        .cores = 1,
        .start_ns = 1500000999,
        .end_ns = 61000002000,
        .reason = "",
        .cause = "",
    };
}

static void new_folder_has_heads_and_room_for_outputs(void)
{
    struct stat st;
    char output[sizeof(path) + 8];
    check("tasks.tsv", TASKS_HEAD);
    check("output.tsv", OUTPUT_HEAD);
    (void)snprintf(output, sizeof(output), "%s/output", path);
    CU_ASSERT_EQUAL(stat(output, &st), 0);
    CU_ASSERT_TRUE(S_ISDIR(st.st_mode));
}

static void attempt_is_a_line_with_six_decimals(void)
{
    struct hayi_attempt_line line = line_of(7, "prep");
    hayi_run_folder_attempt(folder, &line);
    line = line_of(8, "");
    line.state = "failed";
    line.exit_code = -1;
    line.signal = 9;
    line.start_ns = line.end_ns = 0;
    line.reason = "signal 9 (Killed)";
    line.cause = "signal";
    line.memory_peak_bytes = 4096;
    line.had = "0,4\t7\t1024\tlicences=2";
    hayi_run_folder_attempt(folder, &line);
    check("tasks.tsv",
          TASKS_HEAD
          "7\tprep\t1\tfinished\t2\t3\t1\t1.500000\t61.000002\t0\t0\t\t\t0\t"
          "\t\t\t\n"
          "8\t\t1\tfailed\t2\t3\t1\t0.000000\t0.000000\t-1\t9\t"
          "signal 9 (Killed)\tsignal\t4096\t0,4\t7\t1024\tlicences=2\n");
    check("output.tsv", OUTPUT_HEAD);
}

static void no_text_breaks_the_table(void)
{
    struct hayi_attempt_line line = line_of(1, "a\tb\nc");
    line.reason = "first\nsecond\r\tthird";
    line.had = "1\n2\tx\t\ty\tz";
    hayi_run_folder_attempt(folder, &line);
    check("tasks.tsv",
          TASKS_HEAD
          "1\ta b c\t1\tfinished\t2\t3\t1\t1.500000\t61.000002\t0\t0\t"
          "first second  third\t\t0\t1 2\tx\t\ty z\n");
}

static void output_is_told_only_if_there_is_some(void)
{
    struct hayi_attempt_line line = line_of(5, "talks");
    line.path[0] = "output/w2.s3.0.out";
    line.offset[0] = 100;
    line.length[0] = 20;
    line.offset[1] = 7;
    hayi_run_folder_attempt(folder, &line);
    line.length[0] = 0;
    hayi_run_folder_attempt(folder, &line);
    check("output.tsv",
          OUTPUT_HEAD "5\ttalks\t1\toutput/w2.s3.0.out\t100\t20\t\t7\t0\n");
}

static void folder_that_is_there_may_be_used_once(void)
{
    struct hayi_run_folder *again = NULL;
    struct hayi_error err;
    char empty[sizeof(path) + 8];
    (void)snprintf(empty, sizeof(empty), "%s.e", path);
    CU_ASSERT_EQUAL(mkdir(empty, 0777), 0);
    CU_ASSERT_EQUAL(hayi_run_folder_open(empty, &again, &err), HAY_OK);
    hayi_run_folder_close(again);
    again = NULL;
    CU_ASSERT_EQUAL(hayi_run_folder_open(empty, &again, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "tasks.tsv: File exists"));
    CU_ASSERT_PTR_NULL(again);
}

static void folder_that_cannot_be_made_is_told(void)
{
    struct hayi_run_folder *none = NULL;
    struct hayi_error err;
    static char deep[5000];
    CU_ASSERT_EQUAL(hayi_run_folder_open("/no/such/parent/x", &none, &err),
                    HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/no/such/parent/x"));
    memset(deep, 'd', sizeof(deep) - 1);
    CU_ASSERT_EQUAL(hayi_run_folder_open(deep, &none, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NULL(none);
}

/* As when the disk is full: told once, and the run goes on. */
static void failing_write_is_told_once(void)
{
    struct rlimit before;
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &before), 0);
    const struct rlimit little = {4096, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &little), 0);
    struct hayi_attempt_line line = line_of(1, "long");
    for (int i = 0; i < 5000; i++) {
        hayi_run_folder_attempt(folder, &line);
    }
    CU_ASSERT_EQUAL(hayi_run_folder_flush(folder, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "tasks.tsv cannot be written"));
    hayi_run_folder_attempt(folder, &line);
    CU_ASSERT_EQUAL(hayi_run_folder_flush(folder, &err), HAY_OK);
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, handler);
}

static void files_are_told_if_there_are_some(void)
{
    char file_path[sizeof(path) + 20];
    struct hayi_file_line line = {
        .task = 7, .name = "sim[1]", .path = "a\tb", .bytes = 12};
    (void)snprintf(file_path, sizeof(file_path), "%s/files.tsv", path);
    CU_ASSERT_NOT_EQUAL(access(file_path, F_OK), 0);
    hayi_run_folder_file(folder, &line);
    line.out = true;
    line.path = "c";
    line.bytes = UINT64_MAX;
    hayi_run_folder_file(folder, &line);
    check("files.tsv",
          "task\tname\tin_out\tpath\tbytes\n"
          "7\tsim[1]\tin\ta b\t12\n"
          "7\tsim[1]\tout\tc\t\n");
}

static void files_that_cannot_be_told_are_a_failure(void)
{
    char file_path[sizeof(path) + 20];
    struct hayi_error err;
    const struct hayi_file_line line = {.name = "", .path = "a"};
    (void)snprintf(file_path, sizeof(file_path), "%s/files.tsv", path);
    CU_ASSERT_EQUAL_FATAL(mkdir(file_path, 0777), 0);
    hayi_run_folder_file(folder, &line);
    CU_ASSERT_EQUAL(hayi_run_folder_flush(folder, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "files.tsv"));
    CU_ASSERT_EQUAL(hayi_run_folder_flush(folder, &err), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"new_folder_has_heads_and_room_for_outputs",
     new_folder_has_heads_and_room_for_outputs},
    {"attempt_is_a_line_with_six_decimals",
     attempt_is_a_line_with_six_decimals},
    {"no_text_breaks_the_table", no_text_breaks_the_table},
    {"output_is_told_only_if_there_is_some",
     output_is_told_only_if_there_is_some},
    {"files_are_told_if_there_are_some", files_are_told_if_there_are_some},
    {"files_that_cannot_be_told_are_a_failure",
     files_that_cannot_be_told_are_a_failure},
    {"folder_that_is_there_may_be_used_once",
     folder_that_is_there_may_be_used_once},
    {"folder_that_cannot_be_made_is_told", folder_that_cannot_be_made_is_told},
    {"failing_write_is_told_once", failing_write_is_told_once},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"observe/run_folder", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
