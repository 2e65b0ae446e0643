/* eachworker.c - commands that run once on each worker; see eachworker.h. */
#include "config.h"

#include "eachworker.h"
#include "signals.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS (NS_PER_S / 10)

/* One command on one worker. */
struct run {
    hay_future *future;
    const struct worker_command *command;
    uint32_t worker;
};

bool eachworker_wanted(const struct workload *w, bool stop)
{
    for (size_t i = 0; i < w->worker_command_count; i++) {
        if (w->worker_commands[i].stop == stop) {
            return true;
        }
    }
    return false;
}

/* The run's own end is to come before that of the job.  0: no limit. */
static uint64_t limit_of(hay_executor *ex)
{
    hay_stats stats = {.size = sizeof stats};
    if (hay_executor_stats(ex, &stats) != HAY_OK
        || stats.time_left_ns == HAY_FOREVER) {
        return 0;
    }
    uint64_t limit_ns = (stats.time_left_ns + stats.margin_ns) / 2;
    return limit_ns > NS_PER_S ? limit_ns : NS_PER_S;
}

static hay_status submit(hay_executor *ex,
                         const struct workload *w,
                         const struct run *run,
                         hay_future *before,
                         hay_future **future)
{
    hay_command command = HAY_COMMAND_INIT;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    struct text name = TEXT_INIT, rank = TEXT_INIT;
    /* As disBatch counts its engines. */
    text_format(&rank, "DISBATCH_ENGINE_RANK=%" PRIu32, run->worker - 1);
    text_format(&name,
                "perengine.%" PRIu32 "[%" PRIu32 "]",
                run->command->line,
                run->worker);
    char key[64];
    snprintf(key,
             sizeof key,
             "%ld %ld %" PRIu32,
             (long)time(NULL),
             (long)getpid(),
             run->worker);
    const char *env[] = {w->worker_env, rank.data, NULL};
    command.line = run->command->text;
    command.env = env;
    options.name = name.data;
    options.worker = run->worker;
    options.resume_key = key; /* a run that goes on runs them again */
    if (run->command->stop) {
        options.cleanup = true;
        options.time_limit_ns = limit_of(ex);
    }
    options.after_any = &before;
    options.after_any_count = before != NULL ? 1 : 0;
    hay_status status = hay_submit_command(ex, &command, &options, future);
    text_fini(&name);
    text_fini(&rank);
    return status;
}

static void tell(const struct workload *w, const struct run *run)
{
    hay_outcome outcome = {.size = sizeof outcome};
    const char *reason = hay_error_text();
    if (run->future != NULL
        && hay_future_outcome(run->future, &outcome) == HAY_OK) {
        reason = outcome.reason;
    }
    say("%s:%" PRIu32 ": PERENGINE %s on worker %" PRIu32 " failed: %s",
        w->file,
        run->command->line,
        run->command->stop ? "STOP" : "START",
        run->worker,
        reason);
}

/* Wait for its end; a signal of 'level' ends it by force. */
static hay_status wait_for(hay_future *future, int level)
{
    hay_status status;
    bool ended = false;
    do {
        status = hay_future_wait(future, LOOK_NS);
        if (status == HAY_ETIMEDOUT && !ended && signals_level() >= level) {
            ended = true;
            (void)hay_future_cancel(future, HAY_CANCEL_FORCE);
        }
    } while (status == HAY_ETIMEDOUT);
    return status;
}

static hay_status end_all(const struct workload *w,
                          const struct run *runs,
                          size_t count,
                          int level,
                          uint64_t *failed)
{
    hay_status status = HAY_OK;
    for (size_t i = 0; i < count && status == HAY_OK; i++) {
        if (runs[i].future == NULL) {
            continue;
        }
        status = wait_for(runs[i].future, level);
        if (status == HAY_OK
            && hay_future_state(runs[i].future) != HAY_FINISHED) {
            tell(w, &runs[i]);
            ++*failed;
        }
    }
    return status;
}

hay_status eachworker_run(hay_executor *ex,
                          const struct workload *w,
                          bool stop,
                          uint32_t workers,
                          uint64_t *failed)
{
    size_t count = 0;
    hay_status status = HAY_OK;
    struct run *runs =
        mem_alloc(w->worker_command_count * workers + 1, sizeof *runs);
    *failed = 0;
    for (uint32_t worker = 1; worker <= workers; worker++) {
        hay_future *before = NULL;
        for (size_t i = 0; i < w->worker_command_count; i++) {
            if (w->worker_commands[i].stop != stop) {
                continue;
            }
            struct run *run = &runs[count++];
            *run = (struct run){.command = &w->worker_commands[i],
                                .worker = worker};
            status = submit(ex, w, run, before, &run->future);
            if (status != HAY_OK) {
                /* A worker that was lost has nothing to end. */
                *failed += stop ? 0 : 1;
                tell(w, run);
            } else {
                before = run->future;
            }
        }
    }
    int level = stop ? SIGNALS_FORCE : SIGNALS_DRAIN;
    status = end_all(w, runs, count, level, failed);
    for (size_t i = 0; i < count; i++) {
        hay_future_release(runs[i].future);
    }
    free(runs);
    return status;
}
