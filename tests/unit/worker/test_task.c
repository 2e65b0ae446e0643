/* test_task.c - one attempt: made from a record, run, what it gives back. */
#include "config.h"

#include "wire/args.h"
#include "worker/task.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static char logged[1100];

static void keep_log(void *context, const char *text)
{
    (void)context;
    (void)snprintf(logged, sizeof(logged), "%s", text);
}
static const struct hayi_task_farm farm = {.seed = 7,
                                           .worker = 3,
                                           .log = keep_log};

/* ---- functions ---- */

HAY_TASK(adds)
{
    double x;
    int64_t i;
    HAY_TRY(hay_arg_double(task, 0, &x));
    HAY_TRY(hay_arg_int64(task, 1, &i));
    return hay_return_double(task, x + (double)i);
}

HAY_TASK(says_nothing)
{
    (void)task;
    return HAY_EIO;
}

HAY_TASK(gives_up)
{
    (void)task;
    return HAY_ECANCELLED;
}

HAY_TASK(fails_first)
{
    double x;
    (void)hay_arg_double(task, 9, &x);
    (void)hay_task_fail(task, 5, "not so bad");
    return HAY_OK;
}

HAY_TASK(fails)
{
    HAY_TRY(hay_return_double(task, 1));
    return hay_task_fail(task, 42, "no peak in %s", "survey");
}

HAY_TASK(gives_null)
{
    HAY_TRY(hay_return_bytes(task, NULL, 0));
    if (hay_return_bytes(task, NULL, 3) != HAY_EINVAL) {
        return HAY_EIO;
    }
    return hay_return_string(task, NULL);
}

static uint64_t sizes[2]; /* of the bytes that it returns, one by one */

HAY_TASK(gives_bytes)
{
    static const char bytes[100];
    (void)hay_return_bytes(task, bytes, sizes[0]);
    return hay_return_bytes(task, bytes, sizes[1]);
}

HAY_TASK(gives_two)
{
    static const char bytes[100];
    HAY_TRY(hay_return_count(task, 2));
    for (size_t i = 0; i < 2; i++) {
        HAY_TRY(hay_return_select(task, i));
        HAY_TRY(hay_return_bytes(task, bytes, sizes[i]));
    }
    return HAY_OK;
}

HAY_TASK(overlooks_it)
{
    static const char bytes[100];
    (void)hay_return_bytes(task, bytes, sizes[0]);
    return HAY_OK;
}

HAY_TASK(tells)
{
    hay_task_log(task, "%s %u", hay_task_name(task), hay_task_worker(task));
    return hay_return_int64(task, (int64_t)hay_task_attempt(task));
}

HAY_MAP_TASK(halves, int32_t, double)
{
    if (*in == 13) {
        return hay_task_fail(task, 3, "unlucky %d", (int)*in);
    }
    if (*in < 0) {
        return HAY_EIO;
    }
    *out = *in / 2.0;
    return HAY_OK;
}

HAY_MAP_TASK(numbers, uint64_t, uint64_t)
{
    *out = *in;
    return HAY_OK;
}

HAY_MAP_TASK(draws, uint64_t, uint64_t)
{
    *out = hay_task_random(task);
    return HAY_OK;
}

HAY_MAP_TASK(is_told_and_fails, uint64_t, uint64_t)
{
    if (*in == 1) {
        atomic_store(&task->cancelled, 1); /* as the loop does */
        return hay_task_fail(task, 1, "item 1");
    }
    return HAY_OK;
}

/* A map function of the user's own that tells of no item. */
static hay_status own_map(hay_task *t, hay_map_range *range)
{
    (void)t;
    range->index = 2;
    return HAY_EIO;
}

static int setup_suite(void)
{
    hay_register_map("own_map", own_map, 0, 8);
    return hayi_registry_seal(NULL) != HAY_OK;
}

/* ---- making ---- */

static struct hay_task *task;
enum { BODY_MAX = 200000 };
static union {
    uint64_t align;
    unsigned char bytes[BODY_MAX];
} body;

static void teardown(void)
{
    hayi_task_free(task);
    task = NULL;
}

