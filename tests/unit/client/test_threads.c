/* test_threads.c - the client under several threads and a manager of its own
 * thread; meant for the thread sanitizer as well. */
#include "config.h"

#include "base/clock.h"
#include "client/map.h"
#include "fake_manager.h"
#include "support/unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

HAY_TASK(work)
{
    return HAY_OK;
}

HAY_MAP_TASK(indexed, uint64_t, double)
{
    *out = (double)*in;
    return HAY_OK;
}

enum { THREADS = 3, TASKS = 2000 };

static struct fake fake;

static void setup(void)
{
    fake_open(&fake, NULL, true);
}

static void teardown(void)
{
    fake_close(&fake);
}

static void *run_all(void *(*function)(void *), void *data)
{
    pthread_t threads[THREADS];
    uintptr_t wrong = 0;
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, function, data) != 0) {
            abort();
        }
    }
    for (int i = 0; i < THREADS; i++) {
        void *result = NULL;
        (void)pthread_join(threads[i], &result);
        wrong += (uintptr_t)result;
    }
    return (void *)wrong;
}

static void *chain(void *data)
{
    uintptr_t wrong = 0;
    hay_future *before = NULL;
    (void)data;
    for (int i = 0; i < TASKS; i++) {
        hay_future *f = NULL;
        double d = -1;
        hay_status st =
            before == NULL
                ? hay_submit(fake.ex, work, HAY_ARGS(hay_double(i)), NULL, &f)
                : hay_submit(fake.ex,
                             work,
                             HAY_ARGS(hay_double(i), hay_ref(before)),
                             NULL,
                             &f);
        wrong += st != HAY_OK;
        if (i % 16 == 0) {
            wrong += hay_result_double(f, HAY_FOREVER, &d) != HAY_OK || d != i;
        }
        hay_future_release(before);
        before = f;
    }
    wrong += hay_future_wait(before, HAY_FOREVER) != HAY_OK;
    hay_future_release(before);
    return (void *)wrong;
}

static void chains_from_several_threads(void)
{
    CU_ASSERT_PTR_NULL(run_all(chain, NULL));
}

static void *little_room(void *data)
{
    uintptr_t wrong = 0;
    (void)data;
    for (int i = 0; i < TASKS; i++) {
        wrong += hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, NULL) != HAY_OK;
        wrong += atomic_load(&fake.ex->unfinished) > 4 + THREADS;
    }
    return (void *)wrong;
}

static void submits_share_little_room(void)
{
    fake.ex->pending_max = 4;
    CU_ASSERT_PTR_NULL(run_all(little_room, NULL));
}

/* All submit to one queue and all take from it, one by its descriptor. */
static void *share_queue(void *data)
{
    hay_queue *queue = data;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    uintptr_t wrong = 0;
    options.queue = queue;
    for (int i = 0; i < TASKS; i++) {
        wrong +=
            hay_submit(fake.ex, work, HAY_NO_ARGS, &options, NULL) != HAY_OK;
        if (i % 2 == 1) {
            hay_future *f = NULL;
            hay_status st = hay_queue_next(queue, HAY_FOREVER, &f);
            wrong += st != HAY_OK || !hay_future_done(f);
            hay_future_release(f);
        }
    }
    return (void *)wrong;
}

static void a_queue_is_shared(void)
{
    hay_queue *queue = NULL;
    hay_future *f = NULL;
    int fd = -1;
    size_t left = 0;
    CU_ASSERT_EQUAL(hay_queue_new(fake.ex, &queue), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_fd(queue, &fd), HAY_OK);
    CU_ASSERT_PTR_NULL(run_all(share_queue, queue));
    while (hay_queue_count(queue) > 0) {
        struct pollfd on = {.fd = fd, .events = POLLIN};
        CU_ASSERT_EQUAL(poll(&on, 1, 60000), 1);
        CU_ASSERT_EQUAL(hay_queue_next(queue, 0, &f), HAY_OK);
        hay_future_release(f);
        left++;
    }
    CU_ASSERT_EQUAL(left, THREADS * TASKS / 2);
    struct pollfd on = {.fd = fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&on, 1, 0), 0);
    hay_queue_free(queue);
}

static atomic_uint callbacks_done;
static atomic_uint callbacks_inside;

static void count_one(hay_future *future, void *data)
{
    (void)data;
    if (atomic_fetch_add(&callbacks_inside, 1) != 0
        || !hay_future_done(future)) {
        abort(); /* two at a time */
    }
    (void)atomic_fetch_add(&callbacks_done, 1);
    (void)atomic_fetch_sub(&callbacks_inside, 1);
}

