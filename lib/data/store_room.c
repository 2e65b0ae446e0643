/* store_room.c - room in memory and on disk: who has to leave, and comes back.
 *
 * Least recently used, about: a search looks at the next CANDIDATES objects
 * that may leave, from where the last one ended, and takes the oldest of them;
 * with fewer objects than that it is exact.
 */
#include "config.h"

#include "data/store_inside.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum {
    CANDIDATES = 64,
    /* How often a search waits for what others are writing. */
    WAITS_MAX = 1000,
    WAIT_NS = 1000 * 1000,
};

/* Free room in the spill file that is kept for the next. */
#define KEPT_UNITS (((uint64_t)256 << 20) / HAYI_STORE_UNIT_BYTES)
/* Smaller runs are not worth a hole. */
#define HOLE_UNITS ((uint64_t)16)

/* ---- Disk -----------------------------------------------------------------
 */

void hayi_store_clear_disk(struct hayi_store *store,
                           uint64_t first,
                           uint64_t units,
                           bool mapped)
{
    struct hayi_store_header *header = store->header;
    bool much = atomic_load(&header->disk_kept) + units > KEPT_UNITS;
    if (mapped || atomic_load(&header->disk_tight) != 0
        || (much && units >= HOLE_UNITS)) {
        hayi_spill_release(&store->spill,
                           first * HAYI_STORE_UNIT_BYTES,
                           units * HAYI_STORE_UNIT_BYTES);
    } else {
        atomic_fetch_add(&header->disk_kept, units);
    }
}

static void use_kept(struct hayi_store_header *header, uint64_t units)
{
    uint64_t kept = atomic_load(&header->disk_kept);
    while (kept > 0
           && !atomic_compare_exchange_weak(
               &header->disk_kept, &kept, kept > units ? kept - units : 0)) {
    }
}

/* Objects in memory that have a copy on disk as well: give the copies up. */
static uint64_t free_copies(struct hayi_store *store)
{
    uint32_t top = atomic_load(&store->header->entry_top);
    uint64_t freed = 0;
    for (uint32_t i = 0; i < top; i++) {
        uint64_t word = atomic_load(&store->words[i]);
        if (hayi_store_state_of(word) != HAYI_STORE_RESIDENT
            || (word & HAYI_STORE_BACKED) == 0
            || !hayi_store_step(
                store, i, &word, HAYI_STORE_COMMITTING, 0, HAYI_STORE_BACKED)) {
            continue;
        }
        struct hayi_store_entry *entry = &store->entries[i];
        uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
        uint64_t slot = atomic_load(&entry->slot);
        hayi_store_clear_disk(store, slot - 1, units, false);
        atomic_store(&entry->slot, 0);
        bool ours = hayi_store_step(store, i, &word, HAYI_STORE_RESIDENT, 0, 0);
        assert(ours);
        hayi_extents_free(&store->disk, slot - 1, units);
        freed += units;
        hayi_store_settle(store, i);
    }
    return freed;
}

hay_status hayi_store_claim_disk(struct hayi_store *store,
                                 uint32_t index,
                                 uint64_t size_bytes,
                                 bool mapped,
                                 struct hayi_error *err)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t units = hayi_store_units(size_bytes);
    uint64_t first;
    if (!store->has_spill) {
        return hayi_fail(err, HAY_EIO, "there is no folder to spill to");
    }
    for (;;) {
        hay_status status = HAY_EIO;
        if (!hayi_extents_claim(&store->disk, units, 1, &first)) {
            (void)hayi_fail(err, HAY_EIO, "the spill file is full");
        } else {
            atomic_store(&entry->size_bytes, size_bytes);
            atomic_store(&entry->slot, first + 1);
            status = hayi_spill_reserve(&store->spill,
                                        first * HAYI_STORE_UNIT_BYTES,
                                        units * HAYI_STORE_UNIT_BYTES,
                                        mapped,
                                        err);
            if (status == HAY_OK) {
                use_kept(store->header, units);
                return HAY_OK;
            }
            atomic_store(&store->header->disk_tight, 1);
            hayi_store_clear_disk(store, first, units, false);
            atomic_store(&entry->slot, 0);
            hayi_extents_free(&store->disk, first, units);
        }
        if (free_copies(store) == 0) {
            return status;
        }
    }
}

