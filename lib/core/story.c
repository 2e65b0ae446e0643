/* story.c - why an unfinished task is where it is; see sched.h.
 *
 * One sentence: the state, since when, the one reason that holds it.  And of
 * all unfinished ones the one whose story is worth telling at the end.
 */
#include "config.h"

#include "core/state.h"

#include <inttypes.h>
#include <stdio.h>

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
    } else if (map->shelved) {
        reason = "what is left of the walltime is less than an item is "
                 "expected to take";
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
        hayi_ready_story(s, row, reason, sizeof(reason));
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
    case HAYI_ROW_SHELVED:
        state = "ready";
        (void)snprintf(reason,
                       sizeof(reason),
                       "what is left of the walltime is less than it is "
                       "expected to take");
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

/* ---- what the end waits for -------------------------------------------- */

enum { AWAITED_LOOKS = 65536 };

/* The lower, the more it is this one that others wait for. */
static enum hayi_awaited_how how_of(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    switch ((enum hayi_row_state)row->state) {
    case HAYI_ROW_RUNNING:
        return kin != NULL && (kin->flags & HAYI_KIN_SUSPENDED) != 0
                   ? HAYI_AWAITED_WAITS
                   : HAYI_AWAITED_RUNS;
    case HAYI_ROW_HELD:
        return HAYI_AWAITED_HELD;
    case HAYI_ROW_PENDING:
    case HAYI_ROW_READY:
    case HAYI_ROW_PARKED:
    case HAYI_ROW_BACK:
    case HAYI_ROW_GATHER:
    case HAYI_ROW_PAUSED:
    case HAYI_ROW_ALONE:
    case HAYI_ROW_SHELVED:
    case HAYI_ROW_FREE:
    case HAYI_ROW_ENDED:
        break;
    }
    return HAYI_AWAITED_STORY;
}

struct awaited_best {
    uint32_t index; /* 0: none yet */
    enum hayi_awaited_how how;
};

static void
compare(const struct hayi_sched *s, uint32_t index, struct awaited_best *best)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    enum hayi_awaited_how how = how_of(s, index);
    if (row->state == HAYI_ROW_FREE || row->state == HAYI_ROW_ENDED
        || (row->flags & HAYI_ROW_TWIN) != 0
        || (row->traits & HAYI_ROW_REMAKE) != 0) {
        return; /* nobody is told of its end */
    }
    if (best->index == 0 || how < best->how
        || (how == best->how
            && row->since_ns < hayi_sched_row(s, best->index)->since_ns)) {
        *best = (struct awaited_best){.index = index, .how = how};
    }
}

bool hayi_sched_awaited(const struct hayi_sched *s,
                        struct hayi_awaited *awaited)
{
    struct awaited_best best = {.index = 0};
    for (uint32_t w = 0; w < s->workers.max; w++) {
        uint32_t index = s->workers.list[w].head;
        for (; index != 0; index = hayi_sched_row(s, index)->next) {
            compare(s, index, &best);
        }
    }
    bool held = best.index != 0;
    for (uint32_t i = 1; !held && i < s->table.count && i <= AWAITED_LOOKS;
         i++) {
        compare(s, i, &best);
    }
    if (best.index == 0) {
        return false;
    }
    const struct hayi_row *row = hayi_sched_row(s, best.index);
    uint32_t task = (row->flags & HAYI_ROW_RANGE) != 0 ? row->map : best.index;
    *awaited = (struct hayi_awaited){
        .task = hayi_table_handle(&s->table, task),
        .payload = hayi_sched_row(s, task)->payload,
        .id = hayi_sched_row(s, task)->id,
        .how = best.how,
        .worker = row->worker,
        .since_ns = row->since_ns,
    };
    return true;
}
