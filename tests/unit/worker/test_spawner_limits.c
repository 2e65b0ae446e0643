/* test_spawner_limits.c - commands that take too much, under the spawner.  They
 * are this program itself, see eater(). */
#include "config.h"

#include "worker/child_area.h"
#include "worker/spawner.h"
#include "worker/spawner_memory.h"
#include "worker/spawner_minder.h"

#include "base/clock.h"
#include "support/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT_MS = 30000, EVENTS_MAX = 8 };
#define MS  UINT64_C(1000000)
#define MIB (UINT64_C(1) << 20)

/* What a sanitizer adds to what a process takes, and the times that its shadow
 * makes of what is held. */
#if defined(__SANITIZE_THREAD__)
#define ADDED       (64 * MIB)
#define SHADOW_HELD 2
#elif defined(__SANITIZE_ADDRESS__)
#define ADDED       (64 * MIB)
#define SHADOW_HELD 1
#else
#define ADDED       UINT64_C(0)
#define SHADOW_HELD 1
#endif

static char folder[64];
static char self[4096];
static struct hayi_spawner *spawner;
static struct hayi_spawn_event ended[EVENTS_MAX];

/* ---- what the commands do ------------------------------------------------ */

static void *hold(uint64_t bytes)
{
    char *memory = mmap(NULL,
                        bytes,
                        PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS,
                        -1,
                        0);
    if (memory == MAP_FAILED) {
        exit(9);
    }
    for (uint64_t at = 0; at < bytes; at += 4096) {
        memory[at] = 1;
    }
    return memory;
}

static void rest(uint64_t ms)
{
    struct timespec time = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};
    (void)nanosleep(&time, NULL);
}

/* "stay MIB": hold so much and wait for ever.  "stray MIB": the same in a
 * session of its own, as nobody's child.  "share MIB": hold it, fork three who
 * hold it, too, for a while; then all end. */
static int eater(char **argv)
{
    uint64_t bytes = strtoull(argv[2], NULL, 10) * MIB;
    if (strcmp(argv[1], "stray") == 0) {
        if (fork() != 0) {
            return 0;
        }
        (void)setsid();
        if (fork() != 0) {
            return 0;
        }
    }
    (void)hold(bytes);
    if (strcmp(argv[1], "share") == 0) {
        for (int i = 0; i < 3; i++) {
            if (fork() == 0) {
                rest(400);
                return 0;
            }
        }
        while (wait(NULL) > 0) {
        }
        return 0;
    }
    for (;;) {
        (void)pause();
    }
}

/* ---- fixture ------------------------------------------------------------- */

