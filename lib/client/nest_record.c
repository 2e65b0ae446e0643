/* nest_record.c - see nest_record.h. */
#include "config.h"

#include "client/nest_record.h"

#include "client/executor.h"
#include "client/map.h"

#include <stdlib.h>
#include <string.h>

/* ---- a submit -------------------------------------------------------------
 */

static struct hayi_nest_map map_of(const struct hayi_map_view *view)
{
    return (struct hayi_nest_map){
        .item_in_size = view->in_size,
        .item_out_size = view->out_size,
        .first_index = view->first_index,
        .count = view->count,
        .range_max = view->range_max,
        .unread_max = view->unread_max,
        .stop_on_failure = view->stop_on_failure,
        .indices = view->in == NULL,
    };
}

const void *hayi_nest_submit_input(const hay_future *future, uint64_t *size)
{
    const struct hayi_map_state *map = future->map;
    const void *in = map != NULL && map->view.count > 0 ? map->view.in : NULL;
    *size = in != NULL ? map->view.count * map->view.in_size : 0;
    return *size > 0 ? in : NULL;
}

/* NULL: it has none. */
static const char *request_of(const hay_future *future)
{
    uint32_t request = future->spec->needs.request;
    return request != 0 ? hayi_resources_text(future->ex->resources, request)
                        : NULL;
}

static struct hayi_nest_submit head_of(const hay_future *future)
{
    const char *request = request_of(future);
    const struct hayi_spec *spec = future->spec;
    struct hayi_nest_submit head = {
        .id = future->id,
        .spec_size = sizeof(*spec),
        .deps_size = spec->dep_count * sizeof(uint64_t),
        .text_size = hayi_spec_text_size(spec),
        .request_size = request != NULL ? strlen(request) + 1 : 0,
        .map_size = future->map != NULL ? sizeof(struct hayi_nest_map) : 0,
    };
    (void)hayi_nest_submit_input(future, &head.in_size);
    return head;
}

enum { PARTS = 6 };

static void list_parts(const struct hayi_nest_submit *head, uint64_t *parts)
{
    parts[0] = head->spec_size;
    parts[1] = head->deps_size;
    parts[2] = head->text_size;
    parts[3] = head->request_size;
    parts[4] = head->map_size;
    parts[5] = head->in_size;
}

size_t hayi_nest_submit_size(const hay_future *future)
{
    const struct hayi_nest_submit head = head_of(future);
    uint64_t parts[PARTS];
    list_parts(&head, parts);
    return hayi_record_size(sizeof(head), parts, PARTS - 1);
}

void hayi_nest_submit_write(const hay_future *future,
                            uint32_t client,
                            bool unwanted,
                            void *body)
{
    const struct hayi_spec *spec = future->spec;
    struct hayi_nest_submit head = head_of(future);
    struct hayi_spec copy = *spec;
    head.client = client;
    head.flags = unwanted ? HAYI_NEST_UNWANTED : 0;
    copy.user = NULL; /* means nothing elsewhere */
    unsigned char *at = hayi_record_put(body, &head, sizeof(head));
    at = hayi_record_put(at, &copy, sizeof(copy));
    uint64_t *ids = (uint64_t *)(void *)at;
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        ids[i] = hayi_spec_deps(spec)[i]->id;
    }
    at += head.deps_size;
    at = hayi_record_put(at, hayi_spec_args(spec), head.text_size);
    at = hayi_record_put(at, request_of(future), head.request_size);
    if (future->map != NULL) {
        const struct hayi_nest_map map = map_of(&future->map->view);
        (void)hayi_record_put(at, &map, sizeof(map));
    }
}

/* Does what the specification says fit to the lengths that came? */
static bool is_sound(const struct hayi_nest_submit *head,
                     const struct hayi_spec *spec)
{
    return spec->kind >= HAYI_TASK_FUNCTION && spec->kind <= HAYI_TASK_MAP
           && head->deps_size == spec->dep_count * sizeof(uint64_t)
           && spec->any_count <= spec->dep_count
           && spec->arg_dep_count <= spec->dep_count - spec->any_count
           && head->text_size == hayi_spec_text_size(spec)
           && (spec->kind == HAYI_TASK_MAP)
                  == (head->map_size == sizeof(struct hayi_nest_map));
}

