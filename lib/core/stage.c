/* stage.c - what a node prepares for its next tasks.
 *
 * A few of the tasks assigned to a node are staged: what they need and is not
 * there is fetched, once for all of them; a task with all its inputs there
 * goes to the ready queue of a class that only this node's workers serve.
 * How many: two a core and two more, and no more bytes on their way than
 * HAYI_INCOMING_MAX, except for one task.
 *
 * When the node's memory is full nothing is fetched for later: only for a core
 * that would stand idle.  When it is nearly used up, only a task goes on whose
 * end is likely to free some, or one if nothing runs there.
 *
 * A node drops copies to make room.  If it drops one before the other inputs of
 * its task have come, and so on, the task would wait for ever: what is fetched
 * for such a task from then on is not to be dropped (it is spilled instead), so
 * that each round brings one more of its inputs.
 */
#include "config.h"

#include "core/state.h"

#include <assert.h>

#define AHEAD 2  /* staged tasks for each core, and besides */
#define LOOK  16 /* assigned ones looked at when memory is short */

/* What a task lacks on the node. */
struct lack {
    size_t count;
    uint64_t bytes;
    bool frees; /* its end frees something there */
};

static struct lack lack_of(const struct hayi_sched *s,
                           const struct hayi_cargo *cargo,
                           uint32_t node)
{
    struct lack lack = {.count = 0};
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
        if (thing->soft) {
            continue;
        }
        if (hayi_objects_on(&s->objects, object, node) != NULL) {
            lack.frees = lack.frees || (thing->users == 1 && thing->holds <= 1);
        } else if (hayi_fetches_find(&s->fetches, object, node) == 0) {
            lack.count++;
            lack.bytes += thing->bytes;
        }
    }
    return lack;
}

static uint64_t staged_cores(const struct hayi_sched *s, uint32_t node)
{
    uint64_t cores = 0;
    uint32_t i = s->nodes.list[node].staged;
    while (i != 0) {
        cores += hayi_cargo_at(&s->cargos, i)->cores;
        i = hayi_cargo_at(&s->cargos, i)->next;
    }
    return cores;
}

/* May this task go on there now? */
static bool allowed(const struct hayi_sched *s,
                    uint32_t n,
                    const struct lack *lack,
                    uint32_t idle,
                    uint64_t staged)
{
    const struct hayi_node *node = &s->nodes.list[n];
    bool nothing_runs = idle == node->cores && node->staged_count == 0;
    if (node->used_permille > HAYI_MEMORY_PRESSED) {
        return nothing_runs || (lack->frees && lack->count == 0);
    }
    if (node->used_permille > HAYI_MEMORY_FULL && lack->count > 0) {
        return staged < idle;
    }
    return lack->bytes == 0 || node->incoming_bytes == 0
           || node->incoming_bytes + lack->bytes <= HAYI_INCOMING_MAX;
}

/* The next task to stage; 0: none now. */
static uint32_t pick(const struct hayi_sched *s, uint32_t n, struct lack *lack)
{
    const struct hayi_node *node = &s->nodes.list[n];
    uint32_t look = node->used_permille > HAYI_MEMORY_FULL ? LOOK : 1;
    uint32_t idle = hayi_nodes_idle(&s->nodes, n);
    uint64_t staged = look > 1 ? staged_cores(s, n) : 0;
    for (uint32_t i = 0; i < node->heap_count && i < look; i++) {
        const struct hayi_cargo *cargo =
            hayi_cargo_at(&s->cargos, node->heap[i]);
        *lack = lack_of(s, cargo, n);
        if (allowed(s, n, lack, idle, staged)) {
            return node->heap[i];
        }
    }
    return 0;
}

/* Stage a task; all memory was reserved. */
static void stage(struct hayi_sched *s,
                  uint32_t n,
                  uint32_t index,
                  struct hayi_actions *actions)
{
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    hayi_nodes_stage(&s->nodes, index);
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
        if (thing->soft || hayi_objects_on(&s->objects, object, n) != NULL) {
            continue;
        }
        if (thing->copies == 0 && thing->flying == 0) {
            hayi_place_withdraw(s, index); /* it was lost since */
            return;
        }
        cargo->missing++;
        if (hayi_fetches_find(&s->fetches, object, n) == 0) {
            uint32_t fetch = hayi_fetches_add(&s->fetches, object, n);
            hayi_fetch_at(&s->fetches, fetch)->keep = cargo->crowded;
            hayi_move_start(s, fetch, actions);
        }
    }
    if (cargo->missing == 0) {
        hayi_cargos_touch(&s->cargos, index);
    }
}

hay_status
hayi_stage_node(struct hayi_sched *s, uint32_t n, struct hayi_actions *actions)
{
    const struct hayi_node *node = &s->nodes.list[n];
    while (node->heap_count > 0
           && node->staged_count < (uint64_t)AHEAD * node->cores + AHEAD) {
        struct lack lack;
        uint32_t index = pick(s, n, &lack);
        if (index == 0) {
            return HAY_OK;
        }
        if (hayi_actions_reserve(actions, lack.count) != HAY_OK
            || hayi_fetches_reserve(&s->fetches, lack.count) != HAY_OK) {
            return HAY_ENOMEM;
        }
        stage(s, n, index, actions);
    }
    return HAY_OK;
}

void hayi_stage_arrived(struct hayi_sched *s, uint32_t object, uint32_t n)
{
    uint32_t index = s->nodes.list[n].staged;
    while (index != 0) {
        struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
        if (cargo->state == HAYI_CARGO_FETCHING
            && hayi_cargo_lists(cargo, object)) {
            assert(cargo->missing > 0);
            cargo->missing--;
            if (cargo->missing == 0) {
                hayi_cargos_touch(&s->cargos, index);
            }
        }
        index = cargo->next;
    }
}

void hayi_stage_gone(struct hayi_sched *s, uint32_t object, uint32_t n)
{
    uint32_t index = s->nodes.list[n].staged;
    while (index != 0) {
        struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
        uint32_t next = cargo->next;
        if (hayi_cargo_lists(cargo, object)) {
            cargo->crowded = true;
            hayi_place_withdraw(s, index);
        }
        index = next;
    }
}
