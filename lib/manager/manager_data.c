/* manager_data.c - objects: which ones a task needs, what is brought where,
 * when a future's memory goes.
 *
 * A future that holds objects, or that a remembered task has as an input, is
 * not freed by whoever drops its last count but comes back here.  It goes when
 * it was released, will not run again (FORGET), and is no input of a task that
 * may (item.listed).
 */
#include "config.h"

#include "manager/manager_inside.h"

#include "client/objects.h"
#include "data/store.h"
#include "wire/args.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    REMEMBERED = 1, /* its task may have to run again */
    RELEASED = 2,   /* nobody holds its value */
    GONE_MAX = 64,  /* dropped replicas in one look */
    LOOK_NS = 5000000,
    PERMILLE = 1000,
};

/* ---- futures that are more than their value -------------------------------
 */

/* Those that were released and are still needed hang on each other, so that
 * they are found at the manager's end: next by the node of the inbox, before by
 * what was the user's, who has no handle of it any more. */
static hay_future *after(const hay_future *future)
{
    return (hay_future *)atomic_load_explicit(&future->item.node.next,
                                              memory_order_relaxed);
}

static void set_after(hay_future *future, hay_future *next)
{
    struct hayi_mpsc_node *node = next != NULL ? &next->item.node : NULL;
    atomic_store_explicit(&future->item.node.next, node, memory_order_relaxed);
}

static void keep(struct hayi_manager *manager, hay_future *future)
{
    set_after(future, manager->kept);
    future->spec->user = NULL;
    if (manager->kept != NULL) {
        manager->kept->spec->user = future;
    }
    manager->kept = future;
}

static void unkeep(struct hayi_manager *manager, const hay_future *future)
{
    hay_future *before = future->spec->user;
    hay_future *next = after(future);
    if (next != NULL) {
        next->spec->user = before;
    }
    if (before != NULL) {
        set_after(before, next);
    } else {
        manager->kept = next;
    }
}

void hayi_manager_free_kept(struct hayi_manager *manager)
{
    while (manager->kept != NULL) {
        hay_future *future = manager->kept;
        manager->kept = after(future);
        hayi_future_free_record(future);
    }
}

static void free_if_useless(struct hayi_manager *manager, hay_future *future)
{
    if (future->remembered == RELEASED && future->item.listed == 0) {
        unkeep(manager, future);
        hayi_future_free_record(future); /* its inputs went at its end */
    }
}

static void release(void *context, struct hayi_object_value *object)
{
    struct hayi_event event = {.kind = HAYI_EVENT_RELEASE,
                               .u.release = {.object = object->object}};
    if (object->object != 0) {
        hayi_manager_step(context, &event, NULL);
    }
}

void hayi_manager_released(struct hayi_manager *manager, hay_future *future)
{
    const struct hayi_result *result = future->result;
    if (result != NULL && result->object_count > 0) {
        (void)hayi_value_objects(
            result->value, result->value_size, release, manager, NULL);
    }
    if (result != NULL) {
        hayi_manager_release_files(manager, result);
    }
    future->remembered |= RELEASED;
    keep(manager, future);
    free_if_useless(manager, future);
}

void hayi_manager_list_inputs(hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    hay_future *const *inputs = hayi_spec_deps(spec);
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        inputs[i]->item.listed++;
        atomic_store(&inputs[i]->managed, 1);
    }
}

void hayi_manager_remember(hay_future *future)
{
    future->remembered |= REMEMBERED;
}

void hayi_manager_forget(struct hayi_manager *manager, hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    hay_future *const *inputs = hayi_spec_deps(spec);
    if ((future->remembered & REMEMBERED) == 0) {
        return;
    }
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        inputs[i]->item.listed--;
        free_if_useless(manager, inputs[i]);
    }
    future->remembered &= (uint8_t)~REMEMBERED;
    free_if_useless(manager, future);
}

/* ---- inputs ----------------------------------------------------------------
 */

static bool room_for_deps(struct hayi_manager *manager, size_t count)
{
    if (count <= manager->dep_room) {
        return true;
    }
    void *values = realloc(manager->dep_values, count * sizeof(void *));
    if (values == NULL) {
        return false;
    }
    manager->dep_values = values;
    void *sizes = realloc(manager->dep_sizes, count * sizeof(size_t));
    if (sizes == NULL) {
        return false;
    }
    manager->dep_sizes = sizes;
    manager->dep_room = count;
    return true;
}

