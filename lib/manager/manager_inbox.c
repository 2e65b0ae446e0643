/* manager_inbox.c - what the client wants, as events of the core. */
#include "config.h"

#include "manager/manager_inside.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_BYTES_SENT     (UINT64_C(24) << 10) /* one way, over a transport */
#define RANGE_BYTES_TO_CHILD (UINT64_C(64) << 20) /* ... through its ring */

struct hayi_dep
hayi_manager_dep(const hay_future *input, bool any, bool argument)
{
    struct hayi_dep dep = {.any = any, .objects = argument};
    uint8_t state = (uint8_t)hayi_manager_state(input);
    if (state < HAY_FINISHED) {
        dep.task = input->task;
        return dep;
    }
    dep.ended = state;
    dep.objects =
        argument && input->result != NULL
        && input->result->object_count + input->result->file_count > 0;
    dep.culprit = input->id;
    if (input->result != NULL && input->result->culprit != 0) {
        dep.culprit = input->result->culprit;
    }
    return dep;
}

static bool gather_deps(struct hayi_manager *manager, const hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    if (spec->dep_count > manager->deps_room) {
        void *deps =
            realloc(manager->deps, spec->dep_count * sizeof(*manager->deps));
        if (deps == NULL) {
            return false;
        }
        manager->deps = deps;
        manager->deps_room = spec->dep_count;
    }
    hay_future *const *inputs = hayi_spec_deps(spec);
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        bool any = i >= spec->dep_count - spec->any_count;
        manager->deps[i] =
            hayi_manager_dep(inputs[i], any, i < spec->arg_dep_count);
    }
    return true;
}

/* It never came in: ends here. */
static void
reject(struct hayi_manager *manager, hay_future *future, hay_status status)
{
    bool closed = status == HAY_ECLOSED;
    const struct hayi_action tell = {
        .kind = HAYI_ACTION_TELL,
        .u.tell = {.payload = (uint64_t)(uintptr_t)future,
                   .state = closed ? HAY_CANCELLED : HAY_FAILED,
                   .status = closed ? HAY_ECANCELLED : HAY_EFARM},
    };
    hayi_manager_perform(manager, &tell, NULL);
}

/* Most often that of the task before it. */
static uint32_t category_of(struct hayi_manager *manager,
                            const struct hayi_spec *spec)
{
    const char *kind = "";
    bool function =
        spec->category_size == 0
        && (spec->kind == HAYI_TASK_FUNCTION || spec->kind == HAYI_TASK_MAP);
    if (function && manager->last_known
        && manager->last_function == spec->function) {
        return manager->last_category;
    }
    size_t size = hayi_manager_kind(spec, &kind);
    uint32_t category = hayi_manager_category(kind, size);
    if (function) {
        manager->last_known = true;
        manager->last_function = spec->function;
        manager->last_category = category;
    }
    return category;
}

/* A range's items travel in one record each way. */
static uint64_t range_bytes_max(const struct hayi_manager *manager,
                                const hay_future *map)
{
    if (!manager->config.shared_memory
        || (map->remembered & HAYI_MANAGER_NESTED) != 0) {
        return RANGE_BYTES_SENT;
    }
    return map->spec->process ? RANGE_BYTES_TO_CHILD : UINT64_MAX;
}

static uint64_t range_max_of(const struct hayi_manager *manager,
                             const hay_future *map,
                             const struct hayi_map_view *view)
{
    uint64_t range_max = view->range_max != 0 ? view->range_max : UINT64_MAX;
    uint64_t item = view->out_size;
    if (view->in != NULL && view->in_size > item) {
        item = view->in_size;
    }
    uint64_t fits =
        item == 0 ? UINT64_MAX : range_bytes_max(manager, map) / item;
    fits = fits == 0 ? 1 : fits;
    return fits < range_max ? fits : range_max;
}

