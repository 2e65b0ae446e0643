/* farm_resume.c - a program whose run is gone on with: farm_resume FILE.h5
 *
 * Named tasks with values of several kinds, several of one name, one too large
 * for a journal, one that comes after all, and a map over an array in a file.
 * Prints what came of it; to standard error why each task ran.  Each function
 * that runs adds its name to the file "ran", and waits while there is a file
 * "hold".  In the environment: KILL_AT=N: the process kills itself when the
 * N-th function of this start begins; SQUARE=N: the version of one function;
 * SHIFT=N: added to an argument. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SQUARES = 6, LABELS = 4, LARGE = 40000, ROWS = 32, CHUNK = 4 };

static long number_of(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL ? strtol(value, NULL, 10) : 0;
}

/* What runs is written down before it has done anything. */
static void begin(hay_task *task)
{
    static atomic_long begun;
    char line[200];
    int n = snprintf(line, sizeof(line), "%s\n", hay_task_name(task));
    int fd = open("ran", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)n) != n) {
        abort();
    }
    (void)close(fd);
    while (access("hold", F_OK) == 0) {
        (void)usleep(1000);
    }
    if (atomic_fetch_add(&begun, 1) + 1 == number_of("KILL_AT")) {
        (void)kill(getpid(), SIGKILL);
    }
}

HAY_TASK(square)
{
    double x = 0;
    begin(task);
    HAY_TRY(hay_arg_double(task, 0, &x));
    return hay_return_double(task, x * x);
}

HAY_TASK(sum)
{
    size_t count = 0;
    double all = 0;
    begin(task);
    HAY_TRY(hay_arg_list(task, 0, &count));
    for (size_t i = 0; i < count; i++) {
        double x = 0;
        HAY_TRY(hay_arg_list_double(task, 0, i, &x));
        all += x;
    }
    return hay_return_double(task, all);
}

HAY_TASK(greet)
{
    const char *name = NULL;
    char text[100];
    begin(task);
    HAY_TRY(hay_arg_string(task, 0, &name));
    (void)snprintf(text, sizeof(text), "hello %s", name);
    return hay_return_string(task, text);
}

HAY_TASK(large)
{
    void *data = NULL;
    begin(task);
    HAY_TRY(hay_return_alloc(task, LARGE, &data));
    memset(data, 7, LARGE);
    return HAY_OK;
}

HAY_TASK(measure)
{
    const void *data = NULL;
    size_t size = 0;
    begin(task);
    HAY_TRY(hay_arg_bytes(task, 0, &data, &size));
    return hay_return_int64(task, (int64_t)size + *(const char *)data);
}

HAY_TASK(rows)
{
    hay_block block;
    void *data = NULL;
    begin(task);
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(
        hay_return_alloc_array(task, HAY_I64, 1, block.region.count, &data));
    for (uint64_t i = 0; i < block.region.count[0]; i++) {
        ((int64_t *)data)[i] = (int64_t)(3 * (block.region.start[0] + i));
    }
    return HAY_OK;
}

static hay_status
fill_array(hay_executor *ex, const char *path, hay_dataset **dataset)
{
    const uint64_t shape[1] = {ROWS};
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    hay_array_map_options map = HAY_ARRAY_MAP_OPTIONS_INIT;
    options.chunk[0] = CHUNK;
    options.resume = true;
    map.name = "rows";
    HAY_TRY(
        hay_array_create(ex, path, "/a", HAY_I64, 1, shape, &options, dataset));
    HAY_TRY(hay_array_map(ex, rows, &map, *dataset, NULL));
    return hay_array_wait(*dataset, HAY_FOREVER);
}

static hay_status named(hay_executor *ex,
                        hay_task_fn function,
                        const char *name,
                        hay_arg argument,
                        hay_future **future)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.name = name;
    return hay_submit(ex, function, HAY_ARGS(argument), &options, future);
}

static void tell(hay_future *future)
{
    (void)fprintf(stderr,
                  "%s: %s\n",
                  hay_future_name(future),
                  hay_why_name(hay_future_why(future)));
    hay_future_release(future);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_future *squares[SQUARES], *labels[LABELS], *all, *hello, *much, *size;
    hay_future *file = NULL;
    const char *const names[2] = {"hello", "much"};
    hay_dataset *dataset = NULL;
    const char *text = NULL;
    double total = 0;
    int64_t bytes = 0;
    char name[40];
    if (argc < 2) {
        (void)fprintf(stderr, "usage: farm_resume FILE.h5\n");
        return HAY_EINVAL;
    }
    for (int i = 0; i < SQUARES; i++) {
        (void)snprintf(name, sizeof(name), "square[%d]", i);
        HAY_TRY(named(ex,
                      square,
                      name,
                      hay_double(i + (i == 0 ? (double)number_of("SHIFT") : 0)),
                      &squares[i]));
    }
    for (int i = 0; i < LABELS; i++) {
        HAY_TRY(named(ex, square, "label", hay_double(10 + i), &labels[i]));
    }
    HAY_TRY(named(ex, sum, "sum", hay_refs(squares, SQUARES), &all));
    HAY_TRY(named(ex, greet, "greet", hay_string("world"), &hello));
    HAY_TRY(named(ex, large, "large", hay_int64(1), &much));
    HAY_TRY(named(ex, measure, "measure", hay_ref(much), &size));
    HAY_TRY(hay_persist(
        ex, (hay_future *const[]){hello, much}, names, 2, "p.h5", &file));
    HAY_TRY(fill_array(ex, argv[1], &dataset));
    HAY_TRY(hay_result_double(all, HAY_FOREVER, &total));
    HAY_TRY(hay_result_string(hello, HAY_FOREVER, &text));
    HAY_TRY(hay_result_int64(size, HAY_FOREVER, &bytes));
    HAY_TRY(hay_future_wait(file, HAY_FOREVER));
    for (int i = 0; i < LABELS; i++) {
        double one = 0;
        HAY_TRY(hay_result_double(labels[i], HAY_FOREVER, &one));
        printf("%g ", one);
        tell(labels[i]);
    }
    printf("%g %s %" PRId64 "\n", total, text, bytes);
    hay_array_release(dataset);
    for (int i = 0; i < SQUARES; i++) {
        tell(squares[i]);
    }
    tell(all);
    tell(hello);
    tell(much);
    tell(size);
    tell(file);
    return HAY_OK;
}

int main(int argc, char **argv)
{
    if (getenv("SQUARE") != NULL) {
        hay_register_version("square", (uint32_t)number_of("SQUARE"));
    }
    return hay_main(argc, argv, farm);
}
