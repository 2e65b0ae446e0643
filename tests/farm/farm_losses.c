/* farm_losses.c - a farm whose workers are killed or stopped while it works.
 *
 * farm_losses STATE, in an empty folder; worker 2 is
 *   running   killed by the task that it runs
 *   holding   killed with tasks that wait behind that one
 *   map       killed in the middle of a map
 *   stopped   stopped, so that it falls silent; then it goes on, too late
 *   poison    a task kills whoever runs it
 *   once      the same for a task that must not run twice
 *   file      killed while an array is written into a file
 *   transfer  killed while objects move between nodes
 *   beside    a task kills whoever runs it, beside others
 *   straggler stuck with a task, deaf to its cancellation
 *   slow      not lost: whoever comes first is slow with a range of a map, and
 *             then wrong
 *   orphan    not killed: all linger, with process ids in files, until rank 0
 *             is killed
 *   data      killed when it has made objects that others need (on a node of
 *             its own, or they outlive it)
 * Each task must end once, with the right result.
 */
#include "config.h"

#include <hayfork/hayfork.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TASKS = 200,
    ITEMS = 5000,
    PARTS = 24,
    PART_BYTES = 1 << 20,
    BIGS = 12,
    BIG_BYTES = 24 << 20,
    FILE_SIZE = 1 << 18,
    FILE_CHUNK = 1 << 12,
};

/* The first to come makes the file, of its process id, and dies. */
static bool first(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
    if (fd >= 0) {
        (void)dprintf(fd, "%d\n", (int)getpid());
        (void)close(fd);
    }
    return fd >= 0;
}

static void nap(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* (signal, number, milliseconds): the number squared; on worker 2, once, the
 * signal comes first. */
HAY_TASK(work)
{
    int64_t signal_number = 0;
    int64_t x = 0;
    int64_t ms = 0;
    HAY_TRY(hay_arg_int64(task, 0, &signal_number));
    HAY_TRY(hay_arg_int64(task, 1, &x));
    HAY_TRY(hay_arg_int64(task, 2, &ms));
    if (signal_number != 0 && hay_task_worker(task) == 2 && first("struck")) {
        (void)kill(getpid(), (int)signal_number);
    }
    nap((long)ms);
    return hay_return_int64(task, x * x);
}

HAY_TASK(murder)
{
    (void)kill(getpid(), SIGKILL);
    return hay_return_int64(task, 0);
}

/* (number): worker 2 does not end the first. */
HAY_TASK(stick)
{
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    if (hay_task_worker(task) == 2 && x >= TASKS / 2 && first("struck")) {
        for (;;) {
            nap(1000);
        }
    }
    nap(20);
    return hay_return_int64(task, x * x);
}

/* Says who we are, and stays. */
HAY_TASK(linger)
{
    char path[64];
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    (void)snprintf(path, sizeof(path), "pid.f%d", (int)x);
    (void)first(path);
    for (;;) {
        nap(1000);
    }
}

HAY_TASK(make)
{
    static _Thread_local unsigned char bytes[PART_BYTES];
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    memset(bytes, (int)x, sizeof(bytes));
    nap(20);
    return hay_return_bytes(task, bytes, sizeof(bytes));
}

HAY_TASK(sum)
{
    const void *data = NULL;
    size_t size = 0;
    int64_t total = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    for (size_t i = 0; i < size; i++) {
        total += ((const unsigned char *)data)[i];
    }
    return hay_return_int64(task, total);
}

HAY_TASK(big)
{
    void *data = NULL;
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    HAY_TRY(hay_return_alloc(task, BIG_BYTES, &data));
    memset(data, (int)x, BIG_BYTES);
    return HAY_OK;
}

/* (a, b): are all bytes of each the same?  Their first ones, a * 256 + b; or
 * -1. */
HAY_TASK(both)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < 2; i++) {
        const void *data = NULL;
        size_t size = 0;
        HAY_TRY(hay_arg_bytes(task, i, &data, &size));
        const unsigned char *bytes = data;
        bool same =
            size == BIG_BYTES && memcmp(bytes, bytes + 1, size - 1) == 0;
        total = same && total >= 0 ? total * 256 + bytes[0] : -1;
    }
    return hay_return_int64(task, total);
}

HAY_TASK(murder_soon)
{
    nap(60);
    (void)kill(getpid(), SIGKILL);
    return hay_return_int64(task, 0);
}

HAY_MAP_TASK(items, double, double)
{
    if (hay_task_worker(task) == 2 && *in > ITEMS / 50 && first("struck")) {
        (void)kill(getpid(), SIGKILL);
    }
    const struct timespec t = {0, 50000};
    (void)nanosleep(&t, NULL);
    *out = 2 * *in;
    return HAY_OK;
}

