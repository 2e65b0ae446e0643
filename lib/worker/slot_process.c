/* slot_process.c - see slot_process.h.
 *
 * A child is given up to AHEAD attempts before it has ended the first, so that
 * tasks of a microsecond cost no change of process each; it wakes us at the end
 * of the half of them.  Those with objects hold their inputs in memory, so only
 * DATA_AHEAD of them go ahead.
 *
 * The end of an attempt that has passed its limit, or is cancelled by force,
 * has three steps, a grace time apart: its token, SIGTERM, SIGKILL.  Limits of
 * those that wait in the ring begin when the child begins them; we look again
 * when the shortest limit of all has passed since the running one began, which
 * is never too late.
 *
 * Each child has an area of its own: what a dead one has scribbled, or one that
 * is being killed still scribbles, does not concern the next.
 */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "base/clock.h"
#include "worker/process_end.h"

#include <stdlib.h>
#include <string.h>

/* The number of a task in flight; false: it is not. */
static bool find_flight(struct hayi_slot_process *slot,
                        const struct hay_task *task,
                        uint32_t *number)
{
    for (uint32_t n = slot->flight_first; n != slot->flight_next; n++) {
        if (hayi_process_flight(slot, n)->order.task == task) {
            *number = n;
            return true;
        }
    }
    return false;
}

/* ---- the loop's side ------------------------------------------------------
 */

void hayi_process_give(struct hayi_slot_process *slot, struct hay_task *task)
{
    task->entry = NULL;
    task->overflow_next = NULL;
    hayi_process_lock(slot);
    if (slot->first == NULL) {
        slot->first = task;
    } else {
        slot->last->overflow_next = task;
    }
    slot->last = task;
    hayi_process_unlock(slot);
}

static void rouse(struct hayi_slot_process *slot)
{
    if (slot->area != NULL) {
        hayi_rouse(&slot->area->rank_asleep);
    }
}

void hayi_process_wake(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    rouse(slot);
    hayi_process_unlock(slot);
}

static bool revoke_given(struct hayi_slot_process *slot, struct hay_task *task)
{
    struct hay_task *before = NULL;
    for (struct hay_task *t = slot->first; t != NULL; t = t->overflow_next) {
        if (t == task) {
            if (before == NULL) {
                slot->first = t->overflow_next;
            } else {
                before->overflow_next = t->overflow_next;
            }
            if (slot->last == t) {
                slot->last = before;
            }
            return true;
        }
        before = t;
    }
    return false;
}

bool hayi_process_call_back(struct hayi_slot_process *slot, uint32_t number)
{
    uint32_t given = hayi_cell_word(number, HAYI_CELL_GIVEN);
    return atomic_compare_exchange_strong(
        &hayi_process_cell(slot, number)->word,
        &given,
        hayi_cell_word(number, HAYI_CELL_REVOKED));
}

bool hayi_process_revoke(struct hayi_slot_process *slot, struct hay_task *task)
{
    uint32_t number = 0;
    struct hayi_child_order order = {.task = NULL};
    hayi_process_lock(slot);
    bool revoked = revoke_given(slot, task);
    if (!revoked && find_flight(slot, task, &number)
        && hayi_process_call_back(slot, number)) {
        revoked = true;
        order = hayi_process_flight(slot, number)->order;
        hayi_process_flight(slot, number)->order =
            (struct hayi_child_order){.task = NULL};
    }
    hayi_process_unlock(slot);
    hayi_child_order_close(&order, slot->config->farm->store);
    return revoked;
}

bool hayi_process_runs(struct hayi_slot_process *slot,
                       const struct hay_task *task)
{
    uint32_t number = 0;
    hayi_process_lock(slot);
    bool runs =
        find_flight(slot, task, &number) && hayi_process_is_taken(slot, number);
    hayi_process_unlock(slot);
    return runs;
}

/* Its token is set: from here on there are two steps. */
void hayi_process_must_end(const struct hayi_slot_process *slot,
                           struct hayi_flight *flight)
{
    flight->forced = true;
    if (flight->steps == 0) {
        flight->steps = 1;
        flight->next_ns =
            hayi_clock_ns()
            + hayi_process_grace_ns(slot->config, flight->order.task);
    }
}

