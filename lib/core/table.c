/* table.c - see table.h.
 *
 * Chunks of 4,096 rows are never moved and never given back, so that growing
 * costs the same however large the table is.  Rows given back are taken again
 * last first, which keeps a small farm in the cache.  A generation counts up
 * each time a row's task ends; 0 is left out, so that no handle is 0.
 */
#include "config.h"

#include "core/table.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct hayi_row) <= 88, "rows are many: keep them small");

void hayi_table_init(struct hayi_table *table)
{
    *table = (struct hayi_table){.count = 1};
}

void hayi_table_fini(struct hayi_table *table)
{
    for (size_t i = 0; i < table->chunk_count; i++) {
        free(table->chunks[i]);
    }
    free(table->chunks);
    hayi_table_init(table);
}

hay_status hayi_table_reserve(struct hayi_table *table)
{
    if (table->free != 0
        || table->count < table->chunk_count << HAYI_TABLE_CHUNK_SHIFT) {
        return HAY_OK;
    }
    if (table->count >= HAYI_TABLE_MAX) {
        return HAY_ENOMEM;
    }
    void *list = table->chunks;
    if (!hayi_alloc_grow(&list,
                         &table->chunk_room,
                         table->chunk_count + 1,
                         sizeof(*table->chunks))) {
        return HAY_ENOMEM;
    }
    table->chunks = list;
    void *chunk = hayi_alloc(HAYI_TABLE_CHUNK, sizeof(struct hayi_row));
    if (chunk == NULL) {
        return HAY_ENOMEM;
    }
    table->chunks[table->chunk_count++] = chunk;
    return HAY_OK;
}

uint32_t hayi_table_take(struct hayi_table *table)
{
    uint32_t index = table->free;
    struct hayi_row *row;
    if (index != 0) {
        row = hayi_table_row(table, index);
        table->free = row->next;
        uint32_t generation = row->generation;
        memset(row, 0, sizeof(*row));
        row->generation = generation;
    } else {
        index = table->count++;
        row = hayi_table_row(table, index);
        row->generation = 1;
    }
    table->live++;
    return index;
}

void hayi_table_outdate(struct hayi_table *table, uint32_t index)
{
    struct hayi_row *row = hayi_table_row(table, index);
    row->generation++;
    if (row->generation == 0) {
        row->generation = 1;
    }
}

void hayi_table_give(struct hayi_table *table, uint32_t index)
{
    struct hayi_row *row = hayi_table_row(table, index);
    assert(row->state != HAYI_ROW_FREE);
    if (row->state != HAYI_ROW_ENDED) {
        hayi_table_outdate(table, index);
    }
    row->state = HAYI_ROW_FREE;
    row->next = table->free;
    table->free = index;
    assert(table->live > 0);
    table->live--;
}

size_t hayi_table_bytes(const struct hayi_table *table)
{
    return table->chunk_room * sizeof(*table->chunks)
           + table->chunk_count * HAYI_TABLE_CHUNK * sizeof(struct hayi_row);
}
