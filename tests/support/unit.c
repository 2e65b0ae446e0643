/* unit.c - prints a line a test while CUnit runs them.
 *
 * CUnit's own basic mode prints tables for people; this uses its handlers to
 * print one line a test for tests/run-tests, at the time when it ends, so
 * that the last line tells which test was running when a program crashed.
 */
#include "config.h"

#include "support/unit.h"

#include <CUnit/TestRun.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char skip_reason[200];

void hayi_unit_skip(const char *reason)
{
    (void)snprintf(skip_reason, sizeof skip_reason, "%s", reason);
}

static void print_failures(const CU_FailureRecord *failure)
{
    for (; failure != NULL; failure = failure->pNext) {
        printf("# %s:%u: %s\n",
               failure->strFileName != NULL ? failure->strFileName : "?",
               failure->uiLineNumber,
               failure->strCondition != NULL ? failure->strCondition : "?");
    }
}

static void test_starts(const CU_pTest test, const CU_pSuite suite)
{
    (void)test;
    (void)suite;
    skip_reason[0] = '\0';
}

static void test_ended(const CU_pTest test,
                       const CU_pSuite suite,
                       const CU_pFailureRecord failures)
{
    print_failures(failures);
    if (failures != NULL) {
        printf("not ok %s/%s\n", suite->pName, test->pName);
    } else if (skip_reason[0] != '\0') {
        printf("skip %s/%s %s\n", suite->pName, test->pName, skip_reason);
    } else {
        printf("ok %s/%s\n", suite->pName, test->pName);
    }
}

static void suite_init_failed(const CU_pSuite suite)
{
    printf("not ok %s: its init function failed\n", suite->pName);
}

static void suite_cleanup_failed(const CU_pSuite suite)
{
    printf("not ok %s: its cleanup function failed\n", suite->pName);
}

/* Is SUITE/TEST asked for by the words of argv? */
static int wanted(const char *suite, const char *test, int argc, char **argv)
{
    char name[400];
    (void)snprintf(name, sizeof name, "%s/%s", suite, test);
    int words = 0;
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '-') {
            continue;
        }
        words++;
        if (strstr(name, argv[i]) != NULL) {
            return 1;
        }
    }
    return words == 0;
}

/* Add the wanted tests of one suite; *count: how many.  0 if CUnit failed. */
static int
add_suite(const CU_SuiteInfo *info, int argc, char **argv, int *count)
{
    CU_pSuite suite = NULL;
    for (const CU_TestInfo *t = info->pTests; t->pName != NULL; t++) {
        if (!wanted(info->pName, t->pName, argc, argv)) {
            continue;
        }
        if (suite == NULL) {
            suite = CU_add_suite_with_setup_and_teardown(info->pName,
                                                         info->pInitFunc,
                                                         info->pCleanupFunc,
                                                         info->pSetUpFunc,
                                                         info->pTearDownFunc);
        }
        if (suite == NULL
            || CU_add_test(suite, t->pName, t->pTestFunc) == NULL) {
            return 0;
        }
        ++*count;
    }
    return 1;
}

static void list(const CU_SuiteInfo *suites, int argc, char **argv)
{
    for (const CU_SuiteInfo *s = suites; s->pName != NULL; s++) {
        for (const CU_TestInfo *t = s->pTests; t->pName != NULL; t++) {
            if (wanted(s->pName, t->pName, argc, argv)) {
                printf("%s/%s\n", s->pName, t->pName);
            }
        }
    }
}

int hayi_unit_main(const CU_SuiteInfo *suites, int argc, char **argv)
{
    int count = 0;

    /* Whole lines, also when the program crashes and when ranks share it. */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        list(suites, argc, argv);
        return 0;
    }
    if (CU_initialize_registry() != CUE_SUCCESS) {
        printf("not ok %s: no CUnit registry\n", argv[0]);
        return 2;
    }
    for (const CU_SuiteInfo *s = suites; s->pName != NULL; s++) {
        if (!add_suite(s, argc, argv, &count)) {
            printf("not ok %s: %s\n", s->pName, CU_get_error_msg());
            CU_cleanup_registry();
            return 2;
        }
    }
    CU_set_test_start_handler(test_starts);
    CU_set_test_complete_handler(test_ended);
    CU_set_suite_init_failure_handler(suite_init_failed);
    CU_set_suite_cleanup_failure_handler(suite_cleanup_failed);
    CU_ErrorCode rc = CU_run_all_tests();
    unsigned int failed =
        CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
    CU_cleanup_registry();
    if (rc != CUE_SUCCESS || count == 0) {
        printf("not ok %s: %s\n",
               argv[0],
               count == 0 ? "no such test" : CU_get_error_msg());
        return 2;
    }
    return failed == 0 ? 0 : 1;
}