/* A record of a call with these arguments in body; its size. */
static size_t put_call(hay_task_fn function, hay_args args, const char *name)
{
    struct hayi_args_size size;
    CU_ASSERT_EQUAL_FATAL(hayi_args_measure(args, &size, NULL), HAY_OK);
    const struct hayi_task_record head = {
        .id = 17,
        .function = function == NULL ? 9999 : hayi_registry_find(function),
        .attempt = 2,
        .cores = 1,
        .args_size = size.bytes,
        .name_size = (uint16_t)(name[0] != 0 ? strlen(name) + 1 : 0),
        .kind = HAYI_TASK_FUNCTION,
    };
    const uint64_t parts[2] = {head.args_size, head.name_size};
    memset(&body, 0, sizeof(body));
    memcpy(body.bytes, &head, sizeof(head));
    hayi_args_write(args, body.bytes + sizeof(head), NULL);
    memcpy(body.bytes + sizeof(head) + HAYI_PAD8(size.bytes),
           name,
           head.name_size);
    return hayi_record_size(sizeof(head), parts, 2);
}

static void run_call(hay_task_fn function, hay_args args)
{
    size_t size = put_call(function, args, "");
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    hayi_task_run(task);
}

static void record_and_tail_are_copied(void)
{
    size_t size = put_call(adds, HAY_ARGS(hay_double(1), hay_int64(2)), "fit");
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    memset(&body, 0xff, sizeof(body));
    CU_ASSERT_STRING_EQUAL(hay_task_name(task), "fit");
    CU_ASSERT_EQUAL(hay_task_get_id(task), 17);
    CU_ASSERT_EQUAL(hay_task_attempt(task), 2);
    CU_ASSERT_EQUAL(hay_arg_count(task), 2);
    CU_ASSERT_EQUAL(hay_arg_type(task, 1), HAY_INT64);
    CU_ASSERT_EQUAL(hay_arg_type(task, 2), HAY_NONE);
}

/* More of them than are kept, with short and with long tails. */
static void freed_tasks_are_as_good_as_new(void)
{
    enum { COUNT = 600 };
    static struct hay_task *list[COUNT];
    struct hayi_task_spares spares = {.count = 0};
    struct hayi_task_farm keeping = farm;
    keeping.spares = &spares;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++) {
            static const char bytes[300];
            bool fits = (i + round) % 2 == 0;
            size_t size =
                fits ? put_call(fails, HAY_NO_ARGS, "fit")
                     : put_call(adds, HAY_ARGS(hay_bytes(bytes, 300)), "");
            CU_ASSERT_EQUAL_FATAL(
                hayi_task_new(&keeping, body.bytes, size, &list[i], NULL),
                HAY_OK);
            CU_ASSERT_EQUAL(list[i]->outcome, 0);
            CU_ASSERT_EQUAL(list[i]->error.text[0], 0);
            CU_ASSERT_PTR_NULL(list[i]->held_after);
            hayi_task_run(list[i]);
            CU_ASSERT_EQUAL(list[i]->outcome, HAYI_OUTCOME_FAILED);
        }
        for (int i = 0; i < COUNT; i++) {
            hayi_task_free(list[i]);
        }
        CU_ASSERT_TRUE(spares.count < COUNT);
    }
    hayi_task_spares_fini(&spares);
    CU_ASSERT_EQUAL(spares.count, 0);
    CU_ASSERT_PTR_NULL(spares.first);
}

static void record_that_is_cut_is_refused(void)
{
    size_t whole = put_call(adds, HAY_ARGS(hay_double(1)), "name");
    for (size_t size = 0; size < whole; size++) {
        struct hayi_error err;
        struct hay_task *none = NULL;
        CU_ASSERT_EQUAL(hayi_task_new(&farm, body.bytes, size, &none, &err),
                        HAY_EMISMATCH);
        CU_ASSERT_PTR_NULL(none);
    }
    struct hayi_task_record *head = (struct hayi_task_record *)&body;
    head->args_size = UINT64_MAX - 3;
    CU_ASSERT_EQUAL(hayi_task_new(&farm, body.bytes, whole, &task, NULL),
                    HAY_EMISMATCH);
}

static void range_record_that_is_cut_is_refused(void)
{
    const struct hayi_range_record head = {.in_bytes = 24, .count = 3};
    memcpy(body.bytes, &head, sizeof(head));
    for (size_t size = 0; size < sizeof(head) + 24; size++) {
        CU_ASSERT_EQUAL(
            hayi_task_new_range(&farm, body.bytes, size, &task, NULL),
            HAY_EMISMATCH);
    }
}

/* ---- calls ---- */

static double result_double(void)
{
    struct hayi_value value;
    size_t used;
    double x = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_read(
            task->result.data, task->result.size, &value, &used, NULL),
        HAY_OK);
    memcpy(&x, value.data, sizeof(x));
    return x;
}

