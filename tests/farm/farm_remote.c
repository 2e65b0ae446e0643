/* farm_remote.c - tasks that start tasks where the manager is in another
 * process.
 *
 * farm_remote TEST [hayfork's options]; see main().
 */
#include "config.h"

#include "expect.h"

#include <hayfork/hayfork.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CHUNK_BYTES = 1 << 20,
    CHUNKS = 6,
    ITEMS = 300000, /* their input goes in pieces */
    FORGOTTEN = 20000,
    PARENTS = 24,
    CHILDREN = 8,
};

HAY_TASK(square)
{
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    return hay_return_int64(task, x * x);
}

HAY_TASK(add)
{
    int64_t x = 0;
    int64_t y = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    HAY_TRY(hay_arg_int64(task, 1, &y));
    return hay_return_int64(task, x + y);
}

/* ---- waiting --------------------------------------------------------------
 */

HAY_TASK(fib)
{
    int64_t n = 0;
    int64_t x = 0;
    int64_t y = 0;
    hay_future *a = NULL;
    hay_future *b = NULL;
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(n - 1)), NULL, &a) == HAY_OK);
    NEEDS(hay_submit(ex, fib, HAY_ARGS(hay_int64(n - 2)), NULL, &b) == HAY_OK);
    hay_status st = hay_result_int64(a, HAY_FOREVER, &x);
    if (st == HAY_OK) {
        st = hay_result_int64(b, HAY_FOREVER, &y);
    }
    hay_future_release(a);
    hay_future_release(b);
    NEEDS(st == HAY_OK);
    return hay_return_int64(task, x + y);
}

static atomic_int order;

/* Which of those in this process it is. */
HAY_TASK(takes_its_turn)
{
    return hay_return_int64(task, 1 + atomic_fetch_add(&order, 1));
}

/* Submits several and waits for the last one, which nobody else can run. */
HAY_TASK(waits_for_the_last)
{
    enum { COUNT = 5 };
    hay_executor *ex = hay_task_executor(task);
    hay_future *list[COUNT];
    int64_t turn = -1;
    for (int i = 0; i < COUNT; i++) {
        NEEDS(hay_submit(ex, takes_its_turn, HAY_NO_ARGS, NULL, &list[i])
              == HAY_OK);
    }
    hay_status st = hay_result_int64(list[COUNT - 1], HAY_FOREVER, &turn);
    for (int i = 0; i < COUNT; i++) {
        hay_future_release(list[i]);
    }
    NEEDS(st == HAY_OK);
    return hay_return_int64(task, turn);
}

/* Waits, as the one of its worker that may. */
HAY_TASK(waits_for_who_waits)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *future = NULL;
    int64_t turn = -1;
    NEEDS(hay_submit(ex, waits_for_the_last, HAY_NO_ARGS, NULL, &future)
          == HAY_OK);
    hay_status st = hay_result_int64(future, HAY_FOREVER, &turn);
    hay_future_release(future);
    NEEDS(st == HAY_OK);
    return hay_return_int64(task, turn);
}

static int64_t result_of(hay_future *future)
{
    int64_t x = -1;
    EXPECT(hay_result_int64(future, HAY_FOREVER, &x) == HAY_OK);
    hay_future_release(future);
    return x;
}

static hay_future *
start(hay_executor *ex, hay_task_fn function, int64_t argument)
{
    hay_future *future = NULL;
    EXPECT(
        hay_submit(ex, function, HAY_ARGS(hay_int64(argument)), NULL, &future)
        == HAY_OK);
    return future;
}

static void test_fib(hay_executor *ex)
{
    EXPECT(result_of(start(ex, fib, 12)) == 144);
}

/* ---- following ------------------------------------------------------------
 */

