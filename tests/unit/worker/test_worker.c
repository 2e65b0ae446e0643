/* test_worker.c - what a worker is sent, it does and tells. */
#include "config.h"

#include "worker_bed.h"

#include "base/clock.h"
#include "wire/command.h"
#include "wire/record.h"

#include "support/unit.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- serving ---- */

static void welcome_is_answered_by_join(void)
{
    bed_joined(3, NULL);
}

static void ranks_own_word_about_slots_counts(void)
{
    bed_open_worker(true, NULL);
    bed.worker->config.slots = 2;
    bed_welcome(3);
    bed_expect(1, "join 2 cores\n");
}

static void calls_run_in_order_and_their_ends_are_told(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_counts);
    bed_call(2, bed_counts);
    bed_expect(2,
               "ended 1.1 finished exit=0\n"
               "ended 2.1 finished exit=0\n");
    CU_ASSERT_EQUAL(atomic_load(&bed.ran), 2);
}

static void fakes_take_their_time(void)
{
    bed_joined(1, NULL);
    bed.hide_started = false;
    bed_fake(1, UINT64_C(50000000000));
    bed_turn();
    bed.ahead_ns = UINT64_C(40000000000);
    bed_expect(1, "started 1.1\n");
    bed.ahead_ns = UINT64_C(51000000000);
    bed_expect(1, "ended 1.1 finished exit=0\n");
}

static void lines_of_tasks_come_before_their_end(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_talks);
    bed_await(2);
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.told, "log task 1: hello\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.told, "ended 1.1 finished"));
}

static void long_run_is_told_as_started(void)
{
    bed_joined(1, NULL);
    bed.hide_started = false;
    bed_call(1, bed_gate);
    bed_turn();
    (void)sem_wait(&bed.began);
    bed.ahead_ns = 2 * HAYI_STARTED_AFTER_NS;
    bed_expect(1, "started 1.1\n");
    (void)sem_post(&bed.go_on);
    bed_expect(1, "ended 1.1 finished exit=0\n");
}

static void ping_is_answered(void)
{
    const struct hayi_ping ping = {.manager_ns = 1};
    bed_joined(1, NULL);
    bed_say(HAYI_RECORD_PING, &ping, sizeof(ping));
    bed_expect(1, "pong\n");
}

/* ---- cancelling and recalling ---- */

static void queued_one_is_cancelled_unstarted(void)
{
    bed_joined(1, NULL);
    bed_fake(1, UINT64_C(1000000000000));
    bed_fake(2, 1);
    bed_expect(0, "");
    bed_cancel(2, false);
    bed_expect(1, "ended 2.1 cancelled unstarted exit=0\n");
}

static void running_call_is_told_and_agrees(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_runs_until_told);
    bed_turn();
    (void)sem_wait(&bed.began);
    bed_cancel(1, false);
    bed_expect(1, "ended 1.1 cancelled exit=0\n");
}

static void running_fake_is_forced(void)
{
    bed_joined(1, NULL);
    bed_fake(1, UINT64_C(1000000000000));
    bed_expect(0, "");
    bed_cancel(1, false);
    bed_expect(0, "");
    bed_cancel(1, true);
    bed_expect(1, "ended 1.1 cancelled exit=0: cancelled\n");
}

/* The call has ended, but the loop has not seen it yet when it takes the
 * cancel: what is to be done about it must be done before it is freed. */
static void cancel_of_one_that_has_just_ended_is_harmless(void)
{
    bed_joined(1, NULL);
    for (uint64_t i = 1; i <= 50; i++) {
        bed_call(i, bed_counts);
        bed_turn();
        while (atomic_load(&bed.ran) < i) {
            (void)poll(NULL, 0, 1);
        }
        (void)poll(NULL, 0, 1);
        bed_cancel(i, true);
        bed_await((unsigned)i);
    }
    CU_ASSERT_EQUAL(bed.told_count, 50);
}

/* The same for a recall: all that it asks back has run by then. */
static void recall_of_those_that_have_just_ended_is_harmless(void)
{
    enum { MANY = 20 };
    bed_joined(1, NULL);
    for (unsigned round = 1; round <= 20; round++) {
        for (uint64_t i = 0; i < MANY; i++) {
            bed_call(round * 1000 + i, bed_counts);
        }
        bed_turn();
        while (atomic_load(&bed.ran) < round * MANY) {
            hayi_slot_refill(&bed.worker->slots[0]);
            (void)poll(NULL, 0, 1);
            if (atomic_load(&bed.ran) < round * MANY) {
                bed_turn(); /* not all were given to the slot at once */
            }
        }
        bed_recall(MANY);
        bed_await(round * (MANY + 1));
        CU_ASSERT_EQUAL(bed.told_count, round * (MANY + 1));
    }
}

