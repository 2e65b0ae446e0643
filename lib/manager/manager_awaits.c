/* manager_awaits.c - words while somebody waits for the end of all.
 *
 * A line after AWAIT_NS of waiting and then after pauses that double, up to
 * AWAIT_MOST_NS: a task that runs without end holds the end up without end,
 * and its user has to know which one it is.
 */
#include "config.h"

#include "manager/manager_inside.h"

#include "worker/registry.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define AWAIT_NS      UINT64_C(5000000000)
#define AWAIT_MOST_NS UINT64_C(300000000000)

enum { NS_PER_S = 1000000000 };

static const char *name_of(const hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    const char *name = hayi_spec_name(spec);
    if (name[0] == 0
        && (spec->kind == HAYI_TASK_FUNCTION || spec->kind == HAYI_TASK_MAP)) {
        const struct hayi_function *function =
            hayi_registry_get(spec->function);
        name = function != NULL ? function->name : "";
    }
    return name;
}

static void word_place(const struct hayi_manager *manager,
                       uint32_t worker,
                       char *text,
                       size_t size)
{
    const struct hayi_worker_name *name = &manager->peers[worker + 1].name;
    if (manager->config.shared_memory) {
        (void)snprintf(text, size, "in this process");
        return;
    }
    (void)snprintf(
        text, size, "on worker %" PRIu32 " (%s)", name->number, name->host);
}

/* "task 17 (spin), which ..." and what it does, or what holds it. */
static void word_task(const struct hayi_manager *manager,
                      const struct hayi_awaited *awaited,
                      char *text,
                      size_t size)
{
    const char *name = name_of(hayi_manager_future(awaited->payload));
    static const char *const does[] = {
        [HAYI_AWAITED_RUNS] = "has run",
        [HAYI_AWAITED_WAITS] = "waits in a task",
        [HAYI_AWAITED_HELD] = "waits for its turn",
    };
    char what[420];
    if (awaited->how != HAYI_AWAITED_STORY) {
        char place[100];
        uint64_t ns = manager->now_ns > awaited->since_ns
                          ? manager->now_ns - awaited->since_ns
                          : 0;
        word_place(manager, awaited->worker, place, sizeof(place));
        (void)snprintf(what,
                       sizeof(what),
                       "%s %s for %" PRIu64 " s",
                       does[awaited->how],
                       place,
                       ns / NS_PER_S);
    } else {
        int used = snprintf(what, sizeof(what), "is ");
        hayi_sched_story(manager->sched,
                         awaited->task,
                         manager->now_ns,
                         what + used,
                         sizeof(what) - (size_t)used);
    }
    (void)snprintf(text,
                   size,
                   "task %" PRIu64 "%s%.100s%s, which %s",
                   awaited->id,
                   name[0] != 0 ? " (" : "",
                   name,
                   name[0] != 0 ? ")" : "",
                   what);
}

/* The first of the workers that have not left. */
static void
word_leaving(const struct hayi_manager *manager, char *text, size_t size)
{
    char place[100];
    uint32_t count = 0;
    uint32_t first = 0;
    for (uint32_t i = manager->peer_count - 1; i >= 1; i--) {
        if (!manager->peers[i].gone && !manager->peers[i].bye) {
            first = i;
            count++;
        }
    }
    if (first == 0) {
        (void)snprintf(text, size, "its last messages");
        return;
    }
    word_place(manager, first - 1, place, sizeof(place));
    (void)snprintf(text,
                   size,
                   "what runs %s to leave (%" PRIu32 " of %" PRIu32
                   " workers have not)",
                   place,
                   count,
                   manager->peer_count - 1);
}

void hayi_manager_word_await(const struct hayi_manager *manager,
                             char *text,
                             size_t size)
{
    struct hayi_awaited awaited;
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(manager->sched, &stats);
    if (manager->stopping) {
        word_leaving(manager, text, size);
    } else if (stats.unfinished == 0) {
        (void)snprintf(text, size, "what other workers did faster");
    } else if (!hayi_sched_awaited(manager->sched, &awaited)) {
        (void)snprintf(text, size, "%" PRIu64 " tasks", stats.unfinished);
    } else if (stats.unfinished == 1) {
        word_task(manager, &awaited, text, size);
    } else {
        int used = snprintf(
            text, size, "%" PRIu64 " tasks, one of them ", stats.unfinished);
        word_task(manager, &awaited, text + used, size - (size_t)used);
    }
}

void hayi_manager_await(struct hayi_manager *manager)
{
    char text[700];
    if (manager->quiet || manager->broken
        || atomic_load_explicit(&manager->ex->awaited, memory_order_relaxed)
               == 0) {
        return;
    }
    if (manager->await_ns == 0) {
        manager->await_ns = manager->now_ns + AWAIT_NS;
        manager->await_pause_ns = AWAIT_NS;
    }
    if (manager->now_ns < manager->await_ns) {
        return;
    }
    hayi_manager_word_await(manager, text, sizeof(text));
    for (char *at = text; *at != 0; at++) {
        if (iscntrl((unsigned char)*at)) { /* of a name: it stays one line */
            *at = '?';
        }
    }
    (void)fprintf(stderr, "hayfork: the end waits for %s\n", text);
    manager->await_pause_ns *= 2;
    if (manager->await_pause_ns > AWAIT_MOST_NS) {
        manager->await_pause_ns = AWAIT_MOST_NS;
    }
    manager->await_ns = manager->now_ns + manager->await_pause_ns;
}
