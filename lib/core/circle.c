/* circle.c - would a task wait for itself?
 *
 * A task that is to have the result of another one waits for it; that one may
 * wait for the first, by its inputs, by what it follows itself, or suspended.
 * From the first one on all are visited that wait for one that was visited,
 * each once, LOOKS edges and suspended attempts at most: beyond that, or where
 * memory is short, no circle is found.  A target that waits for nothing, as
 * most do, costs nothing.
 *
 * An attempt that begins to wait may close a circle as well.  What it waits for
 * mostly waits for one other thing, so that one walks along there; only at a
 * task with inputs, which knows nothing of them, is it looked at from the other
 * end.  An attempt that waits for several may go on when one of them ends: no
 * circle is found through it.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/state.h"

#include <stdlib.h>

enum {
    LOOKS = 1 << 16,
    SET_LEAST = 64,
};

/* Rows that were visited; those behind 'next' are to be expanded yet. */
struct visits {
    uint32_t *list;
    size_t count, room, next;
    uint32_t *set; /* the same, hashed; [set_room], a power of 2 */
    size_t set_room;
    uint32_t looks;
};

static void put(struct visits *v, uint32_t index)
{
    size_t at = (size_t)(index * UINT32_C(2654435769)) & (v->set_room - 1);
    while (v->set[at] != 0) {
        at = (at + 1) & (v->set_room - 1);
    }
    v->set[at] = index;
}

static bool has(const struct visits *v, uint32_t index)
{
    size_t at = (size_t)(index * UINT32_C(2654435769)) & (v->set_room - 1);
    while (v->set[at] != 0 && v->set[at] != index) {
        at = (at + 1) & (v->set_room - 1);
    }
    return v->set[at] != 0;
}

static bool grow(struct visits *v)
{
    void *list = v->list;
    if (!hayi_alloc_grow(&list, &v->room, v->count + 1, sizeof(*v->list))) {
        return false;
    }
    v->list = list;
    if (v->count * 2 < v->set_room) {
        return true;
    }
    size_t room = v->set_room == 0 ? SET_LEAST : v->set_room * 2;
    uint32_t *set = hayi_alloc(room, sizeof(*set));
    if (set == NULL) {
        return false;
    }
    free(v->set);
    v->set = set;
    v->set_room = room;
    for (size_t i = 0; i < v->count; i++) {
        put(v, v->list[i]);
    }
    return true;
}

/* false: no memory. */
static bool visit(struct visits *v, uint32_t index)
{
    if (v->set_room > 0 && has(v, index)) {
        return true;
    }
    if (!grow(v)) {
        return false;
    }
    v->list[v->count++] = index;
    put(v, index);
    return true;
}

/* Those that wait for the end of a row by an edge. */
static bool
visit_edges(const struct hayi_sched *s, uint32_t index, struct visits *v)
{
    uint32_t last = hayi_sched_row(s, index)->edges;
    uint32_t i = last;
    if (i == 0) {
        return true;
    }
    do {
        const struct hayi_edge *edge = hayi_edges_at(&s->edges, i);
        uint32_t to = edge->to >> 1;
        if (v->looks++ == LOOKS
            || (hayi_sched_row(s, to)->state != HAYI_ROW_ENDED
                && !visit(v, to))) {
            return false;
        }
        i = edge->next;
    } while (i != last);
    return true;
}

/* Those that are suspended until it ends. */
static bool
visit_waiting(const struct hayi_sched *s, uint32_t index, struct visits *v)
{
    hayi_handle handle = hayi_table_handle(&s->table, index);
    uint32_t i = s->nest.wait_first;
    while (i != 0) {
        const struct hayi_kin *kin = hayi_kin_at(&s->nest, i);
        if (v->looks++ == LOOKS
            || (kin->waits_for == handle && (kin->flags & HAYI_KIN_SEVERAL) == 0
                && !visit(v, i))) {
            return false;
        }
        i = kin->wait_next;
    }
    return true;
}

/* The one on whose cores it runs cannot go on before. */
static bool
visit_host(const struct hayi_sched *s, uint32_t index, struct visits *v)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    return kin == NULL || kin->host == 0 || visit(v, kin->host);
}

static bool waits(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    return row->state == HAYI_ROW_PENDING
           || (kin != NULL
               && (kin->guest != 0 || (kin->flags & HAYI_KIN_SUSPENDED) != 0));
}

bool hayi_circle_closes(const struct hayi_sched *s,
                        uint32_t index,
                        uint32_t target)
{
    struct visits v = {.list = NULL};
    bool found = index == target;
    if (!found && waits(s, target) && visit(&v, index)) {
        bool more = true;
        while (!found && more && v.next < v.count) {
            uint32_t row = v.list[v.next++];
            more = visit_edges(s, row, &v) && visit_waiting(s, row, &v)
                   && visit_host(s, row, &v);
            found = has(&v, target);
        }
    }
    free(v.list);
    free(v.set);
    return found;
}

/* The one thing that the row waits for; 0: it waits for none, or for several.
 */
static uint32_t next_of(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_nested_kin(s, index);
    if (kin == NULL) {
        return 0;
    }
    if (kin->guest != 0) {
        return kin->guest;
    }
    bool one = (kin->flags & HAYI_KIN_FOLLOWS) != 0
               || (kin->flags & (HAYI_KIN_SUSPENDED | HAYI_KIN_SEVERAL))
                      == HAYI_KIN_SUSPENDED;
    return one ? hayi_table_find(&s->table, kin->waits_for) : 0;
}

uint32_t hayi_circle_weak(const struct hayi_sched *s, uint32_t index)
{
    uint32_t weak = 0;
    uint32_t at = next_of(s, index);
    for (uint32_t looks = 0; at != 0 && at != index; at = next_of(s, at)) {
        if (looks++ == LOOKS) {
            return 0;
        }
        if (hayi_sched_row(s, at)->state != HAYI_ROW_PENDING) {
            continue;
        }
        weak = weak == 0 ? at : weak;
        if (next_of(s, at) == 0) {
            return hayi_circle_closes(s, index, at) ? weak : 0;
        }
    }
    return at == index ? weak : 0;
}
