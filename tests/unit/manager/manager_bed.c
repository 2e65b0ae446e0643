/* manager_bed.c - see manager_bed.h. */
#include "config.h"

#include "manager_bed.h"

#include "base/clock.h"
#include "wire/nest.h"
#include "wire/value.h"
#include "worker/registry.h"

#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct hayi_transport *bed_ends[2]; /* the manager's, the worker's */
struct hayi_link bed_worker;
struct hayi_bell bed_bell;
hay_executor *bed_ex;
struct hayi_manager *bed_manager;
struct bed_known bed_known[BED_IDS];
double bed_argument; /* of the last call, if it has one */
uint64_t bed_place, bed_object;
bool bed_answer_ranges;
char bed_told[BED_LOG_MAX];
uint64_t bed_ahead_ns;
void (*bed_nested)(uint16_t type, const void *body, size_t size);
bool bed_fenced; /* of the manager's clock */
uint64_t bed_worker_ahead_ns;
static char folder[] = "/tmp/hay-manager-XXXXXX";
char bed_run_folder[BED_PATH_MAX];

HAY_TASK(bed_one)
{
    (void)task;
    return HAY_OK;
}

HAY_MAP_TASK(bed_items, double, double)
{
    *out = *in;
    return HAY_OK;
}

/* ---- the manager's words ---- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t used = strlen(bed_told);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(bed_told + used, sizeof(bed_told) - used, format, list);
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
    CU_ASSERT_FATAL(head->id < BED_IDS);
    bed_known[head->id] = (struct bed_known){
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
            memcpy(&bed_argument, value.data, sizeof(bed_argument));
        }
        bed_place = 0;
        if ((head->flags & HAYI_TASK_DATA) != 0
            && hayi_args_get(at[0], 0, &value) && value.is_object) {
            bed_place = value.object.place;
            bed_object = value.object.object;
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
        hayi_channel_append(bed_worker.channel,
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
    if (bed_answer_ranges) {
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
        pong.worker_ns = hayi_clock_ns() + bed_worker_ahead_ns;
        CU_ASSERT_EQUAL(hayi_link_append(
                            &bed_worker, HAYI_RECORD_PONG, &pong, sizeof(pong)),
                        HAY_OK);
        break;
    }
    case HAYI_RECORD_STOP:
        note("stop%s\n",
             ((const struct hayi_stop *)body)->at_once ? " at once" : "");
        break;
    case HAYI_RECORD_DROP:
        hayi_store_drop(bed_ex->store,
                        ((const struct hayi_send_record *)body)->place);
        break;
    default:
        if (bed_nested != NULL && hayi_nest_is(type, false)) {
            bed_nested(type, body, size);
            break;
        }
        CU_FAIL("an unexpected record");
    }
    return HAY_OK;
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    CU_ASSERT_EQUAL(peer, 0);
    hay_status status = hayi_channel_receive(
        bed_worker.channel, data, size, on_record, NULL, NULL);
    bed_fenced = bed_fenced || status == HAY_EFARM;
    CU_ASSERT_TRUE(status == HAY_OK || status == HAY_EFARM);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

void bed_turn(void)
{
    const struct hayi_transport_sink sink = {.frame = on_frame,
                                             .down = on_down};
    if (bed_ends[1] != NULL) {
        (void)hayi_link_flush(&bed_worker, bed_ends[1], 1);
    }
    (void)hayi_manager_poll(bed_manager, hayi_clock_ns() + bed_ahead_ns);
    if (bed_ends[1] != NULL) {
        (void)bed_ends[1]->ops->poll(bed_ends[1], &sink);
    }
}

void bed_expect(const char *lines)
{
    for (int i = 0; i < 6; i++) {
        bed_turn();
    }
    if (strcmp(bed_told, lines) != 0) {
        (void)printf("# told:\n%s# expected:\n%s", bed_told, lines);
    }
    CU_ASSERT_STRING_EQUAL(bed_told, lines);
    bed_told[0] = 0;
}

/* ---- the worker's part ---- */

void bed_say(uint16_t type, const void *head, size_t size)
{
    CU_ASSERT_EQUAL(hayi_link_append(&bed_worker, type, head, size), HAY_OK);
}

void bed_join(uint32_t cores)
{
    struct {
        struct hayi_join head;
        char host[8];
    } body = {.head = {.cores = cores, .host_size = 5}, .host = "node"};
    bed_say(HAYI_RECORD_JOIN, &body, sizeof(body));
}

