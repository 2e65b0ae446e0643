/* cluster_want.c - objects that the client of a simulated farm has put, and
 * those that it wants on a node.
 *
 * What is wanted is held until the answer; each want is answered once: the
 * object is there then, or nobody has it any more, or nobody is left there.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include <stdlib.h>

static void no_memory(struct hayi_sim *sim)
{
    hayi_ledger_fail(&sim->world.ledger, "the simulator has no memory");
}

/* HAY_EINVAL: nobody is there. */
static hay_status put_on(struct hayi_sim *sim, uint32_t index, uint32_t node)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    uint64_t bytes = ledger->tasks[index].spec.make_bytes;
    struct hayi_event event = {.kind = HAYI_EVENT_PUT};

    event.u.put.node = node;
    event.u.put.made.bytes = bytes;
    event.u.put.made.place = hayi_stores_add(&ledger->stores, node, bytes, 0);
    hay_status st = hayi_sim_step(sim, &event);
    hayi_object object = st == HAY_OK ? event.u.put.made.object : 0;
    if (hayi_stores_name(&ledger->stores, event.u.put.made.place, object)
        != HAY_OK) {
        no_memory(sim);
    }
    if (st == HAY_OK) {
        hayi_ledger_put(ledger, index, object);
        sim->world.counts.puts++;
        hayi_sim_pressure(sim, node);
    }
    return st;
}

void hayi_sim_put(struct hayi_sim *sim, const struct hayi_sim_wish *wish)
{
    uint32_t node = sim->world.ledger.stores.node_of[wish->worker];
    if (wish->flag || put_on(sim, wish->task, node) != HAY_OK) {
        if (put_on(sim, wish->task, 0) != HAY_OK) {
            hayi_ledger_fail(&sim->world.ledger, "a put is refused");
        }
    }
}

void hayi_sim_want(struct hayi_sim *sim, const struct hayi_sim_wish *wish)
{
    const struct hayi_ledger_task *task = &sim->world.ledger.tasks[wish->task];
    if (!task->told || !task->has) {
        return;
    }
    if (sim->want_count == sim->want_room) {
        uint32_t room = sim->want_room * 2 + 16;
        struct sim_want *more = realloc(sim->wants, room * sizeof more[0]);
        if (more == NULL) {
            no_memory(sim);
            return;
        }
        sim->wants = more;
        sim->want_room = room;
    }
    struct sim_want *want = &sim->wants[sim->want_count++];
    *want = (struct sim_want){.object = task->made[0], .task = wish->task};
    want->node = wish->worker == UINT32_MAX
                     ? 0
                     : sim->world.ledger.stores.node_of[wish->worker];
    struct hayi_event hold = {.kind = HAYI_EVENT_HOLD,
                              .u.hold = {.object = want->object}};
    struct hayi_event event = {.kind = HAYI_EVENT_WANT,
                               .u.want = {.object = want->object,
                                          .node = want->node,
                                          .move = wish->flag,
                                          .cookie = sim->want_count}};
    sim->wants_open++;
    sim->world.counts.wants++;
    if (hayi_sim_step(sim, &hold) != HAY_OK) {
        hayi_ledger_fail(
            &sim->world.ledger, "the objects of %u are not known", wish->task);
    }
    (void)hayi_sim_step(sim, &event);
}

/* Somebody on the node has joined, and is not lost. */
static bool is_known(const struct hayi_sim *sim, uint32_t node)
{
    const struct hayi_stores *stores = &sim->world.ledger.stores;
    for (uint32_t w = node; w < stores->worker_count; w++) {
        if (stores->node_of[w] == node && sim->links[w].joined
            && !sim->links[w].lost) {
            return true;
        }
    }
    return node == 0;
}

/* NULL: the answer is right. */
static const char *
check(struct hayi_sim *sim, const struct sim_want *want, hay_status status)
{
    struct hayi_stores *stores = &sim->world.ledger.stores;
    bool there = hayi_stores_there(stores, want->node);
    switch (status) {
    case HAY_OK:
        return !there || hayi_stores_on(stores, want->node, want->object)
                   ? NULL
                   : "what is wanted is not there";
    case HAY_EFARM:
        return there && is_known(sim, want->node)
                       && (hayi_stores_anywhere(stores, want->object)
                           || hayi_ledger_remakable(&sim->world.ledger,
                                                    want->task))
                   ? "what is wanted is not lost"
                   : NULL;
    case HAY_EIO:
        return stores->full > 0 ? NULL : "there was room";
    default:
        return "no answer to a want";
    }
}

void hayi_sim_wanted(struct hayi_sim *sim, const struct hayi_action *action)
{
    uint64_t number = action->u.wanted.cookie;
    if (number == 0 || number > sim->want_count
        || sim->wants[number - 1].answered) {
        hayi_ledger_fail(&sim->world.ledger, "an answer to no want");
        return;
    }
    struct sim_want *want = &sim->wants[number - 1];
    const char *rule = check(sim, want, action->u.wanted.status);
    if (rule != NULL) {
        hayi_ledger_fail(&sim->world.ledger,
                         "want %u: %s, but the answer is %s",
                         (unsigned)number,
                         rule,
                         hay_status_name(action->u.wanted.status));
    }
    want->answered = true;
    sim->wants_open--;
    sim->world.counts.wants_in_vain += action->u.wanted.status != HAY_OK;
    sim->world.moved_ns = sim->world.now_ns;
    struct hayi_event event = {.kind = HAYI_EVENT_RELEASE,
                               .u.release = {.object = want->object}};
    (void)hayi_sim_step(sim, &event);
}
