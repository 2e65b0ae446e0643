/* spawner_child.c - see spawner_child.h.
 *
 * One ppoll() over the socket, a signalfd and the nearest timer.  When a
 * command ends, its slot's next one is started before anything is sent, and all
 * that happened since the last ppoll() is told in one packet.
 *
 * All signals are blocked and have their default disposition: nothing from a
 * terminal or from mpirun ends this process, and a command inherits defaults
 * without a further call.  It ends when the socket does, or by the signal that
 * its parent's death sends (checked against the parent's id: that signal also
 * comes when only the thread that forked us ends).
 *
 * A process that leaves its command's group and outlives it could go on writing
 * to the slot's output files.  So after each command the list of our children
 * is compared with what we started: if there is one more, the files are given
 * up (see spawner_capture.c).  Whose it was cannot be known, so commands that
 * run at that moment are marked, too.
 */
#include "config.h"

#include "worker/spawner_child.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "worker/spawner_capture.h"
#include "worker/spawner_exec.h"
#include "worker/spawner_job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    TOLD_AFTER_NS = 1000000,  /* a start is told of commands this long */
    FORK_AGAIN_NS = 20000000, /* no process to be had: again after */
    FORK_TRIES_MAX = 100,     /* so often */
    PACKETS_MAX = 64          /* taken in between two looks at the rest */
};
#define KILL_LIMIT_NS (UINT64_C(20) * 1000000000)

struct slot {
    struct hayi_job_queue queue;
    struct hayi_job *running;
    uint64_t again_at_ns; /* UINT64_MAX */
    uint32_t tries;
};

struct zygote {
    int socket;
    int signals;
    int death_signal;
    pid_t parent;
    bool ready;
    bool inherit;
    uint64_t grace_ns;
    struct slot *slot;
    uint32_t slots;
    uint32_t running;
    char *setup; /* memory of the setup's strings */
    struct hayi_environ *env;
    struct hayi_capture *capture;
    int children;               /* see hayi_tree_open(); -1: not looked at */
    struct hayi_pids leftovers; /* children that no running command is */
    struct hayi_pids scratch;
    struct hayi_buffer in;
    struct hayi_buffer out;
    size_t out_sent;
    unsigned char packet[HAYI_SPAWN_PACKET_MAX];
};

/* ---- the end ---------------------------------------------------------------
 */

/* Standard output may be what mpirun waits for: let go of it at once. */
static void drop_outputs(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(null, STDERR_FILENO);
        (void)close(null);
    }
}

static noreturn void finish(struct zygote *z)
{
    if (z->inherit || !z->ready) {
        drop_outputs();
    }
    for (uint32_t i = 0; i < z->slots; i++) {
        if (z->slot[i].running != NULL) {
            (void)kill(-z->slot[i].running->pid, SIGKILL);
        }
    }
    hayi_tree_kill_all(KILL_LIMIT_NS);
    hayi_capture_free(z->capture);
    _exit(0);
}

/* ---- telling ---------------------------------------------------------------
 */

/* The rank has gone, or is mad: nothing to be done for it. */
static void put(struct zygote *z, const void *record, size_t size)
{
    if (hayi_buffer_append(&z->out, record, size) != HAY_OK) {
        finish(z);
    }
}

static void send_out(struct zygote *z)
{
    while (z->out_sent < z->out.size) {
        size_t size = z->out.size - z->out_sent;
        if (size > HAYI_SPAWN_PACKET_MAX) {
            size = HAYI_SPAWN_PACKET_MAX;
        }
        ssize_t n = send(z->socket,
                         z->out.data + z->out_sent,
                         size,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR || errno == ENOBUFS
                || errno == ENOMEM) {
                break;
            }
            finish(z);
        }
        z->out_sent += (size_t)n;
    }
    if (z->out_sent == z->out.size) {
        z->out.size = 0;
        z->out_sent = 0;
    }
}

static void tell(struct zygote *z, const struct hayi_spawn_event *event)
{
    struct hayi_spawn_event_record record;
    memset(&record, 0, sizeof(record));
    record.head =
        (struct hayi_spawn_head){sizeof(record), HAYI_SPAWN_RECORD_EVENT};
    record.event = *event;
    put(z, &record, sizeof(record));
}

static void tell_id(struct zygote *z,
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
    tell(z, &event);
}

/* ---- starting --------------------------------------------------------------
 */

