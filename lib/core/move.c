/* move.c - fetches: who sends, when, and what follows from their ends.
 *
 * A node sends to few others at once and receives from few.  A fetch whose
 * receiver is busy stands in the receiver's line; one whose possible senders
 * are all busy, in the line of the sender with the shortest one.  A node that
 * has got an object is asked for it by those that still stand in line, so that
 * many nodes that want the same object form a tree.
 *
 * When a sender is lost its receiver has still to say how the fetch ended: it
 * is stray until then, and another one is queued meanwhile.
 *
 * A receiver may know before us that a sender is dead.  What lies on a node
 * lies there for all its workers: each of them is asked before the copy is
 * struck off.
 */
#include "config.h"

#include "core/state.h"

#include <assert.h>

/* Fetches of fewer bytes teach nothing of the rate. */
#define RATE_BYTES 65536u

void hayi_move_drop(struct hayi_sched *s,
                    uint32_t node,
                    uint64_t place,
                    struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_DROP);
    a->u.drop.node = node;
    a->u.drop.worker = hayi_nodes_dropper(&s->nodes, node);
    a->u.drop.place = place;
}

/* Is 'a' a better sender than 'b', both free to send? */
static bool sooner(const struct hayi_node *a, const struct hayi_node *b)
{
    if (a->sends != b->sends) {
        return a->sends < b->sends;
    }
    return a->sent < b->sent || (a->sent == b->sent && a->tie < b->tie);
}

void hayi_move_start(struct hayi_sched *s,
                     uint32_t index,
                     struct hayi_actions *actions)
{
    struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, index);
    const struct hayi_thing *thing = hayi_object_at(&s->objects, fetch->thing);
    const struct hayi_replica *best = NULL;
    const struct hayi_replica *wait = NULL;
    if (s->nodes.list[fetch->to].receives >= HAYI_RECEIVES_MAX) {
        hayi_fetches_line_up(&s->fetches, index, fetch->to, false);
        return;
    }
    for (uint32_t r = thing->replicas; r != 0;) {
        const struct hayi_replica *replica = &s->objects.replicas[r];
        const struct hayi_node *node = &s->nodes.list[replica->node];
        if (node->sends < HAYI_SENDS_MAX
            && (best == NULL || sooner(node, &s->nodes.list[best->node]))) {
            best = replica;
        }
        if (wait == NULL
            || node->send_line.count
                   < s->nodes.list[wait->node].send_line.count) {
            wait = replica;
        }
        r = replica->next;
    }
    if (wait == NULL) {
        hayi_objects_touch(&s->objects, fetch->thing);
        return;
    }
    if (best == NULL) {
        hayi_fetches_line_up(&s->fetches, index, wait->node, true);
        return;
    }
    uint32_t other = 0;
    const struct hayi_replica *last =
        fetch->tries == 0
            ? NULL
            : hayi_objects_on(&s->objects, fetch->thing, fetch->from);
    if (last != NULL && s->nodes.list[fetch->from].sends < HAYI_SENDS_MAX) {
        best = last;
        other = hayi_nodes_other(&s->nodes, fetch->from, fetch->from_worker);
    }
    fetch->tries = other != 0 ? fetch->tries : 0;
    hayi_fetches_fly(&s->fetches, index, best->node, best->place);
    fetch->from_worker =
        other != 0 ? other - 1 : hayi_nodes_mover(&s->nodes, fetch->from);
    fetch->to_worker = hayi_nodes_mover(&s->nodes, fetch->to);
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_FETCH);
    a->u.fetch.transfer = fetch->number;
    a->u.fetch.object = fetch->object;
    a->u.fetch.bytes = fetch->bytes;
    a->u.fetch.place = fetch->place;
    a->u.fetch.from = fetch->from_worker;
    a->u.fetch.to = fetch->to_worker;
    a->u.fetch.keep = fetch->keep;
}

hay_status
hayi_move_node(struct hayi_sched *s, uint32_t n, struct hayi_actions *actions)
{
    const struct hayi_node *node = &s->nodes.list[n];
    for (;;) {
        uint32_t fetch = 0;
        if (node->sends < HAYI_SENDS_MAX) {
            fetch = node->send_line.first;
        }
        if (fetch == 0 && node->receives < HAYI_RECEIVES_MAX) {
            fetch = node->receive_line.first;
        }
        if (fetch == 0) {
            return HAY_OK;
        }
        if (hayi_actions_reserve(actions, 1) != HAY_OK) {
            return HAY_ENOMEM;
        }
        hayi_fetches_step_out(&s->fetches, fetch);
        hayi_move_start(s, fetch, actions);
    }
}

