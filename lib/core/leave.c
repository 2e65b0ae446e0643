/* leave.c - workers that leave in order.
 *
 * A worker that begins to leave is in no heap any more, so that nothing chooses
 * it; it runs what it has begun and gives back the rest.  Once nobody stays on
 * its node, what is needed and has no copy that will last elsewhere is brought
 * to a node that stays: each such object is found when it is settled (data.c),
 * and all of the node are settled when that begins.  A copy that its node may
 * drop to make room lasts only if it can be made again.  Where no node has room
 * for an object, after some tries, it goes with the node.  A worker that holds
 * nothing, moves nothing, and leaves nothing behind is let go.
 */
#include "config.h"

#include "core/state.h"

#define NOBODY    UINT32_MAX
#define TRIES_MAX 4u

/* ---- what is on its node ----------------------------------------------- */

static bool stays(const struct hayi_sched *s, uint32_t node)
{
    return hayi_nodes_there(&s->nodes, node)
           && !hayi_nodes_deserted(&s->nodes, node);
}

/* Will it last when all have gone that leave? */
static bool lasts(const struct hayi_sched *s, const struct hayi_thing *thing)
{
    for (uint32_t r = thing->replicas; r != 0;) {
        const struct hayi_replica *replica = &s->objects.replicas[r];
        if ((!replica->loose || thing->maker != 0) && stays(s, replica->node)) {
            return true;
        }
        r = replica->next;
    }
    return false;
}

/* Is it on its way to a node that stays? */
static bool on_its_way(const struct hayi_sched *s,
                       const struct hayi_thing *thing)
{
    for (uint32_t i = thing->fetches; i != 0;) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, i);
        if (stays(s, fetch->to)) {
            return true;
        }
        i = fetch->other;
    }
    return false;
}

/* Is it to be brought elsewhere? */
static bool at_risk(const struct hayi_sched *s, const struct hayi_thing *thing)
{
    return !thing->soft && thing->copies > 0 && hayi_data_needed(thing)
           && thing->tries < TRIES_MAX && !lasts(s, thing);
}

static bool roomier(const struct hayi_node *a, const struct hayi_node *than)
{
    bool full = a->used_permille > HAYI_MEMORY_FULL;
    if (full != (than->used_permille > HAYI_MEMORY_FULL)) {
        return !full;
    }
    if (a->incoming_bytes != than->incoming_bytes) {
        return a->incoming_bytes < than->incoming_bytes;
    }
    return a->used_permille < than->used_permille
           || (a->used_permille == than->used_permille && a->tie < than->tie);
}

/* Where it may go: a node that stays and has no copy; NOBODY. */
static uint32_t shelter(const struct hayi_sched *s, uint32_t object)
{
    uint32_t best = NOBODY;
    for (uint32_t n = 0; n < s->nodes.max; n++) {
        if (stays(s, n) && hayi_objects_on(&s->objects, object, n) == NULL
            && (best == NOBODY
                || roomier(&s->nodes.list[n], &s->nodes.list[best]))) {
            best = n;
        }
    }
    return best;
}

void hayi_leave_save(struct hayi_sched *s,
                     uint32_t object,
                     struct hayi_actions *actions)
{
    struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    if (!at_risk(s, thing) || on_its_way(s, thing)) {
        return;
    }
    uint32_t to = shelter(s, object);
    if (to == NOBODY) {
        thing->tries = TRIES_MAX;
        return;
    }
    thing->tries++;
    uint32_t fetch = hayi_fetches_add(&s->fetches, object, to);
    hayi_fetch_at(&s->fetches, fetch)->keep = true;
    hayi_move_start(s, fetch, actions);
}

/* Look again at all objects there that are to be brought elsewhere, or: is
 * there any? */
static bool any_at_risk(struct hayi_sched *s, uint32_t node)
{
    bool any = false;
    for (uint32_t i = 1; i < s->objects.count; i++) {
        const struct hayi_thing *thing = hayi_object_at(&s->objects, i);
        if (thing->used && hayi_objects_on(&s->objects, i, node) != NULL
            && at_risk(s, thing)) {
            hayi_objects_touch(&s->objects, i);
            any = true;
        }
    }
    return any;
}

/* ---- it begins --------------------------------------------------------- */

/* Nothing more is prepared on its node, or at least not for it. */
static void clear_node(struct hayi_sched *s, uint32_t n)
{
    struct hayi_node *node = &s->nodes.list[n];
    while (node->heap_count > 0) {
        hayi_place_withdraw(s, node->heap[node->heap_count - 1]);
    }
    while (node->staged != 0) {
        hayi_place_withdraw(s, node->staged);
    }
    for (uint32_t i = 1; node->staying == 0 && i < s->fetches.count; i++) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, i);
        if (fetch->state == HAYI_FETCH_QUEUED && fetch->to == n) {
            uint32_t object = fetch->thing;
            hayi_fetches_end(&s->fetches, i);
            hayi_objects_touch(&s->objects, object); /* a want begins anew */
        }
    }
}

