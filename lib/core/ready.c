/* ready.c - see ready.h.
 *
 * Three storeys: a queue of rows for each level (class and rank), a binary
 * heap of levels for each class, a binary heap of classes.  All tasks alike
 * are one queue and two heaps of one element, so that choosing is constant.
 *
 * A level exists, empty or not, as long as an unfinished task may come to it,
 * so that memory is only asked for when a task is submitted.  A row that comes
 * back (retry, recall) keeps its age.  Its place is searched from where the
 * last one was put, since rows come back in runs.
 *
 * A blocked class stays in its list when its last row is removed; the list is
 * read again as a whole.
 */
#include "config.h"

#include "core/ready.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* ---- heap of classes --------------------------------------------------- */

static bool class_before(const struct hayi_ready *ready, uint32_t a, uint32_t b)
{
    const struct hayi_turn *x = &ready->turns[a];
    const struct hayi_turn *y = &ready->turns[b];
    if (x->rank != y->rank) {
        return x->rank > y->rank;
    }
    return x->age < y->age;
}

static void class_set(struct hayi_ready *ready, uint32_t i, uint32_t class)
{
    ready->heap[i] = class;
    ready->turns[class].position = i + 1;
}

static void class_up(struct hayi_ready *ready, uint32_t i)
{
    uint32_t class = ready->heap[i];
    while (i > 0 && class_before(ready, class, ready->heap[(i - 1) / 2])) {
        class_set(ready, i, ready->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    class_set(ready, i, class);
}

static void class_down(struct hayi_ready *ready, uint32_t i)
{
    uint32_t class = ready->heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= ready->heap_count) {
            break;
        }
        if (child + 1 < ready->heap_count
            && class_before(
                ready, ready->heap[child + 1], ready->heap[child])) {
            child++;
        }
        if (!class_before(ready, ready->heap[child], class)) {
            break;
        }
        class_set(ready, i, ready->heap[child]);
        i = child;
    }
    class_set(ready, i, class);
}

static void class_leave(struct hayi_ready *ready, uint32_t class)
{
    uint32_t i = ready->turns[class].position - 1;
    ready->turns[class].position = 0;
    uint32_t last = ready->heap[--ready->heap_count];
    if (last != class) {
        class_set(ready, i, last);
        class_up(ready, i);
        class_down(ready, ready->turns[last].position - 1);
    }
}

/* Bring a class to the place that its first row asks for. */
static void class_settle(struct hayi_ready *ready, uint32_t class)
{
    struct hayi_turn *turn = &ready->turns[class];
    if (turn->blocked) {
        return;
    }
    if (turn->count == 0) {
        if (turn->position != 0) {
            class_leave(ready, class);
        }
        return;
    }
    const struct hayi_level *level = &ready->levels[turn->heap[0]];
    turn->rank = level->rank;
    turn->age = hayi_table_row(ready->table, level->head)->age;
    if (turn->position == 0) {
        class_set(ready, ready->heap_count, class);
        ready->heap_count++;
    }
    if (ready->heap_count > 1) {
        class_up(ready, turn->position - 1);
        class_down(ready, turn->position - 1);
    }
}

/* ---- heap of levels of a class ----------------------------------------- */

static void level_set(struct hayi_ready *ready,
                      struct hayi_turn *turn,
                      uint32_t i,
                      uint32_t level)
{
    turn->heap[i] = level;
    ready->levels[level].position = i + 1;
}

static bool level_before(const struct hayi_ready *ready, uint32_t a, uint32_t b)
{
    return ready->levels[a].rank > ready->levels[b].rank;
}

static void
level_up(struct hayi_ready *ready, struct hayi_turn *turn, uint32_t i)
{
    uint32_t level = turn->heap[i];
    while (i > 0 && level_before(ready, level, turn->heap[(i - 1) / 2])) {
        level_set(ready, turn, i, turn->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    level_set(ready, turn, i, level);
}

static void
level_down(struct hayi_ready *ready, struct hayi_turn *turn, uint32_t i)
{
    uint32_t level = turn->heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= turn->count) {
            break;
        }
        if (child + 1 < turn->count
            && level_before(ready, turn->heap[child + 1], turn->heap[child])) {
            child++;
        }
        if (!level_before(ready, turn->heap[child], level)) {
            break;
        }
        level_set(ready, turn, i, turn->heap[child]);
        i = child;
    }
    level_set(ready, turn, i, level);
}

