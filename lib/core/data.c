/* data.c - events of objects, and what follows from them.
 *
 * Whatever changes for an object puts it into the list of those to settle;
 * there it is decided, from its whole state, what is to be done: free it, make
 * it again, wake who waits for it, answer who wants it, start its fetches.
 * Cargos and nodes have such lists, too.  hayi_data_drain() works them off,
 * objects first, each step with room for its actions.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/demand.h"

#include <assert.h>
#include <stdlib.h>

bool hayi_data_needed(const struct hayi_thing *thing)
{
    return thing->holds > 0 || thing->users > 0;
}

/* ---- settling an object ------------------------------------------------ */

static void wake(struct hayi_sched *s, uint32_t object)
{
    const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    while (thing->waiters != 0) {
        hayi_place_withdraw(s, thing->waiters);
    }
}

static void answer(struct hayi_sched *s,
                   uint32_t *link,
                   hay_status status,
                   struct hayi_actions *actions)
{
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_WANTED);
    a->u.wanted.cookie = s->objects.wants[*link].cookie;
    a->u.wanted.status = status;
    hayi_objects_unwant(&s->objects, link);
}

/* Answer what can be answered, fetch what can be fetched. */
static void settle_wants(struct hayi_sched *s,
                         uint32_t object,
                         struct hayi_actions *actions)
{
    struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    uint32_t *link = &thing->wants;
    while (*link != 0) {
        const struct hayi_want *want = &s->objects.wants[*link];
        uint32_t node = want->node;
        if (hayi_objects_on(&s->objects, object, node) != NULL) {
            if (want->move) {
                thing->move_to = node + 1;
            }
            answer(s, link, HAY_OK, actions);
            continue;
        }
        if (!hayi_data_needed(thing) || thing->soft || thing->lost
            || !hayi_nodes_there(&s->nodes, node)) {
            answer(s, link, HAY_EFARM, actions);
            continue;
        }
        if (thing->copies > 0
            && hayi_fetches_find(&s->fetches, object, node) == 0) {
            uint32_t fetch = hayi_fetches_add(&s->fetches, object, node);
            hayi_move_start(s, fetch, actions);
        }
        link = &s->objects.wants[*link].next;
    }
}

/* End the queued fetches; whoever waits for one is looked at again. */
static void end_queued(struct hayi_sched *s, uint32_t object)
{
    uint32_t index = hayi_object_at(&s->objects, object)->fetches;
    while (index != 0) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, index);
        uint32_t next = fetch->other;
        if (fetch->state == HAYI_FETCH_QUEUED) {
            uint32_t to = fetch->to;
            hayi_fetches_end(&s->fetches, index);
            hayi_stage_gone(s, object, to);
        }
        index = next;
    }
}

/* Queued fetches to nodes that have it are over; others may start now. */
static void start_queued(struct hayi_sched *s,
                         uint32_t object,
                         struct hayi_actions *actions)
{
    bool senders = true;
    uint32_t index = hayi_object_at(&s->objects, object)->fetches;
    while (index != 0) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, index);
        uint32_t next = fetch->other;
        if (fetch->state == HAYI_FETCH_QUEUED) {
            if (hayi_objects_on(&s->objects, object, fetch->to) != NULL) {
                hayi_fetches_end(&s->fetches, index);
            } else if (fetch->line == 0
                       || (senders && (fetch->line & 1u) != 0)) {
                hayi_fetches_step_out(&s->fetches, index);
                hayi_move_start(s, index, actions);
                senders = (fetch->line & 1u) == 0;
            }
        }
        index = next;
    }
}

/* Free it on all nodes but one (1 + index; 0: on all). */
static void drop_copies(struct hayi_sched *s,
                        uint32_t object,
                        uint32_t but,
                        struct hayi_actions *actions)
{
    const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    uint32_t r = thing->replicas;
    while (r != 0) {
        struct hayi_replica replica = s->objects.replicas[r];
        if (replica.node + 1 != but) {
            if (!thing->soft) {
                hayi_move_drop(s, replica.node, replica.place, actions);
            }
            hayi_objects_strike(&s->objects, object, replica.node);
        }
        r = replica.next;
    }
}

static void settle_unneeded(struct hayi_sched *s,
                            uint32_t object,
                            struct hayi_actions *actions)
{
    const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    assert(thing->waiters == 0);
    end_queued(s, object);
    if (thing->flying > 0) {
        return; /* its end brings us back here */
    }
    drop_copies(s, object, 0, actions);
    if (thing->kin == 0) {
        hayi_lineage_gone(s, object);
        hayi_objects_give(&s->objects, object);
    }
}