/* ---- Out of memory --------------------------------------------------------
 */

/* EVICTING by us, but not any more. */
static uint64_t stay(struct hayi_store *store, uint32_t index, uint64_t word)
{
    (void)hayi_store_step(store, index, &word, HAYI_STORE_RESIDENT, 0, 0);
    hayi_store_settle(store, index);
    return 0;
}

static void release_ticket(struct hayi_store *store, uint32_t ticket)
{
    uint64_t word = atomic_load(&store->words[ticket]);
    bool ours = hayi_store_step(store, ticket, &word, HAYI_STORE_FREEING, 0, 0);
    assert(ours);
    hayi_store_release_entry(store, ticket);
}

/* An entry that holds the bytes of 'index' on disk.  HAY_EAGAIN: it was taken
 * from us; others with words. */
static hay_status write_out(struct hayi_store *store,
                            uint32_t index,
                            uint64_t word,
                            uint32_t *ticket,
                            struct hayi_error *err)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t size_bytes = atomic_load(&entry->size_bytes);
    uint64_t run = atomic_load(&entry->run);
    if (((atomic_load(&store->words[index]) ^ word) & ~HAYI_STORE_FLAG_BITS)
        != 0) {
        return HAY_EAGAIN; /* what we read may be another object's */
    }
    *ticket = hayi_store_claim_entry(store);
    if (*ticket == HAYI_STORE_ENTRY_MAX) {
        return hayi_fail(err, HAY_ENOMEM, "there are too many objects");
    }
    hay_status status =
        hayi_store_claim_disk(store, *ticket, size_bytes, false, err);
    if (status == HAY_OK) {
        uint64_t slot = atomic_load(&store->entries[*ticket].slot);
        status = hayi_spill_write(&store->spill,
                                  (slot - 1) * HAYI_STORE_UNIT_BYTES,
                                  store->read_units
                                      + (run - 1) * HAYI_STORE_UNIT_BYTES,
                                  size_bytes,
                                  err);
    }
    if (status != HAY_OK) {
        release_ticket(store, *ticket);
    }
    return status;
}

/* COMMITTING by us; the bytes are on disk, with 'ticket' if it is one. */
static uint64_t leave_memory(struct hayi_store *store,
                             uint32_t index,
                             uint64_t word,
                             uint32_t ticket)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    if (ticket != HAYI_STORE_ENTRY_MAX) {
        atomic_store(&entry->slot,
                     atomic_exchange(&store->entries[ticket].slot, 0));
    }
    uint64_t run = atomic_exchange(&entry->run, 0);
    assert(run != 0 && atomic_load(&entry->slot) != 0);
    bool ours = hayi_store_step(
        store, index, &word, HAYI_STORE_SPILLED, 0, HAYI_STORE_BACKED);
    assert(ours);
    hayi_extents_free(&store->memory, run - 1, units);
    atomic_fetch_add(&store->header->spills, 1);
    hayi_store_settle(store, index);
    return units;
}

/* A replica, EVICTING by us, with room for its name. */
static uint64_t
drop_replica(struct hayi_store *store, uint32_t index, uint64_t word)
{
    struct hayi_store_entry *entry = &store->entries[index];
    uint64_t units = hayi_store_units(atomic_load(&entry->size_bytes));
    uint64_t name = atomic_load(&entry->name);
    bool dropped =
        (word & HAYI_STORE_DOOMED) == 0
        && hayi_store_step(store, index, &word, HAYI_STORE_FREEING, 0, 0);
    /* Doomed meanwhile: its end is known to who did it. */
    hayi_store_add_gone(store,
                        dropped && (word & HAYI_STORE_DOOMED) == 0 ? name : 0);
    if (!dropped) {
        return stay(store, index, word);
    }
    atomic_fetch_sub(&store->header->object_count, 1);
    atomic_fetch_add(&store->header->drops, 1);
    hayi_store_release_entry(store, index);
    return units;
}

/* Units that it freed; 0: it stays, and if *status is not HAY_OK because the
 * disk is full or broken. */
