/* spawner.c - see spawner.h: the rank's side.
 *
 * Requests are appended to one buffer and go out in packets, when a packet is
 * full or hayi_spawner_flush() is called.  The spawner takes requests in at any
 * time and never waits for us; what the socket does not take at once is kept,
 * and the descriptor that callers watch - an epoll set of one socket - then
 * also becomes readable when there is room again.
 */
#include "config.h"

#include "worker/spawner.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "worker/spawner_child.h"
#include "worker/spawner_helper.h"
#include "worker/spawner_kids.h"
#include "worker/spawner_wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SOCKET_BYTES = 1 << 20, /* asked for; the system gives less */
    SETUP_LIMIT_MS = 30000
};
#define END_LIMIT_NS (UINT64_C(25) * 1000000000)

struct hayi_spawner {
    int socket;
    int epoll;
    pid_t pid;
    bool is_set_up;
    bool wants_room; /* the epoll set asks for room to send */
    bool gone;
    bool gone_told;
    bool answered; /* READY came */
    bool forked;   /* not exec'ed: it is of this program */
    int32_t setup_errno;
    uint32_t setup_step;
    uint32_t slots;
    struct hayi_buffer out;
    size_t out_sent;
    struct hayi_buffer in;
    size_t in_taken;
    unsigned char packet[HAYI_SPAWN_PACKET_MAX];
};

const char *hayi_spawn_step_text(uint32_t step)
{
    switch (step) {
    case HAYI_SPAWN_STEP_NONE:
        return "no trouble";
    case HAYI_SPAWN_STEP_CWD:
        return "cannot enter its folder";
    case HAYI_SPAWN_STEP_STDIN:
        return "cannot open its standard input";
    case HAYI_SPAWN_STEP_OUTPUT:
        return "cannot open its output files";
    case HAYI_SPAWN_STEP_EXEC:
        return "cannot run the program";
    case HAYI_SPAWN_STEP_FORK:
        return "cannot make a process";
    default:
        return "unknown trouble";
    }
}

/* ---- the connection ------------------------------------------------------ */

/* pair[0]: ours, in a new handle. */
static hay_status
handle_new(struct hayi_spawner **spawner, int pair[2], struct hayi_error *err)
{
    int size = SOCKET_BYTES;
    struct epoll_event event = {.events = EPOLLIN};
    struct hayi_spawner *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "spawner: out of memory");
    }
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        free(s);
        return hayi_fail(err, HAY_EIO, "socketpair: %s", strerror(errno));
    }
    (void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    (void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    s->socket = pair[0];
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0
        || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->socket, &event) != 0) {
        hay_status status =
            hayi_fail(err, HAY_EIO, "epoll: %s", strerror(errno));
        (void)close(s->epoll);
        (void)close(pair[0]);
        (void)close(pair[1]);
        free(s);
        return status;
    }
    hayi_buffer_init(&s->out);
    hayi_buffer_init(&s->in);
    *spawner = s;
    return HAY_OK;
}

static void handle_free(struct hayi_spawner *s)
{
    if (s->socket >= 0) {
        (void)close(s->socket);
    }
    (void)close(s->epoll);
    hayi_buffer_fini(&s->out);
    hayi_buffer_fini(&s->in);
    free(s);
}

hay_status hayi_spawner_fork(struct hayi_spawner **spawner,
                             struct hayi_error *err)
{
    struct hayi_spawner *s;
    int pair[2];
    hay_status status = handle_new(&s, pair, err);
    if (status != HAY_OK) {
        return status;
    }
    pid_t parent = getpid();
    s->pid = fork();
    if (s->pid == 0) {
        hayi_spawner_child_run(pair[1], parent);
    }
    int error = errno;
    s->forked = true;
    (void)close(pair[1]);
    if (s->pid < 0) {
        handle_free(s);
        return hayi_fail(err, HAY_EIO, "fork: %s", strerror(error));
    }
    *spawner = s;
    return HAY_OK;
}

