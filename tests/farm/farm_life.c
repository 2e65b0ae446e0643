/* farm_life.c - farms in this process: opened, closed in every way, several at
 * once, broken.  Prints 'ok NAME' or 'not ok NAME: line' for each behaviour;
 * with an argument only the one of that name. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int failures;
static int wrong_line; /* of the running test; 0: none */

/* The first wrong line counts; the test ends there. */
#define CHECK(condition)                                                       \
    do {                                                                       \
        if (!(condition)) {                                                    \
            wrong_line = __LINE__;                                             \
            return;                                                            \
        }                                                                      \
    } while (0)

static const uint64_t second_ns = 1000000000;

static uint64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * second_ns + (uint64_t)t.tv_nsec;
}

/* ---- tasks ---- */

static atomic_int runs;
static atomic_int running;
static atomic_int gate_open;

HAY_TASK(counts)
{
    (void)atomic_fetch_add(&runs, 1);
    return hay_return_int64(task, (int64_t)hay_task_get_id(task));
}

/* Runs until the test opens the gate, whatever is asked of it. */
HAY_TASK(waits_at_gate)
{
    (void)task;
    (void)atomic_fetch_add(&running, 1);
    while (atomic_load(&gate_open) == 0) {
        (void)poll(NULL, 0, 1);
    }
    (void)atomic_fetch_add(&runs, 1);
    return HAY_OK;
}

HAY_TASK(agrees)
{
    (void)atomic_fetch_add(&running, 1);
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

/* A MiB, from nothing or from another one. */
HAY_TASK(makes_object)
{
    void *data;
    HAY_TRY(hay_return_alloc(task, (size_t)1 << 20, &data));
    memset(data, 7, (size_t)1 << 20);
    return HAY_OK;
}

HAY_MAP_TASK(slow_items, uint64_t, uint64_t)
{
    (void)poll(NULL, 0, 1);
    *out = *in;
    return HAY_OK;
}

/* ---- helpers ---- */

static hay_executor *open_farm(uint32_t slots)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    options.slots = slots;
    options.output = HAY_OUTPUT_NULL;
    atomic_store(&runs, 0);
    atomic_store(&running, 0);
    atomic_store(&gate_open, 0);
    if (hay_open_local(&options, &ex) != HAY_OK) {
        (void)printf("# %s\n", hay_error_text());
        return NULL;
    }
    return ex;
}

static hay_future *submit(hay_executor *ex, hay_task_fn function)
{
    hay_future *future = NULL;
    (void)hay_submit(ex, function, HAY_NO_ARGS, NULL, &future);
    return future;
}

static hay_future *command(hay_executor *ex, const char *line)
{
    hay_command c = HAY_COMMAND_INIT;
    hay_future *future = NULL;
    c.line = line;
    (void)hay_submit_command(ex, &c, NULL, &future);
    return future;
}

static bool wait_until(atomic_int *value, int least)
{
    for (int i = 0; i < 20000 && atomic_load(value) < least; i++) {
        (void)poll(NULL, 0, 1);
    }
    return atomic_load(value) >= least;
}

/* ---- closing ---- */

static void farm_that_did_nothing_is_freed(void)
{
    for (int i = 0; i < 20; i++) {
        hay_executor *ex = open_farm(2);
        CHECK(ex != NULL);
        hay_executor_free(ex);
    }
    hay_executor_free(NULL);
}

static void closing_waits_for_what_was_submitted(void)
{
    enum { MANY = 2000 };
    static hay_future *list[MANY];
    hay_executor *ex = open_farm(2);
    hay_future *none = NULL;
    CHECK(ex != NULL);
    for (int i = 0; i < MANY; i++) {
        list[i] = submit(ex, counts);
    }
    CHECK(hay_shutdown(ex, true, false) == HAY_OK);
    CHECK(atomic_load(&runs) == MANY);
    CHECK(hay_submit(ex, counts, HAY_NO_ARGS, NULL, &none) == HAY_ECLOSED);
    CHECK(hay_shutdown(ex, true, true) == HAY_OK);
    CHECK(hay_shutdown(ex, false, false) == HAY_OK);
    for (int i = 0; i < MANY; i++) {
        CHECK(hay_future_state(list[i]) == HAY_FINISHED);
        CHECK(hay_future_cancel(list[i], 0) == HAY_EINVAL);
        hay_future_release(list[i]);
    }
    hay_executor_free(ex);
}

