/* spawner.h - the small process that starts commands (the zygote).
 *
 * It is forked before MPI_Init and before any thread (hayi_spawner_fork()), or,
 * if the program missed that, started as a program of its own
 * (hayi_spawner_exec()).  It has its own process group, is a child subreaper,
 * and ends all that it started, in whatever session, when its rank dies or
 * closes the connection.  A slot's commands run one after the other; it starts
 * the next of a slot by itself as one ends.
 *
 * Owns: the connection (SOCK_SEQPACKET) and the process.
 * Never: knows of MPI; the environment of a command is what the request says.
 * Threads: one caller at a time (the worker's loop).
 */
#ifndef HAYI_WORKER_SPAWNER_H
#define HAYI_WORKER_SPAWNER_H

#include "base/error.h"

struct hayi_spawner;

struct hayi_child_area;
/* Serves functions by what stands in the area (child_area.h), in a process of
 * its own; when it returns, that ends. */
typedef void (*hayi_child_fn)(struct hayi_child_area *area);
/* What hayi_spawner_child_start() shall run; before hayi_spawner_fork(). */
void hayi_spawner_set_child(hayi_child_fn run);

/* First thing in main.  HAY_EIO. */
hay_status hayi_spawner_fork(struct hayi_spawner **spawner,
                             struct hayi_error *err);
/* posix_spawn of the program hayfork-spawner ($HAYFORK_SPAWNER, the folder of
 * the running program, the installed place).  HAY_EIO tells where it looked. */
hay_status hayi_spawner_exec(struct hayi_spawner **spawner,
                             struct hayi_error *err);
/* main() of hayfork-spawner. */
int hayi_spawner_main(int argc, char **argv);

enum hayi_capture_mode {
    HAYI_CAPTURE_INHERIT = 0, /* the spawner's own stdout and stderr */
    /* Append files of the slot in 'folder': PREFIX.sSLOT.GENERATION.out/.err.
     * A command writes into its slot's scratch files, PREFIX.sSLOT.now.out,
     * and what it wrote is moved when it ends (a long output becomes a
     * generation of its own), so that not even 'echo > /dev/stderr', which
     * truncates, reaches another command's output. */
    HAYI_CAPTURE_APPEND = 1,
    HAYI_CAPTURE_FILES = 2, /* folder/NAME.out and folder/NAME.err */
    HAYI_CAPTURE_NULL = 3,
};

/* What is needed before the first command. */
struct hayi_spawner_setup {
    enum hayi_capture_mode capture;
    const char *folder;     /* exists */
    const char *prefix;     /* of append files: "w3" gives w3.s0.0.out ... */
    const char *cwd;        /* where commands start */
    const char *const *env; /* NULL-terminated; the whole base environment */
    uint32_t umask_bits;
    uint64_t grace_ns; /* from SIGTERM to SIGKILL */
    uint32_t slots;    /* slot numbers stay below */
};
/* Once, before the first command.  Blocks until the spawner has answered.
 * setup: copied.  HAY_EIO: a folder that cannot be used, in words; the spawner
 * is then of no use.  HAY_EFARM: the spawner is gone. */
hay_status hayi_spawner_setup(struct hayi_spawner *spawner,
                              const struct hayi_spawner_setup *setup,
                              struct hayi_error *err);

struct hayi_spawn_request {
    uint64_t id;             /* the caller's; not 0 */
    uint32_t slot;           /* runs after what this slot has before it */
    const char *line;        /* /bin/sh -c; or NULL and argv */
    const char *const *argv; /* NULL-terminated */
    const char *cwd;         /* NULL: the setup's */
    const char *const *env;  /* NULL-terminated, added to (and over) the base */
    const char *stdin_path;  /* NULL: /dev/null */
    const char *name;        /* for HAYI_CAPTURE_FILES */
    const int *cpus;         /* operating system indices to pin to */
    size_t cpu_count;        /* 0: not pinned */
    uint64_t time_limit_ns;  /* 0: none; SIGTERM, grace, SIGKILL */
    uint64_t grace_ns;       /* 0: the setup's */
    uint64_t memory_limit_bytes; /* of its processes; 0: none; SIGKILL */
    uint64_t warn_ns; /* so long before the end of work SIGUSR1 to those of its
                         processes that handle it; 0: never */
    uint64_t output_limit_bytes; /* of both streams (APPEND, FILES); 0: none;
                                    SIGTERM, grace, SIGKILL; what is above it is
                                    cut off */
};
/* request: copied.  Never blocks: what the socket does not take at once goes
 * with a later call, or with hayi_spawner_poll() (hayi_spawner_fd() is readable
 * then, too).  HAY_EINVAL: id 0, no such slot, neither line nor argv.
 * HAY_ETOOBIG: more than a megabyte of strings.  HAY_EFARM: the spawner is
 * gone. */
hay_status hayi_spawner_start(struct hayi_spawner *spawner,
                              const struct hayi_spawn_request *request,
                              struct hayi_error *err);
