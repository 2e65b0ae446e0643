/* manager_actions.c - what the core says is done: hand-outs are written, the
 * client is told. */
#include "config.h"

#include "manager/manager_nested.h"

#include "base/clock.h"
#include "wire/args.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A hand-out that cannot be written fails as soon as this step is over. */
static void refuse(struct hayi_manager *manager,
                   const struct hayi_action *action,
                   enum hayi_outcome outcome,
                   const char *text)
{
    if (manager->refused_count == manager->refused_room) {
        size_t room =
            manager->refused_room == 0 ? 8 : manager->refused_room * 2;
        void *list =
            realloc(manager->refused, room * sizeof(*manager->refused));
        if (list == NULL) {
            hayi_manager_panic(manager, "out of memory");
            return;
        }
        manager->refused = list;
        manager->refused_room = room;
    }
    struct hayi_refused *refused = &manager->refused[manager->refused_count++];
    *refused = (struct hayi_refused){
        .worker = action->u.hand_out.worker,
        .task = action->u.hand_out.task,
        .attempt = action->u.hand_out.attempt,
        .outcome = (uint8_t)outcome,
    };
    size_t size = strlen(text);
    size = size < sizeof(refused->text) ? size : sizeof(refused->text) - 1;
    memcpy(refused->text, text, size);
}

/* Where the objects among the arguments are for the task's worker. */
struct at_node {
    const struct hayi_sched *sched;
    uint32_t node;
    bool any;
};

static uint64_t place_at(void *context, uint64_t object)
{
    struct at_node *at = context;
    at->any = true;
    return hayi_sched_place(at->sched, object, at->node);
}

/* The arguments with the results of the inputs in their places.  *data: the
 * worker has to look for objects among them. */
static hay_status fill_args(struct hayi_manager *manager,
                            const hay_future *future,
                            uint32_t worker,
                            const void **args,
                            size_t *size,
                            bool *data,
                            struct hayi_error *err)
{
    const struct hayi_spec *spec = future->spec;
    *args = hayi_spec_args(spec);
    *size = spec->args_size;
    *data = false;
    if (spec->kind != HAYI_TASK_FUNCTION || spec->arg_dep_count == 0) {
        return HAY_OK;
    }
    struct at_node at = {
        .sched = manager->sched,
        .node = manager->peers[worker + 1].node,
    };
    hay_status status = hayi_manager_fill(manager, future, place_at, &at, err);
    *args = manager->args.data;
    *size = manager->args.size;
    *data = at.any || hayi_args_has_groups(*args, *size);
    return status;
}

/* What it gets of gpus and named amounts, if it has a request. */
static const char *got_of(const struct hayi_manager *manager,
                          const struct hayi_spec *spec,
                          const struct hayi_action *action)
{
    return spec->needs.request != 0
               ? hayi_resources_got(manager->ex->resources,
                                    spec->needs.request,
                                    action->u.hand_out.variant)
               : "";
}