hay_status hayi_spawner_exec(struct hayi_spawner **spawner,
                             struct hayi_error *err)
{
    struct hayi_spawner *s;
    int pair[2];
    hay_status status = handle_new(&s, pair, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hayi_spawner_helper_start(pair[1], &s->pid, err);
    (void)close(pair[1]);
    if (status != HAY_OK) {
        handle_free(s);
        return status;
    }
    *spawner = s;
    return HAY_OK;
}

/* ---- sending ------------------------------------------------------------- */

static void ask_for_room(struct hayi_spawner *s, bool wanted)
{
    if (s->wants_room != wanted) {
        struct epoll_event event = {.events = EPOLLIN};
        if (wanted) {
            event.events |= EPOLLOUT;
        }
        (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->socket, &event);
        s->wants_room = wanted;
    }
}

static hay_status fail_gone(struct hayi_error *err)
{
    return hayi_fail(err, HAY_EFARM, "the spawner of commands has ended");
}

hay_status hayi_spawner_flush(struct hayi_spawner *s)
{
    while (!s->gone && s->out_sent < s->out.size) {
        size_t size = s->out.size - s->out_sent;
        if (size > HAYI_SPAWN_PACKET_MAX) {
            size = HAYI_SPAWN_PACKET_MAX;
        }
        ssize_t n = send(s->socket,
                         s->out.data + s->out_sent,
                         size,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n >= 0) {
            s->out_sent += (size_t)n;
        } else if (errno == EPIPE || errno == ECONNRESET) {
            s->gone = true; /* told by hayi_spawner_poll(), after what came */
        } else if (errno != EINTR) {
            break;
        }
    }
    if (s->out_sent == s->out.size || s->gone) {
        s->out.size = 0;
        s->out_sent = 0;
    }
    ask_for_room(s, s->out.size > 0);
    return s->gone ? fail_gone(NULL) : HAY_OK;
}

/* Room for a record of this size (made a multiple of 8, its end zero) at the
 * end of what is to be sent; NULL: out of memory. */
static void *record_new(struct hayi_spawner *s,
                        size_t *size,
                        enum hayi_spawn_record_kind kind)
{
    size_t whole = (*size + 7) & ~(size_t)7;
    if (s->out_sent > 0 && s->out_sent >= s->out.size / 2) {
        hayi_buffer_consume(&s->out, s->out_sent);
        s->out_sent = 0;
    }
    unsigned char *record = hayi_buffer_extend(&s->out, whole);
    if (record != NULL) {
        memset(record + whole - 8, 0, 8);
        struct hayi_spawn_head head = {(uint32_t)whole, kind};
        memcpy(record, &head, sizeof(head));
        *size = whole;
    }
    return record;
}

static size_t list_size(const char *const *list, size_t *count)
{
    size_t size = 0;
    *count = 0;
    for (; list != NULL && *list != NULL; list++) {
        size += strlen(*list) + 1;
        ++*count;
    }
    return size;
}

static char *put_string(char *at, const char *string)
{
    size_t size = strlen(string) + 1;
    memcpy(at, string, size);
    return at + size;
}

static char *put_list(char *at, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++) {
        at = put_string(at, *list);
    }
    return at;
}

/* An optional string: its size and its bit. */
static size_t has_string(const char *string, uint32_t bit, uint32_t *has)
{
    if (string == NULL) {
        return 0;
    }
    *has |= bit;
    return strlen(string) + 1;
}

/* ---- setup --------------------------------------------------------------- */

static hay_status send_setup(struct hayi_spawner *s,
                             const struct hayi_spawner_setup *setup,
                             struct hayi_error *err)
{
    size_t env_count;
    struct hayi_spawn_setup_record record = {
        .grace_ns = setup->grace_ns,
        .capture = setup->capture,
        .umask_bits = setup->umask_bits,
        .slots = setup->slots,
    };
    size_t size = sizeof(record) + list_size(setup->env, &env_count);
    size += has_string(setup->folder, HAYI_SPAWN_HAS_FOLDER, &record.has);
    size += has_string(setup->prefix, HAYI_SPAWN_HAS_PREFIX, &record.has);
    size += has_string(setup->cwd, HAYI_SPAWN_HAS_CWD, &record.has);
    record.env_count = (uint32_t)env_count;
    if (size > HAYI_SPAWN_RECORD_MAX) {
        return hayi_fail(err, HAY_ETOOBIG, "the environment is too big");
    }
    unsigned char *place = record_new(s, &size, HAYI_SPAWN_RECORD_SETUP);
    if (place == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "spawner: out of memory");
    }
    memcpy(&record.head, place, sizeof(record.head));
    memcpy(place, &record, sizeof(record));
    char *at = (char *)place + sizeof(record);
    const char *const some[] = {setup->folder, setup->prefix, setup->cwd};
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
        if (some[i] != NULL) {
            at = put_string(at, some[i]);
        }
    }
    (void)put_list(at, setup->env);
    return HAY_OK;
}