static void tell_not_started(struct zygote *z,
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
    tell(z, &event);
}

/* Once; the job is running afterwards if 'result' says no error. */
static void start_job(struct zygote *z,
                      struct hayi_job *job,
                      struct hayi_exec_result *result)
{
    int fds[2];
    *result = (struct hayi_exec_result){0, HAYI_SPAWN_STEP_OUTPUT, false};
    result->error =
        hayi_capture_begin(z->capture, job->slot, job->id, job->name, fds);
    if (result->error != 0) {
        return;
    }
    struct hayi_exec spec = {
        .line = job->line,
        .argv = job->argv,
        .env = hayi_environ_with(z->env, job->env, job->env_count),
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
    if (result->error == 0 && job->time_limit_ns != 0) {
        job->term_at_ns = job->start_ns + job->time_limit_ns;
    }
    if (result->error != 0) { /* its files, in FILES mode */
        struct hayi_spawn_event none = {.id = job->id};
        hayi_capture_end(z->capture, job->slot, false, &none);
    }
}

/* Start the slot's next command, if it is free and has one. */
static void start_next(struct zygote *z, struct slot *slot)
{
    while (slot->running == NULL && slot->queue.first != NULL) {
        struct hayi_exec_result result;
        struct hayi_job *job = slot->queue.first;
        slot->again_at_ns = UINT64_MAX;
        start_job(z, job, &result);
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
            z->running++;
        } else {
            tell_not_started(z, job, &result, job->start_ns);
            hayi_job_free(job);
        }
    }
}

/* ---- ending ----------------------------------------------------------------
 */

static bool is_running(const struct zygote *z, pid_t pid)
{
    for (uint32_t i = 0; i < z->slots; i++) {
        if (z->slot[i].running != NULL && z->slot[i].running->pid == pid) {
            return true;
        }
    }
    return false;
}

/* Has a process appeared that is none of our commands?  Then the commands that
 * run now are marked: it may be of theirs. */
static bool new_leftover(struct zygote *z)
{
    bool found = false;
    if (z->children < 0) {
        return false;
    }
    hayi_tree_children(z->children, &z->scratch);
    if (z->scratch.count == z->running + z->leftovers.count) {
        return false;
    }
    for (size_t i = 0; i < z->scratch.count; i++) {
        pid_t pid = z->scratch.list[i];
        if (!is_running(z, pid) && !hayi_pids_has(&z->leftovers, pid)) {
            hayi_pids_add(&z->leftovers, pid);
            found = true;
        }
    }
    for (uint32_t i = 0; found && i < z->slots; i++) {
        if (z->slot[i].running != NULL) {
            z->slot[i].running->stained = true;
        }
    }
    return found;
}

/* A command that was made to end: end also those whom it had started and who
 * are now ours, in whatever session. */
static void end_forced(struct zygote *z, struct hayi_job *job)
{
    struct hayi_pids below = {NULL, 0, 0};
    hayi_tree_below(getpid(), &below);
    for (size_t i = 0; i < job->forced.count; i++) {
        pid_t pid = job->forced.list[i];
        if (hayi_pids_has(&below, pid) && !is_running(z, pid)) {
            (void)kill(pid, SIGKILL);
        }
    }
    hayi_pids_fini(&below);
}

static uint64_t of_timeval(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000000U
           + (uint64_t)time->tv_usec * 1000U;
}

static void
job_ended(struct zygote *z, struct slot *slot, int status, struct rusage *usage)
{
    struct hayi_job *job = slot->running;
    struct hayi_spawn_event event = {
        .kind = HAYI_SPAWN_ENDED,
        .id = job->id,
        .slot = job->slot,
        .exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
        .timed_out = job->timed_out,
        .cancelled = job->cancelled,
        .unpinned = job->unpinned,
        .start_ns = job->start_ns,
        .end_ns = hayi_clock_ns(),
        .user_ns = of_timeval(&usage->ru_utime),
        .system_ns = of_timeval(&usage->ru_stime),
        .max_rss_bytes = (uint64_t)usage->ru_maxrss * 1024,
    };
    slot->running = NULL;
    z->running--;
    bool stained = kill(-job->pid, SIGKILL) == 0;
    if (job->forced.count > 0) {
        end_forced(z, job);
    }
    stained = new_leftover(z) || stained || job->stained;
    hayi_capture_end(z->capture, job->slot, stained, &event);
    hayi_job_free(job);
    tell(z, &event);
    start_next(z, slot);
}

