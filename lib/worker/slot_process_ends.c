/* slot_process_ends.c - what a child says, and its end. */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "wire/args.h"
#include "wire/channel.h"
#include "wire/nest.h"
#include "worker/command_end.h"
#include "worker/hand.h"
#include "worker/process_end.h"
#include "worker/results.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STILLBORN_MAX = 100,
    STILLBORN_OWN = 34, /* of a child that ends by itself; SIGKILL is mostly
                           somebody else's doing */
    STILLBORN_NAP_NS = 20000000,
    RECORD_MORE = 4096, /* heads of a piece */
};

/* ---- telling the loop -----------------------------------------------------
 */

void hayi_process_raise(struct hayi_slot_process *slot,
                        enum hayi_process_wish wanted)
{
    hayi_process_lock(slot);
    if (wanted > slot->wish) {
        slot->wish = wanted;
    }
    hayi_process_unlock(slot);
    atomic_store(slot->config->wishes, 1);
    hayi_bell_ring(slot->config->loop_bell);
}

void hayi_process_tell(struct hayi_slot_process *slot, struct hay_task *task)
{
    task->ended.kind = HAYI_NEWS_ENDED;
    task->ended.task = task;
    task->told_by = slot;
    slot->ends_told++;
    hayi_mpsc_push(slot->config->news, &task->ended.node); /* the loop's now */
    slot->told = true;
}

void hayi_process_ring_loop(struct hayi_slot_process *slot)
{
    if (slot->told) {
        slot->told = false;
        hayi_bell_ring(slot->config->loop_bell);
    }
}

/* ---- ends -----------------------------------------------------------------
 */

/* Forget the oldest ones that have ended or were revoked. */
void hayi_process_trim(struct hayi_slot_process *slot)
{
    while (slot->flight_first != slot->flight_next
           && hayi_process_flight(slot, slot->flight_first)->order.task
                  == NULL) {
        slot->flight_first++;
    }
}

/* Take an attempt out of its flight, which is over; NULL: it is not there. */
static struct hay_task *land(struct hayi_slot_process *slot,
                             uint32_t number,
                             struct hayi_flight *flight)
{
    hayi_process_lock(slot);
    struct hay_task *task = NULL;
    if (number - slot->flight_first < slot->flight_next - slot->flight_first) {
        *flight = *hayi_process_flight(slot, number);
        task = flight->order.task;
        hayi_process_flight(slot, number)->order =
            (struct hayi_child_order){.task = NULL};
        hayi_process_trim(slot);
    }
    hayi_process_unlock(slot);
    return task;
}

void hayi_process_give_again(struct hayi_slot_process *slot,
                             struct hay_task *task)
{
    task->overflow_next = slot->first;
    if (slot->first == NULL) {
        slot->last = task;
    }
    slot->first = task;
}

static void end_task(struct hayi_slot_process *slot,
                     struct hay_task *task,
                     struct hayi_flight *flight)
{
    hayi_child_order_close(&flight->order, slot->config->farm->store);
    bool more = hayi_process_more_to_do(task);
    hayi_process_waits_no_more(slot, more);
    if (more) {
        hayi_process_lock(slot);
        hayi_process_give_again(slot, task);
        hayi_process_unlock(slot);
        return;
    }
    hayi_process_tell(slot, task);
}

static bool
on_ended(struct hayi_slot_process *slot, const void *body, uint64_t size)
{
    struct hayi_child_ended head;
    struct hayi_flight flight;
    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    struct hay_task *task =
        slot->child_waits ? NULL : land(slot, head.number, &flight);
    if (task == NULL) {
        return false;
    }
    slot->leaving = slot->leaving || head.leaves != 0;
    slot->served = true;
    slot->stillborn = 0;
    if (!hayi_child_order_ended(
            &flight.order, slot->config->farm->store, body, size)) {
        hayi_process_word_nonsense(task, slot->now_ns);
        end_task(slot, task, &flight);
        return false;
    }
    if (flight.timed_out && task->outcome == HAYI_OUTCOME_CANCELLED) {
        hayi_process_word_given_up(task);
    }
    hayi_results_keep(task);
    end_task(slot, task, &flight);
    return true;
}

/* ---- records --------------------------------------------------------------
 */

/* With the mutex: the attempt that the child runs; NULL: none. */
struct hayi_flight *hayi_process_running(struct hayi_slot_process *slot,
                                         uint32_t *number)
{
    for (uint32_t n = slot->flight_first; n != slot->flight_next; n++) {
        struct hayi_flight *flight = hayi_process_flight(slot, n);
        if (flight->order.task != NULL) {
            *number = n;
            return hayi_process_is_taken(slot, n) ? flight : NULL;
        }
    }
    return NULL;
}

