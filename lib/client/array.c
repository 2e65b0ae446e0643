/* array.c - see array.h: opening, making, looking at and reading arrays. */
#include "config.h"

#include "base/clock.h"
#include "client/array_box.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/objects.h"
#include "client/result.h"
#include "data/h5store.h"
#include "wire/value.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void hay_array_options_init(hay_array_options *options)
{
    *options = (hay_array_options)HAY_ARRAY_OPTIONS_INIT;
}

/* ---- looks -------------------------------------------------------------- */

void hayi_array_label(const hay_dataset *dataset, char *text, size_t size)
{
    if (hayi_array_in_memory(dataset)) {
        (void)snprintf(text, size, "the array in memory");
        return;
    }
    (void)snprintf(text,
                   size,
                   "%s:%s",
                   hayi_dataset_path(dataset->file),
                   hayi_dataset_name(dataset->file));
}

bool hayi_array_in_memory(const hay_dataset *dataset)
{
    return dataset->file->kind == HAYI_MEMORY;
}

bool hayi_array_is_done(const hay_dataset *dataset, uint64_t chunk)
{
    return (dataset->done[chunk / 8] >> (chunk % 8) & 1) != 0;
}

void hayi_array_settle(hay_dataset *dataset)
{
    if (dataset->writers == NULL || dataset->done == NULL) {
        return;
    }
    for (uint64_t i = 0; i < dataset->grid.total; i++) {
        hay_future *writer = dataset->writers[i];
        if (writer != NULL && hay_future_state(writer) == HAY_FINISHED) {
            dataset->done[i / 8] |= (uint8_t)(1u << (i % 8));
            dataset->writers[i] = NULL;
            hay_future_release(writer);
        }
    }
}

bool hayi_array_busy(const hay_dataset *dataset)
{
    if (dataset->making
        || (dataset->map != NULL && !hay_future_done(dataset->map))) {
        return true;
    }
    /* A map fails with its first task, and the others go on. */
    if (!dataset->loose
        && (dataset->map == NULL
            || hay_future_state(dataset->map) == HAY_FINISHED)) {
        return false;
    }
    for (uint64_t i = 0; dataset->writers != NULL && i < dataset->grid.total;
         i++) {
        if (dataset->writers[i] != NULL
            && !hay_future_done(dataset->writers[i])) {
            return true;
        }
    }
    return false;
}

uint64_t hayi_array_part(const hay_dataset *dataset, uint64_t chunk)
{
    const struct hayi_grid *grid = &dataset->grid;
    uint64_t at[HAY_NDIM_MAX];
    uint64_t part = 0;
    uint64_t chunks = 1;
    hayi_grid_coordinates(grid, chunk, at);
    for (uint32_t d = 0; d < grid->ndim; d++) {
        uint64_t block = dataset->block[d];
        uint64_t first = at[d] - at[d] % block;
        uint64_t left = grid->count[d] - first;
        uint64_t extent = left < block ? left : block;
        part = part * extent + (at[d] - first);
        chunks *= extent;
    }
    return chunks == 1 ? 0 : 1 + part;
}

hay_status hayi_array_files(hay_dataset *dataset,
                            struct hayi_files **files,
                            struct hayi_error *err)
{
    hay_status st = HAY_OK;
    (void)pthread_mutex_lock(&dataset->mutex);
    if (dataset->files == NULL) {
        st = hayi_files_new(&dataset->files, err);
    }
    if (st == HAY_OK) {
        *files = dataset->files;
    }
    (void)pthread_mutex_unlock(&dataset->mutex);
    return st;
}

static hay_status check_handle(const hay_dataset *dataset)
{
    return dataset != NULL ? HAY_OK
                           : hayi_fail(hayi_thread_error(),
                                       HAY_EINVAL,
                                       "the dataset is NULL");
}

/* ---- life --------------------------------------------------------------- */

hay_dataset *hay_array_retain(hay_dataset *dataset)
{
    if (dataset != NULL) {
        (void)atomic_fetch_add(&dataset->refs, 1);
    }
    return dataset;
}

