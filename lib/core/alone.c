/* alone.c - see alone.h.
 *
 * Nothing is handed to a worker that is kept for such a task; when all that it
 * holds has ended, the task goes there.  So that the farm goes on, not more
 * than a quarter of the workers (but at least one) are kept or taken at a time;
 * the tasks have their turns in the order in which they came.
 *
 * A range goes out item by item, so that the one that kills is found.
 */
#include "config.h"

#include "core/alone.h"

#include "core/demand.h"

#include <assert.h>

#define NOBODY UINT32_MAX
#define SHARE  4 /* one of so many workers */

void hayi_alone_add(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    hayi_sched_mark(s, index, HAYI_ROW_ALONE);
    row->next = 0;
    row->prev = s->alone_last;
    if (s->alone_last == 0) {
        s->alone_first = index;
    } else {
        hayi_sched_row(s, s->alone_last)->next = index;
    }
    s->alone_last = index;
}

void hayi_alone_remove(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    assert(row->state == HAYI_ROW_ALONE);
    if (row->prev == 0) {
        s->alone_first = row->next;
    } else {
        hayi_sched_row(s, row->prev)->next = row->next;
    }
    if (row->next == 0) {
        s->alone_last = row->prev;
    } else {
        hayi_sched_row(s, row->next)->prev = row->prev;
    }
    row->next = 0;
    row->prev = 0;
}

uint64_t hayi_alone_drop_ranges(struct hayi_sched *s, uint32_t map_row)
{
    uint64_t items = 0;
    uint32_t index = s->alone_first;
    while (index != 0) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        uint32_t next = row->next;
        if ((row->flags & HAYI_ROW_RANGE) != 0 && row->map == map_row) {
            items += row->count;
            s->maps.list[hayi_sched_row(s, map_row)->map].out--;
            hayi_alone_remove(s, index);
            hayi_sched_drop(s, index);
        }
        index = next;
    }
    return items;
}

/* ---- workers ------------------------------------------------------------ */

/* What was kept is free again, but is the first to be kept anew. */
static void let_go(struct hayi_sched *s)
{
    for (uint32_t w = 0; s->kept > 0 && w < s->workers.max; w++) {
        struct hayi_worker *worker = &s->workers.list[w];
        if (worker->alone == HAYI_ALONE_KEPT) {
            worker->alone = HAYI_ALONE_WAS_KEPT;
            s->kept--;
        }
    }
}

/* Room came up where a worker is not kept any more. */
static void tell_room(struct hayi_sched *s)
{
    for (uint32_t w = 0; w < s->workers.max; w++) {
        struct hayi_worker *worker = &s->workers.list[w];
        if (worker->alone == HAYI_ALONE_WAS_KEPT) {
            worker->alone = HAYI_ALONE_NO;
            if (worker->state == HAYI_WORKER_JOINED) {
                hayi_dispatch_room(s, w);
            }
        }
    }
}

static bool better(const struct hayi_worker *a, const struct hayi_worker *than)
{
    bool kept = a->alone == HAYI_ALONE_WAS_KEPT;
    if (kept != (than->alone == HAYI_ALONE_WAS_KEPT)) {
        return kept;
    }
    if ((a->held == 0) != (than->held == 0)) {
        return a->held == 0;
    }
    return a->load < than->load
           || (a->load == than->load && a->tie < than->tie);
}

/* Is all that it asks for free at the worker, which is empty but for suspended
 * attempts?  Pools are kept from it for nobody: who they are kept for may wait
 * for a worker that is kept for it. */
static bool may_start(const struct hayi_sched *s,
                      const struct hayi_row *row,
                      uint32_t worker,
                      uint32_t *variant)
{
    struct hayi_booker booker = hayi_demand_booker(s, row->level);
    booker.rank = INT64_MAX;
    return hayi_demand_starts_alone(
        s, worker, hayi_sched_needs(s, row), booker, variant);
}

/* Is all that the worker holds suspended, and too much for the row? */
static bool
blocked(const struct hayi_sched *s, const struct hayi_row *row, uint32_t w)
{
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    const struct hayi_worker *worker = &s->workers.list[w];
    uint32_t variant;
    return worker->held > 0 && worker->held_cores == 0
           && (needs->gpus > worker->gpus - worker->held_gpus
               || (worker->memory_bytes != 0
                   && needs->memory_bytes
                          > worker->memory_bytes - worker->held_memory)
               || !may_start(s, row, w, &variant));
}

