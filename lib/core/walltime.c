/* walltime.c - see walltime.h.
 *
 * The order by length is made of ages, by which the queues of a level are
 * sorted anyway: near the end a row gets an age that is smaller the longer it
 * will take, two lengths an octave.  So the first row of a class is its longest
 * one, and if it does not fit it is shelved once, and is in nobody's way.
 * "Longest that fits first" keeps the short ones for the gaps at the end.
 *
 * What a task is expected to take is what 19 of 20 of its category stayed
 * below: the longest of them that was measured, not a bound of a bucket.
 */
#include "config.h"

#include "core/walltime.h"

#include "core/state.h"

#include <assert.h>

#define FIT_PERMILLE 950u
#define NEAR_FACTOR  3u /* times the longest */
/* Nothing to do but what is shelved, and more may come: a part of what is
 * left, and at least this. */
#define IDLE_NS   UINT64_C(1000000000)
#define IDLE_PART 20u
/* Ages of rows that have a length stand above all others. */
#define AGE_SHIFT 40
#define AGE_BASE  (UINT64_C(1) << 48)

void hayi_walltime_init(struct hayi_walltime *walltime)
{
    *walltime = (struct hayi_walltime){
        .end_ns = UINT64_MAX,
        .force_ns = UINT64_MAX,
        .idle_ns = UINT64_MAX,
    };
}

/* ---- what fits --------------------------------------------------------- */

static uint64_t left_ns(const struct hayi_sched *s)
{
    return s->walltime.end_ns > s->now_ns ? s->walltime.end_ns - s->now_ns : 0;
}

/* Children are not: their parents hold cores, and wait for them. */
static bool may_shelve(const struct hayi_row *row)
{
    return !row->nested && row->saves == 0 && row->late == 0
           && (row->traits & HAYI_ROW_REMAKE) == 0;
}

uint64_t hayi_walltime_fit_ns(const struct hayi_sched *s, uint32_t category)
{
    return hayi_durations_quantile_ns(&s->durations, category, FIT_PERMILLE);
}

bool hayi_walltime_shelve(struct hayi_sched *s,
                          uint32_t index,
                          uint64_t expected_ns,
                          struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    bool map = (row->flags & HAYI_ROW_MAP) != 0;
    if (s->walltime.end_ns == UINT64_MAX || !may_shelve(row)
        || (!map && s->durations.longest_ns <= left_ns(s))) {
        return false;
    }
    /* Of a map only the average is known. */
    uint64_t ns = map ? expected_ns + expected_ns / 2
                      : hayi_durations_quantile_ns(
                          &s->durations, row->category, FIT_PERMILLE);
    if (ns <= left_ns(s)) {
        return false;
    }
    if (map) {
        s->walltime.maps++;
        hayi_range_shelve(s, index, true, actions);
        return true;
    }
    hayi_ready_remove(&s->ready, index);
    hayi_sched_mark(s, index, HAYI_ROW_SHELVED);
    return true;
}

/* ---- longest first ----------------------------------------------------- */

static uint32_t *hint_at(struct hayi_sched *s, uint32_t level, uint32_t length)
{
    uint32_t hash = level * 2654435761u + length;
    return &s->walltime.last[hash % HAYI_WALLTIME_HINTS];
}

static uint64_t age_of(uint32_t length)
{
    return AGE_BASE + ((uint64_t)(HAYI_WALLTIME_LENGTHS - length) << AGE_SHIFT);
}

/* The row behind which one of this length belongs, in its level: one of the
 * same length, or of the next longer one that is known; or the first row. */
static uint32_t hint_of(struct hayi_sched *s, uint32_t level, uint32_t length)
{
    for (uint32_t i = length; i < HAYI_WALLTIME_LENGTHS; i++) {
        uint32_t index = *hint_at(s, level, i);
        if (index == 0 || index >= s->table.count) {
            continue;
        }
        const struct hayi_row *row = hayi_sched_row(s, index);
        if (row->state == HAYI_ROW_READY && row->level == level
            && row->age >> AGE_SHIFT == age_of(i) >> AGE_SHIFT) {
            return index;
        }
    }
    return s->ready.levels[level].head;
}

void hayi_walltime_order(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (!s->walltime.near || (row->flags & HAYI_ROW_MAP) != 0) {
        return;
    }
    uint32_t length = hayi_durations_bucket(
        hayi_durations_quantile_ns(&s->durations, row->category, FIT_PERMILLE));
    row->age = 0; /* it stands behind others, not behind itself */
    uint32_t hint = hint_of(s, row->level, length);
    row->age = age_of(length) + ++s->walltime.order;
    *hint_at(s, row->level, length) = index;
    s->ready.levels[row->level].finger = hint;
}

/* From now on the queues are in the order of length. */
static void order_all(struct hayi_sched *s)
{
    for (uint32_t i = 1; i < s->table.count; i++) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        if (row->state != HAYI_ROW_READY || (row->flags & HAYI_ROW_MAP) != 0) {
            continue;
        }
        hayi_ready_remove(&s->ready, i);
        hayi_walltime_order(s, i);
        (void)hayi_ready_push(&s->ready, i);
    }
    hayi_ready_unblock(&s->ready, &s->blocked);
}

