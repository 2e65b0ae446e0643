/* test_slot_process.c - a process slot with real children: order, revokes, ends
 * of children, and children that lie. */
#include "config.h"

#include "worker/slot_process.h"

#include "base/philox.h"
#include "support/unit.h"
#include "worker/child.h"
#include "worker/registry.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct hayi_slot_process slot;
static struct hayi_process_config config;
static struct hayi_spawner *spawner;
static struct hayi_bell bell;
static struct hayi_mpsc news;
static atomic_uint wishes;
static uint64_t serial;
static uint32_t children_ended;
static uint64_t next_id;

static void nobody_logs(void *context, const char *text)
{
    (void)context;
    (void)text;
}
static const struct hayi_task_farm farm = {.seed = 1,
                                           .worker = 0,
                                           .log = nobody_logs};

HAY_TASK(tells_pid)
{
    return hay_return_int64(task, getpid());
}

HAY_TASK(waits)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(dies)
{
    (void)task;
    (void)kill(getpid(), SIGABRT);
    return HAY_OK;
}

/* Writes where only the library may. */
HAY_TASK(lies)
{
    (void)task;
    struct hayi_child_area *area = hayi_child_link_here()->area;
    atomic_store(&area->up.tail, 0x7fffffffU);
    hayi_rouse(&area->rank_asleep);
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

HAY_TASK(spoils_all)
{
    (void)task;
    struct hayi_child_area *area = hayi_child_link_here()->area;
    memset((char *)area + 256, 0xa5, HAYI_CHILD_AREA_BYTES - 256);
    (void)kill(getpid(), SIGKILL);
    return HAY_OK;
}

/* Its report is sound, but longer than what a rank can tell. */
HAY_TASK(reports_too_much)
{
    (void)task;
    const uint64_t much = UINT64_C(20) << 20;
    struct hayi_child_link *link = hayi_child_link_here();
    void *result = calloc(1, (size_t)much);
    const struct hayi_child_ended head = {
        .number = atomic_load(&link->area->running),
        .result_size = much,
    };
    const struct hayi_pipe_part parts[] = {
        {&head, sizeof(head)},
        {result, much},
    };
    hayi_child_link_send(link, HAYI_CHILD_ENDED, parts, 2, true);
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

/* Its report fits, but its value is an object that was never made. */
HAY_TASK(reports_no_object)
{
    (void)task;
    struct hayi_child_link *link = hayi_child_link_here();
    const struct hayi_object_value object = {0, 4096, 100000};
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    (void)hayi_value_append_object(&value, HAY_BYTES, NULL, &object);
    const struct hayi_child_ended head = {
        .number = atomic_load(&link->area->running),
        .result_size = value.size,
    };
    const struct hayi_pipe_part parts[] = {
        {&head, sizeof(head)},
        {value.data, value.size},
    };
    hayi_child_link_send(link, HAYI_CHILD_ENDED, parts, 2, true);
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

/* ---- what the loop does for it --------------------------------------------
 */

static void pump(void)
{
    struct hayi_spawn_event event;
    int fd = -1;
    uint64_t inode = 0;
    if (slot.started && atomic_exchange(&wishes, 0) != 0) {
        switch (hayi_process_wish(&slot, &fd, &inode)) {
        case HAYI_WISH_START:
            slot.child_id = ++serial;
            (void)hayi_spawner_child_start(spawner, serial, fd, inode);
            break;
        case HAYI_WISH_TERM:
            (void)hayi_spawner_child_urge(spawner, slot.child_id, false);
            break;
        case HAYI_WISH_KILL:
            (void)hayi_spawner_child_urge(spawner, slot.child_id, true);
            break;
        case HAYI_WISH_NONE:
            break;
        }
    }
    (void)hayi_spawner_flush(spawner);
    while (hayi_spawner_poll(spawner, &event)) {
        if (event.kind == HAYI_SPAWN_CHILD_ENDED && event.id == slot.child_id) {
            children_ended++;
            hayi_process_over(&slot, &event);
        }
    }
}

static void setup(void)
{
    const char *env[] = {"HOME=/", NULL};
    const struct hayi_spawner_setup with = {
        .capture = HAYI_CAPTURE_NULL,
        .env = env,
        .grace_ns = 1000000,
        .slots = 1,
    };
    char *identity = hayi_registry_identity();
    hayi_spawner_set_child(hayi_child_run);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_fork(&spawner, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_setup(spawner, &with, NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_bell_init(&bell), HAY_OK);
    hayi_mpsc_init(&news);
    atomic_store(&wishes, 0);
    children_ended = 0;
    next_id = 1;
    config = (struct hayi_process_config){
        .loop_bell = &bell,
        .news = &news,
        .farm = &farm,
        .identity = hayi_hash_bytes(identity, strlen(identity)),
        .idle_ns = UINT64_C(60000000000),
        .grace_ns = 20000000,
        .scratch_keep_bytes = 1 << 20,
        .wishes = &wishes,
    };
    free(identity);
}

static void begin(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_process_start(&slot, &config, NULL), HAY_OK);
}

static void teardown(void)
{
    hayi_spawner_free(spawner);
    hayi_process_stop(&slot);
    hayi_bell_fini(&bell);
}

static struct hay_task *give(hay_task_fn function)
{
    const struct {
        struct hayi_task_record head;
        uint64_t args[1];
    } body = {
        .head = {.id = next_id++,
                 .function = hayi_registry_find(function),
                 .args_size = 8,
                 .cores = 1,
                 .kind = HAYI_TASK_FUNCTION,
                 .flags = HAYI_TASK_PROCESS},
    };
    struct hay_task *task = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_task_new(&farm, &body, sizeof(body), &task, NULL), HAY_OK);
    hayi_process_give(&slot, task);
    hayi_process_wake(&slot);
    return task;
}

/* The next that ended; NULL: none within ten seconds. */
static struct hay_task *next_ended(void)
{
    for (int i = 0; i < 10000; i++) {
        pump();
        struct hayi_mpsc_node *node = hayi_mpsc_pop(&news);
        if (node != NULL) {
            return (struct hay_task *)node;
        }
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static int64_t result_of(const struct hay_task *task)
{
    struct hayi_value value = {.type = HAY_NONE};
    int64_t number = -1;
    if (task->result.size > 0
        && hayi_value_read(
               task->result.data, task->result.size, &value, NULL, NULL)
               == HAY_OK
        && value.type == HAY_INT64) {
        memcpy(&number, value.data, sizeof(number));
    }
    return number;
}

/* Ended well, as the next one; the process that ran it. */
static int64_t expect_pid(uint64_t id)
{
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->record.id, id);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    int64_t pid = result_of(task);
    CU_ASSERT(pid > 0);
    CU_ASSERT_NOT_EQUAL(pid, getpid());
    hayi_task_free(task);
    return pid;
}

static void wait_until_runs(const struct hay_task *task)
{
    for (int i = 0; i < 10000 && !hayi_process_runs(&slot, task); i++) {
        pump();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_TRUE(hayi_process_runs(&slot, task));
}

static void wait_for_ends(uint32_t count)
{
    for (int i = 0; i < 10000 && children_ended < count; i++) {
        pump();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_EQUAL(children_ended, count);
}

/* ---- tests -----------------------------------------------------------------
 */

static void attempts_run_in_order_in_one_child(void)
{
    enum { COUNT = 1000 };
    begin();
    for (int i = 0; i < COUNT; i++) {
        (void)give(tells_pid);
    }
    int64_t first = expect_pid(1);
    for (uint64_t id = 2; id <= COUNT; id++) {
        CU_ASSERT_EQUAL(expect_pid(id), first);
    }
    CU_ASSERT_EQUAL(children_ended, 0);
}

static void what_has_not_begun_can_be_revoked(void)
{
    begin();
    struct hay_task *runs = give(waits);
    struct hay_task *ahead = give(tells_pid);
    for (int i = 0; i < 100; i++) {
        (void)give(tells_pid);
    }
    struct hay_task *last = give(tells_pid);
    wait_until_runs(runs);
    CU_ASSERT_FALSE(hayi_process_runs(&slot, ahead));
    CU_ASSERT_FALSE(hayi_process_revoke(&slot, runs));
    CU_ASSERT_TRUE(hayi_process_revoke(&slot, ahead));
    CU_ASSERT_TRUE(hayi_process_revoke(&slot, last));
    hayi_task_free(ahead);
    hayi_task_free(last);
    atomic_store(&runs->cancelled, 1);
    hayi_process_cancel(&slot, runs, false);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_EQUAL_FATAL(task, runs);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_CANCELLED);
    hayi_task_free(task);
    for (uint64_t id = 3; id < 103; id++) {
        (void)expect_pid(id);
    }
}

static void dead_child_is_replaced(void)
{
    begin();
    (void)give(tells_pid);
    (void)give(dies);
    (void)give(tells_pid);
    int64_t first = expect_pid(1);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->record.id, 2);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->cause, HAY_CAUSE_SIGNAL);
    CU_ASSERT_EQUAL(task->signal, SIGABRT);
    hayi_task_free(task);
    CU_ASSERT_NOT_EQUAL(expect_pid(3), first);
    CU_ASSERT_EQUAL(children_ended, 1);
}

static void idle_child_leaves(void)
{
    config.idle_ns = 50000000;
    begin();
    (void)give(tells_pid);
    int64_t first = expect_pid(1);
    wait_for_ends(1);
    CU_ASSERT_NOT_EQUAL(kill((pid_t)first, 0), 0);
    (void)give(tells_pid);
    CU_ASSERT_NOT_EQUAL(expect_pid(2), first);
}

static void child_leaves_after_its_tasks(void)
{
    config.tasks_max = 3;
    begin();
    for (int i = 0; i < 9; i++) {
        (void)give(tells_pid);
    }
    int64_t pids[9];
    for (uint64_t id = 1; id <= 9; id++) {
        pids[id - 1] = expect_pid(id);
    }
    for (int i = 0; i < 9; i++) {
        CU_ASSERT_EQUAL(pids[i], pids[i / 3 * 3]);
    }
    CU_ASSERT_NOT_EQUAL(pids[0], pids[3]);
    CU_ASSERT_NOT_EQUAL(pids[3], pids[6]);
}

static void child_that_lies_is_killed(void)
{
    begin();
    (void)give(lies);
    (void)give(spoils_all);
    (void)give(tells_pid);
    for (uint64_t id = 1; id <= 2; id++) {
        struct hay_task *task = next_ended();
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        CU_ASSERT_EQUAL(task->record.id, id);
        CU_ASSERT_NOT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
        hayi_task_free(task);
    }
    (void)expect_pid(3);
}

static void report_of_a_child_has_a_limit(void)
{
    begin();
    (void)give(reports_too_much);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->result.size, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(task->error.text, "makes no sense"));
    hayi_task_free(task);
}

static void child_that_lies_about_its_value_is_replaced(void)
{
    begin();
    (void)give(reports_no_object);
    (void)give(tells_pid);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->result.size, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(task->error.text, "makes no sense"));
    hayi_task_free(task);
    (void)expect_pid(2);
    CU_ASSERT_EQUAL(children_ended, 1);
}