void hayi_move_strike(struct hayi_sched *s, uint32_t object, uint32_t node)
{
    if (hayi_objects_on(&s->objects, object, node) == NULL) {
        return;
    }
    hayi_objects_strike(&s->objects, object, node);
    hayi_stage_gone(s, object, node);
    hayi_objects_touch(&s->objects, object);
}

/* ---- the end of a fetch ------------------------------------------------ */

static void learn(struct hayi_sched *s, uint64_t bytes, uint64_t run_ns)
{
    if (bytes < RATE_BYTES || bytes >= UINT64_MAX >> 12 || run_ns == 0) {
        return;
    }
    uint64_t rate = bytes * 1024 / run_ns;
    s->rate = (s->rate * 7 + rate + 7) / 8;
}

/* The bytes are there.  1 action; room for a replica. */
static void came(struct hayi_sched *s,
                 hayi_object handle,
                 uint32_t to,
                 uint64_t place,
                 bool keep,
                 struct hayi_actions *actions)
{
    uint32_t object = hayi_objects_find(&s->objects, handle);
    if (object == 0 || hayi_objects_on(&s->objects, object, to) != NULL) {
        const struct hayi_replica *there =
            object == 0 ? NULL : hayi_objects_on(&s->objects, object, to);
        if (there == NULL || there->place != place) {
            hayi_move_drop(s, to, place, actions); /* nobody's, or a second */
        }
        return;
    }
    hayi_objects_put(&s->objects, object, to, place);
    hayi_objects_on(&s->objects, object, to)->loose = !keep;
    hayi_stage_arrived(s, object, to);
    hayi_objects_touch(&s->objects, object);
}

/* There is no room at the receiver: those that need the object there go to
 * another node, once.  An action for each that does not. */
static void no_room(struct hayi_sched *s,
                    uint32_t object,
                    uint32_t to,
                    const struct hayi_event *event,
                    struct hayi_actions *actions)
{
    uint32_t index = s->nodes.list[to].staged;
    while (index != 0) {
        struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
        uint32_t next = cargo->next;
        if (hayi_cargo_lists(cargo, object)) {
            bool again = cargo->avoid == 0;
            const struct hayi_row *row = hayi_sched_row(s, cargo->row);
            hayi_place_withdraw(s, index);
            cargo->avoid = to + 1;
            cargo->report = event->u.moved.report;
            struct hayi_end end = {
                .state = HAY_FAILED,
                .status = HAY_EFARM,
                .attempt = row->attempt,
                .worker = row->worker,
                .report = event->u.moved.report,
            };
            if (!again) {
                hayi_task_end(s, cargo->row, &end, actions);
            }
        }
        index = next;
    }
    uint32_t *link = &hayi_object_at(&s->objects, object)->wants;
    while (*link != 0) {
        const struct hayi_want *want = &s->objects.wants[*link];
        if (want->node != to) {
            link = &s->objects.wants[*link].next;
            continue;
        }
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_WANTED);
        a->u.wanted.cookie = want->cookie;
        a->u.wanted.status = HAY_EIO;
        a->u.wanted.report = event->u.moved.report;
        hayi_objects_unwant(&s->objects, link);
    }
    hayi_objects_touch(&s->objects, object);
}

/* The sender did not have it, or could not send.  1 action. */
static void not_sent(struct hayi_sched *s,
                     uint32_t index,
                     hay_status status,
                     struct hayi_actions *actions)
{
    struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, index);
    uint32_t object = fetch->thing;
    uint32_t to = fetch->to;
    const struct hayi_replica *replica =
        hayi_objects_on(&s->objects, object, fetch->from);
    bool again = status == HAY_EFARM
                 && fetch->tries + 1 < s->nodes.list[fetch->from].worker_count;
    if (replica != NULL && replica->place == fetch->place) {
        fetch->tries++;
        if (!again) {
            hayi_move_strike(s, object, fetch->from);
        }
    }
    if (hayi_object_at(&s->objects, object)->copies > 0) {
        hayi_fetches_ground(&s->fetches, index);
        hayi_move_start(s, index, actions);
        return;
    }
    hayi_fetches_end(&s->fetches, index);
    hayi_stage_gone(s, object, to);
    hayi_objects_touch(&s->objects, object);
}