static void closing_with_cancel_ends_only_what_has_not_started(void)
{
    enum { MANY = 500 };
    static hay_future *list[MANY];
    static uint64_t out[100000];
    hay_executor *ex = open_farm(2);
    CHECK(ex != NULL);
    hay_future *gates[2] = {submit(ex, waits_at_gate),
                            submit(ex, waits_at_gate)};
    CHECK(wait_until(&running, 2));
    for (int i = 0; i < MANY; i++) {
        list[i] = i % 2 == 0 ? submit(ex, counts) : command(ex, "exit 0");
    }
    hay_future *map = NULL;
    CHECK(hay_map(ex, slow_items, NULL, NULL, 100000, out, &map) == HAY_OK);
    CHECK(hay_shutdown(ex, false, true) == HAY_OK);
    for (int i = 0; i < MANY; i++) {
        CHECK(hay_future_wait(list[i], 60 * second_ns) == HAY_OK);
        CHECK(hay_future_state(list[i]) == HAY_CANCELLED);
        hay_future_release(list[i]);
    }
    CHECK(hay_future_wait(map, 60 * second_ns) == HAY_OK);
    CHECK(hay_future_state(map) == HAY_CANCELLED);
    hay_future_release(map);
    CHECK(!hay_future_done(gates[0]) && !hay_future_done(gates[1]));
    atomic_store(&gate_open, 1);
    CHECK(hay_shutdown(ex, true, true) == HAY_OK);
    for (int i = 0; i < 2; i++) {
        CHECK(hay_future_state(gates[i]) == HAY_FINISHED);
        hay_future_release(gates[i]);
    }
    CHECK(atomic_load(&runs) == 2);
    hay_executor_free(ex);
}

static void running_commands_and_maps_end_when_closed(void)
{
    static uint64_t out[100000];
    hay_executor *ex = open_farm(2);
    hay_future *map = NULL;
    CHECK(ex != NULL);
    hay_future *c = command(ex, "sleep 0.3");
    CHECK(hay_map(ex, slow_items, NULL, NULL, 100000, out, &map) == HAY_OK);
    for (uint64_t done = 0; done == 0;) {
        CHECK(hay_map_progress(map, &done, NULL) == HAY_OK);
        (void)poll(NULL, 0, 1);
    }
    uint64_t begin = now_ns();
    CHECK(hay_shutdown(ex, true, true) == HAY_OK);
    CHECK(now_ns() - begin < 20 * second_ns); /* 100,000 ms of items */
    CHECK(hay_future_state(map) == HAY_CANCELLED);
    CHECK(hay_future_done(c));
    hay_future_release(map);
    hay_future_release(c);
    hay_executor_free(ex);
}

static void tasks_outlive_a_closing_that_does_not_wait(void)
{
    enum { MANY = 300 };
    hay_future *list[MANY];
    hay_executor *ex = open_farm(2);
    CHECK(ex != NULL);
    for (int i = 0; i < MANY; i++) {
        list[i] = submit(ex, i < 2 ? waits_at_gate : counts);
    }
    CHECK(hay_shutdown(ex, false, false) == HAY_OK);
    CHECK(!hay_future_done(list[MANY - 1]));
    atomic_store(&gate_open, 1);
    for (int i = 0; i < MANY; i++) {
        CHECK(hay_future_wait(list[i], 60 * second_ns) == HAY_OK);
        CHECK(hay_future_state(list[i]) == HAY_FINISHED);
    }
    CHECK(atomic_load(&runs) == MANY);
    hay_executor_free(ex);
    for (int i = 0; i < MANY; i++) {
        hay_future_release(list[i]);
    }
}

