/* cluster_data.c - objects in the simulated cluster: what tasks make, what is
 * told of inputs, fetches that take their time, futures that are released.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include <stdlib.h>

#define LOOK_NS        20000000u
#define SPILL_NS       500000000u
#define SPILL_PERMILLE 500u

/* A future is released when it and all that name it have ended. */
static void release(struct hayi_sim *sim, uint32_t index)
{
    struct hayi_ledger_task *task = &sim->world.ledger.tasks[index];
    if (!task->told || !task->has || task->dependents > 0) {
        return;
    }
    task->has = false;
    for (uint32_t i = 0; i < task->spec.makes; i++) {
        struct hayi_event event = {.kind = HAYI_EVENT_RELEASE,
                                   .u.release = {.object = task->made[i]}};
        (void)hayi_sim_step(sim, &event);
    }
}

/* The actions that follow are put behind those that are done now. */
void hayi_sim_release_after(struct hayi_sim *sim, uint32_t index)
{
    const struct hayi_sim_spec *spec = &sim->world.ledger.tasks[index].spec;
    for (size_t i = 0; i < spec->dep_count; i++) {
        sim->world.ledger.tasks[spec->deps[i].task].dependents--;
        release(sim, spec->deps[i].task);
    }
    release(sim, index);
}

void hayi_sim_release_all(struct hayi_sim *sim)
{
    for (uint32_t i = 0; i < sim->world.ledger.count; i++) {
        release(sim, i);
    }
    hayi_sim_act_all(sim);
}

/* What lies in a node's memory may have become more or less: the core is told,
 * and after some time half of it lies on the disk. */
void hayi_sim_pressure(struct hayi_sim *sim, uint32_t node)
{
    struct hayi_stores *stores = &sim->world.ledger.stores;
    struct hayi_event event;
    if (hayi_stores_pressure(stores, node, &event)) {
        (void)hayi_sim_step(sim, &event);
        if (event.u.memory.used_permille >= SPILL_PERMILLE) {
            hayi_sim_set_timer(
                &sim->world,
                hayi_dice_log(&sim->world.dice, 100000, SPILL_NS),
                (struct hayi_sim_due){.timer = HAYI_SIM_SPILL, .number = node});
        }
    }
}

void hayi_sim_spill(struct hayi_sim *sim, uint32_t node)
{
    hayi_stores_spill(&sim->world.ledger.stores, node);
    hayi_sim_pressure(sim, node);
    hayi_sim_act_all(sim);
    hayi_sim_wake_manager(sim);
}

void hayi_sim_fetch(struct hayi_sim *sim, const struct hayi_action *action)
{
    struct hayi_stores *stores = &sim->world.ledger.stores;
    const char *rule = hayi_stores_fetch(stores, sim->world.now_ns, action);
    if (rule != NULL) {
        hayi_ledger_fail(&sim->world.ledger, "%s", rule);
        return;
    }
    uint64_t bytes = action->u.fetch.bytes;
    sim->flights_open++;
    hayi_sim_set_timer(
        &sim->world,
        bytes / sim->config.bytes_per_us * 1000 + sim->config.latency_ns,
        (struct hayi_sim_due){.timer = HAYI_SIM_FLIGHT,
                              .number = (uint32_t)stores->flight_count - 1});
}

/* A task has finished, and so made its objects. */
void hayi_sim_step_made(struct hayi_sim *sim, struct hayi_event *event)
{
    struct hayi_stores *stores = &sim->world.ledger.stores;
    uint32_t index = (uint32_t)((event->u.ended.report >> 32) - 1);
    struct hayi_ledger_task *task = &sim->world.ledger.tasks[index];
    struct hayi_made made[HAYI_SIM_MAKES_MAX];
    bool first = !task->told;

    event->u.ended.made = made;
    event->u.ended.made_count = task->spec.makes;
    event->u.ended.objects = task->spec.makes > 0;
    for (uint32_t i = 0; i < task->spec.makes; i++) {
        uint32_t node = stores->node_of[event->u.ended.worker];
        made[i] = (struct hayi_made){
            .bytes = task->spec.make_bytes,
            .place = hayi_stores_add(stores, node, task->spec.make_bytes, 0),
        };
    }
    (void)hayi_sim_step(sim, event);
    for (uint32_t i = 0; i < task->spec.makes; i++) {
        if (hayi_stores_name(stores, made[i].place, made[i].object) != HAY_OK) {
            hayi_ledger_fail(&sim->world.ledger, "the simulator has no memory");
        }
        if (first && made[i].object != 0) {
            task->made[i] = made[i].object;
            task->has = true;
        }
    }
    hayi_sim_pressure(sim, stores->node_of[event->u.ended.worker]);
}

