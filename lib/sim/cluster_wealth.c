/* cluster_wealth.c - what the simulated workers and their farm own.
 *
 * A part of cluster.c: the events that tell the core, and the account that is
 * kept of what it hands out.
 */
#include "config.h"

#include "sim/cluster_inside.h"

struct hayi_wealth *hayi_sim_wealth(struct hayi_sim *sim)
{
    return &sim->world.ledger.wealth;
}

void hayi_sim_tell_wealth(struct hayi_sim *sim)
{
    struct hayi_wealth *wealth = &sim->world.ledger.wealth;
    for (uint32_t w = 0; w < wealth->worker_max; w++) {
        wealth->workers[w].has.memory_bytes +=
            hayi_sim_node_missing(sim->nodes[w]);
    }
    for (uint32_t r = 0; r < wealth->pools; r++) {
        struct hayi_event event = {
            .kind = HAYI_EVENT_POOL,
            .u.pool = {.resource = r, .units = wealth->units[r]}};
        (void)hayi_sim_step(sim, &event);
    }
    for (uint32_t i = 0; i < wealth->request_count; i++) {
        struct hayi_sim_request *request = &wealth->requests[i];
        struct hayi_event event = {.kind = HAYI_EVENT_REQUEST,
                                   .u.request = {.variants = request->variants,
                                                 .count = request->count}};
        if (hayi_sim_step(sim, &event) != HAY_OK) {
            hayi_ledger_fail(&sim->world.ledger, "a request is refused");
        }
        request->number = event.u.request.request;
    }
}

void hayi_sim_step_joined(struct hayi_sim *sim, struct hayi_event *event)
{
    const struct hayi_wealth *wealth = &sim->world.ledger.wealth;
    const struct hayi_sim_purse *has =
        &wealth->workers[event->u.joined.worker].has;
    struct hayi_amount amounts[HAYI_SIM_RESOURCES];
    size_t count = 0;
    for (uint32_t r = wealth->pools; r < HAYI_SIM_RESOURCES; r++) {
        if (has->units[r] > 0) {
            amounts[count].resource = r;
            amounts[count++].units = has->units[r];
        }
    }
    event->u.joined.node =
        sim->world.ledger.stores.node_of[event->u.joined.worker];
    sim->world.ledger.stores.known[event->u.joined.worker] = true;
    event->u.joined.gpus = has->gpus;
    event->u.joined.amounts = amounts;
    event->u.joined.amount_count = count;
    (void)hayi_sim_step(sim, event);
}
