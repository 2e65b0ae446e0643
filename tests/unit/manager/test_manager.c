/* test_manager.c - a manager whose worker is played by the test: real records
 * over the in-process transport, printed and compared. */
#include "config.h"

#include "base/clock.h"
#include "manager/manager_inside.h"
#include "wire/value.h"
#include "worker/registry.h"

#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPOCH = 9, LOG_MAX = 8000, IDS = 3000 };
#define SECOND_NS UINT64_C(1000000000)

/* What the worker knows of a task, by the task's id. */
struct known {
    uint64_t task;
    uint64_t handed_ns;
    uint32_t attempt;
};

static struct hayi_transport *ends[2]; /* the manager's, the worker's */
static struct hayi_link worker;
static struct hayi_bell bell;
static hay_executor *ex;
static struct hayi_manager *manager;
static struct known known[IDS];
static double argument; /* of the last call, if it has one */
static bool answer_ranges;
static char told[LOG_MAX];
static uint64_t ahead_ns; /* of the manager's clock */
static uint64_t worker_ahead_ns;
static char folder[] = "/tmp/hay-manager-XXXXXX";
static char run_folder[sizeof(folder) + 8];

HAY_TASK(one)
{
    (void)task;
    return HAY_OK;
}

HAY_MAP_TASK(items, double, double)
{
    *out = *in;
    return HAY_OK;
}

/* ---- the manager's words
 * -------------------------------------------------------
 */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t used = strlen(told);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(told + used, sizeof(told) - used, format, list);
    va_end(list);
}

static void note_task(const void *body, size_t size)
{
    const struct hayi_task_record *head = body;
    const uint64_t parts[2] = {head->args_size, head->name_size};
    const void *at[2];
    struct hayi_value value;
    CU_ASSERT_EQUAL_FATAL(
        hayi_record_parts(body, size, sizeof(*head), parts, 2, 2u, at, NULL),
        HAY_OK);
    CU_ASSERT_FATAL(head->id < IDS);
    known[head->id] = (struct known){
        .task = head->task,
        .handed_ns = head->handed_ns,
        .attempt = head->attempt,
    };
    note("task %" PRIu64 ".%u%s\n",
         head->id,
         head->attempt,
         (head->flags & HAYI_TASK_PROMPT) != 0 ? " prompt" : "");
    if (head->kind == HAYI_TASK_FUNCTION) {
        CU_ASSERT_EQUAL(hayi_args_check(at[0], head->args_size, NULL), HAY_OK);
        if (hayi_args_count(at[0]) > 0 && hayi_args_get(at[0], 0, &value)
            && value.type == HAY_DOUBLE) {
            memcpy(&argument, value.data, sizeof(argument));
        }
    }
}

/* The items doubled, as if the worker were that quick. */
static void answer_range(const struct hayi_range_record *range)
{
    const double *in = (const double *)(range + 1);
    const struct hayi_range_ended head = {
        .task = range->task,
        .handed_ns = range->handed_ns,
        .start_ns = range->handed_ns,
        .end_ns = range->handed_ns + 1000,
        .items = range->count,
        .out_bytes = range->in_bytes,
        .attempt = range->attempt,
        .outcome = HAYI_OUTCOME_FINISHED,
    };
    char *body =
        hayi_channel_append(worker.channel,
                            HAYI_RECORD_RANGE_ENDED,
                            hayi_record_size(sizeof(head), &head.out_bytes, 1));
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    memcpy(body, &head, sizeof(head));
    for (uint64_t i = 0; i < range->count; i++) {
        const double x = 2 * in[i];
        memcpy(body + sizeof(head) + i * sizeof(x), &x, sizeof(x));
    }
}

