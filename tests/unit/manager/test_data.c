/* test_data.c - objects: named when a task has made them, given to those that
 * need them, freed when nobody does. */
#include "config.h"

#include "manager_bed.h"
#include "support/unit.h"

#include "client/objects.h"

#include <stdlib.h>
#include <string.h>

static uint64_t used_bytes(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed_ex->store, &usage);
    return usage.used_bytes;
}

static void made_object_is_the_argument_of_the_next(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 1.1 prompt\n");
    uint64_t place = bed_finished_object(1, 0);
    bed_expect("task 2.1\n");
    CU_ASSERT_EQUAL(bed_place, place);
    CU_ASSERT_NOT_EQUAL(bed_object, 0);
    CU_ASSERT_EQUAL(f->result->object_count, 1);
    bed_finished(2);
    bed_expect("");
    bed_check_end(g, HAY_OK, "");
    CU_ASSERT(used_bytes() > 0);
    bed_check_end(f, HAY_OK, ""); /* releases it */
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
}

static void object_lives_until_its_last_task_has_ended(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    (void)bed_finished_object(1, 0);
    bed_expect("");
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    hay_future_release(f);
    bed_expect("task 2.1\n");
    CU_ASSERT(used_bytes() > 0);
    bed_finished(2);
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
    bed_check_end(g, HAY_OK, "");
}

static void inputs_of_a_task_that_may_run_again_are_remembered(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 1.1 prompt\n");
    bed_finished_double(1, 2.5);
    bed_expect("task 2.1\n");
    (void)bed_finished_object(2, 0);
    bed_expect("");
    CU_ASSERT_EQUAL(f->item.listed, 1);
    hay_future_release(f); /* its record stays as long as g may be made again */
    bed_expect("");
    CU_ASSERT_EQUAL(f->item.listed, 1);
    bed_check_end(g, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
}

static void argument_that_is_returned_has_two_futures(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 1.1 prompt\n");
    (void)bed_finished_object(1, 0);
    bed_expect("task 2.1\n");
    (void)bed_finished_object(2, bed_object);
    bed_expect("");
    bed_check_end(f, HAY_OK, "");
    bed_expect("");
    CU_ASSERT(used_bytes() > 0);
    bed_check_end(g, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
}

static void object_of_a_stale_report_is_freed(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    bed_finished(1);
    bed_expect("");
    (void)bed_finished_object(1, 0);
    CU_ASSERT(used_bytes() > 0);
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
    bed_check_end(f, HAY_OK, "");
}

static void input_that_is_missing_is_asked_for_again(void)
{
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 1.1 prompt\n");
    (void)bed_finished_object(1, 0);
    bed_expect("task 2.1\n");
    const struct {
        struct hayi_attempt_record head;
        uint64_t missing;
    } returned = {{.task = bed_known[2].task, .attempt = 1, .missing = 1},
                  bed_object};
    bed_say(HAYI_RECORD_RETURNED, &returned, sizeof(returned));
    bed_expect("task 1.2\n"); /* the only one is gone: it is made again */
    (void)bed_finished_object(1, 0);
    bed_expect("task 2.1\n");
    bed_finished(2);
    bed_expect("");
    bed_check_end(g, HAY_OK, "");
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_FINISHED);
    hay_future_release(f);
    bed_expect("");
}

/* hay_put() would wait for nobody, but the store has to be ours. */
static hay_future *put(void)
{
    char *bytes = calloc(1, BED_OBJECT);
    hay_future *future = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hay_put(bed_ex, hay_bytes(bytes, BED_OBJECT), &future), HAY_OK);
    free(bytes);
    return future;
}

static void put_object_that_is_lost_fails_its_dependents(void)
{
    bed_ready(1);
    hay_future *f = put();
    hay_future *g = bed_submit(HAY_ARGS(hay_ref(f)), NULL);
    bed_expect("task 2.1\n");
    CU_ASSERT_NOT_EQUAL(bed_place, 0);
    const struct {
        struct hayi_attempt_record head;
        uint64_t missing;
    } returned = {{.task = bed_known[2].task, .attempt = 1, .missing = 1},
                  bed_object};
    bed_say(HAYI_RECORD_RETURNED, &returned, sizeof(returned));
    bed_expect("");
    bed_check_end(g, HAY_EFARM, "an input was lost with");
    hay_future_release(f);
    bed_expect("");
}

static void what_a_dead_worker_left_is_dropped_unless_known(void)
{
    void *data;
    bed_ready(1);
    hay_future *f = bed_submit(HAY_NO_ARGS, NULL);
    bed_expect("task 1.1\n");
    struct {
        struct hayi_left_record head;
        uint64_t places[2];
    } left = {.head = {2}};
    left.places[0] = bed_finished_object(1, 0);
    bed_expect("");
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(
            bed_ex->store, BED_OBJECT, &left.places[1], &data, NULL),
        HAY_OK);
    hayi_store_seal(bed_ex->store, left.places[1], 0);
    uint64_t before = used_bytes();
    bed_say(HAYI_RECORD_LEFT, &left, sizeof(left));
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), before / 2);
    bed_check_end(f, HAY_OK, "");
    bed_expect("");
    CU_ASSERT_EQUAL(used_bytes(), 0);
}

static CU_TestInfo tests[] = {
    {"put_object_that_is_lost_fails_its_dependents",
     put_object_that_is_lost_fails_its_dependents},
    {"made_object_is_the_argument_of_the_next",
     made_object_is_the_argument_of_the_next},
    {"object_lives_until_its_last_task_has_ended",
     object_lives_until_its_last_task_has_ended},
    {"inputs_of_a_task_that_may_run_again_are_remembered",
     inputs_of_a_task_that_may_run_again_are_remembered},
    {"argument_that_is_returned_has_two_futures",
     argument_that_is_returned_has_two_futures},
    {"object_of_a_stale_report_is_freed", object_of_a_stale_report_is_freed},
    {"what_a_dead_worker_left_is_dropped_unless_known",
     what_a_dead_worker_left_is_dropped_unless_known},
    {"input_that_is_missing_is_asked_for_again",
     input_that_is_missing_is_asked_for_again},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"manager/data",
         bed_setup_suite,
         bed_clean_suite,
         bed_setup,
         bed_teardown,
         tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
