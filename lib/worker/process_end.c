/* process_end.c - see process_end.h.
 *
 * The output of a range is in its child until the range has ended.  So when an
 * item kills the child, the items before it are run again in the next one, then
 * the range ends with that item as a failure of its own; those behind it are
 * handed out once more by the manager.
 */
#include "config.h"

#include "worker/process_end.h"

#include "worker/command_end.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct hayi_crash {
    uint64_t item;  /* that killed the child, in the range */
    uint64_t count; /* of items of the whole range */
    uint32_t tries; /* of that item */
    bool retry;     /* the whole range runs again, since the item may */
    bool retried;   /* ... and has not died since */
    bool again;     /* those before it run again */
    bool more;      /* the item is to run once more, alone, with more memory */
    uint8_t grown;  /* how often that was so */
    bool blameless; /* the item is to be looked at once more, as the first of
                       a range */
    int32_t exit_code;
    struct hayi_error error;
};

uint64_t hayi_process_grace_ns(const struct hayi_process_config *config,
                               const struct hay_task *task)
{
    return task->record.grace_ns != 0 ? task->record.grace_ns
                                      : config->grace_ns;
}

static void word_death(struct hay_task *task,
                       const struct hayi_spawn_event *end)
{
    task->exit_code = end->exit_code;
    task->signal = end->signal;
    if (end->signal != 0) {
        hayi_word_signal(task, end);
        return;
    }
    task->cause = HAY_CAUSE_EXIT;
    task->outcome = HAYI_OUTCOME_FAILED;
    (void)hayi_fail(&task->error,
                    HAY_ETASK,
                    "the function ended its process: exit status %d",
                    end->exit_code);
}

/* Which item it was at, by its own word. */
static uint64_t item_of(const struct hay_task *task,
                        const struct hayi_child_area *area)
{
    const hay_map_range *at = &area->at;
    uint64_t item =
        at->first - (task->range.first_index + task->range.first) + at->index;
    return item < task->range.count ? item : 0;
}

/* May it try again, and how: by the tries that it has left for this end? */
static void choose_try(struct hay_task *task, struct hayi_crash *crash)
{
    enum { DOUBLINGS = 6 };
    crash->retry = task->outcome == HAYI_OUTCOME_FAILED
                   && crash->tries <= task->range.retries;
    crash->more = task->cause == HAY_CAUSE_MEMORY_LIMIT && crash->item == 0
                  && crash->grown < task->range.memory_retries;
    task->range.begin_ms = 0;
    if (crash->retry) {
        uint32_t failed = crash->tries - 1;
        task->range.begin_ms = task->range.pause_ms
                               << (failed < DOUBLINGS ? failed : DOUBLINGS);
    }
}

static void note_crash(struct hay_task *task,
                       const struct hayi_child_area *area)
{
    struct hayi_crash *crash = task->crash;
    if (crash == NULL) {
        crash = calloc(1, sizeof(*crash));
        if (crash == NULL) {
            return; /* the whole range fails */
        }
        crash->count = task->range.count;
        task->crash = crash;
    }
    uint64_t item = item_of(task, area);
    if (item != crash->item) {
        crash->tries = 0;
    }
    crash->tries += task->outcome == HAYI_OUTCOME_FAILED ? 1 : 0;
    crash->item = item;
    crash->again = false;
    crash->exit_code = task->exit_code;
    crash->error = task->error;
    crash->error.status =
        task->outcome == HAYI_OUTCOME_FAILED ? HAY_ETASK : HAY_EFARM;
    crash->retried = false;
    choose_try(task, crash);
    /* It may be that those before it have left too little. */
    crash->blameless = task->cause == HAY_CAUSE_MEMORY_LIMIT && item > 0;
    /* With more than its limit goes only that item. */
    uint64_t whole = crash->grown > 0 ? 1 : crash->count;
    task->range.count = crash->more ? 1 : crash->retry ? whole : crash->item;
}

