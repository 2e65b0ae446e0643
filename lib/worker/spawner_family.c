/* spawner_family.c - see spawner_family.h.
 *
 * A process whose parent ends becomes the spawner's child.  If it was seen
 * below its command before, it is known.  If it came and went between two looks
 * (setsid --fork), its process group tells, or its environment, which it has
 * from the command; that is read once for each new child of the spawner.
 */
#include "config.h"

#include "worker/spawner_family.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENVIRON_MAX = 1 << 20 };

void hayi_family_init(struct hayi_family *family,
                      pid_t root,
                      const char *const marks[HAYI_FAMILY_MARKS])
{
    *family = (struct hayi_family){.root = root};
    for (int i = 0; i < HAYI_FAMILY_MARKS; i++) {
        family->marks[i] = marks[i];
    }
    hayi_pids_add(&family->members, root);
}

void hayi_family_fini(struct hayi_family *family)
{
    hayi_pids_fini(&family->members);
    hayi_pids_fini(&family->strangers);
}

/* ---- whose is a child of ours? ------------------------------------------- */

/* Is 'mark' one of the strings? */
static bool has_string(const char *text, size_t size, const char *mark)
{
    size_t length = strlen(mark);
    for (size_t at = 0; at + length <= size;) {
        if (memcmp(text + at, mark, length) == 0
            && (at + length == size || text[at + length] == '\0')) {
            return true;
        }
        const char *nul = memchr(text + at, '\0', size - at);
        if (nul == NULL) {
            break;
        }
        at = (size_t)(nul - text) + 1;
    }
    return false;
}

static size_t read_environ(pid_t pid, char *text, size_t room)
{
    char path[64];
    size_t size = 0;
    (void)snprintf(path, sizeof(path), "/proc/%ld/environ", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return 0;
    }
    while (size < room) {
        ssize_t n = read(fd, text + size, room - size);
        if (n <= 0) {
            break;
        }
        size += (size_t)n;
    }
    (void)close(fd);
    return size;
}

static bool is_marked(const struct hayi_family *family, pid_t pid)
{
    bool marked = false;
    for (int i = 0; i < HAYI_FAMILY_MARKS; i++) {
        marked = marked || family->marks[i] != NULL;
    }
    char *text = marked ? malloc(ENVIRON_MAX) : NULL;
    if (text == NULL) {
        return false;
    }
    size_t size = read_environ(pid, text, ENVIRON_MAX);
    for (int i = 0; i < HAYI_FAMILY_MARKS; i++) {
        marked = marked
                 && (family->marks[i] == NULL
                     || has_string(text, size, family->marks[i]));
    }
    free(text);
    return marked;
}

/* Which of our children are its?  They are added to 'found'. */
static void look_at_ours(struct hayi_family *family,
                         const struct hayi_pids *ours,
                         struct hayi_pids *found)
{
    struct hayi_pids strangers = {NULL, 0, 0};
    for (size_t i = 0; i < ours->count; i++) {
        pid_t pid = ours->list[i];
        if (pid == family->root) {
            continue;
        }
        bool stranger = hayi_pids_has(&family->strangers, pid);
        if (!stranger
            && (hayi_pids_has(&family->members, pid)
                || getpgid(pid) == family->root || is_marked(family, pid))) {
            hayi_pids_add(found, pid);
        } else {
            hayi_pids_add(&strangers, pid);
        }
    }
    hayi_pids_fini(&family->strangers);
    family->strangers = strangers;
}

/* ---- who is below? ------------------------------------------------------- */

/* Add the children of one process, which are listed for each of its threads. */
static void add_children(pid_t pid, struct hayi_pids *found)
{
    struct hayi_pids some = {NULL, 0, 0};
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return; /* it has ended */
    }
    const struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        char name[300];
        if (!isdigit((unsigned char)entry->d_name[0])) {
            continue;
        }
        (void)snprintf(name, sizeof(name), "%s/children", entry->d_name);
        int fd = openat(dirfd(dir), name, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        hayi_tree_children(fd, &some);
        (void)close(fd);
        for (size_t i = 0; i < some.count; i++) {
            if (!hayi_pids_has(found, some.list[i])) {
                hayi_pids_add(found, some.list[i]);
            }
        }
    }
    (void)closedir(dir);
    hayi_pids_fini(&some);
}

/* No list of children: by the table of all processes.  Strays are known only
 * if they were seen before. */
static void look_at_all(struct hayi_family *family, struct hayi_pids *found)
{
    struct hayi_pids below = {NULL, 0, 0};
    hayi_tree_below(getpid(), &below);
    for (size_t i = 0; i < below.count; i++) {
        pid_t pid = below.list[i];
        if (pid != family->root
            && (hayi_pids_has(&family->members, pid)
                || getpgid(pid) == family->root)) {
            hayi_pids_add(found, pid);
        }
    }
    hayi_pids_fini(&below);
    for (size_t i = 0; i < found->count; i++) {
        hayi_tree_below(found->list[i], found);
    }
}

void hayi_family_look(struct hayi_family *family)
{
    struct hayi_pids found = {NULL, 0, 0};
    struct hayi_pids ours = {NULL, 0, 0};
    int fd = hayi_tree_open();
    hayi_pids_add(&found, family->root);
    if (fd >= 0) {
        hayi_tree_children(fd, &ours);
        (void)close(fd);
        look_at_ours(family, &ours, &found);
        for (size_t i = 0; i < found.count; i++) {
            add_children(found.list[i], &found);
        }
    } else {
        look_at_all(family, &found);
    }
    hayi_pids_fini(&ours);
    hayi_pids_fini(&family->members);
    family->members = found;
}
