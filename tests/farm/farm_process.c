/* farm_process.c - functions in process slots, against a real farm: the same
 * program in one process and under mpirun.  Prints 'ok NAME' or 'not ok NAME:
 * line' for each behaviour. */
#include "config.h"

#include "run_tests.h"

#include <hayfork/hayfork.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* A sanitizer ends the process in its own way when it is asked for a crash. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static hay_executor *ex;
static bool under_mpi;
static const uint64_t second_ns = 1000000000;

/* ---- tasks -----------------------------------------------------------------
 */

HAY_TASK(twice)
{
    double x;
    HAY_TRY(hay_arg_double(task, 0, &x));
    return hay_return_double(task, 2 * x);
}

HAY_TASK(tells_pid)
{
    return hay_return_int64(task, getpid());
}

static int initialised;
static hay_status initialise(void)
{
    initialised++;
    return HAY_OK;
}
HAY_WORKER_INIT(initialise)

HAY_TASK(tells_init)
{
    return hay_return_int64(task, initialised);
}

/* How to end: the name of the way. */
HAY_TASK(ends)
{
    const char *way;
    HAY_TRY(hay_arg_string(task, 0, &way));
    if (strcmp(way, "segv") == 0) {
        volatile int *nowhere =
            mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *nowhere = 1;
    } else if (strcmp(way, "abort") == 0) {
        abort();
    } else if (strcmp(way, "exit") == 0) {
        exit(3);
    } else if (strcmp(way, "_exit") == 0) {
        _exit(0);
    } else if (strcmp(way, "kill") == 0) {
        (void)kill(getpid(), SIGKILL);
    } else if (strcmp(way, "close") == 0) {
        for (int fd = 0; fd < 1000; fd++) {
            (void)close(fd);
        }
    } else if (strcmp(way, "group") == 0) {
        (void)setsid();
        (void)kill(0, SIGKILL);
    } else if (strcmp(way, "fail") == 0) {
        return hay_task_fail(task, 42, "no peak in %s", "survey");
    }
    return HAY_OK;
}

/* Two processes that would live on, one of them in a session of its own; gives
 * back their ids, or dies with them left behind. */
HAY_TASK(forks)
{
    int64_t die;
    int64_t pids[2];
    HAY_TRY(hay_arg_int64(task, 0, &die));
    for (int i = 0; i < 2; i++) {
        int pipe_fds[2];
        if (pipe(pipe_fds) != 0) {
            return hay_task_fail(task, 1, "no pipe");
        }
        pid_t pid = fork();
        if (pid == 0) {
            pid_t deeper = i == 0 ? 0 : fork();
            if (deeper == 0) {
                pid_t me = i == 0 ? getpid() : setsid();
                ssize_t n = write(pipe_fds[1], &me, sizeof(me));
                (void)n;
                for (;;) {
                    (void)pause();
                }
            }
            _exit(0);
        }
        pid_t told = 0;
        if (read(pipe_fds[0], &told, sizeof(told)) != sizeof(told)) {
            return hay_task_fail(task, 1, "no process");
        }
        pids[i] = told;
    }
    if (die != 0) {
        hay_task_log(
            task, "left %lld %lld", (long long)pids[0], (long long)pids[1]);
        (void)kill(getpid(), SIGABRT);
    }
    const uint64_t shape[1] = {2};
    return hay_return_array(task, HAY_I64, 1, shape, pids);
}

HAY_TASK(hangs)
{
    int64_t stubborn;
    HAY_TRY(hay_arg_int64(task, 0, &stubborn));
    if (stubborn != 0) {
        (void)signal(SIGTERM, SIG_IGN);
    }
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

HAY_TASK(runs_on)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 1);
    }
    return HAY_ECANCELLED;
}

HAY_TASK(big)
{
    int64_t size;
    void *data;
    HAY_TRY(hay_arg_int64(task, 0, &size));
    HAY_TRY(hay_return_alloc(task, (size_t)size, &data));
    memset(data, 'x', (size_t)size);
    return HAY_OK;
}

HAY_TASK(counts_x)
{
    const void *data;
    size_t size;
    int64_t count = 0;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    for (size_t i = 0; i < size; i++) {
        count += ((const char *)data)[i] == 'x';
    }
    return hay_return_int64(task, count);
}

