/* test_random.c - random farms, checked against a tiny model.
 *
 * A seed makes a farm: workers that start, end, return and cancel attempts as
 * dice tell, messages that lie about for a while (in order for each worker,
 * both ways), tasks with random inputs, retries and needs, maps, cancels,
 * losses, a close.  The model knows of each task only what a client may know,
 * and checks that each task is told once, with a status that has a cause, that
 * inputs come first, that no item is done twice and that nothing is left.
 * Every step may first be tried with a failing allocation.
 */
#include "config.h"

#include "random_model.h"

#include "core/alloc.h"
#include "core/sched.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the client side sees ----------------------------------------- */

static void see_tell(const struct hayi_action *a)
{
    struct task *t = &m.task[a->u.tell.payload];
    bool dep_failed = false;
    bool dep_cancelled = false;
    MUST(!t->told);
    MUST(t->out <= (m.stragglers ? 1u : 0u)); /* which was beaten */
    t->told = true;
    t->state = (hay_state)a->u.tell.state;
    m.told++;
    for (uint32_t i = 0; i < t->dep_count; i++) {
        const struct task *d = &m.task[t->dep[i]];
        dep_failed |= d->told && d->state == HAY_FAILED && !t->any[i];
        dep_cancelled |= d->told && d->state == HAY_CANCELLED && !t->any[i];
    }
    switch (a->u.tell.status) {
    case HAY_OK:
        MUST(t->map || t->last == HAYI_OUTCOME_FINISHED);
        for (uint64_t i = 0; i < t->items; i++) {
            MUST(t->item[i] == 2);
        }
        break;
    case HAY_ETASK:
        MUST(t->map || t->last == HAYI_OUTCOME_FAILED);
        MUST(t->map || a->u.tell.attempt >= t->retries + 1);
        MUST(t->map
             || a->u.tell.attempt <= t->retries + 1 + t->losses + t->seconds);
        break;
    case HAY_EFARM:
        MUST(t->map || t->lost || t->last == HAYI_OUTCOME_FARM);
        break;
    case HAY_EDEPENDENCY:
        MUST(dep_failed && a->u.tell.culprit != 0);
        MUST(a->u.tell.attempt == 0);
        break;
    case HAY_ECANCELLED:
        MUST(t->cancelled || m.cancelling || dep_cancelled || t->map
             || t->last == HAYI_OUTCOME_CANCELLED
             || a->u.tell.cause == HAY_CAUSE_WALLTIME);
        MUST(m.timed || a->u.tell.cause != HAY_CAUSE_WALLTIME);
        break;
    case HAY_EINFEASIBLE:
        break;
    default:
        MUST(false);
    }
}

/* The other attempt at the same that counts; NULL: none. */
static struct given *other_of(hayi_handle task, uint32_t attempt)
{
    for (uint32_t w = 0; w < m.workers; w++) {
        struct hand *hand = &m.hand[w];
        for (size_t i = 0; i < hand->given_count; i++) {
            const struct hayi_action *give = &hand->given[i].give;
            if (give->u.hand_out.task == task
                && give->u.hand_out.attempt != attempt
                && !hand->given[i].beaten) {
                return &hand->given[i];
            }
        }
    }
    return NULL;
}

static void see_hand_out(const struct hayi_action *a)
{
    bool second = other_of(a->u.hand_out.task, a->u.hand_out.attempt) != NULL;
    uint32_t w = a->u.hand_out.worker;
    struct task *t = &m.task[a->u.hand_out.payload];
    struct hand *hand = &m.hand[w];
    MUST(w < m.workers && hand->joined && !hand->lost);
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(m.sched, &stats);
    MUST(!t->told && !m.cancelling && !stats.over);
    MUST(second ? m.stragglers : t->map || t->out == 0);
    MUST(a->u.hand_out.needs.cores <= hand->cores);
    MUST(t->worker == 0 || t->worker - 1 == w);
    for (uint32_t i = 0; i < t->dep_count; i++) {
        MUST(m.task[t->dep[i]].told);
        MUST(t->any[i] || m.task[t->dep[i]].state == HAY_FINISHED);
    }
    if (a->u.hand_out.range) {
        MUST(a->u.hand_out.count > 0);
        for (uint64_t i = 0; i < a->u.hand_out.count; i++) {
            MUST(a->u.hand_out.first + i < t->items);
            MUST(t->item[a->u.hand_out.first + i] == (second ? 1 : 0));
            t->item[a->u.hand_out.first + i] = 1;
        }
    } else {
        t->seconds += second ? 1 : 0;
        MUST(a->u.hand_out.attempt <= t->retries + 1 + t->losses + t->seconds);
        t->out++;
        MUST(t->out <= 2);
    }
    MUST(hand->given_count < HELD);
    hand->given[hand->given_count++] = (struct given){.give = *a};
    queue_add(&hand->in)->action = *a;
}

