/* hayfork/hayfork.h - the public interface of Hayfork, a task farm.
 *
 * Errors: a call that can fail returns hay_status, 0 (HAY_OK) or negative.
 *     Results go through the last parameters and are written only on success.
 *     hay_error_text() has the words for the calling thread's last failure.
 * Ownership: "borrowed" is not kept after the call (or until the moment that
 *     the comment names), "copied" is copied before the call returns, "given"
 *     is the caller's to free with the named function, "shared" is counted.
 * Threads: every call may be made from any thread, unless it says otherwise.
 * Times are in nanoseconds, sizes in bytes, unless the name says otherwise.
 * Option structs begin with their own size, so that they can grow: fill them
 *     by the HAY_..._INIT initialiser or the matching _init function.
 */
#ifndef HAYFORK_HAYFORK_H
#define HAYFORK_HAYFORK_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#include <initializer_list>
extern "C" {
#endif

#define HAY_VERSION_MAJOR 0
#define HAY_VERSION_MINOR 1
#define HAY_VERSION_PATCH 0

/* Wait without a limit. */
#define HAY_FOREVER UINT64_MAX

/* Results and arguments up to so many bytes travel inside messages.  Larger
 * ones are objects: they stay on the node that made them, tasks and callers of
 * that node read them in place, other nodes fetch them once. */
#define HAY_INLINE_MAX ((size_t)16 << 10)

/* The arguments of one task, objects not counted, are smaller than this. */
#define HAY_ARGS_MAX ((size_t)1 << 20)

/* ---- statuses ---------------------------------------------------------- */

typedef enum hay_status {
    HAY_OK = 0,
    HAY_EINVAL = -1,        /* wrong argument or option */
    HAY_ENOMEM = -2,        /* out of memory */
    HAY_ETIMEDOUT = -3,     /* the time given has passed */
    HAY_ETASK = -4,         /* the task failed (its own doing) */
    HAY_EFARM = -5,         /* the farm failed the task (lost worker, limit) */
    HAY_EDEPENDENCY = -6,   /* an input of the task failed */
    HAY_ECANCELLED = -7,    /* the task was cancelled */
    HAY_ECLOSED = -8,       /* the executor is shut down */
    HAY_EEMPTY = -9,        /* nothing more will come */
    HAY_EAGAIN = -10,       /* would have to wait here; try again later */
    HAY_EPENDING = -11,     /* asked for; wait on the future for the answer */
    HAY_ERUNNING = -12,     /* it runs and was not forced */
    HAY_ETYPE = -13,        /* a value of another type, or no such argument */
    HAY_ETOOBIG = -14,      /* larger than HAY_ARGS_MAX, or another limit */
    HAY_EINFEASIBLE = -15,  /* no worker can ever meet this request */
    HAY_EUNSUPPORTED = -16, /* not in this version, or not in this build */
    HAY_EMISMATCH = -17,    /* ranks or libraries do not fit together */
    HAY_EIO = -18,          /* the operating system said no */
    HAY_EMPI = -19          /* MPI said no */
} hay_status;

/* The calling thread's last error in words; "" if there was none.  Borrowed:
 * valid until the thread's next failing call. */
const char *hay_error_text(void);

/* The name of a status, such as "HAY_ETASK".  Never NULL. */
const char *hay_status_name(hay_status status);

/* ---- handles ----------------------------------------------------------- */

typedef struct hay_executor hay_executor; /* the client's handle of a farm */
typedef struct hay_future hay_future;     /* outcome of a task; counted */
typedef struct hay_queue hay_queue;       /* completion queue */
typedef struct hay_dataset hay_dataset;   /* a chunked array; counted */
typedef struct hay_task hay_task;         /* what a running task sees */
typedef struct hay_map_iter hay_map_iter; /* walks over a map's results */
typedef uint64_t hay_task_id;             /* serial from 1, never used again */

/* States of a task, as in Python's concurrent.futures where they overlap. */
typedef enum hay_state {
    HAY_PENDING = 0,  /* waits for inputs */
    HAY_READY = 1,    /* waits for a worker */
    HAY_RUNNING = 2,  /* a worker runs it */
    HAY_FINISHED = 3, /* done, has a result */
    HAY_FAILED = 4,   /* done, has an error */
    HAY_CANCELLED = 5 /* done, never ran or agreed to stop */
} hay_state;

const char *hay_state_name(hay_state state);

/* ---- values: arguments and results ------------------------------------- */

typedef enum hay_type {
    HAY_NONE = 0,
    HAY_DOUBLE = 1,
    HAY_INT64 = 2,
    HAY_STRING = 3,
    HAY_BYTES = 4,
    HAY_ARRAY = 5,
    HAY_LIST = 6
} hay_type;

/* Types of array elements. */
typedef enum hay_dtype {
    HAY_F64 = 1,
    HAY_F32 = 2,
    HAY_I64 = 3,
    HAY_I32 = 4,
    HAY_I16 = 5,
    HAY_I8 = 6,
    HAY_U64 = 7,
    HAY_U32 = 8,
    HAY_U16 = 9,
    HAY_U8 = 10
} hay_dtype;

#define HAY_NDIM_MAX 8

/* Size of one element; 0 for an unknown type. */
size_t hay_dtype_size(hay_dtype dtype);

/* An array as an argument or a result.  shape[ndim] in elements, slowest
 * first; stride[ndim] in bytes.  Views that the farm gives are row-major and
 * without gaps. */
typedef struct hay_array_view {
    hay_dtype dtype;
    uint32_t ndim;
    uint64_t shape[HAY_NDIM_MAX];
    int64_t stride[HAY_NDIM_MAX];
    const void *data;
    size_t size_bytes;
} hay_array_view;

/* A value of whatever type; what belongs to 'type' is filled. */
typedef struct hay_value {
    hay_type type;
    double number;        /* HAY_DOUBLE */
    int64_t integer;      /* HAY_INT64 */
    const char *text;     /* HAY_STRING */
    const void *data;     /* HAY_STRING, HAY_BYTES, HAY_ARRAY */
    size_t size_bytes;    /* of data; strings: without the 0 */
    hay_array_view array; /* HAY_ARRAY */
    size_t count;         /* HAY_LIST: elements, see hay_result_at() */
} hay_value;

/* A box in an array: start[ndim] and count[ndim] in elements, slowest first. */
typedef struct hay_region {
    uint32_t ndim;
    uint64_t start[HAY_NDIM_MAX];
    uint64_t count[HAY_NDIM_MAX];
} hay_region;

/* One argument.  Made by the functions below; what it points to is borrowed
 * until hay_submit() returns. */
typedef struct hay_arg {
    uint32_t kind; /* a hay_type, or one of the inner kinds of hay_ref() */
    uint32_t dtype;
    uint32_t ndim;
    uint32_t reserved;
    uint64_t count; /* bytes, or futures */
    union {
        double d;
        int64_t i;
        const void *data;
        hay_future *future;
        hay_future *const *futures;
    } u;
    const uint64_t *shape;
} hay_arg;

typedef struct hay_args {
    const hay_arg *list;
    size_t count;
} hay_args;

hay_arg hay_double(double value);
hay_arg hay_int64(int64_t value);
hay_arg hay_string(const char *text);
hay_arg hay_bytes(const void *data, size_t size_bytes);
/* shape[ndim]: elements, slowest first; borrowed like 'data'. */
hay_arg hay_array(hay_dtype dtype,
                  uint32_t ndim,
                  const uint64_t *shape,
                  const void *data);
/* The result of 'future' as an argument: an edge of the graph. */
hay_arg hay_ref(hay_future *future);
/* One argument that is the list of the results of futures[count]. */
hay_arg hay_refs(hay_future *const *futures, size_t count);
/* Of a task with several results, the one with this index; HAY_NONE if it has
 * not so many. */
hay_arg hay_ref_at(hay_future *future, size_t index);
/* A box of a chunked array, which the task sees as an array (hay_arg_array());
 * it waits for the tasks that write these chunks.  region: borrowed; NULL: all
 * of the array. */
hay_arg hay_array_region(hay_dataset *dataset, const hay_region *region);

#ifdef __cplusplus
} /* extern "C" */
inline hay_args hay_args_of(std::initializer_list<hay_arg> list)
{
    return hay_args{list.begin(), list.size()};
}
extern "C" {
#define HAY_ARGS(...) hay_args_of({__VA_ARGS__})
#define HAY_NO_ARGS   (hay_args_of({}))
#else
/* The arguments of a task, in order: HAY_ARGS(hay_double(5), hay_ref(a)). */
#define HAY_ARGS(...)                                                          \
    ((hay_args){(const hay_arg[]){__VA_ARGS__},                                \
                sizeof((const hay_arg[]){__VA_ARGS__}) / sizeof(hay_arg)})
#define HAY_NO_ARGS ((hay_args){NULL, 0})
#endif

/* ---- task functions ---------------------------------------------------- */

/* A task function.  Returns HAY_OK after a hay_return_*() (or none: the result
 * is HAY_NONE), or the status of what failed; hay_task_fail() words it. */
typedef hay_status (*hay_task_fn)(hay_task *task);

/* The part of a map that one call works on. */
typedef struct hay_map_range {
    const void *in; /* 'count' items, or NULL: the items are first + index */
    void *out;      /* 'count' items */
    uint64_t first; /* index in the map of the first item */
    size_t count;
    size_t index; /* the item being worked on, 0 .. count-1 */
} hay_map_range;

/* A map function: works on items 0 .. range->count-1, keeping range->index up
 * to date.  A status that is not HAY_OK fails the whole range. */
typedef hay_status (*hay_map_fn)(hay_task *task, hay_map_range *range);

/* Register a function under a name that is the same on all ranks.  Call before
 * an executor is opened (HAY_TASK does it before main).  'name': borrowed for
 * ever.  A name twice with another function: the last one counts, and the
 * start of an executor says HAY_EINVAL. */
void hay_register(const char *name, hay_task_fn function);
/* in_size 0: the map takes indices only. */
void hay_register_map(const char *name,
                      hay_map_fn function,
                      size_t in_size,
                      size_t out_size);
/* What resume compares; 1 if never told. */
void hay_register_version(const char *name, uint32_t version);
/* Runs once in each process that runs tasks, before its first one.  Not HAY_OK:
 * the worker does not start, and the farm says why. */
void hay_register_worker_init(hay_status (*function)(void));

/* A failing item of a map tells it here; true: go on with the next item. */
bool hay_map_item_failed(hay_task *task, hay_status status);

#define HAY_TASK_DECLARE(name) hay_status name(hay_task *task)
#define HAY_MAP_DECLARE(name)                                                  \
    hay_status name(hay_task *task, hay_map_range *range)

#define HAY_CONSTRUCTOR_(name)                                                 \
    static void name(void) __attribute__((constructor));                       \
    static void name(void)

/* Defines and registers a task function: HAY_TASK(square) { ... 'task' ... } */
#define HAY_TASK(name)                                                         \
    HAY_TASK_DECLARE(name);                                                    \
    HAY_CONSTRUCTOR_(hay_register_##name##_)                                   \
    {                                                                          \
        hay_register(#name, name);                                             \
    }                                                                          \
    hay_status name(hay_task *task __attribute__((unused)))

/* Defines and registers a map function.  The body works on one item, sees
 * 'task', 'in' (const in_type *) and 'out' (out_type *), returns a status. */
#define HAY_MAP_TASK(name, in_type, out_type)                                  \
    HAY_MAP_DECLARE(name);                                                     \
    HAY_CONSTRUCTOR_(hay_register_##name##_)                                   \
    {                                                                          \
        hay_register_map(#name, name, sizeof(in_type), sizeof(out_type));      \
    }                                                                          \
    static inline hay_status hay_item_##name##_(                               \
        hay_task *task, const in_type *in, out_type *out);                     \
    hay_status name(hay_task *task, hay_map_range *range)                      \
    {                                                                          \
        const in_type *in = (const in_type *)range->in;                        \
        out_type *out = (out_type *)range->out;                                \
        for (size_t i = 0; i < range->count; i++) {                            \
            range->index = i;                                                  \
            hay_status status = hay_item_##name##_(task, in + i, out + i);     \
            if (status != HAY_OK && !hay_map_item_failed(task, status)) {      \
                return status;                                                 \
            }                                                                  \
        }                                                                      \
        return HAY_OK;                                                         \
    }                                                                          \
    static inline hay_status hay_item_##name##_(                               \
        hay_task *task __attribute__((unused)),                                \
        const in_type *in __attribute__((unused)),                             \
        out_type *out __attribute__((unused)))

#define HAY_TASK_VERSION(name, number)                                         \
    HAY_CONSTRUCTOR_(hay_version_##name##_)                                    \
    {                                                                          \
        hay_register_version(#name, number);                                   \
    }

#define HAY_WORKER_INIT(function)                                              \
    HAY_CONSTRUCTOR_(hay_init_##function##_)                                   \
    {                                                                          \
        hay_register_worker_init(function);                                    \
    }

/* In a task: return from it with the status of a call that failed. */
#define HAY_TRY(call)                                                          \
    do {                                                                       \
        hay_status hay_try_status_ = (call);                                   \
        if (hay_try_status_ != HAY_OK) {                                       \
            return hay_try_status_;                                            \
        }                                                                      \
    } while (0)

/* ---- life of an executor ----------------------------------------------- */

typedef enum hay_output {
    HAY_OUTPUT_DEFAULT = 0, /* append with a run folder, else inherit */
    HAY_OUTPUT_INHERIT = 1, /* the worker process's own stdout and stderr */
    HAY_OUTPUT_APPEND = 2,  /* few append files with an index, run folder */
    HAY_OUTPUT_FILES = 3,   /* a pair of files a task, in the run folder */
    HAY_OUTPUT_NULL = 4     /* thrown away */
} hay_output;

/* What the journal of a run folder promises once a task's end is told. */
typedef enum hay_journal {
    HAY_JOURNAL_SYNC = 0,    /* it is on the disk: outlasts a power failure */
    HAY_JOURNAL_WRITTEN = 1, /* the operating system has it: outlasts whatever
                                kills the program */
    HAY_JOURNAL_NONE = 2     /* no journal: nobody can go on with the run */
} hay_journal;

typedef enum hay_runner {
    HAY_RUNNER_DEFAULT = 0, /* functions: thread; commands: command */
    HAY_RUNNER_THREAD = 1,
    HAY_RUNNER_PROCESS = 2, /* functions, in a child process: whatever it does
                               costs this attempt only; what it starts ends
                               with it.  DEFAULT with a time or memory limit */
    HAY_RUNNER_FAKE = 3     /* hay_submit_fake() */
} hay_runner;

typedef struct hay_options {
    size_t size;            /* sizeof(hay_options) */
    uint32_t slots;         /* cores a worker offers; 0: all it may use */
    hay_output output;      /* where commands' output goes */
    const char *run_folder; /* copied; NULL: none.  Made if it is not there;
                               one at a time: a folder in use is refused.
                               Where a journal is already, the run goes on
                               with it: a named task (or a command) that has
                               finished there ends at its submit as it did
                               then, unless something about it has changed; see
                               hay_future_why().  Results above HAY_INLINE_MAX
                               are files in there up to results_max_bytes;
                               beyond that their tasks run again, and what
                               comes after them.  So do maps, and what tasks
                               submit; arrays in files know themselves which
                               chunks are done */
    uint64_t seed;          /* of random streams and ties */
    uint64_t pending_max;   /* unfinished tasks; hay_submit waits above it;
                               0: 4 million */
    uint64_t silence_ns;    /* a worker silent for so long is lost; 0: 15 s */
    bool no_pin;            /* do not pin slots to cores */
    bool quiet;             /* no words on standard error */
    bool checksum;          /* compare a hash of what moves between nodes */
    uint64_t memory_limit_bytes; /* for the objects of a node; 0: 30 % of what
                                    it has */
    const char *spill_folder;    /* copied; where objects go when memory is
                                    short: local disk.  NULL: TMPDIR, /var/tmp
                                    or /tmp; "": nowhere */
    hay_runner runner;           /* of functions; DEFAULT: thread */
    uint32_t child_tasks_max;    /* a process slot's child is replaced after so
                                    many tasks; 0: never for that */
    uint64_t child_memory_max_bytes; /* ... when it has grown to that; 0: 1 GiB
                                        above what it had at its start */
    uint64_t child_idle_ns; /* ... when it had nothing to do for so long;
                               0: 10 s */
    uint32_t gpus;          /* that a node has, HAY_GPUS_FOUND: what is there */
    const char *resources;  /* copied; what each node has besides: "licences=2
                               scratch=0.5" */
    const char *limits; /* copied; farm-wide amounts: "download=3": at most 3
                           tasks of category "download" at a time, or so
                           much for tasks that request it */
    uint32_t suspended_max;  /* waiting tasks of a worker that keep a stack;
                                0: 256; those in process slots may be more, see
                                hay_task_executor() */
    double straggler_factor; /* a second copy of a map's range or of a task may
                                start near the end when the first takes so many
                                times its kind's usual time; 0: never */
    uint64_t deadline_ns;    /* Unix time in nanoseconds at which the batch
                                system ends this program; 0: not known, then
                                HAYFORK_DEADLINE (Unix seconds) counts.  See
                                "walltime" below */
    bool check_files; /* resume compares sizes and times of the files that
                         commands say they read, too */
    bool dry_run;     /* nothing runs, nothing is written: what would run ends
                         as HAY_CANCELLED, and the reason of its outcome says
                         why it would */
    hay_journal journal; /* of the run folder */
    bool listen;         /* others may join while the farm runs, by what lies in
                            RUN FOLDER/join (the secret: mode 0600): the same
                            program with 'join'.  Over MPI rank 0's
                            word; HAY_EUNSUPPORTED without ZeroMQ */
    const char *join;    /* copied; hay_main: do not run the farm function, be a
                            worker of the farm that listens in this run
                            folder, until it ends, or until this one leaves
                            it: hay_leave(), idle_timeout_ns, deadline_ns */
    uint64_t results_max_bytes; /* results of named tasks that are too large for
                                   the journal are written into the run folder
                                   until they have so many bytes together; 0: 1
                                   GiB; 1: none is.  They are not synced: what
                                   a power failure takes is made again */
    uint64_t idle_timeout_ns; /* with 'join': it leaves when it has had nothing
                                 to do for so long; 0: never */
} hay_options;
#define HAY_GPUS_FOUND UINT32_MAX

#define HAY_OPTIONS_INIT                                                       \
    {                                                                          \
        sizeof(hay_options), 0, HAY_OUTPUT_DEFAULT, NULL, 0, 0, 0, false,      \
            false, false, 0, NULL, HAY_RUNNER_DEFAULT, 0, 0, 0,                \
            HAY_GPUS_FOUND, NULL, NULL, 0, 0, 0, false, false,                 \
            HAY_JOURNAL_SYNC, false, NULL, 0, 0                                \
    }
void hay_options_init(hay_options *options);

/* The worker that this process is by hay_options.join leaves its farm: it gets
 * nothing new, what runs ends, what is only here is brought elsewhere, and
 * hay_main() returns 0.  Elsewhere: nothing happens.  From any thread, and from
 * signal handlers. */
void hay_leave(void);

/* Walltime.  With a deadline the farm ends its work a margin before it: a tenth
 * of the time that there was at the start, at least 5 s, at most 60 s.  Towards
 * that moment, the end of work, only tasks start that are expected to be done
 * by then, by what tasks of their category took so far, longest first.  At it
 * nothing starts any more, and half a margin later what still runs is ended by
 * force (functions in threads: asked to, see hay_task_cancelled()).  All that
 * did not finish because of it is HAY_CANCELLED, HAY_CAUSE_WALLTIME, and so is
 * what is submitted from then on: it is not wrong, there is more to do. */

typedef hay_status (*hay_farm_fn)(hay_executor *ex, int argc, char **argv);

/* The whole life of a program.  Takes the farm's own options (--hay-...; see
 * --hay-help) out of argv and of HAYFORK_*, runs 'farm' on rank 0 (the only one
 * where there is no mpirun), serves tasks on the others.
 * Returns on every rank: 0; 1 if 'farm' failed (its words are printed); 2 for
 * wrong options; 3 if the farm failed.  75 whatever 'farm' says if the walltime
 * kept tasks from finishing: there is more to do; 3 then if no task finished at
 * all, since another run as long would do no better. */
int hay_main(int argc, char **argv, hay_farm_fn farm);
/* The same with defaults for what the command line leaves open. */
int hay_main_with(int argc,
                  char **argv,
                  const hay_options *defaults,
                  hay_farm_fn farm);

/* For programs without hay_main: forks the small process that starts commands
 * and the children of process slots.  Call it first in main, before any thread
 * and before MPI_Init, but after hay_register(): children know the functions,
 * and have the globals, that there are now.  Without it there are no process
 * slots (HAY_EUNSUPPORTED). */
hay_status hay_prefork(void);

/* A farm in this process, without MPI: a manager thread and a slot for every
 * core.  options: copied, may be NULL.  ex: given, end with hay_shutdown() and
 * hay_executor_free(). */
hay_status hay_open_local(const hay_options *options, hay_executor **ex);

/* No further submit (HAY_ECLOSED) but by tasks that run, and by those not if
 * cancel_pending: then tasks that have not started are cancelled, running ones
 * end.  wait: return when all tasks have ended and
 * the workers are gone; else at once.  May be called again.  HAY_EFARM.
 * While it waits, a line on standard error says for what after 5 s, then after
 * pauses that double (hay_options.quiet: none). */
hay_status hay_shutdown(hay_executor *ex, bool wait, bool cancel_pending);
/* Ends what is left (as hay_shutdown(ex, true, true)) and frees.  Futures may
 * be released later.  NULL is fine. */
void hay_executor_free(hay_executor *ex);

/* Facts about a running farm. */
typedef struct hay_stats {
    size_t size; /* sizeof(hay_stats), set by the caller */
    uint64_t submitted, pending, ready, running, finished, failed, cancelled;
    uint32_t workers; /* that joined and are alive */
    uint32_t cores;   /* that they offer */
    uint64_t
        time_left_ns;   /* until the end of work, see hay_options.deadline_ns;
                           HAY_FOREVER: no deadline is known */
    uint64_t margin_ns; /* from there to the deadline */
    uint64_t walltime;  /* of 'cancelled': because of the walltime */
    bool draining;      /* the walltime lets nothing start any more */
} hay_stats;
hay_status hay_executor_stats(hay_executor *ex, hay_stats *stats);
/* Wait until all expected workers have joined. */
hay_status hay_executor_wait_workers(hay_executor *ex, uint64_t timeout_ns);
/* HAY_OK, or HAY_EFARM with words if the farm has broken down. */
hay_status hay_executor_health(hay_executor *ex);

/* ---- submit ------------------------------------------------------------ */

typedef struct hay_task_options {
    size_t size;
    const char *name;     /* copied; also the key of its random stream */
    const char *category; /* copied; tasks of a kind, for learned durations */
    void *user;           /* given back by hay_future_user() */
    hay_queue *queue;     /* completion queue to be added to; may be NULL */
    uint32_t cores;       /* 0: 1 */
    uint32_t gpus;
    uint64_t memory_bytes;
    int32_t priority;       /* higher first; 0 */
    uint32_t retries;       /* further tries if the task fails; 0 */
    uint64_t time_limit_ns; /* commands, fakes, process slots; 0: none */
    hay_runner runner;
    uint32_t worker;          /* the only one that may run it: its MPI rank (of
                                 hay_main()), 1 in a farm of one process; 0: any */
    hay_future *const *after; /* must finish before it; borrowed */
    size_t after_count;
    hay_future *const *after_any; /* must end before it, in whatever way */
    size_t after_any_count;
    uint64_t retry_pause_ns; /* before try 2, double before 3, ...; <= 1 h */
    bool once; /* fails, does not run again, if its worker is lost */
    /* What more it asks for, over cores, gpus and memory_bytes above; copied.
     * "gpus=0.5 licences=2" or, in order of preference, "gpus=2 | cores=16":
     * cores (a number or "all": a whole worker), gpus, mem (2G), and amounts of
     * what the farm calls its own (hay_options.resources, .limits). */
    const char *request;
    uint64_t grace_ns; /* at the time limit: functions, from the token to
                          SIGTERM and from there to SIGKILL; commands, from
                          SIGTERM to SIGKILL; 0: 2 s */
    uint64_t memory_limit_bytes; /* of all its processes together, above it they
                                    are killed; commands and process slots
                                    (there: what the attempt has taken, not what
                                    is shared between processes); 0: none */
    uint32_t memory_retries;     /* further tries after that, each with twice
                                    the limit and twice the request (which is
                                    the limit if there is none) while a worker
                                    has so much; at most 16; 0 */
    uint64_t output_limit_bytes; /* of a command's stdout and stderr together,
                                    of a function's result; 0: none */
    uint64_t warn_ns; /* commands: SIGUSR1 to those of its processes that handle
                         it, so long before the end of work; if it then exits
                         with 75 it is unfinished (HAY_CAUSE_WALLTIME).  Such a
                         task starts although it may not end in time.  0: no
                         warning.  Functions ask hay_task_time_left() */
    const char *resume_key; /* what a resumed run compares, instead of function
                               or command, arguments and inputs; borrowed */
    bool cleanup; /* it starts after the end of work, too (see deadline_ns):
                     for what puts things in order; others find their cores
                     taken, so the shorter the better */
    const char *resume_rest; /* with resume_key: what else is compared; if only
                                that differs it says HAY_WHY_ARGUMENTS;
                                borrowed */
    bool recorded_only; /* HAY_EEMPTY, and nothing is submitted, unless it ends
                           at its submit: as the journal has it, or because
                           this is a dry run */
} hay_task_options;

#define HAY_TASK_OPTIONS_INIT                                                  \
    {                                                                          \
        sizeof(hay_task_options), NULL, NULL, NULL, NULL, 0, 0, 0, 0, 0, 0,    \
            HAY_RUNNER_DEFAULT, 0, NULL, 0, NULL, 0, 0, false, NULL, 0, 0, 0,  \
            0, 0, NULL, false, NULL, false                                     \
    }
void hay_task_options_init(hay_task_options *options);

/* Could a task with these options ever run here?  HAY_OK, or what hay_submit
 * would say: HAY_EINVAL, HAY_EUNSUPPORTED, HAY_EINFEASIBLE with words that tell
 * what there is.  Waits for the workers to join (at most timeout_ns). */
hay_status hay_task_options_check(hay_executor *ex,
                                  const hay_task_options *options,
                                  uint64_t timeout_ns);

/* Submit one call of a registered function.
 * args: copied.  options: copied, NULL for defaults.
 * future: given (hay_future_release), or NULL if nobody wants it.
 * Blocks while pending_max tasks are unfinished (in a callback: HAY_EAGAIN).
 * HAY_EINVAL, HAY_ETOOBIG, HAY_EINFEASIBLE (no worker can ever run it),
 * HAY_EUNSUPPORTED, HAY_ECLOSED, HAY_EFARM: nothing was submitted. */
hay_status hay_submit(hay_executor *ex,
                      hay_task_fn function,
                      hay_args args,
                      const hay_task_options *options,
                      hay_future **future);

typedef struct hay_command {
    size_t size;
    const char *line;        /* for /bin/sh -c; or NULL */
    const char *const *argv; /* NULL-terminated; used if line is NULL */
    const char *cwd;         /* NULL: rank 0's */
    const char *const *env;  /* NULL-terminated "NAME=VALUE", added; or NULL */
    const char *stdin_path;  /* NULL: /dev/null */
    uint64_t index;          /* HAY_INDEX if has_index */
    bool has_index;
    /* Files that it reads and writes, NULL-terminated, relative to its cwd; or
     * NULL.  It sees whole paths: HAY_IN_1 .., HAY_OUT_1 .., HAY_IN and HAY_OUT
     * (all, ':' between), HAY_IN_COUNT, HAY_OUT_COUNT.  It fails if one of
     * out_files is not there when it has ended well. */
    const char *const *in_files;
    const char *const *out_files;
    /* Commands whose out_files it reads: must finish before it, and it runs
     * where these files were written unless it could start sooner elsewhere. */
    hay_future *const *inputs;
    size_t input_count;
} hay_command;
#define HAY_COMMAND_INIT                                                       \
    {                                                                          \
        sizeof(hay_command), NULL, NULL, NULL, NULL, NULL, 0, false, NULL,     \
            NULL, NULL, 0                                                      \
    }

/* Submit a command.  It fails if its exit status is not 0 or a signal ends it.
 * Everything is copied.  Its result is HAY_NONE. */
hay_status hay_submit_command(hay_executor *ex,
                              const hay_command *command,
                              const hay_task_options *options,
                              hay_future **future);

/* Submit one that takes so long, does nothing, ends so (0: finished). */
hay_status hay_submit_fake(hay_executor *ex,
                           uint64_t duration_ns,
                           int exit_code,
                           const hay_task_options *options,
                           hay_future **future);

#ifdef __cplusplus
}
#endif

#include <hayfork/data.h>
#include <hayfork/future.h>
#include <hayfork/map.h>
#include <hayfork/resume.h>
#include <hayfork/task.h>
#endif
