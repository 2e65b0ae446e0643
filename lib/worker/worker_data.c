/* worker_data.c - a worker and the store of its node: objects that are dropped,
 * sent and received at the manager's word, and how full it is. */
#include "config.h"

#include "worker/worker_inside.h"

enum {
    TELL_PERMILLE = 20,     /* a change that is told */
    PRESSED_PERMILLE = 700, /* from here on it is looked at again and again:
                              other processes of the node make room, too */
    LOOK_NS = 20000000,
};

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
    if (status == HAY_OK && worker->config.keep_store) {
        status = hayi_keeper_new(store, &data->keeper, err);
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
    hayi_files_free(worker->data.files);
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
    return hayi_fail(
        &worker->error, HAY_EMISMATCH, "an object to move, and no other node");
}

/* How full it is, when that has changed; sooner where the manager acts on it.
 */
static void tell_memory(struct hayi_worker *worker)
{
    static const uint32_t marks[] = {800, 950};
    struct hayi_worker_data *data = &worker->data;
    struct hayi_store_usage usage;
    hayi_store_get_usage(worker->farm.store, &usage);
    if (data->keeper != NULL) {
        hayi_keeper_look(data->keeper, &usage);
    }
    uint32_t told = data->told_permille;
    uint32_t now =
        (uint32_t)(usage.used_bytes / (usage.limit_bytes / 1000 + 1));
    uint32_t change = now > told ? now - told : told - now;
    bool tell = change >= TELL_PERMILLE || (now == 0 && told != 0);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        tell = tell || (now > marks[i]) != (told > marks[i]);
    }
    data->look_ns = now >= PRESSED_PERMILLE || told >= PRESSED_PERMILLE
                        ? worker->now_ns + LOOK_NS
                        : UINT64_MAX;
    if (tell) {
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
    tell_memory(worker);
    return false;
}
