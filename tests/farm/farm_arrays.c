/* farm_arrays.c - chunked arrays on a real farm: the same program in one
 * process and under mpirun, in the folder where it is started.  Prints 'ok
 * NAME' or 'not ok NAME: line' for each behaviour. */
#include "config.h"

#include "run_tests.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hay_executor *ex;
static const uint64_t long_ns = 60000000000;

/* ---- tasks -----------------------------------------------------------------
 */

/* Element (r, c) of a plate of any size. */
static double number(uint64_t r, uint64_t c)
{
    return (double)(1000 * r + c);
}

/* Its block of a plate. */
HAY_TASK(numbers)
{
    hay_block block;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(
        hay_return_alloc_array(task, HAY_F64, 2, block.region.count, &data));
    double *out = data;
    for (uint64_t r = 0; r < block.region.count[0]; r++) {
        for (uint64_t c = 0; c < block.region.count[1]; c++) {
            *out++ =
                number(block.region.start[0] + r, block.region.start[1] + c);
        }
    }
    return HAY_OK;
}

/* Numbers, but block (argument 0) fails. */
HAY_TASK(but_one)
{
    hay_block block;
    int64_t bad;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(hay_arg_int64(task, 0, &bad));
    if (block.index == (uint64_t)bad) {
        return hay_task_fail(task, 7, "block %lld is bad", (long long)bad);
    }
    return numbers(task);
}

/* Of the wrong type. */
HAY_TASK(floats)
{
    hay_block block;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &block));
    return hay_return_alloc_array(task, HAY_F32, 2, block.region.count, &data);
}

/* The sum of the 3 x 3 around each element, as far as there are any. */
static double
around(const double *a, const hay_region *box, uint64_t row, uint64_t column)
{
    double sum = 0;
    for (uint64_t r = row > 0 ? row - 1 : 0; r <= row + 1; r++) {
        for (uint64_t c = column > 0 ? column - 1 : 0; c <= column + 1; c++) {
            if (r >= box->start[0] && r < box->start[0] + box->count[0]
                && c >= box->start[1] && c < box->start[1] + box->count[1]) {
                sum += a[(r - box->start[0]) * box->count[1]
                         + (c - box->start[1])];
            }
        }
    }
    return sum;
}

static void sum_around(const double *in,
                       const hay_region *box,
                       const hay_region *region,
                       double *out)
{
    for (uint64_t r = 0; r < region->count[0]; r++) {
        for (uint64_t c = 0; c < region->count[1]; c++) {
            *out++ =
                around(in, box, region->start[0] + r, region->start[1] + c);
        }
    }
}

HAY_TASK(neighbours)
{
    hay_block block;
    hay_array_view in;
    void *out = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(hay_arg_array(task, 0, &in));
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, block.region.count, &out));
    sum_around(in.data, &block.inputs, &block.region, out);
    return HAY_OK;
}

/* Argument 0 + argument 1 * argument 2, element by element. */
HAY_TASK(axpy)
{
    hay_array_view a, b;
    double factor;
    void *data = NULL;
    HAY_TRY(hay_arg_array(task, 0, &a));
    HAY_TRY(hay_arg_array(task, 1, &b));
    HAY_TRY(hay_arg_double(task, 2, &factor));
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, a.shape, &data));
    for (size_t i = 0; i < a.size_bytes / sizeof(double); i++) {
        ((double *)data)[i] =
            ((const double *)a.data)[i] + factor * ((const double *)b.data)[i];
    }
    return HAY_OK;
}

HAY_TASK(sum_of_box)
{
    hay_array_view view;
    double sum = 0;
    HAY_TRY(hay_arg_array(task, 0, &view));
    for (size_t i = 0; i < view.size_bytes / sizeof(double); i++) {
        sum += ((const double *)view.data)[i];
    }
    return hay_return_double(task, sum);
}

HAY_TASK(sum_of_sums)
{
    double sum = 0;
    for (size_t i = 0; i < hay_arg_count(task); i++) {
        double part;
        HAY_TRY(hay_arg_double(task, i, &part));
        sum += part;
    }
    return hay_return_double(task, sum);
}

/* ---- plates ----------------------------------------------------------------
 */

enum { ROWS = 100, COLUMNS = 130, ALL = ROWS * COLUMNS };
static const uint64_t plate[2] = {ROWS, COLUMNS};
static double data[ALL], wanted[ALL];

