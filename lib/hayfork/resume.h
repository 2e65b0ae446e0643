/* hayfork/resume.h - runs that go on where a run folder's journal ends;
 * included by hayfork.h.
 */
#ifndef HAYFORK_RESUME_H
#define HAYFORK_RESUME_H

#ifndef HAYFORK_HAYFORK_H
#error "include <hayfork/hayfork.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Why a task runs in a run with a journal (hay_options.run_folder). */
typedef enum hay_why {
    HAY_WHY_NONE = 0,      /* no journal, or nothing that resume looks at */
    HAY_WHY_RECORDED = 1,  /* it does not: it ended as the journal says */
    HAY_WHY_NEW = 2,       /* the journal does not have it */
    HAY_WHY_COMMAND = 3,   /* another command, function or version */
    HAY_WHY_ARGUMENTS = 4, /* other arguments; of a command: folder,
                              environment, standard input, files */
    HAY_WHY_INPUTS = 5,    /* it comes after what runs again, or after others */
    HAY_WHY_FILES = 6,     /* a file that it reads has changed */
    HAY_WHY_OUTPUT = 7,    /* a file that it wrote is gone */
    HAY_WHY_RESULT = 8,    /* its result is not in the journal */
    HAY_WHY_FAILED = 9,    /* it failed */
    HAY_WHY_UNFINISHED = 10 /* it had not finished */
} hay_why;
/* "new", "command changed" and so on; "" for HAY_WHY_NONE. */
const char *hay_why_name(hay_why why);
hay_why hay_future_why(const hay_future *future);

/* Of a dry run: the tasks that the journal has, named ones and commands, and
 * that have not been submitted again.  name: "" if it has none.  HAY_EINVAL. */
hay_status hay_executor_each_left(hay_executor *ex,
                                  void (*each)(hay_task_id id,
                                               const char *name,
                                               void *data),
                                  void *data);

/* What a run folder says of its run, whoever runs on it. */
typedef struct hay_run_info {
    size_t size;      /* sizeof(hay_run_info), set by the caller */
    bool recorded;    /* there is a journal; false: nothing else but 'running',
                         'host', 'pid' and 'since_s' is told */
    bool running;     /* a program runs on it */
    bool ended;       /* the last start has ended in order, and had nothing
                         left to do */
    uint32_t starts;  /* so often a program has begun on it */
    uint64_t failed;  /* tasks that failed in the last start, if that ended */
    const char *host; /* of the program that runs on it, else of the last; ""
                       */
    int32_t pid;
    int64_t since_s;         /* Unix time at which that began */
    const char *job;         /* of the batch system: "slurm 4711"; "" */
    const char *cwd;         /* where the last one was started */
    const char *const *argv; /* its command line, NULL-terminated */
    size_t argc;
    void *memory; /* of all these texts */
} hay_run_info;

/* Reads the folder's journal.  info: filled, hay_run_info_fini().  HAY_OK also
 * where there is none, or no folder; HAY_EMISMATCH (a newer version's, or no
 * journal), HAY_EIO, HAY_ENOMEM with words. */
hay_status hay_run_look(const char *folder, hay_run_info *info);
void hay_run_info_fini(hay_run_info *info);

#ifdef __cplusplus
}
#endif
#endif