static void *with_callbacks(void *data)
{
    uintptr_t wrong = 0;
    (void)data;
    for (int i = 0; i < TASKS; i++) {
        hay_future *f = NULL;
        wrong += hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f) != HAY_OK;
        wrong += hay_future_on_done(f, count_one, NULL) != HAY_OK;
        if (i % 8 == 0) {
            wrong += hay_future_wait(f, HAY_FOREVER) != HAY_OK;
        }
        hay_future_release(f);
    }
    return (void *)wrong;
}

static void callbacks_run_one_at_a_time(void)
{
    atomic_store(&callbacks_done, 0);
    CU_ASSERT_PTR_NULL(run_all(with_callbacks, NULL));
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, true, false), HAY_OK);
    CU_ASSERT_EQUAL(atomic_load(&callbacks_done), THREADS * TASKS);
}

/* Several threads wait for the same futures with short times, so that watches
 * are added, taken out and fired at the same time. */
static hay_future *shared[8];

static void *impatient(void *data)
{
    uintptr_t wrong = 0;
    size_t n = 0;
    (void)data;
    for (int i = 0; n < 8; i++) {
        hay_when when = (hay_when)(1 + i % 3);
        wrong += hay_wait(shared, 8, when, 1000, NULL, &n) != HAY_OK;
        if (i == 20) {
            for (int k = 0; k < 8; k++) {
                (void)hay_future_cancel(shared[k], 0);
            }
        }
    }
    return (void *)wrong;
}

static void impatient_waits_mix(void)
{
    for (int round = 0; round < 20; round++) {
        struct fake slow;
        fake_open(&slow, NULL, false);
        for (int k = 0; k < 8; k++) {
            CU_ASSERT_EQUAL(
                hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &shared[k]),
                HAY_OK);
        }
        CU_ASSERT_PTR_NULL(run_all(impatient, NULL));
        for (int k = 0; k < 8; k++) {
            hay_future_release(shared[k]);
        }
        fake_close(&slow);
    }
}

static void walk(bool ordered, uint64_t unread_max)
{
    enum { ITEMS = 5000 };
    static double out[ITEMS];
    static bool seen[ITEMS];
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    hay_map_iter *it = NULL;
    uint64_t index = 0;
    uint64_t count = 0;
    options.unread_max = unread_max;
    CU_ASSERT_EQUAL_FATAL(
        hay_map(fake.ex, indexed, &options, NULL, ITEMS, out, &map), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hay_map_iter_new(map, ordered, &it), HAY_OK);
    for (int i = 0; i < ITEMS; i++) {
        seen[i] = false;
    }
    while (hay_map_iter_next(it, HAY_FOREVER, &index) == HAY_OK) {
        CU_ASSERT(!ordered || index == count);
        CU_ASSERT_FALSE(seen[index]);
        seen[index] = true;
        count++;
    }
    CU_ASSERT_EQUAL(count, ITEMS);
    hay_map_iter_free(it);
    hay_future_release(map);
}

static void maps_are_walked_while_they_run(void)
{
    for (int i = 0; i < 10; i++) {
        walk(true, 0);
        walk(false, 0);
        walk(true, 64);
        walk(false, 64);
    }
}

static void *until_closed(void *data)
{
    hay_executor *ex = data;
    uintptr_t wrong = 0;
    hay_status st = HAY_OK;
    while (st == HAY_OK) {
        hay_future *f = NULL;
        st = hay_submit(ex, work, HAY_NO_ARGS, NULL, &f);
        if (st == HAY_OK) {
            hay_status cancel = hay_future_cancel(f, 0);
            wrong += cancel != HAY_OK && cancel != HAY_EINVAL;
            wrong += hay_future_wait(f, HAY_FOREVER) != HAY_OK;
        }
        hay_future_release(f);
    }
    wrong += st != HAY_ECLOSED;
    return (void *)wrong;
}

static void submits_and_cancels_race_with_the_end(void)
{
    for (int round = 0; round < 50; round++) {
        struct fake short_lived;
        pthread_t thread;
        void *wrong = NULL;
        fake_open(&short_lived, NULL, true);
        hayi_executor_retain(short_lived.ex);
        if (pthread_create(&thread, NULL, until_closed, short_lived.ex) != 0) {
            abort();
        }
        while (atomic_load(&short_lived.ex->next_id) < 5) {
        }
        CU_ASSERT_EQUAL(hay_shutdown(short_lived.ex, true, false), HAY_OK);
        (void)pthread_join(thread, &wrong);
        CU_ASSERT_PTR_NULL(wrong);
        hay_executor *ex = short_lived.ex;
        fake_close(&short_lived);
        hayi_executor_release(ex);
    }
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(chains_from_several_threads),
    TEST(submits_share_little_room),
    TEST(a_queue_is_shared),
    TEST(callbacks_run_one_at_a_time),
    TEST(impatient_waits_mix),
    TEST(maps_are_walked_while_they_run),
    TEST(submits_and_cancels_race_with_the_end),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/threads", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
