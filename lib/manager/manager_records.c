/* manager_records.c - what workers say, as events of the core. */
#include "config.h"

#include "manager/manager_nested.h"

#include "base/clock.h"
#include "base/variable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- WELCOME ---------------------------------------------------------------
 */

hay_status hayi_manager_make_environment(struct hayi_manager *manager,
                                         char *const *environment)
{
    struct hayi_buffer *out = &manager->env;
    hay_status status = HAY_OK;
    for (char *const *v = environment; *v != NULL && status == HAY_OK; v++) {
        if (hayi_variable_origin(*v) == HAYI_VARIABLE_SUBMITTER) {
            status = hayi_buffer_append(out, *v, strlen(*v) + 1);
        }
    }
    if (manager->run_folder_path != NULL && status == HAY_OK) {
        char text[4200];
        int n = snprintf(text,
                         sizeof(text),
                         "HAY_TASK_RUN_FOLDER=%s",
                         manager->run_folder_path);
        status = hayi_buffer_append(out, text, (size_t)n + 1);
    }
    return status;
}

/* umask() itself can only be asked by changing it, which the program's other
 * threads would notice. */
static mode_t read_umask(void)
{
    char line[256];
    unsigned mask = 0;
    bool found = false;
    FILE *file = fopen("/proc/self/status", "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL) {
        found = sscanf(line, "Umask: %o", &mask) == 1;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    if (!found) {
        mask = umask(0);
        (void)umask((mode_t)mask);
    }
    return (mode_t)mask;
}

hay_status hayi_manager_welcome(struct hayi_manager *manager,
                                struct hayi_peer *peer,
                                const hay_options *options,
                                struct hayi_error *err)
{
    char cwd[4096];
    const struct hayi_buffer *env = &manager->env;
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        (void)snprintf(cwd, sizeof(cwd), "/");
    }
    mode_t mask = read_umask();
    const char *folder = manager->run_folder_path;
    const char *resources = options->resources;
    const struct hayi_welcome head = {
        .seed = options->seed,
        .silence_ns = manager->silence_ns,
        .run_folder_size = folder != NULL ? strlen(folder) + 1 : 0,
        .cwd_size = strlen(cwd) + 1,
        .env_size = env->size,
        .spill_folder_size = options->spill_folder != NULL
                                 ? strlen(options->spill_folder) + 1
                                 : 0,
        .memory_limit_bytes = options->memory_limit_bytes,
        .resources_size = resources != NULL ? strlen(resources) + 1 : 0,
        .slots = options->slots,
        .output = (uint32_t)manager->output,
        .umask_bits = (uint32_t)mask,
        .no_pin = options->no_pin,
        .worker = peer->name.number,
        .checksum = options->checksum,
        .gpus = options->gpus,
        .child_tasks_max = options->child_tasks_max,
        .child_memory_max_bytes = options->child_memory_max_bytes,
        .child_idle_ns = options->child_idle_ns,
        .suspended_max = options->suspended_max,
        .run_epoch = manager->run_epoch,
    };
    const uint64_t parts[5] = {head.run_folder_size,
                               head.cwd_size,
                               head.env_size,
                               head.spill_folder_size,
                               head.resources_size};
    size_t size = hayi_record_size(sizeof(head), parts, 5);
    unsigned char *body = size > HAYI_RECORD_MAX
                              ? NULL
                              : hayi_channel_append(peer->link.channel,
                                                    HAYI_RECORD_WELCOME,
                                                    size);
    if (body == NULL) {
        return hayi_fail(err,
                         HAY_ETOOBIG,
                         "the environment is too large to be sent "
                         "(%zu bytes)",
                         size);
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, folder, parts[0]);
    body = hayi_record_put(body, cwd, parts[1]);
    body = hayi_record_put(body, env->data, parts[2]);
    body = hayi_record_put(body, options->spill_folder, parts[3]);
    (void)hayi_record_put(body, resources, parts[4]);
    return HAY_OK;
}

/* ---- clocks ----------------------------------------------------------------
 */

