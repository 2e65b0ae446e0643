/* test_array.c - chunked arrays: boxes as arguments, maps, reductions, reads;
 * against a manager that runs nothing. */
#include "config.h"

#include "client/array_tasks.h"
#include "data/region.h"
#include "fake_manager.h"
#include "support/unit.h"
#include "wire/args.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

HAY_TASK(work)
{
    return HAY_OK;
}

HAY_TASK(join)
{
    return HAY_OK;
}

static struct fake fake;
static const uint64_t square[2] = {4, 4};
static char path[200];

static void setup(void)
{
    fake_open(&fake, NULL, false);
    fake_open_store(&fake, 1 << 20);
    (void)snprintf(path, sizeof(path), "test_array.%d.h5", (int)getpid());
}

static void teardown(void)
{
    fake_close(&fake);
    (void)unlink(path);
}

/* 4 x 4 doubles in chunks of 2 x 2. */
static hay_dataset *in_memory(void)
{
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *made = NULL;
    options.chunk[0] = options.chunk[1] = 2;
    CU_ASSERT_EQUAL_FATAL(
        hay_array_create(
            fake.ex, NULL, NULL, HAY_F64, 2, square, &options, &made),
        HAY_OK);
    return made;
}

static hay_status create_file(bool resume, hay_dtype dtype, hay_dataset **made)
{
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    options.chunk[0] = options.chunk[1] = 2;
    options.resume = resume;
    return hay_array_create(
        fake.ex, path, "a", dtype, 2, square, &options, made);
}

static hay_dataset *in_file(void)
{
    hay_dataset *made = NULL;
    CU_ASSERT_EQUAL_FATAL(create_file(false, HAY_F64, &made), HAY_OK);
    return made;
}

/* A chunk of 2 x 2, all of it 'value'; or as many of them as parts[count]. */
static void finish_chunks(hay_future *future, const double *parts, size_t count)
{
    static const uint64_t shape[2] = {2, 2};
    struct hayi_value_head head = {.type = HAY_LIST, .count = (uint32_t)count};
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    if (count > 1) {
        CU_ASSERT(hayi_buffer_append(&value, &head, sizeof(head)) == HAY_OK);
    }
    for (size_t i = 0; i < count; i++) {
        const double data[4] = {parts[i], parts[i], parts[i], parts[i]};
        CU_ASSERT(hayi_value_append_array(&value, HAY_F64, 2, shape, data, NULL)
                  == HAY_OK);
    }
    if (count > 1) {
        head.size = value.size - sizeof(head);
        memcpy(value.data, &head, sizeof(head));
    }
    fake_finish_with(&fake, future, &value);
    hayi_buffer_fini(&value);
}

static void finish_chunk(hay_future *future, double value)
{
    finish_chunks(future, &value, 1);
}

static hay_status map(hay_dataset *input, hay_dataset *output, hay_future **f)
{
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    options.inputs = &input;
    options.input_count = input != NULL ? 1 : 0;
    options.name = "step";
    return hay_array_map(fake.ex, work, &options, output, f);
}

/* Compute a 4 x 4 array in memory: its chunks are 1, 2, 3, 4. */
static void fill(hay_dataset *dataset)
{
    hay_future *done = NULL;
    CU_ASSERT_EQUAL_FATAL(map(NULL, dataset, &done), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 5);
    for (int i = 1; i <= 4; i++) {
        finish_chunk(fake.held[0], i);
    }
    fake_finish(&fake, fake.held[0]);
    CU_ASSERT_TRUE(hay_future_done(done));
    hay_future_release(done);
}

static const struct hayi_spec *held(size_t index)
{
    CU_ASSERT_FATAL(index < fake.held_count);
    return fake.held[index]->spec;
}

