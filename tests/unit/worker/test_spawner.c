/* test_spawner.c - real processes under the spawner.  Nothing here sleeps to
 * wait for something: the ends of fifos and the spawner's events tell. */
#include "config.h"

#include "worker/spawner.h"

#include "base/clock.h"
#include "support/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, EVENTS_MAX = 1024 };
#define MS UINT64_C(1000000)

static char folder[64];
static struct hayi_spawner *spawner;
static struct hayi_spawn_event ended[EVENTS_MAX]; /* by id */
static struct hayi_spawn_event other[EVENTS_MAX]; /* by id; not STARTED */
static bool started[EVENTS_MAX];
static bool gone;

/* ---- fixture ------------------------------------------------------------- */

static const char *const base_env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                       "COLOUR=red",
                                       "SIZE=9",
                                       NULL};

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/hayfork-test-spawner-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    memset(ended, 0, sizeof(ended));
    memset(other, 0, sizeof(other));
    memset(started, 0, sizeof(started));
    gone = false;
    spawner = NULL;
}

static void teardown(void)
{
    char command[128];
    hayi_spawner_free(spawner);
    spawner = NULL;
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static struct hayi_spawner_setup plain(enum hayi_capture_mode mode)
{
    return (struct hayi_spawner_setup){
        .capture = mode,
        .folder = folder,
        .prefix = "w3",
        .cwd = folder,
        .env = base_env,
        .umask_bits = 022,
        .grace_ns = 100 * MS,
        .slots = 3,
    };
}

static void open_spawner(enum hayi_capture_mode mode)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_spawner_setup config = plain(mode);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_fork(&spawner, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_setup(spawner, &config, &err), HAY_OK);
}

static void start(const struct hayi_spawn_request *request)
{
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_start(spawner, request, &err), HAY_OK);
}

static void start_line(uint64_t id, uint32_t slot, const char *line)
{
    start(&(struct hayi_spawn_request){.id = id, .slot = slot, .line = line});
}

static void keep(const struct hayi_spawn_event *event)
{
    CU_ASSERT_FATAL(event->id < EVENTS_MAX);
    switch (event->kind) {
    case HAYI_SPAWN_STARTED:
        CU_ASSERT_FALSE(started[event->id]);
        CU_ASSERT_EQUAL(ended[event->id].id, 0);
        started[event->id] = true;
        break;
    case HAYI_SPAWN_ENDED:
        CU_ASSERT_EQUAL(ended[event->id].id, 0);
        ended[event->id] = *event;
        break;
    case HAYI_SPAWN_GONE:
        gone = true;
        break;
    case HAYI_SPAWN_REVOKED:
    case HAYI_SPAWN_REVOKE_LATE:
        other[event->id] = *event;
        break;
    default:
        CU_FAIL("an event of an unknown kind");
    }
}

/* Take events until *flag (of a kept event) is set; fails after the limit. */
static void wait_until(const volatile void *flag, size_t size)
{
    static const unsigned char zero[64];
    uint64_t end_ns = hayi_clock_ns() + LIMIT_MS * MS;
    (void)hayi_spawner_flush(spawner);
    for (;;) {
        struct hayi_spawn_event event;
        while (hayi_spawner_poll(spawner, &event)) {
            keep(&event);
        }
        if (memcmp((const void *)flag, zero, size) != 0) {
            return;
        }
        struct pollfd fd = {hayi_spawner_fd(spawner), POLLIN, 0};
        (void)poll(&fd, 1, 1000);
        CU_ASSERT_FATAL(hayi_clock_ns() < end_ns);
        CU_ASSERT_FALSE_FATAL(gone && flag != &gone);
    }
}

static const struct hayi_spawn_event *wait_end(uint64_t id)
{
    wait_until(&ended[id].id, sizeof(ended[id].id));
    return &ended[id];
}

/* Up to 'size' - 1 bytes of a file of the folder. */
static size_t
read_file(const char *name, uint64_t offset, char *text, size_t size)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    text[0] = '\0';
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = pread(fd, text, size - 1, (off_t)offset);
    (void)close(fd);
    n = n < 0 ? 0 : n;
    text[n] = '\0';
    return (size_t)n;
}