void hayi_process_cancel(struct hayi_slot_process *slot,
                         struct hay_task *task,
                         bool force)
{
    uint32_t number = 0;
    hayi_process_lock(slot);
    if (find_flight(slot, task, &number)) {
        struct hayi_flight *flight = hayi_process_flight(slot, number);
        atomic_store(&hayi_process_cell(slot, number)->token, 1);
        if (force) {
            hayi_process_must_end(slot, flight);
        }
    } else if (force) {
        atomic_store(&task->cancelled, HAYI_PROCESS_FORCED);
    }
    rouse(slot);
    hayi_process_unlock(slot);
}

struct hay_task *hayi_process_take_given(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    struct hay_task *first = slot->first;
    slot->first = slot->last = NULL;
    hayi_process_unlock(slot);
    return first;
}

void hayi_process_resume(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    slot->resume = true;
    rouse(slot);
    hayi_process_unlock(slot);
}

void hayi_process_set_spare(struct hayi_slot_process *slot, bool spare)
{
    hayi_process_lock(slot);
    slot->surplus = spare;
    slot->parked = slot->resume = false;
    rouse(slot);
    hayi_process_unlock(slot);
}

enum hayi_process_wish hayi_process_wish(struct hayi_slot_process *slot,
                                         int *area_fd,
                                         uint64_t *area_inode)
{
    hayi_process_lock(slot);
    enum hayi_process_wish wish = slot->wish;
    slot->wish = HAYI_WISH_NONE;
    *area_fd = slot->area_fd;
    *area_inode = slot->area_inode;
    hayi_process_unlock(slot);
    return wish;
}

void hayi_process_refuse(struct hayi_slot_process *slot,
                         const struct hayi_error *err)
{
    hayi_process_lock(slot);
    slot->refused = true;
    slot->refusal = *err;
    rouse(slot);
    hayi_process_unlock(slot);
}

void hayi_process_over(struct hayi_slot_process *slot,
                       const struct hayi_spawn_event *end)
{
    hayi_process_lock(slot);
    slot->child_over = true;
    slot->end = *end;
    rouse(slot);
    hayi_process_unlock(slot);
}

void hayi_process_relay(struct hayi_slot_process *slot,
                        struct hayi_relay_message *message)
{
    hayi_mpsc_push(&slot->to_child, &message->node);
    hayi_process_wake(slot);
}

void hayi_process_relayed(struct hayi_slot_process *slot, uint64_t bytes)
{
    uint64_t before = atomic_fetch_sub(&slot->relay_bytes, bytes);
    if (before >= HAYI_RELAY_BYTES_MAX
        && before - bytes < HAYI_RELAY_BYTES_MAX) {
        hayi_process_wake(slot);
    }
}

void hayi_process_nonsense(struct hayi_slot_process *slot, uint64_t life)
{
    atomic_store(&slot->nonsense, life);
    hayi_process_wake(slot);
}

/* ---- life ---- */

hay_status hayi_process_start(struct hayi_slot_process *slot,
                              const struct hayi_process_config *config,
                              struct hayi_error *err)
{
    *slot = (struct hayi_slot_process){.config = config};
    (void)pthread_mutex_init(&slot->mutex, NULL);
    slot->flight_first = slot->flight_next = 1;
    slot->life = 1;
    slot->core = HAYI_PROCESS_NO_CORE;
    hayi_mpsc_init(&slot->to_child);
    hay_status status = hayi_process_new_area(slot, err);
    if (status != HAY_OK) {
        return status;
    }
    int error = pthread_create(&slot->thread, NULL, hayi_process_main, slot);
    if (error != 0) {
        hayi_process_drop_area(slot);
        return hayi_fail(err,
                         HAY_EIO,
                         "cannot start the thread of a process slot: %s",
                         strerror(error));
    }
    slot->started = true;
    return HAY_OK;
}

void hayi_process_stop(struct hayi_slot_process *slot)
{
    if (!slot->started) {
        return;
    }
    hayi_process_lock(slot);
    slot->stop = true;
    rouse(slot);
    hayi_process_unlock(slot);
    (void)pthread_join(slot->thread, NULL);
    for (uint32_t n = slot->flight_first; n != slot->flight_next; n++) {
        hayi_child_order_close(&hayi_process_flight(slot, n)->order,
                               slot->config->farm->store);
    }
    hayi_process_drop_area(slot);
    hayi_relay_drop_all(&slot->to_child);
    while (slot->held != NULL) {
        struct hayi_relay_message *next = slot->held->next;
        free(slot->held);
        slot->held = next;
    }
    (void)pthread_mutex_destroy(&slot->mutex);
    slot->started = false;
}
