/* wealth.h - what simulated workers and the farm own, and who has it.
 *
 * Owns: the purse of each worker, the farm's pools, the requests, an account
 *     of all that was handed out and has not come back.
 * Never: looks into the core; its account is kept from the actions alone.
 * Threads: one at a time.
 *
 * An attempt has what it asks for from its hand-out until the manager hears of
 * its end, its return, or the loss of its worker.
 */
#ifndef HAYI_SIM_WEALTH_H
#define HAYI_SIM_WEALTH_H

#include "core/sched.h"

#define HAYI_SIM_RESOURCES 4u /* the first ones are the farm's */

struct hayi_sim_purse {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory_bytes; /* 0: any */
    uint64_t units[HAYI_SIM_RESOURCES];
};

struct hayi_sim_request {
    struct hayi_variant variants[HAYI_VARIANT_MAX];
    uint32_t count;
    uint32_t number; /* the core's */
};

struct hayi_sim_grant; /* what an attempt has */

struct hayi_sim_account {
    struct hayi_sim_purse has;
    struct hayi_sim_purse out; /* cores: not counted; gpus: not used */
    uint32_t dealt[HAYI_GPU_MAX];
    struct hayi_sim_grant *grants;
    uint32_t grant_count;
    uint32_t grant_room;
};

struct hayi_wealth {
    struct hayi_sim_account *workers;
    uint32_t worker_max;
    uint32_t pools;                     /* so many resources are the farm's */
    uint64_t units[HAYI_SIM_RESOURCES]; /* of the farm */
    uint64_t out[HAYI_SIM_RESOURCES];
    struct hayi_sim_request *requests;
    uint32_t request_count;
    uint32_t request_room;
    uint64_t granted; /* attempts that got more than cores, ever */
};

/* HAY_ENOMEM. */
hay_status hayi_wealth_init(struct hayi_wealth *wealth, uint32_t worker_max);
void hayi_wealth_fini(struct hayi_wealth *wealth);
/* Note a request; *index: its number here, from 1.  HAY_ENOMEM. */
hay_status hayi_wealth_request(struct hayi_wealth *wealth,
                               const struct hayi_variant *variants,
                               uint32_t count,
                               uint32_t *index);

/* A task, which asks for the request of this number here (0: none), and may use
 * 2^grown times the memory by now, is handed out: NULL, or the rule that this
 * breaks. */
const char *hayi_wealth_hand_out(struct hayi_wealth *wealth,
                                 uint32_t request,
                                 uint32_t grown,
                                 const struct hayi_action *action);
/* The manager hears of the end of an attempt, or of its return. */
void hayi_wealth_back(struct hayi_wealth *wealth,
                      uint32_t worker,
                      hayi_handle task,
                      uint32_t attempt);
void hayi_wealth_lost(struct hayi_wealth *wealth, uint32_t worker);

#endif
