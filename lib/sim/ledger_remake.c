/* ledger_remake.c - the rules for objects that are lost, and for those that
 * nobody needs.
 *
 * A task that has finished can make its objects again as long as it is not
 * forgotten, some worker has what it needs, and its own inputs are somewhere or
 * can be made again.  What a simulated run cannot know for sure is not asked
 * for: where a receiver had no room, or the farm closed at once.
 */
#include "config.h"

#include "sim/ledger_inside.h"

#define REMAKES_MAX 3u /* attempts that may be lost with their workers */

static bool there(struct hayi_ledger *ledger, uint32_t index)
{
    const struct hayi_ledger_task *task = &ledger->tasks[index];
    for (uint32_t i = 0; i < task->spec.makes; i++) {
        if (!hayi_stores_anywhere(&ledger->stores, task->made[i])) {
            return false;
        }
    }
    return true;
}

static bool remakable(struct hayi_ledger *ledger, uint32_t index)
{
    struct hayi_ledger_task *task = &ledger->tasks[index];
    const struct hayi_sim_spec *spec = &task->spec;
    if (task->asked == ledger->remake_query) {
        return task->can;
    }
    task->asked = ledger->remake_query;
    task->can = false;
    if (!hayi_ledger_remakes(task) || spec->once || spec->map || task->grown > 0
        || task->losses >= REMAKES_MAX
        || !hayi_ledger_met(ledger, &spec->needs)) {
        return false;
    }
    for (size_t i = 0; i < spec->dep_count; i++) {
        uint32_t input = spec->deps[i].task;
        const struct hayi_ledger_task *other = &ledger->tasks[input];
        if (other->state == HAY_FINISHED && other->spec.makes > 0
            && !there(ledger, input) && !remakable(ledger, input)) {
            return false;
        }
    }
    task->can = true;
    return true;
}

bool hayi_ledger_remakable(struct hayi_ledger *ledger, uint32_t index)
{
    if (ledger->stores.full > 0 || ledger->cancel_pending) {
        return false;
    }
    ledger->remake_query++;
    return remakable(ledger, index);
}

void hayi_ledger_emptied(struct hayi_ledger *ledger)
{
    const struct hayi_stores *stores = &ledger->stores;
    for (uint32_t i = 0; i < ledger->count; i++) {
        if (ledger->tasks[i].out_count > 0) {
            return; /* one that makes objects again keeps what it reads */
        }
    }
    for (size_t i = 1; i <= stores->place_count; i++) {
        const struct hayi_sim_place *place = &stores->places[i];
        if (place->there && !place->struck
            && hayi_stores_there(stores, place->node)) {
            hayi_ledger_fail(ledger,
                             "an object is left on node %u, place %zu",
                             place->node,
                             i);
            return;
        }
    }
}
