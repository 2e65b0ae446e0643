/* range.c - the transitions of maps and of their ranges.
 *
 * The row of a map is READY while items can be handed out, else PARKED: all
 * are out, its reader is behind, or it was stopped.  A range is a row of its
 * own while a worker holds it (HELD, RUNNING) or after it came back (BACK).
 * The map ends with its last range.
 */
#include "config.h"

#include "core/alone.h"
#include "core/stragglers.h"

#include <assert.h>

static struct hayi_map *map_of(struct hayi_sched *s, uint32_t map_row)
{
    return &s->maps.list[hayi_sched_row(s, map_row)->map];
}

/* ---- the end of a map -------------------------------------------------- */

static struct hayi_end end_of(const struct hayi_map *map)
{
    struct hayi_end end = {
        .state = HAY_FINISHED,
        .status = HAY_OK,
        .attempt = map->began ? 1 : 0,
    };
    if (map->cancelled && map->done < map->count) {
        end.state = HAY_CANCELLED;
        end.status = HAY_ECANCELLED;
    } else if (map->status != HAY_OK) {
        end.state = HAY_FAILED;
        end.status = map->status;
    } else if (map->farm > 0) {
        end.state = HAY_FAILED;
        end.status = HAY_EFARM;
    } else if (map->failed > 0) {
        end.state = HAY_FAILED;
        end.status = HAY_ETASK;
    }
    return end;
}

/* Ranges that came back are dropped, and the rest is never handed out. */
static void stop(struct hayi_sched *s, uint32_t map_row)
{
    struct hayi_map *map = map_of(s, map_row);
    while (map->back != 0) {
        uint32_t index = map->back;
        map->back = hayi_sched_row(s, index)->next;
        hayi_sched_drop(s, index);
    }
    /* How many were never begun. */
    map->cursor -= map->back_items + hayi_alone_drop_ranges(s, map_row);
    map->back_items = 0;
    map->stopped = true;
    s->walltime.maps -= map->shelved ? 1 : 0;
    map->shelved = false;
}

/* After a change: to its end, to the ready queue, or out of it.  1 action. */
static void
settle(struct hayi_sched *s, uint32_t map_row, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, map_row);
    struct hayi_map *map = map_of(s, map_row);
    uint32_t class = s->ready.levels[row->level].class;
    if (s->ready.classes.list[class].infeasible && !map->stopped) {
        stop(s, map_row);
        map->status = HAY_EINFEASIBLE;
    }
    bool open = hayi_map_open(map) > 0;
    if (row->state == HAYI_ROW_READY && !open) {
        hayi_ready_remove(&s->ready, map_row);
        hayi_sched_mark(s, map_row, HAYI_ROW_PARKED);
    } else if (row->state == HAYI_ROW_PARKED && open) {
        hayi_sched_mark(s, map_row, HAYI_ROW_READY);
        if (hayi_ready_push(&s->ready, map_row)) {
            hayi_ready_unblock(&s->ready, &s->blocked);
        }
    }
    if (map->out == 0 && hayi_map_remaining(map) == 0) {
        struct hayi_end end = end_of(map);
        hayi_maps_give(&s->maps, row->map);
        hayi_task_end(s, map_row, &end, actions);
    }
}

/* Tell the workers of all ranges that are out; room for each was reserved. */
static void tell_ranges(struct hayi_sched *s,
                        uint32_t map_row,
                        bool force,
                        struct hayi_actions *actions)
{
    uint32_t left = map_of(s, map_row)->out;
    for (uint32_t w = 0; w < s->workers.max && left > 0; w++) {
        uint32_t index = s->workers.list[w].head;
        while (index != 0) {
            struct hayi_row *row = hayi_sched_row(s, index);
            uint32_t flags = HAYI_ROW_CANCEL | (force ? HAYI_ROW_FORCE : 0u);
            uint32_t next = row->next;
            if ((row->flags & HAYI_ROW_RANGE) == 0 || row->map != map_row) {
                index = next;
                continue;
            }
            left--;
            if ((row->flags & flags) != flags) {
                row->flags |= (uint8_t)flags;
                struct hayi_action *a =
                    hayi_actions_add(actions, HAYI_ACTION_CANCEL);
                a->u.cancel.worker = w;
                a->u.cancel.task = hayi_table_handle(&s->table, index);
                a->u.cancel.attempt = row->attempt;
                a->u.cancel.force = force;
                hayi_stragglers_cancel(s, index, force, actions);
            }
            index = next;
        }
    }
}

