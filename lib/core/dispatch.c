/* dispatch.c - hands out what can be handed out.
 *
 * Classes have their turn in the order of their first rows.  A row goes to the
 * first worker of the heap (the most idle one, or the one with the least work
 * per core); if that one can never fit, to the best of all that fit, found by
 * walking over them.  Workers with idle cores always take; others hold ahead
 * only so many as their cores work off in ahead_ns.  A class whose first row
 * finds no worker is blocked until room comes up somewhere.
 */
#include "config.h"

#include "core/alone.h"
#include "core/stragglers.h"

#include <assert.h>

#define NOBODY UINT32_MAX
/* Tasks as long as this never wait at a worker while another may be free. */
#define LONG_NS 1000000000u

/* Cores' worth of such tasks that a core may hold ahead. */
static uint32_t depth_of(const struct hayi_sched *s, uint64_t expected_ns)
{
    if (expected_ns == 0) {
        return 1;
    }
    if (expected_ns >= LONG_NS) {
        return s->workers.heap_count > 1 ? 0 : 1;
    }
    uint64_t depth = s->config.ahead_ns / expected_ns;
    if (depth < 1) {
        return 1;
    }
    return depth < s->config.ahead_max ? (uint32_t)depth : s->config.ahead_max;
}

static bool has_room(const struct hayi_worker *worker,
                     const struct hayi_needs *needs,
                     int64_t rank,
                     uint32_t depth)
{
    if (rank < worker->wanted && needs->cores > hayi_worker_idle(worker)) {
        return false;
    }
    if (hayi_worker_idle(worker) > 0) {
        return true;
    }
    uint64_t ahead = (uint64_t)hayi_worker_ahead(worker) + needs->cores;
    return ahead <= (uint64_t)depth * worker->cores;
}

/* avoid: a worker to be left out, or NOBODY. */
static uint32_t walk(const struct hayi_sched *s,
                     const struct hayi_needs *needs,
                     int64_t rank,
                     uint32_t depth,
                     uint32_t avoid)
{
    uint32_t best = NOBODY;
    const struct hayi_workers_slot *found = NULL;
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        const struct hayi_workers_slot *slot = &s->workers.heap[i];
        if (found != NULL
            && (slot->key > found->key
                || (slot->key == found->key && slot->tie > found->tie))) {
            continue;
        }
        const struct hayi_worker *worker = &s->workers.list[slot->worker];
        if (slot->worker != avoid
            && hayi_worker_fits(worker, slot->worker, needs)
            && has_room(worker, needs, rank, depth)) {
            best = slot->worker;
            found = slot;
        }
    }
    return best;
}

/* The same for workers of one node. */
static uint32_t walk_node(const struct hayi_sched *s,
                          const struct hayi_needs *needs,
                          int64_t rank,
                          uint32_t depth,
                          uint32_t avoid)
{
    uint32_t best = NOBODY;
    const struct hayi_workers_slot *found = NULL;
    uint32_t next = s->nodes.list[needs->node - 1].workers;
    while (next != 0) {
        uint32_t w = next - 1;
        const struct hayi_worker *worker = &s->workers.list[w];
        const struct hayi_workers_slot *slot =
            &s->workers.heap[worker->position - 1];
        next = s->nodes.follow[w];
        if (found != NULL
            && (slot->key > found->key
                || (slot->key == found->key && slot->tie > found->tie))) {
            continue;
        }
        if (w != avoid && hayi_worker_fits(worker, w, needs)
            && has_room(worker, needs, rank, depth)) {
            best = w;
            found = slot;
        }
    }
    return best;
}

static uint32_t choose(const struct hayi_sched *s,
                       const struct hayi_needs *needs,
                       int64_t rank,
                       uint32_t depth,
                       uint32_t avoid)
{
    if (s->workers.heap_count == 0) {
        return NOBODY;
    }
    uint32_t top = s->workers.heap[0].worker;
    if (needs->worker != 0) {
        top = needs->worker - 1;
    } else if (needs->node != 0) {
        uint32_t other = walk_node(s, needs, rank, depth, avoid);
        return other != NOBODY || avoid == NOBODY
                   ? other
                   : walk_node(s, needs, rank, depth, NOBODY);
    }
    const struct hayi_worker *worker = &s->workers.list[top];
    if (top == avoid && needs->worker == 0) {
        uint32_t other = walk(s, needs, rank, depth, avoid);
        if (other != NOBODY) {
            return other;
        }
    }
    if (hayi_worker_fits(worker, top, needs)) {
        return has_room(worker, needs, rank, depth) ? top : NOBODY;
    }
    return needs->worker != 0 ? NOBODY : walk(s, needs, rank, depth, NOBODY);
}

