/* worker_data.c - a worker and the store of its node: objects that are dropped,
 * sent and received at the manager's word, and how full it is. */
#include "config.h"

#include "worker/worker_inside.h"

#include <stdlib.h>
#include <string.h>

enum {
    TELL_PERMILLE = 20,     /* a change that is told */
    PRESSED_PERMILLE = 700, /* from here on it is looked at again and again:
                              other processes of the node make room, too */
    LOOK_NS = 20000000,
    GONE_MAX = 64, /* replicas in one record */
};

hay_status hayi_worker_init_data(struct hayi_worker *worker)
{
    struct hayi_worker_data *data = &worker->data;
    size_t count = worker->config.before_count;
    data->look_ns = UINT64_MAX;
    if (count > 0) {
        data->before = malloc(count * sizeof(*data->before));
        if (data->before == NULL) {
            return HAY_ENOMEM;
        }
        memcpy(
            data->before, worker->config.before, count * sizeof(*data->before));
        data->before_count = count;
    }
    worker->config.before = NULL;
    return HAY_OK;
}

/* Looks after the store from now on, if nobody is left to do so before us. */
static hay_status keep(struct hayi_worker *worker, struct hayi_error *err)
{
    struct hayi_worker_data *data = &worker->data;
    if (!worker->config.keep_store || data->before_count > 0
        || data->keeper != NULL) {
        return HAY_OK;
    }
    return hayi_keeper_new(worker->config.store, &data->keeper, err);
}

hay_status hayi_worker_open_data(struct hayi_worker *worker,
                                 const char *spill_folder,
                                 struct hayi_error *err)
{
    struct hayi_store *store = worker->config.store;
    struct hayi_worker_data *data = &worker->data;
    hay_status status = HAY_OK;
    if (store == NULL) {
        return HAY_OK;
    }
    if (!worker->config.shared_memory) {
        const struct hayi_store_config config = {
            .limit_bytes = worker->options.memory_limit_bytes,
            .spill_folder = spill_folder,
        };
        status = hayi_store_configure(store, &config, err);
    }
    if (status == HAY_OK) {
        status = hayi_files_new(&data->files, err);
    }
    if (status == HAY_OK && !worker->config.shared_memory) {
        const struct hayi_mover_config config = {
            .transport = worker->config.transport,
            .store = store,
            .bell = worker->config.bell,
            .checksum = worker->options.checksum != 0,
        };
        status = hayi_mover_new(&config, &data->mover, err);
    }
    if (status == HAY_OK) {
        status = keep(worker, err);
    }
    if (status == HAY_OK) {
        worker->farm.store = store;
        worker->farm.files = data->files;
    }
    return status;
}

void hayi_worker_close_data(struct hayi_worker *worker)
{
    hayi_keeper_free(worker->data.keeper);
    hayi_mover_free(worker->data.mover);
    hayi_files_free(worker->data.files);
    free(worker->data.before);
    worker->data = (struct hayi_worker_data){.look_ns = UINT64_MAX};
}

hay_status hayi_worker_on_object(struct hayi_worker *worker,
                                 uint16_t type,
                                 const struct hayi_send_record *record)
{
    if (worker->farm.store == NULL) {
        return hayi_fail(
            &worker->error, HAY_EMISMATCH, "an object, and no store here");
    }
    if (type == HAYI_RECORD_DROP) {
        hayi_store_drop(worker->farm.store, record->place);
        return HAY_OK;
    }
    struct hayi_mover *mover = worker->data.mover;
    if (mover == NULL) {
        return hayi_fail(
            &worker->error, HAY_EMISMATCH, "an object to move, and no node");
    }
    if (type == HAYI_RECORD_SEND) {
        hayi_mover_send(mover,
                        record->transfer,
                        record->place,
                        record->bytes,
                        record->peer);
    } else {
        hayi_mover_receive(mover,
                           record->transfer,
                           record->object,
                           record->bytes,
                           record->peer);
    }
    return HAY_OK;
}

/* It may have looked after the store.  Without memory for a keeper the store
 * makes its room itself. */
static void strike_off(struct hayi_worker *worker, uint32_t peer)
{
    struct hayi_worker_data *data = &worker->data;
    for (size_t i = 0; i < data->before_count; i++) {
        if (data->before[i] == peer) {
            data->before[i] = data->before[--data->before_count];
            break;
        }
    }
    if (worker->farm.store != NULL) {
        (void)keep(worker, NULL);
    }
}

