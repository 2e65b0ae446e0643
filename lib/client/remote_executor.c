/* remote_executor.c - see remote_executor.h.
 *
 * Tasks post items as they do where the manager is; who serves the connection
 * takes them in order and writes records.  A future that somebody holds stays
 * in 'futures' until its end is told, and its last count posts a release.  One
 * that nobody holds is forgotten as soon as it is written, so that a task can
 * submit any number of those.
 *
 * Room: a submit waits while much was posted and is not written, and writing
 * stops while much is unsent; what the peer takes in makes room for more.  Both
 * wait for the connection only, never for a task.
 */
#include "config.h"

#include "client/remote_inside.h"

#include "client/nest_record.h"
#include "client/objects.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum {
    POSTED_MAX = 8 << 20, /* bytes posted and not written, then submits wait */
    UNSENT_MAX = 1 << 20, /* bytes written and not sent, then writing stops */
    GRANT_LEAST = 64,     /* numbers in a block */
    GRANT_MOST = 16384,
};

/* ---- the tasks' side ------------------------------------------------------
 */

/* What an item weighs while it waits to be written. */
static uint64_t weight(const struct hayi_item *item)
{
    if (item->kind != HAYI_ITEM_SUBMIT && item->kind != HAYI_ITEM_PUT) {
        return sizeof(struct hayi_cancel_item);
    }
    const struct hayi_spec *spec = ((const hay_future *)item)->spec;
    return sizeof(hay_future) + sizeof(*spec) + spec->args_size
           + spec->dep_count * sizeof(uint64_t);
}

enum { UNWANTED = 1 }; /* in item.listed */

static void post(void *context, struct hayi_item *item)
{
    struct hayi_remote *remote = context;
    if (item->kind == HAYI_ITEM_SUBMIT || item->kind == HAYI_ITEM_PUT) {
        hay_future *future = (hay_future *)item;
        bool held =
            item->kind == HAYI_ITEM_PUT || future->map != NULL
            || atomic_load_explicit(&future->refs, memory_order_relaxed) > 1;
        item->listed = held ? 0 : UNWANTED;
        atomic_store(&future->managed, held);
    }
    (void)atomic_fetch_add(&remote->posted, weight(item));
    hayi_mpsc_push(&remote->outbox, &item->node);
    remote->config.ring(remote->config.context);
}

static hay_status join(void *context, struct hayi_error *err)
{
    (void)context;
    return hayi_fail(err, HAY_EINVAL, "a task cannot shut its farm down");
}

/* A number of our own, if there is one; and ask for more in good time. */
static uint64_t take_number(struct hayi_remote *remote)
{
    uint64_t id = 0;
    uint32_t ask = 0;
    (void)pthread_mutex_lock(&remote->mutex);
    if (remote->next == remote->end) {
        remote->next = remote->spare;
        remote->end = remote->spare_end;
        remote->spare = remote->spare_end = 0;
    }
    if (remote->next < remote->end) {
        id = remote->next++;
    }
    if (!remote->asked && remote->spare == remote->spare_end
        && remote->end - remote->next <= remote->block / 2) {
        remote->asked = true;
        ask = remote->block == 0 ? GRANT_LEAST : remote->block * 2;
        ask = ask < GRANT_MOST ? ask : GRANT_MOST;
    }
    (void)pthread_mutex_unlock(&remote->mutex);
    if (ask > 0) {
        atomic_store(&remote->ask, ask);
        remote->config.ring(remote->config.context);
    }
    return id;
}

static bool has_room(struct hayi_remote *remote)
{
    return atomic_load(&remote->posted) < POSTED_MAX;
}

/* It waits for the connection, not for tasks: so it may in any thread. */
static hay_status admit(void *context, hay_task_id *id, struct hayi_error *err)
{
    struct hayi_remote *remote = context;
    hay_executor *ex = remote->ex;
    uint64_t number = 0;
    for (;;) {
        if (number == 0) {
            number = take_number(remote);
        }
        if (number != 0 && has_room(remote)) {
            *id = number;
            return HAY_OK;
        }
        if (atomic_load(&ex->broken) != 0) {
            return hayi_executor_check(ex, err);
        }
        if (remote->config.serve != NULL
            && remote->config.serve(remote->config.context)) {
            continue;
        }
        uint32_t key = hayi_event_prepare(&ex->changed);
        if (number == 0) {
            number = take_number(remote);
        }
        if ((number != 0 && has_room(remote))
            || atomic_load(&ex->broken) != 0) {
            hayi_event_cancel(&ex->changed);
            continue;
        }
        (void)hayi_event_wait(&ex->changed, key, UINT64_MAX);
    }
}

