/* store_reap.c - what a dead member leaves behind, and what must hold. */
#include "config.h"

#include "data/store_inside.h"

#include <assert.h>
#include <stdlib.h>

/* COMMITTING by us now.  A copy may be half given up: do without it. */
static void
keep_in_memory(struct hayi_store *store, uint32_t index, uint64_t word)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    uint64_t slot = atomic_load(&entry->slot);
    if (slot != 0) {
        hayi_store_clear_disk(store, slot - 1, units, false);
        atomic_store(&entry->slot, 0);
        hayi_extents_free(&store->disk, slot - 1, units);
    }
    (void)hayi_store_step(
        store, index, &word, HAYI_STORE_RESIDENT, 0, HAYI_STORE_BACKED);
}

/* RESTORING by us now. */
static void
keep_on_disk(struct hayi_store *store, uint32_t index, uint64_t word)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    uint64_t run = atomic_exchange(&entry->run, 0);
    if (run != 0) {
        hayi_extents_free(&store->memory, run - 1, units);
    }
    (void)hayi_store_step(
        store, index, &word, HAYI_STORE_SPILLED, 0, HAYI_STORE_BACKED);
}

/* The owner was in the middle of something here.  Each case begins by becoming
 * the owner, which only one can. */
static void resolve(struct hayi_store *store, uint32_t index, uint64_t word)
{
    enum hayi_store_state state = hayi_store_state_of(word);
    switch (state) {
    case HAYI_STORE_CLAIMED:
    case HAYI_STORE_UNSEALED:
    case HAYI_STORE_FREEING:
        if (hayi_store_step(store, index, &word, HAYI_STORE_FREEING, 0, 0)) {
            if (state == HAYI_STORE_UNSEALED) {
                atomic_fetch_sub(&store->header->object_count, 1);
            }
            hayi_store_release_entry(store, index);
        }
        break;
    case HAYI_STORE_EVICTING:
        (void)hayi_store_step(store, index, &word, HAYI_STORE_RESIDENT, 0, 0);
        break;
    case HAYI_STORE_COMMITTING:
    case HAYI_STORE_RESTORING:
        if (hayi_store_step(store, index, &word, state, 0, 0)) {
            if (state == HAYI_STORE_COMMITTING
                && atomic_load(&store->entries[index].run) != 0) {
                keep_in_memory(store, index, word);
            } else {
                keep_on_disk(store, index, word);
            }
        }
        break;
    default:
        break;
    }
}

void hayi_store_reap(struct hayi_store *store, uint32_t member)
{
    if (store->words == NULL || member >= HAYI_STORE_MEMBERS_MAX) {
        return;
    }
    struct hayi_store_header *header = store->header;
    uint32_t top = atomic_load(&header->entry_top);
    atomic_fetch_add(&header->reaps, 1);
    atomic_store(&header->members[member].spill_card, 0);
    for (uint32_t i = 0; i < top; i++) {
        uint64_t word = atomic_load(&store->words[i]);
        if (atomic_load(&store->entries[i].pins[member]) != 0) {
            atomic_store(&store->entries[i].pins[member], 0);
        }
        if (hayi_store_owner_of(word) == member) {
            resolve(store, i, word);
        }
        hayi_store_settle(store, i);
    }
}

static bool is_sealed(uint64_t word)
{
    switch (hayi_store_state_of(word)) {
    case HAYI_STORE_RESIDENT:
    case HAYI_STORE_EVICTING:
    case HAYI_STORE_COMMITTING:
    case HAYI_STORE_SPILLED:
    case HAYI_STORE_RESTORING:
    case HAYI_STORE_FILED:
        return true;
    default:
        return false;
    }
}

hay_status hayi_store_left(const struct hayi_store *store,
                           uint32_t member,
                           hayi_place **places,
                           size_t *count)
{
    hayi_place *list = NULL;
    size_t found = 0;
    size_t room = 0;
    uint32_t top =
        store->words == NULL ? 0 : atomic_load(&store->header->entry_top);
    for (uint32_t i = 0; i < top; i++) {
        uint64_t word = atomic_load(&store->words[i]);
        if (!is_sealed(word)
            || atomic_load(&store->entries[i].maker) != member + 1) {
            continue;
        }
        if (found == room) {
            room = room == 0 ? 64 : room * 2;
            void *more = realloc(list, room * sizeof(*list));
            if (more == NULL) {
                free(list);
                return HAY_ENOMEM;
            }
            list = more;
        }
        list[found++] = hayi_store_place(word, i);
    }
    *places = list;
    *count = found;
    return HAY_OK;
}

