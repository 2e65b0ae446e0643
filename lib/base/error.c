/* error.c - see error.h. */
#include "config.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static _Thread_local struct hayi_error thread_error;

hay_status hayi_vfail(struct hayi_error *err,
                      hay_status status,
                      const char *format,
                      va_list list)
{
    if (err != NULL) {
        /* The words may be made of those that 'err' holds. */
        char text[sizeof(err->text)];
        (void)vsnprintf(text, sizeof(text), format, list);
        err->status = status;
        memcpy(err->text, text, strlen(text) + 1);
    }
    return status;
}

hay_status
hayi_fail(struct hayi_error *err, hay_status status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    (void)hayi_vfail(err, status, format, list);
    va_end(list);
    return status;
}

struct hayi_error *hayi_thread_error(void)
{
    return &thread_error;
}

const char *hay_error_text(void)
{
    return thread_error.text;
}

const char *hay_status_name(hay_status status)
{
    static const char *const names[] = {
        "HAY_OK",          "HAY_EINVAL",       "HAY_ENOMEM",
        "HAY_ETIMEDOUT",   "HAY_ETASK",        "HAY_EFARM",
        "HAY_EDEPENDENCY", "HAY_ECANCELLED",   "HAY_ECLOSED",
        "HAY_EEMPTY",      "HAY_EAGAIN",       "HAY_EPENDING",
        "HAY_ERUNNING",    "HAY_ETYPE",        "HAY_ETOOBIG",
        "HAY_EINFEASIBLE", "HAY_EUNSUPPORTED", "HAY_EMISMATCH",
        "HAY_EIO",         "HAY_EMPI",
    };
    enum { NAME_COUNT = sizeof(names) / sizeof(names[0]) };
    int number = (int)status;
    return number <= 0 && number > -NAME_COUNT ? names[-number]
                                               : "unknown status";
}

const char *hay_cause_name(hay_cause cause)
{
    static const char *const names[] = {
        "",
        "status",
        "signal",
        "exit",
        "time limit",
        "memory limit",
        "output limit",
        "lost worker",
        "deadlock",
        "dependency",
        "infeasible",
        "farm",
        "walltime",
    };
    if ((int)cause < 0 || (size_t)cause >= sizeof(names) / sizeof(names[0])) {
        return "unknown";
    }
    return names[cause];
}

const char *hay_state_name(hay_state state)
{
    static const char *const names[] = {
        "pending",
        "ready",
        "running",
        "finished",
        "failed",
        "cancelled",
    };
    if ((int)state < 0 || (size_t)state >= sizeof(names) / sizeof(names[0])) {
        return "unknown";
    }
    return names[state];
}
