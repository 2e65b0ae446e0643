/* heat.c - heat that spreads over a square plate, step by step:
 *     heat NAME [--size N] [--chunk N] [--steps N] [--every N] [--check]
 *
 * Each step is a new array in the nodes' memory, one task a chunk, which sees
 * its chunk of the step before with the rows and columns around it.  Every N
 * steps, and at the end, the plate goes to a file NAME.<step>.h5.  Run again
 * after an end in the middle, it goes on from the last file that is whole.
 * --check: the end is compared with a serial run, bit by bit.
 */
#include <hayfork/hayfork.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *name;
    uint64_t size, chunk, steps, every;
    bool check;
} job = {NULL, 512, 128, 100, 50, false};

/* At the start: a hot disc on a cold plate. */
static void light(const hay_region *region, double size, double *out)
{
    for (uint64_t r = 0; r < region->count[0]; r++) {
        for (uint64_t c = 0; c < region->count[1]; c++) {
            double y = (double)(region->start[0] + r) / size - 0.4;
            double x = (double)(region->start[1] + c) / size - 0.5;
            *out++ = x * x + y * y < 0.09 ? 100 : 0;
        }
    }
}

/* The explicit scheme of the five nearest, on the part 'to' of the plate; its
 * border stays as it is.  old: the part 'from' of the step before. */
static void diffuse(const hay_region *from,
                    const double *old,
                    const hay_region *to,
                    double *out)
{
    size_t pitch = (size_t)from->count[1];
    uint64_t last = from->start[0] + from->count[0] - 1;
    uint64_t right = from->start[1] + from->count[1] - 1;
    for (uint64_t r = to->start[0]; r < to->start[0] + to->count[0]; r++) {
        const double *at = old + (r - from->start[0]) * pitch;
        for (uint64_t c = to->start[1]; c < to->start[1] + to->count[1]; c++) {
            const double *u = at + (c - from->start[1]);
            *out++ = r == 0 || c == 0 || r == last || c == right
                         ? *u
                         : *u
                               + 0.2
                                     * (u[-(ptrdiff_t)pitch] + u[pitch]
                                        + (u[-1] + u[1]) - 4 * *u);
        }
    }
}

HAY_TASK(first)
{
    hay_block block;
    double size;
    void *out = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(hay_arg_double(task, 0, &size));
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, block.region.count, &out));
    light(&block.region, size, out);
    return HAY_OK;
}

HAY_TASK(step)
{
    hay_block block;
    hay_array_view old;
    void *out = NULL;
    HAY_TRY(hay_task_block(task, &block));
    HAY_TRY(hay_arg_array(task, 0, &old));
    HAY_TRY(hay_return_alloc_array(task, HAY_F64, 2, block.region.count, &out));
    diffuse(&block.inputs, old.data, &block.region, out);
    return HAY_OK;
}

/* A plate in memory, or in a file that is there or is made. */
static hay_status plate(hay_executor *ex, const char *path, hay_dataset **made)
{
    hay_array_options options = HAY_ARRAY_OPTIONS_INIT;
    const uint64_t shape[2] = {job.size, job.size};
    options.chunk[0] = options.chunk[1] = job.chunk;
    options.resume = path != NULL;
    return hay_array_create(
        ex, path, "heat", HAY_F64, 2, shape, &options, made);
}

static const char *frame_path(uint64_t number)
{
    static char path[1000];
    (void)snprintf(path,
                   sizeof(path),
                   "%s.%06llu.h5",
                   job.name,
                   (unsigned long long)number);
    return path;
}

/* The newest file that is whole; '*number' 0: there is none. */
static hay_status
last_frame(hay_executor *ex, uint64_t *number, hay_dataset **found)
{
    hay_array_info info = {.size = sizeof(info)};
    for (uint64_t n = job.steps; n > 0; n--) {
        if (access(frame_path(n), F_OK) != 0) {
            continue;
        }
        HAY_TRY(plate(ex, frame_path(n), found));
        HAY_TRY(hay_array_get_info(*found, &info));
        if (info.chunks_done == info.chunk_count) {
            *number = n;
            return HAY_OK;
        }
        hay_array_release(*found);
        *found = NULL;
    }
    *number = 0;
    return plate(ex, NULL, found);
}