void hayi_dispatch_book(struct hayi_sched *s,
                        uint32_t index,
                        uint32_t worker_index,
                        uint64_t expected_ns,
                        struct hayi_action *action)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    struct hayi_worker *worker = &s->workers.list[worker_index];
    if (expected_ns == 0) {
        expected_ns = HAYI_UNKNOWN_NS;
    }
    uint64_t cost = expected_ns / HAYI_WORKERS_COST_NS * needs->cores + 1;
    row->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    row->worker = worker_index;
    row->attempt += (row->traits & HAYI_ROW_TRIED) != 0 ? 2 : 1;
    row->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_TRIED;
    if (worker->held == 0) {
        worker->moved_ns = s->now_ns;
    }
    worker->recall_vain = false;
    if ((row->flags & HAYI_ROW_CAME) != 0
        && needs->cores > hayi_worker_idle(worker)) {
        worker->bounced = worker->asked;
    }
    hayi_sched_mark(s, index, HAYI_ROW_HELD);
    hayi_workers_book(&s->workers, index, needs);
    const struct hayi_level *level = &s->ready.levels[row->level];
    if (level->rank < s->low_rank) {
        s->low_rank = level->rank;
    }
    action->u.hand_out.worker = worker_index;
    action->u.hand_out.task = hayi_table_handle(&s->table, index);
    action->u.hand_out.attempt = row->attempt;
    action->u.hand_out.priority = level->priority;
    action->u.hand_out.depth = level->depth;
    action->u.hand_out.needs = *needs;
    action->u.hand_out.prompt =
        row->edges != 0 || s->workers.idle_cores > 0 || row->nested;
}

/* Place the first row of a class.  False: no worker can take it now. */
static bool
place(struct hayi_sched *s, uint32_t class, struct hayi_actions *actions)
{
    uint32_t index = hayi_ready_first(&s->ready, class);
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    bool map = (row->flags & HAYI_ROW_MAP) != 0;
    uint64_t expected_ns;
    uint64_t length = 0;
    if (map) {
        const struct hayi_map *record = &s->maps.list[row->map];
        length = hayi_map_length(record, s->workers.cores, s->config.range_ns);
        expected_ns = length * record->item_ns / 256;
    } else {
        expected_ns = hayi_durations_expected_ns(&s->durations, row->category);
    }
    /* What must not run twice is not given to a worker that may be lost before
     * it begins. */
    bool once = (row->traits & HAYI_ROW_ONCE) != 0;
    uint32_t worker =
        choose(s,
               needs,
               s->ready.levels[row->level].rank,
               once ? 0 : depth_of(s, expected_ns),
               (row->traits & HAYI_ROW_AVOID) != 0 ? row->worker : NOBODY);
    if (worker == NOBODY) {
        return false;
    }
    if (map) {
        hayi_range_hand_out(s, index, length, worker, actions);
        return true;
    }
    hayi_ready_remove(&s->ready, index);
    if (row->cargo != 0) {
        hayi_place_out(s, row->cargo);
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.payload = row->payload;
    hayi_dispatch_book(s, index, worker, expected_ns, a);
    return true;
}

void hayi_dispatch_room(struct hayi_sched *s, uint32_t worker)
{
    s->workers.list[worker].wanted = INT64_MIN;
    if (s->blocked != 0) {
        hayi_ready_unblock(&s->ready, &s->blocked);
    }
    if (s->workers.list[worker].blocked != 0) {
        hayi_ready_unblock(&s->ready, &s->workers.list[worker].blocked);
    }
    struct hayi_node *node = &s->nodes.list[s->workers.list[worker].node];
    if (node->blocked != 0) {
        hayi_ready_unblock(&s->ready, &node->blocked);
    }
    if (node->heap_count != 0) {
        hayi_nodes_touch(&s->nodes, s->workers.list[worker].node);
    }
}

static uint32_t *blocked_list(struct hayi_sched *s, uint32_t class)
{
    const struct hayi_needs *needs = &s->ready.classes.list[class].needs;
    if (needs->worker != 0) {
        return &s->workers.list[needs->worker - 1].blocked;
    }
    if (needs->node != 0) {
        return &s->nodes.list[needs->node - 1].blocked;
    }
    return &s->blocked;
}

static hay_status hand_out(struct hayi_sched *s, struct hayi_actions *actions)
{
    hay_status status = hayi_drain(s, actions);
    if (status != HAY_OK) {
        return status;
    }
    uint32_t class = hayi_ready_class(&s->ready);
    for (; class != 0; class = hayi_ready_class(&s->ready)) {
        if (hayi_actions_reserve(actions, 1) != HAY_OK
            || hayi_table_reserve(&s->table) != HAY_OK) {
            return HAY_ENOMEM;
        }
        if (place(s, class, actions)) {
            continue;
        }
        status = hayi_recall_for(s, class, actions);
        if (status != HAY_OK) {
            return status;
        }
        hayi_ready_block(&s->ready, class, blocked_list(s, class));
    }
    return HAY_OK;
}

hay_status hayi_sched_dispatch(struct hayi_sched *s,
                               uint64_t now_ns,
                               struct hayi_actions *actions)
{
    if (now_ns > s->now_ns) {
        s->now_ns = now_ns;
    }
    s->dispatches++;
    do {
        hay_status status = hayi_alone_dispatch(s, actions);
        if (status == HAY_OK) {
            status = hand_out(s, actions);
        }
        if (status != HAY_OK) {
            return status;
        }
    } while ((hayi_data_backlog(s) && hayi_place_steal(s))
             || hayi_data_drain_wanted(s));
    hay_status status = hayi_recall(s, actions);
    return status == HAY_OK ? hayi_stragglers_look(s, actions) : status;
}
