/* array_tasks.c - see array_tasks.h. */
#include "config.h"

#include "client/array_tasks.h"

#include "client/executor.h"
#include "client/result.h"
#include "client/task_options.h"
#include "data/h5store.h"

#include <stdlib.h>
#include <string.h>

/* ---- what they do ------------------------------------------------------- */

hay_status hayi_array_copy_task(hay_task *task)
{
    return hay_task_fail(task, 1, "a copy was called as a function");
}

static hay_status gather_task(hay_task *task)
{
    (void)task;
    return HAY_OK;
}

/* Argument 'index' as a dataset. */
static hay_status arg_dataset(hay_task *task,
                              size_t index,
                              const struct hayi_dataset **dataset,
                              struct hayi_error *err)
{
    const void *bytes = NULL;
    size_t size = 0;
    hay_status st = hay_arg_bytes(task, index, &bytes, &size);
    if (st == HAY_OK) {
        st = hayi_dataset_check(bytes, size, err);
    }
    if (st == HAY_OK) {
        *dataset = bytes;
    }
    return st;
}

static hay_status sync_task(hay_task *task)
{
    struct hayi_error err = {0};
    struct hayi_files *files = NULL;
    const struct hayi_dataset *dataset = NULL;
    hay_status st = arg_dataset(task, 0, &dataset, &err);
    if (st == HAY_OK) {
        st = hayi_files_new(&files, &err);
    }
    if (st == HAY_OK) {
        st = hayi_dataset_sync(files, dataset, &err);
    }
    hayi_files_free(files);
    return st == HAY_OK ? st : hay_task_fail(task, 1, "%s", err.text);
}

