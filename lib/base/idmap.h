/* idmap.h - pointers by number.
 *
 * Owns: its slots; what they point to is the caller's.
 * Never: walks in an order that anything may depend on.
 * Threads: one caller at a time.
 */
#ifndef HAYI_BASE_IDMAP_H
#define HAYI_BASE_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hayi_idmap_slot {
    uint64_t id; /* 0: free */
    void *value;
};

/* All 0 at first. */
struct hayi_idmap {
    struct hayi_idmap_slot *slots; /* [room] */
    size_t room;                   /* a power of two, or 0 */
    size_t count;
};

void hayi_idmap_fini(struct hayi_idmap *map);
/* id: not 0, not in it.  false: memory is short, nothing has changed. */
bool hayi_idmap_put(struct hayi_idmap *map, uint64_t id, void *value);
/* NULL: it is not in it. */
void *hayi_idmap_get(const struct hayi_idmap *map, uint64_t id);
/* What was taken out; NULL: it was not in it. */
void *hayi_idmap_take(struct hayi_idmap *map, uint64_t id);
/* Any one of them; NULL: it is empty. */
void *hayi_idmap_any(const struct hayi_idmap *map);

#endif
