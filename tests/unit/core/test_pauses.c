/* test_pauses.c - who is due first. */
#include "config.h"

#include "core/alloc.h"
#include "core/pauses.h"
#include "support/unit.h"

static struct hayi_pauses pauses;

static void setup(void)
{
    hayi_pauses_init(&pauses);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_pauses_fini(&pauses);
}

static void add(uint64_t at_ns, hayi_handle task)
{
    CU_ASSERT_EQUAL_FATAL(hayi_pauses_reserve(&pauses), HAY_OK);
    hayi_pauses_add(&pauses, at_ns, task);
}

static void they_come_out_by_their_time(void)
{
    uint64_t last_ns = 0;
    CU_ASSERT_EQUAL(hayi_pauses_first_ns(&pauses), UINT64_MAX);
    for (uint64_t i = 0; i < 500; i++) {
        add(i * 7919 % 499, i);
    }
    for (uint64_t i = 0; i < 500; i++) {
        uint64_t at_ns = hayi_pauses_first_ns(&pauses);
        CU_ASSERT_TRUE(at_ns >= last_ns);
        CU_ASSERT_EQUAL(hayi_pauses_pop(&pauses) * 7919 % 499, at_ns);
        last_ns = at_ns;
    }
    CU_ASSERT_EQUAL(hayi_pauses_first_ns(&pauses), UINT64_MAX);
}

static void equal_times_keep_their_order(void)
{
    for (uint64_t i = 1; i <= 20; i++) {
        add(5, i);
    }
    for (uint64_t i = 1; i <= 20; i++) {
        CU_ASSERT_EQUAL(hayi_pauses_pop(&pauses), i);
    }
}

static void short_memory_changes_nothing(void)
{
    hayi_alloc_fail_at(1);
    CU_ASSERT_EQUAL(hayi_pauses_reserve(&pauses), HAY_ENOMEM);
    CU_ASSERT_EQUAL(pauses.count, 0);
    add(1, 9);
    CU_ASSERT_EQUAL(hayi_pauses_pop(&pauses), 9);
}

static CU_TestInfo tests[] = {
    {"they_come_out_by_their_time", they_come_out_by_their_time},
    {"equal_times_keep_their_order", equal_times_keep_their_order},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/pauses", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
