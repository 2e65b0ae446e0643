/* farm_move.c - objects made on one rank and used on others: the same program
 * in one process, under mpirun, and on hosts of their own.  Prints 'ok NAME' or
 * 'not ok NAME: line'. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OBJECTS = 100, MIB = 1 << 20, PARTS = 12 };

static int failures;
static int wrong_line; /* of the running test; 0: none */

/* The first wrong line counts; the test ends there. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            wrong_line = __LINE__;                                             \
            (void)printf("# %s\n", hay_error_text());                          \
            return;                                                            \
        }                                                                      \
    } while (0)

static hay_executor *ex;
static uint32_t workers;

/* ---- tasks -----------------------------------------------------------------
 */

static uint64_t element(uint64_t number, uint64_t i)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * 3;
}

static hay_status make(hay_task *task, uint64_t number, uint64_t count)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc_array(task, HAY_U64, 1, &count, &data));
    for (uint64_t i = 0; i < count; i++) {
        ((uint64_t *)data)[i] = element(number, i);
    }
    return HAY_OK;
}

static hay_status
compare(hay_task *task, const hay_array_view *view, uint64_t number)
{
    const uint64_t *at = view->data;
    for (uint64_t i = 0; i < view->shape[0]; i++) {
        if (at[i] != element(number, i)) {
            return hay_task_fail(task,
                                 1,
                                 "element %" PRIu64 " of object %" PRIu64
                                 " is wrong",
                                 i,
                                 number);
        }
    }
    return HAY_OK;
}

/* number, count of elements */
HAY_TASK(makes)
{
    int64_t number;
    int64_t count;
    HAY_TRY(hay_arg_int64(task, 0, &number));
    HAY_TRY(hay_arg_int64(task, 1, &count));
    return make(task, (uint64_t)number, (uint64_t)count);
}

/* array, number; returns the worker */
HAY_TASK(compares)
{
    int64_t number;
    hay_array_view view;
    HAY_TRY(hay_arg_array(task, 0, &view));
    HAY_TRY(hay_arg_int64(task, 1, &number));
    HAY_TRY(compare(task, &view, (uint64_t)number));
    return hay_return_int64(task, (int64_t)hay_task_worker(task));
}

/* list of arrays, number of the first */
HAY_TASK(compares_list)
{
    int64_t number;
    size_t count = 0;
    HAY_TRY(hay_arg_list(task, 0, &count));
    HAY_TRY(hay_arg_int64(task, 1, &number));
    for (size_t i = 0; i < count; i++) {
        hay_array_view view;
        HAY_TRY(hay_arg_list_array(task, 0, i, &view));
        HAY_TRY(compare(task, &view, (uint64_t)number + i));
    }
    return hay_return_int64(task, (int64_t)count);
}

/* number of the first: PARTS results of growing size */
HAY_TASK(makes_parts)
{
    int64_t number;
    HAY_TRY(hay_arg_int64(task, 0, &number));
    HAY_TRY(hay_return_count(task, PARTS));
    for (size_t i = 0; i < PARTS; i++) {
        HAY_TRY(hay_return_select(task, i));
        HAY_TRY(make(task, (uint64_t)number + i, UINT64_C(16) << i));
    }
    return HAY_OK;
}

HAY_TASK(passes_on)
{
    return hay_return_arg(task, 0);
}

/* ---- helpers ---------------------------------------------------------------
 */

/* On worker number w, modulo what there is. */
static hay_future *submit_to(uint32_t w, hay_task_fn function, hay_args args)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    options.worker = 1 + w % workers;
    if (hay_submit(ex, function, args, &options, &future) != HAY_OK) {
        (void)printf("# %s\n", hay_error_text());
        exit(1);
    }
    return future;
}

static bool finished(hay_future *future)
{
    int64_t value = 0;
    return hay_result_int64(future, HAY_FOREVER, &value) == HAY_OK;
}

/* ---- tests -----------------------------------------------------------------
 */

static void objects_made_there_are_used_here(void)
{
    hay_future *made[OBJECTS];
    hay_future *used[OBJECTS];
    for (int i = 0; i < OBJECTS; i++) {
        made[i] = submit_to(
            0, makes, HAY_ARGS(hay_int64(i), hay_int64(MIB))); /* 8 MiB */
        used[i] =
            submit_to(1, compares, HAY_ARGS(hay_ref(made[i]), hay_int64(i)));
        hay_future_release(made[i]);
    }
    for (int i = 0; i < OBJECTS; i++) {
        CHECK(finished(used[i]));
        hay_future_release(used[i]);
    }
}

static void object_is_used_by_all_at_once(void)
{
    hay_future *made =
        submit_to(0, makes, HAY_ARGS(hay_int64(5), hay_int64(MIB)));
    hay_future *used[64];
    for (uint32_t i = 0; i < 64; i++) {
        used[i] = submit_to(i, compares, HAY_ARGS(hay_ref(made), hay_int64(5)));
    }
    for (uint32_t i = 0; i < 64; i++) {
        CHECK(finished(used[i]));
        hay_future_release(used[i]);
    }
    hay_future_release(made);
}

