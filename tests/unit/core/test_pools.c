/* test_pools.c - accounts of named amounts. */
#include "config.h"

#include "core/alloc.h"
#include "core/pools.h"
#include "support/unit.h"

enum { LICENCE = 3, DISK = 7 };

static struct hayi_pools pools;
static const struct hayi_booker somebody = {.class = 1};

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_pools_init(&pools, 4), HAY_OK);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_pools_fini(&pools);
}

static struct hayi_variant asks(uint32_t resource, uint64_t units)
{
    return (struct hayi_variant){
        .cores = 1,
        .amount_count = 1,
        .amounts = {{.resource = resource, .units = units}},
    };
}

static void workers_have_accounts_of_their_own(void)
{
    struct hayi_amount amounts[2] = {{.resource = DISK, .units = 20000},
                                     {.resource = LICENCE, .units = 15000}};
    struct hayi_variant v = asks(DISK, 15000);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, amounts, 2), HAY_OK);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 1, amounts, 1), HAY_OK);
    hayi_pools_book(&pools, 0, &v);
    CU_ASSERT_FALSE(hayi_pools_fit(&pools, 0, &v, somebody));
    CU_ASSERT_TRUE(hayi_pools_meet(&pools, 0, &v));
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 1, &v, somebody));
    CU_ASSERT_FALSE(hayi_pools_meet(&pools, 2, &v));
    CU_ASSERT_EQUAL(hayi_pools_free(&pools, 0, DISK), 5000);
    CU_ASSERT_EQUAL(hayi_pools_total(&pools, 1, LICENCE), 0);
    hayi_pools_check(&pools);
    hayi_pools_unbook(&pools, 0, &v);
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 0, &v, somebody));
}

static void the_farm_has_one_account(void)
{
    struct hayi_amount amount = {.resource = LICENCE, .units = 90000};
    struct hayi_variant v = asks(LICENCE, 20000);
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, LICENCE, 30000), HAY_OK);
    /* What a worker says of it does not count. */
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, &amount, 1), HAY_OK);
    CU_ASSERT_EQUAL(hayi_pools_total(&pools, 0, LICENCE), 30000);
    hayi_pools_book(&pools, 0, &v);
    CU_ASSERT_FALSE(hayi_pools_fit(&pools, 1, &v, somebody));
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, LICENCE, 10000), HAY_OK);
    hayi_pools_check(&pools);
    CU_ASSERT_FALSE(hayi_pools_meet(&pools, 1, &v));
    hayi_pools_unbook(&pools, 0, &v);
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, LICENCE, 20000), HAY_OK);
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 1, &v, somebody));
}

static void what_is_kept_is_for_one_class(void)
{
    struct hayi_variant v = asks(LICENCE, 10000);
    struct hayi_booker low = {.class = 2, .rank = 0};
    struct hayi_booker big = {.class = 3, .rank = 0};
    struct hayi_booker high = {.class = 4, .rank = 1};
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, LICENCE, 30000), HAY_OK);
    CU_ASSERT_TRUE(hayi_pools_keep(&pools, &v, big));
    CU_ASSERT_FALSE(hayi_pools_fit(&pools, 0, &v, low));
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 0, &v, big));
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 0, &v, high));
    CU_ASSERT_FALSE(hayi_pools_keep(&pools, &v, low));
    CU_ASSERT_TRUE(hayi_pools_keep(&pools, &v, high));
    CU_ASSERT_FALSE(hayi_pools_fit(&pools, 0, &v, big));
    hayi_pools_check(&pools);
    hayi_pools_open(&pools, big.class);
    CU_ASSERT_FALSE(hayi_pools_fit(&pools, 0, &v, big));
    hayi_pools_open(&pools, high.class);
    CU_ASSERT_TRUE(hayi_pools_fit(&pools, 0, &v, low));
    hayi_pools_check(&pools);
}

static void nonsense_is_refused(void)
{
    struct hayi_amount twice[2] = {{.resource = 1, .units = 1},
                                   {.resource = 1, .units = 2}};
    struct hayi_amount beyond = {.resource = HAYI_RESOURCE_MAX, .units = 1};
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, twice, 2), HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, &beyond, 1), HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, HAYI_RESOURCE_MAX, 1), HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, twice, 1), HAY_OK);
    CU_ASSERT_EQUAL(hayi_pools_set(&pools, 1, 1), HAY_EINVAL);
}

static void short_memory_changes_nothing(void)
{
    struct hayi_amount amount = {.resource = DISK, .units = 1};
    hayi_alloc_fail_at(1);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, &amount, 1), HAY_ENOMEM);
    CU_ASSERT_EQUAL(hayi_pools_total(&pools, 0, DISK), 0);
    CU_ASSERT_EQUAL(hayi_pools_join(&pools, 0, &amount, 1), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"workers_have_accounts_of_their_own", workers_have_accounts_of_their_own},
    {"the_farm_has_one_account", the_farm_has_one_account},
    {"what_is_kept_is_for_one_class", what_is_kept_is_for_one_class},
    {"nonsense_is_refused", nonsense_is_refused},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/pools", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
