/* worker.c - see worker.h: the records that come, the round, the end. */
#include "config.h"

#include "worker/worker_inside.h"

#include "base/clock.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

/* ---- records ---------------------------------------------------------------
 */

static hay_status
on_task(struct hayi_worker *worker, const void *body, size_t size, bool range)
{
    struct hay_task *task = NULL;
    hay_status status =
        range ? hayi_task_new_range(
            &worker->farm, body, size, &task, &worker->error)
              : hayi_task_new(&worker->farm, body, size, &task, &worker->error);
    if (status != HAY_OK) {
        return status;
    }
    if (task->record.inline_of != 0) {
        hayi_worker_hold(worker, task);
        hayi_worker_on_inline(worker, task);
        return HAY_OK;
    }
    uint8_t kind = HAYI_WKIND_THREAD;
    if (task->record.kind == HAYI_TASK_COMMAND) {
        kind = HAYI_WKIND_COMMAND;
    } else if (task->record.kind == HAYI_TASK_FAKE) {
        kind = HAYI_WKIND_FAKE;
    } else if ((task->record.flags & HAYI_TASK_PROCESS) != 0) {
        kind = HAYI_WKIND_PROCESS;
    }
    const struct hayi_wevent event = {
        .kind = HAYI_WEVENT_ARRIVED,
        .u.arrived = {.task = task->record.task,
                      .attempt = task->record.attempt,
                      .kind = kind,
                      .prompt = (task->record.flags & HAYI_TASK_PROMPT) != 0,
                      .cores = task->record.cores,
                      .memory_bytes = task->record.memory_bytes,
                      .priority = task->record.priority,
                      .gpu_mask = task->record.gpu_mask,
                      .depth = task->record.depth,
                      .cookie = task},
    };
    status = hayi_wstate_step(worker->state, &event, &worker->actions);
    if (status != HAY_OK) {
        hayi_task_free(task);
        return hayi_fail(&worker->error,
                         status,
                         status == HAY_ENOMEM
                             ? "out of memory for a task"
                             : "a task that this worker cannot run");
    }
    hayi_worker_hold(worker, task);
    return HAY_OK;
}

static hay_status on_cancel(struct hayi_worker *worker, const void *body)
{
    const struct hayi_cancel_record *cancel = body;
    const struct hayi_wevent event = {
        .kind = HAYI_WEVENT_CANCEL,
        .u.cancel = {.task = cancel->task,
                     .attempt = cancel->attempt,
                     .force = cancel->force != 0,
                     .unstarted_only = cancel->unstarted_only != 0},
    };
    if (!hayi_worker_cancel_inline(worker, cancel)) {
        hayi_worker_step(worker, &event);
    }
    return HAY_OK;
}

static hay_status on_recall(struct hayi_worker *worker, const void *body)
{
    const struct hayi_recall *recall = body;
    const struct hayi_wevent event = {
        .kind = HAYI_WEVENT_RECALL,
        .u.recall = {.count = recall->count,
                     .below = recall->below,
                     .below_depth = recall->below_depth},
    };
    hayi_worker_step(worker, &event);
    return HAY_OK;
}

static hay_status on_ping(struct hayi_worker *worker, const void *body)
{
    struct hayi_ping pong = *(const struct hayi_ping *)body;
    pong.worker_ns = hayi_clock_ns();
    return hayi_link_append(
        &worker->link, HAYI_RECORD_PONG, &pong, sizeof(pong));
}

