/* test_leases.c - what attempts hold besides. */
#include "config.h"

#include "core/alloc.h"
#include "core/leases.h"
#include "support/unit.h"

static struct hayi_leases leases;

static void setup(void)
{
    hayi_leases_init(&leases);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_leases_fini(&leases);
}

static void add(uint32_t row, uint32_t variant)
{
    CU_ASSERT_EQUAL_FATAL(hayi_leases_reserve(&leases, row), HAY_OK);
    hayi_leases_add(&leases, row)->variant = variant;
}

static void rows_have_their_own(void)
{
    CU_ASSERT_FALSE(hayi_lease_is(&leases, 7));
    add(7, 1);
    add(100, 2);
    add(3, 3);
    CU_ASSERT_EQUAL(hayi_lease_of(&leases, 7)->variant, 1);
    CU_ASSERT_EQUAL(hayi_lease_of(&leases, 100)->variant, 2);
    CU_ASSERT_FALSE(hayi_lease_is(&leases, 8));
    CU_ASSERT_FALSE(hayi_lease_is(&leases, 100000));
    CU_ASSERT_EQUAL(leases.live, 3);
}

static void dropped_ones_are_used_again(void)
{
    for (uint32_t i = 0; i < 1000; i++) {
        add(i + 1, i);
        hayi_leases_drop(&leases, i + 1);
        CU_ASSERT_FALSE(hayi_lease_is(&leases, i + 1));
    }
    CU_ASSERT_EQUAL(leases.live, 0);
    CU_ASSERT_EQUAL(leases.count, 2);
}

static void short_memory_changes_nothing(void)
{
    for (uint64_t n = 1; n <= 2; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_leases_reserve(&leases, 5), HAY_ENOMEM);
        CU_ASSERT_FALSE(hayi_lease_is(&leases, 5));
        hayi_leases_fini(&leases);
    }
    hayi_alloc_fail_at(0);
    add(5, 1);
    CU_ASSERT_TRUE(hayi_lease_is(&leases, 5));
}

static CU_TestInfo tests[] = {
    {"rows_have_their_own", rows_have_their_own},
    {"dropped_ones_are_used_again", dropped_ones_are_used_again},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/leases", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
