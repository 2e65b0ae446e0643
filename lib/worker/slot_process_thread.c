/* slot_process_thread.c - the thread of a process slot. */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "base/clock.h"

#include <stdlib.h>

enum {
    AHEAD = 64,
    DATA_AHEAD = 2,
    SPARE_NS = 500000000,   /* that the child of a spare one stays idle */
    SAFETY_NS = 1000000000, /* the longest sleep while something is out */
};

/* There is no child and will be none: nothing can run. */
static void refuse_all(struct hayi_slot_process *slot)
{
    for (;;) {
        hayi_process_lock(slot);
        struct hay_task *task = slot->first;
        if (task != NULL) {
            slot->first = task->overflow_next;
            task->error = slot->refusal;
        }
        hayi_process_unlock(slot);
        if (task == NULL) {
            return;
        }
        task->start_ns = task->end_ns = slot->now_ns;
        task->outcome = HAYI_OUTCOME_FARM;
        hayi_process_tell(slot, task);
    }
}

/* ---- sending ---------------------------------------------------------------
 */

static bool has_objects(const struct hay_task *task)
{
    return !task->is_range && (task->record.flags & HAYI_TASK_DATA) != 0;
}

/* A runtime of gpus looks once which of them it may see, so a child's attempts
 * all have the same ones. */
static bool has_its_gpus(const struct hayi_slot_process *slot,
                         const struct hay_task *task)
{
    return task->record.gpu_mask == slot->area->gpu_mask;
}

/* With the mutex: may the next one go ahead of those in flight, or must the
 * child change for it? */
static bool may_go(const struct hayi_slot_process *slot)
{
    const struct hay_task *task = slot->first;
    uint32_t out = slot->flight_next - slot->flight_first;
    return task != NULL && !slot->parked
           && out < (has_objects(task) ? DATA_AHEAD : AHEAD)
           && (out == 0 || has_its_gpus(slot, task));
}

/* The next one, if it may go; NULL. */
static struct hay_task *next_task(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    hayi_process_trim(slot);
    struct hay_task *task = may_go(slot) ? slot->first : NULL;
    if (task != NULL && !slot->child_asked
        && slot->flight_next == slot->flight_first) {
        slot->area->gpu_mask = task->record.gpu_mask;
    }
    if (task != NULL && !has_its_gpus(slot, task)) {
        slot->unfit = true;
        task = NULL;
    }
    if (task != NULL) {
        slot->first = task->overflow_next;
        slot->opening = task;
    }
    hayi_process_unlock(slot);
    return task;
}

/* With the mutex. */
static hay_status put_in_flight(struct hayi_slot_process *slot,
                                const struct hayi_child_order *order)
{
    uint32_t number = slot->flight_next;
    struct hayi_child_cell *cell = hayi_process_cell(slot, number);
    unsigned told = atomic_load(&order->task->cancelled);
    atomic_store(&cell->token, told != 0 ? 1 : 0);
    atomic_store(&cell->word, hayi_cell_word(number, HAYI_CELL_GIVEN));
    hay_status status = hayi_child_order_send(order, number, &slot->pipe);
    if (status == HAY_OK) {
        *hayi_process_flight(slot, number) =
            (struct hayi_flight){.order = *order};
        if (told == HAYI_PROCESS_FORCED) {
            hayi_process_must_end(slot, hayi_process_flight(slot, number));
        }
        slot->flight_next++;
    }
    return status;
}

static void send_task(struct hayi_slot_process *slot, struct hay_task *task)
{
    struct hayi_child_order order;
    hay_status status = hayi_child_order_open(&order, task);
    if (status == HAY_OK) {
        hayi_process_lock(slot);
        status = put_in_flight(slot, &order);
        slot->opening = NULL;
        hayi_process_unlock(slot);
        if (status == HAY_OK) {
            return;
        }
        (void)hayi_fail(&task->error, status, "out of memory for a task");
        hayi_child_order_close(&order, slot->config->farm->store);
    }
    hayi_process_lock(slot);
    slot->opening = NULL;
    hayi_process_unlock(slot);
    task->start_ns = task->end_ns = slot->now_ns;
    if (status == HAY_EEMPTY) {
        task->error.text[0] = 0;
    } else {
        bool own = status == HAY_EMISMATCH || status == HAY_ETYPE;
        task->outcome = own ? HAYI_OUTCOME_FAILED : HAYI_OUTCOME_FARM;
    }
    hayi_process_tell(slot, task);
}

/* What the manager tells the child's client. */
static bool send_records(struct hayi_slot_process *slot)
{
    struct hayi_relay_message *message;
    bool any = false;
    while ((message = hayi_relay_pop(&slot->to_child)) != NULL) {
        const struct hayi_child_record head = {.type = message->type};
        const struct hayi_pipe_part parts[] = {
            {&head, sizeof(head)},
            {message->body, message->size},
        };
        if (message->life == slot->life && !slot->pipe.damaged
            && hayi_pipe_send(&slot->pipe, HAYI_CHILD_RECORD, parts, 2)
                   != HAY_OK) {
            hayi_process_nonsense(slot, slot->life); /* no memory: it goes */
        }
        free(message);
        any = true;
    }
    if (any) {
        (void)hayi_pipe_flush(&slot->pipe);
        hayi_rouse(&slot->area->child_asleep);
    }
    return any;
}

