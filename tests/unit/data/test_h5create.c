/* test_h5create.c - new arrays: written by address, read by HDF5 itself. */
#include "config.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include "base/clock.h"

#include "support/unit.h"
#include "unit/data/h5_files.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct hayi_files *files;
static const char *path;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
    path = h5_path("create.h5");
}

static void teardown(void)
{
    char command[400];
    hayi_files_free(files);
    hayi_h5_close_all();
    (void)snprintf(command, sizeof(command), "rm -rf %s*", path);
    (void)!system(command);
}

static struct hayi_h5_plan square(void)
{
    return (struct hayi_h5_plan){
        .path = path,
        .name = "a",
        .dtype = HAY_F64,
        .ndim = 2,
        .shape = {50, 70},
        .chunk = {8, 32},
    };
}

static struct hayi_dataset *created(const struct hayi_h5_plan *plan)
{
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    CU_ASSERT_EQUAL(hayi_h5_create(plan, &dataset, &err), HAY_OK);
    CU_ASSERT_STRING_EQUAL_FATAL(err.text, "");
    CU_ASSERT_TRUE(hayi_dataset_writable(dataset));
    return dataset;
}

/* One chunk of an array that holds 'numbers'; whole: with rubbish around. */
static hay_status write_chunk(const struct hayi_dataset *dataset,
                              uint64_t index,
                              const void *numbers,
                              bool whole)
{
    struct hayi_grid grid;
    hay_region all;
    hay_region box;
    hay_region inside;
    size_t element = hayi_dataset_element_bytes(dataset);
    hayi_dataset_grid(dataset, &grid);
    hayi_region_whole(dataset->ndim, dataset->shape, &all);
    hayi_grid_box(&grid, index, &box);
    hayi_grid_region(&grid, index, &inside);
    hay_region *held = whole ? &box : &inside;
    size_t size = (size_t)hayi_region_count(held) * element;
    char *data = malloc(size);
    memset(data, 0x77, size);
    hayi_region_copy(data, held, numbers, &all, &inside, element);
    struct hayi_error err = {.text = ""};
    hay_status status =
        hayi_dataset_write_chunk(files, dataset, index, data, size, &err);
    CU_ASSERT_STRING_EQUAL(err.text, "");
    free(data);
    return status;
}

static uint64_t done_count(const struct hayi_dataset *dataset, bool verify)
{
    static uint8_t done[20000];
    uint64_t count = 9999;
    CU_ASSERT_EQUAL(
        hayi_dataset_done(files, dataset, verify, done, &count, NULL), HAY_OK);
    return count;
}

/* What HDF5 reads are the numbers. */
static void hdf5_reads(const void *numbers, hay_dtype dtype, size_t size)
{
    void *out = malloc(size);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "a", H5P_DEFAULT);
    memset(out, 0x55, size);
    CU_ASSERT_TRUE(H5Dread(dataset, h5_native(dtype), H5S_ALL, H5S_ALL, 0, out)
                   >= 0);
    CU_ASSERT_EQUAL(memcmp(out, numbers, size), 0);
    (void)H5Dclose(dataset);
    (void)H5Fclose(file);
    free(out);
}

/* Created, written in the order of dice, complete; read by us and by HDF5. */
static void holds(const struct hayi_h5_plan *plan)
{
    struct hayi_dataset *dataset = created(plan);
    struct hayi_grid grid;
    hay_region all;
    hayi_dataset_grid(dataset, &grid);
    hayi_region_whole(dataset->ndim, dataset->shape, &all);
    uint64_t count = hayi_region_count(&all);
    size_t size = (size_t)count * hayi_dataset_element_bytes(dataset);
    void *numbers = h5_numbers(plan->dtype, count, 1);
    void *out = malloc(size);
    uint64_t first = h5_dice(grid.total);
    for (uint64_t i = 0; i < grid.total; i++) {
        CU_ASSERT_EQUAL(done_count(dataset, i % 7 == 0), i);
        CU_ASSERT_EQUAL(
            write_chunk(
                dataset, (first + i) % grid.total, numbers, h5_dice(2) == 0),
            HAY_OK);
        if (i == 0 && grid.total > 1) {
            CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL),
                            HAY_EINVAL);
        }
    }
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &all, out, NULL), HAY_OK);
    CU_ASSERT_EQUAL(memcmp(out, numbers, size), 0);
    CU_ASSERT_EQUAL(hayi_dataset_sync(files, dataset, NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done_count(dataset, true), grid.total);
    memset(out, 0, size);
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &all, out, NULL), HAY_OK);
    CU_ASSERT_EQUAL(memcmp(out, numbers, size), 0);
    hdf5_reads(numbers, plan->dtype, size);
    free(out);
    free(numbers);
    hayi_dataset_free(dataset);
}