/* What command 'id' wrote, from the append files. */
static const char *output_of(uint64_t id, int which)
{
    static char text[2][4096];
    const struct hayi_spawn_event *event = &ended[id];
    char name[64];
    uint64_t length = event->length[which];
    text[which][0] = '\0';
    if (length > 0) {
        CU_ASSERT_FATAL(length < sizeof(text[0]));
        (void)snprintf(name,
                       sizeof(name),
                       "w3.s%u.%u.%s",
                       event->slot,
                       event->file,
                       which == 0 ? "out" : "err");
        CU_ASSERT_EQUAL(
            read_file(
                name, event->offset[which], text[which], (size_t)length + 1),
            length);
    }
    return text[which];
}

static void check_output(uint64_t id, const char *out, const char *err)
{
    const char *const expected[2] = {out, err};
    for (int i = 0; i < 2; i++) {
        const char *text = output_of(id, i);
        CU_ASSERT_STRING_EQUAL(text, expected[i]);
        if (strcmp(text, expected[i]) != 0) {
            (void)printf("# command %u: '%s' is not '%s'\n",
                         (unsigned)id,
                         text,
                         expected[i]);
        }
    }
}

/* A fifo of the folder; whoever holds it for writing is alive.  Opened for
 * reading without waiting for a writer. */
static int fifo_new(const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

/* Wait for the fifo's next letter; 0 at its end: no writer lives. */
static int fifo_next(int fd)
{
    for (;;) {
        char byte = 0;
        struct pollfd poll_fd = {fd, POLLIN, 0};
        CU_ASSERT_EQUAL_FATAL(poll(&poll_fd, 1, LIMIT_MS), 1);
        ssize_t n = read(fd, &byte, 1);
        CU_ASSERT_FATAL(n >= 0);
        if (byte != '\n') {
            return byte;
        }
    }
}

/* ---- outputs ------------------------------------------------------------- */

static void outputs_of_two_slots_are_not_mixed(void)
{
    char line[200], out[64], err[64];
    open_spawner(HAYI_CAPTURE_APPEND);
    for (uint32_t i = 1; i <= 400; i++) {
        (void)snprintf(line,
                       sizeof(line),
                       "echo out %u; echo err %u >&2; echo more %u",
                       i,
                       i,
                       i);
        start_line(i, i % 2, line);
    }
    for (uint32_t i = 1; i <= 400; i++) {
        CU_ASSERT_EQUAL(wait_end(i)->exit_code, 0);
    }
    for (uint32_t i = 1; i <= 400; i++) {
        (void)snprintf(out, sizeof(out), "out %u\nmore %u\n", i, i);
        (void)snprintf(err, sizeof(err), "err %u\n", i);
        check_output(i, out, err);
    }
}

static void a_truncating_command_hurts_no_other(void)
{
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1, 0, "echo first; echo first >&2");
    start_line(2, 0, "echo lost >&2; echo second > /dev/stderr");
    start_line(3, 0, "echo third; echo third | tee /dev/stderr");
    (void)wait_end(3);
    check_output(1, "first\n", "first\n");
    check_output(2, "", "second\n");
    check_output(3, "third\nthird\n", "third\n");
}

static void long_output_becomes_a_generation(void)
{
    char text[8];
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1, 0, "echo a");
    start_line(2, 0, "head -c 3000000 /dev/zero; echo e >&2");
    start_line(3, 0, "echo b");
    (void)wait_end(3);
    check_output(1, "a\n", "");
    check_output(3, "b\n", "");
    CU_ASSERT_EQUAL(ended[1].file, 0);
    CU_ASSERT_EQUAL(ended[3].file, 0);
    CU_ASSERT_EQUAL(ended[2].file, 1);
    CU_ASSERT_EQUAL(ended[2].length[0], 3000000);
    CU_ASSERT_EQUAL(read_file("w3.s0.1.out", 2999998, text, sizeof(text)), 2);
    CU_ASSERT_STRING_EQUAL(output_of(2, 1), "e\n");
}

