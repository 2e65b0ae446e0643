/* slots.c - slots in buckets.
 *
 * A slot that runs one-core attempts and has no unanswered revoke stands in a
 * bucket by kind and length, so that the shortest (to feed) and the longest
 * (to take from) are found in constant time, on average: hints for the lowest
 * and the highest bucket move by one for each attempt that comes or goes.
 * Within a bucket the one that came first is taken first, so that work is
 * spread evenly.
 */
#include "config.h"

#include "worker/slots.h"

#include <assert.h>
#include <stdlib.h>

#define BACKLOG_NS_DEFAULT  500000u
#define BACKLOG_MAX_DEFAULT 128u
#define RUN_NS_MAX          (UINT64_C(1) << 56) /* longer counts as so long */
#define LEARN_WEIGHT        8u /* a run counts for one part of */
#define NONE                HAYI_HELD_NONE

static bool kind_has_backlog(uint8_t kind)
{
    return kind == HAYI_WKIND_THREAD || kind == HAYI_WKIND_COMMAND
           || kind == HAYI_WKIND_PROCESS;
}

/* ---- buckets ---- */

static void leave_bucket(struct hayi_slots *slots, struct hayi_slot *slot)
{
    struct hayi_slot_bucket *bucket =
        &slots->ladders[slot->kind].buckets[slot->depth];
    uint32_t *to_next =
        slot->prev == NONE ? &bucket->first : &slots->list[slot->prev].next;
    uint32_t *to_prev =
        slot->next == NONE ? &bucket->last : &slots->list[slot->next].prev;

    *to_next = slot->next;
    *to_prev = slot->prev;
    slot->depth = 0;
}

static void
enter_bucket(struct hayi_slots *slots, struct hayi_slot *slot, uint32_t depth)
{
    struct hayi_slot_ladder *ladder = &slots->ladders[slot->kind];
    struct hayi_slot_bucket *bucket = &ladder->buckets[depth];
    uint32_t index = (uint32_t)(slot - slots->list);
    uint32_t *to_this =
        bucket->last == NONE ? &bucket->first : &slots->list[bucket->last].next;

    *to_this = index;
    slot->depth = depth;
    slot->next = NONE;
    slot->prev = bucket->last;
    bucket->last = index;
    ladder->low = depth < ladder->low ? depth : ladder->low;
    ladder->high = depth > ladder->high ? depth : ladder->high;
}

/* Its bucket: one that resumes may be there beyond the deepest. */
static uint32_t depth_of(const struct hayi_slots *slots,
                         const struct hayi_slot *slot)
{
    return slot->list.count < slots->depth_max ? slot->list.count
                                               : slots->depth_max;
}

/* The slot's list or its revokes have changed: put it where it belongs. */
static void place(struct hayi_slots *slots, struct hayi_slot *slot)
{
    bool listed = slot->list.count > 0 && slot->revokes == 0 && !slot->wide
                  && kind_has_backlog(slot->kind);

    if (slot->depth != 0) {
        leave_bucket(slots, slot);
    }
    if (listed) {
        enter_bucket(slots, slot, depth_of(slots, slot));
    }
}

/* ---- what was learned ---- */

/* How many attempts of this kind a slot should hold. */
static uint32_t wanted_depth(const struct hayi_slots *slots, uint8_t kind)
{
    const struct hayi_slot_ladder *ladder = &slots->ladders[kind];
    if (!ladder->known) {
        return 1;
    }
    uint64_t mean_ns = ladder->run_sum_ns / LEARN_WEIGHT;
    uint64_t depth = 1 + slots->backlog_ns / (mean_ns == 0 ? 1 : mean_ns);
    return depth < slots->depth_max ? (uint32_t)depth : slots->depth_max;
}

void hayi_slots_learn(struct hayi_slots *slots, uint8_t kind, uint64_t run_ns)
{
    struct hayi_slot_ladder *ladder = &slots->ladders[kind];
    uint64_t run = run_ns < RUN_NS_MAX ? run_ns : RUN_NS_MAX;
    if (!ladder->known) {
        ladder->known = true;
        ladder->run_sum_ns = run * LEARN_WEIGHT;
    } else {
        ladder->run_sum_ns += run - ladder->run_sum_ns / LEARN_WEIGHT;
    }
}

