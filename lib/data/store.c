/* store.c - see store.h, and store_inside.h for the states of an entry. */
#include "config.h"

#include "data/store_inside.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

enum {
    /* Entries looked at before the table is made longer. */
    SEARCH_MAX = 1024,
    NAP_MIN_NS = 20 * 1000,
    NAP_MAX_NS = 1000 * 1000,
};
static uint64_t generation_of(uint64_t word)
{
    return word >> HAYI_STORE_GENERATION_SHIFT;
}

/* ---- Entries --------------------------------------------------------------
 */

static uint64_t claimed_word(const struct hayi_store *store, uint64_t was)
{
    uint32_t generation = (uint32_t)generation_of(was) + 1;
    generation += generation == 0 ? 1 : 0; /* a place is never 0 */
    return (uint64_t)generation << HAYI_STORE_GENERATION_SHIFT
           | (uint64_t)store->me << HAYI_STORE_OWNER_SHIFT | HAYI_STORE_CLAIMED;
}

static bool try_claim(struct hayi_store *store, uint32_t index)
{
    uint64_t was =
        atomic_load_explicit(&store->words[index], memory_order_relaxed);
    return hayi_store_state_of(was) == HAYI_STORE_FREE
           && atomic_compare_exchange_strong(
               &store->words[index], &was, claimed_word(store, was));
}

/* The first free one in [from, end); 'end': none. */
static uint32_t search(struct hayi_store *store, uint32_t from, uint32_t end)
{
    while (from < end && !try_claim(store, from)) {
        from++;
    }
    return from;
}

uint32_t hayi_store_claim_entry(struct hayi_store *store)
{
    struct hayi_store_header *header = store->header;
    uint32_t top = atomic_load(&header->entry_top);
    uint32_t hint = atomic_load(&header->entry_hint);
    uint32_t index = atomic_load(&header->entry_last);
    if (index < top && try_claim(store, index)) {
        return index;
    }
    index = HAYI_STORE_ENTRY_MAX;
    if (hint < top) {
        /* Beyond this it is not made longer while something is free. */
        bool ample = top >= store->entry_max / 4 * 3;
        uint32_t end =
            ample || top - hint < SEARCH_MAX ? top : hint + SEARCH_MAX;
        index = search(store, hint, end);
        index = index < end ? index : HAYI_STORE_ENTRY_MAX;
        if (index == HAYI_STORE_ENTRY_MAX && ample) {
            index = search(store, 0, hint);
            index = index < hint ? index : HAYI_STORE_ENTRY_MAX;
        }
    }
    while (index == HAYI_STORE_ENTRY_MAX
           && (top = atomic_load(&header->entry_top)) < store->entry_max) {
        if (atomic_compare_exchange_strong(&header->entry_top, &top, top + 1)
            && try_claim(store, top)) {
            index = top;
        }
    }
    if (index == HAYI_STORE_ENTRY_MAX) {
        index = search(store, 0, store->entry_max);
        index = index < store->entry_max ? index : HAYI_STORE_ENTRY_MAX;
    }
    if (index < HAYI_STORE_ENTRY_MAX) {
        (void)atomic_compare_exchange_strong(
            &header->entry_hint, &hint, index + 1);
    }
    return index;
}

void hayi_store_release_entry(struct hayi_store *store, uint32_t index)
{
    struct hayi_store_entry *entry = &store->entries[index];
    struct hayi_store_header *header = store->header;
    uint64_t word = atomic_load(&store->words[index]);
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    uint64_t slot = atomic_load(&entry->slot);
    assert(hayi_store_state_of(word) == HAYI_STORE_FREEING);
    if (slot != 0) {
        hayi_store_clear_disk(
            store, slot - 1, units, (word & HAYI_STORE_FILED_FLAG) != 0);
    }
    /* Forget, then free: who dies between leaks, and no more. */
    uint64_t run = atomic_exchange(&entry->run, 0);
    slot = atomic_exchange(&entry->slot, 0);
    if (run != 0) {
        hayi_extents_free(&store->memory, run - 1, units);
    }
    if (slot != 0) {
        hayi_extents_free(&store->disk, slot - 1, units);
    }
    if ((word & HAYI_STORE_REPLICA) != 0) {
        atomic_fetch_sub(&header->replica_count, 1);
    }
    atomic_store(&entry->size_bytes, 0);
    atomic_store(&entry->name, 0);
    atomic_store(&store->words[index],
                 generation_of(word) << HAYI_STORE_GENERATION_SHIFT
                     | HAYI_STORE_FREE);
    atomic_store(&header->entry_last, index);
    uint32_t hint = atomic_load(&header->entry_hint);
    while (
        index < hint
        && !atomic_compare_exchange_weak(&header->entry_hint, &hint, index)) {
    }
}

