/* farm_limits.c - limits and further tries of the items of maps, against a real
 * farm: in one process and under mpirun.  Prints 'ok NAME' or 'not ok NAME:
 * line' for each behaviour. */
#include "config.h"

#include "run_tests.h"

#include <hayfork/hayfork.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static hay_executor *ex;
static const uint64_t second_ns = 1000000000;

enum { ITEMS = 300 };
static double given[ITEMS], got[ITEMS];

static hay_status
run_map(hay_map_fn function, const hay_map_options *options, hay_future **map)
{
    for (int i = 0; i < ITEMS; i++) {
        given[i] = i;
        got[i] = -1;
    }
    HAY_TRY(hay_map(ex, function, options, given, ITEMS, got, map));
    (void)hay_future_wait(*map, HAY_FOREVER);
    return HAY_OK;
}

/* The others are done. */
static bool only(hay_future *map,
                 const uint64_t *wrong,
                 size_t wrong_count,
                 hay_status status,
                 const char *words)
{
    const hay_map_failure *list = NULL;
    size_t count = 0;
    size_t at = 0;
    if (hay_map_failures(map, &list, &count) != HAY_OK
        || count != wrong_count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (list[i].index != wrong[i] || list[i].status != status
            || strstr(list[i].text, words) == NULL) {
            return false;
        }
    }
    for (int i = 0; i < ITEMS; i++) {
        if (at < count && wrong[at] == (uint64_t)i) {
            at++;
        } else if (got[i] != 2.0 * i) {
            return false;
        }
    }
    return true;
}

/* ---- limits ---- */

HAY_MAP_TASK(hangs, double, double)
{
    if (*in == 0 || *in == 5 || *in == 6) { /* for ever */
        for (;;) {
            (void)poll(NULL, 0, 1000);
        }
    }
    while (*in == 60) { /* until it is told */
        if (hay_task_cancelled(task)) {
            return HAY_ECANCELLED;
        }
        (void)poll(NULL, 0, 1);
    }
    *out = 2 * *in;
    return HAY_OK;
}

static void the_time_limit_of_a_map_is_each_items(void)
{
    static const uint64_t wrong[] = {0, 5, 6, 60};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.time_limit_ns = second_ns;
    options.grace_ns = second_ns / 10;
    CHECK(run_map(hangs, &options, &map) == HAY_OK);
    CHECK(only(map, wrong, 4, HAY_EFARM, "time limit of 1 s"));
    hay_future_release(map);
}

/* Item 200 takes what no limit allows.  All take a little, and leave it. */
HAY_MAP_TASK(takes, double, double)
{
    const size_t size = (size_t)1 << 20;
    for (int i = 0; i < (*in == 200 ? 512 : 1); i++) {
        char *all = malloc(size);
        for (size_t k = 0; all != NULL && k < size; k += 4096) {
            ((volatile char *)all)[k] = 1;
        }
    }
    while (*in == 200) {
        (void)poll(NULL, 0, 1000);
    }
    *out = 2 * *in;
    return HAY_OK;
}

static void the_memory_limit_of_a_map_is_each_items(void)
{
    static const uint64_t wrong[] = {200};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.memory_limit_bytes = (uint64_t)64 << 20;
    CHECK(run_map(takes, &options, &map) == HAY_OK);
    CHECK(only(map, wrong, 1, HAY_EFARM, "memory limit of 64.0 MiB"));
    hay_future_release(map);
}

static void threads_keep_no_limits(void)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.runner = HAY_RUNNER_THREAD;
    options.time_limit_ns = 1;
    CHECK(run_map(hangs, &options, &map) == HAY_EUNSUPPORTED);
    options.time_limit_ns = 0;
    options.memory_limit_bytes = 1;
    CHECK(run_map(hangs, &options, &map) == HAY_EUNSUPPORTED);
}

/* What item 200 takes fits into its third try (or is not seen before), what
 * item 201 takes into none. */
HAY_MAP_TASK(takes_more, double, double)
{
    const size_t size = (size_t)1 << 20;
    const int most = *in == 200 ? 160 : *in == 201 ? 512 : 1;
    for (int i = 0; i < most; i++) {
        char *all = malloc(size);
        for (size_t k = 0; all != NULL && k < size; k += 4096) {
            ((volatile char *)all)[k] = 1;
        }
    }
    while (*in == 201) {
        (void)poll(NULL, 0, 1000);
    }
    *out = 2 * *in;
    return HAY_OK;
}

static void an_item_may_try_with_more_memory(void)
{
    static const uint64_t wrong[] = {201};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.memory_limit_bytes = (uint64_t)64 << 20;
    options.memory_retries = 2;
    CHECK(run_map(takes_more, &options, &map) == HAY_OK);
    CHECK(only(map, wrong, 1, HAY_EFARM, "memory limit of 256.0 MiB"));
    hay_future_release(map);
}

