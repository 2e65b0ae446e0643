/* test_requests.c - requests and their numbers. */
#include "config.h"

#include "core/alloc.h"
#include "core/requests.h"
#include "support/unit.h"

static struct hayi_requests requests;

static void setup(void)
{
    hayi_requests_init(&requests);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_requests_fini(&requests);
}

static uint32_t intern(const struct hayi_variant *variants, size_t count)
{
    uint32_t request = 0;
    CU_ASSERT_EQUAL(hayi_requests_intern(&requests, variants, count, &request),
                    HAY_OK);
    return request;
}

static void equal_ones_share_a_number(void)
{
    struct hayi_variant a = {
        .cores = 2,
        .amount_count = 2,
        .amounts = {{.resource = 5, .units = 1}, {.resource = 3, .units = 2}},
    };
    struct hayi_variant b = {
        .cores = 2,
        .amount_count = 2,
        .amounts = {{.resource = 3, .units = 2},
                    {.resource = 5, .units = 1},
                    {.resource = 9, .units = 9}},
    };
    struct hayi_variant both[2] = {a, {.cores = 16}};
    CU_ASSERT_EQUAL(intern(&a, 1), 1);
    CU_ASSERT_EQUAL(intern(&b, 1), 1);
    CU_ASSERT_EQUAL(intern(both, 2), 2);
    CU_ASSERT_EQUAL(intern(&a, 1), 1);
    CU_ASSERT_EQUAL(hayi_request_at(&requests, 1)->resources,
                    1u << 5 | 1u << 3);
    CU_ASSERT_EQUAL(hayi_request_at(&requests, 2)->variants[1].cores, 16);
}

static void the_order_of_variants_counts(void)
{
    struct hayi_variant two[2] = {{.cores = 1}, {.cores = 2}};
    struct hayi_variant other[2] = {{.cores = 2}, {.cores = 1}};
    CU_ASSERT_EQUAL(intern(two, 2), 1);
    CU_ASSERT_EQUAL(intern(other, 2), 2);
}

static void many_are_all_found(void)
{
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 3000; i++) {
            struct hayi_variant v = {.cores = 1, .memory_bytes = i};
            CU_ASSERT_EQUAL(intern(&v, 1), i + 1);
        }
    }
}

static void nonsense_is_refused(void)
{
    uint32_t request = 77;
    struct hayi_variant good = {.cores = 1};
    struct hayi_variant bad[] = {
        {.cores = 0},
        {.cores = 1, .gpu_units = HAYI_AMOUNT_ONE + 1},
        {.cores = 1, .gpu_units = 65 * HAYI_AMOUNT_ONE},
        {.cores = 1, .amount_count = HAYI_VARIANT_AMOUNTS + 1},
        {.cores = 1, .amount_count = 1, .amounts = {{.resource = 1}}},
        {.cores = 1,
         .amount_count = 1,
         .amounts = {{.resource = HAYI_RESOURCE_MAX, .units = 1}}},
        {.cores = 1,
         .amount_count = 2,
         .amounts = {{.resource = 1, .units = 1}, {.resource = 1, .units = 2}}},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CU_ASSERT_EQUAL(hayi_requests_intern(&requests, &bad[i], 1, &request),
                        HAY_EINVAL);
    }
    CU_ASSERT_EQUAL(hayi_requests_intern(&requests, &good, 0, &request),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_requests_intern(&requests, &good, HAYI_VARIANT_MAX + 1, &request),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(request, 77);
    CU_ASSERT_EQUAL(requests.count, 1);
}

static void short_memory_changes_nothing(void)
{
    uint32_t request = 77;
    struct hayi_variant v = {.cores = 1};
    for (uint64_t n = 1; n <= 3; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_requests_intern(&requests, &v, 1, &request),
                        HAY_ENOMEM);
        CU_ASSERT_EQUAL(request, 77);
        hayi_requests_fini(&requests);
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(intern(&v, 1), 1);
}

static CU_TestInfo tests[] = {
    {"equal_ones_share_a_number", equal_ones_share_a_number},
    {"the_order_of_variants_counts", the_order_of_variants_counts},
    {"many_are_all_found", many_are_all_found},
    {"nonsense_is_refused", nonsense_is_refused},
    {"short_memory_changes_nothing", short_memory_changes_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/requests", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
