/* slot_process_limits.c - time limits of the attempts in a process slot. */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "worker/process_end.h"

enum { ITEM_LOOKS = 4 }; /* within an item's time limit */

static bool has_limit(const struct hayi_flight *flight)
{
    return flight->order.task != NULL
           && (flight->order.task->record.time_limit_ns != 0
               || flight->steps > 0);
}
/* ---- limits ----------------------------------------------------------------
 */

/* What the loop shall do for it. */
static enum hayi_process_wish next_step(struct hayi_slot_process *slot,
                                        uint32_t number,
                                        struct hayi_flight *flight)
{
    static const enum hayi_process_wish wishes[] = {
        [2] = HAYI_WISH_TERM, [3] = HAYI_WISH_KILL};
    flight->steps++;
    flight->next_ns =
        slot->now_ns + hayi_process_grace_ns(slot->config, flight->order.task);
    if (flight->steps == 1) {
        atomic_store(&hayi_process_cell(slot, number)->token, 1);
    }
    return wishes[flight->steps];
}

/* Since when it has been at what its limit is for.  Of a range that is the
 * item: the child tells where it is, not since when; so it is when it was first
 * seen there, which is late by the time between two looks. */
static uint64_t began_at(const struct hayi_slot_process *slot,
                         struct hayi_flight *flight)
{
    uint64_t began_ns = atomic_load(&slot->area->running_since_ns);
    const hay_map_range *at = &slot->area->at;
    if (flight->order.task->is_range) {
        uint64_t item = __atomic_load_n(&at->first, __ATOMIC_RELAXED);
        if (flight->item_since_ns == 0) {
            flight->item_since_ns = began_ns;
        }
        bool rests = __atomic_load_n(&at->count, __ATOMIC_RELAXED) == 0;
        if (item != flight->item || rests) {
            flight->item = item;
            flight->item_since_ns = slot->now_ns;
        }
        began_ns = flight->item_since_ns;
    }
    return began_ns > slot->now_ns ? slot->now_ns : began_ns;
}

/* With the mutex: see what is due; when to look again. */
static uint64_t look_at_limits(struct hayi_slot_process *slot,
                               enum hayi_process_wish *wanted)
{
    uint64_t shortest_ns = UINT64_MAX;
    uint32_t number = 0;
    for (uint32_t n = slot->flight_first; n != slot->flight_next; n++) {
        const struct hayi_flight *f = hayi_process_flight(slot, n);
        if (has_limit(f)) {
            uint64_t limit = f->order.task->record.time_limit_ns;
            limit = f->steps > 0 || limit == 0 ? 1 : limit;
            shortest_ns = limit < shortest_ns ? limit : shortest_ns;
        }
    }
    if (shortest_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    struct hayi_flight *flight = hayi_process_running(slot, &number);
    if (flight == NULL) {
        uint64_t look_ns = shortest_ns < 1000000 ? 1000000 : shortest_ns;
        return slot->now_ns + look_ns;
    }
    uint64_t limit_ns = flight->order.task->record.time_limit_ns;
    uint64_t began_ns = began_at(slot, flight);
    if (flight->steps == 0 && limit_ns != 0
        && atomic_load(&slot->area->running) == number
        && slot->now_ns - began_ns >= limit_ns) {
        flight->timed_out = true;
        *wanted = next_step(slot, number, flight);
    } else if (flight->steps > 0 && flight->steps < 3
               && slot->now_ns >= flight->next_ns) {
        *wanted = next_step(slot, number, flight);
    }
    if (flight->steps >= 3) {
        return UINT64_MAX; /* its end comes */
    }
    if (flight->steps > 0) {
        return flight->next_ns;
    }
    uint64_t due_ns = began_ns + shortest_ns;
    if (flight->order.task->is_range) {
        /* Often enough to see how it goes from item to item. */
        uint64_t soon_ns = slot->now_ns + shortest_ns / ITEM_LOOKS + 1;
        due_ns = soon_ns < due_ns ? soon_ns : due_ns;
        return due_ns > slot->now_ns + 1000000 ? due_ns
                                               : slot->now_ns + 1000000;
    }
    return due_ns > slot->now_ns ? due_ns : slot->now_ns + 1000000;
}

uint64_t hayi_process_keep_limits(struct hayi_slot_process *slot)
{
    enum hayi_process_wish wanted = HAYI_WISH_NONE;
    hayi_process_lock(slot);
    uint64_t look_ns = look_at_limits(slot, &wanted);
    hayi_process_unlock(slot);
    if (wanted != HAYI_WISH_NONE) {
        hayi_process_raise(slot, wanted);
    }
    return look_ns;
}