static void silent_commands_leave_no_file(void)
{
    char command[128];
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1, 0, "true");
    start_line(2, 1, "true");
    (void)wait_end(1);
    (void)wait_end(2);
    hayi_spawner_free(spawner);
    spawner = NULL;
    (void)snprintf(
        command, sizeof(command), "test -z \"$(ls -A '%s')\"", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void files_mode_makes_a_pair(void)
{
    char text[128];
    open_spawner(HAYI_CAPTURE_FILES);
    start(&(struct hayi_spawn_request){
        .id = 1, .name = "a/b", .line = "echo x; echo y >&2"});
    start(&(struct hayi_spawn_request){.id = 2, .name = "c", .line = "true"});
    CU_ASSERT_EQUAL(wait_end(1)->length[0], 2);
    (void)wait_end(2);
    (void)read_file("a_b.out", 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "x\n");
    (void)read_file("a_b.err", 0, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, "y\n");
    (void)snprintf(text, sizeof(text), "%s/c.err", folder);
    CU_ASSERT_EQUAL(access(text, F_OK), 0);
}

/* Command 1 leaves a process in a session of its own behind, which writes
 * once command 2 runs, before that ends. */
static void a_leftover_writes_to_no_later_output(void)
{
    char path[128];
    const char *const names[] = {"apart", "go", "written"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    }
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1,
               0,
               "echo one; setsid sh -c 'echo > apart; read x < go; "
               "echo intruder; echo intruder >&2; echo > written' & "
               "read x < apart");
    start_line(2, 0, "echo two; echo > go; read x < written");
    start_line(3, 0, "echo three");
    (void)wait_end(3);
    check_output(1, "one\n", "");
    check_output(2, "two\n", "");
    check_output(3, "three\n", "");
}

/* ---- ends ---------------------------------------------------------------- */

static void exit_codes_and_signals_are_told(void)
{
    open_spawner(HAYI_CAPTURE_NULL);
    start_line(1, 0, "exit 7");
    start_line(2, 0, "kill -SEGV $$");
    start_line(3, 1, "exit 0");
    CU_ASSERT_EQUAL(wait_end(1)->exit_code, 7);
    CU_ASSERT_EQUAL(wait_end(2)->signal, SIGSEGV);
    CU_ASSERT_EQUAL(wait_end(3)->exit_code, 0);
    CU_ASSERT_EQUAL(ended[3].signal, 0);
    CU_ASSERT(ended[1].end_ns > ended[1].start_ns);
    CU_ASSERT(ended[2].start_ns >= ended[1].end_ns);
    CU_ASSERT(ended[1].memory_peak_bytes > 100000);
}

