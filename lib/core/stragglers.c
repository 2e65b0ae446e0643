/* stragglers.c - see stragglers.h.
 *
 * As Hadoop and Spark do it ("speculative execution"): when nothing is left to
 * hand out and cores are idle, an attempt that has taken straggler_permille
 * thousandths of the time below which 9 of 10 of its kind stay gets a second
 * one on another worker.
 *
 * Both attempts have the task's handle and numbers of their own.  The second
 * one is a row besides, booked at its worker; when it takes the task over, the
 * two rows change places in the lists of their workers, so that the handle, the
 * edges and the inputs of the task stay where they are.
 *
 * The look walks over all that is held, which is little when nothing is ready,
 * and not more often than every REST_NS.
 */
#include "config.h"

#include "core/stragglers.h"

#include "core/demand.h"

#include <assert.h>

#define NOBODY   UINT32_MAX
#define REST_NS  5000000u  /* between two looks */
#define LEAST_NS 10000000u /* what is shorter than this is no straggler */

/* ---- who, and where ---------------------------------------------------- */

/* How long it usually takes; 0: not known. */
static uint64_t usual_ns(const struct hayi_sched *s, const struct hayi_row *row)
{
    if ((row->flags & HAYI_ROW_RANGE) == 0) {
        return hayi_durations_usual_ns(&s->durations, row->category);
    }
    const struct hayi_row *parent = hayi_sched_row(s, row->map);
    uint64_t item_ns = s->maps.list[parent->map].item_ns;
    if (item_ns > UINT64_MAX / row->count) {
        return UINT64_MAX >> 1;
    }
    return item_ns == 0 ? 0 : row->count * item_ns / 256 + 1;
}

/* When the attempt becomes a straggler; UINT64_MAX: never. */
static uint64_t due_ns(const struct hayi_sched *s, const struct hayi_row *row)
{
    if (row->state != HAYI_ROW_RUNNING || row->twin != 0 || row->nested
        || row->single || (row->flags & (HAYI_ROW_CANCEL | HAYI_ROW_TWIN)) != 0
        || (row->traits & (HAYI_ROW_ONCE | HAYI_ROW_REMAKE | HAYI_ROW_TRIED))
               != 0
        || row->losses > 0 || hayi_sched_needs(s, row)->worker != 0) {
        return UINT64_MAX;
    }
    uint64_t ns = usual_ns(s, row);
    if (ns == 0) {
        return UINT64_MAX;
    }
    uint64_t factor = s->config.straggler_permille;
    ns = ns / 1000 < (UINT64_MAX >> 2) / factor
             ? ns / 1000 * factor + ns % 1000 * factor / 1000
             : UINT64_MAX >> 2;
    return row->since_ns + (ns > LEAST_NS ? ns : LEAST_NS);
}

/* Are all objects that it needs on the node? */
static bool
provided(const struct hayi_sched *s, const struct hayi_row *row, uint32_t node)
{
    if (row->cargo == 0) {
        return true;
    }
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        if (!hayi_object_at(&s->objects, object)->soft
            && hayi_objects_on(&s->objects, object, node) == NULL) {
            return false;
        }
    }
    return true;
}

static const struct hayi_needs *needs_of(const struct hayi_sched *s,
                                         const struct hayi_row *row)
{
    return row->cargo == 0
               ? hayi_sched_needs(s, row)
               : hayi_place_needs(s, hayi_cargo_at(&s->cargos, row->cargo));
}

/* The most idle worker that could start it at once. */
static uint32_t choose(const struct hayi_sched *s,
                       const struct hayi_row *row,
                       uint32_t *variant)
{
    const struct hayi_needs *needs = needs_of(s, row);
    struct hayi_booker booker = hayi_demand_booker(s, row->level);
    const struct hayi_workers_slot *found = NULL;
    for (uint32_t i = 0; i < s->workers.heap_count; i++) {
        const struct hayi_workers_slot *slot = &s->workers.heap[i];
        const struct hayi_worker *worker = &s->workers.list[slot->worker];
        bool behind =
            found != NULL
            && (slot->key > found->key
                || (slot->key == found->key && slot->tie > found->tie));
        if (!behind && slot->worker != row->worker
            && provided(s, row, worker->node)
            && hayi_demand_starts(s, slot->worker, needs, booker, variant)) {
            found = slot;
        }
    }
    return found == NULL ? NOBODY : found->worker;
}

/* ---- the second attempt ------------------------------------------------ */

