/* nodes.c - see nodes.h.
 *
 * Assigned tasks are a binary heap by priority, then age: any of them can be
 * taken out (cancelled, stolen) by its position.  Staged ones are a list; they
 * are few.
 */
#include "config.h"

#include "core/nodes.h"

#include "core/alloc.h"
#include "core/ready.h"

#include <assert.h>
#include <stdlib.h>

hay_status hayi_nodes_init(struct hayi_nodes *nodes,
                           struct hayi_cargos *cargos,
                           struct hayi_workers *workers,
                           uint32_t max,
                           uint32_t manager,
                           uint64_t seed)
{
    *nodes = (struct hayi_nodes){
        .cargos = cargos,
        .workers = workers,
        .max = max,
        .manager = manager,
    };
    nodes->list = hayi_alloc(max, sizeof(*nodes->list));
    nodes->seen = hayi_alloc(max, sizeof(*nodes->seen));
    nodes->follow = hayi_alloc(workers->max, sizeof(*nodes->follow));
    if (nodes->list == NULL || nodes->seen == NULL || nodes->follow == NULL) {
        hayi_nodes_fini(nodes);
        return HAY_ENOMEM;
    }
    for (uint32_t i = 0; i < max; i++) {
        /* A permutation: an odd factor modulo 2^32, xor'ed by the seed. */
        nodes->list[i].tie =
            seed == 0
                ? i
                : (i ^ (uint32_t)(seed >> 32) ^ (uint32_t)seed) * 0x9e3779b1u;
    }
    return HAY_OK;
}

void hayi_nodes_fini(struct hayi_nodes *nodes)
{
    for (uint32_t i = 0; nodes->list != NULL && i < nodes->max; i++) {
        free(nodes->list[i].heap);
    }
    free(nodes->list);
    free(nodes->follow);
    free(nodes->seen);
    *nodes = (struct hayi_nodes){.cargos = nodes->cargos};
}

/* ---- who lives there --------------------------------------------------- */

void hayi_nodes_join(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_worker *worker = &nodes->workers->list[index];
    struct hayi_node *node = &nodes->list[worker->node];
    uint32_t *link = &node->workers;
    while (*link != 0) {
        link = &nodes->follow[*link - 1];
    }
    *link = index + 1;
    nodes->follow[index] = 0;
    node->worker_count++;
    node->cores += worker->cores;
    node->staying++;
    nodes->live += node->staying == 1 ? 1 : 0;
}

void hayi_nodes_retire(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_worker *worker = &nodes->workers->list[index];
    struct hayi_node *node = &nodes->list[worker->node];
    assert(!worker->off_node && node->staying > 0);
    worker->off_node = true;
    node->cores -= worker->cores;
    node->staying--;
    nodes->live -= node->staying == 0 ? 1 : 0;
}

void hayi_nodes_leave(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_worker *worker = &nodes->workers->list[index];
    struct hayi_node *node = &nodes->list[worker->node];
    uint32_t *link = &node->workers;
    if (!worker->off_node) {
        hayi_nodes_retire(nodes, index);
    }
    while (*link != index + 1) {
        link = &nodes->follow[*link - 1];
    }
    *link = nodes->follow[index];
    nodes->follow[index] = 0;
    node->turn = 0;
    node->worker_count--;
}

bool hayi_nodes_there(const struct hayi_nodes *nodes, uint32_t node)
{
    return node < nodes->max
           && (node == nodes->manager || nodes->list[node].worker_count > 0);
}

bool hayi_nodes_deserted(const struct hayi_nodes *nodes, uint32_t node)
{
    return node != nodes->manager && nodes->list[node].worker_count > 0
           && nodes->list[node].staying == 0;
}

uint32_t hayi_nodes_mover(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_node *node = &nodes->list[index];
    assert(hayi_nodes_there(nodes, index));
    if (node->worker_count == 0) {
        return HAYI_MANAGER_SELF;
    }
    uint32_t next = 0;
    if (node->turn != 0) {
        next = nodes->follow[node->turn - 1];
    }
    node->turn = next != 0 ? next : node->workers;
    return node->turn - 1;
}

uint32_t hayi_nodes_other(const struct hayi_nodes *nodes,
                          uint32_t index,
                          uint32_t worker)
{
    const struct hayi_node *node = &nodes->list[index];
    uint32_t next = node->workers;
    while (next != 0 && next - 1 != worker) {
        next = nodes->follow[next - 1];
    }
    if (next == 0 || node->worker_count == 1) {
        return 0;
    }
    uint32_t other = nodes->follow[next - 1];
    return other != 0 ? other : node->workers;
}

uint32_t hayi_nodes_dropper(const struct hayi_nodes *nodes, uint32_t index)
{
    const struct hayi_node *node = &nodes->list[index];
    assert(hayi_nodes_there(nodes, index));
    return index == nodes->manager ? HAYI_MANAGER_SELF : node->workers - 1;
}