/* The same; what runs stays where it is until we land it. */
static struct hayi_flight *running_flight(struct hayi_slot_process *slot,
                                          uint32_t *number)
{
    hayi_process_lock(slot);
    struct hayi_flight *flight = hayi_process_running(slot, number);
    hayi_process_unlock(slot);
    return flight;
}

static bool on_create(struct hayi_slot_process *slot,
                      uint32_t kind,
                      const void *body,
                      uint64_t size)
{
    struct hayi_child_create ask;
    uint32_t number = 0;
    struct hayi_flight *flight = running_flight(slot, &number);
    struct hayi_store *store = slot->config->farm->store;
    if (size < sizeof(ask) || flight == NULL) {
        /* the attempt's end was faster; a put was refused */
        return kind == HAYI_CHILD_UNPIN || kind == HAYI_CHILD_ABANDON;
    }
    memcpy(&ask, body, sizeof(ask));
    if (kind == HAYI_CHILD_ABANDON) {
        hayi_child_order_abandon(&flight->order, store, ask.place);
        return true;
    }
    if (kind == HAYI_CHILD_UNPIN) {
        hayi_child_order_unpin(&flight->order, store, ask.place);
        return true;
    }
    if (kind == HAYI_CHILD_PIN) {
        hayi_child_order_pin(&flight->order, store, ask.place, &slot->pipe);
    } else {
        hayi_child_order_create(&flight->order, store, &ask, &slot->pipe);
    }
    hayi_rouse(&slot->area->child_asleep);
    return true;
}

/* Words that end with their 0. */
static bool is_text(const void *body, uint64_t size)
{
    return size > 0 && memchr(body, 0, (size_t)size) != NULL;
}

static bool
on_refuse(struct hayi_slot_process *slot, const void *body, uint64_t size)
{
    if (!is_text(body, size)) {
        return false;
    }
    hayi_process_lock(slot);
    slot->refused = true;
    (void)hayi_fail(&slot->refusal,
                    HAY_EFARM,
                    "a process slot cannot be had: %.400s",
                    (const char *)body);
    hayi_process_unlock(slot);
    return true;
}

/* What a put of a large value gives away; place 0: nothing. */
struct put {
    const struct hayi_child_order *order;
    hayi_place place;
    bool sound;
};

/* hayi_value_objects() calls it for each of them: one, that has no name yet and
 * for which the attempt got room. */
static void look_at_put(void *context, struct hayi_object_value *object)
{
    struct put *put = context;
    put->sound =
        put->sound && put->place == 0 && object->object == 0
        && object->place != 0 && put->order != NULL
        && hayi_child_order_made(put->order, object->place, object->size);
    put->place = object->place;
}

/* false: the child puts what is not its own. */
static bool read_put(const struct hayi_flight *flight,
                     void *body,
                     size_t size,
                     struct put *put)
{
    const struct hayi_nest_put *head = body;
    const void *value = NULL;
    *put = (struct put){
        .order = flight != NULL ? &flight->order : NULL,
        .sound = true,
    };
    return size >= sizeof(*head)
           && hayi_record_parts(body,
                                size,
                                sizeof(*head),
                                &head->value_size,
                                1,
                                0,
                                &value,
                                NULL)
                  == HAY_OK
           && hayi_value_objects((void *)(uintptr_t)value,
                                 (size_t)head->value_size,
                                 look_at_put,
                                 put,
                                 NULL)
                  == HAY_OK
           && put->sound;
}

/* Of a client in the child, for the manager. */
static bool
on_client(struct hayi_slot_process *slot, const void *body, uint64_t size)
{
    struct hayi_child_record head;
    uint64_t left = size - sizeof(head);
    if (size < sizeof(head) + sizeof(struct hayi_nest_head)
        || left > HAYI_NEST_PIECE + RECORD_MORE) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    if (head.type > UINT16_MAX || head.type == HAYI_RECORD_NEST_CLOSED
        || !hayi_nest_is((uint16_t)head.type, true)) {
        return false;
    }
    struct hayi_relay_message *message =
        hayi_relay_new(slot,
                       slot->life,
                       head.type,
                       (const unsigned char *)body + sizeof(head),
                       left);
    if (message == NULL) {
        return false;
    }
    if (head.type == HAYI_RECORD_NEST_PUT) {
        uint32_t number = 0;
        struct hayi_flight *flight = running_flight(slot, &number);
        struct put put;
        if (!read_put(flight, message->body, (size_t)left, &put)) {
            free(message);
            return false;
        }
        if (put.place != 0) {
            hayi_child_order_give_away(
                &flight->order, slot->config->farm->store, put.place);
        }
    }
    (void)atomic_fetch_add(&slot->relay_bytes, left);
    slot->relays = true;
    slot->told = true;
    message->ends = slot->ends_told;
    hayi_mpsc_push(slot->config->relayed, &message->node);
    return true;
}