void hay_array_release(hay_dataset *dataset)
{
    if (dataset == NULL || atomic_fetch_sub(&dataset->refs, 1) != 1) {
        return;
    }
    for (uint64_t i = 0; dataset->writers != NULL && i < dataset->grid.total;
         i++) {
        hay_future_release(dataset->writers[i]);
    }
    hay_future_release(dataset->map);
    hay_future_release(dataset->blob);
    hayi_files_free(dataset->files);
    free(dataset->writers);
    free(dataset->done);
    hayi_dataset_free(dataset->file);
    (void)pthread_mutex_destroy(&dataset->mutex);
    hayi_executor_release(dataset->ex);
    free(dataset);
}

/* The bits of what is done in a file of ours.  Without a sync of each chunk a
 * machine that went down may have lost what was marked: hashes are compared. */
static hay_status
load_done(hay_dataset *dataset, bool verify, struct hayi_error *err)
{
    struct hayi_files *files = NULL;
    uint64_t count = 0;
    dataset->done = calloc(1, (size_t)(dataset->grid.total / 8 + 1));
    if (dataset->done == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for an array");
    }
    hay_status st = hayi_array_files(dataset, &files, err);
    if (st == HAY_OK) {
        st = hayi_dataset_done(
            files, dataset->file, verify, dataset->done, &count, err);
    }
    return st;
}

/* file: taken, freed on failure as well. */
static hay_status handle_new(hay_executor *ex,
                             struct hayi_dataset *file,
                             bool verify,
                             hay_dataset **dataset,
                             struct hayi_error *err)
{
    hay_dataset *fresh = calloc(1, sizeof(*fresh));
    if (fresh == NULL) {
        hayi_dataset_free(file);
        return hayi_fail(err, HAY_ENOMEM, "out of memory for an array");
    }
    atomic_init(&fresh->refs, 1);
    hayi_executor_retain(ex);
    fresh->ex = ex;
    fresh->file = file;
    (void)pthread_mutex_init(&fresh->mutex, NULL);
    hayi_dataset_grid(file, &fresh->grid);
    for (uint32_t d = 0; d < fresh->grid.ndim; d++) {
        fresh->block[d] = 1;
    }
    hay_status st = HAY_OK;
    if (hayi_dataset_writable(file)) {
        st = load_done(fresh, verify, err);
    }
    if (st == HAY_OK) {
        st = hay_put(ex, hay_bytes(file, file->size_bytes), &fresh->blob);
    }
    if (st != HAY_OK) {
        hay_array_release(fresh);
        return st;
    }
    *dataset = fresh;
    return HAY_OK;
}

/* ---- open and create ---------------------------------------------------- */

static hay_status check_call(hay_executor *ex,
                             const hay_array_options *options,
                             hay_dataset **dataset,
                             struct hayi_error *err)
{
    if (ex == NULL || dataset == NULL) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s is NULL",
                         ex == NULL ? "the executor" : "'dataset'");
    }
    return hayi_check_in(options, sizeof(*options), "hay_array_options", err);
}

static const hay_array_options *or_default(const hay_array_options *options)
{
    static const hay_array_options defaults = HAY_ARRAY_OPTIONS_INIT;
    return options != NULL ? options : &defaults;
}

/* The chunk that was asked for; a length that is 0 where others are not is the
 * whole one.  false: nothing was asked for. */
static bool asked_chunk(const hay_array_options *options,
                        uint32_t ndim,
                        const uint64_t *shape,
                        uint64_t *chunk)
{
    bool any = false;
    for (uint32_t d = 0; d < ndim; d++) {
        any = any || options->chunk[d] != 0;
        chunk[d] = options->chunk[d] != 0 ? options->chunk[d]
                   : shape[d] > 0         ? shape[d]
                                          : 1;
        chunk[d] = shape[d] > 0 && chunk[d] > shape[d] ? shape[d] : chunk[d];
    }
    return any;
}