static const struct hayi_manager_ops ops = {post, join, admit};

/* ---- writing --------------------------------------------------------------
 */

static void *append(struct hayi_remote *remote, uint16_t type, size_t size)
{
    return remote->config.append(remote->config.context, type, size);
}

static hay_status write_head(struct hayi_remote *remote,
                             uint16_t type,
                             const void *head,
                             size_t size)
{
    void *body = append(remote, type, HAYI_PAD8(size));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    (void)hayi_record_put(body, head, size);
    return HAY_OK;
}

static hay_status write_releases(struct hayi_remote *remote)
{
    if (remote->released_count == 0) {
        return HAY_OK;
    }
    const struct hayi_nest_release head = {remote->config.client,
                                           remote->released_count};
    const uint64_t size = remote->released_count * sizeof(uint64_t);
    unsigned char *body = append(remote,
                                 HAYI_RECORD_NEST_RELEASE,
                                 hayi_record_size(sizeof(head), &size, 1));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    (void)hayi_record_put(body, remote->released, size);
    remote->released_count = 0;
    return HAY_OK;
}

static hay_status write_release(struct hayi_remote *remote, hay_future *future)
{
    remote->released[remote->released_count++] = future->id;
    hayi_future_free_record(future);
    return remote->released_count == HAYI_REMOTE_RELEASES
               ? write_releases(remote)
               : HAY_OK;
}

/* It is on its way; who waits for it waits for the answer. */
static hay_status expect(struct hayi_remote *remote, hay_future *future)
{
    if (future->item.listed == UNWANTED) {
        (void)hayi_future_complete(future, HAY_FINISHED, NULL);
        return HAY_OK;
    }
    return hayi_idmap_put(&remote->futures, future->id, future) ? HAY_OK
                                                                : HAY_ENOMEM;
}

/* The next piece of what goes in pieces. */
static hay_status write_piece(struct hayi_remote *remote)
{
    struct hayi_remote_sending *s = &remote->sending;
    uint64_t left = s->total - s->sent;
    const struct hayi_nest_piece head = {
        .client = remote->config.client,
        .type = HAYI_RECORD_NEST_SUBMIT,
        .offset = s->sent,
        .total = s->total,
        .size = left < HAYI_NEST_PIECE ? left : HAYI_NEST_PIECE,
    };
    unsigned char *body = append(remote,
                                 HAYI_RECORD_NEST_PIECE,
                                 hayi_record_size(sizeof(head), &head.size, 1));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    memset(body, 0, HAYI_PAD8(head.size));
    uint64_t first = s->sent < s->head_size ? s->head_size - s->sent : 0;
    first = first < head.size ? first : head.size;
    if (first > 0) {
        memcpy(body, s->head + s->sent, first);
    }
    uint64_t at = s->sent + first - s->head_size; /* in the input */
    if (first < head.size && at < s->in_size) {
        uint64_t rest = head.size - first;
        rest = rest < s->in_size - at ? rest : s->in_size - at;
        memcpy(body + first, s->in + at, rest);
    }
    s->sent += head.size;
    if (s->sent < s->total) {
        return HAY_OK;
    }
    hay_future *future = s->future;
    free(s->head);
    *s = (struct hayi_remote_sending){0};
    return expect(remote, future);
}

static hay_status
begin_pieces(struct hayi_remote *remote, hay_future *future, size_t head_size)
{
    struct hayi_remote_sending *s = &remote->sending;
    uint64_t in_size = 0;
    const void *in = hayi_nest_submit_input(future, &in_size);
    unsigned char *head = malloc(head_size);
    if (head == NULL) {
        return HAY_ENOMEM;
    }
    hayi_nest_submit_write(
        future, remote->config.client, future->item.listed == UNWANTED, head);
    *s = (struct hayi_remote_sending){
        .future = future,
        .head = head,
        .head_size = head_size,
        .in = in,
        .in_size = in_size,
        .total = head_size + HAYI_PAD8(in_size),
    };
    return HAY_OK;
}

static hay_status write_submit(struct hayi_remote *remote, hay_future *future)
{
    uint64_t in_size = 0;
    size_t head_size = hayi_nest_submit_size(future);
    const void *in = hayi_nest_submit_input(future, &in_size);
    if (head_size > HAYI_NEST_PIECE || in_size > HAYI_NEST_PIECE - head_size) {
        return begin_pieces(remote, future, head_size);
    }
    unsigned char *body =
        append(remote, HAYI_RECORD_NEST_SUBMIT, head_size + HAYI_PAD8(in_size));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    hayi_nest_submit_write(
        future, remote->config.client, future->item.listed == UNWANTED, body);
    (void)hayi_record_put(body + head_size, in, in_size);
    return expect(remote, future);
}

