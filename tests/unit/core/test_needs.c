/* test_needs.c - classes of equal needs. */
#include "config.h"

#include "core/alloc.h"
#include "core/needs.h"
#include "support/unit.h"

static struct hayi_classes classes;

static void setup(void)
{
    hayi_classes_init(&classes);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_classes_fini(&classes);
}

static uint32_t add(const struct hayi_needs *needs)
{
    uint32_t class = 0;
    CU_ASSERT_EQUAL(hayi_classes_find(&classes, needs), 0);
    CU_ASSERT_EQUAL(hayi_classes_add(&classes, needs, &class), HAY_OK);
    return class;
}

static void equal_needs_share_a_class(void)
{
    struct hayi_needs needs = {.cores = 2, .memory_bytes = 1000};
    struct hayi_needs same = needs;
    uint32_t class = add(&needs);
    CU_ASSERT_EQUAL(hayi_classes_find(&classes, &same), class);
}

static void each_field_makes_a_class_of_its_own(void)
{
    struct hayi_needs needs[6] = {
        {.cores = 1},
        {.cores = 2},
        {.cores = 1, .gpus = 1},
        {.cores = 1, .memory_bytes = 1},
        {.cores = 1, .worker = 1},
        {.cores = 1, .request = 1},
    };
    for (uint32_t i = 0; i < 6; i++) {
        CU_ASSERT_EQUAL(add(&needs[i]), i + 1);
    }
}

static void many_classes_are_all_found(void)
{
    for (uint64_t i = 0; i < 5000; i++) {
        struct hayi_needs needs = {.cores = 1, .memory_bytes = i << 20};
        CU_ASSERT_EQUAL(add(&needs), i + 1);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        struct hayi_needs needs = {.cores = 1, .memory_bytes = i << 20};
        CU_ASSERT_EQUAL(hayi_classes_find(&classes, &needs), i + 1);
    }
}

static void short_memory_leaves_the_classes_whole(void)
{
    struct hayi_needs needs = {.cores = 3};
    uint32_t class = 77;
    for (uint64_t n = 1; n <= 1; n++) {
        hayi_alloc_fail_at(n);
        CU_ASSERT_EQUAL(hayi_classes_add(&classes, &needs, &class), HAY_ENOMEM);
        CU_ASSERT_EQUAL(class, 77);
        CU_ASSERT_EQUAL(classes.count, 1);
    }
    hayi_alloc_fail_at(0);
    CU_ASSERT_EQUAL(add(&needs), 1);
}

static CU_TestInfo tests[] = {
    {"equal_needs_share_a_class", equal_needs_share_a_class},
    {"each_field_makes_a_class_of_its_own",
     each_field_makes_a_class_of_its_own},
    {"many_classes_are_all_found", many_classes_are_all_found},
    {"short_memory_leaves_the_classes_whole",
     short_memory_leaves_the_classes_whole},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/needs", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