/* It is needed, on no node, and not on its way to one. */
static hay_status
settle_lost(struct hayi_sched *s, uint32_t object, struct hayi_actions *actions)
{
    struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    end_queued(s, object);
    if (thing->users == 0 && thing->wants == 0) {
        return HAY_OK; /* nobody needs it now */
    }
    if (!thing->lost) {
        hay_status status = hayi_lineage_remake(s, object);
        if (status != HAY_EFARM) {
            return status;
        }
        thing->lost = true;
    }
    wake(s, object);
    settle_wants(s, object, actions);
    return HAY_OK;
}

static hay_status
settle(struct hayi_sched *s, uint32_t object, struct hayi_actions *actions)
{
    const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
    size_t wants = 0;
    size_t fetches = 0;
    for (uint32_t i = thing->wants; i != 0; i = s->objects.wants[i].next) {
        wants++;
    }
    for (uint32_t i = thing->fetches; i != 0;) {
        fetches++;
        i = hayi_fetch_at(&s->fetches, i)->other;
    }
    size_t saves = s->workers.leaving > 0 ? 1 : 0;
    if (hayi_actions_reserve(actions,
                             thing->copies + 2 * wants + fetches + saves)
            != HAY_OK
        || hayi_fetches_reserve(&s->fetches, wants + saves) != HAY_OK) {
        return HAY_ENOMEM;
    }
    settle_wants(s, object, actions);
    if (!hayi_data_needed(thing)) {
        settle_unneeded(s, object, actions);
        return HAY_OK;
    }
    if (thing->soft) {
        return HAY_OK;
    }
    if (thing->copies == 0) {
        return thing->flying > 0 ? HAY_OK : settle_lost(s, object, actions);
    }
    wake(s, object);
    start_queued(s, object, actions);
    if (saves > 0) {
        hayi_leave_save(s, object, actions);
    }
    if (thing->move_to != 0 && thing->users == 0 && thing->fetches == 0) {
        if (hayi_objects_on(&s->objects, object, thing->move_to - 1) != NULL) {
            drop_copies(s, object, thing->move_to, actions);
        }
        hayi_object_at(&s->objects, object)->move_to = 0;
    }
    return HAY_OK;
}

/* ---- drain ------------------------------------------------------------- */

hay_status hayi_data_drain(struct hayi_sched *s, struct hayi_actions *actions)
{
    hay_status status = HAY_OK;
    while (status == HAY_OK) {
        uint32_t index = hayi_objects_pop(&s->objects);
        if (index != 0) {
            status = settle(s, index, actions);
            if (status != HAY_OK) {
                hayi_objects_touch(&s->objects, index);
            }
            continue;
        }
        index = hayi_cargos_pop(&s->cargos);
        if (index != 0) {
            status = hayi_place_look(s, index, actions);
            continue;
        }
        index = hayi_nodes_pop(&s->nodes);
        if (index == 0) {
            return HAY_OK;
        }
        status = hayi_move_node(s, index - 1, actions);
        if (status == HAY_OK) {
            status = hayi_stage_node(s, index - 1, actions);
        }
        if (status != HAY_OK) {
            hayi_nodes_touch(&s->nodes, index - 1);
        }
    }
    return status;
}

/* ---- events ------------------------------------------------------------ */

