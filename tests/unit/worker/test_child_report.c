/* test_child_report.c - what a child says of its attempt is true, or refused.
 */
#include "config.h"

#include "worker/child_report.h"

#include "support/unit.h"
#include "wire/args.h"

#include <stdlib.h>
#include <string.h>

enum { NOW = 1000, LARGE = 100000 };

static const struct hayi_task_farm farm = {.seed = 1};
static struct hay_task *task;
static struct hayi_child_ended head;
static struct hayi_buffer result, text, failures;
static uint64_t sealed[4];
static size_t sealed_count;
static struct hayi_child_made made[3];
static const struct hayi_object_value given = {77, 4096, LARGE};

/* A task with one argument that is an object. */
static void setup(void)
{
    struct hayi_buffer args;
    hayi_buffer_init(&args);
    const uint32_t args_head[2] = {1, 0};
    (void)hayi_buffer_append(&args, args_head, sizeof(args_head));
    (void)hayi_value_append_object(&args, HAY_BYTES, NULL, &given);
    const struct hayi_task_record record = {
        .id = 1,
        .args_size = (uint32_t)args.size,
        .cores = 1,
        .kind = HAYI_TASK_FUNCTION,
        .flags = HAYI_TASK_PROCESS | HAYI_TASK_DATA,
    };
    struct hayi_buffer body;
    hayi_buffer_init(&body);
    (void)hayi_buffer_append(&body, &record, sizeof(record));
    (void)hayi_buffer_append(&body, args.data, args.size);
    CU_ASSERT_EQUAL_FATAL(
        hayi_task_new(&farm, body.data, body.size, &task, NULL), HAY_OK);
    hayi_buffer_fini(&args);
    hayi_buffer_fini(&body);
    hayi_buffer_init(&result);
    hayi_buffer_init(&text);
    hayi_buffer_init(&failures);
    head = (struct hayi_child_ended){.start_ns = 10, .end_ns = 20};
    sealed_count = 0;
    for (size_t i = 0; i < 3; i++) {
        made[i] = (struct hayi_child_made){.place = 3000 - i * 1000,
                                           .size_bytes = LARGE};
    }
}

static void teardown(void)
{
    hayi_task_free(task);
    hayi_buffer_fini(&result);
    hayi_buffer_fini(&text);
    hayi_buffer_fini(&failures);
}

static void put_part(struct hayi_buffer *body, const void *data, size_t size)
{
    static const char zeros[8];
    (void)hayi_buffer_append(body, data, size);
    (void)hayi_buffer_append(body, zeros, (8 - size % 8) % 8);
}

static bool is_taken(void)
{
    struct hayi_buffer body;
    struct hayi_child_report report;
    hayi_buffer_init(&body);
    head.result_size = result.size;
    head.text_size = text.size;
    head.failures_size = failures.size;
    head.sealed_size = sealed_count * sizeof(sealed[0]);
    (void)hayi_buffer_append(&body, &head, sizeof(head));
    put_part(&body, result.data, result.size);
    put_part(&body, failures.data, failures.size);
    put_part(&body, text.data, text.size);
    put_part(&body, sealed, head.sealed_size);
    bool taken = hayi_child_report_read(
        task, made, 3, body.data, body.size, NOW, &report);
    hayi_buffer_fini(&body);
    return taken;
}

static void put_object(uint64_t object, uint64_t place, uint64_t size)
{
    const struct hayi_object_value value = {object, place, size};
    CU_ASSERT_EQUAL(hayi_value_append_object(&result, HAY_BYTES, NULL, &value),
                    HAY_OK);
}

/* What was put is one list. */
static void make_list(uint32_t count)
{
    const struct hayi_value_head list = {
        .type = HAY_LIST, .count = count, .size = result.size};
    struct hayi_buffer whole;
    hayi_buffer_init(&whole);
    (void)hayi_buffer_append(&whole, &list, sizeof(list));
    (void)hayi_buffer_append(&whole, result.data, result.size);
    hayi_buffer_fini(&result);
    result = whole;
}

static void true_reports_are_taken(void)
{
    CU_ASSERT_TRUE(is_taken()); /* no value at all */
    const double x = 5;
    CU_ASSERT_EQUAL(hayi_value_append(&result, HAY_DOUBLE, &x, sizeof(x), NULL),
                    HAY_OK);
    CU_ASSERT_TRUE(is_taken());
    result.size = 0;
    put_object(0, 2000, LARGE);
    put_object(0, 1000, LARGE);
    put_object(given.object, given.place, given.size);
    make_list(3);
    sealed[sealed_count++] = 1000;
    sealed[sealed_count++] = 2000;
    CU_ASSERT_TRUE(is_taken());
    CU_ASSERT_TRUE(made[0].place == 1000 && made[0].reported == 1);
    CU_ASSERT_TRUE(made[1].place == 2000 && made[1].reported == 1);
    CU_ASSERT_TRUE(made[2].place == 3000 && made[2].reported == 0);
}

