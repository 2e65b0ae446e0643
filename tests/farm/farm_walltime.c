/* farm_walltime.c - programs whose walltime ends: what their functions see, how
 * their tasks end, and with which status hay_main() does.  By its first
 * argument: a behaviour; it prints 'ok NAME' if that is as it should be. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const uint64_t second_ns = 1000000000;

/* What it sees of the time, as nanoseconds; -1: no end is known. */
HAY_TASK(left)
{
    uint64_t left_ns = hay_task_time_left(task);
    uint64_t end_ns = hay_task_deadline(task);
    struct timespec now;
    if (left_ns == HAY_FOREVER) {
        return end_ns == 0 ? hay_return_int64(task, -1) : HAY_EFARM;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t sum =
        (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec + left_ns;
    uint64_t apart = sum > end_ns ? sum - end_ns : end_ns - sum;
    return apart < second_ns ? hay_return_int64(task, (int64_t)left_ns)
                             : hay_task_fail(task, 1, "the clocks differ");
}

HAY_TASK(saves)
{
    return hay_task_fail(task, 75, "saved");
}

/* Until it is asked to end. */
HAY_TASK(long_one)
{
    while (!hay_task_cancelled(task)) {
        (void)poll(NULL, 0, 5);
    }
    return HAY_ECANCELLED;
}

/* In a process slot, deaf. */
HAY_TASK(deaf)
{
    (void)task;
    for (;;) {
        (void)poll(NULL, 0, 1000);
    }
}

static bool ended_so(hay_future *f, hay_state state, hay_cause cause)
{
    hay_outcome o = {.size = sizeof o};
    (void)hay_future_wait(f, HAY_FOREVER);
    if (hay_future_outcome(f, &o) != HAY_OK || o.state != state
        || o.cause != cause) {
        printf("# %s: %s (%s)\n",
               hay_state_name(o.state),
               hay_cause_name(o.cause),
               o.reason);
        return false;
    }
    return true;
}

static hay_status says(const char *name, bool ok)
{
    if (ok) {
        printf("ok %s\n", name);
    }
    return ok ? HAY_OK : HAY_ETASK;
}

/* 100 s are left, with a margin of 10. */
static hay_status known(hay_executor *ex)
{
    hay_future *f = NULL;
    hay_stats stats = {.size = sizeof stats};
    int64_t seen = 0;
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, NULL, &f));
    HAY_TRY(hay_result_int64(f, HAY_FOREVER, &seen));
    hay_future_release(f);
    HAY_TRY(hay_executor_stats(ex, &stats));
    return says("known",
                seen > 60 * (int64_t)second_ns
                    && seen <= 90 * (int64_t)second_ns
                    && stats.margin_ns <= 10 * second_ns
                    && stats.margin_ns > 9 * second_ns && !stats.draining);
}

static hay_status unknown(hay_executor *ex)
{
    hay_future *f[2] = {NULL, NULL};
    int64_t seen = 0;
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, NULL, &f[0]));
    HAY_TRY(hay_result_int64(f[0], HAY_FOREVER, &seen));
    HAY_TRY(hay_submit(ex, saves, HAY_NO_ARGS, NULL, &f[1]));
    bool ok = ended_so(f[1], HAY_FAILED, HAY_CAUSE_STATUS);
    hay_future_release(f[0]);
    hay_future_release(f[1]);
    return says("unknown", ok && seen == -1);
}

static hay_status saved(hay_executor *ex)
{
    hay_future *f = NULL;
    HAY_TRY(hay_submit(ex, saves, HAY_NO_ARGS, NULL, &f));
    bool ok = ended_so(f, HAY_CANCELLED, HAY_CAUSE_WALLTIME);
    hay_future_release(f);
    return says("saved", ok);
}

/* Work is over in a second: what runs then, what waits, what comes late. */
static hay_status over(hay_executor *ex)
{
    hay_future *f[4] = {NULL};
    hay_stats stats = {.size = sizeof stats};
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, NULL, &f[0]));
    bool ok = ended_so(f[0], HAY_FINISHED, HAY_CAUSE_NONE);
    HAY_TRY(hay_submit(ex, long_one, HAY_NO_ARGS, NULL, &f[1]));
    options.after = &f[1];
    options.after_count = 1;
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, &options, &f[2]));
    ok = ended_so(f[2], HAY_CANCELLED, HAY_CAUSE_WALLTIME) && ok;
    ok = ended_so(f[1], HAY_CANCELLED, HAY_CAUSE_WALLTIME) && ok;
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, NULL, &f[3]));
    ok = ended_so(f[3], HAY_CANCELLED, HAY_CAUSE_WALLTIME) && ok;
    HAY_TRY(hay_executor_stats(ex, &stats));
    ok = ok && stats.draining && stats.walltime == 3 && stats.time_left_ns == 0;
    for (int i = 0; i < 4; i++) {
        hay_future_release(f[i]);
    }
    return says("over", ok);
}

static hay_status forced(hay_executor *ex)
{
    hay_future *f[2] = {NULL, NULL};
    HAY_TRY(hay_submit(ex, left, HAY_NO_ARGS, NULL, &f[0]));
    HAY_TRY(hay_submit(ex, deaf, HAY_NO_ARGS, NULL, &f[1]));
    bool ok = ended_so(f[0], HAY_FINISHED, HAY_CAUSE_NONE);
    ok = ended_so(f[1], HAY_CANCELLED, HAY_CAUSE_WALLTIME) && ok;
    hay_future_release(f[0]);
    hay_future_release(f[1]);
    return says("forced", ok);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    static const struct {
        const char *name;
        hay_status (*test)(hay_executor *ex);
    } tests[] = {
        {"known", known},
        {"unknown", unknown},
        {"saved", saved},
        {"over", over},
        {"forced", forced},
    };
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
        if (argc == 2 && strcmp(argv[1], tests[i].name) == 0) {
            return tests[i].test(ex);
        }
    }
    return HAY_EINVAL;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
