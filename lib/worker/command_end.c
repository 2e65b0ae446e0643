/* command_end.c - see command_end.h. */
#include "config.h"

#include "worker/command_end.h"

#include "base/size_words.h"

#include <signal.h>
#include <string.h>

static const char oom_words[] =
    "; the kernel has killed for want of memory at that time";

/* The kernel sends this to a program for what it does itself (SIGSEGV), or it
 * sends it itself (SIGABRT); others come from outside. */
static bool is_crash(int number)
{
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE
           || number == SIGILL || number == SIGABRT || number == SIGTRAP
           || number == SIGSYS;
}

void hayi_word_limit(struct hay_task *task, hay_cause cause)
{
    const struct hayi_task_record *record = &task->record;
    char limit[HAYI_SIZE_WORDS_MAX];
    char used[HAYI_SIZE_WORDS_MAX];
    task->outcome = HAYI_OUTCOME_FARM;
    task->cause = (uint8_t)cause;
    switch (cause) {
    case HAY_CAUSE_TIME_LIMIT:
        (void)hayi_fail(&task->error,
                        HAY_EFARM,
                        "time limit of %g s",
                        (double)record->time_limit_ns * 1e-9);
        return;
    case HAY_CAUSE_MEMORY_LIMIT:
        hayi_size_words(record->memory_limit_bytes, limit, sizeof(limit));
        hayi_size_words_up(task->memory_peak_bytes, used, sizeof(used));
        (void)hayi_fail(&task->error,
                        HAY_EFARM,
                        "memory limit of %s (used %s)",
                        limit,
                        used);
        return;
    default:
        hayi_size_words(record->output_limit_bytes, limit, sizeof(limit));
        (void)hayi_fail(&task->error, HAY_EFARM, "output limit of %s", limit);
        return;
    }
}

void hayi_word_signal(struct hay_task *task,
                      const struct hayi_spawn_event *event)
{
    task->outcome =
        is_crash(event->signal) ? HAYI_OUTCOME_FAILED : HAYI_OUTCOME_FARM;
    task->cause = HAY_CAUSE_SIGNAL;
    (void)hayi_fail(&task->error,
                    HAY_EFARM,
                    "signal %d (%s)%s",
                    event->signal,
                    strsignal(event->signal),
                    event->oom_kill ? oom_words : "");
}

void hayi_command_ended(struct hay_task *task,
                        const struct hayi_spawn_event *event)
{
    task->start_ns = event->start_ns;
    task->end_ns = event->end_ns;
    task->exit_code = event->exit_code;
    task->signal = event->signal;
    task->memory_peak_bytes = event->memory_peak_bytes;
    task->outcome = HAYI_OUTCOME_FAILED;
    if (event->cancelled) {
        task->outcome = HAYI_OUTCOME_CANCELLED;
        (void)hayi_fail(&task->error, HAY_ECANCELLED, "cancelled");
    } else if (event->timed_out) {
        hayi_word_limit(task, HAY_CAUSE_TIME_LIMIT);
    } else if (event->over_memory) {
        hayi_word_limit(task, HAY_CAUSE_MEMORY_LIMIT);
    } else if (event->over_output) {
        hayi_word_limit(task, HAY_CAUSE_OUTPUT_LIMIT);
    } else if (event->start_errno != 0) {
        (void)hayi_fail(&task->error,
                        HAY_ETASK,
                        "cannot be started: %s: %s",
                        hayi_spawn_step_text(event->start_step),
                        strerror(event->start_errno));
    } else if (event->signal != 0) {
        hayi_word_signal(task, event);
    } else if (event->exit_code == HAYI_EXIT_UNFINISHED && event->warned) {
        task->outcome = HAYI_OUTCOME_CANCELLED;
        task->cause = HAY_CAUSE_WALLTIME;
        (void)hayi_fail(&task->error,
                        HAY_ECANCELLED,
                        "exit status %d after the warning: it has more to do",
                        event->exit_code);
    } else if (event->exit_code != 0) {
        (void)hayi_fail(&task->error,
                        HAY_ETASK,
                        "exit status %d%s",
                        event->exit_code,
                        event->oom_kill ? oom_words : "");
    } else if (event->output_lost) {
        task->outcome = HAYI_OUTCOME_FARM;
        (void)hayi_fail(
            &task->error, HAY_EFARM, "not all of its output could be kept");
    } else {
        task->outcome = HAYI_OUTCOME_FINISHED;
    }
}