static hay_status on_stop(struct hayi_worker *worker, const void *body)
{
    const struct hayi_stop *stop = body;
    if (stop->at_once) {
        hayi_worker_fail(worker, HAYI_WORKER_AT_ONCE);
        return HAY_OK;
    }
    worker->stopping = true;
    if (worker->state != NULL) {
        const struct hayi_wevent event = {.kind = HAYI_WEVENT_STOP};
        hayi_worker_step(worker, &event);
    }
    return HAY_OK;
}

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    struct hayi_worker *worker = context;
    if (type == HAYI_RECORD_TASK && worker->state != NULL) {
        return on_task(worker, body, size, false); /* the most by far */
    }
    static const size_t least[] = {
        [HAYI_RECORD_RECALL] = sizeof(struct hayi_recall),
        [HAYI_RECORD_CANCEL] = sizeof(struct hayi_cancel_record),
        [HAYI_RECORD_PING] = sizeof(struct hayi_ping),
        [HAYI_RECORD_STOP] = sizeof(struct hayi_stop),
        [HAYI_RECORD_SEND] = sizeof(struct hayi_send_record),
        [HAYI_RECORD_RECEIVE] = sizeof(struct hayi_send_record),
        [HAYI_RECORD_DROP] = sizeof(struct hayi_send_record),
        [HAYI_RECORD_LOST] = sizeof(struct hayi_lost_record),
        [HAYI_RECORD_CLAIM_DENIED] = sizeof(struct hayi_attempt_record),
        [HAYI_RECORD_DEADLINE] = sizeof(struct hayi_deadline_record),
    };
    if (type < sizeof(least) / sizeof(least[0]) && size < least[type]) {
        return hayi_fail(&worker->error,
                         HAY_EMISMATCH,
                         "a record of type %u is too short",
                         type);
    }
    if (worker->state == NULL
        && (type == HAYI_RECORD_TASK || type == HAYI_RECORD_RANGE
            || type == HAYI_RECORD_RECALL || type == HAYI_RECORD_CANCEL)) {
        return hayi_fail(
            &worker->error, HAY_EMISMATCH, "a task before the welcome");
    }
    switch (type) {
    case HAYI_RECORD_WELCOME:
        return hayi_worker_on_welcome(worker, body, size);
    case HAYI_RECORD_RANGE:
        return on_task(worker, body, size, true);
    case HAYI_RECORD_RECALL:
        return on_recall(worker, body);
    case HAYI_RECORD_CANCEL:
        return on_cancel(worker, body);
    case HAYI_RECORD_PING:
        return on_ping(worker, body);
    case HAYI_RECORD_STOP:
        return on_stop(worker, body);
    case HAYI_RECORD_SEND:
    case HAYI_RECORD_RECEIVE:
    case HAYI_RECORD_DROP:
        return hayi_worker_on_object(worker, type, body);
    case HAYI_RECORD_CLAIM_DENIED:
        hayi_worker_on_claim_denied(worker, body);
        return HAY_OK;
    case HAYI_RECORD_DEADLINE:
        hayi_worker_on_deadline(worker, body);
        return HAY_OK;
    case HAYI_RECORD_LOST:
        hayi_worker_on_lost(worker, body);
        return HAY_OK;
    default:
        if (hayi_nest_is(type, false)) {
            return hayi_worker_on_nested(worker, type, body, size);
        }
        return hayi_fail(
            &worker->error, HAY_EMISMATCH, "a record of unknown type %u", type);
    }
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    struct hayi_worker *worker = context;
    if (peer != worker->link.peer || worker->end > HAYI_WORKER_DONE) {
        return;
    }
    worker->link.heard_ns = worker->now_ns;
    if (hayi_channel_receive(
            worker->link.channel, data, size, on_record, worker, &worker->error)
        != HAY_OK) {
        hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
    }
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    struct hayi_worker *worker = context;
    if (peer == worker->link.peer) {
        worker->link.down = true;
        (void)hayi_fail(
            &worker->error, HAY_EFARM, "the manager is gone: %s", how);
        hayi_worker_fail(worker, HAYI_WORKER_ORPHAN);
    } else if (worker->config.joined) { /* useless without it */
        (void)hayi_fail(&worker->error, HAY_EFARM, "%s", how);
        hayi_worker_fail(worker, HAYI_WORKER_ORPHAN);
    }
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    const struct hayi_worker *worker = context;
    hayi_mover_bulk(worker->data.mover, cookie, status);
}

