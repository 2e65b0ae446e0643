/* launcher.c - starts a program under mpirun and owns its end; see launcher.h.
 *
 * One loop over two descriptors, mpirun's standard error and the pipe of
 * signals.  The end comes in one of these ways:
 * - rank 0's guard has told its status: mpirun gets two seconds to end, then
 *   SIGTERM, SIGTERM, SIGKILL (under recovery it may hang after a loss);
 * - mpirun ends without such a word: that is a failure of the farm;
 * - we are interrupted: see on_interrupt().
 * mpirun has a process group of its own, so that a terminal's Ctrl-C reaches us
 * alone, and dies with us.
 */
#include "config.h"

#include "deadline.h"
#include "errfilter.h"
#include "launcher.h"
#include "mpirun.h"
#include "runfolder.h"
#include "signals.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define END_PATIENCE_MS   2000  /* for mpirun, when rank 0 has ended */
#define TERM_PATIENCE_MS  1000  /* between two SIGTERMs */
#define RANKS_PATIENCE_MS 3000  /* the same, if ranks are to be ended by it */
#define KILL_PATIENCE_MS  4000  /* from the second SIGTERM to SIGKILL */
#define FORCE_PATIENCE_MS 20000 /* for the farm to end its tasks */
#define TMP_BASE_MAX      40
#define USER_BASE_MAX     160
#define HALF_LINE_MS      50
#define SIGNAL_PAUSE_MS   50
#define NO_TIME           INT64_MAX

struct state {
    const struct launch *launch;
    pid_t mpirun;
    bool mpirun_gone;
    int mpirun_status;
    int err_fd; /* -1: closed */
    struct errfilter filter;
    struct text out;
    char status_file[256];
    int interrupts;
    int kills;       /* signals sent to end mpirun */
    int64_t next_ms; /* when to send the next one */
};

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

hay_status
launcher_wanted(const struct launch *launch, bool *wanted, struct fault *fault)
{
    struct hosts hosts;
    enum batch_system system;
    *wanted = false;
    if (hosts_is_rank()) {
        return HAY_OK;
    }
    if (hosts_lonely_srun()) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "started by srun as several tasks without MPI: use "
                         "srun --mpi=pmix, or no srun at all");
    }
    if (launch->ranks != 0 || launch->hosts != NULL) {
        *wanted = true;
        return HAY_OK;
    }
    hosts_init(&hosts);
    hay_status status = hosts_allocation(&hosts, &system, fault);
    *wanted =
        hosts.count > 1 || (hosts.count == 1 && launch->ranks_per_node > 1);
    hosts_fini(&hosts);
    return status;
}

/* ---- starting ---- */

/* A terminal cannot be read by a process group in the background, so somebody
 * of ours has to. */
static int stdin_through_pipe(void)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -1;
    }
    pid_t reader = fork();
    if (reader == 0) {
        char data[4096];
        ssize_t got;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        signal(SIGINT, SIG_IGN);
        while ((got = read(STDIN_FILENO, data, sizeof data)) > 0) {
            if (write(ends[1], data, (size_t)got) != got) {
                break;
            }
        }
        _exit(0);
    }
    close(ends[1]);
    return ends[0];
}

static int stdin_for(const struct launch *launch)
{
    if (!launch->pass_stdin) {
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
    return isatty(STDIN_FILENO) ? stdin_through_pipe() : STDIN_FILENO;
}

static void become_mpirun(char **argv, int in, int err, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) {
        _exit(3);
    }
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    if (in >= 0 && in != STDIN_FILENO) {
        dup2(in, STDIN_FILENO);
    }
    dup2(err, STDERR_FILENO);
    execvp(argv[0], argv);
    say("%.500s: %s", argv[0], strerror(errno));
    _exit(127);
}

static bool start(struct state *s, char **argv)
{
    int ends[2];
    pid_t parent = getpid();
    int in = stdin_for(s->launch);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        say("no pipe to be had: %s", strerror(errno));
        return false;
    }
    s->mpirun = fork();
    if (s->mpirun < 0) {
        say("cannot start mpirun: %s", strerror(errno));
        return false;
    }
    if (s->mpirun == 0) {
        become_mpirun(argv, in, ends[1], parent);
    }
    setpgid(s->mpirun, s->mpirun);
    close(ends[1]);
    if (in > STDIN_FILENO) {
        close(in);
    }
    s->err_fd = ends[0];
    return true;
}

/* ---- the end ---- */

/* SIGTERM, SIGTERM, SIGKILL, one a call.  At the first mpirun ends the ranks,
 * by SIGTERM after one second and SIGKILL after two; the second makes it leave
 * at once. */
