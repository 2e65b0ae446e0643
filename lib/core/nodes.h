/* nodes.h - the nodes: who lives there, and what is to run or to come there.
 *
 * Owns: for each node its workers, the tasks assigned to it in the order in
 *     which they should run, the list of staged ones, counts of its fetches.
 * Never: chooses a node.
 * Threads: one caller at a time.
 *
 * A node is there while a worker lives on it, or the manager does.
 */
#ifndef HAYI_CORE_NODES_H
#define HAYI_CORE_NODES_H

#include "core/cargos.h"
#include "core/workers.h"

/* A queue of fetches, see fetches.h. */
struct hayi_line {
    uint32_t first;
    uint32_t last;
    uint32_t count;
};

struct hayi_node {
    uint32_t workers; /* 1 + the first of them; 0 */
    uint32_t worker_count;
    uint32_t staying; /* of them: that do not leave */
    uint32_t turn;    /* 1 + worker that moved something last; 0 */
    uint32_t cores;   /* of those that stay */
    uint32_t blocked; /* classes that only run here, see ready.h */
    uint32_t *heap;   /* assigned ones */
    size_t heap_room;
    uint32_t heap_count;
    uint32_t staged; /* list, the last one first */
    uint32_t staged_count;
    uint64_t backlog_ns;     /* of assigned and staged ones, all cores */
    uint64_t backlog_cores;  /* that they ask for */
    uint64_t incoming_bytes; /* of queued and flying fetches */
    uint32_t sends;          /* flying */
    uint32_t receives;
    uint64_t sent;              /* fetches from here, ever */
    struct hayi_line send_line; /* wait until it can send */
    struct hayi_line receive_line;
    uint32_t used_permille;
    uint32_t tie;         /* order among equals, from the seed */
    uint32_t next;        /* in the list of those to be looked at */
    bool listed;          /* to be looked at */
    uint64_t scratch;     /* bytes there of the task in question */
    uint64_t scratch_for; /* number of that question */
};

struct hayi_nodes {
    struct hayi_cargos *cargos;
    struct hayi_workers *workers;
    struct hayi_node *list;
    uint32_t *follow; /* by worker: 1 + the next one on its node; 0 */
    uint32_t *seen;   /* nodes of the question */
    uint32_t max;
    uint32_t manager;
    uint32_t live;   /* with workers that stay */
    uint32_t cursor; /* of the last node that was looked at for its load */
    uint32_t thief;  /* the same for stealing */
    uint32_t first;  /* to be looked at, 1 + index; 0: none */
    uint32_t last;
    uint64_t question;
    size_t heap_entries; /* room of all heaps */
};

/* HAY_ENOMEM.  cargos, workers: borrowed until fini. */
hay_status hayi_nodes_init(struct hayi_nodes *nodes,
                           struct hayi_cargos *cargos,
                           struct hayi_workers *workers,
                           uint32_t max,
                           uint32_t manager,
                           uint64_t seed);
void hayi_nodes_fini(struct hayi_nodes *nodes);

/* A worker that has joined, begins to leave, or was lost just now. */
void hayi_nodes_join(struct hayi_nodes *nodes, uint32_t worker);
void hayi_nodes_retire(struct hayi_nodes *nodes, uint32_t worker);
void hayi_nodes_leave(struct hayi_nodes *nodes, uint32_t worker);
/* Is there anybody on the node? */
bool hayi_nodes_there(const struct hayi_nodes *nodes, uint32_t node);
/* ... but only workers that leave? */
bool hayi_nodes_deserted(const struct hayi_nodes *nodes, uint32_t node);
/* Who sends or receives next on a node that is there: a worker, or
 * HAYI_MANAGER_SELF. */
uint32_t hayi_nodes_mover(struct hayi_nodes *nodes, uint32_t node);
/* The worker behind this one on its node, or the first; 0: it has left the
 * node, or nobody else is there.  Else 1 + it. */
uint32_t hayi_nodes_other(const struct hayi_nodes *nodes,
                          uint32_t node,
                          uint32_t worker);
/* Who frees memory there. */
uint32_t hayi_nodes_dropper(const struct hayi_nodes *nodes, uint32_t node);
/* Cores there that nothing is booked on. */
uint32_t hayi_nodes_idle(const struct hayi_nodes *nodes, uint32_t node);
/* How long a further task of so many cores would wait there. */
uint64_t hayi_nodes_wait_ns(const struct hayi_nodes *nodes,
                            uint32_t node,
                            uint32_t cores);

/* Room for one more in the heap of the node.  HAY_ENOMEM. */
hay_status hayi_nodes_reserve(struct hayi_nodes *nodes, uint32_t node);
/* Assign an OPEN cargo to the node, which was reserved; or take it off. */
void hayi_nodes_assign(struct hayi_nodes *nodes, uint32_t node, uint32_t cargo);
/* ASSIGNED to FETCHING; the node keeps it among its staged ones. */
void hayi_nodes_stage(struct hayi_nodes *nodes, uint32_t cargo);
/* Whatever its node knows of it goes: OPEN, without a node. */
void hayi_nodes_detach(struct hayi_nodes *nodes, uint32_t cargo);

/* Put the node at the end of those to be looked at, unless it is there. */
void hayi_nodes_touch(struct hayi_nodes *nodes, uint32_t node);
/* Take the first one out of there: 1 + index; 0: none. */
uint32_t hayi_nodes_pop(struct hayi_nodes *nodes);

size_t hayi_nodes_bytes(const struct hayi_nodes *nodes);
void hayi_nodes_check(const struct hayi_nodes *nodes);

#endif
