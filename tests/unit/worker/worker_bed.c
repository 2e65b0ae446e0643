/* worker_bed.c - see worker_bed.h. */
#include "config.h"

#include "worker_bed.h"

#include "base/clock.h"
#include "wire/command.h"
#include "wire/record.h"
#include "wire/value.h"

#include "support/unit.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bed bed;

/* ---- functions ---- */

HAY_TASK(bed_counts)
{
    atomic_fetch_add(&bed.ran, 1);
    return hay_return_int64(task, (int64_t)hay_task_get_id(task));
}

HAY_TASK(bed_gate)
{
    (void)sem_post(&bed.began);
    (void)sem_wait(&bed.go_on);
    return hay_task_cancelled(task) ? HAY_ECANCELLED : HAY_OK;
}

HAY_TASK(bed_runs_until_told)
{
    (void)sem_post(&bed.began);
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(bed_talks)
{
    hay_task_log(task, "hello");
    return HAY_OK;
}

/* ---- the worker's words ---- */

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *format, ...)
{
    size_t used = strlen(bed.told);
    va_list list;
    va_start(list, format);
    (void)vsnprintf(bed.told + used, sizeof(bed.told) - used, format, list);
    va_end(list);
    bed.told_count++;
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

static void note_returned(const void *body, size_t size)
{
    const struct hayi_attempt_record *head = body;
    const uint64_t part = head->missing * sizeof(uint64_t);
    const void *at = NULL;
    char text[200] = "";
    CU_ASSERT_EQUAL_FATAL(
        hayi_record_parts(body, size, sizeof(*head), &part, 1, 0, &at, NULL),
        HAY_OK);
    for (uint32_t i = 0; i < head->missing && i < 5; i++) {
        size_t used = strlen(text);
        (void)snprintf(text + used,
                       sizeof(text) - used,
                       " without %" PRIu64,
                       ((const uint64_t *)at)[i]);
    }
    note("returned %" PRIu64 ".%u%s\n", head->task, head->attempt, text);
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
        if (bed.hide_started) {
            break;
        }
        note("started %" PRIu64 ".%u\n", attempt->task, attempt->attempt);
        break;
    case HAYI_RECORD_RETURNED:
        note_returned(body, size);
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
    case HAYI_RECORD_GONE:
        for (uint64_t i = 0; i < ((const struct hayi_gone_record *)body)->count;
             i++) {
            note("gone %" PRIu64 "\n", ((const uint64_t *)body)[1 + i]);
        }
        break;
    case HAYI_RECORD_LEFT:
        note("left %" PRIu64 "\n",
             ((const struct hayi_left_record *)body)->count);
        break;
    case HAYI_RECORD_MEMORY:
        note("memory %" PRIu64 "\n",
             ((const struct hayi_memory_record *)body)->used_permille);
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
                        bed.manager.channel, data, size, on_record, NULL, &err),
                    HAY_OK);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

/* ---- the manager's part ---- */

void bed_turn(void)
{
    const struct hayi_transport_sink sink = {.frame = on_frame,
                                             .down = on_down};
    (void)hayi_link_flush(&bed.manager, bed.ends[0], 1);
    (void)hayi_worker_poll(bed.worker, hayi_clock_ns() + bed.ahead_ns);
    (void)bed.ends[0]->ops->poll(bed.ends[0], &sink);
}

void bed_await(unsigned count)
{
    for (int i = 0; i < BED_LIMIT_MS && bed.told_count < count; i++) {
        bed_turn();
        (void)poll(NULL, 0, bed.told_count < count ? 1 : 0);
    }
}

void bed_expect(unsigned count, const char *lines)
{
    bed_await(count);
    for (int i = 0; i < 3; i++) {
        bed_turn(); /* nothing more */
    }
    if (strcmp(bed.told, lines) != 0) {
        (void)printf("# told:\n%s# expected:\n%s", bed.told, lines);
    }
    CU_ASSERT_STRING_EQUAL(bed.told, lines);
    bed.told[0] = 0;
    bed.told_count = 0;
}

void bed_say(uint16_t type, const void *head, size_t size)
{
    CU_ASSERT_EQUAL(hayi_link_append(&bed.manager, type, head, size), HAY_OK);
}

static void *record(uint16_t type, size_t size)
{
    void *body = hayi_channel_append(bed.manager.channel, type, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    memset(body, 0, size);
    return body;
}

void bed_welcome(uint32_t slots)
{
    const char env[] = "FRUIT=pear\0PLACE=garden";
    const char *spill = bed.spill_folder;
    size_t spill_size = spill != NULL ? strlen(spill) + 1 : 0;
    const struct hayi_welcome head = {
        .silence_ns = 10000000000,
        .memory_limit_bytes = 64 << 20,
        .spill_folder_size = spill_size,
        .cwd_size = 2,
        .env_size = sizeof(env),
        .slots = slots,
        .output = HAY_OUTPUT_NULL,
        .no_pin = 1,
    };
    const uint64_t parts[4] = {0, head.cwd_size, head.env_size, spill_size};
    void *body =
        record(HAYI_RECORD_WELCOME, hayi_record_size(sizeof(head), parts, 4));
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, "/", 2);
    body = hayi_record_put(body, env, sizeof(env));
    (void)hayi_record_put(body, spill, spill_size);
}

struct hayi_task_record bed_task_of(uint64_t number, uint8_t kind)
{
    return (struct hayi_task_record){
        .task = number,
        .id = number,
        .attempt = 1,
        .cores = 1,
        .kind = kind,
    };
}