static void end_mpirun(struct state *s)
{
    int number = s->kills < 2 ? SIGTERM : SIGKILL;
    if (!s->mpirun_gone) {
        kill(s->kills < 2 ? s->mpirun : -s->mpirun, number);
    }
    s->next_ms = now_ms()
                 + (s->kills > 0      ? KILL_PATIENCE_MS
                    : s->filter.ended ? TERM_PATIENCE_MS
                                      : RANKS_PATIENCE_MS);
    s->kills++;
}

/* 1st: start nothing more; 2nd: end what runs; 3rd: away with it.  A program
 * that knows no draining, or one that has not begun, is ended at once. */
static void on_interrupt(struct state *s, int level)
{
    if (level <= s->interrupts) {
        return;
    }
    int before = s->interrupts;
    s->interrupts = level;
    if (s->filter.ended) {
        return;
    }
    if (!s->launch->drains || !s->filter.up || level > 2) {
        end_mpirun(s);
        return;
    }
    kill(s->mpirun, SIGALRM);
    if (level == 2) {
        if (before == 0) { /* one behind the other, lest they become one */
            (void)poll(NULL, 0, SIGNAL_PAUSE_MS);
            kill(s->mpirun, SIGALRM);
        }
        s->next_ms = now_ms() + FORCE_PATIENCE_MS;
    }
}

/* A batch system says that the time is nearly up.  Rank 0 knows better how much
 * is left; programs that are not ours go by the library's clock. */
static void on_hint(struct state *s)
{
    if (s->launch->drains && s->filter.up && !s->filter.ended) {
        kill(s->mpirun, SIGUSR1);
    }
}

static void look_at_signals(struct state *s)
{
    int ended = signals_take(SIGTERM) + signals_take(SIGHUP);
    int hints = signals_take(SIGUSR1) + signals_take(SIGUSR2);
    for (int i = signals_take(SIGINT); i > 0; i--) {
        on_interrupt(s, s->interrupts + 1);
    }
    if (ended > 0) {
        on_interrupt(s, s->interrupts >= 2 ? 3 : 2);
    } else if (hints > 0) {
        on_hint(s);
    }
    if (signals_take(SIGCHLD) > 0 && !s->mpirun_gone) {
        s->mpirun_gone =
            waitpid(s->mpirun, &s->mpirun_status, WNOHANG) == s->mpirun;
    }
}

