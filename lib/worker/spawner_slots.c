/* spawner_slots.c - see spawner_slots.h.
 *
 * A process that leaves its command's group and outlives it could go on writing
 * to the slot's output files.  So after each command the list of our children
 * is compared with what we started: if there is one more, the files are given
 * up (see spawner_capture.c).  Whose it was cannot be known, so commands that
 * run at that moment are marked, too.
 */
#include "config.h"

#include "worker/spawner_slots.h"

#include "base/clock.h"
#include "worker/spawner_capture.h"
#include "worker/spawner_ending.h"
#include "worker/spawner_exec.h"
#include "worker/spawner_wire.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    TOLD_AFTER_NS = 1000000,  /* a start is told of commands this long */
    FORK_AGAIN_NS = 20000000, /* no process to be had: again after */
    FORK_TRIES_MAX = 100,     /* so often */
    KILLED = 128 + 9          /* how a shell tells of SIGKILL */
};

struct slot {
    struct hayi_job_queue queue;
    struct hayi_job *running;
    uint64_t again_at_ns; /* UINT64_MAX */
    uint32_t tries;
};

struct hayi_spawner_slots {
    struct hayi_spawner_slots_setup setup;
    struct slot *slot;
    uint32_t running;
    uint64_t work_end_ns;
    bool deaf;                  /* an event could not be kept */
    int children;               /* see hayi_tree_open(); -1: not looked at */
    struct hayi_pids leftovers; /* children that no running command is */
    struct hayi_pids scratch;
    struct hayi_oom_watch oom;
};

/* ---- telling ------------------------------------------------------------- */

static void tell(struct hayi_spawner_slots *s,
                 const struct hayi_spawn_event *event)
{
    struct hayi_spawn_event_record record;
    memset(&record, 0, sizeof(record));
    record.head =
        (struct hayi_spawn_head){sizeof(record), HAYI_SPAWN_RECORD_EVENT};
    record.event = *event;
    if (hayi_buffer_append(s->setup.events, &record, sizeof(record))
        != HAY_OK) {
        s->deaf = true;
    }
}

static void tell_id(struct hayi_spawner_slots *s,
                    enum hayi_spawn_event_kind kind,
                    const struct hayi_job *job,
                    uint64_t id)
{
    struct hayi_spawn_event event = {.kind = kind, .id = id};
    if (job != NULL) {
        event.slot = job->slot;
        event.start_ns = job->start_ns;
        event.cancelled = job->cancelled;
        event.unpinned = job->unpinned;
    }
    if (kind == HAYI_SPAWN_ENDED) {
        event.end_ns = hayi_clock_ns();
    }
    tell(s, &event);
}

/* ---- starting ------------------------------------------------------------ */

static void tell_not_started(struct hayi_spawner_slots *s,
                             const struct hayi_job *job,
                             const struct hayi_exec_result *result,
                             uint64_t start_ns)
{
    struct hayi_spawn_event event = {
        .kind = HAYI_SPAWN_ENDED,
        .id = job->id,
        .slot = job->slot,
        .start_errno = result->error,
        .start_step = result->step,
        .start_ns = start_ns,
        .end_ns = hayi_clock_ns(),
    };
    bool missing = result->step == HAYI_SPAWN_STEP_EXEC
                   && (result->error == ENOENT || result->error == ENOTDIR);
    event.exit_code = missing ? 127 : 126;
    tell(s, &event);
}

/* Once; the job is running afterwards if 'result' says no error. */
static void start_job(struct hayi_spawner_slots *s,
                      struct hayi_job *job,
                      struct hayi_exec_result *result)
{
    int fds[2];
    *result = (struct hayi_exec_result){0, HAYI_SPAWN_STEP_OUTPUT, false};
    result->error = hayi_capture_begin(
        s->setup.capture, job->slot, job->id, job->name, fds);
    if (result->error != 0) {
        return;
    }
    struct hayi_exec spec = {
        .line = job->line,
        .argv = job->argv,
        .env = hayi_environ_with(s->setup.env, job->env, job->env_count),
        .cwd = job->cwd,
        .stdin_path = job->stdin_path,
        .out = fds[0],
        .err = fds[1],
        .cpus = job->cpus,
        .cpu_count = job->cpu_count,
    };
    if (spec.env == NULL) {
        *result =
            (struct hayi_exec_result){ENOMEM, HAYI_SPAWN_STEP_FORK, false};
        return;
    }
    job->start_ns = hayi_clock_ns();
    job->pid = hayi_exec_start(&spec, result);
    job->unpinned = result->unpinned;
    if (result->error == 0) {
        hayi_ending_begin(job);
        hayi_ending_warn_at(job, s->work_end_ns);
    } else { /* its files, in FILES mode */
        struct hayi_spawn_event none = {.id = job->id};
        hayi_capture_end(s->setup.capture, job->slot, 0, false, &none);
    }
}