static hay_status write_put(struct hayi_remote *remote, hay_future *future)
{
    const struct hayi_result *result = future->result;
    const struct hayi_nest_put head = {
        .client = remote->config.client,
        .id = future->id,
        .value_size = result->value_size,
    };
    unsigned char *body =
        append(remote,
               HAYI_RECORD_NEST_PUT,
               hayi_record_size(sizeof(head), &head.value_size, 1));
    if (body == NULL) {
        return HAY_ENOMEM;
    }
    body = hayi_record_put(body, &head, sizeof(head));
    (void)hayi_record_put(body, result->value, head.value_size);
    return expect(remote, future);
}

static hay_status write_cancel(struct hayi_remote *remote,
                               struct hayi_cancel_item *item)
{
    const struct hayi_nest_cancel head = {
        .client = remote->config.client,
        .flags = (item->force ? (uint32_t)HAYI_NEST_FORCE : 0)
                 | (item->nested ? (uint32_t)HAYI_NEST_NESTED : 0),
        .id = item->future->id,
        .cookie = ++remote->cookie,
    };
    if (!hayi_idmap_put(&remote->items, head.cookie, item)) {
        return HAY_ENOMEM;
    }
    return write_head(remote, HAYI_RECORD_NEST_CANCEL, &head, sizeof(head));
}

static hay_status write_want(struct hayi_remote *remote,
                             struct hayi_want_item *item)
{
    const struct hayi_nest_want head = {
        .client = remote->config.client,
        .node = item->node == HAYI_NODE_CLIENT ? HAYI_NEST_HERE : item->node,
        .id = item->future->id,
        .cookie = ++remote->cookie,
        .first = item->object_first,
        .count = item->object_count,
        .move = item->move,
    };
    if (!hayi_idmap_put(&remote->items, head.cookie, item)) {
        return HAY_ENOMEM;
    }
    return write_head(remote, HAYI_RECORD_NEST_WANT, &head, sizeof(head));
}

static hay_status write_read(struct hayi_remote *remote,
                             struct hayi_map_read_item *item)
{
    const struct hayi_nest_read head = {
        .client = remote->config.client,
        .id = item->map->id,
        .count = item->count,
    };
    hay_future_release(item->map);
    free(item);
    return write_head(remote, HAYI_RECORD_NEST_READ, &head, sizeof(head));
}

static hay_status write_item(struct hayi_remote *remote, struct hayi_item *item)
{
    hay_status status = HAY_OK;
    (void)atomic_fetch_sub(&remote->posted, weight(item));
    if (item->kind == HAYI_ITEM_RELEASE) {
        return write_release(remote, (hay_future *)item);
    }
    status = write_releases(remote);
    if (status != HAY_OK) {
        return status;
    }
    switch (item->kind) {
    case HAYI_ITEM_SUBMIT:
        return write_submit(remote, (hay_future *)item);
    case HAYI_ITEM_PUT:
        return write_put(remote, (hay_future *)item);
    case HAYI_ITEM_CANCEL:
        return write_cancel(remote, (struct hayi_cancel_item *)item);
    case HAYI_ITEM_WANT:
        return write_want(remote, (struct hayi_want_item *)item);
    case HAYI_ITEM_MAP_READ:
        return write_read(remote, (struct hayi_map_read_item *)item);
    default:
        free(item);
        return HAY_OK;
    }
}

static hay_status write_ask(struct hayi_remote *remote, bool *any)
{
    const struct hayi_nest_ask head = {remote->config.client,
                                       atomic_exchange(&remote->ask, 0)};
    if (head.count == 0) {
        return HAY_OK;
    }
    *any = true;
    return write_head(remote, HAYI_RECORD_NEST_ASK, &head, sizeof(head));
}

/* The next; NULL: there is none.  all: wait the moment until one that is just
 * being pushed is there, since others may stand behind it. */
static struct hayi_item *next_item(struct hayi_remote *remote, bool all)
{
    struct hayi_mpsc_node *node = hayi_mpsc_pop(&remote->outbox);
    while (node == NULL && all && hayi_mpsc_maybe(&remote->outbox)) {
        (void)sched_yield();
        node = hayi_mpsc_pop(&remote->outbox);
    }
    return (struct hayi_item *)node;
}

