/* bench_data_farm.c - rows of a whole farm, through the public calls: objects
 * made on one rank and read on another, an array in a file, a working set that
 * does not fit.
 *
 * Handing over: a task on one worker copies 8 MiB into its result, a task on
 * the other copies them into memory of its own; a few such pairs are under way
 * at a time.  Raw: two threads that do the same over a ring of warm buffers;
 * and one memcpy alone, which is what the goal speaks of.
 */
#include "config.h"

#include "bench_data.h"
#include "bench_support.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WINDOW = 4, /* pairs under way */
    OBJECTS_LEAST = 8,
    CHUNKS_LEAST = 8,
    ELEMENT = 8,
    PAGE = 4096,
};

static void check(hay_status status, const char *what)
{
    if (status != HAY_OK) {
        data_die(what, hay_error_text());
    }
}

/* ---- tasks --------------------------------------------------------------- */

/* Of a slot's thread, warm after its first use. */
static unsigned char *warm(void)
{
    static _Thread_local unsigned char *memory;
    if (memory == NULL) {
        memory = data_memory(DATA_PIECE);
    }
    return memory;
}

HAY_TASK(data_produce)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, DATA_PIECE, &data));
    memcpy(data, warm(), DATA_PIECE);
    return HAY_OK;
}

/* Returns the worker that it ran on. */
HAY_TASK(data_consume)
{
    const void *data = NULL;
    size_t size = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    unsigned char *to = warm();
    memcpy(to, data, size);
    __asm__ volatile("" : : "r"(to) : "memory");
    return hay_return_int64(task, hay_task_worker(task));
}

/* As the peers have it: one value in every byte, and a look at each page. */
HAY_TASK(data_make)
{
    int64_t number = 0;
    void *data = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &number));
    HAY_TRY(hay_return_alloc(task, DATA_PIECE, &data));
    memset(data, (int)(number & 255), DATA_PIECE);
    return HAY_OK;
}

HAY_TASK(data_use)
{
    const void *data = NULL;
    size_t size = 0;
    int64_t sum = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    for (size_t i = 0; i < size; i += PAGE) {
        sum += ((const unsigned char *)data)[i];
    }
    return hay_return_int64(task, sum);
}

HAY_TASK(data_chunk)
{
    hay_block block;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(
        hay_return_alloc_array(task, HAY_F64, 1, block.region.count, &data));
    memcpy(data, warm(), block.region.count[0] * ELEMENT);
    return HAY_OK;
}

/* ---- handing over -------------------------------------------------------- */

struct farm_bed {
    hay_executor *ex;
    size_t objects;
    size_t chunks;
    uint64_t limit; /* of the node's memory */
};

static double gigabytes(size_t pieces, double began)
{
    return (double)pieces * DATA_PIECE / (bench_now_s() - began) * 1e-9;
}

static hay_future *
submit_to(hay_executor *ex, hay_task_fn function, hay_arg arg, uint32_t worker)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    options.worker = worker;
    check(hay_submit(ex, function, (hay_args){&arg, 1}, &options, &future),
          "submit");
    return future;
}

static int64_t take(hay_future *future)
{
    int64_t value = 0;
    check(hay_result_int64(future, HAY_FOREVER, &value), "result");
    hay_future_release(future);
    return value;
}

static double hand_over(void *context)
{
    const struct farm_bed *bed = context;
    hay_future *ring[WINDOW] = {NULL};
    double began = bench_now_s();
    for (size_t i = 0; i < bed->objects; i++) {
        hay_future *made = submit_to(bed->ex, data_produce, hay_int64(0), 1);
        if (ring[i % WINDOW] != NULL) {
            (void)take(ring[i % WINDOW]);
        }
        ring[i % WINDOW] = submit_to(bed->ex, data_consume, hay_ref(made), 2);
        hay_future_release(made);
    }
    for (size_t i = 0; i < WINDOW; i++) {
        if (ring[i] != NULL) {
            (void)take(ring[i]);
        }
    }
    return gigabytes(bed->objects, began);
}

/* Two threads and a ring. */
struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    unsigned char *buffers; /* WINDOW pieces */
    size_t made, used, count;
};

static void wait_until(struct ring *ring, const size_t *value, size_t least)
{
    (void)pthread_mutex_lock(&ring->mutex);
    while (*value < least) {
        (void)pthread_cond_wait(&ring->changed, &ring->mutex);
    }
    (void)pthread_mutex_unlock(&ring->mutex);
}

