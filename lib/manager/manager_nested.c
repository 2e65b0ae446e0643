/* manager_nested.c - see manager_nested.h: what clients in workers say.
 *
 * A client's future is made here from its record, and goes the way of those
 * that the program itself submits; a watch tells its end.  Until the client has
 * released it a count keeps it, so that it can be an input of later ones.  One
 * that nobody holds there (UNWANTED) is like one that the program submits
 * without asking for its future.
 */
#include "config.h"

#include "manager/manager_nested.h"

#include "client/nest_record.h"
#include "client/objects.h"
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

/* ---- clients and their futures -------------------------------------------
 */

/* Its number in 'nest_clients'; no peer is 0. */
static uint64_t key_of(uint32_t peer, uint32_t number)
{
    return (uint64_t)peer << 32 | number;
}

/* A new one if need be; NULL: out of memory. */
static struct hayi_nest_client *
client_of(struct hayi_manager *manager, uint32_t peer, uint32_t number)
{
    const uint64_t key = key_of(peer, number);
    struct hayi_nest_client *client =
        hayi_idmap_get(&manager->nest_clients, key);
    if (client != NULL) {
        return client;
    }
    client = calloc(1, sizeof(*client));
    if (client == NULL
        || !hayi_idmap_put(&manager->nest_clients, key, client)) {
        free(client);
        return NULL;
    }
    struct hayi_nest_client **first = &manager->peers[peer].nest_clients;
    client->peer = peer;
    client->number = number;
    client->next = *first;
    client->link = first;
    if (client->next != NULL) {
        client->next->link = &client->next;
    }
    *first = client;
    return client;
}

static void free_nested(struct hayi_nested *nested)
{
    free(nested->in);
    free(nested->out);
    free(nested);
}

static bool fire(struct hayi_watch *watch, hay_future *future)
{
    struct hayi_nested *nested = (struct hayi_nested *)watch;
    (void)future;
    if (nested->client == NULL) {
        free_nested(nested); /* its count was given back */
        return false;
    }
    nested->ended = true;
    hayi_manager_nested_ended(nested);
    return false;
}

static const struct hayi_watch_ops watch_ops = {fire, NULL, NULL};

hay_future *hayi_manager_nested_find(const struct hayi_manager *manager,
                                     hay_task_id id)
{
    const struct hayi_nested *nested = hayi_idmap_get(&manager->nested, id);
    return nested != NULL ? nested->future : NULL;
}

static hay_future *find(void *context, hay_task_id id)
{
    return hayi_manager_nested_find(context, id);
}

/* Out of its client's list, and of the numbers. */
static void unlink_nested(struct hayi_manager *manager,
                          struct hayi_nested *nested)
{
    *nested->link = nested->next;
    if (nested->next != NULL) {
        nested->next->link = nested->link;
    }
    (void)hayi_idmap_take(&manager->nested, nested->future->id);
}

/* Hold it for the client, and tell it its end.  false: out of memory. */
static bool hold(struct hayi_manager *manager,
                 struct hayi_nest_client *client,
                 hay_future *future)
{
    struct hayi_nested *nested = calloc(1, sizeof(*nested));
    if (nested == NULL
        || !hayi_idmap_put(&manager->nested, future->id, nested)) {
        free(nested);
        return false;
    }
    nested->watch.ops = &watch_ops;
    nested->manager = manager;
    nested->client = client;
    nested->future = hay_future_retain(future);
    nested->next = client->list;
    nested->link = &client->list;
    if (nested->next != NULL) {
        nested->next->link = &nested->next;
    }
    client->list = nested;
    future->remembered |= HAYI_MANAGER_NESTED;
    (void)hayi_watch_add(future, &nested->watch);
    return true;
}