hay_status hayi_manager_fill(struct hayi_manager *manager,
                             const hay_future *future,
                             uint64_t (*place)(void *context, uint64_t object),
                             void *context,
                             struct hayi_error *err)
{
    const struct hayi_spec *spec = future->spec;
    if (!room_for_deps(manager, spec->arg_dep_count)) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for arguments");
    }
    hay_future *const *inputs = hayi_spec_deps(spec);
    for (uint32_t i = 0; i < spec->arg_dep_count; i++) {
        const struct hayi_result *result = inputs[i]->result;
        manager->dep_values[i] = result == NULL ? NULL : result->value;
        manager->dep_sizes[i] = result == NULL ? 0 : result->value_size;
    }
    const struct hayi_results results = {
        .values = manager->dep_values,
        .sizes = manager->dep_sizes,
        .place = place,
        .context = context,
    };
    manager->args.size = 0;
    return hayi_args_fill(
        hayi_spec_args(spec), spec->args_size, &results, &manager->args, err);
}

/* The objects that a task needs, as they are met. */
struct needed {
    hayi_object *list;
    size_t count, room;
    bool short_of_memory;
};

static uint64_t collect(void *context, uint64_t object)
{
    struct needed *needed = context;
    if (needed->count == needed->room) {
        size_t room = needed->room == 0 ? 16 : needed->room * 2;
        void *list = realloc(needed->list, room * sizeof(*needed->list));
        if (list == NULL) {
            needed->short_of_memory = true;
            return 0;
        }
        needed->list = list;
        needed->room = room;
    }
    needed->list[needed->count++] = object;
    return 0;
}

/* What the commands wrote whose files it reads. */
static void collect_files(const hay_future *future, struct needed *needed)
{
    const struct hayi_spec *spec = future->spec;
    hay_future *const *inputs = hayi_spec_deps(spec);
    for (uint32_t i = 0; i < spec->arg_dep_count; i++) {
        const struct hayi_result *result = inputs[i]->result;
        for (uint32_t k = 0; result != NULL && k < result->file_count; k++) {
            (void)collect(needed, result->files[k]);
        }
    }
}

void hayi_manager_inputs(struct hayi_manager *manager,
                         const struct hayi_action *action)
{
    struct needed needed = {0};
    struct hayi_error err;
    const hay_future *future = hayi_manager_future(action->u.inputs.payload);
    if (future->spec->kind == HAYI_TASK_COMMAND) {
        collect_files(future, &needed);
    } else {
        /* What cannot be filled is told when it is handed out. */
        (void)hayi_manager_fill(manager, future, collect, &needed, &err);
    }
    if (needed.short_of_memory) {
        hayi_manager_panic(manager, "out of memory for a task's inputs");
    }
    struct hayi_event event = {
        .kind = HAYI_EVENT_INPUTS,
        .u.inputs = {.task = action->u.inputs.task,
                     .list = needed.list,
                     .count = needed.count},
    };
    hayi_manager_step(manager, &event, NULL);
    free(needed.list);
}

/* ---- what a task has made --------------------------------------------------
 */

/* New objects go to the list of the event. */
static void list_made(void *context, struct hayi_object_value *object)
{
    struct hayi_manager *manager = context;
    if (object->object != 0) {
        return;
    }
    if (manager->made_count == manager->made_room) {
        size_t room = manager->made_room == 0 ? 16 : manager->made_room * 2;
        void *list = realloc(manager->made, room * sizeof(*manager->made));
        if (list == NULL) {
            hayi_manager_panic(manager, "out of memory for objects");
            return;
        }
        manager->made = list;
        manager->made_room = room;
    }
    manager->made[manager->made_count++] =
        (struct hayi_made){.bytes = object->size,
                           .place = object->place,
                           .soft = object->place == HAYI_PLACE_FILE};
}

/* One that was an argument has a further future. */
static void hold(void *context, struct hayi_object_value *object)
{
    struct hayi_event event = {.kind = HAYI_EVENT_HOLD,
                               .u.hold = {.object = object->object}};
    if (object->object != 0) {
        hayi_manager_step(context, &event, NULL);
    }
}