static void chunks_written_by_address_are_read_by_hdf5(void)
{
    h5_seed(1);
    struct hayi_h5_plan plan = square();
    holds(&plan);
    plan.if_there = HAYI_H5_REPLACE;
    plan.sync = HAYI_SYNC_CHUNK;
    plan.dtype = HAY_I16;
    plan.ndim = 3;
    plan.shape[2] = 13;
    plan.chunk[2] = 5;
    holds(&plan);
    plan.sync = HAYI_SYNC_NONE;
    plan.ndim = 1;
    plan.shape[0] = 5000;
    plan.chunk[0] = 1;
    holds(&plan);
}

static void packed_chunks_are_read_by_hdf5(void)
{
    h5_seed(2);
    struct hayi_h5_plan plan = square();
    plan.filters.deflate = 4;
    holds(&plan);
    plan.if_there = HAYI_H5_REPLACE;
    plan.filters.shuffle = 1;
    plan.ndim = 3;
    plan.shape[2] = 13;
    plan.chunk[2] = 5;
    plan.sync = HAYI_SYNC_CHUNK;
    holds(&plan);
    plan.filters.deflate = 0;
    plan.dtype = HAY_U8;
    holds(&plan);
    char parts[400];
    (void)snprintf(parts, sizeof(parts), "%s.parts", path);
    CU_ASSERT_NOT_EQUAL(access(parts, F_OK), 0);
}

/* HDF5 1.10.8 loses what is written into a dataset of one chunk that is larger
 * than its chunk cache, allocated late and never filled: it says nothing and
 * reads zeros.  Arrays of one chunk, written by HDF5 itself into our file. */
static void one_large_chunk_is_not_lost(void)
{
    struct hayi_h5_plan plan = square();
    plan.ndim = 1;
    plan.shape[0] = 1 << 19;
    plan.chunk[0] = 1 << 19;
    struct hayi_dataset *dataset = created(&plan);
    CU_ASSERT_EQUAL(hayi_dataset_chunk_bytes(dataset), 4 << 20);
    double *numbers = h5_numbers(HAY_F64, plan.shape[0], 1);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t array = H5Dopen2(file, "a", H5P_DEFAULT);
    CU_ASSERT_TRUE(
        H5Dwrite(array, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, 0, numbers) >= 0);
    (void)H5Dclose(array);
    (void)H5Fclose(file);
    hdf5_reads(numbers, HAY_F64, 4 << 20);
    hay_region all = {1, {0}, {1 << 19}};
    const void *data = NULL;
    struct hayi_mapping mapping;
    CU_ASSERT_EQUAL_FATAL(
        hayi_dataset_map(files, dataset, &all, &data, &mapping, NULL), HAY_OK);
    CU_ASSERT_EQUAL(memcmp(data, numbers, 4 << 20), 0);
    hayi_mapping_fini(&mapping);
    free(numbers);
    hayi_dataset_free(dataset);
}

static void chunks_lie_on_pages(void)
{
    struct hayi_h5_plan plan = square();
    plan.shape[0] = 3000;
    plan.shape[1] = 3000;
    plan.chunk[0] = 0;
    plan.chunk[1] = 0;
    struct hayi_dataset *dataset = created(&plan);
    CU_ASSERT_EQUAL(dataset->chunk[0], 1024);
    CU_ASSERT_EQUAL(dataset->chunk[1], 1024);
    CU_ASSERT_EQUAL(dataset->data_base % 4096, 0);
    CU_ASSERT_EQUAL(dataset->address_count, 0);
    struct stat st;
    CU_ASSERT_EQUAL(stat(path, &st), 0);
    /* Allocated, not only promised. */
    CU_ASSERT_TRUE(st.st_blocks * 512 >= 9 * (8 << 20));
    hayi_dataset_free(dataset);
    plan.if_there = HAYI_H5_REPLACE;
    plan.chunk[0] = 100; /* the other one is of our choice */
    dataset = created(&plan);
    CU_ASSERT_EQUAL(dataset->chunk[0], 100);
    CU_ASSERT_EQUAL(dataset->chunk[1], 3000);
    hayi_dataset_free(dataset);
}

