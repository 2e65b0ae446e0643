/* remote_take.c - what the manager tells a remote executor (see
 * remote_executor.h). */
#include "config.h"

#include "client/remote_inside.h"

#include "client/map.h"
#include "client/nest_record.h"

#include <stdlib.h>
#include <string.h>

enum {
    PATHS_LOOK = 64, /* newest paths that are compared with a new one */
};

static hay_status unsound(uint16_t type, struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EMISMATCH,
                     "a record of type %u is damaged or unexpected",
                     type);
}

static hay_status take_grant(struct hayi_remote *remote,
                             const void *body,
                             size_t size,
                             struct hayi_error *err)
{
    const struct hayi_nest_grant *head = body;
    hay_executor *ex = remote->ex;
    const void *cores = NULL;
    const uint64_t cores_size = head->node_count * sizeof(uint32_t);
    hay_status status = hayi_record_parts(
        body, size, sizeof(*head), &cores_size, 1, 0, &cores, err);
    if (status != HAY_OK) {
        return status;
    }
    for (uint32_t i = 0; i < ex->node_count && i < head->node_count; i++) {
        atomic_store(&ex->node_cores[i], ((const uint32_t *)cores)[i]);
    }
    atomic_store(&ex->cores, head->cores);
    atomic_store(&ex->cores_max, head->cores_max);
    atomic_store(&ex->gpus_max, head->gpus_max);
    atomic_store(&ex->memory_max, head->memory_max);
    atomic_store(&ex->workers_lost, head->workers_lost);
    atomic_store(&ex->workers, head->workers);
    (void)pthread_mutex_lock(&remote->mutex);
    remote->spare = head->first;
    remote->spare_end = head->first + head->count;
    remote->block = head->count;
    remote->asked = false;
    (void)pthread_mutex_unlock(&remote->mutex);
    return HAY_OK;
}

static hay_status take_state(struct hayi_remote *remote,
                             const struct hayi_nest_state *head,
                             struct hayi_error *err)
{
    hay_future *future = hayi_idmap_get(&remote->futures, head->id);
    if (future == NULL || head->state >= HAY_FINISHED) {
        return unsound(HAYI_RECORD_NEST_STATE, err);
    }
    hayi_future_set_state(future, (hay_state)head->state);
    return HAY_OK;
}

/* Results point to it as long as the executor is there. */
static const char *keep_path(void *context, const char *path)
{
    hay_executor *ex = context;
    for (size_t i = 0; i < ex->path_count && i < PATHS_LOOK; i++) {
        const char *known = ex->paths[ex->path_count - 1 - i];
        if (strcmp(known, path) == 0) {
            return known;
        }
    }
    if (ex->path_count == ex->path_room) {
        size_t room = ex->path_room == 0 ? 16 : ex->path_room * 2;
        void *list = realloc(ex->paths, room * sizeof(char *));
        if (list == NULL) {
            return NULL;
        }
        ex->paths = list;
        ex->path_room = room;
    }
    char *copy = strdup(path);
    if (copy != NULL) {
        ex->paths[ex->path_count++] = copy;
    }
    return copy;
}

/* What was put stays as it is, and has learned its objects' handles. */
static struct hayi_result *name_put(hay_future *future,
                                    struct hayi_result *told)
{
    struct hayi_result *own = future->result;
    if (told == NULL || told->value_size != own->value_size) {
        return told;
    }
    memcpy(own->value, told->value, own->value_size);
    own->object_count = told->object_count;
    free(told->reason);
    free(told);
    return own;
}

static hay_status take_ended(struct hayi_remote *remote,
                             const void *body,
                             size_t size,
                             struct hayi_error *err)
{
    const struct hayi_nest_ended *head = body;
    struct hayi_result *result = NULL;
    if (head->state < HAY_FINISHED || head->state > HAY_CANCELLED
        || hayi_idmap_get(&remote->futures, head->id) == NULL) {
        return unsound(HAYI_RECORD_NEST_ENDED, err);
    }
    hay_status status =
        hayi_nest_ended_read(body, size, keep_path, remote->ex, &result, err);
    if (status != HAY_OK) {
        return status;
    }
    hay_future *future = hayi_idmap_take(&remote->futures, head->id);
    if (future->result != NULL && head->state == HAY_FINISHED) {
        result = name_put(future, result);
    }
    (void)hayi_future_complete(future, (hay_state)head->state, result);
    return HAY_OK;
}

