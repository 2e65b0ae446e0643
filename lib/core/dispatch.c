/* dispatch.c - hands out what can be handed out.
 *
 * Classes have their turn in the order of their first rows.  A row goes to the
 * first worker of the heap (the most idle one, or the one with the least work
 * per core); if that one can never fit, to the best of all that fit, found by
 * walking over them.  Workers with idle cores always take; others hold ahead
 * only so many as their cores work off in ahead_ns.  A class whose first row
 * finds no worker is blocked until room comes up somewhere; if others pass it
 * for long, a worker is kept for it (reserve.h).
 */
#include "config.h"

#include "core/alone.h"
#include "core/demand.h"
#include "core/stragglers.h"

#include <assert.h>

#define NOBODY UINT32_MAX
/* Tasks as long as this never wait at a worker while another may be free. */
#define LONG_NS 1000000000u
/* ... and as this none near the end of work. */
#define NEAR_NS 100000000u

/* Cores' worth of such tasks that a core may hold ahead. */
static uint32_t depth_of(const struct hayi_sched *s, uint64_t expected_ns)
{
    if (s->walltime.near && expected_ns >= NEAR_NS) {
        return 0;
    }
    if (expected_ns == 0) {
        return s->walltime.end_ns == UINT64_MAX ? 1 : 0;
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

/* What a worker is looked for. */
struct ask {
    const struct hayi_needs *needs;
    const struct hayi_variant *variant; /* of needs with a request */
    struct hayi_booker booker;
    int64_t rank;
    uint32_t depth;
    uint32_t avoid;    /* a worker to be left out, or NOBODY */
    uint64_t until_ns; /* when it is over if it starts now; 0: no worker has an
                          end */
    bool ahead;        /* of needs with a request: its core may be busy */
};

static bool has_room(const struct hayi_worker *worker,
                     uint32_t cores,
                     int64_t rank,
                     uint32_t depth)
{
    if (rank < worker->wanted && cores > hayi_worker_idle(worker)) {
        return false;
    }
    if (hayi_worker_idle(worker) > 0) {
        return true;
    }
    uint64_t ahead = (uint64_t)hayi_worker_ahead(worker) + cores;
    return ahead <= (uint64_t)depth * worker->cores;
}

/* What is asked for by variants waits here until its cores are idle: other
 * amounts would lie idle with it.  Of one core, that does not take long. */
static bool
takes_variant(const struct hayi_sched *s, uint32_t w, const struct ask *ask)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    uint32_t cores = hayi_demand_cores(ask->variant, worker);
    if (!hayi_worker_in_time(worker, ask->until_ns)) {
        return false;
    }
    bool room = cores <= hayi_worker_idle(worker);
    if (!room && ask->ahead && cores == 1) {
        room = has_room(worker, cores, ask->rank, ask->depth);
    }
    return room
           && hayi_demand_variant_fits(
               s, w, ask->needs, ask->variant, ask->booker);
}

static bool takes(const struct hayi_sched *s, uint32_t w, const struct ask *ask)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    if (ask->variant != NULL) {
        return takes_variant(s, w, ask);
    }
    return hayi_worker_fits(worker, w, ask->needs)
           && hayi_worker_in_time(worker, ask->until_ns)
           && !hayi_demand_kept(s, worker, ask->booker)
           && has_room(worker, ask->needs->cores, ask->rank, ask->depth);
}

static uint32_t walk(const struct hayi_sched *s, const struct ask *ask)
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
        if (slot->worker != ask->avoid && takes(s, slot->worker, ask)) {
            best = slot->worker;
            found = slot;
        }
    }
    return best;
}

/* The same for workers of one node. */
static uint32_t walk_node(const struct hayi_sched *s, const struct ask *ask)
{
    uint32_t best = NOBODY;
    const struct hayi_workers_slot *found = NULL;
    uint32_t next = s->nodes.list[ask->needs->node - 1].workers;
    while (next != 0) {
        uint32_t w = next - 1;
        const struct hayi_worker *worker = &s->workers.list[w];
        next = s->nodes.follow[w];
        if (worker->position == 0) {
            continue; /* it leaves */
        }
        const struct hayi_workers_slot *slot =
            &s->workers.heap[worker->position - 1];
        if (found != NULL
            && (slot->key > found->key
                || (slot->key == found->key && slot->tie > found->tie))) {
            continue;
        }
        if (w != ask->avoid && takes(s, w, ask)) {
            best = w;
            found = slot;
        }
    }
    return best;
}