/* Try to take back one that has not begun: answered by a HAYI_SPAWN_REVOKED or
 * (it runs) HAYI_SPAWN_REVOKE_LATE event; one that has ended by then is not
 * answered, its HAYI_SPAWN_ENDED is on the way.  So the event with which an id
 * is done - ENDED, REVOKED - is always the last one about it. */
hay_status hayi_spawner_revoke(struct hayi_spawner *spawner, uint64_t id);
/* SIGTERM to it, SIGKILL after the grace time; not begun: it never begins and
 * its end is told as cancelled. */
hay_status hayi_spawner_cancel(struct hayi_spawner *spawner, uint64_t id);

/* When work ends, hayi_clock_ns(); UINT64_MAX, as at first: never. */
hay_status hayi_spawner_work_end(struct hayi_spawner *spawner, uint64_t end_ns);

/* Can it start children of the program that run functions?  Not the one of
 * hayi_spawner_exec(). */
bool hayi_spawner_has_children(const struct hayi_spawner *spawner);
/* Start one that serves the area in this file of ours, which stays open until
 * the answer: HAYI_SPAWN_CHILD_ENDED, once, with exit_code or signal, or
 * start_errno; all that it had started has ended by then.  id: the caller's,
 * apart from those of commands.  HAY_EFARM, HAY_ENOMEM. */
hay_status hayi_spawner_child_start(struct hayi_spawner *spawner,
                                    uint64_t id,
                                    int area_fd,
                                    uint64_t area_inode);
/* SIGTERM, or SIGKILL, to it and all that it has started. */
hay_status
hayi_spawner_child_urge(struct hayi_spawner *spawner, uint64_t id, bool kill);

/* Where the start of a command failed. */
enum hayi_spawn_step {
    HAYI_SPAWN_STEP_NONE = 0,
    HAYI_SPAWN_STEP_CWD,    /* entering its folder */
    HAYI_SPAWN_STEP_STDIN,  /* opening its standard input */
    HAYI_SPAWN_STEP_OUTPUT, /* opening its output files */
    HAYI_SPAWN_STEP_EXEC,   /* running the program */
    HAYI_SPAWN_STEP_FORK    /* no process to be had (tried again for 2 s) */
};
/* "cannot enter its folder" and so on.  Never NULL. */
const char *hayi_spawn_step_text(uint32_t step);

enum hayi_spawn_event_kind {
    HAYI_SPAWN_STARTED = 1, /* of a command that runs for a millisecond */
    HAYI_SPAWN_ENDED,
    HAYI_SPAWN_REVOKED,
    HAYI_SPAWN_REVOKE_LATE,
    HAYI_SPAWN_GONE, /* the spawner died; nothing more will come */
    HAYI_SPAWN_CHILD_ENDED,
};
struct hayi_spawn_event {
    enum hayi_spawn_event_kind kind;
    uint64_t id;
    int32_t exit_code;   /* not started: 127 (no such program) or 126 */
    int32_t signal;      /* that ended it; exit_code is then 0 */
    int32_t start_errno; /* why it could not be started; 0 */
    uint32_t start_step; /* enum hayi_spawn_step */
    bool timed_out;      /* ended by its time limit */
    bool over_memory;    /* ended by its memory limit */
    bool over_output;    /* it was above its output limit, and maybe ended by
                            that */
    bool oom_kill;       /* killed by nobody we know of, and the kernel has
                            killed for want of memory about then */
    bool warned;         /* it was warned of the end of work */
    bool cancelled;      /* ended by hayi_spawner_cancel() */
    bool output_lost;    /* not all output could be kept (disk full) */
    bool unpinned;       /* the system refused its cpus; it ran anyway */
    uint64_t start_ns;   /* hayi_clock_ns() of this host; 0: never started */
    uint64_t end_ns;
    uint64_t user_ns, system_ns; /* of wait4() */
    uint64_t memory_peak_bytes;  /* of its processes together where there is a
                                    limit, else of the largest; at least what
                                    wait4() tells */
    uint32_t slot;
    uint32_t file;      /* generation number of the slot's append files */
    uint64_t offset[2]; /* stdout, stderr in the append files */
    uint64_t length[2]; /* APPEND and FILES; 0: no file need be there */
};

/* Readable when hayi_spawner_poll() has something to do; then call that until
 * it says false. */
int hayi_spawner_fd(const struct hayi_spawner *spawner);
/* The next event; false if there is none now.  GONE is told once. */
bool hayi_spawner_poll(struct hayi_spawner *spawner,
                       struct hayi_spawn_event *event);
/* Send what is queued (requests are batched); call before sleeping.  Never
 * blocks.  HAY_EFARM: the spawner is gone. */
hay_status hayi_spawner_flush(struct hayi_spawner *spawner);
/* Ends everything it started, waits for its end, frees.  NULL is fine. */
void hayi_spawner_free(struct hayi_spawner *spawner);

#endif