static void see_range(const struct hayi_action *a)
{
    struct task *t = &m.task[a->u.range_ended.payload];
    MUST(!t->told);
    MUST(a->u.range_ended.failed <= a->u.range_ended.count);
    MUST(a->u.range_ended.unreached <= a->u.range_ended.failed);
    for (uint64_t i = 0; i < a->u.range_ended.count; i++) {
        /* What was lost with its worker waits again, or fails. */
        MUST(t->item[a->u.range_ended.first + i]
             == (a->u.range_ended.losses > 0 ? 0 : 1));
        t->item[a->u.range_ended.first + i] = 2;
    }
}

static void see(void)
{
    for (size_t i = 0; i < m.actions.count; i++) {
        const struct hayi_action *a = &m.actions.list[i];
        char line[300];
        hayi_action_print(a, line, sizeof(line));
        for (const char *c = line; *c != '\0'; c++) {
            m.hash = (m.hash ^ (unsigned char)*c) * 1099511628211u;
        }
        switch (a->kind) {
        case HAYI_ACTION_HAND_OUT:
            see_hand_out(a);
            break;
        case HAYI_ACTION_RECALL:
            queue_add(&m.hand[a->u.recall.worker].in)->action = *a;
            break;
        case HAYI_ACTION_CANCEL:
            queue_add(&m.hand[a->u.cancel.worker].in)->action = *a;
            break;
        case HAYI_ACTION_RANGE_ENDED:
            see_range(a);
            break;
        case HAYI_ACTION_TELL:
            see_tell(a);
            break;
        case HAYI_ACTION_ALL_ENDED:
            m.all_ended++;
            MUST(m.closed && m.told == m.count);
            break;
        case HAYI_ACTION_STATE:
        case HAYI_ACTION_ATTEMPT_ENDED:
        case HAYI_ACTION_ANSWER:
        case HAYI_ACTION_WORKER_LOST:
            break;
        case HAYI_ACTION_INPUTS:
        case HAYI_ACTION_FETCH:
        case HAYI_ACTION_DROP:
        case HAYI_ACTION_WANTED:
        case HAYI_ACTION_FORGET:
        case HAYI_ACTION_CLAIM_DENIED:
        case HAYI_ACTION_LET_GO:
            MUST(false); /* no task here has objects */
            break;
        }
    }
    m.actions.count = 0;
}

/* The inputs of the last task, as the client knows them now. */
static void look_at_deps(struct hayi_event *e)
{
    static struct hayi_dep deps[3];
    const struct task *t = &m.task[e->u.task.id];
    for (uint32_t i = 0; i < t->dep_count; i++) {
        const struct task *d = &m.task[t->dep[i]];
        deps[i] = (struct hayi_dep){
            .task = d->told ? 0 : d->handle,
            .any = t->any[i],
            .ended = (uint8_t)d->state,
            .culprit = t->dep[i],
        };
    }
    e->u.task.deps = deps;
    e->u.task.dep_count = t->dep_count;
}

static hay_status step(struct hayi_event *e)
{
    hay_status status = HAY_ENOMEM;
    m.now_ns += dice(20) * (m.stragglers ? 1000000u : 1000u);
    while (status == HAY_ENOMEM) {
        if (e->kind == HAYI_EVENT_TASK) {
            look_at_deps(e);
        }
        hayi_alloc_fail_at(m.short_memory && dice(3) == 0 ? 1 + dice(4) : 0);
        status = hayi_sched_step(m.sched, m.now_ns, e, &m.actions);
        hayi_sched_check(m.sched);
        see();
    }
    hayi_alloc_fail_at(0);
    return status;
}

static void dispatch(void)
{
    hay_status status = HAY_ENOMEM;
    while (status == HAY_ENOMEM) {
        hayi_alloc_fail_at(m.short_memory && dice(3) == 0 ? 1 + dice(4) : 0);
        status = hayi_sched_dispatch(m.sched, m.now_ns, &m.actions);
        hayi_sched_check(m.sched);
        see();
    }
    hayi_alloc_fail_at(0);
}