/* ---- logs of tasks ---------------------------------------------------------
 */

static void task_log(void *context, const char *text)
{
    struct hayi_worker *worker = context;
    if (atomic_fetch_add(&worker->log_count, 1) >= HAYI_LOG_MAX) {
        (void)atomic_fetch_sub(&worker->log_count, 1);
        return;
    }
    size_t size = strlen(text) + 1;
    struct hayi_log_line *line = malloc(sizeof(*line) + size);
    if (line == NULL) {
        (void)atomic_fetch_sub(&worker->log_count, 1);
        return;
    }
    memcpy(line->text, text, size);
    hayi_mpsc_push(&worker->logs, &line->node);
    hayi_bell_ring(worker->config.bell);
}

static void send_logs(struct hayi_worker *worker)
{
    struct hayi_mpsc_node *node;
    while ((node = hayi_mpsc_pop(&worker->logs)) != NULL) {
        struct hayi_log_line *line = (struct hayi_log_line *)node;
        (void)hayi_link_append_words(
            &worker->link, HAYI_RECORD_LOG, line->text);
        (void)atomic_fetch_sub(&worker->log_count, 1);
        free(line);
    }
}

/* ---- the round -------------------------------------------------------------
 */

/* What the slots' threads tell. */
static bool take_news(struct hayi_worker *worker)
{
    struct hayi_mpsc_node *node;
    bool any = false;
    while ((node = hayi_mpsc_pop(&worker->news)) != NULL) {
        const struct hayi_news *news = (const struct hayi_news *)node;
        any = true;
        if (news->kind == HAYI_NEWS_ENDED) {
            struct hay_task *task = (struct hay_task *)node;
            struct hayi_slot_process *slot = task->told_by;
            hayi_worker_process_ended(worker, task);
            hayi_worker_finish(worker, task, NULL);
            if (slot != NULL) {
                hayi_worker_end_reported(worker, slot);
            }
        } else {
            hayi_worker_on_wait(worker, news);
        }
    }
    return any;
}

static bool take_fakes(struct hayi_worker *worker)
{
    struct hay_task *task;
    bool any = false;
    while ((task = hayi_fakes_due(&worker->fakes, worker->now_ns)) != NULL) {
        hayi_worker_finish(worker, task, NULL);
        any = true;
    }
    return any;
}

static void check_lease(struct hayi_worker *worker)
{
    uint64_t silence_ns = worker->options.silence_ns;
    if (!worker->config.shared_memory && worker->welcome && silence_ns > 0
        && worker->now_ns - worker->link.heard_ns > silence_ns) {
        (void)hayi_fail(&worker->error,
                        HAY_EFARM,
                        "the manager has been silent for %g s",
                        (double)silence_ns * 1e-9);
        worker->link.down = true; /* nobody will take our last words */
        hayi_worker_fail(worker, HAYI_WORKER_ORPHAN);
    }
}

static void finish_stop(struct hayi_worker *worker)
{
    uint32_t queued = 0;
    uint32_t in_slots = 0;
    if (worker->state != NULL) {
        hayi_wstate_counts(worker->state, &queued, &in_slots);
    }
    if (queued == 0 && in_slots == 0) {
        const struct hayi_stop bye = {0, 0};
        send_logs(worker);
        hayi_worker_tell(worker, HAYI_RECORD_BYE, &bye, sizeof(bye));
        hayi_worker_fail(worker, HAYI_WORKER_DONE);
    }
}

