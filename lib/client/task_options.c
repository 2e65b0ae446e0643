/* task_options.c - see task_options.h.
 *
 * Limits of a task are compared with what the manager has published of the
 * workers; a request that only the scheduler can judge (a single worker's
 * cores) is left to it.
 */
#include "config.h"

#include "client/task_options.h"

#include "client/check.h"
#include "client/executor.h"
#include "client/limits.h"
#include "wire/request.h"

#define RETRY_PAUSE_NS_MAX (HAYI_PAUSE_MS_MAX * UINT64_C(1000000))

enum {
    HAYI_REQUEST_BITS = HAYI_REQUEST_MAX - 1,
    NAME_MAX_BYTES = 1023,
    CATEGORY_MAX_BYTES = 255,
};

void hay_task_options_init(hay_task_options *options)
{
    *options = (hay_task_options)HAY_TASK_OPTIONS_INIT;
}

static const hay_task_options defaults = HAY_TASK_OPTIONS_INIT;
static const struct hayi_needs default_needs = {.cores = 1};

const hay_task_options *
hayi_task_options_or_default(const hay_task_options *options)
{
    return options != NULL ? options : &defaults;
}

hay_status hayi_task_options_needs(hay_executor *ex,
                                   const hay_task_options *options,
                                   struct hayi_needs *needs,
                                   struct hayi_error *err)
{
    if (options == &defaults) {
        *needs = default_needs;
        return HAY_OK;
    }
    /* What may want more memory later shall be put where there is some. */
    uint64_t memory = options->memory_bytes == 0 && options->memory_retries > 0
                          ? options->memory_limit_bytes
                          : options->memory_bytes;
    struct hayi_needs plain = {
        .cores = options->cores > 0 ? options->cores : 1,
        .gpus = (uint8_t)options->gpus,
        .memory_bytes = memory,
        .worker = options->worker & ~HAYI_WORKER_OR_ANY,
    };
    if ((options->worker & HAYI_WORKER_OR_ANY) != 0) {
        plain.or_any = 1;
    }
    if (options->request == NULL && options->category == NULL) {
        *needs = plain;
        return HAY_OK;
    }
    uint32_t request = 0;
    hay_status st = hayi_resources_request(ex->resources,
                                           &plain,
                                           options->request,
                                           options->category,
                                           &request,
                                           err);
    if (st == HAY_OK) {
        *needs = plain;
        needs->request = request & HAYI_REQUEST_BITS;
    }
    return st;
}

bool hayi_task_options_process(const hay_executor *ex,
                               const hay_task_options *options)
{
    return options->runner == HAY_RUNNER_PROCESS
           || (options->runner == HAY_RUNNER_DEFAULT
               && (ex->process || options->time_limit_ns != 0
                   || options->memory_limit_bytes != 0));
}

hay_status hayi_task_options_can_process(const hay_executor *ex,
                                         struct hayi_error *err)
{
    return ex->has_processes
               ? HAY_OK
               : hayi_fail(err,
                           HAY_EUNSUPPORTED,
                           "process slots (also for functions with a time or "
                           "memory limit) need hay_main(), or hay_prefork() "
                           "first in main()");
}

/* Which runner can serve which kind; kind 0: not known yet. */
static hay_status check_runner(const hay_executor *ex,
                               const hay_task_options *options,
                               enum hayi_task_kind kind,
                               struct hayi_error *err)
{
    hay_runner runner = options->runner;
    if ((int)runner < HAY_RUNNER_DEFAULT || runner > HAY_RUNNER_FAKE) {
        return hayi_fail(err, HAY_EINVAL, "runner %d is unknown", (int)runner);
    }
    if (runner == HAY_RUNNER_FAKE && kind != HAYI_TASK_FAKE) {
        return hayi_fail(
            err, HAY_EINVAL, "the fake runner is for hay_submit_fake() only");
    }
    if ((runner == HAY_RUNNER_THREAD || runner == HAY_RUNNER_PROCESS)
        && (kind == HAYI_TASK_COMMAND || kind == HAYI_TASK_FAKE)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "only functions run in %s slots",
                         runner == HAY_RUNNER_THREAD ? "thread" : "process");
    }
    if (runner == HAY_RUNNER_THREAD
        && (options->time_limit_ns != 0 || options->memory_limit_bytes != 0)) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "a function with a time or memory limit needs a "
                         "process slot, not a thread");
    }
    bool process = runner == HAY_RUNNER_PROCESS
                   || (kind == HAYI_TASK_FUNCTION
                       && hayi_task_options_process(ex, options));
    return process ? hayi_task_options_can_process(ex, err) : HAY_OK;
}