hay_status hay_array_open(hay_executor *ex,
                          const char *path,
                          const char *name,
                          const hay_array_options *options,
                          hay_dataset **dataset)
{
    struct hayi_error *err = hayi_thread_error();
    const hay_array_options *o = or_default(options);
    struct hayi_dataset *file = NULL;
    uint64_t chunk[HAY_NDIM_MAX] = {0};
    hay_status st = check_call(ex, o, dataset, err);
    if (st != HAY_OK) {
        return st;
    }
    if (path == NULL || name == NULL) {
        return hayi_fail(
            err, HAY_EINVAL, "hay_array_open: the path or the name is NULL");
    }
    char *whole = NULL;
    st = hayi_absolute_path(path, &whole, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_h5_open(whole, name, &file, err);
    free(whole);
    if (st != HAY_OK) {
        return st;
    }
    if ((file->kind == HAYI_CONTIGUOUS || file->kind == HAYI_LIBRARY)
        && asked_chunk(o, file->ndim, file->shape, chunk)) {
        memcpy(file->chunk, chunk, sizeof(file->chunk));
        st = hayi_dataset_check(file, file->size_bytes, err);
        if (st != HAY_OK) {
            hayi_dataset_free(file);
            return st;
        }
    }
    return handle_new(ex, file, false, dataset, err);
}

static hay_status create_file(const struct hayi_h5_plan *like,
                              const char *path,
                              struct hayi_dataset **file,
                              struct hayi_error *err)
{
    struct hayi_h5_plan plan = *like;
    char *whole = NULL;
    hay_status st = hayi_absolute_path(path, &whole, err);
    if (st != HAY_OK) {
        return st;
    }
    plan.path = whole;
    st = hayi_h5_create(&plan, file, err);
    free(whole);
    if (st == HAY_EINVAL && like->if_there == HAYI_H5_FAIL
        && access(path, F_OK) == 0) {
        st = hayi_fail(
            err, st, "%s (ask to resume or to overwrite it)", err->text);
    }
    if (st == HAY_EMISMATCH) {
        err->status = HAY_EINVAL;
        st = HAY_EINVAL;
    }
    return st;
}

static hay_status check_create(const char *path,
                               const char *name,
                               hay_dtype dtype,
                               uint32_t ndim,
                               const uint64_t *shape,
                               const hay_array_options *o,
                               struct hayi_error *err)
{
    const char *wrong = NULL;
    if (hay_dtype_size(dtype) == 0) {
        wrong = "the type of its elements is unknown";
    } else if (ndim == 0 || ndim > HAY_NDIM_MAX || shape == NULL) {
        wrong = "it must have 1 to 8 dimensions and a shape";
    } else if (path != NULL && name == NULL) {
        wrong = "a dataset in a file needs a name";
    } else if (o->resume && o->overwrite) {
        wrong = "either resume or overwrite";
    } else if (path == NULL
               && (o->resume || o->overwrite || o->shuffle || o->sync
                   || o->deflate > 0)) {
        wrong = "an array in memory has no file to resume, overwrite, compress "
                "or sync";
    } else if (o->deflate > 9) {
        wrong = "deflate is 1 to 9, or 0 for none";
    }
    return wrong == NULL
               ? HAY_OK
               : hayi_fail(err, HAY_EINVAL, "hay_array_create: %s", wrong);
}

hay_status hay_array_create(hay_executor *ex,
                            const char *path,
                            const char *name,
                            hay_dtype dtype,
                            uint32_t ndim,
                            const uint64_t *shape,
                            const hay_array_options *options,
                            hay_dataset **dataset)
{
    struct hayi_error *err = hayi_thread_error();
    const hay_array_options *o = or_default(options);
    struct hayi_dataset *file = NULL;
    hay_status st = check_call(ex, o, dataset, err);
    if (st == HAY_OK) {
        st = check_create(path, name, dtype, ndim, shape, o, err);
    }
    if (st != HAY_OK) {
        return st;
    }
    struct hayi_h5_plan plan = {
        .name = name,
        .dtype = dtype,
        .ndim = ndim,
        .filters = {.shuffle = o->shuffle, .deflate = (uint8_t)o->deflate},
        .sync = o->sync ? HAYI_SYNC_CHUNK : HAYI_SYNC_END,
        .if_there = o->resume      ? HAYI_H5_RESUME
                    : o->overwrite ? HAYI_H5_REPLACE
                                   : HAYI_H5_FAIL,
    };
    memcpy(plan.shape, shape, ndim * sizeof(shape[0]));
    bool asked = asked_chunk(o, ndim, shape, plan.chunk);
    if (!asked) {
        memset(plan.chunk, 0, sizeof(plan.chunk));
    }
    if (path == NULL) {
        st = hayi_dataset_new_memory(
            dtype, ndim, shape, asked ? plan.chunk : NULL, &file, err);
    } else {
        st = create_file(&plan, path, &file, err);
    }
    return st == HAY_OK
               ? handle_new(ex, file, o->resume && !o->sync, dataset, err)
               : st;
}

/* ---- what it is --------------------------------------------------------- */

/* With the mutex: of an array in memory, or of a file while tasks write it. */
static uint64_t count_done(const hay_dataset *dataset)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < dataset->grid.total; i++) {
        const hay_future *writer =
            dataset->writers != NULL ? dataset->writers[i] : NULL;
        bool written =
            writer != NULL && hay_future_state(writer) == HAY_FINISHED;
        bool before = dataset->done != NULL && hayi_array_is_done(dataset, i);
        count += written || before ? 1 : 0;
    }
    return count;
}