/* Element 'i' of group 'argument' of a task. */
static struct hayi_value element(size_t task, size_t argument, size_t i)
{
    const unsigned char *at = hayi_spec_args(held(task));
    const unsigned char *end = at + held(task)->args_size;
    struct hayi_value_head head = {0};
    struct hayi_value value = {.type = HAY_NONE};
    size_t used = 0;
    at += HAYI_ARGS_HEAD;
    for (size_t k = 0; k <= argument; k++) {
        CU_ASSERT_FATAL(
            hayi_value_head_read(at, (size_t)(end - at), &head, &used));
        at += k < argument ? used : sizeof(head);
    }
    for (size_t k = 0; k <= i; k++) {
        CU_ASSERT_FATAL(
            hayi_value_head_read(at, (size_t)(end - at), &head, &used));
        at += k < i ? used : 0;
    }
    value.type = (hay_type)head.type;
    value.data = at + sizeof(head);
    value.size = (size_t)head.size;
    return value;
}

static struct hayi_region_head region_head(size_t task, size_t argument)
{
    struct hayi_region_head head;
    struct hayi_value value = element(task, argument, 0);
    CU_ASSERT_EQUAL_FATAL(value.size, sizeof(head));
    memcpy(&head, value.data, sizeof(head));
    return head;
}

static struct hayi_output_head output_head(size_t task, size_t argument)
{
    struct hayi_output_head head;
    struct hayi_value value = element(task, argument, 0);
    CU_ASSERT_EQUAL_FATAL(value.size, sizeof(head));
    memcpy(&head, value.data, sizeof(head));
    return head;
}

static hay_array_info info_of(hay_dataset *dataset)
{
    hay_array_info info = {.size = sizeof(info)};
    CU_ASSERT_EQUAL(hay_array_get_info(dataset, &info), HAY_OK);
    return info;
}

/* ---- handles ------------------------------------------------------------ */

static void an_array_knows_what_it_is(void)
{
    hay_dataset *a = in_memory();
    hay_array_info info = info_of(a);
    CU_ASSERT(info.dtype == HAY_F64 && info.ndim == 2);
    CU_ASSERT(info.shape[0] == 4 && info.chunk[1] == 2);
    CU_ASSERT(info.chunk_count == 4 && info.chunks_done == 0);
    fill(a);
    CU_ASSERT_EQUAL(info_of(a).chunks_done, 4);
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_OK);
    CU_ASSERT_EQUAL(hay_array_flush(a), HAY_OK);
    CU_ASSERT_PTR_EQUAL(hay_array_retain(a), a);
    hay_array_release(a);
    hay_array_release(a);
    hay_array_release(NULL);
}

static void wrong_arrays_are_refused(void)
{
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *a = NULL;
    hay_executor *ex = fake.ex;
    CU_ASSERT_EQUAL(
        hay_array_create(ex, NULL, NULL, (hay_dtype)77, 2, square, NULL, &a),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hay_array_create(ex, NULL, NULL, HAY_F64, 9, square, NULL, &a),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hay_array_create(ex, path, NULL, HAY_F64, 2, square, NULL, &a),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hay_array_create(NULL, NULL, NULL, HAY_F64, 2, square, NULL, &a),
        HAY_EINVAL);
    options.deflate = 1;
    CU_ASSERT_EQUAL(
        hay_array_create(ex, NULL, NULL, HAY_F64, 2, square, &options, &a),
        HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "in memory"));
    options.resume = options.overwrite = true;
    CU_ASSERT_EQUAL(
        hay_array_create(ex, path, "a", HAY_F64, 2, square, &options, &a),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_array_open(ex, NULL, "a", NULL, &a), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_array_open(ex, "no/such.h5", "a", NULL, &a), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "no/such.h5"));
    CU_ASSERT_PTR_NULL(a);
}

/* ---- boxes -------------------------------------------------------------- */

