/* farm_journal.c - a run that tests kill: named tasks, and a line for each end
 * as it is told.
 *
 *     farm_journal COUNT [--hay-...]
 *
 * Prints "pid N", rank 0's, then "told NAME" for each task that has finished,
 * when the client hears of it, and at the end "sum N" of what the tasks gave.
 * Each task appends its number to the file "ran" in the working folder.
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

HAY_TASK(journal_step)
{
    int64_t i;
    char line[32];
    const struct timespec work = {.tv_nsec = 2000000};
    HAY_TRY(hay_arg_int64(task, 0, &i));
    (void)nanosleep(&work, NULL);
    int fd = open("ran", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    int size = snprintf(line, sizeof(line), "%" PRId64 "\n", i);
    if (fd < 0 || write(fd, line, (size_t)size) != size) {
        return hay_task_fail(task, 1, "ran cannot be written");
    }
    (void)close(fd);
    return hay_return_int64(task, i * 7);
}

static hay_status submit_all(hay_executor *ex, hay_queue *queue, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        char name[32];
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        (void)snprintf(name, sizeof(name), "step-%" PRId64, i);
        options.name = name;
        options.queue = queue;
        hay_status status = hay_submit(
            ex, journal_step, HAY_ARGS(hay_int64(i)), &options, NULL);
        if (status != HAY_OK) {
            return status;
        }
    }
    return HAY_OK;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_queue *queue = NULL;
    int64_t count = argc > 1 ? strtoll(argv[1], NULL, 10) : 100;
    int64_t sum = 0;
    (void)printf("pid %d\n", (int)getpid());
    hay_status status = hay_queue_new(ex, &queue);
    if (status == HAY_OK) {
        status = submit_all(ex, queue, count);
    }
    hay_future *f = NULL;
    while (status == HAY_OK
           && hay_queue_next(queue, HAY_FOREVER, &f) == HAY_OK) {
        int64_t value = 0;
        status = hay_result_int64(f, 0, &value);
        if (status == HAY_OK) {
            sum += value;
            (void)printf("told %s\n", hay_future_name(f));
            (void)fflush(stdout);
        }
        hay_future_release(f);
    }
    if (status == HAY_OK) {
        (void)printf("sum %" PRId64 "\n", sum);
    }
    hay_queue_free(queue);
    return status;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
