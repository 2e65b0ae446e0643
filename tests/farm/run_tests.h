/* run_tests.h - the behaviours that a program of tests/farm checks, one after
 * the other.
 *
 * Each prints 'ok NAME' or 'not ok NAME: line' for a behaviour.
 */
#ifndef HAYFORK_TESTS_RUN_TESTS_H
#define HAYFORK_TESTS_RUN_TESTS_H

extern int wrong_line; /* of the running test; 0: none */

/* The first wrong line counts; the test ends there. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            wrong_line = __LINE__;                                             \
            return;                                                            \
        }                                                                      \
    } while (0)

struct farm_test {
    const char *name;
    void (*run)(void);
};
#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
/* Up to the one without a name; argv[1]: only this one.  The exit status. */
int run_tests(const struct farm_test *list, int argc, char **argv);

#endif