static void receive(struct hayi_spawner *s);
static bool next_record(struct hayi_spawner *s, struct hayi_spawn_event *event);

hay_status hayi_spawner_setup(struct hayi_spawner *s,
                              const struct hayi_spawner_setup *setup,
                              struct hayi_error *err)
{
    assert(!s->is_set_up);
    if (setup->slots == 0 || setup->slots > HAYI_SPAWN_SLOTS_MAX) {
        return hayi_fail(err, HAY_EINVAL, "%u slots", setup->slots);
    }
    hay_status status = send_setup(s, setup, err);
    if (status != HAY_OK) {
        return status;
    }
    uint64_t end_ns =
        hayi_clock_ns() + (uint64_t)SETUP_LIMIT_MS * UINT64_C(1000000);
    while (!s->answered && !s->gone && hayi_clock_ns() < end_ns) {
        struct hayi_spawn_event none;
        struct pollfd fd = {s->epoll, POLLIN, 0};
        (void)hayi_spawner_flush(s);
        (void)poll(&fd, 1, 1000);
        receive(s);
        (void)next_record(s, &none);
    }
    if (!s->answered) {
        return s->gone ? fail_gone(err)
                       : hayi_fail(err,
                                   HAY_EFARM,
                                   "the spawner of commands does not answer");
    }
    if (s->setup_errno != 0) {
        bool cwd = s->setup_step == HAYI_SPAWN_STEP_CWD;
        return hayi_fail(err,
                         HAY_EIO,
                         "%s %s: %s",
                         cwd ? "cannot enter the folder"
                             : "cannot keep outputs in the folder",
                         cwd ? setup->cwd
                             : (setup->folder != NULL ? setup->folder : "."),
                         strerror(s->setup_errno));
    }
    s->slots = setup->slots;
    s->is_set_up = true;
    return HAY_OK;
}

/* ---- requests ------------------------------------------------------------ */

static hay_status check_request(const struct hayi_spawner *s,
                                const struct hayi_spawn_request *request,
                                struct hayi_error *err)
{
    if (s->gone) {
        return fail_gone(err);
    }
    if (!s->is_set_up || request->id == 0 || request->slot >= s->slots) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "command %llu: no slot %u",
                         (unsigned long long)request->id,
                         request->slot);
    }
    if (request->line == NULL
        && (request->argv == NULL || request->argv[0] == NULL)) {
        return hayi_fail(err, HAY_EINVAL, "a command without a program");
    }
    return HAY_OK;
}

