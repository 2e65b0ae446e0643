/* manager_resources.c - names and requests of the client as the core's numbers.
 */
#include "config.h"

#include "manager/manager_inside.h"

#include "wire/request.h"

#include <stdlib.h>
#include <string.h>

hay_status hayi_manager_tell_limits(struct hayi_manager *manager,
                                    struct hayi_error *err)
{
    struct hayi_amount limit;
    for (size_t i = 0; hayi_resources_limit(manager->ex->resources, i, &limit);
         i++) {
        struct hayi_event event = {
            .kind = HAYI_EVENT_POOL,
            .u.pool = {.resource = limit.resource, .units = limit.units},
        };
        hay_status status = hayi_sched_step(
            manager->sched, manager->now_ns, &event, &manager->actions);
        if (status != HAY_OK) {
            return hayi_fail(err, status, "the scheduler refused a limit");
        }
    }
    return HAY_OK;
}

static bool make_room(struct hayi_manager *manager, uint32_t number)
{
    enum { FIRST = 16 };
    if (number < manager->requests_room) {
        return true;
    }
    size_t room = manager->requests_room == 0 ? FIRST : manager->requests_room;
    while (room <= number) {
        room *= 2;
    }
    uint32_t *more = realloc(manager->requests, room * sizeof(*more));
    if (more == NULL) {
        return false;
    }
    memset(more + manager->requests_room,
           0,
           (room - manager->requests_room) * sizeof(*more));
    manager->requests = more;
    manager->requests_room = room;
    return true;
}

bool hayi_manager_request(struct hayi_manager *manager,
                          struct hayi_needs *needs)
{
    uint32_t number = needs->request;
    if (number == 0) {
        return true;
    }
    if (!make_room(manager, number)) {
        return false;
    }
    if (manager->requests[number] == 0) {
        struct hayi_event event = {.kind = HAYI_EVENT_REQUEST};
        event.u.request.variants = hayi_resources_variants(
            manager->ex->resources, number, &event.u.request.count);
        hayi_manager_step(manager, &event, NULL);
        manager->requests[number] = event.u.request.request;
    }
    needs->request = manager->requests[number] & (HAYI_REQUEST_MAX - 1);
    return needs->request != 0;
}

hay_status hayi_manager_amounts(struct hayi_manager *manager,
                                const char *text,
                                struct hayi_amount *amounts,
                                size_t *count,
                                struct hayi_error *err)
{
    struct hayi_named list[HAYI_RESOURCE_MAX];
    struct hayi_resources *resources = manager->ex->resources;
    struct hayi_amount limit;
    size_t n = 0;
    hay_status status =
        hayi_named_parse(text, false, list, HAYI_RESOURCE_MAX, &n, err);
    for (size_t i = 0; i < n && status == HAY_OK; i++) {
        amounts[i] = (struct hayi_amount){.units = list[i].units};
        status = hayi_resources_number(
            resources, list[i].name, list[i].size, &amounts[i].resource, err);
        for (size_t k = 0;
             status == HAY_OK && hayi_resources_limit(resources, k, &limit);
             k++) {
            if (limit.resource == amounts[i].resource) {
                status = hayi_fail(err,
                                   HAY_EINVAL,
                                   "a worker has %.*s, which is a limit of the "
                                   "farm",
                                   (int)list[i].size,
                                   list[i].name);
            }
        }
    }
    if (status == HAY_OK) {
        *count = n;
    }
    return status;
}
