/* chaos_wealth.h - the dice's choice of resources, and of requests for them.
 *
 * Owns: nothing.
 * Never: asks only for what nobody has that stays.
 * Threads: one at a time.
 */
#ifndef HAYI_SIM_CHAOS_WEALTH_H
#define HAYI_SIM_CHAOS_WEALTH_H

#include "sim/cluster.h"

/* Workers get gpus and amounts, the farm gets pools; then requests that the
 * worker 'rich', who stays, can meet.  HAY_ENOMEM. */
hay_status hayi_chaos_wealth(struct hayi_dice *dice,
                             struct hayi_wealth *wealth,
                             uint32_t rich);

#endif