static void send_task(struct hayi_manager *manager,
                      const struct hayi_action *action)
{
    hay_future *future = hayi_manager_future(action->u.hand_out.payload);
    const struct hayi_spec *spec = future->spec;
    const struct hayi_limits *limits = hayi_spec_limits(spec);
    struct hayi_link *link =
        &manager->peers[action->u.hand_out.worker + 1].link;
    struct hayi_error err;
    const void *args = NULL;
    size_t args_size = 0;
    bool data = false;
    hay_status status = fill_args(manager,
                                  future,
                                  action->u.hand_out.worker,
                                  &args,
                                  &args_size,
                                  &data,
                                  &err);
    if (status != HAY_OK) {
        /* Too much for one message is the task's own doing. */
        refuse(manager,
               action,
               status == HAY_ENOMEM ? HAYI_OUTCOME_FARM : HAYI_OUTCOME_FAILED,
               err.text);
        return;
    }
    uint8_t flags =
        (uint8_t)((action->u.hand_out.prompt ? HAYI_TASK_PROMPT : 0)
                  | (data ? HAYI_TASK_DATA : 0)
                  | (spec->process ? HAYI_TASK_PROCESS : 0)
                  | (hayi_manager_keeps(manager, spec) ? HAYI_TASK_KEEP : 0));
    const char *got = got_of(manager, spec, action);
    const struct hayi_task_record head = {
        .task = action->u.hand_out.task,
        .id = future->id,
        .stream_key = spec->stream_key,
        .handed_ns = hayi_clock_ns(),
        .memory_bytes = action->u.hand_out.needs.memory_bytes,
        .time_limit_ns = limits->time_ns,
        .grace_ns = limits->grace_ns,
        .memory_limit_bytes = limits->memory_bytes << limits->memory_doublings,
        .output_limit_bytes = limits->output_bytes,
        .warn_ns = limits->warn_ns,
        .index = spec->index,
        .args_size = args_size,
        .attempt = action->u.hand_out.attempt,
        .function = spec->function,
        .priority = spec->priority,
        .gpu_mask = action->u.hand_out.gpu_mask,
        .cores = action->u.hand_out.needs.cores,
        .depth = action->u.hand_out.depth,
        .inline_of = action->u.hand_out.inline_of,
        .fake_exit = spec->fake_exit,
        .name_size = (uint16_t)(spec->name_size > 0 ? spec->name_size + 1 : 0),
        .got_size = (uint16_t)(got[0] != 0 ? strlen(got) + 1 : 0),
        .kind = spec->kind,
        .flags = flags,
        .variant = (uint8_t)action->u.hand_out.variant,
    };
    const uint64_t parts[3] = {args_size, head.name_size, head.got_size};
    unsigned char *body =
        hayi_channel_append(link->channel,
                            HAYI_RECORD_TASK,
                            hayi_record_size(sizeof(head), parts, 3));
    if (body == NULL) {
        refuse(manager,
               action,
               HAYI_OUTCOME_FARM,
               "out of memory for its message");
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, args, args_size);
    body = hayi_record_put(body, hayi_spec_name(spec), head.name_size);
    (void)hayi_record_put(body, got, head.got_size);
}

