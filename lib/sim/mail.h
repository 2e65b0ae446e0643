/* mail.h - the simulated manager's actions as records, its workers' records as
 * events.
 *
 * Owns: nothing.
 * Never: keeps anything between two calls.
 * Threads: any; one channel, one thread.
 */
#ifndef HAYI_SIM_MAIL_H
#define HAYI_SIM_MAIL_H

#include "core/sched.h"
#include "wire/channel.h"

/* Records of simulated farms only, of tasks in tasks. */
enum hayi_sim_record {
    HAYI_SIM_RECORD_FIRST = 0x7000,
    HAYI_SIM_RECORD_KID = HAYI_SIM_RECORD_FIRST, /* an attempt submits */
    HAYI_SIM_RECORD_WAITS,                       /* ... waits, without cores */
    HAYI_SIM_RECORD_CLAIM,   /* ... would run one of them itself */
    HAYI_SIM_RECORD_FOLLOWS, /* ... has finished as one of them: ENDED comes */
    HAYI_SIM_RECORD_KID_ENDED, /* to the worker */
};
#define HAYI_SIM_SEVERAL UINT32_MAX /* ordinal: all of them */
struct hayi_sim_nest {
    hayi_handle task; /* that submitted; but to the worker */
    uint32_t index;   /* of it, in the ledger */
    uint32_t attempt;
    uint32_t ordinal;
    uint32_t reserved;
};

/* The worker to whom an action is sent; UINT32_MAX: it is not for a worker. */
uint32_t hayi_sim_mail_worker(const struct hayi_action *action);
/* Append the action, which is for a worker, to his channel.  HAY_ENOMEM. */
hay_status hayi_sim_mail_write(struct hayi_channel *channel,
                               const struct hayi_action *action);
/* The event that a worker's record tells.  HAY_EMISMATCH: it is none.  The
 * report of an ENDED is what the worker put into handed_ns. */
hay_status hayi_sim_mail_read(uint32_t worker,
                              uint16_t type,
                              const void *body,
                              struct hayi_event *event);

#endif