static hay_status take_range(struct hayi_remote *remote,
                             const void *body,
                             size_t size,
                             struct hayi_error *err)
{
    const struct hayi_nest_range *head = body;
    const uint64_t parts[3] = {
        head->failures * sizeof(struct hayi_range_failure),
        head->text_size,
        head->out_bytes,
    };
    const void *at[3];
    hay_map_failure failures[HAYI_NEST_TOLD_MAX];
    hay_future *map = hayi_idmap_get(&remote->futures, head->id);
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 3, 2u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    if (map == NULL || map->map == NULL || head->failures > HAYI_NEST_TOLD_MAX
        || !hayi_nest_strings(at[1], head->text_size, head->failures)) {
        return unsound(HAYI_RECORD_NEST_RANGE, err);
    }
    struct hayi_map_view view;
    hayi_map_get_view(map, &view);
    if (head->first > view.count || head->count > view.count - head->first
        || head->out_bytes > head->count * view.out_size) {
        return unsound(HAYI_RECORD_NEST_RANGE, err);
    }
    if (head->out_bytes > 0 && view.out != NULL) {
        memcpy((char *)view.out + head->first * view.out_size,
               at[2],
               (size_t)head->out_bytes);
    }
    const char *text = at[1];
    const struct hayi_range_failure *told = at[0];
    for (uint32_t i = 0; i < head->failures; i++) {
        failures[i] = (hay_map_failure){
            .index = told[i].item,
            .status = (hay_status)told[i].status,
            .code = told[i].code,
            .text = text,
        };
        text += strlen(text) + 1;
    }
    (void)hayi_map_range_done(
        map, head->first, head->count, failures, head->failures, head->failed);
    return HAY_OK;
}

static hay_status take_answer(struct hayi_remote *remote,
                              const void *body,
                              size_t size,
                              struct hayi_error *err)
{
    const struct hayi_nest_answer *head = body;
    const uint64_t parts[2] = {head->words_size, head->places_size};
    const void *at[2];
    hay_status status =
        hayi_record_parts(body, size, sizeof(*head), parts, 2, 1u, at, err);
    if (status != HAY_OK) {
        return status;
    }
    struct hayi_item *item = hayi_idmap_take(&remote->items, head->cookie);
    if (item == NULL) {
        return unsound(HAYI_RECORD_NEST_ANSWER, err);
    }
    if (item->kind == HAYI_ITEM_CANCEL) {
        hayi_cancel_answered((struct hayi_cancel_item *)item,
                             (hay_status)head->status);
        return HAY_OK;
    }
    struct hayi_want_item *want = (struct hayi_want_item *)item;
    uint64_t room = want->object_count * sizeof(want->places[0]);
    if (head->status != HAY_OK) {
        (void)hayi_fail(&want->error,
                        (hay_status)head->status,
                        "%s",
                        head->words_size > 0 ? (const char *)at[0] : "");
    } else if (head->places_size == room) {
        memcpy(want->places, at[1], (size_t)room);
    }
    hayi_want_answered(want);
    return HAY_OK;
}

static size_t least_size(uint16_t type)
{
    switch (type) {
    case HAYI_RECORD_NEST_GRANT:
        return sizeof(struct hayi_nest_grant);
    case HAYI_RECORD_NEST_STATE:
        return sizeof(struct hayi_nest_state);
    case HAYI_RECORD_NEST_ENDED:
        return sizeof(struct hayi_nest_ended);
    case HAYI_RECORD_NEST_RANGE:
        return sizeof(struct hayi_nest_range);
    default:
        return sizeof(struct hayi_nest_answer);
    }
}

hay_status hayi_remote_take(struct hayi_remote *remote,
                            uint16_t type,
                            const void *body,
                            size_t size,
                            struct hayi_error *err)
{
    hay_status status = HAY_OK;
    if (size < least_size(type)) {
        return unsound(type, err);
    }
    if (remote->broken) {
        return HAY_OK;
    }
    switch (type) {
    case HAYI_RECORD_NEST_GRANT:
        status = take_grant(remote, body, size, err);
        break;
    case HAYI_RECORD_NEST_STATE:
        return take_state(remote, body, err);
    case HAYI_RECORD_NEST_ENDED:
        status = take_ended(remote, body, size, err);
        break;
    case HAYI_RECORD_NEST_RANGE:
        status = take_range(remote, body, size, err);
        break;
    case HAYI_RECORD_NEST_ANSWER:
        status = take_answer(remote, body, size, err);
        break;
    default:
        return unsound(type, err);
    }
    remote->changed = true;
    return status;
}
