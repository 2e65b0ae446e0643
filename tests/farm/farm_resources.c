/* farm_resources.c - tasks that ask for what the farm has besides cores, on
 * real farms: farm_resources [hayfork's options]; each worker must have 4
 * slots, 2 gpus, lic=2 and the farm a limit few=2; see t_resources.sh. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 40, ITEMS = 400, GPUS = 16 };

static int failures;

#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            (void)printf("# line %d: %s (%s)\n",                               \
                         __LINE__,                                             \
                         #condition,                                           \
                         hay_error_text());                                    \
            return false;                                                      \
        }                                                                      \
    } while (0)

/* In a task: it fails, and says where. */
#define NEEDS(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            return hay_task_fail(                                              \
                task, __LINE__, "line %d: %s", __LINE__, #what);               \
        }                                                                      \
    } while (0)

static hay_runner runner; /* of functions, in this round */

static hay_task_options options_of(const char *request)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.request = request;
    options.runner = runner;
    return options;
}

/* ---- tasks --------------------------------------------------------------- */

/* Argument 0: "" or the variables that its process must have, "A=B A=B". */
static bool has_variables(const char *wanted)
{
    char word[100];
    int used = 0;
    while (sscanf(wanted, "%99s%n", word, &used) == 1) {
        char *equals = strchr(word, '=');
        *equals = 0;
        const char *value = getenv(word);
        if (value == NULL || strcmp(value, equals + 1) != 0) {
            (void)fprintf(stderr,
                          "%s is %s, not %s\n",
                          word,
                          value != NULL ? value : "not set",
                          equals + 1);
            return false;
        }
        wanted += used;
    }
    return true;
}

HAY_TASK(looks_at_half_a_gpu)
{
    int gpus[GPUS];
    const char *variables;
    HAY_TRY(hay_arg_string(task, 0, &variables));
    NEEDS(hay_task_gpus(task, gpus, GPUS) == 1);
    NEEDS(gpus[0] >= 0 && gpus[0] < 8);
    NEEDS(hay_task_amount(task, "gpus") == 0.5);
    NEEDS(hay_task_amount(task, "lic") == 1.25);
    NEEDS(hay_task_amount(task, "mem") == 1 << 20);
    NEEDS(hay_task_amount(task, "cores") == 2);
    NEEDS(hay_task_cores(task) == 2);
    NEEDS(hay_task_amount(task, "other") == 0);
    NEEDS(has_variables(variables));
    if (variables[0] != 0) {
        char number[20];
        (void)snprintf(number, sizeof(number), "%d", gpus[0]);
        NEEDS(strcmp(getenv("CUDA_VISIBLE_DEVICES"), number) == 0);
        NEEDS(strcmp(getenv("HAY_TASK_GPUS"), number) == 0);
    }
    return HAY_OK;
}

HAY_TASK(looks_at_two_gpus)
{
    int gpus[GPUS];
    NEEDS(hay_task_gpus(task, gpus, GPUS) == 2);
    NEEDS(gpus[0] != gpus[1]);
    NEEDS(hay_task_amount(task, "gpus") == 2);
    return HAY_OK;
}

HAY_TASK(looks_at_nothing)
{
    int gpus[GPUS];
    const char *variables;
    HAY_TRY(hay_arg_string(task, 0, &variables));
    NEEDS(hay_task_gpus(task, gpus, GPUS) == 0);
    NEEDS(hay_task_amount(task, "gpus") == 0);
    NEEDS(hay_task_amount(task, "lic") == 0);
    NEEDS(has_variables(variables));
    if (variables[0] != 0) {
        NEEDS(strcmp(getenv("CUDA_VISIBLE_DEVICES"), "") == 0);
        NEEDS(getenv("HAY_RES_LIC") == NULL);
        NEEDS(getenv("HAY_TASK_MEMORY") == NULL);
    }
    return HAY_OK;
}

HAY_TASK(tells_variant)
{
    return hay_return_int64(
        task, (int64_t)hay_task_variant(task) * 100 + hay_task_cores(task));
}

/* Its gpu, times 1000, and its worker. */
HAY_TASK(tells_gpu)
{
    int gpu = -1;
    NEEDS(hay_task_gpus(task, &gpu, 1) == 1);
    return hay_return_int64(task, gpu * 1000 + (int)hay_task_worker(task));
}

HAY_TASK(asks_for_more)
{
    hay_executor *ex = hay_task_executor(task);
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *child = NULL;
    options.request = "gpus=60 | cores=2 lic=1";
    NEEDS(ex != NULL);
    HAY_TRY(hay_submit(ex, tells_variant, HAY_NO_ARGS, &options, &child));
    hay_status status = hay_return_future(task, child);
    hay_future_release(child);
    return status;
}