/* From each message and its answer: the worker's clock minus ours is at most
 * (its time at receipt - ours at sending) and at least (its time at sending -
 * ours at receipt).  0, where it may be, is the truth: one host. */
static void learn_offset(struct hayi_peer *peer, int64_t low, int64_t high)
{
    if (low > peer->offset_low) {
        peer->offset_low = low;
    }
    if (high < peer->offset_high) {
        peer->offset_high = high;
    }
    if (peer->offset_low <= 0 && 0 <= peer->offset_high) {
        peer->offset_ns = 0;
    } else if (peer->offset_high == INT64_MAX) {
        peer->offset_ns = peer->offset_low;
    } else {
        peer->offset_ns = peer->offset_low / 2 + peer->offset_high / 2;
    }
}

void hayi_manager_ping(struct hayi_manager *manager)
{
    if (manager->config.shared_memory) {
        return;
    }
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        if (!peer->gone
            && manager->now_ns - peer->ping_ns >= HAYI_MANAGER_PING_NS) {
            peer->ping_ns = manager->now_ns;
            const struct hayi_ping ping = {.manager_ns = hayi_clock_ns()};
            (void)hayi_link_append(
                &peer->link, HAYI_RECORD_PING, &ping, sizeof(ping));
        }
    }
}

static void on_pong(struct hayi_peer *peer, const struct hayi_ping *pong)
{
    learn_offset(peer,
                 (int64_t)(pong->worker_ns - hayi_clock_ns()),
                 (int64_t)(pong->worker_ns - pong->manager_ns));
}

/* A time of the worker's since our start, not before 'floor_ns' (ours) and not
 * after now, which keeps causes before effects whatever the clocks say. */
static uint64_t since_start(const struct hayi_manager *manager,
                            const struct hayi_peer *peer,
                            uint64_t worker_ns,
                            uint64_t floor_ns)
{
    int64_t ours = (int64_t)(worker_ns - (uint64_t)peer->offset_ns);
    if (!manager->config.shared_memory) {
        int64_t now = (int64_t)hayi_clock_ns();
        ours = ours < now ? ours : now;
    }
    if (ours < (int64_t)floor_ns) {
        ours = (int64_t)floor_ns;
    }
    int64_t since = ours - (int64_t)manager->start_ns;
    return since > 0 ? (uint64_t)since : 0;
}

/* When an attempt ran, since our start: never backwards; 0, 0: it never did. */
struct span {
    uint64_t start_ns, end_ns;
};

static struct span span_of(const struct hayi_manager *manager,
                           const struct hayi_peer *peer,
                           uint64_t start_ns,
                           uint64_t end_ns,
                           uint64_t handed_ns)
{
    struct span span = {0, 0};
    if (start_ns == 0) {
        return span;
    }
    span.start_ns = since_start(manager, peer, start_ns, handed_ns);
    span.end_ns = since_start(manager, peer, end_ns, handed_ns);
    if (span.end_ns < span.start_ns) {
        span.end_ns = span.start_ns;
    }
    return span;
}

/* ---- records ---------------------------------------------------------------
 */