static void results_outlive_their_executor(void)
{
    hay_executor *ex = open_farm(1);
    int64_t value = 0;
    hay_outcome outcome = {.size = sizeof(outcome)};
    CHECK(ex != NULL);
    hay_future *f = submit(ex, counts);
    hay_future *g = submit(ex, agrees);
    CHECK(hay_future_wait(f, 60 * second_ns) == HAY_OK);
    CHECK(wait_until(&running, 1));
    hay_status asked = hay_future_cancel(g, 0);
    CHECK(asked == HAY_ERUNNING || asked == HAY_EPENDING);
    hay_executor_free(ex);
    CHECK(hay_result_int64(f, 0, &value) == HAY_OK && value == 1);
    CHECK(hay_result_int64(g, HAY_FOREVER, &value) == HAY_ECANCELLED);
    CHECK(hay_future_outcome(f, &outcome) == HAY_OK && outcome.attempts == 1);
    CHECK(hay_future_wait(f, HAY_FOREVER) == HAY_OK);
    CHECK(hay_future_cancel(f, 0) == HAY_EINVAL);
    hay_future_release(f);
    hay_future_release(g);
}

/* ---- callbacks ---- */

enum { CALLS = 500 };
static hay_task_id called[CALLS];
static int call_count;

/* Is a store mapped into this process? */
static bool store_is_mapped(void)
{
    char line[500];
    bool found = false;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
        found = found || strstr(line, "hayfork-store") != NULL
                || strstr(line, "/dev/shm/#") != NULL;
    }
    if (maps != NULL) {
        (void)fclose(maps);
    }
    return found;
}

/* The one at the end of a chain, whose inputs were released: they are kept, to
 * make it again, and go with the farm; the store goes with the last future. */
static void objects_outlive_their_executor(void)
{
    hay_executor *ex = NULL;
    hay_future *chain[3] = {NULL, NULL, NULL};
    const void *data = NULL;
    size_t size = 0;
    CHECK(hay_open_local(NULL, &ex) == HAY_OK);
    CHECK(hay_submit(ex, makes_object, HAY_NO_ARGS, NULL, &chain[0]) == HAY_OK);
    for (int i = 1; i < 3; i++) {
        CHECK(hay_submit(ex,
                         makes_object,
                         HAY_ARGS(hay_ref(chain[i - 1])),
                         NULL,
                         &chain[i])
              == HAY_OK);
    }
    CHECK(hay_future_wait(chain[2], HAY_FOREVER) == HAY_OK);
    hay_future_release(chain[0]);
    hay_future_release(chain[1]);
    CHECK(hay_shutdown(ex, true, false) == HAY_OK);
    hay_executor_free(ex);
    CHECK(hay_result_bytes(chain[2], 0, &data, &size) == HAY_OK);
    CHECK(size == (size_t)1 << 20 && ((const char *)data)[size - 1] == 7);
    CHECK(store_is_mapped());
    hay_future_release(chain[2]);
    CHECK(!store_is_mapped());
}

static void note_call(hay_future *future, void *data)
{
    (void)data;
    called[call_count++] = hay_future_id(future);
}

static void callbacks_run_in_the_order_of_the_ends(void)
{
    hay_executor *ex = open_farm(1); /* one slot: ends come in one order */
    hay_future *list[CALLS];
    CHECK(ex != NULL);
    call_count = 0;
    hay_future *gate = submit(ex, waits_at_gate);
    for (int i = 0; i < CALLS; i++) {
        list[i] = submit(ex, counts);
    }
    for (int i = CALLS - 1; i >= 0; i--) { /* not the order of adding */
        CHECK(hay_future_on_done(list[i], note_call, NULL) == HAY_OK);
    }
    atomic_store(&gate_open, 1);
    CHECK(hay_shutdown(ex, true, false) == HAY_OK);
    CHECK(call_count == CALLS);
    for (int i = 0; i < CALLS; i++) {
        CHECK(called[i] == hay_future_id(list[i]));
        hay_future_release(list[i]);
    }
    hay_future_release(gate);
    hay_executor_free(ex);
}