HAY_TASK(later)
{
    int64_t n = 0;
    hay_future *a = NULL;
    hay_future *b = NULL;
    hay_future *c = NULL;
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 2) {
        return hay_return_int64(task, n);
    }
    NEEDS(hay_submit(ex, later, HAY_ARGS(hay_int64(n - 1)), NULL, &a)
          == HAY_OK);
    NEEDS(hay_submit(ex, later, HAY_ARGS(hay_int64(n - 2)), NULL, &b)
          == HAY_OK);
    NEEDS(hay_submit(ex, add, HAY_ARGS(hay_ref(a), hay_ref(b)), NULL, &c)
          == HAY_OK);
    hay_status st = hay_return_future(task, c);
    hay_future_release(a);
    hay_future_release(b);
    hay_future_release(c);
    return st;
}

static void test_follow(hay_executor *ex)
{
    EXPECT(result_of(start(ex, later, 14)) == 377);
}

HAY_TASK(fails)
{
    return hay_task_fail(task, 7, "there is no peak");
}

HAY_TASK(hands_on_failure)
{
    hay_future *a = NULL;
    hay_executor *ex = hay_task_executor(task);
    NEEDS(hay_submit(ex, fails, HAY_ARGS(hay_int64(0)), NULL, &a) == HAY_OK);
    hay_status st = hay_return_future(task, a);
    hay_future_release(a);
    return st;
}

static void test_culprit(hay_executor *ex)
{
    hay_outcome outcome = {.size = sizeof(outcome)};
    hay_future *future = start(ex, hands_on_failure, 0);
    int64_t x = 0;
    EXPECT(hay_result_int64(future, HAY_FOREVER, &x) == HAY_EDEPENDENCY);
    EXPECT(strstr(hay_error_text(), "there is no peak") != NULL);
    EXPECT(hay_future_outcome(future, &outcome) == HAY_OK);
    EXPECT(outcome.culprit != 0 && outcome.culprit != hay_future_id(future));
    EXPECT(outcome.cause == HAY_CAUSE_DEPENDENCY);
    hay_future_release(future);
}

/* ---- nobody waits ---------------------------------------------------------
 */

HAY_TASK(sows)
{
    int64_t n = 0;
    hay_executor *ex = hay_task_executor(task);
    HAY_TRY(hay_arg_int64(task, 0, &n));
    for (int64_t i = 0; i < n; i++) {
        NEEDS(hay_submit(ex, square, HAY_ARGS(hay_int64(i)), NULL, NULL)
              == HAY_OK);
    }
    return hay_return_int64(task, n);
}

/* The run goes on until they have ended: see farm(). */
static void test_forget(hay_executor *ex)
{
    EXPECT(result_of(start(ex, sows, FORGOTTEN)) == FORGOTTEN);
}

/* ---- maps ------------------------------------------------------------------
 */

HAY_MAP_TASK(triple, double, double)
{
    (void)task;
    *out = 3 * *in;
    return HAY_OK;
}

HAY_MAP_TASK(odd, uint64_t, uint64_t)
{
    if (*in % 2 == 0) {
        return hay_task_fail(task, 2, "%" PRIu64 " is even", *in);
    }
    *out = *in;
    return HAY_OK;
}

HAY_TASK(maps)
{
    double *in = malloc(ITEMS * sizeof(*in));
    double *out = malloc(ITEMS * sizeof(*out));
    hay_executor *ex = hay_task_executor(task);
    hay_future *map = NULL;
    int64_t good = 0;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    hay_status st = hay_map(ex, triple, NULL, in, ITEMS, out, &map);
    if (st == HAY_OK) {
        st = hay_future_wait(map, HAY_FOREVER);
    }
    for (int i = 0; st == HAY_OK && i < ITEMS; i++) {
        good += out[i] >= 3 * in[i] && out[i] <= 3 * in[i];
    }
    hay_future_release(map);
    free(in);
    free(out);
    NEEDS(st == HAY_OK);
    return hay_return_int64(task, good);
}

