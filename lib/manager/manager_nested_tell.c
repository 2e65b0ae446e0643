/* manager_nested_tell.c - what clients in workers are told. */
#include "config.h"

#include "manager/manager_nested.h"

#include "client/nest_record.h"
#include "wire/value.h"

#include <stdio.h>
#include <string.h>

enum {
    GRANT_MOST = 1 << 16,
    TEXT_MAX = 1 << 20, /* words of a range's failures */
};

/* NULL: the peer is gone; or out of memory, and the run ends. */
static unsigned char *
append(struct hayi_manager *manager, uint32_t peer, uint16_t type, size_t size)
{
    struct hayi_link *link = &manager->peers[peer].link;
    if (manager->peers[peer].gone || manager->peers[peer].bye) {
        return NULL;
    }
    if (size > HAYI_RECORD_MAX) {
        char text[100];
        (void)snprintf(text,
                       sizeof(text),
                       "a message of type %u would have %zu bytes, more than "
                       "%d",
                       type,
                       size,
                       HAYI_RECORD_MAX);
        hayi_manager_panic(manager, text);
        return NULL;
    }
    unsigned char *body = hayi_channel_append(link->channel, type, size);
    if (body == NULL) {
        hayi_manager_panic(manager, "out of memory for a message");
    }
    return body;
}