void bed_ended(hay_task_id id, struct bed_end end)
{
    uint64_t start_ns =
        end.unstarted ? 0 : hayi_clock_ns() + bed_worker_ahead_ns;
    const struct hayi_ended head = {
        .task = bed_known[id].task,
        .handed_ns = bed_known[id].handed_ns,
        .start_ns = start_ns,
        .end_ns = end.unstarted ? 0 : start_ns + end.run_ns + 1,
        .value_size = end.value_size,
        .attempt = bed_known[id].attempt,
        .exit_code = end.exit_code,
        .cores = 1,
        .reason_size =
            (uint16_t)(end.reason != NULL ? strlen(end.reason) + 1 : 0),
        .outcome = end.outcome,
        .flags = (uint8_t)((end.capture != NULL ? HAYI_ENDED_CAPTURE : 0)
                           | (end.objects ? HAYI_ENDED_OBJECTS : 0)),
    };
    const uint64_t parts[3] = {end.capture != NULL ? sizeof(*end.capture) : 0,
                               head.reason_size,
                               head.value_size};
    char *at = hayi_channel_append(bed_worker.channel,
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

void bed_finished(hay_task_id id)
{
    bed_ended(id, (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED});
}

void bed_finished_double(hay_task_id id, double x)
{
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(hayi_value_append(&value, HAY_DOUBLE, &x, sizeof(x), NULL),
                    HAY_OK);
    bed_ended(id,
              (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                               .value = value.data,
                               .value_size = value.size});
    hayi_buffer_fini(&value);
}

uint64_t bed_finished_object(hay_task_id id, uint64_t object)
{
    struct hayi_buffer value;
    struct hayi_object_value made = {.object = object, .size = BED_OBJECT};
    void *data = NULL;
    if (object == 0) {
        CU_ASSERT_EQUAL_FATAL(
            hayi_store_create(
                bed_ex->store, BED_OBJECT, &made.place, &data, NULL),
            HAY_OK);
        memset(data, (int)id, BED_OBJECT);
        hayi_store_seal(bed_ex->store, made.place, 0);
    }
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(hayi_value_append_object(&value, HAY_BYTES, NULL, &made),
                    HAY_OK);
    bed_ended(id,
              (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                               .value = value.data,
                               .value_size = value.size,
                               .objects = true});
    hayi_buffer_fini(&value);
    return made.place;
}

void bed_failed(hay_task_id id, const char *reason)
{
    bed_ended(id,
              (struct bed_end){.outcome = HAYI_OUTCOME_FAILED,
                               .exit_code = 3,
                               .reason = reason});
}

/* ---- the client's part ---- */

hay_future *bed_submit(hay_args args, const hay_task_options *options)
{
    hay_future *future = NULL;
    CU_ASSERT_EQUAL_FATAL(hay_submit(bed_ex, bed_one, args, options, &future),
                          HAY_OK);
    return future;
}

/* hay_future_cancel() would wait for the manager, which is in this thread. */
hay_status bed_cancel(hay_future *future, bool force)
{
    struct hayi_cancel_item item = {.future = future, .force = force};
    item.item.kind = HAYI_ITEM_CANCEL;
    hayi_manager_post(bed_manager, &item.item);
    for (int i = 0; i < 3 && atomic_load(&item.done) == 0; i++) {
        bed_turn();
    }
    CU_ASSERT_EQUAL_FATAL(atomic_load(&item.done), 1);
    return item.status;
}

void bed_close_executor(bool cancel_pending)
{
    CU_ASSERT_EQUAL(hay_shutdown(bed_ex, false, cancel_pending), HAY_OK);
}

hay_outcome bed_outcome_of(const hay_future *future)
{
    hay_outcome outcome = {.size = sizeof(outcome)};
    CU_ASSERT_EQUAL(hay_future_outcome(future, &outcome), HAY_OK);
    return outcome;
}

void bed_check_end(hay_future *future, hay_status status, const char *words)
{
    CU_ASSERT_TRUE_FATAL(hay_future_done(future));
    hay_outcome outcome = bed_outcome_of(future);
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

/* ---- fixture ---- */

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

static const struct hayi_manager_ops ops = {post, joined, NULL};

void bed_open_manager(bool shared_memory, hay_output output, const char *path)
{
    static char *environment[] = {"FRUIT=pear", "OMPI_RANK=1", NULL};
    const struct hayi_worker_name name = {7, "node", 4711};
    hay_options options = HAY_OPTIONS_INIT;
    options.run_folder = path;
    options.output = output;
    CU_ASSERT_EQUAL_FATAL(hayi_executor_new(&options, &bed_ex), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&bed_ex->store, NULL), HAY_OK);
    const struct hayi_manager_config config = {
        .transport = bed_ends[0],
        .bell = &bed_bell,
        .ex = bed_ex,
        .options = &options,
        .names = &name,
        .epoch = BED_EPOCH,
        .shared_memory = shared_memory,
        .environment = environment,
    };
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL_FATAL(hayi_manager_new(&config, &bed_manager, &err),
                          HAY_OK);
    bed_ex->ops = &ops;
    bed_ex->manager = bed_manager;
}

void bed_ready(uint32_t cores)
{
    bed_open_manager(true, HAY_OUTPUT_DEFAULT, NULL);
    bed_join(cores);
    bed_expect("welcome\n");
}

int bed_setup_suite(void)
{
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    (void)snprintf(bed_run_folder, sizeof(bed_run_folder), "%s/run", folder);
    return hayi_registry_seal(NULL) != HAY_OK;
}

int bed_clean_suite(void)
{
    char line[sizeof(folder) + 20];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", folder);
    return system(line) != 0;
}

void bed_setup(void)
{
    CU_ASSERT_EQUAL(hayi_transport_inproc_new(&bed_ends[0], &bed_ends[1]),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_link_init(&bed_worker, bed_ends[1], 0, BED_EPOCH),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_bell_init(&bed_bell), HAY_OK);
    memset(bed_known, 0, sizeof(bed_known));
    bed_told[0] = 0;
    bed_ahead_ns = 0;
    bed_worker_ahead_ns = 0;
    bed_argument = 0;
    bed_answer_ranges = false;
    bed_manager = NULL;
    bed_ex = NULL;
}

void bed_close_end(int i)
{
    if (bed_ends[i] != NULL) {
        bed_ends[i]->ops->close(bed_ends[i], false);
        bed_ends[i] = NULL;
    }
}

void bed_end_manager(void)
{
    if (bed_manager != NULL) {
        hayi_manager_lose(bed_manager, 0, "the test is over");
        hayi_manager_refuse_late(
            bed_manager); /* hangs if a task was not told */
        hayi_manager_free(bed_manager);
        bed_manager = NULL;
    }
}

void bed_teardown(void)
{
    bed_end_manager();
    if (bed_ex != NULL) {
        hay_executor_free(bed_ex);
    }
    hayi_link_fini(&bed_worker);
    bed_close_end(0);
    bed_close_end(1);
    hayi_bell_fini(&bed_bell);
}