static void result_is_what_was_returned(void)
{
    run_call(adds, HAY_ARGS(hay_double(1.5), hay_int64(2)));
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(result_double(), 3.5);
    CU_ASSERT_STRING_EQUAL(task->error.text, "");
}

static void wrong_argument_fails_it_in_words(void)
{
    run_call(adds, HAY_ARGS(hay_double(1.5), hay_double(2)));
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_STRING_EQUAL(task->error.text,
                           "argument 1 is a double, not an int64");
    CU_ASSERT_EQUAL(task->result.size, 0);
}

static void missing_argument_fails_it_in_words(void)
{
    run_call(adds, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_STRING_EQUAL(task->error.text,
                           "there is no argument 0 (it has 0)");
}

static void failure_has_code_and_words_and_no_result(void)
{
    run_call(fails, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->exit_code, 42);
    CU_ASSERT_STRING_EQUAL(task->error.text, "no peak in survey");
    CU_ASSERT_EQUAL(task->result.size, 0);
}

static void status_without_words_gets_some(void)
{
    run_call(says_nothing, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_STRING_EQUAL(task->error.text, "the function returned HAY_EIO");
}

static void failures_that_it_got_over_are_forgotten(void)
{
    run_call(fails_first, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(task->exit_code, 0);
    CU_ASSERT_STRING_EQUAL(task->error.text, "");
}

static void null_results_are_refused(void)
{
    run_call(gives_null, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_STRING_EQUAL(task->error.text, "the result is NULL");
}

static void giving_up_counts_as_cancelled_only_when_asked_for(void)
{
    run_call(gives_up, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    teardown();
    size_t size = put_call(gives_up, HAY_NO_ARGS, "");
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    atomic_store(&task->cancelled, 1);
    hayi_task_run(task);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_CANCELLED);
}

static void unknown_function_fails(void)
{
    run_call(NULL, HAY_NO_ARGS);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_STRING_EQUAL(task->error.text, "no such function here");
}

static void damaged_arguments_fail_it_before_it_runs(void)
{
    size_t size = put_call(adds, HAY_ARGS(hay_double(1), hay_int64(2)), "");
    struct hayi_task_record *head = (struct hayi_task_record *)&body;
    memset(head + 1, 0xff, head->args_size);
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    hayi_task_run(task);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_TRUE(task->error.text[0] != 0);
}

static void run_limited(hay_task_fn function, uint64_t first, uint64_t second)
{
    teardown();
    size_t size = put_call(function, HAY_NO_ARGS, "");
    struct hayi_task_record *head = (struct hayi_task_record *)&body;
    head->output_limit_bytes = 60;
    sizes[0] = first;
    sizes[1] = second;
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    hayi_task_run(task);
}

static void check_too_large(void)
{
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FARM);
    CU_ASSERT_EQUAL(task->cause, HAY_CAUSE_OUTPUT_LIMIT);
    CU_ASSERT_EQUAL(task->result.size, 0);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(task->error.text, "output limit of 60 bytes"));
}

static void result_above_the_limit_fails_it(void)
{
    run_limited(gives_bytes, 1, 60);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    run_limited(gives_bytes, 1, 61);
    check_too_large();
    run_limited(overlooks_it, 61, 0);
    check_too_large();
}

static void last_result_counts_for_the_limit(void)
{
    run_limited(gives_bytes, 100, 10);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_STRING_EQUAL(task->error.text, "");
    run_limited(gives_bytes, 50, 50);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
}

static void several_results_have_one_limit(void)
{
    run_limited(gives_two, 30, 30);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    run_limited(gives_two, 30, 31);
    check_too_large();
}

static void log_lines_name_the_task(void)
{
    size_t size = put_call(tells, HAY_NO_ARGS, "fit");
    CU_ASSERT_EQUAL_FATAL(hayi_task_new(&farm, body.bytes, size, &task, NULL),
                          HAY_OK);
    hayi_task_run(task);
    CU_ASSERT_STRING_EQUAL(logged, "task 17 (fit): fit 3");
}

/* ---- ranges ---- */

static struct hayi_range_record range_of(hay_map_fn function, uint64_t count)
{
    return (struct hayi_range_record){
        .function = hayi_registry_find_map(function),
        .count = count,
        .attempt = 1,
    };
}

static void
run_range(const struct hayi_range_record *head, const void *in, bool cancelled)
{
    size_t size = hayi_record_size(sizeof(*head), &head->in_bytes, 1);
    memset(&body, 0, sizeof(body));
    memcpy(body.bytes, head, sizeof(*head));
    if (head->in_bytes > 0) {
        memcpy(body.bytes + sizeof(*head), in, head->in_bytes);
    }
    CU_ASSERT_EQUAL_FATAL(
        hayi_task_new_range(&farm, body.bytes, size, &task, NULL), HAY_OK);
    atomic_store(&task->cancelled, cancelled);
    hayi_task_run(task);
}

static void range_works_on_the_items_it_brought(void)
{
    const int32_t in[4] = {1, 2, 3, 4};
    struct hayi_range_record head = range_of(halves, 4);
    head.in_bytes = sizeof(in);
    run_range(&head, in, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(task->items_done, 4);
    CU_ASSERT_EQUAL(task->result.size, 4 * sizeof(double));
    CU_ASSERT_EQUAL(((double *)task->result.data)[3], 2);
}

static void range_works_in_the_callers_memory(void)
{
    const int32_t in[3] = {1, 2, 3};
    double out[3] = {0};
    struct hayi_range_record head = range_of(halves, 3);
    head.in_address = (uintptr_t)in;
    head.out_address = (uintptr_t)out;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->items_done, 3);
    CU_ASSERT_EQUAL(out[2], 1.5);
    CU_ASSERT_EQUAL(task->result.size, 0);
}

static void range_of_indices_counts_from_the_first(void)
{
    enum { MANY = 10000 }; /* more than one block */
    struct hayi_range_record head = range_of(numbers, MANY);
    head.indices = 1;
    head.first = 50;
    head.first_index = 1000;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->items_done, MANY);
    const uint64_t *out = (const uint64_t *)task->result.data;
    CU_ASSERT_EQUAL(out[0], 1050);
    CU_ASSERT_EQUAL(out[MANY - 1], 1050 + MANY - 1);
}

static void failing_items_are_told_and_the_others_done(void)
{
    const int32_t in[6] = {13, 2, -1, 4, 13, 6};
    struct hayi_range_record head = range_of(halves, 6);
    head.in_bytes = sizeof(in);
    run_range(&head, in, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
    CU_ASSERT_EQUAL(task->items_done, 6);
    CU_ASSERT_EQUAL(task->items_failed, 3);
    CU_ASSERT_EQUAL_FATAL(task->failure_count, 3);
    CU_ASSERT_EQUAL(task->failures[0].item, 0);
    CU_ASSERT_EQUAL(task->failures[0].code, 3);
    CU_ASSERT_EQUAL(task->failures[1].item, 2);
    CU_ASSERT_EQUAL(task->failures[1].status, HAY_EIO);
    CU_ASSERT_EQUAL(task->failures[1].code, 0);
    CU_ASSERT_EQUAL(task->failures[2].item, 4);
    CU_ASSERT_STRING_EQUAL((const char *)task->failure_text.data, "unlucky 13");
}

static void first_failure_stops_it_where_that_is_wanted(void)
{
    const int32_t in[5] = {1, 2, 13, 4, 5};
    struct hayi_range_record head = range_of(halves, 5);
    head.in_bytes = sizeof(in);
    head.stop_on_failure = 1;
    run_range(&head, in, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->items_done, 3);
    CU_ASSERT_EQUAL(task->items_failed, 1);
    CU_ASSERT_EQUAL(task->result.size, 3 * sizeof(double));
}

static void own_map_functions_failure_is_told_once(void)
{
    struct hayi_range_record head = range_of(own_map, 10);
    head.indices = 1;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->items_done, 3);
    CU_ASSERT_EQUAL(task->items_failed, 1);
    CU_ASSERT_EQUAL_FATAL(task->failure_count, 1);
    CU_ASSERT_EQUAL(task->failures[0].item, 2);
}

static void told_range_stops_as_cancelled(void)
{
    struct hayi_range_record head = range_of(numbers, 100000);
    head.indices = 1;
    run_range(&head, NULL, true);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_CANCELLED);
    CU_ASSERT_EQUAL(task->items_done, 0);
}