static void count_object(void *context, struct hayi_object_value *object)
{
    uint32_t *count = context;
    (void)object;
    (*count)++;
}

/* In the order in which they were listed. */
static void name_object(void *context, struct hayi_object_value *object)
{
    const struct hayi_made **next = context;
    if (object->object == 0) {
        object->object = (*next)->object;
        (*next)++;
    }
}

void hayi_manager_name_made(struct hayi_manager *manager)
{
    const struct hayi_made *next = manager->made;
    (void)hayi_value_objects(manager->value.data,
                             manager->value.size,
                             name_object,
                             (void *)&next,
                             NULL);
}

/* The report was of an attempt that counts no more: what it made is nobody's.
 */
static void drop_made(struct hayi_manager *manager,
                      const struct hayi_peer *peer)
{
    for (size_t i = 0; i < manager->made_count; i++) {
        const struct hayi_action drop = {
            .kind = HAYI_ACTION_DROP,
            .u.drop = {.node = peer->node,
                       .worker = peer->node == 0 ? HAYI_MANAGER_SELF
                                                 : peer->link.peer - 1,
                       .place = manager->made[i].place},
        };
        if (manager->made[i].object == 0 && !manager->made[i].soft) {
            hayi_manager_drop(manager, &drop);
        }
    }
}

hay_status hayi_manager_made(struct hayi_manager *manager,
                             const struct hayi_peer *peer,
                             struct hayi_event *event,
                             struct hayi_report *report,
                             struct hayi_error *err)
{
    uint32_t count = 0;
    manager->value.size = 0;
    hay_status status = hayi_value_objects(
        report->value, report->value_size, count_object, &count, err);
    if (status != HAY_OK) {
        return status;
    }
    if (hayi_buffer_append(&manager->value, report->value, report->value_size)
        != HAY_OK) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    (void)hayi_value_objects(
        report->value, report->value_size, hold, manager, NULL);
    const void *sent = report->value;
    report->value = manager->value.data;
    report->object_count = count;
    manager->made_count = 0;
    (void)hayi_value_objects(
        sent, report->value_size, list_made, manager, NULL);
    report->has_made = manager->made_count > 0;
    event->u.ended.made = manager->made;
    event->u.ended.made_count = manager->made_count;
    event->u.ended.objects = true;
    manager->told = false;
    hayi_manager_step(manager, event, report);
    if (!manager->told) {
        drop_made(manager, peer);
        (void)hayi_value_objects(
            sent, report->value_size, release, manager, NULL);
    }
    return HAY_OK;
}

/* ---- moving ----------------------------------------------------------------
 */

static uint32_t peer_of(uint32_t worker)
{
    return worker == HAYI_MANAGER_SELF ? 0 : worker + 1;
}

/* Who acts for it.  Guests reach the worker in this process through us alone,
 * whose store is its own. */
static uint32_t actor(const struct hayi_manager *manager, uint32_t worker)
{
    const struct hayi_manager_config *config = &manager->config;
    uint32_t first = hayi_manager_first_guest(manager);
    return config->guests_max > 0 && config->with_worker
                   && worker != HAYI_MANAGER_SELF && worker + 1 < first
               ? HAYI_MANAGER_SELF
               : worker;
}

void hayi_manager_fetch(struct hayi_manager *manager,
                        const struct hayi_action *action)
{
    uint32_t from = actor(manager, action->u.fetch.from);
    uint32_t to = actor(manager, action->u.fetch.to);
    struct hayi_send_record record = {
        .object = action->u.fetch.keep ? 0 : action->u.fetch.object,
        .bytes = action->u.fetch.bytes,
        .transfer = action->u.fetch.transfer,
        .peer = peer_of(from),
    };
    if (to == HAYI_MANAGER_SELF) {
        hayi_mover_receive(manager->mover,
                           record.transfer,
                           record.object,
                           record.bytes,
                           record.peer);
    } else {
        hayi_manager_say(
            manager, to, HAYI_RECORD_RECEIVE, &record, sizeof(record));
    }
    record.peer = peer_of(to);
    record.place = action->u.fetch.place;
    if (from == HAYI_MANAGER_SELF) {
        hayi_mover_send(manager->mover,
                        record.transfer,
                        record.place,
                        record.bytes,
                        record.peer);
    } else {
        hayi_manager_say(
            manager, from, HAYI_RECORD_SEND, &record, sizeof(record));
    }
}