static void note_range(const struct hayi_range_record *head)
{
    note("range %" PRIu64 ": %" PRIu64 "+%" PRIu64 "\n",
         head->id,
         head->first,
         head->count);
    if (answer_ranges) {
        CU_ASSERT_EQUAL(head->in_bytes, head->count * sizeof(double));
        answer_range(head);
    }
}

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    const struct hayi_cancel_record *cancel = body;
    (void)context;
    switch (type) {
    case HAYI_RECORD_WELCOME:
        note("welcome\n");
        break;
    case HAYI_RECORD_TASK:
        note_task(body, size);
        break;
    case HAYI_RECORD_RANGE:
        note_range(body);
        break;
    case HAYI_RECORD_RECALL:
        note("recall %u\n", ((const struct hayi_recall *)body)->count);
        break;
    case HAYI_RECORD_CANCEL:
        note("cancel%s%s\n",
             cancel->force ? " force" : "",
             cancel->unstarted_only ? " unstarted" : "");
        break;
    case HAYI_RECORD_PING: {
        struct hayi_ping pong = *(const struct hayi_ping *)body;
        pong.worker_ns = hayi_clock_ns() + worker_ahead_ns;
        CU_ASSERT_EQUAL(
            hayi_link_append(&worker, HAYI_RECORD_PONG, &pong, sizeof(pong)),
            HAY_OK);
        break;
    }
    case HAYI_RECORD_STOP:
        note("stop%s\n",
             ((const struct hayi_stop *)body)->at_once ? " at once" : "");
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
    CU_ASSERT_EQUAL(peer, 0);
    CU_ASSERT_EQUAL(
        hayi_channel_receive(worker.channel, data, size, on_record, NULL, NULL),
        HAY_OK);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

static void turn(void)
{
    const struct hayi_transport_sink sink = {on_frame, on_down, NULL};
    if (ends[1] != NULL) {
        (void)hayi_link_flush(&worker, ends[1], 1);
    }
    (void)hayi_manager_poll(manager, hayi_clock_ns() + ahead_ns);
    if (ends[1] != NULL) {
        (void)ends[1]->ops->poll(ends[1], &sink);
    }
}

static void expect(const char *lines)
{
    for (int i = 0; i < 6; i++) {
        turn();
    }
    if (strcmp(told, lines) != 0) {
        (void)printf("# told:\n%s# expected:\n%s", told, lines);
    }
    CU_ASSERT_STRING_EQUAL(told, lines);
    told[0] = 0;
}

/* ---- the worker's part
 * -----------------------------------------------------------
 */

static void say(uint16_t type, const void *head, size_t size)
{
    CU_ASSERT_EQUAL(hayi_link_append(&worker, type, head, size), HAY_OK);
}

static void join(uint32_t cores)
{
    struct {
        struct hayi_join head;
        char host[8];
    } body = {.head = {.cores = cores, .host_size = 5}, .host = "node"};
    say(HAYI_RECORD_JOIN, &body, sizeof(body));
}

struct end {
    uint8_t outcome;
    int exit_code;
    bool unstarted;
    const char *reason;
    const void *value;
    size_t value_size;
    const struct hayi_capture_record *capture;
    uint64_t run_ns; /* 0: 1 */
};

static void ended(hay_task_id id, struct end end)
{
    uint64_t start_ns = end.unstarted ? 0 : hayi_clock_ns() + worker_ahead_ns;
    const struct hayi_ended head = {
        .task = known[id].task,
        .handed_ns = known[id].handed_ns,
        .start_ns = start_ns,
        .end_ns = end.unstarted ? 0 : start_ns + end.run_ns + 1,
        .value_size = end.value_size,
        .attempt = known[id].attempt,
        .exit_code = end.exit_code,
        .cores = 1,
        .reason_size =
            (uint16_t)(end.reason != NULL ? strlen(end.reason) + 1 : 0),
        .outcome = end.outcome,
        .flags = end.capture != NULL ? HAYI_ENDED_CAPTURE : 0,
    };
    const uint64_t parts[3] = {end.capture != NULL ? sizeof(*end.capture) : 0,
                               head.reason_size,
                               head.value_size};
    char *at = hayi_channel_append(worker.channel,
                                   HAYI_RECORD_ENDED,
                                   hayi_record_size(sizeof(head), parts, 3));
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    memcpy(at, &head, sizeof(head));
    at += sizeof(head);
    memcpy(at, end.capture != NULL ? (const void *)end.capture : "", parts[0]);
    at += parts[0];
    memcpy(at, end.reason != NULL ? end.reason : "", parts[1]);
    at += HAYI_PAD8(parts[1]);
    memcpy(at, end.value != NULL ? end.value : "", parts[2]);
}

static void finished(hay_task_id id)
{
    ended(id, (struct end){.outcome = HAYI_OUTCOME_FINISHED});
}

static void finished_double(hay_task_id id, double x)
{
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(hayi_value_append(&value, HAY_DOUBLE, &x, sizeof(x), NULL),
                    HAY_OK);
    ended(id,
          (struct end){.outcome = HAYI_OUTCOME_FINISHED,
                       .value = value.data,
                       .value_size = value.size});
    hayi_buffer_fini(&value);
}

static void failed(hay_task_id id, const char *reason)
{
    ended(id,
          (struct end){.outcome = HAYI_OUTCOME_FAILED,
                       .exit_code = 3,
                       .reason = reason});
}

/* ---- the client's part
 * -----------------------------------------------------------
 */

static hay_future *submit(hay_args args, const hay_task_options *options)
{
    hay_future *future = NULL;
    CU_ASSERT_EQUAL_FATAL(hay_submit(ex, one, args, options, &future), HAY_OK);
    return future;
}

/* hay_future_cancel() would wait for the manager, which is in this thread. */
static hay_status cancel(hay_future *future, bool force)
{
    struct hayi_cancel_item item = {.future = future, .force = force};
    item.item.kind = HAYI_ITEM_CANCEL;
    hayi_manager_post(manager, &item.item);
    for (int i = 0; i < 3 && atomic_load(&item.done) == 0; i++) {
        turn();
    }
    CU_ASSERT_EQUAL_FATAL(atomic_load(&item.done), 1);
    return item.status;
}

static void close_executor(bool cancel_pending)
{
    CU_ASSERT_EQUAL(hay_shutdown(ex, false, cancel_pending), HAY_OK);
}

static hay_outcome outcome_of(const hay_future *future)
{
    hay_outcome outcome = {.size = sizeof(outcome)};
    CU_ASSERT_EQUAL(hay_future_outcome(future, &outcome), HAY_OK);
    return outcome;
}

static void check_end(hay_future *future, hay_status status, const char *words)
{
    CU_ASSERT_TRUE_FATAL(hay_future_done(future));
    hay_outcome outcome = outcome_of(future);
    CU_ASSERT_EQUAL(outcome.status, status);
    if (outcome.status != status) {
        (void)printf(
            "# %s: %s\n", hay_status_name(outcome.status), outcome.reason);
    }
    if (strstr(outcome.reason, words) == NULL) {
        CU_FAIL("other words");
        (void)printf("# '%s', not '%s'\n", outcome.reason, words);
    }
    hay_future_release(future);
}

/* ---- fixture
 * -----------------------------------------------------------------
 */

static void post(void *m, struct hayi_item *item)
{
    hayi_manager_post(m, item);
}

static hay_status joined(void *m, struct hayi_error *err)
{
    (void)m;
    (void)err;
    return HAY_OK;
}

static const struct hayi_manager_ops ops = {post, joined};

static void
open_manager(bool shared_memory, hay_output output, const char *path)
{
    static char *environment[] = {"FRUIT=pear", "OMPI_RANK=1", NULL};
    const struct hayi_worker_name name = {7, "node", 4711};
    hay_options options = HAY_OPTIONS_INIT;
    options.run_folder = path;
    options.output = output;
    CU_ASSERT_EQUAL_FATAL(hayi_executor_new(&options, &ex), HAY_OK);
    const struct hayi_manager_config config = {
        .transport = ends[0],
        .bell = &bell,
        .ex = ex,
        .options = &options,
        .names = &name,
        .epoch = EPOCH,
        .shared_memory = shared_memory,
        .environment = environment,
    };
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL_FATAL(hayi_manager_new(&config, &manager, &err), HAY_OK);
    ex->ops = &ops;
    ex->manager = manager;
}

static void ready(uint32_t cores)
{
    open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    join(cores);
    expect("welcome\n");
}

static int setup_suite(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(run_folder, sizeof(run_folder), "%s/run", folder);
    return hayi_registry_seal(NULL) != HAY_OK;
}

static int clean_suite(void)
{
    char line[sizeof(folder) + 20];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", folder);
    return system(line) != 0;
}

static void setup(void)
{
    CU_ASSERT_EQUAL(hayi_transport_inproc_new(&ends[0], &ends[1]), HAY_OK);
    CU_ASSERT_EQUAL(hayi_link_init(&worker, ends[1], 0, EPOCH), HAY_OK);
    CU_ASSERT_EQUAL(hayi_bell_init(&bell), HAY_OK);
    memset(known, 0, sizeof(known));
    told[0] = 0;
    ahead_ns = 0;
    worker_ahead_ns = 0;
    argument = 0;
    answer_ranges = false;
    manager = NULL;
    ex = NULL;
}

static void close_end(int i)
{
    if (ends[i] != NULL) {
        ends[i]->ops->close(ends[i], false);
        ends[i] = NULL;
    }
}

static void end_manager(void)
{
    if (manager != NULL) {
        hayi_manager_lose(manager, 0, "the test is over");
        hayi_manager_refuse_late(manager); /* hangs if a task was not told */
        hayi_manager_free(manager);
        manager = NULL;
    }
}

static void teardown(void)
{
    end_manager();
    if (ex != NULL) {
        hay_executor_free(ex);
    }
    hayi_link_fini(&worker);
    close_end(0);
    close_end(1);
    hayi_bell_fini(&bell);
}

/* ---- serving
 * -----------------------------------------------------------------
 */

static void submit_becomes_a_record_and_its_report_the_result(void)
{
    ready(1);
    hay_future *f = submit(HAY_ARGS(hay_double(2.5)), NULL);
    double y = 0;
    expect("task 1.1\n");
    CU_ASSERT_EQUAL(argument, 2.5);
    CU_ASSERT_FALSE(hay_future_done(f));
    finished_double(1, 5);
    expect("");
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &y), HAY_OK);
    CU_ASSERT_EQUAL(y, 5);
    check_end(f, HAY_OK, "");
}

