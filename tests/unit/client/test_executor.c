/* test_executor.c - shutdown, health, facts; memory that is short. */
#include "config.h"

#include "fake_manager.h"
#include "support/unit.h"

#include <stdlib.h>

HAY_TASK(work)
{
    return HAY_OK;
}

/* The linker sends the layer's allocations here (--wrap): the n-th fails. */
static int fail_at; /* 0: none */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool fails(void)
{
    if (fail_at > 0 && --fail_at == 0) {
        failed = true;
        return true;
    }
    return false;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

static struct fake fake;

static void setup(void)
{
    fake_open(&fake, NULL, false);
}

static void teardown(void)
{
    fake_close(&fake);
}

static void shutdown_may_be_called_again(void)
{
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(fake.closes, 1);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, true), HAY_OK);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, true), HAY_OK);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, false), HAY_OK);
    CU_ASSERT_EQUAL(fake.closes, 2);
    CU_ASSERT_EQUAL(fake.joins, 0);
    fake_stop(&fake);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, true, false), HAY_OK);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, true, true), HAY_OK);
    CU_ASSERT_EQUAL(fake.joins, 1);
}

static void shutdown_cancels_what_has_not_started(void)
{
    hay_future *f = NULL;
    hay_future *g = NULL;
    (void)hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f);
    (void)hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &g);
    hayi_future_set_state(g, HAY_RUNNING);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, false, true), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_state(f), HAY_CANCELLED);
    CU_ASSERT_EQUAL(hay_future_state(g), HAY_RUNNING);
    fake_finish(&fake, g);
    hay_future_release(f);
    hay_future_release(g);
}

static void a_broken_farm_says_which_worker(void)
{
    const struct hayi_error err = {HAY_EFARM, "worker 3 was lost"};
    CU_ASSERT_EQUAL(hay_executor_health(fake.ex), HAY_OK);
    hayi_executor_break(fake.ex, &err);
    CU_ASSERT_EQUAL(hay_executor_health(fake.ex), HAY_EFARM);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "worker 3 was lost");
    fake.join_status = HAY_EFARM;
    fake_stop(&fake);
    CU_ASSERT_EQUAL(hay_shutdown(fake.ex, true, false), HAY_EFARM);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "worker 3 was lost");
    fake.ex->workers_expected = 9;
    CU_ASSERT_EQUAL(hay_executor_wait_workers(fake.ex, HAY_FOREVER), HAY_EFARM);
}

static void facts_are_what_the_manager_published(void)
{
    hay_stats stats = {.size = sizeof(stats)};
    atomic_store(&fake.ex->stat[HAY_RUNNING], 3);
    atomic_store(&fake.ex->stat[6], 9);
    CU_ASSERT_EQUAL(hay_executor_stats(fake.ex, &stats), HAY_OK);
    CU_ASSERT(stats.running == 3 && stats.submitted == 9);
    CU_ASSERT(stats.workers == 1 && stats.cores == 4);
    stats.size = 1;
    CU_ASSERT_EQUAL(hay_executor_stats(fake.ex, &stats), HAY_EINVAL);
}

static void wrong_options_open_nothing(void)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    options.size = 2;
    CU_ASSERT_EQUAL(hayi_executor_new(&options, &ex), HAY_EINVAL);
    CU_ASSERT_PTR_NULL(ex);
    hay_options_init(&options);
    CU_ASSERT_EQUAL(options.size, sizeof(options));
    hay_executor_free(NULL);
}

static void posts_after_the_end_come_back(void)
{
    hay_future *f = NULL;
    (void)hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f);
    CU_ASSERT_FALSE(hayi_executor_quiet(fake.ex));
    fake_stop(&fake);
    CU_ASSERT_EQUAL(hay_future_cancel(f, 0), HAY_EINVAL);
    CU_ASSERT_EQUAL(fake.cancels, 0);
    CU_ASSERT_EQUAL(hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, NULL),
                    HAY_ECLOSED);
    fake_finish(&fake, f);
    CU_ASSERT_TRUE(hayi_executor_quiet(fake.ex));
    hay_future_release(f);
}