hay_status hayi_range_cancel(struct hayi_sched *s,
                             uint32_t index,
                             bool force,
                             hay_status *answer,
                             struct hayi_actions *actions)
{
    struct hayi_map *map = map_of(s, index);
    if (hayi_actions_reserve(actions, 2 * (size_t)map->out + 2) != HAY_OK) {
        return HAY_ENOMEM;
    }
    bool out = map->out > 0;
    stop(s, index);
    map->cancelled = true;
    tell_ranges(s, index, force, actions);
    settle(s, index, actions);
    *answer = out ? HAY_EPENDING : HAY_OK;
    return HAY_OK;
}

void hayi_range_close(struct hayi_sched *s,
                      uint32_t index,
                      struct hayi_actions *actions)
{
    struct hayi_map *map = map_of(s, index);
    stop(s, index);
    map->cancelled = true;
    settle(s, index, actions);
}

void hayi_range_shelve(struct hayi_sched *s,
                       uint32_t index,
                       bool shelve,
                       struct hayi_actions *actions)
{
    map_of(s, index)->shelved = shelve;
    settle(s, index, actions);
}

void hayi_range_judge(struct hayi_sched *s,
                      uint32_t index,
                      struct hayi_actions *actions)
{
    settle(s, index, actions);
}

/* ---- submit, read ------------------------------------------------------ */

static void end_at_once(struct hayi_event *event,
                        hay_state state,
                        hay_status status,
                        uint8_t cause,
                        struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_TELL);
    a->u.tell.payload = event->u.map.payload;
    a->u.tell.state = (uint8_t)state;
    a->u.tell.status = status;
    a->u.tell.cause = cause;
    event->u.map.task = 0;
}

