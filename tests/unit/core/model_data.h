/* model_data.h - a model of stores, fetches and attempts, for random farms.
 *
 * Owns: one scheduler, and what the model knows of the farm around it.
 * Never: lets a step pass without hayi_sched_check(), nor an action unchecked.
 * Threads: one.
 */
#ifndef HAYI_TESTS_CORE_MODEL_DATA_H
#define HAYI_TESTS_CORE_MODEL_DATA_H

#include "core/sched.h"
#include "support/unit.h"

#include <stdio.h>

#define TASKS   80
#define DEPS    4
#define MADE    3
#define WORKERS 6
#define NODES   4
#define HELD    400
#define PLACES  4000
#define FLIGHTS 200
#define WANTS   40

/* A task, or (put) an object of the client: what a future stands for. */
struct task {
    hayi_handle handle;
    uint32_t dep[DEPS];
    uint32_t dep_count;
    uint32_t refs; /* the client's, and unfinished dependents */
    hayi_object made[MADE];
    uint32_t made_count; /* by a first attempt that finishes */
    bool put;
    bool client; /* holds it still */
    bool told;
    bool has; /* it made them, and they are held */
    bool forgotten;
    bool asked;
    hay_state state;
};

struct held {
    uint32_t worker;
    hayi_handle task;
    uint32_t attempt;
    uint64_t payload;
    bool running;
};

/* One copy in a store; by place. */
struct place {
    bool there;
    uint32_t node;
    hayi_object object;
    uint32_t flights; /* that read it */
};

struct flight {
    uint32_t transfer;
    hayi_object object;
    uint64_t place;
    uint32_t from, to; /* workers */
    uint32_t to_node;
    bool broken; /* its sender was lost */
};

struct model {
    uint64_t seed;
    uint64_t random;
    struct hayi_sched *sched;
    struct hayi_actions actions;
    uint64_t now_ns;
    struct task task[TASKS + 1];
    uint32_t count;
    bool joined[WORKERS];
    bool lost[WORKERS];
    uint32_t node_of[WORKERS];
    struct held held[HELD];
    uint32_t held_count;
    struct place place[PLACES];
    uint32_t place_count;
    struct flight flight[FLIGHTS];
    uint32_t flight_count;
    uint32_t recall[WORKERS]; /* 1 + how many are asked back */
    bool want[WANTS];         /* by cookie: out */
    uint32_t want_count;
    uint32_t remakes;
    uint32_t losses;
    bool closed;
    bool short_memory;
    uint64_t hash;
    bool broken;
};

/* The one model of the run. */
extern struct model m;

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition) && !m.broken) {                                       \
            m.broken = true;                                                   \
            printf("# seed %llu, line %d: %s\n",                               \
                   (unsigned long long)m.seed,                                 \
                   __LINE__,                                                   \
                   #condition);                                                \
            CU_FAIL(#condition);                                               \
        }                                                                      \
    } while (0)

uint32_t model_dice(uint32_t sides);
/* The node of a worker, or of the manager. */
uint32_t model_node_of(uint32_t worker);
bool model_alive(uint32_t worker);
/* Something lies in the store of the node from now on. */
uint64_t model_new_place(uint32_t node, hayi_object object);
/* A step, tried again while memory is short; its actions are checked. */
hay_status model_step(struct hayi_event *e);
void model_dispatch(void);

#endif
