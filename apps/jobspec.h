/* jobspec.h - what users ask of a batch job: the options that `submit` and
 * `grow` have in common, and `run --grow-job` as one text.
 */
#ifndef APPS_JOBSPEC_H
#define APPS_JOBSPEC_H

#include "batch.h"

#define JOBSPEC_JOBS_MAX 256 /* as many as may join a run */

struct jobspec {
    const char *system_name; /* NULL: the one that is there */
    enum batch_system system;
    struct batch_job job;
    uint32_t grow; /* worker jobs at once, at most; 0: none */
    uint64_t backlog_ns;
    uint64_t idle_ns;
    bool attached; /* the run that has started it tells the end */
    bool quiet;
    bool dry_run;
    bool help;
};

#define JOBSPEC_INIT                                                           \
    {                                                                          \
        .job = {.nodes = 1}, .backlog_ns = UINT64_C(30000000000),              \
        .idle_ns = UINT64_C(60000000000)                                       \
    }

/* Take the options in front (of grow: all); argv[0] is the word, *next the
 * first that is none. What is kept is borrowed from argv.  HAY_EINVAL: one line
 * in 'fault'. */
hay_status jobspec_parse(struct jobspec *spec,
                         int argc,
                         char **argv,
                         int *next,
                         struct fault *fault);

/* The same of one text, such as "--time=2h -q long -- --mem=8G"; words are
 * split at blanks, ' and " quote.  words: the words, NULL-terminated, in the
 * arena; *extra: those behind "--" among them.  Only options may stand before
 * it. */
hay_status jobspec_parse_text(struct jobspec *spec,
                              const char *text,
                              struct arena *arena,
                              char ***words,
                              char ***extra,
                              struct fault *fault);

/* Fill in our program and the script of the system: whole paths, in the arena.
 * HAY_EIO: there is none. */
hay_status jobspec_find_files(struct jobspec *spec,
                              struct arena *arena,
                              struct fault *fault);

/* "sim_2" of runs/sim.2, and the ending behind it: a name that every system
 * takes; in the arena. */
const char *
jobspec_name(struct arena *arena, const char *folder, const char *ending);

/* The command line of a job that joins the run of 'folder' (a whole path) as a
 * worker; spec->job.extra may be set.  In the arena. */
hay_status jobspec_worker_command(struct jobspec *spec,
                                  const char *folder,
                                  struct arena *arena,
                                  const char ***argv,
                                  struct fault *fault);

/* Options that jobspec_parse_text() takes for the same of worker jobs; appended
 * to 'text'. */
void jobspec_text(const struct jobspec *spec, struct text *text);

/* A command line as a shell reads it, with a newline behind it. */
void jobspec_command_text(const char *const *argv, struct text *text);

#endif