/* ---- what clients do --------------------------------------------------- */

static void submit_task(void)
{
    if (m.count == TASKS || m.closed) {
        return;
    }
    uint32_t id = ++m.count;
    struct task *t = &m.task[id];
    *t = (struct task){.last = -1, .retries = dice(3) / 2 * dice(3)};
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    t->cores = dice(4) == 0 ? 1 + dice(3) : 1;
    t->worker = dice(8) == 0 ? 1 + dice(m.workers) : 0;
    for (uint32_t n = dice(4); n > 0 && id > 1 && dice(3) > 0; n--) {
        uint32_t i = t->dep_count++;
        t->dep[i] = 1 + dice(id - 1);
        t->any[i] = dice(4) == 0;
    }
    e.u.task.id = id;
    e.u.task.payload = id;
    e.u.task.needs.cores = t->cores;
    e.u.task.needs.worker = t->worker;
    e.u.task.needs.memory_bytes = dice(5) == 0 ? 100 * dice(5) : 0;
    e.u.task.priority = dice(3) == 0 ? (int32_t)dice(5) - 2 : 0;
    e.u.task.retries = t->retries;
    e.u.task.category = dice(3);
    MUST(step(&e) == HAY_OK);
    t->handle = e.u.task.task;
    MUST((t->handle == 0) == t->told);
}

static void submit_map(void)
{
    if (m.count == TASKS || m.closed) {
        return;
    }
    uint32_t id = ++m.count;
    struct task *t = &m.task[id];
    *t = (struct task){.last = -1, .map = true, .items = dice(ITEMS)};
    struct hayi_event e = {.kind = HAYI_EVENT_MAP};
    e.u.map.id = id;
    e.u.map.payload = id;
    e.u.map.count = t->items;
    e.u.map.priority = (int32_t)dice(3) - 1;
    e.u.map.range_max = dice(2) == 0 ? 1 + dice(20) : UINT64_MAX;
    e.u.map.unread_max = dice(3) == 0 ? 1 + dice(40) : 0;
    e.u.map.stop_on_failure = dice(3) == 0;
    MUST(step(&e) == HAY_OK);
    t->handle = e.u.map.task;
}

/* The reader of a map has read what is done from the first item on. */
static void read_map(uint32_t id)
{
    const struct task *t = &m.task[id];
    struct hayi_event e = {.kind = HAYI_EVENT_MAP_READ};
    if (id == 0 || t->items == 0) {
        return;
    }
    for (uint64_t i = 0; i < t->items; i++) {
        e.u.map_read.count += t->item[i] == 2 ? 1 : 0;
    }
    e.u.map_read.task = t->handle;
    MUST(step(&e) == HAY_OK);
}

static void cancel(void)
{
    if (m.count == 0) {
        return;
    }
    struct task *t = &m.task[1 + dice(m.count)];
    struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = t->handle;
    e.u.cancel.force = dice(2) == 0;
    t->cancelled = true;
    MUST(step(&e) == HAY_OK);
}

static void close_farm(bool cancel_pending)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CLOSE};
    e.u.close.cancel_pending = cancel_pending;
    m.closed = true;
    m.cancelling = m.cancelling || cancel_pending;
    MUST(step(&e) == HAY_OK);
}

/* Sooner or later than it was told before. */
static void set_end(void)
{
    uint64_t unit_ns = m.stragglers ? 1000000 : 1000;
    struct hayi_event e = {.kind = HAYI_EVENT_DEADLINE};
    e.u.deadline.end_ns = m.now_ns + dice(3000) * unit_ns;
    e.u.deadline.force_ns = e.u.deadline.end_ns + dice(300) * unit_ns;
    MUST(step(&e) == HAY_OK);
}

/* ---- what workers do --------------------------------------------------- */

static struct hayi_event *
send(struct hand *hand, enum hayi_event_kind kind, const struct held *h)
{
    struct hayi_event *e = &queue_add(&hand->out)->event;
    e->kind = kind;
    uint32_t w = (uint32_t)(hand - m.hand);
    if (kind == HAYI_EVENT_RECALL_DONE || kind == HAYI_EVENT_HEARD) {
        e->u.heard.worker = w;
    } else if (kind == HAYI_EVENT_ENDED) {
        e->u.ended.worker = w;
        e->u.ended.task = h->give.u.hand_out.task;
        e->u.ended.attempt = h->give.u.hand_out.attempt;
        e->u.ended.report = h->give.u.hand_out.payload; /* the model's */
    } else {
        e->u.started.worker = w;
        e->u.started.task = h->give.u.hand_out.task;
        e->u.started.attempt = h->give.u.hand_out.attempt;
    }
    return e;
}

