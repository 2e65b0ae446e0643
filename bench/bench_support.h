/* bench_support.h - what the small benches share: a clock, the median, a table
 * or lines "work<TAB>value<TAB>unit".
 */
#ifndef HAYFORK_BENCH_SUPPORT_H
#define HAYFORK_BENCH_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

/* Seconds of a monotonic clock. */
double bench_now_s(void);
/* Of list[count], which is sorted by it; count > 0. */
double bench_median(double *list, size_t count);
/* The value below which 'part' (0 to 1) of the sorted list[count] lies. */
double bench_part(const double *list, size_t count, double part);

/* Is the option 'name' in argv? */
bool bench_has(int argc, char **argv, const char *name);
/* The number after 'name', or 'otherwise'. */
double bench_number(int argc, char **argv, const char *name, double otherwise);

/* A title (not with tsv), then lines. */
void bench_title(bool tsv, const char *title);
void bench_line(bool tsv, const char *work, double value, const char *unit);

#endif