static void reap(struct zygote *z)
{
    int status;
    struct rusage usage;
    pid_t pid;
    while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0
           || (pid < 0 && errno == EINTR)) {
        struct slot *slot = NULL;
        for (uint32_t i = 0; pid > 0 && i < z->slots; i++) {
            if (z->slot[i].running != NULL && z->slot[i].running->pid == pid) {
                slot = &z->slot[i];
            }
        }
        if (slot != NULL) {
            job_ended(z, slot, status, &usage);
        } else if (pid > 0) {
            hayi_pids_remove(&z->leftovers, pid);
        }
    }
}

/* SIGTERM now, SIGKILL after the grace time. */
static void force(struct zygote *z, struct hayi_job *job)
{
    if (job->kill_at_ns != UINT64_MAX) {
        return;
    }
    job->term_at_ns = UINT64_MAX;
    job->kill_at_ns = hayi_clock_ns() + z->grace_ns;
    hayi_tree_below(job->pid, &job->forced);
    (void)kill(-job->pid, SIGTERM);
    (void)kill(-job->pid, SIGCONT);
}

/* ---- timers ----------------------------------------------------------------
 */

static void run_timers(struct zygote *z, uint64_t now_ns)
{
    for (uint32_t i = 0; i < z->slots; i++) {
        struct slot *slot = &z->slot[i];
        struct hayi_job *job = slot->running;
        if (job == NULL) {
            if (slot->again_at_ns <= now_ns) {
                start_next(z, slot);
            }
            continue;
        }
        if (!job->told && now_ns >= job->start_ns + TOLD_AFTER_NS) {
            job->told = true;
            tell_id(z, HAYI_SPAWN_STARTED, job, job->id);
        }
        if (job->term_at_ns <= now_ns) {
            job->timed_out = true;
            force(z, job);
        }
        if (job->kill_at_ns <= now_ns) {
            hayi_tree_below(job->pid, &job->forced);
            (void)kill(-job->pid, SIGKILL);
            job->kill_at_ns = UINT64_MAX - 1; /* once */
        }
    }
}

static uint64_t nearest_timer(const struct zygote *z)
{
    uint64_t nearest = UINT64_MAX;
    for (uint32_t i = 0; i < z->slots; i++) {
        const struct slot *slot = &z->slot[i];
        const struct hayi_job *job = slot->running;
        uint64_t at = slot->again_at_ns;
        if (job != NULL) {
            at = job->term_at_ns < job->kill_at_ns ? job->term_at_ns
                                                   : job->kill_at_ns;
            if (!job->told && job->start_ns + TOLD_AFTER_NS < at) {
                at = job->start_ns + TOLD_AFTER_NS;
            }
        }
        nearest = at < nearest ? at : nearest;
    }
    return nearest;
}

/* ---- requests --------------------------------------------------------------
 */

/* The memory, environment, folder and files that the setup asks for. */
static int set_up(struct zygote *z,
                  const struct hayi_spawn_setup_record *record,
                  uint32_t *step)
{
    const char *folder = NULL, *prefix = NULL, *cwd = NULL;
    size_t size = record->head.size;
    *step = HAYI_SPAWN_STEP_FORK;
    if (size < sizeof(*record) || record->env_count > size || record->slots == 0
        || record->slots > HAYI_SPAWN_SLOTS_MAX || z->setup != NULL) {
        return EPROTO;
    }
    char **env = calloc((size_t)record->env_count + 1, sizeof(*env));
    z->setup = malloc(size);
    z->slot = calloc(record->slots, sizeof(*z->slot));
    if (env == NULL || z->setup == NULL || z->slot == NULL) {
        free(env);
        return ENOMEM;
    }
    memcpy(z->setup, record, size);
    struct hayi_strings strings = {z->setup + sizeof(*record), z->setup + size};
    if ((record->has & HAYI_SPAWN_HAS_FOLDER) != 0) {
        folder = hayi_strings_next(&strings);
    }
    if ((record->has & HAYI_SPAWN_HAS_PREFIX) != 0) {
        prefix = hayi_strings_next(&strings);
    }
    if ((record->has & HAYI_SPAWN_HAS_CWD) != 0) {
        cwd = hayi_strings_next(&strings);
    }
    uint32_t count = 0;
    while (count < record->env_count
           && (env[count] = hayi_strings_next(&strings)) != NULL) {
        count++;
    }
    z->env = hayi_environ_new(env, count);
    free(env);
    z->slots = record->slots;
    for (uint32_t i = 0; i < z->slots; i++) {
        hayi_job_queue_init(&z->slot[i].queue);
        z->slot[i].again_at_ns = UINT64_MAX;
    }
    z->grace_ns = record->grace_ns;
    (void)umask((mode_t)record->umask_bits);
    enum hayi_capture_mode mode = (enum hayi_capture_mode)record->capture;
    z->inherit = mode == HAYI_CAPTURE_INHERIT;
    *step = HAYI_SPAWN_STEP_OUTPUT;
    int error =
        z->env == NULL
            ? ENOMEM
            : hayi_capture_new(mode, folder, prefix, z->slots, &z->capture);
    if (error == 0 && cwd != NULL && chdir(cwd) != 0) {
        *step = HAYI_SPAWN_STEP_CWD;
        error = errno;
    }
    if (!z->inherit) {
        drop_outputs();
    }
    if (mode == HAYI_CAPTURE_APPEND) {
        z->children = hayi_tree_open();
    }
    return error;
}

