/* test_error.c - statuses with words. */
#include "config.h"

#include "base/error.h"

#include "support/unit.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

static void words_and_status_are_kept(void)
{
    struct hayi_error err;
    CU_ASSERT_EQUAL(hayi_fail(&err, HAY_EIO, "%s: %d", "disk", 7), HAY_EIO);
    CU_ASSERT_EQUAL(err.status, HAY_EIO);
    CU_ASSERT_STRING_EQUAL(err.text, "disk: 7");
    CU_ASSERT_EQUAL(hayi_fail(NULL, HAY_EMPI, "nobody reads it"), HAY_EMPI);
}

static void long_words_are_cut(void)
{
    struct hayi_error err;
    char text[2000];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    (void)hayi_fail(&err, HAY_EIO, "%s", text);
    CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
}

/* Callers put what an inner call said into a longer sentence. */
static void words_may_be_made_of_those_before(void)
{
    struct hayi_error err;
    (void)hayi_fail(&err, HAY_EIO, "no space");
    (void)hayi_fail(&err, HAY_EFARM, "worker 3: %s (%s)", err.text, err.text);
    CU_ASSERT_STRING_EQUAL(err.text, "worker 3: no space (no space)");
}

static void *fail_elsewhere(void *argument)
{
    (void)argument;
    (void)hayi_fail(hayi_thread_error(), HAY_EIO, "another thread's");
    return NULL;
}

static void each_thread_has_its_own(void)
{
    pthread_t thread;
    (void)hayi_fail(hayi_thread_error(), HAY_EIO, "mine");
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, fail_elsewhere, NULL),
                          0);
    (void)pthread_join(thread, NULL);
    CU_ASSERT_STRING_EQUAL(hay_error_text(), "mine");
}

static void every_status_has_its_name(void)
{
    CU_ASSERT_STRING_EQUAL(hay_status_name(HAY_OK), "HAY_OK");
    CU_ASSERT_STRING_EQUAL(hay_status_name(HAY_ETASK), "HAY_ETASK");
    CU_ASSERT_STRING_EQUAL(hay_status_name(HAY_EMPI), "HAY_EMPI");
    for (int i = HAY_OK; i >= HAY_EMPI; i--) {
        CU_ASSERT_EQUAL(strncmp(hay_status_name((hay_status)i), "HAY_", 4), 0);
    }
    const int none[] = {1, HAY_EMPI - 1, INT_MAX, INT_MIN};
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_STRING_EQUAL(hay_status_name((hay_status)none[i]),
                               "unknown status");
    }
}

static void every_state_has_its_name(void)
{
    CU_ASSERT_STRING_EQUAL(hay_state_name(HAY_PENDING), "pending");
    CU_ASSERT_STRING_EQUAL(hay_state_name(HAY_CANCELLED), "cancelled");
    CU_ASSERT_STRING_EQUAL(hay_state_name((hay_state)6), "unknown");
    CU_ASSERT_STRING_EQUAL(hay_state_name((hay_state)-1), "unknown");
}

static void causes_have_names(void)
{
    CU_ASSERT_STRING_EQUAL(hay_cause_name(HAY_CAUSE_NONE), "");
    CU_ASSERT_STRING_EQUAL(hay_cause_name(HAY_CAUSE_TIME_LIMIT), "time limit");
    CU_ASSERT_STRING_EQUAL(hay_cause_name(HAY_CAUSE_FARM), "farm");
    CU_ASSERT_STRING_EQUAL(hay_cause_name(HAY_CAUSE_WALLTIME), "walltime");
    CU_ASSERT_STRING_EQUAL(hay_cause_name((hay_cause)(HAY_CAUSE_WALLTIME + 1)),
                           "unknown");
    CU_ASSERT_STRING_EQUAL(hay_cause_name((hay_cause)-1), "unknown");
}

static CU_TestInfo tests[] = {
    {"words_and_status_are_kept", words_and_status_are_kept},
    {"long_words_are_cut", long_words_are_cut},
    {"words_may_be_made_of_those_before", words_may_be_made_of_those_before},
    {"each_thread_has_its_own", each_thread_has_its_own},
    {"every_status_has_its_name", every_status_has_its_name},
    {"every_state_has_its_name", every_state_has_its_name},
    {"causes_have_names", causes_have_names},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/error", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
