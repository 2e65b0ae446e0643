/* store_inside.h - the store from inside, for the files store*.c.
 *
 * The memory file: a header, the words of the entries, the bitmap of the disk,
 * the entries, the bitmap of the memory, the units, a page that only makes the
 * file long enough.  All but what is used is a hole.
 *
 * An entry's word holds all that decides about it, and every change of it is
 * one compare-and-swap:
 *
 *     generation 32 | turn 16 | owner 8 | flags 4 | state 4
 *
 * A turn is counted with each eviction and restoring, so that who was overtaken
 * finds out.  Pins: count up, then look at the word; who wants the memory:
 * change the word, then look at all pins; both sequentially consistent.
 *
 *     FREE -> CLAIMED -> UNSEALED -> RESIDENT <-> EVICTING -> COMMITTING
 *                            |           ^                        v
 *                            v           +----- RESTORING <--> SPILLED
 *                          FILED <-------------------+
 *
 * and any of them -> FREEING -> FREE.  A pin takes an object back out of
 * EVICTING, whose long part is writing; COMMITTING is short and cannot be taken
 * back.  While an object is written, an entry CLAIMED by the writer holds the
 * room on disk, so that it is found if the writer dies.  In each state 'run'
 * and 'slot' tell what there is:
 *
 *     UNSEALED    run, or slot with FILED_FLAG
 *     RESIDENT    run; slot if and only if BACKED
 *     COMMITTING  run; without it slot, which holds the bytes
 *     SPILLED     slot
 *     RESTORING   slot; run may hold anything
 *     FILED       slot
 *
 * Owns: nothing.
 * Never: included from outside of store*.c.
 * Threads: see store.h.
 */
#ifndef HAYI_DATA_STORE_INSIDE_H
#define HAYI_DATA_STORE_INSIDE_H

#include "data/extents.h"
#include "data/spill.h"
#include "data/store.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>

#define HAYI_STORE_UNIT_BYTES ((uint64_t)16 << 10)
/* Objects of so many units lie at multiples of it, where that fits. */
#define HAYI_STORE_HUGE_UNITS   ((uint64_t)128)
#define HAYI_STORE_ENTRY_BITS   20 /* fewer where addresses are limited */
#define HAYI_STORE_ENTRY_MAX    ((uint32_t)1 << HAYI_STORE_ENTRY_BITS)
#define HAYI_STORE_DISK_UNITS   ((uint64_t)1 << 28)
#define HAYI_STORE_MEMORY_UNITS ((uint64_t)1 << 30)

/* Where things are in the memory file. */
#define HAYI_STORE_MIB          ((uint64_t)1 << 20)
#define HAYI_STORE_HEADER_BYTES HAYI_STORE_MIB
#define HAYI_STORE_WORDS_AT     HAYI_STORE_MIB
#define HAYI_STORE_DISK_AT      (16 * HAYI_STORE_MIB)
#define HAYI_STORE_ENTRIES_AT   (48 * HAYI_STORE_MIB)
#define HAYI_STORE_MEMORY_AT    (384 * HAYI_STORE_MIB)
#define HAYI_STORE_UNITS_AT     (512 * HAYI_STORE_MIB)
#define HAYI_STORE_TAIL_BYTES   ((uint64_t)4096)

enum hayi_store_state {
    HAYI_STORE_FREE = 0,
    HAYI_STORE_CLAIMED,
    HAYI_STORE_UNSEALED,
    HAYI_STORE_RESIDENT,
    HAYI_STORE_EVICTING,
    HAYI_STORE_COMMITTING,
    HAYI_STORE_SPILLED,
    HAYI_STORE_RESTORING,
    HAYI_STORE_FILED,
    HAYI_STORE_FREEING,
};