/* Compute 'to' from 'from', without a function: copy it. */
static hay_status advance(hay_executor *ex,
                          hay_task_fn function,
                          hay_dataset *from,
                          hay_dataset *to)
{
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    options.inputs = &from;
    options.input_count = from != NULL ? 1 : 0;
    options.halo[0] = options.halo[1] = function != NULL ? 1 : 0;
    options.args = HAY_ARGS(hay_double((double)job.size));
    return hay_array_map(ex, function, &options, to, NULL);
}

/* All steps after 'now', which is step 'n'; two are under way at a time. */
static hay_status run(hay_executor *ex, uint64_t n, hay_dataset **now)
{
    hay_dataset *frame = NULL;
    while (n < job.steps) {
        hay_dataset *after = NULL;
        HAY_TRY(plate(ex, NULL, &after));
        HAY_TRY(advance(ex, step, *now, after));
        HAY_TRY(hay_array_wait(*now, HAY_FOREVER));
        hay_array_release(*now);
        *now = after;
        n++;
        if (n % job.every == 0 || n == job.steps) {
            HAY_TRY(plate(ex, frame_path(n), &frame));
            HAY_TRY(advance(ex, NULL, *now, frame));
            HAY_TRY(hay_array_wait(frame, HAY_FOREVER));
            hay_array_release(frame);
            printf("%s\n", frame_path(n));
            (void)fflush(stdout);
        }
    }
    return HAY_OK;
}

/* The same on the whole plate at once, in this thread. */
static hay_status compare(hay_dataset *last)
{
    const hay_region whole = {2, {0, 0}, {job.size, job.size}};
    size_t bytes = (size_t)(job.size * job.size) * sizeof(double);
    double *old = malloc(bytes), *new = malloc(bytes);
    if (old == NULL || new == NULL) {
        return HAY_ENOMEM;
    }
    light(&whole, (double)job.size, old);
    for (uint64_t k = 0; k < job.steps; k++) {
        diffuse(&whole, old, &whole, new);
        double *swap = old;
        old = new;
        new = swap;
    }
    hay_status st = hay_array_read(last, NULL, HAY_FOREVER, new, bytes);
    if (st == HAY_OK) {
        st = memcmp(old, new, bytes) == 0 ? HAY_OK : HAY_ETASK;
        printf("%s the serial run\n", st == HAY_OK ? "equal to" : "not");
    }
    free(old);
    free(new);
    return st;
}

static bool read_options(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {{"--size", &job.size},
                   {"--chunk", &job.chunk},
                   {"--steps", &job.steps},
                   {"--every", &job.every}};
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < 4 && strcmp(argv[i], numbers[k].name) != 0) {
            k++;
        }
        if (k < 4 && i + 1 < argc) {
            *numbers[k].value = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--check") == 0) {
            job.check = true;
        } else if (argv[i][0] != '-') {
            job.name = argv[i];
        } else {
            return false;
        }
    }
    return job.name != NULL && job.size > 0 && job.chunk > 0 && job.steps > 0
           && job.every > 0;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_dataset *now = NULL;
    uint64_t n = 0; /* its step */
    if (!read_options(argc, argv)) {
        (void)fprintf(stderr,
                      "usage: heat NAME [--size N] [--chunk N] [--steps N] "
                      "[--every N] [--check]\n");
        return HAY_EINVAL;
    }
    hay_status st = last_frame(ex, &n, &now);
    if (st == HAY_OK && n == 0) {
        st = advance(ex, first, NULL, now);
    } else if (st == HAY_OK) {
        printf("%s is there\n", frame_path(n));
    }
    if (st == HAY_OK) {
        st = run(ex, n, &now);
    }
    if (st == HAY_OK && job.check) {
        st = compare(now);
    }
    hay_array_release(now);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