uint32_t hayi_slots_short(struct hayi_slots *slots, uint8_t kind)
{
    struct hayi_slot_ladder *ladder = &slots->ladders[kind];
    if (!kind_has_backlog(kind)) {
        return NONE;
    }
    while (ladder->low < slots->depth_max
           && ladder->buckets[ladder->low].first == NONE) {
        ladder->low++;
    }
    return ladder->low < wanted_depth(slots, kind)
               ? ladder->buckets[ladder->low].first
               : NONE;
}

uint32_t hayi_slots_long(struct hayi_slots *slots)
{
    uint32_t depth = 1;
    uint32_t found = NONE;

    for (uint32_t kind = 0; kind < HAYI_SLOT_KINDS; kind++) {
        struct hayi_slot_ladder *ladder = &slots->ladders[kind];
        while (ladder->high > 0
               && ladder->buckets[ladder->high].first == NONE) {
            ladder->high--;
        }
        if (ladder->high > depth) {
            depth = ladder->high;
            found = ladder->buckets[depth].first;
        }
    }
    return found;
}

/* ---- coming and going ---- */

static void
enter(struct hayi_slots *slots, uint32_t row, uint32_t core, bool second)
{
    struct hayi_held *held = &slots->held->rows[row];
    struct hayi_slot *slot = &slots->list[core];

    held->slot = core;
    held->state = HAYI_HELD_IN_SLOT;
    slots->single_count -= slot->list.count == 1;
    if (second) {
        hayi_held_second(slots->held, &slot->list, row);
    } else {
        hayi_held_append(slots->held, &slot->list, row);
    }
    slots->single_count += slot->list.count == 1;
    place(slots, slot);
}

static hay_status
take_cores(struct hayi_slots *slots, uint32_t row, const uint32_t **cores)
{
    struct hayi_held *held = &slots->held->rows[row];
    uint32_t core;

    if (held->cores == 1) {
        hayi_lease_take(&slots->lease, 1, held->near, &core);
        *cores = &slots->core_index[core];
    } else {
        if (held->wide == NULL) {
            held->wide = calloc(held->cores, sizeof held->wide[0]);
        }
        if (held->wide == NULL) {
            return HAY_ENOMEM;
        }
        hayi_lease_take(&slots->lease, held->cores, held->near, held->wide);
        core = held->wide[0];
        *cores = held->wide;
    }
    assert(slots->list[core].list.count == 0);
    slots->list[core].kind = held->kind;
    slots->list[core].wide = held->cores > 1;
    enter(slots, row, core, false);
    return HAY_OK;
}

/* It has a slot, and is not heard to go on there. */
static void
note_resuming(struct hayi_slots *slots, uint32_t row, uint32_t core, bool turn)
{
    slots->held->rows[row].resuming = true;
    slots->held->rows[row].turn = turn;
    slots->list[core].resuming = true;
    slots->turn_count += turn;
}

hay_status hayi_slots_resume(struct hayi_slots *slots,
                             uint32_t row,
                             const uint32_t **cores)
{
    hay_status st = take_cores(slots, row, cores);
    if (st == HAY_OK) {
        note_resuming(slots, row, slots->held->rows[row].slot, false);
    }
    return st;
}

hay_status
hayi_slots_start(struct hayi_slots *slots, uint32_t row, const uint32_t **cores)
{
    hay_status st = take_cores(slots, row, cores);
    if (st == HAY_OK) {
        slots->memory_used += slots->held->rows[row].memory_bytes;
    }
    return st;
}

void hayi_slots_feed(struct hayi_slots *slots, uint32_t row, uint32_t core)
{
    const struct hayi_slot *slot = &slots->list[core];

    assert(slot->list.count > 0);
    assert(slot->kind == slots->held->rows[row].kind);
    assert(!slot->wide);
    assert(slots->held->rows[row].cores == 1);
    slots->memory_used += slots->held->rows[row].memory_bytes;
    enter(slots, row, core, false);
}

void hayi_slots_resumed(struct hayi_slots *slots, uint32_t row)
{
    struct hayi_held *held = &slots->held->rows[row];

    if (held->resuming) {
        struct hayi_slot *slot = &slots->list[held->slot];
        if (held->turn) { /* it runs, so no other one does */
            slots->turn_count--;
            hayi_held_unlink(slots->held, &slot->list, row);
            hayi_held_first(slots->held, &slot->list, row);
        }
        held->resuming = false;
        held->turn = false;
        slot->resuming = false;
    }
}