static void forget(struct hand *hand, size_t i)
{
    if (hand->held[i].running) {
        hand->busy -= hand->held[i].give.u.hand_out.needs.cores;
    }
    hand->held_count--;
    memmove(&hand->held[i],
            &hand->held[i + 1],
            (hand->held_count - i) * sizeof(hand->held[0]));
}

static void worker_cancel(struct hand *hand, const struct hayi_action *a)
{
    for (size_t i = 0; i < hand->held_count; i++) {
        struct held *h = &hand->held[i];
        if (h->give.u.hand_out.task != a->u.cancel.task
            || h->give.u.hand_out.attempt != a->u.cancel.attempt) {
            continue;
        }
        if (!h->running || a->u.cancel.force) {
            struct hayi_event *e = send(hand, HAYI_EVENT_ENDED, h);
            e->u.ended.outcome = HAYI_OUTCOME_CANCELLED;
            e->u.ended.run_ns = h->running ? 5 : 0;
            forget(hand, i);
        } else if (!a->u.cancel.unstarted_only) {
            h->token = true;
        }
        return;
    }
}

static void worker_recall(struct hand *hand, const struct hayi_action *a)
{
    uint32_t count = a->u.recall.count;
    for (size_t i = hand->held_count; i > 0 && count > 0; i--) {
        const struct held *h = &hand->held[i - 1];
        if (h->running
            || (a->u.recall.below != INT32_MAX
                && h->give.u.hand_out.priority >= a->u.recall.below)) {
            continue;
        }
        (void)send(hand, HAYI_EVENT_RETURNED, h);
        forget(hand, i - 1);
        count--;
    }
    (void)send(hand, HAYI_EVENT_RECALL_DONE, NULL);
}

static void worker_receive(struct hand *hand)
{
    if (hand->in.count == 0) {
        return;
    }
    const struct hayi_action *a = &queue_take(&hand->in)->action;
    if (a->kind == HAYI_ACTION_CANCEL) {
        worker_cancel(hand, a);
    } else if (a->kind == HAYI_ACTION_RECALL) {
        worker_recall(hand, a);
    } else {
        MUST(hand->held_count < HELD);
        hand->held[hand->held_count++] = (struct held){.give = *a};
    }
}

static void worker_start(struct hand *hand)
{
    for (size_t i = 0; i < hand->held_count; i++) {
        struct held *h = &hand->held[i];
        uint32_t cores = h->give.u.hand_out.needs.cores;
        if (!h->running && hand->busy + cores <= hand->cores) {
            h->running = true;
            hand->busy += cores;
            if (dice(3) > 0) {
                (void)send(hand, HAYI_EVENT_STARTED, h);
            }
            return;
        }
    }
}

static void worker_end(struct hand *hand)
{
    size_t i = hand->held_count == 0 ? 0 : dice((uint32_t)hand->held_count);
    for (size_t n = 0; n < hand->held_count && !hand->held[i].running; n++) {
        i = (i + 1) % hand->held_count;
    }
    if (i >= hand->held_count || !hand->held[i].running) {
        return;
    }
    const struct held *h = &hand->held[i];
    struct hayi_event *e = send(hand, HAYI_EVENT_ENDED, h);
    e->u.ended.run_ns = 1 + dice(1000) * (dice(10) == 0 ? 100000 : 100);
    uint32_t d = dice(40);
    enum hayi_outcome outcome = d < 30   ? HAYI_OUTCOME_FINISHED
                                : d < 37 ? HAYI_OUTCOME_FAILED
                                : d < 38 ? HAYI_OUTCOME_FARM
                                         : HAYI_OUTCOME_CANCELLED;
    if (h->token && dice(2) == 0) {
        outcome = HAYI_OUTCOME_CANCELLED;
    }
    if (h->give.u.hand_out.range) {
        uint64_t count = h->give.u.hand_out.count;
        e->u.ended.items = count;
        if (outcome != HAYI_OUTCOME_FINISHED) {
            e->u.ended.items = dice((uint32_t)count);
        } else if (dice(10) == 0 && count > 1) {
            e->u.ended.items = 1 + dice((uint32_t)count - 1);
        }
        e->u.ended.failed = dice(8) == 0 && e->u.ended.items > 0 ? 1 : 0;
    }
    e->u.ended.outcome = (uint8_t)outcome;
    forget(hand, i);
}

