/* node_nest.c - attempts of a simulated worker that wait for what they
 * submitted.
 */
#include "config.h"

#include "sim/node_inside.h"

void hayi_node_wake_if(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    bool heard = (run->news & HAYI_SIM_NEWS_PARKED) == 0;
    if (run->parked && heard
        && ((run->waits & run->left) == 0
            || run->outcome == HAYI_OUTCOME_CANCELLED)) {
        hayi_node_step(
            node,
            &(struct hayi_wevent){.kind = HAYI_WEVENT_WAKE,
                                  .u.wake = {run->task, run->attempt}});
    }
}

void hayi_node_kid_ended(struct hayi_sim_node *node,
                         const struct hayi_sim_nest *record)
{
    struct hayi_sim_run *run = node->runs;
    while (run != NULL
           && (run->index != record->index || run->attempt != record->attempt
               || run->range)) {
        run = run->all_next;
    }
    if (run != NULL) {
        run->left &= ~(1u << record->ordinal);
        hayi_node_wake_if(node, run);
    }
}

void hayi_node_hear_park(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &node->world->ledger.tasks[run->index].spec;
    bool each = spec->wait == HAYI_SIM_WAIT_EACH;

    hayi_node_step(
        node,
        &(struct hayi_wevent){.kind = HAYI_WEVENT_SUSPENDED,
                              .u.suspended = {run->task, run->attempt}});
    hayi_node_forget_revokes(node, run);
    hayi_node_tell_nest(node,
                        HAYI_SIM_RECORD_WAITS,
                        run,
                        each ? run->part - 1 : HAYI_SIM_SEVERAL);
    hayi_node_wake_if(node, run);
}
