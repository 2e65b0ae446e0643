/* test_wait.c - hay_wait() and hay_as_completed(). */
#include "config.h"

#include "fake_manager.h"
#include "support/unit.h"

#include <string.h>

HAY_TASK(work)
{
    return HAY_OK;
}

enum { COUNT = 4 };
static struct fake fake;
static hay_future *f[COUNT];
static bool done[COUNT];
static size_t done_count;

static void setup(void)
{
    fake_open(&fake, NULL, false);
    for (int i = 0; i < COUNT; i++) {
        (void)hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f[i]);
    }
}

static void teardown(void)
{
    for (int i = 0; i < COUNT; i++) {
        hay_future_release(f[i]);
    }
    fake_close(&fake);
}

static void a_timeout_is_no_error(void)
{
    fake_finish(&fake, f[2]);
    CU_ASSERT_EQUAL(hay_wait(f, COUNT, HAY_ALL, 100000, done, &done_count),
                    HAY_OK);
    CU_ASSERT_EQUAL(done_count, 1);
    CU_ASSERT(!done[0] && !done[1] && done[2] && !done[3]);
    CU_ASSERT_EQUAL(hay_wait(f, COUNT, HAY_ALL, 0, NULL, NULL), HAY_OK);
}

static void waits_that_time_out_leave_nothing_behind(void)
{
    unsigned before = atomic_load(&fake.ex->refs);
    for (int i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(hay_wait(f, COUNT, HAY_ALL, 1, NULL, &done_count),
                        HAY_OK);
    }
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT_PTR_NULL(atomic_load(&f[i]->watches));
    }
    CU_ASSERT_EQUAL(atomic_load(&fake.ex->refs), before);
}

static void first_completed_takes_cancelled_ones_too(void)
{
    CU_ASSERT_EQUAL(hay_future_cancel(f[1], 0), HAY_OK);
    CU_ASSERT_EQUAL(
        hay_wait(f, COUNT, HAY_FIRST_COMPLETED, HAY_FOREVER, done, &done_count),
        HAY_OK);
    CU_ASSERT(done_count == 1 && done[1]);
}

static void first_failure_ignores_cancelled_ones(void)
{
    CU_ASSERT_EQUAL(hay_future_cancel(f[1], 0), HAY_OK);
    CU_ASSERT_EQUAL(
        hay_wait(f, COUNT, HAY_FIRST_FAILURE, 1000, done, &done_count), HAY_OK);
    CU_ASSERT_EQUAL(done_count, 1);
    fake_finish(&fake, f[0]);
    fake_fail(&fake, f[3], "no");
    CU_ASSERT_EQUAL(
        hay_wait(f, COUNT, HAY_FIRST_FAILURE, HAY_FOREVER, done, &done_count),
        HAY_OK);
    CU_ASSERT(done_count == 3 && !done[2]);
}

static void first_failure_without_one_waits_for_all(void)
{
    for (int i = 0; i < COUNT; i++) {
        fake_finish(&fake, f[i]);
    }
    CU_ASSERT_EQUAL(
        hay_wait(f, COUNT, HAY_FIRST_FAILURE, HAY_FOREVER, done, &done_count),
        HAY_OK);
    CU_ASSERT_EQUAL(done_count, COUNT);
}

