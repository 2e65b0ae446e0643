/* check.c - see check.h.  There has been one version of each struct so far, so
 * that a shorter one is always wrong. */
#include "config.h"

#include "client/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t size_of(const void *given)
{
    size_t size = 0;
    memcpy(&size, given, sizeof(size));
    return size;
}

static hay_status
too_short(size_t size, size_t ours, const char *what, struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EINVAL,
                     "%s: its size is %zu instead of %zu; fill it by its "
                     "_INIT or _init",
                     what,
                     size,
                     ours);
}

hay_status hayi_check_in(const void *given,
                         size_t ours,
                         const char *what,
                         struct hayi_error *err)
{
    size_t size = size_of(given);
    if (size < ours) {
        return too_short(size, ours, what, err);
    }
    for (size_t i = ours; i < size; i++) {
        if (((const unsigned char *)given)[i] != 0) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "%s: it uses what this version of the library "
                             "does not know",
                             what);
        }
    }
    return HAY_OK;
}

hay_status hayi_check_out(void *given,
                          size_t ours,
                          const char *what,
                          struct hayi_error *err)
{
    size_t size = size_of(given);
    if (size < ours) {
        return too_short(size, ours, what, err);
    }
    memset((unsigned char *)given + ours, 0, size - ours);
    return HAY_OK;
}

hay_status hayi_check_text(const char *text,
                           size_t max,
                           const char *what,
                           struct hayi_error *err)
{
    if (text != NULL && strnlen(text, max + 1) > max) {
        return hayi_fail(
            err, HAY_EINVAL, "%s is longer than %zu bytes", what, max);
    }
    return HAY_OK;
}

hay_status
hayi_absolute_path(const char *path, char **absolute, struct hayi_error *err)
{
    bool whole = path[0] == '/';
    char *folder = whole ? NULL : getcwd(NULL, 0);
    if (!whole && folder == NULL) {
        return hayi_fail(
            err, HAY_EIO, "%s: the working folder: %s", path, strerror(errno));
    }
    size_t size = (whole ? 0 : strlen(folder) + 1) + strlen(path) + 1;
    char *made = malloc(size);
    if (made != NULL) {
        (void)snprintf(
            made, size, "%s%s%s", whole ? "" : folder, whole ? "" : "/", path);
        *absolute = made;
    }
    free(folder);
    return made != NULL
               ? HAY_OK
               : hayi_fail(err, HAY_ENOMEM, "out of memory for a path");
}