#define HAYI_STORE_STATE_BITS       ((uint64_t)0x0f)
#define HAYI_STORE_FLAG_BITS        ((uint64_t)0xf0)
#define HAYI_STORE_DOOMED           ((uint64_t)0x10) /* free it with its last pin */
#define HAYI_STORE_REPLICA          ((uint64_t)0x20) /* has a name */
#define HAYI_STORE_BACKED           ((uint64_t)0x40) /* the slot has it as well */
#define HAYI_STORE_FILED_FLAG       ((uint64_t)0x80) /* it lies in the spill file */
#define HAYI_STORE_OWNER_SHIFT      8
#define HAYI_STORE_OWNER_BITS       ((uint64_t)0xff00)
#define HAYI_STORE_TURN             ((uint64_t)1 << 16)
#define HAYI_STORE_TURN_BITS        ((uint64_t)0xffff0000)
#define HAYI_STORE_GENERATION_SHIFT 32

struct hayi_store_entry {
    alignas(64) _Atomic uint64_t run; /* 1 + first unit of memory; 0: none */
    _Atomic uint64_t slot;            /* 1 + first unit on disk; 0: none */
    _Atomic uint64_t size_bytes;
    _Atomic uint64_t name;
    _Atomic uint64_t stamp; /* of the last use */
    _Atomic uint32_t maker; /* 1 + the member that sealed it */
    alignas(64) _Atomic uint32_t pins[HAYI_STORE_MEMBERS_MAX];
};

enum hayi_store_folder {
    HAYI_STORE_FOLDER_USUAL = 1,
    HAYI_STORE_FOLDER_NONE,
    HAYI_STORE_FOLDER_GIVEN,
};

struct hayi_store_member {
    _Atomic uint64_t spill_card; /* pid << 32 | 1 + descriptor; 0: none */
    _Atomic uint64_t spill_inode;
    /* What it was configured with; counts if it was the first. */
    _Atomic uint32_t folder_kind;
    char folder[HAYI_SPILL_FOLDER_MAX];
};

struct hayi_store_header {
    uint64_t magic;
    uint64_t build; /* who joins must have the same layout */
    /* log2 of the entries << 48 | units << 8 | 1 + member; 0: not yet */
    _Atomic uint64_t configured;
    _Atomic uint32_t spill_maker; /* 1 + member; 0: none yet */
    _Atomic uint32_t member_top;  /* one past the highest member */
    _Atomic uint64_t reaps;
    alignas(64) _Atomic uint64_t clock;
    alignas(64) _Atomic uint32_t entry_top; /* one past the highest ever used */
    _Atomic uint32_t entry_hint;            /* below it few are free */
    _Atomic uint32_t entry_last;            /* the one freed last */
    _Atomic uint32_t hand;                  /* where the last search ended */
    _Atomic uint64_t object_count;
    _Atomic uint64_t replica_count; /* about */
    _Atomic uint64_t spills, restores, drops;
    _Atomic uint64_t prefaulted; /* units from the start */
    _Atomic uint64_t disk_kept;  /* free units that still take room, about */
    _Atomic uint32_t disk_tight; /* it was full: keep nothing */
    alignas(64) struct hayi_extents_head memory;
    alignas(64) struct hayi_extents_head disk;
    struct hayi_store_member members[HAYI_STORE_MEMBERS_MAX];
};

static_assert(sizeof(struct hayi_store_header) <= HAYI_STORE_HEADER_BYTES,
              "the header fits");
static_assert(HAYI_STORE_ENTRIES_AT
                      + sizeof(struct hayi_store_entry) * HAYI_STORE_ENTRY_MAX
                  <= HAYI_STORE_MEMORY_AT,
              "the entries fit");

/* Lists of mappings, by the number of the entry.  Linux allows a process 65530
 * mappings, so that a list stays short. */
#define HAYI_STORE_MAP_LISTS ((uint32_t)1 << 11)

/* An object in the spill file, as this process has it mapped. */
struct hayi_store_map {
    struct hayi_store_map *next;
    hayi_place place;
    void *data;
    uint64_t size_bytes;
    uint32_t count;
};

