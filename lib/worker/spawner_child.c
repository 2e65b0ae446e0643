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
 */
#include "config.h"

#include "worker/spawner_child.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "worker/spawner_capture.h"
#include "worker/spawner_exec.h"
#include "worker/spawner_kids.h"
#include "worker/spawner_slots.h"
#include "worker/spawner_wire.h"

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

enum { PACKETS_MAX = 64 }; /* taken in between two looks at the rest */
#define KILL_LIMIT_NS (UINT64_C(20) * 1000000000)

struct zygote {
    int socket;
    int signals;
    int death_signal;
    pid_t parent;
    bool ready;
    bool inherit;
    char *setup; /* memory of the setup's strings */
    struct hayi_capture *capture;
    struct hayi_spawner_slots *slots; /* NULL until it is ready */
    struct hayi_kids kids;
    struct hayi_buffer in;
    struct hayi_buffer out;
    size_t out_sent;
    unsigned char packet[HAYI_SPAWN_PACKET_MAX];
};

/* ---- the end ------------------------------------------------------------- */

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
    } else {
        (void)close(z->kids.out);
        (void)close(z->kids.err);
    }
    if (z->slots != NULL) {
        hayi_spawner_slots_kill(z->slots);
    }
    hayi_tree_kill_all(KILL_LIMIT_NS);
    hayi_capture_free(z->capture);
    _exit(0);
}

/* ---- telling ------------------------------------------------------------- */

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

/* ---- requests ------------------------------------------------------------ */

/* The strings that the setup has, in the order of the bits. */
static void setup_strings(const struct hayi_spawn_setup_record *record,
                          struct hayi_strings *strings,
                          const char *string[3])
{
    static const uint32_t bits[3] = {
        HAYI_SPAWN_HAS_FOLDER, HAYI_SPAWN_HAS_PREFIX, HAYI_SPAWN_HAS_CWD};
    for (int i = 0; i < 3; i++) {
        string[i] = NULL;
        if ((record->has & bits[i]) != 0) {
            string[i] = hayi_strings_next(strings);
        }
    }
}

/* The base environment from the strings that are left. */
static struct hayi_environ *setup_environ(struct hayi_strings *strings,
                                          uint32_t env_count)
{
    char **env = calloc((size_t)env_count + 1, sizeof(*env));
    uint32_t count = 0;
    if (env == NULL) {
        return NULL;
    }
    while (count < env_count
           && (env[count] = hayi_strings_next(strings)) != NULL) {
        count++;
    }
    struct hayi_environ *result = hayi_environ_new(env, count);
    free(env);
    return result;
}

/* A minder has ended? */
static bool kid_ended(void *context, pid_t pid)
{
    return hayi_kids_ended(context, pid);
}

/* Functions write where the rank writes, whatever becomes of what commands
 * write.  False: no descriptors. */
static bool keep_outputs(struct zygote *z)
{
    z->kids.out = STDOUT_FILENO;
    z->kids.err = STDERR_FILENO;
    if (z->inherit) {
        return true;
    }
    if (hayi_kids_run() == NULL) {
        drop_outputs();
        return true;
    }
    z->kids.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    z->kids.err = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    drop_outputs();
    return z->kids.out >= 0 && z->kids.err >= 0;
}

/* Environment, folders and slots as the setup asks for.  After a failure the
 * rank gives up, so nothing is undone. */