static void level_enter(struct hayi_ready *ready, uint32_t index)
{
    struct hayi_turn *turn = &ready->turns[ready->levels[index].class];
    assert(turn->count < turn->room);
    level_set(ready, turn, turn->count, index);
    turn->count++;
    level_up(ready, turn, turn->count - 1);
}

static void level_leave(struct hayi_ready *ready, uint32_t index)
{
    struct hayi_turn *turn = &ready->turns[ready->levels[index].class];
    uint32_t i = ready->levels[index].position - 1;
    ready->levels[index].position = 0;
    uint32_t last = turn->heap[--turn->count];
    if (last != index) {
        level_set(ready, turn, i, last);
        level_up(ready, turn, i);
        level_down(ready, turn, ready->levels[last].position - 1);
    }
}

/* ---- levels by class and rank ------------------------------------------ */

static uint32_t
bucket_of(const struct hayi_ready *ready, uint32_t class, int64_t rank)
{
    uint64_t h =
        ((uint64_t)rank ^ (uint64_t) class << 40) * 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32) & (ready->bucket_count - 1);
}

static uint32_t
level_find(struct hayi_ready *ready, uint32_t class, int64_t rank)
{
    struct hayi_turn *turn = &ready->turns[class];
    if (turn->last != 0 && ready->levels[turn->last].rank == rank) {
        return turn->last;
    }
    if (ready->bucket_count == 0) {
        return 0;
    }
    uint32_t i = ready->buckets[bucket_of(ready, class, rank)];
    while (
        i != 0
        && (ready->levels[i].class != class || ready->levels[i].rank != rank)) {
        i = ready->levels[i].chain;
    }
    if (i != 0) {
        turn->last = i;
    }
    return i;
}

static void level_chain(struct hayi_ready *ready, uint32_t i)
{
    struct hayi_level *level = &ready->levels[i];
    uint32_t bucket = bucket_of(ready, level->class, level->rank);
    level->chain = ready->buckets[bucket];
    ready->buckets[bucket] = i;
}

static hay_status level_rehash(struct hayi_ready *ready)
{
    uint32_t count = ready->bucket_count == 0 ? 16 : ready->bucket_count * 2;
    uint32_t *buckets = hayi_alloc(count, sizeof(*buckets));
    if (buckets == NULL) {
        return HAY_ENOMEM;
    }
    free(ready->buckets);
    ready->buckets = buckets;
    ready->bucket_count = count;
    for (uint32_t i = 1; i < ready->level_count; i++) {
        if (ready->levels[i].refs != 0) {
            level_chain(ready, i);
        }
    }
    return HAY_OK;
}

static hay_status level_reserve(struct hayi_ready *ready, uint32_t class)
{
    struct hayi_turn *turn = &ready->turns[class];
    void *list = turn->heap;
    size_t room = turn->room;
    if (!hayi_alloc_grow(&list,
                         &turn->room,
                         (size_t)turn->levels + 1,
                         sizeof(*turn->heap))) {
        return HAY_ENOMEM;
    }
    turn->heap = list;
    ready->turn_entries += turn->room - room;
    if (ready->level_free == 0) {
        list = ready->levels;
        if (!hayi_alloc_grow(&list,
                             &ready->level_room,
                             (size_t)ready->level_count + 1,
                             sizeof(*ready->levels))) {
            return HAY_ENOMEM;
        }
        ready->levels = list;
    }
    if (ready->level_live >= ready->bucket_count) {
        return level_rehash(ready);
    }
    return HAY_OK;
}

static hay_status level_add(struct hayi_ready *ready,
                            uint32_t class,
                            int32_t priority,
                            uint16_t depth,
                            uint32_t *index)
{
    hay_status status = level_reserve(ready, class);
    if (status != HAY_OK) {
        return status;
    }
    uint32_t i = ready->level_free;
    if (i != 0) {
        ready->level_free = ready->levels[i].chain;
    } else {
        i = ready->level_count++;
    }
    ready->levels[i] = (struct hayi_level){
        .class = class,
        .priority = priority,
        .rank = hayi_rank(priority, depth),
        .depth = depth,
    };
    level_chain(ready, i);
    ready->level_live++;
    ready->turns[class].levels++;
    ready->turns[class].last = i;
    *index = i;
    return HAY_OK;
}

static void level_drop(struct hayi_ready *ready, uint32_t index)
{
    struct hayi_level *level = &ready->levels[index];
    assert(level->count == 0);
    uint32_t bucket = bucket_of(ready, level->class, level->rank);
    uint32_t *link = &ready->buckets[bucket];
    while (*link != index) {
        link = &ready->levels[*link].chain;
    }
    *link = level->chain;
    struct hayi_turn *turn = &ready->turns[level->class];
    if (turn->last == index) {
        turn->last = 0;
    }
    turn->levels--;
    ready->level_live--;
    level->chain = ready->level_free;
    ready->level_free = index;
}

