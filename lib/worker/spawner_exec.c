/* spawner_exec.c - see spawner_exec.h.
 *
 * vfork: the child borrows our memory and we stand still until it has called
 * execve() or _exit(), so that the cost does not depend on our size and a
 * failure can be told through a variable.  The child may only call what is
 * async-signal-safe; all strings, and the places where the program may lie, are
 * made before.  The spawner has all signals blocked and every disposition at
 * its default, so the child has but to clear its mask.
 *
 * Pinning is done to ourselves, before the vfork, and taken back after it: a
 * child that pins itself is moved to the other core by force, and exec would
 * have moved it before; on a busy machine that halves the rate (bench_spawn).
 *
 * One argument of execve() is limited to 128 KiB (MAX_ARG_STRLEN): a longer
 * line is given to the shell as a file in memory.
 */
#include "config.h"

#include "worker/spawner_exec.h"

#include "worker/spawner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    CPUS_MAX = 8192,
    LINE_MAX_BYTES = 120 * 1024,
    SCRIPT_FD = 9, /* where the shell finds a very long line */
    START_FAILED = 127
};
static const char default_path[] = "/usr/local/bin:/usr/bin:/bin";
static const char shell[] = "/bin/sh";

/* ---- environment --------------------------------------------------------- */

struct hayi_environ {
    char **base;
    size_t base_count;
    uint32_t *index; /* open addressing by name; base number + 1; 0: free */
    size_t index_size;
    char **merged;
    size_t merged_room;
};

static size_t name_length(const char *string)
{
    return strcspn(string, "=");
}

static uint32_t name_hash(const char *string, size_t length)
{
    uint32_t hash = 2166136261U; /* FNV-1a */
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ (unsigned char)string[i]) * 16777619U;
    }
    return hash;
}

static bool same_name(const char *a, const char *b, size_t length)
{
    return strncmp(a, b, length) == 0
           && (b[length] == '=' || b[length] == '\0');
}

/* The place in the index of this name, or the free one where it belongs. */
static size_t index_place(const struct hayi_environ *env, const char *string)
{
    size_t length = name_length(string);
    size_t place = name_hash(string, length) & (env->index_size - 1);
    while (env->index[place] != 0
           && !same_name(string, env->base[env->index[place] - 1], length)) {
        place = (place + 1) & (env->index_size - 1);
    }
    return place;
}

struct hayi_environ *hayi_environ_new(char **strings, size_t count)
{
    struct hayi_environ *env = calloc(1, sizeof(*env));
    if (env == NULL) {
        return NULL;
    }
    env->index_size = 64;
    while (env->index_size < 2 * count) {
        env->index_size *= 2;
    }
    env->base = calloc(count + 1, sizeof(*env->base));
    env->index = calloc(env->index_size, sizeof(*env->index));
    if (env->base == NULL || env->index == NULL) {
        hayi_environ_free(env);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        size_t place = index_place(env, strings[i]);
        if (env->index[place] != 0) {
            env->base[env->index[place] - 1] = strings[i];
        } else {
            env->base[env->base_count++] = strings[i];
            env->index[place] = (uint32_t)env->base_count;
        }
    }
    return env;
}

void hayi_environ_free(struct hayi_environ *env)
{
    if (env != NULL) {
        free(env->base);
        free(env->index);
        free(env->merged);
        free(env);
    }
}

char **hayi_environ_with(struct hayi_environ *env, char **added, size_t count)
{
    size_t need = env->base_count + count + 1;
    if (need > env->merged_room) {
        char **merged = realloc(env->merged, need * sizeof(*merged));
        if (merged == NULL) {
            return NULL;
        }
        env->merged = merged;
        env->merged_room = need;
    }
    memcpy(env->merged, env->base, env->base_count * sizeof(*env->base));
    size_t end = env->base_count;
    for (size_t i = 0; i < count; i++) {
        size_t place = index_place(env, added[i]);
        if (env->index[place] != 0) {
            env->merged[env->index[place] - 1] = added[i];
            continue;
        }
        size_t length = name_length(added[i]);
        size_t at = env->base_count;
        while (at < end && !same_name(added[i], env->merged[at], length)) {
            at++;
        }
        env->merged[at] = added[i];
        end += at == end;
    }
    env->merged[end] = NULL;
    return env->merged;
}

/* ---- what is made before the vfork --------------------------------------- */

union cpus {
    cpu_set_t set;
    unsigned char room[CPUS_MAX / 8];
};