static uint64_t evict(struct hayi_store *store,
                      uint32_t index,
                      uint64_t word,
                      hay_status *status,
                      struct hayi_error *err)
{
    uint32_t ticket = HAYI_STORE_ENTRY_MAX;
    *status = HAY_OK;
    if (!hayi_store_step(store, index, &word, HAYI_STORE_EVICTING, 0, 0)) {
        return 0;
    }
    if (hayi_store_is_pinned(store, index)) {
        return stay(store, index, word);
    }
    if ((word & HAYI_STORE_REPLICA) != 0 && hayi_store_reserve_gone(store)) {
        return drop_replica(store, index, word);
    }
    if ((word & HAYI_STORE_BACKED) == 0) {
        hay_status wrote = write_out(store, index, word, &ticket, err);
        if (wrote != HAY_OK) {
            *status = wrote == HAY_EAGAIN ? HAY_OK : wrote;
            return stay(store, index, word);
        }
    }
    uint64_t freed = 0;
    if (hayi_store_step(store, index, &word, HAYI_STORE_COMMITTING, 0, 0)) {
        freed = leave_memory(store, index, word, ticket);
    }
    if (ticket != HAYI_STORE_ENTRY_MAX) {
        release_ticket(store, ticket);
    }
    return freed;
}

struct candidate {
    uint64_t word, stamp;
    uint32_t index;
};

static int compare(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    bool replica_a = (a->word & HAYI_STORE_REPLICA) != 0;
    bool replica_b = (b->word & HAYI_STORE_REPLICA) != 0;
    if (replica_a != replica_b) {
        return replica_a ? -1 : 1;
    }
    return a->stamp < b->stamp ? -1 : a->stamp > b->stamp;
}

/* Who may leave, the first first.  busy: some are leaving already. */
static unsigned find_candidates(struct hayi_store *store,
                                uint64_t flag,
                                struct candidate *found,
                                bool *busy)
{
    struct hayi_store_header *header = store->header;
    uint32_t top = atomic_load(&header->entry_top);
    uint32_t at = atomic_load(&header->hand);
    unsigned count = 0;
    for (uint32_t i = 0; i < top && count < CANDIDATES; i++, at++) {
        at = at < top ? at : 0;
        uint64_t word = atomic_load(&store->words[at]);
        enum hayi_store_state state = hayi_store_state_of(word);
        *busy |= state == HAYI_STORE_EVICTING || state == HAYI_STORE_COMMITTING;
        if (state != HAYI_STORE_RESIDENT || (word & flag) != flag
            || hayi_store_is_pinned(store, at)) {
            continue;
        }
        found[count].word = word;
        found[count].index = at;
        found[count].stamp = atomic_load(&store->entries[at].stamp);
        count++;
    }
    atomic_store(&header->hand, at);
    qsort(found, count, sizeof(*found), compare);
    return count;
}

/* About 'want' units; how many were freed.  0: none can be, *status tells if
 * the disk is why. */
static uint64_t make_room(struct hayi_store *store,
                          uint64_t want,
                          hay_status *status,
                          bool *busy,
                          struct hayi_error *err)
{
    struct candidate found[CANDIDATES];
    uint64_t freed = 0;
    unsigned count = 0;
    *status = HAY_OK;
    if (atomic_load(&store->header->replica_count) > 0) {
        count = find_candidates(store, HAYI_STORE_REPLICA, found, busy);
    }
    if (count == 0) {
        count = find_candidates(store, 0, found, busy);
    }
    uint64_t too_big = UINT64_MAX; /* for the disk */
    for (unsigned i = 0; i < count && freed < want; i++) {
        const struct candidate *c = &found[i];
        uint64_t units =
            hayi_store_units(atomic_load(&store->entries[c->index].size_bytes));
        hay_status one = HAY_OK;
        if (units >= too_big
            && (c->word & (HAYI_STORE_REPLICA | HAYI_STORE_BACKED)) == 0) {
            continue;
        }
        freed += evict(store, c->index, c->word, &one, err);
        if (one != HAY_OK) {
            *status = one;
            too_big = units;
        }
    }
    return freed;
}