bool hayi_store_step(struct hayi_store *store,
                     uint32_t index,
                     uint64_t *word,
                     enum hayi_store_state state,
                     uint64_t set,
                     uint64_t clear)
{
    uint64_t was = *word;
    uint64_t turn =
        state == HAYI_STORE_EVICTING || state == HAYI_STORE_RESTORING
                || (state == HAYI_STORE_COMMITTING
                    && hayi_store_state_of(was) != HAYI_STORE_EVICTING)
            ? HAYI_STORE_TURN
            : 0;
    for (;;) {
        uint64_t next = (was
                         & ~(HAYI_STORE_STATE_BITS | HAYI_STORE_OWNER_BITS
                             | HAYI_STORE_TURN_BITS | clear))
                        | ((was + turn) & HAYI_STORE_TURN_BITS)
                        | (uint64_t)store->me << HAYI_STORE_OWNER_SHIFT | set
                        | state;
        if (atomic_compare_exchange_strong(&store->words[index], &was, next)) {
            *word = next;
            return true;
        }
        if (((was ^ *word) & ~HAYI_STORE_FLAG_BITS) != 0) {
            return false;
        }
    }
}

bool hayi_store_is_pinned(struct hayi_store *store, uint32_t index)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint32_t top = atomic_load(&store->header->member_top);
    for (uint32_t i = 0; i < top; i++) {
        if (atomic_load(&entry->pins[i]) != 0) {
            return true;
        }
    }
    return false;
}

/* Nobody else may have it: free it and no longer count it. */
static void end_object(struct hayi_store *store, uint32_t index)
{
    atomic_fetch_sub(&store->header->object_count, 1);
    hayi_store_release_entry(store, index);
}

void hayi_store_settle(struct hayi_store *store, uint32_t index)
{
    for (;;) {
        uint64_t word = atomic_load(&store->words[index]);
        enum hayi_store_state state = hayi_store_state_of(word);
        if ((word & HAYI_STORE_DOOMED) == 0
            || (state != HAYI_STORE_RESIDENT && state != HAYI_STORE_EVICTING
                && state != HAYI_STORE_SPILLED && state != HAYI_STORE_FILED)
            || hayi_store_is_pinned(store, index)) {
            return; /* who has it will look when he is done */
        }
        if (hayi_store_step(store, index, &word, HAYI_STORE_FREEING, 0, 0)) {
            end_object(store, index);
            return;
        }
    }
}

void hayi_store_stamp(struct hayi_store *store, uint32_t index)
{
    atomic_store_explicit(&store->entries[index].stamp,
                          atomic_fetch_add_explicit(
                              &store->header->clock, 1, memory_order_relaxed),
                          memory_order_relaxed);
}

/* ---- Objects that are being written ---------------------------------------
 */

/* Into the entry, which is CLAIMED. */
static hay_status get_room(struct hayi_store *store,
                           uint32_t index,
                           uint64_t size_bytes,
                           void **data,
                           uint64_t *flags,
                           struct hayi_error *err)
{
    struct hayi_store_entry *entry = &store->entries[index];
    struct hayi_error why = {HAY_OK, ""};
    uint64_t units = hayi_store_units(size_bytes);
    uint64_t first;
    atomic_store(&entry->size_bytes, size_bytes);
    *flags = 0;
    if (units <= store->memory.unit_count
        && hayi_store_claim_memory(store, units, &first, &why)) {
        atomic_store(&entry->run, first + 1);
        *data = store->units + first * HAYI_STORE_UNIT_BYTES;
        return HAY_OK;
    }
    *flags = HAYI_STORE_FILED_FLAG;
    hay_status status =
        hayi_store_claim_disk(store, index, size_bytes, true, &why);
    if (status == HAY_OK) {
        hayi_place place =
            hayi_store_place(atomic_load(&store->words[index]), index);
        status = hayi_store_map(store, place, true, data, &why);
    }
    if (status != HAY_OK) {
        (void)hayi_fail(
            err,
            status,
            "no room for an object of %" PRIu64 " bytes: the limit of %" PRIu64
            " MiB is reached, and %.300s",
            size_bytes,
            store->memory.unit_count * HAYI_STORE_UNIT_BYTES / HAYI_STORE_MIB,
            why.text);
    }
    return status;
}

