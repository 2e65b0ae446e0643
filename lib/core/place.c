/* place.c - where tasks with objects as inputs go.
 *
 * A task whose inputs are objects is asked which ones (GATHER), then looked at:
 * what is on no node must be made again first; else it is assigned to the node
 * where it is expected to start first: the time to bring what is not there,
 * plus the time that what is held, staged and assigned there will take.  Looked
 * at are the nodes with the most bytes of its inputs, the one of the most idle
 * worker, and a few others in turn, so that the cost does not grow with the
 * farm.  Where there is one node only all this is left out.
 *
 * A node that would be idle takes a task of the node with the longest wait, if
 * bringing its inputs takes less time than waiting there.  Of such nodes, too,
 * only a few are looked at each time.
 */
#include "config.h"

#include "core/demand.h"

#include <assert.h>

#define NOBODY     UINT32_MAX
#define HOLDERS    8  /* nodes looked at for the bytes that they hold */
#define OTHERS     8  /* ... for their load */
#define STEAL_LOOK 16 /* tasks of the node with the longest wait */
#define THIEVES    16 /* workers with the least to do, and as many others */

const struct hayi_needs *hayi_place_needs(const struct hayi_sched *s,
                                          const struct hayi_cargo *cargo)
{
    return &s->ready.classes.list[cargo->class].needs;
}

uint64_t hayi_place_move_ns(const struct hayi_sched *s, uint64_t bytes)
{
    uint64_t blocks = bytes / 1024 + (bytes % 1024 != 0 ? 1 : 0);
    return blocks < UINT64_MAX >> 21 ? (blocks << 20) / s->rate
                                     : UINT64_MAX >> 1;
}

/* ---- on its way, and off it -------------------------------------------- */

void hayi_place_withdraw(struct hayi_sched *s, uint32_t index)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    switch ((enum hayi_cargo_state)cargo->state) {
    case HAYI_CARGO_WAITING: {
        struct hayi_thing *thing = hayi_object_at(&s->objects, cargo->waits);
        hayi_cargos_unlink(&s->cargos, &thing->waiters, index);
        cargo->waits = 0;
        cargo->state = HAYI_CARGO_OPEN;
        break;
    }
    case HAYI_CARGO_UNPLACED:
        hayi_cargos_unlink(&s->cargos, &s->cargos.unplaced, index);
        cargo->state = HAYI_CARGO_OPEN;
        break;
    case HAYI_CARGO_READY:
        hayi_task_unqueue(s, cargo->row);
        hayi_sched_mark(s, cargo->row, HAYI_ROW_GATHER);
        hayi_nodes_detach(&s->nodes, index);
        break;
    case HAYI_CARGO_ASSIGNED:
    case HAYI_CARGO_FETCHING:
        hayi_nodes_detach(&s->nodes, index);
        break;
    case HAYI_CARGO_OPEN:
        break;
    case HAYI_CARGO_FREE:
    case HAYI_CARGO_OUT:
    case HAYI_CARGO_KEPT:
        assert(false);
    }
    hayi_cargos_touch(&s->cargos, index);
}

void hayi_place_leave(struct hayi_sched *s, uint32_t index)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    if (cargo->state == HAYI_CARGO_READY) {
        hayi_nodes_detach(&s->nodes, index);
    } else if (cargo->state != HAYI_CARGO_OUT) {
        hayi_place_withdraw(s, index);
    }
    cargo->state = HAYI_CARGO_OPEN;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        assert(thing->users > 0);
        thing->users--;
        hayi_objects_touch(&s->objects, cargo->inputs[i]);
    }
}

void hayi_place_out(struct hayi_sched *s, uint32_t index)
{
    hayi_nodes_detach(&s->nodes, index);
    hayi_cargo_at(&s->cargos, index)->state = HAYI_CARGO_OUT;
}

void hayi_place_gather(struct hayi_sched *s,
                       uint32_t index,
                       bool announce,
                       struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    hayi_sched_mark(s, index, HAYI_ROW_GATHER);
    if (row->age == 0) {
        row->age = ++s->ready.age;
    }
    if (announce && (row->traits & HAYI_ROW_REMAKE) == 0) {
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_STATE);
        a->u.state.payload = row->payload;
        a->u.state.state = HAY_READY;
    }
    if (row->cargo != 0) {
        hayi_cargo_at(&s->cargos, row->cargo)->state = HAYI_CARGO_OPEN;
        hayi_cargos_touch(&s->cargos, row->cargo);
        return;
    }
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_INPUTS);
    a->u.inputs.payload = row->payload;
    a->u.inputs.task = hayi_table_handle(&s->table, index);
}

