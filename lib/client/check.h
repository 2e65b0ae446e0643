/* check.h - what a caller gives: option structs that carry their own size,
 * texts, paths.
 *
 * Owns: nothing.
 * Never: looks behind the size that the caller told; opens a file.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_CHECK_H
#define HAYI_CLIENT_CHECK_H

#include "base/error.h"

/* May we read 'ours' bytes of the struct at 'given' (its size comes first)?  A
 * longer one of a newer program is fine while what we do not know is 0.
 * HAY_EINVAL with words. */
hay_status hayi_check_in(const void *given,
                         size_t ours,
                         const char *what,
                         struct hayi_error *err);
/* May we write it?  A longer one is filled up with 0. */
hay_status hayi_check_out(void *given,
                          size_t ours,
                          const char *what,
                          struct hayi_error *err);
/* A text of at most 'max' bytes, or NULL. */
hay_status hayi_check_text(const char *text,
                           size_t max,
                           const char *what,
                           struct hayi_error *err);
/* A relative path is one of this process, tasks run in other folders.
 * absolute: given, free().  HAY_ENOMEM, HAY_EIO (the working folder). */
hay_status
hayi_absolute_path(const char *path, char **absolute, struct hayi_error *err);

#endif
