/* grow.h - how many worker jobs a run should have; pure.
 *
 * A run is told by what it writes (load.h), its jobs by the batch system.  The
 * rule: as long as the work that waits would take longer than 'backlog_s',
 * further jobs are submitted, as many as bring it down to that, but not more
 * than there are tasks for, nor than 'max' at once.  Jobs that still wait when
 * nothing has been there to do for some seconds are cancelled.
 */
#ifndef APPS_GROW_H
#define APPS_GROW_H

#include <stdbool.h>
#include <stdint.h>

#define GROW_DRY_S   5.0    /* so long nothing to do: jobs are not needed */
#define GROW_PAUSE_S 30.0   /* the first pause after a job for nothing */
#define GROW_LAST_S  3600.0 /* the longest */
#define GROW_FOREVER UINT64_MAX

/* What a run has written: see load.h. */
struct load {
    double time_s;    /* when; Unix seconds */
    uint64_t ready;   /* tasks that could start if there were room */
    uint64_t running; /* with those that were handed out ahead */
    uint64_t ended;   /* since its start */
    uint32_t cores;   /* of all workers */
    uint32_t workers; /* with its own */
    uint32_t own;     /* workers that were there when it began */
    uint64_t left_s;  /* until the end of its work; GROW_FOREVER */
    bool ending;      /* it starts nothing more */
};

/* What is remembered from one load to the next. */
struct grow_trend {
    bool begun;
    double from_s, half_s; /* the rate is taken from 'from' */
    uint64_t from_ended, half_ended;
    double busy_s; /* tasks have been waiting for room since; < 0: none do */
    double dry_s;  /* none have been since; < 0: some do */
    double now_s;
    uint64_t ended;
};

/* Take in a load; one of another start begins anew. */
void grow_note(struct grow_trend *trend, const struct load *load);
/* Tasks a second, of the last minute or so; 0: none has ended. */
double grow_rate(const struct grow_trend *trend);
/* Tasks that wait for room. */
uint64_t grow_backlog(const struct load *load);

struct grow_rules {
    uint32_t max;
    double backlog_s;
};

/* Worker jobs that have not ended. */
struct grow_jobs {
    uint32_t waiting, running;
};

struct grow_choice {
    uint32_t submit, cancel;
};

struct grow_choice grow_choose(const struct grow_rules *rules,
                               const struct load *load,
                               const struct grow_trend *trend,
                               const struct grow_jobs *jobs);

/* Pauses after what was of no use: a refusal, a job that ended early although
 * work was waiting.  Each is twice as long as the one before; what comes within
 * one does not count. */
struct grow_pause {
    double pause_s, until_s;
};

void grow_fruitless(struct grow_pause *pause, double now_s);
void grow_fruitful(struct grow_pause *pause);
bool grow_pauses(const struct grow_pause *pause, double now_s);

#endif
