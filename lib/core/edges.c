/* edges.c - see edges.h. */
#include "config.h"

#include "core/edges.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_edges_init(struct hayi_edges *edges)
{
    *edges = (struct hayi_edges){.count = 1};
}

void hayi_edges_fini(struct hayi_edges *edges)
{
    for (size_t i = 0; i < edges->chunk_count; i++) {
        free(edges->chunks[i]);
    }
    free(edges->chunks);
    hayi_edges_init(edges);
}

/* Free ones below count, and never used ones. */
static size_t room_of(const struct hayi_edges *edges)
{
    size_t all = edges->chunk_count << HAYI_EDGES_CHUNK_SHIFT;
    return all == 0 ? 0 : all - 1 - edges->live;
}

hay_status hayi_edges_reserve(struct hayi_edges *edges, size_t more)
{
    while (room_of(edges) < more) {
        if ((edges->chunk_count + 1) << HAYI_EDGES_CHUNK_SHIFT > UINT32_MAX) {
            return HAY_ENOMEM;
        }
        void *list = edges->chunks;
        if (!hayi_alloc_grow(&list,
                             &edges->chunk_room,
                             edges->chunk_count + 1,
                             sizeof(*edges->chunks))) {
            return HAY_ENOMEM;
        }
        edges->chunks = list;
        void *chunk = hayi_alloc(HAYI_EDGES_CHUNK, sizeof(struct hayi_edge));
        if (chunk == NULL) {
            return HAY_ENOMEM;
        }
        edges->chunks[edges->chunk_count++] = chunk;
    }
    return HAY_OK;
}

void hayi_edges_add(struct hayi_edges *edges,
                    uint32_t *last,
                    uint32_t to,
                    bool any)
{
    uint32_t index = edges->free;
    if (index != 0) {
        edges->free = hayi_edges_at(edges, index)->next;
    } else {
        assert(edges->count < edges->chunk_count << HAYI_EDGES_CHUNK_SHIFT);
        index = edges->count++;
    }
    struct hayi_edge *edge = hayi_edges_at(edges, index);
    edge->to = to << 1 | (any ? 1u : 0u);
    if (*last == 0) {
        edge->next = index;
    } else {
        struct hayi_edge *before = hayi_edges_at(edges, *last);
        edge->next = before->next;
        before->next = index;
    }
    *last = index;
    edges->live++;
}

uint32_t hayi_edges_pop(struct hayi_edges *edges, uint32_t *last, bool *any)
{
    struct hayi_edge *end = hayi_edges_at(edges, *last);
    uint32_t index = end->next;
    struct hayi_edge *edge = hayi_edges_at(edges, index);
    if (index == *last) {
        *last = 0;
    } else {
        end->next = edge->next;
    }
    uint32_t to = edge->to >> 1;
    *any = (edge->to & 1u) != 0;
    edge->to = 0;
    edge->next = edges->free;
    edges->free = index;
    edges->live--;
    return to;
}

size_t hayi_edges_bytes(const struct hayi_edges *edges)
{
    return edges->chunk_room * sizeof(*edges->chunks)
           + edges->chunk_count * HAYI_EDGES_CHUNK * sizeof(struct hayi_edge);
}
