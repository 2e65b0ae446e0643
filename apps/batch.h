/* batch.h - what is to be known of batch systems: how a job is submitted, asked
 * for and cancelled.  What jobs do is told by the scripts in batch/.
 */
#ifndef APPS_BATCH_H
#define APPS_BATCH_H

#include "hosts.h"

#define BATCH_ID_MAX 64

/* What is asked for; 0 and NULL: nothing. */
struct batch_job {
    const char *name;
    const char *script;  /* whole path of batch/SYSTEM */
    const char *folder;  /* whole path of the run folder */
    const char *program; /* hayfork, whole path */
    uint32_t nodes;
    uint32_t cpus; /* of a node */
    uint32_t gpus; /* of a node */
    uint64_t time_s;
    bool worker;       /* of a run: it does not go back into the queue */
    const char *queue; /* partition */
    const char *account;
    const char *pe;               /* Grid Engine's parallel environment */
    const char *const *arguments; /* of the script; NULL-terminated */
    const char *const *extra;     /* for sbatch, qsub; NULL-terminated */
};

/* A job that was submitted for a run: a line of RUN FOLDER/job. */
struct batch_record {
    enum batch_system system;
    char id[BATCH_ID_MAX];
    char host[256]; /* where it was submitted */
    int64_t time;   /* Unix seconds */
};

enum batch_state {
    BATCH_UNKNOWN = 0, /* the system does not answer */
    BATCH_GONE = 1,    /* it has ended, or there is no such job */
    BATCH_WAITING = 2,
    BATCH_RUNNING = 3
};

const char *batch_name(enum batch_system system);

/* The system to submit to: wanted by name, or (NULL) the one that is there.
 * HAY_EINVAL: none, or no such name. */
hay_status
batch_find(const char *wanted, enum batch_system *system, struct fault *fault);

/* The command line that submits the job, NULL-terminated, in the arena.
 * HAY_EINVAL: it asks for what the system does not have. */
hay_status batch_command(enum batch_system system,
                         const struct batch_job *job,
                         struct arena *arena,
                         const char ***argv,
                         struct fault *fault);
/* Run it.  id: the job's.  HAY_EFARM: it was refused; the words are the
 * system's. */
hay_status batch_submit(enum batch_system system,
                        const char *const *argv,
                        char id[BATCH_ID_MAX],
                        struct fault *fault);

/* words: what the system says of it, such as "PENDING (Resources)". */
enum batch_state batch_look(const struct batch_record *record,
                            struct text *words);
/* HAY_EFARM: refused, with the system's words. */
hay_status batch_cancel(const struct batch_record *record, struct fault *fault);

/* The same of many, by one question to each system. */
void batch_look_all(const struct batch_record *records,
                    size_t count,
                    enum batch_state *states);

/* RUN FOLDER/job (name: RUNFOLDER_JOB): append a line; the last line.  HAY_EIO,
 * HAY_EEMPTY (no job was submitted for that run).  RUNFOLDER_WORKERS: the jobs
 * of its workers. */
hay_status batch_write(const char *folder,
                       const char *name,
                       enum batch_system system,
                       const char *id,
                       struct fault *fault);
hay_status batch_read(const char *folder,
                      struct batch_record *record,
                      struct fault *fault);
/* All lines of one of both; list: malloc'ed.  No file is no line. */
hay_status batch_read_all(const char *folder,
                          const char *name,
                          struct batch_record **list,
                          size_t *count,
                          struct fault *fault);

#endif