static void setup(void)
{
    static const char *const env[] = {"PATH=/usr/local/bin:/usr/bin:/bin",
                                      NULL};
    struct hayi_error err = {HAY_OK, ""};
    (void)snprintf(folder, sizeof(folder), "/tmp/hayfork-test-limits-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    memset(ended, 0, sizeof(ended));
    spawner = NULL;
    const struct hayi_spawner_setup config = {
        .capture = HAYI_CAPTURE_APPEND,
        .folder = folder,
        .prefix = "w",
        .cwd = folder,
        .env = env,
        .umask_bits = 022,
        .grace_ns = 100000 * MS,
        .slots = 2,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_fork(&spawner, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_setup(spawner, &config, &err), HAY_OK);
}

static void teardown(void)
{
    char command[128];
    hayi_spawner_free(spawner);
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

/* A line in which @ is this program. */
static void start(struct hayi_spawn_request request)
{
    struct hayi_error err = {HAY_OK, ""};
    char line[8192];
    size_t used = 0;
    for (const char *c = request.line; *c != 0; c++) {
        used += (size_t)snprintf(line + used,
                                 sizeof(line) - used,
                                 *c == '@' ? "%s" : "%.1s",
                                 *c == '@' ? self : c);
    }
    request.line = line;
    CU_ASSERT_EQUAL_FATAL(hayi_spawner_start(spawner, &request, &err), HAY_OK);
}

static const struct hayi_spawn_event *wait_end(uint64_t id)
{
    uint64_t end_ns = hayi_clock_ns() + LIMIT_MS * MS;
    (void)hayi_spawner_flush(spawner);
    while (ended[id].id == 0) {
        struct hayi_spawn_event event;
        while (hayi_spawner_poll(spawner, &event)) {
            CU_ASSERT_NOT_EQUAL_FATAL(event.kind, HAYI_SPAWN_GONE);
            if (event.kind == HAYI_SPAWN_ENDED) {
                ended[event.id] = event;
            }
        }
        struct pollfd fd = {hayi_spawner_fd(spawner), POLLIN, 0};
        if (ended[id].id == 0) {
            (void)poll(&fd, 1, 1000);
        }
        CU_ASSERT_FATAL(hayi_clock_ns() < end_ns);
    }
    return &ended[id];
}

/* A fifo whose other ends the command's processes hold. */
static int alive_new(void)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/alive", folder);
    CU_ASSERT_EQUAL_FATAL(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    CU_ASSERT_FATAL(fd >= 0);
    return fd;
}

/* Nobody who was started with it is left; what they wrote is thrown away. */
static void check_all_dead(int alive)
{
    char byte;
    struct pollfd fd = {alive, POLLIN, 0};
    do {
        CU_ASSERT_EQUAL_FATAL(poll(&fd, 1, LIMIT_MS), 1);
    } while (read(alive, &byte, 1) > 0);
    CU_ASSERT_NOT_EQUAL(fd.revents & POLLHUP, 0);
    (void)close(alive);
}

/* ---- memory -------------------------------------------------------------- */

static void memory_of_all_its_processes_is_limited(void)
{
    int alive = alive_new();
    start((struct hayi_spawn_request){
        .id = 1,
        .line = "exec 9>alive; setsid @ stay 48 & @ stay 48 & wait",
        .memory_limit_bytes = 80 * MIB});
    start((struct hayi_spawn_request){.id = 2, .line = "true"});
    const struct hayi_spawn_event *event = wait_end(1);
    CU_ASSERT(event->over_memory);
    CU_ASSERT_FALSE(event->timed_out);
    CU_ASSERT_EQUAL(event->signal, SIGKILL);
    CU_ASSERT_FALSE(event->oom_kill);
    CU_ASSERT(event->memory_peak_bytes > 80 * MIB);
    CU_ASSERT(event->memory_peak_bytes < 112 * MIB + ADDED);
    CU_ASSERT_FALSE(wait_end(2)->over_memory);
    check_all_dead(alive);
}

static void who_stays_below_is_left_alone(void)
{
    start((struct hayi_spawn_request){.id = 1,
                                      .line = "@ share 40",
                                      .memory_limit_bytes = 100 * MIB + ADDED});
    const struct hayi_spawn_event *event = wait_end(1);
    CU_ASSERT_FALSE(event->over_memory);
    CU_ASSERT_EQUAL(event->exit_code, 0);
    CU_ASSERT_EQUAL(event->signal, 0);
    CU_ASSERT(event->memory_peak_bytes > 40 * MIB);
}

static void memory_of_strays_counts(void)
{
    static const char *const env[] = {"HAY_TASK_ID=7", NULL};
    int alive = alive_new();
    start((struct hayi_spawn_request){.id = 1,
                                      .line =
                                          "exec 9>alive; @ stray 48; @ stay 24",
                                      .env = env,
                                      .memory_limit_bytes = 64 * MIB});
    CU_ASSERT(wait_end(1)->over_memory);
    check_all_dead(alive);
}

static void strays_of_others_do_not_count(void)
{
    static const char *const env[] = {"HAY_TASK_ID=7", NULL};
    static const char *const other[] = {"HAY_TASK_ID=77", NULL};
    start((struct hayi_spawn_request){
        .id = 1, .line = "@ stray 48", .env = other});
    CU_ASSERT_EQUAL(wait_end(1)->exit_code, 0);
    start((struct hayi_spawn_request){.id = 2,
                                      .line = "@ share 40",
                                      .env = env,
                                      .memory_limit_bytes = 64 * MIB + ADDED});
    CU_ASSERT_FALSE(wait_end(2)->over_memory);
    CU_ASSERT_EQUAL(ended[2].exit_code, 0);
}

static void shared_memory_counts_once_when_it_matters(void)
{
    pid_t child;
    int pipe_fd[2];
    char byte = 0;
    struct hayi_pids pids = {NULL, 0, 0};
    uint64_t bytes = 0;
    hayi_pids_add(&pids, getpid());
    uint64_t before = hayi_memory_estimate(&pids, true);
    void *memory = hold(32 * MIB);
    CU_ASSERT(hayi_memory_estimate(&pids, true) >= before + 31 * MIB);
    CU_ASSERT_EQUAL_FATAL(pipe(pipe_fd), 0);
    child = fork();
    if (child == 0) {
        (void)close(pipe_fd[1]);
        _exit((int)read(pipe_fd[0], &byte, 1));
    }
    hayi_pids_add(&pids, child);
    CU_ASSERT(hayi_memory_estimate(&pids, true) >= before + 62 * MIB);
    CU_ASSERT(hayi_memory_exact(&pids, true, &bytes));
    CU_ASSERT(bytes >= 32 * MIB);
    CU_ASSERT(bytes < before + 40 * MIB * SHADOW_HELD);
    (void)close(pipe_fd[1]);
    (void)waitpid(child, NULL, 0);
    (void)close(pipe_fd[0]);
    (void)munmap(memory, 32 * MIB);
    hayi_pids_fini(&pids);
}

static void kills_of_the_kernel_are_counted(void)
{
    uint64_t kills = hayi_memory_oom_kills();
    CU_ASSERT(hayi_memory_oom_kills() >= kills);
    start((struct hayi_spawn_request){.id = 1, .line = "kill -KILL $$"});
    CU_ASSERT_EQUAL(wait_end(1)->signal, SIGKILL);
    if (hayi_memory_oom_kills() == kills) {
        CU_ASSERT_FALSE(ended[1].oom_kill);
    }
}

/* ---- memory of functions --------------------------------------------------
 */

static struct hayi_child_area *area;

static void begin_attempt(uint32_t number, uint64_t limit)
{
    atomic_store(&area->memory_limit_bytes, limit);
    atomic_store(&area->running, number);
    hayi_minder_watch(area);
}

static void takes_too_much(struct hayi_child_area *shared)
{
    (void)shared;
    begin_attempt(5, 40 * MIB);
    if (fork() == 0) {
        (void)setsid();
    }
    (void)hold(24 * MIB); /* each of the two */
    for (;;) {
        (void)pause();
    }
}

static void had_much_before(struct hayi_child_area *shared)
{
    (void)shared;
    (void)hold(64 * MIB);
    begin_attempt(6, 40 * MIB);
    (void)hold(16 * MIB);
    rest(200);
    atomic_store(&area->running, 0);
    (void)hold(64 * MIB); /* nobody's */
    rest(200);
    exit(3);
}

static void mind(hayi_child_fn run)
{
    sigset_t all, old;
    int status;
    area = mmap(NULL,
                HAYI_CHILD_AREA_BYTES,
                PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS,
                -1,
                0);
    CU_ASSERT_FATAL(area != MAP_FAILED);
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &old);
    const struct hayi_minder_start start = {
        .area = area, .run = run, .out = STDOUT_FILENO, .err = STDERR_FILENO};
    pid_t minder = hayi_minder_fork(&start);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    CU_ASSERT_FATAL(minder > 0);
    CU_ASSERT_EQUAL(waitpid(minder, &status, 0), minder);
}

static void memory_of_a_function_is_limited(void)
{
    mind(takes_too_much);
    int status = atomic_load(&area->wait_status);
    CU_ASSERT(WIFSIGNALED(status));
    CU_ASSERT_EQUAL(WTERMSIG(status), SIGKILL);
    CU_ASSERT_EQUAL(atomic_load(&area->over_memory), 5);
    CU_ASSERT(atomic_load(&area->memory_used_bytes) > 40 * MIB);
    CU_ASSERT(atomic_load(&area->memory_used_bytes) < 60 * MIB + ADDED);
    (void)munmap(area, HAYI_CHILD_AREA_BYTES);
}

static void only_what_the_attempt_takes_counts(void)
{
    mind(had_much_before);
    int status = atomic_load(&area->wait_status);
    CU_ASSERT(WIFEXITED(status));
    CU_ASSERT_EQUAL(WEXITSTATUS(status), 3);
    CU_ASSERT_EQUAL(atomic_load(&area->over_memory), 0);
    (void)munmap(area, HAYI_CHILD_AREA_BYTES);
}

/* ---- output -------------------------------------------------------------- */

static void check_kept(uint64_t id, uint64_t out, uint64_t err)
{
    CU_ASSERT_EQUAL(ended[id].length[0], out);
    CU_ASSERT_EQUAL(ended[id].length[1], err);
    CU_ASSERT_FALSE(ended[id].output_lost);
    for (int i = 0; i < 2; i++) {
        char path[128];
        struct stat facts;
        (void)snprintf(path,
                       sizeof(path),
                       "%s/w.s%u.%u.%s",
                       folder,
                       ended[id].slot,
                       ended[id].file,
                       i == 0 ? "out" : "err");
        if (ended[id].length[i] > 0) {
            CU_ASSERT_EQUAL_FATAL(stat(path, &facts), 0);
            CU_ASSERT_EQUAL((uint64_t)facts.st_size,
                            ended[id].offset[i] + ended[id].length[i]);
        }
    }
}

static void endless_output_is_ended_and_cut(void)
{
    start((struct hayi_spawn_request){
        .id = 1, .line = "yes", .output_limit_bytes = 3 * MIB});
    start((struct hayi_spawn_request){
        .id = 2, .line = "echo fine", .output_limit_bytes = 100});
    const struct hayi_spawn_event *event = wait_end(1);
    CU_ASSERT(event->over_output);
    /* or, if it wrote on before it was given the first one: */
    CU_ASSERT(event->signal == SIGTERM || event->signal == SIGKILL);
    check_kept(1, 3 * MIB, 0);
    CU_ASSERT_FALSE(wait_end(2)->over_output);
    check_kept(2, 5, 0);
}

static void limit_holds_for_both_streams_together(void)
{
    start((struct hayi_spawn_request){.id = 1,
                                      .line = "printf abcdefgh; printf 123 >&2",
                                      .output_limit_bytes = 6});
    CU_ASSERT(wait_end(1)->over_output);
    CU_ASSERT_EQUAL(ended[1].exit_code, 0);
    check_kept(1, 3, 3);
    start((struct hayi_spawn_request){.id = 2,
                                      .line = "printf abcd; printf 12 >&2",
                                      .output_limit_bytes = 6});
    CU_ASSERT_FALSE(wait_end(2)->over_output);
    check_kept(2, 4, 2);
}

/* The grace is 100 s here. */
static void who_writes_on_gets_no_grace(void)
{
    start((struct hayi_spawn_request){
        .id = 1, .line = "trap '' TERM; yes", .output_limit_bytes = MIB});
    CU_ASSERT(wait_end(1)->over_output);
    CU_ASSERT_EQUAL(ended[1].signal, SIGKILL);
    check_kept(1, MIB, 0);
}

/* ---- grace --------------------------------------------------------------- */

static void each_command_has_its_own_grace(void)
{
    start((struct hayi_spawn_request){
        .id = 1,
        .line = "trap '' TERM; while :; do sleep 1; done",
        .time_limit_ns = 50 * MS,
        .grace_ns = 150 * MS});
    const struct hayi_spawn_event *event = wait_end(1);
    CU_ASSERT(event->timed_out);
    CU_ASSERT_EQUAL(event->signal, SIGKILL);
    CU_ASSERT(event->end_ns - event->start_ns >= 200 * MS);
}

static CU_TestInfo tests[] = {
    {"memory_of_all_its_processes_is_limited",
     memory_of_all_its_processes_is_limited},
    {"who_stays_below_is_left_alone", who_stays_below_is_left_alone},
    {"memory_of_strays_counts", memory_of_strays_counts},
    {"strays_of_others_do_not_count", strays_of_others_do_not_count},
    {"shared_memory_counts_once_when_it_matters",
     shared_memory_counts_once_when_it_matters},
    {"kills_of_the_kernel_are_counted", kills_of_the_kernel_are_counted},
    {"memory_of_a_function_is_limited", memory_of_a_function_is_limited},
    {"only_what_the_attempt_takes_counts", only_what_the_attempt_takes_counts},
    {"endless_output_is_ended_and_cut", endless_output_is_ended_and_cut},
    {"limit_holds_for_both_streams_together",
     limit_holds_for_both_streams_together},
    {"who_writes_on_gets_no_grace", who_writes_on_gets_no_grace},
    {"each_command_has_its_own_grace", each_command_has_its_own_grace},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/spawner_limits", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    if (argc == 3
        && (strcmp(argv[1], "stay") == 0 || strcmp(argv[1], "stray") == 0
            || strcmp(argv[1], "share") == 0)) {
        return eater(argv);
    }
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) <= 0) {
        return 1;
    }
    return hayi_unit_main(suites, argc, argv);
}
