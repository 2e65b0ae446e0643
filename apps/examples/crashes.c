/* crashes.c - nothing that a task does harms another one: tasks that crash,
 * leave, hang, take all memory and write where they must not, each in a process
 * slot, among a thousand that do their work.  Prints how each one ended.
 *
 *     crashes        mpirun -n 3 crashes        hayfork launch -n 3 crashes
 *
 * Ends with 0 if each failed for the reason that it has, the others gave what
 * they should, and no process was left.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <hayfork/hayfork.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
    GOOD_TASKS = 1000,
    SHARED_ITEMS = 10000,
    LEFT = 3,
    LINE_MAX_BYTES = 300
};
#define SECOND UINT64_C(1000000000)
#define MIB    (UINT64_C(1) << 20)

/* ---- what must not be done ---- */

HAY_TASK(dereferences_null)
{
    volatile int *nowhere = NULL;
    *nowhere = 1;
    return HAY_OK;
}

HAY_TASK(calls_exit)
{
    exit(3);
}

HAY_TASK(calls_abort)
{
    abort();
}

HAY_TASK(sleeps_for_ever)
{
    for (;;) {
        (void)pause();
    }
}

HAY_TASK(ignores_all)
{
    (void)signal(SIGTERM, SIG_IGN);
    for (volatile int i = 0;; i = i ^ 1) {
    }
}

HAY_TASK(takes_all_memory)
{
    for (;;) {
        char *piece = malloc(MIB);
        if (piece == NULL) {
            return hay_task_fail(task, 1, "no limit has held it");
        }
        memset(piece, 1, MIB);
    }
}

/* The ids of processes in sessions of their own, as many as asked for. */
static void leave_some(pid_t *left)
{
    for (int i = 0; i < LEFT; i++) {
        left[i] = fork();
        if (left[i] == 0) {
            (void)setsid();
            (void)signal(SIGTERM, SIG_IGN);
            (void)signal(SIGHUP, SIG_IGN);
            for (;;) {
                (void)pause();
            }
        }
    }
}

/* "host 17 18 19" */
static void print_left(const pid_t *left, char line[LINE_MAX_BYTES])
{
    char host[200] = "";
    (void)gethostname(host, sizeof(host) - 1);
    int used = snprintf(line, LINE_MAX_BYTES, "%s", host);
    for (int i = 0; i < LEFT; i++) {
        used += snprintf(
            line + used, LINE_MAX_BYTES - (size_t)used, " %ld", (long)left[i]);
    }
}

HAY_TASK(leaves_processes)
{
    pid_t left[LEFT];
    char line[LINE_MAX_BYTES];
    leave_some(left);
    print_left(left, line);
    return hay_task_fail(task, 5, "%s", line);
}

HAY_TASK(leaves_and_crashes)
{
    pid_t left[LEFT];
    leave_some(left);
    abort();
}

HAY_TASK(closes_all_files)
{
    struct rlimit limit;
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536
                  ? (int)limit.rlim_cur
                  : 65536;
    for (int fd = 0; fd < end; fd++) {
        (void)close(fd);
    }
    return hay_task_fail(task, 6, "no file is open any more");
}

/* Far beyond the frame of its caller. */
static __attribute__((noinline)) void spoil(volatile char *at)
{
    for (size_t i = 0; i < 64 * 1024 * 1024; i++) {
        at[i] = 0x5a;
    }
}

HAY_TASK(overwrites_its_stack)
{
    volatile char here[16];
    spoil(here);
    return HAY_OK;
}

HAY_TASK(writes_over_its_input)
{
    hay_array_view view;
    HAY_TRY(hay_arg_array(task, 0, &view));
    union {
        const void *read;
        int64_t *write;
    } input = {view.data};
    for (size_t i = 0; i < SHARED_ITEMS; i++) {
        input.write[i] = -1;
    }
    return HAY_OK;
}

HAY_TASK(kills_itself)
{
    (void)raise(SIGKILL);
    return HAY_OK;
}