HAY_MAP_TASK(slow_items, double, double)
{
    if (*in >= ITEMS - ITEMS / 10 && first("struck")) {
        nap(1500);
        *out = -1;
        (void)first("late");
        return HAY_OK;
    }
    const struct timespec t = {0, 50000};
    (void)nanosleep(&t, NULL);
    *out = 2 * *in;
    return HAY_OK;
}

static hay_status wrong(const char *what, int64_t got)
{
    printf("not ok %s: %lld: %s\n", what, (long long)got, hay_error_text());
    return HAY_OK;
}

/* Waits for it and releases it; false: it gave something else, which is told.
 */
static bool
gives(hay_future *future, int64_t expected, const char *what, int64_t index)
{
    int64_t x = 0;
    if (hay_result_int64(future, HAY_FOREVER, &x) != HAY_OK || x != expected) {
        (void)wrong(what, index);
        return false;
    }
    hay_future_release(future);
    return true;
}

/* The worker that was given up goes on: it shall end itself. */
static bool ends_itself(void)
{
    int pid = 0;
    FILE *file = fopen("struck", "r");
    if (file == NULL || fscanf(file, "%d", &pid) != 1 || pid <= 1) {
        return false;
    }
    (void)fclose(file);
    (void)kill(pid, SIGCONT);
    for (int i = 0; i < 1000 && kill(pid, 0) == 0; i++) {
        nap(10);
    }
    return kill(pid, 0) != 0;
}

static hay_status tasks(hay_executor *ex, const char *state)
{
    static hay_future *list[TASKS];
    bool holding = strcmp(state, "holding") == 0;
    int signal_number = strcmp(state, "stopped") == 0 ? SIGSTOP : SIGKILL;
    for (int i = 0; i < TASKS; i++) {
        HAY_TRY(hay_submit(ex,
                           work,
                           HAY_ARGS(hay_int64(signal_number),
                                    hay_int64(i),
                                    hay_int64(holding ? 0 : 10)),
                           NULL,
                           &list[i]));
    }
    for (int i = 0; i < TASKS; i++) {
        if (!gives(list[i], (int64_t)i * i, "a task", i)) {
            return HAY_OK;
        }
    }
    hay_stats stats = {.size = sizeof(stats)};
    HAY_TRY(hay_executor_stats(ex, &stats));
    /* They are told a moment after the last result. */
    for (int i = 0; i < 1000 && stats.finished < TASKS; i++) {
        nap(10);
        HAY_TRY(hay_executor_stats(ex, &stats));
    }
    if (stats.finished != TASKS || stats.failed != 0) {
        return wrong("finished tasks", (int64_t)stats.finished);
    }
    if (access("struck", F_OK) == 0 && stats.workers != 2) {
        return wrong("workers", stats.workers);
    }
    if (signal_number == SIGSTOP && !ends_itself()) {
        return wrong("the late worker lives", 0);
    }
    printf("ok %s\n", state);
    return HAY_OK;
}

static hay_status map(hay_executor *ex)
{
    static double in[ITEMS];
    static double out[ITEMS];
    hay_future *done = NULL;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    HAY_TRY(hay_map(ex, items, NULL, in, ITEMS, out, &done));
    if (hay_future_wait(done, HAY_FOREVER) != HAY_OK
        || hay_future_state(done) != HAY_FINISHED) {
        return wrong("the map", (int64_t)hay_future_state(done));
    }
    for (int i = 0; i < ITEMS; i++) {
        if (out[i] != 2.0 * i) {
            return wrong("an item", i);
        }
    }
    hay_future_release(done);
    printf("ok map\n");
    return HAY_OK;
}

/* A second attempt of the slow range ends first, and counts. */
static hay_status slow(hay_executor *ex)
{
    static double in[ITEMS];
    static double out[ITEMS];
    hay_future *done = NULL;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    HAY_TRY(hay_map(ex, slow_items, NULL, in, ITEMS, out, &done));
    if (hay_future_wait(done, HAY_FOREVER) != HAY_OK
        || hay_future_state(done) != HAY_FINISHED) {
        return wrong("the map", (int64_t)hay_future_state(done));
    }
    if (access("struck", F_OK) != 0) {
        return wrong("nobody was slow", 0);
    }
    hay_future_release(done);
    for (int i = 0; i < 2000 && access("late", F_OK) != 0; i++) {
        nap(10);
    }
    for (int i = 0; i < ITEMS; i++) {
        if (out[i] != 2.0 * i) {
            return wrong("an item", i);
        }
    }
    printf("ok slow\n");
    return HAY_OK;
}