static void take_setup(struct zygote *z,
                       const struct hayi_spawn_setup_record *record)
{
    struct hayi_spawn_ready_record answer = {
        {sizeof(answer), HAYI_SPAWN_RECORD_READY}, 0, 0};
    answer.start_errno = set_up(z, record, &answer.step);
    z->ready = answer.start_errno == 0;
    put(z, &answer, sizeof(answer));
}

static void take_start(struct zygote *z,
                       const struct hayi_spawn_start_record *record)
{
    struct hayi_job *job = hayi_job_new(record);
    if (job == NULL || job->slot >= z->slots) {
        finish(z);
    }
    hayi_job_queue_push(&z->slot[job->slot].queue, job);
}

static struct hayi_job *take_queued(struct zygote *z, uint64_t id)
{
    struct hayi_job *job = NULL;
    for (uint32_t i = 0; job == NULL && i < z->slots; i++) {
        job = hayi_job_queue_take(&z->slot[i].queue, id);
    }
    return job;
}

static void take_revoke(struct zygote *z, uint64_t id)
{
    struct hayi_job *job = take_queued(z, id);
    tell_id(
        z, job != NULL ? HAYI_SPAWN_REVOKED : HAYI_SPAWN_REVOKE_LATE, NULL, id);
    hayi_job_free(job);
}

static void take_cancel(struct zygote *z, uint64_t id)
{
    struct hayi_job *job = take_queued(z, id);
    if (job != NULL) {
        job->cancelled = true;
        job->start_ns = 0;
        tell_id(z, HAYI_SPAWN_ENDED, job, id);
        hayi_job_free(job);
        return;
    }
    for (uint32_t i = 0; i < z->slots; i++) {
        job = z->slot[i].running;
        if (job != NULL && job->id == id) {
            job->cancelled = true;
            force(z, job);
        }
    }
}

static void take(struct zygote *z, const struct hayi_spawn_head *head)
{
    const void *record = head;
    if (head->kind == HAYI_SPAWN_RECORD_SETUP) {
        take_setup(z, record);
        return;
    }
    if (!z->ready || head->size < sizeof(struct hayi_spawn_id_record)) {
        finish(z);
    }
    const struct hayi_spawn_id_record *about = record;
    switch (head->kind) {
    case HAYI_SPAWN_RECORD_START:
        take_start(z, record);
        break;
    case HAYI_SPAWN_RECORD_REVOKE:
        take_revoke(z, about->id);
        break;
    case HAYI_SPAWN_RECORD_CANCEL:
        take_cancel(z, about->id);
        break;
    default:
        finish(z);
    }
}

/* Take all whole records from what has come in. */
static void take_records(struct zygote *z)
{
    size_t at = 0;
    while (z->in.size - at >= sizeof(struct hayi_spawn_head)) {
        const struct hayi_spawn_head *head = (const void *)(z->in.data + at);
        if (head->size < sizeof(*head) || head->size % 8 != 0
            || head->size > HAYI_SPAWN_RECORD_MAX) {
            finish(z);
        }
        if (head->size > z->in.size - at) {
            break;
        }
        take(z, head);
        at += head->size;
    }
    hayi_buffer_consume(&z->in, at);
}

