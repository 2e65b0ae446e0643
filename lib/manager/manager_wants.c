/* manager_wants.c - objects as the client sees them: what it puts, and what it
 * wants on a node. */
#include "config.h"

#include "manager/manager_nested.h"

#include "client/objects.h"
#include "wire/value.h"

#include <stdlib.h>

struct put {
    struct hayi_manager *manager;
    uint32_t node;
};

static void put_object(void *context, struct hayi_object_value *object)
{
    const struct put *put = context;
    struct hayi_event event = {
        .kind = HAYI_EVENT_PUT,
        .u.put = {.node = put->node,
                  .made = {.bytes = object->size, .place = object->place}},
    };
    hayi_manager_step(put->manager, &event, NULL);
    object->object = event.u.put.made.object;
    if (put->node != 0) {
        object->place =
            hayi_sched_place(put->manager->sched, object->object, 0);
    }
}

static void no_place(void *context, struct hayi_object_value *object)
{
    (void)context;
    object->place = 0;
}

/* It never came in. */
static void
refuse_put(struct hayi_manager *manager, hay_future *future, uint32_t node)
{
    const struct hayi_action tell = {
        .kind = HAYI_ACTION_TELL,
        .u.tell = {.payload = (uint64_t)(uintptr_t)future,
                   .state = HAY_FAILED,
                   .status = HAY_EFARM},
    };
    struct hayi_result *result = future->result;
    if (node != 0) { /* what lies there is not in the store of this node */
        (void)hayi_value_objects(
            result->value, result->value_size, no_place, NULL, NULL);
    }
    manager->submitted++;
    hayi_result_free(manager->ex, result);
    future->result = NULL;
    hayi_manager_perform(manager, &tell, NULL);
}

void hayi_manager_put(struct hayi_manager *manager,
                      hay_future *future,
                      uint32_t node)
{
    struct put put = {manager, node};
    if (manager->broken) {
        refuse_put(manager, future, node);
        return;
    }
    struct hayi_result *result = future->result;
    manager->submitted++;
    if (result->object_count > 0) {
        (void)hayi_value_objects(
            result->value, result->value_size, put_object, &put, NULL);
        atomic_store(&future->managed, 1);
    }
    manager->counted[HAY_FINISHED]++;
    manager->dispatch = true; /* publish */
    if (hayi_future_complete(future, HAY_FINISHED, result)) {
        manager->wake = true;
    }
}

/* A want and the objects that are still on their way for it. */
struct hayi_want {
    struct hayi_want *next, **link;
    struct hayi_want_item *item;
    struct hayi_manager *manager;
    size_t left;
    size_t met; /* objects of the value so far */
    uint32_t node;
    struct hayi_want_part {
        struct hayi_want *want;
        hayi_object object;
        size_t index;
    } parts[];
};

/* It was wanted by a client in a worker. */
static void answer_nested(struct hayi_manager *manager,
                          struct hayi_want_item *item)
{
    hayi_manager_nested_answer(
        manager,
        item->from.peer,
        item->from.client,
        item->from.cookie,
        item->error.status,
        item->error.status != HAY_OK ? item->error.text : NULL,
        item->places,
        item->error.status == HAY_OK ? item->object_count : 0);
    hay_future_release(item->future);
    free(item);
}

static void answer(struct hayi_manager *manager, struct hayi_want_item *item)
{
    if (item->from.peer != 0) {
        answer_nested(manager, item);
    } else {
        hayi_want_answered(item);
    }
}

static void finish_want(struct hayi_want *want)
{
    *want->link = want->next;
    if (want->next != NULL) {
        want->next->link = want->link;
    }
    answer(want->manager, want->item);
    free(want);
}

void hayi_manager_wanted(struct hayi_manager *manager,
                         const struct hayi_action *action)
{
    struct hayi_want_part *part =
        (struct hayi_want_part *)(uintptr_t)action->u.wanted.cookie;
    struct hayi_want *want = part->want;
    struct hayi_want_item *item = want->item;
    hay_status status = action->u.wanted.status;
    if (status == HAY_OK) {
        item->places[part->index] =
            hayi_sched_place(manager->sched, part->object, want->node);
    } else if (item->error.status == HAY_OK) {
        const char *words =
            hayi_manager_words(manager, action->u.wanted.report);
        if (words == NULL) {
            words = manager->broken ? manager->ex->broken_error.text
                                    : "its object is lost with its node";
        }
        (void)hayi_fail(&item->error, status, "%s", words);
    }
    want->left--;
    if (want->left == 0) {
        finish_want(want);
    }
}

/* The wanted ones among the objects of the value. */
static void list_part(void *context, struct hayi_object_value *object)
{
    struct hayi_want *want = context;
    const struct hayi_want_item *item = want->item;
    size_t index = want->met++;
    if (index >= item->object_first
        && index - item->object_first < item->object_count) {
        index -= item->object_first;
        want->parts[index] =
            (struct hayi_want_part){want, object->object, index};
    }
}

/* NULL: it is not; else why. */
static const char *why_refused(const struct hayi_manager *manager,
                               const struct hayi_want_item *item)
{
    const struct hayi_result *result = item->future->result;
    if (manager->broken) {
        return manager->ex->broken_error.text;
    }
    if (item->node != HAYI_NODE_CLIENT
        && item->node >= manager->ex->node_count) {
        return "there is no such node";
    }
    if (result == NULL || item->object_count == 0
        || item->object_first >= result->object_count
        || item->object_count > result->object_count - item->object_first) {
        return "there is no such object";
    }
    return NULL;
}

void hayi_manager_want(struct hayi_manager *manager,
                       struct hayi_want_item *item)
{
    const struct hayi_result *result = item->future->result;
    size_t count = item->object_count;
    const char *why = why_refused(manager, item);
    struct hayi_want *want =
        why != NULL ? NULL
                    : malloc(sizeof(*want) + count * sizeof(want->parts[0]));
    if (want == NULL) {
        (void)hayi_fail(&item->error,
                        HAY_EFARM,
                        "%s",
                        why != NULL ? why : "out of memory for a move");
        answer(manager, item);
        return;
    }
    *want = (struct hayi_want){
        .next = manager->wants,
        .link = &manager->wants,
        .item = item,
        .manager = manager,
        .left = count + 1,
        .node = item->node == HAYI_NODE_CLIENT ? 0 : item->node,
    };
    if (want->next != NULL) {
        want->next->link = &want->next;
    }
    manager->wants = want;
    (void)hayi_value_objects(
        result->value, result->value_size, list_part, want, NULL);
    for (size_t i = 0; i < count; i++) {
        struct hayi_event event = {
            .kind = HAYI_EVENT_WANT,
            .u.want = {.object = want->parts[i].object,
                       .node = want->node,
                       .move = item->move,
                       .cookie = (uint64_t)(uintptr_t)&want->parts[i]},
        };
        hayi_manager_step(manager, &event, NULL);
    }
    want->left--;
    if (want->left == 0) {
        finish_want(want);
    }
}

void hayi_manager_refuse_wants(struct hayi_manager *manager)
{
    while (manager->wants != NULL) {
        struct hayi_want *want = manager->wants;
        (void)hayi_fail(&want->item->error,
                        HAY_ECLOSED,
                        "the farm has ended before the object was here");
        finish_want(want);
    }
}