HAY_TASK(returns_too_much)
{
    void *room = NULL;
    HAY_TRY(hay_return_alloc(task, 8 * MIB, &room));
    return HAY_OK;
}

HAY_TASK(needs_a_crashed_one)
{
    return HAY_OK;
}

/* ---- what should be ---- */

/* The sum of the shared input, and its own number. */
HAY_TASK(works)
{
    hay_array_view view;
    int64_t number;
    int64_t sum = 0;
    HAY_TRY(hay_arg_array(task, 0, &view));
    HAY_TRY(hay_arg_int64(task, 1, &number));
    for (size_t i = 0; i < SHARED_ITEMS; i++) {
        sum += ((const int64_t *)view.data)[i];
    }
    return hay_return_int64(task, sum + number);
}

/* ---- the farm ---- */

#define BAD(f) .function = (f), .name = #f

static const struct bad {
    hay_task_fn function;
    const char *name;
    hay_cause cause;
    int signal; /* one of two; 0, 0: none */
    int other_signal;
    int code;
    uint64_t time_limit_ns, memory_limit_bytes, output_limit_bytes;
} bad[] = {
    {BAD(dereferences_null), .cause = HAY_CAUSE_SIGNAL, .signal = SIGSEGV},
    {BAD(calls_exit), .cause = HAY_CAUSE_EXIT, .code = 3},
    {BAD(calls_abort), .cause = HAY_CAUSE_SIGNAL, .signal = SIGABRT},
    {BAD(sleeps_for_ever),
     .cause = HAY_CAUSE_TIME_LIMIT,
     .signal = SIGTERM,
     .time_limit_ns = SECOND / 2},
    {BAD(ignores_all),
     .cause = HAY_CAUSE_TIME_LIMIT,
     .signal = SIGKILL,
     .time_limit_ns = SECOND / 2},
    {BAD(takes_all_memory),
     .cause = HAY_CAUSE_MEMORY_LIMIT,
     .signal = SIGKILL,
     .memory_limit_bytes = 128 * MIB},
    {BAD(leaves_processes), .cause = HAY_CAUSE_STATUS, .code = 5},
    {BAD(leaves_and_crashes), .cause = HAY_CAUSE_SIGNAL, .signal = SIGABRT},
    {BAD(closes_all_files), .cause = HAY_CAUSE_STATUS, .code = 6},
    {BAD(overwrites_its_stack),
     .cause = HAY_CAUSE_SIGNAL,
     .signal = SIGSEGV,
     .other_signal = SIGBUS},
    {BAD(writes_over_its_input),
     .cause = HAY_CAUSE_SIGNAL,
     .signal = SIGSEGV,
     .other_signal = SIGBUS},
    {BAD(kills_itself), .cause = HAY_CAUSE_SIGNAL, .signal = SIGKILL},
    {BAD(returns_too_much),
     .cause = HAY_CAUSE_OUTPUT_LIMIT,
     .output_limit_bytes = MIB},
    {BAD(needs_a_crashed_one), .cause = HAY_CAUSE_DEPENDENCY},
};
enum { BAD_TASKS = sizeof(bad) / sizeof(bad[0]) };

struct farm {
    hay_executor *ex;
    hay_future *shared;
    hay_future *bad[BAD_TASKS];
    hay_future *good[GOOD_TASKS];
    int64_t sum;
};

static hay_status submit_bad(struct farm *f, size_t i)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.name = bad[i].name;
    options.runner = HAY_RUNNER_PROCESS;
    options.time_limit_ns = bad[i].time_limit_ns;
    options.grace_ns = SECOND / 4;
    options.memory_limit_bytes = bad[i].memory_limit_bytes;
    options.output_limit_bytes = bad[i].output_limit_bytes;
    if (bad[i].cause == HAY_CAUSE_DEPENDENCY) {
        options.after = &f->bad[0];
        options.after_count = 1;
    }
    return hay_submit(f->ex,
                      bad[i].function,
                      HAY_ARGS(hay_ref(f->shared)),
                      &options,
                      &f->bad[i]);
}