static void recall_gives_back_what_has_not_begun(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_gate);
    bed_turn();
    (void)sem_wait(&bed.began);
    bed_call(2, bed_counts);
    bed_call(3, bed_counts);
    bed_turn();
    bed_recall(1);
    bed_expect(2,
               "returned 3.1\n"
               "recall done\n");
    (void)sem_post(&bed.go_on);
    bed_expect(2,
               "ended 1.1 finished exit=0\n"
               "ended 2.1 finished exit=0\n");
}

static void recall_of_nothing_is_answered(void)
{
    bed_joined(1, NULL);
    bed_recall(5);
    bed_expect(1, "recall done\n");
}

/* ---- the end ---- */

static void stop_returns_the_unstarted_and_waits_for_the_running(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_gate);
    bed_turn();
    (void)sem_wait(&bed.began);
    bed_call(2, bed_counts);
    bed_turn();
    bed_stop(false);
    bed_expect(1, "returned 2.1\n");
    CU_ASSERT_EQUAL(hayi_worker_ended(bed.worker, NULL), HAYI_WORKER_SERVES);
    bed_call(3, bed_counts); /* was on its way */
    bed_expect(1, "returned 3.1\n");
    (void)sem_post(&bed.go_on);
    bed_expect(2,
               "ended 1.1 finished exit=0\n"
               "bye\n");
    bed_expect_end(HAYI_WORKER_DONE, "");
}

static void stop_before_anything_is_answered(void)
{
    bed_open_worker(true, NULL);
    bed_stop(false);
    bed_expect(1, "bye\n");
    bed_expect_end(HAYI_WORKER_DONE, "");
}

/* What it holds is freed, running calls are told (the leak check sees it). */
static void stop_at_once_leaves_nothing_behind(void)
{
    bed_joined(2, NULL);
    bed_call(1, bed_runs_until_told);
    bed_fake(2, UINT64_C(1000000000000));
    for (uint64_t i = 3; i < 1500; i++) {
        bed_call(i, bed_counts);
    }
    bed_turn();
    (void)sem_wait(&bed.began);
    bed_stop(true);
    bed_expect_end(HAYI_WORKER_AT_ONCE, "");
}

static void managers_end_is_noticed(void)
{
    bed_joined(1, NULL);
    bed_call(1, bed_counts);
    bed_expect(1, "ended 1.1 finished exit=0\n");
    bed.ends[0]->ops->close(bed.ends[0], false);
    bed.ends[0] = NULL;
    for (int i = 0; i < 10; i++) {
        (void)hayi_worker_poll(bed.worker, hayi_clock_ns());
    }
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL(hayi_worker_ended(bed.worker, &err), HAYI_WORKER_ORPHAN);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the manager is gone"));
}

static void worker_that_was_given_up_ends(void)
{
    uint64_t frame[HAYI_FRAME_HEAD / 8];
    bed_joined(1, NULL);
    hayi_channel_fence(bed.manager.channel, frame);
    CU_ASSERT_EQUAL(
        bed.ends[0]->ops->send(bed.ends[0], 1, frame, sizeof(frame)), HAY_OK);
    bed_turn();
    bed_expect_end(HAYI_WORKER_BROKEN, "given us up");
}

static void silent_manager_is_left(void)
{
    bed_open_worker(false, NULL);
    bed_welcome(1);
    bed_turn();
    for (int i = 1; i < 10; i++) {
        bed.ahead_ns = (uint64_t)i * 1000000000;
        bed_turn();
    }
    CU_ASSERT_EQUAL(hayi_worker_ended(bed.worker, NULL), HAYI_WORKER_SERVES);
    bed.ahead_ns = UINT64_C(10600000000);
    bed_turn();
    bed.ahead_ns = UINT64_C(11700000000);
    bed_turn();
    bed_expect_end(HAYI_WORKER_ORPHAN, "silent for 10 s");
}

/* ---- commands ---- */

static struct hayi_spawner *take_spawner(void)
{
    struct hayi_spawner *taken = bed.spawner;
    bed.spawner = NULL;
    return taken;
}