/* Mark it, if no chunk is missing. */
static hay_status complete(const struct hayi_dataset *dataset,
                           struct hayi_error *err)
{
    struct hayi_grid grid;
    struct hayi_files *files = NULL;
    uint64_t count = 0;
    hayi_dataset_grid(dataset, &grid);
    uint8_t *done = calloc(1, (size_t)(grid.total / 8 + 1));
    if (done == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    hay_status st = hayi_files_new(&files, err);
    if (st == HAY_OK) {
        st = hayi_dataset_done(files, dataset, false, done, &count, err);
    }
    if (st == HAY_OK && count == grid.total) {
        st = hayi_dataset_complete(files, dataset, err);
    }
    hayi_files_free(files);
    free(done);
    return st;
}

static hay_status done_task(hay_task *task)
{
    struct hayi_error err = {0};
    const struct hayi_dataset *dataset = NULL;
    int64_t count = 0;
    hay_status st = hay_arg_int64(task, 0, &count);
    if (st != HAY_OK) {
        return st;
    }
    if (hay_arg_count(task) > 1) {
        st = arg_dataset(task, 1, &dataset, &err);
        if (st == HAY_OK) {
            st = complete(dataset, &err);
        }
    }
    return st == HAY_OK ? hay_return_int64(task, count)
                        : hay_task_fail(task, 1, "%s", err.text);
}

HAY_CONSTRUCTOR_(register_array_tasks)
{
    hay_register("hay.array.copy", hayi_array_copy_task);
    hay_register("hay.array.done", done_task);
    hay_register("hay.array.gather", gather_task);
    hay_register("hay.array.sync", sync_task);
}

/* ---- how they are made -------------------------------------------------- */

/* Futures to wait for. */
struct front {
    hay_future **list;
    size_t count;
};

static void front_free(struct front *front)
{
    for (size_t i = 0; i < front->count; i++) {
        hay_future_release(front->list[i]);
    }
    free(front->list);
    *front = (struct front){0};
}

static hay_status front_new(size_t count, struct front *front)
{
    front->count = 0;
    front->list = malloc((count > 0 ? count : 1) * sizeof(*front->list));
    return front->list != NULL ? HAY_OK
                               : hayi_fail(hayi_thread_error(),
                                           HAY_ENOMEM,
                                           "out of memory for a map");
}

/* One task for each HAYI_ARRAY_GATHER_MAX of these; they replace them. */
static hay_status
gather(hay_executor *ex, const hay_task_options *like, struct front *front)
{
    const size_t max = HAYI_ARRAY_GATHER_MAX;
    struct front next;
    hay_status st = front_new((front->count + max - 1) / max, &next);
    for (size_t i = 0; st == HAY_OK && i < front->count; i += max) {
        hay_task_options o = *like;
        o.after = front->list + i;
        o.after_count = front->count - i < max ? front->count - i : max;
        st = hay_submit(
            ex, gather_task, HAY_NO_ARGS, &o, &next.list[next.count]);
        next.count += st == HAY_OK ? 1 : 0;
    }
    if (st != HAY_OK) {
        front_free(&next);
        return st;
    }
    front_free(front);
    *front = next;
    return HAY_OK;
}

static bool several_nodes(const hay_executor *ex)
{
    uint32_t nodes = 0;
    for (uint32_t i = 0; i < ex->node_count && ex->node_cores != NULL; i++) {
        nodes += atomic_load(&ex->node_cores[i]) > 0 ? 1 : 0;
    }
    return nodes > 1;
}

/* Each node has to bring to the disk what it has written; which workers are on
 * one node we do not know, a second one there finds nothing to do. */
static hay_status sync_all(hay_executor *ex,
                           hay_dataset *output,
                           const hay_task_options *like,
                           struct front *front)
{
    struct front next;
    hay_status st = front_new(ex->workers_expected, &next);
    for (uint32_t i = 1; st == HAY_OK && i <= ex->workers_expected; i++) {
        hay_task_options o = *like;
        o.after = front->list;
        o.after_count = front->count;
        o.worker = i | HAYI_WORKER_OR_ANY;
        st = hay_submit(ex,
                        sync_task,
                        HAY_ARGS(hay_ref(output->blob)),
                        &o,
                        &next.list[next.count]);
        next.count += st == HAY_OK ? 1 : 0;
    }
    if (st != HAY_OK) {
        front_free(&next);
        return st;
    }
    front_free(front);
    *front = next;
    return HAY_OK;
}

hay_status hayi_array_end(hay_executor *ex,
                          hay_future *const *tasks,
                          size_t count,
                          hay_dataset *output,
                          const hay_array_map_options *options,
                          hay_future **map)
{
    bool to_file = output != NULL && !hayi_array_in_memory(output);
    hay_task_options o = HAY_TASK_OPTIONS_INIT;
    struct front front;
    hay_status st = front_new(count, &front);
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        front.list[front.count++] = hay_future_retain(tasks[i]);
    }
    o.priority = options->priority;
    while (st == HAY_OK && front.count > HAYI_ARRAY_GATHER_MAX) {
        st = gather(ex, &o, &front);
    }
    if (st == HAY_OK && to_file && several_nodes(ex) && count > 0
        && output->file->kind == HAYI_CHUNKED
        && output->file->sync == HAYI_SYNC_END) {
        st = sync_all(ex, output, &o, &front);
    }
    if (st == HAY_OK) {
        const hay_arg args[2] = {
            hay_int64((int64_t)count),
            hay_ref(to_file ? output->blob : NULL),
        };
        o.name = options->name;
        o.queue = options->queue;
        o.after = front.list;
        o.after_count = front.count;
        st = hay_submit(
            ex, done_task, (hay_args){args, to_file ? 2 : 1}, &o, map);
    }
    front_free(&front);
    return st;
}

/* Ask all nodes, and wait for them. */
static hay_status flush_all(hay_dataset *dataset)
{
    hay_task_options o = HAY_TASK_OPTIONS_INIT;
    struct front front;
    if (!several_nodes(dataset->ex)) {
        return HAY_OK;
    }
    hay_status st = front_new(0, &front);
    if (st == HAY_OK) {
        st = sync_all(dataset->ex, dataset, &o, &front);
    }
    for (size_t i = 0; st == HAY_OK && i < front.count; i++) {
        st = hay_future_wait(front.list[i], HAY_FOREVER);
        if (st == HAY_OK) {
            st = hayi_result_status(front.list[i], hayi_thread_error());
        }
    }
    front_free(&front);
    return st;
}

hay_status hay_array_flush(hay_dataset *dataset)
{
    struct hayi_error *err = hayi_thread_error();
    struct hayi_files *files = NULL;
    if (dataset == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the dataset is NULL");
    }
    if (dataset->done == NULL) {
        return HAY_OK; /* it is not written, or not into a file */
    }
    if (dataset->file->kind == HAYI_PACKED) {
        return hayi_h5_pack(dataset->file, false, err);
    }
    hay_status st = hayi_array_files(dataset, &files, err);
    if (st == HAY_OK) {
        st = hayi_dataset_sync(files, dataset->file, err);
    }
    return st == HAY_OK ? flush_all(dataset) : st;
}