static void a_chunk_that_nobody_computes_is_refused(void)
{
    const hay_region corner = {2, {2, 2}, {2, 2}};
    const hay_region outside = {2, {3, 3}, {2, 2}};
    hay_dataset *a = in_memory();
    double data[16];
    CU_ASSERT_EQUAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(a, &corner)), NULL, NULL),
        HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(hay_error_text(), "argument 0: chunk 3 of the array in memory"));
    CU_ASSERT_EQUAL(hay_array_read(a, NULL, 0, data, sizeof(data)), HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(a, &outside)), NULL, NULL),
        HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "does not lie inside"));
    CU_ASSERT_EQUAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(NULL, NULL)), NULL, NULL),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(fake.held_count, 0);
    hay_array_release(a);
}

static void a_box_in_memory_refers_to_its_chunks(void)
{
    const hay_region right = {2, {1, 2}, {2, 1}};
    hay_dataset *a = in_memory();
    hay_future *one = NULL;
    hay_future *three = NULL;
    fill(a);
    CU_ASSERT_EQUAL(hay_array_future(a, 1, &one), HAY_OK);
    CU_ASSERT_EQUAL(hay_array_future(a, 3, &three), HAY_OK);
    CU_ASSERT_EQUAL(hay_array_future(a, 4, &three), HAY_EINVAL);
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(fake.ex,
                   work,
                   HAY_ARGS(hay_double(1), hay_array_region(a, &right)),
                   NULL,
                   NULL),
        HAY_OK);
    const struct hayi_spec *spec = held(0);
    CU_ASSERT_EQUAL_FATAL(spec->dep_count, 3);
    CU_ASSERT_EQUAL(spec->arg_dep_count, 3);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[0], a->blob);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[1], one);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[2], three);
    struct hayi_region_head head = region_head(0, 1);
    CU_ASSERT_EQUAL(head.chunk_count, 2);
    CU_ASSERT(head.region.start[1] == 2 && head.region.count[0] == 2);
    CU_ASSERT_EQUAL((int)element(0, 1, 1).type, HAYI_KIND_REF);
    CU_ASSERT_EQUAL((int)element(0, 1, 2).type, HAYI_KIND_REFS);
    hay_future_release(one);
    hay_future_release(three);
    hay_array_release(a); /* the task goes on */
}

static void a_box_in_a_file_starts_after_its_writers(void)
{
    const hay_region left = {2, {0, 0}, {4, 2}};
    hay_dataset *a = in_file();
    hay_future *done = NULL;
    hay_future *zero = NULL;
    CU_ASSERT_EQUAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(a, NULL)), NULL, NULL),
        HAY_EINVAL);
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, &done), HAY_OK);
    CU_ASSERT_EQUAL(hay_array_future(a, 0, &zero), HAY_OK);
    fake_finish(&fake, fake.held[2]); /* chunk 2 */
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(a, &left)), NULL, NULL),
        HAY_OK);
    const struct hayi_spec *spec = held(fake.held_count - 1);
    CU_ASSERT_EQUAL(spec->arg_dep_count, 1);
    CU_ASSERT_EQUAL_FATAL(spec->dep_count, 2);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(spec)[1], zero);
    hay_future_release(zero);
    hay_future_release(done);
    hay_array_release(a);
}

/* ---- maps --------------------------------------------------------------- */

static void a_map_makes_a_task_for_each_chunk(void)
{
    hay_dataset *a = in_memory();
    hay_future *done = NULL;
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, &done), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 5);
    CU_ASSERT_STRING_EQUAL(hay_future_name(fake.held[0]), "step[0]");
    CU_ASSERT_STRING_EQUAL(hay_future_name(fake.held[3]), "step[3]");
    CU_ASSERT_STRING_EQUAL(hay_future_name(done), "step");
    struct hayi_output_head head = output_head(3, 0);
    CU_ASSERT(head.block.index == 3 && head.block.count == 4);
    CU_ASSERT(head.block.region.start[0] == 2 && head.block.region.ndim == 2);
    CU_ASSERT(head.dtype == HAY_F64 && head.copy == 0);
    CU_ASSERT_EQUAL(held(4)->dep_count, 4);
    CU_ASSERT_EQUAL(held(4)->any_count, 0);
    CU_ASSERT_PTR_EQUAL(fake.held[4], done);
    /* one writer at a time */
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "unfinished"));
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_ETIMEDOUT);
    hay_future_release(done);
    hay_array_release(a);
}