static void more_memory_than_is_requested_is_refused(void)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.memory_retries = 1;
    CHECK(run_map(takes_more, &options, &map) == HAY_EINVAL);
    options.memory_limit_bytes = (uint64_t)64 << 20;
    options.request = "mem=100M";
    CHECK(run_map(takes_more, &options, &map) == HAY_EINVAL);
    CHECK(strstr(hay_error_text(), "the last try") != NULL);
    options.memory_retries = 17;
    CHECK(run_map(takes_more, &options, &map) == HAY_EINVAL);
}

/* ---- tries ---- */

HAY_MAP_TASK(fails_twice, double, double)
{
    static __thread int tried;
    *out = 2 * *in;
    return *in == 250 && tried++ % 3 < 2 ? HAY_ETASK : HAY_OK;
}

static void an_item_that_fails_has_its_tries(void)
{
    static const uint64_t wrong[] = {250};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    for (int process = 0; process < 2; process++) {
        options.runner = process == 0 ? HAY_RUNNER_THREAD : HAY_RUNNER_PROCESS;
        options.retries = 2;
        CHECK(run_map(fails_twice, &options, &map) == HAY_OK);
        CHECK(only(map, wrong, 0, HAY_OK, ""));
        hay_future_release(map);
    }
}

HAY_MAP_TASK(always_fails, double, double)
{
    *out = 2 * *in;
    return *in == 250 ? hay_task_fail(task, 3, "no more") : HAY_OK;
}

static void no_item_has_more_tries_than_it_may(void)
{
    static const uint64_t wrong[] = {250};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.retries = 4;
    CHECK(run_map(always_fails, &options, &map) == HAY_OK);
    CHECK(only(map, wrong, 1, HAY_ETASK, "no more"));
    hay_future_release(map);
}

/* How long the tries of item 250 were apart; the pauses double. */
HAY_MAP_TASK(fails_and_looks, double, double)
{
    static __thread uint64_t before_ns;
    struct timespec now;
    *out = 2 * *in;
    if (*in != 250) {
        return HAY_OK;
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
    uint64_t since_ns = before_ns == 0 ? 0 : now_ns - before_ns;
    before_ns = now_ns;
    return hay_task_fail(
        task, 3, "%s", since_ns >= second_ns / 5 ? "rested" : "hurried");
}

static void an_item_rests_before_its_next_try(void)
{
    static const uint64_t wrong[] = {250};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    for (int process = 0; process < 2; process++) {
        options.runner = process == 0 ? HAY_RUNNER_THREAD : HAY_RUNNER_PROCESS;
        options.retries = 2;
        options.retry_pause_ns = process == 0 ? second_ns / 10 : second_ns;
        /* Shorter than the second pause, which does not count. */
        options.time_limit_ns = process == 0 ? 0 : 3 * second_ns / 2;
        CHECK(run_map(fails_and_looks, &options, &map) == HAY_OK);
        CHECK(only(map, wrong, 1, HAY_ETASK, "rested"));
        hay_future_release(map);
    }
    options.retry_pause_ns = 3601 * second_ns;
    CHECK(run_map(fails_and_looks, &options, &map) == HAY_EINVAL);
}

/* Item 70 dies at its first try, item 90 at each. */
HAY_MAP_TASK(dies, double, double)
{
    if (*in == 90) {
        _exit(8);
    }
    if (*in == 70) {
        int fd = open("died.once", O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (fd >= 0) {
            (void)close(fd);
            _exit(7);
        }
    }
    *out = 2 * *in;
    return HAY_OK;
}

static void an_item_that_kills_has_its_tries(void)
{
    static const uint64_t wrong[] = {90};
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    options.runner = HAY_RUNNER_PROCESS;
    options.retries = 1;
    (void)unlink("died.once");
    CHECK(run_map(dies, &options, &map) == HAY_OK);
    CHECK(unlink("died.once") == 0);
    CHECK(only(map, wrong, 1, HAY_ETASK, "exit status 8"));
    hay_future_release(map);
}

/* ---- main ---- */

static const struct farm_test tests[] = {
    TEST(the_time_limit_of_a_map_is_each_items),
    TEST(the_memory_limit_of_a_map_is_each_items),
    TEST(an_item_may_try_with_more_memory),
    TEST(more_memory_than_is_requested_is_refused),
    TEST(threads_keep_no_limits),
    TEST(an_item_that_fails_has_its_tries),
    TEST(no_item_has_more_tries_than_it_may),
    TEST(an_item_rests_before_its_next_try),
    TEST(an_item_that_kills_has_its_tries),
    {NULL, NULL},
};

static int failed;

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    ex = executor;
    HAY_TRY(hay_executor_wait_workers(ex, 60 * second_ns));
    failed = run_tests(tests, argc, argv);
    return HAY_OK;
}

int main(int argc, char **argv)
{
    int status = hay_main(argc, argv, farm);
    return status != 0 ? status : failed;
}
