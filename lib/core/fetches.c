/* fetches.c - see fetches.h.
 *
 * Numbers count up, so that one comes back after 2^32 fetches only; flying
 * fetches are found by buckets with chains.  Each fetch is counted at its
 * receiver from the start (bytes) and at both nodes while it flies.
 */
#include "config.h"

#include "core/fetches.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

hay_status hayi_fetches_init(struct hayi_fetches *fetches,
                             struct hayi_objects *objects,
                             struct hayi_nodes *nodes)
{
    *fetches = (struct hayi_fetches){
        .objects = objects,
        .nodes = nodes,
        .count = 1,
    };
    fetches->buckets =
        hayi_alloc(HAYI_FETCHES_BUCKETS, sizeof(*fetches->buckets));
    return fetches->buckets == NULL ? HAY_ENOMEM : HAY_OK;
}

void hayi_fetches_fini(struct hayi_fetches *fetches)
{
    free(fetches->list);
    free(fetches->buckets);
    *fetches = (struct hayi_fetches){.count = 1};
}

hay_status hayi_fetches_reserve(struct hayi_fetches *fetches, size_t more)
{
    if (fetches->live + more >= UINT32_MAX / 2) {
        return HAY_ENOMEM;
    }
    void *list = fetches->list;
    if (!hayi_alloc_grow(&list,
                         &fetches->room,
                         (size_t)fetches->live + 1 + more,
                         sizeof(*fetches->list))) {
        return HAY_ENOMEM;
    }
    fetches->list = list;
    return HAY_OK;
}

uint32_t
hayi_fetches_add(struct hayi_fetches *fetches, uint32_t thing, uint32_t to)
{
    uint32_t index = fetches->free;
    if (index != 0) {
        fetches->free = fetches->list[index].next;
    } else {
        assert(fetches->count < fetches->room);
        index = fetches->count++;
    }
    struct hayi_thing *row = hayi_object_at(fetches->objects, thing);
    fetches->list[index] = (struct hayi_fetch){
        .object = hayi_objects_handle(fetches->objects, thing),
        .bytes = row->bytes,
        .thing = thing,
        .to = to,
        .other = row->fetches,
        .state = HAYI_FETCH_QUEUED,
    };
    row->fetches = index;
    fetches->nodes->list[to].incoming_bytes += row->bytes;
    fetches->live++;
    return index;
}

uint32_t hayi_fetches_find(const struct hayi_fetches *fetches,
                           uint32_t thing,
                           uint32_t to)
{
    uint32_t i = hayi_object_at(fetches->objects, thing)->fetches;
    while (i != 0 && fetches->list[i].to != to) {
        i = fetches->list[i].other;
    }
    return i;
}

uint32_t hayi_fetches_number(const struct hayi_fetches *fetches,
                             uint32_t number)
{
    uint32_t i = fetches->buckets[number % HAYI_FETCHES_BUCKETS];
    while (i != 0 && fetches->list[i].number != number) {
        i = fetches->list[i].next;
    }
    return i;
}

void hayi_fetches_fly(struct hayi_fetches *fetches,
                      uint32_t index,
                      uint32_t from,
                      uint64_t place)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    assert(fetch->state == HAYI_FETCH_QUEUED && fetch->line == 0);
    fetches->number += fetches->number == UINT32_MAX ? 2 : 1;
    uint32_t *bucket =
        &fetches->buckets[fetches->number % HAYI_FETCHES_BUCKETS];
    fetch->number = fetches->number;
    fetch->next = *bucket;
    *bucket = index;
    fetch->from = from;
    fetch->place = place;
    fetch->state = HAYI_FETCH_FLYING;
    fetches->nodes->list[from].sends++;
    fetches->nodes->list[from].sent++;
    fetches->nodes->list[fetch->to].receives++;
    hayi_object_at(fetches->objects, fetch->thing)->flying++;
    fetches->flying++;
}

/* It flies no more, and both nodes may look for another one. */
static void land(struct hayi_fetches *fetches, struct hayi_fetch *fetch)
{
    fetches->nodes->list[fetch->from].sends--;
    fetches->nodes->list[fetch->to].receives--;
    hayi_nodes_touch(fetches->nodes, fetch->from);
    hayi_nodes_touch(fetches->nodes, fetch->to);
    hayi_object_at(fetches->objects, fetch->thing)->flying--;
}

static void leave_bucket(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    uint32_t *link = &fetches->buckets[fetch->number % HAYI_FETCHES_BUCKETS];
    while (*link != index) {
        link = &fetches->list[*link].next;
    }
    *link = fetch->next;
    fetch->next = 0;
    fetch->number = 0;
    fetches->flying--;
}

static void leave_object(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    uint32_t *link = &hayi_object_at(fetches->objects, fetch->thing)->fetches;
    while (*link != index) {
        link = &fetches->list[*link].other;
    }
    *link = fetch->other;
    fetch->other = 0;
    fetches->nodes->list[fetch->to].incoming_bytes -= fetch->bytes;
    hayi_nodes_touch(fetches->nodes, fetch->to);
}