static void an_update_in_place_reads_the_old_chunks(void)
{
    hay_dataset *a = in_memory();
    hay_future *old[4] = {NULL, NULL, NULL, NULL};
    fill(a);
    for (uint64_t i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL(hay_array_future(a, i, &old[i]), HAY_OK);
    }
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    options.inputs = &a;
    options.input_count = 1;
    options.halo[0] = options.halo[1] = 1;
    CU_ASSERT_EQUAL_FATAL(hay_array_map(fake.ex, work, &options, a, NULL),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 5);
    for (size_t task = 0; task < 4; task++) {
        CU_ASSERT_EQUAL_FATAL(held(task)->dep_count, 6);
        for (size_t i = 0; i < 4; i++) {
            CU_ASSERT_PTR_EQUAL(hayi_spec_deps(held(task))[1 + i], old[i]);
        }
    }
    struct hayi_output_head head = output_head(3, 1);
    CU_ASSERT(head.block.inputs.start[0] == 1);
    CU_ASSERT(head.block.inputs.count[0] == 3);
    CU_ASSERT_EQUAL(region_head(3, 0).region.start[1], 1);
    hay_future *fresh = NULL;
    CU_ASSERT_EQUAL(hay_array_future(a, 0, &fresh), HAY_OK);
    CU_ASSERT_PTR_NOT_EQUAL(fresh, old[0]);
    hay_future_release(fresh);
    for (int i = 0; i < 4; i++) {
        hay_future_release(old[i]);
    }
    hay_array_release(a);
}

static void a_block_of_chunks_is_one_task_with_several_results(void)
{
    const double parts[2] = {7, 8};
    const hay_region low = {2, {2, 0}, {2, 4}};
    hay_dataset *a = in_memory();
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    double data[8];
    options.block[0] = 2;
    CU_ASSERT_EQUAL_FATAL(hay_array_map(fake.ex, work, &options, a, NULL),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 3);
    CU_ASSERT_EQUAL(output_head(1, 0).block.region.count[0], 4);
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(
            fake.ex, work, HAY_ARGS(hay_array_region(a, &low)), NULL, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(region_head(3, 0).chunk_count, 2);
    for (size_t i = 0; i < 2; i++) {
        uint64_t place = 0;
        struct hayi_value value = element(3, 0, 2 + i);
        CU_ASSERT_EQUAL((int)value.type, HAYI_KIND_REF);
        memcpy(&place, value.data, sizeof(place));
        CU_ASSERT_EQUAL(place, (1 + i) | UINT64_C(2) << 32);
    }
    finish_chunks(fake.held[0], parts, 2);
    finish_chunks(fake.held[0], parts, 2);
    CU_ASSERT_EQUAL(hay_array_read(a, &low, 0, data, sizeof(data)), HAY_OK);
    for (int i = 0; i < 8; i++) {
        CU_ASSERT_EQUAL(data[i], 8);
    }
    hay_array_release(a);
}

static void a_map_of_many_ends_by_a_tree(void)
{
    const uint64_t shape[1] = {2500};
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *a = NULL;
    options.chunk[0] = 1;
    CU_ASSERT_EQUAL_FATAL(
        hay_array_create(fake.ex, NULL, NULL, HAY_U8, 1, shape, &options, &a),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 2500 + 3 + 1);
    CU_ASSERT_EQUAL(held(2500)->dep_count, 1000);
    CU_ASSERT_EQUAL(held(2502)->dep_count, 500);
    CU_ASSERT_EQUAL(held(2503)->dep_count, 3);
    hay_array_release(a);
}

static void further_arguments_come_after_the_inputs(void)
{
    static const char large[20000];
    hay_dataset *a = in_memory();
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    fill(a);
    uint64_t puts = fake.puts;
    options.inputs = &a;
    options.input_count = 1;
    options.args = HAY_ARGS(hay_double(2.5), hay_bytes(large, sizeof(large)));
    CU_ASSERT_EQUAL_FATAL(hay_array_map(fake.ex, work, &options, a, NULL),
                          HAY_OK);
    CU_ASSERT_EQUAL(fake.puts, puts + 1); /* once, not with each task */
    CU_ASSERT_EQUAL(hayi_args_count(hayi_spec_args(held(0))), 4);
    CU_ASSERT_EQUAL(held(0)->dep_count, 1 + 1 + 1 + 1);
    CU_ASSERT_EQUAL(output_head(0, 3).block.count, 4);
    hay_array_release(a);
}

static void wrong_maps_are_refused(void)
{
    const uint64_t other[2] = {4, 5};
    hay_dataset *a = in_memory();
    hay_dataset *b = NULL;
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    CU_ASSERT_EQUAL_FATAL(
        hay_array_create(fake.ex, NULL, NULL, HAY_F32, 2, other, NULL, &b),
        HAY_OK);
    options.inputs = &b;
    options.input_count = 1;
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, work, &options, a, NULL),
                    HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "different shapes"));
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, NULL, NULL, a, NULL), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, work, NULL, NULL, NULL), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, (hay_task_fn)setup, NULL, a, NULL),
                    HAY_EINVAL);
    /* not computed yet: nothing is made, and the output is free again */
    options.inputs = &a;
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, work, &options, a, NULL),
                    HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "never been computed"));
    CU_ASSERT_EQUAL(fake.held_count, 0);
    fill(a);
    hay_array_release(a);
    hay_array_release(b);
}

