/* fault.h - an error in words, one line, for functions of apps/.
 *
 * Functions that can fail return hay_status and take a last parameter
 * 'struct fault *fault'; whoever first knows what is wrong words it.  The
 * words need no "hayfork: " in front and no newline behind.
 */
#ifndef APPS_FAULT_H
#define APPS_FAULT_H

#include <hayfork/hayfork.h>

#define FAULT_TEXT_MAX 1024

struct fault {
    char text[FAULT_TEXT_MAX];
};

/* Writes the words; bytes that are no text become '?', so that it stays one
 * line.  Returns 'status'. */
hay_status
fault_set(struct fault *fault, hay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for input: "FILE:LINE: " comes first.  Returns HAY_EINVAL. */
hay_status fault_at(struct fault *fault,
                    const char *file,
                    uint64_t line,
                    const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/* The library's last words as a fault.  Returns 'status'. */
hay_status fault_library(struct fault *fault, hay_status status);

/* "hayfork: WORDS" on standard error, in one write. */
void fault_print(const struct fault *fault);

/* A line to standard error, "hayfork: " in front, in one write. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