static hay_status on_join(struct hayi_manager *manager,
                          struct hayi_peer *peer,
                          const void *body,
                          size_t size,
                          struct hayi_error *err)
{
    const struct hayi_join *head = body;
    if (size < sizeof(*head) || peer->joined) {
        return hayi_fail(err, HAY_EMISMATCH, "an unexpected join");
    }
    const uint64_t parts[2] = {head->host_size, head->resources_size};
    const void *at[2];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 2, 3u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    if (head->store_of >= manager->peer_count) {
        return hayi_fail(err, HAY_EMISMATCH, "a join with a wrong node");
    }
    struct hayi_amount amounts[HAYI_RESOURCE_MAX];
    size_t amount_count = 0;
    status = hayi_manager_amounts(
        manager, parts[1] > 0 ? at[1] : "", amounts, &amount_count, err);
    if (status != HAY_OK) {
        return status;
    }
    const struct hayi_capacity capacity = {
        .cores = head->cores,
        .gpus = head->gpus,
        .memory_bytes = head->memory_bytes,
        .amounts = amounts,
        .amount_count = amount_count,
    };
    if (hayi_resources_joined(
            manager->ex->resources, peer->link.peer - 1, &capacity)
        != HAY_OK) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a worker");
    }
    peer->joined = true;
    peer->node = head->store_of;
    peer->member = head->member;
    peer->cores = head->cores;
    peer->gpus = head->gpus;
    peer->memory_bytes = head->memory_bytes;
    (void)atomic_fetch_add(&manager->ex->node_cores[peer->node], head->cores);
    manager->joined_count++;
    struct hayi_event event = {
        .kind = HAYI_EVENT_JOINED,
        .u.joined = {.worker = peer->link.peer - 1,
                     .node = peer->node,
                     .cores = head->cores,
                     .gpus = head->gpus,
                     .memory_bytes = head->memory_bytes,
                     .amounts = amounts,
                     .amount_count = amount_count},
    };
    hay_executor *ex = manager->ex;
    if (head->cores > atomic_load(&ex->cores_max)) {
        atomic_store(&ex->cores_max, head->cores);
    }
    if (head->gpus > atomic_load(&ex->gpus_max)) {
        atomic_store(&ex->gpus_max, head->gpus);
    }
    if (head->memory_bytes > atomic_load(&ex->memory_max)) {
        atomic_store(&ex->memory_max, head->memory_bytes);
    }
    (void)atomic_fetch_add(&ex->cores, head->cores);
    (void)atomic_fetch_add(&ex->workers, 1);
    manager->wake = true;
    hayi_manager_step(manager, &event, NULL);
    return HAY_OK;
}

/* 0: it never started. */
static uint64_t run_ns(uint64_t start_ns, uint64_t end_ns)
{
    return start_ns != 0 && end_ns > start_ns ? end_ns - start_ns : 0;
}

/* What the worker says, or else what the outcome tells. */
static hay_cause cause_of(const struct hayi_ended *head)
{
    switch ((enum hayi_outcome)head->outcome) {
    case HAYI_OUTCOME_FAILED:
        return head->cause != 0 ? (hay_cause)head->cause : HAY_CAUSE_STATUS;
    case HAYI_OUTCOME_FARM:
        return head->cause != 0 ? (hay_cause)head->cause : HAY_CAUSE_FARM;
    case HAYI_OUTCOME_CANCELLED: /* unfinished, or nothing */
        return head->cause == HAY_CAUSE_WALLTIME ? HAY_CAUSE_WALLTIME
                                                 : HAY_CAUSE_NONE;
    case HAYI_OUTCOME_FINISHED:
    default:
        return HAY_CAUSE_NONE;
    }
}