static void one_failing_block_fails_the_map_with_its_words(void)
{
    const struct hayi_result dependency = {.status = HAY_EDEPENDENCY};
    hay_dataset *a = in_memory();
    hay_future *done = NULL;
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, &done), HAY_OK);
    finish_chunk(fake.held[0], 1);
    fake_fail(&fake, fake.held[0], "no peak");
    fake_end(&fake, done, HAY_FAILED, &dependency, NULL);
    /* the others go on, and it is busy until they have ended */
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_EINVAL);
    finish_chunk(fake.held[0], 3);
    finish_chunk(fake.held[0], 4);
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_ETASK);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "no peak"));
    CU_ASSERT_EQUAL(info_of(a).chunks_done, 3);
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_OK);
    hay_future_release(done);
    hay_array_release(a);
}

/* ---- files -------------------------------------------------------------- */

/* What a worker does at the end of chunk 'index'. */
static void write_chunk(hay_dataset *dataset, uint64_t index)
{
    const double value = (double)(index + 1);
    const double data[4] = {value, value, value, value};
    struct hayi_files *files = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_dataset_write_chunk(
                        files, dataset->file, index, data, sizeof(data), NULL),
                    HAY_OK);
    hayi_files_free(files);
}

static void chunks_done_are_left_out(void)
{
    hay_dataset *a = in_file();
    hay_future *done = NULL;
    double data[16];
    write_chunk(a, 1);
    hay_array_release(a);
    CU_ASSERT_EQUAL(create_file(false, HAY_F64, &a), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "resume"));
    CU_ASSERT_EQUAL(create_file(true, HAY_F32, &a), HAY_EINVAL);
    CU_ASSERT_EQUAL_FATAL(create_file(true, HAY_F64, &a), HAY_OK);
    CU_ASSERT_EQUAL(info_of(a).chunks_done, 1);
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, &done), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 4);
    CU_ASSERT_STRING_EQUAL(hay_future_name(fake.held[1]), "step[2]");
    CU_ASSERT_EQUAL(hay_array_read(a, NULL, 0, data, sizeof(data)),
                    HAY_ETIMEDOUT);
    for (uint64_t i = 0; i < 4; i++) {
        if (i != 1) {
            write_chunk(a, i);
            fake_finish(&fake, fake.held[0]);
        }
    }
    fake_finish(&fake, done);
    CU_ASSERT_EQUAL(hay_array_read(a, NULL, 0, data, sizeof(data)), HAY_OK);
    CU_ASSERT(data[0] == 1 && data[3] == 2 && data[8] == 3 && data[15] == 4);
    CU_ASSERT_EQUAL(hay_array_read(a, NULL, 0, data, 8), HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_OK);
    CU_ASSERT_EQUAL(hay_array_flush(a), HAY_OK);
    CU_ASSERT_EQUAL(info_of(a).chunks_done, 4);
    hay_future_release(done);
    /* nothing is left to do: only the last task; or all, if asked */
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_OK);
    CU_ASSERT_EQUAL(fake.held_count, 1);
    fake_finish(&fake, fake.held[0]);
    hay_array_map_options again = HAY_ARRAY_MAP_OPTIONS_INIT;
    again.again = true;
    CU_ASSERT_EQUAL(hay_array_map(fake.ex, work, &again, a, NULL), HAY_OK);
    CU_ASSERT_EQUAL(fake.held_count, 5);
    hay_array_release(a);
}