hay_status hay_array_get_info(hay_dataset *dataset, hay_array_info *info)
{
    hay_status st = check_handle(dataset);
    if (st == HAY_OK) {
        st = hayi_check_out(
            info, sizeof(*info), "hay_array_info", hayi_thread_error());
    }
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_dataset *file = dataset->file;
    info->dtype = (hay_dtype)file->dtype;
    info->ndim = file->ndim;
    memcpy(info->shape, file->shape, sizeof(info->shape));
    memcpy(info->chunk, file->chunk, sizeof(info->chunk));
    info->chunk_count = dataset->grid.total;
    info->chunks_done = dataset->grid.total;
    if (hayi_array_in_memory(dataset) || dataset->done != NULL) {
        (void)pthread_mutex_lock(&dataset->mutex);
        info->chunks_done = count_done(dataset);
        (void)pthread_mutex_unlock(&dataset->mutex);
    }
    return HAY_OK;
}

/* A chunk's writer, counted; NULL: none. */
static hay_future *writer_of(hay_dataset *dataset, uint64_t chunk)
{
    hay_future *writer = NULL;
    (void)pthread_mutex_lock(&dataset->mutex);
    if (dataset->writers != NULL) {
        writer = hay_future_retain(dataset->writers[chunk]);
    }
    (void)pthread_mutex_unlock(&dataset->mutex);
    return writer;
}

hay_status
hay_array_future(hay_dataset *dataset, uint64_t chunk, hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st = check_handle(dataset);
    if (st != HAY_OK) {
        return st;
    }
    if (chunk >= dataset->grid.total) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "chunk %llu: the array has %llu",
                         (unsigned long long)chunk,
                         (unsigned long long)dataset->grid.total);
    }
    *future = writer_of(dataset, chunk);
    return HAY_OK;
}

/* ---- waiting ------------------------------------------------------------ */

/* The tasks of a map that failed, until all have ended; then what the first of
 * them ended with. */
static hay_status wait_writers(hay_dataset *dataset, uint64_t deadline_ns)
{
    struct hayi_error first = {0};
    for (uint64_t i = 0; i < dataset->grid.total; i++) {
        hay_future *writer = writer_of(dataset, i);
        if (writer == NULL) {
            continue;
        }
        hay_status st = hay_future_wait(writer, hayi_clock_left(deadline_ns));
        if (st == HAY_OK && first.status == HAY_OK) {
            (void)hayi_result_status(writer, &first);
        }
        hay_future_release(writer);
        if (st != HAY_OK) {
            return st;
        }
    }
    if (first.status != HAY_OK) {
        *hayi_thread_error() = first;
    }
    return first.status;
}

hay_status hay_array_wait(hay_dataset *dataset, uint64_t timeout_ns)
{
    uint64_t deadline_ns = hayi_clock_deadline(timeout_ns);
    hay_status st = check_handle(dataset);
    if (st != HAY_OK) {
        return st;
    }
    (void)pthread_mutex_lock(&dataset->mutex);
    hay_future *map = hay_future_retain(dataset->map);
    (void)pthread_mutex_unlock(&dataset->mutex);
    if (map == NULL) {
        return HAY_OK;
    }
    st = hay_future_wait(map, timeout_ns);
    if (st == HAY_OK && hay_future_state(map) != HAY_FINISHED) {
        st = wait_writers(dataset, deadline_ns);
        if (st == HAY_OK) {
            st = hayi_result_status(map, hayi_thread_error());
        }
    }
    if (hay_future_done(map)) {
        (void)pthread_mutex_lock(&dataset->mutex);
        hayi_array_settle(dataset);
        (void)pthread_mutex_unlock(&dataset->mutex);
    }
    hay_future_release(map);
    return st;
}

/* ---- reading ------------------------------------------------------------ */