static void many_chunks_are_made_quickly(void)
{
    struct hayi_h5_plan plan = square();
    plan.ndim = 1;
    plan.shape[0] = 100000;
    plan.chunk[0] = 1;
    plan.sync = HAYI_SYNC_NONE;
    uint64_t start = hayi_clock_ns();
    struct hayi_dataset *dataset = created(&plan);
    printf("# 100000 chunks made in %.1f ms\n",
           (double)(hayi_clock_ns() - start) / 1e6);
    CU_ASSERT_EQUAL(dataset->address_count, 0);
    CU_ASSERT_EQUAL(done_count(dataset, false), 0);
    double number = 3.5;
    CU_ASSERT_EQUAL(
        hayi_dataset_write_chunk(files, dataset, 99999, &number, 8, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(done_count(dataset, true), 1);
    CU_ASSERT_EQUAL(
        hayi_dataset_write_chunk(files, dataset, 100000, &number, 8, NULL),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_dataset_write_chunk(files, dataset, 0, &number, 7, NULL),
        HAY_EINVAL);
    hayi_dataset_free(dataset);
}

/* The file with all chunks of 'numbers', in this order. */
static void *whole_file(struct hayi_h5_plan plan, bool backwards, size_t *size)
{
    plan.if_there = HAYI_H5_REPLACE;
    struct hayi_dataset *dataset = created(&plan);
    struct hayi_grid grid;
    hayi_dataset_grid(dataset, &grid);
    double *numbers = h5_numbers(HAY_F64, 50 * 70 + 1, 1);
    for (uint64_t i = 0; i < grid.total; i++) {
        uint64_t index = backwards ? grid.total - 1 - i : i;
        if (backwards) {
            (void)write_chunk(dataset, index, numbers + 1, false);
        }
        (void)write_chunk(dataset, index, numbers, backwards);
    }
    CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
    free(numbers);
    hayi_dataset_free(dataset);
    return h5_slurp(path, size);
}

static void equal_results_are_equal_files(void)
{
    double limits[2] = {-1.5, 2.5};
    struct hayi_h5_attribute attributes[] = {
        {.name = "units", .text = "kelvin \xc2\xb0"},
        {.name = "limits", .dtype = HAY_F64, .count = 2, .data = limits},
    };
    struct hayi_h5_plan plan = square();
    plan.name = "/group/in/a";
    plan.attributes = attributes;
    plan.attribute_count = 2;
    for (int packed = 0; packed < 2; packed++) {
        size_t first_size = 0;
        size_t second_size = 1;
        plan.filters.shuffle = packed == 1;
        plan.filters.deflate = packed == 1;
        void *first = whole_file(plan, false, &first_size);
        /* Times that a file might keep are in seconds. */
        uint64_t start = hayi_clock_ns();
        while (hayi_clock_ns() - start < 1100000000) {
            (void)usleep(100000);
        }
        void *second = whole_file(plan, true, &second_size);
        CU_ASSERT_EQUAL_FATAL(first_size, second_size);
        CU_ASSERT_EQUAL(memcmp(first, second, first_size), 0);
        free(first);
        free(second);
    }
    char text[20] = "";
    double read_back[2] = {0};
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "/group/in/a", H5P_DEFAULT);
    hid_t units = H5Aopen(dataset, "units", H5P_DEFAULT);
    hid_t ends = H5Aopen(dataset, "limits", H5P_DEFAULT);
    hid_t type = H5Aget_type(units);
    (void)H5Aread(units, type, text);
    (void)H5Aread(ends, H5T_NATIVE_DOUBLE, read_back);
    CU_ASSERT_STRING_EQUAL(text, "kelvin \xc2\xb0");
    CU_ASSERT_EQUAL(memcmp(read_back, limits, sizeof(limits)), 0);
    (void)H5Tclose(type);
    (void)H5Aclose(units);
    (void)H5Aclose(ends);
    (void)H5Dclose(dataset);
    (void)H5Fclose(file);
}

static void files_that_are_there_stay(void)
{
    struct hayi_h5_plan plan = square();
    struct hayi_dataset *second = NULL;
    struct hayi_error err = {.text = ""};
    for (int packed = 0; packed < 2; packed++) {
        plan.filters.deflate = packed == 1;
        plan.if_there = HAYI_H5_REPLACE;
        struct hayi_dataset *first = created(&plan);
        plan.if_there = HAYI_H5_FAIL;
        CU_ASSERT_EQUAL(hayi_h5_create(&plan, &second, &err), HAY_EINVAL);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "is there already"));
        hayi_dataset_free(first);
        (void)unlink(path);
    }
}