void hayi_store_get_usage(const struct hayi_store *store,
                          struct hayi_store_usage *usage)
{
    struct hayi_store_header *header = store->header;
    *usage = (struct hayi_store_usage){
        .limit_bytes = store->memory.unit_count * HAYI_STORE_UNIT_BYTES,
        .used_bytes = atomic_load(&header->memory.used) * HAYI_STORE_UNIT_BYTES,
        .spilled_bytes =
            atomic_load(&header->disk.used) * HAYI_STORE_UNIT_BYTES,
        .object_count = atomic_load(&header->object_count),
        .spills = atomic_load(&header->spills),
        .restores = atomic_load(&header->restores),
        .drops = atomic_load(&header->drops),
    };
}

/* ---- Checks ---------------------------------------------------------------
 */

struct tally {
    uint64_t *memory, *disk; /* bitmaps of what entries have */
    uint64_t memory_units, disk_units, objects;
};

static void mark(const struct hayi_extents *extents,
                 uint64_t *seen,
                 uint64_t *sum,
                 uint64_t first,
                 uint64_t units)
{
    assert(units > 0 && first + units <= extents->unit_count);
    assert(hayi_extents_all_claimed(extents, first, units));
    for (uint64_t i = first; i < first + units; i++) {
        uint64_t bit = (uint64_t)1 << (i % 64);
        assert((seen[i / 64] & bit) == 0); /* nobody else's */
        seen[i / 64] |= bit;
    }
    *sum += units;
}

static void
check_entry(struct hayi_store *store, uint32_t index, struct tally *tally)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t word = atomic_load(&store->words[index]);
    enum hayi_store_state state = hayi_store_state_of(word);
    uint64_t run = atomic_load(&entry->run);
    uint64_t slot = atomic_load(&entry->slot);
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    bool pinned = hayi_store_is_pinned(store, index);
    bool backed = (word & HAYI_STORE_BACKED) != 0;
    bool filed = (word & HAYI_STORE_FILED_FLAG) != 0;

    assert((word & HAYI_STORE_DOOMED) == 0 || pinned);
    assert(!pinned || state == HAYI_STORE_RESIDENT
           || state == HAYI_STORE_FILED);
    switch (state) {
    case HAYI_STORE_FREE:
        assert(run == 0 && slot == 0 && units == 0);
        return;
    case HAYI_STORE_UNSEALED:
        assert(filed ? run == 0 && slot != 0 : run != 0 && slot == 0);
        break;
    case HAYI_STORE_RESIDENT:
        assert(run != 0 && backed == (slot != 0) && !filed);
        break;
    case HAYI_STORE_SPILLED:
        assert(run == 0 && slot != 0 && !backed && !filed);
        break;
    case HAYI_STORE_FILED:
        assert(run == 0 && slot != 0 && !backed && filed);
        break;
    default:
        assert(!"in the middle of something");
    }
    tally->objects++;
    if (run != 0) {
        mark(&store->memory,
             tally->memory,
             &tally->memory_units,
             run - 1,
             units);
    }
    if (slot != 0) {
        mark(&store->disk, tally->disk, &tally->disk_units, slot - 1, units);
    }
}

void hayi_store_check(struct hayi_store *store)
{
    struct hayi_store_header *header = store->header;
    uint32_t top = atomic_load(&header->entry_top);
    uint64_t disk_top = atomic_load(&header->disk.top);
    struct tally tally = {
        .memory = calloc(store->memory.unit_count / 64 + 1, sizeof(uint64_t)),
        .disk = calloc(disk_top / 64 + 1, sizeof(uint64_t)),
    };
    struct hayi_extents disk = store->disk;
    disk.unit_count = disk_top;
    assert(tally.memory != NULL && tally.disk != NULL);
    for (uint32_t i = 0; i < top; i++) {
        check_entry(store, i, &tally);
    }
    uint64_t memory_count = hayi_extents_count(&store->memory);
    uint64_t disk_count = hayi_extents_count(&disk);
    assert(tally.memory_units <= memory_count);
    assert(tally.disk_units <= disk_count);
    if (atomic_load(&header->reaps) == 0) {
        /* Who dies may leak; else all is accounted for. */
        assert(tally.memory_units == memory_count);
        assert(tally.disk_units == disk_count);
        assert(tally.memory_units == atomic_load(&header->memory.used));
        assert(tally.disk_units == atomic_load(&header->disk.used));
        assert(tally.objects == atomic_load(&header->object_count));
    }
    free(tally.memory);
    free(tally.disk);
}
