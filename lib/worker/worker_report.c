/* worker_report.c - what a worker tells the manager. */
#include "config.h"

#include "worker/worker_inside.h"

#include "worker/task_env.h"

#include <string.h>

enum { HAD_MAX = 20000 };

void hayi_worker_fail(struct hayi_worker *worker, enum hayi_worker_end end)
{
    if (worker->end == HAYI_WORKER_SERVES) {
        worker->end = end;
    }
}

static void no_memory(struct hayi_worker *worker)
{
    (void)hayi_fail(&worker->error,
                    HAY_ENOMEM,
                    "worker %u is out of memory for a report",
                    worker->options.worker);
    hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
}

static void report_range(struct hayi_worker *worker,
                         const struct hay_task *task)
{
    bool by_value = task->range.out_address == 0;
    const struct hayi_range_ended head = {
        .task = task->record.task,
        .handed_ns = task->record.handed_ns,
        .start_ns = task->start_ns,
        .end_ns = task->end_ns,
        .waited_ns = task->waited_ns,
        .items = task->items_done,
        .failed = task->items_failed,
        .text_size = task->failure_text.size,
        .out_bytes = by_value ? task->result.size : 0,
        .attempt = task->record.attempt,
        .failures = (uint32_t)task->failure_count,
        .slot = task->core,
        .outcome = task->outcome,
    };
    const uint64_t parts[3] = {
        task->failure_count * sizeof(struct hayi_range_failure),
        head.text_size,
        head.out_bytes,
    };
    unsigned char *body =
        hayi_channel_append(worker->link.channel,
                            HAYI_RECORD_RANGE_ENDED,
                            hayi_record_size(sizeof(head), parts, 3));
    if (body == NULL) {
        no_memory(worker);
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, task->failures, parts[0]);
    body = hayi_record_put(body, task->failure_text.data, parts[1]);
    (void)hayi_record_put(body, task->result.data, parts[2]);
}

static void found(void *context, struct hayi_object_value *object)
{
    (void)object;
    *(bool *)context = true;
}

/* Is its value an object, or does it hold some? */
static bool has_objects(const struct hay_task *task)
{
    const struct hayi_value_head *head = (const void *)task->result.data;
    bool any = false;
    if (task->result.size >= sizeof(*head)
        && (head->type == HAYI_KIND_OBJECT || head->type == HAY_LIST)) {
        (void)hayi_value_objects(
            task->result.data, task->result.size, found, &any, NULL);
    }
    return any;
}

void hayi_worker_report_ended(struct hayi_worker *worker,
                              const struct hay_task *task,
                              const struct hayi_capture_record *capture)
{
    if (worker->link.down) {
        return;
    }
    if (task->is_range) {
        report_range(worker, task);
        return;
    }
    const struct hayi_follow follow = hayi_worker_follow(worker, task);
    bool follows = follow.id != 0;
    bool keeps = !follows && task->in_folder.bytes != 0;
    bool wordless =
        task->outcome == HAYI_OUTCOME_FINISHED || task->error.text[0] == 0;
    char had[HAD_MAX];
    size_t had_size = worker->run_folder != NULL && task->start_ns != 0
                          ? hayi_task_had(task, had, sizeof(had)) + 1
                          : 0;
    const struct hayi_ended head = {
        .task = task->record.task,
        .handed_ns = task->record.handed_ns,
        .start_ns = task->start_ns,
        .end_ns = task->end_ns,
        .waited_ns = task->waited_ns,
        .value_size = follows ? sizeof(follow) : task->result.size,
        .memory_peak_bytes = task->memory_peak_bytes,
        .attempt = task->record.attempt,
        .exit_code = task->exit_code,
        .signal = task->signal,
        .slot = task->core,
        .cores = task->core_count,
        .reason_size = wordless ? 0 : (uint16_t)(strlen(task->error.text) + 1),
        .had_size = (uint16_t)had_size,
        .outcome = task->outcome,
        .flags =
            (uint8_t)((capture != NULL ? HAYI_ENDED_CAPTURE : 0)
                      | (!follows && has_objects(task) ? HAYI_ENDED_OBJECTS : 0)
                      | (follows ? HAYI_ENDED_FOLLOW : 0)
                      | (atomic_load(&task->client) ? HAYI_ENDED_CLIENT : 0)
                      | (keeps ? HAYI_ENDED_KEPT : 0)),
        .cause = task->cause,
    };
    const uint64_t parts[5] = {
        capture != NULL ? sizeof(*capture) : 0,
        head.reason_size,
        head.value_size,
        had_size,
        keeps ? sizeof(task->in_folder) : 0,
    };
    unsigned char *body =
        hayi_channel_append(worker->link.channel,
                            HAYI_RECORD_ENDED,
                            hayi_record_size(sizeof(head), parts, 5));
    if (body == NULL) {
        no_memory(worker);
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, capture, parts[0]);
    body = hayi_record_put(body, task->error.text, parts[1]);
    body = hayi_record_put(
        body, follows ? (const void *)&follow : task->result.data, parts[2]);
    body = hayi_record_put(body, had, parts[3]);
    (void)hayi_record_put(body, &task->in_folder, parts[4]);
}

