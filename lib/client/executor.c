/* executor.c - see executor.h.
 *
 * Sleeping: all sleepers of an executor share one eventcount.  Who changes
 * something first publishes it, then looks whether somebody sleeps; who wants
 * to sleep first says so, then looks once more (Dekker; all of it sequentially
 * consistent operations, no stand-alone fence).  What ends often (tasks) has a
 * flag of its own that says whether anyone cares, so that the manager pays for
 * sleepers only where there are some.
 *
 * The end: the manager sets 'ended', then empties its inbox until
 * hayi_executor_quiet().  A submit counts itself in 'unfinished', another post
 * in 'posting', before it looks at 'ended'; so nothing is posted to a manager
 * that is gone.
 */
#include "config.h"

#include "client/executor.h"

#include "base/clock.h"
#include "client/callback.h"
#include "client/check.h"
#include "client/nested.h"
#include "client/resume.h"
#include "data/store.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const uint64_t pending_max_default = 4000000;

/* ---- the eventcount ---------------------------------------------------------
 */

uint32_t hayi_event_prepare(struct hayi_event_count *ec)
{
    (void)atomic_fetch_add(&ec->waiters, 1);
    return atomic_load(&ec->sequence);
}

void hayi_event_cancel(struct hayi_event_count *ec)
{
    (void)atomic_fetch_sub(&ec->waiters, 1);
}

bool hayi_event_wait(struct hayi_event_count *ec,
                     uint32_t key,
                     uint64_t deadline_ns)
{
    struct timespec until = {
        .tv_sec = (time_t)(deadline_ns / UINT64_C(1000000000)),
        .tv_nsec = (long)(deadline_ns % UINT64_C(1000000000)),
    };
    long rc = 0;
    errno = 0;
    if (atomic_load(&ec->sequence) == key) {
        /* The bitset form takes an absolute time on the monotonic clock. */
        rc = syscall(SYS_futex,
                     &ec->sequence,
                     FUTEX_WAIT_BITSET_PRIVATE,
                     key,
                     deadline_ns == UINT64_MAX ? NULL : &until,
                     NULL,
                     FUTEX_BITSET_MATCH_ANY);
    }
    bool in_time = rc == 0 || errno != ETIMEDOUT;
    (void)atomic_fetch_sub(&ec->waiters, 1);
    return in_time;
}