static void force_takes_three_steps(void)
{
    begin();
    struct hay_task *runs = give(lies); /* does not look at its token */
    wait_until_runs(runs);
    hayi_process_cancel(&slot, runs, true);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_EQUAL_FATAL(task, runs);
    CU_ASSERT_NOT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    hayi_task_free(task);
}

static void other_functions_are_refused(void)
{
    config.identity++;
    begin();
    (void)give(tells_pid);
    struct hay_task *task = next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_PTR_NOT_NULL(strstr(task->error.text, "after hay_prefork()"));
    hayi_task_free(task);
}

static void stopping_gives_everything_back(void)
{
    begin();
    struct hay_task *tasks[3];
    tasks[0] = give(waits);
    tasks[1] = give(tells_pid);
    wait_until_runs(tasks[0]);
    tasks[2] = give(tells_pid);
    hayi_spawner_free(spawner);
    spawner = NULL;
    hayi_process_stop(&slot);
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&news));
    for (int i = 0; i < 3; i++) {
        hayi_task_free(tasks[i]);
    }
}

static CU_TestInfo tests[] = {
    {"attempts_run_in_order_in_one_child", attempts_run_in_order_in_one_child},
    {"what_has_not_begun_can_be_revoked", what_has_not_begun_can_be_revoked},
    {"dead_child_is_replaced", dead_child_is_replaced},
    {"idle_child_leaves", idle_child_leaves},
    {"child_leaves_after_its_tasks", child_leaves_after_its_tasks},
    {"child_that_lies_is_killed", child_that_lies_is_killed},
    {"report_of_a_child_has_a_limit", report_of_a_child_has_a_limit},
    {"child_that_lies_about_its_value_is_replaced",
     child_that_lies_about_its_value_is_replaced},
    {"force_takes_three_steps", force_takes_three_steps},
    {"other_functions_are_refused", other_functions_are_refused},
    {"stopping_gives_everything_back", stopping_gives_everything_back},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/slot_process", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