void hayi_manager_drop(struct hayi_manager *manager,
                       const struct hayi_action *action)
{
    const struct hayi_send_record record = {.place = action->u.drop.place};
    if (action->u.drop.worker == HAYI_MANAGER_SELF) {
        hayi_store_drop(manager->ex->store, record.place);
    } else {
        hayi_manager_say(manager,
                         action->u.drop.worker,
                         HAYI_RECORD_DROP,
                         &record,
                         sizeof(record));
    }
}

void hayi_manager_left(struct hayi_manager *manager,
                       uint32_t node,
                       uint32_t worker,
                       uint64_t *places,
                       size_t count)
{
    count = hayi_sched_unknown(manager->sched, node, places, count);
    for (size_t i = 0; i < count; i++) {
        const struct hayi_action drop = {
            .kind = HAYI_ACTION_DROP,
            .u.drop = {.node = node, .worker = worker, .place = places[i]},
        };
        hayi_manager_drop(manager, &drop);
    }
    free(places);
}

const char *hayi_manager_words(const struct hayi_manager *manager,
                               uint64_t report)
{
    return report >= HAYI_MANAGER_WORDS_REPORT
               ? manager->words[report - HAYI_MANAGER_WORDS_REPORT]
               : NULL;
}

/* Words that a task may fail with later than in the step that brings them. */
static uint64_t keep_words(struct hayi_manager *manager, const char *words)
{
    uint32_t index = manager->words_next++ % HAYI_MANAGER_WORDS;
    (void)snprintf(
        manager->words[index], sizeof(manager->words[index]), "%s", words);
    return HAYI_MANAGER_WORDS_REPORT + index;
}

void hayi_manager_moved(struct hayi_manager *manager,
                        const struct hayi_moved_record *record,
                        const char *words)
{
    struct hayi_event event = {
        .kind = HAYI_EVENT_MOVED,
        .u.moved = {.transfer = record->transfer,
                    .place = record->place,
                    .run_ns = record->run_ns,
                    .status = (hay_status)record->status},
    };
    if (record->status != HAY_OK) {
        event.u.moved.report = keep_words(manager, words);
    }
    hayi_manager_step(manager, &event, NULL);
}

static bool take_moved(struct hayi_manager *manager)
{
    struct hayi_moved moved;
    bool any = hayi_mover_poll(manager->mover);
    while (hayi_mover_next(manager->mover, &moved)) {
        any = true;
        if (moved.received) {
            const struct hayi_moved_record record = {
                .place = moved.place,
                .run_ns = moved.run_ns,
                .transfer = moved.transfer,
                .status = moved.status,
            };
            hayi_manager_moved(manager, &record, moved.words);
        }
    }
    return any;
}

/* What the store of this node tells of itself, now and then. */
static void look_at_store(struct hayi_manager *manager)
{
    uint64_t names[GONE_MAX];
    struct hayi_store_usage usage;
    struct hayi_store *store = manager->ex->store;
    size_t count;
    manager->look_ns = manager->now_ns + LOOK_NS;
    while ((count = hayi_store_take_gone(store, names, GONE_MAX)) > 0) {
        for (size_t i = 0; i < count; i++) {
            struct hayi_event gone = {.kind = HAYI_EVENT_GONE,
                                      .u.gone = {.object = names[i]}};
            hayi_manager_step(manager, &gone, NULL);
        }
    }
    hayi_store_get_usage(store, &usage);
    if (usage.limit_bytes == 0) {
        return;
    }
    uint32_t permille =
        (uint32_t)(usage.used_bytes * PERMILLE / usage.limit_bytes);
    if (permille / 20 != manager->used_permille / 20) {
        manager->used_permille = permille;
        struct hayi_event memory = {.kind = HAYI_EVENT_MEMORY,
                                    .u.memory = {.used_permille = permille}};
        hayi_manager_step(manager, &memory, NULL);
    }
}

bool hayi_manager_poll_data(struct hayi_manager *manager)
{
    bool any = manager->mover != NULL && take_moved(manager);
    if (manager->now_ns >= manager->look_ns) {
        look_at_store(manager);
    }
    return any;
}