/* ---- several ---- */

static void executors_follow_each_other(void)
{
    for (int round = 0; round < 5; round++) {
        hay_executor *ex = open_farm(2);
        int64_t value = 0;
        CHECK(ex != NULL);
        hay_future *f = submit(ex, counts);
        hay_future *c = command(ex, "exit 0");
        CHECK(hay_result_int64(f, 60 * second_ns, &value) == HAY_OK);
        CHECK(value == 1); /* ids begin anew */
        CHECK(hay_future_wait(c, 60 * second_ns) == HAY_OK);
        CHECK(hay_future_state(c) == HAY_FINISHED);
        hay_future_release(f);
        hay_future_release(c);
        hay_executor_free(ex);
    }
}

static void *use_one(void *argument)
{
    enum { MANY = 300 };
    hay_future *list[MANY];
    hay_options options = HAY_OPTIONS_INIT;
    hay_executor *ex = NULL;
    int wrong = 0;
    (void)argument;
    options.slots = 2;
    options.output = HAY_OUTPUT_NULL;
    if (hay_open_local(&options, &ex) != HAY_OK) {
        return &failures; /* anything but NULL */
    }
    for (int i = 0; i < MANY; i++) {
        list[i] = i % 50 == 0 ? command(ex, "exit 0") : submit(ex, counts);
    }
    for (int i = 0; i < MANY; i++) {
        wrong += hay_future_wait(list[i], 60 * second_ns) != HAY_OK
                 || hay_future_state(list[i]) != HAY_FINISHED;
        hay_future_release(list[i]);
    }
    hay_executor_free(ex);
    return wrong != 0 ? &failures : NULL;
}

static void executors_live_side_by_side(void)
{
    enum { SIDES = 4 };
    pthread_t threads[SIDES];
    for (int i = 0; i < SIDES; i++) {
        CHECK(pthread_create(&threads[i], NULL, use_one, NULL) == 0);
    }
    void *wrong[SIDES];
    for (int i = 0; i < SIDES; i++) {
        (void)pthread_join(threads[i], &wrong[i]);
    }
    for (int i = 0; i < SIDES; i++) {
        CHECK(wrong[i] == NULL);
    }
}

static void futures_of_two_executors_do_not_mix(void)
{
    hay_executor *a = open_farm(1);
    hay_executor *b = open_farm(1);
    CHECK(a != NULL && b != NULL);
    hay_future *f = submit(a, counts);
    hay_future *g = submit(b, counts);
    hay_future *none = NULL;
    hay_future *both[2] = {f, g};
    size_t done = 0;
    CHECK(hay_submit(b, counts, HAY_ARGS(hay_ref(f)), NULL, &none)
          == HAY_EINVAL);
    CHECK(hay_wait(both, 2, HAY_ALL, 60 * second_ns, NULL, &done) == HAY_OK);
    CHECK(done == 2);
    hay_executor_free(a);
    CHECK(hay_future_state(g) == HAY_FINISHED);
    hay_executor_free(b);
    hay_future_release(f);
    hay_future_release(g);
}

/* ---- threads ---- */

enum { THREADS = 4, EACH = 25000, KEPT = 64 };
static hay_executor *stressed;
static atomic_int stress_finished, stress_cancelled, stress_wrong;

