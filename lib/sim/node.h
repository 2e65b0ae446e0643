/* node.h - a simulated worker: a real worker_state behind a real channel, with
 * slots in which attempts only pass the time.
 *
 * Owns: its end of the net, its worker_state, the attempts that it was given.
 * Never: decides what starts or what goes back; that is worker_state's.
 * Threads: one at a time.
 *
 * As in a real worker, slots work on by themselves while the loop is busy: an
 * attempt that ends is followed at once by the next of the slot's backlog, and
 * the loop hears of it at its next turn.
 */
#ifndef HAYI_SIM_NODE_H
#define HAYI_SIM_NODE_H

#include "sim/world.h"
#include "transport/transport_sim.h"
#include "wire/channel.h"

struct hayi_sim_node_config {
    uint32_t index;
    uint32_t cores;
    uint64_t memory_bytes;
    uint64_t missing_bytes; /* it says that it has so much more */
    uint64_t backlog_ns;    /* as in worker_state.h */
    uint32_t backlog_max;
    uint32_t slow_permille; /* 1000: as planned; 2000: all takes twice */
    uint64_t turn_ns;       /* at most so long from news to a turn */
    uint64_t report_ns;     /* reports that nobody waits for wait so long */
    uint64_t beat_ns;
    uint64_t silence_ns; /* the manager not heard for so long: it ends itself;
                            0: never */
    uint64_t started_ns; /* only what runs for longer is told as started */
    uint32_t suspended_max; /* attempts that wait without cores; then they run
                               what they wait for themselves */
    bool late_revokes;      /* revokes are tried in the next turn */
};

struct hayi_sim_node;

/* net: borrowed until free.  NULL when memory is short. */
struct hayi_sim_node *hayi_sim_node_new(struct hayi_sim_world *world,
                                        struct hayi_simnet *net,
                                        const struct hayi_sim_node_config *c);
void hayi_sim_node_free(struct hayi_sim_node *node);

/* A frame came, or a timer of the node is due. */
void hayi_sim_node_wake(struct hayi_sim_node *node);
void hayi_sim_node_timer(struct hayi_sim_node *node, struct hayi_sim_due due);
/* The loop (not the slots) stands still for so long. */
void hayi_sim_node_pause(struct hayi_sim_node *node, uint64_t for_ns);
/* Frames to it may be out of sequence: that it refuses one breaks no rule. */
void hayi_sim_node_spoilt(struct hayi_sim_node *node);
/* So much less memory than it says. */
uint64_t hayi_sim_node_missing(const struct hayi_sim_node *node);
bool hayi_sim_node_dead(const struct hayi_sim_node *node);
/* It leaves in order, if it has joined: gives back what it has not begun. */
void hayi_sim_node_leave(struct hayi_sim_node *node);
/* It dies. */
void hayi_sim_node_kill(struct hayi_sim_node *node, bool silent);

/* Asserts what must hold inside; slow. */
void hayi_sim_node_check(const struct hayi_sim_node *node);

/* Of every channel in the simulated net. */
void hayi_sim_channel_config(const struct hayi_transport *t,
                             struct hayi_channel_config *config);

#endif
