/* farm_leave.c - a worker that has joined leaves in the middle of a run, and
 * what only it has is brought to who stays.  FOLDER: 'leave' is written there
 * when it is to leave, 'made' has a byte for each object that was made. */
#include "config.h"

#include "expect.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { OBJECTS = 40, ELEMENTS = 1 << 15, GUEST = 2 };

static uint64_t element(uint64_t number, uint64_t i)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * 3;
}

/* One more byte in a file of the folder. */
static int add_byte(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ssize_t put = fd >= 0 ? write(fd, "x", 1) : -1;
    if (fd >= 0) {
        (void)close(fd);
    }
    return put == 1 ? 0 : -1;
}

static long long bytes_of(const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "re");
    long long bytes = 0;
    while (file != NULL && fgetc(file) != EOF) {
        bytes++;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

/* folder, number */
HAY_TASK(makes)
{
    const char *folder;
    int64_t number;
    uint64_t count = ELEMENTS;
    void *data = NULL;
    HAY_TRY(hay_arg_string(task, 0, &folder));
    HAY_TRY(hay_arg_int64(task, 1, &number));
    NEEDS(hay_task_worker(task) == GUEST);
    NEEDS(add_byte(folder, "made") == 0);
    HAY_TRY(hay_return_alloc_array(task, HAY_U64, 1, &count, &data));
    for (uint64_t i = 0; i < count; i++) {
        ((uint64_t *)data)[i] = element((uint64_t)number, i);
    }
    return HAY_OK;
}

/* array, number */
HAY_TASK(compares)
{
    hay_array_view view;
    int64_t number;
    HAY_TRY(hay_arg_array(task, 0, &view));
    HAY_TRY(hay_arg_int64(task, 1, &number));
    const uint64_t *at = view.data;
    for (uint64_t i = 0; i < view.shape[0]; i++) {
        NEEDS(at[i] == element((uint64_t)number, i));
    }
    return hay_return_int64(task, (int64_t)hay_task_worker(task));
}

/* Until so many workers are there. */
static hay_status wait_workers(hay_executor *ex, uint32_t count)
{
    const struct timespec nap = {.tv_nsec = 10000000};
    hay_stats stats = {.size = sizeof stats};
    HAY_TRY(hay_executor_stats(ex, &stats));
    while (stats.workers != count) {
        (void)nanosleep(&nap, NULL);
        HAY_TRY(hay_executor_stats(ex, &stats));
    }
    return HAY_OK;
}

static void finish(hay_future **futures)
{
    for (int i = 0; i < OBJECTS; i++) {
        EXPECT(hay_future_wait(futures[i], HAY_FOREVER) == HAY_OK);
        EXPECT(hay_future_state(futures[i]) == HAY_FINISHED);
    }
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *made[OBJECTS];
    hay_future *compared[OBJECTS];
    hay_task_options there = HAY_TASK_OPTIONS_INIT;
    const char *folder = argc > 1 ? argv[1] : ".";
    there.worker = GUEST;
    HAY_TRY(wait_workers(ex, 2));
    for (int i = 0; i < OBJECTS; i++) {
        HAY_TRY(hay_submit(ex,
                           makes,
                           HAY_ARGS(hay_string(folder), hay_int64(i)),
                           &there,
                           &made[i]));
    }
    finish(made);
    EXPECT(add_byte(folder, "leave") == 0);
    HAY_TRY(wait_workers(ex, 1));
    for (int i = 0; i < OBJECTS; i++) {
        HAY_TRY(hay_submit(ex,
                           compares,
                           HAY_ARGS(hay_ref(made[i]), hay_int64(i)),
                           NULL,
                           &compared[i]));
    }
    finish(compared);
    EXPECT(bytes_of(folder, "made") == OBJECTS); /* none of them again */
    for (int i = 0; i < OBJECTS; i++) {
        hay_future_release(made[i]);
        hay_future_release(compared[i]);
    }
    if (wrong == 0) {
        printf("ok what_only_it_has_is_brought_to_who_stays\n");
    }
    return wrong == 0 ? HAY_OK : HAY_EFARM;
}

static void leave(int number)
{
    (void)number;
    hay_leave();
}

int main(int argc, char **argv)
{
    const struct sigaction action = {.sa_handler = leave,
                                     .sa_flags = SA_RESTART};
    (void)sigaction(SIGTERM, &action, NULL);
    return hay_main(argc, argv, farm);
}