static void come_near(struct hayi_sched *s)
{
    if (s->walltime.near || s->walltime.end_ns == UINT64_MAX
        || left_ns(s) / NEAR_FACTOR > s->durations.longest_ns) {
        return;
    }
    s->walltime.near = true;
    order_all(s);
}

/* ---- time passes ------------------------------------------------------- */

hay_status hayi_walltime_set(struct hayi_sched *s,
                             const struct hayi_event *event)
{
    struct hayi_walltime *w = &s->walltime;
    if (event->u.deadline.force_ns < event->u.deadline.end_ns) {
        return HAY_EINVAL;
    }
    bool later = event->u.deadline.end_ns > w->end_ns;
    w->end_ns = event->u.deadline.end_ns;
    w->force_ns = event->u.deadline.force_ns;
    if (later && !w->over) {
        w->idle_ns = UINT64_MAX;
        w->back = 1;
    }
    hayi_walltime_tick(s);
    return HAY_OK;
}

/* Cancel what has not begun. */
static void end_work(struct hayi_sched *s)
{
    s->walltime.over = true;
    s->walltime.idle_ns = UINT64_MAX;
    s->walltime.back = 0;
    s->cancelling = true;
    s->sweep = 1;
}

void hayi_walltime_tick(struct hayi_sched *s)
{
    struct hayi_walltime *w = &s->walltime;
    if (!w->over && (s->now_ns >= w->end_ns || s->now_ns >= w->idle_ns)) {
        end_work(s);
    }
    if (!w->forced && s->now_ns >= w->force_ns) {
        w->forced = true;
        s->sweep = 1;
    }
    if (!w->over) {
        come_near(s);
    }
}

uint64_t hayi_walltime_next_ns(const struct hayi_sched *s)
{
    const struct hayi_walltime *w = &s->walltime;
    if (w->over) {
        return w->forced ? UINT64_MAX : w->force_ns;
    }
    return w->idle_ns < w->end_ns ? w->idle_ns : w->end_ns;
}

hay_status hayi_walltime_drain(struct hayi_sched *s,
                               struct hayi_actions *actions)
{
    struct hayi_walltime *w = &s->walltime;
    for (; w->back != 0 && w->back < s->table.count; w->back++) {
        if (hayi_actions_reserve(actions, 2) != HAY_OK) {
            return HAY_ENOMEM;
        }
        const struct hayi_row *row = hayi_sched_row(s, w->back);
        if (row->state == HAYI_ROW_SHELVED && row->cargo != 0) {
            hayi_place_withdraw(s, row->cargo); /* to be placed anew */
        } else if (row->state == HAYI_ROW_SHELVED) {
            hayi_task_ready(s, w->back, false, actions);
        } else if (row->state == HAYI_ROW_PARKED
                   && s->maps.list[row->map].shelved) {
            w->maps--;
            hayi_range_shelve(s, w->back, false, actions);
        }
    }
    w->back = 0;
    return HAY_OK;
}

/* Nothing runs, nothing can start, nothing is on its way. */
static bool waits_in_vain(const struct hayi_sched *s)
{
    static const enum hayi_row_state busy[] = {
        HAYI_ROW_READY,
        HAYI_ROW_HELD,
        HAYI_ROW_RUNNING,
        HAYI_ROW_BACK,
        HAYI_ROW_GATHER,
        HAYI_ROW_PAUSED,
        HAYI_ROW_ALONE,
    };
    if (s->state_count[HAYI_ROW_SHELVED] + s->walltime.maps == 0
        || s->workers.heap_count == 0) {
        return false;
    }
    for (size_t i = 0; i < sizeof(busy) / sizeof(busy[0]); i++) {
        if (s->state_count[busy[i]] != 0) {
            return false;
        }
    }
    return true;
}

void hayi_walltime_look(struct hayi_sched *s)
{
    struct hayi_walltime *w = &s->walltime;
    if (w->end_ns == UINT64_MAX || w->over) {
        return;
    }
    if (!waits_in_vain(s)) {
        w->idle_ns = UINT64_MAX;
    } else if (s->closed) {
        w->idle_ns = s->now_ns; /* nothing more will come */
    } else if (w->idle_ns == UINT64_MAX) {
        uint64_t wait_ns = left_ns(s) / IDLE_PART;
        w->idle_ns = s->now_ns + (wait_ns > IDLE_NS ? wait_ns : IDLE_NS);
    }
}

/* ---- the end ----------------------------------------------------------- */

hay_status hayi_walltime_force(struct hayi_sched *s,
                               uint32_t index,
                               struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    bool map = (row->flags & HAYI_ROW_MAP) != 0;
    bool runs = row->state == HAYI_ROW_RUNNING || row->state == HAYI_ROW_HELD;
    if ((row->flags & (HAYI_ROW_RANGE | HAYI_ROW_TWIN)) != 0
        || (map ? row->state != HAYI_ROW_PARKED : !runs)) {
        return HAY_OK;
    }
    if ((row->flags & HAYI_ROW_CANCEL) == 0) {
        row->walltime = 1;
    }
    hay_status answer;
    return hayi_task_cancel_row(s, index, true, &answer, actions);
}

bool hayi_walltime_ends(const struct hayi_sched *s, const struct hayi_row *row)
{
    return row->walltime != 0
           || (s->walltime.over && (row->flags & HAYI_ROW_CANCEL) == 0);
}