static void count_one(struct ring *ring, size_t *value)
{
    (void)pthread_mutex_lock(&ring->mutex);
    (*value)++;
    (void)pthread_cond_signal(&ring->changed);
    (void)pthread_mutex_unlock(&ring->mutex);
}

static void *produce_raw(void *context)
{
    struct ring *ring = context;
    unsigned char *from = warm();
    for (size_t i = 0; i < ring->count; i++) {
        wait_until(ring, &ring->used, i < WINDOW ? 0 : i - WINDOW + 1);
        memcpy(ring->buffers + i % WINDOW * DATA_PIECE, from, DATA_PIECE);
        count_one(ring, &ring->made);
    }
    free(from);
    return NULL;
}

static double two_threads(void *context)
{
    static unsigned char *buffers;
    const struct farm_bed *bed = context;
    unsigned char *to = warm();
    pthread_t thread;
    if (buffers == NULL) {
        buffers = data_memory((size_t)WINDOW * DATA_PIECE);
    }
    struct ring ring = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                        .changed = PTHREAD_COND_INITIALIZER,
                        .buffers = buffers,
                        .count = bed->objects};
    double began = bench_now_s();
    if (pthread_create(&thread, NULL, produce_raw, &ring) != 0) {
        data_die("threads", "cannot be started");
    }
    for (size_t i = 0; i < ring.count; i++) {
        wait_until(&ring, &ring.made, i + 1);
        memcpy(to, buffers + i % WINDOW * DATA_PIECE, DATA_PIECE);
        __asm__ volatile("" : : "r"(to) : "memory");
        count_one(&ring, &ring.used);
    }
    double rate = gigabytes(ring.count, began);
    (void)pthread_join(thread, NULL);
    return rate;
}

static double one_memcpy(void *context)
{
    static unsigned char *from;
    const struct farm_bed *bed = context;
    unsigned char *to = warm();
    if (from == NULL) {
        from = data_memory(DATA_PIECE);
    }
    double began = bench_now_s();
    for (size_t i = 0; i < bed->objects; i++) {
        memcpy(to, from, DATA_PIECE);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    return gigabytes(bed->objects, began);
}

/* ---- what Dask and mpi4py.futures are asked for, too ----------------------
 */

static double make_and_use(const struct farm_bed *bed)
{
    hay_future **made = calloc(bed->objects, sizeof(hay_future *));
    hay_future **used = calloc(bed->objects, sizeof(hay_future *));
    if (made == NULL || used == NULL) {
        data_die("memory", "too little");
    }
    double began = bench_now_s();
    for (size_t i = 0; i < bed->objects; i++) {
        made[i] = submit_to(bed->ex, data_make, hay_int64((int64_t)i), 1);
    }
    for (size_t i = 0; i < bed->objects; i++) {
        used[i] = submit_to(bed->ex, data_use, hay_ref(made[i]), 2);
        hay_future_release(made[i]);
    }
    for (size_t i = 0; i < bed->objects; i++) {
        if (take(used[i]) != (int64_t)(i & 255) * (DATA_PIECE / PAGE)) {
            data_die("make_use", "a wrong sum");
        }
    }
    double rate = gigabytes(bed->objects, began);
    free(made);
    free(used);
    return rate;
}

static void make_use_row(const struct farm_bed *bed)
{
    double list[DATA_ROUNDS_MAX];
    if (!data_wanted("make_use.8M")) {
        return;
    }
    (void)make_and_use(bed);
    for (int i = 0; i < data_options.rounds; i++) {
        list[i] = make_and_use(bed);
    }
    data_value("make_use.8M",
               bench_median(list, (size_t)data_options.rounds),
               "GB/s",
               "as the peers' row");
}

/* ---- an array in a file ---------------------------------------------------
 */

static double write_array(void *context)
{
    const struct farm_bed *bed = context;
    const uint64_t shape[1] = {bed->chunks * (uint64_t)DATA_PIECE / ELEMENT};
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *dataset = NULL;
    hay_future *map = NULL;
    char path[4096];
    data_path(path, sizeof path, data_options.folder, "farm.h5");
    options.chunk[0] = DATA_PIECE / ELEMENT;
    options.overwrite = true;
    check(hay_array_create(
              bed->ex, path, "a", HAY_F64, 1, shape, &options, &dataset),
          path);
    double began = bench_now_s();
    check(hay_array_map(bed->ex, data_chunk, NULL, dataset, &map), "map");
    check(hay_future_wait(map, HAY_FOREVER), "map");
    double rate = gigabytes(bed->chunks, began);
    int64_t tasks = 0;
    check(hay_result_int64(map, 0, &tasks), "map");
    hay_future_release(map);
    hay_array_release(dataset);
    (void)unlink(path);
    return rate;
}

struct raw_file {
    int fd;
    size_t first, count;
};

static void *write_half(void *context)
{
    const struct raw_file *raw = context;
    unsigned char *from = warm();
    for (size_t i = raw->first; i < raw->count; i += 2) {
        if (pwrite(raw->fd, from, DATA_PIECE, (off_t)(i * DATA_PIECE))
            != DATA_PIECE) {
            data_die("pwrite", strerror(errno));
        }
    }
    return NULL;
}

/* With the sync at the end that an array's file has, too. */
static double write_raw(void *context)
{
    const struct farm_bed *bed = context;
    char path[4096];
    pthread_t thread;
    data_path(path, sizeof path, data_options.folder, "farm.raw");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || unlink(path) != 0
        || posix_fallocate(fd, 0, (off_t)(bed->chunks * DATA_PIECE)) != 0) {
        data_die(path, "cannot be made");
    }
    struct raw_file halves[2] = {{fd, 0, bed->chunks}, {fd, 1, bed->chunks}};
    double began = bench_now_s();
    if (pthread_create(&thread, NULL, write_half, &halves[1]) != 0) {
        data_die("threads", "cannot be started");
    }
    (void)write_half(&halves[0]);
    (void)pthread_join(thread, NULL);
    (void)fdatasync(fd);
    double rate = gigabytes(bed->chunks, began);
    (void)close(fd);
    return rate;
}

