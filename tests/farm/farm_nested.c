/* farm_nested.c - tasks that submit tasks and wait for them, in one process.
 *
 * farm_nested [TEST]
 */
#include "config.h"

#include "nested_support.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>

static int64_t fib_of(int64_t n)
{
    return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

/* ---- how many run at once ------------------------------------------------ */

static atomic_int running, running_max;

static void begins(int cores)
{
    int now = atomic_fetch_add(&running, cores) + cores;
    int most = atomic_load(&running_max);
    while (now > most
           && !atomic_compare_exchange_weak(&running_max, &most, now)) {
    }
}

static void ends(int cores)
{
    (void)atomic_fetch_sub(&running, cores);
}

/* Wait without being counted. */
static hay_status await(hay_future *future, int cores)
{
    ends(cores);
    hay_status st = hay_future_wait(future, HAY_FOREVER);
    begins(cores);
    return st;
}

/* ---- both styles --------------------------------------------------------- */

HAY_TASK(fib)
{
    int64_t n = 0;
    int64_t value[2] = {0, 0};
    hay_future *part[2] = {NULL, NULL};
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    begins(1);
    for (int i = 0; i < 2; i++) {
        NEEDS(
            hay_submit(ex, fib, HAY_ARGS(hay_int64(n - 1 - i)), NULL, &part[i])
            == HAY_OK);
    }
    for (int i = 0; i < 2; i++) {
        NEEDS(await(part[i], 1) == HAY_OK);
        NEEDS(hay_result_int64(part[i], 0, &value[i]) == HAY_OK);
        hay_future_release(part[i]);
    }
    ends(1);
    return hay_return_int64(task, value[0] + value[1]);
}

HAY_TASK(add)
{
    int64_t a = 0;
    int64_t b = 0;
    HAY_TRY(hay_arg_int64(task, 0, &a));
    HAY_TRY(hay_arg_int64(task, 1, &b));
    return hay_return_int64(task, a + b);
}

HAY_TASK(fib_by_future)
{
    int64_t n = 0;
    hay_future *part[2] = {NULL, NULL};
    hay_future *sum = NULL;
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    for (int i = 0; i < 2; i++) {
        NEEDS(hay_submit(ex,
                         fib_by_future,
                         HAY_ARGS(hay_int64(n - 1 - i)),
                         NULL,
                         &part[i])
              == HAY_OK);
    }
    NEEDS(hay_submit(
              ex, add, HAY_ARGS(hay_ref(part[0]), hay_ref(part[1])), NULL, &sum)
          == HAY_OK);
    hay_status st = hay_return_future(task, sum);
    hay_future_release(part[0]);
    hay_future_release(part[1]);
    hay_future_release(sum);
    return st;
}

/* Under the thread sanitizer that takes minutes. */
#ifdef __SANITIZE_THREAD__
enum { FIB = 16 };
#else
enum { FIB = 25 };
#endif

static void one_slot_ends_fibonacci_of_25_by_waiting(void)
{
    CHECK(call_on(1, fib, FIB) == fib_of(FIB));
}

static void one_slot_ends_fibonacci_of_25_by_returned_futures(void)
{
    CHECK(call_on(1, fib_by_future, FIB) == fib_of(FIB));
}

static void no_core_is_used_twice(void)
{
    for (uint32_t slots = 1; slots <= 3; slots++) {
        atomic_store(&running, 0);
        atomic_store(&running_max, 0);
        CHECK(call_on(slots, fib, 17) == fib_of(17));
        CHECK(atomic_load(&running_max) >= 1);
        CHECK(atomic_load(&running_max) <= (int)slots);
        CHECK(atomic_load(&running) == 0);
    }
}

/* ---- many that wait ------------------------------------------------------ */

HAY_TASK(leaf)
{
    int64_t n = 0;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    return hay_return_int64(task, n + 1);
}

/* Waits for one child. */
HAY_TASK(asks)
{
    int64_t n = 0;
    int64_t value = 0;
    hay_future *child = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    NEEDS(
        hay_submit(
            hay_task_executor(task), leaf, HAY_ARGS(hay_int64(n)), NULL, &child)
        == HAY_OK);
    NEEDS(hay_result_int64(child, HAY_FOREVER, &value) == HAY_OK);
    hay_future_release(child);
    return hay_return_int64(task, value);
}

static void ask_many(uint32_t slots, uint32_t suspended_max)
{
    enum { MANY = 1000 };
    static hay_future *futures[MANY];
    hay_executor *ex = open_farm(slots, suspended_max);
    for (int i = 0; i < MANY; i++) {
        CHECK(hay_submit(ex, asks, HAY_ARGS(hay_int64(i)), NULL, &futures[i])
              == HAY_OK);
    }
    for (int i = 0; i < MANY; i++) {
        int64_t value = 0;
        CHECK(hay_result_int64(futures[i], 60 * second_ns, &value) == HAY_OK);
        CHECK(value == i + 1);
        hay_future_release(futures[i]);
    }
    close_farm(ex);
}

static void a_thousand_parents_wait_at_once(void)
{
    ask_many(2, 0);
}

static void few_may_wait_and_all_end(void)
{
    ask_many(1, 3);
}

/* Its child waits for one, too, and so on. */
HAY_TASK(descends)
{
    int64_t n = 0;
    int64_t value = 0;
    hay_future *child = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n == 0) {
        return hay_return_int64(task, 0);
    }
    NEEDS(hay_submit(hay_task_executor(task),
                     descends,
                     HAY_ARGS(hay_int64(n - 1)),
                     NULL,
                     &child)
          == HAY_OK);
    NEEDS(hay_result_int64(child, HAY_FOREVER, &value) == HAY_OK);
    hay_future_release(child);
    return hay_return_int64(task, value + 1);
}