hay_status hayi_store_create(struct hayi_store *store,
                             uint64_t size_bytes,
                             hayi_place *place,
                             void **data,
                             struct hayi_error *err)
{
    void *room = NULL;
    uint64_t flags;
    assert(size_bytes > 0 && store->words != NULL);
    if (size_bytes > HAYI_STORE_DISK_UNITS * HAYI_STORE_UNIT_BYTES) {
        return hayi_fail(err,
                         HAY_EIO,
                         "no disk has room for an object of %" PRIu64 " bytes",
                         size_bytes);
    }
    uint32_t index = hayi_store_claim_entry(store);
    if (index == HAYI_STORE_ENTRY_MAX) {
        return hayi_fail(err,
                         HAY_ENOMEM,
                         "there are %" PRIu32 " objects on this node, and no "
                         "more can be told apart",
                         store->entry_max);
    }
    hay_status status = get_room(store, index, size_bytes, &room, &flags, err);
    uint64_t word = atomic_load(&store->words[index]);
    if (status != HAY_OK) {
        bool ours =
            hayi_store_step(store, index, &word, HAYI_STORE_FREEING, 0, 0);
        assert(ours);
        hayi_store_release_entry(store, index);
        return status;
    }
    atomic_fetch_add(&store->header->object_count, 1);
    bool ours =
        hayi_store_step(store, index, &word, HAYI_STORE_UNSEALED, flags, 0);
    assert(ours);
    *place = hayi_store_place(word, index);
    *data = room;
    return HAY_OK;
}

/* Of an object that we have not sealed. */
static uint64_t unsealed_word(struct hayi_store *store, hayi_place place)
{
    uint32_t index = (uint32_t)place;
    assert(index < store->entry_max);
    uint64_t word = atomic_load(&store->words[index]);
    assert(hayi_store_place(word, index) == place);
    assert(hayi_store_state_of(word) == HAYI_STORE_UNSEALED);
    return word;
}

void hayi_store_shrink(struct hayi_store *store,
                       hayi_place place,
                       uint64_t size_bytes)
{
    uint64_t word = unsealed_word(store, place);
    struct hayi_store_entry *entry = &store->entries[(uint32_t)place];
    uint64_t old = hayi_store_units(atomic_load(&entry->size_bytes));
    uint64_t left = hayi_store_units(size_bytes);
    assert(size_bytes > 0 && size_bytes <= atomic_load(&entry->size_bytes));
    if (left == old) {
        atomic_store(&entry->size_bytes, size_bytes);
    } else if ((word & HAYI_STORE_FILED_FLAG) != 0) {
        uint64_t rest = atomic_load(&entry->slot) - 1 + left;
        hayi_store_clear_disk(store, rest, old - left, true);
        atomic_store(&entry->size_bytes, size_bytes);
        hayi_extents_free(&store->disk, rest, old - left);
    } else {
        atomic_store(&entry->size_bytes, size_bytes);
        hayi_extents_free(
            &store->memory, atomic_load(&entry->run) - 1 + left, old - left);
    }
}

void hayi_store_seal(struct hayi_store *store, hayi_place place, uint64_t name)
{
    uint64_t word = unsealed_word(store, place);
    uint32_t index = (uint32_t)place;
    bool filed = (word & HAYI_STORE_FILED_FLAG) != 0;
    if (filed) {
        hayi_store_unmap(store, place);
    }
    atomic_store(&store->entries[index].name, name);
    atomic_store(&store->entries[index].maker, store->me + 1);
    if (name != 0) {
        atomic_fetch_add(&store->header->replica_count, 1);
    }
    hayi_store_stamp(store, index);
    bool ours = hayi_store_step(store,
                                index,
                                &word,
                                filed ? HAYI_STORE_FILED : HAYI_STORE_RESIDENT,
                                name != 0 ? HAYI_STORE_REPLICA : 0,
                                0);
    assert(ours);
}

void hayi_store_abandon(struct hayi_store *store, hayi_place place)
{
    uint64_t word = unsealed_word(store, place);
    if ((word & HAYI_STORE_FILED_FLAG) != 0) {
        hayi_store_unmap(store, place);
    }
    bool ours = hayi_store_step(
        store, (uint32_t)place, &word, HAYI_STORE_FREEING, 0, 0);
    assert(ours);
    end_object(store, (uint32_t)place);
}

/* ---- Objects that are read ------------------------------------------------
 */

static void take_pin_off(struct hayi_store *store, uint32_t index)
{
    uint32_t was = atomic_fetch_sub(&store->entries[index].pins[store->me], 1);
    assert(was > 0);
    if ((atomic_load(&store->words[index]) & HAYI_STORE_DOOMED) != 0) {
        hayi_store_settle(store, index);
    }
}