void bed_hand_out(struct hayi_task_record head,
                  const void *args,
                  size_t args_size)
{
    head.args_size = args_size;
    const uint64_t parts[2] = {args_size, 0};
    char *body =
        record(HAYI_RECORD_TASK, hayi_record_size(sizeof(head), parts, 2));
    memcpy(body, &head, sizeof(head));
    memcpy(body + sizeof(head), args, args_size);
}

void bed_call(uint64_t number, hay_task_fn function)
{
    const uint64_t none = 0;
    struct hayi_task_record head = bed_task_of(number, HAYI_TASK_FUNCTION);
    head.function = hayi_registry_find(function);
    bed_hand_out(head, &none, sizeof(none));
}

void bed_data_call(uint64_t number,
                   hay_task_fn function,
                   const struct hayi_buffer *args)
{
    struct hayi_task_record head = bed_task_of(number, HAYI_TASK_FUNCTION);
    head.function = hayi_registry_find(function);
    head.flags = HAYI_TASK_DATA;
    bed_hand_out(head, args->data, args->size);
}

void bed_fake(uint64_t number, uint64_t duration_ns)
{
    struct hayi_task_record head = bed_task_of(number, HAYI_TASK_FAKE);
    head.index = duration_ns;
    bed_hand_out(head, "", 0);
}

void bed_command(uint64_t number, const char *line)
{
    hay_command c = HAY_COMMAND_INIT;
    size_t size = 0;
    c.line = line;
    CU_ASSERT_EQUAL_FATAL(hayi_command_measure(&c, &size, NULL), HAY_OK);
    char *bytes = calloc(1, size);
    hayi_command_write(&c, bytes);
    bed_hand_out(bed_task_of(number, HAYI_TASK_COMMAND), bytes, size);
    free(bytes);
}

void bed_cancel(uint64_t number, bool force)
{
    const struct hayi_cancel_record head = {
        .task = number, .attempt = 1, .force = force};
    bed_say(HAYI_RECORD_CANCEL, &head, sizeof(head));
}

void bed_recall(uint32_t count)
{
    const struct hayi_recall head = {.count = count, .below = INT32_MAX};
    bed_say(HAYI_RECORD_RECALL, &head, sizeof(head));
}

void bed_stop(bool at_once)
{
    const struct hayi_stop head = {.at_once = at_once};
    bed_say(HAYI_RECORD_STOP, &head, sizeof(head));
}

/* ---- fixture ---- */

void bed_open_worker(bool shared_memory, struct hayi_spawner *with)
{
    const struct hayi_worker_config config = {
        .transport = bed.ends[1],
        .bell = &bed.bell,
        .topology = bed.topology,
        .masks = &bed.mask,
        .mask_count = 1,
        .spawner = with,
        .store = bed.store,
        .keep_store = bed.before != NULL,
        .before = bed.before,
        .before_count = bed.before_count,
        .host = "orchard",
        .epoch = BED_EPOCH,
        .shared_memory = shared_memory,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_worker_new(&config, &bed.worker, NULL), HAY_OK);
}

int bed_setup_suite(void)
{
    if (hayi_registry_seal(NULL) != HAY_OK
        || hayi_topology_new(&bed.topology, NULL) != HAY_OK) {
        return 1;
    }
    hayi_topology_mask(bed.topology, &bed.mask);
    return 0;
}

int bed_clean_suite(void)
{
    hayi_topology_free(bed.topology);
    hayi_spawner_free(bed.spawner);
    bed.spawner = NULL;
    return 0;
}

void bed_setup(void)
{
    CU_ASSERT_EQUAL(hayi_transport_inproc_new(&bed.ends[0], &bed.ends[1]),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_link_init(&bed.manager, bed.ends[0], 1, BED_EPOCH),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_bell_init(&bed.bell), HAY_OK);
    (void)sem_init(&bed.began, 0, 0);
    (void)sem_init(&bed.go_on, 0, 0);
    atomic_store(&bed.ran, 0);
    bed.ahead_ns = 0;
    bed.hide_started = true;
    bed.told[0] = 0;
    bed.told_count = 0;
    bed.worker = NULL;
    bed.store = NULL;
    bed.spill_folder = NULL;
    bed.before = NULL;
    bed.before_count = 0;
}

void bed_teardown(void)
{
    hayi_worker_free(bed.worker);
    hayi_store_free(bed.store);
    hayi_link_fini(&bed.manager);
    for (int i = 0; i < 2; i++) {
        if (bed.ends[i] != NULL) {
            bed.ends[i]->ops->close(bed.ends[i], true);
            bed.ends[i] = NULL;
        }
    }
    hayi_bell_fini(&bed.bell);
    (void)sem_destroy(&bed.began);
    (void)sem_destroy(&bed.go_on);
}

void bed_joined(uint32_t slots, struct hayi_spawner *with)
{
    char line[40];
    bed_open_worker(true, with);
    bed_welcome(slots);
    (void)snprintf(line, sizeof(line), "join %u cores\n", slots);
    bed_expect(1, line);
}

void bed_expect_end(enum hayi_worker_end end, const char *words)
{
    struct hayi_error err = {HAY_OK, ""};
    for (int i = 0;
         i < BED_LIMIT_MS
         && hayi_worker_ended(bed.worker, &err) == HAYI_WORKER_SERVES;
         i++) {
        bed_turn();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT_EQUAL(hayi_worker_ended(bed.worker, &err), end);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
}
