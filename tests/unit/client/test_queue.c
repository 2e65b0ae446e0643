/* test_queue.c - completion queues and their descriptor. */
#include "config.h"

#include "fake_manager.h"
#include "support/unit.h"

#include <poll.h>

HAY_TASK(work)
{
    return HAY_OK;
}

static struct fake fake;
static hay_queue *queue;

static void setup(void)
{
    fake_open(&fake, NULL, false);
    (void)hay_queue_new(fake.ex, &queue);
}

static void teardown(void)
{
    hay_queue_free(queue);
    fake_close(&fake);
}

static hay_future *submit(hay_queue *into)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    options.queue = into;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(fake.ex, work, HAY_NO_ARGS, &options, &future), HAY_OK);
    return future;
}

static void expect(hay_future *future)
{
    hay_future *next = NULL;
    CU_ASSERT_EQUAL(hay_queue_next(queue, HAY_FOREVER, &next), HAY_OK);
    CU_ASSERT_PTR_EQUAL(next, future);
    hay_future_release(next);
}

static bool readable(int fd)
{
    struct pollfd on = {.fd = fd, .events = POLLIN};
    return poll(&on, 1, 0) == 1;
}

static void futures_come_out_once_as_they_end(void)
{
    hay_future *f[3];
    hay_future *next = NULL;
    for (int i = 0; i < 3; i++) {
        f[i] = submit(i == 1 ? NULL : queue);
    }
    CU_ASSERT_EQUAL(hay_queue_add(queue, f[1]), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_count(queue), 3);
    CU_ASSERT_EQUAL(hay_queue_next(queue, 0, &next), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(hay_queue_next(queue, 100000, &next), HAY_ETIMEDOUT);
    fake_finish(&fake, f[2]);
    fake_fail(&fake, f[0], "no");
    expect(f[2]);
    expect(f[0]);
    CU_ASSERT_EQUAL(hay_queue_next(queue, 0, &next), HAY_ETIMEDOUT);
    CU_ASSERT_EQUAL(hay_future_cancel(f[1], 0), HAY_OK);
    expect(f[1]);
    CU_ASSERT_EQUAL(hay_queue_next(queue, HAY_FOREVER, &next), HAY_EEMPTY);
    CU_ASSERT_PTR_NULL(next);
    for (int i = 0; i < 3; i++) {
        hay_future_release(f[i]);
    }
}

static void done_ones_come_out_too(void)
{
    hay_future *f = submit(NULL);
    fake_finish(&fake, f);
    CU_ASSERT_EQUAL(hay_queue_add(queue, f), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_add(queue, f), HAY_OK);
    expect(f);
    expect(f);
    CU_ASSERT_EQUAL(hay_queue_add(queue, NULL), HAY_EINVAL);
    hay_future_release(f);
}

static void the_queue_keeps_its_own_count(void)
{
    hay_future *f = submit(queue);
    hay_future *next = NULL;
    hay_future_release(f);
    fake_finish(&fake, fake.held[0]);
    CU_ASSERT_EQUAL(hay_queue_next(queue, 0, &next), HAY_OK);
    CU_ASSERT_EQUAL(atomic_load(&next->refs), 1);
    hay_future_release(next);
}

static void the_descriptor_is_readable_while_there_is_one(void)
{
    hay_future *f[3];
    int fd = -1;
    int again = -1;
    for (int i = 0; i < 3; i++) {
        f[i] = submit(queue);
    }
    fake_finish(&fake, f[0]); /* before the descriptor was asked for */
    CU_ASSERT_EQUAL(hay_queue_fd(queue, &fd), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_fd(queue, &again), HAY_OK);
    CU_ASSERT_EQUAL(fd, again);
    CU_ASSERT_TRUE(readable(fd));
    expect(f[0]);
    CU_ASSERT_FALSE(readable(fd));
    fake_finish(&fake, f[1]);
    fake_finish(&fake, f[2]);
    CU_ASSERT_TRUE(readable(fd));
    expect(f[1]);
    CU_ASSERT_TRUE(readable(fd));
    expect(f[2]);
    CU_ASSERT_FALSE(readable(fd));
    for (int i = 0; i < 3; i++) {
        hay_future_release(f[i]);
    }
}

static void a_freed_queue_lets_go(void)
{
    hay_queue *other = NULL;
    int fd = -1;
    CU_ASSERT_EQUAL(hay_queue_new(fake.ex, &other), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_fd(other, &fd), HAY_OK);
    hay_future *f = submit(other);
    hay_future *g = submit(other);
    fake_finish(&fake, f);
    hay_queue_free(other);
    CU_ASSERT_EQUAL(atomic_load(&f->refs), 1);
    fake_finish(&fake, g);
    CU_ASSERT_EQUAL(atomic_load(&g->refs), 1);
    hay_future_release(f);
    hay_future_release(g);
    hay_queue_free(NULL);
}

static void futures_of_several_executors_mix(void)
{
    struct fake other;
    hay_future *g = NULL;
    fake_open(&other, NULL, false);
    hay_future *f = submit(queue);
    CU_ASSERT_EQUAL(hay_submit(other.ex, work, HAY_NO_ARGS, NULL, &g), HAY_OK);
    CU_ASSERT_EQUAL(hay_queue_add(queue, g), HAY_OK);
    fake_finish(&other, g);
    fake_finish(&fake, f);
    expect(g);
    expect(f);
    hay_future_release(f);
    hay_future_release(g);
    fake_close(&other);
}

/* A queue outlives its executor. */
static void queues_may_be_freed_late(void)
{
    struct fake other;
    hay_queue *late = NULL;
    hay_future *g = NULL;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    fake_open(&other, NULL, false);
    CU_ASSERT_EQUAL(hay_queue_new(other.ex, &late), HAY_OK);
    options.queue = late;
    CU_ASSERT_EQUAL(hay_submit(other.ex, work, HAY_NO_ARGS, &options, NULL),
                    HAY_OK);
    fake_close(&other);
    CU_ASSERT_EQUAL(hay_queue_next(late, HAY_FOREVER, &g), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_state(g), HAY_CANCELLED);
    hay_future_release(g);
    hay_queue_free(late);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(futures_come_out_once_as_they_end),
    TEST(done_ones_come_out_too),
    TEST(the_queue_keeps_its_own_count),
    TEST(the_descriptor_is_readable_while_there_is_one),
    TEST(a_freed_queue_lets_go),
    TEST(futures_of_several_executors_mix),
    TEST(queues_may_be_freed_late),
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/queue", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