static int set_up(struct zygote *z,
                  const struct hayi_spawn_setup_record *record,
                  uint32_t *step)
{
    const char *string[3];
    size_t size = record->head.size;
    *step = HAYI_SPAWN_STEP_FORK;
    if (size < sizeof(*record) || record->env_count > size || record->slots == 0
        || record->slots > HAYI_SPAWN_SLOTS_MAX || z->setup != NULL) {
        return EPROTO;
    }
    z->setup = malloc(size);
    if (z->setup == NULL) {
        return ENOMEM;
    }
    memcpy(z->setup, record, size);
    struct hayi_strings strings = {z->setup + sizeof(*record), z->setup + size};
    setup_strings(record, &strings, string);
    enum hayi_capture_mode mode = (enum hayi_capture_mode)record->capture;
    struct hayi_spawner_slots_setup slots = {
        .env = setup_environ(&strings, record->env_count),
        .events = &z->out,
        .grace_ns = record->grace_ns,
        .count = record->slots,
        .watch_children = mode == HAYI_CAPTURE_APPEND,
        .other = kid_ended,
        .other_context = &z->kids,
    };
    if (slots.env == NULL) {
        return ENOMEM;
    }
    z->inherit = mode == HAYI_CAPTURE_INHERIT;
    (void)umask((mode_t)record->umask_bits);
    *step = HAYI_SPAWN_STEP_OUTPUT;
    int error =
        hayi_capture_new(mode, string[0], string[1], slots.count, &z->capture);
    if (error != 0) {
        return error;
    }
    *step = HAYI_SPAWN_STEP_CWD;
    if (string[2] != NULL && chdir(string[2]) != 0) {
        return errno;
    }
    slots.capture = z->capture;
    z->kids.events = &z->out;
    z->kids.rank = z->parent;
    z->kids.env = slots.env;
    hayi_oom_watch_init(&z->kids.oom);
    z->slots = hayi_spawner_slots_new(&slots);
    if (z->slots == NULL) {
        return ENOMEM;
    }
    return keep_outputs(z) ? 0 : EMFILE;
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
    if (job == NULL || !hayi_spawner_slots_push(z->slots, job)) {
        finish(z);
    }
}

static void take_fork(struct zygote *z,
                      const struct hayi_spawn_fork_record *record)
{
    if (record->head.size != sizeof(*record)) {
        finish(z);
    }
    pid_t minder = hayi_kids_start(&z->kids, record);
    if (minder > 0) {
        hayi_spawner_slots_ours(z->slots, minder);
    }
}

static void take_urge(struct zygote *z,
                      const struct hayi_spawn_urge_record *record)
{
    if (record->head.size != sizeof(*record)) {
        finish(z);
    }
    hayi_kids_urge(&z->kids, record->id, record->kill != 0);
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
        hayi_spawner_slots_revoke(z->slots, about->id);
        break;
    case HAYI_SPAWN_RECORD_CANCEL:
        hayi_spawner_slots_cancel(z->slots, about->id);
        break;
    case HAYI_SPAWN_RECORD_WORK_END:
        hayi_spawner_slots_work_end(z->slots, about->id);
        break;
    case HAYI_SPAWN_RECORD_FORK:
        take_fork(z, record);
        break;
    case HAYI_SPAWN_RECORD_URGE:
        take_urge(z, record);
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
}

/* ---- the loop ------------------------------------------------------------ */

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

/* Sleep until something happens or the deadline has come. */
static void
wait_for(struct zygote *z, struct pollfd fds[2], uint64_t deadline_ns)
{
    fds[0] = (struct pollfd){z->socket, POLLIN, 0};
    fds[1] = (struct pollfd){z->signals, POLLIN, 0};
    if (z->out_sent < z->out.size) {
        fds[0].events |= POLLOUT;
    }
    uint64_t now_ns = deadline_ns != UINT64_MAX ? hayi_clock_ns() : 0;
    uint64_t wait_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
    struct timespec wait = {(time_t)(wait_ns / 1000000000U),
                            (long)(wait_ns % 1000000000U)};
    if (ppoll(fds, 2, deadline_ns == UINT64_MAX ? NULL : &wait, NULL) < 0) {
        fds[0].revents = 0;
        fds[1].revents = 0;
    }
}

static noreturn void loop(struct zygote *z)
{
    for (;;) {
        struct pollfd fds[2];
        uint64_t deadline_ns =
            z->ready ? hayi_spawner_slots_deadline_ns(z->slots) : UINT64_MAX;
        send_out(z);
        wait_for(z, fds, deadline_ns);
        if (fds[1].revents != 0) {
            read_signals(z);
        }
        if (fds[1].revents != 0 && z->ready) {
            hayi_spawner_slots_reap(z->slots);
        }
        if (fds[0].revents != 0) {
            receive(z);
        }
        if (z->ready && deadline_ns != UINT64_MAX) {
            hayi_spawner_slots_tick(z->slots, hayi_clock_ns());
        }
        if (z->ready && !hayi_spawner_slots_start(z->slots)) {
            finish(z);
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
