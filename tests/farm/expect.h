/* expect.h - what programs of tests/farm expect that run one test a process:
 * each thing that is wrong is a line 'not ok FILE:LINE: ...'.
 */
#ifndef HAYFORK_TESTS_EXPECT_H
#define HAYFORK_TESTS_EXPECT_H

#include <hayfork/hayfork.h>

#include <stdio.h>

static int wrong; /* so many things were */

#define EXPECT(what)                                                           \
    do {                                                                       \
        if (!(what)) {                                                         \
            printf("not ok %s:%d: %s (%s)\n",                                  \
                   __FILE__,                                                   \
                   __LINE__,                                                   \
                   #what,                                                      \
                   hay_error_text());                                          \
            wrong++;                                                           \
        }                                                                      \
    } while (0)

/* In a task: it fails, and says where. */
#define NEEDS(what)                                                            \
    do {                                                                       \
        if (!(what)) {                                                         \
            return hay_task_fail(                                              \
                task, __LINE__, "%s (%s)", #what, hay_error_text());           \
        }                                                                      \
    } while (0)

#endif