/* The client holds it no more. */
static void let_go(struct hayi_manager *manager, struct hayi_nested *nested)
{
    hay_future *future = nested->future;
    unlink_nested(manager, nested);
    future->remembered &= (uint8_t)~HAYI_MANAGER_NESTED;
    nested->client = NULL;
    if (nested->ended) {
        free_nested(nested);
    } else if (future->task != 0
               && atomic_load_explicit(&future->refs, memory_order_relaxed)
                      == 2) {
        /* Nobody but we and the task itself. */
        struct hayi_event event = {.kind = HAYI_EVENT_UNWANTED,
                                   .u.unwanted = {.task = future->task}};
        hayi_manager_step(manager, &event, NULL);
    }
    hay_future_release(future);
}

static void client_gone(struct hayi_manager *manager,
                        struct hayi_nest_client *client)
{
    while (client->list != NULL) { /* those that depend on others first */
        let_go(manager, client->list);
    }
    *client->link = client->next;
    if (client->next != NULL) {
        client->next->link = client->link;
    }
    (void)hayi_idmap_take(&manager->nest_clients,
                          key_of(client->peer, client->number));
    hayi_nest_whole_fini(&client->whole);
    free(client);
}

static void end_clients(struct hayi_manager *manager, uint32_t peer)
{
    manager->peers[peer].clients_lost = false;
    while (manager->peers[peer].nest_clients != NULL) {
        client_gone(manager, manager->peers[peer].nest_clients);
    }
}

void hayi_manager_nested_lost(struct hayi_manager *manager, uint32_t peer)
{
    if (manager->stepping == 0) {
        end_clients(manager, peer);
        return;
    }
    /* What is still to be done of the step may be about their tasks. */
    manager->peers[peer].clients_lost = true;
    manager->clients_lost = true;
}

void hayi_manager_nested_settle(struct hayi_manager *manager)
{
    manager->clients_lost = false;
    for (uint32_t peer = 1; peer < manager->peer_count; peer++) {
        if (manager->peers[peer].clients_lost) {
            end_clients(manager, peer);
        }
    }
}

void hayi_manager_nested_free(struct hayi_manager *manager)
{
    for (uint32_t peer = 1;
         manager->peers != NULL && peer < manager->peer_count;
         peer++) {
        hayi_manager_nested_lost(manager, peer);
    }
    hayi_idmap_fini(&manager->nest_clients);
    hayi_idmap_fini(&manager->nested);
}

/* ---- submit ----------------------------------------------------------------
 */

/* It never came in.  The client waits for its end all the same. */
static void refuse(struct hayi_manager *manager,
                   struct hayi_nest_client *client,
                   hay_task_id id,
                   const char *words)
{
    struct hayi_result *result = calloc(1, sizeof(*result));
    if (result == NULL) {
        hayi_manager_panic(manager, "out of memory for a result");
        return;
    }
    result->status = HAY_EFARM;
    result->reason = strdup(words);
    hay_future future = {.id = id, .result = result};
    const struct hayi_nested nested = {
        .manager = manager, .client = client, .future = &future};
    atomic_init(&future.state, HAY_FAILED);
    hayi_manager_nested_ended(&nested);
    free(result->reason);
    free(result);
}

/* A map's items are kept until it ends.  body: what they lie in, malloc'ed
 * (taken) or NULL.  false: out of memory. */
static bool keep_items(struct hayi_manager *manager,
                       hay_future *map,
                       const struct hayi_nest_submit *head,
                       unsigned char *body)
{
    struct hayi_nested *nested = hayi_idmap_get(&manager->nested, map->id);
    struct hayi_map_view view;
    hayi_map_get_view(map, &view);
    nested->in = body;
    if (view.in != NULL && body == NULL) {
        nested->in = malloc(head->in_size + 1);
        if (nested->in == NULL) {
            return false;
        }
        memcpy(nested->in, view.in, head->in_size);
        view.in = nested->in;
    }
    if (manager->config.shared_memory && view.out_size > 0) {
        size_t bytes = 0;
        nested->out = __builtin_mul_overflow(view.count, view.out_size, &bytes)
                          ? NULL
                          : malloc(bytes + 1);
        if (nested->out == NULL) {
            return false;
        }
        view.out = nested->out;
    }
    hayi_map_set_view(map, &view);
    return true;
}