HAY_TASK(maps_badly)
{
    uint64_t out[100];
    hay_executor *ex = hay_task_executor(task);
    hay_future *map = NULL;
    const hay_map_failure *list = NULL;
    size_t count = 0;
    NEEDS(hay_map(ex, odd, NULL, NULL, 100, out, &map) == HAY_OK);
    hay_status st = hay_future_wait(map, HAY_FOREVER);
    bool failed = hay_future_state(map) == HAY_FAILED;
    bool listed = hay_map_failures(map, &list, &count) == HAY_OK && count == 50
                  && list[1].index == 2
                  && strcmp(list[1].text, "2 is even") == 0;
    hay_future_release(map);
    NEEDS(st == HAY_OK);
    NEEDS(failed);
    NEEDS(listed);
    return hay_return_int64(task, (int64_t)count);
}

static void test_map(hay_executor *ex)
{
    EXPECT(result_of(start(ex, maps, 0)) == ITEMS);
    EXPECT(result_of(start(ex, maps_badly, 0)) == 50);
}

/* ---- objects ---------------------------------------------------------------
 */

HAY_TASK(chunk)
{
    void *data = NULL;
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    HAY_TRY(hay_return_alloc(task, CHUNK_BYTES, &data));
    memset(data, (int)x, CHUNK_BYTES);
    return HAY_OK;
}

static int64_t sum_bytes(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    int64_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += bytes[i];
    }
    return sum;
}

HAY_TASK(sum)
{
    const void *data = NULL;
    size_t size = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    return hay_return_int64(task, sum_bytes(data, size));
}

/* Read here what others have made, and let others read it. */
HAY_TASK(gathers)
{
    hay_executor *ex = hay_task_executor(task);
    int64_t total = 0;
    for (int64_t i = 0; i < CHUNKS; i++) {
        hay_future *made = NULL;
        hay_future *summed = NULL;
        const void *data = NULL;
        size_t size = 0;
        int64_t x = 0;
        NEEDS(hay_submit(ex, chunk, HAY_ARGS(hay_int64(i + 1)), NULL, &made)
              == HAY_OK);
        NEEDS(hay_submit(ex, sum, HAY_ARGS(hay_ref(made)), NULL, &summed)
              == HAY_OK);
        NEEDS(hay_result_int64(summed, HAY_FOREVER, &x) == HAY_OK);
        NEEDS(hay_result_bytes(made, HAY_FOREVER, &data, &size) == HAY_OK);
        NEEDS(sum_bytes(data, size) == x);
        total += x;
        hay_future_release(made);
        hay_future_release(summed);
    }
    return hay_return_int64(task, total);
}

HAY_TASK(puts_some)
{
    static _Thread_local unsigned char bytes[CHUNK_BYTES];
    hay_executor *ex = hay_task_executor(task);
    hay_future *put = NULL;
    hay_future *small = NULL;
    hay_future *summed[3] = {NULL};
    int64_t total = 0;
    memset(bytes, 2, sizeof(bytes));
    NEEDS(hay_put(ex, hay_bytes(bytes, sizeof(bytes)), &put) == HAY_OK);
    NEEDS(hay_put(ex, hay_int64(5), &small) == HAY_OK);
    NEEDS(hay_submit(ex, sum, HAY_ARGS(hay_ref(put)), NULL, &summed[0])
          == HAY_OK);
    NEEDS(hay_submit(ex, square, HAY_ARGS(hay_ref(small)), NULL, &summed[1])
          == HAY_OK);
    /* Large arguments are put by the call. */
    NEEDS(hay_submit(ex,
                     sum,
                     HAY_ARGS(hay_bytes(bytes, sizeof(bytes))),
                     NULL,
                     &summed[2])
          == HAY_OK);
    hay_future_release(put);
    hay_future_release(small);
    for (int i = 0; i < 3; i++) {
        int64_t x = 0;
        NEEDS(hay_result_int64(summed[i], HAY_FOREVER, &x) == HAY_OK);
        total += x;
        hay_future_release(summed[i]);
    }
    return hay_return_int64(task, total);
}