struct hayi_store {
    int fd;
    uint32_t me;
    uint64_t inode;
    struct hayi_store_header *header;
    /* From configuring on. */
    void *tables[2]; /* up to the entries; those of memory */
    size_t tables_bytes[2];
    uint32_t entry_max;
    unsigned char *units;            /* to write objects */
    const unsigned char *read_units; /* the same, read only */
    uint64_t units_bytes;
    _Atomic uint64_t *words;
    struct hayi_store_entry *entries;
    struct hayi_extents memory, disk;
    bool has_spill;
    struct hayi_spill spill;
    /* By any thread of this process, under the lock. */
    pthread_mutex_t lock;
    struct hayi_store_map *maps[HAYI_STORE_MAP_LISTS];
    uint64_t *gone; /* [gone_room] */
    size_t gone_count, gone_room, gone_reserved;
};

static inline enum hayi_store_state hayi_store_state_of(uint64_t word)
{
    return (enum hayi_store_state)(word & HAYI_STORE_STATE_BITS);
}

static inline uint32_t hayi_store_owner_of(uint64_t word)
{
    return (uint32_t)((word & HAYI_STORE_OWNER_BITS) >> HAYI_STORE_OWNER_SHIFT);
}

static inline uint64_t hayi_store_units(uint64_t size_bytes)
{
    return (size_bytes + HAYI_STORE_UNIT_BYTES - 1) / HAYI_STORE_UNIT_BYTES;
}

static inline hayi_place hayi_store_place(uint64_t word, uint32_t index)
{
    return (word >> HAYI_STORE_GENERATION_SHIFT) << HAYI_STORE_GENERATION_SHIFT
           | index;
}

/* ---- store.c: entries ---- */

/* A free entry, now CLAIMED by us; HAYI_STORE_ENTRY_MAX if there is none. */
uint32_t hayi_store_claim_entry(struct hayi_store *store);
/* The entry is FREEING by us: gives back what it has. */
void hayi_store_release_entry(struct hayi_store *store, uint32_t index);
/* From '*word' to 'state', ours; flags that others set meanwhile are kept.
 * false: it is not in that state and turn any more. */
bool hayi_store_step(struct hayi_store *store,
                     uint32_t index,
                     uint64_t *word,
                     enum hayi_store_state state,
                     uint64_t set,
                     uint64_t clear);
bool hayi_store_is_pinned(struct hayi_store *store, uint32_t index);
/* If it is doomed and nobody holds it, free it. */
void hayi_store_settle(struct hayi_store *store, uint32_t index);
void hayi_store_stamp(struct hayi_store *store, uint32_t index);

/* ---- store_room.c: memory and disk ---- */

/* Makes room if need be; false: there is none, 'err' may tell why not. */
bool hayi_store_claim_memory(struct hayi_store *store,
                             uint64_t units,
                             uint64_t *first,
                             struct hayi_error *err);
/* Into the slot of 'index', which is CLAIMED by us.  mapped: it will be written
 * through a mapping, which must not fail.  HAY_EIO with words. */
hay_status hayi_store_claim_disk(struct hayi_store *store,
                                 uint32_t index,
                                 uint64_t size_bytes,
                                 bool mapped,
                                 struct hayi_error *err);
/* Before units of the disk are freed, while it is known whose they are: this
 * may take long.  mapped: their pages may be dirty, throw them away. */
void hayi_store_clear_disk(struct hayi_store *store,
                           uint64_t first,
                           uint64_t units,
                           bool mapped);
/* Bring it back; HAY_OK: look at it again.  HAY_EIO with words. */
hay_status hayi_store_restore(struct hayi_store *store,
                              uint32_t index,
                              uint64_t word,
                              struct hayi_error *err);

/* ---- store_local.c: what this process remembers ---- */

/* Map the slot of 'place', or count one more on it. */
hay_status hayi_store_map(struct hayi_store *store,
                          hayi_place place,
                          bool writable,
                          void **data,
                          struct hayi_error *err);
void hayi_store_unmap(struct hayi_store *store, hayi_place place);
void hayi_store_unmap_all(struct hayi_store *store);
/* Room for one name more; false: no memory. */
bool hayi_store_reserve_gone(struct hayi_store *store);
/* What was reserved; 0: not needed. */
void hayi_store_add_gone(struct hayi_store *store, uint64_t name);

#endif