/* Its inputs are where it will run: to the ready queue. */
static hay_status
to_ready(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    struct hayi_row *row = hayi_sched_row(s, cargo->row);
    struct hayi_needs needs = *hayi_place_needs(s, cargo);
    if (needs.worker == 0) {
        needs.node = cargo->node;
    }
    if (hayi_sched_needs(s, row)->node != needs.node) {
        uint32_t level = 0;
        if (hayi_members_level(s, &needs, cargo->priority, cargo->depth, &level)
            != HAY_OK) {
            hayi_cargos_touch(&s->cargos, index);
            return HAY_ENOMEM;
        }
        hayi_ready_release(&s->ready, row->level);
        row->level = level;
    }
    uint32_t class = s->ready.levels[row->level].class;
    if (s->ready.classes.list[class].infeasible) {
        if (needs.node != 0) {
            hayi_place_withdraw(s, index); /* another node may meet it */
            return HAY_OK;
        }
        struct hayi_end end = {
            .state = HAY_FAILED,
            .status = HAY_EINFEASIBLE,
            .attempt = row->attempt,
            .worker = row->worker,
        };
        hayi_task_end(s, cargo->row, &end, actions);
        return HAY_OK;
    }
    cargo->state = HAYI_CARGO_READY;
    hayi_task_queue(s, cargo->row);
    return HAY_OK;
}

/* ---- choice of a node -------------------------------------------------- */

struct choice {
    uint32_t shun; /* a node to be left out, or NOBODY */
    uint32_t node;
    uint64_t cost_ns;
    uint32_t idle;
};

/* Note how many bytes of the inputs each node has; the number of nodes. */
static uint32_t weigh(struct hayi_sched *s, const struct hayi_cargo *cargo)
{
    uint32_t count = 0;
    s->nodes.question++;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        const struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        uint32_t r = thing->replicas;
        while (r != 0) {
            uint32_t n = s->objects.replicas[r].node;
            struct hayi_node *node = &s->nodes.list[n];
            if (node->scratch_for != s->nodes.question) {
                node->scratch_for = s->nodes.question;
                node->scratch = 0;
                s->nodes.seen[count++] = n;
            }
            node->scratch += thing->bytes;
            r = s->objects.replicas[r].next;
        }
    }
    return count;
}

static uint64_t bytes_of(const struct hayi_sched *s,
                         const struct hayi_cargo *cargo)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        bytes += hayi_object_at(&s->objects, cargo->inputs[i])->bytes;
    }
    return bytes;
}

static uint64_t bytes_on(const struct hayi_sched *s, uint32_t n)
{
    const struct hayi_node *node = &s->nodes.list[n];
    return node->scratch_for == s->nodes.question ? node->scratch : 0;
}

/* Is the node better than the best one so far? */
static void consider(const struct hayi_sched *s,
                     const struct hayi_cargo *cargo,
                     uint64_t bytes,
                     uint32_t n,
                     struct choice *best)
{
    const struct hayi_needs *needs = hayi_place_needs(s, cargo);
    if (n == best->node || n == best->shun || n + 1 == cargo->avoid
        || !hayi_demand_node_meets(s, n, needs)
        || !hayi_leave_node_in_time(s, n, cargo->category)) {
        return;
    }
    uint64_t wait_ns = hayi_nodes_wait_ns(&s->nodes, n, cargo->cores);
    uint64_t cost_ns = hayi_place_move_ns(s, bytes - bytes_on(s, n)) + wait_ns;
    uint32_t idle = hayi_nodes_idle(&s->nodes, n);
    if (best->node != NOBODY) {
        if (cost_ns > best->cost_ns
            || (cost_ns == best->cost_ns && idle < best->idle)) {
            return;
        }
        if (cost_ns == best->cost_ns && idle == best->idle
            && s->nodes.list[n].tie > s->nodes.list[best->node].tie) {
            return;
        }
    }
    *best = (struct choice){
        .shun = best->shun, .node = n, .cost_ns = cost_ns, .idle = idle};
}