/* Start the slot's next command, if it is free and has one. */
static void start_next(struct hayi_spawner_slots *s, struct slot *slot)
{
    while (slot->running == NULL && slot->queue.first != NULL) {
        struct hayi_exec_result result;
        struct hayi_job *job = slot->queue.first;
        slot->again_at_ns = UINT64_MAX;
        start_job(s, job, &result);
        if (result.step == HAYI_SPAWN_STEP_FORK && result.error != 0
            && slot->tries < FORK_TRIES_MAX) {
            slot->tries++;
            slot->again_at_ns = hayi_clock_ns() + FORK_AGAIN_NS;
            return;
        }
        slot->tries = 0;
        (void)hayi_job_queue_pop(&slot->queue);
        if (result.error == 0) {
            slot->running = job;
            s->running++;
        } else {
            tell_not_started(s, job, &result, job->start_ns);
            hayi_job_free(job);
        }
    }
}

/* ---- ending -------------------------------------------------------------- */

static bool is_running(const struct hayi_spawner_slots *s, pid_t pid)
{
    for (uint32_t i = 0; i < s->setup.count; i++) {
        if (s->slot[i].running != NULL && s->slot[i].running->pid == pid) {
            return true;
        }
    }
    return false;
}

/* Has a process appeared that is none of our commands?  Then the commands that
 * run now are marked: it may be of theirs. */
static bool new_leftover(struct hayi_spawner_slots *s)
{
    bool found = false;
    if (s->children < 0) {
        return false;
    }
    hayi_tree_children(s->children, &s->scratch);
    if (s->scratch.count == s->running + s->leftovers.count) {
        return false;
    }
    for (size_t i = 0; i < s->scratch.count; i++) {
        pid_t pid = s->scratch.list[i];
        if (!is_running(s, pid) && !hayi_pids_has(&s->leftovers, pid)) {
            hayi_pids_add(&s->leftovers, pid);
            found = true;
        }
    }
    for (uint32_t i = 0; found && i < s->setup.count; i++) {
        if (s->slot[i].running != NULL) {
            s->slot[i].running->stained = true;
        }
    }
    return found;
}

/* A command that was made to end: end also those whom it had started and who
 * are now ours, in whatever session. */
static void end_forced(struct hayi_spawner_slots *s, struct hayi_job *job)
{
    struct hayi_pids below = {NULL, 0, 0};
    struct hayi_pids rest = {NULL, 0, 0};
    hayi_tree_below(getpid(), &below);
    for (size_t i = 0; i < job->forced.count; i++) {
        pid_t pid = job->forced.list[i];
        if (hayi_pids_has(&below, pid) && !is_running(s, pid)) {
            hayi_pids_add(&rest, pid);
        }
    }
    hayi_tree_kill(&rest);
    hayi_pids_fini(&rest);
    hayi_pids_fini(&below);
}

static uint64_t of_timeval(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000U
           + (uint64_t)time->tv_usec * 1000U;
}

static void job_ended(struct hayi_spawner_slots *s,
                      struct slot *slot,
                      int status,
                      struct rusage *usage)
{
    struct hayi_job *job = slot->running;
    struct hayi_spawn_event event = {
        .kind = HAYI_SPAWN_ENDED,
        .id = job->id,
        .slot = job->slot,
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .timed_out = job->timed_out,
        .over_memory = job->over_memory,
        .over_output = job->over_output,
        .warned = job->warned,
        .cancelled = job->cancelled,
        .unpinned = job->unpinned,
        .start_ns = job->start_ns,
        .end_ns = hayi_clock_ns(),
        .user_ns = of_timeval(&usage->ru_utime),
        .system_ns = of_timeval(&usage->ru_stime),
        .memory_peak_bytes = (uint64_t)usage->ru_maxrss * 1024,
    };
    if (job->memory.peak_bytes > event.memory_peak_bytes) {
        event.memory_peak_bytes = job->memory.peak_bytes;
    }
    if (!job->ending
        && (event.signal == SIGKILL || event.exit_code == KILLED)) {
        event.oom_kill = hayi_oom_lately(&s->oom, event.end_ns);
    }
    slot->running = NULL;
    s->running--;
    bool stained = kill(-job->pid, SIGKILL) == 0;
    if (job->forced.count > 0) {
        end_forced(s, job);
    }
    stained = new_leftover(s) || stained || job->stained;
    hayi_capture_end(
        s->setup.capture, job->slot, job->output_limit_bytes, stained, &event);
    hayi_job_free(job);
    tell(s, &event);
    start_next(s, slot);
}

void hayi_spawner_slots_reap(struct hayi_spawner_slots *s)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0
           || (pid < 0 && errno == EINTR)) {
        struct slot *slot = NULL;
        for (uint32_t i = 0; pid > 0 && i < s->setup.count; i++) {
            if (s->slot[i].running != NULL && s->slot[i].running->pid == pid) {
                slot = &s->slot[i];
            }
        }
        if (slot != NULL) {
            job_ended(s, slot, status, &usage);
        } else if (pid > 0) {
            if (s->setup.other != NULL) {
                (void)s->setup.other(s->setup.other_context, pid);
            }
            hayi_pids_remove(&s->leftovers, pid);
        }
    }
}

/* ---- timers -------------------------------------------------------------- */