static void what_cannot_start_says_why(void)
{
    char script[128];
    const char *const missing[] = {"no-such-program", NULL};
    const char *const data[] = {"./data", NULL};
    const char *const plain_script[] = {"./script", "word", NULL};
    open_spawner(HAYI_CAPTURE_APPEND);
    (void)snprintf(script, sizeof(script), "%s/script", folder);
    int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    CU_ASSERT_EQUAL(write(fd, "echo $1\n", 8), 8);
    (void)close(fd);
    (void)snprintf(script, sizeof(script), "%s/data", folder);
    (void)close(open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    start(&(struct hayi_spawn_request){.id = 1, .argv = missing});
    start(&(struct hayi_spawn_request){.id = 2, .line = "true", .cwd = "/no"});
    start(&(struct hayi_spawn_request){.id = 3, .argv = data});
    start(&(struct hayi_spawn_request){
        .id = 4, .line = "true", .stdin_path = "none"});
    start(&(struct hayi_spawn_request){.id = 5, .argv = plain_script});
    (void)wait_end(5);
    CU_ASSERT_EQUAL(ended[1].exit_code, 127);
#ifndef __SANITIZE_THREAD__ /* makes vfork a fork, whose words are lost */
    CU_ASSERT_EQUAL(ended[1].start_errno, ENOENT);
    CU_ASSERT_EQUAL(ended[1].start_step, HAYI_SPAWN_STEP_EXEC);
    CU_ASSERT_EQUAL(ended[2].exit_code, 126);
    CU_ASSERT_EQUAL(ended[2].start_errno, ENOENT);
    CU_ASSERT_EQUAL(ended[2].start_step, HAYI_SPAWN_STEP_CWD);
    CU_ASSERT_EQUAL(ended[3].exit_code, 126);
    CU_ASSERT_EQUAL(ended[3].start_errno, EACCES);
    CU_ASSERT_EQUAL(ended[4].start_step, HAYI_SPAWN_STEP_STDIN);
#endif
    check_output(5, "word\n", "");
}

static void a_bad_folder_is_refused_at_setup(void)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_spawner_setup config = plain(HAYI_CAPTURE_APPEND);
    config.cwd = "/no/such/folder";
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_fork(&spawner, &err), HAY_OK);
    CU_ASSERT_EQUAL(hayi_spawner_setup(spawner, &config, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/no/such/folder"));
}

/* ---- what a command sees ------------------------------------------------- */

static void command_sees_what_was_asked_for(void)
{
    const char *const env[] = {"SIZE=10", "NEW=1", "NEW=2", NULL};
    const char *const argv[] = {"printf", "%s.", "a b", "", "c", NULL};
    open_spawner(HAYI_CAPTURE_APPEND);
    start(&(struct hayi_spawn_request){
        .id = 1, .env = env, .line = "echo $COLOUR $SIZE $NEW $HOME; umask"});
    start(&(struct hayi_spawn_request){.id = 2, .line = "cat; pwd"});
    start(&(struct hayi_spawn_request){
        .id = 3,
        .cwd = "/",
        .stdin_path = "etc/hostname",
        .line = "pwd; cmp - /etc/hostname && echo same"});
    start(&(struct hayi_spawn_request){.id = 4, .argv = argv});
    start_line(5,
               0,
               "ls /proc/self/fd | wc -l; for k in SigBlk SigIgn; do "
               "v=$(sed -n s/^$k:.//p /proc/self/status); "
               "echo $k $((0x$v & ~0x180000000)); done; "
               "ps -o pgid= -p $$ | grep -c $$");
    (void)wait_end(5);
    check_output(1, "red 10 2\n0022\n", "");
    char expected[128];
    (void)snprintf(expected, sizeof(expected), "%s\n", folder);
    check_output(2, expected, "");
    check_output(3, "/\nsame\n", "");
    check_output(4, "a b..c.", "");
    /* 0, 1, 2 and the folder that ls itself reads; no signal blocked or
     * ignored but the C library's own two (32 and 33: children of make ignore
     * them, and only the kernel's call could change that); an own group. */
    check_output(5, "4\nSigBlk 0\nSigIgn 0\n1\n", "");
}

static void command_is_pinned(void)
{
    cpu_set_t set;
    char line[64], expected[64];
    open_spawner(HAYI_CAPTURE_APPEND);
    CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof(set), &set), 0);
    int last = CPU_SETSIZE - 1;
    while (last > 0 && !CPU_ISSET((size_t)last, &set)) {
        last--;
    }
    (void)snprintf(
        line, sizeof(line), "grep Cpus_allowed_list /proc/self/status");
    const int none = 4000;
    start(&(struct hayi_spawn_request){
        .id = 1, .line = line, .cpus = &last, .cpu_count = 1});
    start(&(struct hayi_spawn_request){
        .id = 2, .line = "true", .cpus = &none, .cpu_count = 1});
    (void)wait_end(2);
    (void)snprintf(
        expected, sizeof(expected), "Cpus_allowed_list:\t%d\n", last);
    check_output(1, expected, "");
    CU_ASSERT_FALSE(ended[1].unpinned);
    CU_ASSERT(ended[2].unpinned);
}