/* It is the manager's from here on. */
static void enter(struct hayi_manager *manager, hay_future *future)
{
    hay_executor *ex = manager->ex;
    (void)atomic_fetch_add(&ex->unfinished, 1);
    hayi_executor_retain(ex);
    for (uint32_t i = 0; i < future->spec->dep_count; i++) {
        (void)hay_future_retain(hayi_spec_deps(future->spec)[i]);
    }
    hayi_manager_take_item(manager, &future->item);
}

/* Taken back before it was entered. */
static void forget(struct hayi_manager *manager, hay_future *future)
{
    struct hayi_nested *nested = hayi_idmap_get(&manager->nested, future->id);
    if (nested != NULL) {
        unlink_nested(manager, nested);
        free_nested(nested);
    }
    hayi_future_discard(future);
}

/* body: malloc'ed (taken), if it came in pieces; or NULL. */
static hay_status on_submit(struct hayi_manager *manager,
                            struct hayi_nest_client *client,
                            const void *record,
                            size_t size,
                            unsigned char *body,
                            struct hayi_error *err)
{
    const struct hayi_nest_submit *head = record;
    hay_future *future = NULL;
    if (size < sizeof(*head) || head->id == 0
        || hayi_idmap_get(&manager->nested, head->id) != NULL) {
        free(body);
        return hayi_fail(err, HAY_EMISMATCH, "a nested submit is damaged");
    }
    bool wanted = (head->flags & HAYI_NEST_UNWANTED) == 0;
    hay_task_id id = head->id;
    hay_status status = hayi_nest_submit_read(
        manager->ex, record, size, find, manager, &future, err);
    if (status == HAY_OK && future->map != NULL && !wanted) {
        hayi_future_discard(future);
        status = hayi_fail(err, HAY_EMISMATCH, "a map that nobody wants");
    }
    if (status == HAY_EMISMATCH) {
        free(body);
        return status;
    }
    bool good = status == HAY_OK && (!wanted || hold(manager, client, future));
    if (good && future->map != NULL) {
        good = keep_items(manager, future, head, body);
        body = NULL;
    }
    free(body);
    if (good) {
        enter(manager, future);
        return HAY_OK;
    }
    if (status == HAY_OK) {
        forget(manager, future);
    }
    if (wanted) {
        refuse(manager,
               client,
               id,
               status == HAY_OK ? "out of memory for a task" : err->text);
    }
    return HAY_OK;
}

static hay_status on_piece(struct hayi_manager *manager,
                           struct hayi_nest_client *client,
                           const void *record,
                           size_t size,
                           struct hayi_error *err)
{
    bool done = false;
    hay_status status =
        hayi_nest_whole_add(&client->whole, record, size, &done, err);
    if (status != HAY_OK || !done) {
        return status;
    }
    struct hayi_nest_whole whole = client->whole;
    client->whole = (struct hayi_nest_whole){0};
    const struct hayi_nest_submit *head = (const void *)whole.body;
    if (whole.type != HAYI_RECORD_NEST_SUBMIT || whole.kept < sizeof(*head)) {
        hayi_nest_whole_fini(&whole);
        return hayi_fail(err, HAY_EMISMATCH, "pieces of no submit");
    }
    if (whole.kept < whole.total) {
        if ((head->flags & HAYI_NEST_UNWANTED) == 0) {
            refuse(manager,
                   client,
                   head->id,
                   "rank 0 has no memory for so many items");
        }
        hayi_nest_whole_fini(&whole);
        return HAY_OK;
    }
    return on_submit(
        manager, client, whole.body, (size_t)whole.total, whole.body, err);
}

/* ---- put -------------------------------------------------------------------
 */

static void count_object(void *context, struct hayi_object_value *object)
{
    (void)object;
    (*(uint32_t *)context)++;
}

