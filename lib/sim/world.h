/* world.h - what all parts of a simulated cluster share: the time, what is to
 * happen when, the dice, the rules, the trace.
 *
 * Owns: the timers; the rest is the owner's.
 * Never: decides anything.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_WORLD_H
#define HAYI_SIM_WORLD_H

#include "sim/dice.h"
#include "sim/ledger.h"
#include "transport/due.h"

/* What a timer is for. */
enum hayi_sim_timer {
    HAYI_SIM_WISH = 1,     /* number: of the client's wish */
    HAYI_SIM_MANAGER_TURN, /* the manager looks around */
    HAYI_SIM_TICK,         /* the core's deadline */
    HAYI_SIM_READ,         /* number: a map's items are read */
    HAYI_SIM_NODE_JOIN,    /* node */
    HAYI_SIM_NODE_TURN,    /* node: looks around */
    HAYI_SIM_NODE_FLUSH,   /* node: sends what it has to tell */
    HAYI_SIM_NODE_BEAT,    /* node: shows that it lives */
    HAYI_SIM_INPUTS,       /* number: of the task whose inputs are told */
    HAYI_SIM_FLIGHT,       /* number: of the fetch that is over */
    HAYI_SIM_BEAT,         /* the manager shows that it lives */
    HAYI_SIM_SPILL,        /* number: of the node that makes room in memory */
    HAYI_SIM_SLOT,         /* node, core, number: an attempt may have ended */
};

#define HAYI_SIM_NODES_MAX 4096u
#define HAYI_SIM_CORES_MAX 4096u

struct hayi_sim_due {
    enum hayi_sim_timer timer;
    uint32_t node;
    uint32_t core;
    uint32_t number;
};

/* How often what happened on the workers, to see that a run shows anything. */
struct hayi_sim_counts {
    uint64_t begun;
    uint64_t backlog; /* given to a slot behind others */
    uint64_t revokes;
    uint64_t late; /* of them */
    uint64_t returned;
    uint64_t recalls; /* done */
    uint64_t stops;
    uint64_t granted;   /* hand-outs of more than cores */
    uint64_t cancelled; /* that had not begun */
    uint64_t kids;      /* submitted by tasks */
    uint64_t suspended;
    uint64_t followed;
    uint64_t claims;
    uint64_t inlined; /* children on the cores of those that claimed */
    uint64_t denied;
    uint64_t puts;
    uint64_t wants;
    uint64_t wants_in_vain;
};

struct hayi_sim_world {
    uint64_t now_ns;
    uint64_t moved_ns; /* when anything began or ended */
    struct hayi_due timers;
    struct hayi_dice dice;
    struct hayi_ledger ledger;
    struct hayi_sim_counts counts;
    /* One line of what happens; NULL: nobody listens. */
    void (*trace)(void *context, uint64_t now_ns, const char *line);
    void *trace_context;
};

/* Let something happen 'after_ns' from now.  A lack of memory breaks a rule. */
void hayi_sim_set_timer(struct hayi_sim_world *world,
                        uint64_t after_ns,
                        struct hayi_sim_due due);
/* Take the earliest timer away. */
struct hayi_sim_due hayi_sim_next_timer(struct hayi_sim_world *world);

void hayi_sim_trace(const struct hayi_sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
