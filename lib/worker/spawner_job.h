/* spawner_job.h - one command as the spawner holds it, and the queue of a slot.
 *
 * Owns: a copy of the request.
 * Never: starts anything.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_JOB_H
#define HAYI_WORKER_SPAWNER_JOB_H

#include "worker/spawner_memory.h"
#include "worker/spawner_wire.h"

struct hayi_job {
    struct hayi_job *next;
    /* the request; pointers into this memory */
    uint64_t id;
    uint64_t time_limit_ns;
    uint64_t grace_ns;
    uint64_t memory_limit_bytes;
    uint64_t output_limit_bytes;
    uint64_t warn_ns;
    uint32_t slot;
    const char *line;
    char **argv;
    const char *cwd;
    const char *stdin_path;
    const char *name;
    char **env;
    uint32_t env_count;
    const int32_t *cpus;
    uint32_t cpu_count;
    /* while it runs */
    pid_t pid;
    uint64_t start_ns;
    uint64_t term_at_ns;   /* its time limit; UINT64_MAX */
    uint64_t warn_at_ns;   /* of the end of work; UINT64_MAX */
    uint64_t kill_at_ns;   /* end of the grace time; UINT64_MAX */
    bool told;             /* that it started */
    bool ending;           /* it was told to end */
    uint64_t output_at_ns; /* look at the size of its output; UINT64_MAX */
    struct hayi_memory_watch memory;
    bool killed; /* by us */
    bool warned;
    bool timed_out;
    bool over_memory;
    bool over_output;
    bool cancelled;
    bool unpinned;
    bool stained;            /* others may hold its output files */
    struct hayi_pids forced; /* seen below it when it was told to end */
};

/* From the bytes of a START record; NULL: damaged, or out of memory.  Given:
 * hayi_job_free(). */
struct hayi_job *hayi_job_new(const struct hayi_spawn_start_record *record);
void hayi_job_free(struct hayi_job *job);

struct hayi_job_queue {
    struct hayi_job *first;
    struct hayi_job **end;
};

void hayi_job_queue_init(struct hayi_job_queue *queue);
void hayi_job_queue_push(struct hayi_job_queue *queue, struct hayi_job *job);
/* The oldest one; NULL. */
struct hayi_job *hayi_job_queue_pop(struct hayi_job_queue *queue);
/* Take out the one with this id; NULL if it is not there. */
struct hayi_job *hayi_job_queue_take(struct hayi_job_queue *queue, uint64_t id);

/* The strings of a record, one after the other. */
struct hayi_strings {
    char *next;
    char *end;
};
/* NULL: there is none (any more). */
char *hayi_strings_next(struct hayi_strings *strings);

#endif
