/* nested_support.h - what the tests of tasks in tasks share.
 */
#ifndef HAYFORK_TESTS_NESTED_SUPPORT_H
#define HAYFORK_TESTS_NESTED_SUPPORT_H

#include "run_tests.h"

#include <hayfork/hayfork.h>

static const uint64_t second_ns = 1000000000;

/* In a task: it fails, and says where. */
#define NEEDS(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            return hay_task_fail(task,                                         \
                                 __LINE__,                                     \
                                 "line %d: %s (%s)",                           \
                                 __LINE__,                                     \
                                 #condition,                                   \
                                 hay_error_text());                            \
        }                                                                      \
    } while (0)

/* A farm in this process; NULL and words. */
hay_executor *open_farm(uint32_t slots, uint32_t suspended_max);
void close_farm(hay_executor *ex);
/* What one call of a task gives; INT64_MIN with words if it fails. */
int64_t call(hay_executor *ex,
             hay_task_fn fn,
             int64_t n,
             const hay_task_options *options);
/* The same in a farm of its own. */
int64_t call_on(uint32_t slots, hay_task_fn fn, int64_t n);

#endif
