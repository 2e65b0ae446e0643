/* slot_process.h - a process slot: a child that runs registered functions, and
 * the thread that feeds and watches it.  It serves a core, or is spare, or is
 * parked with the attempt that waits in its child.
 *
 * The loop gives attempts; the thread opens their inputs, sends them ahead into
 * the child's ring, takes what has ended out of the other one, keeps limits,
 * and sees to it that a child that has gone is replaced when there is something
 * to run.  Children are started and killed by the spawner, which is the loop's:
 * the thread leaves a wish (hayi_process_wish()) and rings.
 *
 * Owns: the thread, the memory shared with the child, pins of inputs.
 * Never: chooses what runs; trusts what a child writes.
 * Threads: the functions are for the loop.  What both use lies under a mutex
 *     that is held for a few lines, never while something is waited for.
 */
#ifndef HAYI_WORKER_SLOT_PROCESS_H
#define HAYI_WORKER_SLOT_PROCESS_H

#include "base/bell.h"
#include "worker/child_order.h"
#include "worker/hand.h"
#include "worker/relay.h"
#include "worker/spawner.h"

#include <pthread.h>

/* What all process slots of a worker share; set before the first is used. */
struct hayi_process_config {
    struct hayi_bell *loop_bell;
    struct hayi_mpsc *news;    /* the loop's: ended attempts */
    struct hayi_mpsc *relayed; /* the loop's: records of clients in children */
    const struct hayi_task_farm *farm;
    uint64_t identity; /* hash of hayi_registry_identity() */
    uint64_t memory_max_bytes;
    uint64_t idle_ns;
    uint64_t grace_ns; /* of tasks that name none */
    uint32_t tasks_max;
    uint32_t scratch_keep_bytes;
    atomic_uint *wishes;    /* raised with a slot's wish */
    atomic_uint *suspended; /* attempts that wait */
};

#define HAYI_PROCESS_NO_CORE UINT32_MAX

enum hayi_process_wish {
    HAYI_WISH_NONE = 0,
    HAYI_WISH_START,
    HAYI_WISH_TERM,
    HAYI_WISH_KILL,
};

/* An attempt that is on its way to the child or there. */
struct hayi_flight {
    struct hayi_child_order order; /* order.task NULL: revoked */
    uint64_t next_ns; /* when its next step towards the end is due */
    uint8_t steps;    /* towards its end: 1 token, 2 SIGTERM, 3 SIGKILL */
    uint64_t item;    /* of a range with a time limit: where it was seen, */
    uint64_t item_since_ns; /* first; 0: nowhere yet */
    bool timed_out, forced;
};

struct hayi_slot_process {
    const struct hayi_process_config *config;
    /* the loop */
    pthread_t thread;
    bool started;
    bool given;                      /* something, and it was not woken yet */
    uint32_t index;                  /* of all of its worker */
    uint32_t core;                   /* that it serves; HAYI_PROCESS_NO_CORE */
    struct hay_task *holder;         /* no core: the attempt that waits, or */
    struct hayi_slot_process *spare; /* the next spare one */
    uint64_t child_id;
    uint64_t client_life; /* of the child that is this client: */
    uint32_t client;      /* its number (wire/nest.h); 0: none */
    uint64_t ends_reported;
    struct hayi_relay_message *held, *held_last; /* behind an end that was told
                                                    and not yet reported */

    /* any thread */
    struct hayi_mpsc to_child;        /* records for its client */
    atomic_uint_fast64_t relay_bytes; /* on their way to the loop */
    atomic_uint_fast64_t nonsense;    /* this child has sent what cannot be */

