/* hayfork/future.h - the outcomes of tasks, one or many; included by
 * hayfork.h.
 */
#ifndef HAYFORK_FUTURE_H
#define HAYFORK_FUTURE_H

#ifndef HAYFORK_HAYFORK_H
#error "include <hayfork/hayfork.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

hay_future *hay_future_retain(hay_future *future);
/* Gives back one count; never cancels.  NULL is fine. */
void hay_future_release(hay_future *future);

hay_task_id hay_future_id(const hay_future *future);
const char *hay_future_name(const hay_future *future); /* "" if none */
void *hay_future_user(const hay_future *future);
hay_state hay_future_state(const hay_future *future);
bool hay_future_done(const hay_future *future);

/* Wait until it is done or 'timeout_ns' has passed (0: look only).  Blocks;
 * runs ready callbacks of its executor meanwhile.  HAY_OK when done, however
 * it ended; HAY_ETIMEDOUT. */
hay_status hay_future_wait(hay_future *future, uint64_t timeout_ns);

/* Wait, then the result.  HAY_ETIMEDOUT; HAY_ETASK, HAY_EFARM,
 * HAY_EDEPENDENCY, HAY_ECANCELLED with words; HAY_ETYPE. */
hay_status
hay_result_double(hay_future *future, uint64_t timeout_ns, double *value);
hay_status
hay_result_int64(hay_future *future, uint64_t timeout_ns, int64_t *value);
/* text, data, view: borrowed until the future is released. */
hay_status
hay_result_string(hay_future *future, uint64_t timeout_ns, const char **text);
hay_status hay_result_bytes(hay_future *future,
                            uint64_t timeout_ns,
                            const void **data,
                            size_t *size_bytes);
hay_status
hay_result_array(hay_future *future, uint64_t timeout_ns, hay_array_view *view);
hay_type hay_result_type(hay_future *future); /* HAY_NONE unless finished */
/* Of whatever type; pointers are borrowed until the future is released. */
hay_status
hay_result_value(hay_future *future, uint64_t timeout_ns, hay_value *value);
/* Of a task with several results, the one with this index.  HAY_EINVAL: it has
 * not so many. */
hay_status hay_result_at(hay_future *future,
                         size_t index,
                         uint64_t timeout_ns,
                         hay_value *value);

/* What made a task fail. */
typedef enum hay_cause {
    HAY_CAUSE_NONE = 0,   /* it did not fail */
    HAY_CAUSE_STATUS = 1, /* the function's status, a command's exit */
    HAY_CAUSE_SIGNAL = 2, /* a signal ended it; outcome.signal */
    HAY_CAUSE_EXIT = 3,   /* its process ended under it */
    HAY_CAUSE_TIME_LIMIT = 4,
    HAY_CAUSE_MEMORY_LIMIT = 5,
    HAY_CAUSE_OUTPUT_LIMIT = 6,
    HAY_CAUSE_LOST_WORKER = 7,
    HAY_CAUSE_DEADLOCK = 8, /* it waits for what those hold who wait for it */
    HAY_CAUSE_DEPENDENCY = 9,
    HAY_CAUSE_INFEASIBLE = 10, /* no worker is left that could run it */
    HAY_CAUSE_FARM = 11,       /* something else in the farm; see the words */
    HAY_CAUSE_WALLTIME = 12    /* cancelled: the walltime left no time for it */
} hay_cause;
/* "time limit", "lost worker" and so on; "" for HAY_CAUSE_NONE. */
const char *hay_cause_name(hay_cause cause);