hay_status hayi_spawner_start(struct hayi_spawner *s,
                              const struct hayi_spawn_request *request,
                              struct hayi_error *err)
{
    hay_status status = check_request(s, request, err);
    if (status != HAY_OK) {
        return status;
    }
    const char *const *argv = request->line == NULL ? request->argv : NULL;
    size_t argc, env_count;
    struct hayi_spawn_start_record record = {
        .id = request->id,
        .time_limit_ns = request->time_limit_ns,
        .grace_ns = request->grace_ns,
        .memory_limit_bytes = request->memory_limit_bytes,
        .output_limit_bytes = request->output_limit_bytes,
        .warn_ns = request->warn_ns,
        .slot = request->slot,
        .cpu_count = (uint32_t)request->cpu_count,
    };
    size_t size = list_size(argv, &argc) + list_size(request->env, &env_count);
    size += request->line != NULL ? strlen(request->line) + 1 : 0;
    size += has_string(request->cwd, HAYI_SPAWN_HAS_CWD, &record.has);
    size += has_string(request->stdin_path, HAYI_SPAWN_HAS_STDIN, &record.has);
    size += has_string(request->name, HAYI_SPAWN_HAS_NAME, &record.has);
    if (size > HAYI_SPAWN_STRINGS_MAX
        || request->cpu_count > HAYI_SPAWN_SLOTS_MAX) {
        return hayi_fail(err,
                         HAY_ETOOBIG,
                         "a command of %zu bytes; at most %d",
                         size,
                         HAYI_SPAWN_STRINGS_MAX);
    }
    record.argc = (uint32_t)argc;
    record.env_count = (uint32_t)env_count;
    size_t cpus_size = sizeof(int32_t) * request->cpu_count;
    size += sizeof(record) + cpus_size;
    unsigned char *place = record_new(s, &size, HAYI_SPAWN_RECORD_START);
    if (place == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "spawner: out of memory");
    }
    memcpy(&record.head, place, sizeof(record.head));
    memcpy(place, &record, sizeof(record));
    char *at = (char *)place + sizeof(record);
    for (size_t i = 0; i < request->cpu_count; i++) {
        int32_t cpu = request->cpus[i];
        memcpy(at, &cpu, sizeof(cpu));
        at += sizeof(cpu);
    }
    const char *const some[] = {
        request->cwd, request->stdin_path, request->name, request->line};
    for (size_t i = 0; i < sizeof(some) / sizeof(*some); i++) {
        if (some[i] != NULL) {
            at = put_string(at, some[i]);
        }
    }
    (void)put_list(put_list(at, argv), request->env);
    if (s->out.size - s->out_sent >= HAYI_SPAWN_PACKET_MAX) {
        (void)hayi_spawner_flush(s);
    }
    return HAY_OK;
}

static hay_status
send_id(struct hayi_spawner *s, enum hayi_spawn_record_kind kind, uint64_t id)
{
    size_t size = sizeof(struct hayi_spawn_id_record);
    if (s->gone) {
        return fail_gone(NULL);
    }
    unsigned char *place = record_new(s, &size, kind);
    if (place == NULL) {
        return HAY_ENOMEM;
    }
    memcpy(place + offsetof(struct hayi_spawn_id_record, id), &id, sizeof(id));
    return HAY_OK;
}

hay_status hayi_spawner_revoke(struct hayi_spawner *s, uint64_t id)
{
    return send_id(s, HAYI_SPAWN_RECORD_REVOKE, id);
}

hay_status hayi_spawner_cancel(struct hayi_spawner *s, uint64_t id)
{
    return send_id(s, HAYI_SPAWN_RECORD_CANCEL, id);
}

hay_status hayi_spawner_work_end(struct hayi_spawner *s, uint64_t end_ns)
{
    return send_id(s, HAYI_SPAWN_RECORD_WORK_END, end_ns);
}

/* ---- children that run functions ------------------------------------------
 */

bool hayi_spawner_has_children(const struct hayi_spawner *s)
{
    return s->forked && hayi_kids_run() != NULL;
}

/* Send what has a fixed size; its head is filled here. */
static hay_status send_fixed(struct hayi_spawner *s,
                             enum hayi_spawn_record_kind kind,
                             void *record,
                             size_t size)
{
    size_t whole = size;
    if (s->gone) {
        return fail_gone(NULL);
    }
    unsigned char *place = record_new(s, &whole, kind);
    if (place == NULL) {
        return HAY_ENOMEM;
    }
    assert(whole == size);
    memcpy(record, place, sizeof(struct hayi_spawn_head));
    memcpy(place, record, size);
    return HAY_OK;
}

hay_status hayi_spawner_child_start(struct hayi_spawner *s,
                                    uint64_t id,
                                    int area_fd,
                                    uint64_t area_inode)
{
    struct hayi_spawn_fork_record record = {
        .id = id,
        .area_inode = area_inode,
        .area_fd = area_fd,
    };
    return send_fixed(s, HAYI_SPAWN_RECORD_FORK, &record, sizeof(record));
}

