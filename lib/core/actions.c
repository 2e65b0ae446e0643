/* actions.c - the list of actions, and a line of text for each.
 *
 * See sched.h.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hayi_actions_init(struct hayi_actions *actions)
{
    *actions = (struct hayi_actions){.list = NULL};
}

void hayi_actions_fini(struct hayi_actions *actions)
{
    free(actions->list);
    hayi_actions_init(actions);
}

hay_status hayi_actions_reserve(struct hayi_actions *actions, size_t more)
{
    void *list = actions->list;
    if (!hayi_alloc_grow(&list,
                         &actions->room,
                         actions->count + more,
                         sizeof(*actions->list))) {
        return HAY_ENOMEM;
    }
    actions->list = list;
    return HAY_OK;
}

struct hayi_action *hayi_actions_add(struct hayi_actions *actions,
                                     enum hayi_action_kind kind)
{
    assert(actions->count < actions->room);
    struct hayi_action *action = &actions->list[actions->count++];
    *action = (struct hayi_action){.kind = kind};
    return action;
}

static const char *outcome_name(uint8_t outcome)
{
    static const char *const names[] = {
        "finished", "failed", "farm", "cancelled"};
    return outcome < 4 ? names[outcome] : "?";
}

static void
print_hand_out(const struct hayi_action *action, char *text, size_t size)
{
    char range[64] = "";
    char nested[48] = "";
    char variant[32] = "";
    char gpus[32] = "";
    const char *prompt = action->u.hand_out.prompt ? " prompt" : "";
    if (action->u.hand_out.inline_of != 0) {
        (void)snprintf(nested,
                       sizeof(nested),
                       " depth %d inline of row %" PRIu32,
                       action->u.hand_out.depth,
                       (uint32_t)action->u.hand_out.inline_of);
    } else if (action->u.hand_out.depth != 0) {
        (void)snprintf(
            nested, sizeof(nested), " depth %d", action->u.hand_out.depth);
    }
    if (action->u.hand_out.needs.request != 0) {
        (void)snprintf(variant,
                       sizeof(variant),
                       " variant %" PRIu32,
                       action->u.hand_out.variant);
    }
    if (action->u.hand_out.gpu_mask != 0) {
        (void)snprintf(
            gpus, sizeof(gpus), " gpus %" PRIx64, action->u.hand_out.gpu_mask);
    }
    if (action->u.hand_out.range) {
        (void)snprintf(range,
                       sizeof(range),
                       " items %" PRIu64 "+%" PRIu64,
                       action->u.hand_out.first,
                       action->u.hand_out.count);
    }
    (void)snprintf(text,
                   size,
                   "hand_out w%" PRIu32 " p%" PRIu64 " attempt %" PRIu32
                   " priority %" PRId32 " cores %" PRIu32 "%s%s%s%s%s",
                   action->u.hand_out.worker,
                   action->u.hand_out.payload,
                   action->u.hand_out.attempt,
                   action->u.hand_out.priority,
                   action->u.hand_out.needs.cores,
                   nested,
                   variant,
                   gpus,
                   range,
                   prompt);
}

static void
print_tell(const struct hayi_action *action, char *text, size_t size)
{
    (void)snprintf(text,
                   size,
                   "tell p%" PRIu64 " %s %s culprit %" PRIu64
                   " attempt %" PRIu32 " w%" PRIu32 " report %" PRIu64,
                   action->u.tell.payload,
                   hay_state_name((hay_state)action->u.tell.state),
                   hay_status_name(action->u.tell.status),
                   action->u.tell.culprit,
                   action->u.tell.attempt,
                   action->u.tell.worker,
                   action->u.tell.report);
    size_t used = strlen(text);
    if (action->u.tell.lost != 0) {
        (void)snprintf(text + used,
                       size - used,
                       " lost o%" PRIu32,
                       (uint32_t)action->u.tell.lost);
        used = strlen(text);
    }
    if (action->u.tell.lost_by != 0) {
        (void)snprintf(text + used,
                       size - used,
                       " with w%" PRIu32,
                       action->u.tell.lost_by - 1);
        used = strlen(text);
    }
    if (action->u.tell.losses != 0) {
        (void)snprintf(text + used,
                       size - used,
                       " losses %" PRIu32,
                       action->u.tell.losses);
        used = strlen(text);
    }
    (void)snprintf(
        text + used,
        size - used,
        "%s%s%s",
        action->u.tell.cause == HAY_CAUSE_DEADLOCK ? " deadlock" : "",
        action->u.tell.cause == HAY_CAUSE_WALLTIME ? " walltime" : "",
        action->u.tell.followed ? " followed" : "");
}

static void
print_worker_lost(const struct hayi_action *action, char *text, size_t size)
{
    (void)snprintf(text,
                   size,
                   "worker_lost w%" PRIu32 "%s",
                   action->u.worker_lost.worker,
                   action->u.worker_lost.silent ? " silent" : "");
    size_t used = strlen(text);
    if (action->u.worker_lost.attempts > 0) {
        (void)snprintf(text + used,
                       size - used,
                       ", %" PRIu32 " of %" PRIu32 " again",
                       action->u.worker_lost.again,
                       action->u.worker_lost.attempts);
    }
}

static void
print_range_ended(const struct hayi_action *action, char *text, size_t size)
{
    (void)snprintf(text,
                   size,
                   "range_ended p%" PRIu64 " items %" PRIu64 "+%" PRIu64
                   " failed %" PRIu64 " unreached %" PRIu64 " w%" PRIu32
                   " %s report %" PRIu64,
                   action->u.range_ended.payload,
                   action->u.range_ended.first,
                   action->u.range_ended.count,
                   action->u.range_ended.failed,
                   action->u.range_ended.unreached,
                   action->u.range_ended.worker,
                   outcome_name(action->u.range_ended.outcome),
                   action->u.range_ended.report);
}

/* Actions that fit one short line each. */
static void
print_short(const struct hayi_action *action, char *text, size_t size)
{
    char depth[24] = "";
    switch (action->kind) {
    case HAYI_ACTION_RECALL:
        if (action->u.recall.below_depth != 0) {
            (void)snprintf(depth,
                           sizeof(depth),
                           " depth %d",
                           action->u.recall.below_depth);
        }
        (void)snprintf(text,
                       size,
                       "recall w%" PRIu32 " count %" PRIu32 " below %" PRId32
                       "%s",
                       action->u.recall.worker,
                       action->u.recall.count,
                       action->u.recall.below,
                       depth);
        break;
    case HAYI_ACTION_CANCEL:
        (void)snprintf(
            text,
            size,
            "cancel w%" PRIu32 " row %" PRIu32 " attempt %" PRIu32 "%s%s",
            action->u.cancel.worker,
            (uint32_t)action->u.cancel.task,
            action->u.cancel.attempt,
            action->u.cancel.force ? " force" : "",
            action->u.cancel.unstarted_only ? " unstarted_only" : "");
        break;
    case HAYI_ACTION_STATE:
        (void)snprintf(text,
                       size,
                       "state p%" PRIu64 " %s w%" PRIu32,
                       action->u.state.payload,
                       hay_state_name((hay_state)action->u.state.state),
                       action->u.state.worker);
        break;
    case HAYI_ACTION_ATTEMPT_ENDED:
        (void)snprintf(text,
                       size,
                       "attempt_ended p%" PRIu64 " attempt %" PRIu32
                       " w%" PRIu32 " %s report %" PRIu64 "%s",
                       action->u.attempt_ended.payload,
                       action->u.attempt_ended.attempt,
                       action->u.attempt_ended.worker,
                       outcome_name(action->u.attempt_ended.outcome),
                       action->u.attempt_ended.report,
                       action->u.attempt_ended.grown ? " grown" : "");
        break;
    default:
        (void)snprintf(text, size, "unknown action %d", (int)action->kind);
        break;
    }
}

