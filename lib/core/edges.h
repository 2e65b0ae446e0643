/* edges.h - which task waits for which.
 *
 * Owns: one pool of edges for all tasks, in chunks that never move.
 * Never: counts what a task waits for; that is its row's.
 * Threads: one caller at a time.
 *
 * The edges that start at one task are a ring, known by its last one, so that
 * they come out in the order in which they went in.
 */
#ifndef HAYI_CORE_EDGES_H
#define HAYI_CORE_EDGES_H

#include <hayfork/hayfork.h>

struct hayi_edge {
    uint32_t to; /* row << 1 | any */
    uint32_t next;
};

#define HAYI_EDGES_CHUNK_SHIFT 14
#define HAYI_EDGES_CHUNK       (1u << HAYI_EDGES_CHUNK_SHIFT)

struct hayi_edges {
    struct hayi_edge **chunks;
    size_t chunk_room;
    size_t chunk_count;
    uint32_t count; /* 1 .. count-1 have been used */
    uint32_t free;
    uint32_t live;
};

void hayi_edges_init(struct hayi_edges *edges);
void hayi_edges_fini(struct hayi_edges *edges);
/* Room for 'more' further edges.  HAY_ENOMEM. */
hay_status hayi_edges_reserve(struct hayi_edges *edges, size_t more);
/* Add an edge to the ring *last (0: empty).  Needs a reserve. */
void hayi_edges_add(struct hayi_edges *edges,
                    uint32_t *last,
                    uint32_t to,
                    bool any);
/* Take the first edge out of the ring *last, which is not empty; its row.
 * any: how it was added. */
uint32_t hayi_edges_pop(struct hayi_edges *edges, uint32_t *last, bool *any);
size_t hayi_edges_bytes(const struct hayi_edges *edges);

static inline struct hayi_edge *hayi_edges_at(const struct hayi_edges *edges,
                                              uint32_t index)
{
    return &edges->chunks[index >> HAYI_EDGES_CHUNK_SHIFT]
                         [index & (HAYI_EDGES_CHUNK - 1)];
}

#endif