void hayi_worker_tell(struct hayi_worker *worker,
                      uint16_t type,
                      const void *head,
                      size_t size)
{
    if (hayi_link_append(&worker->link, type, head, size) != HAY_OK) {
        no_memory(worker);
    }
}

void hayi_worker_tell_tail(struct hayi_worker *worker,
                           uint16_t type,
                           const void *head,
                           size_t size,
                           const void *tail,
                           uint64_t tail_size)
{
    if (worker->link.down) {
        return;
    }
    unsigned char *body = hayi_channel_append(
        worker->link.channel, type, hayi_record_size(size, &tail_size, 1));
    if (body == NULL) {
        no_memory(worker);
        return;
    }
    body = hayi_record_put(body, head, size);
    (void)hayi_record_put(body, tail, tail_size);
}

void hayi_worker_report_attempt(struct hayi_worker *worker,
                                uint16_t type,
                                const struct hay_task *task)
{
    const struct hayi_attempt_record record = {
        .task = task->record.task,
        .attempt = task->record.attempt,
    };
    hayi_worker_tell(worker, type, &record, sizeof(record));
}

void hayi_worker_report_missing(struct hayi_worker *worker,
                                const struct hay_task *task)
{
    const struct hayi_attempt_record head = {
        .task = task->record.task,
        .attempt = task->record.attempt,
        .missing = (uint32_t)task->missing_count,
    };
    hayi_worker_tell_tail(worker,
                          HAYI_RECORD_RETURNED,
                          &head,
                          sizeof(head),
                          task->missing,
                          task->missing_count * sizeof(task->missing[0]));
}

static bool runs(const struct hay_task *task)
{
    struct hayi_slot_process *process = task->process;
    if (process != NULL) {
        return hayi_process_runs(process, task);
    }
    return task->record.kind == HAYI_TASK_FAKE || hayi_slot_runs(task);
}

/* Attempts that have run for a while are told as started; most have ended
 * before, and their end tells it. */
void hayi_worker_tell_started(struct hayi_worker *worker)
{
    if (worker->now_ns < worker->started_check_ns) {
        return;
    }
    uint64_t next = UINT64_MAX;
    for (struct hay_task *t = worker->listed; t != NULL; t = t->after) {
        if (t->started_told) {
            continue;
        }
        uint64_t due = t->given_ns + HAYI_STARTED_AFTER_NS;
        if (due > worker->now_ns) {
            next = due < next ? due : next;
            break; /* the list is ordered by given_ns */
        }
        if (t->record.kind == HAYI_TASK_COMMAND) {
            continue; /* its spawner tells */
        }
        if (runs(t)) {
            hayi_worker_report_attempt(worker, HAYI_RECORD_STARTED, t);
            t->started_told = true;
        } else {
            next = worker->now_ns + HAYI_STARTED_AFTER_NS;
        }
    }
    worker->started_check_ns = next;
}