/* The manager's side: the attempt that an event is about leaves the list of
 * those given to the worker.  False: it is not in there. */
static bool take_given(struct hand *hand,
                       hayi_handle handle,
                       uint32_t attempt,
                       struct given *taken)
{
    for (size_t i = 0; i < hand->given_count; i++) {
        const struct hayi_action *give = &hand->given[i].give;
        if (give->u.hand_out.task == handle
            && give->u.hand_out.attempt == attempt) {
            *taken = hand->given[i];
            hand->given[i] = hand->given[--hand->given_count];
            return true;
        }
    }
    return false;
}

/* What the model must know before the core hears of it. */
static void foresee(struct hand *hand, const struct hayi_event *e)
{
    struct given given;
    bool ended = e->kind == HAYI_EVENT_ENDED;
    if (hand->lost || (!ended && e->kind != HAYI_EVENT_RETURNED)) {
        return;
    }
    hayi_handle handle = ended ? e->u.ended.task : e->u.returned.task;
    uint32_t attempt = ended ? e->u.ended.attempt : e->u.returned.attempt;
    if (!take_given(hand, handle, attempt, &given)) {
        MUST(false);
        return;
    }
    const struct hayi_action *give = &given.give;
    struct task *t = &m.task[give->u.hand_out.payload];
    t->out -= give->u.hand_out.range ? 0 : 1;
    if (given.beaten) {
        return;
    }
    t->last = ended ? e->u.ended.outcome : t->last;
    struct given *other = other_of(handle, attempt);
    if (other != NULL && (!ended || t->last != HAYI_OUTCOME_FINISHED)) {
        return; /* it goes on alone */
    }
    if (other != NULL) {
        other->beaten = true;
    }
    if (ended
        && (t->last == HAYI_OUTCOME_FAILED || t->last == HAYI_OUTCOME_FARM)) {
        return; /* nobody gets the rest of a range */
    }
    uint64_t items = ended ? e->u.ended.items : 0;
    for (; give->u.hand_out.range && items < give->u.hand_out.count; items++) {
        t->item[give->u.hand_out.first + items] = 0;
    }
}

static void worker_news(struct hand *hand)
{
    if (hand->out.count > 0) {
        struct hayi_event e = queue_take(&hand->out)->event;
        foresee(hand, &e);
        MUST(step(&e) == HAY_OK);
    }
}

static void lose(struct hand *hand)
{
    struct hayi_event e = {.kind = HAYI_EVENT_LOST};
    e.u.lost.worker = (uint32_t)(hand - m.hand);
    for (size_t i = 0; i < hand->given_count; i++) {
        const struct given *given = &hand->given[i];
        const struct hayi_action *give = &given->give;
        struct task *t = &m.task[give->u.hand_out.payload];
        t->out -= give->u.hand_out.range ? 0 : 1;
        if (given->beaten) {
            continue;
        }
        t->lost = true;
        t->losses++;
        if (give->u.hand_out.range
            && other_of(give->u.hand_out.task, give->u.hand_out.attempt)
                   == NULL) {
            memset(t->item + give->u.hand_out.first, 0, give->u.hand_out.count);
        }
    }
    hand->given_count = 0;
    hand->lost = true;
    MUST(step(&e) == HAY_OK);
}

static void join(struct hand *hand)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    if (hand->joined) {
        return;
    }
    hand->joined = true;
    hand->cores = 1 + dice(4);
    e.u.joined.worker = (uint32_t)(hand - m.hand);
    e.u.joined.cores = hand->cores;
    e.u.joined.memory_bytes = dice(2) == 0 ? 500 : 0;
    MUST(step(&e) == HAY_OK);
}

/* ---- a run ------------------------------------------------------------- */

static void something_happens(void)
{
    struct hand *hand = &m.hand[dice(m.workers)];
    uint32_t d = dice(100);
    if (d < 12) {
        submit_task();
    } else if (d < 13) {
        submit_map();
    } else if (d < 16) {
        cancel();
    } else if (d < 18) {
        read_map(m.count == 0 ? 0 : 1 + dice(m.count));
    } else if (d < 35) {
        dispatch();
    } else if (d < 50) {
        worker_receive(hand);
    } else if (d < 65) {
        worker_start(hand);
    } else if (d < 80) {
        worker_end(hand);
    } else if (d < 99) {
        worker_news(hand);
    } else if (dice(40) == 0 && hand->joined && !hand->lost) {
        lose(hand);
    } else if (m.timed && dice(10) == 0) {
        set_end();
    } else if (dice(100) == 0) {
        close_farm(dice(2) == 0);
    }
}