static bool read_view(const struct hayi_nest_map *map,
                      const void *in,
                      uint64_t in_size,
                      struct hayi_map_view *view)
{
    uint64_t bytes = 0;
    *view = (struct hayi_map_view){
        .in = map->indices ? NULL : in,
        .in_size = map->item_in_size,
        .out_size = map->item_out_size,
        .first_index = map->first_index,
        .count = map->count,
        .range_max = map->range_max,
        .unread_max = map->unread_max,
        .stop_on_failure = map->stop_on_failure != 0,
    };
    return map->item_in_size <= HAY_ARGS_MAX
           && map->item_out_size <= HAY_ARGS_MAX
           && (map->indices
               || (!__builtin_mul_overflow(
                       map->count, map->item_in_size, &bytes)
                   && bytes <= in_size));
}

static hay_status damaged(struct hayi_error *err)
{
    return hayi_fail(err, HAY_EMISMATCH, "a nested submit is damaged");
}

/* The parts of the tail, checked. */
static hay_status read_parts(const void *body,
                             size_t size,
                             const void **at,
                             struct hayi_error *err)
{
    const struct hayi_nest_submit *head = body;
    uint64_t parts[PARTS];
    if (size < sizeof(*head)) {
        return damaged(err);
    }
    list_parts(head, parts);
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, PARTS, 8u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    return head->spec_size == sizeof(struct hayi_spec) && is_sound(head, at[0])
               ? HAY_OK
               : damaged(err);
}

/* Its number here; there it was that of another executor. */
static hay_status
read_request(hay_future *future, const char *text, struct hayi_error *err)
{
    struct hayi_spec *spec = future->spec;
    uint32_t request = 0;
    hay_status status = hayi_resources_request(future->ex->resources,
                                               &spec->needs,
                                               text,
                                               hayi_spec_category(spec),
                                               &request,
                                               err);
    spec->needs.request = request & (HAYI_REQUEST_MAX - 1);
    return status;
}

hay_status hayi_nest_submit_read(hay_executor *ex,
                                 const void *body,
                                 size_t size,
                                 hay_future *(*find)(void *context,
                                                     hay_task_id id),
                                 void *context,
                                 hay_future **future,
                                 struct hayi_error *err)
{
    const struct hayi_nest_submit *head = body;
    const void *at[PARTS];
    struct hayi_map_view view;
    hay_status status = read_parts(body, size, at, err);
    if (status != HAY_OK) {
        return status;
    }
    if (head->map_size > 0 && !read_view(at[4], at[5], head->in_size, &view)) {
        return damaged(err);
    }
    hay_future *fresh =
        hayi_future_restore(ex, at[0], at[2], (size_t)head->text_size);
    if (fresh == NULL
        || (head->map_size > 0 && !hayi_map_attach(fresh, &view))) {
        free(fresh);
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a task");
    }
    fresh->id = head->id;
    struct hayi_limits *limits = hayi_spec_limits_room(fresh->spec);
    if (limits != NULL) {
        limits->memory_doublings = 0; /* it has not run yet */
    }
    status = read_request(fresh, head->request_size > 0 ? at[3] : NULL, err);
    if (status != HAY_OK) {
        hayi_future_discard(fresh);
        return status;
    }
    const uint64_t *ids = at[1];
    hay_future **deps = hayi_spec_deps_room(fresh->spec);
    for (uint32_t i = 0; i < fresh->spec->dep_count; i++) {
        deps[i] = find(context, ids[i]);
        if (deps[i] == NULL) {
            hayi_future_discard(fresh);
            return hayi_fail(
                err, HAY_EINVAL, "an input of a nested task is not known");
        }
    }
    *future = fresh;
    return HAY_OK;
}

