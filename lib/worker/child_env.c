/* child_env.c - see child_env.h. */
#include "config.h"

#include "worker/child_env.h"

#include <stdlib.h>
#include <string.h>

/* Calls 'with' for name and value of each; the strings are written to, and are
 * as before when it returns. */
static bool each(char *strings,
                 size_t size,
                 bool (*with)(const char *name, const char *value))
{
    bool good = true;
    for (size_t at = 0; at < size; at += strlen(strings + at) + 1) {
        char *equals = strchr(strings + at, '=');
        if (equals != NULL) {
            *equals = 0;
            good = with(strings + at, equals + 1) && good;
            *equals = '=';
        }
    }
    return good;
}

static bool set(const char *name, const char *value)
{
    return setenv(name, value, 1) == 0;
}

static bool unset(const char *name, const char *value)
{
    (void)value;
    return unsetenv(name) == 0;
}

hay_status
hayi_child_env_set(struct hayi_child_env *env, const char *strings, size_t size)
{
    struct hayi_buffer *last = &env->set;
    if (size > 0 && strings[size - 1] != 0) {
        size = 0;
    }
    if (size == last->size
        && (size == 0 || memcmp(last->data, strings, size) == 0)) {
        return HAY_OK; /* most often */
    }
    if (last->size > 0) {
        (void)each((char *)last->data, last->size, unset);
        last->size = 0;
    }
    if (size == 0) {
        return HAY_OK;
    }
    hay_status status = hayi_buffer_append(last, strings, size);
    if (status == HAY_OK && !each((char *)last->data, last->size, set)) {
        status = HAY_ENOMEM;
    }
    return status;
}