static void a_megabyte_goes_through(void)
{
    enum { WORDS = 100, EACH = 10000 };
    static char word[EACH + 1];
    static const char *argv[WORDS + 4];
    static char line[700001];
    struct hayi_error err = {HAY_OK, ""};
    open_spawner(HAYI_CAPTURE_APPEND);
    memset(word, 'x', EACH);
    argv[0] = "sh";
    argv[1] = "-c";
    argv[2] = "echo $# ${#1}";
    for (int i = 0; i < WORDS; i++) {
        argv[i + 3] = word;
    }
    memset(line, '\n', sizeof(line) - 1);
    (void)memcpy(line + sizeof(line) - 9, "echo end", 8);
    start(&(struct hayi_spawn_request){.id = 1, .argv = argv});
    start_line(2, 0, line);
    start_line(3, 1, "echo small");
    (void)wait_end(2);
    (void)wait_end(3);
    check_output(1, "99 10000\n", "");
    check_output(2, "end\n", "");
    check_output(3, "small\n", "");
    static char long_line[(1 << 20) + 2];
    memset(long_line, ' ', sizeof(long_line) - 1);
    CU_ASSERT_EQUAL(hayi_spawner_start(spawner,
                                       &(struct hayi_spawn_request){
                                           .id = 4, .line = long_line},
                                       &err),
                    HAY_ETOOBIG);
}

/* ---- limits, cancel, revoke ---------------------------------------------- */

static void time_limit_ends_a_stubborn_one(void)
{
    int alive = fifo_new("alive");
    open_spawner(HAYI_CAPTURE_NULL);
    start(&(struct hayi_spawn_request){
        .id = 1,
        .line = "trap '' TERM; exec 9>alive; sleep 100 & echo a >&9; wait",
        .time_limit_ns = 200 * MS});
    start_line(2, 0, "true");
    (void)hayi_spawner_flush(spawner);
    CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    const struct hayi_spawn_event *event = wait_end(1);
    CU_ASSERT(event->timed_out);
    CU_ASSERT_FALSE(event->cancelled);
    CU_ASSERT_EQUAL(event->signal, SIGKILL);
    CU_ASSERT(event->end_ns - event->start_ns >= 300 * MS);
    CU_ASSERT(started[1]);
    CU_ASSERT_FALSE(wait_end(2)->timed_out);
    while (fifo_next(alive) != 0) { /* its child has ended, too */
    }
    (void)close(alive);
}

static void cancel_ends_running_and_queued(void)
{
    int alive = fifo_new("alive");
    open_spawner(HAYI_CAPTURE_NULL);
    start_line(1,
               0,
               "exec 9>alive; setsid sh -c 'trap \"\" TERM; echo a >&9; "
               "sleep 100' & echo b >&9; wait");
    start_line(2, 0, "true");
    start_line(3, 0, "true");
    (void)hayi_spawner_flush(spawner);
    CU_ASSERT_NOT_EQUAL(fifo_next(alive), 0);
    CU_ASSERT_NOT_EQUAL(fifo_next(alive), 0);
    CU_ASSERT_EQUAL(hayi_spawner_cancel(spawner, 2), HAY_OK);
    CU_ASSERT_EQUAL(hayi_spawner_cancel(spawner, 1), HAY_OK);
    CU_ASSERT_EQUAL(hayi_spawner_cancel(spawner, 99), HAY_OK);
    CU_ASSERT(wait_end(1)->cancelled);
    CU_ASSERT_EQUAL(ended[1].signal, SIGTERM);
    CU_ASSERT(wait_end(2)->cancelled);
    CU_ASSERT_EQUAL(ended[2].start_ns, 0);
    CU_ASSERT_FALSE(wait_end(3)->cancelled);
    while (fifo_next(alive) != 0) { /* also the one in its own session */
    }
    (void)close(alive);
}

