/* test_awaits.c - what a manager says while somebody waits for the end. */
#include "config.h"

#include "manager_bed.h"

#include "support/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char heard[2000];

/* Some turns, and what is said on standard error meanwhile, into 'heard'. */
static void listen_to_turns(int turns)
{
    FILE *file = tmpfile();
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fflush(stderr);
    int before = dup(STDERR_FILENO);
    (void)dup2(fileno(file), STDERR_FILENO);
    for (int i = 0; i < turns; i++) {
        bed_turn();
    }
    (void)fflush(stderr);
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    rewind(file);
    size_t size = fread(heard, 1, sizeof(heard) - 1, file);
    heard[size] = 0;
    (void)fclose(file);
}

static int lines(void)
{
    int count = 0;
    for (const char *at = heard; (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

/* One that runs at the worker, and one behind it. */
static void submit_two(hay_future *list[2])
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.name = "s\npin";
    list[0] = bed_submit(HAY_NO_ARGS, &options);
    list[1] = bed_submit(HAY_ARGS(hay_ref(list[0])), NULL);
    bed_turn();
    bed_turn();
    const struct hayi_attempt_record started = {bed_known[1].task, 1, 0};
    bed_say(HAYI_RECORD_STARTED, &started, sizeof(started));
    bed_turn();
}

static void check_heard(const char *words)
{
    if (strstr(heard, words) == NULL) {
        CU_FAIL("other words");
        (void)printf("# '%s', not '%s'\n", heard, words);
    }
}

static void one_line_tells_which_task_the_end_waits_for(void)
{
    hay_future *list[2];
    bed_ready(2);
    submit_two(list);
    bed_close_executor(false);
    atomic_store(&bed_ex->awaited, 1); /* hay_shutdown() would wait here */
    listen_to_turns(3);
    CU_ASSERT_STRING_EQUAL(heard, "");
    bed_ahead_ns += 6 * SECOND_NS;
    listen_to_turns(3);
    CU_ASSERT_EQUAL(lines(), 1);
    check_heard(
        "hayfork: the end waits for 2 tasks, one of them task 1 (s?pin), "
        "which has run in this process for 6 s\n");
    bed_finished_double(1, 1);
    listen_to_turns(3);
    bed_ahead_ns += 11 * SECOND_NS;
    listen_to_turns(3);
    CU_ASSERT_EQUAL(lines(), 1);
    check_heard(
        "the end waits for task 2 (bed_one), which waits for its turn in "
        "this process for 11 s\n");
    bed_finished(2);
    bed_turn();
    hay_future_release(list[0]);
    hay_future_release(list[1]);
}

static void pauses_between_the_lines_grow(void)
{
    hay_future *list[2];
    int count = 0;
    bed_ready(2);
    submit_two(list);
    bed_close_executor(false);
    atomic_store(&bed_ex->awaited, 1);
    listen_to_turns(1);
    for (int second = 0; second < 100; second++) {
        bed_ahead_ns += SECOND_NS;
        listen_to_turns(1);
        count += lines();
    }
    CU_ASSERT_EQUAL(count, 4); /* after 5, 15, 35, 75 s */
    for (int i = 0; i < 2; i++) {
        hay_future_release(list[i]);
    }
}

static void nothing_is_said_where_nobody_waits_for_the_end(void)
{
    hay_future *list[2];
    bed_ready(2);
    submit_two(list);
    bed_close_executor(false);
    bed_turn();
    bed_ahead_ns += 60 * SECOND_NS;
    listen_to_turns(3);
    CU_ASSERT_STRING_EQUAL(heard, "");
    for (int i = 0; i < 2; i++) {
        hay_future_release(list[i]);
    }
}

static void quiet_farms_say_nothing(void)
{
    hay_future *list[2];
    bed_ready(2);
    bed_manager->quiet = true;
    submit_two(list);
    bed_close_executor(false);
    atomic_store(&bed_ex->awaited, 1);
    bed_turn();
    bed_ahead_ns += 60 * SECOND_NS;
    listen_to_turns(3);
    CU_ASSERT_STRING_EQUAL(heard, "");
    for (int i = 0; i < 2; i++) {
        hay_future_release(list[i]);
    }
}

static void worker_that_does_not_leave_is_named(void)
{
    bed_ready(2);
    bed_close_executor(false);
    atomic_store(&bed_ex->awaited, 1);
    bed_turn();
    bed_expect("stop\n");
    bed_ahead_ns += 6 * SECOND_NS;
    listen_to_turns(3);
    CU_ASSERT_EQUAL(lines(), 1);
    check_heard("the end waits for what runs in this process to leave "
                "(1 of 1 workers have not)\n");
}

static CU_TestInfo tests[] = {
    {"one_line_tells_which_task_the_end_waits_for",
     one_line_tells_which_task_the_end_waits_for},
    {"pauses_between_the_lines_grow", pauses_between_the_lines_grow},
    {"nothing_is_said_where_nobody_waits_for_the_end",
     nothing_is_said_where_nobody_waits_for_the_end},
    {"quiet_farms_say_nothing", quiet_farms_say_nothing},
    {"worker_that_does_not_leave_is_named",
     worker_that_does_not_leave_is_named},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/awaits",
     bed_setup_suite,
     bed_clean_suite,
     bed_setup,
     bed_teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