/* Our pin is on it.  HAY_EAGAIN: it is not in memory now. */
static hay_status look(struct hayi_store *store,
                       hayi_place place,
                       const void **data,
                       uint64_t *size_bytes,
                       struct hayi_error *err)
{
    uint32_t index = (uint32_t)place;
    struct hayi_store_entry *entry = &store->entries[index];
    for (;;) {
        uint64_t word = atomic_load(&store->words[index]);
        void *mapped;
        if (hayi_store_place(word, index) != place
            || (word & HAYI_STORE_DOOMED) != 0) {
            break;
        }
        switch (hayi_store_state_of(word)) {
        case HAYI_STORE_RESIDENT:
            *data = store->read_units
                    + (atomic_load(&entry->run) - 1) * HAYI_STORE_UNIT_BYTES;
            *size_bytes = atomic_load(&entry->size_bytes);
            return HAY_OK;
        case HAYI_STORE_EVICTING: /* take it back, then look again */
            (void)hayi_store_step(
                store, index, &word, HAYI_STORE_RESIDENT, 0, 0);
            continue;
        case HAYI_STORE_FILED: {
            hay_status status =
                hayi_store_map(store, place, false, &mapped, err);
            if (status == HAY_OK) {
                *data = mapped;
                *size_bytes = atomic_load(&entry->size_bytes);
            }
            return status;
        }
        case HAYI_STORE_COMMITTING:
        case HAYI_STORE_SPILLED:
        case HAYI_STORE_RESTORING:
            return HAY_EAGAIN;
        default:
            break;
        }
        break;
    }
    return hayi_fail(err, HAY_EEMPTY, "the object is not here any more");
}

static hay_status pin_once(struct hayi_store *store,
                           hayi_place place,
                           const void **data,
                           uint64_t *size_bytes,
                           struct hayi_error *err)
{
    uint32_t index = (uint32_t)place;
    assert(store->words != NULL);
    if (index >= store->entry_max || place >> 32 == 0) {
        return hayi_fail(err, HAY_EEMPTY, "there is no such object");
    }
    atomic_fetch_add(&store->entries[index].pins[store->me], 1);
    hay_status status = look(store, place, data, size_bytes, err);
    if (status == HAY_OK) {
        hayi_store_stamp(store, index);
    } else {
        take_pin_off(store, index);
    }
    return status;
}

hay_status hayi_store_try_pin(struct hayi_store *store,
                              hayi_place place,
                              const void **data,
                              uint64_t *size_bytes)
{
    return pin_once(store, place, data, size_bytes, NULL);
}

hay_status hayi_store_pin(struct hayi_store *store,
                          hayi_place place,
                          const void **data,
                          uint64_t *size_bytes,
                          struct hayi_error *err)
{
    long nap_ns = NAP_MIN_NS;
    for (;;) {
        hay_status status = pin_once(store, place, data, size_bytes, err);
        if (status != HAY_EAGAIN) {
            return status;
        }
        uint64_t word = atomic_load(&store->words[(uint32_t)place]);
        if (hayi_store_place(word, (uint32_t)place) == place
            && hayi_store_state_of(word) == HAYI_STORE_SPILLED) {
            status = hayi_store_restore(store, (uint32_t)place, word, err);
            if (status != HAY_OK) {
                return status;
            }
        } else {
            /* Another is at it; if he has died, hayi_store_reap() helps. */
            struct timespec nap = {0, nap_ns};
            (void)nanosleep(&nap, NULL);
            nap_ns = nap_ns * 2 < NAP_MAX_NS ? nap_ns * 2 : NAP_MAX_NS;
        }
    }
}

void hayi_store_unpin(struct hayi_store *store, hayi_place place)
{
    uint32_t index = (uint32_t)place;
    assert(index < store->entry_max);
    uint64_t word = atomic_load(&store->words[index]);
    assert(hayi_store_place(word, index) == place);
    /* It cannot move while it is pinned. */
    if (hayi_store_state_of(word) == HAYI_STORE_FILED) {
        hayi_store_unmap(store, place);
    }
    take_pin_off(store, index);
}

void hayi_store_drop(struct hayi_store *store, hayi_place place)
{
    uint32_t index = (uint32_t)place;
    if (index >= store->entry_max) {
        return;
    }
    uint64_t word = atomic_load(&store->words[index]);
    do {
        enum hayi_store_state state = hayi_store_state_of(word);
        if (hayi_store_place(word, index) != place
            || (word & HAYI_STORE_DOOMED) != 0 || state < HAYI_STORE_RESIDENT
            || state == HAYI_STORE_FREEING) {
            return;
        }
    } while (!atomic_compare_exchange_weak(
        &store->words[index], &word, word | HAYI_STORE_DOOMED));
    hayi_store_settle(store, index);
}
