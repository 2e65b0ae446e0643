/* as_completed.c - takes results in the order in which they are done; one task
 * fails, and says why.
 */
#include <hayfork/hayfork.h>
#include <stdio.h>

enum { COUNT = 8 };

/* How many steps until 1 is reached (Collatz)? */
HAY_TASK(steps)
{
    int64_t n = 0;
    int64_t count = 0;
    HAY_TRY(hay_arg_int64(task, 0, &n));
    if (n < 1) {
        return hay_task_fail(task, 2, "%lld is not positive", (long long)n);
    }
    for (; n != 1; count++) {
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    }
    return hay_return_int64(task, count);
}

/* Called for each task as it ends, whatever its end is. */
static hay_status show(hay_future *future, void *data)
{
    int64_t count = 0;
    (void)data;
    if (hay_result_int64(future, 0, &count) == HAY_OK) {
        printf("%s: %lld steps\n", hay_future_name(future), (long long)count);
    } else {
        printf("%s\n", hay_error_text());
    }
    return HAY_OK; /* anything else stops here */
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *futures[COUNT] = {NULL};
    hay_status st = HAY_OK;
    (void)argc, (void)argv;
    for (int i = 0; i < COUNT && st == HAY_OK; i++) {
        char name[32];
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        (void)snprintf(name, sizeof(name), "collatz-%d", 27 * i);
        options.name = name;
        st = hay_submit(
            ex, steps, HAY_ARGS(hay_int64(27 * i)), &options, &futures[i]);
    }
    if (st == HAY_OK) {
        st = hay_as_completed(futures, COUNT, HAY_FOREVER, show, NULL);
    }
    for (int i = 0; i < COUNT; i++) {
        hay_future_release(futures[i]);
    }
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