/* There is no room for the fourth task, and this thread may not wait. */
static void a_map_that_is_made_in_part_can_be_made_again(void)
{
    hay_dataset *a = in_file();
    fake.ex->pending_max = 3;
    hayi_thread_set_no_wait(true);
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_EAGAIN);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 3);
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "unfinished"));
    hayi_thread_set_no_wait(false);
    for (uint64_t i = 0; i < 3; i++) {
        write_chunk(a, i);
        fake_finish(&fake, fake.held[0]);
    }
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 2);
    CU_ASSERT_STRING_EQUAL(hay_future_name(fake.held[0]), "step[3]");
    hay_array_release(a);
}

static void nothing_is_made_when_the_farm_is_closed(void)
{
    hay_dataset *a = in_memory();
    hay_future **list = NULL;
    size_t count = 0;
    fill(a);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(map(NULL, a, NULL), HAY_ECLOSED);
    CU_ASSERT_EQUAL(
        hay_array_reduce(fake.ex, a, work, join, 0, NULL, &list, &count),
        HAY_ECLOSED);
    CU_ASSERT_EQUAL(info_of(a).chunks_done, 4); /* those of before */
    CU_ASSERT_EQUAL(hay_array_wait(a, 0), HAY_OK);
    hay_array_release(a);
}

static void a_file_that_is_opened_is_cut_and_read(void)
{
    hay_dataset *a = in_file();
    hay_dataset *b = NULL;
    double data[4];
    const hay_region middle = {2, {1, 1}, {2, 2}};
    for (uint64_t i = 0; i < 4; i++) {
        write_chunk(a, i);
    }
    hay_array_release(a);
    CU_ASSERT_EQUAL_FATAL(hay_array_open(fake.ex, path, "a", NULL, &b), HAY_OK);
    CU_ASSERT_EQUAL(info_of(b).chunks_done, 4);
    CU_ASSERT_EQUAL(hay_array_read(b, &middle, 0, data, sizeof(data)), HAY_OK);
    CU_ASSERT(data[0] == 1 && data[1] == 2 && data[2] == 3 && data[3] == 4);
    CU_ASSERT_EQUAL(map(NULL, b, NULL), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "opened"));
    CU_ASSERT_EQUAL(hay_array_wait(b, 0), HAY_OK);
    hay_array_release(b);
}

/* ---- reductions --------------------------------------------------------- */