void hayi_slots_suspend(struct hayi_slots *slots, uint32_t row)
{
    struct hayi_held *held = &slots->held->rows[row];
    struct hayi_slot *slot = &slots->list[held->slot];

    if (held->resuming) {
        hayi_slots_resumed(slots, row);
    }
    slots->single_count -= slot->list.count == 1;
    hayi_held_unlink(slots->held, &slot->list, row);
    slots->single_count += slot->list.count == 1;
    if (slot->list.count == 0) {
        hayi_lease_give(&slots->lease,
                        slot->wide ? held->wide
                                   : &slots->core_index[held->slot],
                        held->cores);
    }
    place(slots, slot);
    held->home = held->slot;
    held->slot = NONE;
    held->state = HAYI_HELD_SUSPENDED;
}

void hayi_slots_forget(struct hayi_slots *slots, uint32_t row)
{
    slots->memory_used -= slots->held->rows[row].memory_bytes;
}

void hayi_slots_leave(struct hayi_slots *slots, uint32_t row)
{
    hayi_slots_suspend(slots, row);
    hayi_slots_forget(slots, row);
}

static bool has_turn(const struct hayi_slot *slot)
{
    return slot->list.count > 0 && !slot->wide && !slot->resuming
           && slot->kind == HAYI_WKIND_THREAD;
}

uint32_t hayi_slots_turn(struct hayi_slots *slots, uint32_t row)
{
    uint32_t home = slots->held->rows[row].home;
    if (has_turn(&slots->list[home])) {
        return home;
    }
    for (uint32_t i = 0; i < slots->core_count; i++) {
        uint32_t core = (slots->next_hint + i) % slots->core_count;
        if (has_turn(&slots->list[core])) {
            slots->next_hint = core + 1;
            return core;
        }
    }
    return NONE;
}

void hayi_slots_resume_next(struct hayi_slots *slots,
                            uint32_t row,
                            uint32_t core)
{
    assert(slots->list[core].list.count > 0 && !slots->list[core].resuming);
    note_resuming(slots, row, core, true);
    enter(slots, row, core, true);
}

uint32_t hayi_slots_resuming(const struct hayi_slots *slots)
{
    for (uint32_t core = 0; core < slots->core_count; core++) {
        const struct hayi_slot *slot = &slots->list[core];
        for (uint32_t row = slot->resuming ? slot->list.first : NONE;
             row != NONE;
             row = slots->held->rows[row].next) {
            if (slots->held->rows[row].turn
                && !slots->held->rows[row].revoking) {
                return row;
            }
        }
    }
    return NONE;
}

void hayi_slots_revoke(struct hayi_slots *slots, uint32_t row)
{
    struct hayi_held *held = &slots->held->rows[row];

    assert(!held->revoking);
    held->revoking = true;
    slots->list[held->slot].revokes++;
    place(slots, &slots->list[held->slot]);
}

void hayi_slots_settle(struct hayi_slots *slots, uint32_t row)
{
    struct hayi_held *held = &slots->held->rows[row];

    assert(held->revoking);
    held->revoking = false;
    slots->list[held->slot].revokes--;
    place(slots, &slots->list[held->slot]);
}

bool hayi_slots_running(const struct hayi_slots *slots, uint32_t row)
{
    const struct hayi_held *held = &slots->held->rows[row];
    return held->state == HAYI_HELD_IN_SLOT
           && slots->list[held->slot].list.first == row
           && !slots->list[held->slot].resuming;
}

/* ---- life ---- */

static hay_status init_ladder(struct hayi_slot_ladder *ladder, size_t count)
{
    ladder->low = 1;
    ladder->buckets = calloc(count, sizeof ladder->buckets[0]);
    if (ladder->buckets == NULL) {
        return HAY_ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        ladder->buckets[i].first = NONE;
        ladder->buckets[i].last = NONE;
    }
    return HAY_OK;
}

