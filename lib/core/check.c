/* check.c - asserts what must hold between the modules; see sched.h.
 *
 * Counts everything again from the rows and compares.  Slow: for tests.
 */
#include "config.h"

#include "core/demand.h"

#include <assert.h>
#include <stdlib.h>

/* What is counted again, by index. */
struct recount {
    uint32_t *waiting; /* edges that lead to a row */
    uint32_t *refs;    /* rows of a level */
    uint32_t *out;     /* ranges that are out, by the row of their map */
    uint64_t *items;   /* in these */
    uint64_t states[HAYI_ROW_ENDED + 1];
    uint64_t edges;
    uint64_t unfinished;
    uint64_t listed;
    uint32_t live;
    uint32_t maps;
    uint32_t twins;
};

static void *zeroes(size_t count, size_t size)
{
    void *list = calloc(count, size);
    assert(list != NULL);
    return list;
}

static void
count_edges(const struct hayi_sched *s, uint32_t last, struct recount *r)
{
    if (last == 0) {
        return;
    }
    uint32_t i = last;
    do {
        i = hayi_edges_at(&s->edges, i)->next;
        uint32_t to = hayi_edges_at(&s->edges, i)->to >> 1;
        assert(to != 0 && to < s->table.count);
        r->waiting[to]++;
        r->edges++;
        assert(r->edges <= s->edges.live);
    } while (i != last);
}

static void
count_row(const struct hayi_sched *s, uint32_t index, struct recount *r)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    if (row->state == HAYI_ROW_FREE) {
        return;
    }
    bool range = (row->flags & HAYI_ROW_RANGE) != 0;
    bool map = (row->flags & HAYI_ROW_MAP) != 0;
    r->live++;
    r->states[row->state]++;
    count_edges(s, row->edges, r);
    if (row->state == HAYI_ROW_ENDED) {
        r->listed += (row->flags & HAYI_ROW_LISTED) != 0 ? 1 : 0;
        assert(row->edges == 0 || (row->flags & HAYI_ROW_LISTED) != 0);
        return;
    }
    assert(row->generation != 0);
    assert((row->flags & HAYI_ROW_LISTED) == 0);
    if ((row->flags & HAYI_ROW_TWIN) != 0) {
        assert(row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING);
        assert(row->twin == 0 || hayi_sched_row(s, row->twin)->twin == index);
        r->refs[row->level]++;
        r->twins++;
        return;
    }
    bool out = row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING;
    assert(!out || row->twin == 0
           || (row->state == HAYI_ROW_RUNNING
               && hayi_sched_row(s, row->twin)->twin == index));
    if (range) {
        assert(row->edges == 0);
        assert(row->count > 0);
        if (row->state != HAYI_ROW_BACK) {
            r->out[row->map]++;
            r->items[row->map] += row->count;
        }
    } else {
        assert(row->state != HAYI_ROW_BACK);
        r->unfinished += (row->traits & HAYI_ROW_REMAKE) != 0 ? 0 : 1;
        r->refs[row->level]++;
        r->maps += map ? 1 : 0;
    }
    assert(!map || row->state != HAYI_ROW_ALONE);
    assert(map || row->state != HAYI_ROW_PARKED);
    assert(!map || row->state != HAYI_ROW_PAUSED);
    assert(out || (row->state == HAYI_ROW_PENDING) == (row->waiting > 0));
}

static void
check_map(const struct hayi_sched *s, uint32_t index, const struct recount *r)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_map *map = &s->maps.list[row->map];
    uint64_t back = 0;
    uint64_t end = 0;
    assert(map->used);
    for (uint32_t i = map->back; i != 0; i = hayi_sched_row(s, i)->next) {
        const struct hayi_row *range = hayi_sched_row(s, i);
        assert(range->state == HAYI_ROW_BACK);
        assert(range->map == index);
        assert(range->first >= end);
        end = range->first + range->count;
        back += range->count;
    }
    assert(map->back_items == back);
    assert(map->out == r->out[index]);
    assert(map->cursor <= map->count);
    assert(map->done <= map->count);
    if (!map->stopped) {
        assert(map->cursor == map->done + r->items[index] + back);
        assert(map->out > 0 || hayi_map_remaining(map) > 0);
    } else {
        assert(map->out > 0);
    }
    assert((row->state == HAYI_ROW_READY) == (hayi_map_open(map) > 0));
}

static void
check_row(const struct hayi_sched *s, uint32_t index, const struct recount *r)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    if (row->state == HAYI_ROW_FREE) {
        assert(r->waiting[index] == 0);
        return;
    }
    bool out = row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING;
    assert((out ? 0 : row->waiting) == r->waiting[index]);
    if (row->state == HAYI_ROW_ENDED) {
        assert(row->waiting > 0 || (row->flags & HAYI_ROW_LISTED) != 0);
    } else if ((row->flags & HAYI_ROW_MAP) != 0) {
        check_map(s, index, r);
    }
}