/* Its result is an object that another task makes. */
HAY_TASK(hands_on_object)
{
    hay_future *made = NULL;
    hay_executor *ex = hay_task_executor(task);
    NEEDS(hay_submit(ex, chunk, HAY_ARGS(hay_int64(9)), NULL, &made) == HAY_OK);
    hay_status st = hay_return_future(task, made);
    hay_future_release(made);
    return st;
}

static void test_objects(hay_executor *ex)
{
    EXPECT(result_of(start(ex, gathers, 0))
           == (int64_t)CHUNK_BYTES * CHUNKS * (CHUNKS + 1) / 2);
    EXPECT(result_of(start(ex, puts_some, 0)) == (int64_t)CHUNK_BYTES * 4 + 25);
}

static void test_follow_objects(hay_executor *ex)
{
    hay_future *made = start(ex, hands_on_object, 0);
    hay_future *summed = NULL;
    const void *data = NULL;
    size_t size = 0;
    EXPECT(hay_submit(ex, sum, HAY_ARGS(hay_ref(made)), NULL, &summed)
           == HAY_OK);
    EXPECT(result_of(summed) == (int64_t)CHUNK_BYTES * 9);
    EXPECT(hay_result_bytes(made, HAY_FOREVER, &data, &size) == HAY_OK);
    EXPECT(size == CHUNK_BYTES && sum_bytes(data, size) == 9 * CHUNK_BYTES);
    hay_future_release(made);
}

/* ---- commands, failures, cancels -------------------------------------------
 */

HAY_TASK(commands)
{
    hay_executor *ex = hay_task_executor(task);
    hay_command good = HAY_COMMAND_INIT;
    hay_command bad = HAY_COMMAND_INIT;
    hay_future *futures[2] = {NULL};
    hay_outcome outcome = {.size = sizeof(outcome)};
    good.line = "true";
    bad.line = "exit 3";
    NEEDS(hay_submit_command(ex, &good, NULL, &futures[0]) == HAY_OK);
    NEEDS(hay_submit_command(ex, &bad, NULL, &futures[1]) == HAY_OK);
    NEEDS(hay_wait(futures, 2, HAY_ALL, HAY_FOREVER, NULL, NULL) == HAY_OK);
    NEEDS(hay_future_state(futures[0]) == HAY_FINISHED);
    NEEDS(hay_future_state(futures[1]) == HAY_FAILED);
    NEEDS(hay_future_outcome(futures[1], &outcome) == HAY_OK);
    NEEDS(outcome.exit_code == 3);
    NEEDS(strcmp(outcome.reason, "exit status 3") == 0);
    hay_future_release(futures[0]);
    hay_future_release(futures[1]);
    return hay_return_int64(task, outcome.exit_code);
}

HAY_TASK(sees_failure)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *failed = NULL;
    hay_future *after = NULL;
    int64_t x = 0;
    NEEDS(hay_executor_wait_workers(ex, HAY_FOREVER) == HAY_EUNSUPPORTED);
    NEEDS(hay_submit(ex, fails, HAY_ARGS(hay_int64(0)), NULL, &failed)
          == HAY_OK);
    NEEDS(hay_submit(ex, square, HAY_ARGS(hay_ref(failed)), NULL, &after)
          == HAY_OK);
    NEEDS(hay_result_int64(failed, HAY_FOREVER, &x) == HAY_ETASK);
    NEEDS(strstr(hay_error_text(), "there is no peak") != NULL);
    NEEDS(hay_result_int64(after, HAY_FOREVER, &x) == HAY_EDEPENDENCY);
    NEEDS(strstr(hay_error_text(), "there is no peak") != NULL);
    hay_future_release(failed);
    hay_future_release(after);
    return hay_return_int64(task, 1);
}

