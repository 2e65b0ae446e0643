/* spawner_tree.c - see spawner_tree.h.
 *
 * What is below a process is found from the parent ids in /proc/PID/stat: one
 * pass over /proc makes a table, and the set is closed over it.  A pass is not
 * atomic: a process that forks meanwhile can be missed.  So the end of all is
 * a loop: stop what is there (a stopped process forks no more), kill it, reap,
 * look again; it is over when wait() says that there is no child.
 */
#include "config.h"

#include "worker/spawner_tree.h"

#include "base/clock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NAP_MIN_NS = 200000, NAP_MAX_NS = 20000000 };

void hayi_pids_fini(struct hayi_pids *pids)
{
    free(pids->list);
    *pids = (struct hayi_pids){NULL, 0, 0};
}

bool hayi_pids_has(const struct hayi_pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->count; i++) {
        if (pids->list[i] == pid) {
            return true;
        }
    }
    return false;
}

void hayi_pids_add(struct hayi_pids *pids, pid_t pid)
{
    if (pids->count == pids->room) {
        size_t room = pids->room == 0 ? 64 : pids->room * 2;
        pid_t *list = realloc(pids->list, room * sizeof(*list));
        if (list == NULL) {
            return;
        }
        pids->list = list;
        pids->room = room;
    }
    pids->list[pids->count++] = pid;
}

void hayi_pids_remove(struct hayi_pids *pids, pid_t pid)
{
    for (size_t i = 0; i < pids->count; i++) {
        if (pids->list[i] == pid) {
            pids->list[i] = pids->list[--pids->count];
            return;
        }
    }
}

bool hayi_tree_handles(pid_t pid, int number)
{
    char path[64];
    char text[4096];
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    text[n > 0 ? n : 0] = 0;
    const char *mask = strstr(text, "\nSigCgt:");
    return mask != NULL
           && (strtoull(mask + 8, NULL, 16) >> (number - 1) & 1) != 0;
}

int hayi_tree_open(void)
{
    char path[64];
    (void)snprintf(
        path, sizeof(path), "/proc/self/task/%ld/children", (long)getpid());
    return open(path, O_RDONLY | O_CLOEXEC);
}

void hayi_tree_children(int fd, struct hayi_pids *pids)
{
    char text[4096];
    off_t place = 0;
    pid_t pid = 0;
    pids->count = 0;
    for (;;) {
        ssize_t n = pread(fd, text, sizeof(text), place);
        if (n <= 0) {
            break;
        }
        for (ssize_t i = 0; i < n; i++) {
            if (text[i] >= '0' && text[i] <= '9') {
                pid = pid * 10 + (text[i] - '0');
            } else if (pid != 0) {
                hayi_pids_add(pids, pid);
                pid = 0;
            }
        }
        if ((size_t)n < sizeof(text) - 16) {
            break; /* the next id would have had room */
        }
        place += n;
    }
    if (pid != 0) {
        hayi_pids_add(pids, pid);
    }
}

/* Parent id from /proc/PID/stat: the second field after the last ')' (the name
 * before it may hold anything); 0 if it is gone. */
static pid_t parent_of(int proc, const char *name)
{
    char text[512];
    (void)snprintf(text, sizeof(text), "%s/stat", name);
    int fd = openat(proc, text, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    ssize_t n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (n <= 0) {
        return 0;
    }
    text[n] = '\0';
    const char *after = strrchr(text, ')');
    int parent = 0;
    if (after == NULL || sscanf(after + 1, " %*c %d", &parent) != 1) {
        return 0;
    }
    return (pid_t)parent;
}

/* Pairs of all processes: ids in one list, their parents' in the other. */
static void read_table(struct hayi_pids *ids, struct hayi_pids *parents)
{
    DIR *dir = opendir("/proc");
    if (dir == NULL) {
        return;
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        pid_t parent = parent_of(dirfd(dir), entry->d_name);
        if (parent > 0) {
            size_t before = ids->count;
            hayi_pids_add(ids, (pid_t)strtol(entry->d_name, NULL, 10));
            if (ids->count > before) {
                hayi_pids_add(parents, parent);
                ids->count = parents->count; /* short of memory: neither */
            }
        }
    }
    (void)closedir(dir);
}

/* Add to 'set' all that is below its members. */
static void close_over(struct hayi_pids *set)
{
    struct hayi_pids ids = {NULL, 0, 0};
    struct hayi_pids parents = {NULL, 0, 0};
    read_table(&ids, &parents);
    for (size_t next = 0; next < set->count; next++) {
        for (size_t i = 0; i < ids.count; i++) {
            if (parents.list[i] == set->list[next]
                && !hayi_pids_has(set, ids.list[i])) {
                hayi_pids_add(set, ids.list[i]);
            }
        }
    }
    hayi_pids_fini(&ids);
    hayi_pids_fini(&parents);
}

void hayi_tree_below(pid_t root, struct hayi_pids *pids)
{
    struct hayi_pids found = {NULL, 0, 0};
    hayi_pids_add(&found, root);
    close_over(&found);
    for (size_t i = 1; i < found.count; i++) {
        if (!hayi_pids_has(pids, found.list[i])) {
            hayi_pids_add(pids, found.list[i]);
        }
    }
    hayi_pids_fini(&found);
}

/* A process to which SIGSTOP was sent forks no more, even if it has not stopped
 * yet: fork() gives way to a pending signal. */
void hayi_tree_kill(struct hayi_pids *pids)
{
    size_t stopped = 0;
    while (stopped < pids->count) {
        for (; stopped < pids->count; stopped++) {
            (void)kill(pids->list[stopped], SIGSTOP);
        }
        close_over(pids);
    }
    for (size_t i = 0; i < pids->count; i++) {
        (void)kill(pids->list[i], SIGKILL);
    }
}

/* Reap what has ended; false: no child is left. */
static bool reap(void)
{
    for (;;) {
        pid_t pid = waitpid(-1, NULL, WNOHANG | __WALL);
        if (pid == 0) {
            return true;
        }
        if (pid < 0 && errno != EINTR) {
            return false;
        }
    }
}

void hayi_tree_kill_all(uint64_t limit_ns)
{
    uint64_t end_ns = hayi_clock_ns() + limit_ns;
    struct timespec nap = {0, NAP_MIN_NS};
    struct hayi_pids pids = {NULL, 0, 0};
    while (reap() && hayi_clock_ns() < end_ns) {
        pids.count = 0;
        hayi_tree_below(getpid(), &pids);
        for (size_t i = 0; i < pids.count; i++) {
            (void)kill(pids.list[i], SIGSTOP);
        }
        for (size_t i = 0; i < pids.count; i++) {
            (void)kill(pids.list[i], SIGKILL);
        }
        if (!reap()) {
            break;
        }
        (void)nanosleep(&nap, NULL);
        nap.tv_nsec =
            nap.tv_nsec * 2 < NAP_MAX_NS ? nap.tv_nsec * 2 : NAP_MAX_NS;
    }
    hayi_pids_fini(&pids);
}
