/* node_nest.c - attempts of a simulated worker that wait for what they
 * submitted: without cores, or until they get some of it to run themselves.
 */
#include "config.h"

#include "sim/node_inside.h"

#define UNABLE_PERMILLE                                                        \
    30u /* of children cannot run in the place of another                      \
         */

/* worker_state knows the outermost of runs within runs. */
static void step_base(struct hayi_sim_node *node,
                      enum hayi_wevent_kind kind,
                      struct hayi_sim_run *run)
{
    const struct hayi_sim_run *base = hayi_sim_slots_base(run);
    const struct hayi_wevent event = {
        .kind = kind, .u.suspended = {base->task, base->attempt}};
    hayi_node_step(node, &event);
}

void hayi_node_wake_if(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    bool heard = (run->news & HAYI_SIM_NEWS_PARKED) == 0;
    if (run->parked && heard
        && ((run->waits & run->left) == 0
            || run->outcome == HAYI_OUTCOME_CANCELLED)) {
        step_base(node, HAYI_WEVENT_WAKE, run);
    }
}

void hayi_node_unpark(struct hayi_sim_run *base)
{
    while (base->guest != NULL) {
        base = base->guest;
    }
    base->parked = false;
}

void hayi_node_hear_resumed(struct hayi_sim_node *node,
                            struct hayi_sim_run *run)
{
    if (hayi_sim_slots_base(run)->backlog) {
        step_base(node, HAYI_WEVENT_RESUMED, run);
    }
    hayi_node_tell_attempt(node, HAYI_RECORD_RESUMED, run);
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

/* What it waits for. */
static uint32_t ordinal_of(const struct hayi_sim_node *node,
                           const struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &node->world->ledger.tasks[run->index].spec;
    return spec->wait == HAYI_SIM_WAIT_EACH ? run->part - 1 : HAYI_SIM_SEVERAL;
}

void hayi_node_hear_park(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    step_base(node, HAYI_WEVENT_SUSPENDED, run);
    hayi_node_forget_revokes(node, hayi_sim_slots_base(run));
    hayi_node_tell_nest(
        node, HAYI_SIM_RECORD_WAITS, run, ordinal_of(node, run));
    hayi_node_wake_if(node, run);
}

/* ---- on the cores of who waits ---- */

void hayi_node_hear_claim(struct hayi_sim_node *node,
                          const struct hayi_sim_run *run)
{
    node->world->counts.claims++;
    hayi_node_tell_nest(
        node, HAYI_SIM_RECORD_CLAIM, run, ordinal_of(node, run));
}

/* The run that claims; NULL: there is none. */
static struct hayi_sim_run *claimer(const struct hayi_sim_node *node,
                                    hayi_handle task)
{
    struct hayi_sim_run *run = node->runs;
    while (run != NULL && (run->task != task || !run->claims)) {
        run = run->all_next;
    }
    return run;
}

void hayi_node_inline(struct hayi_sim_node *node,
                      struct hayi_sim_run *child,
                      hayi_handle inline_of)
{
    struct hayi_sim_run *run = claimer(node, inline_of);

    if (run == NULL || child->range
        || child->core_count > hayi_sim_slots_base(run)->core_count) {
        hayi_ledger_fail(&node->world->ledger,
                         "w%u: task %u comes to run in none that can",
                         node->config.index,
                         child->index);
        return;
    }
    if (hayi_dice_chance(&node->world->dice, UNABLE_PERMILLE)) {
        hayi_node_tell_attempt(node, HAYI_RECORD_RETURNED, child);
        hayi_node_drop(node, child);
        child = NULL;
    } else {
        node->world->counts.inlined++;
        hayi_node_tell_attempt(node, HAYI_RECORD_STARTED, child);
    }
    node->urgent = true;
    hayi_sim_slots_answer(&node->slots, run, child);
}

void hayi_node_claim_denied(struct hayi_sim_node *node,
                            const struct hayi_attempt_record *record)
{
    struct hayi_sim_run *run = claimer(node, record->task);

    node->world->counts.denied++;
    if (run == NULL || run->attempt != record->attempt) {
        hayi_ledger_fail(&node->world->ledger,
                         "w%u: an answer to no claim",
                         node->config.index);
        return;
    }
    hayi_sim_slots_answer(&node->slots, run, NULL);
    hayi_sim_node_wake(node);
}

bool hayi_node_cancel_inline(struct hayi_sim_node *node,
                             const struct hayi_cancel_record *cancel)
{
    struct hayi_sim_run *run = node->runs;
    while (run != NULL
           && (!run->inlined || run->task != cancel->task
               || run->attempt != cancel->attempt)) {
        run = run->all_next;
    }
    if (run == NULL) {
        return false;
    }
    if (cancel->unstarted_only == 0) {
        hayi_sim_slots_stop(&node->slots, run, cancel->force != 0);
        hayi_node_wake_if(node, run);
    }
    return true;
}