/* What it did not get to has not failed. */
static void told_range_whose_item_fails_is_cancelled(void)
{
    struct hayi_range_record head = range_of(is_told_and_fails, 10);
    head.indices = 1;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_CANCELLED);
    CU_ASSERT_EQUAL(task->items_done, 2);
    CU_ASSERT_EQUAL(task->items_failed, 1);
}

static void lengths_that_do_not_fit_are_refused(void)
{
    const int32_t in[2] = {1, 2};
    struct hayi_range_record head = range_of(halves, 3);
    head.in_bytes = sizeof(in); /* 3 items would be read */
    run_range(&head, in, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    CU_ASSERT_EQUAL(task->items_done, 0);
    teardown();
    head = range_of(halves, UINT64_MAX / 4); /* times 8 wraps round */
    head.in_address = (uintptr_t)in;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
    teardown();
    head = range_of(halves, 2); /* 4-byte items are no indices */
    head.indices = 1;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FAILED);
}

static void calls_have_no_range_and_ranges_no_arguments(void)
{
    struct hayi_range_record head = range_of(numbers, 1);
    head.function = hayi_registry_find(adds);
    head.indices = 1;
    run_range(&head, NULL, false);
    CU_ASSERT_STRING_EQUAL(task->error.text, "no such map function here");
    CU_ASSERT_EQUAL(hay_arg_count(task), 0);
    CU_ASSERT_EQUAL(hay_return_double(task, 1), HAY_EINVAL);
}