static hay_status inputs(struct hayi_sched *s, const struct hayi_event *event)
{
    size_t count = event->u.inputs.count;
    uint32_t index = hayi_table_find(&s->table, event->u.inputs.task);
    if (index == 0 || hayi_sched_row(s, index)->state != HAYI_ROW_GATHER
        || hayi_sched_row(s, index)->cargo != 0) {
        s->stale++;
        return HAY_OK;
    }
    if (count >= UINT32_MAX || hayi_cargos_reserve(&s->cargos) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t *list = NULL;
    uint32_t known = 0;
    if (count > 0) {
        list = hayi_alloc(count, sizeof(*list));
        if (list == NULL) {
            return HAY_ENOMEM;
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t object =
            hayi_objects_find(&s->objects, event->u.inputs.list[i]);
        if (object != 0) {
            list[known++] = object;
        }
    }
    struct hayi_row *row = hayi_sched_row(s, index);
    row->cargo = hayi_cargos_take(&s->cargos);
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    hayi_cargos_inputs(&s->cargos, row->cargo, list, known);
    cargo->row = index;
    cargo->age = row->age;
    cargo->class = s->ready.levels[row->level].class;
    cargo->priority = s->ready.levels[row->level].priority;
    cargo->depth = s->ready.levels[row->level].depth;
    cargo->category = row->category;
    cargo->cores = hayi_demand_guess_cores(s, hayi_sched_needs(s, row));
    cargo->spoilt = known < count;
    s->stale += known < count ? 1 : 0;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        hayi_object_at(&s->objects, cargo->inputs[i])->users++;
    }
    hayi_cargos_touch(&s->cargos, row->cargo);
    return HAY_OK;
}

static hay_status put(struct hayi_sched *s, struct hayi_event *event)
{
    struct hayi_made *made = &event->u.put.made;
    if (!hayi_nodes_there(&s->nodes, event->u.put.node)) {
        return HAY_EINVAL;
    }
    if (hayi_objects_reserve(&s->objects, 1, 1, 0) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_objects_take(&s->objects);
    struct hayi_thing *thing = hayi_object_at(&s->objects, index);
    thing->bytes = made->bytes;
    thing->soft = made->soft;
    thing->holds = 1;
    hayi_objects_put(&s->objects, index, event->u.put.node, made->place);
    made->object = hayi_objects_handle(&s->objects, index);
    if (s->workers.leaving > 0) {
        hayi_objects_touch(&s->objects, index);
    }
    return HAY_OK;
}

static hay_status hold(struct hayi_sched *s, hayi_object object, bool more)
{
    uint32_t index = hayi_objects_find(&s->objects, object);
    if (index == 0) {
        return HAY_EINVAL;
    }
    struct hayi_thing *thing = hayi_object_at(&s->objects, index);
    if (more) {
        thing->holds++;
        return HAY_OK;
    }
    if (thing->holds == 0) {
        return HAY_EINVAL;
    }
    thing->holds--;
    if (thing->holds == 0) {
        hayi_objects_touch(&s->objects, index);
    }
    return HAY_OK;
}

static hay_status want(struct hayi_sched *s,
                       const struct hayi_event *event,
                       struct hayi_actions *actions)
{
    uint32_t index = hayi_objects_find(&s->objects, event->u.want.object);
    if (hayi_objects_reserve(&s->objects, 0, 0, 1) != HAY_OK
        || hayi_actions_reserve(actions, 1) != HAY_OK) {
        return HAY_ENOMEM;
    }
    if (index == 0) {
        struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_WANTED);
        a->u.wanted.cookie = event->u.want.cookie;
        a->u.wanted.status = HAY_EFARM;
        return HAY_OK;
    }
    struct hayi_want wanted = {
        .cookie = event->u.want.cookie,
        .node = event->u.want.node,
        .move = event->u.want.move,
    };
    hayi_objects_want(&s->objects, index, &wanted);
    hayi_objects_touch(&s->objects, index);
    return HAY_OK;
}

static hay_status gone(struct hayi_sched *s, const struct hayi_event *event)
{
    uint32_t index = hayi_objects_find(&s->objects, event->u.gone.object);
    if (index == 0
        || hayi_objects_on(&s->objects, index, event->u.gone.node) == NULL) {
        s->stale++;
        return HAY_OK;
    }
    hayi_move_strike(s, index, event->u.gone.node);
    return HAY_OK;
}

static hay_status memory(struct hayi_sched *s, const struct hayi_event *event)
{
    if (event->u.memory.node >= s->nodes.max) {
        return HAY_EINVAL;
    }
    s->nodes.list[event->u.memory.node].used_permille =
        event->u.memory.used_permille;
    hayi_nodes_touch(&s->nodes, event->u.memory.node);
    return HAY_OK;
}

hay_status hayi_data_take(struct hayi_sched *s,
                          struct hayi_event *event,
                          struct hayi_actions *actions)
{
    switch (event->kind) {
    case HAYI_EVENT_INPUTS:
        return inputs(s, event);
    case HAYI_EVENT_PUT:
        return put(s, event);
    case HAYI_EVENT_HOLD:
        return hold(s, event->u.hold.object, true);
    case HAYI_EVENT_RELEASE:
        return hold(s, event->u.release.object, false);
    case HAYI_EVENT_WANT:
        return want(s, event, actions);
    case HAYI_EVENT_MOVED:
        return hayi_move_moved(s, event, actions);
    case HAYI_EVENT_GONE:
        return gone(s, event);
    case HAYI_EVENT_MEMORY:
        return memory(s, event);
    default:
        return HAY_EINVAL;
    }
}

void hayi_data_joined(struct hayi_sched *s, uint32_t worker)
{
    hayi_nodes_join(&s->nodes, worker);
    hayi_nodes_touch(&s->nodes, s->workers.list[worker].node);
    uint32_t index = s->cargos.unplaced;
    while (index != 0) {
        uint32_t next = hayi_cargo_at(&s->cargos, index)->next;
        hayi_place_withdraw(s, index);
        index = next;
    }
}

void hayi_data_missing(struct hayi_sched *s, const struct hayi_event *event)
{
    uint32_t node = s->workers.list[event->u.returned.worker].node;
    uint32_t task = hayi_table_find(&s->table, event->u.returned.task);
    uint32_t cargo = task != 0 ? hayi_sched_row(s, task)->cargo : 0;
    if (cargo != 0 && event->u.returned.missing_count > 0) {
        hayi_cargo_at(&s->cargos, cargo)->crowded = true;
    }
    for (size_t i = 0; i < event->u.returned.missing_count; i++) {
        uint32_t index =
            hayi_objects_find(&s->objects, event->u.returned.missing[i]);
        if (index != 0) {
            hayi_move_strike(s, index, node);
        }
    }
}