static void a_reduction_is_a_tree_over_the_chunks(void)
{
    const uint64_t shape[1] = {40};
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *a = NULL;
    hay_future **list = NULL;
    size_t count = 0;
    options.chunk[0] = 1;
    CU_ASSERT_EQUAL_FATAL(
        hay_array_create(fake.ex, NULL, NULL, HAY_U8, 1, shape, &options, &a),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(map(NULL, a, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(
        hay_array_reduce(fake.ex, a, work, join, 0, NULL, &list, &count),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(count, 1);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 41 + 40 + 3 + 1);
    CU_ASSERT_EQUAL(held(41 + 40)->dep_count, 16);
    CU_ASSERT_EQUAL(held(41 + 42)->dep_count, 8);
    CU_ASSERT_EQUAL(held(41 + 43)->dep_count, 3);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(held(41 + 41))[0], fake.held[41 + 16]);
    CU_ASSERT_PTR_EQUAL(fake.held[41 + 43], list[0]);
    hay_future_release(list[0]);
    free(list);
    hay_array_release(a);
}

static void axes_give_a_result_for_each_of_the_others(void)
{
    hay_dataset *a = in_memory();
    hay_future **list = NULL;
    size_t count = 0;
    fill(a);
    CU_ASSERT_EQUAL(
        hay_array_reduce(fake.ex, a, work, join, 4, NULL, &list, &count),
        HAY_EINVAL);
    CU_ASSERT_EQUAL_FATAL(
        hay_array_reduce(fake.ex, a, work, join, 1, NULL, &list, &count),
        HAY_OK);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 6);
    /* column 0: chunks 0 and 2 */
    CU_ASSERT_EQUAL(region_head(0, 0).region.start[0], 0);
    CU_ASSERT_EQUAL(region_head(1, 0).region.start[0], 2);
    CU_ASSERT_EQUAL(region_head(1, 0).region.start[1], 0);
    CU_ASSERT_PTR_EQUAL(fake.held[2], list[0]);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(held(2))[1], fake.held[1]);
    CU_ASSERT_EQUAL(region_head(3, 0).region.start[1], 2);
    hay_future_release(list[0]);
    hay_future_release(list[1]);
    free(list);
    hay_array_release(a);
}

static void a_tree_of_one_is_that_one(void)
{
    hay_future *leaves[17];
    hay_future *root = NULL;
    for (int i = 0; i < 17; i++) {
        CU_ASSERT_EQUAL_FATAL(
            hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &leaves[i]), HAY_OK);
    }
    CU_ASSERT_EQUAL(hay_tree(fake.ex, join, leaves, 0, NULL, &root),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL_FATAL(hay_tree(fake.ex, join, leaves, 1, NULL, &root),
                          HAY_OK);
    CU_ASSERT_PTR_EQUAL(root, leaves[0]);
    hay_future_release(root);
    CU_ASSERT_EQUAL_FATAL(hay_tree(fake.ex, join, leaves, 17, NULL, &root),
                          HAY_OK);
    CU_ASSERT_EQUAL_FATAL(fake.held_count, 17 + 2);
    CU_ASSERT_EQUAL(held(17)->dep_count, 16);
    CU_ASSERT_PTR_EQUAL(hayi_spec_deps(held(18))[1], leaves[16]);
    CU_ASSERT_PTR_EQUAL(fake.held[18], root);
    hay_future_release(root);
    for (int i = 0; i < 17; i++) {
        hay_future_release(leaves[i]);
    }
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(an_array_knows_what_it_is),
    TEST(wrong_arrays_are_refused),
    TEST(a_chunk_that_nobody_computes_is_refused),
    TEST(a_box_in_memory_refers_to_its_chunks),
    TEST(a_box_in_a_file_starts_after_its_writers),
    TEST(a_map_makes_a_task_for_each_chunk),
    TEST(an_update_in_place_reads_the_old_chunks),
    TEST(a_block_of_chunks_is_one_task_with_several_results),
    TEST(a_map_of_many_ends_by_a_tree),
    TEST(further_arguments_come_after_the_inputs),
    TEST(wrong_maps_are_refused),
    TEST(one_failing_block_fails_the_map_with_its_words),
    TEST(chunks_done_are_left_out),
    TEST(a_map_that_is_made_in_part_can_be_made_again),
    TEST(nothing_is_made_when_the_farm_is_closed),
    TEST(a_file_that_is_opened_is_cut_and_read),
    TEST(a_reduction_is_a_tree_over_the_chunks),
    TEST(axes_give_a_result_for_each_of_the_others),
    TEST(a_tree_of_one_is_that_one),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/array", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
