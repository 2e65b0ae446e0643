/* story.c - why an unfinished task is where it is; see sched.h.
 *
 * One sentence: the state, since when, the one reason that holds it.
 */
#include "config.h"

#include "core/state.h"

#include <inttypes.h>
#include <stdio.h>

/* How many workers could meet the needs. */
static uint32_t able(const struct hayi_sched *s, const struct hayi_needs *needs)
{
    uint32_t count = 0;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        count += hayi_worker_meets(&s->workers.list[w], w, needs) ? 1 : 0;
    }
    return count;
}

static void tell_ready(const struct hayi_sched *s,
                       const struct hayi_row *row,
                       char *text,
                       size_t size)
{
    const struct hayi_level *level = &s->ready.levels[row->level];
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    const struct hayi_turn *turn = &s->ready.turns[level->class];
    uint32_t count = able(s, needs);
    if (s->workers.joined == 0) {
        (void)snprintf(text, size, "no worker has joined yet");
    } else if (count == 0) {
        (void)snprintf(text,
                       size,
                       "no worker that is here has %" PRIu32 " cores, %" PRIu32
                       " gpus and %" PRIu64 " bytes of memory%s",
                       needs->cores,
                       needs->gpus,
                       needs->memory_bytes,
                       needs->worker != 0 ? " and is the one it asks for" : "");
    } else if (turn->heap[0] != row->level) {
        (void)snprintf(text, size, "tasks of higher priority go first");
    } else if (row->prev != 0) {
        (void)snprintf(text,
                       size,
                       "older tasks go first (%" PRIu32
                       " of its kind are ready)",
                       level->count);
    } else if (turn->blocked) {
        (void)snprintf(text,
                       size,
                       "it is the next of its kind; the %" PRIu32
                       " workers that could run it are full",
                       count);
    } else {
        (void)snprintf(text, size, "it is about to be handed out");
    }
}

static void tell_parked(const struct hayi_sched *s,
                        const struct hayi_row *row,
                        char *text,
                        size_t size)
{
    const struct hayi_map *map = &s->maps.list[row->map];
    const char *reason = "all its items are handed out";
    if (map->cancelled) {
        reason = "it is cancelled and waits for what runs";
    } else if (map->stopped) {
        reason = "it was stopped and waits for what runs";
    } else if (hayi_map_remaining(map) > 0) {
        reason = "its reader is behind";
    }
    (void)snprintf(text,
                   size,
                   "%s (%" PRIu64 " of %" PRIu64 " items done, %" PRIu32
                   " ranges out)",
                   reason,
                   map->done,
                   map->count,
                   map->out);
}

static void tell_attempt(const struct hayi_sched *s,
                         uint32_t index,
                         char *text,
                         size_t size)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    bool cancel = (row->flags & HAYI_ROW_CANCEL) != 0;
    char waits[80];
    hayi_nested_story(s, index, waits, sizeof(waits));
    (void)snprintf(text,
                   size,
                   "attempt %" PRIu32 " at worker %" PRIu32 "%s%s",
                   row->attempt,
                   row->worker,
                   waits,
                   cancel ? ", asked to stop" : "");
}

static void tell_pending(const struct hayi_sched *s,
                         uint32_t index,
                         char *text,
                         size_t size)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    hayi_nested_story(s, index, text, size);
    if (text[0] == '\0') {
        (void)snprintf(text,
                       size,
                       "%" PRIu32 " of its inputs have not ended",
                       row->waiting);
    }
}

void hayi_sched_story(const struct hayi_sched *s,
                      hayi_handle task,
                      uint64_t now_ns,
                      char *text,
                      size_t size)
{
    char reason[300] = "";
    const char *state = "ended";
    uint32_t index = hayi_table_find(&s->table, task);
    if (index == 0) {
        (void)snprintf(text, size, "it has ended, or there is no such task");
        return;
    }
    const struct hayi_row *row = hayi_sched_row(s, index);
    switch ((enum hayi_row_state)row->state) {
    case HAYI_ROW_PENDING:
        state = "pending";
        tell_pending(s, index, reason, sizeof(reason));
        break;
    case HAYI_ROW_READY:
        state = "ready";
        tell_ready(s, row, reason, sizeof(reason));
        break;
    case HAYI_ROW_HELD:
    case HAYI_ROW_RUNNING:
        state = row->state == HAYI_ROW_HELD ? "handed out" : "running";
        tell_attempt(s, index, reason, sizeof(reason));
        break;
    case HAYI_ROW_PARKED:
        state = "running";
        tell_parked(s, row, reason, sizeof(reason));
        break;
    case HAYI_ROW_GATHER:
        state = "pending";
        hayi_data_story(s, row, reason, sizeof(reason));
        break;
    case HAYI_ROW_PAUSED:
        state = "ready";
        (void)snprintf(reason,
                       sizeof(reason),
                       "attempt %" PRIu32 " failed, it rests before the next",
                       row->attempt);
        break;
    case HAYI_ROW_ALONE:
        state = "ready";
        (void)snprintf(reason,
                       sizeof(reason),
                       "%" PRIu32 " workers were lost with it, it waits to run"
                       " alone on one",
                       (uint32_t)row->losses);
        break;
    case HAYI_ROW_BACK:
        state = "ready";
        (void)snprintf(reason, sizeof(reason), "a range that came back");
        break;
    case HAYI_ROW_FREE:
    case HAYI_ROW_ENDED:
        break;
    }
    uint64_t since = now_ns > row->since_ns ? now_ns - row->since_ns : 0;
    (void)snprintf(text,
                   size,
                   "%s for %" PRIu64 ".%06" PRIu64 " s: %s",
                   state,
                   since / 1000000000,
                   since % 1000000000 / 1000,
                   reason);
}
