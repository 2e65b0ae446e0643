/* manager_follow.c - tasks whose result is that of another one, which they have
 * submitted (hay_return_future()).
 *
 * The core waits for the other one's end and tells then; what the report said
 * is kept until that, with a count of the future whose result is copied.
 */
#include "config.h"

#include "manager/manager_nested.h"

#include "client/objects.h"
#include "wire/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_following(struct hayi_following *following)
{
    hay_future_release(following->future);
    free(following);
}

/* Its report is given to the core; it is kept if that counts it, or else what
 * was kept for the task before. */
static void enter(struct hayi_manager *manager,
                  struct hayi_following *following,
                  struct hayi_event *event,
                  struct hayi_report *report)
{
    struct hayi_idmap *map = &manager->following;
    const hayi_handle task = following->task;
    struct hayi_following *before = hayi_idmap_take(map, task);
    if (!hayi_idmap_put(map, task, following)) {
        free_following(following);
        hayi_manager_drop_following(before);
        hayi_manager_panic(manager, "out of memory for a result");
        return;
    }
    hayi_manager_step(manager, event, report);
    if (!event->u.ended.followed && hayi_idmap_take(map, task) == following) {
        free_following(following);
        following = before;
        before = NULL;
        if (following != NULL && !hayi_idmap_put(map, task, following)) {
            before = following;
            hayi_manager_panic(manager, "out of memory for a result");
        }
    }
    hayi_manager_drop_following(before);
}

/* Counted; NULL: there is none. */
static hay_future *followed(struct hayi_manager *manager,
                            const struct hayi_follow *follow)
{
    if (manager->config.shared_memory && follow->address != 0) {
        return (hay_future *)(uintptr_t)follow->address;
    }
    return hay_future_retain(hayi_manager_nested_find(manager, follow->id));
}

/* There is nothing that it could have as its result. */
static void refuse(struct hayi_manager *manager,
                   struct hayi_event *event,
                   struct hayi_report *report,
                   const char *reason)
{
    event->u.ended.outcome = HAYI_OUTCOME_FARM;
    event->u.ended.cause = report->cause = HAY_CAUSE_FARM;
    report->reason = reason;
    hayi_manager_step(manager, event, report);
}

hay_status hayi_manager_follow(struct hayi_manager *manager,
                               struct hayi_event *event,
                               struct hayi_report *report,
                               struct hayi_error *err)
{
    struct hayi_follow follow;
    if (report->value_size != sizeof(follow)) {
        return hayi_fail(err, HAY_EMISMATCH, "a report is damaged");
    }
    memcpy(&follow, report->value, sizeof(follow));
    const uint64_t task = event->u.ended.task;
    hay_future *future = followed(manager, &follow);
    report->value = NULL;
    report->value_size = 0;
    if (future == NULL) {
        refuse(
            manager, event, report, "the future that it returned is not known");
        return HAY_OK;
    }
    if (hayi_sched_circular(manager->sched, task, future->task)) {
        hay_future_release(future);
        refuse(manager,
               event,
               report,
               "it returned its own future, or one that waits for its result");
        return HAY_OK;
    }
    struct hayi_following *following = malloc(sizeof(*following));
    if (following == NULL) {
        hay_future_release(future);
        refuse(manager, event, report, "out of memory for a result");
        return HAY_OK;
    }
    *following = (struct hayi_following){
        .task = task,
        .future = future,
        .report = *report,
    };
    (void)snprintf(following->had,
                   sizeof(following->had),
                   "%s",
                   report->had != NULL ? report->had : "");
    following->report.had = following->had;
    following->report.reason = "";
    following->report.capture = NULL;
    const struct hayi_dep dep = hayi_manager_dep(future, false, true);
    event->u.ended.follow = &dep;
    event->u.ended.objects = dep.objects;
    enter(manager, following, event, report);
    event->u.ended.follow = NULL;
    return HAY_OK;
}

/* The copy holds the objects as well. */
static void hold(void *context, struct hayi_object_value *object)
{
    struct hayi_event event = {.kind = HAYI_EVENT_HOLD,
                               .u.hold = {.object = object->object}};
    if (object->object != 0) {
        hayi_manager_step(context, &event, NULL);
    }
}

struct hayi_following *
hayi_manager_take_following(struct hayi_manager *manager,
                            const hay_future *future,
                            const struct hayi_action *tell)
{
    struct hayi_following *following =
        manager->following.count == 0 || future->task == 0
            ? NULL
            : hayi_idmap_take(&manager->following, future->task);
    if (following == NULL) {
        return NULL;
    }
    const struct hayi_result *result = following->future->result;
    if (!tell->u.tell.followed) {
        free_following(following); /* it has ended otherwise */
        return NULL;
    }
    if (tell->u.tell.state == HAY_FINISHED && result != NULL) {
        following->report.value = result->value;
        following->report.value_size = result->value_size;
        following->report.object_count = result->object_count;
        (void)hayi_value_objects(
            result->value, result->value_size, hold, manager, NULL);
    }
    return following;
}

/* "task 17 (fit): exit status 1" */
void hayi_manager_word_following(const struct hayi_following *following,
                                 struct hayi_result *own)
{
    const struct hayi_result *result = following->future->result;
    char text[600];
    const size_t size = sizeof(text);
    const char *reason =
        result != NULL && result->reason != NULL ? result->reason : "";
    char label[160];
    hayi_future_label(following->future, label, sizeof(label));
    if (result != NULL && result->status == HAY_EDEPENDENCY) {
        (void)snprintf(text, size, "%s", reason);
    } else if (reason[0] != 0) {
        (void)snprintf(text, size, "%s: %s", label, reason);
    } else {
        (void)snprintf(text,
                       size,
                       "%s %s",
                       label,
                       hay_state_name(hay_future_state(following->future)));
    }
    free(own->reason);
    own->reason = strdup(text);
}

void hayi_manager_drop_following(struct hayi_following *following)
{
    if (following != NULL) {
        free_following(following);
    }
}

void hayi_manager_following_free(struct hayi_manager *manager)
{
    struct hayi_following *following;
    while ((following = hayi_idmap_any(&manager->following)) != NULL) {
        (void)hayi_idmap_take(&manager->following, following->task);
        free_following(following);
    }
    hayi_idmap_fini(&manager->following);
}
