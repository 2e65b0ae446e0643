/* workers.c - see workers.h.
 *
 * Joined workers stand in a binary heap by a key: first those with idle cores,
 * the most idle first; then the others by booked time per core.  Equal ones
 * keep the order of a shuffle made from the seed.  The heap holds the keys
 * themselves, so that sifting touches no other memory.
 *
 * Cores may be booked beyond what there is (work ahead), memory and gpus may
 * not.
 */
#include "config.h"

#include "core/workers.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

/* One step of splitmix64 (Steele, Lea, Flood 2014; public domain constants). */
static uint64_t next_random(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

hay_status hayi_workers_init(struct hayi_workers *workers,
                             struct hayi_table *table,
                             uint32_t max,
                             uint64_t seed)
{
    *workers = (struct hayi_workers){.table = table, .max = max};
    workers->list = hayi_alloc(max, sizeof(*workers->list));
    workers->heap = hayi_alloc(max, sizeof(*workers->heap));
    if (workers->list == NULL || workers->heap == NULL) {
        hayi_workers_fini(workers);
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < max; i++) {
        workers->list[i].tie = i;
    }
    for (uint32_t i = max; i > 1 && seed != 0; i--) {
        uint32_t j = (uint32_t)(next_random(&seed) % i);
        uint32_t tie = workers->list[i - 1].tie;
        workers->list[i - 1].tie = workers->list[j].tie;
        workers->list[j].tie = tie;
    }
    return HAY_OK;
}

void hayi_workers_fini(struct hayi_workers *workers)
{
    free(workers->list);
    free(workers->heap);
    *workers = (struct hayi_workers){.table = workers->table};
}

static int64_t key_of(const struct hayi_worker *worker)
{
    uint32_t idle = hayi_worker_idle(worker);
    if (idle > 0) {
        return -(int64_t)idle;
    }
    return (int64_t)((worker->load << 8) / worker->cores);
}

static bool before(const struct hayi_workers_slot *a,
                   const struct hayi_workers_slot *b)
{
    return a->key < b->key || (a->key == b->key && a->tie < b->tie);
}

static void slot_set(struct hayi_workers *workers,
                     uint32_t i,
                     struct hayi_workers_slot slot)
{
    workers->heap[i] = slot;
    workers->list[slot.worker].position = i + 1;
}

/* Put a slot where it belongs, beginning at i, which is free. */
static void
settle(struct hayi_workers *workers, uint32_t i, struct hayi_workers_slot slot)
{
    while (i > 0 && before(&slot, &workers->heap[(i - 1) / 2])) {
        slot_set(workers, i, workers->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= workers->heap_count) {
            break;
        }
        if (child + 1 < workers->heap_count
            && before(&workers->heap[child + 1], &workers->heap[child])) {
            child++;
        }
        if (!before(&workers->heap[child], &slot)) {
            break;
        }
        slot_set(workers, i, workers->heap[child]);
        i = child;
    }
    slot_set(workers, i, slot);
}

static void rekey(struct hayi_workers *workers, uint32_t index)
{
    const struct hayi_worker *worker = &workers->list[index];
    if (worker->position == 0) {
        return;
    }
    struct hayi_workers_slot slot = {
        .key = key_of(worker),
        .tie = worker->tie,
        .worker = index,
    };
    settle(workers, worker->position - 1, slot);
}

void hayi_workers_join(struct hayi_workers *workers, uint32_t index)
{
    struct hayi_worker *worker = &workers->list[index];
    assert(worker->state == HAYI_WORKER_ABSENT);
    assert(worker->cores > 0);
    worker->state = HAYI_WORKER_JOINED;
    workers->joined++;
    workers->cores += worker->cores;
    workers->idle_cores += worker->cores;
    struct hayi_workers_slot slot = {
        .key = key_of(worker),
        .tie = worker->tie,
        .worker = index,
    };
    workers->heap_count++;
    settle(workers, workers->heap_count - 1, slot);
}

void hayi_workers_give_up(struct hayi_workers *workers, uint32_t index)
{
    struct hayi_worker *worker = &workers->list[index];
    assert(worker->state == HAYI_WORKER_ABSENT);
    worker->state = HAYI_WORKER_LOST;
    workers->joined++;
    workers->lost++;
}

void hayi_workers_retire(struct hayi_workers *workers, uint32_t index)
{
    struct hayi_worker *worker = &workers->list[index];
    assert(worker->state == HAYI_WORKER_JOINED);
    worker->state = HAYI_WORKER_LEAVING;
    workers->leaving++;
    workers->cores -= worker->cores;
    workers->idle_cores -= hayi_worker_idle(worker);
    if (hayi_worker_ahead(worker) > 0) {
        workers->ahead--;
    }
    uint32_t i = worker->position - 1;
    worker->position = 0;
    workers->heap_count--;
    struct hayi_workers_slot last = workers->heap[workers->heap_count];
    if (last.worker != index) {
        settle(workers, i, last);
    }
}

void hayi_workers_lose(struct hayi_workers *workers, uint32_t index)
{
    struct hayi_worker *worker = &workers->list[index];
    if (worker->state == HAYI_WORKER_JOINED) {
        hayi_workers_retire(workers, index);
    }
    assert(worker->state == HAYI_WORKER_LEAVING);
    worker->state = HAYI_WORKER_LOST;
    workers->leaving--;
    workers->lost++;
}

/* Book 'cores' more or less, and keep the sums. */
static void book_cores(struct hayi_workers *workers,
                       struct hayi_worker *worker,
                       uint32_t held_cores)
{
    if (worker->state != HAYI_WORKER_JOINED) {
        worker->held_cores = held_cores;
        return;
    }
    workers->idle_cores -= hayi_worker_idle(worker);
    bool was = hayi_worker_ahead(worker) > 0;
    worker->held_cores = held_cores;
    workers->idle_cores += hayi_worker_idle(worker);
    bool is = hayi_worker_ahead(worker) > 0;
    if (is && !was) {
        workers->ahead++;
    } else if (was && !is) {
        workers->ahead--;
    }
}

void hayi_workers_book(struct hayi_workers *workers,
                       uint32_t index,
                       const struct hayi_needs *needs)
{
    struct hayi_row *row = hayi_table_row(workers->table, index);
    struct hayi_worker *worker = &workers->list[row->worker];
    row->next = 0;
    row->prev = worker->tail;
    if (worker->tail == 0) {
        worker->head = index;
    } else {
        hayi_table_row(workers->table, worker->tail)->next = index;
    }
    worker->tail = index;
    worker->held++;
    workers->held++;
    worker->held_memory += needs->memory_bytes;
    worker->load += row->cost;
    book_cores(workers, worker, worker->held_cores + needs->cores);
    rekey(workers, row->worker);
}

void hayi_workers_unbook(struct hayi_workers *workers,
                         uint32_t index,
                         const struct hayi_needs *needs)
{
    struct hayi_row *row = hayi_table_row(workers->table, index);
    struct hayi_worker *worker = &workers->list[row->worker];
    if (row->prev == 0) {
        worker->head = row->next;
    } else {
        hayi_table_row(workers->table, row->prev)->next = row->next;
    }
    if (row->next == 0) {
        worker->tail = row->prev;
    } else {
        hayi_table_row(workers->table, row->next)->prev = row->prev;
    }
    row->next = 0;
    row->prev = 0;
    worker->held--;
    workers->held--;
    if (row->state == HAYI_ROW_RUNNING) {
        worker->running--;
    }
    worker->held_memory -= needs->memory_bytes;
    worker->load -= row->cost;
    book_cores(workers, worker, worker->held_cores - needs->cores);
    rekey(workers, row->worker);
}

void hayi_workers_lend(struct hayi_workers *workers,
                       uint32_t index,
                       uint32_t cores)
{
    struct hayi_row *row = hayi_table_row(workers->table, index);
    struct hayi_worker *worker = &workers->list[row->worker];
    worker->load -= row->cost;
    row->cost = 0;
    book_cores(workers, worker, worker->held_cores - cores);
    rekey(workers, row->worker);
}

void hayi_workers_regain(struct hayi_workers *workers,
                         uint32_t index,
                         uint32_t cores)
{
    const struct hayi_row *row = hayi_table_row(workers->table, index);
    struct hayi_worker *worker = &workers->list[row->worker];
    book_cores(workers, worker, worker->held_cores + cores);
    rekey(workers, row->worker);
}

uint32_t hayi_worker_unstarted(const struct hayi_worker *worker)
{
    /* News of starts may be missing: what its cores can run does run. */
    uint32_t ahead = hayi_worker_ahead(worker);
    uint32_t unknown = worker->held - worker->running;
    return unknown < ahead ? unknown : ahead;
}

uint64_t hayi_worker_unstarted_ns(const struct hayi_worker *worker)
{
    if (worker->held_cores == 0) {
        return 0;
    }
    uint64_t load_ns = worker->load / worker->cores * HAYI_WORKERS_COST_NS;
    /* The quotient loses less than the product could overflow. */
    return load_ns / worker->held_cores * hayi_worker_ahead(worker);
}

/* Is it the worker, and on the node, that alone is allowed? */
static bool bound_to(const struct hayi_worker *worker,
                     uint32_t index,
                     const struct hayi_needs *needs)
{
    return (needs->worker == 0 || needs->worker - 1 == index)
           && (needs->node == 0 || needs->node - 1 == worker->node);
}

bool hayi_worker_meets(const struct hayi_worker *worker,
                       uint32_t index,
                       const struct hayi_needs *needs)
{
    return worker->state == HAYI_WORKER_JOINED && needs->cores <= worker->cores
           && needs->gpus <= worker->gpus
           && (worker->memory_bytes == 0
               || needs->memory_bytes <= worker->memory_bytes)
           && ((needs->worker | needs->node) == 0
               || bound_to(worker, index, needs));
}

bool hayi_worker_fits(const struct hayi_worker *worker,
                      uint32_t index,
                      const struct hayi_needs *needs)
{
    return worker->alone == HAYI_ALONE_NO
           && hayi_worker_meets(worker, index, needs)
           && needs->gpus <= worker->gpus - worker->held_gpus
           && (worker->memory_bytes == 0
               || needs->memory_bytes
                      <= worker->memory_bytes - worker->held_memory);
}

size_t hayi_workers_bytes(const struct hayi_workers *workers)
{
    return workers->max * (sizeof(*workers->list) + sizeof(*workers->heap));
}

static void check_worker(const struct hayi_workers *workers, uint32_t index)
{
    const struct hayi_worker *worker = &workers->list[index];
    uint32_t held = 0;
    uint32_t running = 0;
    uint64_t load = 0;
    uint32_t last = 0;
    for (uint32_t i = worker->head; i != 0;) {
        const struct hayi_row *row = hayi_table_row(workers->table, i);
        assert(row->prev == last);
        assert(row->worker == index);
        assert(row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING);
        assert((row->flags & HAYI_ROW_MAP) == 0);
        held++;
        running += row->state == HAYI_ROW_RUNNING ? 1 : 0;
        load += row->cost;
        last = i;
        i = row->next;
    }
    assert(worker->tail == last);
    assert(worker->held == held);
    assert(worker->running == running);
    assert(worker->load == load);
    assert(worker->held_gpus <= worker->gpus);
    assert(worker->memory_bytes == 0
           || worker->held_memory <= worker->memory_bytes);
    assert((worker->position != 0) == (worker->state == HAYI_WORKER_JOINED));
    if (worker->position != 0) {
        uint32_t at = worker->position - 1;
        assert(workers->heap[at].worker == index);
        assert(workers->heap[at].key == key_of(worker));
        assert(at == 0
               || !before(&workers->heap[at], &workers->heap[(at - 1) / 2]));
    }
}

void hayi_workers_check(const struct hayi_workers *workers)
{
    uint64_t cores = 0;
    uint64_t idle = 0;
    uint64_t held = 0;
    uint32_t ahead = 0;
    uint32_t joined = 0;
    uint32_t leaving = 0;
    for (uint32_t i = 0; i < workers->max; i++) {
        const struct hayi_worker *worker = &workers->list[i];
        if (worker->state == HAYI_WORKER_ABSENT) {
            continue;
        }
        check_worker(workers, i);
        held += worker->held;
        leaving += worker->state == HAYI_WORKER_LEAVING ? 1 : 0;
        if (worker->state == HAYI_WORKER_JOINED) {
            joined++;
            cores += worker->cores;
            idle += hayi_worker_idle(worker);
            ahead += hayi_worker_ahead(worker) > 0 ? 1 : 0;
        }
    }
    assert(workers->leaving == leaving);
    assert(workers->cores == cores);
    assert(workers->idle_cores == idle);
    assert(workers->held == held);
    assert(workers->ahead == ahead);
    assert(workers->heap_count == joined);
    assert(workers->joined == joined + leaving + workers->lost);
}