bool hayi_worker_poll(struct hayi_worker *worker, uint64_t now_ns)
{
    const struct hayi_transport_sink sink = {
        .frame = on_frame,
        .down = on_down,
        .context = worker,
        .bulk = on_bulk,
    };
    bool busy = false;
    if (now_ns - worker->now_ns > HAYI_HEARTBEAT_NS * 2
        && worker->now_ns != 0) {
        worker->link.heard_ns = now_ns; /* it is we who were asleep */
    }
    worker->now_ns = now_ns;
    struct hayi_transport *transport = worker->config.transport;
    if (transport->ops->poll(transport, &sink) > 0) {
        busy = true;
    }
    hayi_worker_wake_client(worker);
    if (worker->end == HAYI_WORKER_SERVES && worker->state != NULL) {
        /* First what is to be done about attempts that have ended by now: with
         * their end they are gone. */
        busy = hayi_worker_perform(worker) || busy;
        busy = take_news(worker) || busy;
        hayi_worker_refill(worker);
        busy = hayi_worker_poll_commands(worker) || busy;
        busy = hayi_worker_poll_processes(worker) || busy;
        busy = take_fakes(worker) || busy;
        (void)hayi_wstate_dispatch(worker->state, &worker->actions);
        busy = hayi_worker_perform(worker) || busy;
        if (worker->left_count > 0) {
            hayi_worker_fill_seats(worker);
            busy = true;
        }
        if (worker->spawner_ready) {
            (void)hayi_spawner_flush(worker->spawner);
        }
        hayi_worker_tell_started(worker);
        busy = hayi_worker_poll_data(worker) || busy;
        busy = hayi_worker_poll_client(worker) || busy;
        hayi_worker_poll_leave(worker);
    }
    send_logs(worker);
    check_lease(worker);
    if (worker->stopping && worker->end == HAYI_WORKER_SERVES) {
        finish_stop(worker);
    }
    if (!worker->config.shared_memory) {
        hayi_link_heartbeat(&worker->link, now_ns, HAYI_HEARTBEAT_NS);
    }
    return hayi_link_flush(&worker->link, transport, now_ns) || busy;
}

bool hayi_worker_saturated(const struct hayi_worker *worker)
{
    return worker->state != NULL && !hayi_wstate_hungry(worker->state);
}

uint64_t hayi_worker_deadline_ns(const struct hayi_worker *worker)
{
    uint64_t deadline = hayi_fakes_next_ns(&worker->fakes);
    if (worker->started_check_ns < deadline) {
        deadline = worker->started_check_ns;
    }
    if (worker->data.look_ns < deadline) {
        deadline = worker->data.look_ns;
    }
    if (!worker->config.shared_memory
        && worker->link.sent_ns + HAYI_HEARTBEAT_NS < deadline) {
        deadline = worker->link.sent_ns + HAYI_HEARTBEAT_NS;
    }
    uint32_t queued = 0;
    uint32_t in_slots = 0;
    if (worker->state != NULL) {
        hayi_wstate_counts(worker->state, &queued, &in_slots);
    }
    if (in_slots > worker->core_count
        && worker->now_ns + HAYI_BACKLOG_LOOK_NS < deadline) {
        deadline = worker->now_ns + HAYI_BACKLOG_LOOK_NS;
    }
    return deadline;
}

size_t hayi_worker_fds(const struct hayi_worker *worker,
                       struct pollfd *list,
                       size_t room)
{
    if (!worker->spawner_ready || room == 0) {
        return 0;
    }
    list[0] = (struct pollfd){.fd = hayi_spawner_fd(worker->spawner),
                              .events = POLLIN};
    return 1;
}

enum hayi_worker_end hayi_worker_ended(const struct hayi_worker *worker,
                                       struct hayi_error *err)
{
    if (err != NULL && worker->end >= HAYI_WORKER_ORPHAN) {
        *err = worker->error;
    }
    /* BYE has to be on its way. */
    if (worker->end == HAYI_WORKER_DONE && !worker->link.down
        && (worker->link.pending
            || hayi_channel_unsent(worker->link.channel) > 0)) {
        return HAYI_WORKER_SERVES;
    }
    return worker->end;
}

bool hayi_worker_saw_loss(const struct hayi_worker *worker)
{
    return worker->saw_loss;
}

/* ---- life ------------------------------------------------------------------
 */

