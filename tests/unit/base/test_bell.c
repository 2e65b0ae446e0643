/* test_bell.c - a sleeping loop is woken, and only then is there a price. */
#include "config.h"

#include "base/bell.h"

#include "support/unit.h"

#include <poll.h>
#include <pthread.h>

static struct hayi_bell bell;

static void setup(void)
{
    CU_ASSERT_EQUAL(hayi_bell_init(&bell), HAY_OK);
}

static void teardown(void)
{
    hayi_bell_fini(&bell);
}

static bool readable(int timeout_ms)
{
    struct pollfd fd = {.fd = bell.fd, .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

static void ring_wakes_who_announced(void)
{
    hayi_bell_announce(&bell);
    hayi_bell_ring(&bell);
    CU_ASSERT_TRUE(readable(0));
    hayi_bell_awake(&bell);
    CU_ASSERT_FALSE(readable(0));
}

static void ring_while_awake_leaves_no_trace(void)
{
    hayi_bell_ring(&bell);
    CU_ASSERT_FALSE(readable(0));
    hayi_bell_announce(&bell);
    hayi_bell_awake(&bell);
    hayi_bell_ring(&bell);
    CU_ASSERT_FALSE(readable(0));
}

static void many_rings_wake_once(void)
{
    hayi_bell_announce(&bell);
    for (int i = 0; i < 100; i++) {
        hayi_bell_ring(&bell);
    }
    CU_ASSERT_TRUE(readable(0));
    hayi_bell_awake(&bell);
    CU_ASSERT_FALSE(readable(0));
}

static void fini_twice_is_harmless(void)
{
    hayi_bell_fini(&bell);
    hayi_bell_fini(&bell);
    CU_ASSERT_EQUAL(bell.fd, -1);
}

/* ---- two threads: work is made visible, then the bell is rung -------------
 */

enum { ROUNDS = 20000 };
static atomic_uint work;

static void *worker(void *argument)
{
    (void)argument;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        atomic_store_explicit(&work, i, memory_order_release);
        hayi_bell_ring(&bell);
    }
    return NULL;
}

/* The loop of bell.h; a lost ring would make poll() run into its limit. */
static void no_ring_is_lost(void)
{
    pthread_t thread;
    unsigned slept_in_vain = 0;
    atomic_store(&work, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, worker, NULL), 0);
    unsigned seen = 0;
    while (seen < ROUNDS) {
        hayi_bell_announce(&bell);
        unsigned now = atomic_load_explicit(&work, memory_order_acquire);
        if (now == seen && !readable(10000)) {
            slept_in_vain++;
        }
        hayi_bell_awake(&bell);
        seen = atomic_load_explicit(&work, memory_order_acquire);
    }
    (void)pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(slept_in_vain, 0);
}

static CU_TestInfo tests[] = {
    {"ring_wakes_who_announced", ring_wakes_who_announced},
    {"ring_while_awake_leaves_no_trace", ring_while_awake_leaves_no_trace},
    {"many_rings_wake_once", many_rings_wake_once},
    {"fini_twice_is_harmless", fini_twice_is_harmless},
    {"no_ring_is_lost", no_ring_is_lost},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/bell", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