hay_status hayi_remote_pump(struct hayi_remote *remote, bool all, bool *any)
{
    bool was_full = !has_room(remote);
    hay_status status = remote->broken ? HAY_OK : write_ask(remote, any);
    while (status == HAY_OK && !remote->broken
           && (all
               || remote->config.unsent(remote->config.context) < UNSENT_MAX)) {
        if (remote->sending.future != NULL) {
            status = write_piece(remote);
            *any = true;
            continue;
        }
        struct hayi_item *item = next_item(remote, all);
        if (item == NULL) {
            break;
        }
        *any = true;
        status = write_item(remote, item);
    }
    if (status == HAY_OK) {
        status = write_releases(remote);
    }
    if (was_full && has_room(remote)) {
        hayi_executor_wake(remote->ex);
    }
    return status;
}

void hayi_remote_wake(struct hayi_remote *remote)
{
    if (remote->changed) {
        remote->changed = false;
        hayi_executor_wake(remote->ex);
    }
}

/* ---- life -----------------------------------------------------------------
 */

static void fail_futures(struct hayi_remote *remote)
{
    hay_future *future;
    struct hayi_item *item;
    if (remote->sending.future != NULL) {
        hayi_executor_refuse(remote->ex, &remote->sending.future->item);
        free(remote->sending.head);
        remote->sending = (struct hayi_remote_sending){0};
    }
    while ((future = hayi_idmap_any(&remote->futures)) != NULL) {
        (void)hayi_idmap_take(&remote->futures, future->id);
        future->item.kind = HAYI_ITEM_SUBMIT;
        hayi_executor_refuse(remote->ex, &future->item);
    }
    for (uint64_t i = 1; remote->items.count > 0 && i <= remote->cookie; i++) {
        item = hayi_idmap_take(&remote->items, i);
        if (item != NULL) {
            hayi_executor_refuse(remote->ex, item);
        }
    }
}

void hayi_remote_break(struct hayi_remote *remote, const struct hayi_error *err)
{
    struct hayi_item *item;
    if (remote->broken) {
        return;
    }
    remote->broken = true;
    hayi_executor_break(remote->ex, err);
    hayi_executor_set_ended(remote->ex);
    fail_futures(remote);
    bool last;
    do {
        (void)sched_yield(); /* those that wait for room leave */
        last = hayi_executor_quiet(remote->ex);
        while ((item = next_item(remote, true)) != NULL) {
            hayi_executor_refuse(remote->ex, item);
        }
    } while (!last);
    hayi_executor_wake(remote->ex);
}

void hayi_remote_free(struct hayi_remote *remote)
{
    struct hayi_item *item;
    if (remote == NULL) {
        return;
    }
    assert(remote->broken);
    while ((item = next_item(remote, true)) != NULL) {
        hayi_executor_refuse(remote->ex, item);
    }
    remote->ex->store = NULL; /* the node's */
    hayi_executor_release(remote->ex);
    hayi_idmap_fini(&remote->futures);
    hayi_idmap_fini(&remote->items);
    (void)pthread_mutex_destroy(&remote->mutex);
    free(remote);
}

hay_status hayi_remote_new(const struct hayi_remote_config *config,
                           struct hayi_remote **out,
                           struct hayi_error *err)
{
    struct hayi_remote *remote = calloc(1, sizeof(*remote));
    hay_options options = HAY_OPTIONS_INIT;
    if (remote == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    options.seed = config->seed;
    options.pending_max = UINT64_MAX / 2; /* room is what the connection has */
    hay_status status = hayi_executor_new(&options, &remote->ex);
    if (status != HAY_OK) {
        free(remote);
        return hayi_fail(err, status, "out of memory for an executor");
    }
    remote->config = *config;
    remote->ex->ops = &ops;
    remote->ex->manager = remote;
    remote->ex->has_processes = true; /* the worker that runs it says */
    remote->ex->store = config->store;
    remote->ex->workers_expected = config->workers_expected;
    remote->ex->node_count = config->node_count;
    remote->ex->node_cores =
        calloc(config->node_count + 1u, sizeof(*remote->ex->node_cores));
    hayi_mpsc_init(&remote->outbox);
    (void)pthread_mutex_init(&remote->mutex, NULL);
    if (remote->ex->node_cores == NULL) {
        remote->broken = true;
        hayi_remote_free(remote);
        return hayi_fail(err, HAY_ENOMEM, "out of memory for an executor");
    }
    *out = remote;
    return HAY_OK;
}

hay_executor *hayi_remote_executor(struct hayi_remote *remote)
{
    return remote->ex;
}