/* What the child works from. */
struct plan {
    const struct hayi_exec *spec;
    char **paths; /* candidates, ends with NULL; in 'text' */
    char **argv;
    char **script_argv; /* for a file that is no program: sh FILE argv[1].. */
    int script;         /* descriptor of a very long line, or -1 */
    union cpus cpus;
    sigset_t no_signals;
    void *memory[3];
    char *shell_argv[4];
    char *shell_paths[2];
    char script_name[32];
};

static void plan_cpus(struct plan *plan)
{
    const struct hayi_exec *spec = plan->spec;
    CPU_ZERO_S(sizeof(plan->cpus), &plan->cpus.set);
    for (uint32_t i = 0; i < spec->cpu_count; i++) {
        if (spec->cpus[i] >= 0 && spec->cpus[i] < CPUS_MAX) {
            CPU_SET_S(
                (size_t)spec->cpus[i], sizeof(plan->cpus), &plan->cpus.set);
        }
    }
}

/* A line too long for an argument: into a file in memory. */
static int long_line(struct plan *plan, size_t length)
{
    plan->script = memfd_create("hayfork-line", MFD_CLOEXEC);
    if (plan->script < 0) {
        return errno;
    }
    for (size_t done = 0; done < length;) {
        ssize_t n = pwrite(
            plan->script, plan->spec->line + done, length - done, (off_t)done);
        if (n < 0) {
            return errno;
        }
        done += (size_t)n;
    }
    (void)snprintf(
        plan->script_name, sizeof(plan->script_name), "/dev/fd/%d", SCRIPT_FD);
    plan->shell_argv[1] = plan->script_name;
    plan->shell_argv[2] = NULL;
    return 0;
}

static int plan_line(struct plan *plan)
{
    union { /* execve() takes what it never changes */
        const char *in;
        char *out;
    } name = {.in = shell}, flag = {.in = "-c"},
      line = {.in = plan->spec->line};
    plan->shell_paths[0] = name.out;
    plan->shell_paths[1] = NULL;
    plan->shell_argv[0] = name.out;
    plan->shell_argv[1] = flag.out;
    plan->shell_argv[2] = line.out;
    plan->shell_argv[3] = NULL;
    plan->argv = plan->shell_argv;
    plan->paths = plan->shell_paths;
    size_t length = strlen(plan->spec->line);
    return length > LINE_MAX_BYTES ? long_line(plan, length) : 0;
}

static const char *search_path(char **env)
{
    for (; *env != NULL; env++) {
        if (strncmp(*env, "PATH=", 5) == 0) {
            return *env + 5;
        }
    }
    return default_path;
}

/* All places where argv[0] may lie, by PATH of the command's environment. */
static int plan_paths(struct plan *plan)
{
    const char *program = plan->spec->argv[0];
    bool search = strchr(program, '/') == NULL;
    const char *path = search ? search_path(plan->spec->env) : "";
    size_t places = 1;
    for (const char *p = path; *p != '\0'; p++) {
        places += *p == ':';
    }
    size_t each = strlen(program) + 3;
    char *text = malloc(strlen(path) + places * each);
    plan->memory[0] = text;
    plan->paths = calloc(places + 1, sizeof(*plan->paths));
    plan->memory[1] = plan->paths;
    if (text == NULL || plan->paths == NULL) {
        return ENOMEM;
    }
    for (size_t i = 0; i < places; i++) {
        size_t length = strcspn(path, ":");
        plan->paths[i] = text;
        if (search) { /* an empty place is the folder we are in */
            memcpy(text, length == 0 ? "." : path, length == 0 ? 1 : length);
            text += length == 0 ? 1 : length;
            *text++ = '/';
        }
        memcpy(text, program, strlen(program) + 1);
        text += strlen(program) + 1;
        path += length + (path[length] == ':');
    }
    return 0;
}

static int plan_argv(struct plan *plan)
{
    size_t argc = 0;
    while (plan->spec->argv[argc] != NULL) {
        argc++;
    }
    plan->argv = plan->spec->argv;
    plan->script_argv = calloc(argc + 2, sizeof(*plan->script_argv));
    plan->memory[2] = plan->script_argv;
    if (plan->script_argv == NULL) {
        return ENOMEM;
    }
    union {
        const char *in;
        char *out;
    } name = {.in = shell};
    plan->script_argv[0] = name.out; /* [1]: the file, known later */
    for (size_t i = 1; i < argc; i++) {
        plan->script_argv[i + 1] = plan->spec->argv[i];
    }
    return plan_paths(plan);
}

static void plan_drop(struct plan *plan)
{
    for (size_t i = 0; i < sizeof(plan->memory) / sizeof(*plan->memory); i++) {
        free(plan->memory[i]);
    }
    if (plan->script >= 0) {
        (void)close(plan->script);
    }
}

/* ---- the child ----------------------------------------------------------- */