static void interrupted_arrays_go_on(void)
{
    double *numbers = h5_numbers(HAY_F64, 50 * 70, 1);
    for (int packed = 0; packed < 2; packed++) {
        struct hayi_h5_plan plan = square();
        plan.filters.deflate = packed == 1;
        plan.if_there = HAYI_H5_RESUME;
        (void)unlink(path);
        struct hayi_dataset *dataset = created(&plan); /* none there: new */
        struct hayi_grid grid;
        hayi_dataset_grid(dataset, &grid);
        for (uint64_t i = 0; i < grid.total; i += 2) {
            (void)write_chunk(dataset, i, numbers, false);
        }
        hayi_dataset_free(dataset);
        /* Another process. */
        hayi_files_free(files);
        CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
        dataset = created(&plan);
        CU_ASSERT_EQUAL(done_count(dataset, true), (grid.total + 1) / 2);
        for (uint64_t i = 1; i < grid.total; i += 2) {
            (void)write_chunk(dataset, i, numbers, false);
        }
        CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
        hayi_dataset_free(dataset);
        hdf5_reads(numbers, HAY_F64, 50 * 70 * 8);
        /* And when all is done. */
        dataset = created(&plan);
        CU_ASSERT_EQUAL(done_count(dataset, true), grid.total);
        CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
        hayi_dataset_free(dataset);
        /* Another array cannot go on. */
        struct hayi_error err = {.text = ""};
        plan.shape[0]++;
        CU_ASSERT_EQUAL(hayi_h5_create(&plan, &dataset, &err), HAY_EMISMATCH);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "another type or shape"));
        plan.shape[0]--;
        plan.chunk[0]++;
        CU_ASSERT_EQUAL(hayi_h5_create(&plan, &dataset, &err), HAY_EMISMATCH);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "other chunks or filters"));
    }
    struct h5_make foreign = {
        .path = path,
        .name = "a",
        .dtype = HAY_F64,
        .type = H5T_NATIVE_DOUBLE,
        .ndim = 2,
        .shape = {50, 70},
        .plist = H5P_DEFAULT,
        .creation = H5P_DEFAULT,
        .access = H5P_DEFAULT,
    };
    h5_make(&foreign);
    struct hayi_h5_plan plan = square();
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    plan.if_there = HAYI_H5_RESUME;
    CU_ASSERT_EQUAL(hayi_h5_create(&plan, &dataset, &err), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not made by Hayfork"));
    free(numbers);
}

static bool says_complete(const struct hayi_dataset *dataset)
{
    uint64_t word = 7;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CU_ASSERT_EQUAL(
        pread(fd,
              &word,
              sizeof(word),
              (off_t)(dataset->meta_base + HAYI_META_COMPLETE * sizeof(word))),
        (ssize_t)sizeof(word));
    (void)close(fd);
    CU_ASSERT_TRUE(word <= 1);
    return word == 1;
}