static void nothing_is_sent_before_a_worker_joins(void)
{
    open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    expect("welcome\n");
    join(1);
    expect("task 1.1\n");
    finished(1);
    expect("");
    check_end(f, HAY_OK, "");
}

static void dependent_waits_and_gets_the_value(void)
{
    ready(2);
    hay_future *a = submit(HAY_ARGS(hay_double(1)), NULL);
    hay_future *b = submit(HAY_ARGS(hay_ref(a)), NULL);
    expect("task 1.1 prompt\n");
    finished_double(1, 42);
    expect("task 2.1 prompt\n");
    CU_ASSERT_EQUAL(argument, 42);
    finished(2);
    expect("");
    check_end(a, HAY_OK, "");
    check_end(b, HAY_OK, "");
}

static void failure_ends_dependents_unsent(void)
{
    ready(2);
    hay_future *a = submit(HAY_NO_ARGS, NULL);
    hay_future *b = submit(HAY_ARGS(hay_ref(a)), NULL);
    hay_future *c = submit(HAY_ARGS(hay_ref(b)), NULL);
    expect("task 1.1 prompt\n");
    failed(1, "no peak");
    expect("");
    CU_ASSERT_EQUAL(outcome_of(c).culprit, 1);
    CU_ASSERT_EQUAL(outcome_of(a).exit_code, 3);
    CU_ASSERT_EQUAL(outcome_of(a).worker, 7);
    check_end(a, HAY_ETASK, "no peak");
    check_end(b, HAY_EDEPENDENCY, "");
    check_end(c, HAY_EDEPENDENCY, "");
}

