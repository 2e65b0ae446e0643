/* slot_thread.c - see slot_thread.h. */
#include "config.h"

#include "worker/slot_thread.h"

#include "worker/hand.h"

#include <assert.h>

static bool has_room(struct hayi_slot_thread *slot)
{
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_acquire);
    return slot->tail - head < HAYI_SLOT_RING;
}

static void put(struct hayi_slot_thread *slot, struct hay_task *task)
{
    struct hayi_slot_entry *entry = &slot->ring[slot->tail % HAYI_SLOT_RING];
    entry->task = task;
    slot->ring_depth[slot->tail % HAYI_SLOT_RING] = task->record.depth;
    task->entry = entry;
    atomic_store_explicit(
        &entry->state, HAYI_ENTRY_GIVEN, memory_order_release);
    slot->tail++;
}

void hayi_slot_refill(struct hayi_slot_thread *slot)
{
    bool moved = false;
    while (slot->overflow != NULL && has_room(slot)) {
        struct hay_task *task = slot->overflow;
        slot->overflow = task->overflow_next;
        put(slot, task);
        moved = true;
    }
    if (slot->overflow == NULL) {
        atomic_store(&slot->waiting, 0);
    }
    if (moved) {
        (void)hayi_slot_wake(slot, NULL);
    }
}

/* Is something in the ring that it has to pass? */
static bool goes_deep(struct hayi_slot_thread *slot,
                      const struct hay_task *task)
{
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_acquire);
    if (task->record.depth == 0) {
        return false;
    }
    if (head != slot->tail) {
        return task->record.depth > slot->ring_depth[head % HAYI_SLOT_RING];
    }
    return atomic_load(&slot->deep_count) != 0;
}

static void put_deep(struct hayi_slot_thread *slot, struct hay_task *task)
{
    struct hay_task **at = &slot->deep;
    task->entry = &task->deep_entry;
    task->deep_entry.task = task;
    atomic_store(&task->deep_entry.state, HAYI_ENTRY_GIVEN);
    (void)pthread_mutex_lock(&slot->deep_mutex);
    while (*at != NULL && (*at)->record.depth >= task->record.depth) {
        at = &(*at)->deep_next;
    }
    task->deep_next = *at;
    *at = task;
    (void)atomic_fetch_add(&slot->deep_count, 1);
    (void)pthread_mutex_unlock(&slot->deep_mutex);
}

static bool revoke_deep(struct hayi_slot_thread *slot, struct hay_task *task)
{
    (void)pthread_mutex_lock(&slot->deep_mutex);
    struct hay_task **at = &slot->deep;
    while (*at != NULL && *at != task) {
        at = &(*at)->deep_next;
    }
    bool found = *at != NULL;
    if (found) {
        *at = task->deep_next;
        (void)atomic_fetch_sub(&slot->deep_count, 1);
    }
    (void)pthread_mutex_unlock(&slot->deep_mutex);
    return found;
}

void hayi_slot_give(struct hayi_slot_thread *slot, struct hay_task *task)
{
    task->entry = NULL;
    if (goes_deep(slot, task)) {
        put_deep(slot, task);
        return;
    }
    if (slot->overflow == NULL && has_room(slot)) {
        put(slot, task);
        return;
    }
    task->overflow_next = NULL;
    if (slot->overflow == NULL) {
        slot->overflow = task;
    } else {
        slot->overflow_last->overflow_next = task;
    }
    slot->overflow_last = task;
    atomic_store(&slot->waiting, 1);
}

/* Somebody is to see what is new. */
static hay_status attend(struct hayi_slot_thread *slot, struct hayi_error *err)
{
    unsigned asleep = HAYI_SEAT_ASLEEP;
    hay_status st = HAY_OK;

    slot->wanting = false;
    if (atomic_load(&slot->seat) == HAYI_SEAT_EMPTY) {
        struct hayi_hand *turn = atomic_exchange(&slot->turn, NULL);
        if (turn != NULL) {
            atomic_store(&slot->seat, HAYI_SEAT_TAKEN);
            hayi_hand_take_turn(turn, slot);
        } else if (atomic_load(&slot->published)
                       != atomic_load_explicit(&slot->head,
                                               memory_order_acquire)
                   || atomic_load(&slot->deep_count) != 0) {
            st = hayi_hands_serve(slot->hands, slot, err);
            slot->wanting = st != HAY_OK;
        }
    } else if (atomic_load(&slot->seat) == HAYI_SEAT_ASLEEP
               && atomic_compare_exchange_strong(
                   &slot->seat, &asleep, HAYI_SEAT_TAKEN)) {
        struct hayi_hand *sleeper = slot->sleeper;
        struct hayi_hand *turn = atomic_exchange(&slot->turn, NULL);
        if (turn != NULL) {
            hayi_hand_put_away(sleeper); /* without waking it */
            hayi_hand_take_turn(turn, slot);
        } else {
            hayi_hand_go(sleeper, slot);
        }
    }
    return st;
}

hay_status hayi_slot_wake(struct hayi_slot_thread *slot, struct hayi_error *err)
{
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_relaxed);
    atomic_store_explicit(
        &slot->ring_below, (slot->tail - head) / 2, memory_order_relaxed);
    (void)atomic_exchange(&slot->published, slot->tail);
    return attend(slot, err);
}

void hayi_slot_give_turn(struct hayi_slot_thread *slot, struct hayi_hand *hand)
{
    struct hayi_hand *before = atomic_exchange(&slot->turn, hand);
    assert(before == NULL);
    (void)before;
    (void)attend(slot, NULL);
}

bool hayi_slot_revoke_turn(struct hayi_slot_thread *slot,
                           struct hayi_hand *hand)
{
    return atomic_compare_exchange_strong(
        &slot->turn, &hand, (struct hayi_hand *)NULL);
}

static bool revoke_overflow(struct hayi_slot_thread *slot,
                            struct hay_task *task)
{
    struct hay_task *before = NULL;
    for (struct hay_task *t = slot->overflow; t != NULL; t = t->overflow_next) {
        if (t == task) {
            if (before == NULL) {
                slot->overflow = t->overflow_next;
            } else {
                before->overflow_next = t->overflow_next;
            }
            if (slot->overflow_last == t) {
                slot->overflow_last = before;
            }
            atomic_store(&slot->waiting, slot->overflow != NULL);
            return true;
        }
        before = t;
    }
    return false;
}

bool hayi_slot_revoke(struct hayi_slot_thread *slot, struct hay_task *task)
{
    if (task->entry == NULL) {
        return revoke_overflow(slot, task);
    }
    if (task->entry == &task->deep_entry) {
        bool revoked = revoke_deep(slot, task);
        task->entry = revoked ? NULL : task->entry;
        return revoked;
    }
    if (task->entry->task != task) {
        return false; /* long ended, and its place was given again */
    }
    uint32_t given = HAYI_ENTRY_GIVEN;
    if (!atomic_compare_exchange_strong(
            &task->entry->state, &given, HAYI_ENTRY_REVOKED)) {
        return false;
    }
    task->entry = NULL;
    return true;
}

bool hayi_slot_runs(const struct hay_task *task)
{
    return task->entry != NULL
           && atomic_load_explicit(&task->entry->state, memory_order_acquire)
                  == HAYI_ENTRY_TAKEN;
}