static void files_are_incomplete_while_chunks_change(void)
{
    struct hayi_h5_plan plan = square();
    struct hayi_dataset *dataset = created(&plan);
    struct hayi_grid grid;
    double *numbers = h5_numbers(HAY_F64, 50 * 70 + 1, 1);
    hayi_dataset_grid(dataset, &grid);
    for (uint64_t i = 0; i < grid.total; i++) {
        (void)write_chunk(dataset, i, numbers, false);
        CU_ASSERT_FALSE(says_complete(dataset));
    }
    CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
    CU_ASSERT_TRUE(says_complete(dataset));
    /* The same bytes once more. */
    (void)write_chunk(dataset, 3, numbers, false);
    CU_ASSERT_TRUE(says_complete(dataset));
    (void)write_chunk(dataset, 3, numbers + 1, false);
    CU_ASSERT_FALSE(says_complete(dataset));
    CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
    CU_ASSERT_TRUE(says_complete(dataset));
    free(numbers);
    hayi_dataset_free(dataset);
}

static void damaged_chunks_are_not_done(void)
{
    double *numbers = h5_numbers(HAY_F64, 50 * 70, 1);
    struct hayi_h5_plan plan = square();
    struct hayi_dataset *dataset = created(&plan);
    for (uint64_t i = 0; i < 5; i++) {
        (void)write_chunk(dataset, i, numbers, false);
    }
    char byte = 1;
    uint64_t at = hayi_dataset_chunk_at(dataset, 2) + 100;
    CU_ASSERT_EQUAL(hayi_files_write(files, path, at, &byte, 1, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done_count(dataset, false), 5);
    CU_ASSERT_EQUAL(done_count(dataset, true), 4);
    hayi_dataset_free(dataset);
    free(numbers);
}

static void torn_segments_count_up_to_the_tear(void)
{
    double *numbers = h5_numbers(HAY_F64, 50 * 70, 1);
    struct hayi_h5_plan plan = square();
    plan.filters.deflate = 1;
    struct hayi_dataset *dataset = created(&plan);
    for (uint64_t i = 0; i < 5; i++) {
        (void)write_chunk(dataset, i, numbers, false);
    }
    char command[1200];
    (void)snprintf(command,
                   sizeof(command),
                   "test $(ls %s.parts/*.seg | wc -l) = 1"
                   " && truncate -s -1 %s.parts/*.seg",
                   path,
                   path);
    CU_ASSERT_EQUAL(system(command), 0);
    hayi_files_free(files);
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done_count(dataset, false), 4);
    (void)write_chunk(dataset, 7, numbers, false);
    CU_ASSERT_EQUAL(done_count(dataset, true), 5);
    hay_region region = {2, {0, 0}, {16, 70}};
    void *out = malloc(16 * 70 * 8);
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &region, out, NULL),
                    HAY_EEMPTY);
    /* Readable before all is done, and again. */
    CU_ASSERT_EQUAL(hayi_h5_pack(dataset, false, NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_h5_pack(dataset, true, NULL), HAY_EINVAL);
    (void)write_chunk(dataset, 4, numbers, false);
    (void)write_chunk(dataset, 5, numbers, false);
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &region, out, NULL),
                    HAY_OK);
    CU_ASSERT_EQUAL(memcmp(out, numbers, 16 * 70 * 8), 0);
    free(out);
    for (uint64_t i = 6; i < 21; i++) {
        (void)write_chunk(dataset, i, numbers, false);
    }
    CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
    hdf5_reads(numbers, HAY_F64, 50 * 70 * 8);
    hayi_dataset_free(dataset);
    free(numbers);
}

/* ---- threads ------------------------------------------------------------ */

enum { THREADS = 4 };

struct share {
    const struct hayi_dataset *dataset;
    const double *numbers;
    uint64_t first;
};

static void *write_share(void *context)
{
    const struct share *share = context;
    struct hayi_grid grid;
    hayi_dataset_grid(share->dataset, &grid);
    for (uint64_t i = share->first; i < grid.total; i += THREADS) {
        (void)write_chunk(share->dataset, i, share->numbers, false);
        hay_region region;
        hayi_grid_region(&grid, i, &region);
        void *out = malloc((size_t)hayi_region_count(&region) * 8);
        if (hayi_dataset_read(files, share->dataset, &region, out, NULL)
            != HAY_OK) {
            abort();
        }
        free(out);
    }
    return NULL;
}

