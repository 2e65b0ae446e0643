/* maps.h - the records of maps: which items are still to be handed out.
 *
 * Owns: a record for each unfinished map, its list of ranges that came back.
 * Never: chooses a worker; the rows of ranges are the table's.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_MAPS_H
#define HAYI_CORE_MAPS_H

#include "core/table.h"

struct hayi_map {
    uint64_t count;
    uint64_t cursor;     /* items from here on were never handed out */
    uint64_t back_items; /* in ranges that came back */
    uint64_t done;       /* items that ended, failed ones included */
    uint64_t failed;
    uint64_t farm; /* failed ones that the farm failed */
    uint64_t read;
    uint64_t unread_max; /* 0: no bound */
    uint64_t range_max;
    uint64_t item_ns;  /* measured time of an item, in 1/256 ns; 0: unknown */
    uint64_t largest;  /* items of the longest range that was measured */
    uint32_t back;     /* rows of ranges that came back, by first item; or the
                          next free record */
    uint32_t out;      /* ranges handed out */
    uint32_t probes;   /* ranges handed out before anything was measured */
    hay_status status; /* HAY_EINFEASIBLE: why it was stopped; or HAY_OK */
    bool stop_on_failure;
    bool stopped;   /* no further item will be handed out */
    bool cancelled; /* ... because it was cancelled */
    bool shelved;   /* not now: it would not end in time */
    bool began;     /* a range was handed out */
    bool told;      /* that it runs */
    bool used;
};

struct hayi_maps {
    struct hayi_map *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t free;
    uint32_t live;
};

void hayi_maps_init(struct hayi_maps *maps);
void hayi_maps_fini(struct hayi_maps *maps);
/* Make sure that the next take succeeds.  HAY_ENOMEM. */
hay_status hayi_maps_reserve(struct hayi_maps *maps);
uint32_t hayi_maps_take(struct hayi_maps *maps);
void hayi_maps_give(struct hayi_maps *maps, uint32_t index);

/* Items that were not handed out or came back. */
uint64_t hayi_map_remaining(const struct hayi_map *map);
/* Of these, how many may be handed out now. */
uint64_t hayi_map_open(const struct hayi_map *map);

/* How many items the next range should have, at least 1, at most what is open.
 * cores: of the farm. */
uint64_t
hayi_map_length(const struct hayi_map *map, uint64_t cores, uint64_t range_ns);
/* A range of 'items' took run_ns. */
void hayi_map_learn(struct hayi_map *map, uint64_t items, uint64_t run_ns);

/* Put a range's row, in state BACK, into the list of those that came back. */
void hayi_map_put_back(struct hayi_map *map,
                       struct hayi_table *table,
                       uint32_t row);
/* Take at most 'length' items off the front of what is open.  whole: the row
 * of a range that came back, taken out of the list; or 0: the items are
 * 'first' and 'count'. */
void hayi_map_take(struct hayi_map *map,
                   struct hayi_table *table,
                   uint64_t length,
                   uint32_t *whole,
                   uint64_t *first,
                   uint64_t *count);

#endif