static void retry_is_a_further_attempt(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.retries = 1;
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, &options);
    expect("task 1.1\n");
    failed(1, "first");
    expect("task 1.2\n");
    CU_ASSERT_FALSE(hay_future_done(f));
    failed(1, "second");
    expect("");
    CU_ASSERT_EQUAL(outcome_of(f).attempts, 2);
    check_end(f, HAY_ETASK, "second");
}

/* A report of an attempt that is not current changes nothing. */
static void stale_and_strange_reports_are_dropped(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.retries = 1;
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, &options);
    expect("task 1.1\n");
    failed(1, "first");
    expect("task 1.2\n");
    known[1].attempt = 1;
    finished(1);
    known[2] = (struct known){.task = UINT64_MAX, .attempt = 1};
    finished(2);
    known[2] = (struct known){.task = 0, .attempt = 0};
    finished(2);
    expect("");
    CU_ASSERT_FALSE(hay_future_done(f));
    known[1].attempt = 2;
    finished(1);
    finished(1);
    expect("");
    check_end(f, HAY_OK, "");
}

static void arguments_too_large_for_a_message_fail_the_task(void)
{
    static char much[700000];
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(
        hayi_value_append(&value, HAY_BYTES, much, sizeof(much), NULL), HAY_OK);
    ready(2);
    hay_future *a[2] = {submit(HAY_NO_ARGS, NULL), submit(HAY_NO_ARGS, NULL)};
    hay_future *sum = submit(HAY_ARGS(hay_refs(a, 2)), NULL);
    expect("task 1.1 prompt\ntask 2.1 prompt\n");
    for (hay_task_id id = 1; id <= 2; id++) {
        ended(id,
              (struct end){.outcome = HAYI_OUTCOME_FINISHED,
                           .value = value.data,
                           .value_size = value.size});
    }
    for (int i = 0; i < 100; i++) {
        turn(); /* more than one credit's worth */
    }
    expect("");
    hayi_buffer_fini(&value);
    check_end(sum, HAY_ETASK, "more than");
    check_end(a[0], HAY_OK, "");
    check_end(a[1], HAY_OK, "");
}

