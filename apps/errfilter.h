/* errfilter.h - what mpirun and the ranks write to standard error, on its way
 * to ours: harmless lines are left out, and what rank 0's guard tells the
 * launcher (see guard.c) is taken out.
 */
#ifndef APPS_ERRFILTER_H
#define APPS_ERRFILTER_H

#include "arena.h"

#include <stdbool.h>

/* A line that is the guard's begins so; then "up", "exit N" or "signal N". */
#define ERRFILTER_MARK "\x1ehayfork-rank0 "

struct errfilter {
    struct text line; /* not written yet */
    bool passing;     /* the line's beginning has been written */
    bool up;          /* rank 0 was started */
    bool ended;       /* and has ended: */
    bool by_signal;
    int code; /* exit status, or signal */
};

void errfilter_init(struct errfilter *f);
void errfilter_fini(struct errfilter *f);
/* Appends to 'out' what is to be written. */
void errfilter_feed(struct errfilter *f,
                    const char *data,
                    size_t size,
                    struct text *out);
/* A while has passed: what may be half a line is written, too. */
void errfilter_flush(struct errfilter *f, struct text *out);
/* "exit N" or "signal N"; false if it is neither. */
bool errfilter_status(struct errfilter *f, const char *text);

#endif