void hayi_event_notify(struct hayi_event_count *ec)
{
    if (atomic_load(&ec->waiters) == 0) {
        return;
    }
    (void)atomic_fetch_add(&ec->sequence, 1);
    (void)syscall(
        SYS_futex, &ec->sequence, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* ---- threads that must not wait
 * ----------------------------------------------- */

static _Thread_local bool no_wait_here;

void hayi_thread_set_no_wait(bool no_wait)
{
    no_wait_here = no_wait;
}

bool hayi_thread_no_wait(void)
{
    return no_wait_here;
}

/* ---- life
 * -------------------------------------------------------------------- */

void hay_options_init(hay_options *options)
{
    *options = (hay_options)HAY_OPTIONS_INIT;
}

hay_status hayi_executor_new(const hay_options *options, hay_executor **ex)
{
    static atomic_uint_fast64_t serials;
    static const hay_options defaults = HAY_OPTIONS_INIT;
    const hay_options *o = options != NULL ? options : &defaults;
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hayi_check_in(o, sizeof(*o), "hay_options", err);
    if (st != HAY_OK) {
        return st;
    }
    hay_executor *fresh = aligned_alloc(alignof(hay_executor), sizeof(*fresh));
    struct hayi_close_item *soft = calloc(1, sizeof(*soft));
    struct hayi_close_item *hard = calloc(1, sizeof(*hard));
    if (fresh == NULL || soft == NULL || hard == NULL) {
        free(fresh);
        free(soft);
        free(hard);
        return hayi_fail(err, HAY_ENOMEM, "out of memory for an executor");
    }
    memset(fresh, 0, sizeof(*fresh));
    fresh->pending_max =
        o->pending_max != 0 ? o->pending_max : pending_max_default;
    fresh->seed = o->seed;
    fresh->process = o->runner == HAY_RUNNER_PROCESS;
    fresh->start_ns = hayi_clock_ns();
    fresh->serial = 1 + atomic_fetch_add(&serials, 1);
    fresh->workers_expected = 1;
    atomic_init(&fresh->work_end_ns, UINT64_MAX);
    fresh->check_files = o->check_files;
    fresh->dry_run = o->dry_run;
    fresh->captures =
        o->output == HAY_OUTPUT_APPEND || o->output == HAY_OUTPUT_FILES
        || (o->output == HAY_OUTPUT_DEFAULT && o->run_folder != NULL);
    atomic_init(&fresh->refs, 1);
    fresh->close_item[0] = soft;
    fresh->close_item[1] = hard;
    hayi_mpsc_init(&fresh->callbacks);
    (void)pthread_mutex_init(&fresh->waiters.mutex, NULL);
    (void)pthread_mutex_init(&fresh->callback_mutex, NULL);
    (void)pthread_mutex_init(&fresh->join_mutex, NULL);
    (void)pthread_mutex_init(&fresh->views_mutex, NULL);
    st = hayi_resources_new(o, &fresh->resources, err);
    if (st == HAY_OK && o->run_folder != NULL) {
        st = hayi_resume_new(o, &fresh->resume, err);
    } else if (st == HAY_OK && o->dry_run) {
        st = hayi_fail(err, HAY_EINVAL, "a dry run needs a run folder");
    }
    if (st != HAY_OK) {
        hayi_executor_release(fresh);
        return st;
    }
    *ex = fresh;
    return HAY_OK;
}

void hayi_executor_retain(hay_executor *ex)
{
    (void)atomic_fetch_add_explicit(&ex->refs, 1, memory_order_relaxed);
}

void hayi_executor_release(hay_executor *ex)
{
    if (atomic_fetch_sub_explicit(&ex->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    free(ex->close_item[0]);
    free(ex->close_item[1]);
    for (size_t i = 0; i < ex->path_count; i++) {
        free(ex->paths[i]);
    }
    free(ex->paths);
    (void)pthread_mutex_destroy(&ex->waiters.mutex);
    (void)pthread_mutex_destroy(&ex->callback_mutex);
    (void)pthread_mutex_destroy(&ex->join_mutex);
    (void)pthread_mutex_destroy(&ex->views_mutex);
    free(ex->node_cores);
    hayi_store_free(ex->store);
    hayi_resources_free(ex->resources);
    hayi_resume_free(ex->resume);
    free(ex);
}

void hayi_executor_wake(hay_executor *ex)
{
    hayi_event_notify(&ex->changed);
    hayi_nested_wake(ex);
}

void hayi_executor_break(hay_executor *ex, const struct hayi_error *err)
{
    assert(atomic_load(&ex->broken) == 0);
    ex->broken_error = *err;
    atomic_store(&ex->broken, 1);
    hayi_executor_wake(ex);
}

void hayi_executor_set_ended(hay_executor *ex)
{
    atomic_store(&ex->ended, 1);
    hayi_executor_wake(ex);
}

bool hayi_executor_quiet(hay_executor *ex)
{
    return atomic_load(&ex->unfinished) == 0 && atomic_load(&ex->posting) == 0;
}

/* It came too late to be handed to the manager proper. */
static void refuse_submit(hay_executor *ex, hay_future *future)
{
    bool broken = atomic_load(&ex->broken) != 0;
    struct hayi_result *result = calloc(1, sizeof(*result));
    if (result != NULL) {
        result->status = broken ? HAY_EFARM : HAY_ECANCELLED;
        result->reason = strdup(broken ? ex->broken_error.text
                                       : "the executor was shut down");
    }
    (void)hayi_future_complete(
        future, broken ? HAY_FAILED : HAY_CANCELLED, result);
}

static void refuse_want(hay_executor *ex, struct hayi_want_item *item)
{
    if (hayi_executor_check(ex, &item->error) == HAY_OK) {
        (void)hayi_fail(
            &item->error, HAY_ECLOSED, "the executor was shut down");
    }
    hayi_want_answered(item);
}

void hayi_executor_refuse(hay_executor *ex, struct hayi_item *item)
{
    switch (item->kind) {
    case HAYI_ITEM_SUBMIT:
    case HAYI_ITEM_PUT:
        refuse_submit(ex, (hay_future *)(void *)item);
        break;
    case HAYI_ITEM_CANCEL:
        hayi_cancel_answered((struct hayi_cancel_item *)(void *)item,
                             HAY_EINVAL);
        break;
    case HAYI_ITEM_WANT:
        refuse_want(ex, (struct hayi_want_item *)(void *)item);
        break;
    case HAYI_ITEM_RELEASE:
        hayi_future_free_record((hay_future *)(void *)item);
        break;
    case HAYI_ITEM_MAP_READ:
        hay_future_release(((struct hayi_map_read_item *)(void *)item)->map);
        free(item);
        break;
    default:
        free(item);
        break;
    }
    hayi_executor_wake(ex);
}

bool hayi_executor_post(hay_executor *ex, struct hayi_item *item)
{
    (void)atomic_fetch_add(&ex->posting, 1);
    bool open = atomic_load(&ex->ended) == 0;
    if (open) {
        ex->ops->post(ex->manager, item);
    }
    (void)atomic_fetch_sub(&ex->posting, 1);
    return open;
}

/* ---- sleeping
 * ---------------------------------------------------------------- */

hay_status hayi_executor_sleep(hay_executor *ex,
                               bool (*ready)(void *),
                               void *argument,
                               uint64_t timeout_ns,
                               bool callbacks)
{
    if (callbacks) {
        (void)hayi_callback_run(ex);
    }
    if (ready(argument)) {
        return HAY_OK;
    }
    if (timeout_ns == 0) {
        return HAY_ETIMEDOUT;
    }
    if (hayi_thread_no_wait()) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EAGAIN,
                         "the farm's own thread may not wait");
    }
    uint64_t deadline_ns = hayi_clock_deadline(timeout_ns);
    if (hayi_nested_may_wait() && (callbacks || hayi_nested_in_child())) {
        return hayi_nested_sleep(ex, ready, argument, deadline_ns, callbacks);
    }
    if (hayi_nested_cannot_wait_here()) {
        return hayi_nested_cannot_wait();
    }
    for (bool in_time = true;;) {
        uint32_t key = hayi_event_prepare(&ex->changed);
        bool ran = callbacks && hayi_callback_run(ex);
        if (ready(argument) || ran || !in_time) {
            hayi_event_cancel(&ex->changed);
            if (ready(argument)) {
                return HAY_OK;
            }
            if (!in_time) {
                return HAY_ETIMEDOUT;
            }
            in_time =
                deadline_ns == UINT64_MAX || hayi_clock_ns() < deadline_ns;
            continue;
        }
        in_time = hayi_event_wait(&ex->changed, key, deadline_ns);
    }
}

/* ---- facts
 * -------------------------------------------------------------------- */

hay_status hay_executor_stats(hay_executor *ex, hay_stats *stats)
{
    hay_status st =
        hayi_check_out(stats, sizeof(*stats), "hay_stats", hayi_thread_error());
    if (st != HAY_OK) {
        return st;
    }
    stats->submitted = atomic_load(&ex->stat[6]);
    stats->pending = atomic_load(&ex->stat[HAY_PENDING]);
    stats->ready = atomic_load(&ex->stat[HAY_READY]);
    stats->running = atomic_load(&ex->stat[HAY_RUNNING]);
    stats->finished = atomic_load(&ex->stat[HAY_FINISHED]);
    stats->failed = atomic_load(&ex->stat[HAY_FAILED]);
    stats->cancelled = atomic_load(&ex->stat[HAY_CANCELLED]);
    stats->workers = atomic_load(&ex->workers);
    stats->cores = atomic_load(&ex->cores);
    stats->time_left_ns = hayi_clock_left(atomic_load(&ex->work_end_ns));
    stats->margin_ns = atomic_load(&ex->margin_ns);
    stats->walltime = atomic_load(&ex->walltime);
    stats->draining = atomic_load(&ex->draining) != 0;
    return HAY_OK;
}

hay_status hayi_executor_check(hay_executor *ex, struct hayi_error *err)
{
    if (atomic_load(&ex->broken) != 0) {
        return hayi_fail(err, HAY_EFARM, "%s", ex->broken_error.text);
    }
    return HAY_OK;
}

hay_status hay_executor_health(hay_executor *ex)
{
    return hayi_executor_check(ex, hayi_thread_error());
}

bool hayi_executor_all_joined(hay_executor *ex)
{
    return atomic_load(&ex->workers) + atomic_load(&ex->workers_lost)
           >= ex->workers_expected;
}

static bool workers_there(void *argument)
{
    hay_executor *ex = argument;
    return hayi_executor_all_joined(ex) || atomic_load(&ex->broken) != 0
           || atomic_load(&ex->ended) != 0;
}

hay_status hay_executor_wait_workers(hay_executor *ex, uint64_t timeout_ns)
{
    struct hayi_error *err = hayi_thread_error();
    if (ex->ops->admit != NULL) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "tasks on other ranks than the farm's first, and in "
                         "child processes, do not know who has joined");
    }
    hay_status st =
        hayi_executor_sleep(ex, workers_there, ex, timeout_ns, true);
    if (st == HAY_ETIMEDOUT) {
        return hayi_fail(err,
                         st,
                         "%u of %u workers have joined",
                         atomic_load(&ex->workers),
                         ex->workers_expected);
    }
    if (st == HAY_OK) {
        st = hayi_executor_check(ex, err);
    }
    if (st == HAY_OK && !hayi_executor_all_joined(ex)) {
        st = hayi_fail(err, HAY_ECLOSED, "the executor is shut down");
    }
    return st;
}

