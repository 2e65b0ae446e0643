/* bench_support.c - see bench_support.h. */
#include "config.h"

#include "bench_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *list, size_t count)
{
    qsort(list, count, sizeof *list, compare);
    return count % 2 == 1 ? list[count / 2]
                          : (list[count / 2 - 1] + list[count / 2]) / 2;
}

double bench_part(const double *list, size_t count, double part)
{
    size_t index = (size_t)((double)count * part);
    return list[index < count ? index : count - 1];
}

bool bench_has(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return true;
        }
    }
    return false;
}

double bench_number(int argc, char **argv, const char *name, double otherwise)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return strtod(argv[i + 1], NULL);
        }
    }
    return otherwise;
}

void bench_title(bool tsv, const char *title)
{
    if (!tsv) {
        printf("%s\n", title);
    }
}

void bench_line(bool tsv, const char *work, double value, const char *unit)
{
    if (tsv) {
        printf("%s\t%.10g\t%s\n", work, value, unit);
    } else {
        printf("  %-36s %14.1f %s\n", work, value, unit);
    }
}