static hay_dataset *
make(const char *path, uint64_t rows, uint64_t columns, uint32_t deflate)
{
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *made = NULL;
    options.chunk[0] = rows;
    options.chunk[1] = columns;
    options.overwrite = path != NULL;
    options.deflate = deflate;
    options.shuffle = deflate > 0;
    if (hay_array_create(ex, path, "a", HAY_F64, 2, plate, &options, &made)
        != HAY_OK) {
        return NULL;
    }
    return made;
}

static hay_status compute(hay_dataset *to,
                          hay_task_fn function,
                          hay_dataset *from,
                          uint64_t halo,
                          uint64_t block)
{
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    options.inputs = &from;
    options.input_count = from != NULL ? 1 : 0;
    options.halo[0] = options.halo[1] = halo;
    options.block[0] = options.block[1] = block;
    return hay_array_map(ex, function, &options, to, NULL);
}

static bool holds_wanted(hay_dataset *dataset)
{
    memset(data, 0xff, sizeof(data));
    return hay_array_read(dataset, NULL, long_ns, data, sizeof(data)) == HAY_OK
           && memcmp(data, wanted, sizeof(data)) == 0;
}

static void want_numbers(void)
{
    for (size_t i = 0; i < ALL; i++) {
        wanted[i] = number(i / COLUMNS, i % COLUMNS);
    }
}

static void want_neighbours(void)
{
    const hay_region whole = {2, {0, 0}, {ROWS, COLUMNS}};
    static double before[ALL];
    memcpy(before, wanted, sizeof(before));
    sum_around(before, &whole, &whole, wanted);
}

/* ---- tests -----------------------------------------------------------------
 */

/* path: NULL: in memory. */
static void halo_of(const char *path, uint64_t block, uint32_t deflate)
{
    hay_dataset *a = make(path, 32, 48, deflate);
    hay_dataset *b = make(NULL, 32, 48, 0);
    CHECK(a != NULL && b != NULL);
    want_numbers();
    CHECK(compute(a, numbers, NULL, 0, block) == HAY_OK);
    CHECK(compute(b, neighbours, a, 2, 1) == HAY_OK);
    CHECK(holds_wanted(a));
    want_neighbours();
    CHECK(holds_wanted(b));
    CHECK(hay_array_wait(a, long_ns) == HAY_OK);
    CHECK(hay_array_wait(b, long_ns) == HAY_OK);
    hay_array_release(a);
    hay_array_release(b);
}

static void halos_in_memory(void)
{
    halo_of(NULL, 1, 0);
}

static void halos_in_memory_with_blocks_of_chunks(void)
{
    halo_of(NULL, 2, 0);
}

static void halos_in_a_file(void)
{
    halo_of("halo.h5", 1, 0);
}

static void halos_in_a_file_with_blocks_of_chunks(void)
{
    halo_of("halo.h5", 3, 0);
}

static void halos_in_a_compressed_file(void)
{
    halo_of("halo.h5", 2, 4);
}

static void small_chunks_are_in_messages(void)
{
    hay_dataset *a = make(NULL, 5, 7, 0);
    CHECK(a != NULL);
    want_numbers();
    CHECK(compute(a, numbers, NULL, 0, 1) == HAY_OK);
    CHECK(holds_wanted(a));
    CHECK(hay_array_wait(a, long_ns) == HAY_OK);
    want_neighbours(); /* in place */
    CHECK(compute(a, neighbours, a, 1, 1) == HAY_OK);
    CHECK(holds_wanted(a));
    hay_array_release(a);
}

static void two_inputs_of_other_chunks_are_aligned(void)
{
    hay_dataset *in[2] = {make("left.h5", 10, 130, 0), make(NULL, 40, 40, 0)};
    hay_dataset *out = make(NULL, 64, 64, 0);
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    int64_t tasks = 0;
    CHECK(in[0] != NULL && in[1] != NULL && out != NULL);
    CHECK(compute(in[0], numbers, NULL, 0, 1) == HAY_OK);
    CHECK(compute(in[1], numbers, NULL, 0, 1) == HAY_OK);
    options.inputs = in;
    options.input_count = 2;
    options.args = HAY_ARGS(hay_double(0.5));
    options.name = "axpy";
    CHECK(hay_array_map(ex, axpy, &options, out, &map) == HAY_OK);
    CHECK(hay_result_int64(map, long_ns, &tasks) == HAY_OK && tasks == 6);
    want_numbers();
    for (size_t i = 0; i < ALL; i++) {
        wanted[i] *= 1.5;
    }
    CHECK(holds_wanted(out));
    hay_future_release(map);
    hay_array_release(in[0]);
    hay_array_release(in[1]);
    hay_array_release(out);
}