/* "w3", or "manager". */
static const char *worker_name(uint32_t worker, char *text, size_t size)
{
    if (worker == HAYI_MANAGER_SELF) {
        return "manager";
    }
    (void)snprintf(text, size, "w%" PRIu32, worker);
    return text;
}

/* What is done with objects, which go by the row of their handle. */
static void
print_object(const struct hayi_action *action, char *text, size_t size)
{
    char from[16];
    char to[16];
    switch (action->kind) {
    case HAYI_ACTION_INPUTS:
        (void)snprintf(
            text, size, "inputs p%" PRIu64, action->u.inputs.payload);
        break;
    case HAYI_ACTION_FETCH:
        (void)snprintf(text,
                       size,
                       "fetch %" PRIu32 " o%" PRIu32 " %" PRIu64
                       " bytes at %" PRIu64 " %s to %s%s",
                       action->u.fetch.transfer,
                       (uint32_t)action->u.fetch.object,
                       action->u.fetch.bytes,
                       action->u.fetch.place,
                       worker_name(action->u.fetch.from, from, sizeof(from)),
                       worker_name(action->u.fetch.to, to, sizeof(to)),
                       action->u.fetch.keep ? " keep" : "");
        break;
    case HAYI_ACTION_DROP:
        (void)snprintf(text,
                       size,
                       "drop %" PRIu64 " node %" PRIu32 " %s",
                       action->u.drop.place,
                       action->u.drop.node,
                       worker_name(action->u.drop.worker, to, sizeof(to)));
        break;
    case HAYI_ACTION_WANTED:
        (void)snprintf(text,
                       size,
                       "wanted %" PRIu64 " %s report %" PRIu64,
                       action->u.wanted.cookie,
                       hay_status_name(action->u.wanted.status),
                       action->u.wanted.report);
        break;
    case HAYI_ACTION_FORGET:
        (void)snprintf(
            text, size, "forget p%" PRIu64, action->u.forget.payload);
        break;
    default:
        (void)snprintf(text, size, "unknown action %d", (int)action->kind);
        break;
    }
}