static void send_range(struct hayi_manager *manager,
                       const struct hayi_action *action)
{
    hay_future *map = hayi_manager_future(action->u.hand_out.payload);
    struct hayi_map_view view;
    hayi_map_get_view(map, &view);
    uint64_t first = action->u.hand_out.first;
    uint64_t count = action->u.hand_out.count;
    const char *in = view.in;
    char *out = view.out;
    bool here = manager->config.shared_memory;
    const char *got = got_of(manager, map->spec, action);
    const struct hayi_limits *limits = hayi_spec_limits(map->spec);
    struct hayi_range_record head = {
        .task = action->u.hand_out.task,
        .id = map->id,
        .stream_key = map->spec->stream_key,
        .handed_ns = hayi_clock_ns(),
        .first = first,
        .count = count,
        .first_index = view.first_index,
        .in_bytes = here || in == NULL ? 0 : count * view.in_size,
        .attempt = action->u.hand_out.attempt,
        .function = map->spec->function,
        .priority = action->u.hand_out.priority,
        .depth = action->u.hand_out.depth,
        .inline_of = action->u.hand_out.inline_of,
        .prompt = action->u.hand_out.prompt,
        .stop_on_failure = view.stop_on_failure,
        .indices = in == NULL,
        .process = map->spec->process,
        .gpu_mask = action->u.hand_out.gpu_mask,
        .memory_bytes = action->u.hand_out.needs.memory_bytes,
        .time_limit_ns = limits->time_ns,
        .grace_ns = limits->grace_ns,
        .memory_limit_bytes = limits->memory_bytes,
        .cores = action->u.hand_out.needs.cores,
        .got_size = (uint16_t)(got[0] != 0 ? strlen(got) + 1 : 0),
        .retries = map->spec->retries,
        .variant = (uint8_t)action->u.hand_out.variant,
        .memory_retries = (uint8_t)limits->memory_retries,
        .pause_ms = hayi_spec_pause_ms(map->spec),
    };
    if (here) {
        if (in != NULL) {
            head.in_address = (uintptr_t)(in + first * view.in_size);
        }
        if (out != NULL) {
            head.out_address = (uintptr_t)(out + first * view.out_size);
        }
    }
    const uint64_t parts[2] = {head.in_bytes, head.got_size};
    unsigned char *body = hayi_channel_append(
        manager->peers[action->u.hand_out.worker + 1].link.channel,
        HAYI_RECORD_RANGE,
        hayi_record_size(sizeof(head), parts, 2));
    if (body == NULL) {
        refuse(manager,
               action,
               HAYI_OUTCOME_FARM,
               "out of memory for its message");
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    if (head.in_bytes > 0) {
        body = hayi_record_put(body, in + first * view.in_size, head.in_bytes);
    }
    (void)hayi_record_put(body, got, head.got_size);
}

static void answer(struct hayi_manager *manager, uint64_t cookie, hay_status st)
{
    struct hayi_cancel_item *item =
        (struct hayi_cancel_item *)(uintptr_t)cookie;
    if (item->from.peer != 0) {
        hayi_manager_nested_answer(manager,
                                   item->from.peer,
                                   item->from.client,
                                   item->from.cookie,
                                   st,
                                   NULL,
                                   NULL,
                                   0);
        free(item);
        return;
    }
    hayi_cancel_answered(item, st);
    manager->wake = true;
}

void hayi_manager_say(struct hayi_manager *manager,
                      uint32_t worker,
                      uint16_t type,
                      const void *head,
                      size_t size)
{
    struct hayi_link *link = &manager->peers[worker + 1].link;
    if (hayi_link_append(link, type, head, size) != HAY_OK) {
        hayi_manager_panic(manager, "out of memory for a message");
    }
}

static void send_cancel(struct hayi_manager *manager,
                        const struct hayi_action *action)
{
    const struct hayi_cancel_record record = {
        .task = action->u.cancel.task,
        .attempt = action->u.cancel.attempt,
        .force = action->u.cancel.force,
        .unstarted_only = action->u.cancel.unstarted_only,
    };
    hayi_manager_say(manager,
                     action->u.cancel.worker,
                     HAYI_RECORD_CANCEL,
                     &record,
                     sizeof(record));
}

static void set_state(struct hayi_manager *manager,
                      const struct hayi_action *action)
{
    hay_future *future = hayi_manager_future(action->u.state.payload);
    hay_state state = (hay_state)action->u.state.state;
    hayi_future_set_state(future, state);
    if ((future->remembered & HAYI_MANAGER_NESTED) != 0) {
        hayi_manager_nested_state(manager, future, state);
    }
}

void hayi_manager_perform(struct hayi_manager *manager,
                          const struct hayi_action *action,
                          const struct hayi_report *report)
{
    switch (action->kind) {
    case HAYI_ACTION_HAND_OUT:
        if (action->u.hand_out.range) {
            send_range(manager, action);
        } else {
            send_task(manager, action);
        }
        break;
    case HAYI_ACTION_RECALL: {
        const struct hayi_recall recall = {
            .count = action->u.recall.count,
            .below = action->u.recall.below,
            .below_depth = action->u.recall.below_depth,
        };
        hayi_manager_say(manager,
                         action->u.recall.worker,
                         HAYI_RECORD_RECALL,
                         &recall,
                         sizeof(recall));
        break;
    }
    case HAYI_ACTION_CANCEL:
        send_cancel(manager, action);
        break;
    case HAYI_ACTION_STATE:
        set_state(manager, action);
        break;
    case HAYI_ACTION_ATTEMPT_ENDED:
        hayi_manager_attempt_ended(manager, action, report);
        break;
    case HAYI_ACTION_RANGE_ENDED:
        hayi_manager_range_ended(manager, action, report);
        break;
    case HAYI_ACTION_TELL:
        hayi_manager_tell(manager, action, report);
        break;
    case HAYI_ACTION_ANSWER:
        answer(manager, action->u.answer.cookie, action->u.answer.status);
        break;
    case HAYI_ACTION_WORKER_LOST:
        hayi_manager_worker_lost(manager, action);
        break;
    case HAYI_ACTION_ALL_ENDED:
        hayi_manager_finish(manager);
        break;
    case HAYI_ACTION_INPUTS:
        hayi_manager_inputs(manager, action);
        break;
    case HAYI_ACTION_FETCH:
        hayi_manager_fetch(manager, action);
        break;
    case HAYI_ACTION_DROP:
        hayi_manager_drop(manager, action);
        break;
    case HAYI_ACTION_WANTED:
        hayi_manager_wanted(manager, action);
        break;
    case HAYI_ACTION_FORGET:
        hayi_manager_forget(manager,
                            hayi_manager_future(action->u.forget.payload));
        break;
    case HAYI_ACTION_CLAIM_DENIED:
        hayi_manager_claim_denied(manager, action);
        break;
    case HAYI_ACTION_LET_GO:
        hayi_manager_let_go(manager, action->u.let_go.worker);
        break;
    }
}