static hay_status class_add(struct hayi_ready *ready,
                            const struct hayi_needs *needs,
                            uint32_t *class)
{
    size_t count = (size_t)ready->classes.count + 1;
    void *list = ready->turns;
    if (!hayi_alloc_grow(
            &list, &ready->turn_room, count, sizeof(*ready->turns))) {
        return HAY_ENOMEM;
    }
    ready->turns = list;
    list = ready->heap;
    if (!hayi_alloc_grow(
            &list, &ready->heap_room, count, sizeof(*ready->heap))) {
        return HAY_ENOMEM;
    }
    ready->heap = list;
    return hayi_classes_add(&ready->classes, needs, class);
}

/* ---- public ------------------------------------------------------------ */

void hayi_ready_init(struct hayi_ready *ready, struct hayi_table *table)
{
    *ready = (struct hayi_ready){.table = table, .level_count = 1};
    hayi_classes_init(&ready->classes);
}

void hayi_ready_fini(struct hayi_ready *ready)
{
    for (uint32_t i = 1; i < ready->classes.count; i++) {
        free(ready->turns[i].heap);
    }
    hayi_classes_fini(&ready->classes);
    free(ready->turns);
    free(ready->levels);
    free(ready->buckets);
    free(ready->heap);
    hayi_ready_init(ready, ready->table);
}

hay_status hayi_ready_level(struct hayi_ready *ready,
                            const struct hayi_needs *needs,
                            int32_t priority,
                            uint16_t depth,
                            uint32_t *level)
{
    hay_status status = HAY_OK;
    uint32_t class = hayi_classes_find(&ready->classes, needs);
    if (class == 0) {
        status = class_add(ready, needs, &class);
        if (status != HAY_OK) {
            return status;
        }
    }
    uint32_t i = level_find(ready, class, hayi_rank(priority, depth));
    if (i == 0) {
        status = level_add(ready, class, priority, depth, &i);
        if (status != HAY_OK) {
            return status;
        }
    }
    ready->levels[i].refs++;
    *level = i;
    return HAY_OK;
}

void hayi_ready_release(struct hayi_ready *ready, uint32_t level)
{
    assert(ready->levels[level].refs > 0);
    if (--ready->levels[level].refs == 0) {
        level_drop(ready, level);
    }
}

/* The row of the level behind which a row of this age belongs; 0: first. */
static uint32_t
place_of(const struct hayi_ready *ready, struct hayi_level *level, uint64_t age)
{
    uint32_t i = level->tail;
    if (i == 0 || hayi_table_row(ready->table, i)->age < age) {
        return i;
    }
    i = level->finger != 0 ? level->finger : level->head;
    const struct hayi_row *row = hayi_table_row(ready->table, i);
    if (row->age < age) {
        for (;;) {
            uint32_t next = row->next;
            row = hayi_table_row(ready->table, next);
            if (row->age > age) {
                return i;
            }
            i = next;
        }
    }
    while (i != 0 && row->age > age) {
        i = row->prev;
        row = hayi_table_row(ready->table, i);
    }
    return i;
}

bool hayi_ready_push(struct hayi_ready *ready, uint32_t index)
{
    struct hayi_row *row = hayi_table_row(ready->table, index);
    struct hayi_level *level = &ready->levels[row->level];
    struct hayi_turn *turn = &ready->turns[level->class];
    if (row->age == 0) {
        row->age = ++ready->age;
    }
    uint32_t before = place_of(ready, level, row->age);
    row->prev = before;
    if (before == 0) {
        row->next = level->head;
        level->head = index;
    } else {
        struct hayi_row *other = hayi_table_row(ready->table, before);
        row->next = other->next;
        other->next = index;
    }
    if (row->next == 0) {
        level->tail = index;
    } else {
        hayi_table_row(ready->table, row->next)->prev = index;
        level->finger = index;
    }
    level->count++;
    ready->rows++;
    if (level->position == 0) {
        level_enter(ready, row->level);
    }
    bool first = before == 0 && turn->heap[0] == row->level;
    if (first) {
        /* Still in its list; unblocking takes it out of there. */
        class_settle(ready, level->class);
    }
    return first && turn->blocked;
}

