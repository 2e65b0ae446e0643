/* spawner_exec.h - starts one command (vfork and exec).
 *
 * Owns: the base environment.
 * Never: waits for a command, except for one whose start failed.
 * Threads: the spawner's only one, all signals blocked.
 */
#ifndef HAYI_WORKER_SPAWNER_EXEC_H
#define HAYI_WORKER_SPAWNER_EXEC_H

#include <hayfork/hayfork.h>
#include <sys/types.h>

/* An environment to which a few variables are added for each command. */
struct hayi_environ;

/* strings[count]: NAME=VALUE each, borrowed until hayi_environ_free().  NULL:
 * out of memory. */
struct hayi_environ *hayi_environ_new(char **strings, size_t count);
void hayi_environ_free(struct hayi_environ *env);
/* The base with 'added' (borrowed) in front of it by name; of a name twice the
 * last counts.  The answer is valid until the next call and ends with NULL;
 * NULL: out of memory.  A microsecond or so. */
char **hayi_environ_with(struct hayi_environ *env, char **added, size_t count);

struct hayi_exec {
    const char *line;       /* /bin/sh -c; or NULL and argv */
    char **argv;            /* ends with NULL */
    char **env;             /* ends with NULL */
    const char *cwd;        /* NULL: the spawner's own */
    const char *stdin_path; /* NULL: the spawner's own, /dev/null */
    int out, err;           /* descriptors above 2; -1: the spawner's own */
    const int32_t *cpus;    /* operating system indices */
    uint32_t cpu_count;     /* 0: not pinned */
};
struct hayi_exec_result {
    int error;     /* errno, 0: started */
    uint32_t step; /* enum hayi_spawn_step */
    bool unpinned; /* the system refused the cpus */
};

/* Its process id, also its group's; -1: not started, see 'result'. */
pid_t hayi_exec_start(const struct hayi_exec *spec,
                      struct hayi_exec_result *result);

#endif