static void ranges_bring_their_items_and_take_back_their_results(void)
{
    enum { MANY = 5000 };
    static double in[MANY];
    static double out[MANY];
    hay_future *map = NULL;
    uint64_t done = 0;
    open_manager(false, HAY_OUTPUT_DEFAULT, NULL); /* as over MPI */
    join(1);
    expect("welcome\n");
    for (int i = 0; i < MANY; i++) {
        in[i] = i;
    }
    answer_ranges = true;
    CU_ASSERT_EQUAL_FATAL(hay_map(ex, items, NULL, in, MANY, out, &map),
                          HAY_OK);
    for (int i = 0; i < MANY && !hay_future_done(map); i++) {
        turn();
        told[0] = 0;
    }
    CU_ASSERT_EQUAL(hay_map_progress(map, &done, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done, MANY);
    int wrong = 0;
    for (int i = 0; i < MANY; i++) {
        wrong += out[i] != 2.0 * i;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    check_end(map, HAY_OK, "");
}

/* ---- cancelling
 * ------------------------------------------------------------------
 */

static void waiting_one_is_cancelled_at_once(void)
{
    open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    CU_ASSERT_EQUAL(cancel(f, false), HAY_OK);
    check_end(f, HAY_ECANCELLED, "cancelled");
    join(1);
    expect("welcome\n");
}

static void one_that_was_sent_is_cancelled_by_its_worker(void)
{
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    expect("task 1.1\n");
    CU_ASSERT_EQUAL(cancel(f, false), HAY_EPENDING);
    expect("cancel\n");
    ended(1,
          (struct end){.outcome = HAYI_OUTCOME_CANCELLED, .unstarted = true});
    expect("");
    CU_ASSERT_EQUAL(outcome_of(f).start_ns, 0);
    CU_ASSERT_EQUAL(cancel(f, false), HAY_EINVAL); /* it has ended */
    check_end(f, HAY_ECANCELLED, "");
}

static void cancel_that_comes_too_late_lets_it_finish(void)
{
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    expect("task 1.1\n");
    finished(1);
    CU_ASSERT_EQUAL(hayi_link_flush(&worker, ends[1], 1), true);
    (void)cancel(f, true);
    check_end(f, HAY_OK, "");
}

static void running_one_is_told(void)
{
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    expect("task 1.1\n");
    const struct hayi_attempt_record started = {known[1].task, 1, 0};
    say(HAYI_RECORD_STARTED, &started, sizeof(started));
    turn();
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_RUNNING);
    CU_ASSERT_EQUAL(cancel(f, false), HAY_ERUNNING);
    expect("cancel\n");
    finished(1); /* it does not listen */
    expect("");
    check_end(f, HAY_OK, "");
}

/* ---- the end
 * ---------------------------------------------------------------------
 */

static void stop_follows_the_last_end_and_bye_is_the_end(void)
{
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    expect("task 1.1\n");
    close_executor(false);
    expect("");
    finished(1);
    expect("stop\n");
    CU_ASSERT_FALSE(hayi_manager_ended(manager));
    const struct hayi_stop bye = {0, 0};
    say(HAYI_RECORD_BYE, &bye, sizeof(bye));
    expect("");
    CU_ASSERT_TRUE(hayi_manager_ended(manager));
    CU_ASSERT_TRUE(hayi_manager_orderly(manager));
    check_end(f, HAY_OK, "");
    close_end(1); /* after its bye this is no loss */
    turn();
    CU_ASSERT_TRUE(hayi_manager_orderly(manager));
}

static void closing_with_cancel_spares_what_runs(void)
{
    ready(1);
    hay_future *f = submit(HAY_NO_ARGS, NULL);
    hay_future *g = submit(HAY_ARGS(hay_ref(f)), NULL);
    expect("task 1.1 prompt\n");
    const struct hayi_attempt_record started = {known[1].task, 1, 0};
    say(HAYI_RECORD_STARTED, &started, sizeof(started));
    turn();
    close_executor(true);
    expect("");
    check_end(g, HAY_ECANCELLED, "");
    finished(1);
    expect("stop\n");
    check_end(f, HAY_OK, "");
}

/* ---- losses
 * ----------------------------------------------------------------------
 */

/* A task that runs, one that waits at the worker, one that waits for a worker,
 * one that waits for an input, and a map. */
static void submit_some(hay_future *list[5])
{
    static double in[1000];
    static double out[1000];
    hay_task_options wide = HAY_TASK_OPTIONS_INIT;
    wide.cores = 2;
    list[0] = submit(HAY_NO_ARGS, NULL);
    list[1] = submit(HAY_NO_ARGS, &wide);
    list[2] = submit(HAY_NO_ARGS, NULL);
    list[3] = submit(HAY_ARGS(hay_ref(list[2])), NULL);
    CU_ASSERT_EQUAL_FATAL(hay_map(ex, items, NULL, in, 1000, out, &list[4]),
                          HAY_OK);
    turn();
    turn();
    const struct hayi_attempt_record started = {known[1].task, 1, 0};
    say(HAYI_RECORD_STARTED, &started, sizeof(started));
    turn();
    told[0] = 0;
}

/* All end as the farm's failure (a dependent may name its input), waiters are
 * woken, the manager ends. */
static void check_broken(hay_future *list[5], const char *words)
{
    for (int i = 0; i < 5; i++) {
        turn();
    }
    CU_ASSERT_EQUAL(hay_executor_health(ex), HAY_EFARM);
    if (strstr(hay_error_text(), words) == NULL) {
        CU_FAIL(words);
        (void)printf("# %s\n", hay_error_text());
    }
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_TRUE_FATAL(hay_future_done(list[i]));
        hay_outcome outcome = outcome_of(list[i]);
        CU_ASSERT_EQUAL(outcome.state, HAY_FAILED);
        CU_ASSERT_TRUE(outcome.status == HAY_EFARM
                       || (i == 3 && outcome.status == HAY_EDEPENDENCY));
        hay_future_release(list[i]);
    }
    ahead_ns += 3 * SECOND_NS;
    turn();
    CU_ASSERT_TRUE(hayi_manager_ended(manager));
    CU_ASSERT_FALSE(hayi_manager_orderly(manager));
    hay_future *none = NULL;
    CU_ASSERT_EQUAL(hay_submit(ex, one, HAY_NO_ARGS, NULL, &none), HAY_EFARM);
}