void hayi_ready_remove(struct hayi_ready *ready, uint32_t index)
{
    struct hayi_row *row = hayi_table_row(ready->table, index);
    struct hayi_level *level = &ready->levels[row->level];
    struct hayi_turn *turn = &ready->turns[level->class];
    bool first = row->prev == 0 && turn->heap[0] == row->level;
    if (row->prev == 0) {
        level->head = row->next;
    } else {
        hayi_table_row(ready->table, row->prev)->next = row->next;
    }
    if (row->next == 0) {
        level->tail = row->prev;
    } else {
        hayi_table_row(ready->table, row->next)->prev = row->prev;
    }
    if (level->finger == index) {
        level->finger = row->prev;
    }
    row->next = 0;
    row->prev = 0;
    level->count--;
    ready->rows--;
    if (level->count == 0) {
        level_leave(ready, row->level);
    }
    if (first) {
        class_settle(ready, level->class);
    }
}

uint32_t hayi_ready_first(const struct hayi_ready *ready, uint32_t class)
{
    const struct hayi_turn *turn = &ready->turns[class];
    return turn->count == 0 ? 0 : ready->levels[turn->heap[0]].head;
}

void hayi_ready_block(struct hayi_ready *ready, uint32_t class, uint32_t *list)
{
    struct hayi_turn *turn = &ready->turns[class];
    assert(!turn->blocked);
    class_leave(ready, class);
    turn->blocked = true;
    turn->next = *list;
    *list = class;
}

void hayi_ready_unblock(struct hayi_ready *ready, uint32_t *list)
{
    while (*list != 0) {
        uint32_t class = *list;
        struct hayi_turn *turn = &ready->turns[class];
        *list = turn->next;
        turn->next = 0;
        turn->blocked = false;
        class_settle(ready, class);
    }
}

size_t hayi_ready_bytes(const struct hayi_ready *ready)
{
    return hayi_classes_bytes(&ready->classes)
           + ready->turn_room * sizeof(*ready->turns)
           + ready->turn_entries * sizeof(*ready->turns->heap)
           + ready->level_room * sizeof(*ready->levels)
           + ready->bucket_count * sizeof(*ready->buckets)
           + ready->heap_room * sizeof(*ready->heap);
}

static uint64_t check_level(const struct hayi_ready *ready, uint32_t index)
{
    const struct hayi_level *level = &ready->levels[index];
    uint32_t count = 0;
    uint32_t before = 0;
    uint64_t age = 0;
    bool finger = level->finger == 0;
    for (uint32_t i = level->head; i != 0;) {
        const struct hayi_row *row = hayi_table_row(ready->table, i);
        assert(row->state == HAYI_ROW_READY);
        assert(row->level == index);
        assert(row->prev == before);
        assert(row->age > age);
        age = row->age;
        finger = finger || i == level->finger;
        before = i;
        i = row->next;
        count++;
    }
    assert(finger);
    assert(level->tail == before);
    assert(level->count == count);
    assert(level->refs >= count);
    assert((level->position != 0) == (count != 0));
    return count;
}

static void check_class(const struct hayi_ready *ready, uint32_t class)
{
    const struct hayi_turn *turn = &ready->turns[class];
    assert(turn->count <= turn->levels);
    assert(turn->levels <= turn->room);
    for (uint32_t i = 0; i < turn->count; i++) {
        const struct hayi_level *level = &ready->levels[turn->heap[i]];
        assert(level->class == class);
        assert(level->position == i + 1);
        assert(i == 0
               || !level_before(ready, turn->heap[i], turn->heap[(i - 1) / 2]));
    }
    if (turn->blocked || turn->count == 0) {
        assert(turn->position == 0);
        return;
    }
    const struct hayi_level *level = &ready->levels[turn->heap[0]];
    uint32_t at = turn->position - 1;
    assert(turn->position != 0);
    assert(at < ready->heap_count);
    assert(ready->heap[at] == class);
    assert(turn->rank == level->rank);
    assert(turn->age == hayi_table_row(ready->table, level->head)->age);
    assert(at == 0 || !class_before(ready, class, ready->heap[(at - 1) / 2]));
}

void hayi_ready_check(const struct hayi_ready *ready)
{
    uint64_t rows = 0;
    uint32_t live = 0;
    for (uint32_t i = 1; i < ready->level_count; i++) {
        if (ready->levels[i].refs != 0) {
            rows += check_level(ready, i);
            live++;
        }
    }
    assert(rows == ready->rows);
    assert(live == ready->level_live);
    size_t entries = 0;
    for (uint32_t i = 1; i < ready->classes.count; i++) {
        check_class(ready, i);
        entries += ready->turns[i].room;
    }
    assert(entries == ready->turn_entries);
}
