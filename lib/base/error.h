/* error.h - statuses with words, for layers that keep no state of a thread.
 *
 * Owns: nothing; the struct is the caller's.
 * Never: allocates, prints.
 * Threads: any; one struct, one thread.
 */
#ifndef HAYI_BASE_ERROR_H
#define HAYI_BASE_ERROR_H

#include <hayfork/hayfork.h>

struct hayi_error {
    hay_status status;
    char text[500];
};

/* Fill 'err' (may be NULL) and return 'status': 'return hayi_fail(err, ...)'.
 * Cut at the size of the text; may be worded from what 'err' holds. */
hay_status
hayi_fail(struct hayi_error *err, hay_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
hay_status hayi_vfail(struct hayi_error *err,
                      hay_status status,
                      const char *format,
                      va_list list);

/* The calling thread's error, which hay_error_text() shows.  Never NULL.
 * hayi_fail(hayi_thread_error(), ...) is how the public calls fail. */
struct hayi_error *hayi_thread_error(void);

#endif
