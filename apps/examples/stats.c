/* stats.c - mean, variance, least, greatest and a histogram of a dataset of any
 * size in an HDF5 file: stats FILE.h5 /dataset [BINS]
 *
 * Two passes over the chunks, each one task a chunk and a tree of tasks that
 * put the parts together; so the results are the same bits on any number of
 * workers.  What is added up is numpy's var() and histogram(), which has no
 * bins either for values that are infinite or no numbers.
 */
#include <hayfork/hayfork.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BINS_MAX = 1000, PIECE = 1024 };

struct moments { /* m2: the sum of squares of differences from the mean */
    double count, mean, m2, least, greatest;
};
static const uint64_t moments_shape[1] = {sizeof(struct moments) / 8};

/* Chan, Golub, LeVeque: Updating formulae and a pairwise algorithm for
 * computing sample variances; Stanford STAN-CS-79-773, 1979. */
static void merge(struct moments *a, const struct moments *b)
{
    double count = a->count + b->count;
    double delta = b->mean - a->mean;
    a->mean += delta * b->count / count;
    a->m2 += b->m2 + delta * delta * a->count * b->count / count;
    a->least = b->least < a->least ? b->least : a->least;
    a->greatest = b->greatest > a->greatest ? b->greatest : a->greatest;
    a->count = count;
}

#define LOAD(tag, type)                                                        \
    case tag:                                                                  \
        for (size_t i = 0; i < n; i++) {                                       \
            to[i] = (double)((const type *)view->data)[first + i];             \
        }                                                                      \
        break

/* Elements first .. of an array of any type; how many (at most PIECE). */
static size_t load(const hay_array_view *view, size_t first, double *to)
{
    size_t left = view->size_bytes / hay_dtype_size(view->dtype) - first;
    size_t n = left < PIECE ? left : PIECE;
    switch (view->dtype) {
        LOAD(HAY_F64, double);
        LOAD(HAY_F32, float);
        LOAD(HAY_I64, int64_t);
        LOAD(HAY_I32, int32_t);
        LOAD(HAY_I16, int16_t);
        LOAD(HAY_I8, int8_t);
        LOAD(HAY_U64, uint64_t);
        LOAD(HAY_U32, uint32_t);
        LOAD(HAY_U16, uint16_t);
        LOAD(HAY_U8, uint8_t);
    }
    return n;
}

HAY_TASK(chunk_moments)
{
    hay_array_view view;
    double x[PIECE];
    struct moments all = {0};
    HAY_TRY(hay_arg_array(task, 0, &view));
    for (size_t at = 0, n; (n = load(&view, at, x)) > 0; at += n) {
        struct moments part = {(double)n, 0, 0, x[0], x[0]};
        for (size_t i = 0; i < n; i++) {
            part.mean += x[i] / (double)n;
            part.least = x[i] < part.least ? x[i] : part.least;
            part.greatest = x[i] > part.greatest ? x[i] : part.greatest;
        }
        for (size_t i = 0; i < n; i++) {
            part.m2 += (x[i] - part.mean) * (x[i] - part.mean);
        }
        if (at == 0) {
            all = part;
        } else {
            merge(&all, &part);
        }
    }
    return hay_return_array(task, HAY_F64, 1, moments_shape, &all);
}

HAY_TASK(merge_moments)
{
    struct moments all = {0};
    for (size_t i = 0; i < hay_arg_count(task); i++) {
        hay_array_view view;
        HAY_TRY(hay_arg_array(task, i, &view));
        if (i == 0) {
            memcpy(&all, view.data, sizeof(all));
        } else {
            merge(&all, view.data);
        }
    }
    return hay_return_array(task, HAY_F64, 1, moments_shape, &all);
}

/* Arguments: data, least, greatest, bins. */
HAY_TASK(chunk_histogram)
{
    hay_array_view view;
    double least, greatest, x[PIECE];
    int64_t counts[BINS_MAX] = {0}, bins;
    HAY_TRY(hay_arg_array(task, 0, &view));
    HAY_TRY(hay_arg_double(task, 1, &least));
    HAY_TRY(hay_arg_double(task, 2, &greatest));
    HAY_TRY(hay_arg_int64(task, 3, &bins));
    double width = (greatest - least) / (double)bins;
    for (size_t at = 0, n; (n = load(&view, at, x)) > 0; at += n) {
        for (size_t i = 0; i < n; i++) {
            int64_t bin = (int64_t)((x[i] - least) / width);
            bin = bin < bins ? bin : bins - 1; /* the greatest is in the last */
            if (x[i] < least + (double)bin * width) { /* as rounded */
                bin--;
            } else if (bin < bins - 1
                       && x[i] >= least + (double)(bin + 1) * width) {
                bin++;
            }
            counts[bin]++;
        }
    }
    return hay_return_array(
        task, HAY_I64, 1, (const uint64_t[]){(uint64_t)bins}, counts);
}

HAY_TASK(add_histograms)
{
    int64_t counts[BINS_MAX] = {0};
    hay_array_view view = {.ndim = 0};
    for (size_t i = 0; i < hay_arg_count(task); i++) {
        HAY_TRY(hay_arg_array(task, i, &view));
        for (size_t k = 0; k < view.shape[0]; k++) {
            counts[k] += ((const int64_t *)view.data)[k];
        }
    }
    return hay_return_array(task, HAY_I64, 1, view.shape, counts);
}

/* One reduction over all chunks; its result is copied to 'to'. */
static hay_status reduce(hay_executor *ex,
                         hay_dataset *data,
                         hay_task_fn each,
                         hay_task_fn combine,
                         hay_args args,
                         void *to,
                         size_t size)
{
    hay_array_map_options options = HAY_ARRAY_MAP_OPTIONS_INIT;
    hay_future **futures = NULL;
    hay_array_view view;
    size_t count = 0;
    options.args = args;
    HAY_TRY(hay_array_reduce(
        ex, data, each, combine, 0, &options, &futures, &count));
    hay_status st = hay_result_array(futures[0], HAY_FOREVER, &view);
    if (st == HAY_OK) {
        memcpy(to, view.data, size);
    }
    hay_future_release(futures[0]);
    free(futures);
    return st;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_dataset *data = NULL;
    struct moments m;
    int64_t counts[BINS_MAX];
    int64_t bins = argc > 3 ? atoll(argv[3]) : 10;
    if (argc < 3 || bins < 1 || bins > BINS_MAX) {
        (void)fprintf(stderr, "usage: stats FILE.h5 DATASET [BINS]\n");
        return HAY_EINVAL;
    }
    HAY_TRY(hay_array_open(ex, argv[1], argv[2], NULL, &data));
    hay_status st = reduce(
        ex, data, chunk_moments, merge_moments, HAY_NO_ARGS, &m, sizeof(m));
    if (st == HAY_OK) {
        printf("count %.0f\nmean %.17g\nvariance %.17g\nleast %.17g\n"
               "greatest %.17g\n",
               m.count,
               m.mean,
               m.m2 / m.count,
               m.least,
               m.greatest);
    }
    if (st == HAY_OK && isfinite(m.mean) && m.least < m.greatest) {
        hay_args range = HAY_ARGS(
            hay_double(m.least), hay_double(m.greatest), hay_int64(bins));
        st = reduce(ex,
                    data,
                    chunk_histogram,
                    add_histograms,
                    range,
                    counts,
                    (size_t)bins * sizeof(counts[0]));
        for (int64_t i = 0; st == HAY_OK && i < bins; i++) {
            printf("bin %lld %lld\n", (long long)i, (long long)counts[i]);
        }
    }
    hay_array_release(data);
    return st;
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