static uint32_t unfinished(void)
{
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(m.sched, &stats);
    MUST(stats.unfinished == m.count - m.told);
    return (uint32_t)stats.unfinished;
}

/* Is an attempt still out that was beaten? */
static bool beaten(void)
{
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(m.sched, &stats);
    return stats.unfinished == 0 && stats.handed_out + stats.running > 0;
}

/* All that lies about is worked off; everything must come to its end. */
static void run_out(void)
{
    for (int round = 0; round < 3000 && (unfinished() > 0 || beaten());
         round++) {
        struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
        m.now_ns += 2000000;
        MUST(step(&tick) == HAY_OK);
        dispatch();
        for (uint32_t w = 0; w < m.workers; w++) {
            worker_receive(&m.hand[w]);
            worker_start(&m.hand[w]);
            worker_end(&m.hand[w]);
            worker_news(&m.hand[w]);
        }
        for (uint32_t id = 1; round % 4 == 0 && id <= m.count; id++) {
            if (!m.task[id].told) {
                read_map(id);
            }
        }
    }
    MUST(unfinished() == 0); /* and why: */
    for (uint32_t id = 1; id <= m.count && unfinished() > 0; id++) {
        char text[500];
        hayi_sched_story(m.sched, m.task[id].handle, m.now_ns, text, 500);
        if (!m.task[id].told) {
            printf("# task %u: %s\n", (unsigned)id, text);
        }
    }
}

static void run(uint64_t seed, bool short_memory)
{
    memset(&m, 0, sizeof(m));
    m.seed = seed;
    m.random = seed * 2 + 1;
    m.hash = 14695981039346656037u;
    m.short_memory = short_memory;
    m.stragglers = seed % 2 == 0;
    m.timed = seed % 3 == 0;
    m.workers = 1 + dice(WORKERS);
    struct hayi_sched_config config = {
        .worker_max = m.workers,
        .workers_expected = m.workers,
        .seed = seed,
        .ahead_max = dice(2) == 0 ? 2 : 0,
        .straggler_permille = m.stragglers ? 1000 : 0,
        .infeasible_ns = 20000000,
    };
    m.sched = hayi_sched_new(&config);
    MUST(m.sched != NULL);
    hayi_actions_init(&m.actions);
    for (int i = 0; i < 20; i++) {
        submit_task();
    }
    for (uint32_t w = 0; w < m.workers; w++) {
        join(&m.hand[w]);
    }
    uint32_t length = 200 + dice(1500);
    for (uint32_t i = 0; i < length && !m.broken; i++) {
        something_happens();
    }
    if (dice(2) == 0) {
        run_out();
    }
    close_farm(m.cancelling || dice(3) == 0);
    run_out();
    dispatch();
    MUST(m.all_ended == 1);
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(m.sched, &stats);
    MUST(stats.pending + stats.ready + stats.handed_out + stats.running == 0);
    hayi_actions_fini(&m.actions);
    hayi_sched_free(m.sched);
}

static uint64_t seeds(void)
{
    const char *text = getenv("HAY_TEST_SEEDS");
    return text != NULL ? strtoull(text, NULL, 10) : 300;
}

static void each_task_ends_once(void)
{
    for (uint64_t seed = 1; seed <= seeds() && !m.broken; seed++) {
        run(seed, false);
    }
}

static void short_memory_loses_nothing(void)
{
    for (uint64_t seed = 1001; seed <= 1000 + seeds() && !m.broken; seed++) {
        run(seed, true);
    }
}

static void same_seed_same_actions(void)
{
    for (uint64_t seed = 1; seed <= 20 && !m.broken; seed++) {
        run(seed, false);
        uint64_t hash = m.hash;
        run(seed, false);
        CU_ASSERT_EQUAL(hash, m.hash);
    }
}

static CU_TestInfo tests[] = {
    {"each_task_ends_once", each_task_ends_once},
    {"short_memory_loses_nothing", short_memory_loses_nothing},
    {"same_seed_same_actions", same_seed_same_actions},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/random", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
