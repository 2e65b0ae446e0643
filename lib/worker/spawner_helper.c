/* spawner_helper.c - see spawner_helper.h.
 *
 * The helper gets the socket as descriptor 3 and, as arguments, the version of
 * the protocol, that number, and the id of the process that started it, so that
 * it can tell whether that one still lives.
 */
#include "config.h"

#include "worker/spawner_helper.h"

#include "worker/spawner_child.h"
#include "worker/spawner_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef HAYI_LIBEXECDIR
#define HAYI_LIBEXECDIR "/usr/local/libexec/hayfork"
#endif

enum { HELPER_SOCKET = 3 };
enum { PLACES = 4 };

/* Where hayfork-spawner may lie: as told, beside the running program, a folder
 * above (examples in the build tree), the installed place. */
static void helper_places(char places[PLACES][PATH_MAX])
{
    char self[PATH_MAX];
    const char *told = getenv("HAYFORK_SPAWNER");
    for (int i = 0; i < PLACES; i++) {
        places[i][0] = '\0';
    }
    if (told != NULL) {
        (void)snprintf(places[0], PATH_MAX, "%s", told);
    }
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    for (int i = 1; n > 0 && i <= 2; i++) {
        self[n] = '\0';
        char *slash = strrchr(self, '/');
        if (slash != NULL) {
            *slash = '\0';
            n = slash - self;
            if (n < PATH_MAX - 32) {
                (void)snprintf(places[i],
                               PATH_MAX,
                               "%.*s/hayfork-spawner",
                               PATH_MAX - 32,
                               self);
            }
        }
    }
    (void)snprintf(places[3], PATH_MAX, "%s/hayfork-spawner", HAYI_LIBEXECDIR);
}

/* The first place where it can be run; false: 'looked' tells where it is not.
 */
static bool find_helper(char path[PATH_MAX], char *looked, size_t size)
{
    char places[PLACES][PATH_MAX];
    size_t used = 0;
    looked[0] = '\0';
    helper_places(places);
    for (int i = 0; i < PLACES; i++) {
        if (places[i][0] == '\0') {
            continue;
        }
        if (access(places[i], X_OK) == 0) {
            memcpy(path, places[i], PATH_MAX);
            return true;
        }
        int more = snprintf(looked + used,
                            size - used,
                            "%s%s",
                            used == 0 ? "" : ", ",
                            places[i]);
        used = more > 0 && (size_t)more < size - used ? used + (size_t)more
                                                      : size - 1;
    }
    return false;
}

static int spawn_helper(const char *path, int socket, pid_t *pid)
{
    extern char **environ;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char protocol[16], descriptor[16], parent[16];
    (void)snprintf(protocol, sizeof(protocol), "%d", HAYI_SPAWN_PROTOCOL);
    (void)snprintf(descriptor, sizeof(descriptor), "%d", HELPER_SOCKET);
    (void)snprintf(parent, sizeof(parent), "%ld", (long)getpid());
    char name[] = "hayfork-spawner";
    char *argv[] = {name, protocol, descriptor, parent, NULL};
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    error = posix_spawn_file_actions_adddup2(&actions, socket, HELPER_SOCKET);
    if (error == 0) {
        error = posix_spawn(pid, path, &actions, &attributes, argv, environ);
    }
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

hay_status
hayi_spawner_helper_start(int socket, pid_t *pid, struct hayi_error *err)
{
    char path[PATH_MAX];
    char looked[400];
    if (!find_helper(path, looked, sizeof(looked))) {
        return hayi_fail(err,
                         HAY_EIO,
                         "the program hayfork-spawner was not found; looked "
                         "for %s",
                         looked);
    }
    int error = spawn_helper(path, socket, pid);
    if (error != 0) {
        return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(error));
    }
    return HAY_OK;
}

int hayi_spawner_main(int argc, char **argv)
{
    if (argc != 4 || strtol(argv[1], NULL, 10) != HAYI_SPAWN_PROTOCOL
        || strtol(argv[2], NULL, 10) != HELPER_SOCKET
        || fcntl(HELPER_SOCKET, F_SETFD, FD_CLOEXEC) != 0) {
        (void)fprintf(stderr,
                      "hayfork-spawner: starts commands for programs that use "
                      "libhayfork; not to be called by hand\n");
        return 2;
    }
    hayi_spawner_child_run(HELPER_SOCKET, (pid_t)strtol(argv[3], NULL, 10));
}