/* The child's client is gone with it. */
static void close_client(struct hayi_slot_process *slot)
{
    struct hayi_relay_message *message =
        slot->relays ? hayi_relay_new(slot, slot->life, 0, NULL, 0) : NULL;
    if (message != NULL) {
        message->ends = slot->ends_told;
        hayi_mpsc_push(slot->config->relayed, &message->node);
        slot->told = true;
    }
    slot->relays = false;
    slot->life++;
}

static bool on_record(struct hayi_slot_process *slot,
                      const struct hayi_pipe_record *record,
                      const void *body)
{
    const struct hayi_task_farm *farm = slot->config->farm;
    switch (record->kind) {
    case HAYI_CHILD_READY:
        return true;
    case HAYI_CHILD_ENDED:
        return on_ended(slot, body, record->size);
    case HAYI_CHILD_CREATE:
    case HAYI_CHILD_ABANDON:
    case HAYI_CHILD_PIN:
    case HAYI_CHILD_UNPIN:
        return on_create(slot, record->kind, body, record->size);
    case HAYI_CHILD_REFUSE:
        return on_refuse(slot, body, record->size);
    case HAYI_CHILD_RECORD:
        return on_client(slot, body, record->size);
    case HAYI_CHILD_WAIT:
        return hayi_process_on_wait(slot, body, record->size);
    case HAYI_CHILD_WAKE:
        return hayi_process_on_wake(slot);
    case HAYI_CHILD_LOG:
        if (!is_text(body, record->size)) {
            return false;
        }
        farm->log(farm->context, body);
        return true;
    default:
        return false;
    }
}

/* All that the child has said; true: there was something. */
bool hayi_process_take_records(struct hayi_slot_process *slot)
{
    struct hayi_pipe_record record;
    const void *body;
    bool any = false;
    bool sound = true;
    while (sound && hayi_process_may_take(slot)
           && hayi_pipe_next(&slot->pipe, &record, &body)) {
        any = true;
        sound = on_record(slot, &record, body);
    }
    if (hayi_ring_room_wanted(&slot->pipe.in)) {
        hayi_rouse(&slot->area->child_asleep);
    }
    sound = sound && atomic_load(&slot->nonsense) != slot->life;
    if (!slot->leaving && (!sound || slot->pipe.damaged)) {
        slot->pipe.damaged = true;
        slot->leaving = true; /* it speaks nonsense */
        hayi_process_raise(slot, HAYI_WISH_KILL);
    }
    return any;
}

/* ---- the end of a child ----------------------------------------------------
 */

/* What it ran, and has not ended. */
static void fail_running(struct hayi_slot_process *slot)
{
    uint32_t number = 0;
    struct hayi_flight flight;
    if (running_flight(slot, &number) == NULL) {
        if (!slot->served && !slot->leaving) {
            slot->stillborn += slot->end.signal == SIGKILL ? 1 : STILLBORN_OWN;
        }
        return;
    }
    struct hay_task *task = land(slot, number, &flight);
    hayi_process_word_end(
        task, &slot->end, flight.timed_out, flight.forced, slot->area);
    end_task(slot, task, &flight);
    slot->stillborn = 0;
}

/* Attempts that it had not begun: in their order before the others. */
void hayi_process_recall(struct hayi_slot_process *slot)
{
    hayi_process_lock(slot);
    while (slot->flight_next != slot->flight_first) {
        struct hayi_flight *flight =
            hayi_process_flight(slot, --slot->flight_next);
        struct hay_task *task = flight->order.task;
        if (task != NULL) {
            hayi_child_order_close(&flight->order, slot->config->farm->store);
            hayi_process_give_again(slot, task);
        }
    }
    hayi_process_unlock(slot);
}

void hayi_process_child_over(struct hayi_slot_process *slot)
{
    struct hayi_error err = {HAY_OK, ""};
    (void)hayi_process_take_records(slot); /* its last words */
    close_client(slot);
    fail_running(slot);
    hayi_process_recall(slot);
    if (slot->end.start_errno != 0) {
        const struct timespec nap = {0, STILLBORN_NAP_NS};
        (void)nanosleep(&nap, NULL);
    }
    hayi_process_lock(slot);
    if (slot->stillborn >= STILLBORN_MAX && !slot->refused) {
        slot->refused = true;
        hayi_process_word_stillborn(&slot->refusal, &slot->end);
    }
    slot->flight_first = slot->flight_next = 1;
    slot->child_over = false;
    slot->wish = HAYI_WISH_NONE; /* it was for that child */
    if (hayi_process_renew_area(slot, &err) != HAY_OK && !slot->refused) {
        slot->refused = true;
        slot->refusal = err;
    }
    hayi_process_unlock(slot);
}