static void begin(struct hayi_sched *s, uint32_t w)
{
    struct hayi_worker *worker = &s->workers.list[w];
    uint32_t node = worker->node;
    hayi_judge_loss(s, w);
    hayi_reserve_clear(s);
    s->recalled -= worker->recalled;
    worker->recalled = 0;
    hayi_workers_retire(&s->workers, w);
    hayi_nodes_retire(&s->nodes, w);
    clear_node(s, node);
    hayi_ready_unblock(&s->ready, &worker->blocked);
    hayi_ready_unblock(&s->ready, &s->nodes.list[node].blocked);
    hayi_ready_unblock(&s->ready, &s->blocked);
    hayi_members_free_classes(s, w);
    if (hayi_nodes_deserted(&s->nodes, node)) {
        (void)any_at_risk(s, node);
    }
    hayi_judge(s);
}

hay_status hayi_leave_take(struct hayi_sched *s, const struct hayi_event *event)
{
    uint32_t w = event->u.leave.worker;
    if (w >= s->workers.max || s->workers.list[w].state != HAYI_WORKER_JOINED) {
        s->stale++;
        return HAY_OK;
    }
    struct hayi_worker *worker = &s->workers.list[w];
    if (event->u.leave.end_ns == 0) {
        begin(s, w);
        return HAY_OK;
    }
    uint64_t end_ns = event->u.leave.end_ns;
    bool later = end_ns > worker->end_ns;
    s->workers.bounded += worker->end_ns == 0 ? 1 : 0;
    worker->end_ns = end_ns;
    if (later) {
        hayi_dispatch_room(s, w); /* more may fit */
        hayi_judge(s);
    }
    return HAY_OK;
}

/* ---- it ends ----------------------------------------------------------- */

static bool moves(const struct hayi_sched *s, uint32_t w)
{
    for (uint32_t i = 1; i < s->fetches.count; i++) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, i);
        if (fetch->state == HAYI_FETCH_FLYING
            && (fetch->from_worker == w || fetch->to_worker == w)) {
            return true;
        }
    }
    return false;
}

/* Of several that leave one node the last one sees to what is there. */
static bool may_go(struct hayi_sched *s, uint32_t w)
{
    const struct hayi_worker *worker = &s->workers.list[w];
    uint32_t node = worker->node;
    return worker->held == 0 && !moves(s, w)
           && (s->nodes.list[node].worker_count > 1
               || !hayi_nodes_deserted(&s->nodes, node)
               || !any_at_risk(s, node));
}

static void let_go(struct hayi_sched *s, uint32_t w)
{
    uint32_t node = s->workers.list[w].node;
    hayi_workers_lose(&s->workers, w);
    hayi_nodes_leave(&s->nodes, w);
    hayi_move_lost(s, w);
    hayi_ready_unblock(&s->ready, &s->workers.list[w].blocked);
    hayi_ready_unblock(&s->ready, &s->nodes.list[node].blocked);
    hayi_judge(s);
}

hay_status hayi_leave_look(struct hayi_sched *s, struct hayi_actions *actions)
{
    for (uint32_t w = 0; s->workers.leaving > 0 && w < s->workers.max; w++) {
        if (s->workers.list[w].state != HAYI_WORKER_LEAVING || !may_go(s, w)) {
            continue;
        }
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        let_go(s, w);
        hayi_actions_add(actions, HAYI_ACTION_LET_GO)->u.let_go.worker = w;
    }
    return HAY_OK;
}

/* ---- until then -------------------------------------------------------- */

uint64_t hayi_leave_until_ns(const struct hayi_sched *s,
                             uint32_t category,
                             uint64_t map_ns)
{
    if (s->workers.bounded == 0) {
        return 0;
    }
    uint64_t ns =
        map_ns != 0 ? map_ns + map_ns / 2 : hayi_walltime_fit_ns(s, category);
    return s->now_ns + ns;
}

bool hayi_leave_node_in_time(const struct hayi_sched *s,
                             uint32_t node,
                             uint32_t category)
{
    uint64_t until_ns = hayi_leave_until_ns(s, category, 0);
    uint32_t w = until_ns == 0 ? 0 : s->nodes.list[node].workers;
    if (w == 0) {
        return true;
    }
    for (; w != 0; w = s->nodes.follow[w - 1]) {
        if (hayi_worker_in_time(&s->workers.list[w - 1], until_ns)) {
            return true;
        }
    }
    return false;
}