static hay_status data(hay_executor *ex)
{
    hay_future *parts[PARTS];
    hay_future *sums[PARTS];
    hay_future *end = NULL;
    hay_task_options there = HAY_TASK_OPTIONS_INIT;
    int64_t x = 0;
    for (int i = 0; i < PARTS; i++) {
        HAY_TRY(hay_submit(ex, make, HAY_ARGS(hay_int64(i)), NULL, &parts[i]));
    }
    for (int i = 0; i < PARTS; i++) {
        HAY_TRY(hay_future_wait(parts[i], HAY_FOREVER));
    }
    there.worker = 2;
    there.once = true;
    HAY_TRY(hay_submit(ex, murder, HAY_NO_ARGS, &there, &end));
    for (int i = 0; i < PARTS; i++) {
        HAY_TRY(
            hay_submit(ex, sum, HAY_ARGS(hay_ref(parts[i])), NULL, &sums[i]));
    }
    for (int i = 0; i < PARTS; i++) {
        if (!gives(sums[i], (int64_t)i * PART_BYTES, "a sum", i)) {
            return HAY_OK;
        }
        hay_future_release(parts[i]);
    }
    if (hay_result_int64(end, HAY_FOREVER, &x) != HAY_EFARM) {
        return wrong("the end of worker 2", x);
    }
    hay_future_release(end);
    printf("ok data\n");
    return HAY_OK;
}

static hay_status transfer(hay_executor *ex)
{
    hay_future *bigs[BIGS];
    hay_future *sums[BIGS];
    hay_future *end = NULL;
    hay_task_options there = HAY_TASK_OPTIONS_INIT;
    int64_t x = 0;
    for (int i = 0; i < BIGS; i++) {
        HAY_TRY(hay_submit(ex, big, HAY_ARGS(hay_int64(i)), NULL, &bigs[i]));
    }
    for (int i = 0; i < BIGS; i++) {
        HAY_TRY(hay_future_wait(bigs[i], HAY_FOREVER));
    }
    there.worker = 2;
    there.once = true;
    there.priority = 1;
    HAY_TRY(hay_submit(ex, murder_soon, HAY_NO_ARGS, &there, &end));
    for (int i = 0; i < BIGS; i++) {
        HAY_TRY(hay_submit(
            ex,
            both,
            HAY_ARGS(hay_ref(bigs[i]), hay_ref(bigs[(i + 5) % BIGS])),
            NULL,
            &sums[i]));
    }
    for (int i = 0; i < BIGS; i++) {
        if (!gives(sums[i], i * 256 + (i + 5) % BIGS, "a pair", i)) {
            return HAY_OK;
        }
    }
    if (hay_result_int64(end, HAY_FOREVER, &x) != HAY_EFARM) {
        return wrong("the end of worker 2", x);
    }
    for (int i = 0; i < BIGS; i++) {
        hay_future_release(bigs[i]);
    }
    hay_future_release(end);
    printf("ok transfer\n");
    return HAY_OK;
}

/* Each element of the block is its index. */
HAY_TASK(indices)
{
    hay_block block;
    void *data = NULL;
    HAY_TRY(hay_task_block(task, &block));
    uint64_t start = block.region.start[0];
    uint64_t count = block.region.count[0];
    if (hay_task_worker(task) == 2 && start >= FILE_SIZE / 2
        && first("struck")) {
        (void)kill(getpid(), SIGKILL);
    }
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 1, &count, &data));
    for (uint64_t i = 0; i < count; i++) {
        ((double *)data)[i] = (double)(start + i);
    }
    nap(20);
    return HAY_OK;
}

static hay_status file(hay_executor *ex)
{
    static double values[FILE_SIZE];
    const uint64_t shape = FILE_SIZE;
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_dataset *made = NULL;
    hay_future *map = NULL;
    int64_t blocks = 0;
    options.chunk[0] = FILE_CHUNK;
    HAY_TRY(hay_array_create(
        ex, "losses.h5", "a", HAY_F64, 1, &shape, &options, &made));
    HAY_TRY(hay_array_map(ex, indices, NULL, made, &map));
    if (hay_result_int64(map, HAY_FOREVER, &blocks) != HAY_OK
        || blocks != FILE_SIZE / FILE_CHUNK) {
        return wrong("the map", blocks);
    }
    HAY_TRY(hay_array_flush(made));
    HAY_TRY(hay_array_read(made, NULL, HAY_FOREVER, values, sizeof(values)));
    for (int i = 0; i < FILE_SIZE; i++) {
        if (values[i] != i) {
            return wrong("an element", i);
        }
    }
    if (access("struck", F_OK) != 0) {
        return wrong("nobody was struck", 0);
    }
    hay_future_release(map);
    hay_array_release(made);
    printf("ok file\n");
    return HAY_OK;
}