static void receive(struct zygote *z)
{
    for (int i = 0; i < PACKETS_MAX; i++) {
        ssize_t n = recv(z->socket, z->packet, sizeof(z->packet), MSG_DONTWAIT);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) {
                break;
            }
            finish(z);
        }
        if (n == 0) {
            finish(z);
        }
        if (hayi_buffer_append(&z->in, z->packet, (size_t)n) != HAY_OK) {
            finish(z);
        }
    }
    take_records(z);
    for (uint32_t i = 0; i < z->slots; i++) {
        if (z->slot[i].running == NULL
            && z->slot[i].again_at_ns == UINT64_MAX) {
            start_next(z, &z->slot[i]);
        }
    }
}

/* ---- the loop --------------------------------------------------------------
 */

static void read_signals(struct zygote *z)
{
    struct signalfd_siginfo info[8];
    ssize_t n = read(z->signals, info, sizeof(info));
    for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++) {
        if (info[i].ssi_signo == (uint32_t)z->death_signal
            && getppid() != z->parent) {
            finish(z);
        }
    }
}

static noreturn void loop(struct zygote *z)
{
    for (;;) {
        send_out(z);
        struct pollfd fds[2] = {{z->socket, POLLIN, 0},
                                {z->signals, POLLIN, 0}};
        if (z->out_sent < z->out.size) {
            fds[0].events |= POLLOUT;
        }
        uint64_t timer_ns = nearest_timer(z);
        uint64_t now_ns = hayi_clock_ns();
        uint64_t wait_ns = timer_ns > now_ns ? timer_ns - now_ns : 0;
        struct timespec wait = {(time_t)(wait_ns / 1000000000U),
                                (long)(wait_ns % 1000000000U)};
        if (ppoll(fds, 2, timer_ns >= UINT64_MAX - 1 ? NULL : &wait, NULL)
            < 0) {
            continue;
        }
        if (fds[1].revents != 0) {
            read_signals(z);
            reap(z);
        }
        if (fds[0].revents != 0) {
            receive(z);
        }
        if (timer_ns < UINT64_MAX - 1) {
            run_timers(z, hayi_clock_ns());
        }
    }
}

/* Everything above standard error but the socket. */
static void close_others(int socket)
{
    unsigned fd = (unsigned)socket;
    if ((fd <= 3 || syscall(SYS_close_range, 3U, fd - 1, 0U) == 0)
        && syscall(SYS_close_range, fd + 1, ~0U, 0U) == 0) {
        return;
    }
    struct rlimit limit; /* a kernel before 5.9 */
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536
                  ? (int)limit.rlim_cur
                  : 65536;
    for (int i = 3; i < end; i++) {
        if (i != socket) {
            (void)close(i);
        }
    }
}

/* Descriptors 0 to 2: /dev/null for input; outputs stay until the setup says
 * what becomes of them, but exist in any case. */
static void standard_files(void)
{
    int null = open("/dev/null", O_RDWR);
    while (null >= 0 && null <= STDERR_FILENO) {
        null = dup(null);
    }
    if (null > STDERR_FILENO) {
        (void)dup2(null, STDIN_FILENO);
        (void)close(null);
    }
}

static void default_signals(struct zygote *z)
{
    sigset_t set;
    for (int i = 1; i < NSIG; i++) {
        (void)signal(i, SIG_DFL); /* not KILL, STOP and the C library's */
    }
    (void)sigfillset(&set);
    (void)sigprocmask(SIG_SETMASK, &set, NULL);
    z->death_signal = SIGRTMIN + 7;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, z->death_signal);
    z->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

noreturn void hayi_spawner_child_run(int socket, pid_t parent)
{
    struct zygote *z = calloc(1, sizeof(*z));
    if (z == NULL) {
        _exit(1);
    }
    z->socket = socket;
    z->parent = parent;
    z->children = -1;
    hayi_buffer_init(&z->in);
    hayi_buffer_init(&z->out);
    (void)prctl(PR_SET_NAME, "hayfork-spawner");
    (void)setpgid(0, 0);
    close_others(socket);
    standard_files();
    default_signals(z);
    if (z->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0
        || prctl(PR_SET_PDEATHSIG, z->death_signal) != 0) {
        _exit(1);
    }
    if (getppid() != parent) {
        _exit(0);
    }
    loop(z);
}