    /* under the mutex */
    pthread_mutex_t mutex;
    struct hay_task *first, *last; /* given, by overflow_next */
    struct hay_task *opening;      /* between there and the ring */
    struct hayi_flight flights[HAYI_CHILD_CELLS];
    uint32_t flight_first, flight_next; /* numbers */
    struct hayi_child_area *area;       /* NULL: no child, none wanted */
    int area_fd;
    uint64_t area_inode;
    enum hayi_process_wish wish;
    bool stop;
    bool parked;      /* its attempt waits: nothing else goes to the child */
    bool resume;      /* the loop has cores for it again */
    bool surplus;     /* spare: its child need not stay for long */
    bool child_asked; /* for one with this area */
    bool child_over;  /* it has ended, 'end' tells how */
    struct hayi_spawn_event end;
    bool refused; /* by the loop or the child, for good: there is none */
    struct hayi_error refusal;

    /* the thread */
    struct hayi_pipe pipe;
    bool unfit;         /* the next attempt has other gpus than the child */
    bool leaving;       /* the child ends itself, or was told to */
    bool served;        /* it has ended an attempt */
    uint32_t stillborn; /* children in a row that have not */
    uint64_t life;      /* which child it is, from 1 */
    bool relays;        /* it has said something as a client */
    uint64_t idle_since_ns;
    uint64_t now_ns;
    bool told; /* something ended since the loop was rung */
    uint64_t ends_told;
    struct hay_task *waits; /* the attempt that waits; NULL */
    bool child_waits;       /* until it is told to go on, or dies */
    bool woken;             /* the loop was told that it need not wait */
    uint64_t wait_ns;       /* when it began to */
    struct hayi_news suspended, wake, resumed;
};

/* HAY_EIO: no thread, with words. */
hay_status hayi_process_start(struct hayi_slot_process *slot,
                              const struct hayi_process_config *config,
                              struct hayi_error *err);
/* The end of work is another one now. */
void hayi_process_tell_end(struct hayi_slot_process *slot);
/* Ends the thread; the child must have been ended with its spawner.  Attempts
 * that it had are the loop's again. */
void hayi_process_stop(struct hayi_slot_process *slot);

/* As those of slot_thread.h. */
void hayi_process_give(struct hayi_slot_process *slot, struct hay_task *task);
void hayi_process_wake(struct hayi_slot_process *slot);
bool hayi_process_revoke(struct hayi_slot_process *slot, struct hay_task *task);
bool hayi_process_runs(struct hayi_slot_process *slot,
                       const struct hay_task *task);
/* Its token was set; force: and it has to end. */
void hayi_process_cancel(struct hayi_slot_process *slot,
                         struct hay_task *task,
                         bool force);

/* Its attempt waits, the loop was told so by HAYI_NEWS_SUSPENDED: what else was
 * given to it is the loop's again, a list by overflow_next. */
struct hay_task *hayi_process_take_given(struct hayi_slot_process *slot);
/* The attempt goes on, on the cores that it shows; told by HAYI_NEWS_RESUMED,
 * unless it has ended. */
void hayi_process_resume(struct hayi_slot_process *slot);
/* It serves no core, and has no attempt that waits; or it does again. */
void hayi_process_set_spare(struct hayi_slot_process *slot, bool spare);

/* What the loop shall do for it, once. */
enum hayi_process_wish hayi_process_wish(struct hayi_slot_process *slot,
                                         int *area_fd,
                                         uint64_t *area_inode);
/* The answer to START: there will be no child (words copied). */
void hayi_process_refuse(struct hayi_slot_process *slot,
                         const struct hayi_error *err);
/* For the client in its child; message: taken. */
void hayi_process_relay(struct hayi_slot_process *slot,
                        struct hayi_relay_message *message);
/* The loop has passed on so many bytes. */
void hayi_process_relayed(struct hayi_slot_process *slot, uint64_t bytes);
/* What this child says as a client cannot be: it has to go. */
void hayi_process_nonsense(struct hayi_slot_process *slot, uint64_t life);
/* The child has ended. */
void hayi_process_over(struct hayi_slot_process *slot,
                       const struct hayi_spawn_event *end);

#endif
