// cplusplus.cpp - the public interface from C++17, see t_cplusplus.sh.  Prints
// "625 4950 3": a chain of tasks, a map's sum, a list of futures.
#include <hayfork/hayfork.h>

#include <cstdio>
#include <vector>

HAY_TASK(square)
{
    double x;
    HAY_TRY(hay_arg_double(task, 0, &x));
    return hay_return_double(task, x * x);
}
HAY_TASK_VERSION(square, 2)

HAY_TASK(length)
{
    size_t count = 0;
    HAY_TRY(hay_arg_list(task, 0, &count));
    return hay_return_int64(task, static_cast<int64_t>(count));
}

HAY_MAP_TASK(twice, double, double)
{
    *out = 2 * *in;
    return HAY_OK;
}

static hay_status start()
{
    return HAY_OK;
}
HAY_WORKER_INIT(start)

static hay_status chain(hay_executor *ex, double *y)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *a = nullptr;
    hay_future *b = nullptr;
    options.name = "a";
    hay_status st =
        hay_submit(ex, square, HAY_ARGS(hay_double(5)), &options, &a);
    if (st == HAY_OK) {
        st = hay_submit(ex, square, HAY_ARGS(hay_ref(a)), nullptr, &b);
    }
    if (st == HAY_OK) {
        st = hay_result_double(b, HAY_FOREVER, y);
    }
    hay_future_release(a);
    hay_future_release(b);
    return st;
}

static hay_status sum(hay_executor *ex, double *y)
{
    std::vector<double> in(100);
    std::vector<double> out(100);
    hay_map_options options = HAY_MAP_OPTIONS_INIT;
    hay_future *map = nullptr;
    for (size_t i = 0; i < in.size(); i++) {
        in[i] = static_cast<double>(i) / 2;
    }
    options.name = "twice";
    hay_status st = hay_map(
        ex, twice, &options, in.data(), in.size(), out.data(), &map);
    if (st == HAY_OK) {
        st = hay_future_wait(map, HAY_FOREVER);
        hay_future_release(map);
    }
    *y = 0;
    for (double x : out) {
        *y += x;
    }
    return st;
}

static hay_status list(hay_executor *ex, int64_t *n)
{
    std::vector<hay_future *> futures(3);
    hay_future *all = nullptr;
    hay_status st = HAY_OK;
    for (hay_future *&f : futures) {
        if (st == HAY_OK) {
            st = hay_submit(ex, square, HAY_ARGS(hay_double(1)), nullptr, &f);
        }
    }
    if (st == HAY_OK) {
        st = hay_submit(ex, length,
                        HAY_ARGS(hay_refs(futures.data(), futures.size())),
                        nullptr, &all);
    }
    if (st == HAY_OK) {
        st = hay_result_int64(all, HAY_FOREVER, n);
    }
    for (hay_future *f : futures) {
        hay_future_release(f);
    }
    hay_future_release(all);
    return st;
}

static hay_status farm(hay_executor *ex, int, char **)
{
    double y = 0;
    double total = 0;
    int64_t n = 0;
    hay_command command = HAY_COMMAND_INIT;
    command.line = "true";
    HAY_TRY(hay_submit_command(ex, &command, nullptr, nullptr));
    HAY_TRY(hay_submit(ex, square, HAY_NO_ARGS, nullptr, nullptr));
    HAY_TRY(chain(ex, &y));
    HAY_TRY(sum(ex, &total));
    HAY_TRY(list(ex, &n));
    std::printf("%g %g %d\n", y, total, static_cast<int>(n));
    return HAY_OK;
}

int main(int argc, char **argv)
{
    hay_options options = HAY_OPTIONS_INIT;
    options.slots = 2;
    return hay_main_with(argc, argv, &options, farm);
}