struct reading {
    hay_dataset *dataset;
    hay_region region;
    const struct hayi_array_box *box; /* writers and parts */
    uint64_t deadline_ns;
    unsigned char *data;
};

/* One that is an object, or a part of several. */
static hay_status
read_object(const struct reading *reading, size_t i, const hay_region *chunk)
{
    struct hayi_error *err = hayi_thread_error();
    const struct hayi_array_box *box = reading->box;
    const hay_dataset *dataset = reading->dataset;
    size_t element_bytes = hayi_dataset_element_bytes(dataset->file);
    uint64_t left_ns = hayi_clock_left(reading->deadline_ns);
    bool whole =
        box->list[2].kind == HAYI_KIND_REFS || box->list[2 + i].count == 0;
    hay_region what;
    size_t part = whole ? SIZE_MAX : (size_t)box->list[2 + i].count - 1;
    hay_array_view view;
    hayi_place pinned;
    hay_status st =
        hayi_result_borrow_array(box->held[i], part, left_ns, &view, &pinned);
    if (st != HAY_OK) {
        return st;
    }
    if (view.dtype != (hay_dtype)dataset->file->dtype
        || view.size_bytes != hayi_region_count(chunk) * element_bytes) {
        st = hayi_fail(
            err, HAY_ETYPE, "a chunk's result has another type or shape");
    } else if (hayi_region_intersect(chunk, &reading->region, &what)) {
        hayi_region_copy(reading->data,
                         &reading->region,
                         view.data,
                         chunk,
                         &what,
                         element_bytes);
    }
    hayi_object_return(box->held[i], pinned);
    return st;
}

static hay_status read_memory(const struct reading *reading)
{
    const struct hayi_grid *grid = &reading->dataset->grid;
    hay_region chunk;
    struct hayi_chunks walk;
    uint64_t index = 0;
    size_t i = 0;
    hay_status st = HAY_OK;
    hayi_chunks_begin(&walk, grid, &reading->region);
    while (st == HAY_OK && hayi_chunks_next(&walk, &index)) {
        assert(i < reading->box->held_count);
        hayi_grid_region(grid, index, &chunk);
        st = read_object(reading, i++, &chunk);
    }
    return st;
}

static hay_status read_file(const struct reading *reading)
{
    struct hayi_files *files = NULL;
    const struct hayi_array_box *box = reading->box;
    hay_status st = HAY_OK;
    for (size_t i = 0; st == HAY_OK && i < box->held_count; i++) {
        st = hay_future_wait(box->held[i],
                             hayi_clock_left(reading->deadline_ns));
        if (st == HAY_OK) {
            st = hayi_result_status(box->held[i], hayi_thread_error());
        }
    }
    if (st == HAY_OK) {
        st = hayi_array_files(reading->dataset, &files, hayi_thread_error());
    }
    return st != HAY_OK ? st
                        : hayi_dataset_read(files,
                                            reading->dataset->file,
                                            &reading->region,
                                            reading->data,
                                            hayi_thread_error());
}

hay_status hay_array_read(hay_dataset *dataset,
                          const hay_region *region,
                          uint64_t timeout_ns,
                          void *data,
                          size_t size_bytes)
{
    struct hayi_error *err = hayi_thread_error();
    struct hayi_array_box box = {0};
    struct reading reading = {
        .dataset = dataset,
        .box = &box,
        .deadline_ns = hayi_clock_deadline(timeout_ns),
        .data = data,
    };
    hay_status st = check_handle(dataset);
    if (st != HAY_OK) {
        return st;
    }
    hayi_region_from(dataset, region, &reading.region);
    st = hayi_array_box_set(&box, dataset, &reading.region, err);
    if (st == HAY_OK) {
        uint64_t bytes = hayi_region_count(&reading.region)
                         * hayi_dataset_element_bytes(dataset->file);
        if (bytes > size_bytes || (bytes > 0 && data == NULL)) {
            st = hayi_fail(err,
                           HAY_EINVAL,
                           "the region has %llu bytes, there is room for %zu",
                           (unsigned long long)bytes,
                           data != NULL ? size_bytes : 0);
        } else if (bytes > 0) {
            st = hayi_array_in_memory(dataset) ? read_memory(&reading)
                                               : read_file(&reading);
        }
    }
    hayi_array_box_fini(&box);
    return st;
}