hay_status hayi_move_moved(struct hayi_sched *s,
                           const struct hayi_event *event,
                           struct hayi_actions *actions)
{
    uint32_t index = hayi_fetches_number(&s->fetches, event->u.moved.transfer);
    if (index == 0) {
        s->stale++;
        return HAY_OK;
    }
    struct hayi_fetch fetch = *hayi_fetch_at(&s->fetches, index);
    hay_status status = event->u.moved.status;
    bool full = status == HAY_EIO || status == HAY_ENOMEM;
    size_t room =
        (size_t)s->nodes.list[fetch.to].staged_count + 1 + s->objects.want_live;
    if (hayi_actions_reserve(actions, full ? room : 1) != HAY_OK
        || hayi_objects_reserve(&s->objects, 0, 1, 0) != HAY_OK) {
        return HAY_ENOMEM;
    }
    if (status == HAY_OK) {
        learn(s, fetch.bytes, event->u.moved.run_ns);
        hayi_fetches_end(&s->fetches, index);
        came(s,
             fetch.object,
             fetch.to,
             event->u.moved.place,
             fetch.keep,
             actions);
        if (fetch.thing != 0) {
            hayi_objects_touch(&s->objects, fetch.thing);
        }
    } else if (fetch.state == HAYI_FETCH_STRAY) {
        hayi_fetches_end(&s->fetches, index);
    } else if (full) {
        hayi_fetches_end(&s->fetches, index);
        no_room(s, fetch.thing, fetch.to, event, actions);
    } else {
        not_sent(s, index, status, actions);
    }
    return HAY_OK;
}

/* ---- lost workers ------------------------------------------------------ */

static void
lose_fetch(struct hayi_sched *s, uint32_t index, uint32_t worker, bool there)
{
    const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, index);
    uint32_t node = s->workers.list[worker].node;
    uint32_t object = fetch->thing;
    uint32_t to = fetch->to;
    bool queued = fetch->state == HAYI_FETCH_QUEUED;
    if (fetch->state == HAYI_FETCH_FREE) {
        return;
    }
    if (queued && (there || to != node)) {
        if (!there && fetch->line >> 1 == node + 1) {
            hayi_fetches_step_out(&s->fetches, index);
            hayi_objects_touch(&s->objects, object);
        }
        return;
    }
    if (queued || fetch->to_worker == worker || (!there && to == node)) {
        hayi_fetches_end(&s->fetches, index);
    } else if (fetch->state == HAYI_FETCH_FLYING
               && fetch->from_worker == worker) {
        hayi_fetches_stray(&s->fetches, index);
    } else {
        return;
    }
    if (object != 0) {
        hayi_stage_gone(s, object, to);
        hayi_objects_touch(&s->objects, object);
    }
}

/* Nobody is on the node any more. */
static void lose_node(struct hayi_sched *s, uint32_t node, uint32_t worker)
{
    for (uint32_t i = 1; i < s->objects.count; i++) {
        struct hayi_thing *thing = hayi_object_at(&s->objects, i);
        if (!thing->used) {
            continue;
        }
        if (hayi_objects_on(&s->objects, i, node) != NULL) {
            hayi_objects_strike(&s->objects, i, node);
            thing->lost_by = thing->copies == 0 ? worker + 1 : 0;
            hayi_objects_touch(&s->objects, i);
        }
        if (thing->wants != 0) {
            hayi_objects_touch(&s->objects, i);
        }
    }
}

void hayi_move_lost(struct hayi_sched *s, uint32_t worker)
{
    uint32_t n = s->workers.list[worker].node;
    struct hayi_node *node = &s->nodes.list[n];
    bool there = hayi_nodes_there(&s->nodes, n);
    /* Perhaps no worker that is left there meets their needs. */
    while (node->heap_count > 0) {
        hayi_place_withdraw(s, node->heap[node->heap_count - 1]);
    }
    while (node->staged != 0) {
        hayi_place_withdraw(s, node->staged);
    }
    for (uint32_t i = 1; i < s->fetches.count; i++) {
        lose_fetch(s, i, worker, there);
    }
    if (!there) {
        lose_node(s, n, worker);
        node->used_permille = 0;
    }
    hayi_nodes_touch(&s->nodes, n);
    uint32_t index = s->cargos.unplaced;
    while (index != 0) {
        uint32_t next = hayi_cargo_at(&s->cargos, index)->next;
        hayi_place_withdraw(s, index); /* perhaps for ever now */
        index = next;
    }
}
