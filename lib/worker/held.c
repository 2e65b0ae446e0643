/* held.c - rows of held attempts.
 *
 * The hash is open addressing, linear probing, at most half full, and closes
 * its gaps at removal (no tombstones).  A queue is a sorted array of levels,
 * one for a priority and depth in use: constant time for few of them, a memmove
 * of at most as many levels as attempts are queued for many.
 */
#include "config.h"

#include "worker/held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MIN   64u
#define ROWS_MAX   (UINT32_C(1) << 30)
#define LEVELS_MIN 4u

void hayi_held_init(struct hayi_held_table *table)
{
    *table = (struct hayi_held_table){.free_row = HAYI_HELD_NONE};
}

void hayi_held_fini(struct hayi_held_table *table)
{
    for (uint32_t i = 0; i < table->row_count; i++) {
        free(table->rows[i].wide);
    }
    free(table->rows);
    free(table->hash);
    free(table->queue.levels);
    free(table->waking.levels);
    hayi_held_init(table);
}

/* ---- the hash ---- */

static uint32_t
home_of(const struct hayi_held_table *table, hayi_handle task, uint32_t attempt)
{
    uint64_t key =
        (task ^ (uint64_t)attempt << 48) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(key >> 32) & table->hash_mask;
}

uint32_t hayi_held_find(const struct hayi_held_table *table,
                        hayi_handle task,
                        uint32_t attempt)
{
    if (table->hash == NULL) {
        return HAYI_HELD_NONE;
    }
    uint32_t place = home_of(table, task, attempt);
    while (table->hash[place] != 0) {
        const struct hayi_held *held = &table->rows[table->hash[place] - 1];
        if (held->task == task && held->attempt == attempt) {
            return table->hash[place] - 1;
        }
        place = (place + 1) & table->hash_mask;
    }
    return HAYI_HELD_NONE;
}

static void hash_insert(struct hayi_held_table *table, uint32_t row)
{
    const struct hayi_held *held = &table->rows[row];
    uint32_t place = home_of(table, held->task, held->attempt);
    while (table->hash[place] != 0) {
        place = (place + 1) & table->hash_mask;
    }
    table->hash[place] = row + 1;
}

static void hash_remove(struct hayi_held_table *table, uint32_t row)
{
    const struct hayi_held *held = &table->rows[row];
    uint32_t mask = table->hash_mask;
    uint32_t hole = home_of(table, held->task, held->attempt);

    while (table->hash[hole] != row + 1) {
        assert(table->hash[hole] != 0);
        hole = (hole + 1) & mask;
    }
    for (uint32_t at = (hole + 1) & mask; table->hash[at] != 0;
         at = (at + 1) & mask) {
        const struct hayi_held *other = &table->rows[table->hash[at] - 1];
        uint32_t home = home_of(table, other->task, other->attempt);
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            table->hash[hole] = table->hash[at];
            hole = at;
        }
    }
    table->hash[hole] = 0;
}

/* ---- rows ---- */

/* Room for one row more, and for twice as many places in the hash. */
static hay_status grow(struct hayi_held_table *table)
{
    if (table->free_row != HAYI_HELD_NONE
        || table->row_count < table->row_room) {
        return HAY_OK;
    }
    if (table->row_room >= ROWS_MAX) {
        return HAY_ENOMEM;
    }
    uint32_t room = table->row_room == 0 ? ROWS_MIN : table->row_room * 2;
    uint32_t *hash = calloc((size_t)room * 2, sizeof hash[0]);
    struct hayi_held *rows = realloc(table->rows, room * sizeof rows[0]);
    if (rows != NULL) {
        table->rows = rows;
    }
    if (hash == NULL || rows == NULL) {
        free(hash);
        return HAY_ENOMEM;
    }
    table->row_room = room;
    free(table->hash);
    table->hash = hash;
    table->hash_mask = room * 2 - 1;
    for (uint32_t i = 0; i < table->row_count; i++) {
        hash_insert(table, i); /* no row is free, or grow() had no reason */
    }
    return HAY_OK;
}

hay_status hayi_held_add(struct hayi_held_table *table,
                         hayi_handle task,
                         uint32_t attempt,
                         uint32_t *row)
{
    if (hayi_held_find(table, task, attempt) != HAYI_HELD_NONE) {
        return HAY_EINVAL;
    }
    hay_status st = grow(table);
    if (st != HAY_OK) {
        return st;
    }
    uint32_t at = table->free_row;
    if (at != HAYI_HELD_NONE) {
        table->free_row = table->rows[at].next;
    } else {
        at = table->row_count++;
    }
    table->rows[at] = (struct hayi_held){.task = task,
                                         .attempt = attempt,
                                         .next = HAYI_HELD_NONE,
                                         .prev = HAYI_HELD_NONE,
                                         .slot = HAYI_HELD_NONE,
                                         .recall = HAYI_HELD_NONE};
    hash_insert(table, at);
    table->held_count++;
    *row = at;
    return HAY_OK;
}

void hayi_held_drop(struct hayi_held_table *table, uint32_t row)
{
    struct hayi_held *held = &table->rows[row];

    hash_remove(table, row);
    free(held->wide);
    *held =
        (struct hayi_held){.state = HAYI_HELD_FREE, .next = table->free_row};
    table->free_row = row;
    table->held_count--;
}

/* ---- lists ---- */

/* Put 'row' before 'next'; NONE: at the end. */
static void list_insert(struct hayi_held_table *table,
                        struct hayi_held_list *list,
                        uint32_t row,
                        uint32_t next)
{
    uint32_t prev =
        next == HAYI_HELD_NONE ? list->last : table->rows[next].prev;

    table->rows[row].next = next;
    table->rows[row].prev = prev;
    *(prev == HAYI_HELD_NONE ? &list->first : &table->rows[prev].next) = row;
    *(next == HAYI_HELD_NONE ? &list->last : &table->rows[next].prev) = row;
    list->count++;
}

