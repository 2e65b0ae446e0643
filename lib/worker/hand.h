/* hand.h - the threads that run registered functions.
 *
 * A thread serves a slot: runs what is in its ring.  When a task waits, its
 * thread leaves the slot and sleeps with the task's stack; another one serves
 * the slot meanwhile.  When the task may go on, the loop gives its thread the
 * turn of a slot: who serves that one hands over after what it runs.  Threads
 * without a slot are spare; there are never more of them than 'spare_max'.
 *
 * Owns: the threads, their private memory.
 * Never: chooses what runs, or where.
 * Threads: see the groups of fields; hayi_hand_wait_*() are for the thread of
 *     the task that waits, hayi_hand_wake() is for any.
 */
#ifndef HAYI_WORKER_HAND_H
#define HAYI_WORKER_HAND_H

#include "base/bell.h"
#include "worker/slot_thread.h"

#include <pthread.h>

/* What the loop is told. */
enum hayi_news_kind {
    HAYI_NEWS_ENDED = 0,
    HAYI_NEWS_SUSPENDED, /* hand, task: waits */
    HAYI_NEWS_WAKE,      /* ... and could go on */
    HAYI_NEWS_RESUMED,   /* ... and goes on, in the slot that it was given */
    HAYI_NEWS_CLAIM,     /* hand, task: would run a child itself */
};

enum hayi_hand_waits {
    HAYI_HAND_RUNS = 0, /* or has no task */
    HAYI_HAND_WAITS,
    HAYI_HAND_WOKEN, /* the loop is told */
};

struct hayi_hand {
    struct hayi_hands *hands;
    pthread_t thread;
    struct hayi_hand *next; /* of all */

    /* under the mutex of its hands */
    struct hayi_hand *spare; /* the next spare one */

    /* any thread */
    atomic_uint go;    /* futex; 1: it may go on, 'slot' tells where */
    atomic_uint waits; /* enum hayi_hand_waits */
    struct hayi_news suspended, wake, resumed, claim;
    struct hay_task *claimed; /* the answer to a claim, before 'go' */

    /* its own, and before 'go' whoever sets that */
    struct hayi_slot_thread *slot; /* NULL: none, and after 'go': an end */

    /* its own */
    struct hay_task *task; /* the one that it runs */
    const int *bound;      /* the cpus that it is bound to */
    uint64_t rung_ns;      /* when it last rang the loop */
    bool untold;           /* something ended since then */
    uint32_t inlined;      /* tasks that it runs, one within the other */
    uint64_t wait_ns;      /* when its task began to wait */
    uint32_t limited;      /* OpenMP: to so many threads; 0: not yet */
    struct hayi_scratch scratch;
};

struct hayi_hands {
    /* set before the first is made */
    struct hayi_bell *loop_bell;
    struct hayi_mpsc *news; /* the loop's queue: struct hayi_news */
    size_t keep_bytes; /* of private memory while a thread has nothing to do */
    uint32_t spare_max;
    uint32_t suspended_max; /* that wait; then they claim */

    /* the loop */
    struct hayi_hand *all;
    uint32_t count;

    /* any thread */
    atomic_uint suspended; /* that wait */
    atomic_uint stop;
    pthread_mutex_t mutex;
    struct hayi_hand *spare; /* last come, first gone */
    uint32_t spare_count;
    struct hayi_hand *over; /* have ended, or are about to */
};

/* 'hands' is zeroed and filled as told above. */
void hayi_hands_init(struct hayi_hands *hands);
/* All end after what they run; tasks that wait are told that there is an end.
 * Waits for them. */
void hayi_hands_fini(struct hayi_hands *hands);

/* Loop: a spare thread, or a new one, for this slot.  HAY_EIO. */
hay_status hayi_hands_serve(struct hayi_hands *hands,
                            struct hayi_slot_thread *slot,
                            struct hayi_error *err);
/* Whoever has taken it out of its seat or its turn: it goes on there. */
void hayi_hand_go(struct hayi_hand *hand, struct hayi_slot_thread *slot);
/* The same for one whose task waits: the loop is told. */
void hayi_hand_take_turn(struct hayi_hand *hand, struct hayi_slot_thread *slot);
/* It sleeps and has nothing to do any more. */
void hayi_hand_put_away(struct hayi_hand *hand);

/* The thread that calls, if it is one; else NULL. */
struct hayi_hand *hayi_hand_current(void);

/* Its task waits from now on, without its cores.  Then look once more whether
 * it need, and sleep.  false: the farm ends, there is nothing to wait for. */
bool hayi_hand_wait_begin(struct hayi_hand *hand);
/* Until it is woken and has cores again.  deadline_ns of hayi_clock_ns(): then
 * it is woken, too.  false: the farm ends. */
bool hayi_hand_wait_end(struct hayi_hand *hand, uint64_t deadline_ns);
/* Too many wait: run a child of its task in its place, on its cores and its
 * stack.  false: there is none to be had, it must wait. */
bool hayi_hand_run_child(struct hayi_hand *hand);
/* Loop: the answer to a claim; NULL: denied. */
void hayi_hand_claimed(struct hayi_hand *hand, struct hay_task *child);
/* It need not wait any more; nothing if it does not. */
void hayi_hand_wake(struct hayi_hand *hand);

#endif
