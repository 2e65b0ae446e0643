/* test_worker.c - a worker whose manager is played by the test: real records
 * over the in-process transport, printed and compared. */
#include "config.h"

#include "base/clock.h"
#include "client/command.h"
#include "transport/link.h"
#include "wire/record.h"
#include "wire/value.h"
#include "worker/worker_inside.h"

#include "support/unit.h"

#include <inttypes.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPOCH = 5, LOG_MAX = 8000, LIMIT_MS = 20000 };

static struct hayi_transport *ends[2]; /* the manager's, the worker's */
static struct hayi_link manager;
static struct hayi_bell bell;
static struct hayi_topology *topology;
static struct hayi_cpumask mask;
static struct hayi_spawner *spawner; /* forked before any thread */
static struct hayi_worker *worker;
static uint64_t ahead_ns;  /* of the worker's clock */
static char told[LOG_MAX]; /* what the worker has told, a line a record */
static unsigned told_count;
static bool hide_started;  /* whether a short command is told depends */
static sem_t began, go_on; /* of a gate */
static atomic_uint ran;

/* ---- functions ---- */

HAY_TASK(counts)
{
    atomic_fetch_add(&ran, 1);
    return hay_return_int64(task, (int64_t)hay_task_get_id(task));
}

HAY_TASK(gate)
{
    (void)sem_post(&began);
    (void)sem_wait(&go_on);
    return hay_task_cancelled(task) ? HAY_ECANCELLED : HAY_OK;
}

