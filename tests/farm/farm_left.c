/* farm_left.c - ranks that are killed when they have sealed a result and nobody
 * has heard of it: nothing of it is left in the node's store.  See t_losses.sh.
 *
 * Looks into the library: the killing is done where the report would be
 * written.
 */
#include "config.h"

#include "client/executor.h"
#include "data/store.h"
#include "worker/worker_inside.h"

#include <hayfork/hayfork.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TASKS = 12, VICTIMS = 2, BYTES = 1 << 20, LOOKS = 2000 };

void __real_hayi_worker_report_ended(struct hayi_worker *worker,
                                     const struct hay_task *task,
                                     const struct hayi_capture_record *capture);
void __wrap_hayi_worker_report_ended(struct hayi_worker *worker,
                                     const struct hay_task *task,
                                     const struct hayi_capture_record *capture);
void __wrap_hayi_worker_report_ended(struct hayi_worker *worker,
                                     const struct hay_task *task,
                                     const struct hayi_capture_record *capture)
{
    if (hay_task_worker(task) <= VICTIMS) {
        (void)kill(getpid(), SIGKILL);
    }
    __real_hayi_worker_report_ended(worker, task, capture);
}

HAY_TASK(make)
{
    void *data;
    HAY_TRY(hay_return_alloc(task, BYTES, &data));
    memset(data, 7, BYTES);
    return HAY_OK;
}

/* Objects in the node's store once they are so many, or after a while. */
static uint64_t objects(const hay_executor *ex, uint64_t wanted)
{
    struct hayi_store_usage usage = {.object_count = 0};
    for (int i = 0; i < LOOKS; i++) {
        hayi_store_get_usage(ex->store, &usage);
        if (usage.object_count == wanted) {
            break;
        }
        (void)poll(NULL, 0, 5);
    }
    return usage.object_count;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *list[TASKS];
    hay_stats stats = {.size = sizeof(stats)};
    (void)argc;
    (void)argv;
    HAY_TRY(hay_executor_wait_workers(ex, UINT64_C(60000000000)));
    for (int i = 0; i < TASKS; i++) {
        HAY_TRY(hay_submit(ex, make, HAY_NO_ARGS, NULL, &list[i]));
    }
    for (int i = 0; i < TASKS; i++) {
        HAY_TRY(hay_future_wait(list[i], HAY_FOREVER));
    }
    uint64_t held = objects(ex, TASKS);
    /* Counts are told once a round of the manager. */
    for (int i = 0; i < LOOKS && stats.finished < TASKS; i++) {
        HAY_TRY(hay_executor_stats(ex, &stats));
        (void)poll(NULL, 0, 5);
    }
    for (int i = 0; i < TASKS; i++) {
        hay_future_release(list[i]);
    }
    uint64_t left = objects(ex, 0);
    if (held == TASKS && left == 0 && stats.finished == TASKS) {
        (void)printf("ok left\n");
        return HAY_OK;
    }
    (void)printf("not ok left: %d held, %d at the end, %d finished\n",
                 (int)held,
                 (int)left,
                 (int)stats.finished);
    return HAY_ETASK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
