/* manager_waits.c - attempts that wait for others, as their workers tell it. */
#include "config.h"

#include "manager/manager_nested.h"

/* The task that it waits for; 0: several, or it has ended. */
static hayi_handle awaited(const struct hayi_manager *manager,
                           const struct hayi_suspended_record *record)
{
    if (record->waits_for_id == 0) {
        return record->waits_for;
    }
    const hay_future *future =
        hayi_manager_nested_find(manager, record->waits_for_id);
    return future != NULL ? future->task : 0;
}

static void on_suspended(struct hayi_manager *manager,
                         uint32_t worker,
                         const struct hayi_suspended_record *record)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_SUSPENDED,
        .u.suspended = {.worker = worker,
                        .task = record->task,
                        .attempt = record->attempt,
                        .waits_for = awaited(manager, record),
                        .several = record->several != 0},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void on_resumed(struct hayi_manager *manager,
                       uint32_t worker,
                       const struct hayi_attempt_record *record)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_RESUMED,
        .u.resumed = {.worker = worker,
                      .task = record->task,
                      .attempt = record->attempt},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void on_claim(struct hayi_manager *manager,
                     uint32_t worker,
                     const struct hayi_suspended_record *record)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_CLAIM,
        .u.claim = {.worker = worker,
                    .task = record->task,
                    .attempt = record->attempt,
                    .child = awaited(manager, record)},
    };
    hayi_manager_step(manager, &event, NULL);
}

void hayi_manager_claim_denied(struct hayi_manager *manager,
                               const struct hayi_action *action)
{
    const struct hayi_attempt_record record = {
        .task = action->u.claim_denied.task,
        .attempt = action->u.claim_denied.attempt,
    };
    hayi_manager_say(manager,
                     action->u.claim_denied.worker,
                     HAYI_RECORD_CLAIM_DENIED,
                     &record,
                     sizeof(record));
}

void hayi_manager_on_wait(struct hayi_manager *manager,
                          uint32_t worker,
                          uint16_t type,
                          const void *body)
{
    if (type == HAYI_RECORD_SUSPENDED) {
        on_suspended(manager, worker, body);
    } else if (type == HAYI_RECORD_CLAIM) {
        on_claim(manager, worker, body);
    } else {
        on_resumed(manager, worker, body);
    }
}