static void write_out(struct state *s)
{
    size_t done = 0;
    while (done < s->out.length) {
        ssize_t put =
            write(STDERR_FILENO, s->out.data + done, s->out.length - done);
        if (put < 0 && errno != EINTR) {
            break;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    text_clear(&s->out);
}

/* false: nothing more comes. */
static bool read_errors(struct state *s)
{
    char data[65536];
    ssize_t got = read(s->err_fd, data, sizeof data);
    if (got < 0 && errno == EINTR) {
        return true;
    }
    if (got <= 0) {
        close(s->err_fd);
        s->err_fd = -1;
        return false;
    }
    errfilter_feed(&s->filter, data, (size_t)got, &s->out);
    write_out(s);
    return true;
}

/* Should the word on standard error be lost. */
static void look_at_status_file(struct state *s)
{
    char words[64] = "";
    int fd = open(s->status_file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t got = read(fd, words, sizeof words - 1);
        close(fd);
        if (got > 0) {
            errfilter_status(&s->filter, words);
        }
    }
}

static int timeout_ms(const struct state *s)
{
    int64_t wait = 1000;
    if (s->next_ms != NO_TIME && s->next_ms - now_ms() < wait) {
        wait = s->next_ms - now_ms();
    }
    if (s->filter.line.length > 0 && wait > HALF_LINE_MS) {
        wait = HALF_LINE_MS;
    }
    return wait < 0 ? 0 : (int)wait;
}

static void loop(struct state *s)
{
    bool ended_seen = false;
    while (!s->mpirun_gone) {
        struct pollfd fds[2] = {
            {.fd = signals_fd(), .events = POLLIN},
            {.fd = s->err_fd, .events = POLLIN},
        };
        int ready = poll(fds, 2, timeout_ms(s));
        look_at_signals(s);
        if (ready > 0 && s->err_fd >= 0 && fds[1].revents != 0) {
            read_errors(s);
        } else if (ready == 0) {
            errfilter_flush(&s->filter, &s->out);
            write_out(s);
        }
        if (!s->filter.ended) {
            look_at_status_file(s);
        }
        if (s->filter.ended && !ended_seen) {
            ended_seen = true;
            if (s->kills == 0) {
                s->next_ms = now_ms() + END_PATIENCE_MS;
            }
        }
        if (now_ms() >= s->next_ms) {
            end_mpirun(s);
        }
    }
}

/* What mpirun left in the pipe; a process that lives on may hold it open. */
static void read_rest(struct state *s)
{
    struct pollfd fd = {.fd = s->err_fd, .events = POLLIN};
    while (s->err_fd >= 0 && poll(&fd, 1, 200) > 0) {
        if (!read_errors(s)) {
            break;
        }
    }
    errfilter_flush(&s->filter, &s->out);
    write_out(s);
    if (!s->filter.ended) {
        look_at_status_file(s);
    }
}

static int exit_status(const struct state *s)
{
    const struct errfilter *f = &s->filter;
    if (f->ended && !f->by_signal) {
        return f->code;
    }
    if (s->interrupts > 0) {
        if (!f->up) {
            say("interrupted before anything was started");
        }
        return 130;
    }
    if (f->ended) {
        say("rank 0 was killed by signal %d (%s): the farm is gone",
            f->code,
            strsignal(f->code));
        return s->launch->drains ? 3 : 128 + f->code;
    }
    say("mpirun ended (%s %d) without a word from rank 0: the farm failed",
        WIFSIGNALED(s->mpirun_status) ? "signal" : "exit status",
        WIFSIGNALED(s->mpirun_status) ? WTERMSIG(s->mpirun_status)
                                      : WEXITSTATUS(s->mpirun_status));
    return 3;
}

/* Where Open MPI's files go by the user's own wish; NULL: no such wish, or one
 * that leaves no room for a folder of ours. */
static const char *users_tmp_base(void)
{
    const char *base = getenv(ENV_MPI_TMP_BASE);
    if (base == NULL || base[0] != '/' || strlen(base) > USER_BASE_MAX) {
        return NULL;
    }
    if (mkdir(base, 0700) != 0 && errno != EEXIST) {
        say("%s=%s: %s", ENV_MPI_TMP_BASE, base, strerror(errno));
    }
    return base;
}

/* A folder for Open MPI's files: each mpirun removes the common one when it
 * ends and finds it empty, and another that is starting meets that between its
 * mkdir and the next, and fails ("orte_session_dir failed").  So it is made
 * inside of the one that the user names, too: a task that starts a run of its
 * own has ours there.  Otherwise a short path, since sockets may lie in it, and
 * one that other hosts have, too. */
static char *make_tmp_dir(const struct launch *launch, char *path, size_t size)
{
    const char *base = users_tmp_base();
    if (base == NULL) {
        bool elsewhere = launch->hosts != NULL || launch->ranks == 0;
        base = getenv("TMPDIR");
        if (elsewhere || base == NULL || base[0] != '/'
            || strlen(base) > TMP_BASE_MAX) {
            base = "/tmp";
        }
    }
    snprintf(path, size, "%s/hayfork.XXXXXX", base);
    if (mkdtemp(path) == NULL) {
        say("%s: %s", path, strerror(errno));
        return NULL;
    }
    return path;
}

int launcher_run(const struct launch *launch)
{
    struct state s = {.launch = launch, .err_fd = -1, .next_ms = NO_TIME};
    struct arena arena = ARENA_INIT;
    struct fault fault;
    char tmp_dir[USER_BASE_MAX + 32];
    char deadline_file[USER_BASE_MAX + 64];
    char self[4096];
    char **argv = NULL;
    int code = 3;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || make_tmp_dir(launch, tmp_dir, sizeof tmp_dir) == NULL) {
        return 3;
    }
    self[length] = '\0';
    snprintf(deadline_file, sizeof deadline_file, "%s/deadline", tmp_dir);
    deadline_watch(deadline_file);
    signals_setup_launcher();
    errfilter_init(&s.filter);
    text_clear(&s.out);
    snprintf(s.status_file, sizeof s.status_file, "%s/status", tmp_dir);
    setenv(ENV_STATUS_FILE, s.status_file, 1);
    mpirun_environment(launch, tmp_dir);
    hay_status status = mpirun_argv(launch, self, &arena, &argv, &fault);
    if (status != HAY_OK) {
        fault_print(&fault);
        code = status == HAY_EINVAL ? 2 : 3;
    } else if (start(&s, argv)) {
        loop(&s);
        kill(-s.mpirun, SIGKILL);
        read_rest(&s);
        code = exit_status(&s);
    }
    runfolder_remove_tree(tmp_dir);
    errfilter_fini(&s.filter);
    text_fini(&s.out);
    arena_fini(&arena);
    return code;
}