static void a_copy_goes_into_a_file_and_back(void)
{
    hay_dataset *a = make(NULL, 32, 64, 0);
    hay_dataset *file = make("copy.h5", 50, 50, 0);
    hay_dataset *b = NULL;
    hay_dataset *opened = NULL;
    CHECK(a != NULL && file != NULL);
    want_numbers();
    CHECK(compute(a, numbers, NULL, 0, 1) == HAY_OK);
    CHECK(compute(file, NULL, a, 0, 1) == HAY_OK);
    CHECK(hay_array_wait(file, long_ns) == HAY_OK);
    CHECK(hay_array_flush(file) == HAY_OK);
    CHECK(holds_wanted(file));
    CHECK(hay_array_open(ex, "copy.h5", "a", NULL, &opened) == HAY_OK);
    b = make(NULL, 20, 20, 0);
    CHECK(b != NULL && compute(b, NULL, opened, 0, 2) == HAY_OK);
    CHECK(holds_wanted(b));
    hay_array_release(a);
    hay_array_release(b);
    hay_array_release(file);
    hay_array_release(opened);
}

static void what_is_missing_is_computed_and_nothing_else(void)
{
    hay_dataset *a = make("part.h5", 50, 130, 0);
    hay_array_options resume = HAY_ARRAY_OPTIONS_INIT;
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    hay_array_info info = {.size = sizeof(info)};
    hay_future *map = NULL;
    int64_t tasks = 0;
    CHECK(a != NULL);
    options.args = HAY_ARGS(hay_int64(1));
    CHECK(hay_array_map(ex, but_one, &options, a, &map) == HAY_OK);
    CHECK(hay_result_int64(map, long_ns, &tasks) == HAY_EDEPENDENCY);
    CHECK(strstr(hay_error_text(), "block 1 is bad") != NULL);
    CHECK(hay_array_wait(a, long_ns) == HAY_ETASK);
    CHECK(strstr(hay_error_text(), "block 1 is bad") != NULL);
    hay_future_release(map);
    hay_array_release(a);
    resume.resume = true;
    resume.chunk[0] = 50;
    CHECK(hay_array_create(ex, "part.h5", "a", HAY_F64, 2, plate, &resume, &a)
          == HAY_OK);
    CHECK(hay_array_get_info(a, &info) == HAY_OK);
    CHECK(info.chunk_count == 2 && info.chunks_done == 1);
    CHECK(hay_array_map(ex, numbers, NULL, a, &map) == HAY_OK);
    CHECK(hay_result_int64(map, long_ns, &tasks) == HAY_OK && tasks == 1);
    want_numbers();
    CHECK(holds_wanted(a));
    hay_future_release(map);
    hay_array_release(a);
}

static void a_task_must_return_its_block(void)
{
    hay_dataset *a = make("type.h5", 50, 130, 0);
    CHECK(a != NULL);
    CHECK(compute(a, floats, NULL, 0, 1) == HAY_OK);
    CHECK(hay_array_wait(a, long_ns) == HAY_ETASK);
    CHECK(strstr(hay_error_text(), "float32") != NULL);
    hay_array_release(a);
}

static void boxes_are_arguments(void)
{
    const hay_region box = {2, {45, 3}, {20, 100}};
    hay_dataset *both[2] = {make(NULL, 32, 32, 0), make("box.h5", 32, 32, 0)};
    double sum = 0;
    for (uint64_t r = 0; r < 20; r++) {
        for (uint64_t c = 0; c < 100; c++) {
            sum += number(45 + r, 3 + c);
        }
    }
    for (int i = 0; i < 2; i++) {
        double found = 0;
        hay_future *f = NULL;
        CHECK(both[i] != NULL);
        CHECK(compute(both[i], numbers, NULL, 0, 2) == HAY_OK);
        CHECK(hay_submit(ex,
                         sum_of_box,
                         HAY_ARGS(hay_array_region(both[i], &box)),
                         NULL,
                         &f)
              == HAY_OK);
        CHECK(hay_result_double(f, long_ns, &found) == HAY_OK);
        CHECK(found == sum);
        hay_future_release(f);
        hay_array_release(both[i]);
    }
}

