/* mail.c - see mail.h; tails of records (names, arguments, values) are left
 * out, since nobody looks at them here.
 */
#include "config.h"

#include "sim/mail.h"

#include "wire/record.h"

uint32_t hayi_sim_mail_worker(const struct hayi_action *action)
{
    switch (action->kind) {
    case HAYI_ACTION_HAND_OUT:
        return action->u.hand_out.worker;
    case HAYI_ACTION_RECALL:
        return action->u.recall.worker;
    case HAYI_ACTION_CANCEL:
        return action->u.cancel.worker;
    case HAYI_ACTION_CLAIM_DENIED:
        return action->u.claim_denied.worker;
    default:
        return UINT32_MAX;
    }
}

static bool write_task(struct hayi_channel *channel,
                       const struct hayi_action *action)
{
    struct hayi_task_record *record =
        hayi_channel_append(channel, HAYI_RECORD_TASK, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_task_record){
            .task = action->u.hand_out.task,
            .id = action->u.hand_out.payload,
            .memory_bytes = action->u.hand_out.needs.memory_bytes,
            .inline_of = action->u.hand_out.inline_of,
            .attempt = action->u.hand_out.attempt,
            .priority = action->u.hand_out.priority,
            .depth = action->u.hand_out.depth,
            .cores = action->u.hand_out.needs.cores,
            .flags = action->u.hand_out.prompt ? HAYI_TASK_PROMPT : 0};
    }
    return record != NULL;
}

static bool write_range(struct hayi_channel *channel,
                        const struct hayi_action *action)
{
    struct hayi_range_record *record =
        hayi_channel_append(channel, HAYI_RECORD_RANGE, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_range_record){
            .task = action->u.hand_out.task,
            .id = action->u.hand_out.payload,
            .inline_of = action->u.hand_out.inline_of,
            .first = action->u.hand_out.first,
            .count = action->u.hand_out.count,
            .attempt = action->u.hand_out.attempt,
            .priority = action->u.hand_out.priority,
            .prompt = action->u.hand_out.prompt};
    }
    return record != NULL;
}

static bool write_cancel(struct hayi_channel *channel,
                         const struct hayi_action *action)
{
    struct hayi_cancel_record *record =
        hayi_channel_append(channel, HAYI_RECORD_CANCEL, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_cancel_record){
            .task = action->u.cancel.task,
            .attempt = action->u.cancel.attempt,
            .force = action->u.cancel.force,
            .unstarted_only = action->u.cancel.unstarted_only};
    }
    return record != NULL;
}

static bool write_recall(struct hayi_channel *channel,
                         const struct hayi_action *action)
{
    struct hayi_recall *record =
        hayi_channel_append(channel, HAYI_RECORD_RECALL, sizeof *record);
    if (record != NULL) {
        *record =
            (struct hayi_recall){.count = action->u.recall.count,
                                 .below = action->u.recall.below,
                                 .below_depth = action->u.recall.below_depth};
    }
    return record != NULL;
}

static bool write_denied(struct hayi_channel *channel,
                         const struct hayi_action *action)
{
    struct hayi_attempt_record *record =
        hayi_channel_append(channel, HAYI_RECORD_CLAIM_DENIED, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_attempt_record){
            .task = action->u.claim_denied.task,
            .attempt = action->u.claim_denied.attempt};
    }
    return record != NULL;
}

hay_status hayi_sim_mail_write(struct hayi_channel *channel,
                               const struct hayi_action *action)
{
    bool done;
    if (action->kind == HAYI_ACTION_RECALL) {
        done = write_recall(channel, action);
    } else if (action->kind == HAYI_ACTION_CANCEL) {
        done = write_cancel(channel, action);
    } else if (action->kind == HAYI_ACTION_CLAIM_DENIED) {
        done = write_denied(channel, action);
    } else if (action->u.hand_out.range) {
        done = write_range(channel, action);
    } else {
        done = write_task(channel, action);
    }
    return done ? HAY_OK : HAY_ENOMEM;
}

static void read_join(const void *body, struct hayi_event *event)
{
    const struct hayi_join *record = body;
    event->kind = HAYI_EVENT_JOINED;
    event->u.joined.cores = record->cores;
    event->u.joined.gpus = record->gpus;
    event->u.joined.memory_bytes = record->memory_bytes;
}

static void read_ended(const void *body, struct hayi_event *event)
{
    const struct hayi_ended *record = body;
    event->kind = HAYI_EVENT_ENDED;
    event->u.ended.task = record->task;
    event->u.ended.attempt = record->attempt;
    event->u.ended.outcome = record->outcome;
    event->u.ended.cause = record->cause;
    event->u.ended.run_ns = record->end_ns - record->start_ns;
    event->u.ended.report = record->handed_ns;
}

static void read_range_ended(const void *body, struct hayi_event *event)
{
    const struct hayi_range_ended *record = body;
    event->kind = HAYI_EVENT_ENDED;
    event->u.ended.task = record->task;
    event->u.ended.attempt = record->attempt;
    event->u.ended.outcome = record->outcome;
    event->u.ended.run_ns = record->end_ns - record->start_ns;
    event->u.ended.items = record->items;
    event->u.ended.failed = record->failed;
}

hay_status hayi_sim_mail_read(uint32_t worker,
                              uint16_t type,
                              const void *body,
                              struct hayi_event *event)
{
    const struct hayi_attempt_record *attempt = body;

    /* 'worker' stands first in all of them. */
    *event = (struct hayi_event){.u.joined = {.worker = worker}};
    switch (type) {
    case HAYI_RECORD_JOIN:
        read_join(body, event);
        return HAY_OK;
    case HAYI_RECORD_STARTED:
        event->kind = HAYI_EVENT_STARTED;
        event->u.started.task = attempt->task;
        event->u.started.attempt = attempt->attempt;
        return HAY_OK;
    case HAYI_RECORD_RESUMED:
        event->kind = HAYI_EVENT_RESUMED;
        event->u.resumed.task = attempt->task;
        event->u.resumed.attempt = attempt->attempt;
        return HAY_OK;
    case HAYI_RECORD_RETURNED:
        event->kind = HAYI_EVENT_RETURNED;
        event->u.returned.task = attempt->task;
        event->u.returned.attempt = attempt->attempt;
        return HAY_OK;
    case HAYI_RECORD_ENDED:
        read_ended(body, event);
        return HAY_OK;
    case HAYI_RECORD_RANGE_ENDED:
        read_range_ended(body, event);
        return HAY_OK;
    case HAYI_RECORD_LEAVE:
        event->kind = HAYI_EVENT_LEAVE; /* now */
        return HAY_OK;
    case HAYI_RECORD_RECALL_DONE:
        event->kind = HAYI_EVENT_RECALL_DONE;
        return HAY_OK;
    default:
        return HAY_EMISMATCH;
    }
}