static void revoke_answers_who_was_first(void)
{
    int alive = fifo_new("alive");
    open_spawner(HAYI_CAPTURE_NULL);
    start_line(1, 0, "exec 9>alive; echo a >&9; exec sleep 100");
    start_line(2, 0, "true");
    start_line(3, 1, "true");
    start_line(4, 0, "true");
    CU_ASSERT_EQUAL(wait_end(3)->exit_code, 0);
    CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    CU_ASSERT_EQUAL(hayi_spawner_revoke(spawner, 3), HAY_OK);
    CU_ASSERT_EQUAL(hayi_spawner_revoke(spawner, 1), HAY_OK);
    CU_ASSERT_EQUAL(hayi_spawner_revoke(spawner, 2), HAY_OK);
    wait_until(&other[2].id, sizeof(other[2].id));
    CU_ASSERT_EQUAL(other[1].kind, HAYI_SPAWN_REVOKE_LATE);
    CU_ASSERT_EQUAL(other[2].kind, HAYI_SPAWN_REVOKED);
    CU_ASSERT_EQUAL(other[3].id, 0); /* its end was the last word */
    CU_ASSERT_EQUAL(hayi_spawner_cancel(spawner, 1), HAY_OK);
    (void)wait_end(1);
    (void)wait_end(4);
    CU_ASSERT_EQUAL(ended[2].id, 0);
    (void)close(alive);
}

/* ---- nothing is left ----------------------------------------------------- */

static void a_group_ends_with_its_leader(void)
{
    int alive = fifo_new("alive");
    open_spawner(HAYI_CAPTURE_NULL);
    start_line(1,
               0,
               "exec 9>alive; (trap '' TERM; echo a >&9; sleep 100) & "
               "exit 3");
    CU_ASSERT_EQUAL(wait_end(1)->exit_code, 3);
    while (fifo_next(alive) != 0) {
    }
    (void)close(alive);
}

/* Ones that set themselves apart in every way, and one that does so again and
 * again; each holds the fifo 'alive' and says a byte. */
static const char *const deserters[] = {
    "exec 9>alive; setsid sh -c 'trap \"\" TERM HUP INT; echo a >&9; "
    "sleep 100'; true",
    "exec 9>alive; mkfifo apart; (setsid sh -c '(sleep 100 &) & echo a >&9; "
    "echo > apart' &) & read x < apart",
    "exec 9>alive; echo a >&9; trap '' TERM; "
    "while :; do setsid sleep 0.001 & done",
};
enum { DESERTERS = sizeof(deserters) / sizeof(*deserters) };

static void start_deserters(void)
{
    for (uint32_t i = 0; i < DESERTERS; i++) {
        start_line(i + 1, i, deserters[i]);
    }
    (void)hayi_spawner_flush(spawner);
}

static void killing_the_rank_ends_all(void)
{
    int alive = fifo_new("alive");
    pid_t rank = fork();
    if (rank == 0) {
        open_spawner(HAYI_CAPTURE_INHERIT);
        start_deserters();
        for (;;) {
            (void)pause();
        }
    }
    CU_ASSERT_FATAL(rank > 0);
    for (uint32_t i = 0; i < DESERTERS; i++) {
        CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    }
    uint64_t killed_ns = hayi_clock_ns();
    CU_ASSERT_EQUAL(kill(rank, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(rank, NULL, 0), rank);
    while (fifo_next(alive) != 0) {
    }
    CU_ASSERT(hayi_clock_ns() - killed_ns < 10000 * MS);
    (void)close(alive);
}

static void freeing_ends_all(void)
{
    int alive = fifo_new("alive");
    open_spawner(HAYI_CAPTURE_APPEND);
    start_deserters();
    for (uint32_t i = 0; i < DESERTERS; i++) {
        CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    }
    hayi_spawner_free(spawner);
    spawner = NULL;
    CU_ASSERT_EQUAL(fifo_next(alive), 0);
    (void)close(alive);
}

static void a_killed_spawner_is_told(void)
{
    int alive = fifo_new("alive");
    char text[32];
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1,
               0,
               "exec 9>alive; echo $PPID > parent; echo a >&9; "
               "exec sleep 100");
    (void)hayi_spawner_flush(spawner);
    CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    (void)read_file("parent", 0, text, sizeof(text));
    CU_ASSERT_EQUAL(kill((pid_t)strtol(text, NULL, 10), SIGKILL), 0);
    wait_until(&gone, sizeof(gone));
    while (fifo_next(alive) != 0) { /* the command went with it */
    }
    struct hayi_error err;
    CU_ASSERT_EQUAL(hayi_spawner_start(
                        spawner,
                        &(struct hayi_spawn_request){.id = 2, .line = "true"},
                        &err),
                    HAY_EFARM);
    (void)close(alive);
}