static void settle(hay_future *future)
{
    if (hay_future_wait(future, 120 * second_ns) != HAY_OK) {
        (void)atomic_fetch_add(&stress_wrong, 1);
    }
    switch (hay_future_state(future)) {
    case HAY_FINISHED:
        (void)atomic_fetch_add(&stress_finished, 1);
        break;
    case HAY_CANCELLED:
        (void)atomic_fetch_add(&stress_cancelled, 1);
        break;
    default:
        (void)atomic_fetch_add(&stress_wrong, 1);
        break;
    }
    hay_future_release(future);
}

static void *stress(void *argument)
{
    unsigned dice = (unsigned)(size_t)argument * 7919u + 1;
    hay_future *kept[KEPT] = {NULL};
    for (int i = 0; i < EACH; i++) {
        dice = dice * 1664525u + 1013904223u;
        size_t at = (dice >> 8) % KEPT;
        hay_future *input = kept[(dice >> 16) % KEPT];
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        hay_future *fresh = NULL;
        hay_status status;
        options.priority = (int32_t)(dice >> 30);
        options.cores = 1 + (dice >> 29 & 1u);
        if (kept[at] != NULL) {
            if ((dice & 0x3000u) == 0) {
                status = hay_future_cancel(kept[at], 0);
                if (status != HAY_OK && status != HAY_EPENDING
                    && status != HAY_ERUNNING && status != HAY_EINVAL) {
                    (void)atomic_fetch_add(&stress_wrong, 1);
                }
            }
            if (input == kept[at]) {
                input = NULL;
            }
            settle(kept[at]);
            kept[at] = NULL;
        }
        if (input != NULL && (dice & 0x70u) == 0) {
            status = hay_submit(
                stressed, counts, HAY_ARGS(hay_ref(input)), &options, &fresh);
        } else if ((dice & 0x700u) == 0) {
            status = hay_submit_fake(stressed, dice >> 18, 0, &options, &fresh);
        } else {
            status =
                hay_submit(stressed, counts, HAY_NO_ARGS, &options, &fresh);
        }
        if (status != HAY_OK) {
            (void)atomic_fetch_add(&stress_wrong, 1);
        }
        kept[at] = fresh;
    }
    for (int i = 0; i < KEPT; i++) {
        if (kept[i] != NULL) {
            settle(kept[i]);
        }
    }
    return NULL;
}