/* The bad ones among the good ones. */
static hay_status submit_all(struct farm *f)
{
    static int64_t items[SHARED_ITEMS];
    const uint64_t shape[1] = {SHARED_ITEMS};
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.runner = HAY_RUNNER_PROCESS;
    for (int64_t i = 0; i < SHARED_ITEMS; i++) {
        items[i] = i;
        f->sum += i;
    }
    HAY_TRY(hay_put(f->ex, hay_array(HAY_I64, 1, shape, items), &f->shared));
    for (size_t i = 0, next = 0; i < GOOD_TASKS; i++) {
        if (i * BAD_TASKS / GOOD_TASKS == next) {
            HAY_TRY(submit_bad(f, next));
            next++;
        }
        HAY_TRY(hay_submit(f->ex,
                           works,
                           HAY_ARGS(hay_ref(f->shared), hay_int64((int64_t)i)),
                           &options,
                           &f->good[i]));
    }
    return HAY_OK;
}

/* Has the process ended, by the end of some seconds? */
static bool has_ended(pid_t pid)
{
    const struct timespec nap = {0, 10000000};
    for (int i = 0; i < 1000; i++) {
        if (kill(pid, 0) != 0) {
            return true;
        }
        (void)nanosleep(&nap, NULL);
    }
    return false;
}

/* words: "host 17 18 19".  On other hosts we cannot look. */
static bool none_left(const char *words)
{
    char host[200] = "";
    char *at;
    bool none = true;
    (void)gethostname(host, sizeof(host) - 1);
    size_t length = strlen(host);
    if (strncmp(words, host, length) != 0 || words[length] != ' ') {
        return true;
    }
    for (const char *next = words + length; *next != 0; next = at) {
        pid_t pid = (pid_t)strtol(next, &at, 10);
        if (at == next) {
            break;
        }
        none = has_ended(pid) && none;
    }
    return none;
}

static bool check_bad(const struct farm *f, size_t i)
{
    hay_outcome o = {.size = sizeof(o)};
    (void)hay_future_wait(f->bad[i], HAY_FOREVER);
    if (hay_future_outcome(f->bad[i], &o) != HAY_OK) {
        return false;
    }
    bool right =
        o.state == HAY_FAILED && o.cause == bad[i].cause
        && (o.signal == bad[i].signal
            || (bad[i].other_signal != 0 && o.signal == bad[i].other_signal))
        && o.exit_code == bad[i].code;
    if (bad[i].function == leaves_processes) {
        right = right && none_left(o.reason);
    }
    printf("%-22s %-8s %-12s %s%s\n",
           bad[i].name,
           hay_state_name(o.state),
           hay_cause_name(o.cause),
           o.reason,
           right ? "" : "   <- NOT as it should be");
    return right;
}

static size_t count_good(const struct farm *f)
{
    size_t right = 0;
    for (size_t i = 0; i < GOOD_TASKS; i++) {
        int64_t value = 0;
        if (hay_result_int64(f->good[i], HAY_FOREVER, &value) != HAY_OK) {
            printf("a good task failed: %s\n", hay_error_text());
        } else if (value != f->sum + (int64_t)i) {
            printf("a good task gave a wrong result\n");
        } else {
            right++;
        }
    }
    return right;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    static struct farm f;
    (void)argc, (void)argv;
    f.ex = ex;
    HAY_TRY(submit_all(&f));
    size_t wrong = 0;
    for (size_t i = 0; i < BAD_TASKS; i++) {
        wrong += check_bad(&f, i) ? 0 : 1;
        hay_future_release(f.bad[i]);
    }
    size_t right = count_good(&f);
    for (size_t i = 0; i < GOOD_TASKS; i++) {
        hay_future_release(f.good[i]);
    }
    hay_future_release(f.shared);
    printf("%zu of %d other tasks gave the right result\n", right, GOOD_TASKS);
    return wrong == 0 && right == GOOD_TASKS ? HAY_OK : HAY_ETASK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
