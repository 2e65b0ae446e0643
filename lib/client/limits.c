/* limits.c - see limits.h. */
#include "config.h"

#include "client/limits.h"

#include "client/executor.h"

/* So that no doubling of it overflows. */
#define MEMORY_LIMIT_MAX (UINT64_C(1) << 46)
#define GRACE_NS_MAX     (UINT64_C(86400) * 1000000000)

static hay_status check_memory(const hay_task_options *options,
                               enum hayi_task_kind kind,
                               struct hayi_error *err)
{
    if (options->memory_limit_bytes == 0) {
        return HAY_OK;
    }
    if (kind == HAYI_TASK_FAKE) {
        return hayi_fail(
            err, HAY_EUNSUPPORTED, "a fake task uses no memory to limit");
    }
    if (kind == HAYI_TASK_FUNCTION && options->runner == HAY_RUNNER_THREAD) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "a function with a memory limit needs a process slot "
                         "(HAY_RUNNER_PROCESS)");
    }
    return HAY_OK;
}

hay_status hayi_limits_sane(const struct hayi_limits *limits,
                            struct hayi_error *err)
{
    if (limits->grace_ns > GRACE_NS_MAX) {
        return hayi_fail(err, HAY_EINVAL, "a grace time of more than a day");
    }
    if (limits->memory_bytes > MEMORY_LIMIT_MAX) {
        return hayi_fail(err, HAY_EINVAL, "a memory limit above 64 TiB");
    }
    if (limits->memory_retries > HAYI_MEMORY_RETRIES_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%u tries with more memory: at most %u",
                         (unsigned)limits->memory_retries,
                         HAYI_MEMORY_RETRIES_MAX);
    }
    if (limits->memory_retries > 0 && limits->memory_bytes == 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "tries with more memory need a memory limit "
                         "to begin with");
    }
    return HAY_OK;
}

hay_status hayi_limits_check(const hay_executor *ex,
                             const hay_task_options *options,
                             enum hayi_task_kind kind,
                             struct hayi_error *err)
{
    const struct hayi_limits limits = hayi_limits_of(options);
    hay_status st = hayi_limits_sane(&limits, err);
    if (st != HAY_OK) {
        return st;
    }
    if (options->warn_ns != 0 && kind != 0 && kind != HAYI_TASK_COMMAND) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "only commands are warned by a signal (functions ask "
                         "hay_task_time_left())");
    }
    if (options->output_limit_bytes != 0 && kind == HAYI_TASK_FAKE) {
        return hayi_fail(
            err, HAY_EUNSUPPORTED, "a fake task has no output to limit");
    }
    if (options->output_limit_bytes != 0 && kind == HAYI_TASK_COMMAND
        && !ex->captures) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "an output limit needs output in files "
                         "(HAY_OUTPUT_APPEND, HAY_OUTPUT_FILES)");
    }
    return check_memory(options, kind, err);
}

bool hayi_limits_given(const hay_task_options *options)
{
    return options->time_limit_ns != 0 || options->grace_ns != 0
           || options->memory_limit_bytes != 0
           || options->output_limit_bytes != 0 || options->warn_ns != 0
           || options->cleanup;
}

struct hayi_limits hayi_limits_of(const hay_task_options *options)
{
    return (struct hayi_limits){
        .time_ns = options->time_limit_ns,
        .grace_ns = options->grace_ns,
        .memory_bytes = options->memory_limit_bytes,
        .output_bytes = options->output_limit_bytes,
        .warn_ns = options->warn_ns,
        .late = options->cleanup,
        .memory_retries = options->memory_retries,
    };
}
