/* report.h - counts of how tasks ended, and the summary at the end of a run. */
#ifndef APPS_REPORT_H
#define APPS_REPORT_H

#include "workload.h"

#define REPORT_FAILURES 10

struct report_failure {
    char name[128];
    char reason[400];
    uint32_t line;
    hay_task_id task, culprit; /* culprit: why it has not run; or 0 */
    bool printed;              /* it has output to be looked at */
    bool farm;                 /* the farm failed it */
};

struct report {
    uint64_t ended, finished, failed, by_input, cancelled;
    uint64_t walltime; /* of the cancelled: it left no time for them */
    uint64_t saved;    /* of these: they have saved their state */
    uint64_t retried;  /* attempts beyond the first */
    double core_s;     /* time in tasks, times their cores */
    struct report_failure failures[REPORT_FAILURES];
    size_t failure_count;
};

/* Take down how a task ended. */
void report_task(struct report *report,
                 const struct block *block,
                 const hay_future *future);

struct report_facts {
    const char *file;
    const char *run_folder; /* NULL: none */
    uint64_t wall_ns;
    uint32_t workers, cores;
    double gone_core_s;  /* that lost workers offered besides */
    uint64_t never;      /* tasks that were not submitted */
    uint64_t left;       /* tasks that the walltime leaves to another job */
    uint64_t before;     /* that were done before the run */
    uint64_t unfinished; /* that were, and did not end: the farm broke down */
    bool growing;        /* their number is not known */
    bool quiet;          /* failures only */
    bool broken;         /* the farm is, and has said so */
};

/* Print the summary to standard error. */
void report_print(const struct report *report,
                  const struct report_facts *facts);

#endif
