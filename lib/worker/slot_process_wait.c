/* slot_process_wait.c - attempts in process slots that wait for others.
 *
 * The slot is parked with its child: the loop takes its core from it, and gives
 * what the child has not begun to another slot.  Limits go on, and the child
 * may die as any other; then the attempt ends while it waits.
 */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "base/clock.h"

#include <string.h>

static void tell(struct hayi_slot_process *slot,
                 struct hayi_news *news,
                 enum hayi_news_kind kind)
{
    news->kind = (uint8_t)kind;
    news->hand = NULL;
    news->task = slot->waits;
    hayi_mpsc_push(slot->config->news, &news->node);
    slot->told = true;
}

/* With the mutex: what the child has not begun was not given to it.  false: it
 * says that it has begun two. */
static bool take_back(struct hayi_slot_process *slot, uint32_t running)
{
    bool sound = true;
    for (uint32_t n = slot->flight_next - 1; n != running; n--) {
        struct hayi_flight *flight = hayi_process_flight(slot, n);
        struct hay_task *task = flight->order.task;
        if (task != NULL && hayi_process_call_back(slot, n)) {
            hayi_child_order_close(&flight->order, slot->config->farm->store);
            hayi_process_give_again(slot, task);
        } else {
            sound = sound && task == NULL;
        }
    }
    return sound;
}

bool hayi_process_on_wait(struct hayi_slot_process *slot,
                          const void *body,
                          uint64_t size)
{
    struct hayi_child_wait head;
    uint32_t number = 0;
    bool sound = false;
    if (size < sizeof(head) || slot->waits != NULL) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    hayi_process_lock(slot);
    struct hayi_flight *flight = hayi_process_running(slot, &number);
    if (flight != NULL) {
        slot->waits = flight->order.task;
        slot->parked = true;
        sound = take_back(slot, number);
    }
    hayi_process_unlock(slot);
    if (flight == NULL) {
        return false;
    }
    slot->child_waits = true;
    slot->woken = false;
    slot->wait_ns = slot->now_ns;
    slot->waits->waits_for_id = head.waits_for;
    slot->waits->waits_several = head.several != 0;
    atomic_store(&slot->waits->client, true);
    (void)atomic_fetch_add(slot->config->suspended, 1);
    tell(slot, &slot->suspended, HAYI_NEWS_SUSPENDED);
    return sound;
}

bool hayi_process_on_wake(struct hayi_slot_process *slot)
{
    if (!slot->child_waits || slot->woken) {
        return false;
    }
    slot->woken = true;
    tell(slot, &slot->wake, HAYI_NEWS_WAKE);
    return true;
}

static void leave(struct hayi_slot_process *slot)
{
    slot->waits = NULL;
    (void)atomic_fetch_sub(slot->config->suspended, 1);
}

void hayi_process_waits_no_more(struct hayi_slot_process *slot, bool more)
{
    if (slot->waits == NULL) {
        return;
    }
    slot->child_waits = false;
    if (!more) {
        leave(slot);
    } else if (!slot->woken) {
        slot->woken = true;
        tell(slot, &slot->wake, HAYI_NEWS_WAKE);
    }
}

/* To the child: its function goes on. */
static void send_resume(struct hayi_slot_process *slot)
{
    const struct hay_task *task = slot->waits;
    const struct hayi_child_resume head = {
        .cpu_count = (uint32_t)task->cpu_count,
        .core = task->core,
        .core_count = task->core_count,
    };
    const struct hayi_pipe_part parts[] = {
        {&head, sizeof(head)},
        {task->cpus, task->cpu_count * sizeof(int)},
    };
    if (!slot->pipe.damaged
        && hayi_pipe_send(&slot->pipe, HAYI_CHILD_RESUME, parts, 2) != HAY_OK) {
        hayi_process_nonsense(slot, slot->life); /* no memory: it goes */
    }
    (void)hayi_pipe_flush(&slot->pipe);
    hayi_rouse(&slot->area->child_asleep);
}

bool hayi_process_go_on(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    bool any = slot->resume;
    if (any) {
        slot->resume = false;
        slot->parked = false;
    }
    hayi_process_unlock(slot);
    if (any && slot->waits != NULL) {
        slot->waits->waited_ns += slot->now_ns - slot->wait_ns;
        tell(slot, &slot->resumed, HAYI_NEWS_RESUMED);
        if (slot->child_waits) {
            slot->child_waits = false;
            send_resume(slot);
        }
        leave(slot);
    }
    return any;
}
