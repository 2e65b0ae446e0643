/* tool.c - runs another program; see tool.h. */
#include "config.h"

#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

const char *tool_find(struct arena *arena, const char *name)
{
    const char *path = getenv("PATH");
    struct text file = TEXT_INIT;
    const char *found = NULL;
    while (path != NULL && found == NULL) {
        const char *end = strchrnul(path, ':');
        text_clear(&file);
        text_add(&file, path, (size_t)(end - path));
        text_format(&file, "%s%s", end == path ? "./" : "/", name);
        if (access(file.data, X_OK) == 0) {
            found = arena_string(arena, file.data);
        }
        path = *end == ':' ? end + 1 : NULL;
    }
    text_fini(&file);
    return found;
}

static void take(struct pollfd *from, struct text *to)
{
    char data[4096];
    ssize_t got = 0;
    if (from->revents == 0) {
        return;
    }
    got = read(from->fd, data, sizeof data);
    if (got > 0) {
        text_add(to, data, (size_t)got);
    } else if (got == 0 || errno != EINTR) {
        close(from->fd);
        from->fd = -1;
    }
}

/* Both at once: neither may fill up while the other one is read. */
static void
take_all(int out_fd, int error_fd, struct text *out, struct text *error)
{
    struct pollfd from[2] = {{.fd = out_fd, .events = POLLIN},
                             {.fd = error_fd, .events = POLLIN}};
    while (from[0].fd >= 0 || from[1].fd >= 0) {
        if (poll(from, 2, -1) >= 0) {
            take(&from[0], out);
            take(&from[1], error);
        }
    }
}

hay_status tool_run(const char *const *argv,
                    struct text *out,
                    struct text *error,
                    int *code,
                    struct fault *fault)
{
    int ends[2][2] = {{-1, -1}, {-1, -1}};
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    text_clear(out);
    if (error != NULL) {
        text_clear(error);
    }
    if (pipe2(ends[0], O_CLOEXEC) != 0
        || (error != NULL && pipe2(ends[1], O_CLOEXEC) != 0)) {
        return fault_set(fault, HAY_EIO, "no pipe: %s", strerror(errno));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(
        &actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[0][1], STDOUT_FILENO);
    if (error != NULL) {
        posix_spawn_file_actions_adddup2(&actions, ends[1][1], STDERR_FILENO);
    }
    int failed =
        posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0][1]);
    if (error != NULL) {
        close(ends[1][1]);
    }
    take_all(ends[0][0], ends[1][0], out, error);
    if (failed != 0) {
        return fault_set(
            fault, HAY_EIO, "%.200s: %s", argv[0], strerror(failed));
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return HAY_OK;
}