HAY_TASK(cancels)
{
    hay_executor *ex = hay_task_executor(task);
    hay_command endless = HAY_COMMAND_INIT;
    hay_future *runs = NULL;
    hay_future *waits = NULL;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    endless.line = "sleep 1000";
    NEEDS(hay_submit_command(ex, &endless, NULL, &runs) == HAY_OK);
    options.after = &runs;
    options.after_count = 1;
    NEEDS(hay_submit(ex, square, HAY_ARGS(hay_int64(1)), &options, &waits)
          == HAY_OK);
    NEEDS(hay_future_cancel(waits, 0) == HAY_OK);
    NEEDS(hay_future_state(waits) == HAY_CANCELLED);
    while (hay_future_state(runs) != HAY_RUNNING) {
        usleep(1000); /* its state is told */
    }
    NEEDS(hay_future_cancel(runs, HAY_CANCEL_FORCE) == HAY_EPENDING);
    NEEDS(hay_future_wait(runs, HAY_FOREVER) == HAY_OK);
    NEEDS(hay_future_state(runs) == HAY_CANCELLED);
    hay_future_release(runs);
    hay_future_release(waits);
    return hay_return_int64(task, 1);
}

static void test_commands(hay_executor *ex)
{
    EXPECT(result_of(start(ex, commands, 0)) == 3);
}

static void test_fails(hay_executor *ex)
{
    EXPECT(result_of(start(ex, sees_failure, 0)) == 1);
}

static void test_cancel(hay_executor *ex)
{
    EXPECT(result_of(start(ex, cancels, 0)) == 1);
}

/* Until it is told to stop. */
HAY_TASK(endless)
{
    int64_t depth = 0;
    hay_executor *ex = hay_task_executor(task);
    hay_future *child = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &depth));
    int fd = open("begun", O_CREAT | O_WRONLY | O_APPEND, 0666);
    NEEDS(fd >= 0 && write(fd, "x", 1) == 1 && close(fd) == 0);
    if (depth > 0) {
        NEEDS(hay_submit(
                  ex, endless, HAY_ARGS(hay_int64(depth - 1)), NULL, &child)
              == HAY_OK);
        NEEDS(hay_future_wait(child, HAY_FOREVER) == HAY_OK);
        bool cancelled = hay_future_state(child) == HAY_CANCELLED;
        hay_future_release(child);
        NEEDS(cancelled);
    }
    while (!hay_task_cancelled(task)) {
        usleep(1000);
    }
    return HAY_ECANCELLED;
}

static void test_cancel_nested(hay_executor *ex)
{
    struct stat info = {.st_size = 0};
    hay_future *top = start(ex, endless, 3);
    while (stat("begun", &info) != 0 || info.st_size < 4) {
        usleep(1000);
    }
    EXPECT(hay_future_cancel(top, HAY_CANCEL_NESTED) == HAY_ERUNNING);
    EXPECT(hay_future_wait(top, HAY_FOREVER) == HAY_OK);
    EXPECT(hay_future_state(top) == HAY_CANCELLED);
    hay_future_release(top);
}

/* ---- lost workers ----------------------------------------------------------
 */

/* (number): squared; on worker 2 the first one kills its rank, whose tasks wait
 * for others. */
HAY_TASK(strikes)
{
    int64_t x = 0;
    HAY_TRY(hay_arg_int64(task, 0, &x));
    if (hay_task_worker(task) == 2) {
        int fd = open("struck", O_CREAT | O_EXCL | O_WRONLY, 0666);
        if (fd >= 0) {
            (void)close(fd);
            (void)kill(getpid(), SIGKILL);
        }
    }
    usleep(10000);
    return hay_return_int64(task, x * x);
}

HAY_TASK(waits_for_many)
{
    hay_future *futures[CHILDREN] = {NULL};
    hay_executor *ex = hay_task_executor(task);
    int64_t first = 0;
    int64_t total = 0;
    HAY_TRY(hay_arg_int64(task, 0, &first));
    for (int64_t i = 0; i < CHILDREN; i++) {
        NEEDS(
            hay_submit(
                ex, strikes, HAY_ARGS(hay_int64(first + i)), NULL, &futures[i])
            == HAY_OK);
    }
    for (int i = 0; i < CHILDREN; i++) {
        int64_t x = 0;
        NEEDS(hay_result_int64(futures[i], HAY_FOREVER, &x) == HAY_OK);
        total += x;
        hay_future_release(futures[i]);
    }
    return hay_return_int64(task, total);
}

