/* run_folder.h - the plain face of a run on disk: tasks.tsv, output.tsv and
 * files.tsv.
 *
 * tasks.tsv has a line for each attempt in the order of their ends (attempt 0:
 * never started), times in seconds since the run's start, and what it had from
 * then to then: cpus, gpus, bytes of memory, named amounts.  output.tsv tells
 * where the captured output of each attempt lies.  files.tsv, which is there
 * if a command that has finished named files, tells what it read and wrote.
 *
 * Owns: these files.
 * Never: reads them; decides anything.
 * Threads: the manager's.
 */
#ifndef HAYI_OBSERVE_RUN_FOLDER_H
#define HAYI_OBSERVE_RUN_FOLDER_H

#include "base/error.h"

struct hayi_run_folder;

/* Makes the folder if it is not there (its parents must be), and the files,
 * which must not be there.  HAY_EIO, HAY_EINVAL with words. */
hay_status hayi_run_folder_open(const char *path,
                                struct hayi_run_folder **folder,
                                struct hayi_error *err);

/* The same where an earlier run's files are: what is written goes to new ones,
 * which take the places of the old ones when they are published. */
hay_status hayi_run_folder_open_again(const char *path,
                                      struct hayi_run_folder **folder,
                                      struct hayi_error *err);
/* HAY_EIO with words. */
hay_status hayi_run_folder_publish(struct hayi_run_folder *folder,
                                   struct hayi_error *err);

struct hayi_attempt_line {
    hay_task_id task;
    const char *name;
    uint32_t attempt;
    const char *state; /* finished, failed, cancelled, lost */
    uint32_t worker;
    uint32_t slot;
    uint32_t cores;
    uint64_t start_ns, end_ns; /* since the run's start */
    int exit_code;
    int signal;
    const char *reason;
    const char *cause;          /* one of few words; "" */
    uint64_t memory_peak_bytes; /* 0: not measured */
    const char *had; /* "CPUS<tab>GPUS<tab>MEM<tab>RESOURCES"; NULL: nothing */
    const char *path[2]; /* of its output, relative; NULL: none */
    uint64_t offset[2], length[2];
};
void hayi_run_folder_attempt(struct hayi_run_folder *folder,
                             const struct hayi_attempt_line *line);
/* A file that a finished command read or wrote. */
struct hayi_file_line {
    hay_task_id task;
    const char *name; /* of the task */
    bool out;
    const char *path; /* as the command was told */
    uint64_t bytes;   /* UINT64_MAX: not known */
};
void hayi_run_folder_file(struct hayi_run_folder *folder,
                          const struct hayi_file_line *line);
/* Hands what is buffered to the operating system.  HAY_EIO: a write failed
 * since the last call (a full disk); told once. */
hay_status hayi_run_folder_flush(struct hayi_run_folder *folder,
                                 struct hayi_error *err);
void hayi_run_folder_close(struct hayi_run_folder *folder);

#endif
