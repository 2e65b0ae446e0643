/* bench_data.h - what the parts of bench_data share.
 *
 * A row is a rate of ours and the rate of the raw operation that limits it,
 * taken by turns in one run: the medians of both, and their ratio, which is
 * what counts.
 */
#ifndef HAYFORK_BENCH_DATA_H
#define HAYFORK_BENCH_DATA_H

#include <hayfork/hayfork.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DATA_ROUNDS_MAX = 99,
    DATA_PIECE = 8 << 20, /* bytes of an object, a chunk */
};

struct data_options {
    bool tsv;
    int rounds;
    double scale;       /* of the sizes; 1: those of the goals */
    const char *folder; /* on a disk */
    const char *only;   /* rows whose names begin so */
    uint64_t limit;     /* of a node's memory, for the farm that has one */
};
extern struct data_options data_options;

/* A measurement: the amount divided by the time that it took; 0 or less: it
 * cannot be made here. */
typedef double (*data_fn)(void *context);

/* Is the row asked for? */
bool data_wanted(const char *name);
/* Measure both by turns and print them with their ratio.  better: "GB/s" and
 * the like, where more is better.  goal: of the ratio; 0: none.  raw: NULL:
 * there is none, the goal is of our own value. */
void data_row(const char *name,
              const char *unit,
              data_fn ours,
              data_fn raw,
              void *context,
              double goal);
/* A value that is there already; goal as printed: words. */
void data_value(const char *name,
                double value,
                const char *unit,
                const char *goal);

/* Whole pieces in about 'bytes' times the scale, at least 'least'. */
size_t data_pieces(double bytes, size_t least);
/* Pages that exist, page-aligned, filled with numbers that gzip can pack a
 * little. */
void *data_memory(size_t size);
/* Ends the program. */
void data_die(const char *what, const char *words) __attribute__((noreturn));
/* "FOLDER/bench-data.PID.NAME". */
const char *
data_path(char *text, size_t size, const char *folder, const char *name);

/* An O_DIRECT file in 'folder' written and read in pieces: GB/s; 0: no such
 * file system. */
double data_direct_write(const char *folder, size_t pieces);
double data_direct_read(const char *folder, size_t pieces);

void data_store_rows(void);
void data_file_rows(void);
/* The farm's rows, on the executor's rank.  limit: of the node's memory, for
 * the row that is about it; 0: the other rows. */
hay_status data_farm_rows(hay_executor *ex, uint64_t limit);

#endif
