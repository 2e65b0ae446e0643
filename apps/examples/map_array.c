/* map_array.c - one function over a plain array: the whole of it, then item by
 * item while it runs, then over indices with failures.
 */
#include <hayfork/hayfork.h>
#include <math.h>
#include <stdio.h>

enum { COUNT = 100000 };
static double from[COUNT];
static double to[COUNT];

/* The body sees one item: 'in' and 'out' are pointers to it. */
HAY_MAP_TASK(smooth, double, double)
{
    *out = sqrt(*in) * sqrt(*in);
    return HAY_OK;
}

HAY_MAP_TASK(half, uint64_t, double)
{
    if (*in % 1000 == 999) {
        return hay_task_fail(task, 1, "%llu is odd", (unsigned long long)*in);
    }
    *out = (double)*in / 2;
    return HAY_OK;
}

static hay_status whole(hay_executor *ex)
{
    hay_future *map = NULL;
    double sum = 0;
    HAY_TRY(hay_map(ex, smooth, NULL, from, COUNT, to, &map));
    hay_status st = hay_future_wait(map, HAY_FOREVER);
    hay_future_release(map);
    for (int i = 0; i < COUNT; i++) {
        sum += to[i];
    }
    printf("sum %.0f\n", sum);
    return st;
}

/* In order, with at most 1000 items done and not yet looked at. */
static hay_status one_by_one(hay_executor *ex)
{
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = NULL;
    hay_map_iter *it = NULL;
    uint64_t index = 0;
    double sum = 0;
    options.unread_max = 1000;
    HAY_TRY(hay_map(ex, smooth, &options, from, COUNT, to, &map));
    hay_status st = hay_map_iter_new(map, true, &it);
    while (st == HAY_OK && sum < 1e6) {
        st = hay_map_iter_next(it, HAY_FOREVER, &index);
        sum += st == HAY_OK ? to[index] : 0;
    }
    printf("the sum passes a million at item %llu\n",
           (unsigned long long)index);
    hay_map_iter_free(it); /* before its end: the rest is cancelled */
    (void)hay_future_wait(map,
                          HAY_FOREVER); /* then the arrays are ours again */
    hay_future_release(map);
    return st;
}

static hay_status failures(hay_executor *ex)
{
    hay_future *map = NULL;
    const hay_map_failure *list = NULL;
    size_t count = 0;
    HAY_TRY(hay_map(ex, half, NULL, NULL, 5000, to, &map));
    hay_status st = hay_future_wait(map, HAY_FOREVER);
    if (st == HAY_OK) {
        st = hay_map_failures(map, &list, &count);
    }
    for (size_t i = 0; i < count; i++) {
        printf("item %llu failed: %s\n",
               (unsigned long long)list[i].index,
               list[i].text);
    }
    hay_future_release(map);
    return st;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < COUNT; i++) {
        from[i] = i;
    }
    HAY_TRY(whole(ex));
    HAY_TRY(one_by_one(ex));
    return failures(ex);
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