static void threads_write_at_the_same_time(void)
{
    enum { SIDE = 512 };
    double *numbers = h5_numbers(HAY_F64, SIDE * SIDE, 1);
    for (int packed = 0; packed < 2; packed++) {
        struct hayi_h5_plan plan = square();
        plan.if_there = HAYI_H5_REPLACE;
        plan.filters.deflate = packed == 1;
        plan.shape[0] = SIDE;
        plan.shape[1] = SIDE;
        struct hayi_dataset *dataset = created(&plan);
        pthread_t threads[THREADS];
        struct share shares[THREADS];
        for (uint64_t i = 0; i < THREADS; i++) {
            shares[i] = (struct share){dataset, numbers, i};
            (void)pthread_create(&threads[i], NULL, write_share, &shares[i]);
        }
        for (int i = 0; i < THREADS; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL), HAY_OK);
        hdf5_reads(numbers, HAY_F64, SIDE * SIDE * 8);
        hayi_dataset_free(dataset);
    }
    free(numbers);
}

/* ---- results ------------------------------------------------------------ */

static void results_are_written_at_their_addresses(void)
{
    struct hayi_error err = {.text = ""};
    char part[400];
    char text[6] = "";
    double out[6] = {0};
    int64_t number = 0;
    double *numbers = h5_numbers(HAY_F64, 6, 1);
    int64_t value = -77;
    struct hayi_h5_item items[] = {
        {.name = "/r/array", .dtype = HAY_F64, .ndim = 2, .shape = {2, 3}},
        {.name = "r/text", .dtype = HAY_U8, .text = true, .ndim = 1, {5}},
        {.name = "number", .dtype = HAY_I64},
        {.name = "empty", .dtype = HAY_F32, .ndim = 1, .shape = {0}},
        {.name = "no text", .dtype = HAY_U8, .text = true, .ndim = 1, {0}},
    };
    CU_ASSERT_EQUAL(hayi_h5_layout(path, items, 5, &err), HAY_OK);
    CU_ASSERT_STRING_EQUAL_FATAL(err.text, "");
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_EQUAL(items[3].address, 0);
    CU_ASSERT_EQUAL(items[4].address, 0);
    (void)snprintf(part, sizeof(part), "%s.part", path);
    (void)hayi_files_write(files, part, items[0].address, numbers, 48, NULL);
    (void)hayi_files_write(files, part, items[1].address, "hello", 5, NULL);
    (void)hayi_files_write(files, part, items[2].address, &value, 8, NULL);
    CU_ASSERT_EQUAL(hayi_h5_finish(path, HAYI_SYNC_END, &err), HAY_OK);
    CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t array = H5Dopen2(file, "/r/array", H5P_DEFAULT);
    hid_t words = H5Dopen2(file, "/r/text", H5P_DEFAULT);
    hid_t scalar = H5Dopen2(file, "number", H5P_DEFAULT);
    hid_t type = H5Dget_type(words);
    (void)H5Dread(array, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, 0, out);
    (void)H5Dread(words, type, H5S_ALL, H5S_ALL, 0, text);
    (void)H5Dread(scalar, H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, 0, &number);
    CU_ASSERT_EQUAL(memcmp(out, numbers, 48), 0);
    CU_ASSERT_STRING_EQUAL(text, "hello");
    CU_ASSERT_EQUAL(number, -77);
    CU_ASSERT_TRUE(H5Lexists(file, "empty", H5P_DEFAULT) > 0);
    (void)H5Tclose(type);
    (void)H5Dclose(array);
    (void)H5Dclose(words);
    (void)H5Dclose(scalar);
    (void)H5Fclose(file);
    free(numbers);
    items[1].name = "/r/array";
    CU_ASSERT_EQUAL(hayi_h5_layout(path, items, 2, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "two results"));
    CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
    items[1].name = "b";
    CU_ASSERT_EQUAL(hayi_h5_layout(path, items, 2, &err), HAY_OK);
    CU_ASSERT_EQUAL(access(part, F_OK), 0);
    hayi_h5_abandon(path);
    CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
}

/* ---- blobs from outside ------------------------------------------------- */