uint32_t hayi_nodes_idle(const struct hayi_nodes *nodes, uint32_t index)
{
    uint32_t idle = 0;
    uint32_t w = nodes->list[index].workers;
    while (w != 0) {
        const struct hayi_worker *worker = &nodes->workers->list[w - 1];
        idle += worker->off_node ? 0 : hayi_worker_idle(worker);
        w = nodes->follow[w - 1];
    }
    return idle;
}

uint64_t hayi_nodes_wait_ns(const struct hayi_nodes *nodes,
                            uint32_t index,
                            uint32_t cores)
{
    const struct hayi_node *node = &nodes->list[index];
    uint64_t load = 0;
    uint32_t idle = 0;
    for (uint32_t w = node->workers; w != 0;) {
        const struct hayi_worker *worker = &nodes->workers->list[w - 1];
        idle += worker->off_node ? 0 : hayi_worker_idle(worker);
        load += worker->off_node ? 0 : worker->load;
        w = nodes->follow[w - 1];
    }
    if (node->cores == 0) {
        return UINT64_MAX;
    }
    if (node->backlog_cores + cores <= idle) {
        return 0;
    }
    return (load * HAYI_WORKERS_COST_NS + node->backlog_ns) / node->cores;
}

/* ---- heap of assigned ones --------------------------------------------- */

static bool before(const struct hayi_nodes *nodes, uint32_t a, uint32_t b)
{
    const struct hayi_cargo *x = hayi_cargo_at(nodes->cargos, a);
    const struct hayi_cargo *y = hayi_cargo_at(nodes->cargos, b);
    int64_t x_rank = hayi_rank(x->priority, x->depth);
    int64_t y_rank = hayi_rank(y->priority, y->depth);
    if (x_rank != y_rank) {
        return x_rank > y_rank;
    }
    return x->age < y->age;
}

static void heap_set(struct hayi_nodes *nodes,
                     struct hayi_node *node,
                     uint32_t i,
                     uint32_t cargo)
{
    node->heap[i] = cargo;
    hayi_cargo_at(nodes->cargos, cargo)->position = i + 1;
}

static void
heap_up(struct hayi_nodes *nodes, struct hayi_node *node, uint32_t i)
{
    uint32_t cargo = node->heap[i];
    while (i > 0 && before(nodes, cargo, node->heap[(i - 1) / 2])) {
        heap_set(nodes, node, i, node->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_set(nodes, node, i, cargo);
}

static void
heap_down(struct hayi_nodes *nodes, struct hayi_node *node, uint32_t i)
{
    uint32_t cargo = node->heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= node->heap_count) {
            break;
        }
        if (child + 1 < node->heap_count
            && before(nodes, node->heap[child + 1], node->heap[child])) {
            child++;
        }
        if (!before(nodes, node->heap[child], cargo)) {
            break;
        }
        heap_set(nodes, node, i, node->heap[child]);
        i = child;
    }
    heap_set(nodes, node, i, cargo);
}

static void heap_remove(struct hayi_nodes *nodes,
                        struct hayi_node *node,
                        struct hayi_cargo *cargo)
{
    uint32_t i = cargo->position - 1;
    uint32_t last = node->heap[--node->heap_count];
    cargo->position = 0;
    nodes->cargos->assigned--;
    if (i < node->heap_count) {
        heap_set(nodes, node, i, last);
        heap_up(nodes, node, i);
        heap_down(
            nodes, node, hayi_cargo_at(nodes->cargos, last)->position - 1);
    }
}

hay_status hayi_nodes_reserve(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_node *node = &nodes->list[index];
    void *list = node->heap;
    size_t room = node->heap_room;
    if (!hayi_alloc_grow(&list,
                         &node->heap_room,
                         (size_t)node->heap_count + 1,
                         sizeof(*node->heap))) {
        return HAY_ENOMEM;
    }
    node->heap = list;
    nodes->heap_entries += node->heap_room - room;
    return HAY_OK;
}

void hayi_nodes_assign(struct hayi_nodes *nodes, uint32_t index, uint32_t i)
{
    struct hayi_node *node = &nodes->list[index];
    struct hayi_cargo *cargo = hayi_cargo_at(nodes->cargos, i);
    assert(cargo->state == HAYI_CARGO_OPEN);
    assert(node->heap_count < node->heap_room);
    cargo->state = HAYI_CARGO_ASSIGNED;
    cargo->node = index + 1;
    node->backlog_ns += cargo->expected_ns;
    node->backlog_cores += cargo->cores;
    nodes->cargos->assigned++;
    heap_set(nodes, node, node->heap_count, i);
    node->heap_count++;
    heap_up(nodes, node, node->heap_count - 1);
    hayi_nodes_touch(nodes, index);
}

