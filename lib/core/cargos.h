/* cargos.h - what tasks have to do with objects: their inputs, what they made.
 *
 * Owns: a record for each unfinished task with objects as inputs, and for each
 *     finished one that is remembered to make its objects again (a recipe).
 * Never: decides anything; who links a record in which state is told below.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_CARGOS_H
#define HAYI_CORE_CARGOS_H

#include "core/sched.h"

/* Who links a record by next and prev in each state. */
enum hayi_cargo_state {
    HAYI_CARGO_FREE = 0, /* the free list */
    HAYI_CARGO_OPEN,     /* nobody: it is listed, to be looked at */
    HAYI_CARGO_WAITING,  /* the first of its inputs that must be made again */
    HAYI_CARGO_UNPLACED, /* the list of those that no node can run now */
    HAYI_CARGO_ASSIGNED, /* nobody: it is in the heap of its node */
    HAYI_CARGO_FETCHING, /* its node's staged ones: inputs are on their way */
    HAYI_CARGO_READY,    /* its node's staged ones, its row is in the ready
                            queue; nobody if it has no node */
    HAYI_CARGO_OUT,      /* nobody: its worker has it */
    HAYI_CARGO_KEPT,     /* nobody: its task has ended */
};

struct hayi_cargo {
    hay_task_id id;
    uint64_t payload;
    uint64_t age;
    uint64_t expected_ns; /* of all its cores, booked at its node */
    uint64_t stolen;      /* number of the dispatch that stole it last */
    uint64_t report;      /* of the fetch that found no room */
    uint32_t *inputs;     /* objects, ascending, each once */
    uint32_t *made;       /* objects in order; 0: gone */
    uint32_t input_count;
    uint32_t made_count;
    uint32_t made_live; /* that are not gone */
    uint32_t row;       /* of the task; 0: it has ended */
    uint32_t class;     /* of its needs, any node */
    int32_t priority;
    uint16_t depth;
    uint32_t category;
    uint32_t retries;
    uint32_t attempt;
    uint32_t cores;
    uint32_t node;     /* 1 + index; 0: none */
    uint32_t avoid;    /* 1 + index of a node that had no room; 0 */
    uint32_t position; /* 1 + index in the heap of its node; 0 */
    uint32_t waits;    /* WAITING: for this object */
    uint32_t missing;  /* FETCHING: inputs that are not there */
    uint32_t next;
    uint32_t prev;
    uint32_t todo;   /* next of those to be looked at */
    uint8_t state;   /* enum hayi_cargo_state */
    uint8_t remakes; /* attempts that the farm failed in this remake */
    bool kept;       /* a recipe, run again now or not */
    bool rests;      /* a recipe in the list of those, by next and prev */
    bool listed;     /* to be looked at */
    bool spoilt;     /* one of its inputs was not known */
    bool crowded;    /* a node dropped one of them before the others were there:
                        what is fetched for it from now on stays */
};

struct hayi_cargos {
    struct hayi_cargo *list; /* 1 .. count-1 */
    size_t room;
    uint32_t count;
    uint32_t free;
    uint32_t live;
    uint32_t first; /* to be looked at */
    uint32_t last;
    uint32_t unplaced; /* list */
    uint32_t oldest;   /* recipes that are not run again now */
    uint32_t newest;
    uint64_t kept;
    uint64_t entries; /* of all lists of inputs and made ones */
    uint64_t assigned;
    uint64_t staged;
};

void hayi_cargos_init(struct hayi_cargos *cargos);
void hayi_cargos_fini(struct hayi_cargos *cargos);
/* Make sure that the next take() succeeds.  HAY_ENOMEM. */
hay_status hayi_cargos_reserve(struct hayi_cargos *cargos);
/* A zeroed record, OPEN; needs a reserve. */
uint32_t hayi_cargos_take(struct hayi_cargos *cargos);
/* It is in no list; its own lists are freed. */
void hayi_cargos_give(struct hayi_cargos *cargos, uint32_t index);
/* inputs: taken; sorted here, further ones of the same are left out. */
void hayi_cargos_inputs(struct hayi_cargos *cargos,
                        uint32_t index,
                        uint32_t *inputs,
                        uint32_t count);
/* made: taken. */
void hayi_cargos_made(struct hayi_cargos *cargos,
                      uint32_t index,
                      uint32_t *made,
                      uint32_t count);
/* Is the object one of its inputs? */
bool hayi_cargo_lists(const struct hayi_cargo *cargo, uint32_t object);

/* Put it into a list by next and prev, or take it out. */
void hayi_cargos_link(struct hayi_cargos *cargos,
                      uint32_t *head,
                      uint32_t index);
void hayi_cargos_unlink(struct hayi_cargos *cargos,
                        uint32_t *head,
                        uint32_t index);

/* Put it at the end of those to be looked at, unless it is there. */
void hayi_cargos_touch(struct hayi_cargos *cargos, uint32_t index);
/* Take the first one out of there; 0: none. */
uint32_t hayi_cargos_pop(struct hayi_cargos *cargos);

size_t hayi_cargos_bytes(const struct hayi_cargos *cargos);

static inline struct hayi_cargo *hayi_cargo_at(const struct hayi_cargos *cargos,
                                               uint32_t index)
{
    return &cargos->list[index];
}

#endif
