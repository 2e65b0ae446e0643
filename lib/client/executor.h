/* executor.h - the inside of an executor: what the client's calls share.
 *
 * Owns: the count of unfinished tasks, the sleepers, the callback queue.
 * Never: decides where tasks run.
 * Threads: see the groups of fields.
 */
#ifndef HAYI_CLIENT_EXECUTOR_H
#define HAYI_CLIENT_EXECUTOR_H

#include "client/future.h"
#include "client/resources.h"
#include "client/waiters.h"

#include <pthread.h>
#include <stdalign.h>

/* Sleepers on "something changed" (an eventcount over a futex). */
struct hayi_event_count {
    atomic_uint sequence;
    atomic_uint waiters;
};
/* Before the last look; then wait with its answer, or cancel. */
uint32_t hayi_event_prepare(struct hayi_event_count *ec);
void hayi_event_cancel(struct hayi_event_count *ec);
/* deadline_ns of hayi_clock_ns(); UINT64_MAX: none.  false: time is over. */
bool hayi_event_wait(struct hayi_event_count *ec,
                     uint32_t key,
                     uint64_t deadline_ns);
/* Costs an atomic load when nobody waits. */
void hayi_event_notify(struct hayi_event_count *ec);

/* How the manager is reached; the client knows no more of it. */
struct hayi_manager_ops {
    /* Push into the inbox and ring.  item: taken. */
    void (*post)(void *manager, struct hayi_item *item);
    /* Wait for the manager's end and free it; HAY_EFARM with words if the farm
     * broke down. */
    hay_status (*join)(void *manager, struct hayi_error *err);
    /* Room for one more submit, and its number; may wait for a connection, not
     * for tasks.  NULL: there is room, and the executor gives numbers itself.
     * HAY_EFARM with words. */
    hay_status (*admit)(void *manager, hay_task_id *id, struct hayi_error *err);
};

struct hayi_guest;
struct hayi_resume;

struct hay_executor {
    /* set before it is handed out, then read only */
    const struct hayi_manager_ops *ops;
    void *manager;
    uint64_t pending_max;
    uint64_t seed;
    bool process;       /* functions that name no slot run in process slots */
    bool has_processes; /* there are such slots */
    uint64_t start_ns;  /* hayi_clock_ns() */
    uint64_t serial;    /* of executors in this process */
    uint32_t workers_expected;
    struct hayi_resources *resources;
    bool check_files, dry_run;  /* hay_options */
    struct hayi_resume *resume; /* with a run folder: tasks have keys; or NULL
                                 */
    bool captures;              /* output of commands goes to files */
    struct hayi_guest *guest; /* in a child: instead of the store, to read from;
                                 borrowed; or NULL */
    struct hayi_store *store; /* of this process's node; taken: results that are
                                 read in place outlive the farm; or NULL */

    /* any thread; closed, broken and ended change only at the end */
    atomic_uint closed;  /* 1; 2: with cancel_pending */
    atomic_uint awaited; /* somebody waits for the end of all */
    atomic_uint broken;  /* the farm broke down; broken_error tells */
    atomic_uint ended;   /* the manager takes nothing more from the inbox once
                            hayi_executor_quiet() */
    /* what the manager publishes; workers: after the others */
    atomic_uint workers, cores, cores_max; /* cores_max: of one worker */
    atomic_uint workers_lost;              /* have joined or not */
    uint32_t node_count;     /* set once, before anything is submitted */
    atomic_uint *node_cores; /* [node_count], of workers that live; freed with
                                the executor */
    atomic_uint gpus_max;
    atomic_uint_fast64_t memory_max; /* 0: not accounted */

    alignas(64) atomic_uint_fast64_t next_id; /* the last one given */
    atomic_uint_fast64_t unfinished;          /* submitted and not ended */
    atomic_uint refs;        /* futures and queues keep the struct alive */
    atomic_uint submitters;  /* that wait for unfinished to fall */
    atomic_uint posting;     /* other posts that are under way */
    atomic_uint next_thread; /* numbers of submitting threads */

