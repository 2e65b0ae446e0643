/* bench_data_files.c - arrays in files: chunks written and read, packed and
 * unpacked.
 *
 * Two writers are two threads, as two slots of a worker would be.  Nothing is
 * synced: the raw side writes the same bytes with pwrite into a file that was
 * allocated first, and is in the page cache as well.
 */
#include "config.h"

#include "bench_data.h"
#include "bench_support.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WRITERS = 2,
    CHUNKS_LEAST = 4,
    PACKED_CHUNKS = 8,
    MANY_CHUNKS = 100000,
    MANY_BYTES = 4096,
    ELEMENT = 8,
};

struct file_bed {
    const char *folder;
    size_t chunks;
    unsigned writers;
    unsigned char *memory; /* WRITERS pieces */
    struct hayi_files *files;
    /* during a measurement */
    struct hayi_dataset *dataset;
    int fd;
};

static struct hayi_error failure;

/* What thread 'number' of bed->writers does. */
typedef void (*part_fn)(struct file_bed *bed, unsigned number);

struct part {
    struct file_bed *bed;
    part_fn function;
    unsigned number;
};

static void *run_part(void *argument)
{
    struct part *part = argument;
    part->function(part->bed, part->number);
    return NULL;
}

/* Seconds that the threads take. */
static double run_parts(struct file_bed *bed, part_fn function)
{
    pthread_t threads[WRITERS];
    struct part parts[WRITERS];
    double began = bench_now_s();
    for (unsigned i = 0; i < bed->writers; i++) {
        parts[i] = (struct part){bed, function, i};
        if (pthread_create(&threads[i], NULL, run_part, &parts[i]) != 0) {
            data_die("threads", "cannot be started");
        }
    }
    for (unsigned i = 0; i < bed->writers; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    return bench_now_s() - began;
}

static double rate(const struct file_bed *bed, double seconds)
{
    return (double)bed->chunks * DATA_PIECE / seconds * 1e-9;
}

/* ---- arrays -------------------------------------------------------------- */

static struct hayi_dataset *create(const char *path,
                                   uint64_t chunks,
                                   uint64_t chunk_bytes,
                                   const struct hayi_filters *filters)
{
    struct hayi_dataset *dataset = NULL;
    struct hayi_h5_plan plan = {
        .path = path,
        .name = "a",
        .dtype = HAY_F64,
        .ndim = 1,
        .shape = {chunks * (chunk_bytes / ELEMENT)},
        .chunk = {chunk_bytes / ELEMENT},
        .sync = HAYI_SYNC_NONE,
        .if_there = HAYI_H5_REPLACE,
    };
    if (filters != NULL) {
        plan.filters = *filters;
    }
    if (hayi_h5_create(&plan, &dataset, &failure) != HAY_OK) {
        data_die(path, failure.text);
    }
    return dataset;
}

static void write_chunks(struct file_bed *bed, unsigned number)
{
    struct hayi_error err;
    const unsigned char *from = bed->memory + (size_t)number * DATA_PIECE;
    for (size_t i = number; i < bed->chunks; i += bed->writers) {
        if (hayi_dataset_write_chunk(
                bed->files, bed->dataset, i, from, DATA_PIECE, &err)
            != HAY_OK) {
            data_die("write", err.text);
        }
    }
}

static double write_array(void *context)
{
    struct file_bed *bed = context;
    char path[4096];
    data_path(path, sizeof path, bed->folder, "h5");
    bed->dataset = create(path, bed->chunks, DATA_PIECE, NULL);
    double seconds = run_parts(bed, write_chunks);
    hayi_dataset_free(bed->dataset);
    (void)unlink(path);
    return rate(bed, seconds);
}

static void write_raw(struct file_bed *bed, unsigned number)
{
    const unsigned char *from = bed->memory + (size_t)number * DATA_PIECE;
    for (size_t i = number; i < bed->chunks; i += bed->writers) {
        if (pwrite(bed->fd, from, DATA_PIECE, (off_t)(i * DATA_PIECE))
            != DATA_PIECE) {
            data_die("pwrite", strerror(errno));
        }
    }
}

static void open_raw(struct file_bed *bed)
{
    char path[4096];
    data_path(path, sizeof path, bed->folder, "raw");
    bed->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (bed->fd < 0 || unlink(path) != 0
        || posix_fallocate(bed->fd, 0, (off_t)(bed->chunks * DATA_PIECE))
               != 0) {
        data_die(path, strerror(errno));
    }
}

static double write_file(void *context)
{
    struct file_bed *bed = context;
    open_raw(bed);
    double seconds = run_parts(bed, write_raw);
    (void)close(bed->fd);
    return rate(bed, seconds);
}

/* ---- reading ------------------------------------------------------------- */

static void read_chunks(struct file_bed *bed, unsigned number)
{
    struct hayi_error err;
    struct hayi_grid grid;
    hay_region region;
    unsigned char *to = bed->memory + (size_t)number * DATA_PIECE;
    hayi_dataset_grid(bed->dataset, &grid);
    for (size_t i = number; i < bed->chunks; i += bed->writers) {
        hayi_grid_region(&grid, i, &region);
        if (hayi_dataset_read(bed->files, bed->dataset, &region, to, &err)
            != HAY_OK) {
            data_die("read", err.text);
        }
    }
}

static double read_array(void *context)
{
    struct file_bed *bed = context;
    return rate(bed, run_parts(bed, read_chunks));
}

static void pread_chunks(struct file_bed *bed, unsigned number)
{
    unsigned char *to = bed->memory + (size_t)number * DATA_PIECE;
    for (size_t i = number; i < bed->chunks; i += bed->writers) {
        off_t at = (off_t)hayi_dataset_chunk_at(bed->dataset, i);
        if (pread(bed->fd, to, DATA_PIECE, at) != DATA_PIECE) {
            data_die("pread", strerror(errno));
        }
    }
}

static double pread_array(void *context)
{
    struct file_bed *bed = context;
    return rate(bed, run_parts(bed, pread_chunks));
}

/* A finished file, opened as any input is. */
static void make_input(struct file_bed *bed,
                       char *path,
                       size_t size,
                       const struct hayi_filters *filters)
{
    data_path(path, size, bed->folder, "in.h5");
    bed->dataset = create(path, bed->chunks, DATA_PIECE, filters);
    for (unsigned i = 0; i < bed->writers; i++) {
        write_chunks(bed, i);
    }
    if (hayi_dataset_complete(bed->files, bed->dataset, &failure) != HAY_OK) {
        data_die(path, failure.text);
    }
    hayi_dataset_free(bed->dataset);
    if (hayi_h5_open(path, "a", &bed->dataset, &failure) != HAY_OK) {
        data_die(path, failure.text);
    }
}

static void end_input(struct file_bed *bed, const char *path)
{
    hayi_dataset_free(bed->dataset);
    hayi_h5_close_all();
    (void)unlink(path);
}

static void input_row(struct file_bed *bed)
{
    char path[4096];
    if (!data_wanted("input.chunk")) {
        return;
    }
    bed->writers = 1;
    make_input(bed, path, sizeof path, NULL);
    bed->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (bed->fd < 0) {
        data_die(path, strerror(errno));
    }
    data_row("input.chunk", "GB/s", read_array, pread_array, bed, 0.95);
    (void)close(bed->fd);
    end_input(bed, path);
}

static double read_by_one(void *context)
{
    struct file_bed *bed = context;
    bed->writers = 1;
    return rate(bed, run_parts(bed, read_chunks));
}

static double read_by_two(void *context)
{
    struct file_bed *bed = context;
    bed->writers = 2;
    return rate(bed, run_parts(bed, read_chunks));
}

static void gzip_row(struct file_bed *bed)
{
    const struct hayi_filters filters = {.shuffle = 1, .deflate = 1};
    char path[4096];
    if (!data_wanted("input.gzip.2threads")) {
        return;
    }
    size_t chunks = bed->chunks;
    bed->chunks = PACKED_CHUNKS;
    bed->writers = 2;
    make_input(bed, path, sizeof path, &filters);
    data_row("input.gzip.2threads", "GB/s", read_by_two, read_by_one, bed, 1.6);
    end_input(bed, path);
    bed->chunks = chunks;
}

/* ---- packed chunks ------------------------------------------------------- */

struct pack_bed {
    struct file_bed *files;
    void *packed;
    size_t packed_bytes;
};

static const struct hayi_filters gzip = {.deflate = 1};

/* To another file as it is: what a move of a compressed chunk costs. */
static double move_as_is(void *context)
{
    struct pack_bed *bed = context;
    unsigned char *to = bed->files->memory;
    double began = bench_now_s();
    for (size_t i = 0; i < PACKED_CHUNKS; i++) {
        memcpy(to, bed->packed, bed->packed_bytes);
        if (pwrite(bed->files->fd, to, bed->packed_bytes, 0)
            != (ssize_t)bed->packed_bytes) {
            data_die("pwrite", strerror(errno));
        }
    }
    return PACKED_CHUNKS * (double)DATA_PIECE / (bench_now_s() - began) * 1e-9;
}

static double pack_again(void *context)
{
    struct pack_bed *bed = context;
    struct hayi_error err;
    void *packed = NULL;
    size_t bytes = 0;
    double began = bench_now_s();
    if (hayi_filters_unpack(&gzip,
                            ELEMENT,
                            0,
                            bed->packed,
                            bed->packed_bytes,
                            bed->files->memory,
                            DATA_PIECE,
                            &err)
            != HAY_OK
        || hayi_filters_pack(&gzip,
                             ELEMENT,
                             bed->files->memory,
                             DATA_PIECE,
                             &packed,
                             &bytes,
                             &err)
               != HAY_OK
        || pwrite(bed->files->fd, packed, bytes, 0) != (ssize_t)bytes) {
        data_die("pack", err.text);
    }
    free(packed);
    return DATA_PIECE / (bench_now_s() - began) * 1e-9;
}

static void packed_row(struct file_bed *files)
{
    struct pack_bed bed = {.files = files};
    unsigned char *chunk = data_memory(DATA_PIECE);
    open_raw(files);
    if (hayi_filters_pack(&gzip,
                          ELEMENT,
                          chunk,
                          DATA_PIECE,
                          &bed.packed,
                          &bed.packed_bytes,
                          &failure)
        != HAY_OK) {
        data_die("pack", failure.text);
    }
    data_row("packed.as_is", "GB/s", move_as_is, pack_again, &bed, 20);
    free(bed.packed);
    free(chunk);
    (void)close(files->fd);
}

/* ---- making -------------------------------------------------------------- */

static void create_row(const struct file_bed *bed)
{
    double list[DATA_ROUNDS_MAX];
    char path[4096];
    if (!data_wanted("create.100k")) {
        return;
    }
    data_path(path, sizeof path, bed->folder, "many.h5");
    for (int i = 0; i < data_options.rounds; i++) {
        double began = bench_now_s();
        struct hayi_dataset *dataset =
            create(path, MANY_CHUNKS, MANY_BYTES, NULL);
        list[i] = (bench_now_s() - began) * 1e3;
        hayi_dataset_free(dataset);
        (void)unlink(path);
    }
    data_value("create.100k",
               bench_median(list, (size_t)data_options.rounds),
               "ms",
               "goal 50 ms");
}

void data_file_rows(void)
{
    struct file_bed bed = {
        .folder = data_options.folder,
        .chunks = data_pieces(1e9, CHUNKS_LEAST),
        .writers = WRITERS,
        .memory = data_memory((size_t)WRITERS * DATA_PIECE),
    };
    if (hayi_files_new(&bed.files, &failure) != HAY_OK) {
        data_die("files", failure.text);
    }
    data_row(
        "chunks.disk.2writers", "GB/s", write_array, write_file, &bed, 0.9);
    bed.folder = "/dev/shm";
    data_row("chunks.shm.2writers", "GB/s", write_array, write_file, &bed, 0.9);
    bed.folder = data_options.folder;
    input_row(&bed);
    gzip_row(&bed);
    packed_row(&bed);
    create_row(&bed);
    hayi_files_free(bed.files);
    free(bed.memory);
}
