/* unit.h - the main program of every CUnit test program.
 *
 * Owns: CUnit's registry while hayi_unit_main() runs.
 * Never: tests anything itself.
 * Threads: call from main only.
 *
 * A test program is tables and one call:
 *
 *     static CU_TestInfo tests[] = {{"empty_queue_has_no_head", empty},
 *                                   CU_TEST_INFO_NULL};
 *     static const CU_SuiteInfo suites[] = {
 *         {"core/queue", NULL, NULL, setup, teardown, tests},
 *         CU_SUITE_INFO_NULL};
 *     int main(int argc, char **argv)
 *     {
 *         return hayi_unit_main(suites, argc, argv);
 *     }
 */
#ifndef HAYFORK_TESTS_SUPPORT_UNIT_H
#define HAYFORK_TESTS_SUPPORT_UNIT_H

#include <CUnit/CUnit.h>
#include <CUnit/TestDB.h>

/* Run the tests of 'suites' (borrowed; ends with CU_SUITE_INFO_NULL) one by
 * one and print for each "ok SUITE/TEST" or "not ok SUITE/TEST", the failed
 * assertions before it as "# FILE:LINE: CONDITION" (tests/run-tests counts
 * these lines).  argv: "-l" lists the tests and runs none; other arguments
 * are words, and only tests whose SUITE/TEST holds one of them are run.
 * A test says skip by hayi_unit_skip().
 * Returns main's exit status: 0; 1 if a test failed; 2 if CUnit failed or no
 * test was left by the words.
 */
int hayi_unit_main(const CU_SuiteInfo *suites, int argc, char **argv);

/* Say from inside a test that it cannot be run here, and why ('reason' is
 * copied; one line).  The test should return next; its line will then be
 * "skip SUITE/TEST reason", unless an assertion failed.
 */
void hayi_unit_skip(const char *reason);

#endif
