/* results.h - what a task gives back: small values go into its report, large
 * ones become objects of the node's store.
 *
 * Owns: objects that are not sealed yet; they belong to their task.
 * Never: seals what a failed task has made.
 * Threads: the slot's own.
 */
#ifndef HAYI_WORKER_RESULTS_H
#define HAYI_WORKER_RESULTS_H

#include "worker/task.h"

enum {
    HAYI_PARTS_MAX = 65536, /* results of one task */
};

/* Is there anything for hayi_results_seal() to do? */
static inline bool hayi_results_any(const struct hay_task *task)
{
    return task->parts != NULL || task->made.place != 0;
}
/* The task has ended well: task->result is the whole value, several as a list,
 * its objects are sealed.  HAY_ENOMEM with words in task->error: nothing is. */
hay_status hayi_results_seal(struct hay_task *task);
/* The same task, whose objects lie in the store: if it is one to be kept
 * (HAYI_TASK_KEEP), and too large for the journal, its result is written into
 * the run folder, too.  If that fails a line is logged, once; the task has
 * ended well all the same.  Blocks on the disk. */
void hayi_results_keep(struct hay_task *task);
/* Forget them all; objects that are not sealed are abandoned. */
void hayi_results_drop(struct hay_task *task);

/* From now on it has so many results, at least one; what it had is dropped. */
hay_status hayi_results_split(struct hay_task *task, size_t count);

/* The one value that the task has set; HAY_NONE if none.  false: it has several
 * results. */
bool hayi_results_look(const struct hay_task *task, struct hayi_value *value);

#endif