/* The client says which objects a task needs. */
void hayi_sim_tell_inputs(struct hayi_sim *sim, uint32_t index)
{
    const struct hayi_ledger *ledger = &sim->world.ledger;
    const struct hayi_ledger_task *task = &ledger->tasks[index];
    struct hayi_event event = {.kind = HAYI_EVENT_INPUTS,
                               .u.inputs = {.task = task->handle}};
    hayi_object *list =
        calloc(task->spec.dep_count * HAYI_SIM_MAKES_MAX + 1, sizeof list[0]);
    if (list == NULL) {
        hayi_ledger_fail(&sim->world.ledger, "the simulator has no memory");
        return;
    }
    for (size_t i = 0; i < task->spec.dep_count; i++) {
        const struct hayi_ledger_task *input =
            &ledger->tasks[task->spec.deps[i].task];
        for (uint32_t j = 0; input->has && j < input->spec.makes; j++) {
            list[event.u.inputs.count++] = input->made[j];
        }
    }
    event.u.inputs.list = list;
    (void)hayi_sim_step(sim, &event);
    free(list);
    hayi_sim_act_all(sim);
    hayi_sim_wake_manager(sim);
}

/* How long until one looks again at a fetch over a link that is cut; 0: over
 * none, or one of the two was given up. */
static uint64_t hangs_ns(const struct hayi_sim *sim, uint32_t flight)
{
    const struct hayi_sim_flight *f = &sim->world.ledger.stores.flights[flight];
    const uint32_t ends[2] = {f->from, f->to};
    uint64_t wait_ns = 0;

    for (uint32_t i = 0; i < 2; i++) {
        if (ends[i] == HAYI_MANAGER_SELF) {
            continue;
        }
        const struct sim_link *link = &sim->links[ends[i]];
        if (link->lost) {
            return 0;
        }
        for (uint32_t way = 0; way < 2; way++) {
            wait_ns = link->cut_ns[way] > sim->world.now_ns ? LOOK_NS : wait_ns;
        }
    }
    return wait_ns;
}

/* A fetch is over; now and then a node drops a copy that nobody needs soon. */
void hayi_sim_land(struct hayi_sim *sim, uint32_t flight)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    struct hayi_event event;
    uint64_t cut_ns = hangs_ns(sim, flight);

    if (cut_ns > 0) {
        hayi_sim_set_timer(
            &sim->world,
            cut_ns,
            (struct hayi_sim_due){.timer = HAYI_SIM_FLIGHT, .number = flight});
        return;
    }
    sim->world.moved_ns = sim->world.now_ns;
    sim->flights_open--;
    if (hayi_stores_land(&ledger->stores,
                         flight,
                         sim->world.now_ns,
                         &sim->world.dice,
                         &event)) {
        (void)hayi_sim_step(sim, &event);
        uint32_t to = ledger->stores.flights[flight].to;
        hayi_sim_pressure(
            sim, to == HAYI_MANAGER_SELF ? 0 : ledger->stores.node_of[to]);
    }
    if (hayi_dice_chance(&sim->world.dice, 100)) {
        uint32_t index =
            (uint32_t)hayi_dice_below(&sim->world.dice, ledger->count);
        hayi_sim_act_all(sim); /* what is to be read there is seen to be */
        if (hayi_ledger_idle(ledger, index)
            && hayi_stores_make_room(
                &ledger->stores, ledger->tasks[index].made[0], &event)) {
            (void)hayi_sim_step(sim, &event);
        }
    }
    hayi_sim_act_all(sim);
    hayi_sim_wake_manager(sim);
}