static hay_status killer(hay_executor *ex, bool once)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *f = NULL;
    int64_t x = 0;
    options.once = once;
    HAY_TRY(hay_submit(ex, murder, HAY_NO_ARGS, &options, &f));
    hay_status st = hay_result_int64(f, HAY_FOREVER, &x);
    const char *words = once ? "must not run twice" : "poison";
    if (st != HAY_EFARM || strstr(hay_error_text(), words) == NULL) {
        return wrong(words, st);
    }
    hay_future_release(f);
    HAY_TRY(hay_submit(ex,
                       work,
                       HAY_ARGS(hay_int64(0), hay_int64(7), hay_int64(0)),
                       NULL,
                       &f));
    if (hay_result_int64(f, HAY_FOREVER, &x) != HAY_OK || x != 49) {
        return wrong("the next task", x);
    }
    hay_future_release(f);
    printf("ok %s\n", once ? "once" : "poison");
    return HAY_OK;
}

/* The others may stand beside the killer three times. */
static hay_status beside(hay_executor *ex)
{
    static hay_future *list[TASKS];
    hay_future *killer_of = NULL;
    int64_t x = 0;
    for (int i = 0; i < TASKS; i++) {
        if (i == 1) {
            HAY_TRY(hay_submit(ex, murder, HAY_NO_ARGS, NULL, &killer_of));
        }
        HAY_TRY(hay_submit(ex,
                           work,
                           HAY_ARGS(hay_int64(0), hay_int64(i), hay_int64(20)),
                           NULL,
                           &list[i]));
    }
    for (int i = 0; i < TASKS; i++) {
        if (!gives(list[i], (int64_t)i * i, "a task beside", i)) {
            return HAY_OK;
        }
    }
    hay_status st = hay_result_int64(killer_of, HAY_FOREVER, &x);
    if (st != HAY_EFARM || strstr(hay_error_text(), "poison") == NULL) {
        return wrong("the killer", st);
    }
    hay_future_release(killer_of);
    printf("ok beside\n");
    return HAY_OK;
}

static hay_status straggler(hay_executor *ex)
{
    static hay_future *list[TASKS];
    for (int i = 0; i < TASKS; i++) {
        HAY_TRY(hay_submit(ex, stick, HAY_ARGS(hay_int64(i)), NULL, &list[i]));
    }
    for (int i = 0; i < TASKS; i++) {
        if (!gives(list[i], (int64_t)i * i, "a task", i)) {
            return HAY_OK;
        }
    }
    if (access("struck", F_OK) != 0) {
        return wrong("nothing was stuck", 0);
    }
    printf("ok straggler\n");
    return HAY_OK;
}

/* Tasks and commands that never end. */
static hay_status orphan(hay_executor *ex)
{
    static const char line[] = "echo $$ >pid.c$HAY_TASK_ID; sleep 1000; exit 1";
    hay_future *last = NULL;
    hay_command command = HAY_COMMAND_INIT;
    command.line = line;
    for (int i = 0; i < 3; i++) {
        HAY_TRY(hay_submit(ex, linger, HAY_ARGS(hay_int64(i)), NULL, NULL));
        HAY_TRY(hay_submit_command(ex, &command, NULL, &last));
    }
    (void)first("pid.0");
    return hay_future_wait(last, HAY_FOREVER);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    const char *state = argc > 1 ? argv[1] : "running";
    if (strcmp(state, "map") == 0) {
        return map(ex);
    }
    if (strcmp(state, "data") == 0) {
        return data(ex);
    }
    if (strcmp(state, "poison") == 0 || strcmp(state, "once") == 0) {
        return killer(ex, state[0] == 'o');
    }
    if (strcmp(state, "transfer") == 0) {
        return transfer(ex);
    }
    if (strcmp(state, "file") == 0) {
        return file(ex);
    }
    if (strcmp(state, "beside") == 0) {
        return beside(ex);
    }
    if (strcmp(state, "straggler") == 0) {
        return straggler(ex);
    }
    if (strcmp(state, "slow") == 0) {
        return slow(ex);
    }
    if (strcmp(state, "orphan") == 0) {
        return orphan(ex);
    }
    return tasks(ex, state);
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