static hay_status begin(struct hayi_sched *s,
                        uint32_t index,
                        uint32_t worker,
                        uint32_t variant,
                        struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_level *wanted = &s->ready.levels[row->level];
    const int32_t priority = wanted->priority;
    const uint16_t depth = wanted->depth;
    const struct hayi_needs needs = *needs_of(s, row);
    uint32_t level = 0;
    if (hayi_actions_reserve(actions, 1) != HAY_OK
        || hayi_table_reserve(&s->table) != HAY_OK
        || hayi_nest_reserve(&s->nest, index) != HAY_OK
        || hayi_nest_reserve(&s->nest, hayi_table_next(&s->table)) != HAY_OK
        || hayi_leases_reserve(&s->leases, s->table.count) != HAY_OK
        || hayi_members_level(s, &needs, priority, depth, &level) != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t second = hayi_table_take(&s->table);
    struct hayi_row *twin = hayi_sched_row(s, second);
    twin->payload = hayi_table_handle(&s->table, index);
    twin->level = level;
    twin->category = row->category;
    twin->flags = HAYI_ROW_TWIN;
    twin->twin = index;
    twin->attempt = row->attempt;
    row->twin = second;
    row->traits |= HAYI_ROW_TRIED;
    s->twins++;
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_HAND_OUT);
    a->u.hand_out.payload = row->payload;
    a->u.hand_out.variant = variant;
    if ((row->flags & HAYI_ROW_RANGE) != 0) {
        a->u.hand_out.payload = hayi_sched_row(s, row->map)->payload;
        a->u.hand_out.range = true;
        a->u.hand_out.first = row->first;
        a->u.hand_out.count = row->count;
    }
    hayi_dispatch_book(s, second, worker, usual_ns(s, row), a);
    a->u.hand_out.task = twin->payload;
    a->u.hand_out.prompt = true;
    return HAY_OK;
}

hay_status hayi_stragglers_look(struct hayi_sched *s,
                                struct hayi_actions *actions)
{
    s->straggler_at_ns = UINT64_MAX;
    if (s->config.straggler_permille == 0 || s->ready.rows > 0 || s->cancelling
        || s->state_count[HAYI_ROW_RUNNING] == 0 || s->workers.heap_count < 2
        || s->workers.idle_cores == 0) {
        return HAY_OK;
    }
    if (s->now_ns < s->straggler_rest_ns) {
        s->straggler_at_ns = s->straggler_rest_ns;
        return HAY_OK;
    }
    s->straggler_rest_ns = s->now_ns + REST_NS;
    for (uint32_t w = 0; w < s->workers.max; w++) {
        uint32_t index = s->workers.list[w].head;
        while (index != 0) {
            const struct hayi_row *row = hayi_sched_row(s, index);
            uint64_t at_ns = due_ns(s, row);
            uint32_t next = row->next;
            if (at_ns > s->now_ns) {
                s->straggler_at_ns =
                    at_ns < s->straggler_at_ns ? at_ns : s->straggler_at_ns;
            } else {
                uint32_t variant = 0;
                uint32_t worker = choose(s, row, &variant);
                if (worker != NOBODY
                    && begin(s, index, worker, variant, actions) != HAY_OK) {
                    return HAY_ENOMEM;
                }
            }
            index = next;
        }
    }
    if (s->straggler_at_ns < s->straggler_rest_ns) {
        s->straggler_at_ns = s->straggler_rest_ns;
    }
    return HAY_OK;
}

/* ---- its end ----------------------------------------------------------- */

uint32_t hayi_stragglers_find(const struct hayi_sched *s,
                              uint32_t worker,
                              hayi_handle task,
                              uint32_t attempt)
{
    uint32_t index = s->workers.list[worker].head;
    while (index != 0) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        if ((row->flags & HAYI_ROW_TWIN) != 0 && row->payload == task
            && row->attempt == attempt) {
            return index;
        }
        index = row->next;
    }
    return 0;
}

uint32_t hayi_sched_beaten(const struct hayi_sched *s, uint32_t worker)
{
    uint32_t count = 0;
    uint32_t index = 0;
    if (s->twins > 0 && worker < s->workers.max) {
        index = s->workers.list[worker].head;
    }
    while (index != 0) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        bool twin = (row->flags & HAYI_ROW_TWIN) != 0;
        count += twin && row->twin == 0 ? 1 : 0;
        index = row->next;
    }
    return count;
}

/* Its neighbours and its worker learn its index. */
static void relink(struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_worker *worker = &s->workers.list[row->worker];
    if (row->prev == 0) {
        worker->head = index;
    } else {
        hayi_sched_row(s, row->prev)->next = index;
    }
    if (row->next == 0) {
        worker->tail = index;
    } else {
        hayi_sched_row(s, row->next)->prev = index;
    }
}

/* The attempts of two rows, on two workers, change places. */
static void swap(struct hayi_sched *s, uint32_t a, uint32_t b)
{
    struct hayi_row *one = hayi_sched_row(s, a);
    struct hayi_row *other = hayi_sched_row(s, b);
    assert(one->worker != other->worker);
    const struct hayi_wait one_waits = hayi_nested_lift(s, a);
    const struct hayi_wait other_waits = hayi_nested_lift(s, b);
    const struct hayi_row was = *one;
    one->worker = other->worker;
    one->attempt = other->attempt;
    one->cost = other->cost;
    one->level = other->level;
    one->state = other->state;
    one->since_ns = other->since_ns;
    one->next = other->next;
    one->prev = other->prev;
    other->worker = was.worker;
    other->attempt = was.attempt;
    other->cost = was.cost;
    other->level = was.level;
    other->state = was.state;
    other->since_ns = was.since_ns;
    other->next = was.next;
    other->prev = was.prev;
    one->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_TRIED; /* it counts them */
    hayi_leases_swap(&s->leases, a, b);
    relink(s, a);
    relink(s, b);
    hayi_nested_lay(s, a, &other_waits);
    hayi_nested_lay(s, b, &one_waits);
}

