/* spawner_ending.c - see spawner_ending.h.
 *
 * Who is told to end is looked up while the command's group stands still, so
 * that nobody forks away meanwhile.  A command above its memory limit gets no
 * grace: in that time it could take all there is.  One above its output limit
 * does, unless it goes on writing as much again.
 */
#include "config.h"

#include "worker/spawner_ending.h"

#include "base/clock.h"
#include "worker/spawner_capture.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum {
    WRITTEN_PER_NS = 2, /* what a fast writer manages */
    LOOK_MIN_NS = 5000000,
    LOOK_MAX_NS = 100000000,
    WARN_AGAIN_NS = 500000000
};
#define OUTPUT_SLACK (UINT64_C(1) << 20)

static uint64_t nearest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* What tells the processes of this attempt from others. */
static void find_marks(const struct hayi_job *job,
                       const char *marks[HAYI_FAMILY_MARKS])
{
    static const char *const names[HAYI_FAMILY_MARKS] = {"HAY_TASK_ID=",
                                                         "HAY_TASK_ATTEMPT="};
    for (int i = 0; i < HAYI_FAMILY_MARKS; i++) {
        marks[i] = NULL;
        for (uint32_t e = 0; e < job->env_count; e++) {
            if (strncmp(job->env[e], names[i], strlen(names[i])) == 0) {
                marks[i] = job->env[e];
            }
        }
    }
}

static uint64_t
next_look(const struct hayi_job *job, uint64_t written, uint64_t now_ns)
{
    uint64_t left = job->output_limit_bytes > written
                        ? job->output_limit_bytes - written
                        : 0;
    uint64_t pause = left / WRITTEN_PER_NS;
    pause = pause > LOOK_MIN_NS ? pause : LOOK_MIN_NS;
    return now_ns + nearest(pause, LOOK_MAX_NS);
}

void hayi_ending_begin(struct hayi_job *job)
{
    if (job->time_limit_ns != 0) {
        job->term_at_ns = job->start_ns + job->time_limit_ns;
    }
    if (job->output_limit_bytes != 0) {
        job->output_at_ns = next_look(job, 0, job->start_ns);
    }
    if (job->memory_limit_bytes != 0) {
        const char *marks[HAYI_FAMILY_MARKS];
        find_marks(job, marks);
        hayi_memory_watch_begin(&job->memory,
                                job->pid,
                                marks,
                                job->memory_limit_bytes,
                                true,
                                job->start_ns);
    }
}

/* Who belongs to it by now. */
static struct hayi_family *family_of(struct hayi_job *job)
{
    struct hayi_family *family = &job->memory.family;
    if (family->root == 0) {
        const char *marks[HAYI_FAMILY_MARKS];
        find_marks(job, marks);
        hayi_family_init(family, job->pid, marks);
    }
    hayi_family_look(family);
    return family;
}

/* ... into job->forced as well. */
static void look_at_family(struct hayi_job *job)
{
    const struct hayi_family *family = family_of(job);
    for (size_t i = 0; i < family->members.count; i++) {
        pid_t pid = family->members.list[i];
        if (pid != job->pid && !hayi_pids_has(&job->forced, pid)) {
            hayi_pids_add(&job->forced, pid);
        }
    }
}

void hayi_ending_warn_at(struct hayi_job *job, uint64_t work_end_ns)
{
    job->warn_at_ns = UINT64_MAX;
    if (job->warn_ns != 0 && work_end_ns != UINT64_MAX && !job->warned) {
        job->warn_at_ns =
            work_end_ns > job->warn_ns ? work_end_ns - job->warn_ns : 0;
    }
}

/* Only those with a handler: to others, such as the shell round a program, it
 * would be deadly.  Where nobody has one it may have just begun. */
static void warn(struct hayi_job *job, uint64_t now_ns)
{
    const struct hayi_pids *members = &family_of(job)->members;
    bool heard = false;
    job->warned = true;
    for (size_t i = 0; i < members->count; i++) {
        if (hayi_tree_handles(members->list[i], SIGUSR1)) {
            (void)kill(members->list[i], SIGUSR1);
            heard = true;
        }
    }
    job->warn_at_ns = heard ? UINT64_MAX : now_ns + WARN_AGAIN_NS;
}

void hayi_ending_force(struct hayi_job *job, uint64_t grace_ns)
{
    if (job->ending) {
        return;
    }
    uint64_t now_ns = hayi_clock_ns();
    uint64_t grace = job->grace_ns != 0 ? job->grace_ns : grace_ns;
    job->ending = true;
    job->term_at_ns = UINT64_MAX;
    job->kill_at_ns = now_ns + grace;
    (void)kill(-job->pid, SIGSTOP);
    look_at_family(job);
    (void)kill(-job->pid, SIGTERM);
    for (size_t i = 0; i < job->forced.count; i++) {
        pid_t pid = job->forced.list[i];
        if (getpgid(pid) != job->pid) {
            (void)kill(pid, SIGTERM);
        }
    }
    (void)kill(-job->pid, SIGCONT);
}

/* At once and for good; its end is seen when it is reaped. */
static void kill_all(struct hayi_job *job)
{
    struct hayi_pids all = {NULL, 0, 0};
    const struct hayi_pids *members = &job->memory.family.members;
    job->ending = true;
    job->killed = true;
    job->term_at_ns = UINT64_MAX;
    job->kill_at_ns = UINT64_MAX;
    look_at_family(job);
    for (size_t i = 0; i < members->count; i++) {
        hayi_pids_add(&all, members->list[i]);
    }
    hayi_tree_kill(&all);
    (void)kill(-job->pid, SIGKILL);
    hayi_pids_fini(&all);
}

static void look_at_output(struct hayi_job *job,
                           const struct hayi_capture *capture,
                           uint64_t grace_ns,
                           uint64_t now_ns)
{
    uint64_t written = hayi_capture_written(capture, job->slot);
    job->output_at_ns = next_look(job, written, now_ns);
    if (written <= job->output_limit_bytes) {
        return;
    }
    if (!job->ending) {
        job->over_output = true;
        hayi_ending_force(job, grace_ns);
    } else if (written / 2 > job->output_limit_bytes
               && written > OUTPUT_SLACK) {
        job->output_at_ns = UINT64_MAX;
        kill_all(job);
    }
}

void hayi_ending_tick(struct hayi_job *job,
                      const struct hayi_capture *capture,
                      uint64_t grace_ns,
                      uint64_t now_ns)
{
    if (job->warn_at_ns <= now_ns && !job->ending) {
        warn(job, now_ns);
    }
    if (job->term_at_ns <= now_ns) {
        job->timed_out = true;
        hayi_ending_force(job, grace_ns);
    }
    if (job->memory.next_ns <= now_ns
        && hayi_memory_watch_look(&job->memory, now_ns)) {
        job->memory.next_ns = UINT64_MAX;
        job->over_memory = !job->ending;
        kill_all(job);
    }
    if (job->output_at_ns <= now_ns) {
        look_at_output(job, capture, grace_ns, now_ns);
    }
    if (job->kill_at_ns <= now_ns) {
        kill_all(job);
    }
}

uint64_t hayi_ending_due_ns(const struct hayi_job *job)
{
    uint64_t warn_ns = job->ending ? UINT64_MAX : job->warn_at_ns;
    return nearest(nearest(nearest(job->term_at_ns, job->kill_at_ns), warn_ns),
                   nearest(job->memory.next_ns, job->output_at_ns));
}
