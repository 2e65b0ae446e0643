/* wactions.c - the list of actions of a worker's state, and their words. */
#include "config.h"

#include "worker/worker_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ACTIONS_MIN 64u

void hayi_wactions_init(struct hayi_wactions *actions)
{
    *actions = (struct hayi_wactions){.count = 0};
}

void hayi_wactions_fini(struct hayi_wactions *actions)
{
    free(actions->list);
    hayi_wactions_init(actions);
}

hay_status hayi_wactions_reserve(struct hayi_wactions *actions, size_t more)
{
    if (actions->room - actions->count >= more) {
        return HAY_OK;
    }
    size_t room = actions->room == 0 ? ACTIONS_MIN : actions->room * 2;
    if (room < actions->count + more) {
        room = actions->count + more;
    }
    struct hayi_waction *list =
        realloc(actions->list, room * sizeof actions->list[0]);
    if (list == NULL) {
        return HAY_ENOMEM;
    }
    actions->list = list;
    actions->room = room;
    return HAY_OK;
}

static const char *action_name(enum hayi_waction_kind kind)
{
    switch (kind) {
    case HAYI_WACTION_START:
        return "start";
    case HAYI_WACTION_REVOKE:
        return "revoke";
    case HAYI_WACTION_STOP_IT:
        return "stop";
    case HAYI_WACTION_RETURNED:
        return "returned";
    case HAYI_WACTION_CANCELLED:
        return "cancelled";
    case HAYI_WACTION_RECALL_DONE:
        return "recall-done";
    case HAYI_WACTION_RESUME:
        return "resume";
    }
    return "?";
}

/* "start 7.1#2 backlog cores 0": index, generation, attempt. */
void hayi_waction_print(const struct hayi_waction *action,
                        char *text,
                        size_t size)
{
    int used = snprintf(text, size, "%s", action_name(action->kind));
    size_t at = used > 0 ? (size_t)used : 0;

    if (action->kind != HAYI_WACTION_RECALL_DONE && at < size) {
        used = snprintf(text + at,
                        size - at,
                        " %" PRIu32 ".%" PRIu32 "#%" PRIu32 "%s%s",
                        (uint32_t)action->task,
                        (uint32_t)(action->task >> 32),
                        action->attempt,
                        action->force ? " force" : "",
                        action->backlog ? " backlog" : "");
        at += used > 0 ? (size_t)used : 0;
    }
    for (uint32_t i = 0; i < action->core_count && at < size; i++) {
        used = snprintf(text + at,
                        size - at,
                        "%s%" PRIu32,
                        i == 0 ? " cores " : ",",
                        action->cores[i]);
        at += used > 0 ? (size_t)used : 0;
    }
}
