/* test_resume.c - what resume files of other tools tell as done. */
#include "config.h"

#include "reading.h"

#include "resume.h"

#define JOBLOG                                                                 \
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\t"       \
    "Command\n"
#define RAN(seq, exit, signal, command)                                        \
    seq "\t:\t1795382908.062\t     0.000\t0\t4\t" exit "\t" signal             \
        "\t" command "\n"
#define STATUS                                                                 \
    "ROE[ PSZ]\tTaskID\tLineNum\tRepeatIndex\tNode\tPID\tReturnCode\t"         \
    "Elapsed\tStart\tFinish\tBytesOfLeakedOutput\tOutputSnippet\t"             \
    "BytesOfLeakedError\tErrorSnippet\tCommand\n"
#define ENDED(flags, id, exit, command)                                        \
    flags "\t" id "\t1\t-1\tn1\t77\t" exit                                     \
          "\t0.1\t1.0\t1.1\t0\t''\t0\t''\t" command "\n"

static const char *tasks;
static enum format format;

static hay_status resume(const char *text)
{
    size_t size = strlen(text);
    char *copy = mem_alloc(size + 1, 1);
    memcpy(copy, text, size + 1);
    CU_ASSERT_EQUAL_FATAL(read_text(format, tasks), HAY_OK);
    hay_status status = resume_parse("r.x", copy, size, format, &w, &fault);
    free(copy);
    return status;
}

/* done: a letter for each task, x: it is done. */
static void marks(const char *text, const char *done)
{
    CU_ASSERT_EQUAL(resume(text), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(strlen(done), w.task_count);
    for (uint64_t i = 0; i < w.task_count; i++) {
        const struct block *block = &w.blocks[workload_block_of(&w, i)];
        CU_ASSERT_EQUAL(block_is_done(block, i - block->first_task),
                        done[i] == 'x');
    }
}

static void will_not(const char *text, const char *words)
{
    CU_ASSERT_EQUAL(resume(text), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, words);
    if (strcmp(fault.text, words) != 0) {
        printf("# said: %s\n", fault.text);
    }
}

static void a_joblog_is_read(void)
{
    format = FORMAT_HAYFORK;
    tasks = "echo 'a b'\nfalse\n#HAY name=x[1..2]\necho {n}\n";
    marks("", "----");
    marks(JOBLOG RAN("1", "0", "0", "echo a\\ b") RAN("2", "1", "0", "false")
              RAN("4", "0", "0", "echo \"2\""),
          "x--x");
    marks(JOBLOG RAN("1", "0", "9", "echo 'a b'"), "----");
    marks(JOBLOG RAN("2", "1", "0", "false") RAN("2", "0", "0", "false"),
          "-x--");
    marks(JOBLOG RAN("3", "0", "0", "echo 1") "4\t:\t1\t0\t0\t0\t0\t0\techo 2",
          "--x-");
}

static void other_commands_are_not_taken_for_done(void)
{
    format = FORMAT_HAYFORK;
    tasks = "echo 'a b'\nfalse\n";
    will_not(JOBLOG RAN("1", "0", "0", "echo a b"),
             "r.x:2: task 1 was 'echo a b' then and is 'echo 'a b'' now");
    will_not(JOBLOG RAN("3", "0", "0", "x"),
             "r.x:2: there is no task 3: this run has 2 tasks");
    will_not(JOBLOG RAN("0", "0", "0", "x"),
             "r.x:2: '0' is no number of a task");
    will_not(JOBLOG "1\t:\n", "r.x:2: a line of a joblog has 9 fields");
    will_not("DONE x\n", "r.x:1: no joblog of GNU parallel (Seq, Host, ...)");
}

static void a_rescue_file_is_read(void)
{
    format = FORMAT_PMC;
    tasks = "TASK A p\nTASK B p\nTASK C p\n";
    marks("# x\n\nDONE A\n  DONE A  \nDONE C\nDONE B", "x-x");
    will_not("DONE A\nDONE D\n", "r.x:2: the task 'D' is not in t.x");
    will_not("DONE\n", "r.x:1: no rescue file: a line is not DONE and an id");
    will_not("TASK A\n", "r.x:1: no rescue file: a line is not DONE and an id");
}

static void a_status_file_is_read(void)
{
    format = FORMAT_DISBATCH;
    tasks = "#DISBATCH PREFIX x \na\nb\n#DISBATCH BARRIER\n"
            "#DISBATCH REPEAT 3 c\n";
    marks(STATUS ENDED("    ", "0", "0", "x a") ENDED("R O ", "1", "1", "x b")
              ENDED("B   ", "2", "0", "#DISBATCH BARRIER")
                  ENDED("   S", "4", "0", "x c")
                      ENDED("   P", "0", "0", "start"),
          "x---x-");
    will_not(ENDED("    ", "0", "0", "a"),
             "r.x:1: task 0 was 'a' then and is 'x a' now");
    will_not("0\n", "r.x:1: a line of disBatch's status file has 15 fields");
}

static CU_TestInfo tests[] = {{"a_joblog_is_read", a_joblog_is_read},
                              {"other_commands_are_not_taken_for_done",
                               other_commands_are_not_taken_for_done},
                              {"a_rescue_file_is_read", a_rescue_file_is_read},
                              {"a_status_file_is_read", a_status_file_is_read},
                              CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/resume", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
