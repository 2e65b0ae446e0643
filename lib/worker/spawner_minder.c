/* spawner_minder.c - see spawner_minder.h.
 *
 * All signals stay blocked in the minder, which waits for them one at a time.
 * The signal of its parent's death is the one that asks it to kill: an end of
 * the spawner, of whatever kind, is an end of all that is below.
 */
#include "config.h"

#include "worker/spawner_minder.h"

#include "base/clock.h"
#include "worker/child_area.h"
#include "worker/spawner_memory.h"
#include "worker/spawner_tree.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_LIMIT_NS (UINT64_C(20) * 1000000000)

static int term_signal(void)
{
    return SIGRTMIN + 8;
}

static int kill_signal(void)
{
    return SIGRTMIN + 9;
}

static int watch_signal(void)
{
    return SIGRTMIN + 10;
}

void hayi_minder_watch(struct hayi_child_area *area)
{
    struct hayi_pids self = {NULL, 0, 0};
    (void)malloc_trim(0); /* what earlier attempts have freed is not its */
    hayi_pids_add(&self, getpid());
    atomic_store(&area->memory_before_bytes,
                 hayi_memory_estimate(&self, false));
    hayi_pids_fini(&self);
    (void)kill(getppid(), watch_signal());
}

void hayi_minder_urge(pid_t minder, bool hard)
{
    (void)kill(minder, hard ? kill_signal() : term_signal());
}

/* ---- the child ----------------------------------------------------------- */

static noreturn void be_child(const struct hayi_minder_start *start,
                              pid_t parent)
{
    extern char **environ;
    sigset_t none;
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_NAME, "hayfork-child");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1L);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
        _exit(1);
    }
    if (start->env != NULL) {
        environ = start->env;
    }
    /* What the program had not written yet when the spawner was forked is
     * written by the program. */
    __fpurge(stdout);
    __fpurge(stderr);
    (void)signal(SIGPIPE, SIG_IGN); /* as in the rank */
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    start->run(start->area);
    _exit(0);
}

/* ---- the minder ---------------------------------------------------------- */

/* SIGTERM to all below us; who stands still cannot fork away. */
static void terminate(pid_t child)
{
    struct hayi_pids below = {NULL, 0, 0};
    (void)kill(-child, SIGSTOP);
    hayi_tree_below(getpid(), &below);
    (void)kill(-child, SIGTERM);
    for (size_t i = 0; i < below.count; i++) {
        if (getpgid(below.list[i]) != child) {
            (void)kill(below.list[i], SIGTERM);
        }
    }
    (void)kill(-child, SIGCONT);
    hayi_pids_fini(&below);
}

static void kill_tree(pid_t child)
{
    struct hayi_pids pids = {NULL, 0, 0};
    hayi_pids_add(&pids, child);
    hayi_tree_below(getpid(), &pids);
    hayi_tree_kill(&pids);
    hayi_pids_fini(&pids);
}

