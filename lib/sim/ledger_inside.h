/* ledger_inside.h - the ledger, for the files that make it up.
 *
 * Owns: nothing beyond what ledger.h says.
 * Never: included by anything but lib/sim/ledger*.c.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_LEDGER_INSIDE_H
#define HAYI_SIM_LEDGER_INSIDE_H

#include "sim/ledger.h"

/* In the mark of an item. */
#define HAYI_LEDGER_RUN      0x01u
#define HAYI_LEDGER_DOUBLED  0x40u /* it was given to a second attempt */
#define HAYI_LEDGER_REPORTED 0x80u

static inline bool hayi_ledger_any_lost(const struct hayi_ledger *ledger)
{
    return ledger->loss_count > 0;
}

/* It has ended, and may run again to make its objects again. */
static inline bool hayi_ledger_remakes(const struct hayi_ledger_task *task)
{
    return task->told && task->state == HAY_FINISHED && task->spec.makes > 0
           && !task->spec.put && !task->forgotten;
}

static inline bool hayi_ledger_running(const struct hayi_ledger_task *task)
{
    return task->last.running || task->other.running;
}

static inline bool hayi_ledger_finished(const struct hayi_ledger_task *task)
{
    return task->last.finished || task->other.finished;
}

/* The attempt of this number; NULL: it is neither of the two. */
static inline struct hayi_ledger_try *
hayi_ledger_try(struct hayi_ledger_task *task, uint32_t attempt)
{
    if (task->last.attempt == attempt) {
        return &task->last;
    }
    return task->other.attempt == attempt ? &task->other : NULL;
}

/* ledger_told.c */
/* Is there a worker left that has what the task needs?  Of what is asked for by
 * a request that is not looked at while any was lost. */
bool hayi_ledger_met(const struct hayi_ledger *ledger,
                     const struct hayi_needs *needs);

/* ledger_truth.c */
/* From now on nothing comes from it; what has not come yet has not been. */
void hayi_ledger_fence(struct hayi_ledger *ledger, uint32_t worker);

#endif