static void wrong_calls_are_refused(void)
{
    hay_future *none[1] = {NULL};
    CU_ASSERT_EQUAL(hay_wait(f, COUNT, (hay_when)9, 0, done, &done_count),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_wait(none, 1, HAY_ALL, 0, done, &done_count),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(hay_wait(NULL, 0, HAY_ALL, HAY_FOREVER, NULL, &done_count),
                    HAY_OK);
    CU_ASSERT_EQUAL(done_count, 0);
}

struct helper {
    hay_executor *ex;
    int first, count; /* which it ends */
};

/* Ends some as soon as another thread sleeps. */
static void *end_when_asleep(void *data)
{
    const struct helper *helper = data;
    while (atomic_load(&helper->ex->changed.waiters) == 0) {
    }
    for (int i = 0; i < helper->count; i++) {
        fake_finish(&fake, f[helper->first + i]);
    }
    return NULL;
}

static void sleepers_are_woken(void)
{
    pthread_t thread;
    struct helper helper = {fake.ex, 1, 1};
    hay_future *twice[3] = {f[1], f[1], f[2]};
    CU_ASSERT_EQUAL_FATAL(
        pthread_create(&thread, NULL, end_when_asleep, &helper), 0);
    CU_ASSERT_EQUAL(
        hay_wait(twice, 3, HAY_FIRST_COMPLETED, HAY_FOREVER, done, &done_count),
        HAY_OK);
    CU_ASSERT(done_count == 2 && done[0] && done[1] && !done[2]);
    (void)pthread_join(thread, NULL);
    helper = (struct helper){fake.ex, 2, 2};
    CU_ASSERT_EQUAL_FATAL(
        pthread_create(&thread, NULL, end_when_asleep, &helper), 0);
    CU_ASSERT_EQUAL(hay_wait(f + 1, 3, HAY_ALL, HAY_FOREVER, NULL, NULL),
                    HAY_OK);
    (void)pthread_join(thread, NULL);
    helper = (struct helper){fake.ex, 0, 1};
    CU_ASSERT_EQUAL_FATAL(
        pthread_create(&thread, NULL, end_when_asleep, &helper), 0);
    CU_ASSERT_EQUAL(hay_future_wait(f[0], HAY_FOREVER), HAY_OK);
    (void)pthread_join(thread, NULL);
}

/* ---- as completed
 * ---------------------------------------------------------------- */

struct seen {
    hay_future *list[8];
    size_t count;
    size_t stop_at; /* 0: never */
};

static hay_status see(hay_future *future, void *data)
{
    struct seen *seen = data;
    seen->list[seen->count++] = future;
    if (seen->count == 1 && !hay_future_done(f[0])) {
        fake_finish(&fake, f[0]);
    }
    return seen->count == seen->stop_at ? HAY_EIO : HAY_OK;
}

static void each_comes_once_done_ones_first(void)
{
    struct seen seen = {.count = 0};
    hay_future *list[5] = {f[0], f[2], f[1], f[2], f[0]};
    fake_finish(&fake, f[1]);
    fake_finish(&fake, f[2]);
    CU_ASSERT_EQUAL(hay_as_completed(list, 5, HAY_FOREVER, see, &seen), HAY_OK);
    CU_ASSERT_EQUAL(seen.count, 3);
    CU_ASSERT_PTR_EQUAL(seen.list[0], f[2]);
    CU_ASSERT_PTR_EQUAL(seen.list[1], f[1]);
    CU_ASSERT_PTR_EQUAL(seen.list[2], f[0]);
}

static void a_timeout_tells_how_many_are_unfinished(void)
{
    struct seen seen = {.count = 0};
    fake_finish(&fake, f[1]);
    CU_ASSERT_EQUAL(hay_as_completed(f, COUNT, 100000, see, &seen),
                    HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(seen.count, 2);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "2 (of 4) futures are unfinished");
    for (int i = 0; i < COUNT; i++) {
        CU_ASSERT(atomic_load(&f[i]->watches) == NULL || hay_future_done(f[i]));
    }
}

static void each_may_stop_it(void)
{
    struct seen seen = {.stop_at = 1};
    fake_finish(&fake, f[1]);
    CU_ASSERT_EQUAL(hay_as_completed(f, COUNT, HAY_FOREVER, see, &seen),
                    HAY_EIO);
    CU_ASSERT_EQUAL(seen.count, 1);
    CU_ASSERT_EQUAL(hay_as_completed(NULL, 0, 0, see, &seen), HAY_OK);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(a_timeout_is_no_error),
    TEST(waits_that_time_out_leave_nothing_behind),
    TEST(first_completed_takes_cancelled_ones_too),
    TEST(first_failure_ignores_cancelled_ones),
    TEST(first_failure_without_one_waits_for_all),
    TEST(wrong_calls_are_refused),
    TEST(sleepers_are_woken),
    TEST(each_comes_once_done_ones_first),
    TEST(a_timeout_tells_how_many_are_unfinished),
    TEST(each_may_stop_it),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/wait", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