/* Reap; true: the child has ended, the area tells how. */
static bool reap(struct hayi_child_area *area, pid_t child)
{
    int status;
    struct rusage usage;
    pid_t pid;
    bool ended = false;
    while ((pid = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0
           || (pid < 0 && errno == EINTR)) {
        if (pid == child) {
            atomic_store(&area->wait_status, status);
            atomic_store(&area->max_rss_bytes,
                         (uint64_t)usage.ru_maxrss * 1024);
            ended = true;
        }
    }
    return ended;
}

/* ---- memory -------------------------------------------------------------- */

struct watch {
    struct hayi_memory_watch memory;
    uint32_t attempt; /* what it is for */
    uint64_t before_bytes;
};

/* The child has begun something with a limit. */
static void watch_begin(struct watch *watch,
                        const struct hayi_child_area *area,
                        pid_t child)
{
    static const char *const none[HAYI_FAMILY_MARKS];
    uint64_t limit = atomic_load(&area->memory_limit_bytes);
    hayi_memory_watch_end(&watch->memory);
    watch->attempt = atomic_load(&area->running);
    watch->before_bytes = atomic_load(&area->memory_before_bytes);
    if (watch->attempt != 0 && limit != 0) {
        hayi_memory_watch_begin(&watch->memory,
                                child,
                                none,
                                limit + watch->before_bytes,
                                false,
                                hayi_clock_ns());
    }
}

static void
watch_look(struct watch *watch, struct hayi_child_area *area, pid_t child)
{
    if (atomic_load(&area->running) != watch->attempt) {
        hayi_memory_watch_end(&watch->memory);
    } else if (hayi_memory_watch_look(&watch->memory, hayi_clock_ns())) {
        uint64_t used = watch->memory.used_bytes;
        hayi_memory_watch_end(&watch->memory);
        atomic_store(&area->memory_used_bytes,
                     used > watch->before_bytes ? used - watch->before_bytes
                                                : used);
        atomic_store(&area->over_memory, watch->attempt);
        kill_tree(child);
    }
}

/* The next signal; 0: it is time to look at the memory. */
static int next_signal(const sigset_t *set, const struct watch *watch)
{
    uint64_t at_ns = watch->memory.next_ns;
    if (at_ns == UINT64_MAX) {
        return sigwaitinfo(set, NULL);
    }
    uint64_t now_ns = hayi_clock_ns();
    uint64_t wait_ns = at_ns > now_ns ? at_ns - now_ns : 0;
    struct timespec wait = {(time_t)(wait_ns / 1000000000U),
                            (long)(wait_ns % 1000000000U)};
    int number = sigtimedwait(set, NULL, &wait);
    return number < 0 && errno == EAGAIN ? 0 : number;
}

static noreturn void mind(const struct hayi_minder_start *start, pid_t child)
{
    struct hayi_child_area *area = start->area;
    sigset_t set;
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigaddset(&set, term_signal());
    (void)sigaddset(&set, kill_signal());
    (void)sigaddset(&set, watch_signal());
    struct watch watch = {.attempt = 0};
    hayi_memory_watch_init(&watch.memory);
    while (!reap(area, child)) {
        int number = next_signal(&set, &watch);
        if (number == 0) {
            watch_look(&watch, area, child);
        } else if (number == watch_signal()) {
            watch_begin(&watch, area, child);
        } else if (number == term_signal()) {
            terminate(child);
        } else if (number == kill_signal()) {
            kill_tree(child);
        }
    }
    hayi_tree_kill_all(KILL_LIMIT_NS);
    _exit(0);
}

/* Descriptors of the spawner that are not the child's. */
static void close_others(void)
{
    if (syscall(SYS_close_range, 3U, ~0U, 0U) == 0) {
        return;
    }
    struct rlimit limit; /* a kernel before 5.9 */
    int end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 65536
                  ? (int)limit.rlim_cur
                  : 65536;
    for (int i = 3; i < end; i++) {
        (void)close(i);
    }
}

static noreturn void be_minder(const struct hayi_minder_start *start,
                               pid_t parent)
{
    (void)prctl(PR_SET_NAME, "hayfork-minder");
    if (start->out != STDOUT_FILENO) {
        (void)dup2(start->out, STDOUT_FILENO);
    }
    if (start->err != STDERR_FILENO) {
        (void)dup2(start->err, STDERR_FILENO);
    }
    close_others();
    if (prctl(PR_SET_CHILD_SUBREAPER, 1L) != 0
        || prctl(PR_SET_PDEATHSIG, kill_signal()) != 0 || getppid() != parent) {
        _exit(1);
    }
    pid_t me = getpid();
    pid_t child = fork();
    if (child == 0) {
        be_child(start, me);
    }
    if (child < 0) {
        _exit(1);
    }
    (void)setpgid(child, child); /* whoever is first */
    atomic_store(&start->area->child_pid, child);
    mind(start, child);
}

pid_t hayi_minder_fork(const struct hayi_minder_start *start)
{
    pid_t me = getpid();
    atomic_store(&start->area->wait_status, -1);
    pid_t pid = fork();
    if (pid == 0) {
        be_minder(start, me);
    }
    return pid;
}
