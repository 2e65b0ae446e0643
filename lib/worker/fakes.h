/* fakes.h - attempts that only take time: the fake runner.
 *
 * Owns: a heap of the running ones by their end.
 * Never: reads a clock, sleeps.
 * Threads: the loop's.
 */
#ifndef HAYI_WORKER_FAKES_H
#define HAYI_WORKER_FAKES_H

#include "worker/task.h"

struct hayi_fakes {
    struct hay_task **heap;
    size_t count;
    size_t room;
};

void hayi_fakes_init(struct hayi_fakes *fakes);
void hayi_fakes_fini(struct hayi_fakes *fakes);
/* Starts at now_ns; its end_ns says when it ends. */
hay_status
hayi_fakes_start(struct hayi_fakes *fakes, struct hay_task *task, uint64_t now);
/* One that has ended by now_ns, or NULL. */
struct hay_task *hayi_fakes_due(struct hayi_fakes *fakes, uint64_t now_ns);
/* End it now, as cancelled. */
void hayi_fakes_cancel(struct hayi_fakes *fakes,
                       struct hay_task *task,
                       uint64_t now_ns);
/* When the next one ends; UINT64_MAX: none runs. */
uint64_t hayi_fakes_next_ns(const struct hayi_fakes *fakes);

#endif