HAY_MAP_TASK(item_has_its_part, uint64_t, uint64_t)
{
    int gpu = 0;
    NEEDS(hay_task_gpus(task, &gpu, 1) == 1);
    NEEDS(hay_task_amount(task, "gpus") == 0.5);
    NEEDS(hay_task_amount(task, "lic") == 1);
    *out = *in + 1;
    return HAY_OK;
}

/* ---- tests --------------------------------------------------------------- */

static bool passes(hay_executor *ex,
                   hay_task_fn fn,
                   hay_args args,
                   const hay_task_options *o)
{
    hay_future *future = NULL;
    hay_outcome outcome = {.size = sizeof(outcome)};
    CHECK(hay_submit(ex, fn, args, o, &future) == HAY_OK);
    hay_status status = hay_future_wait(future, HAY_FOREVER);
    if (status == HAY_OK) {
        status = hay_future_outcome(future, &outcome);
    }
    bool good = status == HAY_OK && outcome.state == HAY_FINISHED;
    if (!good) {
        (void)printf("# %s\n", outcome.reason != NULL ? outcome.reason : "?");
    }
    hay_future_release(future);
    return good;
}

static bool a_task_sees_what_it_was_given(hay_executor *ex)
{
    bool child = runner == HAY_RUNNER_PROCESS;
    hay_task_options o = options_of("gpus=0.5 lic=1.25 mem=1M");
    o.cores = 2;
    CHECK(passes(
        ex,
        looks_at_half_a_gpu,
        HAY_ARGS(hay_string(child ? "HAY_RES_LIC=1.25 HAY_RES_GPUS=0.5 "
                                    "HAY_TASK_MEMORY=1048576 HAY_TASK_VARIANT=0"
                                  : "")),
        &o));
    o = options_of(NULL);
    o.gpus = 2;
    CHECK(passes(ex, looks_at_two_gpus, HAY_NO_ARGS, &o));
    o = options_of(NULL);
    CHECK(passes(ex,
                 looks_at_nothing,
                 HAY_ARGS(hay_string(child ? "HAY_TASK_VARIANT=0" : "")),
                 &o));
    return true;
}

static bool
tells(hay_executor *ex, hay_task_fn fn, const char *request, int64_t wanted)
{
    hay_task_options o = options_of(request);
    hay_future *future = NULL;
    int64_t told = -1;
    CHECK(hay_submit(ex, fn, HAY_NO_ARGS, &o, &future) == HAY_OK);
    hay_status status = hay_result_int64(future, HAY_FOREVER, &told);
    hay_future_release(future);
    CHECK(status == HAY_OK);
    if (told != wanted) {
        (void)printf("# %lld, not %lld\n", (long long)told, (long long)wanted);
    }
    return told == wanted;
}

static bool alternatives_are_tried_in_order(hay_executor *ex)
{
    CHECK(tells(ex, tells_variant, "gpus=1 | cores=3", 1));
    CHECK(tells(ex, tells_variant, "gpus=60 | cores=3", 103));
    CHECK(tells(ex, tells_variant, "gpus=60 | lic=50 | cores=all", 204));
    return true;
}

static bool a_nested_task_asks_as_any_other(hay_executor *ex)
{
    return tells(ex, asks_for_more, NULL, 102);
}

/* The most of these outcomes that were there at the same time. */
static int most_at_once(const hay_outcome *list, const bool *counts, int n)
{
    int most = 0;
    for (int i = 0; i < n; i++) {
        int at = 0;
        for (int k = 0; k < n; k++) {
            at += counts[i] && counts[k] && list[k].start_ns <= list[i].start_ns
                  && list[i].start_ns < list[k].end_ns;
        }
        most = at > most ? at : most;
    }
    return most;
}

static bool a_limit_holds_for_all_workers(hay_executor *ex)
{
    static hay_future *futures[TASKS];
    static hay_outcome outcomes[TASKS];
    static bool all[TASKS];
    hay_task_options o = HAY_TASK_OPTIONS_INIT;
    o.category = "few";
    for (int i = 0; i < TASKS; i++) {
        all[i] = true;
        CHECK(hay_submit_fake(ex, 5000000, 0, &o, &futures[i]) == HAY_OK);
    }
    for (int i = 0; i < TASKS; i++) {
        outcomes[i] = (hay_outcome){.size = sizeof(hay_outcome)};
        CHECK(hay_future_wait(futures[i], HAY_FOREVER) == HAY_OK);
        CHECK(hay_future_outcome(futures[i], &outcomes[i]) == HAY_OK);
        hay_future_release(futures[i]);
    }
    int most = most_at_once(outcomes, all, TASKS);
    if (most != 2) {
        (void)printf("# %d at once\n", most);
    }
    return most == 2;
}