/* The manager knows which of them are anybody's. */
static void tell_left(struct hayi_worker *worker, uint32_t member)
{
    struct hayi_left_record head = {0};
    hayi_place *places = NULL;
    size_t count = 0;
    if (hayi_store_left(worker->farm.store, member, &places, &count)
        != HAY_OK) {
        return; /* they stay until the end */
    }
    head.count = count;
    if (count > 0) {
        hayi_worker_tell_tail(worker,
                              HAYI_RECORD_LEFT,
                              &head,
                              sizeof(head),
                              places,
                              count * sizeof(places[0]));
    }
    free(places);
}

void hayi_worker_on_lost(struct hayi_worker *worker,
                         const struct hayi_lost_record *record)
{
    const uint32_t first_guest =
        worker->config.transport->peer_count - worker->config.guests_max;
    worker->saw_loss = worker->saw_loss || record->peer < first_guest;
    strike_off(worker, record->peer);
    if (worker->data.mover != NULL
        && record->peer < worker->config.transport->peer_count) {
        hayi_mover_peer_down(worker->data.mover, record->peer);
    }
    if (record->reap != 0 && worker->farm.store != NULL
        && record->member != worker->config.store_member) {
        hayi_store_reap(worker->farm.store, record->member);
        tell_left(worker, record->member);
    }
}

/* A receive has ended, in whatever way. */
static void tell_moved(struct hayi_worker *worker,
                       const struct hayi_moved *moved)
{
    const struct hayi_moved_record head = {
        .place = moved->place,
        .run_ns = moved->run_ns,
        .transfer = moved->transfer,
        .status = moved->status,
        .words_size = moved->status == HAY_OK ? 0 : strlen(moved->words) + 1,
    };
    hayi_worker_tell_tail(worker,
                          HAYI_RECORD_MOVED,
                          &head,
                          sizeof(head),
                          moved->words,
                          head.words_size);
}

static bool tell_all_moved(struct hayi_worker *worker)
{
    struct hayi_moved moved;
    bool any = hayi_mover_poll(worker->data.mover);
    while (hayi_mover_next(worker->data.mover, &moved)) {
        any = true;
        if (moved.received) {
            tell_moved(worker, &moved);
        }
    }
    return any;
}

/* Replicas that this process has dropped to make room. */
static bool tell_gone(struct hayi_worker *worker)
{
    uint64_t names[GONE_MAX];
    struct hayi_gone_record head;
    bool any = false;
    while (
        (head.count = hayi_store_take_gone(worker->farm.store, names, GONE_MAX))
        > 0) {
        any = true;
        hayi_worker_tell_tail(worker,
                              HAYI_RECORD_GONE,
                              &head,
                              sizeof(head),
                              names,
                              head.count * sizeof(names[0]));
    }
    return any;
}

/* How full it is, when that has changed; sooner where the manager acts on it.
 */
static void tell_memory(struct hayi_worker *worker,
                        const struct hayi_store_usage *usage)
{
    static const uint32_t marks[] = {800, 950};
    struct hayi_worker_data *data = &worker->data;
    if (data->keeper != NULL) {
        hayi_keeper_look(data->keeper, usage);
    }
    uint32_t told = data->told_permille;
    uint32_t now =
        (uint32_t)(usage->used_bytes / (usage->limit_bytes / 1000 + 1));
    uint32_t change = now > told ? now - told : told - now;
    bool tell = change >= TELL_PERMILLE || (now == 0 && told != 0);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        tell = tell || (now > marks[i]) != (told > marks[i]);
    }
    data->look_ns = now >= PRESSED_PERMILLE || told >= PRESSED_PERMILLE
                        ? worker->now_ns + LOOK_NS
                        : UINT64_MAX;
    if (tell && !worker->config.shared_memory) { /* it looks for itself */
        const struct hayi_memory_record record = {now};
        data->told_permille = now;
        hayi_worker_tell(worker, HAYI_RECORD_MEMORY, &record, sizeof(record));
    }
}

bool hayi_worker_poll_data(struct hayi_worker *worker)
{
    if (worker->farm.store == NULL) {
        return false;
    }
    bool any = false;
    struct hayi_store_usage usage;
    hayi_store_get_usage(worker->farm.store, &usage);
    if (worker->data.mover != NULL) {
        any = tell_all_moved(worker);
        if (usage.drops != worker->data.drops) {
            any = tell_gone(worker) || any;
            worker->data.drops = usage.drops;
        }
    }
    tell_memory(worker, &usage);
    return any;
}