void hayi_manager_nested_grant(struct hayi_manager *manager,
                               const struct hayi_peer *peer,
                               const struct hayi_nest_ask *ask)
{
    hay_executor *ex = manager->ex;
    uint32_t count = ask->count < GRANT_MOST ? ask->count : GRANT_MOST;
    const struct hayi_nest_grant head = {
        .client = ask->client,
        .count = count,
        .first = 1 + atomic_fetch_add(&ex->next_id, count),
        .memory_max = atomic_load(&ex->memory_max),
        .workers = atomic_load(&ex->workers),
        .workers_lost = atomic_load(&ex->workers_lost),
        .cores = atomic_load(&ex->cores),
        .cores_max = atomic_load(&ex->cores_max),
        .gpus_max = atomic_load(&ex->gpus_max),
        .node_count = ex->node_count,
    };
    const uint64_t size = head.node_count * sizeof(uint32_t);
    unsigned char *body = append(manager,
                                 peer->link.peer,
                                 HAYI_RECORD_NEST_GRANT,
                                 hayi_record_size(sizeof(head), &size, 1));
    if (body == NULL) {
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    memset(body, 0, HAYI_PAD8(size));
    uint32_t *cores = (uint32_t *)(void *)body;
    for (uint32_t i = 0; i < head.node_count; i++) {
        cores[i] = atomic_load(&ex->node_cores[i]);
    }
}

void hayi_manager_nested_broken(struct hayi_manager *manager,
                                uint32_t peer,
                                uint32_t client)
{
    const struct hayi_nest_head head = {client, 0};
    unsigned char *body =
        append(manager, peer, HAYI_RECORD_NEST_BROKEN, sizeof(head));
    if (body != NULL) {
        (void)hayi_record_put(body, &head, sizeof(head));
    }
}

static const struct hayi_nested *nested_of(const struct hayi_manager *manager,
                                           const hay_future *future)
{
    const struct hayi_nested *nested =
        hayi_idmap_get(&manager->nested, future->id);
    return nested != NULL && nested->client != NULL ? nested : NULL;
}

void hayi_manager_nested_state(struct hayi_manager *manager,
                               const hay_future *future,
                               hay_state state)
{
    const struct hayi_nested *nested = nested_of(manager, future);
    if (nested == NULL) {
        return;
    }
    const struct hayi_nest_state head = {
        .client = nested->client->number,
        .state = (uint32_t)state,
        .id = future->id,
    };
    unsigned char *body = append(
        manager, nested->client->peer, HAYI_RECORD_NEST_STATE, sizeof(head));
    if (body != NULL) {
        (void)hayi_record_put(body, &head, sizeof(head));
    }
}

/* Where objects are for the client. */
struct at_peer {
    const struct hayi_sched *sched;
    uint32_t node;
};

static void set_place(void *context, struct hayi_object_value *object)
{
    const struct at_peer *at = context;
    object->place = hayi_sched_place(at->sched, object->object, at->node);
}

/* Its result fits into a report, and with what a client is told besides into no
 * message: the client is told that instead. */
static void tell_too_long(const struct hayi_nested *nested)
{
    hay_future *future = nested->future;
    struct hayi_result *whole = future->result;
    char words[120];
    (void)snprintf(words,
                   sizeof(words),
                   "its results have %zu bytes, too many for a task on another "
                   "rank or in a child process",
                   whole->value_size);
    struct hayi_result none = {
        .status = HAY_ETOOBIG,
        .cause = HAY_CAUSE_FARM,
        .attempts = whole->attempts,
        .worker = whole->worker,
        .start_ns = whole->start_ns,
        .end_ns = whole->end_ns,
        .reason = words,
    };
    future->result = &none; /* others of ours look at it on this thread only */
    unsigned char *body = append(nested->manager,
                                 nested->client->peer,
                                 HAYI_RECORD_NEST_ENDED,
                                 hayi_nest_ended_size(future));
    if (body != NULL) {
        (void)hayi_nest_ended_write(
            future, nested->client->number, HAY_FAILED, body);
    }
    future->result = whole;
}

void hayi_manager_nested_ended(const struct hayi_nested *nested)
{
    struct hayi_manager *manager = nested->manager;
    const struct hayi_nest_client *client = nested->client;
    const struct hayi_result *result = nested->future->result;
    if (hayi_nest_ended_size(nested->future) > HAYI_RECORD_MAX) {
        tell_too_long(nested);
        return;
    }
    unsigned char *body = append(manager,
                                 client->peer,
                                 HAYI_RECORD_NEST_ENDED,
                                 hayi_nest_ended_size(nested->future));
    if (body == NULL) {
        return;
    }
    void *value = hayi_nest_ended_write(
        nested->future, client->number, hay_future_state(nested->future), body);
    if (result != NULL && result->object_count > 0) {
        struct at_peer at = {manager->sched, manager->peers[client->peer].node};
        (void)hayi_value_objects(
            value, result->value_size, set_place, &at, NULL);
    }
}

/* Those that are told with words; their head fields. */
static void list_failures(const struct hayi_nest_items *items,
                          struct hayi_nest_range *head,
                          struct hayi_range_failure *told)
{
    while (head->failures < items->failure_count
           && head->failures < HAYI_NEST_TOLD_MAX
           && head->text_size < TEXT_MAX) {
        const hay_map_failure *failure = &items->failures[head->failures];
        told[head->failures++] = (struct hayi_range_failure){
            .item = failure->index,
            .status = (int32_t)failure->status,
            .code = failure->code,
        };
        head->text_size += strlen(failure->text) + 1;
    }
}

void hayi_manager_nested_range(struct hayi_manager *manager,
                               const hay_future *map,
                               const struct hayi_nest_items *items)
{
    const struct hayi_nested *nested = nested_of(manager, map);
    if (nested == NULL) {
        return;
    }
    struct hayi_range_failure told[HAYI_NEST_TOLD_MAX];
    struct hayi_nest_range head = {
        .client = nested->client->number,
        .id = map->id,
        .first = items->first,
        .count = items->count,
        .failed = items->failed,
        .out_bytes = items->out_bytes,
    };
    list_failures(items, &head, told);
    const uint64_t parts[3] = {
        head.failures * sizeof(told[0]), head.text_size, head.out_bytes};
    unsigned char *body = append(manager,
                                 nested->client->peer,
                                 HAYI_RECORD_NEST_RANGE,
                                 hayi_record_size(sizeof(head), parts, 3));
    if (body == NULL) {
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, told, parts[0]);
    char *text = (char *)body;
    memset(body, 0, HAYI_PAD8(head.text_size));
    for (uint32_t i = 0; i < head.failures; i++) {
        size_t size = strlen(items->failures[i].text) + 1;
        memcpy(text, items->failures[i].text, size);
        text += size;
    }
    (void)hayi_record_put(
        body + HAYI_PAD8(head.text_size), items->out, parts[2]);
}

void hayi_manager_nested_answer(struct hayi_manager *manager,
                                uint32_t peer,
                                uint32_t client,
                                uint64_t cookie,
                                hay_status status,
                                const char *words,
                                const uint64_t *places,
                                size_t place_count)
{
    const struct hayi_nest_answer head = {
        .client = client,
        .status = (int32_t)status,
        .cookie = cookie,
        .words_size = words != NULL ? strlen(words) + 1 : 0,
        .places_size = place_count * sizeof(places[0]),
    };
    const uint64_t parts[2] = {head.words_size, head.places_size};
    unsigned char *body = append(manager,
                                 peer,
                                 HAYI_RECORD_NEST_ANSWER,
                                 hayi_record_size(sizeof(head), parts, 2));
    if (body == NULL) {
        return;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    body = hayi_record_put(body, words, parts[0]);
    (void)hayi_record_put(body, places, parts[1]);
}