/* Those with the most bytes of it. */
static void consider_holders(struct hayi_sched *s,
                             const struct hayi_cargo *cargo,
                             uint64_t bytes,
                             uint32_t count,
                             struct choice *best)
{
    uint32_t *seen = s->nodes.seen;
    for (uint32_t i = 0; i < count && i < HOLDERS; i++) {
        uint32_t most = i;
        for (uint32_t j = i + 1; count > HOLDERS && j < count; j++) {
            if (bytes_on(s, seen[j]) > bytes_on(s, seen[most])) {
                most = j;
            }
        }
        uint32_t n = seen[most];
        seen[most] = seen[i];
        seen[i] = n;
        consider(s, cargo, bytes, n, best);
    }
}

/* The node of the worker where it failed, if nobody else lives there. */
static uint32_t failed_on(const struct hayi_sched *s,
                          const struct hayi_cargo *cargo)
{
    const struct hayi_row *row = hayi_sched_row(s, cargo->row);
    if ((row->traits & HAYI_ROW_AVOID) == 0) {
        return NOBODY;
    }
    const struct hayi_worker *worker = &s->workers.list[row->worker];
    bool only = worker->state == HAYI_WORKER_JOINED
                && s->nodes.list[worker->node].worker_count == 1;
    return only ? worker->node : NOBODY;
}

static uint32_t choose(struct hayi_sched *s, const struct hayi_cargo *cargo)
{
    struct choice best = {.shun = failed_on(s, cargo), .node = NOBODY};
    const struct hayi_needs *needs = hayi_place_needs(s, cargo);
    uint64_t bytes = bytes_of(s, cargo);
    uint32_t count = weigh(s, cargo);
    uint32_t workers = s->workers.heap_count;
    if (needs->worker != 0) {
        const struct hayi_worker *worker = &s->workers.list[needs->worker - 1];
        if (worker->state == HAYI_WORKER_JOINED) {
            best.shun = NOBODY; /* it has no choice */
            consider(s, cargo, bytes, worker->node, &best);
        }
        return best.node;
    }
    if (workers == 0) {
        return NOBODY;
    }
    consider_holders(s, cargo, bytes, count, &best);
    uint32_t w = s->workers.heap[0].worker;
    consider(s, cargo, bytes, s->workers.list[w].node, &best);
    for (uint32_t i = 0; i < OTHERS && i < workers; i++) {
        s->nodes.cursor = (s->nodes.cursor + 1) % workers;
        w = s->workers.heap[s->nodes.cursor].worker;
        consider(s, cargo, bytes, s->workers.list[w].node, &best);
    }
    for (uint32_t n = 0; best.node == NOBODY && n < s->nodes.max; n++) {
        consider(s, cargo, bytes, n, &best);
    }
    if (best.node == NOBODY && best.shun != NOBODY) {
        uint32_t node = best.shun;
        best.shun = NOBODY;
        consider(s, cargo, bytes, node, &best);
    }
    return best.node;
}

/* ---- looking at a task ------------------------------------------------- */

/* One of its inputs is lost for good. */
static void fail_lost(struct hayi_sched *s,
                      const struct hayi_cargo *cargo,
                      uint32_t object,
                      struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, cargo->row);
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = HAY_EFARM,
        .attempt = row->attempt,
        .worker = row->worker,
    };
    if (object != 0) {
        end.lost = hayi_objects_handle(&s->objects, object);
        end.lost_by = hayi_object_at(&s->objects, object)->lost_by;
    }
    hayi_task_end(s, cargo->row, &end, actions);
}

/* No node can run it: for now, or for ever. */
static void
unplaced(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    const struct hayi_row *row = hayi_sched_row(s, cargo->row);
    bool full = cargo->avoid != 0;
    if (!full && !s->ready.classes.list[cargo->class].infeasible) {
        cargo->state = HAYI_CARGO_UNPLACED;
        hayi_cargos_link(&s->cargos, &s->cargos.unplaced, index);
        return;
    }
    struct hayi_end end = {
        .state = HAY_FAILED,
        .status = full ? HAY_EFARM : HAY_EINFEASIBLE,
        .attempt = row->attempt,
        .worker = row->worker,
        .report = cargo->report,
    };
    hayi_task_end(s, cargo->row, &end, actions);
}

/* The first of its inputs that is on no node and not on its way; all of them
 * will be made again.  0: none. */
static uint32_t first_lost(struct hayi_sched *s, const struct hayi_cargo *cargo)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        const struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        if (thing->copies > 0 || thing->soft) {
            continue;
        }
        if (thing->lost) {
            return cargo->inputs[i];
        }
        hayi_objects_touch(&s->objects, cargo->inputs[i]);
        first = first == 0 ? cargo->inputs[i] : first;
    }
    return first;
}