static hay_status on_ended(struct hayi_manager *manager,
                           struct hayi_peer *peer,
                           const void *body,
                           size_t size,
                           struct hayi_error *err)
{
    const struct hayi_ended *head = body;
    if (size < sizeof(*head)) {
        return hayi_fail(err, HAY_EMISMATCH, "a report is too short");
    }
    const uint64_t parts[5] = {
        (head->flags & HAYI_ENDED_CAPTURE) != 0
            ? sizeof(struct hayi_capture_record)
            : 0,
        head->reason_size,
        head->value_size,
        head->had_size,
        (head->flags & HAYI_ENDED_KEPT) != 0 ? sizeof(struct hayi_kept) : 0,
    };
    const void *at[5];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 5, 10u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    const struct span span =
        span_of(manager, peer, head->start_ns, head->end_ns, head->handed_ns);
    struct hayi_report report = {
        .start_ns = span.start_ns,
        .end_ns = span.end_ns,
        .exit_code = head->exit_code,
        .signal = head->signal,
        .cause = (uint8_t)cause_of(head),
        .memory_peak_bytes = head->memory_peak_bytes,
        .slot = head->slot,
        .cores = head->cores,
        .reason = parts[1] > 0 ? at[1] : "",
        .value = at[2],
        .value_size = head->value_size,
        .capture = parts[0] > 0 ? at[0] : NULL,
        .had = parts[3] > 0 ? at[3] : "",
        .kept = parts[4] > 0 ? at[4] : NULL,
    };
    struct hayi_event event = {
        .kind = HAYI_EVENT_ENDED,
        .u.ended = {.worker = peer->link.peer - 1,
                    .task = head->task,
                    .attempt = head->attempt,
                    .outcome = head->outcome,
                    .cause = report.cause,
                    .run_ns =
                        run_ns(head->start_ns + head->waited_ns, head->end_ns),
                    .report = 1},
    };
    if (manager->config.shared_memory
        && (head->flags & HAYI_ENDED_CLIENT) != 0) {
        hayi_manager_drain_inbox(manager); /* what it submitted comes first */
    }
    if ((head->flags & HAYI_ENDED_FOLLOW) != 0) {
        return hayi_manager_follow(manager, &event, &report, err);
    }
    if (head->value_size > 0 && (head->flags & HAYI_ENDED_OBJECTS) != 0) {
        return hayi_manager_made(manager, peer, &event, &report, err);
    }
    hayi_manager_step(manager, &event, &report);
    return HAY_OK;
}

static hay_status on_range_ended(struct hayi_manager *manager,
                                 struct hayi_peer *peer,
                                 const void *body,
                                 size_t size,
                                 struct hayi_error *err)
{
    const struct hayi_range_ended *head = body;
    if (size < sizeof(*head)) {
        return hayi_fail(err, HAY_EMISMATCH, "a report is too short");
    }
    const uint64_t parts[3] = {
        head->failures * sizeof(struct hayi_range_failure),
        head->text_size,
        head->out_bytes,
    };
    const void *at[3];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 3, 2u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    const struct span span =
        span_of(manager, peer, head->start_ns, head->end_ns, head->handed_ns);
    const struct hayi_report report = {
        .start_ns = span.start_ns,
        .end_ns = span.end_ns,
        .slot = head->slot,
        .cores = 1,
        .reason = "",
        .failures = at[0],
        .failure_count = head->failures,
        .failure_text = at[1],
        .failure_text_size = head->text_size,
        .out = at[2],
        .out_bytes = head->out_bytes,
    };
    struct hayi_event event = {
        .kind = HAYI_EVENT_ENDED,
        .u.ended = {.worker = peer->link.peer - 1,
                    .task = head->task,
                    .attempt = head->attempt,
                    .outcome = head->outcome,
                    .run_ns =
                        run_ns(head->start_ns + head->waited_ns, head->end_ns),
                    .items = head->items,
                    .failed = head->failed,
                    .report = 1},
    };
    hayi_manager_step(manager, &event, &report);
    return HAY_OK;
}

static hay_status on_attempt(struct hayi_manager *manager,
                             const struct hayi_peer *peer,
                             enum hayi_event_kind kind,
                             const void *body,
                             size_t size,
                             struct hayi_error *err)
{
    const struct hayi_attempt_record *record = body;
    const uint64_t missing_size = record->missing * sizeof(uint64_t);
    const void *missing = NULL;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*record), &missing_size, 1, 0, &missing, err);
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_event event = {
        .kind = kind,
        .u.started = {.worker = peer->link.peer - 1,
                      .task = record->task,
                      .attempt = record->attempt,
                      .missing = missing,
                      .missing_count = record->missing},
    };
    hayi_manager_step(manager, &event, NULL);
    return HAY_OK;
}

static hay_status on_moved(struct hayi_manager *manager,
                           const void *body,
                           size_t size,
                           struct hayi_error *err)
{
    const struct hayi_moved_record *record = body;
    const void *words = NULL;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*record), &record->words_size, 1, 1u, &words, err);
    if (status == HAY_OK) {
        hayi_manager_moved(
            manager, record, record->words_size > 0 ? words : "");
    }
    return status;
}