static void signals_from_outside_leave_it_alone(void)
{
    const int signals[] = {
        SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGTSTP};
    char text[32];
    open_spawner(HAYI_CAPTURE_APPEND);
    start_line(1, 0, "echo $PPID > parent");
    (void)wait_end(1);
    (void)read_file("parent", 0, text, sizeof(text));
    for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
        CU_ASSERT_EQUAL(kill((pid_t)strtol(text, NULL, 10), signals[i]), 0);
    }
    start_line(2, 0, "kill -INT $$");
    CU_ASSERT_EQUAL(wait_end(2)->signal, SIGINT);
}

/* The helper is this program itself, see main(). */
static void the_helper_program_does_the_same(void)
{
    struct hayi_error err = {HAY_OK, ""};
    struct hayi_spawner_setup config = plain(HAYI_CAPTURE_APPEND);
    int alive = fifo_new("alive");
    CU_ASSERT_EQUAL(setenv("HAYFORK_SPAWNER", "/proc/self/exe", 1), 0);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_exec(&spawner, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_setup(spawner, &config, &err), HAY_OK);
    start_line(2, 1, deserters[0]);
    (void)hayi_spawner_flush(spawner);
    CU_ASSERT_EQUAL(fifo_next(alive), 'a');
    start_line(1, 0, "echo one; ls /proc/$PPID/fd | wc -l");
    CU_ASSERT_EQUAL(wait_end(1)->exit_code, 0);
    hayi_spawner_free(spawner);
    spawner = NULL;
    CU_ASSERT_EQUAL(fifo_next(alive), 0);
    /* 0 to 2, socket, signals, folder, children, two files of each slot. */
    check_output(1, "one\n11\n", "");
    (void)close(alive);
}

static void a_missing_helper_is_told(void)
{
    struct hayi_error err = {HAY_OK, ""};
    CU_ASSERT_EQUAL(setenv("HAYFORK_SPAWNER", "/no/such/file", 1), 0);
    CU_ASSERT_EQUAL(hayi_spawner_exec(&spawner, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/no/such/file, "));
}

static CU_TestInfo tests[] = {
    {"outputs_of_two_slots_are_not_mixed", outputs_of_two_slots_are_not_mixed},
    {"a_truncating_command_hurts_no_other",
     a_truncating_command_hurts_no_other},
    {"long_output_becomes_a_generation", long_output_becomes_a_generation},
    {"silent_commands_leave_no_file", silent_commands_leave_no_file},
    {"files_mode_makes_a_pair", files_mode_makes_a_pair},
    {"a_leftover_writes_to_no_later_output",
     a_leftover_writes_to_no_later_output},
    {"exit_codes_and_signals_are_told", exit_codes_and_signals_are_told},
    {"what_cannot_start_says_why", what_cannot_start_says_why},
    {"a_bad_folder_is_refused_at_setup", a_bad_folder_is_refused_at_setup},
    {"command_sees_what_was_asked_for", command_sees_what_was_asked_for},
    {"command_is_pinned", command_is_pinned},
    {"a_megabyte_goes_through", a_megabyte_goes_through},
    {"time_limit_ends_a_stubborn_one", time_limit_ends_a_stubborn_one},
    {"cancel_ends_running_and_queued", cancel_ends_running_and_queued},
    {"revoke_answers_who_was_first", revoke_answers_who_was_first},
    {"a_group_ends_with_its_leader", a_group_ends_with_its_leader},
    {"killing_the_rank_ends_all", killing_the_rank_ends_all},
    {"freeing_ends_all", freeing_ends_all},
    {"a_killed_spawner_is_told", a_killed_spawner_is_told},
    {"signals_from_outside_leave_it_alone",
     signals_from_outside_leave_it_alone},
    {"the_helper_program_does_the_same", the_helper_program_does_the_same},
    {"a_missing_helper_is_told", a_missing_helper_is_told},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/spawner", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[0], "hayfork-spawner") == 0) {
        return hayi_spawner_main(argc, argv);
    }
    return hayi_unit_main(suites, argc, argv);
}