hay_status hayi_slots_init(struct hayi_slots *slots,
                           struct hayi_held_table *held,
                           const struct hayi_wstate_config *config)
{
    *slots = (struct hayi_slots){
        .held = held,
        .core_count = config->cores,
        .depth_max = config->backlog_max != 0 ? config->backlog_max
                                              : BACKLOG_MAX_DEFAULT,
        .backlog_ns =
            config->backlog_ns != 0 ? config->backlog_ns : BACKLOG_NS_DEFAULT,
    };
    slots->list = calloc(config->cores, sizeof slots->list[0]);
    slots->core_index = calloc(config->cores, sizeof slots->core_index[0]);
    hay_status st = hayi_lease_init(&slots->lease, config->cores);
    if (st == HAY_OK && config->core_numa != NULL) {
        st = hayi_lease_set_numa(&slots->lease, config->core_numa);
    }
    for (uint32_t k = 0; k < HAYI_SLOT_KINDS && st == HAY_OK; k++) {
        st = init_ladder(&slots->ladders[k], (size_t)slots->depth_max + 1);
    }
    if (st != HAY_OK || slots->list == NULL || slots->core_index == NULL) {
        hayi_slots_fini(slots);
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < config->cores; i++) {
        slots->core_index[i] = i;
        slots->list[i].list.first = NONE;
        slots->list[i].list.last = NONE;
    }
    return HAY_OK;
}

void hayi_slots_fini(struct hayi_slots *slots)
{
    for (uint32_t k = 0; k < HAYI_SLOT_KINDS; k++) {
        free(slots->ladders[k].buckets);
    }
    hayi_lease_fini(&slots->lease);
    free(slots->list);
    free(slots->core_index);
    *slots = (struct hayi_slots){.held = NULL};
}

/* ---- check ---- */

struct sums {
    uint64_t memory_bytes;
    uint32_t turns;
    uint32_t cores;
    uint32_t in_slots;
    uint32_t singles;
};

static void
check_row(const struct hayi_slots *slots, uint32_t core, uint32_t row)
{
    const struct hayi_slot *slot = &slots->list[core];
    const struct hayi_held *held = &slots->held->rows[row];

    assert(held->state == HAYI_HELD_IN_SLOT);
    assert(held->slot == core);
    assert(held->kind == slot->kind);
    assert((held->cores > 1) == slot->wide);
    for (uint32_t i = 0; i < held->cores; i++) {
        uint32_t leased = slot->wide ? held->wide[i] : core;
        assert(!hayi_lease_is_free(&slots->lease, leased));
        assert(i == 0 || held->wide[i - 1] < leased);
        assert(leased == core || slots->list[leased].list.count == 0);
    }
}

static void
check_slot(const struct hayi_slots *slots, uint32_t core, struct sums *sums)
{
    const struct hayi_slot *slot = &slots->list[core];
    uint32_t count = 0;
    uint32_t revokes = 0;
    uint32_t resuming = 0;

    for (uint32_t row = slot->list.first; row != NONE;
         row = slots->held->rows[row].next) {
        check_row(slots, core, row);
        count++;
        revokes += slots->held->rows[row].revoking;
        resuming += slots->held->rows[row].resuming;
        sums->turns += slots->held->rows[row].turn;
        sums->memory_bytes += slots->held->rows[row].memory_bytes;
    }
    assert(count == slot->list.count);
    assert(revokes == slot->revokes);
    assert(resuming == slot->resuming);
    assert(!slot->wide || count <= 1);
    assert(slot->depth == 0 || slot->depth == depth_of(slots, slot));
    assert(count <= slots->depth_max + 1); /* and one that resumes */
    sums->in_slots += count;
    sums->singles += count == 1;
    if (count > 0) {
        sums->cores += slots->held->rows[slot->list.first].cores;
    }
}

void hayi_slots_check(const struct hayi_slots *slots)
{
    struct sums sums = {0};

    for (uint32_t core = 0; core < slots->core_count; core++) {
        check_slot(slots, core, &sums);
    }
    for (uint32_t row = 0; row < slots->held->row_count; row++) {
        const struct hayi_held *held = &slots->held->rows[row];
        if (held->state == HAYI_HELD_SUSPENDED
            || held->state == HAYI_HELD_WAKING) {
            sums.memory_bytes += held->memory_bytes;
            sums.in_slots++;
            assert(!held->revoking && !held->resuming);
        }
    }
    assert(sums.turns == slots->turn_count);
    assert(sums.memory_bytes == slots->memory_used);
    assert(sums.cores == slots->core_count - slots->lease.free_count);
    assert(sums.in_slots == slots->held->held_count - slots->held->queue.count);
    assert(sums.singles == slots->single_count);
}
