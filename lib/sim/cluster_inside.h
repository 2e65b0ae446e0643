/* cluster_inside.h - the simulated cluster, for the files that make it up.
 *
 * Owns: nothing beyond what cluster.h says.
 * Never: included by anything but lib/sim/cluster*.c.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_CLUSTER_INSIDE_H
#define HAYI_SIM_CLUSTER_INSIDE_H

#include "sim/cluster.h"
#include "sim/mail.h"

struct sim_link {
    struct hayi_channel *channel;
    uint64_t slow_ns;   /* besides; both ways */
    uint64_t cut_ns[2]; /* until then nothing passes to it, from it */
    uint64_t heard_ns;
    bool joined;
    bool spoilt;                  /* a frame may be out of sequence */
    bool dirty;                   /* in the list of those to flush */
    bool lost;                    /* the core counts it as lost */
    struct hayi_sim_nest follows; /* of the next ENDED; task 0: of none */
};

struct sim_want {
    hayi_object object;
    uint32_t task;
    uint32_t node;
    bool answered;
};

struct hayi_sim {
    struct hayi_sim_config config;
    struct hayi_sim_world world;
    struct hayi_sched *sched;
    struct hayi_actions actions;
    struct hayi_simnet *net;
    struct hayi_transport *transport; /* the manager's */
    struct hayi_sim_node **nodes;
    uint64_t *join_ns;
    struct sim_link *links; /* [worker] */
    uint32_t *dirty;
    uint32_t dirty_count;
    struct hayi_sim_wish *wishes;
    uint32_t wish_count;
    uint32_t wish_room;
    struct sim_want *wants;
    uint32_t want_count;
    uint32_t want_room;
    uint32_t wants_open;   /* without an answer */
    uint32_t flights_open; /* that have not landed */
    struct hayi_dep *deps; /* room for the largest submit */
    size_t dep_room;
    uint64_t held_up_ns; /* the manager stands still until then */
    uint64_t late;       /* frames of lost workers */
    bool turn_set;
    uint64_t tick_ns; /* when the earliest tick is set for */
    uint64_t credit;  /* for checks */
    uint64_t still;   /* things that happened since time moved */
    uint64_t events;
};

/* cluster.c */
/* The core takes an event; what it answers is left in 'actions'. */
hay_status hayi_sim_step(struct hayi_sim *sim, struct hayi_event *event);
void hayi_sim_act_all(struct hayi_sim *sim);
void hayi_sim_wake_manager(struct hayi_sim *sim);

/* cluster_wish.c */
void hayi_sim_wish_comes(struct hayi_sim *sim,
                         const struct hayi_sim_wish *wish);
/* A reader has seen all items of a map that have been reported. */
void hayi_sim_read_items(struct hayi_sim *sim, uint32_t index);

/* cluster_net.c: what goes wrong between the manager and its workers */
/* How long a frame takes; for the net. */
uint64_t
hayi_sim_delay_ns(void *context, uint32_t from, uint32_t to, size_t size);
/* Its frame is one of a lost worker: it is told to end itself.  false: the
 * frame may be looked at all the same. */
bool hayi_sim_refuse(struct hayi_sim *sim, uint32_t worker);
void hayi_sim_fence(struct hayi_sim *sim, uint32_t worker);
/* Has the worker that counts as lost really been silent for so long? */
void hayi_sim_check_silence(struct hayi_sim *sim,
                            const struct hayi_action *action);
void hayi_sim_spoil(struct hayi_sim *sim, const struct hayi_sim_wish *wish);
/* The manager shows all workers that it lives. */
void hayi_sim_beat(struct hayi_sim *sim);
/* All have ended: see that all lost workers end, too. */
void hayi_sim_end_ghosts(struct hayi_sim *sim);
/* Let the next thing happen.  false: there is none. */
bool hayi_sim_advance(struct hayi_sim *sim);

/* cluster_wealth.c */
/* Tell the core of pools and requests. */
void hayi_sim_tell_wealth(struct hayi_sim *sim);
/* A step, of a JOINED without resources. */
void hayi_sim_step_joined(struct hayi_sim *sim, struct hayi_event *event);

/* The worker's channel has something to send, or may have. */
void hayi_sim_mark_dirty(struct hayi_sim *sim, uint32_t worker);

/* cluster_nest.c: tasks in tasks */
/* A record of a worker; false: it is none of these. */
bool hayi_sim_nest_came(struct hayi_sim *sim,
                        uint32_t worker,
                        uint16_t type,
                        const void *body);
/* Does the attempt that has finished follow one that it submitted?  dep: room
 * for the event. */
bool hayi_sim_follow(struct hayi_sim *sim,
                     struct hayi_event *event,
                     struct hayi_dep *dep);
/* A task has been told: so is the attempt that submitted it. */
void hayi_sim_kid_told(struct hayi_sim *sim, uint32_t index);
/* The attempt is over, but not the task: what it submitted may not be wanted.
 */
void hayi_sim_tell_unwanted(struct hayi_sim *sim,
                            uint32_t index,
                            uint32_t attempt);

/* cluster_want.c: what the client itself has or wants */
void hayi_sim_put(struct hayi_sim *sim, const struct hayi_sim_wish *wish);
void hayi_sim_want(struct hayi_sim *sim, const struct hayi_sim_wish *wish);
void hayi_sim_wanted(struct hayi_sim *sim, const struct hayi_action *action);

/* cluster_data.c: what the manager and its client do for objects */
/* A task has been told: the futures that it named may be released. */
void hayi_sim_release_after(struct hayi_sim *sim, uint32_t index);
/* What was put and is no input of any task. */
void hayi_sim_release_all(struct hayi_sim *sim);
void hayi_sim_fetch(struct hayi_sim *sim, const struct hayi_action *action);
/* The same as a step, of an ENDED that finished its task. */
void hayi_sim_step_made(struct hayi_sim *sim, struct hayi_event *event);
void hayi_sim_tell_inputs(struct hayi_sim *sim, uint32_t index);
void hayi_sim_pressure(struct hayi_sim *sim, uint32_t node);
void hayi_sim_spill(struct hayi_sim *sim, uint32_t node);
void hayi_sim_land(struct hayi_sim *sim, uint32_t flight);

#endif
