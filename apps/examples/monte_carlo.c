/* monte_carlo.c - pi by throwing darts.  Each task has a random stream of its
 * own, keyed by the run's seed and the task's name: the same number comes out
 * on any number of cores, in any order.  --hay-seed=7 gives another one.
 */
#include <hayfork/hayfork.h>
#include <stdio.h>

enum { TASKS = 64, DARTS = 100000 };

HAY_TASK(throw_darts)
{
    int64_t darts = 0;
    int64_t hits = 0;
    HAY_TRY(hay_arg_int64(task, 0, &darts));
    for (int64_t i = 0; i < darts; i++) {
        double x = hay_task_random_double(task);
        double y = hay_task_random_double(task);
        hits += x * x + y * y < 1;
    }
    return hay_return_int64(task, hits);
}

/* One argument that is the list of all results. */
HAY_TASK(add)
{
    size_t count = 0;
    int64_t sum = 0;
    HAY_TRY(hay_arg_list(task, 0, &count));
    for (size_t i = 0; i < count; i++) {
        int64_t hits = 0;
        HAY_TRY(hay_arg_list_int64(task, 0, i, &hits));
        sum += hits;
    }
    return hay_return_int64(task, sum);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *parts[TASKS] = {NULL};
    hay_future *sum = NULL;
    int64_t hits = 0;
    hay_status st = HAY_OK;
    (void)argc, (void)argv;
    for (int i = 0; i < TASKS && st == HAY_OK; i++) {
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        char name[32];
        (void)snprintf(name, sizeof(name), "darts-%d", i);
        options.name = name;
        st = hay_submit(
            ex, throw_darts, HAY_ARGS(hay_int64(DARTS)), &options, &parts[i]);
    }
    if (st == HAY_OK) {
        st = hay_submit(ex, add, HAY_ARGS(hay_refs(parts, TASKS)), NULL, &sum);
    }
    if (st == HAY_OK) {
        st = hay_result_int64(sum, HAY_FOREVER, &hits);
    }
    if (st == HAY_OK) {
        printf("pi is about %.6f\n", 4.0 * (double)hits / TASKS / DARTS);
    }
    for (int i = 0; i < TASKS; i++) {
        hay_future_release(parts[i]);
    }
    hay_future_release(sum);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
