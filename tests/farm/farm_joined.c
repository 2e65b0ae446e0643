/* farm_joined.c - ranks over MPI and guests that join them, as one farm: values
 * of all are used by all, while worker VICTIM is killed.
 *
 * farm_joined WORKERS VICTIM [far]: waits until so many are there; VICTIM 0:
 * nobody.  far: it is not killed, but cannot reach worker 2, whose values it
 * needs.  Each task must end once, with the right result. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    VALUES = 16,
    VALUE_ELEMENTS = 400000, /* of 8 bytes */
    NAP_US = 20000,
};

static uint64_t element(uint64_t number, uint64_t i)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15) + i * 3;
}

/* number; slowly, so that all workers make some */
HAY_TASK(makes)
{
    int64_t number = 0;
    const uint64_t count = VALUE_ELEMENTS;
    void *data = NULL;
    HAY_TRY(hay_arg_int64(task, 0, &number));
    HAY_TRY(hay_return_alloc_array(task, HAY_U64, 1, &count, &data));
    for (uint64_t i = 0; i < count; i++) {
        ((uint64_t *)data)[i] = element((uint64_t)number, i);
    }
    (void)usleep(NAP_US);
    return HAY_OK;
}

static hay_status compare(hay_task *task, size_t argument, uint64_t number)
{
    hay_array_view view;
    HAY_TRY(hay_arg_array(task, argument, &view));
    const uint64_t *at = view.data;
    if (view.shape[0] != VALUE_ELEMENTS) {
        return hay_task_fail(task, 1, "a value has another size");
    }
    for (uint64_t i = 0; i < VALUE_ELEMENTS; i++) {
        if (at[i] != element(number, i)) {
            return hay_task_fail(task, 1, "a value is wrong");
        }
    }
    return HAY_OK;
}

/* two values, and their numbers */
HAY_TASK(compares)
{
    int64_t first = 0;
    int64_t second = 0;
    HAY_TRY(hay_arg_int64(task, 2, &first));
    HAY_TRY(hay_arg_int64(task, 3, &second));
    HAY_TRY(compare(task, 0, (uint64_t)first));
    HAY_TRY(compare(task, 1, (uint64_t)second));
    return hay_return_int64(task, first * VALUES + second);
}

HAY_TASK(dies)
{
    (void)task;
    (void)kill(getpid(), SIGKILL);
    return HAY_OK;
}

static hay_status wrong(const char *what, int number)
{
    printf("not ok joined: %s %d: %s\n", what, number, hay_error_text());
    return HAY_ETASK;
}

static hay_status wait_workers(hay_executor *ex, uint64_t count)
{
    hay_stats stats = {.size = sizeof(stats)};
    HAY_TRY(hay_executor_stats(ex, &stats));
    while (stats.workers < count) {
        (void)usleep(1000); /* there is no call that waits for guests */
        HAY_TRY(hay_executor_stats(ex, &stats));
    }
    return HAY_OK;
}

static hay_status use_all(hay_executor *ex, hay_future *const *values)
{
    hay_future *used[VALUES];
    for (int i = 0; i < VALUES; i++) {
        const int other = (i + 5) % VALUES;
        HAY_TRY(hay_submit(ex,
                           compares,
                           HAY_ARGS(hay_ref(values[i]),
                                    hay_ref(values[other]),
                                    hay_int64(i),
                                    hay_int64(other)),
                           NULL,
                           &used[i]));
    }
    for (int i = 0; i < VALUES; i++) {
        int64_t value = 0;
        if (hay_result_int64(used[i], HAY_FOREVER, &value) != HAY_OK
            || value != i * VALUES + (i + 5) % VALUES) {
            return wrong("use of value", i);
        }
        hay_future_release(used[i]);
    }
    return HAY_OK;
}

/* far: half of them by worker 1, half by worker 2. */
static hay_status make_all(hay_executor *ex, bool far, hay_future **values)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    for (uint32_t i = 0; i < VALUES; i++) {
        options.worker = far ? 1 + i % 2 : 0;
        HAY_TRY(hay_submit(
            ex, makes, HAY_ARGS(hay_int64(i)), &options, &values[i]));
    }
    for (int i = 0; i < VALUES; i++) {
        if (hay_future_wait(values[i], HAY_FOREVER) != HAY_OK) {
            return wrong("value", i);
        }
    }
    return HAY_OK;
}

/* What the victim cannot survive. */
static hay_status ends(hay_executor *ex,
                       uint32_t victim,
                       hay_future *const *far,
                       hay_future **end)
{
    hay_task_options there = HAY_TASK_OPTIONS_INIT;
    there.worker = victim;
    there.once = true;
    there.priority = 1;
    if (far == NULL) {
        return hay_submit(ex, dies, HAY_NO_ARGS, &there, end);
    }
    return hay_submit(
        ex,
        compares,
        HAY_ARGS(hay_ref(far[0]), hay_ref(far[1]), hay_int64(0), hay_int64(1)),
        &there,
        end);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *values[VALUES];
    hay_future *end = NULL;
    if (argc < 3) {
        return HAY_EINVAL;
    }
    const uint32_t victim = (uint32_t)strtoul(argv[2], NULL, 10);
    const bool far = argc > 3;
    HAY_TRY(wait_workers(ex, strtoul(argv[1], NULL, 10)));
    HAY_TRY(make_all(ex, far, values));
    if (victim != 0) {
        HAY_TRY(ends(ex, victim, far ? values : NULL, &end));
    }
    HAY_TRY(use_all(ex, values));
    if (end != NULL) {
        int64_t nothing = 0;
        const hay_status status = hay_result_int64(end, HAY_FOREVER, &nothing);
        /* far: it has not begun, and nobody else can meet its request */
        if (far ? status == HAY_OK : status != HAY_EFARM) {
            return wrong("the end of worker", (int)victim);
        }
        hay_future_release(end);
        HAY_TRY(use_all(ex, values)); /* those who are left */
    }
    for (int i = 0; i < VALUES; i++) {
        hay_future_release(values[i]);
    }
    printf("ok joined\n");
    return HAY_OK;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