/* What a manager finds in its inbox after its end. */
static void late_items_are_refused(void)
{
    const struct hayi_error err = {HAY_EFARM, "worker 3 was lost"};
    hay_future *f[2] = {NULL, NULL};
    double d = 0;
    for (int i = 0; i < 2; i++) {
        (void)hay_submit(fake.ex, work, HAY_NO_ARGS, NULL, &f[i]);
    }
    fake.held_count = 0;
    hayi_executor_refuse(fake.ex, &f[0]->item);
    CU_ASSERT_EQUAL(hay_result_double(f[0], 0, &d), HAY_ECANCELLED);
    CU_ASSERT_STRING_EQUAL(hay_error_text(),
                           "task 1 was cancelled: the executor was shut down");
    hayi_executor_break(fake.ex, &err);
    hayi_executor_refuse(fake.ex, &f[1]->item);
    CU_ASSERT_EQUAL(hay_result_double(f[1], 0, &d), HAY_EFARM);
    struct hayi_cancel_item cancel = {.item.kind = HAYI_ITEM_CANCEL};
    hayi_executor_refuse(fake.ex, &cancel.item);
    CU_ASSERT(cancel.status == HAY_EINVAL && cancel.done == 1);
    CU_ASSERT_TRUE(hayi_executor_quiet(fake.ex));
    hay_future_release(f[0]);
    hay_future_release(f[1]);
}

/* One of each call, with the n-th allocation failing, for every n. */
static void nothing(hay_future *future, void *data)
{
    (void)future, (void)data;
}

static hay_status each(hay_future *future, void *data)
{
    (void)future, (void)data;
    return HAY_OK;
}

static hay_status everything(hay_executor *ex)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *f[2] = {NULL, NULL};
    size_t n = 0;
    hay_status st = hay_queue_new(ex, &options.queue);
    if (st == HAY_OK) {
        st = hay_submit(ex, work, HAY_NO_ARGS, &options, &f[0]);
    }
    if (st == HAY_OK) {
        st = hay_submit(ex, work, HAY_ARGS(hay_ref(f[0])), NULL, &f[1]);
    }
    if (st == HAY_OK) {
        st = hay_future_on_done(f[1], nothing, NULL);
    }
    if (st == HAY_OK) {
        st = hay_wait(f, 2, HAY_ALL, 1, NULL, &n);
    }
    if (st == HAY_OK) {
        st = hay_future_cancel(f[1], 0);
    }
    if (st == HAY_OK) {
        st = hay_as_completed(f + 1, 1, 0, each, NULL);
    }
    hay_future_release(f[0]);
    hay_future_release(f[1]);
    hay_queue_free(options.queue);
    return st;
}

static void spare_the_fake(bool begins)
{
    static int kept;
    if (begins) {
        kept = fail_at;
        fail_at = 0;
    } else {
        fail_at = kept;
    }
}

static void short_memory_is_told_and_harms_nothing(void)
{
    struct fake other;
    for (int n = 1;; n++) {
        failed = false;
        fake_open(&other, NULL, false);
        other.own_memory = spare_the_fake;
        fail_at = n;
        hay_status st = everything(other.ex);
        fail_at = 0;
        CU_ASSERT_EQUAL(st, failed ? HAY_ENOMEM : HAY_OK);
        CU_ASSERT_EQUAL(atomic_load(&other.ex->unfinished), other.held_count);
        fake_close(&other);
        if (!failed || n > 100) {
            CU_ASSERT(n > 8);
            break;
        }
    }
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(shutdown_may_be_called_again),
    TEST(shutdown_cancels_what_has_not_started),
    TEST(a_broken_farm_says_which_worker),
    TEST(facts_are_what_the_manager_published),
    TEST(wrong_options_open_nothing),
    TEST(posts_after_the_end_come_back),
    TEST(late_items_are_refused),
    TEST(short_memory_is_told_and_harms_nothing),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/executor", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
