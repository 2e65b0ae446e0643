/* spawner_memory.c - see spawner_memory.h.
 *
 * Each look first adds up what /proc/PID/status tells, which is cheap and never
 * too little; only if that is above the limit the fair shares of smaps_rollup
 * decide, so that forked processes are not blamed for what they share.
 *
 * The next look is due when somebody who takes 8 GB a second could have reached
 * the limit, but not sooner than after fifty times what a look costs (2 % of
 * the spawner's processor; its own time, since a busy machine makes a look
 * longer, not dearer), or, if that is sooner, after half the time in which the
 * limit is reached by who takes as much as since the last look.
 */
#include "config.h"

#include "worker/spawner_memory.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    TEXT_MAX = 16384,
    TAKEN_PER_NS = 8,
    COST_TIMES = 50,
    NS_PER_MS = 1000000,
    PAUSE_MIN_NS = 2000000,
    PAUSE_MAX_NS = 100000000,
    OOM_LATELY_NS = 1000000000
};

/* ---- what files of /proc and cgroups tell -------------------------------- */

/* The file's first bytes, with a 0; false: it cannot be read. */
static bool read_text(const char *path, char text[TEXT_MAX])
{
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    while (size < TEXT_MAX - 1) {
        ssize_t n = read(fd, text + size, TEXT_MAX - 1 - size);
        if (n <= 0) {
            break;
        }
        size += (size_t)n;
    }
    (void)close(fd);
    text[size] = '\0';
    return size > 0;
}

/* The number after 'name' at the beginning of a line. */
static bool find_number(const char *text, const char *name, uint64_t *number)
{
    size_t length = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, length) == 0) {
            *number = strtoull(line + length, NULL, 10);
            return true;
        }
    }
    return false;
}

static uint64_t kilobytes(const char *text, const char *name)
{
    uint64_t number = 0;
    return find_number(text, name, &number) ? number * 1024 : 0;
}

uint64_t hayi_memory_estimate(const struct hayi_pids *pids, bool shared)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pids->count; i++) {
        char path[64];
        char text[TEXT_MAX];
        (void)snprintf(
            path, sizeof(path), "/proc/%ld/status", (long)pids->list[i]);
        if (read_text(path, text)) { /* else it has ended */
            sum += kilobytes(text, "RssAnon:") + kilobytes(text, "VmSwap:")
                   + (shared ? kilobytes(text, "RssShmem:") : 0);
        }
    }
    return sum;
}

bool hayi_memory_exact(const struct hayi_pids *pids,
                       bool shared,
                       uint64_t *bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < pids->count; i++) {
        char path[64];
        char text[TEXT_MAX];
        uint64_t number = 0;
        (void)snprintf(
            path, sizeof(path), "/proc/%ld/smaps_rollup", (long)pids->list[i]);
        if (!read_text(path, text)) {
            if (access(path, F_OK) == 0 && access(path, R_OK) != 0) {
                return false; /* another user's */
            }
            continue; /* it has ended */
        }
        if (!find_number(text, "Pss_Anon:", &number)) {
            return false; /* a kernel before 5.3 */
        }
        sum += number * 1024 + kilobytes(text, "SwapPss:")
               + (shared ? kilobytes(text, "Pss_Shmem:") : 0);
    }
    *bytes = sum;
    return true;
}

/* ---- the watch ----------------------------------------------------------- */