/* The worker that is, or will be, free for it first; NOBODY. */
static uint32_t choose(const struct hayi_sched *s, const struct hayi_row *row)
{
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    uint32_t best = NOBODY;
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        uint32_t w = s->workers.heap[i].worker;
        const struct hayi_worker *worker = &s->workers.list[w];
        if ((worker->alone == HAYI_ALONE_NO
             || worker->alone == HAYI_ALONE_WAS_KEPT)
            && hayi_demand_meets(s, w, needs) && !blocked(s, row, w)
            && (best == NOBODY || better(worker, &s->workers.list[best]))) {
            best = w;
        }
    }
    return best;
}

/* ---- hand-outs ---------------------------------------------------------- */

static void hand_out_range(struct hayi_sched *s,
                           uint32_t index,
                           uint32_t worker,
                           uint32_t variant,
                           struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_row *parent = hayi_sched_row(s, row->map);
    if (row->count == 1) {
        hayi_alone_remove(s, index);
    } else {
        index = hayi_table_take(&s->table);
        struct hayi_row *item = hayi_sched_row(s, index);
        item->level = row->level;
        item->category = row->category;
        item->flags = HAYI_ROW_RANGE;
        item->losses = row->losses;
        item->map = row->map;
        item->first = row->first;
        item->count = 1;
        row->first++;
        row->count--;
        s->maps.list[parent->map].out++;
        row = item;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.range = true;
    a->u.hand_out.variant = variant;
    a->u.hand_out.first = row->first;
    a->u.hand_out.count = row->count;
    a->u.hand_out.payload = parent->payload;
    uint64_t item_ns = s->maps.list[parent->map].item_ns / 256;
    hayi_dispatch_book(s, index, worker, item_ns, a);
}

static void hand_out(struct hayi_sched *s,
                     uint32_t index,
                     uint32_t worker,
                     uint32_t variant,
                     struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    s->workers.list[worker].alone = HAYI_ALONE_HAS;
    s->alone_out++;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        hand_out_range(s, index, worker, variant, actions);
        return;
    }
    hayi_alone_remove(s, index);
    if (row->cargo != 0) {
        hayi_place_out(s, row->cargo);
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.payload = row->payload;
    a->u.hand_out.variant = variant;
    hayi_dispatch_book(s,
                       index,
                       worker,
                       hayi_durations_expected_ns(&s->durations, row->category),
                       a);
}

/* No worker can ever run it. */
static void
give_up(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EINFEASIBLE,
        .attempt = row->attempt,
        .worker = row->worker,
    };
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        hayi_range_judge(s, row->map, actions);
    } else {
        hayi_alone_remove(s, index);
        hayi_task_end(s, index, &end, actions);
    }
}

static uint32_t next_infeasible(const struct hayi_sched *s)
{
    uint32_t index = s->alone_first;
    while (index != 0) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        uint32_t class = s->ready.levels[row->level].class;
        if (s->ready.classes.list[class].infeasible) {
            return index;
        }
        index = row->next;
    }
    return 0;
}

hay_status hayi_alone_dispatch(struct hayi_sched *s,
                               struct hayi_actions *actions)
{
    if (s->alone_first == 0 && s->kept == 0) {
        return HAY_OK;
    }
    uint32_t index;
    while ((index = next_infeasible(s)) != 0) {
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        give_up(s, index, actions);
    }
    hay_status status = HAY_OK;
    uint32_t most = s->workers.heap_count / SHARE;
    most = most > 0 ? most : 1;
    let_go(s);
    index = s->alone_first;
    while (index != 0 && s->kept + s->alone_out < most) {
        uint32_t worker = choose(s, hayi_sched_row(s, index));
        uint32_t next = hayi_sched_row(s, index)->next;
        if (worker == NOBODY) {
            index = next;
            continue;
        }
        uint32_t variant = 0;
        if (s->workers.list[worker].held_cores > 0
            || !may_start(s, hayi_sched_row(s, index), worker, &variant)) {
            s->workers.list[worker].alone = HAYI_ALONE_KEPT;
            s->kept++;
            index = next;
            continue;
        }
        if (hayi_actions_reserve(actions, 1) != HAY_OK
            || hayi_table_reserve(&s->table) != HAY_OK
            || hayi_leases_reserve(&s->leases, s->table.count) != HAY_OK) {
            status = HAY_ENOMEM;
            break;
        }
        hand_out(s, index, worker, variant, actions);
        index = next;
    }
    tell_room(s);
    return status;
}