static void items_draw_the_same_wherever_the_range_begins(void)
{
    uint64_t whole[8];
    struct hayi_range_record head = range_of(draws, 8);
    head.indices = 1;
    head.stream_key = 5;
    run_range(&head, NULL, false);
    memcpy(whole, task->result.data, sizeof(whole));
    teardown();
    head.first = 5;
    head.count = 3;
    run_range(&head, NULL, false);
    CU_ASSERT_EQUAL(memcmp(whole + 5, task->result.data, 24), 0);
    CU_ASSERT_NOT_EQUAL(whole[0], whole[1]);
}

static CU_TestInfo making[] = {
    {"record_and_tail_are_copied", record_and_tail_are_copied},
    {"freed_tasks_are_as_good_as_new", freed_tasks_are_as_good_as_new},
    {"record_that_is_cut_is_refused", record_that_is_cut_is_refused},
    {"range_record_that_is_cut_is_refused",
     range_record_that_is_cut_is_refused},
    {"result_is_what_was_returned", result_is_what_was_returned},
    {"wrong_argument_fails_it_in_words", wrong_argument_fails_it_in_words},
    {"missing_argument_fails_it_in_words", missing_argument_fails_it_in_words},
    {"failure_has_code_and_words_and_no_result",
     failure_has_code_and_words_and_no_result},
    {"status_without_words_gets_some", status_without_words_gets_some},
    {"failures_that_it_got_over_are_forgotten",
     failures_that_it_got_over_are_forgotten},
    {"null_results_are_refused", null_results_are_refused},
    {"giving_up_counts_as_cancelled_only_when_asked_for",
     giving_up_counts_as_cancelled_only_when_asked_for},
    {"unknown_function_fails", unknown_function_fails},
    {"damaged_arguments_fail_it_before_it_runs",
     damaged_arguments_fail_it_before_it_runs},
    {"result_above_the_limit_fails_it", result_above_the_limit_fails_it},
    {"last_result_counts_for_the_limit", last_result_counts_for_the_limit},
    {"several_results_have_one_limit", several_results_have_one_limit},
    {"log_lines_name_the_task", log_lines_name_the_task},
    {"range_works_on_the_items_it_brought",
     range_works_on_the_items_it_brought},
    {"range_works_in_the_callers_memory", range_works_in_the_callers_memory},
    {"range_of_indices_counts_from_the_first",
     range_of_indices_counts_from_the_first},
    {"failing_items_are_told_and_the_others_done",
     failing_items_are_told_and_the_others_done},
    {"first_failure_stops_it_where_that_is_wanted",
     first_failure_stops_it_where_that_is_wanted},
    {"own_map_functions_failure_is_told_once",
     own_map_functions_failure_is_told_once},
    {"told_range_stops_as_cancelled", told_range_stops_as_cancelled},
    {"told_range_whose_item_fails_is_cancelled",
     told_range_whose_item_fails_is_cancelled},
    {"lengths_that_do_not_fit_are_refused",
     lengths_that_do_not_fit_are_refused},
    {"calls_have_no_range_and_ranges_no_arguments",
     calls_have_no_range_and_ranges_no_arguments},
    {"items_draw_the_same_wherever_the_range_begins",
     items_draw_the_same_wherever_the_range_begins},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/task", setup_suite, NULL, NULL, teardown, making},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