/* ---- the end
 * ------------------------------------------------------------------ */

static bool ended(void *argument)
{
    hay_executor *ex = argument;
    return atomic_load(&ex->ended) != 0;
}

/* Wait for the end, run the last callbacks, join once. */
static hay_status join(hay_executor *ex)
{
    hay_status st = hayi_executor_sleep(ex, ended, ex, HAY_FOREVER, true);
    if (st != HAY_OK) {
        return st;
    }
    (void)pthread_mutex_lock(&ex->join_mutex);
    if (!ex->joined) {
        ex->join_status = ex->ops->join(ex->manager, &ex->join_error);
        ex->joined = true;
    }
    st = ex->join_status;
    if (st != HAY_OK) {
        *hayi_thread_error() = ex->join_error;
    }
    (void)pthread_mutex_unlock(&ex->join_mutex);
    (void)hayi_callback_run(ex);
    return st;
}

/* At most once for each of the two ways, so that it cannot fail. */
static void post_close(hay_executor *ex, bool cancel_pending)
{
    struct hayi_close_item *item = ex->close_item[cancel_pending];
    ex->close_item[cancel_pending] = NULL;
    item->item.kind = HAYI_ITEM_CLOSE;
    item->cancel_pending = cancel_pending;
    if (!hayi_executor_post(ex, &item->item)) {
        free(item);
    }
}