void hayi_action_print(const struct hayi_action *action,
                       char *text,
                       size_t size)
{
    switch (action->kind) {
    case HAYI_ACTION_HAND_OUT:
        print_hand_out(action, text, size);
        break;
    case HAYI_ACTION_TELL:
        print_tell(action, text, size);
        break;
    case HAYI_ACTION_RANGE_ENDED:
        print_range_ended(action, text, size);
        break;
    case HAYI_ACTION_ANSWER:
        (void)snprintf(text,
                       size,
                       "answer %" PRIu64 " %s",
                       action->u.answer.cookie,
                       hay_status_name(action->u.answer.status));
        break;
    case HAYI_ACTION_WORKER_LOST:
        print_worker_lost(action, text, size);
        break;
    case HAYI_ACTION_ALL_ENDED:
        (void)snprintf(text, size, "all_ended");
        break;
    case HAYI_ACTION_RECALL:
    case HAYI_ACTION_CANCEL:
    case HAYI_ACTION_STATE:
    case HAYI_ACTION_ATTEMPT_ENDED:
        print_short(action, text, size);
        break;
    case HAYI_ACTION_CLAIM_DENIED:
        (void)snprintf(text,
                       size,
                       "claim_denied %" PRIu64 " w%" PRIu32,
                       action->u.claim_denied.cookie,
                       action->u.claim_denied.worker);
        break;
    case HAYI_ACTION_LET_GO:
        (void)snprintf(text, size, "let_go w%" PRIu32, action->u.let_go.worker);
        break;
    case HAYI_ACTION_INPUTS:
    case HAYI_ACTION_FETCH:
    case HAYI_ACTION_DROP:
    case HAYI_ACTION_WANTED:
    case HAYI_ACTION_FORGET:
        print_object(action, text, size);
        break;
    }
}