static void objects_of_all_workers_meet_in_one_task(void)
{
    hay_future *made[20];
    for (uint32_t i = 0; i < 20; i++) {
        made[i] = submit_to(
            i, makes, HAY_ARGS(hay_int64(100 + i), hay_int64(100000)));
    }
    for (uint32_t w = 0; w < 3; w++) {
        hay_future *all = submit_to(
            w, compares_list, HAY_ARGS(hay_refs(made, 20), hay_int64(100)));
        int64_t count = 0;
        CHECK(hay_result_int64(all, HAY_FOREVER, &count) == HAY_OK);
        CHECK(count == 20);
        hay_future_release(all);
    }
    for (uint32_t i = 0; i < 20; i++) {
        hay_future_release(made[i]);
    }
}

static void parts_of_a_result_are_used_elsewhere(void)
{
    hay_future *parts = submit_to(0, makes_parts, HAY_ARGS(hay_int64(40)));
    hay_future *used[PARTS];
    for (uint32_t i = 0; i < PARTS; i++) {
        used[i] = submit_to(
            1 + i, compares, HAY_ARGS(hay_ref_at(parts, i), hay_int64(40 + i)));
    }
    for (uint32_t i = 0; i < PARTS; i++) {
        CHECK(finished(used[i]));
        hay_future_release(used[i]);
    }
    hay_value value;
    CHECK(hay_result_at(parts, PARTS - 1, HAY_FOREVER, &value) == HAY_OK);
    CHECK(value.type == HAY_ARRAY && value.array.shape[0] == 16u << 11);
    CHECK(((const uint64_t *)value.array.data)[7] == element(51, 7));
    hay_future_release(parts);
}

static void object_is_passed_on_through_all_workers(void)
{
    hay_future *future =
        submit_to(0, makes, HAY_ARGS(hay_int64(8), hay_int64(MIB)));
    for (uint32_t w = 1; w < 6; w++) {
        hay_future *next = submit_to(w, passes_on, HAY_ARGS(hay_ref(future)));
        hay_future_release(future);
        future = next;
    }
    hay_array_view view;
    CHECK(hay_result_array(future, HAY_FOREVER, &view) == HAY_OK);
    CHECK(view.ndim == 1 && view.shape[0] == MIB);
    for (uint64_t i = 0; i < MIB; i++) {
        CHECK(((const uint64_t *)view.data)[i] == element(8, i));
    }
    hay_future_release(future);
}

static void released_while_it_is_moved(void)
{
    for (int i = 0; i < 20; i++) {
        hay_future *made =
            submit_to(0, makes, HAY_ARGS(hay_int64(i), hay_int64(MIB)));
        hay_future *used =
            submit_to(1, compares, HAY_ARGS(hay_ref(made), hay_int64(i)));
        (void)hay_future_wait(made, HAY_FOREVER);
        hay_future_release(made);
        if (i % 2 == 0) {
            hay_future_release(used);
            continue;
        }
        CHECK(finished(used));
        hay_future_release(used);
    }
}

/* The last one: whatever is under way, the farm ends in order. */
static void farm_ends_while_objects_move(void)
{
    hay_future *made[30];
    for (int i = 0; i < 30; i++) {
        made[i] = submit_to(
            (uint32_t)i, makes, HAY_ARGS(hay_int64(i), hay_int64(MIB)));
        for (uint32_t k = 1; k < 3; k++) {
            hay_future_release(
                submit_to((uint32_t)i + k,
                          compares,
                          HAY_ARGS(hay_ref(made[i]), hay_int64(i))));
        }
    }
    CHECK(hay_future_wait(made[3], HAY_FOREVER) == HAY_OK);
    CHECK(hay_shutdown(ex, true, true) == HAY_OK);
    for (int i = 0; i < 30; i++) {
        hay_future_release(made[i]);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} tests[] = {
    {"objects_made_there_are_used_here", objects_made_there_are_used_here},
    {"object_is_used_by_all_at_once", object_is_used_by_all_at_once},
    {"objects_of_all_workers_meet_in_one_task",
     objects_of_all_workers_meet_in_one_task},
    {"parts_of_a_result_are_used_elsewhere",
     parts_of_a_result_are_used_elsewhere},
    {"object_is_passed_on_through_all_workers",
     object_is_passed_on_through_all_workers},
    {"released_while_it_is_moved", released_while_it_is_moved},
    {"farm_ends_while_objects_move", farm_ends_while_objects_move},
};

/* Workers in all, where some join by hand. */
static uint32_t guests_expected(void)
{
    const char *text = getenv("FARM_MOVE_WORKERS");
    return text != NULL ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    hay_stats stats = {.size = sizeof(stats)};
    ex = executor;
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    HAY_TRY(hay_executor_stats(ex, &stats));
    while (stats.workers < guests_expected()) {
        (void)usleep(1000); /* there is no call that waits for guests */
        HAY_TRY(hay_executor_stats(ex, &stats));
    }
    workers = stats.workers;
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc > 1 && strstr(tests[i].name, argv[1]) == NULL) {
            continue;
        }
        wrong_line = 0;
        tests[i].run();
        if (wrong_line == 0) {
            (void)printf("ok %s\n", tests[i].name);
        } else {
            (void)printf("not ok %s: line %d\n", tests[i].name, wrong_line);
            failures++;
        }
        (void)fflush(stdout);
    }
    return failures == 0 ? HAY_OK : HAY_ETASK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