static void lost_worker_fails_everything(void)
{
    hay_future *list[5];
    ready(2);
    submit_some(list);
    close_end(1);
    check_broken(list, "lost worker 7 on node (pid 4711)");
}

static void loss_of_a_worker_that_never_joined_fails_everything(void)
{
    hay_future *list[5];
    open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    close_end(1);
    check_broken(list, "lost worker 7");
}

static void silent_worker_is_lost(void)
{
    hay_future *list[5];
    open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
    join(2);
    turn();
    submit_some(list);
    for (int i = 1; i <= 12; i++) {
        ahead_ns = (uint64_t)i * SECOND_NS;
        (void)hayi_manager_poll(manager, hayi_clock_ns() + ahead_ns);
    }
    check_broken(list, "silent");
}

static void worker_that_never_joins_is_lost(void)
{
    hay_future *list[5];
    open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    for (int i = 1; i <= 31; i++) {
        ahead_ns = (uint64_t)i * SECOND_NS;
        (void)hayi_manager_poll(manager, hayi_clock_ns() + ahead_ns);
    }
    check_broken(list, "never joined");
}

static void worker_that_refuses_ends_the_run(void)
{
    hay_future *list[5];
    open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    submit_some(list);
    CU_ASSERT_EQUAL(
        hayi_link_append_words(&worker, HAYI_RECORD_REFUSE, "no licence"),
        HAY_OK);
    check_broken(list, "worker 7 on node cannot serve: no licence");
}

static void unasked_bye_loses_the_worker(void)
{
    hay_future *list[5];
    const struct hayi_stop bye = {0, 0};
    ready(2);
    submit_some(list);
    say(HAYI_RECORD_BYE, &bye, sizeof(bye));
    check_broken(list, "without being told");
}

static void damaged_record_loses_the_worker_not_the_process(void)
{
    static const uint16_t types[] = {
        HAYI_RECORD_JOIN,
        HAYI_RECORD_STARTED,
        HAYI_RECORD_RETURNED,
        HAYI_RECORD_ENDED,
        HAYI_RECORD_RANGE_ENDED,
        HAYI_RECORD_PONG,
        HAYI_RECORD_LOG,
        HAYI_RECORD_REFUSE,
        HAYI_RECORD_TASK,
        77,
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        hay_future *list[5];
        ready(2);
        submit_some(list);
        say(types[i], "1234", 4);
        check_broken(list, "lost worker 7");
        teardown();
        setup();
    }
}