static hay_status check_futures(hay_executor *ex,
                                hay_future *const *futures,
                                size_t count,
                                const char *what,
                                struct hayi_error *err)
{
    if (count > 0 && futures == NULL) {
        return hayi_fail(err, HAY_EINVAL, "%s: the list is NULL", what);
    }
    if (count > UINT32_MAX / 4) {
        return hayi_fail(err, HAY_EINVAL, "%s: too many futures", what);
    }
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL) {
            return hayi_fail(
                err, HAY_EINVAL, "%s: future %zu is NULL", what, i);
        }
        if (futures[i]->ex != ex) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "%s: future %zu belongs to another executor",
                             what,
                             i);
        }
    }
    return HAY_OK;
}

hay_status hayi_task_options_feasible(hay_executor *ex,
                                      const struct hayi_needs *needs,
                                      struct hayi_error *err)
{
    unsigned workers = atomic_load(&ex->workers);
    if (workers == 0 || ex->dry_run || !hayi_executor_all_joined(ex)) {
        return HAY_OK;
    }
    if (needs->request != 0 || (needs->worker != 0 && needs->or_any == 0)) {
        return hayi_resources_feasible(ex->resources, needs, err);
    }
    unsigned cores = atomic_load(&ex->cores_max);
    unsigned gpus = atomic_load(&ex->gpus_max);
    uint64_t memory = atomic_load(&ex->memory_max);
    if (needs->cores > cores) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%u cores asked for, but no worker has more than %u",
                         needs->cores,
                         cores);
    }
    if (needs->gpus > gpus) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%u gpus asked for, but no worker has more than %u",
                         needs->gpus,
                         gpus);
    }
    if (memory != 0 && needs->memory_bytes > memory) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%llu bytes of memory asked for, but no worker has "
                         "more than %llu",
                         (unsigned long long)needs->memory_bytes,
                         (unsigned long long)memory);
    }
    return HAY_OK;
}

/* Guests come behind those that were expected. */
static uint32_t last_worker(const hay_executor *ex)
{
    uint32_t came = atomic_load(&ex->workers) + atomic_load(&ex->workers_lost);
    return came > ex->workers_expected ? came : ex->workers_expected;
}

/* Those that 'needs' has no room for, in the words of who asked. */
static hay_status check_numbers(const hay_executor *ex,
                                const hay_task_options *options,
                                struct hayi_error *err)
{
    if (options->gpus > HAYI_WISH_GPUS_MAX) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%u gpus asked for, but a task has at most %u",
                         options->gpus,
                         HAYI_WISH_GPUS_MAX);
    }
    if ((options->worker & ~HAYI_WORKER_OR_ANY) > last_worker(ex)) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "worker %u asked for, but the last one is %u",
                         options->worker,
                         last_worker(ex));
    }
    return HAY_OK;
}

/* What is wrong with them by themselves. */
static hay_status check_given(hay_executor *ex,
                              const hay_task_options *options,
                              enum hayi_task_kind kind,
                              struct hayi_error *err)
{
    hay_status st =
        hayi_check_in(options, sizeof(*options), "hay_task_options", err);
    if (st != HAY_OK || (st = check_runner(ex, options, kind, err)) != HAY_OK
        || (st = hayi_limits_check(ex, options, kind, err)) != HAY_OK
        || (st =
                hayi_check_text(options->name, NAME_MAX_BYTES, "the name", err))
               != HAY_OK
        || (st = hayi_check_text(
                options->category, CATEGORY_MAX_BYTES, "the category", err))
               != HAY_OK
        || (st = check_futures(
                ex, options->after, options->after_count, "after", err))
               != HAY_OK
        || (st = check_futures(ex,
                               options->after_any,
                               options->after_any_count,
                               "after_any",
                               err))
               != HAY_OK) {
        return st;
    }
    if (options->retries > UINT16_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%u retries: at most %u",
                         options->retries,
                         (unsigned)UINT16_MAX);
    }
    if (options->retry_pause_ns > RETRY_PAUSE_NS_MAX) {
        return hayi_fail(err, HAY_EINVAL, "a retry pause of more than an hour");
    }
    return check_numbers(ex, options, err);
}

hay_status hayi_task_options_check(hay_executor *ex,
                                   const hay_task_options *options,
                                   enum hayi_task_kind kind,
                                   struct hayi_error *err)
{
    struct hayi_needs needs;
    if (ex == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the executor is NULL");
    }
    /* Nothing is wrong with the defaults, if they do not mean a process. */
    hay_status st = options == &defaults && !ex->process
                        ? HAY_OK
                        : check_given(ex, options, kind, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_task_options_needs(ex, options, &needs, err);
    return st == HAY_OK ? hayi_task_options_feasible(ex, &needs, err) : st;
}

hay_status hay_task_options_check(hay_executor *ex,
                                  const hay_task_options *options,
                                  uint64_t timeout_ns)
{
    const hay_task_options *o = hayi_task_options_or_default(options);
    hay_status st = hay_executor_wait_workers(ex, timeout_ns);
    if (st != HAY_OK) {
        return st;
    }
    return hayi_task_options_check(
        ex, o, (enum hayi_task_kind)0, hayi_thread_error());
}
