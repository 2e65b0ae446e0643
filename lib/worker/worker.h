/* worker.h - the shell around worker_state: receives, steps, starts, reports.
 *
 * Owns: the link to the manager, the slots' threads, the spawner, the attempts
 *     that it holds.
 * Never: decides what runs where (worker_state does), blocks.
 * Threads: the loop's own; slots have a thread each.
 */
#ifndef HAYI_WORKER_WORKER_H
#define HAYI_WORKER_WORKER_H

#include "base/bell.h"
#include "transport/transport.h"
#include "worker/spawner.h"
#include "worker/topology.h"

#include <stdatomic.h>

struct hayi_store;
struct hayi_worker;
struct pollfd;

/* What makes a worker leave a farm that goes on without it; all 0: nothing. */
struct hayi_worker_leaving {
    const atomic_int *asked; /* borrowed; not 0: it shall */
    uint64_t idle_ns;        /* it has had nothing to do for so long; 0 */
    uint64_t deadline_ns;    /* hayi_clock_ns() when it will be killed; 0: not
                                known.  It leaves a margin before */
};

struct hayi_worker_config {
    struct hayi_transport *transport;     /* borrowed; the manager is peer 0 */
    struct hayi_bell *bell;               /* borrowed; rings the loop */
    const struct hayi_topology *topology; /* borrowed */
    const struct hayi_cpumask *masks;     /* of the ranks here that run tasks;
                                             copied */
    size_t mask_count;
    size_t mask_mine;
    const uint64_t *gpu_ids; /* [mask_count]: identities of their gpus (gpus.h);
                                copied; NULL: like ours */
    struct hayi_spawner *spawner; /* taken; NULL: exec'ed when needed */
    hay_executor *executor;   /* shared_memory: the manager's, borrowed; else
                                 not used */
    struct hayi_store *store; /* of this node, borrowed; shared_memory: the
                                 manager has configured it; NULL: no
                                 objects */
    uint32_t store_of;        /* the peer that made it */
    uint32_t store_member;    /* our number there */
    const char *host;         /* copied */
    uint32_t epoch;
    bool keep_store;        /* look after it (keeper.h), as the first rank that
                               lives */
    const uint32_t *before; /* [before_count]: peers that do so before us;
                               copied */
    size_t before_count;
    bool shared_memory;  /* the manager is in this process */
    uint32_t guests_max; /* of the peers, the last ones: may come later */
    bool joined;         /* we are one of them */
    uint32_t slots;      /* this rank's own word; 0: the manager's */
    bool no_pin;         /* this rank's own; or the manager's */
    bool own_gpus;       /* 'gpus' is this rank's own word, of its node */
    uint32_t gpus;
    const char *resources; /* copied; this rank's own; NULL: the manager's */
    struct hayi_worker_leaving leaving;
};

hay_status hayi_worker_new(const struct hayi_worker_config *config,
                           struct hayi_worker **worker,
                           struct hayi_error *err);
/* Ends what runs (commands are killed) and frees.  A slot's thread that still
 * runs a function is waited for. */
void hayi_worker_free(struct hayi_worker *worker);

/* Kills the commands and nothing else: for a process that ends now, while
 * functions may run. */
void hayi_worker_abandon(struct hayi_worker *worker);

/* One round: receive, step, start, report, send.  true: there was something to
 * do. */
bool hayi_worker_poll(struct hayi_worker *worker, uint64_t now_ns);
/* Is every slot busy, with more behind?  Then waking early gains nothing. */
bool hayi_worker_saturated(const struct hayi_worker *worker);
/* When to poll at the latest. */
uint64_t hayi_worker_deadline_ns(const struct hayi_worker *worker);
size_t hayi_worker_fds(const struct hayi_worker *worker,
                       struct pollfd *list,
                       size_t room);

enum hayi_worker_end {
    HAYI_WORKER_SERVES = 0,
    HAYI_WORKER_DONE,    /* stopped in order, BYE is sent */
    HAYI_WORKER_AT_ONCE, /* told to leave at once */
    HAYI_WORKER_ORPHAN,  /* the manager is gone; 'err' tells */
    HAYI_WORKER_BROKEN,  /* cannot go on; 'err' tells */
};
enum hayi_worker_end hayi_worker_ended(const struct hayi_worker *worker,
                                       struct hayi_error *err);
/* Was another rank lost?  Then MPI cannot be finalized. */
bool hayi_worker_saw_loss(const struct hayi_worker *worker);

#endif
