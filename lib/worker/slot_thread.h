/* slot_thread.h - a core's slot for registered functions: a ring of attempts,
 * served by one thread at a time (hand.h).
 *
 * The loop gives attempts to the ring; the thread takes them in order, but the
 * newest one first if that is deeper than the oldest (what a task has
 * submitted, which others wait for), and puts them, ended, into the loop's
 * queue.  An attempt that the thread has not taken can be revoked: the state of
 * its ring entry decides who was first.  A thread that waits goes on at the
 * next turn of a slot, before what is in its ring.
 *
 * Owns: the ring.
 * Never: chooses what runs.
 * Threads: the functions are the loop's; the thread that serves it takes.
 */
#ifndef HAYI_WORKER_SLOT_THREAD_H
#define HAYI_WORKER_SLOT_THREAD_H

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

/* Who serves the slot. */
enum hayi_slot_seat {
    HAYI_SEAT_EMPTY = 0, /* nobody; only the loop puts somebody there */
    HAYI_SEAT_TAKEN,
    HAYI_SEAT_ASLEEP, /* 'sleeper'; who changes that wakes it, or the loop has
                         put another one there */
};

struct hayi_hand;
struct hayi_hands;

struct hayi_slot_thread {
    /* set before it is used */
    struct hayi_hands *hands;
    const int *cpus; /* its own core's; or NULL: not pinned */
    size_t cpu_count;

    /* the loop */
    uint32_t tail;
    uint16_t ring_depth[HAYI_SLOT_RING]; /* of what is in the ring */
    bool given;   /* something, and it was not woken yet */
    bool wanting; /* no thread could be had for it */
    uint8_t left; /* its thread has left; somebody is to come in so many
                     rounds */
    struct hay_task *overflow; /* given while the ring was full */
    struct hay_task *overflow_last;

    /* both, under the mutex; 'deep_count' any */
    pthread_mutex_t deep_mutex;
    struct hay_task *deep; /* by depth, then arrival */
    atomic_uint deep_count;

    /* both */
    atomic_uint published;            /* the loop's tail */
    atomic_uint head;                 /* the thread's */
    atomic_uint seat;                 /* enum hayi_slot_seat */
    struct hayi_hand *sleeper;        /* written before ASLEEP */
    _Atomic(struct hayi_hand *) turn; /* goes on here, next */
    atomic_uint ring_below; /* the thread rings when so many are left */
    atomic_uint waiting;    /* 1: the loop has more than the ring took; the
                               thread rings before it sleeps */
    struct hayi_slot_entry ring[HAYI_SLOT_RING];
};

/* Hand it over; call hayi_slot_wake() after the last of a batch. */
void hayi_slot_give(struct hayi_slot_thread *slot, struct hay_task *task);
/* Sees to it that somebody serves it.  HAY_EIO with words: there is no thread
 * and none can be made; call again later. */
hay_status hayi_slot_wake(struct hayi_slot_thread *slot,
                          struct hayi_error *err);
/* true: it will not run here; the task is the loop's again. */
bool hayi_slot_revoke(struct hayi_slot_thread *slot, struct hay_task *task);
/* Has the thread taken it? */
bool hayi_slot_runs(const struct hay_task *task);
/* Move what waited for room into the ring; call now and then. */
void hayi_slot_refill(struct hayi_slot_thread *slot);

/* A thread that waits goes on here, at once or next, and tells when it does;
 * there is no other one. */
void hayi_slot_give_turn(struct hayi_slot_thread *slot, struct hayi_hand *hand);
/* true: it had not gone on, and waits again. */
bool hayi_slot_revoke_turn(struct hayi_slot_thread *slot,
                           struct hayi_hand *hand);

#endif