static void a_chain_deeper_than_may_wait_ends(void)
{
    hay_executor *ex = open_farm(1, 20);
    CHECK(call(ex, descends, 300, NULL) == 300);
    close_farm(ex);
}

/* ---- the other calls that wait ------------------------------------------- */

HAY_MAP_TASK(square, int64_t, int64_t)
{
    *out = *in * *in;
    return HAY_OK;
}

static hay_status walk(hay_task *task, hay_future *map, const int64_t *out)
{
    hay_map_iter *it = NULL;
    uint64_t index = 0;
    int64_t sum = 0;
    hay_status st = HAY_OK;
    NEEDS(hay_map_iter_new(map, true, &it) == HAY_OK);
    while ((st = hay_map_iter_next(it, HAY_FOREVER, &index)) == HAY_OK) {
        sum += out[index];
    }
    NEEDS(st == HAY_EEMPTY);
    hay_map_iter_free(it);
    return hay_return_int64(task, sum);
}

HAY_TASK(maps)
{
    enum { ITEMS = 1000 };
    int64_t in[ITEMS];
    int64_t out[ITEMS];
    hay_future *map = NULL;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    NEEDS(hay_map(hay_task_executor(task), square, NULL, in, ITEMS, out, &map)
          == HAY_OK);
    hay_status st = walk(task, map, out);
    NEEDS(hay_future_wait(map, HAY_FOREVER) == HAY_OK);
    hay_future_release(map);
    return st;
}

static void a_task_maps_and_walks(void)
{
    CHECK(call_on(1, maps, 0) == INT64_C(332833500));
}

HAY_MAP_TASK(asks_leaf, int64_t, int64_t)
{
    hay_future *child = NULL;
    NEEDS(hay_submit(hay_task_executor(task),
                     leaf,
                     HAY_ARGS(hay_int64(*in)),
                     NULL,
                     &child)
          == HAY_OK);
    NEEDS(hay_result_int64(child, HAY_FOREVER, out) == HAY_OK);
    hay_future_release(child);
    return HAY_OK;
}

static void items_of_a_map_wait_for_tasks(void)
{
    enum { ITEMS = 200 };
    int64_t in[ITEMS];
    int64_t out[ITEMS];
    hay_future *map = NULL;
    hay_executor *ex = open_farm(2, 0);
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    CHECK(hay_map(ex, asks_leaf, NULL, in, ITEMS, out, &map) == HAY_OK);
    CHECK(hay_future_wait(map, 60 * second_ns) == HAY_OK);
    CHECK(hay_future_state(map) == HAY_FINISHED);
    for (int i = 0; i < ITEMS; i++) {
        CHECK(out[i] == i + 1);
    }
    hay_future_release(map);
    close_farm(ex);
}

static hay_status count_one(hay_future *future, void *data)
{
    int64_t value = 0;
    HAY_TRY(hay_result_int64(future, 0, &value));
    *(int64_t *)data += value;
    return HAY_OK;
}

static void note(hay_future *future, void *data)
{
    (void)count_one(future, data);
}