void hayi_nodes_stage(struct hayi_nodes *nodes, uint32_t i)
{
    struct hayi_cargo *cargo = hayi_cargo_at(nodes->cargos, i);
    struct hayi_node *node = &nodes->list[cargo->node - 1];
    assert(cargo->state == HAYI_CARGO_ASSIGNED);
    heap_remove(nodes, node, cargo);
    cargo->state = HAYI_CARGO_FETCHING;
    nodes->cargos->staged++;
    hayi_cargos_link(nodes->cargos, &node->staged, i);
    node->staged_count++;
}

void hayi_nodes_detach(struct hayi_nodes *nodes, uint32_t i)
{
    struct hayi_cargo *cargo = hayi_cargo_at(nodes->cargos, i);
    if (cargo->node != 0) {
        struct hayi_node *node = &nodes->list[cargo->node - 1];
        if (cargo->state == HAYI_CARGO_ASSIGNED) {
            heap_remove(nodes, node, cargo);
        } else {
            hayi_cargos_unlink(nodes->cargos, &node->staged, i);
            node->staged_count--;
            nodes->cargos->staged--;
        }
        node->backlog_ns -= cargo->expected_ns;
        node->backlog_cores -= cargo->cores;
        hayi_nodes_touch(nodes, cargo->node - 1);
        cargo->node = 0;
    }
    cargo->missing = 0;
    cargo->state = HAYI_CARGO_OPEN;
}

/* ---- those to be looked at --------------------------------------------- */

void hayi_nodes_touch(struct hayi_nodes *nodes, uint32_t index)
{
    struct hayi_node *node = &nodes->list[index];
    if (node->listed) {
        return;
    }
    node->listed = true;
    node->next = 0;
    if (nodes->last == 0) {
        nodes->first = index + 1;
    } else {
        nodes->list[nodes->last - 1].next = index + 1;
    }
    nodes->last = index + 1;
}

uint32_t hayi_nodes_pop(struct hayi_nodes *nodes)
{
    uint32_t number = nodes->first;
    if (number != 0) {
        struct hayi_node *node = &nodes->list[number - 1];
        nodes->first = node->next;
        if (nodes->first == 0) {
            nodes->last = 0;
        }
        node->next = 0;
        node->listed = false;
    }
    return number;
}

size_t hayi_nodes_bytes(const struct hayi_nodes *nodes)
{
    return nodes->max * (sizeof(*nodes->list) + sizeof(*nodes->seen))
           + (nodes->workers->max + nodes->heap_entries) * sizeof(uint32_t);
}

static void check_node(const struct hayi_nodes *nodes, uint32_t index)
{
    const struct hayi_node *node = &nodes->list[index];
    uint64_t cores = 0;
    uint64_t backlog_ns = 0;
    uint64_t backlog_cores = 0;
    uint32_t count = 0;
    uint32_t staying = 0;
    for (uint32_t w = node->workers; w != 0; count++) {
        const struct hayi_worker *worker = &nodes->workers->list[w - 1];
        assert(hayi_worker_there(worker));
        assert(worker->off_node == (worker->state == HAYI_WORKER_LEAVING));
        assert(worker->node == index);
        cores += worker->off_node ? 0 : worker->cores;
        staying += worker->off_node ? 0 : 1;
        w = nodes->follow[w - 1];
    }
    assert(count == node->worker_count);
    assert(staying == node->staying);
    assert(cores == node->cores);
    for (uint32_t i = 0; i < node->heap_count; i++) {
        const struct hayi_cargo *cargo =
            hayi_cargo_at(nodes->cargos, node->heap[i]);
        assert(cargo->state == HAYI_CARGO_ASSIGNED);
        assert(cargo->node == index + 1);
        assert(cargo->position == i + 1);
        assert(i == 0
               || !before(nodes, node->heap[i], node->heap[(i - 1) / 2]));
        backlog_ns += cargo->expected_ns;
        backlog_cores += cargo->cores;
    }
    count = 0;
    for (uint32_t i = node->staged; i != 0; count++) {
        const struct hayi_cargo *cargo = hayi_cargo_at(nodes->cargos, i);
        assert(cargo->state == HAYI_CARGO_FETCHING
               || cargo->state == HAYI_CARGO_READY);
        assert(cargo->node == index + 1);
        backlog_ns += cargo->expected_ns;
        backlog_cores += cargo->cores;
        i = cargo->next;
    }
    assert(count == node->staged_count);
    assert(backlog_ns == node->backlog_ns);
    assert(backlog_cores == node->backlog_cores);
}

void hayi_nodes_check(const struct hayi_nodes *nodes)
{
    uint64_t assigned = 0;
    uint64_t staged = 0;
    uint32_t live = 0;
    for (uint32_t i = 0; i < nodes->max; i++) {
        check_node(nodes, i);
        assigned += nodes->list[i].heap_count;
        staged += nodes->list[i].staged_count;
        live += nodes->list[i].staying > 0 ? 1 : 0;
    }
    assert(assigned == nodes->cargos->assigned);
    assert(staged == nodes->cargos->staged);
    assert(live == nodes->live);
}