/* Writes over its input, which it may not. */
HAY_TASK(scribbles)
{
    const void *data;
    size_t size;
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    memset((void *)(uintptr_t)data, 0, size);
    return HAY_OK;
}

/* Has made room for a result when it dies. */
HAY_TASK(dies_making)
{
    void *data;
    HAY_TRY(hay_return_alloc(task, 1 << 20, &data));
    memset(data, 1, 1 << 20);
    (void)kill(getpid(), SIGKILL);
    return HAY_OK;
}

HAY_TASK(draws)
{
    return hay_return_int64(task, (int64_t)(hay_task_random(task) >> 1));
}

HAY_TASK(grows)
{
    enum { BYTES = 64 << 20 };
    static char *volatile kept; /* the compiler may not forget it */
    char *more = malloc(BYTES);
    if (more != NULL) {
        memset(more, 1, BYTES);
        kept = more;
        (void)kept;
    }
    return hay_return_int64(task, getpid());
}

/* The gpu that it was given, and whether the environment says the same: its
 * number, -1: none, -2: something else. */
HAY_TASK(tells_gpu)
{
    int gpu = -1;
    char text[20] = "";
    const char *seen = getenv("CUDA_VISIBLE_DEVICES");
    size_t count = hay_task_gpus(task, &gpu, 1);
    if (count > 0) {
        (void)snprintf(text, sizeof(text), "%d", gpu);
    }
    if (count > 1 || seen == NULL || strcmp(seen, text) != 0) {
        gpu = -2;
    }
    return hay_return_int64(task, gpu);
}

HAY_MAP_TASK(doubles, double, double)
{
    if (*in == 77 || *in == 501) {
        (void)kill(getpid(), SIGABRT);
    }
    if (*in == 300) {
        return hay_task_fail(task, 5, "not this one");
    }
    *out = 2 * *in;
    return HAY_OK;
}

/* ---- helpers ---------------------------------------------------------------
 */

static hay_task_options in_process(void)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.runner = HAY_RUNNER_PROCESS;
    return options;
}

static hay_future *
start(hay_task_fn fn, hay_args args, const hay_task_options *options)
{
    hay_future *f = NULL;
    if (hay_submit(ex, fn, args, options, &f) != HAY_OK) {
        return NULL;
    }
    return f;
}

static hay_outcome outcome_of(hay_future *f)
{
    hay_outcome o = {.size = sizeof(o)};
    if (hay_future_wait(f, 60 * second_ns) != HAY_OK
        || hay_future_outcome(f, &o) != HAY_OK) {
        o.reason = "it did not end";
    }
    return o;
}

/* Its reason is valid until the next call. */
static hay_outcome run(hay_task_fn fn, hay_args args)
{
    static char reason[500];
    hay_task_options options = in_process();
    hay_future *f = start(fn, args, &options);
    hay_outcome o = outcome_of(f);
    (void)snprintf(reason, sizeof(reason), "%s", o.reason);
    o.reason = reason;
    hay_future_release(f);
    return o;
}

static hay_outcome end_by(const char *way)
{
    return run(ends, HAY_ARGS(hay_string(way)));
}

/* The farm goes on. */
static bool still_works(void)
{
    double y = 0;
    hay_task_options options = in_process();
    hay_future *f = start(twice, HAY_ARGS(hay_double(21)), &options);
    bool works = hay_result_double(f, 60 * second_ns, &y) == HAY_OK && y == 42;
    hay_future_release(f);
    return works;
}