static hay_status take_all(hay_task *task, hay_queue *queue, int64_t *sum)
{
    hay_future *next = NULL;
    hay_status st = HAY_OK;
    while ((st = hay_queue_next(queue, HAY_FOREVER, &next)) == HAY_OK) {
        NEEDS(count_one(next, sum) == HAY_OK);
        hay_future_release(next);
    }
    NEEDS(st == HAY_EEMPTY);
    hay_queue_free(queue);
    return HAY_OK;
}

/* Each way to wait sees each child once. */
HAY_TASK(waits_in_all_ways)
{
    enum { MANY = 30 };
    hay_future *futures[MANY];
    int64_t sums[3] = {0, 0, 0};
    size_t done = 0;
    hay_queue *queue = NULL;
    hay_executor *ex = hay_task_executor(task);
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    NEEDS(hay_queue_new(ex, &queue) == HAY_OK);
    options.queue = queue;
    for (int i = 0; i < MANY; i++) {
        NEEDS(
            hay_submit(ex, leaf, HAY_ARGS(hay_int64(i)), &options, &futures[i])
            == HAY_OK);
        NEEDS(hay_future_on_done(futures[i], note, &sums[2]) == HAY_OK);
    }
    NEEDS(hay_wait(futures, MANY, HAY_FIRST_COMPLETED, HAY_FOREVER, NULL, &done)
          == HAY_OK);
    NEEDS(done >= 1);
    NEEDS(take_all(task, queue, &sums[0]) == HAY_OK);
    NEEDS(hay_as_completed(futures, MANY, HAY_FOREVER, count_one, &sums[1])
          == HAY_OK);
    NEEDS(hay_wait(futures, MANY, HAY_ALL, HAY_FOREVER, NULL, &done) == HAY_OK);
    hay_dispatch(ex);
    NEEDS(done == MANY && sums[0] == sums[1]);
    for (int i = 0; i < MANY; i++) {
        hay_future_release(futures[i]);
    }
    return hay_return_int64(task, sums[0] == sums[2] ? sums[0] : -1);
}

static void every_waiting_call_works_in_tasks(void)
{
    hay_executor *ex = open_farm(1, 0);
    hay_future *future = NULL;
    int64_t value = 0;
    CHECK(
        hay_submit(ex, waits_in_all_ways, HAY_ARGS(hay_int64(0)), NULL, &future)
        == HAY_OK);
    /* Nobody else is to run its callbacks. */
    while (!hay_future_done(future)) {
        (void)poll(NULL, 0, 1);
    }
    CHECK(hay_result_int64(future, 0, &value) == HAY_OK);
    CHECK(value == 30 * 31 / 2);
    hay_future_release(future);
    close_farm(ex);
}

HAY_TASK(runs_until_told)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(loses_patience)
{
    hay_future *child = NULL;
    size_t done = 1;
    hay_executor *ex = hay_task_executor(task);
    NEEDS(hay_submit(ex, runs_until_told, HAY_NO_ARGS, NULL, &child) == HAY_OK);
    NEEDS(hay_future_wait(child, 0) == HAY_ETIMEDOUT);
    NEEDS(hay_future_wait(child, 20000000) == HAY_ETIMEDOUT);
    NEEDS(hay_wait(&child, 1, HAY_ALL, 20000000, NULL, &done) == HAY_OK);
    NEEDS(done == 0);
    hay_status st = hay_future_cancel(child, 0);
    NEEDS(st == HAY_OK || st == HAY_ERUNNING);
    NEEDS(hay_future_wait(child, HAY_FOREVER) == HAY_OK);
    NEEDS(hay_future_state(child) == HAY_CANCELLED);
    hay_future_release(child);
    return hay_return_int64(task, 5);
}

static void waits_have_time_limits_and_children_are_cancelled(void)
{
    CHECK(call_on(2, loses_patience, 0) == 5);
}

/* ---- limits, cores, streams ---------------------------------------------- */

HAY_TASK(sows)
{
    enum { MANY = 50 };
    hay_future *futures[MANY];
    for (int i = 0; i < MANY; i++) {
        NEEDS(hay_submit(hay_task_executor(task),
                         leaf,
                         HAY_ARGS(hay_int64(i)),
                         NULL,
                         &futures[i])
              == HAY_OK);
    }
    NEEDS(hay_wait(futures, MANY, HAY_ALL, HAY_FOREVER, NULL, NULL) == HAY_OK);
    for (int i = 0; i < MANY; i++) {
        hay_future_release(futures[i]);
    }
    return hay_return_int64(task, MANY);
}

static void a_task_may_exceed_pending_max(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    options.slots = 1;
    options.pending_max = 2;
    CHECK(hay_open_local(&options, &ex) == HAY_OK);
    CHECK(call(ex, sows, 0, NULL) == 50);
    close_farm(ex);
}