hay_status
hayi_spawner_child_urge(struct hayi_spawner *s, uint64_t id, bool hard)
{
    struct hayi_spawn_urge_record record = {.id = id, .kill = hard ? 1 : 0};
    return send_fixed(s, HAYI_SPAWN_RECORD_URGE, &record, sizeof(record));
}

/* ---- events -------------------------------------------------------------- */

static void receive(struct hayi_spawner *s)
{
    hayi_buffer_consume(&s->in, s->in_taken); /* less than a record is left */
    s->in_taken = 0;
    for (;;) {
        ssize_t n = recv(s->socket, s->packet, sizeof(s->packet), MSG_DONTWAIT);
        if (n > 0) {
            if (hayi_buffer_append(&s->in, s->packet, (size_t)n) != HAY_OK) {
                s->gone = true; /* news is lost: as if it had gone */
            }
            return;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        s->gone = s->gone || n == 0 || errno != EAGAIN;
        return;
    }
}

/* Take one record; true: it was an event. */
static bool next_record(struct hayi_spawner *s, struct hayi_spawn_event *event)
{
    while (s->in.size - s->in_taken >= sizeof(struct hayi_spawn_head)) {
        struct hayi_spawn_head head;
        const unsigned char *record = s->in.data + s->in_taken;
        memcpy(&head, record, sizeof(head));
        if (head.size > s->in.size - s->in_taken) {
            break;
        }
        if (head.kind == HAYI_SPAWN_RECORD_EVENT
            && head.size == sizeof(struct hayi_spawn_event_record)) {
            memcpy(event,
                   record + offsetof(struct hayi_spawn_event_record, event),
                   sizeof(*event));
            s->in_taken += head.size;
            return true;
        }
        if (head.kind == HAYI_SPAWN_RECORD_READY
            && head.size == sizeof(struct hayi_spawn_ready_record)) {
            struct hayi_spawn_ready_record ready;
            memcpy(&ready, record, sizeof(ready));
            s->answered = true;
            s->setup_errno = ready.start_errno;
            s->setup_step = ready.step;
            s->in_taken += head.size;
            continue;
        }
        s->gone = true; /* it speaks nonsense */
        s->in_taken = s->in.size;
    }
    return false;
}

int hayi_spawner_fd(const struct hayi_spawner *s)
{
    return s->epoll;
}

bool hayi_spawner_poll(struct hayi_spawner *s, struct hayi_spawn_event *event)
{
    if (next_record(s, event)) {
        return true;
    }
    if (!s->gone_told) {
        if (s->out.size > 0 && s->wants_room) {
            (void)hayi_spawner_flush(s);
        }
        receive(s);
        if (next_record(s, event)) {
            return true;
        }
    }
    if (s->gone && !s->gone_told) {
        s->gone_told = true;
        (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->socket, NULL);
        memset(event, 0, sizeof(*event));
        event->kind = HAYI_SPAWN_GONE;
        return true;
    }
    return false;
}

/* Wait for its end; kill it if that does not come. */
static void wait_for_end(pid_t pid)
{
    uint64_t end_ns = hayi_clock_ns() + END_LIMIT_NS;
    struct timespec nap = {0, 100000};
    for (;;) {
        pid_t n = waitpid(pid, NULL, WNOHANG);
        if (n == pid || (n < 0 && errno != EINTR)) {
            return;
        }
        if (hayi_clock_ns() >= end_ns) {
            (void)kill(pid, SIGKILL);
            end_ns = UINT64_MAX;
        }
        (void)nanosleep(&nap, NULL);
        nap.tv_nsec = nap.tv_nsec < 5000000 ? nap.tv_nsec * 2 : nap.tv_nsec;
    }
}

void hayi_spawner_free(struct hayi_spawner *s)
{
    if (s == NULL) {
        return;
    }
    pid_t pid = s->pid;
    /* A process that the program forked may hold a copy of our end. */
    (void)shutdown(s->socket, SHUT_RDWR);
    (void)close(s->socket);
    s->socket = -1;
    wait_for_end(pid);
    handle_free(s);
}