void hayi_fetches_ground(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    assert(fetch->state == HAYI_FETCH_FLYING);
    land(fetches, fetch);
    leave_bucket(fetches, index);
    fetch->state = HAYI_FETCH_QUEUED;
}

void hayi_fetches_stray(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    assert(fetch->state == HAYI_FETCH_FLYING);
    land(fetches, fetch);
    leave_object(fetches, index);
    fetch->thing = 0;
    fetch->state = HAYI_FETCH_STRAY;
}

void hayi_fetches_end(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    assert(fetch->state != HAYI_FETCH_FREE);
    if (fetch->state == HAYI_FETCH_FLYING) {
        land(fetches, fetch);
    }
    if (fetch->state == HAYI_FETCH_QUEUED) {
        hayi_fetches_step_out(fetches, index);
    } else {
        leave_bucket(fetches, index);
    }
    if (fetch->state != HAYI_FETCH_STRAY) {
        leave_object(fetches, index);
    }
    *fetch = (struct hayi_fetch){.next = fetches->free};
    fetches->free = index;
    fetches->live--;
}

/* ---- lines ------------------------------------------------------------- */

static struct hayi_line *line_of(struct hayi_fetches *fetches, uint32_t line)
{
    struct hayi_node *node = &fetches->nodes->list[(line >> 1) - 1];
    return (line & 1u) != 0 ? &node->send_line : &node->receive_line;
}

void hayi_fetches_line_up(struct hayi_fetches *fetches,
                          uint32_t index,
                          uint32_t node,
                          bool sender)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    assert(fetch->state == HAYI_FETCH_QUEUED && fetch->line == 0);
    fetch->line = (node + 1) << 1 | (sender ? 1u : 0u);
    struct hayi_line *line = line_of(fetches, fetch->line);
    fetch->next = 0;
    fetch->prev = line->last;
    if (line->last == 0) {
        line->first = index;
    } else {
        fetches->list[line->last].next = index;
    }
    line->last = index;
    line->count++;
}

void hayi_fetches_step_out(struct hayi_fetches *fetches, uint32_t index)
{
    struct hayi_fetch *fetch = &fetches->list[index];
    if (fetch->line == 0) {
        return;
    }
    struct hayi_line *line = line_of(fetches, fetch->line);
    if (fetch->prev == 0) {
        line->first = fetch->next;
    } else {
        fetches->list[fetch->prev].next = fetch->next;
    }
    if (fetch->next == 0) {
        line->last = fetch->prev;
    } else {
        fetches->list[fetch->next].prev = fetch->prev;
    }
    line->count--;
    fetch->next = 0;
    fetch->prev = 0;
    fetch->line = 0;
}

size_t hayi_fetches_bytes(const struct hayi_fetches *fetches)
{
    return fetches->room * sizeof(*fetches->list)
           + HAYI_FETCHES_BUCKETS * sizeof(*fetches->buckets);
}

/* What a node is said to take part in, less what it does. */
struct recount {
    uint64_t bytes;
    uint32_t sends;
    uint32_t receives;
    uint32_t lines[2];
};

static void check_nodes(const struct hayi_fetches *fetches)
{
    struct recount *r = calloc(fetches->nodes->max, sizeof(*r));
    assert(r != NULL);
    for (uint32_t i = 1; i < fetches->count; i++) {
        const struct hayi_fetch *fetch = &fetches->list[i];
        bool flying = fetch->state == HAYI_FETCH_FLYING;
        bool queued = fetch->state == HAYI_FETCH_QUEUED;
        r[fetch->to].bytes += flying || queued ? fetch->bytes : 0;
        r[fetch->from].sends += flying ? 1 : 0;
        r[fetch->to].receives += flying ? 1 : 0;
        if (queued && fetch->line != 0) {
            r[(fetch->line >> 1) - 1].lines[fetch->line & 1u]++;
        }
    }
    for (uint32_t n = 0; n < fetches->nodes->max; n++) {
        const struct hayi_node *node = &fetches->nodes->list[n];
        assert(node->incoming_bytes == r[n].bytes);
        assert(node->sends == r[n].sends);
        assert(node->receives == r[n].receives);
        assert(node->receive_line.count == r[n].lines[0]);
        assert(node->send_line.count == r[n].lines[1]);
    }
    free(r);
}

void hayi_fetches_check(const struct hayi_fetches *fetches)
{
    uint32_t live = 0;
    uint32_t flying = 0;
    for (uint32_t i = 1; i < fetches->count; i++) {
        const struct hayi_fetch *fetch = &fetches->list[i];
        if (fetch->state == HAYI_FETCH_FREE) {
            continue;
        }
        live++;
        if (fetch->state == HAYI_FETCH_QUEUED) {
            assert(fetch->number == 0);
        } else {
            flying++;
            assert(hayi_fetches_number(fetches, fetch->number) == i);
        }
        if (fetch->state != HAYI_FETCH_STRAY) {
            assert(hayi_fetches_find(fetches, fetch->thing, fetch->to) == i);
            assert(hayi_objects_find(fetches->objects, fetch->object)
                   == fetch->thing);
        }
    }
    assert(live == fetches->live);
    assert(flying == fetches->flying);
    check_nodes(fetches);
}