static hay_status not_in_a_task(void)
{
    return hayi_fail(hayi_thread_error(),
                     HAY_EINVAL,
                     "a task cannot shut down the farm that runs it");
}

hay_status hay_shutdown(hay_executor *ex, bool wait, bool cancel_pending)
{
    if (hayi_nested_task(ex) != NULL) {
        return not_in_a_task();
    }
    if (wait) {
        atomic_store(&ex->awaited, 1);
    }
    unsigned want = cancel_pending ? 2 : 1;
    unsigned before = atomic_load(&ex->closed);
    while (before < want
           && !atomic_compare_exchange_weak(&ex->closed, &before, want)) {
    }
    if (before < want) {
        post_close(ex, cancel_pending);
        hayi_executor_wake(ex); /* submits that wait for room */
    }
    return wait ? join(ex) : hay_executor_health(ex);
}

void hay_executor_free(hay_executor *ex)
{
    if (ex == NULL) {
        return;
    }
    if (hayi_nested_task(ex) != NULL) {
        (void)not_in_a_task();
        return;
    }
    struct hayi_error before = *hayi_thread_error();
    if (ex->ops != NULL) {
        (void)hay_shutdown(ex, true, true);
    }
    *hayi_thread_error() = before;
    hayi_callback_drop(ex);
    hayi_executor_release(ex);
}
