/* test_h5crash.c - two processes write one array and are killed in the middle,
 * a hundred times: the file opens, no chunk that is marked done is wrong, and
 * what is missing can be written afterwards.
 *
 * The writers tell by a pipe when they begin a chunk; after a number of them
 * that the dice choose both are killed, wherever they are.
 */
#include "config.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include "support/unit.h"
#include "unit/data/h5_files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    ROUNDS = 100,
    WRITERS = 2,
    COLUMNS = 500,
    ROWS = 700,
    CHUNK_ROWS = 64,
    CHUNK_COLUMNS = 300,
};

static const char *path;
static struct hayi_files *files;

static void setup(void)
{
    path = h5_path("crash.h5");
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
}

static void teardown(void)
{
    char command[400];
    hayi_files_free(files);
    hayi_h5_close_all();
    (void)snprintf(command, sizeof(command), "rm -rf %s*", path);
    (void)!system(command);
}

/* Two versions of a chunk, which differ in every element. */
static void fill(const hay_region *region, uint64_t version, uint64_t *out)
{
    uint64_t many = 0;
    for (uint64_t r = 0; r < region->count[0]; r++) {
        for (uint64_t c = 0; c < region->count[1]; c++) {
            uint64_t row = region->start[0] + r;
            uint64_t column = region->start[1] + c;
            out[many++] = version << 32 | (row * COLUMNS + column);
        }
    }
}

static hay_status write_version(struct hayi_files *own,
                                const struct hayi_dataset *dataset,
                                uint64_t index,
                                uint64_t version)
{
    static uint64_t numbers[CHUNK_ROWS * CHUNK_COLUMNS];
    struct hayi_grid grid;
    hay_region region;
    hayi_dataset_grid(dataset, &grid);
    hayi_grid_region(&grid, index, &region);
    fill(&region, version, numbers);
    return hayi_dataset_write_chunk(own,
                                    dataset,
                                    index,
                                    numbers,
                                    (size_t)hayi_region_count(&region) * 8,
                                    NULL);
}

/* Writes its chunks again and again until it is killed. */
static void writer(const struct hayi_dataset *dataset, uint64_t first, int tell)
{
    struct hayi_files *own = NULL;
    struct hayi_grid grid;
    if (hayi_files_new(&own, NULL) != HAY_OK) {
        _exit(1);
    }
    hayi_dataset_grid(dataset, &grid);
    for (uint64_t version = 1;; version = 3 - version) {
        for (uint64_t i = first; i < grid.total; i += WRITERS) {
            if (write(tell, "", 1) != 1
                || write_version(own, dataset, i, version) != HAY_OK) {
                _exit(1);
            }
        }
    }
}

static void kill_in_the_middle(const struct hayi_dataset *dataset)
{
    int tell[2];
    pid_t children[WRITERS];
    char byte;
    CU_ASSERT_EQUAL_FATAL(pipe(tell), 0);
    (void)fflush(stdout);
    for (uint64_t i = 0; i < WRITERS; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            writer(dataset, i, tell[1]);
        }
        CU_ASSERT_TRUE_FATAL(children[i] > 0);
    }
    for (uint64_t many = 1 + h5_dice(60); many > 0; many--) {
        CU_ASSERT_EQUAL_FATAL(read(tell[0], &byte, 1), 1);
    }
    for (volatile uint64_t spin = h5_dice(200000); spin > 0;) {
        spin = spin - 1;
    }
    for (int i = 0; i < WRITERS; i++) {
        int status = 0;
        (void)kill(children[i], SIGKILL);
        CU_ASSERT_EQUAL(waitpid(children[i], &status, 0), children[i]);
        CU_ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
    (void)close(tell[0]);
    (void)close(tell[1]);
}