static void reductions_go_over_axes(void)
{
    hay_dataset *a = make(NULL, 9, 50, 0);
    hay_future **list = NULL;
    size_t count = 0;
    double sum = 0;
    CHECK(a != NULL && compute(a, numbers, NULL, 0, 1) == HAY_OK);
    CHECK(
        hay_array_reduce(ex, a, sum_of_box, sum_of_sums, 1, NULL, &list, &count)
        == HAY_OK);
    CHECK(count == 3);
    for (size_t k = 0; k < count; k++) {
        double found = 0;
        double want = 0;
        for (uint64_t r = 0; r < ROWS; r++) {
            for (uint64_t c = 50 * k; c < COLUMNS && c < 50 * (k + 1); c++) {
                want += number(r, c);
            }
        }
        CHECK(hay_result_double(list[k], long_ns, &found) == HAY_OK);
        CHECK(found == want);
        sum += want;
        hay_future_release(list[k]);
    }
    free(list);
    CHECK(
        hay_array_reduce(ex, a, sum_of_box, sum_of_sums, 0, NULL, &list, &count)
        == HAY_OK);
    double found = 0;
    CHECK(count == 1);
    CHECK(hay_result_double(list[0], long_ns, &found) == HAY_OK);
    CHECK(found == sum);
    hay_future_release(list[0]);
    free(list);
    hay_array_release(a);
}

static void a_compressed_file_can_be_read_when_flushed(void)
{
    (void)unlink("packed.h5");
    hay_dataset *a = make("packed.h5", 25, 130, 6);
    hay_dataset *opened = NULL;
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    CHECK(a != NULL);
    CHECK(access("packed.h5", F_OK) != 0);
    options.args = HAY_ARGS(hay_int64(2));
    CHECK(hay_array_map(ex, but_one, &options, a, NULL) == HAY_OK);
    CHECK(hay_array_wait(a, long_ns) == HAY_ETASK);
    CHECK(hay_array_flush(a) == HAY_OK);
    want_numbers();
    memset(wanted + 50 * COLUMNS, 0, 25 * COLUMNS * sizeof(double));
    CHECK(hay_array_open(ex, "packed.h5", "a", NULL, &opened) == HAY_OK);
    CHECK(holds_wanted(opened));
    hay_array_release(opened);
    CHECK(hay_array_map(ex, numbers, NULL, a, NULL) == HAY_OK);
    CHECK(hay_array_wait(a, long_ns) == HAY_OK);
    want_numbers();
    CHECK(holds_wanted(a));
    CHECK(hay_array_open(ex, "packed.h5", "a", NULL, &opened) == HAY_OK);
    CHECK(holds_wanted(opened));
    hay_array_release(opened);
    hay_array_release(a);
}

/* Many tasks: the tree of the end, and what is done before. */
static void many_chunks_have_a_task_each(void)
{
    static const uint64_t shape[1] = {3000};
    static unsigned char bytes[3000];
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_array_map_options copy = HAY_ARRAY_MAP_OPTIONS_INIT;
    hay_dataset *a = NULL;
    hay_dataset *b = NULL;
    hay_future *map = NULL;
    int64_t tasks = 0;
    options.chunk[0] = 1000;
    options.overwrite = true;
    CHECK(hay_array_create(ex, "few.h5", "a", HAY_U8, 1, shape, &options, &a)
          == HAY_OK);
    options.chunk[0] = 1;
    CHECK(hay_array_create(ex, "many.h5", "a", HAY_U8, 1, shape, &options, &b)
          == HAY_OK);
    hay_array_release(a);
    CHECK(hay_array_open(ex, "few.h5", "a", NULL, &a) == HAY_OK);
    copy.inputs = &a;
    copy.input_count = 1;
    CHECK(hay_array_map(ex, NULL, &copy, b, &map) == HAY_OK);
    CHECK(hay_result_int64(map, long_ns, &tasks) == HAY_OK && tasks == 3000);
    CHECK(hay_array_read(b, NULL, long_ns, bytes, sizeof(bytes)) == HAY_OK);
    hay_future_release(map);
    hay_array_release(a);
    hay_array_release(b);
}

static const struct farm_test tests[] = {
    TEST(halos_in_memory),
    TEST(halos_in_memory_with_blocks_of_chunks),
    TEST(halos_in_a_file),
    TEST(halos_in_a_file_with_blocks_of_chunks),
    TEST(halos_in_a_compressed_file),
    TEST(small_chunks_are_in_messages),
    TEST(two_inputs_of_other_chunks_are_aligned),
    TEST(a_copy_goes_into_a_file_and_back),
    TEST(what_is_missing_is_computed_and_nothing_else),
    TEST(a_task_must_return_its_block),
    TEST(boxes_are_arguments),
    TEST(reductions_go_over_axes),
    TEST(a_compressed_file_can_be_read_when_flushed),
    TEST(many_chunks_have_a_task_each),
    {NULL, NULL},
};

static int failed;

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    ex = executor;
    failed = run_tests(tests, argc, argv);
    return HAY_OK;
}

int main(int argc, char **argv)
{
    int status = hay_main(argc, argv, farm);
    return status != 0 ? status : failed;
}
