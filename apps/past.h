/* past.h - what a run that goes on took from its journal, and why the rest
 * runs: counted for the summary, or told task by task (--why).
 */
#ifndef APPS_PAST_H
#define APPS_PAST_H

#include "workload.h"

#define PAST_WHYS (HAY_WHY_UNFINISHED + 1)

struct past {
    uint64_t count[PAST_WHYS]; /* tasks, by hay_why */
};

/* A task has ended.  true: long ago, the journal says. */
bool past_note(struct past *past, const hay_future *future);

/* How many tasks run though the journal has them, and why; nothing if there are
 * none. */
void past_sum_up(const struct past *past);

/* --why: a line to standard output, "done<tab>NAME" or "runs<tab>NAME<tab>why";
 * a task without a name is FILE:LINE. */
void past_tell(const struct workload *w,
               uint64_t task,
               const hay_future *future);
/* The same for what the journal has and the file has not any more, "gone", and
 * a summary.  false: standard output cannot be written. */
bool past_tell_rest(const struct past *past, hay_executor *ex);

#endif
