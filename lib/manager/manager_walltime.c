/* manager_walltime.c - when the batch system ends this program: told to the
 * core, the workers and the client; and kinds of tasks, by whose durations the
 * core knows what still fits.
 *
 * A batch system may give a job more time, or less.  Who asks it (the launcher,
 * which may fork) writes what it hears to a small file, "UNIX SECONDS\n"; we
 * look at that now and then.
 */
#include "config.h"

#include "manager/manager_inside.h"

#include "base/clock.h"
#include "base/margin.h"
#include "worker/registry.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)
#define LOOK_NS  (2 * NS_PER_S) /* at the file */

/* ---- the deadline ------------------------------------------------------- */

static void send_end(struct hayi_manager *manager, struct hayi_peer *peer)
{
    uint64_t end_ns = atomic_load(&manager->ex->work_end_ns);
    const struct hayi_deadline_record record = {.left_ns =
                                                    hayi_clock_left(end_ns)};
    if (!peer->gone && !peer->bye) {
        (void)hayi_link_append(
            &peer->link, HAYI_RECORD_DEADLINE, &record, sizeof(record));
    }
}

/* Tell all of it; deadline_ns: Unix time. */
static void set_deadline(struct hayi_manager *manager, uint64_t deadline_ns)
{
    uint64_t now_ns = hayi_clock_ns();
    uint64_t unix_ns = hayi_clock_unix_ns();
    uint64_t left_ns = deadline_ns > unix_ns ? deadline_ns - unix_ns : 0;
    uint64_t limit_ns = left_ns + (now_ns - manager->start_ns);
    uint64_t margin_ns = hayi_margin_ns(limit_ns);
    uint64_t work_ns = left_ns > margin_ns ? left_ns - margin_ns : 0;
    struct hayi_event event = {
        .kind = HAYI_EVENT_DEADLINE,
        .u.deadline = {.end_ns = now_ns + work_ns,
                       .force_ns = now_ns + work_ns + margin_ns / 2},
    };
    manager->deadline_ns = deadline_ns;
    atomic_store(&manager->ex->margin_ns, margin_ns);
    atomic_store(&manager->ex->work_end_ns, now_ns + work_ns);
    hayi_manager_step(manager, &event, NULL);
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        send_end(manager, &manager->peers[i]);
    }
}

void hayi_manager_walltime_open(struct hayi_manager *manager,
                                const hay_options *options)
{
    const char *file = getenv("HAYFORK_DEADLINE_FILE");
    manager->look_deadline_ns = UINT64_MAX;
    if (file != NULL && file[0] != 0) {
        manager->deadline_file = strdup(file); /* short of memory: none */
        manager->look_deadline_ns =
            manager->deadline_file != NULL ? hayi_clock_ns() : UINT64_MAX;
    }
    if (options->deadline_ns != 0) {
        set_deadline(manager, options->deadline_ns);
    }
}

/* "1764012345\n"; 0: nothing of that kind is there. */
static uint64_t read_file(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    if (fd >= 0) {
        (void)close(fd);
    }
    char *end = text;
    errno = 0;
    unsigned long long seconds = got > 0 ? strtoull(text, &end, 10) : 0;
    return end != text && *end == '\n' && errno == 0
                   && seconds < UINT64_MAX / NS_PER_S
               ? seconds * NS_PER_S
               : 0;
}

void hayi_manager_walltime_poll(struct hayi_manager *manager)
{
    if (manager->now_ns < manager->look_deadline_ns) {
        return;
    }
    manager->look_deadline_ns = manager->now_ns + LOOK_NS;
    uint64_t deadline_ns = read_file(manager->deadline_file);
    if (deadline_ns != 0 && deadline_ns != manager->deadline_ns) {
        set_deadline(manager, deadline_ns);
    }
}

/* ---- kinds of tasks ------------------------------------------------------ */

/* The program's name in a command: its first word that sets no variable, behind
 * the last '/'. */
static size_t program_of(const struct hayi_spec *spec, const char **program)
{
    const char *text = hayi_spec_args(spec);
    size_t size = spec->args_size;
    size_t at = sizeof(struct hayi_command_head);
    while (at < size && text[at] != 0) {
        while (at < size && isspace((unsigned char)text[at])) {
            at++;
        }
        size_t first = at;
        bool sets = false;
        while (at < size && text[at] != 0
               && !isspace((unsigned char)text[at])) {
            sets = sets || text[at] == '=';
            first = text[at] == '/' ? at + 1 : first;
            at++;
        }
        if (!sets && at > first) {
            *program = text + first;
            return at - first;
        }
    }
    *program = "";
    return 0;
}

static size_t kind_of(const struct hayi_spec *spec, const char **kind)
{
    const struct hayi_function *function;
    if (spec->category_size > 0) {
        *kind = hayi_spec_category(spec);
        return strlen(*kind);
    }
    switch (spec->kind) {
    case HAYI_TASK_COMMAND:
        return program_of(spec, kind);
    case HAYI_TASK_FUNCTION:
    case HAYI_TASK_MAP:
        function = hayi_registry_get(spec->function);
        *kind = function != NULL ? function->name : "";
        return strlen(*kind);
    default:
        *kind = "";
        return 0;
    }
}

size_t hayi_manager_kind(const struct hayi_spec *spec, const char **kind)
{
    size_t size = kind_of(spec, kind);
    return size < HAYI_MANAGER_KIND_MAX ? size : HAYI_MANAGER_KIND_MAX - 1;
}

uint32_t hayi_manager_category(const char *kind, size_t size)
{
    enum { CATEGORIES = 4096 };
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ (unsigned char)kind[i]) * 16777619u;
    }
    return hash % CATEGORIES;
}

void hayi_manager_kind_text(const struct hayi_spec *spec,
                            char text[HAYI_MANAGER_KIND_MAX])
{
    const char *kind = "";
    size_t size = hayi_manager_kind(spec, &kind);
    memcpy(text, kind, size);
    text[size] = 0;
}

void hayi_manager_learn_recorded(struct hayi_manager *manager,
                                 const struct hayi_journal_table *table)
{
    const struct hayi_recorded *task;
    for (uint64_t i = 0; (task = hayi_recorded_at(table, i)) != NULL; i++) {
        if (task->state != HAYI_RECORDED_FINISHED
            || task->kind == HAYI_TASK_MAP) {
            continue;
        }
        const char *kind = hayi_recorded_category(table, task);
        struct hayi_event event = {
            .kind = HAYI_EVENT_DURATION,
            .u.duration = {.category =
                               hayi_manager_category(kind, strlen(kind)),
                           .run_ns = task->run_ns},
        };
        hayi_manager_step(manager, &event, NULL);
    }
}
