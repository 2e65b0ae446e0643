/* cluster_wish.c - what the client of a simulated farm does, and what befalls
 * its workers, when its time has come.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include <stdlib.h>

hay_status hayi_sim_task(struct hayi_sim *sim,
                         const struct hayi_sim_spec *spec,
                         uint32_t *index)
{
    if (spec->dep_count > sim->dep_room) {
        struct hayi_dep *deps =
            realloc(sim->deps, spec->dep_count * sizeof deps[0]);
        if (deps == NULL) {
            return HAY_ENOMEM;
        }
        sim->deps = deps;
        sim->dep_room = spec->dep_count;
    }
    return hayi_ledger_add(&sim->world.ledger, spec, index);
}

hay_status hayi_sim_wish(struct hayi_sim *sim,
                         uint64_t at_ns,
                         const struct hayi_sim_wish *wish)
{
    if (sim->wish_count == sim->wish_room) {
        uint32_t room = sim->wish_room * 2 + 16;
        struct hayi_sim_wish *wishes =
            realloc(sim->wishes, room * sizeof wishes[0]);
        if (wishes == NULL) {
            return HAY_ENOMEM;
        }
        sim->wishes = wishes;
        sim->wish_room = room;
    }
    sim->wishes[sim->wish_count] = *wish;
    hayi_sim_set_timer(&sim->world,
                       at_ns - sim->world.now_ns,
                       (struct hayi_sim_due){.timer = HAYI_SIM_WISH,
                                             .number = sim->wish_count++});
    return sim->world.ledger.err.status;
}

static void submit(struct hayi_sim *sim, uint32_t index)
{
    struct hayi_ledger_task *task = &sim->world.ledger.tasks[index];
    struct hayi_event event;

    hayi_ledger_event(&sim->world.ledger, index, sim->deps, &event);
    task->submitted = true;
    hay_status st = hayi_sim_step(sim, &event);
    if (st != HAY_OK) {
        hayi_ledger_fail(&sim->world.ledger,
                         "the submit of %u is refused: %s",
                         index,
                         hay_status_name(st));
    }
    task->handle = task->spec.map ? event.u.map.task : event.u.task.task;
}

static void cancel(struct hayi_sim *sim, const struct hayi_sim_wish *wish)
{
    struct hayi_ledger_task *task = &sim->world.ledger.tasks[wish->task];
    struct hayi_event event = {
        .kind = HAYI_EVENT_CANCEL,
        .u.cancel = {.force = wish->flag,
                     .nested = wish->nested,
                     .cookie = hayi_ledger_payload(wish->task)}};

    if (task->submitted && !task->told) {
        event.u.cancel.task = task->handle;
        task->cancels++;
        task->killed = task->killed || wish->nested;
        (void)hayi_sim_step(sim, &event);
        hayi_sim_act_all(sim);
        if (task->answers != task->cancels) {
            hayi_ledger_fail(&sim->world.ledger,
                             "the cancel of %u is not answered",
                             wish->task);
        }
    }
}

void hayi_sim_wish_comes(struct hayi_sim *sim, const struct hayi_sim_wish *wish)
{
    struct hayi_event event = {.kind = HAYI_EVENT_CLOSE,
                               .u.close = {.cancel_pending = wish->flag}};
    sim->world.moved_ns = sim->world.now_ns;
    switch (wish->kind) {
    case HAYI_SIM_WISH_SUBMIT:
        submit(sim, wish->task);
        break;
    case HAYI_SIM_WISH_CANCEL:
        hayi_sim_trace(&sim->world,
                       "cancel of %u%s",
                       wish->task,
                       wish->flag ? ", forced" : "");
        cancel(sim, wish);
        break;
    case HAYI_SIM_WISH_CLOSE:
        hayi_sim_trace(&sim->world, "close%s", wish->flag ? " at once" : "");
        sim->world.ledger.closed = true;
        sim->world.ledger.cancel_pending = wish->flag;
        (void)hayi_sim_step(sim, &event);
        break;
    case HAYI_SIM_WISH_PAUSE:
        hayi_sim_node_pause(sim->nodes[wish->worker], wish->for_ns);
        break;
    case HAYI_SIM_WISH_KILL:
        hayi_sim_trace(&sim->world, "w%u dies", wish->worker);
        hayi_sim_node_kill(sim->nodes[wish->worker], wish->flag);
        break;
    case HAYI_SIM_WISH_LEAVE:
        hayi_sim_node_leave(sim->nodes[wish->worker]);
        break;
    case HAYI_SIM_WISH_HOLD_UP:
        sim->held_up_ns = sim->world.now_ns + wish->for_ns;
        break;
    case HAYI_SIM_WISH_CUT:
        hayi_sim_trace(&sim->world, "w%u is cut off", wish->worker);
        if (!wish->nested) {
            sim->links[wish->worker].cut_ns[0] =
                sim->world.now_ns + wish->for_ns;
        }
        sim->links[wish->worker].cut_ns[1] = sim->world.now_ns + wish->for_ns;
        break;
    case HAYI_SIM_WISH_SPOIL:
        hayi_sim_spoil(sim, wish);
        break;
    case HAYI_SIM_WISH_PUT:
        hayi_sim_put(sim, wish);
        break;
    case HAYI_SIM_WISH_WANT:
        hayi_sim_want(sim, wish);
        break;
    case HAYI_SIM_WISH_SLOW_LINK:
        sim->links[wish->worker].slow_ns = wish->for_ns;
        break;
    }
    hayi_sim_act_all(sim);
    hayi_sim_wake_manager(sim);
}

void hayi_sim_read_items(struct hayi_sim *sim, uint32_t index)
{
    struct hayi_ledger_task *task = &sim->world.ledger.tasks[index];
    struct hayi_event event = {
        .kind = HAYI_EVENT_MAP_READ,
        .u.map_read = {.task = task->handle, .count = task->reported}};

    if (!task->told && task->reported > task->read) {
        task->read = task->reported;
        (void)hayi_sim_step(sim, &event);
        hayi_sim_act_all(sim);
        hayi_sim_wake_manager(sim);
    }
}
