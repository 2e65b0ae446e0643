/* test_child_env.c - a child shows each task its own variables. */
#include "config.h"

#include "worker/child_env.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static struct hayi_child_env env;

static void setup(void)
{
    hayi_buffer_init(&env.set);
    (void)unsetenv("HAYT_A");
    (void)unsetenv("HAYT_B");
}

static void teardown(void)
{
    hayi_buffer_fini(&env.set);
}

static void expect(const char *a, const char *b)
{
    const char *values[] = {getenv("HAYT_A"), getenv("HAYT_B")};
    const char *wanted[] = {a, b};
    for (int i = 0; i < 2; i++) {
        if (wanted[i] == NULL) {
            CU_ASSERT_PTR_NULL(values[i]);
            continue;
        }
        CU_ASSERT_PTR_NOT_NULL_FATAL(values[i]);
        CU_ASSERT_STRING_EQUAL(values[i], wanted[i]);
    }
}

#define SET(text) hayi_child_env_set(&env, text, sizeof(text))

static void the_last_task_s_are_gone(void)
{
    CU_ASSERT_EQUAL(SET("HAYT_A=1\0HAYT_B=x=y"), HAY_OK);
    expect("1", "x=y");
    CU_ASSERT_EQUAL(SET("HAYT_A=1\0HAYT_B=x=y"), HAY_OK);
    expect("1", "x=y");
    CU_ASSERT_EQUAL(SET("HAYT_B="), HAY_OK);
    expect(NULL, "");
    CU_ASSERT_EQUAL(hayi_child_env_set(&env, NULL, 0), HAY_OK);
    expect(NULL, NULL);
    CU_ASSERT_EQUAL(hayi_child_env_set(&env, NULL, 0), HAY_OK);
}

static void text_without_an_end_is_left_out(void)
{
    CU_ASSERT_EQUAL(hayi_child_env_set(&env, "HAYT_A=1", 8), HAY_OK);
    expect(NULL, NULL);
}

static CU_TestInfo tests[] = {
    {"the_last_task_s_are_gone", the_last_task_s_are_gone},
    {"text_without_an_end_is_left_out", text_without_an_end_is_left_out},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/child_env", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
