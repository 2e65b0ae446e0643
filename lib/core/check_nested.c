/* check_nested.c - asserts what must hold of tasks in tasks.
 *
 * A part of hayi_sched_check(): slow, for tests.
 */
#include "config.h"

#include "core/state.h"

#include <assert.h>

/* The list of suspended attempts is whole; how many there are. */
static uint64_t check_waiting(const struct hayi_sched *s)
{
    uint64_t count = 0;
    uint64_t holders = 0;
    uint32_t last = 0;
    for (uint32_t i = s->nest.wait_first; i != 0;) {
        const struct hayi_kin *kin = hayi_kin_at(&s->nest, i);
        const struct hayi_row *row = hayi_sched_row(s, i);
        assert(row->nested);
        assert(row->state == HAYI_ROW_RUNNING);
        assert((kin->flags & HAYI_KIN_SUSPENDED) != 0);
        assert((kin->flags & HAYI_KIN_FREED) != 0 || kin->host != 0);
        assert(kin->guest == 0);
        assert(kin->wait_prev == last);
        count++;
        holders += kin->holds ? 1 : 0;
        last = i;
        i = kin->wait_next;
    }
    assert(s->nest.wait_last == last);
    assert(s->nest.waiting == count);
    assert(s->nest.holders == holders);
    return count;
}

/* Suspended attempts of a worker. */
static void check_worker(const struct hayi_sched *s, uint32_t w)
{
    uint32_t waiting = 0;
    uint32_t i = s->workers.list[w].head;
    for (; i != 0; i = hayi_sched_row(s, i)->next) {
        const struct hayi_kin *kin = hayi_nested_kin(s, i);
        waiting +=
            kin != NULL && (kin->flags & HAYI_KIN_SUSPENDED) != 0 ? 1 : 0;
    }
    assert(s->workers.list[w].waiting == waiting);
}

/* The uppermost attempt of the stack that the row is a part of. */
static const struct hayi_kin *top_of(const struct hayi_sched *s, uint32_t index)
{
    while (hayi_kin_at(&s->nest, index)->guest != 0) {
        index = hayi_kin_at(&s->nest, index)->guest;
    }
    return hayi_kin_at(&s->nest, index);
}

static void check_children(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    uint32_t last = 0;
    for (uint32_t i = kin->first; i != 0;) {
        const struct hayi_kin *below = hayi_kin_at(&s->nest, i);
        const struct hayi_row *row = hayi_sched_row(s, i);
        assert(row->nested);
        assert((row->flags & HAYI_ROW_RANGE) == 0);
        assert(row->state != HAYI_ROW_FREE && row->state != HAYI_ROW_ENDED);
        assert(below->parent == index);
        assert(below->prev == last);
        last = i;
        i = below->next;
    }
    assert(kin->last == last);
}

/* Is it known to be suspended, and counted so? */
static bool check_row(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_kin *kin = hayi_kin_at(&s->nest, index);
    bool out = row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING;
    assert(row->state != HAYI_ROW_ENDED);
    check_children(s, index);
    assert(kin->parent == 0 || hayi_sched_row(s, kin->parent)->nested);
    if ((kin->flags & HAYI_KIN_FREED) != 0 && kin->host == 0
        && kin->guest != 0) {
        assert((top_of(s, index)->flags & HAYI_KIN_SUSPENDED) != 0);
    }
    if (kin->host != 0) {
        assert(out);
        assert((kin->flags & HAYI_KIN_FREED) != 0);
        assert(hayi_kin_at(&s->nest, kin->host)->guest == index);
        assert(hayi_sched_row(s, kin->host)->worker == row->worker);
    }
    if (kin->guest != 0) {
        assert(row->state == HAYI_ROW_RUNNING);
        assert(hayi_kin_at(&s->nest, kin->guest)->host == index);
    }
    if (!out) {
        assert((kin->flags & (HAYI_KIN_FREED | HAYI_KIN_CLAIMS)) == 0);
    }
    assert((kin->flags & HAYI_KIN_CALLED) == 0 || row->state == HAYI_ROW_HELD);
    assert((kin->flags & HAYI_KIN_FOLLOWS) == 0
           || row->state == HAYI_ROW_PENDING);
    return (kin->flags & HAYI_KIN_SUSPENDED) != 0;
}

void hayi_nested_check(const struct hayi_sched *s)
{
    uint64_t waiting = check_waiting(s);
    for (uint32_t w = 0; w < s->workers.max; w++) {
        check_worker(s, w);
    }
    for (uint32_t i = 1; i < s->table.count; i++) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        if (row->state != HAYI_ROW_FREE && row->nested) {
            waiting -= check_row(s, i) ? 1 : 0;
        }
    }
    assert(waiting == 0);
}