static void lengths_that_lie_lose_the_worker(void)
{
    hay_future *list[5];
    struct hayi_ended head = {.value_size = UINT64_MAX - 7};
    struct hayi_range_ended range = {.failures = UINT32_MAX};
    ready(2);
    submit_some(list);
    head.task = known[1].task;
    head.attempt = 1;
    say(HAYI_RECORD_ENDED, &head, sizeof(head));
    check_broken(list, "too long");
    teardown();
    setup();
    ready(2);
    submit_some(list);
    say(HAYI_RECORD_RANGE_ENDED, &range, sizeof(range));
    check_broken(list, "too long");
}

static void bytes_that_are_no_frame_lose_the_worker(void)
{
    hay_future *list[5];
    const uint64_t noise[5] = {1, 2, 3, 4, 5};
    ready(2);
    submit_some(list);
    CU_ASSERT_EQUAL(ends[1]->ops->send(ends[1], 0, noise, sizeof(noise)),
                    HAY_OK);
    check_broken(list, "not a frame");
}

/* ---- clocks
 * ----------------------------------------------------------------------
 */

/* Whatever the worker's clock says, a chain's times do not go back, and lie
 * within the farm's life. */
static void causes_come_before_effects(void)
{
    enum { LENGTH = 30 };
    static const uint64_t aheads[] = {
        0, 1000 * SECOND_NS, UINT64_C(0) - 1000 * SECOND_NS, 1000000};
    for (size_t n = 0; n < sizeof(aheads) / sizeof(aheads[0]); n++) {
        hay_future *chain[LENGTH];
        worker_ahead_ns = aheads[n];
        open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
        uint64_t opened_ns = hayi_clock_ns();
        join(1);
        for (size_t i = 0; i < LENGTH; i++) {
            chain[i] = i == 0 ? submit(HAY_NO_ARGS, NULL)
                              : submit(HAY_ARGS(hay_ref(chain[i - 1])), NULL);
        }
        for (hay_task_id id = 1; id <= LENGTH; id++) {
            for (int i = 0; i < 10 && known[id].task == 0; i++) {
                turn();
            }
            /* It claims an end that has not come yet. */
            ended(id,
                  (struct end){.outcome = HAYI_OUTCOME_FINISHED,
                               .run_ns = SECOND_NS});
            turn();
        }
        turn();
        uint64_t last_ns = 0;
        uint64_t life_ns = hayi_clock_ns() - opened_ns + SECOND_NS / 2;
        for (size_t i = 0; i < LENGTH; i++) {
            hay_outcome outcome = outcome_of(chain[i]);
            CU_ASSERT_TRUE(outcome.start_ns >= last_ns);
            CU_ASSERT_TRUE(outcome.end_ns >= outcome.start_ns);
            last_ns = outcome.end_ns;
            hay_future_release(chain[i]);
        }
        CU_ASSERT_TRUE(last_ns <= life_ns);
        teardown();
        setup();
    }
}

/* ---- the run folder
 * ---------------------------------------------------------------
 */

static void check_file(const char *name, const char *part, bool there)
{
    char path[sizeof(run_folder) + 20];
    char text[4000] = "";
    (void)snprintf(path, sizeof(path), "%s/%s", run_folder, name);
    FILE *file = fopen(path, "r");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = 0;
    (void)fclose(file);
    CU_ASSERT_EQUAL(strstr(text, part) != NULL, there);
    if ((strstr(text, part) != NULL) != there) {
        (void)printf("# %s in:\n# %s\n", part, text);
    }
}