static void test_killed(hay_executor *ex)
{
    hay_future *parents[PARENTS];
    int64_t expected = 0;
    int64_t total = 0;
    for (int64_t i = 0; i < PARENTS; i++) {
        parents[i] = start(ex, waits_for_many, i * CHILDREN);
    }
    for (int64_t i = 0; i < PARENTS * CHILDREN; i++) {
        expected += i * i;
    }
    for (int i = 0; i < PARENTS; i++) {
        total += result_of(parents[i]);
    }
    EXPECT(total == expected);
    EXPECT(access("struck", F_OK) == 0);
}

/* Its process dies with futures that nobody will release. */
HAY_TASK(dies)
{
    hay_executor *ex = hay_task_executor(task);
    hay_future *future = NULL;
    for (int64_t i = 0; i < CHILDREN; i++) {
        NEEDS(hay_submit(ex, square, HAY_ARGS(hay_int64(i)), NULL, &future)
              == HAY_OK);
    }
    (void)kill(getpid(), SIGKILL);
    return HAY_OK;
}

/* For process slots: the rank lives, and the next child submits as well. */
static void test_child_killed(hay_executor *ex)
{
    hay_outcome outcome = {.size = sizeof(outcome)};
    for (int i = 0; i < 3; i++) {
        hay_future *future = start(ex, dies, 0);
        EXPECT(hay_future_wait(future, HAY_FOREVER) == HAY_OK);
        EXPECT(hay_future_outcome(future, &outcome) == HAY_OK);
        EXPECT(outcome.cause == HAY_CAUSE_SIGNAL && outcome.signal == SIGKILL);
        hay_future_release(future);
        EXPECT(result_of(start(ex, later, 6)) == 8);
    }
}

/* ---- all -------------------------------------------------------------------
 */

/* With one slot and one that may wait: the second one that waits runs the child
 * that it waits for in its place, not just any. */
static void test_claim(hay_executor *ex)
{
    hay_future *future = NULL;
    EXPECT(hay_submit(ex, waits_for_who_waits, HAY_NO_ARGS, NULL, &future)
           == HAY_OK);
    EXPECT(result_of(future) == 1);
}

static const struct test {
    const char *name;
    void (*run)(hay_executor *ex);
    uint64_t finished; /* tasks at the end; 0: not looked at */
} tests[] = {
    {"fib", test_fib, 0},
    {"follow", test_follow, 0},
    {"culprit", test_culprit, 0},
    {"forget", test_forget, FORGOTTEN + 1},
    {"map", test_map, 0},
    {"objects", test_objects, 0},
    {"follow_objects", test_follow_objects, 0},
    {"commands", test_commands, 0},
    {"fails", test_fails, 0},
    {"cancel", test_cancel, 0},
    {"cancel_nested", test_cancel_nested, 0},
    {"claim", test_claim, 7},
    {"killed", test_killed, 0},
    {"child_killed", test_child_killed, 0},
};

static const char *chosen = "";

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_stats stats = {.size = sizeof(stats)};
    const struct test *test = NULL;
    chosen = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (strcmp(tests[i].name, chosen) == 0) {
            test = &tests[i];
        }
    }
    if (test == NULL) {
        printf("not ok farm_remote: there is no test '%s'\n", chosen);
        return HAY_EINVAL;
    }
    test->run(ex);
    EXPECT(hay_shutdown(ex, true, false) == HAY_OK);
    EXPECT(hay_executor_stats(ex, &stats) == HAY_OK);
    EXPECT(test->finished == 0 || stats.finished == test->finished);
    printf("%s %s\n", wrong == 0 ? "ok" : "not ok", test->name);
    return wrong == 0 ? HAY_OK : HAY_ETASK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