static void check_worker(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_worker *worker = &s->workers.list[index];
    uint64_t cores = 0;
    uint64_t memory = 0;
    for (uint32_t i = worker->head; i != 0; i = hayi_sched_row(s, i)->next) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        const struct hayi_needs *needs = hayi_demand_booked(s, i);
        cores += hayi_nested_cores(s, i);
        memory += needs->memory_bytes;
        assert(needs->worker == 0 || needs->worker - 1 == index);
        assert(needs->node == 0 || needs->node - 1 == worker->node);
        assert(needs->cores <= worker->cores);
        assert(s->ready.levels[row->level].rank >= s->low_rank);
        assert(row->attempt > 0);
    }
    assert(worker->alone != HAYI_ALONE_HAS || worker->held > 0);
    assert(worker->alone != HAYI_ALONE_WAS_KEPT);
    assert(worker->held_cores == cores);
    assert(worker->held_memory == memory);
    if (worker->state == HAYI_WORKER_LOST) {
        assert(worker->recalled == 0);
        assert(worker->head == 0 || s->losing != 0);
    }
}

static uint32_t count_blocked(const struct hayi_sched *s, uint32_t list)
{
    uint32_t count = 0;
    for (uint32_t i = list; i != 0; i = s->ready.turns[i].next) {
        assert(s->ready.turns[i].blocked);
        count++;
    }
    return count;
}

static void check_workers(const struct hayi_sched *s)
{
    uint32_t blocked = count_blocked(s, s->blocked);
    uint64_t recalled = 0;
    uint32_t kept = 0;
    uint32_t taken = 0;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        check_worker(s, w);
        blocked += count_blocked(s, s->workers.list[w].blocked);
        recalled += s->workers.list[w].recalled;
        kept += s->workers.list[w].alone == HAYI_ALONE_KEPT ? 1 : 0;
        taken += s->workers.list[w].alone == HAYI_ALONE_HAS ? 1 : 0;
    }
    for (uint32_t n = 0; n < s->nodes.max; n++) {
        blocked += count_blocked(s, s->nodes.list[n].blocked);
    }
    for (uint32_t i = 1; i < s->ready.classes.count; i++) {
        blocked -= s->ready.turns[i].blocked ? 1 : 0;
    }
    assert(blocked == 0);
    assert(s->recalled == recalled);
    assert(s->kept == kept);
    assert(s->alone_out == taken);
}

static void check_lists(const struct hayi_sched *s, const struct recount *r)
{
    uint64_t listed = 0;
    uint32_t last = 0;
    for (uint32_t i = s->ended_first; i != 0; i = hayi_sched_row(s, i)->next) {
        assert(hayi_sched_row(s, i)->state == HAYI_ROW_ENDED);
        last = i;
        listed++;
    }
    assert(last == s->ended_last);
    assert(listed == r->listed);
    uint64_t alone = 0;
    last = 0;
    for (uint32_t i = s->alone_first; i != 0; i = hayi_sched_row(s, i)->next) {
        assert(hayi_sched_row(s, i)->state == HAYI_ROW_ALONE);
        assert(hayi_sched_row(s, i)->prev == last);
        last = i;
        alone++;
    }
    assert(last == s->alone_last);
    assert(alone == r->states[HAYI_ROW_ALONE]);
    uint32_t unused = 0;
    for (uint32_t i = s->table.free; i != 0; i = hayi_sched_row(s, i)->next) {
        assert(hayi_sched_row(s, i)->state == HAYI_ROW_FREE);
        unused++;
    }
    assert(unused + s->table.live == s->table.count - 1);
}

void hayi_sched_check(const struct hayi_sched *s)
{
    struct recount r = {
        .waiting = zeroes(s->table.count, sizeof(*r.waiting)),
        .refs = zeroes(s->ready.level_count, sizeof(*r.refs)),
        .out = zeroes(s->table.count, sizeof(*r.out)),
        .items = zeroes(s->table.count, sizeof(*r.items)),
    };
    hayi_ready_check(&s->ready);
    hayi_workers_check(&s->workers);
    for (uint32_t i = 1; i < s->table.count; i++) {
        count_row(s, i, &r);
    }
    for (uint32_t i = 1; i < s->table.count; i++) {
        check_row(s, i, &r);
    }
    for (uint32_t i = 1; i < s->ready.level_count; i++) {
        assert(s->ready.levels[i].refs == r.refs[i]);
    }
    for (int i = HAYI_ROW_PENDING; i <= HAYI_ROW_ENDED; i++) {
        assert(s->state_count[i] == r.states[i]);
    }
    assert(s->unfinished == r.unfinished);
    assert(s->edges.live == r.edges);
    assert(s->table.live == r.live);
    assert(s->maps.live == r.maps);
    assert(s->twins == r.twins);
    assert(s->ready.rows == r.states[HAYI_ROW_READY]);
    assert(s->workers.held
           == r.states[HAYI_ROW_HELD] + r.states[HAYI_ROW_RUNNING]);
    assert(!s->all_told || (s->closed && s->unfinished == 0));
    check_lists(s, &r);
    check_workers(s);
    hayi_data_check(s);
    hayi_nested_check(s);
    hayi_demand_check(s);
    hayi_reserve_check(s);
    free(r.waiting);
    free(r.refs);
    free(r.out);
    free(r.items);
}