/* There is nothing to choose: all workers and all inputs are on one node. */
static bool settled(const struct hayi_sched *s, const struct hayi_cargo *cargo)
{
    if (s->nodes.max == 1) {
        return true;
    }
    if (!s->judging || s->nodes.live != 1) {
        return false;
    }
    uint32_t node = s->workers.list[s->workers.heap[0].worker].node;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        if (!hayi_object_at(&s->objects, object)->soft
            && hayi_objects_on(&s->objects, object, node) == NULL) {
            return false;
        }
    }
    return true;
}

static hay_status
look_open(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    if (cargo->kept && hayi_lineage_idle(s, cargo)) {
        hayi_lineage_failed(s, cargo->row, false);
        return HAY_OK;
    }
    if (cargo->spoilt) {
        fail_lost(s, cargo, 0, actions);
        return HAY_OK;
    }
    uint32_t lost = first_lost(s, cargo);
    if (lost != 0) {
        struct hayi_thing *thing = hayi_object_at(&s->objects, lost);
        if (thing->lost) {
            fail_lost(s, cargo, lost, actions);
            return HAY_OK;
        }
        cargo->state = HAYI_CARGO_WAITING;
        cargo->waits = lost;
        hayi_cargos_link(&s->cargos, &thing->waiters, index);
        return HAY_OK;
    }
    if (settled(s, cargo)) {
        return to_ready(s, index, actions);
    }
    uint32_t node = choose(s, cargo);
    if (node == NOBODY) {
        unplaced(s, index, actions);
        return HAY_OK;
    }
    if (hayi_nodes_reserve(&s->nodes, node) != HAY_OK) {
        hayi_cargos_touch(&s->cargos, index);
        return HAY_ENOMEM;
    }
    uint64_t expected_ns =
        hayi_durations_expected_ns(&s->durations, cargo->category);
    expected_ns = expected_ns == 0 ? HAYI_UNKNOWN_NS : expected_ns;
    expected_ns = expected_ns < UINT32_MAX * (uint64_t)1000
                      ? expected_ns
                      : UINT32_MAX * (uint64_t)1000;
    cargo->expected_ns = expected_ns * cargo->cores;
    hayi_nodes_assign(&s->nodes, node, index);
    return HAY_OK;
}

hay_status hayi_place_look(struct hayi_sched *s,
                           uint32_t index,
                           struct hayi_actions *actions)
{
    if (hayi_actions_reserve(actions, 1) != HAY_OK) {
        hayi_cargos_touch(&s->cargos, index);
        return HAY_ENOMEM;
    }
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    if (cargo->state == HAYI_CARGO_OPEN) {
        return look_open(s, index, actions);
    }
    if (cargo->state == HAYI_CARGO_FETCHING && cargo->missing == 0) {
        return to_ready(s, index, actions);
    }
    if (cargo->state == HAYI_CARGO_KEPT && cargo->made_live == 0) {
        hayi_lineage_forget(s, index, actions);
    }
    return HAY_OK;
}

/* ---- stealing ---------------------------------------------------------- */

/* The node whose tasks wait longest; NOBODY. */
static uint32_t longest(const struct hayi_sched *s, uint64_t *wait_ns)
{
    uint32_t longest_one = NOBODY;
    *wait_ns = 0;
    for (uint32_t n = 0; n < s->nodes.max; n++) {
        const struct hayi_node *node = &s->nodes.list[n];
        if (node->heap_count + node->staged_count == 0 || node->cores == 0) {
            continue;
        }
        uint64_t ns = hayi_nodes_wait_ns(&s->nodes, n, 0);
        if (ns > *wait_ns) {
            *wait_ns = ns;
            longest_one = n;
        }
    }
    return longest_one;
}

/* Could a worker of the node start such a task at once? */
static bool
fits_now(const struct hayi_sched *s, uint32_t n, const struct hayi_cargo *cargo)
{
    const struct hayi_needs *needs = hayi_place_needs(s, cargo);
    struct hayi_booker booker =
        hayi_demand_booker(s, hayi_sched_row(s, cargo->row)->level);
    uint32_t variant = 0;
    if (!hayi_leave_node_in_time(s, n, cargo->category)) {
        return false;
    }
    for (uint32_t w = s->nodes.list[n].workers; w != 0;) {
        if (hayi_demand_starts(s, w - 1, needs, booker, &variant)) {
            return true;
        }
        w = s->nodes.follow[w - 1];
    }
    return false;
}

