/* nested.c - tasks in tasks: what their workers tell of those that wait.
 *
 * See sched.h for what the events mean.
 */
#include "config.h"

#include "core/state.h"

static hay_status claim(const struct hayi_event *event,
                        struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_CLAIM_DENIED);
    a->u.claim_denied.worker = event->u.claim.worker;
    a->u.claim_denied.task = event->u.claim.task;
    a->u.claim_denied.attempt = event->u.claim.attempt;
    a->u.claim_denied.cookie = event->u.claim.cookie;
    return HAY_OK;
}

hay_status hayi_nested_take(struct hayi_sched *s,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    switch (event->kind) {
    case HAYI_EVENT_SUSPENDED:
    case HAYI_EVENT_RESUMED:
        (void)hayi_sched_current(s,
                                 event->u.suspended.worker,
                                 event->u.suspended.task,
                                 event->u.suspended.attempt);
        return HAY_OK;
    case HAYI_EVENT_CLAIM:
        return claim(event, actions);
    default:
        return HAY_OK;
    }
}