/* The row of a second attempt goes; it is booked still. */
static void drop(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->twin != 0) {
        hayi_sched_row(s, row->twin)->twin = 0;
    }
    hayi_task_unbook(s, index);
    hayi_ready_release(&s->ready, row->level);
    hayi_sched_drop(s, index);
    s->twins--;
}

static void tell(struct hayi_sched *s,
                 uint32_t index,
                 const struct hayi_row *attempt,
                 enum hayi_outcome outcome,
                 uint64_t report,
                 struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    if ((row->flags & HAYI_ROW_RANGE) != 0
        || attempt->state != HAYI_ROW_RUNNING) {
        return; /* it is no attempt that anybody wants to hear of */
    }
    struct hayi_action *a =
        hayi_actions_add(actions, HAYI_ACTION_ATTEMPT_ENDED);
    a->u.attempt_ended.payload = row->payload;
    a->u.attempt_ended.attempt = attempt->attempt;
    a->u.attempt_ended.worker = attempt->worker;
    a->u.attempt_ended.outcome = (uint8_t)outcome;
    a->u.attempt_ended.report = report;
    a->u.attempt_ended.since_ns = attempt->since_ns;
}

void hayi_stragglers_cancel(struct hayi_sched *s,
                            uint32_t index,
                            bool force,
                            struct hayi_actions *actions)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    if (row->twin == 0) {
        return;
    }
    const struct hayi_row *twin = hayi_sched_row(s, row->twin);
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_CANCEL);
    a->u.cancel.worker = twin->worker;
    a->u.cancel.task = twin->payload;
    a->u.cancel.attempt = twin->attempt;
    a->u.cancel.force = force;
}

/* The second attempt of the task was too late; 2 actions. */
static void
beat(struct hayi_sched *s, uint32_t index, struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_row *twin = hayi_sched_row(s, row->twin);
    hayi_stragglers_cancel(s, index, true, actions);
    tell(s, index, twin, HAYI_OUTCOME_CANCELLED, 0, actions);
    twin->twin = 0;
    row->twin = 0;
}

hay_status hayi_stragglers_ended(struct hayi_sched *s,
                                 uint32_t *index,
                                 const struct hayi_event *event,
                                 struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, *index);
    bool second = (row->flags & HAYI_ROW_TWIN) != 0;
    uint32_t task = second ? row->twin : *index;
    bool finished = event->u.ended.outcome == HAYI_OUTCOME_FINISHED;
    if (hayi_actions_reserve(actions, 2) != HAY_OK) {
        return HAY_ENOMEM;
    }
    if (task == 0) { /* it was beaten before */
        drop(s, *index);
        *index = 0;
        return HAY_OK;
    }
    bool wanted = (hayi_sched_row(s, task)->flags & HAYI_ROW_CANCEL) == 0
                  && !s->cancelling;
    if (finished || (!second && !wanted)) {
        if (second) {
            swap(s, task, *index);
        }
        beat(s, task, actions);
        *index = task;
        return HAY_OK;
    }
    tell(s,
         task,
         row,
         (enum hayi_outcome)event->u.ended.outcome,
         event->u.ended.report,
         actions);
    uint32_t other = second ? *index : row->twin;
    if (!second) {
        swap(s, task, other);
        hayi_sched_row(s, task)->single = true;
    }
    drop(s, other);
    *index = 0;
    return HAY_OK;
}

void hayi_stragglers_returned(struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    uint32_t second = index;
    if ((row->flags & HAYI_ROW_TWIN) == 0) {
        second = row->twin;
        swap(s, index, second);
    }
    drop(s, second);
}

bool hayi_stragglers_lost(struct hayi_sched *s,
                          uint32_t index,
                          struct hayi_actions *actions)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    bool second = (row->flags & HAYI_ROW_TWIN) != 0;
    uint32_t task = second ? row->twin : index;
    uint32_t other = second ? index : row->twin;
    if (task == 0) {
        drop(s, index);
        return true;
    }
    if (!second
        && s->workers.list[hayi_sched_row(s, other)->worker].state
               == HAYI_WORKER_LOST) {
        drop(s, other);
        return false; /* both are lost */
    }
    tell(s, task, row, HAYI_OUTCOME_FARM, 0, actions);
    if (!second) {
        row->traits &= (uint8_t) ~(uint32_t)HAYI_ROW_SUSPECT;
        swap(s, task, other);
    }
    drop(s, other);
    return true;
}