static void child_fails(struct hayi_exec_result *result, uint32_t step)
{
    result->error = errno;
    result->step = step;
    _exit(START_FAILED);
}

static void child_files(const struct plan *plan,
                        struct hayi_exec_result *result)
{
    const struct hayi_exec *spec = plan->spec;
    if (spec->stdin_path != NULL) {
        int fd = open(spec->stdin_path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 || dup2(fd, STDIN_FILENO) < 0) {
            child_fails(result, HAYI_SPAWN_STEP_STDIN);
        }
    }
    if ((spec->out >= 0 && dup2(spec->out, STDOUT_FILENO) < 0)
        || (spec->err >= 0 && dup2(spec->err, STDERR_FILENO) < 0)) {
        child_fails(result, HAYI_SPAWN_STEP_OUTPUT);
    }
    if (plan->script >= 0 && plan->script != SCRIPT_FD
        && dup2(plan->script, SCRIPT_FD) < 0) {
        child_fails(result, HAYI_SPAWN_STEP_EXEC);
    }
    if (plan->script == SCRIPT_FD) {
        (void)fcntl(SCRIPT_FD, F_SETFD, 0);
    }
}

/* As execvpe(): the first place that works; a place that is there and may not
 * be run is remembered. */
static void child_exec(const struct plan *plan, struct hayi_exec_result *result)
{
    int denied = 0;
    for (char **path = plan->paths; *path != NULL; path++) {
        (void)execve(*path, plan->argv, plan->spec->env);
        if (errno == ENOEXEC && plan->script_argv != NULL) {
            plan->script_argv[1] = *path;
            (void)execve(shell, plan->script_argv, plan->spec->env);
        }
        if (errno == EACCES) {
            denied = EACCES;
        } else if (errno != ENOENT && errno != ENOTDIR) {
            break;
        }
    }
    if (denied != 0) {
        errno = denied;
    }
    child_fails(result, HAYI_SPAWN_STEP_EXEC);
}

static void child(const struct plan *plan, struct hayi_exec_result *result)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* should the spawner be killed */
    if (plan->spec->cwd != NULL && chdir(plan->spec->cwd) != 0) {
        child_fails(result, HAYI_SPAWN_STEP_CWD);
    }
    child_files(plan, result);
    (void)sigprocmask(SIG_SETMASK, &plan->no_signals, NULL);
    child_exec(plan, result);
}

/* Where the spawner itself runs: what it was given, and all cpus of commands
 * (mpirun may have bound us to one core that nobody asked for). */
static union cpus home;
static bool home_known;

/* Be where the command shall be; false: the system refuses. */
static bool go_there(const struct plan *plan)
{
    if (!home_known) {
        CPU_ZERO_S(sizeof(home), &home.set);
        (void)sched_getaffinity(0, sizeof(home), &home.set);
        home_known = true;
    }
    if (sched_setaffinity(0, sizeof(plan->cpus), &plan->cpus.set) != 0) {
        return false;
    }
    CPU_OR_S(sizeof(home), &home.set, &home.set, &plan->cpus.set);
    return true;
}

static void go_home(void)
{
    (void)sched_setaffinity(0, sizeof(home), &home.set);
}

/* Apart, so that nothing of the caller's frame lives in registers that the
 * child changes. */
__attribute__((noinline)) static pid_t
fork_child(const struct plan *plan, struct hayi_exec_result *result)
{
    pid_t pid = vfork();
    if (pid == 0) {
        child(plan, result);
        _exit(START_FAILED);
    }
    return pid;
}

pid_t hayi_exec_start(const struct hayi_exec *spec,
                      struct hayi_exec_result *result)
{
    struct plan plan = {.spec = spec, .script = -1};
    assert(spec->line != NULL || spec->argv[0] != NULL);
    *result = (struct hayi_exec_result){0, HAYI_SPAWN_STEP_NONE, false};
    (void)sigemptyset(&plan.no_signals);
    pid_t pid = -1;
    bool pinned = false;
    int error = spec->line != NULL ? plan_line(&plan) : plan_argv(&plan);
    if (error != 0) {
        result->error = error;
        result->step = HAYI_SPAWN_STEP_FORK;
        goto drop;
    }
    if (spec->cpu_count > 0) {
        plan_cpus(&plan);
        pinned = go_there(&plan);
        result->unpinned = !pinned;
    }
    pid = fork_child(&plan, result);
    error = errno;
    if (pinned) {
        go_home();
    }
    if (pid < 0) {
        result->error = error;
        result->step = HAYI_SPAWN_STEP_FORK;
    } else if (result->error != 0) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        pid = -1;
    }
drop:
    plan_drop(&plan);
    return pid;
}