/* Why and how a task ended, whatever its outcome. */
typedef struct hay_outcome {
    size_t size; /* sizeof(hay_outcome), set by the caller */
    hay_state state;
    hay_status status; /* HAY_OK, HAY_ETASK, HAY_EFARM, ... */
    int exit_code;     /* of a command, or from hay_task_fail() */
    int signal;        /* that ended a command; 0 */
    uint32_t attempts; /* that were started */
    uint32_t worker;   /* rank of the last attempt */
    uint64_t start_ns; /* of the last attempt, since the farm's start */
    uint64_t end_ns;
    const char *reason;  /* words, "" if finished; borrowed until release */
    hay_task_id culprit; /* first task that failed, for dependents; or 0 */
    hay_cause cause;
    uint64_t memory_peak_bytes; /* of the last attempt's processes together;
                                   0: not measured */
} hay_outcome;
/* HAY_EPENDING if it is not done yet. */
hay_status hay_future_outcome(const hay_future *future, hay_outcome *outcome);

/* Where a command's output lies (HAY_OUTPUT_APPEND and _FILES).  Paths are
 * borrowed until the executor is freed; size 0: it printed nothing. */
typedef struct hay_capture {
    size_t size;         /* sizeof(hay_capture), set by the caller */
    const char *path[2]; /* stdout, stderr */
    uint64_t offset[2];
    uint64_t length[2];
} hay_capture;
hay_status hay_future_capture(const hay_future *future, hay_capture *capture);

#define HAY_CANCEL_FORCE                                                       \
    1u                       /* also stop it if it runs (not in thread slots)  \
                              */
#define HAY_CANCEL_NESTED 2u /* and all that it has submitted */

/* Ask for the end of a task.  HAY_OK: it will never run.  HAY_EPENDING: asked,
 * wait on the future.  HAY_ERUNNING: it runs; it was told and may agree, see
 * hay_task_cancelled().  HAY_EINVAL: it has ended otherwise already.
 * HAY_EUNSUPPORTED: force on a function. */
hay_status hay_future_cancel(hay_future *future, unsigned flags);

/* Call 'function(future, data)' once it is done; at once if it is.  It runs in
 * hay_queue_next(), a waiting call or hay_dispatch(), one at a time for an
 * executor, in the order in which the tasks ended; never in the manager. */
hay_status hay_future_on_done(hay_future *future,
                              void (*function)(hay_future *, void *),
                              void *data);
/* Run callbacks that are ready; does not wait. */
void hay_dispatch(hay_executor *ex);

/* ---- many futures ------------------------------------------------------ */

typedef enum hay_when {
    HAY_FIRST_COMPLETED = 1,
    HAY_FIRST_FAILURE = 2, /* cancelled ones do not count */
    HAY_ALL = 3
} hay_when;

/* Wait for some or all.  done[count] is filled with true and false; may be
 * NULL.  A timeout is HAY_OK, with what is done by then.  futures may hold one
 * twice. */
hay_status hay_wait(hay_future *const *futures,
                    size_t count,
                    hay_when when,
                    uint64_t timeout_ns,
                    bool *done,
                    size_t *done_count);

/* Completion queues: futures come out once each, in the order in which they
 * were done. */
hay_status hay_queue_new(hay_executor *ex, hay_queue **queue);
/* Futures still in it are released.  NULL is fine. */
void hay_queue_free(hay_queue *queue);
/* The queue keeps a count of its own until the future comes out. */
hay_status hay_queue_add(hay_queue *queue, hay_future *future);
/* The next that is done; given (hay_future_release).  HAY_EEMPTY when all are
 * out; HAY_ETIMEDOUT. */
hay_status
hay_queue_next(hay_queue *queue, uint64_t timeout_ns, hay_future **future);
/* How many are in it, done or not. */
size_t hay_queue_count(const hay_queue *queue);
/* A descriptor that is readable while hay_queue_next() would give one at once,
 * for poll, epoll, libuv.  Owned by the queue; do not read it. */
hay_status hay_queue_fd(hay_queue *queue, int *fd);

/* Call 'each' for every future as it is done, in this thread; stops early when
 * it does not return HAY_OK, and returns that.  HAY_ETIMEDOUT: the text says
 * how many of how many are unfinished; the time counts from the call. */
hay_status hay_as_completed(hay_future *const *futures,
                            size_t count,
                            uint64_t timeout_ns,
                            hay_status (*each)(hay_future *, void *),
                            void *data);

#ifdef __cplusplus
}
#endif
#endif