static hay_status on_gone(struct hayi_manager *manager,
                          const struct hayi_peer *peer,
                          const void *body,
                          size_t size,
                          struct hayi_error *err)
{
    const struct hayi_gone_record *record = body;
    const void *list = NULL;
    const uint64_t list_size = record->count <= size / sizeof(uint64_t)
                                   ? record->count * sizeof(uint64_t)
                                   : UINT64_MAX;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*record), &list_size, 1, 0, &list, err);
    const uint64_t *objects = list;
    for (uint64_t i = 0; status == HAY_OK && i < record->count; i++) {
        struct hayi_event gone = {
            .kind = HAYI_EVENT_GONE,
            .u.gone = {.node = peer->node, .object = objects[i]},
        };
        hayi_manager_step(manager, &gone, NULL);
    }
    return status;
}

static hay_status on_left(struct hayi_manager *manager,
                          const struct hayi_peer *peer,
                          const void *body,
                          size_t size,
                          struct hayi_error *err)
{
    const struct hayi_left_record *record = body;
    const void *list = NULL;
    const uint64_t list_size = record->count <= size / sizeof(uint64_t)
                                   ? record->count * sizeof(uint64_t)
                                   : UINT64_MAX;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*record), &list_size, 1, 0, &list, err);
    uint64_t *places =
        status == HAY_OK && list_size > 0 ? malloc((size_t)list_size) : NULL;
    if (places != NULL) {
        memcpy(places, list, (size_t)list_size);
        hayi_manager_left(manager,
                          peer->node,
                          peer->link.peer - 1,
                          places,
                          (size_t)record->count);
    }
    return status;
}

static void on_memory(struct hayi_manager *manager,
                      const struct hayi_peer *peer,
                      const struct hayi_memory_record *record)
{
    struct hayi_event memory = {
        .kind = HAYI_EVENT_MEMORY,
        .u.memory = {.node = peer->node,
                     .used_permille = (uint32_t)record->used_permille},
    };
    hayi_manager_step(manager, &memory, NULL);
}

static void on_recall_done(struct hayi_manager *manager,
                           const struct hayi_peer *peer)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_RECALL_DONE,
        .u.recall_done = {.worker = peer->link.peer - 1},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void on_words(struct hayi_manager *manager,
                     struct hayi_peer *peer,
                     uint16_t type,
                     const char *text)
{
    if (type == HAYI_RECORD_LOG) {
        (void)fprintf(stderr, "%s\n", text);
        return;
    }
    struct hayi_error err;
    (void)hayi_fail(&err,
                    HAY_EFARM,
                    "hayfork: worker %" PRIu32 " on %s cannot serve: %s",
                    peer->name.number,
                    peer->name.host,
                    text);
    hayi_manager_break(manager, &err);
}

struct from {
    struct hayi_manager *manager;
    struct hayi_peer *peer;
    struct hayi_error *err;
};

