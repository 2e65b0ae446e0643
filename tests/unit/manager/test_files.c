/* test_files.c - what commands say of their files: for the record and for those
 * that read them, and nothing that the client sees. */
#include "config.h"

#include "manager_bed.h"
#include "support/unit.h"
#include "wire/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"a.dat", "b.dat", NULL};

static hay_future *
submit(const char *const *in, const char *const *out, hay_future *input)
{
    hay_command command = HAY_COMMAND_INIT;
    hay_future *future = NULL;
    command.line = "true";
    command.in_files = in;
    command.out_files = out;
    command.inputs = &input;
    command.input_count = input != NULL ? 1 : 0;
    CU_ASSERT_EQUAL_FATAL(hay_submit_command(bed_ex, &command, NULL, &future),
                          HAY_OK);
    return future;
}

/* A worker's report: outputs of 1000, 1001, ... bytes, inputs of 7 each. */
static void finish(hay_task_id id, uint32_t out, uint32_t in)
{
    struct hayi_buffer elements, value;
    const uint64_t shape[1] = {in};
    const uint64_t sizes[2] = {7, 7};
    hayi_buffer_init(&elements);
    hayi_buffer_init(&value);
    for (uint32_t i = 0; i < out; i++) {
        const struct hayi_object_value object = {.place = HAYI_PLACE_FILE,
                                                 .size = 1000 + i};
        CU_ASSERT_EQUAL(
            hayi_value_append_object(&elements, HAY_BYTES, NULL, &object),
            HAY_OK);
    }
    CU_ASSERT_EQUAL(
        hayi_value_append_array(&elements, HAY_U64, 1, shape, sizes, NULL),
        HAY_OK);
    const struct hayi_value_head head = {
        .type = HAY_LIST, .count = out + 1, .size = elements.size};
    unsigned char *at =
        hayi_buffer_extend(&value, hayi_value_size(HAY_LIST, 0, elements.size));
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    (void)hayi_value_write(at, &head, NULL, elements.data, elements.size);
    bed_ended(id,
              (struct bed_end){.outcome = HAYI_OUTCOME_FINISHED,
                               .value = value.data,
                               .value_size = value.size,
                               .objects = out > 0});
    hayi_buffer_fini(&elements);
    hayi_buffer_fini(&value);
}

static uint64_t objects_held(void)
{
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(bed_manager->sched, &stats);
    return stats.objects;
}

static void files_are_nothing_that_the_client_sees(void)
{
    double x = 0;
    bed_ready(1);
    hay_future *f = submit(NULL, files, NULL);
    bed_expect("task 1.1\n");
    finish(1, 2, 0);
    bed_expect("");
    CU_ASSERT_EQUAL(hay_result_type(f), HAY_NONE);
    CU_ASSERT_EQUAL(hay_result_double(f, 0, &x), HAY_ETYPE);
    CU_ASSERT_EQUAL(f->result->object_count, 0);
    CU_ASSERT_EQUAL(f->result->file_count, 2);
    bed_check_end(f, HAY_OK, "");
    bed_expect("");
}

static void files_are_held_as_long_as_their_future(void)
{
    bed_ready(1);
    hay_future *f = submit(NULL, files, NULL);
    bed_expect("task 1.1\n");
    finish(1, 2, 0);
    bed_expect("");
    CU_ASSERT_EQUAL(objects_held(), 2);
    hay_future *g = submit(files, NULL, f);
    hay_future_release(f);
    bed_expect("task 2.1\n");
    CU_ASSERT_EQUAL(objects_held(), 2);
    finish(2, 0, 2);
    bed_expect("");
    bed_check_end(g, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(objects_held(), 0);
}

static void readers_wait_for_the_writer(void)
{
    bed_ready(1);
    hay_future *f = submit(NULL, files, NULL);
    hay_future *g = submit(files, NULL, f);
    bed_expect("task 1.1 prompt\n");
    finish(1, 2, 0);
    bed_expect("task 2.1\n");
    finish(2, 0, 2);
    bed_expect("");
    bed_check_end(f, HAY_OK, "");
    bed_check_end(g, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(objects_held(), 0);
}

static void readers_of_what_failed_fail(void)
{
    bed_ready(1);
    hay_future *f = submit(NULL, files, NULL);
    hay_future *g = submit(files, NULL, f);
    bed_expect("task 1.1 prompt\n");
    bed_failed(1, "said to write b.dat, which is not there");
    bed_expect("");
    bed_check_end(f, HAY_ETASK, "said to write b.dat");
    bed_check_end(g, HAY_EDEPENDENCY, "");
    bed_expect("");
}

static void stale_reports_leave_nothing(void)
{
    bed_ready(1);
    hay_future *f = submit(NULL, files, NULL);
    bed_expect("task 1.1\n");
    finish(1, 2, 0);
    bed_expect("");
    finish(1, 2, 0);
    bed_expect("");
    CU_ASSERT_EQUAL(objects_held(), 2);
    bed_check_end(f, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(objects_held(), 0);
}

static void inputs_must_be_of_this_executor(void)
{
    hay_command command = HAY_COMMAND_INIT;
    hay_future *none = NULL;
    bed_ready(1);
    command.line = "true";
    command.input_count = 1;
    CU_ASSERT_EQUAL(hay_submit_command(bed_ex, &command, NULL, NULL),
                    HAY_EINVAL);
    command.inputs = &none;
    CU_ASSERT_EQUAL(hay_submit_command(bed_ex, &command, NULL, NULL),
                    HAY_EINVAL);
}

static CU_TestInfo tests[] = {
    {"files_are_nothing_that_the_client_sees",
     files_are_nothing_that_the_client_sees},
    {"files_are_held_as_long_as_their_future",
     files_are_held_as_long_as_their_future},
    {"readers_wait_for_the_writer", readers_wait_for_the_writer},
    {"readers_of_what_failed_fail", readers_of_what_failed_fail},
    {"stale_reports_leave_nothing", stale_reports_leave_nothing},
    {"inputs_must_be_of_this_executor", inputs_must_be_of_this_executor},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"manager/files",
         bed_setup_suite,
         bed_clean_suite,
         bed_setup,
         bed_teardown,
         tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