static bool claim_now(struct hayi_store *store, uint64_t units, uint64_t *first)
{
    return (units >= HAYI_STORE_HUGE_UNITS
            && hayi_extents_claim(
                &store->memory, units, HAYI_STORE_HUGE_UNITS, first))
           || hayi_extents_claim(&store->memory, units, 1, first);
}

bool hayi_store_claim_memory(struct hayi_store *store,
                             uint64_t units,
                             uint64_t *first,
                             struct hayi_error *err)
{
    for (unsigned waits = 0; !claim_now(store, units, first);) {
        hay_status status;
        bool busy = false;
        if (make_room(store, units, &status, &busy, err) > 0) {
            continue;
        }
        if (status != HAY_OK || !busy || waits++ == WAITS_MAX) {
            return claim_now(store, units, first);
        }
        struct timespec nap = {0, WAIT_NS};
        (void)nanosleep(&nap, NULL);
    }
    return true;
}

void hayi_store_relieve(struct hayi_store *store, uint32_t permille)
{
    uint64_t target = store->memory.unit_count * permille / 1000;
    for (;;) {
        uint64_t used = atomic_load(&store->memory.head->used);
        hay_status status;
        bool busy = false;
        if (used <= target
            || make_room(store, used - target, &status, &busy, NULL) == 0) {
            return;
        }
    }
}

bool hayi_store_prefault(struct hayi_store *store, uint64_t bytes)
{
    struct hayi_store_header *header = store->header;
    uint64_t limit = store->memory.unit_count;
    uint64_t from = atomic_load(&header->prefaulted);
    uint64_t end;
    do {
        uint64_t top = atomic_load(&header->memory.top);
        uint64_t start = from > top ? from : top;
        if (start >= limit) {
            return false;
        }
        end = hayi_store_units(bytes) < limit - start
                  ? start + hayi_store_units(bytes)
                  : limit;
        if (atomic_compare_exchange_weak(&header->prefaulted, &from, end)) {
            from = start;
            break;
        }
    } while (true);
    uint64_t offset = from * HAYI_STORE_UNIT_BYTES;
    size_t size = (size_t)((end - from) * HAYI_STORE_UNIT_BYTES);
    /* Both make pages and leave what is in them alone. */
#ifdef MADV_POPULATE_WRITE
    if (madvise(store->units + offset, size, MADV_POPULATE_WRITE) == 0) {
        return end < limit;
    }
#endif
    return fallocate(
               store->fd, 0, (off_t)(HAYI_STORE_UNITS_AT + offset), (off_t)size)
               == 0
           && end < limit;
}

/* ---- Back into memory -----------------------------------------------------
 */

hay_status hayi_store_restore(struct hayi_store *store,
                              uint32_t index,
                              uint64_t word,
                              struct hayi_error *err)
{
    struct hayi_store_entry *entry = &store->entries[index];
    if (!hayi_store_step(store, index, &word, HAYI_STORE_RESTORING, 0, 0)) {
        return HAY_OK;
    }
    uint64_t size_bytes = atomic_load(&entry->size_bytes);
    uint64_t units = hayi_store_units(size_bytes);
    uint64_t slot = atomic_load(&entry->slot);
    uint64_t first;
    hay_status status = HAY_OK;
    enum hayi_store_state next = HAYI_STORE_FILED;
    uint64_t flags = HAYI_STORE_FILED_FLAG;
    if (hayi_store_claim_memory(store, units, &first, NULL)) {
        next = HAYI_STORE_RESIDENT;
        flags = HAYI_STORE_BACKED;
        atomic_store(&entry->run, first + 1);
        status = hayi_spill_read(&store->spill,
                                 (slot - 1) * HAYI_STORE_UNIT_BYTES,
                                 store->units + first * HAYI_STORE_UNIT_BYTES,
                                 size_bytes,
                                 err);
        if (status != HAY_OK) {
            next = HAYI_STORE_SPILLED;
            flags = 0;
            atomic_store(&entry->run, 0);
            hayi_extents_free(&store->memory, first, units);
        } else {
            atomic_fetch_add(&store->header->restores, 1);
        }
    }
    hayi_store_stamp(store, index);
    bool ours = hayi_store_step(store, index, &word, next, flags, 0);
    assert(ours);
    hayi_store_settle(store, index);
    return status;
}