/* Nodes that have nothing to do. */
struct thieves {
    uint32_t count;
    uint32_t list[2 * THIEVES];
};

static void
add_thief(const struct hayi_sched *s, uint32_t slot, struct thieves *thieves)
{
    uint32_t n = s->workers.list[s->workers.heap[slot].worker].node;
    const struct hayi_node *node = &s->nodes.list[n];
    if (node->heap_count > 0 || node->used_permille > HAYI_MEMORY_FULL
        || node->backlog_cores >= hayi_nodes_idle(&s->nodes, n)) {
        return;
    }
    for (uint32_t i = 0; i < thieves->count; i++) {
        if (thieves->list[i] == n) {
            return;
        }
    }
    thieves->list[thieves->count++] = n;
}

/* Those of the workers with the least to do, and of some others in turn. */
static void find_thieves(struct hayi_sched *s, struct thieves *thieves)
{
    uint32_t workers = s->workers.heap_count;
    for (uint32_t i = 0; i < THIEVES && i < workers; i++) {
        add_thief(s, i, thieves);
    }
    for (uint32_t i = THIEVES; i < 2 * THIEVES && i < workers; i++) {
        s->nodes.thief = (s->nodes.thief + 1) % workers;
        add_thief(s, s->nodes.thief, thieves);
    }
}

struct theft {
    uint32_t index; /* 0: none */
    uint32_t thief;
    uint64_t move_ns;
};

/* Would the task start earlier with one of the thieves, and be there sooner
 * than what was found so far? */
static void consider_theft(struct hayi_sched *s,
                           uint32_t index,
                           const struct thieves *thieves,
                           uint64_t wait_ns,
                           struct theft *best)
{
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    uint64_t own_ns = cargo->expected_ns / s->nodes.list[cargo->node - 1].cores;
    if (cargo->stolen == s->dispatches || wait_ns <= own_ns
        || hayi_place_needs(s, cargo)->worker != 0) {
        return;
    }
    uint32_t shun = failed_on(s, cargo);
    uint64_t bytes = bytes_of(s, cargo);
    (void)weigh(s, cargo);
    for (uint32_t i = 0; i < thieves->count; i++) {
        uint32_t n = thieves->list[i];
        uint64_t ns = hayi_place_move_ns(s, bytes - bytes_on(s, n));
        if (ns < wait_ns - own_ns && ns < best->move_ns && n + 1 != cargo->avoid
            && n != shun && n + 1 != cargo->node && fits_now(s, n, cargo)) {
            *best = (struct theft){.index = index, .thief = n, .move_ns = ns};
        }
    }
}

/* The task of the node that is moved with the least time. */
static struct theft find_prey(struct hayi_sched *s,
                              uint32_t victim,
                              const struct thieves *thieves,
                              uint64_t wait_ns)
{
    const struct hayi_node *node = &s->nodes.list[victim];
    struct theft best = {.move_ns = UINT64_MAX};
    for (uint32_t i = 0; i < node->heap_count && i < STEAL_LOOK; i++) {
        consider_theft(
            s, node->heap[node->heap_count - 1 - i], thieves, wait_ns, &best);
    }
    uint32_t index = node->staged;
    for (uint32_t i = 0; best.index == 0 && index != 0 && i < STEAL_LOOK; i++) {
        const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
        if (cargo->state == HAYI_CARGO_READY) {
            consider_theft(s, index, thieves, wait_ns, &best);
        }
        index = cargo->next;
    }
    return best;
}

bool hayi_place_steal(struct hayi_sched *s)
{
    if (s->workers.idle_cores == 0) {
        return false;
    }
    uint64_t wait_ns = 0;
    uint32_t victim = longest(s, &wait_ns);
    if (victim == NOBODY || wait_ns == 0) {
        return false;
    }
    struct thieves thieves = {.count = 0};
    find_thieves(s, &thieves);
    struct theft theft = find_prey(s, victim, &thieves, wait_ns);
    if (theft.index == 0
        || hayi_nodes_reserve(&s->nodes, theft.thief) != HAY_OK) {
        return false;
    }
    hayi_place_withdraw(s, theft.index);
    hayi_nodes_assign(&s->nodes, theft.thief, theft.index);
    hayi_cargo_at(&s->cargos, theft.index)->stolen = s->dispatches;
    return true;
}