static hay_status wide_body(hay_task *task, int64_t n, hay_task_fn child_fn)
{
    int cores = (int)hay_task_cores(task);
    int64_t value = 0;
    hay_future *child = NULL;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.cores = n % 3 == 0 ? 1 : 2;
    begins(cores);
    if (n > 0) {
        NEEDS(hay_submit(hay_task_executor(task),
                         child_fn,
                         HAY_ARGS(hay_int64(n - 1)),
                         &options,
                         &child)
              == HAY_OK);
        NEEDS(await(child, cores) == HAY_OK);
        NEEDS(hay_result_int64(child, 0, &value) == HAY_OK);
        hay_future_release(child);
    }
    ends(cores);
    return hay_return_int64(task, value + 1);
}

HAY_TASK(wide)
{
    int64_t n = 0;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    return wide_body(task, n, wide);
}

static void wide_ones_give_all_their_cores_and_take_them_back(void)
{
    enum { MANY = 30 };
    hay_future *futures[MANY];
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_executor *ex = open_farm(3, 0);
    atomic_store(&running, 0);
    atomic_store(&running_max, 0);
    for (int i = 0; i < MANY; i++) {
        options.cores = 1 + (uint32_t)i % 3;
        CHECK(hay_submit(
                  ex, wide, HAY_ARGS(hay_int64(i % 7)), &options, &futures[i])
              == HAY_OK);
    }
    for (int i = 0; i < MANY; i++) {
        int64_t value = 0;
        CHECK(hay_result_int64(futures[i], 60 * second_ns, &value) == HAY_OK);
        CHECK(value == i % 7 + 1);
        hay_future_release(futures[i]);
    }
    close_farm(ex);
    CHECK(atomic_load(&running_max) <= 3);
}

HAY_TASK(draws)
{
    int64_t n = 0;
    uint64_t sum = 0;
    hay_future *child[2] = {NULL, NULL};
    HAY_TRY(hay_arg_int64(task, 0, &n));
    for (int i = 0; i < 2 && n > 0; i++) {
        NEEDS(hay_submit(hay_task_executor(task),
                         draws,
                         HAY_ARGS(hay_int64(n - 1)),
                         NULL,
                         &child[i])
              == HAY_OK);
    }
    for (int i = 0; i < 2 && n > 0; i++) {
        int64_t value = 0;
        sum += hay_task_random(task) % 1000;
        NEEDS(hay_result_int64(child[i], HAY_FOREVER, &value) == HAY_OK);
        sum = (sum * 31 + (uint64_t)value) % 1000000007;
        hay_future_release(child[i]);
    }
    sum += hay_task_random(task) % 1000;
    return hay_return_int64(task, (int64_t)(sum % 1000000007));
}

static void random_streams_of_children_do_not_depend_on_the_place(void)
{
    int64_t one = call_on(1, draws, 6);
    CHECK(one > 0);
    CHECK(call_on(1, draws, 6) == one);
    CHECK(call_on(3, draws, 6) == one);
}

static hay_executor *other;

HAY_TASK(asks_elsewhere)
{
    int64_t n = 0;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    return hay_return_int64(task, call(other, asks, n, NULL));
}

static void a_task_waits_for_another_farm(void)
{
    other = open_farm(1, 0);
    CHECK(call_on(1, asks_elsewhere, 4) == 5);
    close_farm(other);
}

/* ---- all ----------------------------------------------------------------- */

static const struct farm_test tests[] = {
    TEST(one_slot_ends_fibonacci_of_25_by_waiting),
    TEST(one_slot_ends_fibonacci_of_25_by_returned_futures),
    TEST(no_core_is_used_twice),
    TEST(a_thousand_parents_wait_at_once),
    TEST(few_may_wait_and_all_end),
    TEST(a_chain_deeper_than_may_wait_ends),
    TEST(a_task_maps_and_walks),
    TEST(items_of_a_map_wait_for_tasks),
    TEST(every_waiting_call_works_in_tasks),
    TEST(waits_have_time_limits_and_children_are_cancelled),
    TEST(a_task_may_exceed_pending_max),
    TEST(wide_ones_give_all_their_cores_and_take_them_back),
    TEST(random_streams_of_children_do_not_depend_on_the_place),
    TEST(a_task_waits_for_another_farm),
    {NULL, NULL},
};

int main(int argc, char **argv)
{
    return run_tests(tests, argc, argv);
}
