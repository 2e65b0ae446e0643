/* test_registry.c - registered functions: order, look-up, what is refused. */
#include "config.h"

#include "support/unit.h"
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>

HAY_TASK(zebra)
{
    return HAY_OK;
}

HAY_TASK(ant)
{
    return HAY_OK;
}
HAY_TASK_VERSION(ant, 3)

HAY_MAP_TASK(moth, int32_t, double)
{
    *out = *in;
    return HAY_OK;
}

bool hay_map_item_failed(hay_task *task, hay_status status)
{
    (void)task, (void)status;
    return true;
}

static hay_status stranger(hay_task *task)
{
    (void)task;
    return HAY_OK;
}

static int starts;

static hay_status start(void)
{
    starts++;
    return HAY_OK;
}
HAY_WORKER_INIT(start)

static hay_status bad_start(void)
{
    return HAY_EIO;
}

static void functions_are_numbered_by_name(void)
{
    CU_ASSERT_EQUAL(hayi_registry_seal(NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_registry_count(), 3);
    CU_ASSERT_STRING_EQUAL(hayi_registry_get(0)->name, "ant");
    CU_ASSERT_STRING_EQUAL(hayi_registry_get(1)->name, "moth");
    CU_ASSERT_STRING_EQUAL(hayi_registry_get(2)->name, "zebra");
    CU_ASSERT_PTR_NULL(hayi_registry_get(3));
    CU_ASSERT_EQUAL(hayi_registry_get(0)->version, 3);
    CU_ASSERT_EQUAL(hayi_registry_get(1)->in_size, 4);
    CU_ASSERT_EQUAL(hayi_registry_get(1)->out_size, 8);
}

static void functions_are_found_by_pointer(void)
{
    CU_ASSERT_EQUAL(hayi_registry_find(ant), 0);
    CU_ASSERT_EQUAL(hayi_registry_find(zebra), 2);
    CU_ASSERT_EQUAL(hayi_registry_find_map(moth), 1);
    CU_ASSERT_EQUAL(hayi_registry_find(stranger), UINT32_MAX);
    CU_ASSERT_EQUAL(hayi_registry_find(NULL), UINT32_MAX);
}

static void identity_tells_all_that_must_be_equal(void)
{
    char *text = hayi_registry_identity();
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "hayfork 0."));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "ant task 0 0 version 3\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "moth map 4 8 version 1\n"));
    free(text);
}

static void worker_functions_run_once(void)
{
    CU_ASSERT_EQUAL(hayi_registry_init_worker(NULL), HAY_OK);
    CU_ASSERT_EQUAL(hayi_registry_init_worker(NULL), HAY_OK);
    CU_ASSERT_EQUAL(starts, 1);
}

static void a_failing_worker_function_is_told_for_ever(void)
{
    struct hayi_error err = {HAY_OK, ""};
    hay_register_worker_init(bad_start);
    CU_ASSERT_EQUAL(hayi_registry_init_worker(&err), HAY_EIO);
    CU_ASSERT_EQUAL(hayi_registry_init_worker(&err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "HAY_EIO"));
}

static void late_registration_is_told(void)
{
    struct hayi_error err = {HAY_OK, ""};
    hay_register("late", stranger);
    CU_ASSERT_EQUAL(hayi_registry_seal(&err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "late"));
    CU_ASSERT_EQUAL(hayi_registry_count(), 3);
}

static CU_TestInfo tests[] = {
    {"functions_are_numbered_by_name", functions_are_numbered_by_name},
    {"functions_are_found_by_pointer", functions_are_found_by_pointer},
    {"identity_tells_all_that_must_be_equal",
     identity_tells_all_that_must_be_equal},
    {"worker_functions_run_once", worker_functions_run_once},
    {"a_failing_worker_function_is_told_for_ever",
     a_failing_worker_function_is_told_for_ever},
    {"late_registration_is_told", late_registration_is_told},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"worker/registry", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
