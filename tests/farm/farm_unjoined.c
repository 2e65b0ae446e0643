/* farm_unjoined.c - rank 2 is killed after MPI_Init() and before it has joined:
 * the others go on, or say within their time why they cannot.  See t_losses.sh.
 *
 * farm_unjoined ready|starting: it is killed when all ranks know each other,
 * and before that.  Looks into the library for the moment.
 */
#include "config.h"

#include "transport/identity.h"
#include "worker/worker.h"

#include <hayfork/hayfork.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TASKS = 100 };

static const char *moment = "";

static void die_at(const char *where)
{
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    if (rank != NULL && strcmp(rank, "2") == 0 && strcmp(where, moment) == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

uint64_t __real_hayi_identity_hash(const void *text, size_t size);
uint64_t __wrap_hayi_identity_hash(const void *text, size_t size);
uint64_t __wrap_hayi_identity_hash(const void *text, size_t size)
{
    die_at("starting");
    return __real_hayi_identity_hash(text, size);
}

hay_status __real_hayi_worker_new(const struct hayi_worker_config *config,
                                  struct hayi_worker **worker,
                                  struct hayi_error *err);
hay_status __wrap_hayi_worker_new(const struct hayi_worker_config *config,
                                  struct hayi_worker **worker,
                                  struct hayi_error *err);
hay_status __wrap_hayi_worker_new(const struct hayi_worker_config *config,
                                  struct hayi_worker **worker,
                                  struct hayi_error *err)
{
    die_at("ready");
    return __real_hayi_worker_new(config, worker, err);
}

HAY_TASK(answer)
{
    return hay_return_int64(task, hay_task_worker(task));
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *list[TASKS];
    hay_stats stats = {.size = sizeof(stats)};
    bool good = true;
    (void)argc;
    (void)argv;
    HAY_TRY(hay_executor_wait_workers(ex, UINT64_C(60000000000)));
    HAY_TRY(hay_executor_stats(ex, &stats));
    for (int i = 0; i < TASKS; i++) {
        HAY_TRY(hay_submit(ex, answer, HAY_NO_ARGS, NULL, &list[i]));
    }
    for (int i = 0; i < TASKS; i++) {
        int64_t worker = 0;
        HAY_TRY(hay_result_int64(list[i], HAY_FOREVER, &worker));
        good = good && worker != 2;
        hay_future_release(list[i]);
    }
    good = good && stats.workers == 2;
    (void)printf("%s %s\n", good ? "ok" : "not ok", moment);
    return good ? HAY_OK : HAY_ETASK;
}

int main(int argc, char **argv)
{
    moment = argc > 1 ? argv[1] : "";
    return hay_main(argc, argv, farm);
}
