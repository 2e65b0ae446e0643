/* store_spot.c - where objects lie, for processes that map the store's files
 * themselves. */
#include "config.h"

#include "data/store_inside.h"

void hayi_store_get_files(const struct hayi_store *store,
                          struct hayi_store_files *files)
{
    assert(store->words != NULL);
    *files = (struct hayi_store_files){
        .memory_fd = store->fd,
        .spill_fd = store->has_spill ? store->spill.fd : -1,
        .memory_inode = store->inode,
        .spill_inode = store->has_spill ? store->spill.inode : 0,
        .units_at = HAYI_STORE_UNITS_AT,
        .units_bytes = store->units_bytes,
    };
}

void hayi_store_locate(const struct hayi_store *store,
                       hayi_place place,
                       struct hayi_store_spot *spot)
{
    uint32_t index = (uint32_t)place;
    assert(index < store->entry_max);
    const struct hayi_store_entry *entry = &store->entries[index];
    uint64_t word = atomic_load(&store->words[index]);
    assert(hayi_store_place(word, index) == place);
    enum hayi_store_state state = hayi_store_state_of(word);
    spot->spilled = state == HAYI_STORE_FILED
                    || (state == HAYI_STORE_UNSEALED
                        && (word & HAYI_STORE_FILED_FLAG) != 0);
    uint64_t unit =
        spot->spilled ? atomic_load(&entry->slot) : atomic_load(&entry->run);
    assert(unit != 0);
    spot->offset = (unit - 1) * HAYI_STORE_UNIT_BYTES
                   + (spot->spilled ? 0 : HAYI_STORE_UNITS_AT);
}