/* The child has nothing to do, and shall go. */
static void send_away(struct hayi_slot_process *slot)
{
    slot->leaving = true;
    (void)hayi_pipe_send(&slot->pipe, HAYI_CHILD_LEAVE, NULL, 0);
    hayi_rouse(&slot->area->child_asleep);
}

/* What waited for room in the ring; false: some still does. */
static bool flush(struct hayi_slot_process *slot)
{
    if (hayi_pipe_is_sent(&slot->pipe)) {
        return true;
    }
    bool all = hayi_pipe_flush(&slot->pipe);
    hayi_rouse(&slot->area->child_asleep);
    return all;
}

/* Feed the child; see to it that there is one. */
static bool send_tasks(struct hayi_slot_process *slot)
{
    bool any = false;
    if (slot->leaving || !flush(slot)) {
        return false;
    }
    struct hay_task *task;
    while (hayi_pipe_is_sent(&slot->pipe) && (task = next_task(slot)) != NULL) {
        send_task(slot, task);
        any = true;
    }
    if (any) {
        uint32_t out = slot->flight_next - slot->flight_first;
        atomic_store(&slot->area->wake_at, slot->flight_first + out / 2);
        hayi_rouse(&slot->area->child_asleep);
    }
    if (slot->unfit) {
        slot->unfit = false;
        send_away(slot); /* the next one shall see other gpus */
        any = true;
    }
    if (slot->flight_next != slot->flight_first && !slot->child_asked) {
        hayi_process_lock(slot);
        slot->child_asked = true;
        hayi_process_unlock(slot);
        hayi_process_raise(slot, HAYI_WISH_START);
    }
    return any;
}

/* ---- the thread ------------------------------------------------------------
 */

static bool is_set(struct hayi_slot_process *slot, const bool *flag)
{
    hayi_process_lock(slot);
    bool set = *flag;
    hayi_process_unlock(slot);
    return set;
}

/* Tell a child that has had nothing to do to go; when to look again. */
static uint64_t look_at_idleness(struct hayi_slot_process *slot)
{
    bool busy = slot->flight_first != slot->flight_next;
    if (busy || slot->leaving || !slot->child_asked) {
        slot->idle_since_ns = slot->now_ns;
        return UINT64_MAX;
    }
    uint64_t idle_ns = slot->config->idle_ns;
    if (is_set(slot, &slot->surplus) && idle_ns > SPARE_NS) {
        idle_ns = SPARE_NS;
    }
    uint64_t due_ns = slot->idle_since_ns + idle_ns;
    if (slot->now_ns < due_ns) {
        return due_ns;
    }
    send_away(slot);
    return UINT64_MAX;
}

/* Is there anything that was not looked at? */
static bool something(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    hayi_process_trim(slot);
    bool room = !slot->leaving && hayi_pipe_is_sent(&slot->pipe);
    bool any = slot->stop || slot->child_over || slot->resume
               || (slot->first != NULL && slot->refused)
               || (room && may_go(slot));
    hayi_process_unlock(slot);
    return any || hayi_mpsc_maybe(&slot->to_child)
           || (atomic_load(&slot->nonsense) == slot->life && !slot->leaving)
           || (!slot->pipe.damaged && hayi_process_may_take(slot)
               && hayi_pipe_maybe(&slot->pipe))
           || (!hayi_pipe_is_sent(&slot->pipe)
               && hayi_ring_room(&slot->pipe.out) > 0);
}

static void sleep_until(struct hayi_slot_process *slot, uint64_t deadline_ns)
{
    atomic_uint *asleep = &slot->area->rank_asleep;
    if (!hayi_pipe_is_sent(&slot->pipe)) {
        hayi_ring_want_room(&slot->pipe.out);
    }
    hayi_doze_announce(asleep);
    if (something(slot)) {
        hayi_doze_cancel(asleep);
        return;
    }
    uint64_t wait_ns = UINT64_MAX;
    if (slot->flight_first != slot->flight_next) {
        wait_ns = SAFETY_NS; /* a child may spoil the flag */
    }
    if (deadline_ns != UINT64_MAX) {
        uint64_t left =
            deadline_ns > slot->now_ns ? deadline_ns - slot->now_ns : 1;
        wait_ns = left < wait_ns ? left : wait_ns;
    }
    hayi_doze(asleep, wait_ns);
}

void *hayi_process_main(void *argument)
{
    struct hayi_slot_process *slot = argument;
    slot->idle_since_ns = hayi_clock_ns();
    while (!is_set(slot, &slot->stop)) {
        slot->now_ns = hayi_clock_ns();
        bool busy = hayi_process_take_records(slot);
        if (is_set(slot, &slot->child_over)) {
            hayi_process_child_over(slot);
            busy = true;
        }
        busy = hayi_process_go_on(slot) || busy;
        if (is_set(slot, &slot->refused)) {
            hayi_process_recall(slot);
            refuse_all(slot);
        } else {
            busy = send_records(slot) || busy;
            busy = send_tasks(slot) || busy;
        }
        uint64_t deadline_ns = hayi_process_keep_limits(slot);
        uint64_t idle_ns = look_at_idleness(slot);
        deadline_ns = idle_ns < deadline_ns ? idle_ns : deadline_ns;
        hayi_process_ring_loop(slot);
        if (!busy) {
            sleep_until(slot, deadline_ns);
        }
    }
    return NULL;
}