/* Each chunk that is done is one version or the other, as a whole; counts. */
static uint64_t check(const struct hayi_dataset *dataset, hid_t array)
{
    static uint64_t expected[2][CHUNK_ROWS * CHUNK_COLUMNS];
    static uint64_t numbers[CHUNK_ROWS * CHUNK_COLUMNS];
    struct hayi_grid grid;
    uint8_t done[20];
    uint64_t count = 0;
    uint64_t verified = 0;
    hayi_dataset_grid(dataset, &grid);
    CU_ASSERT_EQUAL(
        hayi_dataset_done(files, dataset, true, done, &verified, NULL), HAY_OK);
    CU_ASSERT_EQUAL(
        hayi_dataset_done(files, dataset, false, done, &count, NULL), HAY_OK);
    CU_ASSERT_EQUAL(verified, count);
    for (uint64_t i = 0; i < grid.total; i++) {
        hay_region region;
        if ((done[i / 8] >> i % 8 & 1) == 0) {
            continue;
        }
        hayi_grid_region(&grid, i, &region);
        size_t size = (size_t)hayi_region_count(&region) * 8;
        fill(&region, 1, expected[0]);
        fill(&region, 2, expected[1]);
        CU_ASSERT_EQUAL(
            hayi_dataset_read(files, dataset, &region, numbers, NULL), HAY_OK);
        CU_ASSERT_TRUE(memcmp(numbers, expected[0], size) == 0
                       || memcmp(numbers, expected[1], size) == 0);
        /* And by HDF5 itself. */
        hsize_t start[2] = {region.start[0], region.start[1]};
        hsize_t many[2] = {region.count[0], region.count[1]};
        hid_t memory = H5Screate_simple(2, many, NULL);
        hid_t space = H5Dget_space(array);
        (void)H5Sselect_hyperslab(
            space, H5S_SELECT_SET, start, NULL, many, NULL);
        memset(numbers, 0, size);
        CU_ASSERT_TRUE(
            H5Dread(array, H5T_NATIVE_UINT64, memory, space, 0, numbers) >= 0);
        CU_ASSERT_TRUE(memcmp(numbers, expected[0], size) == 0
                       || memcmp(numbers, expected[1], size) == 0);
        (void)H5Sclose(memory);
        (void)H5Sclose(space);
    }
    return count;
}

static void rounds(struct hayi_filters filters)
{
    uint64_t done = 0;
    uint64_t opened = 0;
    h5_seed(9);
    for (int round = 0; round < ROUNDS; round++) {
        struct hayi_h5_plan plan = {
            .path = path,
            .name = "a",
            .dtype = HAY_U64,
            .ndim = 2,
            .shape = {ROWS, COLUMNS},
            .chunk = {CHUNK_ROWS, CHUNK_COLUMNS},
            .filters = filters,
            .sync = HAYI_SYNC_NONE,
            .if_there = HAYI_H5_REPLACE,
        };
        struct hayi_dataset *dataset = NULL;
        CU_ASSERT_EQUAL_FATAL(hayi_h5_create(&plan, &dataset, NULL), HAY_OK);
        kill_in_the_middle(dataset);
        hayi_dataset_free(dataset);
        plan.if_there = HAYI_H5_RESUME;
        CU_ASSERT_EQUAL_FATAL(hayi_h5_create(&plan, &dataset, NULL), HAY_OK);
        if (dataset->kind == HAYI_PACKED) {
            CU_ASSERT_EQUAL(hayi_h5_pack(dataset, false, NULL), HAY_OK);
        }
        hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
        CU_ASSERT_TRUE_FATAL(file > 0);
        opened++;
        hid_t array = H5Dopen2(file, "a", H5P_DEFAULT);
        done += check(dataset, array);
        (void)H5Dclose(array);
        (void)H5Fclose(file);
        if (round % 20 == 0) {
            /* What is missing is written, and all is well. */
            uint8_t bits[20];
            uint64_t count = 0;
            struct hayi_grid grid;
            hayi_dataset_grid(dataset, &grid);
            (void)hayi_dataset_done(files, dataset, true, bits, &count, NULL);
            for (uint64_t i = 0; i < grid.total; i++) {
                if ((bits[i / 8] >> i % 8 & 1) == 0) {
                    CU_ASSERT_EQUAL(write_version(files, dataset, i, 1),
                                    HAY_OK);
                }
            }
            CU_ASSERT_EQUAL(hayi_dataset_complete(files, dataset, NULL),
                            HAY_OK);
        }
        hayi_dataset_free(dataset);
    }
    printf("# %d of %d files opened, %d chunks marked done\n",
           (int)opened,
           ROUNDS,
           (int)done);
    CU_ASSERT_TRUE(done > 0);
}

static void killed_writers_leave_right_chunks(void)
{
    rounds((struct hayi_filters){0, 0});
}

static void killed_packers_leave_right_chunks(void)
{
    rounds((struct hayi_filters){1, 1});
}

static CU_TestInfo tests[] = {
    {"killed_writers_leave_right_chunks", killed_writers_leave_right_chunks},
    {"killed_packers_leave_right_chunks", killed_packers_leave_right_chunks},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/h5crash", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
