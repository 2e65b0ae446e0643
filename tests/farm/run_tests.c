/* run_tests.c - see run_tests.h. */
#include "config.h"

#include "run_tests.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <string.h>

int wrong_line;

int run_tests(const struct farm_test *list, int argc, char **argv)
{
    int failures = 0;
    for (; list->name != NULL; list++) {
        if (argc > 1 && strcmp(argv[1], list->name) != 0) {
            continue;
        }
        wrong_line = 0;
        list->run();
        if (wrong_line == 0) {
            (void)printf("ok %s\n", list->name);
        } else {
            failures++;
            (void)printf("not ok %s: line %d: %s\n",
                         list->name,
                         wrong_line,
                         hay_error_text());
        }
        (void)fflush(stdout);
    }
    return failures > 0;
}
