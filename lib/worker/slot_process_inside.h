/* slot_process_inside.h - a process slot from inside, for the files
 * slot_process*.c: the loop's side (slot_process.c), the memory shared with a
 * child (_area), what comes back and the end of a child (_ends), limits
 * (_limits), attempts that wait (_wait), the thread that feeds and watches
 * (_thread).
 *
 * Owns: nothing.
 * Never: included elsewhere.
 * Threads: the thread's own, but where it says "with the mutex".
 */
#ifndef HAYI_WORKER_SLOT_PROCESS_INSIDE_H
#define HAYI_WORKER_SLOT_PROCESS_INSIDE_H

#include "worker/slot_process.h"

/* A task's token: it was cancelled by force before it went. */
enum { HAYI_PROCESS_FORCED = 2 };

static inline void hayi_process_lock(struct hayi_slot_process *slot)
{
    (void)pthread_mutex_lock(&slot->mutex);
}

static inline void hayi_process_unlock(struct hayi_slot_process *slot)
{
    (void)pthread_mutex_unlock(&slot->mutex);
}

static inline struct hayi_flight *
hayi_process_flight(struct hayi_slot_process *slot, uint32_t number)
{
    return &slot->flights[number % HAYI_CHILD_CELLS];
}

static inline struct hayi_child_cell *
hayi_process_cell(struct hayi_slot_process *slot, uint32_t number)
{
    return &slot->area->cells[number % HAYI_CHILD_CELLS];
}

/* Has the child begun it?  Then the word is that, or what the function has
 * written over it. */
static inline bool hayi_process_is_taken(struct hayi_slot_process *slot,
                                         uint32_t number)
{
    uint32_t word = atomic_load(&hayi_process_cell(slot, number)->word);
    return word != hayi_cell_word(number, HAYI_CELL_GIVEN)
           && word != hayi_cell_word(number, HAYI_CELL_REVOKED);
}

/* Is not too much on its way to the loop? */
static inline bool hayi_process_may_take(struct hayi_slot_process *slot)
{
    return atomic_load(&slot->relay_bytes) < HAYI_RELAY_BYTES_MAX;
}

/* slot_process.c */
/* With the mutex; its token is set: from here on there are two steps. */
void hayi_process_must_end(const struct hayi_slot_process *slot,
                           struct hayi_flight *flight);

/* With the mutex: take it back before the child takes it. */
bool hayi_process_call_back(struct hayi_slot_process *slot, uint32_t number);

/* slot_process_area.c */
/* For the first child. */
hay_status hayi_process_new_area(struct hayi_slot_process *slot,
                                 struct hayi_error *err);
/* With the mutex: for the next child.  HAY_EIO: the old one stays. */
hay_status hayi_process_renew_area(struct hayi_slot_process *slot,
                                   struct hayi_error *err);
void hayi_process_drop_area(struct hayi_slot_process *slot);

/* slot_process_ends.c */
/* Leave a wish for the loop. */
void hayi_process_raise(struct hayi_slot_process *slot,
                        enum hayi_process_wish wanted);
/* It has ended: the loop's from here on; and wake that, once for many. */
void hayi_process_tell(struct hayi_slot_process *slot, struct hay_task *task);
void hayi_process_ring_loop(struct hayi_slot_process *slot);
/* With the mutex: forget the oldest flights that are over. */
void hayi_process_trim(struct hayi_slot_process *slot);
/* With the mutex: the attempt that the child runs; NULL: none. */
struct hayi_flight *hayi_process_running(struct hayi_slot_process *slot,
                                         uint32_t *number);
/* All that the child has said; true: there was something. */
bool hayi_process_take_records(struct hayi_slot_process *slot);
/* Attempts that the child has not begun: in their order before the others. */
void hayi_process_recall(struct hayi_slot_process *slot);
/* The child has ended; there is an area for the next one. */
void hayi_process_child_over(struct hayi_slot_process *slot);

/* slot_process_limits.c */
/* Do what is due; when to look again. */
uint64_t hayi_process_keep_limits(struct hayi_slot_process *slot);

/* With the mutex: put it in front of what was given. */
void hayi_process_give_again(struct hayi_slot_process *slot,
                             struct hay_task *task);

/* slot_process_wait.c */
/* The child says that its function waits, or need not wait any more.  false:
 * that cannot be. */
bool hayi_process_on_wait(struct hayi_slot_process *slot,
                          const void *body,
                          uint64_t size);
bool hayi_process_on_wake(struct hayi_slot_process *slot);
/* The child is gone; more: the attempt has more to do, and needs its cores for
 * that. */
void hayi_process_waits_no_more(struct hayi_slot_process *slot, bool more);
/* Do what the loop has said; true: there was something. */
bool hayi_process_go_on(struct hayi_slot_process *slot);

/* slot_process_thread.c */
void *hayi_process_main(void *slot);

#endif