static uint32_t choose(const struct hayi_sched *s, struct ask *ask)
{
    const struct hayi_needs *needs = ask->needs;
    if (s->workers.heap_count == 0) {
        return NOBODY;
    }
    if (needs->worker != 0) {
        return takes(s, needs->worker - 1, ask) ? needs->worker - 1 : NOBODY;
    }
    if (needs->node != 0) {
        uint32_t other = walk_node(s, ask);
        if (other != NOBODY || ask->avoid == NOBODY) {
            return other;
        }
        ask->avoid = NOBODY;
        return walk_node(s, ask);
    }
    uint32_t top = s->workers.heap[0].worker;
    const struct hayi_worker *worker = &s->workers.list[top];
    if (top == ask->avoid) {
        uint32_t other = walk(s, ask);
        if (other != NOBODY) {
            return other;
        }
    }
    ask->avoid = NOBODY;
    if (takes(s, top, ask)) {
        return top;
    }
    if (needs->request == 0 && hayi_worker_fits(worker, top, needs)
        && hayi_worker_in_time(worker, ask->until_ns)
        && !hayi_demand_kept(s, worker, ask->booker)) {
        return NOBODY; /* nor has any other one room */
    }
    return walk(s, ask);
}

/* The first variant that a worker can take now; whose core may be busy, if
 * none can. */
