/* slot_thread.h - a core's thread, which runs registered functions.
 *
 * The loop gives attempts to a ring; the thread takes them in order and puts
 * them, ended, into the loop's queue.  An attempt that the thread has not taken
 * can be revoked: the state of its ring entry decides who was first.
 *
 * Owns: the thread, the ring.
 * Never: chooses what runs.
 * Threads: give and revoke from the loop; the thread itself takes.
 */
#ifndef HAYI_WORKER_SLOT_THREAD_H
#define HAYI_WORKER_SLOT_THREAD_H

#include "base/bell.h"
#include "worker/task.h"

#include <pthread.h>

enum {
    HAYI_SLOT_RING = 512, /* entries; a power of two */
};

enum hayi_slot_entry_state {
    HAYI_ENTRY_FREE = 0,
    HAYI_ENTRY_GIVEN,
    HAYI_ENTRY_TAKEN, /* runs, or has ended */
    HAYI_ENTRY_REVOKED,
};

struct hayi_slot_entry {
    atomic_uint state;
    struct hay_task *task;
};

struct hayi_slot_thread {
    /* set before the thread starts */
    struct hayi_bell *loop_bell;
    struct hayi_mpsc *ended; /* the loop's queue of ended attempts */
    const int *cpus;         /* its own core's; or NULL: not pinned */
    size_t cpu_count;
    size_t keep_bytes; /* of private memory while it has nothing to do */
    pthread_t thread;
    bool started;

    /* the loop */
    uint32_t tail;
    bool given;                /* something, and it was not woken yet */
    struct hay_task *overflow; /* given while the ring was full */
    struct hay_task *overflow_last;

    /* both */
    atomic_uint published; /* the loop's tail */
    atomic_uint head;      /* the thread's */
    atomic_uint asleep;    /* futex; 1: the thread sleeps */
    atomic_uint stop;
    atomic_uint ring_below; /* the thread rings when so many are left */
    struct hayi_slot_entry ring[HAYI_SLOT_RING];

    /* the thread */
    uint64_t rung_ns; /* when it last rang the loop */
    bool untold;      /* something ended since then */
    bool moved;       /* bound to cores other than its own */
    struct hayi_scratch scratch;
};

/* Starts the thread.  HAY_EIO. */
hay_status hayi_slot_start(struct hayi_slot_thread *slot,
                           struct hayi_error *err);
/* The thread ends after what it runs; waits for it. */
void hayi_slot_stop(struct hayi_slot_thread *slot);
/* Hand it over; call hayi_slot_wake() after the last of a batch. */
void hayi_slot_give(struct hayi_slot_thread *slot, struct hay_task *task);
void hayi_slot_wake(struct hayi_slot_thread *slot);
/* true: it will not run here; the task is the loop's again. */
bool hayi_slot_revoke(struct hayi_slot_thread *slot, struct hay_task *task);
/* Has the thread taken it? */
bool hayi_slot_runs(const struct hay_task *task);
/* Move what waited for room into the ring; call now and then. */
void hayi_slot_refill(struct hayi_slot_thread *slot);

#endif
