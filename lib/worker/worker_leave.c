/* worker_leave.c - a worker that leaves its farm, which goes on.
 *
 * What has not begun goes back, what runs ends; the manager has what is only
 * here brought elsewhere and says STOP.  When the time is known at which this
 * process will be killed, the manager is told a margin before as the end, and
 * it gives nothing that would take longer; half a margin before the end what
 * still runs is given up with us, to be run again elsewhere.
 */
#include "config.h"

#include "worker/worker_inside.h"

#include "base/clock.h"
#include "base/margin.h"

#include <stdio.h>

/* As of a run. */
static uint64_t margin_ns(const struct hayi_worker *worker)
{
    uint64_t deadline_ns = worker->config.leaving.deadline_ns;
    uint64_t limit_ns =
        deadline_ns > worker->start_ns ? deadline_ns - worker->start_ns : 0;
    return hayi_margin_ns(limit_ns);
}

uint64_t hayi_worker_work_end(const struct hayi_worker *worker,
                              uint64_t told_ns)
{
    uint64_t deadline_ns = worker->config.leaving.deadline_ns;
    uint64_t margin = margin_ns(worker);
    if (deadline_ns == 0) {
        return told_ns;
    }
    uint64_t own_ns = deadline_ns > margin ? deadline_ns - margin : 1;
    return own_ns < told_ns ? own_ns : told_ns;
}

static void leave(struct hayi_worker *worker, const char *why)
{
    const struct hayi_leave_record record = {.left_ns = 0};
    const struct hayi_wevent stop = {.kind = HAYI_WEVENT_STOP};
    worker->leaving = true;
    (void)fprintf(
        stderr, "hayfork: worker %u leaves: %s\n", worker->options.worker, why);
    hayi_worker_tell(worker, HAYI_RECORD_LEAVE, &record, sizeof(record));
    hayi_worker_step(worker, &stop);
}

/* How long has there been nothing to do? */
static uint64_t idle_for(struct hayi_worker *worker)
{
    uint32_t queued = 0;
    uint32_t in_slots = 0;
    hayi_wstate_counts(worker->state, &queued, &in_slots);
    if (queued + in_slots > 0 || worker->idle_ns == 0) {
        worker->idle_ns = worker->now_ns;
    }
    return worker->now_ns - worker->idle_ns;
}

/* The manager is told when the time here is over; then it is. */
static void watch_deadline(struct hayi_worker *worker)
{
    uint64_t end_ns = hayi_worker_work_end(worker, UINT64_MAX);
    uint64_t margin = margin_ns(worker);
    if (!worker->bound && worker->now_ns < end_ns) {
        const struct hayi_leave_record record = {.left_ns =
                                                     end_ns - worker->now_ns};
        worker->bound = true;
        hayi_worker_tell(worker, HAYI_RECORD_LEAVE, &record, sizeof(record));
    }
    if (!worker->leaving && worker->now_ns >= end_ns) {
        leave(worker, "its time is nearly over");
    }
    if (worker->now_ns >= end_ns + margin / 2) {
        (void)hayi_fail(&worker->error,
                        HAY_EFARM,
                        "worker %u ends with what it runs: its time is over",
                        worker->options.worker);
        hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
    }
}

void hayi_worker_poll_leave(struct hayi_worker *worker)
{
    const struct hayi_worker_leaving *leaving = &worker->config.leaving;
    if (worker->stopping) {
        return;
    }
    if (leaving->deadline_ns != 0) {
        watch_deadline(worker);
    }
    if (worker->leaving) {
        return;
    }
    if (leaving->asked != NULL && atomic_load(leaving->asked) != 0) {
        leave(worker, "it was asked to");
    } else if (leaving->idle_ns != 0 && idle_for(worker) >= leaving->idle_ns) {
        char why[80];
        (void)snprintf(why,
                       sizeof(why),
                       "it has had nothing to do for %g s",
                       (double)leaving->idle_ns * 1e-9);
        leave(worker, why);
    }
}