HAY_TASK(runs_until_told)
{
    (void)sem_post(&began);
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(talks)
{
    hay_task_log(task, "hello");
    return HAY_OK;
}

/* ---- the worker's words ---- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t used = strlen(told);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(told + used, sizeof(told) - used, format, list);
    va_end(list);
    told_count++;
}

static const char *outcome_name(uint8_t outcome)
{
    switch (outcome) {
    case HAYI_OUTCOME_FINISHED:
        return "finished";
    case HAYI_OUTCOME_FAILED:
        return "failed";
    case HAYI_OUTCOME_CANCELLED:
        return "cancelled";
    case HAYI_OUTCOME_FARM:
        return "farm";
    default:
        return "?";
    }
}

static void note_ended(const void *body, size_t size)
{
    const struct hayi_ended *head = body;
    const uint64_t parts[3] = {(head->flags & HAYI_ENDED_CAPTURE) != 0
                                   ? sizeof(struct hayi_capture_record)
                                   : 0,
                               head->reason_size,
                               head->value_size};
    const void *at[3];
    CU_ASSERT_EQUAL_FATAL(
        hayi_record_parts(body, size, sizeof(*head), parts, 3, 2u, at, NULL),
        HAY_OK);
    note("ended %" PRIu64 ".%u %s%s exit=%d%s%s\n",
         head->task,
         head->attempt,
         outcome_name(head->outcome),
         head->start_ns == 0 ? " unstarted" : "",
         head->exit_code,
         parts[1] > 0 ? ": " : "",
         parts[1] > 0 ? (const char *)at[1] : "");
}

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    const struct hayi_attempt_record *attempt = body;
    const struct hayi_range_ended *range = body;
    const struct hayi_words *words = body;
    (void)context;
    switch (type) {
    case HAYI_RECORD_JOIN:
        note("join %u cores\n", ((const struct hayi_join *)body)->cores);
        break;
    case HAYI_RECORD_STARTED:
        if (hide_started) {
            break;
        }
        note("started %" PRIu64 ".%u\n", attempt->task, attempt->attempt);
        break;
    case HAYI_RECORD_RETURNED:
        note("returned %" PRIu64 ".%u\n", attempt->task, attempt->attempt);
        break;
    case HAYI_RECORD_ENDED:
        note_ended(body, size);
        break;
    case HAYI_RECORD_RANGE_ENDED:
        note("range %" PRIu64 ".%u %s items=%" PRIu64 "\n",
             range->task,
             range->attempt,
             outcome_name(range->outcome),
             range->items);
        break;
    case HAYI_RECORD_RECALL_DONE:
        note("recall done\n");
        break;
    case HAYI_RECORD_PONG:
        note("pong\n");
        break;
    case HAYI_RECORD_LOG:
        note("log %s\n", (const char *)(words + 1));
        break;
    case HAYI_RECORD_REFUSE:
        note("refuse %s\n", (const char *)(words + 1));
        break;
    case HAYI_RECORD_BYE:
        note("bye\n");
        break;
    default:
        CU_FAIL("an unexpected record");
    }
    return HAY_OK;
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    CU_ASSERT_EQUAL(peer, 1);
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL(hayi_channel_receive(
                        manager.channel, data, size, on_record, NULL, &err),
                    HAY_OK);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

/* ---- the manager's part ---- */

static void turn(void)
{
    const struct hayi_transport_sink sink = {on_frame, on_down, NULL};
    (void)hayi_link_flush(&manager, ends[0], 1);
    (void)hayi_worker_poll(worker, hayi_clock_ns() + ahead_ns);
    (void)ends[0]->ops->poll(ends[0], &sink);
}

/* Until the worker has told so many records since the last call, all lines of
 * which must be these. */
static void expect(unsigned count, const char *lines)
{
    for (int i = 0; i < LIMIT_MS && told_count < count; i++) {
        turn();
        (void)poll(NULL, 0, told_count < count ? 1 : 0);
    }
    for (int i = 0; i < 3; i++) {
        turn(); /* nothing more */
    }
    if (strcmp(told, lines) != 0) {
        (void)printf("# told:\n%s# expected:\n%s", told, lines);
    }
    CU_ASSERT_STRING_EQUAL(told, lines);
    told[0] = 0;
    told_count = 0;
}

static void say(uint16_t type, const void *head, size_t size)
{
    CU_ASSERT_EQUAL(hayi_link_append(&manager, type, head, size), HAY_OK);
}

static void *record(uint16_t type, size_t size)
{
    void *body = hayi_channel_append(manager.channel, type, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    memset(body, 0, size);
    return body;
}

static void welcome(uint32_t slots)
{
    const char env[] = "FRUIT=pear\0PLACE=garden";
    const struct hayi_welcome head = {
        .silence_ns = 10000000000,
        .cwd_size = 2,
        .env_size = sizeof(env),
        .slots = slots,
        .output = HAY_OUTPUT_NULL,
        .no_pin = 1,
    };
    const uint64_t parts[3] = {0, head.cwd_size, head.env_size};
    char *body =
        record(HAYI_RECORD_WELCOME, hayi_record_size(sizeof(head), parts, 3));
    memcpy(body, &head, sizeof(head));
    memcpy(body + sizeof(head), "/", 2);
    memcpy(body + sizeof(head) + 8, env, sizeof(env));
}

static struct hayi_task_record task_of(uint64_t number, uint8_t kind)
{
    return (struct hayi_task_record){
        .task = number,
        .id = number,
        .attempt = 1,
        .cores = 1,
        .kind = kind,
    };
}

static void
hand_out(struct hayi_task_record head, const void *args, size_t args_size)
{
    head.args_size = args_size;
    const uint64_t parts[2] = {args_size, 0};
    char *body =
        record(HAYI_RECORD_TASK, hayi_record_size(sizeof(head), parts, 2));
    memcpy(body, &head, sizeof(head));
    memcpy(body + sizeof(head), args, args_size);
}

static void call(uint64_t number, hay_task_fn function)
{
    const uint64_t none = 0;
    struct hayi_task_record head = task_of(number, HAYI_TASK_FUNCTION);
    head.function = hayi_registry_find(function);
    hand_out(head, &none, sizeof(none));
}

static void fake(uint64_t number, uint64_t duration_ns)
{
    struct hayi_task_record head = task_of(number, HAYI_TASK_FAKE);
    head.index = duration_ns;
    hand_out(head, "", 0);
}

static void command(uint64_t number, const char *line)
{
    hay_command c = HAY_COMMAND_INIT;
    size_t size = 0;
    c.line = line;
    CU_ASSERT_EQUAL_FATAL(hayi_command_measure(&c, &size, NULL), HAY_OK);
    char *bytes = calloc(1, size);
    hayi_command_write(&c, bytes);
    hand_out(task_of(number, HAYI_TASK_COMMAND), bytes, size);
    free(bytes);
}

static void cancel(uint64_t number, bool force)
{
    const struct hayi_cancel_record head = {
        .task = number, .attempt = 1, .force = force};
    say(HAYI_RECORD_CANCEL, &head, sizeof(head));
}

static void recall(uint32_t count)
{
    const struct hayi_recall head = {count, INT32_MAX};
    say(HAYI_RECORD_RECALL, &head, sizeof(head));
}

static void stop(bool at_once)
{
    const struct hayi_stop head = {.at_once = at_once};
    say(HAYI_RECORD_STOP, &head, sizeof(head));
}

/* ---- fixture ---- */

static void open_worker(bool shared_memory, struct hayi_spawner *with)
{
    const struct hayi_worker_config config = {
        .transport = ends[1],
        .bell = &bell,
        .topology = topology,
        .masks = &mask,
        .mask_count = 1,
        .spawner = with,
        .host = "orchard",
        .epoch = EPOCH,
        .shared_memory = shared_memory,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_worker_new(&config, &worker, NULL), HAY_OK);
}

static int setup_suite(void)
{
    if (hayi_registry_seal(NULL) != HAY_OK
        || hayi_topology_new(&topology, NULL) != HAY_OK) {
        return 1;
    }
    hayi_topology_mask(topology, &mask);
    return 0;
}

static int clean_suite(void)
{
    hayi_topology_free(topology);
    hayi_spawner_free(spawner);
    spawner = NULL;
    return 0;
}

static void setup(void)
{
    CU_ASSERT_EQUAL(hayi_transport_inproc_new(&ends[0], &ends[1]), HAY_OK);
    CU_ASSERT_EQUAL(hayi_link_init(&manager, ends[0], 1, EPOCH), HAY_OK);
    CU_ASSERT_EQUAL(hayi_bell_init(&bell), HAY_OK);
    (void)sem_init(&began, 0, 0);
    (void)sem_init(&go_on, 0, 0);
    atomic_store(&ran, 0);
    ahead_ns = 0;
    hide_started = false;
    told[0] = 0;
    told_count = 0;
    worker = NULL;
}

static void teardown(void)
{
    hayi_worker_free(worker);
    hayi_link_fini(&manager);
    for (int i = 0; i < 2; i++) {
        if (ends[i] != NULL) {
            ends[i]->ops->close(ends[i], true);
            ends[i] = NULL;
        }
    }
    hayi_bell_fini(&bell);
    (void)sem_destroy(&began);
    (void)sem_destroy(&go_on);
}

/* A worker of so many cores that has joined. */
static void joined(uint32_t slots, struct hayi_spawner *with)
{
    char line[40];
    open_worker(true, with);
    welcome(slots);
    (void)snprintf(line, sizeof(line), "join %u cores\n", slots);
    expect(1, line);
}

static void expect_end(enum hayi_worker_end end, const char *words)
{
    struct hayi_error err = {HAY_OK, ""};
    for (int i = 0;
         i < LIMIT_MS && hayi_worker_ended(worker, &err) == HAYI_WORKER_SERVES;
         i++) {
        turn();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_EQUAL(hayi_worker_ended(worker, &err), end);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
}

/* ---- serving ---- */

static void welcome_is_answered_by_join(void)
{
    joined(3, NULL);
}

static void ranks_own_word_about_slots_counts(void)
{
    open_worker(true, NULL);
    worker->config.slots = 2;
    welcome(3);
    expect(1, "join 2 cores\n");
}

static void calls_run_in_order_and_their_ends_are_told(void)
{
    joined(1, NULL);
    call(1, counts);
    call(2, counts);
    expect(2,
           "ended 1.1 finished exit=0\n"
           "ended 2.1 finished exit=0\n");
    CU_ASSERT_EQUAL(atomic_load(&ran), 2);
}

static void fakes_take_their_time(void)
{
    joined(1, NULL);
    fake(1, UINT64_C(50000000000));
    expect(0, "");
    ahead_ns = UINT64_C(40000000000);
    expect(1, "started 1.1\n");
    ahead_ns = UINT64_C(51000000000);
    expect(1, "ended 1.1 finished exit=0\n");
}

static void lines_of_tasks_come_before_their_end(void)
{
    joined(1, NULL);
    call(1, talks);
    for (int i = 0; i < LIMIT_MS && told_count < 2; i++) {
        turn();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "log task 1: hello\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(told, "ended 1.1 finished"));
}

static void long_run_is_told_as_started(void)
{
    joined(1, NULL);
    call(1, gate);
    turn();
    (void)sem_wait(&began);
    ahead_ns = 2 * HAYI_STARTED_AFTER_NS;
    expect(1, "started 1.1\n");
    (void)sem_post(&go_on);
    expect(1, "ended 1.1 finished exit=0\n");
}

static void ping_is_answered(void)
{
    const struct hayi_ping ping = {.manager_ns = 1};
    joined(1, NULL);
    say(HAYI_RECORD_PING, &ping, sizeof(ping));
    expect(1, "pong\n");
}

/* ---- cancelling and recalling ---- */

static void queued_one_is_cancelled_unstarted(void)
{
    joined(1, NULL);
    fake(1, UINT64_C(1000000000000));
    fake(2, 1);
    expect(0, "");
    cancel(2, false);
    expect(1, "ended 2.1 cancelled unstarted exit=0\n");
}

static void running_call_is_told_and_agrees(void)
{
    joined(1, NULL);
    call(1, runs_until_told);
    turn();
    (void)sem_wait(&began);
    cancel(1, false);
    expect(1, "ended 1.1 cancelled exit=0\n");
}

static void running_fake_is_forced(void)
{
    joined(1, NULL);
    fake(1, UINT64_C(1000000000000));
    expect(0, "");
    cancel(1, false);
    expect(0, "");
    cancel(1, true);
    expect(1, "ended 1.1 cancelled exit=0: cancelled\n");
}

/* The call has ended, but the loop has not seen it yet when it takes the
 * cancel: what is to be done about it must be done before it is freed. */
static void cancel_of_one_that_has_just_ended_is_harmless(void)
{
    joined(1, NULL);
    for (uint64_t i = 1; i <= 50; i++) {
        call(i, counts);
        turn();
        while (atomic_load(&ran) < i) {
            (void)poll(NULL, 0, 1);
        }
        (void)poll(NULL, 0, 1);
        cancel(i, true);
        for (int n = 0; n < LIMIT_MS && told_count < i; n++) {
            turn();
        }
    }
    CU_ASSERT_EQUAL(told_count, 50);
}

/* The same for a recall: all that it asks back has run by then. */
static void recall_of_those_that_have_just_ended_is_harmless(void)
{
    enum { MANY = 20 };
    joined(1, NULL);
    for (unsigned round = 1; round <= 20; round++) {
        for (uint64_t i = 0; i < MANY; i++) {
            call(round * 1000 + i, counts);
        }
        turn();
        while (atomic_load(&ran) < round * MANY) {
            hayi_slot_refill(&worker->slots[0]);
            (void)poll(NULL, 0, 1);
            if (atomic_load(&ran) < round * MANY) {
                turn(); /* not all were given to the slot at once */
            }
        }
        recall(MANY);
        for (int n = 0; n < LIMIT_MS && told_count < round * (MANY + 1); n++) {
            turn();
        }
        CU_ASSERT_EQUAL(told_count, round * (MANY + 1));
    }
}

static void recall_gives_back_what_has_not_begun(void)
{
    joined(1, NULL);
    call(1, gate);
    turn();
    (void)sem_wait(&began);
    call(2, counts);
    call(3, counts);
    turn();
    recall(1);
    expect(2,
           "returned 3.1\n"
           "recall done\n");
    (void)sem_post(&go_on);
    expect(2,
           "ended 1.1 finished exit=0\n"
           "ended 2.1 finished exit=0\n");
}

static void recall_of_nothing_is_answered(void)
{
    joined(1, NULL);
    recall(5);
    expect(1, "recall done\n");
}

/* ---- the end ---- */

static void stop_returns_the_unstarted_and_waits_for_the_running(void)
{
    joined(1, NULL);
    call(1, gate);
    turn();
    (void)sem_wait(&began);
    call(2, counts);
    turn();
    stop(false);
    expect(1, "returned 2.1\n");
    CU_ASSERT_EQUAL(hayi_worker_ended(worker, NULL), HAYI_WORKER_SERVES);
    call(3, counts); /* was on its way */
    expect(1, "returned 3.1\n");
    (void)sem_post(&go_on);
    expect(2,
           "ended 1.1 finished exit=0\n"
           "bye\n");
    expect_end(HAYI_WORKER_DONE, "");
}

static void stop_before_anything_is_answered(void)
{
    open_worker(true, NULL);
    stop(false);
    expect(1, "bye\n");
    expect_end(HAYI_WORKER_DONE, "");
}

/* What it holds is freed, running calls are told (the leak check sees it). */
static void stop_at_once_leaves_nothing_behind(void)
{
    joined(2, NULL);
    call(1, runs_until_told);
    fake(2, UINT64_C(1000000000000));
    for (uint64_t i = 3; i < 1500; i++) {
        call(i, counts);
    }
    turn();
    (void)sem_wait(&began);
    stop(true);
    expect_end(HAYI_WORKER_AT_ONCE, "");
}

static void managers_end_is_noticed(void)
{
    joined(1, NULL);
    call(1, counts);
    expect(1, "ended 1.1 finished exit=0\n");
    ends[0]->ops->close(ends[0], false);
    ends[0] = NULL;
    for (int i = 0; i < 10; i++) {
        (void)hayi_worker_poll(worker, hayi_clock_ns());
    }
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL(hayi_worker_ended(worker, &err), HAYI_WORKER_ORPHAN);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the manager is gone"));
}

static void silent_manager_is_left(void)
{
    open_worker(false, NULL);
    welcome(1);
    turn();
    for (int i = 1; i < 10; i++) {
        ahead_ns = (uint64_t)i * 1000000000;
        turn();
    }
    CU_ASSERT_EQUAL(hayi_worker_ended(worker, NULL), HAYI_WORKER_SERVES);
    ahead_ns = UINT64_C(10600000000);
    turn();
    ahead_ns = UINT64_C(11700000000);
    turn();
    expect_end(HAYI_WORKER_ORPHAN, "silent for 10 s");
}

/* ---- damaged records ---- */

static void unknown_record_ends_it_in_words(void)
{
    joined(1, NULL);
    say(HAYI_RECORD_JOIN, "12345678", 8);
    expect_end(HAYI_WORKER_BROKEN, "unknown type");
}

static void record_that_is_too_short_ends_it(void)
{
    static const uint16_t types[] = {HAYI_RECORD_RECALL,
                                     HAYI_RECORD_CANCEL,
                                     HAYI_RECORD_PING,
                                     HAYI_RECORD_STOP,
                                     HAYI_RECORD_TASK,
                                     HAYI_RECORD_RANGE};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        joined(1, NULL);
        say(types[i], "1234", 4);
        expect_end(HAYI_WORKER_BROKEN, "short");
        teardown();
        setup();
    }
}

static void task_before_the_welcome_ends_it(void)
{
    open_worker(true, NULL);
    call(1, counts);
    expect_end(HAYI_WORKER_BROKEN, "before the welcome");
}

static void task_that_cannot_run_here_ends_it(void)
{
    struct hayi_task_record head = task_of(1, HAYI_TASK_FAKE);
    joined(2, NULL);
    head.cores = 3;
    hand_out(head, "", 0);
    expect_end(HAYI_WORKER_BROKEN, "cannot run");
}

static void same_attempt_twice_ends_it(void)
{
    joined(1, NULL);
    fake(1, UINT64_C(1000000000000));
    fake(1, UINT64_C(1000000000000));
    expect_end(HAYI_WORKER_BROKEN, "cannot run");
}

static void output_that_is_none_ends_it(void)
{
    struct hayi_welcome head = {.output = 77};
    open_worker(true, NULL);
    say(HAYI_RECORD_WELCOME, &head, sizeof(head));
    expect_end(HAYI_WORKER_BROKEN, "welcome");
}

/* ---- commands ---- */

static struct hayi_spawner *take_spawner(void)
{
    struct hayi_spawner *taken = spawner;
    spawner = NULL;
    return taken;
}

/* All in one: there is one process that was forked before any thread. */
static void commands_run_are_cancelled_and_miss_their_spawner(void)
{
    (void)setenv("TMPDIR", "/first", 1);
    joined(1, take_spawner());
    hide_started = true;
    (void)setenv("TMPDIR", "/second", 1); /* too late to be the commands' */
    command(1, "exit 3");
    command(2,
            "test $FRUIT,$TMPDIR,$HAY_TASK_ID,$HAY_TASK_CORES,$PWD = "
            "pear,/first,2,1,/");
    expect(2,
           "ended 1.1 failed exit=3: exit status 3\n"
           "ended 2.1 finished exit=0\n");
    const char *const nothing[] = {"/no/such/program", NULL};
    hay_command none = HAY_COMMAND_INIT;
    none.argv = nothing;
    size_t size = 0;
    CU_ASSERT_EQUAL(hayi_command_measure(&none, &size, NULL), HAY_OK);
    char *bytes = calloc(1, size);
    hayi_command_write(&none, bytes);
    hand_out(task_of(3, HAYI_TASK_COMMAND), bytes, size);
    free(bytes);
#ifdef __SANITIZE_THREAD__ /* makes vfork a fork, whose words are lost */
    expect(1, "ended 3.1 failed exit=127: exit status 127\n");
#else
    expect(1,
           "ended 3.1 failed exit=127: cannot be started: "
           "cannot run the program: No such file or directory\n");
#endif
    hand_out(task_of(4, HAYI_TASK_COMMAND), "damaged", 8);
    expect(1, "ended 4.1 failed exit=0: damaged command: no head\n");
    hide_started = false;
    command(5, "sleep 1000");
    command(6, "exit 0");
    expect(1, "started 5.1\n");
    cancel(6, true);
    expect(1, "ended 6.1 cancelled unstarted exit=0\n");
    cancel(5, true);
    expect(1, "ended 5.1 cancelled exit=0: cancelled\n");
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
        expect_end(HAYI_WORKER_BROKEN, "spawner");
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
    {"silent_manager_is_left", silent_manager_is_left},
    {"unknown_record_ends_it_in_words", unknown_record_ends_it_in_words},
    {"record_that_is_too_short_ends_it", record_that_is_too_short_ends_it},
    {"task_before_the_welcome_ends_it", task_before_the_welcome_ends_it},
    {"task_that_cannot_run_here_ends_it", task_that_cannot_run_here_ends_it},
    {"same_attempt_twice_ends_it", same_attempt_twice_ends_it},
    {"output_that_is_none_ends_it", output_that_is_none_ends_it},
    {"commands_run_are_cancelled_and_miss_their_spawner",
     commands_run_are_cancelled_and_miss_their_spawner},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/worker", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    if (hayi_spawner_fork(&spawner, NULL) != HAY_OK) {
        return 2;
    }
    return hayi_unit_main(suites, argc, argv);
}