static hay_status on_put(struct hayi_manager *manager,
                         struct hayi_nest_client *client,
                         const void *body,
                         size_t size,
                         struct hayi_error *err)
{
    const struct hayi_nest_put *head = body;
    const struct hayi_future_plan plan = {.dep_count = 0};
    const void *value = NULL;
    uint32_t objects = 0;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*head), &head->value_size, 1, 0, &value, err);
    if (status == HAY_OK) {
        status = hayi_value_objects(
            value, head->value_size, count_object, &objects, err);
    }
    if (status != HAY_OK || head->id == 0
        || hayi_idmap_get(&manager->nested, head->id) != NULL) {
        return hayi_fail(err, HAY_EMISMATCH, "a nested put is damaged");
    }
    hay_future *future = hayi_future_new(manager->ex, &plan);
    struct hayi_result *result =
        calloc(1, sizeof(*result) + (size_t)head->value_size);
    if (future != NULL) {
        future->id = head->id;
        future->item.kind = HAYI_ITEM_PUT;
        future->spec->kind = HAYI_TASK_PUT;
    }
    if (future == NULL || result == NULL || !hold(manager, client, future)) {
        free(future);
        free(result);
        refuse(manager, client, head->id, "out of memory for a value");
        return HAY_OK;
    }
    result->value_size = (size_t)head->value_size;
    result->object_count = objects;
    memcpy(result->value, value, result->value_size);
    future->result = result;
    (void)atomic_fetch_add(&manager->ex->unfinished, 1);
    hayi_executor_retain(manager->ex);
    hayi_manager_put(manager, future, manager->peers[client->peer].node);
    return HAY_OK;
}

/* ---- the others ------------------------------------------------------------
 */

static void on_cancel(struct hayi_manager *manager,
                      const struct hayi_nest_client *client,
                      const struct hayi_nest_cancel *record)
{
    hay_future *future = hayi_manager_nested_find(manager, record->id);
    struct hayi_cancel_item *item =
        future != NULL ? calloc(1, sizeof(*item)) : NULL;
    if (item == NULL) {
        hayi_manager_nested_answer(manager,
                                   client->peer,
                                   client->number,
                                   record->cookie,
                                   future != NULL ? HAY_ENOMEM : HAY_EINVAL,
                                   NULL,
                                   NULL,
                                   0);
        return;
    }
    item->item.kind = HAYI_ITEM_CANCEL;
    item->future = future;
    item->force = (record->flags & HAYI_NEST_FORCE) != 0;
    item->nested = (record->flags & HAYI_NEST_NESTED) != 0;
    item->from =
        (struct hayi_nest_from){client->peer, client->number, record->cookie};
    hayi_manager_take_item(manager, &item->item);
}

static void on_want(struct hayi_manager *manager,
                    const struct hayi_nest_client *client,
                    const struct hayi_nest_want *record)
{
    hay_future *future = hayi_manager_nested_find(manager, record->id);
    bool known = future != NULL && hay_future_done(future)
                 && future->result != NULL
                 && record->count <= future->result->object_count;
    struct hayi_want_item *item =
        known ? hayi_want_new(future, record->first, record->count) : NULL;
    if (item == NULL) {
        hayi_manager_nested_answer(manager,
                                   client->peer,
                                   client->number,
                                   record->cookie,
                                   HAY_EFARM,
                                   known ? "out of memory for a move"
                                         : "there is no such object",
                                   NULL,
                                   0);
        return;
    }
    item->node = record->node == HAYI_NEST_HERE
                     ? manager->peers[client->peer].node
                     : record->node;
    item->move = record->move != 0;
    item->from =
        (struct hayi_nest_from){client->peer, client->number, record->cookie};
    hayi_manager_want(manager, item);
}