static void submit_map(struct hayi_manager *manager, hay_future *future)
{
    struct hayi_needs needs = future->spec->needs;
    struct hayi_map_view view;
    if (!hayi_manager_request(manager, &needs)) {
        reject(manager, future, HAY_ENOMEM);
        return;
    }
    hayi_map_get_view(future, &view);
    struct hayi_event event = {
        .kind = HAYI_EVENT_MAP,
        .u.map = {.id = future->id,
                  .payload = (uint64_t)(uintptr_t)future,
                  .priority = future->spec->priority,
                  .category = category_of(manager, future->spec),
                  .count = view.count,
                  .range_max = range_max_of(manager, future, &view),
                  .unread_max = view.unread_max,
                  .request = needs.request,
                  .parent = future->spec->parent,
                  .stop_on_failure = view.stop_on_failure},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void submit(struct hayi_manager *manager, hay_future *future)
{
    manager->submitted++;
    hayi_manager_record_task(manager, future);
    if (manager->broken) {
        reject(manager, future, HAY_EFARM);
        return;
    }
    const struct hayi_spec *spec = future->spec;
    if (spec->kind == HAYI_TASK_MAP) {
        submit_map(manager, future);
        return;
    }
    if (!gather_deps(manager, future)) {
        reject(manager, future, HAY_ENOMEM);
        return;
    }
    struct hayi_needs needs = spec->needs;
    if (needs.request != 0 && !hayi_manager_request(manager, &needs)) {
        reject(manager, future, HAY_ENOMEM);
        return;
    }
    struct hayi_event event = {
        .kind = HAYI_EVENT_TASK,
        .u.task = {.id = future->id,
                   .payload = (uint64_t)(uintptr_t)future,
                   .needs = needs,
                   .priority = spec->priority,
                   .retries = spec->retries,
                   .memory_retries =
                       (uint8_t)hayi_spec_limits(spec)->memory_retries,
                   .pause_ms = hayi_spec_pause_ms(spec),
                   .saves = hayi_spec_limits(spec)->warn_ns != 0,
                   .late = hayi_spec_limits(spec)->late,
                   .once = spec->once,
                   .apart = spec->kind != HAYI_TASK_FUNCTION,
                   .category = category_of(manager, spec),
                   .parent = spec->parent,
                   .deps = manager->deps,
                   .dep_count = spec->dep_count},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void cancel(struct hayi_manager *manager, struct hayi_cancel_item *item)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_CANCEL,
        .u.cancel = {.task = item->future->task,
                     .force = item->force,
                     .nested = item->nested,
                     .cookie = (uint64_t)(uintptr_t)item},
    };
    hayi_manager_step(manager, &event, NULL);
}

static void map_read(struct hayi_manager *manager,
                     struct hayi_map_read_item *item)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_MAP_READ,
        .u.map_read = {.task = item->map->task, .count = item->count},
    };
    if (item->map->task != 0) {
        hayi_manager_step(manager, &event, NULL);
    }
    hay_future_release(item->map);
    free(item);
}

void hayi_manager_take_item(struct hayi_manager *manager,
                            struct hayi_item *item)
{
    switch (item->kind) {
    case HAYI_ITEM_SUBMIT:
        submit(manager, (hay_future *)item);
        break;
    case HAYI_ITEM_CANCEL:
        cancel(manager, (struct hayi_cancel_item *)item);
        break;
    case HAYI_ITEM_MAP_READ:
        map_read(manager, (struct hayi_map_read_item *)item);
        break;
    case HAYI_ITEM_PUT:
        hayi_manager_put(manager, (hay_future *)item, 0);
        break;
    case HAYI_ITEM_RELEASE:
        hayi_manager_released(manager, (hay_future *)item);
        break;
    case HAYI_ITEM_WANT:
        hayi_manager_want(manager, (struct hayi_want_item *)item);
        break;
    case HAYI_ITEM_CLOSE: {
        struct hayi_close_item *close = (struct hayi_close_item *)item;
        struct hayi_event event = {
            .kind = HAYI_EVENT_CLOSE,
            .u.close = {.cancel_pending = close->cancel_pending},
        };
        hayi_manager_step(manager, &event, NULL);
        free(close);
        break;
    }
    default:
        break;
    }
}

bool hayi_manager_take_inbox(struct hayi_manager *manager)
{
    struct hayi_mpsc_node *node = NULL;
    unsigned taken = 0;
    while (taken < HAYI_MANAGER_INBOX_BATCH
           && (node = hayi_mpsc_pop(&manager->inbox)) != NULL) {
        hayi_manager_take_item(manager, (struct hayi_item *)node);
        taken++;
    }
    return taken > 0;
}

void hayi_manager_drain_inbox(struct hayi_manager *manager)
{
    while (hayi_mpsc_maybe(&manager->inbox)) {
        if (!hayi_manager_take_inbox(manager)) {
            (void)sched_yield(); /* one is just being pushed */
        }
    }
}
