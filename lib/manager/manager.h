/* manager.h - the shell around the scheduler: takes what the client submits
 * and what the workers report, steps the core, does what it says.
 *
 * Owns: the core, the inbox, a link to every worker, the run folder.
 * Never: decides (the core does), blocks, runs user code.
 * Threads: the loop's own; hayi_manager_post() from any.
 */
#ifndef HAYI_MANAGER_MANAGER_H
#define HAYI_MANAGER_MANAGER_H

#include "base/bell.h"
#include "client/executor.h"
#include "transport/transport.h"

struct hayi_manager;

/* What to call a worker in words. */
struct hayi_worker_name {
    uint32_t number; /* MPI rank; 0 for the one in this process */
    char host[64];
    int32_t pid;
};

struct hayi_manager_config {
    struct hayi_transport *transport;     /* borrowed; workers are peers 1.. */
    struct hayi_bell *bell;               /* borrowed; rings the loop */
    hay_executor *ex;                     /* counted; with its node's store */
    const hay_options *options;           /* borrowed during the call */
    const struct hayi_worker_name *names; /* of peers 1..; copied */
    uint32_t guests_max; /* of the peers, the last ones: may come later; then
                            the options are borrowed for the manager's life */
    uint32_t epoch;
    bool shared_memory;       /* the only worker is in this process */
    bool with_worker;         /* the worker of the start is, and has our store;
                                 guests reach it through us */
    char *const *environment; /* of commands; borrowed during the call */
};

hay_status hayi_manager_new(const struct hayi_manager_config *config,
                            struct hayi_manager **manager,
                            struct hayi_error *err);
void hayi_manager_free(struct hayi_manager *manager);

/* From any thread. */
void hayi_manager_post(struct hayi_manager *manager, struct hayi_item *item);

/* One round.  true: there was something to do. */
bool hayi_manager_poll(struct hayi_manager *manager, uint64_t now_ns);
/* Has the inbox something? (the last look before sleeping) */
bool hayi_manager_inbox(const struct hayi_manager *manager);
/* Do the workers have cores that nothing runs on? */
bool hayi_manager_has_slack(const struct hayi_manager *manager);
uint64_t hayi_manager_deadline_ns(const struct hayi_manager *manager);
/* Hands buffered lines to the operating system; before sleeping. */
void hayi_manager_rest(struct hayi_manager *manager);

/* The worker is lost, 'how' tells why; what the transport cannot know. */
void hayi_manager_lose(struct hayi_manager *manager,
                       uint32_t worker,
                       const char *how);

/* After the loop: refuses what came in too late, until nobody posts any more.
 */
void hayi_manager_refuse_late(struct hayi_manager *manager);

/* All tasks have ended and all workers have left (or are given up). */
bool hayi_manager_ended(const struct hayi_manager *manager);
/* It ended because it could not go on: the run is lost. */
bool hayi_manager_broken(const struct hayi_manager *manager);
/* No death was seen: MPI may be finalized. */
bool hayi_manager_orderly(const struct hayi_manager *manager);

#endif