void hayi_spawner_slots_tick(struct hayi_spawner_slots *s, uint64_t now_ns)
{
    for (uint32_t i = 0; i < s->setup.count; i++) {
        struct slot *slot = &s->slot[i];
        struct hayi_job *job = slot->running;
        if (job == NULL) {
            if (slot->again_at_ns <= now_ns) {
                start_next(s, slot);
            }
            continue;
        }
        if (!job->told && now_ns >= job->start_ns + TOLD_AFTER_NS) {
            job->told = true;
            tell_id(s, HAYI_SPAWN_STARTED, job, job->id);
        }
        hayi_ending_tick(job, s->setup.capture, s->setup.grace_ns, now_ns);
    }
}

uint64_t hayi_spawner_slots_deadline_ns(const struct hayi_spawner_slots *s)
{
    uint64_t nearest = UINT64_MAX;
    for (uint32_t i = 0; i < s->setup.count; i++) {
        const struct slot *slot = &s->slot[i];
        const struct hayi_job *job = slot->running;
        uint64_t at = slot->again_at_ns;
        if (job != NULL) {
            at = hayi_ending_due_ns(job);
            if (!job->told && job->start_ns + TOLD_AFTER_NS < at) {
                at = job->start_ns + TOLD_AFTER_NS;
            }
        }
        nearest = at < nearest ? at : nearest;
    }
    return nearest;
}

/* ---- the public side ----------------------------------------------------- */

struct hayi_spawner_slots *
hayi_spawner_slots_new(const struct hayi_spawner_slots_setup *setup)
{
    struct hayi_spawner_slots *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->setup = *setup;
    s->work_end_ns = UINT64_MAX;
    s->slot = calloc(setup->count, sizeof(*s->slot));
    if (s->slot == NULL) {
        free(s);
        return NULL;
    }
    for (uint32_t i = 0; i < setup->count; i++) {
        hayi_job_queue_init(&s->slot[i].queue);
        s->slot[i].again_at_ns = UINT64_MAX;
    }
    hayi_oom_watch_init(&s->oom);
    s->children = setup->watch_children ? hayi_tree_open() : -1;
    return s;
}

void hayi_spawner_slots_kill(struct hayi_spawner_slots *s)
{
    for (uint32_t i = 0; i < s->setup.count; i++) {
        if (s->slot[i].running != NULL) {
            (void)kill(-s->slot[i].running->pid, SIGKILL);
        }
    }
}

void hayi_spawner_slots_ours(struct hayi_spawner_slots *s, pid_t pid)
{
    hayi_pids_add(&s->leftovers, pid);
}

bool hayi_spawner_slots_push(struct hayi_spawner_slots *s, struct hayi_job *job)
{
    if (job->slot >= s->setup.count) {
        return false;
    }
    hayi_job_queue_push(&s->slot[job->slot].queue, job);
    return true;
}

bool hayi_spawner_slots_start(struct hayi_spawner_slots *s)
{
    for (uint32_t i = 0; i < s->setup.count; i++) {
        if (s->slot[i].running == NULL
            && s->slot[i].again_at_ns == UINT64_MAX) {
            start_next(s, &s->slot[i]);
        }
    }
    return !s->deaf;
}

static struct hayi_job *take_queued(struct hayi_spawner_slots *s, uint64_t id)
{
    struct hayi_job *job = NULL;
    for (uint32_t i = 0; job == NULL && i < s->setup.count; i++) {
        job = hayi_job_queue_take(&s->slot[i].queue, id);
    }
    return job;
}

static struct hayi_job *find_running(struct hayi_spawner_slots *s, uint64_t id)
{
    for (uint32_t i = 0; i < s->setup.count; i++) {
        struct hayi_job *job = s->slot[i].running;
        if (job != NULL && job->id == id) {
            return job;
        }
    }
    return NULL;
}

void hayi_spawner_slots_revoke(struct hayi_spawner_slots *s, uint64_t id)
{
    struct hayi_job *job = take_queued(s, id);
    if (job != NULL) {
        tell_id(s, HAYI_SPAWN_REVOKED, NULL, id);
        hayi_job_free(job);
    } else if (find_running(s, id) != NULL) {
        tell_id(s, HAYI_SPAWN_REVOKE_LATE, NULL, id);
    }
}

void hayi_spawner_slots_cancel(struct hayi_spawner_slots *s, uint64_t id)
{
    struct hayi_job *job = take_queued(s, id);
    if (job != NULL) {
        job->cancelled = true;
        job->start_ns = 0;
        tell_id(s, HAYI_SPAWN_ENDED, job, id);
        hayi_job_free(job);
        return;
    }
    job = find_running(s, id);
    if (job != NULL) {
        job->cancelled = true;
        hayi_ending_force(job, s->setup.grace_ns);
    }
}

void hayi_spawner_slots_work_end(struct hayi_spawner_slots *s, uint64_t end_ns)
{
    s->work_end_ns = end_ns;
    for (uint32_t i = 0; i < s->setup.count; i++) {
        if (s->slot[i].running != NULL) {
            hayi_ending_warn_at(s->slot[i].running, end_ns);
        }
    }
}
