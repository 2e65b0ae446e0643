/* spawner_kids.c - see spawner_kids.h. */
#include "config.h"

#include "worker/spawner_kids.h"

#include "base/clock.h"
#include "worker/child_area.h"
#include "worker/spawner_exec.h"
#include "worker/spawner_minder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static hayi_child_fn child_run;

void hayi_spawner_set_child(hayi_child_fn run)
{
    child_run = run;
}

hayi_child_fn hayi_kids_run(void)
{
    return child_run;
}

static void tell(struct hayi_kids *kids, const struct hayi_spawn_event *event)
{
    struct hayi_spawn_event_record record;
    memset(&record, 0, sizeof(record));
    record.head =
        (struct hayi_spawn_head){sizeof(record), HAYI_SPAWN_RECORD_EVENT};
    record.event = *event;
    (void)hayi_buffer_append(kids->events, &record, sizeof(record));
}

static void tell_not_started(struct hayi_kids *kids, uint64_t id, int error)
{
    const struct hayi_spawn_event event = {
        .kind = HAYI_SPAWN_CHILD_ENDED,
        .id = id,
        .start_errno = error,
        .start_step = HAYI_SPAWN_STEP_FORK,
        .end_ns = hayi_clock_ns(),
    };
    tell(kids, &event);
}

/* NULL: errno tells. */
static struct hayi_child_area *
open_area(pid_t rank, const struct hayi_spawn_fork_record *record)
{
    char path[60];
    struct stat info;
    void *area = MAP_FAILED;
    (void)snprintf(
        path, sizeof(path), "/proc/%ld/fd/%d", (long)rank, record->area_fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) == 0 && info.st_ino == record->area_inode
        && info.st_size >= HAYI_CHILD_AREA_BYTES) {
        area = mmap(NULL,
                    HAYI_CHILD_AREA_BYTES,
                    PROT_READ | PROT_WRITE,
                    MAP_SHARED,
                    fd,
                    0);
    } else {
        errno = ESTALE;
    }
    int error = errno;
    (void)close(fd);
    errno = error;
    return area == MAP_FAILED ? NULL : area;
}

static bool has_room(struct hayi_kids *kids)
{
    if (kids->count < kids->room) {
        return true;
    }
    size_t room = kids->room == 0 ? 16 : kids->room * 2;
    void *list = realloc(kids->list, room * sizeof(*kids->list));
    if (list == NULL) {
        return false;
    }
    kids->list = list;
    kids->room = room;
    return true;
}

pid_t hayi_kids_start(struct hayi_kids *kids,
                      const struct hayi_spawn_fork_record *record)
{
    if (child_run == NULL || !has_room(kids)) {
        tell_not_started(kids, record->id, child_run == NULL ? ENOSYS : ENOMEM);
        return 0;
    }
    struct hayi_child_area *area = open_area(kids->rank, record);
    if (area == NULL) {
        tell_not_started(kids, record->id, errno);
        return 0;
    }
    const struct hayi_minder_start start = {
        .area = area,
        .run = child_run,
        .out = kids->out,
        .err = kids->err,
        .env = hayi_environ_with(kids->env, NULL, 0),
    };
    pid_t pid = hayi_minder_fork(&start);
    if (pid < 0) {
        tell_not_started(kids, record->id, errno);
        (void)munmap(area, HAYI_CHILD_AREA_BYTES);
        return 0;
    }
    kids->list[kids->count++] =
        (struct hayi_kid){.id = record->id, .minder = pid, .area = area};
    return pid;
}

void hayi_kids_urge(struct hayi_kids *kids, uint64_t id, bool hard)
{
    for (size_t i = 0; i < kids->count; i++) {
        if (kids->list[i].id == id) {
            hayi_minder_urge(kids->list[i].minder, hard);
        }
    }
}

bool hayi_kids_ended(struct hayi_kids *kids, pid_t pid)
{
    size_t i = 0;
    while (i < kids->count && kids->list[i].minder != pid) {
        i++;
    }
    if (i == kids->count) {
        return false;
    }
    const struct hayi_kid kid = kids->list[i];
    kids->list[i] = kids->list[--kids->count];
    int status = atomic_load(&kid.area->wait_status);
    struct hayi_spawn_event event = {
        .kind = HAYI_SPAWN_CHILD_ENDED,
        .id = kid.id,
        .over_memory = atomic_load(&kid.area->over_memory) != 0,
        .memory_peak_bytes = atomic_load(&kid.area->max_rss_bytes),
        .end_ns = hayi_clock_ns(),
    };
    if (event.over_memory) {
        event.memory_peak_bytes = atomic_load(&kid.area->memory_used_bytes);
    }
    if (status == -1) { /* its minder was killed, and the child with it */
        event.signal = SIGKILL;
    } else if (WIFEXITED(status)) {
        event.exit_code = WEXITSTATUS(status);
    } else {
        event.signal = WTERMSIG(status);
    }
    event.oom_kill = event.signal == SIGKILL && !event.over_memory
                     && hayi_oom_lately(&kids->oom, event.end_ns);
    (void)munmap(kid.area, HAYI_CHILD_AREA_BYTES);
    tell(kids, &event);
    return true;
}