/* The least size of each record that is taken by its head alone. */
static size_t least_size(uint16_t type)
{
    switch (type) {
    case HAYI_RECORD_STARTED:
    case HAYI_RECORD_RETURNED:
    case HAYI_RECORD_RESUMED:
        return sizeof(struct hayi_attempt_record);
    case HAYI_RECORD_SUSPENDED:
    case HAYI_RECORD_CLAIM:
        return sizeof(struct hayi_suspended_record);
    case HAYI_RECORD_PONG:
        return sizeof(struct hayi_ping);
    case HAYI_RECORD_MOVED:
        return sizeof(struct hayi_moved_record);
    case HAYI_RECORD_GONE:
        return sizeof(struct hayi_gone_record);
    case HAYI_RECORD_LEFT:
        return sizeof(struct hayi_left_record);
    case HAYI_RECORD_MEMORY:
        return sizeof(struct hayi_memory_record);
    case HAYI_RECORD_LEAVE:
        return sizeof(struct hayi_leave_record);
    default:
        return 0;
    }
}

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    const struct from *from = context;
    struct hayi_manager *manager = from->manager;
    struct hayi_peer *peer = from->peer;
    if (size < least_size(type)) {
        return hayi_fail(
            from->err, HAY_EMISMATCH, "a record of type %u is too short", type);
    }
    switch (type) {
    case HAYI_RECORD_JOIN:
        return on_join(manager, peer, body, size, from->err);
    case HAYI_RECORD_ENDED:
        return on_ended(manager, peer, body, size, from->err);
    case HAYI_RECORD_RANGE_ENDED:
        return on_range_ended(manager, peer, body, size, from->err);
    case HAYI_RECORD_STARTED:
        return on_attempt(
            manager, peer, HAYI_EVENT_STARTED, body, size, from->err);
    case HAYI_RECORD_RETURNED:
        return on_attempt(
            manager, peer, HAYI_EVENT_RETURNED, body, size, from->err);
    case HAYI_RECORD_SUSPENDED:
    case HAYI_RECORD_RESUMED:
    case HAYI_RECORD_CLAIM:
        hayi_manager_on_wait(manager, peer->link.peer - 1, type, body);
        return HAY_OK;
    case HAYI_RECORD_MOVED:
        return on_moved(manager, body, size, from->err);
    case HAYI_RECORD_GONE:
        return on_gone(manager, peer, body, size, from->err);
    case HAYI_RECORD_LEFT:
        return on_left(manager, peer, body, size, from->err);
    case HAYI_RECORD_MEMORY:
        on_memory(manager, peer, body);
        return HAY_OK;
    case HAYI_RECORD_LEAVE:
        hayi_manager_on_leave(manager, peer, body);
        return HAY_OK;
    case HAYI_RECORD_RECALL_DONE:
        on_recall_done(manager, peer);
        return HAY_OK;
    case HAYI_RECORD_PONG:
        on_pong(peer, body);
        return HAY_OK;
    case HAYI_RECORD_LOG:
    case HAYI_RECORD_REFUSE: {
        const struct hayi_words *words = body;
        const void *text = NULL;
        hay_status status = hayi_record_parts(
            body,
            size,
            sizeof(*words),
            size < sizeof(*words) ? &(uint64_t){0} : &words->size,
            1,
            1u,
            &text,
            from->err);
        if (status == HAY_OK) {
            on_words(manager, peer, type, words->size > 0 ? text : "");
        }
        return status;
    }
    case HAYI_RECORD_BYE:
        if (!manager->stopping && peer->let_go_ns == 0) {
            return hayi_fail(
                from->err, HAY_EMISMATCH, "it leaves without being told to");
        }
        peer->bye = true;
        return HAY_OK;
    default:
        if (hayi_nest_is(type, true)) {
            return hayi_manager_nested_record(
                manager, peer, type, body, size, from->err);
        }
        return hayi_fail(
            from->err, HAY_EMISMATCH, "a record of unknown type %u", type);
    }
}

void hayi_manager_on_frame(void *context,
                           uint32_t number,
                           const void *data,
                           size_t size)
{
    struct hayi_manager *manager = context;
    if (number == 0 || number >= manager->peer_count) {
        return;
    }
    if (manager->peers[number].gone) {
        hayi_manager_fence(manager, number);
        return;
    }
    struct hayi_peer *peer = &manager->peers[number];
    peer->link.heard_ns = manager->now_ns;
    if (peer->joined
        && manager->now_ns - peer->heard_event_ns > HAYI_MANAGER_HEARD_NS) {
        peer->heard_event_ns = manager->now_ns;
        struct hayi_event event = {.kind = HAYI_EVENT_HEARD,
                                   .u.heard = {.worker = number - 1}};
        hayi_manager_step(manager, &event, NULL);
    }
    struct hayi_error err;
    struct from from = {manager, peer, &err};
    if (hayi_channel_receive(
            peer->link.channel, data, size, on_record, &from, &err)
        != HAY_OK) {
        hayi_manager_lose(manager, number - 1, err.text);
    }
}
