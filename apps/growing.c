/* growing.c - `hayfork grow` beside a run; see growing.h.
 *
 * It reads the other end of a pipe: a byte, or the end that comes with ours, is
 * the end of the run.  It has a process group of its own, since the signals of
 * a terminal are not for it.
 */
#include "config.h"

#include "growing.h"
#include "jobspec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000
#define NAP_MS  20

extern char **environ;

static struct {
    pid_t pid; /* 0: there is none */
    int fd;    /* -1: it knows of the end */
} growing = {0, -1};

/* hayfork grow --attached --max=N WORD ... FOLDER [-- WORD ...] */
static const char **command_line(const struct options *o,
                                 const char *self,
                                 const char *folder,
                                 struct arena *arena)
{
    struct jobspec spec = JOBSPEC_INIT;
    struct fault fault;
    struct text max = TEXT_INIT;
    char none[] = "";
    const char *text = o->grow_job != NULL ? o->grow_job : none;
    char **words = NULL;
    char **extra = NULL;
    size_t count = 0;
    /* It was parsed before, so that nothing can be wrong with it. */
    if (jobspec_parse_text(&spec, text, arena, &words, &extra, &fault)
        != HAY_OK) {
        fault_print(&fault);
        return NULL;
    }
    while (words[count] != NULL) {
        count++;
    }
    const char **argv = arena_alloc(arena, (count + 8) * sizeof *argv);
    size_t at = 0;
    text_format(&max, "--max=%" PRIu32, o->grow);
    argv[at++] = self;
    argv[at++] = "grow";
    argv[at++] = "--attached";
    argv[at++] = arena_string(arena, max.data);
    text_fini(&max);
    if (o->quiet) {
        argv[at++] = "--quiet";
    }
    for (; words != extra && *words != NULL && strcmp(*words, "--") != 0;
         words++) {
        argv[at++] = *words;
    }
    argv[at++] = folder;
    for (; *words != NULL; words++) { /* with the "--" before them */
        argv[at++] = *words;
    }
    argv[at] = NULL;
    return argv;
}

static int spawn(const char *const *argv, int input)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    union {
        const char *const *from;
        char *const *to;
    } words = {.from = argv};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    int failed = posix_spawn(
        &growing.pid, argv[0], &actions, &attributes, words.to, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

void growing_start(const struct options *o, const char *folder)
{
    struct arena arena = ARENA_INIT;
    char self[PATH_MAX];
    int ends[2] = {-1, -1};
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || pipe2(ends, O_CLOEXEC) != 0) {
        say("--grow: %s; the run goes on without", strerror(errno));
        return;
    }
    self[length] = '\0';
    const char **argv = command_line(o, self, folder, &arena);
    int failed = argv == NULL ? EINVAL : spawn(argv, ends[0]);
    close(ends[0]);
    if (failed != 0) {
        say("--grow: %s; the run goes on without", strerror(failed));
        growing.pid = 0;
        close(ends[1]);
    } else {
        growing.fd = ends[1];
    }
    arena_fini(&arena);
}

void growing_stop(void)
{
    if (growing.fd >= 0) {
        /* Others may have the pipe, too: closing it is not enough. */
        ssize_t done = write(growing.fd, "\n", 1);
        (void)done;
        close(growing.fd);
        growing.fd = -1;
    }
}

void growing_wait(void)
{
    pid_t ended = 0;
    growing_stop();
    for (int ms = 0; growing.pid > 0 && ended == 0 && ms < WAIT_MS;
         ms += NAP_MS) {
        ended = waitpid(growing.pid, NULL, WNOHANG);
        if (ended == 0) {
            (void)poll(NULL, 0, NAP_MS);
        }
    }
    if (growing.pid > 0 && ended == 0) {
        say("the batch system does not answer; jobs of workers may still wait "
            "there (hayfork status tells, hayfork cancel ends them)");
    }
    growing.pid = 0;
}
