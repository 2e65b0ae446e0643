/* node_inside.h - the simulated worker, for the files that make it up.
 *
 * Owns: nothing beyond what node.h says.
 * Never: included by anything but lib/sim/node*.c.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_NODE_INSIDE_H
#define HAYI_SIM_NODE_INSIDE_H

#include "sim/mail.h"
#include "sim/node.h"
#include "sim/slot.h"
#include "wire/record.h"
#include "worker/worker_state.h"

#define HAYI_NODE_SINK 0u /* the manager */

struct hayi_sim_node {
    struct hayi_sim_node_config config;
    struct hayi_sim_world *world;
    struct hayi_simnet *net;
    struct hayi_transport *transport;
    struct hayi_channel *channel;
    struct hayi_wstate *state;
    struct hayi_wactions actions;
    struct hayi_sim_slots slots;
    struct hayi_sim_run *runs;     /* all that it holds */
    struct hayi_sim_run **revokes; /* to be tried in the next turn */
    uint32_t revoke_count;
    uint32_t revoke_room;
    uint64_t paused_until_ns;
    uint64_t heard_ns; /* the manager */
    uint64_t recalls;  /* that came, and have not been answered */
    bool turn_set;
    bool flush_set;
    bool urgent; /* send at the end of this turn */
    bool spoilt;
    bool joined;
    bool leaving;
    bool dead;
};

/* node.c */
void hayi_node_no_memory(struct hayi_sim_node *node);
void hayi_node_drop(struct hayi_sim_node *node, struct hayi_sim_run *run);
/* worker_state takes an event. */
void hayi_node_step(struct hayi_sim_node *node,
                    const struct hayi_wevent *event);
/* Its end, or that it waits, is the answer to a revoke. */
void hayi_node_forget_revokes(struct hayi_sim_node *node,
                              const struct hayi_sim_run *run);

/* node_tell.c: what the manager is told */
void *hayi_node_append(struct hayi_sim_node *node, uint16_t type, size_t size);
void hayi_node_tell_attempt(struct hayi_sim_node *node,
                            uint16_t type,
                            const struct hayi_sim_run *run);
void hayi_node_tell_nest(struct hayi_sim_node *node,
                         enum hayi_sim_record type,
                         const struct hayi_sim_run *run,
                         uint32_t ordinal);
void hayi_node_tell_ended(struct hayi_sim_node *node,
                          const struct hayi_sim_run *run);
/* Cancelled before it began: it ended, and took no time. */
void hayi_node_tell_cancelled(struct hayi_sim_node *node,
                              struct hayi_sim_run *run);
void hayi_node_flush(struct hayi_sim_node *node);

/* node_nest.c: attempts that wait */
/* A parked run goes on if what it waited for has ended, or it was stopped. */
void hayi_node_wake_if(struct hayi_sim_node *node, struct hayi_sim_run *run);
/* What a run submitted has ended. */
void hayi_node_kid_ended(struct hayi_sim_node *node,
                         const struct hayi_sim_nest *record);
/* A run waits, without cores. */
void hayi_node_hear_park(struct hayi_sim_node *node, struct hayi_sim_run *run);
/* It will have cores again. */
void hayi_node_unpark(struct hayi_sim_run *base);
/* ... and goes on. */
void hayi_node_hear_resumed(struct hayi_sim_node *node,
                            struct hayi_sim_run *run);
/* A run waits on its cores, and would run a child there. */
void hayi_node_hear_claim(struct hayi_sim_node *node,
                          const struct hayi_sim_run *run);
/* The answers to that. */
void hayi_node_inline(struct hayi_sim_node *node,
                      struct hayi_sim_run *child,
                      hayi_handle inline_of);
void hayi_node_claim_denied(struct hayi_sim_node *node,
                            const struct hayi_attempt_record *record);
/* false: it is none that runs in another one. */
bool hayi_node_cancel_inline(struct hayi_sim_node *node,
                             const struct hayi_cancel_record *cancel);

#endif