static bool is_gone(int64_t pid)
{
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* ---- tests -----------------------------------------------------------------
 */

static void it_runs_in_another_process(void)
{
    hay_task_options options = in_process();
    int64_t pid = 0;
    hay_future *f = start(tells_pid, HAY_NO_ARGS, &options);
    CHECK(hay_result_int64(f, 60 * second_ns, &pid) == HAY_OK);
    CHECK(pid != getpid() && pid > 0);
    hay_future_release(f);
}

static void each_way_to_end_has_its_cause(void)
{
    hay_outcome o = end_by("abort");
    CHECK(o.status == HAY_ETASK && o.cause == HAY_CAUSE_SIGNAL);
    CHECK(o.signal == SIGABRT);
    o = end_by("segv");
    CHECK(o.status == HAY_ETASK);
    CHECK(SANITIZED || (o.cause == HAY_CAUSE_SIGNAL && o.signal == SIGSEGV));
    o = end_by("exit");
    CHECK(o.status == HAY_ETASK && o.cause == HAY_CAUSE_EXIT);
    CHECK(o.exit_code == 3);
    o = end_by("_exit");
    CHECK(o.status == HAY_ETASK && o.cause == HAY_CAUSE_EXIT);
    CHECK(o.exit_code == 0);
    o = end_by("kill");
    CHECK(o.status == HAY_EFARM && o.cause == HAY_CAUSE_SIGNAL);
    CHECK(o.signal == SIGKILL);
    o = end_by("group");
    CHECK(o.status == HAY_EFARM && o.signal == SIGKILL);
    o = end_by("close");
    CHECK(o.status == HAY_ETASK && strstr(o.reason, "descriptors") != NULL);
    o = end_by("fail");
    CHECK(o.status == HAY_ETASK && o.cause == HAY_CAUSE_STATUS);
    CHECK(o.exit_code == 42);
    CHECK(end_by("well").status == HAY_OK);
    CHECK(still_works());
}

static void others_do_not_notice(void)
{
    enum { COUNT = 1000 };
    hay_future *all[COUNT];
    hay_task_options options = in_process();
    for (int i = 0; i < COUNT; i++) {
        all[i] = i % 50 == 7
                     ? start(ends, HAY_ARGS(hay_string("abort")), &options)
                     : start(twice, HAY_ARGS(hay_double(i)), &options);
        CHECK(all[i] != NULL);
    }
    for (int i = 0; i < COUNT; i++) {
        hay_outcome o = outcome_of(all[i]);
        double y = 0;
        if (i % 50 == 7) {
            CHECK(o.status == HAY_ETASK && o.signal == SIGABRT);
        } else {
            CHECK(hay_result_double(all[i], 0, &y) == HAY_OK && y == 2.0 * i);
        }
        hay_future_release(all[i]);
    }
}

static void crashes_count_as_tries(void)
{
    hay_task_options options = in_process();
    options.retries = 2;
    hay_future *f = start(ends, HAY_ARGS(hay_string("abort")), &options);
    hay_outcome o = outcome_of(f);
    CHECK(o.status == HAY_ETASK && o.attempts == 3);
    hay_future_release(f);
}

static void what_is_left_behind_is_ended(void)
{
    hay_task_options options = in_process();
    hay_future *f = start(forks, HAY_ARGS(hay_int64(0)), &options);
    hay_array_view view;
    CHECK(hay_result_array(f, 60 * second_ns, &view) == HAY_OK);
    const int64_t *pids = view.data;
    CHECK(is_gone(pids[0]) && is_gone(pids[1]));
    hay_future_release(f);
    f = start(forks, HAY_ARGS(hay_int64(1)), &options);
    hay_outcome o = outcome_of(f);
    CHECK(o.signal == SIGABRT);
    hay_future_release(f);
    CHECK(still_works());
}

static void time_limits_have_three_steps(void)
{
    hay_task_options options = in_process();
    options.time_limit_ns = second_ns / 10;
    options.grace_ns = second_ns / 10;
    hay_future *soft = start(runs_on, HAY_NO_ARGS, &options);
    hay_future *term = start(hangs, HAY_ARGS(hay_int64(0)), &options);
    options.runner = HAY_RUNNER_DEFAULT; /* a limit is reason enough */
    hay_future *hard = start(hangs, HAY_ARGS(hay_int64(1)), &options);
    CHECK(soft != NULL && term != NULL && hard != NULL);
    hay_outcome o = outcome_of(soft);
    CHECK(o.status == HAY_EFARM && o.cause == HAY_CAUSE_TIME_LIMIT);
    CHECK(o.signal == 0);
    o = outcome_of(term);
    CHECK(o.cause == HAY_CAUSE_TIME_LIMIT && o.signal == SIGTERM);
    o = outcome_of(hard);
    CHECK(o.cause == HAY_CAUSE_TIME_LIMIT && o.signal == SIGKILL);
    hay_future_release(soft);
    hay_future_release(term);
    hay_future_release(hard);
    CHECK(still_works());
}

static void limits_begin_when_the_task_begins(void)
{
    enum { COUNT = 20 };
    hay_future *all[COUNT];
    hay_task_options options = in_process();
    options.time_limit_ns = 10 * second_ns;
    for (int i = 0; i < COUNT; i++) {
        all[i] = start(twice, HAY_ARGS(hay_double(i)), &options);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK(outcome_of(all[i]).status == HAY_OK);
        hay_future_release(all[i]);
    }
}

static void force_ends_what_does_not_listen(void)
{
    hay_task_options options = in_process();
    options.grace_ns = second_ns / 10;
    hay_future *f = start(hangs, HAY_ARGS(hay_int64(1)), &options);
    while (hay_future_state(f) != HAY_RUNNING) {
        (void)poll(NULL, 0, 1);
    }
    CHECK(hay_future_cancel(f, 0) == HAY_ERUNNING);
    hay_status status = hay_future_cancel(f, HAY_CANCEL_FORCE);
    CHECK(status == HAY_EPENDING || status == HAY_OK);
    CHECK(outcome_of(f).state == HAY_CANCELLED);
    hay_future_release(f);
    f = start(runs_on, HAY_NO_ARGS, &options);
    while (hay_future_state(f) != HAY_RUNNING) {
        (void)poll(NULL, 0, 1);
    }
    (void)hay_future_cancel(f, 0);
    CHECK(outcome_of(f).state == HAY_CANCELLED);
    hay_future_release(f);
}

static void inputs_are_read_in_place_and_protected(void)
{
    enum { SIZE = 3 << 20 };
    hay_task_options options = in_process();
    int64_t count = 0;
    hay_future *data = start(big, HAY_ARGS(hay_int64(SIZE)), &options);
    hay_future *bad = start(scribbles, HAY_ARGS(hay_ref(data)), &options);
    hay_outcome o = outcome_of(bad);
    CHECK(o.status == HAY_ETASK);
    CHECK(SANITIZED || o.signal == SIGSEGV);
    hay_future *good = start(counts_x, HAY_ARGS(hay_ref(data)), &options);
    CHECK(hay_result_int64(good, 60 * second_ns, &count) == HAY_OK);
    CHECK(count == SIZE);
    hay_future_release(good);
    hay_task_options thread = HAY_TASK_OPTIONS_INIT;
    good = start(counts_x, HAY_ARGS(hay_ref(data)), &thread);
    CHECK(hay_result_int64(good, 60 * second_ns, &count) == HAY_OK);
    CHECK(count == SIZE);
    hay_future_release(data);
    hay_future_release(bad);
    hay_future_release(good);
    CHECK(run(dies_making, HAY_NO_ARGS).signal == SIGKILL);
    CHECK(still_works());
}

static void long_arguments_pass(void)
{
    enum { SIZE = 1 << 20 };
    hay_task_options options = in_process();
    int64_t count = 0;
    char *bytes = malloc(SIZE);
    CHECK(bytes != NULL);
    memset(bytes, 'x', SIZE);
    hay_future *f = start(counts_x, HAY_ARGS(hay_bytes(bytes, SIZE)), &options);
    CHECK(hay_result_int64(f, 60 * second_ns, &count) == HAY_OK);
    CHECK(count == SIZE);
    hay_future_release(f);
    f = start(counts_x, HAY_ARGS(hay_bytes(bytes, 15000)), &options);
    CHECK(hay_result_int64(f, 60 * second_ns, &count) == HAY_OK);
    CHECK(count == 15000);
    hay_future_release(f);
    free(bytes);
}

static void random_streams_are_those_of_threads(void)
{
    hay_task_options options = in_process();
    int64_t drawn[2] = {0, 1};
    options.name = "draws";
    for (int i = 0; i < 2; i++) {
        hay_future *f = start(draws, HAY_NO_ARGS, &options);
        CHECK(hay_result_int64(f, 60 * second_ns, &drawn[i]) == HAY_OK);
        hay_future_release(f);
        options.runner = HAY_RUNNER_THREAD;
    }
    CHECK(drawn[0] == drawn[1]);
}

static void init_runs_once_in_each_child(void)
{
    hay_task_options options = in_process();
    CHECK(end_by("exit").exit_code == 3);
    for (int i = 0; i < 20; i++) {
        int64_t count = 0;
        hay_future *f = start(tells_init, HAY_NO_ARGS, &options);
        CHECK(hay_result_int64(f, 60 * second_ns, &count) == HAY_OK);
        CHECK(count == 1);
        hay_future_release(f);
    }
}

static int64_t pid_of(hay_task_fn fn)
{
    hay_task_options options = in_process();
    int64_t pid = -1;
    hay_future *f = start(fn, HAY_NO_ARGS, &options);
    (void)hay_result_int64(f, 60 * second_ns, &pid);
    hay_future_release(f);
    return pid;
}

/* The farm is started with child_tasks_max 5000 and child_memory_max 256 MB. */
static void children_are_used_again_and_replaced(void)
{
    int64_t pids[40];
    int same = 0;
    for (int i = 0; i < 40; i++) {
        pids[i] = pid_of(tells_pid);
        for (int k = 0; k < i; k++) {
            if (pids[k] == pids[i]) {
                same++;
                break;
            }
        }
    }
    CHECK(same >= 30); /* slots of all ranks have one each */
    int64_t first = 0;
    bool replaced = false;
    for (int i = 0; i < 100 && !replaced; i++) {
        int64_t pid = pid_of(grows);
        replaced = i > 3 && first != 0 && is_gone(first);
        first = first == 0 ? pid : first;
        (void)poll(NULL, 0, 60); /* growth is looked at now and then */
    }
    CHECK(replaced);
}

static void items_that_kill_fail_alone(void)
{
    enum { COUNT = 1000 };
    static double in[COUNT], out[COUNT];
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    const hay_map_failure *list = NULL;
    size_t count = 0;
    hay_future *map = NULL;
    options.runner = HAY_RUNNER_PROCESS;
    for (int i = 0; i < COUNT; i++) {
        in[i] = i;
    }
    CHECK(hay_map(ex, doubles, &options, in, COUNT, out, &map) == HAY_OK);
    CHECK(outcome_of(map).status == HAY_ETASK);
    CHECK(hay_map_failures(map, &list, &count) == HAY_OK);
    for (size_t i = 0; i < count; i++) {
        CHECK(list[i].index == 77 || list[i].index == 300
              || list[i].index == 501);
        CHECK(list[i].status == HAY_ETASK);
    }
    CHECK(count == 3);
    for (int i = 0; i < COUNT; i++) {
        CHECK(i == 77 || i == 300 || i == 501 || out[i] == 2 * in[i]);
    }
    hay_future_release(map);
}

static void thread_slots_can_be_asked_for_beside_them(void)
{
    enum { COUNT = 400 };
    hay_future *all[COUNT];
    hay_task_options options = in_process();
    for (int i = 0; i < COUNT; i++) {
        options.runner = i % 2 == 0 ? HAY_RUNNER_PROCESS : HAY_RUNNER_THREAD;
        all[i] = start(tells_pid, HAY_NO_ARGS, &options);
    }
    for (int i = 0; i < COUNT; i++) {
        int64_t pid = 0;
        CHECK(hay_result_int64(all[i], 60 * second_ns, &pid) == HAY_OK);
        CHECK(under_mpi || i % 2 == 0 || pid == getpid());
        CHECK(i % 2 != 0 || pid != getpid());
        hay_future_release(all[i]);
    }
}

/* Each rank's node has 2 gpus. */
static void gpus_are_those_it_was_given(void)
{
    enum { COUNT = 12 };
    hay_future *all[COUNT];
    hay_task_options options = in_process();
    for (int i = 0; i < COUNT; i++) {
        options.gpus = i % 3 == 2 ? 0 : 1;
        all[i] = start(tells_gpu, HAY_NO_ARGS, &options);
    }
    for (int i = 0; i < COUNT; i++) {
        int64_t gpu = -3;
        CHECK(hay_result_int64(all[i], 60 * second_ns, &gpu) == HAY_OK);
        CHECK(i % 3 == 2 ? gpu == -1 : gpu == 0 || gpu == 1);
        hay_future_release(all[i]);
    }
}

/* Somebody kills children while they work: what they ran fails as the farm's,
 * all else is right. */
static void killed_children_cost_what_they_ran(void)
{
    enum { COUNT = 4000, KILLS = 20 };
    static hay_future *all[COUNT];
    hay_task_options options = in_process();
    int killed = 0;
    int wrong = 0;
    unsigned dice = 12345;
    for (int i = 0; i < COUNT; i++) {
        all[i] = start(twice, HAY_ARGS(hay_double(i)), &options);
        if (i % (COUNT / KILLS) == 0) {
            int64_t pid = pid_of(tells_pid);
            dice = dice * 1103515245U + 12345U;
            (void)poll(NULL, 0, (int)(dice >> 16) % 3);
            if (pid > 1) {
                (void)kill((pid_t)pid, SIGKILL);
            }
        }
    }
    for (int i = 0; i < COUNT; i++) {
        double y = 0;
        hay_outcome o = outcome_of(all[i]);
        if (o.status == HAY_EFARM && o.signal == SIGKILL) {
            killed++;
        } else if (hay_result_double(all[i], 0, &y) != HAY_OK || y != 2.0 * i) {
            wrong++;
        }
        hay_future_release(all[i]);
    }
    CHECK(wrong == 0);
    CHECK(killed <= KILLS);
    CHECK(still_works());
}

/* ---- main ------------------------------------------------------------------
 */

static const struct farm_test tests[] = {
    TEST(it_runs_in_another_process),
    TEST(each_way_to_end_has_its_cause),
    TEST(others_do_not_notice),
    TEST(crashes_count_as_tries),
    TEST(what_is_left_behind_is_ended),
    TEST(time_limits_have_three_steps),
    TEST(limits_begin_when_the_task_begins),
    TEST(force_ends_what_does_not_listen),
    TEST(inputs_are_read_in_place_and_protected),
    TEST(long_arguments_pass),
    TEST(random_streams_are_those_of_threads),
    TEST(init_runs_once_in_each_child),
    TEST(children_are_used_again_and_replaced),
    TEST(items_that_kill_fail_alone),
    TEST(thread_slots_can_be_asked_for_beside_them),
    TEST(gpus_are_those_it_was_given),
    TEST(killed_children_cost_what_they_ran),
    {NULL, NULL},
};

static int failed;

static hay_status farm(hay_executor *executor, int argc, char **argv)
{
    ex = executor;
    HAY_TRY(hay_executor_wait_workers(ex, 60 * second_ns));
    under_mpi = getenv("OMPI_COMM_WORLD_SIZE") != NULL;
    failed = run_tests(tests, argc, argv);
    return HAY_OK;
}

/* "unforked": without hay_prefork() there are no process slots, and it says so;
 * "late": nor for functions that are registered after it. */
static int refused(bool late)
{
    hay_options options = HAY_OPTIONS_INIT;
    hay_task_options in_child = in_process();
    if (late) {
        if (hay_prefork() != HAY_OK) {
            return 1;
        }
        hay_register("late", twice);
    }
    options.slots = 1;
    if (hay_open_local(&options, &ex) != HAY_OK) {
        return 1;
    }
    hay_future *f = NULL;
    hay_status status = hay_submit(ex, tells_pid, HAY_NO_ARGS, &in_child, &f);
    const char *words = hay_error_text();
    if (late && status == HAY_OK) {
        hay_outcome o = outcome_of(f);
        status = o.status;
        words = o.reason;
    }
    (void)printf("%d %s\n", (int)status, words);
    (void)fflush(stdout);
    hay_future_release(f);
    hay_executor_free(ex);
    return 0;
}

int main(int argc, char **argv)
{
    const struct rlimit no_core = {0, 0};
    hay_options defaults = HAY_OPTIONS_INIT;
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (argc > 1
        && (strcmp(argv[1], "unforked") == 0 || strcmp(argv[1], "late") == 0)) {
        return refused(argv[1][0] == 'l');
    }
    defaults.child_tasks_max = 5000;
    defaults.gpus = 2;
    defaults.child_memory_max_bytes = 256 << 20;
    int status = hay_main_with(argc, argv, &defaults, farm);
    return status != 0 ? status : failed;
}