    alignas(64) struct hayi_event_count changed;
    struct hayi_waiters waiters;  /* the same, for tasks */
    atomic_uint_fast64_t stat[8]; /* manager's; by hay_state; [6] submitted */

    /* callbacks: pushed by the manager, run by waiting calls */
    struct hayi_mpsc callbacks;
    atomic_uint_fast64_t callbacks_ready;
    atomic_uint_fast64_t callback_order; /* of adding */
    pthread_mutex_t callback_mutex;      /* the one thread that runs them */

    pthread_mutex_t views_mutex; /* of the objects that results are read from;
                                    held for short copies only */

    /* the walltime; the manager's */
    atomic_uint_fast64_t work_end_ns; /* hayi_clock_ns(); UINT64_MAX: none */
    atomic_uint_fast64_t margin_ns;
    atomic_uint_fast64_t walltime;       /* tasks that were cancelled for it */
    atomic_uint_fast64_t walltime_saved; /* ... that are unfinished, but have
                                            saved their state */
    atomic_uint draining;                /* nothing starts any more */

    struct hayi_error broken_error; /* written before 'broken' */

    /* the manager, until its end: paths that results point to */
    char **paths;
    size_t path_count, path_room;

    /* join once */
    pthread_mutex_t join_mutex;
    bool joined;
    hay_status join_status;
    struct hayi_error join_error;
    struct hayi_close_item *close_item[2]; /* by cancel_pending; who raises
                                              'closed' to it takes it */
};

/* ops and manager are set by the caller before anything is submitted. */
hay_status hayi_executor_new(const hay_options *options, hay_executor **ex);
void hayi_executor_retain(hay_executor *ex);
void hayi_executor_release(hay_executor *ex);
/* Wake those who wait. */
void hayi_executor_wake(hay_executor *ex);
/* Manager: its end.  First hayi_executor_set_ended(), which wakes the joiner;
 * then pop the inbox and give each item to hayi_executor_refuse() until
 * hayi_executor_quiet(), and once more; from then on nobody posts. */
void hayi_executor_set_ended(hay_executor *ex);
bool hayi_executor_quiet(hay_executor *ex);
/* item: taken.  A submit or put ends as failed by the farm (broken) or
 * cancelled, a cancel is answered HAY_EINVAL, a want HAY_EFARM or HAY_ECLOSED;
 * a released future is freed. */
void hayi_executor_refuse(hay_executor *ex, struct hayi_item *item);
/* This thread must not wait in client calls: the manager's own.  Calls that
 * would wait say HAY_EAGAIN. */
void hayi_thread_set_no_wait(bool no_wait);
bool hayi_thread_no_wait(void);
/* Post an item that is not a submit; false: the manager has ended, the item is
 * still the caller's. */
bool hayi_executor_post(hay_executor *ex, struct hayi_item *item);

/* Sleep until 'ready' says so, running callbacks meanwhile (none in a callback
 * or with 'callbacks' false: for what the farm answers at once; a task keeps
 * its cores for it, since those who get them may never give them back). 'ready'
 * is called often; what it looks at must be changed by sequentially consistent
 * operations before hayi_executor_wake(), and it may be called by whoever does
 * that.  In a task: see nested.h. HAY_OK, HAY_ETIMEDOUT without words,
 * HAY_EAGAIN with words where it may not wait and timeout_ns is not 0. */
hay_status hayi_executor_sleep(hay_executor *ex,
                               bool (*ready)(void *),
                               void *argument,
                               uint64_t timeout_ns,
                               bool callbacks);
/* HAY_OK; HAY_EFARM with words if it is broken. */
hay_status hayi_executor_check(hay_executor *ex, struct hayi_error *err);
/* All workers that were expected have joined, or were lost. */
bool hayi_executor_all_joined(hay_executor *ex);
/* Manager: no more than once; err: words. */
void hayi_executor_break(hay_executor *ex, const struct hayi_error *err);

#endif
