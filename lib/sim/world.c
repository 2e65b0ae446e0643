/* world.c - timers, packed into the 64 bits of a heap's entry: what for (4),
 * node (12), core (12), number (32).
 */
#include "config.h"

#include "sim/world.h"

#include <assert.h>
#include <stdio.h>

#define LINE_SIZE 300

void hayi_sim_set_timer(struct hayi_sim_world *world,
                        uint64_t after_ns,
                        struct hayi_sim_due due)
{
    assert(due.node < HAYI_SIM_NODES_MAX);
    assert(due.core < HAYI_SIM_CORES_MAX);
    uint64_t value = (uint64_t)due.timer << 56 | (uint64_t)due.node << 44
                     | (uint64_t)due.core << 32 | due.number;
    if (hayi_due_add(&world->timers, world->now_ns + after_ns, value)
        != HAY_OK) {
        hayi_ledger_fail(&world->ledger, "the simulator has no memory");
    }
}

struct hayi_sim_due hayi_sim_next_timer(struct hayi_sim_world *world)
{
    uint64_t value = hayi_due_pop(&world->timers);
    return (struct hayi_sim_due){
        .timer = (enum hayi_sim_timer)(value >> 56),
        .node = (uint32_t)(value >> 44) & (HAYI_SIM_NODES_MAX - 1),
        .core = (uint32_t)(value >> 32) & (HAYI_SIM_CORES_MAX - 1),
        .number = (uint32_t)value,
    };
}

void hayi_sim_trace(const struct hayi_sim_world *world, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list list;

    if (world->trace == NULL) {
        return;
    }
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    world->trace(world->trace_context, world->now_ns, line);
}