static void values_that_are_damaged_are_refused(void)
{
    const double x = 5;
    CU_ASSERT_EQUAL(hayi_value_append(&result, HAY_DOUBLE, &x, sizeof(x), NULL),
                    HAY_OK);
    struct hayi_value_head *value = (void *)result.data;
    value->size = 1 << 20;
    CU_ASSERT_FALSE(is_taken());
    value->size = 8;
    value->type = HAYI_KIND_REF;
    CU_ASSERT_FALSE(is_taken());
    value->type = HAYI_KIND_REGION; /* kinds that are arguments only */
    value->size = 0;
    result.size = sizeof(*value);
    CU_ASSERT_FALSE(is_taken());
    make_list(1);
    CU_ASSERT_FALSE(is_taken());
    result.size = 5;
    CU_ASSERT_FALSE(is_taken());
    result.size = 0;
    for (int i = 0; i < 2; i++) { /* more than one value */
        CU_ASSERT_EQUAL(
            hayi_value_append(&result, HAY_DOUBLE, &x, sizeof(x), NULL),
            HAY_OK);
    }
    CU_ASSERT_FALSE(is_taken());
}

static void objects_that_were_not_made_are_refused(void)
{
    sealed[sealed_count++] = 2000;
    put_object(0, 2008, LARGE);
    CU_ASSERT_FALSE(is_taken()); /* no such place */
    sealed[0] = 2008;
    CU_ASSERT_FALSE(is_taken());
}

static void objects_that_are_not_sealed_are_refused(void)
{
    put_object(0, 2000, LARGE);
    CU_ASSERT_FALSE(is_taken());
}

static void objects_of_another_size_are_refused(void)
{
    sealed[sealed_count++] = 2000;
    put_object(0, 2000, LARGE + 1);
    CU_ASSERT_FALSE(is_taken());
}

static void objects_that_are_told_twice_are_refused(void)
{
    sealed[sealed_count++] = 2000;
    put_object(0, 2000, LARGE);
    put_object(0, 2000, LARGE);
    make_list(2);
    CU_ASSERT_FALSE(is_taken());
}

static void places_that_are_sealed_twice_are_refused(void)
{
    sealed[sealed_count++] = 2000;
    sealed[sealed_count++] = 2000;
    put_object(0, 2000, LARGE);
    CU_ASSERT_FALSE(is_taken());
}

static void sealed_objects_that_nobody_would_hear_of_are_refused(void)
{
    sealed[sealed_count++] = 2000;
    CU_ASSERT_FALSE(is_taken());
}

static void older_objects_that_were_not_given_are_refused(void)
{
    put_object(78, given.place, given.size);
    CU_ASSERT_FALSE(is_taken());
    result.size = 0;
    put_object(given.object, given.place + 8, given.size);
    CU_ASSERT_FALSE(is_taken());
    result.size = 0;
    put_object(given.object, given.place, given.size);
    CU_ASSERT_TRUE(is_taken());
}

static void impossible_heads_are_refused(void)
{
    head.end_ns = NOW + 1; /* later than now */
    CU_ASSERT_FALSE(is_taken());
    head.end_ns = 5; /* before its start */
    CU_ASSERT_FALSE(is_taken());
    head.end_ns = 20;
    head.outcome = 9;
    CU_ASSERT_FALSE(is_taken());
    head.outcome = 0;
    CU_ASSERT_TRUE(is_taken());
}

static void ranges_tell_of_their_own_items_only(void)
{
    struct hayi_range_failure failure = {.item = 4, .status = HAY_ETASK};
    task->is_range = true;
    task->range.count = 5;
    task->record.function = UINT32_MAX; /* items without bytes */
    head.items_done = 5;
    head.items_failed = 1;
    (void)hayi_buffer_append(&failures, &failure, sizeof(failure));
    (void)hayi_buffer_append(&text, "why", 4);
    CU_ASSERT_TRUE(is_taken());
    failure.item = 5;
    memcpy(failures.data, &failure, sizeof(failure));
    CU_ASSERT_FALSE(is_taken());
    failure.item = 0;
    memcpy(failures.data, &failure, sizeof(failure));
    text.size = 0; /* fewer words than failures */
    CU_ASSERT_FALSE(is_taken());
    failures.size = 0;
    CU_ASSERT_TRUE(is_taken());
    sealed[sealed_count++] = 2000;
    CU_ASSERT_FALSE(is_taken());
    sealed_count = 0;
    head.items_done = 6;
    CU_ASSERT_FALSE(is_taken());
}

static CU_TestInfo tests[] = {
    {"true_reports_are_taken", true_reports_are_taken},
    {"values_that_are_damaged_are_refused",
     values_that_are_damaged_are_refused},
    {"objects_that_were_not_made_are_refused",
     objects_that_were_not_made_are_refused},
    {"objects_that_are_not_sealed_are_refused",
     objects_that_are_not_sealed_are_refused},
    {"objects_of_another_size_are_refused",
     objects_of_another_size_are_refused},
    {"objects_that_are_told_twice_are_refused",
     objects_that_are_told_twice_are_refused},
    {"places_that_are_sealed_twice_are_refused",
     places_that_are_sealed_twice_are_refused},
    {"sealed_objects_that_nobody_would_hear_of_are_refused",
     sealed_objects_that_nobody_would_hear_of_are_refused},
    {"older_objects_that_were_not_given_are_refused",
     older_objects_that_were_not_given_are_refused},
    {"impossible_heads_are_refused", impossible_heads_are_refused},
    {"ranges_tell_of_their_own_items_only",
     ranges_tell_of_their_own_items_only},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/child_report", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
