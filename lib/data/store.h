/* store.h - a node's objects: immutable bytes that every process of the node
 * reads by pointer.
 *
 * One memory file a node, which has no name, mapped by all its processes.  An
 * object is a run of units of it, found by its place: an entry of a table in
 * the same file and the entry's generation.  When room is short, replicas are
 * dropped, then the objects used least recently are written to a file on local
 * disk that has no name either, and come back on use; if that does not help, a
 * new object lies in that file itself.
 *
 * Owns: the memory file, the spill file, the table of entries, pins.
 * Never: knows of tasks or other nodes; decides what an object is worth.
 * Threads: any; no lock lies in shared memory.  A process that dies loses the
 *     objects that it has not sealed, and its pins (hayi_store_reap()); the
 *     sealed ones stay, see hayi_store_left().
 */
#ifndef HAYI_DATA_STORE_H
#define HAYI_DATA_STORE_H

#include "base/error.h"

/* Up to so many bytes a value travels inside messages, and is no object. */
#define HAYI_INLINE_MAX ((size_t)16 << 10)

enum {
    HAYI_STORE_MEMBERS_MAX = 64, /* processes of a node that share a store */
};

struct hayi_store;

/* Entry in the low 32 bits, generation in the high ones; 0 is none. */
typedef uint64_t hayi_place;

/* By which another process of the node finds it. */
struct hayi_store_card {
    int32_t pid;
    int32_t fd;
    uint64_t inode; /* of the memory file */
};

/* A store of our own, which others may join: we are member 0.  Costs next to
 * nothing until it is configured.  HAY_ENOMEM, HAY_EIO. */
hay_status hayi_store_new(struct hayi_store **store, struct hayi_error *err);
void hayi_store_get_card(const struct hayi_store *store,
                         struct hayi_store_card *card);
/* The store of another process of this node.  member: our number there, 1 ..
 * HAYI_STORE_MEMBERS_MAX-1.  HAY_EIO: it cannot be opened from here (another
 * container, another user): be a node of your own. */
hay_status hayi_store_join(const struct hayi_store_card *card,
                           uint32_t member,
                           struct hayi_store **store,
                           struct hayi_error *err);
/* NULL is fine.  Other members go on. */
void hayi_store_free(struct hayi_store *store);

struct hayi_store_config {
    uint64_t limit_bytes; /* memory for objects on this node; 0: 30 % of
                             what there is */
    const char
        *spill_folder; /* on local disk; NULL: TMPDIR, /var/tmp, /tmp,
                          the first that takes a file; "" : no spilling */
};
/* What this node, or our control group of it, has of memory. */
uint64_t hayi_store_node_bytes(void);
/* Before anything else.  The first member's words count, those of the others
 * are ignored.  HAY_EINVAL (limit below 1 MiB), HAY_EIO (the folder), with
 * words. */
hay_status hayi_store_configure(struct hayi_store *store,
                                const struct hayi_store_config *config,
                                struct hayi_error *err);

/* Room for an object.  data: page-aligned, ours to write until it is sealed;
 * what it holds before is undefined.  Never waits for a task: makes room by
 * dropping and spilling (may block on the disk).  size_bytes: at least 1.
 * HAY_EIO: no room and the disk is full, the words tell which disk and how much
 * was wanted; HAY_ENOMEM: too many objects. */
hay_status hayi_store_create(struct hayi_store *store,
                             uint64_t size_bytes,
                             hayi_place *place,
                             void **data,
                             struct hayi_error *err);
/* Less was written than asked for (while unsealed): gives the rest back.
 * size_bytes: at least 1. */
void hayi_store_shrink(struct hayi_store *store,
                       hayi_place place,
                       uint64_t size_bytes);
/* Immutable from now on.  name: of a replica, told when it is dropped to make
 * room; 0: not a replica, it is never dropped but spilled. */
void hayi_store_seal(struct hayi_store *store, hayi_place place, uint64_t name);
/* It was not sealed, and is not wanted any more. */
void hayi_store_abandon(struct hayi_store *store, hayi_place place);

/* A sealed object's bytes, read only, valid until hayi_store_unpin(); brings
 * them back if they were spilled (may block on the disk).  Pins are counted.
 * HAY_EEMPTY: it was dropped, or never was; HAY_EIO: the disk, with words. */
hay_status hayi_store_pin(struct hayi_store *store,
                          hayi_place place,
                          const void **data,
                          uint64_t *size_bytes,
                          struct hayi_error *err);
/* The same without blocking; HAY_EAGAIN: hayi_store_pin() has to do it. */
hay_status hayi_store_try_pin(struct hayi_store *store,
                              hayi_place place,
                              const void **data,
                              uint64_t *size_bytes);
void hayi_store_unpin(struct hayi_store *store, hayi_place place);
/* Free it: now, or when its last pin goes.  A stale place is ignored. */
void hayi_store_drop(struct hayi_store *store, hayi_place place);

/* The files of the store, for processes that map them themselves. */
struct hayi_store_files {
    int memory_fd, spill_fd; /* -1: nothing is spilled */
    uint64_t memory_inode, spill_inode;
    uint64_t units_at, units_bytes; /* where objects lie in the memory file */
};
/* Once it is configured. */
void hayi_store_get_files(const struct hayi_store *store,
                          struct hayi_store_files *files);
struct hayi_store_spot {
    uint64_t offset;
    bool spilled; /* in the spill file, else in the memory file */
};
/* Where an object lies that we have pinned or not sealed yet; it stays there
 * until that changes. */
void hayi_store_locate(const struct hayi_store *store,
                       hayi_place place,
                       struct hayi_store_spot *spot);

/* Names of the replicas that this process has dropped to make room, since the
 * last call; how many were written. */
size_t
hayi_store_take_gone(struct hayi_store *store, uint64_t *names, size_t room);

/* Spill or drop until at most 'permille' of the limit is used, or nothing more
 * can be; for a thread of its own, ahead of need.  May block on the disk. */
void hayi_store_relieve(struct hayi_store *store, uint32_t permille);
/* Bring pages into being ahead of use: about 'bytes' that were never used yet.
 * false: nothing left to do.  For a thread of its own. */
bool hayi_store_prefault(struct hayi_store *store, uint64_t bytes);

/* A member has died: what it had not sealed is freed, its pins are gone. */
void hayi_store_reap(struct hayi_store *store, uint32_t member);

/* Places of the sealed objects of a member, whether anybody knows of them or
 * not: of one that has died the manager may not.  places[count]: given, free();
 * NULL if there are none.  HAY_ENOMEM. */
hay_status hayi_store_left(const struct hayi_store *store,
                           uint32_t member,
                           hayi_place **places,
                           size_t *count);

struct hayi_store_usage {
    uint64_t limit_bytes;
    uint64_t used_bytes;    /* of the limit, by objects in memory */
    uint64_t spilled_bytes; /* on disk */
    uint64_t object_count;
    uint64_t spills, restores, drops; /* so far */
};
void hayi_store_get_usage(const struct hayi_store *store,
                          struct hayi_store_usage *usage);
/* Walks over everything and asserts what must hold; when nobody else uses it.
 */
void hayi_store_check(struct hayi_store *store);

#endif