void hayi_process_word_end(struct hay_task *task,
                           const struct hayi_spawn_event *end,
                           bool timed_out,
                           bool forced,
                           const struct hayi_child_area *area)
{
    task->start_ns = atomic_load(&area->running_since_ns);
    task->end_ns = end->end_ns;
    task->start_ns = task->start_ns > end->end_ns || task->start_ns == 0
                         ? end->end_ns
                         : task->start_ns;
    task->memory_peak_bytes = end->memory_peak_bytes;
    if (timed_out) {
        task->signal = end->signal;
        hayi_word_limit(task, HAY_CAUSE_TIME_LIMIT);
    } else if (end->over_memory) {
        task->signal = end->signal;
        hayi_word_limit(task, HAY_CAUSE_MEMORY_LIMIT);
    } else if (forced) {
        task->outcome = HAYI_OUTCOME_CANCELLED;
        task->signal = end->signal;
        (void)hayi_fail(&task->error, HAY_ECANCELLED, "cancelled");
    } else {
        word_death(task, end);
    }
    if (task->is_range && task->outcome != HAYI_OUTCOME_CANCELLED) {
        note_crash(task, area);
    }
}

void hayi_process_word_given_up(struct hay_task *task)
{
    hayi_word_limit(task, HAY_CAUSE_TIME_LIMIT);
    if (!task->is_range || task->items_done == 0) {
        return;
    }
    uint64_t last = task->items_done - 1;
    bool told = task->failure_count > 0
                && task->failures[task->failure_count - 1].item == last;
    task->at = NULL;
    task->at_first = last;
    task->tries_left = 0;
    if (!told) {
        (void)hay_map_item_failed(task, HAY_EFARM);
    }
    task->error.text[0] = 0;
    task->cause = 0;
    task->outcome = task->range.stop_on_failure ? HAYI_OUTCOME_FAILED
                                                : HAYI_OUTCOME_FINISHED;
}

void hayi_process_word_nonsense(struct hay_task *task, uint64_t now_ns)
{
    task->start_ns = task->end_ns = now_ns;
    task->result.size = 0;
    task->outcome = HAYI_OUTCOME_FAILED;
    task->cause = HAY_CAUSE_EXIT;
    (void)hayi_fail(&task->error,
                    HAY_ETASK,
                    "the function has spoiled the memory of its process: its "
                    "report makes no sense");
}

void hayi_process_word_stillborn(struct hayi_error *err,
                                 const struct hayi_spawn_event *end)
{
    if (end->start_errno != 0) {
        (void)hayi_fail(err,
                        HAY_EFARM,
                        "a process slot cannot be had: %s",
                        strerror(end->start_errno));
    } else if (end->signal != 0) {
        (void)hayi_fail(err,
                        HAY_EFARM,
                        "a process slot cannot be had: its child ends before "
                        "its first task: signal %d (%s)",
                        end->signal,
                        strsignal(end->signal));
    } else {
        (void)hayi_fail(err,
                        HAY_EFARM,
                        "a process slot cannot be had: its child ends before "
                        "its first task: exit status %d",
                        end->exit_code);
    }
}

/* The items before the one that killed are done: it is the next. */
static void conclude(struct hay_task *task)
{
    const struct hayi_crash *crash = task->crash;
    hay_status status = crash->error.status;
    task->error = crash->error;
    task->exit_code = crash->exit_code;
    task->at = NULL;
    task->at_first = crash->item;
    task->items_done = crash->item;
    if (crash->blameless) {
        task->error.text[0] = 0;
        task->exit_code = 0;
        task->outcome = HAYI_OUTCOME_FINISHED;
        return;
    }
    task->items_done++;
    task->tries_left = 0;
    (void)hay_map_item_failed(task, status);
    task->outcome = task->range.stop_on_failure ? HAYI_OUTCOME_FAILED
                                                : HAYI_OUTCOME_FINISHED;
}

bool hayi_process_more_to_do(struct hay_task *task)
{
    struct hayi_crash *crash = task->crash;
    if (crash == NULL) {
        return false;
    }
    if (crash->retried) {
        task->range.count = crash->count;
        return false;
    }
    if (crash->more) {
        crash->more = false;
        crash->grown++;
        crash->retry = true;
        task->record.memory_limit_bytes *= 2;
    }
    if (crash->retry || (!crash->again && crash->item > 0)) {
        crash->again = !crash->retry;
        crash->retried = crash->retry;
        crash->retry = false;
        task->error.text[0] = 0;
        task->outcome = 0;
        task->cause = 0;
        task->signal = 0;
        task->exit_code = 0;
        return true;
    }
    bool before =
        !crash->again
        || (task->outcome == HAYI_OUTCOME_FINISHED
            && task->items_done == crash->item)
        || (task->outcome == HAYI_OUTCOME_FAILED && !task->range.stop_on_failure
            && task->items_done == crash->item);
    if (before) {
        conclude(task);
    }
    task->range.count = crash->count;
    return false;
}