/* Of this thread on a processor. */
static uint64_t own_time_ns(void)
{
    struct timespec t = {0, 0};
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void hayi_memory_watch_init(struct hayi_memory_watch *watch)
{
    *watch = (struct hayi_memory_watch){.next_ns = UINT64_MAX};
}

static uint64_t pause_of(const struct hayi_memory_watch *watch,
                         uint64_t cost_ns)
{
    uint64_t left = watch->limit_bytes > watch->used_bytes
                        ? watch->limit_bytes - watch->used_bytes
                        : 0;
    uint64_t pause = left / TAKEN_PER_NS;
    uint64_t rest = cost_ns * COST_TIMES;
    if (watch->taken_per_ms > 0) {
        uint64_t half_ns = left / watch->taken_per_ms * (NS_PER_MS / 2);
        rest = half_ns < rest ? half_ns : rest;
    }
    pause = pause > rest ? pause : rest;
    pause = pause > PAUSE_MIN_NS ? pause : PAUSE_MIN_NS;
    return pause < PAUSE_MAX_NS ? pause : PAUSE_MAX_NS;
}

void hayi_memory_watch_begin(struct hayi_memory_watch *watch,
                             pid_t root,
                             const char *const marks[HAYI_FAMILY_MARKS],
                             uint64_t limit_bytes,
                             bool shared,
                             uint64_t now_ns)
{
    hayi_memory_watch_init(watch);
    hayi_family_init(&watch->family, root, marks);
    watch->limit_bytes = limit_bytes;
    watch->looked_ns = now_ns;
    watch->shared = shared;
    watch->next_ns = now_ns + pause_of(watch, 0);
}

void hayi_memory_watch_end(struct hayi_memory_watch *watch)
{
    hayi_family_fini(&watch->family);
    watch->family = (struct hayi_family){.root = 0};
    watch->limit_bytes = 0;
    watch->next_ns = UINT64_MAX;
}

bool hayi_memory_watch_look(struct hayi_memory_watch *watch, uint64_t now_ns)
{
    uint64_t start_ns = own_time_ns();
    hayi_family_look(&watch->family);
    const struct hayi_pids *pids = &watch->family.members;
    uint64_t used = hayi_memory_estimate(pids, watch->shared);
    if (used > watch->limit_bytes) {
        (void)hayi_memory_exact(pids, watch->shared, &used);
    }
    uint64_t ms = (now_ns - watch->looked_ns) / NS_PER_MS;
    watch->taken_per_ms = used > watch->used_bytes
                              ? (used - watch->used_bytes) / (ms > 0 ? ms : 1)
                              : 0;
    watch->looked_ns = now_ns;
    watch->used_bytes = used;
    watch->peak_bytes = used > watch->peak_bytes ? used : watch->peak_bytes;
    watch->next_ns = now_ns + pause_of(watch, own_time_ns() - start_ns);
    return used > watch->limit_bytes;
}

/* ---- the kernel's own killing -------------------------------------------- */

/* The counter of one line of /proc/self/cgroup; false: it is no memory cgroup,
 * or has none. */
static bool cgroup_kills(char *line, uint64_t *kills)
{
    char path[TEXT_MAX];
    char text[TEXT_MAX];
    char *controllers = strchr(line, ':');
    char *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL) {
        return false;
    }
    *group++ = '\0';
    if (controllers[1] == '\0') {
        (void)snprintf(
            path, sizeof(path), "/sys/fs/cgroup%.3000s/memory.events", group);
        if (read_text(path, text) && find_number(text, "oom_kill ", kills)) {
            return true;
        }
        (void)snprintf(path,
                       sizeof(path),
                       "/sys/fs/cgroup/unified%.3000s/memory.events",
                       group);
        return read_text(path, text) && find_number(text, "oom_kill ", kills);
    }
    if (strcmp(controllers + 1, "memory") != 0) {
        return false;
    }
    (void)snprintf(path,
                   sizeof(path),
                   "/sys/fs/cgroup/memory%.3000s/memory.oom_control",
                   group);
    return read_text(path, text) && find_number(text, "oom_kill ", kills);
}

uint64_t hayi_memory_oom_kills(void)
{
    char text[TEXT_MAX];
    uint64_t kills = 0;
    char *rest = text;
    char *line;
    if (read_text("/proc/self/cgroup", text)) {
        while ((line = strsep(&rest, "\n")) != NULL) {
            if (cgroup_kills(line, &kills)) {
                return kills;
            }
        }
    }
    return read_text("/proc/vmstat", text)
                   && find_number(text, "oom_kill ", &kills)
               ? kills
               : 0;
}

void hayi_oom_watch_init(struct hayi_oom_watch *watch)
{
    *watch = (struct hayi_oom_watch){.kills = hayi_memory_oom_kills()};
}

bool hayi_oom_lately(struct hayi_oom_watch *watch, uint64_t now_ns)
{
    uint64_t kills = hayi_memory_oom_kills();
    if (kills > watch->kills) {
        watch->kills = kills;
        watch->until_ns = now_ns + OOM_LATELY_NS;
    }
    return now_ns < watch->until_ns;
}