/* ---- a working set of four times the memory -------------------------------
 */

static double working_set(void *context)
{
    const struct farm_bed *bed = context;
    size_t count = (size_t)(4 * bed->limit / DATA_PIECE);
    hay_future **made = calloc(count, sizeof(hay_future *));
    hay_future **used = calloc(count, sizeof(hay_future *));
    if (made == NULL || used == NULL) {
        data_die("memory", "too little");
    }
    double began = bench_now_s();
    for (size_t i = 0; i < count; i++) {
        made[i] = submit_to(bed->ex, data_make, hay_int64((int64_t)i), 0);
    }
    check(hay_wait(made, count, HAY_ALL, HAY_FOREVER, NULL, NULL), "wait");
    for (size_t i = 0; i < count; i++) {
        used[i] = submit_to(bed->ex, data_use, hay_ref(made[i]), 0);
    }
    for (size_t i = 0; i < count; i++) {
        if (take(used[i]) != (int64_t)(i & 255) * (DATA_PIECE / PAGE)) {
            data_die("workingset", "a wrong sum");
        }
        hay_future_release(made[i]);
    }
    double rate = gigabytes(count, began);
    free(made);
    free(used);
    return rate;
}

/* What does not fit goes to the disk once and comes back once. */
static double raw_set(void *context)
{
    const struct farm_bed *bed = context;
    size_t count = (size_t)(3 * bed->limit / DATA_PIECE);
    double write = data_direct_write(data_options.folder, count);
    double read = data_direct_read(data_options.folder, count);
    if (write <= 0 || read <= 0) {
        return 0;
    }
    double bytes = (double)count * DATA_PIECE * 1e-9;
    return (double)(4 * bed->limit) * 1e-9 / (bytes / write + bytes / read);
}

hay_status data_farm_rows(hay_executor *ex, uint64_t limit)
{
    struct farm_bed bed = {
        .ex = ex,
        .objects = data_pieces(100.0 * DATA_PIECE, OBJECTS_LEAST),
        .chunks = data_pieces((double)(UINT64_C(2) << 30), CHUNKS_LEAST),
        .limit = limit,
    };
    if (limit > 0) {
        data_row("workingset.4x", "GB/s", working_set, raw_set, &bed, 0.5);
        return HAY_OK;
    }
    data_row("handover.8M", "GB/s", hand_over, two_threads, &bed, 0);
    data_row("handover.8M.memcpy", "GB/s", hand_over, one_memcpy, &bed, 0.9);
    make_use_row(&bed);
    data_row("array.write.2workers", "GB/s", write_array, write_raw, &bed, 0.9);
    return HAY_OK;
}