static uint32_t
choose_variant(const struct hayi_sched *s, struct ask *ask, uint32_t *variant)
{
    const struct hayi_request *request = hayi_demand_request(s, ask->needs);
    uint32_t avoid = ask->avoid;
    for (int ahead = 0; ahead <= 1; ahead++) {
        ask->ahead = ahead != 0;
        if (!ask->ahead && s->workers.idle_cores == 0) {
            continue;
        }
        for (uint32_t v = 0; v < request->count; v++) {
            ask->variant = &request->variants[v];
            ask->avoid = avoid;
            if ((ask->ahead && ask->variant->cores != 1)
                || !hayi_pools_farm_fit(&s->pools, ask->variant, ask->booker)) {
                continue;
            }
            uint32_t worker = choose(s, ask);
            if (worker != NOBODY) {
                *variant = v;
                return worker;
            }
        }
    }
    return NOBODY;
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
    if (hayi_demand_leased(needs)) {
        needs = hayi_demand_lease(
            s, index, worker_index, action->u.hand_out.variant);
        action->u.hand_out.gpu_mask =
            hayi_lease_of(&s->leases, index)->gpu_mask;
    }
    s->hands++;
    if (expected_ns == 0) {
        expected_ns = HAYI_UNKNOWN_NS;
    }
    uint64_t cost = expected_ns / HAYI_WORKERS_COST_NS * needs->cores + 1;
    row->cost = cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
    row->worker = worker_index;
    row->attempt = hayi_row_attempts(row) + 1;
    row->single = false;
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

/* The first of all workers, if any one is good: most tasks ask for no more. */
static uint32_t choose_any(const struct hayi_sched *s, struct ask *ask)
{
    uint32_t top = s->workers.heap[0].worker;
    const struct hayi_worker *worker = &s->workers.list[top];
    if (worker->guard == 0 && hayi_worker_fits(worker, top, ask->needs)
        && hayi_worker_in_time(worker, ask->until_ns)) {
        return has_room(worker, ask->needs->cores, ask->rank, ask->depth)
                   ? top
                   : NOBODY;
    }
    return choose(s, ask);
}

/* A worker for the row; NOBODY: none can take it now. */
static uint32_t find_worker(const struct hayi_sched *s,
                            const struct hayi_row *row,
                            uint64_t expected_ns,
                            uint32_t *variant)
{
    /* What must not run twice is not given to a worker that may be lost before
     * it begins. */
    bool once = (row->traits & HAYI_ROW_ONCE) != 0;
    const struct hayi_needs *needs = hayi_sched_needs(s, row);
    struct ask ask = {
        .needs = needs,
        .booker = hayi_demand_booker(s, row->level),
        .rank = s->ready.levels[row->level].rank,
        .depth = once ? 0 : depth_of(s, expected_ns),
        .avoid = (row->traits & HAYI_ROW_AVOID) != 0 ? row->worker : NOBODY,
        .until_ns = hayi_leave_until_ns(
            s,
            row->category,
            (row->flags & HAYI_ROW_MAP) != 0 ? expected_ns : 0),
    };
    if (needs->request != 0) {
        return choose_variant(s, &ask, variant);
    }
    if ((needs->worker | needs->node) == 0 && ask.avoid == NOBODY
        && s->workers.heap_count != 0) {
        return choose_any(s, &ask);
    }
    return choose(s, &ask);
}

/* Place the first row of a class.  False: no worker can take it now. */
static bool
place(struct hayi_sched *s, uint32_t class, struct hayi_actions *actions)
{
    uint32_t index = hayi_ready_first(&s->ready, class);
    const struct hayi_row *row = hayi_sched_row(s, index);
    bool map = (row->flags & HAYI_ROW_MAP) != 0;
    uint64_t expected_ns;
    uint64_t length = 0;
    uint32_t variant = 0;
    if (map) {
        const struct hayi_map *record = &s->maps.list[row->map];
        length = hayi_map_length(record, s->workers.cores, s->config.range_ns);
        expected_ns = length * record->item_ns / 256;
    } else {
        expected_ns = hayi_durations_expected_ns(&s->durations, row->category);
    }
    if (s->walltime.end_ns != UINT64_MAX
        && hayi_walltime_shelve(s, index, expected_ns, actions)) {
        return true;
    }
    uint32_t worker = find_worker(s, row, expected_ns, &variant);
    if (worker == NOBODY) {
        return false;
    }
    if (map) {
        s->ready.turns[class].stuck_age = 0;
        hayi_range_hand_out(s, index, length, worker, variant, actions);
        return true;
    }
    hayi_ready_remove(&s->ready, index);
    if (row->cargo != 0) {
        hayi_place_out(s, row->cargo);
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.payload = row->payload;
    a->u.hand_out.variant = variant;
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
    if (needs->request != 0) {
        return &s->blocked; /* what it lacks may be the farm's */
    }
    if (needs->worker != 0) {
        return &s->workers.list[needs->worker - 1].blocked;
    }
    if (needs->node != 0) {
        return &s->nodes.list[needs->node - 1].blocked;
    }
    return &s->blocked;
}

/* Room for the next hand-out of the class. */
static hay_status
reserve(struct hayi_sched *s, uint32_t class, struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK
        || hayi_table_reserve(&s->table) != HAY_OK) {
        return HAY_ENOMEM;
    }
    return hayi_demand_leased(&s->ready.classes.list[class].needs)
               ? hayi_leases_reserve(&s->leases, s->table.count)
               : HAY_OK;
}

static hay_status hand_out(struct hayi_sched *s, struct hayi_actions *actions)
{
    hay_status status = hayi_drain(s, actions);
    if (status != HAY_OK) {
        return status;
    }
    if (s->reserve.count != 0) {
        hayi_reserve_review(s);
    }
    uint32_t class = hayi_ready_class(&s->ready);
    for (; class != 0; class = hayi_ready_class(&s->ready)) {
        if (reserve(s, class, actions) != HAY_OK) {
            return HAY_ENOMEM;
        }
        if (place(s, class, actions)) {
            if (s->reserve.count != 0) {
                hayi_reserve_review(s);
            }
            continue;
        }
        hayi_reserve_for(s, class);
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
    hayi_walltime_tick(s);
    if (s->workers.leaving > 0 && hayi_leave_look(s, actions) != HAY_OK) {
        return HAY_ENOMEM;
    }
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
    if (status == HAY_OK) {
        status = hayi_deadlock_look(s, actions);
    }
    if (status == HAY_OK) {
        status = hayi_stragglers_look(s, actions);
    }
    hayi_walltime_look(s);
    return status;
}