void hayi_held_append(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row)
{
    list_insert(table, list, row, HAYI_HELD_NONE);
}

void hayi_held_first(struct hayi_held_table *table,
                     struct hayi_held_list *list,
                     uint32_t row)
{
    list_insert(table, list, row, list->first);
}

void hayi_held_second(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row)
{
    list_insert(table,
                list,
                row,
                list->count == 0 ? HAYI_HELD_NONE
                                 : table->rows[list->first].next);
}

void hayi_held_unlink(struct hayi_held_table *table,
                      struct hayi_held_list *list,
                      uint32_t row)
{
    uint32_t prev = table->rows[row].prev;
    uint32_t next = table->rows[row].next;

    assert(list->count > 0);
    *(prev == HAYI_HELD_NONE ? &list->first : &table->rows[prev].next) = next;
    *(next == HAYI_HELD_NONE ? &list->last : &table->rows[next].prev) = prev;
    list->count--;
}

/* ---- the queues ---- */

static int64_t rank_of(const struct hayi_held *held)
{
    return (int64_t)held->priority * ((int64_t)UINT16_MAX + 1) + held->depth;
}

/* The first level that is not below 'rank'; level_count if none. */
static uint32_t level_at(const struct hayi_held_queue *queue, int64_t rank)
{
    uint32_t low = 0;
    uint32_t high = queue->level_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (queue->levels[mid].rank < rank) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

hay_status hayi_held_reserve_level(struct hayi_held_queue *queue)
{
    if (queue->level_count < queue->level_room) {
        return HAY_OK;
    }
    uint32_t room = queue->level_room == 0 ? LEVELS_MIN : queue->level_room * 2;
    struct hayi_held_level *levels =
        realloc(queue->levels, room * sizeof levels[0]);
    if (levels == NULL) {
        return HAY_ENOMEM;
    }
    queue->levels = levels;
    queue->level_room = room;
    return HAY_OK;
}

hay_status hayi_held_push(struct hayi_held_table *table,
                          struct hayi_held_queue *queue,
                          uint32_t row,
                          bool front)
{
    int64_t rank = rank_of(&table->rows[row]);
    uint32_t at = level_at(queue, rank);

    if (at == queue->level_count || queue->levels[at].rank != rank) {
        hay_status st = hayi_held_reserve_level(queue);
        if (st != HAY_OK) {
            return st;
        }
        memmove(&queue->levels[at + 1],
                &queue->levels[at],
                (queue->level_count - at) * sizeof queue->levels[0]);
        queue->level_count++;
        queue->levels[at] = (struct hayi_held_level){
            .rank = rank,
            .list = {.first = HAYI_HELD_NONE, .last = HAYI_HELD_NONE}};
    }
    struct hayi_held_list *list = &queue->levels[at].list;
    list_insert(table, list, row, front ? list->first : HAYI_HELD_NONE);
    table->rows[row].state =
        queue == &table->queue ? HAYI_HELD_QUEUED : HAYI_HELD_WAKING;
    queue->count++;
    return HAY_OK;
}

void hayi_held_pull(struct hayi_held_table *table, uint32_t row)
{
    bool waking = table->rows[row].state == HAYI_HELD_WAKING;
    struct hayi_held_queue *queue = waking ? &table->waking : &table->queue;
    uint32_t at = level_at(queue, rank_of(&table->rows[row]));

    assert(waking || table->rows[row].state == HAYI_HELD_QUEUED);
    hayi_held_unlink(table, &queue->levels[at].list, row);
    queue->count--;
    if (queue->levels[at].list.count == 0) {
        queue->level_count--;
        memmove(&queue->levels[at],
                &queue->levels[at + 1],
                (queue->level_count - at) * sizeof queue->levels[0]);
    }
}

uint32_t hayi_held_head(const struct hayi_held_queue *queue)
{
    return queue->level_count == 0
               ? HAYI_HELD_NONE
               : queue->levels[queue->level_count - 1].list.first;
}

uint32_t hayi_held_tail(const struct hayi_held_queue *queue)
{
    return queue->level_count == 0 ? HAYI_HELD_NONE
                                   : queue->levels[0].list.last;
}

static void check_queue(const struct hayi_held_table *table,
                        const struct hayi_held_queue *queue,
                        enum hayi_held_state state)
{
    uint32_t queued = 0;

    for (uint32_t i = 0; i < queue->level_count; i++) {
        const struct hayi_held_level *level = &queue->levels[i];
        uint32_t count = 0;
        assert(level->list.count > 0);
        assert(i == 0 || queue->levels[i - 1].rank < level->rank);
        for (uint32_t row = level->list.first; row != HAYI_HELD_NONE;
             row = table->rows[row].next) {
            assert(table->rows[row].state == state);
            assert(rank_of(&table->rows[row]) == level->rank);
            count++;
        }
        assert(count == level->list.count);
        queued += count;
    }
    assert(queued == queue->count);
}

void hayi_held_check(const struct hayi_held_table *table)
{
    uint32_t used = 0;

    check_queue(table, &table->queue, HAYI_HELD_QUEUED);
    check_queue(table, &table->waking, HAYI_HELD_WAKING);
    for (uint32_t i = 0; i < table->row_count; i++) {
        const struct hayi_held *held = &table->rows[i];
        if (held->state != HAYI_HELD_FREE) {
            used++;
            assert(hayi_held_find(table, held->task, held->attempt) == i);
        }
    }
    assert(used == table->held_count);
}