static void on_read(struct hayi_manager *manager,
                    const struct hayi_nest_read *record)
{
    const hay_future *map = hayi_manager_nested_find(manager, record->id);
    struct hayi_event event = {.kind = HAYI_EVENT_MAP_READ};
    if (map != NULL && map->map != NULL && map->task != 0) {
        event.u.map_read.task = map->task;
        event.u.map_read.count = record->count;
        hayi_manager_step(manager, &event, NULL);
    }
}

static hay_status on_release(struct hayi_manager *manager,
                             const void *body,
                             size_t size,
                             struct hayi_error *err)
{
    const struct hayi_nest_release *head = body;
    const uint64_t list_size = head->count * sizeof(uint64_t);
    const void *list = NULL;
    hay_status status = hayi_record_parts(
        body, size, sizeof(*head), &list_size, 1, 0, &list, err);
    for (uint32_t i = 0; status == HAY_OK && i < head->count; i++) {
        struct hayi_nested *nested =
            hayi_idmap_get(&manager->nested, ((const uint64_t *)list)[i]);
        if (nested != NULL) { /* not so: it was refused */
            let_go(manager, nested);
        }
    }
    return status;
}

static size_t least_size(uint16_t type)
{
    switch (type) {
    case HAYI_RECORD_NEST_PUT:
        return sizeof(struct hayi_nest_put);
    case HAYI_RECORD_NEST_CANCEL:
        return sizeof(struct hayi_nest_cancel);
    case HAYI_RECORD_NEST_WANT:
        return sizeof(struct hayi_nest_want);
    case HAYI_RECORD_NEST_READ:
        return sizeof(struct hayi_nest_read);
    default:
        return sizeof(struct hayi_nest_head);
    }
}

static hay_status take(struct hayi_manager *manager,
                       const struct hayi_peer *peer,
                       struct hayi_nest_client *client,
                       uint16_t type,
                       const void *body,
                       size_t size,
                       struct hayi_error *err)
{
    if (size < least_size(type)) {
        return hayi_fail(err, HAY_EMISMATCH, "a nested record is too short");
    }
    switch (type) {
    case HAYI_RECORD_NEST_ASK:
        hayi_manager_nested_grant(manager, peer, body);
        return HAY_OK;
    case HAYI_RECORD_NEST_SUBMIT:
        return on_submit(manager, client, body, size, NULL, err);
    case HAYI_RECORD_NEST_PIECE:
        return on_piece(manager, client, body, size, err);
    case HAYI_RECORD_NEST_PUT:
        return on_put(manager, client, body, size, err);
    case HAYI_RECORD_NEST_CANCEL:
        on_cancel(manager, client, body);
        return HAY_OK;
    case HAYI_RECORD_NEST_WANT:
        on_want(manager, client, body);
        return HAY_OK;
    case HAYI_RECORD_NEST_READ:
        on_read(manager, body);
        return HAY_OK;
    case HAYI_RECORD_NEST_RELEASE:
        return on_release(manager, body, size, err);
    default: /* CLOSED */
        client_gone(manager, client);
        return HAY_OK;
    }
}

hay_status hayi_manager_nested_record(struct hayi_manager *manager,
                                      const struct hayi_peer *peer,
                                      uint16_t type,
                                      const void *body,
                                      size_t size,
                                      struct hayi_error *err)
{
    uint32_t number = 0;
    if (!hayi_nest_client(body, size, &number) || !peer->joined) {
        return hayi_fail(err, HAY_EMISMATCH, "a nested record is too short");
    }
    struct hayi_nest_client *client =
        client_of(manager, peer->link.peer, number);
    if (client == NULL) {
        hayi_manager_panic(manager, "out of memory for a client");
        return HAY_OK;
    }
    hay_status status = take(manager, peer, client, type, body, size, err);
    if (status == HAY_EMISMATCH && number != 0) {
        /* A child may be out of its mind; its rank is not. */
        client_gone(manager, client);
        hayi_manager_nested_broken(manager, peer->link.peer, number);
        return HAY_OK;
    }
    return status;
}