hay_status hayi_worker_new(const struct hayi_worker_config *config,
                           struct hayi_worker **out,
                           struct hayi_error *err)
{
    struct hayi_worker *worker = calloc(1, sizeof(*worker));
    if (worker == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    worker->config = *config;
    worker->spawner = config->spawner;
    worker->started_check_ns = UINT64_MAX;
    worker->farm.spares = &worker->spares;
    worker->farm.log = task_log;
    worker->farm.context = worker;
    worker->start_ns = hayi_clock_ns();
    atomic_init(&worker->work_end_ns, hayi_worker_work_end(worker, UINT64_MAX));
    worker->farm.work_end_ns = &worker->work_end_ns;
    worker->link.heard_ns = worker->link.sent_ns = hayi_clock_ns();
    hayi_mpsc_init(&worker->news);
    worker->hands.loop_bell = config->bell;
    worker->hands.news = &worker->news;
    hayi_hands_init(&worker->hands);
    hayi_mpsc_init(&worker->logs);
    hayi_mpsc_init(&worker->relayed);
    hayi_fakes_init(&worker->fakes);
    hayi_wactions_init(&worker->actions);
    worker->host = hayi_worker_copy_part(config->host, strlen(config->host));
    worker->masks = malloc(config->mask_count * sizeof(*worker->masks));
    if (worker->masks != NULL) {
        memcpy(worker->masks,
               config->masks,
               config->mask_count * sizeof(*worker->masks));
        worker->config.masks = worker->masks;
    }
    bool copied = true;
    if (config->gpu_ids != NULL) {
        size_t bytes = config->mask_count * sizeof(*worker->gpu_ids);
        worker->gpu_ids = malloc(bytes);
        copied = worker->gpu_ids != NULL;
        if (copied) {
            memcpy(worker->gpu_ids, config->gpu_ids, bytes);
        }
        worker->config.gpu_ids = worker->gpu_ids;
    }
    if (config->resources != NULL) {
        worker->own_resources =
            hayi_worker_copy_part(config->resources, strlen(config->resources));
        copied = copied && worker->own_resources != NULL;
    }
    copied = copied && hayi_worker_init_data(worker) == HAY_OK;
    if (!copied || worker->host == NULL || worker->masks == NULL
        || hayi_link_init(&worker->link, config->transport, 0, config->epoch)
               != HAY_OK) {
        worker->spawner = NULL; /* still the caller's */
        hayi_worker_free(worker);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    *out = worker;
    return HAY_OK;
}

void hayi_worker_abandon(struct hayi_worker *worker)
{
    hayi_spawner_free(worker->spawner);
    worker->spawner = NULL;
    worker->spawner_ready = false;
}

void hayi_worker_free(struct hayi_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    hayi_spawner_free(worker->spawner);
    for (struct hay_task *t = worker->held; t != NULL; t = t->held_after) {
        atomic_store(&t->cancelled, 1); /* to those that look */
    }
    hayi_worker_break_client(worker);
    hayi_worker_stop_processes(worker);
    hayi_hands_fini(&worker->hands);
    free(worker->slots);
    struct hayi_mpsc_node *node;
    while ((node = hayi_mpsc_pop(&worker->logs)) != NULL) {
        free(node);
    }
    while (worker->held != NULL) {
        hayi_worker_drop(worker, worker->held);
    }
    hayi_task_spares_fini(&worker->spares);
    hayi_worker_close_client(worker);
    hayi_worker_close_data(worker);
    hayi_wstate_free(worker->state);
    hayi_wactions_fini(&worker->actions);
    hayi_fakes_fini(&worker->fakes);
    hayi_link_fini(&worker->link);
    free(worker->cores);
    free(worker->cpus);
    free(worker->cpu_at);
    free(worker->run_folder);
    free(worker->cwd);
    free(worker->env_bytes);
    free(worker->env);
    free(worker->masks);
    free(worker->gpu_ids);
    free(worker->own_resources);
    free(worker->resources);
    free(worker->host);
    free(worker);
}
