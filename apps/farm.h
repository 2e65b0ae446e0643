/* farm.h - runs a workload on a farm: submits, shows progress and outputs,
 * obeys signals, and sums up.  What `run` and `replay` have in common.
 */
#ifndef APPS_FARM_H
#define APPS_FARM_H

#include "progress.h"
#include "show.h"
#include "submit.h"

enum exit_status {
    EXIT_DONE = 0,
    EXIT_TASKS = 1, /* some tasks failed or were cancelled */
    EXIT_USE = 2,   /* wrong use, bad input, infeasible */
    EXIT_FARM = 3,  /* the farm failed */
    EXIT_MORE = 75, /* to do: the walltime was over before */
    EXIT_INTERRUPTED = 130
};

struct farm_plan {
    struct workload *w;             /* in order; empty if 'stream' */
    bool stream;                    /* task lines come from standard input */
    const struct request *defaults; /* of a stream */
    enum submit_work work;
    double time_scale;
    enum show_mode show;
    enum progress_mode progress;
    unsigned columns;
    bool quiet;
    size_t pending_max;     /* tasks submitted and not ended, at most */
    uint64_t max_fails;     /* failed ones that stop the run; 0: none do */
    const char *run_folder; /* as shown; NULL: none */
    bool listen;            /* others may join: tell what there is to do */
    bool why;               /* nothing runs: tell what would, and why */
};

/* Returns the exit status.  Before the executor is shut down. */
int farm_run(hay_executor *ex, const struct farm_plan *plan);

#endif