static void damaged_descriptions_are_refused(void)
{
    struct hayi_h5_plan plan = square();
    struct hayi_dataset *dataset = created(&plan);
    size_t size = dataset->size_bytes;
    CU_ASSERT_EQUAL(hayi_dataset_check(dataset, size, NULL), HAY_OK);
    for (size_t cut = 0; cut < size; cut++) {
        CU_ASSERT_EQUAL(hayi_dataset_check(dataset, cut, NULL), HAY_EINVAL);
    }
    struct hayi_dataset *copy = malloc(size);
    h5_seed(5);
    unsigned refused = 0;
    for (int round = 0; round < 20000; round++) {
        memcpy(copy, dataset, size);
        for (uint64_t i = 1 + h5_dice(3); i > 0; i--) {
            ((unsigned char *)copy)[h5_dice(size)] =
                (unsigned char)h5_dice(256);
        }
        if (hayi_dataset_check(copy, size, NULL) != HAY_OK) {
            refused++;
            continue;
        }
        /* What is taken must be safe to use. */
        struct hayi_grid grid;
        hayi_dataset_grid(copy, &grid);
        CU_ASSERT_TRUE(strlen(hayi_dataset_path(copy)) < size);
        CU_ASSERT_TRUE(strlen(hayi_dataset_name(copy)) < size);
        CU_ASSERT_TRUE(hayi_dataset_chunk_bytes(copy) > 0);
        if (copy->kind == HAYI_CHUNKED && grid.total > 0) {
            (void)hayi_dataset_chunk_at(copy, grid.total - 1);
        }
    }
    CU_ASSERT_TRUE(refused > 5000);
    free(copy);
    hayi_dataset_free(dataset);
}

static void arrays_in_memory_have_no_file(void)
{
    struct hayi_dataset *dataset = NULL;
    uint64_t shape[2] = {100, 200};
    uint64_t chunk[2] = {30, 0};
    uint64_t count = 1;
    uint8_t done[4];
    CU_ASSERT_EQUAL(
        hayi_dataset_new_memory(HAY_F32, 2, shape, chunk, &dataset, NULL),
        HAY_EINVAL);
    chunk[1] = 70;
    CU_ASSERT_EQUAL_FATAL(
        hayi_dataset_new_memory(HAY_F32, 2, shape, chunk, &dataset, NULL),
        HAY_OK);
    CU_ASSERT_STRING_EQUAL(hayi_dataset_path(dataset), "");
    CU_ASSERT_EQUAL(hayi_dataset_chunk_bytes(dataset), 30 * 70 * 4);
    CU_ASSERT_FALSE(hayi_dataset_writable(dataset));
    CU_ASSERT_EQUAL(
        hayi_dataset_done(files, dataset, false, done, &count, NULL), HAY_OK);
    CU_ASSERT_EQUAL(count, 0);
    hayi_dataset_free(dataset);
}

static CU_TestInfo tests[] = {
    {"chunks_written_by_address_are_read_by_hdf5",
     chunks_written_by_address_are_read_by_hdf5},
    {"packed_chunks_are_read_by_hdf5", packed_chunks_are_read_by_hdf5},
    {"one_large_chunk_is_not_lost", one_large_chunk_is_not_lost},
    {"chunks_lie_on_pages", chunks_lie_on_pages},
    {"many_chunks_are_made_quickly", many_chunks_are_made_quickly},
    {"equal_results_are_equal_files", equal_results_are_equal_files},
    {"files_that_are_there_stay", files_that_are_there_stay},
    {"interrupted_arrays_go_on", interrupted_arrays_go_on},
    {"files_are_incomplete_while_chunks_change",
     files_are_incomplete_while_chunks_change},
    {"damaged_chunks_are_not_done", damaged_chunks_are_not_done},
    {"torn_segments_count_up_to_the_tear", torn_segments_count_up_to_the_tear},
    {"threads_write_at_the_same_time", threads_write_at_the_same_time},
    {"results_are_written_at_their_addresses",
     results_are_written_at_their_addresses},
    {"damaged_descriptions_are_refused", damaged_descriptions_are_refused},
    {"arrays_in_memory_have_no_file", arrays_in_memory_have_no_file},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/h5create", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
