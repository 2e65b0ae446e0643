/* progress.h - how far a run is, on standard error: a line that is drawn over
 * itself on a terminal, else a plain line now and then.
 */
#ifndef APPS_PROGRESS_H
#define APPS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum progress_mode {
    PROGRESS_AUTO = 0, /* LINE on a terminal, else PLAIN */
    PROGRESS_NONE = 1,
    PROGRESS_LINE = 2,
    PROGRESS_PLAIN = 3
};

struct progress {
    enum progress_mode mode;
    unsigned columns;
    uint64_t start_ns;
    uint64_t next_ns; /* when to tell again */
    uint64_t rate_ns; /* when rate_done was taken */
    uint64_t rate_done;
    double rate;                   /* tasks a second, of the last seconds */
    double past_done, past_core_s; /* of half of the run, for the estimate */
    bool drawn;                    /* something stands on the line */
};

struct progress_counts {
    uint64_t done, total, running, failed, cancelled;
    uint64_t before; /* of 'done': by an earlier run */
    uint32_t cores;  /* that there are now */
    bool growing;    /* more than 'total' may come */
    bool ending;     /* nothing more is started */
};

/* columns: of the terminal, 0: ask it. */
void progress_init(struct progress *p,
                   enum progress_mode mode,
                   unsigned columns,
                   uint64_t now_ns);
/* When progress_tell() has something to do next. */
uint64_t progress_next_ns(const struct progress *p);
/* Tells if it is time to. */
void progress_tell(struct progress *p,
                   const struct progress_counts *counts,
                   uint64_t now_ns);
/* Seconds until all is done, if the rest costs as many core-seconds as what was
 * done, on the cores that there are now; 0: not known. */
double progress_left_s(const struct progress *p,
                       const struct progress_counts *counts);
/* Wipe the line, before something else is written. */
void progress_clear(struct progress *p);

/* "auto", "none", "line", "plain"; the launcher also says "line:COLUMNS". */
bool progress_parse(const char *text,
                    enum progress_mode *mode,
                    unsigned *columns);
/* What this process's standard error is: 0 if no terminal, else its width. */
unsigned progress_terminal(void);

#endif
