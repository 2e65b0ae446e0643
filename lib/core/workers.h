/* workers.h - the accounts of the workers.
 *
 * Owns: what each worker has, what is booked on it, the list of attempts that
 *     it holds, the order of workers by load.
 * Never: chooses a task.
 * Threads: one caller at a time.
 */
#ifndef HAYI_CORE_WORKERS_H
#define HAYI_CORE_WORKERS_H

#include "core/table.h"

enum hayi_worker_state {
    HAYI_WORKER_ABSENT = 0,
    HAYI_WORKER_JOINED,
    HAYI_WORKER_LEAVING, /* it gets nothing more, see leave.c */
    HAYI_WORKER_LOST,
};

/* Is it there for one attempt that must be alone, see alone.h? */
enum hayi_worker_alone {
    HAYI_ALONE_NO = 0,
    HAYI_ALONE_KEPT,     /* it gets nothing more until it is empty */
    HAYI_ALONE_WAS_KEPT, /* during a dispatch */
    HAYI_ALONE_HAS,      /* it has it */
};

struct hayi_worker {
    uint8_t state;        /* enum hayi_worker_state */
    uint8_t alone;        /* enum hayi_worker_alone */
    bool recall_vain : 1; /* the last recall brought nothing, and nothing
                             changed */
    bool recall_gave : 1; /* the one that is out brought something */
    bool off_node : 1;    /* its node counts it as leaving */
    bool blame : 1; /* it was lost with an attempt that can have killed it */
    uint32_t cores;
    uint32_t gpus;
    uint32_t node;
    uint64_t memory_bytes; /* 0: not accounted */
    uint32_t held;         /* attempts handed out, not ended */
    uint32_t running;      /* of them: known to run */
    uint32_t held_cores;
    uint32_t held_gpus; /* of which anything is dealt, see gpus.h */
    uint64_t held_memory;
    uint32_t waiting; /* suspended attempts */
    uint32_t stuck;   /* of them, while deadlocks are looked for */
    uint64_t load;    /* sum of costs of what it holds */
    uint32_t head;    /* held attempts, oldest first */
    uint32_t tail;
    uint32_t tie;      /* order among equals, from the seed */
    uint32_t position; /* 1 + index in the heap; 0: not there */
    uint32_t blocked;  /* classes that only it may run, see ready.h */
    uint32_t recalled; /* asked back by the recall that is out; 0: none is */
    uint32_t asked;    /* asked back by the last recall */
    uint32_t guard;    /* class that it is kept free for, see reserve.h; 0 */
    int64_t wanted;    /* a ready task of this rank found no room here: nothing
                          of lower rank is held ahead for now */
    uint32_t bounced;  /* a recall of so many brought what had to wait here
                          again; the next one asks for more; 0: did not */
    uint32_t patience; /* doublings of the pause before what bounced is asked
                          for again although nothing ended */
    uint64_t end_ns;   /* what is known to end later does not start here; 0 */
    uint64_t heard_ns;
    uint64_t moved_ns; /* when something of it ended or it began to hold */
};

struct hayi_workers_slot {
    int64_t key;
    uint32_t tie;
    uint32_t worker;
};

struct hayi_workers {
    struct hayi_table *table;
    struct hayi_worker *list; /* by index */
    struct hayi_workers_slot *heap;
    uint32_t max;
    uint32_t heap_count; /* JOINED */
    uint32_t joined;     /* ever, those that were given up included */
    uint32_t lost;       /* ever, or gone */
    uint32_t leaving;
    uint32_t bounded;    /* that have or had an end */
    uint64_t cores;      /* of JOINED ones, as the next ones */
    uint64_t idle_cores; /* neither booked by running nor by waiting ones */
    uint32_t ahead;      /* workers that hold more than their cores */
    uint64_t held;
};

/* Costs are booked in this unit. */
#define HAYI_WORKERS_COST_NS 16u

/* HAY_ENOMEM.  table: borrowed until fini. */
hay_status hayi_workers_init(struct hayi_workers *workers,
                             struct hayi_table *table,
                             uint32_t max,
                             uint64_t seed);
void hayi_workers_fini(struct hayi_workers *workers);

/* The worker was ABSENT; its amounts are filled in. */
void hayi_workers_join(struct hayi_workers *workers, uint32_t index);
/* The worker was ABSENT, and will never join. */
void hayi_workers_give_up(struct hayi_workers *workers, uint32_t index);
/* The worker was JOINED, and is LEAVING; what it holds stays in its list. */
void hayi_workers_retire(struct hayi_workers *workers, uint32_t index);
/* The worker was JOINED or LEAVING; what it holds stays in its list. */
void hayi_workers_lose(struct hayi_workers *workers, uint32_t index);

/* The row, with worker and cost filled in, goes to the end of its worker's
 * list and is booked there; or leaves it. */
void hayi_workers_book(struct hayi_workers *workers,
                       uint32_t row,
                       const struct hayi_needs *needs);
void hayi_workers_unbook(struct hayi_workers *workers,
                         uint32_t row,
                         const struct hayi_needs *needs);

/* The row, which is booked, stays so but for its cores, and what it is expected
 * to take does not count any more; or its cores are booked again. */
void hayi_workers_lend(struct hayi_workers *workers,
                       uint32_t row,
                       uint32_t cores);
void hayi_workers_regain(struct hayi_workers *workers,
                         uint32_t row,
                         uint32_t cores);

/* JOINED or LEAVING? */
static inline bool hayi_worker_there(const struct hayi_worker *worker)
{
    return worker->state == HAYI_WORKER_JOINED
           || worker->state == HAYI_WORKER_LEAVING;
}

/* May something start there now that is over at until_ns? */
static inline bool hayi_worker_in_time(const struct hayi_worker *worker,
                                       uint64_t until_ns)
{
    return worker->end_ns == 0 || until_ns <= worker->end_ns;
}

static inline uint32_t hayi_worker_idle(const struct hayi_worker *worker)
{
    return worker->cores > worker->held_cores
               ? worker->cores - worker->held_cores
               : 0;
}

/* Cores' worth of attempts that it holds beyond its cores. */
static inline uint32_t hayi_worker_ahead(const struct hayi_worker *worker)
{
    return worker->held_cores > worker->cores
               ? worker->held_cores - worker->cores
               : 0;
}

/* Attempts that it holds and has not started, as far as one can tell. */
uint32_t hayi_worker_unstarted(const struct hayi_worker *worker);
/* The time that these would take its cores, as far as one can tell. */
uint64_t hayi_worker_unstarted_ns(const struct hayi_worker *worker);

/* Could the worker meet the needs if it held nothing? */
bool hayi_worker_meets(const struct hayi_worker *worker,
                       uint32_t index,
                       const struct hayi_needs *needs);
/* Does it meet them, and are memory and gpus free?  (Cores may be busy.) */
bool hayi_worker_fits(const struct hayi_worker *worker,
                      uint32_t index,
                      const struct hayi_needs *needs);

size_t hayi_workers_bytes(const struct hayi_workers *workers);
void hayi_workers_check(const struct hayi_workers *workers);

#endif
