/* worker_walltime.c - when work ends: told by the manager, for those who look
 * at it: functions, children that run functions, the spawner that warns
 * commands.
 */
#include "config.h"

#include "base/clock.h"
#include "worker/slot_process.h"
#include "worker/worker_inside.h"

void hayi_worker_tell_spawner(struct hayi_worker *worker)
{
    if (worker->spawner_ready) {
        (void)hayi_spawner_work_end(worker->spawner,
                                    atomic_load(&worker->work_end_ns));
    }
}

void hayi_worker_on_deadline(struct hayi_worker *worker,
                             const struct hayi_deadline_record *record)
{
    atomic_store(
        &worker->work_end_ns,
        hayi_worker_work_end(worker, hayi_clock_deadline(record->left_ns)));
    hayi_worker_tell_spawner(worker);
    for (uint32_t i = 0; i < worker->process_count; i++) {
        hayi_process_tell_end(worker->processes[i]);
    }
}