static void attempts_are_written_and_captures_outlive_the_manager(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_command command = HAY_COMMAND_INIT;
    hay_future *f = NULL;
    hay_future *g = NULL;
    const struct hayi_capture_record capture = {
        .offset = {0, 5}, .length = {4, 0}, .slot = 2, .file = 1};
    open_manager(true, HAY_OUTPUT_DEFAULT, run_folder);
    join(1);
    expect("welcome\n");
    options.name = "prep";
    options.retries = 1;
    command.line = "date";
    CU_ASSERT_EQUAL(hay_submit_command(ex, &command, &options, &f), HAY_OK);
    expect("task 1.1\n");
    failed(1, "exit status 3");
    expect("task 1.2\n");
    ended(1,
          (struct end){.outcome = HAYI_OUTCOME_FINISHED, .capture = &capture});
    g = submit(HAY_NO_ARGS, NULL);
    expect("task 2.1\n");
    CU_ASSERT_EQUAL(cancel(g, false), HAY_EPENDING);
    ended(2,
          (struct end){.outcome = HAYI_OUTCOME_CANCELLED, .unstarted = true});
    expect("cancel\n");
    end_manager();
    check_file("tasks.tsv", "1\tprep\t1\tfailed\t7\t0\t1\t", true);
    check_file("tasks.tsv", "\t3\t0\texit status 3\n", true);
    check_file("tasks.tsv", "1\tprep\t2\tfinished\t7\t", true);
    check_file("tasks.tsv", "2\t\t0\tcancelled\t0\t", true);
    check_file("output.tsv", "1\tprep\t2\toutput/w7.s2.1.out\t0\t4\t", true);
    check_file("output.tsv", "\n2\t", false);
    hay_capture where = {.size = sizeof(where)};
    CU_ASSERT_EQUAL(hay_future_capture(f, &where), HAY_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(where.path[0]);
    CU_ASSERT_PTR_NOT_NULL(strstr(where.path[0], "/run/output/w7.s2.1.out"));
    CU_ASSERT_EQUAL(where.length[0], 4);
    CU_ASSERT_EQUAL(where.length[1], 0);
    check_end(f, HAY_OK, "");
    check_end(g, HAY_ECANCELLED, "");
}

static void earlier_runs_folder_is_refused(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    struct hayi_error err = {HAY_OK, ""};
    options.run_folder = run_folder; /* of the test before */
    const struct hayi_worker_name name = {7, "node", 4711};
    CU_ASSERT_EQUAL_FATAL(hayi_executor_new(&options, &ex), HAY_OK);
    const struct hayi_manager_config config = {
        .transport = ends[0],
        .bell = &bell,
        .ex = ex,
        .options = &options,
        .names = &name,
        .epoch = EPOCH,
    };
    CU_ASSERT_EQUAL(hayi_manager_new(&config, &manager, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "tasks.tsv: File exists"));
    hayi_executor_release(ex);
    ex = NULL;
    manager = NULL;
}

static CU_TestInfo tests[] = {
    {"submit_becomes_a_record_and_its_report_the_result",
     submit_becomes_a_record_and_its_report_the_result},
    {"nothing_is_sent_before_a_worker_joins",
     nothing_is_sent_before_a_worker_joins},
    {"dependent_waits_and_gets_the_value", dependent_waits_and_gets_the_value},
    {"failure_ends_dependents_unsent", failure_ends_dependents_unsent},
    {"retry_is_a_further_attempt", retry_is_a_further_attempt},
    {"stale_and_strange_reports_are_dropped",
     stale_and_strange_reports_are_dropped},
    {"arguments_too_large_for_a_message_fail_the_task",
     arguments_too_large_for_a_message_fail_the_task},
    {"ranges_bring_their_items_and_take_back_their_results",
     ranges_bring_their_items_and_take_back_their_results},
    {"waiting_one_is_cancelled_at_once", waiting_one_is_cancelled_at_once},
    {"one_that_was_sent_is_cancelled_by_its_worker",
     one_that_was_sent_is_cancelled_by_its_worker},
    {"cancel_that_comes_too_late_lets_it_finish",
     cancel_that_comes_too_late_lets_it_finish},
    {"running_one_is_told", running_one_is_told},
    {"stop_follows_the_last_end_and_bye_is_the_end",
     stop_follows_the_last_end_and_bye_is_the_end},
    {"closing_with_cancel_spares_what_runs",
     closing_with_cancel_spares_what_runs},
    {"lost_worker_fails_everything", lost_worker_fails_everything},
    {"loss_of_a_worker_that_never_joined_fails_everything",
     loss_of_a_worker_that_never_joined_fails_everything},
    {"silent_worker_is_lost", silent_worker_is_lost},
    {"worker_that_never_joins_is_lost", worker_that_never_joins_is_lost},
    {"worker_that_refuses_ends_the_run", worker_that_refuses_ends_the_run},
    {"unasked_bye_loses_the_worker", unasked_bye_loses_the_worker},
    {"damaged_record_loses_the_worker_not_the_process",
     damaged_record_loses_the_worker_not_the_process},
    {"lengths_that_lie_lose_the_worker", lengths_that_lie_lose_the_worker},
    {"bytes_that_are_no_frame_lose_the_worker",
     bytes_that_are_no_frame_lose_the_worker},
    {"causes_come_before_effects", causes_come_before_effects},
    {"attempts_are_written_and_captures_outlive_the_manager",
     attempts_are_written_and_captures_outlive_the_manager},
    {"earlier_runs_folder_is_refused", earlier_runs_folder_is_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/manager", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