static void threads_submit_and_cancel_at_random(void)
{
    pthread_t threads[THREADS];
    hay_stats stats = {.size = sizeof(stats)};
    stressed = open_farm(3);
    CHECK(stressed != NULL);
    atomic_store(&stress_finished, 0);
    atomic_store(&stress_cancelled, 0);
    atomic_store(&stress_wrong, 0);
    for (size_t i = 0; i < THREADS; i++) {
        CHECK(pthread_create(&threads[i], NULL, stress, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CHECK(hay_shutdown(stressed, true, false) == HAY_OK);
    CHECK(hay_executor_stats(stressed, &stats) == HAY_OK);
    hay_executor_free(stressed);
    CHECK(atomic_load(&stress_wrong) == 0);
    CHECK(atomic_load(&stress_finished) + atomic_load(&stress_cancelled)
          == THREADS * EACH);
    CHECK(stats.submitted == THREADS * EACH);
    CHECK(stats.finished == (uint64_t)atomic_load(&stress_finished));
    CHECK(stats.cancelled == (uint64_t)atomic_load(&stress_cancelled));
    CHECK(stats.failed == 0 && stats.running == 0 && stats.ready == 0);
    CHECK(stats.cancelled > 0);
}

static atomic_int late_wrong;

/* Submits until it is told that the farm is closed; all of it ends. */
static void *submit_until_closed(void *argument)
{
    hay_executor *ex = argument;
    for (;;) {
        hay_future *future = NULL;
        hay_status status = hay_submit(ex, counts, HAY_NO_ARGS, NULL, &future);
        if (status == HAY_ECLOSED) {
            return NULL;
        }
        if (status != HAY_OK
            || hay_future_wait(future, 60 * second_ns) != HAY_OK) {
            (void)atomic_fetch_add(&late_wrong, 1);
            return NULL;
        }
        hay_future_release(future);
    }
}

static void submits_that_race_with_closing_end(void)
{
    atomic_store(&late_wrong, 0);
    for (int round = 0; round < 60; round++) {
        pthread_t threads[2];
        hay_executor *ex = open_farm(2);
        CHECK(ex != NULL);
        for (int i = 0; i < 2; i++) {
            CHECK(pthread_create(&threads[i], NULL, submit_until_closed, ex)
                  == 0);
        }
        const struct timespec nap = {0, round * 20000};
        (void)nanosleep(&nap, NULL);
        CHECK(hay_shutdown(ex, round % 3 != 0, round % 2 == 0) == HAY_OK);
        for (int i = 0; i < 2; i++) {
            (void)pthread_join(threads[i], NULL);
        }
        hay_executor_free(ex);
        CHECK(atomic_load(&late_wrong) == 0);
    }
}

/* ---- the program around it ---- */

static void handle(int number)
{
    (void)number;
}

static void signals_stay_the_programs(void)
{
    static const int numbers[] = {
        SIGINT, SIGTERM, SIGCHLD, SIGHUP, SIGPIPE, SIGUSR1};
    enum { COUNT = sizeof(numbers) / sizeof(numbers[0]) };
    void (*before[COUNT])(int);
    sigset_t mask;
    for (int i = 0; i < COUNT; i++) {
        before[i] = signal(numbers[i], handle);
    }
    hay_executor *ex = open_farm(2);
    CHECK(ex != NULL);
    hay_future *c = command(ex, "exit 0");
    CHECK(hay_future_wait(c, 60 * second_ns) == HAY_OK);
    hay_future_release(c);
    hay_executor_free(ex);
    CHECK(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    for (int i = 0; i < COUNT; i++) {
        CHECK(signal(numbers[i], before[i]) == handle);
        CHECK(sigismember(&mask, numbers[i]) == 0);
    }
}

/* A child that the program forks has copies of all descriptors, and must not
 * keep the farm from ending. */
static void forked_child_does_not_hold_the_farm_up(void)
{
    hay_executor *ex = open_farm(2);
    CHECK(ex != NULL);
    hay_future *c = command(ex, "exit 0");
    CHECK(hay_future_wait(c, 60 * second_ns) == HAY_OK);
    hay_future_release(c);
    pid_t child = fork();
    if (child == 0) {
        (void)poll(NULL, 0, 100000);
        _exit(0);
    }
    uint64_t begin = now_ns();
    hay_executor_free(ex);
    uint64_t took = now_ns() - begin;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    CHECK(took < 50 * second_ns);
}

/* ---- breaking down ---- */

/* The pids of our children; how many. */
static int children(pid_t *list, int room)
{
    char path[64];
    int count = 0;
    int pid;
    (void)snprintf(path,
                   sizeof(path),
                   "/proc/%d/task/%d/children",
                   (int)getpid(),
                   (int)getpid());
    FILE *file = fopen(path, "r");
    while (file != NULL && count < room && fscanf(file, "%d", &pid) == 1) {
        list[count++] = (pid_t)pid;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return count;
}

static void *wait_for_it(void *argument)
{
    return hay_future_wait(argument, 60 * second_ns) == HAY_OK ? argument
                                                               : NULL;
}

/* The process that starts commands is killed: everything ends as the farm's
 * failure, sleepers wake, nothing hangs. */
static void farm_breaks_when_its_spawner_dies(void)
{
    pid_t list[8];
    hay_executor *ex = open_farm(2);
    pthread_t thread;
    hay_future *none = NULL;
    void *woken = NULL;
    CHECK(ex != NULL);
    hay_future *first = command(ex, "exit 0");
    CHECK(hay_future_wait(first, 60 * second_ns) == HAY_OK);
    hay_future_release(first);
    int count = children(list, 8);
    if (count == 0) { /* it is a child of the farm's thread, or not listed */
        hay_executor_free(ex);
        (void)printf("# left out: no child is listed\n");
        return;
    }
    hay_future *f[4] = {command(ex, "sleep 1000"),
                        submit(ex, agrees),
                        command(ex, "sleep 1000"),
                        NULL};
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.after = f;
    options.after_count = 1;
    CHECK(hay_submit(ex, counts, HAY_NO_ARGS, &options, &f[3]) == HAY_OK);
    CHECK(wait_until(&running, 1));
    CHECK(pthread_create(&thread, NULL, wait_for_it, f[0]) == 0);
    uint64_t begin = now_ns();
    (void)kill(list[0], SIGKILL);
    for (int i = 0; i < 4; i++) {
        CHECK(hay_future_wait(f[i], 15 * second_ns) == HAY_OK);
        CHECK(hay_future_state(f[i]) == HAY_FAILED);
    }
    (void)pthread_join(thread, &woken);
    CHECK(woken != NULL);
    for (int i = 0; i < 4; i++) {
        hay_future_release(f[i]);
    }
    CHECK(hay_executor_health(ex) == HAY_EFARM);
    CHECK(strstr(hay_error_text(), "spawner") != NULL);
    CHECK(hay_submit(ex, counts, HAY_NO_ARGS, NULL, &none) == HAY_EFARM);
    CHECK(hay_shutdown(ex, true, false) == HAY_EFARM);
    hay_executor_free(ex);
    CHECK(now_ns() - begin < 15 * second_ns);
    CHECK(atomic_load(&runs) == 0);
}

static bool init_fails;
static hay_status initialise(void)
{
    return init_fails ? HAY_EIO : HAY_OK;
}
HAY_WORKER_INIT(initialise)

/* Alone in its process: such a function runs once. */
static void failing_init_is_told_by_open(void)
{
    hay_executor *ex = NULL;
    init_fails = true;
    CHECK(hay_open_local(NULL, &ex) == HAY_EFARM);
    CHECK(ex == NULL);
    CHECK(strstr(hay_error_text(), "HAY_WORKER_INIT") != NULL);
}

/* ---- all ---- */

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }
static const struct test {
    const char *name;
    void (*run)(void);
} tests[] = {
    /* first: the forked spawner is a child of this thread */
    TEST(farm_breaks_when_its_spawner_dies),
    TEST(farm_that_did_nothing_is_freed),
    TEST(closing_waits_for_what_was_submitted),
    TEST(closing_with_cancel_ends_only_what_has_not_started),
    TEST(running_commands_and_maps_end_when_closed),
    TEST(tasks_outlive_a_closing_that_does_not_wait),
    TEST(results_outlive_their_executor),
    TEST(objects_outlive_their_executor),
    TEST(callbacks_run_in_the_order_of_the_ends),
    TEST(executors_follow_each_other),
    TEST(executors_live_side_by_side),
    TEST(futures_of_two_executors_do_not_mix),
    TEST(threads_submit_and_cancel_at_random),
    TEST(submits_that_race_with_closing_end),
    TEST(signals_stay_the_programs),
    TEST(forked_child_does_not_hold_the_farm_up),
};
static const struct test alone = TEST(failing_init_is_told_by_open);

static void run(const struct test *test)
{
    wrong_line = 0;
    test->run();
    if (wrong_line == 0) {
        (void)printf("ok %s\n", test->name);
    } else {
        failures++;
        (void)printf("not ok %s: line %d: %s\n",
                     test->name,
                     wrong_line,
                     hay_error_text());
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    if (hay_prefork() != HAY_OK) {
        (void)printf("not ok hay_prefork: %s\n", hay_error_text());
        return 1;
    }
    if (argc > 1 && strcmp(argv[1], alone.name) == 0) {
        run(&alone);
        return failures > 0;
    }
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc < 2 || strcmp(argv[1], tests[i].name) == 0) {
            run(&tests[i]);
        }
    }
    return failures > 0;
}