hay_status hayi_range_submit(struct hayi_sched *s,
                             struct hayi_event *event,
                             struct hayi_actions *actions)
{
    if (s->closed && (event->u.map.parent == 0 || s->all_told)) {
        return HAY_ECLOSED;
    }
    if (event->u.map.range_max == 0
        || (event->u.map.request != 0
            && event->u.map.request >= s->requests.count)) {
        return HAY_EINVAL;
    }
    struct hayi_needs needs = {
        .cores = 1,
        .request = event->u.map.request & (HAYI_REQUEST_MAX - 1),
    };
    uint32_t level = 0;
    uint32_t parent = hayi_nested_parent(s, event->u.map.parent);
    uint16_t depth = hayi_nested_depth(s, parent, event->u.map.depth);
    if (hayi_actions_reserve(actions, 1) != HAY_OK
        || hayi_table_reserve(&s->table) != HAY_OK
        || hayi_maps_reserve(&s->maps) != HAY_OK
        || (parent != 0 && hayi_nested_reserve(s, parent) != HAY_OK)
        || hayi_members_level(s, &needs, event->u.map.priority, depth, &level)
               != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t class = s->ready.levels[level].class;
    bool infeasible = s->ready.classes.list[class].infeasible;
    bool refused = s->cancelling || hayi_nested_refused(s, parent);
    if (event->u.map.count == 0 || infeasible || refused) {
        hayi_ready_release(&s->ready, level);
        if (refused) {
            uint8_t cause = s->walltime.over ? HAY_CAUSE_WALLTIME : 0;
            end_at_once(event, HAY_CANCELLED, HAY_ECANCELLED, cause, actions);
        } else if (event->u.map.count == 0) {
            end_at_once(event, HAY_FINISHED, HAY_OK, 0, actions);
        } else {
            end_at_once(event, HAY_FAILED, HAY_EINFEASIBLE, 0, actions);
        }
        return HAY_OK;
    }
    uint32_t index = hayi_table_take(&s->table);
    struct hayi_row *row = hayi_sched_row(s, index);
    row->id = event->u.map.id;
    row->payload = event->u.map.payload;
    row->level = level;
    row->category = event->u.map.category & HAYI_CATEGORY_MASK;
    row->flags = HAYI_ROW_MAP;
    row->map = hayi_maps_take(&s->maps);
    if (parent != 0) {
        hayi_nested_born(s, parent, index);
    }
    struct hayi_map *map = &s->maps.list[row->map];
    map->count = event->u.map.count;
    map->range_max = event->u.map.range_max;
    map->unread_max = event->u.map.unread_max;
    map->stop_on_failure = event->u.map.stop_on_failure;
    s->unfinished++;
    hayi_sched_mark(s, index, HAYI_ROW_PARKED);
    event->u.map.task = hayi_table_handle(&s->table, index);
    settle(s, index, actions);
    return HAY_OK;
}

hay_status hayi_range_read(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions)
{
    uint32_t index = hayi_table_find(&s->table, event->u.map_read.task);
    if (index == 0 || (hayi_sched_row(s, index)->flags & HAYI_ROW_MAP) == 0) {
        s->stale++;
        return HAY_OK;
    }
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    struct hayi_map *map = map_of(s, index);
    if (event->u.map_read.count > map->read) {
        map->read = event->u.map_read.count;
    }
    settle(s, index, actions);
    return HAY_OK;
}

/* ---- ranges ------------------------------------------------------------ */

/* A range whose workers were lost goes out in parts, so that an item that kills
 * them is alone at the end. */
static uint64_t shorter(const struct hayi_row *back, uint64_t length)
{
    uint64_t part = back->count / 8 + 1;
    return back->losses > 0 && part < length ? part : length;
}

void hayi_range_hand_out(struct hayi_sched *s,
                         uint32_t map_row,
                         uint64_t length,
                         uint32_t worker,
                         uint32_t variant,
                         struct hayi_actions *actions)
{
    const struct hayi_row *parent = hayi_sched_row(s, map_row);
    struct hayi_map *map = map_of(s, map_row);
    uint32_t index = 0;
    uint64_t first = 0;
    uint64_t count = 0;
    uint8_t losses = 0;
    if (map->back != 0) {
        losses = hayi_sched_row(s, map->back)->losses;
        length = shorter(hayi_sched_row(s, map->back), length);
    }
    hayi_map_take(map, &s->table, length, &index, &first, &count);
    if (index == 0) {
        index = hayi_table_take(&s->table);
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    row->level = parent->level;
    row->category = parent->category;
    row->flags = HAYI_ROW_RANGE;
    row->losses = losses;
    row->map = map_row;
    row->first = first;
    row->count = count;
    if (map->item_ns == 0) {
        map->probes++;
    }
    map->out++;
    map->began = true;
    uint64_t expected_ns = 0;
    if (map->item_ns != 0) {
        expected_ns = count * map->item_ns / 256 + 1;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.range = true;
    a->u.hand_out.first = first;
    a->u.hand_out.count = count;
    a->u.hand_out.payload = parent->payload;
    a->u.hand_out.variant = variant;
    hayi_dispatch_book(s, index, worker, expected_ns, a);
    if (parent->edges != 0) {
        a->u.hand_out.prompt = true; /* others wait for the map */
    }
    if (hayi_map_open(map) == 0) {
        hayi_ready_remove(&s->ready, map_row);
        hayi_sched_mark(s, map_row, HAYI_ROW_PARKED);
    }
}

void hayi_range_started(struct hayi_sched *s,
                        uint32_t index,
                        struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_map *map = map_of(s, row->map);
    if (map->told) {
        return;
    }
    map->told = true;
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
    a->u.state.payload = hayi_sched_row(s, row->map)->payload;
    a->u.state.state = HAY_RUNNING;
    a->u.state.worker = row->worker;
}

/* The range is over but for 'rest' items at its end, which nobody ran. */
static void
leave_rest(struct hayi_sched *s, uint32_t index, uint64_t rest, bool gave_up)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_map *map = map_of(s, row->map);
    if (rest > 0 && !map->stopped && !gave_up) {
        row->first += row->count - rest;
        row->count = rest;
        row->flags = HAYI_ROW_RANGE;
        hayi_sched_mark(s, index, HAYI_ROW_BACK);
        hayi_map_put_back(map, &s->table, index);
        return;
    }
    if (rest > 0 && !map->stopped) {
        /* Nobody asked: the task gave up, and with it the map. */
        stop(s, row->map);
        map->cancelled = true;
    }
    hayi_sched_drop(s, index);
}

static void tell_range(struct hayi_sched *s,
                       const struct hayi_row *row,
                       const struct hayi_event *event,
                       uint64_t items,
                       uint64_t failed,
                       uint64_t unreached,
                       struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_RANGE_ENDED);
    a->u.range_ended.payload = hayi_sched_row(s, row->map)->payload;
    a->u.range_ended.first = row->first;
    a->u.range_ended.count = items;
    a->u.range_ended.failed = failed;
    a->u.range_ended.unreached = unreached;
    a->u.range_ended.worker = row->worker;
    a->u.range_ended.outcome = HAYI_OUTCOME_FARM;
    if (event == NULL) {
        a->u.range_ended.losses = row->losses;
    } else {
        a->u.range_ended.outcome = event->u.ended.outcome;
        a->u.range_ended.report = event->u.ended.report;
    }
}

/* Do the items that the range did not get to count as failed?  Trying them
 * again would fail again. */
static bool fails_whole(const struct hayi_map *map,
                        enum hayi_outcome outcome,
                        uint64_t items)
{
    return outcome == HAYI_OUTCOME_FARM
           || (outcome == HAYI_OUTCOME_FAILED && !map->stop_on_failure)
           || (outcome == HAYI_OUTCOME_FINISHED && items == 0);
}

hay_status hayi_range_ended(struct hayi_sched *s,
                            uint32_t index,
                            const struct hayi_event *event,
                            struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t map_row = row->map;
    struct hayi_map *map = map_of(s, map_row);
    enum hayi_outcome outcome = (enum hayi_outcome)event->u.ended.outcome;
    size_t room = 2 + (map->stop_on_failure ? 2 * (size_t)map->out : 0);
    if (hayi_actions_reserve(actions, room) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint64_t items = event->u.ended.items;
    items = items < row->count ? items : row->count;
    uint64_t failed = event->u.ended.failed;
    failed = failed < items ? failed : items;
    uint64_t rest = row->count - items;
    uint64_t unreached = 0;
    hayi_map_learn(map, items, event->u.ended.run_ns);
    if (rest > 0 && !map->stopped && fails_whole(map, outcome, items)) {
        failed += rest;
        items += rest;
        map->farm += outcome == HAYI_OUTCOME_FARM ? rest : 0;
        unreached = rest;
        rest = 0;
    }
    hayi_task_unbook(s, index);
    tell_range(s, row, event, items, failed, unreached, actions);
    map->out--;
    map->done += items;
    map->failed += failed;
    if (outcome == HAYI_OUTCOME_FAILED && failed == 0 && map->stop_on_failure) {
        failed = 1; /* of those that it did not get to */
        map->failed++;
    }
    if (failed > 0 && map->stop_on_failure && !map->stopped) {
        stop(s, map_row);
        tell_ranges(s, map_row, false, actions);
    }
    leave_rest(s, index, rest, outcome == HAYI_OUTCOME_CANCELLED);
    settle(s, map_row, actions);
    return HAY_OK;
}

/* Nothing of it counts: all its items are handed out once more. */
static void
put_back(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t map_row = row->map;
    struct hayi_map *map = map_of(s, map_row);
    hayi_task_unbook(s, index);
    if (!map->stopped && hayi_alone_wants(row)) {
        row->flags = HAYI_ROW_RANGE;
        hayi_alone_add(s, index); /* it counts as out */
        return;
    }
    map->out--;
    if (map->stopped) {
        hayi_sched_drop(s, index);
    } else {
        row->flags = HAYI_ROW_RANGE;
        hayi_sched_mark(s, index, HAYI_ROW_BACK);
        hayi_map_put_back(map, &s->table, index);
    }
    settle(s, map_row, actions);
}

void hayi_range_returned(struct hayi_sched *s,
                         uint32_t index,
                         struct hayi_actions *actions)
{
    put_back(s, index, actions);
}

void hayi_range_lost(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t map_row = row->map;
    struct hayi_map *map = map_of(s, map_row);
    row->traits = 0;
    if (!map->stopped && row->losses < HAYI_LOSSES_MAX) {
        put_back(s, index, actions);
        return;
    }
    uint64_t failed = map->stopped ? 0 : row->count;
    hayi_task_unbook(s, index);
    tell_range(s, row, NULL, failed, failed, failed, actions);
    map->out--;
    map->done += failed;
    map->failed += failed;
    map->farm += row->count;
    leave_rest(s, index, row->count - failed, false);
    settle(s, map_row, actions);
}