/* ---- an end ---------------------------------------------------------------
 */

enum { ENDED_PARTS = 5 };

static uint64_t text_size(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

static struct hayi_nest_ended ended_of(const hay_future *future,
                                       uint64_t *parts)
{
    struct hayi_nest_ended head = {.id = future->id};
    const struct hayi_result *result = future->result;
    if (result != NULL) {
        head.head_size = sizeof(*result);
        head.reason_size = text_size(result->reason);
        head.path_size[0] = text_size(result->capture_path[0]);
        head.path_size[1] = text_size(result->capture_path[1]);
        head.value_size = result->value_size;
    }
    parts[0] = head.head_size;
    parts[1] = head.reason_size;
    parts[2] = head.path_size[0];
    parts[3] = head.path_size[1];
    parts[4] = head.value_size;
    return head;
}

size_t hayi_nest_ended_size(const hay_future *future)
{
    uint64_t parts[ENDED_PARTS];
    const struct hayi_nest_ended head = ended_of(future, parts);
    return hayi_record_size(sizeof(head), parts, ENDED_PARTS);
}

void *hayi_nest_ended_write(const hay_future *future,
                            uint32_t client,
                            hay_state state,
                            void *body)
{
    uint64_t parts[ENDED_PARTS];
    struct hayi_nest_ended head = ended_of(future, parts);
    const struct hayi_result *result = future->result;
    head.client = client;
    head.state = (uint32_t)state;
    unsigned char *at = hayi_record_put(body, &head, sizeof(head));
    if (result == NULL) {
        return at;
    }
    struct hayi_result copy;
    memcpy(&copy, result, sizeof(copy));
    copy.reason = NULL; /* addresses mean nothing elsewhere */
    copy.capture_path[0] = copy.capture_path[1] = NULL;
    copy.files = NULL;
    copy.file_count = 0;
    atomic_init(&copy.views, NULL);
    at = hayi_record_put(at, &copy, sizeof(copy));
    at = hayi_record_put(at, result->reason, parts[1]);
    at = hayi_record_put(at, result->capture_path[0], parts[2]);
    at = hayi_record_put(at, result->capture_path[1], parts[3]);
    (void)hayi_record_put(at, result->value, parts[4]);
    return at;
}

hay_status hayi_nest_ended_read(const void *body,
                                size_t size,
                                const char *(*keep)(void *context,
                                                    const char *path),
                                void *context,
                                struct hayi_result **result,
                                struct hayi_error *err)
{
    const struct hayi_nest_ended *head = body;
    const void *at[ENDED_PARTS];
    if (size < sizeof(*head)) {
        return hayi_fail(err, HAY_EMISMATCH, "a nested end is too short");
    }
    const uint64_t parts[ENDED_PARTS] = {head->head_size,
                                         head->reason_size,
                                         head->path_size[0],
                                         head->path_size[1],
                                         head->value_size};
    hay_status status = hayi_record_parts(
        body, size, sizeof(*head), parts, ENDED_PARTS, 14u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    if (head->head_size == 0) {
        *result = NULL;
        return HAY_OK;
    }
    struct hayi_result *fresh = NULL;
    if (head->head_size != sizeof(*fresh)) {
        return hayi_fail(err, HAY_EMISMATCH, "a nested end is damaged");
    }
    fresh = malloc(sizeof(*fresh) + (size_t)head->value_size);
    if (fresh == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    memcpy(fresh, at[0], sizeof(*fresh));
    memcpy(fresh->value, at[4], (size_t)head->value_size);
    fresh->value_size = (size_t)head->value_size;
    fresh->reason = head->reason_size > 0 ? strdup(at[1]) : NULL;
    for (int i = 0; i < 2; i++) {
        fresh->capture_path[i] =
            parts[2 + i] > 0 ? keep(context, at[2 + i]) : NULL;
    }
    *result = fresh;
    return HAY_OK;
}