static bool two_halves_of_a_gpu_and_no_more(hay_executor *ex)
{
    static hay_future *futures[TASKS];
    static hay_outcome outcomes[TASKS];
    static int64_t told[TASKS];
    hay_task_options o = options_of("gpus=0.5");
    for (int i = 0; i < TASKS; i++) {
        CHECK(hay_submit(ex, tells_gpu, HAY_NO_ARGS, &o, &futures[i])
              == HAY_OK);
    }
    for (int i = 0; i < TASKS; i++) {
        outcomes[i] = (hay_outcome){.size = sizeof(hay_outcome)};
        CHECK(hay_result_int64(futures[i], HAY_FOREVER, &told[i]) == HAY_OK);
        CHECK(hay_future_outcome(futures[i], &outcomes[i]) == HAY_OK);
        hay_future_release(futures[i]);
    }
    for (int i = 0; i < TASKS; i++) {
        bool same[TASKS];
        for (int k = 0; k < TASKS; k++) {
            same[k] = told[k] / 1000 == told[i] / 1000;
            /* A gpu is one worker's. */
            CHECK(!same[k] || told[k] == told[i]);
        }
        CHECK(most_at_once(outcomes, same, TASKS) <= 2);
    }
    return true;
}

static bool ranges_of_a_map_have_their_part(hay_executor *ex)
{
    static uint64_t in[ITEMS];
    static uint64_t out[ITEMS];
    hay_map_options o = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    for (uint64_t i = 0; i < ITEMS; i++) {
        in[i] = i;
        out[i] = 0;
    }
    o.request = "gpus=0.5 lic=1";
    o.range_max = 7;
    o.runner = runner;
    CHECK(hay_map(ex, item_has_its_part, &o, in, ITEMS, out, &map) == HAY_OK);
    hay_status status = hay_future_wait(map, HAY_FOREVER);
    hay_outcome outcome = {.size = sizeof(outcome)};
    CHECK(status == HAY_OK && hay_future_outcome(map, &outcome) == HAY_OK);
    if (outcome.state != HAY_FINISHED) {
        (void)printf("# %s\n", outcome.reason);
    }
    CHECK(outcome.state == HAY_FINISHED);
    hay_future_release(map);
    for (uint64_t i = 0; i < ITEMS; i++) {
        CHECK(out[i] == i + 1);
    }
    o.request = "gpus=1.5";
    CHECK(hay_map(ex, item_has_its_part, &o, in, ITEMS, out, &map)
          == HAY_EINVAL);
    o.request = "gpus=50";
    CHECK(hay_map(ex, item_has_its_part, &o, in, ITEMS, out, &map)
          == HAY_EINFEASIBLE);
    return true;
}

static bool what_nobody_has_is_refused(hay_executor *ex)
{
    static const struct {
        const char *request;
        hay_status status;
        const char *words;
    } cases[] = {
        {"licence=1", HAY_EINFEASIBLE, "there is no licence"},
        {"lic=2.0001", HAY_EINFEASIBLE, "no worker has more than 2"},
        {"few=3", HAY_EINFEASIBLE, "limit is 2"},
        {"gpus=3", HAY_EINFEASIBLE, "no worker has more than 2"},
        {"cores=5", HAY_EINFEASIBLE, "no worker has more than 4"},
        {"lic=1 |", HAY_EINVAL, "empty"},
        {"lic=one", HAY_EINVAL, "amount"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        hay_task_options o = options_of(cases[i].request);
        hay_future *future = NULL;
        hay_status status =
            hay_submit(ex, tells_variant, HAY_NO_ARGS, &o, &future);
        if (status != cases[i].status
            || strstr(hay_error_text(), cases[i].words) == NULL) {
            (void)printf("# %s: %s\n", cases[i].request, hay_error_text());
            return false;
        }
        CHECK(hay_task_options_check(ex, &o, 0) == cases[i].status);
    }
    return true;
}

static void
test(hay_executor *ex, const char *name, bool (*function)(hay_executor *ex))
{
    const char *where = runner == HAY_RUNNER_PROCESS ? "process" : "thread";
    bool good = function(ex);
    failures += !good;
    (void)printf("%s %s (%s)\n", good ? "ok" : "not ok", name, where);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    for (int i = 0; i < 2; i++) {
        runner = i == 0 ? HAY_RUNNER_THREAD : HAY_RUNNER_PROCESS;
#define TEST(name) test(ex, #name, name)
        TEST(a_task_sees_what_it_was_given);
        TEST(alternatives_are_tried_in_order);
        TEST(a_nested_task_asks_as_any_other);
        TEST(two_halves_of_a_gpu_and_no_more);
        TEST(ranges_of_a_map_have_their_part);
        TEST(what_nobody_has_is_refused);
    }
    runner = HAY_RUNNER_THREAD;
    TEST(a_limit_holds_for_all_workers);
    return failures == 0 ? HAY_OK : HAY_ETASK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