/* All in one: there is one process that was forked before any thread. */
static void commands_run_are_cancelled_and_miss_their_spawner(void)
{
    (void)setenv("TMPDIR", "/first", 1);
    bed_joined(1, take_spawner());
    (void)setenv("TMPDIR", "/second", 1); /* too late to be the commands' */
    bed_command(1, "exit 3");
    bed_command(2,
                "test $FRUIT,$TMPDIR,$HAY_TASK_ID,$HAY_TASK_CORES,$PWD = "
                "pear,/first,2,1,/");
    bed_expect(2,
               "ended 1.1 failed exit=3: exit status 3\n"
               "ended 2.1 finished exit=0\n");
    const char *const nothing[] = {"/no/such/program", NULL};
    hay_command none = HAY_COMMAND_INIT;
    none.argv = nothing;
    size_t size = 0;
    CU_ASSERT_EQUAL(hayi_command_measure(&none, &size, NULL), HAY_OK);
    char *bytes = calloc(1, size);
    hayi_command_write(&none, bytes);
    bed_hand_out(bed_task_of(3, HAYI_TASK_COMMAND), bytes, size);
    free(bytes);
#ifdef __SANITIZE_THREAD__ /* makes vfork a fork, whose words are lost */
    bed_expect(1, "ended 3.1 failed exit=127: exit status 127\n");
#else
    bed_expect(1,
               "ended 3.1 failed exit=127: cannot be started: "
               "cannot run the program: No such file or directory\n");
#endif
    bed_hand_out(bed_task_of(4, HAYI_TASK_COMMAND), "damaged", 8);
    bed_expect(1, "ended 4.1 failed exit=0: damaged command: no head\n");
    bed.hide_started = false;
    bed_command(5, "sleep 1000");
    bed_command(6, "exit 0");
    bed_expect(1, "started 5.1\n");
    bed_cancel(6, true);
    bed_expect(1, "ended 6.1 cancelled unstarted exit=0\n");
    bed_cancel(5, true);
    bed_expect(1, "ended 5.1 cancelled exit=0: cancelled\n");
    /* Its spawner dies: it cannot go on, and says so. */
    char path[64];
    int pid = 0;
    (void)snprintf(
        path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "r");
    if (children == NULL || fscanf(children, "%d", &pid) != 1 || pid <= 0) {
        hayi_unit_skip("the kernel does not list children");
        pid = 0;
    }
    if (children != NULL) {
        (void)fclose(children);
    }
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        bed_expect_end(HAYI_WORKER_BROKEN, "spawner");
    }
}

static CU_TestInfo tests[] = {
    {"welcome_is_answered_by_join", welcome_is_answered_by_join},
    {"ranks_own_word_about_slots_counts", ranks_own_word_about_slots_counts},
    {"calls_run_in_order_and_their_ends_are_told",
     calls_run_in_order_and_their_ends_are_told},
    {"fakes_take_their_time", fakes_take_their_time},
    {"lines_of_tasks_come_before_their_end",
     lines_of_tasks_come_before_their_end},
    {"long_run_is_told_as_started", long_run_is_told_as_started},
    {"ping_is_answered", ping_is_answered},
    {"queued_one_is_cancelled_unstarted", queued_one_is_cancelled_unstarted},
    {"running_call_is_told_and_agrees", running_call_is_told_and_agrees},
    {"running_fake_is_forced", running_fake_is_forced},
    {"cancel_of_one_that_has_just_ended_is_harmless",
     cancel_of_one_that_has_just_ended_is_harmless},
    {"recall_of_those_that_have_just_ended_is_harmless",
     recall_of_those_that_have_just_ended_is_harmless},
    {"recall_gives_back_what_has_not_begun",
     recall_gives_back_what_has_not_begun},
    {"recall_of_nothing_is_answered", recall_of_nothing_is_answered},
    {"stop_returns_the_unstarted_and_waits_for_the_running",
     stop_returns_the_unstarted_and_waits_for_the_running},
    {"stop_before_anything_is_answered", stop_before_anything_is_answered},
    {"stop_at_once_leaves_nothing_behind", stop_at_once_leaves_nothing_behind},
    {"managers_end_is_noticed", managers_end_is_noticed},
    {"worker_that_was_given_up_ends", worker_that_was_given_up_ends},
    {"silent_manager_is_left", silent_manager_is_left},
    {"commands_run_are_cancelled_and_miss_their_spawner",
     commands_run_are_cancelled_and_miss_their_spawner},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/worker",
     bed_setup_suite,
     bed_clean_suite,
     bed_setup,
     bed_teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    if (hayi_spawner_fork(&bed.spawner, NULL) != HAY_OK) {
        return 2;
    }
    return hayi_unit_main(suites, argc, argv);
}
